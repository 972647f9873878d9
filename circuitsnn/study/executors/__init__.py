"""Where work is done."""

from collections.abc import Callable
from typing import Any

from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError
from circuitsnn.study.executors.base import Done, Executor, Status, Task, attempt
from circuitsnn.study.executors.here import Here
from circuitsnn.study.executors.processes import Processes

__all__ = ["Done", "Executor", "Status", "Task", "attempt", "open_executor"]


def open_executor(
    where: str | Executor | None = None,
    jobs: int = 1,
    *,
    isolated: bool = False,
    initialise: Callable[[], Any] | None = None,
) -> Executor:
    """Open the executor of a name.

    Parameters
    ----------
    where : str or Executor, optional
        "here", "processes", or the address of a Dask scheduler, such as "tcp://host:8786". Without it, this process for
        one job, processes for several. An executor is given back as it is.
    jobs : int
        Worker processes on this machine.
    isolated : bool
        Whether a task must not be able to hang or kill this process: then never this process.
    initialise : callable, optional
        Called in each worker process before its first task: what makes the function's module known there.

    Returns
    -------
    Executor
        The executor.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if isinstance(where, Executor):
        return where
    jobs = whole_number("jobs", jobs, 1)
    if where is None:
        where = "here" if jobs == 1 and not isolated else "processes"
    if where == "here":
        if jobs > 1 or isolated:
            raise InputError("one task at a time is worked on 'here', and not isolated; allowed is also 'processes'")
        return Here()
    if where == "processes":
        return Processes(jobs, initialise=initialise)
    if isinstance(where, str) and "://" in where:
        from circuitsnn.study.executors.dask import Dask

        return Dask(where, initialise=initialise)
    raise InputError(
        f"executor is {where!r}; allowed: 'here', 'processes', or the address of a Dask scheduler such as "
        "'tcp://host:8786'"
    )
