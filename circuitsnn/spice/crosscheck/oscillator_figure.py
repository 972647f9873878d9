"""Pictures of a cross-check of oscillators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.spice.readback import last_phases, switching_times

if TYPE_CHECKING:
    from circuitsnn.spice.crosscheck.oscillators import CrossCheck


def draw_oscillators(check: CrossCheck, limit: float) -> Figure:
    """Draw both waveforms over each other, their difference, and the convergence or the phases.

    Parameters
    ----------
    check
        What was found.
    limit
        Largest error of a switching time that is allowed. [periods]

    Returns
    -------
    Figure
        Three panels.
    """
    with house_style():
        return _drawn(check, limit)


def _drawn(check: CrossCheck, limit: float) -> Figure:
    """Draw a cross-check in whatever style holds."""
    figure, axes = new_figure(1, 3, width=14.0, height=16.0)
    outputs, differences, convergence = axes
    first = check.traces[0]
    start = max(0.0, first.ours.times[-1] - 2.2 * check.period)
    shown = range(min(2, first.network.size))
    window = first.ours.times >= start
    for i in shown:
        own = first.ours.voltages[i][window]
        outputs.plot(first.ours.times[window] * 1e6, own, color=PALETTE[i], label=f"circuitsnn, oscillator {i}")
    for k, traces in enumerate(check.traces):
        name, times = traces.comparison.engine, traces.theirs.time
        late = times >= start
        at = np.searchsorted(times, traces.ours.times)
        for i in shown:
            theirs = traces.theirs[f"osc{i}_out"]
            line = {"color": "black", "linestyle": ("--", ":", "-.")[k % 3], "linewidth": 0.8}
            outputs.plot(times[late] * 1e6, theirs[late], **line, label=name if i == 0 else None)
            error = np.abs(theirs[at] - traces.ours.voltages[i])
            label = f"{name}, oscillator {i}"
            differences.semilogy(traces.ours.times * 1e6, np.maximum(error, 1e-12), linewidth=0.5, label=label)
    outputs.set(xlabel="Time [µs]", ylabel="Output [V]", title="The last periods, over each other")
    differences.set(xlabel="Time [µs]", ylabel="Difference [V]", title="At the engine's own time points, smallest step")
    if check.kind == "onn":
        _draw_phases(convergence, check)
    else:
        _draw_convergence(convergence, check, limit)
    for panel in axes[:2]:
        panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    convergence.legend()
    return figure


def _draw_convergence(panel: Axes, check: CrossCheck, limit: float) -> None:
    """Draw the error of the switching times against the largest step."""
    for k, engine in enumerate(dict.fromkeys(one.engine for one in check.comparisons)):
        runs = [one for one in check.comparisons if one.engine == engine]
        steps = [one.max_step * 1e9 for one in runs]
        panel.loglog(steps, [one.timing for one in runs], "o-", color=PALETTE[k], label=engine)
    panel.axhline(limit, color="grey", linestyle="--", linewidth=0.8)
    panel.set(xlabel="Largest step of the engine [ns]", ylabel="Largest error [period]", title="Switching times")


def _draw_phases(panel: Axes, check: CrossCheck) -> None:
    """Draw the phases at which a memory came to rest."""
    first = check.traces[0]
    label = {"label": "circuitsnn", "markerfacecolor": "none"}
    panel.plot(first.ours.phases(), "o", color=PALETTE[0], markersize=6, **label)
    for k, traces in enumerate(check.traces):
        phases = (last_phases(switching_times(traces.theirs, traces.network)) + 45.0) % 360.0 - 45.0
        panel.plot(phases, "x+1"[k % 3], color="black", label=traces.comparison.engine)
    panel.set(xlabel="Oscillator", ylabel="Phase [°]", title=f"Where image {first.comparison.image} came to rest")
    panel.set_yticks([0, 90, 180, 270])
