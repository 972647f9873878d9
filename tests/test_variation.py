from dataclasses import replace

import numpy as np
import pytest

from circuitsnn.cards import Correlation, Spread, load_card
from circuitsnn.errors import InputError
from circuitsnn.variation import draw, draw_resistances, generators

SIZE = 40_000
# The standard error of a standard deviation from SIZE normal draws is 0.35 %; 2 % is far outside it.
CLOSE = 0.02


@pytest.fixture
def card():
    return load_card("vo2_delacour2021")


def rng():
    return np.random.default_rng(20211)


def with_spread(card, **spreads):
    parameters = {name: replace(parameter, spread=spreads.get(name)) for name, parameter in card.parameters.items()}
    return replace(card, parameters=parameters)


def test_every_device_has_its_own_draw(card):
    drawn = draw(card, 1000, rng())
    for name in ("V_H", "V_L", "R_ins", "R_met", "C_P", "R_S"):
        assert len(np.unique(drawn[name])) == 1000
    scores = np.array([drawn[name] for name in ("V_H", "V_L", "R_ins", "R_met", "C_P", "R_S")])
    assert np.abs(np.corrcoef(scores) - np.eye(6)).max() < 0.15


def test_parameters_without_a_spread_stay(card):
    drawn = draw(card, 5, rng())
    assert list(drawn) == list(card.parameters)
    for name in ("V_DD", "alpha", "tau_0"):
        assert np.array_equal(drawn[name], np.full(5, getattr(card, name)))


def test_same_seed_same_devices_and_the_next_chip_differs(card):
    first, second = generators(7, 2)
    again = generators(7, 5)[0]
    chip = draw(card, 10, first)
    assert all(np.array_equal(chip[name], values) for name, values in draw(card, 10, again).items())
    assert not np.array_equal(chip["V_H"], draw(card, 10, second)["V_H"])


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "uniform"])
def test_spread_has_the_stated_standard_deviation(card, distribution):
    card = with_spread(card, R_S=Spread(relative_sigma=0.05, distribution=distribution))
    values = draw(card, SIZE, rng())["R_S"]
    assert values.std() / values.mean() == pytest.approx(0.05, rel=CLOSE)
    assert np.median(values) == pytest.approx(20e3, rel=0.002)
    if distribution == "uniform":
        assert np.abs(values / 20e3 - 1).max() <= 0.05 * np.sqrt(3)


def test_absolute_sigma_is_in_the_unit_of_the_parameter(card):
    card = with_spread(card, V_H=Spread(sigma=0.01))
    assert draw(card, SIZE, rng())["V_H"].std() == pytest.approx(0.01, rel=CLOSE)


def test_sigma_takes_the_place_of_the_spreads_of_the_card(card):
    drawn = draw(card, SIZE, rng(), sigma=0.03)
    for name in ("V_H", "R_ins", "C_P"):
        assert drawn[name].std() / drawn[name].mean() == pytest.approx(0.03, rel=CLOSE)
    assert np.ptp(drawn["V_DD"]) == 0


def test_sigma_zero_gives_the_nominal_device(card):
    for name, values in draw(card, 3, rng(), sigma=0.0).items():
        assert np.array_equal(values, np.full(3, getattr(card, name)))


def test_one_parameter_at_a_time_draws_the_same_values_as_together(card):
    together = draw(card, 50, rng(), sigma=0.01)
    alone = draw(card, 50, rng(), sigma=0.01, only=["V_H"])
    assert np.array_equal(alone["V_H"], together["V_H"])
    assert np.ptp(alone["R_ins"]) == 0
    assert np.ptp(draw(card, 50, rng(), sigma=0.01, only="V_DD")["V_DD"]) > 0


def test_correlated_spreads(card):
    card = with_spread(
        card,
        V_H=Spread(relative_sigma=0.01),
        V_L=Spread(relative_sigma=0.01, correlated_with=Correlation("V_H", 0.8)),
        R_ins=Spread(relative_sigma=0.01, correlated_with=Correlation("V_L", -0.5)),
    )
    drawn = draw(card, SIZE, rng())
    found = np.corrcoef([drawn["V_H"], drawn["V_L"], drawn["R_ins"]])
    assert found[0, 1] == pytest.approx(0.8, abs=0.02)
    assert found[1, 2] == pytest.approx(-0.5, abs=0.02)
    assert found[0, 2] == pytest.approx(-0.4, abs=0.02)
    assert drawn["V_L"].std() == pytest.approx(0.01, rel=CLOSE)


