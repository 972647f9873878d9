"""From sums along the columns of an array to weighted sums of converter codes, in one pass.

A matrix product gives the sums s along the columns, before this kernel. For each read and each conversion the kernel
then does what the circuit does, in this order:

    discharge      d = f(s + leakage)                           f a polynomial
    merging        v = sum over the merged columns of share * d
    noise          v + sigma * (standard normal number)
    converter      code = number of its thresholds at or below v
    shift-add      output += significance * value(code)

Noise is drawn by a generator for each block of reads, so that the outcome does not depend on the number of threads:
xoshiro256++ (Blackman and Vigna 2021, doi:10.1145/3460772), seeded through SplitMix64, and the ziggurat of Marsaglia
and Tsang 2000, doi:10.18637/jss.v005.i08, with separate bits for layer, sign and abscissa.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

#: Reads that share a random stream; part of what a seed means.
BLOCK = 32
_TILE = 64
_LAYERS = 256
_TAIL = 3.6541528853610088  # start of the tail for 256 layers of equal area (Marsaglia and Tsang)


def _ziggurat() -> tuple[np.ndarray, np.ndarray]:
    """Right edges x_0 > x_1 > ... > x_256 = 0 of the layers of equal area, and exp(-x^2 / 2) there."""
    area = _TAIL * math.exp(-0.5 * _TAIL**2) + math.sqrt(0.5 * math.pi) * math.erfc(_TAIL / math.sqrt(2.0))
    edges = np.zeros(_LAYERS + 1)
    edges[0], edges[1] = area / math.exp(-0.5 * _TAIL**2), _TAIL
    for layer in range(1, _LAYERS - 1):
        height = area / edges[layer] + math.exp(-0.5 * edges[layer] ** 2)
        edges[layer + 1] = math.sqrt(-2.0 * math.log(height))
    return edges, np.exp(-0.5 * edges**2)


_EDGES, _HEIGHTS = _ziggurat()
_SCALES = (_EDGES[:-1] / 2**24).astype(np.float32)  # from a whole number of 24 bits to an abscissa in the layer
_INSIDE = np.ceil(_EDGES[1:] / _EDGES[:-1] * 2**24).astype(np.int32) - 1  # below this, surely under the curve


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
    """Code at the start of each bin of the range, shape (converters, bins), uint8."""
    low: float
    """Start of the first bin. [V]"""
    bins_per_volt: float
    """Inverse width of a bin. [1/V]"""
    value: np.ndarray
    """What each code stands for, shape (2^bits,), float32."""


@njit(cache=True, error_model="numpy")
def _mixed(state):
    """Scramble a 64-bit number (SplitMix64's output)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@njit(cache=True, error_model="numpy")
def stream(key, index, state):
    """Fill `state`, four uint64, with the start of stream `index` of `key`, two uint64."""
    step = np.uint64(0x9E3779B97F4A7C15)
    start = _mixed(key[0] ^ _mixed(key[1] + step * (np.uint64(index) + np.uint64(1))))
    for i in range(4):
        start += step
        state[i] = _mixed(start)


@njit(cache=True, error_model="numpy")
def _next(s0, s1, s2, s3):
    """Give 64 random bits and the next state of xoshiro256++."""
    total = s0 + s3
    bits = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
    shifted = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    return bits, s0, s1, s2, s3


@njit(cache=True, error_model="numpy")
def _uniform(bits):
    """Make a number in (0, 1] from the upper 53 bits."""
    return (np.float64(bits >> np.uint64(11)) + 1.0) * 2.0**-53


@njit(cache=True, error_model="numpy")
def fill_normal(state, out, count):
    """Fill out[:count], float32, with standard normal numbers and advance `state`."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for i in range(count):
        while True:
            bits, s0, s1, s2, s3 = _next(s0, s1, s2, s3)
            layer = np.int64(bits & np.uint64(255))
            abscissa = np.int32((bits >> np.uint64(8)) & np.uint64(0xFFFFFF))
            sign = np.float32(1.0) - np.float32(np.int32((bits >> np.uint64(32)) & np.uint64(1))) * np.float32(2.0)
            x = np.float32(abscissa) * _SCALES[layer]
            if abscissa < _INSIDE[layer]:
                break
            bits, s0, s1, s2, s3 = _next(s0, s1, s2, s3)
            if layer == 0:
                # The layer has told that it is the tail: again until a number of it is accepted, not another layer.
                beyond = -math.log(_uniform(bits)) / _TAIL
                bits, s0, s1, s2, s3 = _next(s0, s1, s2, s3)
                while -2.0 * math.log(_uniform(bits)) <= beyond * beyond:
                    bits, s0, s1, s2, s3 = _next(s0, s1, s2, s3)
                    beyond = -math.log(_uniform(bits)) / _TAIL
                    bits, s0, s1, s2, s3 = _next(s0, s1, s2, s3)
                x = np.float32(_TAIL + beyond)
                break
            height = _HEIGHTS[layer] + _uniform(bits) * (_HEIGHTS[layer + 1] - _HEIGHTS[layer])
            if height < math.exp(-0.5 * np.float64(x) * np.float64(x)):
                break
        out[i] = sign * x
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@njit(cache=True, error_model="numpy")
def _discharges(sums, columns, transfer, start, stop, volts, each):
    """Fill `volts` with the merged discharges of conversions start to stop of one read; `each` is scratch."""
    conversions = columns.significance.size
    degree = transfer.size - 1
    count = stop - start
    for merged in range(columns.share.shape[0]):
        s = sums[merged * conversions + start : merged * conversions + stop]
        leakage, share = columns.leakage[merged, start:stop], columns.share[merged, start:stop]
        for i in range(count):
            each[i] = transfer[degree]
        for power in range(degree - 1, -1, -1):
            for i in range(count):
                each[i] = each[i] * (s[i] + leakage[i]) + transfer[power]
        if merged == 0:
            for i in range(count):
                volts[i] = each[i] * share[i]
        else:
            for i in range(count):
                volts[i] += each[i] * share[i]


@njit(cache=True, error_model="numpy", parallel=True)
def convert(sums, columns, transfer, noisy, key, first_block, converters, factor, outputs):
    """Add what a row group's converters give to `outputs`.

    Parameters
    ----------
    sums : (reads, merged * conversions) float32
        Sums along the columns; those merged for a conversion lie `conversions` apart.
    columns : Columns
        Leakage, shares, converters, noise and significances.
    transfer : (degree + 1,) float32
        Polynomial from a sum to a discharge, lowest power first. [V]
    noisy : bool
        Whether noise is drawn.
    key : (2,) uint64
        Which noise.
    first_block : int
        Number of the first block of reads: other blocks, other noise.
    converters : Converters
        The converters.
    factor : float32
        What the whole read counts for.
    outputs : (reads, outputs) float32
        Is added to.
    """
    reads, size = outputs.shape
    slots = columns.significance.size // size
    bins = converters.first.shape[1]
    last = np.float32(bins - 1)
    low, scale = np.float32(converters.low), np.float32(converters.bins_per_volt)
    for block in prange((reads + BLOCK - 1) // BLOCK):
        state = np.empty(4, np.uint64)
        stream(key, first_block + block, state)
        volts, normal = np.empty(_TILE, np.float32), np.empty(_TILE, np.float32)
        places = np.empty(_TILE, np.int32)
        # Conversions in tiles, so that the tables of their converters stay in the nearest cache.
        for slot in range(slots):
            for left in range(0, size, _TILE):
                right = min(left + _TILE, size)
                start = slot * size + left
                for read in range(block * BLOCK, min((block + 1) * BLOCK, reads)):
                    _discharges(sums[read], columns, transfer, start, start + right - left, volts, normal)
                    if noisy:
                        fill_normal(state, normal, right - left)
                        for i in range(right - left):
                            volts[i] += columns.noise[start + i] * normal[i]
                    for i in range(right - left):
                        places[i] = np.int32(min(max((volts[i] - low) * scale, np.float32(0.0)), last))
                    for i in range(right - left):
                        # Unsigned numbers, which need no check for an index from the end.
                        converter = np.uintp(columns.converter[start + i])
                        code = np.uintp(converters.first[converter, np.uintp(places[i])])
                        # Rarely more than one transition in a bin: the first step costs no branch.
                        code += np.uintp(volts[i] >= converters.thresholds[converter, code])
                        while volts[i] >= converters.thresholds[converter, code]:
                            code += np.uintp(1)
                        outputs[read, left + i] += factor * columns.significance[start + i] * converters.value[code]
