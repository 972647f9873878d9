"""What the file of a figure says of itself."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from circuitsnn.errors import InputError

_SVG = "{http://www.w3.org/2000/svg}"
_DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"


@dataclass(frozen=True)
class FigureFile:
    """A figure's file."""

    content: bytes
    """The file itself."""
    kind: str
    """Its media type."""
    description: str
    """What the figure shows, as far as the file says it; "" for nothing."""
    width: float | None
    """Its width on paper; None where the file does not say. [m]"""
    coloured: bool
    """Whether it holds images or maps, whose colours mean something; so of any PNG, since it does not say."""


def read_svg(content: bytes) -> FigureFile:
    """Read what an SVG picture says of itself.

    Parameters
    ----------
    content : bytes
        The file's content.

    Returns
    -------
    FigureFile
        The picture.

    Raises
    ------
    InputError
        If it is no SVG picture.
    """
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"no SVG picture, {error}") from error
    if root.tag != f"{_SVG}svg":
        raise InputError("it is no SVG picture")
    width = re.fullmatch(r"([\d.]+)pt", root.get("width", ""))
    return FigureFile(
        content,
        "image/svg+xml",
        " ".join((root.findtext(f".//{_DESCRIPTION}") or "").split()),
        float(width[1]) / 72 * 0.0254 if width else None,
        coloured=any(
            element.tag == f"{_SVG}image" or element.get("id", "").startswith("QuadMesh") for element in root.iter()
        ),
    )
