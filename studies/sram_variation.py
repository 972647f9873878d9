"""How well an analog SRAM array multiplies when its cells spread, and what accuracy costs.

A column of N cells discharges its bit line: m of the rows that are on hold a 1, and the line's fall tells m. The error
of that multiply-accumulate is measured over many columns, in which every transistor is its own draw, against the
mismatch, the word lines' level, the rows on, drifting supplies, temperature and corner. Then what accuracy costs: the
signal-to-noise ratio against the energy, over word-line level and pulse, and the bits of a converter that it deserves.
At last signed six-bit weights: what the same cells do to two's complement and to differential columns.

Words. A count is what one cell adds. The error is what is left of the decoded sum after one gain and one offset for the
whole chip; "trimmed" has an offset for each column. SNR_a is the variance of the exact sums over that of the analog
error before the converter, SNR_T the same after it (Gonugondla et al. 2020, arXiv:2012.13645). A chip is a number of
columns, and good if the error of its worst column is at most 3 % of full scale.

A column keeps its draws from one setting to the next. Reads are the behavioural model's, calibrated from transients for
each setting; some are solved by the transient as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, log2, log10, sqrt

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.constants import Boltzmann
from scipy.optimize import brentq
from scipy.stats import binomtest

from circuitsnn.adc.sar import SarAdc
from circuitsnn.cards import Card
from circuitsnn.figures import PALETTE
from circuitsnn.sram.behaviour import ArrayRead, Calibration, calibrate
from circuitsnn.sram.bitline import word_line_level, word_line_time_constant
from circuitsnn.sram.macro import Imperfections, Macro
from circuitsnn.sram.mapping import InputMapping, WeightMapping
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure
from circuitsnn.study.pictures import YieldPicture
from circuitsnn.transistor.mosfet import Conditions, Mosfet

GOOD = 0.03  # of full scale: largest error of a good chip's worst column
CHIP = 32  # columns of a chip
SHARED = 8  # columns that share a converter
CLIP = 4.0  # standard deviations of the signal to either side that a converter takes in, as Gonugondla et al.
GAMMA = 0.5  # dB that the converter may cost
RESIDUAL = 0.25  # of an LSB of 6 bits: where the behavioural model is further from the transient, there is no result
HOLD = 0.2  # V that a stored 1 must keep above the trip point: some six standard deviations of a threshold
WANTED = (6.0, 8.0, 10.0, 12.0, 14.0, 16.0)  # dB
# The closed forms are of first order; beyond that claims allow three standard errors, of which one is half of
# 1 / sqrt(draws), since half of the variance lies in offsets that each column (or output) draws but once.
FIRST_ORDER = 0.03
SUPPLIES = {
    "supply V_WL": ("V_WL",),
    "supply V_DD": ("V_DD",),
    "supply V_precharge": ("V_precharge",),
    "all supplies": ("V_WL", "V_DD", "V_precharge"),
}
SCHEMES = ("twos_complement", "offset_binary", "differential")
HALF = 0.5  # share of ones, in the inputs and in the cells


@dataclass(frozen=True, eq=False)
class Setting:
    """One array at one point of operation, with the sizes of its statistics."""

    card: Card
    conditions: Conditions
    rows_on: int
    columns: int
    reads: int
    seed: int
    calibration_reads: int
    whole: bool = False
    """Whether sums up to all rows on are of interest, and not only those of random data."""
    behaviour: Calibration | None = None
    """A model to take instead of a calibration."""

    def with_array(self, **values: float) -> "Setting":
        """Change parameters of the array."""
        card = self.card.replace(**{f"array.{name}": value for name, value in values.items()})
        return replace(self, card=card, behaviour=None)


@dataclass(frozen=True, eq=False)
class Reads:
    """Decoded analog sums, all of shape (reads, columns)."""

    exact: np.ndarray
    quiet: np.ndarray
    """Without noise, in a nominal cell's. [counts]"""
    noisy: np.ndarray
    """With noise. [counts]"""
    macro: Macro

    def volts(self, sums: np.ndarray) -> np.ndarray:
        """Discharge of the lines. [V]."""
        return np.polynomial.polynomial.polyval(sums, self.macro.behaviour.transfer)


