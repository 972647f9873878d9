import ctypes
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from misbehaviour import misbehave

from circuitsnn.errors import InputError, StudyError
from circuitsnn.study.executors import Processes, Task
from circuitsnn.study.executors.processes import BYTES_AHEAD, TASKS_AHEAD


@pytest.fixture(scope="module")
def processes():
    with Processes(2) as executor:
        yield executor


def tasks(count):
    return [Task(number, number) for number in range(count)]


def by_number(done):
    done = list(done)
    assert len({one.number for one in done}) == len(done)
    return {one.number: one for one in sorted(done, key=lambda one: one.number)}


def test_whatever_a_task_does_it_is_named_and_the_others_go_on(processes):
    done = by_number(processes.run(misbehave, tasks(30), time_limit=1.0))
    bad = {number: one for number, one in done.items() if one.status != "ok"}
    assert {number: one.status for number, one in bad.items()} == {
        **{3: "raised", 5: "died", 8: "died", 11: "died", 13: "timed out", 14: "raised"},
        **{15: "raised", 16: "raised", 17: "raised"},
    }
    assert {n: one.value for n, one in done.items() if n not in bad} == {n: n + 0.5 for n in range(30) if n not in bad}
    assert bad[3].error == "KeyError: 'three'"
    assert bad[5].error == "its process ended with exit status 7"
    assert bad[8].error == "its process was ended by signal SIGKILL (perhaps the memory was full)"
    assert bad[11].error == "its process was ended by signal SIGSEGV"
    assert bad[13].error == "not done within the time limit of 1 s"
    assert bad[13].duration >= 1.0
    assert bad[14].error == "SystemExit: fourteen"
    assert bad[15].error == "OddError: hole in bucket"
    assert bad[15].exception is None
    assert "value cannot be carried" in bad[16].error
    assert bad[17].error.startswith("RuntimeError: <unlocked _thread.lock")
    assert isinstance(bad[3].exception, KeyError)
    assert "in misbehave" in str(bad[3].exception.__cause__)


def test_workers_are_kept_and_use_one_thread(processes):
    def look(_):
        import numpy as np
        from threadpoolctl import threadpool_info

        np.ones((2, 2)) @ np.ones((2, 2))
        return os.getpid(), max(pool["num_threads"] for pool in threadpool_info()), os.environ["NUMBA_NUM_THREADS"]

    first = {one.value for one in processes.run(look, tasks(20))}
    second = {one.value for one in processes.run(look, tasks(20))}
    assert len({pid for pid, *_ in first | second}) <= 2
    assert {threads for _, *threads in map(list, first) for threads in [tuple(threads)]} == {(1, "1")}
    assert os.getpid() not in {pid for pid, *_ in first}


def test_tasks_are_taken_when_they_can_be_started(processes):
    pulled = lead = 0

    def many():
        nonlocal pulled
        for number in range(5000):
            pulled += 1
            yield Task(number, number)

    for count, one in enumerate(processes.run(lambda number: -number, many())):
        assert one.value == -one.number
        lead = max(lead, pulled - count)
    assert count == 4999
    assert lead <= 4 * (TASKS_AHEAD + 2)


def test_large_arguments_and_values_do_not_block_workers_that_hang(processes):
    size = 250 * BYTES_AHEAD

    def double(argument):
        number, data = argument
        while number == 1:  # with the interpreter's lock held
            ctypes.pythonapi.PyGILState_Check()
        return data + data

    done = by_number(processes.run(double, [Task(n, (n, bytes([n]) * size)) for n in range(6)], time_limit=4.0))
    assert done[1].status == "timed out"
    assert all(done[n].value == bytes([n]) * 2 * size for n in done if n != 1)


def test_closing_ends_what_is_under_way(tmp_path):
    def start_another(number):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
        (tmp_path / f"{number}").write_text(f"{os.getpid()} {child.pid}")
        while number > 0 or not (tmp_path / "1").exists():
            time.sleep(0.01)
        return number

    with Processes(2) as executor:
        run = executor.run(start_another, tasks(3))
        assert next(run).value == 0
        pids = wait_for_pids(tmp_path, 3)
        run.close()
        assert all(gone(pid) for pid in set(pids[2:]))
        assert [one.value for one in executor.run(abs, tasks(1))] == [0]
        working = {process.popen.pid for process in executor._started}
    assert all(gone(pid) for pid in working)
    for pid in pids:
        if psutil.pid_exists(pid):
            psutil.Process(pid).kill()


def wait_for_pids(folder, count):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        texts = [path.read_text() for path in sorted(folder.glob("[0-9]*"))]
        if len(texts) >= count and all(len(text.split()) == 2 for text in texts):
            return [int(pid) for text in texts for pid in text.split()]
        time.sleep(0.05)
    raise AssertionError("the tasks were never started")


def gone(pid, patience=5.0):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


