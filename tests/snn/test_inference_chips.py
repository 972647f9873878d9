"""Engines in a network, chips, and what must make no difference: batches, workers, the number of chips."""

from dataclasses import dataclass

import numpy as np
import pytest
from network_loop import loop

from circuitsnn.cards import load_card
from circuitsnn.energy.network import network_cost
from circuitsnn.energy.pim import Cost
from circuitsnn.errors import InputError
from circuitsnn.snn.engines.base import (
    MacChip,
    MacDesign,
    MacEngine,
    NeuronChip,
    NeuronDesign,
    NeuronEngine,
)
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import AveragePool, Convolution, Dense, Flatten, Neuron
from circuitsnn.snn.network import Network
from circuitsnn.sram.macro import Macro
from circuitsnn.status import Status


class Product(MacChip):
    def __init__(self, matrix, noise):
        self.matrix, self.noise = matrix, noise

    def multiply(self, rows, rng):
        product = rows @ self.matrix.T
        return product + self.noise * rng.normal(size=product.shape) if self.noise else product


class Laid(MacDesign):
    def __init__(self, matrix, rows, engine):
        self.matrix, self.rows, self.engine = matrix, rows, engine
        self.varies = bool(engine.spread or engine.noise)
        self.chips = 0

    def chip(self, seed):
        self.chips += 1
        errors = np.random.default_rng(seed).normal(size=self.matrix.shape)
        return Product(self.matrix * (1 + self.engine.spread * errors), self.engine.noise)

    def cost(self):
        return Cost({"product": 1e-12}, {"product": 1e-9}, "made up")


@dataclass(frozen=True, kw_only=True)
class Spread(MacEngine):
    spread: float = 0.0
    noise: float = 0.0

    def design(self, matrix, rows, steps):
        return Laid(matrix, rows, self)


class Comparators(NeuronChip):
    """Integrate-and-fire neurons with a threshold of their own each, reset at once."""

    def __init__(self, threshold):
        self.threshold = threshold

    def spikes(self, drive, rng, steps=None):
        drive = drive if steps is None else np.broadcast_to(drive, (steps, *drive.shape))
        u, found = 0.0, []
        for current in drive:
            u = u + current
            found.append(u > self.threshold)
            u = u - self.threshold * found[-1]
        return np.array(found, np.uint8)


class LaidNeurons(NeuronDesign):
    def __init__(self, neuron, shape, drive, spread):
        self.neuron, self.shape, self.drive, self.spread = neuron, shape, drive, spread
        self.varies = bool(spread)

    def chip(self, seed):
        offsets = np.random.default_rng(seed).normal(size=self.shape)
        return Comparators(float(self.neuron.threshold) * (1 + self.spread * offsets))


@dataclass(frozen=True)
class SpreadNeurons(NeuronEngine):
    spread: float = 0.0

    def design(self, neuron, shape, drive):
        return LaidNeurons(neuron, shape, drive, self.spread)


def network(**changes):
    rng = np.random.default_rng(11)
    return Network(
        (2, 8, 8),
        (
            Convolution("conv1", rng.normal(size=(4, 2, 3, 3)), rng.normal(size=4), 2, 1),
            Neuron("neuron1", 1.5, reset_step="same"),
            AveragePool("pool"),
            Convolution("conv2", rng.normal(size=(5, 4, 2, 2)), None, 1, (0, 1)),
            Neuron("neuron2", 0.5),
            Flatten("flat"),
            Dense("fc", rng.normal(size=(3, 15)), rng.normal(size=3)),
        ),
        steps=4,
    ).replace(**changes)


DATA = np.random.default_rng(12).random((150, 2, 8, 8))
NAMES = ["neuron1", "neuron2"]


def test_circuits_without_errors_are_exact():
    """Patches of convolutions, static inputs read once or in each step, neurons of a circuit: as the plain loops."""
    expected = loop(network(), DATA)
    for every_step in (False, True):
        mac = Spread(read_every_step=every_step)
        engines = {"conv1": mac, "neuron1": SpreadNeurons(), "conv2": mac, "fc": mac}
        found = run(network(), DATA, engines=engines, precision="float64", record=NAMES)
        for name in NAMES:
            np.testing.assert_array_equal(found.records[name][0], expected[name])
        np.testing.assert_allclose(found.outputs[0], expected["fc"].sum(axis=0), atol=1e-12)
        assert found.reused["conv1"] is not every_step
        times = 4 if every_step else 1
        assert (found.multiplications["conv1"] == times * found.artificial_operations["conv1"]).all()
        cost = Cost({"product": 1e-12}, {"product": 1e-9}, "made up")
        assert found.costs == {"conv1": cost, "neuron1": None, "conv2": cost, "fc": cost}


