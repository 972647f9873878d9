"""Runs for the tests of reports: a study that shows all that a report can show, with texts that attack it."""

from pathlib import Path

from circuitsnn.study import StudyResult, load_study, run_study

EVIL = "<script>document.title='owned'</script>"

STUDY = '''
"""Does a text with <script>alert(1)</script> in it stay a text?

It draws numbers & calls them "energies".
"""

import numpy as np
import pandas as pd

from circuitsnn.study import Claim, Outcome, Study, StudyParameter, new_figure

EVIL = "<script>document.title='owned'</script>"


def run(context):
    (generator,) = context.generators(1)
    rows = context.parameters["rows"]
    table = pd.DataFrame({"kind": np.resize(["a<b", EVIL, "c&d"], rows), "chip": np.arange(rows)})
    for number in range(11):
        table[f"energy_{number}"] = generator.lognormal(-14.0, 1.0, rows)
    table["good"] = table["chip"] % 2 == 0
    table.attrs["units"] = {f"energy_{number}": "J" for number in range(11)}
    few = pd.DataFrame({"load": [context.card().R_S, np.nan], "count": [3, 4]})
    few.attrs["units"] = {"load": "Ω"}
    figures = {}
    for name in ("recall", "sensitivity_of_chips", "yield_by_sigma"):
        figure, axes = new_figure()
        axes.plot(table["chip"], table["energy_0"], label=context.parameters["note"])
        axes.set_xlabel("Chip")
        axes.set_ylabel(f"Energy of {EVIL} [J]")
        axes.set_title(EVIL)
        axes.legend()
        figures[name] = figure
    figures["map"], axes = new_figure()
    axes.imshow([[0.0, 1.0], [1.0, 0.0]], cmap="gray")
    return Outcome(
        claims=(
            Claim.within("Period", 21.6e-6, 21.5e-6, relative=0.01, unit="s", remark=f"a remark with {EVIL}"),
            Claim.at_least("Yield <of> the chips", 99, 80.0, unit="%", from_paper=False),
            Claim.equals("Answer", "x", context.parameters["note"]),
        ),
        tables={"results": table, "few": few},
        figures=figures,
    )


STUDY = Study(
    name="attack",
    title="A title with <b>markup</b> & \\"quotes\\"",
    source="10.1000/attack",
    run=run,
    parameters=(
        StudyParameter("rows", 400, "How many rows", quick=30, minimum=1),
        StudyParameter("note", EVIL, "A note with <i>markup</i>"),
        StudyParameter("delay", 1.5e-6, "How long it waits", unit="s"),
    ),
    cards=("vo2_delacour2021",),
)
'''


def attack(folder: Path, name: str = "run", **arguments) -> StudyResult:
    """Run the study; its file and the run's folder lie in `folder`."""
    path = folder / "attack.py"
    path.write_text(STUDY, encoding="utf-8")
    return run_study(load_study(path), out=folder / name, **arguments)
