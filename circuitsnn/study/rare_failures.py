"""Failures too rare to be seen among chips drawn as they are: importance sampling and scaled-sigma sampling.

A circuit is a function of a vector of independent standard normal variables, or of the devices of a card. It returns
its *margin*, which is zero or negative where the circuit fails.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp, inf, log, nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError, StudyError
from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.status import Status
from circuitsnn.study.card_space import CardSpace
from circuitsnn.study.executors import Executor, Task, open_executor
from circuitsnn.study.sweep import sweep

__all__ = ["ImportanceSampling", "ScaledSigma", "draw_scaled_sigma", "importance_sampling", "scaled_sigma"]

Vector = NDArray[np.float64]

_SCALES = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.0)  # of the standard deviation, when looking for failures
_WANTED = 25  # failures that make a search worth starting
_EXISTENCE = 100_000  # draws that tell how many devices of a card can exist
_ENOUGH = 100.0  # effective failures below which the interval is not to be trusted
_DOMINANT = 0.2  # share of the estimate above which one single failure makes it untrustworthy


@dataclass(frozen=True, eq=False)
class ImportanceSampling:
    """Probability of a rare failure, from samples drawn where the circuit fails."""

    probability: float
    """Probability of failure. [-]"""
    low: float
    """Lower end of its interval. [-]"""
    high: float
    """Upper end of its interval. [-]"""
    confidence: float
    """Confidence level of the interval. [-]"""
    effective_failures: float
    """Kish's effective number of failures among the samples, (sum w)^2 / sum w^2. [-]"""
    shifts: Vector
    """Failures nearest to the nominal design, one a region, shape (regions, dimension). [standard deviations]"""
    points: Vector
    """Samples, shape (trials, dimension). [standard deviations]"""
    margins: Vector
    """Margin of each sample. [as the function's]"""
    weights: Vector
    """Density of each sample over that with which it was drawn. [-]"""
    evaluations: int
    """Calls of the function, the search included. [-]"""
    existing: float
    """Share of drawn points whose devices could exist, which the probability refers to. [-]"""
    status: Status
    """Whether the answer can be used, and what to do if not."""

    @property
    def sigma(self) -> float:
        """Limit that a standard normal variable exceeds with the same probability."""
        return _sigma_level(self.probability)

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the answer.

        Returns
        -------
        pandas.DataFrame
            One row.
        """
        return _row(
            self,
            effective_failures=self.effective_failures,
            regions=len(self.shifts),
            distance=float(np.linalg.norm(self.shifts, axis=1).min()) if len(self.shifts) else nan,
            trials=len(self.points),
        )


@dataclass(frozen=True, eq=False)
class ScaledSigma:
    """Probability of a rare failure, extrapolated from larger spreads."""

    probability: float
    """Probability of failure at the actual spread. [-]"""
    low: float
    """Lower end of its interval, for sampling errors only: the law may err as well. [-]"""
    high: float
    """Upper end of its interval. [-]"""
    confidence: float
    """Confidence level of the interval. [-]"""
    scales: Vector
    """Factors by which all standard deviations were multiplied. [-]"""
    trials: NDArray[np.int64]
    """Samples at each scale. [-]"""
    failures: NDArray[np.int64]
    """Failures among them. [-]"""
    coefficients: Vector
    """alpha, beta and gamma of log P(s) = alpha + beta log(s) + gamma / s^2. [-]"""
    misfit: float
    """Probability that the law, if true, would fit the failures worse than it does. [-]"""
    evaluations: int
    """Calls of the function, the choice of scales included. [-]"""
    status: Status
    """Whether the answer can be used, and what to do if not."""

    @property
    def sigma(self) -> float:
        """Limit that a standard normal variable exceeds with the same probability."""
        return _sigma_level(self.probability)

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the answer.

        Returns
        -------
        pandas.DataFrame
            One row.
        """
        alpha, beta, gamma = self.coefficients
        return _row(self, alpha=alpha, beta=beta, gamma=gamma, misfit=self.misfit, trials=int(self.trials.sum()))


