"""Our engine beside every simulator that is installed: what agrees, and how far.

Measured (ngspice 39, VACASK 0.3.4, smallest step 5.4 ns, reltol 1e-5, 10 periods; largest error of a switching time):

==================  ========  ========
circuit             ngspice   VACASK
==================  ========  ========
single, relaxed     4e-6      4e-6
single, abrupt      2e-5      4e-6
pair, relaxed       1.2e-5    4e-6
pair, abrupt        2e-5      4e-6
==================  ========  ========

of a period; 4e-6 is the supply, which takes 0.1 ns to rise.
"""

import numpy as np
import pytest

from circuitsnn.errors import InputError
from circuitsnn.spice.crosscheck import crosscheck
from circuitsnn.spice.crosscheck import oscillators as module
from circuitsnn.spice.engines import installed_engines

ENGINES = ("ngspice", "vacask")


def test_the_engines_of_these_tests_are_installed():
    assert set(ENGINES) <= set(installed_engines())


@pytest.mark.parametrize("fidelity", ["smooth", "relaxed", "abrupt"])
@pytest.mark.parametrize("kind", ["period", "pair"])
def test_switching_times_within_a_ten_thousandth_of_a_period(kind, fidelity):
    found = crosscheck(kind, engines=ENGINES, fidelity=fidelity, periods=6)
    assert found.complaints() == []
    for engine in ENGINES:
        runs = [one for one in found.comparisons if one.engine == engine]
        steps = [one.max_step for one in runs]
        assert steps == sorted(steps, reverse=True)
        assert len(steps) == 3
        if fidelity != "smooth":  # there tau_feedback is what counts, not the step
            assert runs[0].timing > 3 * runs[1].timing  # its answer converges to ours
            assert runs[2].timing <= max(runs[1].timing, 6e-6)
            assert runs[2].timing < 3e-5
            assert runs[2].voltage < 3e-3
        assert abs(runs[2].energy) < 1e-5
        assert runs[2].unmatched == 0
        assert runs[2].switchings >= 6


@pytest.mark.parametrize(("resistance", "locked"), [(5e3, 0.0), (10e3, 0.0), (40e3, 180.0), (100e3, 180.0)])
def test_pairs_lock_at_the_same_phase(resistance, locked):
    found = crosscheck("pair", engines=ENGINES, coupling_resistance=resistance, delay=0.1, periods=30, steps=[20e-9])
    for one in found.comparisons:
        assert one.locked
        assert one.phase < module.PHASE
    assert found.traces[0].ours.phases()[1] == pytest.approx(locked, abs=3)


def test_drawn_pairs_switch_alike_whether_they_lock_or_not():
    for seed in range(3):
        found = crosscheck("pair", engines=ENGINES, periods=10, spread="drawn", seed=seed)
        assert found.complaints() == []


def test_a_small_memory_recalls_the_same_patterns():
    found = crosscheck("onn", engines=ENGINES, size=10, images=10, jobs=2)
    assert found.complaints() == []
    for engine in ENGINES:
        runs = [one for one in found.comparisons if one.engine == engine]
        assert [one.image for one in runs] == list(range(10))
        assert sum(one.same_pattern for one in runs) >= 9
        assert max(abs(one.energy) for one in runs) < 0.01
        assert all(one.margin > 45 for one in runs)


def test_the_memory_of_60_recalls_the_same_patterns():
    """One image takes half a minute and more; all ten were shown by hand (docs/netlists.md)."""
    found = crosscheck("onn", engines=["ngspice"], images=1)
    assert [one.same_pattern for one in found.comparisons] == [True]
    for one in found.comparisons:
        assert abs(one.energy) < 1e-3
        assert one.unmatched == 0
        assert one.margin > 80


def test_chips_of_drawn_devices_switch_alike_even_where_they_do_not_settle():
    found = crosscheck("onn", engines=ENGINES, size=10, images=2, spread="drawn", seed=1, jobs=2)
    assert found.complaints() == []
    for one in found.comparisons:
        assert one.same_pattern is None
        assert one.unmatched == 0
        assert one.timing < 3e-3


def test_disagreement_is_seen(monkeypatch):
    """A wrong circuit on one side must not pass: here ours has other thresholds."""
    fabricate = module.Chip.network

    def wrong(chip, card, coupling, rng):
        return fabricate(chip, card.replace(V_H=card.V_H * 0.999), coupling, rng)

    own = module.oscillator_deck
    right = fabricate(module.Chip(), module.load_card(module.CARD), np.full((1, 1), np.inf), None)
    monkeypatch.setattr(module.Chip, "network", wrong)
    monkeypatch.setattr(module, "oscillator_deck", lambda _, run, **rest: own(right, run, **rest))
    found = crosscheck("period", engines=["ngspice"], periods=3, steps=[20e-9])
    assert not found.holds
    assert found.comparisons[0].timing > 1e-3


def test_frame_and_figure(tmp_path):
    found = crosscheck("pair", engines=["ngspice"], periods=3, steps=[100e-9, 20e-9])
    frame = found.to_frame()
    assert list(frame["max_step"]) == [100e-9, 20e-9]
    assert set(frame.attrs["units"]) <= set(frame.columns)
    assert len(found.traces) == 1
    found.figure().savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kind": "ring"}, "kind is 'ring'; allowed: period, pair, onn, bitline, adc"),
        ({"engines": ["spectre"]}, "engine is 'spectre'; allowed: ngspice"),
        ({"spread": "random"}, "spread is 'random'; allowed: none, drawn"),
        (
            {"images": 3},
            "images is 3, which 'pair' does not heed; allowed: coupling_resistance, delay, fidelity, jobs, periods",
        ),
        ({"rows": 8}, "rows is 8, which 'pair' does not heed"),
        ({"kind": "bitline", "fidelity": "smooth"}, "fidelity is 'smooth', which 'bitline' does not heed"),
        ({"kind": "adc", "rows": 8}, "rows is 8, which 'adc' does not heed; allowed: array, bits, inputs"),
        ({"kind": "onn", "periods": 3}, "periods is 3, which 'onn' does not heed"),
    ],
)
def test_words_are_checked(words, message):
    with pytest.raises(InputError, match=message):
        crosscheck(**({"kind": "pair"} | words))


def test_a_card_of_another_speed():
    """The board of the paper, ten times slower: rise times and the feedback's time constant go with it."""
    board = "schmitt_mcp6001_delacour2021"
    found = crosscheck("pair", engines=ENGINES, card=board, coupling_resistance=20e3, periods=5)
    assert found.complaints() == []
    assert max(one.timing for one in found.finest()) < 6e-5
