import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from circuitsnn import __version__
from circuitsnn.cards import list_cards
from circuitsnn.cli import main
from circuitsnn.errors import InputError, StudyError
from circuitsnn.progress import ignore_progress
from circuitsnn.study import Claim

ALL = "crosscheck, fit, infer, netlist, report, compare, run, studies, train, adc, data, devices, oscillator, sram"
COMMANDS = ["", "devices", "devices list", "devices show", "run"]
COMMANDS += [
    "data",
    "data list",
    "infer",
    "train",
    "netlist",
    "crosscheck",
    "fit",
    "oscillator",
    "oscillator period",
    "oscillator phase-map",
]


@pytest.fixture
def command(capsys):
    """Run a command line; give its exit status, standard output and standard error."""

    def run(line):
        with pytest.raises(SystemExit) as left:
            main(line.split())
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


@pytest.fixture
def study(monkeypatch):
    """Stand in for the study framework: one study, whose claim holds unless told otherwise."""
    seen = {}

    def load_study(name):
        if name != "known":
            raise InputError(f"there is no study '{name}'; allowed: known")
        return SimpleNamespace(name=name, parameters=())

    def run_study(study, **arguments):
        seen.update(arguments, study=study.name)
        if seen.get("fails"):
            raise seen["fails"]
        holds = seen.get("holds", True)
        claim = Claim("period", 21.6e-6, 21.5765e-6, "within 1 %", holds, "s", "[sharp]")
        return SimpleNamespace(
            claims=[claim],
            holds=holds,
            folder=Path("runs/known"),
            figures=[Path("runs/known/period.png")],
            tables={},
            to_dict=lambda: {"holds": holds, "folder": Path("runs/known")},
        )

    monkeypatch.setattr("circuitsnn.study.load_study", load_study, raising=False)
    monkeypatch.setattr("circuitsnn.study.run_study", run_study, raising=False)
    return seen


@pytest.mark.parametrize("line", COMMANDS)
def test_help_shows_an_example(command, line):
    status, out, _ = command(f"{line} --help")
    assert status == 0
    assert "Example: circuitsnn" in out


def test_version(command):
    assert command("--version") == (0, f"{__version__}\n", "")


def test_devices_list_names_every_card(command):
    status, out, _ = command("devices list")
    assert status == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == ["card", *list_cards()]
    assert [card["name"] for card in json.loads(command("devices list --json")[1])] == list_cards()


def test_devices_show_gives_values_spreads_and_notes(command):
    status, out, _ = command("devices show vo2_delacour2021")
    assert status == 0
    assert "V_H\t1.999 V\t1 % normal" in out
    assert "V- = V_DD - V_H = 0.501 V" in out
    shown = json.loads(command("devices show vo2_delacour2021 --json")[1])
    assert shown["parameters"]["R_ins"]["value"] == 100.2e3
    assert shown["parameters"]["R_ins"]["spread"]["distribution"] == "lognormal"


@pytest.mark.parametrize(
    ("line", "wrong", "allowed"),
    [
        (
            "",
            "Missing command",
            f"allowed: {ALL}",
        ),
        ("devices", "Missing command", "list, show"),
        (
            "nonsense",
            "No such command 'nonsense'",
            ALL,
        ),
        ("devices show", "Missing argument 'NAME'", "circuitsnn devices show"),
        ("devices show vo2", "no card 'vo2'", "vo2_delacour2021"),
        ("devices show none.toml", "none.toml: cannot be read", "name a readable TOML file"),
        ("run", "Missing argument 'STUDY'", "circuitsnn run"),
        ("run known --nonsense", "--nonsense", "--quick, --set, --train, --seed, --jobs, --scheduler, --out, --json"),
        ("run known --jobs 0", "'--jobs'", "circuitsnn run"),
        ("run known --seed one", "'--seed'", "integer"),
        ("run known --set R_S", "--set is given 'R_S'", "NAME=VALUE"),
        ("run known --set a=1 --set a=2", "--set gives a twice", "one value for each name"),
        ("run unknown", "no study 'unknown'", "allowed: known"),
        ("oscillator period --set R_S=15kV", "R_S is '15kV', whose unit is 'V'", "a number in Ω"),
        ("oscillator period --set R_s=15k", "unknown parameter 'R_s'", "V_DD, R_S, C_P"),
        ("oscillator period --fidelity exact", "'exact'", "'smooth', 'relaxed', 'abrupt'"),
        ("oscillator phase-map --from 9k --to 8k", "--from is 9k and --to is 8k", "0 < from < to"),
        ("oscillator phase-map --from 9F", "--from is '9F'", "a number in Ω"),
        ("oscillator phase-map --out map.jpg", "--out is map.jpg", ".png"),
    ],
)
def test_wrong_input_is_one_line_with_status_2(command, study, line, wrong, allowed):
    status, out, err = command(line)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("circuitsnn: ")
    assert wrong in err
    assert allowed in err


