"""Conversion of many samples: a search through a converter's levels, with or without noise.

Inputs come as volts and are brought to units of the least significant bit first, x = (v - low) / lsb, so that the
levels of an ideal converter are whole (or half) numbers and compare exactly. `levels` has one row for each converter
and 2^bits columns; column k is the level, in LSB, at or above which the code is k or more, as far as the search gets
there. Column 0 is not looked at. `rows[c]` is the row for input column c.

Work goes in blocks, bit by bit through a block: its samples do not wait for each other, so that a processor handles
several at once.

Noise of a comparator matters only near its level: beyond `FAR` standard deviations it would decide otherwise once in
10^9 times, and is not drawn.
"""

import numpy as np
from numba import njit

FAR = 6.0
BLOCK = 512

# Ways for a flash converter's encoder to read a thermometer code with bubbles.
COUNT, FIRST, LAST = range(3)


@njit(cache=True, error_model="numpy")
def load(v, start, length, low, lsb, rows, x, row):
    """Bring `length` inputs from `start` of the flat array `v` (its columns side by side) to LSB, with their rows."""
    columns = len(low)
    column = start % columns
    for i in range(length):
        x[i] = (v[start + i] - low[column]) / lsb[column]
        row[i] = rows[column]
        column += 1
        if column == columns:
            column = 0


@njit(cache=True, error_model="numpy")
def search(x, row, length, levels, code):
    """Fill `code` for the inputs `x` [LSB]: bit after bit, from the most significant one."""
    count = levels.shape[1]
    flat = levels.ravel()
    for i in range(length):
        code[i] = 0
    step = count >> 1
    while step > 0:
        for i in range(length):
            code[i] += step * (x[i] >= flat[row[i] * count + code[i] + step])
        step >>= 1


@njit(cache=True, error_model="numpy")
def convert(v, low, lsb, levels, rows, codes):
    """Fill the flat `codes` from the flat voltages `v`, (samples, columns) one after the other, without noise."""
    x, row, code = np.empty(BLOCK), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    for start in range(0, len(v), BLOCK):
        length = min(BLOCK, len(v) - start)
        load(v, start, length, low, lsb, rows, x, row)
        search(x, row, length, levels, code)
        for i in range(length):
            codes[start + i] = code[i]


@njit(cache=True, error_model="numpy")
def add_sampling_noise(x, row, length, sampling, rng):
    """Add the noise of sampling, with the standard deviation of each row [LSB]."""
    for i in range(length):
        if sampling[row[i]] > 0.0:
            x[i] += sampling[row[i]] * rng.standard_normal()


@njit(cache=True, error_model="numpy")
def noisy(difference, sigma, rng):
    """Add a comparator's noise to the difference that it judges; both in LSB."""
    if abs(difference) < FAR * sigma:
        return difference + sigma * rng.standard_normal()
    return difference


@njit(cache=True, error_model="numpy")
def decide(x, levels, row, sigma, rng):
    """Give the code of one input [LSB] with noise sigma[row, bit] [LSB] in each decision."""
    code = 0
    step = levels.shape[1] >> 1
    bit = 0
    while step > 0:
        code += step * (noisy(x - levels[row, code + step], sigma[row, bit], rng) >= 0.0)
        step >>= 1
        bit += 1
    return code


@njit(cache=True, error_model="numpy")
def convert_with_noise(v, low, lsb, levels, rows, sampling, decision, rng, codes):
    """Fill `codes` with noise of sampling (rows,) and of each decision (rows, bits), in LSB, drawn from `rng`."""
    x, row, code = np.empty(BLOCK), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    doubt = np.empty(BLOCK, np.bool_)
    bits = decision.shape[1]
    count = levels.shape[1]
    flat, reach = levels.ravel(), FAR * decision.ravel()
    for start in range(0, len(v), BLOCK):
        length = min(BLOCK, len(v) - start)
        load(v, start, length, low, lsb, rows, x, row)
        add_sampling_noise(x, row, length, sampling, rng)
        # Without the comparator's noise first; then again those that came near to a level on their way.
        for i in range(length):
            code[i] = 0
            doubt[i] = False
        for bit in range(bits):
            step = count >> (bit + 1)
            for i in range(length):
                difference = x[i] - flat[row[i] * count + code[i] + step]
                code[i] += step * (difference >= 0.0)
                doubt[i] |= abs(difference) < reach[row[i] * bits + bit]
        for i in range(length):
            codes[start + i] = decide(x[i], levels, row[i], decision, rng) if doubt[i] else code[i]


@njit(cache=True, error_model="numpy")
def encode(x, sure, levels, row, sigma, encoder, rng):
    """Give the code of one input [LSB] to a flash converter, each of whose comparators has noise sigma [LSB].

    `levels` are the comparators', in the order in which the encoder sees them; up to comparator `sure` (from it on,
    for the encoder LAST) there is no doubt, and beyond only those in doubt are asked.
    """
    code = sure
    if encoder == LAST:
        while code > 0 and noisy(x - levels[row, code], sigma, rng) < 0.0:
            code -= 1
        return code
    for k in range(sure + 1, levels.shape[1]):
        difference = x - levels[row, k]
        if encoder == COUNT and difference < -FAR * sigma:
            break  # sorted: all that follow lie higher
        if noisy(difference, sigma, rng) >= 0.0:
            code += 1
        elif encoder == FIRST:
            break
    return code


@njit(cache=True, error_model="numpy")
def convert_flash_with_noise(v, low, lsb, levels, static, rows, sampling, decision, encoder, rng, codes):
    """Fill `codes` with noise of sampling and of each comparator, (rows,) in LSB, drawn from `rng`.

    `static` are the levels of the search without noise; see `encode` for `levels`.
    """
    x, row, code = np.empty(BLOCK), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    edge = np.empty(BLOCK)
    side = FAR if encoder == LAST else -FAR
    for start in range(0, len(v), BLOCK):
        length = min(BLOCK, len(v) - start)
        load(v, start, length, low, lsb, rows, x, row)
        add_sampling_noise(x, row, length, sampling, rng)
        for i in range(length):
            edge[i] = x[i] + side * decision[row[i]]
        search(edge, row, length, static, code)
        for i in range(length):
            codes[start + i] = encode(x[i], code[i], levels, row[i], decision[row[i]], encoder, rng)
