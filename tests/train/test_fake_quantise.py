# ruff: noqa: E402
"""Fake quantisation against its formulas."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from circuitsnn.errors import InputError
from circuitsnn.snn import quantisation
from circuitsnn.train.quantise import FakeQuantise

WEIGHTS = np.random.default_rng(4).normal(0.1, 0.7, (7, 11))


def by_formula(w, bits, scheme):
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if scheme == "scale":
        s, zero = highest / np.abs(w).max(), 0
    else:
        s = (2**bits - 1) / (w.max() - w.min())
        zero = -np.round(s * w.min()) - 2 ** (bits - 1)
    return (np.clip(np.round(s * w) + zero, lowest, highest) - zero) / s


@pytest.mark.parametrize("scheme", ["affine", "scale"])
@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_values(bits, scheme):
    found = FakeQuantise(bits, scheme)(torch.tensor(WEIGHTS)).numpy()
    np.testing.assert_allclose(found, by_formula(WEIGHTS, bits, scheme), rtol=1e-14)
    assert len(np.unique(found)) <= 2**bits


@pytest.mark.parametrize("scheme", ["affine", "scale"])
@pytest.mark.parametrize("bits", [2, 6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_as_that_of_networks(bits, scheme, dtype):
    for weights in (WEIGHTS, -np.abs(WEIGHTS), np.full((2, 2), 0.3), np.zeros(3)):
        weights = weights.astype(dtype)
        wanted = {"affine": quantisation.affine, "scale": quantisation.scale}[scheme](weights, bits)
        integers, step, zero = FakeQuantise(bits, scheme).integers(torch.tensor(weights))
        np.testing.assert_array_equal(integers, wanted.integers)
        assert (float(step), int(zero)) == (wanted.scale, wanted.zero_point)
        np.testing.assert_array_equal(FakeQuantise(bits, scheme)(torch.tensor(weights)), wanted.values.astype(dtype))


@pytest.mark.parametrize("scheme", ["affine", "scale"])
def test_error_is_half_a_step_and_zero_stays_zero(scheme):
    quantise = FakeQuantise(6, scheme)
    weights = WEIGHTS.copy()
    weights[0, 0] = 0.0
    _, scale, _ = quantise.integers(torch.tensor(weights))
    found = quantise(torch.tensor(weights)).numpy()
    # Affine: its zero point is rounded too, which can cut the largest weight by up to a step.
    assert np.abs(found - weights).max() <= (1.0 if scheme == "affine" else 0.5) / float(scale) + 1e-12
    assert found[0, 0] == 0.0


def test_gradient_goes_straight_through():
    weights = torch.tensor(WEIGHTS, requires_grad=True)
    (FakeQuantise(4)(weights) * torch.arange(77.0).view(7, 11)).sum().backward()
    torch.testing.assert_close(weights.grad, torch.arange(77.0, dtype=torch.float64).view(7, 11))


@pytest.mark.parametrize("scheme", ["affine", "scale"])
def test_weights_that_are_all_zero_stay_so(scheme):
    assert not FakeQuantise(6, scheme)(torch.zeros(3, 2)).any()


def test_wrong_bits_and_schemes():
    with pytest.raises(InputError, match="bits is 1"):
        FakeQuantise(1)
    with pytest.raises(InputError, match="scheme is 'log'"):
        FakeQuantise(6, "log")
