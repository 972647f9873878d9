"""Least squares of card parameters: their coordinates, the solution, and what the data do not identify."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import OptimizeResult, least_squares
from scipy.stats import t

from circuitsnn.cards import Card
from circuitsnn.quantities import show_quantity

Residuals = Callable[[np.ndarray], np.ndarray]
Form = Literal["logarithm", "inverse", "linear"]

CONFIDENCE = 0.95
WEAK = 1.0  # relative standard error beyond which the data are said not to identify a combination of parameters
SINGULAR = 1e-10  # of the largest effect: a combination with less leaves the data unchanged
_FIRST_STEP, _SHORTEST_STEP, _LONGEST_STEP = 1e-7, 1e-11, 1e-4  # of a coordinate, for derivatives
_TIED = 0.03  # of the strongest parameter in a combination
_MORE = 20  # evaluations, to see whether they still gain anything
_NEGLIGIBLE = 0.05  # of a sample's variance: what the sum of squares may still fall by


def _share(form: Form, coordinate: float) -> float:
    """Parameter over its unit, from its coordinate."""
    if form == "linear":
        return coordinate
    if form == "inverse":
        return 1.0 / coordinate if coordinate > 0.0 else np.inf
    return float(np.exp(min(coordinate, 300.0)))  # the end of an interval may lie anywhere


def _coordinate(form: Form, share: float) -> float:
    """Coordinate of a parameter, from its share of the unit."""
    if form == "linear":
        return share
    return 1.0 / share if form == "inverse" else float(np.log(share))


@dataclass(frozen=True)
class Coordinates:
    """Free parameters as the solver sees them, so that the model is about linear in each."""

    names: tuple[str, ...]
    """Names of the parameters."""
    forms: tuple[Form, ...]
    """What each coordinate is of the parameter's share of its unit: the logarithm, the inverse, or the share itself."""
    units: tuple[float, ...]
    """Value of each where its logarithm is 0 or its share is 1. [SI]"""
    lower: np.ndarray
    """Lower bounds of the coordinates."""
    upper: np.ndarray
    """Upper bounds of the coordinates."""
    least_large: np.ndarray
    """Least change of each coordinate that is a large one."""
    known_first: tuple[str, ...]
    """Who is taken as known first where the data do not tell several parameters apart: all that may be free."""

    def of_values(self, values: Mapping[str, float]) -> np.ndarray:
        """Give the coordinates of parameter values. [SI]."""
        triples = zip(self.names, self.forms, self.units, strict=True)
        x = np.array([_coordinate(form, values[name] / unit) for name, form, unit in triples], dtype=float)
        return np.clip(x, self.lower, self.upper)

    def values(self, x: np.ndarray) -> dict[str, float]:
        """Give the parameter values at coordinates. [SI]."""
        inside = np.clip(x[: len(self.names)], self.lower, self.upper)
        each = zip(self.names, self.forms, self.units, inside, strict=True)
        return {name: float(unit * _share(form, one)) for name, form, unit, one in each}

    def ends(self, x: np.ndarray, widths: np.ndarray) -> dict[str, tuple[float, float]]:
        """Give the intervals of the parameters that reach some widths about coordinates. [SI]."""
        found = {}
        for index, (name, form, unit) in enumerate(zip(self.names, self.forms, self.units, strict=True)):
            low, high = x[index] - widths[index], x[index] + widths[index]
            if form != "logarithm":
                low = max(low, 0.0 if form == "inverse" else self.lower[index])
            ends = unit * _share(form, low), unit * _share(form, high)
            found[name] = float(min(ends)), float(max(ends))
        return found

    def slopes(self, x: np.ndarray) -> np.ndarray:
        """Differentiate the parameters by their coordinates, regardless of sign. [SI]."""
        slopes = {"linear": lambda one: 1.0, "inverse": lambda one: one**-2.0, "logarithm": np.exp}
        return np.array([unit * slopes[form](one) for form, unit, one in zip(self.forms, self.units, x, strict=False)])

    def large(self, x: np.ndarray) -> np.ndarray:
        """Change of each coordinate that is a large one: of a share by itself, or by the least if that is more.

        Where the data show no bend, noise looks like one with a relative error of about a half.
        """
        logarithms = np.array([form == "logarithm" for form in self.forms], dtype=bool)
        return np.where(logarithms, self.least_large, np.maximum(np.abs(x[: len(self.names)]), self.least_large))

    def to_hold(self, direction: np.ndarray) -> str:
        """Choose the parameter to take as known where a combination of them is not identified."""
        weights = np.abs(direction)
        strong = [name for name, weight in zip(self.names, weights, strict=True) if weight >= 0.3 * weights.max()]
        return min(strong, key=self.known_first.index)

    def in_words(self, direction: np.ndarray) -> str:
        """Say in words what a combination of parameters changes: "R_S, R_ins up and C_P down"."""
        signed = direction * np.array([-1.0 if form == "inverse" else 1.0 for form in self.forms])
        weights = signed / np.abs(signed).max() * np.sign(signed[self.names.index(self.to_hold(direction))])
        up = [name for name, weight in zip(self.names, weights, strict=True) if weight >= 0.1]
        down = [name for name, weight in zip(self.names, weights, strict=True) if weight <= -0.1]
        return f"{', '.join(up)} up" + (f" and {', '.join(down)} down" if down else "")

    def weakness(self, direction: np.ndarray, error: float) -> str:
        """Say in words why a combination of parameters is not identified."""
        words = self.in_words(direction)
        if error == np.inf:
            return f"the data stay the same with {words}"
        return f"the data leave {words} uncertain by {100 * error:.0f} %"

    def tie_remark(self, direction: np.ndarray, held: str, card: Card) -> list[str]:
        """Say whose intervals rest on the value of a parameter that was held for want of information."""
        weights = np.abs(direction)
        pairs = zip(self.names, weights, strict=True)
        tied = [name for name, weight in pairs if name != held and weight >= _TIED * weights.max()]
        if not tied:
            return []
        value = show_quantity(getattr(card, held), card.parameters[held].unit)
        return [f"the data tie {', '.join(tied)} to {held}: the intervals hold for {held} = {value}"]


