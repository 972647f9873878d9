from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_solver import metallic_share, parameters_of, solve_reference

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError, NoOscillationError
from circuitsnn.oscillator import closed_form as cf
from circuitsnn.oscillator.network import OscillatorNetwork

TABLE_1 = {
    "V_DD": 2.5,
    "R_S": 20e3,
    "C_P": 500e-12,
    "R_ins": 100.2e3,
    "R_met": 990.0,
    "V_L": 1.0,
    "V_H": 1.999,
    "alpha": 200.0,
    "tau_0": 10e-9,
}


def card_with(**changes):
    return SimpleNamespace(**{**TABLE_1, **changes})


def run_alone(card, stop, fidelity):
    return solve_reference(parameters_of([card]), np.full((1, 1), np.inf), np.zeros(1), 0.0, stop, fidelity)


cards = st.builds(
    card_with,
    V_DD=st.floats(1.5, 4.0),
    R_S=st.floats(2e3, 40e3),
    C_P=st.floats(50e-12, 2e-9),
    R_ins=st.floats(50e3, 300e3),
    R_met=st.floats(300.0, 3e3),
    V_L=st.floats(0.5, 1.2),
    V_H=st.floats(1.3, 2.4),
    tau_0=st.floats(1e-9, 5e-9),
)


def test_paper_table_1_period_needs_upper_threshold_1_999():
    assert cf.period(card_with()) == pytest.approx(21.5765e-6, rel=1e-5)
    assert cf.period(card_with(V_H=1.99)) == pytest.approx(20.7355e-6, rel=1e-5)
    assert cf.v_minus(card_with()) == pytest.approx(0.501)


@pytest.mark.parametrize(("R_S", "ratio"), [(20e3, 59), (3e3, 3.7), (2e3, 1.8)])
def test_paper_waveform_ratio_is_one_of_durations(R_S, ratio):
    card = card_with(R_S=R_S)
    assert cf.discharge_duration(card) / cf.charge_duration(card) == pytest.approx(ratio, rel=0.02)


def test_time_constants_are_not_the_papers_ratio():
    assert cf.tau_d(card_with()) / cf.tau_c(card_with()) == pytest.approx(17.7, rel=0.01)


@given(cards)
def test_period_is_charge_and_discharge(card):
    assume(cf.oscillates(card))
    assert cf.period(card) == cf.charge_duration(card) + cf.discharge_duration(card)
    assert cf.duty(card) == pytest.approx(cf.charge_duration(card) / cf.period(card))
    assert 0 < cf.charge_duration(card) < cf.first_charge_duration(card)


@given(cards, st.floats(0.1, 10), st.floats(0.1, 10))
def test_capacitance_scales_time_and_voltages_together_change_nothing(card, capacitance, voltage):
    assume(cf.oscillates(card))
    scaled = card_with(**{**vars(card), "C_P": card.C_P * capacitance})
    raised = card_with(**{**vars(card), **{n: getattr(card, n) * voltage for n in ("V_DD", "V_L", "V_H")}})
    assume(cf.oscillates(raised))
    for duration in (cf.charge_duration, cf.discharge_duration, cf.first_charge_duration):
        assert duration(scaled) == pytest.approx(capacitance * duration(card), rel=1e-9, abs=0.0)
    margin = min(cf.v_minus(card) - cf.v_ins(card), cf.v_met(card) - cf.v_plus(card))
    assume(margin > 1e-4)
    assert cf.period(raised) == pytest.approx(cf.period(card), rel=1e-9)


@given(cards, st.floats(1e-3, 0.2))
def test_period_grows_with_upper_threshold(card, rise):
    higher = card_with(**{**vars(card), "V_H": card.V_H + rise})
    assume(cf.oscillates(card) and cf.oscillates(higher))
    assert cf.period(higher) > cf.period(card)


