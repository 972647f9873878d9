"""Pictures of a sweep: each answer against each parameter that was varied."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from circuitsnn.figures import PALETTE, house_style, name_axis, new_panels, verbatim
from circuitsnn.study.report.levels import Levels, estimate, kind_of
from circuitsnn.study.report.sweep import SweepFile

MOST_PANELS = 9
"""Parameters against which an answer is drawn, at most."""
_DOTS = 500  # single trials that are shown in a panel
_LINES = 8  # values of another parameter that have lines of their own
_GREY = "#9AA0A6"


def draw_answer(sweep: SweepFile, answer: str, varied: Sequence[Levels], interval: bool) -> Figure:
    """Draw an answer against each parameter.

    Where there is one other parameter, with few values, each of these has a line of its own; else the line is over all
    trials, with some of them as dots behind it.

    Parameters
    ----------
    sweep : SweepFile
        The sweep.
    answer : str
        The answer's column.
    varied : sequence of Levels
        Parameters that were varied; none for a histogram.
    interval : bool
        Whether with 95 % intervals.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    share = kind_of(sweep.trials[answer]) == "yield"
    with house_style():
        figure, panels = new_panels(max(1, min(len(varied), MOST_PANELS)))
        if not varied:
            _draw_histogram(panels[0], sweep, answer)
            return figure
        for number, (axes, levels) in enumerate(zip(panels, varied, strict=False)):
            others = [one for one in varied if one is not levels]
            series = others[0] if len(others) == 1 and len(others[0].labels) <= _LINES else None
            if series is None and not share:
                _draw_dots(axes, sweep, answer, levels)
            _draw_lines(axes, sweep, answer, levels, series, interval)
            if levels.places.dtype == object:
                axes.set_xticks(range(len(levels.labels)), [verbatim(_short(label)) for label in levels.labels])
                _turn_long_labels(axes, levels.labels)
                axes.set(xlabel=verbatim(levels.name), xlim=(-0.5, len(levels.labels) - 0.5))
            else:
                name_axis(axes, "x", levels.name, levels.unit, sweep.trials[levels.name])
            if share:
                axes.set(ylabel=f"{verbatim(answer)} [%]", ylim=(-4.0, 104.0))
            else:
                name_axis(axes, "y", answer, sweep.unit(answer), sweep.trials[answer])
            if series is not None:
                title = verbatim(series.name)
                axes.legend(title=title, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.5)
            elif not share and number == 0:  # the same for all
                figure.legend(loc="outside upper right", ncols=2)
            elif not share:
                for artist in (*axes.lines, *axes.containers):
                    artist.set_label("_nolegend_")
    return figure


def _places(levels: Levels) -> np.ndarray:
    return np.arange(len(levels.labels)) if levels.places.dtype == object else levels.places


def _draw_dots(axes: Axes, sweep: SweepFile, answer: str, levels: Levels) -> None:
    values = sweep.trials[answer].to_numpy(dtype=float, na_value=np.nan)
    numbers = np.flatnonzero(np.isfinite(values))
    # At random, not every so many: a grid's rows repeat in steps.
    shown = np.random.default_rng(0).permutation(numbers)[:_DOTS]
    if levels.places.dtype == object:
        across = np.full(len(values), np.nan)
        for place, rows in enumerate(levels.rows):
            across[rows] = place
    else:
        across = sweep.trials[levels.name].to_numpy(dtype=float, na_value=np.nan)
    label = "trials" if len(shown) == len(numbers) else f"{len(shown)} of {len(numbers)} trials"
    axes.plot(across[shown], values[shown], ".", color=_GREY, markersize=2.0, alpha=0.6, label=label)


def _draw_lines(
    axes: Axes, sweep: SweepFile, answer: str, levels: Levels, series: Levels | None, interval: bool
) -> None:
    from matplotlib import colormaps

    share = kind_of(sweep.trials[answer]) == "yield"
    groups = [("", None)] if series is None else list(zip(series.labels, series.rows, strict=True))
    for number, (label, chosen) in enumerate(groups):
        colour = PALETTE[0] if len(groups) == 1 else colormaps["viridis"](0.85 * number / (len(groups) - 1))
        rows = [one if chosen is None else np.intersect1d(one, chosen) for one in levels.rows]
        found = [estimate(sweep.trials.iloc[one], answer, interval) for one in rows]
        values = (100.0 if share else 1.0) * np.array([[one.value, one.low, one.high] for one in found])
        reach = np.nan_to_num(np.abs(values[:, 1:] - values[:, :1])).T
        joined = "" if levels.places.dtype == object else "-"
        axes.errorbar(
            _places(levels),
            values[:, 0],
            reach if interval else None,
            marker="o",
            linestyle=joined,
            color=colour,
            elinewidth=0.7,
            capsize=1.5,
            label=verbatim(_short(label)) or (None if share else "mean"),
        )


def _draw_histogram(axes: Axes, sweep: SweepFile, answer: str) -> None:
    values = sweep.trials[answer]
    numbers = values[np.isfinite(values)].to_numpy(dtype=float)
    axes.hist(numbers, bins=min(40, max(5, round(len(numbers) ** 0.5))), color=PALETTE[0])
    axes.axvline(numbers.mean(), color="black", linewidth=0.8, linestyle=":", label="mean")
    name_axis(axes, "x", answer, sweep.unit(answer), values, log=False)
    axes.set(ylabel="Trials")
    axes.legend(loc="best")


def _short(label: str) -> str:
    return label if len(label) <= 18 else f"{label[:16]}…"


def _turn_long_labels(axes: Axes, labels: Sequence[str]) -> None:
    if sum(len(_short(label)) for label in labels) > 24:
        axes.tick_params(axis="x", rotation=45)
        for text in axes.get_xticklabels():
            text.set_horizontalalignment("right")
            text.set_rotation_mode("anchor")