def test_noise_is_drawn_in_each_step_where_the_array_is_read_in_each():
    one = Network((3,), (Dense("fc", np.eye(3)),), 5)
    data = np.zeros((2000, 3))
    deviations = {}
    for every_step in (False, True):
        engine = Spread(noise=0.1, read_every_step=every_step)
        deviations[every_step] = run(one, data, engines={"fc": engine}).outputs.std()
    # Once for all steps: five times the noise; anew in each: its root of five.
    assert deviations[False] == pytest.approx(0.1 * 5, rel=0.03)
    assert deviations[True] == pytest.approx(0.1 * np.sqrt(5), rel=0.03)


def test_a_design_gets_typical_inputs_and_drives():
    engines = {"conv1": Spread(), "conv2": Spread(), "neuron2": SpreadNeurons(), "fc": Spread()}
    found = run(network(), DATA, engines=engines, calibration=DATA[:5], precision="float64", record=["conv2"])
    signals = loop(network(), DATA[:5])
    rows = found.designs["conv1"].rows
    assert rows.shape == (5 * 16, 18)
    # The patch at the second row and column of the first sample, channels first.
    np.testing.assert_array_equal(rows[5], DATA[0, :, 1:4, 1:4].ravel())
    # One position down and three across, in the second step of the first sample (padded across).
    padded = np.pad(signals["pool"][1, 0], [(0, 0), (0, 0), (1, 1)])
    np.testing.assert_array_equal(found.designs["conv2"].rows[(1 * 5 + 0) * 3 + 2], padded[:, :, 2:4].ravel())
    assert found.designs["conv2"].rows.shape == (4 * 5 * 3, 16)
    np.testing.assert_allclose(found.designs["neuron2"].drive, signals["conv2"], atol=1e-12)
    # Without calibration samples, the first 64; of many patches, evenly spaced ones.
    rows = run(network(), DATA, engines={"conv1": Spread()}).designs["conv1"].rows
    assert rows.shape == (64 * 16, 18)
    # A design can be used again.
    again = run(network(), DATA, engines=dict(found.designs), precision="float64")
    np.testing.assert_array_equal(again.outputs, found.outputs)


VARYING = [
    {"conv1": Spread(spread=0.2, noise=0.05, read_every_step=True), "neuron2": SpreadNeurons(0.1)},
    {"conv2": Spread(spread=0.2), "fc": Spread(noise=0.1)},
    {"neuron1": SpreadNeurons(0.2), "fc": Spread()},
]


@pytest.mark.parametrize("engines", VARYING)
@pytest.mark.parametrize("coding", ["direct", "bernoulli"])
def test_chips_are_the_same_whatever_their_number_the_batches_and_the_workers(engines, coding):
    coded = network(coding=coding)
    whole = run(coded, DATA, engines=engines, chips=3, seed=5, record=NAMES)
    assert whole.outputs.shape == (3, 150, 3)
    assert not np.array_equal(whole.outputs[0], whole.outputs[1])
    assert not np.array_equal(whole.outputs[1], whole.outputs[2])
    for options in ({"chips": 2}, {"chips": 1, "batch": 10}, {"chips": 3, "batch": 128}):
        found = run(coded, DATA, engines=engines, seed=5, record=NAMES, **options)
        chips = options["chips"]
        np.testing.assert_array_equal(found.outputs, whole.outputs[:chips])
        for kind in ("spikes", "accumulations", "multiplications", "records"):
            for name, value in getattr(found, kind).items():
                np.testing.assert_array_equal(value, getattr(whole, kind)[name][:chips])
    assert not np.array_equal(run(coded, DATA, engines=engines, seed=6).outputs[0], whole.outputs[0])


def test_workers_make_no_difference():
    engines = VARYING[0]
    whole = run(network(), DATA, engines=engines, chips=2, seed=5)
    for chips in (1, 2):
        # More workers than chips share the samples, otherwise the chips.
        found = run(network(), DATA, engines=engines, chips=chips, seed=5, jobs=2, batch=64)
        np.testing.assert_array_equal(found.outputs, whole.outputs[:chips])
        np.testing.assert_array_equal(found.spikes["neuron1"], whole.spikes["neuron1"][:chips])


