"""Signed multi-bit weights onto cells that hold one bit, signed multi-bit inputs onto word lines.

Weights. A weight takes one cell for each bit; the product is the weighted sum of what the columns give:
x w = sum_c s_c (x b_c) + offset * sum(x).

- "twos_complement": `bits` columns, significances 1, 2, ... 2^(bits-2) and -2^(bits-1).
- "offset_binary": `bits` columns of w + 2^(bits-1), all significances positive; 2^(bits-1) times the sum of the inputs
  is taken off digitally, which costs one count of the inputs for each row group.
- "differential": two sets of columns, one for positive, one for negative weights, of max(bits - 1, 1) each; the range
  is symmetric, and a weight of one bit is -1, 0 or 1.

Inputs. What one read presents to the word lines is a plane of numbers >= 0:

- "spikes": 0 or 1.
- "level": the word line's level carries the number; one plane.
- "pulse_width": the duration carries it; one plane, whose read lasts up to 2^bits - 1 unit pulses.
- "bit_serial": one plane of spikes for each bit, weighted digitally; `bits` reads.

Signed inputs cost a second phase of reads ("two_phases": magnitudes of positive, then of negative inputs, range
+-(2^bits - 1)), or a bit of the range ("offset": x + 2^(bits-1) is presented, and 2^(bits-1) times the sum of the
weights, a constant of each output, is taken off; range as two's complement).

Sources: Datta et al. 2022, doi:10.3389/fnins.2022.815258, section 5; Ali et al. 2020, doi:10.1109/TCSI.2020.2981901;
Kang et al. 2018, doi:10.1109/JETCAS.2018.2829522 (bits of a weight by binary-weighted pulses).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import check_word, whole_number
from circuitsnn.errors import InputError

__all__ = ["InputCoding", "InputMapping", "InputSign", "WeightMapping", "WeightScheme", "quantise"]

WeightScheme = Literal["twos_complement", "offset_binary", "differential"]
InputCoding = Literal["spikes", "level", "pulse_width", "bit_serial"]
InputSign = Literal["unsigned", "two_phases", "offset"]

_MOST_BITS = 8


@dataclass(frozen=True)
class WeightMapping:
    """How the integer weights of a matrix lie in columns of cells."""

    scheme: WeightScheme = "twos_complement"
    """See the module."""
    bits: int = 6
    """Bits of a weight, its sign included."""

    def __post_init__(self) -> None:
        check_word("weight scheme", self.scheme, WeightScheme)
        _check_bits("weight bits", self.bits)

    @property
    def magnitude_bits(self) -> int:
        """Columns of one sign of a differential weight, all columns of the others."""
        return max(self.bits - 1, 1) if self.scheme == "differential" else self.bits

    @property
    def minimum(self) -> int:
        """Smallest weight."""
        return 1 - 2**self.magnitude_bits if self.scheme == "differential" else -(2 ** (self.bits - 1))

    @property
    def maximum(self) -> int:
        """Largest weight."""
        return 2**self.magnitude_bits - 1 if self.scheme == "differential" else 2 ** (self.bits - 1) - 1

    @property
    def significances(self) -> np.ndarray:
        """What a column counts for, shape (columns,)."""
        powers = 2 ** np.arange(self.magnitude_bits)
        if self.scheme == "differential":
            return np.concatenate([powers, -powers])
        if self.scheme == "twos_complement":
            powers[-1] *= -1
        return powers

    @property
    def columns(self) -> int:
        """Columns, and cells, of a weight."""
        return len(self.significances)

    @property
    def offset(self) -> int:
        """What the sum of the inputs is multiplied by and added."""
        return self.minimum if self.scheme == "offset_binary" else 0

    def to_cells(self, weights: ArrayLike) -> np.ndarray:
        """Lay weights into cells.

        Parameters
        ----------
        weights : array_like of int, shape (...)
            Weights from `minimum` to `maximum`. [-]

        Returns
        -------
        ndarray of uint8, shape (..., columns)
            Stored bits, in the order of `significances`.

        Raises
        ------
        InputError
            If a weight is not a whole number in the range.
        """
        weights = _whole("weights", weights, self.minimum, self.maximum).astype(np.int64, copy=False)
        bits = np.arange(self.magnitude_bits)
        if self.scheme == "differential":
            both = np.stack([np.maximum(weights, 0), np.maximum(-weights, 0)], axis=-1)
            cells = (both[..., None] >> bits) & 1
            return cells.reshape(*weights.shape, self.columns).astype(np.uint8)
        # Shifts of a negative number give the bits of its two's complement.
        return ((weights[..., None] - self.offset) >> bits & 1).astype(np.uint8)

    def to_weights(self, cells: ArrayLike) -> np.ndarray:
        """Read the weights back from cells.

        Parameters
        ----------
        cells : array_like, shape (..., columns)
            Stored bits. [-]

        Returns
        -------
        ndarray of int64, shape (...)
            Weights. [-]

        Raises
        ------
        InputError
            If the cells do not hold bits, or are not as many as a weight has.
        """
        bits = _whole("cells", cells, 0, 1)
        if bits.ndim < 1 or bits.shape[-1] != self.columns:
            raise InputError(f"cells have shape {bits.shape}; allowed is (..., {self.columns}), the cells of a weight")
        return bits.astype(np.int64) @ self.significances + self.offset


@dataclass(frozen=True)
class InputMapping:
    """How integer inputs become what the word lines carry, read after read."""

    coding: InputCoding = "spikes"
    """See the module."""
    bits: int = 1
    """Bits of an input: of its magnitude with "unsigned" and "two_phases", of the whole with "offset"."""
    sign: InputSign = "unsigned"
    """See the module."""

    def __post_init__(self) -> None:
        check_word("input coding", self.coding, InputCoding)
        check_word("input sign", self.sign, InputSign)
        _check_bits("input bits", self.bits)
        if self.coding == "spikes" and self.bits != 1:
            raise InputError(f"input bits is {self.bits} with coding 'spikes'; allowed is 1, or another coding")

    @property
    def minimum(self) -> int:
        """Smallest input."""
        return {"unsigned": 0, "two_phases": 1 - 2**self.bits, "offset": -(2 ** (self.bits - 1))}[self.sign]

    @property
    def maximum(self) -> int:
        """Largest input."""
        return 2 ** (self.bits - 1) - 1 if self.sign == "offset" else 2**self.bits - 1

    @property
    def offset(self) -> int:
        """What the sum of the weights is multiplied by and added."""
        return self.minimum if self.sign == "offset" else 0

    @property
    def plane_maximum(self) -> int:
        """Largest number that a word line carries in one read."""
        return 2**self.bits - 1 if self.coding in ("level", "pulse_width") else 1

    @property
    def factors(self) -> np.ndarray:
        """What each plane counts for, shape (planes,); a read for each plane."""
        one_phase = 2 ** np.arange(self.bits) if self.coding == "bit_serial" else np.ones(1, dtype=int)
        return np.concatenate([one_phase, -one_phase]) if self.sign == "two_phases" else one_phase

    @property
    def planes(self) -> int:
        """Reads for each product and row group."""
        return len(self.factors)

    def to_planes(self, inputs: ArrayLike) -> np.ndarray:
        """Lay inputs onto word lines.

        Parameters
        ----------
        inputs : array_like of int, shape (...)
            Inputs from `minimum` to `maximum`. [-]

        Returns
        -------
        ndarray of uint8, shape (planes, ...)
            Numbers from 0 to `plane_maximum`; `factors` times these, summed, plus `offset`, are the inputs.

        Raises
        ------
        InputError
            If an input is not a whole number in the range.
        """
        inputs = _whole("inputs", inputs, self.minimum, self.maximum)
        if self.sign == "two_phases":
            inputs = inputs.astype(np.int16, copy=False)
            phases = np.stack([np.maximum(inputs, 0), np.maximum(-inputs, 0)])
        else:
            phases = (inputs - self.offset)[None] if self.offset else inputs[None]
        phases = phases.astype(np.uint8, copy=False)
        if self.coding != "bit_serial":
            return phases
        bits = np.arange(self.bits, dtype=np.uint8).reshape(-1, *[1] * inputs.ndim)
        return np.concatenate([(phase >> bits) & np.uint8(1) for phase in phases])


def quantise(values: ArrayLike, bits: int = 6) -> tuple[np.ndarray, float]:
    """Quantise real weights by a scale, the same for all, without a zero point.

    Parameters
    ----------
    values : array_like, shape (...)
        Weights. [-]
    bits : int
        Bits, sign included; 2 to 8.

    Returns
    -------
    integers : ndarray of int64, shape (...)
        round(values / step), from -(2^(bits-1) - 1) to 2^(bits-1) - 1. [-]
    step : float
        max|values| / (2^(bits-1) - 1), so that integers times step is close to the values.

    Raises
    ------
    InputError
        If the values are not finite numbers or the bits not possible.

    References
    ----------
    Scale quantisation in section 4 of Datta et al. (2022), doi:10.3389/fnins.2022.815258.
    """
    _check_bits("weight bits", bits)
    if bits < 2:
        raise InputError("weight bits is 1; allowed are 2 to 8 to quantise real weights")
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError("weights must be numbers") from None
    if not np.all(np.isfinite(values)):
        raise InputError("weights must be finite numbers")
    largest = np.abs(values).max(initial=0.0)
    step = float(largest / (2 ** (bits - 1) - 1)) if largest > 0 else 1.0
    return np.rint(values / step).astype(np.int64), step


def _whole(what: str, values: ArrayLike, minimum: int, maximum: int) -> np.ndarray:
    """Check whole numbers; those that come as integers are returned as they are."""
    try:
        values = np.asarray(values)
    except ValueError:
        values = np.empty(0, dtype=object)
    if values.dtype.kind not in "iufb":
        raise InputError(f"{what} must be whole numbers from {minimum} to {maximum}")
    if values.dtype.kind == "b":
        values = values.view(np.uint8)
    whole = values
    if values.dtype.kind == "f":
        # Clipped, or a huge number would not fit.
        whole = np.clip(np.nan_to_num(values), minimum - 1, maximum + 1).astype(np.int64)
    # The ends first: this is on the way of every product.
    if values.size and (whole.min() < minimum or whole.max() > maximum or (whole is not values)):
        wrong = (whole != values) | (whole < minimum) | (whole > maximum)
        if wrong.any():
            found = values[wrong].flat[0]
            raise InputError(f"{what} must be whole numbers from {minimum} to {maximum}; found {found}")
    return whole


def _check_bits(what: str, bits: int) -> None:
    whole_number(what, bits, 1, _MOST_BITS)
