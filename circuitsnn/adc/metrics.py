"""What an analog-to-digital converter is worth, from its transition levels or from plain arrays of its codes.

Definitions are those of IEEE Std 1241-2010 (doi:10.1109/IEEESTD.2011.5692956) in our words. T[k] is the input at which
half of the codes are k or more, k = 1 to 2^N - 1; Q is the ideal width of a code (LSB).
"""

from dataclasses import dataclass
from math import gcd
from typing import Literal, get_args

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from circuitsnn.errors import InputError

__all__ = [
    "Fit",
    "Linearity",
    "Spectrum",
    "coherent_cycles",
    "dnl",
    "enob_from_residual",
    "gain_and_offset",
    "ideal_levels",
    "inl",
    "levels_from_ramp",
    "levels_from_sine",
    "levels_from_sweep",
    "linearity",
    "missing_codes",
    "spectrum",
]

Fit = Literal["end-point", "best-fit"]

MISSING = -0.9
"""Codes of this DNL or less count as missing. [LSB]"""


def _levels(levels: ArrayLike) -> np.ndarray:
    array = np.asarray(levels, dtype=float)
    count = array.shape[-1] if array.ndim else 0
    if count < 1 or (count + 1) & count:
        raise InputError(f"levels have the shape {array.shape}; allowed is 2^bits - 1 of them on the last axis")
    if not np.all(np.isfinite(array)):
        raise InputError("levels hold a value that is not finite; a level beyond the sweep cannot be measured")
    return array


def _codes(codes: ArrayLike, bits: int) -> np.ndarray:
    array = np.asarray(codes)
    if array.size == 0 or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= 1 << bits:
        raise InputError(f"codes must be whole numbers from 0 to {(1 << bits) - 1}, at least one of them")
    return array


def ideal_levels(bits: int, low: ArrayLike, high: ArrayLike, convention: str = "mid-rise") -> np.ndarray:
    """Transition levels of an ideal converter.

    Parameters
    ----------
    bits : int
        Resolution N. [bit]
    low, high : array_like, shape (...)
        Ends of the input range; Q = (high - low) / 2^N. [V]
    convention : {"mid-rise", "mid-tread"}
        T[k] = low + k Q, or half a Q below that.

    Returns
    -------
    ndarray, shape (..., 2^N - 1)
        The levels. [V]
    """
    low, high = np.asarray(low, dtype=float)[..., None], np.asarray(high, dtype=float)[..., None]
    k = np.arange(1, 1 << bits) - (0.5 if convention == "mid-tread" else 0.0)
    return low + k * ((high - low) / (1 << bits))


def gain_and_offset(levels: ArrayLike, ideal: ArrayLike, fit: Fit = "end-point") -> tuple[np.ndarray, np.ndarray]:
    """Gain and offset that bring the levels to the ideal ones: gain * T[k] + offset.

    They are what the input has to be multiplied by, and what has to be added then: a converter whose levels lie too
    high has an offset below 0.

    Parameters
    ----------
    levels, ideal : array_like, shape (..., 2^N - 1)
        Transition levels of the converter and ideal ones. [V]
    fit : {"end-point", "best-fit"}
        The first and the last level become ideal, or the sum of the squares of what remains becomes least.

    Returns
    -------
    gain : ndarray, shape (...)
        Gain; 1 where there is one level only, or all are the same. [1]
    offset : ndarray, shape (...)
        Offset. [V]

    References
    ----------
    IEEE Std 1241-2010, static gain and offset, terminal-based and independently based.
    """
    levels, ideal = np.broadcast_arrays(_levels(levels), _levels(ideal))
    if fit == "end-point":
        run, rise = levels[..., -1] - levels[..., 0], ideal[..., -1] - ideal[..., 0]
        about, target = levels[..., 0], ideal[..., 0]
    elif fit == "best-fit":
        about, target = levels.mean(axis=-1), ideal.mean(axis=-1)
        centred = levels - about[..., None]
        run, rise = (centred**2).sum(axis=-1), (centred * ideal).sum(axis=-1)
    else:
        raise InputError(f"fit is {fit!r}; allowed: {', '.join(get_args(Fit))}")
    gain = np.divide(rise, run, out=np.ones_like(run), where=run > 0.0)
    return gain, target - gain * about


