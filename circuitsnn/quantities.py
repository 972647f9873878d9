"""Numbers with units, read and printed at the edges of the package (cards, command line)."""

from math import isfinite

from quantiphy import Quantity

from circuitsnn.errors import InputError

#: Spellings accepted for each SI unit; the first is the one that is printed. "1" means dimensionless.
UNITS: dict[str, tuple[str, ...]] = {
    "V": ("V", "volt", "volts"),
    "A": ("A", "amp", "ampere"),
    "Ω": ("Ω", "\N{OHM SIGN}", "ohm", "ohms", "Ohm", "Ohms", "OHM"),
    "S": ("S", "siemens"),
    "F": ("F", "farad"),
    "s": ("s", "sec", "second", "seconds"),
    "Hz": ("Hz",),
    "J": ("J", "joule"),
    "W": ("W", "watt"),
    "1": ("1",),
}


class _Quantity(Quantity):
    """A quantity with engineering scale factors only, so that "100R" is not read as 1e29."""


# Versions of quantiphy differ in whether they print "u" or "µ".
_Quantity.set_prefs(input_sf="TGMKkmuµμnpfa", map_sf={"u": "µ"})


def read_quantity(given: object, unit: str, where: str) -> float:
    """Read a number or a text such as "15k", "15 kΩ" or "15 kohm" as an SI value.

    Parameters
    ----------
    given : object
        What was given: a number, taken as SI, or a text.
    unit : str
        SI unit that the quantity has; a text may leave it out.
    where : str
        What is being read, for the error message ("card.toml: parameter R_S").

    Returns
    -------
    float
        The value. [SI]

    Raises
    ------
    InputError
        If it is not a finite number or has another unit.
    """
    allowed = f"allowed is a number{'' if unit == '1' else f' in {unit}'}"
    if unit != "1":
        allowed += f", for example {_EXAMPLES.get(unit, f'15 k{unit}')}"
    if isinstance(given, str):
        try:
            quantity = _Quantity(_without_unit(given, unit))
        except ValueError:
            raise InputError(f"{where} is {given!r}, which is not a number; {allowed}") from None
        if quantity.units and quantity.units not in UNITS.get(unit, (unit,)):
            raise InputError(f"{where} is {given!r}, whose unit is '{quantity.units}'; {allowed}")
        value = float(quantity)
    elif isinstance(given, bool) or not hasattr(given, "__float__"):
        raise InputError(f"{where} is {given!r}, which is not a number; {allowed}")
    else:
        value = float(given)
    if not isfinite(value):
        raise InputError(f"{where} is {given!r}, which is not finite; {allowed}")
    return value


def _without_unit(text: str, unit: str) -> str:
    # Taken off before the number is read, or kelvin would be taken for kilo, and a metre for a thousandth.
    for spelling in () if unit == "1" else UNITS.get(unit, (unit,)):
        if text.rstrip().endswith(spelling):
            return text.rstrip().removesuffix(spelling)
    return text


# Units that take no scale factor: "0.3 1/V" rather than "300 m1/V".
_UNSCALED = ("1/V", "K")
_EXAMPLES = {
    "V": "1.5 or '1500 mV'",
    "Ω": "15e3, '15k' or '15 kΩ'",
    "F": "'500 pF'",
    "s": "'10 ns'",
    "m": "'65 nm'",
    "K": "300",
    "1/V": "0.3",
}


def show_quantity(value: float, unit: str = "1", precision: int | None = None) -> str:
    """Print an SI value with a scale factor and its unit: 20000.0 and "Ω" give "20 kΩ".

    Parameters
    ----------
    value : float
        The value. [SI]
    unit : str
        SI unit, "1" for none.
    precision : int, optional
        Digits after the first one; without it, as many as are needed to read the same number back.

    Returns
    -------
    str
        The text.
    """
    printed_unit = "" if unit == "1" else unit
    if unit in _UNSCALED:
        return f"{value!r} {unit}" if precision is None else f"{value:.{precision + 1}g} {unit}"
    quantity = _Quantity(value, printed_unit)
    if precision is not None:
        return quantity.render(prec=precision)
    text = quantity.render(prec="full")
    return text if read_quantity(text, unit, "") == value else f"{value!r} {printed_unit}".strip()
