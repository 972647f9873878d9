"""``circuitsnn report`` and ``circuitsnn compare``: a run to read, and what differs between two."""

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuitsnn.cli.app import app
from circuitsnn.cli.options import JsonOption
from circuitsnn.cli.output import folder_of, require_writable
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from circuitsnn.study.report import Run, SweepFile


@app.command("report")
def report(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="Folder that circuitsnn run wrote, or a sweep's store or Parquet file."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Page to write (HTML); without it, RUN.html beside RUN.")
    ] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Charts to explore the tables: takes plotly, 5 MB more.")
    ] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write the report of a study's run or of a sweep: one HTML page, complete in itself, to read, print or mail.

    Example: circuitsnn report runs/associative_memory --open
    Example: circuitsnn report runs/my.db
    """
    from circuitsnn.study.report import write_report

    found = _read(run)
    # Not into the folder itself: there it would be in the way of the next run.
    page = _beside(run) if out is None else out
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out is {page}; allowed is a file that ends in .html")
    require_writable(page.parent)
    with folder_of(page):
        write_report(found, page, interactive=interactive)
    say(f"report: {page}")
    if open_it:
        import webbrowser

        if not webbrowser.open(page.resolve().as_uri()):
            say("no browser was found; open the page by hand")


def _read(path: Path) -> "Run | SweepFile":
    from circuitsnn.study.report import is_sweep, read_run, read_sweep

    return read_sweep(path) if is_sweep(path) else read_run(path)


def _beside(run: Path) -> Path:
    page = f"{os.path.abspath(run)}.html"  # a folder such as "." has no name of its own
    return Path(page if run.is_absolute() else os.path.relpath(page))


@app.command("compare")
def compare(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="Folder of a run, or a sweep's file.")],
    after: Annotated[
        Path, typer.Argument(metavar="RUN_B", help="Another run of the same study, or another sweep's file.")
    ],
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Relative difference up to which two numbers are the same.")
    ] = 1e-6,
    as_json: JsonOption = False,
) -> int:
    """Show what differs between two runs of a study, or two sweeps: claims, numbers, parameters, cards, seed, versions.

    Exit status: 0 when question and answers are the same (versions, commit and platform are shown, but do not count),
    1 when they differ, 2 for wrong input.

    Example: circuitsnn compare runs/before runs/after
    """
    from circuitsnn.study.report import Run, compare_runs, compare_sweeps

    runs = _read(before), _read(after)
    if type(runs[0]) is not type(runs[1]):
        raise InputError(
            f"{before} and {after} are a run and a sweep; allowed are two runs of one study, or two sweeps"
        )
    found = (compare_runs if isinstance(runs[0], Run) else compare_sweeps)(*runs, tolerance=tolerance)
    if as_json:
        say_json(
            {
                "same": found.same,
                "tolerance": found.tolerance,
                # JSON knows no infinity.
                "changes": [
                    {**asdict(one), "relative": str(one.relative) if one.relative == math.inf else one.relative}
                    for one in found.changes
                ],
            }
        )
        return 0 if found.same else 1
    if found.changes:
        rows = [(one.kind, one.name, one.before, one.after, _moved(one.relative)) for one in found.changes]
        say_table(("what", "name", str(before), str(after), "moved by"), rows)
    if found.same:
        say(f"same question, same answers (within {tolerance:g})")
    return 0 if found.same else 1


def _moved(relative: float | None) -> str:
    if relative is None:
        return ""
    return f"{100 * relative:.3g} %" if math.isfinite(relative) else "no measure"