@settings(max_examples=10, deadline=None)
@given(cards)
def test_oscillation_condition_agrees_with_simulation(card):
    margins = abs(cf.v_minus(card) - cf.v_ins(card)), abs(cf.v_met(card) - cf.v_plus(card))
    assume(min(margins) > 1e-3 and card.V_DD > card.V_H)
    run = run_alone(card, 40 * (cf.tau_d(card) + cf.tau_c(card)), "abrupt")
    assert (len(run.switching_times[0]) > 1) == cf.oscillates(card)


def test_load_line_limit_of_upper_threshold():
    limit = 2.5 * 100.2 / 120.2
    assert limit == pytest.approx(2.084, abs=5e-4)
    assert cf.oscillates(card_with(V_H=limit - 1e-6))
    assert not cf.oscillates(card_with(V_H=limit + 1e-6))


def test_error_says_which_side_fails():
    with pytest.raises(NoOscillationError, match=r"stays insulating.*2\.084 V.*V_H = 2\.1 V"):
        cf.period(card_with(V_H=2.1))
    with pytest.raises(NoOscillationError, match=r"stays metallic.*V_L = 0\.05 V"):
        cf.period(card_with(V_L=0.05))
    with pytest.raises(NoOscillationError, match="number 1"):
        cf.period(card_with(V_H=np.array([1.999, 2.1, 2.2])))


def test_arrays_give_arrays():
    V_H = np.array([1.99, 1.999])
    np.testing.assert_allclose(cf.period(card_with(V_H=V_H)), [cf.period(card_with(V_H=v)) for v in V_H], rtol=1e-14)


def test_relaxed_closed_form_is_the_relaxed_solution():
    run = run_alone(card_with(), 90e-6, "relaxed")
    assert np.diff(run.switching_times[0])[1:] == pytest.approx(cf.relaxed_period(card_with()), rel=1e-8)
    assert run.return_times[0][0] == pytest.approx(cf.relaxed_first_charge_duration(card_with()), rel=1e-8)


def test_relaxed_closed_form_tends_to_the_abrupt_one():
    assert cf.relaxed_period(card_with(tau_0=0.0)) == pytest.approx(cf.period(card_with()), rel=1e-14)
    with pytest.raises(InputError, match="tau_0"):
        cf.relaxed_period(card_with(tau_0=100e-9))


def test_mean_power_is_that_of_the_transient():
    card = load_card("vo2_delacour2021")
    network = OscillatorNetwork.of_cards([card], np.zeros((1, 1)))
    period = cf.period(card)
    runs = [network.transient(0.0, stop=count * period, fidelity="abrupt") for count in (3, 5)]
    power = (runs[1].energy[0] - runs[0].energy[0]) / (2 * period)
    assert cf.power(card) == pytest.approx(power, rel=1e-7)


@pytest.mark.parametrize("alpha", [2.0, 20.0, 200.0])
def test_folds_are_where_the_branches_end(alpha):
    card = card_with(alpha=alpha)
    low, high = cf.fold_voltages(card)
    assert card.V_L < low < high < card.V_H
    for fold, metallic, beyond in ((high, False, 1e-9), (low, True, -1e-9)):
        # equation 3 holds at the fold and its slope there is infinite: dV_0 ~ sqrt(distance to the fold)
        near, nearer = (metallic_share(fold - d, metallic, 1.0, 1.999, alpha) for d in (4 * beyond, beyond))
        at = metallic_share(fold, metallic, 1.0, 1.999, alpha)
        assert (near - at) / (nearer - at) == pytest.approx(2, rel=0.05)
        V_0 = 1 - nearer
        right = 0.5 * (1 + np.tanh(2 * alpha * ((card.V_H - card.V_L) * V_0 + card.V_L - fold + beyond)))
        assert pytest.approx(right, rel=1e-9) == V_0


def test_no_hysteresis_is_an_error():
    with pytest.raises(InputError, match="no hysteresis"):
        cf.fold_voltages(card_with(alpha=0.9))
