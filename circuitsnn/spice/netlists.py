"""Decks of what circuitsnn simulates, from a card and a few words: the function behind ``circuitsnn netlist``."""

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from inspect import signature

import numpy as np

import circuitsnn
from circuitsnn.cards import Card, load_card
from circuitsnn.errors import InputError
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.learning import hebbian
from circuitsnn.oscillator.mapping import map_weights
from circuitsnn.oscillator.memory import input_delays
from circuitsnn.oscillator.patterns import digits, with_fuzzy_pixels
from circuitsnn.spice import array_decks
from circuitsnn.spice.analyses import DCSweep
from circuitsnn.spice.circuit import hysteresis_circuit
from circuitsnn.spice.deck import Deck, WrittenDeck
from circuitsnn.spice.dialects import DIALECTS, write_deck
from circuitsnn.spice.engines import ENGINES, Waveforms
from circuitsnn.spice.oscillator_decks import Chip, Run, default_options, oscillator_deck
from circuitsnn.spice.readback import loop_measures
from circuitsnn.spice.simulate import simulate
from circuitsnn.spice.transistors import FoundryTransistor
from circuitsnn.variation import generators

CARD = "vo2_delacour2021"
"""Card that a deck of oscillators is of unless it is told another."""

KINDS = ("oscillator", "pair", "onn", "iv", "bitline", "adc")
"""What a deck can be of."""

CARDS = dict.fromkeys(KINDS, CARD) | {"bitline": "sram_array_6t_65nm", "adc": "sar_adc_65nm"}
"""Card that a deck of each kind is of unless it is told another."""

SPREADS = ("none", "drawn", "random")
"""Where each device's values come from: the card, our own draw, the simulator's random functions."""

_ALWAYS = {"card", "settings", "options", "comment"}
_RUN = {*_ALWAYS, "fidelity", "periods", "max_step", "energy", "spread", "sigma", "seed"}
_WORDS = {
    "oscillator": _RUN,
    "pair": {*_RUN, "coupling_resistance", "delay"},
    "onn": {*_RUN, "image", "fuzzy", "beta"},
    "iv": {*_ALWAYS, "fidelity"},
    "bitline": {
        *_ALWAYS, "rows", "rows_on", "stored", "pulse", "wire", "corner", "temperature", "spread", "seed", "max_step",
        "energy", "foundry",
    },
    "adc": {*_ALWAYS, "bits", "array", "inputs", "spread", "seed", "max_step"},
}  # fmt: skip


