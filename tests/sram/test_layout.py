"""Layouts of matrices in cells: against NumPy's products and against counting."""

import numpy as np
import pytest
from test_macro import small_card

from circuitsnn.sram.layout import lay_out
from circuitsnn.sram.mapping import InputMapping, WeightMapping

SIGNIFICANCES = ("digital", "charge_sharing", "pulse_width")
SCHEMES = ("twos_complement", "offset_binary", "differential")


def layout_of(scheme, significance, shape=(9, 50)):
    mapping = WeightMapping(scheme, 5)
    weights = np.random.default_rng(1).integers(mapping.minimum, mapping.maximum + 1, shape)
    inputs = InputMapping("bit_serial", 3, "two_phases")
    return weights, mapping, inputs, lay_out(small_card(), weights, mapping, inputs, significance)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("significance", SIGNIFICANCES)
def test_bits_in_cells_make_the_product(scheme, significance):
    weights, mapping, inputs, layout = layout_of(scheme, significance)
    x = np.random.default_rng(2).integers(inputs.minimum, inputs.maximum + 1, (7, weights.shape[1]))
    found = layout.exact(inputs.to_planes(x), inputs.factors) + mapping.offset * x.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(found, x @ weights.T)


@pytest.mark.parametrize("significance", SIGNIFICANCES)
def test_every_row_is_read_once_and_in_its_array(significance):
    *_, layout = layout_of("differential", significance)
    rows = np.concatenate([np.arange(*group.rows.indices(len(layout.stored))) for group in layout.groups])
    np.testing.assert_array_equal(rows, np.arange(len(layout.stored)))
    for group in layout.groups:
        assert set(layout.array_of_row[group.rows]) == {group.array}
        assert group.tile.start <= group.rows.start < group.rows.stop <= group.tile.stop


@pytest.mark.parametrize("scheme", SCHEMES)
def test_merged_columns_count_as_their_bits_do(scheme):
    """The mean by the capacitors, times what it counts for, is the sum of the columns by significance."""
    weights, mapping, _, layout = layout_of(scheme, "charge_sharing")
    columns = np.random.default_rng(3).random(layout.stored.shape[1])
    laid = layout.in_kernel_order(columns).reshape(layout.merged, -1)
    shares = layout.weightings() / layout.weightings().sum(axis=0)
    found = ((laid * shares).sum(axis=0) * layout.counts()).reshape(len(weights), -1).sum(axis=1)
    np.testing.assert_allclose(found, columns.reshape(len(weights), -1) @ mapping.significances, rtol=1e-12)


def test_neighbours_share_a_converter():
    weights, mapping, _, layout = layout_of("twos_complement", "digital", (40, 50))
    tiling = layout.tiling
    converters = layout.converter_of(0)
    assert len(converters) == len(weights) * mapping.columns
    counts = np.bincount(converters)
    assert counts.max() == tiling.columns_per_adc
    assert (np.diff(converters) >= 0).all()
    assert layout.converter_of(1).min() > converters.max()
