"""Successive approximation by charge redistribution on a capacitor array."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.constants import Boltzmann

from circuitsnn.adc.converter import Converter, Tables
from circuitsnn.adc.passives import Capacitor, Comparator, Switch
from circuitsnn.errors import InputError

Array = Literal["binary", "split"]


class _Parts(NamedTuple):
    """The parts of one fabricated converter."""

    offset: float  # of the comparator [V]
    upper: np.ndarray  # capacitors at the comparator's node, least significant first [units]
    lower: np.ndarray  # those behind the bridge; in a binary array none [units]
    dummy: float  # completes the array to a power of two [units]
    bridge: float  # over its nominal value [1]


@dataclass(frozen=True, eq=False)
class SarAdc(Converter):
    """Converters by successive approximation, each with its own capacitors and comparator.

    The input is sampled on the bottom plates of the whole array, then the bits are tried from the most significant
    one on. Each capacitor of a converter has its own mismatch; the top plates' parasitic capacitance divides what the
    comparator sees, and so enlarges its offset and noise; each trial starts from where the last one has settled to.
    See docs/theory/converters.md.

    Parameters
    ----------
    card : Card
        Device card of kind "sar_adc".
    bits : int, optional
        Resolution N, 1 to 16 (2 to 16 for a split array); unless told the card's. [bit]
    seed : int or SeedSequence
        Which chip: mismatch of every converter. More converters do not change the first ones.
    converters : int
        Number of converters in the bank.
    columns_per_converter : int, optional
        Neighbouring columns that share a converter; unless told as many as the input has.
    low, high : array_like, shape () or (columns,), optional
        Ends of the input range, which are the references; unless told the card's. [V]
    convention : {"mid-rise", "mid-tread"}
        Code k starts at low + k Q (the code is the floor of (v - low) / Q), or half a Q lower (it is rounded, ties
        up). Q = (high - low) / 2^N.
    ideal : bool
        Whether mismatch, settling and noise are all left out.
    temperature : float
        Temperature, for the noise of sampling. [K]
    array : {"binary", "split"}
        Capacitor array: 2^N units, or two arrays of half the bits joined by a bridge capacitor.

    Raises
    ------
    InputError
        If the card is of another kind or an argument is not possible.

    References
    ----------
    McCreary and Gray (1975), doi:10.1109/JSSC.1975.1050629 (charge redistribution).
    """

    array: Array = "binary"

    _kind: ClassVar[str] = "sar_adc"

    def __post_init__(self) -> None:
        if self.array not in get_args(Array):
            raise InputError(f"array is {self.array!r}; allowed: {', '.join(get_args(Array))}")
        super().__post_init__()
        if self.array == "split" and self.bits < 2:
            raise InputError(f"bits is {self.bits}; allowed for a split array is a whole number >= 2")

    @property
    def _lower_bits(self) -> int:
        return self.bits // 2 if self.array == "split" else 0

    @cached_property
    def _comparator(self) -> Comparator:
        return Comparator(self.card.sigma_offset, self.card.noise_comparator)

    @cached_property
    def _capacitors(self) -> tuple[np.ndarray, Capacitor]:
        """Bits of the upper and of the lower array, dummy and bridge [units], and the same as capacitors."""
        card, lower = self.card, self._lower_bits
        units = np.r_[
            2.0 ** np.arange(self.bits - lower), 2.0 ** np.arange(lower), 1.0, nominal_bridge(lower, card.parasitic)
        ]
        return units, Capacitor(units * card.C_unit, card.A_C, card.C_area)

    @property
    def remaining(self) -> float:
        """Share of a step of the array that is still missing when the comparator decides."""
        return Switch(self.card.R_switch).settling_error(self.card.C_unit, self.card.T_settle)

    def _draw(self, rng: np.random.Generator) -> _Parts:
        units, capacitors = self._capacitors
        # The comparator first, then the array: its offset does not depend on what the array is.
        offset = self._comparator.draw(1, rng)[0]
        factors = capacitors.draw_factors(rng)
        real = units * factors
        upper = self.bits - self._lower_bits
        return _Parts(float(offset), real[:upper], real[upper:-2], real[-2], factors[-1])

    def weights_of(self, parts: _Parts) -> tuple[np.ndarray, float, float]:
        """Weights of the bits, least significant first, their sum with the dummy, and the comparator's node [units].

        Charge conservation at both top plates, solved for the input at which the comparator's one is back at its
        start (see docs/theory/converters.md).
        """
        parasitic = self.card.parasitic
        if self.array == "binary":
            total = parts.upper.sum() + parts.dummy
            nominal = float(1 << self.bits)
            return parts.upper, total, total + parasitic * nominal
        size = float(1 << self._lower_bits)
        behind = (parts.lower.sum() + parts.dummy + parasitic * size) / (size + parasitic * size)
        share = 1.0 / (1.0 + behind * (size - 1.0) / (self.card.bridge * parts.bridge))
        bridge = self.card.bridge * parts.bridge * nominal_bridge(self._lower_bits, parasitic)
        weights = np.r_[share * parts.lower, parts.upper]
        total = parts.upper.sum() + share * (parts.lower.sum() + parts.dummy)
        at_upper = (1 << (self.bits - self._lower_bits)) - 1 + nominal_bridge(self._lower_bits, parasitic)
        node = parts.upper.sum() + bridge * (1.0 - share) + parasitic * at_upper
        return weights, total, node

    def _tables(self, parts: list[_Parts], lsb: np.ndarray) -> Tables:
        solved = [self.weights_of(each) for each in parts]
        weights = np.array([each[0] for each in solved])
        total, node = (np.array([each[i] for each in solved]) for i in (1, 2))
        codes = np.arange(1 << self.bits)
        digits = (codes[:, None] >> np.arange(self.bits)) & 1
        array = weights @ digits.T * (1 << self.bits) / total[:, None] - self.half_code
        offset = np.array([each.offset for each in parts]) * node / total / lsb
        levels, seen = _settled(array, offset, self.remaining, self.bits)
        # Opening the switch leaves k T C on the node; over the array's capacitance that is the input's.
        charge = np.sqrt(Boltzmann * self.temperature * self.card.C_unit * node)
        sampling = charge / (self.card.C_unit * total) / lsb
        decision = (self.card.noise_comparator * node / total / lsb)[:, None] / seen
        return Tables(levels, _reached(levels, self.bits), sampling, decision)

    def trial_levels(self) -> np.ndarray:
        """Level that the input is compared with when a code is on trial.

        A code t > 0 is tried once at most: with its lowest 1 as the bit on trial and the bits above it decided. The
        comparator's offset and what has not settled are included.

        Returns
        -------
        ndarray, shape (converters, 2^N)
            Input voltage at which each trial would be a tie; entry 0, which is never tried, is the array's level for
            code 0. [V]
        """
        return self._in_volts(self._rows.levels)

    @property
    def conversion_time(self) -> float:
        """Time of one conversion: sampling, then settling and decision for each bit. [s]."""
        card = self.card
        return card.T_sample + self.bits * (card.T_settle + card.T_decision)

    @property
    def _energy_choice(self) -> str:
        return "measured" if self.bits == self.card.bits_measured else "formula"

    def _energies(self) -> dict[str, tuple[float, str]]:
        card = self.card
        same = self.bits == card.bits_measured
        source = f"{int(card.bits_measured)} bit, {card.parameters['E_measured'].source}"
        return {"measured": (card.E_measured if same else np.nan, source), **super()._energies()}

    def _circuit_energy(self) -> tuple[float, str]:
        if self.array == "split":
            return np.nan, "no closed form for a split array"
        bits = self.bits
        i = np.arange(1, bits + 1)
        # Half of what the source gives for a differential pair of arrays.
        switching = float(np.sum(2.0 ** (bits - 2 * i) * (2.0**i - 1.0)))
        span = float(np.mean((self.high - self.low) ** 2))
        energy = bits * self.card.E_comparator + switching * self.card.C_unit * span
        return energy, "decisions and the array's switching, mean over all codes (doi:10.1109/JSSC.2010.2042254)"

    def energy_table(self) -> pd.DataFrame:
        """Tabulate the energy and time of a conversion by each model, the measured time with the measured energy.

        Returns
        -------
        pandas.DataFrame
            As `Converter.energy_table`; "energy [J]" and "time [s]" among its columns.
        """
        table = super().energy_table()
        same = self.bits == self.card.bits_measured
        table.loc["measured", "time [s]"] = self.card.T_measured if same else np.nan
        return table


def nominal_bridge(lower_bits: int, parasitic: float) -> float:
    """Bridge for which the lower array weighs as one unit of the upper one, its parasitic included [units]."""
    if lower_bits == 0:
        return 1.0  # there is none; a number to draw for
    size = float(1 << lower_bits)
    return (size + parasitic * size) / (size - 1.0)


def _settled(array: np.ndarray, offset: np.ndarray, remaining: float, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the levels that trials amount to, and the share of the difference that the comparator sees of each bit.

    The node starts at rest, where it would be in balance with the input u. After trial i the array stands at
    a_i = L_i + (a_(i-1) - L_i) e. Unrolled, a_i = B_i + u e^(i+1), so that u >= a_i + offset is
    u >= (B_i + offset) / (1 - e^(i+1)).
    """
    powers = remaining ** np.arange(1, bits + 1)
    seen = 1.0 - powers
    if seen[0] <= 0.0:
        raise InputError("T_settle is so short against R_switch times C_unit that no bit settles at all")
    balance = np.zeros_like(array)
    levels = array + offset[:, None]
    for trial in range(bits):
        bit = 1 << (bits - 1 - trial)
        tried = np.arange(bit, 1 << bits, 2 * bit)
        before = 0.0 if trial == 0 else balance[:, tried & -(4 * bit) | 2 * bit]
        balance[:, tried] = (1.0 - remaining) * array[:, tried] + remaining * before
        levels[:, tried] = (balance[:, tried] + offset[:, None]) / seen[trial]
    return levels, seen


def _reached(levels: np.ndarray, bits: int) -> np.ndarray:
    """Give the transition levels of a search: a trial's level, as far as inputs that come to it lie about it."""
    count = 1 << bits
    lowest, highest = np.full_like(levels, -np.inf), np.full_like(levels, np.inf)
    reached = levels.copy()
    for trial in range(bits):
        bit = count >> (trial + 1)
        tried = np.arange(bit, count, 2 * bit)
        if trial > 0:
            before = tried & -(4 * bit) | 2 * bit
            up = tried > before
            above, below = before[up], before[~up]
            lowest[:, tried[up]], highest[:, tried[up]] = reached[:, above], highest[:, above]
            lowest[:, tried[~up]], highest[:, tried[~up]] = lowest[:, below], reached[:, below]
        reached[:, tried] = np.clip(levels[:, tried], lowest[:, tried], highest[:, tried])
    return reached[:, 1:]
