"""A network as a PyTorch module: the same spikes, with gradients."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from circuitsnn.errors import InputError
from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Dense,
    Encoder,
    Filter,
    Flatten,
    Layer,
    MaxPool,
    Neuron,
    Relu,
    Reshape,
    Sum,
    Weights,
)
from circuitsnn.snn.network import Network
from circuitsnn.train.membrane import Rule, spikes
from circuitsnn.train.quantise import FakeQuantise
from circuitsnn.train.surrogate import Surrogate, Triangle

__all__ = ["LOWEST_THRESHOLD", "Module", "Perturbation", "build"]

_TRIANGLE = Triangle()

LOWEST_THRESHOLD = 0.05
"""Thresholds are kept from falling lower in training. [-]"""


class Perturbation(Protocol):
    """What a layer's weights and products suffer in training."""

    trimmed: bool
    """Whether the mean error of an output over a batch, by its weights, is taken off."""

    def weight(self, weight: Tensor, generator: torch.Generator) -> Tensor:
        """Perturb the weights that a layer multiplies by."""

    def product(self, product: Tensor, generator: torch.Generator) -> Tensor:
        """Perturb the products, shape (..., outputs, *positions) after the samples' axis."""


def build(
    network: Network,
    *,
    surrogate: Surrogate = _TRIANGLE,
    quantiser: FakeQuantise | Mapping[str, FakeQuantise] | None = None,
    dropout: Mapping[str, float] | None = None,
    perturbations: Mapping[str, Perturbation] | None = None,
    detach_potential: bool = False,
    detach_reset: bool = False,
    smooth: bool = False,
    bfloat16: bool = False,
    dtype: torch.dtype = torch.float32,
) -> "Module":
    """Make a module of a network.

    Parameters
    ----------
    network : Network
        The network. Its weights, biases, thresholds, leaks and the numbers of batch normalisations are trained.
    surrogate : Surrogate
        What stands for the derivative of a spike.
    quantiser : FakeQuantise or mapping of str to FakeQuantise, optional
        Quantisation of the weights of all layers, or of those named.
    dropout : mapping of str to float, optional
        Share of the inputs that is dropped in training before the layers named; a sample's is the same in all steps.
    perturbations : mapping of str to Perturbation, optional
        What the layers named suffer in training.
    detach_potential : bool
        Whether the last step's potential counts as an input, without gradient through time along it.
    detach_reset : bool
        Whether no gradient passes through resets to the spikes that made them.
    smooth : bool
        Whether spikes are the surrogate's smooth function, for checks of gradients.
    bfloat16 : bool
        Whether all weight layers but the first and the last multiply by numbers of 8 bits and an exponent in training,
        where the processor does so: half the time for convolutions. Spikes are exact, weights, products and gradients
        are rounded. Layers with perturbations do not.
    dtype : torch.dtype
        Floating-point numbers to reckon with; spikes of float64 are those of the network's inference.

    Returns
    -------
    Module
        The module, in training mode as modules of PyTorch are at first.

    Raises
    ------
    InputError
        If a layer that is named does not exist or an argument is not possible.
    """
    return Module(
        network, surrogate, quantiser, dropout, perturbations, detach_potential, detach_reset, smooth, bfloat16, dtype
    )


