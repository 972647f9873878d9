"""Against a real scheduler and real workers, each a process of its own."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import pandas as pd
import psutil
import pytest
from misbehaviour import misbehave

import circuitsnn
from circuitsnn.errors import InputError, StudyError
from circuitsnn.study.executors import Task, open_executor
from circuitsnn.study.sweep import sweep

pytest.importorskip("distributed")

from circuitsnn.study.executors import dask

pytestmark = pytest.mark.filterwarnings("ignore:the Dask scheduler has no workers")  # for a while, here

PATIENCE = 120
"""For processes to start, on a machine that does other work. [s]"""


class Cluster:
    """A scheduler that stays where it is, and workers of one thread."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.folder = folder
        self.workers = []
        self.scheduler = None
        self.start_scheduler()

    def start_scheduler(self):
        arguments = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-show"]
        self.scheduler = self._start("scheduler", *arguments, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the scheduler does not start")

    def start_worker(self, **environment):
        arguments = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder)]
        worker = self._start("worker", self.address, *arguments, **environment)
        self.workers.append(worker)
        return worker

    def _start(self, what, *arguments, **environment):
        with open(self.folder / "log.txt", "a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **environment},
                stdout=log,
                stderr=log,
            )

    def await_workers(self, number):
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout=PATIENCE) as client:
            client.wait_for_workers(number, timeout=PATIENCE)

    def need_workers(self, number):
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        for _ in range(number - len(self.workers)):
            self.start_worker()
        self.await_workers(number)

    def end(self):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.end()


def tasks(count):
    return [Task(number, number) for number in range(count)]


def draw(number):
    time.sleep(0.02)
    return random.Random(number).random(), os.getppid()


class Run:
    """Draws without end, until told; knows what it should draw, and who drew it."""

    def __init__(self, executor):
        self.values = {}
        self.workers = Counter()
        self.pulled = 0
        self.enough = False
        self._done = executor.run(draw, self._tasks())

    def _tasks(self):
        while not self.enough:
            yield Task(self.pulled, self.pulled)
            self.pulled += 1

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self._take(next(self._done))
            assert time.monotonic() < deadline

    def finish(self):
        self.enough = True
        for one in self._done:
            self._take(one)
        assert self.values == {number: random.Random(number).random() for number in range(self.pulled)}

    def _take(self, one):
        assert (one.status, one.error) == ("ok", "")
        assert one.number not in self.values
        self.values[one.number], worker = one.value
        self.workers[worker] += 1


def await_childless(process):
    deadline = time.monotonic() + 10
    while process.children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.children() == []


def hang_unless_first(folder):
    try:
        os.mkdir(folder)
    except FileExistsError:
        time.sleep(3600)


def test_whatever_a_task_does_it_is_named_and_no_process_stays(cluster, tmp_path):
    folder = tmp_path / "first"
    cluster.need_workers(1)
    worker = psutil.Process(cluster.workers[0].pid)
    with open_executor(cluster.address) as executor:
        assert executor.workers == 1
        done = {one.number: one for one in executor.run(misbehave, tasks(20), time_limit=1.0)}
        run = executor.run(lambda _: hang_unless_first(folder), tasks(3))
        assert next(run).status == "ok"
        run.close()
        await_childless(worker)
        (again,) = executor.run(abs, [Task(0, -1)])
        assert again.value == 1
        assert len(worker.children()) == 1  # kept for the next run
    await_childless(worker)
    assert {number: one.status for number, one in done.items() if one.status != "ok"} == {
        **{3: "raised", 5: "died", 8: "died", 11: "died", 13: "timed out", 14: "raised"},
        **{15: "raised", 16: "raised", 17: "raised"},
    }
    assert done[5].error == "its process ended with exit status 7"
    assert done[19].value == 19.5
    assert isinstance(done[3].exception, KeyError)


def test_a_worker_comes_late_and_the_first_one_is_killed(cluster):
    cluster.need_workers(1)
    first = cluster.workers[0]
    late = cluster.start_worker()
    with open_executor(cluster.address) as executor:
        run = Run(executor)
        run.until(lambda: run.workers[first.pid] > 10 and run.workers[late.pid] > 10)
        first.kill()
        so_far = run.workers[late.pid]
        run.until(lambda: run.workers[late.pid] > so_far + 50)
        run.finish()


