"""Equations 4 to 12 of Datta et al. 2022 against a count of single accesses and the paper's example."""

import itertools

import pytest

from circuitsnn.energy import intensity
from circuitsnn.energy.pim import LayerShape
from circuitsnn.errors import InputError


def counted(C_i, C_o, k, size):
    """Operations and accesses of a convolution whose maps keep their size, one by one with wrapped edges."""
    inputs, weights, outputs, operations = set(), set(), set(), 0
    for place in itertools.product(*(range(n) for n in size)):
        for tap in itertools.product(*(range(n) for n in k)):
            for i, o in itertools.product(range(C_i), range(C_o)):
                inputs.add((i, *((a + b) % n for a, b, n in zip(place, tap, size, strict=True))))
                weights.add((i, o, *tap))
                outputs.add((o, *place))
                operations += 1
    return operations, len(inputs) + len(weights) + len(outputs)


@pytest.mark.parametrize(("k", "size"), [((3, 3, 3), (4, 5, 6)), ((1, 3, 2), (3, 3, 4)), ((3, 3, 1), (4, 4, 1))])
def test_operations_and_accesses_one_by_one(k, size):
    layer = LayerShape(2, 3, *k, *size)
    assert (intensity.operations(layer), intensity.accesses(layer)) == counted(2, 3, k, size)
    flat = intensity.without_depth(layer)
    assert (intensity.operations(flat), intensity.accesses(flat)) == counted(2, 3, (*k[:2], 1), (*size[:2], 1))
    assert intensity.intensity(layer) == intensity.operations(layer) / intensity.accesses(layer)


def test_example_of_the_paper():
    example = intensity.PRINTED_EXAMPLE
    assert intensity.operation_ratio(example) == 300
    words = 10**4 * 64 * 100 + 27 * 64 * 128 + 10**4 * 128 * 100, 10**4 * 64 + 9 * 64 * 128 + 10**4 * 128
    assert intensity.access_ratio(example) == pytest.approx(words[0] / words[1])
    assert intensity.access_ratio(example) == pytest.approx(96.41, abs=0.005)
    assert intensity.access_ratio(example) == pytest.approx(96.5, abs=0.1)
    assert intensity.access_bound(example) == 203


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 50])
@pytest.mark.parametrize("channels", [(1, 20), (64, 128), (500, 500)])
@pytest.mark.parametrize("plane", [1, 7, 100])
def test_bounds(depth, channels, plane):
    layer = LayerShape(*channels, 3, 3, 3, plane, plane, depth)
    assert intensity.access_ratio(layer) <= intensity.largest_access_ratio(layer) <= intensity.access_bound(layer)
    # The paper asks for D >= 3, the sharper bound for nothing.
    assert intensity.printed_condition(layer) == (depth >= 3)
    assert intensity.operation_ratio(layer) >= intensity.access_ratio(layer)
    assert intensity.intensity(layer) >= intensity.intensity(intensity.without_depth(layer))


def test_what_is_no_layer_is_refused():
    with pytest.raises(InputError, match=r"layer is 3; allowed is LayerShape"):
        intensity.accesses(3)
