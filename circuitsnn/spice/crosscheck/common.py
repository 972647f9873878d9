"""What the cross-checks share."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from circuitsnn.errors import InputError
from circuitsnn.spice.engines import ENGINES, installed_engines


class Compared(Protocol):
    """One run of an engine beside ours."""

    @property
    def engine(self) -> str:
        """Name of the engine."""

    @property
    def max_step(self) -> float:
        """Largest step that it was allowed. [s]."""


One = TypeVar("One", bound=Compared)


def checked_engines(engines: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the engines to compare with.

    Parameters
    ----------
    engines
        Their names; None for all that are installed.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    InputError
        If one is not known, or none is installed.
    """
    if engines is None:
        found = tuple(name for name in installed_engines() if name != "ngspice-shared")
        if not found:
            raise InputError("no circuit simulator is installed; install one, for example: apt-get install ngspice")
        return found
    for name in engines:
        if name not in ENGINES:
            raise InputError(f"engine is {name!r}; allowed: {', '.join(ENGINES)}")
    return tuple(dict.fromkeys(engines))


def finest(comparisons: Sequence[One]) -> list[One]:
    """Give the runs with each engine's smallest step.

    Parameters
    ----------
    comparisons
        All runs.

    Returns
    -------
    list
        Those runs.
    """
    smallest: dict[str, float] = {}
    for one in comparisons:
        smallest[one.engine] = min(one.max_step, smallest.get(one.engine, np.inf))
    return [one for one in comparisons if one.max_step == smallest[one.engine]]
