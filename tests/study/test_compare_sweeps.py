import numpy as np
import pandas as pd
import pytest

from circuitsnn.errors import InputError
from circuitsnn.study.plans import grid
from circuitsnn.study.report import compare_sweeps, read_sweep
from circuitsnn.study.report.compare_tables import compare_tables
from circuitsnn.study.sweep import sweep

PLAN = grid({"R_S": ["10k", "20k"], "cell": ["6T", "8T"]}, {"R_S": "Ω", "cell": "text"})


def period(R_S, cell, chip_rng):
    drawn = 1.0 + 0.1 * chip_rng.standard_normal()
    return {"period": 1e-10 * R_S * drawn, "good": bool(drawn > 1.0)}


def slower(R_S, cell, chip_rng):
    answer = period(R_S, cell, chip_rng)
    return answer | {"period": answer["period"] * (1.5 if (R_S, cell) == (20e3, "8T") else 1.0)}


def failing(R_S, cell, chip_rng):
    if cell == "8T":
        raise ValueError("no such cell")
    return period(R_S, cell, chip_rng)


@pytest.fixture
def swept(tmp_path):
    def do(function=period, plan=PLAN, **how):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.db"
        sweep(function, plan, store=path, **{"trials": 4, "seed": 1, "units": {"period": "s"}} | how)
        return read_sweep(path)

    return do


def named(comparison):
    return {(change.kind, change.name): (change.before, change.after, change.relative) for change in comparison.changes}


def test_the_same_sweep_again_is_the_same(swept, tmp_path):
    first, again = swept(), swept(jobs=2)
    assert compare_sweeps(first, again, tolerance=0.0).changes == ()
    # A table that was written says the same as the store, as far as it says anything.
    sweep(period, PLAN, trials=4, seed=1).to_parquet(tmp_path / "t.parquet")
    changes = compare_sweeps(first, read_sweep(tmp_path / "t.parquet")).changes
    assert [change.name for change in changes] == ["source of the function"]


def test_a_condition_whose_answer_changed_is_named_by_its_parameters(swept):
    first, other = swept(), swept(slower)
    found = named(compare_sweeps(first, other))
    assert found["sweep", "function"] == ("test_compare_sweeps.period", "test_compare_sweeps.slower", None)
    [(name, moved)] = [(name, change[2]) for (_, name), change in found.items() if name.startswith("trials")]
    assert name.startswith("trials.period at R_S=20 kΩ, cell=8T, chip=")
    assert name.endswith(" and 3 more")
    assert moved == pytest.approx(1 / 3)
    values = [sweep.trials["period"].mean() for sweep in (first, other)]
    assert found["number", "mean of period"][2] == pytest.approx(1 - values[0] / values[1])
    assert found["number", "mean of period"][0] == f"{1e6 * values[0]:.4g} µs"
    assert ("number", "yield of good") not in found


def test_rows_and_trials_of_one_side_only_are_named(swept):
    first = swept()
    plan = grid({"R_S": ["20k", "30k"], "cell": ["6T", "8T"]}, {"R_S": "Ω", "cell": "text"})
    found = named(compare_sweeps(first, swept(plan=plan, common=True, trials=5)))
    assert found["parameter", "R_S"][:2] == ("2 values: 10 kΩ, 20 kΩ", "2 values: 20 kΩ, 30 kΩ")
    assert found["sweep", "chips of each row"][:2] == ("4", "5")
    assert found["sweep", "chips"][:2] == ("absent", "the same for all rows")
    assert found["table", "trials at R_S=10 kΩ, cell=6T, chip=0 and 7 more"][:2] == ("present", "absent")
    assert found["table", "trials at R_S=20 kΩ, cell=6T, chip=4 and 11 more"][:2] == ("absent", "present")


def test_trials_that_fail_now_are_named(swept):
    found = named(compare_sweeps(swept(), swept(failing)))
    assert found["table", "trials.status at R_S=10 kΩ, cell=8T, chip=0 and 7 more"][:2] == ("ok", "raised")
    assert ("number", "yield of good") in found


def test_sweeps_of_other_parameters_are_not_matched(swept):
    other = swept(lambda x: {"good": True}, grid({"x": [1.0]}), trials=1)
    found = named(compare_sweeps(swept(), other))
    assert found["parameter", "x"][:2] == ("absent", "1")
    assert not [name for _, name in found if name.startswith("trials")]


def test_rows_with_the_same_values_are_told_by_their_number(swept):
    plan = grid({"x": [1.0, 1.0, 2.0]})
    first, other = (swept(lambda x, rng, k=k: {"y": x + k * (x == 2.0)}, plan, trials=1) for k in (0, 1))
    found = named(compare_sweeps(first, other))
    assert ("number", "trials.y at trial=2") in found


@pytest.mark.parametrize("tolerance", [-1.0, np.nan, np.inf])
def test_a_tolerance_that_is_none_is_refused(swept, tolerance):
    one = swept(trials=1)
    with pytest.raises(InputError, match="allowed is a number, 0 or more"):
        compare_sweeps(one, one, tolerance=tolerance)


def names(before, after):
    return [change.name for change in compare_tables("t", before, after, 1e-6)]


def test_what_was_varied_tells_rows_apart_and_what_was_found_does_not():
    before = pd.DataFrame({"parameter": list("aabb"), "sigma": [1.0, 2.0, 1.0, 3.0], "found": [5.0, 6.0, 7.0, 8.0]})
    moved = before.assign(found=[5.0, 6.0, 7.5, 8.0])
    assert names(before, moved) == ["t.found at parameter=b, sigma=1"]
    # The order of rows does not matter then, nor do rows that one side lacks.
    assert names(before, before.iloc[[2, 0, 3, 1]].reset_index(drop=True)) == []
    assert names(before, moved.iloc[1:].reset_index(drop=True)) == [
        "t at parameter=a, sigma=1",
        "t.found at parameter=b, sigma=1",
    ]


def test_a_table_of_nothing_but_answers_is_compared_in_its_order():
    before = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]})
    after = pd.DataFrame({"x": [1.0, 2.5], "y": [3.0, 4.0]})
    assert names(before, after) == ["t.x at row 2"]
    assert names(before, after.iloc[:1].assign(x=9.0, y=9.0)) == ["t"]


def test_columns_that_tell_nothing_apart_are_left_out():
    before = pd.DataFrame({"kind": ["a"] * 3, "chips": [7] * 3, "case": ["x", "y", "z"], "found": [1.0, 2.0, 3.0]})
    assert names(before, before.assign(found=[1.0, 2.0, 4.0])) == ["t.found at case=z"]
