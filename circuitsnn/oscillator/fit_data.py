"""What a device card can be fitted to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.errors import InputError
from circuitsnn.fitting.samples import freeze_samples


@dataclass(frozen=True, eq=False)
class IVLoop:
    """Voltage and current of a device while the voltage is swept up and down, once or several times (Fig. 2C).

    Parameters
    ----------
    voltage, current : array_like, shape (n,)
        Samples in the order in which they were taken. [V, A]
    series_resistance : float
        Resistance within the voltage's reading besides the device: 0 where the voltage was taken at the device itself,
        the series resistor's where it is that of the source. [ohm]
    source : str
        Where the data come from, for the card.

    Raises
    ------
    InputError
        If the samples are not numbers, not finite, not as many, or too few.
    """

    voltage: ArrayLike
    current: ArrayLike
    series_resistance: float = 0.0
    source: str = "an I-V loop"

    def __post_init__(self) -> None:
        freeze_samples(self, "voltage", "current")
        if not (isinstance(self.series_resistance, (int, float)) and 0.0 <= self.series_resistance < np.inf):
            raise InputError(f"series_resistance is {self.series_resistance!r}; allowed is a finite number >= 0 ohm")


@dataclass(frozen=True, eq=False)
class OutputWaveform:
    """Voltage of an uncoupled oscillator's output, over two of its periods or more, with its start or without.

    Parameters
    ----------
    time, output : array_like, shape (n,)
        Increasing times, from any origin, and the output voltages. [s, V]
    source : str
        Where the data come from, for the card.

    Raises
    ------
    InputError
        If the samples are not numbers, not finite, not as many, or too few, or if the times do not increase.
    """

    time: ArrayLike
    output: ArrayLike
    source: str = "a waveform"

    def __post_init__(self) -> None:
        freeze_samples(self, "time", "output")
        steps = np.diff(self.time)
        if not np.all(steps > 0.0):
            at = int(np.argmin(steps > 0.0))
            raise InputError(
                f"time goes from {self.time[at]:g} s to {self.time[at + 1]:g} s at sample {at + 1}; it must increase"
            )
