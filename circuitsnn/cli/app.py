"""The command's root."""

from typing import Annotated

import typer

from circuitsnn import __version__
from circuitsnn.cli.terminal import say

SETTINGS = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": None}


app = typer.Typer(
    help="From device to accuracy, energy and yield.\n\nExample: circuitsnn run associative_memory --quick",
    **SETTINGS,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(__version__)
        raise typer.Exit


@app.callback()
def _circuitsnn(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
