"""Neurons, filters and the encoding layer as the papers' equations have them, one number at a time."""

import numpy as np
import pytest

from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import BatchNorm, Dense, Encoder, Filter, Neuron
from circuitsnn.snn.network import Network

T = 40


def drives(n=200, scale=1.0):
    return scale * np.random.default_rng(17).standard_normal((n, T))


def spikes_of(neuron, drive, *before):
    """Spikes of one neuron for a drive that changes in time, by a network: weights take step t of the sample."""
    # One-hot series: the sample's value at step t is let through in step t only, by scales that differ among steps.
    gate = BatchNorm("gate", np.eye(T), np.zeros((T, T)))
    network = Network((T,), (gate, Dense("sum", np.ones((1, T))), *before, neuron), steps=T, readout="spikes")
    return run(network, drive, precision="float64", record=(neuron.name,)).records[neuron.name][0, :, :, 0].T


def test_equations_2_and_3_of_datta():
    leak, v = 0.85, 0.7
    expected = []
    for drive in drives():
        u = o = 0.0
        for current in drive:
            u = leak * u + current - v * o
            o = 1.0 if u / v - 1 > 0 else 0.0
            expected.append(o)
    found = spikes_of(Neuron("n", v, leak), drives())
    assert 0.1 < found.mean() < 0.9
    np.testing.assert_array_equal(found.ravel(), expected)


def test_equations_2_and_3_of_wu():
    expected = []
    drive = np.round(drives() * 4) / 4  # quarters: potentials equal to the threshold happen
    for currents in drive:
        potential = spike = 0.0
        for z in currents:
            potential = potential + z - spike
            spike = float(potential >= 1)
            expected.append(spike)
    found = spikes_of(Neuron("n", at_threshold=True), drive)
    np.testing.assert_array_equal(found.ravel(), expected)
    assert (spikes_of(Neuron("n"), drive).ravel() != expected).any()


def test_equation_1_of_muramatsu_with_the_cell_of_fang():
    """Dual-exponential synapse, no leak, a reset that decays: the spike-response model."""
    tau_m, tau_s, v = 4.0, 1.0, 1.0
    eta = tau_m / tau_s
    v0 = eta ** (eta / (eta - 1)) / (eta - 1)
    a1, a2 = np.exp(-1 / tau_m) + np.exp(-1 / tau_s), -np.exp(-1 / tau_m - 1 / tau_s)
    b0, theta = v0 * (np.exp(-1 / tau_m) - np.exp(-1 / tau_s)), np.exp(-1 / tau_m)
    inputs = (np.random.default_rng(2).random((100, T)) < 0.4) * 1.0
    expected = []
    for train in inputs:
        f, f_before, r, o = 0.0, 0.0, 0.0, 0.0
        for spike in train:
            f, f_before = a1 * f + a2 * f_before + b0 * spike, f
            r = theta * r + o
            o = float(f - v * r - v >= 0)
            expected.append(o)
    neuron = Neuron("n", v, 0.0, at_threshold=True, reset_decay=float(theta))
    found = spikes_of(neuron, inputs, Filter.dual_exponential("synapse", tau_m, tau_s))
    assert 0.1 < found.mean() < 0.9
    np.testing.assert_array_equal(found.ravel(), expected)


def test_constant_drive_gives_the_floor_of_tandem_learning():
    """Equation 11 of Wu et al.: min(floor(V), T) for V > 0, where V = T z and z stays below one spike a step."""
    z = np.random.default_rng(5).uniform(-0.3, 1.0, (5000, 1))
    network = Network((1,), (Dense("d", [[1.0]]), Neuron("n", at_threshold=True)), steps=10, readout="spikes")
    counts = run(network, z, precision="float64").outputs[0]
    np.testing.assert_array_equal(counts, np.clip(np.floor(10 * z), 0, 10))


def test_early_and_late_input_spike_where_the_artificial_unit_does_not():
    """Fig. 1 of Wu et al.: +1.2 early, -0.8 late: one spike, though all of it, 0.4, is below the threshold."""
    drive = np.zeros((1, T))
    drive[0, 2], drive[0, 9] = 1.2, -0.8
    assert spikes_of(Neuron("n", at_threshold=True), drive).sum() == 1
    assert np.floor(drive.sum()) == 0


@pytest.mark.parametrize("threshold", [1.0, 0.37])
def test_encoding_layer_of_wu(threshold):
    """Equations 7 and 8 step by step; the count is the floor, the spikes come first."""
    v = np.random.default_rng(6).uniform(-2.0, 12.0, (1000, 1))
    network = Network((1,), (Dense("d", [[1.0]]), Encoder("e", threshold)), steps=8)
    found = run(network, v, precision="float64", record=("e",)).records["e"][0, :, :, 0].T
    for value, train in zip(v[:, 0], found, strict=True):
        potential = value
        for spike in train:
            assert spike == (potential - threshold >= 0)
            potential -= threshold * spike
    np.testing.assert_array_equal(found.sum(1), np.clip(np.floor(v[:, 0] / threshold), 0, 8))
    assert (np.diff(found.astype(int), axis=1) <= 0).all()


def test_resets_that_are_alike():
    drive = drives(50)
    hard = [spikes_of(Neuron("n", 0.8, 0.7, "hard", step), drive) for step in ("next", "same")]
    np.testing.assert_array_equal(*hard)
    whole = [spikes_of(Neuron("n", 0.75, 1.0, "soft", step), np.round(drive * 8) / 8) for step in ("next", "same")]
    np.testing.assert_array_equal(*whole)
    leaky = [spikes_of(Neuron("n", 0.8, 0.7, "soft", step), drive) for step in ("next", "same")]
    assert (leaky[0] != leaky[1]).any()
