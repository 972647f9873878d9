"""Conversion: thresholds against a plain loop and np.percentile, folding against the layers it replaces."""

import numpy as np
import pytest
from network_loop import loop

from circuitsnn.errors import InputError
from circuitsnn.snn import conversion
from circuitsnn.snn.architectures import cnn_3d, mlp
from circuitsnn.snn.conversion import fold, recalibrate, spiking
from circuitsnn.snn.engines.base import MacChip, MacDesign, MacEngine
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import AveragePool, BatchNorm, Convolution, Dense, Flatten, Neuron, Relu, Sum
from circuitsnn.snn.network import Network


def artificial():
    rng = np.random.default_rng(12)
    return Network(
        (1, 6, 6),
        (
            Convolution("conv1", rng.standard_normal((4, 1, 3, 3)), None, 1, 1),
            Relu("neuron1"),
            AveragePool("pool1"),
            Convolution("conv2", 0.6 * rng.standard_normal((4, 4, 1, 1)), 0.1 * rng.standard_normal(4)),
            Relu("neuron2"),
            Flatten("flatten"),
            Dense("dense3", 0.5 * rng.standard_normal((12, 36)), None),
            Relu("neuron3"),
            Dense("fc", rng.standard_normal((3, 12))),
        ),
    )


def images(n=20, shape=(1, 6, 6)):
    return np.random.default_rng(1).standard_normal((n, *shape))


def thresholds_by_hand(network, data, steps, percentile):
    """Algorithm C of the paper with loops over layers and steps: each drive recorded, one percentile of all of it."""
    layers, found = list(network.layers), []
    for place, layer in enumerate(layers):
        if isinstance(layer, Relu):
            upstream = Network(network.input_shape, layers[:place], steps=steps)
            drive = loop(upstream, data)[upstream.layers[-1].name]
            found.append(np.percentile(drive, percentile))
            layers[place] = Neuron(layer.name, found[-1])
    return found


def test_thresholds_are_percentiles_with_the_layers_before_spiking():
    data = images()
    made = spiking(artificial(), data, 5, estimation_steps=30)
    expected = thresholds_by_hand(artificial(), data, 30, 99.7)
    found = [float(made[f"neuron{k}"].threshold) for k in (1, 2, 3)]
    assert found == pytest.approx([0.8 * value for value in expected], rel=1e-5)
    assert made.steps == 5
    for k in (1, 2, 3):
        assert (float(made[f"neuron{k}"].leak), made[f"neuron{k}"].reset) == (1.0, "soft")
    np.testing.assert_array_equal(made["conv2"].weight, artificial()["conv2"].weight)


def test_parts_give_the_percentile_of_all(monkeypatch):
    data = images(23)
    whole = spiking(artificial(), data, 5, estimation_steps=20)
    monkeypatch.setattr(conversion, "_MOST_VALUES", 4 * 36 * 20 * 5)
    parts = spiking(artificial(), data, 5, estimation_steps=20)
    for k in (1, 2, 3):
        assert parts[f"neuron{k}"].threshold == pytest.approx(float(whole[f"neuron{k}"].threshold), rel=1e-6)


@pytest.mark.parametrize("percentile", [0.0, 37.0, 99.7, 100.0])
def test_percentile_of_parts_is_numpys(percentile, monkeypatch):
    monkeypatch.setattr(conversion, "_MOST_VALUES", 50)
    net = Network((7,), (Dense("fc", np.eye(7)),), steps=1)
    data = images(31, (7,)).astype(np.float32)
    found = conversion._percentile(net, data, percentile)
    assert found == pytest.approx(np.percentile(data.astype(float), percentile), rel=1e-6)


def test_converted_network_approaches_the_artificial_one_with_time():
    """Rates of integrate-and-fire neurons tend to the rectified drive: classes agree more and more often."""
    rng = np.random.default_rng(3)
    net = mlp((20, 30, 30, 5), rng=rng, spiking=False)
    data = images(300, (20,))
    classes = run(net, data).predictions[0]
    share = [
        (run(spiking(net, data[:50], steps, percentile=100.0, scale=1.0), data).predictions[0] == classes).mean()
        for steps in (3, 400)
    ]
    assert share[1] > 0.97
    assert share[0] < share[1] - 0.1


def test_artificial_layers_stay():
    made = spiking(artificial(), images(), 4, artificial=["neuron1"])
    assert isinstance(made["neuron1"], Relu)
    assert isinstance(made["neuron2"], Neuron)


def test_network_of_the_paper():
    net = cnn_3d(40, 3, channels=(4, 4), rng=np.random.default_rng(2), spiking=False)
    made = spiking(net, images(10, (1, 40, 5, 5)), 5, estimation_steps=20)
    assert [layer.kind for layer in made.layers][:4] == ["convolution", "neuron", "convolution", "neuron"]
    assert made["neuron2"].threshold > 0


def test_silent_layer_gets_the_least_threshold():
    net = Network((2,), (Dense("d", -np.ones((3, 2))), Relu("r"), Dense("fc", np.ones((2, 3)))))
    assert spiking(net, np.ones((4, 2)), 5, least=0.1)["r"].threshold == pytest.approx(0.08)


