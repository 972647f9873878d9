"""SRAM cells: what they store and keep, and the current that reads them."""

from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from circuitsnn.cards import Card
from circuitsnn.core import cell as core
from circuitsnn.core import mosfet as columns
from circuitsnn.core.bitline import cell_current
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.transistor.mosfet import Conditions, draw_mismatch, transistor_rows

__all__ = [
    "Butterfly",
    "EightTransistorCell",
    "Mismatch",
    "ReadDisturb",
    "SixTransistorCell",
    "cell_deviations",
    "cell_rows",
    "draw_cell_mismatch",
    "transistor_names",
]

Mode = Literal["hold", "read"]

Mismatch: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Threshold shifts [V] and relative current-factor shifts [1], one entry a transistor in the order of its names."""

TYPICAL = Conditions()
"""Typical corner, 27 degrees Celsius."""

_SIX = ("access", "pull_down", "pull_up", "access_bar", "pull_down_bar", "pull_up_bar")
_READ_PORT = ("read_access", "read_driver")


def transistor_names(card: Card) -> tuple[str, ...]:
    """Name a cell's transistors in the order in which arrays over them run.

    Parameters
    ----------
    card : Card
        Card of kind "sram_6t" or "sram_8t".

    Returns
    -------
    tuple of str
        Side Q's access, pull-down and pull-up, side Q_bar's, and those of a read port.

    Raises
    ------
    InputError
        If the card is of another kind.
    """
    kind = getattr(card, "kind", None)
    if kind not in ("sram_6t", "sram_8t"):
        raise InputError(f"a cell needs a card of kind 'sram_6t' or 'sram_8t'; found {kind or type(card).__name__!r}")
    return _SIX + _READ_PORT if kind == "sram_8t" else _SIX


def _sizes(card: Card) -> list[tuple[Card, float, float]]:
    """Transistor card, width and length of each transistor."""
    sizes = []
    for name in transistor_names(card):
        device = name.removesuffix("_bar")
        part = card.parts["pmos" if device == "pull_up" else "nmos"]
        sizes.append((part, getattr(card, f"W_{device}"), getattr(card, f"L_{device}")))
    return sizes


def cell_deviations(card: Card) -> np.ndarray:
    """Give the standard deviations of the mismatch of a cell's transistors.

    Parameters
    ----------
    card : Card
        Card of kind "sram_6t" or "sram_8t".

    Returns
    -------
    ndarray, shape (2, transistors)
        Of thresholds [V] and of relative current factors [1]: A_VT / sqrt(W L) and A_beta / sqrt(W L), see
        `circuitsnn.transistor.mosfet.draw_mismatch`.
    """
    sizes = _sizes(card)
    deviations = [(part.A_VT / np.sqrt(w * length), part.A_beta / np.sqrt(w * length)) for part, w, length in sizes]
    return np.array(deviations).T


def draw_cell_mismatch(card: Card, size: int | tuple[int, ...], rng: np.random.Generator) -> Mismatch:
    """Draw the mismatch of cells, every transistor of every cell its own.

    Parameters
    ----------
    card : Card
        Card of kind "sram_6t" or "sram_8t".
    size : int or tuple of int
        Number of cells, in any shape.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    threshold_shift : ndarray, shape (*size, transistors)
        What is added to the thresholds' magnitudes. [V]
    current_factor_shift : ndarray, shape (*size, transistors)
        Relative changes of the current factors. [1]
    """
    drawn = [draw_mismatch(part, width, length, size, rng) for part, width, length in _sizes(card)]
    return np.stack([shift for shift, _ in drawn], axis=-1), np.stack([shift for _, shift in drawn], axis=-1)


def cell_rows(card: Card, conditions: Conditions = TYPICAL, mismatch: Mismatch | None = None) -> np.ndarray:
    """Put the transistors of cells into rows of the kernels' table (see `circuitsnn.core.mosfet`).

    Parameters
    ----------
    card : Card
        Card of kind "sram_6t" or "sram_8t".
    conditions : Conditions
        Corner and temperature.
    mismatch : tuple of two ndarrays, shape (..., transistors), optional
        Shifts as `draw_cell_mismatch` gives them; without it, one nominal cell.

    Returns
    -------
    ndarray, shape (..., transistors, COLUMNS)
        One row a transistor, in the order of `transistor_names`. [SI]

    Raises
    ------
    InputError
        If the card is of another kind, or the shifts do not fit it.
    """
    sizes = _sizes(card)
    if mismatch is None:
        mismatch = (np.zeros(len(sizes)), np.zeros(len(sizes)))
    try:
        shifts, factors = (np.asarray(each, dtype=float) for each in mismatch)
    except (TypeError, ValueError):
        raise InputError("mismatch must be two arrays: threshold shifts [V], current-factor shifts [1]") from None
    if shifts.shape != factors.shape or shifts.ndim < 1 or shifts.shape[-1] != len(sizes):
        raise InputError(
            f"mismatch has shapes {shifts.shape} and {factors.shape}; allowed are two equal ones whose last length is "
            f"{len(sizes)}, the transistors of the cell"
        )
    return np.stack(
        [
            transistor_rows(part, width, length, conditions, shifts[..., i], factors[..., i])
            for i, (part, width, length) in enumerate(sizes)
        ],
        axis=-2,
    )


def read_port_rows(rows: np.ndarray) -> np.ndarray:
    """Write the read ports of eight-transistor cells as sides of a cell, whose pull-up carries no current.

    Parameters
    ----------
    rows : ndarray, shape (..., 8, COLUMNS)
        The cells' transistors.

    Returns
    -------
    ndarray, shape (..., 3, COLUMNS)
        Access, driver and a pull-up of I_S = 0.
    """
    port = np.concatenate([rows[..., 6:8, :], rows[..., 2:3, :]], axis=-2)
    port[..., 2, columns.I_S] = 0.0
    return port


@dataclass(frozen=True, eq=False)
class Butterfly:
    """The two transfer curves of a cell, and the squares that fit between them."""

    voltage: np.ndarray
    """Voltage at the input of both sides, shape (n,). [V]"""
    q: np.ndarray
    """Node Q with Q_bar at `voltage`, shape (n,). [V]"""
    q_bar: np.ndarray
    """Node Q_bar with Q at `voltage`, shape (n,). [V]"""
    margins: tuple[float, float]
    """Largest squares of the lobes of a stored 0 and a stored 1; negative where there is no lobe. [V]"""
    mode: Mode
    """"hold" or "read"."""

    @property
    def noise_margin(self) -> float:
        """The smaller of the two squares' sides; not above 0 where the cell cannot hold both bits. [V]."""
        return min(self.margins)

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the curves.

        Returns
        -------
        pandas.DataFrame
            Columns "voltage", "q", "q_bar" [V]; units in ``attrs["units"]``.
        """
        frame = pd.DataFrame({"voltage": self.voltage, "q": self.q, "q_bar": self.q_bar})
        frame.attrs["units"] = dict.fromkeys(frame.columns, "V")
        return frame

    def figure(self) -> Figure:
        """Draw the butterfly with its two squares.

        Returns
        -------
        Figure
            One panel.
        """
        figure, axes = new_figure(height=7.0)
        with house_style():
            axes.plot(self.q, self.voltage, label="Q as Q_bar is driven")
            axes.plot(self.voltage, self.q_bar, label="Q_bar as Q is driven")
            for lobe, margin in enumerate(self.margins):
                if margin > 0.0:
                    x, y = self._corner(lobe, margin)
                    outline = [x, x + margin, x + margin, x, x], [y, y, y + margin, y + margin, y]
                    axes.plot(*outline, color=PALETTE[6], linewidth=0.8)
                    axes.annotate(
                        f"{1e3 * margin:.0f} mV", (x + margin / 2, y + margin / 2), fontsize=6, ha="center", va="center"
                    )
            axes.set(xlabel="Q [V]", ylabel="Q_bar [V]", title=f"{self.mode}: noise margin {self.noise_margin:.3f} V")
            axes.set_aspect("equal")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
        return figure

    def _corner(self, lobe: int, margin: float) -> tuple[float, float]:
        """Lower left corner of a lobe's square: where a curve meets the other one moved by the square's diagonal."""
        upper_left = lobe == 0
        q_bar = np.linspace(self.voltage[0], self.voltage[-1], 2001)
        on_q = np.interp(q_bar, self.voltage, self.q)
        # Lower left corner on the curve of Q for a stored 0, of Q_bar for a stored 1; the opposite one on the other.
        if upper_left:
            gap = q_bar + margin - np.interp(on_q + margin, self.voltage, self.q_bar)
            at = int(np.argmin(np.abs(gap) + (on_q > q_bar)))
            return float(on_q[at]), float(q_bar[at])
        q = q_bar
        on_bar = np.interp(q, self.voltage, self.q_bar)
        gap = q + margin - np.interp(on_bar + margin, self.voltage, self.q)
        at = int(np.argmin(np.abs(gap) + (on_bar > q)))
        return float(q[at]), float(on_bar[at])


@dataclass(frozen=True)
class ReadDisturb:
    """What a read does to a stored 0, by the static solution of the whole cell."""

    bump: float
    """Voltage that the node at 0 rises to, the other node being at its rail. [V]"""
    trip_point: float
    """Voltage of that node at which the opposite side's output would equal it. [V]"""
    flips: bool
    """Whether the cell loses its bit, both nodes solved: a weak one may before the bump reaches the trip point."""

    @property
    def margin(self) -> float:
        """Trip point minus bump. [V]."""
        return self.trip_point - self.bump


