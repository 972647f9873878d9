"""Numbers in netlists: exact, and short where that is possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuitsnn.errors import InputError
from circuitsnn.spice import spice_number

SCALE = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "k": 3, "meg": 6, "g": 9, "t": 12}


def read_back(text):
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz") if text[-1].isalpha() else text
    return float(f"{number}e{SCALE[text[len(number) :]]}") if number != text else float(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (20e3, "20k"),
        (500e-12, "500p"),
        (100.2e3, "100.2k"),
        (0.99e3, "990"),
        (1.999, "1.999"),
        (10e-9, "10n"),
        (2e6, "2meg"),
        (-1.5e-3, "-1.5m"),
        (0.0, "0"),
        (13234.567891234567, "13234.567891234567"),
        (1e30, "1e+30"),
    ],
)
def test_short_where_exact(value, text):
    assert spice_number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_digit_is_lost(value):
    assert read_back(spice_number(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_refuses_what_spice_cannot_read(value):
    with pytest.raises(InputError, match="finite"):
        spice_number(value)
