import json
import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from measurements import HIDDEN, abrupt_waveform, swept_loop, triangle
from transistor_formula import curves

from circuitsnn.cards import load_card
from circuitsnn.cli import main

DOC = Path(__file__).parent.parent / "docs" / "fit.md"


@pytest.fixture
def command(capsys):
    """Run a command line; give its exit status, standard output and standard error."""

    def run(line):
        with pytest.raises(SystemExit) as left:
            main(shlex.split(line))
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Folder with a loop, one through a series resistor, a waveform of the hidden device, and a transistor's curves."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    sweep = triangle(2.6, 400, shift=0.3)
    for name, series in (("iv", 0.0), ("iv_behind_resistor", 300.0)):
        current = swept_loop(sweep, series=series) + 2e-6 * rng.standard_normal(len(sweep))
        np.savetxt(
            f"{name}.csv", np.c_[sweep, 1e6 * current], "%.6f", ",", header="voltage [V],current [uA]", comments=""
        )
    time = np.arange(0.0, 120e-6, 50e-9)
    output = abrupt_waveform(time) + 4e-3 * rng.standard_normal(len(time))
    np.savetxt("waveform.csv", np.c_[1e6 * time, output], "%.5f", ";", header="time_us;v_out_V", comments="")
    gate, drain = (grid.ravel() for grid in np.meshgrid(np.linspace(0.0, 1.2, 25), [0.05, 0.6, 1.2]))
    drawn = curves(load_card("nmos_65nm").values, 1e-6, 65e-9, gate, drain)
    drawn *= 1.0 + 0.01 * rng.standard_normal(len(drawn))
    np.savetxt(
        "curves.csv", np.c_[gate, drain, 1e6 * drawn], "%.8g", ",", header="VGS [V],VDS [V],ID [uA]", comments=""
    )
    return tmp_path


def write_raw(path, vectors):
    """Write a binary raw file as ngspice does."""
    units = {"t": "time", "v": "voltage", "i": "current"}
    header = "Title: made\nPlotname: Transient Analysis\nFlags: real\n"
    header += f"No. Variables: {len(vectors)}\nNo. Points: {len(next(iter(vectors.values())))}\nVariables:\n"
    header += "".join(f"\t{number}\t{name}\t{units[name[0]]}\n" for number, name in enumerate(vectors))
    path.write_bytes(header.encode() + b"Binary:\n" + np.stack(list(vectors.values()), axis=1).astype("<f8").tobytes())


def rows(out):
    """Lines of the printed table by parameter."""
    return {line.split("\t")[0]: line.split("\t") for line in out.splitlines() if "\t" in line}


def test_help_shows_an_example(command):
    status, out, _ = command("fit --help")
    assert status == 0
    assert "Example: circuitsnn fit vo2_delacour2021 --data iv.csv" in out
    assert "Exit status: 0 when the fit settled, 1 when it did not" in " ".join(out.split())


