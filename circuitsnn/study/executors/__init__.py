"""Where work is done."""

from circuitsnn.errors import InputError
from circuitsnn.study.executors.base import Done, Executor, Status, Task, attempt
from circuitsnn.study.executors.here import Here

__all__ = ["Done", "Executor", "Status", "Task", "attempt", "open_executor"]


def open_executor(where: str | Executor | None = None, jobs: int = 1, *, isolated: bool = False) -> Executor:
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
    if where in (None, "here") and jobs == 1 and not isolated:
        return Here()
    raise InputError(f"executor is {where!r}; allowed: 'here'")
