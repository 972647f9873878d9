"""Recipes of the networks whose trained files come with the package, in studies/networks.

A recipe is a chain of stages; each stage makes one file, NAME-STAGE.json with its .safetensors (NAME-block-STAGE of the
block split), from fresh weights or from an earlier stage. A run that was interrupted goes on where it was: finished
stages are there as files, and the stage at work has a checkpoint.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from circuitsnn.checks import check_word, whole_number
from circuitsnn.data import load, pixel_patches
from circuitsnn.data.patches import Normalisation, Split
from circuitsnn.data.sets import Scene
from circuitsnn.errors import InputError
from circuitsnn.snn import architectures
from circuitsnn.snn.conversion import quantised, spiking
from circuitsnn.snn.engines.macro import OnMacro
from circuitsnn.snn.files import load_network, save_network
from circuitsnn.snn.inference import run as infer
from circuitsnn.snn.metrics import score
from circuitsnn.snn.network import Network
from circuitsnn.train import qstdb
from circuitsnn.train.files import file_stem
from circuitsnn.train.fit import Progress, Training, fit
from circuitsnn.train.module import build
from circuitsnn.train.noise_aware import perturbations
from circuitsnn.train.quantise import Scheme

__all__ = ["RECIPES", "Made", "Recipe", "Samples", "Stage", "make", "samples_of", "turn_patches"]

_SPLITS = {"random": "", "block": " --split block"}
_NORMALISED = {
    "band": "every band with mean 0 and variance 1",
    "scene": "all bands together with mean 0 and variance 1",
    "shape": "every spectrum divided by its length, then every band with mean 0 and variance 1",
    "none": "as they are",
}
_MACRO = OnMacro(significance="digital", rows_on=None, swing=None)
_CALIBRATION = 50  # samples for the thresholds, as section 6.3 of Datta et al. (2022)


class Samples(NamedTuple):
    """Samples to train and to test with."""

    train: np.ndarray
    """Samples, shape (n, *input_shape)."""
    train_labels: np.ndarray
    """Their classes, shape (n,)."""
    test: np.ndarray
    """Samples, shape (n, *input_shape)."""
    test_labels: np.ndarray
    """Their classes, shape (n,)."""
    classes: int
    """Number of classes."""
    about: str
    """What they are."""
    normalise: Normalisation | None = None
    """How a scene was normalised; None for images."""


@dataclass(frozen=True)
class Stage:
    """One network of a recipe."""

    name: str
    """Name, the end of the file's name."""
    title: str
    """What it is."""
    training: Training | None
    """How it is trained; None for a conversion alone."""
    start: str | None = None
    """Stage whose network it starts from (an artificial one is converted); fresh weights without it."""
    spiking: bool = True
    """Whether it spikes."""
    bits: int | None = None
    """Bits of a weight in training and inference; full precision without."""
    scheme: Scheme = "affine"
    """Quantisation in training; that of inference is by scale."""
    dropout: Mapping[str, float] | None = None
    """Dropout in training, by layer."""
    macros: tuple[str, ...] = ()
    """Layers that suffer in training what macros of the default card do."""
    threshold_scale: float = 0.8
    """What thresholds are multiplied by in a conversion; the paper's by default. [-]"""
    gamma: float = 0.3
    """Height of the surrogate's triangle; the paper's by default. [-]"""
    bfloat16: bool = False
    """Whether layers multiply in bfloat16 in training; see `circuitsnn.train.module.build`."""
    kept: bool = True
    """Whether the package carries the file."""


@dataclass(frozen=True)
class Recipe:
    """A chain of stages on one data set."""

    name: str
    """Name."""
    title: str
    """What it is."""
    data: str
    """Name of the data set, for `circuitsnn.data.load`."""
    architecture: Callable[[Samples, np.random.Generator, bool, int], Network]
    """Gives a network with fresh weights for samples, a generator, whether it spikes, and its time steps."""
    stages: tuple[Stage, ...]
    """Stages, each after the one that it starts from."""
    steps: int = 5
    """Time steps of the spiking networks."""
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None
    """What changes samples in training, if anything."""
    patch: int = 5
    """Rows and columns of a patch, of a hyperspectral scene. [pixel]"""
    normalise: Normalisation = "band"
    """How a hyperspectral scene is normalised; see `circuitsnn.data.pixel_patches`."""


