"""Equations 22 to 27 against the numbers of Datta et al. 2022 and those that follow from them by hand."""

import pytest

from circuitsnn.cards import load_card
from circuitsnn.energy.pim import (
    READINGS,
    LayerShape,
    Reading,
    ac_energy,
    counted_weights,
    digital_cnn,
    digital_snn,
    in_memory,
    mac_energy,
)
from circuitsnn.errors import InputError

# CNN-3D for Indian Pines: Table 1 of the paper, with the classifier.
FIRST = LayerShape(1, 20, 3, 3, 3, 3, 3, 198)
REST = (
    LayerShape(20, 40, 1, 1, 3, 3, 3, 99),
    LayerShape(40, 84, 3, 3, 3, 1, 1, 99),
    LayerShape(84, 84, 1, 1, 3, 1, 1, 50),
    LayerShape(84, 84, 1, 1, 3, 1, 1, 50),
    LayerShape(84, 84, 1, 1, 2, 1, 1, 26),
    LayerShape(2184, 16),
)
ACTIVITY = 0.568  # of layer 3, Figure 8


def close(value, rel=1e-9):
    """As `pytest.approx`, which otherwise takes any two picojoules for equal."""
    return pytest.approx(value, rel=rel, abs=0.0)


@pytest.fixture(scope="module")
def card():
    return load_card("pim_datta2022")


def test_table_1():
    layers = (FIRST, *REST)
    assert sum(layer.weights for layer in layers) == 185_052
    assert sum(layer.macs for layer in layers) == 14_600_616
    assert (FIRST.weights, FIRST.macs, FIRST.dot_length) == (540, 962_280, 27)


def test_energies_of_operations_at_6_bits(card):
    assert mac_energy(card) == close(0.3825e-12, rel=1e-4)
    assert mac_energy(card, 6, 8) == close(0.458e-12, rel=1e-3)
    one = LayerShape(1, 1)
    accumulation = digital_snn(one, card, activity=1.0).energies["compute"]
    assert accumulation == close(0.01875e-12, rel=1e-6)
    # The paper's ratios of 13 and 12.5 ask for another exponent than the paper's own.
    steeper = card.replace(q_exp=1.509)
    assert mac_energy(card) / accumulation == pytest.approx(20.4, abs=0.05)
    assert mac_energy(steeper) / accumulation == pytest.approx(13.2, abs=0.05)
    assert mac_energy(card, 32) / mac_energy(steeper) == pytest.approx(12.5, abs=0.05)


def test_first_layer_in_memory(card):
    literal, corrected = in_memory(FIRST, card, "as_printed"), in_memory(FIRST, card)
    assert literal.energy == close(48.56e-12, rel=1e-3)
    assert corrected.energy == close(86.5e-9, rel=1e-3)
    assert corrected.delay == close(23.8e-6, rel=1e-3)
    assert literal.delay == close(corrected.delay)  # T_read and T_BLP are equal in Table 4
    assert in_memory(FIRST, card, whole_words=True).delay == close(30.1e-6, rel=1e-3)
    assert in_memory(FIRST, card.replace(T_read="8n")).delay == corrected.delay


def test_first_layer_on_digital_hardware(card):
    cost = digital_cnn(FIRST, card, energy_per_mac=0.42e-12)
    assert cost.delay == close(22.05e-6, rel=1e-3)
    assert cost.energy == close(407e-9, rel=2e-3)
    assert digital_cnn(FIRST, card, energy_per_mac=0.248e-12).energy == close(241e-9, rel=2e-3)
    assert digital_cnn(FIRST, card, weight_bits=32).delays["compute"] == close(cost.delays["compute"] * 1.934, rel=1e-3)


@pytest.mark.parametrize(
    ("energy_per_mac", "gain", "share"), [(0.42e-12, 1.269, 0.269), (0.44e-12, 1.285, None), (0.458e-12, None, 0.286)]
)
def test_gain_of_the_memory_over_the_whole_network(card, energy_per_mac, gain, share):
    """The paper's 1.28 and 27 % hold with reads, equation 26 as corrected, R = 27 and 0.42 to 0.44 pJ for each MAC."""
    rest = sum(digital_snn(layer, card, ACTIVITY).energy for layer in REST)
    digital = digital_cnn(FIRST, card, energy_per_mac=energy_per_mac).energy
    if share is not None:
        assert digital / (digital + rest) == pytest.approx(share, abs=1e-3)
    if gain is not None:
        assert (digital + rest) / (in_memory(FIRST, card).energy + rest) == pytest.approx(gain, abs=1e-3)
    if energy_per_mac == 0.42e-12:
        literal = in_memory(FIRST, card, "as_printed").energy
        assert (digital + rest) / (literal + rest) == pytest.approx(1.37, abs=5e-3)
        single = in_memory(FIRST, card, accumulations=1).energy
        assert (digital + rest) / (single + rest) == pytest.approx(1.05, abs=5e-3)


