"""Inference against plain loops (network_loop), PyTorch, SciPy, and the examples of the papers."""

import itertools

import numpy as np
import pytest
from network_loop import loop
from scipy.signal import lfilter

from circuitsnn.errors import InputError
from circuitsnn.snn import inference, products
from circuitsnn.snn.coding import encode
from circuitsnn.snn.evaluation import Memory
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dense,
    Encoder,
    Filter,
    Flatten,
    MaxPool,
    Neuron,
    Relu,
    Reshape,
    Sum,
)
from circuitsnn.snn.network import Network


def normal(rng, *shape):
    return rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))


def identity(size=1):
    return Dense("dense", np.eye(size))


def flat_network(rng):
    return Network(
        (12,),
        (
            Dense("first", normal(rng, 20, 12), rng.normal(size=20) * 0.1),
            BatchNorm("norm", rng.uniform(0.5, 1.5, (6, 20)), rng.normal(size=(6, 20)) * 0.1),
            Neuron("neuron1", rng.uniform(0.3, 0.8, 20), rng.uniform(0.5, 1.0, 20)),
            Filter.dual_exponential("synapse", 4.0, 1.0),
            Dense("second", normal(rng, 20, 20)),
            Sum("sum", "norm"),
            Neuron("neuron2", 0.5, 0.9, "hard", "same", refractory=2),
            Sum("spikes", "neuron1"),
            BatchNorm("folded", rng.uniform(0.5, 1.5, 20), rng.normal(size=20)),
            Dense("fc", normal(rng, 4, 20), rng.normal(size=4)),
        ),
        steps=6,
    )


def map_network(rng):
    return Network(
        (2, 9, 8),
        (
            Convolution("conv1", normal(rng, 5, 2, 3, 4), rng.normal(size=5) * 0.1, (2, 1), (1, 2)),
            Neuron("neuron1", rng.uniform(0.2, 0.5, 5), 0.8, "soft", "same"),
            Sum("residual", "conv1"),
            BatchNorm("norm", rng.uniform(0.5, 1.5, (4, 5)), rng.normal(size=(4, 5)) * 0.1),
            Neuron("neuron2", 0.4),
            AveragePool("mean", (2, 3), (1, 2)),
            Convolution("conv2", normal(rng, 3, 5, 2, 2), None, 1, (1, 0)),
            Neuron("neuron3", 0.1),
            MaxPool("largest", (2, 2)),
            Reshape("turned", (3, 1, 2, 1), (0, 2, 1)),
            Convolution("conv3", normal(rng, 4, 3, 1, 2, 1)),
            Flatten("flat"),
            Dense("fc", normal(rng, 3, 4)),
        ),
        steps=4,
    )


def deep_map_network(rng):
    return Network(
        (1, 11, 5, 4),
        (
            Convolution("conv1", normal(rng, 3, 1, 3, 3, 3), None, (2, 1, 1), (1, 0, 1)),
            Neuron("neuron1", 0.5, 0.9),
            Convolution("conv2", normal(rng, 4, 3, 3, 1, 2), rng.normal(size=4) * 0.1, (2, 1, 3), (1, 0, 1)),
            Neuron("neuron2", 0.3),
            AveragePool("pool", (2, 1, 1)),
            Flatten("flat"),
            Dense("fc", normal(rng, 3, 24)),
            Neuron("neuron3", 0.3),
        ),
        steps=5,
        readout="spikes",
    )


NETWORKS = (flat_network, map_network, deep_map_network)