class Made(NamedTuple):
    """A network that a recipe made."""

    stage: Stage
    """The stage."""
    network: Network
    """The network; what was measured is in its `about`."""
    path: Path
    """Its description's file."""
    new: bool
    """Whether it was made now, or found as a file."""


def turn_patches(patches: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirror and turn patches at random: the class of the pixel in the middle stays.

    Parameters
    ----------
    patches : ndarray, shape (n, 1, bands, size, size)
        Patches.
    rng : numpy.random.Generator
        Source.

    Returns
    -------
    ndarray, shape (n, 1, bands, size, size)
        Each in one of its eight positions.
    """
    turned = np.array(patches)
    rows, columns, both = rng.random((3, len(patches))) < 0.5
    turned[rows] = turned[rows, ..., ::-1, :]
    turned[columns] = turned[columns, ..., ::-1]
    turned[both] = turned[both].swapaxes(-1, -2)
    return turned


def _perceptron(samples: Samples, rng: np.random.Generator, spiking: bool, steps: int) -> Network:
    hidden = 500 if samples.train[0].size >= 784 else 100
    return architectures.mlp((samples.train.shape[1:], hidden, samples.classes), rng=rng, spiking=spiking, steps=steps)


def _cnn_3d(samples: Samples, rng: np.random.Generator, spiking: bool, steps: int) -> Network:
    bands, patch = samples.train.shape[2:4]
    return architectures.cnn_3d(bands, samples.classes, patch=patch, rng=rng, spiking=spiking, steps=steps)


def _cnn_32h(samples: Samples, rng: np.random.Generator, spiking: bool, steps: int) -> Network:
    return architectures.cnn_32h(samples.train.shape[2], samples.classes, rng=rng, spiking=spiking, steps=steps)


def _perceptron_stages(epochs: int, batch: int, dropout: Mapping[str, float]) -> tuple[Stage, ...]:
    ann = replace(qstdb.ANN, optimiser="adam", learning_rate=1e-3, epochs=epochs, batch=batch)
    snn = replace(qstdb.SNN, learning_rate=5e-4, epochs=epochs, batch=batch)
    return (
        Stage("ann", "artificial network", ann, spiking=False, dropout=dropout, kept=False),
        Stage("converted", "artificial network converted to a spiking one", None, "ann", kept=False),
        Stage("snn6", "spiking network, 6 bits", snn, "converted", bits=6, dropout=dropout),
    )


# Adam in place of SGD for the artificial network, ten times the paper's rate for the spiking ones: fewer epochs do.
_ANN = replace(qstdb.ANN, optimiser="adam", learning_rate=1e-3, epochs=50, batch=30)
_SNN = replace(qstdb.SNN, learning_rate=1e-3, decay=0.3, milestones=(0.5, 0.75, 0.9), epochs=32, batch=30)

# CNN-32H has 36 times the weights and takes five times as long: fewer epochs, most of them once for all numbers of
# bits, and no ablations.
_ANN_32H = replace(_ANN, learning_rate=5e-4, epochs=24)
_BASE_32H = replace(_SNN, learning_rate=5e-4, epochs=8)
_SNN_32H = replace(_SNN, learning_rate=1.5e-4, epochs=2)


def _spiking(name: str, title: str, training: Training, start: str | None, **settings: Any) -> Stage:
    """Give a spiking stage of a scene's network: the surrogate has height 1, products are rounded to bfloat16."""
    return Stage(name, title, training, start, gamma=1.0, bfloat16=True, **settings)


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "digits-mlp",
            "64-100-10 on digits",
            "digits",
            _perceptron,
            _perceptron_stages(60, 60, {"dense1": 0.1, "fc": 0.2}),
        ),
        Recipe(
            "mnist-mlp",
            "784-500-10 on MNIST",
            "mnist",
            _perceptron,
            _perceptron_stages(20, 100, {"dense1": 0.2, "fc": 0.3}),
        ),
        Recipe(
            "fashion-mlp",
            "784-500-10 on Fashion-MNIST",
            "fashion-mnist",
            _perceptron,
            _perceptron_stages(20, 100, {"dense1": 0.1, "fc": 0.3}),
        ),
        Recipe(
            "samson-cnn3d",
            "CNN-3D of Datta et al. (2022), Table 1, on Samson",
            "samson",
            _cnn_3d,
            (
                Stage("ann", "artificial network", _ANN, spiking=False),
                Stage("converted", "artificial network converted to a spiking one", None, "ann"),
                # At the paper's 0.8 fewer of Samson's neurons spike in five steps (91.1 % correct); at 0.35 training
                # has less to mend (96.0 %).
                Stage("lowered", "artificial network converted with lower thresholds", None, "ann",
                      threshold_scale=0.35, kept=False),
                _spiking("snn", "spiking network, full precision", _SNN, "lowered"),
                _spiking("snn6", "spiking network, 6 bits", _SNN, "lowered", bits=6),
                _spiking("snn5", "spiking network, 5 bits", _SNN, "lowered", bits=5),
                _spiking("snn4", "spiking network, 4 bits", _SNN, "lowered", bits=4),
                _spiking("scale6", "spiking network trained with scale quantisation, 6 bits", _SNN, "lowered", bits=6,
                         scheme="scale"),
                _spiking("noise6", "spiking network trained with the noise of macros in the first layer, 6 bits", _SNN,
                         "lowered", bits=6, macros=("conv1",)),
                _spiking("scratch6", "spiking network from scratch, 6 bits", _SNN, None, bits=6),
            ),
            augment=turn_patches,
            normalise="shape",
        ),
        Recipe(
            "samson-cnn32h",
            "CNN-32H of Datta et al. (2022), Table 1, on Samson",
            "samson",
            _cnn_32h,
            tuple(
                replace(stage, dropout=stage.training and {"dense4": 0.2}, kept=False)  # 22 MB each
                for stage in (
                    Stage("ann", "artificial network", _ANN_32H, spiking=False, bfloat16=True),
                    Stage("converted", "artificial network converted to a spiking one", None, "ann"),
                    Stage("lowered", "artificial network converted with lower thresholds", None, "ann",
                          threshold_scale=0.35),
                    _spiking("base", "spiking network that the others start from", _BASE_32H, "lowered"),
                    _spiking("snn", "spiking network, full precision", _SNN_32H, "base"),
                    _spiking("snn6", "spiking network, 6 bits", _SNN_32H, "base", bits=6),
                    _spiking("snn5", "spiking network, 5 bits", _SNN_32H, "base", bits=5),
                    _spiking("snn4", "spiking network, 4 bits", _SNN_32H, "base", bits=4),
                )
            ),
            augment=turn_patches,
            patch=3,
            normalise="shape",
        ),
    )
}  # fmt: skip
"""Recipes by name."""