class SixTransistorCell:
    """One six-transistor cell of an array, both nodes solved.

    Parameters
    ----------
    card : Card
        Card of kind "sram_array" whose cell is of kind "sram_6t".
    conditions : Conditions
        Corner and temperature.
    mismatch : tuple of two array_like, shape (6,), optional
        Shifts of this cell's transistors, in the order of `transistor_names`.

    Raises
    ------
    InputError
        If the card is of another kind, or the shifts do not fit.
    """

    _kind = "sram_6t"

    def __init__(
        self, card: Card, conditions: Conditions = TYPICAL, mismatch: tuple[ArrayLike, ArrayLike] | None = None
    ) -> None:
        if getattr(card, "kind", None) != "sram_array" or card.parts["cell"].kind != self._kind:
            raise InputError(
                f"{type(self).__name__} needs a card of kind 'sram_array' with a cell of kind '{self._kind}' "
                f"(see load_card); found {getattr(card, 'name', card)!r}"
            )
        self.card = card
        self.conditions = conditions
        self.rows = cell_rows(card.parts["cell"], conditions, mismatch)
        if self.rows.ndim != 2:
            raise InputError(f"mismatch is that of {self.rows.shape[:-2]} cells; allowed is one cell's")
        self._sides = np.ascontiguousarray(self.rows[:6].reshape(2, 3, columns.COLUMNS))

    def butterfly(self, mode: Mode, word_line: float | None = None, points: int = 201) -> Butterfly:
        """Draw up both transfer curves, the bit lines being at V_precharge.

        Parameters
        ----------
        mode : {"hold", "read"}
            Word line off or on.
        word_line : float, optional
            Level of the word line in "read"; V_DD without it, which is the worst case. [V]
        points : int
            Points on each curve.

        Returns
        -------
        Butterfly
            Curves, margins, picture.

        Raises
        ------
        InputError
            If an argument is not possible.
        """
        v_word = self._word_line(mode, word_line)
        if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or points < 2:
            raise InputError(f"points is {points!r}; allowed is a whole number >= 2")
        v_dd, v_line = self.card.V_DD, self.card.V_precharge
        voltage = np.linspace(0.0, v_dd, points)
        q, q_bar = (core.node_voltages(side, voltage, v_dd, v_line, v_word) for side in self._sides)
        return Butterfly(voltage, q, q_bar, self._margins(v_word), mode)

    def noise_margin(self, mode: Mode, word_line: float | None = None) -> float:
        """Give the static noise margin: the side of the largest square in the butterfly's smaller lobe.

        Parameters
        ----------
        mode : {"hold", "read"}
            Word line off or on, the bit lines at V_precharge.
        word_line : float, optional
            Level of the word line in "read"; V_DD without it. [V]

        Returns
        -------
        float
            Noise margin; not above 0 where the cell cannot hold both bits. [V]

        Raises
        ------
        InputError
            If an argument is not possible.

        References
        ----------
        Seevinck, List and Lohstroh (1987), doi:10.1109/JSSC.1987.1052809.
        """
        return min(self._margins(self._word_line(mode, word_line)))

    def state(self, stored: int = 0, word_line: float = 0.0, bit_line: float | None = None) -> tuple[float, float]:
        """Solve both nodes at rest, coming from a stored bit.

        Parameters
        ----------
        stored : {0, 1}
            Bit at Q.
        word_line : float
            Level of the word line. [V]
        bit_line : float, optional
            Voltage of the bit line at Q; that at Q_bar is at V_precharge, as is this one without it. [V]

        Returns
        -------
        q, q_bar : float
            Voltages of the nodes. [V]

        Raises
        ------
        InputError
            If an argument is not possible.
        """
        if stored not in (0, 1):
            raise InputError(f"stored is {stored!r}; allowed is 0 or 1")
        v_word = _checked_voltage("word_line", word_line)
        v_line = self.card.V_precharge if bit_line is None else _checked_voltage("bit_line", bit_line)
        lines = np.array([v_line, self.card.V_precharge])
        return core.settle(self._sides, self.card.V_DD, lines, v_word, int(stored))

    def read_current(self, bit_line: float, word_line: float | None = None, *, whole_cell: bool = False) -> float:
        """Give the current from the bit line into a cell that stores 0.

        Parameters
        ----------
        bit_line : float
            Voltage of the bit line. [V]
        word_line : float, optional
            Level of the word line; V_WL without it. [V]
        whole_cell : bool
            Solve both nodes. Without it the other node is held at V_DD, as in the transient of a column.

        Returns
        -------
        float
            Current. [A]

        Raises
        ------
        InputError
            If an argument is not possible.
        """
        v_word = self.card.V_WL if word_line is None else _checked_voltage("word_line", word_line)
        v_line = _checked_voltage("bit_line", bit_line)
        other = self.state(0, v_word, v_line)[1] if whole_cell else self.card.V_DD
        return cell_current(self._sides[0], other, self.card.V_DD, v_line, v_word, 0.0)[3]

    def trip_point(self, word_line: float = 0.0) -> float:
        """Give the voltage at which side Q_bar's output equals its input.

        Parameters
        ----------
        word_line : float
            Level of the word line. [V]

        Returns
        -------
        float
            Trip point. [V]

        Raises
        ------
        InputError
            If the level is not possible.
        """
        v_word = _checked_voltage("word_line", word_line)
        return core.at_offset(self._sides[1], 0.0, self.card.V_DD, self.card.V_precharge, v_word)

    def read_disturb(self, word_line: float | None = None) -> ReadDisturb:
        """Check whether a read upsets a stored 0: the node's bump against the trip point, and the cell as a whole.

        Parameters
        ----------
        word_line : float, optional
            Level of the word line; V_WL without it. [V]

        Returns
        -------
        ReadDisturb
            Bump, trip point, whether the cell flips.

        Raises
        ------
        InputError
            If the level is not possible.
        """
        v_word = self.card.V_WL if word_line is None else _checked_voltage("word_line", word_line)
        q, q_bar = self.state(0, v_word)
        # The bump with the other node at its rail, which is what the trip point must be compared with.
        bump = core.node_voltage(self._sides[0], self.card.V_DD, self.card.V_DD, self.card.V_precharge, v_word)
        return ReadDisturb(bump=bump, trip_point=self.trip_point(v_word), flips=q > q_bar)

    def _word_line(self, mode: Mode, word_line: float | None) -> float:
        if mode not in ("hold", "read"):
            raise InputError(f"mode is {mode!r}; allowed: hold, read")
        if mode == "hold":
            return 0.0
        return self.card.V_DD if word_line is None else _checked_voltage("word_line", word_line)

    def _margins(self, v_word: float) -> tuple[float, float]:
        lines = np.full(2, self.card.V_precharge)
        stored_0, stored_1 = core.noise_margins(self._sides, self.card.V_DD, lines, v_word)
        return float(stored_0), float(stored_1)


