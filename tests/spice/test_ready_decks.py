"""netlists/ holds just what the package writes, and what can be run here runs."""

import numpy as np
import pytest

from circuitsnn.resources import resource_folder
from circuitsnn.spice import ENGINES, run_deck
from circuitsnn.spice.ready_decks import ready_decks


def test_the_folder_holds_just_what_the_package_writes():
    folder, decks = resource_folder("netlists"), ready_decks()
    stored = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.glob("*/*")}
    assert stored == decks  # "make netlists" writes them anew


@pytest.mark.parametrize("name", [name for name in ready_decks() if name.split("/")[0] in ("ngspice", "vacask")])
def test_ready_decks_run(name):
    engine = name.split("/")[0]
    assert ENGINES[engine].dialect == engine
    waveforms = run_deck(ready_decks()[name], engine)
    if "iv" in name:
        assert waveforms["up"][-1] > 2.9
    elif "adc" in name:
        assert 0.2 < np.ptp(waveforms["difference"]) < 1.2
    elif "bitline" in name:
        assert waveforms["bl"].max() == pytest.approx(1.2, abs=1e-4)
        assert 0.2 < waveforms["bl"].min() < 1.1
    else:
        assert waveforms["osc0_out"].max() == pytest.approx(1.5, abs=0.03)
