"""What each kind of device card holds. A new kind is one more entry in `KINDS`; the loader stays as it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any


@dataclass(frozen=True)
class Field:
    """One parameter that every card of a kind has."""

    name: str
    """Name in the card and in Python, the field's own symbol: "R_S"."""
    symbol: str
    """The symbol in LaTeX: "R_S" is "R_{S}"."""
    unit: str
    """SI unit; "1" for none."""
    meaning: str
    """One line of meaning."""
    minimum: float = 0.0
    """Lower bound. [`unit`]"""
    minimum_allowed: bool = False
    """Whether the lower bound itself is allowed."""
    maximum: float = inf
    """Upper bound, itself allowed. [`unit`]"""

    def allows(self, value: Any) -> Any:
        """Whether a value (or each of an array) lies within the bounds. NaN does not.

        Parameters
        ----------
        value : float or ndarray
            Value to check. [`unit`]

        Returns
        -------
        bool or ndarray
            The answer, in the shape of `value`.
        """
        above = value >= self.minimum if self.minimum_allowed else value > self.minimum
        return above & (value <= self.maximum)

    @property
    def bounds(self) -> str:
        """The bounds in words, for an error message."""
        sign = ">=" if self.minimum_allowed else ">"
        unit = "" if self.unit == "1" else f" {self.unit}"
        text = f"{sign} {self.minimum:g}{unit}"
        return text if self.maximum == inf else f"{text} and <= {self.maximum:g}{unit}"


@dataclass(frozen=True)
class Check:
    """A rule between several parameters of a card."""

    rule: str
    """The rule in words: "R_met must be smaller than R_ins"."""
    names: tuple[str, ...]
    """The parameters it is about."""
    holds: Callable[[Mapping[str, Any]], Any]
    """From the values (or equal-length arrays of them) to whether the rule holds."""


@dataclass(frozen=True)
class Kind:
    """A kind of device: its parameters and the rules between them."""

    meaning: str
    """One line of meaning."""
    fields: tuple[Field, ...]
    """The parameters, in the order in which they are shown and drawn."""
    checks: tuple[Check, ...] = ()
    """The rules between them."""

    def field(self, name: str) -> Field:
        """Find the field of that name.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        Field
            Its description.

        Raises
        ------
        KeyError
            If the kind has no such field.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(field.name for field in self.fields)


VO2_OSCILLATOR = Kind(
    meaning="two-state hysteretic device above an output node with a load resistor and a capacitor to ground",
    fields=(
        Field("V_DD", "V_{DD}", "V", "Supply voltage"),
        Field("R_S", "R_S", "Ω", "Load resistance from the output node to ground"),
        Field("C_P", "C_P", "F", "Capacitance from the output node to ground"),
        Field("R_ins", "R_{ins}", "Ω", "Device resistance in the insulating state"),
        Field("R_met", "R_{met}", "Ω", "Device resistance in the metallic state"),
        Field("V_L", "V_L", "V", "Device voltage below which it turns insulating"),
        Field("V_H", "V_H", "V", "Device voltage above which it turns metallic"),
        Field("alpha", r"\alpha", "1", "Gain of the positive feedback in the smooth model"),
        Field("tau_0", r"\tau_0", "s", "Time constant of the device's transition", minimum_allowed=True),
    ),
    checks=(
        Check("R_met must be smaller than R_ins", ("R_met", "R_ins"), lambda p: p["R_met"] < p["R_ins"]),
        Check("V_L must be smaller than V_H", ("V_L", "V_H"), lambda p: p["V_L"] < p["V_H"]),
    ),
)

KINDS: Mapping[str, Kind] = {"vo2_oscillator": VO2_OSCILLATOR}
