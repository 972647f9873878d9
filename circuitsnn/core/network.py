"""Transient of a network of coupled relaxation oscillators by waveform relaxation in adaptive windows.

Within a window every oscillator is solved by itself (`core.device`), driven by the current of its neighbours as a
polynomial in time; the currents are exchanged and the solution repeated until nothing changes any more. What a
neighbour sees of a voltage that jumps in slope inside the window is its projection on polynomials: the error of that
is orthogonal to the smooth response of the receiver, so window ends stay accurate even where a switching is not
resolved. Only an oscillator that switches itself inside the window feels it, and there the window is shortened until
the unresolved part is below the tolerance. All oscillators are treated alike: no order of indices enters.

References
----------
Lelarasmee, E., Ruehli, A., Sangiovanni-Vincentelli, A.: The waveform relaxation method for time-domain analysis of
large scale integrated circuits. IEEE TCAD 1 (1982) 131-145. doi:10.1109/TCAD.1982.1270004
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from .collocation import INTEGRATION, LAGRANGE, LEGENDRE, NODES, ORDER, WEIGHTS
from .device import (
    ALPHA,
    C_P,
    DELAY,
    E_COUPLING,
    E_DEVICE,
    E_LOAD,
    E_SUPPLY,
    ENERGIES,
    G_C,
    G_INS,
    G_MET,
    G_S,
    MAX_DECAY,
    TAU_0,
    TOO_MANY_SWITCHINGS,
    V_DD,
    V_H,
    V_L,
    VOLTAGE_NOT_FINITE,
    WORK_ROWS,
    advance,
    transition_step_limit,
)

COMPLETE, NOT_FINITE, NO_PROGRESS = range(3)

MAX_SWEEPS = 10
MAX_SWITCHINGS = 16  # of one oscillator in one window; more shorten the window
SMALL_NETWORK = 16  # oscillators; below it none waits for another's short steps
NO_SAMPLES = 0


class State(NamedTuple):
    """Where the network stands, one entry an oscillator."""

    v: np.ndarray  # output voltage [V]
    metallic: np.ndarray  # whether the device is metallic
    excess: np.ndarray  # its conductance above that of its state [S]
    energy: np.ndarray  # (N, ENERGIES): supplied and dissipated so far [J]


class Window(NamedTuple):
    """Arrays of one window. (ORDER, N): at the window's nodes; (ORDER + 1, N): at the nodes and the end."""

    current: np.ndarray  # coupling currents of the window before (ORDER, N) [A]
    ahead: np.ndarray  # coupling currents that drive this one (ORDER, N) [A]
    received: np.ndarray  # coupling currents that its solution causes (ORDER, N) [A]
    voltage: np.ndarray  # output, or its projection where it is not smooth (ORDER, N) [V]
    end: np.ndarray  # output at the end (N,) [V]
    rate: np.ndarray  # own decay (N,) [1/s]
    threshold: np.ndarray  # output at which the device switches (N,) [V]
    shifted: np.ndarray  # output that it tends to with the first coupling current (N,) [V]
    steady: np.ndarray  # output that an isolated oscillator tends to (N,) [V]
    target: np.ndarray  # conductance of the device's state (N,) [S]
    above: np.ndarray  # what its conductance is above that (ORDER, N) [S]
    decay: np.ndarray  # integrating factor (ORDER + 1, N)
    gain: np.ndarray  # from current to transformed source (ORDER, N)
    supply: np.ndarray  # supply voltage (N,) [V]
    slope: np.ndarray  # transformed source (ORDER, N)
    whole: np.ndarray  # whether the window is short enough to be one step (N,)
    stepped: np.ndarray  # whether the oscillator took steps of its own (N,)
    metallic: np.ndarray  # state at the end of those that did (N,)
    excess: np.ndarray  # their excess conductance at the end (N,) [S]
    energy: np.ndarray  # their energies (N, ENERGIES) [J]
    counts: np.ndarray  # their switchings (N,)
    switches: np.ndarray  # and the times of those (N, MAX_SWITCHINGS) [s]
    work: np.ndarray  # for their steps


