"""The layers that a network is described by: data, checked when they are made; what they do is in the inference.

A signal between layers is the same in every time step ("static": a direct-coded image, and what weights make of it),
or a series with one array for each time step. Shapes leave out samples and steps, channels come first:
(channels, height, width), or (channels, depth, height, width).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, prod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import check_word, whole_number
from circuitsnn.errors import InputError

__all__ = [
    "AveragePool",
    "BatchNorm",
    "Convolution",
    "Dense",
    "Encoder",
    "Filter",
    "Flatten",
    "Layer",
    "MaxPool",
    "Neuron",
    "Relu",
    "Reshape",
    "Sum",
    "Weights",
]

Shape = tuple[int, ...]
Reset = Literal["soft", "hard", "none"]
ResetStep = Literal["next", "same"]


_ARRAY = {"array": True}  # files keep such fields as tensors


@dataclass(frozen=True, eq=False)
class Layer:
    """What all layers have: a name, unique in its network."""

    name: str
    """Name."""
    kind: ClassVar[str] = ""
    """The layer's kind, as it is called in files."""

    def __post_init__(self) -> None:
        name = self.name
        if not isinstance(name, str) or not name or not name.isprintable() or "." in name or name == "input":
            raise InputError(f"layer name {name!r}: allowed is a printable text without dots, other than 'input'")

    def output_shape(self, shape: Shape) -> Shape:
        """Give the shape of the output for one sample.

        Parameters
        ----------
        shape : tuple of int
            Shape of the input for one sample.

        Returns
        -------
        tuple of int
            The output's shape.

        Raises
        ------
        InputError
            If the input does not fit.
        """
        return shape

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _numbers(self, name: str, dimensions: Sequence[int], none: bool = False) -> None:
        """Check an array field: finite numbers, as many dimensions as allowed, float32 or float64."""
        value = getattr(self, name)
        if value is None and none:
            return
        array = checked_array(f"layer {self.name}: {name}", value)
        if array.ndim not in dimensions:
            allowed = " or ".join(map(str, dimensions))
            raise InputError(f"layer {self.name}: {name} has {array.ndim} dimensions; allowed: {allowed}")
        self._set(name, array)

    def _whole(self, name: str, least: int) -> None:
        """Bring a field to whole numbers."""
        value = getattr(self, name)
        if not isinstance(value, (tuple, list)):
            raise InputError(f"layer {self.name}: {name} is {value!r}; allowed are whole numbers >= {least}")
        self._set(name, tuple(whole_number(f"layer {self.name}: {name}", each, least) for each in value))

    def _misfit(self, shape: Shape, allowed: str) -> InputError:
        return InputError(f"layer {self.name}: its input has shape {shape}; allowed is {allowed}")


