"""Verilog-A modules of the library parts in VACASK against a tight independent solution of the ideal circuit.

Measured (VACASK 0.3.4, trap, nr_residualcheck=0, five periods; largest error of the last period and of any switching
time, in periods, and error of the energy):

======  ========  ==================  ==================  ==================
reltol  max step  smooth              relaxed             abrupt
======  ========  ==================  ==================  ==================
1e-3    20 ns     2e-3   2e-3   4e-4  9e-4   1e-3   2e-4  2e-4   4e-4   2e-4
1e-4    20 ns     1e-5   6e-5   4e-7  3e-6   3e-5   5e-6  3e-6   1e-5   1e-4
1e-5    20 ns     2e-5   9e-5   3e-6  2e-6   6e-6   4e-6  2e-6   8e-6   6e-6
1e-6    100 ns    8e-6   4e-5   5e-6  1e-5   5e-5   2e-6  1e-5   6e-5   4e-6
1e-6    20 ns     1e-5   6e-5   5e-6  7e-7   4e-6   1e-6  9e-7   4e-6   3e-6
1e-6    5 ns      6e-6   4e-5   5e-6  5e-9   4e-6   5e-7  4e-8   4e-6   1e-6
1e-6    1 ns      5e-6   3e-5   5e-6  1e-7   4e-6   2e-7  1e-7   4e-6   1e-6
1e-7    1 ns      6e-6   3e-5   5e-6  1e-7   4e-6   2e-7  1e-7   4e-6   1e-6
======  ========  ==================  ==================  ==================

4e-6 of the switching times is the rise of the supply, 5.5e-6 of the smooth period the lag of the feedback node.
"""

import numpy as np
import pytest
from part_circuits import (
    FIDELITIES,
    LATE,
    assert_is_the_loop,
    crossings,
    drawn_three,
    errors,
    loop_voltages,
    pair,
    scaled,
    single,
    vacask_deck,
)
from reference_solver import fold_voltages

from circuitsnn.resources import resource_folder
from circuitsnn.spice import EngineError, run_deck
from circuitsnn.spice.parts import tau_feedback

SETTINGS = "reltol=1e-6 nr_residualcheck=0"


def run_vacask(deck, **sources):
    """Run a deck beside the Verilog-A sources, or others in their place."""
    modules = resource_folder("devices").glob("*.va")
    return run_deck(
        deck, "vacask", companions={file.name: sources.get(file.stem) or file.read_text() for file in modules}
    )


def simulate(case, max_step, settings=SETTINGS, **circuit):
    return run_vacask(vacask_deck(case, max_step, settings, **circuit))


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("oscillators", [single, pair])
def test_meets_the_ideal_circuit(oscillators, fidelity):
    case = oscillators(fidelity)
    waves = simulate(case, 5e-9)
    timing, period, energy = errors(case, waves)
    assert timing < (5e-5 if fidelity == "smooth" else 1.5 * LATE)
    assert period < (1e-5 if fidelity == "smooth" else 5e-7)
    assert energy < (1e-5 if fidelity == "smooth" else 2e-6)
    for i in range(case.network.size):
        assert waves[f"osc{i}_out"][-1] == pytest.approx(case.reference.voltage[i], abs=1e-4)
        share = (case.reference.conductance[i] - 1 / 100.2e3) / (1 / 990 - 1 / 100.2e3)
        assert waves[f"osc{i}_conductance"][-1] == pytest.approx(share, abs=1e-5)


@pytest.mark.parametrize("fidelity", ["relaxed", "abrupt"])
def test_converges_as_the_step_shrinks(fidelity):
    case = single(fidelity)
    coarse, middle, fine = (errors(case, simulate(case, step))[1] for step in (100e-9, 20e-9, 5e-9))
    assert coarse < 2e-5
    assert middle < coarse / 5
    assert fine < middle / 5


@pytest.mark.parametrize(("fidelity", "power", "largest"), [("smooth", 2 / 3, 6e-4), ("relaxed", 1.0, 6e-5)])
def test_converges_as_the_time_constant_of_the_feedback_shrinks(fidelity, power, largest):
    case = single(fidelity)
    taus = np.array([1e-10, 1e-11, 1e-12])
    periods = [
        errors(case, simulate(case, 5e-9, "reltol=1e-7 nr_residualcheck=0", extra=f"tau_feedback={tau}"))[1]
        for tau in taus
    ]
    assert periods[0] < largest
    slopes = np.diff(np.log(periods)) / np.diff(np.log(taus))
    np.testing.assert_allclose(slopes, power, atol=0.1)


