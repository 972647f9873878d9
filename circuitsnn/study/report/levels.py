"""What a sweep's trials say at each value of a parameter: means and yields, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from circuitsnn.study.report.cells import show_rounded, show_value
from circuitsnn.study.report.sweep import SweepFile
from circuitsnn.study.yields import good_chips, wilson

if TYPE_CHECKING:
    from pandas import DataFrame, Series

MOST_LEVELS = 24
"""Values of a parameter that are told apart; beyond that numbers are put into bins."""
_BINS = 12
_MOST_NAMED = 8  # values of a parameter that are named one by one
_CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Levels:
    """Values of a parameter, or bins of them."""

    name: str
    """The parameter."""
    unit: str
    """Its SI unit; "1" for none."""
    labels: tuple[str, ...]
    """Each level as it is shown."""
    places: NDArray
    """Where it is drawn: its value, the median of a bin, or its label where it is no number. [`unit`]"""
    rows: tuple[NDArray[np.int64], ...]
    """Places of its trials in the table."""
    binned: bool
    """Whether the levels are bins."""


@dataclass(frozen=True)
class Estimate:
    """A mean or a yield."""

    value: float
    """The estimate; NaN where there was no answer. [the answer's unit]"""
    low: float
    """Lower end of its 95 % interval; NaN for none."""
    high: float
    """Upper end."""


def kind_of(values: "Series") -> Literal["yield", "mean", "text"]:
    """Tell how an answer is put together: truth values to a yield, numbers to a mean.

    Parameters
    ----------
    values : pandas.Series
        The answers.

    Returns
    -------
    str
        "yield", "mean" or "text".
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_bool_dtype(values):
        return "yield"
    return "mean" if is_numeric_dtype(values) else "text"


def levels_of(sweep: SweepFile, name: str) -> Levels:
    """Find the values that a parameter goes through.

    Parameters
    ----------
    sweep : SweepFile
        The sweep.
    name : str
        The parameter.

    Returns
    -------
    Levels
        Its values in ascending order, texts in the order of the plan; bins with equally many trials each where there
        are more than `MOST_LEVELS` numbers, and the first ones where there are more texts.
    """
    import pandas as pd

    values, unit = sweep.trials[name], sweep.unit(name)
    distinct = pd.unique(values)
    if kind_of(values) == "mean":
        if values.nunique() > MOST_LEVELS:
            return _bins(name, unit, values.to_numpy(dtype=float))
        distinct = np.sort(distinct[~pd.isna(distinct)])
        labels = [show_value(value.item(), unit) for value in distinct]
        rows = [np.flatnonzero(values == value) for value in distinct]
    else:
        distinct = distinct[:MOST_LEVELS]
        labels = [show_level(value, unit) for value in distinct]
        rows = [np.flatnonzero(values.isna() if value is None else values == value) for value in distinct]
        distinct = np.array(labels, dtype=object)
    return Levels(name, unit, tuple(labels), distinct, tuple(rows), False)


def show_level(value: Any, unit: str) -> str:
    """Show a parameter's value, real numbers with four digits.

    Parameters
    ----------
    value : object
        A number, text, truth value or None.
    unit : str
        SI unit; "1" for none.

    Returns
    -------
    str
        The text.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value != value or type(value).__name__ == "NAType":
        return "none"
    return show_rounded(value, unit) if isinstance(value, float) else show_value(value, unit)


def plan_of(sweep: SweepFile, levels: Levels) -> tuple[int, str]:
    """Say which values a parameter takes.

    Parameters
    ----------
    sweep : SweepFile
        The sweep.
    levels : Levels
        The parameter.

    Returns
    -------
    int
        How many values. [-]
    str
        The values, or their range.
    """
    values = sweep.trials[levels.name]
    count = values.nunique(dropna=False)
    if kind_of(values) == "mean" and count > _MOST_NAMED:
        low, high = (show_rounded(float(end), levels.unit) for end in (values.min(), values.max()))
        return count, f"{low} to {high}"
    shown = ", ".join(levels.labels[:_MOST_NAMED])
    return count, f"{shown}, ..." if count > _MOST_NAMED else shown


def _bins(name: str, unit: str, values: np.ndarray) -> Levels:
    order = np.argsort(values, kind="stable")
    parts = [part for part in np.array_split(order[: np.isfinite(values).sum()], _BINS) if len(part)]
    labels = [f"{show_rounded(values[p[0]], unit)} to {show_rounded(values[p[-1]], unit)}" for p in parts]
    places = np.array([np.median(values[part]) for part in parts])
    return Levels(name, unit, tuple(labels), places, tuple(np.sort(part) for part in parts), True)


def is_random(sweep: SweepFile) -> bool:
    """Tell whether the trials at one value of a parameter differ by chance: by chips, reads or drawn parameters.

    Parameters
    ----------
    sweep : SweepFile
        The sweep.

    Returns
    -------
    bool
        Whether they do; else they differ by the other parameters only, and intervals say nothing.
    """
    trials = sweep.trials
    drawn = (kind_of(trials[name]) == "mean" and trials[name].nunique() > MOST_LEVELS for name in sweep.parameters)
    return "chip" in trials or "read" in trials or any(drawn)


def estimate(trials: "DataFrame", answer: str, interval: bool) -> Estimate:
    """Put the answers of trials together.

    Parameters
    ----------
    trials : pandas.DataFrame
        The trials.
    answer : str
        The answer's column.
    interval : bool
        Whether to give the 95 % interval: Wilson's of a yield, Student's of a mean, over chips in either case.

    Returns
    -------
    Estimate
        The yield, in which a trial without an answer is not good, or the mean of the finite answers.
    """
    if kind_of(trials[answer]) == "yield":
        good, chips = good_chips(trials, answer)
        ends = wilson(good, chips, _CONFIDENCE) if interval else (np.nan, np.nan)
        return Estimate(good / chips if chips else np.nan, *ends)
    values = trials[answer].astype(float)
    values = values[np.isfinite(values)]
    if "read" in trials:
        values = values.groupby(values.index - trials["read"][values.index]).mean()
    if len(values) < 2 or not interval:
        return Estimate(float(values.mean()), np.nan, np.nan)
    from scipy.stats import t

    mean = float(values.mean())
    reach = float(t.ppf(0.5 + 0.5 * _CONFIDENCE, len(values) - 1) * values.std() / sqrt(len(values)))
    return Estimate(mean, mean - reach, mean + reach)


def by_level(sweep: SweepFile, levels: Levels, answers: Sequence[str], interval: bool) -> "DataFrame":
    """Tabulate what the trials say at each value of a parameter.

    Parameters
    ----------
    sweep : SweepFile
        The sweep.
    levels : Levels
        The parameter's values.
    answers : sequence of str
        Answers that are truth values or numbers.
    interval : bool
        Whether with intervals.

    Returns
    -------
    pandas.DataFrame
        One row a value: its label, "number of trials", "number ok", and each answer with "NAME (low)" and
        "NAME (high)".
    """
    import pandas as pd

    table = []
    for label, rows in zip(levels.labels, levels.rows, strict=True):
        own = sweep.trials.iloc[rows]
        # Names that no answer is likely to have.
        row = {levels.name: label, "number of trials": len(own), "number ok": int((own["status"] == "ok").sum())}
        for answer in answers:
            found = estimate(own, answer, interval)
            row |= {answer: found.value, f"{answer} (low)": found.low, f"{answer} (high)": found.high}
        table.append(row)
    return pd.DataFrame(table)
