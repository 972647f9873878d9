"""Spiking neurons over all time steps, and the products, pools and filters between them.

Signals have their time steps first: a step's values lie in one piece, whatever their axes mean, and a signal that is
the same in all steps has one. Neurons are worked on by so many that what they carry from step to step stays in the
nearest cache.

No operation is contracted in the neurons (a product with a sum is rounded twice), so that potentials of float64 are
those of any other program that adds in the same order.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

_TILE = 1024  # neurons worked on at a time


class Dynamics(NamedTuple):
    """How a layer's neurons behave, other than threshold and leak."""

    early: bool
    """Whether a soft reset takes place in the step of the spike."""
    late: bool
    """Whether a soft reset takes place in the step after the spike."""
    hard: bool
    """Whether a spike sets the potential to zero."""
    at_threshold: bool
    """Whether a potential equal to the threshold makes a spike."""
    refractory: int
    """Steps after a spike without input and spikes."""


@njit(cache=True, error_model="numpy")
def neurons(drive, threshold, leak, reset_decay, dynamics, spikes, counts):
    """Let neurons spike, from a potential of zero.

    Parameters
    ----------
    drive : (T or 1, n) float
        Input in each step, or in all of them.
    threshold, leak : (n or 1,) float
        Of each neuron, of the drive's type.
    reset_decay : (1,) float
        What remains of a late reset after a step, of the drive's type.
    dynamics : Dynamics
        The rest.
    spikes : (T, n) uint8
        Is filled.
    counts : (n,) float32
        Is filled with each neuron's spikes in all steps.
    """
    u, fired, taken, th, la = (
        np.empty(_TILE, drive.dtype), np.empty(_TILE, drive.dtype), np.empty(_TILE, drive.dtype),
        np.empty(_TILE, drive.dtype), np.empty(_TILE, drive.dtype),
    )  # fmt: skip
    wait, nothing = np.empty(_TILE, np.int32), np.zeros(1, drive.dtype)
    plain = dynamics.refractory == 0 and reset_decay[0] == 0
    for start in range(0, counts.size, _TILE):
        count = counts[start : start + _TILE]
        size = count.size
        _fill(th, threshold[start : start + size] if threshold.size > 1 else threshold)
        _fill(la, leak[start : start + size] if leak.size > 1 else leak)
        _fill(u, nothing)
        _fill(count, nothing)
        if not plain:
            fired[:], taken[:], wait[:] = 0, 0, 0
        for t in range(spikes.shape[0]):
            current = drive[t if drive.shape[0] > 1 else 0, start : start + size]
            out = spikes[t, start : start + size]
            if not plain:
                _step(u, fired, taken, wait, current, th, la, reset_decay[0], dynamics, out, count)
            elif dynamics.late:
                _step_late(u, current, th, la, dynamics.at_threshold, out, count)
            else:
                _step_early(u, current, th, la, dynamics, out, count)


@njit(cache=True, error_model="numpy")
def _fill(out, values):
    """Set values, or one for all."""
    # Numba's own assignment to a slice takes thirty times as long.
    if values.size == 1:
        value = values[0]
        for j in range(out.size):
            out[j] = value
    else:
        for j in range(values.size):
            out[j] = values[j]


@njit(cache=True, error_model="numpy", inline="always")
def _fires(potential, threshold, at_threshold):
    return potential > threshold or (at_threshold and potential == threshold)


@njit(cache=True, error_model="numpy")
def _step_late(u, current, th, la, at_threshold, out, count):
    """Advance neurons whose soft reset comes in the next step: a potential says whether there was a spike."""
    nothing = u.dtype.type(0)
    for j in range(out.size):
        before = u[j]
        potential = la[j] * before + current[j] - (th[j] if _fires(before, th[j], at_threshold) else nothing)
        u[j] = potential
        fires = _fires(potential, th[j], at_threshold)
        out[j] = fires
        count[j] += np.float32(fires)


@njit(cache=True, error_model="numpy")
def _step_early(u, current, th, la, dynamics, out, count):
    """Advance neurons whose reset, if any, comes at once; a hard one in the next step gives the same spikes."""
    for j in range(out.size):
        potential = la[j] * u[j] + current[j]
        fires = _fires(potential, th[j], dynamics.at_threshold)
        left = potential - th[j] if dynamics.early else potential
        left = u.dtype.type(0) if dynamics.hard else left
        u[j] = left if fires else potential
        out[j] = fires
        count[j] += np.float32(fires)


