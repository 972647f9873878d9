"""Static mismatch: what differs from one fabricated device to the next and then stays.

Drift and noise are other kinds of randomness and do not belong here.
"""

from collections.abc import Iterable, Mapping
from math import isfinite, log1p, sqrt

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.card_kinds import KINDS
from circuitsnn.cards import Card, Spread
from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError

__all__ = ["can_exist", "devices_from_scores", "draw", "draw_resistances", "generators"]

_ROUNDS = 100


def generators(seed: int, count: int) -> list[np.random.Generator]:
    """Make independent random generators, one for each chip (or job).

    Chip k gets the same generator whatever the number of chips or of worker processes.

    Parameters
    ----------
    seed : int
        Any whole number >= 0.
    count : int
        How many generators.

    Returns
    -------
    list of numpy.random.Generator
        The generators, in the order of the chips.

    Raises
    ------
    InputError
        If the seed or the count is not a whole number >= 0.
    """
    seed, count = whole_number("seed", seed, 0), whole_number("count", count, 0)
    return [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(count)]


def draw(
    card: Card,
    size: int,
    rng: np.random.Generator,
    sigma: float | None = None,
    only: Iterable[str] | None = None,
) -> dict[str, np.ndarray]:
    """Draw the parameters of fabricated devices, each device its own.

    Normal and uniform spreads are centred on the card's value, a lognormal one has its median there. A
    correlation holds between the normal variables behind the parameters (a Gaussian copula). A device that
    could not exist (a parameter out of its bounds, R_met >= R_ins, V_L >= V_H) is drawn again as a whole,
    which trims wide spreads. A parameter's draw does not depend on which others vary, as long as no device
    has to be drawn again.

    Parameters
    ----------
    card : Card
        Nominal device with its spreads.
    size : int
        Number of devices.
    rng : numpy.random.Generator
        Source of randomness; see `generators`.
    sigma : float, optional
        Relative standard deviation for each varied parameter, in place of the card's own spreads; shapes and
        correlations stay the card's.
    only : iterable of str, optional
        Parameters that vary; without it, those for which the card states a spread.

    Returns
    -------
    dict of str to ndarray, shape (size,)
        Every parameter of the card; those that do not vary are constant. [SI]

    Raises
    ------
    InputError
        If a name, the size or sigma is wrong, or if the spreads leave (almost) no device that could exist.
    """
    size = whole_number("size", size, 1)
    spreads = _spreads(card, sigma, only)
    drawn = _draw_once(card, spreads, size, rng)
    for _ in range(_ROUNDS):
        impossible = ~can_exist(card, drawn)
        if not impossible.any():
            return drawn
        again = _draw_once(card, spreads, int(impossible.sum()), rng)
        for name, values in drawn.items():
            values[impossible] = again[name]
    raise InputError(
        f"card {card.name}: the spreads of {', '.join(spreads)} are so wide that {impossible.sum()} of "
        f"{size} devices could not exist after {_ROUNDS} draws; allowed are narrower spreads"
    )


