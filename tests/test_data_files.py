import numpy as np
import pytest

from circuitsnn import data_files
from circuitsnn.data_files import choose_column, read_columns, vector_columns
from circuitsnn.errors import InputError


@pytest.fixture
def file(tmp_path):
    """Write a text into a file."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "data.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "voltage [V],current [A]\n0.5,1e-3\n1.5,2e-3\n",
        "voltage (mV),current (µA)\n500,1000\n1500,2000\n",
        "voltage_mV\tcurrent_mA\n500\t1\n1500\t2\n",
        "V [V]   I [mA]\n0.5   1\n1.5   2\n",
        "Voltage [V];Current [mA]\n0,5;1,0\n1,5;2,0\n",
        '"voltage [V]", "current [A]"\r\n0.5, 1e-3\r\n1.5, 2e-3\r\n',
        "# keithley, chip 7\n\nv,i # in volt and ampere\n0.5,1e-3\n# pause\n\n1.5,2e-3 # last\n",
        "\ufeffu [V],i [A]\n0.5,1e-3\n1.5,2e-3",
        "v_s,i_A\n0.5,1e-3\n1.5,2e-3\n",  # a source voltage, no seconds
    ],
)
def test_spellings_of_one_loop(file, text):
    path = file(text)
    voltage, current = read_columns(path)
    assert (voltage.unit, current.unit) == ("V", "A")
    np.testing.assert_allclose(voltage.values, [0.5, 1.5])
    np.testing.assert_allclose(current.values, [1e-3, 2e-3])


@pytest.mark.parametrize(
    "header", ["time_us,v_out_mV", "t [µs],out [mV]", "Time (us),Vout (mV)", "time [μs],output_mV"]
)
def test_spellings_of_one_waveform(file, header):
    path = file(f"{header}\n1,500\n2,600\n")
    columns = read_columns(path)
    np.testing.assert_allclose(choose_column(columns, path, "time", "s", None), [1e-6, 2e-6])
    np.testing.assert_allclose(choose_column(columns, path, "output", "V", None), [0.5, 0.6])


def test_latin_1_as_older_instruments_write_it(file):
    time, _ = read_columns(file("time [µs],v [V]\n1,2\n", "latin-1"))
    assert time.values == pytest.approx([1e-6])


def test_a_unit_that_is_none_of_ours_is_left_alone(file):
    path = file("voltage [V],current [A],chamber [°C]\n1,2,300\n")
    voltage, current, chamber = read_columns(path)
    assert (chamber.name, chamber.unit) == ("chamber [°C]", "")
    assert (voltage.unit, current.unit) == ("V", "A")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds nothing; allowed is a header line"),
        ("# only remarks\n", "holds nothing"),
        ("voltage [V],current [A]\n", "no numbers follow the header"),
        ("0.5,1e-3\n1.5,2e-3\n", "line 1: the header is '0.5,1e-3', which holds a number"),
        ("voltage\n1\n", "line 1: the header is 'voltage', one column"),
        ("v,i\n1,2\n\n3,four\n", "line 4, column 'i': 'four' is not a finite number; allowed is a number"),
        ("v,i\n1,2\n3,nan\n", "line 3, column 'i': 'nan'"),
        ("v,i\n1,2\n3,\n", "line 3, column 'i': ''"),
        ("v,i\n1,2\n3\n", "line 3: 1 values; the header names 2 columns, v, i"),
        ("v,i\n1,2\n3,4,5\n", "line 3: 3 values"),
        ("v,i\n1,2,3\n3,4,5\n", "line 2: 3 values"),
        ("v;i\n1,5;2\n3.5;2\n", "line 3, column 'v': '3.5'"),
        ("v\0,i\n1,2\n", "not a text file"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(file, text, message):
    path = file(text)
    with pytest.raises(InputError, match=message) as error:
        read_columns(path)
    assert str(path) in str(error.value)


def test_files_beyond_reason_are_refused(file, monkeypatch):
    path = file("v,i\n1,2\n3,4\n")
    monkeypatch.setattr(data_files, "MOST_SAMPLES", 1)
    with pytest.raises(InputError, match="2 samples; allowed are 1: thin them out"):
        read_columns(path)
    monkeypatch.setattr(data_files, "LARGEST_FILE", 5)
    with pytest.raises(InputError, match="thin the samples out"):
        read_columns(path)


def test_the_column_is_chosen_by_unit_or_by_name(tmp_path):
    numbers = np.arange(3.0)
    vectors = {"time": numbers, "v(osc0_vdd)": numbers + 1, "v(osc0_out)": numbers + 2, "i(vosc0_vdd)": numbers + 3}
    columns = vector_columns(vectors)
    assert [column.unit for column in columns] == ["s", "V", "V", "A"]
    path = tmp_path / "run.raw"
    assert choose_column(columns, path, "time", "s", None) is vectors["time"]
    assert choose_column(columns, path, "output", "V", None) is vectors["v(osc0_out)"]
    assert choose_column(columns, path, "voltage", "V", "V(osc0_vdd)") is vectors["v(osc0_vdd)"]
    with pytest.raises(InputError, match=r"2 columns in V for the voltage among 'time'.*--column voltage=NAME"):
        choose_column(columns, path, "voltage", "V", None)
    with pytest.raises(InputError, match=r"no column 'v\(x\)' for the output; its columns are 'time'"):
        choose_column(columns, path, "output", "V", "v(x)")
    with pytest.raises(InputError, match="column 'time' is in s; the output must be in V"):
        choose_column(columns, path, "output", "V", "time")
    with pytest.raises(InputError, match="no column in A"):
        choose_column(columns[:3], path, "current", "A", None)
