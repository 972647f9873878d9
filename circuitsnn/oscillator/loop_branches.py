"""Which samples of an I-V loop lie on which branch, and between which of them the device switched."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm, t

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.fitting.least_squares import CONFIDENCE
from circuitsnn.oscillator.fit_data import IVLoop

RESOLUTION = 1e-9  # of the largest current: noise below it is taken for none

_SWITCHING_COST = 10.0  # what a change of branch must be worth, in logarithms of likelihood
_SAMPLE_COST = 15.0  # the most that one sample can be worth: a single glitch is no switching
_CLEAR = 4.5  # from where on a sample belongs to one branch for sure: three standard deviations
_APART = 1.5  # least ratio of the conductances of two branches
_OUTLIER = 6.0  # standard deviations
_BEND = 0.05  # of the way to the other branch: as far as a smooth branch may bend
_CURVED = 3.0  # t-value from which on a curvature of the sweep is not taken for noise
_STEPS = 16  # from which the step of the sweep is taken
_FEWEST_ON_A_LINE = 8


@dataclass(frozen=True)
class Switching:
    """One change of branch in the data."""

    first: int
    """First sample of the stretch on the old branch."""
    before: int
    """Its last sample that lies on the old branch for sure."""
    after: int
    """First sample that lies on the new branch for sure."""
    to_metallic: bool
    """Which way."""


@dataclass(frozen=True)
class Bracket:
    """Between which voltages of the sweep the device switched once."""

    low: float
    """Lower end. [V]"""
    high: float
    """Upper end. [V]"""
    noise: float
    """Standard deviation of the place of both. [V]"""


@dataclass(frozen=True)
class Threshold:
    """Voltage of the sweep at which the device switches one way."""

    value: float
    """Estimate. [V]"""
    deviation: float
    """Its standard deviation. [V]"""
    half_width: float
    """Half the width of its 95 % interval. [V]"""
    spread: float
    """Standard deviation from switching to switching; 0 where none shows. [V]"""


@dataclass(frozen=True)
class Branch:
    """The samples on one branch."""

    samples: np.ndarray
    """Their indices."""
    conductance: float
    """Current over voltage, series resistance included. [S]"""
    current_noise: float
    """Standard deviation of the current. [A]"""


def folded(loop: IVLoop, remarks: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voltages and currents with negative voltages turned to positive, and the sign to undo that in the currents."""
    sign = np.where(loop.voltage < 0.0, -1.0, 1.0)
    if np.sum(loop.voltage * loop.current) < 0.0:
        remarks.append("the current is negative where the voltage is positive, so its sign was turned")
        sign = -sign
    voltage = np.abs(loop.voltage)
    if not voltage.max() > 0.0:
        raise InputError("the voltage is 0 V at every sample; a loop needs a sweep up and down")
    return voltage, sign * loop.current, sign


