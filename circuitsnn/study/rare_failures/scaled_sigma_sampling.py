"""Scaled-sigma sampling: failures counted at larger spreads, and their law extrapolated to the actual one."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from circuitsnn.checks import check_share, whole_number
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.status import Status
from circuitsnn.study.card_space import CardSpace
from circuitsnn.study.executors import Executor, open_executor
from circuitsnn.study.rare_failures.margin import Circuit, Vector, check_space, row_of, sigma_level


@dataclass(frozen=True, eq=False)
class ScaledSigma:
    """Probability of a rare failure, extrapolated from larger spreads."""

    probability: float
    """Probability of failure at the actual spread. [-]"""
    low: float
    """Lower end of its interval, for sampling errors only: the law may err as well. [-]"""
    high: float
    """Upper end of its interval. [-]"""
    confidence: float
    """Confidence level of the interval. [-]"""
    scales: Vector
    """Factors by which all standard deviations were multiplied. [-]"""
    trials: NDArray[np.int64]
    """Samples at each scale. [-]"""
    failures: NDArray[np.int64]
    """Failures among them. [-]"""
    coefficients: Vector
    """alpha, beta and gamma of log P(s) = alpha + beta log(s) + gamma / s^2. [-]"""
    misfit: float
    """Probability that the law, if true, would fit the failures worse than it does. [-]"""
    evaluations: int
    """Calls of the function, the choice of scales included. [-]"""
    status: Status
    """Whether the answer can be used, and what to do if not."""

    @property
    def sigma(self) -> float:
        """Limit that a standard normal variable exceeds with the same probability."""
        return sigma_level(self.probability)

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the answer.

        Returns
        -------
        pandas.DataFrame
            One row.
        """
        alpha, beta, gamma = self.coefficients
        return row_of(self, alpha=alpha, beta=beta, gamma=gamma, misfit=self.misfit, trials=int(self.trials.sum()))


def scaled_sigma(
    margin: Callable[[Any], float],
    space: int | CardSpace,
    *,
    trials: int = 20_000,
    scales: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    jobs: int = 1,
    executor: str | Executor | None = None,
    store: str | os.PathLike | None = None,
) -> ScaledSigma:
    """Estimate the probability of a rare failure from how it falls when larger spreads are made smaller.

    All standard deviations are multiplied by s, the failures of several s are counted, and the law
    log P(s) = alpha + beta log(s) + gamma / s^2 is fitted to them (least squares with the weights of binomial counts)
    and extrapolated to s = 1. There is no search that could miss a region, and nothing depends on the number of
    variables, but both the sampling error and the law's own error are a multiple of those of importance sampling.

    Parameters
    ----------
    margin : callable
        Function of a vector, shape (dimension,), or of the devices that `CardSpace.devices` gives; it returns a number
        which is zero or negative where the circuit fails, or whether it works.
    space : int or CardSpace
        Dimension of the vector of independent standard normal variables, or the devices.
    trials : int
        Samples of all scales together; the smaller ones, where failures are rare, get more. [-]
    scales : array_like, optional
        Factors > 1, four or more; without them, six that make between 0.4 and 30 % of the samples fail. [-]
    confidence : float
        Confidence level of the interval. [-]
    seed : int
        Seed of all randomness.
    jobs, executor
        As in `circuitsnn.study.sweep.sweep`.
    store : path-like, optional
        File that keeps the samples; the same call goes on from it, after the same choice of scales.

    Returns
    -------
    ScaledSigma
        The probability. For a card it is that among the devices that could exist, at each scale.

    Raises
    ------
    InputError
        If an argument is wrong.
    StudyError
        If the margin raises or is not a number.

    References
    ----------
    S. Sun, X. Li, H. Liu, K. Luo, B. Gu, IEEE Trans. Computer-Aided Design 34 (2015) 1096-1109; first in Proc. Int.
    Conf. Computer-Aided Design (2013) 478-485, doi:10.1109/ICCAD.2013.6691160.
    """
    check_space(space)
    whole_number("trials", trials, 100)
    check_share("confidence", confidence)
    pilot_seed, draw_seed = np.random.SeedSequence(whole_number("seed", seed, 0)).spawn(2)
    with open_executor(executor, jobs) as workers:
        circuit = Circuit(margin, space, workers)
        if scales is None:
            factors, rates = _choose_scales(circuit, np.random.default_rng(pilot_seed))
        else:
            factors = _read_scales(scales)
            rates = np.geomspace(0.004, 0.3, len(factors))
        if not len(factors):
            return _nothing_scaled(circuit, confidence)
        shares = 1.0 / np.sqrt(rates)
        counts = np.maximum(20, trials * shares / shares.sum()).astype(int)
        points = np.random.default_rng(draw_seed).standard_normal((counts.sum(), circuit.dimension))
        points *= np.repeat(factors, counts)[:, None]
        margins = circuit.kept(points, seed, store)
    made = circuit.exist(points)
    level = np.repeat(np.arange(len(factors)), counts)
    tried = np.bincount(level[made], minlength=len(factors))
    failures = np.bincount(level[margins <= 0.0], minlength=len(factors))
    return _extrapolate(factors, tried, failures, confidence, circuit.calls)


def _read_scales(scales: ArrayLike) -> Vector:
    factors = np.unique(np.array(scales, dtype=float))
    if factors.ndim != 1 or len(factors) < 4 or not np.isfinite(factors).all() or factors[0] <= 1.0:
        raise InputError(f"scales are {scales!r}; allowed are four different numbers > 1 or more")
    return factors


