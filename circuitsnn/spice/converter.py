"""The capacitor array of a successive-approximation converter as a circuit, with its comparator and a given control.

The circuit is what `circuitsnn.adc.SarAdc` solves (docs/theory/converters.md): drawn capacitors, parasitic capacitances
of the top plates, the bridge of a split array, the comparator's offset. Bit 5, the most significant one of six, has

==================  ========================================================================================
bit_5_target        where its switch connects it: the input while that is sampled, then high or low
bit_5_settled       the same behind R_switch and C_unit: larger capacitors have larger switches
bit_5               its bottom plate, which follows bit_5_settled
==================  ========================================================================================

and ``dummy_...`` is the capacitor that completes the array. ``top`` is the comparator's node, ``top_lower`` the other
side of a bridge; a switch, as large as the array's together, holds each at 0 V while the input is sampled.
``difference`` is what the comparator decides on, its offset included: at 0 V and above the bit is kept.

The control is no logic but sources: the trials that the input leads to in our converter. An engine agrees if its
comparator decides each of these trials the same way. The array decides at the end of T_settle and the next trial begins
at once: T_decision, in which it does not move in our model, is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PySpice.Spice.Netlist import Circuit

from circuitsnn.adc.sar import SarAdc, nominal_bridge
from circuitsnn.errors import InputError
from circuitsnn.spice.analyses import Traces, Transient, Value
from circuitsnn.spice.deck import Deck
from circuitsnn.spice.numbers import spice_number
from circuitsnn.spice.parts import coupling_switch

_SAMPLING = 25.0  # time constants that the input is sampled for at least: our model samples it completely
_SMALLEST_RESISTANCE = 1.0  # ohm, of switches without resistance
_EDGE = 1e-4  # duration of an edge over T_settle


@dataclass(frozen=True, eq=False)
class Conversions:
    """Inputs that are converted one after the other, and when."""

    inputs: np.ndarray
    """Input voltages, shape (inputs,). [V]"""
    codes: np.ndarray
    """Our converter's codes, shape (inputs,)."""
    trials: np.ndarray
    """Code that is on trial, most significant bit first, shape (inputs, bits)."""
    starts: np.ndarray
    """When each trial begins, shape (inputs, bits). [s]"""
    period: float
    """Time of one conversion. [s]"""
    settle: float
    """Time of one trial, at whose end the comparator decides. [s]"""

    @classmethod
    def of(cls, adc: SarAdc, inputs: Sequence[float]) -> "Conversions":
        """Convert the inputs here and lay out the trials.

        Parameters
        ----------
        adc
            One converter.
        inputs
            Input voltages. [V]

        Returns
        -------
        Conversions
            Codes, trials and times.

        Raises
        ------
        InputError
            If it is not a single converter with parts of its own, or there is no input.
        """
        if not isinstance(adc, SarAdc) or adc.converters != 1 or adc.ideal or adc.low.ndim:
            raise InputError("a netlist of a converter needs one SarAdc with one input range, not an ideal one")
        inputs = np.atleast_1d(np.asarray(inputs, dtype=float))
        if inputs.ndim != 1 or inputs.size == 0 or not np.all(np.isfinite(inputs)):
            raise InputError("inputs must be finite voltages, at least one")
        bits = adc.bits
        codes = adc.convert(inputs[:, None])[:, 0].astype(int)
        place = bits - 1 - np.arange(bits)
        # Bits above the one on trial are decided, the one on trial is 1, those below are 0.
        trials = (codes[:, None] >> (place + 1) << (place + 1)) | (1 << place)
        settle = adc.card.T_settle
        tau = adc.card.R_switch * adc.card.C_unit
        sample = float(f"{max(adc.card.T_sample, _SAMPLING * tau):.4g}")
        period = sample + bits * settle
        starts = np.arange(inputs.size)[:, None] * period + sample + np.arange(bits) * settle
        return cls(inputs, codes, trials, starts, period, settle)

    @property
    def decisions(self) -> np.ndarray:
        """When the comparator decides, shape (inputs, bits). [s]."""
        return self.starts + self.settle


def converter_circuit(
    adc: SarAdc, inputs: Sequence[float], *, title: str = "Successive-approximation converter"
) -> Circuit:
    """Circuit of a converter's array that converts inputs one after the other.

    Parameters
    ----------
    adc
        One converter.
    inputs
        Input voltages. [V]
    title
        First line of the netlist.

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        To edit further, to print, or to write as a deck of any dialect.

    Raises
    ------
    InputError
        As for `Conversions.of`.
    """
    return _circuit(adc, Conversions.of(adc, inputs), title)


def adc_deck(
    adc: SarAdc,
    inputs: Sequence[float],
    *,
    max_step: float | None = None,
    title: str = "Successive-approximation converter",
    comment: str = "",
    options: Mapping[str, object] | None = None,
) -> Deck:
    """Deck of conversions: the circuit, its transient, and the comparator's difference at each decision.

    Parameters
    ----------
    adc, inputs
        As for `converter_circuit`.
    max_step
        Longest step of the simulator; a tenth of T_settle without it. [s]
    title, comment
        What the deck is.
    options
        Options of the simulator.

    Returns
    -------
    Deck
        The deck; it measures ``difference_0_5``, that of input 0 and bit 5, and so on. [V]

    Raises
    ------
    InputError
        As for `Conversions.of`.
    """
    work = Conversions.of(adc, inputs)
    measures = [
        Value(f"difference_{k}_{adc.bits - 1 - trial}", "difference", _tidy(time))
        for k, times in enumerate(work.decisions)
        for trial, time in enumerate(times)
    ]
    stop = _tidy(work.decisions[-1, -1] + 0.2 * work.settle)
    step = _tidy(0.1 * work.settle) if max_step is None else max_step
    saved = ("top", "difference")
    return Deck(_circuit(adc, work, title), Transient(stop, step), tuple(measures), saved, options or {}, comment)


