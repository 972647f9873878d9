"""Work in processes of this machine, each of which can hang or die without harm to the others.

Ready-made pools do not do for this. With concurrent.futures and loky the first death breaks the pool: all tasks under
way are lost with it, and nobody knows which of them did it; neither can end a task that hangs. Pebble can do both, but
its workers share one pipe, so that a death in the middle of writing stops the others; it starts them by importing the
user's script anew, which then needs its ``if __name__ == "__main__":``. And none of them can start a process inside a
worker of Dask. Here each worker has its own pair of pipes and works its tasks off one after the other: the one that it
was at is the culprit. Functions and values are carried by cloudpickle.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from math import inf
from queue import Empty, SimpleQueue
from typing import Any

import cloudpickle

from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError, StudyError
from circuitsnn.study.executors import worker
from circuitsnn.study.executors.base import Done, Executor, Status, Task, check_time_limit

__all__ = ["Processes", "WorkerTraceback", "carry", "unpack"]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Environment variables that limit the threads of the libraries within a process."""

WORK_AHEAD = 0.02
"""Work that lies ready for a worker beside what it does, so that it need not wait for the next short task. [s]"""
TASKS_AHEAD = 64
"""Most tasks that lie ready for a worker."""
BYTES_AHEAD = 4096
"""Most that lies ready for a worker: a pipe holds that much, so that sending never waits for a task that hangs. [B]"""
STARTS = 3
"""Worker processes that may die one after the other before their first task, until the reason is taken for lasting."""
POLL = 0.5
"""Longest time between two looks whether workers are alive. [s]"""
GRACE = 2.0
"""Time that idle workers get to end by themselves. [s]"""


class WorkerTraceback(Exception):  # noqa: N818 - no error of its own: the cause of one
    """Where a task raised its exception, in its own process."""

    def __str__(self) -> str:
        return f"in a worker process:\n\n{self.args[0]}"


def carry(thing: Any, what: str) -> bytes:
    """Pickle something for another process.

    Parameters
    ----------
    thing : object
        What is to be carried.
    what : str
        What to call it if it cannot be.

    Returns
    -------
    bytes
        What pickle.loads unpacks.

    Raises
    ------
    InputError
        If it cannot be carried.
    """
    try:
        return cloudpickle.dumps(thing)
    except Exception as error:
        raise InputError(
            f"{what} cannot be carried to another process: {worker.error_text(error)}; "
            "allowed is what cloudpickle can pickle, so no open files, locks or generators"
        ) from error


def unpack(
    number: int, status: Status, value: bytes | None, error: str, exception: bytes | None, trace: str, duration: float
) -> Done:
    """Unpickle what became of a task in another process.

    Parameters
    ----------
    number : int
        The task's number.
    status : str
        What became of it.
    value : bytes or None
        What the function returned, if it did.
    error : str
        What went wrong.
    exception : bytes or None
        What the function raised, if it can be carried.
    trace : str
        Where it did.
    duration : float
        Time that it took. [s]

    Returns
    -------
    Done
        The same; "raised" if the value cannot be unpickled.
    """
    if status != "ok":
        return Done(number, status, None, error, _exception(exception, trace), duration)
    try:
        return Done(number, status, pickle.loads(value), duration=duration)
    except Exception as problem:
        error = f"the value cannot be carried from another process: {worker.error_text(problem)}"
        return Done(number, "raised", None, error, problem, duration)


