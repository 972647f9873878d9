"""Fetching a file: with its checksum, from where a break left off, and whole or not at all."""

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from circuitsnn.data.catalogue import DataFile
from circuitsnn.errors import InputError

__all__ = ["Progress", "fetch"]

Progress = Callable[[float, str], None]  # share done (0 where the size is unknown) and what is being done

_CHUNK = 1 << 18
_TRIES = 3  # an address is given up after so many breaks in a row that brought nothing new
_LARGEST = 1 << 30  # for a file whose size is not known beforehand
_BROKEN = (OSError, http.client.HTTPException)  # urllib's own errors are OSErrors


def fetch(file: DataFile, target: Path, progress: Progress | None = None, timeout: float = 30.0) -> None:
    """Fetch a file, unless it is there already.

    What has come lies in `target` with .part appended, and the next call goes on from there. Only a file with the right
    checksum gets its name.

    Parameters
    ----------
    file : DataFile
        The file, its checksum and addresses, which are tried in turn.
    target : Path
        Where to put it.
    progress : callable, optional
        Called with the share that is done, from 0 to 1, and a text.
    timeout : float
        Longest silence of a server. [s]

    Raises
    ------
    InputError
        If no address gives the file, or it cannot be written; the message names file, addresses and folder.
    """
    if target.is_file() and _sha256(target) == file.sha256:
        return
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}; name a folder that you may write to") from error
    failures = []
    for address in file.addresses:
        try:
            _fetch_from(address, file, part, progress, timeout)
        except _BROKEN as error:
            failures.append(f"{address}: {_reason(error)}")
            continue
        os.replace(part, target)
        return
    if not part.stat().st_size:
        part.unlink()
        kept = ""
    else:
        kept = f" ({part.stat().st_size} bytes have come; the next try goes on from there)"
    raise InputError(
        f"cannot fetch {file.name} ({'; '.join(failures)}){kept}; get it by other means and put it into {target.parent}"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server says {error.code} {error.reason}"
    return str(getattr(error, "reason", error)) or type(error).__name__


def _fetch_from(address: str, file: DataFile, part: Path, progress: Progress | None, timeout: float) -> None:
    """Bring the partial file to its end from one address; raise an `OSError` if that cannot be done."""
    most, idle, again = part.stat().st_size, 0, True
    while True:
        resumed = part.stat().st_size > 0
        try:
            _transfer(address, file, part, progress, timeout)
        except urllib.error.URLError:
            raise  # no such server, no such file, or no network: it will not be otherwise at once
        except _BROKEN:
            size = part.stat().st_size
            most, idle = max(most, size), 0 if size > most else idle + 1
            if idle == _TRIES:
                raise
            continue
        if _sha256(part) == file.sha256:
            return
        part.write_bytes(b"")
        if not (resumed and again):
            raise OSError("what came has another checksum")
        most, again = 0, False  # perhaps only the old part was bad: once more, from the start


def _transfer(address: str, file: DataFile, part: Path, progress: Progress | None, timeout: float) -> None:
    """Append what is missing to the partial file; raise an `OSError` or `HTTPException` on a break."""
    held = part.stat().st_size
    if file.size is not None and held >= file.size:
        return  # the checksum decides
    # Compressed on the way, a range would count other bytes than the file's.
    headers = {"User-Agent": "circuitsnn", "Accept-Encoding": "identity"}
    if held:
        headers["Range"] = f"bytes={held}-"
    try:
        response = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        return  # nothing follows what is held: the checksum decides
    with response:
        start, total = _extent(response)
        if start not in (0, held):
            raise OSError(f"the server sends bytes from {start} on, asked for {held}")
        limit = file.size or _LARGEST
        with part.open("r+b") as output:
            output.truncate(start)
            output.seek(start)
            done = start
            while chunk := response.read(_CHUNK):
                output.write(chunk)
                done += len(chunk)
                if done > limit:
                    raise OSError(f"more than {limit} bytes came")
                if progress is not None:
                    whole = total or file.size
                    share = f"{done / 1e6:.1f} of {whole / 1e6:.1f} MB" if whole else f"{done / 1e6:.1f} MB"
                    progress(done / whole if whole else 0.0, f"{file.name}: {share}")
        if total is not None and done < total:
            raise OSError(f"the connection broke off after {done} of {total} bytes")


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Tell from the headers where what comes begins in the file, and how long the file is."""
    if response.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not found:
            raise OSError("the server sends a part of the file without saying which")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
