"""The read of one bit line: a wire with its capacitances, discharged by the cells along it.

The line is a ladder of nodes with a resistor between neighbours; node 0 is the sense end, where the precharge switch
sits. A lumped line is a ladder of one node. At node k

    C_k dV_k/dt = G (V_{k-1} - V_k) + G (V_{k+1} - V_k) - sum of the currents I_A of the cells there
                  [k = 0, t > t_sample: + (V_pre - V_0) / R_pre].

A cell's side is an access transistor from the line to the internal node q, a pull-down from q to ground and a pull-up
from V_DD to q; the gate of these two is the cell's other side, held at its rail. q has no capacitance: it is where
I_A = I_pull-down + I_pull-up, found by Newton's method within a bracket. A read port of two transistors is the same
with a pull-up whose I_S is 0.

A word line follows its driver's ideal step through one time constant tau. What the cells of word lines that never turn
on leak depends on their node's voltage alone: for each node that is a Chebyshev series, of as many terms as make its
error 3 % of the tolerance.

Time integration: the linearly implicit Runge-Kutta (Rosenbrock) method RODAS of order 4 with an error estimate of
order 3 and an interpolant of order 3, L-stable, stiffly accurate, exact Jacobian (Hairer and Wanner 1996, Solving
Ordinary Differential Equations II, section VI.4, doi:10.1007/978-3-642-05221-7; the coefficients are those of their
code RODAS, method 1). Charges are quadratures of the same method.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from circuitsnn.core.mosfet import drain_current

# A cell's transistors.
ACCESS, PULL_DOWN, PULL_UP = range(3)
TRANSISTORS = 3

# Charges, integrated over the cycle.
Q_PRECHARGE, Q_SUPPLY, Q_GROUND = range(3)
CHARGES = 3

# A word line's wave.
T_ON, T_OFF, LEVEL = range(3)
WAVE = 3

# How a run ended.
COMPLETE, NOT_FINITE, NO_PROGRESS = range(3)

_STAGES = 6
_GAMMA = 0.25
_A = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [1.544, 0.0, 0.0, 0.0, 0.0],
        [0.9466785280815826, 0.2557011698983284, 0.0, 0.0, 0.0],
        [3.314825187068521, 2.896124015972201, 0.9986419139977817, 0.0, 0.0],
        [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 0.0],
        [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0],
    ]
)
_C = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [-5.6688, 0.0, 0.0, 0.0, 0.0],
        [-2.430093356833875, -0.2063599157091915, 0.0, 0.0, 0.0],
        [-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0.0, 0.0],
        [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160, 0.0],
        [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
    ]
)
_STAGE_TIME = np.array([0.0, 0.386, 0.21, 0.63, 1.0, 1.0])
_TIME_SLOPE = np.array([0.25, -0.1043, 0.1035, -0.03620000000000023, 0.0, 0.0])
_DENSE_1 = np.array([10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662])
_DENSE_2 = np.array([-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872])

# Newton stops where its next move is this small [V]; the currents are then corrected to first order by that move,
# which leaves a relative error of (move / phi_t)^2 / 2, of the order of 1e-9.
_NEWTON = 1e-6
_NEWTON_STEPS = 100
_MAX_STEPS = 100_000

# Leakage of idle cells: the series runs a little beyond the line's range of voltages, and its terms are doubled until
# the last would move the line by less than this part of the tolerance.
_BEYOND = 0.02
_LEAKAGE_PART = 0.03
_FEWEST_TERMS, _MOST_TERMS = 16, 128


class Leakage(NamedTuple):
    """Currents of the idle cells of each node, as Chebyshev series in its voltage."""

    coefficients: np.ndarray
    """Out of the line, out of V_DD, into ground: shape (terms, CHARGES, nodes); no terms without idle cells. [A]"""
    low: float
    """Where the series' range begins. [V]"""
    high: float
    """Where it ends. [V]"""


class Cells(NamedTuple):
    """Cells on a line, each entry standing for `count` equal ones."""

    transistors: np.ndarray
    """Rows of `core.mosfet`, shape (G, TRANSISTORS, COLUMNS)."""
    gate: np.ndarray
    """Voltage of each cell's other side, shape (G,). [V]"""
    node: np.ndarray
    """Node of the line that each is on, shape (G,)."""
    wave: np.ndarray
    """Wave of its word line, shape (G,)."""
    count: np.ndarray
    """Number of equal cells, shape (G,), float."""


