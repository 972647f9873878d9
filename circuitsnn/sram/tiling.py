"""A matrix, or a convolution, on arrays of R x C cells in banks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError

__all__ = ["Tiling", "convolve", "patches"]


@dataclass(frozen=True)
class Tiling:
    """How a matrix lies on arrays, and how often they are read for one product.

    Rows of a matrix fill arrays from the top; a weight's columns stay together in one array. An array reads `rows_on`
    rows at a time and adds the partial sums digitally. Banks work at the same time; where there are more arrays than
    banks, they take turns, those with most reads first. Loading weights is not counted.
    """

    inputs: int
    """Inputs of the matrix."""
    outputs: int
    """Outputs of the matrix."""
    rows_per_weight: int = 1
    """Cells of a weight below one another: its bits in a functional read, else 1."""
    columns_per_weight: int = 6
    """Cells of a weight side by side."""
    conversions_per_weight: int = 6
    """Conversions for each output and read: one for each column, or one for each group of merged columns."""
    rows: int = 256
    """R, rows of an array."""
    columns: int = 256
    """C, columns of an array."""
    banks: int = 4
    """Arrays that work at the same time."""
    rows_on: int = 256
    """Most rows that one read opens."""
    columns_per_adc: int = 8
    """Columns (or groups of merged columns) that share a converter, one after the other."""
    planes: int = 1
    """Reads of each row group for one product: bits or phases of the inputs."""

    def __post_init__(self) -> None:
        for field in fields(self):
            whole_number(f"tiling: {field.name}", getattr(self, field.name), 1)
        if self.rows_per_weight > self.rows or self.columns_per_weight > self.columns:
            raise InputError(
                f"tiling: a weight takes {self.rows_per_weight} x {self.columns_per_weight} cells; "
                f"allowed are at most the array's {self.rows} x {self.columns}"
            )
        if self.rows_per_weight > self.rows_on:
            raise InputError(
                f"tiling: rows_on is {self.rows_on}; a weight has {self.rows_per_weight} rows that open together"
            )

    @property
    def row_tiles(self) -> list[tuple[int, int]]:
        """First input of each array from top to bottom, and that after its last."""
        return _parts(self.inputs, self.rows // self.rows_per_weight)

    @property
    def column_tiles(self) -> list[tuple[int, int]]:
        """First output of each array from left to right, and that after its last."""
        return _parts(self.outputs, self.columns // self.columns_per_weight)

    @property
    def row_groups(self) -> list[tuple[int, int]]:
        """First input of each row group, array after array, and that after its last."""
        at_once = self.rows_on // self.rows_per_weight
        return [
            (start + first, start + last)
            for start, stop in self.row_tiles
            for first, last in _parts(stop - start, at_once)
        ]

    @property
    def arrays(self) -> int:
        """Arrays that hold the matrix."""
        return len(self.row_tiles) * len(self.column_tiles)

    @property
    def cells(self) -> int:
        """Cells that hold the matrix."""
        return self.inputs * self.outputs * self.rows_per_weight * self.columns_per_weight

    @property
    def utilisation(self) -> float:
        """Share of the arrays' cells that hold the matrix."""
        return self.cells / (self.arrays * self.rows * self.columns)

    @property
    def reads(self) -> int:
        """Reads of an array for one product, those of all arrays summed."""
        return self.planes * len(self.row_groups) * len(self.column_tiles)

    @property
    def column_reads(self) -> int:
        """Bit lines that are read for one product."""
        return self.planes * len(self.row_groups) * self.outputs * self.columns_per_weight

    @property
    def conversions(self) -> int:
        """Conversions for one product."""
        return self.planes * len(self.row_groups) * self.outputs * self.conversions_per_weight

    @property
    def converters(self) -> int:
        """Converters of an array."""
        groups = (self.columns // self.columns_per_weight) * self.conversions_per_weight
        return -(-groups // self.columns_per_adc)

    @property
    def cycles(self) -> int:
        """Reads that follow one another for one product."""
        at_once = self.rows_on // self.rows_per_weight
        groups = [len(_parts(stop - start, at_once)) for start, stop in self.row_tiles] * len(self.column_tiles)
        return self.planes * sum(sorted(groups, reverse=True)[:: self.banks])

    @property
    def conversions_in_turn(self) -> int:
        """Most conversions that one converter makes in a cycle."""
        widest = max(stop - start for start, stop in self.column_tiles) * self.conversions_per_weight
        return min(self.columns_per_adc, widest)


def patches(
    x: ArrayLike, kernel: Sequence[int], stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0
) -> np.ndarray:
    """Lay out what each position of a convolution's kernel covers (im2col).

    Parameters
    ----------
    x : array_like, shape (..., channels, *size)
        Input; as many directions at the end as the kernel has. [-]
    kernel : sequence of int
        Size of the kernel: two numbers for an image, three for a volume.
    stride : int or sequence of int
        Steps of the kernel.
    padding : int or sequence of int
        Zeros added at both ends of each direction.

    Returns
    -------
    ndarray, shape (..., *positions, channels * kernel)
        Rows of the matrix product: with weights of shape (outputs, channels, *kernel) the convolution is
        ``patches(x, kernel) @ weights.reshape(outputs, -1).T``.

    Raises
    ------
    InputError
        If the sizes do not fit.
    """
    x = np.asarray(x)
    kernel = _for_each(kernel, len(kernel) if np.ndim(kernel) else 1, "kernel", 1)
    directions = len(kernel)
    strides, paddings = _for_each(stride, directions, "stride", 1), _for_each(padding, directions, "padding", 0)
    if x.ndim < directions + 1:
        raise InputError(f"x has shape {x.shape}; allowed is (..., channels, size in {directions} directions)")
    before = [(0, 0)] * (x.ndim - directions)
    x = np.pad(x, [*before, *[(each, each) for each in paddings]])
    if any(not 1 <= k <= size for k, size in zip(kernel, x.shape[-directions:], strict=True)):
        raise InputError(f"kernel is {kernel}; allowed are sizes from 1 to the padded input's {x.shape[-directions:]}")
    axes = tuple(range(-directions, 0))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axes)
    windows = windows[(..., *[slice(None, None, each) for each in strides], *[slice(None)] * directions)]
    # From (..., channels, *positions, *kernel) to (..., *positions, channels, *kernel).
    windows = np.moveaxis(windows, -2 * directions - 1, -directions - 1)
    return windows.reshape(*windows.shape[: -directions - 1], windows.shape[-directions - 1] * prod(kernel))


def convolve(
    product: Callable[[np.ndarray], np.ndarray],
    x: ArrayLike,
    kernel: Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
) -> np.ndarray:
    """Convolve in two or three directions by means of a matrix product, such as `Macro.forward`.

    Parameters
    ----------
    product : callable
        From (..., channels * kernel) to (..., outputs).
    x : array_like, shape (..., channels, *size)
        Input. [-]
    kernel, stride, padding
        As for `patches`.

    Returns
    -------
    ndarray, shape (..., outputs, *positions)
        Output: a correlation, as is usual in networks. [-]

    Raises
    ------
    InputError
        If the sizes do not fit, or `product` is no function.
    """
    if not callable(product):
        raise InputError(f"product is {product!r}; allowed is a function, such as a macro's `forward`")
    covered = patches(x, kernel, stride, padding)
    return np.moveaxis(product(covered), -1, -1 - len(tuple(kernel)))


def _parts(count: int, at_most: int) -> list[tuple[int, int]]:
    return [(start, min(start + at_most, count)) for start in range(0, count, at_most)]


def _for_each(given: int | Sequence[int], directions: int, what: str, minimum: int) -> tuple[int, ...]:
    values = (given,) * directions if np.ndim(given) == 0 else tuple(given)
    if len(values) != directions:
        raise InputError(f"{what} is {given!r}; allowed is a whole number >= {minimum}, or one for each direction")
    return tuple(whole_number(what, value, minimum) for value in values)
