"""Patches around the labelled pixels of a scene, split into training and test."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from circuitsnn.checks import check_word, whole_number
from circuitsnn.data.sets import Scene
from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Normalisation", "PixelPatches", "Split", "pixel_patches"]

Split = Literal["random", "block"]
Normalisation = Literal["band", "scene", "shape", "none"]


@dataclass(frozen=True, eq=False)
class PixelPatches:
    """Patches of a scene, cut out when they are asked for.

    Parameters
    ----------
    name : str
        Name of the scene.
    size : int
        Rows and columns of a patch. [pixel]
    bands : int
        Bands of a patch.
    train_pixels, test_pixels : ndarray of int64, shape (pixels,)
        Which pixels train and which test, row by row: row times the scene's columns plus column.
    train_labels, test_labels : ndarray of int64, shape (pixels,)
        Their classes, from 0 on.
    unused_labels : ndarray of int64, shape (pixels,)
        Classes of the labelled pixels in neither part: in a block split, those near the other part.
    class_names : tuple of str
        Names of the classes.
    padded : ndarray of float32, shape (rows + size - 1, columns + size - 1, bands)
        The normalised scene, reflected at its border.
    """

    name: str
    size: int
    bands: int
    train_pixels: np.ndarray
    test_pixels: np.ndarray
    train_labels: np.ndarray
    test_labels: np.ndarray
    unused_labels: np.ndarray
    class_names: tuple[str, ...]
    padded: np.ndarray = field(repr=False)

    def patches(self, pixels: np.ndarray) -> np.ndarray:
        """Cut out patches.

        Those of all of Pavia University's 42,776 labelled pixels, 5 x 5, take 440 MB: ask for a batch at a time.

        Parameters
        ----------
        pixels : ndarray of int, shape (pixels,)
            Centres, such as `train_pixels[:100]`.

        Returns
        -------
        ndarray of float32, shape (pixels, 1, bands, size, size)
            The patches: one channel, then bands, rows and columns.

        Raises
        ------
        InputError
            If a pixel lies outside the scene.
        """
        windows = np.lib.stride_tricks.sliding_window_view(self.padded, (self.size, self.size), axis=(0, 1))
        rows, columns = windows.shape[:2]
        pixels = np.asarray(pixels)
        if (
            pixels.ndim != 1
            or pixels.dtype.kind not in "iu"
            or (pixels.size and not 0 <= pixels.min() <= pixels.max() < rows * columns)
        ):
            raise InputError(
                f"pixels is not a row of whole numbers from 0 to {rows * columns - 1}; allowed is only that"
            )
        return windows[pixels // columns, pixels % columns][:, None]

    def to_frame(self) -> "DataFrame":
        """Count the pixels of each class.

        Returns
        -------
        DataFrame
            Columns `class`, `train`, `test` and `unused`.
        """
        import pandas as pd

        parts = {"train": self.train_labels, "test": self.test_labels, "unused": self.unused_labels}
        counts = {part: np.bincount(labels, minlength=len(self.class_names)) for part, labels in parts.items()}
        return pd.DataFrame({"class": self.class_names, **counts})


def pixel_patches(
    scene: Scene,
    size: int,
    train_share: float = 0.4,
    seed: int = 0,
    split: Split = "random",
    block: int | None = None,
    normalise: Normalisation = "band",
) -> PixelPatches:
    """Split the labelled pixels of a scene into training and test pixels, each with the patch around it.

    Parameters
    ----------
    scene : Scene
        The scene.
    size : int
        Rows and columns of a patch, an odd number. [pixel]
    train_share : float
        Share of the labelled pixels that train. [1]
    seed : int
        Seed of the split.
    split : {"random", "block"}
        "random" draws the pixels of each class on their own, as the literature mostly does. Patches of training pixels
        then hold test pixels, so the accuracy measured is too good for a new scene. "block" gives whole squares of the
        scene to either part and leaves out the pixels between: no pixel is in patches of both parts.
    block : int, optional
        Rows and columns of a square of the block split; without it, 4 times `size`. [pixel]
    normalise : {"band", "scene", "shape", "none"}
        Zero mean and unit variance of each band over all pixels of the scene, of all bands together, of each band after
        every spectrum was divided by its Euclidean length, or none of it. The third takes out how bright a pixel is,
        which says little of what it is made of.

    Returns
    -------
    PixelPatches
        The split; of the block split, `to_frame` says how many pixels of each class were left out.

    Raises
    ------
    InputError
        If the patch does not fit into the scene, the share is not between 0 and 1, or either part comes out empty.

    References
    ----------
    .. [1] G. Datta, S. Kundu, A. R. Jaiswal, P. A. Beerel, "ACE-SNN: Algorithm-Hardware Co-design of Energy-Efficient &
       Low-Latency Deep Spiking Neural Networks for 3D Image Recognition", Front. Neurosci. 16:815258, 2022, section 6.2
       (40 % train, zero mean and unit variance); whether the mean is over a band or the scene it does not say.
    """
    check_word("split", split, Split)
    check_word("normalise", normalise, Normalisation)
    rows, columns, bands = scene.cube.shape
    # A reflection cannot be wider than what it reflects.
    size = whole_number("size", size, 1, 2 * min(rows, columns) - 1)
    if size % 2 == 0:
        raise InputError(f"size is {size}; allowed is an odd number, so that the pixel lies in the middle of its patch")
    if not 0 < train_share < 1:
        raise InputError(f"train_share is {train_share!r}; allowed is a share between 0 and 1")
    if block is not None and split != "block":
        raise InputError(f"block is {block!r} with the split {split!r}; allowed is it with the split 'block' only")
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    if split == "random":
        training, testing = _split_randomly(scene.labels, train_share, rng)
    else:
        block = whole_number("block", 4 * size if block is None else block, size)
        training, testing = _split_by_blocks(scene.labels, train_share, rng, block, size // 2)
    for part, mask in (("train", training), ("test", testing)):
        if not mask.any():
            raise InputError(
                f"no pixel of {scene.name} is left to {part} (train_share {train_share:g}, split {split!r}); "
                "allowed is a share that leaves some to both parts, or other blocks"
            )
    margin = size // 2
    padded = np.pad(_normalised(scene.cube, normalise), ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    labels = scene.labels.ravel() - 1
    train_pixels, test_pixels = np.flatnonzero(training), np.flatnonzero(testing)
    return PixelPatches(
        scene.name,
        size,
        bands,
        train_pixels,
        test_pixels,
        labels[train_pixels],
        labels[test_pixels],
        labels[(labels >= 0) & ~training.ravel() & ~testing.ravel()],
        scene.class_names,
        padded,
    )


def _normalised(cube: np.ndarray, normalise: Normalisation) -> np.ndarray:
    if normalise == "none":
        return cube
    if normalise == "shape":
        length = np.sqrt(np.einsum("ijk,ijk->ij", cube, cube, dtype=np.float64, casting="unsafe"))
        length[length == 0.0] = 1.0  # a dark pixel has no shape
    normalised = np.empty(cube.shape, np.float32)
    if normalise == "scene":
        mean, deviation = cube.mean(dtype=np.float64), cube.std(dtype=np.float64)
    for band in range(cube.shape[2]):  # one at a time in double precision, not the scene
        values = cube[:, :, band].astype(np.float64)
        if normalise == "shape":
            values /= length
        if normalise != "scene":
            mean, deviation = values.mean(), values.std()
        # Values that are all the same become 0; their deviation is not always 0 to the last bit.
        flat = deviation <= 1e-12 * abs(mean)
        normalised[:, :, band] = 0.0 if flat else (values - mean) / deviation
    return normalised


def _split_randomly(labels: np.ndarray, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw the training pixels of each class; a class of two pixels or more has some in both parts."""
    training = np.zeros(labels.size, bool)
    for label in range(1, labels.max() + 1):
        pixels = np.flatnonzero(labels == label)
        if pixels.size:
            count = min(max(round(share * pixels.size), 1), max(pixels.size - 1, 1))
            training[rng.permutation(pixels)[:count]] = True
    training = training.reshape(labels.shape)
    return training, (labels > 0) & ~training


