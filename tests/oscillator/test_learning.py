import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import hadamard

from circuitsnn.errors import InputError
from circuitsnn.oscillator.learning import hebbian, hopfield_recall, pseudo_inverse, storkey
from circuitsnn.oscillator.patterns import digits, random_patterns, with_fuzzy_pixels

RULES = [hebbian, storkey, pseudo_inverse]


def correlated_patterns(count, size, seed, white=0.5):
    return np.where(np.random.default_rng(seed).random((count, size)) < white, 1.0, -1.0)


def storkey_as_published(patterns):
    """Storkey (1997), literally: every sum a loop."""
    size = patterns.shape[1]
    weights = np.zeros((size, size))
    for xi in patterns:
        old = weights.copy()

        def field(i, j, old=old, xi=xi):
            return sum(old[i, k] * xi[k] for k in range(size) if k not in (i, j))

        for i in range(size):
            for j in range(size):
                weights[i, j] += (xi[i] * xi[j] - xi[i] * field(j, i) - field(i, j) * xi[j]) / size
    np.fill_diagonal(weights, 0.0)
    return weights


@pytest.mark.parametrize("rule", RULES)
def test_one_pattern_gives_its_outer_product(rule):
    pattern = digits()[3]
    expected = (np.outer(pattern, pattern) - np.eye(60)) / 60
    np.testing.assert_allclose(rule(pattern[np.newaxis]), expected, atol=1e-15)


def test_hebbian_of_two_patterns_by_hand():
    weights = hebbian([[1, 1, -1], [1, -1, -1]])
    np.testing.assert_allclose(weights, np.array([[0, 0, -2], [0, 0, 0], [-2, 0, 0]]) / 3)


def test_pseudo_inverse_equals_hebbian_for_orthogonal_patterns():
    patterns = hadamard(16)[:5]
    np.testing.assert_allclose(pseudo_inverse(patterns), hebbian(patterns), atol=1e-14)


@pytest.mark.parametrize("patterns", [hadamard(8)[1:5], correlated_patterns(6, 9, seed=1)])
def test_storkey_equals_the_published_recursion(patterns):
    np.testing.assert_allclose(storkey(patterns), storkey_as_published(patterns), atol=1e-13)


@pytest.mark.parametrize("rule", RULES)
@given(count=st.integers(1, 12), size=st.integers(2, 20), seed=st.integers(0, 1000))
def test_weights_are_symmetric_with_a_zero_diagonal(rule, count, size, seed):
    weights = rule(correlated_patterns(count, size, seed))
    assert weights.shape == (size, size)
    np.testing.assert_allclose(weights, weights.T, rtol=1e-9, atol=1e-12)
    assert not np.diag(weights).any()


@given(count=st.integers(1, 30), size=st.integers(2, 20), seed=st.integers(0, 1000))
def test_weights_stay_within_their_stated_ranges(count, size, seed):
    patterns = correlated_patterns(count, size, seed)
    assert np.abs(hebbian(patterns)).max() <= count / size + 1e-12
    assert np.abs(pseudo_inverse(patterns)).max() <= 0.5 + 1e-12


def test_pseudo_inverse_stores_correlated_patterns_that_hebbian_loses():
    patterns = correlated_patterns(12, 60, seed=2, white=0.8)
    patterns *= patterns[:, :1]
    recalled_by = {
        rule: sum(np.array_equal(hopfield_recall(rule(patterns), pattern), pattern) for pattern in patterns)
        for rule in (hebbian, pseudo_inverse)
    }
    assert recalled_by[pseudo_inverse] == 12
    assert recalled_by[hebbian] < 12


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("patterns", [digits(), random_patterns(6, 60, np.random.default_rng(6))])
def test_the_shipped_sets_are_recalled_from_fuzzy_images(rule, patterns):
    rng = np.random.default_rng(7)
    weights = rule(patterns)
    recalled = [
        np.array_equal(hopfield_recall(weights, with_fuzzy_pixels(pattern, 12, rng)), pattern)
        for pattern in np.repeat(patterns, 10, axis=0)
    ]
    assert np.mean(recalled) >= 0.9


def test_an_image_and_its_negative_recall_the_same_answer():
    weights = hebbian(digits())
    assert np.array_equal(hopfield_recall(weights, -digits()[2]), digits()[2])


def test_a_pixel_without_field_stays_and_grey_turns_to_its_nearer_side():
    assert np.array_equal(hopfield_recall(np.zeros((3, 3)), [1.0, -1.0, -0.2]), [1, -1, -1])


@given(seed=st.integers(0, 1000))
def test_recall_ends_in_a_fixed_point(seed):
    rng = np.random.default_rng(seed)
    weights = hebbian(correlated_patterns(8, 20, seed))
    answer = hopfield_recall(weights, rng.uniform(-1, 1, 20))
    assert (answer * (weights @ answer) >= -1e-12).all()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros((2, 2)), "image has 3 pixels"),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], "symmetric"),
        (np.eye(3), "zero diagonal"),
        (np.full((3, 3), np.nan), "finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        hopfield_recall(weights, [1, -1, 1])


@pytest.mark.parametrize("rule", RULES)
def test_grey_patterns_are_refused(rule):
    with pytest.raises(InputError, match="pixel 1 of pattern 0"):
        rule([[1, 0.5, -1]])
