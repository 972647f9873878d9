"""The phase transition function in closed form: the resistance between in phase and out of phase.

Two equal oscillators, the second supply ``delay`` after the first, coupled by R_C from the moment at which
the second output first reaches V+. The pair locks in phase if R_C is below zeta^-1(delay).

Source: equations 7-11 of Delacour & Todri-Sanial 2021, doi 10.3389/fnins.2021.694549. Its supplement (tau',
the initial voltages, epsilon) was not at hand: docs/theory/phase_transition.md derives them.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from circuitsnn.errors import InputError
from circuitsnn.oscillator.closed_form import (
    OscillatorParameters,
    charge_duration,
    discharge_duration,
    discharge_start_in_effect,
    tau_d,
    v_ins,
    v_minus,
    v_plus,
)

_STAGES = 20  # of the Gauss-Legendre collocation: order 40, so one step suffices for a few tau_0
_GRID = 48  # resistances between which epsilon is interpolated, to 4e-5, and the lowest crossing looked for


def difference_time_constant(resistance: float, card: OscillatorParameters) -> float:
    """Time constant tau' of equation 9, with which the output difference of an insulating pair dies [s].

    1/tau' = (1/R_S + 1/R_ins + 2/R_C) / C_P.
    """
    return card.C_P / (1 / card.R_S + 1 / card.R_ins + 2 / resistance)


def locking_depth(resistance: float, card: OscillatorParameters) -> float:
    """epsilon(R_C): how far the second output still falls once the first device has switched at V- [V].

    Both devices insulating, the first output reaches V- with the second a little above. The first output then
    rises with its device's growing conductance, pulls the second through R_C, and turns its fall round.
    epsilon is the gap from which the second output, at its lowest, just reaches V- too.

    Parameters
    ----------
    resistance : float
        Coupling resistance R_C. [ohm]
    card : OscillatorParameters
        The oscillators.

    Returns
    -------
    float
        Depth epsilon; ``inf`` if R_C is too large for the first output to turn the second round. [V]
    """
    depth = 0.0
    for _ in range(30):
        previous, depth = depth, _fall(resistance, card, depth)
        if np.isinf(depth) or abs(depth - previous) < 1e-13:
            break
    return depth


def _fall(resistance: float, card: OscillatorParameters, gap: float) -> float:
    """Fall of the second output below its start V- + gap, the first starting at V- [V]."""
    start = np.array([v_minus(card), v_minus(card) + gap])

    def slope_of_second(duration: float) -> float:
        matrix, source = _pair_equations(duration, resistance, card)
        return (matrix @ _pair_after(duration, start, resistance, card) + source)[1]

    latest = charge_duration(card) + card.tau_0
    # leading order: the second turns round when the first has risen by R_C C_P |dv_2/dt|; it rises at a rate
    # that grows to V_H / (R_met C_P) within tau_0
    needed = resistance * card.C_P * (v_minus(card) - v_ins(card)) / tau_d(card)
    at_full_rate = needed * card.R_met * card.C_P / card.V_H
    bound = min(at_full_rate + np.sqrt(2 * at_full_rate * card.tau_0), latest)
    while slope_of_second(bound) < 0:
        if bound >= latest:
            return np.inf
        bound = min(1.5 * bound, latest)
    turn = brentq(slope_of_second, 0.0, bound, xtol=1e-18, rtol=1e-10)
    return start[1] - _pair_after(turn, start, resistance, card)[1]


def _pair_equations(time, resistance: float, card: OscillatorParameters) -> tuple[np.ndarray, np.ndarray]:
    """A(t), (..., 2, 2), and b(t), (..., 2), of dv/dt = A v + b, device 1 turning metallic at t = 0."""
    time = np.asarray(time, dtype=float)
    with np.errstate(over="ignore"):  # a tau_0 next to nothing is a jump
        share = -np.expm1(-time / card.tau_0) if card.tau_0 > 0 else np.ones_like(time)
    G_1 = 1 / card.R_ins + (1 / card.R_met - 1 / card.R_ins) * share
    matrix, source = np.empty((*time.shape, 2, 2)), np.empty((*time.shape, 2))
    matrix[..., 0, 0] = -(G_1 + 1 / card.R_S + 1 / resistance)
    matrix[..., 1, 1] = -(1 / card.R_ins + 1 / card.R_S + 1 / resistance)
    matrix[..., 0, 1] = matrix[..., 1, 0] = 1 / resistance
    source[..., 0], source[..., 1] = card.V_DD * G_1, card.V_DD / card.R_ins
    return matrix / card.C_P, source / card.C_P


@functools.cache
def _collocation() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes on 0..1, weights, and the matrix that integrates a polynomial from 0 to each node."""
    x, weights = np.polynomial.legendre.leggauss(_STAGES)
    basis = np.polynomial.legendre.legvander(x, _STAGES)
    integral = np.empty((_STAGES, _STAGES))
    integral[:, 0] = x + 1
    for degree in range(1, _STAGES):
        integral[:, degree] = (basis[:, degree + 1] - basis[:, degree - 1]) / (2 * degree + 1)
    return (x + 1) / 2, weights / 2, integral @ np.linalg.inv(basis[:, :_STAGES]) / 2


