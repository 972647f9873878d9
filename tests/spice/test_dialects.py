"""Decks of every dialect, read back by a parser that knows nothing of the writers."""

import re

import numpy as np
import pytest
from networks import drawn_network
from PySpice.Spice.Netlist import Circuit, SubCircuit
from PySpice.Unit import u_kOhm, u_pF

from circuitsnn.errors import InputError
from circuitsnn.spice import DIALECTS, DCSweep, Deck, OperatingPoint, Transient, oscillator_circuit, write_deck
from circuitsnn.spice.netlists import SPREADS, netlist
from tests.spice.deck_parser import read_deck

DEVICE = {
    "smooth": ("R_ins", "R_met", "V_L", "V_H", "alpha", "tau_0"),
    "relaxed": ("R_ins", "R_met", "V_L", "V_H", "tau_0"),
    "abrupt": ("R_ins", "R_met", "V_L", "V_H"),
}
ALL = pytest.mark.parametrize("dialect", DIALECTS)


def written(circuit, dialect, analysis=None, **rest):
    return write_deck(Deck(circuit, analysis or Transient(1e-6, 1e-9), **rest), dialect)


@ALL
@pytest.mark.parametrize("fidelity", DEVICE)
def test_a_drawn_network_comes_back_from_its_deck(dialect, fidelity):
    network, rng = drawn_network(4, np.random.default_rng(5)), np.random.default_rng(6)
    network.coupling_resistance[1, 3] = network.coupling_resistance[3, 1] = np.inf
    delays, close_at = rng.uniform(0, 2e-5, 4), 2.345678e-5
    circuit = oscillator_circuit(network, delays, close_at, fidelity)
    read = read_deck(written(circuit, dialect).text, dialect)
    assert len(read.elements) == 4 * 5 + 1 + 4 + 5
    own = network.parameters
    for i in range(4):
        supply = read.elements[f"Vosc{i}"]
        assert (supply.nodes, supply.master) == ([f"osc{i}_vdd", "0"], "PULSE")
        assert supply.values[:3] == pytest.approx([0, own["V_DD"][i], delays[i]], rel=1e-15, abs=0)
        meter, device, switch = (read.elements[f"X{name}"] for name in (f"meter_{i}", f"osc{i}", f"switch_{i}"))
        assert (meter.nodes, meter.master) == ([f"osc{i}_vdd", f"osc{i}_drive", f"osc{i}_energy"], "energy_meter")
        assert device.nodes == [f"osc{i}_{node}" for node in ("drive", "out", "metallic", "conductance")]
        assert device.master == f"vo2_{fidelity}"
        assert device.named == pytest.approx({name.lower(): own[name][i] for name in DEVICE[fidelity]}, rel=1e-15)
        assert (switch.nodes, switch.master) == ([f"osc{i}_out", f"osc{i}_bus", "coupling"], "coupling_switch")
        for name, quantity in ((f"Rs_{i}", "R_S"), (f"Cp_{i}", "C_P")):
            assert read.elements[name].nodes == [f"osc{i}_out", "0"]
            assert read.elements[name].values == pytest.approx([own[quantity][i]], rel=1e-15)
    coupling = np.full((4, 4), np.inf)
    for name, element in read.elements.items():
        if name.startswith("Rc_"):
            i, j = map(int, name.split("_")[1:])
            assert element.nodes == [f"osc{i}_bus", f"osc{j}_bus"]
            coupling[i, j] = coupling[j, i] = element.values[0]
    np.testing.assert_allclose(coupling, network.coupling_resistance, rtol=1e-15)
    assert read.elements["Vcoupling"].values[:3] == pytest.approx([0, 1, close_at], rel=1e-15)


