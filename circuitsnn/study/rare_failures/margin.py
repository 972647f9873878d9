"""A circuit's margin at points of the space of standard normal variables."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from circuitsnn.checks import whole_number
from circuitsnn.errors import StudyError
from circuitsnn.study.card_space import CardSpace
from circuitsnn.study.executors import Executor, Task
from circuitsnn.study.sweep import sweep

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class _AtPoint:
    """A margin as a sweep calls it."""

    margin: Callable[[Any], float]
    space: int | CardSpace
    points: Vector

    def __call__(self, point: int) -> float:
        return self.at(self.points[point])

    def at(self, point: Vector) -> float:
        given = self.space.devices(point) if isinstance(self.space, CardSpace) else point
        return float(self.margin(given))


@dataclass
class Circuit:
    """The margin at points; counts its calls."""

    margin: Callable[[Any], float]
    """Function of a vector or of devices, zero or negative where the circuit fails."""
    space: int | CardSpace
    """Dimension of the vector, or the devices."""
    workers: Executor
    """Where it is called."""
    calls: int = 0
    """How often it was called. [-]"""

    @property
    def dimension(self) -> int:
        """Number of standard normal variables. [-]."""
        return self.space.dimension if isinstance(self.space, CardSpace) else self.space

    def exist(self, points: Vector) -> NDArray[np.bool_]:
        """Tell which points stand for devices that could exist.

        Parameters
        ----------
        points : ndarray, shape (points, dimension)
            The points. [standard deviations]

        Returns
        -------
        ndarray of bool, shape (points,)
            Whether they could.
        """
        if isinstance(self.space, CardSpace):
            return self.space.exist(points)
        return np.ones(len(points), dtype=bool)

    def __call__(self, points: ArrayLike) -> Vector:
        """Give the margins of points.

        Parameters
        ----------
        points : array_like, shape (points, dimension) or (dimension,)
            The points. [standard deviations]

        Returns
        -------
        ndarray, shape (points,)
            Margins, infinite where the devices could not exist: such chips are not made. [as the function's]

        Raises
        ------
        StudyError
            If the margin raises or is not a number.
        """
        points = np.atleast_2d(points)
        margins = np.full(len(points), inf)
        function = _AtPoint(self.margin, self.space, points).at
        tasks = [Task(int(k), points[k]) for k in np.flatnonzero(self.exist(points))]
        for done in self.workers.run(function, tasks):
            if done.status != "ok":
                raise StudyError(
                    f"the margin at {_shown(points[done.number])} failed: {done.error}"
                ) from done.exception
            margins[done.number] = done.value
        return self._counted(points, margins, len(tasks))

    def kept(self, points: Vector, seed: int, store: str | os.PathLike | None) -> Vector:
        """Give the margins of many points, each kept from the moment it is there.

        Parameters
        ----------
        points : ndarray, shape (points, dimension)
            The points. [standard deviations]
        seed : int
            Seed of the sweep that keeps them.
        store : path-like, optional
            File that keeps them; without it, they are not kept.

        Returns
        -------
        ndarray, shape (points,)
            As of a call.

        Raises
        ------
        StudyError
            If the margin raises or is not a number.
        """
        if store is None:
            return self(points)
        margins = np.full(len(points), inf)
        exist = np.flatnonzero(self.exist(points))
        function = _AtPoint(self.margin, self.space, points)
        frame = sweep(function, {"point": exist.tolist()}, seed=seed, executor=self.workers, store=store)
        bad = frame[~frame["status"].isin(("ok", "not a number"))]
        if len(bad):
            first = bad.iloc[0]
            raise StudyError(
                f"the margin of {len(bad)} of {len(frame)} samples failed, first at "
                f"{_shown(points[int(first['point'])])}: {first['error']}"
            )
        margins[exist] = frame["value"].to_numpy(dtype=float)
        return self._counted(points, margins, len(exist))

    def _counted(self, points: Vector, margins: Vector, calls: int) -> Vector:
        self.calls += calls
        lost = np.flatnonzero(np.isnan(margins))
        if len(lost):
            raise StudyError(
                f"the margin at {_shown(points[lost[0]])} is not a number; return a negative one where the circuit "
                "fails, and a positive one where it works"
            )
        return margins


def _shown(point: Vector) -> str:
    text = ", ".join(f"{value:.4g}" for value in point[:8])
    return f"({text}{', ...' if len(point) > 8 else ''})"


def check_space(space: int | CardSpace) -> None:
    """Check a space of random variables.

    Parameters
    ----------
    space : int or CardSpace
        Dimension of the vector of independent standard normal variables, or the devices.

    Raises
    ------
    InputError
        If it is neither.
    """
    if not isinstance(space, CardSpace):
        whole_number("space", space, 1)


def sigma_level(probability: float) -> float:
    """Give the limit that a standard normal variable exceeds with a probability.

    Parameters
    ----------
    probability : float
        The probability. [-]

    Returns
    -------
    float
        The limit. [standard deviations]
    """
    from scipy.stats import norm

    return float(norm.isf(probability))


def row_of(found: Any, **more: float) -> pd.DataFrame:
    """Tabulate an estimate.

    Parameters
    ----------
    found : ImportanceSampling or ScaledSigma
        The estimate.
    **more : float
        Further columns.

    Returns
    -------
    pandas.DataFrame
        One row: probability with its interval, the further columns, calls and status.
    """
    first = {name: getattr(found, name) for name in ("probability", "low", "high", "confidence", "sigma")}
    return pd.DataFrame([first | more | {"evaluations": found.evaluations, "status": str(found.status)}])