def _pair_after(duration: float, start: np.ndarray, resistance: float, card: OscillatorParameters) -> np.ndarray:
    """Both outputs ``duration`` after the first device has begun to turn metallic [V].

    The equations are linear, so one collocation step is one linear solution: no iteration, no step control.
    """
    nodes, weights, integral = _collocation()
    matrix, source = _pair_equations(duration * nodes, resistance, card)
    # the slopes k at the nodes satisfy k_i = A_i (start + duration sum_j integral_ij k_j) + b_i
    coupled = np.einsum("ipq,ij->ipjq", matrix, integral).reshape(2 * _STAGES, 2 * _STAGES)
    right = (matrix @ start + source).ravel()
    slopes = np.linalg.solve(np.eye(2 * _STAGES) - duration * coupled, right).reshape(_STAGES, 2)
    return start + duration * weights @ slopes


def _log_excess(resistance, depth, delay, card: OscillatorParameters):
    """ln(output difference when the first reaches V- / epsilon): above 0 the pair goes out of phase [1]."""
    above = v_minus(card) + depth / 2 - v_ins(card)
    begin = discharge_start_in_effect(card) - v_ins(card)
    passed = np.exp(-delay / tau_d(card))
    # the mean falls from begin (1 + passed) / 2 to V- + epsilon/2 at the instant asked for
    log_mean_fall = np.log(begin * (1 + passed) / 2 / above)
    per_mean = tau_d(card) / difference_time_constant(resistance, card)
    return np.log(begin * -np.expm1(-delay / tau_d(card))) - per_mean * log_mean_fall - np.log(depth)


def _check_delays(delay, card: OscillatorParameters) -> np.ndarray:
    delays = np.asarray(delay, dtype=float)
    longest = discharge_duration(card)
    wrong = ~((delays > 0) & (delays < longest))
    if wrong.any():
        raise InputError(
            f"The delay {delays[wrong].flat[0]:.4g} s is outside the range of the transition function: above "
            f"0 and below the discharge duration, {longest:.4g} s."
        )
    return delays


