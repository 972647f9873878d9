"""Reading measured samples: text files with one column a quantity, as instruments and spreadsheets write them."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from circuitsnn.errors import InputError
from circuitsnn.quantities import read_quantity

LARGEST_FILE = 500_000_000  # [byte]
MOST_SAMPLES = 1_000_000

# What a column holds by its name, where the header gives no unit.
_NAMES = {
    "s": re.compile(r"(t|time)([\W_].*)?", re.I),
    "V": re.compile(r"(v|u|voltage|volt|volts|vout|vin|vdev|out|output)([\W_\d].*)?", re.I),
    "A": re.compile(r"(i|current|amps?)([\W_\d].*)?", re.I),
}
_BRACKETED = re.compile(r"(.*?)\s*[\[(]\s*([^\[\]()]*?)\s*[\])]")
_SUFFIXED = re.compile(r"(.+)_([^_\s]+)")
_SPACE = re.compile(r"\s+(?![\[(])")  # the space before a unit in brackets separates nothing


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a file."""

    name: str
    """Name in the file, without its unit."""
    unit: str
    """"s", "V", "A", or empty where neither name nor unit tells."""
    values: np.ndarray
    """The samples. [SI]"""


def read_columns(path: Path) -> tuple[Column, ...]:
    """Read a text file of numbers with a header line.

    The header gives a name and mostly a unit for each column, such as "voltage [V],current [µA]" or "time_us;v_out_mV".
    Columns are separated by commas, semicolons (decimal commas are then understood), tabs or spaces. Empty lines and
    what follows a # are ignored.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of Column
        The columns, in SI units, in the file's order.

    Raises
    ------
    InputError
        If the file cannot be understood; the message names line, column, what was found and what is allowed.
    """
    lines = _read_lines(path)
    kept = [(number, line) for number, line in enumerate((line.split("#")[0].strip() for line in lines), 1) if line]
    if not kept:
        raise InputError(f"{path}: the file holds nothing; {_ALLOWED}")
    (first, header), rows = kept[0], kept[1:]
    separator = next((mark for mark in (";", "\t", ",") if mark in header), " ")
    names = [name.strip().strip("\"'").strip() for name in _split(header, separator)]
    if any(_is_number(name) for name in names):
        raise InputError(f"{path}, line {first}: the header is {header!r}, which holds a number; {_ALLOWED}")
    if len(names) < 2:
        raise InputError(f"{path}, line {first}: the header is {header!r}, one column; {_ALLOWED}")
    if not rows:
        raise InputError(f"{path}: no numbers follow the header; {_ALLOWED}")
    if len(rows) > MOST_SAMPLES:
        raise InputError(f"{path}: {len(rows)} samples; allowed are {MOST_SAMPLES}: thin them out")
    table = _read_numbers(path, rows, names, separator)
    return tuple(_column(name, values) for name, values in zip(names, table.T, strict=True))


def choose_column(columns: Sequence[Column], path: Path, role: str, unit: str, given: str | None) -> np.ndarray:
    """Find the column that holds a quantity.

    Parameters
    ----------
    columns : sequence of Column
        The columns of the file.
    path : Path
        The file, for the error message.
    role : str
        What is looked for: "time", "output", "voltage" or "current".
    unit : str
        Its unit.
    given : str or None
        Name that the user gives for it.

    Returns
    -------
    ndarray
        The samples. [SI]

    Raises
    ------
    InputError
        If there is no such column, or more than one and no name.
    """
    names = ", ".join(repr(column.name) for column in columns)
    if given is not None:
        found = [column for column in columns if column.name == given]
        found = found or [column for column in columns if column.name.lower() == given.lower()]
        if not found:
            raise InputError(f"{path}: there is no column {given!r} for the {role}; its columns are {names}")
        if found[0].unit not in ("", unit):
            raise InputError(f"{path}: column {given!r} is in {found[0].unit}; the {role} must be in {unit}")
        return found[0].values
    found = [column for column in columns if column.unit == unit]
    if len(found) > 1:
        # The output among the nodes of a circuit.
        found = [column for column in found if role == "output" and "out" in column.name.lower()] or found
    if len(found) != 1:
        what = f"{len(found)} columns" if found else "no column"
        raise InputError(
            f"{path}: {what} in {unit} for the {role} among {names}; name the one with --column {role}=NAME"
        )
    return found[0].values


