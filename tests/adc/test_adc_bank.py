"""What all converters share: ideal transfer, seeds, sharing, ranges, figures of merit, energy, bad input."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
from converters import CARDS, DESIGNS, card_of, clean_card
from interpreted import interpreted
from matplotlib.figure import Figure

from circuitsnn.adc.flash import FlashAdc
from circuitsnn.adc.ramp import RampAdc
from circuitsnn.adc.sar import SarAdc
from circuitsnn.core import adc as core
from circuitsnn.errors import InputError

BITS = range(1, 13)


def designs_of(bits):
    return [(kind, extra) for kind, extra in DESIGNS if bits > 1 or extra.get("array") != "split"]


def rounded(v, low, high, bits, convention):
    x = np.clip((v - low) / ((high - low) / 2**bits), -1.0, 2.0**bits)
    if convention == "mid-rise":
        codes = np.floor(x)
    else:
        codes = np.round(x)
        tie = np.abs(x - np.trunc(x)) == 0.5
        codes[tie] = np.floor(x[tie]) + 1.0  # ties go up
    return np.clip(codes, 0, 2**bits - 1)


@pytest.mark.parametrize("convention", ["mid-rise", "mid-tread"])
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("ends", [(0.0, 1.2), (-0.3, 0.9), (0.1, 0.1 + 1e-3)])
def test_ideal_codes_are_the_formula_to_the_bit(bits, convention, ends):
    low, high = ends
    rng = np.random.default_rng(bits)
    lsb = (high - low) / 2**bits
    steps = low + lsb * np.arange(-1, 2**bits + 2) / 1.0
    halves = steps + 0.5 * lsb
    v = np.concatenate(
        [
            rng.uniform(low - lsb, high + lsb, 500),
            *(np.nextafter(edge, side) for edge in (steps, halves) for side in (-np.inf, np.inf)),
            *(steps, halves, [low, high, -np.inf, np.inf]),
        ]
    )
    expected = rounded(v, low, high, bits, convention)
    for kind, extra in designs_of(bits):
        options = dict(low=low, high=high, convention=convention, **extra)
        for adc in (
            kind(card_of(kind), bits, ideal=True, **options),
            kind(clean_card(kind), bits, **options),  # a card of zeros is as good
        ):
            np.testing.assert_array_equal(adc.convert(v), expected)
            np.testing.assert_allclose(adc.dnl(), 0.0, atol=1e-9)
            middle = low + lsb * (expected + 0.5 * (convention == "mid-rise"))
            np.testing.assert_allclose(adc.voltage(expected), middle, atol=1e-12)


def test_the_levels_are_the_fractions_that_they_should_be():
    # Exact arithmetic in place of floating point: no level of an ideal converter is off by one code.
    adc = SarAdc(card_of(SarAdc), 10, ideal=True, low=0.0, high=1.0)
    exact = [Fraction(k, 1024) for k in range(1, 1024)]
    assert [Fraction(level) for level in adc.static_thresholds()[0]] == exact


@pytest.mark.parametrize("bits", range(3, 13))
def test_ideal_effective_number_of_bits_is_the_resolution(bits):
    for convention in ("mid-rise", "mid-tread"):
        adc = SarAdc(card_of(SarAdc), bits, ideal=True, convention=convention)
        assert adc.enob()[0] == pytest.approx(bits, abs=0.005)
        found = adc.spectrum()
        # Half an LSB short of full scale, the signal is that much smaller.
        short = 20 * np.log10(1 - 0.5 / 2 ** (bits - 1))
        assert found.sndr[0] == pytest.approx(6.0206 * bits + 1.7609 + short, abs=0.2 if bits < 5 else 0.06)


def test_noise_of_a_converter_in_volts():
    sampling, decision = SarAdc(card_of(SarAdc, A_C=0), 6, converters=2, low=0.3, high=0.5).noise()
    # The node carries 64 units and a tenth of that: sqrt(1.1 k T / 64 fF), and 1.1 times the comparator's noise.
    np.testing.assert_allclose(sampling, np.sqrt(1.1 * 1.380649e-23 * 300.15 / 64e-15))
    assert decision.shape == (2, 6)
    np.testing.assert_allclose(decision, 1.1 * 0.5e-3, rtol=1e-4)


def test_quantisation_noise_is_a_twelfth_of_the_square_of_a_code():
    adc, count = SarAdc(card_of(SarAdc), 8, ideal=True), 200_000
    v = np.random.default_rng(0).uniform(0.0, 1.2, count)
    error = adc.voltage(adc.convert(v)) - v
    # The square of a uniform error has the standard deviation Q^2 / sqrt(180).
    assert np.mean(error**2) == pytest.approx(float(adc.lsb) ** 2 / 12, rel=4 * 12 / np.sqrt(180 * count))
    assert abs(error.mean()) < 4 * float(adc.lsb) / np.sqrt(12 * count)


def test_noise_takes_effective_bits_as_it_should():
    # k T / C noise of one LSB besides quantisation: N - log2(sqrt(1 + 12)).
    card = clean_card(SarAdc, C_unit=1.380649e-23 * 300.15 / (1.2 / 1024) ** 2 / 1024)
    # Away from the ends, which would clip some of the noise.
    found = SarAdc(card, 10).spectrum(samples=1 << 16, amplitude=0.95).enob[0]
    assert found == pytest.approx(10 - 0.5 * np.log2(13), abs=4 * 0.5 / np.log(2) * np.sqrt(2 / 65536))


def test_ties_go_up_with_and_without_noise_alike():
    # All inputs right at a level, and no noise: each way through the kernels has the same answer.
    levels, none = np.arange(16.0)[None], np.zeros(1)
    v, rows, ones = np.arange(16.0), np.zeros(1, dtype=np.int64), np.ones(1)
    rng, codes = np.random.default_rng(0), np.empty((5, 16), dtype=np.int32)
    core.convert(v, none, ones, levels, rows, codes[0])
    core.convert_with_noise(v, none, ones, levels, rows, none, np.zeros((1, 4)), rng, codes[1])
    for encoder in (core.COUNT, core.FIRST, core.LAST):
        core.convert_flash_with_noise(v, none, ones, levels, levels, rows, none, none, encoder, rng, codes[2 + encoder])
    np.testing.assert_array_equal(codes, np.tile(np.arange(16), (5, 1)))


@pytest.mark.parametrize(("kind", "extra"), DESIGNS)
def test_bench_measurements_find_the_levels_of_the_model(kind, extra):
    adc = kind(card_of(kind), 5, seed=1, converters=2, **extra)
    exact = adc.linearity()
    for method in ("ramp", "sine", "sweep"):
        found = adc.linearity(method=method, samples_per_code=512)
        np.testing.assert_allclose(found.inl, exact.inl, atol=0.02)
        np.testing.assert_allclose(found.dnl, exact.dnl, atol=0.03)
        np.testing.assert_allclose(found.gain, exact.gain, atol=1e-3)
        np.testing.assert_allclose(found.offset, exact.offset, atol=0.02 * float(adc.lsb))
        assert found.method == method


def test_a_noisy_code_density_still_finds_the_levels():
    adc = SarAdc(card_of(SarAdc), 6, seed=1)
    found = adc.linearity(method="ramp", samples_per_code=4096, rng=np.random.default_rng(1))
    # Of 4096 samples per code some 0.05 LSB * 4096 lie in doubt at each level.
    np.testing.assert_allclose(found.inl, adc.linearity().inl, atol=5 * 2 * np.sqrt(0.05 * 4096) / 4096)


@pytest.mark.parametrize(("kind", "extra"), DESIGNS)
def test_more_converters_leave_the_first_ones_alone(kind, extra):
    card = card_of(kind)
    few, many = (kind(card, 4, seed=7, converters=count, **extra).static_thresholds() for count in (3, 10))
    np.testing.assert_array_equal(many[:3], few)
    assert len({tuple(row) for row in many}) == 10
    other = kind(card, 4, seed=8, converters=3, **extra).static_thresholds()
    assert not np.any(np.isclose(other, few, rtol=0, atol=1e-9).all(axis=1))


def deviations(kind, extra, count):
    """Independent errors of each converter, one row for each."""
    adc = kind(card_of(kind), 6, seed=3, converters=count, **extra)
    if kind is SarAdc:
        names = ("offset", "upper", "lower", "dummy", "bridge")
        return np.array([np.concatenate([np.ravel(getattr(part, name)) for name in names]) for part in adc.parts])
    if kind is FlashAdc:
        return np.array([part.offsets for part in adc.parts])
    return np.array([list(part) for part in adc.parts])


@pytest.mark.parametrize(("kind", "extra"), DESIGNS[:3] + DESIGNS[5:])
def test_no_two_converters_share_their_mismatch(kind, extra):
    count = 1500
    drawn = deviations(kind, extra, count)
    drawn = drawn[:, drawn.std(axis=0) > 0]
    score = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    assert score.shape[1] >= 3
    # Neighbouring converters, and parts of one converter, are as correlated as independent draws are.
    pairs = np.mean(score[:-1] * score[1:])
    assert abs(pairs) < 4 / np.sqrt(score[:-1].size)
    among = np.corrcoef(drawn.T)[np.triu_indices(drawn.shape[1], 1)]
    assert np.sqrt(np.mean(among**2)) < (1 + 4 / np.sqrt(2 * len(among))) / np.sqrt(count)


@pytest.mark.parametrize(("kind", "extra"), DESIGNS)
def test_mismatch_stays_and_noise_is_drawn_anew(kind, extra):
    adc = kind(card_of(kind, noise_comparator="10 mV"), 6, seed=2, converters=4, **extra)
    v = np.random.default_rng(1).uniform(0.0, 1.2, (300, 4))
    np.testing.assert_array_equal(adc.convert(v), adc.convert(v))
    rng = np.random.default_rng(2)
    first, second = adc.convert(v, rng), adc.convert(v, rng)
    assert np.any(first != second)
    again = kind(adc.card, 6, seed=2, converters=4, **extra)
    np.testing.assert_array_equal(again.convert(v, np.random.default_rng(2)), first)
    np.testing.assert_array_equal(again.static_thresholds(), adc.static_thresholds())
    assert adc.enob()[0] == again.enob()[0]
    assert adc.enob(noise=False)[0] > adc.enob()[0]


def test_a_seed_sequence_is_a_seed_and_is_not_used_up():
    root = np.random.SeedSequence(5).spawn(2)[1]
    first, second = (SarAdc(card_of(SarAdc), seed=root, converters=2).static_thresholds() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert root.n_children_spawned == 0


@pytest.mark.parametrize(("kind", "extra"), DESIGNS)
def test_neighbouring_columns_share_a_converter(kind, extra):
    card = card_of(kind)
    bank = kind(card, 6, seed=4, converters=3, columns_per_converter=2, **extra)
    assert bank.converter_of(6).tolist() == [0, 0, 1, 1, 2, 2]
    v = np.random.default_rng(3).uniform(0.0, 1.2, (5, 40, 6))
    single = kind(card, 6, seed=4, converters=3, **extra)
    codes = bank.convert(v)
    assert codes.shape == v.shape
    assert codes.dtype == np.int32
    for column in range(6):
        same = np.repeat(v[..., column, None], 3, axis=-1)
        np.testing.assert_array_equal(codes[..., column], single.convert(same)[..., column // 2])


def test_one_converter_takes_any_shape():
    adc = SarAdc(card_of(SarAdc))
    v = np.random.default_rng(4).uniform(0.0, 1.2, (3, 5, 7))
    codes = adc.convert(v)
    assert codes.shape == v.shape
    assert adc.convert(v[1, 2, 3]) == codes[1, 2, 3]
    assert adc.convert(np.asfortranarray(v[0])).tolist() == codes[0].tolist()
    assert adc.convert(np.empty((0, 4))).shape == (0, 4)


def test_range_of_the_card_or_of_the_data():
    adc = SarAdc(card_of(SarAdc), seed=1)
    assert (adc.low, adc.high, adc.bits) == (0.0, 1.2, 6)
    samples = np.random.default_rng(5).normal(0.6, 0.05, (1000, 4))
    full = adc.calibrated(samples)
    assert (full.low, full.high) == (samples.min(), samples.max())
    most = adc.calibrated(samples, coverage=0.98)
    assert np.mean((samples >= most.low) & (samples <= most.high)) == pytest.approx(0.98, abs=1e-3)
    assert np.mean(samples < most.low) == pytest.approx(0.01, abs=1e-3)


def test_a_new_range_leaves_the_chip_as_it_is():
    # The comparator's offset stays what it is in volts, and is more of the smaller LSB.
    adc = SarAdc(clean_card(SarAdc, sigma_offset="5 mV"), seed=1, converters=3)
    small = adc.calibrated([0.5, 0.7])
    for each in (adc, small):
        np.testing.assert_allclose(
            each.static_thresholds() - each.ideal_thresholds(), np.outer([p.offset for p in adc.parts], np.ones(63))
        )
    assert small.lsb == pytest.approx(adc.lsb / 6)


@pytest.mark.parametrize(("kind", "extra"), DESIGNS)
def test_a_range_for_each_column(kind, extra):
    samples = np.random.default_rng(6).uniform(0.0, 1.0, (400, 4)) * [0.2, 0.4, 0.8, 1.0]
    bank = kind(card_of(kind), 5, seed=2, converters=2, **extra)
    own = bank.calibrated(samples, per_column=True)
    np.testing.assert_array_equal(own.low, samples.min(axis=0))
    assert own.static_thresholds().shape == (4, 31)
    assert own.lsb.shape == (4,)
    v = np.random.default_rng(7).uniform(0.0, 1.0, (200, 4)) * [0.2, 0.4, 0.8, 1.0]
    codes = own.convert(v)
    for column in range(4):
        alone = kind(card_of(kind), 5, seed=2, converters=2, low=own.low[column], high=own.high[column], **extra)
        levels = alone.static_thresholds()[column // 2]
        np.testing.assert_allclose(own.static_thresholds()[column], levels)
        np.testing.assert_array_equal(codes[:, column], alone.convert(v[:, [column] * 2])[:, column // 2])
    assert own.enob().shape == (4,)
    assert own.convert(v, np.random.default_rng(0)).shape == v.shape


def test_energy_and_time_of_table_4():
    adc = SarAdc(card_of(SarAdc))
    assert adc.energy_per_conversion == 0.268e-12
    assert adc.energy_source.startswith("measured: 6 bit")
    assert "doi:10.3389/fnins.2022.815258" in adc.energy_source
    assert adc.conversion_time == pytest.approx(6e-9)
    table = adc.energy_table()
    assert table.index.tolist() == ["measured", "formula", "circuit"]
    # 100 fJ * 6 + 1 aJ * 4^6 with the full supply as input range.
    assert table.loc["formula", "energy [J]"] == pytest.approx(604.096e-15)
    assert table.loc["measured", "time [s]"] == 6e-9


def test_energy_by_the_formula_where_nothing_was_measured():
    adc = SarAdc(card_of(SarAdc), 8, low=0.3, high=0.6)  # V_DD / V_c = 4
    assert adc.energy_per_conversion == pytest.approx(100e-15 * (8 + 2) + 1e-18 * 16 * 4**8)
    assert adc.energy_source.startswith("formula: k_1")
    assert np.isnan(adc.energy_table().loc["measured", "energy [J]"])


@pytest.mark.parametrize(("kind", "extra"), DESIGNS)
def test_pictures_and_tables(kind, extra):
    adc = kind(card_of(kind), 4, converters=2, **extra)
    for figure in (adc.figure(1), adc.linearity().figure(1), adc.spectrum(samples=64).figure(1)):
        assert isinstance(figure, Figure)
        assert all(axes.get_xlabel() or axes.get_ylabel() for axes in figure.axes)
    assert adc.linearity().to_frame().shape == (2, 5)
    assert adc.spectrum(samples=64).to_frame().shape == (2, 5)


def test_a_bank_travels_to_workers():
    adc = FlashAdc(card_of(FlashAdc), converters=2)
    adc.convert(np.zeros(2))
    for other in (pickle.loads(pickle.dumps(adc)), copy.deepcopy(adc)):
        np.testing.assert_array_equal(other.static_thresholds(), adc.static_thresholds())
    with pytest.raises(AttributeError):
        adc.bits = 3


PROGRAM = """
import json
from test_adc_bank import noisy_codes
print(json.dumps(noisy_codes()))
"""


def noisy_codes():
    v = np.random.default_rng(8).uniform(-0.1, 1.3, (300, 2))
    banks = [kind(card_of(kind), 6, seed=1, converters=2, **extra) for kind, extra in DESIGNS]
    return [[bank.convert(v).tolist(), bank.convert(v, np.random.default_rng(9)).tolist()] for bank in banks]


def test_interpreted_kernels_give_the_compiled_codes():
    found = interpreted(__file__, PROGRAM)
    assert found == noisy_codes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bits": 0}, "bits is 0; allowed is a whole number >= 1 and <= 16"),
        ({"bits": 17}, "bits is 17"),
        ({"bits": 6.5}, "bits is 6.5"),
        ({"bits": True}, "bits is True"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "a"}, "seed is 'a'"),
        ({"converters": 0}, "converters is 0"),
        ({"columns_per_converter": 0}, "columns_per_converter is 0"),
        ({"low": 1.2}, "low must lie below high"),
        ({"low": np.nan}, "low is nan; allowed is a finite voltage"),
        ({"high": "x"}, "high is 'x'"),
        ({"low": [0.0, 0.1], "high": [1.0, 1.0, 1.0]}, "low has 2 columns and high 3"),
        ({"low": [0.0, 0.1], "converters": 4}, "2 columns do not fit 4 converters"),
        ({"convention": "mid"}, "convention is 'mid'; allowed: mid-rise, mid-tread"),
        ({"temperature": 0}, "temperature is 0; allowed is a number > 0 K"),
    ],
)
def test_wrong_options_are_refused(options, message):
    for kind in CARDS:
        with pytest.raises(InputError, match=message):
            kind(card_of(kind), **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: a.convert([0.1, np.nan]), "v holds a value that is not a number"),
        (lambda a: a.convert("volt"), "v must be an array of voltages"),
        (lambda a: a.convert(0.1), "v is a single number"),
        (lambda a: a.convert(np.zeros((4, 3))), "3 columns do not fit 2 converters; allowed is a multiple"),
        (lambda a: a.convert(np.zeros(2), rng=5), "rng is 5; allowed is a numpy.random.Generator"),
        (lambda a: a.voltage("a"), "codes must be an array of whole numbers"),
        (lambda a: a.voltage([[1], [1, 2]]), "codes must be an array of whole numbers"),
        (lambda a: a.linearity(method="guess"), "method is 'guess'; allowed: levels, sweep, ramp, sine"),
        (lambda a: a.linearity(fit="guess"), "fit is 'guess'"),
        (lambda a: a.linearity(method="ramp", samples_per_code=1), "samples_per_code is 1"),
        (lambda a: a.spectrum(amplitude=0), "amplitude is 0"),
        (lambda a: a.spectrum(samples=64, cycles=4), "cycles is 4 of 64 samples"),
        (lambda a: a.figure(2), "converter is 2; allowed is a whole number >= 0 and <= 1"),
        (lambda a: a.calibrated([1.0]), "samples to calibrate on must be finite voltages, at least two"),
        (lambda a: a.calibrated([1.0, 1.0]), "all the same"),
        (lambda a: a.calibrated([1.0, 2.0], coverage=1.5), "coverage is 1.5"),
        (lambda a: a.calibrated([1.0, 2.0], per_column=True), r"shape \(samples, columns\)"),
        (lambda a: a.calibrated(np.zeros((5, 3)) + np.arange(5)[:, None], per_column=True).convert(0), "3 columns"),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call(SarAdc(card_of(SarAdc), converters=2))


def test_columns_must_be_as_many_as_promised():
    bank = RampAdc(card_of(RampAdc), converters=2, columns_per_converter=4)
    with pytest.raises(InputError, match="6 columns do not fit 2 converters with 4 columns each; allowed is 8"):
        bank.convert(np.zeros((3, 6)))


def test_a_card_of_another_kind_is_refused():
    with pytest.raises(InputError, match=r"SarAdc needs a card of kind 'sar_adc'.*ramp_adc_65nm of kind 'ramp_adc'"):
        SarAdc(card_of(RampAdc))
    with pytest.raises(InputError, match=r"FlashAdc needs a card .* found 'flash'"):
        FlashAdc("flash")
    with pytest.raises(InputError, match="V_low must be smaller than V_high"):
        card_of(SarAdc, V_low=2.0)