def _slope(voltage: np.ndarray, current: np.ndarray) -> float:
    """Slope of a line through the origin that outliers do not move: the weighted median of the ratios."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(voltage > 0.0, current / voltage, 0.0)
    order = np.argsort(ratios)
    weights = np.cumsum(voltage[order])
    return float(ratios[order][np.searchsorted(weights, 0.5 * weights[-1])])


def sort_samples(voltage: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, tuple[Switching, ...]]:
    """Say for each sample whether it is metallic, and find the switchings.

    The branch is a hidden state that seldom changes: the likeliest sequence of states (Viterbi), with lines through
    the origin fitted to their samples in turn until nothing changes.
    """
    strong = voltage > 0.1 * voltage.max()
    ratios = current[strong] / voltage[strong]
    if not ratios.max() > 0.0:
        raise InputError("the current is 0 A or less wherever the voltage is not; there is no device to see")
    logs = np.log(np.maximum(ratios, 1e-6 * ratios.max()))
    low, high = np.percentile(logs, [2.0, 98.0])
    for _ in range(50):
        upper = logs > 0.5 * (low + high)
        if upper.all() or not upper.any():
            break
        low, high = logs[~upper].mean(), logs[upper].mean()
    alone = np.zeros(len(voltage), dtype=bool)
    metallic = alone.copy()
    metallic[np.flatnonzero(strong)[upper]] = True
    in_doubt = ~strong
    for _ in range(50):
        chosen = [(metallic == state) & ~in_doubt for state in (False, True)]
        if not (chosen[0].any() and chosen[1].any()):
            return alone, ()
        slopes = [_slope(voltage[some], current[some]) for some in chosen]
        if slopes[1] < _APART * slopes[0]:  # one branch, cut in two
            return alone, ()
        distances = [np.abs(current - slope * voltage) for slope in slopes]
        nearest = np.minimum(*distances)
        scale = max(1.4826 * np.median(nearest), 1e-3 * np.abs(current).max())
        costs = [np.minimum((distance / scale) ** 2 / 2.0, _SAMPLE_COST) for distance in distances]
        difference = costs[1] - costs[0]
        in_doubt = np.abs(difference) < _CLEAR
        states = _likeliest_states(difference)
        if np.array_equal(states, metallic):
            break
        metallic = states
    switchings = _switchings(metallic, in_doubt)
    return (metallic, switchings) if switchings else (alone, ())


def _likeliest_states(difference: np.ndarray) -> np.ndarray:
    """Viterbi's path through two states, from how much more each sample costs in the second one."""
    lead = np.empty(len(difference))
    total = 0.0
    for index, own in enumerate(difference.tolist()):
        total = min(max(total, -_SWITCHING_COST), _SWITCHING_COST) + own
        lead[index] = total
    states = np.empty(len(difference), dtype=bool)
    state = total < 0.0
    states[-1] = state
    for index in range(len(difference) - 2, -1, -1):
        if state and lead[index] > _SWITCHING_COST:
            state = False
        elif not state and lead[index] < -_SWITCHING_COST:
            state = True
        states[index] = state
    return states


def _switchings(metallic: np.ndarray, in_doubt: np.ndarray) -> tuple[Switching, ...]:
    """Find the changes of state, with the last and first samples around each that are beyond doubt."""
    changes = np.flatnonzero(metallic[1:] != metallic[:-1])
    found = []
    first = 0
    for number, change in enumerate(changes):
        end = changes[number + 1] if number + 1 < len(changes) else len(metallic) - 1
        clear_before = np.flatnonzero(~in_doubt[first : change + 1])
        clear_after = np.flatnonzero(~in_doubt[change + 1 : end + 1])
        if len(clear_before) and len(clear_after):
            before, after = first + int(clear_before[-1]), int(change) + 1 + int(clear_after[0])
            found.append(Switching(first, before, after, bool(metallic[change + 1])))
        first = int(change) + 1
    return tuple(found)


def find_branches(
    voltage: np.ndarray,
    current: np.ndarray,
    metallic: np.ndarray,
    switchings: tuple[Switching, ...],
    card: Card,
    series: float,
    smooth: bool,
    remarks: list[str],
) -> tuple[Branch | None, Branch | None]:
    """Fit a first line to each branch and leave out what lies on neither, such as samples in mid-switching."""
    usable = np.ones(len(voltage), dtype=bool)
    for switching in switchings:
        usable[switching.before + 1 : switching.after] = False
    sorted_out = [np.flatnonzero(usable & (metallic == state)) for state in (False, True)]
    slopes = [_slope(voltage[samples], current[samples]) if len(samples) > 1 else np.nan for samples in sorted_out]
    apart = _BEND * np.abs(slopes[1] - slopes[0]) * voltage if smooth else np.zeros(len(voltage))
    found: list[Branch | None] = []
    left_out = np.count_nonzero(~usable)
    for samples, slope in zip(sorted_out, slopes, strict=True):
        if len(samples) < 2:
            found.append(None)
            continue
        left = np.abs(current[samples] - slope * voltage[samples])
        scale = max(1.4826 * float(np.median(left)), RESOLUTION * np.abs(current).max())
        kept = left <= np.fmax(_OUTLIER * scale, apart[samples])
        left_out += np.count_nonzero(~kept)
        found.append(Branch(samples[kept], slope, scale))
    if left_out:
        remarks.append(f"{left_out} of {len(voltage)} samples lie on neither branch and were left out")
    alone = [branch for branch in found if branch is not None]
    if len(alone) == 1:
        # Sorting calls a single branch insulating or metallic by chance; the card knows better.
        whole = 1.0 / max(alone[0].conductance, 1e-300) - series
        nearer_metallic = whole < np.sqrt(card.R_ins * card.R_met)
        found = [None, alone[0]] if nearer_metallic else [alone[0], None]
    return found[0], found[1]


