"""Reading back the folder that a run of a study wrote."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from circuitsnn.errors import InputError
from circuitsnn.study.claims import Claim
from circuitsnn.study.report.figure_file import FigureFile, read_svg

if TYPE_CHECKING:
    from pandas import DataFrame

Checked = TypeVar("Checked", bound=BaseModel)

_MEND = "run the study again, or name another run's folder"
_WANTED = "allowed is a folder that `circuitsnn run` wrote, or a sweep's file"


class _File(BaseModel):
    # Fields of a later version are let pass; those that are here must be as they are written here.
    model_config = ConfigDict(extra="ignore", strict=False)


class UsedParameter(_File):
    """A parameter of the study, as the run had it."""

    value: bool | int | float | str | list[bool | int | float | str]
    """Its value. [`unit`]"""
    unit: str
    """SI unit; "1" for none."""
    meaning: str = ""
    """One line of meaning; "" in folders of versions before 0.2."""


class UsedCard(_File):
    """A device card, with the values that the run had."""

    name: str
    """Its name."""
    title: str = ""
    """What the device is."""
    source: str = ""
    """What the card as a whole rests on."""
    parameters: dict[str, dict[str, Any]]
    """Value, unit, meaning, source and spread of each parameter, by its name."""
    parts: dict[str, "UsedCard"] = {}
    """Cards that it is built from, by the part's name."""


class Summary(_File):
    """What summary.json holds: the question and the answer."""

    study: str
    """The study's name."""
    title: str
    """One line."""
    source: str
    """DOI of the paper; "" for none."""
    about: str = ""
    """What the study asks, in paragraphs."""
    quick: bool
    """Whether it was the quick form."""
    seed: int
    """Seed of all randomness."""
    claims: list[Claim]
    """The claims."""
    parameters: dict[str, UsedParameter]
    """Parameters by name."""


class Provenance(_File):
    """What provenance.json holds: how the answer came about."""

    study_file: str | None = None
    """Path of the study's file where it is none of the package's."""
    versions: dict[str, str]
    """Versions of the package, of Python and of the libraries."""
    commit: str | None
    """Commit of the checkout; a "+" says that files differed from it. None without a checkout."""
    platform: str
    """Operating system and processor."""
    command: str
    """The command as it was given."""
    settings: dict[str, str]
    """What ``--set`` said."""
    seed: int
    """Seed of all randomness."""
    jobs: int
    """Worker processes."""
    cards: dict[str, UsedCard]
    """Device cards by the names under which the study lists them."""
    date: str
    """When it ended, ISO 8601."""
    duration_s: float
    """Time that it took. [s]"""
    files: list[str]
    """Names of the files of the folder."""


@dataclass(frozen=True)
class Run:
    """A run of a study, read from its folder."""

    folder: Path
    """Where it lies."""
    summary: Summary
    """The question and the answer."""
    provenance: Provenance
    """How the answer came about."""
    figures: Mapping[str, Path]
    """The figures' files by name: SVG, or PNG where there is no SVG."""
    tables: Mapping[str, Path]
    """The tables' Parquet files by name, "results" first."""

    @property
    def command(self) -> str:
        """The command that does the same again."""
        import shlex

        words = ["circuitsnn", "run", self.provenance.study_file or self.summary.study]
        if self.summary.quick:
            words.append("--quick")
        for name, value in self.provenance.settings.items():
            words += ["--set", f"{name}={value}"]
        return shlex.join([*words, "--seed", str(self.summary.seed)])

    def table(self, name: str) -> "DataFrame":
        """Read one of the tables.

        Parameters
        ----------
        name : str
            Its name, a key of `tables`.

        Returns
        -------
        pandas.DataFrame
            The table; units by column in ``attrs["units"]``.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        import pandas as pd

        try:
            return pd.read_parquet(self.tables[name])
        except (OSError, ValueError) as error:
            raise _damaged(self.tables[name], _first_line(error)) from error

    def figure(self, name: str) -> FigureFile:
        """Read one of the figures.

        Parameters
        ----------
        name : str
            Its name, a key of `figures`.

        Returns
        -------
        FigureFile
            The file, and what it says of itself.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        path = self.figures[name]
        content = path.read_bytes()
        if path.suffix == ".png":
            if not content.startswith(b"\x89PNG\r\n"):
                raise _damaged(path, "it is no PNG picture")
            return FigureFile(content, "image/png", "", None, coloured=True)
        try:
            return read_svg(content)
        except InputError as error:
            raise _damaged(path, str(error)) from error


def read_run(folder: str | Path) -> Run:
    """Read the folder of a run: its summary and provenance, and which figures and tables there are.

    Parameters
    ----------
    folder : path-like
        The folder.

    Returns
    -------
    Run
        The run.

    Raises
    ------
    InputError
        If there is no such folder, another program's files are in it, or it is damaged or incomplete.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; {_WANTED}")
    path = folder / "provenance.json"
    if not path.is_file():
        raise InputError(f"{folder} holds no run, for it has no provenance.json; {_WANTED}")
    given = _read_json(path)
    if given.get("made_by") != "circuitsnn":
        raise InputError(f"{path} was not written by circuitsnn; {_WANTED}")
    provenance = _check(path, Provenance, given)
    for name in provenance.files:
        if Path(name).name != name:
            raise _damaged(path, f"its list of files has {name!r}, which is no file of the folder")
        if not (folder / name).is_file():
            raise InputError(f"{folder} is incomplete: {name} is missing; {_MEND}")
    if "summary.json" not in provenance.files:
        raise _damaged(path, "its list of files lacks summary.json")
    path = folder / "summary.json"
    summary = _check(path, Summary, _read_json(path))
    return Run(
        folder=folder,
        summary=summary,
        provenance=provenance,
        figures=_by_name(folder, provenance.files, ".png") | _by_name(folder, provenance.files, ".svg"),
        tables=dict(sorted(_by_name(folder, provenance.files, ".parquet").items(), key=_results_first)),
    )


def _results_first(item: tuple[str, Path]) -> tuple[bool, str]:
    return item[0] != "results", item[0]


def _by_name(folder: Path, files: list[str], suffix: str) -> dict[str, Path]:
    return {Path(name).stem: folder / name for name in sorted(files) if name.endswith(suffix)}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(path, f"no JSON, {_first_line(error)}") from error
    if not isinstance(given, dict):
        raise _damaged(path, "it holds no JSON object")
    return given


def _check(path: Path, kind: type[Checked], given: dict[str, Any]) -> Checked:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _damaged(path, f"{where}: {first['msg']}") from error


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path} is damaged: {why}; {_MEND}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
