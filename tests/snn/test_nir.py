"""NIR: graphs against a simulator of NIR's own equations, and against snnTorch's spikes."""

import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest
from network_loop import loop

from circuitsnn.errors import InputError
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
from circuitsnn.snn.nir import from_nir, to_nir

nir = pytest.importorskip("nir")

RECORDED = Path(__file__).parent / "recorded"
DT = 2e-3


def simulate(graph, x, dt):
    """Spikes at the output by NIR's differential equations, forward Euler; x is (T, n, ...)."""
    state, found = {}, []
    for current in x:
        values = {}
        todo = list(graph.nodes)
        while todo:
            name = todo.pop(0)
            before = [source for source, target in graph.edges if target == name]
            if not all(source in values for source in before):
                todo.append(name)
                continue
            value = sum(values[source] for source in before) if before else current
            values[name] = node_step(graph.nodes[name], value, state.setdefault(name, {}), dt)
        found.append(next(values[name] for name, node in graph.nodes.items() if isinstance(node, nir.Output)))
    return np.stack(found)


def node_step(node, x, state, dt):
    if isinstance(node, (nir.Input, nir.Output)):
        return x
    if isinstance(node, (nir.Linear, nir.Affine)):
        return np.einsum("oi,ni->no", node.weight, x) + getattr(node, "bias", 0.0)
    if isinstance(node, nir.Conv2d):
        (ph, pw), (sh, sw) = node.padding, node.stride
        x = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
        windows = np.lib.stride_tricks.sliding_window_view(x, node.weight.shape[2:], (2, 3))[:, :, ::sh, ::sw]
        return np.einsum("nchwij,ocij->nohw", windows, node.weight) + node.bias[:, None, None]
    if isinstance(node, (nir.AvgPool2d, nir.SumPool2d)):
        (kh, kw), (sh, sw) = node.kernel_size, node.stride
        windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (2, 3))[:, :, ::sh, ::sw]
        return windows.sum((-1, -2)) / (kh * kw if isinstance(node, nir.AvgPool2d) else 1)
    if isinstance(node, nir.Flatten):
        return x.reshape(len(x), -1)
    if isinstance(node, nir.Scale):
        return x * node.scale
    if isinstance(node, nir.Threshold):
        return (x > node.threshold) * 1.0
    v = state.get("v", np.zeros_like(x))
    if isinstance(node, nir.CubaLIF):
        i = state.get("i", np.zeros_like(x))
        x = state["i"] = i + dt / node.tau_syn * (-i + node.w_in * x)
    if isinstance(node, nir.IF):
        v = v + dt * node.r * x
    else:
        tau = node.tau if isinstance(node, nir.LIF) else node.tau_mem
        v = v + dt / tau * (node.v_leak - v + node.r * x)
    spikes = v > node.v_threshold
    state["v"] = np.where(spikes, node.v_reset, v)
    return spikes * 1.0


def residual(**neuron):
    """Convolutions with a residual branch, a filter before neurons, all reset to zero as NIR has it."""
    rng = np.random.default_rng(6)
    options = {"reset": "hard"} | neuron
    return Network(
        (2, 7, 6),
        (
            Convolution("conv1", 0.5 * rng.standard_normal((3, 2, 3, 3)), 0.1 * rng.standard_normal(3), 1, 1),
            Neuron("neuron1", np.array([0.5, 0.7, 0.9]), np.array([0.9, 0.8, 0.5]), **options),
            Convolution("conv2", 0.5 * rng.standard_normal((3, 3, 3, 1)), None, 1, (1, 0)),
            BatchNorm("norm", np.array([1.0, 0.5, 2.0]), np.zeros(3)),
            Sum("shortcut", "neuron1"),
            Neuron("neuron2", 1.0, **options),
            Sum("skip", "neuron1"),
            AveragePool("pool", (2, 2)),
            Flatten("flatten"),
            Dense("dense3", 0.5 * rng.standard_normal((8, 27)), 0.1 * rng.standard_normal(8)),
            Filter("synapse", (0.6,), (0.4,)),
            Neuron("neuron3", 0.4, 0.75, **options),
            Dense("fc", rng.standard_normal((4, 8))),
            Neuron("neuron4", 1.0, 0.0, "none"),
        ),
        steps=12,
        coding="bernoulli",
        readout="spikes",
    )


