"""What the pages of runs and sweeps share: the frame around them, figures, tables, and what a browser may do."""

import base64
import hashlib
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Any

from circuitsnn.figures import svg_of
from circuitsnn.study.report.cells import Column, columns_of, show_duration, show_spread, show_value
from circuitsnn.study.report.explore import Chart
from circuitsnn.study.report.figure_file import FigureFile, read_svg

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure
    from pandas import DataFrame

SHOWN_ROWS = 12
"""Rows of a table that show at once."""
FOLDED_ROWS = 200
"""Rows of a table that the page holds, the rest of them folded away."""
_PRINTED_COLUMNS = 8
_KEY_COLUMNS = 2
_LARGEST_DOWNLOAD = 2_000_000  # byte: what mail and browsers still take without complaint
_WIDE = 640  # px
_PIXELS_PER_METRE = 5000  # letters of 8 points as tall as those of the text around


@dataclass(frozen=True)
class Picture:
    """A figure on the page."""

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

    @property
    def wide(self) -> bool:
        """Whether it is so wide that a small screen had better scroll than shrink it."""
        return self.width is not None and self.width > _WIDE


@dataclass(frozen=True)
class Sheet:
    """A table on the page."""

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
    """Where it is in full precision; "" where nowhere else."""

    @property
    def rows(self) -> list[tuple[tuple[Column, str], ...]]:
        """Columns and cells, row by row."""
        return [
            tuple(zip(self.columns, row, strict=True)) for row in zip(*(one.cells for one in self.columns), strict=True)
        ]


def picture_from(title: str, file: FigureFile) -> Picture:
    """Put a figure's file on the page.

    Parameters
    ----------
    title : str
        What it is called.
    file : FigureFile
        The file.

    Returns
    -------
    Picture
        The figure.
    """
    # As a picture, not as a part of the page: a browser runs no script in it and loads nothing for it.
    width = None if file.width is None else round(file.width * _PIXELS_PER_METRE)
    return Picture(title, file.description, _address(file.kind, file.content), width, file.coloured)


def drawn_picture(title: str, figure: "Figure") -> Picture:
    """Put a figure on the page that was drawn for it.

    Parameters
    ----------
    title : str
        What it is called.
    figure : matplotlib.figure.Figure
        The figure.

    Returns
    -------
    Picture
        The figure.
    """
    with warnings.catch_warnings():
        # A letter that Matplotlib's font lacks becomes a box; the table beside has it.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        return picture_from(title, read_svg(svg_of(figure)))


def sheet_of(name: str, frame: "DataFrame", file: str = "", columns: Sequence[Column] | None = None) -> Sheet:
    """Put a table on the page.

    Parameters
    ----------
    name : str
        Its name.
    frame : pandas.DataFrame
        The table; units by column in ``attrs["units"]``.
    file : str
        Where it is in full precision; "" where nowhere else.
    columns : sequence of Column, optional
        How it is shown; as `columns_of` does unless told.

    Returns
    -------
    Sheet
        The table.
    """
    if columns is None:
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


def in_sections(pictures: Iterable[tuple[str, Picture]]) -> list[tuple[str, list[Picture]]]:
    """Sort figures into sections.

    Parameters
    ----------
    pictures : iterable of (str, Picture)
        Heading and figure.

    Returns
    -------
    list of (str, list of Picture)
        Headings, in the order in which they are met, with their figures.
    """
    sections: dict[str, list[Picture]] = {}
    for heading, picture in pictures:
        sections.setdefault(heading, []).append(picture)
    return list(sections.items())


def render_page(
    template: str, *, sections: Sequence[tuple[str, Sequence[Picture]]], charts: Sequence[Chart], **content: Any
) -> str:
    """Make a page.

    Parameters
    ----------
    template : str
        Name of its template.
    sections : sequence of (str, sequence of Picture)
        Headings with their figures.
    charts : sequence of Chart
        Charts to explore.
    **content : object
        What else the template wants.

    Returns
    -------
    str
        The HTML page.
    """
    environment = _environment()
    environment.filters["kept"] = _kept_together
    style = environment.loader.get_source(environment, "report.css")[0]
    library = _plotly_library() if charts else ""
    scripts = [library, *(chart.script for chart in charts)] if charts else []
    return environment.get_template(template).render(
        sections=sections,
        charts=charts,
        library=library,
        style=style,
        policy=_policy(style, scripts),
        shown_rows=SHOWN_ROWS,
        value=show_value,
        spread=show_spread,
        duration=show_duration,
        **content,
    )


def contents_of(
    sections: Sequence[tuple[str, Sequence[Picture]]], charts: Sequence[Chart], before: Mapping[str, str],
    after: Mapping[str, str],
) -> list[tuple[str, str]]:  # fmt: skip
    """List the parts of a page, for its head.

    Parameters
    ----------
    sections, charts
        As for `render_page`.
    before, after : mapping of str to str
        Headings by anchor of what comes before and after these.

    Returns
    -------
    list of (str, str)
        Anchors and headings.
    """
    shown = [(heading.lower(), heading) for heading, _ in sections]
    return [*before.items(), *shown, *[("explore", "Explore")][: bool(charts)], *after.items()]


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("circuitsnn.study.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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


def _kept_together(text: str) -> str:
    """Keep numbers and their units on one line."""
    return re.sub(r"(?<=\d) (?=%|°|[TGMkmµnpfa]?(?:V|A|Ω|S|F|s|Hz|J|W|LSB|bit)\b)", "\N{NO-BREAK SPACE}", text)


def _download(frame: "DataFrame") -> str | None:
    # A cell of CSV takes a byte at least, so that the largest tables need not be written to be found too large.
    if frame.size > _LARGEST_DOWNLOAD:
        return None
    text = frame.to_csv(index=False).encode()
    return _address("text/csv;charset=utf-8", text) if len(text) <= _LARGEST_DOWNLOAD else None


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
