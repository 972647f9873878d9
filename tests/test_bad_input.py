"""Wrong input, through Python and through the command: one sentence, and nothing left behind."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from networks import CARD, PERIOD, table_1_network

from circuitsnn.cli import main
from circuitsnn.errors import InputError
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.mapping import linear_resistances, map_pair_weight, map_weights
from circuitsnn.oscillator.memory import input_delays, recall
from circuitsnn.oscillator.phase_map import phase_map
from circuitsnn.oscillator.transition import transition_resistance

STUDY = """
import pandas as pd
from circuitsnn.study import Claim, Outcome, Study, StudyParameter, new_figure

def run(context):
    if context.parameters["fail"]:
        raise ZeroDivisionError("by nought")
    figure, axes = new_figure()
    axes.plot([0, 1])
    axes.set(xlabel="x", ylabel="y")
    table = pd.DataFrame({"R_S": [context.card().R_S]})
    claim = Claim.within("Load", 20e3, 20e3, relative=0.1, unit="Ω")
    return Outcome(claims=(claim,), tables={"results": table}, figures={"line": figure})

STUDY = Study(name="mine", title="Mine", source="none", run=run, cards=("vo2_delacour2021",),
              parameters=(StudyParameter("fail", False, "Whether to fail"),))
"""
WEIGHTS = np.array([[0.0, 0.5], [0.5, 0.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: map_weights([[0, 1.2], [1.2, 0]], CARD, 1.0), "between -1 and 1; found 1.2"),
        (lambda: map_weights([[0, -1.2], [-1.2, 0]], CARD, 1.0), "between -1 and 1; found -1.2"),
        (lambda: map_weights([[0, np.nan], [np.nan, 0]], CARD, 1.0), "between -1 and 1; found nan"),
        (lambda: map_weights([[0, 0.5], [0.4, 0]], CARD, 1.0), "not symmetric.*W_ij = W_ji"),
        (lambda: map_weights([[0, "high"], ["high", 0]], CARD, 1.0), "must be numbers between -1 and 1"),
        (lambda: map_weights([0.5, 0.5], CARD, 1.0), "square matrix"),
        (lambda: map_weights([[0.0]], CARD, 1.0), "two oscillators or more"),
        (lambda: map_weights(WEIGHTS, CARD, 0.0), "beta is 0.0; allowed is a finite number > 0"),
        (lambda: map_weights(WEIGHTS, CARD, np.nan), "beta is nan"),
        (lambda: map_weights(WEIGHTS, CARD, "steep"), "beta is 'steep'"),
        (lambda: map_weights(WEIGHTS, CARD, 1.0, "exact"), "fidelity is 'exact'; allowed: smooth, relaxed, abrupt"),
        (lambda: map_weights(WEIGHTS, CARD.replace(R_S="60k"), 1.0), "insulating"),
        (lambda: map_pair_weight(2.0, CARD, 1.0), "found 2"),
        (lambda: linear_resistances(WEIGHTS, [[1.0]]), "must agree"),
        (lambda: transition_resistance(0.0, CARD), "delay is 0.0 s; allowed is > 0 and up to half a period"),
        (lambda: transition_resistance(-1e-6, CARD), "delay is -1e-06 s"),
        (lambda: transition_resistance(np.nan, CARD), "delay is nan s"),
        (lambda: transition_resistance(PERIOD, CARD, "simulation"), "up to half a period"),
        (lambda: transition_resistance("5 us", CARD), "delay is '5 us'"),
        (lambda: transition_resistance(1e-6, CARD, "guess"), "method is 'guess'; allowed: closed-form, simulation"),
        (lambda: transition_resistance(1e-6, CARD, fidelity="exact"), "fidelity is 'exact'"),
        (lambda: transition_resistance(1e-6, CARD.replace(V_H=2.4)), "stays insulating"),
        (lambda: recall(table_1_network(2, 1e4), [1.0, 1.5]), r"pixel 1.*1\.5"),
        (lambda: recall(table_1_network(2, 1e4), [1.0, np.nan]), "pixel 1.*nan"),
        (lambda: recall(table_1_network(2, 1e4), [1.0]), "1 pixels; the network has 2 oscillators"),
        (lambda: recall(table_1_network(2, 1e4), ["white", "black"]), "number"),
        (lambda: recall(table_1_network(2, 1e4), [1, -1], fidelity="exact"), "fidelity is 'exact'"),
        (lambda: recall(table_1_network(2, 1e4), [1, -1], periods=0), "periods is 0"),
        (lambda: recall(table_1_network(2, 1e4), [1, -1], periods=-30), "periods is -30"),
        (lambda: recall(table_1_network(2, 1e4), [1, -1], tolerance=0.0), "tolerance is 0.0"),
        (lambda: input_delays([0.5, -1.5], PERIOD), r"pixel 1.*-1\.5"),
        (lambda: phase_map(CARD, [-1e4], [1e-6]), "must be > 0 ohm"),
        (lambda: phase_map(CARD, [1e4], [-1e-6]), "delays must be finite and >= 0 s"),
        (lambda: Oscillator(CARD).period("exact"), "fidelity is 'exact'"),
        (lambda: Oscillator(CARD.replace(V_H=2.4)).period(), "stays insulating"),
        (lambda: Oscillator(CARD.replace(C_P=1e-30)).period("relaxed"), "no progress"),
        (lambda: Oscillator(CARD.replace(tau_0=1.0)).first_charge_duration("relaxed"), "no progress"),
    ],
)
def test_python_gets_one_sentence(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Work in an empty folder with a file and a study in it."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("in the way")
    Path("mine.py").write_text(STUDY, encoding="utf-8")
    return tmp_path


@pytest.fixture
def refused(workplace, capsys):
    """Run a command that must be refused in one line, leaving the folder as it was; return the line."""

    def run(line):
        before = {path for path in workplace.rglob("*") if "__pycache__" not in path.parts}
        with pytest.raises(SystemExit) as left:
            main(line.split())
        captured = capsys.readouterr()
        assert left.value.code == 2
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert {path for path in workplace.rglob("*") if "__pycache__" not in path.parts} == before
        return captured.err

    return run


MAP = "oscillator phase-map --resistances 2 --delays 2 --jobs 1"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("oscillator period --set R_S=0", "R_S is 0 Ω; it must be > 0 Ω"),
        ("oscillator period --set R_S=-15k", "R_S is -15 kΩ; it must be > 0 Ω"),
        ("oscillator period --set C_P=nan", "C_P is 'nan', which is not finite"),
        ("oscillator period --set C_P=inf", "not finite"),
        ("oscillator period --set C_P=500pV", "whose unit is 'V'; allowed is a number in F"),
        ("oscillator period --set V_L=2.2", "V_L must be smaller than V_H"),
        ("oscillator period --set tau_0=0 --fidelity smooth", "'smooth' needs tau_0 > 0"),
        ("oscillator period --set alpha=0.5 --fidelity smooth", "alpha"),
        ("oscillator period --set C_P=1e-30", "no progress"),
        ("oscillator period --card none.toml", "none.toml: cannot be read"),
        ("oscillator period --card file/card.toml", "cannot be read"),
        ("devices show .", "no card '.'"),
        ("devices show mine.py", "no card 'mine.py'"),
        (f"{MAP} --set V_H=2.4", "stays insulating"),
        (f"{MAP} --from 0", "--from is 0"),
        (f"{MAP} --from nan", "not finite"),
        (f"{MAP} --from -5k", "0 < from < to"),
        (f"{MAP} --to 10kV", "whose unit is 'V'"),
        (f"{MAP} --out file/map.png", "cannot write to file"),
        (f"{MAP} --out /proc/map.png", "cannot write to /proc"),
        (f"{MAP} --out /proc/none/map.png", "cannot write to /proc/none"),
        (f"{MAP} --out /dev/null/map.png", "cannot write to /dev/null"),
        (f"{MAP} --out map", "allowed is a file that ends in .png"),
        ("oscillator phase-map --resistances 0", "'--resistances'"),
        ("run nonsense", "there is no study 'nonsense'; allowed"),
        ("run file", "there is no study 'file'"),
        ("run ./none.py", "no study file"),
        ("run ./mine.py --out file", "file"),
        ("run ./mine.py --out file/run", "cannot write to file/run"),
        ("run ./mine.py --out .", "holds other files and no run"),
        ("run ./mine.py --out /proc/run", "cannot write to /proc/run"),
        ("run ./mine.py --out /dev/null", "null"),
        ("run ./mine.py --set R_S=15k", "has no parameter 'R_S'"),
        ("run ./mine.py --set card.R_S=0", "R_S is 0 Ω"),
        ("run ./mine.py --set card.R_S=15kV", "whose unit is 'V'"),
        ("run ./mine.py --set card=none", "there is no card 'none'"),
        ("run ./mine.py --set fail=perhaps", "fail is 'perhaps'"),
        ("run ./mine.py --seed -1", "'--seed'"),
        ("run ./mine.py --jobs 0", "'--jobs'"),
    ],
)
def test_command_is_refused_in_one_line_and_leaves_nothing(refused, line, message):
    assert message in refused(line)


def test_a_card_with_an_unknown_field_is_refused(refused, workplace):
    CARD.write(workplace / "own.toml")
    text = (workplace / "own.toml").read_text(encoding="utf-8")
    (workplace / "own.toml").write_text(text.replace("title =", "colour = 'red'\ntitle ="), encoding="utf-8")
    assert "own.toml: unknown field 'colour'; allowed: kind, title" in refused("oscillator period --card own.toml")


def full_disk(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("out", ["map.png", "pictures/map.png"])
def test_a_picture_that_cannot_be_finished_leaves_nothing(refused, monkeypatch, out):
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full_disk)
    assert "No space left on device" in refused(f"{MAP} --out {out}")


@pytest.mark.parametrize("writer", ["pandas.DataFrame.to_parquet", "matplotlib.figure.Figure.savefig"])
def test_a_run_whose_results_cannot_be_finished_leaves_nothing(refused, monkeypatch, writer):
    monkeypatch.setattr(writer, full_disk)
    assert "No space left on device" in refused("run ./mine.py --jobs 1 --out new/run")


def test_a_run_that_cannot_be_finished_keeps_the_one_before(refused, monkeypatch, capsys):
    with pytest.raises(SystemExit) as left:
        main(["run", "./mine.py", "--jobs", "1", "--out", "run"])
    assert left.value.code == 0
    capsys.readouterr()
    before = pd.read_parquet("run/results.parquet")
    monkeypatch.setattr("pandas.DataFrame.to_parquet", full_disk)
    refused("run ./mine.py --jobs 1 --out run --set card.R_S=15k")
    assert pd.read_parquet("run/results.parquet").equals(before)


def test_a_study_that_fails_is_one_line_too(workplace, capsys):
    with pytest.raises(SystemExit) as left:
        main(["run", "./mine.py", "--jobs", "1", "--set", "fail=true"])
    captured = capsys.readouterr()
    assert left.value.code == 3
    assert captured.err.count("\n") == 1
    assert "study mine failed: ZeroDivisionError: by nought" in captured.err
    assert not (workplace / "runs").exists()


def test_a_card_that_cannot_be_finished_leaves_nothing(workplace, monkeypatch):
    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(OSError, match="No space left"):
        CARD.write(workplace / "own.toml")
    assert {path.name for path in workplace.iterdir()} == {"file", "mine.py"}
