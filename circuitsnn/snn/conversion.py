"""From one network to another: artificial to spiking, thresholds to a circuit, weights to fewer bits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import floor, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import BatchNorm, Layer, Neuron, Relu, Sum, Weights
from circuitsnn.snn.network import Network
from circuitsnn.snn.quantisation import QuantisationScheme, quantisation

__all__ = ["fold", "quantised", "recalibrate", "spiking"]

_MOST_VALUES = 20_000_000
"""Of the largest layer at a time, so that a large network needs no more memory than a small one."""


def spiking(
    network: Network,
    data: ArrayLike,
    steps: int,
    *,
    artificial: Sequence[str] = (),
    estimation_steps: int = 100,
    percentile: float = 99.7,
    scale: float = 0.8,
    least: float = 0.05,
) -> Network:
    """Convert an artificial network: rectified linear units become integrate-and-fire neurons, weights stay.

    From the first layer to the last, a layer's threshold is a percentile of what its weights give it, over all
    neurons, samples and time steps, with the layers before it spiking at thresholds found already. Thresholds are
    scaled once all are found. Leaks are 1, resets soft and in the next step.

    Source: section 6.3 of Datta et al. (2022), doi:10.3389/fnins.2022.815258, after Rathi and Roy (2020),
    arXiv:2008.03658. When to scale is not said there, nor what to do with a percentile of zero or less: `least`.

    Parameters
    ----------
    network : Network
        The artificial network, with one step.
    data : array_like, shape (n, *input_shape)
        Samples; the paper takes 50. [-]
    steps : int
        Time steps of the spiking network.
    artificial : sequence of str
        Layers of rectified linear units that stay what they are.
    estimation_steps : int
        Time steps that thresholds are found with.
    percentile : float
        Percentile. [%]
    scale : float
        Factor of the thresholds at the end. [-]
    least : float
        Smallest threshold, before it is scaled. [-]

    Returns
    -------
    Network
        The spiking network, its neurons under the names of the rectified linear units.

    Raises
    ------
    InputError
        If the network spikes already or has nothing to convert, or an argument is not possible.
    """
    steps = whole_number("steps", steps, 1)
    estimation_steps = whole_number("estimation_steps", estimation_steps, 1)
    _check_positive("scale", scale)
    _check_positive("least", least)
    if network.neuron_layers:
        raise InputError(f"layer {network.neuron_layers[0].name}: spikes already; allowed are artificial networks")
    for name in artificial:
        if not isinstance(network[name], Relu):
            raise InputError(f"layer {name}: is of kind {network[name].kind}; artificial ones are of kind relu")
    places = [k for k, layer in enumerate(network.layers) if isinstance(layer, Relu) and layer.name not in artificial]
    if not places:
        raise InputError("network: no rectified linear units are left to be converted")
    samples = np.asarray(data)
    layers, found = list(network.layers), {}
    for place in places:
        before = _before(network, layers, place, estimation_steps)
        name = layers[place].name
        found[name] = max(_percentile(before, samples, percentile), float(least))
        layers[place] = Neuron(name, found[name])
    neurons = [Neuron(name, scale * threshold) for name, threshold in found.items()]
    return replace(network, layers=tuple(layers), steps=steps).replace(*neurons)


def recalibrate(
    network: Network,
    data: ArrayLike,
    engines: Mapping[str, Any],
    *,
    chips: int = 1,
    seed: int = 0,
    percentile: float = 99.7,
) -> Network:
    """Adapt thresholds to circuits: each grows as the percentile of its layer's drive does.

    What a circuit multiplies by a wrong factor is compared with thresholds multiplied by the same. From the first
    layer of neurons to the last, threshold times (percentile with the circuits and the new thresholds before it) /
    (percentile with exact layers and the old ones).

    Parameters
    ----------
    network : Network
        The spiking network.
    data : array_like, shape (n, *input_shape)
        Samples, which the engines are designed with too. [-]
    engines : mapping of str to engine
        What holds the layers, as for `circuitsnn.snn.inference.run`.
    chips : int
        How many chips are measured together.
    seed : int
        Seed of the chips, as for `run`.
    percentile : float
        Percentile. [%]

    Returns
    -------
    Network
        The network with new thresholds.

    Raises
    ------
    InputError
        If a percentile is not above zero, or an argument is not possible.
    """
    samples = np.asarray(data)
    for name in engines:
        _ = network[name]  # one that does not exist is no layer's
    layers = list(network.layers)
    for place, layer in enumerate(network.layers):
        if not isinstance(layer, Neuron) or not place:
            continue
        exact = _percentile(_before(network, list(network.layers), place, network.steps), samples, percentile)
        before = _before(network, layers, place, network.steps)
        names = {each.name for each in before.layers}
        used = {name: engine for name, engine in engines.items() if name in names}
        real = _percentile(before, samples, percentile, engines=used, chips=chips, seed=seed, calibration=samples)
        if not min(exact, real) > 0.0:
            raise InputError(
                f"layer {layer.name}: the {percentile:g} % percentile of its drive is {exact:g}, on circuits {real:g}; "
                "allowed are values > 0"
            )
        layers[place] = replace(layer, threshold=layer.threshold * (real / exact))
    return replace(network, layers=tuple(layers))


def quantised(network: Network, bits: int | None, scheme: QuantisationScheme = "scale") -> Network:
    """Quantise all weights of a network, each layer by its own range.

    Parameters
    ----------
    network : Network
        A network with weights of full precision.
    bits : int or None
        Bits of a weight; None leaves the network as it is.
    scheme : {"scale", "affine"}
        See `circuitsnn.snn.quantisation`; for inference Datta et al. (2022) take "scale".

    Returns
    -------
    Network
        The network with the values that the whole numbers stand for.

    Raises
    ------
    InputError
        If the bits are not possible.
    """
    if bits is None:
        return network
    return network.replace(
        *(
            replace(
                layer,
                weight=quantisation(layer.weight, bits, scheme).rounded(layer.weight).astype(layer.weight.dtype),
            )
            for layer in network.weight_layers
        )
    )


def fold(network: Network) -> Network:
    """Fold batch normalisations into the weights before them, so that a circuit's matrix holds both.

    A normalisation that differs among time steps, or does not follow dense layers or convolutions at once, stays.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    Network
        The same function with fewer layers.
    """
    sources = {layer.source for layer in network.layers if isinstance(layer, Sum)}
    layers: list[Layer] = []
    renamed: dict[str, str] = {}
    for layer in network.layers:
        last = layers[-1] if layers else None
        foldable = isinstance(layer, BatchNorm) and layer.scale.ndim == 1
        if foldable and isinstance(last, Weights) and last.name not in sources:
            layers[-1] = _folded(last, layer)
            renamed[layer.name] = last.name
        elif isinstance(layer, Sum):
            layers.append(replace(layer, source=renamed.get(layer.source, layer.source)))
        else:
            layers.append(layer)
    return replace(network, layers=tuple(layers))


def _folded(layer: Weights, norm: BatchNorm) -> Weights:
    scale, shift = norm.scale.astype(np.float64), norm.shift.astype(np.float64)
    weight = layer.weight * scale.reshape(-1, *(1,) * (layer.weight.ndim - 1))
    bias = shift if layer.bias is None else scale * layer.bias + shift
    kind = layer.weight.dtype
    return replace(layer, weight=weight.astype(kind), bias=bias.astype(kind) if bias.any() else None)


def _check_positive(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)) or not 0.0 < value < np.inf:
        raise InputError(f"{name} is {value!r}; allowed is a number > 0")


def _before(network: Network, layers: Sequence[Layer], place: int, steps: int) -> Network:
    """Give what comes before a layer as a network."""
    if not place:
        raise InputError(f"layer {layers[0].name}: nothing comes before it; allowed is a layer with weights first")
    return replace(network, layers=tuple(layers[:place]), steps=steps, readout="potential")


def _percentile(network: Network, samples: np.ndarray, percentile: float, **options: Any) -> float:
    """Percentile of a network's last layer over neurons, samples and time steps.

    Only the values above it are kept, so that all of them never need to be in memory.
    """
    if isinstance(percentile, bool) or not isinstance(percentile, (int, float)) or not 0.0 <= percentile <= 100.0:
        raise InputError(f"percentile is {percentile!r}; allowed is 0 to 100")
    name, total, top = network.layers[-1].name, 0, np.empty(0)
    for part in _parts(network, samples):
        record = run(network, part, record=(name,), **options).records[name]
        repeats = network.steps // record.shape[1]  # a drive that is the same in all steps is recorded once
        total += record.size
        top = np.concatenate([top, record.reshape(-1)])
        count = record.size * len(samples) / len(part)  # of all parts together
        keep = min(int(count * (1.0 - percentile / 100.0)) + 3, top.size)
        top = np.partition(top, top.size - keep)[top.size - keep :]
    top, left_out = np.sort(top), total - top.size
    position = percentile / 100.0 * (total * repeats - 1)
    low = floor(position)
    below, above = (top[min(rank, total * repeats - 1) // repeats - left_out] for rank in (low, low + 1))
    return float(below + (position - low) * (above - below))


def _parts(network: Network, samples: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, _MOST_VALUES // (max(map(prod, network.shapes.values())) * network.steps))
    for start in range(0, max(len(samples), 1), size):
        yield samples[start : start + size]