def _choose_scales(circuit: Circuit, rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Choose scales at which from 0.4 to 30 % of the samples fail, from a few samples at each of many."""
    samples = 200
    factors = np.geomspace(1.25, 10.0, 10)
    rates = np.array(
        [(circuit(factor * rng.standard_normal((samples, circuit.dimension))) <= 0.0).mean() for factor in factors]
    )
    seen = rates * samples >= 3
    if not seen.any():
        return np.zeros(0), np.zeros(0)
    rates = np.maximum.accumulate(rates)
    low, high = (_scale_at(rate, factors[seen], rates[seen]) for rate in (0.004, 0.3))
    chosen = np.geomspace(max(1.1, low), max(1.5 * max(1.1, low), high), 6)
    return chosen, np.geomspace(0.004, 0.3, 6)


def _scale_at(rate: float, factors: Vector, rates: Vector) -> float:
    """Find the scale of a failure rate; below the rates that were seen, log(P / s) is a straight line over 1/s^2."""
    if rate >= rates[0]:
        return float(np.interp(rate, rates, factors))
    first = min(4, len(factors))
    if rates[0] == rates[first - 1]:
        return float(factors[0])
    slope, start = np.polyfit(factors[:first] ** -2.0, np.log(rates[:first] / factors[:first]), 1)
    scales = np.linspace(1.0, factors[0], 200)
    logs = start + np.log(scales) + slope / scales**2
    return float(np.interp(log(rate), np.maximum.accumulate(logs), scales))


def _nothing_scaled(circuit: Circuit, confidence: float) -> ScaledSigma:
    empty = np.zeros(0, dtype=int)
    advice = "no failures among samples of up to 10 times the spread; give larger scales"
    status = Status("not accurate", advice)
    return ScaledSigma(
        0.0, 0.0, 1.0, confidence, np.zeros(0), empty, empty, np.full(3, nan), nan, circuit.calls, status
    )


def _extrapolate(
    scales: Vector, trials: NDArray[np.int64], failures: NDArray[np.int64], confidence: float, calls: int
) -> ScaledSigma:
    from scipy.stats import chi2, norm

    used = (failures >= 5) & (failures < trials)
    coefficients, misfit = np.full(3, nan), nan
    probability, low, high = 0.0, 0.0, 1.0
    status = Status(
        "not accurate", "fewer than four scales have five failures or more; raise trials, or give larger scales"
    )
    if used.sum() >= 4:
        rates = failures[used] / trials[used]
        # Of a binomial count, log P has the variance (1 - P) / (n P).
        root = np.sqrt(trials[used] * rates / (1.0 - rates))
        design = np.stack([np.ones(used.sum()), np.log(scales[used]), scales[used] ** -2.0], axis=1) * root[:, None]
        coefficients, *_ = np.linalg.lstsq(design, np.log(rates) * root, rcond=None)
        residual = float(((np.log(rates) * root - design @ coefficients) ** 2).sum())
        misfit = float(chi2.sf(residual, used.sum() - 3))
        at_one = np.array([1.0, 0.0, 1.0])
        error = sqrt(float(at_one @ np.linalg.inv(design.T @ design) @ at_one))
        middle = float(at_one @ coefficients)
        reach = float(norm.isf(0.5 - 0.5 * confidence)) * error
        probability, low, high = (min(1.0, exp(min(end, 0.0))) for end in (middle, middle - reach, middle + reach))
        status = _judged_law(misfit, error)
    return ScaledSigma(
        probability, low, high, confidence, scales, trials, failures, coefficients, misfit, calls, status
    )


def _judged_law(misfit: float, error: float) -> Status:
    if misfit < 0.01:
        return Status(
            "not accurate", "the law does not fit the failures; give smaller scales, or use importance_sampling"
        )
    if error > log(10.0):
        return Status(
            "not accurate", f"the standard error is a factor of {exp(error):.2g}; raise trials, with its square"
        )
    return Status("settled")


def draw_scaled_sigma(found: ScaledSigma) -> Figure:
    """Draw the probability of failure against the scale of the spreads, and its extrapolation.

    Parameters
    ----------
    found : ScaledSigma
        What `scaled_sigma` found.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    InputError
        If nothing was fitted.
    """
    from circuitsnn.study.yields import wilson

    if np.isnan(found.coefficients).any():
        raise InputError("there is no law to draw: nothing was fitted")
    rates = found.failures / found.trials
    ends = np.array([wilson(int(k), int(n)) for k, n in zip(found.failures, found.trials, strict=True)])
    shown = found.failures > 0
    alpha, beta, gamma = found.coefficients
    scales = np.geomspace(1.0, found.scales.max(), 100)
    reach = [[found.probability - found.low], [found.high - found.probability]]
    with house_style():
        figure, axes = new_figure()
        axes.plot(scales, np.exp(alpha + beta * np.log(scales) + gamma / scales**2), color=PALETTE[6], label="law")
        axes.errorbar(
            found.scales[shown],
            rates[shown],
            np.abs(ends[shown].T - rates[shown]),
            linestyle="",
            marker="o",
            color=PALETTE[0],
            label="sampled",
        )
        axes.errorbar(1.0, found.probability, reach, marker="D", color=PALETTE[1], linestyle="", label="extrapolated")
        axes.set(yscale="log", xlabel="Spread over the actual one [-]", ylabel="Probability of failure [-]")
        axes.legend(loc="lower right")
    return figure
