"""What a study's function gets: its parameters, cards, random generators and a way to share out work."""

import copy
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

import circuitsnn
from circuitsnn.cards import Card
from circuitsnn.errors import InputError, StudyError
from circuitsnn.progress import Progress
from circuitsnn.study.definition import Value
from circuitsnn.study.executors import Done, Executor, open_executor
from circuitsnn.study.executors.here import Here
from circuitsnn.study.fingerprint import fingerprint, name_of
from circuitsnn.study.plain import from_plain, to_plain
from circuitsnn.study.plans import Plan, as_plan
from circuitsnn.study.registry import load_module
from circuitsnn.study.store import Store, Trial
from circuitsnn.study.sweep import StopRule, sweep
from circuitsnn.study.unfinished import Unfinished
from circuitsnn.study.work import Work

__all__ = ["StudyContext"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class StudyContext:
    """What a study's function works with. Its answers must not depend on `jobs`."""

    parameters: Mapping[str, Value]
    """Values by name. [SI]"""
    cards: Mapping[str, Card]
    """Device cards by the names under which the study lists them, overrides applied."""
    seed: int
    """Seed of all randomness."""
    jobs: int
    """Number of worker processes; 1 for none."""
    quick: bool
    """Whether this is the quick form."""
    progress: Progress
    """Told how far the work is."""
    module: tuple[str, str] | None = None
    """Name and path of the study's module, for workers to load."""
    executor: Executor | None = None
    """Where work is done; without it, worker processes are started for each step."""
    unfinished: Unfinished | None = None
    """Where done work is kept until the run is finished; without it, an interrupted run starts anew."""
    _seeds: np.random.SeedSequence = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_seeds", np.random.SeedSequence(self.seed))

    def card(self, name: str | None = None) -> Card:
        """Return one of the study's device cards, with what the user has overridden.

        Parameters
        ----------
        name : str, optional
            Name under which the study lists the card; without it, the first one.

        Returns
        -------
        Card
            The card.
        """
        name = next(iter(self.cards), None) if name is None else name
        if name not in self.cards:
            raise InputError(f"the study lists no card {name!r}; allowed: {', '.join(self.cards) or 'none'}")
        return self.cards[name]

    def generators(self, count: int) -> list[np.random.Generator]:
        """Make independent random generators; each call makes new ones.

        Hand one to each item of `map`, so that the draws are the same for any number of workers.

        Parameters
        ----------
        count : int
            How many. [-]

        Returns
        -------
        list of numpy.random.Generator
            The generators.
        """
        return [np.random.default_rng(seed) for seed in self._seeds.spawn(count)]

    def map(self, function: Callable[[Item], Result], items: Iterable[Item], label: str = "working") -> list[Result]:
        """Apply a function to each item, in worker processes if there are to be several.

        What is done is kept: a run that was killed and is run again by the same command goes on from there. It must be
        something that JSON can hold (`circuitsnn.study.plain`), and each item something that has a `fingerprint`; other
        work starts anew.

        Parameters
        ----------
        function : callable
            Function of one item, at a module's top level (or a functools.partial of one).
        items : iterable
            The items. Each is copied, so what the function changes in it stays without effect.
        label : str
            What is being done, for the progress display.

        Returns
        -------
        list
            The results, in the order of the items.

        Raises
        ------
        InputError
            If the function finds its input wrong.
        StudyError
            If the function fails otherwise, or a worker process dies.
        """
        items = list(items)
        path = self.store(label, [function, items])
        about = {"version": circuitsnn.__version__, "function": name_of(function), "seed": self.seed}
        about |= {"parameters": [], "units": {}, "trials": 1, "reads": 1}
        with self._opened() as executor, Store(path, about, {}) as store:
            mapping = _Mapping(label, len(items), store, self.progress)
            call = partial(_on_a_copy, function) if isinstance(executor, Here) else function
            Work(store, len(items), items.__getitem__).do(executor, call, mapping.record, mapping.know)
            return mapping.finished()

    def sweep(
        self,
        function: Callable[..., Any],
        plan: Plan | Mapping[str, Iterable] | pd.DataFrame | Iterable[Mapping],
        *,
        trials: int = 1,
        reads: int = 1,
        time_limit: float | None = None,
        stop: StopRule | None = None,
        common: bool = False,
        units: Mapping[str, str] | None = None,
        label: str = "sweeping",
    ) -> pd.DataFrame:
        """Call a function for every row of a plan; see `circuitsnn.study.sweep.sweep`.

        Each call gets other seeds, which follow from the study's. Trials are kept: a run that was killed and is run
        again by the same command goes on from there.

        Parameters
        ----------
        function, plan, trials, reads, time_limit, stop, common, units
            As for `circuitsnn.study.sweep.sweep`.
        label : str
            What is being done, for the progress display.

        Returns
        -------
        pandas.DataFrame
            One row a trial.
        """
        plan = as_plan(plan)
        seed = int(self._seeds.spawn(1)[0].generate_state(1, np.uint64)[0]) >> 1
        work = [fingerprint(function, strict=False), plan.fingerprint(), seed, trials, reads, common]
        with self._opened(isolated=time_limit is not None) as executor:
            return sweep(
                function,
                plan,
                trials=trials,
                reads=reads,
                seed=seed,
                executor=executor,
                store=self.store(label, work),
                time_limit=time_limit,
                stop=stop,
                common=common,
                units=units,
                progress=lambda share, text: self.progress(share, f"{label}: {text}"),
            )

    def store(self, label: str, work: Any) -> Path | None:
        """Name a file that keeps a part of the work until the run is finished, for `circuitsnn.study.design.optimise`.

        Parameters
        ----------
        label : str
            What is being done.
        work : object
            What it depends on.

        Returns
        -------
        Path or None
            The file; None if nothing is kept, or if the work has no `fingerprint`.
        """
        return None if self.unfinished is None else self.unfinished.store(label, work)

    def _opened(self, isolated: bool = False) -> AbstractContextManager[Executor]:
        if self.executor is not None and not (isolated and isinstance(self.executor, Here)):
            return nullcontext(self.executor)
        initialise = None if self.module is None else partial(load_module, *self.module)
        return open_executor(None, self.jobs, isolated=isolated, initialise=initialise)


class _Mapping:
    """Items on their way to results."""

    def __init__(self, label: str, count: int, store: Store, progress: Progress):
        self._label, self._count, self._store, self._progress = label, count, store, progress
        self._results: dict[int, Any] = {}
        self._kept = 0
        self._report()

    def know(self, number: int) -> None:
        """Hear that an item is done already, or by another process."""
        self._kept += 1
        self._report()

    def record(self, done: Done, item: Any) -> None:
        """Keep a result, or say what became of it."""
        if done.status != "ok":
            raise self._failure(done) from done.exception
        self._results[done.number] = done.value
        # Without a file it would only take memory.
        if self._store.path is not None:
            try:
                answer = {"result": to_plain(done.value)}
            except InputError:
                answer = None
            if answer is not None:
                self._store.record(Trial(done.number, {}, 0, "ok", answer, "", done.duration))
        self._report()

    def finished(self) -> list[Any]:
        """Give the results in order."""
        if self._kept:
            for trial in self._store.trials():
                if trial.number not in self._results:
                    self._results[trial.number] = from_plain(trial.answer["result"])
        return [self._results[number] for number in range(self._count)]

    def _report(self) -> None:
        done = len(self._results) + self._kept
        self._progress(done / self._count if self._count else 1.0, f"{self._label}: {done} of {self._count}")

    def _failure(self, done: Done) -> Exception:
        if isinstance(done.exception, InputError):
            return InputError(str(done.exception))
        where = f"{self._label}: item {done.number + 1} of {self._count}"
        if done.status == "died":
            return StudyError(f"{where}: a worker process died: {done.error}")
        return StudyError(f"{where} failed: {done.error}")


def _on_a_copy(function: Callable[[Item], Result], item: Item) -> Result:
    return function(copy.deepcopy(item))
