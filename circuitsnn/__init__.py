"""Circuit-level co-simulation of oscillatory and spiking neural networks."""

from typing import TYPE_CHECKING

from circuitsnn.lazy import lazy_names

if TYPE_CHECKING:
    from circuitsnn.adc.flash import FlashAdc
    from circuitsnn.adc.ramp import RampAdc
    from circuitsnn.adc.sar import SarAdc
    from circuitsnn.cards import Card, list_cards, load_card
    from circuitsnn.data.patches import pixel_patches
    from circuitsnn.data.sets import ImageSet, Scene
    from circuitsnn.energy.network import LayerUse, network_cost
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
    from circuitsnn.snn.engines.comparator import Comparator
    from circuitsnn.snn.engines.crossbar import Crossbar
    from circuitsnn.snn.engines.macro import OnMacro
    from circuitsnn.snn.engines.oscillator import OscillatorNeuron
    from circuitsnn.snn.engines.quantised import Quantised
    from circuitsnn.snn.files import list_networks, load_network, save_network
    from circuitsnn.snn.inference import Inference, run
    from circuitsnn.snn.network import Network
    from circuitsnn.snn.nir import from_nir, to_nir
    from circuitsnn.spice.crosscheck import crosscheck
    from circuitsnn.spice.netlists import netlist
    from circuitsnn.sram.bitline import BitlineRead
    from circuitsnn.sram.cell import EightTransistorCell, SixTransistorCell
    from circuitsnn.sram.faults import Faults, draw_faults
    from circuitsnn.sram.macro import Imperfections, Macro
    from circuitsnn.sram.tiling import convolve
    from circuitsnn.study.design import optimise
    from circuitsnn.study.sweep import sweep
    from circuitsnn.transistor.fit_data import TransistorCurves
    from circuitsnn.transistor.mosfet import Conditions, Mosfet
    from circuitsnn.variation import draw

__version__ = "0.1.0"

__all__ = [
    "BitlineRead",
    "Card",
    "Comparator",
    "Conditions",
    "Crossbar",
    "EightTransistorCell",
    "Faults",
    "FlashAdc",
    "IVLoop",
    "ImageSet",
    "Imperfections",
    "Inference",
    "InputError",
    "LayerShape",
    "LayerUse",
    "Macro",
    "Mosfet",
    "Network",
    "NoOscillationError",
    "OnMacro",
    "Oscillator",
    "OscillatorNetwork",
    "OscillatorNeuron",
    "OutputWaveform",
    "Quantised",
    "RampAdc",
    "SarAdc",
    "Scene",
    "SixTransistorCell",
    "TransistorCurves",
    "convolve",
    "crosscheck",
    "draw",
    "draw_faults",
    "fit_card",
    "from_nir",
    "hebbian",
    "list_cards",
    "list_networks",
    "load_card",
    "load_network",
    "map_weights",
    "netlist",
    "network_cost",
    "optimise",
    "pixel_patches",
    "pseudo_inverse",
    "recall",
    "run",
    "save_network",
    "storkey",
    "sweep",
    "to_nir",
    "transition_resistance",
]

_HOME = {
    "FlashAdc": "adc.flash",
    "RampAdc": "adc.ramp",
    "SarAdc": "adc.sar",
    "Card": "cards",
    "list_cards": "cards",
    "load_card": "cards",
    "pixel_patches": "data.patches",
    "ImageSet": "data.sets",
    "Scene": "data.sets",
    "LayerUse": "energy.network",
    "network_cost": "energy.network",
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
    "Comparator": "snn.engines.comparator",
    "Crossbar": "snn.engines.crossbar",
    "OnMacro": "snn.engines.macro",
    "OscillatorNeuron": "snn.engines.oscillator",
    "Quantised": "snn.engines.quantised",
    "list_networks": "snn.files",
    "load_network": "snn.files",
    "save_network": "snn.files",
    "Inference": "snn.inference",
    "run": "snn.inference",
    "Network": "snn.network",
    "from_nir": "snn.nir",
    "to_nir": "snn.nir",
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
    "optimise": "study.design",
    "sweep": "study.sweep",
    "TransistorCurves": "transistor.fit_data",
    "Conditions": "transistor.mosfet",
    "Mosfet": "transistor.mosfet",
    "draw": "variation",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