def samples_of(recipe: Recipe, *, seed: int = 0, split: Split = "random", folder: str | Path | None = None) -> Samples:
    """Load the samples of a recipe.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    seed : int
        Seed of a scene's split.
    split : {"random", "block"}
        Split of a scene's pixels; images have a split of their own.
    folder : path-like, optional
        Where the data set's files are; see `circuitsnn.data.load`.

    Returns
    -------
    Samples
        The samples.

    Raises
    ------
    InputError
        If the files are not found.
    """
    found = load(recipe.data, folder=folder)
    if isinstance(found, Scene):
        parts = pixel_patches(found, recipe.patch, seed=seed, split=split, normalise=recipe.normalise)
        train, test = (parts.patches(pixels) for pixels in (parts.train_pixels, parts.test_pixels))
        about = (
            f"{found.name}, {len(train)} pixels to train and {len(test)} to test ({split} split, seed {seed}), patches "
            f"of {recipe.patch}x{recipe.patch}, {_NORMALISED[recipe.normalise]}"
        )
        classes = len(found.class_names)
        return Samples(train, parts.train_labels, test, parts.test_labels, classes, about, recipe.normalise)
    about = f"{found.name}, {len(found.train_images)} images to train and {len(found.test_images)} to test"
    return Samples(
        found.train_images, found.train_labels, found.test_images, found.test_labels, len(found.class_names), about
    )


