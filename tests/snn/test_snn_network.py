"""Networks as data: shapes from layer to layer, variants, and one clear error for what does not fit."""

import numpy as np
import pytest

from circuitsnn.errors import InputError
from circuitsnn.snn.layers import BatchNorm, Convolution, Dense, Flatten, Neuron, Sum
from circuitsnn.snn.network import Network


def network(**changes):
    layers = (
        Convolution("conv1", np.ones((3, 2, 3, 3)), None, 1, 1),
        Neuron("neuron1"),
        Convolution("conv2", np.ones((3, 3, 1, 1))),
        Sum("sum", "neuron1"),
        Flatten("flatten"),
        Dense("fc", np.ones((4, 60))),
    )
    return Network(**({"input_shape": [2, 4, 5], "layers": list(layers), "steps": 3} | changes))


def test_shapes_from_layer_to_layer():
    net = network()
    assert net.input_shape == (2, 4, 5)
    assert net.shapes == {
        "input": (2, 4, 5), "conv1": (3, 4, 5), "neuron1": (3, 4, 5), "conv2": (3, 4, 5), "sum": (3, 4, 5),
        "flatten": (60,), "fc": (4,),
    }  # fmt: skip
    assert net.outputs == 4
    assert net.input_of("conv1") == (2, 4, 5)
    assert net.input_of("fc") == (60,)
    assert [layer.name for layer in net.weight_layers] == ["conv1", "conv2", "fc"]
    assert [layer.name for layer in net.neuron_layers] == ["neuron1"]
    assert net["sum"].source == "neuron1"


def test_variants_leave_the_original_alone():
    net = network()
    other = net.replace(Neuron("neuron1", 2.0), steps=7)
    assert (net.steps, other.steps) == (3, 7)
    assert (net["neuron1"].threshold, other["neuron1"].threshold) == (1.0, 2.0)
    assert other["conv1"] is net["conv1"]
    assert [layer.name for layer in other.layers] == [layer.name for layer in net.layers]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_shape": 4}, "network: input_shape is 4; allowed are one to four whole numbers"),
        ({"input_shape": ()}, r"network: input_shape is \(\)"),
        ({"input_shape": (2, 0, 5)}, "network: input_shape is 0"),
        ({"input_shape": (2, 4, 6)}, r"layer fc: its input has shape \(72,\); allowed is \(60,\)"),
        ({"steps": 0}, "network: steps is 0; allowed is a whole number >= 1"),
        ({"steps": 2.0}, "network: steps is 2.0"),
        ({"coding": "morse"}, "network: coding is 'morse'; allowed: direct, poisson"),
        ({"readout": "loud"}, "network: readout is 'loud'; allowed: potential, spikes"),
        ({"readout": "spikes"}, "allowed is a Neuron as the last layer"),
        ({"about": {"title": 3}}, "network: about is no mapping of texts to texts"),
        ({"about": "title"}, "network: about is no mapping"),
        ({"layers": None}, "network: layers is no sequence of Layer"),
        ({"layers": ()}, "network: layers are missing"),
        ({"layers": (3,)}, "one of them is no Layer"),
        ({"layers": (Neuron("a"), Flatten("a"))}, "two layers are called 'a'"),
        ({"layers": (Sum("a", "b"), Neuron("b"))}, "layer a: source is 'b'; allowed before it: input"),
        ({"layers": (Flatten("a"), Sum("b", "input"))}, r"source 'input' has shape \(2, 4, 5\); allowed .* \(40,\)"),
        (
            {"layers": (BatchNorm("a", np.ones((5, 2)), np.ones((5, 2))),)},
            "scale is given for 5 steps; the network has 3",
        ),
    ],
)
def test_networks_that_cannot_be(changes, message):
    with pytest.raises(InputError, match=message):
        network(**changes)


@pytest.mark.parametrize(
    "use", [lambda net: net["x"], lambda net: net.input_of("x"), lambda net: net.replace(Flatten("x"))]
)
def test_a_layer_that_does_not_exist(use):
    with pytest.raises(InputError, match="network: there is no layer 'x'; allowed: conv1, neuron1, conv2, sum"):
        use(network())
