"""One oscillator over one window of time, driven by a known coupling current.

The node equation of an oscillator in its network is linear between two switchings of its device,

    C dv/dt = (V_DD - v) G(t) - (G_S + G_C) v + I(t),    G(t) = G_target + excess exp(-t / tau_0),

with G_S = 1/R_S, G_C the sum of its coupling conductances and I the current that its neighbours send. The own decay
is integrated exactly (integrating factor in closed form, conductance transition included), the source by
collocation, so neither the metallic phase nor tau_0 limits the window: only this one oscillator takes the short
steps that it needs.
"""

import math

from numba import njit

from .collocation import INTEGRATION, LAGRANGE, LEGENDRE_POWERS, NODES, ORDER, PRIMITIVE, PROJECTION, WEIGHTS

# Columns of the device table.
V_DD, G_S, C_P, G_INS, G_MET, V_L, V_H, TAU_0, DELAY, G_C, ALPHA = range(11)
# Columns of the energy table.
E_SUPPLY, E_DEVICE, E_LOAD, E_COUPLING = range(4)

MAX_DECAY = 0.5  # largest own decay (rate times length) of one step
MAX_STEPS = 100_000  # of one oscillator in one window


@njit(cache=True)
def polynomial(coefficients, x):
    """Horner's rule."""
    value = 0.0
    for k in range(ORDER - 1, -1, -1):
        value = value * x + coefficients[k]
    return value


@njit(cache=True)
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


@njit(cache=True)
def collocate(v, rate, excess, tau_0, capacitance, supply, g_target, length, current, decay, slope, nodal):
    """Solve one step from v; nodal (ORDER + 1,) gets v at the nodes and at the end.

    decay (ORDER + 1,) gets the integrating factor, slope (ORDER,) the transformed source at the nodes.
    """
    relaxing = excess != 0.0
    for n in range(ORDER + 1):
        x = length * NODES[n] if n < ORDER else length
        exponent = rate * x
        g = g_target
        if relaxing:
            left = math.exp(-x / tau_0)
            exponent += excess * tau_0 * (1.0 - left) / capacitance
            g += excess * left
        decay[n] = math.exp(-exponent)
        if n < ORDER:
            slope[n] = (supply * g + current[n]) / (capacitance * decay[n])
    end = 0.0
    for n in range(ORDER):
        total = 0.0
        for k in range(ORDER):
            total += INTEGRATION[n, k] * slope[k]
        nodal[n] = decay[n] * (v + length * total)
        end += WEIGHTS[n] * slope[n]
    nodal[ORDER] = decay[ORDER] * (v + length * end)


@njit(cache=True)
def inside(x, v, rate, excess, tau_0, capacitance, length, slope):
    """Voltage and its derivative at the fraction x of a solved step."""
    integral = 0.0
    value = 0.0
    for n in range(ORDER):
        primitive = 0.0
        lagrange = 0.0
        for k in range(ORDER - 1, -1, -1):
            primitive = primitive * x + PRIMITIVE[n, k]
            lagrange = lagrange * x + LAGRANGE[n, k]
        integral += slope[n] * primitive * x
        value += slope[n] * lagrange
    time = x * length
    exponent = rate * time
    total_rate = rate
    if excess != 0.0:
        left = math.exp(-time / tau_0)
        exponent += excess * tau_0 * (1.0 - left) / capacitance
        total_rate += excess * left / capacitance
    factor = math.exp(-exponent)
    voltage = factor * (v + length * integral)
    return voltage, factor * value - total_rate * voltage


@njit(cache=True)
def find_crossing(v, rate, excess, tau_0, capacitance, length, slope, points, threshold, side):
    """First fraction of the step at which side * (v - threshold) falls to zero; 2 when it never does."""
    before = 0.0
    lowest = side * (v - threshold)
    lowest_at = -1
    highest = lowest
    value = lowest
    for n in range(ORDER + 1):
        after = NODES[n] if n < ORDER else 1.0
        value = side * (points[n] - threshold)
        if value <= 0.0:
            return root(before, after, v, rate, excess, tau_0, capacitance, length, slope, threshold, side)
        if value < lowest:
            lowest = value
            lowest_at = n
        highest = max(highest, value)
        before = after
    # A dip between two points: look for the turning point around the lowest one, if it could reach that deep.
    if lowest > highest - lowest:
        return 2.0
    left = NODES[lowest_at - 1] if lowest_at > 0 else 0.0
    right = NODES[lowest_at + 1] if lowest_at < ORDER - 1 else 1.0
    _, derivative = inside(left, v, rate, excess, tau_0, capacitance, length, slope)
    if side * derivative >= 0.0:
        return 2.0
    _, derivative = inside(right, v, rate, excess, tau_0, capacitance, length, slope)
    if side * derivative <= 0.0:
        return 2.0
    start = left
    for _ in range(40):
        middle = 0.5 * (left + right)
        voltage, derivative = inside(middle, v, rate, excess, tau_0, capacitance, length, slope)
        if side * (voltage - threshold) <= 0.0:
            return root(start, middle, v, rate, excess, tau_0, capacitance, length, slope, threshold, side)
        if side * derivative < 0.0:
            left = middle
        else:
            right = middle
    return 2.0


