"""Studies that were killed go on where they were."""

import multiprocessing
import os
import signal
import time

import pytest

from circuitsnn.errors import InputError, StudyError
from circuitsnn.study import load_study, run_study
from circuitsnn.study.unfinished import unfinished_folder

STUDY = '''
"""Counts."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from circuitsnn.study import Claim, Outcome, Study, StudyParameter

LOG = Path({log!r})


@dataclass(frozen=True, eq=False)
class Item:
    number: int
    generator: np.random.Generator
    scale: float


@dataclass(frozen=True, eq=False)
class Answer:
    values: np.ndarray
    table: pd.DataFrame


def note(text):
    with LOG.open("a") as file:
        file.write(text + "\\n")


def measure(item):
    time.sleep(0.01)
    answer = Answer(item.scale * item.generator.random(2), pd.DataFrame({{"n": [item.number]}}))
    note(f"measure {{item.number}}")
    return answer


def trial(x, rng):
    time.sleep(0.005)
    value = x + rng.random()
    note(f"trial {{x}}")
    return {{"y": value}}


def run(context):
    items = [Item(k, generator, context.parameters["scale"]) for k, generator in enumerate(context.generators(20))]
    answers = context.map(measure, items, "measuring")
    trials = context.sweep(trial, {{"x": range(10)}}, trials=3, label="trying")
    if LOG.with_name("broken").exists():
        raise ZeroDivisionError("the last step")
    table = pd.concat([answer.table for answer in answers], ignore_index=True)
    table["value"] = [answer.values.sum() for answer in answers]
    return Outcome(
        claims=(Claim.at_least("Sum", 0.0, table["value"].sum(), from_paper=False),),
        tables={{"results": table, "trials": trials.drop(columns="duration")}},
    )


STUDY = Study("counts", "Counts", "", run, (StudyParameter("scale", 1.0, "Scale"),))
'''


@pytest.fixture
def study_file(tmp_path):
    path = tmp_path / "counts.py"
    path.write_text(STUDY.format(log=str(tmp_path / "log")))
    return path


def noted(tmp_path):
    path = tmp_path / "log"
    return path.read_text().splitlines() if path.exists() else []


def tables(folder):
    return {name: (folder / f"{name}.parquet").read_bytes() for name in ("results", "trials")}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks processes")
def test_a_study_that_is_killed_goes_on_and_finds_the_same(study_file, tmp_path):
    study = load_study(study_file)
    run_study(study, out=tmp_path / "whole")
    (tmp_path / "log").unlink()

    kills = 0
    for wanted in (5, 18, 30, 45):
        process = multiprocessing.get_context("fork").Process(target=lambda: run_study(study, out=tmp_path / "run"))
        process.start()
        while len(noted(tmp_path)) < wanted:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
        assert unfinished_folder(tmp_path / "run").exists()
        assert not (tmp_path / "run").exists()
    told = []
    run_study(study, out=tmp_path / "run", progress=lambda share, text: told.append(text))
    assert tables(tmp_path / "run") == tables(tmp_path / "whole")
    # Each kill costs at most the one that was under way.
    assert 50 <= len(noted(tmp_path)) <= 50 + kills
    assert set(noted(tmp_path)) == {f"measure {k}" for k in range(20)} | {f"trial {x}" for x in range(10)}
    assert "measuring: 20 of 20" in told
    assert not unfinished_folder(tmp_path / "run").exists()


def test_a_study_that_fails_at_its_end_can_be_mended(study_file, tmp_path):
    (tmp_path / "broken").touch()
    with pytest.raises(StudyError, match="the last step"):
        run_study(load_study(study_file), out=tmp_path / "run")
    assert len(noted(tmp_path)) == 50
    # An edit that does not touch the measurements, and a cause outside the study, leave them as they are.
    study_file.write_text(study_file.read_text().replace('"the last step"', '"another step"'))
    (tmp_path / "broken").unlink()
    run_study(load_study(study_file), out=tmp_path / "run")
    assert len(noted(tmp_path)) == 50


@pytest.mark.parametrize("change", ["scale", "seed", "trial"])
def test_other_settings_do_not_meet_the_former_work(study_file, tmp_path, change):
    (tmp_path / "broken").touch()
    with pytest.raises(StudyError):
        run_study(load_study(study_file), out=tmp_path / "run")
    if change == "trial":
        text = (
            study_file.read_text().replace('"y": value', '"y": 2 * value').replace("item.scale *", "2 * item.scale *")
        )
        study_file = tmp_path / "second" / "counts.py"
        study_file.parent.mkdir()
        study_file.write_text(text)
    (tmp_path / "broken").unlink()
    run_study(
        load_study(study_file),
        settings={"scale": "2"} if change == "scale" else None,
        seed=1 if change == "seed" else None,
        out=tmp_path / "run",
    )
    assert len(noted(tmp_path)) == 100
    assert len(list(unfinished_folder(tmp_path / "run").iterdir())) == 2  # the former work is kept


def test_two_workers_find_the_same_as_none(study_file, tmp_path):
    study = load_study(study_file)
    for jobs in (1, 2):
        run_study(study, jobs=jobs, out=tmp_path / str(jobs))
    assert tables(tmp_path / "1") == tables(tmp_path / "2")


def test_wrong_input_leaves_nothing(study_file, tmp_path):
    study_file.write_text(
        study_file.read_text().replace(
            '        raise ZeroDivisionError("the last step")',
            '        from circuitsnn.errors import InputError\n        raise InputError("no")',
        )
    )
    (tmp_path / "broken").touch()
    with pytest.raises(InputError, match="no"):
        run_study(load_study(study_file), out=tmp_path / "run")
    assert not unfinished_folder(tmp_path / "run").exists()