def learn(setting: Setting) -> Calibration:
    """Calibrate the behavioural model from transients, over the sums that the setting is about."""
    if setting.behaviour is not None:
        return setting.behaviour
    array = setting.card.parts["array"]
    rng = np.random.default_rng([setting.seed, 1])
    drives = np.zeros((setting.calibration_reads, int(array.rows)), np.uint8)
    # Fit and check, which take half of the drives each, shall see the same range.
    half = np.linspace(0.15, 0.95, len(drives) // 2) if setting.whole else np.full(len(drives) // 2, HALF)
    share = np.resize(half, len(drives))[:, None]
    drives[:, : setting.rows_on] = rng.random((len(drives), setting.rows_on)) < share
    read = ArrayRead.of(array, setting.conditions, InputMapping())
    return calibrate(read, drives, 0.6 if setting.whole else HALF, True, rng)


def with_mismatch(model: Calibration, card: Card) -> Calibration:
    """Give the model to an array that differs in the size of its mismatch only: the curve over the sum is the same."""
    return replace(model, read=replace(model.read, card=card.parts["array"]))


def column_macro(setting: Setting, stored: np.ndarray, mismatch: bool = True, noise: bool = False, **words) -> Macro:
    """Put columns, each the whole of an output, into a macro without converters."""
    return Macro(
        setting.card.replace(rows_on=setting.rows_on),
        -stored.astype(int),  # a two's complement of one bit is 0 or -1
        weight_bits=1,
        seed=setting.seed,
        conditions=setting.conditions,
        imperfections=Imperfections(mismatch=mismatch, noise=noise, converter="none"),
        **words,
    )


def sums_of(macro: Macro, inputs: np.ndarray) -> np.ndarray:
    """Take the macro's gain and offset off again: sums in a nominal cell's. [counts]."""
    return (-macro.forward(inputs) - macro.offset) / macro.gain


def random_data(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Draw stored bits (columns, rows on) and inputs (reads, rows on): a quarter of the products is 1."""
    rng = np.random.default_rng([setting.seed, 2])
    stored = rng.random((setting.columns, setting.rows_on)) < HALF
    return stored, (rng.random((setting.reads, setting.rows_on)) < HALF).astype(int)


def read_columns(setting: Setting, mismatch: bool = True) -> Reads:
    """Read random columns with random inputs."""
    stored, inputs = random_data(setting)
    macro = column_macro(setting, stored, mismatch, behaviour=learn(setting))
    reads = Reads(inputs @ stored.T.astype(int), sums_of(macro, inputs), None, macro)
    # The noise that the macro would add (see `noise_floor`) saves a second macro.
    noise = np.random.default_rng([setting.seed, 3]).standard_normal(reads.quiet.shape)
    volts = reads.volts(reads.quiet) + read_noise(setting) * noise
    return replace(reads, noisy=inverse(macro, volts, reads.exact.max()))


def errors(exact: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Take one gain and one offset off, found by regression on the exact sums, so that the gain is not shrunk."""
    slope, intercept = np.polyfit(exact.ravel(), decoded.ravel(), 1)
    return (decoded - intercept) / slope - exact


def rms(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Root mean square."""
    return np.sqrt(np.mean(np.square(values), axis=axis))


def decibel(ratio: float) -> float:
    """Express a ratio of amplitudes in dB."""
    return 20.0 * log10(ratio)


def converted(reads: Reads, bits: int, seed: int, ideal: bool = False) -> tuple[np.ndarray, float]:
    """Convert noisy reads; converters take in the signal and CLIP of its standard deviations to either side.

    Returns the decoded sums [counts] and a converter's energy for a conversion, from its parts [J].
    """
    slope, intercept = np.polyfit(reads.exact.ravel(), reads.volts(reads.quiet).ravel(), 1)
    centre, reach = slope * reads.exact.mean() + intercept, CLIP * slope * reads.exact.std()
    adc = sar(reads.macro.card, bits, seed, reads.exact.shape[1], centre - reach, centre + reach, ideal)
    codes = adc.convert(reads.volts(reads.noisy), np.random.default_rng([seed, 8]))
    return inverse(reads.macro, adc.voltage(codes), reads.exact.max()), adc.energy_table()["energy [J]"]["circuit"]


def inverse(macro: Macro, volts: np.ndarray, largest: float) -> np.ndarray:
    """Go back from discharges to sums, as the digital side's table does. [counts]."""
    grid = np.linspace(0.0, 2.0 * largest, 2001)
    return np.interp(
        volts, np.maximum.accumulate(np.polynomial.polynomial.polyval(grid, macro.behaviour.transfer)), grid
    )


def sar(card: Card, bits: int, seed: int, columns: int, low: float, high: float, ideal: bool = False) -> SarAdc:
    """Make converters of a range, each for SHARED columns."""
    return SarAdc(card.parts["adc"], bits, seed, columns // SHARED, low=low, high=high, ideal=ideal)


def missing_codes(setting: Setting, resolutions: tuple[int, ...], model: Calibration) -> dict[str, float]:
    """Turn on cells that hold a 1 one after the other and count codes that never come, and codes out of order."""
    ramp = np.tril(np.ones((setting.rows_on + 1, setting.rows_on), int), -1)
    macro = column_macro(setting, np.ones((setting.columns, setting.rows_on)), behaviour=model, calibration=ramp)
    volts = np.polynomial.polynomial.polyval(sums_of(macro, ramp), model.transfer)
    rng = np.random.default_rng([setting.seed, 4])
    noisy = volts + read_noise(setting) * rng.standard_normal(volts.shape)
    row = {}
    for bits in resolutions:
        # The range that a typical column needs, half an LSB beyond the ends.
        low, high = volts[0].mean(), volts[-1].mean()
        half = 0.5 * (high - low) / (2**bits - 1)
        adc = sar(setting.card, bits, setting.seed, setting.columns, low - half, high + half)
        codes = adc.convert(volts)
        hit = np.zeros((2**bits, setting.columns), bool)
        hit[codes, np.arange(setting.columns)] = True
        # What lies beyond a column's last code is its gain error, no missing code.
        every = np.arange(2**bits)[:, None]
        missing = (~hit & (every > codes[0]) & (every < codes[-1])).sum(axis=0)
        row[f"missing_{bits}"], row[f"missing_{bits}_worst"] = missing.mean(), missing.max()
        row[f"disorder_{bits}"] = (np.diff(adc.convert(noisy, rng), axis=0) < 0).sum(axis=0).mean()
    return row


def read_noise(setting: Setting) -> float:
    """Noise of a read: kT/C of the precharged line and what the card adds. [V]."""
    line = Boltzmann * setting.conditions.temperature / capacitance(setting.card.parts["array"])
    return sqrt(line + setting.card.noise_read**2)


def charge_spread(setting: Setting) -> float:
    """Relative spread of the charge that a cell takes, to first order in the spread of its two transistors.

    For each of access and pull-down (d ln Q / d V_T)^2 sigma_VT^2 + (d ln Q / d ln beta)^2 sigma_beta^2, where
    Q integrates the current of the two in series over the word line's rise, pulse and fall; with sharp edges
    d ln Q / d V_T is g_m / I. The series is solved by bisection of its node.
    """
    array = setting.card.parts["array"]
    cell = array.parts["cell"]
    nmos, tau = cell.parts["nmos"], word_line_time_constant(array)
    edges = np.linspace(0.0, array.T_pulse + 8.0 * tau, 81)
    t = 0.5 * (edges[1:] + edges[:-1])
    rising = -np.expm1(-np.minimum(t, array.T_pulse) / tau)
    gate = word_line_level(array, HALF * setting.rows_on) * rising * np.exp(-np.maximum(t - array.T_pulse, 0.0) / tau)
    sizes = ((cell.W_access, cell.L_access), (cell.W_pull_down, cell.L_pull_down))

    def charge(shifts: np.ndarray) -> float:
        access, down = (
            Mosfet(nmos, *size, setting.conditions, threshold_shift=voltage, current_factor_shift=factor)
            for size, (voltage, factor) in zip(sizes, shifts.reshape(2, 2), strict=True)
        )
        low, high = np.zeros_like(t), np.full_like(t, array.V_precharge)
        for _ in range(26):
            node = 0.5 * (low + high)
            up = access.drain_current(gate, array.V_precharge, node) > down.drain_current(array.V_DD, node, 0.0)
            low, high = np.where(up, node, low), np.where(up, high, node)
        return float(access.drain_current(gate, array.V_precharge, 0.5 * (low + high)).sum())

    nominal, variance = charge(np.zeros(4)), 0.0
    for number, (width, length) in enumerate(sizes):
        for place, spread in enumerate((nmos.A_VT, nmos.A_beta)):
            step = np.zeros(4)
            step[2 * number + place] = 1e-3
            slope = (charge(step) - charge(-step)) / 2e-3 / nominal
            variance += slope**2 * spread**2 / (width * length)
    return sqrt(variance)


def hold_margin(setting: Setting, swing: float) -> float:
    """Give a stored 1's height above the trip point with its word line on and its bit line fallen by the swing. [V].

    The node is where pull-up and access balance, the other node at ground; the trip point is the threshold of the
    inverter that it drives, without that one's access.
    """
    array = setting.card.parts["array"]
    cell = array.parts["cell"]
    nmos, pmos = cell.parts["nmos"], cell.parts["pmos"]
    access = Mosfet(nmos, cell.W_access, cell.L_access, setting.conditions)
    down = Mosfet(nmos, cell.W_pull_down, cell.L_pull_down, setting.conditions)
    up = Mosfet(pmos, cell.W_pull_up, cell.L_pull_up, setting.conditions)
    v_dd, line = array.V_DD, max(array.V_precharge - swing, 0.0)

    def at_node(v: float) -> float:
        return float(access.drain_current(array.V_WL, v, line) + up.drain_current(0.0, v, v_dd, v_dd))

    def at_trip(v: float) -> float:
        return float(down.drain_current(v, v, 0.0) + up.drain_current(v, v, v_dd, v_dd))

    return brentq(at_node, 0.0, v_dd) - brentq(at_trip, 0.0, v_dd)


def deserved_bits(snr_a: float) -> int:
    """Bits by the minimum precision criterion: the converter costs no more than GAMMA of SNR_a [dB].

    A converter with an LSB of 2 CLIP sigma / 2^B has an SNR of 12 4^B / (2 CLIP)^2 (Gonugondla et al. 2020).
    """
    needed = snr_a - GAMMA - 10.0 * log10(1.0 - 10.0 ** (-GAMMA / 10.0))
    return max(ceil((needed - quantised(0)) / decibel(2.0)), 1)


def quantised(bits: float) -> float:
    """Signal over quantisation noise of an ideal converter. [dB]."""
    return 10.0 * log10(12.0 * 4.0**bits / (2.0 * CLIP) ** 2)


def describe(setting: Setting, codes: tuple[int, ...] = (), mismatch: bool = True) -> dict[str, float]:
    """Measure one setting."""
    reads = read_columns(setting, mismatch)
    macro, n, signal = reads.macro, setting.rows_on, reads.exact.std()
    quiet, noisy = errors(reads.exact, reads.quiet), errors(reads.exact, reads.noisy)
    straight = errors(reads.exact, reads.volts(reads.noisy))
    bits = deserved_bits(decibel(signal / rms(noisy)))
    after, conversion = converted(reads, bits, setting.seed)
    after = errors(reads.exact, after)
    columns, trimmed = rms(noisy, axis=0), rms(noisy - noisy.mean(axis=0), axis=0)
    slope = np.polyfit(reads.exact.ravel(), reads.volts(reads.quiet).ravel(), 1)[0]
    array = setting.card.parts["array"]
    row = {
        "rows_on": n,
        "V_WL": array.V_WL,
        "T_pulse": array.T_pulse,
        "signal": signal,
        "slope": slope,
        "swing": reads.volts(reads.quiet).max(),
        "error": rms(noisy),
        "error_share": rms(noisy) / n,
        "error_lsb": rms(noisy) * slope / float(macro.converters.lsb),
        "mismatch_error": rms(quiet),
        "predicted_error": sqrt(n * HALF * HALF) * charge_spread(setting) if mismatch else np.nan,
        "trimmed_error": rms(trimmed),
        "straight_error": rms(straight),
        "bits": bits,
        "converted_error": rms(after),
        "worst_column": columns.max(),
        "snr_a": decibel(signal / rms(noisy)),
        "snr_trimmed": decibel(signal / rms(trimmed)),
        "snr_straight": decibel(signal / rms(straight)),
        "snr_t": decibel(signal / rms(after)),
        "energy": macro.report()["energy"][["word lines", "bit lines", "cells"]].sum() / (n * setting.columns),
        "conversion_energy": conversion / n,
        "residual_lsb": macro.behaviour.residual_lsb(6)[1],
        "hold": hold_margin(setting, float(reads.volts(reads.quiet).max())),
        "chips": setting.columns // CHIP,
    }
    for name, each in (("yield", columns), ("yield_trimmed", trimmed)):
        good = int(np.sum(each[: row["chips"] * CHIP].reshape(-1, CHIP).max(axis=1) <= GOOD * n))
        low, high = binomtest(good, row["chips"]).proportion_ci(method="wilson")
        row |= {name: good / row["chips"], f"{name}_low": low, f"{name}_high": high}
    return row | (missing_codes(setting, codes, macro.behaviour) if codes else {})


# What the study measures, each a function of one item for the workers.


@dataclass(frozen=True, eq=False)
class Item:
    """One measurement: what is varied, to what, and the setting that comes of it."""

    sweep: str
    label: str
    value: float
    setting: Setting
    reference: Setting | None = None
    """The setting that the decoding of a drift stays with."""
    only_drift: bool = False
    codes: tuple[int, ...] = ()


def measure(item: Item) -> list[dict]:
    """Measure a setting with a decoding of its own, its error with a reference's decoding, or both."""
    row = {"sweep": item.sweep, "label": item.label, "value": item.value}
    setting = replace(item.setting, behaviour=learn(item.setting))
    rows = [] if item.only_drift else [row | describe(setting, item.codes)]
    if item.reference is not None:
        rows.append(row | {"sweep": f"{item.sweep} drift"} | drift(item.reference, setting))
    return rows


def drift(reference: Setting, changed: Setting) -> dict[str, float]:
    """Error of equal cells without noise where the decoding stays with the reference, in counts."""
    before, after = read_columns(reference, mismatch=False), read_columns(changed, mismatch=False)
    slope, intercept = np.polyfit(before.exact.ravel(), before.quiet.ravel(), 1)
    decoded = (inverse(before.macro, after.volts(after.quiet), float(reference.rows_on)) - intercept) / slope
    error = decoded - after.exact
    return {
        "V_WL": reference.card.parts["array"].V_WL,
        "error": rms(error),
        "error_share": rms(error) / reference.rows_on,
        "gain": np.polyfit(after.exact.ravel(), decoded.ravel(), 1)[0],
        "residual_lsb": after.macro.behaviour.residual_lsb(6)[1],
    }


def count_bits(item: Item) -> list[dict]:
    """SNR_T against the bits of the converter, ideal or with its own mismatch and noise."""
    reads = read_columns(item.setting)
    signal = reads.exact.std()
    snr_a = decibel(signal / rms(errors(reads.exact, reads.noisy)))
    rows = []
    for bits in item.codes:
        row = {"V_WL": item.value, "bits": bits, "snr_a": snr_a, "deserved": deserved_bits(snr_a)}
        row["predicted"] = -10.0 * log10(10.0 ** (-snr_a / 10.0) + 10.0 ** (-quantised(bits) / 10.0))
        for name, ideal in (("snr_t", False), ("snr_t_ideal", True)):
            decoded, energy = converted(reads, bits, item.setting.seed, ideal)
            error = errors(reads.exact, decoded)
            row |= {name: decibel(signal / rms(error)), "conversion_energy": energy / item.setting.rows_on}
            if not ideal:
                row["snr_t_trimmed"] = decibel(signal / rms(error - error.mean(axis=0)))
        rows.append(row)
    return rows


def compare_with_transient(item: Item) -> dict:
    """Read the same columns by the model and by the ODE; largest and rms difference in LSB of 6 bits."""
    setting = item.setting
    stored, inputs = random_data(setting)
    behaviour = learn(setting)
    model = column_macro(setting, stored, behaviour=behaviour)
    circuit = column_macro(setting, stored, behaviour=behaviour, fidelity="transient")
    transfer = model.behaviour.transfer
    volts = [np.polynomial.polynomial.polyval(sums_of(macro, inputs), transfer) for macro in (model, circuit)]
    difference = (volts[1] - volts[0]) / float(model.converters.lsb)
    return {
        "sweep": item.sweep,
        "label": item.label,
        "reads": difference.size,
        "rms_lsb": rms(difference),
        "largest_lsb": np.abs(difference).max(),
        "rms_volts": rms(volts[1] - volts[0]),
    }


def noise_floor(setting: Setting) -> dict[str, float]:
    """Noise of the macro's own reads, with and without what the card adds to kT/C, against the closed form. [V]."""
    stored, inputs = random_data(setting)
    rows = {}
    for name, added in (("thermal", 0.0), ("card", setting.card.noise_read)):
        own = replace(setting, card=setting.card.replace(noise_read=added))
        macros = [column_macro(own, stored, False, noise, behaviour=learn(own)) for noise in (False, True)]
        volts = [np.polynomial.polynomial.polyval(sums_of(m, inputs), m.behaviour.transfer) for m in macros]
        noise = volts[1] - volts[0]
        rows |= {name: rms(noise), f"{name}_closed": read_noise(own), "count": noise.size}
    return rows


@dataclass(frozen=True, eq=False)
class SignedItem:
    """Signed weights in cells by one scheme."""

    setting: Setting
    scheme: str
    factor: float
    """Size of the mismatch over the card's."""
    weights: np.ndarray
    """Shape (outputs, inputs); constant along the inputs to ask for the error of each weight."""
    spread: float
    """Relative spread of a cell's charge by the closed form."""


def sign(item: SignedItem) -> list[dict]:
    """Error of signed products; a row for all weights, or one for each weight if they are the same along the inputs."""
    setting, weights = item.setting, item.weights
    mapping = WeightMapping(item.scheme, 6)
    # As many powers as bits are set: each has a cell of its own.
    power = (mapping.to_cells(weights) * mapping.significances.astype(float) ** 2).sum(axis=-1)
    rng = np.random.default_rng([setting.seed, 6])
    inputs = (rng.random((setting.reads, weights.shape[1])) < HALF).astype(int)
    macro = Macro(
        setting.card.replace(rows_on=setting.rows_on),
        weights,
        seed=setting.seed,
        weight_scheme=item.scheme,
        weight_bits=6,
        imperfections=Imperfections(noise=False, converter="none"),
        behaviour=learn(setting),
    )
    exact = inputs @ weights.T
    error = errors(exact, macro.forward(inputs))
    if np.ptp(weights, axis=1).max() > 0:
        predicted = item.spread * sqrt(HALF * power.sum(axis=1).mean())
        groups = [(np.nan, np.ones(len(weights), bool), predicted)]
    else:
        values = np.unique(weights[:, 0])
        groups = [
            (v, weights[:, 0] == v, item.spread * sqrt(HALF * power[weights[:, 0] == v][0].sum())) for v in values
        ]
    return [
        {
            "scheme": item.scheme,
            "factor": item.factor,
            "weight": value,
            "signal": exact.std(),
            "error": rms(error[:, own]),
            "predicted_error": predicted,
            "snr_a": decibel(exact.std() / rms(error[:, own])),
            "columns": mapping.columns,
            "outputs": int(own.sum()),
        }
        for value, own, predicted in groups
    ]


# Settings.


def charge(setting: Setting, conditions: Conditions | None = None) -> float:
    """Charge that a nominal cell takes in a read, the line at its precharge. [C]."""
    array = setting.card.parts["array"]
    read = ArrayRead.of(array, conditions or setting.conditions, InputMapping())
    return float(read.charges(read.nominal[None], HALF * setting.rows_on, array.V_precharge)[1, 0])


def with_swing(setting: Setting, swing: float) -> Setting:
    """Choose the pulse for which all rows on would take a charge. [C]."""
    reference = setting.card.parts["array"].T_pulse

    def excess(logarithm: float) -> float:
        return log2(setting.rows_on * charge(setting.with_array(T_pulse=reference * 2.0**logarithm)) / swing)

    return setting.with_array(T_pulse=reference * 2.0 ** brentq(excess, -5.0, 6.0, xtol=1e-3))


def zero_temperature_coefficient(setting: Setting, hot: float) -> float:
    """Word-line level at which a cell's charge is the same hot as at the setting's temperature. [V]."""

    def change(level: float) -> float:
        at = setting.with_array(V_WL=level)
        return charge(at, replace(setting.conditions, temperature=hot)) / charge(at) - 1.0

    return float(brentq(change, 0.5, 1.0, xtol=1e-4))


def with_mismatch_of(setting: Setting, factor: float, model: Calibration) -> Setting:
    """Scale A_VT of the cells' transistors."""
    cell = setting.card.parts["array"].parts["cell"]
    values = {f"array.cell.{name}.A_VT": factor * part.A_VT for name, part in cell.parts.items()}
    card = setting.card.replace(**values)
    return replace(setting, card=card, behaviour=with_mismatch(model, card))


def items(context: StudyContext, base: Setting) -> list[Item]:
    """List what is measured; `base` has its model already."""
    values, array = context.parameters, base.card.parts["array"]
    codes = (4, 5, 6)
    bare = replace(base, behaviour=None)
    swing = base.rows_on * charge(base)
    found = [
        Item("A_VT", f"{factor:g}", factor, with_mismatch_of(base, factor, base.behaviour), codes=codes)
        for factor in values["A_VT_factors"]
    ]
    levels = {
        level: base if level == array.V_WL else with_swing(bare.with_array(V_WL=level), swing)
        for level in dict.fromkeys((*values["V_WL"], *values["drift_V_WL"]))
    }
    found += [Item("V_WL", f"{level:g} V", level, levels[level], codes=codes) for level in values["V_WL"]]
    for rows in values["rows_on"]:
        setting = with_swing(replace(bare, rows_on=rows), swing)
        found.append(Item("rows_on", f"{rows}", rows, setting, codes=(int(log2(rows)),)))
    typical = replace(bare, whole=False)
    for level in values["tradeoff_V_WL"]:
        for pulse in values["tradeoff_T_pulse"]:
            setting = typical.with_array(V_WL=level, T_pulse=pulse)
            if HALF * HALF * base.rows_on * charge(setting) < 0.9 * array.V_precharge * capacitance(array):
                found.append(Item("tradeoff", f"{level:g} V, {1e12 * pulse:.0f} ps", level, setting))
    for level in values["drift_V_WL"]:
        setting = replace(levels[level], behaviour=learn(levels[level]))
        for temperature in values["temperatures"]:
            hot = replace(setting, conditions=replace(base.conditions, temperature=temperature), behaviour=None)
            extra = level != array.V_WL
            found.append(Item("temperature", f"{temperature:g} K", temperature, hot, setting, extra, codes=codes))
    for corner in ("SS", "FF"):
        changed = replace(bare, conditions=replace(base.conditions, corner=corner))
        found.append(Item("corner", corner, np.nan, changed, base, codes=codes))
    for change in values["supply_drift"]:
        for name, supplies in SUPPLIES.items():
            changed = bare.with_array(**{each: getattr(array, each) * (1.0 + change) for each in supplies})
            extra = len(supplies) == 1
            found.append(Item(name, f"{100 * change:+.3g} %", change, changed, base, extra, codes=codes))
    return found


def capacitance(array: Card) -> float:
    """Capacitance of a bit line. [F]."""
    return array.C_BL_fixed + array.rows * array.C_BL_row


def weights_of(generator: np.random.Generator, outputs: int, inputs: int) -> np.ndarray:
    """Draw six-bit weights as a trained layer has them: most are small (normal, a quarter of the range)."""
    return np.clip(np.rint(generator.normal(0.0, 31.0 / 4.0, (outputs, inputs))), -31, 31).astype(int)


def signed_items(context: StudyContext, base: Setting) -> list[SignedItem]:
    """List the measurements with signed weights: each scheme and size of mismatch, and each weight by itself."""
    values = context.parameters
    (generator,) = context.generators(1)
    small = weights_of(generator, values["signed_outputs"], base.rows_on)
    every = np.repeat(np.arange(-31, 32, values["weight_step"]), values["weight_copies"])[:, None]
    every = np.broadcast_to(every, (len(every), base.rows_on))
    found = []
    for factor in values["A_VT_factors"]:
        if factor == 0.0:
            continue
        setting = with_mismatch_of(base, factor, base.behaviour)
        spread = charge_spread(setting)
        for scheme in SCHEMES:
            found.append(SignedItem(setting, scheme, factor, small, spread))
            if factor == 1.0:
                found.append(SignedItem(setting, scheme, factor, every, spread))
    return found


def run(context: StudyContext) -> Outcome:
    """Spread the cells, read, and find what spoils the product and what accuracy costs."""
    values = context.parameters
    card = context.card()
    sizes = (values["columns"], values["reads"], context.seed, values["calibration_reads"])
    base = Setting(card, Conditions(), 64, *sizes, whole=True)
    # In this process first, so that the kernels are compiled once.
    base = replace(base, behaviour=learn(base))
    listed = items(context, base)
    measured = pd.DataFrame([row for rows in context.map(measure, listed, "settings") for row in rows])
    results = measured[measured["residual_lsb"] < RESIDUAL].reset_index(drop=True)
    drifts = results[results["sweep"].str.endswith("drift")]
    drifts = drifts[["sweep", "label", "value", "V_WL", "error", "error_share", "gain"]].reset_index(drop=True)
    results = results[~results["sweep"].str.endswith("drift")].drop(columns="gain").reset_index(drop=True)
    signed = pd.DataFrame(
        [row for rows in context.map(sign, signed_items(context, base), "signed weights") for row in rows]
    )
    by_sweep = [item for item in listed if item.sweep == "V_WL"]
    chosen = [by_sweep[0], by_sweep[len(by_sweep) // 2], by_sweep[-1]]
    chosen = [replace(item, codes=tuple(values["converter_bits"])) for item in chosen]
    bits = pd.DataFrame([row for rows in context.map(count_bits, chosen, "converters") for row in rows])
    checked = [item for item in listed if (item.sweep, item.label) in CHECKED and not item.only_drift]
    small = {"columns": values["transient_columns"], "reads": values["transient_reads"]}
    checked = [replace(item, setting=replace(item.setting, **small)) for item in checked]
    transients = pd.DataFrame(context.map(compare_with_transient, checked, "transients"))
    floor = noise_floor(base)
    optima = find_optima(results)
    ranking = rank(results, drifts, base)
    tables = {
        "results": results,
        "ranking": ranking,
        "drifts": drifts,
        "optima": optima,
        "converter_bits": bits,
        "signed": signed,
        "transients": transients,
    }
    for table in tables.values():
        table.attrs["units"] = {name: unit for name, unit in UNITS_OF.items() if name in table}
    yields = {"yield": "as drawn", "yield_trimmed": "offsets trimmed"}
    YieldPicture(yields, "value", panels="sweep", label="Good chips").mark(results)
    pulses = {"a pulse of 10 ns": 10e-9, "the card's pulse": base.card.parts["array"].T_pulse, "150 ps": 150e-12}
    level = {name: zero_temperature_coefficient(base.with_array(T_pulse=t), 358.15) for name, t in pulses.items()}
    return Outcome(
        claims=claims(tables, measured, floor, base, level),
        tables=tables,
        figures={
            "mismatch": draw_mismatch_of(results),
            "drift": draw_drift(results, drifts, ranking),
            "tradeoff": draw_tradeoff(results, optima, bits),
            "signed": draw_signed(signed),
        },
    )


UNITS_OF = {
    "V_WL": "V", "T_pulse": "s", "slope": "V", "swing": "V", "energy": "J", "conversion_energy": "J",
    "total_energy": "J", "snr_a": "dB", "snr_t": "dB", "snr_trimmed": "dB", "snr_straight": "dB",
    "rms_volts": "V",
}  # fmt: skip
CHECKED = {("A_VT", "1"), ("A_VT", "2"), ("rows_on", "16"), ("temperature", "358.15 K"), ("V_WL", "0.7 V")}


def find_optima(results: pd.DataFrame) -> pd.DataFrame:
    """Find the least energy for each SNR_T wanted, and the best SNR_T, where cells keep their bits."""
    points = results[(results["sweep"] == "tradeoff") & (results["hold"] >= HOLD)].copy()
    points["total_energy"] = points["energy"] + points["conversion_energy"]
    rows = []
    for wanted in (*WANTED, points["snr_t"].max()):
        enough = points[points["snr_t"] >= wanted]
        if len(enough):
            best = enough.loc[enough["total_energy"].idxmin()]
            names = ["V_WL", "T_pulse", "bits", "snr_a", "snr_t", "hold", "energy", "conversion_energy", "total_energy"]
            rows.append({"wanted": wanted} | best[names].to_dict())
    return pd.DataFrame(rows)


def rank(results: pd.DataFrame, drifts: pd.DataFrame, base: Setting) -> pd.DataFrame:
    """Rank what makes the sum err, each alone, by its error; and how large it may be for one count of error."""
    rows = []

    def add(cause: str, change: str, error: float, one_count: str = "") -> None:
        rows.append({"cause": cause, "change": change, "error": error, "error_share": error / base.rows_on})
        rows[-1]["one_count_at"] = one_count

    reads = {name: read_columns(base, mismatch) for name, mismatch in (("all", True), ("equal", False))}
    equal = reads["equal"]
    quiet, noisy = errors(equal.exact, equal.quiet), errors(equal.exact, equal.noisy)
    for name, parameter, other in (
        ("threshold mismatch", "A_VT", "A_beta"),
        ("current-factor mismatch", "A_beta", "A_VT"),
    ):
        cell = base.card.parts["array"].parts["cell"]
        card = base.card.replace(**{f"array.cell.{part}.{other}": 0.0 for part in cell.parts})
        alone = read_columns(replace(base, card=card, behaviour=with_mismatch(base.behaviour, card)))
        error = rms(errors(alone.exact, alone.quiet))
        add(name, f"{parameter} of the card", error, f"{1.0 / error:.2g} times the card's")
    add("noise of a read", "kT/C and the card's", rms(noisy - quiet))
    add("droop and leakage", "equal cells", rms(quiet))
    straight = errors(equal.exact, equal.volts(equal.quiet))
    add("curvature", "decoded by a straight line", rms(straight))
    for name, ideal in (("quantisation", True), ("converter's own mismatch", False)):
        after = errors(equal.exact, converted(equal, 6, base.seed, ideal)[0])
        before = noisy if ideal else errors(equal.exact, converted(equal, 6, base.seed, True)[0])
        add(name, "6 bits", rms(after - before))
    level = base.card.parts["array"].V_WL
    for sweep, own in drifts[drifts["V_WL"] == level].groupby("sweep", sort=False):
        name = sweep.removesuffix(" drift")
        if name == "corner":
            for _, row in own.iterrows():
                add("corner", f"{row['label']}, decoded as TT", row["error"])
            continue
        # The error grows in proportion to a small change.
        origin = base.conditions.temperature if name == "temperature" else 0.0
        own = own.sort_values("value", ascending=False)
        distance = (own["value"] - origin).abs()
        nearest, at = own.loc[distance.idxmin()], distance.min()
        shown = own.loc[(distance - (RANKED_DRIFT if origin == 0.0 else RANKED_HEAT)).abs().idxmin()]
        small = at / nearest["error"]
        limit = f"{100 * small:.2g} %" if origin == 0.0 else f"{small:.2g} K"
        add(f"drift of {name}", shown["label"], shown["error"], limit)
    table = pd.DataFrame(rows)
    return table.sort_values("error", ascending=False, kind="stable", ignore_index=True)


RANKED_DRIFT, RANKED_HEAT = 0.05, 58.0  # changes of supplies [1] and temperature [K] that the ranking shows


def claims(
    tables: Mapping[str, pd.DataFrame],
    measured: pd.DataFrame,
    floor: Mapping,
    base: Setting,
    level: Mapping[str, float],
) -> tuple[Claim, ...]:
    """Hold what was found beside closed forms and our own requirements."""
    results, signed, bits = tables["results"], tables["signed"], tables["converter_bits"]
    by = dict(iter(results.groupby("sweep", sort=False)))
    spread = by["A_VT"].sort_values("value")
    of_card = spread[spread["value"] == 1.0].iloc[0]
    small = spread[spread["value"] <= 1.0]
    ratio = (small["mismatch_error"] / small["predicted_error"]).to_numpy()
    levels = by["V_WL"].sort_values("V_WL")
    random = signed[signed["weight"].isna()]
    differential = random[random["scheme"] == "differential"].set_index("factor")
    twos = random[random["scheme"] == "twos_complement"].set_index("factor")
    closed = random["error"] / random["predicted_error"]
    near = closed[random["factor"] == random["factor"].min()]
    gain = differential.loc[1.0, "snr_a"] - twos.loc[1.0, "snr_a"]
    expected = decibel(twos.loc[1.0, "predicted_error"] / differential.loc[1.0, "predicted_error"])
    tradeoff = by["tradeoff"]
    lowest = tradeoff[tradeoff["V_WL"] == tradeoff["V_WL"].min()].sort_values("T_pulse")
    gained = np.diff(lowest["snr_a"]) / np.diff(np.log2(lowest["energy"]))
    deserved = bits[bits["bits"] == bits["deserved"]]
    excluded = measured[measured["residual_lsb"] >= RESIDUAL]
    transients = tables["transients"]
    cut = (deserved["snr_a"] - deserved["snr_t_ideal"]).max()
    outputs = signed["outputs"].max()
    errors_of = 4.0 / sqrt(2.0 * floor["count"])
    return (
        Claim.within(
            "Error from mismatch over its closed form, N/4 cells of spread sigma_Q: the worst A_VT up to the card's",
            1.0,
            float(ratio[np.argmax(np.abs(ratio - 1.0))]),
            relative=FIRST_ORDER + 1.5 / sqrt(base.columns),
            remark="; ".join(
                f"{r['value']:g} x A_VT: {r['mismatch_error']:.3g} of {r['predicted_error']:.3g} counts"
                for _, r in spread.iterrows()
            )
            + f"; the closed form is of first order; the offsets, half of the variance, are {base.columns} draws: "
            f"1 standard error is some {50 / sqrt(base.columns):.1f} %",
            from_paper=False,
        ),
        Claim.within(
            "Error of signed products over its closed form by the bits that are set, worst scheme, least A_VT",
            1.0,
            float(near.iloc[np.argmax(np.abs(near - 1.0))]),
            relative=FIRST_ORDER + 1.5 / sqrt(outputs),
            remark=", ".join(
                f"{r['scheme']} {r['error'] / r['predicted_error']:.3g}"
                for _, r in random[random["factor"] == 1.0].iterrows()
            )
            + " with the card's A_VT",
            from_paper=False,
        ),
        Claim.within(
            "SNR_a of differential above two's complement, small weights, the card's mismatch, against the closed form",
            expected,
            gain,
            absolute=decibel(1.0 + FIRST_ORDER + 1.5 / sqrt(outputs)),
            unit="dB",
            remark=f"{twos.loc[1.0, 'snr_a']:.1f} dB and {differential.loc[1.0, 'snr_a']:.1f} dB; "
            f"{differential.loc[1.0, 'columns']} columns of cells a weight instead of {twos.loc[1.0, 'columns']}",
            from_paper=False,
        ),
        Claim.at_most(
            "Behavioural model against held-out transients, largest residual but for the trade-off, in LSB of 6 bits",
            RESIDUAL,
            measured.loc[measured["sweep"] != "tradeoff", "residual_lsb"].max(),
            remark=f"{len(by['tradeoff'])} settings of the trade-off: {by['tradeoff']['residual_lsb'].max():.2g}; left "
            "out as further off, the line being empty: "
            + (", ".join(f"{r['sweep']} {r['label']}" for _, r in excluded.iterrows()) or "none"),
            from_paper=False,
        ),
        Claim.at_most(
            "The same columns read by the ODE and by the model, largest difference, in LSB of 6 bits",
            RESIDUAL,
            transients["largest_lsb"].max(),
            remark=f"{transients['reads'].sum()} reads at {len(transients)} settings, rms "
            f"{transients['rms_lsb'].max():.2g} LSB at worst",
            from_paper=False,
        ),
        Claim.within(
            "Noise of a read without the card's share, over the kT/C of the line",
            1.0,
            floor["thermal"] / floor["thermal_closed"],
            absolute=errors_of,
            remark=f"{1e6 * floor['thermal']:.1f} µV; with the card's {1e6 * floor['card']:.1f} µV of "
            f"{1e6 * floor['card_closed']:.1f} µV; 4 standard errors of {floor['count']} reads",
            from_paper=False,
        ),
        Claim.at_most(
            "Error from mismatch, largest change from one V_WL to the next higher, at the same swing",
            0.0,
            np.diff(levels["mismatch_error"]).max(),
            unit="counts",
            remark=", ".join(f"{r['V_WL']:g} V: {r['mismatch_error']:.2f}" for _, r in levels.iterrows()),
            from_paper=False,
        ),
        Claim.at_most(
            f"SNR_a gained for a doubled energy by the last lengthening of the pulse at {lowest['V_WL'].iloc[0]:g} V, "
            "over the first",
            0.5,
            gained[-1] / gained[0],
            remark=f"{gained[0]:.2f} and {gained[-1]:.2f} dB; mismatch does not go with longer pulses, noise does",
            from_paper=False,
        ),
        Claim.at_most(
            "SNR_a lost to an ideal converter with the bits of the minimum precision criterion",
            GAMMA + 0.2,
            cut,
            unit="dB",
            remark="; ".join(
                f"V_WL {r['V_WL']:g} V: SNR_a {r['snr_a']:.1f} dB, {r['bits']:.0f} bits, SNR_T "
                f"{r['snr_t_ideal']:.1f} dB, with converters as drawn {r['snr_t']:.1f} dB"
                for _, r in deserved.iterrows()
            )
            + "; criterion of Gonugondla et al. 2020, arXiv:2012.13645",
            from_paper=False,
        ),
        Claim.at_most(
            "Missing codes of 6 bits, largest fall from one A_VT to the next larger",
            0.0,
            -np.diff(spread["missing_6"]).min(),
            remark="mean of a column: "
            + ", ".join(f"{r['value']:g} x A_VT: {r['missing_6']:.1f}" for _, r in spread.iterrows())
            + f"; of 5 bits with the card's {of_card['missing_5']:.2g}, of 4 bits {of_card['missing_4']:.2g}",
            from_paper=False,
        ),
        Claim.within(
            "V_WL at which a cell's charge is the same at 358 K, long pulse, against the zero-temperature-coefficient "
            "gate voltage of nmos_65nm",
            0.70,
            level["a pulse of 10 ns"],
            absolute=0.03,
            unit="V",
            remark=", ".join(f"{name}: {1e3 * v:.0f} mV" for name, v in level.items())
            + "; the pull-down in series lowers it, the word line's edges raise it",
            from_paper=False,
        ),
        Claim.at_least(
            f"Good chips with the card's mismatch if each column's offset is trimmed ({100 * GOOD:g} % of full scale, "
            f"{CHIP} columns)",
            90.0,
            100.0 * of_card["yield_trimmed"],
            unit="%",
            remark=f"{share(of_card, 'yield_trimmed')} of {of_card['chips']:.0f}; as drawn {share(of_card, 'yield')}",
            from_paper=False,
        ),
    )


def share(row: Mapping, name: str) -> str:
    """Print a share with its interval."""
    return f"{100 * row[name]:.0f} % (95 %: {100 * row[f'{name}_low']:.0f} to {100 * row[f'{name}_high']:.0f} %)"


# Pictures.


def draw_mismatch_of(results: pd.DataFrame) -> Figure:
    """Draw error, missing codes and yield against the size of the threshold mismatch."""
    figure, (left, middle, right) = new_figure(3, width=17.5, height=6)
    own = results[results["sweep"] == "A_VT"].sort_values("value")
    x = own["value"]
    left.plot(x, 100 * own["error_share"], "o-", label="as drawn")
    left.plot(x, 100 * own["trimmed_error"] / own["rows_on"], "s-", label="offsets trimmed")
    left.plot(x, 100 * own["predicted_error"] / own["rows_on"], ":", color=PALETTE[6], label="closed form")
    left.set_ylabel("rms error [% of full scale]")
    for bits, marker in ((6, "o"), (5, "s"), (4, "^")):
        middle.plot(x, own[f"missing_{bits}"], f"{marker}-", label=f"{bits} bits, {2**bits} codes")
    middle.set_ylabel("missing codes of a column")
    for name, label, marker in (("yield", "as drawn", "o"), ("yield_trimmed", "offsets trimmed", "s")):
        reach = 100 * np.abs(own[[f"{name}_low", f"{name}_high"]].to_numpy().T - own[name].to_numpy())
        right.errorbar(x, 100 * own[name], reach, fmt=f"{marker}-", elinewidth=0.7, capsize=2, label=label)
    right.set(ylabel="good chips [%]", ylim=(-4, 104))
    for axes in (left, middle, right):
        axes.set_xlabel("$A_{VT}$ over the card's [1]")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if axes is right else 0.0)
        axes.legend()
    return figure


def draw_drift(results: pd.DataFrame, drifts: pd.DataFrame, ranking: pd.DataFrame) -> Figure:
    """Draw the errors of drifting supplies and temperature, and all causes side by side."""
    figure, (left, middle, right) = new_figure(3, width=17.5, height=7)
    spread = results[(results["sweep"] == "A_VT") & (results["value"] == 1.0)]["mismatch_error"].iloc[0]
    for name, marker in zip(SUPPLIES, "os^D", strict=True):
        own = drifts[drifts["sweep"] == f"{name} drift"].sort_values("value")
        x, y = np.append(own["value"], 0.0), np.append(own["error"], 0.0)
        order = np.argsort(x)
        label = name.removeprefix("supply ")
        label = f"${label[0]}_{{{label[2:]}}}$" if label != name else name
        left.plot(100 * x[order], y[order], f"{marker}-", label=label)
    left.set(xlabel="change of a supply [%]", ylabel="error of equal cells [counts of 64]")
    own = drifts[drifts["sweep"] == "temperature drift"]
    for (level, part), marker in zip(own.groupby("V_WL"), "os^", strict=False):
        x, y = np.append(part["value"], 300.15), np.append(part["error"], 0.0)
        order = np.argsort(x)
        middle.plot(x[order], y[order], f"{marker}-", label=f"$V_{{WL}}$ = {level:g} V")
    middle.set(xlabel="temperature [K]", ylabel="error of equal cells [counts of 64]")
    for axes in (left, middle):
        axes.axhline(spread, color=PALETTE[6], linewidth=0.8, linestyle=":", label="mismatch of the card")
        axes.set_ylim(0.0, 1.6 * axes.get_ylim()[1])
        axes.legend(loc="upper center", fontsize=6)
    shown = ranking.iloc[::-1]
    drifting = shown["cause"].str.startswith(("drift", "corner"))
    colours = np.where(drifting, PALETTE[1], PALETTE[0])
    right.barh(np.arange(len(shown)), shown["error"], color=colours, height=0.7)
    right.set_yticks(np.arange(len(shown)), [f"{r['cause']}, {short(r['change'])}" for _, r in shown.iterrows()])
    right.tick_params(axis="y", labelsize=5.5)
    right.set(xscale="log", xlabel="rms error [counts of 64]")
    right.grid(visible=False, axis="y")
    return figure


def short(change: str) -> str:
    """Shorten a change for a label."""
    for long, brief in ((" of the card", ""), (", decoded as TT", ""), (" and the card's", ""), ("decoded by a ", "")):
        change = change.replace(long, brief)
    return change


def draw_tradeoff(results: pd.DataFrame, optima: pd.DataFrame, bits: pd.DataFrame) -> Figure:
    """Draw SNR against energy, with the optima, and SNR against the bits of the converter."""
    figure, (left, middle, right) = new_figure(3, width=17.5, height=7)
    points = results[results["sweep"] == "tradeoff"]
    levels = np.unique(points["V_WL"])
    colours = dict(zip(levels, house_colours(len(levels)), strict=True))
    for level in levels:
        own = points[points["V_WL"] == level].sort_values("T_pulse")
        style = {"color": colours[level], "marker": "o", "label": f"{level:g} V"}
        left.plot(1e15 * own["energy"], own["snr_a"], **style)
        left.plot(1e15 * own["energy"], own["snr_straight"], color=colours[level], linestyle=":", linewidth=0.8)
        middle.plot(1e15 * (own["energy"] + own["conversion_energy"]), own["snr_t"], **style)
    left.set(xscale="log", xlabel="energy of the array per MAC [fJ]", ylabel="SNR$_a$ [dB]")
    left.plot([], [], color=PALETTE[6], linestyle=":", linewidth=0.8, label="straight decoding")
    left.set_ylim(bottom=-8.0)
    left.legend(title="$V_{WL}$", title_fontsize=7, fontsize=6, ncols=2, loc="lower right")
    lost = points[points["hold"] < HOLD]
    left.plot(1e15 * lost["energy"], lost["snr_a"], "x", color=PALETTE[1])
    total = lost["energy"] + lost["conversion_energy"]
    middle.plot(1e15 * total, lost["snr_t"], "x", color=PALETTE[1], label="cells may flip")
    stars = {"marker": "*", "markersize": 7, "linestyle": "", "color": PALETTE[6], "label": "least energy"}
    middle.plot(1e15 * optima["total_energy"], optima["snr_t"], **stars)
    middle.set(xlabel="energy with converter per MAC [fJ]", ylabel="SNR$_T$ [dB]", ylim=(0.0, None))
    middle.legend(handles=middle.lines[-2:], loc="lower right")
    for (level, own), colour, marker in zip(bits.groupby("V_WL"), PALETTE, "os^", strict=False):
        right.plot(own["bits"], own["snr_t_ideal"], color=colour, marker=marker, label=f"{level:g} V, ideal converter")
        right.plot(own["bits"], own["snr_t"], "--", color=colour, marker=marker, markerfacecolor="white",
                   label=f"{level:g} V, as drawn")  # fmt: skip
        right.axhline(own["snr_a"].iloc[0], color=colour, linewidth=0.6, linestyle=":")
        chosen = own[own["bits"] == own["deserved"]]
        right.plot(chosen["bits"], chosen["snr_t_ideal"], "*", color=colour, markersize=9)
    right.set(xlabel="bits of the converter", ylabel="SNR$_T$ [dB]")
    right.set_ylim(bottom=-3.0)
    right.legend(fontsize=6, loc="lower right")
    return figure


def house_colours(count: int) -> list:
    """Colours in an order, from dark to light."""
    from matplotlib import colormaps

    return [colormaps["cividis"](0.85 * k / max(count - 1, 1)) for k in range(count)]


def draw_signed(signed: pd.DataFrame) -> Figure:
    """Draw the error of each weight and the SNR of small weights by scheme."""
    figure, (left, right) = new_figure(2, width=17.5, height=7)
    names = {"twos_complement": "two's complement", "offset_binary": "offset binary", "differential": "differential"}
    for (scheme, name), colour, marker in zip(names.items(), PALETTE, "os^", strict=False):
        own = signed[signed["scheme"] == scheme]
        single = own[own["weight"].notna()].sort_values("weight")
        left.plot(single["weight"], single["error"], marker, color=colour, label=name)
        left.plot(single["weight"], single["predicted_error"], "-", color=colour, linewidth=0.8)
        random = own[own["weight"].isna()].sort_values("factor")
        right.plot(random["factor"], random["snr_a"], marker, color=colour, label=name)
        predicted = [decibel(s / e) for s, e in zip(random["signal"], random["predicted_error"], strict=True)]
        right.plot(random["factor"], predicted, "-", color=colour, linewidth=0.8)
    left.set(xlabel="weight, the same in all 64 rows", ylabel="rms error of the product [weight units]")
    right.set(xlabel="$A_{VT}$ over the card's [1]", ylabel="SNR$_a$, small weights [dB]")
    for axes in (left, right):
        axes.plot([], [], "-", color=PALETTE[6], linewidth=0.8, label="closed form")
    left.set_ylim(0.0, 1.3 * left.get_ylim()[1])
    left.legend(ncols=2)
    right.legend()
    return figure


STUDY = Study(
    name="sram_variation",
    title="Analog SRAM products with cells that spread: error, missing codes, and the energy of accuracy",
    source="10.1109/TCAD.2021.3124757",
    run=run,
    parameters=(
        StudyParameter("columns", 1024, "Columns, in chips of 32", quick=128, minimum=32, maximum=65536),
        StudyParameter("reads", 128, "Inputs that each column reads", quick=48, minimum=8, maximum=65536),
        StudyParameter(
            "calibration_reads", 16, "Reads of 8 columns for each model, by the ODE", quick=6, minimum=4, maximum=1000
        ),
        StudyParameter(
            "A_VT_factors",
            (0.0, 0.25, 0.5, 1.0, 1.5, 2.0),
            "Threshold mismatch over the card's; 1 is needed",
            quick=(0.0, 1.0, 2.0),
            minimum=0.0,
            maximum=5.0,
        ),
        StudyParameter(
            "V_WL",
            (0.5, 0.55, 0.6, 0.65, 0.7, 0.75),
            "Word-line levels at the same swing",
            unit="V",
            quick=(0.5, 0.6, 0.7),
            minimum=0.4,
            maximum=1.2,
        ),
        StudyParameter("rows_on", (16, 32, 64, 128), "Rows on at the same swing", quick=(16,), minimum=4, maximum=256),
        StudyParameter(
            "tradeoff_V_WL",
            (0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0),
            "Word-line levels of the trade-off",
            unit="V",
            quick=(0.5, 0.8),
            minimum=0.4,
            maximum=1.2,
        ),
        StudyParameter(
            "tradeoff_T_pulse",
            (100e-12, 150e-12, 225e-12, 340e-12, 500e-12, 750e-12),
            "Pulses of the trade-off",
            unit="s",
            quick=(120e-12, 240e-12, 480e-12),
            minimum=20e-12,
            maximum=20e-9,
        ),
        StudyParameter(
            "temperatures",
            (253.15, 273.15, 328.15, 358.15, 398.15),
            "Temperatures",
            unit="K",
            quick=(358.15,),
            minimum=200.0,
            maximum=450.0,
        ),
        StudyParameter(
            "drift_V_WL",
            (0.6, 0.7),
            "Word-line levels at which the temperature drifts; the card's is needed",
            unit="V",
            minimum=0.4,
            maximum=1.2,
        ),
        StudyParameter(
            "supply_drift",
            (-0.1, -0.05, 0.02, 0.05, 0.1),
            "Changes of supplies after the calibration",
            quick=(0.05,),
            minimum=-0.3,
            maximum=0.3,
        ),
        StudyParameter(
            "converter_bits", (2, 3, 4, 5, 6, 7, 8), "Bits of converters", quick=(3, 4, 5, 6), minimum=1, maximum=12
        ),
        StudyParameter("signed_outputs", 384, "Outputs with small signed weights", quick=64, minimum=4, maximum=4096),
        StudyParameter("weight_step", 2, "Every how manieth weight is measured alone", quick=6, minimum=1, maximum=31),
        StudyParameter("weight_copies", 16, "Outputs for each of these weights", quick=4, minimum=1, maximum=256),
        StudyParameter("transient_columns", 32, "Columns that are read by the ODE, too", quick=8, minimum=1),
        StudyParameter("transient_reads", 16, "Reads of each of these", quick=4, minimum=1),
    ),
    cards=("sram_macro_65nm",),
    quick_duration=50.0,
    full_duration=220.0,
)
