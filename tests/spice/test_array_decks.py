"""Decks of a column and of a converter in every dialect, read back by a parser that knows nothing of the writers."""

import re

import numpy as np
import pytest

from circuitsnn.adc.sar import SarAdc
from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.spice import DIALECTS, write_deck
from circuitsnn.spice.column import ReadTiming, bitline_deck, column_circuit
from circuitsnn.spice.converter import Conversions, adc_deck
from circuitsnn.spice.netlists import netlist
from circuitsnn.spice.transistors import FoundryTransistor
from circuitsnn.sram.bitline import BitlineRead, word_line_level, word_line_time_constant
from tests.spice.deck_parser import read_deck

ALL = pytest.mark.parametrize("dialect", DIALECTS)
SIX, EIGHT = load_card("sram_array_6t_65nm"), load_card("sram_array_8t_65nm")


@ALL
def test_a_drawn_column_comes_back_from_its_deck(dialect):
    read = BitlineRead(SIX, stored=[0, 1, 1, 0], mismatch=7)
    pulses = [1, 3, 0, 3]
    deck = read_deck(write_deck(bitline_deck(read, pulses=pulses), dialect).text, dialect)
    cell, timing = SIX.parts["cell"], ReadTiming.of(read, pulses=pulses)
    names = ("access", "pull_down", "pull_up", "access_bar", "pull_down_bar", "pull_up_bar")
    for row, bit in enumerate(read.stored):
        word = f"wl_{row}" if pulses[row] else "0"
        for k, name in enumerate(names):
            device, bar = name.removesuffix("_bar"), name.endswith("_bar")
            line, q, own = ("blb", f"cell{row}_qb", 1 - bit) if bar else ("bl", f"cell{row}_q", bit)
            gate = "0" if own else "vdd"
            nodes = {
                "access": [line, word, q, "0"], "pull_down": [q, gate, "0", "0"], "pull_up": [q, gate, "vdd", "vdd"],
            }[device]  # fmt: skip
            element = deck.elements[f"Xcell{row}_{name}"]
            assert (element.nodes, element.master) == (nodes, "pmos" if device == "pull_up" else "nmos")
            expected = {
                "w": getattr(cell, f"W_{device}"), "l": getattr(cell, f"L_{device}"),
                "threshold_shift": read.mismatch[0][row, k], "current_factor_shift": read.mismatch[1][row, k],
            }  # fmt: skip
            assert element.named == pytest.approx(expected, rel=1e-15)
        if pulses[row]:
            resistor, capacitor = deck.elements[f"Rwl_{row}"], deck.elements[f"Cwl_{row}"]
            assert resistor.nodes == [f"driver_{1 if pulses[row] == 1 else 2}", word]
            assert resistor.values[0] * capacitor.values[0] == pytest.approx(word_line_time_constant(SIX), rel=1e-12)
    for line in ("bl", "blb"):
        assert deck.elements[f"C{line}"].values == pytest.approx([read.capacitance], rel=1e-12)
        assert deck.elements[f"Rprecharge_{line}"].values == [SIX.R_precharge]
    for k, pulse in ((1, 1), (2, 3)):
        wave = deck.elements[f"Vdriver_{k}"].values
        assert wave[1] == pytest.approx(word_line_level(SIX, 3), rel=1e-12)
        assert wave[3] + wave[5] == pytest.approx(pulse * SIX.T_pulse, rel=1e-12)  # falls as long after it rose
    off = deck.elements["Vprecharge_on"].values
    assert off[:2] == [1, 0]
    assert off[3] + off[5] == pytest.approx(timing.t_sample, rel=1e-12)
    assert len(deck.elements) == 24 + 6 + 2 * 3 + 4 + 4 + 2  # cells, word lines, lines, supplies, drivers, times


@ALL
def test_every_pulse_is_longer_by_the_offset(dialect):
    card = SIX.replace(T_offset="80p")
    read, pulses = BitlineRead(card, stored=[0, 1, 1]), [1, 0, 2.5]
    deck = read_deck(write_deck(bitline_deck(read, pulses=pulses), dialect).text, dialect)
    waves = [deck.elements[f"Vdriver_{k}"].values for k in (1, 2)]
    assert [wave[3] + wave[5] for wave in waves] == pytest.approx(
        [80e-12 + n * card.T_pulse for n in (1, 2.5)], rel=1e-12
    )
    off = deck.elements["Vprecharge_on"].values
    assert off[3] + off[5] == pytest.approx(read.transient(pulses=pulses, points=2).t_sample, rel=1e-12)


@ALL
def test_a_wire_is_a_ladder(dialect):
    read = BitlineRead(EIGHT, stored=[1, 0, 1], wire=True)
    deck = read_deck(write_deck(bitline_deck(read), dialect).text, dialect)
    assert deck.elements["Cbl"].values == pytest.approx([EIGHT.C_BL_fixed + EIGHT.C_BL_row], rel=1e-12)
    for row, (before, here) in enumerate((("bl", "bl_1"), ("bl_1", "bl_2")), start=1):
        assert deck.elements[f"R{here}"].nodes == [before, here]
        assert deck.elements[f"R{here}"].values == [EIGHT.R_BL_row]
        assert deck.elements[f"C{here}"].values == pytest.approx([EIGHT.C_BL_row], rel=1e-12)
        assert deck.elements[f"Xcell{row}_read_access"].nodes == [here, f"wl_{row}", f"cell{row}_x", "0"]
    gates = [deck.elements[f"Xcell{row}_read_driver"].nodes[1] for row in range(3)]
    assert gates == ["vdd", "0", "vdd"]  # a stored 1 discharges
    assert not any(element.master == "pmos" for element in deck.elements.values())


