"""Raw files: the same names for every simulator, and a clear sentence for every damaged file."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from raw_files import HEADER, NUMBERS, ltspice_file, xyce_file

from circuitsnn.spice import EngineError, read_raw
from circuitsnn.spice.raw import read_plots

BINARY = HEADER + b"Binary:\n" + NUMBERS
TEXT = HEADER + b"Values:\n0\t0.0\n\t1.0\n1\t2.0\n\t3.0\n2\t4.0\n\t5.0\n"
TITLED = BINARY.replace(b"Title: t", b"Title: Plotname: Title: No. Points: 7 Binary: Values:")


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "Mein µ.raw"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "content", [BINARY, TEXT, BINARY.replace(b"\n\t", b"\r\n\t"), BINARY + b"End of Xyce run\n", TITLED]
)
def test_binary_and_text(write, content):
    vectors = read_raw(write(content))
    assert list(vectors) == ["time", "v(a)"]
    np.testing.assert_array_equal(vectors["time"], [0, 2, 4])
    np.testing.assert_array_equal(vectors["v(a)"], [1, 3, 5])
    assert all(values.dtype == float and values.flags.c_contiguous for values in vectors.values())


def test_ltspice(write):
    names = ["time", "V(OSC3_OUT)", "V(x1:mid)", "I(Vosc3_vdd)", "I(x1:V1)", "Ix(x1:A)"]
    columns = [[0.0, 1e-9, -2e-9], [1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15]]
    vectors = read_raw(write(ltspice_file(names, columns)))
    assert list(vectors) == ["time", "v(osc3_out)", "v(x1.mid)", "i(vosc3_vdd)", "i(x1.v1)", "ix(x1.a)"]
    np.testing.assert_array_equal(vectors["time"], [0, 1e-9, 2e-9])  # LTspice marks some points by a minus sign
    np.testing.assert_array_equal(vectors["i(vosc3_vdd)"], [7, 8, 9])
    assert vectors["v(x1.mid)"].dtype == float


def test_xyce(write):
    sweep = ("DC transfer characteristic", [("sweep", "voltage"), ("1", "voltage")], [[0.0, 1.0], [2.0, 3.0]])
    names = [("time", "time"), ("A", "voltage"), ("X1:MID", "voltage"), ("VA#branch", "current")]
    names += [("X1:V1#branch", "current"), ("V(3)", "voltage")]
    transient = ("Transient Analysis", names, [[0.0, 1.0, 2.0]] * len(names))
    plots = read_plots(write(xyce_file([sweep, transient])))
    assert {kind: list(vectors) for kind, vectors in plots.items()} == {
        "dc": ["sweep", "v(1)"],
        "tran": ["time", "v(a)", "v(x1.mid)", "i(va)", "i(x1.v1)", "v(3)"],
    }
    np.testing.assert_array_equal(plots["dc"]["v(1)"], [2, 3])


def test_main_plot_is_the_transient_analysis_wherever_it_stands(write):
    operating_point = BINARY.replace(b"Transient Analysis", b"Operating Point").replace(b"time\ttime", b"v(b)\tvoltage")
    operating_point = operating_point.replace(b"Points: 3", b"Points: 1")[:-32]
    path = write(operating_point + BINARY + BINARY)
    assert list(read_plots(path)) == ["op", "tran", "tran2"]
    assert list(read_raw(path)) == ["time", "v(a)"]
    assert list(read_raw(write(operating_point))) == ["v(b)", "v(a)"]


def test_complex_numbers(write):
    content = BINARY.replace(b"real", b"complex").replace(b"Transient", b"AC").replace(b"time", b"frequency")
    content = content[: -len(NUMBERS)] + np.array([1, 2 + 3j, 10, 4 + 5j, 100, 6j], dtype=complex).tobytes()
    vectors = read_raw(write(content))
    np.testing.assert_array_equal(vectors["frequency"], [1, 10, 100])
    assert vectors["frequency"].dtype == float
    np.testing.assert_array_equal(vectors["v(a)"], [2 + 3j, 4 + 5j, 6j])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a raw file, or is cut short"),
        (b"Tit", "not a raw file, or is cut short"),
        (bytes(range(256)) * 8, "not a raw file"),
        (b"Title:" + bytes(range(256)) * 8, "not a raw file"),
        (BINARY.replace(b"Title", b"tItle"), "cannot be read as a raw file"),
        (HEADER[:-30], "cut short: it ends within its header"),
        (HEADER, "cut short: it ends within its header"),
        (HEADER + b"Binary:\n", "cut short: it holds fewer numbers"),
        (BINARY[:-1], "cut short: it holds fewer numbers"),
        (BINARY + BINARY[:-8], "cut short: it holds fewer numbers"),
        (BINARY + HEADER, "cut short: it ends within its header"),
        (BINARY + HEADER[:60], "cut short: it ends within its header"),
        (BINARY + HEADER[:12], "cut short: it ends within its header"),
        (TEXT[:-6], "cut short: it holds fewer numbers"),
        (TEXT.replace(b"3.0", b"tree"), "could not convert"),
        (ltspice_file(["time", "V(a)"], [[0.0, 1.0], [2.0, 3.0]])[:-1], "cut short"),
        (BINARY.replace(b"Points: 3", b"Points: 0"), "holds no points"),
        (BINARY.replace(b"Points: 3", b"Points:                "), "holds no points"),
        (BINARY.replace(b"Points: 3", b"Points: -3"), "'-3' as number of points"),
        (BINARY.replace(b"Points: 3", b"Points: three"), "'three' as number of points"),
        (BINARY.replace(b"Points: 3", b"Points: 4"), "cut short: it holds fewer numbers"),
        (BINARY.replace(b"Points: 3", b"Points: " + b"9" * 18), "cut short: .* cannot hold the 9{18} points"),
        (TEXT.replace(b"Points: 3", b"Points: " + b"9" * 5000), "cut short: .* cannot hold"),
        (BINARY.replace(b"Variables: 2", b"Variables: 3"), "3 vectors announced and 2 named"),
        (BINARY.replace(b"Variables:\n", b""), "cannot be read as a raw file"),
        (BINARY.replace(b"Flags: real\n", b""), "cannot be read as a raw file: KeyError: 'Flags'"),
        (BINARY.replace(b"V(a)", b"time"), "more than once"),
        (BINARY.replace(b"V(a)", b"Time"), "two vectors called time"),
        (BINARY.replace(b"real", b"real stepped"), r"several \.step values"),
        (BINARY.replace(b"Variables:\n", b".alias V(b) (1/0)\nVariables:\n"), "formulas"),
    ],
)
def test_damaged_files(write, content, message, capfd):
    with pytest.raises(EngineError, match=message) as caught:
        read_raw(write(content))
    assert "Mein µ.raw" in str(caught.value)
    assert "".join(capfd.readouterr()) == ""


def test_no_formula_of_a_file_is_evaluated(write, tmp_path):
    formula = f".alias V(a) (open('{tmp_path / 'mark'}','w'))\nVariables:\n".encode()
    for content in (BINARY, TEXT):
        with pytest.raises(EngineError):
            read_raw(write(content.replace(b"Variables:\n", formula)))
    assert not (tmp_path / "mark").exists()


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_raw(tmp_path / "none.raw")
    with pytest.raises(OSError, match=r"directory|denied"):
        read_raw(tmp_path)


def test_from_several_threads(tmp_path):
    for k in range(12):
        content = HEADER + b"Binary:\n" + (np.arange(6.0) + k).tobytes()
        (tmp_path / f"{k}.raw").write_bytes(content)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(read_raw, [tmp_path / f"{k}.raw" for k in range(12)] * 5))
    for k, vectors in enumerate(results):
        np.testing.assert_array_equal(vectors["v(a)"], np.array([1, 3, 5]) + k % 12)
