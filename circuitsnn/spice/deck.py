"""A deck before it is text: a circuit, an analysis of it, what to measure and what to keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from PySpice.Spice.Netlist import Circuit

from circuitsnn.spice.analyses import Analysis, Measure


@dataclass(frozen=True, eq=False)
class Deck:
    """A circuit with its analysis; `circuitsnn.spice.dialects.write_deck` makes it text of any dialect."""

    circuit: Circuit
    """The circuit."""
    analysis: Analysis
    """What to simulate."""
    measures: tuple[Measure, ...] = ()
    """What to measure; a ratio follows its parts."""
    save: tuple[str, ...] = ()
    """Nodes whose voltage to keep (``osc3_out``) and voltage sources whose current to keep (``i(Vup)``); empty
    keeps all."""
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Options of the simulator, by the names that it knows them by."""
    comment: str = ""
    """What it is, which card, seed, version and command, for whoever reads the deck."""


@dataclass(frozen=True)
class WrittenDeck:
    """Text of a deck in one dialect."""

    dialect: str
    """Name of the dialect."""
    text: str
    """The deck."""
    companions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Text of each file that must lie beside the deck, by name."""
