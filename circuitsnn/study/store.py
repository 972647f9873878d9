"""Stores: a file that keeps each trial of a sweep from the moment it ends, whatever happens to the sweep.

A store is an SQLite database in WAL mode. Processes that share one share out the work: each claims the trials that it
is about to do, for as long as it lives.
"""

import json
import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import numpy as np
import pandas as pd

import circuitsnn
from circuitsnn.errors import InputError, StudyError

__all__ = ["FORMAT", "Store", "Trial", "is_empty", "read_about", "read_store"]

FORMAT = 1
"""Version of the format."""
_APPLICATION = 0x63736E6E  # "csnn", by which SQLite tells a file of ours from any other
_LEASE = 30.0  # how long a claim holds unless its owner renews it [s]
_PATIENCE = 60.0  # how long to wait for another process that is writing [s]
_CHUNK = 50_000  # trials that are read together

_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE trials (number INTEGER PRIMARY KEY, parameters TEXT NOT NULL, seed INTEGER NOT NULL, "
    "status TEXT NOT NULL, error TEXT NOT NULL, answer TEXT NOT NULL, duration REAL NOT NULL, "
    "checksum INTEGER NOT NULL)",
    "CREATE TABLE claims (number INTEGER PRIMARY KEY, owner TEXT NOT NULL)",
    "CREATE TABLE owners (owner TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
)

TrialStatus = Literal["ok", "not a number", "raised", "timed out", "died"]
"""What became of a trial: "not a number" is an answer with a NaN in it, "died" means its process."""


@dataclass(frozen=True)
class Trial:
    """What became of one trial."""

    number: int
    """Its place in the order of trials."""
    parameters: Mapping[str, Any]
    """Values of the plan's row. [SI]"""
    seed: int
    """Seed of its randomness."""
    status: TrialStatus
    """What became of it."""
    answer: Any
    """What the function answered, as JSON can hold it; None where it did not."""
    error: str = ""
    """What went wrong, in one line."""
    duration: float = 0.0
    """Time that it took. [s]"""


