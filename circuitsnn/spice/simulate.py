"""Running a deck on a simulator: written in its dialect, run, read back, measured."""

from dataclasses import replace

from circuitsnn.spice.analyses import Transient, evaluate
from circuitsnn.spice.deck import Deck
from circuitsnn.spice.dialects import write_deck
from circuitsnn.spice.engines import ENGINES, Waveforms, find_engine, run_deck


def simulate(deck: Deck, engine: str = "ngspice", timeout: float = 600.0) -> Waveforms:
    """Run a deck on a simulator that is installed here.

    Parameters
    ----------
    deck
        The deck.
    engine
        Name of the simulator.
    timeout
        Wall time after which it is stopped. [s]

    Returns
    -------
    Waveforms
        What was saved, and what the deck measures: by the simulator where it can, or else from what was saved.

    Raises
    ------
    InputError
        If the circuit cannot be written in the simulator's dialect.
    EngineMissingError
        If the simulator is not installed.
    EngineError
        If it fails, runs out of time or ends early; the message quotes its own line.
    """
    find_engine(engine)
    written = write_deck(deck, ENGINES[engine].dialect)
    transient = isinstance(deck.analysis, Transient)
    stop = deck.analysis.stop if transient else None
    waveforms = run_deck(written.text, engine, companions=written.companions, stop=stop, timeout=timeout)
    if transient and deck.measures and not waveforms.measures:
        return replace(waveforms, measures=evaluate(deck.measures, waveforms))
    return waveforms