@njit(cache=True, error_model="numpy")
def new_window(size):
    """Make the arrays for a network of a size."""
    return Window(
        np.zeros((ORDER, size)),
        np.zeros((ORDER, size)),
        np.zeros((ORDER, size)),
        np.zeros((ORDER, size)),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros((ORDER, size)),
        np.ones((ORDER + 1, size)),
        np.zeros((ORDER, size)),
        np.zeros(size),
        np.zeros((ORDER, size)),
        np.zeros(size, dtype=np.bool_),
        np.zeros(size, dtype=np.bool_),
        np.zeros(size, dtype=np.bool_),
        np.zeros(size),
        np.zeros((size, ENERGIES)),
        np.zeros(size, dtype=np.int64),
        np.zeros((size, MAX_SWITCHINGS)),
        np.zeros((WORK_ROWS, ORDER + 1)),
    )


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def send_dense(conductance, voltage, current):
    """Work out the current into every node from its neighbours' voltages, at all nodes of the window."""
    size = conductance.shape[0]
    v0, v1, v2, v3 = voltage[0], voltage[1], voltage[2], voltage[3]
    for i in range(size):
        row = conductance[i]
        c0 = 0.0
        c1 = 0.0
        c2 = 0.0
        c3 = 0.0
        for j in range(size):
            g = row[j]
            c0 += g * v0[j]
            c1 += g * v1[j]
            c2 += g * v2[j]
            c3 += g * v3[j]
        current[0, i] = c0
        current[1, i] = c1
        current[2, i] = c2
        current[3, i] = c3


@njit(cache=True, error_model="numpy")
def send_sparse(indptr, indices, data, voltage, current):
    """Do the same for conductances in compressed sparse rows."""
    for i in range(len(indptr) - 1):
        for n in range(ORDER):
            total = 0.0
            for entry in range(indptr[i], indptr[i + 1]):
                total += data[entry] * voltage[n, indices[entry]]
            current[n, i] = total


@njit(cache=True, error_model="numpy")
def extrapolate(current, ratio, ahead):
    """Continue the last window's current into the next one, `ratio` times as long, as a first guess."""
    weights = np.empty((ORDER, ORDER))
    for n in range(ORDER):
        x = 1.0 + ratio * NODES[n]
        for k in range(ORDER):
            value = 0.0
            for power in range(ORDER - 1, -1, -1):
                value = value * x + LAGRANGE[k, power]
            weights[n, k] = value
    for n in range(ORDER):
        for i in range(current.shape[1]):
            ahead[n, i] = 0.0
        for k in range(ORDER):
            weight = weights[n, k]
            for i in range(current.shape[1]):
                ahead[n, i] += weight * current[k, i]


@njit(cache=True, error_model="numpy")
def copy(table, into):
    """Copy a table into the upper rows of another (a slice assignment takes seconds to compile)."""
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            into[i, j] = table[i, j]


@njit(cache=True, error_model="numpy")
def exchange(dense, indptr, indices, data, voltage, current):
    """Work out the coupling currents, from whichever form the conductances have."""
    if len(indptr) > 0:
        send_sparse(indptr, indices, data, voltage, current)
    else:
        send_dense(dense, voltage, current)


