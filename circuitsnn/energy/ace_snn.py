"""Layers of ACE-SNN's two networks, CNN-3D and CNN-32H, as sizes for the energy equations.

Table 1 writes maps and kernels as (H, W, D) and paddings as (D, H, W): only so does every size of CNN-3D follow. Its
pooled map of CNN-32H is 5 x 21, not 59 x 21; the classifier that it leaves out is here.

Source: S. Datta et al., Front. Neurosci. 16:815258 (2022), Table 1, doi:10.3389/fnins.2022.815258.
"""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from types import MappingProxyType

from circuitsnn.energy.network import LayerUse
from circuitsnn.energy.pim import LayerShape
from circuitsnn.errors import InputError

__all__ = ["INPUT_BITS", "NETWORKS", "SCENES", "ann_layers", "cnn_3d", "cnn_32h", "snn_layers"]

SCENES: Mapping[str, tuple[int, int]] = MappingProxyType({"IP": (200, 16), "PU": (103, 9), "SS": (204, 16)})
"""Bands and classes of Indian Pines, Pavia University and Salinas (section 6.2)."""

INPUT_BITS = 8
"""Bits of a pixel (section 7.3.1)."""


def cnn_3d(bands: int, classes: int) -> list[LayerShape]:
    """CNN-3D of Table 1 with its classifier, for patches of 5 by 5.

    Parameters
    ----------
    bands : int
        Spectral bands. [-]
    classes : int
        Classes. [-]

    Returns
    -------
    list of LayerShape
        Six convolutions and the classifier.
    """
    depth, layers, inputs = bands, [], 1
    #        C_o, k, positions in the plane, k_z, stride and padding along the depth
    for outputs, k, plane, k_z, stride, padding in (
        (20, 3, 3, 3, 1, 0),
        (40, 1, 3, 3, 2, 1),
        (84, 3, 1, 3, 1, 1),
        (84, 1, 1, 3, 2, 1),
        (84, 1, 1, 3, 1, 1),
        (84, 1, 1, 2, 2, 1),
    ):
        depth = _convolved(depth, k_z, stride, padding)
        layers.append(LayerShape(inputs, outputs, k, k, k_z, plane, plane, depth))
        inputs = outputs
    return [*layers, LayerShape(84 * depth, classes)]


def cnn_32h(bands: int, classes: int) -> list[LayerShape]:
    """CNN-32H of Table 1 with its classifier, for patches of 3 by 3.

    Parameters
    ----------
    bands : int
        Spectral bands. [-]
    classes : int
        Classes. [-]

    Returns
    -------
    list of LayerShape
        Three convolutions and two fully connected layers. The average pooling before the latter is left out: its
        outputs are no spikes, so equation 24 holds for it only where it is folded into the weights.
    """
    depth = _convolved(bands, 18, 7)
    height, width = (depth - 4) // 4, (90 - 4) // 4  # after two 3 by 3 kernels and average pooling by 4
    return [
        LayerShape(1, 90, 3, 3, 18, 1, 1, depth),
        LayerShape(1, 64, 3, 3, 1, depth - 2, 88),
        LayerShape(64, 128, 3, 3, 1, depth - 4, 86),
        LayerShape(128 * height * width, 512),
        LayerShape(512, classes),
    ]


NETWORKS: Mapping[str, Callable[[int, int], list[LayerShape]]] = MappingProxyType(
    {"CNN-3D": cnn_3d, "CNN-32H": cnn_32h}
)
"""The two networks, from bands and classes to layers."""


def ann_layers(shapes: Sequence[LayerShape], bits: int) -> list[LayerUse]:
    """Say how a network that does not spike uses its layers.

    Parameters
    ----------
    shapes : sequence of LayerShape
        The layers.
    bits : int
        Bits of weights and activations; pixels have `INPUT_BITS` at least. [-]

    Returns
    -------
    list of LayerUse
        All with multi-bit inputs.
    """
    inputs = [max(bits, INPUT_BITS), *[bits] * (len(shapes) - 1)]
    return [
        LayerUse(name, shape, "analog", weight_bits=bits, input_bits=one)
        for name, shape, one in zip(_names(shapes), shapes, inputs, strict=True)
    ]


def snn_layers(
    shapes: Sequence[LayerShape],
    rates: float | Sequence[float],
    steps: int,
    bits: int | None = None,
    in_memory: bool = False,
) -> list[LayerUse]:
    """Say how a network with direct coding uses its layers.

    Parameters
    ----------
    shapes : sequence of LayerShape
        The layers.
    rates : float or sequence of float
        Spikes of each neuron over all time steps, the same everywhere or one for each layer but the last, which does
        not spike. [-]
    steps : int
        Time steps. [-]
    bits : int, optional
        Bits of the weights; without it, the card's B_W. [-]
    in_memory : bool
        Whether the first layer is inside the memory.

    Returns
    -------
    list of LayerUse
        The first with pixels as inputs, computed once; the others with spikes.

    Raises
    ------
    InputError
        If the rates are not as many as the layers that spike.
    """
    rates = [rates] * (len(shapes) - 1) if isinstance(rates, Real) else list(rates)
    if len(rates) != len(shapes) - 1:
        raise InputError(
            f"rates are {len(rates)}; allowed is one number, or {len(shapes) - 1}: all layers but the last"
        )
    first, *others = _names(shapes)
    circuit = "in_memory" if in_memory else None
    pixels = LayerUse(first, shapes[0], "analog", steps=steps, weight_bits=bits, input_bits=INPUT_BITS, circuit=circuit)
    return [
        pixels,
        *(
            LayerUse(name, shape, "spikes", activity=rate, steps=steps, weight_bits=bits)
            for name, shape, rate in zip(others, shapes[1:], rates, strict=True)
        ),
    ]


def _names(shapes: Sequence[LayerShape]) -> list[str]:
    return [
        f"fully connected {k}" if shape.dot_length == shape.C_i and shape.positions == 1 else f"convolution {k}"
        for k, shape in enumerate(shapes, 1)
    ]


def _convolved(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Positions of a kernel along one direction."""
    return (size + 2 * padding - kernel) // stride + 1
