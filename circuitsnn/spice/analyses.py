"""Analyses and measurements as data, before they are text of any dialect."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from circuitsnn.errors import InputError
from circuitsnn.spice.numbers import spice_number


@dataclass(frozen=True)
class Transient:
    """What the circuit does in time, from all sources at their values at time zero."""

    stop: float
    """End of the simulated time. [s]"""
    max_step: float
    """Longest step that the simulator may take. [s]"""

    def __post_init__(self) -> None:
        for name in ("stop", "max_step"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} is {value} s; allowed: a finite time above 0 s")


@dataclass(frozen=True)
class OperatingPoint:
    """Where the circuit rests with all sources at their values at time zero."""


@dataclass(frozen=True)
class DCSweep:
    """Operating points while one voltage source is swept; each starts from the one before, so hysteresis shows."""

    source: str
    """Name of the voltage source, ``Vsweep``."""
    start: float
    """First value. [V]"""
    stop: float
    """Last value. [V]"""
    step: float
    """Distance of the values. [V]"""

    def __post_init__(self) -> None:
        values = (self.start, self.stop, self.step)
        if not all(math.isfinite(value) for value in values) or self.step <= 0 or self.stop <= self.start:
            raise InputError(
                f"a DC sweep from {self.start} V to {self.stop} V in steps of {self.step} V; allowed is "
                "start < stop and step > 0, all finite"
            )


Analysis = Transient | OperatingPoint | DCSweep


class Traces(Protocol):
    """What a measurement reads: vectors by name, ``time`` among them."""

    @property
    def time(self) -> np.ndarray:
        """Time points. [s]."""

    def __getitem__(self, name: str) -> np.ndarray:
        """Give the voltage of a node."""


@dataclass(frozen=True)
class Edge:
    """A passage of a node's voltage through a level."""

    node: str
    """Name of the node."""
    number: int
    """Which passage, from 1 on."""
    level: float = 0.5
    """The level. [V]"""
    rising: bool = True
    """Upwards or downwards."""

    def __post_init__(self) -> None:
        if self.number < 1:
            raise InputError(f"number is {self.number}; edges are counted from 1 on")

    def time(self, traces: Traces) -> float:
        """When it happens, NaN if never. [s]."""
        voltage, time = traces[self.node], traces.time
        above = voltage >= self.level
        step = np.flatnonzero((above[1:] != above[:-1]) & (above[1:] == self.rising))
        if step.size < self.number:
            return math.nan
        k = step[self.number - 1]
        share = (self.level - voltage[k]) / (voltage[k + 1] - voltage[k])
        return float(time[k] + share * (time[k + 1] - time[k]))


@dataclass(frozen=True)
class Interval:
    """Time from one edge to another."""

    name: str
    """Name of the result."""
    start: Edge
    """From here."""
    end: Edge
    """To here."""

    def evaluate(self, traces: Traces, known: dict[str, float]) -> float:
        """Read it from waveforms. [s]."""
        return self.end.time(traces) - self.start.time(traces)


@dataclass(frozen=True)
class Maximum:
    """Highest voltage of a node; of an energy meter, the energy of the whole run."""

    name: str
    """Name of the result."""
    node: str
    """Name of the node."""

    def evaluate(self, traces: Traces, known: dict[str, float]) -> float:
        """Read it from waveforms. [V]."""
        return float(np.max(traces[self.node]))


@dataclass(frozen=True)
class Value:
    """Voltage of a node at a time."""

    name: str
    """Name of the result."""
    node: str
    """Name of the node."""
    time: float
    """When. [s]"""

    def evaluate(self, traces: Traces, known: dict[str, float]) -> float:
        """Read it from waveforms, NaN outside of them. [V]."""
        return float(np.interp(self.time, traces.time, traces[self.node], left=math.nan, right=math.nan))


@dataclass(frozen=True)
class Ratio:
    """Ratio of two results measured before it, times a factor."""

    name: str
    """Name of the result."""
    numerator: str
    """Name of the one."""
    denominator: str
    """Name of the other."""
    factor: float = 1.0
    """Factor."""

    def evaluate(self, traces: Traces, known: dict[str, float]) -> float:
        """Compute it from the results so far."""
        return self.factor * known[self.numerator] / known[self.denominator]

    @property
    def expression(self) -> str:
        """The ratio as text."""
        return f"{spice_number(self.factor)}*{self.numerator}/{self.denominator}"


Measure = Interval | Maximum | Value | Ratio


def evaluate(measures: tuple[Measure, ...], traces: Traces) -> dict[str, float]:
    """Read all measurements from waveforms, for simulators that do not measure, and to check those that do.

    Parameters
    ----------
    measures
        What to measure, in an order in which a ratio follows its parts.
    traces
        The waveforms.

    Returns
    -------
    dict of str to float
        Results by name; NaN where an edge is missing. [s, V]
    """
    known: dict[str, float] = {}
    for measure in measures:
        known[measure.name] = measure.evaluate(traces, known)
    return known
