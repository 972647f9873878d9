"""Networks to and from NIR, the Neuromorphic Intermediate Representation (the extra ``nir``).

Source: J. E. Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 15, 8122 (2024),
doi:10.1038/s41467-024-52259-9. NIR's neurons are differential equations; with a time step dt, tau dv/dt = -v + R I
becomes v[t] = (1 - dt/tau) v[t-1] + (R dt/tau) I[t], so leak = 1 - dt/tau, and R = tau/dt where the input counts once.
NIR knows one reset, to a voltage, and no time steps, codings or read-outs; what it does not know is kept as metadata.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from circuitsnn.checks import check_word
from circuitsnn.errors import InputError
from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dense,
    Filter,
    Flatten,
    Layer,
    Neuron,
    Reset,
    Shape,
    Sum,
)
from circuitsnn.snn.network import Network

if TYPE_CHECKING:
    import nir

__all__ = ["from_nir", "to_nir"]

# Other tools compute R = tau/dt in single precision; a product that is 1 but for that is 1.
_ROUNDING = 1e-6


def _load_nir() -> ModuleType:
    try:
        import nir
    except ImportError:
        raise InputError("NIR needs the package nir; install circuitsnn[nir]") from None
    return nir


def to_nir(network: Network, dt: float = 1e-3) -> "nir.NIRGraph":
    """Export a network; `nir.write` puts it into a file.

    Parameters
    ----------
    network : Network
        The network: dense layers, convolutions in two directions, average pooling, flattening, sums, neurons, scales.
        A filter with one feedback term is exported with the neurons that follow it at once.
    dt : float
        Duration of a time step. [s]

    Returns
    -------
    nir.NIRGraph
        Its graph. The metadata of the graph hold dt, steps, coding and read-out, those of neurons the reset, which
        other tools take as one to zero.

    Raises
    ------
    InputError
        If NIR has nothing for a layer, which the message names, or the package is not installed.
    """
    nir = _load_nir()
    _check_dt(dt)
    nodes: dict[str, Any] = {"input": nir.Input(input_type=np.array(network.input_shape))}
    edges: list[tuple[str, str]] = []
    ends: dict[str, tuple[str, ...]] = {"input": ("input",)}  # nodes that sum to each layer's output
    previous, waiting = "input", None
    for layer in network.layers:
        shape = network.input_of(layer.name)
        if isinstance(layer, Sum):
            ends[layer.name] = ends[previous] + ends[layer.source]
            if len(set(ends[layer.name])) < len(ends[layer.name]):
                raise InputError(f"layer {layer.name}: adds the same output twice, for which NIR has nothing")
        elif isinstance(layer, Filter):
            waiting = layer
            ends[layer.name] = ends[previous]
        else:
            if waiting is not None and not isinstance(layer, Neuron):
                raise InputError(f"layer {waiting.name}: NIR has a filter only before neurons; {layer.name} is none")
            nodes[layer.name] = _node(nir, layer, waiting, shape, network.shapes[layer.name], dt)
            edges += [(end, layer.name) for end in ends[previous]]
            ends[layer.name], waiting = (layer.name,), None
        previous = layer.name
    if waiting is not None:
        raise InputError(f"layer {waiting.name}: NIR has a filter only before neurons; it is the last layer")
    output = _free("output", nodes)
    nodes[output] = nir.Output(output_type=np.array(network.shapes[previous]))
    edges += [(end, output) for end in ends[previous]]
    about = {"dt": float(dt), "steps": network.steps, "coding": network.coding, "readout": network.readout}
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=about)


def from_nir(
    graph: "nir.NIRGraph",
    input_shape: Shape | None = None,
    steps: int | None = None,
    dt: float | None = None,
    reset: Reset = "hard",
) -> Network:
    """Import a graph, such as `nir.read` gives: layers one after the other, with sums of earlier outputs.

    Parameters
    ----------
    graph : nir.NIRGraph
        The graph.
    input_shape : tuple of int, optional
        Shape of a sample; that of the graph's input without it.
    steps : int, optional
        Time steps T; those of the metadata without it.
    dt : float, optional
        Duration of a time step; that of the metadata without it. snnTorch 1.0 writes graphs for 1e-4. [s]
    reset : {"hard", "soft", "none"}
        What a spike does, for neurons without metadata: NIR defines a reset to zero, "hard"; snnTorch writes its soft
        reset, which is its default, in the same way.

    Returns
    -------
    Network
        The network. Dots in names become underscores; direct coding and, where the last layer does not spike, the
        read-out "potential" are taken for what the graph does not say.

    Raises
    ------
    InputError
        If a node, which the message names, cannot be a layer, steps or dt are missing, or the graph is no chain.
    """
    nir = _load_nir()
    if not isinstance(graph, nir.NIRGraph):
        raise InputError(f"graph is {type(graph).__name__}; allowed is nir.NIRGraph")
    check_word("reset", reset, Reset)
    said = graph.metadata if isinstance(graph.metadata, Mapping) else {}
    dt = said.get("dt") if dt is None else dt
    steps = said.get("steps") if steps is None else steps
    if steps is None:
        raise InputError("the graph does not say how many time steps there are; give steps")
    order = _chain(nir, graph)
    if input_shape is None:
        kinds = graph.nodes[order[0]].input_type
        found = None if kinds is None else kinds.get("input")
        if found is None:
            raise InputError(f"node {order[0]!r} does not say the input's shape; give input_shape")
        input_shape = tuple(int(size) for size in np.atleast_1d(np.asarray(found)))
    layers: list[Layer] = []
    names: dict[str, str] = {order[0]: "input"}  # of each node's output
    shape = tuple(input_shape)
    for place, name in enumerate(order[1:], 1):
        label = _free(name.replace(".", "_"), {"input", *(layer.name for layer in layers)})
        others = [source for source, target in graph.edges if target == name and source != order[place - 1]]
        made: list[Layer] = [
            Sum(_free(f"{label}_sum", {label, *(layer.name for layer in layers)}) + ("" if k == 0 else f"_{k}"),
                names[source])
            for k, source in enumerate(sorted(others, key=order.index))
        ]  # fmt: skip
        if not isinstance(graph.nodes[name], nir.Output):
            made += _layers(nir, name, label, graph.nodes[name], shape, dt, reset)
        for layer in made:
            layers.append(layer)
            shape = layer.output_shape(shape)
        names[name] = layers[-1].name if layers else "input"
    spiking = bool(layers) and isinstance(layers[-1], Neuron)
    return Network(
        tuple(input_shape),
        tuple(layers),
        int(steps) if isinstance(steps, np.integer) else steps,
        coding=said.get("coding", "direct"),
        readout=said.get("readout", "spikes" if spiking else "potential"),
    )


def _check_dt(dt: Any) -> None:
    if isinstance(dt, bool) or not isinstance(dt, (int, float, np.floating)) or not 0.0 < dt < np.inf:
        raise InputError(f"dt is {dt!r}; allowed is a duration > 0 in seconds")


def _free(name: str, taken: Any) -> str:
    """Give the name, or with underscores one that is not taken."""
    while name in taken:
        name += "_"
    return name


def _node(nir: ModuleType, layer: Layer, filtered: Filter | None, shape: Shape, output: Shape, dt: float) -> Any:
    """Make the node of one layer."""
    if isinstance(layer, Dense):
        return nir.Linear(layer.weight) if layer.bias is None else nir.Affine(layer.weight, layer.bias)
    if isinstance(layer, Convolution) and len(layer.kernel) == 2:
        bias = np.zeros(len(layer.weight), layer.weight.dtype) if layer.bias is None else layer.bias
        node = nir.Conv2d(shape[1:], layer.weight, layer.stride, layer.padding, 1, 1, bias)
        node.output_type = {"output": np.array(output)}  # nir 1.0.8 takes kernels for square
        return node
    if isinstance(layer, AveragePool) and len(layer.kernel) == 2:
        node = nir.AvgPool2d(np.array(layer.kernel), np.array(layer.stride), np.zeros(2, int))
        node.input_type, node.output_type = {"input": np.array(shape)}, {"output": np.array(output)}
        return node
    if isinstance(layer, Flatten):
        return nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1)
    if isinstance(layer, BatchNorm) and layer.scale.ndim == 1:
        if layer.shift.any():
            raise InputError(f"layer {layer.name}: NIR has scales without shifts; fold it into the weights first")
        return nir.Scale(_for_all(layer.scale, shape))
    if isinstance(layer, Neuron):
        return _neuron_node(nir, layer, filtered, shape, dt)
    raise InputError(
        f"layer {layer.name}: NIR has nothing for a layer of kind {layer.kind} in {len(shape) - 1} directions"
    )


def _neuron_node(nir: ModuleType, layer: Neuron, filtered: Filter | None, shape: Shape, dt: float) -> Any:
    for wrong, what in (
        (layer.at_threshold, "at_threshold, as its neurons spike above the threshold only"),
        (layer.refractory, "a refractory time"),
        (layer.reset_decay, "reset_decay"),
        (layer.reset == "none" and (layer.leak.any() or filtered is not None), "neurons that remember without a reset"),
    ):
        if wrong:
            raise InputError(f"layer {layer.name}: NIR has nothing for {what}")
    threshold, leak = _for_all(layer.threshold, shape), _for_all(layer.leak, shape)
    if layer.reset == "none":
        return nir.Threshold(threshold)
    about = {"reset": layer.reset, "reset_step": layer.reset_step}
    if filtered is None and (leak == 1.0).all():
        return nir.IF(np.full(shape, 1.0 / dt), threshold, metadata=about)
    if (leak == 1.0).any():
        raise InputError(f"layer {layer.name}: NIR has nothing for leaks of 1 beside others, or after a filter")
    tau, none = dt / (1.0 - leak), np.zeros(shape)
    if filtered is None:
        return nir.LIF(tau, tau / dt, none, threshold, metadata=about)
    if len(filtered.feedback) != 1 or len(filtered.feedforward) != 1 or not 0.0 <= filtered.feedback[0] < 1.0:
        raise InputError(
            f"layer {filtered.name}: NIR's synapses have one feedback term, from 0 to below 1, and one of feedforward"
        )
    tau_syn = dt / (1.0 - float(filtered.feedback[0]))
    w_in = float(filtered.feedforward[0]) * tau_syn / dt
    return nir.CubaLIF(
        np.full(shape, tau_syn), tau, tau / dt, none, threshold, w_in=np.full(shape, w_in), metadata=about
    )


def _for_all(value: np.ndarray, shape: Shape) -> np.ndarray:
    """One number for each neuron, from one for all or one for each channel."""
    value = value.reshape(-1, *(1,) * (len(shape) - 1)) if value.ndim else value
    return np.broadcast_to(value, shape).astype(np.float64)


def _chain(nir: ModuleType, graph: Any) -> list[str]:
    """Order the nodes from input to output, where each follows the one before."""
    for kind in (nir.Input, nir.Output):
        found = [name for name, node in graph.nodes.items() if isinstance(node, kind)]
        if len(found) != 1:
            raise InputError(f"the graph has {len(found)} nodes of kind {kind.__name__}; allowed is one")
    before = {name: {source for source, target in graph.edges if target == name} for name in graph.nodes}
    unknown = {name for edge in graph.edges for name in edge} - before.keys()
    if unknown or len(set(map(tuple, graph.edges))) < len(graph.edges):
        raise InputError("the graph's edges are not unique, or lead to nodes that it does not have")
    order: list[str] = []
    while len(order) < len(before):
        ready = [name for name in before if name not in order and before[name] <= set(order)]
        if not ready:
            left = ", ".join(sorted(before.keys() - set(order)))
            raise InputError(f"the graph has recurrent connections among {left}; allowed are feed-forward graphs")
        if len(ready) > 1 or (not order and not isinstance(graph.nodes[ready[0]], nir.Input)):
            raise InputError(f"nodes {', '.join(sorted(ready))} are branches with layers of their own, or have no "
                             "input; allowed is a chain with sums of earlier outputs")  # fmt: skip
        order += ready
    if not isinstance(graph.nodes[order[-1]], nir.Output):
        raise InputError(f"node {order[-1]!r} leads to no output")
    return order


def _layers(
    nir: ModuleType, name: str, label: str, node: Any, shape: Shape, dt: float | None, reset: Reset
) -> list[Layer]:
    """Make the layers of one node; sums before it are made already."""
    what = f"node {name!r}"
    if isinstance(node, (nir.Linear, nir.Affine)):
        return [Dense(label, np.asarray(node.weight), _bias(getattr(node, "bias", None)))]
    if isinstance(node, nir.Conv2d):
        kernel = np.asarray(node.weight).shape[2:]
        stride = _pair(node.stride)
        if _pair(node.dilation) != (1, 1) or node.groups != 1:
            raise InputError(f"{what}: dilation is {node.dilation}, groups {node.groups}; allowed is 1")
        padding = node.padding
        if isinstance(padding, str):
            if padding == "same" and (stride != (1, 1) or any(size % 2 == 0 for size in kernel)):
                raise InputError(f"{what}: padding is 'same'; allowed with steps of 1 and kernels of odd sizes only")
            padding = tuple((size - 1) // 2 for size in kernel) if padding == "same" else 0
        return [Convolution(label, np.asarray(node.weight), _bias(node.bias), stride, _pair(padding))]
    if isinstance(node, (nir.AvgPool2d, nir.SumPool2d)):
        if np.any(np.asarray(node.padding)):
            raise InputError(f"{what}: padding is {node.padding}; allowed is 0")
        pool = AveragePool(label, _pair(node.kernel_size), _pair(node.stride))
        if isinstance(node, nir.AvgPool2d):
            return [pool]
        channels = np.full(shape[0], float(np.prod(pool.kernel)))
        return [pool, BatchNorm(f"{label}_factor", channels, np.zeros_like(channels))]
    if isinstance(node, nir.Flatten):
        last = node.end_dim if node.end_dim >= 0 else len(shape) + node.end_dim
        if node.start_dim != 0 or last != len(shape) - 1:
            raise InputError(f"{what}: flattens axes {node.start_dim} to {node.end_dim}; allowed is all of {shape}")
        return [Flatten(label)]
    if isinstance(node, nir.Scale):
        scale = np.broadcast_to(_channels(what, "scale", node.scale, shape), shape[:1])
        return [BatchNorm(label, scale, np.zeros(shape[0]))]
    if isinstance(node, nir.Threshold):
        return [Neuron(label, _channels(what, "threshold", node.threshold, shape), 0.0, "none")]
    if isinstance(node, (nir.IF, nir.LIF, nir.CubaLIF)):
        return _neurons(nir, what, label, node, shape, dt, reset)
    raise InputError(f"{what}: nodes of kind {type(node).__name__} cannot be layers")


def _neurons(
    nir: ModuleType, what: str, label: str, node: Any, shape: Shape, dt: float | None, reset: Reset
) -> list[Layer]:
    if dt is None:
        raise InputError("the graph does not say how long a time step is; give dt (snnTorch 1.0 writes 1e-4)")
    _check_dt(dt)
    for field in ("v_leak", "v_reset"):
        if np.any(np.asarray(getattr(node, field, 0.0))):
            raise InputError(f"{what}: {field} is not 0; allowed is 0")

    def per_channel(field: str) -> np.ndarray:
        return _channels(what, field, getattr(node, field), shape)

    layers: list[Layer] = []
    if isinstance(node, nir.IF):
        leak, gain = np.array(1.0), per_channel("r") * dt
    else:
        tau = per_channel("tau" if isinstance(node, nir.LIF) else "tau_mem")
        leak, gain = _leak(what, tau, dt), per_channel("r") * dt / tau
    if isinstance(node, nir.CubaLIF):
        tau_syn, w_in = per_channel("tau_syn"), per_channel("w_in")
        if tau_syn.ndim or w_in.ndim:
            raise InputError(f"{what}: tau_syn or w_in differ among its neurons; allowed is one for all")
        layers.append(Filter(f"{label}_synapse", (_leak(what, tau_syn, dt),), (_near_one(w_in * dt / tau_syn),)))
    gain = _near_one(gain)
    if not (gain > 0.0).all():
        raise InputError(f"{what}: r is not above 0; allowed are resistances > 0")
    # An input that counts g times, against a threshold: the same spikes as one that counts once against threshold/g.
    said = node.metadata if isinstance(node.metadata, Mapping) else {}
    reset, step = said.get("reset", reset), said.get("reset_step", "next")
    return [*layers, Neuron(label, per_channel("v_threshold") / gain, leak, reset, step)]


def _leak(what: str, tau: np.ndarray, dt: float) -> np.ndarray:
    if not (tau >= dt * (1.0 - _ROUNDING)).all():
        raise InputError(f"{what}: a time constant is {tau.min():g} s, below dt = {dt:g} s; allowed is dt or more")
    return np.clip(1.0 - dt / tau, 0.0, 1.0)


def _near_one(value: np.ndarray) -> np.ndarray:
    return np.where(np.abs(value - 1.0) < _ROUNDING, 1.0, value)


def _channels(what: str, field: str, value: Any, shape: Shape) -> np.ndarray:
    """Bring one number for each neuron to one for each channel, or one for all where they are equal."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not np.isfinite(array).all() or not array.size:
        raise InputError(f"{what}: {field} holds values that are not finite numbers")
    if (array == array.flat[0]).all() and (array.size == 1 or array.shape == shape):
        return np.array(array.flat[0])
    rows = array.reshape(len(array), -1)
    if array.shape != shape or not (rows == rows[:, :1]).all():
        raise InputError(
            f"{what}: {field} has shape {array.shape} for neurons of shape {shape}; allowed is one number, or one for "
            "each neuron that is the same for all of a channel"
        )
    return rows[:, 0].copy()


def _bias(bias: Any) -> np.ndarray | None:
    return np.asarray(bias) if bias is not None and np.any(np.asarray(bias)) else None


def _pair(value: Any) -> tuple[int, int]:
    pair = np.broadcast_to(np.asarray(value), 2)
    return int(pair[0]), int(pair[1])
