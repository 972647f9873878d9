"""What differs between two runs of one study, or between two sweeps."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from circuitsnn.errors import InputError
from circuitsnn.study.claims import Claim
from circuitsnn.study.report.cells import show_rounded, show_value
from circuitsnn.study.report.compare_tables import ABSENT, Change, Kind, compare_tables
from circuitsnn.study.report.levels import estimate, kind_of, levels_of, plan_of
from circuitsnn.study.report.run import Run, UsedCard
from circuitsnn.study.report.sweep import SweepFile

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs or two sweeps."""

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

    Claims are compared by name, and tables by column and by row, as `compare_tables` tells the rows. Date, duration,
    number of processes, command and the folder's name are not compared.

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
    _check_tolerance(tolerance)
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


def compare_sweeps(before: SweepFile, after: SweepFile, *, tolerance: float = 1e-6) -> Comparison:
    """Find what differs between two sweeps.

    Trials are told by parameters, chip and read; where several have the same ones, by their number. Their seeds,
    durations and the texts of their errors are not compared, nor are the command and the file's name.

    Parameters
    ----------
    before, after : SweepFile
        The sweeps, from `read_sweep`.
    tolerance : float
        Relative difference up to which two numbers count as the same. [-]

    Returns
    -------
    Comparison
        What differs.

    Raises
    ------
    InputError
        If the tolerance is negative.
    """
    _check_tolerance(tolerance)
    plans = [{name: _plan_text(sweep, name) for name in sweep.parameters} for sweep in (before, after)]
    return Comparison(
        (
            *_texts("sweep", *(_sweep_texts(sweep) for sweep in (before, after))),
            *_texts("parameter", *plans),
            *_answers(before, after, tolerance),
            *_trials(before, after, tolerance),
            *_versions(before, after),
        ),
        tolerance,
    )


def _check_tolerance(tolerance: float) -> None:
    if not 0.0 <= tolerance < inf:
        raise InputError(f"tolerance is {tolerance!r}; allowed is a number, 0 or more")


def _sweep_texts(sweep: SweepFile) -> dict[str, str]:
    about = sweep.about
    told = {"function": about.function, "seed": about.seed, "rows of the plan": about.rows}
    told |= {"chips of each row": about.trials, "reads of each chip": about.reads}
    if about.source:
        told["source of the function"] = about.source[:12]
    if about.common:
        told["chips"] = "the same for all rows"
    return {name: str(value) for name, value in told.items() if value not in ("", None)}


def _plan_text(sweep: SweepFile, name: str) -> str:
    count, values = plan_of(sweep, levels_of(sweep, name))
    return values if count == 1 else f"{count} values: {values}"


def _versions(before: SweepFile, after: SweepFile) -> Iterator[Change]:
    told = [{"circuitsnn": sweep.about.version} for sweep in (before, after)]
    if before.about.made_with is not None and after.about.made_with is not None:  # a table does not say
        for words, sweep in zip(told, (before, after), strict=True):
            words |= sweep.about.made_with.model_dump(include={"platform", "python", "numpy"})
    yield from _texts("made with", *told)


def _answers(before: SweepFile, after: SweepFile, tolerance: float) -> Iterator[Change]:
    """Compare means and yields over all trials."""
    for name in before.answers:
        kinds = {kind_of(sweep.trials[name]) for sweep in (before, after) if name in sweep.answers}
        if name not in after.answers or len(kinds) > 1 or kinds == {"text"}:
            continue
        share = kinds == {"yield"}
        found = [estimate(sweep.trials, name, interval=False).value for sweep in (before, after)]
        moved = 0.0 if any(value != value for value in found) else _difference(*found)
        if moved > tolerance:
            unit = "%" if share else before.unit(name)
            what = "yield" if share else "mean"
            yield Change("number", f"{what} of {name}", *(show_rounded(value, unit) for value in found), moved)


def _trials(before: SweepFile, after: SweepFile, tolerance: float) -> Iterator[Change]:
    if set(before.parameters) != set(after.parameters):
        return  # there is no trial of one in the other
    keys = [name for name in (*before.parameters, "chip", "read") if name in before.trials and name in after.trials]
    tables = [sweep.trials for sweep in (before, after)]
    if any(table.duplicated(keys).any() if keys else len(table) > 1 for table in tables):
        tables = [sweep.numbered for sweep in (before, after)]
        keys = [str(tables[0].columns[0])]
    tables = [table.drop(columns=["seed", "error", "duration"]) for table in tables]
    yield from compare_tables("trials", *tables, tolerance, keys)


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
            yield f"{place}.{name}", show_value(one.get("value", ABSENT), one.get("unit", "1"))
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
        pair = before.get(name, ABSENT), after.get(name, ABSENT)
        if pair[0] != pair[1]:
            yield Change(kind, name, *pair)


def _claims(before: list[Claim], after: list[Claim], tolerance: float) -> Iterator[Change]:
    old, new = _numbered(before), _numbered(after)
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new:
            yield Change("claim", name, *(_verdict(found[name]) if name in found else ABSENT for found in (old, new)))
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
            yield Change("table", name, *("present" if name in run.tables else ABSENT for run in (before, after)))
            continue
        yield from compare_tables(name, before.table(name), after.table(name), tolerance)
