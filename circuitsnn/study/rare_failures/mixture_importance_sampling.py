"""Importance sampling from a mixture: samples drawn where the circuit fails, each counted with its density."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from circuitsnn.checks import check_share, whole_number
from circuitsnn.errors import InputError
from circuitsnn.status import Status
from circuitsnn.study.card_space import CardSpace
from circuitsnn.study.executors import Executor, open_executor
from circuitsnn.study.rare_failures.margin import Circuit, Vector, check_space, row_of, sigma_level
from circuitsnn.study.rare_failures.mixture import Mixture
from circuitsnn.study.rare_failures.norm_minimisation import SCALES, TOO_THIN, find_missed, find_shifts, scatter_of

_EXISTENCE = 100_000  # draws that tell how many devices of a card can exist
_ENOUGH = 100.0  # effective failures below which the interval is not to be trusted
_DOMINANT = 0.2  # share of the estimate above which one single failure makes it untrustworthy


@dataclass(frozen=True, eq=False)
class ImportanceSampling:
    """Probability of a rare failure, from samples drawn where the circuit fails."""

    probability: float
    """Probability of failure. [-]"""
    low: float
    """Lower end of its interval. [-]"""
    high: float
    """Upper end of its interval. [-]"""
    confidence: float
    """Confidence level of the interval. [-]"""
    effective_failures: float
    """Kish's effective number of failures among the samples, (sum w)^2 / sum w^2. [-]"""
    shifts: Vector
    """Failures nearest to the nominal design, one a region, shape (regions, dimension). [standard deviations]"""
    points: Vector
    """Samples, shape (trials, dimension). [standard deviations]"""
    margins: Vector
    """Margin of each sample. [as the function's]"""
    weights: Vector
    """Density of each sample over that with which it was drawn. [-]"""
    evaluations: int
    """Calls of the function, the search included. [-]"""
    existing: float
    """Share of drawn points whose devices could exist, which the probability refers to. [-]"""
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
        return row_of(
            self,
            effective_failures=self.effective_failures,
            regions=len(self.shifts),
            distance=float(np.linalg.norm(self.shifts, axis=1).min()) if len(self.shifts) else nan,
            trials=len(self.points),
        )