def test_no_traceback_from_the_process_itself():
    line = [sys.executable, "-m", "circuitsnn.cli", "devices", "show", "nonsense"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_run_hands_everything_to_the_study(command, study, tmp_path):
    out = tmp_path / "new" / "results"
    status, _, _ = command(f"run known --quick --set R_S=15k --set N=8 --seed 7 --jobs 2 --out {out}")
    assert status == 0
    expected = {"quick": True, "settings": {"R_S": "15k", "N": "8"}, "seed": 7, "jobs": 2, "out": out}
    assert {name: study[name] for name in expected} == expected
    assert study["progress"] is ignore_progress, "no progress bar where standard error is not a terminal"


def test_run_prints_claims_and_pictures(command, study):
    status, out, err = command("run known")
    assert (status, err) == (0, "")
    assert "period\t21.6 µs\t21.58 µs\twithin 1 %\tyes\t[sharp]" in out
    assert out.endswith("picture: runs/known/period.png\n")


def test_run_prints_json_for_other_programs(command, study):
    status, out, _ = command("run known --json")
    assert status == 0
    assert json.loads(out) == {"holds": True, "folder": "runs/known"}


def test_a_claim_that_does_not_hold_is_status_1(command, study):
    study["holds"] = False
    status, out, _ = command("run known")
    assert status == 1
    assert "\tNO\t" in out


def test_a_folder_that_cannot_be_written_is_refused_before_the_study_runs(command, study, tmp_path):
    (tmp_path / "file").write_text("in the way")
    status, _, err = command(f"run known --out {tmp_path / 'file' / 'results'}")
    assert status == 2
    assert "cannot write to" in err
    assert "study" not in study
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_is_one_line(command, study):
    study["fails"] = OSError(28, "No space left on device", "results.parquet")
    status, _, err = command("run known")
    assert status == 2
    assert err == "circuitsnn: cannot use results.parquet: No space left on device; name another file or folder\n"


def test_a_study_that_fails_is_one_line_with_status_3(command, study):
    study["fails"] = StudyError("working: item 3 of 8 failed:\nZeroDivisionError: three")
    status, out, err = command("run known")
    assert (status, out) == (3, "")
    assert err == "circuitsnn: working: item 3 of 8 failed: ZeroDivisionError: three\n"


def test_control_c_is_status_130(command, study):
    study["fails"] = KeyboardInterrupt()
    assert command("run known")[0] == 130


def test_period_of_table_1(command):
    status, out, _ = command("oscillator period --fidelity abrupt")
    assert status == 0
    assert out.startswith("21.5765 µs (46.3")
    shown = json.loads(command("oscillator period --fidelity abrupt --set V_H=1.99 --json")[1])
    assert shown["period_s"] == pytest.approx(20.7355e-6, rel=1e-5)


@pytest.mark.parametrize(("encoding", "period"), [("utf-8", "21.5765 µs"), ("ascii", "21.5765 us")])
def test_units_are_spelled_out_where_the_terminal_has_no_greek(encoding, period):
    line = [sys.executable, "-m", "circuitsnn.cli", "oscillator", "period", "--fidelity", "abrupt"]
    done = subprocess.run(line, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.stdout.decode(encoding).startswith(period)


def test_a_device_that_does_not_oscillate_is_wrong_input(command):
    status, _, err = command("oscillator period --set V_H=2.1")
    assert status == 2
    assert err.count("\n") == 1


def test_phase_map_writes_a_picture(command, tmp_path):
    picture = tmp_path / "pictures" / "map.png"
    sizes = "--from 5k --to 100k --resistances 2 --delays 2 --jobs 1"
    status, out, _ = command(f"oscillator phase-map {sizes} --out {picture} --json")
    assert status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert os.listdir(picture.parent) == ["map.png"]
    phases = json.loads(out)["phases_degree"]
    assert phases[1][0] == pytest.approx(0, abs=5)
    assert phases[1][1] == pytest.approx(180, abs=5)


def test_unknown_study_names_the_studies(command):
    status, _, err = command("run nonsense")
    assert status == 2
    assert "associative_memory" in err
