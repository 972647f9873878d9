"""A macro: arrays of cells with converters, used as a matrix.

One product goes through these steps, in this order (see docs/theory/macro.md):

1. quantise: inputs and weights are whole numbers on word lines and in cells (`circuitsnn.sram.mapping`),
2. mismatch: every cell has its own current,
3. non-linearity: the line's discharge as a function of the sum of currents; droop of the word lines,
4. noise: drawn for every read and every line,
5. converter: its own thresholds; then shift and add.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.adc.converter import Converter
from circuitsnn.adc.flash import FlashAdc
from circuitsnn.adc.passives import thermal_noise
from circuitsnn.adc.ramp import RampAdc
from circuitsnn.adc.sar import SarAdc
from circuitsnn.cards import Card, load_card
from circuitsnn.checks import check_generator, check_word, whole_number
from circuitsnn.core import bitline, cells
from circuitsnn.core import macro as core
from circuitsnn.energy.pim import LayerShape, digital_cnn, in_memory
from circuitsnn.errors import InputError
from circuitsnn.sram.behaviour import CALIBRATION_COLUMNS, ArrayRead, Calibration, calibrate
from circuitsnn.sram.cell import TYPICAL, Mismatch
from circuitsnn.sram.faults import Faults
from circuitsnn.sram.layout import Significance, lay_out
from circuitsnn.sram.mapping import InputCoding, InputMapping, InputSign, WeightMapping, WeightScheme, quantise
from circuitsnn.sram.tiling import Tiling
from circuitsnn.status import Status
from circuitsnn.transistor.mosfet import Conditions

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Fidelity", "Imperfections", "Macro", "Significance"]

Fidelity = Literal["ideal", "behavioural", "transient"]
ConverterModel = Literal["real", "ideal", "none"]

_CONVERTERS: Mapping[str, type[Converter]] = {"sar_adc": SarAdc, "flash_adc": FlashAdc, "ramp_adc": RampAdc}
_CHUNK = 512  # reads that are worked on at a time
_DENSE = 1 / 3  # share of cells with a 1 up to which lists of these are the fastest way to their sums
_CALIBRATION_READS = 64
_FITTED_POINTS = 2**17  # of a calibration that gain and offset come from
_ENERGY_READS = 64  # lines' reads that the cells' energy comes from
_RESIDUAL = 0.25  # largest residual of the model that is accepted [LSB of the converters]


@dataclass(frozen=True)
class Imperfections:
    """Which of a macro's imperfections are in force."""

    mismatch: bool = True
    """Whether cells (and the capacitors that merge columns) differ from one another."""
    nonlinearity: bool = True
    """Whether discharges curve, word lines droop and cells leak."""
    noise: bool = True
    """Whether reads and conversions have noise."""
    converter: ConverterModel = "real"
    """"real": mismatch of its own in each; "ideal": rounds and clips; "none": voltages are taken as they are."""

    def __post_init__(self) -> None:
        for name in ("mismatch", "nonlinearity", "noise"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"imperfections: {name} is {getattr(self, name)!r}; allowed: True, False")
        check_word("imperfections: converter", self.converter, ConverterModel)


