"""Design search against minima and fronts known in closed form, and against itself interrupted."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from circuitsnn.errors import InputError, StudyError
from circuitsnn.study.design import optimise
from circuitsnn.study.plans import Range

pytest.importorskip("optuna")

SQUARE = {"x": (-4.0, 4.0)}


def parabola(x):
    return (x - 1.0) ** 2


def schaffer(x):
    """Schaffer's problem: the front is 0 <= x <= 2, sqrt(f) + sqrt(g) = 2 on it."""
    return {"f": x**2, "g": (x - 2.0) ** 2}


BOTH = {"f": "minimise", "g": "minimise"}


def same(one, other):
    return one.drop(columns="duration").equals(other.drop(columns="duration"))


def test_finds_the_minimum_of_a_parabola():
    found = optimise(parabola, SQUARE, trials=40, seed=1)
    assert found.best["x"] == pytest.approx(1.0, abs=0.1)
    assert found.front["value"].iloc[0] == found.table["value"].min()
    assert np.isnan(found.table["value"]).sum() == 0
    assert len(found.table) == 40


def test_does_better_than_chance():
    """Six parameters: 80 random designs come no closer than the search does after 20 of them."""

    def bowl(**x):
        return sum((value - 1.0) ** 2 for value in x.values())

    space = {f"x{i}": (-4.0, 4.0) for i in range(6)}
    found = optimise(bowl, space, trials=80, startup=20, seed=3)
    chance = np.sum((np.random.default_rng(3).uniform(-4.0, 4.0, (200, 80, 6)) - 1.0) ** 2, axis=2).min(axis=1)
    assert found.table["value"].min() < np.quantile(chance, 0.05)


def test_maximises():
    found = optimise(lambda x: -parabola(x), SQUARE, goals="maximise", trials=40, seed=1)
    assert found.best["x"] == pytest.approx(1.0, abs=0.2)


def test_front_of_schaffers_problem():
    found = optimise(schaffer, SQUARE, goals=BOTH, trials=60, seed=2)
    front = found.front
    assert front["x"].between(-0.2, 2.2).mean() > 0.9
    inside = front[front["x"].between(0.0, 2.0)]
    assert np.allclose(np.sqrt(inside["f"]) + np.sqrt(inside["g"]), 2.0)
    assert len(inside) >= 10
    # Afresh: the front is what no other design dominates.
    points = found.table[["f", "g"]].to_numpy()
    alone = [not any(np.all(q <= p) and np.any(q < p) for q in points) for p in points]
    assert found.table["front"].tolist() == alone
    assert front["f"].is_monotonic_increasing


def test_limits_decide_what_is_feasible_and_are_learnt_from():
    """The minimum of the parabola under x >= 2 lies at 2."""

    def limited(x):
        return {"cost": parabola(x), "size": x}

    found = optimise(limited, SQUARE, goals={"cost": "minimise"}, limits={"size": (2.0, None)}, trials=80, seed=4)
    assert found.best["x"] == pytest.approx(2.0, abs=0.15)
    assert found.best["x"] >= 2.0
    assert (found.table["feasible"] == (found.table["size"] >= 2.0)).all()
    assert found.table["feasible"].iloc[40:].mean() > 0.4  # a quarter by chance


def test_a_design_beyond_a_limit_needs_no_goal():
    def limited(x):
        return {"cost": parabola(x) if x >= 2.0 else None, "size": x}

    limits = {"size": (2.0, None)}
    found = optimise(limited, SQUARE, goals={"cost": "minimise"}, limits=limits, trials=40, seed=4)
    assert found.best["x"] == pytest.approx(2.0, abs=0.3)
    assert found.table["cost"].isna().tolist() == (found.table["size"] < 2.0).tolist()
    assert found.table["cost"].isna().any()
    assert (found.table["status"] == "ok").all()
    # Within the limits it must be there.
    found = optimise(limited, SQUARE, goals={"cost": "minimise"}, limits={"size": (-9.0, None)}, trials=10, seed=4)
    refused = found.table[found.table["x"] < 2.0]
    assert len(refused)
    assert refused["error"].str.contains("None for cost; allowed is a finite number, or None for a design").all()


def test_start_designs_come_first_and_numbers_and_choices_keep_their_kind():
    seen = []

    def objective(n, way, R, rng):
        seen.append((n, way, R))
        return {"value": float(n), "draw": rng.standard_normal()}

    space = {"n": Range(1, 9, whole=True), "way": ["up", "down"], "R": Range("1 kΩ", "100 kΩ", log=True)}
    start = [{"n": 3, "way": "down", "R": "20k"}, {"n": 4, "way": "up", "R": "1 kΩ"}]
    found = optimise(objective, space, start=start, trials=12, seed=5)
    assert seen[:2] == [(3, "down", 20e3), (4, "up", 1e3)]
    assert all(type(n) is int and way in ("up", "down") and 1e3 <= R <= 1e5 for n, way, R in seen)
    assert found.table["draw"].nunique() == 12
    assert type(found.best["n"]) is not float
    decades = np.log10([R for _, _, R in optimise_seen(objective, seen, space)])
    assert 3.2 < decades.mean() < 4.8  # uniform in decades: 4; uniform in ohms: 4.6 with hardly any below 3.5
    assert (decades < 4.0).mean() > 0.25


