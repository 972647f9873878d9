"""Our engine beside others on the same circuit with the same devices: how far they agree, and how fast they are.

What is compared: every switching time of every device, the output voltage at the engine's own time points, the energy
from each supply, the locked phases, and for a memory the recalled pattern. An engine is run with smaller and smaller
largest steps, so that its answer is seen to converge.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.cards import Card, load_card
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.learning import hebbian
from circuitsnn.oscillator.mapping import map_weights
from circuitsnn.oscillator.memory import PERIODS, input_delays
from circuitsnn.oscillator.network import OscillatorNetwork, TransientRun
from circuitsnn.oscillator.patterns import digits, random_patterns, with_fuzzy_pixels
from circuitsnn.spice.crosscheck.common import checked_engines, finest
from circuitsnn.spice.crosscheck.oscillator_figure import draw_oscillators
from circuitsnn.spice.engines import ENGINES, Waveforms
from circuitsnn.spice.netlists import CARD
from circuitsnn.spice.oscillator_decks import Chip, Run, default_options, oscillator_deck
from circuitsnn.spice.readback import energies, last_phases, switching_times
from circuitsnn.spice.simulate import simulate
from circuitsnn.variation import generators

TIMING = 1e-4
"""Largest error of a switching time of a single oscillator or pair, at the finest step run. [periods]"""
PHASE = 1.0
"""Largest error of a locked phase. [degree]"""
ENERGY = 0.01
"""Largest relative error of the energy."""
RECALLED = 0.9
"""Least share of images on which a memory must recall the same pattern."""

_EDGE = 0.01  # periods about the end within which one side may have seen a switching that the other has not


@dataclass(frozen=True)
class Comparison:
    """One run of one engine beside ours."""

    engine: str
    """Name of the engine."""
    max_step: float
    """Largest step that it was allowed. [s]"""
    image: int | None
    """Which image of a memory; None for the others."""
    switchings: int
    """Number of switchings compared, over all devices."""
    unmatched: int
    """Switchings that only one of the two saw."""
    timing: float
    """Largest error of a switching time. [periods]"""
    voltage: float
    """Largest error of an output voltage. [V]"""
    voltage_rms: float
    """Its root mean square over time and oscillators. [V]"""
    locked: bool
    """Whether our phases settled."""
    phase: float
    """Largest error of a phase over the last period; NaN where they did not settle. [degree]"""
    energy: float
    """Relative error of the energy from all supplies."""
    same_pattern: bool | None
    """Whether both recalled the same pattern; None where none is recalled, and where ours did not settle."""
    margin: float
    """Least distance of one of our phases from 90 or 270 degrees, where the answer would turn. [degree]"""
    steps: int
    """Time points that the engine kept."""
    engine_time: float
    """Wall time of the engine, its start included. [s]"""
    our_time: float
    """Wall time of ours, compiled before. [s]"""

    @property
    def agrees(self) -> bool:
        """Whether both recalled the same pattern or, where ours did not settle, saw the same switchings."""
        return self.unmatched == 0 if self.same_pattern is None else self.same_pattern

    @property
    def ratio(self) -> float:
        """How many times faster ours was."""
        return self.engine_time / self.our_time


@dataclass(frozen=True, eq=False)
class Traces:
    """Waveforms of one run, to lay over each other."""

    comparison: Comparison
    """What was found."""
    network: OscillatorNetwork
    """The network."""
    ours: TransientRun
    """Our run, at the engine's time points."""
    theirs: Waveforms
    """The engine's."""


@dataclass(frozen=True, eq=False)
class CrossCheck:
    """What a cross-check found."""

    kind: str
    """``"period"``, ``"pair"`` or ``"onn"``."""
    comparisons: tuple[Comparison, ...]
    """Each run."""
    traces: tuple[Traces, ...] = field(repr=False)
    """Waveforms of each engine's finest run, of a memory's first image."""
    period: float = 0.0
    """Period of the uncoupled oscillator. [s]"""

    def finest(self) -> list[Comparison]:
        """Give the runs with each engine's smallest step."""
        return finest(self.comparisons)

    @property
    def holds(self) -> bool:
        """Whether every engine agrees with ours at its finest step, within the limits of this module."""
        return not self.complaints()

    def complaints(self) -> list[str]:
        """Say what does not agree; empty when all does."""
        found = []
        for engine in dict.fromkeys(one.engine for one in self.comparisons):
            runs = [one for one in self.finest() if one.engine == engine]
            worst_energy = max(abs(one.energy) for one in runs)
            if not worst_energy <= ENERGY:
                found.append(f"{engine}: energy differs by {worst_energy:.2%}, allowed {ENERGY:.0%}")
            if self.kind == "onn":
                share = np.mean([one.agrees for one in runs])
                if share < RECALLED:
                    found.append(f"{engine}: the same answer on {share:.0%} of images, allowed {RECALLED:.0%} or more")
                continue
            worst = max(one.timing for one in runs)
            if not worst <= TIMING:
                found.append(f"{engine}: switching times differ by {worst:.2g} periods, allowed {TIMING:g}")
            worst = max((one.phase for one in runs if one.locked), default=0.0)
            if not worst <= PHASE:
                found.append(f"{engine}: locked phases differ by {worst:.2g} degrees, allowed {PHASE:g}")
            if any(one.unmatched for one in runs):
                found.append(f"{engine}: {sum(one.unmatched for one in runs)} switchings were seen by one side only")
        return found

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the runs; units in ``attrs["units"]``."""
        frame = pd.DataFrame([{**vars(one), "ratio": one.ratio} for one in self.comparisons])
        frame.attrs["units"] = {
            "max_step": "s", "timing": "period", "voltage": "V", "voltage_rms": "V", "phase": "degree",
            "margin": "degree", "engine_time": "s", "our_time": "s",
        }  # fmt: skip
        return frame

    def figure(self) -> Figure:
        """Draw both waveforms over each other, their difference, and the convergence of the engine's answer."""
        return draw_oscillators(self, TIMING)


