"""Failures too rare to be seen among chips drawn as they are: importance sampling and scaled-sigma sampling.

A circuit is a function of a vector of independent standard normal variables, or of the devices of a card. It returns
its *margin*, which is zero or negative where the circuit fails.
"""

from circuitsnn.study.rare_failures.mixture_importance_sampling import ImportanceSampling, importance_sampling
from circuitsnn.study.rare_failures.scaled_sigma_sampling import ScaledSigma, draw_scaled_sigma, scaled_sigma

__all__ = ["ImportanceSampling", "ScaledSigma", "draw_scaled_sigma", "importance_sampling", "scaled_sigma"]
