"""Work on the machines of a cluster, through a Dask scheduler that is named by its address.

Dask carries batches of tasks to its workers and does again what was lost with one of them. The tasks themselves are
done by processes that each worker starts (`Processes`): so they can be given up after a time limit, may kill their
process without harm to others, and do not contend for the one interpreter of a Dask worker with many threads.
"""

import asyncio
import pickle
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count, islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import circuitsnn
from circuitsnn.errors import InputError, StudyError
from circuitsnn.study.executors.base import Done, Executor, Task
from circuitsnn.study.executors.processes import Processes, carry, check_time_limit, unpack
from circuitsnn.study.executors.worker import error_text

if TYPE_CHECKING:
    from distributed import Client, Future, KilledWorker

__all__ = ["Dask"]

ANSWER = 5.0
"""Time within which a scheduler must answer. [s]"""
POLL = 2.0
"""Time between two looks at the scheduler. [s]"""
BATCH = 0.2
"""Work that goes to a worker at a time; short beside what a lost worker costs, long beside what Dask takes. [s]"""
LONGEST_BATCH = 1000
"""Most tasks that go to a worker at a time."""
BATCHES_PER_THREAD = 2
"""Batches under way for each thread of the workers, so that none waits for the next one."""
IDLE = 60.0
"""Time for which a worker keeps a process without work, in case the run to which it belongs goes on. [s]"""


