"""Charts to explore a table with the mouse, drawn by plotly (the extra ``report``)."""

from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE

if TYPE_CHECKING:
    from pandas import DataFrame

_LARGEST = 5000  # rows: beyond it a browser's SVG gets slow
_MOST_GROUPS = 12
_HOVER_COLUMNS = 12


@dataclass(frozen=True)
class Chart:
    """A chart of one table."""

    name: str
    """The table's name."""
    key: str
    """Identifier of its place on the page."""
    script: str
    """The script that draws it."""
    rows: int
    """How many rows it shows."""


def charts_of(name: str, frame: "DataFrame", across: str = "", upwards: str = "") -> list[Chart]:
    """Draw a table's numbers against each other, any column against any, with the whole row where the mouse is.

    Parameters
    ----------
    name : str
        The table's name.
    frame : pandas.DataFrame
        The table; units by column in ``attrs["units"]``.
    across, upwards : str
        Columns that are shown first; where they are no columns of numbers, the first two that are.

    Returns
    -------
    list of Chart
        The chart; none for a table with fewer than two columns of numbers or two rows.

    Raises
    ------
    InputError
        If plotly is not installed.
    """
    if find_spec("plotly") is None:
        raise InputError("charts to explore take plotly, which is not installed: pip install 'circuitsnn[report]'")
    from jinja2.utils import htmlsafe_json_dumps

    frame.columns = [str(column) for column in frame.columns]
    shown = frame.head(_LARGEST)
    numeric = [column for column in shown.select_dtypes("number") if shown[column].nunique() > 1]
    if len(shown) < 2 or len(numeric) < 2:
        return []
    key = f"chart-{name}"
    shown_first = sorted(numeric, key=lambda column: [across, upwards, column].index(column))[:2]
    drawn = _figure(shown, numeric, *shown_first)
    # In JSON that may stand in a page: no "<" that could end the script.
    script = (
        f"Plotly.newPlot({htmlsafe_json_dumps(key)}, {htmlsafe_json_dumps(drawn['data'])}, "
        f"{htmlsafe_json_dumps(drawn['layout'])}, "
        "{responsive: true, displaylogo: false, modeBarButtons: [['toImage', 'zoom2d', 'pan2d', 'resetScale2d']]});"
    )
    return [Chart(name, key, script, len(shown))]


def _figure(frame: "DataFrame", numeric: list[str], x: str, y: str) -> dict[str, Any]:
    import json

    import plotly.graph_objects as go

    units = frame.attrs.get("units", {})
    # plotly takes texts for a kind of HTML.
    labels = {name: escape(f"{name} [{units[name]}]" if name in units else name) for name in frame}
    groups = _groups(frame)
    traces = []
    for number, (group, rows) in enumerate(groups):
        hover = list(frame.columns)[:_HOVER_COLUMNS]
        texts = [
            "<br>".join(f"{labels[n]}: {escape(_shown(row[n]))}" for n in hover) for row in rows.to_dict("records")
        ]
        traces.append(
            go.Scatter(
                x=_numbers(rows[x]),
                y=_numbers(rows[y]),
                mode="markers",
                name=escape(group),
                text=texts,
                hovertemplate="%{text}<extra></extra>",
                marker={"size": 7, "color": (*PALETTE[:-1], "#8A8F98")[number % len(PALETTE)]},
            )
        )

    def menu(axis: str, chosen: str, place: float) -> dict[str, Any]:
        buttons = [
            {
                "label": labels[name],
                "method": "update",
                "args": [
                    {axis: [_numbers(rows[name]) for _, rows in groups]},
                    {f"{axis}axis.title.text": labels[name]},
                ],
            }
            for name in numeric
        ]
        return {
            "buttons": buttons, "active": numeric.index(chosen), "x": place, "y": 1.02, "xanchor": "left",
            "yanchor": "bottom", "direction": "down", "bgcolor": "rgba(0,0,0,0)", "showactive": False,
        }  # fmt: skip

    layout = {
        "updatemenus": [menu("x", x, 0.0), menu("y", y, 0.5)],
        "xaxis": {"title": {"text": labels[x]}, "gridcolor": "rgba(128,128,128,0.25)", "zeroline": False},
        "yaxis": {"title": {"text": labels[y]}, "gridcolor": "rgba(128,128,128,0.25)", "zeroline": False},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 64, "r": 16, "t": 72, "b": 56},
        "height": 460,
        "showlegend": len(groups) > 1,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#8A8F98", "activecolor": "#0072B2"},
        "template": "none",
    }
    return json.loads(go.Figure(traces, layout).to_json())


def _groups(frame: "DataFrame") -> list[tuple[str, "DataFrame"]]:
    """Split the rows by the first column of texts that has few of them."""
    for name in frame.select_dtypes(exclude="number"):
        if 1 < frame[name].nunique() <= _MOST_GROUPS:
            return [(str(group), rows) for group, rows in frame.groupby(name, sort=False)]
    return [("all rows", frame)]


def _numbers(column: Any) -> list[float | None]:
    return [float(value) if value == value and abs(value) != float("inf") else None for value in column]


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
