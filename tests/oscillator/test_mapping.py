import numpy as np
import pytest

from circuitsnn import InputError, hebbian, load_card, map_weights
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.mapping import linear_resistances, map_pair_weight
from circuitsnn.oscillator.patterns import digits
from circuitsnn.oscillator.transition_closed_form import transition_resistance_closed_form


@pytest.fixture(scope="module")
def card():
    return load_card("vo2_delacour2021")


def test_weight_zero_is_the_neutral_resistance(card):
    neutral = transition_resistance_closed_form(closed_form.period(card) / 4, card)
    assert map_pair_weight(0.0, card, 1.875) == pytest.approx(neutral, rel=1e-12)
    assert neutral == pytest.approx(13.22e3, rel=0.01)


def test_a_weight_asks_for_the_delay_that_the_activation_gives(card):
    weight, beta = 0.1, 1.875
    delay = 0.5 * closed_form.period(card) / (1.0 + np.exp(-2.0 * beta * weight))
    assert map_pair_weight(weight, card, beta) == pytest.approx(
        transition_resistance_closed_form(delay, card), rel=1e-9
    )


def test_only_beta_times_the_weight_matters(card):
    assert map_pair_weight(0.2, card, 1.0) == pytest.approx(float(map_pair_weight(0.1, card, 2.0)), rel=1e-9)


def test_a_larger_weight_asks_for_a_smaller_resistance(card):
    resistances = map_pair_weight(np.linspace(-0.5, 1.0, 16), card, 1.875)
    assert (np.diff(resistances) < 0.0).all()


def test_a_network_multiplies_the_resistance_of_a_pair_by_its_other_nodes(card):
    weights = np.array([[0.0, 0.1, -0.1], [0.1, 0.0, 0.3], [-0.1, 0.3, 0.0]])
    resistances = map_weights(weights, card, 1.5)
    off = ~np.eye(3, dtype=bool)
    assert resistances[off] == pytest.approx(2.0 * map_pair_weight(weights, card, 1.5)[off], rel=1e-12)
    assert np.isinf(np.diag(resistances)).all()
    assert np.array_equal(resistances, resistances.T)


def test_the_diagonal_of_the_weights_is_ignored_and_left_alone(card):
    weights = np.array([[5.0, 0.1], [0.1, 5.0]])
    assert map_weights(weights, card, 1.0)[0, 1] == pytest.approx(float(map_pair_weight(0.1, card, 1.0)))
    assert weights[0, 0] == 5.0


def test_hebbian_weights_give_one_resistance_more_than_patterns(card):
    resistances = map_weights(hebbian(digits()), card, 60 / 32)
    assert len(np.unique(resistances[np.isfinite(resistances)])) == 7


def test_the_device_model_matters(card):
    relaxed, abrupt, smooth = (map_pair_weight(0.0, card, 1.0, name) for name in ("relaxed", "abrupt", "smooth"))
    assert abrupt < 0.9 * relaxed
    assert smooth != relaxed


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[0, 1.5], [1.5, 0]], "between -1 and 1; found 1.5"),
        ([[0, np.nan], [np.nan, 0]], "between -1 and 1; found nan"),
        ([[0, 0.1], [0.2, 0]], "not symmetric"),
        ([[0, 0.1, 0.1], [0.1, 0, 0.1]], r"shape \(2, 3\)"),
        ([0.1, 0.1], r"shape \(2,\)"),
        ([[0]], "two oscillators or more"),
        ([["a", "b"], ["b", "a"]], "must be numbers"),
        ([[0, -1], [-1, 0]], "beta = 5"),
    ],
)
def test_weights_that_cannot_be_mapped_are_refused(card, weights, message):
    with pytest.raises(InputError, match=message):
        map_weights(weights, card, 5.0 if message == "beta = 5" else 1.0)


@pytest.mark.parametrize("beta", [0.0, -1.0, np.nan, np.inf, "steep", None])
def test_a_slope_that_is_not_positive_is_refused(card, beta):
    with pytest.raises(InputError, match="beta is"):
        map_pair_weight(0.1, card, beta)


def test_the_linear_fit_returns_linear_data():
    weights = hebbian(digits())
    resistances = 800e3 - 400e3 * weights
    np.fill_diagonal(resistances, np.inf)
    fitted = linear_resistances(weights, resistances)
    off = ~np.eye(60, dtype=bool)
    assert fitted[off] == pytest.approx(resistances[off], rel=1e-12)
    assert np.isinf(np.diag(fitted)).all()


def test_the_linear_fit_of_the_mapping_is_close_and_equally_spaced(card):
    weights = hebbian(digits())
    resistances = map_weights(weights, card, 60 / 32)
    fitted = linear_resistances(weights, resistances)
    off = ~np.eye(60, dtype=bool)
    assert np.abs(fitted[off] / resistances[off] - 1.0).max() < 0.01
    levels = np.unique(np.round(fitted[off], 3))
    assert np.diff(levels) == pytest.approx(np.full(6, np.diff(levels)[0]), rel=1e-6)


def test_the_linear_fit_needs_one_resistance_for_each_weight():
    with pytest.raises(InputError, match="must agree"):
        linear_resistances(np.zeros((3, 3)), np.ones((2, 2)))
