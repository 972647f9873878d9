"""Library parts in ngspice, in both of their forms, against a tight independent solution of the ideal circuit.

The table of errors against step and reltol is in docs/theory/netlists.md.
"""

import numpy as np
import pytest
from part_circuits import (
    LATE,
    assert_is_the_loop,
    drawn_three,
    errors,
    ngspice_circuit,
    pair,
    scaled,
    single,
)

from circuitsnn.spice import run_deck
from circuitsnn.spice.parts import coupling_switch, tau_feedback, vo2

FORMS = [("smooth", True), ("relaxed", False), ("relaxed", True), ("abrupt", False), ("abrupt", True)]


def simulate(case, max_step, without_switch, reltol=1e-6, **circuit):
    return transient(ngspice_circuit(case, without_switch, **circuit), case.stop, max_step, f".options reltol={reltol}")


def transient(circuit, stop, max_step, options=""):
    """Run a transient analysis of a circuit given as text."""
    return run_deck(f"{circuit}{options}\n.tran {max_step} {stop} 0 {max_step}\n.end\n", stop=stop)


def analyse(circuit, analysis):
    """Run any analysis of a circuit given as text."""
    return run_deck(f"test\n{circuit}.options reltol=1e-6\n{analysis}\n.end\n")


@pytest.mark.parametrize(("fidelity", "without_switch"), FORMS)
@pytest.mark.parametrize("oscillators", [single, pair])
def test_meets_the_ideal_circuit(oscillators, fidelity, without_switch):
    case = oscillators(fidelity)
    waves = simulate(case, 20e-9, without_switch)
    timing, period, energy = errors(case, waves)
    assert timing < (6e-5 if fidelity == "smooth" else 3e-5)
    assert period < 1e-5
    assert energy < 1e-5
    for i in range(case.network.size):
        assert waves[f"osc{i}_out"][-1] == pytest.approx(case.reference.voltage[i], abs=1e-4)
        share = (case.reference.conductance[i] - 1 / 100.2e3) / (1 / 990 - 1 / 100.2e3)
        assert waves[f"osc{i}_conductance"][-1] == pytest.approx(share, abs=1e-5)


@pytest.mark.parametrize("fidelity", ["relaxed", "abrupt"])
def test_converges_without_a_switch(fidelity):
    case = single(fidelity)
    coarse, fine = (errors(case, simulate(case, step, True)) for step in (100e-9, 5e-9))
    assert 1e-5 < coarse[1] < 2e-5
    assert fine[1] < 3e-7
    assert fine[0] < 1.2 * LATE
    assert fine[2] < 3e-6


def test_without_a_switch_a_loose_reltol_misses_thresholds():
    case = single("relaxed", periods=2.5)
    waves = simulate(case, 20e-9, True, reltol=1e-3)
    assert errors(case, waves)[0] > 1e-3


@pytest.mark.parametrize("without_switch", [False, True])
def test_own_parameters_of_each_oscillator(without_switch):
    case = drawn_three("relaxed")
    timing, _, energy = errors(case, simulate(case, 10e-9, without_switch))
    assert timing < 3e-5
    assert energy < 1e-5


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_any_speed_with_its_own_time_constant_of_the_feedback(scale):
    case = scaled("relaxed", scale)
    own = f"tau_feedback={tau_feedback(990.0, 500e-12 * scale)}"
    waves = simulate(case, 20e-9 * scale, True, extra=own, rise=1e-10 * scale)
    timing, period, _ = errors(case, waves)
    assert timing < 3e-5
    assert period < 5e-6


@pytest.mark.parametrize(("fidelity", "without_switch"), FORMS)
@pytest.mark.parametrize("upwards", [True, False])
def test_hysteresis_loop(fidelity, without_switch, upwards):
    device = vo2(fidelity).without_switch if without_switch else vo2(fidelity)
    circuit = f"{device}Vbias top 0 0\nXdevice top 0 metallic conductance {device.name}\n"
    sweep = "0.00011 2.50011 0.2m" if upwards else "2.50011 0.00011 -0.2m"  # never on a threshold
    waves = analyse(circuit, f".dc Vbias {sweep}")
    assert_is_the_loop(fidelity, waves["top"], -waves["i(vbias)"], waves["metallic"], upwards)


@pytest.mark.parametrize("without_switch", [False, True])
def test_coupling_switch(without_switch):
    switch = coupling_switch().without_switch if without_switch else coupling_switch()
    circuit = f"{switch}Vcontrol control 0 0\nVa a 0 2\nXswitch a b control coupling_switch\nRb b 0 1k\n"
    waves = analyse(circuit, ".dc Vcontrol 0 1 1")
    open_, closed = waves["b"]
    assert open_ == pytest.approx(2e-9, rel=1e-3)
    assert 2 - closed == pytest.approx(2e-6, rel=1e-3)


@pytest.mark.parametrize("without_switch", [False, True])
def test_meter_leaves_the_steps_alone(without_switch):
    case = single("relaxed", periods=1.5)
    with_meter = ngspice_circuit(case, without_switch)
    blind = with_meter.replace("1n*V(supply)", "0*V(supply)")
    assert blind != with_meter
    times = [transient(text, case.stop, 20e-9).time for text in (with_meter, blind)]
    np.testing.assert_array_equal(*times)
