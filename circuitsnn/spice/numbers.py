"""Numbers as a circuit designer writes them: 20k and 500p where exact, every digit where not."""

import re
from collections.abc import Mapping
from decimal import Decimal

from circuitsnn.errors import InputError

SPICE_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "meg", 9: "g", 12: "t"}
"""Letters for powers of ten in the SPICE dialects, where m and M are both milli."""

SPECTRE_PREFIXES = SPICE_PREFIXES | {6: "M", 9: "G", 12: "T"}
"""The same in Spectre and VACASK, where case counts."""

_SHORT = 6  # significant digits up to which a prefix still helps the eye
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(t|g|meg|mil|k|m|u|n|p|f|a)?[a-z]*", re.I)
_POWERS = {letters: power for power, letters in SPICE_PREFIXES.items()} | {"a": -18}


def spice_number(value: float, prefixes: Mapping[int, str] = SPICE_PREFIXES) -> str:
    """Write a number so that SPICE reads back exactly the same float.

    Parameters
    ----------
    value
        Any finite number, in SI units.
    prefixes
        Letters for powers of ten.

    Returns
    -------
    str
        ``20k``, ``500p``, ``1.5meg``; a number of more than six digits as Python writes it, in full.

    Raises
    ------
    InputError
        For an infinity or NaN, which SPICE cannot read.
    """
    value = float(value)
    exact = Decimal(repr(value))
    if not exact.is_finite():
        raise InputError(f"a netlist can hold finite numbers only, not {value}")
    if exact == 0:
        return "0"
    exact = exact.normalize()
    exponent = 3 * (exact.adjusted() // 3)
    if exponent not in prefixes or len(exact.as_tuple().digits) > _SHORT:
        return repr(value)
    return f"{exact.scaleb(-exponent):f}{prefixes[exponent]}"


def read_spice_number(text: str) -> float | None:
    """Read a number as SPICE does: ``20k``, ``1.5meg``, ``500pF``.

    Parameters
    ----------
    text
        What may be a number.

    Returns
    -------
    float or None
        The number in SI units, or None for anything else.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    digits, letters = match.groups()
    letters = (letters or "").lower()
    if letters == "mil":
        return float(digits) * 25.4e-6
    # Through Decimal, so that 0.1u is the float nearest to 1e-7 and not a product of two roundings.
    return float(Decimal(digits).scaleb(_POWERS[letters]))
