"""Images for the associative memory: the six digits, random sets, overlaps and fuzzy pixels.

A pattern is a row of N pixels, white +1 and black -1, in reading order. Pixel i is oscillator i, so pixel 0
(the upper left corner) is the reference of all phases: an image and its negative are one network state.
Every pattern made here is white in pixel 0; an answer read against oscillator 0 is then the pattern itself.
"""

from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsnn.errors import InputError

IMAGE_SHAPE = (10, 6)
"""Rows and columns of a digit."""

# Drawn for this package: the bitmaps of the paper are shown in its Fig. 12B only. Stroke widths and positions
# were chosen among hundreds of variants of each digit for as many black pixels as white ones and for the
# smallest overlaps of all pairs, since the network needs both (docs/theory/mapping.md); then the set, for what is
# recalled of it.
_DIGITS = """
......  ..###.  .####.  .####.  ....##  .#####
.####.  ...##.  ######  ######  #...##  .##...
######  ...##.  .....#  .....#  #...##  .##...
#....#  ...##.  .....#  ..####  #...##  .##...
#....#  ...##.  .....#  ..####  ######  .##...
#....#  ...##.  .#####  .....#  ######  .#####
#....#  ...##.  #####.  .....#  ....##  ....##
#....#  ...##.  #.....  ######  ....##  ....##
######  ######  #.....  .####.  ....##  .##.##
.####.  ######  ######  ......  ....##  .####.
"""


def digits() -> NDArray[np.float64]:
    """Return the digits "0" to "5", 10 x 6 pixels each.

    They are drawn to suit the memory, which recalls well only what has about as many black pixels as white ones and
    overlaps little: 29 to 31 of the 60 pixels are black, and no two digits overlap by more than 0.07. Recall itself
    took part in choosing the set, so its accuracy is that of a favourable case; those of the paper, shown in its
    figure only, may be harder. `random_patterns` is the set that nobody chose.

    Returns
    -------
    ndarray
        The six patterns of +-1, shape (6, 60): white +1, black -1. [-]

    References
    ----------
    Own drawings after Fig. 12B of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    rows = [line.split() for line in _DIGITS.split("\n") if line]
    images = ["".join(row[digit] for row in rows) for digit in range(6)]
    return np.array([[1.0 if pixel == "." else -1.0 for pixel in image] for image in images])


def random_patterns(count: int, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw distinct random patterns with as many white pixels as black ones.

    No two of them are each other's negative, and pixel 0 is white in all. An odd size leaves one pixel over,
    white or black by chance.

    Parameters
    ----------
    count : int
        Number of patterns M. [-]
    size : int
        Number of pixels N. [-]
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray
        Patterns of +-1, shape (count, size). [-]

    Raises
    ------
    InputError
        If there are not as many such patterns.
    """
    if count < 1 or size < 2:
        raise InputError(f"random patterns: at least 1 pattern and 2 pixels are needed, found {count} and {size}.")
    available = comb(size, size // 2) // (2 if size % 2 == 0 else 1)
    if count > available:
        raise InputError(
            f"random patterns: {size} pixels allow {available} balanced patterns (a pattern and its negative "
            f"are one), {count} were asked for."
        )
    balanced = np.where(np.arange(size) < size // 2, 1.0, -1.0)
    patterns: dict[bytes, NDArray[np.float64]] = {}
    while len(patterns) < count:
        pattern = rng.permutation(balanced)
        pattern *= pattern[0]
        patterns.setdefault(pattern.tobytes(), pattern)
    return np.array(list(patterns.values()))


def overlap_matrix(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return how alike the patterns are, pair by pair.

    Parameters
    ----------
    patterns : array_like
        Patterns of +-1, shape (M, N). [-]

    Returns
    -------
    ndarray
        Overlaps (1/N) sum_i xi_i^k xi_i^l, shape (M, M): 1 for equal patterns, -1 for negatives. [-]
    """
    patterns = checked_patterns(patterns)
    return patterns @ patterns.T / patterns.shape[1]


def with_fuzzy_pixels(image: ArrayLike, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Replace randomly chosen pixels by greys drawn evenly from [-1, 1].

    Parameters
    ----------
    image : array_like
        Image, black -1 to white +1, shape (N,). [-]
    count : int
        Number of pixels to replace, 0 to N. [-]
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray
        The fuzzy image, shape (N,). [-]

    References
    ----------
    Fig. 13 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    fuzzy = checked_image(image).copy()
    if not 0 <= count <= fuzzy.size:
        raise InputError(f"fuzzy pixels: the count must lie within 0 and {fuzzy.size}, found {count}.")
    fuzzy[rng.choice(fuzzy.size, size=count, replace=False)] = rng.uniform(-1.0, 1.0, size=count)
    return fuzzy


def checked_patterns(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return patterns as an array of floats, or raise where they are none.

    Parameters
    ----------
    patterns : array_like
        Patterns of +-1, shape (M, N). [-]

    Returns
    -------
    ndarray
        The same patterns, shape (M, N). [-]

    Raises
    ------
    InputError
        If the shape is not (M, N) with M >= 1 and N >= 2, or a pixel is neither -1 nor +1.
    """
    array = _numbers(patterns, "patterns")
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 2:
        raise InputError(f"patterns: the shape must be (patterns, pixels) with at least 1 and 2, found {array.shape}.")
    wrong = np.argwhere(np.abs(array) != 1.0)
    if wrong.size:
        pattern, pixel = wrong[0]
        raise InputError(
            f"patterns: pixel {pixel} of pattern {pattern} is {array[pattern, pixel]:g}; "
            "allowed are -1 (black) and +1 (white)."
        )
    return array


def checked_image(image: ArrayLike) -> NDArray[np.float64]:
    """Return an image as an array of floats, or raise where it is none.

    Parameters
    ----------
    image : array_like
        Image, black -1 to white +1, shape (N,) or (rows, columns). [-]

    Returns
    -------
    ndarray
        The same image in reading order, shape (N,). [-]

    Raises
    ------
    InputError
        If the shape is another, or a pixel lies outside [-1, 1].
    """
    array = _numbers(image, "image")
    if array.ndim not in (1, 2) or array.size == 0:
        raise InputError(f"image: the shape must be (pixels,) or (rows, columns), found {array.shape}.")
    array = array.ravel()
    wrong = np.flatnonzero(~(np.abs(array) <= 1.0))  # written so that NaN is wrong, too
    if wrong.size:
        raise InputError(f"image: pixel {wrong[0]} is {array[wrong[0]]:g}; allowed is -1 (black) to +1 (white).")
    return array


def _numbers(values: ArrayLike, what: str) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what}: an array of numbers is needed, with rows of equal length.") from None
