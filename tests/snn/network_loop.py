"""A network run by plain loops in float64, written from the layers' documentation; no kernel of the package."""

import itertools

import numpy as np

from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dense,
    Encoder,
    Filter,
    Flatten,
    MaxPool,
    Neuron,
    Relu,
    Reshape,
    Sum,
)


def windows(x, kernel, stride, padding=None):
    """Give every window of a map: pairs of a position and its values, (n, channels, *kernel)."""
    padding = padding or (0,) * len(kernel)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    counts = [(size - k) // s + 1 for size, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    for place in itertools.product(*map(range, counts)):
        cut = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, stride, kernel, strict=True))
        yield place, x[(slice(None), slice(None), *cut)]


def convolve(x, layer):
    shape = layer.output_shape(x.shape[1:])
    out = np.empty((len(x), *shape))
    for place, part in windows(x, layer.kernel, layer.stride, layer.padding):
        out[(slice(None), slice(None), *place)] = part.reshape(len(x), -1) @ layer.weight.reshape(shape[0], -1).T
    return out


def channels(value, shape):
    """One number, or one for each channel, against (n, channels, ...)."""
    return value.reshape(1, -1, *(1,) * (len(shape) - 1)) if value.ndim else value


class Loop:
    """The state of a network's layers; `step` takes one input of all samples."""

    def __init__(self, network):
        self.network, self.state, self.t = network, {}, 0

    def step(self, x):
        signals = {"input": x}
        for layer in self.network.layers:
            x = signals[layer.name] = self.layer(layer, x, signals)
        self.t += 1
        return signals

    def layer(self, layer, x, signals):
        bias = getattr(layer, "bias", None)
        if isinstance(layer, Dense):
            return x @ layer.weight.T + (0 if bias is None else bias)
        if isinstance(layer, Convolution):
            return convolve(x, layer) + (0 if bias is None else channels(bias, x.shape[1:]))
        if isinstance(layer, (AveragePool, MaxPool)):
            out = np.empty((len(x), *layer.output_shape(x.shape[1:])))
            for place, part in windows(x, layer.kernel, layer.stride):
                part = part.reshape(*part.shape[:2], -1)
                value = part.mean(-1) if isinstance(layer, AveragePool) else part.max(-1)
                out[(slice(None), slice(None), *place)] = value
            return out
        if isinstance(layer, Flatten):
            return x.reshape(len(x), -1)
        if isinstance(layer, Reshape):
            order = layer.order or range(x.ndim - 1)
            return x.transpose(0, *(axis + 1 for axis in order)).reshape(len(x), *layer.shape)
        if isinstance(layer, BatchNorm):
            scale, shift = ((a[self.t] if a.ndim == 2 else a) for a in (layer.scale, layer.shift))
            return x * channels(scale, x.shape[1:]) + channels(shift, x.shape[1:])
        if isinstance(layer, Sum):
            return x + signals[layer.source]
        if isinstance(layer, Relu):
            return np.clip(x, 0, layer.maximum)
        return {Filter: self.filter, Encoder: self.encoder, Neuron: self.neuron}[type(layer)](layer, x)

    def filter(self, layer, x):
        outputs, inputs = self.state.setdefault(layer.name, ([], []))
        inputs.insert(0, x)
        value = sum(b * o for b, o in zip(layer.feedforward, inputs, strict=False))
        value = value + sum(a * f for a, f in zip(layer.feedback, outputs, strict=False))
        outputs.insert(0, value)
        return value

    def encoder(self, layer, x):
        u = self.state.get(layer.name, x)
        spikes = (u >= layer.threshold).astype(float)
        self.state[layer.name] = u - layer.threshold * spikes
        return spikes

    def neuron(self, layer, x):
        zero = np.zeros_like(x)
        u, o, r, rest = self.state.get(layer.name, (zero, zero, zero, zero))
        threshold, leak = (channels(np.asarray(v, float), x.shape[1:]) for v in (layer.threshold, layer.leak))
        x = np.where(rest > 0, 0.0, x)
        if layer.reset == "hard":
            u = np.where(o > 0, 0.0, u)
        elif layer.reset == "soft" and layer.reset_step == "same":
            u = u - threshold * o
        r = layer.reset_decay * r + o
        u = leak * u + x
        if layer.reset == "soft" and layer.reset_step == "next":
            u = u - threshold * r
        spikes = (u >= threshold) if layer.at_threshold else (u > threshold)
        spikes = np.where(rest > 0, 0.0, spikes.astype(float))
        rest = np.where(spikes > 0, layer.refractory, np.maximum(rest - 1, 0))
        self.state[layer.name] = (u, spikes, r, rest)
        return spikes


def loop(network, x, coded=False):
    """Signals of each layer, (T, n, ...); `x` is (n, ...), the same in all steps, or coded, (T, n, ...)."""
    machine, found = Loop(network), []
    for t in range(network.steps):
        found.append(machine.step(np.asarray(x[t] if coded else x, float)))
    return {name: np.stack([signals[name] for signals in found]) for name in found[0]}
