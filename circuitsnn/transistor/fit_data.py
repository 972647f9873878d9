"""Curves of a transistor that a card can be fitted to."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.errors import InputError
from circuitsnn.fitting.samples import freeze_samples


@dataclass(frozen=True, eq=False)
class TransistorCurves:
    """Drain current of one transistor at many bias points, in any order.

    Currents span many decades, so a fit compares asinh(I_D / noise_floor): what is left is relative to the current
    above the floor, and relative to the floor below it. Of an instrument that reads within 1 % and 1 pA the floor is
    1 pA / 1 % = 100 pA.

    Parameters
    ----------
    v_gs, v_ds, i_d : array_like, shape (n,)
        Voltages of gate and drain against the source, and current into the drain; of a p-channel transistor negative,
        or all as magnitudes. [V, V, A]
    width, length : float
        Width W and length L of the channel. [m]
    v_bs : array_like
        Voltage of the bulk against the source. [V]
    temperature : float
        Temperature of the transistor. [K]
    noise_floor : float
        Current at which the absolute error of the samples takes over from the relative one. [A]
    source : str
        Where the data come from, for the card.

    Raises
    ------
    InputError
        If the samples are not numbers, not finite, not as many, or too few, or another value is not possible.
    """

    v_gs: ArrayLike
    v_ds: ArrayLike
    i_d: ArrayLike
    width: float
    length: float
    v_bs: ArrayLike = 0.0
    temperature: float = 300.15
    noise_floor: float = 1e-12
    source: str = "curves of a transistor"

    def __post_init__(self) -> None:
        if np.ndim(self.v_bs) == 0:
            object.__setattr__(self, "v_bs", np.full(np.shape(self.v_gs), self.v_bs))
        freeze_samples(self, "v_gs", "v_ds", "i_d", "v_bs")
        for name, unit in (("width", "m"), ("length", "m"), ("temperature", "K"), ("noise_floor", "A")):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0.0 < value < inf:
                raise InputError(f"{name} is {value!r}; allowed is a finite number > 0 {unit}")
