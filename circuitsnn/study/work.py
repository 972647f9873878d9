"""Sharing out the trials of a store between executors and processes."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from circuitsnn.study.executors import Done, Executor, Task
from circuitsnn.study.store import Store

__all__ = ["Work"]

_BATCH_TIME = 0.5  # work that is claimed at once [s]
_BATCH = 1000  # trials that are claimed at once, at most
_WAIT = 0.2  # between looks at what other processes have done [s]


def _anything(_: Any) -> bool:
    return True


@dataclass
class Work:
    """Trials to be done, by this process and whichever others share its store."""

    store: Store
    """Where they are kept."""
    count: int
    """How many there are, numbered from zero."""
    argument: Callable[[int], Any]
    """Gives what the function is called with for a number."""
    wanted: Callable[[int], bool] = _anything
    """Tells whether a trial is still asked for."""
    _arguments: dict[int, Any] = field(init=False, default_factory=dict)
    _busy: list[int] = field(init=False, default_factory=list)
    _ended: int = field(init=False, default=0)
    _begun: float = field(init=False, default_factory=time.perf_counter)

    def do(
        self,
        executor: Executor,
        function: Callable[[Any], Any],
        record: Callable[[Done, Any], None],
        known: Callable[[int], Any] = _anything,
        time_limit: float | None = None,
    ) -> None:
        """Do what the store does not hold yet.

        Parameters
        ----------
        executor : Executor
            Where it is done.
        function : callable
            Function of a trial's argument.
        record : callable
            Puts what became of a trial, told with its argument, into the store.
        known : callable
            Told the number of each trial that was in the store already, or that another process has done.
        time_limit : float, optional
            Time after which a trial is given up. [s]
        """
        left: Iterable[int] = range(self.count)
        while True:
            with closing(executor.run(function, self._tasks(left, known), time_limit=time_limit)) as ended:
                for done in ended:
                    self._ended += 1
                    record(done, self._arguments.pop(done.number))
            left = list(filter(self.wanted, self._busy))
            if not left:
                return
            # Another process is at these; it may die, and then they are ours.
            time.sleep(_WAIT)
            self._busy = []

    def _tasks(self, numbers: Iterable[int], known: Callable[[int], Any]) -> Iterator[Task]:
        """Claim trials, some at a time, and hand them out."""
        wanted = filter(self.wanted, numbers)
        size = 1
        while chunk := list(islice(wanted, size)):
            claimed, busy = self.store.claim(chunk)
            self._busy += busy
            taken = {*claimed, *busy}
            for number in chunk:
                if number not in taken:
                    known(number)
            for number in filter(self.wanted, claimed):
                self._arguments[number] = self.argument(number)
                yield Task(number, self._arguments[number])
            size = self._batch() if claimed else min(2 * size, _BATCH)

    def _batch(self) -> int:
        """Choose how many trials to claim: few where they are long, or another process would wait for them."""
        rate = self._ended / max(time.perf_counter() - self._begun, 1e-3)
        return min(max(int(rate * _BATCH_TIME), 1), _BATCH)
