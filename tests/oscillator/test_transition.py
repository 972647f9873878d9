import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_solver import parameters_of, solve_reference

from circuitsnn import InputError, NoOscillationError, Oscillator, load_card, transition_resistance
from circuitsnn.oscillator.transition import locks_in_phase, run_pair

CARD = load_card("vo2_delacour2021")
PERIOD = Oscillator(CARD).period()
# Made with SciPy's DOP853 and bisection. [T_osc, kOhm]
REFERENCE = [(0.05, 21.49), (0.125, 16.08), (0.25, 13.22), (0.375, 11.74), (0.45, 11.12)]


@pytest.mark.parametrize(("fraction", "kilohm"), REFERENCE)
def test_simulation_and_closed_form_against_reference(fraction, kilohm):
    simulated = transition_resistance(fraction * PERIOD, CARD, "simulation")
    assert simulated == pytest.approx(kilohm * 1e3, rel=0.01)
    assert transition_resistance(fraction * PERIOD, CARD) == pytest.approx(simulated, rel=0.05)


@settings(max_examples=5, deadline=None)
@given(st.floats(0.05, 0.45), st.floats(5e3, 20e3), st.floats(1.85, 2.05))
def test_closed_form_is_the_boundary_of_the_simulation(fraction, R_S, V_H):
    card = CARD.replace(R_S=R_S, V_H=V_H)
    delay = fraction * Oscillator(card).period()
    try:
        boundary = transition_resistance(delay, card)
    except InputError:  # too short a delay for this waveform
        return
    assert locks_in_phase(0.98 * boundary, delay, card)
    assert not locks_in_phase(1.02 * boundary, delay, card)


@pytest.mark.parametrize("fraction", [0.25, 0.3, 0.45])
def test_band_of_a_nearly_symmetric_waveform(fraction):
    """At R_S = 3 k the pair locks in phase again at large resistances; the boundary is the lower end."""
    card = CARD.replace(R_S=3e3)
    delay = fraction * Oscillator(card).period()
    assert transition_resistance(delay, card, "simulation") == pytest.approx(
        transition_resistance(delay, card), rel=0.01
    )


def test_no_transition_at_a_delay_too_short_for_the_waveform():
    card = CARD.replace(R_S=3e3)
    for method in ("closed-form", "simulation"):
        with pytest.raises(InputError, match="in phase at any coupling resistance"):
            transition_resistance(0.1 * Oscillator(card).period(), card, method)


def test_abrupt_switching_keeps_the_in_phase_region():
    quarter = 0.25 * PERIOD
    assert locks_in_phase(5e3, quarter, CARD, "abrupt")
    assert transition_resistance(quarter, CARD, "simulation", "abrupt") == pytest.approx(11.58e3, rel=0.01)
    assert transition_resistance(quarter, CARD, fidelity="abrupt") == pytest.approx(11.58e3, rel=0.01)


@pytest.mark.parametrize("fidelity", ["abrupt", "smooth"])
@pytest.mark.parametrize("resistance", [5e3, 20e3])
def test_pair_against_an_independent_solver(fidelity, resistance):
    delay = 0.25 * PERIOD
    run = run_pair(resistance, delay, CARD, fidelity)
    close_at = delay + Oscillator(CARD).first_charge_duration(fidelity)
    stop = min(run.stop, 5 * PERIOD)
    reference = solve_reference(
        parameters_of([CARD, CARD]), np.full((2, 2), resistance), np.array([0.0, delay]), close_at, stop, fidelity
    )
    for ours, theirs in zip(run.switching_times, reference.switching_times, strict=True):
        assert len(theirs) >= 4
        np.testing.assert_allclose(ours[: len(theirs)], theirs, rtol=0, atol=1e-6 * PERIOD)


def test_smooth_closed_form_is_near():
    simulated = transition_resistance(0.25 * PERIOD, CARD, "simulation", "smooth")
    assert transition_resistance(0.25 * PERIOD, CARD, fidelity="smooth") == pytest.approx(simulated, rel=0.06)


@pytest.mark.parametrize("delay", [0.0, -1e-6, 1.0, np.nan, np.inf])
@pytest.mark.parametrize("method", ["closed-form", "simulation"])
def test_delay_out_of_range(delay, method):
    with pytest.raises(InputError, match=r"delay is .* allowed is > 0 and up to half a period"):
        transition_resistance(delay, CARD, method)


def test_wrong_words_and_cards():
    with pytest.raises(InputError, match="method is 'guess'; allowed: closed-form, simulation"):
        transition_resistance(0.25 * PERIOD, CARD, "guess")
    with pytest.raises(InputError, match="fidelity is 'exact'"):
        transition_resistance(0.25 * PERIOD, CARD, fidelity="exact")
    with pytest.raises(NoOscillationError):
        transition_resistance(5e-6, CARD.replace(V_H=2.1))
