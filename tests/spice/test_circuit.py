"""The circuit of a network: the right elements, values and connections, as data and as text."""

import numpy as np
import pytest
import scipy.sparse
from reference_solver import all_to_all, plain_network

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.spice import Deck, Transient, hysteresis_circuit, oscillator_circuit, saved_nodes, write_deck


def test_every_oscillator_has_its_own_values():
    network = plain_network(3, R_S=np.array([20e3, 15e3, 12345.678901234567]), V_H=np.array([1.999, 2.0, 1.98]))
    circuit = oscillator_circuit(network, [0.0, 1e-6, 2.5e-6])
    text = str(circuit)
    assert "Rs_1 osc1_out 0 15k" in text
    assert "Rs_2 osc2_out 0 12345.678901234567" in text
    assert ".param C_P=500p" in text
    assert "Cp_0 osc0_out 0 {C_P}" in text
    assert circuit["Xosc1"].parameters["V_H"] == "2"
    assert circuit["Xosc1"].parameters["R_ins"] == "{R_ins}"
    assert "Vosc0 osc0_vdd 0 PULSE(0 {V_DD} 0 {t_rise} {t_rise} 1k 2k)" in text
    assert "Vosc2 osc2_vdd 0 PULSE(0 {V_DD} 2.5u {t_rise} {t_rise} 1k 2k)" in text


def test_each_coupling_appears_once_between_switched_nodes():
    resistance = all_to_all(10e3, 8)
    resistance[3, 7] = resistance[7, 3] = 13.2e3
    resistance[0, 1] = resistance[1, 0] = np.inf
    circuit = oscillator_circuit(plain_network(8, resistance), np.zeros(8), close_at=1e-6)
    assert circuit["Rc_3_7"].node_names == ["osc3_bus", "osc7_bus"]
    assert circuit["Rc_3_7"].resistance == "13.2k"
    assert len([name for name in circuit.element_names if name.startswith("Rc_")]) == 27
    assert circuit["Xswitch_3"].node_names == ["osc3_out", "osc3_bus", "coupling"]


def test_sparse_and_dense_coupling_give_the_same_circuit():
    ring = scipy.sparse.coo_array(([5e3] * 6, ([0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2])), shape=(4, 4))
    dense = np.full((4, 4), np.inf)
    dense[ring.row, ring.col] = 5e3
    texts = [
        str(oscillator_circuit(plain_network(4, coupling), np.zeros(4), close_at=1e-6))
        for coupling in (ring, ring.tocsr(), dense)
    ]
    assert texts[0] == texts[1] == texts[2]
    assert "osc3_bus" not in texts[0]  # coupled to nothing: no switch


def test_uncoupled_needs_no_switches():
    circuit = oscillator_circuit(plain_network(2), [0.0, 0.0])
    assert not any(name.startswith(("Xswitch", "Vcoupling")) for name in circuit.element_names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delays": [0.0]}, "delays has shape"),
        ({"delays": [0.0, -1e-9]}, "negative"),
        ({"delays": [0.0, np.nan]}, "negative or infinite"),
        ({"close_at": None}, "close_at is None"),
        ({"close_at": np.inf}, "close_at is inf"),
        ({"fidelity": "sharp"}, "fidelity is 'sharp'"),
    ],
)
def test_wrong_input_is_named(changes, message):
    arguments = {"delays": [0.0, 1e-6], "close_at": 2e-6} | changes
    with pytest.raises(InputError, match=message):
        oscillator_circuit(plain_network(2, all_to_all(10e3, 2)), **arguments)


def test_deck_keeps_a_title_and_comment_from_becoming_directives():
    circuit = oscillator_circuit(plain_network(1), title="name\n.include /etc/passwd")
    deck = Deck(circuit, Transient(1e-6, 1e-9), (), saved_nodes(1), {"reltol": 1e-4}, "first\n.control\nshell ls")
    lines = write_deck(deck).text.splitlines()
    assert lines[0] == "* name .include /etc/passwd"
    assert lines[1:4] == ["* first", "* text: .control", "* shell ls"]
    assert lines[-4:] == [
        ".options reltol=0.0001",
        ".save v(osc0_vdd) v(osc0_out) v(osc0_metallic) v(osc0_energy)",
        ".tran 1n 1u 0 1n",
        ".end",
    ]


@pytest.mark.parametrize(("stop", "max_step"), [(0.0, 1e-9), (1e-6, -1e-9), (np.inf, 1e-9), (1e-6, np.nan)])
def test_impossible_times_are_refused(stop, max_step):
    with pytest.raises(InputError, match="allowed: a finite time above 0 s"):
        Transient(stop, max_step)


@pytest.mark.parametrize("v_max", [1.999, np.inf, np.nan])
def test_a_loop_must_reach_beyond_its_threshold(v_max):
    with pytest.raises(InputError, match=r"allowed is a voltage above V_H = 1\.999 V"):
        hysteresis_circuit(load_card("vo2_delacour2021"), v_max=v_max)
