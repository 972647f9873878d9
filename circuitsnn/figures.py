"""The house style of figures: readable 8 cm wide, safe for the colour-blind, the same every time."""

import re
from contextlib import AbstractContextManager
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from numpy.typing import NDArray

from circuitsnn.quantities import UNITS

if TYPE_CHECKING:
    from pandas import Series

# Okabe and Ito's palette without its yellow, which is too light for lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that the colour-blind tell apart, in the order in which lines take them."""

STYLE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "image.cmap": "cividis",
    "svg.hashsalt": "circuitsnn",  # else the identifiers in an SVG file are random
}
"""Matplotlib settings that hold while a study runs."""

_CENTIMETRES_PER_INCH = 2.54
_PREFIXED = set(UNITS) - {"1"}  # units whose numbers take SI prefixes
_WIDE = 30.0  # ratio of largest to smallest value beyond which an axis is logarithmic


def house_style() -> AbstractContextManager:
    """Context in which Matplotlib's settings are those of the house; what is drawn and saved in it looks alike.

    Returns
    -------
    context manager
        To be used with ``with``.
    """
    return matplotlib.rc_context(STYLE)


def new_figure(
    columns: int = 1, rows: int = 1, *, width: float | None = None, height: float | None = None
) -> tuple[Figure, Axes | NDArray[np.object_]]:
    """Make a figure in the house style, outside pyplot's global state.

    Parameters
    ----------
    columns, rows : int
        Number of panels side by side and above each other. [-]
    width : float, optional
        Width on paper; 8 cm per column unless told. [cm]
    height : float, optional
        Height on paper; 6 cm per row unless told. [cm]

    Returns
    -------
    Figure
        The figure.
    Axes or ndarray of Axes
        The panel, or all panels as ``matplotlib.figure.Figure.subplots`` returns them. Label both axes, with
        the unit in brackets.
    """
    size = (
        (8.0 * columns if width is None else width) / _CENTIMETRES_PER_INCH,
        (6.0 * rows if height is None else height) / _CENTIMETRES_PER_INCH,
    )
    with house_style():
        figure = Figure(figsize=size, layout="constrained")
        return figure, figure.subplots(rows, columns)


def new_panels(count: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of several panels, two or three abreast.

    Parameters
    ----------
    count : int
        Number of panels, > 0. [-]

    Returns
    -------
    Figure
        The figure.
    list of Axes
        Its panels.
    """
    abreast = 2 if count in (2, 4) else min(count, 3)
    rows = ceil(count / abreast)
    figure, grid = new_figure(abreast, rows, width={1: 10.0, 2: 17.0, 3: 18.0}[abreast], height=6.0 * rows + 0.6)
    panels = list(np.ravel(grid))
    for axes in panels[count:]:
        axes.remove()
    return figure, panels[:count]


def name_axis(axes: Axes, which: str, name: str, unit: str, values: "Series", *, log: bool = True) -> None:
    """Label an axis with name and unit, its numbers with SI prefixes; logarithmic where they span decades.

    Parameters
    ----------
    axes : Axes
        The panel.
    which : str
        "x" or "y".
    name : str
        What is drawn along the axis, shown as it is.
    unit : str
        SI unit; "1" for none.
    values : pandas.Series
        What is drawn; of texts, nothing but the name is shown.
    log : bool
        Whether the axis may become logarithmic.
    """
    from matplotlib.ticker import EngFormatter
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    numeric = is_numeric_dtype(values) and not is_bool_dtype(values)
    axes.set(**{f"{which}label": verbatim(name if not numeric or unit == "1" else f"{name} [{unit}]")})
    if not numeric:
        return
    axis = getattr(axes, f"{which}axis")
    finite = values[np.isfinite(values)]
    spread = len(finite) and finite.min() > 0.0 and finite.max() > _WIDE * finite.min()
    # Evenly distributed numbers may span decades, too, but crowd in the last one.
    if log and spread and finite.quantile(0.75) > 4.0 * finite.quantile(0.25):
        axes.set(**{f"{which}scale": "log"})
        label_decades(axis, unit)
    elif unit in _PREFIXED:
        axis.set_major_formatter(EngFormatter())
    else:
        axes.ticklabel_format(axis=which, useMathText=True)


def label_decades(axis: Axis, unit: str) -> None:
    """Label a logarithmic axis 10 n, 1 µ, or 0.01, 1, 100 where there is no unit.

    Parameters
    ----------
    axis : Axis
        The axis.
    unit : str
        SI unit; "1" for none, "%" for shares.
    """
    from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    if high < 200.0 * low:  # else the decades are enough
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    if unit in _PREFIXED:
        axis.set_major_formatter(EngFormatter())
    elif low > 1e-4 and high < 1e5:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def describe(figure: Figure) -> str:
    """Say what a figure shows, for who cannot see it: the labels of its axes and of what is drawn in them.

    Parameters
    ----------
    figure : Figure
        The figure.

    Returns
    -------
    str
        One sentence a panel: "V_H: Accuracy [%] against Relative sigma; measured, closed form."; "" where
        nothing has a label.
    """
    return " ".join(filter(None, map(_describe_panel, figure.axes)))


def _describe_panel(axes: Axes) -> str:
    across, upwards = axes.get_xlabel(), axes.get_ylabel()
    title = next(filter(None, (axes.get_title(place) for place in ("center", "left", "right"))), "")
    labels = axes.get_legend_handles_labels()[1]
    legend = axes.get_legend()
    series = legend.get_title().get_text() if legend is not None else ""
    shown = f"{upwards} against {across}" if across and upwards else upwards or across
    parts = ": ".join(filter(None, (title, shown)))
    lines = ": ".join(filter(None, (series, ", ".join(dict.fromkeys(labels)))))
    text = "; ".join(filter(None, (parts, lines)))
    return _in_letters(" ".join(f"{text}.".split())) if text else ""


def _in_letters(text: str) -> str:
    """Write formulas without their marks: "$R_{ins}$" as "R_ins"."""
    formula = r"(?<!\\)\$(.*?)(?<!\\)\$"
    return re.sub(formula, lambda found: re.sub(r"[{}\\]", "", found[1]), text).replace(r"\$", "$")


def verbatim(text: object) -> str:
    """Write a text so that Matplotlib shows it as it is: a "$" in it starts no formula.

    Parameters
    ----------
    text : object
        The text, or what is one when it is shown.

    Returns
    -------
    str
        The text for Matplotlib, on one line.
    """
    return " ".join(str(text).split()).replace("$", r"\$")


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as NAME.svg, which also says in words what it shows, and NAME.png.

    Parameters
    ----------
    figure : Figure
        The figure.
    folder : Path
        Where to.
    name : str
        File name without suffix.
    """
    (folder / f"{name}.svg").write_bytes(svg_of(figure))
    with house_style():
        figure.savefig(folder / f"{name}.png", dpi=300)


def svg_of(figure: Figure) -> bytes:
    """Write a figure as SVG, which also says in words what it shows.

    Parameters
    ----------
    figure : Figure
        The figure.

    Returns
    -------
    bytes
        The file's content.
    """
    content = BytesIO()
    with house_style():
        # A date would make every run's file differ.
        figure.savefig(content, format="svg", metadata={"Date": None, "Description": describe(figure)})
    return content.getvalue()
