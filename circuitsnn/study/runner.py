"""Running a study: settings in, a folder with claims, tables, figures and provenance out."""

import difflib
import inspect
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

import circuitsnn
from circuitsnn.cards import Card, load_card
from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError, StudyError
from circuitsnn.figures import house_style, save_figure
from circuitsnn.progress import Progress, ignore_progress
from circuitsnn.resources import resource_folder
from circuitsnn.study.claims import Claim
from circuitsnn.study.context import StudyContext
from circuitsnn.study.definition import Outcome, Study, Value
from circuitsnn.study.executors import Executor, open_executor
from circuitsnn.study.registry import load_module, worker_module
from circuitsnn.study.unfinished import Unfinished

_PROVENANCE = "provenance.json"


@dataclass(frozen=True)
class StudyResult:
    """What a run of a study found, and where it lies."""

    study: Study
    """The study."""
    parameters: Mapping[str, Value]
    """Parameter values that were used. [SI]"""
    claims: tuple[Claim, ...]
    """The claims."""
    tables: Mapping[str, pd.DataFrame]
    """The tables by name; the main one is "results"."""
    figures: tuple[Path, ...]
    """PNG files of the figures; an SVG file lies beside each."""
    folder: Path
    """The run's folder."""
    seed: int
    """Seed of all randomness."""
    quick: bool
    """Whether it was the quick form."""
    duration: float
    """Time that it took. [s]"""

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain data: what summary.json holds, and the folder, files and duration.

        Returns
        -------
        dict
            Names, texts, numbers, lists and dictionaries only; numbers that are not finite are texts.
        """
        return _plain(
            {
                **_summary(self.study, self.parameters, self.claims, self.seed, self.quick),
                "duration_s": self.duration,
                "folder": str(self.folder),
                "figures": [str(path) for path in self.figures],
                "tables": [str(self.folder / f"{name}.parquet") for name in self.tables],
            }
        )


def run_study(
    study: Study,
    *,
    quick: bool = False,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    jobs: int = 1,
    out: str | os.PathLike | None = None,
    progress: Progress | None = None,
    executor: str | Executor | None = None,
) -> StudyResult:
    """Run a study and write what it finds into a folder, whole or not at all.

    The folder gets summary.json (claims, parameters), results.parquet and further tables, each figure as
    SVG and PNG, and provenance.json (versions, cards, seed, command, date). The answers depend on the
    settings and the seed only, not on where the work is done.

    While the run lasts, what is done is kept in a folder NAME.unfinished beside it. The same call goes on from there
    after an interruption of any kind, and several processes that make the same call at a time share out the work.

    Parameters
    ----------
    study : Study
        The study, from `load_study`.
    quick : bool
        Whether to run its quick form.
    settings : mapping, optional
        Values by name, as text ("15k") or of the parameter's type. ``card`` (a name or path) takes the place
        of the study's first device card, ``card.R_S`` overrides one of that card's parameters.
    seed : int, optional
        Seed of all randomness; 0 unless told.
    jobs : int
        Number of worker processes; 1 for none.
    out : path-like, optional
        Folder to write; runs/NAME unless told. A run that is there already is replaced.
    progress : callable, optional
        Called with the share of the present step that is done, 0 to 1, and a text that says what it is.
    executor : str or Executor, optional
        Where the work is done, as `circuitsnn.study.executors.open_executor` reads it.

    Returns
    -------
    StudyResult
        What was found.

    Raises
    ------
    InputError
        If a setting is wrong or the folder cannot be written; nothing is computed then.
    StudyError
        If the study could not be brought to its end.
    """
    settings = dict(settings or {})
    seed = whole_number("seed", 0 if seed is None else seed, 0)
    jobs = whole_number("jobs", jobs, 1)
    cards = _read_cards(study, settings)
    parameters = _read_parameters(study, settings, quick)
    folder = Path("runs", study.name) if out is None else Path(out)
    unfinished = Unfinished(folder.resolve(), [study.name, parameters, cards, seed, quick, circuitsnn.__version__])
    with (
        _replacing_folder(folder) as draft,
        _kept_on_failure(unfinished),
        _opened(executor, jobs, study) as workers,
        house_style(),
    ):
        context = StudyContext(
            parameters=parameters,
            cards=cards,
            seed=seed,
            jobs=jobs,
            quick=quick,
            progress=progress or ignore_progress,
            module=worker_module(study),
            executor=workers,
            unfinished=unfinished,
        )
        started = time.perf_counter()
        outcome = _run(study, context)
        duration = time.perf_counter() - started
        _write_json(draft / "summary.json", _summary(study, parameters, outcome.claims, seed, quick))
        for name, table in outcome.tables.items():
            table.to_parquet(draft / f"{name}.parquet")
        for name, figure in outcome.figures.items():
            save_figure(figure, draft, name)
        files = sorted([*(path.name for path in draft.iterdir()), _PROVENANCE])
        provenance = {**_provenance(study, context, settings, duration), "files": files}
        _write_json(draft / _PROVENANCE, provenance)
    # Only now that the run is in its place; its tables tell what the stores did.
    unfinished.discard()
    return StudyResult(
        study=study,
        parameters=parameters,
        claims=outcome.claims,
        tables=outcome.tables,
        figures=tuple(folder / f"{name}.png" for name in outcome.figures),
        folder=folder,
        seed=seed,
        quick=quick,
        duration=duration,
    )


@contextmanager
def _kept_on_failure(unfinished: Unfinished) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        unfinished.give_up(wrong_input=isinstance(error, InputError))
        raise


def _opened(executor: str | Executor | None, jobs: int, study: Study) -> AbstractContextManager[Executor]:
    if isinstance(executor, Executor):  # whoever opened it closes it
        return nullcontext(executor)
    module = worker_module(study)
    return open_executor(executor, jobs, initialise=None if module is None else partial(load_module, *module))


def _run(study: Study, context: StudyContext) -> Outcome:
    try:
        return study.run(context)
    except (InputError, StudyError):
        raise
    except Exception as error:
        raise StudyError(f"study {study.name} failed: {type(error).__name__}: {error}") from error


def _read_cards(study: Study, settings: Mapping[str, Any]) -> dict[str, Card]:
    """Load the study's cards; the first may be another one, with other values."""
    overrides = {name.removeprefix("card."): value for name, value in settings.items() if name.startswith("card.")}
    if not study.cards:
        if overrides or "card" in settings:
            raise InputError(f"study {study.name} uses no device card; allowed: {_allowed(study)}")
        return {}
    first, *others = study.cards
    return {
        first: load_card(settings.get("card", first)).replace(**overrides),
        **{name: load_card(name) for name in others},
    }


