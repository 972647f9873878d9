"""Plans: which parameter values a sweep goes through, one row of values after the other."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice
from math import exp, isnan, log, prod
from typing import Any

import numpy as np
import pandas as pd

from circuitsnn.cards import Card
from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError
from circuitsnn.quantities import UNITS, read_quantity
from circuitsnn.variation import draw

__all__ = [
    "RESERVED",
    "Plan",
    "Range",
    "as_plan",
    "corners",
    "crossed",
    "grid",
    "latin_hypercube",
    "listed",
    "monte_carlo",
    "one_at_a_time",
    "random",
    "read_ranges",
    "sobol",
    "zipped",
]

Value = bool | int | float | str | None
"""What a parameter of a plan can be."""
Row = dict[str, Value]
"""Parameter values by name. [SI]"""

RESERVED = ("rng", "chip_rng", "chip", "read", "seed", "chip_seed", "status", "error", "duration")
"""Names that a sweep uses itself."""

_BLOCK = 1024  # devices that are drawn together


@dataclass(frozen=True)
class Range:
    """Values from `low` to `high`."""

    low: float | str
    """Lowest value. [SI, or text such as "10k"]"""
    high: float | str
    """Highest value. [SI, or text such as "20k"]"""
    log: bool = False
    """Whether values are spread evenly over the logarithm."""
    whole: bool = False
    """Whether values are whole numbers, `low` and `high` among them."""


class Plan(Sequence):
    """Rows of parameter values, made when they are asked for: a million of them take no memory.

    Parameters
    ----------
    names : sequence of str
        Names of the parameters.
    length : int
        Number of rows.
    values : callable
        Gives the values of a row, in the order of the names, from its index.
    units : mapping of str to str, optional
        SI units by name; "1" for none.
    """

    def __init__(
        self,
        names: Sequence[str],
        length: int,
        values: Callable[[int], Sequence[Value]],
        units: Mapping[str, str] | None = None,
    ):
        self.names = tuple(names)
        self.units = dict(units or {})
        self._length = length
        self._values = values
        for name in self.names:
            if not isinstance(name, str) or not name or name in RESERVED or self.names.count(name) > 1:
                raise InputError(
                    f"a plan's parameter is called {name!r}; allowed is a text, once, and none of {', '.join(RESERVED)}"
                )
        for name in self.units:
            if name not in self.names:
                raise InputError(f"units name {name!r}; allowed: {', '.join(self.names) or 'none'}")
        if length < 1:
            raise InputError("the plan has no rows; allowed is one row or more")

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int | slice) -> "Row | Plan":
        if isinstance(index, slice):
            return self._chosen(range(self._length)[index])
        if not -self._length <= index < self._length:
            raise IndexError(f"the plan has {self._length} rows")
        return dict(zip(self.names, self._values(int(index) % self._length), strict=True))

    def __iter__(self) -> Iterator[Row]:
        return (self[index] for index in range(self._length))

    def __repr__(self) -> str:
        return f"Plan({self._length} rows of {', '.join(self.names) or 'nothing'})"

    def where(self, condition: Callable[[Row], bool]) -> "Plan":
        """Keep the rows for which a condition holds.

        Parameters
        ----------
        condition : callable
            Function of a row, such as ``lambda row: row["R_S"] > 10e3``.

        Returns
        -------
        Plan
            The rows that are left.

        Raises
        ------
        InputError
            If none is left.
        """
        kept = np.fromiter((index for index, row in enumerate(self) if condition(row)), dtype=np.int64)
        return self._chosen(kept)

    def derive(self, **functions: Callable[[Row], Value]) -> "Plan":
        """Add parameters that follow from others, or put them in place of those of the same name.

        Parameters
        ----------
        **functions : callable
            For each name a function of the row as it is so far, such as ``beta=lambda row: row["N"] / 32``.

        Returns
        -------
        Plan
            The rows with these parameters.
        """
        names = (*self.names, *(name for name in functions if name not in self.names))

        def values(index: int) -> Sequence[Value]:
            row = self[index]
            for name, function in functions.items():
                row[name] = _checked(function(dict(row)), name)
            return [row[name] for name in names]

        return Plan(names, self._length, values, self.units)

    def with_units(self, **units: str) -> "Plan":
        """State SI units of parameters.

        Parameters
        ----------
        **units : str
            Units by name; "1" for none.

        Returns
        -------
        Plan
            The same rows.
        """
        return Plan(self.names, self._length, self._values, {**self.units, **units})

    def fingerprint(self) -> str:
        """Digest the rows: two plans with the same rows in the same order have the same one, however they were made.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = sha256(json.dumps([self.names, sorted(self.units.items())]).encode())
        rows = (self._values(index) for index in range(self._length))
        while chunk := list(islice(rows, 10_000)):
            digest.update(json.dumps(chunk).encode())
        return digest.hexdigest()

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the plan.

        Returns
        -------
        pandas.DataFrame
            One row a row, one column a parameter; units in ``attrs["units"]``.
        """
        frame = pd.DataFrame([self._values(index) for index in range(self._length)], columns=list(self.names))
        frame.attrs["units"] = dict(self.units)
        return frame

    def _chosen(self, indices: Sequence[int]) -> "Plan":
        return Plan(self.names, len(indices), lambda index: self._values(int(indices[index])), self.units)


def as_plan(given: "Plan | Mapping[str, Iterable] | pd.DataFrame | Iterable[Mapping]") -> Plan:
    """Make a plan of what a user gives for one.

    Parameters
    ----------
    given : Plan, mapping, DataFrame or iterable of mappings
        A mapping of names to values stands for its `grid`, a table or mappings for themselves.

    Returns
    -------
    Plan
        The plan.
    """
    if isinstance(given, Plan):
        return given
    return grid(given) if isinstance(given, Mapping) else listed(given)


def grid(axes: Mapping[str, Iterable], units: Mapping[str, str] | None = None) -> Plan:
    """Plan every combination of values; those of the last parameter change fastest.

    Parameters
    ----------
    axes : mapping of str to iterable
        Values by parameter: numbers in SI, texts such as "15k" or "15 kΩ", which are read as numbers, other texts,
        True, False and None.
    units : mapping of str to str, optional
        SI units by parameter. A parameter whose unit is "text" keeps its texts as they are.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a value is none of these.
    """
    columns, units = _read_columns(axes, units)
    lengths = [len(values) for values in columns.values()]
    fastest_first = [(column, len(column)) for column in reversed(columns.values())]

    def values(index: int) -> Sequence[Value]:
        picked = []
        for column, length in fastest_first:
            index, place = divmod(index, length)
            picked.append(column[place])
        return picked[::-1]

    return Plan(tuple(columns), prod(lengths), values, units)


def zipped(columns: Mapping[str, Iterable], units: Mapping[str, str] | None = None) -> Plan:
    """Plan the first values of all parameters together, then the second ones, and so on.

    Parameters
    ----------
    columns, units
        As for `grid`; all parameters have equally many values.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a value is not allowed, or the numbers of values differ.
    """
    columns, units = _read_columns(columns, units)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"zipped parameters have {lengths} values; allowed is the same number for each")
    length = next(iter(lengths.values()), 1)
    return Plan(tuple(columns), length, lambda index: [column[index] for column in columns.values()], units)


def listed(rows: pd.DataFrame | Iterable[Mapping[str, Any]], units: Mapping[str, str] | None = None) -> Plan:
    """Plan rows as they are given.

    Parameters
    ----------
    rows : DataFrame or iterable of mappings
        Values by parameter; all rows have the same parameters. A table's ``attrs["units"]`` are its units.
    units : mapping of str to str, optional
        As for `grid`.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a value is not allowed, or the parameters differ.
    """
    if isinstance(rows, pd.DataFrame):
        stated = {name: unit for name, unit in rows.attrs.get("units", {}).items() if name in rows}
        return zipped({name: rows[name].tolist() for name in rows}, {**stated, **(units or {})})
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Iterable):
        raise InputError(f"a plan is {rows!r}; allowed are a plan, a mapping of values by name, or a list of mappings")
    rows = list(rows)
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping) or set(row) != set(rows[0]):
            raise InputError(f"row {number} of the plan is {row!r}; allowed are mappings with the same names in each")
    if not rows:
        raise InputError("the plan has no rows; allowed is one row or more")
    if not rows[0]:
        return Plan((), len(rows), lambda index: ())
    return zipped({name: [row[name] for row in rows] for name in rows[0]}, units)


def crossed(*plans: "Plan | Mapping[str, Iterable]") -> Plan:
    """Plan every row of the first plan with every row of the second, and so on; the last plan's rows change fastest.

    Parameters
    ----------
    *plans : Plan or mapping
        Plans of different parameters.

    Returns
    -------
    Plan
        The plan.
    """
    parts = [as_plan(plan) for plan in plans]

    def values(index: int) -> Sequence[Value]:
        picked: list[Value] = []
        for part in reversed(parts):
            index, place = divmod(index, len(part))
            picked[:0] = part._values(place)
        return picked

    units = {name: unit for part in parts for name, unit in part.units.items()}
    return Plan([name for part in parts for name in part.names], prod(map(len, parts)), values, units)


def random(
    ranges: Mapping[str, Range | tuple], count: int, seed: int = 0, units: Mapping[str, str] | None = None
) -> Plan:
    """Plan values drawn at random, evenly over each range and independently.

    Parameters
    ----------
    ranges : mapping of str to Range or pair
        Ranges by parameter; a pair is (lowest, highest).
    count : int
        Number of rows. [-]
    seed : int
        Seed of the draws.
    units : mapping of str to str, optional
        SI units by parameter.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a range, the count or the seed is wrong.
    """
    count = whole_number("count", count, 1)
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    return _scaled(ranges, lambda width: rng.random((count, width)), units)


def latin_hypercube(
    ranges: Mapping[str, Range | tuple], count: int, seed: int = 0, units: Mapping[str, str] | None = None
) -> Plan:
    """Plan a Latin hypercube: each range is cut into `count` equal parts, and each part is met once.

    Parameters
    ----------
    ranges, count, seed, units
        As for `random`.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a range, the count or the seed is wrong.

    References
    ----------
    M. D. McKay, R. J. Beckman, W. J. Conover, Technometrics 21, 239 (1979). DOI 10.1080/00401706.1979.10489755
    """
    from scipy.stats import qmc

    count = whole_number("count", count, 1)
    seed = whole_number("seed", seed, 0)
    return _scaled(
        ranges, lambda width: qmc.LatinHypercube(width, rng=np.random.default_rng(seed)).random(count), units
    )


def sobol(
    ranges: Mapping[str, Range | tuple], count: int, seed: int = 0, units: Mapping[str, str] | None = None
) -> Plan:
    """Plan a scrambled Sobol sequence, which fills the ranges more evenly than random values do.

    Parameters
    ----------
    ranges, seed, units
        As for `random`.
    count : int
        Number of rows, a power of two: only then is the sequence balanced. [-]

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a range, the count or the seed is wrong.

    References
    ----------
    A. B. Owen, "On dropping the first Sobol' point" (2020). https://arxiv.org/abs/2008.08051
    """
    from scipy.stats import qmc

    count = whole_number("count", count, 1)
    if count & (count - 1):
        raise InputError(f"count is {count}; allowed is a power of two, such as {1 << count.bit_length()}")
    seed = whole_number("seed", seed, 0)
    power = count.bit_length() - 1
    return _scaled(ranges, lambda width: qmc.Sobol(width, rng=np.random.default_rng(seed)).random_base2(power), units)


def corners(
    ranges: Mapping[str, Range | tuple],
    nominal: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
) -> Plan:
    """Plan the corners: every combination of the lowest and highest values.

    Parameters
    ----------
    ranges, units
        As for `random`.
    nominal : mapping of str to value, optional
        Values of a first row, before the corners.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a range or a nominal value is wrong.
    """
    ranges, units = read_ranges(ranges, units)
    at_corners = grid({name: (extent.low, extent.high) for name, extent in ranges.items()}, units)
    if nominal is None:
        return at_corners
    _same_names("nominal", nominal, ranges)
    first = zipped({name: [nominal[name]] for name in ranges}, units)
    rows = [list(row.values()) for row in (*first, *at_corners)]
    return Plan(tuple(ranges), len(rows), rows.__getitem__, {**first.units, **at_corners.units})


def one_at_a_time(
    nominal: Mapping[str, Any], changes: Mapping[str, Iterable], units: Mapping[str, str] | None = None
) -> Plan:
    """Plan the nominal values, then each other value of each parameter while all others stay nominal.

    Parameters
    ----------
    nominal : mapping of str to value
        Nominal values by parameter.
    changes : mapping of str to iterable
        Other values by parameter; parameters without any stay nominal.
    units : mapping of str to str, optional
        As for `grid`.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a value is not allowed or a changed parameter has no nominal value.
    """
    for name in changes:
        if name not in nominal:
            raise InputError(f"changes name {name!r}; allowed: {', '.join(nominal)}")
    values = {name: [value, *changes.get(name, ())] for name, value in nominal.items()}
    columns, units = _read_columns(values, units)
    first = {name: column[0] for name, column in columns.items()}
    changed = [{**first, name: value} for name, column in columns.items() for value in column[1:]]
    rows = [list(row.values()) for row in (first, *changed)]
    return Plan(tuple(columns), len(rows), rows.__getitem__, units)


def monte_carlo(
    card: Card, count: int, seed: int = 0, sigma: float | None = None, only: Iterable[str] | None = None
) -> Plan:
    """Plan fabricated devices: the parameters of a card that vary, drawn with their spreads and correlations.

    A device does not depend on how many others there are.

    Parameters
    ----------
    card : Card
        Nominal device with its spreads.
    count : int
        Number of devices. [-]
    seed : int
        Seed of the draws.
    sigma, only
        As for `circuitsnn.variation.draw`.

    Returns
    -------
    Plan
        The plan; ``card.replace(**row)`` is a row's device.

    Raises
    ------
    InputError
        If an argument is wrong, nothing varies or hardly any device could exist.
    """
    count = whole_number("count", count, 1)
    seed = whole_number("seed", seed, 0)
    only = None if only is None else [only] if isinstance(only, str) else list(only)
    stated = [name for name, parameter in card.parameters.items() if parameter.spread is not None]
    names = [name for name in card.parameters if name in (stated if only is None else only)]
    if not names and not only:
        raise InputError(f"card {card.name} states no spread; name the parameters that vary in only, and give sigma")
    latest: dict[int, np.ndarray] = {}

    def values(index: int) -> list[float]:
        block, place = divmod(index, _BLOCK)
        if block not in latest:
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))
            drawn = draw(card, _BLOCK, rng, sigma, only)
            latest.clear()
            latest[block] = np.stack([drawn[name] for name in names], axis=1)
        return latest[block][place].tolist()

    if only is not None or sigma is not None:
        draw(card, 1, np.random.default_rng(0), sigma, only)  # whatever is wrong is said now
    return Plan(names, count, values, {name: card.parameters[name].unit for name in names})


def _scaled(
    ranges: Mapping[str, Range | tuple], shares: Callable[[int], np.ndarray], units: Mapping[str, str] | None
) -> Plan:
    """Stretch shares of 0 to 1, one column a parameter, over the ranges."""
    ranges, units = read_ranges(ranges, units)
    if not ranges:
        raise InputError("ranges are empty; allowed is one range or more")
    table = shares(len(ranges))
    extents = list(ranges.values())

    def values(index: int) -> list[float]:
        return [_within(extent, share) for extent, share in zip(extents, table[index].tolist(), strict=True)]

    return Plan(tuple(ranges), len(table), values, units)


def _within(extent: Range, share: float) -> float:
    low, high = (extent.low, extent.high + 1) if extent.whole else (extent.low, extent.high)
    value = exp(log(low) + share * log(high / low)) if extent.log else low + share * (high - low)
    return min(int(value // 1), int(extent.high)) if extent.whole else min(max(value, low), high)


def read_ranges(
    ranges: Mapping[str, Range | tuple], units: Mapping[str, str] | None
) -> tuple[dict[str, Range], dict[str, str]]:
    """Read the ends of ranges, and find their units.

    Parameters
    ----------
    ranges : mapping of str to Range or (lowest, highest)
        Ranges by name; ends may be texts such as "15 kΩ".
    units : mapping of str to str or None
        Units by name, as far as they are known.

    Returns
    -------
    dict of str to Range, dict of str to str
        Ranges in SI units, and units, those of texts included.

    Raises
    ------
    InputError
        If a range is none, or empty.
    """
    if not isinstance(ranges, Mapping):
        raise InputError(f"ranges are {ranges!r}; allowed is a mapping of names to (lowest, highest)")
    read, found = {}, dict(units or {})
    for name, given in ranges.items():
        extent = given
        if not isinstance(given, Range):
            if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2:
                raise InputError(f"range {name} is {given!r}; allowed is a pair (lowest, highest), or a Range")
            extent = Range(*given)
        (low, high), unit = _read_column(name, [extent.low, extent.high], found.get(name))
        if unit is not None:
            found[name] = unit
        numbers = all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in (low, high))
        if not numbers or not -np.inf < low < high < np.inf:
            raise InputError(f"range {name} is {given!r}; allowed are two finite numbers, the lower one first")
        if extent.log and low <= 0:
            raise InputError(f"range {name} is {given!r} over a logarithm; allowed are numbers > 0")
        if extent.whole and (low != int(low) or high != int(high)):
            raise InputError(f"range {name} is {given!r} of whole numbers; allowed are whole numbers at both ends")
        whole = (int(low), int(high)) if extent.whole else (low, high)
        read[name] = Range(*whole, log=extent.log, whole=extent.whole)
    return read, found


def _read_columns(
    given: Mapping[str, Iterable], units: Mapping[str, str] | None
) -> tuple[dict[str, list[Value]], dict[str, str]]:
    """Read values by parameter, and find their units."""
    if not isinstance(given, Mapping):
        raise InputError(f"values are {given!r}; allowed is a mapping of names to lists of values")
    columns, found = {}, dict(units or {})
    for name, values in given.items():
        if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
            raise InputError(f"parameter {name} is {values!r}; allowed is a list of values")
        columns[name], unit = _read_column(name, list(values), found.get(name))
        if unit is not None:
            found[name] = unit
    return columns, {name: unit for name, unit in found.items() if unit != "text"}


def _read_column(name: str, values: list[Any], unit: str | None) -> tuple[list[Value], str | None]:
    """Read a parameter's values. Its texts are either all quantities or all names."""
    values = [_checked(value, name) for value in values]
    texts = [value for value in values if isinstance(value, str)]
    if not texts or unit == "text":
        return values, unit
    if unit is None:
        units = {_unit_of(text, name) for text in texts}
        if units == {None}:
            return values, None
        if None in units:
            raise InputError(
                f"parameter {name} has numbers and other texts among {texts!r}; allowed is one of the two, or the unit "
                '"text" for texts that are kept as they are'
            )
        units -= {"1"}
        if len(units) > 1:
            raise InputError(f"parameter {name} has the units {', '.join(sorted(units))}; allowed is one")
        unit = units.pop() if units else None
    where = f"parameter {name}"
    return [read_quantity(value, unit or "1", where) if isinstance(value, str) else value for value in values], unit


def _unit_of(text: str, name: str) -> str | None:
    """Find the unit that a text has; None if the text is no quantity."""
    if text.rstrip().endswith("K") and text.strip()[:1].isdigit():
        raise InputError(
            f"parameter {name} is {text!r}, which may be kelvin or a thousand; allowed is either with its unit given "
            'in units, or "text" there'
        )
    for unit in ("1", *(unit for unit in UNITS if unit != "1")):
        try:
            read_quantity(text, unit, name)
        except InputError:
            continue
        return unit
    return None


def _checked(value: Any, name: str) -> Value:
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (bool, int, float, str, type(None))) or (isinstance(value, float) and isnan(value)):
        raise InputError(f"parameter {name} is {value!r}; allowed are numbers, texts, true, false and None")
    return value


def _same_names(what: str, given: Mapping, names: Iterable[str]) -> None:
    if not isinstance(given, Mapping) or set(given) != set(names):
        raise InputError(f"{what} is {given!r}; allowed is a mapping with a value for each of {', '.join(names)}")