def make(
    recipe: Recipe,
    folder: str | Path,
    *,
    seed: int = 0,
    split: Split = "random",
    stages: tuple[str, ...] | None = None,
    epochs: int | None = None,
    data: str | Path | None = None,
    samples: Samples | None = None,
    device: str = "cpu",
    progress: Callable[[Stage, Progress], None] | None = None,
    made: Callable[[Made], None] | None = None,
) -> tuple[Made, ...]:
    """Make the networks of a recipe.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    folder : path-like
        Where the files are written, and looked for: a stage whose file is there is not made again.
    seed : int
        Seed of the weights, the training and a scene's split.
    split : {"random", "block"}
        Split of a scene's pixels; files of the block split have "-block" in their names.
    stages : tuple of str, optional
        Stages to make, with those that they start from; all without it.
    epochs : int, optional
        Epochs of every stage, in place of the recipe's.
    data : path-like, optional
        Where the data set's files are.
    samples : Samples, optional
        Samples in place of those of the recipe's data set.
    device : str
        Device of PyTorch's.
    progress : callable, optional
        Called after each batch.
    made : callable, optional
        Called with each network.

    Returns
    -------
    tuple of Made
        The networks, in the order of the recipe.

    Raises
    ------
    InputError
        If an argument is not possible, or a file in the folder is of another run.
    """
    folder, seed = Path(folder), whole_number("seed", seed, 0)
    check_word("split", split, Split)
    wanted = _with_starts(recipe, stages)
    if epochs is not None:
        epochs = whole_number("epochs", epochs, 1)
        wanted = tuple(
            replace(stage, training=stage.training and replace(stage.training, epochs=epochs)) for stage in wanted
        )
    if samples is None:
        samples = samples_of(recipe, seed=seed, split=split, folder=data)
    folder.mkdir(parents=True, exist_ok=True)
    networks: dict[str, Network] = {}
    results = []
    for stage in wanted:
        path = folder / f"{file_stem(recipe.name, split)}-{stage.name}.json"
        run = _run_of(recipe, stage, seed, samples)
        if path.exists():
            network, new = load_network(path), False
            if network.about.get("run") != run:
                raise InputError(f"{path} was made by another run ({network.about.get('run')}); delete it, or choose "
                                 "another folder")  # fmt: skip
        else:
            network = _make_stage(recipe, stage, networks, samples, seed, split, device, path, progress)
            new = True
            network = replace(network, about={**network.about, "run": run})
            save_network(network, path)
            _checkpoint(path).unlink(missing_ok=True)
        networks[stage.name] = network
        results.append(Made(stage, network, path, new))
        if made is not None:
            made(results[-1])
    return tuple(results)


def _with_starts(recipe: Recipe, names: tuple[str, ...] | None) -> tuple[Stage, ...]:
    """Stages of those names, and all that they start from."""
    by_name = {stage.name: stage for stage in recipe.stages}
    wanted = set()
    for name in by_name if names is None else names:
        if name not in by_name:
            raise InputError(f"recipe {recipe.name} has no stage {name!r}; allowed: {', '.join(by_name)}")
        while name is not None:
            wanted.add(name)
            name = by_name[name].start
    return tuple(stage for stage in recipe.stages if stage.name in wanted)