def voltage_noise(voltage: np.ndarray, branches: tuple[Branch | None, Branch | None]) -> float:
    """Estimate the standard deviation of the voltage's noise by the smallest of several estimates, all upper ones. [V].

    An uneven sweep looks like noise of the voltage by itself, noise of the current looks like it on a branch.
    """
    bend = np.abs(np.diff(voltage, 2))
    estimates = [1.4826 * float(np.median(bend)) / np.sqrt(6.0)]
    estimates += [branch.current_noise / branch.conductance for branch in branches if branch and branch.conductance > 0]
    return min(estimates)


def find_thresholds(
    voltage: np.ndarray, switchings: tuple[Switching, ...], noise: float, remarks: list[str]
) -> tuple[Threshold | None, Threshold | None]:
    """Locate the return to the insulating and the switching to the metallic branch on the sweep."""
    brackets: tuple[list[Bracket], list[Bracket]] = ([], [])
    against = 0
    for switching in switchings:
        bracket = find_bracket(voltage, switching, noise)
        if bracket is None:
            against += 1
        else:
            brackets[switching.to_metallic].append(bracket)
    if 4 * against > len(switchings):
        raise InputError(
            f"the device changes its branch against the sweep at {against} of {len(switchings)} places; the samples "
            "must be in the order in which they were taken, and the branches stand out from the noise"
        )
    if against:
        remarks.append(f"{against} changes of branch against the sweep were taken for glitches")
    found = []
    for name, some in zip(("V_L", "V_H"), brackets, strict=True):
        found.append(locate(some) if some else None)
        if found[-1] is not None and found[-1].spread > 0.0:
            spread = found[-1].spread
            remarks.append(
                f"{name} differs from switching to switching by {1e3 * spread:.3g} mV (standard deviation of "
                f"{len(some)}); the value is their mean"
            )
    return found[0], found[1]


def find_bracket(voltage: np.ndarray, switching: Switching, noise: float) -> Bracket | None:
    """Bracket one switching; None if it went against the sweep.

    A series resistor may pull the voltage at the device back in the moment of switching, so where the sweep would have
    been is extrapolated from the samples before. Where noise exceeds the steps, it is read off a line through as long a
    stretch as the sweep is straight for.
    """
    stretch = voltage[switching.first : switching.before + 1]
    turn = len(stretch) - 1 - int(np.argmin(stretch[::-1]) if switching.to_metallic else np.argmax(stretch[::-1]))
    side = 1.0 if switching.to_metallic else -1.0
    run = side * stretch[turn:]  # rises towards the switching
    ahead = switching.after - switching.before
    steps = np.diff(run[-_STEPS:])
    steps = steps[steps != 0.0]
    step = float(np.median(steps)) if len(steps) else 0.0
    if len(run) < _FEWEST_ON_A_LINE or noise <= 0.5 * step:
        if not step > 0.0:
            return None
        low, high = run[-1], side * voltage[switching.after]
        if high == low:  # it switched while the sweep paused
            low = run[run < high][-1]
        elif high < low:
            high = low + ahead * step
        if noise > 0.1 * step:  # the noise of two readings is not that of the step between them
            low, high = 0.5 * (low + high) + 0.5 * ahead * step * np.array([-1.0, 1.0])
        width = noise / np.sqrt(2.0)
    else:
        line = _line(run, ahead)
        if line is None:
            return None
        low, high, width = line
    low, high = sorted((side * low, side * high))
    return Bracket(float(low), float(high), float(width))


