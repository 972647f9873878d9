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


@njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
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


@njit(cache=True)
def send_sparse(indptr, indices, data, voltage, current):
    """Do the same for conductances in compressed sparse rows."""
    for i in range(len(indptr) - 1):
        for n in range(ORDER):
            total = 0.0
            for entry in range(indptr[i], indptr[i + 1]):
                total += data[entry] * voltage[n, indices[entry]]
            current[n, i] = total


@njit(cache=True)
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


@njit(cache=True)
def prepare(device, v, metallic, excess, start, length, tolerance, rate, threshold, base, gain, decay, g_node, whole):
    """Integrating factors of every oscillator that takes the window in one step; `whole` says which ones do."""
    size = len(v)
    for i in range(size):
        supply = device[i, V_DD] if start >= device[i, DELAY] else 0.0
        switching_on = start < device[i, DELAY] < start + length
        g = device[i, G_MET] if metallic[i] else device[i, G_INS]
        threshold[i] = supply - (device[i, V_L] if metallic[i] else device[i, V_H])
        rate[i] = (device[i, G_S] + device[i, G_C] + g) / device[i, C_P]
        whole[i] = device[i, ALPHA] == 0.0 and not switching_on and length * rate[i] <= MAX_DECAY
        relaxing = excess[i] != 0.0
        if relaxing and whole[i]:
            whole[i] = length <= transition_step_limit(
                excess[i], device[i, TAU_0], device[i, C_P], device[i, V_DD], tolerance
            )
        if not whole[i]:
            continue
        for n in range(ORDER + 1):
            x = length * NODES[n] if n < ORDER else length
            exponent = rate[i] * x
            conductance = g
            if relaxing:
                left = math.exp(-x / device[i, TAU_0])
                exponent += excess[i] * device[i, TAU_0] * (1.0 - left) / device[i, C_P]
                conductance += excess[i] * left
            decay[n, i] = math.exp(-exponent)
            if n < ORDER:
                gain[n, i] = 1.0 / (device[i, C_P] * decay[n, i])
                base[n, i] = supply * conductance * gain[n, i]
                g_node[n, i] = conductance


