import numpy as np
import pytest

from circuitsnn.adc import metrics
from circuitsnn.errors import InputError

IDEAL = metrics.ideal_levels(4, 0.0, 1.6)  # Q = 0.1 V


def codes_of(levels, v):
    return np.searchsorted(levels, v, side="right")


def test_ideal_levels_of_both_conventions():
    np.testing.assert_allclose(metrics.ideal_levels(2, -1.0, 1.0), [-0.5, 0.0, 0.5])
    np.testing.assert_allclose(metrics.ideal_levels(2, -1.0, 1.0, "mid-tread"), [-0.75, -0.25, 0.25])
    assert metrics.ideal_levels(3, [0.0, 1.0], [1.0, 3.0]).shape == (2, 7)


def test_one_level_too_high_makes_the_code_below_wide_and_that_above_narrow():
    levels = IDEAL.copy()
    levels[5] += 0.03  # T[6]
    differential = np.zeros(14)
    differential[[4, 5]] = 0.3, -0.3  # codes 5 and 6
    integral = np.zeros(15)
    integral[5] = 0.3
    np.testing.assert_allclose(metrics.dnl(levels, IDEAL), differential, atol=1e-12)
    np.testing.assert_allclose(metrics.inl(levels, IDEAL), integral, atol=1e-12)


def test_a_parabola_keeps_its_shape_between_the_end_points():
    k = np.arange(1, 16)
    bow = 0.02 * (k - 1) * (15 - k)  # [LSB]
    np.testing.assert_allclose(metrics.inl(IDEAL + 0.1 * bow, IDEAL), bow, atol=1e-12)
    # The widths are its differences: 1 + 0.02 (13 - 2 (k - 1)).
    np.testing.assert_allclose(metrics.dnl(IDEAL + 0.1 * bow, IDEAL), 0.02 * (13 - 2 * (k[:-1] - 1)), atol=1e-12)


def test_gain_and_offset_are_what_takes_the_levels_back():
    for fit in ("end-point", "best-fit"):
        gain, offset = metrics.gain_and_offset(1.02 * IDEAL + 0.003, IDEAL, fit)
        assert gain == pytest.approx(1 / 1.02)
        assert offset == pytest.approx(-0.003 / 1.02)
        np.testing.assert_allclose(metrics.inl(1.02 * IDEAL + 0.003, IDEAL, fit), 0.0, atol=1e-12)


def test_best_fit_is_the_line_of_least_squares():
    levels = IDEAL + np.random.default_rng(0).normal(0.0, 0.02, 15)
    slope, intercept = np.polyfit(levels, IDEAL, 1)
    gain, offset = metrics.gain_and_offset(levels, IDEAL, "best-fit")
    np.testing.assert_allclose([gain, offset], [slope, intercept])
    np.testing.assert_allclose(metrics.inl(levels, IDEAL, "best-fit"), (slope * levels + intercept - IDEAL) / 0.1)


def test_inl_is_the_running_sum_of_dnl():
    levels = IDEAL + np.random.default_rng(1).normal(0.0, 0.02, (3, 15))
    integral = metrics.inl(levels, IDEAL)
    np.testing.assert_allclose(np.diff(integral), metrics.dnl(levels, IDEAL), atol=1e-12)
    np.testing.assert_allclose(integral[:, [0, -1]], 0.0, atol=1e-12)


def test_a_code_without_width_is_missing():
    levels = IDEAL.copy()
    levels[[7, 8]] = levels[6]  # codes 7 and 8 never come
    found = metrics.linearity(levels, IDEAL)
    assert found.missing[0].tolist() == [7, 8]
    np.testing.assert_allclose(found.dnl[0, [6, 7]], -1.0)
    assert found.to_frame().loc[0, "missing codes"] == 2


def test_a_converter_of_one_bit_has_an_offset_and_nothing_else():
    found = metrics.linearity([[0.53]], [[0.5]])
    assert found.offset[0] == pytest.approx(-0.03)
    assert (found.gain[0], found.dnl.shape, found.inl[0, 0]) == (1.0, (1, 0), pytest.approx(0.0, abs=1e-15))


LEVELS = np.sort(IDEAL + np.random.default_rng(2).normal(0.0, 0.04, 15))


def test_code_density_of_a_ramp_gives_the_levels():
    ramp = -0.1 + 1.9 * (np.arange(50_000) + 0.5) / 50_000
    found = metrics.levels_from_ramp(codes_of(LEVELS, ramp), 4, -0.1, 1.8)
    np.testing.assert_allclose(found, LEVELS, atol=1.9 / 50_000)


def test_code_density_of_a_sine_gives_the_levels():
    samples = 1 << 16
    phase = 2 * np.pi * (np.arange(samples) * metrics.coherent_cycles(samples, 500) / samples + 0.1)
    found = metrics.levels_from_sine(codes_of(LEVELS, 0.8 + 0.9 * np.sin(phase)), 4, 0.8, 0.9)
    np.testing.assert_allclose(found, LEVELS, atol=2 * np.pi * 0.9 / samples)