class Macro:
    """A matrix in SRAM arrays with converters.

    ``macro @ x`` is what the hardware makes of ``weights @ x``, with NumPy's meaning of ``@``: x has the shape
    (inputs,) or (..., inputs, batch). `forward` takes the batch first.

    Parameters
    ----------
    card : Card
        Card of kind "sram_macro".
    weights : array_like, shape (outputs, inputs)
        Weights: whole numbers in the range of the mapping, or real ones, which are quantised by a scale. [-]
    fidelity : {"behavioural", "transient", "ideal"}
        "ideal" is the exact product of the quantised numbers, "behavioural" the model calibrated from transients,
        "transient" solves every column of every read by its ODE.
    seed : int
        Which chip: its mismatch, and its own stream of noise.
    conditions : Conditions
        Corner and temperature.
    weight_scheme, weight_bits : str, int
        See `WeightMapping`; bits are the card's without it.
    input_coding, input_bits, input_sign : str, int, str
        See `InputMapping`; bits are the card's without it (1 for spikes).
    significance : {"digital", "charge_sharing", "pulse_width"}
        How a weight's bits get their significance: a conversion for each column with shift and add; columns merged by
        binary-weighted capacitors before one conversion for each sign; or bits below one another with binary-weighted
        word-line pulses (functional read), for inputs as spikes or bit-serial.
    imperfections : Imperfections
        Which are in force.
    calibration : array_like, shape (n, inputs), optional
        Inputs typical of the use: they set the converters' range and the model's operating point. Without it, random
        inputs, each on with probability one half.
    converter_range : tuple of two floats, optional
        Discharges at the converters' first and last code, in place of those that the calibration needs. [V]
    converter_bits : int, optional
        Resolution; the converter card's without it.
    faults : Faults, optional
        What is broken.
    spare_columns : int
        Spare columns that replace the worst ones.
    supply_drift : float
        Relative change of all array supplies after the calibration. [1]
    behaviour : Calibration, optional
        The model of a macro with the same card, conditions and codings, to save its transients.

    Raises
    ------
    InputError
        If an argument is not possible or does not fit the others.
    """

    __array_ufunc__ = None  # so that ndarray @ macro is an error of its own

    def __init__(
        self,
        card: Card,
        weights: ArrayLike,
        fidelity: Fidelity = "behavioural",
        *,
        seed: int = 0,
        conditions: Conditions = TYPICAL,
        weight_scheme: WeightScheme = "twos_complement",
        weight_bits: int | None = None,
        input_coding: InputCoding = "spikes",
        input_bits: int | None = None,
        input_sign: InputSign = "unsigned",
        significance: Significance = "digital",
        imperfections: Imperfections = Imperfections(),
        calibration: ArrayLike | None = None,
        converter_range: tuple[float, float] | None = None,
        converter_bits: int | None = None,
        faults: Faults | None = None,
        spare_columns: int = 0,
        supply_drift: float = 0.0,
        behaviour: Calibration | None = None,
    ) -> None:
        _check_card(card)
        check_word("fidelity", fidelity, Fidelity)
        check_word("significance", significance, Significance)
        seed, spare_columns = whole_number("seed", seed, 0), whole_number("spare_columns", spare_columns, 0)
        if not isinstance(supply_drift, (int, float, np.number)) or not -0.5 < supply_drift < 0.5:
            raise InputError(f"supply_drift is {supply_drift!r}; allowed is a relative change from -0.5 to 0.5")
        for name, given, kind, allowed in (
            ("conditions", conditions, Conditions, "Conditions(corner, temperature)"),
            ("imperfections", imperfections, Imperfections, "Imperfections(...)"),
            ("faults", faults, Faults | None, "Faults(...), or None"),
            ("behaviour", behaviour, Calibration | None, "a macro's `behaviour`, or None"),
        ):
            if not isinstance(given, kind):
                raise InputError(f"{name} is {given!r}; allowed is {allowed}")
        if fidelity == "transient" and not imperfections.nonlinearity:
            raise InputError("fidelity 'transient' solves the discharge; allowed is nonlinearity=True")
        self.card, self.fidelity, self.conditions = card, fidelity, conditions
        self.imperfections, self.significance = imperfections, significance
        self.weight_mapping = WeightMapping(
            weight_scheme, int(card.weight_bits) if weight_bits is None else weight_bits
        )
        bits = (1 if input_coding == "spikes" else int(card.input_bits)) if input_bits is None else input_bits
        self.input_mapping = InputMapping(input_coding, bits, input_sign)
        if significance == "pulse_width" and input_coding not in ("spikes", "bit_serial"):
            raise InputError(
                f"significance 'pulse_width' takes the word lines' pulses for the weights; input coding is "
                f"{input_coding!r}; allowed: spikes, bit_serial"
            )
        self.weights, self.step = _integers(weights, self.weight_mapping)
        #: Where the bits lie.
        self.layout = lay_out(
            card, self.weights, self.weight_mapping, self.input_mapping, significance, faults, spare_columns
        )
        if fidelity != "ideal":
            rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[1])
            self._inputs = self._calibration_inputs(calibration, rng)
            self._drift, self._range = supply_drift, (converter_range, converter_bits)
            self._learn(self._inputs, rng, behaviour)
        self._fabricate(seed)

    def chip(self, seed: int) -> "Macro":
        """Fabricate another chip of this design.

        Parameters
        ----------
        seed : int
            Which chip: its mismatch, and its own stream of noise.

        Returns
        -------
        Macro
            Weights, options and faults, calibration inputs and the model calibrated with them are this macro's; cells
            and converters are its own, and so are the converters' range and decoding, set with the same inputs.

        Raises
        ------
        InputError
            If the seed is no whole number >= 0.
        """
        other = copy(self)
        for made in ("_cells", "_numbers", "_presented"):
            other.__dict__.pop(made, None)
        other._fabricate(whole_number("seed", seed, 0))
        return other

    def _fabricate(self, seed: int) -> None:
        streams = np.random.SeedSequence(seed).spawn(5)
        mismatch_rng, _, merge_rng, _, self._noise_rng = (np.random.default_rng(each) for each in streams)
        self._converter_seed = streams[3]
        if self.fidelity != "ideal":
            self._draw_merging(merge_rng)
            self._draw_cells(mismatch_rng)
            self._set_range(self._inputs, *self._range)

    def __getattr__(self, name: str) -> Any:
        # Only what is not there comes here: an exact product needs no circuit.
        if name in ("converters", "behaviour", "gain", "offset"):
            raise InputError(f"fidelity 'ideal' has no {name}; allowed is fidelity 'behavioural' or 'transient'")
        raise AttributeError(f"a macro has no attribute {name!r}")

    @property
    def status(self) -> Status:
        """Whether the behavioural model follows the circuit to a quarter of its converters' step, with advice if not.

        Macros of other fidelities are "settled": they use no model for their products.
        """
        if self.fidelity != "behavioural" or not self.imperfections.nonlinearity:
            return Status("settled")
        rms, largest = (
            each / float(self.converters.lsb) for each in (self._actual.residual_rms, self._actual.residual_max)
        )
        if largest <= _RESIDUAL:
            return Status("settled")
        return Status(
            "not accurate",
            f"the behavioural model misses transients by up to {largest:.2g} LSB of the converters (rms {rms:.2g}); "
            f"allowed is {_RESIDUAL}: shorten T_pulse or "
            "lower rows_on, so that lines fall less, give typical inputs as calibration, or use fidelity 'transient'",
        )

    # Layout.

    @property
    def shape(self) -> tuple[int, int]:
        """Outputs and inputs."""
        return self.weights.shape

    @property
    def tiling(self) -> Tiling:
        """How many arrays, reads and conversions a product takes."""
        return self.layout.tiling

    @property
    def repair(self) -> np.ndarray:
        """Physical column of each column."""
        return self.layout.repair

    @property
    def physical_shape(self) -> tuple[int, int]:
        """Rows and columns of cells, spare columns included."""
        return self.layout.physical_shape

    def _draw_merging(self, rng: np.random.Generator) -> None:
        """Shares of the columns that are merged for a conversion: binary-weighted capacitors, each its own."""
        units = self.layout.weightings()
        if self.layout.merged > 1 and self.imperfections.mismatch:
            outputs = self.layout.tiling.outputs
            drawn = rng.standard_normal((len(units), units.shape[1] // outputs, outputs))
            drawn = np.swapaxes(drawn, 1, 2).reshape(units.shape)
            units = units + self.card.sigma_merge * np.sqrt(units) * drawn
        self._share = (units / units.sum(axis=0)).astype(np.float32)

    # Inputs and drive codes.

    def _calibration_inputs(self, given: ArrayLike | None, rng: np.random.Generator) -> np.ndarray:
        mapping, inputs = self.input_mapping, self.weights.shape[1]
        if given is None:
            values = rng.integers(mapping.minimum, mapping.maximum + 1, (_CALIBRATION_READS, inputs))
            return np.where(rng.random(values.shape) < 0.5, values, 0) if mapping.maximum > 1 else values
        given = self._checked_inputs("calibration", given)
        if len(given) < 2 or not mapping.to_planes(given).any():
            raise InputError("calibration drives no word line, or is one input only; allowed are two inputs or more")
        return given

    def _checked_inputs(self, name: str, given: ArrayLike) -> np.ndarray:
        given, inputs = _array(name, given), self.weights.shape[1]
        if given.ndim != 2 or given.shape[1] != inputs or not len(given):
            raise InputError(f"{name} has shape {given.shape}; allowed is (n, {inputs})")
        self.input_mapping.to_planes(given)
        return given

    # Model.

    def _learn(self, inputs: np.ndarray, rng: np.random.Generator, behaviour: Calibration | None) -> None:
        array = self.card.parts["array"]
        read = ArrayRead.of(array, self.conditions, self.input_mapping, self.tiling.rows_per_weight)
        mismatch = self.imperfections.mismatch
        drives = self.layout.typical_drives(self.input_mapping.to_planes(inputs), int(read.card.rows), rng)
        if behaviour is not None and not behaviour.read.same_as(read):
            raise InputError(
                "behaviour is that of another array card, other conditions or other codings; allowed is one of a macro "
                "that has the same"
            )
        # From the emptiest column to the fullest, whose lines fall deepest.
        densities = np.quantile(self.layout.stored.mean(axis=0), np.linspace(0.0, 1.0, CALIBRATION_COLUMNS))
        #: The model of the design's supplies, from which range and decoding come.
        self.behaviour = calibrate(read, drives, densities, mismatch, rng) if behaviour is None else behaviour
        self._actual = self.behaviour
        if self._drift:
            changed = {name: getattr(array, name) * (1.0 + self._drift) for name in ("V_DD", "V_WL", "V_precharge")}
            self._actual = calibrate(replace(read, card=array.replace(**changed)), drives, densities, mismatch, rng)
        self._read = self._actual.read

    def _draw_cells(self, rng: np.random.Generator) -> None:
        self._key = rng.integers(0, 2**32, 2, dtype=np.uint32) if self.imperfections.mismatch else None
        self._model = self._columns_of(self._actual)
        self._design = self._columns_of(self.behaviour) if self._drift else self._model

    def _mismatch(self, columns: slice = slice(None), rows: slice = slice(None)) -> Mismatch:
        """Give the mismatch of columns' cells, shape (columns, rows, transistors)."""
        first, last, _ = rows.indices(self.layout.physical_shape[0])
        chosen = self.layout.repair[columns]
        drawn = np.empty((len(chosen), last - first, self._read.draws))
        cells.normals(self._key, chosen, first, drawn)
        return self._read.shifts(drawn)

    def _sides(self, columns: slice, rows: slice = slice(None)) -> np.ndarray:
        """Give the cells' sides, shape (columns, rows, ...)."""
        if self._key is None:
            shape = (len(self.layout.repair[columns]), self.layout.physical_shape[0], *self._read.nominal.shape)
            return np.broadcast_to(self._read.nominal, shape)[:, rows]
        return self._read.sides(self._mismatch(columns, rows))

    def _columns_of(self, model: Calibration) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Functions of the drive code, numbers of the cells (bases, functions, rows, columns), leakage of columns.

        Cells that hold 0 draw nothing: their transistors are not even looked at.
        """
        rows, count = self.layout.stored.shape
        codes = len(model.read.levels)
        linear = not self.imperfections.nonlinearity
        tile = self.layout.array_of_row
        leakage = np.zeros((len(self.tiling.row_tiles), count))
        if self._key is None:
            if linear:
                return np.arange(codes, dtype=float)[None], self.layout.stored[None, None].astype(np.float32), leakage
            nominal = self._read.nominal[None]
            phi, psi = model.cells(nominal)
            np.add.at(leakage, tile, self.layout.stored * model.leakage(nominal))
            psi = psi.astype(np.float32).reshape(model.bases, -1, 1, 1)
            return phi, psi * self.layout.stored, leakage
        phi = model.fit.phi
        psi = np.zeros((model.bases * len(phi), rows, count), np.float32)
        cells.numbers(
            self._key, self.layout.repair, self.layout.stored, self._read.draws, model.fit.table, tile, psi, leakage
        )
        psi = psi.reshape(model.bases, len(phi), rows, count)
        if linear:
            # The cells' relative currents alone, proportional to the code.
            relative = (phi[:, -1] / (codes - 1)).astype(np.float32)
            return np.arange(codes, dtype=float)[None], np.tensordot(relative, psi[0], 1)[None, None], 0.0 * leakage
        return phi, psi, leakage

    def _sums(
        self, drive: np.ndarray, group: slice, model: Calibration, phi: np.ndarray, psi: np.ndarray
    ) -> np.ndarray:
        """Sum a group's cells along columns, shape (columns, reads), without leakage."""
        # A view where there is one function of the drive code.
        weights = psi[:, :, group].reshape(len(psi), -1, psi.shape[-1])
        codes = drive[:, group]
        if not self.imperfections.nonlinearity:
            return weights[0].T @ codes.astype(np.float32).T
        return model.sums(model.features(codes, phi), weights, np.count_nonzero(codes, axis=1))

    def _transfer(self, model: Calibration) -> np.ndarray:
        return model.transfer if self.imperfections.nonlinearity else np.array([0.0, model.unit])

    # Range of the converters and meaning of their codes.

    def _set_range(self, inputs: np.ndarray, given: tuple[float, float] | None, bits: int | None) -> None:
        adc = self.card.parts["adc"]
        bits = int(adc.bits) if bits is None else whole_number("converter_bits", bits, 1, 16)
        low_fall, high_fall, deepest, seen, exact = self._calibration_reads(inputs)
        #: The largest discharge of a line by the calibration's inputs. [V]
        self.largest_discharge = max(deepest, self.behaviour.unit)
        if given is None:
            # One cell's discharge at least, for a matrix of zeros too.
            low, last = low_fall, max(high_fall, low_fall + self.behaviour.unit)
        else:
            low, last = _ends(given)
        if not low < last:
            raise InputError(f"the converters' range is {low:g} to {last:g} V; allowed is a first code below the last")
        step = (last - low) / (2**bits - 1)
        # Mid-tread codes from low to last; the converter's own range is 2^bits steps.
        self.converters = _CONVERTERS[adc.kind](
            adc,
            bits,
            self._converter_seed,
            self.tiling.arrays * self.tiling.converters,
            low=low,
            high=low + 2**bits * step,
            convention="mid-tread",
            ideal=self.imperfections.converter != "real",
            temperature=self.conditions.temperature,
        )
        # From a code's voltage back to a sum, then gain and offset that fit the calibration best.
        grid = np.linspace(0.0, 2.0 * max(exact.max(), 1.0), 4001)
        curve = np.maximum.accumulate(np.polynomial.polynomial.polyval(grid, self._transfer(self.behaviour)))
        self._inverse = curve, grid
        self.gain, self.offset = 1.0, 0.0
        if np.ptp(exact) > 0.0 and (self.imperfections.mismatch or self.imperfections.nonlinearity):
            decoded = np.interp(seen, curve, grid)
            covariance = np.cov(decoded, exact)
            self.gain = covariance[0, 1] / covariance[0, 0]
            self.offset = exact.mean() - self.gain * decoded.mean()
        values = self._decode(self.converters.voltage(np.arange(2**bits)))
        self._tables = core.converters(self.converters.static_thresholds(), values)
        noise = self._noise_of_conversions()
        leakages = np.zeros_like(self._model[2]) if self.fidelity == "transient" else self._model[2]
        self._kernel_columns = [
            self._kernel_table(leakage)._replace(noise=noise, converter=self.layout.converter_of(number))
            for number, leakage in enumerate(leakages)
        ]

    def _calibration_reads(self, inputs: np.ndarray) -> tuple[float, float, float, np.ndarray, np.ndarray]:
        """Give extremes of the falls in reads of inputs, and falls with exact sums of so many as suffice.

        Extremes are the least and the largest fall at the converters, and the largest of a line.
        """
        phi, psi, leakage = self._design
        inputs = inputs[:_CALIBRATION_READS]
        planes = self.input_mapping.to_planes(inputs)
        drive = np.concatenate([self.layout.drive(plane) for plane in planes])
        # Gain and offset are two numbers: every so many reads are enough, all planes and inputs among them.
        points = len(drive) * len(self.layout.groups) * self._share.shape[1]
        every = int(np.clip(points // _FITTED_POINTS, 1, max(len(drive) // 8, 1))) | 1
        transfer = self._transfer(self.behaviour).astype(np.float32)
        units = self.layout.weightings()
        nominal = units / units.sum(axis=0)
        low, high, deepest, seen, exact = np.inf, -np.inf, 0.0, [], []
        for group, _, number in self.layout.groups:
            sums = self._merging(self._sums(drive, group, self.behaviour, phi, psi))
            volts = np.empty((self._share.shape[1], len(drive)), np.float32)
            table = self._kernel_table(leakage[number])
            core.discharges(sums, table, transfer, volts)
            low, high = min(low, float(volts.min())), max(high, float(volts.max()))
            lines = np.polynomial.polynomial.polyval(sums.max(axis=1) + table.leakage.ravel(), transfer)
            deepest = max(deepest, float(lines.max()))
            seen.append(volts[:, ::every].ravel())
            ideal = self.layout.stored[group].T.astype(np.float32) @ drive[::every, group].T.astype(np.float32)
            merged = self._merging(ideal).reshape(self.layout.merged, -1, ideal.shape[1])
            exact.append(np.einsum("mc,mcr->cr", nominal, merged).ravel())
        seen, exact = np.concatenate(seen), np.concatenate(exact)
        every = seen.size // _FITTED_POINTS | 1
        return low, high, deepest, seen[::every], exact[::every]

    def _merging(self, sums: np.ndarray) -> np.ndarray:
        """Bring sums of columns, shape (columns, reads), to the kernel's order."""
        laid = sums if self.layout.source is None else self.layout.in_kernel_order(sums.T).T
        return np.ascontiguousarray(laid, np.float32)

    @cached_property
    def _cells(self) -> list[core.Cells]:
        """Cells of each row group that hold a 1."""
        stored, source = np.ascontiguousarray(self.layout.stored.T), self.layout.source
        source = np.arange(len(stored)) if source is None else source
        return [
            core.cells(self._model[1], stored, source, group.start, group.stop) for group, _, _ in self.layout.groups
        ]

    @cached_property
    def _numbers(self) -> np.ndarray:
        """Numbers of the cells with columns in the kernel's order."""
        return self.layout.in_kernel_order(self._model[1])

    @cached_property
    def _sparse(self) -> bool:
        """Whether few cells hold a 1."""
        return bool(self.layout.stored.mean() <= _DENSE)

    @cached_property
    def _presented(self) -> tuple[np.ndarray, core.Level, np.ndarray]:
        """Functions of the drive code, what sums of the bases count for, and the transfer, as kernels take them."""
        model, linear = self._actual, not self.imperfections.nonlinearity
        levels = np.array([[1.0], [0.0]]) + np.zeros(len(model.gain)) if linear else model.levels
        bend = np.array([0.5 * model.unit, self._read.card.V_precharge - model.v_line], np.float32)
        level = core.Level(*levels.astype(np.float32), bend)
        return self._model[0].astype(np.float32), level, self._transfer(model).astype(np.float32)

    def _kernel_table(self, leakage: np.ndarray) -> core.Columns:
        """Give the kernel's columns, still without converters and noise."""
        none = np.zeros(self._share.shape[1], np.float32)
        leakage = self.layout.in_kernel_order(leakage).reshape(self.layout.merged, -1).astype(np.float32)
        return core.Columns(leakage, self._share, none.astype(np.int64), none, self.layout.counts())

    def _decode(self, volts: np.ndarray) -> np.ndarray:
        curve, grid = self._inverse
        if not self.imperfections.nonlinearity:
            return self.gain * volts / self.behaviour.unit + self.offset
        return self.gain * np.interp(volts, curve, grid) + self.offset

    def _noise_of_conversions(self) -> np.ndarray:
        """Noise at each converter's input: kT/C and the card's on every line, merged, and the converter's. [V]."""
        line = thermal_noise(self._read.capacitance, self.conditions.temperature) ** 2 + self.card.noise_read**2
        variance = line * (self._share.astype(float) ** 2).sum(axis=0)
        if self.imperfections.converter == "real":
            sampling, decision = self.converters.noise()
            variance = variance + float(np.mean(sampling**2 + decision[:, -1] ** 2))
        return np.sqrt(variance).astype(np.float32)

    # Products.

    def __matmul__(self, x: ArrayLike) -> np.ndarray:
        """Give what the macro makes of ``weights @ x``.

        Parameters
        ----------
        x : array_like of int, shape (inputs,) or (..., inputs, batch)
            Inputs in the range of the input mapping. [-]

        Returns
        -------
        ndarray, shape (outputs,) or (..., outputs, batch)
            The product; noise is drawn from the macro's own stream. [-]
        """
        x = _array("x", x)
        if x.ndim < 2:
            return self.forward(x)
        return np.swapaxes(self.forward(np.swapaxes(x, -1, -2)), -1, -2)

    def forward(self, x: ArrayLike, rng: np.random.Generator | None = None) -> np.ndarray:
        """Give what the macro makes of ``x @ weights.T``, with the batch first.

        Parameters
        ----------
        x : array_like of int, shape (..., inputs)
            Inputs in the range of the input mapping. [-]
        rng : numpy.random.Generator, optional
            Source of the noise, which is drawn anew in each call; the macro's own stream without it.

        Returns
        -------
        ndarray, shape (..., outputs)
            The product. [-]

        Raises
        ------
        InputError
            If the inputs do not fit, or `rng` is no generator.
        """
        x = _array("x", x)
        if rng is not None:
            check_generator(rng)
        outputs, inputs = self.weights.shape
        if x.ndim < 1 or x.shape[-1] != inputs:
            raise InputError(f"x has shape {x.shape}; the macro has {inputs} inputs, on the axis that is summed over")
        flat = x.reshape(-1, inputs)
        mapping = self.input_mapping
        planes = mapping.to_planes(flat)
        if self.fidelity == "ideal":
            return self._exact(planes).reshape(*x.shape[:-1], outputs) * self.step
        noise = self._noise_rng if rng is None else rng
        keys = noise.integers(0, 2**32, (len(planes), len(self.layout.groups), 2), dtype=np.uint32)
        total = np.zeros((outputs, len(flat)), np.float32)
        for p, (plane, factor) in enumerate(zip(planes, mapping.factors, strict=True)):
            for start in range(0, len(flat), _CHUNK):
                part = slice(start, start + _CHUNK)
                drive = self.layout.drive(plane[part])
                for g in range(len(self.layout.groups)):
                    self._read_group(drive, g, float(factor), keys[p, g], start, total)
        result = total.T * np.float64(self.step)
        if self.weight_mapping.offset or mapping.offset:
            result += self._digital(planes) * self.step
        return result.reshape(*x.shape[:-1], outputs)

    def effective_weights(self) -> np.ndarray:
        """Give the weights that the cells of this chip stand for, to first order.

        Returns
        -------
        ndarray, shape (outputs, inputs)
            Sums of the currents of a weight's own cells, by significance and with the decoding's gain. Products of the
            macro are those of these weights, but for bends, droop, leakage, converters and noise. [-]

        Raises
        ------
        InputError
            If the fidelity is "ideal", or word lines carry more than 0 and 1, where a cell has no one current.
        """
        if self.fidelity == "ideal" or self.input_mapping.plane_maximum > 1 or self.significance == "pulse_width":
            raise InputError(
                "effective weights need a circuit whose word lines are on or off; allowed are input_coding 'spikes' or "
                "'bit_serial', significance 'digital' or 'charge_sharing', and another fidelity than 'ideal'"
            )
        phi, psi, _ = self._model
        currents = self.layout.in_kernel_order(np.tensordot(phi[:, 1], psi[0], 1)).reshape(-1, *self._share.shape)
        conversions = (currents * self._share).sum(axis=1) * self.layout.counts()
        weights = conversions.reshape(len(currents), len(self.weights), -1).sum(axis=2).T
        return (self.gain * weights + self.weight_mapping.offset) * self.step

    def _digital(self, planes: np.ndarray) -> np.ndarray:
        """Give what is added digitally and exactly: offsets of weights and of inputs."""
        added = np.zeros((1, 1))
        if self.weight_mapping.offset:
            presented = np.tensordot(self.input_mapping.factors, planes.sum(axis=-1, dtype=np.int64), 1)
            added = added + self.weight_mapping.offset * presented[:, None]
        return added + self.input_mapping.offset * self.weights.sum(axis=1)

    def _exact(self, planes: np.ndarray) -> np.ndarray:
        whole = np.rint(self.layout.exact(planes, self.input_mapping.factors) + self._digital(planes))
        return whole.astype(np.int64) if self.step == 1.0 else whole

    def _read_group(
        self, drive: np.ndarray, number: int, factor: float, key: np.ndarray, start: int, outputs: np.ndarray
    ) -> None:
        """Read one row group and add what its converters give to `outputs`, shape (outputs, reads), from `start` on."""
        group, tile, array = self.layout.groups[number]
        phi, level, transfer = self._presented
        columns, noisy = self._kernel_columns[array], self.imperfections.noise
        converted = self.imperfections.converter != "none"
        conversion = columns, transfer, noisy, key, start, self._tables, np.float32(factor), outputs
        if self.fidelity == "transient":
            codes = np.zeros((len(drive), tile.stop - tile.start), np.uint8)
            codes[:, group.start - tile.start : group.stop - tile.start] = drive[:, group]
            sums, transfer = self._solve(codes, tile).T, np.array([0.0, 1.0], np.float32)
        elif converted and self._sparse:
            features = core.present(drive, group.start, group.stop, phi)
            core.multiply(features, self._cells[number], level, *conversion)
            return
        elif converted:
            listed = core.drive(drive, group.start, group.stop, phi)
            core.multiply_rows(listed, self._numbers, group.start, level, *conversion)
            return
        else:
            sums = self._sums(drive, group, self._actual, phi, self._model[1])
        sums = self._merging(sums)
        if converted:
            core.convert(sums, columns, transfer, *conversion[2:])
            return
        s = sums.reshape(self.layout.merged, -1, len(drive)) + columns.leakage[..., None]
        volts = np.polynomial.polynomial.polyval(s.astype(float), transfer)
        volts = (volts * columns.share[..., None]).sum(axis=0).astype(np.float32)
        if noisy:
            core.noise(key, start, columns.noise, volts)
        values = factor * columns.significance[:, None] * self._decode(volts)
        values = values.reshape(len(outputs), -1, len(drive)).sum(axis=1).astype(np.float32)
        outputs[:, start : start + len(drive)] += values

    def _solve(self, codes: np.ndarray, tile: slice) -> np.ndarray:
        """Discharges by the ODE, shape (reads, columns)."""
        count = self.layout.stored.shape[1]
        result = np.empty((len(codes), count), np.float32)
        for start in range(0, count, 64):
            part = slice(start, start + 64)
            result[:, part] = self._read.transient(self._sides(part, tile), self.layout.stored[tile, part].T, codes)[0]
        return result

    # Costs.

    def report(self, inputs: ArrayLike | None = None, constants: Card | None = None) -> "DataFrame":
        """Energy, delay and utilisation of one product, by part, beside equations 22 to 27.

        Parameters
        ----------
        inputs : array_like, shape (n, inputs), optional
            Inputs to average over; those of the calibration without it.
        constants : Card, optional
            Card of kind "pim_constants" for the equations; Table 4 without it. Bits, columns and banks are the macro's.

        Returns
        -------
        pandas.DataFrame
            A row for each part and the total. Columns: energy [J], delay [s] and utilisation [1] of this circuit;
            energy and delay in memory by equations 26 and 27 and on digital hardware by 22 and 23, both corrected, NaN
            where an equation has no such part. ``attrs`` holds units, energy-delay products, the cycles, where the
            converters' energy comes from, the residual of the behavioural model in steps of the converters, and its
            status.

        Raises
        ------
        InputError
            If the fidelity is "ideal", which has no circuit, or the inputs do not fit.
        """
        import pandas as pd

        if self.fidelity == "ideal":
            raise InputError("a report needs a circuit; allowed is fidelity 'behavioural' or 'transient'")
        tiling, converters, read = self.tiling, self.converters, self._read
        energies = self._energies(self._inputs if inputs is None else self._checked_inputs("inputs", inputs))
        energies["converters"] = tiling.conversions * float(converters.energy_per_conversion)
        energies["digital"] = tiling.conversions * self.card.E_add
        settling = read.t_sample - float(read.durations.max())
        delays = {
            "word lines": settling,
            "bit lines": float(read.durations.max()) + read.card.T_precharge,
            "converters": tiling.conversions_in_turn * float(converters.conversion_time),
            "digital": self.card.T_add,
        }
        delays = {part: tiling.cycles * each for part, each in delays.items()} | {"cells": 0.0}
        widest = tiling.conversions_in_turn * tiling.converters
        utilisation = {
            "word lines": self.layout.physical_shape[0] / (len(tiling.row_tiles) * tiling.rows),
            "bit lines": len(self.weights) * tiling.columns_per_weight / (len(tiling.column_tiles) * tiling.columns),
            "cells": tiling.utilisation,
            "converters": tiling.conversions / (tiling.reads * widest),
            "digital": 1.0,
        }
        frame = pd.DataFrame({"energy": energies, "delay": delays, "utilisation": utilisation})
        frame = frame.join(self._equations(constants), how="outer").reindex([*energies, "memory", "compute", "leakage"])
        frame.loc["total"] = frame.sum()
        frame.loc["total", "utilisation"] = tiling.utilisation
        total = frame.loc["total"]
        frame.attrs["units"] = {name: "J" if "energy" in name else "s" for name in frame} | {"utilisation": "1"}
        frame.attrs["edp"] = {
            "circuit": total["energy"] * total["delay"],
            "in memory": total["energy (26)"] * total["delay (27)"],
            "digital": total["energy (22)"] * total["delay (23)"],
        }
        frame.attrs["cycles"] = tiling.cycles
        frame.attrs["energy source"] = {"converters": converters.energy_source}
        rms, largest = self._actual.residual_rms, self._actual.residual_max
        lsb = float(converters.lsb)
        frame.attrs["residual [LSB]"] = {"rms": rms / lsb, "largest": largest / lsb}
        frame.attrs["status"] = str(self.status)
        return frame.rename_axis("part")

    def _energies(self, inputs: np.ndarray) -> dict[str, float]:
        """Energy of word lines, bit lines and cells for one product, mean over inputs. [J]."""
        read, model = self._read, self._actual
        array, phi, psi = read.card, *self._model[:2]
        transfer = self._transfer(model)
        word, bit, count = 0.0, 0.0, self.layout.stored.shape[1]
        spans = len(self.tiling.column_tiles) * array.columns
        # The complementary line of six-transistor cells falls with those that hold 0, taken as the mean of the others.
        mean = psi.sum(axis=(2, 3), keepdims=True) / max(self.layout.stored.sum(), 1)
        lines = (psi, np.where(self.layout.stored, 0.0, mean)) if array.parts["cell"].kind == "sram_6t" else (psi,)
        # What each drive code's word line reaches before it falls again, over its level.
        reached = read.levels * (-np.expm1(-read.durations / read.tau) if read.tau > 0.0 else 1.0)
        reads, depths = [], []
        for plane in self.input_mapping.to_planes(inputs):
            drive = self.layout.drive(plane)
            for group, tile, _ in self.layout.groups:
                for complement, numbers in enumerate(lines):
                    sums = self._sums(drive, group, model, phi, numbers)
                    falls = np.polynomial.polynomial.polyval(sums, transfer)
                    bit += float(falls.sum(axis=0).mean())
                    reads.append((drive, group, tile, bool(complement)))
                    depths.append(falls)
                on = np.count_nonzero(drive[:, group], axis=1)
                word += (
                    array.V_WL
                    * array.C_WL_cell
                    * spans
                    * float(np.mean(reached[drive[:, group]].sum(axis=1) * read.level(on)))
                )
        # Cells leak a little from their supply; where a line falls so far that they feed it, far more. So reads are
        # taken by depth, at the squares of even places from the deepest, and count for the places' derivative.
        depths = np.array(depths)
        order = np.argsort(-depths, axis=None)
        places = (np.arange(_ENERGY_READS) + 0.5) / _ENERGY_READS
        sample = order[(places**2 * order.size).astype(int)]
        charges = np.array(
            [
                self._line_charges(*reads[which], column, each)
                for which, column, each in zip(*np.unravel_index(sample, depths.shape), strict=True)
            ]
        )
        drawn = np.mean(2.0 * places[:, None] * charges, axis=0)
        cells = len(reads) * count * array.V_DD * float(drawn[bitline.Q_SUPPLY])
        # The complementary line may fall further than any in the calibration: the model's sum is scaled to these reads.
        modelled = float(np.mean(2.0 * places * depths.ravel()[sample]))
        bit *= array.V_precharge * (
            float(drawn[bitline.Q_PRECHARGE]) / modelled if modelled > 0.0 else read.capacitance
        )
        return {"word lines": word, "bit lines": bit, "cells": cells}

    def _line_charges(
        self, drive: np.ndarray, group: slice, tile: slice, complement: bool, column: int, read: int
    ) -> np.ndarray:
        """Charges of one line in one read, by the ODE, shape (CHARGES,). [C]."""
        rows, here = int(self._read.card.rows), slice(0, tile.stop - tile.start)
        # Rows of the array that are not in use hold 0 in nominal cells.
        sides = np.broadcast_to(self._read.nominal, (1, rows, *self._read.nominal.shape)).copy()
        sides[:, here] = self._sides(slice(column, column + 1), tile)
        stored, codes = np.zeros((1, rows), bool), np.zeros((1, rows), np.uint8)
        stored[:, here] = self.layout.stored[tile, column]
        codes[:, group.start - tile.start : group.stop - tile.start] = drive[read, group]
        return self._read.transient(sides, stored ^ complement, codes)[1][0, 0]

    def _equations(self, constants: Card | None) -> "DataFrame":
        import pandas as pd

        card = load_card("pim_datta2022") if constants is None else constants
        if getattr(card, "kind", None) != "pim_constants":
            found = getattr(card, "name", card)
            raise InputError(f"constants is {found!r}; allowed is a card of kind 'pim_constants' (see load_card)")
        array = self.card.parts["array"]
        card = card.replace(B_W=self.weight_mapping.bits, N_col=array.columns, N_bank=self.card.banks)
        layer = LayerShape(self.weights.shape[1], self.weights.shape[0])
        analog = in_memory(layer, card, accumulations=min(layer.dot_length, self.tiling.rows_on))
        digital = digital_cnn(layer, card, input_bits=self.input_mapping.bits)
        return pd.DataFrame(
            {
                "energy (26)": pd.Series(analog.energies),
                "delay (27)": pd.Series(analog.delays),
                "energy (22)": pd.Series(digital.energies),
                "delay (23)": pd.Series(digital.delays),
            }
        )


def _integers(weights: ArrayLike, mapping: WeightMapping) -> tuple[np.ndarray, float]:
    weights = _array("weights", weights)
    if weights.ndim != 2 or 0 in weights.shape:
        raise InputError(f"weights have shape {weights.shape}; allowed is (outputs, inputs)")
    if weights.dtype.kind == "f":
        return quantise(weights, mapping.bits)
    mapping.to_cells(weights)
    return weights.astype(np.int64), 1.0


def _check_card(card: Card) -> None:
    if getattr(card, "kind", None) != "sram_macro":
        raise InputError(
            f"Macro needs a card of kind 'sram_macro' (see load_card); found {getattr(card, 'kind', card)!r}"
        )


def _array(what: str, values: ArrayLike) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{what} must be an array of numbers; rows are not all as long") from None


def _ends(given: tuple[float, float]) -> tuple[float, float]:
    try:
        low, last = (float(each) for each in given)
    except (TypeError, ValueError):
        raise InputError(f"converter_range is {given!r}; allowed are two voltages in V") from None
    return low, last
