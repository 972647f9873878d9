"""Energies of single operations: Horowitz 2014, and which width serves how many bits."""

import pytest

from circuitsnn.cards import load_card
from circuitsnn.energy.operations import operation_energy
from circuitsnn.errors import InputError


def close(value, rel=1e-9):
    """As `pytest.approx`, which otherwise takes any two picojoules for equal."""
    return pytest.approx(value, rel=rel, abs=0.0)


@pytest.fixture(scope="module")
def card():
    return load_card("operations_horowitz2014_45nm")


@pytest.mark.parametrize(
    ("operation", "bits", "numbers", "energy"),
    [
        ("ac", 8, "integer", 0.03e-12),
        ("ac", 6, "integer", 0.03e-12),
        ("ac", 9, "integer", 0.05e-12),
        ("ac", 32, "integer", 0.1e-12),
        ("ac", 16, "float", 0.4e-12),
        ("ac", 32, "float", 0.9e-12),
        ("mac", 8, "integer", 0.23e-12),
        ("mac", 16, "integer", 3.2e-12),  # no multiplication of 16 bits on the card
        ("mac", 32, "integer", 3.2e-12),
        ("mac", 11, "float", 1.5e-12),
        ("mac", 32, "float", 4.6e-12),
    ],
)
def test_table_of_horowitz(card, operation, bits, numbers, energy):
    found = operation_energy(card, operation, bits, numbers)
    assert found.energy == close(energy)
    assert "10.1109/ISSCC.2014.6757323" in found.source
    assert ("E_mul" in found.source) == (operation == "mac")


def test_memory_costs_more_than_arithmetic(card):
    assert card.E_read_8kB == close(10e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mul", 8), "operation is 'mul'; allowed: mac, ac"),
        (("mac", 8, "complex"), "numbers is 'complex'; allowed: integer, float"),
        (("mac", 0), "bits is 0; allowed is a number >= 1"),
        (("mac", float("nan")), "bits is nan"),
        (("ac", 64), "bits is 64; card operations_horowitz2014_45nm has integer numbers of 32 bits at most"),
    ],
)
def test_wrong_input(card, arguments, message):
    with pytest.raises(InputError, match=message):
        operation_energy(card, *arguments)


def test_other_cards_are_refused():
    with pytest.raises(InputError, match="of kind 'pim_constants'; allowed is a card of kind 'operation_energies'"):
        operation_energy(load_card("pim_datta2022"), "ac", 8)
    with pytest.raises(InputError, match="card is 3; allowed is a card of kind 'operation_energies'"):
        operation_energy(3, "ac", 8)
