# ruff: noqa: E402
"""Q-STDB and the recipes, on digits and on generated patches."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scenes import small_scene

torch = pytest.importorskip("torch")

from circuitsnn.data import pixel_patches
from circuitsnn.errors import InputError
from circuitsnn.resources import resource_folder
from circuitsnn.snn.conversion import quantised
from circuitsnn.snn.files import load_network
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import Dense, Neuron
from circuitsnn.snn.network import Network
from circuitsnn.train import qstdb
from circuitsnn.train.quantise import FakeQuantise
from circuitsnn.train.recipes import RECIPES, Samples, make, samples_of, turn_patches
from circuitsnn.train.surrogate import Triangle

DIGITS = RECIPES["digits-mlp"]


def patches():
    """Spectra of three classes with noise, in patches of 5x5."""
    rng = np.random.default_rng(0)
    spectra, labels = rng.normal(size=(3, 13)), rng.integers(0, 3, 30)
    x = spectra[labels][:, None, :, None, None] + 0.5 * rng.normal(size=(30, 1, 13, 5, 5))
    x = x.astype(np.float32)
    return Samples(x[:20], labels[:20], x[20:], labels[20:], 3, "generated patches")


def test_the_papers_numbers():
    assert (qstdb.ANN.optimiser, qstdb.ANN.epochs, qstdb.ANN.rate(0), qstdb.ANN.rate(95)) == (
        "sgd", 100, 0.01, pytest.approx(1e-5))  # fmt: skip
    assert (qstdb.SNN.optimiser, qstdb.SNN.epochs, qstdb.SNN.rate(0), qstdb.SNN.rate(95)) == (
        "adam", 100, 1e-4, pytest.approx(1.25e-5))  # fmt: skip
    module = qstdb.module(Network((2,), (Dense("fc1", np.eye(2)), Neuron("neuron1"), Dense("fc", np.eye(2))), 5))
    assert module.settings["surrogate"] == Triangle(0.3)
    assert qstdb.module(module.network, gamma=1.0).settings["surrogate"] == Triangle(1.0)
    assert module.quantisers == {"fc1": FakeQuantise(6, "affine"), "fc": FakeQuantise(6, "affine")}


@pytest.mark.parametrize("scheme", ["scale", "affine"])
def test_deployed_weights_are_those_of_the_forward_pass(scheme):
    weight = np.random.default_rng(1).normal(0.2, 1.0, (9, 30)).astype(np.float32)
    network = Network((30,), (Dense("fc", weight),), 5)
    deployed = quantised(network, 4, scheme)["fc"].weight
    assert deployed.dtype == np.float32
    assert len(np.unique(deployed)) <= 16
    x = torch.tensor(np.random.default_rng(2).random((6, 30)), dtype=torch.float32)
    found = qstdb.module(network, 4, scheme)(x).detach().numpy()
    np.testing.assert_allclose(found, 5 * x.numpy() @ deployed.T, rtol=1e-4, atol=1e-4)


def test_digits(tmp_path):
    made = make(DIGITS, tmp_path, epochs=10)
    assert [one.path.name for one in made] == [
        "digits-mlp-ann.json", "digits-mlp-converted.json", "digits-mlp-snn6.json"
    ]  # fmt: skip
    ann, converted, snn = (load_network(one.path) for one in made)
    assert not ann.neuron_layers
    assert converted.steps == snn.steps == 5
    samples = samples_of(DIGITS)
    for network in (ann, converted):
        accuracy = float(run(network, samples.test).accuracy(samples.test_labels)[0])
        assert network.about["overall accuracy"] == f"{accuracy:.4%}"
    accuracy = float(run(quantised(snn, 6), samples.test).accuracy(samples.test_labels)[0])
    assert snn.about["overall accuracy, scale quantisation"] == f"{accuracy:.4%}"
    assert accuracy > 0.9
    assert accuracy > float(converted.about["overall accuracy"][:-1]) / 100 - 0.03
    assert snn.about["command"] == "circuitsnn train digits-mlp --stage snn6 --seed 0"
    # Files that are there are not made again, and those of another run are not taken for one's own.
    assert not any(one.new for one in make(DIGITS, tmp_path, epochs=10))
    with pytest.raises(InputError, match="was made by another run"):
        make(DIGITS, tmp_path, epochs=10, seed=1)
    assert sorted(each.suffix for each in tmp_path.iterdir()) == [".json"] * 3 + [".safetensors"] * 3


def test_interrupted_recipes_go_on(tmp_path):
    whole = make(DIGITS, tmp_path / "whole", epochs=3, stages=("snn6",))

    def interrupt(stage, told):
        if (stage.name, told.epoch, told.batch) == ("snn6", 2, 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(DIGITS, tmp_path / "parts", epochs=3, progress=interrupt)
    epochs = []
    again = make(DIGITS, tmp_path / "parts", epochs=3, progress=lambda stage, told: epochs.append(told.epoch))
    assert set(epochs) == {2}
    assert [one.new for one in again] == [False, False, True]
    for layer, wanted in zip(again[-1].network.layers, whole[-1].network.layers, strict=True):
        for name, value in vars(wanted).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(getattr(layer, name), value)


def test_stages_of_cnn_3d(tmp_path):
    made = make(RECIPES["samson-cnn3d"], tmp_path, epochs=1, samples=patches(), stages=("snn6", "scratch6"))
    assert [one.stage.name for one in made] == ["ann", "lowered", "snn6", "scratch6"]
    for one in made:
        assert bool(one.network.neuron_layers) == one.stage.spiking
        assert one.network.about["data"] == "generated patches"
    by_name = {one.stage.name: one.network for one in made}
    ann, lowered = by_name["ann"], by_name["lowered"]
    assert all(np.array_equal(layer.weight, lowered[layer.name].weight) for layer in ann.weight_layers)


@pytest.mark.parametrize("normalise", ["band", "shape"])
def test_a_scenes_normalisation_is_told(tmp_path, monkeypatch, normalise):
    """In the file, where studies and the command line read it, and in what a run follows from."""
    monkeypatch.setattr("circuitsnn.train.recipes.load", lambda name, folder: small_scene())
    recipe = replace(RECIPES["samson-cnn3d"], normalise=normalise)
    (ann,) = make(recipe, tmp_path, epochs=1, stages=("ann",), seed=1)
    assert ann.network.about["normalise"] == normalise
    assert ("divided by its length" in ann.network.about["run"]) == (normalise == "shape")
    parts = pixel_patches(small_scene(), 5, seed=1, normalise=normalise)
    samples = samples_of(recipe, seed=1)
    np.testing.assert_array_equal(samples.test, parts.patches(parts.test_pixels))
    accuracy = run(ann.network, samples.test).accuracy(parts.test_labels)[0]
    assert ann.network.about["overall accuracy"] == f"{accuracy:.4%}"


def test_patches_are_turned_into_all_eight_positions():
    patches = np.broadcast_to(np.arange(50.0).reshape(1, 1, 2, 5, 5), (400, 1, 2, 5, 5))
    turned = turn_patches(patches, np.random.default_rng(0))
    one = patches[0, 0]
    quarter_turns = [np.rot90(one, k, axes=(1, 2)) for k in range(4)]
    positions = {each.tobytes() for each in quarter_turns + [each[:, :, ::-1] for each in quarter_turns]}
    assert {each.tobytes() for each in turned[:, 0]} == positions
    assert patches[0, 0, 0, 0, 1] == 1.0


def test_the_package_carries_the_networks_that_are_kept():
    place = resource_folder("studies") / "networks"
    kept = {f"{recipe.name}-{stage.name}" for recipe in RECIPES.values() for stage in recipe.stages if stage.kept}
    block = {"samson-cnn3d-block-ann", "samson-cnn3d-block-snn6"}
    assert {path.stem for path in place.iterdir()} == kept | block
    for name in kept | block:
        recipe, _, stage = name.rpartition("-")
        command = load_network(place / name).about["command"]
        assert f"circuitsnn train {recipe.removesuffix('-block')} --stage {stage} --seed" in command
        assert command.endswith(" --split block") == (name in block)


def test_files_of_the_block_split_have_its_name(tmp_path):
    (made,) = make(RECIPES["samson-cnn3d"], tmp_path, epochs=1, samples=patches(), split="block", stages=("ann",))
    assert made.path.name == "samson-cnn3d-block-ann.json"
    assert made.network.about["command"] == "circuitsnn train samson-cnn3d --stage ann --seed 0 --split block"
    with pytest.raises(InputError, match="split"):
        make(RECIPES["samson-cnn3d"], tmp_path, samples=patches(), split="odd", stages=("ann",))


def test_cnn_32h(tmp_path):
    few = patches()
    many = [np.tile(each[..., 1:4, 1:4], (1, 1, 6, 1, 1)) for each in (few.train, few.test)]
    few = few._replace(train=many[0], test=many[1])
    made = make(RECIPES["samson-cnn32h"], tmp_path, epochs=1, samples=few, stages=("snn4",))
    assert [one.stage.name for one in made] == ["ann", "lowered", "base", "snn4"]
    assert made[0].network.input_shape == (1, 78, 3, 3)
    assert "dropout 0.2 before dense4" in made[-1].network.about["run"]


def test_the_pages_programs_run(tmp_path, monkeypatch, capsys):
    text = (Path(__file__).parents[2] / "docs" / "train.md").read_text(encoding="utf-8")
    shipped, own = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert len([line for line in own.splitlines() if line]) <= 20
    monkeypatch.chdir(tmp_path)
    exec(compile(own, "docs/train.md", "exec"), {})
    assert "validation" in capsys.readouterr().out
    assert load_network("my_network").about["title"] == "my network"
    exec(compile(shipped, "docs/train.md", "exec"), {})
    assert "64-100-10 on digits: spiking network, 6 bits" in capsys.readouterr().out


def test_wrong_arguments(tmp_path):
    with pytest.raises(InputError, match="recipe digits-mlp has no stage 'snn9'; allowed: ann, converted, snn6"):
        make(DIGITS, tmp_path, stages=("snn9",))
    with pytest.raises(InputError, match="epochs is 0"):
        make(DIGITS, tmp_path, epochs=0)
    with pytest.raises(InputError, match="scheme is 'log'"):
        quantised(Network((2,), (Dense("fc", np.eye(2)),)), 6, "log")
