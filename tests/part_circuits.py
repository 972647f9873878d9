"""Oscillators put together from the library parts, as text for ngspice and VACASK, and what an ideal one does."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from reference_solver import (
    PlainNetwork,
    all_to_all,
    fold_voltages,
    metallic_share,
    plain_network,
    solve_reference,
)

from circuitsnn.spice.parts import coupling_switch, energy_meter, vo2

FIDELITIES = ("smooth", "relaxed", "abrupt")
PERIOD = 21.7378e-6  # relaxed, V_H = 1.999 V [s]
RISE = 1e-10  # of the supplies [s]
LATE = 4e-6  # by so much of a period the supply's rise makes every switching late: V_H / V_DD of 0.1 ns


@dataclass(frozen=True)
class Case:
    """Oscillators to simulate."""

    network: PlainNetwork
    delays: tuple[float, ...]
    close_at: float
    stop: float
    fidelity: str

    @cached_property
    def reference(self):
        """What the ideal circuit does."""
        network = self.network
        delays = np.array(self.delays)
        return solve_reference(
            network.parameters, network.coupling_resistance, delays, self.close_at, self.stop, self.fidelity
        )

    @property
    def oscillators(self):
        """Number, delay, supply, load and capacitance of each oscillator."""
        values = self.network.parameters
        return zip(range(self.network.size), self.delays, values["V_DD"], values["R_S"], values["C_P"], strict=True)

    @property
    def resistors(self):
        """Coupling resistors (i, j, ohm)."""
        resistance = self.network.coupling_resistance
        return [(i, j, resistance[i, j]) for i, j in np.argwhere(np.isfinite(resistance)) if i < j]

    def device(self, i, names):
        """Assignments of a device's own parameters."""
        return " ".join(f"{name}={float(self.network.parameters[name][i])!r}" for name in names)


def single(fidelity, periods=5.5):
    return Case(plain_network(1), (0.0,), np.inf, periods * PERIOD, fidelity)


def pair(fidelity):
    network = plain_network(2, all_to_all(10e3, 2))
    return Case(network, (0.0, PERIOD / 4), PERIOD / 4 + 0.478e-6, 5.5 * PERIOD, fidelity)


def ngspice_circuit(case, without_switch=False, extra="", rise=RISE):
    """Circuit as ngspice reads it, without its analysis; ``extra`` is added to each device's parameters."""
    parts = [vo2(case.fidelity), energy_meter(), coupling_switch()]
    if without_switch:
        parts = [part.without_switch for part in parts]
    own = [name for name in parts[0].parameters if name != "tau_feedback"]
    lines = ["test", *map(str, parts), f"Vcoupling coupling 0 PULSE(0 1 {min(case.close_at, 1.0)} {rise} {rise} 1)"]
    for i, delay, supply, load, capacitance in case.oscillators:
        name = f"osc{i}"
        lines += [
            f"V{name} {name}_vdd 0 PULSE(0 {supply} {delay} {rise} {rise} 1)",
            f"Xmeter_{name} {name}_vdd {name}_drive {name}_energy energy_meter",
            f"X{name} {name}_drive {name}_out {name}_metallic {name}_conductance {parts[0].name} "
            f"{case.device(i, own)} {extra}",
            f"Rs_{name} {name}_out 0 {load}",
            f"Cp_{name} {name}_out 0 {capacitance}",
            f"Xswitch_{name} {name}_out {name}_bus coupling coupling_switch",
        ]
    lines += [f"Rc_{i}_{j} osc{i}_bus osc{j}_bus {ohm}" for i, j, ohm in case.resistors]
    return "\n".join(lines) + "\n"


