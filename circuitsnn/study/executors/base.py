"""What an executor is: tasks in, what became of each out."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from circuitsnn.errors import InputError
from circuitsnn.study.executors.worker import error_text

__all__ = ["Done", "Executor", "Status", "Task", "attempt", "check_time_limit"]

Status = Literal["ok", "raised", "timed out", "died"]
"""What can become of a task; "died" means the process that worked on it."""


class Task(NamedTuple):
    """One call of a function."""

    number: int
    """Number of the task, of which each is given once."""
    argument: Any
    """What the function is called with."""


@dataclass(frozen=True)
class Done:
    """What became of a task."""

    number: int
    """The task's number."""
    status: Status
    """What became of it."""
    value: Any = None
    """What the function returned."""
    error: str = ""
    """What went wrong, in one line: the exception's type and text, the time limit, or how the process ended."""
    exception: BaseException | None = None
    """What the function raised."""
    duration: float = 0.0
    """Time that it took, waiting excluded. [s]"""


class Executor(ABC):
    """Somewhere to call a function many times; a context manager, whose end gives back its workers."""

    workers: int
    """How many tasks are worked on at a time."""

    @abstractmethod
    def run(
        self, function: Callable[[Any], Any], tasks: Iterable[Task], *, time_limit: float | None = None
    ) -> Iterator[Done]:
        """Call a function for each task.

        Parameters
        ----------
        function : callable
            Function of a task's argument. For other processes it must be one that they can import, or that cloudpickle
            can carry.
        tasks : iterable of Task
            The tasks. One is taken only when it can be started soon, so there may be very many.
        time_limit : float, optional
            Time after which a task is given up. [s]

        Yields
        ------
        Done
            What became of each, in the order in which they end. Closing the iterator ends what is under way.
        """

    def close(self) -> None:  # noqa: B027 - nothing to give back is the usual case
        """Give back the workers."""

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attempt(function: Callable[[Any], Any], task: Task) -> Done:
    """Call a function for a task, here and now.

    Parameters
    ----------
    function : callable
        Function of the task's argument.
    task : Task
        The task.

    Returns
    -------
    Done
        What became of it: "ok" or "raised". An interruption, which is no Exception, passes through.
    """
    start = time.perf_counter()
    try:
        value = function(task.argument)
    except Exception as error:
        return Done(task.number, "raised", None, error_text(error), error, time.perf_counter() - start)
    return Done(task.number, "ok", value, duration=time.perf_counter() - start)


def check_time_limit(time_limit: float | None) -> None:
    """Raise unless this can be a time limit.

    Parameters
    ----------
    time_limit : float or None
        Time after which a task is given up. [s]

    Raises
    ------
    InputError
        If it is no positive number.
    """
    if time_limit is not None and not (isinstance(time_limit, (int, float)) and time_limit > 0):
        raise InputError(f"time_limit is {time_limit!r}; allowed is a positive number of seconds")
