"""Netlists of our objects, external circuit simulators, and what they answer."""

from circuitsnn.errors import EngineError, EngineMissingError
from circuitsnn.spice.analyses import DCSweep, Edge, Interval, Maximum, OperatingPoint, Ratio, Transient, Value
from circuitsnn.spice.circuit import hysteresis_circuit, oscillator_circuit, saved_nodes
from circuitsnn.spice.column import bitline_deck, column_circuit
from circuitsnn.spice.converter import adc_deck, converter_circuit
from circuitsnn.spice.deck import Deck, WrittenDeck
from circuitsnn.spice.dialects import DIALECTS, write_deck
from circuitsnn.spice.engines import ENGINES, Waveforms, find_engine, installed_engines, run_deck
from circuitsnn.spice.numbers import spice_number
from circuitsnn.spice.raw import read_raw
from circuitsnn.spice.readback import energies, phases, return_times, switching_times
from circuitsnn.spice.simulate import simulate
from circuitsnn.spice.text import one_line
from circuitsnn.spice.transistors import FoundryTransistor

__all__ = [
    "DIALECTS",
    "ENGINES",
    "DCSweep",
    "Deck",
    "Edge",
    "EngineError",
    "EngineMissingError",
    "FoundryTransistor",
    "Interval",
    "Maximum",
    "OperatingPoint",
    "Ratio",
    "Transient",
    "Value",
    "Waveforms",
    "WrittenDeck",
    "adc_deck",
    "bitline_deck",
    "column_circuit",
    "converter_circuit",
    "energies",
    "find_engine",
    "hysteresis_circuit",
    "installed_engines",
    "one_line",
    "oscillator_circuit",
    "phases",
    "read_raw",
    "return_times",
    "run_deck",
    "saved_nodes",
    "simulate",
    "spice_number",
    "switching_times",
    "write_deck",
]
