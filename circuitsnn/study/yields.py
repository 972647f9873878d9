"""Yields: intervals, when to stop drawing chips, and the largest spread that a circuit stands."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, exp, inf, isfinite, log, log1p, log2, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.checks import check_share, whole_number
from circuitsnn.errors import InputError
from circuitsnn.progress import Progress
from circuitsnn.status import Status
from circuitsnn.study.executors import Executor, open_executor
from circuitsnn.study.pictures import TolerancePicture
from circuitsnn.study.sweep import sweep

__all__ = ["MeanWithin", "ToleratedSigma", "YieldWithin", "anytime", "draw_tolerance", "largest_tolerated", "wilson"]


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Give Wilson's score interval of a yield, for a number of trials that was fixed beforehand.

    Parameters
    ----------
    successes : int
        Good chips. [-]
    trials : int
        All chips. [-]
    confidence : float
        Confidence level. [-]

    Returns
    -------
    tuple of float
        Lower and upper end. [-]

    Raises
    ------
    InputError
        If a number is not possible.

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212, doi:10.1080/01621459.1927.10502953.
    """
    from scipy.stats import binomtest

    _check_counts(successes, trials)
    check_share("confidence", confidence)
    if trials == 0:
        return 0.0, 1.0
    interval = binomtest(int(successes), int(trials)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def anytime(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Give an interval of a yield that stays true however often one looks, and whenever one stops.

    It holds the yields p that the mixture of likelihoods over Jeffreys's prior has not refuted,
    B(k + 1/2, n - k + 1/2) / B(1/2, 1/2) < p^k (1 - p)^(n - k) / (1 - confidence): by Ville's inequality, the true
    yield is in all intervals of a sequence of trials with at least that confidence. The price is its width.

    Parameters
    ----------
    successes : int
        Good chips. [-]
    trials : int
        All chips. [-]
    confidence : float
        Confidence level of all intervals together. [-]

    Returns
    -------
    tuple of float
        Lower and upper end. [-]

    Raises
    ------
    InputError
        If a number is not possible.

    References
    ----------
    H. Robbins, Ann. Math. Stat. 41 (1970) 1397-1409, doi:10.1214/aoms/1177696786.
    """
    from scipy.optimize import brentq

    _check_counts(successes, trials)
    check_share("confidence", confidence)
    if trials == 0:
        return 0.0, 1.0

    def doubt(share: float) -> float:
        return _log_evidence(successes, trials, share) + log(1.0 - confidence)

    peak = successes / trials
    low = 0.0 if successes == 0 else brentq(doubt, 1e-300, peak, xtol=1e-12)
    high = 1.0 if successes == trials else brentq(doubt, peak, 1.0 - 1e-16, xtol=1e-12)
    return float(low), float(high)


def _log_evidence(successes: int, trials: int, share: float) -> float:
    """Logarithm of the evidence against a yield: a martingale that starts at one where the yield is the true one."""
    from scipy.special import betaln, xlog1py, xlogy

    failures = trials - successes
    mixed = betaln(successes + 0.5, failures + 0.5) - betaln(0.5, 0.5)
    return float(mixed - xlogy(successes, share) - xlog1py(failures, -share))


def _check_counts(successes: int, trials: int) -> None:
    whole_number("trials", trials, 0)
    whole_number("successes", successes, 0)
    if successes > trials:
        raise InputError(f"successes is {successes!r}; allowed are at most as many as trials ({trials})")


def _column(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        raise InputError(f"column is {column!r}; allowed: {', '.join(map(str, frame.columns))}")
    return frame[column]


def _chips(frame: pd.DataFrame) -> np.ndarray:
    """Give each trial its chip's number, that of its first read, though not all reads may be there yet."""
    return (frame.index - frame["read"]).to_numpy() if "read" in frame else np.arange(len(frame))


def good_chips(frame: pd.DataFrame, column: str) -> tuple[int, int]:
    """Count the good chips of a sweep.

    Parameters
    ----------
    frame : DataFrame
        What `circuitsnn.study.sweep.sweep` returned.
    column : str
        Whether a read is good: true or 1.

    Returns
    -------
    int
        Chips all of whose reads are good. A read without an answer (it raised, timed out, ...) is not good. [-]
    int
        All chips. [-]

    Raises
    ------
    InputError
        If there is no such column, or it holds something else.
    """
    if not len(frame):
        return 0, 0
    answered = frame["status"] == "ok"
    values = _column(frame, column)
    wrong = values[answered & ~values.isin((0, 1))]
    if len(wrong):
        raise InputError(f"column {column} holds {wrong.tolist()[0]!r}; allowed for a yield are true, false, 1 and 0")
    good = (answered & (values == 1)).to_numpy()
    chips = pd.Series(good).groupby(_chips(frame)).all()
    return int(chips.sum()), len(chips)


@dataclass(frozen=True)
class YieldWithin:
    """Stop rule: the yield is known well enough.

    The interval is Wilson's, which is meant for one look; see `anytime` for what holds for many.
    """

    column: str = "value"
    """Column that says whether a trial is good: true or 1. A trial without an answer is not good."""
    half_width: float = 0.01
    """Half of the interval's width at which to stop. [-]"""
    confidence: float = 0.95
    """Confidence level of the interval. [-]"""
    sequential: bool = False
    """Whether the interval shall hold in spite of the many looks (`anytime`)."""
    every: int = 100
    """Chips between looks. [-]"""

    def __post_init__(self) -> None:
        check_share("half_width", self.half_width)
        check_share("confidence", self.confidence)
        whole_number("every", self.every, 1)

    def done(self, frame: pd.DataFrame) -> bool:
        """Decide whether the trials so far are enough.

        Parameters
        ----------
        frame : DataFrame
            The trials so far.

        Returns
        -------
        bool
            Whether they are.
        """
        low, high = (anytime if self.sequential else wilson)(*good_chips(frame, self.column), self.confidence)
        return high - low <= 2.0 * self.half_width


@dataclass(frozen=True)
class MeanWithin:
    """Stop rule: the mean is known well enough, by Student's t interval over the chips that gave an answer."""

    column: str = "value"
    """Column of numbers."""
    half_width: float | None = None
    """Half of the interval's width at which to stop; exactly one of the two is given. [the column's unit]"""
    relative: float | None = None
    """The same, divided by the mean's amount. [-]"""
    confidence: float = 0.95
    """Confidence level of the interval. [-]"""
    every: int = 100
    """Chips between looks. [-]"""

    def __post_init__(self) -> None:
        if (self.half_width is None) == (self.relative is None):
            raise InputError("MeanWithin must have exactly one of half_width and relative")
        for name in ("half_width", "relative"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, (bool, str)) or not 0.0 < value < inf):
                raise InputError(f"{name} is {value!r}; allowed is a number > 0")
        check_share("confidence", self.confidence)
        whole_number("every", self.every, 1)

    def done(self, frame: pd.DataFrame) -> bool:
        """Decide whether the trials so far are enough.

        Parameters
        ----------
        frame : DataFrame
            The trials so far.

        Returns
        -------
        bool
            Whether they are.
        """
        from scipy.stats import t

        answered = frame[frame["status"] == "ok"]
        if not len(answered):
            return False
        means = _column(answered, self.column).astype(float).groupby(_chips(frame)[frame["status"] == "ok"]).mean()
        if len(means) < 2:
            return False
        reach = t.ppf(0.5 + 0.5 * self.confidence, len(means) - 1) * means.std() / sqrt(len(means))
        allowed = self.half_width if self.relative is None else self.relative * abs(means.mean())
        return bool(reach <= allowed)


@dataclass(frozen=True, eq=False)
class ToleratedSigma:
    """The largest sigma that still gives a yield."""

    sigma: float
    """Best estimate: the geometric middle of the bracket. [as the search's ends]"""
    low: float
    """Largest sigma that was shown to give the yield; 0 if none was."""
    high: float
    """Smallest sigma that was shown not to give it; infinite if none was."""
    target: float
    """The yield that is asked for. [-]"""
    confidence: float
    """Probability that the tolerated sigma is from `low` to `high`, if a larger sigma never gives more yield. [-]"""
    sigmas: np.ndarray
    """Sigmas that were tried, in ascending order."""
    trials: np.ndarray
    """Chips of each. [-]"""
    good: np.ndarray
    """Good chips of each. [-]"""
    unanswered: np.ndarray
    """Chips of each that gave no answer; they count as not good. [-]"""
    decisions: tuple[str, ...]
    """What each showed: "enough", "too little" or "undecided"."""
    status: Status
    """Whether the bracket is as narrow as asked for, and what to do if not."""

    @property
    def bracket(self) -> tuple[float, float]:
        """What the tolerated sigma lies between."""
        return self.low, self.high

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the sigmas that were tried.

        Returns
        -------
        pandas.DataFrame
            One row a sigma, with its yield and Wilson's 95 % interval.
        """
        ends = [wilson(int(good), int(trials)) for good, trials in zip(self.good, self.trials, strict=True)]
        table = pd.DataFrame(
            {
                "sigma": self.sigmas,
                "trials": self.trials,
                "good": self.good,
                "unanswered": self.unanswered,
                "yield": self.good / self.trials,
                "yield_low": [low for low, _ in ends],
                "yield_high": [high for _, high in ends],
                "decision": self.decisions,
            }
        )
        return TolerancePicture(self.target).mark(table)


@dataclass(frozen=True)
class _Decided:
    """Stop rule: the yield differs from the target, whichever way."""

    column: str
    target: float
    level: float
    every: int

    def done(self, frame: pd.DataFrame) -> bool:
        return self.decide(*good_chips(frame, self.column)) != "undecided"

    def decide(self, good: int, trials: int) -> str:
        if _log_evidence(good, trials, self.target) < -log(self.level):
            return "undecided"
        return "enough" if good / trials >= self.target else "too little"


def largest_tolerated(
    function: Callable[..., Any],
    low: float,
    high: float,
    *,
    target: float = 0.99,
    column: str = "value",
    precision: float = 0.25,
    confidence: float = 0.95,
    max_trials: int = 5000,
    reads: int = 1,
    seed: int = 0,
    jobs: int = 1,
    executor: str | Executor | None = None,
    store: str | os.PathLike | None = None,
    time_limit: float | None = None,
    progress: Progress | bool | None = None,
) -> ToleratedSigma:
    """Find the largest spread that still gives a yield, by bisection on the logarithm of sigma.

    Each sigma gets chips until a sequential test (see `anytime`) has decided whether its yield is the target or more,
    so that sigmas far from the answer cost little. All sigmas meet the same chips, which differ by sigma only. The
    confidence is that of all decisions together (Bonferroni). Where a sigma cannot be decided with `max_trials` chips,
    the bracket is closed in from both sides.

    Parameters
    ----------
    function : callable
        Function of `sigma` (a keyword) and, as `circuitsnn.study.sweep.sweep` gives them, `chip_rng`, `rng` or `seed`;
        it returns whether the chip is good. Draw the same random numbers whatever sigma is, and scale them by it.
    low, high : float
        Ends of the search, > 0. [-, or the unit in which the function takes sigma]
    target : float
        Yield that is asked for. [-]
    column : str
        Where the function returns several things: the one that says whether the chip is good.
    precision : float
        Width of the bracket at which the search ends, relative to its lower end. [-]
    confidence : float
        Confidence of the bracket. [-]
    max_trials : int
        Chips of each sigma at most. [-]
    reads : int
        Reads of each chip, all of which must be good. [-]
    seed : int
        Seed of all randomness.
    jobs, executor, time_limit, progress
        As in `circuitsnn.study.sweep.sweep`.
    store : path-like, optional
        Folder that keeps the trials, one file a sigma; the same call goes on from it.

    Returns
    -------
    ToleratedSigma
        The bracket, and what each sigma gave.

    Raises
    ------
    InputError
        If an argument is wrong.
    """
    low, high, precision = _read_search(low, high, precision)
    check_share("target", target)
    check_share("confidence", confidence)
    whole_number("max_trials", max_trials, 2)
    halvings = ceil(log2(log(high / low) / log1p(precision)))
    # Two ends, the halvings, and again as many on either side of a sigma that stays undecided.
    most = 2 + 3 * max(1, halvings)
    rule = _Decided(column, target, (1.0 - confidence) / most, every=min(50, max_trials))
    if store is not None:
        Path(store).mkdir(parents=True, exist_ok=True)
    tried: dict[float, tuple[int, int, int, str]] = {}

    with open_executor(executor, jobs, isolated=time_limit is not None) as workers:

        def ask(sigma: float) -> str:
            frame = sweep(
                function,
                {"sigma": [sigma]},
                trials=max_trials,
                reads=reads,
                seed=seed,
                executor=workers,
                store=None if store is None else Path(store) / f"sigma_{sigma:.9g}.db",
                time_limit=time_limit,
                stop=rule,
                common=True,
                progress=progress,
            )
            good, trials = good_chips(frame, column)
            unanswered = int((frame["status"] != "ok").groupby(_chips(frame)).any().sum())
            tried[sigma] = (trials, good, unanswered, rule.decide(good, trials))
            return tried[sigma][3]

        status = _search(ask, low, high, precision, most, max_trials, target)
    return _tolerated(tried, target, confidence, status)


def _read_search(low: float, high: float, precision: float) -> tuple[float, float, float]:
    for name, value in (("low", low), ("high", high), ("precision", precision)):
        if isinstance(value, (bool, str)) or not isfinite(value) or value <= 0:
            raise InputError(f"{name} is {value!r}; allowed is a finite number > 0")
    if not low < high:
        raise InputError(f"low is {low!r} and high is {high!r}; allowed is a lower end below the higher one")
    return float(low), float(high), float(precision)


def _search(
    ask: Callable[[float], str], low: float, high: float, precision: float, most: int, trials: int, target: float
) -> Status:
    """Bisect on the logarithm of sigma."""
    share = f"{100 * target:g} %"
    at_low = ask(low)
    if at_low != "enough":
        found = "below" if at_low == "too little" else f"too near {share} to tell with {trials} chips"
        return Status("not settled", f"at the lower end {low:g} the yield is {found}; choose a smaller low")
    at_high = ask(high)
    if at_high != "too little":
        found = f"{share} or more" if at_high == "enough" else f"too near {share} to tell with {trials} chips"
        return Status("not settled", f"at the higher end {high:g} the yield is {found}; choose a larger high")
    undecided: list[float] = []
    for _ in range(most - 2):
        if high / low <= 1.0 + precision:
            return Status("settled")
        ends = (low, *sorted(undecided), high)
        gaps = {(ends[0], ends[1]), (ends[-2], ends[-1])}
        lower, upper = max(gaps, key=lambda gap: gap[1] / gap[0])
        # Closer to an undecided sigma than the bracket is to be wide there is nothing to be gained.
        if undecided and upper / lower <= sqrt(1.0 + precision):
            break
        middle = exp(0.5 * (log(lower) + log(upper)))
        answer = ask(middle)
        if answer == "enough":
            low, undecided = middle, [sigma for sigma in undecided if sigma > middle]
        elif answer == "too little":
            high, undecided = middle, [sigma for sigma in undecided if sigma < middle]
        else:
            undecided.append(middle)
    if high / low <= 1.0 + precision:
        return Status("settled")
    return Status(
        "not settled",
        f"between {low:g} and {high:g} the yield is too near {share} to tell with {trials} chips; raise max_trials, or "
        "be content with this bracket",
    )


def _tolerated(tried: dict[float, tuple], target: float, confidence: float, status: Status) -> ToleratedSigma:
    sigmas = sorted(tried)
    trials, good, unanswered, decisions = zip(*(tried[sigma] for sigma in sigmas), strict=True)
    low = max((sigma for sigma in sigmas if tried[sigma][3] == "enough"), default=0.0)
    high = min((sigma for sigma in sigmas if tried[sigma][3] == "too little"), default=inf)
    return ToleratedSigma(
        sigma=sqrt(low * high) if low > 0.0 and high < inf else float("nan"),
        low=low,
        high=high,
        target=target,
        confidence=confidence,
        sigmas=np.array(sigmas),
        trials=np.array(trials),
        good=np.array(good),
        unanswered=np.array(unanswered),
        decisions=decisions,
        status=status,
    )


def draw_tolerance(found: ToleratedSigma, label: str = "Relative standard deviation") -> Figure:
    """Draw the yield against sigma, with the bracket of the tolerated one.

    Parameters
    ----------
    found : ToleratedSigma
        What `largest_tolerated` found.
    label : str
        What sigma is.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    return TolerancePicture(found.target, label).draw(found.to_frame())
