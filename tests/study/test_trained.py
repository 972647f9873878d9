"""Trained networks for studies: found as files, made anew, quantised."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scenes import BANDS, put_networks, small_scene

from circuitsnn.cli import main
from circuitsnn.data import pixel_patches
from circuitsnn.errors import InputError
from circuitsnn.progress import ignore_progress
from circuitsnn.snn.architectures import cnn_3d, mlp
from circuitsnn.snn.conversion import quantised
from circuitsnn.study import trained
from circuitsnn.study.context import StudyContext
from circuitsnn.train.files import file_stem


def context(quick=True, **parameters):
    parameters = {"train": False, "networks": "", **parameters}
    return StudyContext(parameters, {}, 0, 1, quick, ignore_progress)


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_quantised_weights_are_whole_numbers_of_a_unit(bits):
    network = mlp((9, 7, 3), rng=np.random.default_rng(0))
    for before, after in zip(network.weight_layers, quantised(network, bits).weight_layers, strict=True):
        most = 2 ** (bits - 1) - 1
        unit = np.abs(before.weight).max() / most
        np.testing.assert_allclose(after.weight, np.round(before.weight / unit) * unit, atol=1e-6)
        assert after.weight.dtype == np.float32


def test_no_bits_leave_a_network_alone():
    network = mlp((4, 3), rng=np.random.default_rng(0))
    assert quantised(network, None) is network


@pytest.mark.parametrize(
    ("text", "value"), [("97.5%", 0.975), ("0.5", 0.5), ("", None), ("good", None), (" 100.0000% ", 1.0)]
)
def test_stated_accuracy(text, value):
    found = trained.stated_accuracy({"overall accuracy": text})
    assert found == (None if value is None else pytest.approx(value))


def test_files_that_are_there(tmp_path):
    put_networks(tmp_path, ("ann", "snn6"))
    found = trained.trained_networks(context(networks=str(tmp_path)), "samson-cnn3d", ("ann", "snn6", "snn4"))
    assert list(found) == ["ann", "snn6"]
    assert trained.training_seed(found["ann"]) == 2


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        trained.trained_networks(context(networks=str(tmp_path / "none")), "samson-cnn3d", ("ann",))


def test_names_of_files():
    assert file_stem("samson-cnn3d") == "samson-cnn3d"
    assert file_stem("samson-cnn3d", "block", "pavia") == "pavia-cnn3d-block"


def test_training_without_pytorch(monkeypatch):
    monkeypatch.setattr(trained, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="without PyTorch"):
        trained.trained_networks(context(train=True), "digits-mlp", ("snn6",))


def test_training_anew(tmp_path):
    """Two epochs, in the folder of quick runs; a second call finds the files."""
    told = []
    one = context(train=True, networks=str(tmp_path))
    one = StudyContext(one.parameters, {}, 0, 1, True, lambda share, text: told.append((share, text)))
    found = trained.trained_networks(one, "digits-mlp", ("snn6",))
    assert list(found) == ["snn6"]
    assert found["snn6"].steps == 5
    assert (tmp_path / "quick" / "digits-mlp-snn6.json").is_file()
    assert told[-1][0] == pytest.approx(1.0)
    count = len(told)
    again = trained.trained_networks(one, "digits-mlp", ("snn6",))
    assert len(told) == count
    np.testing.assert_array_equal(again["snn6"]["fc"].weight, found["snn6"]["fc"].weight)


def test_drawn():
    assert list(trained.drawn(4, 0, 0)) == [0, 1, 2, 3]
    assert list(trained.drawn(4, 9, 0)) == [0, 1, 2, 3]
    some = trained.drawn(100, 10, 1)
    assert len(set(some)) == 10
    assert (np.diff(some) > 0).all()
    np.testing.assert_array_equal(some, trained.drawn(100, 10, 1))


@pytest.mark.parametrize(
    ("command", "normalise", "expected"),
    [
        ("train x --seed 2", None, {"seed": 2, "split": "random", "normalise": "band"}),
        ("train x --seed 0 --split block", "shape", {"seed": 0, "split": "block", "normalise": "shape"}),
        ("", "scene", {"seed": 0, "split": "random", "normalise": "scene"}),
    ],
)
def test_a_scene_is_prepared_as_for_the_networks_training(command, normalise, expected):
    about = {"command": command} | ({} if normalise is None else {"normalise": normalise})
    network = replace(cnn_3d(BANDS, 3, (4, 5), rng=np.random.default_rng(0)), about=about)
    found = pixel_patches(small_scene(), **trained.preparation(network))
    wanted = pixel_patches(small_scene(), 5, **expected)
    np.testing.assert_array_equal(found.padded, wanted.padded)
    np.testing.assert_array_equal(found.test_pixels, wanted.test_pixels)


def test_a_normalisation_that_there_is_not():
    network = replace(cnn_3d(BANDS, 3, (4, 5), rng=np.random.default_rng(0)), about={"normalise": "loudness"})
    with pytest.raises(InputError, match="normalise is 'loudness'"):
        pixel_patches(small_scene(), **trained.preparation(network))


def test_nearest_neighbour_by_hand():
    """Two training pixels at -1 and 1; the third test pixel is classed wrongly."""
    values = np.array([[-1.0, 1.0, -0.9, 0.2, -0.3]], np.float32)
    patches = SimpleNamespace(
        size=1, train_pixels=np.array([0, 1]), test_pixels=np.array([2, 3, 4]), train_labels=np.array([0, 1]),
        test_labels=np.array([0, 1, 1]), patches=lambda pixels: values[0, pixels].reshape(-1, 1, 1, 1, 1),
    )  # fmt: skip
    assert trained.nearest_neighbour(patches, np.arange(3), True) == pytest.approx(200 / 3)


def test_train_option_is_for_studies_with_networks(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", "sram_variation", "--train"])
    assert ended.value.code == 2
    assert "trains no networks" in capsys.readouterr().err
