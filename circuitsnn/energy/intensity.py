"""Arithmetic intensity of a convolution with depth and of one without: equations 4 to 12 of Datta et al. 2022.

All functions take a `LayerShape` whose outputs are as many as its inputs ("no spatial reduction"); its D_o is the depth
D of the feature map. A word is one number, whatever its bits. The paper's FLOP are multiplications with accumulation.

Source: S. Datta et al., Front. Neurosci. 16:815258 (2022), section 3, doi:10.3389/fnins.2022.815258.
"""

from dataclasses import replace

from circuitsnn.energy.pim import LayerShape
from circuitsnn.errors import InputError

__all__ = [
    "PRINTED_EXAMPLE",
    "access_bound",
    "access_ratio",
    "accesses",
    "intensity",
    "largest_access_ratio",
    "operation_ratio",
    "operations",
    "printed_condition",
    "without_depth",
]

PRINTED_EXAMPLE = LayerShape(64, 128, 3, 3, 3, 100, 100, 100)
"""The paper's example: 100 x 100 positions, 64 to 128 channels, depth 100, kernels of 3 x 3 x 3."""


def operations(layer: LayerShape) -> int:
    """Count the multiplications with accumulation: equations 4 and 6.

    Parameters
    ----------
    layer : LayerShape
        The layer.

    Returns
    -------
    int
        k_x k_y k_z C_i C_o H W D. [-]
    """
    return _checked(layer).macs


def accesses(layer: LayerShape) -> int:
    """Count the words that are read and written once each: equations 5 and 7.

    Parameters
    ----------
    layer : LayerShape
        The layer.

    Returns
    -------
    int
        H W D C_i inputs, k_x k_y k_z C_i C_o weights and H W D C_o outputs. [words]
    """
    return _checked(layer).positions * (layer.C_i + layer.C_o) + layer.weights


def intensity(layer: LayerShape) -> float:
    """Give the arithmetic intensity.

    Parameters
    ----------
    layer : LayerShape
        The layer.

    Returns
    -------
    float
        Operations for each access. [1/word]
    """
    return operations(layer) / accesses(layer)


def without_depth(layer: LayerShape) -> LayerShape:
    """Take the depth from a layer: what equations 6 and 7 are about.

    Parameters
    ----------
    layer : LayerShape
        The layer.

    Returns
    -------
    LayerShape
        The same with k_z = D = 1.
    """
    return replace(_checked(layer), k_z=1, D_o=1)


def operation_ratio(layer: LayerShape) -> float:
    """Say how many times more operations the depth takes: equation 8.

    Parameters
    ----------
    layer : LayerShape
        The layer with depth.

    Returns
    -------
    float
        k_z D. [-]
    """
    return operations(layer) / operations(without_depth(layer))


def access_ratio(layer: LayerShape) -> float:
    """Say how many times more accesses the depth takes: equation 9.

    Parameters
    ----------
    layer : LayerShape
        The layer with depth.

    Returns
    -------
    float
        Quotient of equations 5 and 7. [-]
    """
    return accesses(layer) / accesses(without_depth(layer))


def access_bound(layer: LayerShape) -> int:
    """Give the paper's upper bound of equation 9: equations 10 and 11.

    Parameters
    ----------
    layer : LayerShape
        The layer with depth.

    Returns
    -------
    int
        2 D + k_z, the sum of the quotients of inputs, weights and outputs. [-]
    """
    return 2 * _checked(layer).D_o + layer.k_z


def largest_access_ratio(layer: LayerShape) -> int:
    """Give a sharper bound of equation 9: a quotient of sums is no larger than the largest of the quotients.

    Parameters
    ----------
    layer : LayerShape
        The layer with depth.

    Returns
    -------
    int
        max(D, k_z). Since k_z D is no smaller, depth never lowers the arithmetic intensity, whatever D. [-]
    """
    return max(_checked(layer).D_o, layer.k_z)


def printed_condition(layer: LayerShape) -> bool:
    """Say whether the paper's condition for a higher intensity with depth is met: equation 12.

    Parameters
    ----------
    layer : LayerShape
        The layer with depth.

    Returns
    -------
    bool
        Whether k_z D >= 2 D + k_z, which is D >= 3 for k_z = 3. It is enough and not necessary: see
        `largest_access_ratio`.
    """
    return layer.k_z * layer.D_o >= access_bound(layer)


def _checked(layer: LayerShape) -> LayerShape:
    if not isinstance(layer, LayerShape):
        raise InputError(f"layer is {layer!r}; allowed is LayerShape(...)")
    return layer