_ALLOWED = "allowed is a header line with names and units, such as 'voltage [V],current [A]', and lines of numbers"


def _read_lines(path: Path) -> list[str]:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise InputError(f"{path}: {size / 1e6:.0f} MB; allowed are {LARGEST_FILE / 1e6:.0f} MB: thin the samples out")
    content = path.read_bytes()
    if b"\0" in content:
        raise InputError(f"{path}: not a text file; {_ALLOWED} (a raw file of a simulator must end in .raw)")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # what older instruments write for the µ of microseconds
    return text.splitlines()


def _split(line: str, separator: str) -> list[str]:
    return _SPACE.split(line) if separator == " " else line.split(separator)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _read_numbers(path: Path, rows: list[tuple[int, str]], names: list[str], separator: str) -> np.ndarray:
    """Read the numbers, at pandas' speed; look line by line for what is wrong only where something is."""
    decimal = "," if separator == ";" and any("," in line for _, line in rows[:100]) else "."
    text = io.StringIO("\n".join(line for _, line in rows))
    try:
        table = pd.read_csv(
            text, sep=r"\s+" if separator == " " else separator, header=None, decimal=decimal, dtype=float
        ).to_numpy()
    except (ValueError, pd.errors.ParserError):
        table = None
    if table is None or table.shape != (len(rows), len(names)) or not np.isfinite(table).all():
        for number, line in rows:
            _check_line(path, number, line.split() if separator == " " else line.split(separator), names, decimal)
        raise InputError(f"{path}: the numbers cannot be read; {_ALLOWED}")
    return table


def _check_line(path: Path, number: int, fields: list[str], names: list[str], decimal: str) -> None:
    if len(fields) != len(names):
        raise InputError(
            f"{path}, line {number}: {len(fields)} values; the header names {len(names)} columns, {', '.join(names)}"
        )
    for name, field in zip(names, fields, strict=True):
        try:
            value = np.nan if decimal != "." and "." in field else float(field.strip().replace(decimal, "."))
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise InputError(
                f"{path}, line {number}, column {name!r}: {field.strip()!r} is not a finite number; allowed is "
                f"a number such as 1{decimal}5e-3, its scale in the header's unit"
            )


def _column(header: str, values: np.ndarray) -> Column:
    """Take the unit out of a column's header and the values to SI."""
    bracketed = _BRACKETED.fullmatch(header)
    if bracketed:
        name, unit = bracketed.groups()
        base, scale = _read_unit(unit)
        return Column(name or unit, base, values * scale) if base else Column(header, "", values)
    suffixed = _SUFFIXED.fullmatch(header)
    if suffixed:
        base, scale = _read_unit(suffixed[2])
        # The s of "v_s" is no second: the name must not say otherwise.
        if base and _unit_by_name(suffixed[1]) in ("", base):
            return Column(suffixed[1], base, values * scale)
    return Column(header, _unit_by_name(header), values)


def _read_unit(text: str) -> tuple[str, float]:
    """Split "mV", "µs" or "A" into base unit and scale; the unit is empty for any other."""
    for base in _NAMES:
        try:
            return base, read_quantity(f"1 {text}", base, "unit") if text != base else 1.0
        except InputError:
            continue
    return "", 1.0


def _unit_by_name(name: str) -> str:
    return next((unit for unit, pattern in _NAMES.items() if pattern.fullmatch(name)), "")


def vector_columns(vectors: Mapping[str, np.ndarray]) -> tuple[Column, ...]:
    """Turn the vectors of a simulator's raw file into columns.

    Parameters
    ----------
    vectors : mapping of str to ndarray
        Vectors by name, such as "time", "v(osc0_out)" and "i(vosc0_vdd)". [SI]

    Returns
    -------
    tuple of Column
        The columns.
    """
    units = {"time": "s", "v(": "V", "i(": "A"}
    return tuple(
        Column(name, next((unit for start, unit in units.items() if name.startswith(start)), ""), values)
        for name, values in vectors.items()
    )