def vacask_deck(case, max_step, options, extra="", rise=RISE):
    """Complete deck for VACASK, which reads the names of Verilog-A parameters in lower case only."""
    modules = [part.verilog_a for part in (vo2(case.fidelity), energy_meter(), coupling_switch())]
    own = vo2(case.fidelity).parameters
    fixed = " ".join(f"{name}={value}" for name, value in modules[0].parameters.items())
    lines = ["test", "ground 0", 'load "spice/resistor.osdi"', 'load "spice/capacitor.osdi"']
    lines += [f'load "{module.file}"' for module in modules]
    lines += [f"model {module.module} {module.module}" for module in modules]
    lines += ["model resistor sp_resistor", "model capacitor sp_capacitor", "model vsource vsource"]
    lines += [f'vcoupling (coupling 0) vsource type="pulse" val0=0 val1=1 delay={min(case.close_at, 1)} rise={rise}']
    for i, delay, supply, load, capacitance in case.oscillators:
        name = f"osc{i}"
        device = case.device(i, [name for name in own if name != "tau_feedback"]).lower()
        lines += [
            f'v{name} ({name}_vdd 0) vsource type="pulse" val0=0 val1={supply} delay={delay} rise={rise}',
            f"meter_{name} ({name}_vdd {name}_drive {name}_energy) energy_meter",
            f"x{name} ({name}_drive {name}_out {name}_metallic {name}_conductance) vo2 {fixed} {device} {extra}",
            f"rs_{name} ({name}_out 0) resistor r={load}",
            f"cp_{name} ({name}_out 0) capacitor c={capacitance}",
            f"switch_{name} ({name}_out {name}_bus coupling) coupling_switch",
        ]
    lines += [f"rc_{i}_{j} (osc{i}_bus osc{j}_bus) resistor r={ohm}" for i, j, ohm in case.resistors]
    lines += ["control", "abort always", f'options rawfile="binary" {options}', "save default"]
    lines += [f"analysis tran tran stop={case.stop} step={max_step} maxstep={max_step}", "endc"]
    return "\n".join(lines) + "\n"


def drawn_three(fidelity):
    """Three oscillators, each with its own parameters."""
    rng = np.random.default_rng(3)
    table = {"R_S": 20e3, "C_P": 500e-12, "R_ins": 100.2e3, "R_met": 990.0, "V_L": 1.0}
    drawn = {name: value * (1 + 0.01 * rng.standard_normal(3)) for name, value in table.items()}
    resistance = np.array([[np.inf, 300e3, 400e3], [300e3, np.inf, 500e3], [400e3, 500e3, np.inf]])
    network = plain_network(3, resistance, V_DD=np.array([2.5, 2.52, 2.49]), **drawn)
    return Case(network, (0.0, 3e-6, 7e-6), 8e-6, 4 * PERIOD, fidelity)


def scaled(fidelity, scale):
    """One oscillator at another speed."""
    network = plain_network(1, C_P=np.full(1, 500e-12 * scale), tau_0=np.full(1, 10e-9 * scale))
    return Case(network, (0.0,), np.inf, 5.5 * PERIOD * scale, fidelity)


def errors(case, waves):
    """Largest error of the switching times and of the last period [periods], and of the energies."""
    timing, period, energy = [], [], []
    for i in range(case.network.size):
        metallic = waves[f"osc{i}_metallic"]
        energy.append(waves[f"osc{i}_energy"][-1])
        for expected, rising in ((case.reference.switching_times[i], True), (case.reference.return_times[i], False)):
            found = crossings(waves["time"], metallic, rising)
            assert found.size == expected.size
            last = expected[-1] - expected[-2]
            timing.append(np.abs(found - expected).max() / last)
            period.append(abs((found[-1] - found[-2]) / last - 1))
    return max(timing), max(period), np.abs(np.array(energy) / case.reference.energy - 1).max()


def crossings(time, metallic, rising):
    """Times at which a device changed its state."""
    high = metallic > 0.5
    step = np.flatnonzero((high[1:] != high[:-1]) & (high[1:] == rising))
    part = (0.5 - metallic[step]) / (metallic[step + 1] - metallic[step])
    return time[step] + part * (time[step + 1] - time[step])


def loop_voltages():
    """Voltages up to 2.5 V, in steps of 0.1 mV about either threshold of either kind."""
    near = [np.arange(low, low + 0.02, 1e-4) for low in (0.99505, 1.98505)]  # never on a threshold
    return np.sort(np.concatenate([np.arange(0.02, 2.5, 0.05), *near]))


def assert_is_the_loop(fidelity, voltage, current, metallic, upwards):
    """Compare a branch of the I-V loop with its closed form (docs/theory/oscillator.md)."""
    parameters = plain_network(1).parameters
    V_L, V_H, alpha = (float(parameters[name][0]) for name in ("V_L", "V_H", "alpha"))
    down, up = fold_voltages(V_L, V_H, alpha) if fidelity == "smooth" else (V_L, V_H)
    is_metallic = voltage > (up if upwards else down)
    share = is_metallic.astype(float)
    if fidelity == "smooth":
        share = np.array([metallic_share(v, m, V_L, V_H, alpha) for v, m in zip(voltage, is_metallic, strict=True)])
    np.testing.assert_allclose(metallic, share, rtol=0, atol=1e-6)
    R_ins, R_met = (float(parameters[name][0]) for name in ("R_ins", "R_met"))
    np.testing.assert_allclose(current, voltage * ((1 - share) / R_ins + share / R_met), rtol=1e-5, atol=1e-12)