@ALL
@pytest.mark.parametrize("kind", ["oscillator", "pair", "onn", "iv"])
def test_what_all_devices_share_is_a_parameter_at_the_top(dialect, kind):
    deck = netlist(kind, dialect, settings={"R_ins": "98k", "tau_0": "12n"})
    read = read_deck(deck.text, dialect)
    assert read.parameters["R_ins"] == 98e3
    assert read.parameters["tau_0"] == pytest.approx(12e-9, rel=1e-15)
    head = deck.text.split("\nV")[0].split("\nsubckt")[0]
    assert re.search(r"R_ins=98k\b", head)
    assert len(re.findall(r"\b98k\b", deck.text.split("\n\n", 1)[1])) == 1
    devices = [element for element in read.elements.values() if element.master == "vo2_relaxed"]
    assert len(devices) == {"oscillator": 1, "pair": 2, "onn": 60, "iv": 2}[kind]
    assert all(
        device.named["r_ins"] == 98e3 and device.named["tau_0"] == read.parameters["tau_0"] for device in devices
    )


@ALL
def test_a_memory_has_every_coupling_resistor_once(dialect):
    read = read_deck(netlist("onn", dialect, spread="drawn", seed=4).text, dialect)
    resistors = [element for name, element in read.elements.items() if name.startswith("Rc_")]
    assert len(resistors) == 60 * 59 // 2
    assert len({frozenset(element.nodes) for element in resistors}) == len(resistors)
    thresholds = [read.elements[f"Xosc{i}"].named["v_h"] for i in range(60)]
    assert len(set(thresholds)) == 60


def test_header_says_what_it_is_and_how_to_make_it():
    lines = netlist("pair", settings={"R_S": "15k"}, spread="drawn", seed=7, delay=0.1).text.splitlines()
    assert lines[0] == "* Two VO2 relaxation oscillators of card vo2_delacour2021 coupled by a resistor"
    assert lines[1].startswith("* Card vo2_delacour2021, relaxed transitions, each device drawn")
    assert "seed 7" in lines[1]
    assert lines[2].endswith(
        "circuitsnn netlist pair --dialect ngspice --set R_S=15k --delay 0.1 --spread drawn --seed 7"
    )
    assert lines[3] == "* Run it with: ngspice -b DECK"


@ALL
def test_analyses(dialect):
    circuit = Circuit("one resistor")
    circuit.V("1", "a", 0, "DC 1")
    circuit.R("1", "a", 0, "1k")
    expected = {
        "ngspice": (".tran 2n 30u 0 2n", ".op", ".dc V1 -1 2 10m"),
        "ltspice": (".tran 2n 30u 0 2n", ".op", ".dc V1 -1 2 10m"),
        "xyce": (".tran 2n 30u 0 2n", ".op", ".dc V1 -1 2 10m"),
        "hspice": (".tran 2n 30u", ".op", ".dc V1 -1 2 10m"),
        "spectre": ("tran1 tran stop=30u maxstep=2n", "op1 dc", "dc1 dc dev=V1 param=dc start=-1 stop=2 step=10m"),
        "vacask": (
            'analysis tran1 tran stop=30u step=2n maxstep=2n icmode="op"',
            "analysis op1 op",
            'sweep swept instance="V1" parameter="dc" from=-1 to=2 step=10m',
        ),
    }[dialect]
    for analysis, line in zip(
        (Transient(30e-6, 2e-9), OperatingPoint(), DCSweep("V1", -1, 2, 0.01)), expected, strict=True
    ):
        lines = [line.strip() for line in written(circuit, dialect, analysis).text.splitlines()]
        assert line in lines
    if dialect == "hspice":
        assert "delmax=2n" in written(circuit, dialect, Transient(30e-6, 2e-9)).text


