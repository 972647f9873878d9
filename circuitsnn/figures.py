"""The house style of figures: readable 8 cm wide, safe for the colour-blind, the same every time."""

from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

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
    shown = f"{upwards} against {across}" if across and upwards else upwards or across
    parts = ": ".join(filter(None, (title, shown)))
    text = "; ".join(filter(None, (parts, ", ".join(dict.fromkeys(labels)))))
    return " ".join(f"{text}.".split()) if text else ""


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
    with house_style():
        # A date would make every run's file differ.
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Description": describe(figure)})
        figure.savefig(folder / f"{name}.png", dpi=300)
