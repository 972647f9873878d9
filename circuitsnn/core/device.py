"""One oscillator over one window of time, driven by a known coupling current.

The node equation of an oscillator in its network is linear between two switchings of its device,

    C dv/dt = (V_DD - v) G(t) - (G_S + G_C) v + I(t),    G(t) = G_target + excess exp(-t / tau_0),

with G_S = 1/R_S, G_C the sum of its coupling conductances and I the current that its neighbours send. The own decay
is integrated exactly (integrating factor in closed form, conductance transition included), the source by
collocation, so neither the metallic phase nor tau_0 limits the window: only this one oscillator takes the short
steps that it needs.

With a smooth feedback (ALPHA > 0, equations 1-3 of Delacour & Todri-Sanial 2021, doi:10.3389/fnins.2021.694549) the
target conductance bends before its branch ends in a fold. The conductance that this drives is found by iterating the
same collocation; V_L and V_H are then the voltages of the folds.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from .collocation import (
    END_VALUES,
    INTEGRATION,
    LAGRANGE,
    NODES,
    ORDER,
    PRIMITIVE,
    PROJECTION,
    WEIGHTS,
)

# Columns of the device table.
V_DD, G_S, C_P, G_INS, G_MET, V_L, V_H, TAU_0, DELAY, G_C, ALPHA, FEEDBACK_LOW, FEEDBACK_WIDTH = range(13)
COLUMNS = 13
# Columns of the energy table.
E_SUPPLY, E_DEVICE, E_LOAD, E_COUPLING = range(4)
ENERGIES = 4

MAX_DECAY = 0.5  # largest own decay (rate times length) of one step
MAX_STEPS = 100_000  # of one oscillator in one window
FOLD_SHARE = 0.1  # of the tolerance for one step of a smooth feedback, which takes dozens towards its fold

# What `advance` returns in place of a number of switchings.
TOO_MANY_SWITCHINGS, VOLTAGE_NOT_FINITE, TOO_MANY_STEPS = -1, -2, -3


class Step(NamedTuple):
    """One collocation step of one oscillator."""

    v: float  # output voltage at its start [V]
    rate: float  # own decay while the conductance is at its target [1/s]
    excess: float  # conductance above its target at the start [S]
    tau_0: float  # with which the excess dies [s]
    capacitance: float  # [F]
    supply: float  # [V]
    target: float  # conductance of the device's state [S]
    length: float  # [s]


# Rows of the work table, which the steps of an oscillator write into; the columns are the ORDER nodes, then the end.
(
    POINTS,  # voltage
    DECAY,  # integrating factor
    CONDUCTANCE,  # of the device
    DRIVEN,  # what a smooth feedback adds to it
    SLOPE,  # transformed source
    LOCAL,  # coupling current
    POWERS,  # coupling current over the window, coefficients of a polynomial
    MOMENTS,  # Legendre moments of the voltage over the window
    SOURCE,  # conductance that the feedback aims at, above its target
    LAG,  # and from here ORDER + 1 rows: weights of the conductance's answer to that
) = range(10)
WORK_ROWS = LAG + ORDER + 1


@njit(cache=True, error_model="numpy")
def polynomial(coefficients, row, x):
    """Evaluate the polynomial of a row by Horner's rule."""
    value = 0.0
    for k in range(ORDER - 1, -1, -1):
        value = value * x + coefficients[row, k]
    return value


@njit(cache=True, error_model="numpy")
def transition_step_limit(excess, tau_0, capacitance, supply, tolerance):
    """Length of a step within which the relaxing conductance is resolved to the tolerance. [s]."""
    if excess == 0.0:
        return math.inf
    amplitude = abs(excess) * supply * tau_0 / capacitance
    # Error constant of ORDER-node Gauss quadrature for exp(-x): (n!)^4 / ((2n + 1) ((2n)!)^3).
    constant = 331776.0 / (9.0 * 40320.0**3)
    if amplitude * constant <= 0.0:
        return math.inf
    return 0.8 * tau_0 * (tolerance / (amplitude * constant)) ** (1.0 / (2 * ORDER + 1))


