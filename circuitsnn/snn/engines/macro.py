"""Layers on macros: SRAM arrays with converters."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from circuitsnn.cards import Card, load_card
from circuitsnn.checks import check_word, whole_number
from circuitsnn.core import macro as core
from circuitsnn.energy.pim import Cost
from circuitsnn.errors import InputError
from circuitsnn.snn.engines.base import MacChip, MacDesign, MacEngine
from circuitsnn.sram.cell import TYPICAL
from circuitsnn.sram.macro import Fidelity, Imperfections, Macro, Significance
from circuitsnn.sram.mapping import InputCoding, InputMapping, WeightScheme, quantise
from circuitsnn.transistor.mosfet import Conditions

__all__ = ["InputRange", "OnMacro", "wrap"]

_ALL = Imperfections()
_MOST_BITS = 8  # of an input or a weight of a macro
_TYPICAL = 64  # inputs that a macro is calibrated with
_TRIM = 512  # inputs that a chip's gains and offsets are measured with
_MODEL_OUTPUTS = 16  # outputs of the macro that the model of the arrays is calibrated on
_NEAR = 1.25  # the pulse is long enough if the largest discharge comes so near to the swing
_PULSES = 4  # that are tried beside the card's
_LONGEST = 8.0  # pulse, over the card's


class InputRange(NamedTuple):
    """How a layer's inputs become whole numbers on word lines."""

    mapping: InputMapping
    """Coding, bits and sign."""
    unit: float
    """Input that the whole number 1 stands for. [-]"""

    @classmethod
    def of(cls, rows: np.ndarray, coding: InputCoding, bits: int, quantile: float) -> "InputRange":
        """Choose by typical inputs.

        Spikes, 0 and 1, take one bit. Levels k / K, such as averages of spikes, take as many bits as K needs, if these
        are no more than `bits`. All others take `bits`, up to a quantile of the magnitudes that are not zero.

        Parameters
        ----------
        rows : ndarray, shape (n, inputs)
            Typical inputs. [-]
        coding : {"bit_serial", "pulse_width", "level"}
            Coding of inputs that are no spikes.
        bits : int
            Bits of these.
        quantile : float
            Share of the magnitudes within the range. [1]

        Returns
        -------
        InputRange
            The choice.
        """
        magnitudes = np.abs(rows[rows != 0.0])
        if (rows < 0.0).any():
            mapping = InputMapping(coding, bits, "two_phases")
            return cls(mapping, float(np.quantile(magnitudes, quantile)) / mapping.maximum)
        if (magnitudes == 1.0).all():
            return cls(InputMapping("spikes"), 1.0)
        levels = _levels(magnitudes, 2**bits - 1)
        if levels:
            most = max(levels, round(float(magnitudes.max()) * levels))
            return cls(InputMapping(coding, most.bit_length()), 1.0 / levels)
        mapping = InputMapping(coding, bits)
        return cls(mapping, float(np.quantile(magnitudes, quantile)) / mapping.maximum)

    def to_integers(self, rows: np.ndarray) -> np.ndarray:
        """Round to whole numbers; inputs beyond the range are clipped.

        Parameters
        ----------
        rows : ndarray, shape (n, inputs)
            Inputs. [-]

        Returns
        -------
        ndarray of int, shape (n, inputs)
            Whole numbers. [-]
        """
        low, high, number = self.mapping.minimum, self.mapping.maximum, rows.dtype.type
        found = np.empty(rows.shape, np.uint8 if low == 0 else np.int16)
        core.whole(rows.ravel(), number(1.0 / self.unit), number(low), number(high), found.reshape(-1))
        return found


def _levels(magnitudes: np.ndarray, most: int) -> int:
    """Give the smallest K for which all magnitudes are k / K with k up to `most`, or 0."""
    for levels in range(1, most + 1):
        whole = magnitudes.astype(float) * levels
        # Single precision leaves a rounding error of each average.
        if whole.max() < most + 0.5 and np.abs(whole - np.rint(whole)).max() < 1e-5 * levels:
            return levels
    return 0


