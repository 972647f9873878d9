"""Faults change the product by what the broken cells held; spare columns mend it."""

import numpy as np
import pytest
from macros import matrix, small_card, spikes

from circuitsnn.errors import InputError
from circuitsnn.sram.faults import Faults, draw_faults, repair_map
from circuitsnn.sram.macro import Macro


def none(rows, columns):
    empty = np.zeros((rows, columns), bool)
    return {
        "stuck_at_0": empty,
        "stuck_at_1": empty.copy(),
        "dead_rows": np.zeros(rows, bool),
        "dead_columns": np.zeros(columns, bool),
    }


@pytest.fixture
def problem():
    rng = np.random.default_rng(1)
    return small_card(), matrix(rng), spikes(rng)


def test_a_stuck_cell_changes_one_bit(problem):
    card, weights, x = problem
    kinds = none(40, 42)
    kinds["stuck_at_0"][3, 6 * 2 + 4] = True  # input 3, output 2, bit 4
    kinds["stuck_at_1"][5, 6 * 6 + 5] = True  # input 5, output 6, sign bit
    broken = weights.copy()
    broken[2, 3] -= 16 * (broken[2, 3] >> 4 & 1)
    broken[6, 5] -= 32 * (1 - (broken[6, 5] >> 5 & 1))
    macro = Macro(card, weights, "ideal", faults=Faults(**kinds))
    np.testing.assert_array_equal(macro.forward(x), x @ broken.T)
    assert np.any(broken != weights)


def test_dead_lines(problem):
    card, weights, x = problem
    kinds = none(40, 42)
    kinds["dead_rows"][7] = True
    kinds["dead_columns"][6 * 1 + 5] = True  # output 1, sign bit
    broken = weights.copy()
    broken[1] = broken[1] & 31
    broken[:, 7] = 0
    np.testing.assert_array_equal(Macro(card, weights, "ideal", faults=Faults(**kinds)).forward(x), x @ broken.T)
    analog = Macro(card, weights, faults=Faults(**kinds), seed=3)
    slopes = [np.polyfit((x @ each.T)[:, 1], analog.forward(x)[:, 1], 1, full=True)[1][0] for each in (broken, weights)]
    assert slopes[0] < 0.5 * slopes[1]  # the analog product follows the broken matrix, not the written one


def test_spare_columns_mend(problem):
    card, weights, x = problem
    kinds = none(40, 45)
    kinds["dead_columns"][[11, 30]] = True
    kinds["stuck_at_1"][:, 42] = True  # a broken spare
    macro = Macro(card, weights, "ideal", faults=Faults(**kinds), spare_columns=3)
    assert sorted(macro.repair[[11, 30]]) == [43, 44]
    np.testing.assert_array_equal(macro.forward(x), x @ weights.T)
    assert macro.physical_shape == (40, 45)


def test_the_worst_column_takes_the_best_spare():
    kinds = none(10, 6)
    kinds["stuck_at_0"][:3, 0] = True
    kinds["stuck_at_0"][:5, 1] = True
    kinds["stuck_at_0"][:1, 4] = True
    faults = Faults(**kinds)
    np.testing.assert_array_equal(repair_map(faults, 4), [4, 5, 2, 3])
    # Where errors of column 0 count for more, it comes first.
    np.testing.assert_array_equal(repair_map(faults, 4, [32, 1, 1, 1]), [5, 4, 2, 3])


@pytest.mark.parametrize("significance", ["digital", "pulse_width"])
def test_a_sign_column_is_repaired_before_others(problem, significance):
    """One spare column: output 1 has a dead sign column, output 0 a dead lesser one."""
    card, weights, _ = problem
    per_weight = 6 if significance == "digital" else 2  # all lesser bits below one another, and the sign
    rows = 40 if significance == "digital" else 40 * 5
    kinds = none(rows, 7 * per_weight + 1)
    kinds["dead_columns"][[0, 2 * per_weight - 1]] = True
    macro = Macro(card, weights, "ideal", significance=significance, faults=Faults(**kinds), spare_columns=1)
    assert macro.repair[2 * per_weight - 1] == 7 * per_weight
    assert macro.repair[0] == 0


def test_rates_of_drawn_faults():
    faults = draw_faults(400, 500, np.random.default_rng(2), 0.02, 0.01, 0.1, 0.05)
    for found, rate in (
        (faults.stuck_at_0, 0.02),
        (faults.stuck_at_1, 0.01),
        (faults.dead_rows, 0.1),
        (faults.dead_columns, 0.05),
    ):
        assert found.mean() == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / found.size))


def test_wrong_input(problem):
    card, weights, _ = problem
    both = none(2, 2) | {"stuck_at_0": np.ones((2, 2), bool), "stuck_at_1": np.ones((2, 2), bool)}
    with pytest.raises(InputError, match="stuck at 0 and at 1"):
        Faults(**both)
    with pytest.raises(InputError, match="faults have shapes"):
        Faults(**(none(2, 2) | {"dead_rows": np.zeros(3, bool)}))
    with pytest.raises(InputError, match=r"faults are about \(2, 2\) cells; the macro has \(40, 42\)"):
        Macro(card, weights, "ideal", faults=Faults(**none(2, 2)))
    with pytest.raises(InputError, match="stuck_at_0 is 2"):
        draw_faults(2, 2, np.random.default_rng(1), stuck_at_0=2)
    with pytest.raises(InputError, match=r"faults is 3; allowed is Faults"):
        repair_map(3, 2)
    with pytest.raises(InputError, match="columns is 3"):
        repair_map(Faults(**none(2, 2)), 3)
    with pytest.raises(InputError, match="stuck_at_0 must be an array of bool"):
        Faults(**(none(2, 2) | {"stuck_at_0": np.full((2, 2), np.nan)}))
    with pytest.raises(InputError, match="rows is -1"):
        draw_faults(-1, 2, np.random.default_rng(1))
    with pytest.raises(InputError, match="rng is 3"):
        draw_faults(2, 2, 3)
