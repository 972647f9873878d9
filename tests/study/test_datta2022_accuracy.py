"""The study of ACE-SNN's accuracy: its machinery on a small scene with untrained networks."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import put_networks, put_scene, small_scene
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score
from sklearn.neighbors import KNeighborsClassifier

from circuitsnn.data import pixel_patches
from circuitsnn.errors import InputError
from circuitsnn.snn.architectures import cnn_32h
from circuitsnn.snn.conversion import quantised
from circuitsnn.snn.files import load_network, save_network
from circuitsnn.snn.inference import run as infer
from circuitsnn.study import load_study, run_study, trained

SMALL = {"sweep": 20, "conversion_steps": "5,8", "bits": "4,6"}


@pytest.fixture
def scene():
    with pytest.MonkeyPatch.context() as patch:
        put_scene(patch)
        yield
        trained.scene_patches.cache_clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("networks")
    put_networks(place, ("ann", "snn", "snn6", "snn5", "snn4", "scratch6"))
    put_networks(place, ("ann", "snn6"), "samson-cnn3d-block")
    return place


@pytest.fixture(scope="module")
def result(folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        put_scene(patch)
        settings = {**SMALL, "networks": str(folder)}
        found = run_study(
            load_study("datta2022_accuracy"), settings=settings, jobs=1, out=tmp_path_factory.mktemp("run")
        )
        trained.scene_patches.cache_clear()
    return found


def claim(result, words):
    (found,) = (each for each in result.claims if words in each.name)
    return found


def plain_network(network, x):
    """The artificial network again, by NumPy's windows."""
    w1, w2, w3 = (layer.weight.astype(float) for layer in network.weight_layers)
    windows = np.lib.stride_tricks.sliding_window_view(x[:, 0].astype(float), (3, 3, 3), axis=(1, 2, 3))
    hidden = np.maximum(np.einsum("nzyxijk,oijk->nozyx", windows, w1[:, 0]), 0.0)
    padded = np.pad(hidden, ((0, 0), (0, 0), (1, 1), (0, 0), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=2)[:, :, ::2]
    hidden = np.maximum(np.einsum("nczyxi,oci->nozyx", windows, w2[..., 0, 0]), 0.0)
    return hidden.reshape(len(x), -1) @ w3.T


def test_accuracies_of_the_artificial_network(result, folder):
    """Against plain NumPy and scikit-learn's figures of merit, on the split of the file's seed."""
    patches = pixel_patches(small_scene(), 5, seed=2)
    network = load_network(folder / "samson-cnn3d-ann")
    predicted = plain_network(network, patches.patches(patches.test_pixels)).argmax(axis=1)
    row = result.tables["results"].query("network == 'ann' and how == ''").iloc[0]
    labels = patches.test_labels
    assert row["pixels"] == len(labels)
    assert row["OA"] == pytest.approx(100 * accuracy_score(labels, predicted), abs=1e-9)
    assert row["AA"] == pytest.approx(100 * balanced_accuracy_score(labels, predicted), abs=1e-9)
    assert row["kappa"] == pytest.approx(100 * cohen_kappa_score(labels, predicted), abs=1e-9)


def test_confusion_counts_every_pixel(result):
    counts = result.tables["confusion"]
    pixels = pixel_patches(small_scene(), 5, seed=2).to_frame().set_index("class")["test"]
    for _, one in counts.groupby("network"):
        assert (one.groupby("class")["pixels"].sum() == pixels).all()


@pytest.mark.parametrize("whole", [True, False])
def test_nearest_neighbour(result, whole):
    patches = pixel_patches(small_scene(), 5, seed=2)
    train, test = (patches.patches(pixels) for pixels in (patches.train_pixels, patches.test_pixels))
    if not whole:
        train, test = train[..., 2:3, 2:3], test[..., 2:3, 2:3]
    known = KNeighborsClassifier(1, algorithm="brute").fit(train.reshape(len(train), -1), patches.train_labels)
    expected = 100 * known.score(test.reshape(len(test), -1), patches.test_labels)
    table = result.tables["nearest_neighbour"].query("split == 'random'").groupby("vector")["OA"]
    assert list(table.get_group("patch" if whole else "pixel")) == pytest.approx([expected] * 2, abs=1e-9)


def test_weight_shift_is_equation_28(result, folder):
    table = result.tables["weight_shift"]
    for bits in (4, 5, 6):
        for layer in load_network(folder / f"samson-cnn3d-snn{bits}").weight_layers:
            high, low = float(layer.weight.max()), float(layer.weight.min())
            row = table.query("bits == @bits and layer == @layer.name").iloc[0]
            assert row["delta"] == pytest.approx(2 * max(high, -low) - (high - low), rel=1e-5)
            assert row["extra_error"] == pytest.approx(row["delta"] / (2 * 2**bits))


def test_the_papers_tables_against_one_another(result):
    assert claim(result, "Tables 6 and 2, hybrid").holds
    assert claim(result, "Tables 6 and 2, conversion").holds
    assert claim(result, "Tables 5 and 2").ours == pytest.approx(0.45)
    assert not claim(result, "Tables 3 and 2").holds


def test_own_requirements_are_not_the_papers(result):
    for one in result.claims:
        assert (one.paper is None) == (not one.name.startswith(("Tables", "indian-pines", "pavia", "salinas")))


def test_claims_of_other_scenes_do_not_hold(result):
    others = [one for one in result.claims if one.name.startswith(("indian-pines", "pavia", "salinas"))]
    assert len(others) == 6
    assert not any(one.holds for one in others)
    assert all(one.ours == "not measured" for one in others)
    assert "put pavia.mat there" in claim(result, "pavia").remark


def test_cnn_32h_on_a_scene_of_the_papers(tmp_path):
    """Beside the paper's numbers for that network; the bits that suffice are found anew here."""
    bands, every = 18 + 7 * 8, (2, 3, 5, 8)
    for number, stage in enumerate(("ann", "snn", "snn6", "scratch6")):
        rng = np.random.default_rng(number)
        network = cnn_32h(bands, 3, (12, 4, 5, 6), rng=rng, spiking=stage != "ann")
        network = network.replace(*(replace(each, threshold=np.float32(0.3)) for each in network.neuron_layers))
        save_network(replace(network, about={"command": "--seed 2"}), tmp_path / f"indian-pines-cnn32h-{stage}")
    with pytest.MonkeyPatch.context() as patch:
        put_scene(patch, scene="indian-pines", bands=bands)
        settings = {"scene": "indian-pines", "architecture": "cnn32h", "networks": str(tmp_path), "bits": "2,3,5,8",
                    "sweep": 100, "conversion_steps": "5"}  # fmt: skip
        result = run_study(load_study("datta2022_accuracy"), settings=settings, jobs=1, out=tmp_path / "run")
        trained.scene_patches.cache_clear()
    rows = result.tables["results"].query("how == ''").set_index("network")
    assert rows.loc["snn6", ["paper_OA", "paper_AA", "paper_kappa"]].tolist() == [97.45, 96.73, 96.89]
    assert rows.loc["scratch6", "paper_OA"] == 95.93
    gain = claim(result, "hybrid training above training from scratch")
    assert (gain.paper, gain.ours) == (1.53, pytest.approx(rows["OA"]["snn6"] - rows["OA"]["scratch6"]))
    patches = pixel_patches(small_scene("indian-pines", bands), 3, seed=2)
    chosen = trained.drawn(len(patches.test_labels), 100, 2)
    network = load_network(tmp_path / "indian-pines-cnn32h-snn")
    samples, labels = patches.patches(patches.test_pixels[chosen]), patches.test_labels[chosen]
    wrong = {
        bits: int((infer(quantised(network, bits), samples).predictions[0] != labels).sum()) for bits in (None, *every)
    }
    enough = [bits for bits in every if all(wrong[more] - wrong[None] < 1 for more in every if more >= bits)]
    assert claim(result, "bits after training").ours == min(enough)
    assert not [one for one in result.claims if "layer 3" in one.name or "Tables 5" in one.name]
    assert "architecture=cnn32h" in claim(result, "pavia").remark


def test_activity_is_at_most_the_steps(result):
    table = result.tables["activity"]
    assert table["activity"].between(0.0, 5.0).all()
    assert table["activity"].max() > 0.0


def test_sweeps_and_figures(result):
    table = result.tables["sweeps"].groupby("sweep")["value"].apply(list)
    assert table["steps of the conversion"] == [5, 8]
    assert table["bits after training"] == [4, 6]
    names = {path.stem for path in result.figures}
    assert names == {"accuracy", "activity", "confusion", "sweeps", "weight_shift"}
    assert "block" in set(result.tables["results"]["how"])


def test_without_the_scene(folder, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        put_scene(patch, there=False)
        found = run_study(load_study("datta2022_accuracy"), settings={"networks": str(folder)}, out=tmp_path / "run")
    assert claim(found, "samson: accuracy").remark == "put samson.mat there"
    assert not found.holds
    assert len(found.tables["weight_shift"]) == 9
    assert claim(found, "Tables 6 and 2, hybrid").holds


def test_without_networks(scene, tmp_path):
    settings = {"networks": str(tmp_path)}
    found = run_study(load_study("datta2022_accuracy"), settings=settings, out=tmp_path / "run")
    assert "--train --set scene=samson" in claim(found, "samson: accuracy").remark


def test_to_train_takes_the_scene(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        put_scene(patch, there=False)
        with pytest.raises(InputError, match=r"'pavia' are not found; put pavia\.mat there"):
            run_study(
                load_study("datta2022_accuracy"), settings={"scene": "pavia", "train": True}, out=tmp_path / "run"
            )
