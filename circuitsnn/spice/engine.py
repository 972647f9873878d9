"""Running ngspice in batch mode and reading its binary raw file."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PySpice.Spice.Netlist import Circuit

from circuitsnn.spice.circuit import transient_deck

EXECUTABLE_VARIABLE = "CIRCUITSNN_NGSPICE"
_TROUBLE = (
    (re.compile(r"timestep too small; time", re.I), "a smaller max_step or a larger reltol may help"),
    (re.compile(r"singular matrix", re.I), "look for a node without a path to ground"),
    (re.compile(r"no such|unknown|can't find|unable to find", re.I), "check the names in the netlist"),
    (re.compile(r"error|fatal|cannot|aborted", re.I), "check the netlist"),
)


class EngineError(RuntimeError):
    """A circuit simulator could not do its work; the message quotes what it said.

    Parameters
    ----------
    message
        What went wrong, and what may help.
    log
        All that the simulator printed.
    """

    def __init__(self, message: str, log: str = ""):
        super().__init__(message)
        self.log = log


class EngineMissingError(EngineError):
    """The circuit simulator is not installed."""


@dataclass(frozen=True)
class Waveforms:
    """What the simulator saved.

    Parameters
    ----------
    vectors
        Each saved vector (points,) by its name in lower case, ``time`` among them. [s, V, A]
    log
        What the simulator printed.
    wall_time
        How long the simulator ran, start-up included. [s]
    """

    vectors: Mapping[str, NDArray[np.float64]]
    log: str = field(repr=False)
    wall_time: float

    @property
    def time(self) -> NDArray[np.float64]:
        """Time points (points,), in seconds."""
        return self.vectors["time"]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Give one vector, ``v(osc3_out)``, or a node's voltage by the node's name, ``osc3_out``."""
        name = name.lower()
        return self.vectors[name] if name in self.vectors else self.vectors[f"v({name})"]

    def __contains__(self, name: str) -> bool:
        """Whether a vector or node was saved."""
        return name.lower() in self.vectors or f"v({name.lower()})" in self.vectors


def find_ngspice() -> Path:
    """Find ngspice by the environment variable CIRCUITSNN_NGSPICE, or else on PATH.

    Returns
    -------
    pathlib.Path
        The program.

    Raises
    ------
    EngineMissingError
        If it is not there; the message says how to install it.
    """
    wanted = os.environ.get(EXECUTABLE_VARIABLE) or "ngspice"
    found = shutil.which(wanted)
    if found is None:
        command = {"darwin": "brew install ngspice", "win32": "choco install ngspice"}.get(
            sys.platform, "sudo apt-get install ngspice"
        )
        raise EngineMissingError(
            f"{wanted!r} was not found; install it ({command}) or set {EXECUTABLE_VARIABLE} to its path"
        )
    return Path(found).resolve()


def run_ngspice(
    circuit: Circuit | str,
    stop: float,
    max_step: float,
    save: list[str] | None = None,
    timeout: float = 600.0,
    options: Mapping[str, object] | None = None,
) -> Waveforms:
    """Run a transient analysis in ngspice, in a folder of its own which is removed again.

    Parameters
    ----------
    circuit
        A circuit, or its netlist as text without analysis lines.
    stop
        Length of the simulated time. [s]
    max_step
        Largest step that ngspice may take. [s]
    save
        Vectors to keep, e.g. ``v(osc3_out)``; None keeps every node.
    timeout
        Wall time after which ngspice is stopped. [s]
    options
        Simulator options, e.g. ``{"reltol": 1e-4, "method": "gear"}``.

    Returns
    -------
    Waveforms
        What was saved at every time point that ngspice computed.

    Raises
    ------
    EngineMissingError
        If ngspice is not installed.
    EngineError
        If ngspice fails, runs out of time or ends early; the message quotes ngspice's own line.
    """
    executable = find_ngspice()
    deck = transient_deck(circuit, stop, max_step, save, options)
    with tempfile.TemporaryDirectory(prefix="circuitsnn-ngspice-") as folder:
        Path(folder, "deck.cir").write_text(deck, encoding="utf-8")
        started = time.perf_counter()
        try:
            done = subprocess.run(  # -n: the user's own .spiceinit must not change the result
                [executable, "-n", "-b", "-r", "deck.raw", "deck.cir"],
                cwd=folder,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            log = (expired.stdout or b"").decode(errors="replace")
            raise EngineError(
                f"ngspice was stopped after its time limit of {timeout:g} s; "
                f"a larger max_step or timeout may help{_quote(log)[0]}",
                log,
            ) from None
        wall_time = time.perf_counter() - started
        log = done.stdout.decode(errors="replace")
        quote, advice = _quote(log)
        raw = Path(folder, "deck.raw")
        if done.returncode != 0 or not raw.exists():
            raise EngineError(f"ngspice failed with exit status {done.returncode}{quote}; {advice}", log)
        vectors = read_raw(raw)
    reached = vectors["time"][-1] if vectors["time"].size else 0.0
    if reached < stop * (1 - 1e-9):
        raise EngineError(f"ngspice ended at {reached:g} s instead of {stop:g} s{quote}; {advice}", log)
    if not all(np.isfinite(values).all() for values in vectors.values()):
        raise EngineError(f"ngspice answered with numbers that are not finite{quote}; {advice}", log)
    return Waveforms(vectors, log, wall_time)


def read_raw(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read the first plot of a binary raw file of real numbers, as ngspice writes it.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    dict
        Each vector (points,) by its name in lower case.

    Raises
    ------
    EngineError
        If the file is not such a file or is shorter than it says.
    """
    with open(path, "rb") as file:
        header, names = _read_header(file)
        try:
            points, columns = int(header["no. points"]), int(header["no. variables"])
        except (KeyError, ValueError):
            raise EngineError(f"{path.name} is not a raw file of ngspice: its header gives no size") from None
        if header.get("flags", "").split()[:1] != ["real"] or len(names) != columns:
            raise EngineError(f"{path.name} is not a raw file of real numbers: flags {header.get('flags')!r}")
        values = np.fromfile(file, dtype="<f8", count=points * columns)
    if values.size != points * columns:
        raise EngineError(f"{path.name} is cut short: {values.size} numbers instead of {points * columns}")
    return dict(zip(names, np.ascontiguousarray(values.reshape(points, columns).T), strict=True))


def _read_header(file: BinaryIO) -> tuple[dict[str, str], list[str]]:
    """Fields and vector names before the numbers; leaves the file at the first number."""
    header: dict[str, str] = {}
    names: list[str] = []
    for _ in range(1_000_000):
        line = file.readline(10_000)
        if not line or line.strip() == b"Binary:":
            break
        text = line.decode("utf-8", errors="replace")
        if text.startswith("\t"):
            names.append(text.split()[1].lower())
        elif ":" in text:
            key, _, value = text.partition(":")
            header[key.strip().lower()] = value.strip()
    return header, names


def _quote(log: str) -> tuple[str, str]:
    """Find the engine's own line about what went wrong, and what to try."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for pattern, advice in _TROUBLE:
        for k, line in enumerate(lines):
            if pattern.search(line):
                end = k + 2 if line.endswith((":", "line")) else k + 1
                return f": {' / '.join(lines[k:end])!r}", advice
    return (f": {lines[-1]!r}" if lines else ""), "its log is in this error's attribute log"