SCRIPT = """
import os, subprocess, sys, time
from circuitsnn.study.executors import Processes, Task

class Point:
    def __init__(self, x):
        self.x = x

def hang(number):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    with open(f"{sys.argv[1]}/{number}", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    time.sleep(3600)

def shift(point):
    return Point(point.x + 1)

executor = Processes(2)  # neither closed nor guarded by "if __name__ ...", as scripts are
folder = sys.argv[1]
hang.__globals__["sys"] = sys
print(sum(one.value.x for one in executor.run(shift, [Task(n, Point(n)) for n in range(10)])))
print(type(next(executor.run(shift, [Task(0, Point(1))])).value) is Point, flush=True)
sys.stdout.flush()
for one in executor.run(lambda number, folder=folder: (sys.argv.__setitem__(slice(None), ["", folder]), hang(number)),
                        [Task(n, n) for n in range(2)]):
    print("never")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_a_script_leaves_no_process_behind(tmp_path, number):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        text=True,
    )
    pids = wait_for_pids(tmp_path, 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == -number
    assert out.split() == ["55", "True"]
    assert err.rstrip().endswith("KeyboardInterrupt" if number == signal.SIGINT else "")
    assert "Exception ignored" not in err
    assert all(gone(pid) for pid in pids)


KERNEL = """
import os
import time

from numba import njit


@njit(cache=True)
def inner(x):
    return x + 1.0


@njit(cache=True)
def kernel(x, n):
    total = 0.0
    for i in range(n):
        total += inner(x) * i
    return total


@njit
def uncached(x):
    return kernel(x, 3)


def call(number):
    value = kernel(float(number), 3) + uncached(number * 1.0)
    time.sleep(0.2)
    misses, hits = ({str(types): n for types, n in counts.items()} for counts in kernel.stats[-2:])
    return os.getpid(), value, misses, hits
"""


def test_kernels_are_compiled_once_and_not_within_the_time_limit(tmp_path, monkeypatch):
    (tmp_path / "kernels_of_a_user.py").write_text(KERNEL)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    monkeypatch.syspath_prepend(tmp_path)
    from kernels_of_a_user import call

    with Processes(2) as executor:
        done = by_number(executor.run(call, tasks(8), time_limit=0.4))
    assert [one.status for one in done.values()] == ["ok"] * 8
    assert {n: one.value[1] for n, one in done.items()} == {n: 6.0 * (n + 1) for n in range(8)}
    workers = {one.value[0]: one.value[2:] for one in done.values()}
    assert len(workers) == 2
    misses, hits = (sum(map(Counter, counts), Counter()) for counts in zip(*workers.values(), strict=True))
    # Two signatures, as n is a number or a literal. Either worker may be first at the second one.
    assert len(misses) == 2
    assert misses == hits == dict.fromkeys(misses, 1)


def test_what_cannot_be_carried_is_said_once(processes):
    lock = threading.Lock()
    with pytest.raises(InputError, match=r"the function cannot be carried to another process: TypeError: .*lock"):
        processes.run(lambda number: (lock, number), tasks(3))
    with pytest.raises(InputError, match="argument of task 4 cannot be carried"):
        list(processes.run(abs, [Task(4, lock)]))
    with pytest.raises(InputError, match="initialise cannot be carried"):
        Processes(1, initialise=lambda: lock)


def test_a_module_that_workers_cannot_import_is_said_once(tmp_path, monkeypatch, processes):
    (tmp_path / "only_here.py").write_text("def function(number):\n    return number\n")
    monkeypatch.syspath_prepend(tmp_path)
    from only_here import function

    monkeypatch.undo()
    with Processes(1) as executor, pytest.raises(InputError) as caught:
        list(executor.run(function, tasks(3)))
    assert "cannot load the function: ModuleNotFoundError: No module named 'only_here'; allowed" in str(caught.value)


def test_workers_are_initialised():
    with Processes(1, initialise=functools.partial(os.putenv, "HELLO", "there")) as executor:
        (done,) = executor.run(lambda _: subprocess.getoutput("echo $HELLO"), tasks(1))
    assert done.value == "there"
    with Processes(1, initialise=functools.partial(int, "one")) as executor, pytest.raises(InputError) as caught:
        list(executor.run(abs, tasks(1)))
    assert "a worker process cannot be prepared: ValueError" in str(caught.value)
    with Processes(1, initialise=functools.partial(os._exit, 9)) as executor, pytest.raises(StudyError) as caught:
        list(executor.run(abs, tasks(1)))
    assert "die before their first task; the last one ended with exit status 9" in str(caught.value)


def test_what_is_no_use_is_refused(processes):
    with pytest.raises(InputError, match="time_limit is 0; allowed"):
        processes.run(abs, tasks(1), time_limit=0)
    with pytest.raises(InputError, match="jobs is 0"):
        Processes(0)
    run = processes.run(abs, tasks(2))
    next(run)
    with pytest.raises(StudyError, match="at work already"):
        next(processes.run(abs, tasks(1)))
    run.close()


def test_workers_that_died_between_two_runs_are_replaced(processes):
    list(processes.run(abs, tasks(4)))
    for process in processes._started:
        os.kill(process.popen.pid, signal.SIGKILL)
        process.popen.wait()
    assert [one.status for one in processes.run(abs, tasks(4))] == ["ok"] * 4


def test_tasks_that_raise_themselves_end_the_run(processes):
    def broken():
        yield Task(0, 0)
        raise StudyError("no more")

    with pytest.raises(StudyError, match="no more"):
        list(processes.run(abs, broken()))
    assert Path(processes._started[0].popen.args[1]).name == "worker.py"
