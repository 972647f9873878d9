import json
from dataclasses import replace

import numpy as np
import pytest
from scenes import put_networks, small_scene
from sklearn.datasets import load_digits
from typer.testing import CliRunner

from circuitsnn.cli import app
from circuitsnn.data import pixel_patches
from circuitsnn.snn.files import load_network, save_network
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import Dense, Flatten, Relu
from circuitsnn.snn.network import Network

ask = CliRunner().invoke


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """Save a network that compares digits with the mean image of each class."""
    images, labels = load_digits(return_X_y=True)
    means = np.array([images[labels == k].mean(axis=0) for k in range(10)]) / 16.0
    layers = [Flatten("flatten"), Dense("fc", means, -0.5 * (means**2).sum(axis=1))]
    path = tmp_path_factory.mktemp("networks") / "templates"
    save_network(Network((1, 8, 8), layers), path)
    return str(path)


def test_accuracy_of_the_nearest_mean(templates):
    answer = ask(app, ["infer", templates, "--data", "digits", "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.output)
    # The nearest mean, reckoned afresh on the same images, which are every fifth of each class.
    images, labels = load_digits(return_X_y=True)
    means = np.array([images[labels == k].mean(axis=0) for k in range(10)])
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == k)[4::5] for k in range(10)]))
    nearest = ((images[chosen, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert found["samples"] == len(chosen)
    assert found["accuracy"][0] == pytest.approx((nearest == labels[chosen]).mean(), abs=1e-3)
    assert found["layers"][0]["multiplications"] == 640
    assert found["energy_J"]["memory"] > found["energy_J"]["operations"] > 0.0


def test_chips_differ_and_keep_their_accuracies(templates):
    command = ["infer", templates, "--data", "digits", "--samples", "100", "--engine", "fc=crossbar", "--json"]
    few, more = (json.loads(ask(app, [*command, "--chips", n, "--jobs", "1"]).output) for n in ("2", "3"))
    assert more["accuracy"][:2] == few["accuracy"]
    assert min(more["accuracy"]) > 0.5
    assert few["energy_J"]["circuit"] != few["energy_J"]["memory"]


def test_a_scene_is_prepared_as_for_the_training(tmp_path, monkeypatch):
    put_networks(tmp_path, ("snn6",), "samson-cnn3d-block")
    path = tmp_path / "samson-cnn3d-block-snn6"
    network = load_network(path)
    save_network(replace(network, about={**network.about, "normalise": "shape"}), path)
    monkeypatch.setattr("circuitsnn.data.load", lambda name, folder: small_scene())
    answer = ask(app, ["infer", str(path), "--data", "samson", "--json"])
    assert answer.exit_code == 0, answer.output
    patches = pixel_patches(small_scene(), 5, split="block", seed=2, normalise="shape")
    wanted = run(network, patches.patches(patches.test_pixels)).accuracy(patches.test_labels)
    assert json.loads(answer.output)["accuracy"] == pytest.approx(wanted)


def test_table_for_a_person(templates):
    answer = ask(app, ["infer", templates, "--data", "digits", "--engine", "weights=quantised:4", "--samples", "50"])
    assert answer.exit_code == 0, answer.output
    assert "accuracy: " in answer.output
    assert "50 samples" in answer.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "fc"], "LAYER=ENGINE"),
        (["--engine", "fc=abacus"], "allowed: macro, crossbar, quantised"),
        (["--engine", "fc=comparator"], "its engine is Comparator"),
        (["--engine", "conv9=macro"], "there is no layer 'conv9'"),
        (["--engine", "fc=quantised:many"], "1 number"),
        (["--data", "no-such-set"], "there is no data set"),
    ],
)
def test_what_is_wrong_is_said(templates, arguments, message):
    answer = ask(app, ["infer", templates, "--data", "digits", *arguments])
    assert answer.exit_code != 0
    assert message in str(answer.exception)


def test_other_shape_is_refused(templates, tmp_path):
    save_network(Network((3, 4, 4), [Relu("relu")]), tmp_path / "other")
    answer = ask(app, ["infer", str(tmp_path / "other"), "--data", "digits"])
    assert "the network takes (3, 4, 4)" in str(answer.exception)


def test_networks_of_the_package_are_known_by_name():
    answer = ask(app, ["infer", "no-such-network", "--data", "digits"])
    assert "or one of the package: " in str(answer.exception)
    found = json.loads(ask(app, ["infer", "digits-mlp-snn6", "--data", "digits", "--json"]).output)
    assert found["accuracy"][0] > 0.95
