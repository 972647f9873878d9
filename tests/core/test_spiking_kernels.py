"""Kernels of spiking networks: as plain Python they give the compiled answer; products against brute force."""

import itertools

import numpy as np
import pytest
from interpreted import interpreted

from circuitsnn.core import spiking

PROGRAM = """
import json
from test_spiking_kernels import all_kernels
print(json.dumps({name: each.tolist() for name, each in all_kernels().items()}))
"""

KINDS = {
    "late": ((False, True, False, False, 0), 0.0),
    "early": ((True, False, False, False, 0), 0.0),
    "hard": ((False, False, True, True, 0), 0.0),
    "none": ((False, False, False, False, 0), 0.0),
    "refractory": ((False, True, False, False, 2), 0.0),
    "early and refractory": ((True, False, False, True, 1), 0.0),
    "hard and refractory": ((False, False, True, False, 1), 0.0),
    "decaying reset": ((False, True, False, False, 0), 0.5),
}


def spike_trains(kind, drive, threshold, leak, steps=8):
    dynamics, decay = KINDS[kind]
    spikes, counts = np.empty((steps, drive.shape[1]), np.uint8), np.empty(drive.shape[1], np.float32)
    decay = np.array([decay], drive.dtype)
    spiking.neurons(drive, threshold, leak, decay, spiking.Dynamics(*dynamics), spikes, counts)
    np.testing.assert_array_equal(counts, spikes.sum(axis=0))
    return spikes


def convolved(maps, weights, stride, padding):
    """Brute force: every kernel element at every position."""
    shape = [
        (n + 2 * p - k) // s + 1 for n, k, s, p in zip(maps.shape[1:4], weights.shape[2:], stride, padding, strict=True)
    ]
    out = np.zeros((len(maps), *shape, len(weights)))
    for place in np.ndindex(*shape):
        for element in np.ndindex(*weights.shape[2:]):
            at = tuple(s * o + k - p for o, k, s, p in zip(place, element, stride, padding, strict=True))
            if all(0 <= a < n for a, n in zip(at, maps.shape[1:4], strict=True)):
                out[(slice(None), *place)] += maps[(slice(None), *at)] @ weights[(slice(None), slice(None), *element)].T
    return out


def in_pieces(weights, step):
    """Give the elements along the last direction by what they meet, the last first."""
    groups = [list(range(kind, weights.shape[-1], step))[::-1] for kind in range(step)]
    pieces = weights[..., [k for group in groups for k in group]].transpose(2, 3, 1, 4, 0)
    return np.ascontiguousarray(pieces), np.cumsum([0, *map(len, groups)])


def sparse(maps, weights, stride, padding):
    pieces, first = in_pieces(weights, stride[2])
    out = np.zeros(convolved(maps[:0], weights, stride, padding).shape)
    out = np.zeros((len(maps), *out.shape[1:]))
    spiking.sparse_convolution(maps, pieces, first, stride, padding, out)
    return out


def gathered(maps, kernel, stride, padding):
    shape = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(maps.shape[1:4], kernel, stride, padding, strict=True)]
    out = np.full(((shape[0] - 1) * stride[0] + kernel[0], len(maps), *kernel[1:], *shape[1:], maps.shape[4]), np.nan)
    spiking.gather(maps, -padding[0], stride[1:], padding[1:], out)
    return out


def all_kernels():
    rng = np.random.default_rng(3)
    found = {}
    threshold, leak = rng.uniform(0.4, 0.8, 11), np.array([0.75])
    for kind in KINDS:
        for steps in (1, 8):
            drive = rng.integers(-2, 9, (steps, 11)) / 8
            found[f"{kind}, {steps}"] = spike_trains(kind, drive, threshold, leak)
            found[f"{kind}, {steps}, alike"] = spike_trains(kind, drive, np.array([0.5]), rng.uniform(0.5, 1.0, 11))
    rows, weights = rng.normal(size=(3, 9)) * (rng.random((3, 9)) < 0.6), rng.normal(size=(9, 4))
    found["counts"] = np.empty(9, np.float32)
    spiking.count(rows, found["counts"])
    found["product"] = np.empty((3, 4))
    spiking.sparse_product(rows, weights, found["product"])
    found["series"] = np.empty((6, 2, 4))
    spiking.sparse_series((rng.random((6, 2, 9)) < 0.5).astype(np.uint8), weights, found["series"])
    maps = rng.normal(size=(2, 2, 4, 5, 3)) * (rng.random((2, 2, 4, 5, 3)) < 0.4)
    found["convolution"] = sparse(maps, rng.normal(size=(2, 3, 2, 2, 3)), (1, 2, 2), (1, 0, 1))
    for steps in (1, 2):
        found[f"gathered {steps}"] = gathered(rng.normal(size=(2, 4, 5, 6, 3)), (3, 2, 3), (2, 2, steps), (1, 0, 2))
    pooled = rng.integers(0, 2, (2, 2, 4, 4, 3)).astype(np.uint8)
    for largest in (False, True):
        out = np.empty((2, 1, 2, 3, 3), np.uint8 if largest else float)
        lines = np.empty((2, 4 * 3), np.uint8)
        spiking.pool(pooled, (2, 2, 2), (1, 2, 1), largest, np.array([8], out.dtype), lines, out)
        found[f"pool {largest}"] = out
    found["filter"] = np.empty((6, 5))
    spiking.filtered(rng.normal(size=(6, 5)), np.array([0.5, -0.1]), np.array([1.0, 0.3, 0.2]), found["filter"])
    return found


