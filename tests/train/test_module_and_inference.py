# ruff: noqa: E402
"""The module that trains and the inference without PyTorch: the same spikes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from circuitsnn.snn.architectures import cnn_3d, lenet5
from circuitsnn.snn.coding import encode
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import BatchNorm, Dense, Encoder, Filter, Neuron, Relu, Sum
from circuitsnn.snn.network import Network
from circuitsnn.train.module import build

NEURONS = (
    {"leak": 0.9},
    {"leak": 0.8, "reset_step": "same"},
    {"leak": 0.7, "reset": "hard"},
    {"leak": 0.6, "reset": "none"},
    {"leak": 0.5, "reset_decay": 0.6},
    {"leak": 0.9, "refractory": 2},
    {"leak": 0.9, "refractory": 1, "reset": "hard", "reset_step": "same"},
    {"leak": 0.5, "at_threshold": True},
)


def spikes_of(network, x, dtype):
    signals = build(network, dtype=dtype).eval().signals(torch.from_numpy(np.asarray(x)).to(dtype))
    return {name: each.detach().numpy() for name, each in signals.items()}


@pytest.mark.parametrize("network", [
    lenet5((1, 12, 12), rng=np.random.default_rng(0), neuron=Neuron("neuron", 0.3, 0.9), steps=6),
    cnn_3d(13, 3, (4, 6, 8), rng=np.random.default_rng(1), neuron=Neuron("neuron", 0.4, 0.95), steps=6),
], ids=["LeNet-5", "CNN-3D"])  # fmt: skip
def test_architectures(network):
    x = np.random.default_rng(2).random((7, *network.input_shape))
    names = tuple(layer.name for layer in network.neuron_layers)
    for precision, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        result = run(network, x, record=names, precision=precision)
        found = spikes_of(network, x, dtype)
        for name in names:
            wrong = np.mean(result.records[name][0] != found[name])
            assert wrong == 0.0 if precision == "float64" else wrong < 1e-3, name
        np.testing.assert_allclose(result.outputs[0], found[""], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("options", NEURONS, ids=repr)
def test_neurons(options):
    rng = np.random.default_rng(4)
    network = Network(
        (20,),
        (
            Dense("dense1", rng.normal(0, 0.5, (30, 20)), rng.normal(0, 0.1, 30)),
            Neuron("neuron1", 0.6, **options),
            Dense("dense2", rng.normal(0.05, 0.3, (30, 30))),
            BatchNorm("norm", rng.normal(1, 0.1, (9, 30)), rng.normal(0, 0.1, (9, 30))),
            Sum("sum", source="dense1"),
            Neuron("neuron2", rng.uniform(0.5, 1.5, 30), **{**options, "leak": rng.random(30)}),
            Filter.dual_exponential("filter", 4.0, 1.0),
            Dense("fc", rng.normal(0, 0.3, (5, 30))),
        ),
        9,
    )
    x = rng.random((16, 20))
    result = run(network, x, record=("neuron1", "neuron2"), precision="float64")
    found = spikes_of(network, x, torch.float64)
    for name in ("neuron1", "neuron2"):
        assert 0.0 < found[name].mean() < 1.0
        np.testing.assert_array_equal(result.records[name][0], found[name])
    np.testing.assert_allclose(result.outputs[0], found[""], rtol=1e-9, atol=1e-9)


def test_codings_and_encoders():
    rng = np.random.default_rng(5)
    layers = (Dense("dense1", rng.normal(0, 0.5, (30, 20))), Neuron("neuron1", 0.6, 0.9), Dense("fc", np.eye(3, 30)))
    x = rng.random((8, 20))
    for coding in ("direct", "latency"):
        network = Network((20,), layers, 7, coding=coding)
        given = encode(coding, x, 7, None)
        result = run(network, x, record=("neuron1",), precision="float64")
        np.testing.assert_array_equal(result.records["neuron1"][0], spikes_of(network, given, torch.float64)["neuron1"])
    burst = Network((20,), (layers[0], Relu("relu", 3.0), Encoder("encoder", 0.4), layers[2]), 5)
    result = run(burst, x, precision="float64")
    np.testing.assert_allclose(result.outputs[0], spikes_of(burst, x, torch.float64)[""], rtol=1e-12)
