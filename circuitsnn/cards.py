"""Device cards: one TOML file per device, with a unit, a source and a spread for each parameter."""

import difflib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Bounds

from circuitsnn.card_kinds import KINDS, Kind
from circuitsnn.errors import InputError
from circuitsnn.files import write_text
from circuitsnn.quantities import UNITS, read_quantity, show_quantity
from circuitsnn.resources import resource_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Card", "Correlation", "Parameter", "Spread", "list_cards", "load_card"]

Distribution = Literal["normal", "lognormal", "uniform"]


@dataclass(frozen=True)
class Correlation:
    """Statistical tie of one parameter's spread to another's."""

    name: str
    """The other parameter of the same card."""
    coefficient: float
    """Correlation coefficient of the underlying normal variables, between -1 and 1."""


@dataclass(frozen=True)
class Spread:
    """How a parameter differs from one fabricated device to the next."""

    relative_sigma: float | None = None
    """Standard deviation divided by the parameter's value; None where `sigma` is given."""
    sigma: float | None = None
    """Standard deviation in the parameter's unit; None where `relative_sigma` is given."""
    distribution: Distribution = "normal"
    """Shape of the distribution."""
    correlated_with: Correlation | None = None
    """Parameter whose spread goes with this one."""
    source: str = ""
    """Where the spread comes from."""

    def __post_init__(self) -> None:
        if (self.sigma is None) == (self.relative_sigma is None):
            raise InputError("a spread must have exactly one of relative_sigma and sigma")
        name = "sigma" if self.sigma is not None else "relative_sigma"
        if not 0 <= getattr(self, name) < inf:
            raise InputError(f"{name} is {getattr(self, name)!r}; it must be >= 0 and finite")
        if self.distribution not in get_args(Distribution):
            allowed = _allowed(self.distribution, get_args(Distribution))
            raise InputError(f"distribution is {self.distribution!r}; {allowed}")

    def standard_deviation(self, value: float) -> float:
        """Give the standard deviation about a nominal value.

        Parameters
        ----------
        value : float
            Nominal value of the parameter. [its unit]

        Returns
        -------
        float
            Standard deviation. [its unit]
        """
        return self.sigma if self.sigma is not None else self.relative_sigma * value


@dataclass(frozen=True)
class Parameter:
    """One parameter of a device card."""

    value: float
    """Nominal value. [SI]"""
    unit: str
    """SI unit; "1" for none."""
    meaning: str
    """One line of meaning."""
    source: str
    """Where the value comes from."""
    spread: Spread | None = None
    """Variation between devices; None for none."""


