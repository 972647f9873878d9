"""Training: batches, epochs, an optimiser, and checkpoints from which a run that was killed goes on."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from circuitsnn.checks import check_word, whole_number
from circuitsnn.errors import InputError
from circuitsnn.files import replacing
from circuitsnn.train.module import Module

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["History", "Progress", "Training", "fit", "outputs"]

Optimiser = Literal["sgd", "adam"]

_FORMAT = "circuitsnn checkpoint"
_VERSION = 1


@dataclass(frozen=True)
class Training:
    """How a network is trained."""

    epochs: int
    """How often every sample is seen."""
    optimiser: Optimiser = "adam"
    """"sgd" (with momentum) or "adam"."""
    learning_rate: float = 1e-3
    """Rate in the first epoch. [-]"""
    decay: float = 1.0
    """What the rate is multiplied by at each milestone. [-]"""
    milestones: tuple[float, ...] = ()
    """Milestones as shares of the epochs. [-]"""
    batch: int = 60
    """Samples in a batch."""
    momentum: float = 0.9
    """Momentum of "sgd". [-]"""
    weight_decay: float = 0.0
    """Decay of the weights, but not of thresholds and leaks. [-]"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "epochs", whole_number("epochs", self.epochs, 1))
        object.__setattr__(self, "batch", whole_number("batch", self.batch, 1))
        object.__setattr__(self, "milestones", tuple(self.milestones))
        check_word("optimiser", self.optimiser, Optimiser)
        for name, least, most in (
            ("learning_rate", 0.0, np.inf),
            ("decay", 0.0, 1.0),
            ("momentum", 0.0, 1.0),
            ("weight_decay", 0.0, np.inf),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
                raise InputError(f"{name} is {value!r}; allowed is a number from {least:g} to {most:g}")
        if not all(isinstance(each, (int, float)) and 0.0 < each <= 1.0 for each in self.milestones):
            raise InputError(f"milestones are {self.milestones!r}; allowed are shares of the epochs, above 0 up to 1")

    def rate(self, epoch: int) -> float:
        """Give the learning rate.

        Parameters
        ----------
        epoch : int
            Epochs that are done.

        Returns
        -------
        float
            The rate. [-]
        """
        passed = sum(epoch >= share * self.epochs for share in self.milestones)
        return self.learning_rate * self.decay**passed


@dataclass(frozen=True)
class Progress:
    """How far a training has got; what `fit` tells while it runs."""

    epoch: int
    """Epochs that are done."""
    epochs: int
    """Epochs in all."""
    batch: int
    """Batches of this epoch that are done."""
    batches: int
    """Batches of an epoch."""
    loss: float
    """Mean loss of this epoch so far. [nat]"""


@dataclass(frozen=True, eq=False)
class History:
    """What a training gave, one value for each epoch."""

    loss: np.ndarray
    """Mean cross-entropy of the batches. [nat]"""
    accuracy: np.ndarray
    """Share of the batches' samples that were right while the network learned them. [-]"""
    validation: np.ndarray
    """Accuracy on the validation samples after the epoch; NaN without them. [-]"""

    def to_frame(self) -> "DataFrame":
        """Give a table.

        Returns
        -------
        pandas.DataFrame
            A row for each epoch.
        """
        import pandas as pd

        return pd.DataFrame(vars(self), index=pd.RangeIndex(1, len(self.loss) + 1, name="epoch"))


def fit(
    module: Module,
    data: tuple[ArrayLike, ArrayLike],
    training: Training,
    *,
    seed: int = 0,
    device: str = "cpu",
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    encode: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
) -> History:
    """Train a module by the cross-entropy of its read-out.

    All randomness (order of the samples, augmentation, dropout, perturbations, codings) follows from the seed and the
    epoch's number. So a run that is killed and started again with the same checkpoint goes on from the last epoch that
    was done, to the same numbers bit for bit on the same machine and number of threads.

    Parameters
    ----------
    module : Module
        The module, which is changed.
    data : tuple of array_like
        Samples, shape (n, *input_shape), and labels, whole numbers, shape (n,).
    training : Training
        Optimiser, epochs, rates, batch.
    seed : int
        Seed.
    device : str
        "cpu", "cuda" or another device of PyTorch's.
    validation : tuple of array_like, optional
        Samples and labels on which the accuracy is measured after each epoch; nothing is chosen by it.
    checkpoint : path-like, optional
        File to write after each epoch (.safetensors), and to go on from where it is there.
    progress : callable, optional
        Called after each batch.
    augment : callable, optional
        Changes the samples of a batch in training, shape (n, *input_shape), by a generator.
    encode : callable, optional
        Makes a series, shape (T, n, *input_shape), of a batch and a generator, for networks whose coding is not direct.

    Returns
    -------
    History
        Loss and accuracy of each epoch, those before a kill included.

    Raises
    ------
    InputError
        If the data do not fit the network, the checkpoint is of another run, or the loss is no longer finite.
    """
    if not isinstance(training, Training):
        raise InputError(f"training is {training!r}; allowed is Training(epochs=...)")
    seed = whole_number("seed", seed, 0)
    x, labels = _checked(module, data, "data")
    if module.network.coding != "direct" and encode is None:
        raise InputError(f"the network's coding is {module.network.coding!r}; allowed with it is a function `encode`")
    held_out = None if validation is None else _checked(module, validation, "validation")
    module.to(_device(device))
    optimiser = _make_optimiser(module, training)
    store = None if checkpoint is None else _Checkpoint(Path(checkpoint), module, optimiser, training, seed, x, labels)
    history = {"loss": [], "accuracy": [], "validation": []} if store is None else store.load()
    batches = -(-len(x) // training.batch)
    for epoch in range(len(history["loss"]), training.epochs):
        order_rng, change_rng, coding_rng, module_seed = _streams(seed, epoch)
        module.generator.manual_seed(module_seed)
        for group in optimiser.param_groups:
            group["lr"] = training.rate(epoch)
        module.train()
        order, losses, right = order_rng.permutation(len(x)), 0.0, 0
        for batch in range(batches):
            chosen = order[batch * training.batch : (batch + 1) * training.batch]
            drawn = x[chosen] if augment is None else augment(x[chosen], change_rng)
            given = _to(module, drawn, encode, coding_rng, device)
            wanted = torch.from_numpy(labels[chosen]).to(device)
            optimiser.zero_grad(set_to_none=True)
            logits = module(given)
            loss = torch.nn.functional.cross_entropy(logits, wanted)
            loss.backward()
            optimiser.step()
            module.constrain()
            value = loss.item()
            if not np.isfinite(value):
                raise InputError(
                    f"the loss is {value} in epoch {epoch + 1}, batch {batch + 1}; allowed is a learning rate that is "
                    f"lower than {training.learning_rate:g}"
                )
            losses += value * len(chosen)
            right += int((logits.argmax(dim=1) == wanted).sum())
            if progress is not None:
                seen = min((batch + 1) * training.batch, len(x))
                progress(Progress(epoch, training.epochs, batch + 1, batches, losses / seen))
        history["loss"].append(losses / len(x))
        history["accuracy"].append(right / len(x))
        reached = float("nan")
        if held_out is not None:
            found = outputs(module, held_out[0], device=device, encode=encode, seed=seed).argmax(axis=1)
            reached = float(np.mean(found == held_out[1]))
        history["validation"].append(reached)
        if store is not None:
            store.save(history)
    module.to("cpu")
    return History(**{name: np.array(values) for name, values in history.items()})


@torch.no_grad()
def outputs(
    module: Module,
    samples: ArrayLike,
    *,
    device: str = "cpu",
    batch: int = 250,
    encode: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Give a module's read-out, without dropout and perturbations.

    Parameters
    ----------
    module : Module
        The module.
    samples : array_like, shape (n, *input_shape)
        Samples.
    device : str
        Where the module is.
    batch : int
        Samples at a time.
    encode : callable, optional
        As for `fit`.
    seed : int
        Seed of the coding.

    Returns
    -------
    ndarray, shape (n, outputs)
        The read-out.

    Raises
    ------
    InputError
        If the samples do not fit.
    """
    samples = np.asarray(samples)
    rng = np.random.default_rng(seed)
    trains = module.training
    module.eval()
    try:
        found = [
            module(_to(module, samples[start : start + batch], encode, rng, device)).cpu().numpy()
            for start in range(0, len(samples), batch)
        ]
    finally:
        module.train(trains)
    return np.concatenate(found)


def _streams(seed: int, epoch: int) -> tuple[np.random.Generator, np.random.Generator, np.random.Generator, int]:
    """Give the sources of an epoch's order, augmentation and coding, and the seed of the module's own."""
    *streams, inside = np.random.SeedSequence([seed, epoch]).spawn(4)
    return *map(np.random.default_rng, streams), int(inside.generate_state(1)[0])


def _to(module: Module, samples: np.ndarray, encode: Callable | None, rng: np.random.Generator, device: str) -> Tensor:
    if encode is not None:
        samples = encode(samples, rng)
    dtype = next(module.parameters()).dtype
    return torch.from_numpy(np.ascontiguousarray(samples)).to(device, dtype)


def _checked(module: Module, data: tuple[ArrayLike, ArrayLike], what: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        x, labels = (np.asarray(each) for each in data)
    except (TypeError, ValueError):
        raise InputError(f"{what} must be two arrays, samples and labels") from None
    shape, classes = module.network.input_shape, module.network.outputs
    if x.shape[1:] != shape or not len(x) or x.dtype.kind not in "fiu":
        raise InputError(f"{what}: samples have shape {x.shape}; allowed are numbers of shape (n, *{shape}), n >= 1")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise InputError(f"{what}: samples hold values that are not finite; allowed are finite numbers")
    if labels.shape != (len(x),) or labels.dtype.kind not in "iu":
        raise InputError(f"{what}: labels have shape {labels.shape}; allowed are whole numbers of shape ({len(x)},)")
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(
            f"{what}: labels reach from {labels.min()} to {labels.max()}; the network has outputs 0 to {classes - 1}"
        )
    return x, labels.astype(np.int64)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError):
        raise InputError(f"device is {name!r}, which PyTorch cannot use here; allowed is for example cpu") from None
    return device


def _make_optimiser(module: Module, training: Training) -> torch.optim.Optimizer:
    decayed, others = [], []
    for name, parameter in module.named_parameters():
        (decayed if name.endswith(":weight") else others).append(parameter)
    groups = [{"params": decayed, "weight_decay": training.weight_decay}, {"params": others, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    if training.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=training.learning_rate, momentum=training.momentum)
    return torch.optim.Adam(groups, lr=training.learning_rate)


@dataclass(eq=False)
class _Checkpoint:
    """One file (safetensors) with parameters, the optimiser's state and the history of a run."""

    path: Path
    module: Module
    optimiser: torch.optim.Optimizer
    training: Training
    seed: int
    x: np.ndarray
    labels: np.ndarray
    run: str = field(init=False)

    def __post_init__(self) -> None:
        if self.path.suffix != ".safetensors":
            raise InputError(f"checkpoint is {self.path}; allowed is a file that ends in .safetensors")
        # What makes a run: a checkpoint of another one must not be gone on with.
        digest = hashlib.sha256()
        settings = {**asdict(self.training), "seed": self.seed, "network": repr(self.module.settings)}
        digest.update(json.dumps(settings, sort_keys=True).encode())
        for array in (self.x, self.labels):
            digest.update(repr((array.shape, array.dtype)).encode())
            digest.update(np.ascontiguousarray(array).data)
        for name, parameter in self.module.named_parameters():
            digest.update(name.encode())
            digest.update(parameter.detach().cpu().contiguous().numpy().data)
        self.run = digest.hexdigest()

    def save(self, history: dict[str, list[float]]) -> None:
        """Write the state after an epoch, whole or not at all."""
        from safetensors.torch import save_file

        tensors = {f"parameter {name}": value.detach() for name, value in self.module.named_parameters()}
        for name, value in self._states():
            tensors[name] = value.detach()
        tensors = {name: value.cpu().clone(memory_format=torch.contiguous_format) for name, value in tensors.items()}
        # Numbers of Python's are printed so that they read back the same; NaN is no JSON.
        told = {name: [None if value != value else value for value in values] for name, values in history.items()}
        about = {"format": _FORMAT, "version": str(_VERSION), "run": self.run, "history": json.dumps(told)}
        with replacing(self.path) as temporary:
            save_file(tensors, temporary, metadata=about)

    def load(self) -> dict[str, list[float]]:
        """Take up the state of the file, if there is one."""
        from safetensors import SafetensorError, safe_open

        if not self.path.exists():
            return {"loss": [], "accuracy": [], "validation": []}
        try:
            with safe_open(self.path, "pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            found = " ".join(str(error).split())
            raise InputError(f"checkpoint {self.path} cannot be read ({found}); delete it") from None
        if about.get("format") != _FORMAT or about.get("version") != str(_VERSION):
            raise InputError(f"{self.path} is no checkpoint of this version; name another file")
        if about["run"] != self.run:
            raise InputError(
                f"checkpoint {self.path} is of a run with another network, data, seed or training; delete it, or name "
                "another file"
            )
        with torch.no_grad():
            for name, parameter in self.module.named_parameters():
                parameter.copy_(tensors[f"parameter {name}"])
        for name, parameter in self.module.named_parameters():
            mark = f"optimiser {name} "
            state = {key[len(mark) :]: value for key, value in tensors.items() if key.startswith(mark)}
            for key, value in state.items():
                if value.shape == parameter.shape:
                    # Laid out in memory as the parameter, as the optimiser itself does.
                    state[key] = torch.empty_like(parameter).copy_(value)
            if state:
                self.optimiser.state[parameter] = state
        told = json.loads(about["history"])
        return {name: [float("nan") if value is None else value for value in values] for name, values in told.items()}

    def _states(self) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self.module.named_parameters():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    yield f"optimiser {name} {key}", value