def _read_parameters(study: Study, settings: Mapping[str, Any], quick: bool) -> dict[str, Value]:
    known = {parameter.name: parameter for parameter in study.parameters}
    for name in settings:
        if name not in known and name != "card" and not name.startswith("card."):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise InputError(f"study {study.name} has no parameter {name!r}; {hint}allowed: {_allowed(study)}")
    values = {}
    for name, parameter in known.items():
        usual = parameter.quick if quick and parameter.quick is not None else parameter.default
        values[name] = parameter.read(settings.get(name, usual))
    return values


def _allowed(study: Study) -> str:
    names = [parameter.name for parameter in study.parameters]
    if study.cards:
        names += ["card", *(f"card.{name}" for name in load_card(study.cards[0]).parameters)]
    return ", ".join(names) or "none"


def _summary(
    study: Study, parameters: Mapping[str, Value], claims: tuple[Claim, ...], seed: int, quick: bool
) -> dict[str, Any]:
    return {
        "study": study.name,
        "title": study.title,
        "source": study.source,
        "about": _about(study),
        "quick": quick,
        "seed": seed,
        "holds": all(claim.holds for claim in claims),
        "claims": [asdict(claim) for claim in claims],
        "parameters": {
            parameter.name: {
                "value": parameters[parameter.name],
                "unit": parameter.unit,
                "meaning": parameter.meaning,
            }
            for parameter in study.parameters
        },
    }


