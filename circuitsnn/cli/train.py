"""``circuitsnn train``: networks by the recipes of the package."""

import sys
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuitsnn.cli.app import app
from circuitsnn.cli.options import JsonOption
from circuitsnn.cli.output import require_writable
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.errors import InputError
from circuitsnn.progress import reporting

if TYPE_CHECKING:
    from circuitsnn.train.fit import Progress
    from circuitsnn.train.recipes import Made, Stage


class Split(str, Enum):
    """Split of a scene's pixels into those to train and those to test with."""

    random = "random"
    block = "block"


@app.command("train")
def train(
    recipe: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of a recipe; without it, they are listed.")
    ] = None,
    stages: Annotated[
        list[str] | None,
        typer.Option("--stage", help="Make this one, and what it starts from, and no other; repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the networks and checkpoints.")] = Path("networks"),
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of data sets; without it, CIRCUITSNN_DATA or the user's cache."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of weights, training and split.")] = 0,
    split: Annotated[Split, typer.Option(help="Split of a scene's pixels.")] = Split.random,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Epochs of each stage, in place of the recipe's.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="Device of PyTorch's, such as cuda.")] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train the networks of a recipe, and measure them on samples that they have not seen.

    A training that was interrupted or killed goes on where it was with the same command. Needs PyTorch: pip install
    'circuitsnn[train]'.

    Example: circuitsnn train digits-mlp --out networks
    """
    if find_spec("torch") is None:
        raise InputError("circuitsnn train needs PyTorch, which is not installed: pip install 'circuitsnn[train]'")
    from circuitsnn.train.recipes import RECIPES, make

    if recipe is None:
        _list(as_json)
        return
    if recipe not in RECIPES:
        raise InputError(f"there is no recipe {recipe!r}; allowed: {', '.join(RECIPES)}")
    require_writable(out)
    done: list[Made] = []

    def tell_made(made: "Made") -> None:
        done.append(made)
        if not as_json:
            _print_made(made)

    with reporting(not as_json, f"training {recipe}") as report:

        def tell(stage: "Stage", how_far: "Progress") -> None:
            share = (how_far.epoch + how_far.batch / how_far.batches) / how_far.epochs
            report(share, f"{stage.name}: epoch {how_far.epoch + 1} of {how_far.epochs}, loss {how_far.loss:.3g}")

        try:
            make(
                RECIPES[recipe],
                out,
                seed=seed,
                split=split.value,
                stages=tuple(stages) if stages else None,
                epochs=epochs,
                data=data,
                device=device,
                progress=tell,
                made=tell_made,
            )
        except KeyboardInterrupt:
            say(f"{len(done)} networks are done; the same command goes on after the last epoch that was", sys.stderr)
            raise
    if as_json:
        say_json([{"file": str(made.path), "new": made.new, **made.network.about} for made in done])


def _list(as_json: bool) -> None:
    from circuitsnn.train.recipes import RECIPES

    if as_json:
        say_json({name: {"title": recipe.title, "data": recipe.data,
                         "stages": {stage.name: stage.title for stage in recipe.stages}}
                  for name, recipe in RECIPES.items()})  # fmt: skip
        return
    rows = [
        (recipe.name, recipe.title, ", ".join(stage.name for stage in recipe.stages)) for recipe in RECIPES.values()
    ]
    say_table(("recipe", "title", "stages"), rows)


def _print_made(made: "Made") -> None:
    accuracy = ", ".join(
        f"{name} {value}" for name, value in made.network.about.items() if name.startswith("overall accuracy")
    )
    say(f"{made.path}: {'' if made.new else 'was there; '}{accuracy}")