def crosscheck_oscillators(
    kind: str,
    *,
    engines: Sequence[str] | None = None,
    card: Card | str = CARD,
    fidelity: str = "relaxed",
    coupling_resistance: float = 10e3,
    delay: float = 0.25,
    periods: float = 10.0,
    steps: Sequence[float] | None = None,
    size: int = 60,
    images: int = 10,
    fuzzy: int | None = None,
    spread: str = "none",
    sigma: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    timeout: float = 1800.0,
    progress: Callable[[float, str], None] | None = None,
) -> CrossCheck:
    """Simulate the same oscillators here and on other engines, and compare.

    Parameters
    ----------
    kind
        ``"period"`` (one oscillator), ``"pair"`` or ``"onn"`` (an associative memory).
    engines
        Names of engines; all that are installed without it.
    card
        Device card, or its name or path.
    fidelity
        Device model.
    coupling_resistance
        Of a pair. [ohm]
    delay
        By which the second supply of a pair follows the first. [periods]
    periods
        Length of a run of one oscillator or a pair; a memory is given the time of a recall. [periods]
    steps
        Largest steps to allow the engines, one run each. [s]
    size
        Oscillators of a memory: 60 hold six digits, any other number two random patterns.
    images
        How many images a memory is shown.
    fuzzy
        Spoilt pixels of each; a sixth of them without it.
    spread
        ``"none"`` or ``"drawn"``: each device by the card's spreads.
    sigma
        Relative standard deviation of drawn devices' parameters in place of the card's own.
    seed
        Of devices, patterns and spoilt pixels.
    jobs
        How many engines run at the same time; wall times are honest with 1.
    timeout
        Wall time after which a run is stopped. [s]
    progress
        Is told the share that is done.

    Returns
    -------
    CrossCheck
        The comparisons.

    Raises
    ------
    InputError
        If a word or number is not allowed, or no engine is installed.
    EngineError
        If an engine fails.
    """
    chip = Chip(spread, sigma)
    engines = checked_engines(engines)
    loaded = card if isinstance(card, Card) else load_card(card)
    period = Oscillator(loaded).period("abrupt")
    if kind == "onn":
        tasks = _memory_tasks(loaded, size, images, fuzzy, chip, seed, period)
        steps = (period / 200,) if steps is None else steps
    else:
        tasks = [_small_task(kind, loaded, coupling_resistance, delay, periods, chip, seed, period)]
        steps = tuple(period / n for n in (200, 1000, 4000)) if steps is None else steps
    steps = sorted((float(f"{step:.2g}") for step in steps), reverse=True)
    plan = [(task, engine, step) for task in tasks for engine in engines for step in steps]
    keep = {(engine, steps[-1]) for engine in engines}
    finished = 0

    def work(entry: tuple) -> tuple[Comparison, Traces | None]:
        nonlocal finished
        task, engine, step = entry
        traces = _compare(task, engine, step, fidelity, timeout)
        finished += 1
        if progress is not None:
            progress(finished / len(plan), f"{engine}, step {step:g} s")
        first = task.image in (None, 0) and (engine, step) in keep
        return traces.comparison, traces if first else None

    # A first run compiles the kernels, so that the clock does not see it.
    tasks[0].network.transient(
        tasks[0].run.delays, close_at=tasks[0].run.close_at or 0.0, stop=period, fidelity=fidelity
    )
    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(work, plan))
    return CrossCheck(
        kind, tuple(one for one, _ in results), tuple(traces for _, traces in results if traces is not None), period
    )