@dataclass(frozen=True)
class Card:
    """A device with its circuit: named parameters with unit, source and spread.

    A parameter's nominal value is an attribute: ``card.R_S`` [ohm]. Construction raises `InputError` where
    the parameters are not those of the kind or cannot be physical.
    """

    name: str
    """Name, which is the file's name without ".toml"."""
    kind: str
    """Key of `circuitsnn.card_kinds.KINDS`."""
    title: str
    """One line saying what the device is."""
    source: str
    """Publication with DOI, or whatever else the card as a whole rests on."""
    parameters: Mapping[str, Parameter] = field(hash=False)
    """The parameters by name."""
    notes: str = ""
    """What a user of the card must know."""
    path: Path | None = field(default=None, compare=False)
    """File it was read from."""
    parts: Mapping[str, "Card"] = field(default_factory=dict, hash=False)
    """Cards that it is built from, by the part's name; ``card.parts["cell"]``."""

    def __post_init__(self) -> None:
        where = str(self.path or self.name)
        if self.kind not in KINDS:
            raise InputError(f"{where}: kind is {self.kind!r}; {_allowed(self.kind, KINDS)}")
        names = KINDS[self.kind].names
        for name in self.parameters:
            if name not in names:
                raise InputError(f"{where}: unknown parameter {name!r}; {_allowed(name, names)}")
        missing = [name for name in names if name not in self.parameters]
        if missing:
            raise InputError(f"{where}: parameter {missing[0]} is missing; kind '{self.kind}' needs {', '.join(names)}")
        ordered = {name: self.parameters[name] for name in names}
        object.__setattr__(self, "parameters", MappingProxyType(ordered))
        _check_parts(where, KINDS[self.kind], self.parts)
        object.__setattr__(self, "parts", MappingProxyType({name: self.parts[name] for name in KINDS[self.kind].parts}))
        _check_values(where, KINDS[self.kind], ordered)
        _check_correlations(where, self.parameters)

    def __getattr__(self, name: str) -> float:
        parameters = self.__dict__.get("parameters", {})
        if name in parameters:
            return parameters[name].value
        raise AttributeError(f"card has no parameter {name!r}; its parameters are {', '.join(parameters)}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.parameters]

    def __reduce__(self) -> tuple:
        # A read-only mapping cannot travel to a worker process; a plain one can.
        fields = (self.name, self.kind, self.title, self.source, dict(self.parameters), self.notes, self.path)
        return Card, (*fields, dict(self.parts))

    @property
    def values(self) -> dict[str, float]:
        """Nominal values by name, in SI units."""
        return {name: parameter.value for name, parameter in self.parameters.items()}

    def replace(self, **overrides: "float | str | Card") -> "Card":
        """Make the same card with other nominal values or parts; spreads given as relative stay relative.

        Parameters
        ----------
        **overrides : float, str or Card
            New values by parameter name: numbers in SI, or text such as "15k" or "15 kΩ". A parameter of a part
            has the part's name and a dot before its own: ``**{"cell.nmos.A_VT": "5n"}``. A part's name takes another
            card, or the name or path of one; it is exchanged before its parameters are set.

        Returns
        -------
        Card
            The variant.

        Raises
        ------
        InputError
            If a name is not a parameter or a part of the card, a value is not possible or a card does not fit.
        """
        where = str(self.path or self.name)
        parameters, parts = dict(self.parameters), dict(self.parts)
        # Parts first, whatever the order.
        for name, given in sorted(overrides.items(), key=lambda item: item[0] not in parts):
            if name in parts:
                parts[name] = given if isinstance(given, Card) else _named_part(given, f"{where}: part {name}")
                continue
            part, dot, rest = name.partition(".")
            if dot:
                if part not in parts:
                    raise InputError(f"{where}: unknown part {part!r} in {name!r}; {_allowed(part, parts)}")
                parts[part] = parts[part].replace(**{rest: given})
                continue
            if name not in parameters:
                raise InputError(f"{where}: unknown parameter {name!r}; {_allowed(name, [*parameters, *parts])}")
            old = parameters[name]
            value = read_quantity(given, old.unit, f"{where}: parameter {name}")
            if value != old.value:
                source = f"override of {show_quantity(old.value, old.unit)}"
                parameters[name] = replace(old, value=value, source=source)
        return replace(self, parameters=parameters, parts=parts)

    def write(self, path: str | os.PathLike) -> None:
        """Write the card as TOML, whole or not at all; reading it back gives an equal card.

        Parameters
        ----------
        path : path-like
            File to write, usually "NAME.toml".

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        write_text(path, _to_toml(self))


def list_cards() -> list[str]:
    """Names of the cards that come with the package.

    Returns
    -------
    list of str
        Names for `load_card`, in alphabetical order.
    """
    return sorted(path.stem for path in resource_folder("devices").glob("*.toml"))


def load_card(name_or_path: str | os.PathLike, **overrides: float | str) -> Card:
    """Load a device card, by name from the package or by path from the user's own file.

    Parameters
    ----------
    name_or_path : str or path-like
        Name of a card of the package ("vo2_delacour2021"), or the path of a TOML file.
    **overrides : float or str
        Other nominal values: numbers in SI, or text such as R_S="15k".

    Returns
    -------
    Card
        The card.

    Raises
    ------
    InputError
        If there is no such card, or the file or an override is wrong; the message names file, field, what was
        found and what is allowed.
    """
    card = _read(_find(name_or_path))
    return card.replace(**overrides) if overrides else card


def _read(path: Path, within: tuple[Path, ...] = ()) -> Card:
    """Read a card's file; `within` are the files that name it as a part."""
    if path in within:
        raise InputError(f"{path}: the card is a part of itself")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not a TOML file: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a TOML file: it must be UTF-8 text") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; name a readable TOML file") from error
    return _from_tables(tables, path, within=within)


# The file's edge: pydantic says what a card file may hold; beyond it there are only the dataclasses above.


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _CorrelationTable(_Table):
    name: str
    coefficient: Annotated[float, Bounds(gt=-1, lt=1)]


class _SpreadTable(_Table):
    relative_sigma: float | None = None
    sigma: float | int | str | None = None
    distribution: Distribution = "normal"
    correlated_with: _CorrelationTable | None = None
    source: str


class _ParameterTable(_Table):
    value: float | int | str
    unit: str
    meaning: str | None = None
    source: str
    spread: _SpreadTable | None = None


class _CardTable(_Table):
    kind: str
    title: str
    source: str
    notes: str = ""
    parameters: dict[str, _ParameterTable]
    parts: dict[str, Any] = {}
    name: str | None = None