@njit(cache=True, error_model="numpy")
def feedback_deviation(across, metallic, low, width, alpha):
    """How far 1 - V_0 of equation 3 lies from its saturated value on a branch (0 insulating, 1 metallic).

    With V_0 = (1 + tanh w) / 2 the equation reads V = V_L + (V_H - V_L) V_0 - w / (2 alpha). On the insulating
    branch V falls with w and is concave, so Newton's method from the far side converges monotonically; the metallic
    branch is its mirror image. Past the fold, in trial steps only, the value at the fold is held.
    """
    gap = across - low if metallic else low + width - across
    fold = math.atanh(math.sqrt(1.0 - 1.0 / (alpha * width)))
    w = 2.0 * alpha * gap
    if w > 20.0:
        return 0.0  # below rounding
    w = max(w, fold)
    for _ in range(60):
        tanh = math.tanh(w)
        value = width * (1.0 - tanh) / 2.0 + w / (2.0 * alpha) - gap
        slope = 1.0 / (2.0 * alpha) - width * (1.0 - tanh * tanh) / 2.0
        if slope <= 0.0:
            break
        new = max(w - value / slope, fold)
        if abs(new - w) <= 1e-15 * w:
            w = new
            break
        w = new
    deviation = 1.0 / (1.0 + math.exp(2.0 * w))
    return -deviation if metallic else deviation


@njit(cache=True, error_model="numpy")
def lag_weights(ratio, work):
    """Write the weights of a first-order lag's answer to a polynomial source, at the nodes and the end.

    `ratio` is the step over the lag's time constant. The moments are a recurrence where it is stable and a series
    where it is not.
    """
    moments = np.empty(ORDER)
    for n in range(ORDER + 1):
        x = NODES[n] if n < ORDER else 1.0
        z = ratio * x
        if z > 1.0:
            moments[0] = 1.0 - math.exp(-z)
            power = 1.0
            for k in range(1, ORDER):
                power *= x
                moments[k] = power - k / ratio * moments[k - 1]
        else:
            power = x
            for k in range(ORDER):
                term = 1.0 / (k + 1)
                total = term
                for m in range(1, 25):
                    term *= -z / (k + m + 1)
                    total += term
                moments[k] = ratio * power * total
                power *= x
        for node in range(ORDER):
            total = 0.0
            for k in range(ORDER):
                total += LAGRANGE[node, k] * moments[k]
            work[LAG + n, node] = total


@njit(cache=True, error_model="numpy")
def steady_voltage(step, work):
    """Output that a step would tend to with its conductance at the target and its first coupling current. [V]."""
    return (step.supply * step.target + work[LOCAL, 0]) / (step.rate * step.capacitance)


@njit(cache=True, error_model="numpy")
def collocate(step, work):
    """Solve one step: fills the work's points, conductance, decay and slope from its local current and driven.

    Solved is for the distance from the steady voltage of the step's first source, so that a source that stays constant
    leaves nothing to interpolate.
    """
    steady = steady_voltage(step, work)
    relaxing = step.excess != 0.0
    smooth = work[DRIVEN, ORDER] != 0.0
    for n in range(ORDER + 1):
        x = step.length * NODES[n] if n < ORDER else step.length
        exponent = step.rate * x
        above = 0.0  # conductance above its target
        if relaxing:
            left = math.exp(-x / step.tau_0)
            exponent += step.excess * step.tau_0 * (1.0 - left) / step.capacitance
            above += step.excess * left
        if smooth:
            total = 0.0
            for k in range(ORDER):
                total += work[DRIVEN, k] * (INTEGRATION[n, k] if n < ORDER else WEIGHTS[k])
            exponent += step.length * total / step.capacitance
            above += work[DRIVEN, n]
        work[CONDUCTANCE, n] = step.target + above
        work[DECAY, n] = math.exp(-exponent)
        if n < ORDER:
            source = (step.supply - steady) * above + work[LOCAL, n] - work[LOCAL, 0]
            work[SLOPE, n] = source / (step.capacitance * work[DECAY, n])
    end = 0.0
    for n in range(ORDER):
        total = 0.0
        for k in range(ORDER):
            total += INTEGRATION[n, k] * work[SLOPE, k]
        work[POINTS, n] = steady + work[DECAY, n] * (step.v - steady + step.length * total)
        end += WEIGHTS[n] * work[SLOPE, n]
    work[POINTS, ORDER] = steady + work[DECAY, ORDER] * (step.v - steady + step.length * end)


