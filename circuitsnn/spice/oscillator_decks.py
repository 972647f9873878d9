"""Decks of oscillators, pairs and memories: what is simulated, how long, and what is measured."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.network import OscillatorNetwork
from circuitsnn.spice.analyses import Edge, Interval, Maximum, Measure, Ratio, Transient
from circuitsnn.spice.circuit import oscillator_circuit, saved_nodes
from circuitsnn.spice.deck import Deck
from circuitsnn.variation import draw

RELTOL = 1e-5
"""Relative tolerance of a simulator whose VO2 devices have a hysteretic switch."""

RELTOL_FEEDBACK = 1e-6
"""The same where the state is found by a feedback; looser ones miss thresholds (docs/theory/netlists.md)."""


@dataclass(frozen=True)
class Chip:
    """How the devices of a chip come by their values."""

    spread: str = "none"
    """``"drawn"`` from the card's spreads, or else all alike."""
    sigma: float | None = None
    """Relative standard deviation of every parameter that the card spreads, in place of the card's own."""

    def __post_init__(self) -> None:
        if self.sigma is not None and self.spread != "drawn":
            raise InputError(f"sigma is {self.sigma} with spread {self.spread!r}; allowed with spread 'drawn'")

    def network(self, card: Card, coupling_resistance: np.ndarray, rng: np.random.Generator) -> OscillatorNetwork:
        """Fabricate the oscillators of a network.

        Parameters
        ----------
        card
            Device card.
        coupling_resistance
            Coupling resistances (N, N). [ohm]
        rng
            Source of randomness.

        Returns
        -------
        OscillatorNetwork
            The network.
        """
        size = len(coupling_resistance)
        if self.spread != "drawn":
            return OscillatorNetwork([Oscillator(card)] * size, coupling_resistance)
        return OscillatorNetwork.of_devices(card, draw(card, size, rng, sigma=self.sigma), coupling_resistance)


@dataclass(frozen=True)
class Run:
    """When things happen in a network of oscillators."""

    delays: ArrayLike
    """When each supply switches on (N,). [s]"""
    close_at: float | None
    """When the coupling switches close; None where nothing is coupled. [s]"""
    stop: float
    """End. [s]"""
    period: float
    """Period of the oscillator as designed, uncoupled. [s]"""


def default_options(dialect: str, fidelity: str = "relaxed") -> dict[str, object]:
    """Options that a deck gets unless it is told others.

    Parameters
    ----------
    dialect
        Dialect of the deck.
    fidelity
        Device model.

    Returns
    -------
    dict
        Options by the names that the simulator knows them by.
    """
    switch = fidelity != "smooth" and dialect in ("ngspice", "ltspice")
    reltol = RELTOL if switch else RELTOL_FEEDBACK
    if dialect == "vacask":
        # Without the check of residuals Newton's method ends where the voltages have settled, as in SPICE.
        return {"reltol": reltol, "nr_residualcheck": 0}
    return {"timeint.reltol" if dialect == "xyce" else "reltol": reltol}


def oscillator_deck(
    network: OscillatorNetwork,
    run: Run,
    *,
    fidelity: str = "relaxed",
    max_step: float | None = None,
    energy: bool = True,
    random: Card | None = None,
    title: str = "Network of VO2 relaxation oscillators",
    comment: str = "",
    options: Mapping[str, object] | None = None,
) -> Deck:
    """Deck of a transient of oscillators: their circuit, what to keep, and measurements of period, phase and energy.

    Parameters
    ----------
    network
        The oscillators and their coupling.
    run
        When the supplies step up and the switches close, and how long.
    fidelity
        Device model.
    max_step
        Longest step of the simulator; a thousandth of the period without it. [s]
    energy
        Whether to meter the energy from each supply.
    random
        Card by whose spreads the simulator is to draw each device.
    title, comment
        What the deck is.
    options
        Options of the simulator.

    Returns
    -------
    Deck
        The deck.
    """
    circuit = oscillator_circuit(
        network, run.delays, run.close_at, fidelity=fidelity, energy=energy, random=random, title=title
    )
    max_step = float(f"{run.period / 1000:.1g}") if max_step is None else max_step
    return Deck(
        circuit,
        Transient(run.stop, max_step),
        oscillator_measures(network.size, run, energy),
        saved_nodes(network.size, energy),
        options or {},
        comment,
    )


def oscillator_measures(size: int, run: Run, energy: bool = True) -> tuple[Measure, ...]:
    """Measurements of the period, of each phase against oscillator 0, and of each supply's energy.

    Period and phase are those of one late cycle, the last that surely lies within the run even if coupling slows the
    oscillators by a tenth.

    Parameters
    ----------
    size
        Number of oscillators.
    run
        When the supplies step up, and how long it lasts.
    energy
        Whether the circuit has meters.

    Returns
    -------
    tuple of Measure
        ``period`` [s]; ``lag_3`` [s] and ``phase_3`` [degree] for each oscillator but the first; ``energy_3`` [J].
    """
    cycle = int(0.9 * (run.stop - np.max(run.delays)) / run.period) - 1
    measures: list[Measure] = []
    if cycle > 0:
        # The first edge is the supply's.
        first, second = Edge("osc0_metallic", cycle), Edge("osc0_metallic", cycle + 1)
        measures.append(Interval("period", first, second))
        for i in range(1, size):
            measures.append(Interval(f"lag_{i}", first, Edge(f"osc{i}_metallic", cycle)))
            measures.append(Ratio(f"phase_{i}", f"lag_{i}", "period", 360.0))
    if energy:
        measures += [Maximum(f"energy_{i}", f"osc{i}_energy") for i in range(size)]
    return tuple(measures)