class Processes(Executor):
    """Worker processes on this machine, started when first needed.

    A task that hangs is ended with its process, which is replaced. Each process uses one thread inside NumPy and Numba.
    """

    def __init__(self, jobs: int, *, initialise: Callable[[], Any] | None = None) -> None:
        """Prepare worker processes.

        Parameters
        ----------
        jobs : int
            How many.
        initialise : callable, optional
            Called in each worker before its first task.

        Raises
        ------
        InputError
            If there is no such number of processes, or `initialise` cannot be carried to them.
        """
        self.workers = whole_number("jobs", jobs, 1)
        self._initialise = None if initialise is None else carry(initialise, "initialise")
        self._events: SimpleQueue = SimpleQueue()
        self._started: list[_Process] = []
        self._at_work = self._closed = False
        # Also when nobody closes it: at the end of the program at the latest.
        self._end = weakref.finalize(self, _end_all, self._started)

    def run(
        self, function: Callable[[Any], Any], tasks: Iterable[Task], *, time_limit: float | None = None
    ) -> Iterator[Done]:
        """Call a function for each task; see `Executor.run`.

        Parameters
        ----------
        function, tasks
            As in `Executor.run`.
        time_limit : float, optional
            Time after which a task is given up. What Numba takes to compile is not counted. [s]

        Yields
        ------
        Done
            What became of each. Tasks under way in other processes go on when one dies.

        Raises
        ------
        InputError
            If the time limit is no positive number, or the function cannot be carried to another process.
        StudyError
            If worker processes die before their first task, or the executor is at work already.
        """
        check_time_limit(time_limit)
        return self._run(carry(function, "the function"), tasks, time_limit)

    def run_carried(self, function: bytes, tasks: Iterable[Task], time_limit: float | None) -> Iterator[tuple]:
        """Do what `run` does with functions and arguments that are carried to other processes anyway.

        Parameters
        ----------
        function : bytes
            The function, from `carry`.
        tasks : iterable of Task
            The tasks, with arguments from `carry`.
        time_limit : float or None
            Time after which a task is given up. [s]

        Yields
        ------
        tuple
            What became of each, for `unpack`.
        """
        if self._closed:
            raise StudyError("the executor is closed; open another one")
        if self._at_work:
            raise StudyError("the executor is at work already; let that end, or open another one")
        self._at_work = True
        run = _Run(function, iter(tasks), time_limit)
        self._started[:] = [process for process in self._started if process.popen.poll() is None]
        for process in self._started:
            process.load(function, time_limit is not None)
        try:
            more = self._hand_out(run)
            while more:
                self._collect(run)
                more = self._hand_out(run)  # before the caller sees to what is done
                yield from run.take_done()
        except Exception:
            yield from run.take_done()
            raise
        finally:
            self._at_work = False
            for process in [process for process in self._started if process.tasks or self._closed]:
                self._started.remove(process)
                process.kill()

    def close(self) -> None:
        """End the worker processes, and with them what is under way; from another thread, too."""
        self._closed = True
        _end_all(self._started)

    def _run(self, function: bytes, tasks: Iterable[Task], time_limit: float | None) -> Iterator[Done]:
        carried = (Task(task.number, carry(task.argument, f"the argument of task {task.number}")) for task in tasks)
        with closing(self.run_carried(function, carried, time_limit)) as run:
            for done in run:
                yield unpack(*done)

    def _hand_out(self, run: "_Run") -> bool:
        """Give tasks to workers that can take some, start workers; return whether anything is still to come."""
        if self._closed:
            raise StudyError("the executor was closed while it was at work")
        for process in sorted(self._started, key=lambda process: len(process.tasks)):
            while process.has_room(run.depth) and run.has(1):
                process.give(run.next())
        loading = sum(not process.loaded for process in self._started)
        while len(self._started) < self.workers and run.has(loading + 1):
            self._started.append(_Process(self._events, self._initialise, run))
            loading += 1
        return run.has(1) or any(process.tasks for process in self._started)

    def _collect(self, run: "_Run") -> None:
        """Wait until something happens, and note what became of tasks."""
        now = time.monotonic()
        patience = min([POLL, *(process.deadline(run.time_limit) - now for process in self._started)])
        with suppress(Empty):
            event = self._events.get(timeout=max(patience, 0))
            while True:
                self._heed(run, *event)
                event = self._events.get_nowait()
        for process in list(self._started):
            # What came in while the caller was busy with results goes first.
            if not self._events.empty():
                break
            if process.popen.poll() is not None:
                self._bury(run, process)
            elif time.monotonic() > process.deadline(run.time_limit):
                self._give_up(run, process)

    def _heed(self, run: "_Run", process: "_Process", when: float, message: tuple | None) -> None:
        if process not in self._started:
            return
        kind, *details = message or ("dead",)
        if kind == "dead":
            self._bury(run, process)
        elif kind == "done":
            process.tasks.popleft()
            process.since = when
            run.note(details)
        elif kind == "loaded":
            run.failures = 0
            process.begin(when, *details)
        elif kind == "unable":
            process.check(*details)
        else:
            process.compile(kind == "compiling", when)

    def _bury(self, run: "_Run", process: "_Process") -> None:
        self._started.remove(process)
        duration = process.busy_for()
        ending = process.ending()
        if not process.loaded:
            run.failures += 1
            if run.failures == STARTS:
                raise StudyError(f"worker processes die before their first task; the last one {ending}")
        if process.tasks:
            run.lose(process.tasks, "died", f"its process {ending}", duration)

    def _give_up(self, run: "_Run", process: "_Process") -> None:
        self._started.remove(process)
        duration = process.busy_for()
        process.kill()
        run.lose(process.tasks, "timed out", f"not done within the time limit of {run.time_limit:g} s", duration)