class Store:
    """Trials in a file, or in memory.

    Parameters
    ----------
    path : path-like or None
        The file; it and its folder are made if they are not there. None for a private store that goes with the process.
    about : mapping of str to JSON value
        What the trials are of: names the function, plan, seed and the like. A store with another content is refused.
    words : mapping of str to str
        What the entries of `about` are called in a message; those without a word may change.

    Raises
    ------
    InputError
        If the file cannot be written, is damaged, is no store or was filled by other work.
    """

    def __init__(self, path: str | os.PathLike | None, about: Mapping[str, Any], words: Mapping[str, str]):
        self.path = None if path is None else Path(path)
        self._owner = f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(4)}"
        self._lock = threading.RLock()
        with self._explained():
            if self.path is not None:
                _check_writable(self.path)
            self._connection = _connect("" if self.path is None else str(self.path))
            try:
                self._prepare({name: json.dumps(value) for name, value in about.items()}, words)
            except BaseException:
                self._connection.close()
                raise
        self._ended = threading.Event()
        if self.path is not None:
            threading.Thread(target=self._keep_claims, daemon=True).start()

    def _prepare(self, about: Mapping[str, str], words: Mapping[str, str]) -> None:
        if self.path is not None:
            # A file that holds something else is looked at only, never changed.
            _check_format(self._connection, self.path, new_allowed=True)
            self._connection.execute("PRAGMA journal_mode = WAL")
        # In WAL mode this is safe against the end of the process; the end of the power may cost the latest trials.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        # Emptying the log waits for the disk: every 16 MB, not SQLite's 4, or slow disks would hold up short trials.
        self._connection.execute("PRAGMA wal_autocheckpoint = 4000")
        with self._writing():
            if self.path is None or _is_new(self._connection):
                for table in _TABLES:
                    self._connection.execute(table)
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                self._connection.execute(f"PRAGMA user_version = {FORMAT}")
                self._connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
                return
            found = dict(self._connection.execute("SELECT name, value FROM about"))
        for name, word in words.items():
            if found.get(name) != about[name]:
                ours, theirs = about[name], found.get(name, "none")
                shown = "" if len(ours + theirs) > 100 else f" ({theirs}, now {ours})"
                raise InputError(
                    f"store {self.path} was filled with another {word}{shown}; name another file, or go back to what "
                    "filled it"
                )

    def claim(self, numbers: Iterable[int]) -> tuple[list[int], list[int]]:
        """Claim trials, so that no other process does them too.

        Parameters
        ----------
        numbers : iterable of int
            Trials to claim.

        Returns
        -------
        claimed : list of int
            Those that are to be done, and now are this store's to do.
        busy : list of int
            Those that another process has claimed and not ended yet.
        """
        numbers = list(numbers)
        listed = json.dumps(numbers)
        with self._explained(), self._writing() as connection:
            self._renew(connection)
            for owner, until in connection.execute("SELECT owner, until FROM owners").fetchall():
                if owner != self._owner and (until < time.time() or _is_gone(owner)):
                    connection.execute("DELETE FROM claims WHERE owner = ?", (owner,))
                    connection.execute("DELETE FROM owners WHERE owner = ?", (owner,))
            within = "number IN (SELECT value FROM json_each(?))"
            done = {number for (number,) in connection.execute(f"SELECT number FROM trials WHERE {within}", (listed,))}
            owners = dict(connection.execute(f"SELECT number, owner FROM claims WHERE {within}", (listed,)))
            busy = [
                number for number in numbers if number not in done and owners.get(number, self._owner) != self._owner
            ]
            taken = done.union(busy)
            claimed = [number for number in numbers if number not in taken]
            connection.executemany(
                "INSERT OR IGNORE INTO claims VALUES (?, ?)", ((number, self._owner) for number in claimed)
            )
        return claimed, busy

    def record(self, trial: Trial) -> None:
        """Write down a trial; when this returns, the end of this process cannot undo it.

        Parameters
        ----------
        trial : Trial
            The trial. One that is there already stays.

        Raises
        ------
        StudyError
            If the disk is full.
        """
        texts = (
            trial.number,
            json.dumps(trial.parameters),
            trial.seed,
            trial.status,
            trial.error,
            json.dumps(trial.answer),
            trial.duration,
        )
        with self._explained(), self._writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*texts, _checksum(texts))
            )
            connection.execute("DELETE FROM claims WHERE number = ?", (trial.number,))

    def counts(self) -> dict[str, int]:
        """Count the trials by what became of them.

        Returns
        -------
        dict of str to int
            Numbers of trials by status.
        """
        with self._explained():
            return dict(self._connection.execute("SELECT status, count(*) FROM trials GROUP BY status"))

    def done(self, first: int, last: int) -> int:
        """Count the trials between two numbers.

        Parameters
        ----------
        first, last : int
            First number, and the one after the last.

        Returns
        -------
        int
            How many of them are there.
        """
        with self._explained():
            sql = "SELECT count(*) FROM trials WHERE number >= ? AND number < ?"
            return self._connection.execute(sql, (first, last)).fetchone()[0]

    def trials(self, first: int = 0, last: int = 2**63 - 1) -> Iterator[Trial]:
        """Read trials in the order of their numbers.

        Parameters
        ----------
        first, last : int
            First number, and the one after the last.

        Yields
        ------
        Trial
            Those that are there.
        """
        with self._explained():
            yield from _trials(self._connection, first, last)

    def about(self) -> dict[str, Any]:
        """Read what the trials are of.

        Returns
        -------
        dict
            Entries by name.
        """
        with self._explained():
            return _about(self._connection)

    def note(self, name: str, value: Any) -> None:
        """Write down something more that the trials are of.

        Parameters
        ----------
        name : str
            Name of the entry; another value takes the place of a former one.
        value : JSON value
            The entry.
        """
        text = json.dumps(value)
        with self._explained(), self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, text))

    def frame(self, first: int = 0, last: int = 2**63 - 1) -> pd.DataFrame:
        """Tabulate trials.

        Parameters
        ----------
        first, last : int
            First number, and the one after the last.

        Returns
        -------
        pandas.DataFrame
            As `circuitsnn.study.sweep.sweep` returns it.
        """
        return _frame(self.trials(first, last), self.about())

    def close(self) -> None:
        """Give back what was claimed and not done, and close the file."""
        self._ended.set()
        with self._lock:
            try:
                with self._writing() as connection:
                    connection.execute("DELETE FROM claims WHERE owner = ?", (self._owner,))
                    connection.execute("DELETE FROM owners WHERE owner = ?", (self._owner,))
            except sqlite3.Error:
                pass  # a full disk; the claims end by themselves
            self._connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        # One thread at a time: an executor may take its tasks from another one.
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _keep_claims(self) -> None:
        """Renew the claims while the process lives, however long a trial takes."""
        while not self._ended.wait(_LEASE / 3):
            try:
                with self._lock:
                    if not self._ended.is_set():
                        self._renew(self._connection)
            except sqlite3.Error:
                continue  # whoever claims or records next says what is wrong

    def _renew(self, connection: sqlite3.Connection) -> None:
        connection.execute("INSERT OR REPLACE INTO owners VALUES (?, ?)", (self._owner, time.time() + _LEASE))

    def _explained(self) -> Any:
        return _explained(self.path or "in memory")


