"""Energy of whole networks: against sums written out anew, and the paper's shapes counted by hand."""

import re
from dataclasses import replace
from math import log2, sqrt
from pathlib import Path

import numpy as np
import pytest

from circuitsnn.cards import load_card
from circuitsnn.energy.ace_snn import NETWORKS, SCENES, ann_layers, cnn_3d, cnn_32h, snn_layers
from circuitsnn.energy.network import FIGURES, LayerUse, network_cost
from circuitsnn.energy.pim import Cost, LayerShape, Reading
from circuitsnn.errors import InputError

# Indian Pines: weights and output positions of each layer, by hand from Table 1.
CNN_3D = [(540, 1782), (2400, 891), (90_720, 99), (21_168, 50), (21_168, 50), (14_112, 26), (34_944, 1)]
CNN_32H = [(14_580, 27), (576, 2200), (73_728, 1978), (6_881_280, 1), (8_192, 1)]
RATE, STEPS = 0.568, 5


def close(value, rel=1e-9):
    """As `pytest.approx`, which otherwise takes any two picojoules for equal."""
    return pytest.approx(value, rel=rel, abs=0.0)


@pytest.fixture(scope="module")
def card():
    return load_card("pim_datta2022")


def written_out(layers, kind, dot_length):
    """Energy [J] and delay [s] by the corrected equations and Table 4, without the package."""
    bits = 32 if kind == "ANN-32" else 6
    E_mac, E_ac = 3.1e-12 * (bits / 32) ** 1.25, 0.1e-12 * 6 / 32
    latency = log2(bits) / log2(6)
    energy = delay = 0.0
    for k, (W, P) in enumerate(layers):
        if kind.startswith("SNN") and k > 0:
            energy += W * 5.2e-12 + W * P * RATE * E_ac
            delay += W * 6 / (64 * 4) * 4e-9 + STEPS * W / 175 * P * 0.4e-9
        elif kind == "SNN, array":
            energy += W * P * (0.08e-12 + 0.268e-12 / dot_length)
            delay += W * 6 / (256 * 4) * P * (4e-9 + 6e-9 / dot_length)
        else:
            first = 3.1e-12 * (sqrt(8 * bits) / 32) ** 1.25 if bits < 8 else E_mac
            energy += W * 5.2e-12 + W * P * (E_mac if k else first)
            delay += W * bits / (64 * 4) * 4e-9 + W / 175 * P * 4e-9 * latency
    return energy, delay


@pytest.mark.parametrize(("network", "layers", "dot_length"), [("CNN-3D", CNN_3D, 27), ("CNN-32H", CNN_32H, 162)])
@pytest.mark.parametrize("kind", ["ANN-32", "ANN-6", "SNN", "SNN, array"])
def test_networks_of_the_paper(card, network, layers, dot_length, kind):
    shapes = NETWORKS[network](*SCENES["IP"])
    assert [(shape.weights, shape.positions) for shape in shapes] == layers
    if kind.startswith("ANN"):
        uses = ann_layers(shapes, int(kind[4:]))
    else:
        uses = snn_layers(shapes, RATE, STEPS, in_memory=kind.endswith("array"))
    total = network_cost(uses, card).total("circuit")
    assert (total.energy, total.delay) == close(written_out(layers, kind, dot_length))


@pytest.mark.parametrize(
    ("scene", "depths", "weights"),
    [("IP", (198, 99, 99, 50, 50, 26), 185_052), ("PU", (101, 51, 51, 26, 26, 14), 160_692),
     ("SS", (202, 101, 101, 51, 51, 26), 185_052)],
)  # fmt: skip
def test_shapes(scene, depths, weights):
    shapes = cnn_3d(*SCENES[scene])
    assert tuple(shape.D_o for shape in shapes[:-1]) == depths
    assert sum(shape.weights for shape in shapes) == weights
    assert cnn_32h(*SCENES["IP"])[3].C_i == 13_440  # Table 1: the size of the linear layer's input