def test_a_loop_gives_a_card_and_a_picture(command, bench):
    status, out, err = command("fit vo2_delacour2021 --data iv.csv --out new/mine.toml --figure new/iv.png")
    assert (status, err) == (0, "")
    table = rows(out)
    assert list(table) == ["parameter", "R_ins", "R_met", "V_L", "V_H"]
    assert table["V_H"][1:3] == ["1.999 V", table["V_H"][2]]
    assert table["V_H"][4] == "yes"
    assert out.endswith("settled\npicture: new/iv.png\ncard: new/mine.toml\n")
    card = load_card("new/mine.toml")
    assert card.R_met == pytest.approx(HIDDEN["R_met"], rel=1e-3)
    assert "fitted to iv.csv (least squares, relaxed transitions); 95 % interval" in card.parameters["V_H"].source
    assert card.parameters["C_P"] == load_card("vo2_delacour2021").parameters["C_P"]
    assert Path("new/iv.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(os.listdir("new")) == ["iv.png", "mine.toml"]


def test_a_waveform_gives_json(command, bench):
    status, out, _ = command("fit vo2_delacour2021 --data waveform.csv --fidelity abrupt --json --figure wave.png")
    assert status == 0
    shown = json.loads(out)
    assert (shown["status"], shown["picture"], shown["written"]) == ("settled", "wave.png", None)
    parameters = {parameter["name"]: parameter for parameter in shown["parameters"]}
    for name in ("C_P", "R_ins", "R_met", "V_L", "V_H"):
        assert abs(parameters[name]["value"] - HIDDEN[name]) < 4 * parameters[name]["standard_error"]
    assert parameters["R_S"]["fitted"] is False
    assert parameters["R_S"]["standard_error"] is None
    assert shown["correlation"]["V_H"]["V_H"] == pytest.approx(1.0)
    assert shown["rms"] == pytest.approx(4e-3, rel=0.1)


def test_the_series_resistor_is_taken_out(command, bench):
    _, out, _ = command("fit vo2_delacour2021 --data iv_behind_resistor.csv --series-resistance 300 --json")
    values = {parameter["name"]: parameter["value"] for parameter in json.loads(out)["parameters"]}
    assert values["R_met"] == pytest.approx(HIDDEN["R_met"], rel=2e-3)
    assert values["V_L"] == pytest.approx(HIDDEN["V_L"], abs=5e-3)


def test_a_known_value_is_kept_and_a_free_one_only_started_from(command, bench):
    table = rows(command("fit vo2_delacour2021 --data iv.csv --set V_L=1.08")[1])
    assert (table["V_L"][2], table["V_L"][4]) == ("1.08 V", "known")
    table = rows(command("fit vo2_delacour2021 --data iv.csv --set V_L=1.2 --free V_L")[1])
    assert (table["V_L"][1], table["V_L"][4]) == ("1.2 V", "yes")
    assert table["V_H"][4] == "known"


def test_raw_files_of_a_simulator(command, bench):
    time = np.linspace(0, 120e-6, 3000)
    noise = 1e-3 * np.random.default_rng(2).standard_normal(3000)
    vectors = {"time": time, "v(osc0_vdd)": 0 * time + 2.5, "v(osc0_out)": abrupt_waveform(time) + noise}
    write_raw(Path("run.raw"), vectors)
    status, out, _ = command("fit vo2_delacour2021 --data run.raw --fidelity abrupt")
    assert status == 0
    assert float(rows(out)["V_H"][2].split()[0]) == pytest.approx(1.93, abs=1e-3)
    sweep = triangle(2.6, 300)
    # The current of a SPICE source flows into it.
    write_raw(Path("sweep.raw"), {"time": np.arange(600.0), "v(drive)": sweep, "i(vsweep)": -swept_loop(sweep)})
    status, out, _ = command(
        "fit vo2_delacour2021 --data sweep.raw --column voltage=v(drive) --column current=i(vsweep)"
    )
    assert status == 0
    assert "remark: the current is negative" in out
    assert rows(out)["R_met"][2] == "1.3 kΩ"


def test_a_fit_that_does_not_settle_is_status_1_and_writes_no_card(command, bench):
    free = " ".join(f"--free {name}" for name in ("R_S", "C_P", "R_ins", "R_met", "V_L", "V_H"))
    line = f"fit vo2_delacour2021 --data waveform.csv --fidelity abrupt {free} --out mine.toml --figure wave.png"
    status, out, err = command(line)
    assert (status, err) == (1, "")
    assert "not settled: R_S is not identified (the data stay the same with R_S, R_ins, R_met up and C_P down)" in out
    assert not Path("mine.toml").exists()
    assert Path("wave.png").exists()


@pytest.mark.parametrize(
    ("line", "wrong", "allowed"),
    [
        ("fit", "Missing argument 'CARD'", "--data"),
        ("fit vo2_delacour2021", "Missing option '--data'", "--column"),
        ("fit none --data iv.csv", "no card 'none'", "vo2_delacour2021"),
        ("fit vo2_delacour2021 --data none.csv", "cannot use none.csv", "name another file"),
        ("fit vo2_delacour2021 --data .", "cannot use .", "name another file"),
        ("fit vo2_delacour2021 --data iv.csv --free C_P", "'C_P' cannot be fitted to an I-V loop", "R_ins, R_met"),
        ("fit vo2_delacour2021 --data iv.csv --set V_H=high", "V_H is 'high'", "a number in V"),
        ("fit vo2_delacour2021 --data iv.csv --series-resistance 1V", "--series-resistance is '1V'", "Ω"),
        ("fit vo2_delacour2021 --data iv.csv --series-resistance=-1", "series_resistance is -1.0", ">= 0 ohm"),
        ("fit vo2_delacour2021 --data waveform.csv --series-resistance 1k", "belongs to an I-V loop", "leave it out"),
        ("fit vo2_delacour2021 --data iv.csv --out mine.json", "--out is mine.json", ".toml"),
        ("fit vo2_delacour2021 --data iv.csv --figure iv.jpg", "--figure is iv.jpg", ".png"),
        ("fit vo2_delacour2021 --data iv.csv --out iv.csv/mine.toml", "cannot write to iv.csv", "you may write to"),
        ("fit vo2_delacour2021 --data iv.csv --column v", "--column is given 'v'", "ROLE=NAME"),
        ("fit vo2_delacour2021 --data iv.csv --column x=voltage", "--column is given 'x=voltage'", "voltage, current"),
        ("fit vo2_delacour2021 --data iv.csv --column voltage=u", "no column 'u' for the voltage", "'current'"),
        ("fit vo2_delacour2021 --data iv.csv --column time=voltage", "column 'voltage' is in V", "must be in s"),
        ("fit vo2_delacour2021 --data iv.csv --column time=t --column current=c", "loop or a waveform?", "--column"),
        ("fit vo2_delacour2021 --data both.csv", "I-V loop or a waveform?", "--column voltage=NAME"),
        ("fit vo2_delacour2021 --data short.csv", "short.csv: 1 samples are too few", "10 or more"),
        ("fit vo2_delacour2021 --data bad.csv", "bad.csv, line 3, column 'current [A]'", "allowed is a number"),
        ("fit vo2_delacour2021 --data bad.raw", "bad.raw", "not a raw file"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_with_status_2_and_leaves_nothing(command, bench, line, wrong, allowed):
    Path("both.csv").write_text("time [s],voltage [V],current [A]\n" + "0,1,2\n" * 20)
    Path("short.csv").write_text("voltage [V],current [A]\n1,2\n")
    Path("bad.csv").write_text("voltage [V],current [A]\n1,2\n3,x\n")
    Path("bad.raw").write_bytes(b"\x00garbage" * 10)
    before = sorted(os.listdir())
    status, out, err = command(line)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert wrong in err
    assert allowed in err
    assert sorted(os.listdir()) == before


def test_a_picture_that_cannot_be_written_leaves_nothing(command, bench):
    Path("iv.png").mkdir()
    status, _, err = command("fit vo2_delacour2021 --data iv.csv --figure iv.png --out mine.toml")
    assert status == 2
    assert "name a file, not a folder" in err
    assert not Path("mine.toml").exists()
    assert not [name for name in os.listdir() if name.startswith(".")]


def test_the_commands_and_programs_of_the_page_work(command, bench, capsys):
    text = DOC.read_text(encoding="utf-8")
    lines = re.findall(r"^    circuitsnn (fit .*)$", text, re.M)
    assert len(lines) >= 3
    for line in lines:
        status, _, err = command(line)
        assert (status, err) == (0, ""), line
    [program] = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    exec(compile(program, "docs/fit.md", "exec"), {})
    assert "V_H" in capsys.readouterr().out