def checked_array(what: str, value: ArrayLike) -> np.ndarray:
    """Bring numbers to an array of float32 or float64 that cannot be changed.

    Parameters
    ----------
    what : str
        What it is, for the message.
    value : array_like
        The numbers; float32 stays so, all else becomes float64.

    Returns
    -------
    ndarray
        A read-only copy in C order.

    Raises
    ------
    InputError
        If there is a value that is no finite number.
    """
    try:
        found = np.asarray(value)
    except (TypeError, ValueError):
        raise InputError(f"{what} is no array; allowed is an array of numbers") from None
    if found.dtype.kind not in "fiu":
        raise InputError(f"{what} holds {found.dtype}; allowed are numbers")
    array = found.astype(np.float32 if found.dtype == np.float32 else np.float64, order="C")
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds values that are not finite; allowed are finite numbers")
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class Weights(Layer):
    """What dense layers and convolutions share: a matrix that inputs are multiplied by, which an engine can hold."""

    weight: np.ndarray = field(metadata=_ARRAY)
    """Weights, outputs first. [-]"""
    bias: np.ndarray | None = field(default=None, metadata=_ARRAY)
    """Bias, shape (outputs,), added in every time step. [-]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.weight.size:
            raise InputError(f"layer {self.name}: weight has shape {self.weight.shape}; allowed are sizes >= 1")
        self._numbers("bias", (1,), none=True)
        if self.bias is not None and len(self.bias) != len(self.weight):
            raise InputError(
                f"layer {self.name}: bias has {len(self.bias)} values; allowed are as many as outputs: "
                f"{len(self.weight)}"
            )

    @property
    def matrix(self) -> np.ndarray:
        """The weights as a matrix, shape (outputs, products that an output sums)."""
        return self.weight.reshape(len(self.weight), -1)


@dataclass(frozen=True, eq=False)
class Dense(Weights):
    """A fully connected layer; `weight` has shape (outputs, inputs)."""

    kind: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        self._numbers("weight", (2,))
        super().__post_init__()

    def output_shape(self, shape: Shape) -> Shape:
        if shape != self.weight.shape[1:]:
            raise self._misfit(shape, f"({self.weight.shape[1]},)")
        return (len(self.weight),)


@dataclass(frozen=True, eq=False)
class Convolution(Weights):
    """A convolution in two or three directions; `weight` has shape (outputs, channels, *kernel)."""

    stride: tuple[int, ...] = (1,)
    """Steps of the kernel, one for each direction (or one for all)."""
    padding: tuple[int, ...] = (0,)
    """Zeros added at both ends of each direction."""
    kind: ClassVar[str] = "convolution"

    def __post_init__(self) -> None:
        self._numbers("weight", (4, 5))
        super().__post_init__()
        self._set("stride", for_each(self.name, "stride", self.stride, len(self.kernel), 1))
        self._set("padding", for_each(self.name, "padding", self.padding, len(self.kernel), 0))

    @property
    def kernel(self) -> Shape:
        """Size of the kernel."""
        return self.weight.shape[2:]

    def output_shape(self, shape: Shape) -> Shape:
        size = ", ".join("size" for _ in self.kernel)
        if len(shape) != len(self.kernel) + 1 or shape[0] != self.weight.shape[1]:
            raise self._misfit(shape, f"({self.weight.shape[1]}, {size})")
        return (len(self.weight), *positions(self, shape[1:], self.kernel, self.stride, self.padding))


@dataclass(frozen=True, eq=False)
class _Pool(Layer):
    kernel: tuple[int, ...] = (2, 2)
    """Size of what is pooled."""
    stride: tuple[int, ...] | None = None
    """Steps; the kernel's size without it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        directions = len(self.kernel) if isinstance(self.kernel, (tuple, list)) else 0
        if directions not in (2, 3):
            raise InputError(f"layer {self.name}: kernel is {self.kernel!r}; allowed are two or three whole numbers")
        self._set("kernel", for_each(self.name, "kernel", self.kernel, directions, 1))
        stride = self.kernel if self.stride is None else self.stride
        self._set("stride", for_each(self.name, "stride", stride, directions, 1))

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != len(self.kernel) + 1:
            raise self._misfit(shape, f"channels and {len(self.kernel)} sizes")
        return (shape[0], *positions(self, shape[1:], self.kernel, self.stride, (0,) * len(self.kernel)))


@dataclass(frozen=True, eq=False)
class AveragePool(_Pool):
    """Means over parts of a map; incomplete ones at the end are left out."""

    kind: ClassVar[str] = "average_pool"


@dataclass(frozen=True, eq=False)
class MaxPool(_Pool):
    """Largest values of parts of a map; incomplete ones at the end are left out."""

    kind: ClassVar[str] = "max_pool"


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """One axis in place of all."""

    kind: ClassVar[str] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


@dataclass(frozen=True, eq=False)
class Reshape(Layer):
    """Other axes for the same values, after an exchange of axes."""

    shape: tuple[int, ...] = ()
    """The new shape."""
    order: tuple[int, ...] | None = None
    """Axes of the input in the order that they are brought to first; as they are without it."""
    kind: ClassVar[str] = "reshape"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._whole("shape", 1)
        if self.order is not None:
            self._whole("order", 0)

    def output_shape(self, shape: Shape) -> Shape:
        if prod(shape) != prod(self.shape):
            raise self._misfit(shape, f"one of {prod(self.shape)} values, for {self.shape}")
        if self.order is not None and sorted(self.order) != list(range(len(shape))):
            raise self._misfit(shape, f"one with the axes {self.order}")
        return self.shape


@dataclass(frozen=True, eq=False)
class BatchNorm(Layer):
    """A scale and a shift for each channel: a batch normalisation with fixed statistics.

    One for all time steps, or one for each (batch normalisation through time, Kim and Panda 2021,
    doi:10.3389/fnins.2021.773954).
    """

    scale: np.ndarray = field(metadata=_ARRAY)
    """Factor, shape (channels,) or (steps, channels). [-]"""
    shift: np.ndarray = field(metadata=_ARRAY)
    """Summand, of the same shape. [-]"""
    kind: ClassVar[str] = "batch_norm"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._numbers("scale", (1, 2))
        self._numbers("shift", (1, 2))
        if self.scale.shape != self.shift.shape:
            raise InputError(
                f"layer {self.name}: scale has shape {self.scale.shape}, shift {self.shift.shape}; allowed is the same"
            )

    def output_shape(self, shape: Shape) -> Shape:
        if not shape or shape[0] != self.scale.shape[-1]:
            raise self._misfit(shape, f"one with {self.scale.shape[-1]} channels")
        return shape


