"""One read of a column of 256 cells, 64 word lines on: our engine against ngspice on the exported deck.

ngspice is timed at its fastest setting that was found to be within 0.1 mV of the bit line at its sampling time, and so
are we (at our default). Its error falls with its step towards our solution at a tolerance of 1e-10 V, so that the two
solve the same equations. Measured with ngspice 39 on the deck with equal cells put together, lumped line, at 0.98 of
the sampling time:

==========================================================  ======  ==========
setting (largest step; options)                             points  error [uV]
==========================================================  ======  ==========
10 ps, the deck's default                                   534     -553
5 ps                                                        1005    -165
2.5 ps                                                      1949    -42
0.5 ps                                                      9518    +3
100 ps; reltol 1e-5, trtol 1, tight                         276     -216
100 ps; reltol 1e-6, tight                                  297     -179
100 ps; reltol 3e-7, tight (timed here)                     397     -85
100 ps; reltol 1e-6, trtol 1, tight                         480     -54
100 ps; reltol 1e-7, tight                                  525     -44
100 ps; reltol 1e-7, tight, gear of order 6                 688     -92
==========================================================  ======  ==========

"tight" is abstol 1e-15, vntol 1e-9, chgtol 1e-18. ngspice works out the transistors' equations as expressions.
"""

import resource
import time

import numpy as np
from bench_oscillators import say

from circuitsnn import load_card
from circuitsnn.spice import simulate
from circuitsnn.spice.column import bitline_deck
from circuitsnn.sram.bitline import BitlineRead

ROWS, ROWS_ON = 256, 64
OPTIONS = {"reltol": 3e-7, "abstol": 1e-15, "vntol": 1e-9, "chgtol": 1e-18}
LARGEST_STEP = 100e-12
AT = 0.98
"""Where the errors are taken, as a part of the sampling time: just before the precharge switch closes."""
COLUMNS = {"every cell its own": (2022, 1), "equal cells put together": (None, 5)}
"""Seed of the mismatch, and rounds of ngspice."""
OURS_PER_ROUND = 10


def _own_times(read: BitlineRead, pulses: np.ndarray) -> list[float]:
    seconds = []
    for _ in range(OURS_PER_ROUND):
        started = time.process_time()
        read.transient(pulses=pulses)
        seconds.append(time.process_time() - started)
    return seconds


def _ngspice(read: BitlineRead, pulses: np.ndarray, t_sample: float) -> tuple[float, float, int]:
    """Processor time [s], bit line at AT * t_sample [V], time points."""
    deck = bitline_deck(read, pulses=pulses, energy=False, max_step=LARGEST_STEP, options=OPTIONS)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = simulate(deck, "ngspice", timeout=3600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    before_sample = run.time < t_sample
    return seconds, float(np.interp(AT * t_sample, run.time[before_sample], run["bl"][before_sample])), run.time.size


def read_times() -> dict:
    """Time both on the same columns, ours before and after each run of ngspice."""
    card = load_card("sram_array_6t_65nm")
    rng = np.random.default_rng(2022)
    stored = rng.integers(0, 2, ROWS)
    pulses = np.zeros(ROWS)
    pulses[rng.choice(ROWS, ROWS_ON, replace=False)] = 1.0
    columns = {}
    for name, (seed, rounds) in COLUMNS.items():
        read = BitlineRead(card, stored, mismatch=seed)
        t_sample = read.transient(pulses=pulses).t_sample  # compiles
        place = [AT * t_sample]
        exact = read.transient(pulses=pulses, points=place, tolerance=1e-10).bit_line[0]
        error = read.transient(pulses=pulses, points=place).bit_line[0] - exact
        ours, theirs, voltages, points = _own_times(read, pulses), [], [], 0
        for _ in range(rounds):
            seconds, voltage, points = _ngspice(read, pulses, t_sample)
            theirs.append(seconds)
            voltages.append(voltage)
            ours += _own_times(read, pulses)
        columns[name] = {
            "ours_fastest_s": min(ours),
            "ours_median_s": float(np.median(ours)),
            "ours_error_V": float(error),
            "ngspice_fastest_s": min(theirs),
            "ngspice_median_s": float(np.median(theirs)),
            "ngspice_rounds": rounds,
            "ngspice_error_V": float(voltages[0] - exact),
            "ngspice_points": points,
            "ratio": min(theirs) / min(ours),
            "ratio_by_medians": float(np.median(theirs) / np.median(ours)),
        }
    return {"columns": columns}


def report_read(result: dict) -> None:
    """Print both columns."""
    say(f"a read of {ROWS} cells, {ROWS_ON} word lines on; load of the machine: {result['load_average']}")
    for name, row in result["columns"].items():
        say(
            f"  {name:26s} circuitsnn {1e3 * row['ours_fastest_s']:.2f} ({1e3 * row['ours_median_s']:.2f}) ms, "
            f"error {1e6 * row['ours_error_V']:.1f} uV   ngspice {row['ngspice_fastest_s']:.2f} "
            f"({row['ngspice_median_s']:.2f}) s, error {1e6 * row['ngspice_error_V']:.0f} uV, "
            f"{row['ngspice_points']} points   {row['ratio']:.0f} ({row['ratio_by_medians']:.0f}) times faster"
        )
