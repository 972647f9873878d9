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
