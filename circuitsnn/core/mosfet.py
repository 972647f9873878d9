"""Drain current of a transistor in all regions, smooth in all voltages, with its derivatives.

A long-channel EKV core (Enz, Krummenacher and Vittoz 1995, doi:10.1007/BF01239381) with the interpolation
i = ln^2(1 + exp(v / 2)) between weak and strong inversion. Voltages are those of an n-channel transistor against its
bulk; a p-channel one is its mirror image. With phi_t = k T / q:

    V_P = (V_G - V_T + sigma (V_D + V_S)) / n
    q_f = ln(1 + exp((V_P - V_S) / (2 phi_t))),   q_r the same with V_D
    I_D = I_S (q_f^2 - q_r^2) (1 + lambda h(V_D - V_S)) / (1 + theta n phi_t (q_f + q_r)),   I_S = 2 n beta phi_t^2

n phi_t (q_f + q_r) is the mean of the overdrives at source and drain: n (V_P - V_S) at V_DS = 0, half of that in
saturation. sigma is the drain-induced lowering of the barrier, taken with the source's as well, and
h(x) = sqrt(x^2 + (2 phi_t)^2) - 2 phi_t stands for |x|: so exchanging drain and source changes the sign of the current
and nothing else, and every derivative exists at V_D = V_S. Against the source the threshold falls by sigma V_DS and
rises by (n - 1 - 2 sigma) V_SB. There is no velocity saturation but what theta takes in; docs/theory/transistor.md.
"""

import math

import numpy as np
from numba import njit

# Columns of a transistor's table.
V_T, SLOPE, I_S, MOBILITY, CLM, DIBL, PHI_T, POLARITY = range(8)
COLUMNS = 8


@njit(cache=True, error_model="numpy")
def softplus(x):
    """ln(1 + exp(x)) and its derivative, without overflow."""
    if x > 0.0:
        small = math.exp(-x)
        return x + math.log1p(small), 1.0 / (1.0 + small)
    small = math.exp(x)
    return math.log1p(small), small / (1.0 + small)


@njit(cache=True, error_model="numpy")
def drain_current(transistor, v_gate, v_drain, v_source):
    """Give the current into the drain [A] and its derivatives to the voltages of gate, drain and source [S].

    `transistor` is a row of `COLUMNS` numbers; the voltages are against the bulk [V].
    """
    sign = transistor[POLARITY]
    gate, drain, source = sign * v_gate, sign * v_drain, sign * v_source
    slope, phi_t = transistor[SLOPE], transistor[PHI_T]
    dibl, mobility = transistor[DIBL], transistor[MOBILITY]
    pinch_off = (gate - transistor[V_T] + dibl * (drain + source)) / slope
    half = 0.5 / phi_t
    forward, forward_slope = softplus((pinch_off - source) * half)
    reverse, reverse_slope = softplus((pinch_off - drain) * half)

    root = math.sqrt((drain - source) ** 2 + 4.0 * phi_t * phi_t)
    modulation = 1.0 + transistor[CLM] * (root - 2.0 * phi_t)
    reduction = 1.0 + mobility * (forward + reverse)
    scale = transistor[I_S] * modulation / reduction
    difference = forward * forward - reverse * reverse
    current = scale * difference

    # To the two inversion charges, then from these to the voltages.
    to_forward = (2.0 * forward * scale - current * mobility / reduction) * forward_slope * half
    to_reverse = (-2.0 * reverse * scale - current * mobility / reduction) * reverse_slope * half
    to_pinch_off = to_forward + to_reverse
    to_gate = to_pinch_off / slope
    along = transistor[I_S] * difference / reduction * transistor[CLM] * (drain - source) / root
    to_drain = dibl * to_gate - to_reverse + along
    to_source = dibl * to_gate - to_forward - along
    # Twice mirrored, the derivatives keep their sign.
    return sign * current, to_gate, to_drain, to_source


@njit(cache=True, error_model="numpy")
def drain_currents(transistors, v_gate, v_drain, v_source):
    """Apply `drain_current` to each of n transistors (n, COLUMNS) at its own voltages (n,): an array (n, 4)."""
    result = np.empty((len(transistors), 4))
    for index in range(len(transistors)):
        result[index] = drain_current(transistors[index], v_gate[index], v_drain[index], v_source[index])
    return result
