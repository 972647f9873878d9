import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.study import StudyError, load_study, run_study

FILES = {"summary.json", "results.parquet", "rolls.svg", "rolls.png", "provenance.json"}


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_run_writes_its_folder_and_tells_what_it_found(dice, tmp_path):
    steps = []
    result = run_study(dice, quick=True, seed=3, out=tmp_path / "run", progress=lambda *step: steps.append(step))
    assert result.holds
    assert names(result.folder) == FILES
    assert names(tmp_path) == {"run", "studies"}
    assert pd.read_parquet(result.folder / "results.parquet").equals(result.tables["results"])
    assert result.figures[0].read_bytes().startswith(b"\x89PNG")
    assert steps == [(done / 4, f"rolling: {done} of 4") for done in range(5)]

    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["holds"] is True
    assert summary["parameters"]["rolls"] == {"value": 4, "unit": "1", "meaning": "Number of rolls"}
    assert summary["about"] == "Does a dice roll like a dice?"
    assert summary["claims"][1]["paper"] == 20e3
    assert summary.items() <= json.loads(json.dumps(result.to_dict())).items()

    provenance = json.loads((result.folder / "provenance.json").read_text())
    assert provenance["seed"] == 3
    assert provenance["study_file"] == str(tmp_path / "studies" / "dice.py")
    assert provenance["versions"]["numpy"] == np.__version__
    assert provenance["cards"]["vo2_delacour2021"]["parameters"]["R_S"]["value"] == 20e3


def test_the_default_folder_is_named_after_the_study(dice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_study(dice, quick=True).folder == Path("runs/dice")
    assert names(tmp_path / "runs" / "dice") == FILES


def test_provenance_tells_a_cards_parts_too(dice_file, tmp_path):
    dice_file.write_text(
        dice_file.read_text().replace("vo2_delacour2021", "sram_macro_65nm").replace(".R_S", ".rows_on")
    )
    folder = run_study(load_study(dice_file), quick=True, out=tmp_path / "run").folder
    card = json.loads((folder / "provenance.json").read_text())["cards"]["sram_macro_65nm"]
    assert card["title"] == load_card("sram_macro_65nm").title
    nmos = card["parts"]["array"]["parts"]["cell"]["parts"]["nmos"]
    assert nmos["name"] == "nmos_65nm"
    assert nmos["parameters"]["V_T0"]["value"] == load_card("nmos_65nm").V_T0


def test_settings_reach_parameters_and_card(dice, tmp_path):
    settings = {"rolls": "7", "sides": 3, "card.R_S": "15k"}
    result = run_study(dice, settings=settings, out=tmp_path / "run")
    assert len(result.tables["results"]) == 7
    assert set(result.tables["results"]["sides"]) == {3}
    assert result.claims[1].ours == 15e3
    assert not result.holds


def test_another_card_can_take_the_place_of_the_studys(dice, tmp_path):
    settings = {"card": "schmitt_mcp6001_delacour2021"}
    result = run_study(dice, quick=True, settings=settings, out=tmp_path / "run")
    assert result.claims[1].ours == 100e3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"settings": {"roll": "3"}}, "no parameter 'roll'; did you mean 'rolls'.*card.V_H"),
        ({"settings": {"rolls": "0"}}, "rolls is '0'; allowed: a whole number, at least 1, at most 100"),
        ({"settings": {"rolls": "many"}}, "rolls is 'many', which is not a number"),
        ({"settings": {"card.R_X": "1"}}, "R_X"),
        ({"settings": {"card": "no_such_card"}}, "no_such_card"),
        ({"seed": -1}, "seed is -1"),
        ({"jobs": 0}, "jobs is 0"),
        ({"out": "file"}, "is a file"),
        ({"out": "file/run"}, "cannot be written"),
        ({"out": "full"}, "holds other files and no run"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_computed(dice, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    Path("full").mkdir()
    Path("full/thesis.tex").write_text("years of work")

    def computed(*_):
        raise AssertionError("computing began")

    with pytest.raises(InputError, match=message):
        run_study(dice, progress=computed, **arguments)
    assert names(tmp_path) == {"file", "full", "studies"}
    assert names(tmp_path / "full") == {"thesis.tex"}


def test_a_former_run_is_replaced_unless_something_else_lies_in_it(dice, tmp_path):
    out = tmp_path / "run"
    run_study(dice, settings={"show_workers": True}, out=out)
    assert names(out) == FILES | {"workers.parquet"}
    run_study(dice, quick=True, out=out)
    assert names(out) == FILES
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"also 'notes.txt'"):
        run_study(dice, quick=True, out=out)
    assert names(out) == FILES | {"notes.txt"}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("mode", "error", "message"),
    [
        ("fail", StudyError, "failing: item 3 of 8 failed: ZeroDivisionError: three"),
        ("refuse", InputError, "^no number will do$"),
    ],
)
def test_a_failing_item_ends_the_study_soon_and_leaves_no_run(dice, tmp_path, jobs, mode, error, message):
    started = time.perf_counter()
    with pytest.raises(error, match=message):
        run_study(dice, settings={"mode": mode}, jobs=jobs, out=tmp_path / "runs" / "run")
    assert time.perf_counter() - started < 30
    # Wrong input leaves nothing at all; else the items that were done are kept, in case that it can be mended.
    kept = {"runs"} if mode == "fail" else set()
    assert names(tmp_path) == {"studies"} | kept
    assert not kept or names(tmp_path / "runs") == {"run.unfinished"}


