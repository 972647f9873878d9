"""Phases that a pair of oscillators locks in, over coupling resistance and input delay (Fig. 5A)."""

from collections.abc import Callable

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike

from circuitsnn.cards import Card
from circuitsnn.oscillator.table import Fidelity
from circuitsnn.oscillator.transition import PERIODS, run_pair


def phase_map(
    card: Card,
    resistances: ArrayLike,
    delays: ArrayLike,
    fidelity: Fidelity = "relaxed",
    jobs: int = 1,
    periods: int = PERIODS,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Simulate a pair for each delay and resistance.

    Parameters
    ----------
    card : Card
        The two equal oscillators.
    resistances : array_like, shape (n,)
        Coupling resistances. [ohm]
    delays : array_like, shape (m,)
        Delays of the second supply. [s]
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model.
    jobs : int
        Worker processes.
    periods : int
        Longest wait for a pair to settle.
    progress : callable, optional
        Called with the share done.

    Returns
    -------
    ndarray, shape (m, n)
        Final phase of the second oscillator, in [-45, 315); NaN where one stopped switching. [degree]
    """
    resistances = np.asarray(resistances, dtype=float)
    delays = np.asarray(delays, dtype=float)
    rows = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_row)(card, resistances, delay, fidelity, periods) for delay in delays
    )
    phases = np.empty((len(delays), len(resistances)))
    for index, row in enumerate(rows):
        phases[index] = row
        if progress is not None:
            progress((index + 1) / len(delays))
    return phases


def _row(card: Card, resistances: np.ndarray, delay: float, fidelity: Fidelity, periods: int) -> list[float]:
    return [run_pair(resistance, delay, card, fidelity, periods).phases()[1] for resistance in resistances]