def test_three_figures_of_a_layer_by_hand(card):
    shape = LayerShape(3, 4, 2, 2, 1, 5, 5)  # 48 weights, 25 positions
    layer = LayerUse("first", shape, "spikes", activity=0.5, steps=10, circuit=Cost({"array": 2e-9}, {"array": 3e-6}),
                     circuit_source="a transient")  # fmt: skip
    cost = network_cost([layer], card.replace(P_leak="1 uW"))
    frame = cost.to_frame().set_index(["layer", "figure"])
    operations = 48 * 25 * 0.5 * 0.1e-12 * 6 / 32
    assert frame.loc[("first", "operations"), "energy"] == close(operations)
    delay = 48 / (64 / 6 * 4) * 4e-9 + 10 * 48 / 175 * 25 * 0.4e-9
    assert frame.loc[("first", "memory"), "energy"] == close(operations + 48 * 5.2e-12 + 1e-6 * delay)
    assert frame.loc[("first", "memory"), "delay"] == close(delay)
    assert frame.loc[("first", "circuit"), "energy"] == 2e-9
    assert frame.loc[("first", "circuit"), "edp"] == close(6e-15)
    assert frame.loc[("first", "circuit"), "source"] == "a transient"
    assert frame.loc[("total", "memory"), "energy"] == frame.loc[("first", "memory"), "energy"]


def test_every_row_has_its_source(card):
    cost = network_cost(snn_layers(cnn_3d(*SCENES["IP"]), RATE, STEPS, in_memory=True), card)
    frame = cost.to_frame()
    assert len(frame) == 3 * (7 + 1)
    sources = frame.set_index(["layer", "figure"])["source"]
    assert "Horowitz 2014" in sources["convolution 1", "operations"]
    assert "6 by 8 bits, scaled by Q^1.25" in sources["convolution 1", "operations"]
    assert "equations 22 and 23, corrected" in sources["convolution 1", "memory"]
    assert "equations 26 and 27" in sources["convolution 1", "circuit"]
    assert "equations 24 and 25" in sources["convolution 2", "memory"]
    assert sources["fully connected 7", "circuit"] == "digital hardware, as for memory"


def test_operations_without_memory_under_report(card):
    """The three figures rise where nothing is in an array; the gain of the operation proxy is the largest."""
    shapes = cnn_32h(*SCENES["IP"])
    ann, snn = network_cost(ann_layers(shapes, 6), card), network_cost(snn_layers(shapes, RATE, STEPS), card)
    ratio = ann.ratio_to(snn)
    assert list(ratio.index) == list(FIGURES)
    assert ratio.loc["operations", "energy"] > 10 * ratio.loc["memory", "energy"]
    assert ratio.loc["memory", "energy"] == close(ann.total().energy / snn.total().energy)
    assert ratio.loc["memory", "edp"] == close(ratio.loc["memory", "energy"] * ratio.loc["memory", "delay"])
    assert snn.ratio_to(snn).to_numpy() == close(np.ones((3, 3)))


def test_layer_1_caps_the_gain(card):
    """14,600,616 multiplications, 962,280 of them in layer 1, which multiplies in the spiking network, too."""
    shapes, reading = cnn_3d(*SCENES["IP"]), Reading(E_mac_mixed=3.1e-12 * (6 / 32) ** 1.25)
    ann, silent = (
        network_cost(uses, card, reading) for uses in (ann_layers(shapes, 6), snn_layers(shapes, 0.0, STEPS))
    )
    cap = 14_600_616 / 962_280
    assert cap == pytest.approx(15.17, abs=0.005)
    assert ann.ratio_to(silent).loc["operations", "energy"] == close(cap)
    # What is fetched makes it less, whatever the rate.
    assert ann.ratio_to(silent).loc["memory", "energy"] < cap
    # The share of layer 1 and the gain go together.
    snn = network_cost(snn_layers(shapes, RATE, STEPS), card, reading)
    assert ann.ratio_to(snn).loc["operations", "energy"] == close(cap * snn.share("convolution 1", "operations"))


