"""How far long work has got: told to the caller's function, or shown as a bar."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress", "ignore_progress", "progress_bar", "reporting"]

Progress = Callable[[float, str], None]
"""Is told the share of the present step that is done, 0 to 1, and a text that says what it is."""


def ignore_progress(share: float, text: str) -> None:
    """Show no progress.

    Parameters
    ----------
    share : float
        Share of the present step that is done, 0 to 1. [-]
    text : str
        What it is.
    """


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar on standard error where that is a terminal.

    Parameters
    ----------
    title : str
        What stands beside it until something is reported.

    Yields
    ------
    callable
        What moves it; where there is no terminal it does nothing.
    """
    if not sys.stderr.isatty():
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        # Without a total the bar pulses; the first report gives it one.
        task = bar.add_task(title, total=None)
        yield lambda share, text: bar.update(task, total=1, completed=share, description=text or title)


@contextmanager
def reporting(progress: Progress | bool | None, title: str) -> Iterator[Progress]:
    """Read the argument `progress` of a function that takes long.

    Parameters
    ----------
    progress : callable, bool or None
        The caller's function, or True for a bar.
    title : str
        The bar's title.

    Yields
    ------
    callable
        What is to be told the progress.
    """
    if progress is True:
        with progress_bar(title) as report:
            yield report
    else:
        yield progress or ignore_progress
