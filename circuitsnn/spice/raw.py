"""Reading the raw files of circuit simulators, by spicelib.

Measured (spicelib 1.6.4; files of ngspice 39 and VACASK 0.3.4, and files made by hand as LTspice and Xyce write them):
it reads binary and text, real and complex, several plots in a file, and 100 MB in 0.2 s. It needs help in three places.
Its "all traces" takes the names of the first plot for all others, so each plot is asked for its own. It gives no plot,
without a word, for an empty file and for a header without numbers. What is not a raw file comes out as any kind of
exception, and a negative number of points can keep it for ever. So the header is looked at first, and all becomes an
`EngineError`.
"""

import logging
import mmap
import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuitsnn.errors import EngineError

KINDS = ("tran", "dc", "ac", "op")  # the order in which a plot is taken for the main one
Vectors = dict[str, NDArray]
_PLOT_NAMES = (
    ("tran", r"transient"),
    ("dc", r"dc transfer|dc sweep"),
    ("ac", r"^ac\b|frequency response"),
    ("op", r"operating point"),
)
_HEADER = 65536  # bytes in which the number of points must be found
logging.getLogger("spicelib").addHandler(logging.NullHandler())  # or its remarks would go to stderr


def read_raw(path: str | os.PathLike) -> Vectors:
    """Read the main plot of a raw file: its transient analysis, or else DC sweep, AC analysis, operating point.

    Parameters
    ----------
    path
        A raw file as ngspice, VACASK, Xyce or LTspice writes it.

    Returns
    -------
    dict
        Each vector (points,) by its name, which is the same for every engine: ``time``, ``v(osc3_out)``,
        ``i(vosc3_vdd)``, ``v(xosc3.compare)`` inside a subcircuit, all in lower case; the swept quantity of a DC sweep
        is ``sweep``. [s, V, A]

    Raises
    ------
    EngineError
        If the file is not a raw file, holds no points, or is shorter than it says.
    OSError
        If there is no such file.
    """
    return main_plot(read_plots(path))


def read_plots(path: str | os.PathLike) -> dict[str, Vectors]:
    """Read every plot of a raw file.

    Parameters
    ----------
    path
        A raw file as ngspice, VACASK, Xyce or LTspice writes it.

    Returns
    -------
    dict
        The vectors of each plot, as `read_raw` gives them, by the kind of analysis: ``tran``, ``dc``, ``ac``, ``op``,
        or the plot's own name in lower case; a second one of the same kind is ``tran2``. Vectors of an AC analysis are
        complex, save its ``frequency``.
    """
    path = Path(path)
    _look_at_header(path)
    from spicelib.raw.raw_read import RawRead  # 0.1 s, so not before it is needed

    try:
        try:
            file = RawRead(path, dialect=None, verbose=False)
        except Exception:  # the file does not say who wrote it: ngspice before 44, VACASK and Xyce write alike
            file = RawRead(path, dialect="ngspice", verbose=False)
        plots: dict[str, Vectors] = {}
        for plot in file.plots:
            add_plot(plots, *_plot(plot, path.name))
    except EngineError:
        raise
    except Exception as error:  # spicelib lets pass whatever its parsing runs into
        if isinstance(error, MemoryError) or re.search(r"not enough data|end of file", str(error), re.I):
            raise EngineError(f"{path.name} is cut short: it holds fewer numbers than its header says") from error
        raise EngineError(f"{path.name} cannot be read as a raw file: {type(error).__name__}: {error}") from error
    if not plots or _unfinished_header(path, len(plots)):
        raise EngineError(f"{path.name} is cut short: it ends within its header")
    return plots


def main_plot(plots: dict[str, Vectors]) -> Vectors:
    """Choose the transient analysis, or else the first plot in the order of `KINDS`, or else the first.

    Parameters
    ----------
    plots
        Plots as `read_plots` gives them.

    Returns
    -------
    dict
        The vectors of that plot.
    """
    return plots[min(plots, key=lambda kind: KINDS.index(kind) if kind in KINDS else len(KINDS))]


def add_plot(plots: dict[str, Vectors], kind: str, vectors: Vectors) -> None:
    """Put a plot among others under the first name that is free: ``tran``, ``tran2``, ...

    Parameters
    ----------
    plots
        Where it goes.
    kind
        Kind of analysis.
    vectors
        Its vectors.
    """
    count = sum(re.fullmatch(rf"{re.escape(kind)}\d*", name) is not None for name in plots)
    plots[f"{kind}{count + 1}" if count else kind] = vectors