def transition_resistance_closed_form(delay, card: OscillatorParameters, *, absent_is_nan: bool = False):
    """zeta^-1: the coupling resistance below which a pair locks in phase and above which out of phase [ohm].

    Parameters
    ----------
    delay : float or ndarray
        Delay of the second supply; meant for 0..T_osc/2, answered up to the discharge duration. [s]
    card : OscillatorParameters
        The two equal oscillators (floats).
    absent_is_nan : bool
        Whether a delay so short that there is no transition gets NaN instead of an error.

    Returns
    -------
    float or ndarray
        Resistance R_C, of the shape of ``delay``. [ohm]

    Raises
    ------
    NoOscillationError
        If the oscillator does not oscillate.
    InputError
        If a delay is out of range, or so short that the pair would lock in phase at any resistance.

    Notes
    -----
    Equations 10 and 11 of the paper, doi 10.3389/fnins.2021.694549, solved by bracketing. Where the equation
    has two solutions the lower one is the boundary; beyond the higher one the coupling is too weak for its
    argument.
    """
    delays = _check_delays(delay, card)
    grid, depths = _depth_grid(card)
    depth_at = CubicSpline(np.log(grid), np.log(depths))

    def excess_at(log_resistance: float, one: float) -> float:
        return _log_excess(np.exp(log_resistance), np.exp(depth_at(log_resistance)), one, card)

    answers = np.empty(delays.shape)
    for index in np.ndindex(delays.shape):
        one = delays[index]
        excess = _log_excess(grid, depths, one, card)
        above = np.flatnonzero((excess[1:] >= 0) & (excess[:-1] < 0))
        if above.size == 0 and absent_is_nan:
            answers[index] = np.nan
            continue
        if above.size == 0:
            raise InputError(
                f"With a delay of {one:.4g} s the pair locks in phase at any coupling resistance, so there "
                "is no transition; ask for a longer delay."
            )
        low, high = np.log(grid[above[0] : above[0] + 2])
        answers[index] = np.exp(brentq(excess_at, low, high, args=(one,), xtol=1e-11))
    return answers if answers.ndim else float(answers)


class _Parameters(NamedTuple):
    """What the grid depends on; a card itself cannot be the key of a cache."""

    V_DD: float
    R_S: float
    C_P: float
    R_ins: float
    R_met: float
    V_L: float
    V_H: float
    tau_0: float


def _depth_grid(card: OscillatorParameters) -> tuple[np.ndarray, np.ndarray]:
    """Resistances from far in phase to where no first output turns a second round, and their epsilon."""
    return _known_depth_grid(_Parameters(*(float(getattr(card, name)) for name in _Parameters._fields)))


@functools.lru_cache(maxsize=64)
def _known_depth_grid(card: _Parameters) -> tuple[np.ndarray, np.ndarray]:
    weakest = (v_plus(card) - v_minus(card)) * tau_d(card) / (card.C_P * (v_minus(card) - v_ins(card)))
    grid = np.geomspace(1e-4 * weakest, weakest, _GRID)
    depths = np.array([locking_depth(resistance, card) for resistance in grid])
    usable = np.isfinite(depths) & (depths > 0)
    grid, depths = grid[usable], depths[usable]
    grid.flags.writeable = depths.flags.writeable = False  # shared by all who ask
    return grid, depths


def transition_delay_closed_form(resistance, card: OscillatorParameters):
    """zeta: the supply delay below which a pair locks in phase and above which out of phase [s].

    Parameters
    ----------
    resistance : float or ndarray
        Coupling resistance R_C. [ohm]
    card : OscillatorParameters
        The two equal oscillators (floats).

    Returns
    -------
    float or ndarray
        Delay, of the shape of ``resistance``; above T_osc/2: in phase for every delay up to T_osc/2. [s]

    Raises
    ------
    NoOscillationError
        If the oscillator does not oscillate.
    InputError
        If a resistance is not positive, or the pair locks one way whatever the delay.
    """
    resistances = np.asarray(resistance, dtype=float)
    if not np.all(resistances > 0):
        raise InputError(f"The coupling resistance must be above 0 ohm; found {np.min(resistances):.4g} ohm.")
    longest = discharge_duration(card) * (1 - 1e-9)
    shortest = 1e-9 * longest
    answers = np.empty(resistances.shape)
    for index in np.ndindex(resistances.shape):
        R = resistances[index]
        depth = locking_depth(R, card)
        if not np.isfinite(depth) or _log_excess(R, depth, longest, card) < 0:
            raise InputError(
                f"At {R:.4g} ohm "
                + ("the coupling is too weak" if not np.isfinite(depth) else "the pair locks in phase at any delay")
                + ", so there is no transition delay."
            )
        answers[index] = brentq(
            lambda d, R=R, e=depth: _log_excess(R, e, d, card), shortest, longest, xtol=1e-20, rtol=1e-12
        )
    return answers if answers.ndim else float(answers)
