"""A converter's array, here and on other engines: the level of each trial, and the codes, for a ramp of inputs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.adc.sar import SarAdc
from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.spice.array_decks import converter_of_words, default_options
from circuitsnn.spice.converter import Conversions, adc_deck, read_conversions
from circuitsnn.spice.crosscheck.common import checked_engines, finest
from circuitsnn.spice.engines import ENGINES, Waveforms
from circuitsnn.spice.simulate import simulate

LEVEL = 0.01
"""Largest error of a trial's level, at the finest step run. [LSB]"""

_STEPS = (0.5, 0.1)  # largest steps, in T_settle


@dataclass(frozen=True)
class AdcComparison:
    """One run of one engine beside ours."""

    engine: str
    """Name of the engine."""
    max_step: float
    """Largest step that it was allowed. [s]"""
    inputs: int
    """Inputs converted."""
    same_codes: int
    """How many of them got the same code."""
    level: float
    """Largest error of a trial's level. [LSB]"""
    level_rms: float
    """Its root mean square. [LSB]"""
    steps: int
    """Time points that the engine kept."""
    engine_time: float
    """Wall time of the engine, its start included. [s]"""
    our_time: float
    """Wall time of ours for the same inputs, compiled before. [s]"""

    @property
    def ratio(self) -> float:
        """How many times faster ours was."""
        return self.engine_time / self.our_time


@dataclass(frozen=True, eq=False)
class AdcTraces:
    """One run in full."""

    comparison: AdcComparison
    """What was found."""
    conversions: Conversions
    """Inputs, trials and our codes."""
    ours: np.ndarray
    """Our level of each trial, shape (inputs, bits). [V]"""
    levels: np.ndarray
    """The engine's, shape (inputs, bits). [V]"""
    codes: np.ndarray
    """The engine's codes, shape (inputs,)."""
    theirs: Waveforms
    """The engine's waveforms."""


