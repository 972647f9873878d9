import numpy as np
import pytest

from circuitsnn import InputError, Oscillator, load_card, transition_resistance
from circuitsnn.oscillator.phase_map import phase_map

CARD = load_card("vo2_delacour2021")
PERIOD = Oscillator(CARD).period()
RESISTANCES = [6e3, 12e3, 15e3, 45e3]
DELAYS = [0.1 * PERIOD, 0.25 * PERIOD, 0.45 * PERIOD]


def test_phases_change_at_the_transition():
    phases = phase_map(CARD, RESISTANCES, DELAYS)
    assert phases.shape == (3, 4)
    boundaries = np.array([transition_resistance(delay, CARD) for delay in DELAYS])
    expected = np.where(np.array(RESISTANCES) > boundaries[:, np.newaxis], 180.0, 0.0)
    np.testing.assert_allclose(phases, expected, atol=3.0)


def test_progress_is_told_row_by_row():
    seen = []
    phase_map(CARD, RESISTANCES[:1], DELAYS, progress=seen.append)
    assert seen == pytest.approx([1 / 3, 2 / 3, 1])


def test_workers_change_nothing():
    np.testing.assert_array_equal(
        phase_map(CARD, RESISTANCES, DELAYS[:2], jobs=2), phase_map(CARD, RESISTANCES, DELAYS[:2])
    )


@pytest.mark.parametrize(
    ("resistances", "delays", "wrong"),
    [([0.0], DELAYS, "> 0 ohm"), ([np.nan], DELAYS, "> 0 ohm"), ([1e4], [-1e-6], "delays must be finite and >= 0 s")],
)
def test_wrong_input(resistances, delays, wrong):
    with pytest.raises(InputError, match=wrong):
        phase_map(CARD, resistances, delays)


def test_unknown_fidelity():
    with pytest.raises(InputError, match="fidelity is 'exact'"):
        phase_map(CARD, [1e4], [1e-6], fidelity="exact")
