"""What a worker process does; run as a script by `circuitsnn.study.executors.processes`.

It imports nothing of the package, so that it starts in a moment: what a function needs comes with the function. Work
comes in by standard input and goes out by standard output, one pickled tuple after the other; what a function prints
goes to standard error.
"""

import os
import pickle
import queue
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

__all__ = ["end_family", "end_group", "error_text", "main"]

LOCK_PATIENCE = 600.0
"""Time after which a worker compiles although another one still does. [s]"""


def main() -> None:
    """Work until standard input ends."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdout.reconfigure(line_buffering=True)
    _Worker(incoming, outgoing).work()


def error_text(error: BaseException) -> str:
    """Say what went wrong, in one line.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    str
        The exception's type and text.
    """
    try:
        text = " ".join(str(error).split())
    except Exception:  # an exception of somebody's own may not know its text
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Worker:
    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._inbox: queue.SimpleQueue = queue.SimpleQueue()
        self._sending = threading.Lock()
        self._received = self._handled = 0
        self._function: Callable[[Any], Any] | None = None
        self._compilation: _Compilation | None = None

    def work(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        while (message := self._inbox.get()) is not None:
            getattr(self, f"_do_{message[0]}")(*message[1:])
            self._handled += 1

    def _read(self) -> None:
        """Take what comes, also while the function works: the end of it all must not wait for a task that hangs."""
        try:
            while True:
                message = pickle.load(self._incoming)
                self._received += 1
                self._inbox.put(message)
        except (EOFError, OSError, pickle.UnpicklingError):
            if self._received > self._handled:
                end_family(os.getpid())
            self._inbox.put(None)

    def _send(self, *message: Any) -> None:
        with self._sending:
            pickle.dump(message, self._outgoing)
            self._outgoing.flush()

    def _do_start(self, path: list[str], initialise: bytes | None) -> None:
        sys.path[:] = path
        try:
            if initialise is not None:
                pickle.loads(initialise)()
        except BaseException as error:
            self._send("unable", 0, error_text(error), _carried(error), traceback.format_exc())

    def _do_load(self, load: int, function: bytes, timed: bool) -> None:
        try:
            self._function = pickle.loads(function)
            if timed and "circuitsnn" in sys.modules:
                import numba  # noqa: F401 - now rather than within the first task's time limit
        except BaseException as error:
            self._send("unable", load, error_text(error), _carried(error), traceback.format_exc())
        else:
            self._send("loaded", load)

    def _watch_compilation(self) -> None:
        if self._compilation is None and "numba" in sys.modules:
            self._compilation = _Compilation(self._send)

    def _do_task(self, number: int, argument: bytes) -> None:
        self._watch_compilation()
        start = time.perf_counter()
        try:
            value = self._function(pickle.loads(argument))
            duration = time.perf_counter() - start
            message = (number, "ok", _carry(value), "", None, "", duration)
        except BaseException as error:  # also SystemExit: a task must not end its worker by the way
            duration = time.perf_counter() - start
            message = (number, "raised", None, error_text(error), _carried(error), traceback.format_exc(), duration)
        self._send("done", *message)


def _carry(value: Any) -> bytes:
    try:
        return pickle.dumps(value, protocol=5)
    except Exception:
        import cloudpickle

        try:
            return cloudpickle.dumps(value)
        except Exception as error:
            raise TypeError(f"the value cannot be carried to another process: {error_text(error)}") from None


def _carried(error: BaseException) -> bytes | None:
    try:
        return _carry(error)
    except Exception:
        return None


def end_family(number: int) -> None:
    """End a worker process at once, and what it has started, such as a circuit simulator.

    Parameters
    ----------
    number : int
        The worker's process number, which is also its group's.
    """
    try:
        import psutil

        family = psutil.Process(number).children(recursive=True)  # some may have a group of their own
    except Exception:
        family = []
    for member in family:
        with suppress(psutil.Error):
            member.kill()
    end_group(number)


def end_group(number: int) -> None:
    """End what is left of a worker process's group.

    Parameters
    ----------
    number : int
        The worker's process number, which is also its group's.
    """
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(number, signal.SIGKILL)
        else:
            os.kill(number, signal.SIGTERM)  # TerminateProcess


class _Compilation:
    """Lets one worker at a time compile a kernel that Numba's cache keeps; the others then find it there.

    Numba announces its compiler lock (numba.core.event) before it looks into the cache, and gives it back after it has
    written there. A kernel without a cache is no use to others, so nobody waits for it.
    """

    def __init__(self, send: Callable[..., None]) -> None:
        from numba.core import event

        self._send = send
        self._file = _open_lock()
        self._guard = threading.RLock()
        self._depth = 0
        self._locked_at = 0

        class Lock(event.Listener):
            on_start, on_end = self._enter, self._leave

        class Compile(event.Listener):
            on_start, on_end = self._begin, self._ignore

        event.register("numba:compiler_lock", Lock())
        event.register("numba:compile", Compile())

    def _enter(self, _: Any) -> None:
        with self._guard:
            self._depth += 1
            if self._depth == 1:
                self._send("compiling")
            if not self._locked_at:
                _lock(self._file)
                self._locked_at = self._depth

    def _begin(self, event: Any) -> None:
        with self._guard:
            if type(getattr(event.data["dispatcher"], "_cache", None)).__name__ == "NullCache":
                self._unlock()

    def _ignore(self, _: Any) -> None:
        pass

    def _leave(self, _: Any) -> None:
        with self._guard:
            if self._locked_at == self._depth:
                self._unlock()
            self._depth -= 1
            if self._depth == 0:
                self._send("compiled")

    def _unlock(self) -> None:
        if self._locked_at:
            self._locked_at = 0
            _unlock(self._file)


if os.name == "posix":
    import fcntl

    def _open_lock() -> int | None:
        path = os.path.join(tempfile.gettempdir(), f"circuitsnn-compilation-{os.getuid()}.lock")
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return None

    def _lock(file: int | None) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE
        while file is not None and time.monotonic() < deadline:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(0.02)

    def _unlock(file: int | None) -> None:
        if file is not None:
            fcntl.flock(file, fcntl.LOCK_UN)
else:
    # Each worker compiles for itself, and Numba's cache keeps one of the equal results.

    def _open_lock() -> None:
        return None

    def _lock(file: None) -> None:
        pass

    def _unlock(file: None) -> None:
        pass


if __name__ == "__main__":
    main()