@ALL
def test_values_of_a_circuit_that_the_user_went_on_editing(dialect):
    circuit = Circuit("edited")
    circuit.parameter("R_load", "4.7meg")
    circuit.R("unit", "a", 0, 10 @ u_kOhm)
    circuit.R("text", "a", "b", "4.7Meg")
    circuit.R("parameter", "a", "b", "{R_load}")
    circuit.R("half", "a", "b", "{R_load/2}")
    circuit.C("unit", "a", 0, 3 @ u_pF)
    circuit.R("number", "a", 0, 12345.678901234567)
    circuit.VCVS("twice", "c", 0, "a", 0, voltage_gain="2")
    circuit.PulseVoltageSource("pulse", "a", 0, initial_value=0, pulsed_value=1, pulse_width=1e-6, period=2e-6)
    inner = SubCircuit("divider", "top", "tap", R_top="1k")
    inner.R("1", "top", "tap", "{R_top}")
    inner.R("2", "tap", 0, "3k")
    circuit.subcircuit(inner)
    circuit.X("divider", "divider", "a", "d", R_top="2k")
    read = read_deck(written(circuit, dialect).text, dialect)
    values = {name: element.values for name, element in read.elements.items()}
    assert values["Runit"] == [10e3]
    assert values["Rtext"] == values["Rparameter"] == [4.7e6]
    assert values["Rhalf"] == [2.35e6]
    assert values["Rnumber"] == [12345.678901234567]
    assert values["Cunit"] == pytest.approx([3e-12], rel=1e-15)
    assert values["Etwice"] == [2.0]
    assert read.elements["Vpulse"].values[1] == 1.0
    assert read.elements["Vpulse"].values[5:] == pytest.approx([1e-6, 2e-6])
    assert read.elements["Xdivider"].named == {"r_top": 2e3}
    assert read.subcircuits["divider"] == ["top", "tap"]


@pytest.mark.parametrize("dialect", ["ngspice", "ltspice", "xyce", "hspice", "spectre"])
def test_expressions_keep_their_meaning(dialect):
    circuit = Circuit("expressions")
    circuit.R("1", "a", 0, "1k")
    circuit.B("1", "b", 0, i="V(a,c)*tanh(2k*V(a)) > 1m ? 1u : 0")
    circuit.B("2", "c", 0, v="max(V(a),0)**2")
    lines = written(circuit, dialect).text.splitlines()
    current, voltage = "V(a,c)*tanh(2000*V(a))>0.001?1u:0", "max(V(a),0)**2"
    expected = {
        "ngspice": (f"B1 b 0 I={current}", f"B2 c 0 V={voltage}"),
        "ltspice": (f"B1 b 0 I={current}", f"B2 c 0 V={voltage}"),
        "xyce": (f"B1 b 0 I={{{current}}}", f"B2 c 0 V={{{voltage}}}"),
        "hspice": (f"G_B1 b 0 cur='{current}'", f"E_B2 c 0 vol='{voltage}'"),
        "spectre": (f"B1 (b 0) bsource i={current.lower()}", f"B2 (c 0) bsource v={voltage.lower()}"),
    }[dialect]
    assert expected[0] in lines
    assert expected[1] in lines


