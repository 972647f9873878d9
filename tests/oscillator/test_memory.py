import numpy as np
import pytest

from circuitsnn import InputError, Oscillator, OscillatorNetwork, hebbian, load_card, map_weights, recall
from circuitsnn.oscillator.memory import input_delays
from circuitsnn.oscillator.patterns import digits, with_fuzzy_pixels


@pytest.fixture(scope="module")
def card():
    return load_card("vo2_delacour2021")


@pytest.fixture(scope="module")
def four(card):
    """Four oscillators that store + + - -."""
    pattern = np.array([[1.0, 1.0, -1.0, -1.0]])
    return OscillatorNetwork([Oscillator(card)] * 4, map_weights(hebbian(pattern), card, 2.0))


def test_delays_write_an_image():
    assert np.array_equal(input_delays([[1, -1], [0, 0.5]], 8e-6), [0.0, 4e-6, 2e-6, 1e-6])


@pytest.mark.parametrize(("weight", "answer"), [(0.5, 1.0), (-0.5, -1.0)])
def test_two_oscillators_recall_what_their_weight_says(card, weight, answer):
    net = OscillatorNetwork([Oscillator(card)] * 2, map_weights([[0, weight], [weight, 0]], card, 2.0))
    recalled = recall(net, [1.0, 0.9])  # nearly in phase; whether it stays so is the weight's choice
    assert recalled.status.ok
    assert np.array_equal(recalled, [1.0, answer])
    assert recalled.binary_error < 1.0


@pytest.mark.parametrize("image", [(1, 1, -1, -1), (1, 0.9, -0.8, -1), (1, 1, -1, 1)])
def test_four_oscillators_recall_their_pattern(four, image):
    recalled = recall(four, image)
    assert recalled.status.ok
    assert recalled.matches([1, 1, -1, -1])
    assert recalled.phases == pytest.approx([0.0, 0.0, 180.0, 180.0], abs=1.0)


def test_a_recall_is_its_answer(four):
    recalled = recall(four, [1, 1, -1, -1])
    assert np.array_equal(np.asarray(recalled), recalled.answer)
    assert np.asarray(recalled, dtype=int).dtype == int
    assert len(recalled) == 4


def test_a_recall_tabulates_its_pixels_with_units(four):
    recalled = recall(four, [1, 1, -1, -1])
    frame = recalled.to_frame()
    assert np.array_equal(frame["answer"], recalled.answer)
    assert np.array_equal(frame["phase"], recalled.phases)
    assert frame.attrs["units"] == {"answer": "-", "phase": "degree"}


def test_an_image_in_rows_and_columns_is_read_row_by_row(four):
    assert np.array_equal(recall(four, [[1, 1], [-1, -1]]).phases, recall(four, [1, 1, -1, -1]).phases)


def test_a_negative_image_is_the_same_state(four):
    recalled = recall(four, [-1, -1, 1, 1])
    assert np.array_equal(recalled, [1, 1, -1, -1])
    assert recalled.matches([-1, -1, 1, 1])
    assert not recalled.matches([1, -1, 1, -1])


def test_the_energy_is_the_power_over_the_duration(four, card):
    recalled = recall(four, [1, 1, -1, -1])
    assert recalled.power == pytest.approx(recalled.energy / recalled.duration)
    # Between all devices insulating and all metallic.
    highest, lowest = (4 * card.V_DD**2 / (card.R_S + R) for R in (card.R_met, card.R_ins))
    assert lowest < recalled.power < highest


def test_the_digits_are_recalled_from_fuzzy_images(card):
    patterns = digits()
    net = OscillatorNetwork([Oscillator(card)] * 60, map_weights(hebbian(patterns), card, 60 / 32))
    rng = np.random.default_rng(7)
    recalled = [
        recall(net, with_fuzzy_pixels(p, 10, rng), tolerance=1e-7).matches(p) for p in np.tile(patterns, (4, 1))
    ]
    assert np.mean(recalled) >= 0.9


def test_an_answer_does_not_hang_on_the_tolerance(card):
    patterns = digits()
    net = OscillatorNetwork([Oscillator(card)] * 60, map_weights(hebbian(patterns), card, 60 / 32))
    image = with_fuzzy_pixels(patterns[3], 12, np.random.default_rng(8))
    loose, tight = recall(net, image, tolerance=1e-7), recall(net, image)
    assert np.array_equal(loose, tight)
    assert loose.phases == pytest.approx(tight.phases, abs=0.01)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([1, -1], "2 pixels; the network has 4"),
        ([[1, -1, 1], [1, 1, 1]], "6 pixels; the network has 4"),
        ([1, 1, 1, 1.1], "pixel 3 is 1.1"),
        ([1, 1, np.nan, 1], "pixel 2 is nan"),
        ([[[1, 1, 1, 1]]], "shape must be"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(four, image, message):
    with pytest.raises(InputError, match=message):
        recall(four, image)
