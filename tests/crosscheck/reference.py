"""Tight reference of the relaxed oscillator network, written for the tests on its own: DOP853 with events."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

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
class PlainNetwork:
    """The attributes of an OscillatorNetwork that netlists and this reference read."""

    parameters: dict
    coupling_resistance: object

    @property
    def size(self):
        return len(self.parameters["V_DD"])


def plain_network(size, coupling_resistance=None, **parameters):
    """Network at the values of Table 1, except for the arrays given."""
    values = {name: np.full(size, value) for name, value in TABLE_1.items()} | parameters
    if coupling_resistance is None:
        coupling_resistance = np.full((size, size), np.inf)
    return PlainNetwork(values, coupling_resistance)


def all_to_all(resistance, size):
    """Coupling resistances of one value between all pairs, open on the diagonal."""
    matrix = np.full((size, size), float(resistance))
    np.fill_diagonal(matrix, np.inf)
    return matrix


def reference_run(network, delays, close_at, stop, rtol=1e-11):
    """Switching times (tuple of arrays) and energies (N,) of the ideal circuit."""
    n, p = network.size, network.parameters
    delays = np.asarray(delays, dtype=float)
    conductance = 1.0 / np.asarray(network.coupling_resistance, dtype=float)
    laplacian = np.diag(conductance.sum(axis=1)) - conductance
    g_ins, g_met = 1.0 / p["R_ins"], 1.0 / p["R_met"]

    def slope(t, y, supply, target, coupled):
        v, g = y[:n], y[n : 2 * n]
        current = (supply - v) * g
        dv = (current - v / p["R_S"] - (laplacian @ v if coupled else 0.0)) / p["C_P"]
        return np.concatenate([dv, (target - g) / p["tau_0"], supply * current])

    def crossing(i, supply, threshold, direction):
        def event(t, y, *_):
            return supply - y[i] - threshold

        event.terminal, event.direction = True, direction
        return event

    metallic = np.zeros(n, dtype=bool)
    y = np.concatenate([np.zeros(n), g_ins, np.zeros(n)])
    switched = [[] for _ in range(n)]
    breaks = sorted({*delays.tolist(), stop, *([close_at] if close_at is not None else [])})
    t = 0.0
    while t < stop:
        supply = np.where(t >= delays, p["V_DD"], 0.0)
        rise = ~metallic & (supply - y[:n] >= p["V_H"])  # the supply step itself
        for i in np.flatnonzero(rise):
            switched[i].append(t)
        metallic |= rise
        end = min(b for b in breaks if b > t)

        target = np.where(metallic, g_met, g_ins)
        coupled = close_at is not None and t >= close_at
        solution = solve_ivp(
            slope,
            (t, end),
            y,
            method="DOP853",
            events=[
                crossing(i, supply[i], p["V_L"][i], -1) if metallic[i] else crossing(i, supply[i], p["V_H"][i], 1)
                for i in range(n)
            ],
            rtol=rtol,
            atol=1e-14,
            args=(supply, target, coupled),
        )
        t, y = float(solution.t[-1]), solution.y[:, -1]
        # Devices in step cross together, and solve_ivp reports only one of them.
        across = supply - y[:n]
        crossed = np.where(metallic, across <= p["V_L"], across >= p["V_H"])
        crossed |= [times.size > 0 for times in solution.t_events]
        metallic ^= crossed
        for i in np.flatnonzero(crossed & metallic):
            switched[i].append(t)
    return tuple(np.array(times) for times in switched), y[2 * n :]
