"""What a trial's function may answer, and how it becomes the columns of a table."""

import dataclasses
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np

from circuitsnn.errors import InputError
from circuitsnn.status import Status

__all__ = ["NOT_THERE", "Call", "not_numbers", "read_answer"]

NOT_THERE = object()
_ALLOWED = "allowed are a number, a mapping of names to numbers, texts or truth values, or a result object"


@dataclass(frozen=True)
class Call:
    """The user's function as an executor calls it."""

    function: Callable[..., Any]
    wants: frozenset[str]
    """Which of "rng", "chip_rng" and "seed" it takes."""
    taken: tuple[str, ...]
    """Names of columns that its answer cannot have."""

    def __call__(self, argument: tuple[dict[str, Any], int, int]) -> tuple[dict[str, Any], dict[str, str]]:
        """Call it with a trial's values, its seed and its chip's seed; see `read_answer` for what is returned."""
        values, seed, chip_seed = argument
        random = {}
        if "rng" in self.wants:
            random["rng"] = np.random.default_rng(seed)
        if "chip_rng" in self.wants:
            random["chip_rng"] = np.random.default_rng(chip_seed)
        if "seed" in self.wants:
            random["seed"] = seed
        return read_answer(self.function(**values, **random), self.taken)


def read_answer(answer: Any, taken: Collection[str] = ()) -> tuple[dict[str, Any], dict[str, str]]:
    """Turn a function's answer into columns.

    Parameters
    ----------
    answer : object
        A number (column "value"); a mapping of names to numbers, truth values, texts or None; a result object: the one
        row of its ``to_frame()``, or else those of its fields and properties that are such values.
    taken : collection of str
        Names of other columns; a name among them gets "result_" before it.

    Returns
    -------
    values : dict
        Values by name, as JSON can hold them.
    units : dict of str to str
        Units by name, as far as the answer tells them.

    Raises
    ------
    InputError
        If the answer is none of these.
    """
    values, units = _columns(answer)
    names = {name: f"result_{name}" if name in taken else name for name in values}
    return (
        {names[name]: value for name, value in values.items()},
        {names[name]: unit for name, unit in units.items() if name in names},
    )


def not_numbers(values: Mapping[str, Any]) -> list[str]:
    """Name the values that are NaN.

    Parameters
    ----------
    values : mapping
        Values by name.

    Returns
    -------
    list of str
        Their names.
    """
    return [name for name, value in values.items() if isinstance(value, float) and isnan(value)]


def _columns(answer: Any) -> tuple[dict[str, Any], dict[str, str]]:
    if isinstance(answer, Mapping):
        values = {}
        for name, given in answer.items():
            value = _scalar(given)
            if value is NOT_THERE or not isinstance(name, str) or not name:
                raise InputError(f"the function answered {name!r}: {_shown(given)}; {_ALLOWED}")
            values[name] = value
        return values, {}
    value = _scalar(answer)
    if value is not NOT_THERE and not isinstance(value, (str, type(None))):
        return {"value": value}, {}
    frame = answer if _is_pandas(answer, "DataFrame") else None
    if frame is None and hasattr(answer, "to_frame") and not _is_pandas(answer, "Series", "Index"):
        frame = answer.to_frame()
    if frame is not None and len(frame) == 1:
        row = {str(name): _scalar(frame[name].iloc[0]) for name in frame}
        return {name: value for name, value in row.items() if value is not NOT_THERE}, frame.attrs.get("units", {})
    values = {} if _is_pandas(answer, "DataFrame", "Series") else _attributes(answer)
    if not values:
        raise InputError(f"the function answered {_shown(answer)}; {_ALLOWED}")
    return values, {}


def _is_pandas(answer: Any, *kinds: str) -> bool:
    # Who answers with a table has imported pandas; a worker process whose function does not is spared it.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(answer, tuple(getattr(pandas, kind) for kind in kinds))


def _attributes(answer: Any) -> dict[str, Any]:
    """Take what is a number, a truth value or a text of a result object."""
    fields = [field.name for field in dataclasses.fields(answer)] if dataclasses.is_dataclass(answer) else []
    if not fields and hasattr(answer, "_fields"):  # a named tuple
        fields = list(answer._fields)
    properties = [
        name
        for kind in reversed(type(answer).__mro__)
        for name, value in vars(kind).items()
        if isinstance(value, property)
    ]
    values = {}
    for name in dict.fromkeys([*fields, *properties]):
        if name.startswith("_"):
            continue
        try:
            value = _scalar(getattr(answer, name))
        except Exception:
            # A property that has no answer here must not cost what the others have.
            continue
        if value is not NOT_THERE and value is not None:
            values[name] = value
    return values


def _scalar(value: Any) -> Any:
    if isinstance(value, Status):
        return value.name
    if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
        value = value.item()
    if isinstance(value, (bool, str, type(None))):
        return value
    if isinstance(value, (int, float)):
        return value.real  # an enumeration's or a subclass's plain number
    return NOT_THERE


def _shown(value: Any) -> str:
    text = repr(value)
    return f"a {type(value).__name__}" if len(text) > 60 else text