class Dask(Executor):
    """The workers of a Dask scheduler, however many there are at a time."""

    def __init__(self, address: str, *, initialise: Callable[[], Any] | None = None, patience: float = 120.0) -> None:
        """Connect to a scheduler.

        Parameters
        ----------
        address : str
            Address of the scheduler, such as "tcp://host:8786".
        initialise : callable, optional
            Called in each process before its first task.
        patience : float
            Time that the scheduler may be away before a run is given up. [s]

        Raises
        ------
        InputError
            If Dask is not installed, no scheduler answers at the address, or its workers lack this version of
            circuitsnn.
        """
        if find_spec("distributed") is None:
            raise InputError("Dask is not installed; install it with: pip install 'circuitsnn[distributed]'")
        self._address, self._patience = address, patience
        self._initialise = None if initialise is None else carry(initialise, "initialise")
        self._name = f"circuitsnn-{uuid4().hex}"
        self._numbers = count()
        self._client = _connect(address)
        try:
            _check_workers(self._client)
            self.workers = max(1, _look(self._client)[1])
        except BaseException:
            self.close()
            raise

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
            What became of each. A task that was under way at a worker that is lost, or at the scheduler when that is
            lost, is done again.

        Raises
        ------
        InputError
            If the time limit is no positive number, the function cannot be carried to other machines, or a worker
            there lacks this version of circuitsnn.
        StudyError
            If the scheduler stays away.
        """
        check_time_limit(time_limit)
        return self._run(carry(function, "the function"), iter(tasks), time_limit)

    def close(self) -> None:
        """End the processes at the workers, and let go of the scheduler."""
        with suppress(Exception):
            self._client.run(_end_children, self._name, on_error="ignore")
        self._disconnect()

    def _run(self, function: bytes, tasks: Iterator[Task], time_limit: float | None) -> Iterator[Done]:
        keys = (f"{self._name}-{number}" for number in self._numbers)
        run = _Run(self._name, keys, (function, self._initialise, time_limit), tasks)
        more = True
        try:
            while more:
                try:
                    if run.client is not self._client:
                        run.begin(self._client)
                    more = run.submit()
                    if more:
                        run.collect()
                except _SchedulerLost:
                    self._reconnect()
                yield from run.take_done()
        except Exception:
            yield from run.take_done()
            raise
        finally:
            run.end()

    def _disconnect(self) -> None:
        with suppress(Exception):
            self._client.close(timeout=ANSWER)

    def _reconnect(self) -> None:
        self._disconnect()
        deadline = time.monotonic() + self._patience
        while True:
            try:
                self._client = _connect(self._address)
                return
            except InputError as error:
                if time.monotonic() > deadline:
                    raise StudyError(f"the Dask scheduler went away and did not come back: {error}") from error
                time.sleep(0.2)


class _SchedulerLost(Exception):  # noqa: N818 - caught within this file
    """The scheduler is gone, and with it what was under way; perhaps there is another one already."""


class _Run:
    """What is to be done, and how far it is."""

    def __init__(self, owner: str, keys: Iterator[str], work: tuple, tasks: Iterator[Task]) -> None:
        self.client: Client | None = None
        self._owner, self._keys, self._work, self._tasks = owner, keys, work, tasks
        self._waiting: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        self._under_way: dict[Future, list[Task]] = {}
        self._done: list[Done] = []
        self._usual_duration: float | None = None
        self._warned = False

    def begin(self, client: "Client") -> None:
        """Begin, or go on with another client: what was under way with the former one is lost."""
        self.client = client
        for batch in self._under_way.values():
            self._waiting.extend(batch)
        self._under_way.clear()
        self._on_trial = False
        self._events: SimpleQueue = SimpleQueue()
        with _scheduler_may_be_lost(client):
            self._scheduler, self._threads = _look(client)
            self._looked = time.monotonic()
            # A task by itself: each worker gets its result once, also one that comes later.
            self._carried = client.submit(tuple, self._work, key=next(self._keys), pure=False)

    def submit(self) -> bool:
        """Submit as many batches as are good to have under way; return whether anything is still to come."""
        while len(self._under_way) < max(1, BATCHES_PER_THREAD * self._threads):
            batch = self._next_batch()
            if not batch:
                break
            arguments = (self._owner, circuitsnn.__version__, self._carried, batch)
            try:
                with _scheduler_may_be_lost(self.client):
                    future = self.client.submit(_work_off, *arguments, key=next(self._keys), pure=False)
            except _SchedulerLost:
                self._waiting.extend(batch)
                raise
            self._under_way[future] = batch
            future.add_done_callback(self._events.put)
        return bool(self._under_way)

    def collect(self) -> None:
        """Wait until something happens, and note what became of tasks."""
        ended = []
        with suppress(Empty):
            ended.append(self._events.get(timeout=POLL))
            while True:
                ended.append(self._events.get_nowait())
        finished = [future for future in ended if future.status == "finished"]
        for future, done in zip(finished, self._gather(finished), strict=True):
            del self._under_way[future]
            for one in done:
                self._note(unpack(*one))
        for future in ended:
            if future in self._under_way:
                self._heed(future)
        if time.monotonic() > self._looked + POLL:
            scheduler, self._threads = _look(self.client)
            if scheduler != self._scheduler:
                raise _SchedulerLost
            self._looked = time.monotonic()
            if not self._threads and not self._warned:
                self._warned = True
                warnings.warn("the Dask scheduler has no workers; waiting for some", stacklevel=5)

    def take_done(self) -> list[Done]:
        done, self._done = self._done, []
        return done

    def end(self) -> None:
        """End what is under way."""
        if self._under_way:
            with suppress(Exception):
                self.client.cancel(list(self._under_way), force=True)
                self.client.run(_end_children, self._owner, on_error="ignore")

    def _next_batch(self) -> list[Task]:
        size = 1
        if self._usual_duration is not None:
            size = max(1, min(LONGEST_BATCH, round(BATCH / max(self._usual_duration, 1e-6))))
        while len(self._waiting) < size and (new := list(islice(self._tasks, size - len(self._waiting)))):
            self._waiting.extend(
                Task(task.number, carry(task.argument, f"the argument of task {task.number}")) for task in new
            )
        batch = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
        if not batch and self._suspects and not self._under_way:
            self._on_trial = True  # nothing else is under way, so whatever happens is its doing
            return [self._suspects.popleft()]
        return batch

    def _gather(self, futures: list["Future"]) -> list[list[tuple]]:
        """Fetch results, all at once: each time takes a while."""
        from distributed import KilledWorker

        with _scheduler_may_be_lost(self.client):
            try:
                return self.client.gather(futures)
            except KilledWorker as error:
                raise _SchedulerLost from error  # results were lost, and could not be had again: begin anew

    def _heed(self, future: "Future") -> None:
        """See to a batch that has no result."""
        from distributed import KilledWorker

        if future.status != "error":
            raise _SchedulerLost
        with _scheduler_may_be_lost(self.client):
            error = future.exception()
        if isinstance(error, (InputError, StudyError)):
            raise error
        if not isinstance(error, KilledWorker):
            raise StudyError(
                f"a Dask worker cannot do its work: {error_text(error)}; each needs circuitsnn {circuitsnn.__version__}"
            ) from error
        if error.task != future.key:
            raise _SchedulerLost  # not the batch but what it needs is lost for good: begin anew
        self._suspect(self._under_way.pop(future), error)

    def _note(self, done: Done) -> None:
        self._done.append(done)
        usual = done.duration if self._usual_duration is None else self._usual_duration
        self._usual_duration = 0.9 * usual + 0.1 * done.duration

    def _suspect(self, batch: list[Task], error: "KilledWorker") -> None:
        """Dask blames all tasks that a worker had: what remains when the rest is done is tried again, one by one."""
        if self._on_trial:
            text = f"the Dask workers that had it died, {error.allowed_failures + 1} in all"
            self._done.append(Done(batch[0].number, "died", error=text))
        else:
            self._suspects.extend(batch)
        self._on_trial = False


def _work_off(owner: str, version: str, work: tuple, batch: list[Task]) -> list[tuple]:
    """Work off a batch, as a task of a Dask worker."""
    from distributed import get_worker

    dask_worker = get_worker()
    if version != circuitsnn.__version__:
        raise InputError(
            f"the Dask worker {dask_worker.address} has circuitsnn {circuitsnn.__version__}; allowed is {version}"
        )
    function, initialise, time_limit = work
    children = vars(dask_worker).setdefault("circuitsnn_children", _Children())
    with children.lend(owner, initialise) as executor:
        return list(executor.run_carried(function, batch, time_limit))


def _end_children(owner: str, dask_worker: Any = None) -> None:
    """End the processes of an executor, at a Dask worker."""
    children = vars(dask_worker).get("circuitsnn_children")
    if children is not None:
        children.end(owner)


class _Children:
    """Processes that a Dask worker keeps from one batch of an executor to the next."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._all: dict[str, list[Processes]] = {}
        self._idle: dict[str, list[tuple[Processes, threading.Timer]]] = {}

    @contextmanager
    def lend(self, owner: str, initialise: bytes | None) -> Iterator[Processes]:
        """Lend a process; it is kept for the next batch, but not for ever: its owner may have been killed."""
        with self._guard:
            idle = self._idle.get(owner)
            if idle:
                executor, timer = idle.pop()
                timer.cancel()
            else:
                executor = Processes(1, initialise=None if initialise is None else pickle.loads(initialise))
                self._all.setdefault(owner, []).append(executor)
        try:
            yield executor
        finally:
            timer = threading.Timer(IDLE, self._retire, (owner, executor))
            timer.daemon = True
            with self._guard:
                if executor in self._all.get(owner, ()):
                    self._idle.setdefault(owner, []).append((executor, timer))
                    timer.start()

    def end(self, owner: str) -> None:
        """End an owner's processes, also those at work."""
        with self._guard:
            executors = self._all.pop(owner, [])
            for _, timer in self._idle.pop(owner, []):
                timer.cancel()
        for executor in executors:
            executor.close()

    def _retire(self, owner: str, executor: Processes) -> None:
        with self._guard:
            idle = self._idle.get(owner, [])
            remaining = [pair for pair in idle if pair[0] is not executor]
            if len(remaining) == len(idle):
                return
            self._idle[owner] = remaining
            self._all[owner].remove(executor)
        executor.close()


