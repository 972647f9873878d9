"""The space of independent standard normal variables behind a card's spreads."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.variation import can_exist, devices_from_scores

__all__ = ["CardSpace"]


@dataclass(frozen=True)
class CardSpace:
    """Devices of a card as points of a space whose axes are independent standard normal variables.

    Correlations and distributions are the card's: the axes are the variables that `circuitsnn.variation.draw` draws.
    The coordinates are those of the first axis for each device, then those of the second, and so on.
    """

    card: Card
    """Nominal device with its spreads."""
    count: int = 1
    """Number of devices, each with variables of its own. [-]"""
    sigma: float | None = None
    """Relative standard deviation of each varied parameter, in place of the card's own spreads; None for those. [-]"""
    only: Iterable[str] | None = None
    """Parameters that vary; None for those for which the card states a spread."""
    axes: tuple[str, ...] = field(init=False)
    """Parameters whose variables are the axes: those that vary and those that they are correlated with."""

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise InputError(f"count is {self.count!r}; allowed is a whole number >= 1")
        parameters = self.card.parameters
        stated = [name for name, parameter in parameters.items() if parameter.spread is not None]
        only = [self.only] if isinstance(self.only, str) else self.only
        varied = stated if only is None else list(only)
        if not varied:
            raise InputError(f"card {self.card.name} states no spread; give sigma and only, or add spreads to the card")
        object.__setattr__(self, "only", None if only is None else tuple(varied))
        axes = list(varied)
        for name in axes:
            spread = parameters[name].spread if name in parameters else None
            tie = None if spread is None else spread.correlated_with
            if tie is not None and tie.name not in axes:
                axes.append(tie.name)
        object.__setattr__(self, "axes", tuple(axes))
        self.devices(np.zeros(self.dimension))

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.axes) * self.count

    def devices(self, point: ArrayLike) -> dict[str, NDArray[np.float64]]:
        """Give the devices of a point.

        Parameters
        ----------
        point : array_like, shape (dimension,)
            Standard normal variables. [-]

        Returns
        -------
        dict of str to ndarray, shape (count,)
            Every parameter of the card, as `circuitsnn.variation.draw` gives them. [SI]
        """
        scores = np.reshape(point, (len(self.axes), self.count))
        return devices_from_scores(self.card, dict(zip(self.axes, scores, strict=True)), self.sigma, self.only)

    def exist(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Say of which points all devices could exist.

        Parameters
        ----------
        points : array_like, shape (n, dimension)
            Standard normal variables. [-]

        Returns
        -------
        ndarray of bool, shape (n,)
            Whether all devices of each point could exist.
        """
        points = np.atleast_2d(points)
        scores = np.moveaxis(points.reshape(len(points), len(self.axes), self.count), 1, 0)
        flat = {name: score.ravel() for name, score in zip(self.axes, scores, strict=True)}
        devices = devices_from_scores(self.card, flat, self.sigma, self.only)
        return can_exist(self.card, devices).reshape(len(points), self.count).all(axis=1)
