"""The transistor of netlists in ngspice and VACASK: its current beside the equations, a foundry's in its place.

Measured over the grid below: largest relative error 4e-12 (ngspice 39) and 3e-12 (VACASK 0.3.4) above 1 fA.
"""

import itertools
import math
import re

import numpy as np
import pytest
from PySpice.Spice.Netlist import Circuit
from scipy.constants import Boltzmann, elementary_charge

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.spice import DIALECTS, Deck, OperatingPoint, simulate, spice_number, write_deck
from circuitsnn.spice.transistors import FoundryTransistor, Transistors, transistor, transistor_parameters
from circuitsnn.transistor.mosfet import Conditions, Mosfet

CARDS = {"nmos": load_card("nmos_65nm"), "pmos": load_card("pmos_65nm")}
TIGHT = {
    "ngspice": {"reltol": 1e-9, "vntol": 1e-12, "abstol": 1e-18},
    "vacask": {"reltol": 1e-9, "vntol": 1e-12, "abstol": 1e-18},
}
SIZE = {"W": 200e-9, "L": 65e-9, "threshold_shift": 0.021, "current_factor_shift": -0.04}
# Gate, drain, source against ground; from deep off to strong inversion, forwards, backwards and balanced.
GRID = list(itertools.product((-0.3, 0.0, 0.31, 0.6, 1.2), (0.0, 0.003, 0.4, 1.2), (0.0, 0.05, 1.2)))


def equations(card, kind, conditions, bulk, gate, drain, source):
    """Write the drain current out from docs/theory/transistor.md, without the package's kernel. [A]."""
    slow = {"T": 0, "F": -1, "S": 1}[conditions.corner[0 if kind == "nmos" else 1]]
    sign = 1 if kind == "nmos" else -1
    g, d, s = (sign * (each - bulk) for each in (gate, drain, source))
    t = conditions.temperature
    phi = Boltzmann * t / elementary_charge
    v_t = card.V_T0 + card.dV_T_dT * (t - card.T_ref) + slow * card.V_T_corner + SIZE["threshold_shift"]
    k_p = card.K_P * (t / card.T_ref) ** card.mobility_exponent * (1 - slow * card.K_P_corner)
    beta = k_p * SIZE["W"] / SIZE["L"] * (1 + SIZE["current_factor_shift"])
    v_p = (g - v_t + card.sigma_DIBL * (d + s)) / card.n
    q_f, q_r = (np.logaddexp(0, (v_p - v) / (2 * phi)) for v in (s, d))
    along = 1 + card.lambda_CLM * (math.hypot(d - s, 2 * phi) - 2 * phi)
    i_d = 2 * card.n * beta * phi**2 * (q_f**2 - q_r**2) * along
    return sign * i_d / (1 + card.theta * card.n * phi * (q_f + q_r))


def biased(kind, conditions, bulk, foundry=None):
    """One transistor for each point of the grid, each with sources of its own."""
    circuit = Circuit("transistors")
    rows = Transistors(circuit, CARDS, conditions, foundry)
    values = {name: value for name, value in SIZE.items() if not foundry or name in "WL"}
    circuit.V("bulk", "bulk", 0, spice_number(bulk))
    for k, (gate, drain, source) in enumerate(GRID):
        for node, voltage in (("g", gate), ("d", drain), ("s", source)):
            circuit.V(f"{node}{k}", f"{node}{k}", 0, spice_number(voltage))
        rows.add(f"m{k}", kind, (f"d{k}", f"g{k}", f"s{k}", "bulk"), **values)
    return circuit


