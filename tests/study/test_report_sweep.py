import base64
import io
import os
import shutil
import sqlite3
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from report_runs import EVIL, Page, attacked_sweep
from scipy.stats import t

from circuitsnn.errors import InputError
from circuitsnn.study.plans import grid, latin_hypercube, zipped
from circuitsnn.study.report import is_sweep, read_sweep, render_report, write_report
from circuitsnn.study.report.levels import MOST_LEVELS, by_level, estimate, is_random, levels_of
from circuitsnn.study.sweep import sweep
from circuitsnn.study.yields import wilson

NAME = "<img src=x onerror=alert(1)>.db"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / NAME
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["sweeps.py", "--chips", "5"])
        attacked_sweep(path)
    return path


@pytest.fixture(scope="module")
def found(file):
    return read_sweep(file)


@pytest.fixture(scope="module")
def page(found):
    return Page(render_report(found))


def rows(page, start):
    return [text for text in page.texts("tr") if text.startswith(start)]


def told(page):
    return dict(zip(page.texts("dt"), page.texts("dd"), strict=True))


def test_trials_are_counted_by_what_became_of_them(page):
    for start in ("ok the function answered6050 %", "not a number it answered, with a NaN among its numbers3025 %",
                  "raised it raised an error3025 %"):  # fmt: skip
        assert len(rows(page, start)) == 1
    assert "✗ 60 of 120 trials ok" in page.texts("span")
    assert rows(page, "NaN: period") == ["NaN: period30R_S = 10 kΩ, cell = silent, chip 0"]
    assert rows(page, "ValueError") == [
        f"ValueError: no {EVIL} for {R_S}10R_S = {int(R_S) // 1000} kΩ, cell = dead, chip 0"
        for R_S in ("10000", "20000", "30000")
    ]


def test_texts_of_parameters_errors_functions_and_file_names_stay_texts(page, file):
    assert not page.all("script")
    assert [element for element in page.all("img") if not element["src"].startswith("data:")] == []
    assert not [name for element in page.elements for name in element if name.startswith("on")]
    assert page.texts("h1") == [f"report_runs.{EVIL}"]
    assert NAME in told(page)["File"]
    assert any(EVIL in cell for cell in page.texts("td"))
    [call] = page.texts("pre")
    assert call.endswith(f"trials=10, seed=5, store={str(file)!r})")


def test_the_page_needs_nothing_else(page):
    addresses = [element[name] for element in page.elements for name in ("src", "href") if name in element]
    assert not [address for address in addresses if not address.startswith(("data:", "#"))]
    [policy] = [element["content"] for element in page.all("meta") if "http-equiv" in element]
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_the_plan_names_values_with_units_and_how_often(page):
    assert rows(page, "R_S3") == ["R_S310 kΩ, 20 kΩ, 30 kΩ"]
    assert rows(page, "cell4") == [f"cell4{EVIL}, $\\frac, silent, dead"]
    assert "Parameters of the trials that are there: 12 rows of values, 10 chips each." in page.texts("caption")


def test_means_and_yields_stand_by_parameter_with_their_intervals(page, found):
    own = found.trials[found.trials["R_S"] == 20e3]
    values = own["period"].dropna().to_numpy()
    assert len(values) == 20
    reach = t.ppf(0.975, 19) * values.std(ddof=1) / np.sqrt(20)
    good = int((own["good"].fillna(False) & (own["status"] == "ok")).sum())
    low, high = (100 * end for end in wilson(good, 40))
    mean, ends = 1e6 * values.mean(), 1e6 * (values.mean() + np.array([-reach, reach]))
    period = f"{mean:.4g} ({ends[0]:.3g} to {ends[1]:.3g})"
    assert rows(page, "20 kΩ") == [f"20 kΩ4020{period}{100 * good / 40:.4g} ({low:.3g} to {high:.3g})"]
    heads = [text for text in page.texts("th") if text.startswith(("period", "good"))]
    assert {"period [µs]", "good [%]"} <= set(heads)


def test_every_answer_is_drawn_against_every_parameter(page):
    pictures = {picture["alt"].split(":")[0]: picture["alt"] for picture in page.all("img")}
    assert set(pictures) == {"period", "good"}
    assert "period [s] against R_S [Ω]; cell: " in pictures["period"]
    assert "period [s] against cell; R_S: 10 kΩ, 20 kΩ, 30 kΩ." in pictures["period"]
    assert "good [%] against cell" in pictures["good"]
    assert page.texts("h2")[:4] == ["Trials", "Answers", "Figures", "Yield"]
    assert rows(page, "words") == [f"words90{EVIL} (90)"]


