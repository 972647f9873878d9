"""Sensitivity: which parameter moves a circuit's answer, and by how much, over all that the others may do.

Morris's elementary effects screen many parameters with few trials; Sobol's indices divide the answer's variance among
the parameters. Samples and estimates are SALib's, trials are a sweep's.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from circuitsnn.checks import check_share, whole_number
from circuitsnn.errors import InputError, StudyError
from circuitsnn.progress import Progress
from circuitsnn.status import Status
from circuitsnn.study.card_space import CardSpace
from circuitsnn.study.executors import Executor
from circuitsnn.study.pictures import RankingPicture
from circuitsnn.study.plans import Range, corners, zipped
from circuitsnn.study.sweep import sweep

__all__ = ["Morris", "Seeds", "SobolIndices", "draw_ranking", "morris", "sobol_indices"]

Vector = NDArray[np.float64]

_WIDEST = 0.1  # half width of an interval of a Sobol index above which it says little
_REACH = 2.0  # of a distribution's standard deviations, over which Morris's steps go


@dataclass(frozen=True)
class Seeds:
    """A factor that stands for randomness: whole numbers from which the function makes generators of its own.

    So all the devices of a chip can be one factor: ``function(V_H=seed)`` draws every device's V_H from it.
    """


@dataclass(frozen=True, eq=False)
class SobolIndices:
    """Shares of the answer's variance that go back to each parameter."""

    names: tuple[str, ...]
    """Parameters; correlated ones are a group with the name "A + B"."""
    first: Vector
    """First-order index of each: the share that it has alone. [-]"""
    first_reach: Vector
    """Half width of its confidence interval. [-]"""
    total: Vector
    """Total index of each: the share that it has a part in, alone or together with others. [-]"""
    total_reach: Vector
    """Half width of its confidence interval. [-]"""
    second: Vector | None
    """Second-order indices, shape (parameters, parameters), the diagonal not a number; None if not asked for. [-]"""
    second_reach: Vector | None
    """Half widths of their confidence intervals. [-]"""
    mean: float
    """Mean answer. [the answer's unit]"""
    variance: float
    """Variance of the answer. [the answer's unit squared]"""
    confidence: float
    """Confidence level of each interval. [-]"""
    trials: pd.DataFrame
    """All trials."""
    status: Status
    """Whether the intervals are narrow enough to rank by, and what to do if not."""

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the indices.

        Returns
        -------
        pandas.DataFrame
            One row a parameter, the largest total index first, with the ends of the intervals.
        """
        columns = {"total": (self.total, self.total_reach), "first": (self.first, self.first_reach)}
        return self._picture().mark(_ranked(self.names, columns))

    def _picture(self, answer: str = "answer", unit: str = "1", most: int = 15) -> RankingPicture:
        bars = {"total": "alone or with others", "first": "alone"}
        return RankingPicture(bars, f"Share in the variance of the {answer}", most=most)


@dataclass(frozen=True, eq=False)
class Morris:
    """Elementary effects: how the answer changes when one parameter goes through its range, the others anywhere."""

    names: tuple[str, ...]
    """Parameters; correlated ones are a group with the name "A + B"."""
    mu_star: Vector
    """Mean amount of each one's effect, over its whole range. [the answer's unit]"""
    mu_star_reach: Vector
    """Half width of its confidence interval. [the answer's unit]"""
    mu: Vector
    """Mean effect, with its sign; not a number for a group. [the answer's unit]"""
    sigma: Vector
    """Standard deviation of the effects: curvature, or dependence on other parameters; not a number for a group. [the
    answer's unit]"""
    confidence: float
    """Confidence level of each interval. [-]"""
    trials: pd.DataFrame
    """All trials."""

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the effects.

        Returns
        -------
        pandas.DataFrame
            One row a parameter, the largest effect first, with the ends of the intervals.
        """
        table = _ranked(self.names, {"mu_star": (self.mu_star, self.mu_star_reach)})
        more = pd.DataFrame({"parameter": self.names, "mu": self.mu, "sigma": self.sigma})
        return self._picture().mark(table.merge(more, on="parameter", validate="one_to_one"))

    def _picture(self, answer: str = "answer", unit: str = "1", most: int = 15) -> RankingPicture:
        return RankingPicture(
            {"mu_star": "mean amount"},
            f"Change of the {answer} over the whole range",
            unit=unit,
            marks={"sigma": "standard deviation"},
            most=most,
        )


def _ranked(names: tuple[str, ...], columns: Mapping[str, tuple[Vector, Vector]]) -> pd.DataFrame:
    table = pd.DataFrame({"parameter": names})
    for name, (values, reach) in columns.items():
        table = table.assign(**{name: values, f"{name}_low": values - reach, f"{name}_high": values + reach})
    return table.sort_values(next(iter(columns)), ascending=False, kind="stable", ignore_index=True)


Factors = Mapping[str, Any] | CardSpace


def sobol_indices(
    function: Callable[..., Any],
    factors: Factors,
    samples: int = 512,
    *,
    column: str = "value",
    second_order: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
    jobs: int = 1,
    executor: str | Executor | None = None,
    store: str | os.PathLike | None = None,
    time_limit: float | None = None,
    progress: Progress | bool | None = None,
) -> SobolIndices:
    """Divide the variance of a function's answer among its parameters.

    The first-order index of a parameter is Var(E(Y | X_i)) / Var(Y), the total one E(Var(Y | all but X_i)) / Var(Y).
    Both presuppose that the parameters are independent. Correlated parameters of a card are therefore one group, whose
    indices are those of all its members together.

    Parameters
    ----------
    function : callable
        Called with the parameters' values as keywords. Randomness of its own is the same in all trials, so that it does
        not count as an effect; to let it count, make it a parameter with `Seeds`.
    factors : mapping or CardSpace
        Parameters: a pair (lowest, highest) or a `circuitsnn.study.plans.Range`, evenly distributed; a frozen
        distribution of scipy.stats; or `Seeds`. Of a card: those that spread, one device.
    samples : int
        Base samples, a power of two; the function is called (parameters + 2) times as often, with second order
        (2 parameters + 2) times. [-]
    column : str
        Where the function returns several things: the one that counts.
    second_order : bool
        Whether to estimate the indices of pairs as well.
    confidence : float
        Confidence level of each interval, by resampling. [-]
    seed : int
        Seed of all randomness.
    jobs, executor, store, time_limit, progress
        As in `circuitsnn.study.sweep.sweep`.

    Returns
    -------
    SobolIndices
        The indices.

    Raises
    ------
    InputError
        If an argument is wrong.
    StudyError
        If a trial gives no answer, or all answers are the same.

    References
    ----------
    I. M. Sobol, Math. Comput. Simul. 55 (2001) 271-280, doi:10.1016/S0378-4754(00)00270-6; A. Saltelli et al., Comput.
    Phys. Commun. 181 (2010) 259-270, doi:10.1016/j.cpc.2009.09.018 (estimators); J. Herman, W. Usher, J. Open Source
    Softw. 2 (2017) 97, doi:10.21105/joss.00097 (SALib).
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    samples = whole_number("samples", samples, 2)
    if samples & (samples - 1):
        raise InputError(f"samples is {samples}; allowed is a power of two, such as {1 << samples.bit_length()}")
    check_share("confidence", confidence)
    axes = _Axes.read(factors)
    draw, resample = _generators(seed)
    shares = sampling.sample(axes.problem, samples, calc_second_order=second_order, seed=draw)
    frame, answers = _answers(
        function, axes, shares, column, seed, jobs=jobs, executor=executor, store=store, time_limit=time_limit,
        progress=progress,
    )  # fmt: skip
    found = analysis.analyze(
        axes.problem, answers, calc_second_order=second_order, conf_level=confidence, num_resamples=500, seed=resample
    )
    reach = float(found["ST_conf"].max())
    status = Status("settled")
    if reach > _WIDEST:
        status = Status("not accurate", f"total indices are known to +-{reach:.2g} only; raise samples")
    return SobolIndices(
        names=axes.groups,
        first=np.asarray(found["S1"], dtype=float),
        first_reach=np.asarray(found["S1_conf"], dtype=float),
        total=np.asarray(found["ST"], dtype=float),
        total_reach=np.asarray(found["ST_conf"], dtype=float),
        second=_symmetric(found["S2"]) if second_order else None,
        second_reach=_symmetric(found["S2_conf"]) if second_order else None,
        mean=float(answers.mean()),
        variance=float(answers.var()),
        confidence=confidence,
        trials=frame,
        status=status,
    )


def morris(
    function: Callable[..., Any],
    factors: Factors,
    trajectories: int = 20,
    *,
    levels: int = 4,
    column: str = "value",
    confidence: float = 0.95,
    seed: int = 0,
    jobs: int = 1,
    executor: str | Executor | None = None,
    store: str | os.PathLike | None = None,
    time_limit: float | None = None,
    progress: Progress | bool | None = None,
) -> Morris:
    """Screen a function's parameters by their elementary effects.

    A trajectory starts anywhere on a grid and moves one parameter after the other by half of its range or a little
    more. A distribution's range are two standard deviations of the standard normal variable behind it, either way.

    Parameters
    ----------
    function, column, confidence, seed, jobs, executor, store, time_limit, progress
        As for `sobol_indices`.
    factors : mapping or CardSpace
        As for `sobol_indices`, without `Seeds`, which have no small steps.
    trajectories : int
        Trajectories; the function is called (parameters + 1) times for each. [-]
    levels : int
        Levels of the grid, an even number. [-]

    Returns
    -------
    Morris
        The effects.

    Raises
    ------
    InputError
        If an argument is wrong.
    StudyError
        If a trial gives no answer, or all answers are the same.

    References
    ----------
    M. D. Morris, Technometrics 33 (1991) 161-174, doi:10.1080/00401706.1991.10484804; F. Campolongo, J. Cariboni,
    A. Saltelli, Environ. Model. Softw. 22 (2007) 1509-1518, doi:10.1016/j.envsoft.2006.10.004 (mu_star).
    """
    from SALib.analyze import morris as analysis
    from SALib.sample import morris as sampling

    whole_number("trajectories", trajectories, 2)
    if whole_number("levels", levels, 2) % 2:
        raise InputError(f"levels is {levels}; allowed is an even number")
    check_share("confidence", confidence)
    axes = _Axes.read(factors)
    for name, factor in axes.factors.items():
        if isinstance(factor, Seeds):
            raise InputError(f"factor {name} is a seed, which has no small steps; use sobol_indices")
    draw, resample = _generators(seed)
    steps = sampling.sample(axes.problem, trajectories, num_levels=levels, seed=draw)
    frame, answers = _answers(
        function, axes, axes.stepped(steps), column, seed, jobs=jobs, executor=executor, store=store,
        time_limit=time_limit, progress=progress,
    )  # fmt: skip
    found = analysis.analyze(
        axes.problem, steps, answers, num_levels=levels, conf_level=confidence, num_resamples=500, seed=resample
    )
    order = [list(found["names"]).index(name) for name in axes.groups]
    values = {name: np.array(found[name], dtype=float)[order] for name in ("mu", "mu_star", "mu_star_conf", "sigma")}
    return Morris(
        names=axes.groups,
        mu_star=values["mu_star"],
        mu_star_reach=values["mu_star_conf"],
        mu=values["mu"],
        sigma=values["sigma"],
        confidence=confidence,
        trials=frame,
    )


def _generators(seed: int) -> list[np.random.Generator]:
    # Generators, not numbers: SALib takes a seed of 0 for none and then draws from NumPy's global state.
    children = np.random.SeedSequence(whole_number("seed", seed, 0)).spawn(2)
    return [np.random.default_rng(child) for child in children]


def _symmetric(upper: np.ndarray) -> Vector:
    upper = np.asarray(upper, dtype=float)
    return np.where(np.isnan(upper), upper.T, upper)


@dataclass(frozen=True)
class _Axes:
    """The unit cube that SALib samples, and the parameters that its points stand for."""

    factors: Mapping[str, Any]
    """Low and high end with Range, frozen distribution or Seeds by name; of a card, None by axis."""
    space: CardSpace | None
    groups: tuple[str, ...]
    members: tuple[str, ...]
    """Group of each factor."""
    units: Mapping[str, str]

    @classmethod
    def read(cls, factors: Factors) -> "_Axes":
        if isinstance(factors, CardSpace):
            return cls._of_card(factors)
        if not isinstance(factors, Mapping) or len(factors) < 2:
            raise InputError(f"factors are {factors!r}; allowed is a mapping of two names or more, or a CardSpace")
        ranges = {name: given for name, given in factors.items() if isinstance(given, (Range, tuple, list))}
        plan = corners(ranges) if ranges else None
        read: dict[str, Any] = {}
        for name, given in factors.items():
            if name in ranges:
                # The ends as a plan reads them: numbers, from texts if need be, the lower one first.
                ends = plan[0][name], plan[len(plan) - 1][name]
                given = given if isinstance(given, Range) else Range(*given)
                read[name] = Range(*ends, log=given.log, whole=given.whole)
            elif isinstance(given, Seeds) or hasattr(given, "ppf"):
                read[name] = given
            else:
                raise InputError(
                    f"factor {name} is {given!r}; allowed are a pair (lowest, highest), a Range, a frozen "
                    "distribution of scipy.stats, or Seeds()"
                )
        names = tuple(read)
        return cls(read, None, names, names, dict(plan.units) if plan is not None else {})

    @classmethod
    def _of_card(cls, space: CardSpace) -> "_Axes":
        if space.count != 1:
            raise InputError(f"the CardSpace has {space.count} devices; allowed is one, or Seeds() for many of them")
        groups = {name: {name} for name in space.axes}
        for name in space.axes:
            spread = space.card.parameters[name].spread
            tie = None if spread is None else spread.correlated_with
            if tie is not None:
                joined = groups[name] | groups[tie.name]
                for member in joined:
                    groups[member] = joined
        labels = {name: " + ".join(axis for axis in space.axes if axis in groups[name]) for name in space.axes}
        found = tuple(dict.fromkeys(labels.values()))
        if len(found) < 2:
            raise InputError(
                f"the parameters of card {space.card.name} that vary, {', '.join(space.axes)}, are all correlated with "
                "each other, so there is nothing to tell apart; allowed are two that are independent or more"
            )
        units = {name: parameter.unit for name, parameter in space.card.parameters.items()}
        return cls(dict.fromkeys(space.axes), space, found, tuple(labels.values()), units)

    @property
    def problem(self) -> dict[str, Any]:
        """What is sampled, as SALib describes it."""
        names = list(self.factors)
        cube = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
        return cube if self.groups == self.members else {**cube, "groups": list(self.members)}

    def stepped(self, steps: Vector) -> Vector:
        """Give the shares of Morris's steps, which have no infinite ends."""
        from scipy.special import ndtr

        even = np.array([isinstance(factor, Range) for factor in self.factors.values()])
        return np.where(even, steps, ndtr(_REACH * (2.0 * steps - 1.0)))

    def columns(self, shares: Vector) -> dict[str, list]:
        """Give the parameters' values at points of the unit cube."""
        from scipy.special import ndtri

        # A scrambled sequence may hit 0, where a normal variable would be infinite.
        inner = np.clip(shares, 2.0**-54, 1.0 - 2.0**-53)
        if self.space is not None:
            devices = _of_scores(self.space, ndtri(inner))
            return {name: values.tolist() for name, values in devices.items()}
        return {
            name: _values(factor, shares[:, k], inner[:, k]).tolist()
            for k, (name, factor) in enumerate(self.factors.items())
        }


def _of_scores(space: CardSpace, scores: Vector) -> dict[str, Vector]:
    points = [space.devices(score) for score in scores]
    varied = space.only or [name for name in space.axes]
    return {name: np.array([point[name][0] for point in points]) for name in varied}


def _values(factor: Any, share: Vector, inner: Vector) -> np.ndarray:
    if isinstance(factor, Seeds):
        return (share * 2.0**53).astype(np.int64)
    if not isinstance(factor, Range):
        return np.asarray(factor.ppf(inner), dtype=float)
    low, high = (factor.low, factor.high + 1) if factor.whole else (factor.low, factor.high)
    values = np.exp(log(low) + share * log(high / low)) if factor.log else low + share * (high - low)
    if factor.whole:
        return np.minimum(np.floor(values), factor.high).astype(np.int64)
    return np.clip(values, factor.low, factor.high)


def _answers(
    function: Callable[..., Any], axes: _Axes, shares: Vector, column: str, seed: int, **how: Any
) -> tuple[pd.DataFrame, Vector]:
    columns = axes.columns(shares)
    units = {name: unit for name, unit in axes.units.items() if name in columns}
    frame = sweep(function, zipped(columns, units), seed=seed, common=True, **how)
    lost = frame[frame["status"] != "ok"]
    if len(lost):
        first = lost.iloc[0]
        raise StudyError(
            f"{len(lost)} of {len(frame)} trials gave no answer, first with "
            f"{', '.join(f'{name}={first[name]:.6g}' for name in columns)}: {first['status']} {first['error']}; a "
            "function must answer everywhere, say with an accuracy of 0 where nothing works"
        )
    if column not in frame:
        raise InputError(f"column is {column!r}; allowed: {', '.join(map(str, frame.columns))}")
    answers = frame[column].to_numpy(dtype=float)
    if np.ptp(answers) == 0.0:
        raise StudyError(f"all {len(frame)} trials answer {answers[0]:g}; allowed are factors that change the answer")
    return frame, answers


def draw_ranking(found: SobolIndices | Morris, answer: str = "answer", unit: str = "1", most: int = 15) -> Figure:
    """Draw the parameters in the order of their influence, with intervals.

    Parameters
    ----------
    found : SobolIndices or Morris
        What `sobol_indices` or `morris` found.
    answer : str
        What the function answers.
    unit : str
        SI unit of the answer; "1" for none.
    most : int
        Parameters that are shown, at most. [-]

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    return found._picture(answer, unit, most).draw(found.to_frame())