class Line(NamedTuple):
    """A bit line with its supplies."""

    capacitance: np.ndarray
    """Capacitance at each node, shape (nodes,). [F]"""
    conductance: float
    """Of the wire between neighbours; ignored with one node. [S]"""
    v_supply: float
    """Supply of the cells. [V]"""
    v_precharge: float
    """Voltage of the precharge source. [V]"""
    g_precharge: float
    """Conductance of the precharge switch when it is on. [S]"""


class Solution(NamedTuple):
    """What `transient` gives."""

    saved: np.ndarray
    """Node voltages at the times asked for, shape (n, nodes). [V]"""
    saved_charges: np.ndarray
    """Charges up to these times, shape (n, CHARGES). [C]"""
    sample: np.ndarray
    """Node voltages at t_sample, shape (nodes,). [V]"""
    last: np.ndarray
    """Node voltages at the end, shape (nodes,). [V]"""
    charges: np.ndarray
    """Charges that left the precharge source and V_DD, and that went to ground, shape (CHARGES,). [C]"""
    peak: np.ndarray
    """Highest internal node of each entry of the cells, at the ends of the steps, shape (G,). [V]"""
    code: int
    """COMPLETE, NOT_FINITE or NO_PROGRESS."""
    steps: int
    """Steps taken."""
    rejected: int
    """Steps tried and shortened."""


@njit(cache=True, error_model="numpy")
def cell_current(cell, gate, v_supply, v_line, v_word, q):
    """Solve a cell's internal node and give its currents with their derivatives to the line and the word line.

    `q` is where to start [V]. Returns the internal node [V], and for each of: the internal node, the current out of
    the line, the current out of V_DD, the current into ground, first (but for the node) the value [A] and then the
    two derivatives.
    """
    low, high = min(0.0, v_line), max(v_supply, v_line)
    if not low <= q <= high:
        q = min(max(q, low), high)
    for _ in range(_NEWTON_STEPS):
        i_access, to_word, to_line, to_q = drain_current(cell[ACCESS], v_word, v_line, q)
        i_down, _, g_down, _ = drain_current(cell[PULL_DOWN], gate, q, 0.0)
        i_up, _, g_up, _ = drain_current(cell[PULL_UP], gate - v_supply, q - v_supply, 0.0)
        # Increases with q, from <= 0 at `low` to >= 0 at `high`: every derivative has the sign of a conductance.
        excess = i_down + i_up - i_access
        slope = g_down + g_up - to_q
        if excess > 0.0:
            high = q
        else:
            low = q
        move = -excess / slope
        if abs(move) <= _NEWTON:
            break
        target = q + move
        q = target if low < target < high else 0.5 * (low + high)
        if high - low <= 1e-15:
            move = 0.0
            break
    q_line = to_line / slope
    q_word = to_word / slope
    return (
        q + move,
        q_line,
        q_word,
        i_access + to_q * move,
        to_line + to_q * q_line,
        to_word + to_q * q_word,
        -i_up - g_up * move,
        -g_up * q_line,
        -g_up * q_word,
        i_down + g_down * move,
        g_down * q_line,
        g_down * q_word,
    )


@njit(cache=True, error_model="numpy")
def word_line(t, within, wave, tau):
    """Give a word line's voltage [V] and slope [V/s] at `t`, where `within` says which side of an edge is meant."""
    if within < wave[T_ON]:
        return 0.0, 0.0
    if within < wave[T_OFF]:
        if tau == 0.0:
            return wave[LEVEL], 0.0
        left = wave[LEVEL] * math.exp(-(t - wave[T_ON]) / tau)
        return wave[LEVEL] - left, left / tau
    if tau == 0.0:
        return 0.0, 0.0
    reached = -wave[LEVEL] * math.expm1(-(wave[T_OFF] - wave[T_ON]) / tau)
    left = reached * math.exp(-(t - wave[T_OFF]) / tau)
    return left, -left / tau


@njit(cache=True, error_model="numpy")
def _word_lines(t, within, waves, tau, words, word_slopes):
    for w in range(len(waves)):
        words[w], word_slopes[w] = word_line(t, within, waves[w], tau)


