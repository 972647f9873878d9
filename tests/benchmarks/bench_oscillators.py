"""How fast the oscillator side is, as ratios measured in one run on one machine.

    make bench

Prints a table and stores the figures, with machine and versions, in tests/benchmarks/results/oscillators.json:

1. 60 fully coupled oscillators over 20 periods on one thread, against ngspice on the exported deck of the same circuit
   at its fastest setting that follows every switching (ngspice_network.py says how that was found); errors of both
   against DOP853.
2. The recall campaign of Fig. 14C: 5 betas x 20 noise levels x 60 images on two processes.
3. Processor time per period against the number of oscillators, all to all and with eight neighbours each, with the
   fitted exponent; peak memory of a process that did nothing else.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import ngspice_network as spice
import numpy as np
from scipy import sparse

import circuitsnn
from circuitsnn import Oscillator, OscillatorNetwork, hebbian, load_card, map_weights, recall
from circuitsnn.oscillator.patterns import digits, with_fuzzy_pixels

RESULTS = Path(__file__).parent / "results" / "oscillators.json"
CARD = load_card("vo2_delacour2021")
BETAS = (1.0, 1.5, 1.875, 2.5, 3.0)
FUZZY_PIXELS = range(1, 21)
IMAGES = 60
DENSE_SIZES = (10, 20, 50, 100, 200, 500, 1000)
SPARSE_SIZES = (100, 1000, 5000, 20_000)
NEIGHBOURS = 8
SCALING_PERIODS = 5


def against_ngspice() -> dict:
    """Time both on the same network, and judge both by DOP853."""
    stand_in, delays, close_at = spice.benchmark_network()
    network = OscillatorNetwork([Oscillator(CARD)] * spice.SIZE, stand_in.coupling_resistance)
    stop = spice.PERIODS * spice.PERIOD
    reference = spice.reference_times()
    times, wall, processor, points = spice.run_setting(*spice.SETTINGS[spice.FAIR])
    result = {
        "ngspice": {
            "setting": spice.FAIR,
            "processor_time_s": processor,
            "wall_time_s": wall,
            "time_points": points,
            "largest_error_periods": spice.timing_error(times, reference)[0],
        },
        "ours": [],
    }
    for tolerance in (1e-5, 1e-6, 1e-7, 1e-9):
        network.transient(delays, close_at=close_at, stop=stop, tolerance=tolerance)  # compiles on the first round
        seconds = []
        for _ in range(9):
            started = time.process_time()
            run = network.transient(delays, close_at=close_at, stop=stop, tolerance=tolerance)
            seconds.append(time.process_time() - started)
        result["ours"].append(
            {
                "tolerance_V": tolerance,
                "processor_time_s": float(np.median(seconds)),
                "fastest_s": min(seconds),
                "largest_error_periods": spice.timing_error(run.switching_times, reference)[0],
                "ratio": processor / float(np.median(seconds)),
            }
        )
    return result


def _recalls(beta: float, counts: range, seed: int) -> int:
    """Recall the images of some noise levels at one beta; how many were right."""
    rng = np.random.default_rng(seed)
    patterns = digits()
    network = OscillatorNetwork([Oscillator(CARD)] * patterns.shape[1], map_weights(hebbian(patterns), CARD, beta))
    right = 0
    for count in counts:
        for index in range(IMAGES):
            pattern = patterns[index % len(patterns)]
            right += recall(network, with_fuzzy_pixels(pattern, count, rng), tolerance=1e-6).matches(pattern)
    return right


def campaign() -> dict:
    """Run the whole recall campaign on two processes."""
    recall(OscillatorNetwork([Oscillator(CARD)] * 2, np.full((2, 2), 13e3)), [1.0, -1.0])  # fills the kernels' cache
    started = time.perf_counter()
    # Ten pieces of like work, so that both processes are busy to the end.
    pieces = [(beta, FUZZY_PIXELS[half::2]) for beta in BETAS for half in range(2)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        right = sum(pool.map(_recalls, *zip(*pieces, strict=True), range(len(pieces))))
    seconds = time.perf_counter() - started
    count = len(BETAS) * len(FUZZY_PIXELS) * IMAGES
    return {"recalls": count, "wall_time_s": seconds, "per_recall_s": seconds / count, "recalled": right / count}


def _scaling_network(size: int, dense: bool, rng: np.random.Generator) -> OscillatorNetwork:
    if dense:
        resistance = np.triu((size - 1) * 13.2e3 * rng.uniform(0.9, 1.1, (size, size)), 1)
        resistance += resistance.T
        np.fill_diagonal(resistance, np.inf)
    else:
        one = np.repeat(np.arange(size), NEIGHBOURS // 2)
        other = (one + rng.integers(1, size, len(one))) % size
        pairs = np.unique(np.sort(np.column_stack((one, other)), axis=1), axis=0).T
        values = NEIGHBOURS * 13.2e3 * rng.uniform(0.9, 1.1, pairs.shape[1])
        upper = sparse.coo_array((values, pairs), shape=(size, size)).tocsr()
        resistance = upper + upper.T
    return OscillatorNetwork([Oscillator(CARD)] * size, resistance)


def peak_memory() -> float:
    """Peak resident memory of this process, from Linux; its ru_maxrss would start at the parent's peak. [MiB]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _one_size(size: int, dense: bool) -> dict:
    """Run one size in a process of its own, so that its peak memory is its own."""
    rng = np.random.default_rng(size)
    before = peak_memory()
    period = Oscillator(CARD).period()
    network = _scaling_network(size, dense, rng)
    delays = rng.choice([0.0, 0.5 * period], size)
    network.transient(delays, close_at=0.52 * period, stop=0.6 * period, tolerance=1e-6)
    started = time.process_time()
    run = network.transient(delays, close_at=0.52 * period, stop=SCALING_PERIODS * period, tolerance=1e-6)
    return {
        "oscillators": size,
        "processor_time_per_period_s": (time.process_time() - started) / SCALING_PERIODS,
        "windows_per_period": run.windows / SCALING_PERIODS,
        "peak_memory_MiB": peak_memory(),
        "memory_before_MiB": before,
    }