def optimise_seen(objective, seen, space):
    seen.clear()
    optimise(objective, space, trials=40, startup=40, seed=6)
    return seen


def test_what_is_raised_is_recorded_and_the_search_goes_on():
    def objective(x):
        if x < 0.0:
            raise ValueError("x is below zero")
        return np.nan if x > 3.0 else parabola(x)

    found = optimise(objective, SQUARE, trials=40, startup=30, seed=7)
    table = found.table
    assert set(table.loc[table["x"] < 0.0, "error"]) == {"ValueError: x is below zero"}
    assert table.loc[table["x"] > 3.0, "error"].str.contains("nan for value; allowed is a finite number").all()
    assert (table["feasible"] == table["x"].between(0.0, 3.0)).all()
    assert found.best["x"] >= 0.0


def test_nothing_feasible_is_a_status():
    def objective(x):
        raise ValueError("never")

    found = optimise(objective, SQUARE, trials=3)
    assert found.status.name == "nothing feasible"
    assert found.front.empty
    with pytest.raises(StudyError, match="no best design"):
        _ = found.best


def test_status_tells_whether_the_search_still_improves():
    falling = iter(range(100, 0, -1))
    assert optimise(lambda x: next(falling), SQUARE, trials=8).status.name == "still improving"
    rising = iter(range(100))
    assert optimise(lambda x: next(rising), SQUARE, trials=8).status.name == "searched"


def test_pruning_gives_up_what_is_worse_than_the_median():
    steps = []

    def objective(x, report):
        for step in range(10):
            steps.append(step)
            report(step, parabola(x) + 1.0 / (1 + step))
        return parabola(x)

    found = optimise(objective, SQUARE, trials=30, prune=True, seed=8)
    pruned = found.table[found.table["status"] == "pruned"]
    assert 5 <= len(pruned) <= 25
    assert not pruned["feasible"].any()
    assert len(steps) < 250
    # No design is given up that is better than the median of those before it.
    for number, row in pruned.iterrows():
        before = found.table.loc[: number - 1]
        assert parabola(row["x"]) >= np.median(parabola(before.loc[before["status"] == "ok", "x"])) - 1e-12


def test_interrupted_search_ends_with_the_same_table(tmp_path):
    whole = optimise(schaffer, SQUARE, goals=BOTH, trials=20, seed=9)
    calls = Calls()

    def interrupted(x):
        calls.count += 1
        if calls.count in (4, 5, 17):
            raise KeyboardInterrupt
        return schaffer(x)

    store = tmp_path / "search.db"
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            optimise(interrupted, SQUARE, goals=BOTH, trials=20, seed=9, store=store)
    resumed = optimise(interrupted, SQUARE, goals=BOTH, trials=20, seed=9, store=store)
    assert same(resumed.table, whole.table)
    assert calls.count == 20 + 3


class Calls:
    """A count that is no part of an objective's fingerprint."""

    count = 0


def test_stopping_early_and_asking_for_more_is_the_same_search(tmp_path):
    store = tmp_path / "search.db"
    optimise(parabola, SQUARE, trials=12, seed=10, store=store)
    more = optimise(parabola, SQUARE, trials=18, seed=10, store=store)
    assert same(more.table, optimise(parabola, SQUARE, trials=18, seed=10).table)
    fewer = optimise(parabola, SQUARE, trials=5, seed=10, store=store)
    assert len(fewer.table) == 5


