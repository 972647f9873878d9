"""The read of one column: rows turned on together discharge its bit lines, and the precharge restores them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, nan

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from circuitsnn.cards import Card
from circuitsnn.core import bitline as core
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.quantities import show_quantity
from circuitsnn.sram.cell import TYPICAL, Mismatch, cell_rows, draw_cell_mismatch, read_port_rows, transistor_names
from circuitsnn.status import Status
from circuitsnn.transistor.mosfet import Conditions
from circuitsnn.variation import generators

__all__ = ["BitlineRead", "ReadRun", "word_line_level", "word_line_time_constant"]

DEFAULT_TOLERANCE = 1e-5
SETTLING = 5.0  # word-line time constants between the last pulse and the sample
_RESTORED = 1e-3  # of the precharge voltage, by which a line may miss it
_STATUS = {
    core.NOT_FINITE: Status("not finite", "a voltage left all bounds; check the card's values"),
    core.NO_PROGRESS: Status("no progress", "steps became too short; raise the tolerance or check the card's values"),
}


def word_line_time_constant(card: Card) -> float:
    """Give the word line's time constant at its far end, after Elmore.

    Parameters
    ----------
    card : Card
        Card of kind "sram_array".

    Returns
    -------
    float
        R_WL_driver C_WL + R_WL_cell C_WL_cell columns^2 / 2, with C_WL = columns C_WL_cell. [s]

    References
    ----------
    Elmore (1948), doi:10.1063/1.1697872.
    """
    line = card.columns * card.C_WL_cell
    return card.R_WL_driver * line + 0.5 * card.R_WL_cell * card.C_WL_cell * card.columns**2


def word_line_level(card: Card, rows_on: int) -> float:
    """Give the level that word lines reach when several share the charge of their supply's decoupling.

    Parameters
    ----------
    card : Card
        Card of kind "sram_array".
    rows_on : int
        Word lines that rise in this read.

    Returns
    -------
    float
        V_WL C_WL_supply / (C_WL_supply + rows_on columns C_WL_cell). [V]
    """
    return card.V_WL * card.C_WL_supply / (card.C_WL_supply + rows_on * card.columns * card.C_WL_cell)


@dataclass(frozen=True, eq=False)
class ReadRun:
    """What the read of a column gave: waveforms at the sense end, the discharge, energies."""

    times: np.ndarray
    """Times of the waveforms, shape (n,). [s]"""
    bit_line: np.ndarray
    """Sense end of the bit line (of an eight-transistor cell the read bit line), shape (n,). [V]"""
    bit_line_bar: np.ndarray
    """Sense end of the complementary bit line, shape (n,); empty for eight-transistor cells. [V]"""
    wire: tuple[np.ndarray, ...]
    """Voltages along each line, shape (n, nodes): a node a row where the wire is resolved, else one. [V]"""
    t_sample: float
    """When the lines are sampled and the precharge begins. [s]"""
    discharge: float
    """V_precharge minus the bit line at t_sample. [V]"""
    discharge_bar: float
    """The same of the complementary bit line; NaN for eight-transistor cells. [V]"""
    bump: float
    """Highest voltage of an internal node that stores 0 (of eight-transistor cells, between the port's two). [V]"""
    energies: Mapping[str, float]
    """Drawn over the cycle from "precharge", "cell" (V_DD; 0 for a read port) and this column's "word_line". [J]"""
    charges: Mapping[str, float]
    """Out of "precharge" and "supply", and into "ground", over the cycle. [C]"""
    status: Status
    """Whether the run ended well, and what to do if not."""
    steps: int
    """Time steps, of all lines."""

    @property
    def energy(self) -> float:
        """Energy of the cycle from all supplies. [J]."""
        return sum(self.energies.values())

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the waveforms.

        Returns
        -------
        pandas.DataFrame
            Columns "time" [s], "bit_line" and, for six-transistor cells, "bit_line_bar" [V]; units in
            ``attrs["units"]``.
        """
        columns = {"time": self.times, "bit_line": self.bit_line}
        if len(self.bit_line_bar):
            columns["bit_line_bar"] = self.bit_line_bar
        frame = pd.DataFrame(columns)
        frame.attrs["units"] = {name: "s" if name == "time" else "V" for name in frame}
        return frame

    def figure(self) -> Figure:
        """Draw the bit lines at the sense end, with the sampling time.

        Returns
        -------
        Figure
            One panel.
        """
        figure, axes = new_figure()
        with house_style():
            axes.plot(1e9 * self.times, self.bit_line, label="bit line")
            if len(self.bit_line_bar):
                axes.plot(1e9 * self.times, self.bit_line_bar, label="complementary bit line")
            axes.axvline(1e9 * self.t_sample, color=PALETTE[6], linewidth=0.8, linestyle=":", label="sample")
            axes.set(xlabel="time [ns]", ylabel="voltage at the sense end [V]")
            axes.legend()
        return figure


class BitlineRead:
    """One column of an SRAM array with its bit lines.

    Each line sees its side of every cell: the access transistor, the internal node, and the transistors that hold it,
    the other side being at its rail (see docs/theory/sram_read.md). BL is at Q and BLB at Q_bar; the read bit line of
    eight-transistor cells discharges where 1 is stored.

    Parameters
    ----------
    card : Card
        Card of kind "sram_array".
    stored : array_like, shape (rows,), optional
        Bit in each cell; without it every cell discharges the bit line (0 in six-transistor cells, 1 in others).
    rows : int, optional
        Cells on the line; the card's number without it, or the number of bits in `stored`.
    conditions : Conditions
        Corner and temperature.
    mismatch : int or tuple of two array_like, shape (rows, transistors), optional
        Seed from which every transistor of every cell draws its own mismatch, or the shifts of threshold [V] and
        current factor [1] in the order of `circuitsnn.sram.cell.transistor_names`. None is none.
    wire : bool
        Resolve the wire's resistance, R_BL_row between neighbouring rows, the precharge and the sense at row 0's end.

    Raises
    ------
    InputError
        If an argument is not possible or does not fit the others.
    """

    def __init__(
        self,
        card: Card,
        stored: ArrayLike | None = None,
        rows: int | None = None,
        conditions: Conditions = TYPICAL,
        mismatch: int | Mismatch | None = None,
        wire: bool = False,
    ) -> None:
        if getattr(card, "kind", None) != "sram_array":
            raise InputError(
                f"BitlineRead needs a card of kind 'sram_array' (see load_card); found {getattr(card, 'name', card)!r}"
            )
        self.card = card
        self.conditions = conditions
        self.wire = bool(wire) and card.R_BL_row > 0.0
        cell = card.parts["cell"]
        self.lines = 1 if cell.kind == "sram_8t" else 2
        self.rows = _checked_rows(card, stored, rows)
        self.stored = _checked_bits(stored, self.rows, 1 if self.lines == 1 else 0)
        self.mismatch = self._checked_mismatch(mismatch)
        table = cell_rows(cell, conditions, self.mismatch)
        # Sides as the kernel wants them: (lines, rows or 1, transistors, columns).
        sides = [read_port_rows(table)] if self.lines == 1 else [table[..., :3, :], table[..., 3:6, :]]
        self._sides = [np.ascontiguousarray(np.reshape(side, (-1, *side.shape[-2:]))) for side in sides]

    @property
    def capacitance(self) -> float:
        """Whole capacitance of a bit line, C_BL. [F]."""
        return self.card.C_BL_fixed + self.rows * self.card.C_BL_row

    def transient(
        self,
        levels: ArrayLike | None = None,
        pulses: ArrayLike | None = None,
        points: int | ArrayLike = 201,
        *,
        tolerance: float = DEFAULT_TOLERANCE,
    ) -> ReadRun:
        """Simulate one read: the word lines rise at t = 0, the sample is taken, the lines are precharged again.

        Parameters
        ----------
        levels : float or array_like, shape (rows,), optional
            Level of each word line, as a part of V_WL; 1 without it. [1]
        pulses : float or array_like, shape (rows,), optional
            Length of each word line's pulse but for T_offset, in T_pulse; 0 is off, and 1 is taken without it. [1]
        points : int or array_like
            Number of evenly spaced times at which the waveforms are kept, or these times. [s]
        tolerance : float
            Error that a step may make in a line's voltage. [V]

        Returns
        -------
        ReadRun
            Waveforms, discharge, energies, and a status with advice.

        Raises
        ------
        InputError
            If an argument is out of range.
        """
        card = self.card
        levels = _checked_inputs("levels", levels, self.rows)
        pulses = _checked_inputs("pulses", pulses, self.rows)
        if not (isinstance(tolerance, (int, float)) and 1e-12 <= tolerance <= 1e-2):
            raise InputError(f"tolerance is {tolerance!r}; allowed is 1e-12 to 1e-2 V")
        on = (levels > 0.0) & (pulses > 0.0)
        full_level = word_line_level(card, int(on.sum()))
        tau = word_line_time_constant(card)
        # Length and level as one complex number, since rows of a matrix are sorted far more slowly.
        inputs = np.where(on, card.T_offset + pulses * card.T_pulse + 1j * levels * full_level, 0.0)
        shapes, wave = np.unique(inputs, return_inverse=True)
        waves = np.column_stack([np.zeros(len(shapes)), shapes.real, shapes.imag])
        ends = np.unique(shapes.real[shapes.real > 0.0])
        t_sample = (ends[-1] if len(ends) else card.T_offset + card.T_pulse) + SETTLING * tau
        stop = t_sample + card.T_precharge
        breakpoints = np.unique([0.0, *ends, t_sample, stop])
        times = _checked_times(points, stop)

        rows, nodes, counts = self._entries(wave, len(waves))
        solutions = [
            core.transient(
                self._line(), self._cells(side, rows, nodes, counts, wave), waves, tau,
                np.full(self._nodes, card.V_precharge), breakpoints, t_sample, times, tolerance,
            )
            for side in range(self.lines)
        ]  # fmt: skip
        reached = -waves[wave, core.LEVEL] * np.expm1(-waves[wave, core.T_OFF] / tau) if tau > 0.0 else inputs.imag
        charges = sum(solution.charges for solution in solutions)
        discharges = [card.V_precharge - float(solution.sample[0]) for solution in solutions]
        kept = min(len(solution.saved) for solution in solutions)
        return ReadRun(
            times=times[:kept],
            bit_line=solutions[0].saved[:kept, 0],
            bit_line_bar=solutions[1].saved[:kept, 0] if self.lines == 2 else np.empty(0),
            wire=tuple(solution.saved[:kept] for solution in solutions),
            t_sample=float(t_sample),
            discharge=discharges[0],
            discharge_bar=discharges[1] if self.lines == 2 else nan,
            bump=self._bump(solutions, rows),
            energies={
                "precharge": card.V_precharge * float(charges[core.Q_PRECHARGE]),
                "cell": card.V_DD * float(charges[core.Q_SUPPLY]),
                "word_line": card.V_WL * card.C_WL_cell * float(reached.sum()),
            },
            charges={
                "precharge": float(charges[core.Q_PRECHARGE]),
                "supply": float(charges[core.Q_SUPPLY]),
                "ground": float(charges[core.Q_GROUND]),
            },
            status=self._status(solutions),
            steps=sum(int(solution.steps) for solution in solutions),
        )

    @property
    def _nodes(self) -> int:
        return self.rows if self.wire else 1

    def _line(self) -> core.Line:
        card = self.card
        capacitance = np.full(self._nodes, card.C_BL_row if self.wire else card.C_BL_row * self.rows)
        capacitance[0] += card.C_BL_fixed
        conductance = 1.0 / card.R_BL_row if self.wire else 0.0
        return core.Line(capacitance, conductance, card.V_DD, card.V_precharge, 1.0 / card.R_precharge)

    def _entries(self, wave: np.ndarray, waves: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give a row, the node and the number of cells of each entry of the kernel's cells.

        On a lumped line equal cells with the same word-line wave are one entry.
        """
        every = np.arange(self.rows)
        if self.wire:
            return every, every, np.ones(self.rows)
        if self.mismatch is not None:
            return every, np.zeros_like(every), np.ones(self.rows)
        _, first, count = np.unique(self.stored * waves + wave, return_index=True, return_counts=True)
        return first, np.zeros_like(first), count.astype(float)

    def _cells(
        self, side: int, rows: np.ndarray, nodes: np.ndarray, counts: np.ndarray, wave: np.ndarray
    ) -> core.Cells:
        table = self._sides[side]
        transistors = table[rows] if len(table) > 1 else np.repeat(table, len(rows), axis=0)
        # What holds the node is on where the side discharges its line: the other side of a stored 0 is at V_DD.
        gate = np.where(self.stored[rows] == self._discharging(side), self.card.V_DD, 0.0)
        return core.Cells(transistors, gate, nodes, wave[rows].astype(np.int64), counts)

    def _discharging(self, side: int) -> int:
        """Bit that discharges a line."""
        return 1 if self.lines == 1 else side

    def _bump(self, solutions: list[core.Solution], rows: np.ndarray) -> float:
        peaks = [
            solution.peak[self.stored[rows] == self._discharging(side)].max(initial=-inf)
            for side, solution in enumerate(solutions)
        ]
        return float(max(peaks)) if max(peaks) > -inf else nan

    def _checked_mismatch(self, mismatch: int | Mismatch | None) -> Mismatch | None:
        cell = self.card.parts["cell"]
        if mismatch is None:
            return None
        if isinstance(mismatch, (int, np.integer)):
            return draw_cell_mismatch(cell, self.rows, generators(mismatch, 1)[0])
        try:
            shifts, factors = (np.asarray(each, dtype=float) for each in mismatch)
        except (TypeError, ValueError):
            raise InputError(
                "mismatch must be a seed, or two arrays: threshold shifts [V], current-factor shifts [1]"
            ) from None
        needed = (self.rows, len(transistor_names(cell)))
        if shifts.shape != needed or factors.shape != needed:
            raise InputError(f"mismatch has shapes {shifts.shape} and {factors.shape}; {self.rows} rows need {needed}")
        return shifts, factors

    def _status(self, solutions: list[core.Solution]) -> Status:
        for solution in solutions:
            if solution.code != core.COMPLETE:
                return _STATUS[solution.code]
        card = self.card
        missed = max(float(np.abs(solution.last - card.V_precharge).max()) for solution in solutions)
        if missed > _RESTORED * card.V_precharge:
            return Status(
                "not restored",
                f"the precharge ended {show_quantity(missed, 'V', 2)} short of V_precharge, where the next read would "
                "start; lengthen T_precharge or lower R_precharge",
            )
        return Status("settled")


def _checked_rows(card: Card, stored: ArrayLike | None, rows: int | None) -> int:
    if rows is None:
        return int(card.rows) if stored is None else max(np.size(stored), 1)
    if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 1:
        raise InputError(f"rows is {rows!r}; allowed is a whole number >= 1")
    return int(rows)


def _checked_bits(stored: ArrayLike | None, rows: int, default: int) -> np.ndarray:
    if stored is None:
        return np.full(rows, default)
    try:
        bits = np.asarray(stored)
    except ValueError:
        raise InputError("stored must be an array of bits, one a row") from None
    if bits.shape != (rows,):
        raise InputError(f"stored has shape {bits.shape}; allowed is ({rows},), one bit a row")
    if not np.all((bits == 0) | (bits == 1)):
        raise InputError("stored has an entry that is neither 0 nor 1; allowed are bits")
    return bits.astype(int)


def _checked_inputs(name: str, values: ArrayLike | None, rows: int) -> np.ndarray:
    try:
        given = np.asarray(1.0 if values is None else values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers") from None
    if given.shape not in ((), (rows,)):
        raise InputError(f"{name} has shape {given.shape}; allowed is one number, or {rows}, one a row")
    if not np.all(np.isfinite(given) & (given >= 0.0)):
        raise InputError(f"{name} has an entry that is negative or not finite; allowed are numbers >= 0")
    return np.broadcast_to(given, (rows,))


def _checked_times(points: int | ArrayLike, stop: float) -> np.ndarray:
    if isinstance(points, (int, np.integer)) and not isinstance(points, bool):
        if points < 0:
            raise InputError(f"points is {points!r}; allowed is a whole number >= 0, or times")
        return np.linspace(0.0, stop, points)
    try:
        times = np.asarray(points, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"points is {points!r}; allowed is a whole number >= 0, or times in seconds") from None
    if times.ndim != 1 or not np.all(np.diff(times) > 0.0) or (len(times) and not 0.0 <= times[0] <= times[-1] <= stop):
        raise InputError(f"points must be a number, or increasing times between 0 and {show_quantity(stop, 's')}")
    return times
