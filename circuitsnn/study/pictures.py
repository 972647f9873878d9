"""Tables that say how they are drawn: yields against a parameter, and parameters in the order of their influence.

The description lies in the table's ``attrs["picture"]``, which lasts through Parquet files. So whoever has the table
alone, such as the report of a run, can draw it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE, house_style, label_decades, name_axis, new_figure, new_panels, verbatim

__all__ = ["RankingPicture", "TolerancePicture", "YieldPicture", "picture_of"]

_MARKERS = "os^DvPX*"
_COLOURS = (*PALETTE, "#777777")
_MOST_PANELS = 9


class _Picture:
    """Keeps a description in a table."""

    kind: ClassVar[str]

    def mark(self, table: pd.DataFrame) -> pd.DataFrame:
        """Write the description into a table.

        Parameters
        ----------
        table : pandas.DataFrame
            The table, which is changed.

        Returns
        -------
        pandas.DataFrame
            The same table.
        """
        # As JSON gives it back from a Parquet file.
        table.attrs["picture"] = {"kind": self.kind, **json.loads(json.dumps(asdict(self)))}
        return table


@dataclass(frozen=True)
class YieldPicture(_Picture):
    """Yields with their intervals against a parameter."""

    yields: Mapping[str, str]
    """Label of each column of yields; NAME_low and NAME_high hold the ends of the intervals. [-]"""
    against: str
    """Column of the parameter."""
    by: tuple[str, ...] = ()
    """Columns each of whose combinations is a line of its own."""
    panels: str = ""
    """Column each of whose values has a panel of its own; "" for one panel."""
    label: str = ""
    """What the yields are of, for the axis; "" for "Yield"."""
    against_label: str = ""
    """What the parameter is; "" for the panel's value, or its column's name."""
    log: bool = False
    """Whether its axis is logarithmic at any rate; what is zero is left out then."""

    kind: ClassVar[str] = "yield"
    section: ClassVar[Literal["Yield"]] = "Yield"

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that tell the rows apart."""
        return (*[self.panels][: bool(self.panels)], *self.by, self.against)

    def draw(self, table: pd.DataFrame) -> Figure:
        """Draw the yields.

        Parameters
        ----------
        table : pandas.DataFrame
            The table.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        known = table[table[self.against] > 0.0] if self.log else table[table[self.against].notna()]
        parts = dict(iter(known.groupby(self.panels, sort=False))) if self.panels else {"": known}
        # One point alone is no dependence, and two answers at one value are one of something else.
        keys = [self.against, *self.by]
        drawn = {
            name: part
            for name, part in parts.items()
            if part[self.against].nunique() > 1 and not part.duplicated(keys).any()
        }
        drawn = dict(list((drawn or parts or {"": known}).items())[:_MOST_PANELS])
        with house_style():
            figure, grid = new_panels(len(drawn))
            handles: dict[str, Any] = {}
            numbers: dict[tuple, int] = {}
            for axes, (name, part) in zip(grid, drawn.items(), strict=False):
                self._draw_panel(axes, part, handles, numbers)
                axes.set(ylim=(-4.0, 104.0), ylabel=f"{verbatim(self.label or 'Yield')} [%]")
                unit = table.attrs.get("units", {}).get(self.against, "1")
                name_axis(axes, "x", self.against_label or name or self.against, unit, part[self.against])
                if self.log:
                    axes.set_xscale("log")
                    label_decades(axes.xaxis, unit)
            if len(handles) > 1:
                width = 2.54 * figure.get_figwidth() / (1.6 + 0.14 * max(map(len, handles)))  # cm
                figure.legend(handles.values(), handles, loc="outside upper center", ncols=max(1, min(4, int(width))))
        return figure

    def _draw_panel(self, axes: Axes, part: pd.DataFrame, handles: dict[str, Any], numbers: dict[tuple, int]) -> None:
        """Draw a line for each group, in its colour, and each column of yields, in its style."""
        groups = part.groupby(list(self.by), sort=False, dropna=False) if self.by else [((), part)]
        for names, own in groups:
            own = own.sort_values(self.against)
            for style, (name, what) in enumerate(self.yields.items()):
                if own[name].isna().all():
                    continue
                words = [*map(str, names), *[what][: len(self.yields) > 1 or not names]]
                label = verbatim(", ".join(words))
                # Without groups each column has a colour of its own.
                group = numbers.setdefault(names or (name,), len(numbers))
                style = style if names else 0
                values = 100.0 * own[name].to_numpy(dtype=float)
                ends = 100.0 * own[[f"{name}_low", f"{name}_high"]].to_numpy(dtype=float).T
                x = own[self.against]
                line = axes.errorbar(
                    x if pd.api.types.is_numeric_dtype(x) else x.map(verbatim),
                    values,
                    np.maximum(np.abs(ends - values), 0.0),
                    marker=_MARKERS[group % len(_MARKERS)],
                    color=_COLOURS[group % len(_COLOURS)],
                    linestyle=("-", "--", ":", "-.")[style % 4],
                    fillstyle="full" if style == 0 else "none",
                    elinewidth=0.6,
                    capsize=1.5,
                    label=label,
                )
                handles.setdefault(label, line)


@dataclass(frozen=True)
class TolerancePicture(_Picture):
    """Yields against sigma on the way to the largest one that still gives a yield."""

    target: float
    """The yield that is asked for. [-]"""
    label: str = "Relative standard deviation"
    """What sigma is."""

    kind: ClassVar[str] = "tolerated sigma"
    section: ClassVar[Literal["Yield"]] = "Yield"

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that tell the rows apart."""
        return ("sigma",)

    def draw(self, table: pd.DataFrame) -> Figure:
        """Draw the shares of bad chips against sigma, with the bracket of the tolerated one.

        Parameters
        ----------
        table : pandas.DataFrame
            What `circuitsnn.study.yields.ToleratedSigma.to_frame` gives.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        # 99.9 % and 99 % differ as much as 99 % and 90 % do: the losses are what is drawn.
        losses = 100.0 * (1.0 - table[["yield", "yield_low", "yield_high"]].to_numpy())
        floor = 50.0 / table["trials"].max()
        styles = {"enough": (PALETTE[2], "o"), "too little": (PALETTE[1], "s"), "undecided": (PALETTE[6], "D")}
        with house_style():
            figure, axes = new_figure()
            for decision, (colour, marker) in styles.items():
                own = (table["decision"] == decision).to_numpy()
                if not own.any():
                    continue
                loss = np.maximum(losses[own], floor)
                axes.errorbar(
                    table["sigma"][own],
                    loss[:, 0],
                    np.abs(loss[:, [2, 1]] - loss[:, [0]]).T,
                    linestyle="",
                    marker=marker,
                    color=colour,
                    elinewidth=0.8,
                    label=decision,
                )
            axes.axhline(100.0 * (1.0 - self.target), color="black", linewidth=0.6, linestyle=":")
            low = table["sigma"][table["decision"] == "enough"].max()
            high = table["sigma"][table["decision"] == "too little"].min()
            if low < high:  # false where there is none
                axes.axvspan(low, high, color=PALETTE[5], alpha=0.3, linewidth=0)
            axes.set(xscale="log", yscale="log", xlabel=f"{verbatim(self.label)} [-]", ylabel="Bad chips [%]")
            axes.legend(loc="lower right", title=f"Yield of {100 * self.target:g} %")
        return figure


@dataclass(frozen=True)
class RankingPicture(_Picture):
    """Parameters in the order of their influence, with intervals."""

    bars: Mapping[str, str]
    """Label of each column that is drawn; NAME_low and NAME_high hold the ends of the intervals. [`unit`]"""
    label: str
    """What they measure, for the axis."""
    unit: str = "1"
    """SI unit of the measure; "1" for none, "%" for shares that are shown in per cent."""
    marks: Mapping[str, str] | None = None
    """Label of each column that is drawn without an interval."""
    names: str = "parameter"
    """Column of the parameters' names."""
    most: int = 15
    """Parameters that are shown, the first of the table, at most. [-]"""
    log: bool = False
    """Whether the axis is logarithmic."""

    kind: ClassVar[str] = "sensitivity"
    section: ClassVar[Literal["Sensitivity"]] = "Sensitivity"

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that tell the rows apart."""
        return (self.names,)

    def draw(self, table: pd.DataFrame) -> Figure:
        """Draw the parameters in the order of the table, the first on top.

        Parameters
        ----------
        table : pandas.DataFrame
            The table.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from matplotlib.ticker import EngFormatter

        shown = table.head(self.most).iloc[::-1]
        scale = 100.0 if self.unit == "%" else 1.0
        places = np.arange(len(shown))
        with house_style():
            figure, axes = new_figure(width=10.0, height=2.6 + 0.6 * len(shown))
            axes.set_xlabel(f"{verbatim(self.label)} [{'-' if self.unit == '1' else verbatim(self.unit)}]")
            thickness = 0.6 / len(self.bars)
            for number, (name, label) in enumerate(self.bars.items()):
                values = scale * shown[name].to_numpy(dtype=float)
                values[~np.isfinite(values)] = np.nan
                ends = scale * shown[[f"{name}_low", f"{name}_high"]].to_numpy(dtype=float).T
                reach = np.where(np.isfinite(ends), np.abs(ends - values), 0.0)
                at = places + thickness * (0.5 * (len(self.bars) - 1) - number)
                style = {"color": PALETTE[number % len(PALETTE)], "label": verbatim(label)}
                if self.log:  # where a bar would start anywhere
                    axes.errorbar(values, at, xerr=reach, linestyle="", marker=_MARKERS[number], capsize=2, **style)
                    continue
                axes.barh(at, values, thickness, **style)
                axes.errorbar(values, at, xerr=reach, linestyle="", color="black", elinewidth=0.8, capsize=1.5)
            for name, label in (self.marks or {}).items():
                axes.plot(
                    scale * shown[name], places, linestyle="", marker="D", color=PALETTE[1], label=verbatim(label)
                )
            if self.log:
                axes.set_xscale("log")
                label_decades(axes.xaxis, self.unit)
            else:
                axes.axvline(0.0, color="black", linewidth=0.6)
                if self.unit != "1":
                    axes.xaxis.set_major_formatter(EngFormatter())
            axes.set_yticks(places, shown[self.names].map(verbatim))
            axes.grid(axis="y", visible=False)
            figure.legend(loc="outside upper center", ncols=2)
        return figure