@njit(cache=True, error_model="numpy")
def _step(u, fired, taken, wait, current, th, la, decay, dynamics, out, count):
    """Advance neurons of any kind."""
    for j in range(out.size):
        # An early or hard reset of the last step first, as it leaks; a late one comes with the input.
        kept = u[j] - th[j] if dynamics.early and fired[j] > 0 else u[j]
        kept = 0 if dynamics.hard and fired[j] > 0 else kept
        taken[j] = decay * taken[j] + fired[j]
        given = 0 if wait[j] > 0 else current[j]
        potential = la[j] * kept + given - (th[j] * taken[j] if dynamics.late else 0)
        fires = wait[j] <= 0 and _fires(potential, th[j], dynamics.at_threshold)
        wait[j] = dynamics.refractory if fires else wait[j] - 1
        u[j] = potential
        fired[j] = fires
        out[j] = fires
        count[j] += np.float32(fires)


@njit(cache=True, error_model="numpy")
def count(series, counts):
    """Count what is not zero in all steps.

    Parameters
    ----------
    series : (T, n)
        Spikes.
    counts : (n,) float32
        Is filled.
    """
    for start in range(0, counts.size, _TILE):
        total = counts[start : start + _TILE]
        _fill(total, np.zeros(1, counts.dtype))
        for t in range(series.shape[0]):
            values = series[t, start : start + _TILE]
            for j in range(total.size):
                total[j] += np.float32(values[j] != 0)


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def sparse_product(rows, weights, out):
    """Add up the weights of what is not zero, for each row of a matrix.

    Parameters
    ----------
    rows : (n, inputs)
        Spikes, or other numbers, mostly zero.
    weights : (inputs, outputs) float
        Weights of each input.
    out : (n, outputs) float
        Is filled.
    """
    active, nothing = np.empty(rows.shape[1], np.int64), np.zeros(1, out.dtype)
    for r in range(rows.shape[0]):
        row, total = rows[r], out[r]
        _fill(total, nothing)
        number = 0
        for i in range(row.size):
            active[number] = i
            number += row[i] != 0
        # Four at a time, so that the sums are fetched and stored a quarter as often.
        whole = number - number % 4
        for k in range(0, whole, 4):
            a, b, c, d = active[k], active[k + 1], active[k + 2], active[k + 3]
            x, y, z, w = row[a], row[b], row[c], row[d]
            p, q, s, v = weights[a], weights[b], weights[c], weights[d]
            for j in range(total.size):
                total[j] += (x * p[j] + y * q[j]) + (z * s[j] + w * v[j])
        for k in range(whole, number):
            x, p = row[active[k]], weights[active[k]]
            for j in range(total.size):
                total[j] += x * p[j]


@njit(cache=True, error_model="numpy")
def sparse_series(series, weights, out):
    """Add up the weights of inputs that spike in many steps.

    Inputs that spike in the same ones of four steps are added up together, once for all of these steps.

    Parameters
    ----------
    series : (T, n, inputs) uint8
        Spikes, 0 or 1.
    weights : (inputs, outputs) float
        Weights of each input.
    out : (T, n, outputs) float
        Is filled.
    """
    steps, inputs = series.shape[0], series.shape[2]
    pattern, active, ordered = np.empty(inputs, np.uint8), np.empty(inputs, np.int64), np.empty(inputs, np.int64)
    first, place = np.empty(17, np.int64), np.empty(17, np.int64)
    total, nothing = np.empty(weights.shape[1], out.dtype), np.zeros(1, out.dtype)
    for r in range(series.shape[1]):
        for start in range(0, steps, 4):
            members = min(4, steps - start)
            for t in range(members):
                _fill(out[start + t, r], nothing)
            _fill(pattern, series[start, r])
            for t in range(1, members):
                row = series[start + t, r]
                for i in range(inputs):
                    pattern[i] |= row[i] << t
            number = 0
            for i in range(inputs):
                active[number] = i
                number += pattern[i] != 0
            # Inputs in the order of their patterns, by counting.
            first[:] = 0
            for k in range(number):
                first[pattern[active[k]] + 1] += 1
            for kind in range(16):
                first[kind + 1] += first[kind]
            place[:] = first
            for k in range(number):
                kind = pattern[active[k]]
                ordered[place[kind]] = active[k]
                place[kind] += 1
            for kind in range(1, 16):
                if first[kind] == first[kind + 1]:
                    continue
                _sum_rows(weights, ordered[first[kind] : first[kind + 1]], total)
                for t in range(members):
                    if kind >> t & 1:
                        sums = out[start + t, r]
                        for j in range(sums.size):
                            sums[j] += total[j]


