"""Options that several commands have, and what they are read to."""

import os
from enum import Enum
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