def inl(levels: ArrayLike, ideal: ArrayLike, fit: Fit = "end-point") -> np.ndarray:
    """Integral non-linearity: how far each level lies from the ideal one, gain and offset taken out.

    Positive where a level lies too high, so that the INL is the running sum of the DNL. (The standard writes the
    residual with the other sign.)

    Parameters
    ----------
    levels, ideal : array_like, shape (..., 2^N - 1)
        Transition levels of the converter and ideal ones. [V]
    fit : {"end-point", "best-fit"}
        How gain and offset are found; see `gain_and_offset`.

    Returns
    -------
    ndarray, shape (..., 2^N - 1)
        INL of T[1] to T[2^N - 1]. [LSB]

    References
    ----------
    IEEE Std 1241-2010, integral nonlinearity.
    """
    levels, ideal = np.broadcast_arrays(_levels(levels), _levels(ideal))
    gain, offset = gain_and_offset(levels, ideal, fit)
    return (gain[..., None] * levels + offset[..., None] - ideal) / _width(ideal)


def dnl(levels: ArrayLike, ideal: ArrayLike, fit: Fit = "end-point") -> np.ndarray:
    """Differential non-linearity: width of each code less the ideal one, gain taken out.

    Parameters
    ----------
    levels, ideal : array_like, shape (..., 2^N - 1)
        Transition levels of the converter and ideal ones. [V]
    fit : {"end-point", "best-fit"}
        How the gain is found; see `gain_and_offset`.

    Returns
    -------
    ndarray, shape (..., 2^N - 2)
        DNL of codes 1 to 2^N - 2; the first and the last code have no width. [LSB]

    References
    ----------
    IEEE Std 1241-2010, differential nonlinearity.
    """
    levels, ideal = np.broadcast_arrays(_levels(levels), _levels(ideal))
    gain, _ = gain_and_offset(levels, ideal, fit)
    return gain[..., None] * np.diff(levels) / _width(ideal) - 1.0


def _width(ideal: np.ndarray) -> np.ndarray:
    """Give Q; with one level only any will do, since nothing is left of it."""
    if ideal.shape[-1] == 1:
        return np.ones_like(ideal)
    return (ideal[..., -1:] - ideal[..., :1]) / (ideal.shape[-1] - 1)


def missing_codes(non_linearity: ArrayLike, limit: float = MISSING) -> np.ndarray:
    """Codes whose DNL is so low that they hardly ever come.

    Parameters
    ----------
    non_linearity : array_like, shape (2^N - 2,)
        DNL of codes 1 to 2^N - 2. [LSB]
    limit : float
        DNL at and below which a code is missing. [LSB]

    Returns
    -------
    ndarray of int
        The missing codes.

    References
    ----------
    IEEE Std 1241-2010, missing codes: those with a DNL of -0.9 or less.
    """
    return np.flatnonzero(np.asarray(non_linearity) <= limit) + 1


def levels_from_sweep(voltages: ArrayLike, codes: ArrayLike, bits: int) -> np.ndarray:
    """Transition levels from a sweep of the input: where the share of codes >= k passes 50 %.

    Parameters
    ----------
    voltages : array_like, shape (V,)
        Input voltages, rising. [V]
    codes : array_like of int, shape (V,) or (V, repeats)
        Codes at each voltage, as often as it was converted.
    bits : int
        Resolution N. [bit]

    Returns
    -------
    ndarray, shape (2^N - 1,)
        Levels, between two voltages by a straight line; where noise lets the share pass 50 % more than once, the
        middle of the first and the last passage. NaN where the sweep does not pass a level. [V]

    Raises
    ------
    InputError
        If the voltages do not rise or the codes do not fit.

    References
    ----------
    IEEE Std 1241-2010, code transition levels.
    """
    voltages = np.asarray(voltages, dtype=float)
    codes = _codes(codes, bits)
    if voltages.ndim != 1 or len(voltages) < 2 or not np.all(np.diff(voltages) > 0.0):
        raise InputError("voltages of a sweep must rise from each to the next, at least two of them")
    if codes.ndim not in (1, 2) or len(codes) != len(voltages):
        raise InputError(f"codes have the shape {codes.shape}; allowed is one row for each of {len(voltages)} voltages")
    codes = codes.reshape(len(voltages), -1)
    levels = np.full((1 << bits) - 1, np.nan)
    for k in range(1, 1 << bits):
        share = np.mean(codes >= k, axis=1)
        above = share >= 0.5
        if above[0] or not above[-1]:
            continue
        first, last = int(np.argmax(above)), len(above) - int(np.argmin(above[::-1]))
        levels[k - 1] = 0.5 * (_half(voltages, share, first) + _half(voltages, share, last))
    return levels


