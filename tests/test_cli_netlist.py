"""The commands `netlist` and `crosscheck`, as a user types them."""

import json
import shlex

import numpy as np
import pandas as pd
import pytest

from circuitsnn.cli import main
from circuitsnn.spice import DIALECTS
from circuitsnn.spice.netlists import netlist


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Run a command line in an empty folder; give its exit status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(line):
        with pytest.raises(SystemExit) as left:
            main(shlex.split(line))
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


def test_without_a_file_the_deck_goes_to_the_terminal(command):
    status, out, err = command("netlist pair --set R_S=15k --coupling 12k --spread drawn --seed 3")
    assert (status, err) == (0, "")
    same = netlist("pair", settings={"R_S": "15k"}, coupling_resistance=12e3, spread="drawn", seed=3)
    assert out == same.text


def test_the_command_in_the_header_makes_the_same_deck_again(command):
    line = "netlist pair --dialect hspice --set R_S=15k --fidelity abrupt --coupling 12345 --delay 0.1 --periods 3"
    status, out, _ = command(f"{line} --max-step 7n")
    assert status == 0
    again = out.splitlines()[2].split("circuitsnn netlist", 1)[1]
    assert command(f"netlist {again}")[1] == out


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_deck_and_what_must_lie_beside_it(command, tmp_path, dialect):
    status, out, err = command(f"netlist oscillator --dialect {dialect} -o 'a b/ü{DIALECTS[dialect].suffix}'")
    assert (status, out, err) == (0, "", "")
    names = {path.name for path in (tmp_path / "a b").iterdir()}
    beside = {"vo2.va", "energy_meter.va"} if dialect == "spectre" else set()
    assert names == {f"ü{DIALECTS[dialect].suffix}"} | beside