@pytest.mark.parametrize(("sparse", "often"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("make", NETWORKS)
def test_networks_are_those_of_plain_loops(make, sparse, often, monkeypatch):
    # Products by events and by matrices both, whatever the activity.
    for name in ("product_is_sparse", "convolution_is_sparse"):
        monkeypatch.setattr(products, name, lambda layer, activity: sparse)
    monkeypatch.setattr(products, "spikes_come_often", lambda events: often)
    rng = np.random.default_rng(4)
    network = make(rng)
    x = rng.random((70, *network.input_shape))
    expected = loop(network, x)
    names = [layer.name for layer in network.layers[:-1]]
    found = run(network, x, precision="float64", record=names)
    for name in names:
        layer, value = network[name], found.records[name][0]
        if isinstance(layer, Neuron):
            np.testing.assert_array_equal(value, expected[name])
            assert 0.05 < value.mean() < 0.95
            np.testing.assert_array_equal(
                found.spikes[name][0], expected[name].reshape(*value.shape[:2], -1).sum((0, 2))
            )
        else:
            np.testing.assert_allclose(np.broadcast_to(value, expected[name].shape), expected[name], atol=1e-12)
    np.testing.assert_allclose(found.outputs[0], expected[network.layers[-1].name].sum(axis=0), atol=1e-11)
    # Without records, layers behind the last neurons get sums over all steps.
    np.testing.assert_allclose(run(network, x, precision="float64").outputs, found.outputs, atol=1e-11)


@pytest.mark.parametrize("make", [map_network, deep_map_network])
def test_results_do_not_depend_on_what_is_gathered_at_a_time(make, monkeypatch):
    monkeypatch.setattr(products, "convolution_is_sparse", lambda layer, activity: False)
    rng = np.random.default_rng(9)
    network = make(rng)
    x = rng.random((5, *network.input_shape))
    expected = run(network, x, precision="float64", record="neuron2").records["neuron2"]
    monkeypatch.setattr(products, "_BUFFER", 1)
    np.testing.assert_array_equal(run(network, x, precision="float64", record="neuron2").records["neuron2"], expected)


def test_memory_is_used_again_once_nothing_refers_to_it():
    memory = Memory()
    first, second = memory.empty((3, 200, 200), np.float32), memory.empty((3, 200, 200), np.float32)
    assert first.ctypes.data % 64 == second.ctypes.data % 64 == 0
    assert not np.shares_memory(first, second)
    place, view = first.ctypes.data, first[1:].T
    del first
    third = memory.empty((3, 200, 200), np.float32)
    assert not np.shares_memory(third, view)
    del view
    # What is larger does not fit in, what is much smaller would waste it.
    others = [memory.empty((size,), np.uint8) for size in (480_001, 239_999)]
    assert place not in [each.ctypes.data for each in others]
    assert memory.empty((200, 200), np.float64).ctypes.data == place


@pytest.mark.parametrize("coding", ["poisson", "bernoulli", "latency", "bipolar"])
def test_coded_inputs_count_as_spikes(coding):
    rng = np.random.default_rng(2)
    network = map_network(rng).replace(coding=coding, steps=4)
    x = rng.random((5, *network.input_shape))
    found = run(network, x, seed=3, precision="float64")
    rng = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(inference._CODING, 0)))
    series = encode(coding, x, 4, rng)
    np.testing.assert_allclose(found.outputs[0], loop(network, series, coded=True)["fc"].sum(axis=0), atol=1e-12)
    assert not found.multiplications["conv1"].any()
    assert found.accumulations["conv1"].all()


DYNAMICS = [
    dict(reset=reset, reset_step=step, at_threshold=at, refractory=rest, reset_decay=decay)
    for reset, step, at, rest, decay in itertools.product(
        ("soft", "hard", "none"), ("next", "same"), (False, True), (0, 2), (0.0, 0.6)
    )
    if not decay or (reset, step) == ("soft", "next")
]


def test_every_kind_of_neuron_is_that_of_a_plain_loop():
    rng = np.random.default_rng(1)
    # Eighths, so that potentials meet the threshold exactly.
    x = rng.integers(-2, 9, (40, 6)) / 8
    for options in DYNAMICS:
        for leak in (1.0, 0.5):
            neurons = [Neuron("neuron", 0.75, leak, **options), Neuron("neuron", np.full(6, 0.75), leak, **options)]
            expected = loop(Network((6,), (neurons[0],), 12), x)["neuron"]
            for neuron in neurons:
                found = run(Network((6,), (neuron,), 12), x, precision="float64", record="neuron")
                np.testing.assert_array_equal(found.records["neuron"][0], expected, str(options))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # By hand, input 0.7 in each step, threshold 1: u = 0.7, 1.4, 1.1, 0.8, 1.5, 1.2
        ({}, [0, 1, 1, 0, 1, 1]),
        # u = 0.7, 1.4 -> 0, 0.7, 1.4 -> 0
        ({"reset": "hard"}, [0, 1, 0, 1, 0, 1]),
        ({"reset": "none"}, [0, 1, 1, 1, 1, 1]),
        # leak 1/2: u = 0.7, 1.05, 0.225, 0.8125, 1.10625, 0.253; at once: 1.05 -> 0.05, 0.725, 1.0625 -> 0.0625, 0.731
        ({"leak": 0.5}, [0, 1, 0, 0, 1, 0]),
        ({"leak": 0.5, "reset_step": "same"}, [0, 1, 0, 1, 0, 1]),
        # u = 0.7, 1.4, then 0.4 and 0.4 without input, 1.1, 0.1
        ({"refractory": 2}, [0, 1, 0, 0, 1, 0]),
        # The reset goes on: R = 0, 0, 1, 1.5, 0.75, 0.375; u = 0.7, 1.4, 1.1, 0.3, 0.25, 0.575
        ({"reset_decay": 0.5}, [0, 1, 1, 0, 0, 0]),
    ],
)
def test_neurons_by_hand(options, expected):
    network = Network((1,), (Neuron("neuron", 1.0, **options),), 6)
    for precision in ("float32", "float64"):
        found = run(network, [[0.7]], precision=precision, record="neuron")
        assert found.records["neuron"][0, :, 0, 0].tolist() == expected


