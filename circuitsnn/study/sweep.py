"""Sweeps: one function, many parameter values and chips; every trial kept, whatever happens to the others."""

import inspect
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

import circuitsnn
from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError
from circuitsnn.progress import Progress, reporting
from circuitsnn.study.answers import Call, not_numbers
from circuitsnn.study.executors import Done, Executor, open_executor
from circuitsnn.study.fingerprint import fingerprint, name_of
from circuitsnn.study.plans import RESERVED, Plan, as_plan
from circuitsnn.study.store import Store, Trial
from circuitsnn.study.work import Work

if TYPE_CHECKING:
    import xarray

__all__ = ["StopRule", "resumption", "seed_of", "sweep", "to_xarray"]

_WORDS = {
    "version": "version of circuitsnn",
    "function": "function",
    "source": "source of the function",
    "plan": "plan",
    "seed": "seed",
    "trials": "number of trials of each row",
    "reads": "number of reads of each chip",
    "common": "choice of common chips",
}
_REPORT = 0.1  # between reports of progress [s]


@runtime_checkable
class StopRule(Protocol):
    """Decides when a sweep knows enough.

    It is asked after fixed numbers of trials, so that the answer depends neither on workers nor on resumption: after
    `every` of them (100 unless the rule has that attribute), and again after as many more, or a tenth more if that is
    more. With several trials of each row it is asked about each row on its own, else about the plan as a whole.
    """

    def done(self, frame: pd.DataFrame) -> bool:
        """Decide whether the trials so far are enough.

        Parameters
        ----------
        frame : DataFrame
            The first trials of the row or the plan, as `sweep` returns them.

        Returns
        -------
        bool
            Whether they are.
        """