@njit(cache=True, error_model="numpy")
def idle_leakage(line, cells, idle, low, high, allowed):
    """Fit the leakage of the idle cells over [low, high] with an error below `allowed`, summed over the nodes [A]."""
    nodes = len(line.capacitance)
    if len(idle) == 0:
        return Leakage(np.empty((0, CHARGES, nodes)), low, high)
    terms = _FEWEST_TERMS
    while True:
        values = np.zeros((terms, CHARGES, nodes))
        for g in idle:
            q = 0.0 if cells.gate[g] > 0.5 * line.v_supply else line.v_supply
            k = cells.node[g]
            for m in range(terms):
                x = math.cos(math.pi * (m + 0.5) / terms)
                v_line = 0.5 * (low + high) + 0.5 * (high - low) * x
                solution = cell_current(cells.transistors[g], cells.gate[g], line.v_supply, v_line, 0.0, q)
                q = solution[0]
                values[m, 0, k] += cells.count[g] * solution[3]
                values[m, 1, k] += cells.count[g] * solution[6]
                values[m, 2, k] += cells.count[g] * solution[9]
        coefficients = np.zeros((terms, CHARGES, nodes))
        for j in range(terms):
            for m in range(terms):
                weight = math.cos(math.pi * j * (m + 0.5) / terms) * (1.0 if j == 0 else 2.0) / terms
                for c in range(CHARGES):
                    for k in range(nodes):
                        coefficients[j, c, k] += weight * values[m, c, k]
        tail = 0.0
        for c in range(CHARGES):
            # The last two, since one alone may vanish by chance or symmetry.
            one = np.abs(coefficients[terms - 1, c]).sum() + np.abs(coefficients[terms - 2, c]).sum()
            tail = max(tail, one)
        if tail <= allowed or terms >= _MOST_TERMS:
            return Leakage(coefficients, low, high)
        terms *= 2


@njit(cache=True, error_model="numpy")
def _add_leakage(leakage, v, out):
    """Add the idle cells' currents and their derivatives to the nodes' voltages."""
    terms = len(leakage.coefficients)
    if terms == 0:
        return
    half = 0.5 * (leakage.high - leakage.low)
    middle = 0.5 * (leakage.high + leakage.low)
    # A stage of a step that will be refused may lie anywhere.
    x = np.minimum(np.maximum((v - middle) / half, -1.0), 1.0)
    t_last, t_now = np.ones_like(x), x.copy()  # Chebyshev polynomials of the first kind
    u_last, u_now = np.zeros_like(x), np.ones_like(x)  # and of the second
    for c in range(CHARGES):
        out[c, 0] += leakage.coefficients[0, c]
    for j in range(1, terms):
        for c in range(CHARGES):
            coefficient = leakage.coefficients[j, c]
            for k in range(len(v)):
                out[c, 0, k] += coefficient[k] * t_now[k]
                out[c, 1, k] += coefficient[k] * (j / half) * u_now[k]
        for k in range(len(v)):
            t_last[k], t_now[k] = t_now[k], 2.0 * x[k] * t_now[k] - t_last[k]
            u_last[k], u_now[k] = u_now[k], 2.0 * x[k] * u_now[k] - u_last[k]


@njit(cache=True, error_model="numpy")
def _cell_sums(cells, active, leakage, v_supply, v, words, word_slopes, solved, out):
    """Sum the cells' currents and derivatives over each node into out[quantity, what, node].

    Quantity 0 is the line's, then V_DD's and ground's; what: value [A], derivative to the node [S], to time [A/s].
    `solved` holds each cell's last solution (line, word, q and its two derivatives), from which Newton starts.
    """
    out[:] = 0.0
    for g in active:
        k = cells.node[g]
        w = cells.wave[g]
        v_line, v_word = v[k], words[w]
        start = solved[g, 2] + solved[g, 3] * (v_line - solved[g, 0]) + solved[g, 4] * (v_word - solved[g, 1])
        q, q_line, q_word, i, i_line, i_word, s, s_line, s_word, d, d_line, d_word = cell_current(
            cells.transistors[g], cells.gate[g], v_supply, v_line, v_word, start
        )
        solved[g, 0], solved[g, 1], solved[g, 2], solved[g, 3], solved[g, 4] = v_line, v_word, q, q_line, q_word
        many = cells.count[g]
        rate = word_slopes[w]
        out[0, 0, k] += many * i
        out[0, 1, k] += many * i_line
        out[0, 2, k] += many * i_word * rate
        out[1, 0, k] += many * s
        out[1, 1, k] += many * s_line
        out[1, 2, k] += many * s_word * rate
        out[2, 0, k] += many * d
        out[2, 1, k] += many * d_line
        out[2, 2, k] += many * d_word * rate
    _add_leakage(leakage, v, out)


@njit(cache=True, error_model="numpy")
def _factorise(line, g_precharge, slope, h, inverse):
    """Eliminate below the diagonal of C / (gamma h) - J, symmetric with -G beside it (Thomas); keep 1 / diagonal."""
    nodes = len(line.capacitance)
    g = line.conductance
    for k in range(nodes):
        diagonal = line.capacitance[k] / (_GAMMA * h) + slope[k]
        if k == 0:
            diagonal += g_precharge
        else:
            diagonal += g - g * g * inverse[k - 1]
        if k < nodes - 1:
            diagonal += g
        inverse[k] = 1.0 / diagonal


