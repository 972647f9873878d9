"""``circuitsnn sram``: one cell, and the read of one column."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from circuitsnn.cli.app import SETTINGS, app
from circuitsnn.cli.options import (
    Corner,
    CornerOption,
    JsonOption,
    PictureOption,
    SetOption,
    TemperatureOption,
    load,
)
from circuitsnn.cli.output import require_picture, save_picture
from circuitsnn.cli.terminal import say, say_frame, say_json, say_table
from circuitsnn.quantities import read_quantity, show_quantity

if TYPE_CHECKING:
    from circuitsnn.sram.read_tables import ReadTable
    from circuitsnn.transistor.mosfet import Conditions

ARRAY = "sram_array_6t_65nm"

sram_app = typer.Typer(
    help="Look at an SRAM cell, or at the analog read of a column.\n\nExample: circuitsnn sram cell --mode read",
    **SETTINGS,
)
app.add_typer(sram_app, name="sram")


class Mode(str, Enum):
    """State of the word line."""

    hold = "hold"
    read = "read"


ArrayOption = Annotated[str, typer.Option("--card", help="Card of an SRAM array: its name, or path of a TOML file.")]
RowsOnOption = Annotated[int, typer.Option("--rows-on", min=1, help="Word lines that are on.")]
ColumnsOption = Annotated[int, typer.Option("--columns", min=2, help="Columns that are drawn.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the mismatch.")]


@sram_app.command("cell")
def cell(
    card: ArrayOption = ARRAY,
    settings: SetOption = None,
    mode: Annotated[Mode, typer.Option(help="Whether the word line is off or on.")] = Mode.hold,
    corner: CornerOption = Corner.TT,
    temperature: TemperatureOption = "300.15",
    out: PictureOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a cell's static noise margin, and what a read does to a stored 0.

    The noise margin in "read" is that of a full word line, at V_DD; the disturb is that of the card's V_WL.

    Example: circuitsnn sram cell --mode read --corner FS --out butterfly.png
    """
    loaded, conditions = load(card, settings), _conditions(corner, temperature)
    require_picture(out)

    from circuitsnn.sram.cell import EightTransistorCell, SixTransistorCell

    kind = getattr(loaded.parts.get("cell"), "kind", None)
    one = (EightTransistorCell if kind == "sram_8t" else SixTransistorCell)(loaded, conditions)
    butterfly, disturb = one.butterfly(mode.value), one.read_disturb()
    if out is not None:
        save_picture(butterfly.figure(), out, dpi=200)
    values = {
        f"noise margin, {mode.value}": butterfly.noise_margin,
        "bump of a stored 0 in a read": disturb.bump,
        "trip point": disturb.trip_point,
    }
    if as_json:
        say_json({"card": loaded.name, "flips": disturb.flips, "voltages_V": values, "picture": out and str(out)})
        return
    say_table(("quantity", "value"), [(name, show_quantity(value, "V", 3)) for name, value in values.items()])
    say("a read flips the cell" if disturb.flips else "a read leaves the cell as it is")
    _say_picture(out)


@sram_app.command("nonlinearity")
def nonlinearity(
    card: ArrayOption = ARRAY,
    settings: SetOption = None,
    rows_on: RowsOnOption = 64,
    corner: CornerOption = Corner.TT,
    temperature: TemperatureOption = "300.15",
    out: PictureOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tabulate a bit line's discharge against the number of cells that discharge it.

    Example: circuitsnn sram nonlinearity --rows-on 32 --set V_WL=0.7 --out curve.png
    """
    loaded, conditions = load(card, settings), _conditions(corner, temperature)
    require_picture(out)

    from circuitsnn.sram.read_tables import nonlinearity as tabulate

    _show(tabulate(loaded, rows_on, conditions), out, as_json)


@sram_app.command("margin")
def margin(
    card: ArrayOption = ARRAY,
    settings: SetOption = None,
    rows_on: RowsOnOption = 64,
    columns: ColumnsOption = 32,
    seed: SeedOption = 0,
    corner: CornerOption = Corner.TT,
    temperature: TemperatureOption = "300.15",
    out: PictureOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the distance of neighbouring results with their spread from mismatch.

    Example: circuitsnn sram margin --rows-on 16 --out margin.png
    """
    loaded, conditions = load(card, settings), _conditions(corner, temperature)
    require_picture(out)

    from circuitsnn.sram.read_tables import signal_margin

    _show(signal_margin(loaded, rows_on, instances=columns, seed=seed, conditions=conditions), out, as_json)


@sram_app.command("sweep")
def sweep(
    name: Annotated[str, typer.Argument(metavar="NAME", help="rows_on, temperature, corner, or a field of the card.")],
    values: Annotated[str, typer.Argument(metavar="VALUES", help="Values with commas between them: 0.5,0.6,0.7")],
    card: ArrayOption = ARRAY,
    settings: SetOption = None,
    rows_on: RowsOnOption = 64,
    columns: ColumnsOption = 32,
    seed: SeedOption = 0,
    out: PictureOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tabulate the full-scale result of a read and its spread against one thing that varies.

    Example: circuitsnn sram sweep V_WL 0.5,0.6,0.7 --out sweep.png
    """
    loaded = load(card, settings)
    require_picture(out)

    from circuitsnn.sram.read_tables import read_sweep

    given: list[Any] = [value.strip() for value in values.split(",")]
    if name == "rows_on":
        numbers = [read_quantity(value, "1", "rows_on") for value in given]
        given = [int(value) if value.is_integer() else value for value in numbers]
    elif name == "temperature":
        given = [read_quantity(value, "K", "temperature") for value in given]
    _show(read_sweep(loaded, name, given, rows_on, columns, seed), out, as_json)


def _conditions(corner: Corner, temperature: str) -> "Conditions":
    from circuitsnn.transistor.mosfet import Conditions

    return Conditions(corner.value, read_quantity(temperature, "K", "--temperature"))


def _show(table: "ReadTable", out: Path | None, as_json: bool) -> None:
    if out is not None:
        save_picture(table.figure(), out, dpi=200)
    say_frame(table.to_frame(), as_json)
    if not as_json:
        _say_picture(out)


def _say_picture(out: Path | None) -> None:
    if out is not None:
        say(f"picture: {out}")