@njit(cache=True, error_model="numpy")
def collocate_smooth(i, device, metallic, step, work, tolerance):
    """Collocate with the smooth feedback, iterated to convergence; returns the voltage error left by its degree."""
    swing = device[i, G_MET] - device[i, G_INS]
    scale = device[i, V_DD] * step.length / step.capacitance
    low, width, alpha = device[i, FEEDBACK_LOW], device[i, FEEDBACK_WIDTH], device[i, ALPHA]
    for n in range(ORDER + 1):
        work[DRIVEN, n] = 0.0
    lag_weights(step.length / step.tau_0, work)
    for _ in range(40):
        collocate(step, work)
        for n in range(ORDER):
            work[SOURCE, n] = swing * feedback_deviation(step.supply - work[POINTS, n], metallic, low, width, alpha)
        change = 0.0
        for n in range(ORDER + 1):
            total = 0.0
            for k in range(ORDER):
                total += work[LAG + n, k] * work[SOURCE, k]
            change = max(change, abs(total - work[DRIVEN, n]))
            work[DRIVEN, n] = total
        if change * scale <= 1e-3 * tolerance:
            # The source bends most at the end of the step, beyond the last node: what its polynomial misses there
            # over that stretch is the error.
            end = swing * feedback_deviation(step.supply - work[POINTS, ORDER], metallic, low, width, alpha)
            for n in range(ORDER):
                end -= work[SOURCE, n] * END_VALUES[n]
            return scale * (1.0 - NODES[ORDER - 1]) * abs(end)
    return math.inf


@njit(cache=True, error_model="numpy")
def inside(x, step, work):
    """Voltage and its derivative at the fraction x of a solved step."""
    integral = 0.0
    value = 0.0
    exponent = step.rate * x * step.length
    rate = step.rate
    smooth = work[DRIVEN, ORDER] != 0.0
    for n in range(ORDER):
        primitive = x * polynomial(PRIMITIVE, n, x)
        lagrange = polynomial(LAGRANGE, n, x)
        integral += work[SLOPE, n] * primitive
        value += work[SLOPE, n] * lagrange
        if smooth:
            exponent += step.length * work[DRIVEN, n] * primitive / step.capacitance
            rate += work[DRIVEN, n] * lagrange / step.capacitance
    if step.excess != 0.0:
        left = math.exp(-x * step.length / step.tau_0)
        exponent += step.excess * step.tau_0 * (1.0 - left) / step.capacitance
        rate += step.excess * left / step.capacitance
    steady = steady_voltage(step, work)
    factor = math.exp(-exponent)
    distance = factor * (step.v - steady + step.length * integral)
    return steady + distance, factor * value - rate * distance