@njit(cache=True, error_model="numpy")
def _solve(line, inverse, right):
    nodes = len(right)
    g = line.conductance
    for k in range(1, nodes):
        right[k] += g * inverse[k - 1] * right[k - 1]
    right[nodes - 1] *= inverse[nodes - 1]
    for k in range(nodes - 2, -1, -1):
        right[k] = (right[k] + g * right[k + 1]) * inverse[k]


@njit(cache=True, error_model="numpy")
def _step(line, cells, active, leakage, waves, tau, t, h, within, g_precharge, v, first, solved, work):
    """Fill `work` with the six stage increments of node voltages and charges; `first` holds the sums at (t, v)."""
    stages, charge_stages, inverse, stage_v, words, word_slopes, sums = work
    nodes = len(v)
    g_wire = line.conductance
    _factorise(line, g_precharge, first[0, 1], h, inverse)
    for s in range(_STAGES):
        right = stages[s]
        stage_v[:] = v
        right[:] = 0.0
        for j in range(s):
            weight, memory = _A[s, j], _C[s, j] / h
            for k in range(nodes):
                stage_v[k] += weight * stages[j, k]
                right[k] += memory * stages[j, k]
        if s == 0:
            sums[:] = first
        else:
            _word_lines(t + _STAGE_TIME[s] * h, within, waves, tau, words, word_slopes)
            _cell_sums(cells, active, leakage, line.v_supply, stage_v, words, word_slopes, solved, sums)
        ahead = _TIME_SLOPE[s] * h
        for k in range(nodes):
            right[k] = line.capacitance[k] * right[k] - sums[0, 0, k] - ahead * first[0, 2, k]
        for k in range(1, nodes):
            current = g_wire * (stage_v[k - 1] - stage_v[k])
            right[k] += current
            right[k - 1] -= current
        i_precharge = g_precharge * (line.v_precharge - stage_v[0])
        right[0] += i_precharge
        _solve(line, inverse, right)

        for c in range(CHARGES):
            total = 0.0
            for j in range(s):
                total += _C[s, j] * charge_stages[j, c]
            total /= h
            if c == Q_PRECHARGE:
                total += i_precharge - g_precharge * right[0]
            else:
                for k in range(nodes):
                    total += sums[c, 0, k] + first[c, 1, k] * right[k] + ahead * first[c, 2, k]
            charge_stages[s, c] = total * _GAMMA * h


@njit(cache=True, error_model="numpy")
def _advance(y, increments):
    """Give the value at the end of a step and the estimate of its error."""
    new = y
    for j in range(4):
        new += _A[4, j] * increments[j]
    error = increments[5]
    return new + increments[4] + error, error


@njit(cache=True, error_model="numpy")
def _between(old, new, increments, part):
    """Interpolate within a step at the fraction `part` of it."""
    first, second = 0.0, 0.0
    for j in range(5):
        first += _DENSE_1[j] * increments[j]
        second += _DENSE_2[j] * increments[j]
    return old * (1.0 - part) + part * (new + (1.0 - part) * (first + part * second))


