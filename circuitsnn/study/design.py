"""Design search: which parameters serve one or several aims best, by Optuna, and what each aim costs the others."""

import contextlib
import inspect
import json
import logging
import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError, StudyError
from circuitsnn.progress import Progress, reporting
from circuitsnn.quantities import read_quantity
from circuitsnn.status import Status
from circuitsnn.study.fingerprint import fingerprint, name_of
from circuitsnn.study.plans import Range, read_ranges
from circuitsnn.study.sweep import resumption

if TYPE_CHECKING:
    import optuna
    from matplotlib.figure import Figure

__all__ = ["DesignSearch", "Goal", "Range", "optimise"]

Goal = Literal["minimise", "maximise"]
"""Which way an aim shall go."""

_GOALS: dict[str, str] = {"minimise": "minimize", "maximise": "maximize"}
_FORMAT = 1  # of what the store holds beside Optuna's own tables
_NAME = "design search"
_SETTINGS = "circuitsnn"
_OUTCOME = "outcome"  # set just before a design is filed; a failed trial without it was interrupted
_LATE = 0.25  # share of the designs among whose last no better one may be found, in a search that has ended


@dataclass(frozen=True, eq=False)
class DesignSearch:
    """What a design search found."""

    table: pd.DataFrame
    """One row a design, in the order tried: its parameters, what the objective returned, and `feasible`, `front`
    (whether no feasible design is better in one aim without being worse in another), `status` ("ok", "pruned" or
    "raised"), `error` and `duration` [s]. Units in ``attrs["units"]``."""
    parameters: tuple[str, ...]
    """Names of the design parameters."""
    goals: Mapping[str, Goal]
    """The aims and which way each shall go."""
    status: Status
    """"searched", "still improving" or "nothing feasible", and what to do about it."""

    @property
    def front(self) -> pd.DataFrame:
        """The rows of the Pareto front, by the first aim from best to worst."""
        name, goal = next(iter(self.goals.items()))
        return self.table[self.table["front"]].sort_values(name, ascending=goal == "minimise", kind="stable")

    @property
    def best(self) -> dict[str, Any]:
        """Design with the best value of the first aim: its parameters by name, ready to be passed on.

        Raises
        ------
        StudyError
            If no design is feasible.
        """
        if self.front.empty:
            raise StudyError(f"there is no best design: {self.status}")
        row = self.front.iloc[0]
        # A column of whole numbers may have become one of floats in the row.
        return {name: self.table[name].loc[row.name] for name in self.parameters}

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def figure(self, x: str | None = None, y: str | None = None) -> "Figure":
        """Draw the front of two aims, or with a single aim how it got better.

        Parameters
        ----------
        x, y : str, optional
            Aims along the axes; the first two unless told.

        Returns
        -------
        matplotlib.figure.Figure
            All feasible designs, with the front (or the best so far) as a line.

        Raises
        ------
        InputError
            If there is no such aim.
        """
        from circuitsnn.figures import PALETTE, new_figure

        figure, axes = new_figure(width=9, height=7)
        feasible = self.table[self.table["feasible"]]
        units = self.table.attrs.get("units", {})

        def label(name: str) -> str:
            return f"{name} [{units.get(name, '-')}]"

        if len(self.goals) == 1 and x is None and y is None:
            (name, goal), run = next(iter(self.goals.items())), feasible
            best = run[name].cummin() if goal == "minimise" else run[name].cummax()
            axes.plot(run.index, run[name], "o", color=PALETTE[5], label="design")
            axes.step(run.index, best, where="post", color=PALETTE[0], label="best so far")
            axes.set(xlabel="design", ylabel=label(name))
        else:
            names = list(self.goals)
            x, y = x or names[0], y or next((name for name in names if name != (x or names[0])), names[0])
            for name in (x, y):
                if name not in self.goals:
                    raise InputError(f"there is no aim {name!r}; allowed: {', '.join(names)}")
            pair = {name: self.goals[name] for name in dict.fromkeys((x, y))}
            front = feasible[_front(feasible, pair)].sort_values(x)
            axes.plot(feasible[x], feasible[y], "o", color=PALETTE[5], label="design")
            axes.plot(front[x], front[y], "o-", color=PALETTE[0], label="front")
            axes.set(xlabel=label(x), ylabel=label(y))
        axes.legend()
        return figure


