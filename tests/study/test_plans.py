"""Plans: which rows there are, in which order, and how they are spread."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, qmc

from circuitsnn.cards import Correlation, Spread, load_card
from circuitsnn.errors import InputError
from circuitsnn.study import plans
from circuitsnn.study.plans import Range


def test_a_grid_has_every_combination_in_order():
    plan = plans.grid({"a": [1, 2], "b": ["x", "y", "z"], "c": [True, None]})
    expected = [dict(zip("abc", values, strict=True)) for values in itertools.product([1, 2], "xyz", [True, None])]
    assert list(plan) == expected
    assert len(plan) == 12
    assert plan[-1] == expected[-1]


def test_a_grid_of_nothing_is_one_empty_row():
    assert list(plans.grid({})) == [{}]


def test_a_million_rows_are_made_one_by_one():
    plan = plans.grid({"a": range(1000), "b": range(1000)})
    assert len(plan) == 1_000_000
    assert plan[123_456] == {"a": 123, "b": 456}


def test_texts_are_read_as_quantities():
    plan = plans.grid({"R_S": ["15k", "20 kΩ", 1e3], "C": ["500p"], "fidelity": ["smooth", "abrupt"]}, {"C": "F"})
    assert [row["R_S"] for row in plan][::2] == [15e3, 20e3, 1e3]
    assert plan[0]["C"] == pytest.approx(500e-12, rel=1e-15)
    assert plan.units == {"R_S": "Ω", "C": "F"}
    assert plan[1]["fidelity"] == "abrupt"


def test_texts_of_the_unit_text_stay():
    plan = plans.grid({"cell": ["6T", "8T"]}, {"cell": "text"})
    assert [row["cell"] for row in plan] == ["6T", "8T"]
    assert plan.units == {}
    kept = plans.one_at_a_time({"cell": "6T", "n": 1}, {"cell": ["8T"]}, {"cell": "text"})
    assert [row["cell"] for row in kept] == ["6T", "8T"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["15k", "hybrid"], "numbers and other texts"),
        (["1 V", "1 A"], "units A, V"),
        (["300K"], "kelvin"),
        ([[1, 2]], "allowed are numbers"),
        ([float("nan")], "allowed are numbers"),
        ("15k", "a list of values"),
        (3, "a list of values"),
        ([], "no rows"),
    ],
)
def test_wrong_values_are_refused(values, words):
    with pytest.raises(InputError, match=words):
        plans.grid({"R_S": values})


@pytest.mark.parametrize("name", ["rng", "chip", "status", "", 3])
def test_names_that_a_sweep_uses_are_refused(name):
    with pytest.raises(InputError, match="parameter is called"):
        plans.grid({name: [1]})


def test_zipped_and_listed():
    rows = [{"a": 1, "b": 10}, {"a": 2, "b": 20}]
    assert list(plans.zipped({"a": [1, 2], "b": [10, 20]})) == rows
    assert list(plans.listed(rows)) == rows
    frame = pd.DataFrame(rows)
    frame.attrs["units"] = {"a": "V"}
    plan = plans.listed(frame)
    assert list(plan) == rows
    assert plan.units == {"a": "V"}
    assert len(plans.listed([{}, {}])) == 2


@pytest.mark.parametrize("rows", [[], [{"a": 1}, {"b": 1}], [1], "abc", 3])
def test_wrong_lists_are_refused(rows):
    with pytest.raises(InputError):
        plans.listed(rows)


def test_zipped_lengths_must_agree():
    with pytest.raises(InputError, match="'b': 1"):
        plans.zipped({"a": [1, 2], "b": [1]})


def test_plans_are_crossed():
    plan = plans.crossed({"a": [1, 2]}, plans.zipped({"b": [3, 4], "c": ["5 V", "6 V"]}))
    assert [tuple(row.values()) for row in plan] == [(1, 3, 5.0), (1, 4, 6.0), (2, 3, 5.0), (2, 4, 6.0)]
    assert plan.units == {"c": "V"}


def test_conditions_and_derived_parameters():
    plan = plans.grid({"a": [1, 2, 3], "b": [1, 2, 3]})
    chosen = plan.where(lambda row: row["a"] < row["b"]).derive(
        s=lambda row: row["a"] + row["b"], t=lambda row: 2 * row["s"]
    )
    assert [(row["a"], row["b"], row["s"], row["t"]) for row in chosen] == [(1, 2, 3, 6), (1, 3, 4, 8), (2, 3, 5, 10)]
    assert plan.derive(a=lambda row: -row["a"])[0] == {"a": -1, "b": 1}
    assert list(plan[2:4]) == [{"a": 1, "b": 3}, {"a": 2, "b": 1}]
    assert chosen.with_units(s="V").units == {"s": "V"}
    with pytest.raises(InputError, match="no rows"):
        plan.where(lambda row: False)
    with pytest.raises(InputError, match="units name 'z'"):
        plan.with_units(z="V")
    with pytest.raises(InputError, match="parameter s is"):
        plan.derive(s=lambda row: [1])[0]


def test_a_fingerprint_is_of_the_rows():
    grid = plans.grid({"a": [1, 2], "b": [3]})
    assert grid.fingerprint() == plans.listed([{"a": 1, "b": 3}, {"a": 2, "b": 3}]).fingerprint()
    # Stable from one day and version to the next, or stores could not be gone on with.
    assert grid.fingerprint().startswith("a12683eb0cbdcff2")
    others = [
        plans.grid({"a": [1, 2], "b": [4]}),
        plans.grid({"a": [2, 1], "b": [3]}),
        plans.grid({"a": [1, 2], "c": [3]}),
        plans.grid({"a": [1, 2], "b": [3]}, {"a": "V"}),
    ]
    assert grid.fingerprint() not in {other.fingerprint() for other in others}


RANGES = {"a": ("1k", "3k"), "b": Range(1e-9, 1e-3, log=True)}


def test_random_values_fill_their_ranges():
    table = plans.random(RANGES, 4000, seed=3, units={"a": "Ω"}).to_frame()
    assert table.attrs["units"] == {"a": "Ω"}
    assert kstest(table["a"], "uniform", args=(1e3, 2e3)).pvalue > 0.01
    assert kstest(np.log10(table["b"]), "uniform", args=(-9, 6)).pvalue > 0.01
    assert abs(np.corrcoef(table["a"], np.log(table["b"]))[0, 1]) < 0.05


def test_whole_numbers_are_equally_likely():
    values = plans.random({"n": Range(1, 6, whole=True)}, 6000, seed=1).to_frame()["n"]
    assert values.dtype == np.int64
    counts = values.value_counts()
    assert set(counts.index) == {1, 2, 3, 4, 5, 6}
    assert counts.min() > 1000 - 5 * np.sqrt(1000 * 5 / 6)


def test_a_latin_hypercube_meets_each_part_once():
    table = plans.latin_hypercube({"a": (0.0, 1.0), "b": (10.0, 20.0)}, 50, seed=2).to_frame()
    assert sorted((table["a"] * 50).astype(int)) == list(range(50))
    assert sorted(((table["b"] - 10) * 5).astype(int)) == list(range(50))


def test_a_sobol_sequence_is_balanced():
    table = plans.sobol({"a": (0.0, 1.0), "b": (0.0, 1.0)}, 64, seed=2).to_frame()
    # A (t, m, s) net with t = 0: each elementary rectangle of area 1/64 holds one point.
    for power in range(7):
        cells = set(zip((table["a"] * 2**power).astype(int), (table["b"] * 2 ** (6 - power)).astype(int), strict=True))
        assert len(cells) == 64
    scattered = plans.random({"a": (0.0, 1.0), "b": (0.0, 1.0)}, 64, seed=2).to_frame()
    assert qmc.discrepancy(table) < 0.3 * qmc.discrepancy(scattered)
    with pytest.raises(InputError, match="power of two, such as 128"):
        plans.sobol({"a": (0, 1)}, 100)


@pytest.mark.parametrize("make", [plans.random, plans.latin_hypercube, plans.sobol])
def test_drawn_plans_repeat_with_their_seed(make):
    assert make(RANGES, 8, seed=5).fingerprint() == make(RANGES, 8, seed=5).fingerprint()
    assert make(RANGES, 8, seed=5).fingerprint() != make(RANGES, 8, seed=6).fingerprint()


@pytest.mark.parametrize(
    "ranges",
    [
        {"a": (2, 1)},
        {"a": (1, 1)},
        {"a": (1, 2, 3)},
        {"a": 3},
        {"a": "12"},
        {"a": ("low", "high")},
        {"a": (0, float("inf"))},
        {"a": (True, 2)},
        {"a": Range(0, 1, log=True)},
        {"a": Range(0, 1.5, whole=True)},
        {},
        [("a", 1, 2)],
    ],
)
def test_wrong_ranges_are_refused(ranges):
    with pytest.raises(InputError):
        plans.random(ranges, 3)


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (1.5, 0), (True, 0), (3, -1), (3, None)])
def test_wrong_counts_and_seeds_are_refused(count, seed):
    for make in (plans.random, plans.latin_hypercube, plans.sobol):
        with pytest.raises(InputError):
            make({"a": (0, 1)}, count, seed)


def test_corners():
    plan = plans.corners({"T": (233, 398), "V_DD": ("0.9 V", "1.1 V")}, nominal={"T": 300, "V_DD": 1.0})
    rows = [tuple(row.values()) for row in plan]
    assert rows == [(300, 1.0), (233, 0.9), (233, 1.1), (398, 0.9), (398, 1.1)]
    assert plan.units == {"V_DD": "V"}
    assert len(plans.corners({"T": (233, 398), "V_DD": (0.9, 1.1)})) == 4
    with pytest.raises(InputError, match="nominal"):
        plans.corners({"T": (233, 398)}, nominal={"V": 1})


def test_one_at_a_time():
    plan = plans.one_at_a_time({"a": 1, "b": "2k", "c": 3}, {"b": ["1k", "4k"], "a": [5]})
    assert [tuple(row.values()) for row in plan] == [(1, 2e3, 3), (5, 2e3, 3), (1, 1e3, 3), (1, 4e3, 3)]
    with pytest.raises(InputError, match="changes name 'd'"):
        plans.one_at_a_time({"a": 1}, {"d": [1]})


@pytest.fixture(scope="module")
def card():
    return load_card("vo2_delacour2021")


def test_monte_carlo_draws_the_cards_spreads(card):
    plan = plans.monte_carlo(card, 3000, seed=4)
    table = plan.to_frame()
    assert set(table) == {name for name, parameter in card.parameters.items() if parameter.spread is not None}
    for name in table:
        spread = card.parameters[name].spread
        deviation = spread.standard_deviation(card.parameters[name].value)
        assert table[name].std() == pytest.approx(deviation, rel=0.06)
        assert table[name].mean() == pytest.approx(card.parameters[name].value, abs=4 * deviation / np.sqrt(3000))
    assert plan.units["R_S"] == "Ω"
    assert plan[0]["R_S"] == card.replace(**plan[0]).R_S


def test_monte_carlo_draws_correlated_parameters(card):
    from dataclasses import replace

    spread = Spread(relative_sigma=0.01, correlated_with=Correlation("R_ins", 0.8))
    parameters = dict(card.parameters) | {"R_met": replace(card.parameters["R_met"], spread=spread)}
    table = plans.monte_carlo(replace(card, parameters=parameters), 3000, seed=4).to_frame()
    # The standard error of a correlation coefficient is (1 - 0.8^2)/sqrt(n) = 0.0066.
    assert np.corrcoef(table["R_ins"], table["R_met"])[0, 1] == pytest.approx(0.8, abs=0.025)
    assert np.corrcoef(table["V_H"], table["R_met"])[0, 1] == pytest.approx(0.0, abs=0.07)


def test_a_device_does_not_depend_on_how_many_there_are(card):
    few, many = plans.monte_carlo(card, 3, seed=4), plans.monte_carlo(card, 2000, seed=4)
    assert list(few) == list(many[:3])
    assert many[1500] == plans.monte_carlo(card, 1501, seed=4)[-1]
    assert list(few) != list(plans.monte_carlo(card, 3, seed=5))


def test_monte_carlo_of_chosen_parameters(card):
    table = plans.monte_carlo(card, 2000, seed=1, sigma=0.002, only=["V_H"]).to_frame()
    assert list(table) == ["V_H"]
    assert table["V_H"].std() / card.V_H == pytest.approx(0.002, rel=0.07)


@pytest.mark.parametrize("arguments", [{"only": ["V_X"]}, {"sigma": -1.0}, {"only": []}, {"seed": -1}, {"count": 0}])
def test_wrong_monte_carlo_plans_are_refused(card, arguments):
    with pytest.raises(InputError):
        plans.monte_carlo(card, **{"count": 3, **arguments})
