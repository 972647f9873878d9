"""Unfinished runs of studies: a folder with what is done, for the same command to go on from."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from circuitsnn.errors import InputError
from circuitsnn.study.fingerprint import fingerprint
from circuitsnn.study.store import is_empty

__all__ = ["Unfinished", "unfinished_folder"]


def unfinished_folder(folder: str | os.PathLike) -> Path:
    """Name the folder where a run keeps what is done until it is finished.

    Parameters
    ----------
    folder : path-like
        The run's folder.

    Returns
    -------
    Path
        A folder beside it.
    """
    folder = Path(folder)
    return folder.with_name(f"{folder.name}.unfinished")


class Unfinished:
    """The folder NAME.unfinished beside the folder NAME of a run, with a store for each part of its work.

    A store is named after what its work is: function, items, parameters, seed. So a run with other settings, or of a
    study that was edited, finds none of its own there and leaves those of others alone; an edit that does not touch
    that work, such as to a picture, changes no name.

    Parameters
    ----------
    folder : path-like
        The run's folder.
    settings : object
        Whatever else its work depends on.
    """

    def __init__(self, folder: str | os.PathLike, settings: Any):
        self.folder = unfinished_folder(folder)
        self._settings = settings
        self._used: dict[Path, bool] = {}  # and whether they were there before

    def store(self, label: str, work: Any) -> Path | None:
        """Name the store of a part of the work.

        Parameters
        ----------
        label : str
            What is being done.
        work : object
            What it depends on.

        Returns
        -------
        Path or None
            The file; None if the work has no fingerprint, so that it could not be told from other work.
        """
        try:
            digest = fingerprint([self._settings, work])
        except InputError:
            return None
        name = re.sub(r"\W+", "-", label).strip("-") or "work"
        path = self.folder / f"{name}-{digest[:16]}.db"
        self._used.setdefault(path, path.exists())
        return path

    def discard(self) -> None:
        """Delete the stores that this run has used: it is finished, and its tables tell what was found."""
        self._delete(self._used)

    def give_up(self, wrong_input: bool) -> None:
        """Keep what is done, as far as the same command can go on from it.

        Parameters
        ----------
        wrong_input : bool
            Whether the run ended for wrong input: then what it has begun goes, since it would end there again.
        """
        self._delete([path for path, before in self._used.items() if is_empty(path) or (wrong_input and not before)])

    def _delete(self, paths: Any) -> None:
        for path in paths:
            for suffix in ("", "-wal", "-shm", ".lock"):
                with suppress(OSError):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()  # unless it holds the work of others
