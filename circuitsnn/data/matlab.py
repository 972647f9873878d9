"""Reading an array of real numbers from a MATLAB file of version 5 to 7.

SciPy's reader is not used: on a damaged file it can bring the whole process down (seen with SciPy 1.17: a segmentation
fault when the type of a name is wrong), and a scene needs no more than what is here.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from circuitsnn.errors import InputError

__all__ = ["read_matlab"]

_LARGEST_FILE = 2**31
_HEADER = 128
# Tables 1-1 and 1-3 of the format's description.
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMBERS = range(6, 16)  # classes from double to uint64
_COMPLEX = 0x0800
_FRONT = 1024  # flags, up to 32 dimensions and a name of 63 letters take less
_ALLOWED = "allowed is a MATLAB file of version 5 to 7, as save -v7 writes it"


class _DamagedError(Exception):
    """What is wrong inside a file."""


class _Array(NamedTuple):
    """An array in a file, not yet read: its name and shape, and where its content is."""

    name: str
    shape: tuple[int, ...]
    real: bool
    content: memoryview
    compressed: bool


def read_matlab(path: Path, variable: str, dimensions: int) -> np.ndarray:
    """Read one array of real numbers.

    Parameters
    ----------
    path : Path
        The file.
    variable : str
        Name of the array, in any case. If there is none of this name, the only one with the right number of
        dimensions is taken.
    dimensions : int
        Dimensions that it must have.

    Returns
    -------
    ndarray
        The array, in the type that the file holds.

    Raises
    ------
    InputError
        If the file is of another kind, damaged, or holds no such array.

    References
    ----------
    .. [1] The MathWorks, "MAT-File Format", "MAT-File Level 5 File Format".
    """
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        raise InputError(f"{path}: {size / 1e9:.1f} GB; allowed are {_LARGEST_FILE / 1e9:.1f} GB")
    content = path.read_bytes()
    if content.startswith(b"MATLAB 7.3"):
        raise InputError(f"{path}: a MATLAB file of version 7.3; {_ALLOWED}")
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128], "")
    if not order or struct.unpack_from(f"{order}H", content, 124)[0] != 0x0100:
        raise InputError(f"{path}: no MATLAB file; {_ALLOWED}")
    try:
        arrays = list(_arrays(memoryview(content)[_HEADER:], order))
        fitting = [one for one in arrays if len(one.shape) == dimensions and min(one.shape) > 1]
        named = [one for one in arrays if one.name.lower() == variable.lower()] or fitting
        if len(named) != 1:
            found = ", ".join(f"{one.name} {one.shape}" for one in arrays) or "nothing"
            raise InputError(
                f"{path}: it holds {found}; allowed is an array {variable!r}, or only one of {dimensions} dimensions"
            )
        [one] = named
        if not one.real or len(one.shape) != dimensions or 0 in one.shape:
            kind = "an array" if one.real else "no array of real numbers,"
            raise InputError(
                f"{path}: {one.name} is {kind} of shape {one.shape}; allowed is an array of real numbers with "
                f"{dimensions} dimensions"
            )
        return _numbers(one, order)
    except _DamagedError as error:
        raise InputError(f"{path}: truncated or damaged ({error}); get it anew") from error


def _arrays(content: memoryview, order: str) -> Iterator[_Array]:
    """List the arrays in a file, reading no more than their heads."""
    at = 0
    while at < len(content):
        kind, body, at = _element(content, at, order)
        if kind == _COMPRESSED:
            yield _head(memoryview(_inflate(body, _FRONT, whole=False)), order, body)
        elif kind == _MATRIX:
            yield _array(body, order, body, compressed=False)


def _head(front: memoryview, order: str, body: memoryview) -> _Array:
    kind, _ = _tag(front, order)
    if kind != _MATRIX:
        raise _DamagedError(f"an element of type {kind} where an array should be")
    return _array(front[8:], order, body, compressed=True)


def _array(front: memoryview, order: str, body: memoryview, compressed: bool) -> _Array:
    (flags, shape, name), _ = _parts(front, order, 3)
    if len(flags) != 8 or len(shape) % 4 or not 8 <= len(shape) <= 128:
        raise _DamagedError("an array without flags or dimensions")
    [flag, _] = struct.unpack(f"{order}2I", flags)
    sizes = struct.unpack(f"{order}{len(shape) // 4}i", shape)
    if min(sizes) < 0:
        raise _DamagedError(f"an array of shape {sizes}")
    real = flag & 0xFF in _NUMBERS and not flag & _COMPLEX
    return _Array(bytes(name).decode("ascii", "replace"), sizes, real, body, compressed)


def _numbers(one: _Array, order: str) -> np.ndarray:
    content = one.content
    if one.compressed:
        _, size = _tag(memoryview(_inflate(content, 8, whole=False)), order)
        content = memoryview(_inflate(content, 8 + size, whole=True))[8:]
    _, at = _parts(content, order, 3)
    kind, numbers, _ = _element(content, at, order)
    if kind not in _TYPES:
        raise _DamagedError(f"numbers of type {kind}")
    dtype = np.dtype(_TYPES[kind]).newbyteorder(order)
    expected = math.prod(one.shape) * dtype.itemsize
    if len(numbers) != expected:
        raise _DamagedError(f"{one.name} of shape {one.shape} has {len(numbers)} bytes instead of {expected}")
    array = np.frombuffer(numbers, dtype).reshape(one.shape, order="F")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _parts(content: memoryview, order: str, count: int) -> tuple[list[memoryview], int]:
    parts, at = [], 0
    for _ in range(count):
        _, body, at = _element(content, at, order)
        parts.append(body)
    return parts, at


def _element(content: memoryview, at: int, order: str) -> tuple[int, memoryview, int]:
    """Take the element at a place: its type, its body, and where the next one begins."""
    kind, size = _tag(content[at:], order)
    if kind >> 16:  # a small one: size and type share four bytes, the body has the other four
        kind, size, start, following = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if size > 4:
            raise _DamagedError(f"a small element of {size} bytes")
    else:
        start = at + 8
        following = start + size + (0 if kind == _COMPRESSED else -size % 8)
    if start + size > len(content):
        raise _DamagedError(f"an element of {size} bytes where {max(len(content) - start, 0)} are left")
    return kind, content[start : start + size], following


def _tag(content: memoryview, order: str) -> tuple[int, int]:
    if len(content) < 8:
        raise _DamagedError("it ends inside an element")
    kind, size = struct.unpack_from(f"{order}2I", content)
    return kind, size


def _inflate(body: memoryview, size: int, whole: bool) -> bytes:
    """Decompress the first `size` bytes, or exactly so many, whose checksum is then looked at as well."""
    if whole and size > _LARGEST_FILE:
        raise _DamagedError(f"an array of {size} bytes")
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(body, size + 1 if whole else size)
    except zlib.error as error:
        raise _DamagedError(str(error)) from error
    if whole and (len(out) != size or not stream.eof):
        raise _DamagedError(f"a compressed array is not {size} bytes long")
    return out
