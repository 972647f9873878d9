"""Options that several commands have, and what they are read to."""

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from circuitsnn.cards import Card


class Fidelity(str, Enum):
    """Fidelity of the oscillator model, from dear to cheap."""

    smooth = "smooth"
    relaxed = "relaxed"
    abrupt = "abrupt"


class Corner(str, Enum):
    """Corner of the process."""

    TT = "TT"
    FF = "FF"
    SS = "SS"
    FS = "FS"
    SF = "SF"


class CapacitorArray(str, Enum):
    """Capacitor array of a converter by successive approximation."""

    binary = "binary"
    split = "split"


KindCardOption = Annotated[
    str | None, typer.Option("--card", help="Name of a card, or path of a TOML file; without it, the kind's own card.")
]
RowsOnOption = Annotated[
    int | None, typer.Option("--rows-on", min=0, help="How many word lines turn on, from the sense end on.")
]
StoredOption = Annotated[str | None, typer.Option("--stored", help="Bits such as 0110, which repeat, or random.")]
PulseOption = Annotated[float, typer.Option("--pulse", help="Length of the word lines' pulse, in T_pulse.")]
WireOption = Annotated[bool, typer.Option("--wire", help="Resolve the bit line's wire resistance.")]
CornerOption = Annotated[Corner, typer.Option(help="Corner; the first letter is the n-channel transistor's.")]
TemperatureOption = Annotated[str, typer.Option("--temperature", help="Temperature in kelvin.")]
BitsOption = Annotated[int | None, typer.Option("--bits", min=1, help="Resolution of a converter.")]
ArrayOption = Annotated[CapacitorArray, typer.Option("--array", help="Capacitor array of a converter.")]
CardOption = Annotated[str, typer.Option("--card", help="Name of a card, or path of a TOML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another value, such as R_S=15k; repeatable."),
]
FidelityOption = Annotated[Fidelity, typer.Option(help="How the device's transitions are modelled.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
SigmaOption = Annotated[
    float | None, typer.Option("--sigma", min=0, help="Relative spread of drawn devices, in place of the card's own.")
]
PictureOption = Annotated[Path | None, typer.Option("--out", help="Picture to write (PNG).")]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers do the work: tcp://HOST:PORT."),
]
JobsOption = Annotated[int | None, typer.Option(min=1, help="Worker processes; without it, one a core.")]


def load(name: str, settings: list[str] | None) -> "Card":
    """Load a card with the values of ``--set``."""
    from circuitsnn.cards import load_card

    return load_card(name).replace(**read_settings(settings))


def read_settings(settings: list[str] | None) -> dict[str, str]:
    """Read the values of ``--set``."""
    chosen: dict[str, str] = {}
    for setting in settings or []:
        name, sign, value = setting.partition("=")
        if not (name.strip() and sign and value.strip()):
            raise InputError(f"--set is given {setting!r}; allowed is NAME=VALUE, such as R_S=15k")
        if name.strip() in chosen:
            raise InputError(f"--set gives {name.strip()} twice; allowed is one value for each name")
        chosen[name.strip()] = value.strip()
    return chosen


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