def importance_sampling(
    margin: Callable[[Any], float],
    space: int | CardSpace,
    *,
    trials: int = 4000,
    exploration: int = 400,
    regions: int = 6,
    shifts: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    jobs: int = 1,
    executor: str | Executor | None = None,
    store: str | os.PathLike | None = None,
) -> ImportanceSampling:
    """Estimate the probability of a rare failure by drawing samples where the circuit fails.

    Samples with larger and larger spreads find first failures; from these, the failure nearest to the nominal design is
    sought (norm minimisation), once in each direction in which there are failures. The samples then come from a mixture
    of normal distributions about these points, and one sample in ten from a wide one about the nominal design, which
    finds what the search has missed. Each failure counts with the density p of the actual spreads over that of the
    whole mixture, q: P = mean of p/q over the samples, zero where the circuit works. The interval is the normal one
    of log P.

    Parameters
    ----------
    margin : callable
        Function of a vector, shape (dimension,), or of the devices that `CardSpace.devices` gives; it returns a number
        which is zero or negative where the circuit fails, and which falls gradually towards that.
    space : int or CardSpace
        Dimension of the vector of independent standard normal variables, or the devices.
    trials : int
        Samples after the search. [-]
    exploration : int
        Samples for each of the larger spreads. [-]
    regions : int
        Failure regions that are looked for, at most. [-]
    shifts : array_like, shape (regions, dimension), optional
        Centres of the mixture, in place of the search. [standard deviations]
    confidence : float
        Confidence level of the interval. [-]
    seed : int
        Seed of all randomness.
    jobs, executor
        As in `circuitsnn.study.sweep.sweep`.
    store : path-like, optional
        File that keeps the samples after the search; the same call goes on from it, after the same search.

    Returns
    -------
    ImportanceSampling
        The probability. For a card it is that among the devices that could exist.

    Raises
    ------
    InputError
        If an argument is wrong, or the margin takes two values only.
    StudyError
        If the margin raises or is not a number.

    References
    ----------
    R. Kanj, R. Joshi, S. Nassif, Proc. Design Automation Conf. (2006) 69-72, doi:10.1145/1146909.1146930 (mixture);
    L. Dolecek, M. Qazi, D. Shah, A. Chandrakasan, Proc. Int. Conf. Computer-Aided Design (2008) 322-329,
    doi:10.1109/ICCAD.2008.4681593 (norm minimisation); A. Owen, Y. Zhou, J. Am. Stat. Assoc. 95 (2000) 135-143,
    doi:10.1080/01621459.2000.10473909 (one density for the whole mixture).
    """
    check_space(space)
    for name, value, least in (("trials", trials, 100), ("exploration", exploration, 10), ("regions", regions, 1)):
        whole_number(name, value, least)
    check_share("confidence", confidence)
    search_seed, draw_seed, exist_seed = np.random.SeedSequence(whole_number("seed", seed, 0)).spawn(3)
    with open_executor(executor, jobs) as workers:
        circuit = Circuit(margin, space, workers)
        if shifts is None:
            centres, scale = find_shifts(circuit, exploration, regions, trials // 4, np.random.default_rng(search_seed))
        else:
            centres, scale = _read_shifts(shifts, circuit.dimension), 3.0
        existing = _existing(circuit, np.random.default_rng(exist_seed))
        if not len(centres):
            return _nothing_found(circuit, confidence, existing, exploration)
        mixture = Mixture(centres, scale, trials)
        points = mixture.draw(np.random.default_rng(draw_seed))
        margins = circuit.kept(points, seed, store)
        missed = find_missed(circuit, mixture, points[margins <= 0.0], TOO_THIN, scatter_of(margins))
    return _estimate(circuit, mixture, points, margins, missed, confidence, existing)


def _read_shifts(shifts: ArrayLike, dimension: int) -> Vector:
    centres = np.atleast_2d(np.array(shifts, dtype=float))
    if centres.ndim != 2 or centres.shape[1] != dimension or not np.isfinite(centres).all():
        raise InputError(f"shifts have the shape {centres.shape}; allowed are rows of {dimension} finite numbers")
    return centres


def _existing(circuit: Circuit, rng: np.random.Generator) -> float:
    if not isinstance(circuit.space, CardSpace):
        return 1.0
    block = max(1, 1_000_000 // circuit.dimension)
    counts = [
        circuit.exist(rng.standard_normal((min(block, _EXISTENCE - start), circuit.dimension))).sum()
        for start in range(0, _EXISTENCE, block)
    ]
    return float(sum(counts) / _EXISTENCE)


def _estimate(
    circuit: Circuit,
    mixture: Mixture,
    points: Vector,
    margins: Vector,
    missed: Vector | None,
    confidence: float,
    existing: float,
) -> ImportanceSampling:
    from scipy.stats import norm

    weights = np.exp(mixture.log_weights(points))
    parts = np.where(margins <= 0.0, weights, 0.0)
    total = parts.sum()
    effective = float(total**2 / (parts**2).sum()) if total > 0.0 else 0.0
    mean = float(total / len(parts))
    # The number of samples of each part of the mixture is fixed, so only the scatter within each part counts.
    variance = (
        sum(
            len(part) * float(part.var(ddof=1))
            for part in np.split(parts, np.cumsum(mixture.strata)[:-1])
            if len(part) > 1
        )
        / len(parts) ** 2
    )
    reach = float(norm.isf(0.5 - 0.5 * confidence)) * sqrt(variance) / mean if mean > 0.0 else inf
    probability = mean / existing
    return ImportanceSampling(
        probability=probability,
        low=probability * exp(-reach) if mean > 0.0 else 0.0,
        high=min(1.0, probability * exp(min(reach, 700.0))) if mean > 0.0 else 1.0,
        confidence=confidence,
        effective_failures=effective,
        shifts=mixture.centres,
        points=points,
        margins=margins,
        weights=weights,
        evaluations=circuit.calls,
        existing=existing,
        status=_judged(parts, effective, missed),
    )


def _judged(parts: Vector, effective: float, missed: Vector | None) -> Status:
    if missed is not None:
        return Status(
            "not accurate",
            f"there are failures {np.linalg.norm(missed):.2g} standard deviations away where samples are "
            "thin, so the estimate may be too small; raise regions and exploration, or compare with scaled_sigma",
        )
    if parts.max() > _DOMINANT * parts.sum() or not parts.any():
        share = 100.0 * parts.max() / parts.sum() if parts.any() else 100.0
        return Status(
            "not accurate",
            f"one sample makes {share:.0f} % of the estimate; raise trials, exploration and regions, or compare with "
            "scaled_sigma",
        )
    if effective < _ENOUGH:
        return Status("not accurate", f"the samples are worth {effective:.0f} failures only; raise trials")
    return Status("settled")


def _nothing_found(circuit: Circuit, confidence: float, existing: float, exploration: int) -> ImportanceSampling:
    empty = np.zeros((0, circuit.dimension))
    return ImportanceSampling(
        probability=0.0,
        low=0.0,
        high=1.0,
        confidence=confidence,
        effective_failures=0.0,
        shifts=empty,
        points=empty,
        margins=np.zeros(0),
        weights=np.zeros(0),
        evaluations=circuit.calls,
        existing=existing,
        status=Status(
            "not accurate",
            f"no failure among {exploration} samples each of up to {SCALES[-1]:g} times the spread; raise "
            "exploration, or give shifts",
        ),
    )
