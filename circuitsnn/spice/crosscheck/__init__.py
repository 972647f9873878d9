"""Our engines beside others on the same circuit with the same devices: how far they agree, and how fast they are.

An engine is run with smaller and smaller largest steps, so that its answer is seen to converge. What is compared: of
oscillators every switching time, the output voltage at the engine's own time points, the energies, the locked phases
and a memory's recalled pattern; of a bit line its voltage and the energies; of a converter each trial's level and the
codes.
"""

from collections.abc import Callable, Sequence

from circuitsnn.cards import Card, load_card
from circuitsnn.errors import InputError
from circuitsnn.spice.crosscheck.adc import AdcCheck, AdcComparison, crosscheck_adc
from circuitsnn.spice.crosscheck.bitline import BitlineCheck, BitlineComparison, crosscheck_bitline
from circuitsnn.spice.crosscheck.oscillators import (
    ENERGY,
    PHASE,
    RECALLED,
    TIMING,
    Comparison,
    CrossCheck,
    crosscheck_oscillators,
)
from circuitsnn.spice.netlists import CARD, CARDS, refuse_idle_words

__all__ = [
    "CHECKED_CARDS",
    "ENERGY",
    "KINDS",
    "PHASE",
    "RECALLED",
    "TIMING",
    "AdcCheck",
    "AdcComparison",
    "BitlineCheck",
    "BitlineComparison",
    "Comparison",
    "CrossCheck",
    "crosscheck",
]

KINDS = ("period", "pair", "onn", "bitline", "adc")
"""What can be cross-checked."""

CHECKED_CARDS = dict.fromkeys(KINDS, CARD) | {kind: CARDS[kind] for kind in ("bitline", "adc")}
"""Card of each kind unless another is told."""

_OSCILLATORS = {"fidelity", "sigma", "jobs"}
_WORDS = {
    "period": {*_OSCILLATORS, "periods"},
    "pair": {*_OSCILLATORS, "periods", "coupling_resistance", "delay"},
    "onn": {*_OSCILLATORS, "size", "images", "fuzzy"},
    "bitline": {"rows", "rows_on", "stored", "pulse", "wire", "corner", "temperature"},
    "adc": {"bits", "array", "inputs"},
}


def crosscheck(
    kind: str,
    *,
    engines: Sequence[str] | None = None,
    card: Card | str | None = None,
    fidelity: str = "relaxed",
    coupling_resistance: float = 10e3,
    delay: float = 0.25,
    periods: float = 10.0,
    steps: Sequence[float] | None = None,
    size: int = 60,
    images: int = 10,
    fuzzy: int | None = None,
    rows: int = 16,
    rows_on: int | None = None,
    stored: str | None = "random",
    pulse: float = 4.0,
    wire: bool = False,
    corner: str = "TT",
    temperature: float = 300.15,
    bits: int | None = None,
    array: str = "binary",
    inputs: int = 16,
    spread: str = "none",
    sigma: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    timeout: float = 1800.0,
    progress: Callable[[float, str], None] | None = None,
) -> CrossCheck | BitlineCheck | AdcCheck:
    """Simulate the same circuit here and on other engines, and compare.

    Parameters
    ----------
    kind
        ``"period"`` (one oscillator), ``"pair"``, ``"onn"`` (an associative memory), ``"bitline"`` (the read of a
        column) or ``"adc"`` (a converter by successive approximation).
    engines
        Names of engines; all that are installed without it.
    card
        Device card, or its name or path; that of `CHECKED_CARDS` without it.
    fidelity
        Device model of oscillators.
    coupling_resistance
        Of a pair. [ohm]
    delay
        By which the second supply of a pair follows the first. [periods]
    periods
        Length of a run of one oscillator or a pair; a memory is given the time of a recall. [periods]
    steps
        Largest steps to allow the engines, one run each. [s]
    size
        Oscillators of a memory: 60 hold six digits, any other number two random patterns.
    images
        How many images a memory is shown.
    fuzzy
        Spoilt pixels of each; a sixth of them without it.
    rows, rows_on, stored, pulse, wire, corner, temperature
        Of a column: see `circuitsnn.spice.array_decks.column_of_words`; without `rows_on` at most 16 word lines.
    bits, array
        Of a converter: see `circuitsnn.spice.array_decks.converter_of_words`.
    inputs
        How many inputs a converter is given, evenly spaced within its range.
    spread
        ``"none"`` or ``"drawn"``: each device by the card's spreads.
    sigma
        Relative standard deviation of drawn oscillators' parameters in place of the card's own.
    seed
        Of devices, patterns, spoilt pixels and random bits.
    jobs
        How many engines run at the same time; wall times are honest with 1.
    timeout
        Wall time after which a run is stopped. [s]
    progress
        Is told the share that is done.

    Returns
    -------
    CrossCheck, BitlineCheck or AdcCheck
        The comparisons, with ``holds``, ``complaints()``, ``to_frame()`` and ``figure()``.

    Raises
    ------
    InputError
        If a word or number is not allowed, or no engine is installed.
    EngineError
        If an engine fails.
    """
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}; allowed: {', '.join(KINDS)}")
    if spread not in ("none", "drawn"):
        raise InputError(f"spread is {spread!r}; allowed: none, drawn")
    given = {
        "fidelity": fidelity, "coupling_resistance": coupling_resistance, "delay": delay, "periods": periods,
        "size": size, "images": images, "fuzzy": fuzzy, "rows": rows, "rows_on": rows_on, "stored": stored,
        "pulse": pulse, "wire": wire, "corner": corner, "temperature": temperature, "bits": bits, "array": array,
        "inputs": inputs, "sigma": sigma, "jobs": jobs,
    }  # fmt: skip
    refuse_idle_words(kind, given, _WORDS[kind], crosscheck)
    card = CHECKED_CARDS[kind] if card is None else card
    loaded = card if isinstance(card, Card) else load_card(card)
    words = {name: value for name, value in given.items() if name in _WORDS[kind]}
    words |= {"engines": engines, "steps": steps, "spread": spread, "seed": seed, "timeout": timeout}
    if kind == "bitline":
        words["rows_on"] = min(rows, 16) if rows_on is None else rows_on
        return crosscheck_bitline(loaded, **words, progress=progress)
    if kind == "adc":
        return crosscheck_adc(loaded, **words, progress=progress)
    return crosscheck_oscillators(kind, card=loaded, **words, progress=progress)
