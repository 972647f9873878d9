"""The picture of a fit: data, model, and what is left between them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.fitting.result import Fit
from circuitsnn.oscillator.fit_data import IVLoop
from circuitsnn.quantities import show_quantity

_CYCLES = 3  # of a waveform that are shown; more would be a block of ink
_MOST_POINTS = 20_000
_DATA, _MODEL, _MARK = PALETTE[5], PALETTE[1], PALETTE[6]


def draw_oscillator_fit(fit: Fit) -> Figure:
    """Draw the data with the fitted model, and below them the residuals.

    Parameters
    ----------
    fit : Fit
        The fit.

    Returns
    -------
    Figure
        The picture, in the house style.
    """
    figure, (above, below) = new_figure(1, 2, width=12, height=11)
    with house_style():
        if isinstance(fit.data, IVLoop):
            _draw_loop(fit, above, below)
        else:
            _draw_waveform(fit, above, below)
        unit = "A" if isinstance(fit.data, IVLoop) else "V"
        above.set_title(
            f"{fit.data.source}, {fit.fidelity} transitions, rms residual {show_quantity(fit.rms, unit, 2)}"
        )
    return figure


def _scale(size: float, unit: str) -> tuple[float, str]:
    """Power of 1000 in which a size reads well, and the unit with its prefix: 2e-6 s gives 1e-6 and "µs"."""
    scale = 10.0 ** (3 * np.floor(np.log10(size) / 3)) if size > 1e-23 else 1.0
    return scale, show_quantity(scale, unit, 0).split()[-1]


def _thin(count: int) -> slice:
    return slice(None, None, max(1, -(-count // _MOST_POINTS)))


def _draw_loop(fit: Fit, above: Axes, below: Axes) -> None:
    voltage = np.abs(fit.data.voltage)
    sign = np.sign(np.where(np.isfinite(fit.predicted), fit.predicted, fit.data.current))
    current, modelled = sign * fit.data.current, np.abs(fit.predicted)
    some = _thin(len(voltage))
    scale, unit = 1e-6, "µA"
    above.plot(voltage[some], current[some] / scale, ".", color=_DATA, markersize=2.5, label="data", rasterized=True)
    resistance = fit.data.series_resistance + np.sqrt(fit.parameters["R_ins"].value * fit.parameters["R_met"].value)
    metallic = modelled * resistance > voltage
    for label, branch in (("fit", ~metallic), (None, metallic)):
        chosen = np.flatnonzero(branch & (modelled > 0.0))
        chosen = chosen[np.argsort(voltage[chosen])]
        above.plot(voltage[chosen], modelled[chosen] / scale, color=_MODEL, label=label)
    for name, branch, line in (("V_L", "R_met", ":"), ("V_H", "R_ins", "--")):
        one = fit.parameters[name]
        if one.fitted:
            # On the axis of the sweep, the series resistor's share included.
            swept = one.value * (1.0 + fit.data.series_resistance / fit.parameters[branch].value)
            label = f"${name}$ = {show_quantity(one.value, 'V', 3)}"
            above.axvline(swept, color=_MARK, linestyle=line, linewidth=0.8, label=label)
    positive = modelled[modelled > 0.0] / scale
    # The noise of the first samples would open the logarithmic axis down to nothing.
    above.set(yscale="log", ylim=(0.03 * np.median(positive[positive <= np.median(positive)]), 2.0 * positive.max()))
    above.yaxis.set_major_formatter("{x:g}")
    above.set(xlabel="Voltage [V]", ylabel=f"Current [{unit}]")
    above.legend(loc="center left", bbox_to_anchor=(0.0, 0.75))
    scale, unit = _scale(fit.rms, "A")
    below.plot(
        voltage[some], sign[some] * fit.residuals[some] / scale, ".", color=_DATA, markersize=2.5, rasterized=True
    )
    below.axhline(0.0, color=_MODEL)
    below.set(xlabel="Voltage [V]", ylabel=f"Data minus fit [{unit}]", xlim=above.get_xlim())


def _draw_waveform(fit: Fit, above: Axes, below: Axes) -> None:
    time, output = fit.data.time - fit.data.time[0], fit.data.output
    shown = time <= min(time[-1], _CYCLES * _period(fit))
    scale, unit = _scale(time[shown][-1], "s")
    above.plot(time[shown] / scale, output[shown], ".", color=_DATA, markersize=2.5, label="data", rasterized=True)
    above.plot(time[shown] / scale, fit.predicted[shown], color=_MODEL, linewidth=0.8, label="fit")
    above.set(xlabel=f"Time [{unit}]", ylabel="Output [V]", ylim=(None, output.max() + 0.25 * np.ptp(output)))
    above.legend(loc="upper right", ncols=2)
    some = _thin(len(time))
    scale, unit = _scale(time[-1], "s")
    small, volt = _scale(fit.rms, "V")
    residuals = fit.residuals[some] / small
    below.plot(time[some] / scale, residuals, ".", color=_DATA, markersize=1.5, rasterized=True)
    below.axhline(0.0, color=_MODEL)
    below.set(xlabel=f"Time [{unit}]", ylabel=f"Data minus fit [{volt}]")


def _period(fit: Fit) -> float:
    """Period of the model, from its rises through the middle; infinite where there are none. [s]."""
    model = fit.predicted
    middle = 0.5 * (model.max() + model[len(model) // 2 :].min())
    rises = fit.data.time[1:][(model[:-1] <= middle) & (model[1:] > middle)]
    return float((rises[-1] - rises[1]) / (len(rises) - 2)) if len(rises) > 2 else np.inf