class _Run:
    """What is to be done. Its tasks are carried ones, pickled arguments in place of arguments."""

    def __init__(self, function: bytes, tasks: Iterator[Task], time_limit: float | None) -> None:
        self.function, self.time_limit = function, time_limit
        self.failures = 0
        self.depth = 0
        self._tasks = tasks
        self._waiting: deque[Task] = deque()
        self._done: list[tuple] = []
        self._usual_duration: float | None = None

    def has(self, count: int) -> bool:
        """Whether there are so many more tasks."""
        while len(self._waiting) < count:
            task = next(self._tasks, None)
            if task is None:
                return False
            self._waiting.append(task)
        return True

    def next(self) -> Task:
        return self._waiting.popleft()

    def note(self, done: tuple) -> None:
        """Keep what became of a task; let so many tasks lie ready as suits their duration."""
        self._done.append(done)
        duration = done[-1]
        usual = duration if self._usual_duration is None else self._usual_duration
        self._usual_duration = 0.9 * usual + 0.1 * duration
        self.depth = min(TASKS_AHEAD, int(WORK_AHEAD / max(self._usual_duration, 1e-6)))

    def lose(self, tasks: Iterable[Task], status: Status, error: str, duration: float) -> None:
        """Keep what became of a lost worker's first task; the others, not begun, are still to be done."""
        culprit, *others = tasks
        self._waiting.extendleft(reversed(others))
        self._done.append((culprit.number, status, None, error, None, "", duration))

    def take_done(self) -> list[tuple]:
        done, self._done = self._done, []
        return done


