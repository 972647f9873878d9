"""``circuitsnn run``: a study and its claims."""

import shutil
import sys
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from circuitsnn.cli.app import app
from circuitsnn.cli.options import JobsOption, JsonOption, SchedulerOption, SetOption, cores, read_settings
from circuitsnn.cli.output import require_writable
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.errors import InputError
from circuitsnn.progress import reporting

if TYPE_CHECKING:
    from circuitsnn.study import StudyResult


@app.command("run")
def run(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of the study.")],
    quick: Annotated[bool, typer.Option("--quick", help="A smaller run that shows the same things.")] = False,
    settings: SetOption = None,
    train: Annotated[
        bool, typer.Option("--train", help="Train the study's networks anew: takes PyTorch, and hours.")
    ] = False,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of all randomness.")] = None,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the results.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Run a study, and compare what it finds with what the paper claims.

    While it runs, what is done is kept beside the folder for the results: after an interruption of any kind the same
    command goes on from there.

    Exit status: 0 when every claim holds, 1 when one does not, 2 for wrong input, 3 when the study fails.

    Example: circuitsnn run associative_memory --quick --out results
    """
    from circuitsnn.study import load_study, run_study
    from circuitsnn.study.unfinished import unfinished_folder

    chosen = read_settings(settings)
    loaded = load_study(study)
    if train:
        if all(parameter.name != "train" for parameter in loaded.parameters):
            raise InputError(f"study {study} trains no networks; allowed is to run it without --train")
        chosen["train"] = "true"
    if out is not None:
        require_writable(out)
    try:
        with reporting(not as_json, f"study {study}") as report:
            result = run_study(
                loaded,
                quick=quick,
                settings=chosen,
                seed=seed,
                jobs=jobs or cores(),
                out=out,
                progress=report,
                executor=scheduler,
            )
    except KeyboardInterrupt:
        kept = unfinished_folder(out or Path("runs", loaded.name))
        advice = f"; the same command goes on from what is done, which is in {kept}" if kept.exists() else ""
        say(f"interrupted{advice}", sys.stderr)
        return 130
    if as_json:
        say_json(result.to_dict())
    else:
        _print_result(result)
    return 0 if result.holds else 1


def _print_result(result: "StudyResult") -> None:
    columns = ("claim", "paper", "ours", "tolerance", "holds")
    rows = [
        (claim.name, claim.paper_text, claim.ours_text, claim.tolerance, "yes" if claim.holds else "NO")
        for claim in result.claims
    ]
    remarks = [claim.remark for claim in result.claims]
    if sys.stdout.isatty():
        # Remarks are sentences: beside the figures they would squeeze the table.
        say_table(("", *columns), [(str(number), *row) for number, row in enumerate(rows, start=1)])
        for number, remark in enumerate(remarks, start=1):
            if remark:
                say(
                    fill(
                        remark,
                        shutil.get_terminal_size().columns,
                        initial_indent=f"{number:2}  ",
                        subsequent_indent="    ",
                    )
                )
    else:
        say_table((*columns, "remark"), [(*row, remark) for row, remark in zip(rows, remarks, strict=True)])
    say(f"results: {result.folder}")
    for figure in result.figures:
        say(f"picture: {figure}")