@dataclass(frozen=True)
class Solution:
    """Where least squares ended."""

    x: np.ndarray
    """Coordinates."""
    residuals: np.ndarray
    """Residuals there."""
    jacobian: np.ndarray
    """Their derivatives by the coordinates."""
    settled: bool
    """Whether the solver found a minimum within its limit of evaluations."""
    bounded: np.ndarray
    """Which coordinates ended at a bound."""
    trouble: str = ""
    """What to do about it, where the minimum cannot be the one that was looked for."""


def solve(
    residuals: Residuals,
    start: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    change: float,
    *,
    evaluations: int = 100,
    tolerance: float = 1e-9,
) -> Solution:
    """Minimise a sum of squares within bounds, with derivatives by central differences.

    Parameters
    ----------
    residuals : callable
        From coordinates to residuals.
    start, lower, upper : ndarray
        Starting point and bounds.
    change : float
        Largest change of a residual that a difference may rest on: the steps are chosen for it. A residual with a
        kink, as a waveform has one at each switching, has no derivative within a step of it, and few such samples
        suffice to hide how little the data say of some combination of parameters.
    evaluations : int
        Largest number of evaluations, those for derivatives apart.
    tolerance : float
        Relative change of the sum of squares, or of the coordinates, at which to stop.

    Returns
    -------
    Solution
        The minimum, or where the evaluations ended.
    """
    steps = np.full(len(start), _FIRST_STEP)

    def difference(x: np.ndarray, index: int) -> np.ndarray:
        ends = []
        for side in (-1.0, 1.0):
            moved = x.copy()
            moved[index] = min(max(x[index] + side * steps[index], lower[index]), upper[index])
            ends.append((moved[index], residuals(moved)))
        return (ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0])

    def jacobian(x: np.ndarray) -> np.ndarray:
        columns = []
        for index in range(len(x)):
            for _ in range(3):
                column = difference(x, index)
                largest = float(np.abs(column).max())
                suitable = min(max(change / max(largest, 1e-300), _SHORTEST_STEP), _LONGEST_STEP)
                fits = 0.1 < steps[index] / suitable < 3.0
                steps[index] = suitable
                if fits:
                    break
            columns.append(column)
        return np.stack(columns, axis=1)

    def minimise(x: np.ndarray, evaluations: int) -> OptimizeResult:
        limits = {"ftol": tolerance, "xtol": tolerance, "gtol": tolerance}
        return least_squares(
            residuals, x, jac=jacobian, bounds=(lower, upper), x_scale="jac", max_nfev=evaluations, **limits
        )

    found = minimise(start, evaluations)
    settled = found.status > 0
    if not settled and evaluations > _MORE:
        # Noise makes the sum of squares rough on a scale that does not matter, which may keep the solver busy.
        before, found = found, minimise(found.x, _MORE)
        variance = 2.0 * found.cost / max(len(found.fun) - len(found.x), 1)
        settled = found.status > 0 or 2.0 * (before.cost - found.cost) < _NEGLIGIBLE * variance
    return Solution(found.x, found.fun, found.jac, settled, found.active_mask != 0)


def covariance(jacobian: np.ndarray, noise: float) -> np.ndarray:
    """Covariance of the coordinates for white noise of a standard deviation in the residuals."""
    _, singular, rows = np.linalg.svd(jacobian, full_matrices=False)
    scaled = rows / np.maximum(singular, 1e-300)[:, None]
    return noise**2 * scaled.T @ scaled