def optimise(
    objective: Callable[..., Any],
    space: Mapping[str, Range | tuple | list],
    *,
    goals: Mapping[str, Goal] | Goal = "minimise",
    limits: Mapping[str, tuple[float | None, float | None]] | None = None,
    trials: int = 100,
    start: Sequence[Mapping[str, Any]] = (),
    startup: int = 10,
    prune: bool = False,
    seed: int = 0,
    store: str | os.PathLike | None = None,
    units: Mapping[str, str] | None = None,
    progress: Progress | bool | None = None,
) -> DesignSearch:
    """Search a space of designs for the best of one aim, or for the Pareto front of several.

    Designs are tried one after the other, in this process: the first ones as told or at random, each further one
    where Optuna's tree-structured Parzen estimator expects most of what is known so far. Work within a design can be
    shared out by the objective (`circuitsnn.study.sweep`).

    Each design's proposal depends on the results before it, the seed and its number only. A search with a store that
    was interrupted at any instant, kill -9 included, goes on with the design that it was at, and ends with the same
    table as one that was not, if the objective itself is reproducible (durations aside).

    Parameters
    ----------
    objective : callable
        Called with a design's parameters as keywords. Returns a number, or a mapping with a number for each goal and
        limit (None for a goal that a design beyond a limit does not have); further numbers, texts and truths go into
        the table. If it has a parameter `rng`, it gets a
        numpy.random.Generator, for each design its own; if it has `report`, a function ``report(step, value)`` to
        call with intermediate values when `prune` is set. What it raises is recorded; the search goes on.
    space : mapping of str to tuple, Range or list
        For each design parameter (lowest, highest) or a `circuitsnn.study.plans.Range`, whose ends may be texts such as
        "15 kΩ", or a list of values to choose from. [SI]
    goals : mapping of str to {"minimise", "maximise"}, or one of these
        The aims; one word for an objective that returns one number, called "value".
    limits : mapping of str to (low, high), optional
        What a feasible design must keep to; None for an open side. The search learns from those that do not.
    trials : int
        Number of designs in all, earlier ones in the store included. [-]
    start : sequence of mappings
        Designs to try first, with a value for every parameter (numbers, or texts such as "15k"), such as the present
        design. [SI]
    startup : int
        Number of designs, those of `start` included, before the first that is not random. [-]
    prune : bool
        Whether to give up a design early whose reports are worse than the median of earlier ones at the same step;
        with a single goal only.
    seed : int
        Seed of proposals and of the generators passed to the objective.
    store : path-like, optional
        SQLite file that keeps the search and resumes it, for one process at a time.
    units : mapping of str to str, optional
        Units of columns, kept in ``table.attrs["units"]`` and shown in pictures.
    progress : callable or bool, optional
        Called with the share done, 0 to 1, and a text; True for a bar where standard error is a terminal.

    Returns
    -------
    DesignSearch
        Table, front, best design, status, picture.

    Raises
    ------
    InputError
        If an argument is wrong, or the store holds another search or is in use; nothing is computed then.
    KeyboardInterrupt
        If interrupted (Ctrl-C), with what was done and how it goes on.
    StudyError
        If the store can no longer be written. What is in it is kept.

    References
    ----------
    T. Akiba et al., Optuna (2019), doi:10.1145/3292500.3330701. Y. Ozaki et al., Multiobjective tree-structured Parzen
    estimator (2022), doi:10.1613/jair.1.13188.
    """
    goals = _checked_goals(goals)
    limits = _checked_limits(limits or {})
    space, found_units = _checked_space(space, units)
    start = [_checked_design(design, space, found_units) for design in start]
    for name, value, least in (("trials", trials, 1), ("startup", startup, 1), ("seed", seed, 0)):
        whole_number(name, value, least)
    if prune and len(goals) > 1:
        raise InputError(f"prune is set with {len(goals)} goals; allowed is one goal with it")
    arguments = _arguments(objective, space)
    settings = {
        "format": _FORMAT,
        "objective": f"{name_of(objective)} {fingerprint(objective, strict=False)[:16]}",
        "space": {name: asdict(it) if isinstance(it, Range) else it for name, it in space.items()},
        "goals": goals,
        "limits": limits,
        "start": start,
        "startup": int(startup),
        "prune": bool(prune),
        "seed": int(seed),
    }
    with (
        _quiet_optuna() as optuna,
        _opened(optuna, store, settings) as study,
        reporting(progress, "searching") as report,
    ):
        search = _Search(optuna, study, objective, arguments, space, goals, limits, start, startup, prune, seed)
        try:
            search.run(trials, report)
        except KeyboardInterrupt:
            done = len(search.filed())
            raise KeyboardInterrupt(f"{done} of {trials} designs were tried; {resumption(store)}") from None
        return search.result(trials, found_units)