@dataclass(frozen=True, eq=False)
class Sum(Layer):
    """Adds the output of an earlier layer: the end of a residual branch."""

    source: str = ""
    """Name of the layer whose output is added; "input" is the network's input."""
    kind: ClassVar[str] = "sum"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.source, str):
            raise InputError(f"layer {self.name}: source is {self.source!r}; allowed is a layer's name")


@dataclass(frozen=True, eq=False)
class Filter(Layer):
    """A synapse's filter with an infinite response: F[t] = sum_p a_p F[t - p] + sum_q b_q O[t - q].

    Source: W. Fang et al., "Exploiting neuron and synapse filter dynamics in spatial temporal learning of deep
    spiking neural network" (2020); equation 1d of Muramatsu and Yu (2021), arXiv:2102.10592, with its sums complete.
    """

    feedback: np.ndarray = field(default=(), metadata=_ARRAY)
    """a_1 to a_P. [-]"""
    feedforward: np.ndarray = field(default=(1.0,), metadata=_ARRAY)
    """b_0 to b_Q. [-]"""
    kind: ClassVar[str] = "filter"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._numbers("feedback", (1,))
        self._numbers("feedforward", (1,))
        if not len(self.feedforward):
            raise InputError(f"layer {self.name}: feedforward is empty; allowed is one number or more")

    @classmethod
    def dual_exponential(cls, name: str, tau_m: float, tau_s: float) -> "Filter":
        """Make the synapse of the spike-response model, its peak in continuous time 1.

        Parameters
        ----------
        name : str
            Name.
        tau_m : float
            Time constant of the membrane. [steps]
        tau_s : float
            Time constant of the synapse, shorter. [steps]

        Returns
        -------
        Filter
            With a_1 = e^{-1/tau_m} + e^{-1/tau_s}, a_2 = -e^{-1/tau_m - 1/tau_s}.

        Raises
        ------
        InputError
            If not 0 < tau_s < tau_m.
        """
        if not 0.0 < tau_s < tau_m:
            raise InputError(f"layer {name}: tau_m is {tau_m!r}, tau_s {tau_s!r}; allowed is 0 < tau_s < tau_m")
        slow, fast, ratio = exp(-1.0 / tau_m), exp(-1.0 / tau_s), tau_m / tau_s
        peak = ratio ** (ratio / (ratio - 1.0)) / (ratio - 1.0)
        return cls(name, (slow + fast, -slow * fast), (peak * (slow - fast),))