@pytest.mark.parametrize("engine", TIGHT)
@pytest.mark.parametrize("kind", CARDS)
@pytest.mark.parametrize("conditions", [Conditions(), Conditions("SF", 358.15)])
def test_current_is_that_of_the_equations(engine, kind, conditions):
    bulk = 0.0 if kind == "nmos" else 1.2
    saved = tuple(f"i(Vd{k})" for k in range(len(GRID)))
    deck = Deck(biased(kind, conditions, bulk), OperatingPoint(), (), saved, TIGHT[engine])
    answer = simulate(deck, engine)
    found = np.array([-float(np.ravel(answer[f"i(vd{k})"])[0]) for k in range(len(GRID))])
    card = CARDS[kind]
    expected = np.array([equations(card, kind, conditions, bulk, *point) for point in GRID])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-19)
    own = Mosfet(card, SIZE["W"], SIZE["L"], conditions, SIZE["threshold_shift"], SIZE["current_factor_shift"])
    gate, drain, source = np.transpose(GRID)
    np.testing.assert_allclose(found, own.drain_current(gate, drain, source, bulk), rtol=1e-10, atol=1e-19)
    assert np.max(np.abs(expected)) > 1e-5
    assert np.min(np.abs(expected[expected != 0])) < 1e-12


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_all_transistors_share_stands_at_the_top(dialect):
    """At a corner and a temperature, ready to be swept; each transistor has its own size and mismatch."""
    text = write_deck(Deck(biased("pmos", Conditions("FS", 250.0), 1.2), OperatingPoint()), dialect).text
    shared = transistor_parameters(CARDS, Conditions("FS", 250.0))
    n, p = CARDS["nmos"], CARDS["pmos"]
    colder = 250.0 - n.T_ref
    assert shared["V_T_nmos"] == pytest.approx(n.V_T0 - n.V_T_corner + n.dV_T_dT * colder, rel=1e-12)
    assert shared["V_T_pmos"] == pytest.approx(p.V_T0 + p.V_T_corner + p.dV_T_dT * colder, rel=1e-12)
    fast = n.K_P * (1 + n.K_P_corner) * (250.0 / n.T_ref) ** n.mobility_exponent
    assert shared["K_P_nmos"] == pytest.approx(fast, rel=1e-12)
    for name in shared:
        assert len(re.findall(rf"^(?:\.param|parameters) {name}=", text, re.M)) == 1
    shift = "threshold_shift=21m"
    assert text.count(shift) == len(GRID)


def test_a_simulator_follows_a_parameter_at_the_top():
    circuit = biased("nmos", Conditions(), 0.0)
    circuit.parameter("V_T_nmos", "0.55")
    answer = simulate(Deck(circuit, OperatingPoint(), (), ("i(Vd47)",), TIGHT["ngspice"]), "ngspice")
    higher = {**SIZE, "threshold_shift": SIZE["threshold_shift"] + 0.1}
    own = Mosfet(CARDS["nmos"], higher["W"], higher["L"], Conditions(), higher["threshold_shift"], -0.04)
    gate, drain, source = GRID[47]
    expected = own.drain_current(gate, drain, source)
    assert -float(np.ravel(answer["i(vd47)"])[0]) == pytest.approx(float(expected), rel=1e-9)


LIBRARY = """* a foundry's library
.lib tt
.subckt nch_mac d g s b w=1u l=1u
M1 d g s b nch W={w} L={l}
.model nch nmos level=14 version=4.8.2 toxe=1.8n vth0=0.45 u0=0.03
.ends
.subckt pch_mac d g s b w=1u l=1u
M1 d g s b pch W={w} L={l}
.model pch pmos level=14 version=4.8.2 toxe=1.8n vth0=-0.45 u0=0.01
.ends
.endl tt
.lib ss
.subckt nch_mac d g s b w=1u l=1u
M1 d g s b nch W={w} L={l}
.model nch nmos level=14 version=4.8.2 toxe=1.8n vth0=0.50 u0=0.03
.ends
.subckt pch_mac d g s b w=1u l=1u
M1 d g s b pch W={w} L={l}
.model pch pmos level=14 version=4.8.2 toxe=1.8n vth0=-0.5 u0=0.01
.ends
.endl ss
"""


def foundry(file="models.l", section="tt"):
    return {kind: FoundryTransistor(f"{kind[0]}ch_mac", str(file), section) for kind in CARDS}


