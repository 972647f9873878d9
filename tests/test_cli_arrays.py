"""The commands that look at a cell, a column's read and a converter."""

import json

import pytest

from circuitsnn.cli import main


def answer(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    captured = capsys.readouterr()
    return ended.value.code, captured.out, captured.err


def test_a_cell_and_its_picture(capsys, tmp_path):
    picture = tmp_path / "new" / "butterfly.png"
    code, out, _ = answer(capsys, "sram", "cell", "--mode", "read", "--out", str(picture))
    assert code == 0
    assert "noise margin, read\t2" in out  # some 240 mV
    assert "a read leaves the cell as it is" in out
    assert picture.stat().st_size > 10_000


def test_an_eight_transistor_cell_is_not_disturbed(capsys):
    code, out, _ = answer(capsys, "sram", "cell", "--card", "sram_array_8t_65nm", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["flips"] is False
    assert found["voltages_V"]["bump of a stored 0 in a read"] < 1e-3


def test_tables_of_a_read(capsys):
    code, out, _ = answer(capsys, "sram", "nonlinearity", "--rows-on", "4", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["value"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[4]["deviation"] == pytest.approx(0.0, abs=1e-9)

    code, out, _ = answer(capsys, "sram", "margin", "--rows-on", "4", "--columns", "4")
    assert code == 0
    assert out.startswith("value\tmean\tspread\tseparation\tmargin\n1\t")

    words = ("--rows-on", "4", "--columns", "3", "--json")
    for name, values, expected in (
        ("V_WL", "550m,0.6", [0.55, 0.6]),
        ("temperature", "273.15,373.15", [273.15, 373.15]),
        ("corner", "SS,FF", ["SS", "FF"]),
        ("rows_on", "2,4", [2, 4]),
    ):
        code, out, _ = answer(capsys, "sram", "sweep", name, values, *words)
        assert code == 0
        rows = json.loads(out)
        assert [row[name] for row in rows] == expected
        assert rows[0]["mean"] < rows[1]["mean"]


def test_a_converter(capsys, tmp_path):
    code, out, _ = answer(capsys, "adc", "linearity", "--json", "--out", str(tmp_path / "linearity.png"))
    found = json.loads(out)
    assert code == 0
    assert found["bits"] == 6
    assert found["missing_codes"] == 0
    assert 5.5 < found["enob"] < 6.05
    assert found["energy_J"] == pytest.approx(0.268e-12)
    assert "Table 4" in found["energy_source"]
    code, out, _ = answer(capsys, "adc", "linearity", "--card", "flash_adc_65nm", "--bits", "4", "--seed", "2")
    assert code == 0
    assert "bits\t4" in out


def test_another_cell_in_the_array(capsys):
    outs = [
        answer(capsys, "sram", "nonlinearity", "--rows-on", "4", *more)
        for more in (("--set", "cell=sram_8t_65nm"), ("--set", "cell=sram_6t_65nm"), ())
    ]
    assert [code for code, _, _ in outs] == [0, 0, 0]
    assert outs[0][1] != outs[1][1] == outs[2][1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sram", "cell", "--card", "sram_6t_65nm"), "needs a card of kind 'sram_array'"),
        (("sram", "cell", "--temperature", "-3"), "temperature is -3.0; allowed is a finite number > 0 K"),
        (("sram", "cell", "--out", "x.pdf"), "--out is x.pdf; allowed is a file that ends in .png"),
        (("sram", "nonlinearity", "--set", "cell=nmos_65nm"), "part cell is of kind 'nmos'; allowed: sram_6t, sram_8t"),
        (("sram", "sweep", "colour", "1,2"), "unknown parameter 'colour'"),
        (("sram", "sweep", "rows_on", "1.5"), "rows_on"),
        (("sram", "sweep", "V_WL", "0.5,,0.6"), "V_WL"),
        (("sram", "margin", "--rows-on", "999"), "rows_on is 999"),
        (("adc", "linearity", "--card", "nmos_65nm"), "kind 'nmos'; allowed: sar_adc, flash_adc, ramp_adc"),
        (("adc", "linearity", "--bits", "30"), "bits is 30"),
    ],
)
def test_wrong_input_is_one_line(capsys, arguments, message):
    code, out, err = answer(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
