from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference_solver import parameters_of, solve_reference
from scipy.integrate import solve_ivp

from circuitsnn.errors import InputError, NoOscillationError
from circuitsnn.oscillator import closed_form as cf
from circuitsnn.oscillator.transition_closed_form import (
    difference_time_constant,
    locking_depth,
    transition_delay_closed_form,
    transition_resistance_closed_form,
)

CARD = SimpleNamespace(
    V_DD=2.5, R_S=20e3, C_P=500e-12, R_ins=100.2e3, R_met=990.0, V_L=1.0, V_H=1.999, alpha=200.0, tau_0=10e-9
)
PERIOD = cf.period(CARD)


def card_with(**changes):
    return SimpleNamespace(**{**vars(CARD), **changes})


def locks_in_phase(card, resistance, delay, fidelity, periods=10):
    first_charge = {"relaxed": cf.relaxed_first_charge_duration, "abrupt": cf.first_charge_duration}[fidelity]
    close_at = delay + first_charge(card)
    run = solve_reference(
        parameters_of([card, card]),
        np.full((2, 2), resistance),
        np.array([0.0, delay]),
        close_at,
        close_at + periods * cf.period(card),
        fidelity,
        rtol=1e-9,
    )
    first, second = run.switching_times
    cycle = first[-2] - first[-3]
    return np.abs(second - first[-2]).min() < 0.1 * cycle


@pytest.mark.parametrize(
    ("fraction", "kilohm"), [(0.05, 21.49), (0.125, 16.08), (0.25, 13.22), (0.375, 11.74), (0.45, 11.12)]
)
def test_reference_values(fraction, kilohm):
    assert transition_resistance_closed_form(fraction * PERIOD, CARD) == pytest.approx(kilohm * 1e3, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "fraction"),
    [
        ({}, 0.05),
        ({}, 0.25),
        ({}, 0.45),
        ({"tau_0": 0.0}, 0.25),
        ({"V_H": 1.92}, 0.25),
        ({"R_S": 10e3, "C_P": 200e-12}, 0.4),
    ],
)
def test_boundary_of_the_simulation(changes, fraction):
    """The pair changes its answer within 0.2 % of the closed form."""
    card = card_with(**changes)
    delay = fraction * cf.period(card)
    resistance = transition_resistance_closed_form(delay, card)
    fidelity = "abrupt" if card.tau_0 == 0 else "relaxed"
    assert locks_in_phase(card, resistance * 0.998, delay, fidelity)
    assert not locks_in_phase(card, resistance * 1.002, delay, fidelity)


@pytest.mark.parametrize("tau_0", [0.0, 1e-9, 10e-9, 50e-9])
@pytest.mark.parametrize("resistance", [2e3, 13e3, 80e3])
def test_locking_depth_is_that_of_the_differential_equation(tau_0, resistance):
    card = card_with(tau_0=tau_0)
    depth = locking_depth(resistance, card)

    def slopes(t, v):
        share = 1 - np.exp(-t / tau_0) if tau_0 else 1.0
        conductance = 1 / card.R_ins + (1 / card.R_met - 1 / card.R_ins) * share
        coupling = (v[1] - v[0]) / resistance
        currents = [
            (card.V_DD - v[0]) * conductance - v[0] / card.R_S + coupling,
            (card.V_DD - v[1]) / card.R_ins - v[1] / card.R_S - coupling,
        ]
        return np.array(currents) / card.C_P

    def turns(t, v):
        return slopes(t, v)[1]

    turns.terminal = True
    start = cf.v_minus(card) + np.array([0.0, depth])
    run = solve_ivp(slopes, (0, 1e-6), start, "DOP853", events=turns, rtol=1e-12, atol=1e-15, first_step=1e-12)
    assert run.y[1, -1] == pytest.approx(cf.v_minus(card), abs=1e-5 * depth)


def test_equation_10_as_printed():
    """With the overshoot and epsilon/2 left out (tau_0 = 0) the answer is a fixed point of equation 10."""
    card = card_with(tau_0=0.0)
    delay = 0.25 * PERIOD
    R_C = transition_resistance_closed_form(delay, card)
    v_ins, v_2 = cf.v_ins(card), cf.v_plus(card)
    v_1 = v_ins + (v_2 - v_ins) * np.exp(-delay / cf.tau_d(card))
    common = np.log((cf.v_minus(card) - v_ins) / ((v_1 + v_2) / 2 - v_ins))
    parallel = card.R_S * card.R_ins / (card.R_S + card.R_ins)
    printed = 2 * parallel * common / (np.log(locking_depth(R_C, card) / (v_2 - v_1)) - common)
    assert printed == pytest.approx(R_C, rel=2e-3)


def test_time_constant_of_the_difference():
    assert difference_time_constant(np.inf, CARD) == pytest.approx(cf.tau_d(CARD))
    assert 1 / difference_time_constant(10e3, CARD) == pytest.approx(1 / cf.tau_d(CARD) + 2 / 10e3 / CARD.C_P)


@settings(max_examples=8, deadline=None)
@given(st.floats(0.03, 0.9), st.floats(0.0, 40e-9), st.floats(1.85, 2.06))
@example(0.5, 5e-324, 2.0)
def test_the_two_directions_agree(fraction, tau_0, V_H):
    card = card_with(tau_0=tau_0, V_H=V_H)
    delay = fraction * cf.period(card)
    there = transition_resistance_closed_form(delay, card)
    assert transition_delay_closed_form(there, card) == pytest.approx(delay, rel=1e-4)


def test_vectorised_and_falling():
    delays = np.linspace(0.03, 0.5, 6).reshape(2, 3) * PERIOD
    answers = transition_resistance_closed_form(delays, CARD)
    assert answers.shape == (2, 3)
    assert np.all(np.diff(answers.ravel()) < 0)
    assert answers[1, 0] == transition_resistance_closed_form(delays[1, 0], CARD)
    np.testing.assert_allclose(transition_delay_closed_form(answers, CARD), delays, rtol=1e-4)


def test_longer_tau_0_locks_more():
    quarter = 0.25 * PERIOD
    answers = [transition_resistance_closed_form(quarter, card_with(tau_0=t)) for t in (0, 5e-9, 10e-9, 20e-9)]
    assert np.all(np.diff(answers) > 0)


@settings(max_examples=5, deadline=None)
@given(st.floats(0.2, 5))
def test_scaling_all_times_leaves_the_resistance(factor):
    scaled = card_with(C_P=CARD.C_P * factor, tau_0=CARD.tau_0 * factor)
    assert transition_resistance_closed_form(0.25 * PERIOD * factor, scaled) == pytest.approx(
        transition_resistance_closed_form(0.25 * PERIOD, CARD), rel=1e-7
    )


@pytest.mark.parametrize("delay", [0.0, -1e-6, 1.0, np.nan])
def test_delay_out_of_range(delay):
    with pytest.raises(InputError, match="outside the range"):
        transition_resistance_closed_form(delay, CARD)


def test_no_transition():
    with pytest.raises(InputError, match="longer delay"):
        transition_resistance_closed_form(0.001 * PERIOD, CARD)
    with pytest.raises(InputError, match="in phase at any delay"):
        transition_delay_closed_form(1e3, CARD)
    with pytest.raises(InputError, match="too weak"):
        transition_delay_closed_form(1e6, CARD)
    with pytest.raises(InputError, match="above 0"):
        transition_delay_closed_form(-1.0, CARD)
    with pytest.raises(NoOscillationError):
        transition_resistance_closed_form(1e-6, card_with(V_H=2.2))