@dataclass(frozen=True, eq=False)
class AdcCheck:
    """What a cross-check of a converter found."""

    comparisons: tuple[AdcComparison, ...]
    """Each run."""
    traces: tuple[AdcTraces, ...] = field(repr=False)
    """Each engine's finest run."""
    lsb: float
    """Ideal width of a code. [V]"""
    kind: str = "adc"
    """What it is a cross-check of."""

    def finest(self) -> list[AdcComparison]:
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
            if one.same_codes < one.inputs:
                found.append(f"{one.engine}: {one.inputs - one.same_codes} of {one.inputs} inputs got another code")
            if not one.level <= LEVEL:
                found.append(f"{one.engine}: a trial's level differs by {one.level:.2g} LSB, allowed {LEVEL:g} LSB")
        return found

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the runs; units in ``attrs["units"]``."""
        frame = pd.DataFrame([{**vars(one), "ratio": one.ratio} for one in self.comparisons])
        frame.attrs["units"] = dict.fromkeys(("level", "level_rms"), "LSB")
        frame.attrs["units"] |= dict.fromkeys(("max_step", "engine_time", "our_time"), "s")
        return frame

    def figure(self) -> Figure:
        """Draw the codes over the inputs, the levels' differences, and the comparator's node of one conversion."""
        with house_style():
            return _drawn(self)


def crosscheck_adc(
    card: Card,
    *,
    engines: Sequence[str] | None = None,
    inputs: int = 16,
    steps: Sequence[float] | None = None,
    timeout: float = 1800.0,
    progress: Callable[[float, str], None] | None = None,
    **words: object,
) -> AdcCheck:
    """Convert the same ramp of inputs here and on other engines, and compare.

    Parameters
    ----------
    card
        Card of kind "sar_adc".
    engines
        Names of engines; all that are installed without it.
    inputs
        How many inputs, evenly spaced within the range.
    steps
        Largest steps to allow the engines, one run each. [s]
    timeout
        Wall time after which a run is stopped. [s]
    progress
        Is told the share that is done.
    **words
        What the converter is: see `circuitsnn.spice.array_decks.converter_of_words`.

    Returns
    -------
    AdcCheck
        The comparisons.

    Raises
    ------
    InputError
        If a word or number is not allowed, or no engine is installed.
    EngineError
        If an engine fails.
    """
    engines = checked_engines(engines)
    if isinstance(inputs, bool) or not isinstance(inputs, (int, np.integer)) or not 1 <= inputs <= 4096:
        raise InputError(f"inputs is {inputs!r}; allowed is a whole number from 1 to 4096")
    adc = converter_of_words(card, **words)
    ramp = adc.low + (np.arange(inputs) + 0.5) / inputs * (adc.high - adc.low)
    steps = [part * card.T_settle for part in _STEPS] if steps is None else steps
    steps = sorted((float(f"{step:.2g}") for step in steps), reverse=True)
    work = Conversions.of(adc, ramp)
    comparisons, traces = [], []
    plan = [(engine, step) for engine in engines for step in steps]
    for k, (engine, step) in enumerate(plan):
        one = _compare(adc, work, engine, step, timeout)
        comparisons.append(one.comparison)
        if step == steps[-1]:
            traces.append(one)
        if progress is not None:
            progress((k + 1) / len(plan), f"{engine}, step {step:g} s")
    return AdcCheck(tuple(comparisons), tuple(traces), float(adc.lsb))


def _compare(adc: SarAdc, work: Conversions, engine: str, step: float, timeout: float) -> AdcTraces:
    """Run one converter on both sides."""
    deck = adc_deck(adc, work.inputs, max_step=step, options=default_options("adc", ENGINES[engine].dialect))
    theirs = simulate(deck, engine, timeout)
    codes, levels = read_conversions(adc, work, theirs)
    started = time.perf_counter()
    adc.convert(work.inputs[:, None])
    our_time = time.perf_counter() - started
    ours = adc.trial_levels()[0][work.trials]
    errors = (levels - ours) / float(adc.lsb)
    comparison = AdcComparison(
        engine=engine,
        max_step=step,
        inputs=work.inputs.size,
        same_codes=int(np.count_nonzero(codes == work.codes)),
        level=float(np.abs(errors).max()),
        level_rms=float(np.sqrt(np.mean(errors**2))),
        steps=theirs.time.size,
        engine_time=theirs.wall_time,
        our_time=our_time,
    )
    return AdcTraces(comparison, work, ours, levels, codes, theirs)


def _drawn(check: AdcCheck) -> Figure:
    """Draw a cross-check in whatever style holds."""
    figure, axes = new_figure(1, 3, width=14.0, height=16.0)
    codes, differences, wave = axes
    first = check.traces[0]
    work = first.conversions
    codes.step(work.inputs, work.codes, where="mid", color=PALETTE[0], label="circuitsnn")
    middle = work.inputs.size // 2
    for k, traces in enumerate(check.traces):
        name = traces.comparison.engine
        codes.plot(work.inputs, traces.codes, "x+1"[k % 3], color="black", label=name)
        error = np.abs(traces.levels - traces.ours).ravel() / check.lsb
        place = np.abs(work.trials.ravel())
        differences.semilogy(place, np.maximum(error, 1e-9), ".", color=PALETTE[k], label=name)
        inside = (traces.theirs.time >= middle * work.period) & (traces.theirs.time <= (middle + 1) * work.period)
        line = {"color": PALETTE[k], "linestyle": ("-", "--", ":")[k % 3]}
        shown = (traces.theirs.time[inside] - middle * work.period) * 1e9
        wave.plot(shown, traces.theirs["difference"][inside], **line, label=name)
    differences.axhline(LEVEL, color="grey", linestyle="--", linewidth=0.8, label="limit")
    for moment in work.decisions[middle] - middle * work.period:
        wave.axvline(moment * 1e9, color="grey", linestyle=":", linewidth=0.6)
    codes.set(xlabel="Input [V]", ylabel="Code", title=f"{work.inputs.size} inputs, {work.trials.shape[1]} bit")
    differences.set(xlabel="Code on trial", ylabel="Difference [LSB]", title="Level of each trial, smallest step")
    wave.set(
        xlabel="Time since the start of the conversion [ns]",
        ylabel="Comparator's difference [V]",
        title=f"Conversion of {work.inputs[middle]:.3g} V; dotted: decisions",
    )
    for panel in axes:
        panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
