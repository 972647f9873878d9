"""What a bench would give for a device that is known: I-V loops and waveforms, by formulas of their own."""

import numpy as np
from reference_solver import TABLE_1, fold_voltages, metallic_share

HIDDEN = {**TABLE_1, "C_P": 430e-12, "R_ins": 120e3, "R_met": 1.3e3, "V_L": 1.08, "V_H": 1.93}


def triangle(top, samples, loops=1, shift=0.0):
    """Sweep from 0 V to the top and back, some loops; the shift moves all samples by a share of a step."""
    phase = (np.arange(2 * samples * loops) + shift) / samples % 2.0
    return top * np.where(phase < 1.0, phase, 2.0 - phase)


def swept_loop(sweep, device=HIDDEN, series=0.0, alpha=None, thresholds=None):
    """Current of a slowly swept device; alpha bends its branches; thresholds gives V_L and V_H of each switching."""
    ends = fold_voltages(device["V_L"], device["V_H"], alpha) if alpha else (device["V_L"], device["V_H"])
    metallic, current, count = False, [], 0
    for source in sweep:
        low, high = ends if thresholds is None else thresholds[count]
        resistance = device["R_met"] if metallic else device["R_ins"]
        across = source * resistance / (resistance + series)
        if (across < low) if metallic else (across >= high):
            metallic, count = not metallic, count + 1
            resistance = device["R_met"] if metallic else device["R_ins"]
        conductance = 1.0 / resistance
        if alpha:
            share = metallic_share(source, metallic, device["V_L"], device["V_H"], alpha)
            conductance = (1.0 - share) / device["R_ins"] + share / device["R_met"]
        current.append(source / (1.0 / conductance + series))
    return np.array(current)


def abrupt_waveform(time, device=HIDDEN):
    """Output of an oscillator with abrupt switching whose supply steps up at time 0 (docs/theory/oscillator.md)."""
    p = device
    v_ins, v_met = (p["V_DD"] * p["R_S"] / (p["R_S"] + p[name]) for name in ("R_ins", "R_met"))
    tau_d, tau_c = (p["C_P"] / (1.0 / p["R_S"] + 1.0 / p[name]) for name in ("R_ins", "R_met"))
    high, low = p["V_DD"] - p["V_L"], p["V_DD"] - p["V_H"]
    discharge = tau_d * np.log((high - v_ins) / (low - v_ins))
    charge = tau_c * np.log((v_met - low) / (v_met - high))
    first = tau_c * np.log(v_met / (v_met - high))
    phase = (time - first) % (charge + discharge)
    falling = v_ins + (high - v_ins) * np.exp(-phase / tau_d)
    rising = v_met + (low - v_met) * np.exp(-np.maximum(phase - discharge, 0.0) / tau_c)
    start = v_met * (1.0 - np.exp(-np.maximum(time, 0.0) / tau_c))
    return np.where(time < first, start, np.where(phase < discharge, falling, rising))


def period(device=HIDDEN):
    """Period of that oscillator."""
    times = np.linspace(0.0, 1e-3, 2_000_001)
    output = abrupt_waveform(times, device)
    rises = times[1:][np.diff(np.sign(np.diff(output, prepend=0.0))) > 0]
    return float(np.mean(np.diff(rises)))