def spikes_in(shape, steps, n=5):
    return (np.random.default_rng(3).random((steps, n, *shape)) < 0.4) * 1.0


def test_exported_graph_does_what_nir_says():
    network = residual()
    x = spikes_in((2, 7, 6), 12)
    ours, theirs = loop(network, x, coded=True)["neuron4"], simulate(to_nir(network, DT), x, DT)
    assert 0.05 < ours.mean() < 0.95
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("neuron", [{}, {"reset": "soft"}, {"reset": "soft", "reset_step": "same"}])
def test_round_trip(neuron, tmp_path):
    network = residual(**neuron)
    graph = to_nir(network, DT)
    back = from_nir(graph)
    assert (back.steps, back.coding, back.readout) == (12, "bernoulli", "spikes")
    assert [layer.kind for layer in back.layers] == [layer.kind for layer in network.layers]
    assert [layer.name for layer in back.layers if layer.kind not in ("sum", "filter")] == [
        layer.name for layer in network.layers if layer.kind not in ("sum", "filter")
    ]
    for mine, its in zip(network.layers, back.layers, strict=True):
        for field in ("weight", "bias", "threshold", "leak", "scale", "feedback", "feedforward"):
            if getattr(mine, field, None) is not None:
                np.testing.assert_allclose(getattr(its, field), getattr(mine, field), rtol=1e-14)
    x = spikes_in((2, 7, 6), 12)
    np.testing.assert_array_equal(loop(back, x, True)["neuron4"], loop(network, x, True)["neuron4"])


def test_round_trip_through_a_file(tmp_path):
    # Kernels of a file must be square: nir 1.0.8 computes other sizes wrongly when it reads one.
    network = residual(reset="soft").replace(Convolution("conv2", np.ones((3, 3, 3, 3)), None, 1, 1))
    nir.write(tmp_path / "net.nir", to_nir(network, DT))
    back = from_nir(nir.read(tmp_path / "net.nir"))
    assert (back.steps, back.coding, back.readout, back.input_shape) == (12, "bernoulli", "spikes", (2, 7, 6))
    assert type(back.steps) is int
    assert back["neuron1"].reset == "soft"  # from the node's metadata
    x = spikes_in((2, 7, 6), 12)
    np.testing.assert_array_equal(loop(back, x, True)["neuron4"], loop(network, x, True)["neuron4"])


def by_hand():
    """A graph in NIR's own terms: resistances that are no tau/dt, sums in pooling, names with dots, a branch."""
    rng = np.random.default_rng(9)
    tau = np.repeat([[[0.01]], [[0.02]]], 4, 1).repeat(4, 2)
    nodes = {
        "in": nir.Input(np.array([1, 8, 8])),
        "a.conv": nir.Conv2d((8, 8), rng.standard_normal((2, 1, 3, 3)), 2, 1, 1, 1, np.array([0.2, -0.1])),
        "a.lif": nir.LIF(tau, np.full((2, 4, 4), 4.0), np.zeros((2, 4, 4)), np.full((2, 4, 4), 0.3)),
        "b.conv": nir.Conv2d((4, 4), rng.standard_normal((2, 2, 3, 3)), 1, "same", 1, 1, np.zeros(2)),
        "b.if": nir.IF(np.full((2, 4, 4), 300.0), np.full((2, 4, 4), 0.5)),
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "scale": nir.Scale(np.full((2, 2, 2), 0.25)),
        "flat": nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1),
        "fc": nir.Affine(rng.standard_normal((6, 8)), 0.2 * rng.standard_normal(6)),
        "cuba": nir.CubaLIF(
            np.full(6, 0.004), np.full(6, 0.01), np.full(6, 2.0), np.zeros(6), np.full(6, 0.1), w_in=np.full(6, 1.5)
        ),
        "out": nir.Output(np.array([6])),
    }
    names = list(nodes)
    edges = [*itertools.pairwise(names), ("a.lif", "pool")]
    return nir.NIRGraph(nodes, edges)


