"""Faults of a macro's cells and lines, and spare columns in place of the worst."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import check_generator, whole_number
from circuitsnn.errors import InputError

__all__ = ["Faults", "draw_faults", "repair_map"]


@dataclass(frozen=True, eq=False)
class Faults:
    """What is broken in a macro.

    Rows and columns are numbered over the whole macro: a weight's rows and columns lie together, in the order of inputs
    and outputs, and spare columns come last.
    """

    stuck_at_0: np.ndarray
    """Cells that hold 0 whatever is written, shape (rows, columns), bool."""
    stuck_at_1: np.ndarray
    """Cells that hold 1 whatever is written, shape (rows, columns), bool."""
    dead_rows: np.ndarray
    """Word lines that never rise, shape (rows,), bool."""
    dead_columns: np.ndarray
    """Bit lines that never fall, shape (columns,), bool."""

    def __post_init__(self) -> None:
        for name in ("stuck_at_0", "stuck_at_1", "dead_rows", "dead_columns"):
            object.__setattr__(self, name, _flags(name, getattr(self, name)))
        shapes = [each.shape for each in (self.stuck_at_0, self.stuck_at_1, self.dead_rows, self.dead_columns)]
        if len(shapes[0]) != 2 or shapes[1] != shapes[0] or (*shapes[2], *shapes[3]) != shapes[0]:
            raise InputError(
                f"faults have shapes {', '.join(map(str, shapes))}; "
                "allowed are (rows, columns) twice, (rows,), (columns,)"
            )
        if np.any(self.stuck_at_0 & self.stuck_at_1):
            raise InputError("faults: a cell is stuck at 0 and at 1; allowed is one of them")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.stuck_at_0.shape

    def apply(self, stored: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Give the bits that the cells end up with; dead lines count as zeros.

        Parameters
        ----------
        stored : ndarray, shape (rows, n)
            Bits as written.
        columns : ndarray of int, shape (n,)
            Physical column of each.

        Returns
        -------
        ndarray of bool, shape (rows, n)
            Bits that can discharge their line.
        """
        held = (stored.astype(bool) & ~self.stuck_at_0[:, columns]) | self.stuck_at_1[:, columns]
        return held & ~self.dead_rows[:, None] & ~self.dead_columns[columns]


def draw_faults(
    rows: int,
    columns: int,
    rng: np.random.Generator,
    stuck_at_0: float = 0.0,
    stuck_at_1: float = 0.0,
    dead_rows: float = 0.0,
    dead_columns: float = 0.0,
) -> Faults:
    """Draw the faults of a chip, each cell and line on its own.

    Parameters
    ----------
    rows, columns : int
        Size, spare columns included (see `Macro.physical_shape`).
    rng : numpy.random.Generator
        Source of randomness.
    stuck_at_0, stuck_at_1 : float
        Probability of each for a cell. [1]
    dead_rows, dead_columns : float
        Probability for a line. [1]

    Returns
    -------
    Faults
        The faults.

    Raises
    ------
    InputError
        If a size or a probability is not one, or both of a cell exceed 1 together.
    """
    check_generator(rng)
    rows, columns = whole_number("rows", rows, 1), whole_number("columns", columns, 1)
    rates = {"stuck_at_0": stuck_at_0, "stuck_at_1": stuck_at_1, "dead_rows": dead_rows, "dead_columns": dead_columns}
    for name, rate in rates.items():
        if isinstance(rate, str) or not 0.0 <= rate <= 1.0:
            raise InputError(f"{name} is {rate!r}; allowed is a probability from 0 to 1")
    if stuck_at_0 + stuck_at_1 > 1.0:
        raise InputError(
            f"stuck_at_0 + stuck_at_1 is {stuck_at_0 + stuck_at_1:g}; allowed is a probability from 0 to 1"
        )
    cell = rng.random((rows, columns))
    return Faults(
        cell < stuck_at_0,
        cell >= 1.0 - stuck_at_1,
        rng.random(rows) < dead_rows,
        rng.random(columns) < dead_columns,
    )


def repair_map(faults: Faults, columns: int, significances: ArrayLike | None = None) -> np.ndarray:
    """Put spare columns in the place of the worst ones.

    Parameters
    ----------
    faults : Faults
        The faults; columns from `columns` on are spares.
    columns : int
        Columns in use.
    significances : array_like, shape (columns,), optional
        What an error in a column counts for; all the same without it. [1]

    Returns
    -------
    ndarray of int, shape (columns,)
        Physical column of each column in use. The worst column takes the best spare, as long as that is better.

    Raises
    ------
    InputError
        If the sizes do not fit.
    """
    if not isinstance(faults, Faults):
        raise InputError(f"faults is {faults!r}; allowed is Faults(...)")
    columns = whole_number("columns", columns, 1, faults.shape[1])
    weight = np.ones(columns) if significances is None else np.abs(np.asarray(significances, dtype=float))
    if weight.shape != (columns,):
        raise InputError(f"significances have shape {weight.shape}; allowed is ({columns},)")
    # A dead line is worse than any number of stuck cells.
    count = (faults.stuck_at_0 | faults.stuck_at_1).sum(axis=0) + (faults.shape[0] + 1) * faults.dead_columns
    where = np.arange(columns)
    spares = columns + np.argsort(count[columns:], kind="stable")
    worst = np.argsort(-count[:columns] * weight, kind="stable")
    for column, spare in zip(worst, spares, strict=False):
        if count[spare] < count[column]:
            where[column] = spare
    return where


def _flags(name: str, values: ArrayLike) -> np.ndarray:
    """Bring what is broken to an array of bool; 0 and 1 will do."""
    try:
        flags = np.asarray(values)
        good = flags.dtype.kind in "biuf" and bool(np.all((flags == 0) | (flags == 1)))
    except ValueError:
        good = False
    if not good:
        raise InputError(f"faults: {name} must be an array of bool")
    return flags.astype(bool)
