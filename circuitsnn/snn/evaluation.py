"""What each layer makes of a signal, for a block of samples and all their time steps at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import DTypeLike

from circuitsnn.core import spiking as core
from circuitsnn.errors import InputError
from circuitsnn.snn import products
from circuitsnn.snn.engines.base import MacChip, NeuronChip
from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dense,
    Encoder,
    Filter,
    Flatten,
    Layer,
    MaxPool,
    Neuron,
    Relu,
    Reshape,
    Shape,
    Sum,
    Weights,
)
from circuitsnn.snn.network import Network
from circuitsnn.snn.operations import fan_out, multiplications

__all__ = ["LINEAR", "Evaluator", "Memory", "Signal"]

LINEAR = (Dense, Convolution, AveragePool, BatchNorm, Flatten, Reshape)
"""Layers that give the sum over all steps from the sum over all steps."""

_LINE = 64
"""Bytes of a cache's line: an array that does not start with one slows down all vector operations."""


_SMALL = 2**16
"""Bytes below which memory is not worth its keeping."""


class Memory:
    """Arrays in memory that is used again as soon as nothing refers to it.

    Fresh memory costs as much as what is computed in it: the system hands it out in small pages, cleared, and it is in
    no cache.
    """

    def __init__(self) -> None:
        self._free: list[memoryview] = []
        self._lent: dict[int, tuple[ref, memoryview]] = {}

    def empty(self, shape: Shape, dtype: DTypeLike) -> np.ndarray:
        """Give an array whose values are not set.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        dtype : dtype
            Its type.

        Returns
        -------
        ndarray
            The array, contiguous.
        """
        size = prod(shape) * np.dtype(dtype).itemsize
        if size < _SMALL:
            return np.empty(shape, dtype)
        # What is up to twice as large will do.
        fitting = [(len(space), n) for n, space in enumerate(self._free) if size <= len(space) <= 2 * size]
        space = self._free.pop(min(fitting)[1]) if fitting else _aligned(size)
        # All views of this array refer to it, since what it refers to is no array.
        array = np.frombuffer(space, np.uint8, size)
        watch = ref(array, self._take_back)
        self._lent[id(watch)] = watch, space
        return array.view(dtype).reshape(shape)

    def _take_back(self, watch: ref) -> None:
        self._free.append(self._lent.pop(id(watch))[1])


def _aligned(size: int) -> memoryview:
    space = np.empty(size + _LINE, np.uint8)
    start = -space.ctypes.data % _LINE
    return memoryview(space[start : start + size])


