"""The kernel behind a macro: its random numbers, its converters, and that threads make no difference."""

import numba
import numpy as np
import pytest
from interpreted import interpreted
from scipy import stats

from circuitsnn.core import macro, normals


def normal(count, key=(1, 2), first_read=0, conversions=1):
    out = np.zeros((conversions, count), np.float32)
    macro.noise(np.array(key, np.uint32), first_read, np.ones(conversions, np.float32), out)
    return out.astype(float)


def test_noise_is_standard_normal():
    for sample in (normal(1_000_000).ravel(), normal(1, conversions=1_000_000).ravel()):
        n = len(sample)
        # Each within 5 standard errors of the normal distribution's moments.
        assert abs(sample.mean()) < 5 / np.sqrt(n)
        assert abs(sample.var() - 1.0) < 5 * np.sqrt(2 / n)
        assert abs(stats.skew(sample)) < 5 * np.sqrt(6 / n)
        assert abs(stats.kurtosis(sample)) < 5 * np.sqrt(24 / n)
        assert stats.kstest(sample, "norm").pvalue > 1e-4
        beyond = np.sum(np.abs(sample) > 3.5)
        expected = n * 2 * stats.norm.sf(3.5)
        assert abs(beyond - expected) < 5 * np.sqrt(expected)


def test_noise_is_as_normal_as_it_says():
    """The distribution of four uniform numbers' sum, exactly, through the polynomial."""
    size = 2**12
    two = np.convolve(np.full(size, 1 / size), np.full(size, 1 / size))
    weight = np.convolve(two, two)
    y = (np.arange(weight.size) - 2 * (size - 1)) / (2 * size)
    z = y * np.polynomial.polynomial.polyval(y**2, np.array(normals._NORMAL, float))
    assert np.all(np.diff(z) > 0)
    assert np.sum(weight * z**2) == pytest.approx(1.0, abs=1e-5)
    assert np.sum(weight * z**4) - 3 == pytest.approx(0.0, abs=2e-4)
    assert np.sum(weight * z**6) == pytest.approx(15.0, rel=1e-3)
    assert np.abs(np.cumsum(weight) - weight / 2 - stats.norm.cdf(z)).max() < 2e-4
    for beyond, allowed in ((2, 0.01), (3, 0.01), (3.5, 0.04), (4, 0.03)):
        assert weight[z > beyond].sum() == pytest.approx(stats.norm.sf(beyond), rel=allowed)
    assert 5.0 < z.max() < 5.2


def test_noise_is_independent():
    size = 200_000
    sample = normal(size)[0]
    for lag in (1, 2, 3, 64, 512):
        assert abs(np.mean(sample[lag:] * sample[:-lag])) < 5 / np.sqrt(size - lag)
        squares = sample**2 - 1
        assert abs(np.mean(squares[lag:] * squares[:-lag])) < 10 / np.sqrt(size - lag)
    neighbour = normal(size, conversions=2)[1]
    for other in (neighbour, normal(size, key=(1, 3))[0], normal(size, key=(2, 2))[0], normal(size, first_read=1)[0]):
        assert abs(np.mean(sample * other)) < 5 / np.sqrt(size)
    # Whatever the key, each of many conversions and reads has its own: no two rows or columns go together.
    grid = normal(400, conversions=400)
    for rows in (grid, grid.T):
        together = np.corrcoef(rows)[np.triu_indices(400, 1)]
        assert abs(together.mean()) < 5 / np.sqrt(400 * len(together))
        assert abs(together).max() < 6 / np.sqrt(400)
    squares = np.corrcoef(grid**2)[np.triu_indices(400, 1)]
    assert abs(squares.mean()) < 5 / np.sqrt(400 * len(squares))


def test_no_two_conversions_share_a_piece_of_noise():
    """Correlation of each two conversions at every shift of their reads."""
    count, reads = 48, 2048
    spectra = np.fft.rfft(normal(reads, conversions=count), 2 * reads)
    one, other = np.triu_indices(count, 1)
    together = np.fft.irfft(spectra[one] * spectra[other].conj()) / np.sqrt(reads)
    # Products of 2048 normal numbers; 4.6 million shifts. A common piece of a quarter would give 11.
    assert np.abs(together).max() < 6.5


def case(rng, reads=70, outputs=80, slots=3, merged=1, bits=5, converters=7):
    conversions = slots * outputs
    levels = np.sort(np.arange(1, 2**bits) - 0.5 + 0.4 * rng.standard_normal((converters, 2**bits - 1)), axis=1)
    levels[0] = np.arange(1, 2**bits) - 0.5
    levels[0, 8:11] = levels[0, 8]  # two codes are missing
    levels[1, 8] = levels[1, 9] - 1e-3  # two transitions in one bin
    value = np.linspace(-1, 3, 2**bits).astype(np.float32)
    tables = macro.converters(levels, value)
    # A converter with missing codes goes the fast way, one with two thresholds in a bin does not.
    np.testing.assert_array_equal(tables.crowded[:2], [False, True])
    columns = macro.Columns(
        rng.uniform(0, 0.2, (merged, conversions)).astype(np.float32),
        rng.uniform(0.2, 0.5, (merged, conversions)).astype(np.float32),
        rng.integers(converters, size=conversions),
        np.full(conversions, 0.5, np.float32),
        rng.uniform(-4, 4, conversions).astype(np.float32),
    )
    sums = rng.uniform(-3, 2.2 * 2**bits, (merged * conversions, reads)).astype(np.float32)
    transfer = np.array([0.1, 1.0, -2e-3, 1e-5], np.float32)
    return sums, columns, transfer, tables, (levels, value), np.zeros((outputs, reads), np.float32)


