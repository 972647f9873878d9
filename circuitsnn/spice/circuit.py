"""Oscillators as a circuit: a PySpice ``Circuit`` to edit, print, run, or write in any dialect.

One oscillator is a supply step, a VO2 device and a load (R_S and C_P in parallel); a network adds one
coupling switch per oscillator and the coupling resistors between the switched nodes (Delacour and
Todri-Sanial, Fig. 3B, https://doi.org/10.3389/fnins.2021.694549). Oscillator 3 has the nodes

==================  ==========================================================================================
osc3_vdd            supply: 0 V until its delay, then V_DD
osc3_drive          the same behind the energy meter, where there is one
osc3_out            output
osc3_metallic       1 V while the device is in its metallic state, 0 V while it is insulating
osc3_conductance    where the conductance is between 1/R_ins (0 V) and 1/R_met (1 V)
osc3_bus            its coupling resistors meet here; a switch joins it to osc3_out
osc3_energy         energy drawn from its supply since the start, 1 V for each joule
==================  ==========================================================================================

and Rc_3_7 is the resistor between osc3_bus and osc7_bus. What all oscillators share is a parameter at the top. What
the circuit adds to the ideal one, and how much that matters: docs/theory/netlists.md.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from PySpice.Spice.Netlist import Circuit

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.spice.numbers import spice_number
from circuitsnn.spice.parts import COMPARATOR_GAIN, TAU_FEEDBACK, coupling_switch, energy_meter, tau_feedback, vo2

_FOREVER = "1k"  # s, longer than any run


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
    delays: ArrayLike = 0.0,
    close_at: float | None = None,
    fidelity: str = "relaxed",
    energy: bool = True,
    comparator_gain: float = COMPARATOR_GAIN,
    random: Card | None = None,
    title: str = "Network of VO2 relaxation oscillators",
) -> Circuit:
    """Circuit of a network: supplies, devices, loads, coupling switches and coupling resistors.

    Parameters
    ----------
    network
        The oscillators and their coupling.
    delays
        When each supply switches on, or all of them (N,). [s]
    close_at
        When the coupling switches close; needed if anything is coupled. [s]
    fidelity
        ``"smooth"``: the equations as written; ``"relaxed"``: sharp thresholds, conductance relaxing with tau_0;
        ``"abrupt"``: the conductance jumps.
    energy
        Whether to add a meter of the energy drawn from each supply.
    comparator_gain
        Factor on the voltage that a hysteretic switch compares with the thresholds; 1 for a plain switch.
    random
        Card by whose spreads the simulator is to draw each device, about the network's own values, with its own
        random functions. None: each device has the network's values.
    title
        First line of the netlist.

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        To edit further, to print, or to write as a deck of any dialect.

    Raises
    ------
    InputError
        If a delay or the closing time is missing, negative or not finite, or the fidelity is not known.
    """
    delays = np.asarray(delays, dtype=float)
    if delays.shape not in ((), (network.size,)):
        raise InputError(f"delays has shape {delays.shape}; a network of {network.size} needs {(network.size,)}")
    if not np.all(np.isfinite(delays) & (delays >= 0)):
        raise InputError("delays holds a negative or infinite time; allowed: finite times from 0 s on")
    delays = np.broadcast_to(delays, (network.size,))
    pairs = _coupled_pairs(network.coupling_resistance)
    if pairs and (close_at is None or not np.isfinite(close_at) or close_at < 0):
        raise InputError(f"close_at is {close_at}; coupled oscillators need a finite time from 0 s on")

    device = vo2(fidelity, comparator_gain)
    names = tuple(name for name in device.parameters if name in network.parameters)
    circuit = Circuit(" ".join(title.split()))
    columns = _columns(circuit, network, names)
    if random is not None:
        columns |= _random_columns(circuit, columns, random)
    circuit.parameter("t_rise", spice_number(_rise(network.parameters["R_met"], network.parameters["C_P"])))
    circuit.subcircuit(device)
    if energy:
        circuit.subcircuit(energy_meter())
    lag = _feedback(network.parameters["R_met"], network.parameters["C_P"])
    if lag is not None:
        circuit.parameter("tau_feedback", spice_number(lag))
    late = _shared(circuit, "t_delay", delays[delays > 0])
    for i, delay in enumerate(delays):
        own = {name: values[i] for name, values in columns.items()}
        own["delay"] = late(delay) if delay else "0"
        given = {name: own[name] for name in names} | ({} if lag is None else {"tau_feedback": "{tau_feedback}"})
        _add_oscillator(circuit, i, own, device.name, given, energy)
    if pairs:
        _add_coupling(circuit, pairs, float(close_at))
    return circuit


def hysteresis_circuit(
    card: Card,
    fidelity: str = "relaxed",
    v_max: float | None = None,
    title: str = "Current-voltage loop of a VO2 device",
) -> Circuit:
    """Circuit whose one DC sweep traces both branches of a device's current against its voltage (Fig. 2C).

    Two equal devices: the voltage of source ``Vsweep`` lies across one (node ``up``), v_max less that voltage across
    the other (node ``down``). While the sweep runs from 0 V to v_max the one follows the loop upwards from its
    insulating state and the other downwards from its metallic state. Their currents are those of ``Vup_current`` and
    ``Vdown_current``.

    Parameters
    ----------
    card
        The device.
    fidelity
        As for `oscillator_circuit`.
    v_max
        Upper end of the loop, above V_H; 1.5 V_H without it. [V]
    title
        First line of the netlist.

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        The circuit, to be run with a `circuitsnn.spice.analyses.DCSweep` of ``Vsweep``.

    Raises
    ------
    InputError
        If v_max is not above V_H or the fidelity is not known.
    """
    v_max = 1.5 * card.V_H if v_max is None else float(v_max)
    if not card.V_H < v_max < np.inf:
        raise InputError(f"v_max is {v_max} V; allowed is a voltage above V_H = {card.V_H} V")
    device = vo2(fidelity)
    circuit = Circuit(" ".join(title.split()))
    names = [name for name in device.parameters if name in card.values]
    for name in names:
        circuit.parameter(name, spice_number(card.values[name]))
    circuit.parameter("v_max", spice_number(v_max))
    circuit.subcircuit(device)
    values = {name: f"{{{name}}}" for name in names}
    circuit.V("sweep", "up", 0, "DC 0")
    circuit.V("max", "top", 0, "DC {v_max}")
    circuit.VCVS("down", "down", 0, "top", "up", voltage_gain="1")
    for branch in ("up", "down"):
        low = f"{branch}_low"
        circuit.X(branch, device.name, branch, low, f"{branch}_metallic", f"{branch}_conductance", **values)
        circuit.V(f"{branch}_current", low, 0, "DC 0")
    return circuit


def saved_nodes(size: int, energy: bool = True) -> tuple[str, ...]:
    """Nodes to save so that switching times, phases and energies can be read back.

    Parameters
    ----------
    size
        Number of oscillators.
    energy
        Whether the circuit was built with its energy meters.

    Returns
    -------
    tuple of str
        Names of nodes, e.g. ``osc3_out``.
    """
    nodes = ["vdd", "out", "metallic"] + (["energy"] if energy else [])
    return tuple(f"osc{i}_{node}" for i in range(size) for node in nodes)


def _rise(R_met: NDArray[np.float64], C_P: NDArray[np.float64]) -> float:
    """Rise time of the supplies, far below the time in which the outputs charge. [s]."""
    return float(f"{np.min(R_met * C_P) / 5000:.1g}")


def _feedback(R_met: NDArray[np.float64], C_P: NDArray[np.float64]) -> float | None:
    """Time constant of the devices' feedback where it must not be the default: other speeds than Table 1's. [s]."""
    lag = tau_feedback(float(np.min(R_met)), float(np.min(C_P)))
    return None if 0.5 * TAU_FEEDBACK <= lag <= 2 * TAU_FEEDBACK else lag


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


def _shared(circuit: Circuit, name: str, values: NDArray[np.float64]) -> Callable[[float], str]:
    """Make one parameter of values that are all the same; lend a function that names it or writes the number."""
    if len(values) and np.all(values == values[0]):
        circuit.parameter(name, spice_number(values[0]))
        return lambda value: f"{{{name}}}"
    return spice_number


def _columns(circuit: Circuit, network: Network, device: tuple[str, ...]) -> dict[str, list[str]]:
    """Each parameter's value for each oscillator, as text; what all share becomes a parameter of the circuit."""
    columns = {}
    for name in ("V_DD", "R_S", "C_P", *device):
        values = network.parameters[name]
        columns[name] = list(map(_shared(circuit, name, values), values))
    return columns