def _split_by_blocks(
    labels: np.ndarray, share: float, rng: np.random.Generator, block: int, margin: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give blocks to training so that each class comes near its share; leave out what lies near the other part."""
    from scipy.ndimage import minimum_filter  # takes most of a second to import

    rows, columns = labels.shape
    across = -(-columns // block)
    of_pixel = (np.arange(rows) // block)[:, None] * across + np.arange(columns) // block
    classes = labels.max() + 1
    counts = np.zeros((of_pixel.max() + 1, classes))
    np.add.at(counts, (of_pixel, labels), 1)
    counts = counts[:, 1:] / np.maximum(counts[:, 1:].sum(0), 1)  # share of each class that lies in a block
    chosen, reached = np.zeros(len(counts), bool), np.zeros(classes - 1)
    target = np.where(counts.any(0), share, 0)
    for index in rng.permutation(len(counts)):
        if np.square(reached + counts[index] - target).sum() < np.square(reached - target).sum():
            chosen[index] = True
            reached += counts[index]
    ours = chosen[of_pixel]
    # Patches reach `margin` pixels from their centres; centres that far within their own part never share a pixel.
    # Reflection adds nothing: it mirrors pixels that lie within the patch itself.
    box = 2 * margin + 1
    training = minimum_filter(ours, size=box, mode="nearest") & (labels > 0)
    testing = minimum_filter(~ours, size=box, mode="nearest") & (labels > 0)
    return training, testing
