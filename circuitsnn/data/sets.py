"""What a data set is: labelled images, or a hyperspectral scene."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ImageSet", "Scene"]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images for training and for testing.

    Parameters
    ----------
    name : str
        Name of the data set.
    train_images, test_images : ndarray of float32, shape (images, channels, rows, columns)
        The images; black is 0 and white 1. [1]
    train_labels, test_labels : ndarray of int64, shape (images,)
        Class of each image, from 0 on.
    class_names : tuple of str
        Names of the classes.
    source : str
        Where the data came from.

    Raises
    ------
    InputError
        If shapes do not fit, a pixel lies outside 0 to 1 or a label has no class.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        classes = len(self.class_names)
        for part in ("train", "test"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            where = f"{self.source}: the {part} part of {self.name}"
            if images.ndim != 4 or labels.shape != images.shape[:1] or not images.size:
                raise InputError(
                    f"{where} has images of shape {images.shape} and labels of shape {labels.shape}; allowed is "
                    "(images, channels, rows, columns) and one label an image"
                )
            if not (images.min() >= 0 and images.max() <= 1):  # NaN fails, too
                raise InputError(f"{where} has pixels from {images.min():g} to {images.max():g}; allowed is 0 to 1")
            if labels.min() < 0 or labels.max() >= classes:
                raise InputError(
                    f"{where} has labels from {labels.min()} to {labels.max()}; allowed is 0 to {classes - 1}"
                )
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            raise InputError(
                f"{self.source}: {self.name} has training images of shape {self.train_images.shape[1:]} and test "
                f"images of shape {self.test_images.shape[1:]}; they must be the same"
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        return self.train_images.shape[1:]

    def to_frame(self) -> "DataFrame":
        """Count the images of each class.

        Returns
        -------
        DataFrame
            Columns `class`, `train` and `test`.
        """
        import pandas as pd

        counts = [
            np.bincount(labels, minlength=len(self.class_names)) for labels in (self.train_labels, self.test_labels)
        ]
        return pd.DataFrame({"class": self.class_names, "train": counts[0], "test": counts[1]})


@dataclass(frozen=True, eq=False)
class Scene:
    """A hyperspectral scene with the class of its pixels.

    Parameters
    ----------
    name : str
        Name of the scene.
    cube : ndarray of float32, shape (rows, columns, bands)
        Reflectance or radiance, in the file's own units. [file]
    labels : ndarray of int64, shape (rows, columns)
        Class of each pixel, from 1 on; 0 means unlabelled.
    class_names : tuple of str
        Names of the classes; label k has the name k - 1.
    source : str
        Where the data came from.

    Raises
    ------
    InputError
        If shapes do not fit, a value is not finite or a label has no class.
    """

    name: str
    cube: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        cube, labels, classes = self.cube, self.labels, len(self.class_names)
        if cube.ndim != 3 or labels.shape != cube.shape[:2] or not cube.size:
            raise InputError(
                f"{self.source}: {self.name} has a cube of shape {cube.shape} and labels of shape {labels.shape}; "
                "allowed is (rows, columns, bands) and (rows, columns)"
            )
        if not np.isfinite(cube).all():
            raise InputError(
                f"{self.source}: the cube of {self.name} holds NaN or infinity; allowed are finite numbers"
            )
        if labels.min() < 0 or labels.max() > classes:
            raise InputError(
                f"{self.source}: {self.name} has labels from {labels.min()} to {labels.max()}; allowed is 0 for "
                f"unlabelled and 1 to {classes}"
            )
        if not labels.any():
            raise InputError(f"{self.source}: {self.name} has no labelled pixel; some must have a label above 0")

    def to_frame(self) -> "DataFrame":
        """Count the pixels of each class.

        Returns
        -------
        DataFrame
            Columns `class` and `pixels`.
        """
        import pandas as pd

        counts = np.bincount(self.labels.ravel(), minlength=len(self.class_names) + 1)
        return pd.DataFrame({"class": self.class_names, "pixels": counts[1:]})
