"""Quantised spike-timing-dependent back-propagation (Q-STDB): the recipe of Datta et al. (2022).

1. Train an artificial network without biases and batch normalisation (`ANN`).
2. Copy its weights into spiking neurons; take thresholds from pre-activations (`circuitsnn.snn.conversion`).
3. Train weights, thresholds and leaks through T = 5 steps, with weights quantised affinely on the way forward (`SNN`).
4. For inference, quantise the trained weights by a scale alone (`snn.conversion.quantised`).

Source: sections 4.1, 4.2 and 6.3 of doi:10.3389/fnins.2022.815258, whose numbers `ANN` and `SNN` are; it gives no batch
and no momentum.
"""

from circuitsnn.snn.network import Network
from circuitsnn.train.fit import Training
from circuitsnn.train.module import Module, Perturbation, build
from circuitsnn.train.quantise import FakeQuantise, Scheme
from circuitsnn.train.surrogate import Triangle

__all__ = ["ANN", "SNN", "module"]

ANN = Training(epochs=100, optimiser="sgd", learning_rate=0.01, decay=0.1, milestones=(0.6, 0.8, 0.9), batch=60)
"""Training of the artificial network, as the paper has it."""

SNN = Training(epochs=100, optimiser="adam", learning_rate=1e-4, decay=0.5, milestones=(0.6, 0.8, 0.9), batch=60)
"""Training of the spiking network, as the paper has it."""


def module(
    network: Network,
    bits: int | None = 6,
    scheme: Scheme = "affine",
    *,
    dropout: dict[str, float] | None = None,
    perturbations: dict[str, Perturbation] | None = None,
    gamma: float = 0.3,
    detach_potential: bool = False,
    detach_reset: bool = False,
    bfloat16: bool = False,
) -> Module:
    """Make the module that Q-STDB trains; `fit` it by `SNN`.

    Parameters
    ----------
    network : Network
        A spiking network: converted, or fresh to train from scratch.
    bits : int, optional
        Bits of a weight; None trains in full precision.
    scheme : {"affine", "scale"}
        Quantisation in training; the paper's is affine, and "scale" its ablation.
    gamma : float
        Height of the surrogate's triangle; the paper's by default. [-]
    dropout, perturbations, detach_potential, detach_reset, bfloat16
        As for `build`. The paper says that the last potential counts as an input, and also that it unrolls in time;
        here gradients pass through time without `detach_potential`.

    Returns
    -------
    Module
        The module.

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    return build(
        network,
        surrogate=Triangle(gamma),
        quantiser=None if bits is None else FakeQuantise(bits, scheme),
        dropout=dropout,
        perturbations=perturbations,
        detach_potential=detach_potential,
        detach_reset=detach_reset,
        bfloat16=bfloat16,
    )
