"""The associative memory: an image goes in as supply delays, the recalled pattern comes out as phases."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from circuitsnn.errors import InputError
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.network import OscillatorNetwork
from circuitsnn.oscillator.patterns import checked_image
from circuitsnn.oscillator.table import DEFAULT_TOLERANCE, Fidelity
from circuitsnn.status import Status

PERIODS = 20


@dataclass(frozen=True, eq=False)
class Recall:
    """What the memory answered. Used as an array it is the answer."""

    answer: np.ndarray
    """Recalled pattern relative to oscillator 0, shape (N,): +1 in phase with it, -1 not. [-]"""
    phases: np.ndarray
    """Phases behind oscillator 0, shape (N,). [degree]"""
    energy: float
    """Drawn from all supplies, from the first supply step to the answer. [J]"""
    duration: float
    """From the first supply step to the answer. [s]"""
    status: Status
    """Whether the phases settled, and what to do if not."""
    dissipation: Mapping[str, float]
    """Heat in all devices, all loads and all coupling resistors: "device", "load", "coupling". [J]"""
    stored: float
    """Left on all capacitors at the answer; with `dissipation` it makes up `energy`. [J]"""

    @property
    def power(self) -> float:
        """Mean power. [W]."""
        return self.energy / self.duration

    @property
    def binary_error(self) -> float:
        """Largest distance of a phase from 0 or 180 degrees. [degree]."""
        return float(np.abs((self.phases + 90.0) % 180.0 - 90.0).max())

    def matches(self, pattern: ArrayLike) -> bool:
        """Whether the answer is a pattern (or its negative, which is the same network state)."""
        pattern = np.asarray(pattern).ravel()
        return bool(np.array_equal(self.answer, pattern * pattern[0]))

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the answer, one row a pixel.

        Returns
        -------
        pandas.DataFrame
            Answer [-] and phase [degree]; units in ``attrs["units"]``.
        """
        frame = pd.DataFrame({"answer": self.answer, "phase": self.phases})
        frame.index.name = "oscillator"
        frame.attrs["units"] = {"answer": "-", "phase": "degree"}
        return frame

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.answer, dtype=dtype)

    def __len__(self) -> int:
        return len(self.answer)


def input_delays(image: ArrayLike, period: float) -> np.ndarray:
    """Supply delays that write an image: none for white (+1), half a period for black (-1), linear between.

    Parameters
    ----------
    image : array_like, shape (N,) or (rows, columns)
        Pixels in [-1, 1]. [-]
    period : float
        Period of the free oscillators. [s]

    Returns
    -------
    ndarray, shape (N,)
        Delays. [s]

    References
    ----------
    Section 3.1.2 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    return 0.25 * period * (1.0 - checked_image(image))


def recall(
    net: OscillatorNetwork,
    image: ArrayLike,
    *,
    nominal: Oscillator | None = None,
    periods: int = PERIODS,
    fidelity: Fidelity = "relaxed",
    tolerance: float = DEFAULT_TOLERANCE,
    until_settled: bool = True,
) -> Recall:
    """Show an image to the memory and read what it recalls.

    Parameters
    ----------
    net : OscillatorNetwork
        The memory; its coupling resistances hold the patterns (`map_weights`).
    image : array_like, shape (N,) or (rows, columns)
        Pixels in [-1, 1]: white +1, black -1. [-]
    nominal : Oscillator, optional
        The oscillator whose period the supplies are timed by: in a network of spread devices the designed one.
        Without it, oscillator 0.
    periods : int
        Longest wait after the switches have closed. [periods]
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model.
    tolerance : float
        Of the transient. [V]
    until_settled : bool
        Read the answer as soon as the phases have settled.

    Returns
    -------
    Recall
        Answer in {-1, +1} relative to oscillator 0, phases, energy, duration, status. An oscillator that has stopped
        switching answers -1, and the status says so.

    Raises
    ------
    InputError
        If the image does not have a pixel for each oscillator, or a pixel lies outside [-1, 1].

    References
    ----------
    Section 3.1.2 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    pixels = checked_image(image)
    if len(pixels) != net.size:
        raise InputError(f"the image has {len(pixels)} pixels; the network has {net.size} oscillators")
    if isinstance(periods, bool) or not isinstance(periods, (int, float, np.number)) or not 0.0 < periods < np.inf:
        raise InputError(f"periods is {periods!r}; allowed is a finite number > 0")
    nominal = net.oscillators[0] if nominal is None else nominal
    period = nominal.period()
    close_at = 0.5 * period + nominal.first_charge_duration()
    run = net.transient(
        input_delays(pixels, period),
        close_at=close_at,
        stop=close_at + periods * period,
        fidelity=fidelity,
        tolerance=tolerance,
        until_settled=until_settled,
    )
    phases = run.phases(0)
    answer = np.where(np.cos(np.radians(phases)) > 0.0, 1.0, -1.0)
    return Recall(
        answer=answer,
        phases=phases,
        energy=float(run.energy.sum()),
        duration=run.stop,
        status=run.status,
        dissipation={part: float(values.sum()) for part, values in run.dissipation.items()},
        stored=float(run.stored.sum()),
    )
