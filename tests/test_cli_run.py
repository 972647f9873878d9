"""``circuitsnn run``: interruption, resumption, and where the work is done."""

import os
import signal
import subprocess
import sys
import time

import pytest

import circuitsnn.study
from circuitsnn.cli import main

STUDY = '''
"""Counts slowly."""

import time
from pathlib import Path

import pandas as pd

from circuitsnn.study import Claim, Outcome, Study


def count(item):
    with Path("log").open("a") as file:
        file.write(f"{item}\\n")
    time.sleep(0.0 if item < 3 or Path("fast").exists() else 60.0)
    return item


def run(context):
    numbers = context.map(count, range(6), "counting")
    return Outcome(
        claims=(Claim.equals("Sum", "15", str(sum(numbers))),),
        tables={"results": pd.DataFrame({"n": numbers})},
    )


STUDY = Study("counting", "Counts", "", run)
'''


def test_an_interrupted_study_says_how_to_go_on_and_does(tmp_path):
    (tmp_path / "counting.py").write_text(STUDY)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    program = [sys.executable, "-m", "circuitsnn.cli", "run", "counting.py", "--out", "found", "--jobs", "1"]
    settings = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": path}, "text": True}
    process = subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **settings
    )
    log = tmp_path / "log"
    while not log.exists() or len(log.read_text().splitlines()) < 4:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    begun = time.perf_counter()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.perf_counter() - begun < 10
    assert process.returncode == 130
    assert errors == "interrupted; the same command goes on from what is done, which is in found.unfinished\n"
    assert (
        sorted(entry.name for entry in tmp_path.iterdir() if entry.is_dir()) == ["__pycache__", "found.unfinished"]
        or (tmp_path / "found.unfinished").is_dir()
    )

    (tmp_path / "fast").touch()
    done = subprocess.run(program, capture_output=True, **settings)
    assert done.returncode == 0, done.stderr
    assert log.read_text().split() == ["0", "1", "2", "3", "3", "4", "5"]
    assert (tmp_path / "found" / "results.parquet").exists()
    assert not (tmp_path / "found.unfinished").exists()


def test_the_scheduler_reaches_the_study(monkeypatch, capsys):
    seen = {}

    def run_study(study, **arguments):
        seen.update(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(circuitsnn.study, "run_study", run_study)
    with pytest.raises(SystemExit) as left:
        main(["run", "associative_memory", "--quick", "--scheduler", "tcp://node7:8786"])
    assert left.value.code == 130
    assert seen["executor"] == "tcp://node7:8786"
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted"


def test_an_address_that_is_none_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["run", "associative_memory", "--quick", "--scheduler", "node7", "--out", str(tmp_path / "found")])
    assert left.value.code == 2
    assert "executor is 'node7'; allowed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
