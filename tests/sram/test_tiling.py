"""Counts of a tiling against walking through every read; convolutions against SciPy."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from circuitsnn.errors import InputError
from circuitsnn.sram.tiling import Tiling, convolve, patches


def walk(tiling):
    """Read everything, cell by cell and turn by turn."""
    arrays = {}
    per_array = (tiling.rows // tiling.rows_per_weight, tiling.columns // tiling.columns_per_weight)
    for i in range(tiling.inputs):
        for o in range(tiling.outputs):
            arrays.setdefault((i // per_array[0], o // per_array[1]), set()).add((i % per_array[0], o % per_array[1]))
    reads, conversions, column_reads, work, cells = 0, 0, 0, [], 0
    for held in arrays.values():
        cells += len(held) * tiling.rows_per_weight * tiling.columns_per_weight
        groups = {i // (tiling.rows_on // tiling.rows_per_weight) for i, _ in held}
        outputs = {o for _, o in held}
        work.append(len(groups) * tiling.planes)
        reads += work[-1]
        conversions += work[-1] * len(outputs) * tiling.conversions_per_weight
        column_reads += work[-1] * len(outputs) * tiling.columns_per_weight
    work.sort(reverse=True)
    cycles = 0
    while work:
        cycles += work[0]
        del work[: tiling.banks]
    return len(arrays), reads, conversions, column_reads, cycles, cells


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 60), st.integers(1, 40)),
    weight=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
    array=st.tuples(st.integers(4, 32), st.integers(4, 32), st.integers(1, 5)),
    rows_on=st.integers(3, 40),
    planes=st.integers(1, 4),
)
def test_counts_are_those_of_a_walk(sizes, weight, array, rows_on, planes):
    tiling = Tiling(*sizes, *weight, *array, rows_on, 3, planes)
    arrays, reads, conversions, column_reads, cycles, cells = walk(tiling)
    assert (tiling.arrays, tiling.reads, tiling.conversions) == (arrays, reads, conversions)
    assert (tiling.column_reads, tiling.cycles) == (column_reads, cycles)
    assert tiling.utilisation == pytest.approx(cells / (arrays * array[0] * array[1]))
    covered = [i for start, stop in tiling.row_groups for i in range(start, stop)]
    assert covered == list(range(sizes[0]))
    assert max(stop - start for start, stop in tiling.row_groups) * weight[0] <= rows_on


def test_first_layer_of_cnn_3d_by_hand():
    """27 inputs, 20 outputs of 6 bits: 120 columns of one array of 256 x 256, one read."""
    tiling = Tiling(27, 20)
    assert (tiling.arrays, tiling.reads, tiling.conversions, tiling.cycles) == (1, 1, 120, 1)
    assert tiling.utilisation == 27 * 120 / 256**2
    assert tiling.converters == ceil(42 * 6 / 8)
    # The brief's own size: 256 outputs of 6 columns, 42 to an array: 7 arrays, two turns of 4 banks.
    assert (Tiling(256, 256).arrays, Tiling(256, 256).cycles) == (7, 2)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [((7, 9), (3, 3), 1, 0), ((8, 8), (3, 2), (2, 1), (1, 0)), ((5, 5, 12), (3, 3, 3), (1, 1, 2), (0, 0, 1))],
)
def test_convolution_is_scipys(size, kernel, stride, padding):
    rng = np.random.default_rng(1)
    x = rng.integers(-4, 5, (2, 3, *size))
    weights = rng.integers(-8, 8, (4, 3, *kernel))
    got = convolve(lambda rows: rows @ weights.reshape(4, -1).T, x, kernel, stride, padding)
    pads = (padding,) * len(size) if isinstance(padding, int) else padding
    steps = (stride,) * len(size) if isinstance(stride, int) else stride
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pads]])
    expected = np.array(
        [[sum(correlate(image[c], w[c], "valid", "direct") for c in range(3)) for w in weights] for image in padded]
    )[(..., *[slice(None, None, step) for step in steps])]
    np.testing.assert_array_equal(got, expected)


def test_wrong_input():
    with pytest.raises(InputError, match="tiling: banks is 0"):
        Tiling(3, 3, banks=0)
    with pytest.raises(InputError, match="a weight takes 1 x 6 cells"):
        Tiling(3, 3, columns=4)
    with pytest.raises(InputError, match="rows_on is 2; a weight has 5 rows"):
        Tiling(3, 3, rows_per_weight=5, columns_per_weight=2, rows_on=2)
    with pytest.raises(InputError, match="product is 3; allowed is a function"):
        convolve(3, np.zeros((1, 4, 4)), (2, 2))
    with pytest.raises(InputError, match="x has shape"):
        patches(np.zeros((3, 3)), (3, 3))
    with pytest.raises(InputError, match=r"kernel is \(4, 4\)"):
        patches(np.zeros((1, 3, 3)), (4, 4))
    with pytest.raises(InputError, match="stride is 0"):
        patches(np.zeros((1, 3, 3)), (2, 2), stride=0)
    with pytest.raises(InputError, match=r"stride is 1\.5"):
        patches(np.zeros((1, 3, 3)), (2, 2), stride=1.5)
    with pytest.raises(InputError, match=r"kernel is 2\.5"):
        patches(np.zeros((1, 3, 3)), (2.5, 2))
