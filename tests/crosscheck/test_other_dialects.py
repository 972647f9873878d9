"""Decks for simulators that cannot be had here, run by those that read their dialects.

ngspice has modes that read what LTspice, HSPICE and PSpice (which Xyce follows) read; VACASK reads Spectre netlists.
That shows that the decks are whole and mean the same circuit, not that the real programs read every line the same way.
"""

import re
import subprocess

import numpy as np
import pytest

from circuitsnn.cards import load_card
from circuitsnn.spice import find_engine, read_raw
from circuitsnn.spice.array_decks import column_of_words, converter_of_words
from circuitsnn.spice.netlists import netlist

PERIODS = {"smooth": 20.791e-6, "relaxed": 21.7378e-6, "abrupt": 21.5765e-6}
MODES = {"ltspice": "lt", "hspice": "hs", "xyce": "ps"}


def ngspice(text, mode, folder):
    """Run a deck in one of ngspice's modes; results of its measurements and what was printed."""
    (folder / "deck.cir").write_text(text)
    command = [find_engine("ngspice"), "-n", "-D", f"ngbehavior={mode}", "-b", "deck.cir"]
    log = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    found = re.findall(r"^(\w+)\s*=\s*(\S+)", log.stdout, re.M)
    return {name: float(value) for name, value in found if re.fullmatch(r"[-+.\de]+", value)}, log.stdout + log.stderr


@pytest.mark.parametrize("fidelity", ["relaxed", "abrupt"])
@pytest.mark.parametrize("dialect", MODES)
def test_spice_dialects_mean_the_same_circuit(dialect, fidelity, tmp_path):
    deck = netlist("pair", dialect, fidelity=fidelity, periods=6)
    text = re.sub(r"PARAM (\S+)", r"PARAM='\1'", deck.text)  # LTspice's own way, which ngspice does not know
    measured, log = ngspice(text, MODES[dialect], tmp_path)
    assert "rror" not in log
    assert measured["period"] == pytest.approx(PERIODS[fidelity], rel=5e-5)
    assert measured["phase_1"] == pytest.approx(0, abs=1e-3)
    own, _ = ngspice(netlist("pair", fidelity=fidelity, periods=6).text, "", tmp_path)
    for name in ("energy_0", "energy_1"):
        assert measured[name] == pytest.approx(own[name], rel=1e-3)


@pytest.mark.parametrize("dialect", MODES)
def test_each_device_gets_draws_of_its_own(dialect, tmp_path):
    """Two oscillators, uncoupled in effect, whose thresholds the simulator draws: their periods must differ."""
    words = {"spread": "random", "coupling_resistance": 1e12, "periods": 4, "settings": {"V_DD": 2.8}}
    text = netlist("pair", dialect, **words).text
    assert text.count("z_V_H_0") == text.count("z_V_H_1") == 2
    if dialect == "ltspice":
        text = text.replace("{0+gauss(1)}", "{agauss(0,1,1)}")  # LTspice's own name
    more = ".meas tran period_1 TRIG v(osc1_metallic) VAL=0.5 RISE=2 TARG v(osc1_metallic) VAL=0.5 RISE=3\n"
    measured, _ = ngspice(text.replace(".meas", f"{more}.meas", 1), MODES[dialect], tmp_path)
    assert measured["period"] != pytest.approx(measured["period_1"], rel=1e-4)


COLUMN = {"rows": 6, "stored": "011", "rows_on": 5, "pulse": 3.0, "spread": "drawn", "seed": 4}


def own_column():
    """Our own discharge and energies of that column."""
    read, pulses = column_of_words(load_card("sram_array_6t_65nm"), **COLUMN)
    return read.transient(pulses=pulses, tolerance=1e-7)


