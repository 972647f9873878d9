"""The report of a run: one HTML page that needs nothing else."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

from circuitsnn.files import write_text
from circuitsnn.quantities import show_quantity
from circuitsnn.study.report.cells import Column, columns_of, show_duration, show_spread, show_value
from circuitsnn.study.report.run import Run, UsedCard

if TYPE_CHECKING:
    from jinja2 import Environment
    from pandas import DataFrame

SHOWN_ROWS = 12
"""Rows of a table that show at once."""
FOLDED_ROWS = 200
"""Rows of a table that the page holds, the rest of them folded away."""
_PRINTED_COLUMNS = 8
_KEY_COLUMNS = 2
_LARGEST_DOWNLOAD = 2_000_000  # byte: what mail and browsers still take without complaint
_PIXELS_PER_METRE = 5000  # letters of 8 points as tall as those of the text around
_SECTIONS = ("sensitivity", "yield")


@dataclass(frozen=True)
class Picture:
    """A figure of the run."""

    title: str
    """Its name in words."""
    text: str
    """What it shows, for who does not see it."""
    address: str
    """The file itself as a data address."""
    width: int | None
    """Width on the screen; None for the file's own. [px]"""
    coloured: bool
    """Whether its colours must stay as they are, in the dark too."""


@dataclass(frozen=True)
class Sheet:
    """A table of the run."""

    name: str
    """Its name."""
    count: int
    """How many rows it has."""
    columns: Sequence[Column]
    """Its columns with the rows that the page holds."""
    blocks: Sequence[Sequence[Column]]
    """The same in blocks that fit on paper; empty where the table itself fits."""
    download: str | None
    """The whole table as CSV, a data address; None where it is too large."""
    file: str
    """Name of its file in the run's folder."""

    @property
    def rows(self) -> list[tuple[tuple[Column, str], ...]]:
        """Columns and cells, row by row."""
        return [
            tuple(zip(self.columns, row, strict=True)) for row in zip(*(one.cells for one in self.columns), strict=True)
        ]


def write_report(run: Run, path: str | os.PathLike, *, interactive: bool = False) -> None:
    """Write a run's report: one HTML file that needs no network and, unless interactive, has no script.

    It is written whole or not at all.

    Parameters
    ----------
    run : Run
        The run, from `read_run`.
    path : path-like
        The file to write.
    interactive : bool
        Whether each table gets a chart to explore, which takes plotly and makes the file 5 MB larger.

    Raises
    ------
    InputError
        If a file of the run is damaged, the page cannot be written, or plotly is missing.
    """
    write_text(path, render_report(run, interactive=interactive))


def render_report(run: Run, *, interactive: bool = False) -> str:
    """Make a run's report.

    Parameters
    ----------
    run : Run
        The run.
    interactive : bool
        As in `write_report`.

    Returns
    -------
    str
        The HTML page.
    """
    from circuitsnn.study.report.explore import charts_of

    summary, provenance = run.summary, run.provenance
    pictures = {name: _picture(run, name) for name in run.figures}
    sheets, charts = [], []
    for name, path in run.tables.items():
        frame = run.table(name)
        sheets.append(_sheet(name, frame, path.name))
        if interactive:
            charts += charts_of(name, frame)
    environment = _environment()
    environment.filters["kept"] = _kept_together
    style = _source(environment, "report.css")
    library = _plotly_library() if charts else ""
    scripts = [library, *(chart.script for chart in charts)] if charts else []
    return environment.get_template("report.html").render(
        run=run,
        summary=summary,
        provenance=provenance,
        holding=sum(claim.holds for claim in summary.claims),
        sections=_in_sections(pictures),
        sheets=sheets,
        charts=charts,
        library=library,
        cards=_all_cards(provenance.cards),
        style=style,
        policy=_policy(style, scripts),
        link=_link(summary.source),
        paragraphs=[" ".join(text.split()) for text in re.split(r"\n\s*\n", summary.about) if text.strip()],
        shown_rows=SHOWN_ROWS,
        value=show_value,
        quantity=_show_quantity,
        spread=show_spread,
        duration=show_duration,
        day=provenance.date[:10],
        moment=provenance.date.replace("T", " ").replace("+00:00", " UTC"),
    )


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("circuitsnn.study.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _source(environment: "Environment", name: str) -> str:
    return environment.loader.get_source(environment, name)[0]


def _plotly_library() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _policy(style: str, scripts: Sequence[str]) -> str:
    """Say which content the browser may use: what is on the page, and nothing from anywhere else."""
    if not scripts:
        return f"default-src 'none'; img-src data:; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    allowed = " ".join(map(_hash, scripts))
    # The charts set styles of their own, and save themselves as pictures.
    return (
        f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _show_quantity(value: Any, unit: str) -> str:
    return show_quantity(value, unit) if isinstance(value, float) and isfinite(value) else show_value(value, unit)


def _kept_together(text: str) -> str:
    """Keep numbers and their units on one line."""
    return re.sub(r"(?<=\d) (?=%|°|[TGMkmµnpfa]?(?:V|A|Ω|S|F|s|Hz|J|W|LSB|bit)\b)", "\N{NO-BREAK SPACE}", text)


def _link(source: str) -> str | None:
    return f"https://doi.org/{source}" if re.fullmatch(r"10\.\d{4,9}/[^\s<>\"]+", source) else None


def _picture(run: Run, name: str) -> Picture:
    # As a picture, not as a part of the page: a browser runs no script in it and loads nothing for it.
    file = run.figure(name)
    width = None if file.width is None else round(file.width * _PIXELS_PER_METRE)
    title = name.replace("_", " ").replace("-", " ").strip().capitalize() or name
    return Picture(title, file.description, _address(file.kind, file.content), width, file.coloured)


def _in_sections(pictures: Mapping[str, Picture]) -> list[tuple[str, list[Picture]]]:
    """Sort the figures: those of sensitivity and of yield have sections of their own."""
    sections: dict[str, list[Picture]] = {"Figures": [], **{name.capitalize(): [] for name in _SECTIONS}}
    for name, picture in pictures.items():
        own = [section for section in _SECTIONS if section in name.lower()]
        sections[own[0].capitalize() if own else "Figures"].append(picture)
    return [(heading, found) for heading, found in sections.items() if found]


def _sheet(name: str, frame: "DataFrame", file: str) -> Sheet:
    head = frame.head(FOLDED_ROWS)
    head.attrs = frame.attrs
    columns = columns_of(head)
    blocks: list[list[Column]] = []
    if len(columns) > _PRINTED_COLUMNS:
        keys, others = columns[:_KEY_COLUMNS], columns[_KEY_COLUMNS:]
        count = ceil(len(others) / (_PRINTED_COLUMNS - _KEY_COLUMNS))
        edges = [round(len(others) * i / count) for i in range(count + 1)]
        blocks = [[*keys, *others[low:high]] for low, high in pairwise(edges)]
    return Sheet(name, len(frame), columns, blocks, _download(frame), file)


def _download(frame: "DataFrame") -> str | None:
    # A cell of CSV takes a byte at least, so that the largest tables need not be written to be found too large.
    if frame.size > _LARGEST_DOWNLOAD:
        return None
    text = frame.to_csv(index=False).encode()
    return _address("text/csv;charset=utf-8", text) if len(text) <= _LARGEST_DOWNLOAD else None


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _all_cards(cards: Mapping[str, UsedCard], prefix: str = "") -> list[tuple[str, UsedCard]]:
    found: list[tuple[str, Any]] = []
    for listed, card in cards.items():
        found += [(prefix + listed, card), *_all_cards(card.parts, f"{prefix}{listed} / ")]
    return found