def test_a_sweep_with_noise_finds_the_levels_at_50_percent():
    rng = np.random.default_rng(3)
    voltages = np.linspace(-0.1, 1.8, 951)
    quiet = metrics.levels_from_sweep(voltages, codes_of(LEVELS, voltages), 4)
    np.testing.assert_allclose(quiet, LEVELS, atol=1e-3)
    noisy = voltages[:, None] + rng.normal(0.0, 0.01, (951, 400))
    found = metrics.levels_from_sweep(voltages, codes_of(LEVELS, noisy), 4)
    np.testing.assert_allclose(found, LEVELS, atol=1.5e-3)
    beyond = metrics.levels_from_sweep(voltages[:600], codes_of(LEVELS, voltages[:600]), 4)
    assert np.isnan(beyond[-1])
    assert np.isfinite(beyond[:10]).all()


def sine(samples, cycles, amplitudes, bits, noise=0.0):
    phase = 2 * np.pi * np.arange(samples) * cycles / samples + 0.3
    wave = sum(a * np.sin((h + 1) * phase) for h, a in enumerate(amplitudes))
    wave = wave + noise * np.random.default_rng(4).standard_normal(samples)
    return np.rint(wave + (1 << (bits - 1))).astype(int)


def test_harmonics_of_known_size():
    # The third harmonic is 40 dB below the signal, the fifth 46 dB; 3 * 1201 and 5 * 1201 fold about 2048.
    found = metrics.spectrum(sine(4096, 1201, [20e3, 0, 200, 0, 100], 16), 1201, 16)
    assert found.thd[0] == pytest.approx(10 * np.log10(1e-4 + 0.25e-4), abs=1e-3)
    assert found.sfdr[0] == pytest.approx(40.0, abs=1e-3)
    assert found.sndr[0] == pytest.approx(-found.thd[0], abs=1e-3)
    # What is left without them is rounding: Q^2 / 12.
    assert found.snr[0] == pytest.approx(10 * np.log10(20e3**2 / 2 * 12), abs=0.2)
    assert {4096 - 3 * 1201, abs(4096 - 5 * 1201)} <= set(found.harmonic_bins)
    assert found.power[1201, 0] == pytest.approx((20e3 / 32768) ** 2, rel=1e-4)


def test_noise_of_known_size():
    found = metrics.spectrum(sine(1 << 16, 1201, [1800.0], 12, noise=2.0), 1201, 12)
    expected = 10 * np.log10(1800**2 / 2 / (4.0 + 1 / 12))
    assert found.sndr[0] == pytest.approx(expected, abs=10 / np.log(10) * 4 * np.sqrt(2 / 65536))
    assert found.enob[0] == pytest.approx(
        12 - 0.5 * np.log2(1 + 12 * 4.0), abs=4 * 0.5 / np.log(2) * np.sqrt(2 / 65536)
    )


@pytest.mark.parametrize("samples", [64, 63])
def test_bins_hold_all_of_the_power(samples):
    codes = np.random.default_rng(5).integers(0, 16, samples)
    found = metrics.spectrum(codes, 5, 4)
    assert found.power.sum() * 0.5 * 8.0**2 == pytest.approx(np.mean(codes.astype(float) ** 2))


def test_enob_of_a_full_scale_sine_is_the_well_known_formula():
    found = metrics.spectrum(sine(4096, 1201, [2048 - 0.5, 0, 8.0], 12), 1201, 12)
    assert found.enob[0] == pytest.approx((found.sndr[0] - 1.76) / 6.02, abs=2e-3)


def test_coherent_cycles_have_no_factor_in_common():
    assert metrics.coherent_cycles(4096, 100) in (99, 101)
    assert metrics.coherent_cycles(1000, 10) in (9, 11)
    assert metrics.coherent_cycles(1001, 500) == 500


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.dnl([1.0, 2.0], [1.0, 2.0]), r"shape \(2,\); allowed is 2\^bits - 1"),
        (lambda: metrics.dnl([1.0, 2.0, np.nan], [1.0, 2.0, 3.0]), "not finite"),
        (lambda: metrics.inl(IDEAL, IDEAL, "terminal"), "fit is 'terminal'; allowed: end-point, best-fit"),
        (lambda: metrics.spectrum(np.arange(8), 2, 3), "cycles is 2 of 8 samples"),
        (lambda: metrics.spectrum(np.arange(8), 5, 3), "cycles is 5 of 8 samples"),
        (lambda: metrics.spectrum(np.zeros(8, int), 3, 3), "no signal"),
        (lambda: metrics.spectrum(np.arange(9), 2, 3), "codes must be whole numbers from 0 to 7"),
        (lambda: metrics.spectrum(np.arange(8.0), 3, 3), "codes must be whole numbers"),
        (lambda: metrics.levels_from_ramp(np.arange(1, 8), 3, 0.0, 1.0), "the first or the last code does not come"),
        (lambda: metrics.levels_from_sweep([0.0, 0.0], [0, 1], 1), "must rise"),
        (lambda: metrics.levels_from_sweep([0.0, 1.0], [0, 1, 1], 1), "one row for each of 2 voltages"),
        (lambda: metrics.coherent_cycles(4, 1), "samples is 4"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
