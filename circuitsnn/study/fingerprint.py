"""Fingerprints: a short text that is the same for the same function or data, in any process and on any day."""

import ast
import dataclasses
import functools
import inspect
import textwrap
import tokenize
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import pandas as pd

from circuitsnn.errors import InputError

__all__ = ["fingerprint", "name_of"]

_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def fingerprint(value: Any, *, strict: bool = True) -> str:
    """Digest what a value is made of.

    Of a function it takes the source (comments, layout and docstrings aside), the defaults, the values that it closes
    over, and the functions, classes and plain constants of its own module that it names; what it calls in other modules
    is left out.

    Parameters
    ----------
    value : object
        Numbers, texts, arrays, tables, generators, dataclasses, collections of them, functions, classes.
    strict : bool
        Whether to refuse what is none of these; else its type's name stands for it.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    InputError
        If a part of it is none of these.
    """
    digest = sha256()
    _Feeder(digest.update, strict).feed(value)
    return digest.hexdigest()


def name_of(function: Callable) -> str:
    """Name a function for a reader: "script.recall".

    Parameters
    ----------
    function : callable
        A function, a method, a partial or an object that can be called.

    Returns
    -------
    str
        Module and name; "__main__" is left out, so that a script has one name however it is run.
    """
    while isinstance(function, functools.partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    module = getattr(named, "__module__", None) or ""
    return named.__qualname__ if module in ("", "__main__", "__mp_main__") else f"{module}.{named.__qualname__}"


class _Feeder:
    """Walks through a value and feeds a digest with it."""

    def __init__(self, update: Callable[[bytes], None], strict: bool):
        self._update = update
        self._strict = strict
        self._seen: dict[int, Any] = {}

    def feed(self, value: Any) -> None:
        """Feed one value."""
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) in _PLAIN:
            self._write(type(value).__name__, repr(value))
        elif id(value) in self._seen:  # a function that calls itself, or a loop of references
            self._write("again", list(self._seen).index(id(value)))
        else:
            self._seen[id(value)] = value  # kept, or another object could get its id
            self._feed_composed(value)

    def _write(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode()
            self._update(f"{len(data)}:".encode())
            self._update(data)

    def _feed_all(self, kind: str, values: Any) -> None:
        values = list(values)
        self._write(kind, len(values))
        for value in values:
            self.feed(value)

    def _feed_composed(self, value: Any) -> None:  # one branch a kind
        if isinstance(value, np.ndarray):
            self._write("array", value.shape)
            if value.dtype == object:
                self._feed_all("objects", value.ravel())
            else:
                self._write(value.dtype.str, np.ascontiguousarray(value).tobytes())
        elif isinstance(value, pd.DataFrame):
            self._feed_all("table", [*value.columns, *(value[name].to_numpy() for name in value)])
        elif isinstance(value, np.random.Generator):
            bits = value.bit_generator
            self._feed_all("generator", [bits.state, bits.seed_seq])
        elif isinstance(value, np.random.SeedSequence):
            self._feed_all("seeds", [value.entropy, value.spawn_key, value.pool_size, value.n_children_spawned])
        elif isinstance(value, Mapping):
            pairs = sorted(value.items(), key=lambda pair: repr(pair[0]))
            self._feed_all("mapping", [part for pair in pairs for part in pair])
        elif isinstance(value, (set, frozenset)):
            self._feed_all("set", sorted(value, key=repr))
        elif isinstance(value, (list, tuple, range)):
            self._feed_all("sequence", value)
        elif isinstance(value, PurePath):
            self._write("path", value)
        elif isinstance(value, ModuleType):
            self._write("module", value.__name__)
        elif isinstance(value, functools.partial):
            self._feed_all("partial", [value.func, value.args, value.keywords])
        elif isinstance(value, MethodType):
            self._feed_all("method", [value.__func__, value.__self__])
        elif isinstance(value, FunctionType):
            self._feed_function(value)
        elif isinstance(value, type):
            self._feed_class(value)
        elif isinstance(getattr(value, "py_func", None), FunctionType):  # compiled by Numba
            self._feed_all("compiled", [value.py_func])
        elif dataclasses.is_dataclass(value):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            self._feed_all("dataclass", [type(value), fields])
        elif callable(value) and hasattr(value, "__dict__") and type(value).__module__ != "builtins":
            self._feed_all("object", [type(value), vars(value)])
        elif self._strict:
            raise InputError(
                f"a {type(value).__qualname__} has no fingerprint; allowed are numbers, texts, arrays, tables, "
                "generators, dataclasses, collections of them, functions and classes"
            )
        else:
            self._write("kind", type(value).__qualname__)

    def _feed_function(self, function: FunctionType) -> None:
        self._write("function", function.__name__, _source(function) or _code(function.__code__))
        self._feed_all("defaults", [function.__defaults__, function.__kwdefaults__])
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # a name that has no value yet
                self._write("empty")
            else:
                self.feed(content)
        self._feed_globals(function)

    def _feed_class(self, kind: type) -> None:
        if kind.__module__.partition(".")[0] in ("circuitsnn", "builtins"):
            self._write("class", kind.__module__, kind.__qualname__)
            return
        self._write("class", kind.__qualname__, _source(kind))
        for base in kind.__bases__:
            if base.__module__ == kind.__module__:
                self.feed(base)
        for member in vars(kind).values():
            function = getattr(member, "__func__", getattr(member, "fget", member))
            if isinstance(function, FunctionType):
                self._feed_globals(function)

    def _feed_globals(self, function: FunctionType) -> None:
        for name in _names(function.__code__):
            named = function.__globals__.get(name)
            own = isinstance(named, (FunctionType, type)) and named.__module__ == function.__module__
            if own or isinstance(named, _PLAIN[1:]):
                self._feed_all("global", [name, named])


def _names(code: CodeType) -> list[str]:
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)]
    return [*code.co_names, *inner]


def _code(code: CodeType) -> str:
    """Describe a function that has no source, such as one typed at a prompt."""
    constants = [_code(constant) if isinstance(constant, CodeType) else repr(constant) for constant in code.co_consts]
    return f"{code.co_code.hex()} {constants} {code.co_names}"


def _source(value: FunctionType | type) -> str:
    """Give the source without comments, layout and docstrings; nothing if there is none."""
    try:
        text = textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError, tokenize.TokenError):  # the file is not there, or no longer the one that was read
        return ""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a lambda in the middle of an expression
        return text
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
