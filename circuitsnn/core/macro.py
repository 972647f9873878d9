"""From sums along the columns of an array to weighted sums of converter codes, in one pass.

A matrix product gives the sums s along the columns, before this kernel. For each read and each conversion the kernel
then does what the circuit does, in this order:

    discharge      d = f(s + leakage)                           f a polynomial
    merging        v = sum over the merged columns of share * d
    noise          v + sigma * (standard normal number)
    converter      code = number of its thresholds at or below v
    shift-add      output += significance * value(code)

Arrays have their reads along the last axis: a column's numbers, and its converter's table, stay in the nearest cache,
and the compiler turns each loop into instructions on many reads at once.

Noise is a function of a key, the conversion's number and the read's: the outcome depends neither on the number of
threads nor on how reads are portioned. Two words of 12 bits, from a hash of 32 bits (Wellons' "triple32"), each choose
one of 4096 numbers, the means of equally likely slices of a normal distribution; their sum has variance 1, an excess
kurtosis of -0.001 and no value beyond 5.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

_TILE = 512  # reads worked on at a time
_SLICES = 4096
_WEYL = np.uint32(0x9E3779B9)  # 2^32 over the golden ratio


def _halves() -> np.ndarray:
    """Means of equally likely slices of a normal distribution, scaled so that two of them have variance 1."""
    from statistics import NormalDist

    edges = [-math.inf, *(NormalDist().inv_cdf(k / _SLICES) for k in range(1, _SLICES)), math.inf]
    density = np.exp(-0.5 * np.square(edges))
    means = density[:-1] - density[1:]
    return (means / np.sqrt(2.0 * np.mean(means**2))).astype(np.float32)


_HALVES = _halves()


class Columns(NamedTuple):
    """The columns of a row group, as its converters see them. Conversions are numbered slot * outputs + output."""

    leakage: np.ndarray
    """What is added to the sum of each column, shape (merged, conversions), float32."""
    share: np.ndarray
    """Weight of each column among those merged for one conversion, shape (merged, conversions), float32."""
    converter: np.ndarray
    """Row of `Converters` for each conversion, shape (conversions,), int64."""
    noise: np.ndarray
    """Standard deviation of the noise of each conversion, shape (conversions,), float32. [V]"""
    significance: np.ndarray
    """What a conversion's value counts for, shape (conversions,), float32."""


class Converters(NamedTuple):
    """Static transfer of converters."""

    thresholds: np.ndarray
    """Transitions in rising order, shape (converters, 2^bits), float32; the last is infinite. [V]"""
    first: np.ndarray
    """Code at the start of each bin of the range, shape (converters, bins), unsigned."""
    transition: np.ndarray
    """First transition after each bin's start, shape (converters, bins), float32. [V]"""
    below: np.ndarray
    """What the code below that transition stands for, shape (converters, bins), float32."""
    above: np.ndarray
    """What the code above it stands for, shape (converters, bins), float32."""
    crowded: np.ndarray
    """Whether a converter has a bin with several different transitions, shape (converters,)."""
    low: float
    """Start of the first bin. [V]"""
    bins_per_volt: float
    """Inverse width of a bin. [1/V]"""


@njit(cache=True, error_model="numpy", inline="always")
def _mixed(x):
    """Scramble 32 bits."""
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(17))) * np.uint32(0xED5AD4BB))
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(11))) * np.uint32(0xAC4C1B51))
    x = np.uint32(np.uint32(x ^ (x >> np.uint32(15))) * np.uint32(0x31848BAB))
    return np.uint32(x ^ (x >> np.uint32(14)))


@njit(cache=True, error_model="numpy")
def _stream(key, conversion):
    """Give two words that start the noise of a conversion."""
    one = _mixed(np.uint32(key[0] ^ _mixed(np.uint32(conversion))))
    return one, _mixed(np.uint32(key[1] ^ one))


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _add_noise(key, conversion, first_read, sigma, words, volts, count):
    """Add noise to volts[:count]; `words` is scratch."""
    start, other = _stream(key, conversion)
    for i in range(count):
        step = np.uint32(np.uint32(first_read + i) * _WEYL)
        words[i] = _mixed(np.uint32(other ^ _mixed(np.uint32(start + step))))
    for i in range(count):
        halves = _HALVES[np.uintp(words[i] & np.uint32(4095))] + _HALVES[np.uintp(words[i] >> np.uint32(20))]
        volts[i] += sigma * halves


