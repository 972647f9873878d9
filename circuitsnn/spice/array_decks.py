"""Decks of a column and of a converter, from a card and a few words; `circuitsnn.spice.netlists` is the door."""

from collections.abc import Mapping, Sequence

import numpy as np

from circuitsnn.adc.sar import SarAdc
from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.spice.column import bitline_deck
from circuitsnn.spice.converter import adc_deck
from circuitsnn.spice.deck import Deck
from circuitsnn.spice.transistors import FoundryTransistor
from circuitsnn.sram.bitline import BitlineRead
from circuitsnn.transistor.mosfet import Conditions
from circuitsnn.variation import generators

RELTOL = 1e-6
"""Relative tolerance of a simulator."""

CHARGE_TOLERANCE = {"bitline": 1e-18, "adc": 1e-16}
"""Charge from which on a SPICE looks at its relative error, far below those that matter: 0.2 fC on a word line's share
of a column, 80 fC on an array. Too small, it asks for the last digit of capacitors that are all but empty. [C]"""


def default_options(kind: str, dialect: str) -> dict[str, object]:
    """Options with which a simulator follows a bit line within 0.1 mV; see docs/theory/netlists.md.

    Parameters
    ----------
    kind
        ``"bitline"`` or ``"adc"``.
    dialect
        Dialect of the deck.

    Returns
    -------
    dict
        Options by the names that the simulator knows them by.
    """
    match dialect:
        case "ngspice" | "ltspice" | "hspice":
            return {"reltol": RELTOL, "chgtol": CHARGE_TOLERANCE[kind], "trtol": 1}
        case "xyce":
            return {"timeint.reltol": RELTOL}
        case "vacask":
            # Without the check of residuals Newton's method ends where the voltages have settled, as in SPICE.
            return {"reltol": RELTOL, "nr_residualcheck": 0}
        case _:
            return {"reltol": RELTOL}


def stored_bits(pattern: str | None, rows: int, seed: int) -> np.ndarray | None:
    """Bits of a column.

    Parameters
    ----------
    pattern
        Bits such as "0110", repeated over the rows; "random" draws them; None is a column that discharges throughout.
    rows
        Number of rows.
    seed
        Of random bits.

    Returns
    -------
    ndarray or None
        Bit in each row (rows,); None for None.

    Raises
    ------
    InputError
        If the pattern is none of these.
    """
    if pattern is None:
        return None
    if pattern == "random":
        return generators(seed, 2)[1].integers(0, 2, rows)
    if not pattern or set(pattern) - {"0", "1"}:
        raise InputError(
            f"stored is {pattern!r}; allowed: bits such as '0110', which repeat over the rows, or 'random'"
        )
    return np.resize([int(bit) for bit in pattern], rows)


def column_of_words(
    card: Card,
    rows: int | None = None,
    rows_on: int | None = None,
    stored: str | None = None,
    pulse: float = 1.0,
    wire: bool = False,
    corner: str = "TT",
    temperature: float = 300.15,
    spread: str = "none",
    seed: int = 0,
) -> tuple[BitlineRead, np.ndarray]:
    """Build a column and its input.

    Parameters
    ----------
    card
        Card of kind "sram_array".
    rows
        Cells on the bit line; the card's number without it.
    rows_on
        How many word lines turn on, from the sense end on; all without it.
    stored
        As for `stored_bits`.
    pulse
        Length of their pulses. [T_pulse]
    wire
        Whether to resolve the wire's resistance.
    corner, temperature
        Conditions; the temperature in K.
    spread
        ``"none"``, or ``"drawn"``: each transistor has its own mismatch.
    seed
        Of mismatch and random bits.

    Returns
    -------
    read : BitlineRead
        The column.
    pulses : ndarray, shape (rows,)
        Pulse of each row. [T_pulse]

    Raises
    ------
    InputError
        If a word or number is not allowed.
    """
    rows = int(getattr(card, "rows", 1)) if rows is None else rows
    rows_on = rows if rows_on is None else rows_on
    for name, number, least in (("rows", rows, 1), ("rows_on", rows_on, 0)):
        most = rows if name == "rows_on" else 65536
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not least <= number <= most:
            raise InputError(f"{name} is {number!r}; allowed is a whole number from {least} to {most}")
    if not (np.isfinite(pulse) and pulse > 0):
        raise InputError(f"pulse is {pulse}; allowed is a finite number above 0, in units of T_pulse")
    read = BitlineRead(
        card,
        stored_bits(stored, rows, seed),
        rows,
        Conditions(corner, temperature),
        mismatch=seed if spread == "drawn" else None,
        wire=wire,
    )
    return read, np.where(np.arange(rows) < rows_on, pulse, 0.0)


def bitline_deck_of_words(
    card: Card,
    *,
    max_step: float | None = None,
    energy: bool = True,
    foundry: Mapping[str, FoundryTransistor] | None = None,
    options: Mapping[str, object] | None = None,
    comment: str = "",
    **words: object,
) -> Deck:
    """Deck of the read of a column; the words are those of `column_of_words` and `circuitsnn.spice.column`."""
    read, pulses = column_of_words(card, **words)
    title = f"Read of a column of {read.rows} cells of card {card.name}, {np.count_nonzero(pulses)} of them on"
    return bitline_deck(
        read, pulses=pulses, max_step=max_step, energy=energy, foundry=foundry, title=title, comment=comment,
        options=options,
    )  # fmt: skip


def converter_of_words(
    card: Card, bits: int | None = None, array: str = "binary", spread: str = "none", seed: int = 0
) -> SarAdc:
    """Build a converter.

    Parameters
    ----------
    card
        Card of kind "sar_adc".
    bits
        Resolution; the card's without it.
    array
        ``"binary"`` or ``"split"``.
    spread
        ``"none"``, or ``"drawn"``: capacitors and comparator have their mismatch.
    seed
        Of the mismatch.

    Returns
    -------
    SarAdc
        One converter.

    Raises
    ------
    InputError
        If a word or number is not allowed.
    """
    if spread == "none" and card.kind == "sar_adc":
        card = card.replace(A_C=0.0, sigma_offset=0.0)
    return SarAdc(card, bits, seed, array=array)


def adc_deck_of_words(
    card: Card,
    *,
    inputs: Sequence[float] | None = None,
    max_step: float | None = None,
    options: Mapping[str, object] | None = None,
    comment: str = "",
    **words: object,
) -> Deck:
    """Deck of conversions, of 0.4 of the range without `inputs` [V]; the words are those of `converter_of_words`."""
    adc = converter_of_words(card, **words)
    if inputs is None:
        inputs = [float(f"{0.6 * adc.low + 0.4 * adc.high:.4g}")]
    title = f"Successive-approximation converter of {adc.bits} bit of card {card.name}, its array {adc.array}"
    return adc_deck(adc, inputs, max_step=max_step, title=title, comment=comment, options=options)
