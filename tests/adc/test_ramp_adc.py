import numpy as np
import pytest
from converters import card_of, clean_card
from scipy.optimize import brentq

from circuitsnn.adc.ramp import RampAdc


def test_curvature_makes_a_parabola_of_the_inl():
    c, n = 0.01, 64
    adc = RampAdc(clean_card(RampAdc, curvature=c), 6)
    x = np.arange(1, n) / n
    # Between the end points x_1 and 1 - x_1 the line has the slope 1: what is left is 4 c (x - x_1)(1 - x_1 - x).
    np.testing.assert_allclose(adc.inl()[0], 4 * c * n * (x - x[0]) * (x[-1] - x), atol=1e-9)
    assert adc.inl().max() == pytest.approx(c * n, rel=0.07)
    np.testing.assert_allclose(RampAdc(clean_card(RampAdc, curvature=-c), 6).inl(), -adc.inl(), atol=1e-9)


def test_a_steep_ramp_has_a_low_gain_and_no_other_error():
    adc = RampAdc(clean_card(RampAdc, sigma_slope=0.02), 6, seed=1, converters=2000)
    found = adc.linearity()
    np.testing.assert_allclose(found.inl, 0.0, atol=1e-9)
    assert (1.0 / found.gain).std() == pytest.approx(0.02, rel=4 / np.sqrt(4000))


def test_delay_counts_on_and_moves_the_transfer():
    adc = RampAdc(clean_card(RampAdc, T_delay="2.5 ns", T_clock="1 ns"), 6)
    shift = (adc.static_thresholds() - adc.ideal_thresholds()) / float(adc.lsb)
    np.testing.assert_allclose(shift, -2.5)
    assert adc.linearity().offset[0] == pytest.approx(2.5 * float(adc.lsb))


def test_codes_are_the_clocks_until_the_comparator_has_seen_the_crossing():
    # Followed in time: the ramp crosses input plus offset (SciPy's root), the comparator waits, the counter stops.
    adc = RampAdc(card_of(RampAdc, curvature=0.03, T_delay="1.4 ns", sigma_offset="20 mV"), 5, seed=2, converters=2)
    clock, span = adc.card.T_clock, 1.2
    for k, part in enumerate(adc.parts):
        for v in np.random.default_rng(k).uniform(0.0, 1.2, 60):

            def ramp(t, part=part):
                x = t / (32 * clock)
                return span * (part.slope * x + 4 * part.curvature * x * (1 - x))

            crossing = brentq(lambda t, v=v, part=part: ramp(t) - (v - part.offset), -10 * clock, 40 * clock)
            expected = np.clip(np.floor((crossing + adc.card.T_delay) / clock), 0, 31)
            both = np.full(2, v)
            assert adc.convert(both)[k] == expected


def test_noise_is_that_of_comparator_and_sampled_input_together():
    card = clean_card(RampAdc, noise_comparator="2 mV", C_sample="2 fF")
    adc, count = RampAdc(card, 12), 20_000
    codes = adc.convert(np.full(count, 0.6), np.random.default_rng(3))
    expected = np.sqrt(4e-6 + 1.380649e-23 * 300.15 / 2e-15)
    assert np.sqrt(codes.var() - 1 / 12) * float(adc.lsb) == pytest.approx(expected, rel=4 / np.sqrt(2 * count))


def test_time_and_energy_go_with_the_number_of_codes():
    adc = RampAdc(card_of(RampAdc), 8)
    assert adc.conversion_time == pytest.approx(1.2e-9 + 0.3e-9 + 256e-9)
    assert adc.energy_per_conversion == pytest.approx(30e-15 + 256 * 10e-15)