def test_delay_of_smooth_is_that_of_passing_a_turning_point():
    """The closed form of docs/theory/netlists.md."""
    tau = 1e-12
    case = single("smooth")
    waves = simulate(case, 2e-9, "reltol=1e-7 nr_residualcheck=0", extra=f"tau_feedback={tau}")
    low, high = fold_voltages(1.0, 1.999, 200.0)
    tau_d, tau_c = (500e-12 / (1 / 20e3 + 1 / R) for R in (100.2e3, 990.0))
    discharge = [(2.5 - fold - 2.5 * 20e3 / 120.2e3) / tau_d for fold in (low, high)]
    charge = (2.5 * 20e3 / 20.99e3 - (2.5 - low)) / tau_c
    late_low, late_high = (2.338 * (tau**2 / (2 * 200.0 * rate)) ** (1 / 3) for rate in (charge, discharge[1]))
    expected = late_high + late_low * (1 + charge / discharge[0])
    found = np.diff(crossings(waves["time"], waves["osc0_metallic"], True))[-1]
    ideal = np.diff(case.reference.switching_times[0])[-1]
    assert found - ideal == pytest.approx(expected, rel=0.1)


def test_own_parameters_of_each_oscillator():
    case = drawn_three("relaxed")
    timing, _, energy = errors(case, simulate(case, 10e-9))
    assert timing < 1e-5
    assert energy < 3e-6


@pytest.mark.parametrize("scale", [1e-3, 1e3])
@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_any_speed_with_its_own_time_constant_of_the_feedback(fidelity, scale):
    case = scaled(fidelity, scale)
    own = f"tau_feedback={tau_feedback(990.0, 500e-12 * scale)}"
    timing, period, energy = errors(case, simulate(case, 20e-9 * scale, extra=own, rise=1e-10 * scale))
    assert timing < (1e-4 if fidelity == "smooth" else 1e-5)
    assert period < (2e-5 if fidelity == "smooth" else 2e-6)
    assert energy < 1e-5


def test_meter_leaves_the_steps_alone():
    deck = vacask_deck(single("relaxed", periods=1.5), 20e-9, SETTINGS)
    meter = (resource_folder("devices") / "energy_meter.va").read_text()
    blind = meter.replace("idt(V(supply)", "idt(0*V(supply)")
    assert blind != meter
    times = []
    for source in (meter, blind):
        times.append(run_vacask(deck, energy_meter=source)["time"])
    np.testing.assert_array_equal(*times)


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_hysteresis_loop(fidelity):
    up = loop_voltages()
    values = ", ".join(map(repr, [*up.tolist(), *up[::-1].tolist()]))
    deck = f"""loop
ground 0
load "vo2.va"
model vo2 vo2
model vsource vsource
vbias (top 0) vsource dc=0
xdevice (top 0 metallic conductance) vo2 fidelity={FIDELITIES.index(fidelity)}
control
  abort always
  options rawfile="binary" reltol=1e-6
  save default
  sweep bias instance="vbias" parameter="dc" values=[{values}] continuation=1
    analysis loop op
endc
"""
    waves = run_vacask(deck)
    current = -waves["i(vbias)"]
    for part, upwards in ((slice(None, up.size), True), (slice(up.size, None), False)):
        assert_is_the_loop(fidelity, waves["top"][part], current[part], waves["metallic"][part], upwards)


def test_coupling_switch():
    deck = """switch
ground 0
load "coupling_switch.va"
load "spice/resistor.osdi"
model coupling_switch coupling_switch
model resistor sp_resistor
model vsource vsource
vcontrol (control 0) vsource dc=0
va (a 0) vsource dc=2
xswitch (a b control) coupling_switch
rb (b 0) resistor r=1k
control
  abort always
  options rawfile="binary" reltol=1e-6 vntol=1e-12
  save default
  sweep control instance="vcontrol" parameter="dc" values=[0, 1]
    analysis switch op
endc
"""
    voltage = run_vacask(deck)["b"]
    np.testing.assert_allclose(voltage, [2e-9, 2 - 2e-6], rtol=1e-9, atol=1e-12)


def test_default_residual_check_stops_at_rounding():
    """Why nr_residualcheck=0: in steps of femtoseconds the rounding of C_P's charge exceeds abstol."""
    case = single("relaxed", periods=0.5)
    with pytest.raises(EngineError, match="Timestep too small"):
        simulate(case, 5e-9, "reltol=1e-7 vntol=1e-9")
