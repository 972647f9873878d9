"""A column of an SRAM array as a circuit: cells on a bit line, word lines, precharge, meters.

The circuit is what `circuitsnn.sram.bitline.BitlineRead` integrates, part by part (docs/theory/sram_read.md). Row 12
has

====================  ======================================================================================
wl_12                 its word line, where that turns on; behind a resistor from driver_1, driver_2, ..., one
                      for each pulse or level that occurs. Word lines that stay off are ground.
cell12_q, cell12_qb   internal node on the side of the bit line, and on that of the complementary one; the
                      gates of each side are at the rail of the other
cell12_x              in eight-transistor cells the node between the read port's transistors
bl_12, blb_12         the bit lines at that row, where the wire is resolved; bl and blb are the sense ends
====================  ======================================================================================

and ``energy_precharge``, ``energy_cell`` and ``energy_driver_1``, ... show 1 V for each joule drawn so far. The
transistors are Xcell12_access, Xcell12_pull_down, Xcell12_pull_up, the same with _bar, and Xcell12_read_access and
Xcell12_read_driver. Times, voltages, capacitances, sizes and what all transistors share are parameters at the top.

Where no mismatch is drawn and the line is lumped, rows that store the same bit under the same word-line wave are one
cell of that many times the width, named after the first; a comment in the deck says which rows. A foundry's transistors
are never put together.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PySpice.Spice.Netlist import Circuit

from circuitsnn.errors import InputError
from circuitsnn.spice.analyses import Maximum, Transient, Value
from circuitsnn.spice.deck import Deck
from circuitsnn.spice.numbers import spice_number
from circuitsnn.spice.parts import coupling_switch, cycle_meter
from circuitsnn.spice.transistors import FoundryTransistor, Transistors
from circuitsnn.sram.bitline import SETTLING, BitlineRead, word_line_level, word_line_time_constant
from circuitsnn.sram.cell import transistor_names

_FOREVER = "1k"  # s, a period longer than any run
_SHORTEST = 1e-4  # pulse units: a netlist's time constant of word lines that have none
_EDGE = 1e-5  # duration of a driver's edge over the word lines' time constant ...
_SHORTEST_EDGE = 1e-7  # ... but not less than this many pulse units, or an engine cannot step through it


@dataclass(frozen=True, eq=False)
class ReadTiming:
    """When what happens in the read of a column."""

    pulses: np.ndarray
    """Length of each row's pulse but for T_offset, in T_pulse; 0 where its word line stays off, shape (rows,). [1]"""
    levels: np.ndarray
    """Level of each row's word line, as a part of the level that `v_on` is; 0 where off, shape (rows,). [1]"""
    v_on: float
    """Level of a word line whose entry in `levels` is 1. [V]"""
    tau: float
    """Time constant of the word lines. [s]"""
    tau_circuit: float
    """The same in a netlist, where it is not 0. [s]"""
    t_sample: float
    """When the lines are sampled and the precharge begins. [s]"""
    stop: float
    """End of the cycle. [s]"""
    edge: float
    """Duration of the drivers' edges in a netlist, far below the word lines' time constant. [s]"""

    @classmethod
    def of(cls, read: BitlineRead, levels: ArrayLike | None = None, pulses: ArrayLike | None = None) -> "ReadTiming":
        """Work it out from the inputs, as `BitlineRead.transient` does.

        Parameters
        ----------
        read
            The column.
        levels, pulses
            As for `BitlineRead.transient`.

        Returns
        -------
        ReadTiming
            The times and levels.

        Raises
        ------
        InputError
            If an input is not possible.
        """
        given = {"levels": levels, "pulses": pulses}
        for name, values in given.items():
            values = np.asarray(1.0 if values is None else values, dtype=float)
            if values.shape not in ((), (read.rows,)) or not np.all(np.isfinite(values) & (values >= 0)):
                raise InputError(f"{name} must be one number >= 0, or {read.rows} of them, one a row")
            given[name] = np.broadcast_to(values, (read.rows,))
        card = read.card
        on = (given["levels"] > 0) & (given["pulses"] > 0)
        tau = word_line_time_constant(card)
        tau_circuit = max(tau, _SHORTEST * card.T_pulse)
        pulses = np.where(on, given["pulses"], 0.0)
        t_sample = card.T_offset + (pulses.max() if on.any() else 1.0) * card.T_pulse + SETTLING * tau
        return cls(
            pulses=pulses,
            levels=np.where(on, given["levels"], 0.0),
            v_on=word_line_level(card, int(on.sum())),
            tau=tau,
            tau_circuit=tau_circuit,
            t_sample=float(t_sample),
            stop=float(t_sample + card.T_precharge),
            edge=float(f"{max(_EDGE * tau_circuit, _SHORTEST_EDGE * card.T_pulse):.1g}"),
        )

    @property
    def waves(self) -> tuple[np.ndarray, np.ndarray]:
        """Pulse and level of each wave that occurs, shape (waves, 2), and each row's wave, -1 where off, (rows,)."""
        on = self.pulses > 0
        shapes, wave = np.unique(np.column_stack([self.pulses, self.levels])[on], axis=0, return_inverse=True)
        of_row = np.full(len(self.pulses), -1)
        of_row[on] = np.reshape(wave, -1)
        return shapes, of_row


