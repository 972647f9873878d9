"""What a run found, as one HTML page; and what differs between two runs."""

from circuitsnn.study.report.cells import show_duration
from circuitsnn.study.report.compare import Change, Comparison, compare_runs
from circuitsnn.study.report.page import render_report, write_report
from circuitsnn.study.report.run import Run, read_run

__all__ = ["Change", "Comparison", "Run", "compare_runs", "read_run", "render_report", "show_duration", "write_report"]