@njit(cache=True, error_model="numpy")
def noise(key, first_read, sigma, out):
    """Add noise to `out`, shape (conversions, reads), float32; sigma has one number for each conversion."""
    words = np.empty(out.shape[1], np.uint32)
    for conversion in range(out.shape[0]):
        _add_noise(key, conversion, first_read, sigma[conversion], words, out[conversion], out.shape[1])


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _discharge(sums, conversion, columns, transfer, start, count, volts, each):
    """Fill volts[:count] with the merged discharges of one conversion, from read `start` on; `each` is scratch."""
    conversions = columns.significance.size
    degree = transfer.size - 1
    for merged in range(columns.share.shape[0]):
        s = sums[merged * conversions + conversion, start : start + count]
        leakage, share = columns.leakage[merged, conversion], columns.share[merged, conversion]
        for i in range(count):
            each[i] = transfer[degree]
        for power in range(degree - 1, -1, -1):
            for i in range(count):
                each[i] = each[i] * (s[i] + leakage) + transfer[power]
        if merged == 0:
            for i in range(count):
                volts[i] = each[i] * share
        else:
            for i in range(count):
                volts[i] += each[i] * share


@njit(cache=True, error_model="numpy", parallel=True, fastmath={"contract"})
def convert(sums, columns, transfer, noisy, key, first_read, converters, value, factor, outputs):
    """Add what a row group's converters give to `outputs`.

    Parameters
    ----------
    sums : (merged * conversions, reads) float32
        Sums along the columns; those merged for a conversion lie `conversions` apart.
    columns : Columns
        Leakage, shares, converters, noise and significances.
    transfer : (degree + 1,) float32
        Polynomial from a sum to a discharge, lowest power first. [V]
    noisy : bool
        Whether noise is drawn.
    key : (2,) uint32
        Which noise.
    first_read : int
        Number of the first read: other reads, other noise.
    converters : Converters
        The converters.
    value : (2^bits,) float32
        What each code stands for.
    factor : float32
        What the whole read counts for.
    outputs : (outputs, reads) float32
        Is added to.
    """
    size, reads = outputs.shape
    slots = columns.significance.size // size
    last = np.float32(converters.first.shape[1] - 1)
    low, scale = np.float32(converters.low), np.float32(converters.bins_per_volt)
    for output in prange(size):
        volts, each = np.empty(_TILE, np.float32), np.empty(_TILE, np.float32)
        words, places = np.empty(_TILE, np.uint32), np.empty(_TILE, np.int32)
        for slot in range(slots):
            conversion = slot * size + output
            converter = columns.converter[conversion]
            transition = converters.transition[converter]
            below, above = converters.below[converter], converters.above[converter]
            weight = factor * columns.significance[conversion]
            for start in range(0, reads, _TILE):
                count = min(_TILE, reads - start)
                _discharge(sums, conversion, columns, transfer, start, count, volts, each)
                if noisy:
                    _add_noise(key, conversion, first_read + start, columns.noise[conversion], words, volts, count)
                for i in range(count):
                    places[i] = np.int32(min(max((volts[i] - low) * scale, np.float32(0.0)), last))
                sink = outputs[output, start : start + count]
                # Places as unsigned numbers, which need no check for an index from the end.
                if converters.crowded[converter]:
                    for i in range(count):
                        code = np.uintp(converters.first[converter, np.uintp(places[i])])
                        while volts[i] >= converters.thresholds[converter, code]:
                            code += np.uintp(1)
                        sink[i] += weight * value[code]
                else:
                    for i in range(count):
                        place = np.uintp(places[i])
                        sink[i] += weight * (above[place] if volts[i] >= transition[place] else below[place])
