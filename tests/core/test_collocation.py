"""The collocation that every step rests on: its constants, and the order of the step made of them."""

import math

import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy.integrate import quad

from circuitsnn.core.collocation import (
    END_VALUES,
    INTEGRATION,
    LAGRANGE,
    LEGENDRE,
    NODES,
    ORDER,
    PRIMITIVE,
    PROJECTION,
    WEIGHTS,
)
from circuitsnn.core.device import LOCAL, POINTS, WORK_ROWS, Step, collocate

POWERS = np.arange(ORDER)


@pytest.mark.parametrize("degree", range(2 * ORDER))
def test_quadrature_is_exact_up_to_degree_2n_minus_1(degree):
    assert NODES**degree @ WEIGHTS == pytest.approx(1 / (degree + 1), rel=1e-14)


def test_quadrature_is_not_exact_beyond():
    assert abs(NODES ** (2 * ORDER) @ WEIGHTS - 1 / (2 * ORDER + 1)) > 1e-6


@pytest.mark.parametrize("degree", range(ORDER))
def test_integration_matrix_integrates_polynomials_up_to_every_node(degree):
    np.testing.assert_allclose(INTEGRATION @ NODES**degree, NODES ** (degree + 1) / (degree + 1), rtol=1e-12)


def test_lagrange_polynomials():
    np.testing.assert_allclose(LAGRANGE @ NODES[np.newaxis] ** POWERS[:, np.newaxis], np.eye(ORDER), atol=1e-13)
    np.testing.assert_allclose(LAGRANGE.sum(axis=0), np.eye(ORDER)[0], atol=1e-12)  # they add up to one
    np.testing.assert_allclose(END_VALUES, LAGRANGE @ np.ones(ORDER), rtol=1e-13)


def test_primitives_run_through_the_integration_matrix_to_the_weights():
    for node, row in zip(NODES, INTEGRATION, strict=True):
        np.testing.assert_allclose(PRIMITIVE @ node ** (POWERS + 1), row, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(PRIMITIVE.sum(axis=1), WEIGHTS, rtol=1e-12)


def test_legendre_polynomials_are_orthogonal_under_the_quadrature():
    gram = LEGENDRE * WEIGHTS @ LEGENDRE.T
    np.testing.assert_allclose(gram, np.diag(1 / (2 * POWERS + 1)), atol=1e-14)


def test_projection_from_moments_gives_back_a_polynomial_and_the_best_fit_of_a_jump():
    cubic = legendre.legval(2 * NODES - 1, [0.3, -1.0, 2.0, 0.7])
    np.testing.assert_allclose(PROJECTION @ (LEGENDRE @ (WEIGHTS * cubic)), cubic, rtol=1e-13)
    # A jump at 0.3: what its projection leaves over is orthogonal to every polynomial of lower degree.
    moments = np.array(
        [quad(lambda x, k=k: legendre.legval(2 * x - 1, np.eye(ORDER)[k]), 0.3, 1)[0] for k in range(ORDER)]
    )
    np.testing.assert_allclose(LEGENDRE @ (WEIGHTS * (PROJECTION @ moments)), moments, atol=1e-14)


def solve(steps, relaxing):
    """Largest error at the end and inside, over [0, 1] in equal steps, of C dv/dt = G(t) (V - v) + I(t) - G_S v."""
    capacitance, g_target, load, supply, tau_0 = 1.3, 0.9, 0.4, 2.5, 0.6
    excess_now = 0.7 if relaxing else 0.0
    rate = (g_target + load) / capacitance

    def source(t):
        return np.sin(9 * t)

    def exact(t):
        def grown(x):
            left = excess_now * tau_0 * (1 - math.exp(-x / tau_0))
            return math.exp(rate * x + left / capacitance)

        def integrand(x):
            conductance = g_target + excess_now * math.exp(-x / tau_0)
            return (supply * conductance + source(x)) * grown(x) / capacitance

        return (0.2 + quad(integrand, 0, t, epsabs=1e-13, epsrel=1e-13)[0]) / grown(t)

    length = 1 / steps
    v = 0.2
    work = np.zeros((WORK_ROWS, ORDER + 1))
    points = work[POINTS]
    inside = 0.0
    for step in range(steps):
        start = step * length
        excess = excess_now * math.exp(-start / tau_0)
        work[LOCAL, :ORDER] = source(start + length * NODES)
        collocate(Step(v, rate, excess, tau_0, capacitance, supply, g_target, length), work)
        wanted = [exact(start + length * node) for node in NODES]
        inside = max(inside, np.abs(points[:ORDER] - wanted).max())
        v = points[ORDER]
    return abs(v - exact(1.0)), inside


@pytest.mark.parametrize("relaxing", [False, True])
def test_step_is_of_order_2n_at_its_end_and_n_plus_1_inside(relaxing):
    (end, inside), (end_halved, inside_halved) = solve(4, relaxing), solve(8, relaxing)
    assert end_halved > 1e-13  # still above rounding
    assert math.log2(end / end_halved) == pytest.approx(2 * ORDER, abs=0.6)
    assert math.log2(inside / inside_halved) == pytest.approx(ORDER + 1, abs=0.8)


@pytest.mark.parametrize("length", [1e-3, 0.1])
def test_step_without_load_or_neighbours_meets_its_closed_form(length):
    """There, V - v only decays, and its decay with a relaxing conductance is an elementary function."""
    capacitance, g_target, excess, tau_0, supply = 1.0, 0.8, 0.5, 0.4, 2.5
    work = np.zeros((WORK_ROWS, ORDER + 1))
    collocate(Step(0.1, g_target / capacitance, excess, tau_0, capacitance, supply, g_target, length), work)
    exponent = g_target * length + excess * tau_0 * (1 - math.exp(-length / tau_0))
    assert work[POINTS, ORDER] == pytest.approx(supply - (supply - 0.1) * math.exp(-exponent / capacitance), rel=1e-11)
