from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_solver import parameters_of, solve_reference

from circuitsnn import InputError, NoOscillationError, Oscillator, load_card
from circuitsnn.oscillator import closed_form

CARD = load_card("vo2_delacour2021")


@pytest.mark.parametrize(("fidelity", "period"), [("abrupt", 21.5765), ("relaxed", 21.7378), ("smooth", 20.7912)])
def test_periods_of_table_1(fidelity, period):
    assert Oscillator(CARD).period(fidelity) == pytest.approx(period * 1e-6, abs=1e-10)


def test_relaxed_period_is_its_closed_form():
    assert Oscillator(CARD).period("relaxed") == pytest.approx(closed_form.relaxed_period(CARD), rel=1e-9)


@pytest.mark.parametrize("fidelity", ["abrupt", "relaxed", "smooth"])
def test_period_and_first_charge_against_an_independent_solver(fidelity):
    oscillator = Oscillator(CARD)
    run = solve_reference(parameters_of([CARD]), np.full((1, 1), np.inf), np.zeros(1), np.inf, 70e-6, fidelity)
    assert oscillator.period(fidelity) == pytest.approx(np.diff(run.switching_times[0])[-1], rel=1e-8)
    assert oscillator.first_charge_duration(fidelity) == pytest.approx(run.return_times[0][0], rel=1e-8)


def test_durations_are_those_of_the_abrupt_period():
    oscillator = Oscillator(CARD)
    assert oscillator.charge_duration() + oscillator.discharge_duration() == oscillator.period()
    assert oscillator.duty() == pytest.approx(oscillator.charge_duration() / oscillator.period())
    assert oscillator.charge_duration() < oscillator.first_charge_duration()


@settings(max_examples=15, deadline=None)
@given(st.floats(5e3, 40e3), st.floats(100e-12, 2e-9), st.floats(0.8, 1.2), st.floats(1.6, 2.0), st.floats(60e3, 300e3))
def test_relaxed_and_abrupt_meet_as_tau_0_vanishes(R_S, C_P, V_L, V_H, R_ins):
    card = CARD.replace(R_S=R_S, C_P=C_P, V_L=V_L, V_H=V_H, R_ins=R_ins, tau_0=1e-15)
    oscillator = Oscillator(card)
    assume(oscillator.oscillates())
    assert oscillator.period("relaxed") == pytest.approx(oscillator.period(), rel=1e-5)


def test_device_that_rests():
    oscillator = Oscillator(CARD.replace(V_H=2.1))
    assert not oscillator.oscillates()
    for ask in (
        oscillator.period,
        lambda: oscillator.period("relaxed"),
        lambda: oscillator.period("smooth"),
        oscillator.charge_duration,
        oscillator.discharge_duration,
        oscillator.duty,
    ):
        with pytest.raises(NoOscillationError, match="stays insulating"):
            ask()


def test_smooth_device_whose_load_line_meets_the_bent_branch():
    oscillator = Oscillator(CARD.replace(V_H=2.07))
    assert oscillator.period("relaxed") > 0.0
    with pytest.raises(NoOscillationError, match="does not oscillate with fidelity 'smooth'"):
        oscillator.period("smooth")


@pytest.mark.parametrize("ask", ["period", "first_charge_duration"])
def test_unknown_fidelity(ask):
    with pytest.raises(InputError, match="fidelity is 'exact'; allowed: smooth, relaxed, abrupt"):
        getattr(Oscillator(CARD), ask)("exact")


@pytest.mark.parametrize("card", [SimpleNamespace(name="neuron", kind="lif_neuron"), {"V_H": 2.0}, None])
def test_wrong_card(card):
    with pytest.raises(InputError, match="an oscillator needs a card of kind 'vo2_oscillator'"):
        Oscillator(card)


def test_period_where_the_first_charge_takes_many_periods():
    # Thresholds that lie close make short periods, of which the way up from 0 V takes a dozen.
    card = load_card("vo2_delacour2021", R_S=6424.0, V_L=0.4377, V_H=0.447, tau_0=1e-9)
    assert closed_form.first_charge_duration(card) > 10 * closed_form.period(card)
    reference = solve_reference(
        parameters_of([card]), np.full((1, 1), np.inf), np.zeros(1), 0.0, 30 * closed_form.period(card), "relaxed"
    )
    assert Oscillator(card).period("relaxed") == pytest.approx(np.diff(reference.switching_times[0])[-1], rel=1e-6)
