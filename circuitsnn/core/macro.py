"""From sums along the columns of an array to weighted sums of converter codes, in one pass.

A matrix product gives the sums s along the columns, before this kernel. For each read and each conversion the kernel
then does what the circuit does, in this order:

    discharge      d = f(s + leakage)                           f a polynomial
    merging        v = sum over the merged columns of share * d
    noise          v + sigma * (standard normal number)
    converter      code = number of its thresholds at or below v
    shift-add      output += significance * value(code)

Arrays have their reads along the last axis: a column's numbers, and its converter's table, stay in the nearest cache,
and the compiler turns all but the last two steps into instructions on many reads at once.

Converters see positions in their range, whole numbers of 31 bits: the upper bits are the bin, the lower ones how far
into it. A table has a number for each bin that, added to a position, gives the code in the upper bits: the sum of the
lower bits carries where the position has reached the bin's threshold. Positions are computed in float32, 24 bits, so
that thresholds lose nothing on that grid.

Noise is a function of a key, the conversion's number and the read's (`core.normals`): the outcome depends neither on
the number of threads nor on how reads are portioned.

`multiply` makes the sums as well, from lists of the cells that hold a 1: few do where weights are differential, most of
them small. `multiply_rows` makes them from lists of the word lines that are on: each adds its cells' numbers to many
columns at once, and sums never leave the caches. `convert` takes sums that a solver gave.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from circuitsnn.core.normals import normal, progression

_TILE = 512  # reads worked on at a time
_READS = 128  # the same where their columns are summed
_LANES = 128  # columns summed at the same time
_ROWS = 64  # rows of so many columns, which the nearest cache holds
_ENTRIES = 4  # lines added at a time, so that sums are read and written less often
_ALIGNED = 16  # numbers of a cache's line
_BINS = 256  # fewest bins of a converter's table; more than one threshold in a bin is slow
_RANGE_BITS = 31
_END = 2**_RANGE_BITS  # of positions
_TOP = np.float32(_END - 2 ** (_RANGE_BITS - 24))  # the largest float32 below


class Columns(NamedTuple):
    """The columns of a row group, as its converters see them. Conversions are numbered output * slots + slot."""

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


class Cells(NamedTuple):
    """The cells of a row group that hold a 1, column after column in the order of `Columns`."""

    starts: np.ndarray
    """First entry of each column, and the end, shape (merged * conversions + 1,), uint64."""
    rows: np.ndarray
    """Row of the features that each entry is multiplied with, shape (entries + 1,), uint32; the last one is none."""
    values: np.ndarray
    """What it is multiplied with in each basis, shape (bases, entries + 1), float32; the last ones are zeros."""


class Level(NamedTuple):
    """How sums of a model's bases make one: s = gain * first + lift * second + (bend[0] s - bend[1]) * gain * third."""

    gain: np.ndarray
    """By the number of word lines on, shape (rows + 1,), float32."""
    lift: np.ndarray
    """By the number of word lines on, shape (rows + 1,), float32."""
    bend: np.ndarray
    """Shape (2,), float32."""


class Features(NamedTuple):
    """What the cells of a row group are multiplied with."""

    lines: np.ndarray
    """Functions of the drive code, shape (functions * rows, reads), float32; those not active may not be filled."""
    active: np.ndarray
    """0 where the word line is off in all reads, shape (functions * rows,), uint8."""
    on: np.ndarray
    """Word lines that are on, shape (reads,), int64."""


class Drive(NamedTuple):
    """The word lines of a row group that are on, read by read, in pieces of 64 rows."""

    counts: np.ndarray
    """Entries of each piece and read, shape (pieces, reads), uint64; a multiple of four, the last ones may be zeros."""
    rows: np.ndarray
    """Row of each entry within its piece, shape (pieces, reads, 64), uint32."""
    values: np.ndarray
    """What its cells are multiplied with, shape (functions, pieces, reads, 64), float32."""
    on: np.ndarray
    """Word lines that are on, shape (reads,), int64."""