class _Search:
    """One search under way."""

    def __init__(self, optuna, study, objective, arguments, space, goals, limits, start, startup, prune, seed):
        self.optuna, self.study, self.objective, self.arguments = optuna, study, objective, arguments
        self.space, self.goals, self.limits = space, goals, limits
        self.start, self.startup, self.prune, self.seed = start, startup, prune, seed
        self.distributions = {name: _distribution(optuna, it) for name, it in space.items()}

    def run(self, trials: int, progress: Progress) -> None:
        for trial in self.study.get_trials(deepcopy=False):
            if not trial.state.is_finished():
                # The last process ended in the midst of it. A trial that failed without an outcome is one that
                # never was: its place is taken by the next, which gets the same seed and so the same design.
                self.study.tell(trial.number, state=self.optuna.trial.TrialState.FAIL)
        done = len(self.filed())
        while done < trials:
            progress(done / trials, f"designs: {done} of {trials}")
            self.one(done)
            done += 1
        progress(1.0, f"designs: {done} of {trials}")

    def filed(self) -> list["optuna.trial.FrozenTrial"]:
        """Trials that came to an end, in order."""
        return [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.is_finished() and _OUTCOME in trial.user_attrs
        ]

    def one(self, number: int) -> None:
        """Propose, try and file the design of this number."""
        proposal, chance = np.random.SeedSequence(self.seed, spawn_key=(number,)).spawn(2)
        sampler = self.optuna.samplers.TPESampler(
            seed=int(proposal.generate_state(1)[0]),
            n_startup_trials=self.startup,
            multivariate=True,
            constant_liar=False,
        )
        if number < len(self.start):
            sampler = self.optuna.samplers.PartialFixedSampler(self.start[number], sampler)
        self.study.sampler = sampler
        trial = self.study.ask(self.distributions)
        rng = np.random.default_rng(chance) if "rng" in self.arguments else None
        state, outcome, values = self._try(trial, rng)
        try:
            if state == self.optuna.trial.TrialState.COMPLETE:
                for name, violation in self._violations(outcome["values"]).items():
                    trial.set_constraint(name, violation)
            trial.set_user_attr(_OUTCOME, outcome)
            self.study.tell(trial, values, state=state)
        except self.optuna.exceptions.StorageInternalError as error:
            raise StudyError(f"the store can no longer be written: {_first_line(error)}") from error

    def _try(self, trial, rng) -> tuple:
        """Call the objective; return the trial's state, its outcome for the table, and the goals' values."""
        states = self.optuna.trial.TrialState
        design = {name: _plain(value) for name, value in trial.params.items()}
        extra = {} if rng is None else {"rng": rng}
        if "report" in self.arguments:
            extra["report"] = self._reporter(trial)
        begin = time.perf_counter()
        outcome: dict[str, Any] = {"status": "ok", "error": "", "values": {}}
        state, values = states.COMPLETE, None
        try:
            outcome["values"] = self._checked_answer(self.objective(**design, **extra))
            # Optuna asks for a number also where there is none, beyond a limit, and makes nothing of it there.
            values = [outcome["values"][name] or 0.0 for name in self.goals]
        except self.optuna.TrialPruned as error:
            outcome |= {"status": "pruned", "error": str(error)}
            state = states.PRUNED
        except Exception as error:
            outcome |= {"status": "raised", "error": f"{type(error).__name__}: {error}"}
            state = states.FAIL
        outcome["duration"] = time.perf_counter() - begin
        return state, outcome, values

    def _reporter(self, trial) -> Callable[[int, float], None]:
        def report(step: int, value: float) -> None:
            if self.prune:
                trial.report(float(value), step)
                if trial.should_prune():
                    raise self.optuna.TrialPruned(f"worse than the median at step {step}")

        return report

    def _checked_answer(self, answer: object) -> dict[str, Any]:
        values = dict(answer) if isinstance(answer, Mapping) else {"value": answer}
        values = {name: _plain(value) for name, value in values.items()}
        for name in [*self.goals, *self.limits]:
            if name not in values:
                raise InputError(f"the objective returned no {name!r}; it returned {', '.join(values) or 'nothing'}")
        for name in [*self.limits, *self.goals]:
            beyond = name not in self.limits and any(excess > 0.0 for excess in self._violations(values).values())
            if not (_is_finite(values[name]) or (beyond and values[name] is None)):
                allowed = "a finite number" + (", or None for a design beyond a limit" if self.limits else "")
                raise InputError(f"the objective returned {values[name]!r} for {name}; allowed is {allowed}")
        for name, value in values.items():
            if name in self.space or name in _OWN_COLUMNS:
                raise InputError(f"the objective returned {name!r}, which is a column already; rename it")
            if value is not None and not isinstance(value, (bool, int, float, str)):
                raise InputError(f"the objective returned {value!r} for {name}; allowed are numbers, texts and truths")
        return values

    def _violations(self, values: Mapping[str, float]) -> dict[str, float]:
        """How far a design lies beyond each limit; above 0 where it does."""
        return {
            name: max(
                -np.inf if low is None else low - values[name],
                -np.inf if high is None else values[name] - high,
            )
            for name, (low, high) in self.limits.items()
        }

    def result(self, trials: int, units: dict[str, str]) -> DesignSearch:
        rows = []
        for trial in self.filed()[:trials]:
            outcome = trial.user_attrs[_OUTCOME]
            feasible = outcome["status"] == "ok" and all(
                violation <= 0.0 for violation in self._violations(outcome["values"]).values()
            )
            design = {name: _plain(trial.params[name]) for name in self.space}
            last = {"feasible": feasible, "front": False}
            rows.append(
                design | outcome["values"] | last | {name: outcome[name] for name in ("status", "error", "duration")}
            )
        columns = dict.fromkeys(name for row in rows for name in row if name not in _OWN_COLUMNS)
        for name in self.goals:
            columns.setdefault(name)
        table = pd.DataFrame(rows, columns=[*columns, *_OWN_COLUMNS])
        table.index.name = "design"
        table["front"] = _front(table, self.goals) & table["feasible"]
        table.attrs["units"] = {name: units[name] for name in table.columns if name in units} | {"duration": "s"}
        return DesignSearch(table, tuple(self.space), dict(self.goals), _status(table))


