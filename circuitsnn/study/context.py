"""What a study's function gets: its parameters, cards, random generators and a way to share out work."""

import copy
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from circuitsnn.cards import Card
from circuitsnn.errors import InputError, StudyError
from circuitsnn.study.definition import Value
from circuitsnn.study.registry import load_module

Item = TypeVar("Item")
Result = TypeVar("Result")

Progress = Callable[[float, str], None]
"""Is told the share of the present step that is done, 0 to 1, and a text that says what it is."""


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
        self._report(label, 0, len(items))
        if self.jobs == 1 or len(items) < 2:
            return self._map_here(function, items, label)
        return self._map_in_workers(function, items, label)

    def _report(self, label: str, done: int, total: int) -> None:
        self.progress(done / total if total else 1.0, f"{label}: {done} of {total}")

    def _map_here(self, function: Callable, items: list, label: str) -> list:
        results = []
        for number, item in enumerate(items, start=1):
            try:
                results.append(function(copy.deepcopy(item)))
            except Exception as error:
                raise _failure(label, number, len(items), error) from error
            self._report(label, number, len(items))
        return results

    def _map_in_workers(self, function: Callable, items: list, label: str) -> list:
        bystanders = set(multiprocessing.active_children())
        # "spawn" works alike on every system, and a forked copy of running threads (Numba's) may hang.
        pool = ProcessPoolExecutor(
            max_workers=min(self.jobs, len(items)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(self.module,),
        )
        try:
            futures = {pool.submit(function, item): number for number, item in enumerate(items, start=1)}
            for done, future in enumerate(as_completed(futures), start=1):
                _check(future, label, futures[future], len(items))
                self._report(label, done, len(items))
            pool.shutdown()
            return [future.result() for future in futures]
        except BaseException:
            # Not waiting for items under way: an error and Ctrl-C shall end the study at once.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - bystanders:
                process.terminate()
            raise


def _check(future: Future, label: str, number: int, total: int) -> None:
    try:
        future.result()
    except BrokenProcessPool as error:
        raise StudyError(
            f"{label}: a worker process died; the memory may be full, or the script that runs the study "
            "with several jobs lacks its \"if __name__ == '__main__':\""
        ) from error
    except Exception as error:
        raise _failure(label, number, total, error) from error


def _failure(label: str, number: int, total: int, error: Exception) -> Exception:
    if isinstance(error, InputError):
        return InputError(str(error))
    return StudyError(f"{label}: item {number} of {total} failed: {type(error).__name__}: {error}")


def _start_worker(module: tuple[str, str] | None) -> None:
    # Ctrl-C reaches the whole process group; the main process alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if module is not None:
        load_module(*module)


def ignore_progress(share: float, text: str) -> None:
    """Show no progress.

    Parameters
    ----------
    share : float
        Share of the present step that is done, 0 to 1. [-]
    text : str
        What it is.
    """