SCRIPT = """
import os, signal, sys
from pathlib import Path
from circuitsnn.study.design import optimise
from circuitsnn.study.plans import Range

def objective(x, rng):
    calls = Path(sys.argv[1]).with_suffix(".calls")
    count = len(calls.read_text()) if calls.exists() else 0
    calls.write_text("." * (count + 1))
    if count in (3, 11):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"f": x**2 + 1e-3 * rng.standard_normal(), "g": (x - 2.0) ** 2}

optimise(objective, {"x": (-4.0, 4.0)}, goals={"f": "minimise", "g": "minimise"}, trials=13, seed=11,
         store=sys.argv[1]).table.drop(columns="duration").to_json(sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_killed_search_resumes(tmp_path):
    script = tmp_path / "search.py"
    script.write_text(textwrap.dedent(SCRIPT))

    def run(store):
        command = [sys.executable, script, tmp_path / store, tmp_path / f"{store}.json"]
        return subprocess.run(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=False)

    assert run("killed.db").returncode == -signal.SIGKILL
    assert run("killed.db").returncode == -signal.SIGKILL
    assert run("killed.db").returncode == 0
    (tmp_path / "whole.calls").write_text("." * 20)
    assert run("whole.db").returncode == 0
    assert (tmp_path / "killed.db.json").read_text() == (tmp_path / "whole.db.json").read_text()
    assert len((tmp_path / "killed.calls").read_text()) == 13 + 2


def test_store_of_another_search_is_refused(tmp_path):
    store = tmp_path / "search.db"
    optimise(parabola, SQUARE, trials=2, store=store)

    def refused(match, objective=parabola, space=SQUARE, **settings):
        before = store.read_bytes()
        with pytest.raises(InputError, match=match):
            optimise(objective, space, trials=4, store=store, **settings)
        assert store.read_bytes() == before

    refused("another seed", seed=1)
    refused("another space", space={"x": (-4.0, 5.0)})
    refused("another objective", objective=lambda x: x)
    refused("another goals", goals={"value": "maximise"})
    refused("another startup", startup=3)


def test_store_in_use_or_unusable_is_refused(tmp_path):
    store = tmp_path / "search.db"
    optimise(parabola, SQUARE, trials=2, store=store)

    other = sqlite3.connect(tmp_path / "search.db.lock", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(InputError, match="another process is searching with it"):
        optimise(parabola, SQUARE, trials=4, store=store)
    other.close()
    assert len(optimise(parabola, SQUARE, trials=4, store=store).table) == 4
    with pytest.raises(InputError, match="there is no folder"):
        optimise(parabola, SQUARE, trials=1, store=tmp_path / "no" / "search.db")
    text = tmp_path / "text.db"
    text.write_text("not a database " * 100)
    with pytest.raises(InputError, match="cannot be opened as the store"):
        optimise(parabola, SQUARE, trials=1, store=text)
    assert text.read_text().startswith("not a database")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"space": {}}, "space must name"),
        ({"space": {"x": (2.0, 1.0)}}, "lower one first"),
        ({"space": {"x": Range(0.0, 1.0, log=True)}}, "allowed are numbers > 0"),
        ({"space": {"x": []}}, "a pair"),
        ({"space": {"x": 3.0}}, "a pair"),
        ({"space": {"y": (0.0, 1.0)}}, "no parameter 'y'"),
        ({"space": {"x": (0.0, 1.0), "status": [1]}}, "cannot be a design parameter's name"),
        ({"goals": "smallest"}, "allowed: minimise, maximise"),
        ({"goals": {}}, "must name at least one aim"),
        ({"limits": {"a": 3.0}}, "allowed is \\(low, high\\)"),
        ({"limits": {"a": (3.0, 1.0)}}, "low must not be above high"),
        ({"trials": 0}, "trials is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"startup": True}, "startup is True"),
        ({"start": [{"x": 9.0}]}, "the space allows -4 to 4"),
        ({"start": [{"y": 9.0}]}, "exactly x"),
        ({"goals": BOTH, "prune": True}, "one goal"),
        ({"objective": 3}, "allowed is a function"),
    ],
)
def test_wrong_arguments_are_refused(change, match):
    arguments = {"objective": parabola, "space": SQUARE} | change
    with pytest.raises(InputError, match=match):
        optimise(arguments.pop("objective"), arguments.pop("space"), **arguments)


def test_pictures(tmp_path):
    one = optimise(parabola, SQUARE, trials=12, seed=1, units={"value": "J"})
    (axes,) = one.figure().axes
    best = axes.lines[1].get_ydata()
    assert np.array_equal(best, np.minimum.accumulate(one.table["value"]))
    assert axes.get_ylabel() == "value [J]"
    (axes,) = optimise(schaffer, SQUARE, goals=BOTH, trials=12, seed=1).figure("g", "f").axes
    assert axes.get_xlabel() == "g [-]"
    assert np.all(np.diff(axes.lines[1].get_ydata()) <= 0.0)
    with pytest.raises(InputError, match="no aim 'h'"):
        optimise(schaffer, SQUARE, goals=BOTH, trials=2).figure("h")


def test_the_guides_example(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "design_search.md").read_text(encoding="utf-8")
    names = {"__name__": "guide"}
    monkeypatch.chdir(tmp_path)
    exec(text.split("```python\n")[1].split("```")[0], names)
    found = names["found"]
    # Table 1: 21.6 us, asymmetry 59; the rate is as 1/C_P, so the best has the smallest capacitor.
    assert found.table["rate"].iloc[0] == pytest.approx(1 / 21.577e-6, rel=1e-3)
    assert found.table["asymmetry"].iloc[0] == pytest.approx(59.4, rel=0.01)
    assert found.best["C_P"] < 100e-12
    assert found.table.attrs["units"]["R_S"] == "Ω"
    assert (found.front["asymmetry"] >= 20.0).all()