_OWN_COLUMNS = ("feasible", "front", "status", "error", "duration")


def _front(table: pd.DataFrame, goals: Mapping[str, Goal]) -> np.ndarray:
    """Mark the feasible designs to which no feasible one is better in an aim and worse in none."""
    signs = np.array([1.0 if goal == "minimise" else -1.0 for goal in goals.values()])
    costs = np.where(table[["feasible"]], signs * table[list(goals)].to_numpy(dtype=float), np.inf)
    better = np.array([((costs <= own).all(axis=1) & (costs < own).any(axis=1)).any() for own in costs], dtype=bool)
    return ~better & table["feasible"].to_numpy(dtype=bool)


def _status(table: pd.DataFrame) -> Status:
    if not table["feasible"].any():
        return Status(
            "nothing feasible",
            "no design kept to the limits without an error; see the columns error and those of the limits, widen the "
            "space, or start from a design that is known to work",
        )
    late = table["front"].to_numpy()[-max(1, int(_LATE * len(table))) :]
    if late.any():
        return Status("still improving", f"{late.sum()} of the last {len(late)} designs are on the front; raise trials")
    return Status("searched")


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and isfinite(value)


def _plain(value: object) -> Any:
    """Turn NumPy's numbers into Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _first_line(error: BaseException) -> str:
    cause = error.__cause__ or error
    return (str(cause).splitlines() or [type(cause).__name__])[0]


def _arguments(objective: Callable, space: Mapping) -> set[str]:
    """Which of `rng` and `report` the objective takes."""
    if not callable(objective):
        raise InputError(f"objective is {objective!r}; allowed is a function of a design's parameters")
    parameters = inspect.signature(objective).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    missing = [name for name in space if name not in parameters]
    if missing and not takes_all:
        raise InputError(f"the objective has no parameter {missing[0]!r}; it has {', '.join(parameters) or 'none'}")
    return {"rng", "report"} & set(parameters)


def _checked_goals(goals: object) -> dict[str, Goal]:
    goals = {"value": goals} if isinstance(goals, str) else dict(goals) if isinstance(goals, Mapping) else {}
    if not goals:
        raise InputError('goals must name at least one aim, such as {"energy": "minimise"}')
    for name, goal in goals.items():
        if goal not in _GOALS:
            raise InputError(f"goal {name} is {goal!r}; allowed: {', '.join(_GOALS)}")
    return goals


def _checked_limits(limits: Mapping) -> dict[str, tuple[float | None, float | None]]:
    checked = {}
    for name, pair in limits.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or all(side is None for side in pair):
            raise InputError(f"limit {name} is {pair!r}; allowed is (low, high), None for one open side")
        low, high = (None if side is None else read_quantity(side, "1", f"limit {name}") for side in pair)
        if low is not None and high is not None and low > high:
            raise InputError(f"limit {name} is ({low:g}, {high:g}); low must not be above high")
        checked[name] = (low, high)
    return checked


def _checked_space(space: object, units: Mapping[str, str] | None) -> tuple[dict[str, Range | list], dict[str, str]]:
    """Read ranges and choices, and find the units of texts."""
    if not isinstance(space, Mapping) or not space:
        raise InputError('space must name at least one design parameter, such as {"R_S": ("10k", "50k")}')
    for name, given in space.items():
        if not isinstance(name, str) or not name.isidentifier() or name in (*_OWN_COLUMNS, "rng", "report"):
            raise InputError(f"space names {name!r}, which cannot be a design parameter's name")
        good = isinstance(given, list) and given and all(isinstance(it, (bool, int, float, str)) for it in given)
        if not good and not isinstance(given, (Range, tuple)):
            raise InputError(f"space: {name} is {given!r}; allowed are a pair (lowest, highest), a Range, or a list")
    ranges, found = read_ranges({name: it for name, it in space.items() if not isinstance(it, list)}, units)
    return {name: ranges.get(name, it) for name, it in space.items()}, found


def _checked_design(design: Mapping, space: Mapping[str, Range | list], units: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(design, Mapping) or set(design) != set(space):
        raise InputError(f"start holds {design!r}; allowed is a mapping with exactly {', '.join(space)}")
    values = {name: _plain(design[name]) for name in space}
    for name, allowed in space.items():
        if isinstance(allowed, list):
            if values[name] not in allowed:
                raise InputError(f"start: {name} is {values[name]!r}; the space allows {allowed}")
            continue
        value = read_quantity(values[name], units.get(name, "1"), f"start: {name}")
        if not allowed.low <= value <= allowed.high or (allowed.whole and value != int(value)):
            raise InputError(f"start: {name} is {value:g}; the space allows {allowed.low:g} to {allowed.high:g}")
        values[name] = int(value) if allowed.whole else value
    return values


def _distribution(optuna, allowed: Range | list) -> "optuna.distributions.BaseDistribution":
    if not isinstance(allowed, Range):
        return optuna.distributions.CategoricalDistribution(allowed)
    kind = optuna.distributions.IntDistribution if allowed.whole else optuna.distributions.FloatDistribution
    return kind(allowed.low, allowed.high, log=allowed.log)


@contextlib.contextmanager
def _quiet_optuna() -> Iterator[Any]:
    """Import Optuna, silent while the search runs; errors reach the user as exceptions."""
    try:
        import optuna
    except ImportError:
        raise InputError("a design search needs Optuna; install it: pip install 'circuitsnn[design]'") from None
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
            yield optuna
    finally:
        optuna.logging.set_verbosity(level)


@contextlib.contextmanager
def _opened(optuna, store: str | os.PathLike | None, settings: dict) -> Iterator["optuna.study.Study"]:
    """Open the store, or make one; refuse another search's."""
    directions = [_GOALS[goal] for goal in settings["goals"].values()]
    pruner = optuna.pruners.MedianPruner() if settings["prune"] else optuna.pruners.NopPruner()
    if store is None:
        yield optuna.create_study(directions=directions, pruner=pruner)
        return
    path = Path(store)
    if not path.parent.is_dir():
        raise InputError(f"store {path}: there is no folder {path.parent}")
    with _alone(path):
        storage, opened = None, False
        try:
            storage = optuna.storages.RDBStorage("sqlite://", engine_kwargs={"creator": lambda: _connected(path)})
            study = optuna.create_study(
                storage=storage, study_name=_NAME, directions=directions, pruner=pruner, load_if_exists=True
            )
            found = study.user_attrs.get(_SETTINGS)
            if found is None:
                if study.get_trials(deepcopy=False):
                    raise InputError(f"store {path}: it holds an Optuna study that is not ours; name another file")
                study.set_user_attr(_SETTINGS, settings)
            else:
                _require_same(path, found, json.loads(json.dumps(settings)))
            opened = True
            yield study
        except Exception as error:
            if isinstance(error, (InputError, StudyError)) or opened:
                raise
            raise InputError(
                f"store {path}: it cannot be opened as the store of a design search: {_first_line(error)}"
            ) from error
        finally:
            if storage is not None:
                storage.remove_session()
                storage.engine.dispose()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    # Whole after kill -9 at any instant, without waiting for the disk at each of Optuna's many small steps.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def _require_same(path: Path, found: dict, settings: dict) -> None:
    if found.get("format") != _FORMAT:
        raise InputError(
            f"store {path}: it has format {found.get('format')}, this version writes {_FORMAT}; name another file"
        )
    for name, value in settings.items():
        if found.get(name) != value:
            raise InputError(
                f"store {path}: it belongs to a search with another {name} ({_brief(found.get(name))}, now "
                f"{_brief(value)}); name another file, or delete this one"
            )


def _brief(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the store for this process; the system lets go of it however the process ends."""
    lock = path.with_name(path.name + ".lock")
    try:
        connection = sqlite3.connect(lock, timeout=0.0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise InputError(
                f"store {path}: another process is searching with it; wait, or name another file"
            ) from None
        raise InputError(f"store {path}: it cannot be written: {error}") from None
    try:
        yield
    finally:
        connection.close()  # the empty file stays: another process may be about to lock it