def _find(name_or_path: str | os.PathLike) -> Path:
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise InputError(f"card is {name_or_path!r}; allowed is a card's name or the path of a TOML file")
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, os.PathLike) or text.endswith(".toml") or os.sep in text:
        return Path(text)
    names = list_cards()
    if text not in names:
        raise InputError(f"there is no card {text!r}; {_allowed(text, names)}, or the path of a TOML file")
    return resource_folder("devices") / f"{text}.toml"


def _from_tables(tables: dict[str, Any], path: Path, part: str = "", within: tuple[Path, ...] = ()) -> Card:
    where = f"{path}: part {part}" if part else f"{path}"
    try:
        table = _CardTable.model_validate(tables)
    except ValidationError as error:
        raise InputError(f"{where}: {_sentence(error)}") from None
    if table.kind not in KINDS:
        raise InputError(f"{where}: kind is {table.kind!r}; {_allowed(table.kind, KINDS)}")
    kind = KINDS[table.kind]
    for name in table.parameters:
        if name not in kind.names:
            raise InputError(f"{where}: unknown parameter {name!r}; {_allowed(name, kind.names)}")
    for name, given in table.parts.items():
        if name not in kind.parts:
            raise InputError(f"{where}: unknown part {name!r}; {_allowed(name, kind.parts)}")
        if not isinstance(given, (str, dict)):
            raise InputError(
                f"{where}: part {name} is {given!r}; allowed is a card's name, the path of one, or a table"
            )
    inner = f"{part}." if part else ""
    return Card(
        name=table.name or f"{path.stem}.{part}" if part else path.stem,
        kind=table.kind,
        title=table.title,
        source=table.source,
        parameters={
            name: _parameter(parameter, kind, name, f"{where}: parameter {name}")
            for name, parameter in table.parameters.items()
        },
        notes=table.notes,
        path=path,
        parts={name: _part(given, path, inner + name, within) for name, given in table.parts.items()},
    )


def _part(given: str | dict[str, Any], path: Path, name: str, within: tuple[Path, ...]) -> Card:
    """Read a part of a card: written out in the same file, or named; a path is relative to the card's folder."""
    if isinstance(given, dict):
        return _from_tables(given, path, name, within)
    found = path.parent / given if given.endswith(".toml") else _find(given)
    return _read(found, (*within, path))


def _named_part(given: object, where: str) -> Card:
    """Load the card that takes a part's place."""
    if not isinstance(given, (str, os.PathLike)):
        raise InputError(f"{where} is {given!r}; allowed is a card, a card's name or the path of a TOML file")
    try:
        return _read(_find(given))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _parameter(table: _ParameterTable, kind: Kind, name: str, where: str) -> Parameter:
    unit = kind.field(name).unit
    if table.unit not in UNITS.get(unit, (unit,)):
        raise InputError(f"{where}: unit is {table.unit!r}; allowed is '{unit}' (a scale goes into the value)")
    return Parameter(
        value=read_quantity(table.value, unit, where),
        unit=unit,
        meaning=table.meaning or kind.field(name).meaning,
        source=table.source,
        spread=None if table.spread is None else _spread(table.spread, unit, f"{where}: spread"),
    )


def _spread(table: _SpreadTable, unit: str, where: str) -> Spread:
    tie = table.correlated_with
    sigma = None if table.sigma is None else read_quantity(table.sigma, unit, f"{where}: sigma")
    try:
        return Spread(
            relative_sigma=table.relative_sigma,
            sigma=sigma,
            distribution=table.distribution,
            correlated_with=None if tie is None else Correlation(tie.name, tie.coefficient),
            source=table.source,
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _check_parts(where: str, kind: Kind, parts: Mapping[str, Card]) -> None:
    for name, kinds in kind.parts.items():
        if name not in parts:
            raise InputError(f"{where}: part {name!r} is missing; allowed is a card of kind {' or '.join(kinds)}")
        if parts[name].kind not in kinds:
            raise InputError(f"{where}: part {name} is of kind {parts[name].kind!r}; allowed: {', '.join(kinds)}")
    for name in parts:
        if name not in kind.parts:
            raise InputError(f"{where}: unknown part {name!r}; {_allowed(name, kind.parts)}")


def _check_values(where: str, kind: Kind, parameters: Mapping[str, Parameter]) -> None:
    for spec in kind.fields:
        value, unit = parameters[spec.name].value, parameters[spec.name].unit
        if unit != spec.unit:
            raise InputError(f"{where}: parameter {spec.name} has unit {unit!r}; allowed is '{spec.unit}'")
        if not isinstance(value, (int, float)) or not isfinite(value) or not spec.allows(value):
            shown = show_quantity(value, unit) if isinstance(value, (int, float)) else repr(value)
            raise InputError(f"{where}: parameter {spec.name} is {shown}; it must be {spec.bounds}")
    values = {name: parameter.value for name, parameter in parameters.items()}
    for check in kind.checks:
        if not check.holds(values):
            found = (f"{name} is {show_quantity(values[name], parameters[name].unit)}" for name in check.names)
            raise InputError(f"{where}: {', '.join(found)}; {check.rule}")


def _check_correlations(where: str, parameters: Mapping[str, Parameter]) -> None:
    with_spread = [name for name, parameter in parameters.items() if parameter.spread is not None]
    for name in with_spread:
        chain = [name]
        while (tie := parameters[chain[-1]].spread.correlated_with) is not None:
            if tie.name not in with_spread:
                others = [other for other in with_spread if other != chain[-1]]
                raise InputError(
                    f"{where}: the spread of {chain[-1]} is correlated with {tie.name!r}; "
                    f"{_allowed(tie.name, others)} (the parameters with a spread)"
                )
            if tie.name in chain:
                raise InputError(
                    f"{where}: the spreads of {', '.join(chain)} are correlated in a circle; "
                    "state each correlation at one of the two parameters only"
                )
            chain.append(tie.name)


def _allowed(found: object, names: Iterable[str]) -> str:
    names = list(names)
    text = str(found)
    near = (
        [name for name in names if name.lower() == text.lower()]
        or difflib.get_close_matches(text, names, n=1)
        or [name for name in names if text and name.startswith(text)]
    )
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}allowed: {', '.join(names) or 'nothing'}"


