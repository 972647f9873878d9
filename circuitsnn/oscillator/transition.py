"""The phase transition function of a pair: the coupling resistance between in phase and out of phase."""

from typing import Literal

import numpy as np

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.network import OscillatorNetwork, TransientRun
from circuitsnn.oscillator.table import Fidelity, checked_fidelity
from circuitsnn.oscillator.transition_closed_form import transition_resistance_closed_form

Method = Literal["closed-form", "simulation"]

PERIODS = 40  # longest wait for a pair; beside the boundary it decides within a few
TOLERANCE = 1e-8  # of a pair's transient [V]: the boundary is an event of 0.1 mV


def run_pair(
    resistance: float, delay: float, card: Card, fidelity: Fidelity = "relaxed", periods: int = PERIODS
) -> TransientRun:
    """Start two equal oscillators `delay` apart and couple them when the second first reaches V+.

    Parameters
    ----------
    resistance : float
        Coupling resistance R_C. [ohm]
    delay : float
        Delay of the second supply. [s]
    card : Card
        The two oscillators.
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model.
    periods : int
        Longest wait for the pair to settle.

    Returns
    -------
    TransientRun
        The run.

    References
    ----------
    Section 2.1.4 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    oscillator = Oscillator(card)
    network = OscillatorNetwork([oscillator, oscillator], np.array([[np.inf, resistance], [resistance, np.inf]]))
    close_at = delay + oscillator.first_charge_duration(fidelity)
    return network.transient(
        [0.0, delay],
        close_at=close_at,
        stop=close_at + periods * oscillator.period(),
        fidelity=fidelity,
        tolerance=TOLERANCE,
        until_settled=True,
    )


def locks_in_phase(
    resistance: float, delay: float, card: Card, fidelity: Fidelity = "relaxed", periods: int = PERIODS
) -> bool:
    """Whether a pair ends nearer to 0 than to 180 degrees; arguments as for `run_pair`."""
    phase = run_pair(resistance, delay, card, fidelity, periods).phases()[1]
    return bool(np.cos(np.radians(phase)) > 0.0)


def transition_resistance(
    delay: float, card: Card, method: Method = "closed-form", fidelity: Fidelity = "relaxed"
) -> float:
    """Evaluate zeta^-1: the coupling resistance below which a pair locks in phase, and above it out of phase.

    Parameters
    ----------
    delay : float
        Delay of the second supply, up to half a period. [s]
    card : Card
        The two equal oscillators.
    method : {"closed-form", "simulation"}
        Equations 9-11 of the paper, or bisection on the transient.
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model. In closed form `smooth` means sharp thresholds at the folds of its feedback, which comes out
        5 % high for Table 1 (docs/theory/phase_transition.md).

    Returns
    -------
    float
        Resistance R_C; by simulation to 1e-4 of itself. [ohm]

    Raises
    ------
    InputError
        If an argument is out of range, or the pair locks one way whatever the resistance.

    References
    ----------
    Equations 7-11 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    checked_fidelity(fidelity)
    closed_form.require_oscillation(card)
    try:
        allowed = 0.0 < delay <= closed_form.discharge_duration(card)
    except TypeError:
        allowed = False
    if not allowed:
        raise InputError(
            f"delay is {delay!r} s; allowed is > 0 and up to half a period ({0.5 * closed_form.period(card):.4g} s)"
        )
    if method == "closed-form":
        return transition_resistance_closed_form(delay, sharpened(card, fidelity))
    if method != "simulation":
        raise InputError(f"method is {method!r}; allowed: closed-form, simulation")
    low, high = _bracket(delay, card, fidelity)
    while high > low * (1.0 + 1e-4):
        middle = np.sqrt(low * high)
        if locks_in_phase(middle, delay, card, fidelity):
            low = middle
        else:
            high = middle
    return float(np.sqrt(low * high))


def _bracket(delay: float, card: Card, fidelity: Fidelity) -> tuple[float, float]:
    """Find neighbouring resistances at which a pair locks in and out of phase.

    Searched from below in small steps: with waveforms that are not very asymmetric the out-of-phase region is a band,
    above which a pair drifts slowly or locks in phase again.
    """
    low = 0.05 * card.R_S
    while not locks_in_phase(low, delay, card, fidelity):
        low *= 0.5
        if low < 1e-8 * card.R_S:
            raise InputError(f"a pair {delay:.4g} s apart locks out of phase at any coupling resistance")
    while low < 1e4 * card.R_S:
        high = 1.15 * low
        if not locks_in_phase(high, delay, card, fidelity):
            return low, high
        low = high
    raise InputError(f"a pair {delay:.4g} s apart locks in phase at any coupling resistance; ask for a longer delay")


def sharpened(card: Card, fidelity: Fidelity) -> Card:
    """Return the card with sharp thresholds that comes nearest to a fidelity, for the closed forms."""
    if checked_fidelity(fidelity) == "abrupt":
        return card.replace(tau_0=0.0)
    if fidelity == "smooth":
        low, high = closed_form.fold_voltages(card)
        return card.replace(V_L=float(low), V_H=float(high))
    return card
