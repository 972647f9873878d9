"""Static solution of a six-transistor cell: transfer curves, the stored state under read, the noise margin.

A side of the cell is an inverter with an access transistor, as in `core.bitline`. The current that leaves its node,

    F(x, y) = I_pull-down + I_pull-up - I_access,   x the other node (the gate), y this node,

increases with x and with y, so each curve below is met once by every line that it is followed along.
"""

import math

import numpy as np
from numba import njit

from circuitsnn.core.bitline import ACCESS, PULL_DOWN, PULL_UP
from circuitsnn.core.mosfet import drain_current

_STEPS = 200
_SETTLE_STEPS = 20_000
_RESOLUTION = 1e-13  # V
_GRID = 64  # intervals in which a lobe's largest square is looked for
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_GOLDEN_STEPS = 40


@njit(cache=True, error_model="numpy")
def excess(side, gate, node, v_supply, v_line, v_word):
    """Give F [A] and its derivatives to gate and node [S]."""
    i_access, _, _, to_node = drain_current(side[ACCESS], v_word, v_line, node)
    i_down, gate_down, node_down, _ = drain_current(side[PULL_DOWN], gate, node, 0.0)
    i_up, gate_up, node_up, _ = drain_current(side[PULL_UP], gate - v_supply, node - v_supply, 0.0)
    return i_down + i_up - i_access, gate_down + gate_up, node_down + node_up - to_node


@njit(cache=True, error_model="numpy")
def _along(side, gate, node, gate_step, v_supply, v_line, v_word, low, high):
    """Move by m along (gate_step, 1) from (gate, node) to where F = 0, with m between `low` and `high`."""
    m = 0.5 * (low + high)
    for _ in range(_STEPS):
        value, to_gate, to_node = excess(side, gate + gate_step * m, node + m, v_supply, v_line, v_word)
        if value > 0.0:
            high = m
        else:
            low = m
        target = m - value / (gate_step * to_gate + to_node)
        last, m = m, target if low < target < high else 0.5 * (low + high)
        if abs(m - last) <= _RESOLUTION or high - low <= _RESOLUTION:
            break
    return m


@njit(cache=True, error_model="numpy")
def node_voltage(side, gate, v_supply, v_line, v_word):
    """Solve a side's node for a voltage at its gates: the transfer curve [V]."""
    low, high = min(0.0, v_line), max(v_supply, v_line)
    return _along(side, gate, 0.0, 0.0, v_supply, v_line, v_word, low, high)


@njit(cache=True, error_model="numpy")
def node_voltages(side, gates, v_supply, v_line, v_word):
    """Solve a side's node for each voltage at its gates, shape (n,). [V]."""
    return np.array([node_voltage(side, gate, v_supply, v_line, v_word) for gate in gates])


@njit(cache=True, error_model="numpy")
def at_offset(side, offset, v_supply, v_line, v_word):
    """Find the node's voltage on its transfer curve where the gate is higher than it by `offset` [V]."""
    top = max(v_supply, v_line)
    return _along(side, offset, 0.0, 1.0, v_supply, v_line, v_word, -top - abs(offset), top + abs(offset))


@njit(cache=True, error_model="numpy")
def _square(sides, offset, v_supply, v_lines, v_word):
    """Side of the square between the two curves whose diagonal lies on Q_bar - Q = offset, signed [V]."""
    first = at_offset(sides[0], offset, v_supply, v_lines[0], v_word)  # Q on the curve of Q
    second = at_offset(sides[1], -offset, v_supply, v_lines[1], v_word) - offset  # Q on the curve of Q_bar
    return second - first if offset > 0.0 else first - second


@njit(cache=True, error_model="numpy")
def noise_margins(sides, v_supply, v_lines, v_word):
    """Largest squares inscribed in the two lobes of the butterfly, of a stored 0 and of a stored 1 [V].

    Negative where the lobe does not exist. The two curves are compared along lines of 45 degrees (Seevinck, List and
    Lohstroh 1987, doi:10.1109/JSSC.1987.1052809). `sides` has shape (2, TRANSISTORS, COLUMNS), `v_lines` (2,).
    """
    result = np.empty(2)
    top = max(v_supply, v_lines[0], v_lines[1])
    for lobe in range(2):
        sign = 1.0 if lobe == 0 else -1.0
        best, best_at = -np.inf, 1
        for i in range(1, _GRID):
            size = _square(sides, sign * top * i / _GRID, v_supply, v_lines, v_word)
            if size > best:
                best, best_at = size, i
        # Golden section about the best point of the grid.
        low, high = top * (best_at - 1 + 1e-9) / _GRID, top * (best_at + 1) / _GRID
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        at_left = _square(sides, sign * left, v_supply, v_lines, v_word)
        at_right = _square(sides, sign * right, v_supply, v_lines, v_word)
        for _ in range(_GOLDEN_STEPS):
            if at_left > at_right:
                high, right, at_right = right, left, at_left
                left = high - _GOLDEN * (high - low)
                at_left = _square(sides, sign * left, v_supply, v_lines, v_word)
            else:
                low, left, at_left = left, right, at_right
                right = low + _GOLDEN * (high - low)
                at_right = _square(sides, sign * right, v_supply, v_lines, v_word)
        result[lobe] = max(best, at_left, at_right)
    return result


@njit(cache=True, error_model="numpy")
def settle(sides, v_supply, v_lines, v_word, stored):
    """Follow a stored bit to where the cell comes to rest, both nodes solved: voltages of Q and Q_bar [V].

    Each node is solved with the other held, in turn. Both curves fall, so this goes one way only and ends at the
    first state of rest that the cell meets on its way from the rails: the one that a slow word line leads to.
    """
    q = 0.0 if stored == 0 else v_supply
    q_bar = v_supply - q
    for _ in range(_SETTLE_STEPS):
        new_bar = node_voltage(sides[1], q, v_supply, v_lines[1], v_word)
        new = node_voltage(sides[0], new_bar, v_supply, v_lines[0], v_word)
        moved = max(abs(new - q), abs(new_bar - q_bar))
        q, q_bar = new, new_bar
        if moved <= 1e-12:
            break
    return q, q_bar
