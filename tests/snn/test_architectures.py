"""Architectures: Table 1 of Datta et al. (2022), counted weights and products, statistics of fresh weights."""

from math import prod

import numpy as np
import pytest

from circuitsnn.errors import InputError
from circuitsnn.snn.architectures import cnn_3d, cnn_32h, kaiming_normal, lenet5, mlp
from circuitsnn.snn.layers import Neuron, Relu

# Sizes of outputs as Table 1 prints them: (height, width, bands, channels), of planes (height, width, channels).
TABLE_1_CNN_3D = {
    "conv1": (3, 3, 198, 20),
    "conv2": (3, 3, 99, 40),
    "conv3": (1, 1, 99, 84),
    "conv4": (1, 1, 50, 84),
    "conv5": (1, 1, 50, 84),
    "conv6": (1, 1, 26, 84),
}
TABLE_1_CNN_32H = {
    "conv1": (1, 1, 27, 90),
    "reshape": (27, 90, 1),
    "conv2": (25, 88, 64),
    "conv3": (23, 86, 128),
    "pool": (5, 21, 128),  # printed (59, 21, 128), and (5, 21, 128) as the next layer's input
    "dense4": (512,),
}


def generator():
    return np.random.default_rng(5)


def channels_last(shape):
    """From (channels, bands, height, width) to the table's order."""
    return {4: lambda c, d, h, w: (h, w, d, c), 3: lambda c, h, w: (h, w, c), 1: lambda n: (n,)}[len(shape)](*shape)


def products(network):
    """Multiplications of a sample, each layer's: weights times positions."""
    return [layer.weight.size * prod(network.shapes[layer.name][1:]) for layer in network.weight_layers]


def test_cnn_3d_has_the_sizes_of_table_1():
    network = cnn_3d(200, 16, rng=generator())
    assert {name: channels_last(network.shapes[name]) for name in TABLE_1_CNN_3D} == TABLE_1_CNN_3D
    # Kernels of Table 1: 3x3x3x20, 1x1x3x20x40, ...; the classifier is not shown there.
    assert [layer.weight.size for layer in network.weight_layers] == [540, 2400, 90720, 21168, 21168, 14112, 34944]
    assert products(network) == [962280, 2138400, 8981280, 1058400, 1058400, 366912, 34944]
    assert all(layer.bias is None for layer in network.weight_layers)


def test_padding_of_table_1_read_as_printed_does_not_give_its_sizes():
    """Along the height, where the order of the table's other columns would put it, layer 2 misses its own size."""
    height, bands = (3 + 2 * 1 - 1) // 1 + 1, (198 + 2 * 0 - 3) // 2 + 1
    assert (height, bands) == (5, 98)
    assert TABLE_1_CNN_3D["conv2"][0] == 3
    assert TABLE_1_CNN_3D["conv2"][2] == 99


@pytest.mark.parametrize(
    ("bands", "classes", "depths", "weights", "total"),
    [(103, 9, [101, 51, 51, 26, 26, 14], 160692, 7528068), (204, 16, [202, 101, 101, 51, 51, 26], 185052, 14887032)],
)
def test_cnn_3d_of_the_other_scenes(bands, classes, depths, weights, total):
    network = cnn_3d(bands, classes, rng=generator())
    assert [network.shapes[f"conv{k}"][1] for k in range(1, 7)] == depths
    assert sum(layer.weight.size for layer in network.weight_layers) == weights
    assert sum(products(network)) == total


def test_cnn_3d_with_fewer_layers():
    network = cnn_3d(39, 3, channels=(8, 12, 16, 16), rng=generator())
    assert products(network) == [71928, 49248, 98496, 7680, 480]
    assert network.outputs == 3


def test_cnn_32h_has_the_sizes_of_table_1():
    network = cnn_32h(200, 16, rng=generator())
    assert {name: channels_last(network.shapes[name]) for name in TABLE_1_CNN_32H} == TABLE_1_CNN_32H
    assert [layer.weight.size for layer in network.weight_layers] == [14580, 576, 73728, 6881280, 8192]
    assert products(network) == [393660, 1267200, 145833984, 6881280, 8192]
    assert cnn_32h(103, 9, rng=generator()).shapes["flatten"] == (5376,)


def test_plane_of_cnn_32h_has_bands_down_and_channels_across():
    reshape = cnn_32h(200, 4, rng=generator())["reshape"]
    sample = np.arange(90 * 27.0).reshape(90, 27, 1, 1)
    plane = sample.transpose(reshape.order).reshape(reshape.shape)
    assert plane[0, 3, 7] == sample[7, 3, 0, 0]


def test_lenet5():
    network = lenet5(rng=generator())
    assert [network.shapes[name] for name in ("conv1", "pool1", "conv2", "pool2", "flatten")] == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (400,),
    ]
    assert [layer.weight.size for layer in network.weight_layers] == [150, 2400, 48000, 10080, 840]


def test_artificial_and_spiking_networks_share_names_and_weights():
    spiking = mlp((784, 500, 10), rng=generator(), steps=7, neuron=Neuron("any", leak=0.9))
    artificial = mlp((784, 500, 10), rng=generator(), steps=7, spiking=False)
    assert [layer.name for layer in spiking.layers] == ["dense1", "neuron1", "fc"]
    assert [layer.name for layer in artificial.layers] == ["dense1", "neuron1", "fc"]
    assert (spiking.steps, artificial.steps) == (7, 1)
    assert spiking["neuron1"].leak == 0.9
    assert isinstance(artificial["neuron1"], Relu)
    np.testing.assert_array_equal(spiking["dense1"].weight, artificial["dense1"].weight)


def test_spike_count_has_neurons_at_the_end():
    network = mlp(((1, 4, 4), 8, 3), rng=generator(), readout="spikes", bias=True)
    assert [layer.name for layer in network.layers] == ["flatten", "dense1", "neuron1", "fc", "neuron2"]
    assert network["fc"].bias.shape == (3,)


def test_fresh_weights_have_the_variance_of_kaiming():
    weight = kaiming_normal((200, 20, 3, 3), generator())
    assert weight.dtype == np.float32
    variance, n = 2 / 180, weight.size
    assert abs(weight.mean()) < 5 * np.sqrt(variance / n)
    assert weight.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / n))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mlp((784,), rng=generator()), "sizes is"),
        (lambda: mlp((784, 0), rng=generator()), "layer fc: outputs is 0"),
        (lambda: mlp((784, 10), rng=3), "rng is 3"),
        (lambda: mlp((784, 10), rng=generator(), steps=0), "steps is 0"),
        (lambda: mlp((784, 10), rng=generator(), spiking=False, readout="spikes"), "readout is 'spikes'"),
        (lambda: lenet5((784,), rng=generator()), r"input_shape is \(784,\)"),
        (lambda: lenet5((1, 4, 4), rng=generator()), "layer conv2: its kernel"),
        (lambda: cnn_3d(200, 16, channels=(1,) * 7, rng=generator()), "channels has 7"),
        (lambda: cnn_3d(200, 16, patch=3, rng=generator()), "layer conv3: its kernel"),
        (lambda: cnn_32h(200, 16, channels=(90, 64), rng=generator()), "channels has 2"),
        (lambda: cnn_32h(17, 16, rng=generator()), "layer conv1: its kernel"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(InputError, match=message):
        make()
