"""Circuit-level co-simulation of oscillatory and spiking neural networks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuitsnn.cards import Card, list_cards, load_card
    from circuitsnn.errors import InputError, NoOscillationError
    from circuitsnn.fit import fit_card
    from circuitsnn.oscillator.device import Oscillator
    from circuitsnn.oscillator.fit import IVLoop, OutputWaveform
    from circuitsnn.oscillator.learning import hebbian, pseudo_inverse, storkey
    from circuitsnn.oscillator.mapping import map_weights
    from circuitsnn.oscillator.memory import recall
    from circuitsnn.oscillator.network import OscillatorNetwork
    from circuitsnn.oscillator.transition import transition_resistance
    from circuitsnn.spice.crosscheck import crosscheck
    from circuitsnn.spice.netlists import netlist
    from circuitsnn.variation import draw

__version__ = "0.1.0"

__all__ = [
    "Card",
    "IVLoop",
    "InputError",
    "NoOscillationError",
    "Oscillator",
    "OscillatorNetwork",
    "OutputWaveform",
    "crosscheck",
    "draw",
    "fit_card",
    "hebbian",
    "list_cards",
    "load_card",
    "map_weights",
    "netlist",
    "pseudo_inverse",
    "recall",
    "storkey",
    "transition_resistance",
]

# Public names are looked up on first use, so that "import circuitsnn" does not pay for Numba and pandas.
_HOME = {
    "Card": "cards",
    "list_cards": "cards",
    "load_card": "cards",
    "InputError": "errors",
    "NoOscillationError": "errors",
    "Oscillator": "oscillator.device",
    "IVLoop": "oscillator.fit",
    "OutputWaveform": "oscillator.fit",
    "fit_card": "fit",
    "hebbian": "oscillator.learning",
    "pseudo_inverse": "oscillator.learning",
    "storkey": "oscillator.learning",
    "map_weights": "oscillator.mapping",
    "recall": "oscillator.memory",
    "OscillatorNetwork": "oscillator.network",
    "transition_resistance": "oscillator.transition",
    "crosscheck": "spice.crosscheck",
    "netlist": "spice.netlists",
    "draw": "variation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'circuitsnn' has no attribute {name!r}")
    value = getattr(import_module(f"circuitsnn.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