class EightTransistorCell(SixTransistorCell):
    """One eight-transistor cell: six that store, whose word line stays off in a read, and a read port of two.

    Parameters are those of `SixTransistorCell`, with a cell of kind "sram_8t" and eight shifts.
    """

    _kind = "sram_8t"

    def read_current(self, bit_line: float, word_line: float | None = None, *, whole_cell: bool = False) -> float:
        """Give the current from the read bit line into the port of a cell that stores 1.

        Parameters
        ----------
        bit_line : float
            Voltage of the read bit line. [V]
        word_line : float, optional
            Level of the read word line; V_WL without it. [V]
        whole_cell : bool
            Take the stored node's own voltage for the driver's gate rather than V_DD.

        Returns
        -------
        float
            Current. [A]

        Raises
        ------
        InputError
            If an argument is not possible.
        """
        v_word = self.card.V_WL if word_line is None else _checked_voltage("word_line", word_line)
        v_line = _checked_voltage("bit_line", bit_line)
        gate = self.state(1)[0] if whole_cell else self.card.V_DD
        return cell_current(read_port_rows(self.rows), gate, self.card.V_DD, v_line, v_word, 0.0)[3]

    def read_disturb(self, word_line: float | None = None) -> ReadDisturb:
        """Check a read: the port does not touch the stored node, which stays as in hold.

        Parameters
        ----------
        word_line : float, optional
            Level of the read word line; it does not matter. [V]

        Returns
        -------
        ReadDisturb
            Bump, trip point, whether the cell flips.
        """
        return super().read_disturb(0.0)

    def _word_line(self, mode: Mode, word_line: float | None) -> float:
        super()._word_line(mode, word_line)
        return 0.0


def _checked_voltage(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0.0 <= value < inf:
        raise InputError(f"{name} is {value!r}; allowed is a finite voltage >= 0 V")
    return float(value)
