"""Where a macro's bits lie: columns of its weights, groups of rows, and which converter serves which conversion."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.sram.faults import Faults, repair_map
from circuitsnn.sram.mapping import InputMapping, WeightMapping
from circuitsnn.sram.tiling import Tiling

__all__ = ["Layout", "RowGroup", "Significance", "lay_out"]

Significance = Literal["digital", "charge_sharing", "pulse_width"]

_TYPICAL_READS = 40  # that a calibration solves as transients: each costs time


class RowGroup(NamedTuple):
    """Rows that are read at a time."""

    rows: slice
    """The rows, of the whole matrix."""
    tile: slice
    """Rows of the array that they are in, of the whole matrix."""
    array: int
    """That array's number from the top."""


class _Slots(NamedTuple):
    """How the columns of a weight go to converters: `slots` conversions for each output."""

    columns: tuple[tuple[int, ...], ...]
    """Columns of the weight mapping in each slot, the least significant one first."""
    scale: np.ndarray
    """What a slot's unit counts for, shape (slots,)."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Bits of a matrix in arrays of cells; made by `lay_out`."""

    tiling: Tiling
    """How many arrays, reads and conversions it takes."""
    significance: Significance
    """How a weight's bits get their significance."""
    slots: _Slots
    """Conversions of an output."""
    stored: np.ndarray
    """Whether a cell holds a 1, shape (rows, columns), columns as they lie in the arrays, faults included."""
    dead_rows: np.ndarray
    """Rows whose word line never rises, shape (rows,)."""
    repair: np.ndarray
    """Physical column of each column, shape (columns,)."""
    physical_shape: tuple[int, int]
    """Rows and columns of cells, spare columns included."""

    @property
    def merged(self) -> int:
        """Columns that are merged before a conversion, at the most."""
        return max(map(len, self.slots.columns)) if self.significance == "charge_sharing" else 1

    @cached_property
    def groups(self) -> list[RowGroup]:
        """Groups of rows in the order of their reads."""
        below = self.tiling.rows_per_weight
        tiles = [slice(start * below, stop * below) for start, stop in self.tiling.row_tiles]
        groups = [slice(start * below, stop * below) for start, stop in self.tiling.row_groups]
        numbers = [next(n for n, tile in enumerate(tiles) if group.start < tile.stop) for group in groups]
        return [RowGroup(group, tiles[number], number) for group, number in zip(groups, numbers, strict=True)]

    @cached_property
    def array_of_row(self) -> np.ndarray:
        """Number of the array that each row is in, from the top, shape (rows,)."""
        sizes = [(stop - start) * self.tiling.rows_per_weight for start, stop in self.tiling.row_tiles]
        return np.repeat(np.arange(len(sizes)), sizes)

    @cached_property
    def source(self) -> np.ndarray | None:
        """Column in each place of the kernels' order (merged, outputs, slots), -1 where there is none.

        None where that is the order of the columns.
        """
        if self.significance != "charge_sharing":
            return None
        outputs, per_weight = self.tiling.outputs, self.tiling.columns_per_weight
        source = np.full((self.merged, outputs, len(self.slots.columns)), -1)
        for slot, columns in enumerate(self.slots.columns):
            source[: len(columns), :, slot] = np.add.outer(columns, np.arange(outputs) * per_weight)
        return source.ravel()

    def in_kernel_order(self, values: np.ndarray) -> np.ndarray:
        """Bring columns' values to the kernels' order.

        Parameters
        ----------
        values : ndarray, shape (..., columns)
            Values.

        Returns
        -------
        ndarray, shape (..., merged * conversions)
            Values, zeros where a slot has fewer columns.
        """
        if self.source is None:
            return np.ascontiguousarray(values)
        laid = values[..., self.source]
        laid[..., self.source < 0] = 0
        return laid

    def weightings(self) -> np.ndarray:
        """Give the capacitors that weight columns before they are merged.

        Returns
        -------
        ndarray, shape (merged, conversions)
            Units of capacitance, 1, 2, 4, ... by significance; 0 where a slot has fewer columns. [-]
        """
        units = np.zeros((self.merged, self.tiling.outputs, len(self.slots.columns)))
        for slot, columns in enumerate(self.slots.columns):
            count = len(columns) if self.merged > 1 else 1
            units[:count, :, slot] = 2.0 ** np.arange(count)[:, None]
        return units.reshape(self.merged, -1)

    def counts(self) -> np.ndarray:
        """Give what the mean of a conversion's merged columns counts for.

        Returns
        -------
        ndarray of float32, shape (conversions,)
            In units of the weights. [-]
        """
        totals = np.array([2 ** len(each) - 1 if self.merged > 1 else 1 for each in self.slots.columns])
        return np.tile(self.slots.scale * totals, self.tiling.outputs).astype(np.float32)

    def drive(self, plane: np.ndarray) -> np.ndarray:
        """Give the drive codes of all rows.

        Parameters
        ----------
        plane : ndarray of uint8, shape (reads, inputs)
            One plane of inputs.

        Returns
        -------
        ndarray of uint8, shape (reads, rows)
            Codes.
        """
        if self.significance == "pulse_width":
            below = np.arange(self.tiling.rows_per_weight, dtype=np.uint8)
            plane = (plane[:, :, None] << below).reshape(len(plane), -1)
        return np.where(self.dead_rows, 0, plane).astype(np.uint8) if self.dead_rows.any() else plane

    def exact(self, planes: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Multiply whole numbers in cells and on word lines, without a circuit.

        Parameters
        ----------
        planes : ndarray of uint8, shape (planes, reads, inputs)
            Planes of inputs.
        factors : ndarray, shape (planes,)
            What a plane counts for. [-]

        Returns
        -------
        ndarray, shape (reads, outputs)
            Sums, exact: doubles hold whole numbers up to 2^53. [-]
        """
        total = 0.0
        for plane, factor in zip(planes, factors, strict=True):
            columns = self.drive(plane).astype(float) @ self.stored
            total = total + factor * (columns.reshape(len(plane), self.tiling.outputs, -1) @ self._scale)
        return total

    @property
    def _scale(self) -> np.ndarray:
        """What each column of a weight counts for."""
        if self.significance == "pulse_width":
            return self.slots.scale
        scale = np.empty(self.tiling.columns_per_weight)
        for slot, columns in enumerate(self.slots.columns):
            scale[list(columns)] = self.slots.scale[slot] * 2.0 ** np.arange(len(columns))
        return scale

    def converter_of(self, array: int) -> np.ndarray:
        """Give the converter of each conversion: neighbours in an array share one.

        Parameters
        ----------
        array : int
            Number of the array from the top.

        Returns
        -------
        ndarray of int, shape (conversions,)
            Numbers of converters.
        """
        tiling = self.tiling
        outputs, slots = tiling.outputs, len(self.slots.columns)
        output = np.repeat(np.arange(outputs), slots)
        slot = np.tile(np.arange(slots), outputs)
        per_array = tiling.columns // tiling.columns_per_weight
        place = (output % per_array * slots + slot) // tiling.columns_per_adc
        array = array * len(tiling.column_tiles) + output // per_array
        return (array * tiling.converters + place).astype(np.int64)

    def typical_drives(self, planes: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Give the drive codes of an array's rows in reads drawn at random, and in the two that drive most.

        Parameters
        ----------
        planes : ndarray of uint8, shape (planes, reads, inputs)
            Planes of inputs.
        rows : int
            Rows of an array.
        rng : numpy.random.Generator
            Source.

        Returns
        -------
        ndarray of uint8, shape (40, rows)
            Codes.
        """
        planes = np.stack([self.drive(plane) for plane in planes])
        shape = (len(planes), len(self.groups), planes.shape[1])
        driven = np.stack([planes[..., group.rows].sum(axis=-1, dtype=np.int64) for group in self.groups], axis=1)
        strongest = np.argsort(driven, axis=None)[-2:]
        others = _TYPICAL_READS - len(strongest)
        drawn = rng.choice(driven.size, others, replace=driven.size < others)
        drives = np.zeros((_TYPICAL_READS, rows), np.uint8)
        for drive, number in zip(drives, [*drawn, *strongest], strict=True):
            plane, chosen, read = np.unravel_index(number, shape)
            group = self.groups[chosen]
            drive[group.rows.start - group.tile.start : group.rows.stop - group.tile.start] = planes[
                plane, read, group.rows
            ]
        return drives


def lay_out(
    card: Card,
    weights: np.ndarray,
    weight_mapping: WeightMapping,
    input_mapping: InputMapping,
    significance: Significance,
    faults: Faults | None = None,
    spare_columns: int = 0,
) -> Layout:
    """Lay a matrix out in arrays of cells.

    Parameters
    ----------
    card : Card
        Card of kind "sram_macro".
    weights : ndarray of int, shape (outputs, inputs)
        Weights in the range of the mapping. [-]
    weight_mapping, input_mapping : WeightMapping, InputMapping
        How weights become cells, and inputs planes.
    significance : {"digital", "charge_sharing", "pulse_width"}
        How a weight's bits get their significance.
    faults : Faults, optional
        What is broken.
    spare_columns : int
        Spare columns that replace the worst ones.

    Returns
    -------
    Layout
        The layout.

    Raises
    ------
    InputError
        If the weights do not fit the arrays, or the faults the cells.
    """
    slots = _slots(weight_mapping, significance)
    tiling = _tile(card, weights.shape, weight_mapping, input_mapping, significance, slots)
    outputs, inputs = weights.shape
    cells = weight_mapping.to_cells(weights.T)  # (inputs, outputs, columns)
    significances, below = weight_mapping.significances, tiling.rows_per_weight
    if significance == "pulse_width":
        bits = np.zeros((inputs, below, outputs, len(slots.columns)), np.uint8)
        for slot, columns in enumerate(slots.columns):
            bits[:, : len(columns), :, slot] = np.moveaxis(cells[..., list(columns)], -1, 1)
        cells = bits
        # The column's most significant bit counts, as in columns of one bit.
        significances = slots.scale * [2.0 ** (len(columns) - 1) for columns in slots.columns]
    stored, in_use = cells.reshape(inputs * below, -1), outputs * tiling.columns_per_weight
    physical = (inputs * below, in_use + spare_columns)
    dead_rows, repair = np.zeros(inputs * below, bool), np.arange(in_use)
    if faults is not None:
        if faults.shape != physical:
            raise InputError(f"faults are about {faults.shape} cells; the macro has {physical}")
        repair = repair_map(faults, in_use, np.tile(significances.astype(float), outputs))
        stored, dead_rows = faults.apply(stored, repair), faults.dead_rows
    return Layout(tiling, significance, slots, stored.astype(bool), dead_rows, repair, physical)


def _slots(mapping: WeightMapping, significance: Significance) -> _Slots:
    significances = mapping.significances
    if significance == "digital":
        return _Slots(tuple((column,) for column in range(mapping.columns)), significances.astype(float))
    groups = [np.flatnonzero(significances > 0), np.flatnonzero(significances < 0)]
    groups = [each for each in groups if len(each)]
    # The first column of a group is its least significant one, the others are 2, 4, ... times it.
    scale = np.array([significances[each[0]] for each in groups], dtype=float)
    return _Slots(tuple(tuple(int(c) for c in each) for each in groups), scale)


def _tile(
    card: Card,
    shape: tuple[int, int],
    weight_mapping: WeightMapping,
    input_mapping: InputMapping,
    significance: Significance,
    slots: _Slots,
) -> Tiling:
    array = card.parts["array"]
    functional = significance == "pulse_width"
    return Tiling(
        inputs=shape[1],
        outputs=shape[0],
        rows_per_weight=max(map(len, slots.columns)) if functional else 1,
        columns_per_weight=len(slots.columns) if functional else weight_mapping.columns,
        conversions_per_weight=len(slots.columns),
        rows=int(array.rows),
        columns=int(array.columns),
        banks=int(card.banks),
        rows_on=min(int(card.rows_on), int(array.rows)),
        columns_per_adc=int(card.columns_per_adc),
        planes=input_mapping.planes,
    )
