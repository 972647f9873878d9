"""``circuitsnn studies``: the studies of the package."""

from circuitsnn.cli.app import app
from circuitsnn.cli.options import JsonOption
from circuitsnn.cli.terminal import say, say_json, say_table


@app.command("studies")
def studies(as_json: JsonOption = False) -> None:
    """List the studies: what each asks, how long it takes on two cores, and which data it needs.

    Example: circuitsnn studies
    """
    from circuitsnn.data import holdings
    from circuitsnn.study import list_studies, load_study
    from circuitsnn.study.report import show_duration

    found = [load_study(name) for name in list_studies()]
    if as_json:
        keys = ("name", "title", "quick_duration", "full_duration", "data", "source")
        say_json([{key: getattr(study, key) for key in keys} for study in found])
        return
    here = {one.name: one.place is not None for one in holdings()}

    def needs(data: tuple[str, ...]) -> str:
        return ", ".join(name if here[name] else f"{name} (not here)" for name in data) or "none"

    def takes(duration: float | None) -> str:
        return "not measured" if duration is None else show_duration(duration)

    rows = [
        (
            study.name,
            study.title,
            takes(study.quick_duration),
            takes(study.full_duration),
            needs(study.data),
            study.source,
        )
        for study in found
    ]
    say_table(("study", "title", "quick", "full", "data", "source"), rows)
    if any(not here[name] for study in found for name in study.data):
        say("circuitsnn data list says how to get data that are not here")
