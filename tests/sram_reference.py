"""The cell and its bit line once more, with SciPy's solvers: slow, plain, sharing no code with the kernels."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.constants import Boltzmann, elementary_charge
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

PHI_T = Boltzmann * 300.15 / elementary_charge


@dataclass(frozen=True)
class Transistor:
    """An n-channel (sign 1) or p-channel (sign -1) EKV transistor from a card at its reference temperature."""

    threshold: float
    slope: float
    beta: float
    theta: float
    clm: float
    dibl: float
    sign: int = 1

    @classmethod
    def of_card(cls, card, width, length, threshold_shift=0.0, factor_shift=0.0):
        beta = card.K_P * width / length * (1.0 + factor_shift)
        sign = 1 if card.kind == "nmos" else -1
        return cls(
            card.V_T0 + threshold_shift, card.n, beta, card.theta, card.lambda_CLM, card.sigma_DIBL, sign
        )  # fmt: skip

    def current(self, gate, drain, source, bulk=0.0):
        g, d, s = (self.sign * (v - bulk) for v in (gate, drain, source))
        v_p = (g - self.threshold + self.dibl * (d + s)) / self.slope
        forward, reverse = np.logaddexp(0.0, (v_p - np.array([s, d])) / (2.0 * PHI_T))
        along = np.hypot(d - s, 2.0 * PHI_T) - 2.0 * PHI_T
        strength = 2.0 * self.slope * self.beta * PHI_T**2 * (1.0 + self.clm * along)
        reduction = 1.0 + self.theta * self.slope * PHI_T * (forward + reverse)
        return self.sign * strength * (forward**2 - reverse**2) / reduction

    def row(self):
        """The same as a row of the kernels' table."""
        return np.array([
            self.threshold, self.slope, 2.0 * self.slope * self.beta * PHI_T**2, self.theta * self.slope * PHI_T,
            self.clm, self.dibl, PHI_T, self.sign,
        ])  # fmt: skip


@dataclass(frozen=True)
class Side:
    """Access, pull-down and pull-up with the voltage at the gates of the latter two."""

    access: Transistor
    pull_down: Transistor
    pull_up: Transistor
    gate: float

    def node(self, v_line, v_word, v_dd):
        def excess(q):
            into = self.access.current(v_word, v_line, q)
            return self.pull_down.current(self.gate, q, 0.0) + self.pull_up.current(self.gate, q, v_dd, v_dd) - into

        return brentq(excess, -0.1, max(v_line, v_dd) + 0.1, xtol=1e-15, rtol=1e-14)

    def currents(self, v_line, v_word, v_dd):
        """Out of the line, out of V_DD, into ground."""
        q = self.node(v_line, v_word, v_dd)
        line = self.access.current(v_word, v_line, q)
        return np.array(
            [line, -self.pull_up.current(self.gate, q, v_dd, v_dd), self.pull_down.current(self.gate, q, 0)]
        )


def word_line(t, t_on, t_off, level, tau):
    """Voltage behind one time constant, the driver stepping at t_on and back at t_off."""

    def rise(since):
        return level * (1.0 - np.exp(-since / tau)) if since > 0.0 else 0.0

    return rise(t - t_on) - rise(t - t_off)


def solve_read(
    sides, waves, tau, capacitance, conductance, v_dd, v_pre, g_pre, breakpoints, t_sample, rtol=1e-9, method="Radau"
):
    """Integrate node voltages and charges segment by segment; give times, voltages (n, nodes), charges (n, 3).

    `sides` is a list of (Side, node, wave index).
    """
    nodes = len(capacitance)
    scale = np.concatenate([np.ones(nodes), np.full(3, capacitance.sum())])

    def slopes(t, y, on):
        v = y[:nodes]
        change = np.zeros(nodes)
        for k in range(nodes - 1):
            change[k] += conductance * (v[k + 1] - v[k])
            change[k + 1] += conductance * (v[k] - v[k + 1])
        charges = np.zeros(3)
        for side, node, wave in sides:
            line, supply, ground = side.currents(v[node], word_line(t, *waves[wave], tau), v_dd)
            change[node] -= line
            charges += [0.0, supply, ground]
        if on:
            charges[0] = g_pre * (v_pre - v[0])
            change[0] += charges[0]
        return np.concatenate([change / capacitance, charges / capacitance.sum()])

    y = np.concatenate([np.full(nodes, v_pre), np.zeros(3)])
    times, states = [breakpoints[0]], [y]
    for start, stop in pairwise(breakpoints):
        on = start >= t_sample
        run = solve_ivp(
            slopes, (start, stop), states[-1], method=method, args=(on,), rtol=rtol, atol=1e-3 * rtol,
            t_eval=np.linspace(start, stop, 8)[1:], first_step=min(1e-12, stop - start),
        )  # fmt: skip
        assert run.success, run.message
        times.extend(run.t)
        states.extend(run.y.T)
    states = np.array(states) * scale
    return np.array(times), states[:, :nodes], states[:, nodes:]
