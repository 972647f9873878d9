import json
import shutil

import pytest
from report_runs import attack, attacked_sweep

from circuitsnn.cli import main
from circuitsnn.study import list_studies, load_study


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return attack(tmp_path_factory.mktemp("cli"), quick=True).folder


@pytest.fixture
def command(capsys):
    """Run a command line; give its exit status, standard output and standard error."""

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        return left.value.code, *capsys.readouterr()

    return call


@pytest.mark.parametrize("name", ["report", "compare", "studies"])
def test_help_shows_an_example(command, name):
    status, out, _ = command(name, "--help")
    assert status == 0
    assert f"Example: circuitsnn {name}" in out


def test_the_page_lies_beside_the_run_so_that_the_run_can_be_done_again(command, run):
    before = sorted(path.name for path in run.iterdir())
    status, out, _ = command("report", run)
    page = run.with_name("run.html")
    assert (status, out) == (0, f"report: {page}\n")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in run.iterdir()) == before


@pytest.mark.parametrize(("inside", "given", "page"), [("", "run", "run.html"), ("run", ".", "../run.html")])
def test_the_page_is_named_as_seen_from_here(command, run, tmp_path, monkeypatch, inside, given, page):
    shutil.copytree(run, tmp_path / "run")
    monkeypatch.chdir(tmp_path / inside)
    assert command("report", given)[:2] == (0, f"report: {page}\n")
    assert (tmp_path / "run.html").is_file()


def test_the_page_can_be_put_elsewhere_and_opened(command, run, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    page = tmp_path / "new" / "page.html"
    assert command("report", run, "--out", page, "--open")[:2] == (0, f"report: {page}\n")
    assert opened == [page.as_uri()]


def test_without_a_browser_the_page_is_written_all_the_same(command, run, tmp_path, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    status, out, _ = command("report", run, "--out", tmp_path / "page.html", "--open")
    assert (status, out.splitlines()[1:]) == (0, ["no browser was found; open the page by hand"])
    assert (tmp_path / "page.html").is_file()


@pytest.mark.parametrize(
    ("name", "out", "message"),
    [
        ("nowhere", "page.html", "nowhere is no folder; allowed is a folder that `circuitsnn run` wrote"),
        ("empty", "page.html", "empty holds no run"),
        ("run", "page.pdf", "page.pdf; allowed is a file that ends in .html"),
        ("run", "file/page.html", "cannot write"),
        ("half", "new/page.html", "recall.svg is damaged"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_leaves_nothing(command, run, tmp_path, name, out, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    shutil.copytree(run, tmp_path / "run")
    shutil.copytree(run, tmp_path / "half")
    (tmp_path / "half" / "recall.svg").write_text("<svg")
    before = set(tmp_path.rglob("*"))
    status, said, error = command("report", tmp_path / name, "--out", tmp_path / out)
    assert (status, said) == (2, "")
    assert message in error
    assert error.count("\n") == 1
    assert set(tmp_path.rglob("*")) == before


def test_comparing_leaves_with_0_for_the_same_and_1_for_another(command, run, tmp_path):
    status, out, _ = command("compare", run, run)
    assert (status, out) == (0, "same question, same answers (within 1e-06)\n")
    other = attack(tmp_path, quick=True, settings={"note": "x"}).folder
    status, out, _ = command("compare", run, other)
    assert status == 1
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["what", "name", str(run), str(other), "moved by"]
    assert [line[:2] for line in lines[1:]] == [["parameter", "note"], ["claim", "Answer"]]
    status, out, _ = command("compare", run, other, "--json")
    told = json.loads(out)
    assert (status, told["same"], told["tolerance"]) == (1, False, 1e-6)
    assert [change["kind"] for change in told["changes"]] == ["parameter", "claim"]
    assert command("compare", run, tmp_path)[0] == 2


def test_a_sweeps_file_gets_a_page_and_is_compared_too(command, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attacked_sweep(tmp_path / "a.db")
    attacked_sweep(tmp_path / "b.db", seed=6)
    attacked_sweep(None).to_parquet(tmp_path / "a.parquet")
    for name in ("a.db", "a.parquet"):
        assert command("report", name)[:2] == (0, f"report: {name}.html\n")
        assert (tmp_path / f"{name}.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert command("compare", "a.db", "a.db")[0] == 0
    status, out, _ = command("compare", "a.db", "b.db")
    assert status == 1
    assert ["sweep", "seed", "5", "6", ""] in [line.split("\t") for line in out.splitlines()]
    status, _, error = command("compare", "a.db", run)
    assert status == 2
    assert "are a run and a sweep; allowed are two runs of one study, or two sweeps" in error
    status, _, error = command("compare", "a.db", "nowhere.db")
    assert status == 2
    assert "nowhere.db is no folder; allowed is a folder that `circuitsnn run` wrote, or a sweep's file" in error
    (tmp_path / "c.db").write_text("no database")
    status, _, error = command("report", "c.db")
    assert (status, error.count("\n")) == (2, 1)
    assert "c.db is no file of a sweep" in error


def test_studies_are_listed_with_their_times_and_data(command):
    status, out, _ = command("studies")
    assert status == 0
    head, *rows = [line.split("\t") for line in out.splitlines() if "\t" in line]
    assert head == ["study", "title", "quick", "full", "data", "source"]
    assert [row[0] for row in rows] == list_studies()
    told = {row[0]: row for row in rows}
    assert told["associative_memory"][2:] == ["15 s", "4 min 40 s", "none", "10.3389/fnins.2021.694549"]
    assert told["spiking_digits"][4] == "digits"
    [listed] = [one for one in json.loads(command("studies", "--json")[1]) if one["name"] == "associative_memory"]
    assert (listed["quick_duration"], listed["full_duration"], listed["data"]) == (15.0, 280.0, [])


@pytest.mark.parametrize("name", list_studies())
def test_every_study_says_in_one_line_what_it_is(name):
    study = load_study(name)
    assert study.title
    assert "\n" not in study.title
    assert study.quick_duration is None or study.full_duration is None or study.quick_duration <= study.full_duration
