"""The decks in netlists/ are what the package writes today, and ngspice runs them."""

import subprocess
from pathlib import Path

import pytest

from circuitsnn.spice import find_ngspice, read_raw
from circuitsnn.spice.ready_decks import ready_decks

NETLISTS = Path(__file__).parents[2] / "netlists"


def test_folder_holds_these_decks_and_no_other():
    assert sorted(path.name for path in NETLISTS.glob("*.cir")) == sorted(ready_decks())


@pytest.mark.parametrize("name", sorted(ready_decks()))
def test_deck_is_in_step(name):
    assert (NETLISTS / name).read_text(encoding="utf-8") == ready_decks()[name]


@pytest.mark.parametrize("name", sorted(ready_decks()))
def test_deck_runs_as_it_is(name, tmp_path):
    raw = tmp_path / "out.raw"
    subprocess.run([find_ngspice(), "-b", "-r", raw, NETLISTS / name], check=True, capture_output=True, timeout=60)
    metallic = read_raw(raw)["v(osc0_metallic)"] > 0.5
    assert (metallic[1:] & ~metallic[:-1]).sum() in (10, 11)