def test_graph_by_hand():
    graph = by_hand()
    x = spikes_in((1, 8, 8), 25)
    network = from_nir(graph, steps=25, dt=DT)
    # Conv2d of nir keeps its padding as a word; the simulator wants numbers.
    graph.nodes["b.conv"].padding = (1, 1)
    ours, theirs = loop(network, x, coded=True)["cuba"], simulate(graph, x, DT)
    assert 0.05 < theirs.mean() < 0.95
    np.testing.assert_array_equal(ours, theirs)
    assert network["a_lif"].leak == pytest.approx([1 - DT / 0.01, 1 - DT / 0.02])
    # R dt/tau = 0.8 and 0.4, so an input counts less against 0.3.
    assert network["a_lif"].threshold == pytest.approx([0.3 / 0.8, 0.3 / 0.4])
    assert network["pool_sum"].source == "a_lif"
    assert network.readout == "spikes"


@pytest.mark.parametrize(("recorded", "reset"), [("subtract", "soft"), ("zero", "hard")])
def test_spikes_of_snntorch(recorded, reset, tmp_path):
    """Graph and spikes that snnTorch 1.0.0 wrote (recorded/record_snntorch.py), every spike of 15 steps."""
    (tmp_path / "graph.nir").write_bytes(gzip.decompress((RECORDED / f"snntorch_{recorded}.nir.gz").read_bytes()))
    with np.load(RECORDED / f"snntorch_{recorded}.npz") as data:
        spikes = data["spikes"]
        x = np.unpackbits(data["x"], count=15 * 8 * 36).reshape(15, 8, 1, 6, 6)
    network = from_nir(nir.read(tmp_path / "graph.nir"), steps=15, dt=1e-4, reset=reset)
    assert network["1"].leak == pytest.approx(0.9, rel=1e-6)
    assert network["1"].threshold == np.float32(0.6)
    assert 0.1 < spikes.mean() < 0.9
    np.testing.assert_array_equal(loop(network, x, coded=True)["7"], spikes)


def dense_and(*layers):
    return Network((4,), (Dense("fc", np.eye(4)), *layers), steps=3)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (dense_and(Relu("relu1")), "layer relu1: NIR has nothing for a layer of kind relu"),
        (dense_and(Encoder("code")), "layer code: NIR has nothing"),
        (dense_and(Reshape("shape", (2, 2))), "layer shape: NIR has nothing"),
        (Network((1, 4, 4), (MaxPool("max"),)), "layer max: NIR has nothing"),
        (Network((1, 3, 3, 3), (Convolution("conv3d", np.ones((1, 1, 2, 2, 2))),)), "layer conv3d: .* in 3 directions"),
        (dense_and(BatchNorm("norm", np.ones(4), np.ones(4))), "layer norm: .* fold it"),
        (dense_and(BatchNorm("norm", np.ones((3, 4)), np.zeros((3, 4)))), "layer norm: NIR has nothing"),
        (dense_and(Neuron("n", at_threshold=True)), "layer n: .* at_threshold"),
        (dense_and(Neuron("n", refractory=1)), "layer n: .* refractory"),
        (dense_and(Neuron("n", reset_decay=0.5)), "layer n: .* reset_decay"),
        (dense_and(Neuron("n", reset="none")), "layer n: .* without a reset"),
        (dense_and(Neuron("n", 1.0, np.array([1.0, 1.0, 0.5, 1.0]))), "layer n: .* leaks of 1 beside others"),
        (dense_and(Filter("f", (0.5,))), "layer f: .* it is the last layer"),
        (dense_and(Filter("f", (0.5,)), Flatten("flat")), "layer f: .* flat is none"),
        (dense_and(Filter("f", (0.5, 0.1)), Neuron("n", leak=0.5)), "layer f: NIR's synapses"),
        (dense_and(Sum("s", "fc")), "layer s: adds the same output twice"),
    ],
)
def test_what_nir_cannot_express(network, message):
    with pytest.raises(InputError, match=message):
        to_nir(network)