@dataclass(frozen=True)
class OnMacro(MacEngine):
    """The matrix of a layer in SRAM arrays with converters: see `circuitsnn.sram.macro.Macro`.

    Weights are quantised by a scale, one for the layer. Inputs are quantised by a range that typical inputs set (see
    `InputRange`); signed ones take two phases of reads. The model of the arrays is calibrated once, for all chips. Each
    chip sets its converters' range with the same typical inputs, finds the gain and offset of each output with them and
    corrects both digitally (`trim`).
    """

    card: Card | str = "sram_macro_65nm"
    """Card of kind "sram_macro", or its name or path."""
    fidelity: Fidelity = "behavioural"
    """"behavioural", "transient" or "ideal"; with "ideal" all that is left is quantisation."""
    input_bits: int | None = None
    """Bits of an input's magnitude that is no spike; the card's without it."""
    weight_bits: int | None = None
    """Bits of a weight, sign included; the card's without it."""
    weight_scheme: WeightScheme = "differential"
    """Columns of a weight; sums of differential ones are small where weights of both signs are, as in a network."""
    significance: Significance = "digital"
    """How a weight's bits get their significance."""
    rows_on: int | None = 256
    """Most word lines that a read opens, at most an array's rows; the card's number for None. One read of many rows is
    more accurate in a network, and faster, than several of a few."""
    swing: float | None = 0.8
    """Largest discharge of a bit line by typical inputs; the layer's unit pulse is made as long as it takes, in place
    of the card's. A layer whose inputs are mostly zero would drown in its converters' noise and offsets otherwise. None
    for the card's pulse. [V]"""
    input_coding: InputCoding = "bit_serial"
    """Coding of inputs that are no spikes."""
    input_quantile: float = 0.999
    """Share of typical magnitudes within the range of inputs that are neither spikes nor levels. [1]"""
    imperfections: Imperfections = _ALL
    """Which are in force."""
    conditions: Conditions = TYPICAL
    """Corner and temperature."""
    converter_bits: int | None = None
    """Resolution of the converters; their card's without it."""
    supply_drift: float = 0.0
    """Relative change of all array supplies after the calibration. [1]"""
    trim: bool = True
    """Whether each chip's gain and offset of each output are measured and corrected digitally."""
    linear: bool = False
    """Whether a chip's products are those of its `effective_weights` with normal errors, for speed: mean and standard
    deviation of each output's errors are measured with the typical inputs on the chip itself."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", load_card(self.card) if isinstance(self.card, str) else self.card)
        if getattr(self.card, "kind", None) != "sram_macro":
            raise InputError(f"OnMacro needs a card of kind 'sram_macro' (see load_card); found {self.card!r}")
        if self.rows_on is not None:
            rows = int(self.card.parts["array"].rows)
            rows = min(whole_number("OnMacro: rows_on", self.rows_on, 1), rows)
            object.__setattr__(self, "card", self.card.replace(rows_on=rows))
        for name in ("input_bits", "weight_bits"):
            bits = getattr(self, name)
            object.__setattr__(self, name, int(getattr(self.card, name)) if bits is None else bits)
        whole_number("OnMacro: input_bits", self.input_bits, 1, _MOST_BITS)
        whole_number("OnMacro: weight_bits", self.weight_bits, 2, _MOST_BITS)
        check_word("OnMacro: input_coding", self.input_coding, InputCoding)
        check_word("OnMacro: fidelity", self.fidelity, Fidelity)
        if self.converter_bits is not None:
            whole_number("OnMacro: converter_bits", self.converter_bits, 1, 16)
        if self.input_coding == "spikes":
            raise InputError("OnMacro: input_coding 'spikes' is chosen where inputs are spikes; allowed for others: "
                             "bit_serial, pulse_width, level")  # fmt: skip
        if not isinstance(self.input_quantile, (int, float)) or not 0.0 < self.input_quantile <= 1.0:
            raise InputError(f"OnMacro: input_quantile is {self.input_quantile!r}; allowed is a share > 0 and <= 1")
        if self.swing is not None and not (isinstance(self.swing, (int, float)) and self.swing > 0.0):
            raise InputError(
                f"OnMacro: swing is {self.swing!r}; allowed is a voltage > 0, or None for the card's pulse"
            )
        for name in ("trim", "linear"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"OnMacro: {name} is {getattr(self, name)!r}; allowed: True, False")
        if self.linear and (self.input_coding != "bit_serial" or self.significance == "pulse_width"):
            raise InputError("OnMacro: linear needs word lines on or off; allowed are input_coding 'bit_serial' "
                             "and significance 'digital' or 'charge_sharing'")  # fmt: skip
        # The macro's own checks of the rest, before there is a layer.
        Macro(self.card, np.ones((1, 2)), "ideal", **self._options, input_bits=self.input_bits,
              input_coding=self.input_coding)  # fmt: skip

    @property
    def _options(self) -> dict[str, Any]:
        names = ("weight_bits", "weight_scheme", "significance", "imperfections", "conditions", "supply_drift")
        return {name: getattr(self, name) for name in names}

    def design(self, matrix: np.ndarray, rows: np.ndarray, steps: int) -> "MacroDesign":
        """Apply the rule to a layer: see `MacEngine.design`."""
        matrix, rows = _checked(matrix, rows)
        inputs = InputRange.of(rows, self.input_coding, self.input_bits, self.input_quantile)
        integers, step = quantise(matrix, self.weight_bits)
        mapping, typical = inputs.mapping, _typical(rows, _TYPICAL)
        options = self._options | {
            "input_coding": mapping.coding,
            "input_bits": mapping.bits,
            "input_sign": mapping.sign,
            "converter_bits": self.converter_bits,
        }
        if self.fidelity == "ideal":
            exact = Macro(self.card, integers, "ideal", **options)
            return MacroDesign(exact, inputs, step)
        presented = inputs.to_integers(typical)
        # A layer that is silent in the calibration gets random inputs, the same for all chips.
        shape = presented.shape
        driven = presented if presented.any() else np.random.default_rng(0).integers(0, mapping.maximum + 1, shape)
        options["calibration"] = driven
        # Outputs from the weakest to the strongest, which discharges its lines most.
        strength = (np.abs(driven) @ np.abs(integers).T).max(axis=0)
        places = np.linspace(0, len(matrix) - 1, min(len(matrix), _MODEL_OUTPUTS)).astype(int)
        few = integers[np.argsort(strength)[places]]
        card, part = self._with_pulse(few, options)
        # Drifted supplies need a model of their own, which all chips share as well.
        behaviour = None if self.supply_drift else part.behaviour
        macro = Macro(card, integers, self.fidelity, behaviour=behaviour, **options)
        measured = _typical(rows, _TRIM)
        trim = (measured, measured @ matrix.T) if self.trim else None
        return MacroDesign(macro, inputs, step, trim, typical if self.linear else None)

    def _with_pulse(self, few: np.ndarray, options: dict[str, Any]) -> tuple[Card, Macro]:
        """Give the card with the unit pulse that some outputs ask for, and the macro of these."""
        card, array = self.card, self.card.parts["array"]
        macro, pulse, tried = Macro(card, few, self.fidelity, **options), array.T_pulse, 0
        while self.swing is not None and tried < _PULSES:
            found = macro.largest_discharge
            # A line that is all but empty does not tell by how much its pulse is too long.
            longer = 0.25 if found > 0.9 * array.V_precharge else self.swing / found
            wanted = min(pulse * longer, _LONGEST * array.T_pulse)
            if 1.0 / _NEAR < wanted / pulse < _NEAR:
                break
            card, pulse, tried = self.card.replace(**{"array.T_pulse": wanted}), wanted, tried + 1
            macro = Macro(card, few, self.fidelity, **options)
        return card, macro


class MacroDesign(MacDesign):
    """A layer's matrix laid out in macros.

    Parameters
    ----------
    macro : Macro
        A macro of this design, its weights whole numbers; chips are its `Macro.chip`.
    inputs : InputRange
        How inputs become whole numbers.
    step : float
        What a unit of the macro's outputs counts for, inputs being whole numbers. [-]
    trim : tuple of two ndarrays, optional
        Typical inputs (n, inputs) and their exact products (n, outputs), to find each output's mean error with. [-]
    linear : ndarray, shape (n, inputs), optional
        Typical inputs that chips are made linear with. [-]
    """

    def __init__(
        self,
        macro: Macro,
        inputs: InputRange,
        step: float,
        trim: tuple[np.ndarray, np.ndarray] | None = None,
        linear: np.ndarray | None = None,
    ) -> None:
        imperfections = macro.imperfections
        drawn = imperfections.mismatch or imperfections.noise or imperfections.converter == "real"
        self.varies, self.status = macro.fidelity != "ideal" and drawn, macro.status
        self.inputs, self._ideal = inputs, macro.fidelity == "ideal"
        self._macro, self._step, self._trim, self._linear = macro, step, trim, linear

    def chip(self, seed: np.random.SeedSequence) -> "_Chip":
        words = seed.generate_state(8)
        macro = self._macro.chip(int.from_bytes(words[:4].tobytes(), "little"))
        chip, rng = _Chip(macro, self.inputs, self._step), np.random.default_rng(words[4:])
        if self._trim is not None:
            chip.trim(*self._trim, rng)
        return chip if self._linear is None else _LinearChip(chip, self._linear, rng)

    def cost(self) -> Cost | None:
        """Energy and delay of one product, mean over typical inputs: the macro's own report."""
        return None if self._ideal else self._cost

    @cached_property
    def _cost(self) -> Cost:
        report = self._macro.report()
        source = report.attrs["energy source"]["converters"]
        parts = report.drop(index="total")
        energies, delays = (parts[name].dropna().to_dict() for name in ("energy", "delay"))
        return Cost(energies, delays, f"Macro.report, transients of its lines; converters: {source}")


