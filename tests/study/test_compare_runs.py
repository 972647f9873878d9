import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_runs import attack

from circuitsnn.errors import InputError
from circuitsnn.study import run_study
from circuitsnn.study.report import compare_runs, read_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return attack(tmp_path_factory.mktemp("before"), quick=True, settings={"note": "x"}).folder


@pytest.fixture
def before(whole):
    return read_run(whole)


@pytest.fixture
def after(whole, tmp_path):
    """A copy of the run that a test may change."""
    return Path(shutil.copytree(whole, tmp_path / "after"))


def edit(folder, name, change):
    given = json.loads((folder / name).read_text())
    change(given)
    (folder / name).write_text(json.dumps(given))


def edit_table(folder, name, change):
    frame = pd.read_parquet(folder / f"{name}.parquet")
    changed = change(frame)  # a new table, or None where this one was changed
    (frame if changed is None else changed).to_parquet(folder / f"{name}.parquet")


def kinds(comparison):
    return [(change.kind, change.name) for change in comparison.changes]


def test_the_same_run_again_is_the_same(before, tmp_path):
    again = attack(tmp_path, quick=True, settings={"note": "x"}, jobs=2)
    comparison = compare_runs(before, read_run(again.folder), tolerance=0.0)
    assert comparison.same
    assert comparison.changes == ()
    assert list(comparison.to_frame()) == ["kind", "name", "before", "after", "relative"]


def test_another_seed_form_parameter_and_card_are_named(before, tmp_path):
    settings = {"note": "x", "delay": "3u", "rows": "30", "card.R_S": "15k"}
    comparison = compare_runs(before, read_run(attack(tmp_path, settings=settings, seed=1).folder))
    assert not comparison.same
    named = {(change.kind, change.name): (change.before, change.after) for change in comparison.changes}
    assert named["form", "form"] == ("quick", "full")
    assert named["seed", "seed"] == ("0", "1")
    assert named["parameter", "delay"] == ("1.5 µs", "3 µs")
    assert named["card", "vo2_delacour2021.R_S"] == ("20 kΩ", "15 kΩ")
    assert ("parameter", "rows") not in named
    moved = {name for kind, name in named if kind == "number"}
    assert {name.split(" at ")[0] for name in moved} == {"few.load", *(f"results.energy_{n}" for n in range(11))}


def test_a_claim_that_turned_is_named_with_what_was_found(before, after):
    edit(after, "summary.json", lambda s: s["claims"][0].update(ours=22.5e-6, holds=False))
    comparison = compare_runs(before, read_run(after))
    [change] = comparison.changes
    assert (change.kind, change.name) == ("claim", "Period")
    assert (change.before, change.after) == ("holds: 21.5 µs", "does not hold: 22.5 µs")
    assert change.relative == pytest.approx(1 / 22.5)


def test_claims_that_came_went_or_ask_something_else_are_named(before, after):
    def change(summary):
        del summary["claims"][2]
        summary["claims"][1]["tolerance"] = "at least 79 %"
        summary["claims"].append({**summary["claims"][0], "name": "New"})

    edit(after, "summary.json", change)
    assert kinds(compare_runs(before, read_run(after))) == [
        ("claim", "Yield <of> the chips: what it asks"),
        ("claim", "Answer"),
        ("claim", "New"),
    ]


@pytest.mark.parametrize(("tolerance", "same"), [(0.0099, False), (0.0100, True)])
def test_numbers_move_relative_to_the_larger_of_the_two(before, after, tolerance, same):
    def change(frame):
        frame.loc[4, "energy_3"] *= 1.01  # 0.01/1.01 = 0.990 %
        frame.loc[7, "energy_3"] *= 1.001

    edit_table(after, "results", change)
    comparison = compare_runs(before, read_run(after), tolerance=tolerance)
    assert comparison.same == same
    if not same:
        [moved] = comparison.changes
        assert (moved.kind, moved.name) == ("number", "results.energy_3 at chip=4")
        assert moved.relative == pytest.approx(0.01 / 1.01)


def test_what_is_no_number_on_both_sides_is_the_same_and_on_one_side_is_not(before, after):
    assert compare_runs(before, read_run(after)).same  # few.load holds a NaN
    edit_table(after, "few", lambda frame: frame.__setitem__("load", [np.nan, np.nan]))
    [moved] = compare_runs(before, read_run(after), tolerance=1e9).changes
    assert (moved.name, moved.before, moved.after, moved.relative) == ("few.load at count=3", "20 kΩ", "nan", np.inf)


def test_texts_columns_rows_and_tables_that_differ_are_named(before, after):
    edit_table(after, "results", lambda frame: frame.loc.__setitem__((2, "kind"), "other"))
    edit_table(after, "results", lambda frame: frame.rename(columns={"good": "fine"}))
    edit_table(after, "few", lambda frame: frame.drop(index=1))
    assert kinds(compare_runs(before, read_run(after))) == [
        ("table", "results.good"),
        ("table", "results.fine"),
        ("table", "results.kind at chip=2"),
        ("table", "few at load=none"),
    ]
    (after / "few.parquet").unlink()
    edit(after, "provenance.json", lambda provenance: provenance["files"].remove("few.parquet"))
    assert ("table", "few") in kinds(compare_runs(before, read_run(after)))


def test_versions_and_commit_are_shown_but_do_not_count(before, after):
    def change(provenance):
        provenance["versions"]["numpy"] = "1.0"
        provenance["commit"] = "abc"
        provenance["date"] = "2020-01-01T00:00:00+00:00"
        provenance["duration_s"] = 1e6
        provenance["jobs"] = 64

    edit(after, "provenance.json", change)
    comparison = compare_runs(before, read_run(after))
    assert comparison.same
    assert kinds(comparison) == [("made with", "numpy"), ("made with", "commit")]


def test_two_claims_of_one_name_are_kept_apart(before, after, tmp_path):
    for folder in (before.folder, after):
        twin = Path(shutil.copytree(folder, tmp_path / f"twin-{folder.name}"))
        edit(twin, "summary.json", lambda summary: summary["claims"].append(dict(summary["claims"][0])))
    edit(twin, "summary.json", lambda summary: summary["claims"][-1].update(ours=21.6e-6))
    first = read_run(tmp_path / f"twin-{before.folder.name}")
    assert kinds(compare_runs(first, read_run(twin))) == [("number", "Period (2)")]


def test_runs_of_different_studies_are_refused(before, dice, tmp_path):
    other = read_run(run_study(dice, quick=True, out=tmp_path / "dice").folder)
    with pytest.raises(InputError, match="the runs are of attack and of dice; allowed are two runs of one study"):
        compare_runs(before, other)


@pytest.mark.parametrize("tolerance", [-1.0, np.nan, np.inf])
def test_a_tolerance_that_is_none_is_refused(before, tolerance):
    with pytest.raises(InputError, match="allowed is a number, 0 or more"):
        compare_runs(before, before, tolerance=tolerance)
