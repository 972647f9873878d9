"""Single-slope conversion: a counter runs until a ramp passes the input."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from circuitsnn.adc.converter import Converter, Tables
from circuitsnn.adc.passives import Comparator, Switch


class _Parts(NamedTuple):
    """The parts of one fabricated converter."""

    offset: float  # of the comparator [V]
    slope: float  # over the nominal one [1]
    curvature: float  # bow in the middle over the span [1]


@dataclass(frozen=True, eq=False)
class RampAdc(Converter):
    """Single-slope converters, each with its own ramp and comparator.

    The ramp goes with the time x (0 to 1 while the counter runs) as low + (high - low) (g x + 4 c x (1 - x)), with a
    slope error g - 1 and a bow c. It starts below `low`, so that the comparator's delay moves the transfer but cuts
    nothing off.

    Parameters
    ----------
    card : Card
        Device card of kind "ramp_adc".
    bits : int, optional
        Resolution N, 1 to 16; unless told the card's. [bit]
    seed : int or SeedSequence
        Which chip: mismatch of every converter. More converters do not change the first ones.
    converters : int
        Number of converters in the bank.
    columns_per_converter : int, optional
        Neighbouring columns that share a converter; unless told as many as the input has.
    low, high : array_like, shape () or (columns,), optional
        Ends of the input range, which the nominal ramp runs through while the counter counts 2^N clocks; unless told
        the card's. [V]
    convention : {"mid-rise", "mid-tread"}
        Code k starts at low + k Q (the code is the floor of (v - low) / Q), or half a Q lower (it is rounded, ties
        up; the counter starts half a clock early). Q = (high - low) / 2^N.
    ideal : bool
        Whether mismatch, curvature, delay and noise are all left out.
    temperature : float
        Temperature, for the noise of sampling. [K]

    Raises
    ------
    InputError
        If the card is of another kind or an argument is not possible.
    """

    _kind: ClassVar[str] = "ramp_adc"

    def _draw(self, rng: np.random.Generator) -> _Parts:
        card = self.card
        offset = Comparator(card.sigma_offset, card.noise_comparator).draw(1, rng)[0]
        slope, curvature = rng.standard_normal(2)
        return _Parts(float(offset), 1.0 + card.sigma_slope * slope, card.curvature + card.sigma_curvature * curvature)

    def _tables(self, parts: list[_Parts], lsb: np.ndarray) -> Tables:
        offset, slope, curvature = (np.array([each[i] for each in parts])[:, None] for i in range(3))
        count = 1 << self.bits
        clocks = np.arange(count) - self.half_code - self.card.T_delay / self.card.T_clock
        x = clocks / count
        ramp = count * (slope * x + 4.0 * curvature * x * (1.0 - x)) + offset / lsb[:, None]
        # It turns back where it is bent too much; what it has passed once, the comparator has seen.
        ramp = np.maximum.accumulate(ramp, axis=1)
        sampling = Switch(0.0).noise(self.card.C_sample, self.temperature)
        # One decision, whenever it comes: its noise adds to that of the sampled input.
        noise = np.hypot(sampling, self.card.noise_comparator) / lsb
        return Tables(ramp, np.ascontiguousarray(ramp[:, 1:]), noise, np.zeros((len(parts), self.bits)))

    @property
    def conversion_time(self) -> float:
        """Time of one conversion: sampling, delay, and a clock for each code. [s]."""
        card = self.card
        return card.T_sample + card.T_delay + (1 << self.bits) * card.T_clock

    def _circuit_energy(self) -> tuple[float, str]:
        energy = self.card.E_comparator + (1 << self.bits) * self.card.E_clock
        return energy, "one decision, counter and ramp for each clock"