@njit(cache=True, error_model="numpy")
def find_crossing(step, work, threshold, side):
    """First fraction of the step at which side * (v - threshold) falls to zero; 2 when it never does."""
    before = 0.0
    earlier = side * (step.v - threshold)
    lowest = earlier
    highest = earlier
    lowest_at = -1
    for n in range(ORDER + 1):
        after = NODES[n] if n < ORDER else 1.0
        value = side * (work[POINTS, n] - threshold)
        if value <= 0.0:
            guess = before + (after - before) * earlier / (earlier - value)
            return find_root(before, after, guess, step, work, threshold, side)
        if value < lowest:
            lowest = value
            lowest_at = n
        highest = max(highest, value)
        before = after
        earlier = value
    # A dip between two points: look for the turning point around the lowest one, if it could reach that deep.
    if lowest > highest - lowest:
        return 2.0
    left = NODES[lowest_at - 1] if lowest_at > 0 else 0.0
    right = NODES[lowest_at + 1] if lowest_at < ORDER - 1 else 1.0
    if side * inside(left, step, work)[1] >= 0.0 or side * inside(right, step, work)[1] <= 0.0:
        return 2.0
    start = left
    for _ in range(40):
        middle = 0.5 * (left + right)
        voltage, derivative = inside(middle, step, work)
        if side * (voltage - threshold) <= 0.0:
            return find_root(start, middle, 0.5 * (start + middle), step, work, threshold, side)
        if side * derivative < 0.0:
            left = middle
        else:
            right = middle
    return 2.0


@njit(cache=True, error_model="numpy")
def find_root(left, right, x, step, work, threshold, side):
    """Newton's method kept inside a bracket; the caller refines it with a step that ends there."""
    for _ in range(60):
        voltage, derivative = inside(x, step, work)
        value = side * (voltage - threshold)
        if value > 0.0:
            left = x
        else:
            right = x
        new = x - value / (side * derivative * step.length) if derivative != 0.0 else right
        if not left < new < right:
            new = 0.5 * (left + right)
        if abs(new - x) <= 1e-6 * x or right - left <= 1e-12 * right:
            return new
        x = new
    return x


