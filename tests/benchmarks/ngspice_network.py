"""What ngspice needs, in time and in error, for 60 fully coupled oscillators over 20 periods.

    python tests/benchmarks/ngspice_network.py            # the fair setting, once
    python tests/benchmarks/ngspice_network.py --all      # every setting, to see that it is the fair one

ngspice runs on one thread and saves one vector per oscillator, the state of its device. The error is the
largest difference of any switching time to the reference (DOP853 with events), in periods. This network has
near-ties: a setting that misses one goes its own way from there on.

Measured with ngspice 39: 0.8 ms for each time point, 80 % of it factoring the matrix (543 unknowns, no
fill-in), so that only fewer points make it faster.

=============================  =============  ========================  ===========================
setting                        processor [s]  largest error [periods]   in step with the reference
=============================  =============  ========================  ===========================
gain 1e5, 5 ns, reltol 1e-5    97             9.4e-6                    20 periods
gain 1e5, 20 ns                48             1.7e-4                    20 periods
gain 1e5, 50 ns                39             4.9e-4                    20 periods
gain 1e5, 100 ns               37             4.7e-4                    20 periods
gain 1e5, 20 ns, reltol 1e-2   41             2.7e-4                    20 periods
gain 1e5, 20 ns, gear          48             4.2e-4                    20 periods
gain 1e4, 20 ns                32             -                         8.1 periods
gain 1e3, 20 ns                22             -                         5.3 periods
plain switch, 5 ns             44             -                         8.1 periods
plain switch, 20 ns            12             -                         2.7 periods
=============================  =============  ========================  ===========================
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from reference_solver import TABLE_1, plain_network, solve_reference

from circuitsnn.spice import Deck, Transient, oscillator_circuit, simulate, switching_times

SIZE, PERIODS, PERIOD = 60, 20, 21.7378e-6  # of the relaxed oscillator at Table 1 with V_H = 1.999 V
SETTINGS = {  # comparator gain, largest step [s], simulator options
    "gain 1e5, 20 ns": (1e5, 20e-9, {}),
    "gain 1e5, 50 ns": (1e5, 50e-9, {}),
    "gain 1e5, 100 ns": (1e5, 100e-9, {}),
    "gain 1e4, 50 ns": (1e4, 50e-9, {}),
    "gain 1e4, 20 ns": (1e4, 20e-9, {}),
    "gain 1e3, 20 ns": (1e3, 20e-9, {}),
    "gain 1 (plain switch), 20 ns": (1.0, 20e-9, {}),
    "gain 1 (plain switch), 5 ns": (1.0, 5e-9, {}),
    "gain 1e5, gear, 20 ns": (1e5, 20e-9, {"method": "gear"}),
    "gain 1e5, reltol 1e-2, 20 ns": (1e5, 20e-9, {"reltol": 1e-2}),
    "gain 1e5, reltol 1e-5, 5 ns": (1e5, 5e-9, {"reltol": 1e-5}),
}
FAIR = "gain 1e5, 100 ns"  # the fastest that follows every switching over 20 periods


def benchmark_network(seed=2021):
    """Network of Table 1 and its start: all-to-all 59 * 13.2 k within +-10 %, delays 0 or half a period."""
    rng = np.random.default_rng(seed)
    resistance = np.triu((SIZE - 1) * 13.2e3 * rng.uniform(0.9, 1.1, (SIZE, SIZE)), 1)
    resistance += resistance.T
    np.fill_diagonal(resistance, np.inf)
    delays = rng.choice([0.0, PERIOD / 2], SIZE)
    tau_charge = TABLE_1["C_P"] / (1 / TABLE_1["R_S"] + 1 / TABLE_1["R_met"])
    v_met = TABLE_1["V_DD"] * TABLE_1["R_S"] / (TABLE_1["R_S"] + TABLE_1["R_met"])
    first_charge = tau_charge * np.log(v_met / (v_met - (TABLE_1["V_DD"] - TABLE_1["V_L"])))
    return plain_network(SIZE, resistance), delays, PERIOD / 2 + first_charge


def run_setting(gain, max_step, options):
    """Run ngspice once; its switching times, wall time [s], processor time [s] and number of time points."""
    network, delays, close_at = benchmark_network()
    circuit = oscillator_circuit(network, delays, close_at, energy=False, comparator_gain=gain)
    save = tuple(f"osc{i}_metallic" for i in range(SIZE))
    deck = Deck(circuit, Transient(PERIODS * PERIOD, max_step), save=save, options=options)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    waveforms = simulate(deck, "ngspice", timeout=3600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_time = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return switching_times(waveforms, network), waveforms.wall_time, processor_time, waveforms.time.size


def timing_error(times, reference):
    """Largest and root mean square difference of switching times, in periods; NaN if one is missing."""
    if any(abs(a.size - b.size) > 1 for a, b in zip(times, reference, strict=True)):
        return float("nan"), float("nan")  # one may fall beyond the end
    pairs = zip(times, reference, strict=True)
    difference = np.concatenate([a[: b.size] - b[: a.size] for a, b in pairs]) / PERIOD
    return float(np.abs(difference).max()), float(np.sqrt(np.mean(difference**2)))


def periods_in_order(times, reference):
    """How long every switching has its counterpart within 1 % of a period, in periods."""
    first = float(PERIODS)
    for own, other in zip(times, reference, strict=True):
        size = min(own.size, other.size)
        wrong = np.flatnonzero(np.abs(own[:size] - other[:size]) > 0.01 * PERIOD)
        if wrong.size:
            first = min(first, float(other[wrong[0]] / PERIOD))
    return round(first, 1)


def reference_times():
    """Switching times by DOP853 with events (minutes)."""
    network, delays, close_at = benchmark_network()
    run = solve_reference(
        network.parameters, network.coupling_resistance, delays, close_at, PERIODS * PERIOD, rtol=1e-9
    )
    return run.switching_times


def main():
    """Print one line of JSON for each setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every setting")
    parser.add_argument("--reference", type=Path, help="file that keeps the reference switching times (.npz)")
    arguments = parser.parse_args()
    if arguments.reference and arguments.reference.exists():
        with np.load(arguments.reference) as stored:
            reference = tuple(stored[str(i)] for i in range(SIZE))
    else:
        started = time.perf_counter()
        reference = reference_times()
        sys.stderr.write(f"reference took {time.perf_counter() - started:.0f} s\n")
        if arguments.reference:
            np.savez(arguments.reference, **{str(i): times for i, times in enumerate(reference)})
    for name in SETTINGS if arguments.all else [FAIR]:
        times, wall_time, processor_time, points = run_setting(*SETTINGS[name])
        largest, rms = timing_error(times, reference)
        result = {
            "setting": name,
            "wall_time_s": round(wall_time, 2),
            "processor_time_s": round(processor_time, 2),
            "points": points,
            "largest_error_periods": largest,
            "rms_error_periods": rms,
            "in_order_periods": periods_in_order(times, reference),
        }
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