@njit(cache=True, error_model="numpy")
def transient(line, cells, waves, tau, v, breakpoints, t_sample, save_at, tolerance):
    """Integrate the read and the precharge after it.

    Parameters
    ----------
    line : Line
        The wire, its capacitances and supplies.
    cells : Cells
        The cells on it.
    waves : ndarray, shape (W, WAVE)
        Of each word line when it turns on and off [s] and its level [V].
    tau : float
        Time constant of the word lines. [s]
    v : ndarray, shape (nodes,)
        Node voltages at the start. [V]
    breakpoints : ndarray, shape (n,)
        Increasing times, from the start to the end, among them every edge of a word line and t_sample. [s]
    t_sample : float
        When the precharge switch turns on. [s]
    save_at : ndarray, shape (m,)
        Increasing times within, at which to keep the node voltages. [s]
    tolerance : float
        Error that a step may make in a node voltage, and in a charge divided by the line's capacitance. [V]

    Returns
    -------
    Solution
        Waveforms, charges, peaks of the internal nodes.
    """
    nodes, groups = len(v), len(cells.gate)
    total_capacitance = line.capacitance.sum()
    v = v.copy()
    new_v = np.empty(nodes)
    charges, new_charges = np.zeros(CHARGES), np.empty(CHARGES)
    saved = np.empty((len(save_at), nodes))
    saved_charges = np.empty((len(save_at), CHARGES))
    sample = v.copy()
    peak = np.full(groups, -np.inf)
    solved = np.zeros((groups, 5))
    for g in range(groups):
        q = 0.0 if cells.gate[g] > 0.5 * line.v_supply else line.v_supply
        v_line = v[cells.node[g]]
        solved[g, 0] = v_line
        solved[g, 2] = cell_current(cells.transistors[g], cells.gate[g], line.v_supply, v_line, 0.0, q)[0]
        peak[g] = solved[g, 2]
    turns_on = np.array([wave[LEVEL] != 0.0 and wave[T_OFF] > wave[T_ON] for wave in waves])
    active = np.flatnonzero(turns_on[cells.wave])
    top = max(v.max(), line.v_precharge)
    leakage = idle_leakage(
        line,
        cells,
        np.flatnonzero(~turns_on[cells.wave]),
        -_BEYOND * top,
        (1.0 + _BEYOND) * top,
        _LEAKAGE_PART * tolerance * total_capacitance / (breakpoints[-1] - breakpoints[0]),
    )
    words, word_slopes = np.empty(len(waves)), np.empty(len(waves))
    first = np.empty((CHARGES, 3, nodes))
    work = (
        np.empty((_STAGES, nodes)), np.empty((_STAGES, CHARGES)), np.empty(nodes), np.empty(nodes),
        np.empty(len(waves)), np.empty(len(waves)), np.empty((CHARGES, 3, nodes)),
    )  # fmt: skip
    stages, charge_stages = work[0], work[1]

    next_save = 0
    while next_save < len(save_at) and save_at[next_save] <= breakpoints[0]:
        saved[next_save] = v
        saved_charges[next_save] = 0.0
        next_save += 1
    steps, rejected = 0, 0
    code = COMPLETE
    for b in range(len(breakpoints) - 1):
        t, end = breakpoints[b], breakpoints[b + 1]
        within = 0.5 * (t + end)
        g_precharge = line.g_precharge if within > t_sample else 0.0
        h = end - t
        if tau > 0.0:
            h = min(h, 0.5 * tau)
        if g_precharge > 0.0:
            h = min(h, 0.1 * total_capacitance / g_precharge)
        fresh = True
        while t < end:
            if fresh:
                _word_lines(t, within, waves, tau, words, word_slopes)
                _cell_sums(cells, active, leakage, line.v_supply, v, words, word_slopes, solved, first)
                for g in active:
                    peak[g] = max(peak[g], solved[g, 2])
                fresh = False
            # Two steps rather than a step and a sliver.
            h = end - t if t + 1.01 * h >= end else min(h, 0.5 * (end - t)) if t + 2.0 * h > end else h
            _step(line, cells, active, leakage, waves, tau, t, h, within, g_precharge, v, first, solved, work)
            worst = 0.0
            for k in range(nodes):
                new_v[k], error = _advance(v[k], stages[:, k])
                worst = max(worst, abs(error)) if error == error else np.inf
            for c in range(CHARGES):
                new_charges[c], error = _advance(charges[c], charge_stages[:, c])
                error /= total_capacitance
                worst = max(worst, abs(error)) if error == error else np.inf
            factor = 0.9 * (tolerance / worst) ** 0.25 if worst > 0.0 else 6.0
            if worst > tolerance:
                rejected += 1
                h *= max(0.1, factor)
                if t + h <= t or steps + rejected > _MAX_STEPS:
                    code = NO_PROGRESS if worst < np.inf else NOT_FINITE
                    return Solution(
                        saved[:next_save], saved_charges[:next_save], sample, v, charges, peak, code, steps, rejected
                    )
                continue
            reached = end if h == end - t else t + h
            while next_save < len(save_at) and save_at[next_save] <= reached:
                part = (save_at[next_save] - t) / h
                for k in range(nodes):
                    saved[next_save, k] = _between(v[k], new_v[k], stages[:, k], part)
                for c in range(CHARGES):
                    saved_charges[next_save, c] = _between(charges[c], new_charges[c], charge_stages[:, c], part)
                next_save += 1
            v[:] = new_v
            charges[:] = new_charges
            t = reached
            steps += 1
            fresh = True
            h *= min(6.0, factor)
            if steps + rejected > _MAX_STEPS:
                return Solution(
                    saved[:next_save], saved_charges[:next_save], sample, v, charges, peak, NO_PROGRESS, steps, rejected
                )
        if end == t_sample:
            sample[:] = v
    return Solution(saved[:next_save], saved_charges[:next_save], sample, v, charges, peak, code, steps, rejected)