@njit(cache=True, error_model="numpy")
def advance(
    i, device, v, metallic, excess, energy, start, length, current, tolerance, voltage, switches, work, samples, first,
    last, out,
):  # fmt: skip
    """Carry oscillator i through a window, switching its device wherever its threshold is met.

    Column i of current (ORDER, N) is what its neighbours send at the window's nodes. Column i of voltage gets the
    projection of its output on polynomials of degree below ORDER, at the same nodes; row i of energy is added to; row
    i of switches gets the times of the switchings; row i of out gets the output at the samples first to last. Returns
    the number of switchings and the state at the end; the number is negative where it failed.
    """
    tau_0 = device[i, TAU_0]
    smooth = device[i, ALPHA] > 0.0
    count = 0
    sample = first
    longest = math.inf
    for n in range(ORDER + 1):
        work[DRIVEN, n] = 0.0
    for k in range(ORDER):
        work[MOMENTS, k] = 0.0
        work[POWERS, k] = 0.0
        for n in range(ORDER):
            work[POWERS, k] += LAGRANGE[n, k] * current[n, i]
    x = 0.0
    for _ in range(MAX_STEPS):
        if x >= length:
            break
        reach = length - x
        supply = device[i, V_DD]
        wait = device[i, DELAY] - (start + x)
        if wait > 1e-15 * device[i, DELAY]:
            supply = 0.0
            reach = min(reach, wait)
        side = -1.0 if metallic else 1.0
        threshold = supply - (device[i, V_L] if metallic else device[i, V_H])
        target = device[i, G_MET] if metallic else device[i, G_INS]
        crossing = side * (v - threshold) <= 0.0
        taken = 0.0
        if not crossing:
            rate = (device[i, G_S] + device[i, G_C] + target) / device[i, C_P]
            taken = min(min(reach, longest), MAX_DECAY / rate)
            taken = min(taken, transition_step_limit(excess, tau_0, device[i, C_P], device[i, V_DD], tolerance))
            if taken < reach < 1.3 * taken:
                taken = 0.5 * reach  # no sliver at the end
            for _ in range(100):
                step = Step(v, rate, excess, tau_0, device[i, C_P], supply, target, taken)
                for n in range(ORDER):
                    work[LOCAL, n] = polynomial(work, POWERS, (x + taken * NODES[n]) / length)
                if smooth:
                    error = collocate_smooth(i, device, metallic, step, work, tolerance)
                    allowed = FOLD_SHARE * tolerance
                    if error > allowed:
                        crossing = False
                        taken *= max(0.2, 0.8 * (allowed / error) ** 0.25)
                        continue
                    longest = 2.5 * taken
                else:
                    collocate(step, work)
                if not crossing:
                    fraction = find_crossing(step, work, threshold, side)
                    if fraction > 1.0:
                        break
                    crossing = True
                    uncut = taken
                    taken *= fraction
                else:
                    # The step now ends at the switching: its length is corrected at the accuracy of a step's end.
                    residual = work[POINTS, ORDER] - threshold
                    if abs(residual) <= 1e-4 * tolerance:
                        break
                    derivative = inside(1.0, step, work)[1]
                    if side * derivative >= 0.0:
                        break
                    # Where the voltage barely grazes the threshold, Newton's method would leave the step.
                    taken = min(max(taken - residual / derivative, 0.5 * taken), uncut)
            if not math.isfinite(work[POINTS, ORDER]):
                return VOLTAGE_NOT_FINITE, v, metallic, excess
            account(i, device, step, work, x, length, energy)
            driven = work[DRIVEN, ORDER]
            end = threshold if crossing else work[POINTS, ORDER]
            while sample < last and samples[sample] <= start + x + taken:
                # A step that ends there: its end is two orders better than the inside of the whole one.
                part = min(samples[sample] - start - x, taken)
                out[i, sample] = v
                if part > 0.0:
                    step = Step(v, rate, excess, tau_0, device[i, C_P], supply, target, part)
                    for n in range(ORDER):
                        work[LOCAL, n] = polynomial(work, POWERS, (x + part * NODES[n]) / length)
                    if smooth:
                        collocate_smooth(i, device, metallic, step, work, tolerance)
                    else:
                        collocate(step, work)
                    out[i, sample] = work[POINTS, ORDER]
                sample += 1
            if excess != 0.0:
                excess *= math.exp(-taken / tau_0)
                if abs(excess) < 1e-18 * device[i, G_MET]:
                    excess = 0.0
            excess += driven
            v = end
        x = x + taken if taken < length - x else length
        if crossing:
            if count == switches.shape[1]:
                return TOO_MANY_SWITCHINGS, v, metallic, excess
            switches[i, count] = start + x
            count += 1
            longest = math.inf
            metallic = not metallic
            if tau_0 > 0.0:
                excess += target - (device[i, G_MET] if metallic else device[i, G_INS])
    else:
        return TOO_MANY_STEPS, v, metallic, excess
    while sample < last:
        out[i, sample] = v
        sample += 1
    for n in range(ORDER):
        voltage[n, i] = 0.0
        for k in range(ORDER):
            voltage[n, i] += PROJECTION[n, k] * work[MOMENTS, k]
    return count, v, metallic, excess


@njit(cache=True, error_model="numpy")
def account(i, device, step, work, x, length, energy):
    """Add a step at x to the energies and to the window's Legendre moments of the voltage."""
    for n in range(ORDER):
        voltage = work[POINTS, n]
        weight = step.length * WEIGHTS[n]
        across = step.supply - voltage
        heat = weight * across * work[CONDUCTANCE, n]
        energy[i, E_SUPPLY] += step.supply * heat
        energy[i, E_DEVICE] += across * heat
        energy[i, E_LOAD] += weight * voltage * voltage * device[i, G_S]
        energy[i, E_COUPLING] += weight * voltage * (device[i, G_C] * voltage - work[LOCAL, n])
        # Shifted Legendre polynomials by their recurrence.
        y = 2.0 * (x + step.length * NODES[n]) / length - 1.0
        before = 0.0
        value = weight / length * voltage
        for k in range(ORDER):
            work[MOMENTS, k] += value
            before, value = value, ((2 * k + 1) * y * value - k * before) / (k + 1)
