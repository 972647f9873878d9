"""Writing files so that nothing half-written is ever left behind."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from circuitsnn.errors import InputError


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Lend a temporary path beside `path`; what was written there takes the place of `path` at the end.

    If the body raises, the temporary file goes and whatever was at `path` before stays.

    Parameters
    ----------
    path : path-like
        The file to write.

    Yields
    ------
    Path
        An empty file in the same folder and with the same suffix.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(8)}{path.suffix}")
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        advice = "name a file in a folder that exists and that you may write to"
        raise InputError(f"cannot write {path}: {error.strerror}; {advice}") from error
    try:
        yield temporary
        try:
            os.replace(temporary, path)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}; name a file, not a folder") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a UTF-8 text file whole or not at all.

    Parameters
    ----------
    path : path-like
        The file to write.
    text : str
        Its new content.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