def sweep(
    function: Callable[..., Any],
    plan: Plan | Mapping[str, Iterable] | pd.DataFrame | Iterable[Mapping],
    *,
    trials: int = 1,
    reads: int = 1,
    seed: int = 0,
    jobs: int = 1,
    executor: str | Executor | None = None,
    store: str | os.PathLike | None = None,
    time_limit: float | None = None,
    stop: StopRule | None = None,
    common: bool = False,
    units: Mapping[str, str] | None = None,
    progress: Progress | bool | None = None,
) -> pd.DataFrame:
    """Call a function for every row of a plan, and tabulate what it answers.

    A trial that raises, answers NaN, exceeds its time limit or kills its process is recorded as such, and the rest goes
    on. A trial's answer depends on its row, chip, read and the seed only: not on the number of workers, the order or on
    whether the sweep was interrupted.

    Parameters
    ----------
    function : callable
        Called with the row's values as keywords. A parameter `rng` of it gets a numpy.random.Generator of each trial's
        own, `chip_rng` one that is the same for all reads of a chip, `seed` the number that `rng` is made from. It
        returns a number, a mapping of names to numbers, truth values or texts, or a result object. For other
        processes it must be one that cloudpickle can carry.
    plan : Plan, mapping, DataFrame or iterable of mappings
        The rows; see `circuitsnn.study.plans`. A mapping of names to values stands for every combination of them.
    trials : int
        Trials of each row, with other randomness each: the chips of a Monte Carlo analysis. [-]
    reads : int
        Reads of each chip. [-]
    seed : int
        Seed of all randomness.
    jobs : int
        Worker processes on this machine; 1 for none.
    executor : str or Executor, optional
        Where the work is done, as `circuitsnn.study.executors.open_executor` reads it.
    store : path-like, optional
        File that keeps each trial from the moment it ends. The same call goes on from it; several processes that make
        the same call at a time share out the work. Without it, an interrupted sweep starts anew.
    time_limit : float, optional
        Time after which a trial is given up. [s]
    stop : StopRule, optional
        Decides when there are trials enough.
    common : bool
        Whether all rows meet the same chips, so that they differ by the row's values only.
    units : mapping of str to str, optional
        SI units of parameters and answers by name, where plan and answers do not state them themselves.
    progress : callable or bool, optional
        Called with the share that is done, 0 to 1, and a text that says how far the sweep is; True for a bar where
        standard error is a terminal.

    Returns
    -------
    pandas.DataFrame
        One row a trial, in the order of the plan: the plan's columns, "chip" and "read" where there are several, what
        the function answered (columns "value" or the names; a name that another column has gets "result_" before it),
        and "seed", "status" ("ok", "not a number", "raised", "timed out", "died"), "error" and "duration" [s]. Units
        are in ``attrs["units"]``, the plan's parameters in ``attrs["parameters"]``, and what the trials are of
        (function, seed, ...) in ``attrs["sweep"]``; all last through Parquet files.

    Raises
    ------
    InputError
        If an argument is wrong, or the store cannot be used; nothing is computed then.
    KeyboardInterrupt
        If interrupted (Ctrl-C), with what was done and how it goes on.
    StudyError
        If the store's disk is full or the workers cannot be kept alive; what was done stays in the store.
    """
    plan = as_plan(plan)
    for name, value, least in (("trials", trials, 1), ("reads", reads, 1), ("seed", seed, 0), ("jobs", jobs, 1)):
        whole_number(name, value, least)
    if time_limit is not None and not (isinstance(time_limit, (int, float)) and time_limit > 0):
        raise InputError(f"time_limit is {time_limit!r}; allowed is a time in seconds > 0, or None for no limit")
    if stop is not None and not isinstance(stop, StopRule):
        raise InputError(f"stop is {stop!r}; allowed is an object with a method done(frame), or None")
    units = _read_units(units)
    plan = plan.with_units(
        **{name: unit for name, unit in units.items() if name in plan.names and name not in plan.units}
    )
    answer_units = {name: unit for name, unit in units.items() if name not in plan.names}
    wants = _wants(function, plan)
    call = Call(function, wants, (*plan.names, *RESERVED))
    about = {
        "version": circuitsnn.__version__,
        "function": name_of(function),
        "seed": int(seed),
        "trials": int(trials),
        "reads": int(reads),
        "common": bool(common),
        "parameters": list(plan.names),
        "units": plan.units,
        "rows": len(plan),
    }
    if store is not None:
        about |= {"source": fingerprint(function, strict=False), "plan": plan.fingerprint(), "made_with": _made_with()}
    order = _Order(plan, int(trials), int(reads), int(seed), bool(common), "chip_rng" in wants)
    with (
        _opened(executor, jobs, time_limit) as workers,
        Store(store, about, _WORDS) as kept,
        reporting(progress, name_of(function)) as report,
    ):
        on_its_way = _Sweep(call, order, kept, stop, report, answer_units)
        try:
            on_its_way.finish(workers, time_limit)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{on_its_way.done} of {len(order)} trials were done; {resumption(store)}"
            ) from None
        return on_its_way.table()


def resumption(store: str | os.PathLike | None) -> str:
    """Say how interrupted work goes on.

    Parameters
    ----------
    store : path-like or None
        Where it is kept.

    Returns
    -------
    str
        What to do.
    """
    if store is None:
        return "they are lost: an argument store=... would have kept them"
    return f"they are kept in {os.fspath(store)}, from which the same call goes on"


def to_xarray(frame: pd.DataFrame) -> "xarray.Dataset":
    """View a sweep's table as arrays over its parameters.

    Parameters
    ----------
    frame : DataFrame
        What `sweep` returned.

    Returns
    -------
    xarray.Dataset
        One dimension for each parameter (and "chip", "read") where the trials make a full grid; else the one dimension
        "trial", with the parameters as its coordinates. Units are in each variable's ``attrs["units"]``.

    Raises
    ------
    InputError
        If xarray is not installed, or the table is no sweep's.
    """
    try:
        import xarray
    except ImportError as error:
        raise InputError("to_xarray needs xarray, which is not installed; install the package xarray") from error
    if "parameters" not in frame.attrs:
        raise InputError('the table is no sweep\'s: its attrs name no "parameters"; allowed is what sweep returned')
    axes = [*frame.attrs["parameters"], *(name for name in ("chip", "read") if name in frame)]
    attributes, frame = frame.attrs, frame.copy()
    frame.attrs = {}  # xarray would give them to every array
    levels = [frame[name].nunique(dropna=False) for name in axes]
    if (
        axes
        and not frame[axes].isna().any(axis=None)
        and np.prod(levels) == len(frame) == len(frame[axes].drop_duplicates())
    ):
        orders = [pd.unique(frame[name]) for name in axes]
        data = frame.set_index(axes).to_xarray().reindex(dict(zip(axes, orders, strict=True)))
    else:
        data = xarray.Dataset.from_dataframe(frame).set_coords(axes)
    for name, unit in attributes.get("units", {}).items():
        if name in data.variables:
            data[name].attrs["units"] = unit
    return data


