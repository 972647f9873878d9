"""The search for the failures nearest to the nominal design, where the density of failures is highest."""

from math import inf, log

import numpy as np

from circuitsnn.errors import InputError
from circuitsnn.study.rare_failures.margin import Circuit, Vector
from circuitsnn.study.rare_failures.mixture import Mixture

SCALES = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.0)
"""Factors of the standard deviation, when looking for failures. [-]"""
TOO_THIN = 300.0
"""Times the weight at the centres: a failure there makes the estimate untrustworthy. [-]"""
_WANTED = 25  # failures that make a search worth starting
_FAR = 2.0 * log(1000.0)  # excess of a squared distance at which the density is a thousandth of the nearest failure's
_CHECKED = 20  # failures with the largest weights that are looked at
_THIN = 30.0  # times the weight at the centres: a failure there becomes a centre


def find_shifts(
    circuit: Circuit, exploration: int, regions: int, pilot: int, rng: np.random.Generator
) -> tuple[Vector, float]:
    """Find the nearest failure in each direction in which there are failures.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    exploration : int
        Samples for each of the larger spreads. [-]
    regions : int
        Failures that are looked for, at most. [-]
    pilot : int
        Samples of a mixture about what was found, which show what was missed. [-]
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (regions, dimension)
        The failures. [standard deviations]
    float
        A spread that shows failures. [standard deviations]

    Raises
    ------
    InputError
        If the margin takes two values only.

    References
    ----------
    L. Dolecek, M. Qazi, D. Shah, A. Chandrakasan, Proc. Int. Conf. Computer-Aided Design (2008) 322-329,
    doi:10.1109/ICCAD.2008.4681593.
    """
    points, margins = np.zeros((1, circuit.dimension)), circuit(np.zeros(circuit.dimension))
    scale, finite = SCALES[-1], margins
    for scale in SCALES:
        drawn = scale * rng.standard_normal((exploration, circuit.dimension))
        points, margins = np.concatenate([points, drawn]), np.concatenate([margins, circuit(drawn)])
        finite = margins[np.isfinite(margins)]
        if (margins <= 0.0).sum() >= _WANTED:
            break
    if (margins <= 0.0).any() and len(np.unique(finite)) <= 2:
        raise InputError(
            "the margin takes two values only; allowed is a number that falls gradually towards failure (scaled_sigma "
            "needs no more than whether the circuit works)"
        )
    failing = points[margins <= 0.0]
    failing = failing[np.argsort(np.linalg.norm(failing, axis=1))]
    centres: list[Vector] = []
    unit = scatter_of(finite)
    for _ in range(2 * regions):
        if not len(failing) or len(centres) == regions:
            break
        start, failing = failing[0], failing[1:]
        centre = _nearest_failure(circuit, start, unit)
        if not all(_apart(centre, other) for other in centres):
            # The region of a centre that is known reaches farther than that centre's samples will: another one there.
            centre = _to_border(circuit, start)
        if not any(_behind(centre, other) for other in centres):
            centres.append(centre)
        failing = failing[[not any(_behind(point, other) for other in (*centres, start)) for point in failing]]
    if not centres:
        return np.zeros((0, circuit.dimension)), scale
    found = np.array(centres)
    squares = (found**2).sum(axis=1)
    found = found[squares - squares.min() <= _FAR]
    # Samples of the mixture itself show where a curved border leaves the centres.
    while len(found) < regions:
        mixture = Mixture(found, scale, pilot)
        drawn = mixture.draw(rng)
        missed = find_missed(circuit, mixture, drawn[circuit(drawn) <= 0.0], _THIN, unit)
        if missed is None:
            break
        found = np.concatenate([found, [missed]])
    return found, scale


def scatter_of(margins: Vector) -> float:
    """Give a size of the margin, by which the optimiser scales it.

    Parameters
    ----------
    margins : ndarray
        Margins; infinite ones do not count. [as the function's]

    Returns
    -------
    float
        Their standard deviation, or one where they are all alike. [as the function's]
    """
    return float(np.std(margins[np.isfinite(margins)])) or 1.0


def _behind(point: Vector, centre: Vector) -> bool:
    """Whether a failure may belong to a centre's region: it lies on the far side of a plane before the centre."""
    return bool(point @ centre >= 0.9 * (centre @ centre))


def _apart(one: Vector, other: Vector) -> bool:
    return bool(np.linalg.norm(one - other) > 0.5)


def _nearest_failure(circuit: Circuit, start: Vector, unit: float) -> Vector:
    """Find the failure nearest to the origin, from one failure: sequential quadratic programming, and bisection."""
    from scipy.optimize import minimize

    seen: list[tuple[float, Vector]] = [(float(np.linalg.norm(start)), start)]

    def ask(points: Vector) -> Vector:
        margins = circuit(points)
        seen.extend(
            (float(np.linalg.norm(point)), point)
            for point, margin in zip(np.atleast_2d(points), margins, strict=True)
            if margin <= 0.0
        )
        return np.where(np.isfinite(margins), margins, 10.0 * unit) / unit

    step = 0.02

    def slope(point: Vector) -> Vector:
        beside = np.concatenate([point + step * np.eye(len(point)), point - step * np.eye(len(point))])
        margins = ask(beside)
        return -(margins[: len(point)] - margins[len(point) :]) / (2.0 * step)

    minimize(
        lambda point: 0.5 * float(point @ point),
        _to_border(circuit, start),
        jac=lambda point: point,
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda point: -float(ask(point)[0]), "jac": slope},
        options={"maxiter": 30, "ftol": 1e-3},
    )
    # The optimiser may end beside the border, or lost on a rough margin: what counts is the nearest failure it met.
    return _to_border(circuit, min(seen, key=lambda pair: pair[0])[1])


def _to_border(circuit: Circuit, failure: Vector) -> Vector:
    """Go from a failure towards the origin as far as the circuit fails."""
    works, fails = 0.0, 1.0
    for _ in range(8):
        middle = 0.5 * (works + fails)
        works, fails = (works, middle) if circuit(middle * failure)[0] <= 0.0 else (middle, fails)
    return fails * failure


def find_missed(circuit: Circuit, mixture: Mixture, failures: Vector, limit: float, unit: float) -> Vector | None:
    """Find a failure near enough to count where a mixture's samples are thin.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    mixture : Mixture
        The mixture.
    failures : ndarray, shape (failures, dimension)
        Failures among its samples. [standard deviations]
    limit : float
        Thin is where a sample weighs so many times as much as one at the centres. [-]
    unit : float
        Size of the margin, from `scatter_of`. [as the function's]

    Returns
    -------
    ndarray, shape (dimension,), or None
        The failure; None if there is none.
    """
    if not len(failures):
        return None
    order = np.argsort(mixture.log_weights(failures))[::-1]
    found = [_to_border(circuit, point) for point in failures[order[:_CHECKED]]]
    farthest = max(found, key=lambda point: mixture.log_weights(point[None])[0])
    # A region that was overlooked is thinnest at its nearest point; one that is known leads back to its centre.
    borders = np.array([_nearest_failure(circuit, farthest, unit), *found])
    near = (borders**2).sum(axis=1) - (mixture.centres**2).sum(axis=1).min() <= _FAR
    usual = np.median(mixture.log_weights(mixture.centres))
    excess = np.where(near, mixture.log_weights(borders) - usual, -inf)
    thin = np.flatnonzero(excess > log(limit))
    return borders[thin[0] if thin[:1] == 0 else excess.argmax()] if len(thin) else None
