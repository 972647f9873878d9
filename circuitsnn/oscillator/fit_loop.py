"""Least-squares estimate of a device from its I-V loop.

Each branch is a resistor (with the smooth feedback: bent towards its end). The thresholds lie between the last sample
on one branch and the first on the other, so what limits them is the sweep's step, not least squares: the estimate
takes every place between the two samples as equally likely and widens that by the noise of the voltage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from circuitsnn.cards import Card
from circuitsnn.core.device import feedback_deviation
from circuitsnn.errors import InputError
from circuitsnn.fitting.least_squares import (
    Coordinates,
    Estimate,
    Residuals,
    Solution,
    correlation_remark,
    solve,
    summarise,
    weakest_direction,
)
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.fit_coordinates import lay_coordinates, out_of_sight
from circuitsnn.oscillator.fit_data import IVLoop
from circuitsnn.oscillator.loop_branches import (
    RESOLUTION,
    Branch,
    Threshold,
    find_branches,
    find_thresholds,
    folded,
    sort_samples,
    voltage_noise,
)

PARAMETERS = ("R_ins", "R_met", "V_L", "V_H")

_CHANGE = 1e-5  # of a standard deviation: what the derivatives rest on

_NEAR = 20.0  # over alpha: the distance to the end of a branch beyond which its bend is below rounding
_deviation = np.frompyfunc(feedback_deviation, 5, 1)


@dataclass(frozen=True)
class _Model:
    """What the samples should be, given the parameters."""

    voltage: np.ndarray
    current: np.ndarray
    branches: tuple[Branch | None, Branch | None]
    thresholds: tuple[Threshold | None, Threshold | None]
    voltage_noise: float
    series: float
    smooth: bool

    def conductances(self, values: Mapping[str, float], metallic: bool) -> np.ndarray:
        """Conductance of the device at each sample of a branch. [S]."""
        voltage = self.voltage[self.branches[metallic].samples]
        ins, met = 1.0 / values["R_ins"], 1.0 / values["R_met"]
        own = np.full(len(voltage), met if metallic else ins)
        if self.smooth:
            low, width = values["V_L"], values["V_H"] - values["V_L"]
            # The bend changes the voltage that the series resistor takes, and that the bend: this converges at once.
            for _ in range(3 if self.series else 1):
                across = voltage / (1.0 + own * self.series)
                own = (met if metallic else ins) + _bend(across, metallic, low, width, _gain(values)) * (met - ins)
        return own

    def ends(self, values: Mapping[str, float]) -> tuple[float, float]:
        """Voltages of the sweep at which the metallic and the insulating branch end. [V]."""
        ins, met = 1.0 / values["R_ins"], 1.0 / values["R_met"]
        low, high = values["V_L"], values["V_H"]
        if self.smooth:
            gain, width = _gain(values), values["V_H"] - values["V_L"]
            bent = (1.0 - np.sqrt(1.0 - 1.0 / (gain * width))) / 2.0
            low, high = closed_form.fold_voltages(_Feedback(low, high, gain))
            ins, met = ins + bent * (met - ins), met - bent * (met - ins)
        return low * (1.0 + met * self.series), high * (1.0 + ins * self.series)

    def residuals(self, values: Mapping[str, float]) -> np.ndarray:
        """Distances of samples and thresholds from the model, in standard deviations."""
        parts = []
        for metallic, branch in enumerate(self.branches):
            if branch is not None:
                own = self.conductances(values, bool(metallic))
                whole = own / (1.0 + own * self.series)
                distance = self.current[branch.samples] - self.voltage[branch.samples] * whole
                parts.append(distance / np.hypot(branch.current_noise, self.voltage_noise * whole))
        for end, threshold in zip(self.ends(values), self.thresholds, strict=True):
            if threshold is not None:
                parts.append(np.array([(threshold.value - end) / threshold.deviation]))
        return np.concatenate(parts)

    def predicted(self, values: Mapping[str, float]) -> np.ndarray:
        """Give the current at each sample; NaN at those left out. [A]."""
        current = np.full(len(self.voltage), np.nan)
        for metallic, branch in enumerate(self.branches):
            if branch is not None:
                own = self.conductances(values, bool(metallic))
                current[branch.samples] = self.voltage[branch.samples] * own / (1.0 + own * self.series)
        return current


@dataclass(frozen=True)
class _Feedback:
    """What `closed_form.fold_voltages` looks at."""

    V_L: float
    V_H: float
    alpha: float


def fit_loop(card: Card, loop: IVLoop, free: Sequence[str], smooth: bool) -> Estimate:
    """Estimate the free parameters from a loop.

    Parameters
    ----------
    card : Card
        Where the parameters come from that are not free or that the loop does not tell.
    loop : IVLoop
        The data.
    free : sequence of str
        Names of the parameters to estimate.
    smooth : bool
        Whether the branches bend as the smooth feedback has it; else they are straight.

    Returns
    -------
    Estimate
        The estimate.

    Raises
    ------
    InputError
        If the data cannot be a loop, or identify none of the parameters.
    """
    remarks: list[str] = []
    voltage, current, sign = folded(loop, remarks)
    metallic, switchings = sort_samples(voltage, current)
    branches = find_branches(voltage, current, metallic, switchings, card, loop.series_resistance, smooth, remarks)
    noise = voltage_noise(voltage, branches)
    thresholds = find_thresholds(voltage, switchings, noise, remarks) if None not in branches else (None, None)
    not_identified = {name: why for name, why in _missing(branches, thresholds).items() if name in free}
    start = _start(card, branches, thresholds, loop.series_resistance, free)

    if None not in thresholds and start["V_L"] >= start["V_H"]:
        raise InputError(
            f"the device turns metallic at {start['V_H']:.4g} V and back at {start['V_L']:.4g} V, which is no lower; "
            "the samples must be in the order in which they were taken, and the series resistance right"
        )

    names = [name for name in free if name not in not_identified]
    while names:
        coordinates = lay_coordinates(names, start, {"R_ins": start["R_met"]})
        model, solution = _solve(voltage, current, branches, thresholds, noise, loop, smooth, coordinates, start)
        weak = weakest_direction(solution.jacobian * coordinates.large(solution.x), 1.0)
        if weak is not None:
            held = coordinates.to_hold(weak[0])
            not_identified[held] = coordinates.weakness(*weak)
            if held == "alpha":
                not_identified[held] += "; it shows only in samples within some millivolts of the switchings"
            remarks += coordinates.tie_remark(weak[0], held, card)
        elif not (beyond := out_of_sight(coordinates, solution, 1.0, card)):
            break
        else:
            held = "R_ins"
            not_identified[held] = beyond
        names.remove(held)
        start[held] = getattr(card, held)
    else:
        reasons = "; ".join(dict.fromkeys(not_identified.values()))
        raise InputError(f"the data identify none of {', '.join(free)}: {reasons}")

    values = start | coordinates.values(solution.x)
    predicted = model.predicted(values)
    used = np.concatenate([branch.samples for branch in branches if branch is not None])
    remarks += correlation_remark(
        model.residuals(values)[: len(used)], 0.01, "a branch is not straight, or the noise is not white"
    )
    seen = {name: threshold for name, threshold in zip(("V_L", "V_H"), thresholds, strict=True) if threshold}
    # The error of alpha goes into the thresholds as well, and it is no matter of the sweep's steps.
    known = "alpha" not in coordinates.names
    quantiles = {name: threshold.half_width / threshold.deviation for name, threshold in seen.items() if known}
    return summarise(
        coordinates,
        solution,
        1.0,
        quantiles,
        not_identified=not_identified,
        predicted=sign * predicted,
        remarks=tuple(remarks),
        spread={name: threshold.spread for name, threshold in seen.items() if threshold.spread > 0.0},
    )


def _bend(across: np.ndarray, metallic: bool, low: float, width: float, gain: float) -> np.ndarray:
    """Share of the way to the other branch by which a smooth branch is bent; nothing but near its end."""
    near = gain * (across - low if metallic else low + width - across) < _NEAR
    bent = np.zeros(len(across))
    bent[near] = _deviation(across[near], metallic, low, width, gain).astype(float)
    return bent


def _gain(values: Mapping[str, float]) -> float:
    """Alpha, in a trial no lower than a hysteresis needs."""
    return max(values["alpha"], (1.0 + 1e-6) / max(values["V_H"] - values["V_L"], 1e-6))


def _solve(
    voltage: np.ndarray,
    current: np.ndarray,
    branches: tuple[Branch | None, Branch | None],
    thresholds: tuple[Threshold | None, Threshold | None],
    noise: float,
    loop: IVLoop,
    smooth: bool,
    coordinates: Coordinates,
    start: Mapping[str, float],
) -> tuple[_Model, Solution]:
    """Solve, find the noise of each branch from what is left, and solve again with it."""
    x = coordinates.of_values(start)
    by_folds = None
    if smooth and {"V_L", "V_H"} <= set(coordinates.names):
        by_folds = _Folds(coordinates, start)
        x = by_folds.without_folds(x)  # the switchings are where the branches end
    for _ in range(3):
        model = _Model(voltage, current, branches, thresholds, noise, loop.series_resistance, smooth)

        def residuals(x: np.ndarray, model: _Model = model) -> np.ndarray:
            return model.residuals({**start, **coordinates.values(x)})

        if by_folds is not None:
            solution = by_folds.solve(residuals, x)
        else:
            solution = solve(residuals, x, coordinates.lower, coordinates.upper, _CHANGE)
        x = solution.x
        predicted = model.predicted({**start, **coordinates.values(x)})
        branches = tuple(branch and _with_noise(branch, voltage, current, predicted, noise) for branch in branches)
    return model, solution


class _Folds:
    """Coordinates in which the ends of the smooth branches take the places of V_L and V_H.

    The data show the ends themselves. With V_L and V_H as coordinates each trial of alpha would move the ends across
    samples, where the model has no derivative.
    """

    def __init__(self, coordinates: Coordinates, start: Mapping[str, float]) -> None:
        self.coordinates, self.start = coordinates, start
        self.places = [coordinates.names.index(name) for name in ("V_L", "V_H")]
        self.units = np.array(coordinates.units)[self.places]

    def with_folds(self, x: np.ndarray) -> np.ndarray:
        """Put the ends of the branches in the places of the thresholds."""
        values = {**self.start, **self.coordinates.values(x)}
        z = x.copy()
        folds = closed_form.fold_voltages(_Feedback(values["V_L"], values["V_H"], _gain(values)))
        z[self.places] = np.log(np.array(folds) / self.units)
        return z

    def without_folds(self, z: np.ndarray) -> np.ndarray:
        """Find the thresholds whose branches end there."""
        alpha = {**self.start, **self.coordinates.values(z)}["alpha"]
        low, high = self.units * np.exp(z[self.places])
        apart = max(high - low, 1e-9 * high)

        def excess(width: float) -> float:
            u = np.sqrt(1.0 - 1.0 / (alpha * width))
            return width * u - np.arctanh(u) / alpha - apart

        least = (1.0 + 1e-9) / alpha
        width = brentq(excess, least, least + apart + (10.0 + np.log1p(alpha * apart)) / alpha, xtol=1e-15)
        thresholds = 0.5 * (low + high) + 0.5 * width * np.array([-1.0, 1.0])
        x = z.copy()
        x[self.places] = np.log(np.maximum(thresholds, 1e-9 * high) / self.units)
        return x

    def solve(self, residuals: Residuals, start: np.ndarray) -> Solution:
        """Solve in these coordinates for the others."""
        lower, upper = self.coordinates.lower, self.coordinates.upper
        z = self.with_folds(start)
        # First with the ends where the switchings are: next to an end the branch is so steep that alpha, while it is
        # wrong, would rather move the end past the last samples.
        rest = np.setdiff1d(np.arange(len(z)), self.places)

        def among_rest(some: np.ndarray) -> np.ndarray:
            moved = z.copy()
            moved[rest] = some
            return residuals(self.without_folds(moved))

        if len(rest):
            z[rest] = solve(among_rest, z[rest], lower[rest], upper[rest], _CHANGE).x
        found = solve(lambda z: residuals(self.without_folds(z)), z, lower, upper, _CHANGE)
        x = self.without_folds(found.x)
        step = 1e-6 * np.eye(len(x))
        matrix = np.stack([(self.with_folds(x + d) - self.with_folds(x - d)) / 2e-6 for d in step], axis=1)
        return Solution(x, found.residuals, found.jacobian @ matrix, found.settled, found.bounded)


def _with_noise(
    branch: Branch, voltage: np.ndarray, current: np.ndarray, predicted: np.ndarray, voltage_noise: float
) -> Branch:
    """Give a branch the current noise that its residuals show beyond that of the voltage."""
    left = (current - predicted)[branch.samples]
    conductance = float(np.median(predicted[branch.samples] / np.maximum(voltage[branch.samples], 1e-300)))
    variance = float(np.sum(left**2)) / max(len(left) - 1, 1)
    floor = RESOLUTION * np.abs(current).max()
    noise = np.sqrt(max(variance - (conductance * voltage_noise) ** 2, floor**2))
    return Branch(branch.samples, conductance, float(noise))


def _missing(
    branches: tuple[Branch | None, Branch | None], thresholds: tuple[Threshold | None, Threshold | None]
) -> dict[str, str]:
    """Why a parameter cannot be had from these data at all."""
    why = {}
    for name, state, branch in zip(("R_ins", "R_met"), ("insulating", "metallic"), branches, strict=True):
        if branch is None:
            why[name] = f"the data show no {state} branch"
    for name, change, threshold in zip(
        ("V_L", "V_H"), ("return to the insulating", "switching to the metallic"), thresholds, strict=True
    ):
        if threshold is None:
            why[name] = f"the data show no {change} branch"
    if "V_L" in why or "V_H" in why:
        why["alpha"] = "the data do not show both switchings"
    return why


def _start(
    card: Card,
    branches: tuple[Branch | None, Branch | None],
    thresholds: tuple[Threshold | None, Threshold | None],
    series: float,
    free: Sequence[str],
) -> dict[str, float]:
    """Values to start from: the card's, and the data's for what is free."""
    values = card.values
    for name, branch in zip(("R_ins", "R_met"), branches, strict=True):
        if name in free and branch is not None:
            values[name] = max(1.0 / max(branch.conductance, 1e-300) - series, 1e-3 * values[name])
    # The resistance of the branch that a switching leaves takes its share of the sweep.
    for name, branch, threshold in zip(("V_L", "V_H"), ("R_met", "R_ins"), thresholds, strict=True):
        if name in free and threshold is not None:
            values[name] = threshold.value / (1.0 + series / values[branch])
    return values
