"""Tables in Markdown, for the generated pages."""


def table(header: list[str], rows: list[list[str]]) -> str:
    """Write a table; its cells are Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
