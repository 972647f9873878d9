"""Comparator neurons: the network's own without offset and noise, and the statistics of a decision in closed form."""

import numpy as np
import pytest
from interpreted import interpreted
from scipy.special import erfc, ndtr

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.snn.engines.comparator import Comparator
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import Dense, Neuron
from circuitsnn.snn.network import Network

SEED = np.random.SeedSequence(3)
RNG = np.random.default_rng


def chip(engine, neuron, shape, seed=SEED):
    return engine.design(neuron, shape, np.zeros((1, 1, *shape))).chip(seed)


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_probability_of_a_spike_is_equation_5(sigma):
    """P = erfc((V_th - v) / (sqrt 2 sigma)) / 2; one step from zero, so that v is the drive."""
    threshold, count = 0.7, 40_000
    drive = threshold * (1.0 + sigma * np.linspace(-2.5, 2.5, 11))
    neurons = chip(Comparator(noise=sigma), Neuron("n", threshold), (11,))
    share = neurons.spikes(np.broadcast_to(drive, (1, count, 11)), RNG(1)).mean(axis=(0, 1))
    expected = 0.5 * erfc((threshold - drive) / (np.sqrt(2.0) * sigma * threshold))
    np.testing.assert_allclose(share, expected, atol=4 * 0.5 / np.sqrt(count))


def test_offsets_stay_and_spread_as_they_should():
    """A share Phi((v - V_th) / sigma) of the neurons decides for a spike, always the same ones."""
    sigma, count = 0.1, 20_000
    neurons = chip(Comparator(offset=sigma), Neuron("n", 2.0), (count,))
    for v in (1.8, 2.0, 2.3):
        spikes = neurons.spikes(np.full((3, count), v), None, 1)
        assert spikes.shape == (1, 3, count)
        np.testing.assert_array_equal(spikes[0, 0], spikes[0, 1])
        assert spikes.mean() == pytest.approx(ndtr((v - 2.0) / 0.2), abs=4 * 0.5 / np.sqrt(count))
    again, other = (
        chip(Comparator(offset=sigma), Neuron("n", 2.0), (count,), seed) for seed in (SEED, SEED.spawn(1)[0])
    )
    drive = np.full((1, count), 2.0)
    np.testing.assert_array_equal(again.spikes(drive, None, 1), neurons.spikes(drive, None, 1))
    assert np.mean(other.spikes(drive, None, 1) != neurons.spikes(drive, None, 1)) == pytest.approx(0.5, abs=0.02)


def test_an_offset_changes_the_decision_and_not_the_reset():
    """At a drive of 0.5 a threshold of 1.2 decides at 1.5; a reset by 1.0 then leaves 0.5 less than it would find."""
    neurons = chip(Comparator(offset=0.1), Neuron("n", 1.0, at_threshold=True), (1,))
    neurons._comparators.decision[:] = 1.2
    spikes = neurons.spikes(np.full((1, 1), 0.5), None, 9)[:, 0, 0]
    np.testing.assert_array_equal(spikes, [0, 0, 1, 0, 1, 0, 1, 0, 1])


NEURONS = {
    "soft": {},
    "at once": {"reset_step": "same", "leak": 0.9},
    "hard": {"reset": "hard", "leak": [0.5, 0.8, 1.0]},
    "none": {"reset": "none", "at_threshold": True, "threshold": [0.5, 0.25, 1.0]},
    "refractory": {"refractory": 2},
    "decaying": {"reset_decay": 0.5, "leak": 0.75},
}