def seed_of(seed: int, row: int, chip: int, read: int, common: bool = False) -> int:
    """Give the seed of a trial, from which its randomness follows.

    Parameters
    ----------
    seed : int
        Seed of the sweep.
    row, chip, read : int
        The trial.
    common : bool
        Whether all rows meet the same chips.

    Returns
    -------
    int
        The seed; ``numpy.random.default_rng`` of it is the trial's `rng`.
    """
    return _drawn_seed(seed, (chip, read) if common else (row, chip, read))


def _drawn_seed(seed: int, key: tuple[int, ...]) -> int:
    # 63 bits, which databases and tables hold as a number; among a million trials two are alike once in 2e7 sweeps.
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)[0]) >> 1


@dataclass(frozen=True)
class _Order:
    """Which trial has which number."""

    plan: Plan
    trials: int
    reads: int
    seed: int
    common: bool
    with_chips: bool

    def __len__(self) -> int:
        return len(self.plan) * self.trials * self.reads

    def argument(self, number: int) -> "tuple[dict, int, int]":
        """Give a trial's values, its seed and its chip's seed."""
        chips, read = divmod(number, self.reads)
        row, chip = divmod(chips, self.trials)
        # The chip's key is shorter than a trial's by one, so that the two never meet.
        chip_seed = _drawn_seed(self.seed, (chip,) if self.common else (row, chip)) if self.with_chips else 0
        return self.plan[row], seed_of(self.seed, row, chip, read, self.common), chip_seed