@njit(cache=True, error_model="numpy")
def prepare(device, state, window, start, length, tolerance):
    """Work out the integrating factors of every oscillator that takes the window in one step."""
    for i in range(len(state.v)):
        supply = device[i, V_DD] if start >= device[i, DELAY] else 0.0
        target = device[i, G_MET] if state.metallic[i] else device[i, G_INS]
        capacitance, tau_0, excess = device[i, C_P], device[i, TAU_0], state.excess[i]
        rate = (device[i, G_S] + device[i, G_C] + target) / capacitance
        window.threshold[i] = supply - (device[i, V_L] if state.metallic[i] else device[i, V_H])
        window.rate[i] = rate
        window.supply[i] = supply
        window.target[i] = target
        window.steady[i] = supply * target / (rate * capacitance)
        window.whole[i] = (
            device[i, ALPHA] == 0.0
            and not start < device[i, DELAY] < start + length
            and length <= MAX_DECAY / rate
            and length <= transition_step_limit(excess, tau_0, capacitance, device[i, V_DD], tolerance)
        )
        if not window.whole[i]:
            continue
        for n in range(ORDER + 1):
            x = length * NODES[n] if n < ORDER else length
            exponent = rate * x
            above = 0.0
            if excess != 0.0:
                left = math.exp(-x / tau_0)
                exponent += excess * tau_0 * (1.0 - left) / capacitance
                above = excess * left
            window.decay[n, i] = math.exp(-exponent)
            if n < ORDER:
                window.above[n, i] = above
                window.gain[n, i] = 1.0 / (capacitance * window.decay[n, i])


@njit(cache=True, error_model="numpy")
def longest_whole(device, state, tolerance):
    """Longest window that all but an eighth of a network take in one step. [s].

    A matter of cost only: the oscillators that need shorter steps take them by themselves, each at the price of many
    that do not.
    """
    size = len(state.v)
    own = np.empty(size)
    for i in range(size):
        g = device[i, G_S] + device[i, G_C] + (device[i, G_MET] if state.metallic[i] else device[i, G_INS])
        own[i] = min(
            MAX_DECAY * device[i, C_P] / g,
            transition_step_limit(state.excess[i], device[i, TAU_0], device[i, C_P], device[i, V_DD], tolerance),
        )
    if size < SMALL_NETWORK:
        return own.max()
    most = own.min()
    high = own.max()
    for _ in range(16):  # bisection finds the eighth closely enough, and compiles in a tenth of a selection's time
        middle = math.sqrt(most * high)
        below = 0
        for i in range(size):
            if own[i] < middle:
                below += 1
        if 8 * below > size:
            high = middle
        else:
            most = middle
    # Those that need hardly shorter steps than most are no reason to let them take two.
    longest = most
    for i in range(size):
        if own[i] > 0.6 * most:
            longest = min(longest, own[i])
    return longest


@njit(cache=True, error_model="numpy")
def first_switching(device, state, window):
    """Time until the first oscillator meets its threshold if the coupling current stayed as it is. [s]."""
    first = math.inf
    for i in range(len(state.v)):
        metallic, threshold, rate = state.metallic[i], window.threshold[i], window.rate[i]
        g = device[i, G_MET] if metallic else device[i, G_INS]
        supply = threshold + (device[i, V_L] if metallic else device[i, V_H])
        steady = (supply * g + window.current[ORDER - 1, i]) / (rate * device[i, C_P])
        if (steady > threshold) if metallic else (steady < threshold):
            ratio = (state.v[i] - steady) / (threshold - steady)
            if ratio < math.exp(min(rate * first, 700.0)):
                first = math.log(max(ratio, 1.0)) / rate
    return first


@njit(cache=True, error_model="numpy")
def solve_whole(v, capacitance, length, window):
    """Collocate over the window for all oscillators at once, as `device.collocate` does for one."""
    size = len(v)
    supply, first = window.supply, window.ahead[0]
    steady = window.shifted
    for i in range(size):
        steady[i] = window.steady[i] + first[i] / (window.rate[i] * capacitance[i])
    for n in range(ORDER):
        s, e, g, c = window.slope[n], window.above[n], window.gain[n], window.ahead[n]
        for i in range(size):
            s[i] = g[i] * (e[i] * (supply[i] - steady[i]) + c[i] - first[i])
    s0, s1, s2, s3 = window.slope[0], window.slope[1], window.slope[2], window.slope[3]
    for n in range(ORDER + 1):
        weights = INTEGRATION[n] if n < ORDER else WEIGHTS
        q0, q1, q2, q3 = length * weights[0], length * weights[1], length * weights[2], length * weights[3]
        out = window.voltage[n] if n < ORDER else window.end
        d = window.decay[n]
        for i in range(size):
            out[i] = steady[i] + d[i] * (v[i] - steady[i] + q0 * s0[i] + q1 * s1[i] + q2 * s2[i] + q3 * s3[i])


