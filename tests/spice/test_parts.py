"""Library parts: the same ports, parameters and values in every form, and only what every dialect can say."""

import re

import pytest
from PySpice.Spice.BasicElement import VoltageControlledSwitch

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.resources import resource_folder
from circuitsnn.spice.numbers import spice_number
from circuitsnn.spice.parts import (
    FIDELITIES,
    TAU_FEEDBACK,
    coupling_switch,
    cycle_meter,
    energy_meter,
    tau_feedback,
    vo2,
)
from circuitsnn.spice.transistors import transistor

PARTS = [*map(vo2, FIDELITIES), energy_meter(), cycle_meter(), coupling_switch()]
PARTS += [transistor("nmos"), transistor("pmos")]
NAMES = [part.name for part in PARTS]
PREFIXES = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "": 1.0}  # of Verilog-A


@pytest.mark.parametrize("part", PARTS, ids=NAMES)
def test_every_form_has_the_same_name_ports_and_parameters(part):
    other = part.without_switch
    assert other.name == part.name
    assert other.external_nodes == part.external_nodes
    assert {**other.parameters, **part.parameters} == other.parameters
    assert set(other.parameters) - set(part.parameters) <= {"tau_feedback"}
    ports, parameters = verilog_a(part.verilog_a)
    assert ports == part.external_nodes
    assert {name: spice_number(parameters[name.lower()]) for name in other.parameters} == other.parameters
    assert set(part.verilog_a.parameters) <= set(parameters)


def verilog_a(module):
    """Ports and default parameters of a Verilog-A module."""
    text = re.sub(r"//.*", "", (resource_folder("devices") / module.file).read_text())
    ports = re.search(rf"module {module.module}\((.*?)\);", text)[1].replace(" ", "").split(",")
    found = re.findall(r"parameter (?:real|integer) (\w+) = ([\d.]+)([a-zA-Z]?) from", text)
    return tuple(ports), {name: float(f"{float(number) * PREFIXES[prefix]:.12g}") for name, number, prefix in found}


def test_defaults_are_those_of_the_card():
    card = load_card("vo2_delacour2021")
    defaults = vo2("smooth").parameters
    assert {name: spice_number(getattr(card, name)) for name in defaults if name != "tau_feedback"} == {
        name: value for name, value in defaults.items() if name != "tau_feedback"
    }
    assert defaults["tau_feedback"] == "100f"
    assert tau_feedback(card.R_met, card.C_P) == TAU_FEEDBACK


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_each_fidelity_has_the_parameters_that_it_needs(fidelity):
    needed = {"R_ins", "R_met", "V_L", "V_H"}
    needed |= {"smooth": {"alpha", "tau_0"}, "relaxed": {"tau_0"}, "abrupt": set()}[fidelity]
    assert set(vo2(fidelity).parameters) - {"tau_feedback"} == needed
    assert vo2(fidelity).verilog_a.parameters == {"fidelity": FIDELITIES.index(fidelity)}


@pytest.mark.parametrize("part", PARTS, ids=NAMES)
def test_forms_without_switch_hold_none_and_only_common_functions(part):
    assert not part.without_switch.model_names
    for element in part.without_switch.elements:
        assert not isinstance(element, VoltageControlledSwitch)
    text = str(part.without_switch)
    functions = set(re.findall(r"([a-z]\w*)\(", text))
    assert functions <= {"tanh", "sinh", "asinh", "min", "max", "abs", "exp", "ln", "sqrt"}
    assert not re.search(r"[?^]|\*\*|&&|==", text)


@pytest.mark.parametrize("part", PARTS, ids=NAMES)
def test_nothing_has_to_be_parsed_from_text(part):
    for form in (part, part.without_switch):
        assert form.raw_spice == ""
        assert {element.name[0] for element in form.elements} <= set("RCVBEGS")


@pytest.mark.parametrize("file", ["vo2.va", "energy_meter.va", "cycle_meter.va", "coupling_switch.va", "mosfet.va"])
def test_verilog_a_stays_within_the_analog_subset(file):
    text = re.sub(r"//.*", "", (resource_folder("devices") / file).read_text())
    assert not re.search(r"[@$#]|`(?!include \"disciplines.vams\")", text)


def test_both_forms_have_one_sharpness():
    text = (resource_folder("devices") / "vo2.va").read_text()
    assert "localparam real sharpness = 10M;" in text
    assert "asinh(20000000*(" in str(vo2("abrupt").without_switch)


def test_switch_compares_an_amplified_voltage():
    part = vo2("relaxed")
    assert part["Gcompare"].node_names == ["0", "compare", "drive", "out"]
    assert part["Gcompare"].transconductance == "100k"
    (state,) = part.models
    assert state["vt"] == "{100k*(V_H+V_L)/2}"
    assert state["vh"] == "{100k*(V_H-V_L)/2}"
    assert vo2("relaxed", comparator_gain=1.0)["Gcompare"].transconductance == "1"
    assert [model["ron"] for model in vo2("abrupt").models] == ["1u", "{R_met}"]


def test_unknown_fidelity_is_named():
    with pytest.raises(InputError, match="'abrupt'"):
        vo2("sharp")


@pytest.mark.parametrize(("R_met", "C_P", "expected"), [(990.0, 500e-15, 1e-16), (5.6e3, 1.8e-9, 2e-12)])
def test_time_constant_of_the_feedback_follows_the_oscillator(R_met, C_P, expected):
    assert tau_feedback(R_met, C_P) == expected
