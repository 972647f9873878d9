"""Reading back the file of a sweep: its store, or the Parquet file of its table."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from circuitsnn.errors import InputError
from circuitsnn.study.store import read_about, read_store

if TYPE_CHECKING:
    from pandas import DataFrame

_WANTED = "allowed is a store of `sweep`, or a Parquet file of the table that it returned"
_OWN = ("seed", "status", "error", "duration")


class MadeWith(BaseModel):
    """How a store was begun."""

    model_config = ConfigDict(extra="ignore")

    command: str
    """The command."""
    date: str
    """When, ISO 8601."""
    platform: str
    """Operating system and processor."""
    python: str
    """Version of Python."""
    numpy: str
    """Version of NumPy."""


class About(BaseModel):
    """What the trials are of. Files of versions before 0.2 do not say all of it."""

    model_config = ConfigDict(extra="ignore")

    function: str = ""
    """Name of the function; "" where the file does not say."""
    source: str = ""
    """Digest of its source; "" where there was no store."""
    version: str = ""
    """Version of circuitsnn; "" where the file does not say."""
    seed: int | None = None
    """Seed of all randomness."""
    rows: int | None = None
    """Rows of the plan."""
    trials: int | None = None
    """Trials of each row."""
    reads: int | None = None
    """Reads of each chip."""
    common: bool = False
    """Whether all rows meet the same chips."""
    made_with: MadeWith | None = None
    """How the store was begun."""


@dataclass(frozen=True, eq=False)
class SweepFile:
    """A sweep, read from its file."""

    file: Path
    """Where it lies."""
    trials: "DataFrame"
    """The trials, as `circuitsnn.study.sweep.sweep` returns them."""
    about: About
    """What they are of."""
    is_store: bool
    """Whether the file is a store, from which the sweep can go on."""

    @property
    def command(self) -> str:
        """The command by which the store was begun; "" where it says nothing, such as of a session typed by hand."""
        command = self.about.made_with.command if self.about.made_with is not None else ""
        return command if command.strip("'-c ") else ""

    @property
    def parameters(self) -> list[str]:
        """Names of the plan's parameters."""
        return list(self.trials.attrs["parameters"])

    @property
    def answers(self) -> list[str]:
        """Names of what the function answered."""
        others = {*self.parameters, "chip", "read", *_OWN}
        return [name for name in self.trials if name not in others]

    @property
    def planned(self) -> int | None:
        """Number of trials that the plan asks for, at most; None where the file does not say."""
        counts = (self.about.rows, self.about.trials, self.about.reads)
        return None if None in counts else counts[0] * counts[1] * counts[2]

    @property
    def numbered(self) -> "DataFrame":
        """The trials with their numbers as the first column, "trial" unless one is called so already."""
        name = "trial" if "trial" not in self.trials else "trial number"
        table = self.trials.reset_index(names=name)
        table.attrs = self.trials.attrs
        return table

    def unit(self, name: str) -> str:
        """Give a column's unit.

        Parameters
        ----------
        name : str
            The column.

        Returns
        -------
        str
            SI unit; "1" for none.
        """
        units = self.trials.attrs.get("units")
        unit = units.get(name, "1") if isinstance(units, dict) else "1"
        return "1" if unit == "text" else str(unit)


def is_sweep(path: str | os.PathLike) -> bool:
    """Tell whether something is a file, as a sweep's is and a run's is not.

    Parameters
    ----------
    path : path-like
        What a user named.

    Returns
    -------
    bool
        Whether it is a file.
    """
    return Path(path).is_file()


def read_sweep(path: str | os.PathLike) -> SweepFile:
    """Read a sweep's file.

    Parameters
    ----------
    path : path-like
        A store, also while a sweep fills it, or a Parquet file of what `sweep` returned.

    Returns
    -------
    SweepFile
        The sweep.

    Raises
    ------
    InputError
        If the file is neither, or damaged.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; {_WANTED}") from error
    is_store = start.startswith(b"SQLite format 3")
    if not is_store and not start.startswith(b"PAR1"):
        raise InputError(f"{path} is no file of a sweep; {_WANTED}")
    trials = read_store(path) if is_store else _read_parquet(path)
    stated = read_about(path) if is_store else trials.attrs.get("sweep", {})
    if is_store and "plan" not in stated:
        raise InputError(f"{path} keeps the unfinished work of a study, and no sweep; {_WANTED}")
    missing = [name for name in (*trials.attrs["parameters"], *_OWN) if name not in trials]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}; {_WANTED}")
    if not len(trials):
        raise InputError(f"{path} holds no trials yet; start the sweep that fills it, or name another file")
    try:
        about = About.model_validate(stated)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{path} is damaged: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return SweepFile(path, trials, about, is_store)


def _read_parquet(path: Path) -> "DataFrame":
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged: {(str(error).splitlines() or ['no table'])[0]}; {_WANTED}") from error
    parameters = frame.attrs.get("parameters")
    if not isinstance(parameters, list) or not all(isinstance(name, str) for name in parameters):
        raise InputError(f"{path} is no table of a sweep: it names no parameters; {_WANTED}")
    if frame.index.name != "trial" and "trial" in frame and "trial" not in parameters:
        return frame.set_index("trial")
    return frame if frame.index.is_unique else frame.reset_index(drop=True)