def _random_columns(circuit: Circuit, columns: Mapping[str, list[str]], card: Card) -> dict[str, list[str]]:
    """Expressions by which the simulator draws what a card spreads, each device and parameter its own draw."""
    drawn = {}
    for name, values in columns.items():
        spread = card.parameters[name].spread
        if spread is None or card.values[name] == 0:
            continue
        if spread.correlated_with is not None:
            raise InputError(
                f"card {card.name} ties the spread of {name} to {spread.correlated_with.name}; simulators' random "
                "functions do not: write a deck in which each device has a drawn value of its own"
            )
        relative = spread.standard_deviation(card.values[name]) / card.values[name]
        drawn[name] = []
        for i, value in enumerate(values):
            score = f"z_{name}_{i}"
            uniform = spread.distribution == "uniform"
            circuit.parameter(score, "{aunif(0,1)}" if uniform else "{agauss(0,1,1)}")
            design = value.strip("{}")
            if spread.distribution == "lognormal":
                drawn[name].append(f"{{{design}*exp({_short(np.sqrt(np.log1p(relative**2)))}*{score})}}")
            else:
                width = relative * np.sqrt(3) if uniform else relative
                drawn[name].append(f"{{{design}*(1+{_short(width)}*{score})}}")
    return drawn


def _short(value: float) -> str:
    """Write a relative spread, which nobody knows to more than five digits."""
    return f"{value:.5g}"