def test_a_foundrys_subcircuit_in_ngspice(tmp_path):
    """The same transistor from the library's two sections, beside the same BSIM4 model written into a deck."""
    (tmp_path / "models.l").write_text(LIBRARY)
    currents = {}
    for section in ("tt", "ss"):
        circuit = biased("nmos", Conditions(), 0.0, foundry(tmp_path / "models.l", section))
        answer = simulate(Deck(circuit, OperatingPoint(), (), ("i(Vd54)", "i(Vd45)")), "ngspice")
        currents[section] = [-float(np.ravel(answer[f"i(vd{k})"])[0]) for k in (54, 45)]
    assert GRID[54] == (1.2, 0.4, 0.0)
    assert 2e-5 < currents["ss"][0] < 0.97 * currents["tt"][0] < 1e-3
    plain = Circuit("the model itself")
    plain.raw_spice += ".model nch nmos level=14 version=4.8.2 toxe=1.8n vth0=0.45 u0=0.03\n"
    plain.raw_spice += "M1 d g 0 0 nch W=200n L=65n\n"
    plain.V("d", "d", 0, "DC 0.4")
    plain.V("g", "g", 0, "DC 1.2")
    answer = simulate(Deck(plain, OperatingPoint(), (), ("i(Vd)",)), "ngspice")
    assert -float(np.ravel(answer["i(vd)"])[0]) == pytest.approx(currents["tt"][0], rel=1e-6)


@pytest.mark.parametrize(
    ("dialect", "library", "instance"),
    [
        ("ngspice", ".lib models.l tt", "Xm7 d7 g7 s7 bulk nch_mac w=200n l=65n"),
        ("ltspice", ".lib models.l tt", "Xm7 d7 g7 s7 bulk nch_mac PARAMS: w=200n l=65n"),
        ("xyce", ".lib models.l tt", "Xm7 d7 g7 s7 bulk nch_mac PARAMS: w=200n l=65n"),
        ("hspice", ".lib 'models.l' tt", "Xm7 d7 g7 s7 bulk nch_mac w=200n l=65n"),
        ("spectre", 'include "models.l" section=tt', "Xm7 (d7 g7 s7 bulk) nch_mac w=200n l=65n"),
        ("vacask", 'include "models.l" section=tt', "Xm7 (d7 g7 s7 bulk) nch_mac w=200n l=65n"),
    ],
)
def test_a_foundrys_subcircuit_in_each_dialect(dialect, library, instance):
    lines = write_deck(Deck(biased("nmos", Conditions(), 0.0, foundry()), OperatingPoint()), dialect).text.splitlines()
    assert lines.count(library) == 1
    assert instance in lines
    assert not any("u_f" in line or "mosfet" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"subcircuit": "nch\n.include x"}, r"subcircuit is 'nch\\n.include x'; allowed is one word"),
        ({"section": "tt shell"}, "section is 'tt shell'; allowed is one word"),
        ({"width": "w=1 x"}, "width is 'w=1 x'; allowed is one word"),
        ({"length": ""}, "length is ''; allowed is one word"),
        ({"parameters": {"nf 1": 1.0}}, "parameter 'nf 1' is 'nf 1'; allowed is one word"),
    ],
)
def test_names_of_a_foundry_are_checked(words, message):
    with pytest.raises(InputError, match=message):
        FoundryTransistor(**({"subcircuit": "nch", "file": "models.l"} | words))


@pytest.mark.parametrize("file", ["a b.l", "a.l\n.control", "a.l'", 'a.l"', "a.l;x", "$(x).l", "a\\", ""])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_names_of_files_are_checked(dialect, file):
    with pytest.raises(InputError, match="the circuit includes the file"):
        write_deck(Deck(biased("nmos", Conditions(), 0.0, foundry(file)), OperatingPoint()), dialect)


def test_what_does_not_go_together_is_refused():
    circuit = Circuit("refused")
    with pytest.raises(InputError, match="foundry names a subcircuit for nmos; this circuit has nmos, pmos"):
        Transistors(circuit, CARDS, foundry={"nmos": FoundryTransistor("nch", "models.l")})
    rows = Transistors(circuit, CARDS, foundry=foundry())
    with pytest.raises(InputError, match="is the foundry's nch_mac, which takes no current_factor_shift"):
        rows.add("m", "nmos", ("d", "g", "s", "b"), **SIZE)
    with pytest.raises(InputError, match="kind is 'npn'; allowed: nmos, pmos"):
        transistor("npn")
