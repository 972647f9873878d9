"""The report of a run or of a sweep: one HTML page that needs nothing else."""

import os
import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from circuitsnn.errors import InputError
from circuitsnn.files import write_text
from circuitsnn.quantities import show_quantity
from circuitsnn.study.pictures import picture_of
from circuitsnn.study.report.cells import show_value
from circuitsnn.study.report.explore import charts_of
from circuitsnn.study.report.layout import (
    Picture,
    contents_of,
    drawn_picture,
    in_sections,
    picture_from,
    render_page,
    sheet_of,
)
from circuitsnn.study.report.run import Run, UsedCard
from circuitsnn.study.report.sweep import SweepFile
from circuitsnn.study.report.sweep_page import render_sweep

if TYPE_CHECKING:
    from pandas import DataFrame

_SECTIONS = ("sensitivity", "yield")


def write_report(found: Run | SweepFile, path: str | os.PathLike, *, interactive: bool = False) -> None:
    """Write a report: one HTML file that needs no network and, unless interactive, has no script.

    It is written whole or not at all.

    Parameters
    ----------
    found : Run or SweepFile
        The run, from `read_run`, or the sweep, from `read_sweep`.
    path : path-like
        The file to write.
    interactive : bool
        Whether each table gets a chart to explore, which takes plotly and makes the file 5 MB larger.

    Raises
    ------
    InputError
        If a file of the run is damaged, the page cannot be written, or plotly is missing.
    """
    write_text(path, render_report(found, interactive=interactive))


def render_report(found: Run | SweepFile, *, interactive: bool = False) -> str:
    """Make a report.

    Parameters
    ----------
    found : Run or SweepFile
        The run or the sweep.
    interactive : bool
        As in `write_report`.

    Returns
    -------
    str
        The HTML page.
    """
    if isinstance(found, SweepFile):
        return render_sweep(found, interactive=interactive)
    run, summary, provenance = found, found.summary, found.provenance
    tables = {name: run.table(name) for name in run.tables}
    sections = in_sections(sorted([*_figures(run), *_drawn(run, tables)], key=_place))
    charts = [chart for name, table in tables.items() for chart in charts_of(name, table)] if interactive else []
    after = {"parameters": "Parameters", "tables": "Tables", "provenance": "Provenance", "again": "Run it again"}
    return render_page(
        "run.html",
        sections=sections,
        charts=charts,
        contents=contents_of(sections, charts, {"claims": "Claims"}, after),
        title=summary.title,
        version=provenance.versions.get("circuitsnn", ""),
        origin=run.folder.name,
        run=run,
        summary=summary,
        provenance=provenance,
        holding=sum(claim.holds for claim in summary.claims),
        sheets=[sheet_of(name, table, run.tables[name].name) for name, table in tables.items()],
        cards=_all_cards(provenance.cards),
        link=_link(summary.source),
        paragraphs=[" ".join(text.split()) for text in re.split(r"\n\s*\n", summary.about) if text.strip()],
        quantity=_show_quantity,
        day=provenance.date[:10],
        moment=provenance.date.replace("T", " ").replace("+00:00", " UTC"),
    )


def _figures(run: Run) -> Iterator[tuple[str, Picture]]:
    """Give the run's figures; those of sensitivity and of yield have sections of their own."""
    for name in run.figures:
        title = name.replace("_", " ").replace("-", " ").strip().capitalize() or name
        own = [section for section in _SECTIONS if section in name.lower()]
        yield own[0].capitalize() if own else "Figures", picture_from(title, run.figure(name))


def _drawn(run: Run, tables: "Mapping[str, DataFrame]") -> Iterator[tuple[str, Picture]]:
    """Draw the tables that say how."""
    for name, table in tables.items():
        try:
            described = picture_of(table)
            if described is not None:
                title = f"{described.section} by the table {name}"
                yield described.section, drawn_picture(title, described.draw(table))
        except (InputError, TypeError, ValueError) as error:  # it names texts where it wants numbers, and the like
            raise InputError(f"{run.tables[name]} cannot be drawn: {error}") from error


def _place(item: tuple[str, Picture]) -> int:
    return ["Figures", *(section.capitalize() for section in _SECTIONS)].index(item[0])


def _show_quantity(value: Any, unit: str) -> str:
    return show_quantity(value, unit) if isinstance(value, float) and isfinite(value) else show_value(value, unit)


def _link(source: str) -> str | None:
    return f"https://doi.org/{source}" if re.fullmatch(r"10\.\d{4,9}/[^\s<>\"]+", source) else None


def _all_cards(cards: Mapping[str, UsedCard], prefix: str = "") -> list[tuple[str, UsedCard]]:
    found: list[tuple[str, Any]] = []
    for listed, card in cards.items():
        found += [(prefix + listed, card), *_all_cards(card.parts, f"{prefix}{listed} / ")]
    return found