def test_chips_that_do_not_differ_are_made_once():
    design = Laid(network()["conv2"].matrix, None, Spread())
    found = run(network(), DATA, engines={"conv2": design}, chips=4)
    assert design.chips == 1
    assert found.outputs.shape == (4, 150, 3)
    assert (found.outputs == found.outputs[0]).all()
    assert found.to_frame()["chip"].nunique() == 4


def test_what_chips_share_is_computed_once(monkeypatch):
    from circuitsnn.snn.evaluation import Evaluator

    evaluated = []
    original = Evaluator.__call__

    def counted(self, layer, *arguments):
        evaluated.append(layer.name)
        return original(self, layer, *arguments)

    monkeypatch.setattr(Evaluator, "__call__", counted)
    design = Laid(network()["conv2"].matrix, None, Spread(spread=0.1))
    run(network(), DATA[:20], engines={"conv2": design}, chips=5)
    assert [evaluated.count(name) for name in ("conv1", "neuron1", "pool", "conv2", "fc")] == [1, 1, 1, 5, 5]


def test_uses_of_layers_for_the_energy_models():
    found = run(network(), DATA, engines={"conv1": Spread(), "conv2": Spread(spread=0.1)}, chips=2)
    first, second, last = found.layer_uses()
    assert (first.name, first.inputs, first.steps, first.reused) == ("conv1", "analog", 4, True)
    assert (first.shape.C_i, first.shape.C_o, first.shape.k_x, first.shape.k_y, first.shape.H_o) == (2, 4, 3, 3, 4)
    assert first.operations == found.artificial_operations["conv1"]
    # Sixteen products with the matrix, each 1 pJ and 1 ns; in each of four steps three positions of the second.
    assert first.circuit.energy == pytest.approx(16e-12)
    assert second.circuit.delay == pytest.approx(4 * 3 * 1e-9)
    assert second.inputs == last.inputs == "spikes"
    assert last.circuit is None
    assert last.operations == pytest.approx(found.accumulations["fc"].mean())
    # Each of the fully connected layer's spikes goes to three outputs: its activity is that of its inputs.
    assert last.activity == pytest.approx(found.activity["neuron2"].mean())
    assert network_cost(found.layer_uses(), load_card("pim_datta2022")).total("circuit").energy > 16e-12
    anew = run(network(), DATA, engines={"conv1": Spread(read_every_step=True)}).layer_uses()[0]
    assert not anew.reused
    assert anew.circuit.energy == pytest.approx(4 * 16e-12)


def test_status_is_that_of_the_worst_design():
    design = Laid(network()["conv2"].matrix, None, Spread())
    design.status = Status("not accurate", "take a better one")
    found = run(network(), DATA, engines={"conv2": design})
    assert str(found.status) == "not accurate: layer conv2: take a better one"


@pytest.mark.parametrize(
    ("engines", "message"),
    [
        ({"conv9": Spread()}, "there is no layer 'conv9'"),
        ({"conv1": SpreadNeurons()}, "layer 'conv1' is of kind 'convolution'.*allowed is a MacEngine"),
        ({"neuron1": Spread()}, "layer 'neuron1' is of kind 'neuron'.*allowed is a NeuronEngine"),
        ({"pool": Spread()}, "layer 'pool' is of kind 'average_pool'.*allowed is None"),
        ({"fc": "macro"}, "its engine is str"),
    ],
)
def test_engines_that_do_not_fit(engines, message):
    with pytest.raises(InputError, match=message):
        run(network(), DATA, engines=engines)
    assert run(network(), DATA[:2], engines={"fc": None}).chips == 1


def test_a_macro_stands_for_an_engine():
    """Whole numbers as weights and an ideal macro: the exact product, in the network's units."""
    rng = np.random.default_rng(3)
    weights = rng.integers(-7, 8, (4, 12))
    macro = Macro(load_card("sram_macro_65nm"), weights, "ideal", weight_bits=4)
    net = Network((12,), (Neuron("neuron", 0.6), Dense("fc", weights.astype(float))), 3)
    x = rng.random((20, 12))
    exact, found = run(net, x), run(net, x, engines={"fc": macro}, chips=2)
    assert exact.outputs.any()
    np.testing.assert_allclose(found.outputs, np.repeat(exact.outputs, 2, axis=0), atol=1e-5)
    with pytest.raises(InputError, match="layer 'neuron' is of kind 'neuron'"):
        run(net, x, engines={"neuron": macro})
