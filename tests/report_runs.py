"""What the tests of reports show: a study and a sweep with all that a report can show and texts that attack it."""

from html.parser import HTMLParser
from pathlib import Path

import pandas as pd

from circuitsnn.study import StudyResult, load_study, run_study
from circuitsnn.study.plans import grid
from circuitsnn.study.sweep import sweep

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


VOID = {"meta", "link", "img", "br", "wbr"}


class Page(HTMLParser):
    """What a browser makes of the page: elements, their attributes and their texts."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self._open = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def all(self, tag):
        return [element for element in self.elements if element["tag"] == tag]

    def texts(self, tag):
        return [" ".join(element["text"].split()) for element in self.all(tag)]


def attack(folder: Path, name: str = "run", **arguments) -> StudyResult:
    """Run the study; its file and the run's folder lie in `folder`."""
    path = folder / "attack.py"
    path.write_text(STUDY, encoding="utf-8")
    return run_study(load_study(path), out=folder / name, **arguments)


def attacked_sweep(store: Path | None, **arguments) -> pd.DataFrame:
    """Sweep a function whose name, parameters, answers and errors attack the page; some trials fail."""

    def work(R_S, cell, chip_rng):
        drawn = chip_rng.standard_normal()
        if cell == "dead":
            raise ValueError(f"no {EVIL} for {R_S:g}")
        answer = {"period": 1e-10 * R_S * (1.0 + 0.1 * drawn), "good": bool(drawn > -1.0), "words": EVIL}
        return answer | ({"period": float("nan")} if cell == "silent" else {})

    work.__qualname__ = EVIL
    plan = grid({"R_S": ["10k", "20k", "30k"], "cell": [EVIL, "$\\frac", "silent", "dead"]}, {"R_S": "Ω"})
    how = {"trials": 10, "seed": 5, "units": {"period": "s"}, "store": store, **arguments}
    return sweep(work, plan, **how)
