"""Numbers as a circuit designer writes them: 20k and 500p where exact, every digit where not."""

from decimal import Decimal

from circuitsnn.errors import InputError

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "meg", 9: "g", 12: "t"}
_SHORT = 6  # significant digits up to which a prefix still helps the eye


def spice_number(value: float) -> str:
    """Write a number so that SPICE reads back exactly the same float.

    Parameters
    ----------
    value
        Any finite number, in SI units.

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
    if exponent not in _PREFIXES or len(exact.as_tuple().digits) > _SHORT:
        return repr(value)
    return f"{exact.scaleb(-exponent):f}{_PREFIXES[exponent]}"
