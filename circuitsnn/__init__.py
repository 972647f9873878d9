"""Circuit-level co-simulation of oscillatory and spiking neural networks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuitsnn.adc.flash import FlashAdc
    from circuitsnn.adc.ramp import RampAdc
    from circuitsnn.adc.sar import SarAdc
    from circuitsnn.cards import Card, list_cards, load_card
    from circuitsnn.energy.pim import LayerShape
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
    from circuitsnn.sram.bitline import BitlineRead
    from circuitsnn.sram.cell import EightTransistorCell, SixTransistorCell
    from circuitsnn.sram.faults import Faults, draw_faults
    from circuitsnn.sram.macro import Imperfections, Macro
    from circuitsnn.sram.tiling import convolve
    from circuitsnn.transistor.fit_data import TransistorCurves
    from circuitsnn.transistor.mosfet import Conditions, Mosfet
    from circuitsnn.variation import draw

__version__ = "0.1.0"

__all__ = [
    "BitlineRead",
    "Card",
    "Conditions",
    "EightTransistorCell",
    "Faults",
    "FlashAdc",
    "IVLoop",
    "Imperfections",
    "InputError",
    "LayerShape",
    "Macro",
    "Mosfet",
    "NoOscillationError",
    "Oscillator",
    "OscillatorNetwork",
    "OutputWaveform",
    "RampAdc",
    "SarAdc",
    "SixTransistorCell",
    "TransistorCurves",
    "convolve",
    "crosscheck",
    "draw",
    "draw_faults",
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
    "FlashAdc": "adc.flash",
    "RampAdc": "adc.ramp",
    "SarAdc": "adc.sar",
    "Card": "cards",
    "list_cards": "cards",
    "load_card": "cards",
    "LayerShape": "energy.pim",
    "InputError": "errors",
    "NoOscillationError": "errors",
    "fit_card": "fit",
    "Oscillator": "oscillator.device",
    "IVLoop": "oscillator.fit",
    "OutputWaveform": "oscillator.fit",
    "hebbian": "oscillator.learning",
    "pseudo_inverse": "oscillator.learning",
    "storkey": "oscillator.learning",
    "map_weights": "oscillator.mapping",
    "recall": "oscillator.memory",
    "OscillatorNetwork": "oscillator.network",
    "transition_resistance": "oscillator.transition",
    "crosscheck": "spice.crosscheck",
    "netlist": "spice.netlists",
    "BitlineRead": "sram.bitline",
    "EightTransistorCell": "sram.cell",
    "SixTransistorCell": "sram.cell",
    "Faults": "sram.faults",
    "draw_faults": "sram.faults",
    "Imperfections": "sram.macro",
    "Macro": "sram.macro",
    "convolve": "sram.tiling",
    "TransistorCurves": "transistor.fit_data",
    "Conditions": "transistor.mosfet",
    "Mosfet": "transistor.mosfet",
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