def scaling(sizes: tuple[int, ...], dense: bool) -> dict:
    """Cost per period against the number of oscillators."""
    rows = []
    for size in sizes:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows.append(pool.submit(_one_size, size, dense).result())
    large = [row for row in rows if row["oscillators"] >= 100]
    exponent = np.polyfit(
        np.log([row["oscillators"] for row in large]),
        np.log([row["processor_time_per_period_s"] for row in large]),
        1,
    )[0]
    return {"rows": rows, "exponent_from_100": float(exponent)}


def machine() -> dict:
    """Describe what the figures were measured with."""
    ngspice = subprocess.run(["ngspice", "--version"], capture_output=True, text=True, check=False).stdout
    cpu_info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":")[1].strip() for line in cpu_info.splitlines() if line.startswith("model name")]
    return {
        "date": date.today().isoformat(),
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "circuitsnn": circuitsnn.__version__,
        **{name: version(name) for name in ("numpy", "scipy", "numba")},
        "ngspice": next((word for word in ngspice.split() if word.startswith("ngspice-")), "not found"),
    }


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the benchmarks that are asked for, print them and store them."""
    parts = {
        "ngspice": against_ngspice,
        "campaign": campaign,
        "dense": lambda: scaling(DENSE_SIZES, True),
        "sparse": lambda: scaling(SPARSE_SIZES, False),
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=parts, action="append", help="run only this part (may be repeated)")
    chosen = parser.parse_args().only or list(parts)
    figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures["machine"] = machine()
    for name in chosen:
        figures[name] = parts[name]()
        report(name, figures[name])
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    say(f"stored in {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


def report(name: str, result: dict) -> None:
    """Print one part."""
    if name == "ngspice":
        other = result["ngspice"]
        say(
            f"{spice.SIZE} coupled oscillators, {spice.PERIODS} periods, one thread; error: switching times, in periods"
        )
        say(
            f"  ngspice ({other['setting']})   {other['processor_time_s']:8.1f} s   "
            f"error {other['largest_error_periods']:.1e}"
        )
        for row in result["ours"]:
            say(
                f"  circuitsnn, tolerance {row['tolerance_V']:.0e} V  {1e3 * row['processor_time_s']:6.1f} ms   "
                f"error {row['largest_error_periods']:.1e}   {row['ratio']:6.0f} times faster"
            )
    elif name == "campaign":
        say(
            f"{result['recalls']} recalls on two processes: {result['wall_time_s']:.1f} s "
            f"({1e3 * result['per_recall_s']:.1f} ms each)"
        )
    else:
        kind = "all to all" if name == "dense" else f"{NEIGHBOURS} neighbours each"
        say(f"cost per period, {kind}: exponent {result['exponent_from_100']:.2f} from 100 oscillators on")
        for row in result["rows"]:
            say(
                f"  {row['oscillators']:6d} oscillators {1e3 * row['processor_time_per_period_s']:9.2f} ms   "
                f"peak memory {row['peak_memory_MiB']:.0f} MiB ({row['memory_before_MiB']:.0f} before the network)"
            )


if __name__ == "__main__":
    main()
