"""Oscillator neurons against a transient of the circuit with its current, written afresh, and against counted turns."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.snn.engines.oscillator import FrequencyCurve, OscillatorNeuron
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import Dense, Neuron
from circuitsnn.snn.network import Network

CARD = load_card("vo2_delacour2021")
SEEDS = np.random.SeedSequence(9).spawn(3)
RNG = np.random.default_rng


@pytest.fixture(scope="module")
def curve():
    return FrequencyCurve.of(CARD)


def periods(current, tau_0, count=3):
    """Period and mean power, by SciPy: C dv/dt = (V_DD - v) G - v / R_S - I, G relaxing to the state's conductance."""
    v, g, metallic, t, turned, charge = 0.0, 1 / CARD.R_ins, True, 0.0, [], 0.0
    charges = []

    def rhs(_, y):
        aim = 1 / (CARD.R_met if metallic else CARD.R_ins)
        through = (CARD.V_DD - y[0]) * y[1]
        return [(through - y[0] / CARD.R_S - current) / CARD.C_P, (aim - y[1]) / tau_0, through]

    def crossing(_, y):
        return CARD.V_DD - y[0] - (CARD.V_L if metallic else CARD.V_H)

    crossing.terminal = True
    while len(turned) < count:
        crossing.direction = -1 if metallic else 1
        run = solve_ivp(rhs, (t, t + 1e-3), [v, g, charge], events=crossing, rtol=1e-9, atol=[1e-9, 1e-14, 1e-20],
                        method="LSODA")  # fmt: skip
        t, (v, g, charge) = run.t[-1], run.y[:, -1]
        metallic = not metallic
        if metallic:
            turned.append(t)
            charges.append(charge)
    period = turned[-1] - turned[-2]
    return period, CARD.V_DD * (charges[-1] - charges[-2]) / period


@pytest.mark.parametrize("current", [0.0, 7.3e-6, 1.3e-4])
def test_frequency_and_power_are_those_of_the_circuit_with_a_current(curve, current):
    """The current is in the node's equation here; the engine takes it as a higher supply."""
    period, power = periods(current, CARD.tau_0)
    assert float(curve.frequency(current)) == pytest.approx(1 / period, rel=2e-4)
    assert curve.power(current) == pytest.approx(power, rel=1e-3)


def test_curve_rises_from_its_onset_to_its_top(curve):
    inside = np.linspace(curve.onset + 1e-9, curve.top, 400)
    frequencies = curve.frequency(inside)
    assert (np.diff(frequencies) > 0).all()
    assert (curve.frequency([curve.onset - 1e-9, curve.bottom, -1e-4]) == 0.0).all()
    assert curve.residual < 1e-3
    # At the onset the insulating device's share of the supply is just V_H.
    supply = CARD.V_DD + curve.onset * CARD.R_S
    assert supply * CARD.R_ins / (CARD.R_S + CARD.R_ins) == pytest.approx(CARD.V_H)
    still = CARD.V_DD * (CARD.V_DD - 2e-5 * CARD.R_S) / (CARD.R_S + CARD.R_ins)
    assert curve.power(-2e-5) == pytest.approx(still)


def test_smooth_transients_are_followed_too():
    assert 0.0 < FrequencyCurve.of(CARD, "smooth").residual < 0.01


def layer(drive, neuron=None, **options):
    return OscillatorNeuron(**options).design(neuron or Neuron("n", 0.5), drive.shape[2:], drive)


def test_spikes_are_whole_turns(curve):
    """Cumulative turns at the rule's currents, rounded down; several whole turns in a step are one spike."""
    drive = RNG(1).normal(0.2, 0.4, (12, 6, 4))
    design = layer(drive, spread=0.0)
    found = design.chip(SEEDS[0]).spikes(drive, None)
    current = design.current_zero + (design.current_one - design.current_zero) * drive / 0.5
    turns = np.cumsum(curve.frequency(np.clip(current, -1e-4, curve.top)) * design.step, axis=0)
    whole = np.diff(np.floor(turns), axis=0, prepend=0.0)
    sure = np.abs(turns - np.rint(turns)) > 0.01  # the table is linear between its places
    np.testing.assert_array_equal(found[sure], (whole > 0)[sure])
    assert sure.mean() > 0.9
    assert found.max() == 1
    assert not design.varies


