"""Network architectures with fresh weights: perceptrons, LeNet-5, and CNN-3D and CNN-32H of Datta et al. (2022).

Each comes as a spiking network or, with ``spiking=False``, as the artificial one with the same weights and names:
layers "neuron1", "neuron2", ... are then rectified linear units. Dropout is no layer: it acts in training only.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod, sqrt

import numpy as np

from circuitsnn.checks import check_generator, whole_number
from circuitsnn.errors import InputError
from circuitsnn.snn.layers import (
    AveragePool,
    Convolution,
    Dense,
    Flatten,
    Layer,
    Neuron,
    Relu,
    Reshape,
    Shape,
    Weights,
)
from circuitsnn.snn.network import Network, Readout

__all__ = ["cnn_3d", "cnn_32h", "kaiming_normal", "lenet5", "mlp"]

# Convolutions of CNN-3D: kernel, stride and padding, each (bands, height, width).
_CNN_3D = (
    ((3, 3, 3), (1, 1, 1), (0, 0, 0)),
    ((3, 1, 1), (2, 1, 1), (1, 0, 0)),
    ((3, 3, 3), (1, 1, 1), (1, 0, 0)),
    ((3, 1, 1), (2, 1, 1), (1, 0, 0)),
    ((3, 1, 1), (1, 1, 1), (1, 0, 0)),
    ((2, 1, 1), (2, 1, 1), (1, 0, 0)),
)


def mlp(
    sizes: Sequence[int | Shape],
    *,
    rng: np.random.Generator,
    spiking: bool = True,
    steps: int = 5,
    bias: bool = False,
    neuron: Neuron | None = None,
    readout: Readout = "potential",
) -> Network:
    """Make a perceptron: layers "dense1", "neuron1", ... and the classifier "fc".

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden units, classes: ``(784, 500, 10)``. The first may be a shape, ``((1, 28, 28), 500, 10)``.
    rng : numpy.random.Generator
        Source of the weights.
    spiking : bool
        Neurons, or rectified linear units.
    steps : int
        Time steps of a spiking network; another has one.
    bias : bool
        With biases, all zero at first.
    neuron : Neuron, optional
        What the neurons are like, but for the name; integrate-and-fire with a soft reset without it.
    readout : {"potential", "spikes"}
        With "spikes" the classifier is followed by neurons too.

    Returns
    -------
    Network
        The network, float32.

    Raises
    ------
    InputError
        If there are fewer than two sizes, or an argument is not possible.
    """
    if len(sizes) < 2:
        raise InputError(f"mlp: sizes is {tuple(sizes)!r}; allowed are two or more, inputs first and classes last")
    shape = tuple(sizes[0]) if isinstance(sizes[0], Sequence) else (sizes[0],)
    body = _Body(shape, rng, spiking, steps, bias, neuron, readout)
    for size in sizes[1:-1]:
        body.dense(size)
    return body.classifier(sizes[-1])


def lenet5(
    input_shape: Shape = (1, 28, 28),
    classes: int = 10,
    *,
    rng: np.random.Generator,
    spiking: bool = True,
    steps: int = 5,
    bias: bool = False,
    neuron: Neuron | None = None,
    readout: Readout = "potential",
) -> Network:
    """Make LeNet-5 with full connections between its maps.

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86(11), 2278-2324
    (1998), doi:10.1109/5.726791: 6 and 16 maps of 5x5, each pooled by 2, then 120 and 84 units. Its input of 32x32 is
    an image of 28x28 with an edge of 2, which is the padding of "conv1" here. Its partial connections between
    maps, trainable pooling and radial basis functions are left out, as is usual.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of an image: channels, height, width.
    classes : int
        Number of classes.
    rng, spiking, steps, bias, neuron, readout
        As for `mlp`.

    Returns
    -------
    Network
        The network, float32.

    Raises
    ------
    InputError
        If the image is too small, or an argument is not possible.
    """
    body = _Body(input_shape, rng, spiking, steps, bias, neuron, readout)
    body.convolution(6, (5, 5), padding=(2, 2))
    body.add(AveragePool("pool1"))
    body.convolution(16, (5, 5))
    body.add(AveragePool("pool2"))
    body.dense(120)
    body.dense(84)
    return body.classifier(classes)


def cnn_3d(
    bands: int,
    classes: int,
    channels: Sequence[int] = (20, 40, 84, 84, 84, 84),
    patch: int = 5,
    *,
    rng: np.random.Generator,
    spiking: bool = True,
    steps: int = 5,
    neuron: Neuron | None = None,
    readout: Readout = "potential",
) -> Network:
    """Make CNN-3D: convolutions in three directions over a patch of a hyperspectral scene, then the classifier.

    Source: Table 1 of Datta et al. (2022), doi:10.3389/fnins.2022.815258. The table gives sizes as (height, width,
    bands, channels) and strides as (height, width, bands), but padding as (bands, height, width): only with "(1,0,0)"
    at both ends of the bands do its own sizes follow. Here all are (bands, height, width). No biases.

    Parameters
    ----------
    bands : int
        Spectral bands of a sample; the sample's shape is (1, bands, patch, patch).
    classes : int
        Number of classes.
    channels : sequence of int
        Channels of the convolutions; with fewer than six the last ones are left out.
    patch : int
        Height and width of a sample; the paper's is 5.
    rng, spiking, steps, neuron, readout
        As for `mlp`.

    Returns
    -------
    Network
        The network, float32.

    Raises
    ------
    InputError
        If there are more than six convolutions, the sample is too small, or an argument is not possible.
    """
    if not 1 <= len(channels) <= len(_CNN_3D):
        raise InputError(f"cnn_3d: channels has {len(channels)} numbers; allowed are one to {len(_CNN_3D)}")
    body = _Body((1, bands, patch, patch), rng, spiking, steps, False, neuron, readout)
    for outputs, (kernel, stride, padding) in zip(channels, _CNN_3D, strict=False):
        body.convolution(outputs, kernel, stride, padding)
    return body.classifier(classes)


def cnn_32h(
    bands: int,
    classes: int,
    channels: Sequence[int] = (90, 64, 128, 512),
    *,
    rng: np.random.Generator,
    spiking: bool = True,
    steps: int = 5,
    neuron: Neuron | None = None,
    readout: Readout = "potential",
) -> Network:
    """Make CNN-32H: one convolution in three directions, two in two, a hidden layer, then the classifier.

    Source: Table 1 of Datta et al. (2022), doi:10.3389/fnins.2022.815258, for patches of 3x3. What the first layer
    gives, (90 channels, 27 bands), is taken as a plane of 27x90 with one channel. The table's height after pooling, 59,
    is 5, as its next line has it: (23 - 4)/4 + 1 rounded down; and its 6,881,280 "filters" of the hidden layer are
    weights, 13,440 x 512. No biases; a dropout of 0.2 before the hidden layer in training.

    Parameters
    ----------
    bands : int
        Spectral bands of a sample; the sample's shape is (1, bands, 3, 3).
    classes : int
        Number of classes.
    channels : sequence of int
        Channels of the three convolutions, units of the hidden layer.
    rng, spiking, steps, neuron, readout
        As for `mlp`.

    Returns
    -------
    Network
        The network, float32.

    Raises
    ------
    InputError
        If `channels` has another length, there are too few bands, or an argument is not possible.
    """
    if len(channels) != 4:
        raise InputError(f"cnn_32h: channels has {len(channels)} numbers; allowed are four")
    body = _Body((1, bands, 3, 3), rng, spiking, steps, False, neuron, readout)
    body.convolution(channels[0], (18, 3, 3), stride=(7, 1, 1))
    planes, depth = body.shape[:2]
    body.add(Reshape("reshape", (1, depth, planes), order=(1, 0, 2, 3)))
    body.convolution(channels[1], (3, 3))
    body.convolution(channels[2], (3, 3))
    body.add(AveragePool("pool", (4, 4)))
    body.dense(channels[3])
    return body.classifier(classes)


def kaiming_normal(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Draw weights for layers that are followed by rectified linear units.

    Source: K. He et al., "Delving deep into rectifiers" (2015), doi:10.1109/ICCV.2015.123, equation 10.

    Parameters
    ----------
    shape : tuple of int
        Shape, outputs first.
    rng : numpy.random.Generator
        Source of the weights.

    Returns
    -------
    ndarray of float32
        Weights with mean 0 and variance 2 / (inputs of an output). [-]
    """
    return (sqrt(2.0 / prod(shape[1:])) * rng.standard_normal(shape)).astype(np.float32)