@njit(cache=True)
def longest_whole(device, metallic, excess, tolerance):
    """Longest window that all but an eighth of a large network take in one step. [s].

    A matter of cost only: the oscillators that need shorter steps take them by themselves, each at the price of many
    that do not.
    """
    size = len(metallic)
    own = np.empty(size)
    for i in range(size):
        g = device[i, G_MET] if metallic[i] else device[i, G_INS]
        own[i] = MAX_DECAY * device[i, C_P] / (device[i, G_S] + device[i, G_C] + g)
        if excess[i] != 0.0:
            limit = transition_step_limit(excess[i], device[i, TAU_0], device[i, C_P], device[i, V_DD], tolerance)
            own[i] = min(own[i], limit)
    if size < 16:
        return own.max()
    most = np.partition(own, size // 8)[size // 8]
    # Those that need hardly shorter steps than most are no reason to let them take two.
    longest = most
    for i in range(size):
        if own[i] > 0.6 * most:
            longest = min(longest, own[i])
    return longest


@njit(cache=True)
def solve_whole(v, length, current, base, gain, decay, slope, voltage, end):
    """Collocation over the window for all oscillators at once."""
    size = len(v)
    for n in range(ORDER):
        s, b, g, c = slope[n], base[n], gain[n], current[n]
        for i in range(size):
            s[i] = b[i] + g[i] * c[i]
    s0, s1, s2, s3 = slope[0], slope[1], slope[2], slope[3]
    for n in range(ORDER + 1):
        if n < ORDER:
            q0 = length * INTEGRATION[n, 0]
            q1 = length * INTEGRATION[n, 1]
            q2 = length * INTEGRATION[n, 2]
            q3 = length * INTEGRATION[n, 3]
            out = voltage[n]
        else:
            q0 = length * WEIGHTS[0]
            q1 = length * WEIGHTS[1]
            q2 = length * WEIGHTS[2]
            q3 = length * WEIGHTS[3]
            out = end
        d = decay[n]
        for i in range(size):
            out[i] = d[i] * (v[i] + q0 * s0[i] + q1 * s1[i] + q2 * s2[i] + q3 * s3[i])


@njit(cache=True)
def near_threshold(v, metallic, threshold, voltage, end, near):
    """Oscillators that cross their threshold in the window, or turn round closer to it than their points span."""
    v0, v1, v2, v3 = voltage[0], voltage[1], voltage[2], voltage[3]
    for i in range(len(v)):
        low = min(min(min(v0[i], v1[i]), min(v2[i], v3[i])), min(v[i], end[i]))
        high = max(max(max(v0[i], v1[i]), max(v2[i], v3[i])), max(v[i], end[i]))
        margin = threshold[i] - high if metallic[i] else low - threshold[i]
        last = end[i] - v3[i] if metallic[i] else v3[i] - end[i]
        # The last two points are 7 % of the window apart: a smaller share of the span says that the voltage turns.
        near[i] = margin <= 0.0 or (margin <= high - low and last < 0.02 * (high - low))


@njit(cache=True)
def switching_estimate(device, v, metallic, threshold, rate, current):
    """Time until the first oscillator meets its threshold if the coupling current stayed as it is. [s]."""
    first = math.inf
    for i in range(len(v)):
        g = device[i, G_MET] if metallic[i] else device[i, G_INS]
        supply = threshold[i] + (device[i, V_L] if metallic[i] else device[i, V_H])
        steady = (supply * g + current[i]) / (rate[i] * device[i, C_P])
        if (steady > threshold[i]) if metallic[i] else (steady < threshold[i]):
            ratio = (v[i] - steady) / (threshold[i] - steady)
            if ratio < math.exp(rate[i] * first if first < 1.0 else 700.0):
                first = min(first, math.log(max(ratio, 1.0)) / rate[i])
    return first


@njit(cache=True)
def truncation_error(device, metallic, rate, length, current, counts):
    """Largest voltage error left by the degree of the coupling currents. [V].

    An oscillator that does not switch sees only what its own decay lets through of the unresolved part; one that
    switches sees its running integral.
    """
    error = 0.0
    for i in range(len(rate)):
        last = 0.0
        before = 0.0
        for n in range(ORDER):
            last += WEIGHTS[n] * LEGENDRE[ORDER - 1, n] * current[n, i]
            before += WEIGHTS[n] * LEGENDRE[ORDER - 2, n] * current[n, i]
        unresolved = max((2 * ORDER - 1) * abs(last), 0.3 * (2 * ORDER - 3) * abs(before)) * length / device[i, C_P]
        if counts[i] > 0:
            error = max(error, 0.1 * unresolved)
        else:
            error = max(error, unresolved * min((0.5 * length * rate[i]) ** ORDER / 945.0, 0.1))
    return error


@njit(cache=True)
def transient(
    device,
    dense,
    indptr,
    indices,
    data,
    v,
    metallic,
    excess,
    energy,
    close_at,
    start,
    stop,
    tolerance,
    samples,
):
    """Integrate the network from start to stop; v, metallic, excess and energy are updated in place.

    Returns the switching times, the oscillators they belong to, whether each was to the metallic state, the voltages
    at the sample times, the status, the time reached, and counts of windows, sweeps, rejected windows and shortest
    window.
    """
    size = len(v)
    coupling = device[:, G_C].copy()
    any_coupling = coupling.max() > 0.0
    device = device.copy()
    current = np.zeros((ORDER, size))
    ahead = np.zeros((ORDER, size))
    other = np.zeros((ORDER, size))
    voltage = np.zeros((ORDER, size))
    base = np.zeros((ORDER, size))
    gain = np.zeros((ORDER, size))
    g_node = np.zeros((ORDER, size))
    slope = np.zeros((ORDER, size))
    decay = np.ones((ORDER + 1, size))
    rate = np.zeros(size)
    threshold = np.zeros(size)
    end = np.zeros(size)
    whole = np.zeros(size, dtype=np.bool_)
    near = np.zeros(size, dtype=np.bool_)
    stepped = np.zeros(size, dtype=np.bool_)
    counts = np.zeros(size, dtype=np.int64)
    switches = np.empty((size, MAX_SWITCHINGS))
    stepped_metallic = np.zeros(size, dtype=np.bool_)
    stepped_excess = np.zeros(size)
    stepped_energy = np.zeros((size, 4))
    work = np.zeros((WORK_ROWS, ORDER + 1))
    waveforms = np.empty((size, len(samples)))
    discarded = np.zeros((size, 4))
    next_sample = 0
    capacity = 1024
    times = np.empty(capacity)
    owners = np.empty(capacity, dtype=np.int64)
    directions = np.empty(capacity, dtype=np.bool_)
    total = 0
    statistics = np.zeros(4)
    statistics[3] = math.inf

    while next_sample < len(samples) and samples[next_sample] <= start:
        waveforms[:, next_sample] = v
        next_sample += 1
    time = start
    length = stop - start
    busy = 0.0
    previous = 0.0
    connected = False
    while time < stop:
        limit = stop - time
        if time < close_at:
            limit = min(limit, close_at - time)
        coupled = any_coupling and time >= close_at
        for i in range(size):
            device[i, G_C] = coupling[i] if coupled else 0.0
        if not coupled:
            length = limit
        else:
            if not connected:
                connected = True
                busy = 0.1 * (device[:, C_P] / device[:, G_MET]).min()
                length = busy
                for n in range(ORDER):
                    voltage[n] = v
                if len(indptr) > 0:
                    send_sparse(indptr, indices, data, voltage, current)
                else:
                    send_dense(dense, voltage, current)
            length = min(length, longest_whole(device, metallic, excess, tolerance))
        length = min(length, limit)
        fresh = True
        while True:
            if length < 1e-13 * stop and length < limit:
                return (
                    times[:total],
                    owners[:total],
                    directions[:total],
                    waveforms,
                    NO_PROGRESS,
                    time,
                    statistics,
                )
            prepare(
                device, v, metallic, excess, time, length, tolerance,
                rate, threshold, base, gain, decay, g_node, whole,
            )  # fmt: skip
            if coupled and fresh:
                fresh = False
                first = switching_estimate(device, v, metallic, threshold, rate, current[ORDER - 1])
                # Stop short of a crowd of switchings; inside it, take the length that served the last one.
                if length > 0.95 * first:
                    shorter = max(0.95 * first, min(length, busy))
                    if shorter < length:
                        length = shorter
                        continue
            if limit < 1.5 * length and length < limit:
                length = 0.5 * limit
                continue
            if coupled:
                if previous > 0.0:
                    extrapolate(current, length / previous, ahead)
                else:
                    ahead[:] = current
            failure = 0
            accepted = not coupled
            change_before = math.inf
            sweeps = 0
            error = 0.0
            while True:
                sweeps += 1
                solve_whole(v, length, ahead, base, gain, decay, slope, voltage, end)
                near_threshold(v, metallic, threshold, voltage, end, near)
                for i in range(size):
                    counts[i] = 0
                    stepped[i] = near[i] or not whole[i]
                    if not stepped[i]:
                        continue
                    stepped_energy[i] = 0.0
                    count, end[i], stepped_metallic[i], stepped_excess[i] = advance(
                        i, device, v[i], metallic[i], excess[i], stepped_energy, time, length, ahead, tolerance, voltage,
                        switches, work, samples, 0, 0, waveforms,
                    )  # fmt: skip
                    counts[i] = count
                    if count < 0:
                        failure = count
                        break
                if failure < 0 or not coupled:
                    break
                if len(indptr) > 0:
                    send_sparse(indptr, indices, data, voltage, other)
                else:
                    send_dense(dense, voltage, other)
                change = 0.0
                for n in range(ORDER):
                    for i in range(size):
                        change = max(change, abs(other[n, i] - ahead[n, i]) / device[i, C_P])
                change *= length
                ahead, other = other, ahead
                error = truncation_error(device, metallic, rate, length, ahead, counts)
                if not math.isfinite(change):
                    failure = VOLTAGE_NOT_FINITE
                    break
                if change <= 0.3 * tolerance:
                    accepted = error <= tolerance
                    break
                if error > 3.0 * tolerance and change < 0.3 * error:
                    break
                contraction = change / change_before
                if sweeps == MAX_SWEEPS or (
                    sweeps > 2 and change * contraction ** (MAX_SWEEPS - sweeps) > 0.3 * tolerance
                ):
                    error = math.inf
                    break
                change_before = change
            statistics[1] += sweeps
            if failure == TOO_MANY_SWITCHINGS:
                length *= 0.5
                statistics[2] += 1
                continue
            if failure < 0:
                status = NOT_FINITE if failure == VOLTAGE_NOT_FINITE else NO_PROGRESS
                return times[:total], owners[:total], directions[:total], waveforms, status, time, statistics
            if accepted:
                break
            statistics[2] += 1
            first = math.inf
            for i in range(size):
                if counts[i] > 0:
                    first = min(first, switches[i, 0])
            shrunk = length * (max(0.1, 0.8 * (tolerance / error) ** 0.25) if error < math.inf else 0.4)
            if 0.5 * shrunk < first - time < 0.95 * length:
                length = first - time
            else:
                length = shrunk

        if next_sample < len(samples) and samples[next_sample] <= time + length:
            last = next_sample
            while last < len(samples) and samples[last] <= time + length:
                last += 1
            for i in range(size):
                advance(
                    i, device, v[i], metallic[i], excess[i], discarded, time, length, ahead, tolerance, other, switches,
                    work, samples, next_sample, last, waveforms,
                )  # fmt: skip
            next_sample = last
        switched = False
        for i in range(size):
            if stepped[i]:
                for k in range(4):
                    energy[i, k] += stepped_energy[i, k]
                switched = switched or (counts[i] > 0 and switches[i, 0] < time + 0.5 * length)
                for k in range(counts[i]):
                    if total == capacity:
                        capacity *= 2
                        times = np.concatenate((times, np.empty(total)))
                        owners = np.concatenate((owners, np.empty(total, dtype=np.int64)))
                        directions = np.concatenate((directions, np.empty(total, dtype=np.bool_)))
                    times[total] = switches[i, k]
                    owners[total] = i
                    directions[total] = metallic[i] == (k % 2 == 1)
                    total += 1
                metallic[i] = stepped_metallic[i]
                excess[i] = stepped_excess[i]
            else:
                supply = device[i, V_DD] if time >= device[i, DELAY] else 0.0
                for n in range(ORDER):
                    weight = length * WEIGHTS[n]
                    across = supply - voltage[n, i]
                    energy[i, E_SUPPLY] += weight * supply * across * g_node[n, i]
                    energy[i, E_DEVICE] += weight * across * across * g_node[n, i]
                    energy[i, E_LOAD] += weight * voltage[n, i] * voltage[n, i] * device[i, G_S]
                    energy[i, E_COUPLING] += weight * voltage[n, i] * (device[i, G_C] * voltage[n, i] - ahead[n, i])
                if excess[i] != 0.0:
                    excess[i] *= math.exp(-length / device[i, TAU_0])
                    if abs(excess[i]) < 1e-18 * device[i, G_MET]:
                        excess[i] = 0.0
            v[i] = end[i]
        statistics[0] += 1
        statistics[3] = min(statistics[3], length)
        time = time + length if length < limit else (close_at if time < close_at < stop else stop)
        if coupled:
            current, ahead = ahead, current
            previous = length
            growth = min(4.0, 0.9 * (tolerance / max(error, 1e-300)) ** 0.25)
            if sweeps > 5:
                growth = min(growth, 1.0)
            elif sweeps > 3:
                growth = min(growth, 1.7)
            if switched:
                busy = length * min(growth, 1.5)
            length *= growth
    return times[:total], owners[:total], directions[:total], waveforms, COMPLETE, time, statistics
