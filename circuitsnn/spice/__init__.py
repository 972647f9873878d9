"""Netlists of our objects, external circuit simulators, and what they answer."""

from circuitsnn.spice.circuit import oscillator_circuit, saved_vectors, transient_deck
from circuitsnn.spice.engine import (
    EngineError,
    EngineMissingError,
    Waveforms,
    find_ngspice,
    read_raw,
    run_ngspice,
)
from circuitsnn.spice.numbers import spice_number
from circuitsnn.spice.readback import energies, phases, return_times, switching_times

__all__ = [
    "EngineError",
    "EngineMissingError",
    "Waveforms",
    "energies",
    "find_ngspice",
    "oscillator_circuit",
    "phases",
    "read_raw",
    "return_times",
    "run_ngspice",
    "saved_vectors",
    "spice_number",
    "switching_times",
    "transient_deck",
]
