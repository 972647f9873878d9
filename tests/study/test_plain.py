"""Results as JSON and back: nothing is lost, and nothing is run."""

import json
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from circuitsnn.errors import InputError
from circuitsnn.study.plain import from_plain, to_plain


@dataclass(frozen=True, eq=False)
class Result:
    energy: float
    trace: np.ndarray
    names: tuple[str, ...] = ()


@dataclass
class Derived:
    a: int
    b: int = field(init=False, default=0)


def there_and_back(value):
    return from_plain(json.loads(json.dumps(to_plain(value))))


def assert_same(value, back):
    assert type(back) is type(value)
    if isinstance(value, (np.ndarray, np.generic)):
        assert back.dtype == value.dtype
        assert back.shape == value.shape
        if value.dtype == object:
            assert all(assert_same(a, b) is None for a, b in zip(value.ravel(), back.ravel(), strict=True))
        else:
            assert back.tobytes() == value.tobytes()
    elif isinstance(value, (list, tuple)):
        assert len(back) == len(value)
        for one, other in zip(value, back, strict=True):
            assert_same(one, other)
    elif isinstance(value, dict):
        assert_same(list(value.items()), list(back.items()))
    elif isinstance(value, float):
        assert np.float64(back).tobytes() == np.float64(value).tobytes()
    else:
        assert back == value


numbers = st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none() | st.text(max_size=8)
kinds = st.sampled_from(["<f8", "<f4", "<i8", "|u1", "|b1", "<c16", "<U3", ">f8"])
values = st.recursive(
    numbers | arrays.arrays(kinds, arrays.array_shapes(min_dims=0, max_side=3)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
        | st.dictionaries(st.sampled_from(["is a", "values"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(values)
@settings(max_examples=150, deadline=None)
def test_what_goes_in_comes_out(value):
    assert_same(value, there_and_back(value))


def test_floats_that_are_no_numbers():
    back = there_and_back(
        [float("nan"), float("inf"), -0.0, np.float64("nan"), np.float32(0.1), np.int64(3), np.bool_(True)]
    )
    assert np.isnan(back[0])
    assert back[1] == float("inf")
    assert np.signbit(back[2])
    assert [type(one) for one in back[3:]] == [np.float64, np.float32, np.int64, np.bool_]


def test_dataclasses_of_modules_at_hand():
    back = there_and_back(Result(1.5, np.arange(3), ("a", "b")))
    assert isinstance(back, Result)
    assert back.trace.tolist() == [0, 1, 2]
    assert back.names == ("a", "b")


def test_tables_keep_columns_index_types_and_units():
    table = pd.DataFrame(
        {"x": [1.5, np.nan], "n": [1, 2], "good": [True, False], "label": ["a", None], "mixed": [1, "b"]}, index=[5, 7]
    )
    table["maybe"] = pd.array([True, None], dtype="boolean")
    table.index.name = "trial"
    table.attrs["units"] = {"x": "J"}
    for one in (table, table.reset_index(drop=True), table.iloc[:0], pd.DataFrame(), table[["x", "n"]].set_index("x")):
        back = there_and_back(one)
        pd.testing.assert_frame_equal(back, one)
        assert back.attrs == one.attrs
        assert type(back.index) is type(one.index)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        b"bytes",
        Derived(1),
        Result,
        np.array([object()]),
        np.zeros(2, dtype=[("a", "f8")]),
        pd.DataFrame({("a", "b"): [1]}),
        pd.DataFrame({"a": pd.to_datetime(["2020-01-01"]).tz_localize("UTC")}),
        lambda: 1,
        [object()],
    ],
)
def test_other_things_are_refused(value):
    with pytest.raises(InputError, match="cannot be kept as JSON"):
        to_plain(value)


@pytest.mark.parametrize(
    "data",
    [
        {"is a": "dataclass", "module": "os", "name": "system", "fields": {}},
        {"is a": "dataclass", "module": "subprocess", "name": "Popen", "fields": {"args": ["true"]}},
        {"is a": "dataclass", "module": "no.such", "name": "Thing", "fields": {}},
        {"is a": "surprise"},
        {"is a": ["array"]},
        {"is a": "array", "type": "|O", "shape": [1], "bytes": "AAAAAAAAAAA="},
        {"is a": "array", "type": "<f8", "shape": [3], "bytes": "AAAA"},
        {"is a": "tuple"},
        {"is a": "table", "columns": 3},
    ],
)
def test_what_nobody_has_kept_is_refused(data):
    with pytest.raises(InputError, match="a result that was kept"):
        from_plain(data)
