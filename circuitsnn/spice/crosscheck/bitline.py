"""The read of a column, here and on other engines: the bit lines at the engine's own time points, and the energies."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.spice.array_decks import column_of_words, default_options
from circuitsnn.spice.column import ReadTiming, bitline_deck, read_energies
from circuitsnn.spice.crosscheck.common import checked_engines, finest
from circuitsnn.spice.engines import ENGINES, Waveforms
from circuitsnn.spice.simulate import simulate
from circuitsnn.sram.bitline import BitlineRead, ReadRun

VOLTAGE = 1e-4
"""Largest error of a bit line's voltage, at the finest step run. [V]"""
ENERGY = 0.01
"""Largest relative error of the energy from all supplies."""

_STEPS = (2.0, 0.2, 0.04)  # largest steps, in time constants of the word lines
_LARGE = 64  # rows from which on one step must do: an engine needs minutes
_TOLERANCE = 1e-7  # of ours, where it is what an engine is compared with [V]


@dataclass(frozen=True)
class BitlineComparison:
    """One run of one engine beside ours."""

    engine: str
    """Name of the engine."""
    max_step: float
    """Largest step that it was allowed. [s]"""
    rows: int
    """Cells on the bit line."""
    voltage: float
    """Largest error of a bit line over the whole cycle. [V]"""
    voltage_rms: float
    """Its root mean square over time and lines. [V]"""
    sample: float
    """Largest error of a bit line when it is sampled. [V]"""
    swing: float
    """How far the bit line that falls furthest falls. [V]"""
    precharge: float
    """Relative error of the energy from the precharge supply."""
    cell: float
    """Relative error of the energy from the cells' supply; 0 where there is none."""
    energy: float
    """Relative error of the energy from all supplies."""
    steps: int
    """Time points that the engine kept."""
    engine_time: float
    """Wall time of the engine, its start included. [s]"""
    our_time: float
    """Wall time of ours at its own tolerance, compiled before. [s]"""

    @property
    def ratio(self) -> float:
        """How many times faster ours was."""
        return self.engine_time / self.our_time


@dataclass(frozen=True, eq=False)
class BitlineTraces:
    """Waveforms of one run, to lay over each other."""

    comparison: BitlineComparison
    """What was found."""
    ours: ReadRun
    """Our run, at the engine's time points."""
    theirs: Waveforms
    """The engine's."""


@dataclass(frozen=True, eq=False)
class BitlineCheck:
    """What a cross-check of a column found."""

    comparisons: tuple[BitlineComparison, ...]
    """Each run."""
    traces: tuple[BitlineTraces, ...] = field(repr=False)
    """Waveforms of each engine's finest run."""
    kind: str = "bitline"
    """What it is a cross-check of."""

    def finest(self) -> list[BitlineComparison]:
        """Give the runs with each engine's smallest step."""
        return finest(self.comparisons)

    @property
    def holds(self) -> bool:
        """Whether every engine agrees with ours at its finest step, within the limits of this module."""
        return not self.complaints()

    def complaints(self) -> list[str]:
        """Say what does not agree; empty when all does."""
        found = []
        for one in self.finest():
            if not one.voltage <= VOLTAGE:
                found.append(
                    f"{one.engine}: a bit line differs by {1e3 * one.voltage:.2g} mV, allowed {1e3 * VOLTAGE:g} mV"
                )
            if not abs(one.energy) <= ENERGY:
                found.append(f"{one.engine}: energy differs by {abs(one.energy):.2%}, allowed {ENERGY:.0%}")
        return found

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the runs; units in ``attrs["units"]``."""
        frame = pd.DataFrame([{**vars(one), "ratio": one.ratio} for one in self.comparisons])
        names = ("voltage", "voltage_rms", "sample", "swing")
        frame.attrs["units"] = dict.fromkeys(names, "V") | dict.fromkeys(("max_step", "engine_time", "our_time"), "s")
        return frame

    def figure(self) -> Figure:
        """Draw both waveforms over each other, their difference, and the convergence of the engine's answer."""
        with house_style():
            return _drawn(self)


def crosscheck_bitline(
    card: Card,
    *,
    engines: Sequence[str] | None = None,
    steps: Sequence[float] | None = None,
    timeout: float = 1800.0,
    progress: Callable[[float, str], None] | None = None,
    **words: object,
) -> BitlineCheck:
    """Simulate the same read here and on other engines, and compare.

    Parameters
    ----------
    card
        Card of kind "sram_array".
    engines
        Names of engines; all that are installed without it.
    steps
        Largest steps to allow the engines, one run each. [s]
    timeout
        Wall time after which a run is stopped. [s]
    progress
        Is told the share that is done.
    **words
        What the column is: see `circuitsnn.spice.array_decks.column_of_words`.

    Returns
    -------
    BitlineCheck
        The comparisons.

    Raises
    ------
    InputError
        If a word or number is not allowed, or no engine is installed.
    EngineError
        If an engine fails.
    """
    engines = checked_engines(engines)
    read, pulses = column_of_words(card, **words)
    timing = ReadTiming.of(read, pulses=pulses)
    if steps is None:
        tau = timing.tau if timing.tau > 0 else timing.t_sample / 50
        steps = [part * tau for part in (_STEPS if read.rows <= _LARGE else _STEPS[1:2])]
    steps = sorted((float(f"{step:.2g}") for step in steps), reverse=True)
    read.transient(pulses=pulses)  # compiles the kernels, so that the clock does not see it
    comparisons, traces = [], []
    plan = [(engine, step) for engine in engines for step in steps]
    for k, (engine, step) in enumerate(plan):
        one = _compare(read, pulses, timing, engine, step, timeout)
        comparisons.append(one.comparison)
        if step == steps[-1]:
            traces.append(one)
        if progress is not None:
            progress((k + 1) / len(plan), f"{engine}, step {step:g} s")
    return BitlineCheck(tuple(comparisons), tuple(traces))