def weakest_direction(jacobian: np.ndarray, noise: float) -> tuple[np.ndarray, float] | None:
    """Find the combination of parameters that the data say least about, if they do not identify it.

    Parameters
    ----------
    jacobian : ndarray, shape (n, parameters)
        Derivatives by relative changes of the parameters, nuisances projected out.
    noise : float
        Standard deviation of the residuals.

    Returns
    -------
    tuple of ndarray and float, or None
        The combination, of length 1, and the standard error of a relative change along it (infinite where the
        data do not change at all); None if the data identify every combination.
    """
    # Columns of equal length first: what is then left of a combination is not a matter of units or of noise.
    lengths = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-300)
    _, singular, rows = np.linalg.svd(jacobian / lengths, full_matrices=False)
    if singular[-1] <= SINGULAR * singular[0]:
        direction = rows[-1] / lengths
        return direction / np.linalg.norm(direction), np.inf
    _, singular, rows = np.linalg.svd(jacobian, full_matrices=False)
    error = noise / singular[-1]
    return (rows[-1], error) if error > WEAK else None


def without(jacobian: np.ndarray, count: int) -> np.ndarray:
    """Take what the last `count` columns, nuisances, can do out of the others."""
    own, nuisances = jacobian[:, : jacobian.shape[1] - count], jacobian[:, jacobian.shape[1] - count :]
    if not count:
        return own
    basis, _ = np.linalg.qr(nuisances)
    return own - basis @ (basis.T @ own)


@dataclass(frozen=True)
class Estimate:
    """Parameters that data gave."""

    values: Mapping[str, float]
    """Value of each estimated parameter. [SI]"""
    errors: Mapping[str, float]
    """Its standard error. [SI]"""
    intervals: Mapping[str, tuple[float, float]]
    """Its 95 % interval. [SI]"""
    correlation: pd.DataFrame
    """Correlation of the estimates."""
    not_identified: Mapping[str, str]
    """Why a parameter asked for is not among them, by its name."""
    predicted: np.ndarray
    """The model at each sample; NaN for a sample left out. [the data's unit]"""
    advice: str
    """What to do where the solver did not settle; empty where it did."""
    remarks: tuple[str, ...]
    """What else a user must know."""
    spread: Mapping[str, float]
    """Standard deviation of a threshold from switching to switching, where it shows. [V]"""


def summarise(
    coordinates: Coordinates, solution: Solution, noise: float, quantiles: Mapping[str, float], **rest: object
) -> Estimate:
    """Turn a solution into values, standard errors and 95 % intervals.

    Parameters
    ----------
    coordinates : Coordinates
        Of the first columns of the solution; the rest are nuisances.
    solution : Solution
        The minimum.
    noise : float
        Standard deviation of the residuals.
    quantiles : mapping of str to float
        Half-width of the 95 % interval in standard errors for parameters whose errors are not those of least squares;
        Student's for the others.
    **rest
        The estimate's other fields but for `advice`.

    Returns
    -------
    Estimate
        The estimate.
    """
    names = coordinates.names
    matrix = covariance(solution.jacobian, noise)[: len(names), : len(names)]
    deviations = np.sqrt(np.diag(matrix))
    student = float(t.ppf(0.5 + CONFIDENCE / 2, max(len(solution.residuals) - len(solution.x), 1)))
    widths = np.array([quantiles.get(name, student) for name in names]) * deviations
    x = solution.x[: len(names)]
    # An effect that is absent is at its bound of zero for a good reason.
    shares = np.array([form != "logarithm" for form in coordinates.forms], dtype=bool)
    absent = shares & (x < 0.5 * (coordinates.lower + coordinates.upper))
    bounded = [name for name, bound, why in zip(names, solution.bounded, absent, strict=False) if bound and not why]
    advice = solution.trouble
    if not advice and not solution.settled:
        advice = (
            "least squares ran out of evaluations; start from a card nearer to the device, or hold parameters that "
            "you know"
        )
    elif not advice and bounded:
        advice = (
            f"{', '.join(bounded)} ended at the bound of what a card allows, so another model would fit better; "
            "try another fidelity if there is one, or check the parameters that are held"
        )
    # Data that the model meets exactly leave no spread, and so no correlation.
    scale = np.outer(deviations, deviations)
    correlation = np.divide(matrix, scale, out=np.eye(len(names)), where=scale > 0.0)
    return Estimate(
        values=coordinates.values(x),
        errors=dict(zip(names, (deviations * coordinates.slopes(x)).tolist(), strict=True)),
        intervals=coordinates.ends(x, widths),
        correlation=pd.DataFrame(correlation, index=list(names), columns=list(names)),
        advice=advice,
        **rest,
    )


def correlation_remark(residuals: np.ndarray, negligible: float, reason: str) -> list[str]:
    """Say so where neighbouring residuals are alike, as white noise is not, unless all of them are negligible."""
    before, after = residuals[:-1], residuals[1:]
    power = float(np.sum(residuals**2))
    likeness = float(np.sum(before * after)) / power if power > negligible**2 * len(residuals) else 0.0
    if likeness <= max(0.1, 4.0 / np.sqrt(len(residuals))):
        return []
    factor = np.sqrt((1.0 + likeness) / max(1.0 - likeness, 1e-3))
    return [
        f"the residuals are not white noise (neighbours correlate by {likeness:.2f}): {reason}; the intervals, "
        f"which are for white noise, are too narrow: by a factor of some {factor:.2g} where it is noise that correlates"
    ]