def test_a_failed_run_leaves_the_former_one_as_it_was(dice, tmp_path):
    out = tmp_path / "run"
    run_study(dice, quick=True, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(StudyError):
        run_study(dice, settings={"mode": "fail"}, out=out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_dying_worker_is_reported(dice, tmp_path):
    with pytest.raises(StudyError, match="a worker process died"):
        run_study(dice, settings={"mode": "die"}, jobs=2, out=tmp_path / "run")


def test_two_workers_give_the_same_files_as_none(dice, tmp_path):
    runs = {}
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        run_study(dice, seed=5, jobs=jobs, out=out)
        runs[jobs] = {name: (out / name).read_bytes() for name in FILES - {"provenance.json"}}
    assert runs[1] == runs[2]


def test_several_jobs_are_done_by_other_processes(dice, tmp_path):
    result = run_study(dice, settings={"show_workers": True}, jobs=2, out=tmp_path / "run")
    assert os.getpid() not in set(result.tables["workers"]["process"])


def test_another_seed_gives_other_answers_and_generators_differ(dice, tmp_path):
    settings = {"sides": "1M"}
    first, second = (
        run_study(dice, settings=settings, seed=seed, out=tmp_path / "run").tables["results"]["value"]
        for seed in (1, 2)
    )
    assert first.nunique() == 12
    assert not first.equals(second)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process group to interrupt")
def test_ctrl_c_ends_the_study_within_seconds_and_leaves_what_is_done(dice_file, tmp_path):
    dice_file.write_text(dice_file.read_text().replace("if number == 3", "if number == 0"))
    program = (
        "from circuitsnn.study import load_study, run_study\n"
        "if __name__ == '__main__':\n"
        f"    run_study(load_study({str(dice_file)!r}), settings={{'mode': 'fail'}}, jobs=2, out='run',\n"
        "              progress=lambda share, text: print(text, flush=True))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(program)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stdout:
        if line.strip() == "failing: 2 of 8":  # the first two items are done, the others sleep for a minute
            break
    started = time.perf_counter()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.perf_counter() - started < 10
    assert errors.strip().endswith("KeyboardInterrupt")
    assert process.returncode != 0
    assert names(tmp_path) == {"studies", "script.py", "run.unfinished"}