def test_a_file_of_the_users_is_not_written_over(command, tmp_path):
    (tmp_path / "vo2.va").write_text("mine")
    status, out, err = command("netlist oscillator --dialect spectre -o deck.scs")
    assert (status, out) == (2, "")
    assert err == (
        f"circuitsnn: {'vo2.va'} exists and is not the file that the deck needs; move it, or name another folder\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["vo2.va"]
    assert (tmp_path / "vo2.va").read_text() == "mine"


@pytest.mark.parametrize("engine", ["ngspice", "vacask"])
def test_run_prints_what_the_deck_measures(command, tmp_path, engine):
    status, out, err = command(f"netlist oscillator --periods 5 --run {engine} --waveforms w.csv --json")
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert answer["engine"] == engine
    assert answer["measures"]["period"] == pytest.approx(21.7378e-6, rel=1e-4)
    frame = pd.read_csv(tmp_path / "w.csv")
    assert np.all(np.diff(frame["time"]) > 0)
    assert frame["v(osc0_out)"].max() == pytest.approx(1.52, abs=0.01)
    status, out, _ = command(f"netlist oscillator --periods 5 --run {engine}")
    assert status == 0
    assert out.splitlines()[0] == f"measured by {engine}\tvalue"
    assert out.splitlines()[1].startswith("period\t21.73")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("netlist ring", "ring"),
        ("netlist pair --dialect pspice", "pspice"),
        ("netlist pair --set R_Q=1", "unknown parameter 'R_Q'"),
        ("netlist pair --coupling ten", "--coupling"),
        ("netlist pair --max-step 0", "max_step is 0.0 s; allowed: a finite time above 0 s"),
        ("netlist pair --run spectre", "engine is 'spectre'; allowed: ngspice"),
        ("netlist pair --waveforms w.csv", "--waveforms needs a simulator; allowed with --run ENGINE"),
        ("netlist pair --dialect vacask --spread random", "has no random functions; write a deck in which each"),
        ("netlist oscillator --set V_H=2.3", "The oscillator stays insulating"),
        ("netlist onn --image 9", "image is 9; allowed is 0 to 5"),
        ("netlist onn --fuzzy 61", "61"),
        ("crosscheck pair --engine spectre", "engine is 'spectre'; allowed: ngspice"),
        ("crosscheck pair --out picture.pdf", "allowed is a file that ends in .png"),
        ("crosscheck pair --step 20x", "--step"),
        ("crosscheck column", "'column'"),
        ("crosscheck bitline --card nmos_65nm", "'sram_array'"),
        ("crosscheck adc --rows 4", "rows is 4, which 'adc' does not heed"),
        ("netlist bitline --rows 3 --rows-on 9", "rows_on is 9"),
        ("netlist adc --input 1F", "a number in V"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(command, tmp_path, line, message):
    status, out, err = command(line)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_simulator_is_one_line(command, monkeypatch):
    monkeypatch.setenv("CIRCUITSNN_NGSPICE", "/nowhere/ngspice")
    for line in ("netlist oscillator --run ngspice", "crosscheck period --engine ngspice"):
        status, out, err = command(line)
        assert (status, out) == (3, "")
        assert len(err.splitlines()) == 1
        assert "CIRCUITSNN_NGSPICE is set to '/nowhere/ngspice', which is not a program" in err


def test_a_failing_simulator_is_one_line(command):
    status, out, err = command("netlist oscillator --run ngspice --timeout 0.001")
    assert (status, out) == (3, "")
    assert len(err.splitlines()) == 1
    assert "ngspice was stopped after its time limit of 0.001 s" in err


def test_crosscheck_says_how_far_all_agree(command, tmp_path):
    status, out, err = command("crosscheck period --periods 3 --step 100n --step 10n --out p.png")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split("\t")[:3] == ["simulator", "step", "timing [period]"]
    assert [line.split("\t")[:2] for line in lines[1:5]] == [
        ["ngspice", "100 ns"],
        ["ngspice", "10 ns"],
        ["vacask", "100 ns"],
        ["vacask", "10 ns"],
    ]
    assert lines[5:] == ["all agree at their smallest step", "picture: p.png"]
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_crosscheck_fails_where_the_step_is_too_long(command):
    status, out, _ = command("crosscheck period --engine ngspice --periods 3 --step 1u --json")
    answer = json.loads(out)
    assert status == 1
    assert not answer["holds"]
    assert answer["complaints"][0].startswith("ngspice: switching times differ by")
    assert answer["comparisons"][0]["timing"] > 1e-4


@pytest.mark.parametrize("engine", ["ngspice", "vacask"])
def test_a_loop_shows_the_thresholds_and_resistances(command, engine):
    status, out, _ = command(f"netlist iv --run {engine} --json")
    measures = json.loads(out)["measures"]
    assert status == 0
    assert measures["v_h"] == pytest.approx(1.999, abs=0.005)  # half a step of the sweep
    assert measures["v_l"] == pytest.approx(1.0, abs=0.009)
    assert measures["r_ins"] == pytest.approx(100.2e3, rel=1e-6)
    assert measures["r_met"] == pytest.approx(990, rel=1e-6)


def test_a_column_and_a_converter_on_an_engine(command):
    status, out, _ = command("netlist bitline --rows 4 --rows-on 2 --stored 01 --spread drawn --seed 3 --run ngspice")
    assert status == 0
    assert "bl_sample\t1.1" in out
    status, out, _ = command("netlist adc --bits 3 --input 0.3 --input 0.5 --dialect hspice")
    assert status == 0
    assert "--input 0.3 --input 0.5" in out  # how to make it again


def test_cross_checks_of_arrays(command, tmp_path):
    line = "crosscheck bitline --engine ngspice --rows 4 --rows-on 2 --step 50p --pulse 2"
    status, out, _ = command(f"{line} --out {tmp_path / 'read.png'}")
    assert status == 0
    assert out.startswith(
        "simulator\tstep\trows\tvoltage\tsample\tenergy\tits time\tour time\tratio\nngspice\t50 ps\t4\t"
    )
    assert "all agree at their smallest step" in out
    assert (tmp_path / "read.png").stat().st_size > 10_000
    status, out, _ = command("crosscheck adc --engine ngspice --bits 3 --inputs 4 --json")
    assert status == 0
    found = json.loads(out)
    assert found["holds"] is True
    assert {row["same_codes"] for row in found["comparisons"]} == {4}
