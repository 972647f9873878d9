"""An independent, tight solution of coupled VO2 oscillators, by which the package's own engine is judged.

Written for care, not for speed: SciPy's DOP853 between events. At each event (supply step, closing of the
coupling switches, switching of a device) the integration stops, the state is found by integrating again from
the last accepted step to that very instant (never by interpolation), and a fresh integration starts from it.
Nothing of the package is imported.

The circuit, for each oscillator i: supply V_DD,i (0 V before its delay) - VO2 device of conductance G_i -
output node v_i - R_S,i and C_P,i in parallel to ground; R_ij between the output nodes from ``close_at`` on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.integrate import DOP853
from scipy.optimize import brentq, minimize_scalar

PARAMETER_NAMES = ("V_DD", "R_S", "C_P", "R_ins", "R_met", "V_L", "V_H", "alpha", "tau_0")
SAMPLES_PER_STEP = 9  # where the device voltages are looked at within each accepted step, both ends included
SIMULTANEOUS = 1e-13  # a device this close to its threshold when another switches, switches with it [V]
TABLE_1 = {
    "V_DD": 2.5,
    "R_S": 20e3,
    "C_P": 500e-12,
    "R_ins": 100.2e3,
    "R_met": 990.0,
    "V_L": 1.0,
    "V_H": 1.999,
    "alpha": 200.0,
    "tau_0": 10e-9,
}


@dataclass(frozen=True)
class ReferenceRun:
    """What the reference solver found.

    Attributes
    ----------
    switching_times, return_times : tuple of ndarray
        Per oscillator, times of insulating -> metallic and metallic -> insulating switching. [s]
    voltage, conductance, metallic : ndarray, shape (N,)
        State at ``stop``: output voltage [V], device conductance [S], whether metallic.
    energy : ndarray, shape (N,)
        Energy drawn from each supply. [J]
    dissipated : float
        Heat in all devices and resistors. [J]
    stop : float
        Time of the final state. [s]
    """

    switching_times: tuple[np.ndarray, ...]
    return_times: tuple[np.ndarray, ...]
    voltage: np.ndarray
    conductance: np.ndarray
    metallic: np.ndarray
    energy: np.ndarray
    dissipated: float
    stop: float


@dataclass(frozen=True)
class PlainNetwork:
    """The attributes of an OscillatorNetwork that netlists and this reference read."""

    parameters: Mapping[str, np.ndarray]
    coupling_resistance: np.ndarray

    @property
    def size(self):
        return len(self.parameters["V_DD"])


def plain_network(size, coupling_resistance=None, **parameters):
    """Return a network at the values of Table 1, except for the arrays given; uncoupled if no resistances are."""
    values = {name: np.full(size, value) for name, value in TABLE_1.items()} | parameters
    if coupling_resistance is None:
        coupling_resistance = np.full((size, size), np.inf)
    return PlainNetwork(values, coupling_resistance)


def all_to_all(resistance, size):
    """Coupling resistances of one value between all pairs, open on the diagonal."""
    matrix = np.full((size, size), float(resistance))
    np.fill_diagonal(matrix, np.inf)
    return matrix


def parameters_of(cards) -> dict[str, np.ndarray]:
    """Stack cards (anything with the nine parameters as attributes) into arrays, one entry an oscillator."""
    return {name: np.array([float(getattr(card, name)) for card in cards]) for name in PARAMETER_NAMES}


def fold_voltages(V_L, V_H, alpha):
    """Return the turning points of equation 3: ends of the metallic and of the insulating branch. [V]"""
    width = V_H - V_L
    u = np.sqrt(1 - 1 / (alpha * width))
    centre = V_L + width / 2
    reach = width * u / 2 - np.arctanh(u) / (2 * alpha)
    return centre - reach, centre + reach


def metallic_share(voltage, metallic, V_L, V_H, alpha):
    """Solve equation 3 for one device on the branch given; return 1 - V_0, the value that V_c tends to.

    With V_0 = (1 + tanh w) / 2 equation 3 reads V = V_L + (V_H - V_L)(1 + tanh w)/2 - w/(2 alpha). The
    insulating branch is w >= w_fold > 0, where V falls with w and is concave, so Newton from the far side
    converges monotonically. The metallic branch is its mirror image. Beyond the fold (trial steps only) V_0
    is held.
    """
    width = V_H - V_L
    fold = math.atanh(math.sqrt(1 - 1 / (alpha * width)))
    mirrored = V_L + V_H - voltage if metallic else voltage
    w = max(2 * alpha * (V_H - mirrored), fold)
    for _ in range(80):
        tanh = math.tanh(w)
        slope = width * (1 - tanh * tanh) / 2 - 1 / (2 * alpha)
        if slope >= 0:
            break
        new = max(w - (V_L + width * (1 + tanh) / 2 - w / (2 * alpha) - mirrored) / slope, fold)
        converged = abs(new - w) <= 1e-15 * (1 + w)
        w = new
        if converged:
            break
    insulating_share = math.exp(-2 * w) / (1 + math.exp(-2 * w))
    return 1 - insulating_share if metallic else insulating_share


class _Circuit:
    """The present piece of the circuit: everything that is constant between two events."""

    def __init__(self, parameters, coupling, fidelity):
        for name in PARAMETER_NAMES:
            setattr(self, name, parameters[name])
        self.size = len(self.V_DD)
        self.fidelity = fidelity
        self.full_coupling = coupling
        self.coupling = np.zeros_like(coupling)
        self.supply = np.zeros(self.size)
        self.metallic = np.zeros(self.size, dtype=bool)
        # relaxed and abrupt: G(t) = target + deviation * exp(-(t - since) / tau_0)
        self.target = 1 / self.R_ins
        self.deviation = np.zeros(self.size)
        self.since = np.zeros(self.size)
        self.threshold_L, self.threshold_H = self.V_L, self.V_H
        if fidelity == "smooth":
            self.threshold_L, self.threshold_H = fold_voltages(self.V_L, self.V_H, self.alpha)

    def conductance(self, time, state):
        if self.fidelity == "smooth":
            V_c = state[2 * self.size + 1 :]
            return (1 - V_c) / self.R_ins + V_c / self.R_met
        if self.fidelity == "abrupt":
            return self.target
        with np.errstate(divide="ignore", invalid="ignore"):
            decay = np.where(self.tau_0 > 0, np.exp(-(time - self.since) / self.tau_0), 0.0)
        return self.target + self.deviation * decay

    def derivative(self, time, state):
        """Time derivative of (v, supply energies, heat[, V_c])."""
        v = state[: self.size]
        across = self.supply - v
        current = across * self.conductance(time, state)
        # differences of node voltages, not row sums, so that equal nodes see exactly no coupling current
        difference = v[None, :] - v[:, None]
        coupling_current = self.coupling * difference
        result = np.empty_like(state)
        result[: self.size] = (current - v / self.R_S + coupling_current.sum(axis=1)) / self.C_P
        result[self.size : 2 * self.size] = self.supply * current
        heat = across @ current + v @ (v / self.R_S) + 0.5 * (coupling_current * difference).sum()
        result[2 * self.size] = heat
        if self.fidelity == "smooth":
            V_c = state[2 * self.size + 1 :]
            devices = zip(across, self.metallic, self.V_L, self.V_H, self.alpha, strict=True)
            aim = np.array([metallic_share(*device) for device in devices])
            result[2 * self.size + 1 :] = (aim - V_c) / self.tau_0
        return result

    def overshoot(self, v):
        """How far each device is beyond the threshold that ends its phase; v is (N,) or (N, samples). [V]"""
        extra = (slice(None),) + (None,) * (v.ndim - 1)
        across = self.supply[extra] - v
        return np.where(self.metallic[extra], self.threshold_L[extra] - across, across - self.threshold_H[extra])

    def switch(self, time, state, which):
        """Turn the devices ``which`` over at ``time``; their conductance starts to follow (abrupt: jumps)."""
        present = self.conductance(time, state)
        self.metallic = self.metallic ^ which
        goal = np.where(self.metallic, 1 / self.R_met, 1 / self.R_ins)
        self.deviation = np.where(which, present - goal, self.deviation)
        self.target = np.where(which, goal, self.target)
        self.since = np.where(which, time, self.since)


def solve_reference(
    parameters: Mapping[str, np.ndarray],
    coupling_resistance: np.ndarray,
    delays: np.ndarray,
    close_at: float,
    stop: float,
    fidelity: str = "relaxed",
    rtol: float = 1e-10,
) -> ReferenceRun:
    """Solve a network of VO2 oscillators from v = 0, all insulating, at t = 0.

    Parameters
    ----------
    parameters : mapping of str to ndarray, shape (N,)
        The nine parameters, each oscillator's own. [SI]
    coupling_resistance : ndarray, shape (N, N)
        Symmetric; ``inf`` is open; the diagonal is ignored. [ohm]
    delays : ndarray, shape (N,)
        When each supply steps from 0 to V_DD. [s]
    close_at : float
        When the coupling switches close. [s]
    stop : float
        End of the run. [s]
    fidelity : {"relaxed", "abrupt", "smooth"}
        Device model.
    rtol : float
        Relative tolerance of DOP853 (absolute: the same times 0.01 V, 1 fJ, and V_c of 0.01).

    Returns
    -------
    ReferenceRun
    """
    if fidelity not in ("relaxed", "abrupt", "smooth"):
        raise ValueError(f"unknown fidelity {fidelity!r}")
    resistance = np.array(coupling_resistance, dtype=float)
    np.fill_diagonal(resistance, np.inf)
    assert np.array_equal(resistance, resistance.T)
    assert np.all(resistance > 0)
    parameters = {name: np.asarray(parameters[name], dtype=float) for name in PARAMETER_NAMES}
    delays = np.asarray(delays, dtype=float)
    circuit = _Circuit(parameters, 1 / resistance, fidelity)
    size = circuit.size
    if fidelity == "smooth":
        assert np.all(circuit.tau_0 > 0), "smooth needs tau_0 > 0"

    state = np.zeros(2 * size + 1 + (size if fidelity == "smooth" else 0))
    atol = np.full(state.size, 1e-2 * rtol)
    atol[size : 2 * size + 1] = 1e-15 * rtol
    time = 0.0
    switching = [[] for _ in range(size)]
    returning = [[] for _ in range(size)]

    def switch_all_due(at_least=None):
        """Switch the device named and every device at (or within rounding of) its threshold."""
        which = circuit.overshoot(state[:size]) >= -SIMULTANEOUS
        if at_least is not None:
            which[at_least] = True
        for index in np.flatnonzero(which):
            (returning if circuit.metallic[index] else switching)[index].append(time)
        circuit.switch(time, state, which)

    breakpoints = sorted({float(t) for t in [*delays, close_at, stop] if 0 <= t <= stop} | {0.0, float(stop)})
    for start, end in zip(breakpoints, [*breakpoints[1:], None], strict=True):
        time = start
        circuit.supply = np.where(delays <= time, circuit.V_DD, 0.0)
        if close_at <= time:
            circuit.coupling = circuit.full_coupling
        if end is None:
            break
        switch_all_due()
        while time < end:
            time, state, event = _advance(circuit, time, state, end, rtol, atol)
            if event is not None:
                switch_all_due(event)

    return ReferenceRun(
        tuple(np.array(times) for times in switching),
        tuple(np.array(times) for times in returning),
        state[:size].copy(),
        np.array(circuit.conductance(time, state)),
        circuit.metallic.copy(),
        state[size : 2 * size].copy(),
        float(state[2 * size]),
        time,
    )


def _integrate(circuit, time, state, end, rtol, atol):
    """Integrate with no thought of events; return the state at exactly ``end``."""
    if end <= time:
        return state
    solver = DOP853(circuit.derivative, time, state, end, rtol=rtol, atol=atol, first_step=end - time)
    while solver.status == "running":
        solver.step()
    if solver.status != "finished":
        raise RuntimeError(f"DOP853 failed at t = {solver.t}")
    return solver.y


def _advance(circuit, time, state, end, rtol, atol):
    """Integrate to the next switching or to ``end``; return time, state and the device that switched."""
    # a device that has just switched moves on the scale of tau_0: the first trial step must not jump it
    pace = circuit.tau_0[circuit.tau_0 > 0].min(initial=np.inf) if circuit.fidelity != "abrupt" else np.inf
    first_step = min(end - time, 0.1 * pace, 0.01 * circuit.C_P.min() * circuit.R_met.min())
    solver = DOP853(circuit.derivative, time, state, end, rtol=rtol, atol=atol, first_step=first_step)
    while solver.status == "running":
        t_before, y_before = solver.t, solver.y.copy()
        solver.step()
        if solver.status == "failed":
            raise RuntimeError(f"DOP853 failed at t = {solver.t}")
        found = _first_crossing(circuit, solver.dense_output(), t_before, solver.t)
        if found is None:
            continue
        instant, device = found
        # the interpolant is less accurate than the steps: polish the instant with real integrations
        for _ in range(4):
            y = _integrate(circuit, t_before, y_before, instant, rtol, atol)
            beyond = circuit.overshoot(y[: circuit.size])[device]
            slope = circuit.derivative(instant, y)[device] * (1 if circuit.metallic[device] else -1)
            if slope <= 0 or beyond == 0:
                break  # a grazing touch: Newton has nothing to improve
            polished = min(max(instant - beyond / slope, t_before), solver.t)
            if abs(polished - instant) <= 2e-16 * abs(instant):
                break
            instant = polished
        return instant, _integrate(circuit, t_before, y_before, instant, rtol, atol), device
    return end, solver.y, None


def _first_crossing(circuit, interpolant, t_start, t_end):
    """Return (instant, device) of the first threshold crossing within one step, or None.

    A device that crosses and comes back between two samples is found too: each interior maximum of the
    overshoot is looked up by itself.
    """
    size = circuit.size
    samples = np.linspace(t_start, t_end, SAMPLES_PER_STEP)
    beyond = circuit.overshoot(interpolant(samples)[:size])

    best = None
    for device in range(size):
        row = beyond[device]

        def overshoot_at(t, device=device):
            return circuit.overshoot(interpolant(t)[:size])[device]

        bracket = None
        for k in range(1, SAMPLES_PER_STEP):
            if row[k] >= 0 and row[k - 1] < 0:
                bracket = samples[k - 1], samples[k]
                break
            if 0 < k < SAMPLES_PER_STEP - 1 and row[k - 1] < row[k] > row[k + 1]:
                peak = minimize_scalar(
                    lambda t, f=overshoot_at: -f(t),
                    bounds=(samples[k - 1], samples[k + 1]),
                    method="bounded",
                    options={"xatol": 1e-6 * (samples[1] - samples[0])},
                )
                if -peak.fun > 0:
                    bracket = samples[k - 1], peak.x
                    break
        if bracket is None:
            continue
        instant = brentq(overshoot_at, *bracket, xtol=1e-22, rtol=1e-15)
        if best is None or instant < best[0]:
            best = instant, device
    return best