def test_interpreted_kernels_give_the_compiled_answer():
    found = interpreted(__file__, PROGRAM)
    for name, value in all_kernels().items():
        if value.dtype == np.uint8:
            assert found[name] == value.tolist(), name
        else:
            np.testing.assert_allclose(found[name], value, rtol=1e-13, atol=1e-14)


def test_counts_are_numpys():
    series = np.random.default_rng(5).integers(-1, 2, (7, 2500)).astype(np.int8)
    counts = np.empty(2500, np.float32)
    spiking.count(series, counts)
    np.testing.assert_array_equal(counts, np.count_nonzero(series, axis=0))


@pytest.mark.parametrize("count", range(10))
def test_products_with_any_number_of_active_inputs(count):
    rng = np.random.default_rng(count)
    rows, weights, out = np.zeros((1, 9)), rng.normal(size=(9, 5)), np.ones((1, 5))
    rows[0, rng.permutation(9)[:count]] = rng.normal(size=count)
    spiking.sparse_product(rows, weights, out)
    np.testing.assert_allclose(out, rows @ weights, atol=1e-14)


@pytest.mark.parametrize("steps", [1, 3, 4, 10])
def test_series_of_spikes_are_multiplied_step_by_step(steps):
    rng = np.random.default_rng(steps)
    spikes, weights = (rng.random((steps, 5, 40)) < rng.random(40)).astype(np.uint8), rng.normal(size=(40, 7))
    out = np.ones((steps, 5, 7))
    spiking.sparse_series(spikes, weights, out)
    np.testing.assert_allclose(out, spikes @ weights, atol=1e-13)


@pytest.mark.parametrize("stride", [(1, 1, 1), (2, 1, 2), (1, 3, 3), (3, 2, 4)])
@pytest.mark.parametrize("padding", [(0, 0, 0), (1, 2, 2), (0, 1, 3)])
@pytest.mark.parametrize("kernel", [(1, 1, 1), (2, 3, 3), (1, 2, 5)])
def test_sparse_convolutions_are_those_of_brute_force(stride, padding, kernel):
    rng = np.random.default_rng(1)
    maps = rng.normal(size=(2, 4, 6, 7, 3)) * (rng.random((2, 4, 6, 7, 3)) < 0.5)
    weights = rng.normal(size=(2, 3, *kernel))
    expected = convolved(maps, weights, stride, padding)
    np.testing.assert_allclose(sparse(maps, weights, stride, padding), expected, atol=1e-13)


# The last: an edge wider than what the kernel's ends move over.
@pytest.mark.parametrize("stride", [(1, 1, 1), (2, 3, 2)])
@pytest.mark.parametrize(
    ("padding", "kernel"),
    [*itertools.product([(0, 0, 0), (1, 2, 2), (3, 1, 0)], [(1, 1, 1), (2, 3, 3)]), ((0, 5, 6), (1, 11, 14))],
)
def test_gathered_inputs_are_numpys_windows(stride, padding, kernel):
    maps = np.random.default_rng(4).normal(size=(2, 3, 4, 6, 5))
    padded = np.pad(maps, [(0, 0), *((p, p) for p in padding), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel[1:], axis=(2, 3))
    found = gathered(maps, kernel, stride, padding)
    # Axes are channels, rows, positions, samples, kernel.
    expected = windows[:, : len(found), :: stride[1], :: stride[2]].transpose(1, 0, 5, 6, 2, 3, 4)
    np.testing.assert_array_equal(found, expected)


def test_spikes_do_not_depend_on_precision_where_numbers_are_exact():
    """Eighths and thresholds of quarters are exact in both: every comparison comes out the same."""
    rng = np.random.default_rng(2)
    drive = rng.integers(-2, 9, (8, 3000)) / 8
    for kind in KINDS:
        found = [
            spike_trains(kind, drive.astype(dtype), np.full(1, 0.75, dtype), np.ones(1, dtype))
            for dtype in (np.float32, np.float64)
        ]
        np.testing.assert_array_equal(*found)
        assert found[0].any()
