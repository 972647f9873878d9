"""Running ngspice: answers, errors that quote it, nothing left behind."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from reference_solver import plain_network

from circuitsnn.spice import EngineError, EngineMissingError, oscillator_circuit, read_raw, run_ngspice

DIVIDER = "divider\nV1 in 0 PWL(0 0 1u 1)\nR1 in out 1k\nR2 out 0 {r2}\n"


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    """Every run works below tmp_path and must leave that empty."""
    folder = tmp_path / "mit Leerzeichen und µ"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def test_waveforms_come_back():
    result = run_ngspice(DIVIDER.format(r2="3k"), stop=1e-6, max_step=1e-8)
    assert result.time[-1] == pytest.approx(1e-6, rel=1e-9)
    np.testing.assert_allclose(result["out"], 0.75 * result["v(in)"], rtol=1e-9, atol=1e-12)
    assert "out" in result
    assert "nothing" not in result
    assert "ngspice" in result.log.lower() or "Circuit" in result.log
    assert 0 < result.wall_time < 60


def test_only_what_is_saved():
    result = run_ngspice(DIVIDER.format(r2="3k"), 1e-6, 1e-8, save=["v(out)"])
    assert sorted(result.vectors) == ["time", "v(out)"]


def test_parallel_runs_do_not_meet():
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda r: run_ngspice(DIVIDER.format(r2=f"{r}k"), 1e-6, 1e-8), values))
    for value, run in zip(values, runs, strict=True):
        assert run["out"][-1] == pytest.approx(value / (value + 1))


def test_users_own_start_file_changes_nothing(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".spiceinit").write_text("quit 3\n")
    monkeypatch.setenv("HOME", str(home))
    assert run_ngspice(DIVIDER.format(r2="1k"), 1e-6, 1e-8)["out"][-1] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        ("Q1 a b 0 missing\nV1 a 0 1\nR1 b 0 1\n", "can't find model 'missing'.*q1 a b 0 missing.*names"),
        ("X1 a nothere\nV1 a 0 1\n", "unknown subckt: x1 a nothere"),
        ("V1 a 0 1\nV2 a 0 2\n", "singular matrix: .*path to ground"),
        ("R1 a 0 1\n.include nofile.inc\n", "Could not find include file nofile.inc"),
    ],
)
def test_failures_quote_the_engine(body, quoted):
    with pytest.raises(EngineError, match=quoted):
        run_ngspice("title\n" + body, 2e-6, 1e-8)


def test_step_too_small_is_quoted():
    circuit = oscillator_circuit(plain_network(1), [0.0], comparator_gain=1e8)
    with pytest.raises(EngineError, match=r"Timestep too small; time = 7.* smaller max_step"):
        run_ngspice(circuit, 1e-5, 1e-7)


def test_time_limit():
    with pytest.raises(EngineError, match=r"time limit of 0\.3 s"):
        run_ngspice(DIVIDER.format(r2="1k"), 1.0, 1e-8, timeout=0.3)


def test_missing_engine_says_how_to_install_it(monkeypatch):
    monkeypatch.setenv("CIRCUITSNN_NGSPICE", "no-such-program")
    with pytest.raises(EngineMissingError, match=r"install it .*ngspice.* or set CIRCUITSNN_NGSPICE"):
        run_ngspice("title", 1e-6, 1e-8)


def test_engine_that_dies_is_an_error(monkeypatch, tmp_path):
    program = tmp_path / "ngspice"
    program.write_text("#!/bin/sh\necho 'Fatal: out of luck'\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("CIRCUITSNN_NGSPICE", str(program))
    with pytest.raises(EngineError, match="exit status -9: 'Fatal: out of luck'") as caught:
        run_ngspice("title", 1e-6, 1e-8)
    assert caught.value.log == "Fatal: out of luck\n"


HEADER = b"Title: t\nFlags: real\nNo. Variables: 2\nNo. Points: 3\nVariables:\n\t0\ttime\ttime\n\t1\tV(a)\tvoltage\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no size"),
        (bytes(range(256)) * 8, "no size"),
        (HEADER + b"Binary:\n" + np.arange(5.0).tobytes(), "cut short: 5 numbers instead of 6"),
        (HEADER.replace(b"real", b"complex") + b"Binary:\n", "real numbers"),
    ],
)
def test_bad_raw_files(tmp_path, content, message):
    path = Path(tmp_path, "x.raw")
    path.write_bytes(content)
    with pytest.raises(EngineError, match=message):
        read_raw(path)


def test_good_raw_file(tmp_path):
    path = Path(tmp_path, "x.raw")
    path.write_bytes(HEADER + b"Binary:\n" + np.arange(6.0).tobytes())
    vectors = read_raw(path)
    np.testing.assert_array_equal(vectors["time"], [0, 2, 4])
    np.testing.assert_array_equal(vectors["v(a)"], [1, 3, 5])