class _Body:
    """A network that grows layer by layer; it knows the shape that the next layer gets."""

    def __init__(
        self,
        input_shape: Shape,
        rng: np.random.Generator,
        spiking: bool,
        steps: int,
        bias: bool,
        neuron: Neuron | None,
        readout: Readout,
    ) -> None:
        check_generator(rng)
        if readout == "spikes" and not spiking:
            raise InputError("readout is 'spikes' with spiking=False; allowed is 'potential'")
        self.input_shape = tuple(whole_number("input_shape", each, 1) for each in input_shape)
        self.shape = self.input_shape
        self.rng, self.spiking, self.bias, self.readout = rng, spiking, bias, readout
        self.steps = whole_number("steps", steps, 1) if spiking else 1
        self.neuron = Neuron("neuron") if neuron is None else neuron
        self.layers: list[Layer] = []
        self.count = 0

    def add(self, layer: Layer) -> None:
        self.shape = layer.output_shape(self.shape)
        self.layers.append(layer)

    def convolution(self, outputs: int, kernel: Shape, stride: Shape = (1,), padding: Shape = (0,)) -> None:
        if len(self.shape) != len(kernel) + 1:
            raise InputError(f"input_shape is {self.input_shape}; allowed are channels and {len(kernel)} sizes")
        name = f"conv{self.count + 1}"
        weight = self._weight(name, outputs, (self.shape[0], *kernel))
        self._weights(Convolution(name, weight, self._bias(outputs), stride, padding))

    def dense(self, outputs: int) -> None:
        self._flatten()
        name = f"dense{self.count + 1}"
        self._weights(Dense(name, self._weight(name, outputs, self.shape), self._bias(outputs)))

    def classifier(self, classes: int) -> Network:
        self._flatten()
        layer = Dense("fc", self._weight("fc", classes, self.shape), self._bias(classes))
        if self.readout == "spikes":
            self._weights(layer)
        else:
            self.add(layer)
        return Network(self.input_shape, tuple(self.layers), self.steps, readout=self.readout)

    def _flatten(self) -> None:
        if len(self.shape) > 1:
            self.add(Flatten("flatten"))

    def _weight(self, name: str, outputs: int, inputs: Shape) -> np.ndarray:
        return kaiming_normal((whole_number(f"layer {name}: outputs", outputs, 1), *inputs), self.rng)

    def _bias(self, outputs: int) -> np.ndarray | None:
        return np.zeros(outputs, np.float32) if self.bias else None

    def _weights(self, layer: Weights) -> None:
        self.count += 1
        self.add(layer)
        name = f"neuron{self.count}"
        self.add(replace(self.neuron, name=name) if self.spiking else Relu(name))
