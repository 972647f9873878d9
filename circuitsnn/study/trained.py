"""Trained networks that studies use: the files that come with the package, or networks that are trained anew."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from circuitsnn.data import PixelPatches, Scene, holdings, load, pixel_patches
from circuitsnn.data.patches import Normalisation, Split
from circuitsnn.errors import InputError
from circuitsnn.resources import resource_folder
from circuitsnn.snn.files import load_network
from circuitsnn.snn.network import Network
from circuitsnn.study.context import StudyContext
from circuitsnn.study.definition import StudyParameter
from circuitsnn.train.files import file_stem

if TYPE_CHECKING:
    from circuitsnn.train.recipes import Recipe

__all__ = [
    "TRAINING",
    "advice",
    "at_hand",
    "drawn",
    "nearest_neighbour",
    "preparation",
    "scene_patches",
    "stated_accuracy",
    "trained_networks",
    "training_seed",
]

TRAINING = (
    StudyParameter("train", False, "Whether the networks are trained anew (takes PyTorch and hours)"),
    StudyParameter("networks", "", "Folder of the trained networks; without it the package's, or runs/networks"),
)
"""Parameters of a study that uses trained networks."""

_ANEW = Path("runs", "networks")
_QUICK_EPOCHS = 2
_CHUNK = 1024  # patches at a time


def trained_networks(
    context: StudyContext,
    recipe: str,
    stages: Sequence[str],
    *,
    data: str | None = None,
    split: Split = "random",
) -> dict[str, Network]:
    """Give the networks of a recipe: from files, or trained now where the parameter `train` says so.

    What is trained now is written to the folder `networks`, or to runs/networks; a run that was interrupted goes on
    from there. The quick form trains each for two epochs, in a folder of its own.

    Parameters
    ----------
    context : StudyContext
        The study's; its parameters are those of `TRAINING`.
    recipe : str
        Name of a recipe: "samson-cnn3d".
    stages : sequence of str
        Its stages: "ann", "snn6".
    data : str, optional
        Another data set for the same recipe; its name takes the place of the recipe's own in the files' names.
    split : {"random", "block"}
        Split of a scene's pixels; files of the block split have "-block" in their names.

    Returns
    -------
    dict of str to Network
        By stage; where networks come from files, those without a file are left out.

    Raises
    ------
    InputError
        If a file is damaged, or networks are to be trained without PyTorch.
    """
    name = file_stem(recipe, split, data)
    folder = str(context.parameters["networks"])
    if context.parameters["train"]:
        return _train(context, recipe, stages, data, split, folder)
    place = Path(folder) if folder else resource_folder("studies") / "networks"
    if folder and not place.is_dir():
        raise InputError(f"parameter networks is {folder!r}, which is no folder; allowed is a folder of networks")
    return {
        stage: load_network(place / f"{name}-{stage}") for stage in stages if (place / f"{name}-{stage}.json").is_file()
    }


def advice(study: str, data: str) -> str:
    """Say how to get networks that are missing.

    Parameters
    ----------
    study : str
        Name of the study.
    data : str
        Name of its data set, as a setting: "scene=pavia".

    Returns
    -------
    str
        A command, in words.
    """
    return f"to train: circuitsnn run {study} --train --set {data}"


def _train(
    context: StudyContext,
    recipe_name: str,
    stages: Sequence[str],
    data: str | None,
    split: Split,
    folder: str,
) -> dict[str, Network]:
    if find_spec("torch") is None:
        raise InputError("networks cannot be trained without PyTorch; install it by: pip install circuitsnn[train]")
    from circuitsnn.train.recipes import RECIPES, make

    recipe: Recipe = RECIPES[recipe_name]
    recipe = replace(recipe, name=file_stem(recipe_name, data=data), data=recipe.data if data is None else data)
    known = tuple(stage.name for stage in recipe.stages)
    place = Path(folder) if folder else _ANEW
    made = make(
        recipe,
        place / "quick" if context.quick else place,
        seed=context.seed,
        split=split,
        stages=tuple(stage for stage in stages if stage in known),
        epochs=_QUICK_EPOCHS if context.quick else None,
        progress=_teller(context.progress, file_stem(recipe_name, split, data)),
    )
    return {each.stage.name: each.network for each in made if each.stage.name in stages}


def _teller(progress: Callable[[float, str], None], name: str) -> Callable:
    def tell(stage, how_far) -> None:
        share = (how_far.epoch + how_far.batch / how_far.batches) / how_far.epochs
        progress(min(share, 1.0), f"training {name}-{stage.name}: epoch {how_far.epoch + 1} of {how_far.epochs}")

    return tell


def stated_accuracy(about: Mapping[str, str], key: str = "overall accuracy") -> float | None:
    """Read an accuracy that a network's file states.

    Parameters
    ----------
    about : mapping of str to str
        The network's `about`.
    key : str
        Which: "overall accuracy, scale quantisation".

    Returns
    -------
    float or None
        The accuracy; None if the file does not state it. [1]
    """
    text = about.get(key, "").strip()
    try:
        return float(text.removesuffix("%")) / 100.0 if text.endswith("%") else float(text)
    except ValueError:
        return None


def training_seed(network: Network) -> int:
    """Read the seed of a network's training, which is that of its scene's split, too.

    Parameters
    ----------
    network : Network
        A trained network.

    Returns
    -------
    int
        The seed in its command; 0 without one.
    """
    found = re.search(r"--seed (\d+)", network.about.get("command", ""))
    return int(found[1]) if found else 0


def preparation(network: Network) -> dict[str, Any]:
    """Say how a scene was split and normalised for a network's training.

    Parameters
    ----------
    network : Network
        A trained network.

    Returns
    -------
    dict of str to object
        Arguments for `circuitsnn.data.pixel_patches`.
    """
    return {
        "size": network.input_shape[-1],
        "seed": training_seed(network),
        "split": "block" if "--split block" in network.about.get("command", "") else "random",
        "normalise": network.about.get("normalise", "band"),
    }


def at_hand(name: str) -> str:
    """Say what keeps a data set from being loaded.

    Parameters
    ----------
    name : str
        The data set.

    Returns
    -------
    str
        How to get it; empty if it is there.
    """
    return next(one.advice for one in holdings() if one.name == name)


@lru_cache(maxsize=3)
def scene_patches(name: str, size: int, *, seed: int, split: Split, normalise: Normalisation) -> PixelPatches:
    """Load a scene and split it; the last three are kept.

    Parameters
    ----------
    name : str
        The scene.
    size, seed, split, normalise
        As for `circuitsnn.data.pixel_patches`; 40 % of the pixels are to train.

    Returns
    -------
    PixelPatches
        Its patches.

    Raises
    ------
    InputError
        If it is no scene, its files are not found, or there is no such split or normalisation.
    """
    scene = load(name)
    if not isinstance(scene, Scene):
        raise InputError(f"{name} is no scene; allowed is a hyperspectral scene")
    return pixel_patches(scene, size, seed=seed, split=split, normalise=normalise)


def drawn(count: int, wanted: int, seed: int) -> np.ndarray:
    """Draw some of a number of things, in order.

    Parameters
    ----------
    count : int
        How many there are.
    wanted : int
        How many are drawn; 0 for all.
    seed : int
        Which draw.

    Returns
    -------
    ndarray of int, shape (wanted,)
        Their numbers, ascending.
    """
    if not wanted or wanted >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, count]).choice(count, wanted, replace=False))


def nearest_neighbour(patches: PixelPatches, chosen: np.ndarray, whole: bool) -> float:
    """Classify test pixels by the nearest training pixel.

    Parameters
    ----------
    patches : PixelPatches
        The scene's.
    chosen : ndarray of int
        Numbers of the pixels within the test part.
    whole : bool
        Whether whole patches are compared, which is what a network sees, or the spectra of their centres.

    Returns
    -------
    float
        Overall accuracy. [%]
    """

    def vectors(pixels: np.ndarray) -> np.ndarray:
        cut = patches.patches(pixels)
        middle = patches.size // 2
        return (cut if whole else cut[..., middle, middle]).reshape(len(pixels), -1)

    known = vectors(patches.train_pixels)
    squares = np.einsum("ij,ij->i", known, known)
    right = 0
    for start in range(0, len(chosen), _CHUNK):
        some = chosen[start : start + _CHUNK]
        nearest = (squares - 2.0 * vectors(patches.test_pixels[some]) @ known.T).argmin(axis=1)
        right += int((patches.train_labels[nearest] == patches.test_labels[some]).sum())
    return 100.0 * right / len(chosen)
