"""Weights and inputs survive their way onto cells and word lines, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from circuitsnn.errors import InputError
from circuitsnn.sram.mapping import InputMapping, WeightMapping, quantise

weight_mappings = st.builds(
    WeightMapping, st.sampled_from(["twos_complement", "offset_binary", "differential"]), st.integers(1, 8)
)


@st.composite
def input_mappings(draw):
    coding = draw(st.sampled_from(["spikes", "level", "pulse_width", "bit_serial"]))
    bits = 1 if coding == "spikes" else draw(st.integers(1, 8))
    return InputMapping(coding, bits, draw(st.sampled_from(["unsigned", "two_phases", "offset"])))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), weight_map=weight_mappings, input_map=input_mappings())
def test_products_from_cells_and_planes_are_exact(data, weight_map, input_map):
    rows, outputs, batch = (data.draw(st.integers(1, 6)) for _ in range(3))
    weights = data.draw(hnp.arrays(int, (rows, outputs), elements=st.integers(weight_map.minimum, weight_map.maximum)))
    inputs = data.draw(hnp.arrays(int, (batch, rows), elements=st.integers(input_map.minimum, input_map.maximum)))
    cells, planes = weight_map.to_cells(weights), input_map.to_planes(inputs)
    assert cells.shape == (rows, outputs, weight_map.columns)
    assert planes.shape == (input_map.planes, batch, rows)
    assert cells.max() <= 1
    assert planes.max() <= input_map.plane_maximum
    np.testing.assert_array_equal(weight_map.to_weights(cells), weights)

    # As the array and its shift-add have it: every plane against every column of bits, and both offsets.
    reads = np.einsum("pbi,ioc->pboc", planes.astype(int), cells.astype(int))
    presented = np.einsum("p,pbi->bi", input_map.factors, planes.astype(int))
    products = np.einsum("p,pboc,c->bo", input_map.factors, reads, weight_map.significances)
    products += weight_map.offset * presented.sum(axis=1, keepdims=True)
    products += input_map.offset * weights.sum(axis=0)
    np.testing.assert_array_equal(products, inputs @ weights)


def test_ranges_by_hand():
    assert [WeightMapping("twos_complement", 6).minimum, WeightMapping("twos_complement", 6).maximum] == [-32, 31]
    assert [WeightMapping("differential", 6).minimum, WeightMapping("differential", 6).maximum] == [-31, 31]
    assert WeightMapping("differential", 6).columns == 10
    assert WeightMapping("differential", 1).significances.tolist() == [1, -1]
    assert WeightMapping("twos_complement", 3).significances.tolist() == [1, 2, -4]
    assert WeightMapping("twos_complement", 3).to_cells([-3]).tolist() == [[1, 0, 1]]
    assert WeightMapping("offset_binary", 3).to_cells([-3]).tolist() == [[1, 0, 0]]
    assert InputMapping("bit_serial", 8, "two_phases").planes == 16
    assert (InputMapping("level", 8, "offset").minimum, InputMapping("level", 8, "offset").planes) == (-128, 1)


def test_scale_quantisation_by_hand():
    integers, step = quantise([-0.62, 0.31, 0.008, 0.0], bits=6)
    assert integers.tolist() == [-31, 16, 0, 0]  # 15.5 goes to the even neighbour
    assert step == pytest.approx(0.02)
    assert quantise(np.zeros(3)) == (pytest.approx(np.zeros(3)), 1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightMapping("sign_magnitude"), "weight scheme is 'sign_magnitude'; allowed: twos_complement"),
        (lambda: WeightMapping(bits=9), "weight bits is 9; allowed is a whole number >= 1 and <= 8"),
        (lambda: WeightMapping(bits=2.5), "weight bits is 2.5"),
        (lambda: InputMapping("spikes", 2), "input bits is 2 with coding 'spikes'"),
        (lambda: InputMapping("analog"), "input coding is 'analog'"),
        (lambda: InputMapping(sign="both"), "input sign is 'both'"),
        (lambda: WeightMapping().to_cells([32]), "weights must be whole numbers from -32 to 31; found .*32"),
        (lambda: WeightMapping().to_cells([0.5]), "found .*0.5"),
        (lambda: WeightMapping().to_cells([np.nan]), "found .*nan"),
        (lambda: WeightMapping().to_cells([1e300]), "found 1e\\+300"),
        (lambda: WeightMapping().to_cells([[1], [1, 2]]), "weights must be whole numbers"),
        (lambda: WeightMapping().to_weights([1, 0]), r"cells have shape \(2,\); allowed is \(..., 6\)"),
        (lambda: WeightMapping().to_cells(["a"]), "weights must be whole numbers"),
        (lambda: InputMapping().to_planes([2]), "inputs must be whole numbers from 0 to 1; found .*2"),
        (lambda: quantise([np.inf]), "weights must be finite"),
    ],
)
def test_wrong_input(make, message):
    with pytest.raises(InputError, match=message):
        make()
