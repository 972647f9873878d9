"""Fingerprints: alike for what is alike, in another process too; different for what differs."""

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.study.fingerprint import fingerprint, name_of


@dataclass(frozen=True, eq=False)
class Item:
    generator: np.random.Generator
    data: np.ndarray


def functions(source):
    """Define functions in a module of their own."""
    space = {"__name__": "made"}
    exec(source, space)
    return space


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1, 1.0),
        (1, True),
        ("1", 1),
        (0.0, -0.0),
        (None, "None"),
        ([1, 2], [2, 1]),
        ([[1], 2], [[1, 2]]),
        (["ab", "c"], ["a", "bc"]),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        (np.zeros(2), np.zeros(3)),
        (np.zeros(2), np.zeros(2, dtype=np.float32)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array([1, "a"], dtype=object), np.array([1, "b"], dtype=object)),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
        (np.random.default_rng(1), np.random.default_rng(2)),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (Path("a"), Path("b")),
        ({1, 2}, {1, 3}),
        (int, float),
        (np, os),
    ],
)
def test_different_things_differ(one, other):
    assert fingerprint(one, strict=False) != fingerprint(other, strict=False)
    assert fingerprint([one], strict=False) == fingerprint([one], strict=False)


def test_generators_differ_once_they_were_used():
    used, spawned = np.random.default_rng(1), np.random.default_rng(1)
    used.random()
    spawned.spawn(1)
    assert len({fingerprint(one) for one in (np.random.default_rng(1), used, spawned)}) == 3


def test_mappings_and_sets_have_no_order():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({3, 1, 2}) == fingerprint({2, 3, 1})


def test_items_of_studies_have_one():
    card = load_card("vo2_delacour2021")
    items = [Item(np.random.default_rng(1), np.arange(3)), card]
    assert fingerprint(items) == fingerprint(
        [Item(np.random.default_rng(1), np.arange(3)), load_card("vo2_delacour2021")]
    )
    assert fingerprint(card) != fingerprint(card.replace(R_S="15k"))


BASE = "K = 3\ndef helper(a):\n    return a + K\ndef work(a, b=1):\n    return helper(a) * b\n"


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        (BASE, True),
        (BASE + "def another():\n    return 5\n", True),
        (BASE.replace("K = 3", "K = 4"), False),
        (BASE.replace("a + K", "a - K"), False),
        (BASE.replace("b=1", "b=2"), False),
        (BASE.replace("* b", "/ b"), False),
    ],
)
def test_functions_differ_with_what_they_use(changed, same):
    one, other = functions(BASE)["work"], functions(changed)["work"]
    assert (fingerprint(one) == fingerprint(other)) is same


def test_closures_differ_with_what_they_close_over():
    def make(gain):
        return lambda a: gain * a

    assert fingerprint(make(2)) == fingerprint(make(2))
    assert fingerprint(make(2)) != fingerprint(make(3))
    # What has no fingerprint stands for its kind.
    assert fingerprint(make(object()), strict=False) == fingerprint(make(object()), strict=False)
    with pytest.raises(InputError, match="a object has no fingerprint"):
        fingerprint(make(object()))


def test_functions_may_call_themselves_and_each_other():
    space = functions("def f(a):\n    return g(a)\ndef g(a):\n    return f(a - 1) if a else 0\n")
    assert len(fingerprint(space["f"])) == 64


def test_classes_differ_with_their_methods_helpers(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = "def help(a):\n    return a\nclass Task:\n    def solve(self):\n        return help(self)\n"
    (tmp_path / "made_a.py").write_text(source)
    (tmp_path / "made_b.py").write_text(source.replace("return a\n", "return -a\n"))
    import made_a
    import made_b

    assert fingerprint(made_a.Task) != fingerprint(made_b.Task)


def test_the_name_of_a_function():
    assert name_of(functools.partial(os.path.join, "a")).endswith("path.join")
    assert name_of(Item).endswith("Item")
    function = functions("def work():\n    pass")["work"]
    function.__module__ = "__main__"
    assert name_of(function) == "work"


def test_another_process_finds_the_same():
    program = (
        "import numpy as np; from circuitsnn.study.fingerprint import fingerprint; "
        "print(fingerprint([{'b', 'a', 'c'}, np.arange(3.0), {'x': (1, None)}, np.random.default_rng(4)]))"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "5"},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = fingerprint([{"b", "a", "c"}, np.arange(3.0), {"x": (1, None)}, np.random.default_rng(4)])
    assert answer.stdout.strip() == expected
