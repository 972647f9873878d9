"""How a kind of device card is described: its fields, the rules between them, the cards that it is built from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
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
    whole: bool = False
    """Whether only whole numbers are allowed."""

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
        allowed = above & (value <= self.maximum)
        return allowed & (value % 1 == 0) if self.whole else allowed

    @property
    def bounds(self) -> str:
        """The bounds in words, for an error message."""
        sign = ">=" if self.minimum_allowed else ">"
        unit = "" if self.unit == "1" else f" {self.unit}"
        bounds = [] if self.minimum == -inf else [f"{sign} {self.minimum:g}{unit}"]
        if self.maximum < inf:
            bounds.append(f"<= {self.maximum:g}{unit}")
        text = " and ".join(bounds) or "a finite number"
        return f"a whole number {text}" if self.whole else text


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
    parts: Mapping[str, tuple[str, ...]] = default(default_factory=dict, hash=False)
    """Cards that such a card is built from: name of the part to the kinds that it may be of."""

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