def _half(voltages: np.ndarray, share: np.ndarray, upper: int) -> float:
    part = (0.5 - share[upper - 1]) / (share[upper] - share[upper - 1])
    return voltages[upper - 1] + part * (voltages[upper] - voltages[upper - 1])


def levels_from_ramp(codes: ArrayLike, bits: int, start: float, stop: float) -> np.ndarray:
    """Transition levels from the code density of a ramp: the share of codes < k is that of the inputs below T[k].

    Parameters
    ----------
    codes : array_like of int
        Codes of inputs spread evenly from `start` to `stop`.
    bits : int
        Resolution N. [bit]
    start, stop : float
        Ends of the ramp; it must reach beyond T[1] and T[2^N - 1]. [V]

    Returns
    -------
    ndarray, shape (2^N - 1,)
        The levels. [V]

    Raises
    ------
    InputError
        If the codes do not fit, or those at the ends do not come.

    References
    ----------
    IEEE Std 1241-2010, code transition levels from a ramp histogram.
    """
    return start + (stop - start) * _shares(codes, bits)


def levels_from_sine(codes: ArrayLike, bits: int, centre: float, amplitude: float) -> np.ndarray:
    """Transition levels from the code density of a sine: T[k] = centre - amplitude * cos(pi * share of codes < k).

    Parameters
    ----------
    codes : array_like of int
        Codes of samples spread evenly over the phase: whole cycles, coprime with the number of samples.
    bits : int
        Resolution N. [bit]
    centre, amplitude : float
        Mean and amplitude of the sine; it must reach beyond T[1] and T[2^N - 1]. [V]

    Returns
    -------
    ndarray, shape (2^N - 1,)
        The levels. [V]

    Raises
    ------
    InputError
        If the codes do not fit, or those at the ends do not come.

    References
    ----------
    IEEE Std 1241-2010, code transition levels from a sine-wave histogram.
    """
    return centre - amplitude * np.cos(np.pi * _shares(codes, bits))


def _shares(codes: ArrayLike, bits: int) -> np.ndarray:
    """Share of the codes below each k = 1 to 2^N - 1."""
    counts = np.bincount(_codes(codes, bits).ravel(), minlength=1 << bits)
    if counts[0] == 0 or counts[-1] == 0:
        raise InputError("the first or the last code does not come; the input must reach beyond both ends of the range")
    return np.cumsum(counts)[:-1] / counts.sum()


