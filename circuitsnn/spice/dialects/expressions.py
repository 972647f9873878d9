"""Expressions of behavioural sources and parameters, carried from the SPICE that we write into other dialects."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from circuitsnn.errors import InputError
from circuitsnn.spice.numbers import read_spice_number, spice_number

FUNCTIONS = (
    "abs", "acos", "asin", "asinh", "atan", "cos", "cosh", "exp", "ln", "log10", "max", "min", "sin", "sinh", "sqrt",
    "tan", "tanh",
)  # fmt: skip
"""Functions that the dialects mean alike. Powers are written ``**``: HSPICE's pow drops what follows the point."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[a-z]*)"
    r"|(?P<probe>[vi]\s*\((?P<names>[^()]*)\))"
    r"|(?P<name>[a-z_]\w*)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|&&|\|\||[-+*/(),?:<>]))",
    re.I | re.A,
)


class Probe(NamedTuple):
    """A voltage or current in an expression."""

    quantity: str
    """``v`` or ``i``."""
    names: tuple[str, ...]
    """One node or two, or one voltage source."""


Token = tuple[str, object]


def tokens(expression: str) -> Iterable[Token]:
    """Split an expression.

    Parameters
    ----------
    expression
        In the syntax of ngspice's B sources, with or without braces around it.

    Yields
    ------
    tuple
        What it is ("number", "probe", "name", "operator") and its value.

    Raises
    ------
    InputError
        Where something is not part of such an expression.
    """
    text = expression.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InputError(
                f"the expression {expression!r} cannot be translated from {text[position:].lstrip()!r} on; allowed "
                f"are numbers, parameters, V(a), V(a,b), I(source), + - * / ** ? : comparisons and "
                f"{', '.join(FUNCTIONS)}"
            )
        position = match.end()
        if match["number"]:
            value = read_spice_number(match["number"])
            if value is None:
                raise InputError(f"the expression {expression!r} holds {match['number']!r}, which is not a number")
            yield "number", value
        elif match["probe"]:
            names = tuple(name.strip() for name in match["names"].split(","))
            yield "probe", Probe(match["probe"][0].lower(), names)
        elif match["name"]:
            following = text[position:].lstrip()
            if following.startswith("(") and match["name"].lower() not in FUNCTIONS:
                raise InputError(
                    f"the expression {expression!r} calls {match['name']!r}, which not every dialect has; "
                    f"allowed: {', '.join(FUNCTIONS)}"
                )
            yield "name", match["name"]
        else:
            yield "operator", match["operator"]


def translate(
    expression: str,
    probe: Callable[[Probe], str],
    number: Callable[[float], str] = spice_number,
    operators: Mapping[str, str] | None = None,
) -> str:
    """Write an expression in another dialect.

    Parameters
    ----------
    expression
        In the syntax of ngspice's B sources, with or without braces around it.
    probe
        How the dialect writes a voltage or current.
    number
        How the dialect writes a number.
    operators
        Operators that the dialect writes in its own way.

    Returns
    -------
    str
        The expression, without braces.

    Raises
    ------
    InputError
        If it holds what not every dialect has.
    """
    operators = operators or {}
    words = []
    for kind, value in tokens(expression):
        if kind == "number":
            words.append(number(value))
        elif kind == "probe":
            words.append(probe(value))
        else:
            words.append(operators.get(value, value))
    return "".join(words)