def _add_oscillator(
    circuit: Circuit, i: int, own: Mapping[str, str], device: str, parameters: Mapping[str, str], energy: bool
) -> None:
    """Add supply, meter, device and load of one oscillator."""
    vdd, drive, out = f"osc{i}_vdd", f"osc{i}_drive" if energy else f"osc{i}_vdd", f"osc{i}_out"
    step = f"PULSE(0 {own['V_DD']} {own['delay']} {{t_rise}} {{t_rise}} {_FOREVER} 2k)"
    circuit.V(f"osc{i}", vdd, 0, step)
    if energy:
        circuit.X(f"meter_{i}", "energy_meter", vdd, drive, f"osc{i}_energy")
    state = (f"osc{i}_metallic", f"osc{i}_conductance")
    circuit.X(f"osc{i}", device, drive, out, *state, **parameters)
    circuit.R(f"s_{i}", out, 0, own["R_S"])
    circuit.C(f"p_{i}", out, 0, own["C_P"])


def _add_coupling(circuit: Circuit, pairs: list[tuple[int, int, float]], close_at: float) -> None:
    """Add the coupling resistors and one switch for each oscillator that has any."""
    circuit.parameter("t_close", spice_number(close_at))
    circuit.subcircuit(coupling_switch())
    circuit.V("coupling", "coupling", 0, f"PULSE(0 1 {{t_close}} {{t_rise}} {{t_rise}} {_FOREVER} 2k)")
    for i in sorted({index for pair in pairs for index in pair[:2]}):
        circuit.X(f"switch_{i}", "coupling_switch", f"osc{i}_out", f"osc{i}_bus", "coupling")
    value = _shared(circuit, "R_C", np.array([resistance for *_, resistance in pairs]))
    for i, j, resistance in pairs:
        circuit.R(f"c_{i}_{j}", f"osc{i}_bus", f"osc{j}_bus", value(resistance))