@dataclass(frozen=True, eq=False)
class Linearity:
    """Static errors of converters, one row for each."""

    levels: np.ndarray
    """Transition levels, shape (converters, 2^N - 1). [V]"""
    ideal: np.ndarray
    """Ideal ones, in the same shape. [V]"""
    dnl: np.ndarray
    """Differential non-linearity of codes 1 to 2^N - 2, shape (converters, 2^N - 2). [LSB]"""
    inl: np.ndarray
    """Integral non-linearity of T[1] to T[2^N - 1], shape (converters, 2^N - 1). [LSB]"""
    gain: np.ndarray
    """What the input has to be multiplied by, shape (converters,). [1]"""
    offset: np.ndarray
    """What has to be added to it then, shape (converters,). [V]"""
    missing: tuple[np.ndarray, ...]
    """Missing codes of each converter."""
    fit: str
    """How gain and offset were found: "end-point" or "best-fit"."""
    method: str
    """How the levels were found."""

    def to_frame(self) -> pd.DataFrame:
        """Table with one row for each converter.

        Returns
        -------
        pandas.DataFrame
            Largest DNL and INL [LSB], gain [1], offset [V], number of missing codes.
        """
        worst = np.abs(self.dnl).max(axis=1) if self.dnl.shape[1] else np.zeros(len(self.inl))
        return pd.DataFrame(
            {
                "largest DNL [LSB]": worst,
                "largest INL [LSB]": np.abs(self.inl).max(axis=1),
                "gain [1]": self.gain,
                "offset [V]": self.offset,
                "missing codes": [len(codes) for codes in self.missing],
            }
        ).rename_axis("converter")

    def figure(self, converter: int = 0) -> Figure:
        """Picture of DNL and INL against the code.

        Parameters
        ----------
        converter : int
            Which converter.

        Returns
        -------
        Figure
            The picture, in the house style.
        """
        from circuitsnn.adc.figure import draw_linearity

        return draw_linearity(self, converter)


def linearity(levels: ArrayLike, ideal: ArrayLike, fit: Fit = "end-point", method: str = "levels") -> Linearity:
    """Gather the static errors of converters.

    Parameters
    ----------
    levels, ideal : array_like, shape (converters, 2^N - 1)
        Transition levels of the converters and ideal ones. [V]
    fit : {"end-point", "best-fit"}
        How gain and offset are found; see `gain_and_offset`.
    method : str
        How the levels were found, for the record.

    Returns
    -------
    Linearity
        DNL, INL, gain, offset and missing codes.
    """
    levels = np.atleast_2d(_levels(levels))
    ideal = np.broadcast_to(_levels(ideal), levels.shape)
    gain, offset = gain_and_offset(levels, ideal, fit)
    differential = dnl(levels, ideal, fit)
    missing = tuple(missing_codes(row) for row in differential)
    return Linearity(levels, ideal, differential, inl(levels, ideal, fit), gain, offset, missing, fit, method)