@njit(cache=True, error_model="numpy")
def refine_ends(v, capacitance, length, window):
    """Solve for the ends once more, with the last currents, for the oscillators that took the window whole.

    It costs little and takes what the last sweep left, which has the same sign from window to window, off the sum.
    """
    for i in range(len(v)):
        if window.stepped[i]:
            continue
        first = window.ahead[0, i]
        steady = window.steady[i] + first / (window.rate[i] * capacitance[i])
        total = 0.0
        for n in range(ORDER):
            source = window.above[n, i] * (window.supply[i] - steady) + window.ahead[n, i] - first
            total += WEIGHTS[n] * window.gain[n, i] * source
        window.end[i] = steady + window.decay[ORDER, i] * (v[i] - steady + length * total)


@njit(cache=True, error_model="numpy")
def choose_stepped(state, window):
    """Say who steps alone: who cannot take the window whole, and who meets the threshold or turns round near it."""
    v, end, threshold = state.v, window.end, window.threshold
    v0, v1, v2, v3 = window.voltage[0], window.voltage[1], window.voltage[2], window.voltage[3]
    for i in range(len(v)):
        low = min(min(min(v0[i], v1[i]), min(v2[i], v3[i])), min(v[i], end[i]))
        high = max(max(max(v0[i], v1[i]), max(v2[i], v3[i])), max(v[i], end[i]))
        margin = threshold[i] - high if state.metallic[i] else low - threshold[i]
        last = end[i] - v3[i] if state.metallic[i] else v3[i] - end[i]
        # The last two points are 7 % of the window apart: a smaller share of the span says that the voltage turns.
        near = margin <= 0.0 or (margin <= high - low and last < 0.02 * (high - low))
        window.stepped[i] = near or not window.whole[i]
        window.counts[i] = 0


@njit(cache=True, error_model="numpy")
def truncation_error(device, window, length):
    """Largest voltage error left by the degree of the coupling currents. [V].

    An oscillator that does not switch sees only what its own decay lets through of the unresolved part; one that
    switches sees its running integral.
    """
    error = 0.0
    for i in range(len(window.end)):
        last = 0.0
        before = 0.0
        for n in range(ORDER):
            last += WEIGHTS[n] * LEGENDRE[ORDER - 1, n] * window.ahead[n, i]
            before += WEIGHTS[n] * LEGENDRE[ORDER - 2, n] * window.ahead[n, i]
        unresolved = max((2 * ORDER - 1) * abs(last), 0.3 * (2 * ORDER - 3) * abs(before)) * length / device[i, C_P]
        if window.counts[i] > 0:
            error = max(error, 0.1 * unresolved)
        else:
            error = max(error, unresolved * min((0.5 * length * window.rate[i]) ** ORDER / 945.0, 0.1))
    return error


