"""Conversion of many samples: a search through a converter's levels, with or without noise.

Inputs come as volts and are brought to units of the least significant bit first, x = (v - low) / lsb, so that the
levels of an ideal converter are whole (or half) numbers and compare exactly. `levels` has one row for each converter
and 2^bits columns; column k is the level, in LSB, at or above which the code is k or more, as far as the search gets
there. Column 0 is not looked at. `rows[c]` is the row for input column c.

Noise of a comparator matters only near its level: beyond `FAR` standard deviations it would decide otherwise once in
10^15 times, and is not drawn.
"""

from numba import njit

FAR = 8.0

# Ways for a flash converter's encoder to read a thermometer code with bubbles.
COUNT, FIRST, LAST = range(3)


@njit(cache=True, error_model="numpy")
def search(x, levels, row):
    """Give the code of one input [LSB]: bit after bit, from the most significant one."""
    code = 0
    step = levels.shape[1] >> 1
    while step > 0:
        code += step * (x >= levels[row, code + step])
        step >>= 1
    return code


@njit(cache=True, error_model="numpy")
def convert(v, low, lsb, levels, rows, codes):
    """Fill `codes` (samples, columns) from the voltages `v` of that shape, without noise."""
    samples, columns = v.shape
    for sample in range(samples):
        for column in range(columns):
            x = (v[sample, column] - low[column]) / lsb[column]
            codes[sample, column] = search(x, levels, rows[column])


@njit(cache=True, error_model="numpy")
def noisy(difference, sigma, rng):
    """Add a comparator's noise to the difference that it judges; both in LSB."""
    if abs(difference) < FAR * sigma:
        return difference + sigma * rng.standard_normal()
    return difference


@njit(cache=True, error_model="numpy")
def convert_with_noise(v, low, lsb, levels, rows, sampling, decision, rng, codes):
    """Fill `codes` with noise of sampling (rows,) and of each decision (rows, bits), in LSB, drawn from `rng`."""
    samples, columns = v.shape
    for sample in range(samples):
        for column in range(columns):
            row = rows[column]
            x = (v[sample, column] - low[column]) / lsb[column]
            if sampling[row] > 0.0:
                x += sampling[row] * rng.standard_normal()
            code = 0
            step = levels.shape[1] >> 1
            bit = 0
            while step > 0:
                code += step * (noisy(x - levels[row, code + step], decision[row, bit], rng) >= 0.0)
                step >>= 1
                bit += 1
            codes[sample, column] = code


@njit(cache=True, error_model="numpy")
def encode(x, levels, static, row, sigma, encoder, rng):
    """Give the code of one input [LSB] to a flash converter, each of whose comparators has noise sigma [LSB].

    `levels` are the comparators', in the order in which the encoder sees them; `static` those of the search without
    noise. Only comparators in doubt are asked.
    """
    reach = FAR * sigma
    if encoder == LAST:
        code = search(x + reach, static, row)
        while code > 0 and noisy(x - levels[row, code], sigma, rng) < 0.0:
            code -= 1
        return code
    comparators = levels.shape[1] - 1
    sure = search(x - reach, static, row)
    code = sure
    for k in range(sure + 1, comparators + 1):
        difference = x - levels[row, k]
        if encoder == COUNT and difference < -reach:
            break  # sorted: all that follow lie higher
        if noisy(difference, sigma, rng) >= 0.0:
            code += 1
        elif encoder == FIRST:
            break
    return code


@njit(cache=True, error_model="numpy")
def convert_flash_with_noise(v, low, lsb, levels, static, rows, sampling, decision, encoder, rng, codes):
    """Fill `codes` with noise of sampling and of each comparator, (rows,) in LSB, drawn from `rng`."""
    samples, columns = v.shape
    for sample in range(samples):
        for column in range(columns):
            row = rows[column]
            x = (v[sample, column] - low[column]) / lsb[column]
            if sampling[row] > 0.0:
                x += sampling[row] * rng.standard_normal()
            codes[sample, column] = encode(x, levels, static, row, decision[row], encoder, rng)