def test_devices_that_could_not_exist_are_drawn_again(card):
    drawn = draw(card, 2000, rng(), sigma=0.4)
    assert (drawn["V_L"] < drawn["V_H"]).all()
    assert (drawn["R_met"] < drawn["R_ins"]).all()
    assert all((values > 0).all() for values in drawn.values())


def test_spreads_that_leave_almost_no_device_are_refused(card):
    with pytest.raises(InputError, match="could not exist"):
        draw(card, 1000, rng(), sigma=1e6, only=card.parameters)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size is 0; allowed"),
        ({"size": 2.5}, "size is 2.5; allowed"),
        ({"sigma": -0.1}, "sigma is -0.1; allowed"),
        ({"sigma": float("nan")}, "sigma is nan; allowed"),
        ({"sigma": "1 %"}, "sigma is '1 %'; allowed"),
        ({"only": ["V_X"]}, "only names 'V_X'; allowed: V_DD"),
        ({"only": ["V_DD"]}, "states no spread for V_DD"),
    ],
)
def test_wrong_input_to_draw(card, arguments, message):
    with pytest.raises(InputError, match=message):
        draw(card, **({"size": 3} | arguments), rng=rng())


@pytest.mark.parametrize(("seed", "count"), [(-1, 1), (1.5, 1), (1, -1), (True, 1)])
def test_wrong_seed(seed, count):
    with pytest.raises(InputError, match="allowed is a whole number >= 0"):
        generators(seed, count)


def test_lognormal_spread_of_a_parameter_that_is_zero_stays_zero(card):
    card = with_spread(card.replace(tau_0=0), tau_0=Spread(relative_sigma=0.1, distribution="lognormal"))
    assert np.array_equal(draw(card, 3, rng())["tau_0"], np.zeros(3))


def resistances(size=120):
    matrix = 1e6 * (1 + np.add.outer(np.arange(size), np.arange(size)) / size)
    matrix[0, 1] = matrix[1, 0] = np.inf
    np.fill_diagonal(matrix, np.inf)
    return matrix


def test_each_coupling_resistor_has_one_draw_of_its_own():
    design = resistances()
    drawn = draw_resistances(design, 0.05, rng())
    assert np.array_equal(drawn, drawn.T)
    assert np.array_equal(np.isinf(drawn), np.isinf(design))
    closed = np.triu(np.isfinite(design), 1)
    ratio = drawn[closed] / design[closed]
    assert len(np.unique(ratio)) == closed.sum()
    assert np.std(ratio) / np.mean(ratio) == pytest.approx(0.05, rel=0.05)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.003)


def test_resistors_stay_positive_however_wide_their_spread():
    assert np.all(draw_resistances(resistances(), 3.0, rng()) > 0)


def test_a_resistors_draw_does_not_depend_on_which_others_are_open():
    design = resistances(10)
    opened = design.copy()
    opened[2, 3] = opened[3, 2] = np.inf
    drawn, with_one_open = draw_resistances(design, 0.1, rng()), draw_resistances(opened, 0.1, rng())
    drawn[2, 3] = drawn[3, 2] = np.inf
    assert np.array_equal(drawn, with_one_open)


def test_no_spread_leaves_the_resistances():
    assert np.array_equal(draw_resistances(resistances(), 0.0, rng()), resistances())


@pytest.mark.parametrize(
    ("resistance", "sigma", "message"),
    [
        (np.ones((2, 2)), -0.1, "sigma is -0.1; allowed"),
        (np.ones((2, 3)), 0.1, "square"),
        (np.array([[0.0, 1.0], [2.0, 0.0]]), 0.1, "symmetric"),
        (-np.ones((2, 2)), 0.1, "> 0 ohm"),
        (np.full((2, 2), np.nan), 0.1, "> 0 ohm"),
        ([["a"]], 0.1, "numbers"),
    ],
)
def test_wrong_input_to_draw_resistances(resistance, sigma, message):
    with pytest.raises(InputError, match=message):
        draw_resistances(resistance, sigma, rng())
