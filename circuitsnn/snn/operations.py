"""Synaptic operations: how many products each input of a layer takes part in, edges, strides and paddings included.

Source: equations 13 and 14 of J. Wu et al., "Deep spiking neural network with tandem learning" (2019),
arXiv:1907.01167.
"""

from math import prod

import numpy as np

from circuitsnn.energy.pim import LayerShape
from circuitsnn.snn.layers import Convolution, Shape, Weights

__all__ = ["fan_out", "layer_shape", "multiplications"]


def fan_out(layer: Weights, shape: Shape) -> np.ndarray:
    """Count the outputs that each input of a layer goes to.

    Parameters
    ----------
    layer : Dense or Convolution
        The layer.
    shape : tuple of int
        Shape of its input for one sample.

    Returns
    -------
    ndarray of float, shape (inputs,) or (1, *sizes)
        Fan-out of each input; the same for all channels of a convolution.
    """
    if not isinstance(layer, Convolution):
        return np.full(shape, float(len(layer.weight)))
    counts = np.full((1,), float(len(layer.weight)))
    outputs = layer.output_shape(shape)[1:]
    for size, number, kernel, stride, padding in zip(
        shape[1:], outputs, layer.kernel, layer.stride, layer.padding, strict=True
    ):
        # Place of each kernel element at each position, on the input with its zeros.
        places = stride * np.arange(number)[:, None] + np.arange(kernel) - padding
        inside = places[(places >= 0) & (places < size)]
        counts = counts[..., None] * np.bincount(inside, minlength=size)
    return counts


def multiplications(layer: Weights, shape: Shape) -> int:
    """Count the products with one input that is not spikes: equation 14, products with padded zeros left out.

    Parameters
    ----------
    layer : Dense or Convolution
        The layer.
    shape : tuple of int
        Shape of its input for one sample.

    Returns
    -------
    int
        Sum of the fan-outs of all inputs.
    """
    counts = fan_out(layer, shape)
    return round(float(counts.sum()) * (prod(shape) / counts.size))


def layer_shape(layer: Weights, shape: Shape) -> LayerShape:
    """Give a layer's sizes as the energy models take them.

    Parameters
    ----------
    layer : Dense or Convolution
        The layer.
    shape : tuple of int
        Shape of its input for one sample.

    Returns
    -------
    LayerShape
        Channels, kernel and output positions; the first of three directions is the depth. Padded zeros count there.
    """
    outputs, inputs = layer.weight.shape[:2]
    if not isinstance(layer, Convolution):
        return LayerShape(inputs, outputs)
    kernel, positions = layer.kernel, layer.output_shape(shape)[1:]
    depth, places = (kernel[0], positions[0]) if len(kernel) == 3 else (1, 1)
    return LayerShape(inputs, outputs, *kernel[-2:], depth, *positions[-2:], places)
