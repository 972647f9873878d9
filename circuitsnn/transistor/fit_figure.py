"""The picture of a transistor's fit: its curves on logarithmic and linear scales, and what is left of them."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.fitting.result import Fit
from circuitsnn.transistor.mosfet import Conditions, Mosfet

_CURVES = 5  # of a panel: more cannot be told apart
_FEWEST = 3  # points that make a curve
_SAME = 1e-4  # [V]


def draw_transistor_fit(fit: Fit) -> Figure:
    """Draw transfer curves (logarithmic and linear), output curves, and the relative residuals.

    Parameters
    ----------
    fit : Fit
        The fit of a transistor's curves.

    Returns
    -------
    Figure
        The picture, in the house style.
    """
    data = fit.data
    figure, panels = new_figure(2, 2, width=16, height=12)
    (logarithmic, linear), (output, left) = panels
    with house_style():
        for panel, swept, stepped, name in (
            (logarithmic, "v_gs", "v_ds", "V_{DS}"),
            (linear, "v_gs", "v_ds", "V_{DS}"),
            (output, "v_ds", "v_gs", "V_{GS}"),
        ):
            scale, unit = (1.0, "A") if panel is logarithmic else (1e-6, "µA")
            _draw_curves(fit, panel, swept, stepped, name, scale)
            panel.set(xlabel=f"${'V_{GS}' if swept == 'v_gs' else 'V_{DS}'}$ [V]", ylabel=f"$|I_D|$ [{unit}]")
        logarithmic.set(yscale="log", ylim=(0.3 * max(data.noise_floor, np.abs(data.i_d).min()), None))
        linear.set_ylim(0.0, None)
        output.set_ylim(0.0, 1.3 * output.get_ylim()[1])  # room for the legend
        for panel, settings in (
            (logarithmic, {"loc": "lower right"}),
            (output, {"loc": "upper left", "ncols": 3, "columnspacing": 1.0}),
        ):
            if panel.lines:
                panel.legend(**settings)
        left.plot(data.v_gs, 100.0 * fit.residuals, ".", color=PALETTE[5], markersize=2.5, rasterized=True)
        left.axhline(0.0, color=PALETTE[1])
        left.set(xlabel="$V_{GS}$ [V]", ylabel="Data over fit, less 1 [%]")
        figure.suptitle(f"{data.source}: rms relative residual {100.0 * fit.rms:.2g} %", fontsize=8)
    return figure


def _draw_curves(fit: Fit, panel: Axes, swept: str, stepped: str, name: str, scale: float) -> None:
    data, model = fit.data, Mosfet(fit.card, fit.data.width, fit.data.length, Conditions("TT", fit.data.temperature))
    steps, sweep = getattr(data, stepped), getattr(data, swept)
    # Data of magnitudes: the model's voltages have the other sign.
    sign = -1.0 if fit.card.kind == "pmos" and np.sum(data.v_ds) > 0.0 else 1.0
    for number, chosen in enumerate(_curves(data.v_bs, steps)):
        color = PALETTE[number % len(PALETTE)]
        panel.plot(sweep[chosen], np.abs(data.i_d[chosen]) / scale, ".", color=color)
        at = np.linspace(sweep[chosen].min(), sweep[chosen].max(), 121)
        bias = {swept: at, stepped: np.full(121, steps[chosen][0])}
        current = model.drain_current(sign * bias["v_gs"], sign * bias["v_ds"], 0.0, sign * data.v_bs[chosen][0])
        panel.plot(at, np.abs(current) / scale, color=color, label=f"${name}$ = {steps[chosen][0]:g} V")


def _curves(bulk: np.ndarray, steps: np.ndarray) -> Iterator[np.ndarray]:
    """Choose some curves, spread over the values that are stepped; the bulk at the source where it can be."""
    at_source = np.abs(bulk - bulk[np.argmin(np.abs(bulk))]) < _SAME
    values = np.unique(np.round(steps[at_source] / _SAME)) * _SAME
    curves = [np.flatnonzero(at_source & (np.abs(steps - value) < _SAME)) for value in values]
    curves = [chosen for chosen in curves if len(chosen) >= _FEWEST]
    for index in np.unique(np.linspace(0, len(curves) - 1, min(_CURVES, len(curves))).round().astype(int)):
        yield curves[index]