def graph_of(*nodes, edges=None):
    nodes = {"in": nir.Input(np.array([2])), **{f"n{k}": node for k, node in enumerate(nodes)}}
    nodes["out"] = nir.Output(np.array([2]))
    edges = edges or list(itertools.pairwise(nodes))
    return nir.NIRGraph(nodes, edges, type_check=False)


def lif(**changes):
    values = {"tau": 0.01, "r": 5.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0} | changes
    return nir.LIF(**{name: np.broadcast_to(np.asarray(value, float), 2) for name, value in values.items()})


def eye():
    return nir.Linear(np.eye(2))


@pytest.mark.parametrize(
    ("graph", "options", "message"),
    [
        (3, {}, "graph is int"),
        (graph_of(eye()), {"steps": None}, "give steps"),
        (graph_of(eye()), {"steps": 0}, "steps is 0"),
        (graph_of(eye()), {"reset": "soon"}, "reset is 'soon'"),
        (graph_of(lif()), {"dt": None}, "give dt"),
        (graph_of(lif()), {"dt": -1.0}, "dt is -1.0"),
        (graph_of(lif()), {"dt": 0.1}, "node 'n0': a time constant is 0.01 s, below dt"),
        (graph_of(lif(v_leak=0.1)), {}, "node 'n0': v_leak is not 0"),
        (graph_of(lif(v_reset=-0.1)), {}, "node 'n0': v_reset is not 0"),
        (graph_of(lif(r=0.0)), {}, "node 'n0': r is not above 0"),
        (graph_of(lif(tau=np.nan)), {}, "node 'n0': tau holds values"),
        (graph_of(nir.LI(np.ones(2), np.ones(2), np.zeros(2))), {}, "node 'n0': nodes of kind LI"),
        (graph_of(nir.Delay(np.ones(2))), {}, "nodes of kind Delay"),
        (graph_of(nir.Linear(np.eye(3))), {}, "layer n0: its input has shape"),
        (graph_of(nir.Scale(np.ones(3))), {}, "node 'n0': scale has shape"),
        (graph_of(eye(), eye(), edges=[("in", "n0"), ("n0", "n1"), ("n1", "n0"), ("n1", "out")]), {}, "recurrent"),
        (graph_of(eye(), eye(), edges=[("in", "n0"), ("in", "n1"), ("n0", "out"), ("n1", "out")]), {}, "n0, n1 are br"),
        (graph_of(eye(), eye(), edges=[("in", "n0"), ("n1", "out")]), {}, "have no input"),
        (graph_of(eye(), edges=[("in", "n0"), ("in", "out")]), {}, "branches"),
        (graph_of(eye(), edges=[("in", "n0"), ("n0", "out"), ("n0", "out")]), {}, "not unique"),
        (graph_of(eye(), nir.Input(np.array([2]))), {}, "2 nodes of kind Input"),
    ],
)
def test_graphs_that_are_no_network(graph, options, message):
    with pytest.raises(InputError, match=message):
        from_nir(graph, **{"steps": 4, "dt": 1e-3} | options)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (nir.Conv2d((4, 4), np.ones((1, 1, 2, 2)), 1, 0, 2, 1, np.zeros(1)), "node 'n0': dilation"),
        (nir.Conv2d((4, 4), np.ones((1, 1, 2, 2)), 1, "same", 1, 1, np.zeros(1)), "node 'n0': padding is 'same'"),
        (nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([1, 1])), "node 'n0': padding"),
        (nir.Flatten({"input": np.array([1, 4, 4])}, 1, -1), "node 'n0': flattens axes 1 to -1"),
        (nir.IF(np.ones((1, 4, 4)), np.arange(1.0, 17.0).reshape(1, 4, 4)), "v_threshold has shape"),
    ],
)
def test_nodes_of_maps_that_are_no_layer(node, message):
    with pytest.raises(InputError, match=message):
        from_nir(graph_of(node), input_shape=(1, 4, 4), steps=4, dt=1.0)
