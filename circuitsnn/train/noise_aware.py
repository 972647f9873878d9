"""Noise-aware training: weights and products are perturbed as macros perturb them, by statistics measured from macros.

What is measured is chips of an engine for the layer's own matrix and inputs, not typed in:

- cell spread sigma: every bit of a weight lies in a cell of its own, whose current is off by a relative eps, so that a
  weight is off by sum_k s_k b_k eps_k, with s_k what column k counts for and b_k the stored bit. So the variance of a
  product between chips is sigma^2 sum_i (x_i - mean x_i)^2 sum_k (s_k b_k)^2, each chip's mean error of an output taken
  off; sigma is fitted to that, with a constant beside it for converters.
- product error: what is left of the mean square error, of noise, converter steps, curvature, over that of the products.

In training each batch is another chip: cells are drawn anew, products get the error as Gaussian noise. This leaves out
that errors of products depend on one another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError
from circuitsnn.snn.engines.base import MacEngine
from circuitsnn.snn.layers import Convolution, Weights
from circuitsnn.snn.network import Network
from circuitsnn.sram.mapping import WeightMapping, quantise
from circuitsnn.train.module import build
from circuitsnn.train.quantise import FakeQuantise

__all__ = ["MacroPerturbation", "layer_inputs", "measure", "perturbations"]

_MAPPING = WeightMapping()


@dataclass(frozen=True)
class MacroPerturbation:
    """What a layer's weights and products suffer in macros."""

    cell_spread: float
    """Relative standard deviation of a cell's current between cells. [1]"""
    product_error: float
    """Standard deviation of all other errors of a product, over the products' root mean square. [1]"""
    mapping: WeightMapping = _MAPPING
    """How weights lie in cells."""
    trimmed: bool = False
    """Whether each chip's mean error of an output is taken off."""

    def __post_init__(self) -> None:
        for name in ("cell_spread", "product_error"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < np.inf:
                raise InputError(f"{name} is {value!r}; allowed is a number >= 0")

    def weight(self, weight: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the cells of a chip.

        Parameters
        ----------
        weight : Tensor
            Weights as they are used. [-]
        generator : torch.Generator
            Source, on the CPU.

        Returns
        -------
        Tensor
            Weights with the errors of their cells; the gradient passes as if there were none.
        """
        integers, scale, _ = FakeQuantise(self.mapping.bits, "scale").integers(weight)
        table = torch.as_tensor(_squares(self.mapping, np.arange(self.mapping.minimum, self.mapping.maximum + 1)))
        variance = table[(integers.long() - self.mapping.minimum).cpu()]
        # The sum of a weight's cells' errors, drawn at once.
        error = variance.sqrt() * (self.cell_spread / scale.cpu())
        return weight + (error * _normal(weight, generator)).to(weight.device, weight.dtype)

    def product(self, product: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the errors of products.

        Parameters
        ----------
        product : Tensor
            Products. [-]
        generator : torch.Generator
            Source, on the CPU.

        Returns
        -------
        Tensor
            Products with errors.
        """
        size = self.product_error * product.detach().square().mean().sqrt()
        return product + size * _normal(product, generator).to(product.device, product.dtype)


def measure(
    engine: MacEngine,
    matrix: np.ndarray,
    rows: np.ndarray,
    *,
    steps: int = 1,
    mapping: WeightMapping | None = None,
    chips: int = 8,
    reads: int = 4,
    seed: int = 0,
) -> MacroPerturbation:
    """Measure what chips of an engine do to a matrix.

    Parameters
    ----------
    engine : MacEngine
        The engine.
    matrix : ndarray, shape (outputs, inputs)
        Weights. [-]
    rows : ndarray, shape (n, inputs)
        Typical inputs. [-]
    steps : int
        Time steps of the network.
    mapping : WeightMapping, optional
        How weights lie in cells; without it, as the engine's `weight_scheme` and `weight_bits` say.
    chips, reads : int
        Chips, at least two, and reads of each, at least two.
    seed : int
        Seed of chips and noise.

    Returns
    -------
    MacroPerturbation
        The statistics.

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    chips, reads = whole_number("chips", chips, 2), whole_number("reads", reads, 2)
    if mapping is None:
        mapping = WeightMapping(
            getattr(engine, "weight_scheme", _MAPPING.scheme), getattr(engine, "weight_bits", _MAPPING.bits)
        )
    design = engine.design(matrix, rows, steps)
    chip_seeds, noise_seeds = (each.spawn(chips) for each in np.random.SeedSequence(seed).spawn(2))
    found = np.empty((chips, reads, len(rows), len(matrix)))
    for each, chip_seed, noise_seed in zip(found, chip_seeds, noise_seeds, strict=True):
        chip, rng = design.chip(chip_seed), np.random.default_rng(noise_seed)
        for one in each:
            one[...] = chip.multiply(rows, rng)
    integers, step = quantise(matrix, mapping.bits)
    exact = rows @ (integers * step).T
    noise = found.var(axis=1, ddof=1).mean()
    # Between chips, less what chips are trimmed for: it grows with squares of inputs and of what stored bits count for.
    errors = found.mean(axis=1) - exact
    between = (errors - errors.mean(axis=1, keepdims=True)).var(axis=0, ddof=1) - noise / reads
    squares = (_squares(mapping, integers) * step**2).T
    centred = (rows - rows.mean(axis=0)) ** 2 @ squares
    variance = _slope(centred.ravel(), between.ravel())
    trimmed = bool(getattr(engine, "trim", False))
    by_cells = variance * np.mean(centred if trimmed else rows**2 @ squares)
    left = max(np.mean((found - exact) ** 2) - by_cells, 0.0)
    power = np.mean(exact**2)
    return MacroPerturbation(
        float(np.sqrt(variance)), float(np.sqrt(left / power)) if power > 0.0 else 0.0, mapping, trimmed
    )


def perturbations(
    network: Network,
    engines: Mapping[str, MacEngine],
    samples: np.ndarray,
    *,
    mapping: WeightMapping | None = None,
    chips: int = 8,
    reads: int = 4,
    rows: int = 256,
    seed: int = 0,
) -> dict[str, MacroPerturbation]:
    """Measure what engines do to layers of a network.

    Parameters
    ----------
    network : Network
        The network.
    engines : mapping of str to MacEngine
        Engines by layer, as for inference.
    samples : ndarray, shape (n, *input_shape)
        Typical samples.
    mapping, chips, reads
        As for `measure`.
    rows : int
        Most inputs of a layer to measure with.
    seed : int
        Seed.

    Returns
    -------
    dict of str to MacroPerturbation
        By layer.

    Raises
    ------
    InputError
        If a layer does not exist or has no weights.
    """
    found = {}
    threads = torch.get_num_threads()
    for name, engine in engines.items():
        layer = network[name]
        if not isinstance(layer, Weights):
            allowed = ", ".join(each.name for each in network.weight_layers)
            raise InputError(f"layer {name} has no weights; allowed: {allowed}")
        inputs = layer_inputs(network, name, samples)
        chosen = np.random.default_rng(seed).permutation(len(inputs))[:rows]
        found[name] = measure(engine, layer.matrix.astype(float), inputs[chosen], steps=network.steps, mapping=mapping,
                              chips=chips, reads=reads, seed=seed)  # fmt: skip
    # Numba's parallel kernels set their own number of threads for OpenMP, which is PyTorch's, too.
    torch.set_num_threads(threads)
    return found


@torch.no_grad()
def layer_inputs(network: Network, name: str, samples: np.ndarray) -> np.ndarray:
    """Give the vectors that a layer's matrix is multiplied with.

    Parameters
    ----------
    network : Network
        The network.
    name : str
        The layer.
    samples : ndarray, shape (n, *input_shape)
        Samples.

    Returns
    -------
    ndarray, shape (vectors, inputs)
        The vectors, of all samples, positions and steps. [-]

    Raises
    ------
    InputError
        If there is no such layer.
    """
    layer, shape = network[name], network.input_of(name)
    before = [each.name for each in network.layers].index(name)
    module = build(network).eval()
    signals = module.signals(torch.from_numpy(np.asarray(samples, np.float32)))
    x = signals["input" if before == 0 else network.layers[before - 1].name]
    x = x.reshape(-1, *shape)
    if isinstance(layer, Convolution):
        for axis, (size, stride, padding) in enumerate(
            zip(layer.kernel, layer.stride, layer.padding, strict=True), start=2
        ):
            x = _padded(x, axis, padding)
            x = x.unfold(axis, size, stride)
        directions = len(layer.kernel)
        # (n, channels, *positions, *kernel) to (n, *positions, channels, *kernel)
        x = x.movedim(1, 1 + directions).flatten(1 + directions).flatten(0, directions)
    return x.numpy().astype(float)


def _padded(x: Tensor, axis: int, padding: int) -> Tensor:
    zeros = x.new_zeros((*x.shape[:axis], padding, *x.shape[axis + 1 :]))
    return torch.cat([zeros, x, zeros], dim=axis)


def _squares(mapping: WeightMapping, integers: np.ndarray) -> np.ndarray:
    """Sum of the squares of what the stored bits of weights count for."""
    return mapping.to_cells(integers).astype(float) @ (mapping.significances.astype(float) ** 2)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Slope of a line through points; neither it nor its intercept is below zero."""
    from scipy.optimize import nnls

    scale = float(np.abs(x).max(initial=0.0)) or 1.0
    return float(nnls(np.column_stack([x / scale, np.ones(len(x))]), y)[0][0] / scale)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    # Drawn on the CPU, so that a seed means the same on every device.
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)
