import numpy as np
import pytest
from converters import card_of, clean_card
from scipy.constants import Boltzmann

from circuitsnn.adc.sar import SarAdc
from circuitsnn.errors import InputError


class CapacitorArray:
    """A charge-redistribution converter in plain Python: charge conservation at its floating nodes, solved as it is.

    Node 0 is the comparator's, node 1 the top of the lower array. A capacitor is (node, bit or None, capacitance).
    """

    def __init__(self, adc, converter):
        parts, card = adc.parts[converter], adc.card
        self.bits, self.v_ref, self.offset = adc.bits, float(adc.high - adc.low), parts.offset
        lower = adc._lower_bits
        own = 1 if adc.array == "split" else 0
        self.capacitors = [(own, bit, c) for bit, c in enumerate(parts.lower)]
        self.capacitors += [(0, lower + bit, c) for bit, c in enumerate(parts.upper)]
        self.capacitors += [(own, None, parts.dummy)]
        size, matrix = 1 << lower, np.zeros((1 + own, 1 + own))
        for node, _, c in self.capacitors:
            matrix[node, node] += c
        if own:
            nominal = (size + card.parasitic * size) / (size - 1)
            bridge = nominal * card.bridge * parts.bridge
            matrix += bridge * np.array([[1.0, -1.0], [-1.0, 1.0]])
            matrix[1, 1] += card.parasitic * size
            matrix[0, 0] += card.parasitic * ((1 << (self.bits - lower)) - 1 + nominal)
        else:
            matrix[0, 0] += card.parasitic * (1 << self.bits)
        self.matrix = matrix
        tau = card.R_switch * card.C_unit
        self.remaining = np.exp(-card.T_settle / tau) if tau else 0.0

    def node_voltage(self, v, code):
        """Voltage of the comparator's node after the bottom plates went from v to the bits of a code."""
        charge = np.zeros(len(self.matrix))
        for node, bit, c in self.capacitors:
            bottom = self.v_ref * (code >> bit & 1) if bit is not None else 0.0
            charge[node] += c * (bottom - v)
        return np.linalg.solve(self.matrix, charge)[0]

    def convert(self, v):
        code, node = 0, 0.0
        for bit in reversed(range(self.bits)):
            rest = self.node_voltage(v, code | 1 << bit)
            node = rest + (node - rest) * self.remaining
            if -node >= self.offset:
                code |= 1 << bit
        return code

    def noise(self, temperature, c_unit):
        """Input-referred thermal noise: the charges of the opened nodes have the covariance k T C."""
        through = np.linalg.inv(self.matrix)[0]
        covariance = Boltzmann * temperature * c_unit * self.matrix
        gain = self.node_voltage(1.0, 0) - self.node_voltage(0.0, 0)
        return np.sqrt(through @ covariance @ through) / abs(gain) / c_unit


HARSH = {"A_C": "80n", "parasitic": 0.3, "sigma_offset": "30 mV"}


@pytest.mark.parametrize("array", ["binary", "split"])
@pytest.mark.parametrize("settle", ["500p", "40p"])
@pytest.mark.parametrize("bits", [3, 6, 7])
def test_codes_are_those_of_charge_conservation(array, settle, bits):
    adc = SarAdc(card_of(SarAdc, T_settle=settle, **HARSH), bits, seed=5, converters=3, array=array)
    v = np.random.default_rng(bits).uniform(-0.1, 1.3, (150, 3))
    expected = [[CapacitorArray(adc, k).convert(v[i, k]) for k in range(3)] for i in range(len(v))]
    found = adc.convert(v)
    np.testing.assert_array_equal(found, expected)
    # Noise of almost nothing takes the other way through the kernels.
    quiet = SarAdc(adc.card.replace(noise_comparator="1n"), bits, seed=5, converters=3, array=array, temperature=1e-9)
    np.testing.assert_array_equal(quiet.convert(v, np.random.default_rng(0)), expected)
    # And the transition levels say the same as the search.
    levels = adc.static_thresholds()
    np.testing.assert_array_equal(found, [[np.sum(levels[k] <= v[i, k]) for k in range(3)] for i in range(len(v))])
    assert np.all(np.diff(levels) >= 0.0)