class _Stops:
    """Where a stop rule has ended the trials of a group: a row's, or the plan's."""

    def __init__(self, stop: StopRule | None, order: _Order, store: Store):
        self._stop = stop
        self._store = store
        self._size = order.trials * order.reads if order.trials > 1 else len(order)
        self._every = whole_number("every", getattr(stop, "every", 100), 1) * order.reads
        self._step = order.reads
        self.ends = np.full(len(order) // self._size, self._size) if stop is not None else None
        self._asked: dict[int, int] = {}  # how many trials the group will have when the rule is asked next
        self._known: dict[int, int] = {}  # how many of these are there
        self._early: dict[int, set[int]] = {}  # what is there of later ones

    def wants(self, number: int) -> bool:
        """Whether a trial is still asked for."""
        return self.ends is None or number % self._size < self.ends[number // self._size]

    def know(self, number: int) -> None:
        """Hear that a trial is there, and ask the rule when its time has come."""
        if self.ends is None:
            return
        group, place = divmod(number, self._size)
        early = self._early.setdefault(group, set())
        early.add(place)
        while self.ends[group] == self._size:
            ask = self._asked.setdefault(group, self._every)
            if ask >= self._size:
                return
            self._known[group] = self._known.get(group, 0) + len(reached := {k for k in early if k < ask})
            early -= reached
            if self._known[group] < ask:
                return
            first = group * self._size
            if self._stop.done(self._store.frame(first, first + ask)):
                self.ends[group] = ask
            more = max(self._every, ask // 10 // self._step * self._step)
            self._asked[group] = ask + more

    def keep(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Leave out the trials that were done beyond the end, so that the answer does not depend on their number."""
        if self.ends is None:
            return frame
        numbers = frame.index.to_numpy()
        return frame[numbers % self._size < self.ends[numbers // self._size]]


@dataclass
class _Sweep:
    """A sweep on its way."""

    call: Call
    order: _Order
    store: Store
    stop: StopRule | None
    progress: Progress
    units: dict[str, str]

    def __post_init__(self) -> None:
        if self.units:
            self.note_units({})
        self.stops = _Stops(self.stop, self.order, self.store)
        self.count()
        self.own = 0
        self.started = time.perf_counter()
        self.reported = -np.inf

    def count(self) -> None:
        """Count what is done, by other processes too."""
        counts = self.store.counts()
        self.done = sum(counts.values())
        self.failed = self.done - counts.get("ok", 0)

    def finish(self, executor: Executor, time_limit: float | None) -> None:
        """Do what is left."""
        work = Work(self.store, len(self.order), self.order.argument, self.stops.wants)
        self.report()
        work.do(executor, self.call, self.record, self.stops.know, time_limit)
        self.count()
        self.report(last=True)

    def record(self, done: Done, argument: tuple[dict, int, int]) -> None:
        """Keep what became of a trial."""
        parameters, seed, _ = argument
        answer, error, status = None, done.error, done.status
        if done.status == "ok":
            answer, units = done.value
            missing = not_numbers(answer)
            if missing:
                status, error = "not a number", f"NaN: {', '.join(missing)}"
            if not units.items() <= self.units.items():
                self.note_units(units)
        self.store.record(Trial(done.number, parameters, seed, status, answer, error, done.duration))
        self.own += 1
        self.done += 1
        self.failed += status != "ok"
        self.stops.know(done.number)
        self.report()

    def note_units(self, units: Mapping[str, str]) -> None:
        """Keep the units of answers."""
        self.units = {**self.units, **units}
        self.store.note("answer_units", self.units)

    def report(self, last: bool = False) -> None:
        """Say how far the sweep is, at what rate and how long it takes, some times a second."""
        now = time.perf_counter()
        if not last and now < self.reported + _REPORT:
            return
        self.reported = now
        total = len(self.order)
        rate = self.own / max(now - self.started, 1e-9)
        text = f"{self.done} of {total} trials"
        if self.own:
            text += f", {rate:.3g} a second"
            if self.done < total and not last:
                text += f", {_in_words((total - self.done) / rate)} left"
        if self.failed:
            text += f", {self.failed} failed"
        self.progress(1.0 if last else min(self.done / total, 1.0), text)

    def table(self) -> pd.DataFrame:
        """Tabulate the trials."""
        return self.stops.keep(self.store.frame(0, len(self.order)))


def _opened(executor: str | Executor | None, jobs: int, time_limit: float | None) -> Any:
    if isinstance(executor, Executor):  # whoever opened it closes it
        return nullcontext(executor)
    return open_executor(executor, jobs, isolated=time_limit is not None)


def _read_units(units: Mapping[str, str] | None) -> dict[str, str]:
    units = {} if units is None else units
    if not isinstance(units, Mapping) or not all(isinstance(one, str) for pair in units.items() for one in pair):
        raise InputError(f"units is {units!r}; allowed is a mapping of names to SI units, such as {{'period': 's'}}")
    return dict(units)


def _made_with() -> dict[str, str]:
    """Say by which command, when and with what a store was begun."""
    return {
        "command": shlex.join(sys.argv),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _wants(function: Callable[..., Any], plan: Plan) -> frozenset[str]:
    """Find the random numbers that a function asks for, and check that it takes the plan's parameters."""
    if not callable(function):
        raise InputError(f"function is {function!r}; allowed is something that can be called")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some that are written in C do not tell
        return frozenset()
    wants = frozenset({"rng", "chip_rng", "seed"}.intersection(signature.parameters))
    try:
        signature.bind(**dict.fromkeys((*plan.names, *wants)))
    except TypeError as error:
        raise InputError(
            f"{name_of(function)}{signature} cannot be called with the plan's parameters "
            f"({', '.join(plan.names) or 'none'}): {error}"
        ) from None
    return wants


def _in_words(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