def _sigma_level(probability: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(probability))


def _row(found: ImportanceSampling | ScaledSigma, **more: float) -> pd.DataFrame:
    first = {name: getattr(found, name) for name in ("probability", "low", "high", "confidence", "sigma")}
    return pd.DataFrame([first | more | {"evaluations": found.evaluations, "status": str(found.status)}])


@dataclass(frozen=True)
class _AtPoint:
    """A margin as a sweep calls it."""

    margin: Callable[[Any], float]
    space: int | CardSpace
    points: Vector

    def __call__(self, point: int) -> float:
        return self.at(self.points[point])

    def at(self, point: Vector) -> float:
        given = self.space.devices(point) if isinstance(self.space, CardSpace) else point
        return float(self.margin(given))


@dataclass
class _Circuit:
    """The margin at points; counts its calls."""

    margin: Callable[[Any], float]
    space: int | CardSpace
    workers: Executor
    calls: int = 0
    nearest: dict[bytes, float] = field(default_factory=dict)

    @property
    def dimension(self) -> int:
        return self.space.dimension if isinstance(self.space, CardSpace) else self.space

    def exist(self, points: Vector) -> NDArray[np.bool_]:
        if isinstance(self.space, CardSpace):
            return self.space.exist(points)
        return np.ones(len(points), dtype=bool)

    def __call__(self, points: ArrayLike) -> Vector:
        """Give the margins of points, infinite where the devices could not exist: such chips are not made."""
        points = np.atleast_2d(points)
        margins = np.full(len(points), inf)
        function = _AtPoint(self.margin, self.space, points).at
        tasks = [Task(int(k), points[k]) for k in np.flatnonzero(self.exist(points))]
        for done in self.workers.run(function, tasks):
            if done.status != "ok":
                raise StudyError(
                    f"the margin at {_shown(points[done.number])} failed: {done.error}"
                ) from done.exception
            margins[done.number] = done.value
        return self._counted(points, margins, len(tasks))

    def kept(self, points: Vector, seed: int, store: str | os.PathLike | None) -> Vector:
        """Give the margins of many points, each kept in the store, if there is one, from the moment it is there."""
        if store is None:
            return self(points)
        margins = np.full(len(points), inf)
        exist = np.flatnonzero(self.exist(points))
        function = _AtPoint(self.margin, self.space, points)
        frame = sweep(function, {"point": exist.tolist()}, seed=seed, executor=self.workers, store=store)
        bad = frame[~frame["status"].isin(("ok", "not a number"))]
        if len(bad):
            first = bad.iloc[0]
            raise StudyError(
                f"the margin of {len(bad)} of {len(frame)} samples failed, first at "
                f"{_shown(points[int(first['point'])])}: {first['error']}"
            )
        margins[exist] = frame["value"].to_numpy(dtype=float)
        return self._counted(points, margins, len(exist))

    def _counted(self, points: Vector, margins: Vector, calls: int) -> Vector:
        self.calls += calls
        lost = np.flatnonzero(np.isnan(margins))
        if len(lost):
            raise StudyError(
                f"the margin at {_shown(points[lost[0]])} is not a number; return a negative one where the circuit "
                "fails, and a positive one where it works"
            )
        return margins


def _shown(point: Vector) -> str:
    text = ", ".join(f"{value:.4g}" for value in point[:8])
    return f"({text}{', ...' if len(point) > 8 else ''})"