def test_all_trials_can_be_had_with_all_digits(page, found):
    downloads = {a["download"]: a["href"] for a in page.all("a") if "download" in a}
    text = base64.b64decode(unquote(downloads["all trials.csv"].split(",")[1]))
    whole = pd.read_csv(io.BytesIO(text), index_col="trial")
    assert whole["seed"].tolist() == found.trials["seed"].tolist()
    np.testing.assert_array_equal(whole["period"], found.trials["period"])
    # On the page, too: a seed has no digits to spare.
    assert str(found.trials["seed"].iloc[0]) in page.texts("td")


def test_provenance_is_that_of_the_store(page, found):
    assert told(page)["Command"] == found.about.made_with.command == "sweeps.py --chips 5"
    assert told(page)["Seed"] == "5"
    assert f"numpy {np.__version__}" in told(page)["Versions"]
    assert found.about.source[:12] in told(page)["Function"]


def test_a_parquet_file_gives_the_same_without_a_store_to_go_on_from(file, found, tmp_path):
    path = tmp_path / "table.parquet"
    attacked_sweep(None).to_parquet(path)
    table = read_sweep(path)
    compared = [one.trials.drop(columns=["duration"]) for one in (found, table)]
    pd.testing.assert_frame_equal(*compared, check_dtype=False)
    assert (table.is_store, found.is_store) == (False, True)
    [call] = Page(render_report(table)).texts("pre")
    assert call.endswith("trials=10, seed=5)")


def test_a_sweep_that_is_not_finished_says_how_far_it_is(tmp_path):
    path = tmp_path / "s.db"
    sweep(lambda x: x, {"x": [1.0, 2.0, 3.0, 4.0]}, store=path)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM trials WHERE number > 1")
    shown = Page(render_report(read_sweep(path)))
    assert "2 of 4 planned trials are there" in shown.texts("span")
    assert "✗ 2 of 2 trials ok" in shown.texts("span")


def test_drawn_parameters_are_put_into_bins_of_equally_many(tmp_path):
    plan = latin_hypercube({"x": (0.0, 1.0)}, 240, seed=3)
    sweep(lambda x: {"y": 2.0 * x}, plan, store=tmp_path / "s.db")
    found = read_sweep(tmp_path / "s.db")
    levels = levels_of(found, "x")
    assert levels.binned
    assert [len(own) for own in levels.rows] == [20] * 12
    # A Latin hypercube has one value in each 240th: bins of twenty are twelfths.
    table = by_level(found, levels, ["y"], interval=True)
    assert table["y"].to_numpy() == pytest.approx(2.0 * (np.arange(12) + 0.5) / 12, abs=2.0 / 240)
    assert is_random(found)


def test_without_chance_there_are_no_intervals(tmp_path):
    sweep(lambda a, b: a + b, grid({"a": [1.0, 2.0], "b": [1.0, 2.0]}), store=tmp_path / "s.db")
    found = read_sweep(tmp_path / "s.db")
    assert not is_random(found)
    shown = Page(render_report(found))
    assert rows(shown, "122")[0] == "1222.5"  # value, trials, ok, mean
    assert not [text for text in shown.texts("p") if "Error bars" in text]


def test_reads_of_a_chip_count_once():
    frame = sweep(lambda chip_rng: {"x": chip_rng.standard_normal()}, grid({}), trials=5, reads=4, seed=1)
    chips = frame["x"].to_numpy()[::4]
    assert np.ptp(frame["x"].to_numpy().reshape(5, 4), axis=1).max() == 0.0
    found = estimate(frame, "x", interval=True)
    assert found.high - found.low == pytest.approx(2 * t.ppf(0.975, 4) * chips.std(ddof=1) / np.sqrt(5))


def test_one_row_of_values_shows_distributions(tmp_path):
    sweep(lambda rng: {"x": rng.standard_normal(), "good": True}, grid({}), trials=30, store=tmp_path / "s.db")
    shown = Page(render_report(read_sweep(tmp_path / "s.db")))
    assert [picture["alt"] for picture in shown.all("img")] == ["Distribution of x: Trials against x; mean."]
    assert rows(shown, "good30") == ["good30good: 100 % (95 %: 88.65 % to 100 %)"]
    assert "The plan has no parameters." in shown.texts("p")


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([None, 2.0, 1.0], ("1", "2")),
        ([True, False], ("yes", "no")),
        (["a", None], ("a", "none")),
        ([3, 1, 2], ("1", "2", "3")),
        (["🙂", "字"], ("🙂", "字")),
        (["a", 1.5, True], ("a", "1.5", "yes")),
    ],
)
def test_any_parameter_and_answer_can_be_shown(tmp_path, values, labels):
    sweep(lambda x: {"y": 1.0, "z": None, "inf": float("inf")}, zipped({"x": values}), store=tmp_path / "s.db")
    found = read_sweep(tmp_path / "s.db")
    shown = Page(render_report(found))
    assert levels_of(found, "x").labels == labels
    assert f"✓ {len(values)} of {len(values)} trials ok" in shown.texts("span")


