"""Results as JSON and back, to the last bit: numbers, texts, lists, mappings, arrays, tables and dataclasses of them.

It stands where others pickle: a file of ours runs no code when it is read.
"""

import base64
import dataclasses
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from circuitsnn.errors import InputError

__all__ = ["from_plain", "to_plain"]

_MARK = "is a"  # the key that tells what a mapping stands for


def to_plain(value: Any) -> Any:
    """Turn a result into what JSON can hold.

    Parameters
    ----------
    value : object
        None, truth values, numbers, texts, lists, tuples, mappings, NumPy arrays and scalars, pandas tables with plain
        columns, and dataclasses of these.

    Returns
    -------
    JSON value
        Numbers, texts, lists and mappings with texts as keys.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [to_plain(one) for one in value]
    if type(value) is tuple:
        return {_MARK: "tuple", "values": [to_plain(one) for one in value]}
    if type(value) is dict:
        if all(isinstance(name, str) and name != _MARK for name in value):
            return {name: to_plain(one) for name, one in value.items()}
        return {_MARK: "mapping", "pairs": [[to_plain(name), to_plain(one)] for name, one in value.items()]}
    if isinstance(value, (np.ndarray, np.generic)) and type(value) is not np.ma.MaskedArray:
        return _array_to_plain(value)
    if type(value) is pd.DataFrame:
        return _table_to_plain(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [one.name for one in dataclasses.fields(value)]
        if all(one.init for one in dataclasses.fields(value)) and _dataclass(*_name(type(value))) is type(value):
            return {
                _MARK: "dataclass",
                "module": type(value).__module__,
                "name": type(value).__qualname__,
                "fields": {name: to_plain(getattr(value, name)) for name in fields},
            }
    raise InputError(
        f"a {type(value).__qualname__} cannot be kept as JSON; allowed are numbers, texts, lists, mappings, arrays, "
        "tables and dataclasses of them"
    )


def from_plain(data: Any) -> Any:
    """Turn back what `to_plain` made.

    Parameters
    ----------
    data : JSON value
        What it returned.

    Returns
    -------
    object
        The value.

    Raises
    ------
    InputError
        If it is nothing that `to_plain` makes, or a dataclass that no module at hand has.
    """
    if isinstance(data, list):
        return [from_plain(one) for one in data]
    if not isinstance(data, dict):
        return data
    if _MARK not in data:
        return {name: from_plain(one) for name, one in data.items()}
    try:
        return _READERS[data[_MARK]](data)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"a result that was kept cannot be read: {type(error).__name__}: {error}") from error


def _array_to_plain(value: np.ndarray | np.generic) -> dict[str, Any]:
    array = np.asarray(value)
    if array.dtype.hasobject:
        if array.dtype != object or isinstance(value, np.generic):
            raise InputError(
                f"an array of {array.dtype} cannot be kept as JSON; allowed are numbers, truth values and texts"
            )
        return {
            _MARK: "objects",
            "shape": list(array.shape),
            "values": [to_plain(one) for one in array.ravel().tolist()],
        }
    if array.dtype.names is not None or array.dtype.kind == "V":
        raise InputError(
            f"an array of {array.dtype} cannot be kept as JSON; allowed are numbers, truth values and texts"
        )
    return {
        _MARK: "array" if isinstance(value, np.ndarray) else "scalar",
        "type": array.dtype.str,
        "shape": list(array.shape),
        "bytes": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii"),
    }


def _table_to_plain(table: pd.DataFrame) -> dict[str, Any]:
    if not isinstance(table.columns, pd.Index) or table.columns.nlevels > 1 or table.index.nlevels > 1:
        raise InputError("a table with several levels of names cannot be kept as JSON; allowed is one level")
    return {
        _MARK: "table",
        "columns": [[to_plain(name), *_series_to_plain(table[name])] for name in table],
        "index": [to_plain(table.index.name), *_series_to_plain(table.index.to_series())],
        "range": isinstance(table.index, pd.RangeIndex) and table.index.equals(pd.RangeIndex(len(table))),
        "attrs": to_plain(dict(table.attrs)),
    }


def _series_to_plain(series: pd.Series) -> tuple[str, Any]:
    if isinstance(series.dtype, np.dtype):
        return "", to_plain(series.to_numpy())
    if str(series.dtype) in ("str", "string", "boolean", "Int64", "Float64"):
        return str(series.dtype), [None if pd.isna(one) else to_plain(one) for one in series.tolist()]
    raise InputError(f"a column of {series.dtype} cannot be kept as JSON; allowed are numbers, truth values and texts")


def _read_array(data: Mapping[str, Any]) -> np.ndarray:
    kind = np.dtype(data["type"])
    if kind.hasobject:
        raise InputError("a result that was kept is an array of objects; allowed are numbers, truth values and texts")
    flat = np.frombuffer(base64.b64decode(data["bytes"], validate=True), dtype=kind)
    return flat.reshape(data["shape"]).copy()


def _read_objects(data: Mapping[str, Any]) -> np.ndarray:
    array = np.empty(len(data["values"]), dtype=object)
    array[:] = [from_plain(one) for one in data["values"]]
    return array.reshape(data["shape"])


def _read_table(data: Mapping[str, Any]) -> pd.DataFrame:
    columns = [(from_plain(name), _read_series(kind, values)) for name, kind, values in data["columns"]]
    name, kind, values = data["index"]
    labels = _read_series(kind, values)
    index = pd.RangeIndex(len(labels)) if data["range"] else pd.Index(labels)
    table = pd.DataFrame(dict(enumerate(series for _, series in columns)), index=index)
    if columns:
        table.columns = [name for name, _ in columns]
    table.index.name = from_plain(name)
    table.attrs = from_plain(data["attrs"])
    return table


def _read_series(kind: str, values: Any) -> Any:
    return pd.array(values, dtype=kind) if kind else from_plain(values)


def _read_dataclass(data: Mapping[str, Any]) -> Any:
    kind = _dataclass(data["module"], data["name"])
    if kind is None:
        raise InputError(f"a result that was kept is a {data['name']} of {data['module']}, which is not at hand")
    return kind(**from_plain(data["fields"]))


def _name(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__


def _dataclass(module: str, name: str) -> type | None:
    """Find a dataclass among the modules that are loaded; nothing is imported for it."""
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) and dataclasses.is_dataclass(found) else None


_READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "tuple": lambda data: tuple(from_plain(one) for one in data["values"]),
    "mapping": lambda data: {from_plain(name): from_plain(one) for name, one in data["pairs"]},
    "array": _read_array,
    "scalar": lambda data: _read_array(data)[()],
    "objects": _read_objects,
    "table": _read_table,
    "dataclass": _read_dataclass,
}