def test_equal_rows_are_one_cell_of_their_width_and_the_deck_says_so():
    read = BitlineRead(SIX, stored=np.arange(256) % 2)
    text = write_deck(bitline_deck(read, pulses=np.where(np.arange(256) < 9, 1.0, 0.0))).text
    assert "* cell0 stands for the 5 rows 0, 2, 4, 6, 8\n" in text
    assert "* cell1 stands for the 4 rows 1, 3, 5, 7\n" in text
    deck = read_deck(text, "ngspice")
    cells = {re.match(r"Xcell(\d+)_", name)[1] for name in deck.elements if name.startswith("Xcell")}
    assert cells == {"0", "1", "9", "10"}
    widths = [deck.elements[f"Xcell{row}_access"].named["w"] for row in (0, 1, 9, 10)]
    assert widths == pytest.approx([n * SIX.parts["cell"].W_access for n in (5, 4, 124, 123)], rel=1e-12)
    wl = [deck.elements[f"{letter}wl_0"].values[0] for letter in "RC"]
    assert wl[1] == pytest.approx(5 * SIX.C_WL_cell)
    assert wl[0] * wl[1] == pytest.approx(word_line_time_constant(SIX), rel=1e-12, abs=0.0)


def test_a_foundrys_transistors_are_never_put_together():
    foundry = {kind: FoundryTransistor(f"{kind}_mac", "models.l", "tt") for kind in ("nmos", "pmos")}
    text = write_deck(bitline_deck(BitlineRead(SIX, rows=5), foundry=foundry), "hspice").text
    assert text.count(" nmos_mac ") == 5 * 4
    assert text.count(" pmos_mac ") == 5 * 2
    assert ".lib 'models.l' tt" in text
    assert "V_T_nmos" not in text
    with pytest.raises(InputError, match="mismatch is drawn for the package's transistors"):
        column_circuit(BitlineRead(SIX, rows=5, mismatch=1), foundry=foundry)


@ALL
def test_a_drawn_converter_comes_back_from_its_deck(dialect):
    card = load_card("sar_adc_65nm")
    adc = SarAdc(card, 4, 3)
    text = write_deck(adc_deck(adc, [0.5]), dialect).text
    parts = adc.parts[0]
    capacitors = dict(re.findall(r"^Cbit_(\d) .*?(?:c=| )([-+.\de]+)$", text, re.M))
    found = [float(capacitors[str(bit)]) for bit in range(4)]
    assert found == pytest.approx(parts.upper * card.C_unit, rel=1e-14)
    assert np.ptp(found / 2.0 ** np.arange(4)) > 0
    offset = re.search(r"^(?:\.param|parameters) V_offset=(\S+)$", text, re.M)
    assert float(offset[1]) == pytest.approx(parts.offset, rel=1e-12)


def test_trials_of_a_conversion():
    """An ideal array by hand: 0.5 V of 1.2 V at 4 bit is code 6, tried 8, 4, 6, 7."""
    card = load_card("sar_adc_65nm").replace(A_C=0.0, sigma_offset=0.0)
    work = Conversions.of(SarAdc(card, 4), [0.5, 1.19])
    assert work.codes.tolist() == [6, 15]
    assert work.trials.tolist() == [[8, 4, 6, 7], [8, 12, 14, 15]]
    assert np.all(np.diff(work.decisions.ravel()) > 0)


@ALL
@pytest.mark.parametrize("kind", ["bitline", "adc"])
def test_header_and_measures(dialect, kind):
    words = {"bitline": {"rows": 4, "stored": "01", "settings": {"V_WL": "0.7"}}, "adc": {"inputs": [0.3, 0.7]}}[kind]
    text = netlist(kind, dialect, spread="drawn", seed=5, **words).text
    shown = {
        "bitline": "--set V_WL=0.7 --spread drawn --seed 5 --rows 4 --stored 01",
        "adc": "--spread drawn --seed 5 --input 0.3 --input 0.7",
    }[kind]
    assert f"circuitsnn netlist {kind} --dialect {dialect} {shown}\n" in text
    if dialect != "vacask":
        names = re.findall(r"^\.meas tran (\S+) FIND", text, re.M)
        assert len(names) == {"bitline": 2, "adc": 12}[kind]


def test_words_that_a_deck_does_not_heed_are_refused():
    for words, message in (
        ({"kind": "bitline", "fidelity": "smooth"}, "fidelity is 'smooth', which 'bitline' does not heed"),
        ({"kind": "bitline", "spread": "random"}, "spread is 'random'; allowed for 'bitline': none, drawn"),
        ({"kind": "bitline", "stored": "1\n.include x"}, "allowed: bits such as '0110'"),
        ({"kind": "bitline", "temperature": -3.0}, "temperature is -3.0"),
        ({"kind": "adc", "rows": 4}, "rows is 4, which 'adc' does not heed; allowed: array, bits, card"),
        ({"kind": "adc", "inputs": [np.nan]}, "inputs must be finite voltages"),
        ({"kind": "pair", "wire": True}, "wire is True, which 'pair' does not heed"),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            netlist(**words)
