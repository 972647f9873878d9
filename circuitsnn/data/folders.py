"""Where the files of a data set lie on this machine."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from circuitsnn.data.catalogue import CATALOGUE, DataSet
from circuitsnn.errors import InputError

__all__ = ["CIFAR10_BATCHES", "FOLDER_VARIABLE", "Holding", "holdings", "how_to_get", "keeping_folder", "locate"]

FOLDER_VARIABLE = "CIRCUITSNN_DATA"
CIFAR10_BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")


@dataclass(frozen=True)
class Holding:
    """Whether a data set is at hand.

    Parameters
    ----------
    name, title : str
        The data set.
    place : str or None
        Where it was found; None if it was not.
    advice : str
        If it was not found, how to get it; else empty.
    """

    name: str
    title: str
    place: str | None
    advice: str


def holdings(folder: str | os.PathLike | None = None) -> tuple[Holding, ...]:
    """Look which data sets are at hand.

    Parameters
    ----------
    folder : path-like, optional
        Folder to look in, as `load` does.

    Returns
    -------
    tuple of Holding
        One for each data set, in the catalogue's order. Files are looked for, not opened.
    """
    found = []
    for one in CATALOGUE:
        if one.files:
            files = locate(one, folder)
            place = str(files[0].parent) if files else None
            advice = how_to_get(one, folder)
        else:
            package = "sklearn" if one.format == "scikit-learn" else one.format
            place = f"the package {one.format}" if find_spec(package) else None
            advice = f"pip install {one.format}"
        found.append(Holding(one.name, one.title, place, "" if place else advice))
    return tuple(found)


def keeping_folder(folder: str | os.PathLike | None = None) -> Path:
    """Name the folder that data sets are fetched to.

    Parameters
    ----------
    folder : path-like, optional
        A folder that the caller chose.

    Returns
    -------
    Path
        `folder`, or the one that CIRCUITSNN_DATA names, or the user's cache.
    """
    given = os.fspath(folder) if folder is not None else os.environ.get(FOLDER_VARIABLE)
    return Path(given).expanduser() if given else _cache_folder()


def _cache_folder() -> Path:
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    # A relative XDG_CACHE_HOME is to be ignored (XDG Base Directory Specification).
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "circuitsnn"


def locate(one: DataSet, folder: str | os.PathLike | None = None) -> tuple[Path, ...] | None:
    """Find the files of a data set.

    Parameters
    ----------
    one : DataSet
        The data set.
    folder : path-like, optional
        Where to look; without it: the folder that CIRCUITSNN_DATA names, the user's cache, the operating system's.

    Returns
    -------
    tuple of Path or None
        The files, in the data set's order (CIFAR-10: the archive alone, or the six batches). None if any is missing.

    Raises
    ------
    InputError
        If `folder` is a file.
    """
    for place in _places(one, folder):
        files = _files_in(place, one)
        if files:
            return files
    return None


def _places(one: DataSet, folder: str | os.PathLike | None) -> Iterator[Path]:
    """List the folders that may hold a set's files."""
    if folder is not None:
        root = keeping_folder(folder)
        if root.exists() and not root.is_dir():
            raise InputError(f"folder is {str(root)!r}, a file; allowed is a folder")
        yield from _below(root, one)
        yield root  # whoever names a folder says what is in it
        return
    roots = [keeping_folder(), _cache_folder()]
    for root in dict.fromkeys(roots):
        yield from _below(root, one)
        if one.loose:
            yield root
    yield from one.system_folders


def _below(root: Path, one: DataSet) -> Iterator[Path]:
    for name in one.folders:
        below: Path | None = root
        for part in name.split("/"):
            below = _entry(below, part) if below is not None else None
        if below is not None:
            yield below


def _files_in(folder: Path, one: DataSet) -> tuple[Path, ...] | None:
    ways = [tuple(file.name for file in one.files)]
    if one.format == "cifar10":
        ways.insert(0, CIFAR10_BATCHES)
    for way in ways:
        files = [
            _entry(folder, name) or (_entry(folder, name[:-3]) if name.endswith("-ubyte.gz") else None) for name in way
        ]
        if all(file is not None and file.is_file() for file in files):
            return tuple(file for file in files if file is not None)
    return None


def _entry(folder: Path, name: str) -> Path | None:
    """Find what is called so in a folder, whatever its case, hyphens, underscores and dots."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return None
    exact = folder / name
    return exact if exact in entries else next((one for one in entries if _plain(one.name) == _plain(name)), None)


def _plain(name: str) -> str:
    return name.lower().translate(str.maketrans("", "", "-_. "))


def how_to_get(one: DataSet, folder: str | os.PathLike | None = None) -> str:
    """Say which files to put where.

    Parameters
    ----------
    one : DataSet
        The data set.
    folder : path-like, optional
        The folder that the caller chose.

    Returns
    -------
    str
        The advice.
    """
    files = ", ".join(file.name for file in one.files)
    if one.format == "cifar10":
        files += f" (or its {CIFAR10_BATCHES[0]} to {CIFAR10_BATCHES[-1]}; the Python version is pickled and not read)"
    return (
        f"put {files} into {keeping_folder(folder) / one.name}, name another folder by folder= or {FOLDER_VARIABLE}, "
        "or fetch them: download=True, or the command 'circuitsnn data fetch'"
    )
