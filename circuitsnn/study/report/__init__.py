"""What a run or a sweep found, as one HTML page; and what differs between two of them."""

from circuitsnn.study.report.cells import show_duration
from circuitsnn.study.report.compare import Comparison, compare_runs, compare_sweeps
from circuitsnn.study.report.compare_tables import Change
from circuitsnn.study.report.page import render_report, write_report
from circuitsnn.study.report.run import Run, read_run
from circuitsnn.study.report.sweep import SweepFile, is_sweep, read_sweep

__all__ = [
    "Change",
    "Comparison",
    "Run",
    "SweepFile",
    "compare_runs",
    "compare_sweeps",
    "is_sweep",
    "read_run",
    "read_sweep",
    "render_report",
    "show_duration",
    "write_report",
]