def coherent_cycles(samples: int, near: float) -> int:
    """Choose a number of whole cycles coprime with the number of samples, which gives each sample its own phase.

    Parameters
    ----------
    samples : int
        Number of samples.
    near : float
        Wanted number of cycles.

    Returns
    -------
    int
        The nearest number of cycles, below half the samples.

    Raises
    ------
    InputError
        If there is none, or the number of samples is below 8.
    """
    if samples < 8:
        raise InputError(f"samples is {samples}; allowed is a whole number >= 8")
    fitting = [cycles for cycles in range(1, (samples + 1) // 2) if gcd(cycles, samples) == 1]
    return min(fitting, key=lambda cycles: abs(cycles - near))


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Spectrum of a coherently sampled sine, and the figures that come of it; one column for each converter."""

    frequency: np.ndarray
    """Frequency of each bin over the sampling rate, shape (bins,). [1]"""
    power: np.ndarray
    """Power of each bin over that of a full-scale sine, shape (bins, converters). [1]"""
    sndr: np.ndarray
    """Signal to noise and distortion, all bins but that of the mean, shape (converters,). [dB]"""
    snr: np.ndarray
    """Signal to noise, without the harmonics, shape (converters,). [dB]"""
    sfdr: np.ndarray
    """Signal to the largest other bin, shape (converters,). [dB]"""
    thd: np.ndarray
    """Harmonics to signal, shape (converters,). [dB]"""
    enob: np.ndarray
    """Effective number of bits, shape (converters,). [bit]"""
    bits: int
    """Resolution. [bit]"""
    cycles: int
    """Bin of the signal."""
    harmonic_bins: np.ndarray
    """Bins of harmonics 2 and up, folded back below half the sampling rate."""

    def to_frame(self) -> pd.DataFrame:
        """Table with one row for each converter.

        Returns
        -------
        pandas.DataFrame
            SNDR, SNR, SFDR, THD [dB] and ENOB [bit].
        """
        return pd.DataFrame(
            {
                "SNDR [dB]": self.sndr,
                "SNR [dB]": self.snr,
                "SFDR [dB]": self.sfdr,
                "THD [dB]": self.thd,
                "ENOB [bit]": self.enob,
            }
        ).rename_axis("converter")

    def figure(self, converter: int = 0) -> Figure:
        """Picture of the spectrum.

        Parameters
        ----------
        converter : int
            Which converter.

        Returns
        -------
        Figure
            The picture, in the house style.
        """
        from circuitsnn.adc.figure import draw_spectrum

        return draw_spectrum(self, converter)


def spectrum(codes: ArrayLike, cycles: int, bits: int, harmonics: int = 10) -> Spectrum:
    """Noise and distortion of a sine that was sampled coherently.

    The signal is the bin of its frequency and needs no window, since it has whole cycles, coprime with the number of
    samples. The effective number of bits is N - log2(rms of noise and distortion / (Q / sqrt(12))), whatever the
    amplitude; for a full-scale sine that is (SNDR - 1.76 dB) / 6.02 dB.

    Parameters
    ----------
    codes : array_like of int, shape (samples,) or (samples, converters)
        Codes of the sine.
    cycles : int
        Cycles in the record.
    bits : int
        Resolution N. [bit]
    harmonics : int
        Highest harmonic that counts as distortion for THD and SNR.

    Returns
    -------
    Spectrum
        The spectrum with SNDR, SNR, SFDR, THD and ENOB.

    Raises
    ------
    InputError
        If cycles and samples have a common factor, or the codes do not fit.

    References
    ----------
    IEEE Std 1241-2010, SINAD, SNR, SFDR, THD, ENOB, coherent sampling.
    """
    codes = _codes(codes, bits)
    codes = codes.reshape(len(codes), -1)
    samples = len(codes)
    whole = not isinstance(cycles, bool) and isinstance(cycles, (int, np.integer)) and 0 < cycles < samples / 2
    if not whole or gcd(int(cycles), samples) != 1:
        raise InputError(
            f"cycles is {cycles!r} of {samples} samples; allowed is a whole number below {samples / 2:g} that has no "
            "factor in common with the samples (see coherent_cycles)"
        )
    one_sided = np.full(samples // 2 + 1, 2.0)
    one_sided[0] = 1.0
    if samples % 2 == 0:
        one_sided[-1] = 1.0
    power = one_sided[:, None] * np.abs(np.fft.rfft(codes, axis=0) / samples) ** 2  # [LSB^2]
    signal = power[cycles]
    if not np.all(signal > 0.0):
        raise InputError("codes hold no signal at the frequency of the sine; is its amplitude above one LSB?")
    rest = power.copy()
    rest[[0, cycles]] = 0.0
    folded = (np.arange(2, harmonics + 1) * cycles) % samples
    bins = np.minimum(folded, samples - folded)
    bins = np.unique(bins[(bins != 0) & (bins != cycles)])
    distortion = rest[bins].sum(axis=0)
    both = rest.sum(axis=0)
    with np.errstate(divide="ignore"):
        return Spectrum(
            frequency=np.arange(len(power)) / samples,
            power=power / (0.5 * 4.0 ** (bits - 1)),
            sndr=10.0 * np.log10(signal / both),
            snr=10.0 * np.log10(signal / (both - distortion)),
            sfdr=10.0 * np.log10(signal / rest.max(axis=0)),
            thd=10.0 * np.log10(distortion / signal),
            enob=enob_from_residual(np.sqrt(both), bits),
            bits=bits,
            cycles=int(cycles),
            harmonic_bins=bins,
        )


def enob_from_residual(residual: ArrayLike, bits: int) -> np.ndarray:
    """Effective number of bits from the rms of noise and distortion.

    Parameters
    ----------
    residual : array_like
        Rms of the codes less the best sine (or whatever the input was). [LSB]
    bits : int
        Resolution N. [bit]

    Returns
    -------
    ndarray
        N - log2(sqrt(12) * residual). [bit]

    References
    ----------
    IEEE Std 1241-2010, effective number of bits.
    """
    return bits - np.log2(np.sqrt(12.0) * np.asarray(residual, dtype=float))
