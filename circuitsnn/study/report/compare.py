"""What differs between two runs of one study."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from circuitsnn.errors import InputError
from circuitsnn.study.claims import Claim
from circuitsnn.study.report.cells import show_value
from circuitsnn.study.report.run import Run, UsedCard

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["form", "seed", "parameter", "card", "claim", "number", "table", "made with"]
_ABSENT = "absent"


@dataclass(frozen=True)
class Change:
    """One thing that differs."""

    kind: Kind
    """What it is. "made with" are versions, commit and platform."""
    name: str
    """Its name."""
    before: str
    """What the first run has."""
    after: str
    """What the second run has."""
    relative: float | None = None
    """How far a number moved, over the larger of the two sizes; None where there is no such thing. [-]"""


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs."""

    changes: tuple[Change, ...]
    """What differs, the settings first, then the answers, then what the runs were made with."""
    tolerance: float
    """Relative difference up to which two numbers count as the same. [-]"""

    @property
    def same(self) -> bool:
        """Whether question and answers are the same, whatever the runs were made with."""
        return all(change.kind == "made with" for change in self.changes)

    def to_frame(self) -> "pd.DataFrame":
        """Return the changes as a table.

        Returns
        -------
        pandas.DataFrame
            One row a change.
        """
        import pandas as pd

        columns = ["kind", "name", "before", "after", "relative"]
        return pd.DataFrame([asdict(change) for change in self.changes], columns=columns)


def compare_runs(before: Run, after: Run, *, tolerance: float = 1e-6) -> Comparison:
    """Find what differs between two runs of one study.

    Claims are compared by name and numbers in tables by row and column, in their order. Date, duration, number of
    processes, command and the folder's name are not compared.

    Parameters
    ----------
    before, after : Run
        The runs, from `read_run`.
    tolerance : float
        Relative difference up to which two numbers count as the same. [-]

    Returns
    -------
    Comparison
        What differs.

    Raises
    ------
    InputError
        If the runs are of different studies, a table is damaged or the tolerance is negative.
    """
    if not 0.0 <= tolerance < inf:
        raise InputError(f"tolerance is {tolerance!r}; allowed is a number, 0 or more")
    names = before.summary.study, after.summary.study
    if names[0] != names[1]:
        raise InputError(f"the runs are of {names[0]} and of {names[1]}; allowed are two runs of one study")
    return Comparison(
        (
            *_settings(before, after),
            *_claims(before.summary.claims, after.summary.claims, tolerance),
            *_tables(before, after, tolerance),
            *_made_with(before, after),
        ),
        tolerance,
    )


def _settings(before: Run, after: Run) -> Iterator[Change]:
    form = ["quick" if run.summary.quick else "full" for run in (before, after)]
    yield from _texts("form", {"form": form[0]}, {"form": form[1]})
    yield from _texts("seed", {"seed": str(before.summary.seed)}, {"seed": str(after.summary.seed)})
    parameters = [
        {name: show_value(one.value, one.unit) for name, one in run.summary.parameters.items()}
        for run in (before, after)
    ]
    yield from _texts("parameter", *parameters)
    yield from _texts("card", *(dict(_card_texts(run.provenance.cards)) for run in (before, after)))


def _card_texts(cards: Mapping[str, UsedCard], prefix: str = "") -> Iterator[tuple[str, str]]:
    for listed, card in cards.items():
        place = prefix + listed
        yield place, card.name
        for name, one in card.parameters.items():
            yield f"{place}.{name}", show_value(one.get("value", _ABSENT), one.get("unit", "1"))
            yield f"{place}.{name} spread", _spread_text(one.get("spread"))
        yield from _card_texts(card.parts, f"{place}/")


def _spread_text(spread: Mapping[str, Any] | None) -> str:
    stated = {name: value for name, value in (spread or {}).items() if value is not None and name != "source"}
    return ", ".join(f"{name}={value}" for name, value in stated.items()) or "none"


