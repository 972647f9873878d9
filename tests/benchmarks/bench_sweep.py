"""What a sweep costs beside the trials themselves, printed as JSON. ``--quick`` is a smaller check that all works.

- `in_process`: time that a sweep of empty trials takes for each, without a store and with one, and the processor's time
  in it, which other programs on the machine change less; and what a commit of a row costs SQLite itself in the same
  folder, which is the least that a store which loses nothing can take.
- `resume`: time for each trial of a sweep whose store holds them all.
- `many`: many empty trials (a million, without ``--quick``) with a store, and the largest memory of that process.
- `efficiency`: share of the time of two worker processes that trials of 50 ms fill; a trial sleeps, so that the figure
  is that of the sharing and not of a busy machine.
- `sharing`: the same for two sweeps that share a store.

Folders for stores are made in the temporary folder, so TMPDIR chooses the disk.
"""

import json
import multiprocessing
import os
import platform
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from circuitsnn.study.sweep import sweep

TRIAL = 0.05  # [s]


def nothing(a):
    return a


def sleep(a):
    time.sleep(TRIAL)
    return a


def timed(function):
    """Time a call, by the clock and by the processor. [s]."""
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - processor


def overhead(folder, count):
    """Give the cost of each trial. [s]."""
    rows = {}
    for name, store in (
        ("without_store", None),
        ("with_store", folder / "overhead.db"),
        ("resume", folder / "overhead.db"),
    ):
        wall, processor = timed(lambda store=store: sweep(nothing, {"a": range(count)}, store=store))
        rows[name] = {"wall_s": wall / count, "processor_s": processor / count}
    rows["commit"] = {"wall_s": commit(folder, count)}
    return rows


def commit(folder, count):
    """Give the cost of a row to SQLite itself. [s]."""
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT)")
    wall, _ = timed(lambda: [connection.execute("INSERT INTO rows VALUES (?, ?)", (k, "x" * 60)) for k in range(count)])
    connection.close()
    return wall / count


def many(folder, count):
    """Sweep through many trials in a process of its own, which tells its largest memory. [B]."""

    def work(pipe):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        wall, processor = timed(lambda: sweep(nothing, {"a": range(count)}, store=folder / "many.db"))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        pipe.send(
            {"trials": count, "wall_s": wall, "processor_s": processor, "peak_B": peak, "growth_B": peak - before}
        )

    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(theirs,))
    process.start()
    found = ours.recv()
    process.join()
    return found | {"store_B": (folder / "many.db").stat().st_size}


def efficiency(count):
    """Give the share of two workers' time that trials fill, starting them included and not."""
    shares = {}
    for name, trials in (("started", count), ("whole", count)):
        stamps = []
        wall, _ = timed(
            lambda stamps=stamps, trials=trials: sweep(
                sleep,
                {"a": range(trials)},
                jobs=2,
                progress=lambda share, text: stamps.append((time.perf_counter(), text)),
            )
        )
        shares[name] = trials * TRIAL / 2 / wall
        if name == "started":
            # From the first report of a trial that is done to the last one.
            first = next(stamp for stamp in stamps if not stamp[1].startswith("0 of"))
            done = trials - int(first[1].split()[0])
            shares[name] = done * TRIAL / 2 / (stamps[-1][0] - first[0])
    return {"trials": count, **shares}


def sharing(folder, count):
    """Give the share of two processes' time that trials fill when they share a store."""

    def work():
        sweep(sleep, {"a": range(count)}, store=folder / "shared.db")

    processes = [multiprocessing.get_context("fork").Process(target=work) for _ in range(2)]
    start = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return {"trials": count, "efficiency": count * TRIAL / 2 / (time.perf_counter() - start)}


def main(quick):
    """Measure everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = {
            "machine": f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
            "in_process": overhead(folder, 200 if quick else 5000),
            "many": many(folder, 2000 if quick else 1_000_000),
            "efficiency": efficiency(20 if quick else 400),
            "sharing": sharing(folder, 20 if quick else 400),
        }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