def read_store(path: str | os.PathLike) -> pd.DataFrame:
    """Read the trials of a store, also while a sweep fills it.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    pandas.DataFrame
        The trials so far, as `circuitsnn.study.sweep.sweep` returns them; those that an adaptive stop has left out of
        its table are here too.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged or is no store.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no store {path}; name a file that a sweep has written")
    with _explained(path), closing(_open_to_read(path)) as connection:
        _check_format(connection, path)
        return _frame(_trials(connection, 0, 2**63 - 1), _about(connection))


def read_about(path: str | os.PathLike) -> dict[str, Any]:
    """Read what the trials of a store are of.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    dict
        Entries by name: function, seed, by which command the store was begun and the like.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged or is no store.
    """
    path = Path(path)
    with _explained(path), closing(_open_to_read(path)) as connection:
        _check_format(connection, path)
        return _about(connection)


def is_empty(path: Path) -> bool:
    """Tell whether a store holds no trials.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        Whether it holds none; also where it is not there or no store.
    """
    if not path.is_file():
        return True
    try:
        with closing(_open_to_read(path)) as connection:
            return connection.execute("SELECT count(*) FROM trials").fetchone()[0] == 0
    except sqlite3.Error:
        return True


def _connect(name: str, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(name, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, uri=uri)


def _open_to_read(path: Path) -> sqlite3.Connection:
    # Only who may write can remove the files that SQLite puts beside the store while somebody reads it.
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        mode = "rw"
    elif path.with_name(f"{path.name}-wal").exists():
        mode = "ro"
    else:
        mode = "ro&immutable=1"
    return _connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True)


def _check_writable(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"store {path} cannot be made: {error.strerror}; name a file in a folder where you may write"
        ) from error
    if path.is_dir():
        raise InputError(f"store {path} is a folder; name a file")


def _is_new(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0


def _check_format(connection: sqlite3.Connection, path: Path, new_allowed: bool = False) -> None:
    if _is_new(connection):
        if not new_allowed:
            raise InputError(f"store {path} holds nothing yet; start the sweep that fills it, or name another file")
        return
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise InputError(f"{path} is a database, but no store of circuitsnn; name another file")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise InputError(
            f"store {path} has format {version}, which this circuitsnn ({circuitsnn.__version__}) does not know; "
            f"allowed is format {FORMAT}"
        )
    # A letter that is wrong in a table's description may hide its rows, which SQLite itself does not mind.
    described = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if described != set(_TABLES) or connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise _damaged(path)


def _damaged(path: object) -> InputError:
    return InputError(f"store {path} is damaged or no store of circuitsnn; name another file, or one that is whole")


def _checksum(texts: tuple) -> int:
    return crc32(repr(texts).encode())


def _trials(connection: sqlite3.Connection, first: int, last: int) -> Iterator[Trial]:
    columns = "number, parameters, seed, status, error, answer, duration, checksum"
    sql = f"SELECT {columns} FROM trials WHERE number >= ? AND number < ? ORDER BY number"
    for *texts, checksum in connection.execute(sql, (first, last)):
        if _checksum(tuple(texts)) != checksum:
            raise sqlite3.DatabaseError("a trial is damaged")
        number, parameters, seed, status, error, answer, duration = texts
        yield Trial(number, json.loads(parameters), seed, status, json.loads(answer), error, duration)


def _about(connection: sqlite3.Connection) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM about")}


@contextmanager
def _explained(path: object) -> Iterator[None]:
    """Turn what SQLite says into a sentence for the user."""
    try:
        yield
    except (sqlite3.Error, OverflowError) as error:
        text = str(error)
        if "full" in text or "disk I/O" in text:
            raise StudyError(
                f"store {path}: the disk is full, or does not take what is written; make room and run the same again: "
                "it goes on from what is in the store"
            ) from error
        if "locked" in text:
            raise StudyError(
                f"store {path}: another process has been writing for {_PATIENCE:g} s; run the same again when it has "
                "ended"
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise InputError(f"store {path} cannot be opened: {text}; name a file where you may write") from error
        raise _damaged(path) from error
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise _damaged(path) from error


def _started(process: int) -> str:
    """Say when a process was started, by which a later one of the same number is told from it."""
    import psutil

    try:
        found = psutil.Process(process)
        # One that has ended, but whose parent has not asked about it yet, is still listed.
        return "ended" if found.status() == psutil.STATUS_ZOMBIE else f"{found.create_time():.2f}"
    except psutil.Error:
        return "ended"


def _is_gone(owner: str) -> bool:
    """Tell whether the owner was a process of this machine and has ended."""
    host, process, started, _ = owner.rsplit("/", 3)
    return host == socket.gethostname() and _started(int(process)) != started


def _frame(trials: Iterable[Trial], about: Mapping[str, Any]) -> pd.DataFrame:
    """Put trials into a table, a chunk at a time: a million of them as Python objects would fill the memory."""
    names, chips, reads = about["parameters"], about["trials"], about["reads"]
    trials = iter(trials)
    answers: dict[str, None] = {}
    pieces = []
    while chunk := list(islice(trials, _CHUNK)):
        numbers = np.array([trial.number for trial in chunk], dtype=np.int64)
        columns: dict[str, Any] = {name: [trial.parameters[name] for trial in chunk] for name in names}
        if chips > 1:
            columns["chip"] = numbers // reads % chips
        if reads > 1:
            columns["read"] = numbers % reads
        given = [trial.answer or {} for trial in chunk]
        for name in dict.fromkeys(name for answer in given for name in answer):
            answers[name] = None
            columns[name] = [answer.get(name) for answer in given]
        columns |= {"seed": [trial.seed for trial in chunk], "status": [trial.status for trial in chunk]}
        columns |= {"error": [trial.error for trial in chunk], "duration": [trial.duration for trial in chunk]}
        pieces.append(pd.DataFrame({name: _column(values) for name, values in columns.items()}, index=numbers))
    before = [*names, *["chip"][: chips > 1], *["read"][: reads > 1]]
    order = [*before, *answers, "seed", "status", "error", "duration"]
    frame = pd.concat(pieces) if pieces else pd.DataFrame(columns=order)
    frame = frame.reindex(columns=order)
    frame.index.name = "trial"
    frame.attrs["units"] = {**about["units"], **about.get("answer_units", {}), "duration": "s"}
    frame.attrs["parameters"] = list(names)
    # Not what differs between two stores of the same sweep: a table of the same numbers shall be the same file.
    elsewhere = ("parameters", "units", "answer_units", "made_with")
    frame.attrs["sweep"] = {name: value for name, value in about.items() if name not in elsewhere}
    return frame


def _column(values: Any) -> Any:
    """Choose the column's type: truth values that are missing in places stay truth values, numbers get NaN."""
    if not isinstance(values, list):
        return values
    present = {type(value) for value in values}
    missing = type(None) in present
    present -= {type(None)}
    if present == {bool}:
        return pd.array(values, dtype="boolean") if missing else np.array(values)
    if present <= {int, float} and present:
        return np.array([np.nan if value is None else value for value in values])
    return values
