"""Least-squares estimate of an oscillator from the waveform of its output.

Least squares on a waveform has a local minimum wherever model and data are some whole edge apart, and over many periods
the smallest error of the period puts them there. So it starts from what can be read off without a model of the device:

1. period and phase, from where the waveform rises through its middle;
2. the shape of one cycle, all cycles laid over each other: two exponentials between two turning points;
3. parameters that have that shape, by the closed forms;
4. the simulated cycle, laid over those of the data with both periods stretched to the same length;
5. the simulated waveform from the supply's step on, every sample, its time of start a further unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import SimpleNamespace

import numpy as np

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.fitting.least_squares import (
    Coordinates,
    Estimate,
    Residuals,
    Solution,
    correlation_remark,
    covariance,
    solve,
    summarise,
    weakest_direction,
    without,
)
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.device import run_alone, start_up
from circuitsnn.oscillator.fit_coordinates import lay_coordinates, out_of_sight
from circuitsnn.oscillator.fit_data import OutputWaveform
from circuitsnn.oscillator.table import Fidelity
from circuitsnn.quantities import show_quantity

PARAMETERS = ("V_DD", "R_S", "C_P", "R_ins", "R_met", "V_L", "V_H")

_FOLDED = 2000  # samples of the cycles laid over each other that are looked at, at most
_CHANGE = 1e-5  # of the swing: what the derivatives rest on; far above the errors of a simulation
_SHORT, _LONG, _LARGE = 0.03, 0.1, 0.25  # of the charge, a tau_0: to start from, and of which it is a large one
_TOLERANCE = {"abrupt": 1e-10, "relaxed": 1e-10, "smooth": 1e-8}  # of the simulation [V]
_LEAST_STEP, _LARGEST_STEP = 0.01, 0.5  # of a large tau_0, for the derivative by it
_NOT_FOLLOWED = 0.15  # of the swing: residuals beyond are no noise
_FAR = 1e3  # residual of parameters that do not oscillate [V]


@dataclass(frozen=True)
class _Cycles:
    """What can be read off a waveform without a model of the device."""

    time: np.ndarray
    output: np.ndarray
    low: float
    """Level that its cycles start from, roughly. [V]"""
    high: float
    """Level that they reach, roughly. [V]"""
    rises: np.ndarray
    """When it rises through the middle of both. [s]"""

    @property
    def middle(self) -> float:
        """Middle of the levels. [V]."""
        return 0.5 * (self.low + self.high)

    @property
    def swing(self) -> float:
        """Distance of the levels. [V]."""
        return self.high - self.low

    @cached_property
    def line(self) -> tuple[float, float]:
        """Period and time of the first rise, by a line through all rises. [s]."""
        # The first may belong to the start from rest, which no other cycle looks like.
        rises = self.rises[1:] if len(self.rises) > 2 else self.rises
        period, first = np.polyfit(np.arange(len(rises)), rises, 1)
        return float(period), float(first)

    @cached_property
    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Phase after a rise, 0 to 1, and output of the samples from the first rise of the line on, by phase."""
        period, first = self.line
        later = self.time >= first
        phase = (self.time[later] - first) / period % 1.0
        order = np.argsort(phase, kind="stable")
        order = order[:: max(1, -(-len(order) // _FOLDED))]
        return phase[order], self.output[later][order]


@dataclass(frozen=True)
class _Shape:
    """One cycle as two exponentials between two turning points."""

    v_minus: float
    """Lower turning point. [V]"""
    v_plus: float
    """Upper turning point. [V]"""
    v_ins: float
    """What the falling branch tends to. [V]"""
    v_met: float
    """What the rising branch tends to. [V]"""
    tau_d: float
    """Time constant of the falling branch. [s]"""
    tau_c: float
    """Time constant of the rising branch. [s]"""

    @property
    def charge(self) -> float:
        """Duration of the rising branch. [s]."""
        return self.tau_c * np.log((self.v_met - self.v_minus) / (self.v_met - self.v_plus))

    @property
    def discharge(self) -> float:
        """Duration of the falling branch. [s]."""
        return self.tau_d * np.log((self.v_plus - self.v_ins) / (self.v_minus - self.v_ins))

    def output(self, phase: np.ndarray, middle: float) -> np.ndarray:
        """Output at phases after the rise through the middle. [V]."""
        charge, period = self.charge, self.charge + self.discharge
        since = phase * period + self.tau_c * np.log((self.v_met - self.v_minus) / (self.v_met - middle))
        since = np.where(since >= period, since - period, since)
        rising = self.v_met + (self.v_minus - self.v_met) * np.exp(-np.minimum(since, charge) / self.tau_c)
        falling = self.v_ins + (self.v_plus - self.v_ins) * np.exp(-np.maximum(since - charge, 0.0) / self.tau_d)
        return np.where(since < charge, rising, falling)


def fit_waveform(card: Card, waveform: OutputWaveform, free: Sequence[str], fidelity: Fidelity) -> Estimate:
    """Estimate the free parameters from a waveform.

    Parameters
    ----------
    card : Card
        Where the parameters come from that are not free or that the waveform does not tell.
    waveform : OutputWaveform
        The data.
    free : sequence of str
        Names of the parameters to estimate.
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model.

    Returns
    -------
    Estimate
        The estimate.

    Raises
    ------
    InputError
        If the data hold no two periods, or the model cannot be brought near them.
    """
    cycles = _look(waveform)
    shape = _shape(cycles, np.inf if "V_DD" in free else card.V_DD)
    names = list(free)
    not_identified: dict[str, str] = {}
    remarks: list[str] = []
    while names:
        found = _attempt(card, cycles, shape, names, fidelity)
        if found.weak is not None:
            held = found.coordinates.to_hold(found.weak[0])
            not_identified[held] = found.coordinates.weakness(*found.weak)
            remarks += found.coordinates.tie_remark(found.weak[0], held, card)
        else:
            coordinates, solution, noise = found.coordinates, found.solution, found.noise
            beyond = out_of_sight(coordinates, solution, noise, card)
            if not beyond:
                break
            held = "R_ins"
            not_identified[held] = beyond
        names.remove(held)
    else:
        raise InputError(f"the data identify none of {', '.join(free)}: {'; '.join(not_identified.values())}")
    if noise > _NOT_FOLLOWED * cycles.swing:
        period, _ = cycles.line
        solution = replace(
            solution,
            trouble=f"the model does not follow the waveform, whose period is {show_quantity(period, 's', 4)}, with "
            "the parameters that are held; check those, or free more of them",
        )
    remarks += correlation_remark(
        solution.residuals,
        1e-7 * cycles.swing,
        "the model misses something of the waveform, its cycles differ from each other, or the noise is not white",
    )
    return summarise(
        coordinates,
        solution,
        noise,
        {},
        not_identified=not_identified,
        predicted=waveform.output - solution.residuals,
        remarks=tuple(remarks),
        spread={},
    )


@dataclass(frozen=True)
class _Attempt:
    """What came of fitting some parameters."""

    coordinates: Coordinates
    solution: Solution
    noise: float
    """Standard deviation of the samples about the model. [V]"""
    weak: tuple[np.ndarray, float] | None
    """The combination of them that the data do not tell, with its error; None if they tell all."""


def _attempt(card: Card, cycles: _Cycles, shape: _Shape, names: Sequence[str], fidelity: Fidelity) -> _Attempt:
    """Fit the parameters of those names, unless one cycle shows at once that the data cannot tell them apart."""
    start = _parameters_of_shape(card, names, shape)
    large = {"tau_0": _LARGE * shape.charge, "R_ins": start["R_S"]}
    if "tau_0" in names:
        # From a very short one, shorter than the samples see, there may be no way up.
        start["tau_0"] = min(max(start["tau_0"], _SHORT * shape.charge), _LONG * shape.charge)
    # One cycle says little of a transition, and that little leads astray.
    compared = [name for name in names if name not in ("tau_0", "alpha")]
    if compared:
        coordinates = lay_coordinates(compared, start, large)
        at_start = _match_cycle(cycles, start, coordinates, fidelity, evaluations=1)
        weak = weakest_direction(at_start.jacobian[:, :-1], 0.0)
        if weak is not None:
            return _Attempt(coordinates, at_start, np.inf, weak)
        start |= coordinates.values(_match_cycle(cycles, start, coordinates, fidelity).x)
    coordinates = lay_coordinates(names, start, large)
    solution = _match_whole(cycles, start, coordinates, fidelity)
    noise = np.sqrt(np.sum(solution.residuals**2) / max(len(solution.residuals) - len(solution.x), 1))
    # A model that does not follow the waveform at all says nothing of what the data tell.
    followed = noise <= _NOT_FOLLOWED * cycles.swing
    weak = weakest_direction(without(solution.jacobian, 1) * coordinates.large(solution.x), noise if followed else 0.0)
    return _Attempt(coordinates, solution, float(noise), weak)


def _look(waveform: OutputWaveform) -> _Cycles:
    """Find the levels and the rises; a start from rest is over by the middle of the data."""
    time, output = waveform.time, waveform.output
    later = output[time >= 0.5 * (time[0] + time[-1])]
    low, high = np.percentile(later, [1.0, 99.0])
    noise = 1.4826 * float(np.median(np.abs(np.diff(later, 2)))) / np.sqrt(6.0)
    if not high - low > 6.0 * noise or not high > low:
        raise InputError(
            f"the waveform shows no oscillation: its second half lies between {low:.4g} V and {high:.4g} V, with noise "
            f"of {noise:.2g} V; allowed is an uncoupled oscillator's output, over two periods or more"
        )
    middle, hysteresis = 0.5 * (low + high), 0.2 * (high - low)
    level = np.where(output > middle + hysteresis, 1, np.where(output < middle - hysteresis, -1, 0))
    known = np.flatnonzero(level)
    turns = np.flatnonzero((level[known][1:] == 1) & (level[known][:-1] == -1))
    rises = []
    for turn in turns:
        start, end = known[turn], known[turn + 1]
        edge = slice(start, end + 1)
        at = start + int(np.flatnonzero(output[edge] > middle)[0])
        share = (middle - output[at - 1]) / (output[at] - output[at - 1])
        rises.append(time[at - 1] + share * (time[at] - time[at - 1]))
    if len(rises) < 3:
        raise InputError(
            f"the waveform rises through {middle:.4g} V {len(rises)} times; a fit needs three, two whole periods"
        )
    return _Cycles(time, output, float(low), float(high), np.array(rises))


def _shape(cycles: _Cycles, supply: float) -> _Shape:
    """Fit two exponentials, that tend to voltages between 0 V and the supply, to the folded cycles."""
    period, _ = cycles.line
    phase, output = cycles.folded
    swing, middle = cycles.swing, cycles.middle
    bins = np.minimum((phase * 200).astype(int), 199)
    counts = np.bincount(bins, minlength=200)
    means = np.where(counts > 0, np.bincount(bins, output, minlength=200) / np.maximum(counts, 1), -np.inf)
    # From the middle to the peak is about half of the charge.
    charge = period * min(max(2.0 * (np.argmax(means) + 0.5) / 200.0, 0.01), 0.95)

    def shape(x: np.ndarray) -> _Shape:
        low, high = cycles.low + swing * x[0], cycles.high + swing * x[1]
        return _Shape(low, high, low - swing * np.exp(x[2]), high + swing * np.exp(x[3]), *(period * np.exp(x[4:])))

    def residuals(x: np.ndarray) -> np.ndarray:
        one = shape(x)
        stretch = np.log((one.charge + one.discharge) / period)
        return np.append(output - one.output(phase, middle), swing * np.sqrt(len(output)) * stretch)

    reach = np.clip(np.array([cycles.low, supply - cycles.high]) / swing, 0.02, 1e3)
    steepness = np.log(np.minimum([0.3, 0.5], 0.5 * reach))
    widths = np.log(1.0 + 1.0 / np.exp(steepness))
    durations = np.log(np.array([period - charge, charge]) / widths / period)
    start = np.concatenate([[0.0, 0.0], steepness, durations])
    lower = np.array([-0.4, -0.4, -12.0, -12.0, -12.0, -12.0])
    upper = np.concatenate([[0.4, 0.4], np.log(reach), [12.0, 12.0]])
    return shape(solve(residuals, start, lower, upper, _CHANGE * swing, tolerance=1e-5).x)


def _parameters_of_shape(card: Card, names: Sequence[str], shape: _Shape) -> dict[str, float]:
    """Find values of the free parameters whose cycle has a shape; the card's for the rest, and where that fails."""
    coordinates = lay_coordinates(names, card.values, {"tau_0": _LARGE * shape.charge, "R_ins": card.R_S})
    swing = shape.v_plus - shape.v_minus

    def levels(x: np.ndarray) -> np.ndarray:
        device = SimpleNamespace(**{**card.values, **coordinates.values(x)})
        return np.array(
            [
                (closed_form.v_minus(device) - shape.v_minus) / swing,
                (closed_form.v_plus(device) - shape.v_plus) / swing,
                (closed_form.v_ins(device) - max(shape.v_ins, 0.0)) / swing,
                0.1 * (closed_form.v_met(device) - min(shape.v_met, card.V_DD)) / swing,
                np.log(closed_form.tau_d(device) / shape.tau_d),
                0.3 * np.log(closed_form.tau_c(device) / shape.tau_c),
            ]
        )

    def durations(x: np.ndarray) -> np.ndarray:
        one = _shape_of({**card.values, **coordinates.values(x)}, 1e-3 * swing)
        times = np.log([one.charge / shape.charge, one.discharge / shape.discharge])
        return np.concatenate([0.1 * levels(x)[:-1], [(one.v_minus - shape.v_minus) / swing], times])

    # Where the branches tend to, far outside, is uncertain, but it brings the device to oscillate; then the durations,
    # which are sure, come first. The closed forms know nothing of tau_0 and alpha, which stay where they are.
    x = coordinates.of_values(card.values)
    for residuals in (levels, durations):
        x = solve(residuals, x, coordinates.lower, coordinates.upper, 1e-6, tolerance=1e-5).x
    values = card.values | coordinates.values(x)
    fits = values["R_met"] < values["R_ins"] and values["V_L"] < values["V_H"]
    return values if fits and closed_form.oscillates(SimpleNamespace(**values)) else card.values


def _shape_of(values: Mapping[str, float], margin: float) -> _Shape:
    """Shape of a device's cycle with abrupt switching; one that does not oscillate is made to, by a margin. [V]."""
    device = SimpleNamespace(**values)
    v_minus = closed_form.v_minus(device)
    v_plus = max(closed_form.v_plus(device), v_minus + margin)
    return _Shape(
        v_minus,
        v_plus,
        min(closed_form.v_ins(device), v_minus - margin),
        max(closed_form.v_met(device), v_plus + margin),
        closed_form.tau_d(device),
        closed_form.tau_c(device),
    )


def _match_cycle(
    cycles: _Cycles, start: Mapping[str, float], coordinates: Coordinates, fidelity: Fidelity, evaluations: int = 30
) -> Solution:
    """Lay one simulated cycle over the folded ones; the last coordinate is a shift in phase."""
    period, _ = cycles.line
    phase, output = cycles.folded

    def residuals(x: np.ndarray) -> np.ndarray:
        cycle = _cycle({**start, **coordinates.values(x)}, cycles.middle, fidelity)
        if cycle is None:
            return np.full(len(output) + 1, _FAR)
        length, rise, times, voltages = cycle
        model = np.interp((rise + (phase + x[-1]) * length) % length, times, voltages)
        # A period that is wrong by a thousandth is as bad as every sample wrong by the whole swing.
        return np.append(output - model, 1e3 * cycles.swing * np.sqrt(len(output)) * np.log(length / period))

    begin = np.append(coordinates.of_values(start), 0.0)
    if residuals(begin)[0] == _FAR:
        raise InputError(
            "the card does not oscillate near the waveform, whatever its free parameters; check those that are held "
            "(V_DD, R_S), or free more of them"
        )
    clock = _Clock(start, coordinates, fidelity)
    return clock.solve(residuals, begin, _CHANGE * cycles.swing, evaluations=evaluations, tolerance=1e-5)


def _cycle(
    values: Mapping[str, float], middle: float, fidelity: Fidelity
) -> tuple[float, float, np.ndarray, np.ndarray] | None:
    """Simulate one cycle from switching to switching: period, time of its rise, times, voltages; None for no cycle."""
    devices = SimpleNamespace(**values)
    if not (_possible(values, fidelity) and closed_form.oscillates(devices)):
        return None
    stop = start_up(values) + 2.2 * (float(closed_form.period(devices)) + 20.0 * values["tau_0"])
    on, off, _, complete = run_alone(values, fidelity, stop)
    if not complete or len(on) < 3:
        return None
    start, turn, end = on[-2], off[off > on[-2]][0], on[-1]
    times = np.unique(np.concatenate([np.linspace(start, turn, 100), np.linspace(turn, end, 300)]))
    *_, voltages, _ = run_alone(values, fidelity, end, times)
    charging = times <= turn
    if not voltages[0] < middle < voltages[charging][-1]:
        return None
    rise = float(np.interp(middle, voltages[charging], times[charging]))
    return float(end - start), float(rise - start), times - start, voltages


def _match_whole(cycles: _Cycles, start: Mapping[str, float], coordinates: Coordinates, fidelity: Fidelity) -> Solution:
    """Lay the simulated waveform over every sample; the last coordinate is when its supply steps up, in periods."""
    period, first = cycles.line
    begin = cycles.time[0]

    def residuals(x: np.ndarray) -> np.ndarray:
        since = cycles.time - (begin + x[-1] * period)
        values = {**start, **coordinates.values(x)}
        running = since > 0.0
        model = np.zeros(len(since))
        if not _possible(values, fidelity):
            return np.full(len(since), _FAR)
        *_, model[running], complete = run_alone(
            values, fidelity, float(since[-1]), since[running], _TOLERANCE[fidelity]
        )
        return cycles.output - model if complete else np.full(len(since), _FAR)

    # When the model rises through the middle: first from rest, then from the lower turning point.
    on, off, _, _ = run_alone(start, fidelity, start_up(start) + 2.2 * period)
    rises = []
    for switching, turn in zip(on[:2], off[:2], strict=True):
        times = np.linspace(switching, turn, 200)
        *_, voltages, _ = run_alone(start, fidelity, turn, times)
        rises.append(float(np.interp(cycles.middle, voltages, times)))
    # The first rise of the line, the second of the data, may be the second of the simulation, or a later one up to
    # where the data begin after its first charge.
    latest = first - rises[1]
    shifts = np.arange(max(int(np.ceil((latest + off[0] - begin) / period)), 0) + 1)
    x = coordinates.of_values(start)
    candidates = [np.append(x, (latest - begin) / period - shift) for shift in shifts]
    best = min(candidates, key=lambda one: np.sum(residuals(one) ** 2))
    return _Clock(start, coordinates, fidelity).solve(residuals, best, _CHANGE * cycles.swing)


def _possible(values: Mapping[str, float], fidelity: Fidelity) -> bool:
    """Whether a card may hold these values and the model is defined for them."""
    if not (values["R_met"] < values["R_ins"] and values["V_L"] < values["V_H"]):
        return False
    smooth = fidelity == "smooth"
    return not smooth or (values["tau_0"] > 0.0 and values["alpha"] * (values["V_H"] - values["V_L"]) > 1.0)


def _over_one_error(residuals: Residuals, found: Solution, column: int, upper: float) -> np.ndarray:
    """Differentiate by tau_0 over a standard error of it to either side, as far as there is room.

    A tau_0 shorter than the samples see has no effect that V_L has not as well; the derivative there would say that the
    data know nothing of it, while they do know that it is not long.
    """
    jacobian = found.jacobian.copy()
    noise = np.sqrt(np.sum(found.residuals**2) / max(len(found.residuals) - len(found.x), 1))
    for _ in range(4):
        step = min(max(float(np.sqrt(covariance(jacobian, noise)[column, column])), _LEAST_STEP), _LARGEST_STEP)
        ends = []
        for side in (-step, step):
            x = found.x.copy()
            x[column] = min(max(x[column] + side, 0.0), upper)
            ends.append((x[column], residuals(x)))
        jacobian[:, column] = (ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0])
    return jacobian[:, column]


class _Clock:
    """Coordinates in which one parameter gives way to the period.

    The data tell the period some thousand times better than any parameter, so that in the parameters themselves the
    sum of squares is a narrow bent valley in which a solver crawls. With the period, by a closed form, as a coordinate
    of its own the valley is straight.
    """

    def __init__(self, start: Mapping[str, float], coordinates: Coordinates, fidelity: Fidelity) -> None:
        self.start, self.coordinates, self.fidelity = start, coordinates, fidelity
        names = coordinates.names
        at = coordinates.of_values(start)
        slopes = [abs(self._slope(at, index)) for index in range(len(names))]
        # The period goes with C_P, whatever the rest.
        self.pivot = names.index("C_P") if "C_P" in names else int(np.argmax(slopes))
        self.near = at

    def log_period(self, x: np.ndarray) -> float:
        """Logarithm of the period by the closed form of the relaxed device; NaN where it does not oscillate."""
        values = SimpleNamespace(**{**self.start, **self.coordinates.values(x)})
        if self.fidelity == "abrupt":
            values.tau_0 = 0.0
        if self.fidelity == "smooth":
            if values.alpha * (values.V_H - values.V_L) <= 1.0:
                return np.nan
            values.V_L, values.V_H = closed_form.fold_voltages(values)
        if not (values.R_met < values.R_ins and values.V_L < values.V_H) or not closed_form.oscillates(values):
            return np.nan
        with np.errstate(all="ignore"):
            return float(np.log(closed_form.relaxed_period(values, checked=False)))

    def _slope(self, x: np.ndarray, index: int, step: float = 1e-6) -> float:
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        return (self.log_period(up) - self.log_period(down)) / (2.0 * step)

    def with_period(self, x: np.ndarray) -> np.ndarray:
        """Put the period in the pivot's place."""
        z = x.copy()
        z[self.pivot] = self.log_period(x)
        return z

    def without_period(self, z: np.ndarray) -> np.ndarray | None:
        """Find the pivot that gives the period; None where none does."""
        x = z.copy()
        x[self.pivot] = self.near[self.pivot]
        for _ in range(50):
            missing = z[self.pivot] - self.log_period(x)
            if not abs(missing) > 1e-14:
                break
            slope = self._slope(x, self.pivot)
            if not abs(slope) > 0.0:
                return None
            x[self.pivot] += missing / slope
        return x if abs(missing) < 1e-12 else None

    def solve(self, residuals: Residuals, start: np.ndarray, change: float, **limits: float) -> Solution:
        """Solve in these coordinates for the others, with a shift in time as last coordinate."""
        lower, upper = np.append(self.coordinates.lower, -np.inf), np.append(self.coordinates.upper, np.inf)
        lower[self.pivot], upper[self.pivot] = -np.inf, np.inf
        self.near = start
        begin = self.with_period(start)
        far = np.full(len(residuals(start)), _FAR)

        def moved(z: np.ndarray) -> np.ndarray:
            x = self.without_period(z)
            return far if x is None else residuals(x)

        if not np.isfinite(begin).all():  # the closed form does not hold there
            lower[self.pivot], upper[self.pivot] = (
                self.coordinates.lower[self.pivot],
                self.coordinates.upper[self.pivot],
            )
            return solve(residuals, start, lower, upper, change, **limits)
        found = solve(moved, begin, lower, upper, change, **limits)
        jacobian = found.jacobian.copy()
        if "tau_0" in self.coordinates.names:
            column = self.coordinates.names.index("tau_0")
            jacobian[:, column] = _over_one_error(moved, found, column, upper[column])
        x = self.without_period(found.x)
        return Solution(x, found.residuals, jacobian @ self.derivatives(x), found.settled, found.bounded)

    def derivatives(self, x: np.ndarray) -> np.ndarray:
        """Differentiate the coordinates with the period by those without."""
        matrix = np.eye(len(x))
        matrix[self.pivot, : len(self.coordinates.names)] = [
            self._slope(x, index) for index in range(len(self.coordinates.names))
        ]
        return matrix
