"""Netlist dialects: one description, written for each simulator.

The circuit is a PySpice ``Circuit``, in the syntax of ngspice. A writer walks its elements and writes each in its own
dialect; the library parts (`circuitsnn.spice.parts`) come in the form that the dialect can read: with a hysteretic
switch, with expression sources only, or as Verilog-A.
"""

from circuitsnn.errors import InputError
from circuitsnn.spice.deck import Deck, WrittenDeck
from circuitsnn.spice.dialects.spectre import SpectreWriter, VacaskWriter
from circuitsnn.spice.dialects.spice import HspiceWriter, LtspiceWriter, NgspiceWriter, XyceWriter
from circuitsnn.spice.dialects.writer import Writer

__all__ = ["DIALECTS", "Writer", "write_deck"]

DIALECTS: dict[str, type[Writer]] = {
    writer.name: writer
    for writer in (NgspiceWriter, LtspiceWriter, XyceWriter, HspiceWriter, SpectreWriter, VacaskWriter)
}
"""The writers by the names of their dialects."""


def write_deck(deck: Deck, dialect: str = "ngspice") -> WrittenDeck:
    """Write a deck in a dialect.

    Parameters
    ----------
    deck
        The deck.
    dialect
        ``"ngspice"``, ``"ltspice"``, ``"xyce"``, ``"hspice"``, ``"spectre"`` or ``"vacask"``.

    Returns
    -------
    WrittenDeck
        Its text, and the files that must lie beside it.

    Raises
    ------
    InputError
        If there is no such dialect, or the circuit holds what the dialect cannot say; the message names the element.
    """
    if dialect not in DIALECTS:
        raise InputError(f"dialect is {dialect!r}; allowed: {', '.join(DIALECTS)}")
    return DIALECTS[dialect]().write(deck)