@njit(cache=True, error_model="numpy")
def relax(device, dense, indptr, indices, data, state, window, time, length, tolerance, coupled, samples, waveforms):
    """Solve all oscillators and exchange their currents until nothing changes; `window.ahead` is the first guess.

    Returns whether it converged, the truncation error (infinite where it did not), the number of sweeps, and what
    `advance` returned where it failed.
    """
    change_before = math.inf
    for sweep in range(1, MAX_SWEEPS + 1):
        solve_whole(state.v, device[:, C_P], length, window)
        choose_stepped(state, window)
        for i in range(len(state.v)):
            if window.stepped[i]:
                for k in range(ENERGIES):
                    window.energy[i, k] = 0.0
                window.counts[i], window.end[i], window.metallic[i], window.excess[i] = advance(
                    i, device, state.v[i], state.metallic[i], state.excess[i], window.energy, time, length,
                    window.ahead, tolerance, window.voltage, window.switches, window.work,
                    samples, NO_SAMPLES, NO_SAMPLES, waveforms,
                )  # fmt: skip
                if window.counts[i] < 0:
                    return False, math.inf, sweep, window.counts[i]
        if not coupled:
            return True, 0.0, sweep, 0
        exchange(dense, indptr, indices, data, window.voltage, window.received)
        change = 0.0
        for i in range(len(state.v)):
            largest = 0.0
            for n in range(ORDER):
                largest = max(largest, abs(window.received[n, i] - window.ahead[n, i]))
            # The ends of those that step alone are not refined, so they have to be better to begin with.
            change = max(change, largest * length / device[i, C_P] * (10.0 if window.stepped[i] else 1.0))
        copy(window.received, window.ahead)
        if not math.isfinite(change):
            return False, math.inf, sweep, VOLTAGE_NOT_FINITE
        error = truncation_error(device, window, length)
        if change <= 0.3 * tolerance:
            refine_ends(state.v, device[:, C_P], length, window)
            return True, error, sweep, 0
        if error > 3.0 * tolerance and change < 0.3 * error:
            return False, error, sweep, 0  # it will be refused: no need to finish
        if sweep > 2 and change * (change / change_before) ** (MAX_SWEEPS - sweep) > 0.3 * tolerance:
            break
        change_before = change
    return False, math.inf, sweep, 0


@njit(cache=True, error_model="numpy")
def accept(device, state, window, time, length):
    """Make the end of the window the state of the network."""
    for i in range(len(state.v)):
        if window.stepped[i]:
            for k in range(ENERGIES):
                state.energy[i, k] += window.energy[i, k]
            state.metallic[i] = window.metallic[i]
            state.excess[i] = window.excess[i]
        else:
            supply = device[i, V_DD] if time >= device[i, DELAY] else 0.0
            for n in range(ORDER):
                voltage = window.voltage[n, i]
                weight = length * WEIGHTS[n]
                across = supply - voltage
                heat = weight * across * (window.target[i] + window.above[n, i])
                state.energy[i, E_SUPPLY] += supply * heat
                state.energy[i, E_DEVICE] += across * heat
                state.energy[i, E_LOAD] += weight * voltage * voltage * device[i, G_S]
                state.energy[i, E_COUPLING] += weight * voltage * (device[i, G_C] * voltage - window.ahead[n, i])
            if state.excess[i] != 0.0:
                state.excess[i] *= math.exp(-length / device[i, TAU_0])
                if abs(state.excess[i]) < 1e-18 * device[i, G_MET]:
                    state.excess[i] = 0.0
        state.v[i] = window.end[i]
    copy(window.ahead, window.current)