def column_circuit(
    read: BitlineRead,
    levels: ArrayLike | None = None,
    pulses: ArrayLike | None = None,
    *,
    energy: bool = True,
    foundry: Mapping[str, FoundryTransistor] | None = None,
    title: str = "Read of a column of an SRAM array",
) -> Circuit:
    """Circuit of a column: cells, word lines, bit lines, precharge, meters.

    Parameters
    ----------
    read
        The column, with what it stores and its mismatch.
    levels, pulses
        Inputs, as for `BitlineRead.transient`.
    energy
        Whether to meter what each supply delivers.
    foundry
        A foundry's subcircuits in place of the package's transistors, by kind ("nmos", "pmos").
    title
        First line of the netlist.

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        To edit further, to print, or to write as a deck of any dialect.

    Raises
    ------
    InputError
        If an input is not possible, or a foundry's transistors are to have drawn mismatch.
    """
    return _Column(read, ReadTiming.of(read, levels, pulses), energy, foundry, title).circuit


def bitline_deck(
    read: BitlineRead,
    levels: ArrayLike | None = None,
    pulses: ArrayLike | None = None,
    *,
    max_step: float | None = None,
    energy: bool = True,
    foundry: Mapping[str, FoundryTransistor] | None = None,
    title: str = "Read of a column of an SRAM array",
    comment: str = "",
    options: Mapping[str, object] | None = None,
) -> Deck:
    """Deck of one read: the circuit, its transient, what to keep, and the lines at the sample and the energies.

    Parameters
    ----------
    read, levels, pulses, energy, foundry
        As for `column_circuit`.
    max_step
        Longest step of the simulator; a fifth of the word lines' time constant without it. [s]
    title, comment
        What the deck is.
    options
        Options of the simulator.

    Returns
    -------
    Deck
        The deck; it measures ``bl_sample`` and ``blb_sample`` [V], and the energies by the names of their nodes [J].

    Raises
    ------
    InputError
        As for `column_circuit`.
    """
    timing = ReadTiming.of(read, levels, pulses)
    lines = ("bl", "blb")[: read.lines]
    measures: list = [Value(f"{line}_sample", line, timing.t_sample) for line in lines]
    meters = energy_nodes(timing) if energy else ()
    measures += [Maximum(node, node) for node in meters]
    return Deck(
        _Column(read, timing, energy, foundry, title).circuit,
        Transient(timing.stop, default_step(timing) if max_step is None else max_step),
        tuple(measures),
        (*lines, *meters),
        options or {},
        comment,
    )


def default_step(timing: ReadTiming) -> float:
    """Longest step that resolves the word lines' edges, to one digit. [s]."""
    return float(f"{(timing.tau if timing.tau > 0 else timing.t_sample / 50) / 5:.1g}")


def energy_nodes(timing: ReadTiming) -> tuple[str, ...]:
    """Nodes that show the energies: those of the precharge and the cells, then those of each driver."""
    drivers = (f"energy_driver_{k + 1}" for k in range(len(timing.waves[0])))
    return ("energy_precharge", "energy_cell", *drivers)


