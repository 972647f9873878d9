"""``circuitsnn data``: the data sets, where they are and how to get them."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from circuitsnn.cli.app import SETTINGS, app
from circuitsnn.cli.options import JsonOption
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.progress import reporting

FolderOption = Annotated[
    Path | None, typer.Option("--folder", help="Folder of data sets; without it, CIRCUITSNN_DATA or the user's cache.")
]

data_app = typer.Typer(
    help="List data sets and fetch them.\n\nExample: circuitsnn data fetch mnist",
    **SETTINGS,
)
app.add_typer(data_app, name="data")


@data_app.command("list")
def list_data(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """List the data sets, and where each was found or how to get it.

    Example: circuitsnn data list
    """
    from circuitsnn.data import holdings

    found = holdings(folder)
    if as_json:
        say_json([asdict(one) for one in found])
    else:
        rows = [(one.name, one.title, one.place or f"not here: {one.advice}") for one in found]
        say_table(("data set", "title", "where"), rows)


@data_app.command("fetch")
def fetch_data(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a data set.")],
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a data set unless it is there, check it, and say what is in it.

    Example: circuitsnn data fetch mnist
    """
    from circuitsnn.data import load

    with reporting(not as_json, f"fetching {name}") as report:
        data = load(name, folder=folder, download=True, progress=report)
    counts = data.to_frame()
    if as_json:
        say_json({"name": data.name, "source": data.source, "classes": counts.to_dict(orient="records")})
        return
    say(f"{data.name}: {data.source}\n")
    say_table(list(counts), [[str(value) for value in row] for row in counts.itertuples(index=False)])
