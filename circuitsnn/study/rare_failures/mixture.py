"""The density that failures are drawn from: normal distributions about the nearest of them, and a wide one."""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from circuitsnn.study.rare_failures.margin import Vector


@dataclass(frozen=True)
class Mixture:
    """Normal distributions about centres, and a wide one about the origin for one sample in ten."""

    centres: Vector
    """Centres, shape (centres, dimension). [standard deviations]"""
    scale: float
    """Spread of the wide one. [standard deviations]"""
    trials: int
    """Samples of all together. [-]"""

    @property
    def strata(self) -> NDArray[np.int64]:
        """Number of samples about each centre, and of wide ones. [-]."""
        wide = self.trials // 10
        share, rest = divmod(self.trials - wide, len(self.centres))
        return np.array([share + (k < rest) for k in range(len(self.centres))] + [wide])

    def draw(self, rng: np.random.Generator) -> Vector:
        """Draw the samples, stratum by stratum.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray, shape (trials, dimension)
            The samples. [standard deviations]
        """
        points = rng.standard_normal((self.trials, self.centres.shape[1]))
        *near, wide = np.split(points, np.cumsum(self.strata)[:-1])
        for part, centre in zip(near, self.centres, strict=True):
            part += centre
        wide *= self.scale
        return points

    def log_weights(self, points: Vector) -> Vector:
        """Give the logarithm of the standard normal density over the mixture's.

        Parameters
        ----------
        points : ndarray, shape (points, dimension)
            Where. [standard deviations]

        Returns
        -------
        ndarray, shape (points,)
            The logarithms. [-]
        """
        from scipy.special import logsumexp

        parts = [_log_normal(points - centre) for centre in self.centres]
        parts.append(_log_normal(points / self.scale) - points.shape[1] * log(self.scale))
        shares = self.strata / self.trials
        return _log_normal(points) - logsumexp(np.array(parts), axis=0, b=shares[:, None])


def _log_normal(points: Vector) -> Vector:
    # The factor (2 pi)^(-d/2) is left out of all densities.
    return -0.5 * (points**2).sum(axis=1)
