import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from transistor_formula import curves

from circuitsnn.cards import load_card
from circuitsnn.cli import main


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Run a command line beside curves.csv; give its exit status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    hidden = load_card("pmos_65nm").values | {"V_T0": 0.38, "n": 1.5}
    gate, drain = (grid.ravel() for grid in np.meshgrid(np.linspace(0.0, 1.2, 25), [0.05, 0.6, 1.2]))
    current = curves(hidden, 1e-6, 65e-9, -gate, -drain, sign=-1.0)
    current *= 1 + 0.01 * np.random.default_rng(1).standard_normal(len(current))
    table = np.c_[-1e3 * gate, -drain, 1e6 * current]
    np.savetxt("curves.csv", table, "%.12g", ",", header="VGS [mV],v_ds [V],I_D [µA]", comments="")
    np.savetxt("plain.csv", table, "%.12g", ",", header="a [mV],b [V],c [µA]", comments="")

    def run(line):
        with pytest.raises(SystemExit) as left:
            main(shlex.split(line))
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


def test_curves_give_a_card_and_a_picture(command):
    line = "fit pmos_65nm --data curves.csv --width 1u --length 65n --out mine.toml --figure mine.png"
    status, out, err = command(line)
    assert (status, err) == (0, "")
    assert out.endswith("settled\npicture: mine.png\ncard: mine.toml\n")
    card = load_card("mine.toml")
    assert (card.V_T0, card.n) == pytest.approx((0.38, 1.5), rel=0.01)
    assert "fitted to curves.csv (least squares of asinh(I_D / 1e-12 A)); 95 % interval" in card.parameters["n"].source
    assert Path("mine.png").read_bytes().startswith(b"\x89PNG")


def test_columns_are_named_and_known_values_kept(command):
    line = (
        "fit pmos_65nm --data plain.csv --column v_gs=a --column v_ds=b --column i_d=c --width 1u --length 65n "
        "--set theta=0.9 --temperature 300.15K --noise-floor 10p --json"
    )
    status, out, _ = command(line)
    assert status == 0
    found = json.loads(out)
    fitted = {one["name"]: one["fitted"] for one in found["parameters"]}
    assert fitted == dict.fromkeys(fitted, True) | {"theta": False}
    assert found["rms"] == pytest.approx(0.01, rel=0.3)
    assert found["fidelity"] is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fit pmos_65nm --data curves.csv", "--width is missing"),
        ("fit pmos_65nm --data curves.csv --width 1u", "--length is missing"),
        ("fit pmos_65nm --data plain.csv --width 1u --length 65n", "no column 'v_gs' among 'a', 'b', 'c'"),
        ("fit pmos_65nm --data curves.csv --width 1u --length 65n --column voltage=a", "v_gs, v_ds, i_d, v_bs"),
        ("fit pmos_65nm --data curves.csv --width -1u --length 65n", "width is -1e-06"),
        ("fit nmos_65nm --data curves.csv --width 1u --length 65n", "p-channel"),
        (
            "fit pmos_65nm --data curves.csv --width 1u --length 65n --series-resistance 10",
            "--series-resistance belongs to an I-V loop",
        ),
        ("fit vo2_delacour2021 --data curves.csv --noise-floor 1p", "--noise-floor belongs to a transistor"),
    ],
)
def test_wrong_input_is_one_line_with_status_2(command, line, says):
    status, out, err = command(line)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
