"""Neurons whose threshold is a comparator's: an offset of its own for each, noise in each decision."""

from dataclasses import dataclass
from math import isfinite, prod

import numpy as np

from circuitsnn.cards import Card
from circuitsnn.core import neurons as core
from circuitsnn.energy.pim import Cost
from circuitsnn.errors import InputError
from circuitsnn.snn.engines.base import NeuronChip, NeuronDesign, NeuronEngine
from circuitsnn.snn.layers import Neuron

__all__ = ["Comparator"]


@dataclass(frozen=True)
class Comparator(NeuronEngine):
    """Neurons as in the network but for their decisions: a spike where u + noise exceeds V_th + offset.

    A neuron's offset is normal and the same in all steps of a chip; noise is normal and drawn anew in each decision, so
    that P(spike) = erfc((V_th + offset - u) / (sqrt(2) sigma)) / 2: equation 5 of Muramatsu and Yu (2021),
    arXiv:2102.10592. A soft reset takes off the nominal threshold, which another part of the circuit gives.
    """

    offset: float = 0.0
    """Standard deviation of the offset over the threshold. [1]"""
    noise: float = 0.0
    """Standard deviation of a decision's noise over the threshold. [1]"""
    energy: float | None = None
    """Energy of a decision, if known. [J]"""
    delay: float = 0.0
    """Time of a decision. [s]"""
    source: str = "given"
    """Where energy and time come from."""

    def __post_init__(self) -> None:
        for name in ("offset", "noise", "delay", "energy"):
            value = getattr(self, name)
            if value is None and name == "energy":
                continue
            good = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
            if not good or value < 0.0:
                raise InputError(f"Comparator: {name} is {value!r}; allowed is a number >= 0")

    @classmethod
    def of_card(cls, card: Card, threshold: float) -> "Comparator":
        """Take the comparator of a converter.

        Parameters
        ----------
        card : Card
            Card of a converter: it has the comparator's offset, noise and energy.
        threshold : float
            Voltage that stands for a neuron's threshold. [V]

        Returns
        -------
        Comparator
            The engine.

        Raises
        ------
        InputError
            If the card is of another kind or the voltage not above 0.
        """
        if getattr(card, "kind", None) not in ("sar_adc", "flash_adc", "ramp_adc"):
            found = getattr(card, "kind", card)
            raise InputError(f"card is of kind {found!r}; allowed is that of a converter: sar_adc, flash_adc, ramp_adc")
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0.0 < threshold < np.inf:
            raise InputError(f"threshold is {threshold!r}; allowed is a voltage > 0")
        decision = card.values.get("T_decision", 0.0)
        return cls(
            card.sigma_offset / threshold,
            card.noise_comparator / threshold,
            card.E_comparator,
            decision,
            f"comparator of card {card.name}",
        )

    def design(self, neuron: Neuron, shape: tuple[int, ...], drive: np.ndarray) -> "_Design":
        """Apply the rule to a layer: see `NeuronEngine.design`."""
        return _Design(self, neuron, shape)


class _Design(NeuronDesign):
    def __init__(self, engine: Comparator, neuron: Neuron, shape: tuple[int, ...]) -> None:
        self.engine, self.neuron, self.shape = engine, neuron, shape
        self.varies = engine.offset > 0.0 or engine.noise > 0.0

    def chip(self, seed: np.random.SeedSequence) -> "_Chip":
        return _Chip(self, np.random.default_rng(seed))

    def cost(self) -> Cost | None:
        engine = self.engine
        return (
            None
            if engine.energy is None
            else Cost({"neurons": engine.energy}, {"neurons": engine.delay}, engine.source)
        )


class _Chip(NeuronChip):
    def __init__(self, design: _Design, rng: np.random.Generator) -> None:
        neuron, engine = design.neuron, design.engine
        threshold, leak = (of_each_neuron(each, design.shape) for each in (neuron.threshold, neuron.leak))
        offset = engine.offset * rng.standard_normal(len(threshold)) if engine.offset else 0.0
        soft = neuron.reset == "soft"
        self._noisy = engine.noise > 0.0
        self._comparators = core.Comparators(
            decision=threshold * (1.0 + offset),
            noise=threshold * engine.noise,
            reset=threshold,
            leak=leak,
            reset_decay=float(neuron.reset_decay),
            early=soft and neuron.reset_step == "same",
            late=soft and neuron.reset_step == "next",
            hard=neuron.reset == "hard",
            at_threshold=neuron.at_threshold,
            refractory=int(neuron.refractory),
        )

    def spikes(self, drive: np.ndarray, rng: np.random.Generator | None, steps: int | None = None) -> np.ndarray:
        series = as_series(drive, steps)
        spikes = np.empty((len(series) if steps is None else steps, *series.shape[1:]), np.uint8)
        scores = rng.standard_normal(spikes.shape, np.float32) if self._noisy else np.empty((0, 0, 0), np.float32)
        core.compare(series, self._comparators, scores, spikes)
        return spikes.reshape(len(spikes), *drive.shape[steps is None :])


def of_each_neuron(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Give each neuron its number.

    Parameters
    ----------
    values : ndarray, shape () or (channels,)
        One number, or one for each channel. [-]
    shape : tuple of int
        Shape of the layer for one sample, channels first.

    Returns
    -------
    ndarray, shape (neurons,)
        A number for each neuron. [-]
    """
    values = np.asarray(values, dtype=float)
    return np.repeat(np.broadcast_to(values, shape[:1]), prod(shape[1:]))


def as_series(drive: np.ndarray, steps: int | None) -> np.ndarray:
    """Bring a drive to the kernels' axes.

    Parameters
    ----------
    drive : ndarray, shape (T, n, *shape), or (n, *shape) with `steps`
        The drive. [-]
    steps : int or None
        Given if the drive is the same in all steps.

    Returns
    -------
    ndarray, shape (T or 1, n, neurons)
        The drive in float64. [-]
    """
    series = drive[None] if steps is not None else drive
    return np.ascontiguousarray(series.reshape(*series.shape[:2], -1), dtype=float)