@njit(cache=True)
def root(left, right, v, rate, excess, tau_0, capacitance, length, slope, threshold, side):
    """Newton's method kept inside a bracket; the caller refines it with a step that ends there."""
    x = 0.5 * (left + right)
    for _ in range(60):
        voltage, derivative = inside(x, v, rate, excess, tau_0, capacitance, length, slope)
        value = side * (voltage - threshold)
        if value > 0.0:
            left = x
        else:
            right = x
        new = x - value / (side * derivative * length) if derivative != 0.0 else right
        if not left < new < right:
            new = 0.5 * (left + right)
        if abs(new - x) <= 1e-9 * x or right - left <= 1e-12 * right:
            return new
        x = new
    return x


@njit(cache=True)
def advance(
    device, v, metallic, excess, energy, start, length, current, tolerance, nodal, switches, work, samples, out
):
    """Carry one oscillator through a window, switching its device wherever its threshold is met.

    current (ORDER,) is the neighbours' current at the window's nodes. nodal (ORDER,) gets the projection of the
    voltage on polynomials of degree below ORDER, at the same nodes; energy (4,) is added to; switches gets the times
    of the switchings; out gets the voltage at the sample times. Returns the number of switchings and the state at the
    end; the number is -1 when they do not fit, -2 when the voltage is not finite, -3 after too many steps.
    """
    decay = work[0]
    slope = work[1, :ORDER]
    points = work[2]
    local = work[3, :ORDER]
    moments = work[4, :ORDER]
    powers = work[5, :ORDER]
    capacitance = device[C_P]
    tau_0 = device[TAU_0]
    count = 0
    sample = 0
    for k in range(ORDER):
        moments[k] = 0.0
        powers[k] = 0.0
        for n in range(ORDER):
            powers[k] += LAGRANGE[n, k] * current[n]
    x = 0.0
    steps = 0
    while x < length:
        steps += 1
        if steps > MAX_STEPS:
            return -3, v, metallic, excess
        step = length - x
        supply = device[V_DD]
        wait = device[DELAY] - (start + x)
        if wait > 1e-15 * device[DELAY]:
            supply = 0.0
            step = min(step, wait)
        side = -1.0 if metallic else 1.0
        threshold = supply - (device[V_L] if metallic else device[V_H])
        g_target = device[G_MET] if metallic else device[G_INS]
        crossing = side * (v - threshold) <= 0.0
        taken = 0.0
        if not crossing:
            rate = (device[G_S] + device[G_C] + g_target) / capacitance
            remaining = step
            step = min(step, MAX_DECAY / rate)
            step = min(step, transition_step_limit(excess, tau_0, capacitance, device[V_DD], tolerance))
            if step < remaining < 1.3 * step:
                step = 0.5 * remaining  # no sliver at the end
            for _ in range(8):
                for n in range(ORDER):
                    local[n] = polynomial(powers, (x + step * NODES[n]) / length)
                collocate(v, rate, excess, tau_0, capacitance, supply, g_target, step, local, decay, slope, points)
                if not crossing:
                    fraction = find_crossing(
                        v, rate, excess, tau_0, capacitance, step, slope, points, threshold, side
                    )
                    if fraction > 1.0:
                        break
                    crossing = True
                    step *= fraction
                else:
                    # The step now ends at the switching: its length is corrected at the accuracy of a step's end.
                    _, derivative = inside(1.0, v, rate, excess, tau_0, capacitance, step, slope)
                    residual = points[ORDER] - threshold
                    if side * derivative >= 0.0 or abs(residual) <= 1e-4 * tolerance:
                        break
                    step = max(step - residual / derivative, 0.5 * step)
            if not math.isfinite(points[ORDER]):
                return -2, v, metallic, excess
            for n in range(ORDER):
                weight = step * WEIGHTS[n]
                position = (x + step * NODES[n]) / length
                g = g_target + (excess * math.exp(-step * NODES[n] / tau_0) if excess != 0.0 else 0.0)
                across = supply - points[n]
                energy[E_SUPPLY] += weight * supply * across * g
                energy[E_DEVICE] += weight * across * across * g
                energy[E_LOAD] += weight * points[n] * points[n] * device[G_S]
                energy[E_COUPLING] += weight * points[n] * (device[G_C] * points[n] - local[n])
                for k in range(ORDER):
                    moments[k] += weight / length * polynomial(LEGENDRE_POWERS[k], position) * points[n]
            while sample < len(samples) and samples[sample] <= start + x + step:
                fraction = min(max((samples[sample] - start - x) / step, 0.0), 1.0)
                out[sample], _ = inside(fraction, v, rate, excess, tau_0, capacitance, step, slope)
                sample += 1
            if excess != 0.0:
                excess *= math.exp(-step / tau_0)
                if abs(excess) < 1e-18 * device[G_MET]:
                    excess = 0.0
            v = threshold if crossing else points[ORDER]
            taken = step
        if crossing:
            if count == len(switches):
                return -1, v, metallic, excess
            switches[count] = start + x + taken
            count += 1
            metallic = not metallic
            if tau_0 > 0.0:
                excess += g_target - (device[G_MET] if metallic else device[G_INS])
        x = x + taken if taken < length - x else length
    while sample < len(samples):
        out[sample] = v
        sample += 1
    for n in range(ORDER):
        nodal[n] = 0.0
        for k in range(ORDER):
            nodal[n] += PROJECTION[n, k] * moments[k]
    return count, v, metallic, excess