@pytest.mark.parametrize("array", ["binary", "split"])
def test_thermal_noise_is_that_of_the_opened_nodes(array):
    # 10 bits on 5 aF units: noise of several LSB, so that its size can be read from the codes.
    card = clean_card(SarAdc, C_unit="5e-18" if array == "binary" else "60e-18", parasitic=0.5)
    adc = SarAdc(card, 10, array=array, seed=1)
    expected = CapacitorArray(adc, 0).noise(300.15, card.C_unit)
    count = 20_000
    codes = adc.convert(np.full(count, 0.6), np.random.default_rng(6))
    spread = np.sqrt(codes.var() - 1 / 12) * float(adc.lsb)
    assert expected > 0.8 * float(adc.lsb)
    assert spread == pytest.approx(expected, rel=4 / np.sqrt(2 * count))


def test_thermal_noise_of_a_plain_array_is_kt_over_c():
    adc = SarAdc(clean_card(SarAdc), 6)
    assert CapacitorArray(adc, 0).noise(300.15, 1e-15) == pytest.approx(np.sqrt(Boltzmann * 300.15 / 64e-15))


def test_parasitic_capacitance_enlarges_the_comparators_offset():
    plain, loaded = (SarAdc(clean_card(SarAdc, sigma_offset="5 mV", parasitic=p), 8) for p in (0.0, 0.5))
    np.testing.assert_allclose(
        loaded.static_thresholds() - loaded.ideal_thresholds(),
        1.5 * (plain.static_thresholds() - plain.ideal_thresholds()),
        rtol=1e-6,
    )


def test_worst_dnl_of_a_binary_array_has_the_closed_form():
    # At mid-scale the largest capacitor takes over from all others: sigma^2 = (2^(N-1) + 2^(N-1) - 1) sigma_u^2.
    bits, count = 8, 3000
    card = clean_card(SarAdc, A_C="1n")
    sigma_unit = 1e-9 / np.sqrt(1e-15 / 1.5e-3)
    differential = SarAdc(card, bits, converters=count, seed=7).dnl()
    middle = (1 << (bits - 1)) - 2  # code 2^(N-1) - 1
    expected = np.sqrt(2.0**bits - 1.0) * sigma_unit
    assert differential[:, middle].std() == pytest.approx(expected, rel=4 / np.sqrt(2 * count))
    assert np.argmax(differential.std(axis=0)) == middle
    # A quarter of the range: sqrt(2^(N-1) - 1), by the same reasoning one bit down.
    assert differential[:, (1 << (bits - 2)) - 2].std() == pytest.approx(
        np.sqrt(2.0 ** (bits - 1) - 1.0) * sigma_unit, rel=4 / np.sqrt(2 * count)
    )


def test_a_split_array_without_errors_is_the_binary_one():
    for bits in range(2, 13):
        binary, split = (SarAdc(clean_card(SarAdc), bits, array=array) for array in ("binary", "split"))
        np.testing.assert_array_equal(split.static_thresholds(), binary.static_thresholds())


def test_a_wrong_bridge_makes_a_saw_tooth():
    # The lower array weighs r instead of 1 unit: its last code is short of the next upper unit, by (1 - share 2^L) LSB.
    adc = SarAdc(clean_card(SarAdc, bridge=0.8), 6, array="split")
    share = 1.0 / (1.0 + 7.0 / 0.8)
    step = np.array([share * 8.0, 1.0 + 7.0 * (1.0 - share * 8.0)])  # in LSB: within the lower array, and across
    total = (7.0 + 8.0 * share) / 8.0
    widths = np.diff(adc.static_thresholds()[0]) / float(adc.lsb)
    across = np.arange(1, 63) % 8 == 7
    np.testing.assert_allclose(widths[~across], step[0] / total)
    np.testing.assert_allclose(widths[across], step[1] / total)


