"""Numbers and texts as a reader wants them: with units, four digits, and one prefix for a whole column."""

from dataclasses import dataclass
from math import floor, isfinite, isinf, isnan, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from circuitsnn.quantities import UNITS, show_quantity

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_PREFIXES = {12: "T", 9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "µ", -9: "n", -12: "p", -15: "f", -18: "a"}
_UNIT_SYMBOLS = {"degree": "°", "percent": "%"}
_PREFIXED = set(UNITS) - {"1"}  # units whose numbers take prefixes
_DIGITS = 4
_LINE = 32  # letters
_DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Column:
    """A column of a table, as it is shown."""

    name: str
    """Its name."""
    unit: str
    """Its unit with the prefix of all its numbers; "" for none."""
    numeric: bool
    """Whether it holds numbers, which stand to the right."""
    cells: tuple[str, ...]
    """Its cells."""

    @property
    def long(self) -> bool:
        """Whether its texts are so long that they take several lines."""
        return not self.numeric and max(map(len, self.cells), default=0) > _LINE


def columns_of(frame: "DataFrame") -> list[Column]:
    """Show a table column by column; numbers with a unit share a prefix, chosen by their median.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table; units by column in ``attrs["units"]``.

    Returns
    -------
    list of Column
        Its columns.
    """
    units = frame.attrs.get("units", {})
    units = units if isinstance(units, dict) else {}
    return [_column(str(name), str(units.get(name, "1")), frame.iloc[:, i]) for i, name in enumerate(frame.columns)]


def interval_column(name: str, unit: str, values: np.ndarray, lows: np.ndarray, highs: np.ndarray) -> Column:
    """Show numbers with their intervals, "21.5 (21.2 to 21.8)", all with one prefix.

    Parameters
    ----------
    name : str
        Name of the column.
    unit : str
        SI unit; "1" for none, "%" for shares, which are shown in per cent.
    values, lows, highs : array_like
        The numbers and the ends of their intervals; NaN for none. [SI]

    Returns
    -------
    Column
        The column.
    """
    factor = 100.0 if unit == "%" else 1.0
    values, lows, highs = (factor * np.asarray(given, dtype=float) for given in (values, lows, highs))
    exponent = _exponent(values) if unit in _PREFIXED else 0
    cells = []
    for value, low, high in zip(values, lows, highs, strict=True):
        text = _number(value, exponent)
        known = isfinite(low) and isfinite(high)
        cells.append(f"{text} ({_number(low, exponent, 3)} to {_number(high, exponent, 3)})" if known else text)
    return Column(name, _shown_unit(unit, exponent), True, tuple(cells))


def show_rounded(value: float, unit: str) -> str:
    """Show a number with four digits and its unit.

    Parameters
    ----------
    value : float
        The number. [SI]
    unit : str
        SI unit; "1" for none, "%" for a share, which is shown in per cent.

    Returns
    -------
    str
        The text.
    """
    if not isfinite(value) or unit == "1":
        return _number(value, 0)
    value = 100.0 * value if unit == "%" else value
    return show_value(float(f"{value:.{_DIGITS}g}"), unit)


def show_value(value: Any, unit: str) -> str:
    """Show the value of a parameter: numbers in full, with their unit; lists with commas.

    Parameters
    ----------
    value : object
        A number [SI], text, truth value or list of these.
    unit : str
        SI unit; "1" for none.

    Returns
    -------
    str
        The text.
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(show_value(item, unit) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value or "none"
    if not isfinite(value):
        return str(value)
    if unit != "1" and unit in UNITS:
        return show_quantity(float(value), unit)
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return text if unit == "1" else f"{text} {_UNIT_SYMBOLS.get(unit, unit)}"


def show_spread(spread: dict[str, Any] | None, unit: str) -> str:
    """Show the spread of a card's parameter.

    Parameters
    ----------
    spread : dict or None
        Fields of `circuitsnn.cards.Spread`; None for none.
    unit : str
        The parameter's unit.

    Returns
    -------
    str
        The text.
    """
    if not spread:
        return "none"
    if spread.get("sigma") is not None:
        text = show_value(spread["sigma"], unit)
    else:
        text = f"{100 * (spread.get('relative_sigma') or 0.0):g} %"
    tie = spread.get("correlated_with")
    tied = f", correlation {tie['coefficient']:g} with {tie['name']}" if tie else ""
    return f"{text}, {spread.get('distribution', 'normal')}{tied}"


def show_duration(seconds: float) -> str:
    """Show how long something takes.

    Parameters
    ----------
    seconds : float
        The time. [s]

    Returns
    -------
    str
        "0.4 s", "12 s", "4 min 40 s", "2 h 5 min".
    """
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    larger, unit, smaller, rest = (
        (whole // 60, "min", whole % 60, "s") if whole < 3600 else (whole // 3600, "h", whole % 3600 // 60, "min")
    )
    return f"{larger} {unit}" + (f" {smaller} {rest}" if smaller else "")


def _column(name: str, unit: str, values: "Series") -> Column:
    from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

    if is_integer_dtype(values) and unit not in _PREFIXED:  # in full: a seed has no digits to spare
        return Column(name, _shown_unit(unit, 0), True, tuple(_whole(value) for value in values))
    if not is_numeric_dtype(values) or is_bool_dtype(values) or np.iscomplexobj(values):
        return Column(name, "" if unit == "1" else unit, False, tuple(map(_text, values)))
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    exponent = _exponent(numbers) if unit in _PREFIXED else 0
    cells = tuple(_number(number, exponent) for number in numbers)
    return Column(name, _shown_unit(unit, exponent), True, cells)


def _shown_unit(unit: str, exponent: int) -> str:
    if unit in _PREFIXED:
        return f"{_PREFIXES[exponent]}{unit}"
    return "" if unit == "1" else _UNIT_SYMBOLS.get(unit, unit)


def _exponent(numbers: np.ndarray) -> int:
    sizes = np.abs(numbers[np.isfinite(numbers) & (numbers != 0.0)])
    if not len(sizes):
        return 0
    power = 3 * floor(log10(float(np.median(sizes))) / 3)
    return min(max(power, min(_PREFIXES)), max(_PREFIXES))


def _number(value: float, exponent: int, digits: int = _DIGITS) -> str:
    if isnan(value):
        return _DASH
    if isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    scaled = value * 10.0**-exponent
    # Whole numbers in full: a seed or a count of images has no digits to spare.
    whole = exponent == 0 and scaled == int(scaled) and abs(scaled) < 1e15
    text = f"{scaled:.0f}" if whole else f"{scaled:.{digits}g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _whole(value: Any) -> str:
    return _DASH if type(value).__name__ == "NAType" else str(value).replace("-", "\N{MINUS SIGN}")


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    missing = value is None or type(value).__name__ in ("NAType", "NaTType")
    missing = missing or (isinstance(value, float) and isnan(value))
    return _DASH if missing else str(value)