@njit(cache=True, error_model="numpy")
def _sum_rows(weights, rows, total):
    """Add up rows of weights."""
    _fill(total, weights[rows[0]])
    rest = 1 + (rows.size - 1) % 4
    for k in range(1, rest):
        p = weights[rows[k]]
        for j in range(total.size):
            total[j] += p[j]
    for k in range(rest, rows.size, 4):
        p, q, s, v = weights[rows[k]], weights[rows[k + 1]], weights[rows[k + 2]], weights[rows[k + 3]]
        for j in range(total.size):
            total[j] += (p[j] + q[j]) + (s[j] + v[j])


@njit(cache=True, error_model="numpy")
def gather(maps, first, stride, padding, out):
    """Bring inputs to where the elements of a convolution's kernel meet them, zeros around the map included.

    Parameters
    ----------
    maps : (channels, D, H, W, B)
        Inputs.
    first : int
        Place of the first row along D, negative in the zeros around the map.
    stride, padding : tuple of two int
        Steps of the kernel and zeros at both ends, of H and W.
    out : (rows, channels, K_H, K_W, H_o, W_o, B) float
        Is filled.
    """
    width = maps.shape[4]
    lines, flat = maps.reshape(*maps.shape[:3], -1), out.reshape(*out.shape[:5], -1)
    for r in range(out.shape[0]):
        d = first + r
        for c in range(out.shape[1]):
            for kh in range(out.shape[2]):
                for kw in range(out.shape[3]):
                    # Positions low to high meet the map; with steps of one their inputs lie in one piece.
                    low = min(max(-((kw - padding[1]) // stride[1]), 0), out.shape[5])
                    high = max(min((maps.shape[3] - 1 + padding[1] - kw) // stride[1] + 1, out.shape[5]), low)
                    piece = (max(high - low, 1) if stride[1] == 1 else 1) * width
                    for h in range(out.shape[4]):
                        y = h * stride[0] - padding[0] + kh
                        line = flat[r, c, kh, kw, h]
                        if not (0 <= d < maps.shape[1] and 0 <= y < maps.shape[2]):
                            for j in range(line.size):
                                line[j] = 0
                            continue
                        for j in range(low * width):
                            line[j] = 0
                        for j in range(high * width, line.size):
                            line[j] = 0
                        inputs = lines[c, d, y]
                        for start in range(low * width, high * width, piece):
                            at = (start // width * stride[1] - padding[1] + kw) * width
                            values = inputs[at : at + piece]
                            place = line[start : start + piece]
                            for j in range(piece):
                                place[j] = values[j]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def sparse_convolution(maps, weights, first, stride, padding, out):
    """Add the weights of what is not zero, wherever the kernel meets it.

    Along the last direction, what one input adds to neighbouring outputs lies in one piece, in the weights as in the
    outputs: the longer it is, the less it matters what else a spike takes.

    Parameters
    ----------
    maps : (n, D, H, W, channels) float
        Inputs, mostly zero.
    weights : (K_D, K_H, channels, K_W, outputs) float
        Weights; along K_W in the order of `in_one_piece`.
    first : (stride + 1,) int
        Where the elements of the kernel start that an input meets whose place, padding included, is 0, 1, ... modulo
        the stride of the last direction.
    stride, padding : tuple of three int
        Steps of the kernel, zeros at both ends.
    out : (n, D_o, H_o, W_o, outputs) float
        Is added to.
    """
    channels, outputs = maps.shape[4], out.shape[4]
    flat = weights.reshape(*weights.shape[:3], weights.shape[3] * outputs)
    lines = out.reshape(*out.shape[:3], out.shape[3] * outputs)
    active = np.empty(channels, np.int64)
    for r in range(maps.shape[0]):
        for d in range(maps.shape[1]):
            for h in range(maps.shape[2]):
                for w in range(maps.shape[3]):
                    here = maps[r, d, h, w]
                    number = 0
                    for c in range(channels):
                        active[number] = c
                        number += here[c] != 0
                    if number == 0:
                        continue
                    kind, place = (w + padding[2]) % stride[2], (w + padding[2]) // stride[2]
                    start = first[kind]
                    begin = place - (first[kind + 1] - start - 1)
                    low, high = max(-begin, 0), min(first[kind + 1] - start, out.shape[3] - begin)
                    if high <= low:
                        continue
                    for kd in range(weights.shape[0]):
                        y = d + padding[0] - kd
                        if y % stride[0] != 0 or y < 0 or y // stride[0] >= out.shape[1]:
                            continue
                        for kh in range(weights.shape[1]):
                            x = h + padding[1] - kh
                            if x % stride[1] != 0 or x < 0 or x // stride[1] >= out.shape[2]:
                                continue
                            line = lines[r, y // stride[0], x // stride[1]]
                            total = line[(begin + low) * outputs : (begin + high) * outputs]
                            piece = slice((start + low) * outputs, (start + high) * outputs)
                            whole = number - number % 2
                            for k in range(0, whole, 2):
                                a, b = here[active[k]], here[active[k + 1]]
                                p, q = flat[kd, kh, active[k], piece], flat[kd, kh, active[k + 1], piece]
                                for j in range(total.size):
                                    total[j] += a * p[j] + b * q[j]
                            if whole < number:
                                a, p = here[active[whole]], flat[kd, kh, active[whole], piece]
                                for j in range(total.size):
                                    total[j] += a * p[j]


@njit(cache=True, error_model="numpy")
def pool(maps, kernel, stride, largest, divisor, lines, out):
    """Add up parts of maps and divide, or take their largest values.

    Parameters
    ----------
    maps : (channels, D, H, W, B)
        Inputs.
    kernel, stride : tuple of three int
        Sizes and steps of the parts.
    largest : bool
        Largest values in place of sums.
    divisor : (1,) float
        What sums are divided by, of the output's type.
    lines : (2, W * B)
        Room for sums, of a type that can hold them.
    out : (channels, D_o, H_o, W_o, B)
        Is filled.
    """
    width = maps.shape[4]
    flat = maps.reshape(*maps.shape[:3], -1)
    line, found = lines[0], lines[1]
    by = divisor[0]
    for c in range(out.shape[0]):
        for d in range(out.shape[1]):
            for h in range(out.shape[2]):
                # Whole lines, as they are long: those of the part, then neighbours along the one that is left.
                for part in range(kernel[0] * kernel[1]):
                    values = flat[c, d * stride[0] + part // kernel[1], h * stride[1] + part % kernel[1]]
                    _join(line, values, part == 0, largest)
                for part in range(kernel[2]):
                    _join(found, line[part * width :], part == 0, largest)
                for w in range(out.shape[3]):
                    total, start = out[c, d, h, w], w * stride[2] * width
                    values = found[start : start + width]
                    for j in range(width):
                        total[j] = values[j] if largest else out.dtype.type(values[j]) / by


@njit(cache=True, error_model="numpy")
def _join(line, values, first, largest):
    """Add values to a line or take the larger ones, or begin with them."""
    if first:
        for j in range(values.size):
            line[j] = values[j]
    elif largest:
        for j in range(values.size):
            line[j] = max(line[j], values[j])
    else:
        for j in range(values.size):
            line[j] += values[j]


@njit(cache=True, error_model="numpy")
def filtered(series, feedback, feedforward, out):
    """Filter a series: out[t] = sum_p feedback_p out[t - p] + sum_q feedforward_q series[t - q], zero before the start.

    Parameters
    ----------
    series : (T or 1, n)
        Inputs, or one input for all steps.
    feedback : (P,) float
        Coefficients for p = 1, 2, ...
    feedforward : (Q + 1,) float
        Coefficients for q = 0, 1, ...
    out : (T, n) float
        Is filled.
    """
    for t in range(out.shape[0]):
        total = out[t]
        total[:] = 0
        for p in range(min(feedback.size, t)):
            factor, values = feedback[p], out[t - 1 - p]
            for j in range(total.size):
                total[j] += factor * values[j]
        for q in range(min(feedforward.size, t + 1)):
            factor, inputs = feedforward[q], series[t - q if series.shape[0] > 1 else 0]
            for j in range(total.size):
                total[j] += factor * inputs[j]