def _look_at_header(path: Path) -> None:
    """Refuse what is not a raw file, and numbers of points that would cost spicelib its memory or its end."""
    with open(path, "rb") as file:
        head = file.read(_HEADER).replace(b"\0", b"")  # LTspice writes UTF-16
        size = os.fstat(file.fileno()).st_size
    found = re.search(rb"^No\. Points:[ \t]*(\S*)", head, re.M)
    if found is None:
        raise EngineError(f"{path.name} is not a raw file, or is cut short: no number of points in its header")
    points = found[1][:30].decode("ascii", errors="replace")
    if not points.strip("0"):  # it is filled in last
        raise EngineError(f"{path.name} holds no points: its analysis did not get anywhere, or was stopped")
    if not points.isdecimal():
        raise EngineError(f"{path.name} is not a raw file: its header gives {points!r} as number of points")
    if int(points) > size:
        raise EngineError(f"{path.name} is cut short: {size} bytes cannot hold the {points} points of its header")


def _unfinished_header(path: Path, plots: int) -> bool:
    """Whether the file ends within the header of one more plot, which spicelib passes over."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names, last = 0, -1
        while (place := content.find(b"\nPlotname:", last + 1)) >= 0:  # not what a title may say
            names, last = names + 1, place
        return names > plots or 0 <= last < content.rfind(b"Title:")


def _plot(plot, file_name: str) -> tuple[str, Vectors]:
    """Kind and vectors of one of spicelib's plots."""
    if plot.aliases:  # formulas, which spicelib would evaluate as Python
        raise EngineError(f"{file_name} gives vectors as formulas (QSPICE's aliases); save them as numbers")
    names = plot.get_trace_names()
    if plot.nVariables != len(names):
        raise EngineError(f"{file_name} contradicts itself: {plot.nVariables} vectors announced and {len(names)} named")
    if "stepped" in (flag.lower() for flag in plot.flags):
        raise EngineError(f"{file_name} holds the runs of several .step values in one; run one of them at a time")
    plot.read_trace_data(names)
    title = plot.get_plot_name().strip().lower()
    kind = next((kind for kind, pattern in _PLOT_NAMES if re.search(pattern, title)), title)
    if kind == "op" and plot.nPoints > 1:  # VACASK sweeps an operating point
        kind = "dc"
    types = {line.split("\t")[1]: line.split("\t")[2] for line in map(str.lstrip, plot.header) if line.count("\t") > 1}
    vectors: Vectors = {}
    for k, name in enumerate(names):
        uniform = "sweep" if kind == "dc" and k == 0 else _uniform_name(name, types.get(name, "").strip())
        if uniform in vectors:
            raise EngineError(f"{file_name} holds two vectors called {uniform}; names must differ in more than case")
        values = np.asarray(plot.get_wave(name))
        if np.iscomplexobj(values) and k == 0:
            values = values.real
        vectors[uniform] = np.ascontiguousarray(values, dtype=complex if np.iscomplexobj(values) else float)
    return kind, vectors


def _uniform_name(name: str, kind: str) -> str:
    """Name of a vector that is the same for every engine.

    ========================  ==================  ====================  ==================  ==================
    here                      ngspice             VACASK                Xyce                LTspice
    ========================  ==================  ====================  ==================  ==================
    ``v(out)``                ``v(out)``          ``out``               ``OUT``             ``V(out)``
    ``v(x1.mid)``             ``v(x1.mid)``       ``x1:mid``            ``X1:MID``          ``V(x1:mid)``
    ``i(v1)``                 ``i(v1)``           ``v1:flow(br)``       ``V1#branch``       ``I(V1)``
    ``i(x1.v1)``              ``i(v.x1.v1)``      ``x1:v1:flow(br)``    ``X1:V1#branch``    ``I(x1:V1)``
    ========================  ==================  ====================  ==================  ==================

    The current is that from the source's first node through the source to its second, in every engine.
    """
    name = name.lower()
    current = re.fullmatch(r"(.+)(?:#branch|:flow\(br\))", name)
    if current:
        name = f"i({current[1]})"
    elif kind in ("voltage", "notype", "current") and not re.fullmatch(r"time|frequency|.*\(.*\)|@.*", name):
        name = f"{'i' if kind == 'current' else 'v'}({name})"
    name = name.replace(":", ".")
    return re.sub(r"^i\(([a-z])\.(.+\.\1[^.]*\))$", r"i(\2", name)