class Module(nn.Module):
    """A network with gradients; made by `build`.

    ``module(x)`` takes samples, shape (n, *input_shape), or a series that was encoded before, shape
    (T, n, *input_shape), and gives the read-out, shape (n, outputs). All steps of a layer are reckoned before the next
    layer's: what is the same in all steps is reckoned once.
    """

    def __init__(
        self,
        network: Network,
        surrogate: Surrogate,
        quantiser: FakeQuantise | Mapping[str, FakeQuantise] | None,
        dropout: Mapping[str, float] | None,
        perturbations: Mapping[str, Perturbation] | None,
        detach_potential: bool,
        detach_reset: bool,
        smooth: bool,
        bfloat16: bool,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        if not isinstance(network, Network):
            raise InputError(f"network is {network!r}; allowed is a Network")
        if not isinstance(surrogate, Surrogate):
            raise InputError(f"surrogate is {surrogate!r}; allowed is a Surrogate, such as Triangle()")
        self.network = network
        self.settings: dict[str, Any] = {
            "surrogate": surrogate, "quantiser": quantiser, "dropout": dropout, "perturbations": perturbations,
            "detach_potential": detach_potential, "detach_reset": detach_reset, "smooth": smooth, "dtype": dtype,
            "bfloat16": bfloat16,
            "network": (network.input_shape, network.steps, network.coding, network.readout,
                        [_described(layer) for layer in network.layers]),
        }  # fmt: skip
        """What the module was made with, apart from the numbers that are trained."""
        weights = [layer.name for layer in network.weight_layers]
        if quantiser is None or isinstance(quantiser, FakeQuantise):
            quantiser = dict.fromkeys(weights, quantiser) if quantiser else {}
        self.quantisers = _checked("quantiser", quantiser, weights)
        self.perturbations = _checked("perturbations", perturbations or {}, weights)
        self.dropout = _checked("dropout", dropout or {}, [layer.name for layer in network.layers])
        for name, share in self.dropout.items():
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0.0 <= share < 1.0:
                raise InputError(f"dropout of layer {name} is {share!r}; allowed is a share from 0 to less than 1")
        self.rounded = frozenset(weights[1:-1]) - set(self.perturbations) if bfloat16 else frozenset()
        """Layers that multiply in bfloat16 in training."""
        self.generator = torch.Generator().manual_seed(0)
        """Source of dropout and perturbations; `fit` seeds it."""
        self.rules: dict[str, Rule] = {}
        for layer in network.layers:
            for name, value in _trained(layer).items():
                parameter = torch.tensor(value, dtype=dtype)
                if name == "weight" and parameter.dim() == 5:
                    parameter = parameter.contiguous(memory_format=torch.channels_last_3d)
                self.register_parameter(f"{layer.name}:{name}", nn.Parameter(parameter))
            if isinstance(layer, Neuron):
                if smooth and layer.refractory:
                    raise InputError(f"layer {layer.name} is refractory; allowed with smooth=True are others")
                self.rules[layer.name] = Rule(layer, surrogate, detach_potential, detach_reset, smooth)

    def parameter_of(self, layer: str, name: str) -> nn.Parameter:
        """Give a trained array of a layer.

        Parameters
        ----------
        layer : str
            The layer's name.
        name : {"weight", "bias", "threshold", "leak", "scale", "shift"}
            Which.

        Returns
        -------
        Parameter
            The parameter.

        Raises
        ------
        InputError
            If there is none.
        """
        found = dict(self.named_parameters()).get(f"{layer}:{name}")
        if found is None:
            raise InputError(f"the module has no {name!r} of a layer {layer!r}; allowed: "
                             f"{', '.join(key for key, _ in self.named_parameters())}")  # fmt: skip
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Give the read-out.

        Parameters
        ----------
        x : Tensor, shape (n, *input_shape) or (T, n, *input_shape)
            Samples, or a series.

        Returns
        -------
        Tensor, shape (n, outputs)
            The last output summed over all steps.

        Raises
        ------
        InputError
            If the shape is another.
        """
        return self.signals(x, last_only=True)[""]

    def signals(self, x: Tensor, last_only: bool = False) -> dict[str, Tensor]:
        """Give the outputs of all layers.

        Parameters
        ----------
        x : Tensor, shape (n, *input_shape) or (T, n, *input_shape)
            Samples, or a series.
        last_only : bool
            Whether to keep only what later layers need.

        Returns
        -------
        dict of str to Tensor
            By name; of shape (n, *shape) where it is the same in all steps, else (T, n, *shape). The read-out has the
            name "".

        Raises
        ------
        InputError
            If the shape of x is not possible.
        """
        network, steps = self.network, self.network.steps
        shape = tuple(x.shape)
        series = shape[2:] == network.input_shape and shape[:1] == (steps,)
        if not series and shape[1:] != network.input_shape:
            raise InputError(
                f"samples have shape {shape}; allowed is (n, {', '.join(map(str, network.input_shape))}), or that "
                f"after {steps} steps"
            )
        sources = {layer.source for layer in network.layers if isinstance(layer, Sum)}
        kept: dict[str, tuple[Tensor, bool]] = {"input": (x, series)}
        for layer in network.layers:
            x, series = self._layer(layer, self._dropped(layer.name, x, series), series, kept)
            if not last_only or layer.name in sources:
                kept[layer.name] = x, series
        kept[""] = (x.sum(dim=0) if series else x * steps), False
        return {name: signal for name, (signal, _) in kept.items()}

    def _layer(
        self, layer: Layer, x: Tensor, series: bool, kept: Mapping[str, tuple[Tensor, bool]]
    ) -> tuple[Tensor, bool]:
        steps = self.network.steps
        if isinstance(layer, Neuron):
            channels = (-1,) + (1,) * (x.dim() - (3 if series else 2))
            threshold, leak = (
                each if each.dim() == 0 else each.view(channels)
                for each in (self.parameter_of(layer.name, name) for name in ("threshold", "leak"))
            )
            return spikes(x, threshold, leak, steps, series, self.rules[layer.name]), True
        if isinstance(layer, Encoder):
            return _burst(x, series, layer, steps), True
        if isinstance(layer, Filter):
            return _filtered(x, series, layer, steps), True
        if isinstance(layer, Sum):
            other, other_series = kept[layer.source]
            if series != other_series:  # a static one is the same in all steps
                x, other = (x, other[None]) if series else (x[None], other)
            return x + other, series or other_series
        if isinstance(layer, BatchNorm):
            scale, shift = (self.parameter_of(layer.name, name) for name in ("scale", "shift"))
            ones = (1,) * (len(self.network.shapes[layer.name]) - 1)
            if scale.dim() == 2:
                each_step = (steps, 1, -1, *ones)
                return (x if series else x[None]) * scale.view(each_step) + shift.view(each_step), True
            return x * scale.view(-1, *ones) + shift.view(-1, *ones), series
        if not series:
            return self._static(layer, x), False
        return self._static(layer, x.flatten(0, 1)).unflatten(0, (steps, -1)), True

    def _static(self, layer: Layer, x: Tensor) -> Tensor:
        """Layers that treat every step alike; x has one axis of samples, or of steps and samples."""
        if isinstance(layer, Weights):
            return self._multiply(layer, x)
        if isinstance(layer, Relu):
            return functional.relu(x) if layer.maximum is None else x.clamp(0.0, layer.maximum)
        if isinstance(layer, AveragePool):
            pool = functional.avg_pool2d if len(layer.kernel) == 2 else functional.avg_pool3d
            return pool(x, layer.kernel, layer.stride)
        if isinstance(layer, MaxPool):
            pool = functional.max_pool2d if len(layer.kernel) == 2 else functional.max_pool3d
            return pool(x, layer.kernel, layer.stride)
        if isinstance(layer, Flatten):
            return x.flatten(1)
        if isinstance(layer, Reshape):
            if layer.order is not None:
                x = x.permute(0, *(1 + axis for axis in layer.order))
            return x.reshape(len(x), *layer.shape)
        raise InputError(f"layer {layer.name} is of the kind {layer.kind!r}, which cannot be trained")

    def _multiply(self, layer: Weights, x: Tensor) -> Tensor:
        weight = self.parameter_of(layer.name, "weight")
        if layer.name in self.quantisers:
            weight = self.quantisers[layer.name](weight)
        perturbation = self.perturbations.get(layer.name) if self.training else None
        if self.training and layer.name in self.rounded and _multiplies_bfloat16(x.device.type):
            product = _product(layer, x.bfloat16(), weight.bfloat16()).to(x.dtype)
        elif perturbation is None:
            product = _product(layer, x, weight)
        else:
            perturbed = perturbation.weight(weight, self.generator)
            product = _product(layer, x, perturbed)
            if perturbation.trimmed:
                error = _product(layer, x.mean(dim=0, keepdim=True), (perturbed - weight).detach())
                if error.dim() > 2:
                    error = error.mean(dim=tuple(range(2, error.dim())), keepdim=True)
                product = product - error
            product = perturbation.product(product, self.generator)
        if layer.bias is None:
            return product
        bias = self.parameter_of(layer.name, "bias")
        return product + bias.view(-1, *(1,) * (product.dim() - 2))

    def _dropped(self, name: str, x: Tensor, series: bool) -> Tensor:
        share = self.dropout.get(name, 0.0)
        if not (self.training and share):
            return x
        shape = x.shape[1:] if series else x.shape
        # Drawn on the CPU, so that a seed means the same on every device.
        kept = torch.rand(shape, generator=self.generator) >= share
        return x * kept.to(x.device, x.dtype).div_(1.0 - share)

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring thresholds and leaks back into their ranges; `fit` does so after every update."""
        for layer in self.network.neuron_layers:
            self.parameter_of(layer.name, "threshold").clamp_(min=LOWEST_THRESHOLD)
            self.parameter_of(layer.name, "leak").clamp_(0.0, 1.0)

    def to_network(self, **about: str) -> Network:
        """Write the trained numbers back; weights are not quantised.

        Parameters
        ----------
        **about : str
            What `Network.about` should say besides what it says already.

        Returns
        -------
        Network
            The network.

        Raises
        ------
        InputError
            If a number is not finite: the training diverged.
        """
        layers = []
        for layer in self.network.layers:
            arrays = {name: self.parameter_of(layer.name, name).detach() for name in _trained(layer)}
            layers.append(replace(layer, **{name: each.cpu().contiguous().numpy() for name, each in arrays.items()}))
        return self.network.replace(*layers, about={**self.network.about, **about})


def _trained(layer: Layer) -> dict[str, np.ndarray]:
    """Arrays of a layer that are trained."""
    if isinstance(layer, Weights):
        return {"weight": layer.weight} | ({} if layer.bias is None else {"bias": layer.bias})
    if isinstance(layer, Neuron):
        return {"threshold": layer.threshold, "leak": layer.leak}
    if isinstance(layer, BatchNorm):
        return {"scale": layer.scale, "shift": layer.shift}
    return {}


def _product(layer: Weights, x: Tensor, weight: Tensor) -> Tensor:
    if isinstance(layer, Dense):
        return functional.linear(x, weight)
    if weight.dim() == 4:
        return functional.conv2d(x, weight, None, layer.stride, layer.padding)
    # Two to three times faster on a CPU than channels first.
    x = x.contiguous(memory_format=torch.channels_last_3d)
    plane, kernel = tuple(x.shape[3:]), layer.kernel[1:]
    if layer.padding[1:] == (0, 0) and (kernel == plane or (kernel == (1, 1) and layer.stride[1:] == (1, 1))):
        return _along_depth(x, weight, layer.stride[0], layer.padding[0])
    return functional.conv3d(x, weight, None, layer.stride, layer.padding)


@cache
def _multiplies_bfloat16(device: str) -> bool:
    """Whether it has instructions for it; without, PyTorch takes several times as long as in float32."""
    if device != "cpu":
        return True
    try:
        capabilities = torch.cpu.get_capabilities()
    except AttributeError:  # an older PyTorch
        return False
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _along_depth(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Convolve along the depth alone, by one matrix product: three times as fast as a convolution in space.

    The kernel covers one pixel of each plane, or the plane whole.
    """
    x = functional.pad(x.permute(0, 2, 3, 4, 1), (0, 0, 0, 0, 0, 0, padding, padding))  # channels last
    if weight.shape[3:] != (1, 1):
        x = x.flatten(2)[:, :, None, None]
    depth = weight.shape[2]
    stop = x.shape[1] - depth + 1
    covered = torch.cat([x[:, k : k + stop : stride] for k in range(depth)], dim=-1)
    matrix = weight.permute(0, 2, 3, 4, 1).flatten(1)
    return functional.linear(covered, matrix).permute(0, 4, 1, 2, 3)


def _described(layer: Layer) -> tuple:
    """Say what a layer is, with the shapes of its arrays in place of them."""
    return (layer.kind, *((key, value.shape if isinstance(value, np.ndarray) else value)
                          for key, value in vars(layer).items()))  # fmt: skip


def _checked(what: str, given: Mapping, allowed: list[str]) -> dict:
    if not isinstance(given, Mapping):
        raise InputError(f"{what} is {given!r}; allowed is a mapping from names of layers")
    for name in given:
        if name not in allowed:
            raise InputError(f"{what}: there is no layer {name!r}; allowed: {', '.join(allowed)}")
    return dict(given)


def _filtered(x: Tensor, series: bool, layer: Filter, steps: int) -> Tensor:
    outputs: list[Tensor] = []
    for t in range(steps):
        value = sum(float(b) * (x[t - q] if series else x) for q, b in enumerate(layer.feedforward) if q <= t)
        outputs.append(value + sum(float(a) * outputs[t - p] for p, a in enumerate(layer.feedback, 1) if p <= t))
    return torch.stack(outputs)


def _burst(x: Tensor, series: bool, layer: Encoder, steps: int) -> Tensor:
    if series:
        raise InputError(f"layer {layer.name} encodes what is the same in all steps; allowed are no spikes before it")
    return _Burst.apply(x, float(layer.threshold), steps)


class _Burst(torch.autograd.Function):
    """The encoding layer of tandem learning; the count's derivative is straight through, 1 / threshold."""

    @staticmethod
    def forward(ctx, x: Tensor, threshold: float, steps: int) -> Tensor:
        ctx.save_for_backward(x)
        ctx.threshold, ctx.steps = threshold, steps
        potential, outputs = x.clone(), []
        for _ in range(steps):
            outputs.append((potential >= threshold).to(x.dtype))
            potential = potential - threshold * outputs[-1]
        return torch.stack(outputs)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        within = (x > 0) & (x < ctx.steps * ctx.threshold)
        return gradient.mean(dim=0) * within / ctx.threshold, None, None
