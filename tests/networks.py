"""Networks for the tests: oscillators about Table 1 with every parameter drawn."""

import numpy as np

from circuitsnn.cards import load_card
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.network import OscillatorNetwork

CARD = load_card("vo2_delacour2021")
PERIOD = float(closed_form.period(CARD))
CURRENT = ("R_S", "C_P", "R_ins", "R_met", "tau_0")
VOLTAGE = ("V_DD", "V_L", "V_H")


def drawn_cards(size, rng, spread=0.02):
    """Cards whose parameters lie within +-spread of Table 1 (voltages: a tenth of that), all of which oscillate."""
    cards = []
    while len(cards) < size:
        values = {name: getattr(CARD, name) * (1 + spread * rng.uniform(-1, 1)) for name in CURRENT}
        values |= {name: getattr(CARD, name) * (1 + 0.1 * spread * rng.uniform(-1, 1)) for name in VOLTAGE}
        card = CARD.replace(**values)
        if closed_form.oscillates(card):
            cards.append(card)
    return cards


def drawn_resistances(size, rng, resistance):
    """Coupling resistances about (N - 1) times a given one, symmetric, within +-30 %."""
    pairs = np.triu_indices(size, 1)
    matrix = np.full((size, size), np.inf)
    matrix[pairs] = (size - 1) * resistance * rng.uniform(0.7, 1.3, len(pairs[0]))
    return np.minimum(matrix, matrix.T)


def drawn_network(size, rng, resistance=30e3, spread=0.02):
    """Network with every parameter and every coupling resistance drawn."""
    return OscillatorNetwork.of_cards(drawn_cards(size, rng, spread), drawn_resistances(size, rng, resistance))


def table_1_network(size, resistance=np.inf, **overrides):
    """Network of equal oscillators, all coupled by the same resistance."""
    oscillator = Oscillator(CARD.replace(**overrides))
    return OscillatorNetwork([oscillator] * size, np.full((size, size), float(resistance)))


def largest_difference(times, others):
    """Largest difference between two sets of switching times, which must have the same numbers; in periods."""
    assert [len(one) for one in times] == [len(other) for other in others]
    differences = [np.abs(one - other).max() for one, other in zip(times, others, strict=True) if len(one)]
    return max(differences, default=0.0) / PERIOD
