"""Pages of the device cards: what each kind holds, from its schema, and every card of the package with its sources."""

from markdown_table import table
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from circuitsnn.card_kinds import Kind, adc, crossbar, energy, mosfet, oscillator, sram
from circuitsnn.cards import Card, Parameter, list_cards, load_card
from circuitsnn.quantities import show_quantity

PAGES = {
    "oscillator": ("Oscillators", oscillator),
    "mosfet": ("Transistors", mosfet),
    "sram": ("SRAM cells, arrays, macros", sram),
    "adc": ("Converters", adc),
    "crossbar": ("Crossbars", crossbar),
    "energy": ("Energies", energy),
}


def on_files(site_files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    cards = [load_card(name) for name in list_cards()]
    site_files.append(File.generated(config, "cards/index.md", content=_overview(cards)))
    for page, (title, module) in PAGES.items():
        sections = [f"# {title}"]
        for name, kind in module.KINDS.items():
            sections.append(_kind(name, kind))
            sections += [_card(card) for card in cards if card.kind == name]
        site_files.append(File.generated(config, f"cards/{page}.md", content="\n\n".join(sections) + "\n"))
    return site_files


def _overview(cards: list[Card]) -> str:
    rows = []
    for page, (title, module) in PAGES.items():
        for card in cards:
            if card.kind in module.KINDS:
                link = f"[`{card.name}`]({page}.md#{card.name})"
                rows.append([link, _text(card.title), f"[`{card.kind}`]({page}.md#{card.kind})", title])
    return "\n\n".join(
        [
            "# Device cards",
            "A card holds the values of one device, each with unit, source and spread: "
            "`load_card(NAME)`, `circuitsnn devices show NAME`. "
            "How to write one: [Add your own device](../add_your_own_device.md).",
            table(["card", "", "kind", "for"], rows),
        ]
    )


def _kind(name: str, kind: Kind) -> str:
    rows = [
        [f"`{field.name}`", f"${field.symbol}$", field.unit, _text(field.meaning), _text(field.bounds)]
        for field in kind.fields
    ]
    sections = [
        f"## Kind `{name}` {{ #{name} }}",
        f"{_sentence(kind.meaning)}",
        table(["field", "symbol", "unit", "meaning", "allowed"], rows),
    ]
    if kind.checks:
        sections.append("\n".join(f"- {_text(check.rule)}." for check in kind.checks))
    if kind.parts:
        parts = (f"`{part}` ({' or '.join(f'`{one}`' for one in kinds)})" for part, kinds in kind.parts.items())
        sections.append(f"Built of other cards: {', '.join(parts)}.")
    return "\n\n".join(sections)


def _card(card: Card) -> str:
    rows = [
        [f"`{name}`", _quantity(item.value, item.unit), _spread(item), _sources(item)]
        for name, item in card.parameters.items()
    ]
    sections = [
        f"### {card.name} {{ #{card.name} }}",
        f"{_sentence(card.title)} Source: {_text(card.source)}.",
        table(["field", "value", "spread", "source"], rows),
    ]
    if card.parts:
        parts = (f"`{name}` is `{part.name}`" for name, part in card.parts.items())
        sections.append(f"Its parts: {', '.join(parts)}.")
    if card.notes:
        sections.append(_text(card.notes.strip(), keep_lines=True))
    return "\n\n".join(sections)


def _quantity(value: float, unit: str) -> str:
    return f"{value:g}" if unit == "1" else show_quantity(value, unit)


def _spread(parameter: Parameter) -> str:
    spread = parameter.spread
    if spread is None:
        return ""
    width = f"{100 * spread.relative_sigma:g} %" if spread.sigma is None else _quantity(spread.sigma, parameter.unit)
    tie = spread.correlated_with
    with_other = "" if tie is None else f", {tie.coefficient:g} with `{tie.name}`"
    return f"{width} {spread.distribution}{with_other}"


def _sources(parameter: Parameter) -> str:
    text = _text(parameter.source)
    if parameter.spread is not None and parameter.spread.source:
        text += f"; spread: {_text(parameter.spread.source)}"
    return text


def _sentence(text: str) -> str:
    text = _text(text)
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _text(text: str, keep_lines: bool = False) -> str:
    """Escape what Markdown would read as its own."""
    for character in "\\`*_[]<>|$":
        text = text.replace(character, f"&#{ord(character)};")
    return text if keep_lines else " ".join(text.split())
