"""The report of a sweep."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from circuitsnn.study.report.cells import Column, interval_column, show_duration, show_rounded, show_value
from circuitsnn.study.report.explore import charts_of
from circuitsnn.study.report.layout import (
    Picture,
    Sheet,
    contents_of,
    drawn_picture,
    in_sections,
    render_page,
    sheet_of,
)
from circuitsnn.study.report.levels import (
    Levels,
    by_level,
    estimate,
    is_random,
    kind_of,
    levels_of,
    plan_of,
    show_level,
)
from circuitsnn.study.report.sweep import SweepFile
from circuitsnn.study.report.sweep_pictures import MOST_PANELS, draw_answer

if TYPE_CHECKING:
    from pandas import DataFrame

_MEANINGS = {
    "ok": "the function answered",
    "not a number": "it answered, with a NaN among its numbers",
    "raised": "it raised an error",
    "timed out": "it took longer than it was given",
    "died": "its process ended",
}
_MOST_ERRORS = 12
_MOST_PICTURES = 12
_MOST_WORDS = 5  # of an answer in words


@dataclass(frozen=True)
class Outcome:
    """What became of some of the trials."""

    status: str
    """Their status."""
    meaning: str
    """What that means."""
    count: int
    """How many there are."""
    share: str
    """The same as a share."""
    median: str
    """Median of their durations."""
    longest: str
    """Longest duration."""
    total: str
    """All durations together."""


@dataclass(frozen=True)
class Complaint:
    """An error, and where it came first."""

    status: str
    """Status of its trials."""
    text: str
    """What it says."""
    count: int
    """How many trials say it."""
    first: str
    """Parameters of the first of them."""


def render_sweep(sweep: SweepFile, *, interactive: bool = False) -> str:
    """Make a sweep's report.

    Parameters
    ----------
    sweep : SweepFile
        The sweep.
    interactive : bool
        Whether the trials get a chart to explore.

    Returns
    -------
    str
        The HTML page.
    """
    about, trials = sweep.about, sweep.trials
    random = is_random(sweep)
    levels = [levels_of(sweep, name) for name in sweep.parameters]
    varied = [one for one in levels if len(one.labels) > 1]
    estimated = [name for name in sweep.answers if kind_of(trials[name]) != "text" and trials[name].notna().any()]
    sections = in_sections(
        (heading, _picture(sweep, name, varied, random))
        for heading, kind in (("Figures", "mean"), *[("Yield", "yield")][: bool(varied)])
        for name in estimated[:_MOST_PICTURES]
        if kind_of(trials[name]) == kind
    )
    first = [*[one.name for one in varied[:1]], *estimated[:1]]
    charts = charts_of("trials", sweep.numbered, *first) if interactive else []
    before = {"outcome": "Trials", **({"answers": "Answers"} if sweep.answers else {})}
    after = {"plan": "Plan", "tables": "Tables", "provenance": "Provenance", "again": "Go on"}
    return render_page(
        "sweep.html",
        sections=sections,
        charts=charts,
        contents=contents_of(sections, charts, before, after),
        title=f"{about.function or 'Sweep'}, {sweep.file.name}",
        version=about.version,
        origin=sweep.file.name,
        sweep=sweep,
        about=about,
        done=len(trials),
        answered=int((trials["status"] == "ok").sum()),
        outcomes=_outcomes(trials),
        errors=_errors(sweep),
        answers=[_answer_row(sweep, name, random and not varied) for name in sweep.answers],
        plan=[(one.name, *plan_of(sweep, one)) for one in levels],
        random=random,
        undrawn=max(0, len(estimated) - _MOST_PICTURES) if varied else 0,
        panels=MOST_PANELS if len(varied) > MOST_PANELS else 0,
        sheets=[
            *_level_sheets(sweep, varied, estimated, random),
            sheet_of("all trials", sweep.numbered, sweep.file.name),
        ],
        total=_time(float(trials["duration"].sum())),
        call=_call(sweep),
    )


def _picture(sweep: SweepFile, name: str, varied: Sequence[Levels], random: bool) -> Picture:
    return drawn_picture(name if varied else f"Distribution of {name}", draw_answer(sweep, name, varied, random))


def _outcomes(trials: "DataFrame") -> list[Outcome]:
    found = []
    known = [*_MEANINGS, *(status for status in trials["status"].unique() if status not in _MEANINGS)]
    for status in known:
        own = trials["duration"][trials["status"] == status]
        if len(own):
            times = [_time(float(time)) for time in (own.median(), own.max(), own.sum())]
            share = f"{100 * len(own) / len(trials):.3g} %"
            found.append(Outcome(str(status), _MEANINGS.get(status, ""), len(own), share, *times))
    return found


def _time(seconds: float) -> str:
    return show_value(float(f"{seconds:.2g}"), "s") if seconds < 1.0 else show_duration(seconds)


def _errors(sweep: SweepFile) -> list[Complaint]:
    """List what went wrong, the most frequent first."""
    failed = sweep.trials[sweep.trials["status"] != "ok"]
    counts = Counter(zip(failed["status"], failed["error"], strict=True))
    found = []
    for (status, text), count in counts.most_common(_MOST_ERRORS):
        first = failed[(failed["status"] == status) & (failed["error"] == text)].iloc[0]
        found.append(Complaint(str(status), str(text), count, _where(sweep, first)))
    others = len(counts) - len(found)
    if others:
        rest = sum(counts.values()) - sum(one.count for one in found)
        found.append(Complaint("", f"{others} other texts", rest, ""))
    return found


def _where(sweep: SweepFile, row: Any) -> str:
    places = [f"{name} = {show_level(row[name], sweep.unit(name))}" for name in sweep.parameters[:6]]
    places += [f"{name} {row[name]}" for name in ("chip", "read") if name in row]
    return ", ".join(places) or f"trial {row.name}"


def _answer_row(sweep: SweepFile, name: str, interval: bool) -> tuple[str, str, str, str]:
    """Say what the trials answer altogether: name, number of answers, summary, range."""
    values = sweep.trials[name]
    present = values.dropna()
    if kind_of(values) == "text":
        words = Counter(map(str, present)).most_common()
        shown = ", ".join(f"{word} ({count})" for word, count in words[:_MOST_WORDS])
        return (
            name,
            str(len(present)),
            shown or "none",
            f"and {len(words) - _MOST_WORDS} others" if len(words) > _MOST_WORDS else "",
        )
    unit = "%" if kind_of(values) == "yield" else sweep.unit(name)
    found = estimate(sweep.trials, name, interval)
    text = show_rounded(found.value, unit)
    if interval and found.high >= found.low:
        text += f" (95 %: {show_rounded(found.low, unit)} to {show_rounded(found.high, unit)})"
    if unit == "%":
        return name, str(len(present)), f"good: {text}", ""
    ends = f"{show_rounded(float(present.min()), unit)} to {show_rounded(float(present.max()), unit)}"
    return name, str(len(present)), f"mean: {text}", ends if len(present) else ""


def _level_sheets(
    sweep: SweepFile, varied: Sequence[Levels], answers: Sequence[str], interval: bool
) -> Iterator[Sheet]:
    if not answers:
        return
    for levels in varied:
        table = by_level(sweep, levels, answers, interval)
        columns = [
            Column(levels.name, "", levels.places.dtype != object, levels.labels),
            Column("trials", "", True, tuple(map(str, table["number of trials"]))),
            Column("ok", "", True, tuple(map(str, table["number ok"]))),
        ]
        for name in answers:
            unit = "%" if kind_of(sweep.trials[name]) == "yield" else sweep.unit(name)
            columns.append(interval_column(name, unit, *(table[f"{name}{end}"] for end in ("", " (low)", " (high)"))))
        yield sheet_of(f"by {levels.name}", table, columns=columns)


def _call(sweep: SweepFile) -> str:
    """Write the call that goes on."""
    about = sweep.about
    words = [about.function.rpartition(".")[2] or "function", "plan"]
    words += [f"{name}={getattr(about, name)}" for name in ("trials", "reads") if getattr(about, name) not in (None, 1)]
    words += [f"seed={about.seed}"] if about.seed is not None else []
    words += ["common=True"] if about.common else []
    words += [f"store={str(sweep.file)!r}"] if sweep.is_store else []
    return f"sweep({', '.join(words)})"