def read_energies(values: Mapping[str, float], timing: ReadTiming, v_wl: float) -> dict[str, float]:
    """Give the energy of a cycle by supply, as `BitlineRead` tells them apart.

    A driver's meter shows what its charge costs at the level of its word line; the supply V_WL gives that charge at
    its own voltage, and the difference is lost as the decoupling capacitor shares its charge.

    Parameters
    ----------
    values
        Value of each meter, as measured. [J]
    timing
        Of the same deck.
    v_wl
        Voltage of the word lines' supply. [V]

    Returns
    -------
    dict of str to float
        ``"precharge"``, ``"cell"``, ``"word_line"``. [J]
    """
    shapes, _ = timing.waves
    drivers = (values[f"energy_driver_{k + 1}"] * v_wl / (level * timing.v_on) for k, (_, level) in enumerate(shapes))
    return {
        "precharge": values["energy_precharge"],
        "cell": values["energy_cell"],
        "word_line": float(sum(drivers)),
    }


class _Column:
    """Builds the circuit of a column."""

    def __init__(
        self,
        read: BitlineRead,
        timing: ReadTiming,
        energy: bool,
        foundry: Mapping[str, FoundryTransistor] | None,
        title: str,
    ) -> None:
        if foundry and read.mismatch is not None:
            raise InputError(
                "mismatch is drawn for the package's transistors; a foundry's have statistics of their own: leave "
                "one of the two out"
            )
        self.read, self.timing, self.energy = read, timing, energy
        cell = read.card.parts["cell"]
        self.names = transistor_names(cell)
        self.circuit = Circuit(" ".join(title.split()))
        self._parameters(cell)
        kinds = ("nmos",) if read.lines == 1 else ("nmos", "pmos")
        cards = {kind: cell.parts[kind] for kind in kinds}
        self.transistors = Transistors(self.circuit, cards, read.conditions, foundry)
        self.circuit.subcircuit(coupling_switch())
        if energy:
            self.circuit.subcircuit(cycle_meter())
        self._supplies()
        for line in ("bl", "blb")[: read.lines]:
            self._bit_line(line)
        self._word_lines()
        self._cells(together=not (foundry or read.wire or read.mismatch is not None))

    def _parameters(self, cell) -> None:
        """Put what the whole column shares at the top."""
        card, timing = self.read.card, self.timing
        values = {name: getattr(card, name) for name in ("V_DD", "V_precharge", "T_pulse", "C_BL_row", "C_BL_fixed")}
        if card.T_offset:
            values["T_offset"] = card.T_offset
        if self.read.wire:
            values["R_BL_row"] = card.R_BL_row
        values |= {
            "R_precharge": card.R_precharge,
            "V_WL": card.V_WL,
            "C_WL_supply": card.C_WL_supply,
            "C_WL_cell": card.C_WL_cell,
            "R_WL": timing.tau_circuit / card.C_WL_cell,
            "t_sample": timing.t_sample,
            "t_edge": timing.edge,
        }
        used = self._devices()
        values |= {f"{letter}_{device}": getattr(cell, f"{letter}_{device}") for device in used for letter in "WL"}
        for name, value in values.items():
            self.circuit.parameter(name, spice_number(value))
        cells = int(np.count_nonzero(timing.pulses) * card.columns)
        self.circuit.parameter("V_on", f"{{V_WL*C_WL_supply/(C_WL_supply+{cells}*C_WL_cell)}}")

    def _devices(self) -> tuple[str, ...]:
        """Transistors that the line sees, by the names of their sizes."""
        return ("read_access", "read_driver") if self.read.lines == 1 else ("access", "pull_down", "pull_up")

    def _metered(self, name: str, source: str, value: str, node: str) -> None:
        """Add a voltage source, behind a meter where there are any."""
        if self.energy:
            self.circuit.V(source, f"{node}_source", 0, value)
            self.circuit.X(f"meter_{name}", "cycle_meter", f"{node}_source", node, f"energy_{name}", "cycle")
        else:
            self.circuit.V(source, node, 0, value)

    def _supplies(self) -> None:
        if self.energy:
            self.circuit.V("cycle", "cycle", 0, f"PULSE(0 1 0 {{t_edge}} {{t_edge}} {_FOREVER} 2k)")
        self._metered("cell", "dd", "DC {V_DD}", "vdd")
        self._metered("precharge", "precharge", "DC {V_precharge}", "precharge")
        step = f"PULSE(1 0 0 {{t_edge}} {{t_edge}} {{t_sample-t_edge}} {_FOREVER})"
        self.circuit.V("precharge_on", "precharge_on", 0, step)

    def _bit_line(self, line: str) -> None:
        circuit, read = self.circuit, self.read
        circuit.R(f"precharge_{line}", "precharge", f"precharge_{line}", "{R_precharge}")
        circuit.X(f"precharge_{line}", "coupling_switch", f"precharge_{line}", line, "precharge_on")
        if not read.wire:
            circuit.C(line, line, 0, f"{{C_BL_fixed+{read.rows}*C_BL_row}}")
            return
        circuit.C(line, line, 0, "{C_BL_fixed+C_BL_row}")
        for row in range(1, read.rows):
            node = self._at(line, row)
            circuit.R(node, self._at(line, row - 1), node, "{R_BL_row}")
            circuit.C(node, node, 0, "{C_BL_row}")

    def _at(self, line: str, row: int) -> str:
        """Node of a line at a row."""
        return f"{line}_{row}" if self.read.wire and row else line

    def _word_lines(self) -> None:
        shapes, _ = self.timing.waves
        for k, (pulse, level) in enumerate(shapes):
            length = "T_pulse" if pulse == 1 else f"{spice_number(pulse)}*T_pulse"
            length = f"T_offset+{length}" if self.read.card.T_offset else length
            height = "V_on" if level == 1 else f"{spice_number(level)}*V_on"
            step = f"PULSE(0 {{{height}}} 0 {{t_edge}} {{t_edge}} {{{length}-t_edge}} {_FOREVER})"
            self._metered(f"driver_{k + 1}", f"driver_{k + 1}", step, f"driver_{k + 1}")

    def _cells(self, together: bool) -> None:
        read = self.read
        _, wave = self.timing.waves
        rows = np.arange(read.rows)
        entry = rows
        if together:
            _, first, inverse = np.unique(
                np.column_stack([read.stored, wave]), axis=0, return_index=True, return_inverse=True
            )
            entry = first[np.reshape(inverse, -1)]
        comments = []
        for row in np.unique(entry).tolist():
            alike = np.flatnonzero(entry == row).tolist()
            if len(alike) > 1:
                comments.append(f"* cell{row} stands for the {len(alike)} rows {_ranges(alike)}")
            self._cell(row, len(alike), int(wave[row]))
        self.circuit.raw_spice += "\n".join(comments)

    def _cell(self, row: int, count: int, wave: int) -> None:
        """Add one cell, or several alike as one, with its word line."""
        word = "0"
        if wave >= 0:
            word = f"wl_{row}"
            many = "" if count == 1 else f"/{count}", "" if count == 1 else f"*{count}"
            self.circuit.R(word, f"driver_{wave + 1}", word, f"{{R_WL{many[0]}}}")
            self.circuit.C(word, word, 0, f"{{C_WL_cell{many[1]}}}")
        stored = int(self.read.stored[row])
        if self.read.lines == 1:
            gate, middle = "vdd" if stored else "0", f"cell{row}_x"
            self._transistor(row, count, "read_access", "nmos", (self._at("bl", row), word, middle, "0"))
            self._transistor(row, count, "read_driver", "nmos", (middle, gate, "0", "0"))
            return
        for line, q, end, bit in (("bl", "q", "", stored), ("blb", "qb", "_bar", 1 - stored)):
            node, gate = f"cell{row}_{q}", "0" if bit else "vdd"
            self._transistor(row, count, f"access{end}", "nmos", (self._at(line, row), word, node, "0"))
            self._transistor(row, count, f"pull_down{end}", "nmos", (node, gate, "0", "0"))
            self._transistor(row, count, f"pull_up{end}", "pmos", (node, gate, "vdd", "vdd"))

    def _transistor(self, row: int, count: int, name: str, kind: str, nodes: tuple[str, str, str, str]) -> None:
        device = name.removesuffix("_bar")
        width = f"W_{device}" if count == 1 else f"{count}*W_{device}"
        values: dict[str, object] = {"W": f"{{{width}}}", "L": f"{{L_{device}}}"}
        if self.read.mismatch is not None:
            k = self.names.index(name)
            for parameter, shifts in zip(("threshold_shift", "current_factor_shift"), self.read.mismatch, strict=True):
                values[parameter] = spice_number(shifts[row, k])
        self.transistors.add(f"cell{row}_{name}", kind, nodes, **values)


def _ranges(rows: list[int]) -> str:
    """Rows as a person writes them: 0-3, 7, 9-12."""
    starts = [row for row in rows if row - 1 not in rows]
    ends = [row for row in rows if row + 1 not in rows]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
