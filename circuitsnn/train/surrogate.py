# ruff: noqa: D102 (each method does what Surrogate's documents)
"""Derivatives that stand in for that of a spike, which is zero or infinite.

A neuron spikes where z = u / V_th - 1 > 0. In place of the step's derivative stands h(z), so that do/du = h(z) / V_th
and do/dV_th = -h(z) u / V_th^2. Each surrogate also knows the function whose derivative h is: a network whose "spikes"
are that function is smooth, and its gradient can be checked.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from circuitsnn.errors import InputError

__all__ = ["Arctan", "FastSigmoid", "Gaussian", "Surrogate", "Triangle"]


@dataclass(frozen=True)
class Surrogate(ABC):
    """What all surrogates share."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 < value < float("inf"):
                raise InputError(f"surrogate: {name} is {value!r}; allowed is a number > 0")

    @abstractmethod
    def derivative(self, z: Tensor) -> Tensor:
        """Give h(z).

        Parameters
        ----------
        z : Tensor
            Potential over threshold, less one. [-]

        Returns
        -------
        Tensor
            What stands for do/dz.
        """

    @abstractmethod
    def smooth(self, z: Tensor) -> Tensor:
        """Give the function whose derivative is h.

        Parameters
        ----------
        z : Tensor
            Potential over threshold, less one. [-]

        Returns
        -------
        Tensor
            A spike that is rounded off.
        """


@dataclass(frozen=True)
class Triangle(Surrogate):
    """h = gamma max(0, 1 - |z|): equation 21 of Datta et al. (2022), doi:10.3389/fnins.2022.815258."""

    gamma: float = 0.3
    """Largest value. [-]"""

    def derivative(self, z: Tensor) -> Tensor:
        return (1.0 - z.abs()).clamp_(min=0.0).mul_(self.gamma)

    def smooth(self, z: Tensor) -> Tensor:
        z = z.clamp(-1.0, 1.0)
        return self.gamma * (0.5 + z - 0.5 * z * z.abs())


@dataclass(frozen=True)
class Gaussian(Surrogate):
    """h = exp(-z^2 / 2 sigma^2) / (sqrt(2 pi) sigma), the derivative of erfc(-z / sqrt(2) sigma) / 2.

    A membrane with Gaussian noise fires with that probability: equations 5 and 6 of Muramatsu and Yu (2021),
    arXiv:2102.10592, with sigma in units of the threshold.
    """

    sigma: float = 0.4
    """Deviation, in thresholds. [-]"""

    def derivative(self, z: Tensor) -> Tensor:
        return torch.exp(-0.5 * (z / self.sigma) ** 2) / (sqrt(2.0 * pi) * self.sigma)

    def smooth(self, z: Tensor) -> Tensor:
        return 0.5 * torch.erfc(-z / (sqrt(2.0) * self.sigma))


@dataclass(frozen=True)
class FastSigmoid(Surrogate):
    """h = 1 / (1 + k |z|)^2: F. Zenke and S. Ganguli (2018), doi:10.1162/neco_a_01086."""

    slope: float = 10.0
    """k. [-]"""

    def derivative(self, z: Tensor) -> Tensor:
        return (1.0 + self.slope * z.abs()) ** -2

    def smooth(self, z: Tensor) -> Tensor:
        return z / (1.0 + self.slope * z.abs())


@dataclass(frozen=True)
class Arctan(Surrogate):
    """h = (alpha / 2) / (1 + (pi alpha z / 2)^2): W. Fang et al. (2021), doi:10.1109/ICCV48922.2021.00266."""

    alpha: float = 2.0
    """Width's inverse. [-]"""

    def derivative(self, z: Tensor) -> Tensor:
        return 0.5 * self.alpha / (1.0 + (0.5 * pi * self.alpha * z) ** 2)

    def smooth(self, z: Tensor) -> Tensor:
        return torch.atan(0.5 * pi * self.alpha * z) / pi + 0.5
