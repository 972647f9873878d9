"""Oscillators as a circuit that ngspice can run.

One oscillator is a supply step, a VO2 device and a load (R_S and C_P in parallel); a network adds one
coupling switch per oscillator and the coupling resistors between the switched nodes (Delacour and
Todri-Sanial, Fig. 3B, https://doi.org/10.3389/fnins.2021.694549). Oscillator 3 has the nodes

==================  ==========================================================================================
osc3_vdd            supply: 0 V until its delay, then V_DD
osc3_out            output
osc3_metallic       1 V while the device is in its metallic state, 0 V while it is insulating
osc3_conductance    where the conductance is between 1/R_ins (0 V) and 1/R_met (1 V)
osc3_bus            its coupling resistors meet here; a switch joins it to osc3_out
osc3_energy         energy drawn from its supply since the start, 1 V for each joule
==================  ==========================================================================================

and Rc_3_7 is the resistor between osc3_bus and osc7_bus.

What the circuit adds to the ideal one, and how much that matters at the values of Table 1:

- A switch of ngspice acts at the first time point beyond its threshold. Its step control lets the controlling
  voltage overshoot by 0.05 V, far too much on a threshold of 2 V (0.1 to 1 % of the period). The device
  therefore compares a voltage that is `COMPARATOR_GAIN` times larger: the overshoot shrinks to 0.5 uV, 0.3 ps
  when charging, 2e-7 of a period, and the engine's own step control finds the threshold.
- Supplies rise in ``tau_0 / 100``. The device sees V_H after V_H / V_DD of that: all oscillators start
  0.08 ns late, 4e-6 of a period. The coupling switches close half the same rise time late.
- A closed coupling switch has 1 mohm: 0.1 uV at 100 uA. An open one has 1e12 ohm.
- The switch inside the device sets the target conductance to within 1e-12 (insulating) and 1e-9 (metallic)
  of its value and does not load the circuit which relaxes towards it, so tau_0 is exact.
- The energy meter is kept too faint for the engine's step control to see, so reading it changes nothing.
"""

from typing import Protocol

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from PySpice.Spice.Netlist import Circuit, SubCircuit

from circuitsnn.errors import InputError
from circuitsnn.spice.numbers import spice_number

COMPARATOR_GAIN = 1e5
_RELAXATION_RESISTANCE = 1e3
_DEVICE_PARAMETERS = ("R_ins", "R_met", "V_L", "V_H", "tau_0")
_DEVICE_COMMENT = """\
* VO2 device with sharp thresholds: metallic once the voltage across it rises through V_H, insulating once
* that falls through V_L; in between its conductance relaxes with tau_0. The comparator's gain makes the
* engine's step control locate the thresholds.
.param G_ins={1/R_ins} G_met={1/R_met}
"""


class Network(Protocol):
    """What a netlist needs to know of an `OscillatorNetwork`."""

    @property
    def size(self) -> int:
        """Number of oscillators."""

    @property
    def parameters(self) -> dict[str, NDArray[np.float64]]:
        """Each device and circuit parameter, one value per oscillator, in SI units."""

    @property
    def coupling_resistance(self) -> NDArray[np.float64] | scipy.sparse.sparray:
        """Coupling resistances in ohm; open where infinite (dense) or absent (sparse)."""