def test_measured_operations_replace_counted_ones(card):
    shape = LayerShape(20, 40, 1, 1, 3, 3, 3, 99)
    counted = LayerUse("a", shape, "spikes", activity=0.7, steps=5)
    measured = replace(counted, operations=shape.macs * 0.7)
    assert network_cost([measured], card).total().energy == close(network_cost([counted], card).total().energy)
    fewer = replace(counted, operations=np.float32(1000.0), activity=np.float32(0.7))
    assert network_cost([fewer], card).total("operations").energy == close(1000 * 0.01875e-12)


def test_analog_inputs_computed_in_every_step(card):
    once = LayerUse("a", LayerShape(1, 20, 3, 3, 3, 3, 3, 198), "analog", steps=5, input_bits=8, circuit="in_memory")
    often = replace(once, reused=False)
    ratio = network_cost([often], card).ratio_to(network_cost([once], card))
    assert ratio.loc["operations", "energy"] == close(5)
    assert ratio.loc["circuit", "energy"] == close(5)
    assert 4.9 < ratio.loc["memory", "energy"] < 5  # weights are fetched once


def test_energies_as_measured(card):
    measured = load_card("operations_horowitz2014_45nm")
    layers = [
        LayerUse("a", LayerShape(10, 10), "analog", input_bits=8),
        LayerUse("b", LayerShape(10, 10), "spikes", 2.0),
    ]
    cost = network_cost(layers, card, operations=measured)
    assert cost.total("operations", ["a"]).energy == close(100 * 0.23e-12)
    assert cost.total("operations", ["b"]).energy == close(200 * 0.03e-12)
    assert cost.total("memory") == network_cost(layers, card).total("memory")
    long = network_cost([replace(layers[0], input_bits=16)], card, operations=measured)
    assert long.total("operations").energy == close(100 * 3.2e-12)  # the longer operand decides


def test_example_of_the_page(capsys):
    page = (Path(__file__).parents[2] / "docs/theory/energy.md").read_text(encoding="utf-8")
    [program] = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    exec(compile(program, "docs/theory/energy.md", "exec"), {})
    assert "operations" in capsys.readouterr().out


def test_wrong_input(card):
    shape = LayerShape(1, 1)
    for field, value in [
        ("shape", 3), ("inputs", "pixels"), ("activity", -1), ("activity", float("nan")), ("activity", True),
        ("operations", float("inf")), ("steps", 0), ("steps", True), ("reused", 1), ("circuit", "array"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=f"layer a: {field} is"):
            LayerUse(**{"name": "a", "shape": shape, "inputs": "spikes", field: value})
    with pytest.raises(InputError, match="name is ''"):
        LayerUse("", shape, "spikes")
    layer = LayerUse("a", shape, "spikes")
    with pytest.raises(InputError, match="layer a is there twice"):
        network_cost([layer, layer], card)
    with pytest.raises(InputError, match="one or more"):
        network_cost([], card)
    with pytest.raises(InputError, match="form is 'printed'"):
        network_cost([layer], card, "printed")
    with pytest.raises(InputError, match="allowed is a card of kind 'operation_energies'"):
        network_cost([layer], card, operations=card)
    cost = network_cost([layer], card)
    with pytest.raises(InputError, match="figure is 'all'; allowed: operations, memory, circuit"):
        cost.total("all")
    with pytest.raises(InputError, match="there is no layer 'b'; allowed: a"):
        cost.share("b")
    with pytest.raises(InputError, match="other is 3"):
        cost.ratio_to(3)
    with pytest.raises(InputError, match="rates are 2; allowed is one number, or 6"):
        snn_layers(cnn_3d(*SCENES["IP"]), [0.1, 0.2], STEPS)