@dataclass(frozen=True)
class Signal:
    """What one layer gives to the next, for a block of samples.

    Layers with positions have their samples last, since all products of a kernel element are then alike; the others
    have them first, so that the weights of one active input lie in one piece.
    """

    shape: Shape
    """Shape for one sample."""
    values: np.ndarray
    """Values, shape (T, n, size) for one axis, (T, *shape, n) for more; T is 1 if all steps are alike."""
    events: np.ndarray | None = None
    """Spikes in all steps, shape (n, size) or (*shape, n): pools and sums add them up. None for analog values."""
    summed: bool = False
    """Whether the values are sums over all steps."""

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.values.shape[1 if len(self.shape) == 1 else -1]

    @property
    def steps(self) -> int:
        """Number of time steps, 1 if all are alike."""
        return len(self.values)

    def event_counts(self) -> np.ndarray:
        """Give the spikes in all steps, shape (n, size), neurons in the order of `shape`."""
        assert self.events is not None
        return self.events.reshape(-1, self.samples).T if len(self.shape) > 1 else self.events

    @cached_property
    def spikes(self) -> np.ndarray:
        """Spikes of all neurons in all steps, shape (n,); of one axis or channel exact up to 2^24, as float32 is."""
        assert self.events is not None
        if len(self.shape) == 1:
            return (self.events @ np.ones(self.shape, self.events.dtype)).astype(float)
        maps = self.events.reshape(self.shape[0], -1, self.samples)
        return (np.ones(maps.shape[1], maps.dtype) @ maps).sum(axis=0, dtype=float)

    def sum(self) -> "Signal":
        """Give the sum over all steps, where steps are not all alike."""
        if self.steps == 1:
            return self
        if self.values.dtype == np.uint8 and self.events is not None:  # zeros and ones: they have been counted
            return replace(self, values=self.events[None], summed=True)
        return replace(self, values=self.values.sum(axis=0, keepdims=True), summed=True)

    @classmethod
    def of(cls, series: np.ndarray, spikes: bool = False) -> "Signal":
        """Make a signal of an array (T, n, *shape).

        Parameters
        ----------
        series : ndarray, shape (T, n, *shape)
            The values.
        spikes : bool
            Whether they are spikes, which are counted.

        Returns
        -------
        Signal
            The signal.
        """
        shape = series.shape[2:]
        values = np.ascontiguousarray(series if len(shape) == 1 else np.moveaxis(series, 1, -1))
        return cls(shape, values, _counted(values) if spikes else None)

    def series(self) -> np.ndarray:
        """Give the values with the axes (T, n, *shape)."""
        return self.values if len(self.shape) == 1 else np.moveaxis(self.values, -1, 1)

    def each(self, numbers: np.ndarray) -> np.ndarray:
        """Give one number, or one for each channel, to all values of a step."""
        if not numbers.ndim:
            return numbers.reshape(1)
        return (
            np.tile(numbers, self.samples)
            if len(self.shape) == 1
            else np.repeat(numbers, prod(self.shape[1:]) * self.samples)
        )


def _counted(spikes: np.ndarray) -> np.ndarray:
    counts = np.empty(spikes.shape[1:], np.float32)
    core.count(spikes.reshape(len(spikes), -1), counts.reshape(-1))
    return counts


