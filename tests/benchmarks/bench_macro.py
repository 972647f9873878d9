"""How fast the array side is, as ratios measured in one run on one machine.

    make bench

Prints tables and stores the figures, with machine and versions, in tests/benchmarks/results/macro.json:

1. "product": 1024 spike vectors times 256 x 256 weights of 6 bits with mismatch, noise and converter, against plain
   float32 products in NumPy, one for each bit of the weights, and against CrossSim and aihwkit where the interpreter
   named by CIRCUITSNN_BENCH_PYTHON can import them (products.py). Each is a process with one thread; rounds are
   interleaved, one product of each after the other.
2. "read": one read of a column of 256 cells, 64 word lines on, against ngspice on the exported deck (column_read.py).

Times are processor times. On a machine that does other work they grow, up to three times as measured: ratios are of
the smallest ones, with those of the medians beside them, and the machine's load is stored with them.

What is alike and what is not:

- All but NumPy's give every bit of the weights a plane of its own, read at most 64 rows at a time, and convert the sum
  of each column by 6 bits: 6.3 million conversions. NumPy's products need no reads: 6 planes of 256 rows. Ours is given
  once more with all 256 rows in one read, as many sums as NumPy makes: 1.6 million conversions.
  The variants "one tile" of aihwkit hold a weight in one analog device: a sixth of the conversions, another machine.
- CrossSim draws read noise for each cell and read, 65536 numbers a plane and vector; we and aihwkit draw it for each
  column and read. Of a linear column both have the same distribution, so it is the same effect at another price. With
  batches it is slower and needs up to 2 GiB, so it is fed vector by vector. Without read noise it is another setting,
  one that does less; it is printed for whoever needs no noise.
- CrossSim has no non-linearity of the bit line here, and its SAR converters are symmetric about 0: of 6 bits, 5 are
  used. aihwkit has no mismatch of converters; its output range is symmetric too. Its compiled tile has all our other
  effects: spread of the cells, non-linearity and noise of a column, converters. Noise of each weight in each read,
  which it has too and we have not, is off (it takes half as long again), and so are converters for inputs, which
  spikes do not need. Its tile in torch has no output non-linearity: a setting that does less.
- Errors are not compared: our cells have the card's mismatch, the others 5 %. They show that a product comes out.
- Peak memory is that of the whole process: ours is that of the calibration and of drawing the cells.
- Programming error (CrossSim) and the spread of the weights (aihwkit) stand for our mismatch of cells: all static.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
from bench_oscillators import machine, say
from column_read import read_times, report_read
from contestant import Contestant
from products import CONTESTANTS

RESULTS = Path(__file__).parent / "results" / "macro.json"
OURS = ("numpy", "circuitsnn", "circuitsnn_all_rows")
ROUNDS = 21
SLOW, SLOW_ROUNDS = 1.0, 3
"""Contestants that need longer than this for a product take part in so many rounds only. [s]"""


def products() -> dict:
    """Time the products of all contestants, interleaved."""
    other_python = os.environ.get("CIRCUITSNN_BENCH_PYTHON")
    running, rows = {}, {}
    for name in CONTESTANTS:
        python = sys.executable if name in OURS else other_python
        if python is None:
            rows[name] = {"missing": "CIRCUITSNN_BENCH_PYTHON names no interpreter"}
            continue
        contestant = Contestant("products.py", python, name)
        rows[name] = contestant.started
        if "missing" in contestant.started:
            contestant.close()
        else:
            running[name] = contestant
    runs = {name: [] for name in running}
    for turn in range(ROUNDS):
        for name, contestant in running.items():
            if turn < SLOW_ROUNDS or runs[name][0]["processor_time_s"] < SLOW:
                runs[name].append(contestant.work())
    for name, contestant in running.items():
        contestant.close()
        seconds = [run["processor_time_s"] for run in runs[name]]
        rows[name] |= {
            "rounds": len(seconds),
            "fastest_s": min(seconds),
            "median_s": float(np.median(seconds)),
            "peak_memory_MiB": runs[name][-1]["peak_memory_MiB"],
        }
    reference = rows["numpy"]
    for row in rows.values():
        if "fastest_s" in row:
            row["times_numpy"] = row["fastest_s"] / reference["fastest_s"]
            row["times_numpy_by_medians"] = row["median_s"] / reference["median_s"]
    return {"contestants": rows}


def report_products(result: dict) -> None:
    """Print the table of the products."""
    rows = result["contestants"]
    say(f"load of the machine before and after: {result['load_average']}")
    say("1024 spike vectors times 256 x 256 weights of 6 bits, one thread; fastest (median) of interleaved rounds")
    for name, row in rows.items():
        if "missing" in row:
            say(f"  {name:24s} not measured: {row['missing']}")
            continue
        say(
            f"  {name:24s}{1e3 * row['fastest_s']:9.1f} ({1e3 * row['median_s']:.1f}) ms   "
            f"{row['times_numpy']:7.1f} ({row['times_numpy_by_medians']:.1f}) times NumPy   "
            f"{row['peak_memory_MiB']:5.0f} MiB   error {row['relative_error']:.3f}   {row['rounds']} rounds"
        )
        say(f"      {row['setting']}")
    ours = rows.get("circuitsnn", {})
    if "fastest_s" in ours:
        for name, row in rows.items():
            if name not in OURS and "fastest_s" in row:
                by_medians = row["median_s"] / ours["median_s"]
                say(f"  {name} needs {row['fastest_s'] / ours['fastest_s']:.2f} ({by_medians:.2f}) times our time")


def main() -> None:
    """Run the benchmarks that are asked for, print them and store them."""
    parts = {"product": (products, report_products), "read": (read_times, report_read)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=parts, action="append", help="run only this part (may be repeated)")
    chosen = parser.parse_args().only or list(parts)
    figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures["machine"] = machine()
    for name in chosen:
        measure, report = parts[name]
        load = os.getloadavg()[0]
        figures[name] = measure()
        figures[name]["load_average"] = [load, os.getloadavg()[0]]
        report(figures[name])
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    say(f"stored in {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


if __name__ == "__main__":
    main()
