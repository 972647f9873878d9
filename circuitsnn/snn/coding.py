"""Codings: how a sample becomes the input of all time steps."""

from math import inf

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import check_generator, check_word, whole_number
from circuitsnn.errors import InputError
from circuitsnn.snn.network import Coding

__all__ = ["encode"]

_RANGES: dict[str, tuple[float, float]] = {
    "direct": (-inf, inf),
    "poisson": (0.0, inf),
    "bernoulli": (0.0, 1.0),
    "latency": (0.0, 1.0),
    "bipolar": (-1.0, 1.0),
}


def encode(coding: Coding, x: ArrayLike, steps: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """Turn samples into a network's input.

    "direct": the values themselves, the same in all steps (Rathi and Roy 2020, arXiv:2008.03658). "poisson": spikes of
    a Poisson process with x events a step, at most one each, so with probability 1 - exp(-x). "bernoulli": a
    spike in each step with probability x. "latency": one spike, at step round((1 - x)(T - 1)) counted from 0, so early
    for large values; none for 0. "bipolar": a spike with the sign of x and probability |x|.

    Samples are drawn one after the other: samples coded in parts, with one generator, get the same spikes as at once.

    Parameters
    ----------
    coding : {"direct", "poisson", "bernoulli", "latency", "bipolar"}
        The coding.
    x : array_like, shape (n, *shape)
        Samples: any number for "direct", >= 0 for "poisson", 0 to 1 for "bernoulli" and "latency", -1 to 1 for
        "bipolar". [-]
    steps : int
        Time steps T.
    rng : numpy.random.Generator, optional
        Source of the spikes; "direct" and "latency" need none.

    Returns
    -------
    ndarray
        Shape (n, *shape) for "direct", the same in all steps; else (T, n, *shape), of 0 and 1 (uint8), or of -1,
        0 and 1 (int8) for "bipolar".

    Raises
    ------
    InputError
        If a value is out of range or no finite number, or a generator is missing.
    """
    check_word("coding", coding, Coding)
    steps = whole_number("steps", steps, 1)
    try:
        values = np.asarray(x)
        finite = values.dtype.kind in "buif" and values.ndim > 0 and bool(np.isfinite(values).all())
    except (TypeError, ValueError):
        finite = False
    if not finite:
        raise InputError("samples are no array of finite numbers, or one without an axis for samples")
    least, most = _RANGES[coding]
    if values.size and (values.min() < least or values.max() > most):
        raise InputError(
            f"samples reach from {values.min():g} to {values.max():g}; coding {coding!r} allows "
            f"{f'{least:g} to {most:g}' if most < inf else '>= 0'}"
        )
    if coding == "direct":
        return values
    if coding == "latency":
        at = np.where(values > 0, np.rint((1.0 - values) * (steps - 1)), steps)
        return (at == np.arange(steps).reshape(-1, *(1,) * values.ndim)).astype(np.uint8)
    check_generator(rng)
    # The samples' axis comes first, so that it does not matter how many there are at a time.
    drawn = np.moveaxis(rng.random((len(values), steps, *values.shape[1:])), 1, 0)
    if coding == "bipolar":
        return np.where(drawn < np.abs(values), np.sign(values), 0).astype(np.int8)
    return (drawn < (values if coding == "bernoulli" else -np.expm1(-values))).astype(np.uint8)