def importance_sampling(
    margin: Callable[[Any], float],
    space: int | CardSpace,
    *,
    trials: int = 4000,
    exploration: int = 400,
    regions: int = 6,
    shifts: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    jobs: int = 1,
    executor: str | Executor | None = None,
    store: str | os.PathLike | None = None,
) -> ImportanceSampling:
    """Estimate the probability of a rare failure by drawing samples where the circuit fails.

    Samples with larger and larger spreads find first failures; from these, the failure nearest to the nominal design is
    sought (norm minimisation), once in each direction in which there are failures. The samples then come from a mixture
    of normal distributions about these points, and one sample in ten from a wide one about the nominal design, which
    finds what the search has missed. Each failure counts with the density p of the actual spreads over that of the
    whole mixture, q: P = mean of p/q over the samples, zero where the circuit works. The interval is the normal one
    of log P.

    Parameters
    ----------
    margin : callable
        Function of a vector, shape (dimension,), or of the devices that `CardSpace.devices` gives; it returns a number
        which is zero or negative where the circuit fails, and which falls gradually towards that.
    space : int or CardSpace
        Dimension of the vector of independent standard normal variables, or the devices.
    trials : int
        Samples after the search. [-]
    exploration : int
        Samples for each of the larger spreads. [-]
    regions : int
        Failure regions that are looked for, at most. [-]
    shifts : array_like, shape (regions, dimension), optional
        Centres of the mixture, in place of the search. [standard deviations]
    confidence : float
        Confidence level of the interval. [-]
    seed : int
        Seed of all randomness.
    jobs, executor
        As in `circuitsnn.study.sweep.sweep`.
    store : path-like, optional
        File that keeps the samples after the search; the same call goes on from it, after the same search.

    Returns
    -------
    ImportanceSampling
        The probability. For a card it is that among the devices that could exist.

    Raises
    ------
    InputError
        If an argument is wrong, or the margin takes two values only.
    StudyError
        If the margin raises or is not a number.

    References
    ----------
    R. Kanj, R. Joshi, S. Nassif, Proc. Design Automation Conf. (2006) 69-72, doi:10.1145/1146909.1146930 (mixture);
    L. Dolecek, M. Qazi, D. Shah, A. Chandrakasan, Proc. Int. Conf. Computer-Aided Design (2008) 322-329,
    doi:10.1109/ICCAD.2008.4681593 (norm minimisation); A. Owen, Y. Zhou, J. Am. Stat. Assoc. 95 (2000) 135-143,
    doi:10.1080/01621459.2000.10473909 (one density for the whole mixture).
    """
    _check_space(space)
    for name, value, least in (("trials", trials, 100), ("exploration", exploration, 10), ("regions", regions, 1)):
        whole_number(name, value, least)
    _check_confidence(confidence)
    search_seed, draw_seed, exist_seed = np.random.SeedSequence(whole_number("seed", seed, 0)).spawn(3)
    with open_executor(executor, jobs) as workers:
        circuit = _Circuit(margin, space, workers)
        if shifts is None:
            centres, scale = _find_shifts(circuit, exploration, regions, np.random.default_rng(search_seed))
        else:
            centres, scale = _read_shifts(shifts, circuit.dimension), 3.0
        existing = _existing(circuit, np.random.default_rng(exist_seed))
        if not len(centres):
            return _nothing_found(circuit, confidence, existing, exploration)
        points, strata = _mixed(centres, scale, trials, np.random.default_rng(draw_seed))
        margins = circuit.kept(points, seed, store)
    weights = np.exp(_log_normal(points) - _log_mixture(points, centres, scale, strata))
    return _estimate(circuit, centres, points, strata, margins, weights, confidence, existing)


def _check_space(space: int | CardSpace) -> None:
    if not isinstance(space, CardSpace):
        whole_number("space", space, 1)


def _check_confidence(confidence: float) -> None:
    if isinstance(confidence, (bool, str)) or not 0.0 < confidence < 1.0:
        raise InputError(f"confidence is {confidence!r}; allowed is a number between 0 and 1, both excluded")