class Evaluator:
    """Evaluates layers of a network.

    Parameters
    ----------
    network : Network
        The network.
    dtype : dtype
        float32 or float64.
    """

    def __init__(self, network: Network, dtype: np.dtype) -> None:
        self.network, self.dtype = network, np.dtype(dtype)
        self.memory = Memory()
        self._prepared: dict[str, Any] = {}

    def __call__(
        self,
        layer: Layer,
        signal: Signal,
        earlier: Mapping[str, Signal],
        chip: MacChip | NeuronChip | None = None,
        rng: np.random.Generator | None = None,
        every_step: bool = False,
    ) -> Signal:
        """Evaluate a layer.

        Parameters
        ----------
        layer : Layer
            The layer.
        signal : Signal
            Its input.
        earlier : mapping of str to Signal
            Outputs of earlier layers that sums need.
        chip : MacChip or NeuronChip, optional
            What holds the layer, in place of exact arithmetic.
        rng : numpy.random.Generator, optional
            Source of the chip's noise.
        every_step : bool
            Whether the chip reads an input that is the same in all steps in each of them.

        Returns
        -------
        Signal
            The output.

        Raises
        ------
        InputError
            If the layer cannot take such a signal.
        """
        if chip is None and isinstance(layer, Sum):
            return self._add(layer, signal, earlier[layer.source])
        if isinstance(layer, Weights):
            return self._weigh(layer, signal) if chip is None else self._multiply(layer, signal, chip, rng, every_step)
        if isinstance(layer, Neuron) and chip is not None:
            return self._spike_on(chip, signal, rng)
        return _RULES[type(layer)](self, layer, signal)

    def operations(self, layer: Weights, signal: Signal, every_step: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Count what an input makes a layer with weights do.

        Parameters
        ----------
        layer : Weights
            The layer.
        signal : Signal
            Its input.
        every_step : bool
            Whether an input that is the same in all steps is multiplied in each of them.

        Returns
        -------
        accumulations : ndarray, shape (n,)
            Additions that spikes cause: equation 13.
        multiplications : ndarray, shape (n,)
            Multiplications with accumulation that other values cause: equation 14.
        """
        none = np.zeros(signal.samples)
        if signal.events is None:
            times = self.network.steps if every_step or signal.summed else signal.steps
            number = self._once(layer, "multiplications", lambda: multiplications(layer, signal.shape))
            return none, np.full(signal.samples, float(times * number))
        if len(signal.shape) == 1:
            return signal.spikes * len(layer.weight), none
        channels = np.ones(signal.shape[0], signal.events.dtype)
        sums = channels @ signal.events.reshape(len(channels), -1)
        fans = self._once(layer, "fan-out", lambda: fan_out(layer, signal.shape).ravel())
        return fans @ sums.reshape(-1, signal.samples).astype(float), none

    def rows(self, layer: Weights, signal: Signal) -> np.ndarray:
        """Give the vectors that a layer's matrix multiplies.

        Parameters
        ----------
        layer : Weights
            The layer.
        signal : Signal
            Its input.

        Returns
        -------
        ndarray, shape (n, inputs)
            Vectors; for each sample all steps, for convolutions each step of each sample with all positions.
        """
        if not isinstance(layer, Convolution):
            return signal.values.reshape(-1, signal.shape[0]).astype(self.dtype, copy=False)
        axes = len(layer.kernel)
        maps = signal.values.astype(self.dtype, copy=False)
        maps = np.pad(maps, [(0, 0), (0, 0), *((p, p) for p in layer.padding), (0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(maps, layer.kernel, axis=tuple(range(2, axes + 2)))
        windows = windows[(slice(None), slice(None), *(slice(None, None, s) for s in layer.stride))]
        # Axes are steps, channels, positions, samples, kernel.
        order = [0, axes + 2, *range(2, axes + 2), 1, *range(axes + 3, 2 * axes + 3)]
        return windows.transpose(order).reshape(-1, layer.matrix.shape[1])

    def _once(self, layer: Layer, what: str, make: Callable[[], Any]) -> Any:
        key = f"{layer.name}.{what}"
        if key not in self._prepared:
            self._prepared[key] = make()
        return self._prepared[key]

    # Weights.

    def _bias(self, layer: Weights, summed: bool) -> np.ndarray | None:
        if layer.bias is None:
            return None
        return layer.bias.astype(self.dtype) * self.dtype.type(self.network.steps if summed else 1)

    def _weigh(self, layer: Weights, signal: Signal) -> Signal:
        shape, bias = layer.output_shape(signal.shape), self._bias(layer, signal.summed)
        activity = 1.0 if signal.events is None else signal.spikes.sum() / signal.values.size
        if isinstance(layer, Convolution):
            out = self._convolve(layer, signal, products.convolution_is_sparse(layer, activity))
            if bias is not None:
                out += bias.reshape(-1, *(1,) * len(layer.kernel), 1)
            return Signal(shape, out, None, signal.summed)
        flat = signal.values.reshape(-1, signal.shape[0])
        if products.product_is_sparse(layer, activity):
            weights = self._once(layer, "inputs first", lambda: np.ascontiguousarray(layer.weight.T, self.dtype))
            out = self.memory.empty((len(flat), shape[0]), self.dtype)
            if signal.values.dtype == np.uint8 and products.spikes_come_often(signal.events):
                core.sparse_series(signal.values, weights, out.reshape(*signal.values.shape[:2], -1))
            else:
                core.sparse_product(flat, weights, out)
        else:
            weights = self._once(layer, "weights", lambda: np.ascontiguousarray(layer.weight, self.dtype))
            out = self.memory.empty((len(flat), shape[0]), self.dtype)
            np.matmul(flat.astype(self.dtype, copy=False), weights.T, out=out)
        if bias is not None:
            out += bias
        return Signal(shape, out.reshape(*signal.values.shape[:2], -1), None, signal.summed)

    def _convolve(self, layer: Convolution, signal: Signal, sparse: bool) -> np.ndarray:
        maps = signal.values
        out = self.memory.empty((len(maps), *layer.output_shape(signal.shape), signal.samples), self.dtype)
        if sparse:
            weights, first = self._once(layer, "in one piece", lambda: products.in_one_piece(layer))
            weights = self._once(layer, "pieces", lambda: np.ascontiguousarray(weights, self.dtype))
            products.sparse_convolution(layer, weights, first, maps, out)
        else:
            weights = self._once(
                layer, "first direction", lambda: products.first_direction_first(layer).astype(self.dtype)
            )
            products.dense_convolution(layer, weights, maps, out, self.memory.empty)
        return out

    def _multiply(
        self, layer: Weights, signal: Signal, chip: MacChip, rng: np.random.Generator | None, every_step: bool
    ) -> Signal:
        if every_step and signal.steps < self.network.steps:
            signal = replace(signal, values=np.repeat(signal.values, self.network.steps, axis=0))
        out = np.asarray(chip.multiply(self.rows(layer, signal), rng), self.dtype)
        if layer.bias is not None:
            out = out + self._bias(layer, summed=False)
        shape = layer.output_shape(signal.shape)
        if not isinstance(layer, Convolution):
            return Signal(shape, out.reshape(signal.steps, signal.samples, -1))
        out = out.reshape(signal.steps, signal.samples, *shape[1:], shape[0])
        return Signal.of(np.moveaxis(out, -1, 2))

    # Neurons.

    def _spikes(self, signal: Signal, drive: np.ndarray, layer: Neuron) -> Signal:
        threshold, leak = (signal.each(number.astype(self.dtype)) for number in (layer.threshold, layer.leak))
        dynamics = core.Dynamics(
            early=layer.reset == "soft" and layer.reset_step == "same",
            late=layer.reset == "soft" and layer.reset_step == "next",
            hard=layer.reset == "hard",
            at_threshold=layer.at_threshold,
            refractory=int(layer.refractory),
        )
        place = signal.values.shape[1:]
        spikes = self.memory.empty((self.network.steps, *place), np.uint8)
        counts = self.memory.empty(place, np.float32)
        decay = np.array([layer.reset_decay], self.dtype)
        flat = drive.astype(self.dtype, copy=False).reshape(len(drive), -1)
        core.neurons(flat, threshold, leak, decay, dynamics, spikes.reshape(len(spikes), -1), counts.reshape(-1))
        return Signal(signal.shape, spikes, counts)

    def _fire(self, layer: Neuron, signal: Signal) -> Signal:
        return self._spikes(signal, signal.values, layer)

    def _spike_on(self, chip: NeuronChip, signal: Signal, rng: np.random.Generator | None) -> Signal:
        drive = signal.series()
        steps = self.network.steps
        series = chip.spikes(drive[0], rng, steps) if signal.steps < steps else chip.spikes(drive, rng)
        return Signal.of(np.asarray(series, np.uint8), spikes=True)

    def _encode(self, layer: Encoder, signal: Signal) -> Signal:
        if signal.events is not None or (signal.steps > 1):
            raise InputError(
                f"layer {layer.name}: its input differs from step to step; allowed is one that is the same in all"
            )
        # All of the value comes in the first step; what is left makes spikes in the others.
        drive = np.zeros((self.network.steps, *signal.values.shape[1:]), self.dtype)
        drive[0] = signal.values[0]
        return self._spikes(signal, drive, Neuron(layer.name, layer.threshold, reset_step="same", at_threshold=True))

    # Other layers.

    def _add(self, layer: Sum, signal: Signal, other: Signal) -> Signal:
        events = None if signal.events is None or other.events is None else signal.events + other.events
        values = signal.values.astype(self.dtype, copy=False) + other.values.astype(self.dtype, copy=False)
        return Signal(signal.shape, values, events)

    def _normalise(self, layer: BatchNorm, signal: Signal) -> Signal:
        def shaped(numbers: np.ndarray) -> np.ndarray:
            numbers = np.atleast_2d(numbers).astype(self.dtype)  # (steps or 1, channels)
            if len(signal.shape) == 1:
                return numbers[:, None]
            return numbers.reshape(*numbers.shape, *(1 for _ in signal.shape[1:]), 1)

        shift = shaped(layer.shift) * self.dtype.type(self.network.steps if signal.summed else 1)
        values = signal.values.astype(self.dtype, copy=False) * shaped(layer.scale) + shift
        return Signal(signal.shape, values, None, signal.summed)

    def _rectify(self, layer: Relu, signal: Signal) -> Signal:
        values = np.maximum(signal.values.astype(self.dtype, copy=False), self.dtype.type(0))
        if layer.maximum is not None:
            np.minimum(values, self.dtype.type(layer.maximum), out=values)
        return Signal(signal.shape, values)

    def _pool(self, layer: AveragePool | MaxPool, signal: Signal) -> Signal:
        shape, largest = layer.output_shape(signal.shape), isinstance(layer, MaxPool)
        flat = (1,) * (3 - len(layer.kernel))
        kernel, stride = (*flat, *layer.kernel), (*flat, *layer.stride)

        def pooled(values: np.ndarray, divisor: float, dtype: np.dtype) -> np.ndarray:
            """Pool maps of the shape (..., *sizes, n)."""
            before = values.shape[: -len(signal.shape)]
            values = values.reshape(-1, *flat, *signal.shape[1:], signal.samples)
            out = self.memory.empty((len(values), *flat, *shape[1:], signal.samples), dtype)
            # Spikes are added up as they are where they fit in.
            sums = dtype if prod(kernel) > np.iinfo(np.uint8).max else values.dtype
            lines = self.memory.empty((2, signal.shape[-1] * signal.samples), sums)
            core.pool(values, kernel, stride, largest, np.array([divisor], dtype), lines, out)
            return out.reshape(*before, *shape[1:], signal.samples)

        values = pooled(signal.values, prod(kernel), signal.values.dtype if largest else self.dtype)
        events = signal.events
        if events is not None and largest:
            events = _counted(values)
        elif events is not None:
            # Spikes of overlapping parts go on from each of them.
            events = pooled(events, 1.0, events.dtype)
        return Signal(shape, values, events, signal.summed)

    def _reshape(self, layer: Flatten | Reshape, signal: Signal) -> Signal:
        shape = layer.output_shape(signal.shape)

        def brought(values: np.ndarray) -> np.ndarray:
            """Change the shape of (T, n, *shape), or of (n, *shape)."""
            batch = values.ndim - len(signal.shape)
            order = getattr(layer, "order", None)
            if order is not None:
                values = values.transpose(*range(batch), *(batch + axis for axis in order))
            return values.reshape(*values.shape[:batch], *shape)

        values, events = signal.series(), signal.events
        if events is not None and len(signal.shape) > 1:
            events = np.moveaxis(events, -1, 0)
        values, events = brought(values), None if events is None else brought(events)
        if len(shape) > 1:
            values = np.moveaxis(values, 1, -1)
            events = None if events is None else np.moveaxis(events, 0, -1)
        events = None if events is None else np.ascontiguousarray(events)
        return Signal(shape, np.ascontiguousarray(values), events, signal.summed)

    def _filter(self, layer: Filter, signal: Signal) -> Signal:
        out = np.empty((self.network.steps, *signal.values.shape[1:]), self.dtype)
        feedback, feedforward = layer.feedback.astype(self.dtype), layer.feedforward.astype(self.dtype)
        core.filtered(signal.values.reshape(signal.steps, -1), feedback, feedforward, out.reshape(len(out), -1))
        return Signal(signal.shape, out)


_RULES: dict[type[Layer], Callable[..., Signal]] = {
    AveragePool: Evaluator._pool,
    BatchNorm: Evaluator._normalise,
    Encoder: Evaluator._encode,
    Filter: Evaluator._filter,
    Flatten: Evaluator._reshape,
    MaxPool: Evaluator._pool,
    Neuron: Evaluator._fire,
    Relu: Evaluator._rectify,
    Reshape: Evaluator._reshape,
}
