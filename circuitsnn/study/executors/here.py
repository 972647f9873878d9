"""Work in this process, one task after the other."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from circuitsnn.errors import InputError
from circuitsnn.study.executors.base import Done, Executor, Task, attempt

__all__ = ["Here"]


class Here(Executor):
    """The process at hand, which can neither give up a task that hangs nor outlive one that kills it."""

    workers = 1

    def run(
        self, function: Callable[[Any], Any], tasks: Iterable[Task], *, time_limit: float | None = None
    ) -> Iterator[Done]:
        """Call a function for each task; see `Executor.run`.

        Parameters
        ----------
        function, tasks
            As in `Executor.run`.
        time_limit : None
            A task in this process cannot be given up.

        Yields
        ------
        Done
            What became of each.

        Raises
        ------
        InputError
            If there is a time limit.
        """
        if time_limit is not None:
            raise InputError("a task in this process cannot be given up; allowed with a time limit are processes")
        for task in tasks:
            yield attempt(function, task)