def _read_shifts(shifts: ArrayLike, dimension: int) -> Vector:
    centres = np.atleast_2d(np.array(shifts, dtype=float))
    if centres.ndim != 2 or centres.shape[1] != dimension or not np.isfinite(centres).all():
        raise InputError(f"shifts have the shape {centres.shape}; allowed are rows of {dimension} finite numbers")
    return centres


def _existing(circuit: _Circuit, rng: np.random.Generator) -> float:
    if not isinstance(circuit.space, CardSpace):
        return 1.0
    block = max(1, 1_000_000 // circuit.dimension)
    counts = [
        circuit.exist(rng.standard_normal((min(block, _EXISTENCE - start), circuit.dimension))).sum()
        for start in range(0, _EXISTENCE, block)
    ]
    return float(sum(counts) / _EXISTENCE)


def _find_shifts(circuit: _Circuit, exploration: int, regions: int, rng: np.random.Generator) -> tuple[Vector, float]:
    """Find the nearest failure in each direction in which there are failures, and a spread that shows failures."""
    points, margins = np.zeros((1, circuit.dimension)), circuit(np.zeros(circuit.dimension))
    scale, finite = _SCALES[-1], margins
    for scale in _SCALES:
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
    unit = float(np.std(finite)) or 1.0
    for _ in range(2 * regions):
        if not len(failing) or len(centres) == regions:
            break
        start, failing = failing[0], failing[1:]
        centre = _nearest_failure(circuit, start, unit)
        if all(_apart(centre, other) for other in centres):
            centres.append(centre)
        failing = failing[[not _behind(point, centre) for point in failing]] if len(failing) else failing
    if not centres:
        return np.zeros((0, circuit.dimension)), scale
    found = np.array(centres)
    # A region with a thousandth of the nearest one's density adds nothing but samples.
    squares = (found**2).sum(axis=1)
    return found[squares - squares.min() <= 2.0 * log(1000.0)], scale


def _behind(point: Vector, centre: Vector) -> bool:
    """Whether a failure may belong to a centre's region: it lies on the far side of a plane before the centre."""
    return bool(point @ centre >= 0.7 * (centre @ centre))


def _apart(one: Vector, other: Vector) -> bool:
    return bool(np.linalg.norm(one - other) > 0.5)


def _nearest_failure(circuit: _Circuit, start: Vector, unit: float) -> Vector:
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


def _to_border(circuit: _Circuit, failure: Vector) -> Vector:
    """Go from a failure towards the origin as far as the circuit fails."""
    works, fails = 0.0, 1.0
    for _ in range(8):
        middle = 0.5 * (works + fails)
        works, fails = (works, middle) if circuit(middle * failure)[0] <= 0.0 else (middle, fails)
    return fails * failure


def _mixed(centres: Vector, scale: float, trials: int, rng: np.random.Generator) -> tuple[Vector, NDArray[np.int64]]:
    """Draw samples about the centres, and one in ten widely about the origin; give the number of each."""
    wide = trials // 10
    share, rest = divmod(trials - wide, len(centres))
    strata = np.array([share + (k < rest) for k in range(len(centres))] + [wide])
    points = rng.standard_normal((trials, centres.shape[1]))
    ends = np.cumsum(strata)
    for centre, first, last in zip(centres, [0, *ends[:-2]], ends[:-1], strict=True):
        points[first:last] += centre
    points[ends[-2] :] *= scale
    return points, strata


def _log_normal(points: Vector) -> Vector:
    # The factor (2 pi)^(-d/2) is left out of all densities.
    return -0.5 * (points**2).sum(axis=1)


def _log_mixture(points: Vector, centres: Vector, scale: float, strata: NDArray[np.int64]) -> Vector:
    from scipy.special import logsumexp

    parts = [_log_normal(points - centre) for centre in centres]
    parts.append(_log_normal(points / scale) - points.shape[1] * log(scale))
    return logsumexp(np.array(parts), axis=0, b=(strata / strata.sum())[:, None])


def _estimate(
    circuit: _Circuit,
    centres: Vector,
    points: Vector,
    strata: NDArray[np.int64],
    margins: Vector,
    weights: Vector,
    confidence: float,
    existing: float,
) -> ImportanceSampling:
    from scipy.stats import norm

    parts = np.where(margins <= 0.0, weights, 0.0)
    total = parts.sum()
    effective = float(total**2 / (parts**2).sum()) if total > 0.0 else 0.0
    mean = float(total / len(parts))
    # The number of samples of each part of the mixture is fixed, so only the scatter within each part counts.
    variance = (
        sum(len(part) * float(part.var(ddof=1)) for part in np.split(parts, np.cumsum(strata)[:-1]) if len(part) > 1)
        / len(parts) ** 2
    )
    reach = float(norm.isf(0.5 - 0.5 * confidence)) * sqrt(variance) / mean if mean > 0.0 else inf
    probability = mean / existing
    return ImportanceSampling(
        probability=probability,
        low=probability * exp(-reach) if mean > 0.0 else 0.0,
        high=min(1.0, probability * exp(min(reach, 700.0))) if mean > 0.0 else 1.0,
        confidence=confidence,
        effective_failures=effective,
        shifts=centres,
        points=points,
        margins=margins,
        weights=weights,
        evaluations=circuit.calls,
        existing=existing,
        status=_judged(parts, effective),
    )


def _judged(parts: Vector, effective: float) -> Status:
    if parts.max() > _DOMINANT * parts.sum() or not parts.any():
        share = 100.0 * parts.max() / parts.sum() if parts.any() else 100.0
        return Status(
            "not accurate",
            f"one sample makes {share:.0f} % of the estimate: there are failures where the search found none; raise "
            "exploration, regions or trials, or compare with scaled_sigma",
        )
    if effective < _ENOUGH:
        return Status("not accurate", f"the samples are worth {effective:.0f} failures only; raise trials")
    return Status("settled")


def _nothing_found(circuit: _Circuit, confidence: float, existing: float, exploration: int) -> ImportanceSampling:
    empty = np.zeros((0, circuit.dimension))
    return ImportanceSampling(
        probability=0.0,
        low=0.0,
        high=1.0,
        confidence=confidence,
        effective_failures=0.0,
        shifts=empty,
        points=empty,
        margins=np.zeros(0),
        weights=np.zeros(0),
        evaluations=circuit.calls,
        existing=existing,
        status=Status(
            "not accurate",
            f"no failure among {exploration} samples each of up to {_SCALES[-1]:g} times the spread; raise "
            "exploration, or give shifts",
        ),
    )


def scaled_sigma(
    margin: Callable[[Any], float],
    space: int | CardSpace,
    *,
    trials: int = 20_000,
    scales: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    jobs: int = 1,
    executor: str | Executor | None = None,
    store: str | os.PathLike | None = None,
) -> ScaledSigma:
    """Estimate the probability of a rare failure from how it falls when larger spreads are made smaller.

    All standard deviations are multiplied by s, the failures of several s are counted, and the law
    log P(s) = alpha + beta log(s) + gamma / s^2 is fitted to them (least squares with the weights of binomial counts)
    and extrapolated to s = 1. There is no search that could miss a region, and nothing depends on the number of
    variables, but both the sampling error and the law's own error are a multiple of those of importance sampling.

    Parameters
    ----------
    margin : callable
        Function of a vector, shape (dimension,), or of the devices that `CardSpace.devices` gives; it returns a number
        which is zero or negative where the circuit fails, or whether it works.
    space : int or CardSpace
        Dimension of the vector of independent standard normal variables, or the devices.
    trials : int
        Samples of all scales together; the smaller ones, where failures are rare, get more. [-]
    scales : array_like, optional
        Factors > 1, four or more; without them, six that make between 0.4 and 30 % of the samples fail. [-]
    confidence : float
        Confidence level of the interval. [-]
    seed : int
        Seed of all randomness.
    jobs, executor
        As in `circuitsnn.study.sweep.sweep`.
    store : path-like, optional
        File that keeps the samples; the same call goes on from it, after the same choice of scales.

    Returns
    -------
    ScaledSigma
        The probability. For a card it is that among the devices that could exist, at each scale.

    Raises
    ------
    InputError
        If an argument is wrong.
    StudyError
        If the margin raises or is not a number.

    References
    ----------
    S. Sun, X. Li, H. Liu, K. Luo, B. Gu, IEEE Trans. Computer-Aided Design 34 (2015) 1096-1109; first in Proc. Int.
    Conf. Computer-Aided Design (2013) 478-485, doi:10.1109/ICCAD.2013.6691160.
    """
    _check_space(space)
    whole_number("trials", trials, 100)
    _check_confidence(confidence)
    pilot_seed, draw_seed = np.random.SeedSequence(whole_number("seed", seed, 0)).spawn(2)
    with open_executor(executor, jobs) as workers:
        circuit = _Circuit(margin, space, workers)
        if scales is None:
            factors, rates = _choose_scales(circuit, np.random.default_rng(pilot_seed))
        else:
            factors = _read_scales(scales)
            rates = np.geomspace(0.004, 0.3, len(factors))
        if not len(factors):
            return _nothing_scaled(circuit, confidence)
        shares = 1.0 / np.sqrt(rates)
        counts = np.maximum(20, trials * shares / shares.sum()).astype(int)
        points = np.random.default_rng(draw_seed).standard_normal((counts.sum(), circuit.dimension))
        points *= np.repeat(factors, counts)[:, None]
        margins = circuit.kept(points, seed, store)
    made = circuit.exist(points)
    level = np.repeat(np.arange(len(factors)), counts)
    tried = np.bincount(level[made], minlength=len(factors))
    failures = np.bincount(level[margins <= 0.0], minlength=len(factors))
    return _extrapolate(factors, tried, failures, confidence, circuit.calls)


def _read_scales(scales: ArrayLike) -> Vector:
    factors = np.unique(np.array(scales, dtype=float))
    if factors.ndim != 1 or len(factors) < 4 or not np.isfinite(factors).all() or factors[0] <= 1.0:
        raise InputError(f"scales are {scales!r}; allowed are four different numbers > 1 or more")
    return factors


def _choose_scales(circuit: _Circuit, rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Choose scales at which from 0.4 to 30 % of the samples fail, from a few samples at each of many."""
    samples = 200
    factors = np.geomspace(1.25, 10.0, 10)
    rates = np.array(
        [(circuit(factor * rng.standard_normal((samples, circuit.dimension))) <= 0.0).mean() for factor in factors]
    )
    seen = rates * samples >= 3
    if not seen.any():
        return np.zeros(0), np.zeros(0)
    rates = np.maximum.accumulate(rates)
    low, high = (_scale_at(rate, factors[seen], rates[seen]) for rate in (0.004, 0.3))
    chosen = np.geomspace(max(1.1, low), max(1.5 * max(1.1, low), high), 6)
    return chosen, np.geomspace(0.004, 0.3, 6)


def _scale_at(rate: float, factors: Vector, rates: Vector) -> float:
    """Find the scale of a failure rate: log P is nearly a straight line over 1/s^2."""
    if len(factors) == 1 or rates[0] == rates[-1]:
        return float(factors[0] if rate <= rates[0] else 1.5 * factors[0])
    inverse, logs = factors**-2.0, np.log(rates)
    if log(rate) < logs[0]:
        first = min(3, len(factors))
        slope, start = np.polyfit(inverse[:first], logs[:first], 1)
        return float((max(1e-3, (log(rate) - start) / slope)) ** -0.5) if slope < 0.0 else float(factors[0])
    return float(np.interp(log(rate), logs, factors))


def _nothing_scaled(circuit: _Circuit, confidence: float) -> ScaledSigma:
    empty = np.zeros(0, dtype=int)
    advice = "no failures among samples of up to 10 times the spread; give larger scales"
    status = Status("not accurate", advice)
    return ScaledSigma(
        0.0, 0.0, 1.0, confidence, np.zeros(0), empty, empty, np.full(3, nan), nan, circuit.calls, status
    )


def _extrapolate(
    scales: Vector, trials: NDArray[np.int64], failures: NDArray[np.int64], confidence: float, calls: int
) -> ScaledSigma:
    from scipy.stats import chi2, norm

    used = (failures >= 5) & (failures < trials)
    coefficients, misfit = np.full(3, nan), nan
    probability, low, high = 0.0, 0.0, 1.0
    status = Status(
        "not accurate", "fewer than four scales have five failures or more; raise trials, or give larger scales"
    )
    if used.sum() >= 4:
        rates = failures[used] / trials[used]
        # Of a binomial count, log P has the variance (1 - P) / (n P).
        root = np.sqrt(trials[used] * rates / (1.0 - rates))
        design = np.stack([np.ones(used.sum()), np.log(scales[used]), scales[used] ** -2.0], axis=1) * root[:, None]
        coefficients, *_ = np.linalg.lstsq(design, np.log(rates) * root, rcond=None)
        residual = float(((np.log(rates) * root - design @ coefficients) ** 2).sum())
        misfit = float(chi2.sf(residual, used.sum() - 3))
        at_one = np.array([1.0, 0.0, 1.0])
        error = sqrt(float(at_one @ np.linalg.inv(design.T @ design) @ at_one))
        middle = float(at_one @ coefficients)
        reach = float(norm.isf(0.5 - 0.5 * confidence)) * error
        probability, low, high = (min(1.0, exp(min(end, 0.0))) for end in (middle, middle - reach, middle + reach))
        status = _judged_law(misfit, error)
    return ScaledSigma(
        probability, low, high, confidence, scales, trials, failures, coefficients, misfit, calls, status
    )


def _judged_law(misfit: float, error: float) -> Status:
    if misfit < 0.01:
        return Status(
            "not accurate", "the law does not fit the failures; give smaller scales, or use importance_sampling"
        )
    if error > log(10.0):
        return Status(
            "not accurate", f"the standard error is a factor of {exp(error):.2g}; raise trials, with its square"
        )
    return Status("settled")


def draw_scaled_sigma(found: ScaledSigma) -> Figure:
    """Draw the probability of failure against the scale of the spreads, and its extrapolation.

    Parameters
    ----------
    found : ScaledSigma
        What `scaled_sigma` found.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    InputError
        If nothing was fitted.
    """
    from circuitsnn.study.yields import wilson

    if np.isnan(found.coefficients).any():
        raise InputError("there is no law to draw: nothing was fitted")
    rates = found.failures / found.trials
    ends = np.array([wilson(int(k), int(n)) for k, n in zip(found.failures, found.trials, strict=True)])
    shown = found.failures > 0
    alpha, beta, gamma = found.coefficients
    scales = np.geomspace(1.0, found.scales.max(), 100)
    reach = [[found.probability - found.low], [found.high - found.probability]]
    with house_style():
        figure, axes = new_figure()
        axes.plot(scales, np.exp(alpha + beta * np.log(scales) + gamma / scales**2), color=PALETTE[6], label="law")
        axes.errorbar(
            found.scales[shown],
            rates[shown],
            np.abs(ends[shown].T - rates[shown]),
            linestyle="",
            marker="o",
            color=PALETTE[0],
            label="sampled",
        )
        axes.errorbar(1.0, found.probability, reach, marker="D", color=PALETTE[1], linestyle="", label="extrapolated")
        axes.set(yscale="log", xlabel="Spread over the actual one [-]", ylabel="Probability of failure [-]")
        axes.legend(loc="lower right")
    return figure
