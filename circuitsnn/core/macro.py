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
_ENTRIES = 4  # rows added at a time, or twice as many, so that sums are read and written less often
_BINS = 1024  # fewest bins of a converter's table; more than one threshold in a bin is slow
_RANGE_BITS = 31
_END = 2**_RANGE_BITS  # of positions
_TOP = np.float32(_END - 2 ** (_RANGE_BITS - 24))  # the largest float32 below


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


class Cells(NamedTuple):
    """The cells of a row group that hold a 1, column after column in the order of `Columns`."""

    starts: np.ndarray
    """First entry of each column, and the end, shape (merged * conversions + 1,), int64."""
    rows: np.ndarray
    """Row of the features that each entry is multiplied with, shape (entries,), int32."""
    values: np.ndarray
    """What it is multiplied with, shape (entries,), float32."""


class Drive(NamedTuple):
    """The word lines of a row group that are on, read by read, in pieces of 64 rows."""

    counts: np.ndarray
    """Entries of each piece and read, shape (pieces, reads), int64; a multiple of four, the last ones may be zeros."""
    rows: np.ndarray
    """Row of each entry within its piece, shape (pieces, reads, 64), int32."""
    values: np.ndarray
    """What its cells are multiplied with, shape (functions, pieces, reads, 64), float32."""


class Converters(NamedTuple):
    """Static transfer of converters, from `converters`."""

    thresholds: np.ndarray
    """Positions of the different thresholds in rising order, then the largest number, shape (converters, 2^bits)."""
    value: np.ndarray
    """What lies between these stands for, shape (converters, 2^bits), float32."""
    table: np.ndarray
    """What a position is added to for its code in the upper bits, shape (converters, bins), int32."""
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
    thresholds = np.minimum(different, _END - 1).astype(np.int32)
    return Converters(thresholds, values, table.astype(np.int32), crowded, shift, low, per_volt)


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
def _sum(cells, column, features, start, active, which, value, s):
    """Fill `s` with the sum of a column's cells, from read `start` on; `which` and `value` are scratch."""
    count = 0
    for entry in range(cells.starts[column], cells.starts[column + 1]):
        # Word lines that are off in all reads are passed over.
        which[count], value[count] = cells.rows[entry], cells.values[entry]
        count += active[which[count]]
    for i in range(s.size):
        s[i] = np.float32(0.0)
    # Four at a time, so that sums are read and written less often.
    fours = count - count % 4
    for n in range(0, fours, 4):
        v0, v1, v2, v3 = value[n], value[n + 1], value[n + 2], value[n + 3]
        x0, x1 = features[which[n], start : start + s.size], features[which[n + 1], start : start + s.size]
        x2, x3 = features[which[n + 2], start : start + s.size], features[which[n + 3], start : start + s.size]
        for i in range(s.size):
            s[i] += (v0 * x0[i] + v1 * x1[i]) + (v2 * x2[i] + v3 * x3[i])
    for n in range(fours, count):
        v0, x0 = value[n], features[which[n], start : start + s.size]
        for i in range(s.size):
            s[i] += v0 * x0[i]