def _run_of(recipe: Recipe, stage: Stage, seed: int, samples: Samples) -> str:
    """Say in one line what a stage's numbers follow from."""
    settings = {} if stage.training is None else asdict(stage.training)
    told = ", ".join(f"{key} {value}" for key, value in settings.items())
    start = "fresh weights" if stage.start is None else f"start {stage.start}"
    scaled = "" if stage.threshold_scale == 0.8 else f"thresholds times {stage.threshold_scale:g}"
    surrogate = "" if stage.gamma == 0.3 else f"gamma {stage.gamma:g}"
    bits = "full precision" if stage.bits is None else f"{stage.bits} bits {stage.scheme}"
    dropout = ", ".join(f"dropout {share} before {name}" for name, share in (stage.dropout or {}).items())
    macros = f"noise of macros in {', '.join(stage.macros)}" if stage.macros else ""
    rounded = "products in bfloat16" if stage.bfloat16 else ""
    augmented = f"samples changed by {recipe.augment.__name__}" if recipe.augment is not None else ""
    parts = (samples.about, f"seed {seed}", start, scaled, bits, told, surrogate, dropout, macros, augmented, rounded)
    return "; ".join(part for part in parts if part)


def _make_stage(
    recipe: Recipe,
    stage: Stage,
    networks: Mapping[str, Network],
    samples: Samples,
    seed: int,
    split: Split,
    device: str,
    path: Path,
    progress: Callable[[Stage, Progress], None] | None,
) -> Network:
    if stage.start is None:
        network = recipe.architecture(samples, np.random.default_rng(seed), stage.spiking, recipe.steps)
    else:
        network = networks[stage.start]
    chosen = np.random.default_rng(seed).permutation(len(samples.train))[:_CALIBRATION]
    suffered, measured = {}, {}
    if stage.training is None:
        network = spiking(network, samples.train[chosen], recipe.steps, scale=stage.threshold_scale)
    else:
        dropout = dict(stage.dropout or {})
        if stage.macros:
            suffered = perturbations(network, dict.fromkeys(stage.macros, _MACRO), samples.train[chosen])
            measured = {
                f"macros measured, layer {name}": f"relative spread of cells {each.cell_spread:.4g}, other errors of "
                f"products over their root mean square {each.product_error:.4g}"
                for name, each in suffered.items()
            }
        if stage.spiking:
            module = qstdb.module(
                network,
                stage.bits,
                stage.scheme,
                dropout=dropout,
                perturbations=suffered,
                gamma=stage.gamma,
                bfloat16=stage.bfloat16,
            )
        else:
            module = build(network, dropout=dropout, bfloat16=stage.bfloat16)
        tell = None if progress is None else (lambda how_far: progress(stage, how_far))
        fit(
            module,
            samples[:2],
            stage.training,
            seed=seed,
            device=device,
            checkpoint=_checkpoint(path),
            progress=tell,
            augment=recipe.augment,
        )
        network = module.to_network()
    about = {
        "title": f"{recipe.title}: {stage.title}",
        "data": samples.about,
        "command": f"circuitsnn train {recipe.name} --stage {stage.name} --seed {seed}{_SPLITS[split]}",
    }
    if samples.normalise is not None:
        about["normalise"] = samples.normalise
    about |= measured
    if stage.bits is None:
        about |= _measured(network, samples, "")
    else:
        about["bits"] = str(stage.bits)
        for scheme in ("scale", "affine"):
            about |= _measured(quantised(network, stage.bits, scheme), samples, f", {scheme} quantisation")
    return replace(network, about=about)


def _measured(network: Network, samples: Samples, how: str) -> dict[str, str]:
    found = score(infer(network, samples.test).predictions[0], samples.test_labels, samples.classes)
    return {
        f"overall accuracy{how}": f"{found.overall_accuracy:.4%}",
        f"average accuracy{how}": f"{found.average_accuracy:.4%}",
        f"kappa{how}": f"{found.kappa:.4%}",
    }


def _checkpoint(path: Path) -> Path:
    return path.with_name(f".{path.stem}-checkpoint.safetensors")