class Gain(MacEngine):
    """A matrix that gives 0.7 of the product."""

    def design(self, matrix, rows, steps):
        return GainDesign(matrix)


class GainDesign(MacDesign):
    def __init__(self, matrix):
        self.matrix = matrix

    def chip(self, seed):
        return GainChip(self.matrix)


class GainChip(MacChip):
    def __init__(self, matrix):
        self.matrix = matrix

    def multiply(self, rows, rng):
        return 0.7 * (rows @ self.matrix.T)


def test_recalibration_takes_a_factor_out():
    """A circuit that gives 0.7 of each product spikes as the exact network does with thresholds times 0.7."""
    net = spiking(artificial(), images(), 6).replace(
        Convolution("conv2", artificial()["conv2"].weight), Dense("dense3", artificial()["dense3"].weight)
    )
    engines = {"conv1": Gain(), "dense3": Gain()}
    made = recalibrate(net, images(), engines)
    factors = [float(made[f"neuron{k}"].threshold / net[f"neuron{k}"].threshold) for k in (1, 2, 3)]
    assert factors == pytest.approx([0.7, 1.0, 0.7], rel=1e-5)
    exact, real = run(net, images(50)), run(made, images(50), engines=engines)
    assert real.activity["neuron3"] == pytest.approx(exact.activity["neuron3"], rel=0.01)
    raw = run(net, images(50), engines=engines)
    assert abs(raw.activity["neuron3"] / exact.activity["neuron3"] - 1) > 0.1


def normalised():
    rng = np.random.default_rng(7)

    def norm(name, n):
        return BatchNorm(name, rng.uniform(0.5, 2.0, n), rng.standard_normal(n))

    return Network(
        (2, 5, 5),
        (
            norm("norm0", 2),
            Convolution("conv1", rng.standard_normal((3, 2, 3, 3)), None, 1, 1),
            norm("norm1", 3),
            Neuron("neuron1", 1.5),
            Convolution("conv2", rng.standard_normal((3, 3, 1, 1)), rng.standard_normal(3)),
            norm("norm2", 3),
            Sum("sum", "norm1"),
            Flatten("flatten"),
            Dense("fc", rng.standard_normal((4, 75)), rng.standard_normal(4)),
            BatchNorm("norm3", rng.uniform(0.5, 2.0, (6, 4)), rng.standard_normal((6, 4))),
        ),
        steps=6,
    )


def test_folded_network_is_the_same_function():
    net = normalised()
    folded = fold(net)
    assert [layer.name for layer in folded.layers] == [
        "norm0", "conv1", "neuron1", "conv2", "sum", "flatten", "fc", "norm3",
    ]  # fmt: skip
    assert folded["sum"].source == "conv1"
    data = images(4, (2, 5, 5))
    before, after = loop(net, data), loop(folded, data)
    assert 0.05 < before["neuron1"].mean() < 0.95
    np.testing.assert_array_equal(before["neuron1"], after["neuron1"])
    np.testing.assert_allclose(before["norm3"], after["norm3"], rtol=1e-12, atol=1e-12)


def test_a_norm_stays_where_its_input_is_used_elsewhere():
    net = normalised().replace(Sum("sum", "conv1"))
    assert [layer.name for layer in fold(net).layers][:4] == ["norm0", "conv1", "norm1", "neuron1"]
    assert fold(net)["conv1"].bias is None


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: spiking(artificial(), images(), 0), "steps is 0"),
        (lambda: spiking(artificial(), images(), 5, estimation_steps=0), "estimation_steps is 0"),
        (lambda: spiking(artificial(), images(), 5, percentile=101), "percentile is 101"),
        (lambda: spiking(artificial(), images(), 5, scale=0), "scale is 0; allowed is a number > 0"),
        (lambda: spiking(artificial(), images(), 5, least=-1), "least is -1"),
        (lambda: spiking(artificial(), images(), 5, artificial=["conv1"]), "layer conv1: is of kind convolution"),
        (lambda: spiking(artificial(), images(), 5, artificial=["neuron9"]), "no layer 'neuron9'"),
        (lambda: spiking(artificial(), images(3, (1, 5, 5)), 5), "shape"),
        (lambda: spiking(spiking(artificial(), images(), 5), images(), 5), "layer neuron1: spikes already"),
        (lambda: spiking(Network((3,), (Dense("fc", np.eye(3)),)), images(3, (3,)), 5), "no rectified linear units"),
        (lambda: spiking(Network((3,), (Relu("r"),)), images(3, (3,)), 5), "layer r: nothing comes before it"),
        (lambda: spiking(artificial(), images(0), 5), "data"),
        (lambda: recalibrate(spiking(artificial(), images(), 5), images(), {"conv9": Gain()}), "no layer 'conv9'"),
        (
            lambda: recalibrate(Network((2,), (Dense("d", -np.eye(2)), Neuron("n"))), np.ones((3, 2)), {"d": Gain()}),
            "layer n: the 99.7 % percentile of its drive is -1",
        ),
    ],
)
def test_bad_arguments(use, message):
    with pytest.raises(InputError, match=message):
        use()