def _line(run: np.ndarray, ahead: int) -> tuple[float, float, float] | None:
    """Voltage at the last sample of a run and some samples ahead by a straight line, with its standard error."""
    while True:
        x = np.arange(1 - len(run), 1, dtype=float)
        enough = len(run) >= 2 * _FEWEST_ON_A_LINE
        if not enough or abs(_curvature(x, run)) < _CURVED:
            break
        run = run[len(run) // 2 :]
    slope, level = np.polyfit(x, run, 1)
    if not slope > 0.0:
        return None
    scatter = np.sqrt(np.sum((run - level - slope * x) ** 2) / (len(x) - 2))
    offset = 0.5 * ahead - x.mean()
    error = scatter * np.sqrt(1.0 / len(x) + offset**2 / np.sum((x - x.mean()) ** 2))
    # Student's longer tails, as a wider normal distribution with the same 95 %.
    error *= t.ppf(0.5 + CONFIDENCE / 2, len(x) - 2) / norm.ppf(0.5 + CONFIDENCE / 2)
    return level, level + ahead * slope, error


def _curvature(x: np.ndarray, y: np.ndarray) -> float:
    """T-value of the quadratic term of a parabola through a run."""
    base = (x - x.mean()) / np.ptp(x)
    design = np.stack([np.ones_like(base), base, base**2], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, y, rcond=None)
    variance = np.sum((y - design @ coefficients) ** 2) / (len(x) - 3)
    error = np.sqrt(variance * np.linalg.inv(design.T @ design)[2, 2])
    return float(coefficients[2] / max(error, 1e-300))


def locate(brackets: Sequence[Bracket]) -> Threshold:
    """Estimate a threshold from the brackets of all its switchings.

    If one voltage can lie in all of them, the threshold is where they overlap: a flat prior, times the probability of
    each bracket. If not, it differs from switching to switching and is their mean, with Student's interval.
    """
    low, high, noise = (np.array([getattr(one, name) for one in brackets]) for name in ("low", "high", "noise"))
    middle, width = 0.5 * (low + high), high - low
    noise = np.maximum(noise, 1e-3 * width)
    variance = width**2 / 12.0 + noise**2
    mean = np.sum(middle / variance) / np.sum(1.0 / variance)
    unlike = (
        np.sum((middle - mean) ** 2 / variance) > chi2.ppf(CONFIDENCE, len(brackets) - 1) if len(low) > 1 else False
    )
    apart = (low - 3.0 * noise).max() > (high + 3.0 * noise).min()
    if unlike or apart:
        count = len(middle)
        deviation = float(np.std(middle, ddof=1) / np.sqrt(count))
        spread = float(np.sqrt(max(np.var(middle, ddof=1) - variance.mean(), 0.0)))
        half = float(t.ppf(0.5 + CONFIDENCE / 2, count - 1)) * deviation
        return Threshold(float(middle.mean()), deviation, half, spread)
    start, end = (low - 6.0 * noise).max(), (high + 6.0 * noise).min()
    grid = np.linspace(start, end, 4001)
    logs = np.zeros(len(grid))
    for one, own in zip(brackets, noise, strict=True):
        inside = norm.cdf((grid - one.low) / own) - norm.cdf((grid - one.high) / own)
        logs += np.log(np.maximum(inside, 1e-300))
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    value = float(np.sum(weights * grid))
    deviation = float(np.sqrt(np.sum(weights * (grid - value) ** 2)))
    distance = np.abs(grid - value)
    order = np.argsort(distance)
    half = float(distance[order][np.searchsorted(np.cumsum(weights[order]), CONFIDENCE)])
    return Threshold(value, deviation, half, 0.0)
