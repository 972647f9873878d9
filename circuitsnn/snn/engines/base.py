"""What an engine is: a design rule, the design that it makes for a layer, and the fabricated chips of that design.

- engine: a rule, chosen by the user: "6 bits in SRAM macros of this card",
- design: the rule applied to one layer: its weights, ranges set by typical inputs; the same for all chips,
- chip: one fabricated instance, with its own mismatch; noise is drawn anew in each use.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from circuitsnn.energy.pim import Cost
from circuitsnn.snn.layers import Neuron
from circuitsnn.status import Status

__all__ = ["MacChip", "MacDesign", "MacEngine", "NeuronChip", "NeuronDesign", "NeuronEngine"]


class MacChip(ABC):
    """One fabricated instance of a matrix."""

    @abstractmethod
    def multiply(self, rows: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """Multiply the matrix with vectors.

        Parameters
        ----------
        rows : ndarray, shape (n, inputs)
            Vectors, in the network's units. [-]
        rng : numpy.random.Generator or None
            Source of the noise of these reads; None only where there is no noise.

        Returns
        -------
        ndarray, shape (n, outputs)
            Products in the network's units, without bias. [-]
        """


class MacDesign(ABC):
    """A matrix laid out by an engine."""

    varies: bool = False
    """Whether chips differ from one another, or products of one chip do (noise)."""
    status: Status = Status("settled")
    """Whether the design does what its engine promises, with advice if not."""

    @abstractmethod
    def chip(self, seed: np.random.SeedSequence) -> MacChip:
        """Fabricate a chip.

        Parameters
        ----------
        seed : numpy.random.SeedSequence
            Which one: its static mismatch.

        Returns
        -------
        MacChip
            The chip.
        """

    def cost(self) -> Cost | None:
        """Energy and delay of one product of the matrix with one vector, by its circuit; None without one."""
        return None


@dataclass(frozen=True, kw_only=True)
class MacEngine(ABC):
    """A design rule for the matrix of a dense layer or a convolution."""

    read_every_step: bool = False
    """Whether an input that is the same in all steps is read anew in each step, with new noise; or once for all."""

    @abstractmethod
    def design(self, matrix: np.ndarray, rows: np.ndarray, steps: int) -> MacDesign:
        """Apply the rule to a layer.

        Parameters
        ----------
        matrix : ndarray, shape (outputs, inputs)
            Weights in the network's units. [-]
        rows : ndarray, shape (n, inputs)
            Typical inputs: they set scales and ranges. [-]
        steps : int
            Time steps of the network.

        Returns
        -------
        MacDesign
            What all chips share.

        Raises
        ------
        InputError
            If the layer does not fit the rule.
        """


class NeuronChip(ABC):
    """One fabricated instance of a layer of neurons."""

    @abstractmethod
    def spikes(self, drive: np.ndarray, rng: np.random.Generator | None, steps: int | None = None) -> np.ndarray:
        """Let the neurons spike.

        Parameters
        ----------
        drive : ndarray, shape (T, n, *shape), or (n, *shape) with `steps`
            What the weights give the neurons, in each step or the same in all. [-]
        rng : numpy.random.Generator or None
            Source of noise; None only where there is none.
        steps : int, optional
            Time steps of a drive that is the same in all of them.

        Returns
        -------
        ndarray of uint8, shape (T, n, *shape)
            Spikes, 0 or 1.
        """


class NeuronDesign(ABC):
    """A layer of neurons laid out by an engine."""

    varies: bool = False
    """Whether chips differ from one another, or uses of one chip do (noise)."""
    status: Status = Status("settled")
    """Whether the design does what its engine promises, with advice if not."""

    @abstractmethod
    def chip(self, seed: np.random.SeedSequence) -> NeuronChip:
        """Fabricate a chip.

        Parameters
        ----------
        seed : numpy.random.SeedSequence
            Which one: its static mismatch.

        Returns
        -------
        NeuronChip
            The chip.
        """

    def cost(self) -> Cost | None:
        """Energy and delay of one step of one neuron, by its circuit; None without one."""
        return None


@dataclass(frozen=True)
class NeuronEngine(ABC):
    """A design rule for a layer of spiking neurons."""

    @abstractmethod
    def design(self, neuron: Neuron, shape: tuple[int, ...], drive: np.ndarray) -> NeuronDesign:
        """Apply the rule to a layer.

        Parameters
        ----------
        neuron : Neuron
            The layer.
        shape : tuple of int
            Shape of the layer for one sample.
        drive : ndarray, shape (T, n, *shape)
            Typical drive: it sets scales and ranges. [-]

        Returns
        -------
        NeuronDesign
            What all chips share.

        Raises
        ------
        InputError
            If the layer does not fit the rule.
        """
