import textwrap

import pytest

from circuitsnn.study import load_study

STUDY_FILE = '''
"""Does a dice roll like a dice?"""

import os
import time
from dataclasses import dataclass

import pandas as pd

from circuitsnn.errors import InputError
from circuitsnn.study import Claim, Outcome, Study, StudyParameter, new_figure


@dataclass(frozen=True)
class Roll:
    generator: object
    sides: int


def roll(item):
    return item.sides, int(item.generator.integers(item.sides)), os.getpid()


def fail_at_three(number):
    if number == 3:
        raise ZeroDivisionError("three")
    time.sleep(0.0 if number < 3 else 60.0)


def refuse(number):
    raise InputError("no number will do")


def die(number):
    os._exit(1)


def run(context):
    mode = context.parameters["mode"]
    if mode != "roll":
        context.map({"fail": fail_at_three, "refuse": refuse, "die": die}[mode], range(1, 9), "failing")
    generators = context.generators(context.parameters["rolls"])
    items = [Roll(generator, context.parameters["sides"]) for generator in generators]
    rolls = context.map(roll, items, "rolling")
    table = pd.DataFrame({"sides": [r[0] for r in rolls], "value": [r[1] for r in rolls]})
    figure, axes = new_figure()
    axes.plot(table["value"], label="dice")
    axes.set_xlabel("Roll")
    axes.set_ylabel("Value")
    axes.legend()
    resistance = context.card().R_S
    workers = pd.DataFrame({"process": sorted({r[2] for r in rolls})})
    return Outcome(
        claims=(
            Claim.at_most("Largest value", context.parameters["sides"] - 1, table["value"].max()),
            Claim.within("Load", 20e3, resistance, relative=0.1, unit="Ω"),
        ),
        tables={"results": table} | ({"workers": workers} if context.parameters["show_workers"] else {}),
        figures={"rolls": figure},
    )


STUDY = Study(
    name="dice",
    title="A dice",
    source="10.1000/dice",
    run=run,
    parameters=(
        StudyParameter("rolls", 12, "Number of rolls", quick=4, minimum=1, maximum=100),
        StudyParameter("sides", 6, "Number of sides", minimum=2),
        StudyParameter("mode", "roll", "What to do", choices=("roll", "fail", "refuse", "die")),
        StudyParameter("show_workers", False, "Whether to list the processes"),
    ),
    cards=("vo2_delacour2021",),
)
'''


@pytest.fixture
def dice_file(tmp_path):
    path = tmp_path / "studies" / "dice.py"
    path.parent.mkdir()
    path.write_text(textwrap.dedent(STUDY_FILE), encoding="utf-8")
    return path


@pytest.fixture
def dice(dice_file):
    return load_study(dice_file)
