"""Quantisation against its formulas worked out by hand, whole-number products, and the engine that uses it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from circuitsnn.errors import InputError
from circuitsnn.snn.engines.quantised import Quantised
from circuitsnn.snn.quantisation import affine, integer_product, quantisation, range_excess, scale

SEED = np.random.SeedSequence(1)
NUMBERS = arrays(float, st.integers(1, 40), elements=st.floats(-1e3, 1e3).map(lambda x: round(x, 3)))


def test_scale_by_hand():
    """max|w| = 0.7, 3 bits: s = 3 / 0.7, so that a step is 0.2333."""
    result = scale([-0.7, -0.1, 0.0, 0.3, 0.5], 3)
    np.testing.assert_array_equal(result.integers, [-3, 0, 0, 1, 2])
    assert result.scale == pytest.approx(3 / 0.7)
    assert result.zero_point == 0
    np.testing.assert_allclose(result.values, [-0.7, 0.0, 0.0, 0.7 / 3, 1.4 / 3])


def test_affine_by_hand():
    """From -0.5 to 1.5 in 2 bits: s = 1.5, z = -round(-0.75) - 2 = -1; Q = round(1.5 w) - 1."""
    result = affine([-0.5, 0.0, 0.9, 1.5], 2)
    assert (result.scale, result.zero_point) == (1.5, -1)
    np.testing.assert_array_equal(result.integers, [-2, -1, 0, 1])
    np.testing.assert_allclose(result.values, [-1 / 1.5, 0.0, 1 / 1.5, 2 / 1.5])


@settings(max_examples=150, deadline=None)
@given(values=NUMBERS, bits=st.integers(2, 12), scheme=st.sampled_from(["affine", "scale"]))
def test_error_is_at_most_half_a_step_and_zero_stays_zero(values, bits, scheme):
    rule = quantisation(values, bits, scheme)
    integers = rule.to_integers(values)
    assert -(2 ** (bits - 1)) <= integers.min() <= integers.max() <= 2 ** (bits - 1) - 1
    # The affine zero point is rounded, so that the range may be off by half a step and lose another half at its ends.
    allowed = 1.0 if scheme == "affine" else 0.5
    assert np.abs(rule.rounded(values) - values).max() <= allowed / rule.scale * (1 + 1e-9)
    if values.min() <= 0.0 <= values.max():
        assert rule.rounded(0.0) == 0.0


def test_many_bits_leave_numbers_as_they_are():
    values = np.random.default_rng(2).normal(size=50)
    for quantise in (affine, scale):
        np.testing.assert_allclose(quantise(values, 24).values, values, atol=1e-6)


@pytest.mark.parametrize("schemes", [(affine, affine), (scale, affine), (scale, scale)])
def test_equation_14_is_the_product_of_what_the_numbers_stand_for(schemes):
    """Against fractions, which are exact."""
    rng = np.random.default_rng(3)
    x, w = schemes[0](rng.random((4, 9)), 8), schemes[1](rng.normal(size=(3, 9)) + 0.4, 6)
    for i, o in np.ndindex(4, 3):
        exact = sum(
            (Fraction(int(a) - x.zero_point) / Fraction(x.scale))
            * (Fraction(int(b) - w.zero_point) / Fraction(w.scale))
            for a, b in zip(x.integers[i], w.integers[o], strict=True)
        )
        assert integer_product(x, w)[i, o] == pytest.approx(float(exact), rel=1e-12)


def test_equation_28_is_the_difference_of_the_ranges():
    """w_min = -x w_max makes it |1 - x| w_max; a range is what 2^b - 1 steps span, by both schemes."""
    values = np.array([-0.3, 0.1, 1.2])
    assert range_excess(values) == pytest.approx(abs(1 - 0.25) * 1.2)
    bits = 16
    ranges = [(2**bits - 1) / quantise(values, bits).scale for quantise in (scale, affine)]
    # The scale's steps span max|w| on either side, and one more step of the asymmetric whole numbers.
    assert ranges[0] - ranges[1] == pytest.approx(range_excess(values), rel=1e-4)


def test_engine_multiplies_quantised_numbers():
    rng = np.random.default_rng(4)
    matrix, rows = rng.normal(size=(5, 12)), rng.normal(size=(30, 12))
    for scheme, quantise in (("affine", affine), ("scale", scale)):
        chip = Quantised(4, scheme, input_bits=6).design(matrix, rows, 5).chip(SEED)
        expected = integer_product(quantise(rows, 6), quantise(matrix, 4))
        np.testing.assert_allclose(chip.multiply(rows, None), expected, atol=1e-12)
        np.testing.assert_allclose(chip.multiply(rows.astype(np.float32), None), expected, atol=1e-4)
    plain = Quantised(4).design(matrix, rows, 5)
    np.testing.assert_allclose(plain.chip(SEED).multiply(rows, None), rows @ affine(matrix, 4).values.T)
    assert not plain.varies
    assert plain.cost() is None


def test_spikes_stay_spikes():
    spikes = np.array([[0.0, 1.0, 1.0, 0.0]])
    for scheme in ("affine", "scale"):
        chip = Quantised(16, scheme, input_bits=4).design(np.eye(4), spikes, 5).chip(SEED)
        np.testing.assert_allclose(chip.multiply(spikes, None), spikes, atol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Quantised(1),
        lambda: Quantised(6, "log"),
        lambda: Quantised(6, input_bits=0),
        lambda: scale([np.nan], 4),
        lambda: affine(["a"], 4),
        lambda: affine([1.0], 25),
        lambda: range_excess([0.5, 1.0]),
    ],
)
def test_wrong_arguments_get_one_sentence(wrong):
    with pytest.raises(InputError, match=r"allowed|must be|holds for"):
        wrong()
