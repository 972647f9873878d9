"""The behavioural model of a read, calibrated from the transient solver for the card at hand.

A cell that holds a 1 takes a charge from its line in a read. In units of a nominal cell's, that charge is u_i(k), where
k is what the word line carries. It is found from the cell's own transistors, integrated over the word line's wave at
one representative voltage of the line, so that the exponential dependence of weak inversion is exact. The line falls by

    D = f(s + l),    s = g(n) sum_i b_i [u_i(k_i) + d(n) w_i(k_i)],    f a polynomial through 0.

n is the number of word lines that rise together: they share the charge of their supply, so that their level, and with
it every current, falls with n. g(n) is that effect on a nominal cell; d(n) w_i is what it does beyond that to cell i,
whose distance from its threshold is its own (second basis; left out where it is not needed). l is the leakage of the
column's cells, a constant of the column. u and w are kept as sums of a few products of a function of k and a number of
the cell, so that s is a matrix product: functions from the singular value decomposition of u, the same for both.

Where the line falls far, cells differ in how much less they draw from a low line. The third basis, in use where that
matters, adds it to first order about the representative voltage v: s becomes

    s + (s D_1 / 2 - (V_pre - v)) sum_i b_i t_i(k_i),    t_i = -du_i / dv,

D_1 the discharge of one nominal cell, so that s D_1 / 2 is about how far the line is down in the mean of the read.

f is fitted to transients of columns with mismatch, random bits and random inputs; the residual is that of others.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations_with_replacement, pairwise, product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.cards import Card
from circuitsnn.core import bitline as core
from circuitsnn.core import columns as kernels
from circuitsnn.core.cells import Fit
from circuitsnn.errors import InputError
from circuitsnn.sram.bitline import word_line_level, word_line_time_constant
from circuitsnn.sram.cell import (
    Mismatch,
    cell_deviations,
    cell_rows,
    draw_cell_mismatch,
    read_port_rows,
    transistor_names,
)
from circuitsnn.sram.mapping import InputMapping
from circuitsnn.transistor.mosfet import Conditions

__all__ = ["CALIBRATION_COLUMNS", "ArrayRead", "Calibration", "CellFit", "calibrate"]

CALIBRATION_COLUMNS = 8
"""Columns that `calibrate` reads."""

_POINTS = 8  # of the quadrature over a word line's wave: exact for polynomials of degree 15 in its voltage
_SETTLED = 5.0  # time constants of the word line between the last pulse and the sample
_TOLERANCE = 2e-6  # of the transients [V]
_DEGREE = 4
# Largest residual, over the range of the discharges, above which further bases or functions come in: 0.1 LSB at 6 bits.
_ENOUGH = 0.1 / 63
_COLUMNS = 4  # that a thread reads at a time
_CUT = 1e-3  # singular values below this part of the largest are left out
_SAMPLE = 2048  # cells that polynomials in their mismatch are fitted to, and that judge them
_SPREAD = 1.5  # of the former, in standard deviations: no polynomial far beyond its points
_FITTED = 1e-3  # relative error of a cell's charge, rms, that a fit of the lowest degree possible stays below
_HIGHEST = 5  # degree


@dataclass(frozen=True, eq=False)
class ArrayRead:
    """How an array is read: lines, timing, and what its word lines can carry."""

    card: Card
    """Card of kind "sram_array"."""
    conditions: Conditions
    """Corner and temperature."""
    levels: np.ndarray
    """Level of a word line over its full level for each drive code, shape (codes,); code 0 stays low. [1]"""
    durations: np.ndarray
    """Duration of its pulse for each drive code, shape (codes,). [s]"""

    @classmethod
    def of(cls, card: Card, conditions: Conditions, inputs: InputMapping, weight_bits: int = 1) -> "ArrayRead":
        """Set up the reads that an input coding asks for.

        Parameters
        ----------
        card : Card
            Card of kind "sram_array".
        conditions : Conditions
            Corner and temperature.
        inputs : InputMapping
            Coding of the inputs.
        weight_bits : int
            Bits of a weight in rows with binary-weighted pulses (functional read); 1 for none.

        Returns
        -------
        ArrayRead
            The reads. Levels of word lines are spaced so that a nominal cell's charge is proportional to the code.
        """
        codes = np.arange(max(inputs.plane_maximum, 2 ** (weight_bits - 1)) + 1)
        if inputs.coding != "level":
            durations = np.where(codes > 0, card.T_offset + card.T_pulse * codes, 0.0)
            return cls(card, conditions, (codes > 0).astype(float), durations)
        durations = np.where(codes > 0, card.T_offset + card.T_pulse, 0.0)
        trial = cls(card, conditions, np.linspace(0.0, 1.0, 257), np.full(257, durations[-1]))
        charges = trial.charges(trial.nominal[None], n_on=0, v_line=card.V_precharge)[:, 0]
        levels = np.interp(codes / codes[-1] * charges[-1], charges, trial.levels)
        return cls(card, conditions, levels, durations)

    def same_as(self, other: "ArrayRead") -> bool:
        """Whether the same array is read in the same way.

        Parameters
        ----------
        other : ArrayRead
            The other reads.

        Returns
        -------
        bool
            The answer.
        """
        return (
            self.card == other.card
            and self.conditions == other.conditions
            and np.array_equal(self.levels, other.levels)
            and np.array_equal(self.durations, other.durations)
        )

    @property
    def tau(self) -> float:
        """Time constant of a word line at its far end. [s]."""
        return word_line_time_constant(self.card)

    @property
    def capacitance(self) -> float:
        """Capacitance of a bit line. [F]."""
        return self.card.C_BL_fixed + self.card.rows * self.card.C_BL_row

    @property
    def t_sample(self) -> float:
        """Time of the sample: the longest pulse, and the word line's fall. [s]."""
        return float(self.durations.max()) + _SETTLED * self.tau

    @property
    def t_cycle(self) -> float:
        """Read and precharge. [s]."""
        return self.t_sample + self.card.T_precharge

    @property
    def nominal(self) -> np.ndarray:
        """The nominal cell's side on the line, shape (TRANSISTORS, COLUMNS)."""
        return self.sides(None)

    def level(self, n_on: np.ndarray | int) -> np.ndarray:
        """Level of word lines of which `n_on` rise together: their supply's capacitor shares its charge.

        Parameters
        ----------
        n_on : array_like
            Number of word lines.

        Returns
        -------
        ndarray
            Level. [V]
        """
        return word_line_level(self.card, np.asarray(n_on))

    def sides(self, mismatch: Mismatch | None) -> np.ndarray:
        """Give the side of cells that a stored 1 discharges: Q_bar's of six-transistor cells, the read port of others.

        Parameters
        ----------
        mismatch : tuple of two ndarrays, shape (..., transistors), optional
            The cells' mismatch; without it, one nominal cell.

        Returns
        -------
        ndarray, shape (..., TRANSISTORS, COLUMNS)
            Rows of the kernels' table.
        """
        cell = self.card.parts["cell"]
        rows = cell_rows(cell, self.conditions, mismatch)
        return np.ascontiguousarray(read_port_rows(rows) if cell.kind == "sram_8t" else rows[..., 3:6, :])

    @property
    def draws(self) -> int:
        """Normal numbers of a cell: threshold and current factor of each transistor in turn."""
        return 2 * len(transistor_names(self.card.parts["cell"]))

    def shifts(self, normals: np.ndarray) -> Mismatch:
        """Turn normal numbers into the mismatch of cells.

        Parameters
        ----------
        normals : ndarray, shape (..., draws)
            Independent normal numbers. [1]

        Returns
        -------
        tuple of two ndarrays, shape (..., transistors)
            Threshold shifts [V] and relative shifts of the current factor [1].
        """
        threshold, current = cell_deviations(self.card.parts["cell"])
        # A current factor stays positive.
        return normals[..., ::2] * threshold, np.maximum(normals[..., 1::2] * current, -0.99)

    def draw(self, size: tuple[int, ...], rng: np.random.Generator) -> Mismatch:
        """Draw the mismatch of cells (see `draw_cell_mismatch`).

        Parameters
        ----------
        size : tuple of int
            Shape.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        tuple of two ndarrays, shape (*size, transistors)
            Threshold shifts [V] and relative shifts of the current factor [1].
        """
        return draw_cell_mismatch(self.card.parts["cell"], size, rng)

    def charges(self, sides: np.ndarray, n_on: float, v_line: float) -> np.ndarray:
        """Charge that cells which hold a 1 take from a line at a given voltage, for each drive code.

        Parameters
        ----------
        sides : ndarray, shape (cells, TRANSISTORS, COLUMNS)
            The cells.
        n_on : float
            Word lines that rise together.
        v_line : float
            Voltage of the line. [V]

        Returns
        -------
        ndarray, shape (codes, cells)
            Charges. [C]
        """
        nodes, weights = self._quadrature(float(self.level(n_on)))
        charges = np.empty((len(nodes), len(sides)))
        kernels.unit_charges(np.ascontiguousarray(sides), self.card.V_DD, v_line, nodes, weights, charges)
        return charges

    def _quadrature(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Gauss quadratures over the voltages that the word line passes, one for each drive code."""
        nodes, weights = np.zeros((len(self.levels), _POINTS)), np.zeros((len(self.levels), _POINTS))
        for code, (share, duration) in enumerate(zip(self.levels, self.durations, strict=True)):
            if share > 0.0 and duration > 0.0:
                voltages, times = _wave(share * level, duration, self.tau, self.t_sample)
                points, part = _gauss(voltages / voltages.max(), times)
                order = np.argsort(-points)
                nodes[code, : len(points)] = points[order] * voltages.max()
                weights[code, : len(points)] = part[order]
        return nodes, weights

    def transient(self, sides: np.ndarray, stored: np.ndarray, drive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read columns by the ODE.

        Parameters
        ----------
        sides : ndarray, shape (columns, rows, TRANSISTORS, COLUMNS)
            The cells' sides on their line.
        stored : ndarray of bool, shape (columns, rows)
            Stored bits.
        drive : ndarray of int, shape (reads, rows)
            Drive codes.

        Returns
        -------
        discharges : ndarray, shape (reads, columns)
            Fall of the line at the sample. [V]
        charges : ndarray, shape (reads, columns, CHARGES)
            Charges from the precharge source, from V_DD, and to ground over the cycle. [C]

        Raises
        ------
        InputError
            If the solver did not come to an end.
        """
        drive = np.ascontiguousarray(drive, dtype=np.uint8)
        line = core.Line(
            np.array([self.capacitance]), 0.0, self.card.V_DD, self.card.V_precharge, 1.0 / self.card.R_precharge
        )
        levels = self.level((drive > 0).sum(axis=1))[:, None] * self.levels
        discharges = np.empty((len(drive), len(stored)))
        charges = np.empty((len(drive), len(stored), core.CHARGES))
        stored = np.ascontiguousarray(stored, dtype=np.uint8)

        def solve(part: slice) -> bool:
            fall, charge = np.empty((len(drive), len(stored[part]))), np.empty_like(charges[:, part])
            times = (self.tau, self.t_sample, self.t_cycle, _TOLERANCE)
            sides_, stored_ = np.ascontiguousarray(sides[part]), stored[part]
            done = kernels.column_reads(sides_, stored_, drive, levels, self.durations, line, *times, fall, charge)
            discharges[:, part], charges[:, part] = fall, charge
            return done

        parts = [slice(start, start + _COLUMNS) for start in range(0, len(stored), _COLUMNS)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            complete = all(pool.map(solve, parts))
        if not complete:
            raise InputError(f"card {self.card.name}: a read could not be solved; are its values those of an array?")
        return discharges, charges


class CellFit(NamedTuple):
    """What a cell draws as polynomials in its mismatch, for cells by the million."""

    phi: np.ndarray
    """Functions of the drive code, shape (rank, codes), see `Calibration.cells`."""
    table: Fit
    """The polynomials."""
    error: float
    """Relative error of the charge of cells that were not fitted, at the largest code, rms. [1]"""


@dataclass(frozen=True, eq=False)
class Calibration:
    """The behavioural model of an array's reads, with what it leaves out."""

    read: ArrayRead
    """The reads it is about."""
    transfer: np.ndarray
    """f: coefficients from s to a discharge, lowest power first, shape (degree + 1,). [V]"""
    unit: float
    """Discharge of a nominal cell, drive code 1, at the operating point, for a line that would not fall. [V]"""
    n_on: float
    """Word lines on at the operating point."""
    n_spread: float
    """How far from that reads usually are: twice the standard deviation, at least 1."""
    v_line: float
    """Representative voltage of the line. [V]"""
    gain: np.ndarray
    """g for 0, 1, ... word lines, shape (rows + 1,). [1]"""
    bases: int
    """Number of bases in use: 1, 2 with that of the word lines' level, 3 with that of the line's voltage too."""
    rank: int
    """Most functions of the drive code in use."""
    residual_rms: float
    """Root mean square of the residual of held-out transients. [V]"""
    residual_max: float
    """Largest residual of held-out transients. [V]"""
    span: float
    """Range of the held-out discharges. [V]"""

    def residual_lsb(self, bits: int, span: float | None = None) -> tuple[float, float]:
        """Give the residual in steps of a converter.

        Parameters
        ----------
        bits : int
            Resolution of the converter.
        span : float, optional
            Its range; without it, the range of the held-out discharges. [V]

        Returns
        -------
        rms, largest : float
            Residuals. [LSB]
        """
        lsb = (self.span if span is None else span) / (2**bits - 1)
        return self.residual_rms / lsb, self.residual_max / lsb

    def droop(self, n_on: np.ndarray) -> np.ndarray:
        """Evaluate d(n), by how much the word lines' level is above that of the operating point.

        Parameters
        ----------
        n_on : ndarray
            Word lines on.

        Returns
        -------
        ndarray
            Difference of the level. [V]
        """
        return self.read.level(n_on) - self.read.level(self.n_on)

    @cached_property
    def levels(self) -> np.ndarray:
        """What the sums over the first and the second basis count for: g(n), and g(n) d(n), shape (2, rows + 1)."""
        return self.gain * np.array([np.ones_like(self.gain), self.droop(np.arange(len(self.gain)))])

    def features(self, drive: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Turn drive codes into the left factor of the matrix product.

        Parameters
        ----------
        drive : ndarray of int, shape (reads, rows)
            Drive codes.
        phi : ndarray, shape (rank, codes)
            Functions of the code, from `cells`.

        Returns
        -------
        ndarray of float32, shape (reads, rank * rows)
            phi_r(k).
        """
        return np.concatenate([each.take(drive) for each in phi.astype(np.float32)], axis=1)

    def sums(self, features: np.ndarray, psi: np.ndarray, on: np.ndarray) -> np.ndarray:
        """Sum the cells' charges along columns.

        Parameters
        ----------
        features : ndarray, shape (reads, rank * rows)
            From `features`.
        psi : ndarray, shape (bases, rank * rows, columns)
            Numbers of the cells, from `cells`; 0 where a cell does not hold a 1.
        on : ndarray of int, shape (reads,)
            Word lines on.

        Returns
        -------
        ndarray, shape (columns, reads)
            s without the leakage. [1]
        """
        gain, lift = self.levels[:, on].astype(psi.dtype)
        s = gain * (psi[0].T @ features.T)
        if self.bases > 1:
            s += lift * (psi[1].T @ features.T)
        if self.bases > 2:
            mean_fall = s.dtype.type(0.5 * self.unit) * s - s.dtype.type(self.read.card.V_precharge - self.v_line)
            s += mean_fall * (gain * (psi[2].T @ features.T))
        return s

    def cells(self, sides: np.ndarray, phi: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Find each cell's charge in units of the nominal cell's.

        Parameters
        ----------
        sides : ndarray, shape (cells, TRANSISTORS, COLUMNS)
            Cells, as if each held a 1.
        phi : ndarray, shape (rank, codes), optional
            Functions of the drive code; without them, those that say most of these cells.

        Returns
        -------
        phi : ndarray, shape (rank, codes)
            Functions of the drive code.
        psi : ndarray, shape (bases * rank, cells)
            Numbers of the cells: u_i(k) = sum_r phi_r(k) psi_ri, and then as many for w_i(k) and for t_i(k).
        """
        parts = [self._relative(sides, self.n_on)]
        if self.bases > 1:
            parts.append(self._level_slope(sides))
        if self.bases > 2:
            parts.append(self._line_slope(sides))
        phi = _functions(parts[0], self.rank) if phi is None else phi
        return phi, np.vstack([np.linalg.lstsq(phi.T, each)[0] for each in parts])

    @cached_property
    def fit(self) -> CellFit:
        """Cells as polynomials in the normal numbers of the two transistors that a read current passes.

        The polynomials are those of the logarithms of a cell's first number and of its leakage, which are smooth from
        weak to strong inversion, and of its other numbers over the first.
        """
        rng = np.random.default_rng(0)
        sample = np.zeros((2, _SAMPLE, self.read.draws))
        first = 12 if self.read.card.parts["cell"].kind == "sram_8t" else 6
        draws = np.arange(first, first + 4)
        z = rng.standard_normal((2, _SAMPLE, 4))
        z[0] *= _SPREAD
        sample[..., draws] = z
        fitted, judged = (self.read.sides(self.read.shifts(each)) for each in sample)
        phi, _ = self.cells(judged)
        (_, numbers), (_, kept) = self.cells(fitted, phi), self.cells(judged, phi)
        targets = np.vstack([np.log(numbers[:1]), numbers[1:] / numbers[:1], _logarithm(self.leakage(fitted))])
        for degree in range(2, _HIGHEST + 1):
            parent, variable = _products(4, degree)
            powers = [_evaluate(parent, variable, each) for each in z]
            coefficients = np.linalg.lstsq(powers[0], targets.T)[0].T
            found = coefficients[: len(numbers)] @ powers[1].T
            found = np.vstack([np.ones(_SAMPLE), found[1:]]) * np.exp(found[0])
            charge, exact = (phi[:, -1] @ each[: len(phi)] for each in (found, kept))
            error = float(np.sqrt(np.mean((charge / exact - 1.0) ** 2)))
            if error <= _FITTED:
                break
        return CellFit(phi, Fit(draws, parent, variable, coefficients.astype(np.float32)), error)

    def _relative(self, sides: np.ndarray, n_on: float, v_line: float | None = None) -> np.ndarray:
        v_line = self.v_line if v_line is None else v_line
        unit = self.read.charges(self.read.nominal[None], n_on, v_line)[_reference(self.read), 0]
        return self.read.charges(sides, n_on, v_line) / unit * _reference(self.read)

    def _line_slope(self, sides: np.ndarray) -> np.ndarray:
        """Change of u for each volt that the line is lower, from no fall to twice the representative one."""
        fall = self.read.card.V_precharge - self.v_line
        return (
            self._relative(sides, self.n_on, self.v_line - fall) - self._relative(sides, self.n_on, self.v_line + fall)
        ) / (2.0 * fall)

    def _level_slope(self, sides: np.ndarray) -> np.ndarray:
        """Change of u for each volt of the word lines' level, about the operating point."""
        few, many = max(self.n_on - self.n_spread, 0.0), self.n_on + self.n_spread
        lift = float(self.read.level(few) - self.read.level(many))
        if lift == 0.0:
            return np.zeros((len(self.read.levels), len(sides)))
        return (self._relative(sides, few) - self._relative(sides, many)) / lift

    def leakage(self, sides: np.ndarray) -> np.ndarray:
        """Give what cells that hold a 1 leak in a read while their word line stays low, in the unit of s.

        Parameters
        ----------
        sides : ndarray, shape (cells, TRANSISTORS, COLUMNS)
            The cells.

        Returns
        -------
        ndarray, shape (cells,)
            Discharge over that of a nominal cell. [1]
        """
        charges = np.empty((1, len(sides)))
        zero, time = np.zeros((1, 1)), np.full((1, 1), self.read.t_sample)
        kernels.unit_charges(np.ascontiguousarray(sides), self.read.card.V_DD, self.v_line, zero, time, charges)
        return charges[0] / self.read.capacitance / self.unit


def calibrate(
    read: ArrayRead, drives: np.ndarray, density: ArrayLike, mismatch: bool, rng: np.random.Generator
) -> Calibration:
    """Fit the behavioural model to transients.

    Parameters
    ----------
    read : ArrayRead
        The reads.
    drives : ndarray of int, shape (reads, rows)
        Drive codes typical of the use; half serve the fit, the others the residual.
    density : float or array_like, shape (CALIBRATION_COLUMNS,)
        Share of cells that hold a 1, in ascending order for columns that differ; columns are drawn with densities about
        it, the largest well above it. [1]
    mismatch : bool
        Whether the columns have mismatch.
    rng : numpy.random.Generator
        Draws these columns.

    Returns
    -------
    Calibration
        The model.

    Raises
    ------
    InputError
        If the transients cannot be solved.
    """
    rows = drives.shape[1]
    columns = CALIBRATION_COLUMNS
    share = np.clip(density * np.sort(rng.uniform(0.5, 1.3, columns)), 0.02, 0.98)
    stored = rng.random((columns, rows)) < share[:, None]
    sides = (
        read.sides(read.draw((columns, rows), rng))
        if mismatch
        else np.broadcast_to(read.nominal, (columns, rows, *read.nominal.shape))
    )
    # Every other read by how far its lines fall serves the fit, the deepest among them: no residual is that of a
    # polynomial beyond its points.
    discharges, _ = read.transient(sides, stored, drives)
    order = np.argsort(-discharges.mean(axis=1), kind="stable")
    order = np.concatenate([order[::2], order[1::2]])
    drives, discharges = drives[order], discharges[order]

    on = np.count_nonzero(drives, axis=1)
    n_on, n_spread = float(on.mean()), max(2.0 * float(on.std()), 1.0)
    v_line = read.card.V_precharge - 0.5 * float(discharges.mean())
    reference = _reference(read)
    nominal = read.nominal[None]
    unit = read.charges(nominal, n_on, v_line)[reference, 0] / read.capacitance / reference
    points = np.unique(np.linspace(0, rows, min(rows, 32) + 1).round())
    gains = [read.charges(nominal, each, v_line)[reference, 0] for each in points]
    gain = np.interp(np.arange(rows + 1), points, gains) / (unit * reference * read.capacitance)

    half, flat = (len(drives) + 1) // 2, sides.reshape(-1, *sides.shape[2:])
    powers, span = np.arange(1, _DEGREE + 1), float(np.ptp(discharges))
    most = Calibration(read, np.zeros(2), unit, n_on, n_spread, v_line, gain, 1, len(read.levels), 0.0, 0.0, span)
    # Few sums first, several over the same functions before those over several.
    ranks = range(1, len(most.cells(flat)[0]) + 1)
    for bases, rank in sorted(product((1, 2, 3), ranks), key=lambda order: (order[0] * order[1], order[1])):
        model = replace(most, bases=bases, rank=rank)
        phi, psi = model.cells(flat)
        psi = psi.reshape(bases, len(phi), columns, rows) * stored
        psi = np.moveaxis(psi, 2, 3).reshape(bases, -1, columns)
        leakage = (model.leakage(flat).reshape(columns, rows) * stored).sum(axis=1)
        s = model.sums(model.features(drives, phi).astype(float), psi, on).T + leakage
        # Each power over the largest s, so that the fit is well conditioned.
        largest = np.abs(s).max() or 1.0
        fitted, *_ = np.linalg.lstsq((s[:half, :, None] / largest).reshape(-1, 1) ** powers, discharges[:half].ravel())
        transfer = np.concatenate([[0.0], fitted / largest**powers])
        error = np.polynomial.polynomial.polyval(s[half:], transfer) - discharges[half:]
        rms, worst = float(np.sqrt(np.mean(error**2))), float(np.abs(error).max())
        if worst <= _ENOUGH * model.span or not mismatch:
            break
    return replace(model, transfer=transfer, residual_rms=rms, residual_max=worst)


def _reference(read: ArrayRead) -> int:
    """Drive code whose nominal charge sets the unit: the largest, so that edges count least."""
    return len(read.levels) - 1


def _functions(u: np.ndarray, most: int) -> np.ndarray:
    """Give the few functions of the code that u (codes, cells) is made of, the first the cells' mean one."""
    if len(u) == 2:
        return np.array([[0.0, 1.0]])
    left, values, _ = np.linalg.svd(u, full_matrices=False)
    left = left[:, : min(max(1, int(np.sum(values > _CUT * values[0]))), most)]
    # Sizes of order one on both sides keep single precision; the sign of the first is that of the charges.
    scale = np.abs(left).max(axis=0)
    scale[0] = np.copysign(scale[0], left[:, 0].sum())
    scale[scale == 0.0] = 1.0
    return (left / scale).T


def _products(variables: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """List all products of variables up to a degree, each as a former product times a variable."""
    places: dict[tuple[int, ...], int] = {}
    for order in range(degree + 1):
        for factors in combinations_with_replacement(range(variables), order):
            places[factors] = len(places)
    return tuple(np.array(each) for each in zip(*[(places[f[:-1]], f[-1] if f else 0) for f in places], strict=True))


def _evaluate(parent: np.ndarray, variable: np.ndarray, z: np.ndarray) -> np.ndarray:
    products = np.ones((len(z), len(parent)))
    for term in range(1, len(parent)):
        products[:, term] = products[:, parent[term]] * z[:, variable[term]]
    return products


def _logarithm(values: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(values, np.finfo(float).tiny))


def _wave(level: float, duration: float, tau: float, t_sample: float) -> tuple[np.ndarray, np.ndarray]:
    """Voltages of a word line's wave and the time spent at each: rise, fall, finely divided."""
    if tau == 0.0:
        return np.array([level]), np.array([duration])
    points, weights = np.polynomial.legendre.leggauss(64)
    voltages, times = [], []
    edges = [*tau * np.linspace(0.0, 12.0, 13), duration]
    edges = [edge for edge in edges if edge < duration] + [duration]
    peak = -level * np.expm1(-duration / tau)
    fall = duration + tau * np.linspace(0.0, (t_sample - duration) / tau, 13)
    for start, stop in [*pairwise(edges), *pairwise(fall)]:
        t = 0.5 * (start + stop) + 0.5 * (stop - start) * points
        voltages.append(
            np.where(t < duration, -level * np.expm1(-t / tau), peak * np.exp(-np.maximum(t - duration, 0.0) / tau))
        )
        times.append(0.5 * (stop - start) * weights)
    return np.concatenate(voltages), np.concatenate(times)


def _gauss(x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gauss quadrature of a discrete measure by Lanczos's method (Golub and Welsch, doi:10.2307/2004418)."""
    total = weights.sum()
    basis = [np.sqrt(weights / total)]
    diagonal, beside = [], []
    for step in range(min(_POINTS, len(x))):
        vector = x * basis[-1]
        diagonal.append(vector @ basis[-1])
        # Twice, or rounding would spoil the orthogonality.
        for _ in range(2):
            vector = vector - sum((vector @ each) * each for each in basis)
        norm = np.linalg.norm(vector)
        if step + 1 == min(_POINTS, len(x)) or norm < 1e-12:
            break
        beside.append(norm)
        basis.append(vector / norm)
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return values, total * vectors[0] ** 2
