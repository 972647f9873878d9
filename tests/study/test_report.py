import base64
import hashlib
import html
import io
import json
import shlex
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from report_runs import EVIL, Page, attack

from circuitsnn.cli import main
from circuitsnn.errors import InputError
from circuitsnn.study.pictures import RankingPicture
from circuitsnn.study.report import compare_runs, explore, read_run, render_report, write_report
from circuitsnn.study.report.cells import columns_of, show_duration, show_spread, show_value


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    result = attack(tmp_path_factory.mktemp("report"), settings={"delay": "2u", "card.R_S": "15k"}, seed=3)
    return read_run(result.folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return attack(tmp_path_factory.mktemp("quick"), quick=True).folder


@pytest.fixture
def folder(whole, tmp_path):
    """A run that a test may spoil."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


@pytest.fixture(scope="module")
def page(run):
    return Page(render_report(run))


def test_claims_are_shown_with_both_sides_and_the_verdict(page):
    rows = [row for row in page.texts("tr") if row.startswith(("Period", "Yield", "Answer"))]
    assert rows == [
        f"Perioda remark with {EVIL} 21.6 µs 21.5 µs within 1 % of 21.6 µs ✓ yes",
        "Yield <of> the chips – 80 % at least 99 % ✗ no",  # noqa: RUF001
        f"Answer x {EVIL} equal to x ✗ no",
    ]
    assert "✗ 1 of 3 claims hold" in page.texts("span")


def test_parameters_are_shown_with_unit_and_meaning(page):
    assert "delay2 µs set How long it waits".replace(" ", "") in "".join(page.texts("tr")).replace(" ", "")
    assert f"note{EVIL}A note with <i>markup</i>" in page.texts("tr")


def test_texts_stay_texts(page):
    assert not page.all("script")
    assert not page.all("b") or all(text.startswith("Figure") for text in page.texts("b"))
    assert page.texts("h1") == ['A title with <b>markup</b> & "quotes"']
    assert not [name for element in page.elements for name in element if name.startswith("on")]
    cells = page.texts("td")
    assert cells.count(EVIL) > 60
    assert {"a<b", "c&d"} <= set(cells)


def test_the_page_needs_nothing_else(page):
    addresses = [element[name] for element in page.elements for name in ("src", "href") if name in element]
    away = [address for address in addresses if not address.startswith(("data:", "#"))]
    assert away == ["https://doi.org/10.1000/attack"]
    [style] = page.all("style")
    assert "url(" not in style["text"]
    assert "@import" not in style["text"]
    [policy] = [element["content"] for element in page.all("meta") if "http-equiv" in element]
    digest = base64.b64encode(hashlib.sha256(style["text"].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"style-src 'sha256-{digest}'" in policy


def test_figures_are_the_runs_own_files_as_pictures_with_their_meaning_in_words(page, run):
    pictures = page.all("img")
    assert [picture["src"] for picture in pictures] == [
        "data:image/svg+xml;base64," + base64.b64encode((run.folder / f"{name}.svg").read_bytes()).decode()
        for name in ("map", "recall", "sensitivity_of_chips", "yield_by_sigma")
    ]
    assert pictures[0]["alt"] == "Map"
    assert pictures[1]["alt"] == f"Recall: {EVIL}: Energy of {EVIL} [J] against Chip; {EVIL}."
    assert page.texts("h2")[1:4] == ["Figures", "Sensitivity", "Yield"]


def test_a_figure_without_svg_is_shown_as_png(folder):
    spoil(folder, "provenance.json", lambda provenance: provenance["files"].remove("recall.svg"))
    shown = Page(render_report(read_run(folder))).all("img")
    assert shown[1]["src"].startswith("data:image/png;base64,")
    assert shown[1]["alt"] == "Recall"


def test_a_long_table_is_cut_with_a_note_and_can_be_had_whole(page, run):
    captions = page.texts("caption")
    assert "The first 12 of 400 rows" in captions
    assert "Rows 13 to 200 of 400" in captions
    assert "The next 188 rows" in page.texts("summary")
    downloads = {a["download"]: a["href"] for a in page.all("a") if "download" in a}
    head, text = downloads["results.csv"].split(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    whole = pd.read_csv(io.BytesIO(base64.b64decode(unquote(text))))
    pd.testing.assert_frame_equal(whole, pd.read_parquet(run.folder / "results.parquet"), rtol=1e-15, check_dtype=False)


def test_a_table_that_is_too_large_to_carry_is_named(run, monkeypatch):
    monkeypatch.setattr("circuitsnn.study.report.layout._LARGEST_DOWNLOAD", 1000)
    shown = Page(render_report(run))
    assert [a["download"] for a in shown.all("a") if "download" in a] == ["few.csv"]
    assert any("Too large for this page: In full precision: results.parquet" in text for text in shown.texts("p"))


def test_tables_that_say_how_are_drawn_in_their_sections(folder):
    ranking = pd.DataFrame({"parameter": ["V_H", EVIL], "s": [2.0, 1.0], "s_low": [1.9, 0.5], "s_high": [2.2, 1.5]})
    RankingPicture({"s": "alone"}, "Share").mark(ranking).to_parquet(folder / "few.parquet")
    sections = {}
    for element in Page(render_report(read_run(folder))).elements:
        if element["tag"] == "h2":
            heading = element["text"]
        elif element["tag"] == "img":
            sections.setdefault(heading, []).append(element["alt"])
    assert [alt.split(":")[0] for alt in sections["Sensitivity"]] == [
        "Sensitivity of chips",
        "Sensitivity by the table few",
    ]
    assert sections["Sensitivity"][1].endswith("Share [-]; alone.")
    ranking.attrs["picture"]["bars"] = {"nothing": "x"}
    ranking.to_parquet(folder / "few.parquet")
    with pytest.raises(
        InputError, match=r"few\.parquet cannot be drawn: attrs\['picture'\] names the column 'nothing'"
    ):
        render_report(read_run(folder))
    ranking.attrs["picture"]["bars"] = {"s": r"$\frac"}  # a formula that is none
    ranking.to_parquet(folder / "few.parquet")
    assert r"Share [-]; $\frac." in render_report(read_run(folder))
    ranking.assign(s="much").to_parquet(folder / "few.parquet")
    with pytest.raises(InputError, match=r"few\.parquet cannot be drawn: could not convert"):
        render_report(read_run(folder))


def test_provenance_names_what_the_numbers_rest_on(page, run):
    told = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert f"numpy {np.__version__}" in told["Versions"]
    assert told["Seed"] == "3"
    assert told["Set"] == "delay=2ucard.R_S=15k"
    assert any(row.startswith("R_S15 kΩ") for row in page.texts("tr"))
    assert page.texts("pre") == [run.command]


def test_the_command_on_the_page_gives_the_same_again(run, tmp_path, capsys):
    words = shlex.split(run.command)
    assert words[0] == "circuitsnn"
    with pytest.raises(SystemExit) as left:
        main([*words[1:], "--jobs", "1", "--out", str(tmp_path / "again")])
    assert left.value.code == 1  # two claims do not hold
    again = read_run(tmp_path / "again")
    assert compare_runs(run, again, tolerance=0.0).changes == ()
    capsys.readouterr()


def test_a_card_shows_its_parts(folder):
    def add_part(provenance):
        card = provenance["cards"]["vo2_delacour2021"]
        card["parts"] = {"cell": {**card, "name": "a_cell", "parts": {}}}

    spoil(folder, "provenance.json", add_part)
    shown = Page(render_report(read_run(folder)))
    assert any(text.startswith("vo2_delacour2021 / cell is a_cell") for text in shown.texts("summary"))


def spoil(folder, name, change):
    path = folder / name
    given = json.loads(path.read_text())
    change(given)
    path.write_text(json.dumps(given))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "provenance.json").unlink(), "holds no run, for it has no provenance.json"),
        (lambda f: (f / "provenance.json").write_text("[1]"), "holds no JSON object"),
        (lambda f: (f / "provenance.json").write_text('{"made_by": "circ'), "damaged: no JSON"),
        (lambda f: (f / "provenance.json").write_bytes(b"\xff\xfe\x00"), "damaged: no JSON"),
        (lambda f: spoil(f, "provenance.json", lambda p: p.update(made_by="other")), "was not written by circuitsnn"),
        (lambda f: spoil(f, "provenance.json", lambda p: p.pop("seed")), "damaged: seed: Field required"),
        (lambda f: spoil(f, "provenance.json", lambda p: p["files"].append("../x.svg")), "no file of the folder"),
        (lambda f: spoil(f, "provenance.json", lambda p: p["files"].remove("summary.json")), "lacks summary.json"),
        (lambda f: (f / "results.parquet").unlink(), "incomplete: results.parquet is missing"),
        (lambda f: (f / "results.parquet").write_bytes(b"PAR1 and so on"), "results.parquet is damaged"),
        (lambda f: (f / "recall.svg").write_text("<svg><g>"), "recall.svg is damaged: no SVG picture"),
        (lambda f: (f / "recall.svg").write_text("<html></html>"), "recall.svg is damaged: it is no SVG picture"),
        (lambda f: spoil(f, "summary.json", lambda s: s["claims"][0].pop("ours")), r"damaged: claims\.0\.ours"),
        (lambda f: spoil(f, "summary.json", lambda s: s.update(parameters=[])), "damaged: parameters"),
    ],
)
def test_a_damaged_foreign_or_half_run_is_refused_and_nothing_is_written(folder, tmp_path, damage, message):
    damage(folder)
    before = set(tmp_path.iterdir())
    with pytest.raises(InputError, match=message):
        write_report(read_run(folder), tmp_path / "page.html")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["nowhere", "attack.py", "empty"])
def test_what_is_no_run_is_refused(tmp_path, name):
    (tmp_path / "attack.py").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="allowed is a folder that `circuitsnn run` wrote"):
        read_run(tmp_path / name)


def test_a_picture_that_is_no_picture_is_refused(run, tmp_path):
    for name, content in (("recall.png", b"no picture"), ("recall.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")):
        (tmp_path / name).write_bytes(content)
    broken = type(run)(run.folder, run.summary, run.provenance, {"recall": tmp_path / "recall.png"}, run.tables)
    with pytest.raises(InputError, match="it is no PNG picture"):
        broken.figure("recall")
    plain = type(run)(run.folder, run.summary, run.provenance, {"recall": tmp_path / "recall.svg"}, run.tables)
    assert (plain.figure("recall").description, plain.figure("recall").width) == ("", None)


def test_a_column_has_one_prefix_and_four_digits():
    frame = pd.DataFrame(
        {
            "energy": [1.28036e-6, -2.1e-9, np.nan],
            "count": [7140, 0, 1_000_000],
            "share": [0.123456, 1.0, np.inf],
            "angle": [90.0, 0.5, 1e-7],
            "good": [True, False, True],
            "text": ["a", None, "c"],
        }
    )
    frame.attrs["units"] = {"energy": "J", "angle": "degree"}
    shown = {column.name: (column.unit, column.numeric, column.cells) for column in columns_of(frame)}
    dash, minus = "\N{EN DASH}", "\N{MINUS SIGN}"
    assert shown == {
        "energy": ("nJ", True, ("1280", f"{minus}2.1", dash)),
        "count": ("", True, ("7140", "0", "1000000")),
        "share": ("", True, ("0.1235", "1", "∞")),
        "angle": ("°", True, ("90", "0.5", f"1e{minus}07")),
        "good": ("", False, ("yes", "no", "yes")),
        "text": ("", False, ("a", dash, "c")),
    }


def test_values_of_parameters_are_shown_in_full():
    assert show_value(1.23456789e-6, "s") == "1.23456789 µs"
    assert show_value([15e3, 20e3], "Ω") == "15 kΩ, 20 kΩ"
    assert show_value([4, 6], "bit") == "4 bit, 6 bit"
    assert show_value(True, "1") == "yes"
    assert show_value("", "1") == "none"
    assert show_value(600, "1") == "600"


def test_spreads_and_durations_are_shown_in_words():
    tie = {"name": "V_L", "coefficient": 0.5}
    assert show_spread(None, "V") == "none"
    assert show_spread({"relative_sigma": 0.05, "distribution": "lognormal"}, "Ω") == "5 %, lognormal"
    assert show_spread({"sigma": 0.01, "correlated_with": tie}, "V") == "10 mV, normal, correlation 0.5 with V_L"
    assert [show_duration(s) for s in (0.0423, 9.0, 59.4, 280.0, 120.0, 7500.0)] == [
        "0.042 s", "9 s", "59 s", "4 min 40 s", "2 min", "2 h 5 min"
    ]  # fmt: skip


def test_charts_hold_the_numbers_and_end_no_script(run):
    [chart] = explore.charts_of("results", run.table("results"))
    assert "<" not in chart.script
    assert not explore.charts_of("small", pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))
    start = chart.script.index(", ") + 2
    traces, end = json.JSONDecoder().raw_decode(chart.script, start)
    assert [html.unescape(trace["name"]) for trace in traces] == ["a<b", EVIL, "c&d"]
    assert all("<" not in trace["name"] for trace in traces)
    assert sum(len(trace["x"]) for trace in traces) == 400
    assert chart.script[end:].startswith(", {")


def test_charts_without_plotly_say_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setattr(explore, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'circuitsnn\[report\]'"):
        write_report(run, tmp_path / "page.html", interactive=True)
    assert not list(tmp_path.iterdir())