def test_delay_of_the_other_layers(card):
    rest = sum(digital_snn(layer, card, ACTIVITY).delay for layer in REST)
    assert rest == close(48.5e-6, rel=2e-3)
    # The memory is not faster: no delay gain of 1.08 from equation 27.
    assert in_memory(FIRST, card).delay > digital_cnn(FIRST, card).delay


def test_totals_of_the_network(card):
    """6-bit network at 0.248 pJ for each MAC, reads in: 4.58 uJ as a CNN, 1.35 uJ as an SNN; 46.2 uJ at 32 bits."""
    layers = (FIRST, *REST)
    assert sum(digital_cnn(each, card, energy_per_mac=0.248e-12).energy for each in layers) == close(4.58e-6, rel=2e-3)
    assert sum(digital_cnn(each, card, weight_bits=32).energy for each in layers) == close(46.2e-6, rel=2e-3)
    spiking = digital_cnn(FIRST, card, energy_per_mac=0.248e-12).energy
    spiking += sum(digital_snn(each, card, ACTIVITY).energy for each in REST)
    assert spiking == close(1.35e-6, rel=5e-3)


def test_printed_kernels_are_cubes(card):
    layer = LayerShape(20, 40, 1, 1, 3, 3, 3, 99)
    printed, corrected = (digital_cnn(layer, card, form) for form in ("as_printed", "corrected"))
    assert printed.energy / corrected.energy == close(9)
    assert digital_cnn(FIRST, card, "as_printed") == digital_cnn(FIRST, card)


def test_steps_count_in_the_corrected_delay_only(card):
    layer = REST[1]
    one = digital_snn(layer, card, 1.0)
    assert digital_snn(layer, card, 1.0, steps=5).delays["compute"] == close(5 * one.delays["compute"])
    assert digital_snn(layer, card, 1.0, steps=5, form="as_printed") == digital_snn(layer, card, 1.0, form="as_printed")


def test_each_switch_by_itself(card):
    """Each against what its equation says by hand."""
    layer, snn = REST[0], digital_snn(REST[0], card, 2.0, steps=5)
    without = digital_snn(layer, card, 2.0, 5, Reading(reads=False))
    assert snn.energies["memory"] == close(2400 * 5.2e-12)
    assert without.energies["memory"] == 0.0
    assert snn.delays["memory"] == close(2400 / (64 / 6 * 4) * 4e-9)
    assert without.delays["memory"] == 0.0
    assert without.energies["compute"] == close(2400 * 891 * 2 * 0.1e-12 * 6 / 32)
    assert without.delay == close(5 * 2400 / 175 * 891 * 0.4e-9)
    assert digital_snn(layer, card, 2.0, 5, Reading(reads=False, every_step=False)).delay * 5 == close(without.delay)
    assert digital_snn(layer, card, 2.0, 5, Reading(cube=3)).energy == close(9 * snn.energy)
    leaking = card.replace(P_leak="1 mW")
    assert digital_snn(layer, leaking, 2.0, 5, Reading(leakage=False)) == snn
    assert in_memory(FIRST, card, Reading(every_position=False)).energy * 1782 == close(in_memory(FIRST, card).energy)
    assert in_memory(FIRST, card, Reading(R=1)).energies["converters"] == close(540 * 1782 * 0.268e-12)
    slow = card.replace(T_read="8n")
    assert digital_snn(layer, slow, 2.0).delays["memory"] == close(2 * snn.delays["memory"])
    assert in_memory(FIRST, slow, Reading(analog_time="T_read")).delays["bit lines"] == close(
        2 * in_memory(FIRST, slow).delays["bit lines"]
    )
    assert mac_energy(card, form=Reading(q_exp=1.5)) == close(3.1e-12 * (6 / 32) ** 1.5)
    assert mac_energy(card, 6, 8, Reading(E_mac_mixed=0.42e-12)) == 0.42e-12
    assert mac_energy(card, 6, 6, Reading(E_mac_mixed=0.42e-12)) == mac_energy(card)