def test_a_sweep_answers_as_in_this_process_though_a_worker_is_killed(cluster, tmp_path):
    def noisy(a, rng, chip_rng):
        time.sleep(0.01)
        return {"x": a + rng.standard_normal(), "chip": chip_rng.random()}

    settings = {"trials": 20, "reads": 2, "seed": 4}
    alone = sweep(noisy, {"a": [0.0, 1.0, 2.0]}, **settings)
    cluster.need_workers(2)
    shares = []

    def progress(share, text):
        shares.append(share)
        if share > 0.2:
            cluster.workers[0].kill()

    frame = sweep(
        noisy, {"a": [0.0, 1.0, 2.0]}, **settings, executor=cluster.address, store=tmp_path / "s.db", progress=progress
    )
    assert cluster.workers[0].poll() is not None
    assert shares[-1] == 1.0
    pd.testing.assert_frame_equal(frame.drop(columns="duration"), alone.drop(columns="duration"))


def test_the_scheduler_is_started_anew(cluster):
    cluster.need_workers(1)
    old = cluster.workers[0]
    with open_executor(cluster.address) as executor:
        run = Run(executor)
        run.until(lambda: run.workers[old.pid] > 10)
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        cluster.start_scheduler()
        new = cluster.start_worker()
        run.until(lambda: run.workers[new.pid] > 10)
        run.finish()
    assert old.wait(PATIENCE) is not None  # as Dask's workers do without their scheduler


def test_a_task_that_ends_its_dask_worker_is_told_from_those_that_it_had_besides(cluster):
    cluster.need_workers(3)  # one will be lost at first, one at the trial

    def kill_at_three(number):
        if number == 3:
            os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(0.05)
        return number

    with open_executor(cluster.address) as executor:
        done = {one.number: one for one in executor.run(kill_at_three, tasks(30))}
    assert sorted(done) == list(range(30))
    assert {number: (one.status, one.error) for number, one in done.items() if one.status != "ok"} == {
        3: ("died", "the Dask workers that had it died, 1 in all")
    }


def test_workers_that_do_not_fit_are_named(cluster):
    cluster.need_workers(1)
    packages = {"other": '__version__ = "0.0.1"', "none": 'raise ImportError("no such thing")'}
    unfit = []
    for name, text in packages.items():
        package = cluster.folder / name / "circuitsnn"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text)
        unfit.append(cluster.start_worker(PYTHONPATH=str(package.parent)))
    cluster.await_workers(3)
    with pytest.raises(InputError) as caught:
        open_executor(cluster.address)
    for worker in unfit:
        worker.kill()
    text = str(caught.value)
    assert text.count("tcp://127.0.0.1:") == 2
    assert "has circuitsnn 0.0.1; " in text
    assert "has no circuitsnn; " in text
    assert (
        f"allowed is circuitsnn {circuitsnn.__version__} on Python {sys.version_info[0]}.{sys.version_info[1]}" in text
    )


def test_what_is_wrong_is_said_before_work_begins(cluster, monkeypatch):
    with open_executor(cluster.address) as executor:
        lock = threading.Lock()
        with pytest.raises(InputError, match="the function cannot be carried"):
            executor.run(lambda _: lock, tasks(1))
        with pytest.raises(InputError, match="time_limit is -1; allowed"):
            executor.run(abs, tasks(1), time_limit=-1)
    start = time.monotonic()
    monkeypatch.setattr(dask, "ANSWER", 1.0)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 within 1 s; start one with"):
        open_executor("tcp://127.0.0.1:9")
    assert time.monotonic() - start < 30
    with pytest.raises(InputError, match="dusk://nowhere is no address of a Dask scheduler"):
        open_executor("dusk://nowhere")
    monkeypatch.setattr(dask, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"Dask is not installed; install it with: pip install 'circuitsnn\[distributed"
    ):
        open_executor("tcp://127.0.0.1:9")


def test_a_scheduler_that_stays_away_ends_the_run(cluster, monkeypatch):
    monkeypatch.setattr(dask, "ANSWER", 1.0)
    cluster.need_workers(1)
    with dask.Dask(cluster.address, patience=0.5) as executor:
        run = executor.run(lambda number: time.sleep(1), tasks(4))
        next(run)
        cluster.scheduler.kill()
        with pytest.raises(StudyError, match="went away and did not come back: no Dask scheduler answers"):
            list(run)


def test_nothing_of_dask_is_imported_unless_it_is_used():
    code = "import sys, circuitsnn.study.executors; sys.exit('distributed' in sys.modules or 'dask' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
