import math

import numpy as np
import pytest

from circuitsnn.errors import InputError
from circuitsnn.study import Claim

NAN = math.nan


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        (Claim.within("x", 100.0, 101.0, relative=0.01), True),
        (Claim.within("x", 100.0, 101.1, relative=0.01), False),
        (Claim.within("x", -100.0, -101.0, relative=0.01), True),
        (Claim.within("x", 0.0, 0.5, absolute=0.5), True),
        (Claim.within("x", 0.0, NAN, absolute=0.5), False),
        (Claim.within("x", NAN, 1.0, absolute=0.5), False),
        (Claim.within("x", math.inf, math.inf, relative=0.1), False),
        (Claim.at_least("x", 0.8, 0.8), True),
        (Claim.at_least("x", 0.8, 0.79), False),
        (Claim.at_least("x", 0.8, NAN), False),
        (Claim.at_least("x", 0.8, math.inf), False),
        (Claim.at_most("x", 5.0, 5.0), True),
        (Claim.at_most("x", 5.0, 5.1), False),
        (Claim.at_most("x", 5.0, NAN), False),
        (Claim.between("x", 1.0, 2.0, 2.0), True),
        (Claim.between("x", 1.0, 2.0, 2.1), False),
        (Claim.between("x", 1.0, 2.0, NAN), False),
        (Claim.equals("x", 3, 3), True),
        (Claim.equals("x", NAN, NAN), False),
        (Claim.equals("x", "V_H", "V_H"), True),
        (Claim.equals("x", "V_H", "R_ins"), False),
    ],
)
def test_a_claim_holds_when_it_does_and_never_for_nan(claim, holds):
    assert claim.holds is holds


def test_numpy_numbers_become_plain_ones():
    claim = Claim.at_least("x", np.float64(0.8), np.float32(0.9))
    assert type(claim.ours) is float
    assert type(claim.holds) is bool


def test_a_claim_reads_well():
    claim = Claim.within("Period", 21.6e-6, 21.577e-6, relative=0.01, unit="s", remark="sharp thresholds")
    assert claim.tolerance == "within 1 % of 21.6 µs"
    assert claim.ours_text.startswith("21.58")
    assert Claim.at_least("Accuracy", 80.0, 93.25, unit="%").paper_text == "at least 80 %"
    assert Claim.at_most("Error", 0.05, 0.0123).ours_text == "0.0123"


def test_our_own_requirement_is_not_shown_as_the_papers():
    claim = Claim.at_most("Difference to the simulation", 0.05, 0.011, from_paper=False)
    assert claim.paper is None
    assert claim.paper_text == "-"
    assert claim.tolerance == "at most 0.05"


@pytest.mark.parametrize("tolerances", [{}, {"relative": 0.1, "absolute": 1.0}])
def test_within_needs_exactly_one_tolerance(tolerances):
    with pytest.raises(InputError, match="exactly one"):
        Claim.within("x", 1.0, 1.0, **tolerances)