def test_many_texts_are_cut(tmp_path):
    sweep(lambda x: 1.0, {"x": [f"case {k}" for k in range(MOST_LEVELS + 5)]}, store=tmp_path / "s.db")
    levels = levels_of(read_sweep(tmp_path / "s.db"), "x")
    assert len(levels.labels) == MOST_LEVELS
    assert levels.labels[0] == "case 0"


def test_answers_may_be_called_as_the_table_calls_its_counts(tmp_path):
    plan = {"x": [1.0, 2.0]}
    sweep(lambda x: {"ok": 10 * x, "trials": 20 * x, "y": x, "y_low": 30 * x}, plan, store=tmp_path / "s.db")
    assert rows(Page(render_report(read_sweep(tmp_path / "s.db"))), "211") == ["2112040260"]


def test_a_parameter_may_be_called_trial(tmp_path):
    for name, function in (("p", lambda trial: {"y": trial}), ("a", lambda x: {"trial": x})):
        plan = {"trial" if name == "p" else "x": [1.0, 2.0]}
        sweep(function, plan, store=tmp_path / name)
        heads = Page(render_report(read_sweep(tmp_path / name))).texts("th")
        assert {"trial", "trial number"} <= set(heads)


@pytest.mark.parametrize("change", [lambda frame: frame.reset_index(), lambda frame: frame.sort_values("x")])
def test_a_table_that_was_rearranged_keeps_the_numbers_of_its_trials(tmp_path, change):
    frame = sweep(lambda x, rng: {"y": rng.random()}, {"x": [2.0, 1.0]}, trials=3, reads=2)
    change(frame).to_parquet(tmp_path / "t.parquet")
    back = read_sweep(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(back.trials.sort_index(), frame)
    assert estimate(back.trials, "y", interval=True) == estimate(frame, "y", interval=True)


def test_two_tables_put_together_are_told_by_their_rows(tmp_path):
    frame = sweep(lambda x: x, {"x": [1.0, 2.0]})
    both = pd.concat([frame, frame])
    both.attrs = frame.attrs
    both.to_parquet(tmp_path / "t.parquet")
    assert read_sweep(tmp_path / "t.parquet").trials.index.tolist() == [0, 1, 2, 3]


def test_a_store_of_an_older_version_says_less(tmp_path):
    path = tmp_path / "s.db"
    sweep(lambda x: x, {"x": [1.0, 2.0]}, store=path)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM about WHERE name IN ('rows', 'made_with')")
    found = read_sweep(path)
    assert (found.planned, found.about.made_with) == (None, None)
    assert "Command" not in told(Page(render_report(found)))


def other(path):
    pd.DataFrame({"x": [1.0]}).to_parquet(path)


def studys_own(path):
    from circuitsnn.study.store import Store

    about = {"version": "0", "function": "f", "seed": 0, "parameters": [], "units": {}, "trials": 1, "reads": 1}
    Store(path, about, {}).close()


def no_trials(path):
    sweep(lambda x: x, {"x": [1.0]}, store=path)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM trials")


def no_status(path):
    sweep(lambda x: x, {"x": [1.0]}).drop(columns="status").to_parquet(path)


def bad_about(path):
    frame = sweep(lambda x: x, {"x": [1.0]})
    frame.attrs["sweep"]["rows"] = "many"
    frame.to_parquet(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("a,b"), "is no file of a sweep"),
        (lambda path: path.write_bytes(b"PAR1 and so on"), "is damaged"),
        (lambda path: path.write_bytes(b"SQLite format 3\0 and so on"), "damaged or no store"),
        (other, "names no parameters"),
        (studys_own, "unfinished work of a study"),
        (no_trials, "holds no trials yet"),
        (no_status, "has no column 'status'"),
        (bad_about, "is damaged: rows"),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE t (a)"), "no store of circuitsnn"),
    ],
)
def test_what_is_no_sweep_is_refused_and_nothing_is_written(tmp_path, make, message):
    make(tmp_path / "file")
    before = set(os.listdir(tmp_path))
    with pytest.raises(InputError, match=message):
        write_report(read_sweep(tmp_path / "file"), tmp_path / "page.html")
    assert set(os.listdir(tmp_path)) == before


def test_a_run_and_a_sweep_are_told_by_folder_and_file(file, tmp_path):
    assert is_sweep(file)
    assert not is_sweep(tmp_path)
    assert not is_sweep(tmp_path / "nowhere")


def test_reading_leaves_a_store_as_it_is(file, tmp_path):
    copy = shutil.copy(file, tmp_path / "copy.db")
    content = copy.read_bytes()
    read_sweep(copy)
    assert copy.read_bytes() == content
    assert os.listdir(tmp_path) == ["copy.db"]
