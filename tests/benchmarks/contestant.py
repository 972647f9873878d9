"""A contestant of a benchmark: a process of one thread that does its work once whenever it is asked to.

A script gives a line of JSON when it is set up, with "missing" and the reason where it cannot be, and one after each
piece of work.
"""

import json
import os
import subprocess
from pathlib import Path

ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


class Contestant:
    """One process."""

    def __init__(self, script: str, python: str, *words: str) -> None:
        """Start a script beside this one, and wait until it is set up: `started` is what it says then."""
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name(script)), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **ONE_THREAD},
        )
        self.started = self._answer()

    def work(self) -> dict:
        """Do the work once; its times and the peak memory so far."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"missing": "ended without an answer"}
