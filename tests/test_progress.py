"""Progress that is shown or told, and what Ctrl-C says of work that takes long."""

import os
import subprocess
import sys

import pytest

from circuitsnn.progress import ignore_progress, reporting
from circuitsnn.study.design import optimise
from circuitsnn.study.sweep import sweep

pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX's")


def test_the_callers_function_is_lent_and_nothing_else_shown(capsys):
    told = []
    with reporting(lambda share, text: told.append((share, text)), "title") as report:
        report(0.5, "half")
    assert told == [(0.5, "half")]
    for progress in (None, False, True):  # True: standard error is no terminal here
        with reporting(progress, "title") as report:
            assert report is ignore_progress
    sweep(lambda a: a, {"a": [1, 2]}, progress=True)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_with_rate_and_time_left():
    work = """
import time
from circuitsnn import sweep

def slow(a):
    time.sleep(0.15)
    return a

sweep(slow, {"a": range(8)}, progress=True)
"""
    terminal, its_end = pty.openpty()
    settings = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1"}
    process = subprocess.Popen([sys.executable, "-c", work], stderr=its_end, stdout=subprocess.PIPE, env=settings)
    os.close(its_end)
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(terminal)
    assert process.communicate()[0] == b""
    assert process.returncode == 0
    text = shown.decode()
    assert " of 8 trials" in text
    assert " a second" in text
    assert " s left" in text


def interrupted(a):
    if a == 3:
        raise KeyboardInterrupt
    return float(a)


def test_an_interruption_says_what_is_kept(tmp_path):
    with pytest.raises(KeyboardInterrupt, match=r"^3 of 9 trials were done; they are lost: an argument store"):
        sweep(interrupted, {"a": range(9)})
    store = tmp_path / "s.db"
    with pytest.raises(KeyboardInterrupt) as said:
        sweep(interrupted, {"a": range(9)}, store=store)
    assert str(said.value) == f"3 of 9 trials were done; they are kept in {store}, from which the same call goes on"
    store = tmp_path / "d.db"
    first = [{"a": 1}, {"a": 2}, {"a": 3}]
    with pytest.raises(KeyboardInterrupt, match=r"^2 of 9 designs were tried; they are kept in"):
        optimise(interrupted, {"a": list(range(9))}, trials=9, start=first, store=store)