def _sentence(error: ValidationError) -> str:
    """One sentence for the first thing that pydantic found."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if not (isinstance(part, str) and part in _UNION_MEMBERS)]
    if first["type"] in ("extra_forbidden", "missing"):
        table: Any = _CardTable
        for part in place[:-1]:
            table = _TABLES.get(part, table)
        inside = f" in {'.'.join(place[:-1])}" if len(place) > 1 else ""
        fields = table.model_fields
        if first["type"] == "extra_forbidden":
            return f"unknown field {place[-1]!r}{inside}; {_allowed(place[-1], fields)}"
        required = [name for name, spec in fields.items() if spec.is_required()]
        return f"field {place[-1]!r} is missing{inside}; needed: {', '.join(required)}"
    rule = first["msg"].replace("Input should be", "it should be")
    found = "a table" if isinstance(first["input"], dict) else repr(first["input"])
    return f"{'.'.join(place)} is {found}; {rule}"


_UNION_MEMBERS = ("float", "int", "str")
_TABLES = {"parameters": _ParameterTable, "spread": _SpreadTable, "correlated_with": _CorrelationTable}


def _to_toml(card: Card, prefix: str = "") -> str:
    lines = [f"{name} = {_toml_text(getattr(card, name))}" for name in ("kind", "title", "source", "notes")]
    for name, parameter in card.parameters.items():
        number = repr(float(parameter.value))
        quantity = _toml_text(show_quantity(float(parameter.value), parameter.unit))
        lines += [
            "",
            f"[{prefix}parameters.{name}]",
            f"value = {number if parameter.unit == '1' else quantity}",
            f"unit = {_toml_text(parameter.unit)}",
            f"meaning = {_toml_text(parameter.meaning)}",
            f"source = {_toml_text(parameter.source)}",
        ]
        if parameter.spread is not None:
            lines.append(f"spread = {_toml_spread(parameter.spread)}")
    text = "\n".join(lines) + "\n"
    # Parts are written out, so that the file holds the whole card, overrides included.
    for name, part in card.parts.items():
        text += f"\n[{prefix}parts.{name}]\nname = {_toml_text(part.name)}\n" + _to_toml(part, f"{prefix}parts.{name}.")
    return text


def _toml_spread(spread: Spread) -> str:
    entries = [
        f"{name} = {float(getattr(spread, name))!r}"
        for name in ("relative_sigma", "sigma")
        if getattr(spread, name) is not None
    ]
    entries.append(f"distribution = {_toml_text(spread.distribution)}")
    if spread.correlated_with is not None:
        tie = spread.correlated_with
        name, coefficient = _toml_text(tie.name), repr(float(tie.coefficient))
        entries.append(f"correlated_with = {{ name = {name}, coefficient = {coefficient} }}")
    entries.append(f"source = {_toml_text(spread.source)}")
    return f"{{ {', '.join(entries)} }}"


def _toml_text(text: str) -> str:
    # JSON's escapes are a subset of TOML's basic strings but for DEL, which TOML wants escaped as well.
    lines = [json.dumps(line, ensure_ascii=False)[1:-1] for line in text.split("\n")]
    lines = [line.replace("\x7f", "\\u007f") for line in lines]
    if len(lines) == 1:
        return f'"{lines[0]}"'
    return '"""\n' + "\n".join(lines) + '"""'
