import pandas as pd
import pytest

from circuitsnn.errors import InputError
from circuitsnn.study import Outcome, Study, StudyParameter

RESISTANCE = StudyParameter("R_S", 20e3, "Load", unit="Ω", minimum=1e3)
COUNT = StudyParameter("count", 3, "Count", minimum=1, maximum=5000)
SIGMAS = StudyParameter("sigmas", (0.0, 0.01), "Relative sigmas", minimum=0.0, maximum=1.0)
SIZES = StudyParameter("sizes", (1, 2), "Sizes")
RULE = StudyParameter("rule", "hebbian", "Rule", choices=("hebbian", "storkey"))
SWITCH = StudyParameter("exact", True, "Exact or not")


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        (RESISTANCE, "15k", 15e3),
        (RESISTANCE, "15 kΩ", 15e3),
        (RESISTANCE, 15e3, 15e3),
        (COUNT, "2k", 2000),
        (SIGMAS, "0, 20m,0.5", (0.0, 0.02, 0.5)),
        (SIGMAS, "0.1", (0.1,)),
        (SIGMAS, 0.1, (0.1,)),
        (SIZES, "5,6", (5, 6)),
        (RULE, "storkey", "storkey"),
        (SWITCH, "no", False),
        (SWITCH, True, True),
    ],
)
def test_values_are_read(parameter, given, value):
    read = parameter.read(given)
    assert read == value
    assert type(read) is type(parameter.default)


@pytest.mark.parametrize(
    ("parameter", "given", "message"),
    [
        (RESISTANCE, "15kV", "R_S is '15kV', whose unit is 'V'"),
        (RESISTANCE, "much", "R_S is 'much', which is not a number"),
        (RESISTANCE, "nan", "not finite"),
        (RESISTANCE, "10", "R_S is '10'; allowed: a number, at least 1000 Ω"),
        (COUNT, "2.5", "count is '2.5'; allowed: a whole number, at least 1, at most 5000"),
        (COUNT, "0", "allowed: a whole number, at least 1"),
        (COUNT, True, "not a number"),
        (SIGMAS, "0,2", "allowed: numbers with commas between them, at least 0, at most 1"),
        (SIGMAS, "", "not a number"),
        (SIGMAS, (), "empty"),
        (SIZES, "1,2.5", "whole numbers with commas"),
        (RULE, "oja", "rule is 'oja'; allowed: hebbian, storkey"),
        (SWITCH, "perhaps", "exact is 'perhaps'; allowed: true or false"),
    ],
)
def test_wrong_values_are_refused_with_what_is_allowed(parameter, given, message):
    with pytest.raises(InputError, match=message):
        parameter.read(given)


def test_a_default_must_itself_be_allowed():
    with pytest.raises(InputError, match="at most 5"):
        StudyParameter("count", 3, "Count", quick=6, maximum=5)


@pytest.mark.parametrize("names", [("card",), ("a", "a"), ("a.b",)])
def test_parameter_names_must_be_free(names):
    with pytest.raises(InputError, match="taken or no identifier"):
        Study("s", "S", "", print, tuple(StudyParameter(name, 1, "") for name in names))


def test_an_outcome_needs_its_main_table_and_names_for_files():
    with pytest.raises(InputError, match="'results'"):
        Outcome(claims=(), tables={})
    with pytest.raises(InputError, match="cannot name a file"):
        Outcome(claims=(), tables={"results": pd.DataFrame()}, figures={"../x": None})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"data": ("mnist", "no_such_set")}, "needs data set 'no_such_set'; allowed: digits, "),
        ({"quick_duration": 0.0}, "duration is 0.0; allowed is a number above 0"),
        ({"full_duration": float("nan")}, "duration is nan; allowed is a number above 0"),
    ],
)
def test_a_study_says_only_what_can_be(fields, message):
    with pytest.raises(InputError, match=message):
        Study(name="mine", title="", source="", run=print, **fields)
