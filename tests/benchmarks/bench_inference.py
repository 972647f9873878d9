"""How fast inference is, as ratios measured in one run on one machine.

    make bench

Prints a table and stores the figures, with machine and versions, in tests/benchmarks/results/inference.json: a batch
of 256 images through 784-500-10 and through LeNet-5, 10 time steps, direct coded (the image itself in every step) and
with spikes as input, against snnTorch and SpikingJelly where the interpreter named by CIRCUITSNN_BENCH_PYTHON can
import them (spiking_networks.py). Each is a process with one thread; rounds are interleaved, one batch of each after
the other. Before that, the spike counts of all neurons are compared.

Weights are random (Kaiming), thresholds the 99.7 percentile times 0.8 of section 6.3 of Datta et al. (2022), images
scikit-learn's digits enlarged to 28 x 28. How many neurons spike matters to us, not to the others: activities are
stored. Spikes as input are those of Poisson coding; drawing them is not timed for anyone.

SpikingJelly repeats a direct-coded image for all steps; written with more care its first layer works once: both are
here. snnTorch's loop has it in each step. Operations and spike counts are part of our result and of our time.

"macros" and "chips" are ours alone: a batch with a behavioural macro in every layer against exact layers, chips being
there already; and 100 chips of digits' 64-100-10 network over 1000 images by two workers, their making included.

Times are processor times, but for the chips. On a machine that does other work they grow: ratios are of the smallest
ones, with those of the medians beside them, and the machine's load is stored with them.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from bench_oscillators import machine, say
from contestant import Contestant
from spiking_networks import CONTESTANTS

from circuitsnn.snn import inference
from circuitsnn.snn.architectures import lenet5, mlp
from circuitsnn.snn.coding import encode
from circuitsnn.snn.conversion import spiking
from circuitsnn.snn.engines.macro import OnMacro
from circuitsnn.snn.files import save_network
from circuitsnn.snn.inference import run

RESULTS = Path(__file__).parent / "results" / "inference.json"
BATCH, STEPS, ROUNDS = 256, 10, 15


def images() -> np.ndarray:
    """Give digits of 28 x 28 pixels, 0 to 1, shape (BATCH, 1, 28, 28)."""
    from sklearn.datasets import load_digits

    small = load_digits().images[:BATCH] / 16.0
    large = np.repeat(np.repeat(small, 3, axis=1), 3, axis=2)
    return np.pad(large, [(0, 0), (2, 2), (2, 2)])[:, None].astype(np.float32)


def write(folder: Path, name: str, coding: str) -> tuple[Path, dict]:
    """Write a network, its inputs and what it does; give the file and the activities."""
    samples = images() if name == "lenet5" else images().reshape(BATCH, -1)
    rng = np.random.default_rng(2022)
    build = {
        "mlp": lambda: mlp((784, 500, 10), rng=rng, spiking=False),
        "lenet5": lambda: lenet5(rng=rng, spiking=False),
    }
    network = spiking(build[name](), samples[:50], STEPS).replace(coding=coding)
    stem = folder / f"{name}_{coding}"
    save_network(network, stem)
    neurons = [layer.name for layer in network.neuron_layers]
    found = run(network, samples, record=neurons)
    arrays = {
        "network": str(stem),
        "samples": samples,
        "steps": STEPS,
        "layers": [layer.name for layer in network.layers],
        "output": found.outputs[0],
    }
    arrays |= {f"w {layer.name}": layer.weight for layer in network.weight_layers}
    arrays |= {f"t {layer.name}": layer.threshold for layer in network.neuron_layers}
    arrays |= {f"c {each}": found.records[each][0].sum(axis=0).reshape(BATCH, -1) for each in neurons}
    activity = {each: float(value[0]) / STEPS for each, value in found.activity.items()}
    if coding != "direct":
        # The spikes that `run` drew, block by block.
        parts = []
        block = inference._block(network)
        for number, start in enumerate(range(0, BATCH, block)):
            stream = np.random.SeedSequence(0, spawn_key=(inference._CODING, number))
            part = samples[start : start + block]
            parts.append(encode(coding, part, STEPS, np.random.default_rng(stream)))
        arrays["series"] = np.concatenate(parts, axis=1)
        activity = {"input": float(arrays["series"].mean())} | activity
    file = stem.with_suffix(".npz")
    np.savez(file, **arrays)
    return file, activity


def measure(name: str, coding: str) -> dict:
    """Time the batches of all contestants, interleaved."""
    other_python = os.environ.get("CIRCUITSNN_BENCH_PYTHON")
    running, rows = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        file, activity = write(Path(folder), name, coding)
        for contestant in CONTESTANTS:
            python = sys.executable if contestant == "circuitsnn" else other_python
            if contestant == "spikingjelly_once" and coding != "direct":
                continue
            if python is None:
                rows[contestant] = {"missing": "CIRCUITSNN_BENCH_PYTHON names no interpreter"}
                continue
            process = Contestant("spiking_networks.py", python, contestant, str(file))
            rows[contestant] = process.started
            if "missing" in process.started:
                process.close()
            else:
                running[contestant] = process
        runs = {contestant: [] for contestant in running}
        for _ in range(ROUNDS):
            for contestant, process in running.items():
                runs[contestant].append(process.work())
        for contestant, process in running.items():
            process.close()
            seconds = [each["processor_time_s"] for each in runs[contestant]]
            rows[contestant] |= {
                "fastest_s": min(seconds),
                "median_s": float(np.median(seconds)),
                "fastest_wall_s": min(each["wall_time_s"] for each in runs[contestant]),
                "peak_memory_MiB": runs[contestant][-1]["peak_memory_MiB"],
            }
    ours = rows["circuitsnn"]
    for row in rows.values():
        if "fastest_s" in row:
            row["times_ours"] = row["fastest_s"] / ours["fastest_s"]
            row["times_ours_by_medians"] = row["median_s"] / ours["median_s"]
    return {"activity_per_step": activity, "rounds": ROUNDS, "contestants": rows}


def report(title: str, result: dict) -> None:
    """Print the table of a network."""
    active = ", ".join(f"{name} {value:.3f}" for name, value in result["activity_per_step"].items())
    say(
        f"{title}: {BATCH} images, {STEPS} steps, one thread; fastest (median) of {result['rounds']} interleaved rounds"
    )
    say(f"  spikes of a neuron and step: {active}; load {result['load_average']}")
    for name, row in result["contestants"].items():
        if "missing" in row:
            say(f"  {name:18s} not measured: {row['missing']}")
            continue
        say(
            f"  {name:18s}{1e3 * row['fastest_s']:8.1f} ({1e3 * row['median_s']:.1f}) ms {row['times_ours']:6.2f} "
            f"({row['times_ours_by_medians']:.2f}) times ours  {row['peak_memory_MiB'] or 0:5.0f} MiB  "
            f"counts differ by {row['counts_differ']:.0f} of {row['spikes']:.0f} spikes, "
            f"output by {row['output_error']:.1e}"
        )


MACROS = {
    "as is": {},
    "fewest conversions": {"input_coding": "pulse_width", "significance": "charge_sharing"},
    "linear": {"linear": True},
}
"""Settings of the macros: the default, inputs read bit by bit and a conversion for each column; inputs as pulses and
columns merged by charge sharing, one read of a row group and two conversions for each output; or each chip's effective
weights with errors as measured on it, which converts in the measurement only."""


def macros() -> dict:
    """Time a batch of 784-500-10 with macros in both layers, and one with exact layers, interleaved."""
    samples = images().reshape(BATCH, -1)
    network = mlp((784, 500, 10), rng=np.random.default_rng(2022), spiking=False)
    network = spiking(network, samples[:50], STEPS)
    fabricate, made = inference._Line.chip, {}

    def chip(line, number):
        """Fabricate a chip once for each set of designs."""
        key = tuple(id(design) for design, _ in line.designs.values())
        if key not in made:
            made[key] = fabricate(line, number)
        return made[key]

    products, designs, conversions = {"dense1": BATCH, "fc": STEPS * BATCH}, {"exact": None}, {}
    for setting, words in MACROS.items():
        engines = {layer.name: OnMacro(**words) for layer in network.weight_layers}
        designed = dict(run(network, samples[:64], engines=engines).designs)
        each = {name: designed[name]._macro.tiling.conversions * count for name, count in products.items()}
        designs[setting], conversions[setting] = designed, 0 if "linear" in words else sum(each.values())
    times = {name: [] for name in designs}
    inference._Line.chip = chip
    for turn in range(ROUNDS + 1):
        for name, given in designs.items():
            seconds = processor_time(lambda given=given: run(network, samples, engines=given))
            if turn:  # the first one compiles and fabricates
                times[name].append(seconds)
    inference._Line.chip = fabricate
    rows = {name: {"fastest_s": min(each), "median_s": float(np.median(each))} for name, each in times.items()}
    for name, row in rows.items():
        row["ratio"] = row["fastest_s"] / rows["exact"]["fastest_s"]
        row["ratio_by_medians"] = row["median_s"] / rows["exact"]["median_s"]
        row["conversions"] = conversions.get(name, 0)
    return {"settings": rows, "rounds": ROUNDS}


def processor_time(work: Callable[[], object]) -> float:
    """Time a piece of work. [s]."""
    start = time.process_time()
    work()
    return time.process_time() - start


def hundred_chips() -> dict:
    """Time 100 chips of a network of digits over 1000 images."""
    from sklearn.datasets import load_digits

    samples = (load_digits().images[:1000] / 16.0).reshape(-1, 64)
    network = mlp((64, 100, 10), rng=np.random.default_rng(2022), spiking=False)
    network = spiking(network, samples[:50], 5)
    engines = {layer.name: OnMacro(weight_bits=6) for layer in network.weight_layers}
    start = time.perf_counter()
    designs = dict(run(network, samples[:64], engines=engines).designs)
    designed = time.perf_counter()
    run(network, samples, engines=designs, chips=100, jobs=2)
    return {"design_s": designed - start, "chips_wall_s": time.perf_counter() - designed}


def report_ours(title: str, result: dict) -> None:
    """Print what is measured of ours alone."""
    if title == "chips":
        say("100 chips of 64-100-10 on macros of 6 bits, 1000 images, 5 steps, two workers:")
        times = f"{result['chips_wall_s']:.0f} s after {result['design_s']:.0f} s for the design"
        say(f"  {times}; load {result['load_average']}")
        return
    say(f"784-500-10 with a behavioural macro in every layer, times exact layers; load {result['load_average']}")
    for name, row in result["settings"].items():
        say(
            f"  {name:20s}{1e3 * row['fastest_s']:7.1f} ({1e3 * row['median_s']:.1f}) ms   {row['ratio']:5.1f} "
            f"({row['ratio_by_medians']:.1f}) times   {row['conversions'] / 1e6:5.1f} million conversions"
        )


def main() -> None:
    """Run the benchmarks that are asked for, print them and store them."""
    cases = {
        f"{name}, {coding}": partial(measure, name, coding)
        for name in ("mlp", "lenet5")
        for coding in ("direct", "poisson")
    }
    cases |= {"macros": macros, "chips": hundred_chips}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=cases, action="append", help="run only this part (may be repeated)")
    chosen = parser.parse_args().only or list(cases)
    figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures["machine"] = machine()
    for title in chosen:
        load = os.getloadavg()[0]
        figures[title] = cases[title]()
        figures[title]["load_average"] = [load, os.getloadavg()[0]]
        (report if "contestants" in figures[title] else report_ours)(title, figures[title])
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    say(f"stored in {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


if __name__ == "__main__":
    main()
