"""Spiking neurons over all time steps, and the products, pools and filters between them.

Signals are arrays (A, T, B): the axes before and after the time steps are samples and neurons ("rows", for dense
layers), or neurons and samples ("maps", for layers with positions). Either way the innermost loop runs along B, in
contiguous memory and on many values at once, and what is carried from step to step stays in the nearest cache. A
signal that is the same in all steps has T = 1.

No operation is contracted in the neurons (a product with a sum is rounded twice), so that potentials of float64 are
those of any other program that adds in the same order.
"""

from typing import NamedTuple

import numpy as np
from numba import njit


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
    drive : (A, T or 1, B) float
        Input in each step, or in all of them.
    threshold, leak : (A or 1, B or 1) float
        Of each neuron, of the drive's type.
    reset_decay : (1,) float
        What remains of a late reset after a step, of the drive's type.
    dynamics : Dynamics
        The rest.
    spikes : (A, T, B) uint8
        Is filled.
    counts : (A, B) float32
        Is filled with each neuron's spikes in all steps.
    """
    size, steps, width = spikes.shape
    changes = drive.shape[1] > 1
    u, fired, taken = np.empty(width, drive.dtype), np.empty(width, drive.dtype), np.empty(width, drive.dtype)
    th, la = np.empty(width, drive.dtype), np.empty(width, drive.dtype)
    early, late = np.zeros(width, drive.dtype), np.zeros(width, drive.dtype)
    wait = np.zeros(width, np.int32)
    decay = reset_decay[0]
    waits = dynamics.refractory > 0
    for a in range(size):
        th[:] = threshold[a % threshold.shape[0]]
        la[:] = leak[a % leak.shape[0]]
        if dynamics.early:
            early[:] = th
        if dynamics.late:
            late[:] = th
        u[:] = 0
        fired[:] = 0
        taken[:] = 0
        wait[:] = 0
        count = counts[a]
        count[:] = 0
        for t in range(steps):
            current = drive[a, t if changes else 0]
            out = spikes[a, t]
            for j in range(width):
                # An early or hard reset of the last step first, as it leaks; a late one comes with the input.
                kept = u[j] - early[j] * fired[j]
                if dynamics.hard and fired[j] > 0:
                    kept = 0 * kept
                taken[j] = decay * taken[j] + fired[j]
                given = current[j]
                if waits and wait[j] > 0:
                    given = 0 * given
                potential = la[j] * kept + given - late[j] * taken[j]
                fires = potential > th[j] or (dynamics.at_threshold and potential == th[j])
                if waits:
                    fires = fires and wait[j] <= 0
                    wait[j] = dynamics.refractory if fires else wait[j] - 1
                u[j] = potential
                fired[j] = 1 if fires else 0
                out[j] = 1 if fires else 0
                count[j] += fired[j]


@njit(cache=True, error_model="numpy")
def sparse_product(rows, weights, out):
    """Add the weights of what is not zero, for each row of a matrix.

    Parameters
    ----------
    rows : (n, inputs)
        Spikes, or other numbers, mostly zero.
    weights : (inputs, outputs) float
        Weights of each input.
    out : (n, outputs) float
        Is added to.
    """
    active = np.empty(rows.shape[1], np.int64)
    for r in range(rows.shape[0]):
        row, total = rows[r], out[r]
        number = 0
        for i in range(row.size):
            if row[i] != 0:
                active[number] = i
                number += 1
        for k in range(number):
            value, weight = row[active[k]], weights[active[k]]
            for j in range(total.size):
                total[j] += value * weight[j]


@njit(cache=True, error_model="numpy")
def convolution(maps, weights, stride, padding, bias, out):
    """Convolve maps; zeros around them are left out.

    Parameters
    ----------
    maps : (channels, D, H, W, B) float
        Inputs.
    weights : (outputs, channels, K_D, K_H, K_W) float
        Weights.
    stride, padding : tuple of three int
        Steps of the kernel, zeros at both ends.
    bias : (outputs,) float
        Bias.
    out : (outputs, D_o, H_o, W_o, B) float
        Is filled.
    """
    for c in range(out.shape[0]):
        for d in range(out.shape[1]):
            for h in range(out.shape[2]):
                for w in range(out.shape[3]):
                    total = out[c, d, h, w]
                    total[:] = bias[c]
                    for i in range(maps.shape[0]):
                        for kd in range(weights.shape[2]):
                            y = d * stride[0] - padding[0] + kd
                            if y < 0 or y >= maps.shape[1]:
                                continue
                            for kh in range(weights.shape[3]):
                                x = h * stride[1] - padding[1] + kh
                                if x < 0 or x >= maps.shape[2]:
                                    continue
                                for kw in range(weights.shape[4]):
                                    z = w * stride[2] - padding[2] + kw
                                    if z < 0 or z >= maps.shape[3]:
                                        continue
                                    weight, values = weights[c, i, kd, kh, kw], maps[i, y, x, z]
                                    for j in range(total.size):
                                        total[j] += weight * values[j]


@njit(cache=True, error_model="numpy")
def pool(maps, kernel, stride, largest, divisor, out):
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
    out : (channels, D_o, H_o, W_o, B)
        Is filled.
    """
    for c in range(out.shape[0]):
        for d in range(out.shape[1]):
            for h in range(out.shape[2]):
                for w in range(out.shape[3]):
                    total = out[c, d, h, w]
                    total[:] = maps[c, d * stride[0], h * stride[1], w * stride[2]]
                    for part in range(1, kernel[0] * kernel[1] * kernel[2]):
                        y = d * stride[0] + part // (kernel[1] * kernel[2])
                        x = h * stride[1] + part // kernel[2] % kernel[1]
                        values = maps[c, y, x, w * stride[2] + part % kernel[2]]
                        if largest:
                            for j in range(total.size):
                                total[j] = max(total[j], values[j])
                        else:
                            for j in range(total.size):
                                total[j] += values[j]
                    if not largest:
                        for j in range(total.size):
                            total[j] /= divisor[0]


@njit(cache=True, error_model="numpy")
def filtered(series, feedback, feedforward, out):
    """Filter a series: out[t] = sum_p feedback_p out[t - p] + sum_q feedforward_q series[t - q], zero before the start.

    Parameters
    ----------
    series : (A, T or 1, B)
        Inputs, or one input for all steps.
    feedback : (P,) float
        Coefficients for p = 1, 2, ...
    feedforward : (Q + 1,) float
        Coefficients for q = 0, 1, ...
    out : (A, T, B) float
        Is filled.
    """
    changes = series.shape[1] > 1
    for a in range(out.shape[0]):
        for t in range(out.shape[1]):
            total = out[a, t]
            total[:] = 0
            for p in range(min(feedback.size, t)):
                factor, values = feedback[p], out[a, t - 1 - p]
                for j in range(total.size):
                    total[j] += factor * values[j]
            for q in range(min(feedforward.size, t + 1)):
                factor, inputs = feedforward[q], series[a, t - q if changes else 0]
                for j in range(total.size):
                    total[j] += factor * inputs[j]