@pytest.mark.parametrize(("at_threshold", "expected"), [(False, [0, 0, 1, 0, 0]), (True, [0, 1, 0, 1, 0])])
def test_threshold_is_exceeded_or_reached(at_threshold, expected):
    # u = 0.5, 1.0: a spike only if reaching is enough.
    network = Network((1,), (Neuron("neuron", 1.0, reset="hard", at_threshold=at_threshold),), 5)
    assert run(network, [[0.5]], record="neuron").records["neuron"][0, :, 0, 0].tolist() == expected


def test_counts_of_constant_drive_are_the_floor_of_the_drive():
    """Wu et al. (2019): T z rounded down, between 0 and T; its encoding layer gives the same."""
    rng = np.random.default_rng(0)
    steps = 10
    z = rng.uniform(-0.3, 1.3, (2000, 10))
    expected = np.clip(np.floor(steps * z), 0, steps)
    for layer, drive in ((Neuron("spikes", at_threshold=True), z), (Encoder("spikes"), steps * z)):
        network = Network((10,), (layer, identity(10)), steps)
        np.testing.assert_array_equal(run(network, drive, precision="float64").outputs[0], expected)


def test_encoder_spikes_at_once():
    """Equations 7 to 9 of Wu et al. (2019): 2.6 makes two spikes in the first two steps."""
    record = run(Network((1,), (Encoder("encoder"),), 5), [[2.6]], record="encoder").records["encoder"]
    assert record[0, :, 0, 0].tolist() == [1, 1, 0, 0, 0]
    with pytest.raises(InputError, match="differs from step to step"):
        run(Network((1,), (Neuron("neuron"), Encoder("encoder")), 5), [[2.6]])


def test_early_excitation_spikes_in_spite_of_late_inhibition():
    """Figure 1 of Wu et al. (2019): inputs 1.2 early and -0.8 late leave a free potential of 0.4, yet one spike."""
    one = BatchNorm("inputs", np.zeros((3, 1)), np.array([[1.2], [0.0], [-0.8]]))
    network = Network((1,), (one, Neuron("neuron", at_threshold=True)), 3, readout="spikes")
    assert run(network, [[0.0]]).outputs.ravel() == 1
    assert run(network.replace(layers=(one,), readout="potential"), [[0.0]]).outputs.ravel() == pytest.approx(0.4)


@pytest.mark.parametrize(("feedback", "feedforward"), [((1.1, -0.3), (0.7,)), ((0.5,), (1.0, -0.4, 0.2)), ((), (0, 1))])
def test_filters_are_scipys(feedback, feedforward):
    rng = np.random.default_rng(7)
    steps = 20
    layers = (Neuron("neuron", 0.9, 0.8), Filter("filter", feedback, feedforward))
    for shape in ((5,), (2, 3, 2)):
        x = rng.random((4, *shape))
        records = run(Network(shape, layers, steps), x, precision="float64", record=["neuron", "filter"]).records
        spikes = records["neuron"][0]
        expected = lfilter(feedforward, (1.0, *(-np.array(feedback))), spikes, axis=0)
        np.testing.assert_allclose(records["filter"][0], expected, atol=1e-12)
    # A value that is the same in all steps is a step response.
    found = run(Network((5,), layers[1:], steps), np.ones((1, 5)), precision="float64", record="filter")
    expected = lfilter(feedforward, (1.0, *(-np.array(feedback))), np.ones(steps))
    np.testing.assert_allclose(found.records["filter"][0, :, 0, 0], expected, atol=1e-12)


