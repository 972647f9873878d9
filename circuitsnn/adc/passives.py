"""The parts that converters are made of: capacitors, resistors, switches and comparators, with mismatch and noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.constants import Boltzmann

from circuitsnn.errors import InputError

__all__ = ["Capacitor", "Comparator", "Resistor", "Switch", "thermal_noise"]


def _check(what: str, positive: dict[str, ArrayLike], not_negative: dict[str, ArrayLike]) -> None:
    for name, value in (positive | not_negative).items():
        array = np.asarray(value, dtype=float)
        if not np.all(np.isfinite(array)) or np.any(array < 0.0) or (name in positive and np.any(array == 0.0)):
            sign = ">" if name in positive else ">="
            raise InputError(f"{what}: {name} is {value!r}; allowed is a finite number {sign} 0")


def thermal_noise(capacitance: ArrayLike, temperature: float) -> np.ndarray:
    """Noise voltage sqrt(k T / C) that is held when a switch opens.

    Parameters
    ----------
    capacitance : array_like
        Capacitance that the switch leaves. [F]
    temperature : float
        Temperature. [K]

    Returns
    -------
    ndarray
        Standard deviation of the voltage. [V]
    """
    _check("thermal noise", {"capacitance": capacitance, "temperature": temperature}, {})
    return np.sqrt(Boltzmann * temperature / np.asarray(capacitance, dtype=float))


@dataclass(frozen=True, eq=False)
class Capacitor:
    """Capacitors of one process, each with a mismatch of its own: sigma_C / C = A_C / sqrt(area).

    A capacitor of k units has the mismatch of k units of their own in parallel.

    Parameters
    ----------
    capacitance : array_like
        Nominal capacitances. [F]
    A_C : float
        Pelgrom coefficient. [m]
    C_area : float
        Capacitance per area. [F/m^2]

    Raises
    ------
    InputError
        If a value cannot be.

    References
    ----------
    Pelgrom, Duinmaijer and Welbers (1989), doi:10.1109/JSSC.1989.572629.
    """

    capacitance: ArrayLike
    A_C: float
    C_area: float

    def __post_init__(self) -> None:
        _check("capacitor", {"capacitance": self.capacitance, "C_area": self.C_area}, {"A_C": self.A_C})

    @property
    def relative_sigma(self) -> np.ndarray:
        """Standard deviation of each over its value. [1]."""
        return self.A_C / np.sqrt(np.asarray(self.capacitance, dtype=float) / self.C_area)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Draw the capacitors of one fabricated array.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray
            Capacitances, in the shape of `capacitance`. [F]
        """
        return np.asarray(self.capacitance, dtype=float) * self.draw_factors(rng)

    def draw_factors(self, rng: np.random.Generator) -> np.ndarray:
        """Draw what the capacitors of one fabricated array are over their nominal values.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray
            Factors about 1, in the shape of `capacitance`. [1]

        Raises
        ------
        InputError
            If one comes out below 0.
        """
        sigma = self.relative_sigma
        factors = 1.0 + sigma * rng.standard_normal(sigma.shape)
        if np.any(factors <= 0.0):
            raise InputError(f"A_C is {self.A_C!r} m, so large that a capacitor came out below 0 F; allowed is less")
        return factors


@dataclass(frozen=True, eq=False)
class Resistor:
    """Resistors made of unit resistors in series, each with a mismatch of its own.

    Parameters
    ----------
    units : array_like
        Number of unit resistors in each; half of one is a shorter strip. [1]
    R_unit : float
        Resistance of a unit. [ohm]
    sigma_R : float
        Relative standard deviation of a unit. [1]

    Raises
    ------
    InputError
        If a value cannot be.
    """

    units: ArrayLike
    R_unit: float
    sigma_R: float

    def __post_init__(self) -> None:
        _check("resistor", {"units": self.units, "R_unit": self.R_unit}, {"sigma_R": self.sigma_R})

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Draw the resistors of one fabricated ladder.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray
            Resistances, in the shape of `units`. [ohm]
        """
        units = np.asarray(self.units, dtype=float)
        return self.R_unit * (units + self.sigma_R * np.sqrt(units) * rng.standard_normal(units.shape))


@dataclass(frozen=True)
class Switch:
    """A switch with its resistance and the thermal noise that it leaves.

    Parameters
    ----------
    resistance : float
        Resistance when closed. [ohm]

    Raises
    ------
    InputError
        If it is negative.
    """

    resistance: float

    def __post_init__(self) -> None:
        _check("switch", {}, {"resistance": self.resistance})

    def settling_error(self, capacitance: float, duration: float) -> float:
        """Share of a step that is still missing after a time, exp(-t / (R C)).

        Parameters
        ----------
        capacitance : float
            Capacitance that it charges. [F]
        duration : float
            Time since the step. [s]

        Returns
        -------
        float
            Remaining share. [1]
        """
        tau = self.resistance * capacitance
        return float(np.exp(-duration / tau)) if tau > 0.0 else 0.0

    def noise(self, capacitance: float, temperature: float) -> float:
        """Noise voltage that is held when it opens, which its resistance has no part in.

        Parameters
        ----------
        capacitance : float
            Capacitance that it leaves. [F]
        temperature : float
            Temperature. [K]

        Returns
        -------
        float
            Standard deviation of the voltage. [V]
        """
        return float(thermal_noise(capacitance, temperature))


@dataclass(frozen=True)
class Comparator:
    """A comparator with a static offset and noise in each decision.

    Parameters
    ----------
    sigma_offset : float
        Standard deviation of the offset between fabricated comparators. [V]
    noise : float
        Standard deviation of the noise of one decision. [V]

    Raises
    ------
    InputError
        If a value cannot be.
    """

    sigma_offset: float
    noise: float

    def __post_init__(self) -> None:
        _check("comparator", {}, {"sigma_offset": self.sigma_offset, "noise": self.noise})

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the offsets of fabricated comparators.

        Parameters
        ----------
        size : int
            How many.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray, shape (size,)
            Offsets: an input must exceed the reference by this much. [V]
        """
        return self.sigma_offset * rng.standard_normal(size)

    def decide(self, difference: ArrayLike, offset: ArrayLike, rng: np.random.Generator | None = None) -> np.ndarray:
        """Decide on differences between input and reference.

        Parameters
        ----------
        difference : array_like
            Input less reference. [V]
        offset : array_like
            Offset of each comparator. [V]
        rng : numpy.random.Generator, optional
            Source of the noise; without it there is none.

        Returns
        -------
        ndarray of bool
            Whether the input seemed to be at or above the reference.
        """
        excess = np.subtract(difference, offset)
        if rng is not None:
            excess = excess + self.noise * rng.standard_normal(excess.shape)
        return excess >= 0.0