class _Process:
    """A worker process, seen from outside."""

    def __init__(self, events: SimpleQueue, initialise: bytes | None, run: _Run) -> None:
        # A session of its own: the main process alone answers Ctrl-C, and what tasks start ends with their worker.
        apart = (
            {"start_new_session": True}
            if os.name == "posix"
            else {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        )
        self.popen = subprocess.Popen(
            [sys.executable, worker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
            **apart,
        )
        self.loaded = False
        self.tasks: deque[Task] = deque()
        self._load: tuple[bytes, bool] | None = None
        self._loads = 0
        self.since = 0.0
        self._compiling_since: float | None = None
        threading.Thread(target=_listen, args=(self, events), daemon=True).start()
        self._send("start", sys.path, initialise)
        self.load(run.function, run.time_limit is not None)

    def load(self, function: bytes, timed: bool) -> None:
        """Have it load a function whose tasks have a time limit or not, unless it has."""
        if self._load != (function, timed):
            self._load, self.loaded = (function, timed), False
            self._loads += 1
            self._send("load", self._loads, function, timed)

    def begin(self, when: float, load: int) -> None:
        """Note that it has loaded a function."""
        if load == self._loads:
            self.loaded, self.since = True, when

    def check(self, load: int, text: str, exception: bytes | None, trace: str) -> None:
        """Raise what kept it from loading a function."""
        if load not in (0, self._loads):
            return
        error = _exception(exception, trace)
        if isinstance(error, (InputError, StudyError)):
            raise error
        what = "cannot be prepared" if load == 0 else "cannot load the function"
        raise InputError(
            f"a worker process {what}: {text}; allowed are functions of modules that it can import, and functions of "
            "the script itself"
        ) from error

    def has_room(self, depth: int) -> bool:
        """Whether it can be given a task. Nothing waits behind a large one: a full pipe would stop the sender."""
        if not self.loaded or not self.tasks:
            return self.loaded
        return len(self.tasks) <= depth and sum(len(task.argument) for task in self.tasks) < BYTES_AHEAD

    def give(self, task: Task) -> None:
        """Send it a task."""
        if not self.tasks:
            self.since = time.monotonic()
        self.tasks.append(task)
        self._send("task", *task)

    def compile(self, begins: bool, when: float) -> None:
        """Stop the clock while Numba compiles."""
        if begins:
            self._compiling_since = when
        elif self._compiling_since is not None:
            self.since += when - max(self._compiling_since, self.since)
            self._compiling_since = None

    def busy_for(self) -> float:
        """Time for which it has been at its task. [s]."""
        return time.monotonic() - self.since

    def deadline(self, time_limit: float | None) -> float:
        """When its task is to be given up. [s]."""
        if time_limit is None or not self.tasks or self._compiling_since is not None:
            return inf
        return self.since + time_limit

    def ending(self) -> str:
        """Wait for its end, and say how it ended."""
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(1)
        status = self.popen.returncode
        self.kill()
        if status is None:
            return "broke its connection"
        if os.name == "posix" and status < 0:
            hint = " (perhaps the memory was full)" if status == -signal.SIGKILL else ""
            return f"was ended by signal {_signal_name(-status)}{hint}"
        return f"ended with exit status {status}"

    def finish(self) -> None:
        """Let it end by itself, which it does at once unless it is at work."""
        with suppress(OSError):
            self.popen.stdin.close()

    def kill(self) -> None:
        """End it, and what its task has started."""
        if self.popen.poll() is None:
            worker.end_family(self.popen.pid)
            self.popen.wait()
        elif os.name == "posix":
            worker.end_group(self.popen.pid)  # no number of another process's while there is anything left of it
        self.finish()

    def _send(self, *message: Any) -> None:
        # If it is dead, its listener tells; if it has been closed, there is nothing to say.
        with suppress(OSError, ValueError):
            pickle.dump(message, self.popen.stdin, protocol=5)
            self.popen.stdin.flush()


def _listen(process: _Process, events: SimpleQueue) -> None:
    with process.popen.stdout as incoming:
        try:
            while True:
                message = pickle.load(incoming)
                events.put((process, time.monotonic(), message))
        except (EOFError, OSError, pickle.UnpicklingError):
            events.put((process, time.monotonic(), None))


def _end_all(processes: list[_Process]) -> None:
    ending = list(processes)
    for process in ending:
        process.finish()
    deadline = time.monotonic() + GRACE
    for process in ending:
        with suppress(subprocess.TimeoutExpired):
            process.popen.wait(max(0.0, deadline - time.monotonic()))
        process.kill()
    processes.clear()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _exception(carried: bytes | None, trace: str) -> BaseException | None:
    """Unpack what a task raised, with where it did so as its cause."""
    if carried is None:
        return None
    try:
        error = pickle.loads(carried)
        error.__cause__ = WorkerTraceback(trace)
    except Exception:  # an exception whose __init__ takes other arguments than it hands on cannot be unpacked
        return None
    return error