class Converters(NamedTuple):
    """Static transfer of converters, from `converters`."""

    thresholds: np.ndarray
    """Positions of the different thresholds in rising order, then the largest number, shape (converters, 2^bits),
    uint32."""
    value: np.ndarray
    """What lies between these stands for, shape (converters, 2^bits), float32."""
    table: np.ndarray
    """What a position is added to for its code in the upper bits, shape (converters, bins), uint32."""
    crowded: np.ndarray
    """Whether a converter has a bin with several different thresholds, shape (converters,)."""
    shift: int
    """Bits of a position below those of the bin."""
    low: float
    """Where positions begin. [V]"""
    per_volt: float
    """Positions in a volt. [1/V]"""


def converters(thresholds: np.ndarray, value: np.ndarray) -> Converters:
    """Lay out the tables of converters.

    Parameters
    ----------
    thresholds : ndarray, shape (converters, 2^bits - 1)
        Thresholds of each converter in rising order; equal ones are missing codes. [V]
    value : ndarray, shape (2^bits,)
        What each code stands for.

    Returns
    -------
    Converters
        The tables.
    """
    codes = len(value)
    bins = max(_BINS, 4 * codes)
    shift = _RANGE_BITS - (bins.bit_length() - 1)
    span = float(np.ptp(thresholds)) or 1.0
    low, per_volt = float(thresholds.min()) - 0.01 * span, _END / (1.02 * span)
    positions = np.ceil((thresholds - low) * per_volt).astype(np.int64)
    # Codes that share a threshold are missing ones: above it is the last of them.
    different = np.full((len(thresholds), codes), _END, np.int64)
    values = np.zeros((len(thresholds), codes), np.float32)
    values[:, 0] = value[0]
    for row, value_row, all_of_them in zip(different, values, positions, strict=True):
        found, last = np.unique(all_of_them[::-1], return_index=True)
        row[: found.size] = found
        value_row[1 : found.size + 1] = value[codes - 1 - last]
    starts = np.arange(bins, dtype=np.int64) << shift
    stops = starts + (1 << shift)
    first = np.array([np.searchsorted(row[:-1], starts, side="right") for row in different])
    threshold = np.take_along_axis(different, first, axis=1)
    table = (first << shift) + stops - np.minimum(threshold, stops) - starts
    after = np.take_along_axis(different, np.minimum(first + 1, codes - 1), axis=1)
    crowded = ((after < stops) & (after < _END)).any(axis=1)
    thresholds = np.minimum(different, _END - 1).astype(np.uint32)
    return Converters(thresholds, values, table.astype(np.uint32), crowded, shift, low, per_volt)


@njit(cache=True, error_model="numpy", inline="always")
def _add_noise(key, conversion, first_read, sigma, volts):
    """Add noise to the reads of one conversion."""
    start, step = progression(key, conversion)
    start = np.uint32(start + np.uint32(np.uint32(first_read) * step))
    for i in range(volts.size):
        volts[i] += sigma * normal(np.uint32(start + np.uint32(np.uint32(i) * step)))


@njit(cache=True, error_model="numpy")
def noise(key, first_read, sigma, out):
    """Add noise to `out`, shape (conversions, reads), float32; sigma has one number for each conversion."""
    for conversion in range(out.shape[0]):
        _add_noise(key, conversion, first_read, sigma[conversion], out[conversion])


@njit(cache=True, error_model="numpy", inline="always")
def _fall(s, leakage, share, curve, low, first, volts):
    """Add share * f(s + leakage) to `volts`; the first of the merged columns starts at -low."""
    c0, c1, c2, c3, c4 = curve[0] * share, curve[1] * share, curve[2] * share, curve[3] * share, curve[4] * share
    if first:
        c0 -= low
        for i in range(volts.size):
            x = s[i] + leakage
            volts[i] = (((c4 * x + c3) * x + c2) * x + c1) * x + c0
    else:
        for i in range(volts.size):
            x = s[i] + leakage
            volts[i] += (((c4 * x + c3) * x + c2) * x + c1) * x + c0


