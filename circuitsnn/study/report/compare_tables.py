"""What differs between two tables, row by row; rows are told by the columns that identify them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from circuitsnn.errors import InputError
from circuitsnn.study.pictures import picture_of
from circuitsnn.study.report.cells import show_value

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["form", "seed", "parameter", "card", "claim", "number", "table", "sweep", "made with"]
ABSENT = "absent"
"""What is shown for what one side does not have."""


@dataclass(frozen=True)
class Change:
    """One thing that differs."""

    kind: Kind
    """What it is. "made with" are versions, commit and platform."""
    name: str
    """Its name."""
    before: str
    """What the first has."""
    after: str
    """What the second has."""
    relative: float | None = None
    """How far a number moved, over the larger of the two sizes; None where there is no such thing. [-]"""


def compare_tables(
    name: str, before: "pd.DataFrame", after: "pd.DataFrame", tolerance: float, keys: Sequence[str] = ()
) -> Iterator[Change]:
    """Find what differs between two tables.

    Parameters
    ----------
    name : str
        What the table is called.
    before, after : pandas.DataFrame
        The tables; units by column in ``attrs["units"]``.
    tolerance : float
        Relative difference up to which two numbers count as the same. [-]
    keys : sequence of str
        Columns that tell the rows apart; without them, those that the table's picture names, or the first columns that
        do. Where there are none, rows are compared in their order.

    Yields
    ------
    Change
        Columns and rows that one side lacks, and of each column that differs the row that differs most.
    """
    for column in dict.fromkeys([*before.columns, *after.columns]):
        if column not in before.columns or column not in after.columns:
            pair = ("present" if column in frame.columns else ABSENT for frame in (before, after))
            yield Change("table", _place(name, column), *pair)
    units = before.attrs.get("units", {})
    keys = list(keys) or _stated_keys(before, after) or _found_keys(before, after)
    if keys:
        rows, label, only = _matched(before, after, keys, units)
        for side, missing in zip(("before", "after"), only, strict=True):
            if missing:
                pair = ("present", ABSENT) if side == "before" else (ABSENT, "present")
                yield Change("table", f"{name} at {label(missing[0])}{_more(len(missing))}", *pair)
        before, after = (frame.iloc[own] for frame, own in zip((before, after), rows, strict=True))
    elif len(before) == len(after):

        def label(place: int) -> str:
            return f"row {place + 1}"

    else:
        yield Change("table", name, f"{len(before)} rows", f"{len(after)} rows")
        return
    for column in before.columns.intersection(after.columns, sort=False):
        if column not in keys:
            unit = str(units.get(column, "1"))
            yield from _column(_place(name, column), before[column], after[column], label, tolerance, unit)


def _place(name: str, column: object) -> str:
    return f"{name}.{column}"


def _stated_keys(before: "pd.DataFrame", after: "pd.DataFrame") -> list[str]:
    try:
        picture = picture_of(before)
    except InputError:
        return []
    keys = list(picture.keys) if picture is not None else []
    return keys if keys and all(_tells_apart(frame, keys) for frame in (before, after)) else []


def _found_keys(before: "pd.DataFrame", after: "pd.DataFrame") -> list[str]:
    """Find the columns that tell the rows apart: from the left, as many as it takes.

    By custom of tables what was varied stands before what was found. What was found differs between two runs, so a
    column of numbers counts only if the values of one side are among those of the other.
    """
    from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

    keys: list[str] = []
    floats = True
    for column in before.columns.intersection(after.columns, sort=False):
        sides = [frame[column] for frame in (before, after)]
        if any(is_numeric_dtype(side) and not is_bool_dtype(side) for side in sides):
            values = [set(side.dropna()) for side in sides]
            same = values[0] <= values[1] or values[1] <= values[0]
            real = any(is_float_dtype(side) for side in sides)
            # After the first column of results all real numbers are results.
            floats &= same or not real
            if not same or (real and not floats):
                continue
        keys.append(column)
        if all(_tells_apart(frame, keys) for frame in (before, after)):
            return _needed(before, after, keys)
    return []


def _needed(before: "pd.DataFrame", after: "pd.DataFrame", keys: list[str]) -> list[str]:
    """Leave out the columns that tell nothing apart, the last ones first."""
    for column in reversed(keys):
        fewer = [one for one in keys if one != column]
        if fewer and all(_tells_apart(frame, fewer) for frame in (before, after)):
            keys = fewer
    return keys


def _tells_apart(frame: "pd.DataFrame", keys: list[str]) -> bool:
    return all(key in frame for key in keys) and not frame.duplicated(keys).any()


def _matched(
    before: "pd.DataFrame", after: "pd.DataFrame", keys: list[str], units: Mapping[str, str]
) -> tuple[list[list[int]], Callable[[int | tuple], str], list[list[tuple]]]:
    """Match rows by their keys: their places in both tables, what they are called, and those on one side only."""
    places = [
        {tuple(map(_plain, row)): place for place, row in enumerate(frame[keys].itertuples(index=False, name=None))}
        for frame in (before, after)
    ]
    both = [row for row in places[0] if row in places[1]]

    def label(row: int | tuple) -> str:
        values = both[row] if isinstance(row, (int, np.integer)) else row
        return ", ".join(
            f"{key}={_shown(one, str(units.get(key, '1')))}" for key, one in zip(keys, values, strict=True)
        )

    only = [[row for row in one if row not in other] for one, other in (places, places[::-1])]
    return [[side[row] for row in both] for side in places], label, only


def _plain(value: Any) -> Any:
    # NaN is not equal to itself, and so would match nothing.
    value = value.item() if isinstance(value, np.generic) else value
    return None if value is None or value != value or type(value).__name__ == "NAType" else value


def _shown(value: Any, unit: str) -> str:
    if value is None:
        return "none"
    return show_value(_rounded(value) if isinstance(value, float) else value, unit if unit != "text" else "1")


def _column(
    place: str, before: "pd.Series", after: "pd.Series", label: Callable[[int], str], tolerance: float, unit: str
) -> Iterator[Change]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    numeric = all(is_numeric_dtype(values) and not is_bool_dtype(values) for values in (before, after))
    if not numeric:
        texts = [values.astype(object).map(str).to_numpy() for values in (before, after)]
        differing = np.flatnonzero(texts[0] != texts[1])
        if len(differing):
            row = differing[0]
            yield Change("table", f"{place} at {label(row)}{_more(len(differing))}", texts[0][row], texts[1][row])
        return
    one, other = (values.to_numpy(dtype=float, na_value=np.nan) for values in (before, after))
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    size = np.maximum(np.abs(one), np.abs(other))
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.where(same, 0.0, np.abs(one - other) / size)
    # What is infinite or no number on one side only has moved as far as can be.
    moved[~np.isfinite(moved)] = inf
    differing = np.flatnonzero(moved > tolerance)
    if len(differing):
        row = int(np.argmax(moved))
        pair = (show_value(_rounded(values[row]), unit) for values in (one, other))
        yield Change("number", f"{place} at {label(row)}{_more(len(differing))}", *pair, float(moved[row]))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""
