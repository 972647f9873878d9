"""Codings: exact where they are, else frequencies against the binomial law."""

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, norm

from circuitsnn.errors import InputError
from circuitsnn.snn.coding import encode


def generator():
    return np.random.default_rng(2024)


def test_direct_coding_is_the_sample():
    x = np.array([[-3.0, 0.5], [2.0, 1e6]])
    np.testing.assert_array_equal(encode("direct", x, 9), x, strict=True)


@pytest.mark.parametrize(("coding", "probability"), [("poisson", lambda x: 1 - np.exp(-x)), ("bernoulli", lambda x: x)])
def test_spikes_of_a_pixel_are_binomial(coding, probability):
    """Standardised counts of many pixels follow the normal law; the share of pixels with k spikes the binomial one."""
    steps, x = 400, np.linspace(0.05, 0.95, 4000).reshape(40, 100)
    spikes = encode(coding, x, steps, generator())
    assert spikes.shape == (steps, 40, 100)
    assert spikes.dtype == np.uint8
    p = probability(x)
    z = (spikes.sum(0) - steps * p) / np.sqrt(steps * p * (1 - p))
    assert kstest(z.ravel() + generator().uniform(-0.5, 0.5, z.size) / 10, norm.cdf).pvalue > 1e-3
    few = encode(coding, np.full((20000, 1), 0.4), 3, generator()).sum(0, dtype=int).ravel()
    q = probability(0.4)
    expected = 20000 * np.array([(1 - q) ** 3, 3 * q * (1 - q) ** 2, 3 * q**2 * (1 - q), q**3])
    assert chisquare(np.bincount(few, minlength=4), expected).pvalue > 1e-3


def test_steps_pixels_and_samples_are_independent():
    spikes = encode("bernoulli", np.full((50, 40), 0.3), 60, generator()).astype(float) - 0.3
    for axis in range(3):
        a, b = np.delete(spikes, -1, axis), np.delete(spikes, 0, axis)
        r = (a * b).mean() / 0.21
        assert abs(r) < 5 / np.sqrt(a.size)


def test_poisson_rate_is_the_inverse_of_silence():
    """Of pixels with 1 event a step, 1/e are silent in a step: a rate, not a probability."""
    share = 1 - encode("poisson", np.ones((1, 100_000)), 1, generator()).mean()
    assert share == pytest.approx(np.exp(-1), abs=5 * np.sqrt(0.37 * 0.63 / 1e5))
    assert encode("poisson", np.full((1, 100), 800.0), 2, generator()).all()


def test_bipolar_spikes_have_the_sign_and_the_mean_of_the_value():
    x = np.array([[-0.8, -0.1, 0.0, 0.25, 1.0, -1.0]])
    spikes = encode("bipolar", x, 40_000, generator())
    assert spikes.dtype == np.int8
    assert (spikes * x >= 0).all()
    assert set(np.unique(spikes)) == {-1, 0, 1}
    error = 5 * np.sqrt(np.abs(x) * (1 - np.abs(x)) / 40_000)
    assert (np.abs(spikes.mean(0) - x) <= error).all()


def test_latency_is_one_spike_earlier_for_larger_values():
    x = np.array([[1.0, 0.76, 0.5, 0.26, 0.01, 0.0]])
    spikes = encode("latency", x, 5)[:, 0]
    assert spikes.sum(0).tolist() == [1, 1, 1, 1, 1, 0]
    # By hand: (1 - x) 4 = 0, 0.96, 2, 2.96, 3.96.
    assert spikes.argmax(0)[:5].tolist() == [0, 1, 2, 3, 4]
    assert encode("latency", [[0.3, 0.0]], 1)[0].tolist() == [[1, 0]]


@pytest.mark.parametrize("coding", ["poisson", "bernoulli", "bipolar", "latency"])
def test_parts_give_the_same_spikes_as_the_whole(coding):
    x = generator().random((7, 2, 3))
    whole, rng = encode(coding, x, 11, generator()), generator()
    parts = np.concatenate([encode(coding, part, 11, rng) for part in (x[:3], x[3:4], x[4:])], axis=1)
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("morse", [[1.0]], 3), "coding is 'morse'"),
        (("direct", [[1.0]], 0), "steps is 0"),
        (("direct", [[np.nan]], 3), "finite"),
        (("direct", 1.0, 3), "axis for samples"),
        (("direct", [["a"]], 3), "finite"),
        (("direct", [[1.0], [1.0, 2.0]], 3), "finite"),
        (("poisson", [[-0.5]], 3, generator()), "-0.5 to -0.5; coding 'poisson' allows >= 0"),
        (("bernoulli", [[0.0, 255.0]], 3, generator()), "0 to 255; coding 'bernoulli' allows 0 to 1"),
        (("latency", [[1.5]], 3), "allows 0 to 1"),
        (("bipolar", [[-1.5]], 3, generator()), "allows -1 to 1"),
        (("bernoulli", [[0.5]], 3), "rng is None"),
    ],
)
def test_bad_samples(arguments, message):
    with pytest.raises(InputError, match=message):
        encode(*arguments)