def _made_with(before: Run, after: Run) -> Iterator[Change]:
    texts = [
        {**run.provenance.versions, "commit": run.provenance.commit or "none", "platform": run.provenance.platform}
        for run in (before, after)
    ]
    yield from _texts("made with", *texts)


def _texts(kind: Kind, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        pair = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if pair[0] != pair[1]:
            yield Change(kind, name, *pair)


def _claims(before: list[Claim], after: list[Claim], tolerance: float) -> Iterator[Change]:
    old, new = _numbered(before), _numbered(after)
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new:
            yield Change("claim", name, *(_verdict(found[name]) if name in found else _ABSENT for found in (old, new)))
            continue
        one, other = old[name], new[name]
        moved = _difference(one.ours, other.ours)
        if one.holds != other.holds:
            yield Change("claim", name, _verdict(one), _verdict(other), moved)
        elif moved is None and one.ours != other.ours:
            yield Change("number", name, one.ours_text, other.ours_text)
        elif moved is not None and not moved <= tolerance:
            yield Change("number", name, one.ours_text, other.ours_text, moved)
        if one.tolerance != other.tolerance or one.paper != other.paper:
            yield Change("claim", f"{name}: what it asks", *(f"{c.paper_text}; {c.tolerance}" for c in (one, other)))


def _numbered(claims: list[Claim]) -> dict[str, Claim]:
    """Name the claims; where two have one name, each gets a number."""
    found: dict[str, Claim] = {}
    for claim in claims:
        count = sum(name == claim.name or name.startswith(f"{claim.name} (") for name in found)
        found[claim.name if claim.name not in found else f"{claim.name} ({count + 1})"] = claim
    return found


def _verdict(claim: Claim) -> str:
    return f"{'holds' if claim.holds else 'does not hold'}: {claim.ours_text}"


def _difference(one: Any, other: Any) -> float | None:
    if isinstance(one, str) or isinstance(other, str):
        return None
    if one == other:
        return 0.0
    size = max(abs(one), abs(other))
    return abs(one - other) / size if isfinite(size) else inf


def _tables(before: Run, after: Run, tolerance: float) -> Iterator[Change]:
    for name in dict.fromkeys([*before.tables, *after.tables]):
        if name not in before.tables or name not in after.tables:
            yield Change("table", name, *("present" if name in run.tables else _ABSENT for run in (before, after)))
            continue
        yield from _columns(name, before.table(name), after.table(name), tolerance)


def _columns(name: str, before: "pd.DataFrame", after: "pd.DataFrame", tolerance: float) -> Iterator[Change]:
    for column in dict.fromkeys([*before.columns, *after.columns]):
        if column not in before.columns or column not in after.columns:
            pair = ("present" if column in frame.columns else _ABSENT for frame in (before, after))
            yield Change("table", f"{name}.{column}", *pair)
    if len(before) != len(after):
        yield Change("table", name, f"{len(before)} rows", f"{len(after)} rows")
        return
    units = before.attrs.get("units", {})
    for column in before.columns.intersection(after.columns, sort=False):
        yield from _column(f"{name}.{column}", before[column], after[column], tolerance, units.get(column, "1"))


def _column(place: str, before: "pd.Series", after: "pd.Series", tolerance: float, unit: str) -> Iterator[Change]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    numeric = all(is_numeric_dtype(values) and not is_bool_dtype(values) for values in (before, after))
    if not numeric:
        texts = [values.astype(object).map(str).to_numpy() for values in (before, after)]
        differing = np.flatnonzero(texts[0] != texts[1])
        if len(differing):
            row = differing[0]
            yield Change("table", f"{place}, {_rows(differing, row)}", texts[0][row], texts[1][row])
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
        yield Change("number", f"{place}, {_rows(differing, row)}", *pair, float(moved[row]))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _rows(differing: np.ndarray, shown: int) -> str:
    return f"row {shown + 1}" + (f" and {len(differing) - 1} more" if len(differing) > 1 else "")
