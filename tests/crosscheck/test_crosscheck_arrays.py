"""A column's read and a converter beside ngspice and VACASK.

Measured (ngspice 39, VACASK 0.3.4; largest error of a bit line over the cycle, of the energy; mismatch drawn; tables in
docs/netlists.md): 16 rows 0.04 to 0.07 mV and 2e-5, 256 rows 0.05 mV and 3e-5; trial levels 4e-4 LSB.
"""

import numpy as np
import pytest

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.spice import simulate
from circuitsnn.spice.array_decks import default_options
from circuitsnn.spice.column import ReadTiming, bitline_deck, read_energies
from circuitsnn.spice.crosscheck import bitline as bitline_module
from circuitsnn.spice.crosscheck import crosscheck
from circuitsnn.sram.bitline import BitlineRead
from circuitsnn.transistor.mosfet import Mosfet

ENGINES = ("ngspice", "vacask")
STEP = {"steps": [20e-12]}


def assert_agrees(found, rows, swing):
    assert found.complaints() == []
    assert {one.engine for one in found.comparisons} <= set(ENGINES)
    for one in found.comparisons:
        assert one.rows == rows
        assert one.voltage < 1e-4
        assert one.sample <= one.voltage
        assert one.swing > swing
        assert abs(one.energy) < 1e-3
        assert abs(one.precharge) < 1e-3
        assert abs(one.cell) < 5e-3


@pytest.mark.parametrize("engine", ENGINES)
def test_16_rows_with_drawn_mismatch(engine):
    found = crosscheck("bitline", engines=[engine], spread="drawn", seed=3, **STEP)
    assert_agrees(found, 16, 0.5)
    (traces,) = found.traces
    assert traces.ours.discharge != pytest.approx(traces.ours.discharge_bar, rel=0.01)
    assert 1.2 - traces.theirs.measures["bl_sample"] == pytest.approx(traces.ours.discharge, abs=1e-4)
    assert 1.2 - traces.theirs.measures["blb_sample"] == pytest.approx(traces.ours.discharge_bar, abs=1e-4)


def test_pulses_with_an_offset():
    card = load_card("sram_array_6t_65nm").replace(T_offset="110p")
    found = crosscheck("bitline", engines=["vacask"], card=card, pulse=2.0, **STEP)
    assert_agrees(found, 16, 0.3)


def test_the_engines_answer_converges_to_ours():
    runs = crosscheck("bitline", engines=["vacask"], spread="drawn", seed=3, steps=[1e-9, 2e-12]).comparisons
    assert [one.max_step for one in runs] == [1e-9, 2e-12]
    assert runs[1].voltage < 0.8 * runs[0].voltage
    assert runs[1].voltage < 5e-5


def test_256_rows_with_drawn_mismatch_in_vacask():
    """In ngspice this takes minutes: it was run by hand (docs/netlists.md)."""
    found = crosscheck("bitline", engines=["vacask"], rows=256, spread="drawn", seed=3, steps=[50e-12])
    assert_agrees(found, 256, 0.2)


def test_256_rows_in_ngspice():
    """Rows that store and do the same are one cell there."""
    found = crosscheck("bitline", engines=["ngspice"], rows=256, **STEP)
    assert_agrees(found, 256, 0.2)


@pytest.mark.parametrize(
    "words",
    [
        {"wire": True, "rows": 8},
        {"corner": "SF", "temperature": 358.15},
        {"card": "sram_array_8t_65nm"},
    ],
)
def test_wire_corner_temperature_and_eight_transistors(words):
    found = crosscheck("bitline", engines=["vacask"], spread="drawn", seed=4, steps=[10e-12], **words)
    assert found.complaints() == []
    assert found.comparisons[0].swing > 0.3


def test_levels_and_pulses_of_each_row():
    """Binary-weighted pulses at two levels, each word line with a wave of its own."""
    card = load_card("sram_array_6t_65nm")
    levels, pulses = np.array([1.0, 0.8] * 4), np.array([1, 2, 4, 0, 1, 2, 3, 0.5])
    read = BitlineRead(card, stored=[0, 1, 0, 1, 1, 0, 0, 1], mismatch=5)
    timing = ReadTiming.of(read, levels, pulses)
    deck = bitline_deck(read, levels, pulses, max_step=10e-12, options=default_options("bitline", "vacask"))
    theirs = simulate(deck, "vacask")
    times = np.unique(theirs.time[theirs.time <= timing.stop])
    ours = read.transient(levels, pulses, points=times, tolerance=1e-7)
    assert timing.t_sample == ours.t_sample
    place = np.searchsorted(theirs.time, times)
    np.testing.assert_allclose(theirs["bl"][place], ours.bit_line, rtol=0, atol=1e-4)
    np.testing.assert_allclose(theirs["blb"][place], ours.bit_line_bar, rtol=0, atol=1e-4)
    energies = read_energies(theirs.measures, timing, card.V_WL)
    assert energies == pytest.approx(dict(ours.energies), rel=2e-3, abs=0.0)


def test_a_word_line_without_time_constant():
    card = load_card("sram_array_6t_65nm").replace(R_WL_driver=0.0, R_WL_cell=0.0)
    found = crosscheck("bitline", engines=["vacask"], card=card, steps=[10e-12])
    assert found.complaints() == []


