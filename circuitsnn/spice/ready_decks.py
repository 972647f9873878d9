"""Decks that a user can run as they are; netlists/ holds them, and a test keeps the two in step."""

import numpy as np

import circuitsnn
from circuitsnn.cards import load_card
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.network import OscillatorNetwork
from circuitsnn.spice.circuit import oscillator_circuit, saved_vectors, transient_deck

CARD = "vo2_delacour2021"
_COMMENT = """\
{what}
Card {card}, circuitsnn {version}, written by circuitsnn.spice.ready_decks.
Run it with: ngspice -b -r out.raw {name}
Vary the device (R_ins, R_met, V_L, V_H, tau_0) on the lines Xosc, the rest on Vosc (V_DD), Rs_ and Cp_."""


def ready_decks() -> dict[str, str]:
    """Write the decks of one oscillator and of a coupled pair.

    Returns
    -------
    dict of str to str
        Text of each deck by its file name in netlists/.
    """
    oscillator = Oscillator(load_card(CARD))
    alone = OscillatorNetwork([oscillator], np.full((1, 1), np.inf))
    pair = OscillatorNetwork([oscillator] * 2, np.array([[np.inf, 10e3], [10e3, np.inf]]))
    return {
        "oscillator_relaxed.cir": _deck(
            "oscillator_relaxed.cir",
            "One VO2 relaxation oscillator, ten periods of some 21.74 us.",
            alone,
            [0.0],
        ),
        "pair_relaxed.cir": _deck(
            "pair_relaxed.cir",
            "Two oscillators coupled by 10 kohm, the second a quarter of a period late; they lock in phase.",
            pair,
            [0.0, 5.43e-6],
            close_at=5.91e-6,  # when the second output first reaches V_DD - V_L
        ),
    }


def _deck(name: str, what: str, network: OscillatorNetwork, delays: list[float], close_at: float | None = None) -> str:
    """Complete deck with its header comment."""
    circuit = oscillator_circuit(network, delays, close_at, title=what)
    comment = _COMMENT.format(what=what, card=CARD, version=circuitsnn.__version__, name=name)
    return transient_deck(circuit, 220e-6, 20e-9, saved_vectors(network.size), comment=comment)