def _connect(address: str) -> "Client":
    from distributed import Client

    try:
        return Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address} within {ANSWER:g} s; start one with 'dask scheduler', or name the "
            "address that it says"
        ) from error
    except Exception as error:
        raise InputError(f"{address} is no address of a Dask scheduler: {error_text(error)}") from error


def _look(client: "Client") -> tuple[str, int]:
    """Which scheduler is there, and how many threads its workers have."""
    with _scheduler_may_be_lost(client):
        threads = sum(client.nthreads().values())
        return client.scheduler_info()["id"], threads


@contextmanager
def _scheduler_may_be_lost(client: "Client") -> Iterator[None]:
    try:
        yield
    except (OSError, TimeoutError, asyncio.TimeoutError, asyncio.CancelledError, CancelledError) as error:
        raise _SchedulerLost from error
    except Exception as error:
        if client.status == "running":
            raise
        raise _SchedulerLost from error


def _check_workers(client: "Client") -> None:
    """Raise if workers lack this version of circuitsnn, or of Python."""

    def versions() -> tuple[str, str]:
        import platform

        try:
            import circuitsnn
        except ImportError:
            return "no circuitsnn", platform.python_version()
        return f"circuitsnn {circuitsnn.__version__}", platform.python_version()

    ours, python = versions()
    complaints = []
    for address, answer in client.run(versions, on_error="return").items():
        if isinstance(answer, OSError):
            continue  # gone in the meantime
        if isinstance(answer, BaseException):
            complaints.append(f"{address} does not answer ({error_text(answer)})")
        elif answer[0] != ours:
            complaints.append(f"{address} has {answer[0]}")
        elif answer[1].split(".")[:2] != python.split(".")[:2]:
            complaints.append(f"{address} runs Python {answer[1]}")
    if complaints:
        allowed = f"{ours} on Python {python.rpartition('.')[0]}, as here"
        raise InputError(f"Dask workers do not fit: {'; '.join(complaints)}; allowed is {allowed}")