def test_levels_are_pulled_towards_those_tried_before_them():
    # Two bits, e = exp(-1). After the first trial the node stands (1 - e) of the way at L = 1/2; the second level of
    # the upper half is then the mean of 3/4 and 1/2 with the weights 1 and e.
    card = clean_card(SarAdc, R_switch="1k", C_unit="1f", T_settle="1p")
    adc = SarAdc(card, 2, low=0.0, high=1.0)
    e = np.exp(-1.0)
    expected = [(0.25 + 0.5 * e) / (1 + e), 0.5, (0.75 + 0.5 * e) / (1 + e)]
    np.testing.assert_allclose(adc.static_thresholds()[0], expected)
    np.testing.assert_allclose(adc.trial_levels()[0, 1:], expected)


def test_errors_of_settling_fall_by_the_time_constant():
    worst = [np.abs(SarAdc(clean_card(SarAdc, R_switch="1k", T_settle=n * 1e-12), 8).inl()).max() for n in (6, 7, 8)]
    np.testing.assert_allclose(np.divide(worst[:-1], worst[1:]), np.e, rtol=0.03)


def test_noise_of_the_comparator_blurs_each_decision():
    # One bit: one decision, whose share of ones is the normal distribution's.
    adc = SarAdc(clean_card(SarAdc, noise_comparator="10 mV"), 1, temperature=1e-6)
    codes = adc.convert(np.full(40_000, 0.61), np.random.default_rng(8))
    assert codes.mean() == pytest.approx(0.841345, abs=4 * np.sqrt(0.13 / 40_000))


def test_trial_levels_are_those_of_the_array_and_the_search_uses_no_others():
    adc = SarAdc(card_of(SarAdc, bridge=1.6), 5, converters=2, array="split")
    levels = adc.trial_levels()
    assert levels.shape == (2, 32)
    v = np.random.default_rng(9).uniform(0, 1.2, (200, 2))
    code = np.zeros(v.shape, dtype=int)
    for bit in (16, 8, 4, 2, 1):
        code += bit * (v >= levels[[0, 1], code + bit])
    np.testing.assert_array_equal(adc.convert(v), code)
    assert np.any(np.diff(levels[:, 1:]) < 0)  # the lower array outweighs a unit of the upper one
    assert any(len(missing) for missing in adc.linearity().missing)


def switching_energy(bits, code):
    """Energy from the reference of a conversion that ends with a code, by charges [C_unit V_ref^2].

    Conventional switching: from all bottom plates at ground, each bit on trial goes to the reference, and back if it
    was too much while the next one goes up.
    """
    sizes = [2.0**bit for bit in range(bits)]
    total, energy = 2.0**bits, 0.0
    plates, top = [0] * bits, 0.0
    for bit in reversed(range(bits)):
        after = [code >> j & 1 if j > bit else int(j == bit) for j in range(bits)]
        moved = sum(c * (b - a) for c, a, b in zip(sizes, plates, after, strict=True)) / total
        # Charge that the reference delivers to what is connected to it now; new ones come from ground.
        energy += sum(c * ((1 - a) - moved) for c, a, b in zip(sizes, plates, after, strict=True) if b)
        plates, top = after, top + moved
    return energy


def test_switching_energy_is_the_mean_over_all_codes():
    for bits in (3, 6, 8):
        mean = np.mean([switching_energy(bits, code) for code in range(1 << bits)])
        adc = SarAdc(card_of(SarAdc, E_comparator=0), bits, low=0.0, high=1.0)
        assert adc.energy_table().loc["circuit", "energy [J]"] == pytest.approx(mean * 1e-15, rel=1e-9)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="array is 'ternary'; allowed: binary, split"):
        SarAdc(card_of(SarAdc), array="ternary")
    with pytest.raises(InputError, match="bits is 1; allowed for a split array is a whole number >= 2"):
        SarAdc(card_of(SarAdc), 1, array="split")
    with pytest.raises(InputError, match="T_settle is so short"):
        SarAdc(card_of(SarAdc, R_switch=1e30)).convert(0.1)
