"""Closed forms of one VO2 relaxation oscillator: voltages, durations, oscillation condition, turning points.

Every function takes a card: any object with the parameters of `OscillatorParameters` as attributes.
Here they may be floats or arrays of one shape; the answer has the same shape.

Source: Delacour & Todri-Sanial 2021, section 2.1, doi 10.3389/fnins.2021.694549; the derivations are in
docs/theory/oscillator.md.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
from scipy.special import hyp1f1

from circuitsnn.errors import InputError, NoOscillationError

Quantity: TypeAlias = "float | np.ndarray"


class OscillatorParameters(Protocol):
    """What a card must offer: the parameters of Table 1 of the paper.

    Attributes
    ----------
    V_DD : float or ndarray
        Supply voltage. [V]
    R_S : float or ndarray
        Series (load) resistance, from output node to ground. [ohm]
    C_P : float or ndarray
        Parallel capacitance, from output node to ground. [F]
    R_ins, R_met : float or ndarray
        Device resistance, insulating and metallic. [ohm]
    V_L, V_H : float or ndarray
        Device voltage below which it turns insulating and above which it turns metallic. [V]
    alpha : float or ndarray
        Gain of the feedback in equation 3. [1/V]
    tau_0 : float or ndarray
        Time constant of the device's conductance. [s]
    """

    V_DD: Quantity
    R_S: Quantity
    C_P: Quantity
    R_ins: Quantity
    R_met: Quantity
    V_L: Quantity
    V_H: Quantity
    alpha: Quantity
    tau_0: Quantity


def v_ins(card: OscillatorParameters) -> Quantity:
    """Output voltage that an insulating oscillator tends to [V]."""
    return card.V_DD * card.R_S / (card.R_S + card.R_ins)


def v_met(card: OscillatorParameters) -> Quantity:
    """Output voltage that a metallic oscillator tends to [V]."""
    return card.V_DD * card.R_S / (card.R_S + card.R_met)


def v_plus(card: OscillatorParameters) -> Quantity:
    """V+: output voltage at which the device turns insulating [V]."""
    return card.V_DD - card.V_L


def v_minus(card: OscillatorParameters) -> Quantity:
    """V-: output voltage at which the device turns metallic [V]."""
    return card.V_DD - card.V_H


def tau_d(card: OscillatorParameters) -> Quantity:
    """Time constant of the discharge (device insulating) [s]."""
    return card.C_P * card.R_S * card.R_ins / (card.R_S + card.R_ins)


def tau_c(card: OscillatorParameters) -> Quantity:
    """Time constant of the charge (device metallic) [s]."""
    return card.C_P * card.R_S * card.R_met / (card.R_S + card.R_met)


def oscillates(card: OscillatorParameters) -> bool | np.ndarray:
    """Whether the load line meets the device only in its unstable region: v_ins < V- and v_met > V+."""
    return (v_ins(card) < v_minus(card)) & (v_met(card) > v_plus(card))


def require_oscillation(card: OscillatorParameters) -> None:
    """Raise where the load line leaves a stable operating point.

    Raises
    ------
    NoOscillationError
        Says which branch is stable, the numbers, and what to change.
    """
    ins_highest = card.V_DD * card.R_ins / (card.R_S + card.R_ins)
    met_lowest = card.V_DD * card.R_met / (card.R_S + card.R_met)
    stays_insulating = np.atleast_1d(np.logical_not(v_ins(card) < v_minus(card)))
    stays_metallic = np.atleast_1d(np.logical_not(v_met(card) > v_plus(card)))

    def number(value: Quantity, index: int) -> str:
        return f"{np.broadcast_to(np.atleast_1d(value), stays_insulating.shape)[index]:.4g}"

    if stays_insulating.any():
        i = int(np.argmax(stays_insulating))
        raise NoOscillationError(
            f"The oscillator{_which(stays_insulating, i)} stays insulating: the device voltage rises only to "
            f"V_DD R_ins / (R_S + R_ins) = {number(ins_highest, i)} V and never reaches "
            f"V_H = {number(card.V_H, i)} V; lower V_H or R_S, or raise V_DD or R_ins."
        )
    if stays_metallic.any():
        i = int(np.argmax(stays_metallic))
        raise NoOscillationError(
            f"The oscillator{_which(stays_metallic, i)} stays metallic: the device voltage falls only to "
            f"V_DD R_met / (R_S + R_met) = {number(met_lowest, i)} V and never reaches "
            f"V_L = {number(card.V_L, i)} V; raise V_L or R_S, or lower V_DD or R_met."
        )


def _which(flags: np.ndarray, index: int) -> str:
    return "" if flags.size == 1 else f" number {index}"


def discharge_duration(card: OscillatorParameters) -> Quantity:
    """Time for the output to fall from V+ to V-, device insulating, abrupt [s].

    Raises
    ------
    NoOscillationError
        Where the load line leaves a stable operating point; so for every duration below.
    """
    require_oscillation(card)
    return tau_d(card) * np.log((v_plus(card) - v_ins(card)) / (v_minus(card) - v_ins(card)))


def charge_duration(card: OscillatorParameters) -> Quantity:
    """Time for the output to rise from V- to V+, device metallic, abrupt [s]."""
    require_oscillation(card)
    return tau_c(card) * np.log((v_met(card) - v_minus(card)) / (v_met(card) - v_plus(card)))


def first_charge_duration(card: OscillatorParameters) -> Quantity:
    """Time t_c for the output to rise from 0 to V+ after the supply is switched on, abrupt [s].

    The full supply voltage is then across the device, more than V_H, so it turns metallic at once.
    """
    require_oscillation(card)
    return tau_c(card) * np.log(v_met(card) / (v_met(card) - v_plus(card)))


def period(card: OscillatorParameters) -> Quantity:
    """Period T_osc of the free oscillator, abrupt [s]."""
    return charge_duration(card) + discharge_duration(card)


def duty(card: OscillatorParameters) -> Quantity:
    """Share of the period in which the device is metallic, abrupt [1]."""
    return charge_duration(card) / period(card)


def power(card: OscillatorParameters) -> Quantity:
    """Mean power that the free oscillator draws from its supply, abrupt [W].

    Over a period the capacitor gains no charge, so all that the supply gave went through R_S: V_DD <v> / R_S.
    """
    swing = v_plus(card) - v_minus(card)
    discharging = v_ins(card) * discharge_duration(card) + tau_d(card) * swing
    charging = v_met(card) * charge_duration(card) - tau_c(card) * swing
    return card.V_DD / card.R_S * (discharging + charging) / period(card)


def fold_voltages(card: OscillatorParameters) -> tuple[Quantity, Quantity]:
    """Voltages at which the smooth feedback of equation 3 turns: the thresholds that it really has.

    Returns
    -------
    tuple
        Device voltage at which the metallic branch ends (a little above V_L) and at which the insulating
        branch ends (a little below V_H). [V]

    Raises
    ------
    InputError
        If alpha (V_H - V_L) <= 1: the feedback is too weak for a hysteresis.
    """
    width = card.V_H - card.V_L
    gain = np.atleast_1d(card.alpha * width)
    if not np.all(gain > 1):
        lowest = gain[~(gain > 1)][0]
        raise InputError(f"alpha (V_H - V_L) = {lowest:.4g} gives no hysteresis; it must exceed 1: raise alpha or V_H.")
    u = np.sqrt(1 - 1 / (card.alpha * width))
    reach = width * u / 2 - np.arctanh(u) / (2 * card.alpha)
    centre = card.V_L + width / 2
    return centre - reach, centre + reach


# The relaxed device: its conductance reaches the new value only some tau_0 after the device has switched.


def _start_in_effect(start, aim, V_DD, strength, ratio):
    """Voltage from which a purely exponential course to ``aim`` would end up on the real, relaxed one [V].

    With G(t) = G_to + (G_from - G_to) exp(-t/tau_0) the node's equation is linear; ``strength`` is
    k = (G_from - G_to) tau_0 / C_P and ``ratio`` is r = tau_0 / tau. With x = exp(-t/tau_0),
    v_eff - aim = exp(-k) (v_0 - aim) + k (V_DD - aim) int_0^1 x^-r exp(-k x) dx; exact once t >> tau_0.
    """
    integral = hyp1f1(1 - ratio, 2 - ratio, -strength) / (1 - ratio)
    return aim + np.exp(-strength) * (start - aim) + strength * (V_DD - aim) * integral


def _relaxation_strength(card):
    """(1/R_met - 1/R_ins) tau_0 / C_P: how far the node moves while the conductance relaxes [1]."""
    return (1 / card.R_met - 1 / card.R_ins) * card.tau_0 / card.C_P


def discharge_start_in_effect(card: OscillatorParameters) -> Quantity:
    """V+ with the overshoot of a relaxed device: where its exponential discharge seems to have started [V].

    The device still conducts for some tau_0 after it has turned insulating at V+. Equal to V+ for tau_0 = 0.
    """
    strength = _relaxation_strength(card)
    return _start_in_effect(v_plus(card), v_ins(card), card.V_DD, strength, card.tau_0 / tau_d(card))


def _charge_start_in_effect(card, start):
    strength = _relaxation_strength(card)
    return _start_in_effect(start, v_met(card), card.V_DD, -strength, card.tau_0 / tau_c(card))


def _relaxed_charge(card, start, checked=True):
    require_oscillation(card)
    gap = v_met(card) - _charge_start_in_effect(card, start)
    duration = tau_c(card) * np.log(gap / (v_met(card) - v_plus(card)))
    if checked and not np.all(duration > 8 * np.asarray(card.tau_0)):
        raise InputError(
            f"tau_0 = {np.max(card.tau_0):.4g} s is too long against the charge of {np.min(duration):.4g} s "
            "for the relaxed closed form (8 tau_0 at most); simulate instead."
        )
    return duration


def relaxed_discharge_duration(card: OscillatorParameters) -> Quantity:
    """Time from V+ back to V- with relaxed conductance; exact to exp(-duration/tau_0) [s]."""
    require_oscillation(card)
    start = discharge_start_in_effect(card)
    return tau_d(card) * np.log((start - v_ins(card)) / (v_minus(card) - v_ins(card)))


def relaxed_charge_duration(card: OscillatorParameters) -> Quantity:
    """Time from V- to V+ with relaxed conductance; exact to exp(-duration/tau_0) [s].

    Raises
    ------
    InputError
        If the charge is shorter than 8 tau_0, where the closed form no longer holds.
    """
    return _relaxed_charge(card, v_minus(card))


def relaxed_first_charge_duration(card: OscillatorParameters) -> Quantity:
    """Time from supply on at v = 0 to V+ with relaxed conductance; later than the abrupt t_c [s]."""
    return _relaxed_charge(card, 0.0)


def relaxed_period(card: OscillatorParameters, checked: bool = True) -> Quantity:
    """Period of the free oscillator with relaxed conductance [s].

    Unless ``checked``, it is given for a tau_0 too long for the closed form as well, and then only roughly right.
    """
    return _relaxed_charge(card, v_minus(card), checked) + relaxed_discharge_duration(card)