@dataclass(frozen=True, eq=False)
class _Task:
    """One circuit to simulate on both sides."""

    network: OscillatorNetwork
    run: Run
    image: int | None = None


def _small_task(
    kind: str, card: Card, resistance: float, delay: float, periods: float, chip: Chip, seed: int, period: float
) -> _Task:
    size = 1 if kind == "period" else 2
    coupling = np.full((size, size), np.inf)
    if size == 2:
        coupling[0, 1] = coupling[1, 0] = resistance
    network = chip.network(card, coupling, generators(seed, 1)[0])
    delays = np.array([0.0, delay * period])[:size]
    close_at = delays[-1] + Oscillator(card).first_charge_duration() if size == 2 else None
    return _Task(network, Run(delays, close_at, (close_at or 0.0) + periods * period, period))


def _memory_tasks(
    card: Card, size: int, images: int, fuzzy: int | None, chip: Chip, seed: int, period: float
) -> list[_Task]:
    devices, stored, noise = generators(seed, 3)
    patterns = digits() if size == 60 else random_patterns(2, size, stored)
    coupling = map_weights(hebbian(patterns), card, size / 32)
    network = chip.network(card, coupling, devices)
    close_at = 0.5 * period + Oscillator(card).first_charge_duration()
    tasks = []
    for image in range(images):
        pixels = with_fuzzy_pixels(patterns[image % len(patterns)], size // 6 if fuzzy is None else fuzzy, noise)
        run = Run(input_delays(pixels, period), close_at, close_at + PERIODS * period, period)
        tasks.append(_Task(network, run, image))
    return tasks


def _compare(task: _Task, engine: str, step: float, fidelity: str, timeout: float) -> Traces:
    """Run one circuit on both sides."""
    network, run = task.network, task.run
    options = default_options(ENGINES[engine].dialect, fidelity)
    deck = oscillator_deck(network, run, fidelity=fidelity, max_step=step, options=options)
    theirs = simulate(deck, engine, timeout)
    arguments = {"close_at": run.close_at or 0.0, "stop": run.stop, "fidelity": fidelity}
    started = time.perf_counter()
    network.transient(run.delays, **arguments)
    our_time = time.perf_counter() - started
    inside = np.unique(theirs.time[(theirs.time >= 0) & (theirs.time <= run.stop)])
    ours = network.transient(run.delays, **arguments, save_at=inside)
    place = np.searchsorted(theirs.time, inside)
    voltages = np.array([theirs[f"osc{i}_out"][place] for i in range(network.size)])
    times = switching_times(theirs, network)
    matched = [_match(a, b, run.stop - _EDGE * run.period) for a, b in zip(ours.switching_times, times, strict=True)]
    errors = np.concatenate([a - b for a, b, _ in matched]) if matched else np.empty(0)
    our_phases, their_phases = ours.phases(), last_phases(times)
    difference = np.abs((our_phases - their_phases + 180.0) % 360.0 - 180.0)
    same, margin = None, float("nan")
    if task.image is not None and ours.status.ok:
        same = bool(np.array_equal(_pattern(our_phases), _pattern(their_phases)))
        margin = float(np.min(np.abs(np.abs(our_phases % 180.0) - 90.0)))
    comparison = Comparison(
        engine=engine,
        max_step=step,
        image=task.image,
        switchings=errors.size,
        unmatched=sum(count for *_, count in matched),
        timing=float(np.max(np.abs(errors)) / run.period) if errors.size else float("nan"),
        voltage=float(np.max(np.abs(voltages - ours.voltages))),
        voltage_rms=_rms(inside, voltages - ours.voltages),
        locked=ours.status.ok,
        phase=float(np.max(difference)) if ours.status.ok else float("nan"),
        energy=float(energies(theirs, network.size).sum() / ours.energy.sum() - 1.0),
        same_pattern=same,
        margin=margin,
        steps=theirs.time.size,
        engine_time=theirs.wall_time,
        our_time=our_time,
    )
    return Traces(comparison, network, ours, theirs)


def _match(ours: np.ndarray, theirs: np.ndarray, end: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Pair the switchings of one device in their order; how many well inside the run have no partner."""
    count = min(len(ours), len(theirs))
    alone = np.concatenate([ours[count:], theirs[count:]])
    return ours[:count], theirs[:count], int(np.count_nonzero(alone < end))


def _pattern(phases: np.ndarray) -> np.ndarray:
    """Pixels of an answer, by the phases against oscillator 0."""
    return np.cos(np.radians(phases)) > 0


def _rms(times: np.ndarray, values: np.ndarray) -> float:
    """Root mean square over time, whose points lie unevenly, and over oscillators."""
    return float(np.sqrt(np.mean(np.trapezoid(values**2, times, axis=1)) / (times[-1] - times[0])))
