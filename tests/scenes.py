"""A small scene and untrained networks for it, under the names that studies look for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from circuitsnn.data import Holding, Scene
from circuitsnn.snn.architectures import cnn_3d
from circuitsnn.snn.files import save_network
from circuitsnn.study import trained

BANDS = 24


def small_scene(name: str = "samson", bands: int = BANDS) -> Scene:
    """Make a scene of three materials with spectra of their own, and noise."""
    rng = np.random.default_rng(3)
    labels = np.ones((24, 24), int)
    labels[8:, :] = 2
    labels[:, 14:] = 3
    spectra = rng.standard_normal((3, bands)).cumsum(axis=1)
    cube = spectra[labels - 1] + 0.8 * rng.standard_normal((24, 24, bands))
    labels[0] = 0
    return Scene(name, cube.astype(np.float32), labels, ("a", "b", "c"), "made")


def put_scene(patch: pytest.MonkeyPatch, there: bool = True, scene: str = "samson", bands: int = BANDS) -> None:
    """Let studies find the small scene, or no scene at all."""
    names = ("samson", "indian-pines", "pavia", "salinas")
    found = tuple(
        Holding(name, name, "here" if there and name == scene else None,
                "" if there and name == scene else f"put {name}.mat there")
        for name in names
    )  # fmt: skip
    patch.setattr(trained, "holdings", lambda: found)
    patch.setattr(trained, "load", lambda name: small_scene(scene, bands))
    trained.scene_patches.cache_clear()


def put_networks(folder: Path, stages: tuple[str, ...], stem: str = "samson-cnn3d", channels: tuple = (4, 5)) -> None:
    """Write networks with weights from a generator; thresholds are such that neurons spike."""
    split = " --split block" if stem.endswith("-block") else ""
    for number, stage in enumerate(stages):
        rng = np.random.default_rng(number)
        network = cnn_3d(BANDS, 3, channels, rng=rng, spiking=stage != "ann")
        network = network.replace(*(replace(each, threshold=np.float32(0.5)) for each in network.neuron_layers))
        about = {"command": f"circuitsnn train samson-cnn3d --seed 2{split}", "overall accuracy": "50.00%"}
        save_network(replace(network, about=about), folder / f"{stem}-{stage}")