def test_named_readings(card):
    """The closest reading has the 12.5 that the paper has for 6 bits against 32; printed cubes have its 352.8."""
    assert mac_energy(card, 32) / mac_energy(card, form="closest") == close(12.5)
    assert counted_weights(REST[4], "as_printed") / FIRST.weights == pytest.approx(352.8, abs=0.01)
    assert counted_weights(REST[4]) == 84 * 84 * 2
    # A kernel without depth is no cube, nor is a fully connected layer.
    assert counted_weights(LayerShape(64, 128, 3, 3, 1, 23, 86), "as_printed") == 64 * 128 * 9
    assert counted_weights(REST[5], "as_printed") == REST[5].weights
    assert set(READINGS) == {"as_printed", "corrected", "closest"}


def test_measured_operations_and_repeated_layers(card):
    layer = REST[1]
    counted = digital_snn(layer, card, 0.5, 5, operations=1000.0)
    assert counted.energies["compute"] == close(1000 * ac_energy(card))
    assert counted.delays == digital_snn(layer, card, 0.5, 5).delays
    once, five = digital_cnn(FIRST, card), digital_cnn(FIRST, card, evaluations=5)
    assert five.energies["compute"] == close(5 * once.energies["compute"])
    assert five.delays["compute"] == close(5 * once.delays["compute"])
    assert five.energies["memory"] == once.energies["memory"]
    assert in_memory(FIRST, card, evaluations=5).energy == close(5 * in_memory(FIRST, card).energy)


def test_whole_words_by_hand(card):
    # 540 weights, 10 words of 6 bits in 64, 4 banks: 14 accesses; 540 / 175: 4 rounds.
    cost = digital_cnn(FIRST, card, whole_words=True)
    assert cost.delay == close(14 * 4e-9 + 4 * 1782 * 4e-9)


def test_leakage_and_sums(card):
    leaking = digital_cnn(FIRST, card.replace(P_leak="1 mW"))
    assert leaking.energies["leakage"] == close(1e-3 * leaking.delay)
    assert leaking.edp == leaking.energy * leaking.delay
    frame = leaking.to_frame()
    assert frame.loc["total", "energy"] == close(frame["energy"].drop("total").sum())


def test_wrong_input(card):
    with pytest.raises(InputError, match="layer: C_i is 0"):
        LayerShape(0, 1)
    with pytest.raises(InputError, match=r"layer is 3; allowed is LayerShape"):
        digital_cnn(3, card)
    with pytest.raises(InputError, match="card is 3; allowed is a card of kind 'pim_constants'"):
        digital_cnn(LayerShape(1, 1), 3)
    with pytest.raises(InputError, match="form is 'printed'; allowed: as_printed, corrected, closest"):
        in_memory(FIRST, card, form="printed")
    with pytest.raises(InputError, match="kind 'nmos'; allowed is a card of kind 'pim_constants'"):
        in_memory(FIRST, load_card("nmos_65nm"))
    with pytest.raises(InputError, match="activity is -1"):
        digital_snn(FIRST, card, -1)
    with pytest.raises(InputError, match="form is 3; allowed"):
        mac_energy(card, form=3)
    with pytest.raises(InputError, match="reading: reads is 1; allowed: True, False"):
        Reading(reads=1)
    with pytest.raises(InputError, match="reading: analog_time is 'T_adc'; allowed: T_BLP, T_read"):
        Reading(analog_time="T_adc")
    with pytest.raises(InputError, match="reading: cube is 0; allowed is a whole number >= 1, or None"):
        Reading(cube=0)
    with pytest.raises(InputError, match=r"reading: R is 0\.5; allowed is a finite number >= 1, or None"):
        Reading(R=0.5)
    with pytest.raises(InputError, match="evaluations is 0"):
        digital_cnn(FIRST, card, evaluations=0)
    with pytest.raises(InputError, match="steps is 0"):
        digital_snn(FIRST, card, 1.0, steps=0)
    with pytest.raises(InputError, match="accumulations is 0"):
        in_memory(FIRST, card, accumulations=0)
    with pytest.raises(InputError, match="bits is 0"):
        digital_cnn(FIRST, card, weight_bits=0)