@pytest.mark.parametrize("bits", [1, 6, 12])
def test_tables_hold_every_threshold_exactly(bits):
    """Codes at each threshold, on both sides of it and at the bins' edges: the number of thresholds at or below."""
    rng, codes = np.random.default_rng(bits), 2**bits
    thresholds = np.sort(rng.uniform(0.1, 0.9, (3, codes - 1)), axis=1)
    thresholds[1] = np.sort(np.round(thresholds[1], 2))  # many codes are missing
    thresholds[2] = np.linspace(0.1, 0.9, codes - 1) if bits > 1 else 0.5
    value = rng.standard_normal(codes).astype(np.float32)
    tables = macro.converters(thresholds, value)
    assert not tables.crowded[1:].any()
    for converter, exact in enumerate(thresholds):
        at = np.ceil((exact - tables.low) * tables.per_volt).astype(np.int64)
        # A position is below a threshold by its place on a grid of 2^-31 of the range.
        np.testing.assert_allclose(at / tables.per_volt + tables.low, exact, rtol=0, atol=1.1 / tables.per_volt)
        edges = np.arange(tables.table.shape[1]) << tables.shift
        positions = np.unique([*(at - 1), *at, *(at + 1), *edges, *(edges[1:] - 1)])
        # In 32 bits, over whose end sums may go.
        sums = tables.table[converter, positions >> tables.shift] + positions.astype(np.uint32)
        index = sums >> tables.shift
        if tables.crowded[converter]:
            further = tables.thresholds[converter]
            index = [i + np.sum(further[i:] <= position) for i, position in zip(index, positions, strict=True)]
        found = tables.value[converter, index]
        np.testing.assert_array_equal(found, value[np.searchsorted(at, positions, side="right")])


@pytest.mark.parametrize("merged", [1, 3])
def test_conversion_against_a_plain_one(merged):
    sums, columns, transfer, tables, (levels, value), outputs = case(
        np.random.default_rng(merged), reads=600, merged=merged
    )
    key = np.zeros(2, np.uint32)
    macro.convert(sums, columns, transfer, False, key, 0, tables, np.float32(0.5), outputs)

    each = np.polynomial.polynomial.polyval(
        sums.reshape(merged, -1, sums.shape[1]).astype(float) + columns.leakage[..., None], transfer.astype(float)
    )
    volts = np.sum(each * columns.share[..., None], axis=0)
    thresholds = levels[columns.converter]
    codes = np.sum(volts[..., None] >= thresholds[:, None], axis=-1)
    expected = (0.5 * columns.significance[:, None] * value[codes]).reshape(-1, 3, sums.shape[1]).sum(axis=1)
    # A voltage within rounding of a threshold may go to either side: volts are up to 73, in float32.
    close = np.abs(volts[..., None] - thresholds[:, None]).min(axis=-1) < 3e-5
    near = close.reshape(-1, 3, sums.shape[1]).any(axis=1)
    assert near.mean() < 0.02
    assert np.unique(codes).size == 32
    np.testing.assert_allclose(outputs[~near], expected[~near], rtol=1e-5, atol=1e-5)


def test_noise_of_conversions_has_the_given_size():
    """A single threshold at 0 and an input of one sigma: above with the probability of the normal distribution."""
    outputs, reads = 400, 500
    tables = macro.converters(np.zeros((1, 1)), np.array([0.0, 1.0]))
    many = np.ones((1, outputs), np.float32)
    columns = macro.Columns(0 * many, many, np.zeros(outputs, np.int64), 0.3 * many[0], many[0])
    sums = np.full((outputs, reads), 0.3, np.float32)
    given = np.zeros((outputs, reads), np.float32)
    transfer, key = np.array([0, 1], np.float32), np.array([5, 6], np.uint32)
    macro.convert(sums, columns, transfer, True, key, 0, tables, np.float32(1), given)
    share = stats.norm.cdf(1.0)
    assert given.mean() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / given.size))


def test_threads_and_portions_make_no_difference():
    sums, columns, transfer, tables, _, outputs = case(np.random.default_rng(3))
    key = np.array([7, 8], np.uint32)
    results = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        out = outputs.copy()
        macro.convert(sums, columns, transfer, True, key, 0, tables, np.float32(1), out)
        results.append(out)
    np.testing.assert_array_equal(*results)
    # Reads given in two portions have the noise of one.
    out = outputs.copy()
    for part in (slice(0, 33), slice(33, None)):
        rest = np.ascontiguousarray(sums[:, part])
        macro.convert(rest, columns, transfer, True, key, part.start, tables, np.float32(1), out)
    np.testing.assert_array_equal(out, results[0])


PROGRAM = """
import json
import numpy as np
from test_macro_kernel import small_run
with np.errstate(over="ignore"):
    print(json.dumps(small_run().tolist()))
"""


def small_run():
    sums, columns, transfer, tables, _, outputs = case(np.random.default_rng(4), reads=3, outputs=5, merged=2)
    macro.convert(sums, columns, transfer, True, np.array([7, 8], np.uint32), 0, tables, np.float32(1), outputs)
    return outputs


def test_interpreted_kernel_gives_the_compiled_answer():
    found = interpreted(__file__, PROGRAM)
    np.testing.assert_allclose(small_run(), found, rtol=1e-5)
