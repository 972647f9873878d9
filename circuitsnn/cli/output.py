"""Files that the commands write, whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def require_writable(folder: Path) -> None:
    """Refuse a folder that cannot be written to."""
    # Tried before the work starts, and without making the folder: a failed run shall leave nothing behind.
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    try:
        with TemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = "allowed is a folder that you may write to"
        raise InputError(f"cannot write to {folder}: {existing}: {error.strerror}; {advice}") from error


def require_picture(path: Path | None) -> None:
    """Refuse a picture's path that does not end in .png or cannot be written to."""
    if path is not None:
        if path.suffix.lower() != ".png":
            raise InputError(f"--out is {path}; allowed is a file that ends in .png")
        require_writable(path.parent)


def save_picture(figure: "Figure", path: Path, dpi: int) -> None:
    """Write a picture, and the folder that it lies in."""
    from circuitsnn.files import replacing

    with folder_of(path), replacing(path) as temporary:
        figure.savefig(temporary, dpi=dpi)


@contextmanager
def folder_of(path: Path) -> Iterator[None]:
    """Make the folder of a file that is being written, and take it away again where that fails."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            if made.is_dir() and not any(made.iterdir()):
                made.rmdir()
        raise