def deck(
    kind: str,
    *,
    card: Card | str | None = None,
    settings: Mapping[str, float | str] | None = None,
    fidelity: str = "relaxed",
    coupling_resistance: float = 10e3,
    delay: float = 0.25,
    image: int = 0,
    fuzzy: int = 10,
    beta: float = 1.875,
    periods: float = 10.0,
    max_step: float | None = None,
    spread: str = "none",
    sigma: float | None = None,
    seed: int = 0,
    energy: bool = True,
    rows: int | None = None,
    rows_on: int | None = None,
    stored: str | None = None,
    pulse: float = 1.0,
    wire: bool = False,
    corner: str = "TT",
    temperature: float = 300.15,
    foundry: Mapping[str, FoundryTransistor] | None = None,
    bits: int | None = None,
    array: str = "binary",
    inputs: Sequence[float] | None = None,
    options: Mapping[str, object] | None = None,
    comment: str = "",
) -> Deck:
    """Deck of an oscillator, a coupled pair, an associative memory, a current-voltage loop, a bit line or a converter.

    Parameters
    ----------
    kind
        ``"oscillator"``, ``"pair"``, ``"onn"`` (the memory of 60 oscillators that holds six digits), ``"iv"``,
        ``"bitline"`` (the read of a column of an SRAM array) or ``"adc"`` (a converter by successive approximation).
    card
        Device card, or its name or path; that of `CARDS` without it.
    settings
        Other values of the card: numbers in SI or text such as "15k".
    fidelity
        Device model: ``"smooth"``, ``"relaxed"`` or ``"abrupt"``.
    coupling_resistance
        Of a pair. [ohm]
    delay
        By which the second supply of a pair follows the first. [periods]
    image
        Which digit the memory is shown, 0 to 5.
    fuzzy
        How many of its pixels are spoilt.
    beta
        Gain of the mapping from weights to coupling resistances.
    periods
        Length of the run, after the switches have closed. [periods]
    max_step
        Longest step of the simulator; without it a thousandth of the period, a fifth of the word lines' time constant,
        or a tenth of the converter's time to settle. [s]
    spread
        ``"none"``: all devices are the card's; ``"drawn"``: each is drawn by its spreads; ``"random"`` (oscillators
        only): the simulator draws each with its own random functions.
    sigma
        Relative standard deviation of drawn oscillators' parameters in place of the card's own.
    seed
        Of the spoilt pixels or random bits, and of the devices.
    energy
        Whether to meter the energy from each supply.
    rows
        Cells on the bit line; the card's number without it.
    rows_on
        How many of its word lines turn on, from the sense end on; all without it.
    stored
        Bits of the column, "0110", which repeat over the rows; "random" draws them; without it all cells discharge the
        bit line.
    pulse
        Length of the word lines' pulses. [T_pulse]
    wire
        Whether to resolve the resistance of the bit line.
    corner
        Process corner of the transistors: TT, FF, SS, FS or SF.
    temperature
        Temperature of the transistors. [K]
    foundry
        A foundry's subcircuits in place of the column's transistors, by kind ("nmos", "pmos").
    bits
        Resolution of the converter; the card's without it.
    array
        Its capacitor array: ``"binary"`` or ``"split"``.
    inputs
        Input voltages, converted one after the other; 0.4 of the range without it. [V]
    options
        Options of the simulator.
    comment
        More lines for the header.

    Returns
    -------
    Deck
        The deck.

    Raises
    ------
    InputError
        If a word or number is not allowed; the message says what is.
    """
    for name, value, allowed in (("kind", kind, KINDS), ("spread", spread, SPREADS)):
        if value not in allowed:
            raise InputError(f"{name} is {value!r}; allowed: {', '.join(allowed)}")
    given = {
        "coupling_resistance": coupling_resistance, "delay": delay, "image": image, "fuzzy": fuzzy, "beta": beta,
        "periods": periods, "max_step": max_step, "spread": spread, "sigma": sigma, "seed": seed, "energy": energy,
        "fidelity": fidelity, "rows": rows, "rows_on": rows_on, "stored": stored, "pulse": pulse, "wire": wire,
        "corner": corner, "temperature": temperature, "foundry": foundry, "bits": bits, "array": array,
        "inputs": inputs,
    }  # fmt: skip
    refuse_idle_words(kind, given, _WORDS[kind], deck)
    card = CARDS[kind] if card is None else card
    loaded = (card if isinstance(card, Card) else load_card(card)).replace(**(settings or {}))
    if kind in _ARRAY_DECKS:
        if spread == "random":
            raise InputError(f"spread is 'random'; allowed for {kind!r}: none, drawn")
        words = {name: value for name, value in given.items() if name in _WORDS[kind]}
        return _ARRAY_DECKS[kind](loaded, options=options, comment=comment, **words)
    if kind == "iv":
        title = f"Current-voltage loop of the device of card {loaded.name}"
        circuit = hysteresis_circuit(loaded, fidelity, title=title)
        v_max = 1.5 * loaded.V_H
        saved = ("up", "down", "i(Vup_current)", "i(Vdown_current)")
        sweep = DCSweep("Vsweep", 0.0, v_max, float(f"{v_max / 300:.1g}"))
        return Deck(circuit, sweep, (), saved, options or {}, comment)
    if not (np.isfinite(periods) and periods > 0):
        raise InputError(f"periods is {periods}; allowed is a finite number above 0")
    devices, noise = generators(seed, 2)
    nominal = Oscillator(loaded)
    period = nominal.period()
    if kind == "oscillator":
        size, delays, resistance = 1, np.zeros(1), np.full((1, 1), np.inf)
        title = f"One VO2 relaxation oscillator of card {loaded.name}"
    elif kind == "pair":
        if not 0 <= delay < 1:
            raise InputError(f"delay is {delay} periods; allowed is 0 to 1")
        size, delays = 2, np.array([0.0, _tidy(delay * period)])
        resistance = np.array([[np.inf, coupling_resistance], [coupling_resistance, np.inf]])
        title = f"Two VO2 relaxation oscillators of card {loaded.name} coupled by a resistor"
    else:
        patterns = digits()
        if not 0 <= image < len(patterns):
            raise InputError(f"image is {image}; allowed is 0 to {len(patterns) - 1}")
        size = patterns.shape[1]
        delays = np.array(list(map(_tidy, input_delays(with_fuzzy_pixels(patterns[image], fuzzy, noise), period))))
        resistance = map_weights(hebbian(patterns), loaded, beta)
        title = f"Associative memory of {size} VO2 oscillators of card {loaded.name}, shown digit {image}"
    late = 0.5 * period if kind == "onn" else float(np.max(delays))
    close_at = _tidy(late + nominal.first_charge_duration()) if size > 1 else None
    network = Chip(spread, sigma).network(loaded, resistance, devices)
    run = Run(delays, close_at, _tidy((close_at or 0.0) + periods * period), period)
    return oscillator_deck(
        network,
        run,
        fidelity=fidelity,
        max_step=max_step,
        energy=energy,
        random=loaded if spread == "random" else None,
        title=title,
        comment=comment,
        options=options,
    )


