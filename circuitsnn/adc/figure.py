"""Pictures of converters: transfer, non-linearity, spectrum."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from circuitsnn.figures import PALETTE, house_style, new_figure

if TYPE_CHECKING:
    from circuitsnn.adc.metrics import Linearity, Spectrum

_REAL, _IDEAL, _MARK = PALETTE[0], PALETTE[6], PALETTE[1]


def draw_transfer(thresholds: np.ndarray, ideal: np.ndarray, low: float, high: float, title: str) -> Figure:
    """Draw the code against the input voltage, with the ideal staircase.

    Parameters
    ----------
    thresholds, ideal : ndarray, shape (2^N - 1,)
        Transition levels of the converter and ideal ones. [V]
    low, high : float
        Ends of the input range. [V]
    title : str
        Title.

    Returns
    -------
    Figure
        The picture.
    """
    figure, axes = new_figure(1, 1, width=10, height=7.5)
    codes = np.arange(len(thresholds) + 1)
    with house_style():
        for levels, colour, width, label in ((ideal, _IDEAL, 0.6, "ideal"), (thresholds, _REAL, 1.2, "converter")):
            start, stop = min(low, levels[0]), max(high, levels[-1])
            axes.step(np.r_[start, levels, stop], np.r_[codes, codes[-1]], where="post", color=colour, linewidth=width)
            axes.plot([], [], color=colour, linewidth=width, label=label)
        axes.set(xlabel="Input voltage [V]", ylabel="Code [LSB]", title=title)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper left")
    return figure


def draw_linearity(linearity: "Linearity", converter: int = 0) -> Figure:
    """Draw DNL and INL against the code.

    Parameters
    ----------
    linearity : Linearity
        The static errors.
    converter : int
        Which converter.

    Returns
    -------
    Figure
        The picture.
    """
    figure, (above, below) = new_figure(1, 2, width=10, height=10)
    differential, integral = linearity.dnl[converter], linearity.inl[converter]
    missing = linearity.missing[converter]
    with house_style():
        codes = np.arange(1, len(integral))
        above.step(codes, differential, where="mid", color=_REAL)
        above.plot(missing, differential[missing - 1], "v", color=_MARK)
        below.plot(np.arange(1, len(integral) + 1), integral, color=_REAL, marker="." if len(integral) < 100 else None)
        for axes, values, name in ((above, differential, "DNL"), (below, integral, "INL")):
            axes.axhline(0.0, color=_IDEAL, linewidth=0.6)
            reach = 1.15 * max(0.1, np.abs(values).max(initial=0.0))
            axes.set(ylabel=f"{name} [LSB]", ylim=(-reach, reach))
        below.set(xlabel="Code [LSB]")
        lost = f", {len(missing)} missing code{'s' if len(missing) > 1 else ''}" if len(missing) else ""
        above.set_title(f"Converter {converter}, {linearity.fit} line{lost}")
    return figure


def draw_spectrum(spectrum: "Spectrum", converter: int = 0) -> Figure:
    """Draw the spectrum in decibels of full scale, harmonics marked.

    Parameters
    ----------
    spectrum : Spectrum
        The spectrum.
    converter : int
        Which converter.

    Returns
    -------
    Figure
        The picture.
    """
    figure, axes = new_figure(1, 1, width=12, height=7.5)
    floor = -20.0 * np.log10(2.0) * spectrum.bits - 60.0
    decibel = 10.0 * np.log10(np.maximum(spectrum.power[1:, converter], 10.0 ** (floor / 10.0)))
    with house_style():
        axes.plot(spectrum.frequency[1:], decibel, color=_REAL, linewidth=0.5, rasterized=len(decibel) > 5000)
        signal, harmonics = spectrum.cycles, spectrum.harmonic_bins
        axes.plot(spectrum.frequency[signal], decibel[signal - 1], "o", color=_MARK, label="signal")
        axes.plot(
            spectrum.frequency[harmonics], decibel[harmonics - 1], "v", color=PALETTE[2], label="harmonics", zorder=3
        )
        axes.set(
            xlabel="Frequency over sampling rate [1]",
            ylabel="Power over a full-scale sine [dB]",
            xlim=(0.0, 0.5),
            ylim=(floor, 8.0),
            title=f"SNDR {spectrum.sndr[converter]:.2f} dB, SFDR {spectrum.sfdr[converter]:.1f} dB, "
            f"ENOB {spectrum.enob[converter]:.2f} of {spectrum.bits} bit",
        )
        axes.legend(loc="upper right")
    return figure
