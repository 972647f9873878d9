"""Layers on crossbars of resistors: two conductances for each weight, currents that sum along columns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.cards import Card, load_card
from circuitsnn.checks import whole_number
from circuitsnn.energy.pim import Cost
from circuitsnn.errors import InputError
from circuitsnn.snn.engines.base import MacChip, MacDesign, MacEngine

__all__ = ["Crossbar", "effective_conductance"]


@dataclass(frozen=True)
class Crossbar(MacEngine):
    """The matrix of a layer as pairs of conductances, w = (G+ - G-) / unit.

    Inputs are voltages on rows, proportional to them and of both signs, clipped at the largest typical input; columns
    are held at ground and give currents I_j = sum_i G_ij V_i. Matrices larger than an array are spread over several,
    whose results are added digitally.

    A device set to G has G exp(s z - s^2 / 2) on a chip, z a normal number of its own and s^2 = ln(1 + sigma_G^2):
    mean G, relative standard deviation sigma_G. In each read it has noise on top of that, of relative standard
    deviation noise_G, which is drawn as the sum that it makes of a column.
    """

    card: Card | str = "crossbar_generic"
    """Card of kind "crossbar", or its name or path."""
    wires: bool = False
    """Whether wires have the card's R_wire: the arrays are then solved as networks of resistors."""
    input_bits: int | None = None
    """Bits of an input's voltage, sign included; without it any voltage."""
    converter_bits: int | None = None
    """Bits of what an array gives for an output, over the range of typical inputs; without it any current."""
    trim: bool = True
    """Whether each chip's mean error of each output is measured with typical inputs and taken off."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", load_card(self.card) if isinstance(self.card, str) else self.card)
        if getattr(self.card, "kind", None) != "crossbar":
            raise InputError(f"Crossbar needs a card of kind 'crossbar' (see load_card); found {self.card!r}")
        for name in ("wires", "trim"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"Crossbar: {name} is {getattr(self, name)!r}; allowed: True, False")
        if self.input_bits is not None:
            whole_number("Crossbar: input_bits", self.input_bits, 1, 16)
        if self.converter_bits is not None:
            whole_number("Crossbar: converter_bits", self.converter_bits, 1, 16)

    def design(self, matrix: np.ndarray, rows: np.ndarray, steps: int) -> "_Design":
        """Apply the rule to a layer: see `MacEngine.design`."""
        matrix, rows = np.asarray(matrix, dtype=float), np.asarray(rows, dtype=float)
        if rows.ndim != 2 or not len(rows) or rows.shape[1:] != matrix.shape[1:]:
            raise InputError(f"typical inputs have shape {rows.shape}; allowed is (n, {matrix.shape[1]})")
        return _Design(self, matrix, rows)


class _Design(MacDesign):
    def __init__(self, engine: Crossbar, matrix: np.ndarray, rows: np.ndarray) -> None:
        card = engine.card
        self.engine, self.shape, self.rows, self.exact = engine, matrix.shape, rows, rows @ matrix.T
        self.varies = card.sigma_G > 0.0 or card.noise_G > 0.0
        self.largest_input = float(np.abs(rows).max()) or 1.0
        largest = float(np.abs(matrix).max()) or 1.0
        share = np.rint(np.abs(matrix) / largest * (card.levels - 1)) / (card.levels - 1)
        #: Conductances of the positive and of the negative devices, shape (2, inputs, outputs). [S]
        self.conductances = card.G_min + (card.G_max - card.G_min) * np.stack(
            [np.where(matrix > 0.0, share, 0.0).T, np.where(matrix < 0.0, share, 0.0).T]
        )
        self.volts = card.V_read / self.largest_input
        #: What an ampere of difference counts for. [1/A]
        self.unit = largest / (card.G_max - card.G_min) / self.volts
        #: Codes of an array's converters, for each group of rows: half their range. [A]
        self.ranges = [
            np.abs(self.voltages(rows)[:, part] @ (self.conductances[0] - self.conductances[1])[part]).max() or 1.0
            for part in self.row_groups()
        ]

    def row_groups(self) -> Iterator[slice]:
        """Give the inputs of each array."""
        return _parts(self.shape[1], int(self.engine.card.rows))

    def voltages(self, rows: np.ndarray) -> np.ndarray:
        """Give the rows' voltages, shape (n, inputs)."""
        share = np.clip(rows / self.largest_input, -1.0, 1.0)
        if self.engine.input_bits is not None:
            # One bit is a spike: 0 or 1, and -1 where there are negative inputs.
            codes = max(2 ** (self.engine.input_bits - 1) - 1, 1)
            share = np.rint(share * codes) / codes
        return share * self.engine.card.V_read

    def chip(self, seed: np.random.SeedSequence) -> "_Chip":
        rng, card = np.random.default_rng(seed), self.engine.card
        spread = np.sqrt(np.log1p(card.sigma_G**2))
        drawn = self.conductances * np.exp(spread * rng.standard_normal(self.conductances.shape) - 0.5 * spread**2)
        if self.engine.wires:
            drawn = self._wired(drawn)
        chip = _Chip(self, drawn)
        if self.engine.trim:
            chip.error = (chip.multiply(self.rows, rng) - self.exact).mean(axis=0)
        return chip

    def _wired(self, conductances: np.ndarray) -> np.ndarray:
        """Lay the pairs out in arrays, columns of a pair side by side, and solve each array."""
        card, seen = self.engine.card, np.empty_like(conductances)
        for rows in self.row_groups():
            for columns in _parts(self.shape[0], int(card.columns) // 2):
                pairs = np.moveaxis(conductances[:, rows, columns], 0, -1)
                array = effective_conductance(pairs.reshape(len(pairs), -1), card.R_wire)
                seen[:, rows, columns] = np.moveaxis(array.reshape(pairs.shape), -1, 0)
        return seen

    def cost(self) -> Cost:
        """Energy and delay of one product.

        Sum of V^2 G t over all devices, wires left out, mean over typical inputs, and the conversions of the pairs.
        """
        card = self.engine.card
        squares = (self.voltages(self.rows) ** 2).mean(axis=0)
        devices = float(squares @ self.conductances.sum(axis=(0, 2))) * card.T_read
        conversions = self.shape[0] * len(list(self.row_groups())) * card.E_convert
        return Cost(
            {"devices": devices, "converters": conversions},
            {"devices": card.T_read, "converters": card.T_convert},
            f"V^2 G t of the devices, conversions: card {card.name}",
        )


class _Chip(MacChip):
    def __init__(self, design: _Design, conductances: np.ndarray) -> None:
        self.design = design
        self.difference = conductances[0] - conductances[1]
        self.squares = (conductances**2).sum(axis=0) if design.engine.card.noise_G > 0.0 else None
        self.error = np.zeros(design.shape[0])

    def multiply(self, rows: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        design, engine = self.design, self.design.engine
        volts = design.voltages(rows)
        total = np.zeros((len(rows), design.shape[0]))
        for part, largest in zip(design.row_groups(), design.ranges, strict=True):
            currents = volts[:, part] @ self.difference[part]
            if self.squares is not None:
                variance = volts[:, part] ** 2 @ self.squares[part]
                currents += engine.card.noise_G * np.sqrt(variance) * rng.standard_normal(currents.shape)
            if engine.converter_bits is not None:
                codes = 2 ** (engine.converter_bits - 1)
                currents = np.clip(np.rint(currents / largest * codes), -codes, codes - 1) * (largest / codes)
            total += currents
        return total * design.unit - self.error


def effective_conductance(conductance: ArrayLike, wire: float) -> np.ndarray:
    """Give the currents of an array's columns for each volt on one of its rows, with the resistance of its wires.

    A row is driven at one end, a segment of wire before its first device; a column is held at ground a segment of wire
    after its last device. The network is linear, so that these numbers are all there is to it.

    Parameters
    ----------
    conductance : array_like, shape (rows, columns)
        Conductances of the devices. [S]
    wire : float
        Resistance of a wire from one device to the next. [ohm]

    Returns
    -------
    ndarray, shape (rows, columns)
        Effective conductances: column j has the current sum_i G_ij V_i. [S]

    Raises
    ------
    InputError
        If the conductances are no matrix of numbers >= 0, or the resistance is negative.
    """
    from scipy import sparse
    from scipy.sparse.linalg import splu

    conductance = np.asarray(conductance, dtype=float)
    if conductance.ndim != 2 or not conductance.size or not (conductance >= 0.0).all():
        raise InputError(f"conductance has shape {conductance.shape}; allowed is (rows, columns) of numbers >= 0 S")
    if not 0.0 <= wire < np.inf:
        raise InputError(f"wire is {wire!r}; allowed is a resistance >= 0 ohm")
    if wire == 0.0:
        return conductance.copy()
    rows, columns = conductance.shape
    # Unknowns are scaled by the wires' conductance: a device has G R_wire then, a segment 1.
    on_row = np.arange(rows * columns).reshape(rows, columns)
    on_column = on_row + rows * columns
    ends = [
        (on_row, on_column, conductance * wire),
        (on_row[:, :-1], on_row[:, 1:], np.ones((rows, columns - 1))),
        (on_column[:-1], on_column[1:], np.ones((rows - 1, columns))),
    ]
    a, b, value = (np.concatenate([np.broadcast_to(each[n], each[2].shape).ravel() for each in ends]) for n in range(3))
    to_source = np.zeros(2 * rows * columns)
    to_source[on_row[:, 0]] += 1.0  # the driver
    to_source[on_column[-1]] += 1.0  # the ground
    size = len(to_source)
    between = sparse.coo_array((value, (a, b)), (size, size))
    between = (between + between.T).tocsc()
    network = sparse.diags_array(between.sum(axis=0) + to_source).tocsc() - between
    # The matrix is symmetric: a volt at row i gives column j what a volt at column j gives row i. Fewer are solved.
    first, last = (on_column[-1], on_row[:, 0]) if columns <= rows else (on_row[:, 0], on_column[-1])
    given = np.zeros((size, len(first)))
    given[first, np.arange(len(first))] = 1.0
    seen = splu(network).solve(given)[last] / wire
    return seen if columns <= rows else seen.T


def _parts(count: int, at_most: int) -> Iterator[slice]:
    return (slice(start, min(start + at_most, count)) for start in range(0, count, at_most))