def oscillator_circuit(
    network: Network,
    delays: ArrayLike,
    close_at: float | None = None,
    fidelity: str = "relaxed",
    energy: bool = True,
    comparator_gain: float = COMPARATOR_GAIN,
    title: str = "Network of VO2 relaxation oscillators",
) -> Circuit:
    """Circuit of a network: supplies, devices, loads, coupling switches and coupling resistors.

    Parameters
    ----------
    network
        The oscillators and their coupling.
    delays
        When each supply switches on (N,). [s]
    close_at
        When the coupling switches close; needed if anything is coupled. [s]
    fidelity
        ``"relaxed"``: sharp thresholds, conductance relaxing with tau_0.
    energy
        Whether to add a meter of the energy drawn from each supply.
    comparator_gain
        Factor on the voltage that is compared with the thresholds; 1 for a plain hysteretic switch.
    title
        First line of the netlist.

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        To edit further, to print, or to run with `run_ngspice`.

    Raises
    ------
    InputError
        If a delay or the closing time is missing, negative or not finite, or the fidelity is not known.
    """
    if fidelity != "relaxed":
        raise InputError(f"fidelity {fidelity!r} has no SPICE model; allowed: 'relaxed'")
    delays = np.asarray(delays, dtype=float)
    if delays.shape != (network.size,):
        raise InputError(f"delays has shape {delays.shape}; a network of {network.size} needs {(network.size,)}")
    if not np.all(np.isfinite(delays) & (delays >= 0)):
        raise InputError("delays holds a negative or infinite time; allowed: finite times from 0 s on")
    pairs = _coupled_pairs(network.coupling_resistance)
    if pairs and (close_at is None or not np.isfinite(close_at) or close_at < 0):
        raise InputError(f"close_at is {close_at}; coupled oscillators need a finite time from 0 s on")

    parameters = network.parameters
    rise = float(np.min(parameters["tau_0"])) / 100
    circuit = Circuit(" ".join(title.split()))
    circuit.subcircuit(_relaxed_device(comparator_gain, {key: parameters[key][0] for key in _DEVICE_PARAMETERS}))
    for i in range(network.size):
        own = {name: float(values[i]) for name, values in parameters.items()}
        _add_oscillator(circuit, f"osc{i}", own, float(delays[i]), rise, energy)
    if pairs:
        _add_coupling(circuit, pairs, float(close_at), rise)
    return circuit


def saved_vectors(size: int, energy: bool = True) -> list[str]:
    """Vectors to save so that switching times, phases and energies can be read back.

    Parameters
    ----------
    size
        Number of oscillators.
    energy
        Whether the circuit was built with its energy meters.

    Returns
    -------
    list of str
        Names as ngspice writes them, e.g. ``v(osc3_out)``.
    """
    nodes = ["vdd", "out", "metallic"] + (["energy"] if energy else [])
    return [f"v(osc{i}_{node})" for i in range(size) for node in nodes]


def transient_deck(
    circuit: Circuit | str,
    stop: float,
    max_step: float,
    save: list[str] | None = None,
    options: dict[str, object] | None = None,
    comment: str = "",
) -> str:
    """Complete ngspice deck of a transient analysis.

    Parameters
    ----------
    circuit
        A circuit, or its netlist as text without analysis lines.
    stop
        Length of the simulated time. [s]
    max_step
        Largest step that the engine may take. [s]
    save
        Vectors to keep, e.g. ``v(osc3_out)``; None keeps every node.
    options
        Simulator options, e.g. ``{"reltol": 1e-4, "method": "gear"}``.
    comment
        What the deck is, for whoever reads it.

    Returns
    -------
    str
        The deck, from its title to ``.end``.
    """
    for name, value in (("stop", stop), ("max_step", max_step)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value} s; allowed: a finite time above 0 s")
    title, _, body = str(circuit).partition("\n")
    step, end = spice_number(max_step), spice_number(stop)
    lines = [title, *(f"* {line}".rstrip() for line in comment.splitlines()), body.rstrip()]
    if options:
        lines.append(".options " + " ".join(f"{name}={value}" for name, value in options.items()))
    if save is not None:
        lines += [".save " + " ".join(save[k : k + 8]) for k in range(0, len(save), 8)]
    lines += [f".tran {step} {end} 0 {step}", ".end"]
    return "\n".join(lines) + "\n"


def _coupled_pairs(resistance: NDArray[np.float64] | scipy.sparse.sparray) -> list[tuple[int, int, float]]:
    """Coupling resistors as (i, j, ohm) with i < j."""
    if scipy.sparse.issparse(resistance):
        upper = scipy.sparse.triu(resistance, 1).tocoo()
        rows, columns, values = upper.row, upper.col, upper.data
    else:
        rows, columns = np.nonzero(np.triu(np.isfinite(resistance), 1))
        values = np.asarray(resistance)[rows, columns]
    found = zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True)
    return sorted(pair for pair in found if np.isfinite(pair[2]))