def _about(study: Study) -> str:
    """Say what the study asks, as the docstring of its file does."""
    module = sys.modules.get(study.run.__module__)
    return (inspect.getdoc(module) or "") if getattr(module, "__file__", None) else ""


def _provenance(study: Study, context: StudyContext, settings: Mapping[str, Any], duration: float) -> dict[str, Any]:
    libraries = ("numpy", "scipy", "numba", "pandas", "matplotlib", "pyarrow")
    return {
        "made_by": "circuitsnn",
        "study_file": _own_file(study),
        "versions": {
            "circuitsnn": circuitsnn.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in libraries},
        },
        "commit": _commit(),
        "platform": platform.platform(),
        "command": shlex.join(sys.argv),
        "settings": {name: str(value) for name, value in settings.items()},
        "quick": context.quick,
        "seed": context.seed,
        "jobs": context.jobs,
        "cards": {listed: _card(card) for listed, card in context.cards.items()},
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "duration_s": duration,
    }


def _own_file(study: Study) -> str | None:
    """Path of a user's own study; None for one of the package's."""
    module = worker_module(study)
    if module is None or Path(module[1]).parent == resource_folder("studies").resolve():
        return None
    return module[1]


def _card(card: Card) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "source": card.source,
        "parameters": {name: asdict(parameter) for name, parameter in card.parameters.items()},
        "parts": {name: _card(part) for name, part in card.parts.items()},
    }


def _commit() -> str | None:
    """Name the git commit of the checkout that the package runs from; "+" says that files differ from it."""
    root = Path(circuitsnn.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        answers = [
            subprocess.run(
                ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain"))
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return answers[0] + ("+" if answers[1] else "")


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    text = json.dumps(_plain(data), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _plain(data: Any) -> Any:
    """Turn data into what JSON can hold: it knows no NaN and no infinity."""
    if isinstance(data, Mapping):
        return {str(name): _plain(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(value) for value in data]
    if isinstance(data, float) and not isfinite(data):
        return str(data)
    return data


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """Lend a folder beside `folder`: it takes the place of `folder` at the end, or goes if the body fails."""
    folder = folder.resolve()
    _check_replaceable(folder)
    draft = folder.parent / f".{folder.name}-{uuid4().hex[:8]}"
    missing_parents = [parent for parent in folder.parents if not parent.exists()]
    try:
        draft.mkdir(parents=True)
        yield draft
        _check_replaceable(folder)
        old = draft.with_name(draft.name + "-old")
        if folder.exists():
            folder.rename(old)
        try:
            draft.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        for parent in missing_parents:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        if isinstance(error, OSError):
            raise _unwritable(folder, error) from error
        raise


def _check_replaceable(folder: Path) -> None:
    """Raise unless `folder` is free, empty or a former run with nothing else in it."""
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise InputError(f"output folder {folder} is a file; name a folder")
        present = {path.name for path in folder.iterdir()}
        ours = _files_of_run(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if present and not ours:
        raise InputError(f"output folder {folder} holds other files and no run; name a new or empty folder")
    if present - ours:
        raise InputError(
            f"output folder {folder} holds a run and also {min(present - ours)!r}, which would be "
            "lost; name another folder"
        )


def _files_of_run(folder: Path) -> set[str]:
    try:
        provenance = json.loads((folder / _PROVENANCE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return set()
    ours = isinstance(provenance, dict) and provenance.get("made_by") == "circuitsnn"
    return set(provenance.get("files", ())) if ours else set()


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"output folder {folder} cannot be written: {error.strerror or error}; name a folder where you may write"
    )
