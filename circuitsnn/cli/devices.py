"""``circuitsnn devices``: the device cards of the package."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from circuitsnn.cli.app import SETTINGS, app
from circuitsnn.cli.options import JsonOption
from circuitsnn.cli.terminal import say, say_json, say_table

if TYPE_CHECKING:
    from circuitsnn.cards import Card


devices_app = typer.Typer(
    help="List and show device cards.\n\nExample: circuitsnn devices show vo2_delacour2021",
    **SETTINGS,
)
app.add_typer(devices_app, name="devices")


@devices_app.command("list")
def list_devices(as_json: JsonOption = False) -> None:
    """List the device cards of the package.

    Example: circuitsnn devices list
    """
    from circuitsnn.cards import list_cards, load_card

    cards = [load_card(name) for name in list_cards()]
    if as_json:
        say_json([{"name": card.name, "kind": card.kind, "title": card.title} for card in cards])
    else:
        say_table(("card", "kind", "title"), [(card.name, card.kind, card.title) for card in cards])


@devices_app.command("show")
def show_device(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a card, or path of a TOML file.")],
    as_json: JsonOption = False,
) -> None:
    """Show a device card: each parameter with its value, spread and source.

    Example: circuitsnn devices show vo2_delacour2021
    """
    from circuitsnn.cards import load_card
    from circuitsnn.quantities import show_quantity

    card = load_card(name)
    if as_json:
        say_json(_as_json(card))
        return
    say(f"{card.name}: {card.title}\nkind: {card.kind}\nsource: {card.source}\n")
    rows = [
        (key, show_quantity(item.value, item.unit), _show_spread(item), item.meaning, item.source)
        for key, item in card.parameters.items()
    ]
    say_table(("parameter", "value", "spread", "meaning", "source"), rows)
    if card.parts:
        say("")
        say_table(("part", "card", "title"), [(part, one.name, one.title) for part, one in card.parts.items()])
    say(f"\n{card.notes.strip()}")


def _as_json(card: "Card") -> dict[str, Any]:
    fields = {key: getattr(card, key) for key in ("name", "kind", "title", "source", "notes")}
    parameters = {key: asdict(parameter) for key, parameter in card.parameters.items()}
    return fields | {"parameters": parameters, "parts": {key: _as_json(part) for key, part in card.parts.items()}}


def _show_spread(parameter: Any) -> str:
    from circuitsnn.quantities import show_quantity

    spread = parameter.spread
    if spread is None:
        return "none"
    if spread.sigma is not None:
        size = show_quantity(spread.sigma, parameter.unit)
    else:
        size = f"{100 * spread.relative_sigma:g} %"
    tie = spread.correlated_with
    return f"{size} {spread.distribution}" + (f", {tie.coefficient:g} with {tie.name}" if tie else "")