def _relaxed_device(gain: float, defaults: dict[str, float]) -> SubCircuit:
    """VO2 subcircuit; each instance sets its own R_ins, R_met, V_L, V_H and tau_0."""
    g, r = spice_number(gain), spice_number(_RELAXATION_RESISTANCE)
    ports = ("drive", "out", "metallic", "conductance")
    device = SubCircuit("vo2_relaxed", *ports, **{key: spice_number(value) for key, value in defaults.items()})
    device.raw_spice = _DEVICE_COMMENT
    device.VCCS("compare", 0, "compare", "drive", "out", transconductance=g)
    device.R("compare", "compare", 0, "1")
    device.V("one", "one", 0, "1")
    device.VCS("threshold", "one", "metallic", "compare", 0, model="threshold")
    device.R("metallic", "metallic", 0, "1k")
    device.model(
        "threshold",
        "sw",
        vt=f"{{{g}*(V_H+V_L)/2}}",
        vh=f"{{{g}*(V_H-V_L)/2}}",
        ron="1u",
        roff="1e15",
    )
    device.VCCS("relax", 0, "conductance", "metallic", 0, transconductance=f"{{1/{r}}}")
    device.R("relax", "conductance", 0, r)
    device.C("relax", "conductance", 0, f"{{tau_0/{r}}}")
    device.B("device", "drive", "out", i="V(drive,out)*(G_ins+(G_met-G_ins)*V(conductance))")
    return device


def _add_oscillator(
    circuit: Circuit, name: str, own: dict[str, float], delay: float, rise: float, energy: bool
) -> None:
    """Add supply, device, load and meter of one oscillator."""
    vdd, out = f"{name}_vdd", f"{name}_out"
    step = [(delay, 0.0), (delay + rise, own["V_DD"])]
    circuit.V(f"{name}_vdd", vdd, 0, _piecewise_linear(step))
    circuit.X(
        name,
        "vo2_relaxed",
        vdd,
        out,
        f"{name}_metallic",
        f"{name}_conductance",
        **{key: spice_number(own[key]) for key in _DEVICE_PARAMETERS},
    )
    circuit.R(f"s_{name}", out, 0, spice_number(own["R_S"]))
    circuit.C(f"p_{name}", out, 0, spice_number(own["C_P"]))
    if energy:
        # The current must stay below what the engine's step control looks at (abstol), or the meter would
        # choose the steps: 1 mW gives 1 pA. The operating point needs the resistor; it leaks 1e-6 in 1 ms.
        meter = f"{name}_energy"
        circuit.B(f"{name}_power", 0, meter, i=f"-1n*V({vdd})*I(V{name}_vdd)")
        circuit.C(meter, meter, 0, "1n")
        circuit.R(meter, meter, 0, "1e12")


def _add_coupling(circuit: Circuit, pairs: list[tuple[int, int, float]], close_at: float, rise: float) -> None:
    """Add the coupling resistors and one switch for each oscillator that has any."""
    circuit.V("coupling", "coupling", 0, _piecewise_linear([(close_at, 0.0), (close_at + rise, 1.0)]))
    circuit.model("coupling_switch", "sw", vt="0.5", vh="0", ron="1m", roff="1e12")
    for i in sorted({index for pair in pairs for index in pair[:2]}):
        circuit.VCS(f"osc{i}", f"osc{i}_out", f"osc{i}_bus", "coupling", 0, model="coupling_switch")
    for i, j, resistance in pairs:
        circuit.R(f"c_{i}_{j}", f"osc{i}_bus", f"osc{j}_bus", spice_number(resistance))


def _piecewise_linear(points: list[tuple[float, float]]) -> str:
    """Source value that holds its first and last level outside the given (time, volt) points."""
    if points[0][0] > 0:
        points = [(0.0, points[0][1]), *points]
    return "PWL(" + " ".join(f"{spice_number(t)} {spice_number(v)}" for t, v in points) + ")"
