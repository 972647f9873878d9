"""Sweeps in worker processes: the same numbers, and trials that hang or die harm nobody else."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from circuitsnn.study.executors import open_executor
from circuitsnn.study.store import read_store
from circuitsnn.study.sweep import sweep


def noisy(a, rng, chip_rng):
    return {"x": a + rng.standard_normal(), "chip_x": chip_rng.random()}


class MeanIsKnown:
    every = 10

    def done(self, frame):
        return frame["x"].std() / np.sqrt(len(frame)) < 0.15


def without_times(frame):
    return frame.drop(columns="duration")


def test_workers_and_order_do_not_matter(tmp_path):
    plan = {"a": [0.0, 1.0, 2.0]}
    settings = {"trials": 100, "reads": 2, "seed": 9, "stop": MeanIsKnown()}
    serial = sweep(noisy, plan, **settings)
    assert 30 < len(serial) < 500
    with open_executor("processes", jobs=2) as workers:
        for store in (None, tmp_path / "s.db"):
            frame = sweep(noisy, plan, **settings, executor=workers, store=store)
            pd.testing.assert_frame_equal(without_times(frame), without_times(serial))
        # Trials that were done beyond the end are in the store, and change no answer.
        again = sweep(noisy, plan, **settings, store=tmp_path / "s.db")
        pd.testing.assert_frame_equal(again, frame)
        assert len(read_store(tmp_path / "s.db")) >= len(frame)

        def troubled(a):
            if a == 2:
                time.sleep(60)
            if a == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            if a == 6:
                raise ValueError("no such device")
            return a

        frame = sweep(troubled, {"a": range(8)}, executor=workers, time_limit=1.0, store=tmp_path / "t.db")
    assert frame["status"].tolist() == ["ok", "ok", "timed out", "ok", "died", "ok", "raised", "ok"]
    assert frame["value"].dropna().tolist() == [0, 1, 3, 5, 7]
    assert "within the time limit of 1 s" in frame["error"][2]
    assert "SIGKILL" in frame["error"][4]
    assert frame["error"][6] == "ValueError: no such device"
    pd.testing.assert_frame_equal(read_store(tmp_path / "t.db"), frame)


SCRIPT = """
import time

from circuitsnn.study.sweep import sweep


def slow(a):
    with open("log", "a") as file:
        file.write(f"{a}\\n")
    time.sleep(0.0 if a < 5 else 600.0)
    return a


sweep(slow, {"a": range(8)}, store="s.db", jobs=JOBS, progress=lambda share, text: print(text, flush=True))
"""


def test_ctrl_c_ends_a_script_within_seconds_and_it_goes_on(tmp_path):
    script = tmp_path / "script.py"
    path = os.pathsep.join(entry for entry in sys.path if entry)

    def start(jobs):
        script.write_text(SCRIPT.replace("JOBS", str(jobs)))
        return subprocess.Popen(
            [sys.executable, str(script)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    process = start(2)
    while not (tmp_path / "log").exists() or len((tmp_path / "log").read_text().splitlines()) < 6:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    begun = time.perf_counter()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.perf_counter() - begun < 15
    assert "KeyboardInterrupt: " in errors
    assert errors.strip().endswith("of 8 trials were done; they are kept in s.db, from which the same call goes on")
    assert read_store(tmp_path / "s.db")["a"].tolist() == [0, 1, 2, 3, 4]

    # The same function, with another number of workers: only what is missing is begun.
    (tmp_path / "log").unlink()
    process = start(1)
    while not (tmp_path / "log").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert (tmp_path / "log").read_text() == "5\n"


def test_a_worker_imports_only_what_its_function_needs():
    def heavy(a):
        return {"heavy": ", ".join(sorted({"matplotlib", "numba", "pandas", "scipy"}.intersection(sys.modules)))}

    assert sweep(heavy, {"a": [1, 2, 3]}, jobs=2)["heavy"].tolist() == ["", "", ""]
