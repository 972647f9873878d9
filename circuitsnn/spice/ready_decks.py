"""Decks to run as they are; netlists/ holds them, a folder for each dialect, and a test keeps the two in step."""

from pathlib import Path

from circuitsnn.files import write_text
from circuitsnn.spice.dialects import DIALECTS
from circuitsnn.spice.netlists import netlist

_KINDS = {
    "oscillator_smooth": ("oscillator", {"fidelity": "smooth"}),
    "oscillator_relaxed": ("oscillator", {}),
    "oscillator_abrupt": ("oscillator", {"fidelity": "abrupt"}),
    "pair_relaxed": ("pair", {}),
    "iv_relaxed": ("iv", {}),
    "bitline_6t": ("bitline", {"rows": 16, "stored": "01", "spread": "drawn", "seed": 1}),
    "bitline_8t": ("bitline", {"card": "sram_array_8t_65nm", "rows": 16, "stored": "01"}),
    "adc": ("adc", {"spread": "drawn", "seed": 1}),
}


def ready_decks() -> dict[str, str]:
    """Write the decks of an oscillator in each fidelity, a coupled pair, a loop, columns of 16 cells, a converter.

    Returns
    -------
    dict of str to str
        Text of each deck, and of each file that must lie beside it, by its path in netlists/.
    """
    files = {}
    for dialect, writer in DIALECTS.items():
        for name, (kind, words) in _KINDS.items():
            written = netlist(kind, dialect, **words)
            files[f"{dialect}/{name}{writer.suffix}"] = written.text
            files |= {f"{dialect}/{companion}": text for companion, text in written.companions.items()}
    return files


def write_ready_decks(folder: Path) -> None:
    """Write them anew, after a change of the writers that was meant; ``make netlists`` does.

    Parameters
    ----------
    folder
        Where to; netlists/ of a checkout.
    """
    for name, text in ready_decks().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / name, text)
