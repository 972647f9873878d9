"""What a simulator measures by its own .meas lines is what its waveforms show."""

import math

import numpy as np
import pytest
from PySpice.Spice.Netlist import Circuit

from circuitsnn.spice import DCSweep, Deck, OperatingPoint, Transient, simulate
from circuitsnn.spice.analyses import Edge, Interval, Maximum, Ratio, evaluate
from circuitsnn.spice.netlists import deck


def test_ngspice_measures_what_its_waveforms_show():
    pair = deck("pair", coupling_resistance=100e3, delay=0.1, periods=6, options={"reltol": 1e-5})
    waveforms = simulate(pair, "ngspice")
    shown = evaluate(pair.measures, waveforms)
    assert set(shown) == {"period", "lag_1", "phase_1", "energy_0", "energy_1"}
    assert dict(waveforms.measures) == pytest.approx(shown, rel=2e-6)  # it prints seven digits
    assert 10 < shown["phase_1"] < 350


def test_vacask_has_no_measurements_so_they_come_from_its_waveforms():
    pair = deck("pair", periods=4, options={"reltol": 1e-5})
    waveforms = simulate(pair, "vacask")
    assert dict(waveforms.measures) == evaluate(pair.measures, waveforms)
    assert waveforms.measures["period"] == pytest.approx(21.7378e-6, rel=1e-4)


class Saw:
    """A sawtooth that falls from 1 V to 0 V once a second, sampled coarsely."""

    def __init__(self):
        self.time = np.array([0.0, 0.1, 1.0, 1.1, 2.0, 2.1, 3.0])
        self.voltage = np.array([0.0, 1.0, 0.1, 1.0, 0.1, 1.0, 0.1])

    def __getitem__(self, name):
        return self.voltage


def test_by_hand():
    saw = Saw()
    assert Edge("a", 2, 0.55).time(saw) == pytest.approx(1.05)
    assert Edge("a", 1, 0.55, rising=False).time(saw) == pytest.approx(0.55)
    assert math.isnan(Edge("a", 4, 0.55).time(saw))
    measures = (
        Interval("t", Edge("a", 2, 0.55), Edge("a", 3, 0.55)),
        Interval("lag", Edge("a", 2, 0.55), Edge("a", 2, 0.55, rising=False)),
        Ratio("phase", "lag", "t", 360.0),
        Maximum("top", "a"),
    )
    assert evaluate(measures, saw) == pytest.approx({"t": 1.0, "lag": 0.5, "phase": 180.0, "top": 1.0})


@pytest.mark.parametrize("engine", ["ngspice", "vacask"])
def test_every_analysis_runs(engine):
    circuit = Circuit("divider")
    circuit.V("1", "a", 0, "PULSE(0 {V_1} 1u 1n 1n 1 2)")
    circuit.parameter("V_1", "4")
    circuit.R("1", "a", "b", "1k")
    circuit.R("2", "b", 0, "3k")
    save = ("b", "i(V1)")
    run = simulate(Deck(circuit, Transient(2e-6, 1e-8), save=save), engine)
    assert run["b"][[0, -1]] == pytest.approx([0.0, 3.0])
    assert run["i(v1)"][-1] == pytest.approx(-1e-3)
    rest = simulate(Deck(circuit, OperatingPoint(), save=save), engine)
    assert rest["b"] == pytest.approx([0.0])
    bench = Circuit("divider")
    bench.V("sweep", "a", 0, "DC 0")
    bench.R("1", "a", "b", "1k")
    bench.R("2", "b", 0, "3k")
    swept = simulate(Deck(bench, DCSweep("Vsweep", -1.0, 1.0, 0.5), save=("b",)), engine)
    assert swept["sweep"] == pytest.approx([-1.0, -0.5, 0.0, 0.5, 1.0])
    assert swept["b"] == pytest.approx(0.75 * swept["sweep"], abs=1e-12)
