"""What executors cost, as ratios measured in one run on one machine.

    PYTHONPATH=tests:tests/benchmarks python tests/benchmarks/bench_executors.py [--dask ADDRESS]

Prints a table and stores the figures, with machine and versions, in tests/benchmarks/results/executors.json:

efficiency   time that 2 workers spend inside 200 tasks of 50 ms over 2 x the wall time, workers being there already;
             for tasks that wait (what the executor takes) and for tasks that compute (what the machine gives, too)
overhead     wall time of a trivial task, over that of the same call in a plain loop, and in ms
memory       growth of this process while a million trivial tasks pass through 2 workers [MB]
"""

import argparse
import json
import time
from contextlib import closing
from pathlib import Path

import psutil
from bench_oscillators import machine, say

from circuitsnn.study.executors import Task, open_executor

RESULTS = Path(__file__).parent / "results" / "executors.json"
WORKERS, ROUNDS = 2, 3


def wait(_):
    """Take 50 ms without computing."""
    time.sleep(0.05)


def compute(_):
    """Take about 50 ms of processor time."""
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass


def nothing(number):
    """Take no time."""
    return number


def tasks(count):
    """Numbered tasks, one at a time."""
    return (Task(number, number) for number in range(count))


def efficiency(executor, function):
    """Time inside tasks over workers times wall time, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        inside = sum(done.duration for done in executor.run(function, tasks(200)))
        best = max(best, inside / executor.workers / (time.perf_counter() - start))
    return best


def per_task(executor, count):
    """Wall time of a trivial task, the best of some rounds. [s]."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        assert sum(1 for _ in executor.run(nothing, tasks(count))) == count
        best = min(best, (time.perf_counter() - start) / count)
    return best


def growth(executor, count):
    """Growth of this process's memory while tasks pass, the first thousand left out. [MB]."""
    process, before = psutil.Process(), None
    with closing(executor.run(nothing, tasks(count))) as run:
        for number, _ in enumerate(run):
            if number == 1000:
                before = process.memory_info().rss
    return (process.memory_info().rss - before) / 1e6


def main():
    """Measure, say and store."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dask", metavar="ADDRESS", help="also measure the workers of this Dask scheduler")
    parser.add_argument("--million", type=int, default=1_000_000, help="tasks whose memory is looked at")
    options = parser.parse_args()

    start = time.perf_counter()
    for number in range(20_000):
        nothing(number)
    plain = (time.perf_counter() - start) / 20_000

    figures = {}
    places = [("here", "here", 1, 20_000), ("processes", "processes", WORKERS, 2000)]
    if options.dask:
        places.append(("dask", options.dask, WORKERS, 2000))
    for name, where, jobs, count in places:
        with open_executor(where, jobs) as executor:
            list(executor.run(wait, tasks(2 * executor.workers)))
            overhead = per_task(executor, count)
            figures[name] = {
                "workers": executor.workers,
                "efficiency_waiting": efficiency(executor, wait),
                "efficiency_computing": efficiency(executor, compute),
                "overhead_ms": 1e3 * overhead,
                "overhead_ratio": overhead / plain,
            }
            if name == "processes":
                figures[name]["memory_growth_MB"] = growth(executor, options.million)
                figures[name]["memory_tasks"] = options.million
        say(f"{name}: " + ", ".join(f"{key} {value:.3g}" for key, value in figures[name].items()))
    RESULTS.write_text(json.dumps({"machine": machine(), "executors": figures}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
