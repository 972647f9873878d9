"""Quantisation of weights and inputs to whole numbers of b bits, from -2^(b-1) to 2^(b-1) - 1.

- scale: Q = round(s w) with s = (2^(b-1) - 1) / max|w|; no zero point, so that a sum of inputs is multiplied once.
- affine: Q = round(s w) + z with s = (2^b - 1) / (max w - min w) and z = -round(s min w) - 2^(b-1); the zero point z
  is a whole number, so that 0 stays exactly 0.

Both give back (Q - z) / s, z = 0 for the first. Source: section 4 of Datta et al. (2022),
doi:10.3389/fnins.2022.815258, which names both; its formulas are those of Jacob et al. (2018), arXiv:1712.05877, and of
Wu et al. (2020), arXiv:2004.09602.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import check_word, whole_number
from circuitsnn.errors import InputError

__all__ = [
    "Quantisation",
    "QuantisationScheme",
    "QuantisedArray",
    "affine",
    "integer_product",
    "quantisation",
    "range_excess",
    "scale",
]

QuantisationScheme = Literal["affine", "scale"]
_MOST_BITS = 24  # products of such whole numbers are exact in doubles, for sums of some 30 of them at least


class Quantisation(NamedTuple):
    """How real numbers in a range become whole numbers."""

    bits: int
    """b: bits of a whole number."""
    scale: float
    """s: whole numbers for each unit. [-]"""
    zero_point: int
    """z: whole number that stands for 0."""

    @property
    def minimum(self) -> int:
        """Smallest whole number."""
        return -(2 ** (self.bits - 1))

    @property
    def maximum(self) -> int:
        """Largest whole number."""
        return 2 ** (self.bits - 1) - 1

    def to_integers(self, values: ArrayLike) -> np.ndarray:
        """Quantise; values beyond the range are clipped.

        Parameters
        ----------
        values : array_like, shape (...)
            Real numbers. [-]

        Returns
        -------
        ndarray of int64, shape (...)
            Q. [-]
        """
        scaled = np.rint(np.asarray(values, dtype=float) * self.scale) + self.zero_point
        return np.clip(scaled, self.minimum, self.maximum).astype(np.int64)

    def to_values(self, integers: ArrayLike) -> np.ndarray:
        """Give the real numbers that whole numbers stand for.

        Parameters
        ----------
        integers : array_like, shape (...)
            Q. [-]

        Returns
        -------
        ndarray, shape (...)
            (Q - z) / s. [-]
        """
        return (np.asarray(integers) - self.zero_point) / self.scale

    def rounded(self, values: ArrayLike) -> np.ndarray:
        """Quantise and give the real numbers back.

        Parameters
        ----------
        values : array_like, shape (...)
            Real numbers. [-]

        Returns
        -------
        ndarray, shape (...)
            The nearest that the whole numbers can stand for. [-]
        """
        return self.to_values(self.to_integers(values))


class QuantisedArray(NamedTuple):
    """Numbers after quantisation."""

    integers: np.ndarray
    """Q. [-]"""
    scale: float
    """s. [-]"""
    zero_point: int
    """z."""
    values: np.ndarray
    """(Q - z) / s. [-]"""


def scale(values: ArrayLike, bits: int) -> QuantisedArray:
    """Quantise by a scale alone.

    Parameters
    ----------
    values : array_like, shape (...)
        Real numbers; the largest magnitude among them sets the range. [-]
    bits : int
        b, 2 to 24.

    Returns
    -------
    QuantisedArray
        Whole numbers from -(2^(b-1) - 1) to 2^(b-1) - 1, and what they stand for.

    Raises
    ------
    InputError
        If the values are not finite numbers or the bits not possible.
    """
    return _quantised(values, quantisation(values, bits, "scale"))


def affine(values: ArrayLike, bits: int) -> QuantisedArray:
    """Quantise by a scale and a zero point.

    Parameters
    ----------
    values : array_like, shape (...)
        Real numbers; the smallest and the largest of them set the range. [-]
    bits : int
        b, 2 to 24.

    Returns
    -------
    QuantisedArray
        Whole numbers from -2^(b-1) to 2^(b-1) - 1, and what they stand for.

    Raises
    ------
    InputError
        If the values are not finite numbers or the bits not possible.
    """
    return _quantised(values, quantisation(values, bits, "affine"))


def quantisation(values: ArrayLike, bits: int, scheme: QuantisationScheme) -> Quantisation:
    """Set up the quantisation of numbers by those at hand.

    Parameters
    ----------
    values : array_like, shape (...)
        Numbers that set the range. [-]
    bits : int
        b, 2 to 24.
    scheme : {"affine", "scale"}
        See the module.

    Returns
    -------
    Quantisation
        For these numbers and others.

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    check_word("quantisation scheme", scheme, QuantisationScheme)
    bits = whole_number("bits", bits, 2, _MOST_BITS)
    values = _finite(values)
    if scheme == "scale":
        largest = float(np.abs(values).max(initial=0.0))
        return Quantisation(bits, (2 ** (bits - 1) - 1) / largest if largest > 0.0 else 1.0, 0)
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if not low < high:
        # One value only, or none: 0 belongs to the range too.
        low, high = min(low, 0.0), max(high, 0.0)
    factor = (2**bits - 1) / (high - low) if low < high else 1.0
    return Quantisation(bits, factor, -round(factor * low) - 2 ** (bits - 1))


def integer_product(inputs: QuantisedArray, weights: QuantisedArray) -> np.ndarray:
    """Multiply quantised inputs with quantised weights in whole numbers, and scale once.

    Parameters
    ----------
    inputs : QuantisedArray
        Inputs, shape (n, inputs).
    weights : QuantisedArray
        Weights, shape (outputs, inputs).

    Returns
    -------
    ndarray, shape (n, outputs)
        [X W - z_X (W - z_W) - X z_W] / (s_X s_W), with sums over the inputs: equation 14 of Datta et al. (2022), which
        is equation 13 where both zero points are 0. The second term does not depend on the inputs; the third is the
        same for all outputs. [-]
    """
    x, w = inputs.integers, weights.integers
    total = x @ w.T - inputs.zero_point * (w - weights.zero_point).sum(axis=1)
    total = total - weights.zero_point * x.sum(axis=-1, keepdims=True)
    return total / (inputs.scale * weights.scale)


def range_excess(values: ArrayLike) -> float:
    """How much wider the range of a quantisation by scale is than that of an affine one.

    Parameters
    ----------
    values : array_like, shape (...)
        Numbers of both signs. [-]

    Returns
    -------
    float
        Delta = 2 max|w| - (max w - min w) = |max w + min w|: equation 28 of Datta et al. (2022). [-]

    Raises
    ------
    InputError
        If the values are not finite numbers, or not of both signs.
    """
    values = _finite(values)
    if not values.size or not values.min() < 0.0 < values.max():
        raise InputError("values are not of both signs; equation 28 holds for min w < 0 < max w")
    return float(abs(values.max() + values.min()))


def _quantised(values: ArrayLike, rule: Quantisation) -> QuantisedArray:
    integers = rule.to_integers(values)
    return QuantisedArray(integers, rule.scale, rule.zero_point, rule.to_values(integers))


def _finite(values: ArrayLike) -> np.ndarray:
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError("values to quantise must be numbers") from None
    if not np.isfinite(values).all():
        raise InputError("values to quantise must be finite numbers")
    return values