def reference(neuron, drive, steps):
    """The neuron's equations, written afresh for one sample of (channels, size)."""
    threshold, leak = (np.broadcast_to(each, 3)[:, None] for each in (neuron.threshold, neuron.leak))
    u = fired = taken = np.zeros(drive.shape[1:])
    wait, out = np.zeros(u.shape, int), []
    for t in range(steps):
        if neuron.reset == "hard":
            u = np.where(fired > 0, 0.0, u)
        elif neuron.reset == "soft" and neuron.reset_step == "same":
            u = u - threshold * fired
        taken = neuron.reset_decay * taken + fired
        u = leak * u + np.where(wait > 0, 0.0, drive[t])
        if neuron.reset == "soft" and neuron.reset_step == "next":
            u = u - threshold * taken
        fired = ((u >= threshold if neuron.at_threshold else u > threshold) & (wait == 0)).astype(float)
        wait = np.where(fired > 0, neuron.refractory, np.maximum(wait - 1, 0))
        out.append(fired)
    return np.array(out)


@pytest.mark.parametrize("kind", NEURONS)
def test_without_offset_and_noise_it_is_the_neuron(kind):
    neuron = Neuron("n", **NEURONS[kind])
    # Multiples of 1/8 are exact, so that thresholds are hit.
    drive = RNG(4).integers(-4, 12, (12, 5, 3, 4)) / 8
    found = chip(Comparator(), neuron, (3, 4)).spikes(drive, None)
    for sample in range(5):
        np.testing.assert_array_equal(found[:, sample], reference(neuron, drive[:, sample], 12))
    assert 0.05 < found.mean() < 0.95


def test_a_network_with_quiet_comparators_is_the_network():
    rng = RNG(5)
    layers = Dense("a", rng.normal(size=(20, 30))), Neuron("n", 0.8, 0.9), Dense("b", rng.normal(size=(4, 20)))
    net, data = Network((30,), layers, 6), rng.random((50, 30))
    exact = run(net, data, record=["n"], precision="float64")
    on = run(net, data, engines={"n": Comparator()}, record=["n"], precision="float64", chips=2)
    np.testing.assert_array_equal(on.records["n"][1], exact.records["n"][0])
    loud = run(net, data, engines={"n": Comparator(0.2, 0.1)}, record=["n"], chips=2, seed=1)
    again = run(net, data, engines={"n": Comparator(0.2, 0.1)}, record=["n"], chips=2, seed=1)
    np.testing.assert_array_equal(loud.records["n"], again.records["n"])
    assert (loud.records["n"][0] != loud.records["n"][1]).any()


def test_a_converter_s_comparator():
    card = load_card("sar_adc_65nm")
    engine = Comparator.of_card(card, 0.25)
    assert engine.offset == pytest.approx(5e-3 / 0.25)
    assert engine.noise == pytest.approx(0.5e-3 / 0.25)
    cost = engine.design(Neuron("n"), (3,), np.zeros((1, 1, 3))).cost()
    assert (cost.energy, cost.delay) == (card.E_comparator, card.T_decision)
    assert Comparator(0.1).design(Neuron("n"), (3,), np.zeros((1, 1, 3))).cost() is None


PROGRAM = """
import json
from test_engine_comparator import kernels
print(json.dumps(kernels()))
"""


def kernels():
    """Spikes of small layers of both kinds of neurons, as lists."""
    from circuitsnn.core.neurons import accumulate_phase

    drive = RNG(6).normal(0.4, 0.5, (6, 3, 5))
    made = [chip(Comparator(0.1, 0.1), Neuron("n", refractory=1), (5,)).spikes(drive, RNG(7))]
    spikes = np.empty(drive.shape, np.uint8)
    turns = np.sort(RNG(8).random((5, 20)), axis=1)
    accumulate_phase(drive, np.full(5, 9.0), np.full(5, 3.0), turns, spikes)
    return [each.tolist() for each in (*made, spikes)]


def test_kernels_are_the_same_without_the_compiler():
    assert interpreted(__file__, PROGRAM) == kernels()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Comparator(-0.1),
        lambda: Comparator(noise=np.inf),
        lambda: Comparator(energy="1p"),
        lambda: Comparator.of_card(load_card("sram_6t_65nm"), 0.1),
        lambda: Comparator.of_card(load_card("sar_adc_65nm"), 0.0),
    ],
)
def test_wrong_arguments_get_one_sentence(wrong):
    with pytest.raises(InputError, match="allowed"):
        wrong()