def _compare(
    read: BitlineRead, pulses: np.ndarray, timing: ReadTiming, engine: str, step: float, timeout: float
) -> BitlineTraces:
    """Run one read on both sides."""
    deck = bitline_deck(read, pulses=pulses, max_step=step, options=default_options("bitline", ENGINES[engine].dialect))
    theirs = simulate(deck, engine, timeout)
    our_time = min(_timed(lambda: read.transient(pulses=pulses)) for _ in range(3))
    times = np.unique(theirs.time[(theirs.time >= 0) & (theirs.time <= timing.stop)])
    if times.size < 2:
        raise InputError(f"{engine} kept {times.size} time points; a comparison needs two")
    ours = read.transient(pulses=pulses, points=times, tolerance=_TOLERANCE)
    lines = {"bl": ours.bit_line} | ({"blb": ours.bit_line_bar} if read.lines == 2 else {})
    place = np.searchsorted(theirs.time, times)
    errors = np.array([theirs[name][place] - own for name, own in lines.items()])
    at = np.searchsorted(times, timing.t_sample)
    energies = read_energies(theirs.measures, timing, read.card.V_WL)
    total = sum(ours.energies.values())
    squares = np.trapezoid(errors**2, times, axis=1) / (times[-1] - times[0])
    comparison = BitlineComparison(
        engine=engine,
        max_step=step,
        rows=read.rows,
        voltage=float(np.abs(errors).max()),
        voltage_rms=float(np.sqrt(squares.mean())),
        sample=float(np.abs(errors[:, max(at - 1, 0) : at + 1]).max()),
        swing=read.card.V_precharge - min(float(own.min()) for own in lines.values()),
        precharge=_relative(energies["precharge"], ours.energies["precharge"]),
        cell=_relative(energies["cell"], ours.energies["cell"]),
        energy=_relative(sum(energies.values()), total),
        steps=theirs.time.size,
        engine_time=theirs.wall_time,
        our_time=our_time,
    )
    return BitlineTraces(comparison, ours, theirs)


def _relative(theirs: float, ours: float) -> float:
    return theirs / ours - 1.0 if ours else 0.0


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _drawn(check: BitlineCheck) -> Figure:
    """Draw a cross-check in whatever style holds."""
    figure, axes = new_figure(1, 3, width=14.0, height=16.0)
    outputs, differences, convergence = axes
    first = check.traces[0]
    lines = ("bl", "blb") if len(first.ours.bit_line_bar) else ("bl",)
    for name, colour in zip(lines, PALETTE, strict=False):
        own = first.ours.bit_line if name == "bl" else first.ours.bit_line_bar
        outputs.plot(first.ours.times * 1e9, own, color=colour, label=f"circuitsnn, {name}")
    outputs.axvline(first.ours.t_sample * 1e9, color="grey", linestyle=":", linewidth=0.8, label="sample")
    for k, traces in enumerate(check.traces):
        times = traces.ours.times
        place = np.searchsorted(traces.theirs.time, times)
        for j, name in enumerate(lines):
            theirs = traces.theirs[name][place]
            line = {"color": "black", "linestyle": ("--", ":", "-.")[k % 3], "linewidth": 0.8}
            outputs.plot(times * 1e9, theirs, **line, label=traces.comparison.engine if j == 0 else None)
            own = traces.ours.bit_line if name == "bl" else traces.ours.bit_line_bar
            label, colour = f"{traces.comparison.engine}, {name}", PALETTE[(k * len(lines) + j) % len(PALETTE)]
            error = np.maximum(np.abs(theirs - own), 1e-9)
            differences.semilogy(times * 1e9, error, color=colour, linewidth=0.8, label=label)
    differences.axhline(VOLTAGE, color="grey", linestyle="--", linewidth=0.8)
    outputs.set(xlabel="Time [ns]", ylabel="Bit line, sense end [V]", title=f"{first.comparison.rows} rows")
    differences.set(xlabel="Time [ns]", ylabel="Difference [V]", title="At the engine's own time points, smallest step")
    for k, engine in enumerate(dict.fromkeys(one.engine for one in check.comparisons)):
        runs = [one for one in check.comparisons if one.engine == engine]
        steps = [one.max_step * 1e12 for one in runs]
        convergence.loglog(steps, [one.voltage for one in runs], "o-", color=PALETTE[k], label=engine)
    convergence.axhline(VOLTAGE, color="grey", linestyle="--", linewidth=0.8, label="limit")
    convergence.set(xlabel="Largest step of the engine [ps]", ylabel="Largest difference [V]", title="Bit lines")
    for panel in axes:
        panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