@njit(cache=True, error_model="numpy")
def cells(psi, stored, columns, first, last, begin):
    """List the cells of a row group that hold a 1.

    Parameters
    ----------
    psi : (rank, rows, columns) float32
        Numbers of the cells.
    stored : (columns, rows) bool
        Which cells hold a 1.
    columns : (merged * conversions,) int64
        Column in each place of the kernel's order; negative where there is none.
    first, last : int
        First row of the group, and that after its last.
    begin : int
        Row of the features of the first of `psi`.

    Returns
    -------
    Cells
        Entries of a column: those of the first function of the drive code, then those of the next.
    """
    rank = len(psi)
    starts = np.zeros(columns.size + 1, np.int64)
    for place in range(columns.size):
        count = 0
        if columns[place] >= 0:
            for row in range(first, last):
                count += stored[columns[place], row]
        starts[place + 1] = starts[place] + rank * count
    rows, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
    for place in range(columns.size):
        entry, column = starts[place], columns[place]
        if column >= 0:
            for r in range(rank):
                for row in range(first, last):
                    if stored[column, row]:
                        rows[entry] = begin + r * (last - first) + row - first
                        values[entry] = psi[r, row, column]
                        entry += 1
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
    # Indices are unsigned numbers, which need no check for one from the end.
    table, value, shift = converters.table[converter], converters.value[converter], converters.shift
    if converters.crowded[converter]:
        thresholds = converters.thresholds[converter]
        for i in range(sink.size):
            place = places[i, lane]
            code = np.uintp((table[np.uintp(place >> shift)] + place) >> shift)
            while place >= thresholds[code]:
                code += np.uintp(1)
            sink[i] += weight * value[code]
    else:
        for i in range(sink.size):
            place = places[i, lane]
            sink[i] += weight * value[np.uintp((table[np.uintp(place >> shift)] + place) >> shift)]


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
        for slot in range(slots):
            conversion = slot * size + output
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
def present(drive, first, last, phi, factors, features, active):
    """Turn the drive codes of a row group into what its cells are multiplied with.

    Parameters
    ----------
    drive : (reads, rows) uint8
        Drive codes.
    first, last : int
        First row of the group, and that after its last.
    phi : (functions, codes) float32
        Functions of the code.
    factors : (functions, rows + 1) float32
        What each counts for, by the number of word lines on.
    features : (functions * rows of the group, reads) float32
        Is filled.
    active : (functions * rows of the group,) uint8
        Is filled: 0 where the word line is off in all reads.
    """
    reads, rows, functions = drive.shape[0], last - first, phi.shape[0]
    codes, on = np.empty((rows, reads), np.uint8), np.zeros(reads, np.int64)
    for read in range(reads):
        for row in range(rows):
            codes[row, read] = drive[read, first + row]
    for row in range(rows):
        line, any_on = codes[row], np.uint8(0)
        for read in range(reads):
            on[read] += line[read] > 0
            any_on |= line[read]
        for r in range(functions):
            active[r * rows + row] = any_on > 0
    factor = np.empty(reads, np.float32)
    for r in range(functions):
        for read in range(reads):
            factor[read] = factors[r, on[read]]
        for row in range(rows):
            if active[row]:
                line, filled, values = codes[row], features[r * rows + row], phi[r]
                for read in range(reads):
                    filled[read] = values[line[read]] * factor[read]


@njit(cache=True, error_model="numpy", parallel=True, fastmath={"contract"})
def multiply(
    features, active, cells, later, bend, columns, transfer, noisy, key, first_read, converters, factor, outputs
):
    """Sum a row group's cells and add what its converters give to `outputs`, as `convert` does.

    Parameters
    ----------
    features : (rows of features, reads) float32
        What the cells are multiplied with.
    active : (rows of features,) uint8
        0 where a row of the features is to be passed over.
    cells : Cells
        The cells that hold a 1.
    later : Cells
        Those of the third basis; no columns where it is not in use.
    bend : (2,) float32
        The sum s becomes s + (bend[0] s - bend[1]) t with t the sum of `later`.
    columns, transfer, noisy, key, first_read, converters, factor, outputs
        As for `convert`.
    """
    size, reads = outputs.shape[0], features.shape[1]
    conversions = columns.significance.size
    scale, low = np.float32(converters.per_volt), np.float32(converters.low * converters.per_volt)
    curve = np.zeros(5, np.float32)
    curve[: transfer.size] = transfer * scale
    for output in prange(size):
        scratch, places = np.empty((3, _TILE), np.float32), np.empty((_TILE, 1), np.int32)
        which, value = np.empty(features.shape[0], np.int64), np.empty(features.shape[0], np.float32)
        for conversion in range(output, conversions, size):
            weight = factor * columns.significance[conversion]
            for start in range(0, reads, _TILE):
                stop = min(start + _TILE, reads)
                volts, s, t = scratch[0, : stop - start], scratch[1, : stop - start], scratch[2, : stop - start]
                for merged in range(columns.share.shape[0]):
                    column = merged * conversions + conversion
                    _sum(cells, column, features, start, active, which, value, s)
                    if later.starts.size > 1:
                        _sum(later, column, features, start, active, which, value, t)
                        for i in range(s.size):
                            s[i] += (bend[0] * s[i] - bend[1]) * t[i]
                    leakage, share = columns.leakage[merged, conversion], columns.share[merged, conversion]
                    _fall(s, leakage, share, curve, low, merged == 0, volts)
                if noisy:
                    sigma = columns.noise[conversion] * scale
                    _add_noise(key, conversion, first_read + start, sigma, volts)
                for i in range(volts.size):
                    places[i, 0] = _place(volts[i])
                sink = outputs[output, first_read + start : first_read + stop]
                _shift_and_add(places, 0, converters, columns.converter[conversion], weight, sink)


