from dataclasses import replace

import numpy as np
import pytest

from circuitsnn.cards import Correlation, load_card
from circuitsnn.errors import InputError
from circuitsnn.study.card_space import CardSpace
from circuitsnn.variation import can_exist, devices_from_scores, draw


class Replayed:
    """A source of randomness whose normal variables are written down."""

    def __init__(self, seed):
        self._rng = np.random.default_rng(seed)

    def standard_normal(self, size):
        self.scores = self._rng.standard_normal(size)
        return self.scores


@pytest.fixture
def card():
    card = load_card("vo2_delacour2021")
    parameters = dict(card.parameters)
    for name, other in (("V_L", "V_H"), ("R_met", "R_ins")):
        spread = replace(parameters[name].spread, correlated_with=Correlation(other, 0.6))
        parameters[name] = replace(parameters[name], spread=spread)
    return replace(card, parameters=parameters)


@pytest.mark.parametrize(("sigma", "only"), [(None, None), (0.002, None), (None, ("V_L", "R_S")), (0.01, ("alpha",))])
def test_scores_of_a_draw_give_the_same_devices(card, sigma, only):
    rng = Replayed(3)
    drawn = draw(card, 50, rng, sigma, only)
    scores = dict(zip(card.parameters, rng.scores, strict=True))
    again = devices_from_scores(card, scores, sigma, only)
    assert all(np.array_equal(drawn[name], again[name]) for name in card.parameters)


def test_axes_are_what_varies_and_what_it_is_tied_to(card):
    assert CardSpace(card).axes == ("R_S", "C_P", "R_ins", "R_met", "V_L", "V_H")
    assert CardSpace(card, only="V_L").axes == ("V_L", "V_H")
    assert CardSpace(card, count=5, only=("V_H", "R_S")).dimension == 10


def test_an_axis_that_only_ties_moves_no_parameter_of_its_own(card):
    device = CardSpace(card, only="V_L").devices([0.0, 1.0])
    assert device["V_H"][0] == 1.999
    assert device["V_L"][0] == pytest.approx(1.0 + 0.6 * 0.01)


def test_origin_is_the_nominal_device(card):
    devices = CardSpace(card, count=3).devices(np.zeros(18))
    assert {name: values.tolist() for name, values in devices.items()} == {
        name: pytest.approx([value] * 3) for name, value in card.values.items()
    }


def test_each_device_has_coordinates_of_its_own(card):
    space = CardSpace(card, count=2, sigma=0.01, only=("V_H", "R_S"))
    devices = space.devices([0.0, 1.0, 2.0, 0.0])
    assert devices["V_H"] == pytest.approx([1.999, 1.999 * 1.01])
    assert devices["R_S"] == pytest.approx([20e3 * 1.02, 20e3])


def test_points_whose_devices_cannot_exist(card):
    space = CardSpace(card, count=2, sigma=0.3, only="V_L")
    points = np.array([[0, 0, 0, 0], [4, 0, 0, 0], [0, 4, 0, 0], [-4, 0, 0, 0]], dtype=float)
    # V_L = 1 V +- 4 * 0.8 * 0.3 V: above V_H = 1.999 V or not.
    assert space.exist(points).tolist() == [True, True, True, True]
    assert space.exist(1.1 * points).tolist() == [True, False, False, False]
    expected = [can_exist(card, space.devices(point)).all() for point in 1.1 * points]
    assert space.exist(1.1 * points).tolist() == expected


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"only": "V_X"}, {"only": "V_DD"}, {"sigma": -1.0}, {"only": (), "sigma": 0.1}]
)
def test_spaces_refuse_what_cannot_be(card, wrong):
    with pytest.raises(InputError):
        CardSpace(card, **wrong)


def test_a_missing_score_is_named(card):
    with pytest.raises(InputError, match="score of V_H is missing"):
        devices_from_scores(card, {"V_L": [0.0]}, only=["V_L"])
