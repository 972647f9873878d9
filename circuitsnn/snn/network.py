"""A network as data: input, coding, layers, read-out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from circuitsnn.checks import check_word, whole_number
from circuitsnn.errors import InputError
from circuitsnn.snn.layers import BatchNorm, Layer, Neuron, Shape, Sum, Weights

__all__ = ["Coding", "Network", "Readout"]

Coding = Literal["direct", "poisson", "bernoulli", "latency", "bipolar"]
Readout = Literal["potential", "spikes"]


@dataclass(frozen=True, eq=False)
class Network:
    """A feed-forward network of artificial and spiking layers, with residual branches.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of a sample, channels first: (784,), (1, 28, 28), (1, bands, height, width).
    layers : sequence of Layer
        Layers, from the input to the output; names are unique.
    steps : int
        Time steps T; 1 for a network that does not spike.
    coding : {"direct", "poisson", "bernoulli", "latency", "bipolar"}
        How a sample becomes the input of all time steps; see `circuitsnn.snn.coding`.
    readout : {"potential", "spikes"}
        What decides: the last layer's output summed over all steps, or its spikes counted.
    about : mapping of str to str
        What else a file should say: title, data set, the command that trained it, measured accuracy.

    Raises
    ------
    InputError
        If the layers do not fit one another or an argument is not possible.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    steps: int = 1
    coding: Coding = "direct"
    readout: Readout = "potential"
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.input_shape, (tuple, list)) or not 1 <= len(self.input_shape) <= 4:
            raise InputError(f"network: input_shape is {self.input_shape!r}; allowed are one to four whole numbers")
        shape = tuple(whole_number("network: input_shape", each, 1) for each in self.input_shape)
        object.__setattr__(self, "input_shape", shape)
        if not isinstance(self.layers, Sequence):
            raise InputError("network: layers is no sequence of Layer")
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "steps", whole_number("network: steps", self.steps, 1))
        check_word("network: coding", self.coding, Coding)
        check_word("network: readout", self.readout, Readout)
        if not isinstance(self.about, Mapping) or not all(
            isinstance(key, str) and isinstance(value, str) for key, value in self.about.items()
        ):
            raise InputError("network: about is no mapping of texts to texts")
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise InputError("network: layers are missing, or one of them is no Layer")
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"network: two layers are called {name!r}; allowed are unique names")
        if self.readout == "spikes" and not isinstance(self.layers[-1], Neuron):
            raise InputError("network: readout 'spikes' counts the last layer's; allowed is a Neuron as the last layer")
        for layer in self.layers:
            if isinstance(layer, BatchNorm) and layer.scale.ndim == 2 and len(layer.scale) != self.steps:
                raise InputError(
                    f"layer {layer.name}: scale is given for {len(layer.scale)} steps; the network has {self.steps}"
                )
        _ = self.shapes

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Shape of each layer's output, and that of "input"."""
        shapes, shape = {"input": self.input_shape}, self.input_shape
        for layer in self.layers:
            if isinstance(layer, Sum):
                if layer.source not in shapes:
                    raise InputError(
                        f"layer {layer.name}: source is {layer.source!r}; allowed before it: {', '.join(shapes)}"
                    )
                if shapes[layer.source] != shape:
                    raise InputError(
                        f"layer {layer.name}: source {layer.source!r} has shape {shapes[layer.source]}; allowed is "
                        f"that of the sum, {shape}"
                    )
            shape = shapes[layer.name] = layer.output_shape(shape)
        return shapes

    @property
    def outputs(self) -> int:
        """How many outputs there are: the first axis of the last layer."""
        return self.shapes[self.layers[-1].name][0]

    def input_of(self, name: str) -> Shape:
        """Give the shape of a layer's input.

        Parameters
        ----------
        name : str
            The layer's name.

        Returns
        -------
        tuple of int
            The shape.

        Raises
        ------
        InputError
            If there is no such layer.
        """
        place = self._place(name)
        return self.shapes[self.layers[place - 1].name] if place else self.input_shape

    def __getitem__(self, name: str) -> Layer:
        return self.layers[self._place(name)]

    @property
    def weight_layers(self) -> tuple[Weights, ...]:
        """Dense layers and convolutions, those that an engine can hold."""
        return tuple(layer for layer in self.layers if isinstance(layer, Weights))

    @property
    def neuron_layers(self) -> tuple[Neuron, ...]:
        """Layers of spiking neurons."""
        return tuple(layer for layer in self.layers if isinstance(layer, Neuron))

    def replace(self, *layers: Layer, **changes: Any) -> "Network":
        """Make a variant.

        Parameters
        ----------
        *layers : Layer
            Layers that take the place of those with the same names.
        **changes
            Other arguments of the network, such as ``steps=10``.

        Returns
        -------
        Network
            The variant.

        Raises
        ------
        InputError
            If there is no layer of that name, or the variant is not possible.
        """
        changed = list(self.layers)
        for layer in layers:
            changed[self._place(layer.name)] = layer
        return replace(self, **{"layers": tuple(changed), **changes})

    def _place(self, name: str) -> int:
        names = [layer.name for layer in self.layers]
        if name not in names:
            raise InputError(f"network: there is no layer {name!r}; allowed: {', '.join(names)}")
        return names.index(name)
