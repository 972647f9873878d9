"""Flash conversion: a comparator for each level of a resistor ladder."""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np

from circuitsnn.adc.converter import Converter, Tables
from circuitsnn.adc.passives import Comparator, Resistor, Switch
from circuitsnn.core import adc as core
from circuitsnn.errors import InputError

Encoder = Literal["count", "first", "last"]

_ENCODERS = {"count": core.COUNT, "first": core.FIRST, "last": core.LAST}


class _Parts(NamedTuple):
    """The parts of one fabricated converter."""

    taps: np.ndarray  # of the ladder, from the lower end [LSB]
    offsets: np.ndarray  # of the comparators [V]


@dataclass(frozen=True, eq=False)
class FlashAdc(Converter):
    """Flash converters, each with its own ladder and comparators.

    Parameters
    ----------
    card : Card
        Device card of kind "flash_adc".
    bits : int, optional
        Resolution N, 1 to 16; unless told the card's. [bit]
    seed : int or SeedSequence
        Which chip: mismatch of every converter. More converters do not change the first ones.
    converters : int
        Number of converters in the bank.
    columns_per_converter : int, optional
        Neighbouring columns that share a converter; unless told as many as the input has.
    low, high : array_like, shape () or (columns,), optional
        Ends of the input range, which are those of the ladder; unless told the card's. [V]
    convention : {"mid-rise", "mid-tread"}
        Code k starts at low + k Q (the code is the floor of (v - low) / Q), or half a Q lower (it is rounded, ties
        up; the ladder's end resistors are half a unit and one and a half). Q = (high - low) / 2^N.
    ideal : bool
        Whether mismatch and noise are all left out.
    temperature : float
        Temperature, for the noise of sampling. [K]
    encoder : {"count", "first", "last"}
        How a thermometer code with bubbles is read: how many ones it has, up to the first change from one to zero
        as seen from below, or up to the last.

    Raises
    ------
    InputError
        If the card is of another kind or an argument is not possible.
    """

    encoder: Encoder = "count"

    _kind: ClassVar[str] = "flash_adc"

    def __post_init__(self) -> None:
        if self.encoder not in get_args(Encoder):
            raise InputError(f"encoder is {self.encoder!r}; allowed: {', '.join(get_args(Encoder))}")
        super().__post_init__()

    def _draw(self, rng: np.random.Generator) -> _Parts:
        card, count = self.card, 1 << self.bits
        offsets = Comparator(card.sigma_offset, card.noise_comparator).draw(count - 1, rng)
        units = np.ones(count)
        units[0] -= self.half_code
        units[-1] += self.half_code
        ladder = np.cumsum(Resistor(units, 1.0, card.sigma_R).draw(rng))  # only ratios matter
        return _Parts(ladder[:-1] / ladder[-1] * count, offsets)

    def comparator_levels(self) -> np.ndarray:
        """Input at which each comparator switches, in the order of the ladder: out of order, there are bubbles.

        Returns
        -------
        ndarray, shape (converters, 2^N - 1)
            Voltages. [V]
        """
        return self._in_volts(self._in_order)

    @property
    def _in_order(self) -> np.ndarray:
        if self.ideal:
            return self._rows.thresholds
        parts = self._parts_of_rows
        return _switching(parts, np.broadcast_to(self.lsb, len(parts)))

    def _tables(self, parts: list[_Parts], lsb: np.ndarray) -> Tables:
        levels = _switching(parts, lsb)
        if self.encoder == "count":
            levels = thresholds = np.sort(levels, axis=1)
        elif self.encoder == "first":
            thresholds = np.maximum.accumulate(levels, axis=1)
        else:
            thresholds = np.minimum.accumulate(levels[:, ::-1], axis=1)[:, ::-1]
        padded = np.concatenate([np.full((len(parts), 1), -np.inf), levels], axis=1)
        sampling = Switch(0.0).noise(self.card.C_sample, self.temperature) / lsb
        decision = (self.card.noise_comparator / lsb)[:, None]
        return Tables(padded, np.ascontiguousarray(thresholds), sampling, decision)

    def _convert_with_noise(self, v, low, lsb, rows, rng, codes) -> None:
        tables, encoder = self._rows, _ENCODERS[self.encoder]
        noise = tables.sampling, np.ascontiguousarray(tables.decision[:, 0])
        core.convert_flash_with_noise(v, low, lsb, tables.levels, self._static, rows, *noise, encoder, rng, codes)

    @property
    def conversion_time(self) -> float:
        """Time of one conversion: sampling, then comparators and encoder. [s]."""
        return self.card.T_sample + self.card.T_decision

    def _circuit_energy(self) -> tuple[float, str]:
        count = 1 << self.bits
        power = float(np.mean((self.high - self.low) ** 2)) / (count * self.card.R_unit)
        energy = (count - 1) * self.card.E_comparator + power * self.conversion_time
        return energy, "decision of each comparator and the ladder's current"


def _switching(parts: list[_Parts], lsb: np.ndarray) -> np.ndarray:
    """Give the comparators' levels in the order of the ladder, shape (rows, 2^N - 1) [LSB]."""
    taps, offsets = (np.array([each[i] for each in parts]) for i in range(2))
    return taps + offsets / lsb[:, None]