_ARRAY_DECKS = {"bitline": array_decks.bitline_deck_of_words, "adc": array_decks.adc_deck_of_words}


def _tidy(time: float) -> float:
    """Round a time that only has to be about so long, for whoever reads the deck. [s]."""
    return float(f"{time:.4g}")


def refuse_idle_words(kind: str, given: Mapping[str, object], known: Collection[str], function: Callable) -> None:
    """Refuse words that would change nothing, and yet would stand in a header.

    Parameters
    ----------
    kind
        What is asked for.
    given
        Words with their values.
    known
        Words that such a kind heeds.
    function
        Whose parameters they are; what has its default is taken for not given.

    Raises
    ------
    InputError
        If a word is given that the kind does not heed.
    """
    parameters = signature(function).parameters
    for name, value in given.items():
        if name not in known and value != parameters[name].default:
            raise InputError(f"{name} is {value!r}, which {kind!r} does not heed; allowed: {', '.join(sorted(known))}")


_DEFAULTS = {name: parameter.default for name, parameter in signature(deck).parameters.items()}
_OPTIONS = {
    "fidelity": "--fidelity",
    "coupling_resistance": "--coupling",
    "delay": "--delay",
    "image": "--image",
    "fuzzy": "--fuzzy",
    "beta": "--beta",
    "periods": "--periods",
    "max_step": "--max-step",
    "spread": "--spread",
    "sigma": "--sigma",
    "seed": "--seed",
    "rows": "--rows",
    "rows_on": "--rows-on",
    "stored": "--stored",
    "pulse": "--pulse",
    "wire": "--wire",
    "corner": "--corner",
    "temperature": "--temperature",
    "bits": "--bits",
    "array": "--array",
    "inputs": "--input",
}