def draw_resistances(resistance: ArrayLike, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the coupling resistors of a fabricated network, each resistor its own.

    Resistances are lognormal with their median at the design's value. The one resistor between i and j keeps one
    value; its draw does not depend on which others are open.

    Parameters
    ----------
    resistance : array_like, shape (N, N)
        Symmetric resistances of the design; ``inf`` is open and stays so. The diagonal stays as it is. [ohm]
    sigma : float
        Relative standard deviation. [-]
    rng : numpy.random.Generator
        Source of randomness; see `generators`.

    Returns
    -------
    ndarray, shape (N, N)
        The drawn resistances. [ohm]

    Raises
    ------
    InputError
        If sigma is negative or not finite, or the resistances are not a symmetric square of numbers > 0.
    """
    sigma = _checked_sigma(sigma)
    try:
        drawn = np.array(resistance, dtype=float)
    except (TypeError, ValueError):
        raise InputError("resistance must be a dense matrix of numbers in ohm, inf for open") from None
    if drawn.ndim != 2 or drawn.shape[0] != drawn.shape[1]:
        raise InputError(f"resistance has shape {drawn.shape}; allowed is a square matrix")
    rows, columns = np.triu_indices(len(drawn), 1)
    if not np.all(drawn[rows, columns] > 0.0) or not np.array_equal(drawn[rows, columns], drawn[columns, rows]):
        raise InputError("resistance must be > 0 ohm and symmetric; a resistor between i and j is one value")
    drawn[rows, columns] *= np.exp(sqrt(log1p(sigma**2)) * rng.standard_normal(len(rows)))
    drawn[columns, rows] = drawn[rows, columns]
    return drawn


def _checked_sigma(sigma: float) -> float:
    if isinstance(sigma, (bool, str)) or not isfinite(sigma) or sigma < 0:
        raise InputError(f"sigma is {sigma!r}; allowed is a relative standard deviation >= 0, such as 0.01")
    return float(sigma)


def _spreads(card: Card, sigma: float | None, only: Iterable[str] | None) -> dict[str, Spread]:
    stated = {name: parameter.spread for name, parameter in card.parameters.items() if parameter.spread is not None}
    names = list(stated) if only is None else [only] if isinstance(only, str) else list(only)
    for name in names:
        if name not in card.parameters:
            raise InputError(f"only names {name!r}; allowed: {', '.join(card.parameters)}")
    if sigma is None:
        for name in names:
            if name not in stated:
                raise InputError(
                    f"card {card.name} states no spread for {name}; give sigma, or add a spread to the card"
                )
        return {name: stated[name] for name in names}
    sigma = _checked_sigma(sigma)
    default = Spread(relative_sigma=sigma)
    return {
        name: Spread(
            relative_sigma=sigma,
            distribution=stated.get(name, default).distribution,
            correlated_with=stated.get(name, default).correlated_with,
        )
        for name in names
    }


def _draw_once(card: Card, spreads: dict[str, Spread], size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    # One row for each parameter of the card, varied or not: so the draws of one parameter stay the same when
    # another is held still, and one-at-a-time studies compare like with like.
    own = dict(zip(card.parameters, rng.standard_normal((len(card.parameters), size)), strict=True))
    return _devices(card, spreads, own, size)


def devices_from_scores(
    card: Card,
    scores: Mapping[str, ArrayLike],
    sigma: float | None = None,
    only: Iterable[str] | None = None,
) -> dict[str, np.ndarray]:
    """Give the devices that independent standard normal variables stand for; `draw` draws these variables.

    Parameters
    ----------
    card : Card
        Nominal device with its spreads.
    scores : mapping of str to array_like, shape (size,)
        Standard normal variable of each varied parameter's own, and of each parameter that one of them is correlated
        with, by name. [-]
    sigma, only
        As in `draw`.

    Returns
    -------
    dict of str to ndarray, shape (size,)
        Every parameter of the card; those that do not vary are constant. A device need not be one that can exist; see
        `can_exist`. [SI]

    Raises
    ------
    InputError
        If a name or sigma is wrong, or a variable is missing.
    """
    spreads = _spreads(card, sigma, only)
    own = {name: np.atleast_1d(np.asarray(values, dtype=float)) for name, values in scores.items()}
    for name in spreads:
        while name is not None:
            if name not in own:
                raise InputError(f"card {card.name}: the score of {name} is missing; {', '.join(own)} are given")
            spread = card.parameters[name].spread
            name = None if spread is None or spread.correlated_with is None else spread.correlated_with.name
    return _devices(card, spreads, own, len(next(iter(own.values()))) if own else 1)


def _devices(card: Card, spreads: dict[str, Spread], own: Mapping[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    return {
        name: _spread_out(parameter.value, spreads[name], _score(card, name, own))
        if name in spreads
        else np.full(size, parameter.value)
        for name, parameter in card.parameters.items()
    }


def _score(card: Card, name: str, own: Mapping[str, np.ndarray]) -> np.ndarray:
    """Give the standard normal variable behind a parameter, tied to the one that it is correlated with."""
    spread = card.parameters[name].spread
    if spread is None or spread.correlated_with is None:
        return own[name]
    coefficient = spread.correlated_with.coefficient
    tied = _score(card, spread.correlated_with.name, own)
    return coefficient * tied + np.sqrt(1 - coefficient**2) * own[name]


def _spread_out(value: float, spread: Spread, score: np.ndarray) -> np.ndarray:
    deviation = spread.standard_deviation(value)
    if spread.distribution == "normal":
        return value + deviation * score
    if spread.distribution == "uniform":
        from scipy.special import ndtr

        return value + deviation * np.sqrt(3) * (2 * ndtr(score) - 1)
    if value == 0:
        return np.zeros_like(score)
    # Lognormal about the median; this width makes standard deviation over mean the relative sigma.
    return value * np.exp(np.sqrt(np.log1p((deviation / value) ** 2)) * score)


def can_exist(card: Card, drawn: Mapping[str, np.ndarray]) -> np.ndarray:
    """Say which devices could exist: parameters within their bounds, R_met < R_ins, V_L < V_H and the like.

    Parameters
    ----------
    card : Card
        Card of the devices' kind.
    drawn : mapping of str to ndarray, shape (size,)
        Every parameter of the card. [SI]

    Returns
    -------
    ndarray of bool, shape (size,)
        Whether each device could exist.
    """
    kind = KINDS[card.kind]
    answer = np.ones(next(iter(drawn.values())).shape, dtype=bool)
    for field in kind.fields:
        answer &= field.allows(drawn[field.name])
    for check in kind.checks:
        answer &= check.holds(drawn)
    return answer