@dataclass(frozen=True, eq=False)
class Neuron(Layer):
    """Spiking neurons: u[t] = leak u[t-1] + I[t] - reset, with a spike where u[t] exceeds the threshold.

    With ``reset_step="next"`` a soft reset subtracts threshold * o[t-1] in the step after the spike, as in equation 2
    of Datta et al. (2022), doi:10.3389/fnins.2022.815258 (its print, o[t], cannot be computed); with "same" at once,
    so that it leaks too. A hard reset sets the potential to zero: before the next step's input, or at once. `leak` is
    1 for integrate-and-fire neurons.
    """

    threshold: np.ndarray = field(default=1.0, metadata=_ARRAY)
    """Threshold V_th > 0: one number, or one for each channel. [-]"""
    leak: np.ndarray = field(default=1.0, metadata=_ARRAY)
    """What remains of the potential after a step, 0 to 1: one number, or one for each channel. [-]"""
    reset: Reset = "soft"
    """What a spike does to the potential: "soft" subtracts the threshold, "hard" sets it to zero, or "none"."""
    reset_step: ResetStep = "next"
    """When it does so: in the "next" step or in the "same"."""
    at_threshold: bool = False
    """Whether a potential equal to the threshold makes a spike."""
    refractory: int = 0
    """Steps after a spike without input and without spikes; the potential leaks on."""
    reset_decay: float = 0.0
    """theta: a soft reset goes on with R[t] = theta R[t-1] + o[t-1] (equation 1c of Muramatsu and Yu 2021). [-]"""
    kind: ClassVar[str] = "neuron"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._numbers("threshold", (0, 1))
        self._numbers("leak", (0, 1))
        if not (self.threshold > 0.0).all():
            raise InputError(f"layer {self.name}: threshold is {self.threshold.min():g}; allowed are thresholds > 0")
        if not ((self.leak >= 0.0) & (self.leak <= 1.0)).all():
            raise InputError(f"layer {self.name}: leak reaches from {self.leak.min():g} to {self.leak.max():g}; "
                             "allowed is 0 to 1")  # fmt: skip
        check_word(f"layer {self.name}: reset", self.reset, Reset)
        check_word(f"layer {self.name}: reset_step", self.reset_step, ResetStep)
        if not isinstance(self.at_threshold, bool):
            raise InputError(f"layer {self.name}: at_threshold is {self.at_threshold!r}; allowed: True, False")
        self._set("refractory", whole_number(f"layer {self.name}: refractory", self.refractory, 0))
        if (
            isinstance(self.reset_decay, bool)
            or not isinstance(self.reset_decay, (int, float))
            or not (0.0 <= self.reset_decay <= 1.0)
        ):
            raise InputError(f"layer {self.name}: reset_decay is {self.reset_decay!r}; allowed is 0 to 1")
        if self.reset_decay and (self.reset, self.reset_step) != ("soft", "next"):
            raise InputError(f"layer {self.name}: reset_decay needs a soft reset in the next step")

    def output_shape(self, shape: Shape) -> Shape:
        for name in ("threshold", "leak"):
            value = getattr(self, name)
            if value.ndim and (not shape or len(value) != shape[0]):
                raise self._misfit(shape, f"one with {len(value)} channels, as many as {name} has values")
        return shape


@dataclass(frozen=True, eq=False)
class Relu(Layer):
    """Rectified linear units, of a network that does not spike or of its artificial layers."""

    maximum: float | None = None
    """Upper bound, if any. [-]"""
    kind: ClassVar[str] = "relu"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.maximum is not None and not (
            isinstance(self.maximum, (int, float)) and not isinstance(self.maximum, bool) and 0 < self.maximum < np.inf
        ):
            raise InputError(f"layer {self.name}: maximum is {self.maximum!r}; allowed is a number > 0, or None")


@dataclass(frozen=True, eq=False)
class Encoder(Layer):
    """The encoding layer of tandem learning: a value that is the same in all steps becomes a burst of spikes.

    Each step with a potential of a threshold or more makes a spike and takes a threshold off.
    Source: equations 7 to 9 of Wu et al. (2019), arXiv:1907.01167.
    """

    threshold: float = 1.0
    """Threshold. [-]"""
    kind: ClassVar[str] = "encoder"

    def __post_init__(self) -> None:
        super().__post_init__()
        value = self.threshold
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 < value < np.inf:
            raise InputError(f"layer {self.name}: threshold is {value!r}; allowed is a number > 0")


def positions(layer: Layer, sizes: Shape, kernel: Shape, stride: Shape, padding: Shape) -> Shape:
    """Give the positions of a kernel in each direction.

    Parameters
    ----------
    layer : Layer
        Whose kernel it is, for the message.
    sizes, kernel, stride, padding : tuple of int
        Sizes of input and kernel, steps, zeros at both ends.

    Returns
    -------
    tuple of int
        Numbers of positions.

    Raises
    ------
    InputError
        If the kernel is larger than the padded input.
    """
    counts = tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(sizes, kernel, stride, padding, strict=True))
    if min(counts) < 1:
        raise InputError(f"layer {layer.name}: its kernel {kernel} is larger than its padded input, which is {sizes}")
    return counts


def for_each(name: str, what: str, given: Any, directions: int, least: int) -> tuple[int, ...]:
    """Bring a whole number, or one for each direction, to one for each direction.

    Parameters
    ----------
    name : str
        The layer's name, for the message.
    what : str
        What it is, for the message.
    given : int or sequence of int
        The numbers.
    directions : int
        How many directions there are.
    least : int
        Smallest number allowed.

    Returns
    -------
    tuple of int
        One number for each direction.

    Raises
    ------
    InputError
        If there are too many or too few, or one is not allowed.
    """
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    values = values * directions if len(values) == 1 else values
    if len(values) != directions:
        raise InputError(f"layer {name}: {what} is {given!r}; allowed is one whole number, or {directions}")
    return tuple(whole_number(f"layer {name}: {what}", each, least) for each in values)