def netlist(kind: str, dialect: str = "ngspice", *, comment: str = "", **words: object) -> WrittenDeck:
    """Write a deck, with a header that says what it is and how to make and run it.

    Parameters
    ----------
    kind
        What it is of; see `deck`.
    dialect
        Dialect to write; see `circuitsnn.spice.dialects.write_deck`.
    comment
        More lines for the header.
    **words
        Everything else that `deck` takes.

    Returns
    -------
    WrittenDeck
        Its text, and the files that must lie beside it.

    Raises
    ------
    InputError
        If a word or number is not allowed, or the dialect cannot say it.
    """
    if dialect not in DIALECTS:
        raise InputError(f"dialect is {dialect!r}; allowed: {', '.join(DIALECTS)}")
    words.setdefault("options", _options(kind, dialect, words))
    plain = deck(kind, **words)
    lines = [header(kind, dialect, words), f"Run it with: {DIALECTS[dialect].how_to_run}", *filter(None, [comment])]
    return write_deck(replace(plain, comment="\n".join(lines)), dialect)


def _options(kind: str, dialect: str, words: Mapping[str, object]) -> dict[str, object]:
    """Options for a deck of that kind."""
    if kind in _ARRAY_DECKS:
        return array_decks.default_options(kind, dialect)
    return default_options(dialect, str(words.get("fidelity", "relaxed")))


def run_netlist(kind: str, engine: str = "ngspice", *, timeout: float = 600.0, **words: object) -> Waveforms:
    """Write a deck in the dialect of a simulator and run it there.

    Parameters
    ----------
    kind
        What it is of; see `deck`.
    engine
        Name of the simulator.
    timeout
        Wall time after which it is stopped. [s]
    **words
        Everything else that `deck` takes.

    Returns
    -------
    Waveforms
        What was saved and measured.

    Raises
    ------
    InputError
        If a word or number is not allowed.
    EngineError
        If the simulator is missing or fails.
    """
    if engine not in ENGINES:
        raise InputError(f"engine is {engine!r}; allowed: {', '.join(ENGINES)}")
    dialect = ENGINES[engine].dialect
    words.setdefault("options", _options(kind, dialect, words))
    waveforms = simulate(deck(kind, **words), engine, timeout)
    return replace(waveforms, measures=loop_measures(waveforms)) if kind == "iv" else waveforms


def header(kind: str, dialect: str, words: Mapping[str, object]) -> str:
    """Say what a deck was made from, and the command that makes it again.

    Parameters
    ----------
    kind, dialect, words
        As for `netlist`.

    Returns
    -------
    str
        Two lines.
    """
    card = words.get("card") or CARDS[kind]
    name = card.name if isinstance(card, Card) else str(card)
    sigma = words.get("sigma")
    drawn_by = "the card's spreads" if sigma is None else f"a relative sigma of {sigma:g}"
    devices = {
        "none": "all devices alike",
        "drawn": f"each device drawn by {drawn_by}, seed {words.get('seed', 0)}",
        "random": "each device drawn by the simulator, by the card's spreads",
    }[str(words.get("spread", "none"))]
    command = ["circuitsnn", "netlist", kind, "--dialect", dialect]
    if name != CARDS[kind]:
        command += ["--card", name]
    for key, value in dict(words.get("settings") or {}).items():
        command += ["--set", f"{key}={value}"]
    for word, option in _OPTIONS.items():
        value = words.get(word, _DEFAULTS[word])
        if value is True:
            command.append(option)
        elif value != _DEFAULTS[word]:
            for one in [value] if isinstance(value, (str, float, int)) else value:
                command += [option, str(one)]
    what = f"Card {name}, {devices}."
    if kind == "bitline":
        what = f"Card {name} at {words.get('corner', 'TT')} and {words.get('temperature', 300.15):g} K, {devices}."
        if words.get("stored") == "random":
            what += f" The bits are those of seed {words.get('seed', 0)}."
        foundry = words.get("foundry") or {}
        for transistor, own in foundry.items():
            what += f" {transistor} is the foundry's {own.subcircuit}."
    elif kind != "adc":
        what = f"Card {name}, {words.get('fidelity', 'relaxed')} transitions, {devices}."
    if kind == "onn":
        what += f" The spoilt pixels are those of seed {words.get('seed', 0)}."
    return f"{what}\nMade by circuitsnn {circuitsnn.__version__}: {shlex.join(command)}"