@njit(cache=True, error_model="numpy", inline="always")
def _discharge(sums, conversion, columns, curve, low, start, volts):
    """Fill `volts` with the merged discharges of one conversion, less `low`, from read `start` on."""
    conversions = columns.significance.size
    for merged in range(columns.share.shape[0]):
        s = sums[merged * conversions + conversion, start : start + volts.size]
        leakage, share = columns.leakage[merged, conversion], columns.share[merged, conversion]
        _fall(s, leakage, share, curve, low, merged == 0, volts)


@njit(cache=True, error_model="numpy", inline="always")
def _empty(lines, width):
    """Give an array of float32 whose lines begin where a cache's do, if their width allows that."""
    whole = np.empty(lines * width + _ALIGNED, np.float32)
    skipped = (-whole.ctypes.data // 4) % _ALIGNED
    return whole[skipped : skipped + lines * width].reshape(lines, width)


# Arrays are flat and indices unsigned below: views made in a loop, and indices that may count from the end, would take
# longer than the sums.


@njit(cache=True, error_model="numpy", inline="always")
def _add(x, a, b, c, d, v, sums, to, size):
    """Add four lines of x, which begin at a, b, c, d, times v to a line of `sums`."""
    va, vb, vc, vd = v
    for each in range(size):
        i = np.uintp(each)
        sums[to + i] += (va * x[a + i] + vb * x[b + i]) + (vc * x[c + i] + vd * x[d + i])


@njit(cache=True, error_model="numpy", inline="always")
def _add_for_bases(x, a, b, c, d, v, w, t, bases, sums, size):
    """Add four lines of x times v to the first line of `sums`, w to the second, t to the third: x is read once."""
    (va, vb, vc, vd), (wa, wb, wc, wd), (ta, tb, tc, td) = v, w, t
    if bases == 2:
        for each in range(size):
            i = np.uintp(each)
            xa, xb, xc, xd = x[a + i], x[b + i], x[c + i], x[d + i]
            one = sums[i] + ((va * xa + vb * xb) + (vc * xc + vd * xd))
            sums[size + i] += (wa * xa + wb * xb) + (wc * xc + wd * xd)
            sums[i] = one
    else:
        for each in range(size):
            i = np.uintp(each)
            xa, xb, xc, xd = x[a + i], x[b + i], x[c + i], x[d + i]
            one = sums[i] + ((va * xa + vb * xb) + (vc * xc + vd * xd))
            two = sums[size + i] + ((wa * xa + wb * xb) + (wc * xc + wd * xd))
            sums[size + size + i] += (ta * xa + tb * xb) + (tc * xc + td * xd)
            sums[i], sums[size + i] = one, two


@njit(cache=True, error_model="numpy", inline="always")
def _sum(cells, column, features, chosen, sums):
    """Fill `sums`, flat (bases, reads), with sums of a column's cells in the bases; `chosen` is scratch."""
    x, size, rows = features.lines.reshape(-1), np.uintp(features.lines.shape[1]), cells.rows
    entries, values, bases = np.uintp(rows.size), cells.values.reshape(-1), cells.values.shape[0]
    first, last = cells.starts[np.uintp(column)], cells.starts[np.uintp(column + 1)]
    # Word lines that are off in all reads are passed over.
    count = np.uintp(0)
    for entry in range(first, last):
        chosen[count] = entry
        count += np.uintp(features.active[rows[entry]])
    for beyond in range(_ENTRIES - 1):
        chosen[count + np.uintp(beyond)] = entries - np.uintp(1)
    sums[:] = 0
    n = np.uintp(0)
    while n < count:
        e, f, g, h = chosen[n], chosen[n + np.uintp(1)], chosen[n + np.uintp(2)], chosen[n + np.uintp(3)]
        a, b, c, d = rows[e] * size, rows[f] * size, rows[g] * size, rows[h] * size
        v = values[e], values[f], values[g], values[h]
        if bases == 1:
            _add(x, a, b, c, d, v, sums, np.uintp(0), size)
        else:
            m, k = entries, np.uintp(bases - 1) * entries
            w = values[m + e], values[m + f], values[m + g], values[m + h]
            t = values[k + e], values[k + f], values[k + g], values[k + h]
            _add_for_bases(x, a, b, c, d, v, w, t, bases, sums, size)
        n += np.uintp(_ENTRIES)


@njit(cache=True, error_model="numpy")
def cells(psi, stored, columns, first, last):
    """List the cells of a row group that hold a 1.

    Parameters
    ----------
    psi : (bases, functions, rows, columns) float32
        Numbers of the cells.
    stored : (columns, rows) bool
        Which cells hold a 1.
    columns : (merged * conversions,) int64
        Column in each place of the kernel's order; negative where there is none.
    first, last : int
        First row of the group, and that after its last.

    Returns
    -------
    Cells
        Entries of a column: those of the first function of the drive code, then those of the next.
    """
    bases, functions = psi.shape[:2]
    starts = np.zeros(columns.size + 1, np.uint64)
    for place in range(columns.size):
        count = 0
        if columns[place] >= 0:
            for row in range(first, last):
                count += stored[columns[place], row]
        starts[place + 1] = starts[place] + np.uint64(functions * count)
    entries = int(starts[-1])
    rows, values = np.zeros(entries + 1, np.uint32), np.zeros((bases, entries + 1), np.float32)
    for place in range(columns.size):
        entry, column = starts[place], columns[place]
        if column >= 0:
            for function in range(functions):
                for row in range(first, last):
                    if stored[column, row]:
                        rows[entry] = function * (last - first) + row - first
                        for basis in range(bases):
                            values[basis, entry] = psi[basis, function, row, column]
                        entry += np.uint64(1)
    return Cells(starts, rows, values)


@njit(cache=True, error_model="numpy", parallel=True, fastmath={"contract"})
def discharges(sums, columns, transfer, volts):
    """Fill `volts`, shape (conversions, reads), float32, with merged discharges without noise. [V].

    `sums`, `columns` and `transfer` are those of `convert`.
    """
    curve = np.zeros(5, np.float32)
    curve[: transfer.size] = transfer
    for conversion in prange(volts.shape[0]):
        _discharge(sums, conversion, columns, curve, np.float32(0.0), 0, volts[conversion])


@njit(cache=True, error_model="numpy", inline="always")
def _place(volts):
    """Give the position of a voltage."""
    # Comparisons with a number that is none are false: then the code is the first.
    return np.int32(min(volts if volts > np.float32(0.0) else np.float32(0.0), _TOP))


@njit(cache=True, error_model="numpy", inline="always")
def _shift_and_add(places, lane, converters, converter, weight, sink):
    """Add weight * value(code) of positions, shape (reads, lanes), to `sink`."""
    # 32 bits throughout, and indices that cannot count from the end.
    table, value, shift = converters.table[converter], converters.value[converter], np.uint32(converters.shift)
    if converters.crowded[converter]:
        thresholds = converters.thresholds[converter]
        for i in range(sink.size):
            place = np.uint32(places[i, lane])
            code = np.uintp(np.uint32(table[np.uintp(place >> shift)] + place) >> shift)
            while place >= thresholds[code]:
                code += np.uintp(1)
            sink[i] += weight * value[code]
    else:
        for i in range(sink.size):
            place = np.uint32(places[i, lane])
            sink[i] += weight * value[np.uintp(np.uint32(table[np.uintp(place >> shift)] + place) >> shift)]


@njit(cache=True, error_model="numpy", parallel=True, fastmath={"contract"})
def convert(sums, columns, transfer, noisy, key, first_read, converters, factor, outputs):
    """Add what a row group's converters give to `outputs`.

    Parameters
    ----------
    sums : (merged * conversions, reads) float32
        Sums along the columns; those merged for a conversion lie `conversions` apart.
    columns : Columns
        Leakage, shares, converters, noise and significances.
    transfer : (degree + 1,) float32
        Polynomial from a sum to a discharge, lowest power first, of degree 4 at most. [V]
    noisy : bool
        Whether noise is drawn.
    key : (2,) uint32
        Which noise.
    first_read : int
        Number of the first read: other reads, other noise.
    converters : Converters
        The converters.
    factor : float32
        What the whole read counts for.
    outputs : (outputs, reads of all portions) float32
        Is added to, from `first_read` on.
    """
    size, reads = outputs.shape[0], sums.shape[1]
    slots = columns.significance.size // size
    scale, low = np.float32(converters.per_volt), np.float32(converters.low * converters.per_volt)
    curve = np.zeros(5, np.float32)
    curve[: transfer.size] = transfer * scale
    for output in prange(size):
        scratch, places = np.empty(_TILE, np.float32), np.empty((_TILE, 1), np.int32)
        for conversion in range(output * slots, (output + 1) * slots):
            weight = factor * columns.significance[conversion]
            for start in range(0, reads, _TILE):
                stop = min(start + _TILE, reads)
                volts = scratch[: stop - start]
                _discharge(sums, conversion, columns, curve, low, start, volts)
                if noisy:
                    sigma = columns.noise[conversion] * scale
                    _add_noise(key, conversion, first_read + start, sigma, volts)
                for i in range(volts.size):
                    places[i, 0] = _place(volts[i])
                sink = outputs[output, first_read + start : first_read + stop]
                _shift_and_add(places, 0, converters, columns.converter[conversion], weight, sink)


@njit(cache=True, error_model="numpy")
def whole(values, scale, low, high, out):
    """Fill `out` with values times scale, rounded to whole numbers from low to high; both are flat."""
    for i in range(values.size):
        out[i] = min(max(np.rint(values[i] * scale), low), high)


@njit(cache=True, error_model="numpy")
def present(codes, first, last, phi):
    """Turn the drive codes of a row group into what its cells are multiplied with.

    Parameters
    ----------
    codes : (reads, rows) uint8
        Drive codes.
    first, last : int
        First row of the group, and that after its last.
    phi : (functions, codes) float32
        Functions of the code; zero at code 0.

    Returns
    -------
    Features
        The features.
    """
    reads, rows, functions = codes.shape[0], last - first, phi.shape[0]
    lines, active, on = _empty(functions * rows, reads), np.zeros(functions * rows, np.uint8), np.zeros(reads, np.int64)
    group = np.empty((rows, reads), np.uint8)
    # Few reads at a time, which the nearest cache holds.
    for start in range(0, reads, _ROWS):
        for row in range(rows):
            for read in range(start, min(start + _ROWS, reads)):
                group[row, read] = codes[read, first + row]
    for row in range(rows):
        line, any_on = group[row], np.uint8(0)
        for read in range(reads):
            on[read] += line[read] > 0
            any_on |= line[read]
        if any_on or row == 0:
            for function in range(functions):
                active[function * rows + row] = any_on > 0
                filled, values = lines[function * rows + row], phi[function]
                if values.size == 2:
                    for read in range(reads):
                        filled[read] = line[read] * values[1]
                else:
                    for read in range(reads):
                        filled[read] = values[np.uintp(line[read])]
    return Features(lines, active, on)


@njit(cache=True, error_model="numpy", inline="always")
def _join(sums, size, gain, lift, bend):
    """Make one sum of those of the bases, in the first line of `sums`; see `Level`."""
    bases = sums.size // size
    if bases == 1:
        for i in range(size):
            sums[i] *= gain[i]
    elif bases == 2:
        for i in range(size):
            sums[i] = gain[i] * sums[i] + lift[i] * sums[size + i]
    else:
        for i in range(size):
            s = gain[i] * sums[i] + lift[i] * sums[size + i]
            sums[i] = s + (bend[0] * s - bend[1]) * (gain[i] * sums[2 * size + i])


@njit(cache=True, error_model="numpy", parallel=True, fastmath={"contract"})
def multiply(features, cells, level, columns, transfer, noisy, key, first_read, converters, factor, outputs):
    """Sum a row group's cells and add what its converters give to `outputs`, as `convert` does.

    Parameters
    ----------
    features : Features
        What the cells are multiplied with.
    cells : Cells
        The cells that hold a 1.
    level : Level
        How sums of the bases make one.
    columns, transfer, noisy, key, first_read, converters, factor, outputs
        As for `convert`.
    """
    size, reads, bases = outputs.shape[0], features.lines.shape[1], cells.values.shape[0]
    slots, conversions = columns.significance.size // size, columns.significance.size
    scale, low = np.float32(converters.per_volt), np.float32(converters.low * converters.per_volt)
    curve = np.zeros(5, np.float32)
    curve[: transfer.size] = transfer * scale
    gain, lift = level.gain[features.on], level.lift[features.on]
    for output in prange(size):
        sums, chosen = _empty(bases, reads).reshape(-1), np.empty(features.active.size + _ENTRIES, np.uintp)
        volts, places = np.empty(reads, np.float32), np.empty((reads, 1), np.int32)
        for conversion in range(output * slots, (output + 1) * slots):
            for merged in range(columns.share.shape[0]):
                _sum(cells, merged * conversions + conversion, features, chosen, sums)
                _join(sums, reads, gain, lift, level.bend)
                leakage, share = columns.leakage[merged, conversion], columns.share[merged, conversion]
                _fall(sums[:reads], leakage, share, curve, low, merged == 0, volts)
            if noisy:
                _add_noise(key, conversion, first_read, columns.noise[conversion] * scale, volts)
            for i in range(reads):
                places[i, 0] = _place(volts[i])
            sink, weight = outputs[output, first_read : first_read + reads], factor * columns.significance[conversion]
            _shift_and_add(places, 0, converters, columns.converter[conversion], weight, sink)


@njit(cache=True, error_model="numpy")
def drive(codes, first, last, phi):
    """List the word lines that are on.

    Parameters
    ----------
    codes : (reads, rows) uint8
        Drive codes.
    first, last : int
        First row of the group, and that after its last.
    phi : (functions, codes) float32
        Functions of the code; zero at code 0.

    Returns
    -------
    Drive
        The lists.
    """
    reads, functions, pieces = len(codes), len(phi), -(-(last - first) // _ROWS)
    counts, on = np.empty((pieces, reads), np.uint64), np.zeros(reads, np.int64)
    rows, values = np.empty((pieces, reads, _ROWS), np.uint32), np.empty((functions, pieces, reads, _ROWS), np.float32)
    for read in range(reads):
        line = codes[read, first:last]
        for piece in range(pieces):
            part, listed, count = line[piece * _ROWS : (piece + 1) * _ROWS], rows[piece, read], 0
            for row in range(part.size):
                listed[count] = row
                count += part[row] > 0
            on[read] += count
            whole = -(-count // _ENTRIES) * _ENTRIES
            listed[count:whole] = 0
            counts[piece, read] = whole
            for function in range(functions):
                value, of_code = values[function, piece, read], phi[function]
                for entry in range(count):
                    value[entry] = of_code[part[listed[entry]]]
                value[count:whole] = 0
    return Drive(counts, rows, values, on)


@njit(cache=True, error_model="numpy", inline="always")
def _sum_rows(drive, psi, first, column, start, cells, sums):
    """Fill `sums`, shape (bases, reads, lanes), with columns' sums, from a read and a column on."""
    bases, count, lanes = sums.shape
    functions, pieces, reads = drive.values.shape[:3]
    width, rows = min(lanes, psi.shape[3] - column), psi.shape[2]
    x, flat_sums, size = cells.reshape(-1), sums.reshape(-1), np.uintp(lanes)
    listed, values = drive.rows.reshape(-1), drive.values.reshape(-1)
    sums[:] = 0
    for function in range(functions):
        for piece in range(pieces):
            begin = first + piece * _ROWS
            for basis in range(bases):
                for row in range(min(_ROWS, rows - begin)):
                    cells[row, :width] = psi[basis, function, begin + row, column : column + width]
                for read in range(count):
                    n, to = np.uintp((piece * reads + start + read) * _ROWS), np.uintp((basis * count + read) * lanes)
                    last, m = n + drive.counts[piece, start + read], n + np.uintp(function * listed.size)
                    while n < last:
                        n1, n2, n3 = n + np.uintp(1), n + np.uintp(2), n + np.uintp(3)
                        m1, m2, m3 = m + np.uintp(1), m + np.uintp(2), m + np.uintp(3)
                        a, b, c, d = listed[n] * size, listed[n1] * size, listed[n2] * size, listed[n3] * size
                        v = values[m], values[m1], values[m2], values[m3]
                        _add(x, a, b, c, d, v, flat_sums, to, size)
                        n += np.uintp(_ENTRIES)
                        m += np.uintp(_ENTRIES)


@njit(cache=True, error_model="numpy", inline="always")
def _join_beside(bases, sums, second, third, gain, lift, bend):
    """Do what `_join` does, for columns side by side: one read of each; the result is in `sums`."""
    if bases == 1:
        for i in range(sums.size):
            sums[i] *= gain
    else:
        for i in range(sums.size):
            sums[i] = gain * sums[i] + lift * second[i]
    if bases == 3:
        for i in range(sums.size):
            sums[i] += (bend[0] * sums[i] - bend[1]) * (gain * third[i])


@njit(cache=True, error_model="numpy", inline="always")
def _fall_beside(sums, leakage, share, curve, low, first, volts):
    """Do what `_fall` does, for columns side by side."""
    for i in range(leakage.size):
        x = sums[i] + leakage[i]
        v = share[i] * ((((curve[4] * x + curve[3]) * x + curve[2]) * x + curve[1]) * x + curve[0])
        volts[i] = v - low if first else volts[i] + v


@njit(cache=True, error_model="numpy", parallel=True, fastmath={"contract"})
def multiply_rows(drive, psi, first, level, columns, transfer, noisy, key, first_read, converters, factor, outputs):
    """Sum a row group's cells and add what its converters give to `outputs`, as `convert` does.

    Parameters
    ----------
    drive : Drive
        The word lines that are on.
    psi : (bases, functions, rows, merged * conversions) float32
        Numbers of the cells, columns in the order of `Columns`; zero where there is none.
    first : int
        First row of the group.
    level : Level
        How sums of the bases make one.
    columns, transfer, noisy, key, first_read, converters, factor, outputs
        As for `convert`.
    """
    conversions, bases, reads = columns.significance.size, psi.shape[0], drive.on.size
    slots = conversions // outputs.shape[0]
    scale, low = np.float32(converters.per_volt), np.float32(converters.low * converters.per_volt)
    curve = np.zeros(5, np.float32)
    curve[: transfer.size] = transfer * scale
    lanes = min(_LANES, -(-conversions // 16) * 16)
    starts, steps = np.empty(conversions, np.uint32), np.empty(conversions, np.uint32)
    for conversion in range(conversions):
        starts[conversion], steps[conversion] = progression(key, conversion)
    for tile in prange(-(-reads // _READS)):
        start = tile * _READS
        count, at = min(_READS, reads - start), first_read + start
        sums, volts = _empty(bases * count, lanes).reshape(bases, count, lanes), np.empty((count, lanes), np.float32)
        # Lines are a little longer than their lanes, so that a column of them meets all of a cache's sets.
        places, cells = np.empty((count, lanes + 16), np.int32), _empty(_ROWS, lanes)
        for begin in range(0, conversions, lanes):
            end = min(begin + lanes, conversions)
            for merged in range(columns.share.shape[0]):
                _sum_rows(drive, psi, first, merged * conversions + begin, start, cells, sums)
                leakage, share = columns.leakage[merged, begin:end], columns.share[merged, begin:end]
                for read in range(count):
                    on, last = drive.on[start + read], sums[bases - 1, read]
                    _join_beside(
                        bases, sums[0, read], sums[bases // 2, read], last, level.gain[on], level.lift[on], level.bend
                    )
                    _fall_beside(sums[0, read], leakage, share, curve, low, merged == 0, volts[read])
            sigma, x, dx = columns.noise[begin:end], starts[begin:end], steps[begin:end]
            for read in range(count):
                v, place, number = volts[read], places[read], np.uint32(at + read)
                if noisy:
                    for i in range(sigma.size):
                        word = np.uint32(x[i] + np.uint32(number * dx[i]))
                        place[i] = _place(v[i] + scale * sigma[i] * normal(word))
                else:
                    for i in range(sigma.size):
                        place[i] = _place(v[i])
            for conversion in range(begin, end):
                weight, sink = factor * columns.significance[conversion], outputs[conversion // slots, at : at + count]
                converter = columns.converter[conversion]
                _shift_and_add(places, conversion - begin, converters, converter, weight, sink)
