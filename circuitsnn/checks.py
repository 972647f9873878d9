"""Checks of arguments that many modules need; each raises one clear sentence."""

from typing import Any, get_args

import numpy as np

from circuitsnn.errors import InputError

__all__ = ["check_generator", "check_share", "check_word", "whole_number"]


def whole_number(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Check that a value is a whole number within bounds.

    Parameters
    ----------
    name : str
        What it is, for the message.
    value : object
        The value.
    least, most : int
        Bounds, themselves allowed; no upper one if `most` is None.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InputError
        If it is not.
    """
    good = not isinstance(value, (bool, np.bool_)) and isinstance(value, (int, np.integer))
    if not good or value < least or (most is not None and value > most):
        upper = "" if most is None else f" and <= {most}"
        raise InputError(f"{name} is {value!r}; allowed is a whole number >= {least}{upper}")
    return int(value)


def check_share(name: str, value: Any) -> None:
    """Check that a value is a share, such as a yield or a confidence level.

    Parameters
    ----------
    name : str
        What it is, for the message.
    value : object
        The value.

    Raises
    ------
    InputError
        If it is no number between 0 and 1.
    """
    if isinstance(value, (bool, str)) or not 0.0 < value < 1.0:
        raise InputError(f"{name} is {value!r}; allowed is a number between 0 and 1, both excluded")


def check_word(what: str, word: Any, words: object) -> None:
    """Check that a word is one of a `Literal`'s.

    Parameters
    ----------
    what : str
        What it is, for the message.
    word : object
        The word.
    words : Literal
        The words that are allowed.

    Raises
    ------
    InputError
        If it is not.
    """
    if word not in get_args(words):
        raise InputError(f"{what} is {word!r}; allowed: {', '.join(get_args(words))}")


def check_generator(rng: Any) -> None:
    """Check that a source of randomness is a NumPy generator.

    Parameters
    ----------
    rng : object
        The source.

    Raises
    ------
    InputError
        If it is not.
    """
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng is {rng!r}; allowed is a numpy.random.Generator, such as numpy.random.default_rng(1)")
