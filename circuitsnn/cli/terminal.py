"""What the command prints."""

import codecs
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["SPELL_OUT", "say", "say_frame", "say_json", "say_table"]

# For a terminal that has no Greek letters: "us" and "ohm" rather than a traceback, or a question mark for the prefix.

SPELL_OUT = "circuitsnn-spell-out"
_SPELLED_OUT = {"µ": "u", "μ": "u", "Ω": "ohm", "°": "degree", "β": "beta", "Δ": "Delta"}


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_SPELLED_OUT.get(letter, "?") for letter in missing), error.end


codecs.register_error(SPELL_OUT, _spell_out)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line on standard output or on `stream`."""
    # typer.echo would send UTF-8 to a terminal that says it has only ASCII.
    (stream or sys.stdout).write(f"{text}\n")


def say_json(value: Any) -> None:
    """Print a value for other programs."""
    say(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table for a person at a terminal, and tab-separated lines for anything else."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            say("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    Console(markup=False).print(table)


def say_frame(frame: "DataFrame", as_json: bool) -> None:
    """Print a table of a result, with units in the heads of its columns; as JSON a list of rows."""
    if as_json:
        say_json(frame.to_dict(orient="records"))
        return
    from circuitsnn.quantities import show_quantity

    units = [frame.attrs.get("units", {}).get(name, "1") for name in frame]

    def shown(value: Any, unit: str) -> str:
        if isinstance(value, str):
            return value
        return f"{value:.4g}" if unit == "1" else show_quantity(float(value), unit, 4)

    rows = [list(map(shown, row, units)) for row in frame.itertuples(index=False)]
    say_table(list(frame), rows)