def test_the_rule_comes_close_to_an_integrate_and_fire_neuron():
    drive = np.abs(RNG(2).normal(0.0, 0.3, (1, 50, 20)))
    design = layer(drive, spread=0.0, periods=3)
    assert design.misfit < 0.06
    assert design.step == pytest.approx(3 / design.frequency_one)
    share = np.linspace(0.05, 1.0, 20)
    rates = design.chip(SEEDS[0]).spikes(0.5 * share[None], None, 400).mean(axis=0)[0]
    np.testing.assert_allclose(rates, share, atol=0.15)
    assert np.corrcoef(rates, share)[0, 1] > 0.98
    still = design.chip(SEEDS[0]).spikes(np.full((1, 20), -3.0), None, 100)
    assert not still.any()


def test_neurons_have_devices_of_their_own():
    drive = RNG(3).uniform(0.1, 0.5, (1, 40, 300))
    design = layer(drive)
    one, again, other = (design.chip(seed) for seed in (SEEDS[0], SEEDS[0], SEEDS[1]))
    given = np.full((1, 300), 0.2)
    rates = [each.spikes(given, None, 300).mean(axis=0)[0] for each in (one, again, other)]
    np.testing.assert_array_equal(rates[0], rates[1])
    assert abs(np.corrcoef(rates[0], rates[2])[0, 1]) < 0.25
    assert design.varies
    # Spread of the period at this current, from devices drawn here with the card's own deviations, abrupt.
    rng = RNG(4)
    made = {name: np.full(2000, value) for name, value in CARD.values.items()}
    for name, sigma in (("R_S", 0.01), ("C_P", 0.01), ("V_L", 0.01), ("V_H", 0.01)):
        made[name] = made[name] * (1 + sigma * rng.standard_normal(2000))
    for name in ("R_ins", "R_met"):
        made[name] = made[name] * np.exp(0.05 * rng.standard_normal(2000))
    supply = made["V_DD"] + float(design.current(0.4)) * made["R_S"]
    frequency = np.zeros(2000)
    for metallic, start, end in ((False, "V_L", "V_H"), (True, "V_H", "V_L")):
        r = made["R_met"] if metallic else made["R_ins"]
        parallel = made["R_S"] * r / (made["R_S"] + r)
        aim = supply * parallel / r
        duration = made["C_P"] * parallel * np.log((supply - made[start] - aim) / (supply - made[end] - aim))
        frequency += duration
    frequency = 1 / frequency
    assert rates[0].std() / rates[0].mean() == pytest.approx(frequency.std() / frequency.mean(), rel=0.25)


def test_energy_of_a_step():
    drive = np.full((1, 5, 3), 0.5)  # one threshold, always
    design = layer(drive)
    _, power = periods(design.current_one, CARD.tau_0)
    cost = design.cost()
    assert cost.delay == design.step
    assert cost.energy == pytest.approx(power * design.step, rel=0.03)  # interpolated between drives
    assert design.energy_per_spike == pytest.approx(power * design.step, rel=1e-3)


def test_a_network_of_oscillators():
    rng = RNG(5)
    layers = Dense("a", rng.normal(size=(20, 30))), Neuron("n"), Dense("b", rng.normal(size=(4, 20)))
    net, data = Network((30,), layers, 8), rng.random((60, 30))
    exact = run(net, data)
    result = run(net, data, engines={"n": OscillatorNeuron()}, chips=2)
    again = run(net, data, engines={"n": OscillatorNeuron()}, chips=2)
    np.testing.assert_array_equal(result.outputs, again.outputs)
    assert not np.array_equal(*result.outputs)
    assert all(np.corrcoef(each.ravel(), exact.outputs.ravel())[0, 1] > 0.85 for each in result.outputs)
    assert result.status.ok


def test_what_an_oscillator_cannot_do_is_in_its_status():
    drive = np.full((1, 5, 3), 0.5)
    for neuron, word in ((Neuron("n", leak=0.9), "leak"), (Neuron("n", reset="hard"), "hard")):
        status = layer(drive, neuron).status
        assert not status.ok
        assert word in status.advice
    assert layer(drive).status.ok


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: OscillatorNeuron("sar_adc_65nm"),
        lambda: OscillatorNeuron(fidelity="exact"),
        lambda: OscillatorNeuron(periods=0),
        lambda: OscillatorNeuron(spread=-0.1),
        lambda: FrequencyCurve.of(CARD.replace(R_S="100", V_H="2.49")),
    ],
)
def test_wrong_arguments_get_one_sentence(wrong):
    with pytest.raises(InputError, match=r"allowed|needs|does not oscillate"):
        wrong()
