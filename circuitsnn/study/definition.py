"""What a study is: its parameters, the cards that it uses, and the function that answers its question."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.data import names as data_sets
from circuitsnn.errors import InputError
from circuitsnn.quantities import read_quantity
from circuitsnn.study.claims import Claim

if TYPE_CHECKING:
    from circuitsnn.study.context import StudyContext

Value = bool | int | float | str | tuple[int, ...] | tuple[float, ...]
"""What a parameter of a study can be. A tuple is a list of numbers, as text "0,10m,20m"."""

_FILE_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class StudyParameter:
    """One parameter of a study. It has its default's type: True, 3, 1.5, "text" or a tuple of numbers."""

    name: str
    """Name, as in ``--set name=value``."""
    default: Value
    """Value of the full study. [`unit`]"""
    meaning: str
    """One line of meaning."""
    unit: str = "1"
    """SI unit; "1" for none."""
    quick: Value | None = None
    """Value of the quick form; None for the same as `default`. [`unit`]"""
    minimum: float | None = None
    """Smallest allowed number; None for no bound. [`unit`]"""
    maximum: float | None = None
    """Largest allowed number; None for no bound. [`unit`]"""
    choices: tuple[str, ...] = ()
    """Allowed texts; empty for any."""

    def __post_init__(self) -> None:
        for value in (self.default, self.quick):
            if value is not None:
                self.read(value)

    def read(self, given: Any) -> Value:
        """Turn text (or a value) into an allowed value of this parameter.

        Parameters
        ----------
        given : object
            Text such as "20", "15k" or "0,10m,20m", or a value of the parameter's type. [`unit`]

        Returns
        -------
        bool, int, float, str or tuple
            The value. [`unit`]

        Raises
        ------
        InputError
            If it cannot be read or is not allowed.
        """
        if isinstance(self.default, bool):
            return self._read_switch(given)
        if isinstance(self.default, str):
            return self._read_text(given)
        if not isinstance(self.default, tuple):
            return self._read_number(given, isinstance(self.default, int))
        parts = given.split(",") if isinstance(given, str) else given
        try:
            parts = list(parts)
        except TypeError:
            parts = [parts]
        if not parts:
            raise InputError(f"parameter {self.name} is empty; it needs at least one number")
        whole = all(isinstance(number, int) for number in self.default)
        return tuple(self._read_number(part, whole) for part in parts)

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if isinstance(self.default, bool):
            return "true or false"
        if isinstance(self.default, str):
            return ", ".join(self.choices) or "any text"
        numbers = self.default if isinstance(self.default, tuple) else (self.default,)
        text = "a whole number" if all(isinstance(number, int) for number in numbers) else "a number"
        if isinstance(self.default, tuple):
            text = f"{text}s".replace("a ", "", 1) + " with commas between them"
        unit = "" if self.unit == "1" else f" {self.unit}"
        if self.minimum is not None:
            text += f", at least {self.minimum:g}{unit}"
        if self.maximum is not None:
            text += f", at most {self.maximum:g}{unit}"
        return text

    def _read_switch(self, given: Any) -> bool:
        values = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(given).lower() not in values:
            raise self._refusal(given)
        return values[str(given).lower()]

    def _read_text(self, given: Any) -> str:
        if not isinstance(given, str) or (self.choices and given not in self.choices):
            raise self._refusal(given)
        return given

    def _read_number(self, given: Any, whole: bool) -> float:
        text = given.strip() if isinstance(given, str) else given
        number = read_quantity(text, self.unit, f"parameter {self.name}")
        too_small = self.minimum is not None and number < self.minimum
        too_large = self.maximum is not None and number > self.maximum
        if too_small or too_large or (whole and number != int(number)):
            raise self._refusal(given)
        return int(number) if whole else number

    def _refusal(self, given: Any) -> InputError:
        return InputError(f"parameter {self.name} is {given!r}; allowed: {self.allowed}")


@dataclass(frozen=True)
class Outcome:
    """What a study's function returns."""

    claims: tuple[Claim, ...]
    """The claims, in the order in which they are shown."""
    tables: Mapping[str, pd.DataFrame]
    """Tables by file name; the main one is called "results"."""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    """Figures by file name, made by `circuitsnn.study.new_figure`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", tuple(self.claims))
        if "results" not in self.tables:
            raise InputError("a study's outcome must hold a table called 'results'")
        for name in [*self.tables, *self.figures]:
            if not _FILE_NAME.fullmatch(name):
                raise InputError(f"{name!r} cannot name a file; allowed are letters, digits, '_' and '-'")


@dataclass(frozen=True)
class Study:
    """A question with parameters; `run` answers it with claims, figures and tables.

    A file studies/NAME.py defines it as ``STUDY``; the file's docstring says what the study asks.
    """

    name: str
    """Name, the same as the file's without ".py"."""
    title: str
    """One line."""
    source: str
    """DOI of the paper whose claims it checks; "" for none."""
    run: Callable[["StudyContext"], Outcome]
    """The function that answers; work for worker processes must be functions at a module's top level."""
    parameters: tuple[StudyParameter, ...] = ()
    """Parameters, in the order in which they are shown."""
    cards: tuple[str, ...] = ()
    """Device cards that it uses; the first is the one that ``--set card...`` means."""
    data: tuple[str, ...] = ()
    """Data sets that it needs as it is, by their names in `circuitsnn.data`."""
    quick_duration: float | None = None
    """About how long the quick form takes on a machine of two cores, kernels compiled; None if not measured. [s]"""
    full_duration: float | None = None
    """The same of the full form. [s]"""

    def __post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.name):
            raise InputError(f"study name {self.name!r}: allowed are letters, digits, '_' and '-'")
        for duration in (self.quick_duration, self.full_duration):
            if duration is not None and not 0.0 < duration < inf:
                raise InputError(
                    f"study {self.name}: a duration is {duration!r}; allowed is a number above 0, in seconds"
                )
        unknown = [name for name in self.data if name not in data_sets()]
        if unknown:
            raise InputError(f"study {self.name} needs data set {unknown[0]!r}; allowed: {', '.join(data_sets())}")
        names = [parameter.name for parameter in self.parameters]
        for name in names:
            if not name.isidentifier() or name == "card" or names.count(name) > 1:
                raise InputError(f"study {self.name}: parameter name {name!r} is taken or no identifier")