@pytest.mark.parametrize("dialect", MODES)
def test_spice_dialects_mean_the_same_column(dialect, tmp_path):
    measured, log = ngspice(netlist("bitline", dialect, **COLUMN).text, MODES[dialect], tmp_path)
    assert "rror" not in log
    own = own_column()
    near = 5e-4 if dialect == "xyce" else 1e-4  # ngspice does not know Xyce's options, and takes its own reltol
    assert 1.2 - measured["bl_sample"] == pytest.approx(own.discharge, abs=near)
    assert 1.2 - measured["blb_sample"] == pytest.approx(own.discharge_bar, abs=near)
    assert measured["energy_precharge"] == pytest.approx(own.energies["precharge"], rel=1e-3, abs=0.0)


@pytest.mark.parametrize("dialect", MODES)
def test_spice_dialects_mean_the_same_converter(dialect, tmp_path):
    adc = converter_of_words(load_card("sar_adc_65nm"), spread="drawn", seed=4)
    measured, log = ngspice(
        netlist("adc", dialect, spread="drawn", seed=4, inputs=[0.4]).text, MODES[dialect], tmp_path
    )
    assert "rror" not in log
    code = sum(1 << bit for bit in range(adc.bits) if measured[f"difference_0_{bit}"] >= 0)
    assert code == adc.convert(0.4)


@pytest.mark.parametrize("fidelity", PERIODS)
def test_spectre_decks_run_in_vacask(fidelity, tmp_path):
    deck = netlist("pair", "spectre", fidelity=fidelity, periods=6)
    for name, text in deck.companions.items():
        (tmp_path / name).write_text(text)
    # VACASK's reader wants strings in quotes, and Verilog-A loaded by the deck that includes this one.
    (tmp_path / "pair.scs").write_text(re.sub(r"type=(\w+)", r'type="\1"', deck.text))
    (tmp_path / "host.sim").write_text(
        "host\nground 0\n"
        'load "spice/resistor.osdi"\nmodel resistor sp_resistor\n'
        'load "spice/capacitor.osdi"\nmodel capacitor sp_capacitor\n'
        'include "builtins.inc"\n'
        + "".join(f'load "{name}"\n' for name in deck.companions)
        + 'include "pair.scs" lang=spectre\n'
        'control\n  abort always\n  options rawfile="binary" reltol=1e-5\n'
        '  analysis tran1 tran stop=130u step=20n maxstep=20n icmode="op"\nendc\n'
    )
    done = subprocess.run(
        [find_engine("vacask"), "host.sim"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    waveforms = read_raw(tmp_path / "tran1.raw")
    metallic = waveforms["v(osc1_metallic)"] > 0.5
    rises = waveforms["time"][1:][metallic[1:] & ~metallic[:-1]]
    assert np.diff(rises)[-2:] == pytest.approx([PERIODS[fidelity]] * 2, rel=2e-4)


def test_a_spectre_deck_of_a_column_runs_in_vacask(tmp_path):
    deck = netlist("bitline", "spectre", **COLUMN)
    assert set(deck.companions) == {"mosfet.va", "coupling_switch.va", "cycle_meter.va"}
    for name, text in deck.companions.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "column.scs").write_text(re.sub(r"type=(\w+)", r'type="\1"', deck.text))
    own = own_column()
    (tmp_path / "host.sim").write_text(
        "host\nground 0\n"
        'load "spice/resistor.osdi"\nmodel resistor sp_resistor\n'
        'load "spice/capacitor.osdi"\nmodel capacitor sp_capacitor\n'
        'include "builtins.inc"\n'
        + "".join(f'load "{name}"\n' for name in deck.companions)
        + 'include "column.scs" lang=spectre\n'
        'control\n  abort always\n  options rawfile="binary" reltol=1e-6 nr_residualcheck=0\n'
        f'  analysis tran1 tran stop={float(own.times[-1])!r} step=10p maxstep=10p icmode="op"\nendc\n'
    )
    done = subprocess.run(
        [find_engine("vacask"), "host.sim"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    waveforms = read_raw(tmp_path / "tran1.raw")
    at_sample = np.interp(own.t_sample, waveforms["time"], waveforms["v(bl)"])
    assert 1.2 - at_sample == pytest.approx(own.discharge, abs=1e-4)
