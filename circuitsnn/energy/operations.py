"""Energies of single operations as measured, each from a card of kind "operation_energies"."""

from dataclasses import dataclass
from typing import Literal, get_args

from circuitsnn.cards import Card
from circuitsnn.errors import InputError

__all__ = ["OperationEnergy", "operation_energy"]

Operation = Literal["mac", "ac"]
Numbers = Literal["integer", "float"]

# What the cards hold, by kind of number: name of the format and bits, in rising order.
_ADDITIONS = {"integer": {8: "int8", 16: "int16", 32: "int32"}, "float": {16: "fp16", 32: "fp32"}}
_PRODUCTS = {"integer": {8: "int8", 32: "int32"}, "float": {16: "fp16", 32: "fp32"}}


@dataclass(frozen=True)
class OperationEnergy:
    """Energy of one operation."""

    energy: float
    """Energy. [J]"""
    source: str
    """The figures that it is made of, and where they come from."""


def operation_energy(card: Card, operation: Operation, bits: float, numbers: Numbers = "integer") -> OperationEnergy:
    """Look an operation's energy up, at the smallest width on the card that holds the numbers; nothing is scaled.

    Parameters
    ----------
    card : Card
        Energies, of kind "operation_energies".
    operation : {"mac", "ac"}
        Multiplication with accumulation, or accumulation alone.
    bits : float
        Bits of the longer operand.
    numbers : {"integer", "float"}
        Kind of numbers.

    Returns
    -------
    OperationEnergy
        A multiplication and an addition of one width, or an addition.

    Raises
    ------
    InputError
        If an argument is not possible, or no width on the card is enough.
    """
    kind = getattr(card, "kind", None)
    if kind != "operation_energies":
        found = f"card {card.name} is of kind {kind!r}" if kind else f"card is {card!r}"
        raise InputError(f"{found}; allowed is a card of kind 'operation_energies'")
    for name, given, allowed in (("operation", operation, Operation), ("numbers", numbers, Numbers)):
        if given not in get_args(allowed):
            raise InputError(f"{name} is {given!r}; allowed: {', '.join(get_args(allowed))}")
    if isinstance(bits, bool) or not isinstance(bits, (int, float)) or not bits >= 1:
        raise InputError(f"bits is {bits!r}; allowed is a number >= 1")
    formats = (_PRODUCTS if operation == "mac" else _ADDITIONS)[numbers]
    widths = [width for width in formats if width >= bits]
    if not widths:
        raise InputError(f"bits is {bits:g}; card {card.name} has {numbers} numbers of {max(formats)} bits at most")
    name = formats[min(widths)]
    parts = ["E_add_" + name] if operation == "ac" else ["E_mul_" + name, "E_add_" + name]
    sources = dict.fromkeys(card.parameters[part].source for part in parts)
    return OperationEnergy(sum(getattr(card, part) for part in parts), f"{' + '.join(parts)}: {'; '.join(sources)}")