@njit(cache=True, error_model="numpy")
def transient(
    device, dense, indptr, indices, data, v, metallic, excess, energy, close_at, start, stop, tolerance, samples
):  # fmt: skip
    """Integrate the network from start to stop; v, metallic, excess and energy are updated in place.

    device (N, COLUMNS) holds the oscillators; the coupling conductances [S] come as a dense matrix, or as compressed
    sparse rows with an empty dense one. Returns the switchings (n, 3): time [s], oscillator, 1 if to the metallic
    state; the voltages at the sample times (N, n) [V]; the status; the time reached [s]; and the numbers of windows,
    sweeps and refused windows.
    """
    size = len(v)
    state = State(v, metallic, excess, energy)
    window = new_window(size)
    device = device.copy()
    coupling = np.empty(size)
    any_coupling = False
    for i in range(size):
        coupling[i] = device[i, G_C]
        any_coupling = any_coupling or coupling[i] > 0.0
    discarded = np.zeros((size, ENERGIES))
    waveforms = np.empty((size, len(samples)))
    sample = 0
    events = np.empty((1024, 3))
    total = 0
    statistics = np.zeros(3, dtype=np.int64)
    status = COMPLETE

    while sample < len(samples) and samples[sample] <= start:
        for i in range(size):
            waveforms[i, sample] = v[i]
        sample += 1
    time = start
    length = stop - start
    previous = 0.0  # length of the coupled window before
    busy = 0.0  # length that served the last crowd of switchings
    connected = False
    while time < stop and status == COMPLETE:
        limit = (close_at if time < close_at < stop else stop) - time
        coupled = any_coupling and time >= close_at
        if not coupled:
            for i in range(size):
                device[i, G_C] = 0.0
            length = limit
        else:
            if not connected:
                connected = True
                length = limit
                for i in range(size):
                    device[i, G_C] = coupling[i]
                    length = min(length, 0.1 * device[i, C_P] / device[i, G_MET])
                    for n in range(ORDER):
                        window.voltage[n, i] = v[i]
                busy = length
                exchange(dense, indptr, indices, data, window.voltage, window.current)
            length = min(length, longest_whole(device, state, tolerance))
        length = min(length, limit)
        estimated = not coupled
        while True:
            if length < 1e-13 * stop and length < limit:
                status = NO_PROGRESS
                break
            if length < limit < 1.5 * length:
                length = 0.5 * limit
            prepare(device, state, window, time, length, tolerance)
            if not estimated:
                estimated = True
                first = first_switching(device, state, window)
                # Stop short of a crowd of switchings; inside it, take the length that served the last one.
                if length > 0.95 * first:
                    shorter = max(0.95 * first, min(length, busy))
                    if shorter < length:
                        length = shorter
                        continue
            if previous > 0.0:
                extrapolate(window.current, length / previous, window.ahead)
            else:
                copy(window.current, window.ahead)
            converged, error, sweeps, failure = relax(
                device, dense, indptr, indices, data, state, window, time, length, tolerance, coupled, samples,
                waveforms,
            )  # fmt: skip
            statistics[1] += sweeps
            if converged and error <= tolerance:
                break
            statistics[2] += 1
            if failure == TOO_MANY_SWITCHINGS:
                length *= 0.5
            elif failure < 0:
                status = NOT_FINITE if failure == VOLTAGE_NOT_FINITE else NO_PROGRESS
                break
            else:
                # End at the first switching rather than shortly after it: ends are accurate, insides are not.
                until = math.inf
                for i in range(size):
                    if window.counts[i] > 0:
                        until = min(until, window.switches[i, 0] - time)
                shrunk = length * (max(0.1, 0.8 * (tolerance / error) ** 0.25) if error < math.inf else 0.4)
                length = until if 0.5 * shrunk < until < 0.95 * length else shrunk
        if status != COMPLETE:
            break

        if sample < len(samples) and samples[sample] <= time + length:
            last = sample
            while last < len(samples) and samples[last] <= time + length:
                last += 1
            for i in range(size):
                advance(
                    i, device, v[i], metallic[i], excess[i], discarded, time, length, window.ahead, tolerance,
                    window.received, window.switches, window.work, samples, sample, last, waveforms,
                )  # fmt: skip
            sample = last
        crowd = False
        for i in range(size):
            crowd = crowd or (window.counts[i] > 0 and window.switches[i, 0] < time + 0.5 * length)
            for k in range(window.counts[i]):
                if total == len(events):
                    more = np.empty((2 * total, 3))
                    copy(events, more)
                    events = more
                events[total, 0] = window.switches[i, k]
                events[total, 1] = i
                events[total, 2] = metallic[i] == (k % 2 == 1)
                total += 1
        accept(device, state, window, time, length)
        statistics[0] += 1
        time = time + length if length < limit else (close_at if time < close_at < stop else stop)
        if coupled:
            previous = length
            growth = min(4.0, 0.9 * (tolerance / max(error, 1e-300)) ** 0.25)
            if sweeps > 5:
                growth = min(growth, 1.0)
            elif sweeps > 3:
                growth = min(growth, 1.7)
            if crowd:
                busy = length * min(growth, 1.5)
            length *= growth
    return events[:total], waveforms, status, time, statistics
