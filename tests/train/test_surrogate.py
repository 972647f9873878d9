# ruff: noqa: E402
"""Surrogates against their closed forms."""

import pytest

torch = pytest.importorskip("torch")

from scipy.integrate import quad
from scipy.stats import norm

from circuitsnn.errors import InputError
from circuitsnn.train.surrogate import Arctan, FastSigmoid, Gaussian, Triangle

SURROGATES = [Triangle(), Triangle(1.0), Gaussian(), Gaussian(0.1), FastSigmoid(), FastSigmoid(25.0), Arctan()]
NAMES = [repr(each) for each in SURROGATES]


def value(function, z):
    return float(function(torch.tensor(z, dtype=torch.float64)))


@pytest.mark.parametrize("surrogate", SURROGATES, ids=NAMES)
def test_the_derivative_is_that_of_the_smooth_function(surrogate):
    z = torch.linspace(-2.9, 2.9, 59, dtype=torch.float64, requires_grad=True)
    (by_torch,) = torch.autograd.grad(surrogate.smooth(z).sum(), z)
    torch.testing.assert_close(surrogate.derivative(z.detach()), by_torch, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("surrogate", SURROGATES, ids=NAMES)
def test_the_smooth_function_is_the_integral(surrogate):
    risen = value(surrogate.smooth, 0.7) - value(surrogate.smooth, -0.4)
    integral, _ = quad(lambda z: value(surrogate.derivative, z), -0.4, 0.7, points=[0.0])
    assert risen == pytest.approx(integral, rel=1e-9)


def test_triangle_is_equation_21():
    assert [value(Triangle().derivative, z) for z in (-1.5, -1.0, -0.5, 0.0, 0.25, 1.0)] == pytest.approx(
        [0.0, 0.0, 0.15, 0.3, 0.225, 0.0]
    )


def test_gaussian_is_the_firing_probability_of_a_noisy_membrane():
    for z in (-0.9, -0.2, 0.0, 0.5):
        assert value(Gaussian(0.4).smooth, z) == pytest.approx(norm.cdf(z, scale=0.4), rel=1e-12)
        assert value(Gaussian(0.4).derivative, z) == pytest.approx(norm.pdf(z, scale=0.4), rel=1e-12)


def test_peaks_and_limits():
    assert value(FastSigmoid(4.0).derivative, 0.0) == 1.0
    assert value(FastSigmoid(4.0).smooth, 1e9) == pytest.approx(0.25)
    assert value(Arctan(2.0).derivative, 0.0) == 1.0
    assert value(Arctan(2.0).smooth, 1e9) == pytest.approx(1.0)
    assert value(Arctan(2.0).smooth, 0.0) == 0.5


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf"), True, "1"])
def test_widths_that_are_not_possible(wrong):
    with pytest.raises(InputError, match="gamma"):
        Triangle(wrong)
