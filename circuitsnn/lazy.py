"""Public names looked up on first use, so that importing a package does not pay for Numba, pandas and Matplotlib."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, home: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make a package's ``__getattr__`` and ``__dir__`` (PEP 562).

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    home : mapping of str to str
        For each public name the module in which it lives, without "circuitsnn.".

    Returns
    -------
    callable, callable
        ``__getattr__`` and ``__dir__``.
    """
    namespace = vars(sys.modules[package])

    def look_up(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        namespace[name] = getattr(import_module(f"circuitsnn.{home[name]}"), name)
        return namespace[name]

    def names() -> list[str]:
        return sorted({*namespace, *home})

    return look_up, names
