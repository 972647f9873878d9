"""The kernel behind a macro: its random numbers, its converters, and that threads make no difference."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from scipy import stats

from circuitsnn.core import macro


def normal(count, key=(1, 2), index=0):
    state, out = np.empty(4, np.uint64), np.empty(count, np.float32)
    macro.stream(np.array(key, np.uint64), index, state)
    macro.fill_normal(state, out, count)
    return out.astype(float)


def test_noise_is_standard_normal():
    sample = normal(1_000_000)
    n = len(sample)
    # Each within 5 standard errors of the normal distribution's moments.
    assert abs(sample.mean()) < 5 / np.sqrt(n)
    assert abs(sample.var() - 1.0) < 5 * np.sqrt(2 / n)
    assert abs(stats.skew(sample)) < 5 * np.sqrt(6 / n)
    assert abs(stats.kurtosis(sample)) < 5 * np.sqrt(24 / n)
    assert stats.kstest(sample, "norm").pvalue > 1e-4


def test_the_tail_has_its_share():
    """Beyond 3.65, where the ziggurat's last layer ends, 2.6e-4 of all; one number there in 16 is refused at first."""
    beyond, count = 0, 0
    for stream in range(40):
        sample = normal(1_000_000, index=stream)
        beyond, count = beyond + int(np.sum(np.abs(sample) > macro._TAIL)), count + len(sample)
    expected = count * 2 * stats.norm.sf(macro._TAIL)
    assert abs(beyond - expected) < 4 * np.sqrt(expected)


def test_noise_is_independent():
    sample = normal(200_000)
    for lag in (1, 2, 3, 64):
        assert abs(np.mean(sample[lag:] * sample[:-lag])) < 5 / np.sqrt(len(sample) - lag)
        squares = sample**2 - 1
        assert abs(np.mean(squares[lag:] * squares[:-lag])) < 10 / np.sqrt(len(sample) - lag)
    # Streams of neighbouring blocks and keys.
    for other in (normal(200_000, index=1), normal(200_000, key=(1, 3)), normal(200_000, key=(2, 2))):
        assert abs(np.mean(sample * other)) < 5 / np.sqrt(len(sample))
    firsts = np.array([normal(1, index=i)[0] for i in range(20_000)])
    assert stats.kstest(firsts, "norm").pvalue > 1e-4


def case(rng, reads=70, outputs=80, slots=3, merged=1, bits=5, converters=7):
    conversions = slots * outputs
    levels = np.sort(np.arange(1, 2**bits) - 0.5 + 0.4 * rng.standard_normal((converters, 2**bits - 1)), axis=1)
    thresholds = np.concatenate([levels, np.full((converters, 1), np.inf)], axis=1).astype(np.float32)
    bins, high = 64, 2.0**bits
    starts = (high * np.arange(bins) / bins).astype(np.float32)
    first = np.array([np.searchsorted(row[:-1], starts, side="right") for row in thresholds]).astype(np.uint8)
    first[:, 0] = 0  # the first bin reaches down without end
    tables = macro.Converters(thresholds, first, 0.0, bins / high, np.linspace(-1, 3, 2**bits).astype(np.float32))
    columns = macro.Columns(
        rng.uniform(0, 0.2, (merged, conversions)).astype(np.float32),
        rng.uniform(0.2, 0.5, (merged, conversions)).astype(np.float32),
        rng.integers(converters, size=conversions),
        np.full(conversions, 0.5, np.float32),
        rng.uniform(-4, 4, conversions).astype(np.float32),
    )
    sums = rng.uniform(-3, 2.2 * 2**bits, (reads, merged * conversions)).astype(np.float32)
    return sums, columns, np.array([0.1, 1.0, -2e-3, 1e-5], np.float32), tables, np.zeros((reads, outputs), np.float32)


@pytest.mark.parametrize("merged", [1, 3])
def test_conversion_against_a_plain_one(merged):
    sums, columns, transfer, tables, outputs = case(np.random.default_rng(merged), merged=merged)
    key = np.zeros(2, np.uint64)
    macro.convert(sums, columns, transfer, False, key, 0, tables, np.float32(0.5), outputs)

    each = np.polynomial.polynomial.polyval(
        sums.reshape(len(sums), merged, -1).astype(float) + columns.leakage, transfer.astype(float)
    )
    volts = np.sum(each * columns.share, axis=1)
    thresholds = tables.thresholds[columns.converter, :-1].astype(float)
    codes = np.sum(volts[..., None] >= thresholds, axis=-1)
    expected = (0.5 * columns.significance * tables.value[codes]).reshape(len(sums), 3, -1).sum(axis=1)
    # A voltage within rounding of a threshold may go to either side.
    close = np.abs(volts[..., None] - thresholds).min(axis=-1) < 1e-4
    near = close.reshape(len(sums), 3, -1).any(axis=1)
    assert near.mean() < 0.01
    assert np.unique(codes).size == 32
    np.testing.assert_allclose(outputs[~near], expected[~near], rtol=1e-5, atol=1e-5)


def test_noise_of_conversions_has_the_given_size():
    """A single threshold at 0 and an input of one sigma: above with the probability of the normal distribution."""
    reads, outputs = 500, 400
    tables = macro.Converters(
        np.array([[0.0, np.inf]], np.float32), np.zeros((1, 1), np.uint8), -1.0, 0.5, np.array([0, 1], np.float32)
    )
    one = np.ones((1, outputs), np.float32)
    columns = macro.Columns(0 * one, one, np.zeros(outputs, np.int64), 0.3 * one[0], one[0])
    sums = np.full((reads, outputs), 0.3, np.float32)
    given = np.zeros((reads, outputs), np.float32)
    transfer = np.array([0, 1], np.float32)
    macro.convert(sums, columns, transfer, True, np.array([5, 6], np.uint64), 0, tables, np.float32(1), given)
    share = stats.norm.cdf(1.0)
    assert given.mean() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / given.size))


def test_threads_and_blocks_make_no_difference():
    sums, columns, transfer, tables, outputs = case(np.random.default_rng(3))
    key = np.array([7, 8], np.uint64)
    results = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        out = outputs.copy()
        macro.convert(sums, columns, transfer, True, key, 0, tables, np.float32(1), out)
        results.append(out)
    np.testing.assert_array_equal(*results)
    # Reads given in two portions have the noise of one.
    half, out = macro.BLOCK, outputs.copy()
    macro.convert(sums[:half], columns, transfer, True, key, 0, tables, np.float32(1), out[:half])
    macro.convert(sums[half:], columns, transfer, True, key, 1, tables, np.float32(1), out[half:])
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
    macro.convert(sums, columns, transfer, True, np.array([7, 8], np.uint64), 0, tables, np.float32(1), outputs)
    return outputs


def test_interpreted_kernel_gives_the_compiled_answer():
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1]), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(small_run(), json.loads(done.stdout), rtol=1e-5)