_KINDS = {kind.kind: kind for kind in (YieldPicture, TolerancePicture, RankingPicture)}


def picture_of(table: pd.DataFrame) -> YieldPicture | TolerancePicture | RankingPicture | None:
    """Read from a table how it is drawn.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.

    Returns
    -------
    YieldPicture, TolerancePicture, RankingPicture or None
        The description; None where the table has none, or one of a later version.

    Raises
    ------
    InputError
        If the description is damaged or names columns that the table does not have.
    """
    stated = table.attrs.get("picture")
    if not isinstance(stated, dict) or stated.get("kind") not in _KINDS:
        return None
    from pydantic import TypeAdapter, ValidationError

    fields = {name: value for name, value in stated.items() if name != "kind"}
    try:
        picture = TypeAdapter(_KINDS[stated["kind"]]).validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"attrs['picture'] is damaged: {first['loc']}: {first['msg']}") from error
    intervals = [*getattr(picture, "yields", ()), *getattr(picture, "bars", ())]
    wanted = [*picture.keys, *(f"{name}{end}" for name in intervals for end in ("", "_low", "_high"))]
    wanted += [*(getattr(picture, "marks", None) or ())]
    missing = [name for name in wanted if name not in table]
    if missing:
        raise InputError(f"attrs['picture'] names the column {missing[0]!r}; allowed: {', '.join(map(str, table))}")
    return picture