def test_artificial_network_is_one_step():
    rng = np.random.default_rng(5)
    weights = normal(rng, 8, 6), normal(rng, 3, 8)
    network = Network((6,), (Dense("a", weights[0]), Relu("relu", 0.7), Dense("fc", weights[1])))
    x = rng.normal(size=(9, 6))
    found = run(network, x, precision="float64")
    np.testing.assert_allclose(found.outputs[0], np.clip(x @ weights[0].T, 0, 0.7) @ weights[1].T, atol=1e-13)
    assert found.multiplications["fc"].tolist() == [[24.0] * 9]
    # The same value in each of seven steps.
    longer = run(network.replace(steps=7), x, precision="float64")
    np.testing.assert_allclose(longer.outputs, 7 * found.outputs, atol=1e-12)
    assert longer.multiplications["fc"].tolist() == [[24.0] * 9]


def torch_spikes(network, x, dtype):
    """LeNet-5 in PyTorch's own layers, step by step."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    state, found, output = {}, {}, 0
    signal = torch.tensor(x, dtype=dtype)
    weights = {each.name: torch.tensor(each.weight.astype(float), dtype=dtype) for each in network.weight_layers}
    for _ in range(network.steps):
        h = signal
        for layer in network.layers:
            if isinstance(layer, Convolution):
                h = functional.conv2d(h, weights[layer.name], None, layer.stride, layer.padding)
            elif isinstance(layer, Dense):
                h = functional.linear(h, weights[layer.name])
            elif isinstance(layer, AveragePool):
                h = functional.avg_pool2d(h, layer.kernel)
            elif isinstance(layer, Flatten):
                h = h.flatten(1)
            else:
                u, o = state.get(layer.name, (torch.zeros_like(h), torch.zeros_like(h)))
                u = float(layer.leak) * u + h - float(layer.threshold) * o
                h = (u > float(layer.threshold)).to(dtype)
                state[layer.name] = u, h
                found.setdefault(layer.name, []).append(h.numpy())
        output = output + h
    return {name: np.stack(each) for name, each in found.items()}, output.numpy()


def lenet(rng, steps):
    return Network(
        (1, 28, 28),
        (
            Convolution("conv1", normal(rng, 6, 1, 5, 5), None, 1, 2),
            Neuron("neuron1", 0.8),
            AveragePool("pool1"),
            Convolution("conv2", normal(rng, 16, 6, 5, 5)),
            Neuron("neuron2", 0.3, 0.9),
            AveragePool("pool2"),
            Flatten("flat"),
            Dense("dense3", normal(rng, 120, 400)),
            Neuron("neuron3", 0.3, 0.95),
            Dense("dense4", normal(rng, 84, 120)),
            Neuron("neuron4", 0.2),
            Dense("fc", normal(rng, 10, 84)),
        ),
        steps,
    )


def test_spikes_are_those_of_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    network = lenet(rng, 8)
    x = rng.random((100, 1, 28, 28)) * (rng.random((100, 1, 28, 28)) < 0.4)
    names = [each.name for each in network.neuron_layers]
    expected, output = torch_spikes(network, x, torch.float64)
    found = run(network, x, precision="float64", record=names)
    for name in names:
        np.testing.assert_array_equal(found.records[name][0], expected[name])
    np.testing.assert_allclose(found.outputs[0], output, atol=1e-10)
    # In float32 a potential within rounding of its threshold may fall to the other side, and others behind it: of
    # 10^6 spikes some 2 here, at most 10.
    found = run(network, x, precision="float32", record=names)
    flipped = sum(np.count_nonzero(found.records[name][0] != expected[name]) for name in names)
    assert flipped <= 1e-5 * sum(each.size for each in expected.values())


def test_operations_are_those_counted_one_by_one():
    """Every product of every spike is found by brute force: what changes where one input does."""
    rng = np.random.default_rng(6)
    network = map_network(rng)
    x = rng.random((3, *network.input_shape))
    found = run(network, x, precision="float64", record=[each.name for each in network.layers])
    before = {after.name: layer.name for layer, after in itertools.pairwise(network.layers)}
    for layer in network.weight_layers:
        name = layer.name
        shape = network.input_of(name)
        reached = np.zeros(shape)
        ones = type(layer)("ones", np.ones_like(layer.weight), **_steps(layer))
        for place in np.ndindex(*shape):
            impulse = np.zeros((1, *shape))
            impulse[(0, *place)] = 1
            reached[place] = np.count_nonzero(loop(Network(shape, (ones,)), impulse)["ones"])
        assert found.artificial_operations[name] == reached.sum()
        if name in ("conv1", "fc", "flat"):
            continue
        spikes = found.records[before[name]][0]
        if name == "conv2":
            # Spikes through the average pool: each counts for every part that it is in, and for what that goes to.
            counts, total = found.records["neuron2"][0].sum(axis=0), np.zeros(3)
            for i, j in np.ndindex(*shape[1:]):
                total += reached[:, i, j] @ counts[:, :, i : i + 2, 2 * j : 2 * j + 3].sum(axis=(2, 3)).T
        else:
            total = (spikes.sum(axis=0) * reached.reshape(shape)).reshape(3, -1).sum(axis=1)
        np.testing.assert_array_equal(found.accumulations[name][0], total)
        assert not found.multiplications[name].any()
    np.testing.assert_array_equal(found.multiplications["conv1"][0], found.artificial_operations["conv1"])
    # Behind a layer that makes no spikes: in every step.
    np.testing.assert_array_equal(found.multiplications["fc"][0], 4 * found.artificial_operations["fc"])
    assert not found.accumulations["fc"].any()


def _steps(layer):
    return {} if isinstance(layer, Dense) else {"stride": layer.stride, "padding": layer.padding}


def test_result_says_what_it_took():
    rng = np.random.default_rng(8)
    network = map_network(rng)
    x = rng.random((30, *network.input_shape))
    found = run(network, x, record=["neuron2"])
    labels = found.predictions[0].copy()
    labels[:6] = (labels[:6] + 1) % 3
    assert found.accuracy(labels).tolist() == [0.8]
    assert found.chips == 1
    assert found.status.ok
    np.testing.assert_allclose(found.activity["neuron2"], found.records["neuron2"].sum(axis=1).mean(), rtol=1e-6)
    frame = found.to_frame(labels).set_index("layer")
    assert list(frame.index) == ["conv1", "neuron1", "neuron2", "conv2", "neuron3", "conv3", "fc"]
    assert frame.loc["conv2", "accumulations"] == found.accumulations["conv2"].mean()
    assert frame.loc["conv1", "artificial_operations"] == found.artificial_operations["conv1"]
    assert (frame["accuracy"] == 0.8).all()
    silent = run(network.replace(Neuron("neuron2", 1e6)), x).status
    assert not silent.ok
    assert "neuron2" in str(silent)
    with pytest.raises(InputError, match="labels have shape"):
        found.accuracy([1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": np.zeros((3, 11))}, r"data has shape \(3, 11\); allowed is \(n, 12\)"),
        ({"data": np.zeros((0, 12))}, "allowed is"),
        ({"data": [[1.0], [1.0, 2.0]]}, "not all as large"),
        ({"data": [["a"] * 12]}, "allowed are numbers"),
        ({"data": np.full((2, 12), np.nan)}, "not finite"),
        ({"calibration": np.zeros((2, 3))}, r"calibration has shape"),
        ({"network": None}, "allowed is a Network"),
        ({"chips": 0}, "chips is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"jobs": 0}, "jobs is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"precision": "float16"}, "precision is 'float16'"),
        ({"record": ["nothing"]}, "there is no layer 'nothing'"),
        ({"engines": [1]}, "allowed is a mapping"),
    ],
)
def test_bad_arguments(options, message):
    network = flat_network(np.random.default_rng(0))
    arguments = {"network": network, "data": np.zeros((2, 12))} | options
    with pytest.raises(InputError, match=message):
        run(arguments.pop("network"), arguments.pop("data"), **arguments)


def test_images_out_of_range():
    network = flat_network(np.random.default_rng(0)).replace(coding="bernoulli")
    with pytest.raises(InputError, match="0 to 1"):
        run(network, np.full((2, 12), 1.5))
    with pytest.raises(InputError, match="steps is 0"):
        network.replace(steps=0)