class _Chip(MacChip):
    def __init__(self, macro: Macro, inputs: InputRange, step: float) -> None:
        self.macro, self.inputs, self.unit = macro, inputs, step * inputs.unit
        self.gain, self.offset = np.ones(macro.shape[0]), np.zeros(macro.shape[0])

    def trim(self, rows: np.ndarray, exact: np.ndarray, rng: np.random.Generator) -> None:
        """Set each output's gain and offset by the line through its products of typical inputs."""
        found = self.multiply(rows, rng)
        away, deviation = found - found.mean(axis=0), exact - exact.mean(axis=0)
        # The slope over the exact products, which noise does not flatten.
        slope = (away * deviation).sum(axis=0) / np.maximum((deviation**2).sum(axis=0), np.finfo(float).tiny)
        # An output whose products say hardly anything of the exact ones has no gain to find: it keeps its own.
        self.gain = np.where((slope > 0.5) & (slope < 2.0), 1.0 / np.where(slope > 0.5, slope, 1.0), 1.0)
        self.offset = exact.mean(axis=0) - self.gain * found.mean(axis=0)

    def multiply(self, rows: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        found = self.macro.forward(self.inputs.to_integers(rows), rng)
        found *= self.unit * self.gain
        found += self.offset
        return found


class _LinearChip(MacChip):
    def __init__(self, chip: _Chip, rows: np.ndarray, rng: np.random.Generator) -> None:
        self.inputs = chip.inputs
        self.matrix = np.ascontiguousarray(chip.macro.effective_weights() * chip.unit * chip.gain[:, None], np.float32)
        left = chip.multiply(rows, rng) - self.inputs.to_integers(rows) @ self.matrix.T
        self.mean, self.sigma = left.mean(axis=0).astype(np.float32), left.std(axis=0).astype(np.float32)

    def multiply(self, rows: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        products = self.inputs.to_integers(rows).astype(np.float32) @ self.matrix.T + self.mean
        return products + self.sigma * rng.standard_normal(products.shape, np.float32)


def wrap(macro: Macro) -> MacEngine:
    """Make an engine of a macro that holds a layer's weights.

    Parameters
    ----------
    macro : Macro
        The macro; its chips are other chips of its design, see `Macro.chip`. Its calibration should be inputs that are
        typical of the layer. Nothing is trimmed.

    Returns
    -------
    MacEngine
        The engine; it fits the layer with these weights only.

    Raises
    ------
    InputError
        If it is no macro.
    """
    if not isinstance(macro, Macro):
        raise InputError(f"macro is {macro!r}; allowed is a Macro")
    return _Wrapped(macro)


@dataclass(frozen=True)
class _Wrapped(MacEngine):
    macro: Macro

    def design(self, matrix: np.ndarray, rows: np.ndarray, steps: int) -> MacroDesign:
        matrix, rows = _checked(matrix, rows)
        macro, mapping = self.macro, self.macro.input_mapping
        if macro.shape != matrix.shape:
            raise InputError(f"macro has {macro.shape} outputs and inputs; allowed are the layer's {matrix.shape}")
        away = np.abs(macro.weights * macro.step - matrix).max()
        # A rounding's half step, unless the layer's weights are whole numbers.
        if away > 0.5000001 * macro.step or (macro.step == 1.0 and away):
            raise InputError(f"macro holds weights up to {away:.3g} away from the layer's; allowed are the layer's own")
        magnitudes = np.abs(rows[rows != 0.0])
        if mapping.minimum == 0 and (rows < 0.0).any():
            raise InputError(
                f"macro takes inputs from 0 to {mapping.maximum}; the layer's are negative, too: allowed is input_sign "
                "'two_phases' or 'offset'"
            )
        if mapping.coding == "spikes" and (magnitudes != 1.0).any():
            raise InputError("macro takes spikes; the layer's inputs are others: allowed is another input_coding")
        levels = _levels(magnitudes, mapping.maximum) if len(magnitudes) else 1
        unit = 1.0 / levels if levels else float(magnitudes.max()) / mapping.maximum
        return MacroDesign(macro, InputRange(mapping, unit), 1.0)


def _checked(matrix: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    matrix, rows = np.asarray(matrix, dtype=float), np.asarray(rows)
    if rows.ndim != 2 or not len(rows) or rows.shape[1:] != matrix.shape[1:]:
        raise InputError(f"typical inputs have shape {rows.shape}; allowed is (n, {matrix.shape[1]})")
    return matrix, rows if rows.dtype.kind == "f" else rows.astype(np.float32)


def _typical(rows: np.ndarray, most: int) -> np.ndarray:
    """Give evenly spaced ones of the inputs that are not all zero, if there are any, at most so many."""
    driving = rows[(rows != 0.0).any(axis=1)]
    driving = driving if len(driving) > 1 else rows
    chosen = driving[np.linspace(0, len(driving) - 1, min(len(driving), most)).astype(int)]
    # A macro wants two at least.
    return np.repeat(chosen, 2, axis=0) if len(chosen) == 1 else chosen
