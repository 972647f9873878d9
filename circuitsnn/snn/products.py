"""Products of exact layers: dense by the linear algebra library, or one addition of weights for each spike.

Which is faster depends on how many inputs are zero, and on the machine. The crossovers were measured on one core with
AVX-512 and a second-level cache of 1 MiB (AMD EPYC of the fourth generation, OpenBLAS, float32), where the library does
40 million products in a millisecond. A dense layer of 500 outputs is faster spike by spike below an activity of 0.33,
one of 120 below 0.22; a convolution with 64 outputs and 5 x 5 elements below 0.3, with 16 outputs below 0.05. On
another machine results are the same, some of them later.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from circuitsnn.core import spiking as core
from circuitsnn.snn.layers import Convolution, Dense

__all__ = ["convolution_is_sparse", "dense_convolution", "product_is_sparse", "sparse_convolution", "spikes_come_often"]

_FETCHED = 2.5
"""How much longer an addition takes whose weight is fetched for one spike than a product of the library."""
_SPIKE = 250.0
"""Additions in whose time a spike is found and its weights are looked up, dense layers."""
_PIECE = 600.0
"""The same for convolutions, for each piece of weights that lies in one line."""
_MOVED = 60.0
"""Products in whose time one number is brought to another order of axes."""
_OFTEN = 3.0
"""Spikes of an input that spikes at all from which on inputs are brought together by steps."""
_MANY = 150
"""Inputs of a sample that spike at all from which on they are."""
_BUFFER = 2**20
"""Numbers that are gathered at a time for dense convolutions: about what the cache of a core holds."""


def product_is_sparse(layer: Dense, activity: float) -> bool:
    """Say whether a dense layer should add up the weights of active inputs.

    Parameters
    ----------
    layer : Dense
        The layer.
    activity : float
        Share of inputs that are not zero. [1]

    Returns
    -------
    bool
        Whether that is faster.
    """
    return activity * (_FETCHED + _SPIKE / len(layer.weight)) < 1.0


def spikes_come_often(events: np.ndarray) -> bool:
    """Say whether a dense layer should bring inputs together that spike in the same steps.

    For 290 active pixels with 4.6 spikes in 10 steps that was faster by a tenth with 84 outputs, by a quarter with 500;
    for active neurons with 2.1 spikes slower by up to a tenth, for 50 of them by half.

    Parameters
    ----------
    events : ndarray, shape (n, inputs)
        Spikes of each input in all steps.

    Returns
    -------
    bool
        Whether that is faster.
    """
    active = np.count_nonzero(events)
    return active > _MANY * len(events) and float(events.sum()) > _OFTEN * active


def convolution_is_sparse(layer: Convolution, activity: float) -> bool:
    """Say whether a convolution should add weights for each active input.

    Parameters
    ----------
    layer : Convolution
        The layer.
    activity : float
        Share of inputs that are not zero. [1]

    Returns
    -------
    bool
        Whether that is faster.
    """
    outputs, taps = len(layer.weight), prod(layer.kernel) / prod(layer.stride)
    piece = outputs * layer.kernel[-1] / layer.stride[-1]
    moving = _MOVED * (1.0 / (taps * outputs) + 1.0 / (taps * layer.weight.shape[1]))
    return activity * (1.0 + _PIECE / piece) + moving < 1.0


def first_direction_first(layer: Convolution) -> np.ndarray:
    """Give weights as `dense_convolution` takes them, shape (outputs, first direction, channels, others)."""
    return np.ascontiguousarray(np.swapaxes(layer.weight, 1, 2)).reshape(len(layer.weight), -1)


def dense_convolution(
    layer: Convolution,
    weights: np.ndarray,
    maps: np.ndarray,
    out: np.ndarray,
    empty: Callable[..., np.ndarray] = np.empty,
) -> None:
    """Convolve by matrix products, for each position along the first direction one.

    Parameters
    ----------
    layer : Convolution
        The layer.
    weights : ndarray, shape (outputs, products)
        Its weights, the first direction before the channels.
    maps : ndarray, shape (T, channels, *sizes, n)
        Inputs.
    out : ndarray, shape (T, outputs, *positions, n)
        Is filled.
    empty : callable
        Gives memory, as `numpy.empty`.
    """
    # In two directions as in three, the second of size one.
    maps = maps.reshape(*maps.shape[:3], -1, *maps.shape[-2:])
    flat = (1,) * (3 - len(layer.kernel))
    others = (*flat, *out.shape[3:-1])
    stride, padding = (*flat, *layer.stride[1:]), (*(0 for _ in flat), *layer.padding[1:])
    step, high = layer.stride[0], layer.kernel[0]
    of_row, columns = maps.shape[1] * prod(layer.kernel[1:]), prod(others) * maps.shape[-1]
    band = max(high, _BUFFER // (of_row * columns) // step)
    for first in range(0, out.shape[2], band):
        sinks = out[:, :, first : first + band].reshape(len(maps), len(weights), -1, columns)
        number = sinks.shape[2]
        rows = ((number - 1) * step + high, maps.shape[1], *flat, *layer.kernel[1:], *others, maps.shape[-1])
        gathered = empty(rows, out.dtype)
        # What neighbouring positions meet overlaps.
        strides = (step * gathered.strides[0], columns * out.itemsize, out.itemsize)
        patches = np.lib.stride_tricks.as_strided(gathered, (number, high * of_row, columns), strides)
        for source, sink in zip(maps, sinks, strict=True):
            core.gather(source, first * step - layer.padding[0], stride, padding, gathered)
            np.matmul(weights, patches, out=np.swapaxes(sink, 0, 1))


def in_one_piece(layer: Convolution) -> tuple[np.ndarray, np.ndarray]:
    """Give weights as the kernel of sparse convolutions takes them, and where the pieces start.

    Parameters
    ----------
    layer : Convolution
        The layer.

    Returns
    -------
    weights : ndarray, shape (K_D, K_H, channels, K_W, outputs)
        Weights; elements along the last direction that meet the same inputs follow one another, the last first.
    first : ndarray, shape (stride + 1,)
        Where those start that meet the inputs 0, 1, ... modulo the stride.
    """
    size, step = layer.kernel[-1], layer.stride[-1]
    groups = [list(range(kind, size, step))[::-1] for kind in range(step)]
    order = [k for group in groups for k in group]
    weights = layer.weight.reshape(*layer.weight.shape[:2], *(1,) * (3 - len(layer.kernel)), *layer.kernel)
    weights = weights[..., order].transpose(2, 3, 1, 4, 0)
    return weights, np.cumsum([0, *map(len, groups)])


def sparse_convolution(
    layer: Convolution, weights: np.ndarray, first: np.ndarray, maps: np.ndarray, out: np.ndarray
) -> None:
    """Convolve by an addition of weights for each input that is not zero.

    Parameters
    ----------
    layer : Convolution
        The layer.
    weights, first : ndarray
        As from `in_one_piece`.
    maps : ndarray, shape (T, channels, *sizes, n)
        Inputs.
    out : ndarray, shape (T, outputs, *positions, n)
        Is filled.
    """
    flat = (1,) * (3 - len(layer.kernel))
    events = np.ascontiguousarray(np.moveaxis(maps, (1, -1), (-1, 1)), out.dtype)
    sums = np.zeros((*events.shape[:2], *out.shape[2:-1], out.shape[1]), out.dtype)
    core.sparse_convolution(
        events.reshape(-1, *flat, *events.shape[2:]),
        weights,
        first,
        (*flat, *layer.stride),
        (*(0 for _ in flat), *layer.padding),
        sums.reshape(-1, *flat, *sums.shape[2:]),
    )
    out[...] = np.moveaxis(sums, (1, -1), (-1, 1))
