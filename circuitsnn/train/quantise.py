"""Fake quantisation: weights take the values that integers can have, and gradients pass as if they had not."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from circuitsnn.checks import check_word, whole_number

__all__ = ["FakeQuantise", "Scheme"]

Scheme = Literal["affine", "scale"]


@dataclass(frozen=True)
class FakeQuantise:
    """Quantisation of a layer's weights, with the straight-through estimator.

    The numbers are those of `circuitsnn.snn.quantisation`. The range is that of the weights as they are, so none lies
    outside and the gradient passes whole. Source: sections 4.1 and 4.2 of Datta et al. (2022),
    doi:10.3389/fnins.2022.815258; its formulas as in H. Wu et al. (2020), arXiv:2004.09602.
    """

    bits: int
    """Bits of a weight, its sign included."""
    scheme: Scheme = "affine"
    """"affine" maps the weights' range onto the integers' range, "scale" multiplies only."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", whole_number("bits", self.bits, 2, 16))
        check_word("scheme", self.scheme, Scheme)

    def integers(self, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise without gradient.

        Parameters
        ----------
        weight : Tensor
            Weights. [-]

        Returns
        -------
        integers, scale, zero_point : Tensor
            The weights stand for (integers - zero_point) / scale.
        """
        # In double precision, so that whole numbers are the same as for a network of any precision.
        weight = weight.detach().double()
        lowest, highest = -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1
        # Divided as tensors: PyTorch takes a number over a tensor for the number times its reciprocal.
        zero = weight.new_zeros(())
        minimum, maximum = torch.aminmax(weight)
        if self.scheme == "scale":
            span, zero_point = torch.maximum(-minimum, maximum), zero
            scale = torch.where(span > 0, torch.full_like(span, highest) / span, 1.0)
        else:
            constant = minimum == maximum
            minimum = torch.where(constant, torch.minimum(minimum, zero), minimum)
            maximum = torch.where(constant, torch.maximum(maximum, zero), maximum)
            span = maximum - minimum
            scale = torch.where(span > 0, torch.full_like(span, highest - lowest) / span, 1.0)
            zero_point = lowest - torch.round(scale * minimum)
        return (torch.round(scale * weight) + zero_point).clamp_(lowest, highest), scale, zero_point

    def __call__(self, weight: Tensor) -> Tensor:
        """Quantise.

        Parameters
        ----------
        weight : Tensor
            Weights. [-]

        Returns
        -------
        Tensor
            What the integers stand for; its gradient goes to `weight` unchanged.
        """
        integers, scale, zero_point = self.integers(weight)
        return _StraightThrough.apply(weight, ((integers - zero_point) / scale).to(weight.dtype))


class _StraightThrough(torch.autograd.Function):
    """The second argument's values with the first one's gradient, without the rounding of w + (w_q - w)."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, quantised: Tensor) -> Tensor:
        return quantised

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None