def read_conversions(adc: SarAdc, work: Conversions, traces: Traces) -> tuple[np.ndarray, np.ndarray]:
    """Read the codes and the level of each trial from an engine's waveforms.

    Parameters
    ----------
    adc
        The converter.
    work
        What it was given.
    traces
        Waveforms of the engine.

    Returns
    -------
    codes : ndarray, shape (inputs,)
        What the comparator's decisions amount to.
    levels : ndarray, shape (inputs, bits)
        Input voltage at which each trial would have been a tie. [V]
    """
    difference = np.interp(work.decisions, traces.time, traces["difference"])
    kept = difference >= 0.0
    codes = (kept << (adc.bits - 1 - np.arange(adc.bits))).sum(axis=1)
    _, total, node = adc.weights_of(adc.parts[0])
    # The comparator sees the input's distance from the level divided by the parasitics, as far as it has settled.
    seen = 1.0 - adc.remaining ** np.arange(1, adc.bits + 1)
    return codes, work.inputs[:, None] - difference * node / (total * seen)


def _circuit(adc: SarAdc, work: Conversions, title: str) -> Circuit:
    card, parts = adc.card, adc.parts[0]
    circuit = Circuit(" ".join(title.split()))
    _, total, node = adc.weights_of(parts)
    half = adc.half_code * float(adc.lsb) * total / node
    values = {
        "V_low": float(adc.low), "V_high": float(adc.high), "V_offset": parts.offset - half,
        "R_switch": max(card.R_switch, _SMALLEST_RESISTANCE), "C_unit": card.C_unit,
        "t_edge": _tidy(_EDGE * work.settle),
    }  # fmt: skip
    for name, value in values.items():
        circuit.parameter(name, spice_number(value))
    circuit.subcircuit(coupling_switch())
    lower = len(parts.lower)
    tops = ("top", "top_lower") if lower else ("top",)
    capacitors = {f"bit_{k}": ("top_lower", value) for k, value in enumerate(parts.lower)}
    capacitors |= {f"bit_{lower + k}": ("top", value) for k, value in enumerate(parts.upper)}
    capacitors["dummy"] = (tops[-1], parts.dummy)
    for name, (plate, units) in capacitors.items():
        _plate(circuit, adc, work, name, plate, units * card.C_unit)
    on_upper = float((1 << (adc.bits - lower)) - 1)
    if lower:
        nominal = nominal_bridge(lower, card.parasitic)
        circuit.C("bridge", "top", "top_lower", spice_number(card.bridge * parts.bridge * nominal * card.C_unit))
        on = {"top": on_upper + nominal, "top_lower": float(1 << lower)}
    else:
        on = {"top": on_upper + 1.0}
    held = _waveform([(0.0, "1")] + [
        edge
        for k, first in enumerate(work.starts[:, 0])
        for edge in ((k * work.period, "1"), (first, "0"))
    ])  # fmt: skip
    circuit.V("hold", "hold", 0, held)
    for top in tops:
        if card.parasitic > 0:
            circuit.C(f"parasitic_{top}", top, 0, spice_number(card.parasitic * on[top] * card.C_unit))
        circuit.R(f"hold_{top}", top, f"{top}_held", f"{{R_switch/{spice_number(on[top])}}}")
        circuit.X(f"hold_{top}", "coupling_switch", f"{top}_held", 0, "hold")
    circuit.VCVS("invert", "inverted", 0, 0, "top", voltage_gain="1")
    circuit.V("offset", "inverted", "difference", "DC {V_offset}")
    circuit.R("comparator", "difference", 0, "1meg")
    return circuit


def _plate(circuit: Circuit, adc: SarAdc, work: Conversions, name: str, top: str, capacitance: float) -> None:
    """Add one capacitor with what drives its bottom plate."""
    bit = None if name == "dummy" else int(name.removeprefix("bit_"))
    changes = []
    for k, volts in enumerate(work.inputs):
        changes.append((k * work.period, spice_number(volts)))
        for start, trial in zip(work.starts[k], work.trials[k], strict=True):
            changes.append((start, "{V_high}" if bit is not None and trial >> bit & 1 else "{V_low}"))
    circuit.V(name, f"{name}_target", 0, _waveform(changes))
    circuit.R(name, f"{name}_target", f"{name}_settled", "{R_switch}")
    circuit.C(f"{name}_settled", f"{name}_settled", 0, "{C_unit}")
    circuit.VCVS(name, name, 0, f"{name}_settled", 0, voltage_gain="1")
    circuit.C(name, name, top, spice_number(capacitance))


def _waveform(changes: list[tuple[float, str]]) -> str:
    """Piecewise linear source that changes at these times, along edges of t_edge."""
    words, last = [], None
    for time, value in changes:
        if value == last:
            continue
        if last is None:
            words += ["0", value]
        else:
            moment = spice_number(_tidy(time))
            words += [moment, last, f"{{{moment}+t_edge}}", value]
        last = value
    return f"PWL({' '.join(words)})"


def _tidy(time: float) -> float:
    """Round away what sums of times leave beyond their twelfth digit. [s]."""
    return float(f"{time:.12g}")
