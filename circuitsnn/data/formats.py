"""Reading images: IDX files and the binary version of CIFAR-10.

Neither can carry code. The pickled version of CIFAR-10 can, and is not read.
"""

import gzip
import math
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np

from circuitsnn.errors import InputError

__all__ = ["read_cifar10", "read_cifar10_archive", "read_idx"]

_MOST_BYTES = 2**31  # 28 x 28 images: 2.7 million, or 45 times MNIST
_CIFAR_RECORD = 1 + 3 * 32 * 32  # a label, then red, green and blue planes of 32 x 32 (the data set's own page)
_CIFAR_MOST = 100_000


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read a file in MNIST's IDX format, compressed with gzip or not.

    Parameters
    ----------
    path : Path
        The file.
    dimensions : int
        Dimensions that the array must have: 3 for images, 1 for labels.

    Returns
    -------
    ndarray of uint8
        The array.

    Raises
    ------
    InputError
        If it is another kind of file, or truncated, or goes on after its end.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database", section "file formats".
    """
    what = f"an IDX file of bytes with {dimensions} dimension{'s' if dimensions > 1 else ''}"

    def read(stream: IO[bytes]) -> np.ndarray:
        header = stream.read(4 * (1 + dimensions))
        if header[:4] != bytes([0, 0, 8, dimensions]) or len(header) < 4 * (1 + dimensions):
            raise InputError(f"{path}: it begins with {header[:4].hex(' ') or 'nothing'}; allowed is {what}")
        shape = tuple(int(size) for size in np.frombuffer(header, ">u4", offset=4))
        expected = math.prod(shape)
        if not 0 < expected <= _MOST_BYTES:
            raise InputError(f"{path}: its header says {shape}; allowed are 1 to {_MOST_BYTES} bytes")
        content = stream.read(expected + 1)
        if len(content) != expected:
            got = f"only {len(content)}" if len(content) < expected else "more"
            raise InputError(f"{path}: its header says {shape}, or {expected} bytes, and it holds {got}; get it anew")
        return np.frombuffer(content, np.uint8).reshape(shape)

    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not compressed:
            return read(file)
        return _guarded(path, lambda: _read_gzip(file, read))


def _read_gzip(file: IO[bytes], read: Callable[[IO[bytes]], np.ndarray]) -> np.ndarray:
    with gzip.GzipFile(fileobj=file) as stream:
        return read(stream)


def _guarded(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: truncated or damaged ({error}); get it anew") from error


def read_cifar10(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a batch of the binary version of CIFAR-10.

    Parameters
    ----------
    path : Path
        The file, such as data_batch_1.bin.

    Returns
    -------
    images : ndarray of uint8, shape (images, 3, 32, 32)
        The images.
    labels : ndarray of uint8, shape (images,)
        Their classes.

    Raises
    ------
    InputError
        If the file is no whole number of images.

    References
    ----------
    .. [1] A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; page of the data set.
    """
    with path.open("rb") as file:
        return _cifar_records(str(path), file.read(_CIFAR_MOST * _CIFAR_RECORD + 1))


def read_cifar10_archive(path: Path, batches: tuple[str, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read batches out of cifar-10-binary.tar.gz, without unpacking it to disk.

    Parameters
    ----------
    path : Path
        The archive.
    batches : tuple of str
        Names of the batches' files.

    Returns
    -------
    list of (ndarray, ndarray)
        Images and labels of each batch, as `read_cifar10` gives them.

    Raises
    ------
    InputError
        If the archive is damaged or a batch is missing.
    """

    def read() -> dict[str, tuple[np.ndarray, np.ndarray]]:
        found = {}
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                stream = archive.extractfile(member) if member.isfile() and name in batches else None
                if stream is not None:
                    content = stream.read(_CIFAR_MOST * _CIFAR_RECORD + 1)
                    if len(content) < member.size <= _CIFAR_MOST * _CIFAR_RECORD:
                        raise EOFError(f"{name} ends early")
                    found[name] = _cifar_records(f"{path}, {name}", content)
            while archive.fileobj is not None and archive.fileobj.read(1 << 20):
                pass  # to the end, where gzip's own checksum is
        return found

    found = _guarded(path, read)
    missing = [name for name in batches if name not in found]
    if missing:
        raise InputError(f"{path}: there is no {', '.join(missing)} in it; the archive of the binary version has them")
    return [found[name] for name in batches]


def _cifar_records(where: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    records, rest = divmod(len(content), _CIFAR_RECORD)
    if rest or not 0 < records <= _CIFAR_MOST:
        raise InputError(
            f"{where}: {len(content)} bytes; allowed is a whole number of images of {_CIFAR_RECORD} bytes, "
            f"at most {_CIFAR_MOST}: a batch of CIFAR-10's binary version"
        )
    table = np.frombuffer(content, np.uint8).reshape(records, _CIFAR_RECORD)
    return table[:, 1:].reshape(records, 3, 32, 32), table[:, 0]
