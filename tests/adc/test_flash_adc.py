import numpy as np
import pytest
from converters import card_of, clean_card

from circuitsnn.adc.flash import FlashAdc
from circuitsnn.errors import InputError

ENCODERS = {
    "count": lambda ones: ones.sum(axis=-1),
    "first": lambda ones: np.cumprod(ones, axis=-1).sum(axis=-1),
    "last": lambda ones: (
        ones.shape[-1] - np.argmax(ones[..., ::-1], axis=-1) * ones.any(axis=-1) - ones.shape[-1] * ~ones.any(axis=-1)
    ),
}

BUBBLY = {"sigma_offset": "60 mV"}


def test_what_the_encoders_make_of_a_bubble():
    ones = np.array([[True, True, False, True, False], [False] * 5, [True] * 5])
    assert [ENCODERS[name](ones).tolist() for name in ("count", "first", "last")] == [[3, 0, 5], [2, 0, 5], [4, 0, 5]]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_codes_are_those_of_the_thermometer_code(encoder):
    adc = FlashAdc(card_of(FlashAdc, **BUBBLY), 5, seed=3, converters=2, encoder=encoder)
    levels = adc.comparator_levels()
    assert np.any(np.diff(levels) < 0.0)  # offsets of more than an LSB: bubbles
    v = np.random.default_rng(0).uniform(-0.1, 1.3, (500, 2))
    thermometer = v[..., None] >= levels
    assert np.any(np.diff(thermometer.astype(int), axis=-1) > 0)
    np.testing.assert_array_equal(adc.convert(v), ENCODERS[encoder](thermometer))
    transitions = adc.static_thresholds()
    assert np.all(np.diff(transitions) >= 0.0)
    np.testing.assert_array_equal(adc.convert(v), (v[..., None] >= transitions).sum(axis=-1))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_noise_is_that_of_all_comparators_asked_at_once(encoder):
    # Against every comparator with noise of its own, in NumPy: mean and spread of the codes.
    card = clean_card(FlashAdc, sigma_offset="30 mV", noise_comparator="40 mV", C_sample="1")
    adc = FlashAdc(card, 4, seed=4, encoder=encoder)
    rng, count = np.random.default_rng(1), 20_000
    for v in (0.02, 0.41, 0.6, 1.15):
        codes = adc.convert(np.full(count, v), np.random.default_rng(2))
        excess = v + 0.04 * rng.standard_normal((count, 15)) - adc.comparator_levels()[0]
        expected = ENCODERS[encoder](excess >= 0.0)
        error = np.sqrt((codes.var() + expected.var()) / count)
        assert codes.mean() == pytest.approx(expected.mean(), abs=4 * error)
        assert codes.std() == pytest.approx(expected.std(), rel=0.06)


def test_noise_of_sampling_is_kt_over_c():
    # 1.2 V in 12 bits: Q = 0.29 mV; 1 fF holds 2.04 mV of noise at 300.15 K.
    adc = FlashAdc(clean_card(FlashAdc, C_sample="1 fF"), 12)
    count = 20_000
    codes = adc.convert(np.full(count, 0.6), np.random.default_rng(3))
    expected = np.sqrt(1.380649e-23 * 300.15 / 1e-15)
    assert np.sqrt(codes.var() - 1 / 12) * float(adc.lsb) == pytest.approx(expected, rel=4 / np.sqrt(2 * count))


def test_levels_of_a_ladder_spread_as_a_brownian_bridge():
    bits, count, sigma = 6, 3000, 0.01
    adc = FlashAdc(clean_card(FlashAdc, sigma_R=sigma), bits, seed=5, converters=count)
    error = (adc.static_thresholds() - adc.ideal_thresholds()) / float(adc.lsb)
    k = np.arange(1, 64)
    expected = sigma * np.sqrt(k * (64 - k) / 64)
    np.testing.assert_allclose(error.std(axis=0), expected, rtol=5 / np.sqrt(2 * count))


def test_offsets_spread_the_width_of_a_code_twice():
    count = 500
    adc = FlashAdc(clean_card(FlashAdc, sigma_offset="1 mV"), 5, seed=6, converters=count)
    width = np.diff(adc.static_thresholds()) / float(adc.lsb)
    sigma = np.sqrt(2.0) * 1e-3 / float(adc.lsb)
    # Neighbouring widths share a comparator, which costs some of the sampling error: 2/3 of them count.
    assert width.std() == pytest.approx(sigma, rel=4 / np.sqrt(2 * count * 20))


def test_end_resistors_move_the_levels_of_mid_tread_by_half_a_code():
    adc = FlashAdc(clean_card(FlashAdc), 3, low=0.0, high=0.8, convention="mid-tread")
    np.testing.assert_allclose(adc.static_thresholds()[0], 0.1 * (np.arange(1, 8) - 0.5))


def test_energy_is_that_of_comparators_and_ladder():
    adc = FlashAdc(card_of(FlashAdc), 6)
    # 63 comparators of 30 fJ; 1.2 V over 64 resistors of 500 ohm for 1.8 ns.
    assert adc.energy_per_conversion == pytest.approx(63 * 30e-15 + 1.2**2 / 32e3 * 1.8e-9)
    assert adc.energy_source.startswith("circuit: decision of each comparator")
    assert adc.conversion_time == pytest.approx(1.8e-9)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="encoder is 'gray'; allowed: count, first, last"):
        FlashAdc(card_of(FlashAdc), encoder="gray")