@njit(cache=True, error_model="numpy")
def drive(codes, first, last, phi, factors):
    """List the word lines that are on.

    Parameters
    ----------
    codes : (reads, rows) uint8
        Drive codes.
    first, last : int
        First row of the group, and that after its last.
    phi : (functions, codes) float32
        Functions of the code; zero at code 0.
    factors : (functions, rows + 1) float32
        What each counts for, by the number of word lines on.

    Returns
    -------
    Drive
        The lists.
    """
    reads, functions, pieces = len(codes), len(phi), -(-(last - first) // _ROWS)
    counts = np.empty((pieces, reads), np.int64)
    rows, values = np.empty((pieces, reads, _ROWS), np.int32), np.empty((functions, pieces, reads, _ROWS), np.float32)
    for read in range(reads):
        line, on = codes[read, first:last], 0
        for row in range(line.size):
            on += line[row] > 0
        for piece in range(pieces):
            part, listed, count = line[piece * _ROWS : (piece + 1) * _ROWS], rows[piece, read], 0
            for row in range(part.size):
                listed[count] = row
                count += part[row] > 0
            whole = -(-count // _ENTRIES) * _ENTRIES
            listed[count:whole] = 0
            counts[piece, read] = whole
            for function in range(functions):
                value, of_code, factor = values[function, piece, read], phi[function], factors[function, on]
                for entry in range(count):
                    value[entry] = of_code[part[listed[entry]]] * factor
                value[count:whole] = 0
    return Drive(counts, rows, values)


@njit(cache=True, error_model="numpy", inline="always")
def _add_rows(counts, rows, values, cells, sums):
    """Add to `sums`, shape (reads, lanes), what each read's rows of `cells`, shape (rows, lanes), give."""
    flat, lanes = cells.reshape(-1), np.uintp(sums.shape[1])
    for read in range(sums.shape[0]):
        total, row, x = sums[read], rows[read], values[read]
        eights = counts[read] - counts[read] % 8
        for n in range(0, eights, 8):
            # Places in one array, not eight arrays: fewer of them need to be told apart from the sums.
            a, b = np.uintp(row[n]) * lanes, np.uintp(row[n + 1]) * lanes
            c, d = np.uintp(row[n + 2]) * lanes, np.uintp(row[n + 3]) * lanes
            e, f = np.uintp(row[n + 4]) * lanes, np.uintp(row[n + 5]) * lanes
            g, h = np.uintp(row[n + 6]) * lanes, np.uintp(row[n + 7]) * lanes
            xa, xb, xc, xd, xe, xf, xg, xh = x[n], x[n + 1], x[n + 2], x[n + 3], x[n + 4], x[n + 5], x[n + 6], x[n + 7]
            for lane in range(total.size):
                i = np.uintp(lane)
                total[i] += ((xa * flat[a + i] + xb * flat[b + i]) + (xc * flat[c + i] + xd * flat[d + i])) + (
                    (xe * flat[e + i] + xf * flat[f + i]) + (xg * flat[g + i] + xh * flat[h + i])
                )
        if eights < counts[read]:
            n = eights
            a, b = np.uintp(row[n]) * lanes, np.uintp(row[n + 1]) * lanes
            c, d = np.uintp(row[n + 2]) * lanes, np.uintp(row[n + 3]) * lanes
            xa, xb, xc, xd = x[n], x[n + 1], x[n + 2], x[n + 3]
            for lane in range(total.size):
                i = np.uintp(lane)
                total[i] += (xa * flat[a + i] + xb * flat[b + i]) + (xc * flat[c + i] + xd * flat[d + i])


@njit(cache=True, error_model="numpy", inline="always")
def _sum_rows(drive, functions, psi, first, column, start, cells, sums):
    """Fill `sums`, shape (reads, lanes), with columns' sums over some functions, from a read and a column on."""
    stop, width = start + sums.shape[0], min(sums.shape[1], psi.shape[2] - column)
    sums[:] = 0
    for function in functions:
        for piece in range(drive.counts.shape[0]):
            begin = first + piece * _ROWS
            for row in range(min(_ROWS, psi.shape[1] - begin)):
                cells[row, :width] = psi[function, begin + row, column : column + width]
            _add_rows(
                drive.counts[piece, start:stop],
                drive.rows[piece, start:stop],
                drive.values[function, piece, start:stop],
                cells,
                sums,
            )


@njit(cache=True, error_model="numpy", inline="always")
def _fall_beside(sums, leakage, share, curve, low, first, volts):
    """Do what `_fall` does, for columns side by side: one read of each."""
    for i in range(leakage.size):
        x = sums[i] + leakage[i]
        v = share[i] * ((((curve[4] * x + curve[3]) * x + curve[2]) * x + curve[1]) * x + curve[0])
        volts[i] = v - low if first else volts[i] + v


@njit(cache=True, error_model="numpy", parallel=True, fastmath={"contract"})
def multiply_rows(
    drive, psi, first, early, bend, columns, transfer, noisy, key, first_read, converters, factor, outputs
):
    """Sum a row group's cells and add what its converters give to `outputs`, as `convert` does.

    Parameters
    ----------
    drive : Drive
        The word lines that are on.
    psi : (functions, rows, merged * conversions) float32
        Numbers of the cells, columns in the order of `Columns`; zero where there is none.
    first : int
        First row of the group.
    early : int
        Functions of the code whose sum is s; that of the others is t.
    bend : (2,) float32
        The sum s becomes s + (bend[0] s - bend[1]) t.
    columns, transfer, noisy, key, first_read, converters, factor, outputs
        As for `convert`.
    """
    size, conversions, (functions, _, reads, _) = outputs.shape[0], columns.significance.size, drive.values.shape
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
        # Lines are a little longer than their lanes, so that a column of them meets all of a cache's sets.
        sums, volts = np.empty((count, lanes), np.float32), np.empty((count, lanes), np.float32)
        later = np.empty((count if early < functions else 0, lanes), np.float32)
        places, cells = np.empty((count, lanes + 16), np.int32), np.zeros((_ROWS, lanes), np.float32)
        for begin in range(0, conversions, lanes):
            end = min(begin + lanes, conversions)
            for merged in range(columns.share.shape[0]):
                column = merged * conversions + begin
                _sum_rows(drive, range(early), psi, first, column, start, cells, sums)
                if early < functions:
                    _sum_rows(drive, range(early, functions), psi, first, column, start, cells, later)
                leakage, share = columns.leakage[merged, begin:end], columns.share[merged, begin:end]
                for read in range(count):
                    s = sums[read]
                    if early < functions:
                        t = later[read]
                        for i in range(lanes):
                            s[i] += (bend[0] * s[i] - bend[1]) * t[i]
                    _fall_beside(s, leakage, share, curve, low, merged == 0, volts[read])
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
                weight, sink = factor * columns.significance[conversion], outputs[conversion % size, at : at + count]
                converter = columns.converter[conversion]
                _shift_and_add(places, conversion - begin, converters, converter, weight, sink)
