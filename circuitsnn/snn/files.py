"""Files of networks: a description in JSON and the numbers beside it in safetensors; neither can hold code."""

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from circuitsnn.errors import InputError
from circuitsnn.files import replacing, write_text
from circuitsnn.resources import resource_folder
from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dense,
    Encoder,
    Filter,
    Flatten,
    Layer,
    MaxPool,
    Neuron,
    Relu,
    Reshape,
    Sum,
)
from circuitsnn.snn.network import Network

__all__ = ["list_networks", "load_network", "save_network"]

FORMAT = "circuitsnn network"
VERSION = 1
_KINDS: dict[str, type[Layer]] = {
    layer.kind: layer
    for layer in (
        AveragePool, BatchNorm, Convolution, Dense, Encoder, Filter, Flatten, MaxPool, Neuron, Relu, Reshape, Sum,
    )
}  # fmt: skip
_NETWORK = ("input_shape", "steps", "coding", "readout", "about")


def save_network(network: Network, path: str | os.PathLike) -> tuple[Path, Path]:
    """Write a network: NAME.json says what it is, NAME.safetensors holds its arrays, "layer.field" each.

    Each of the two is written whole or not at all. The description has the other's checksum, so that files
    that do not belong together are found out.

    Parameters
    ----------
    network : Network
        The network.
    path : path-like
        NAME, NAME.json or NAME.safetensors.

    Returns
    -------
    tuple of Path
        The two files, the description first.

    Raises
    ------
    InputError
        If they cannot be written.
    """
    description, arrays = _pair(path)
    tensors: dict[str, np.ndarray] = {}
    layers = [_describe(layer, tensors) for layer in network.layers]
    content = safetensors.save(tensors)
    about = {name: getattr(network, name) for name in _NETWORK} | {"about": dict(network.about)}
    head = {"format": FORMAT, "version": VERSION, **about, "sha256": sha256(content).hexdigest()}
    with replacing(arrays) as temporary:
        temporary.write_bytes(content)
    write_text(description, json.dumps({**head, "layers": layers}, indent=1) + "\n")
    return description, arrays


def load_network(path: str | os.PathLike) -> Network:
    """Read a network that `save_network` wrote, or one that comes with the package.

    Parameters
    ----------
    path : path-like
        NAME, NAME.json or NAME.safetensors; or a name of `list_networks`, where there is no such file.

    Returns
    -------
    Network
        The network, its arrays the same bit for bit.

    Raises
    ------
    InputError
        If a file is missing, truncated, from a newer version, not the other's, or does not describe a network.
    """
    description, arrays = _pair(path)
    if str(path) in list_networks() and not description.exists():
        description, arrays = _pair(_own_folder() / path)
    head, content = _read_description(description), _read(arrays)
    if sha256(content).hexdigest() != head["sha256"]:
        raise InputError(
            f"{arrays}: truncated, changed, or not the file that {description.name} describes (its checksum differs); "
            "save or copy both again"
        )
    tensors = _read_tensors(arrays, content)
    try:
        layers = [_make_layer(each, tensors) for each in head["layers"]]
        if tensors:
            raise InputError(f"tensor {min(tensors)!r} belongs to no layer; allowed are those that the layers name")
        return Network(layers=tuple(layers), **{name: head[name] for name in _NETWORK})
    except InputError as error:
        raise InputError(f"{description}: {error}") from None


def list_networks() -> list[str]:
    """Give the names of the trained networks that come with the package.

    Returns
    -------
    list of str
        The names, such as "digits-mlp-snn6"; each file's `about` says what trained it and how accurate it is.
    """
    return sorted(path.stem for path in _own_folder().glob("*.json"))


def _own_folder() -> Path:
    return resource_folder("studies") / "networks"


def _pair(path: str | os.PathLike) -> tuple[Path, Path]:
    path = Path(path)
    stem = path.stem if path.suffix in (".json", ".safetensors") else path.name
    return path.with_name(f"{stem}.json"), path.with_name(f"{stem}.safetensors")


def _describe(layer: Layer, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Describe a layer; its arrays go to `tensors`, their shapes stay."""
    found: dict[str, Any] = {"kind": layer.kind}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if "array" in field.metadata and value is not None:
            tensors[f"{layer.name}.{field.name}"] = value
            value = value.shape
        found[field.name] = value
    return found


def _make_layer(entry: Any, tensors: dict[str, np.ndarray]) -> Layer:
    """Make a layer of its description; the arrays that it takes leave `tensors`."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InputError(f"layers: there is a layer of kind {kind!r}; allowed: {', '.join(_KINDS)}")
    layer, given = _KINDS[kind], {name: value for name, value in entry.items() if name != "kind"}
    names = {field.name for field in fields(layer)}
    what = f"layer {given.get('name')!r}"
    if given.keys() != names:
        wrong = min(given.keys() ^ names)
        raise InputError(f"{what}: {wrong!r} is {'not known' if wrong in given else 'missing'}; allowed: "
                         f"{', '.join(sorted(names))}")  # fmt: skip
    for field in fields(layer):
        value = given[field.name]
        if "array" in field.metadata and value is not None:
            tensor = tensors.pop(f"{given['name']}.{field.name}", None)
            if tensor is None:
                raise InputError(f"{what}: the tensor '{given['name']}.{field.name}' is missing")
            if value != list(tensor.shape):
                raise InputError(f"{what}: {field.name} has shape {tensor.shape}; the description says {value!r}")
            given[field.name] = tensor
    return layer(**given)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such file; a network is a pair NAME.json, NAME.safetensors, or one "
            f"of the package: {', '.join(list_networks())}"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _read_description(path: Path) -> dict[str, Any]:
    try:
        head = json.loads(_read(path).decode("utf-8"), parse_constant=_no_number)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no description of a network, or truncated: {error}") from None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InputError(f"{path}: no description of a network; allowed is a file with the format {FORMAT!r}")
    version = head.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f"{path}: version is {version!r}; allowed is {VERSION}")
    if version > VERSION:
        raise InputError(f"{path}: written by a newer circuitsnn, version {version} of the format; this one reads "
                         f"{VERSION}: update circuitsnn")  # fmt: skip
    allowed = {"format", "version", "sha256", "layers", *_NETWORK}
    if head.keys() != allowed:
        wrong = min(head.keys() ^ allowed)
        raise InputError(f"{path}: {wrong!r} is {'not known' if wrong in head else 'missing'}; allowed: "
                         f"{', '.join(sorted(allowed))}")  # fmt: skip
    if not isinstance(head["layers"], list):
        raise InputError(f"{path}: layers is no list; allowed is a list of layers")
    return head


def _read_tensors(path: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        tensors: Mapping[str, np.ndarray] = safetensors.load(content)
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        found = " ".join(str(error).split())  # it quotes the file, line breaks and all
        raise InputError(f"{path}: no safetensors file of numbers: {found}") from None
    for name, tensor in tensors.items():
        if tensor.dtype not in (np.float32, np.float64):
            raise InputError(f"{path}: tensor {name!r} holds {tensor.dtype}; allowed are float32 and float64")
    return dict(tensors)