def test_a_wrong_column_is_seen(monkeypatch):
    """One with a threshold higher by 2 mV in the whole column must not pass."""
    right = bitline_module.bitline_deck

    def wrong(read, **words):
        deck = right(read, **words)
        deck.circuit.parameter("V_T_nmos", repr(read.card.parts["cell"].parts["nmos"].V_T0 + 0.002))
        return deck

    monkeypatch.setattr(bitline_module, "bitline_deck", wrong)
    found = crosscheck("bitline", engines=["vacask"], **STEP)
    assert not found.holds
    assert "a bit line differs by" in found.complaints()[0]
    assert found.comparisons[0].voltage > 5e-4


def test_discharge_of_a_lone_cell_is_the_integral_of_its_current():
    """One 8T cell, its read port's driver so wide that the access transistor alone limits: C dV/dt = -I(V)."""
    card = load_card("sram_array_8t_65nm").replace(R_WL_driver=1e-3, R_WL_cell=0.0, C_WL_supply=1.0, T_pulse=2e-9)
    cell = card.parts["cell"]
    read = BitlineRead(card, stored=[1])
    deck = bitline_deck(read, max_step=5e-12, options=default_options("bitline", "ngspice"))
    deck.circuit.parameter("W_read_driver", "1")
    theirs = simulate(deck, "ngspice")
    access = Mosfet(cell.parts["nmos"], cell.W_read_access, cell.L_read_access)
    inside = (theirs.time > 0) & (theirs.time < 2e-9)
    times, voltage = theirs.time[inside], theirs["bl"][inside]
    current = access.drain_current(card.V_WL, voltage, 0.0)
    fallen = np.trapezoid(current, times) / read.capacitance
    assert voltage[0] - voltage[-1] == pytest.approx(fallen, rel=1e-3)
    assert fallen > 0.05


def test_frame_and_figure_of_a_bit_line(tmp_path):
    found = crosscheck("bitline", engines=["vacask"], rows=4, steps=[50e-12, 20e-12])
    frame = found.to_frame()
    assert list(frame["max_step"]) == [50e-12, 20e-12]
    assert set(frame.attrs["units"]) <= set(frame.columns)
    assert found.kind == "bitline"
    found.figure().savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize("array", ["binary", "split"])
@pytest.mark.parametrize("engine", ENGINES)
def test_trial_levels_and_codes_of_a_drawn_converter(engine, array):
    found = crosscheck("adc", engines=[engine], array=array, spread="drawn", seed=2, steps=[100e-12])
    assert found.complaints() == []
    (one,) = found.comparisons
    assert one.same_codes == one.inputs == 16
    assert one.level < 1e-3
    (traces,) = found.traces
    assert len(set(traces.codes.tolist())) == 16
    ideal = np.floor(traces.conversions.inputs / found.lsb)
    assert np.max(np.abs(traces.codes - ideal)) <= 2


def test_a_wrong_capacitor_is_seen(monkeypatch):
    from circuitsnn.spice.crosscheck import adc as module

    right = module.adc_deck

    def wrong(*arguments, **words):
        deck = right(*arguments, **words)
        deck.circuit["Cbit_5"].capacitance = 32.3e-15
        return deck

    monkeypatch.setattr(module, "adc_deck", wrong)
    found = crosscheck("adc", engines=["vacask"], steps=[100e-12])
    assert not found.holds
    assert found.comparisons[0].level > 0.05


def test_incomplete_settling_shows_in_the_levels():
    """Half of the time to settle: levels move by more than an LSB, in the circuit as in ours."""
    card = load_card("sar_adc_65nm")
    card = card.replace(T_settle=2.5 * card.R_switch * card.C_unit)
    found = crosscheck("adc", engines=["vacask"], card=card, inputs=8)
    assert found.complaints() == []
    (traces,) = found.traces
    assert np.max(np.abs(traces.ours - traces.conversions.trials * found.lsb)) > found.lsb


def test_frame_and_figure_of_a_converter(tmp_path):
    found = crosscheck("adc", engines=["vacask"], inputs=4, bits=4)
    assert set(found.to_frame().attrs["units"]) <= set(found.to_frame().columns)
    found.figure().savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kind": "bitline", "rows_on": 17}, "rows_on is 17; allowed is a whole number from 0 to 16"),
        ({"kind": "bitline", "rows": 0}, "rows is 0; allowed is a whole number from 1"),
        ({"kind": "bitline", "stored": "012"}, "stored is '012'; allowed: bits such as '0110'"),
        ({"kind": "bitline", "pulse": 0.0}, "pulse is 0.0; allowed is a finite number above 0"),
        ({"kind": "bitline", "corner": "TF"}, "corner is 'TF'; allowed: TT"),
        ({"kind": "bitline", "card": "sar_adc_65nm"}, "needs a card of kind 'sram_array'"),
        ({"kind": "adc", "inputs": 0}, "inputs is 0; allowed is a whole number from 1"),
        ({"kind": "adc", "array": "ladder"}, "array is 'ladder'; allowed: binary, split"),
        ({"kind": "adc", "card": "sram_array_6t_65nm"}, "needs a card of kind 'sar_adc'"),
    ],
)
def test_words_are_checked(words, message):
    with pytest.raises(InputError, match=message):
        crosscheck(engines=["ngspice"], **words)