@pytest.mark.parametrize(
    ("add", "dialect", "message"),
    [
        (lambda c: c.B("1", "a", 0, i="u2(V(a))"), "ngspice", "element B1 cannot be written for ngspice: .*calls 'u2'"),
        (lambda c: c.B("1", "a", 0, i="V(a)"), "vacask", "element B1 cannot be written for vacask.*no element 'B'"),
        (lambda c: c.B("1", "a", 0, i="I(V1)"), "spectre", "element B1 .*reads the current of V1"),
        (lambda c: c.B("1", "a", 0, i="V(a) & 3"), "ngspice", "cannot be translated from '& 3' on"),
        (lambda c: c.S("1", "a", 0, "b", 0, model="m"), "xyce", "element S1 cannot be written for xyce"),
        (lambda c: c.R("1", "a\n.include x", 0, 1), "ngspice", "holds the name 'a\\\\n.include x'"),
        (lambda c: c.R("1 2 3\n.include x", "a", 0, 1), "spectre", "holds the name"),
        (lambda c: c.R("1", "a", 0, "1k\n.include x"), "ngspice", "cannot be translated"),
        (lambda c: c.R("1", "a", 0, "inf"), "ngspice", None),
        (lambda c: c.V("1", "a", 0, "NOISE(1 2)"), "ngspice", "gives NOISE; allowed: PULSE"),
        (lambda c: c.V("1", "a", 0, "DC 0 AC 1"), "ngspice", "AC part"),
        (lambda c: c.X("1", "part\n.include x", "a"), "ngspice", "holds the name 'part"),
        (lambda c: c.X("1", "part\n.include x", "a"), "vacask", "holds the name 'part"),
        (lambda c: c.model("m", "D\n.include x", IS=1e-14), "ngspice", "holds the name 'D"),
        (lambda c: c.model("m", "D", IS=1e-14), "vacask", "model m of type D"),
        (lambda c: setattr(c, "raw_spice", ".include x"), "spectre", "raw line '.include x'"),
    ],
)
def test_what_a_dialect_cannot_say_is_refused_by_name(add, dialect, message):
    circuit = Circuit("refused")
    add(circuit)
    if message is None:
        assert "R1 a 0 {inf}" in written(circuit, dialect).text  # a parameter of that name is the user's business
        return
    with pytest.raises(InputError, match=message):
        written(circuit, dialect)


@ALL
def test_random_devices_each_have_draws_of_their_own(dialect):
    if dialect == "vacask":
        with pytest.raises(InputError, match="no random functions; write a deck in which each device has a drawn"):
            netlist("pair", dialect, spread="random")
        return
    text = netlist("pair", dialect, spread="random").text
    scores = {
        "ngspice": ".param z_V_H_1={agauss(0,1,1)}",
        "ltspice": ".param z_V_H_1={0+gauss(1)}",
        "xyce": ".param z_V_H_1={agauss(0,1,1)}",
        "hspice": ".param z_V_H_1=agauss(0,1,1)",
        "spectre": "vary z_V_H_1 dist=gauss std=1",
    }
    assert scores[dialect] in text
    assert text.count("V_H*(1+0.01*z_V_H_0)") == text.count("V_H*(1+0.01*z_V_H_1)") == 1
    assert text.count("R_ins*exp(0.049969*z_R_ins_1)") == 1


def test_words_are_checked():
    for words, message in (
        ({"kind": "ring"}, "kind is 'ring'; allowed: oscillator, pair, onn, iv, bitline, adc"),
        ({"dialect": "pspice"}, "dialect is 'pspice'; allowed: ngspice"),
        ({"spread": "some"}, f"spread is 'some'; allowed: {', '.join(SPREADS)}"),
        ({"fidelity": "sharp"}, "fidelity is 'sharp'"),
        ({"delay": 1.5}, "delay is 1.5 periods"),
        ({"periods": -1}, "periods is -1"),
        ({"kind": "onn", "image": 6}, "image is 6; allowed is 0 to 5"),
        ({"max_step": 0.0}, "max_step is 0.0 s"),
        ({"image": 2}, "image is 2, which 'pair' does not heed; allowed: card, comment, coupling_resistance, delay"),
        ({"kind": "oscillator", "delay": 0.1}, "delay is 0.1, which 'oscillator' does not heed"),
        ({"kind": "onn", "coupling_resistance": 5e3}, "coupling_resistance is 5000.0, which 'onn' does not heed"),
        ({"kind": "iv", "spread": "drawn"}, "spread is 'drawn', which 'iv' does not heed"),
        ({"kind": "iv", "seed": 3}, "seed is 3, which 'iv' does not heed"),
        ({"options": {"reltol=1\n.include x": 1}}, "option 'reltol=1\\n.include x' is 1; allowed are letters"),
        ({"options": {"reltol": "1\n.include x"}}, "option 'reltol' is '1\\n.include x'; allowed are letters"),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            netlist(**({"kind": "pair"} | words))
