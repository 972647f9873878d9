"""The kernel behind a macro: its random numbers, its converters, and that threads make no difference."""

import numba
import numpy as np
import pytest
from interpreted import interpreted
from scipy import stats

from circuitsnn.core import macro


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


def case(rng, reads=70, outputs=80, slots=3, merged=1, bits=5, converters=7):
    conversions = slots * outputs
    levels = np.sort(np.arange(1, 2**bits) - 0.5 + 0.4 * rng.standard_normal((converters, 2**bits - 1)), axis=1)
    levels[0, 8:11] = levels[0, 8]  # two codes are missing
    levels[1, 8] = levels[1, 9] - 1e-3  # two transitions in one bin
    padded = np.concatenate([levels, np.full((converters, 1), np.inf)], axis=1).astype(np.float32)
    value = np.linspace(-1, 3, 2**bits).astype(np.float32)
    bins, high = 1024, 2.0**bits
    edges = (high * np.arange(bins + 1) / bins).astype(np.float32)
    first = np.array([np.searchsorted(row[:-1], edges[:-1], side="right") for row in padded])
    first[:, 0] = 0  # the first bin reaches down without end
    transition = np.take_along_axis(padded, first, axis=1)
    after = np.array([np.searchsorted(row[:-1], at, side="right") for row, at in zip(padded, transition, strict=True)])
    crowded = (np.take_along_axis(padded, after, axis=1) < edges[1:] + 1e-4).any(axis=1)
    crowded |= padded[:, -2] > high
    assert crowded.any()
    assert not crowded.all()
    tables = macro.Converters(
        padded, first.astype(np.uint8), transition, value[first], value[after], crowded, 0.0, bins / high
    )
    columns = macro.Columns(
        rng.uniform(0, 0.2, (merged, conversions)).astype(np.float32),
        rng.uniform(0.2, 0.5, (merged, conversions)).astype(np.float32),
        rng.integers(converters, size=conversions),
        np.full(conversions, 0.5, np.float32),
        rng.uniform(-4, 4, conversions).astype(np.float32),
    )
    sums = rng.uniform(-3, 2.2 * 2**bits, (merged * conversions, reads)).astype(np.float32)
    transfer = np.array([0.1, 1.0, -2e-3, 1e-5], np.float32)
    return sums, columns, transfer, (tables, value), np.zeros((outputs, reads), np.float32)


@pytest.mark.parametrize("merged", [1, 3])
def test_conversion_against_a_plain_one(merged):
    sums, columns, transfer, (tables, value), outputs = case(np.random.default_rng(merged), reads=600, merged=merged)
    key = np.zeros(2, np.uint32)
    macro.convert(sums, columns, transfer, False, key, 0, tables, value, np.float32(0.5), outputs)

    each = np.polynomial.polynomial.polyval(
        sums.reshape(merged, -1, sums.shape[1]).astype(float) + columns.leakage[..., None], transfer.astype(float)
    )
    volts = np.sum(each * columns.share[..., None], axis=0)
    thresholds = tables.thresholds[columns.converter, :-1].astype(float)
    codes = np.sum(volts[..., None] >= thresholds[:, None], axis=-1)
    expected = (0.5 * columns.significance[:, None] * value[codes]).reshape(3, -1, sums.shape[1]).sum(axis=0)
    # A voltage within rounding of a threshold may go to either side.
    close = np.abs(volts[..., None] - thresholds[:, None]).min(axis=-1) < 1e-4
    near = close.reshape(3, -1, sums.shape[1]).any(axis=0)
    assert near.mean() < 0.02
    assert np.unique(codes).size == 32
    np.testing.assert_allclose(outputs[~near], expected[~near], rtol=1e-5, atol=1e-5)


def test_noise_of_conversions_has_the_given_size():
    """A single threshold at 0 and an input of one sigma: above with the probability of the normal distribution."""
    outputs, reads = 400, 500
    zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    tables = macro.Converters(
        np.array([[0.0, np.inf]], np.float32), zero.astype(np.uint8), zero, zero, one, np.zeros(1, bool), -1.0, 0.5
    )
    many = np.ones((1, outputs), np.float32)
    columns = macro.Columns(0 * many, many, np.zeros(outputs, np.int64), 0.3 * many[0], many[0])
    sums = np.full((outputs, reads), 0.3, np.float32)
    given = np.zeros((outputs, reads), np.float32)
    transfer, value, key = np.array([0, 1], np.float32), np.array([0, 1], np.float32), np.array([5, 6], np.uint32)
    macro.convert(sums, columns, transfer, True, key, 0, tables, value, np.float32(1), given)
    share = stats.norm.cdf(1.0)
    assert given.mean() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / given.size))


def test_threads_and_portions_make_no_difference():
    sums, columns, transfer, tables, outputs = case(np.random.default_rng(3))
    key = np.array([7, 8], np.uint32)
    results = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        out = outputs.copy()
        macro.convert(sums, columns, transfer, True, key, 0, *tables, np.float32(1), out)
        results.append(out)
    np.testing.assert_array_equal(*results)
    # Reads given in two portions have the noise of one.
    out = outputs.copy()
    for part in (slice(0, 33), slice(33, None)):
        rest = np.ascontiguousarray(sums[:, part])
        macro.convert(rest, columns, transfer, True, key, part.start, *tables, np.float32(1), out[:, part])
    np.testing.assert_array_equal(out, results[0])


PROGRAM = """
import json
import numpy as np
from test_macro_kernel import small_run
with np.errstate(over="ignore"):
    print(json.dumps(small_run().tolist()))
"""


def small_run():
    sums, columns, transfer, tables, outputs = case(np.random.default_rng(4), reads=3, outputs=5, merged=2)
    macro.convert(sums, columns, transfer, True, np.array([7, 8], np.uint32), 0, *tables, np.float32(1), outputs)
    return outputs


def test_interpreted_kernel_gives_the_compiled_answer():
    found = interpreted(__file__, PROGRAM)
    np.testing.assert_allclose(small_run(), found, rtol=1e-5)
