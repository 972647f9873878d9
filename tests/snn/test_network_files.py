"""Files of networks: the same network back, bit for bit, and one clear error for whatever else a file may hold."""

import json
import pickle
from dataclasses import fields
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from circuitsnn.errors import InputError
from circuitsnn.snn.files import load_network, save_network
from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dense,
    Encoder,
    Filter,
    Flatten,
    MaxPool,
    Neuron,
    Relu,
    Reshape,
    Sum,
)
from circuitsnn.snn.network import Network


def every_kind():
    """A network with a layer of each kind, of both precisions."""
    rng = np.random.default_rng(8)
    return Network(
        (2, 6, 4),
        (
            Encoder("encoder", 0.7),
            Convolution("conv1", rng.standard_normal((4, 2, 3, 3)), rng.standard_normal(4), 1, 1),
            BatchNorm("norm", rng.random((3, 4)), rng.random((3, 4))),
            Neuron("neuron1", np.array([0.5, 1.0, 1.5, 2.0], np.float32), 0.9, "hard", "same", True, 2),
            Sum("sum", "norm"),
            AveragePool("average", (3, 1)),
            Reshape("reshape", (1, 2, 4, 4), (1, 0, 2)),
            Convolution("conv2", rng.standard_normal((3, 1, 2, 2, 2)).astype(np.float32), None, (1, 2, 2), (0, 1, 0)),
            Relu("relu", 6.0),
            MaxPool("max", (1, 3, 1), (1, 1, 1)),
            Filter("filter", (0.5, -0.1), (1.0,)),
            Flatten("flatten"),
            Dense("fc", np.asfortranarray(rng.standard_normal((5, 6)))),
            Neuron("neuron2", reset_decay=0.5),
        ),
        steps=3,
        coding="bernoulli",
        readout="spikes",
        about={"title": "δοκιμή", "accuracy": "0.98"},
    )


def same(one, other):
    assert (one.input_shape, one.steps, one.coding, one.readout, dict(one.about)) == (
        other.input_shape, other.steps, other.coding, other.readout, dict(other.about),
    )  # fmt: skip
    assert [type(layer) for layer in one.layers] == [type(layer) for layer in other.layers]
    for layer, twin in zip(one.layers, other.layers, strict=True):
        for field in fields(layer):
            mine, its = getattr(layer, field.name), getattr(twin, field.name)
            if isinstance(mine, np.ndarray):
                assert mine.dtype == its.dtype
                np.testing.assert_array_equal(mine, its, strict=True)
            else:
                assert mine == its
                assert type(mine) is type(its)


def small():
    return Network(
        (3,), (Dense("fc1", np.eye(2, 3)), Neuron("neuron1"), Dense("fc", np.ones((2, 2)), np.zeros(2))), steps=4
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A description as data, and the bytes of its arrays."""
    description, arrays = save_network(small(), tmp_path_factory.mktemp("net") / "small")
    return json.loads(description.read_text("utf-8")), arrays.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def put(folder: Path, head, content: bytes, mend_checksum=True) -> Path:
    """Write a pair; `head` is data or bytes."""
    if isinstance(head, dict):
        head = dict(head) | ({"sha256": sha256(content).hexdigest()} if mend_checksum else {})
        head = json.dumps(head).encode()
    (folder / "net.json").write_bytes(head)
    (folder / "net.safetensors").write_bytes(content)
    return folder / "net"


def tensors_file(header: dict, data: bytes = b"") -> bytes:
    """A safetensors file by its definition: length, header, data."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize("make", [every_kind, small])
@pytest.mark.parametrize(("given", "read"), [("a.b", "a.b.json"), ("n.json", "n.safetensors"), ("n.safetensors", "n")])
def test_a_network_comes_back_bit_for_bit(make, given, read, tmp_path):
    pair = save_network(make(), str(tmp_path / given))
    assert [path.suffix for path in pair] == [".json", ".safetensors"]
    assert sorted(tmp_path.iterdir()) == sorted(pair)
    same(make(), load_network(tmp_path / read))


def test_arrays_lie_in_the_file_as_the_format_defines(tmp_path):
    """Read without the library: 8 bytes of length, a JSON header, then the numbers row by row."""
    network = every_kind()
    content = save_network(network, tmp_path / "net")[1].read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    start, end = header["fc.weight"]["data_offsets"]
    np.testing.assert_array_equal(np.frombuffer(data[start:end], "<f8").reshape(5, 6), network["fc"].weight)
    assert header["conv2.weight"] == header["conv2.weight"] | {"dtype": "F32", "shape": [3, 1, 2, 2, 2]}
    assert "conv2.bias" not in header


def test_saving_again_replaces_both(tmp_path):
    save_network(every_kind(), tmp_path / "net")
    save_network(small(), tmp_path / "net")
    same(small(), load_network(tmp_path / "net"))


def test_a_newer_version_is_refused_before_anything_else(folder, written):
    head, content = written
    path = put(folder, head | {"version": 2, "unheard_of": 1}, content)
    with pytest.raises(InputError, match="newer circuitsnn, version 2"):
        load_network(path)


@pytest.mark.parametrize("missing", ["json", "safetensors"])
def test_half_a_pair(missing, tmp_path):
    save_network(small(), tmp_path / "net")
    (tmp_path / f"net.{missing}").unlink()
    with pytest.raises(InputError, match=rf"net\.{missing}: there is no such file"):
        load_network(tmp_path / "net")


def test_files_of_two_networks(tmp_path):
    save_network(small(), tmp_path / "one")
    two = Network((3,), (Dense("fc1", np.eye(2, 3) * 2), Neuron("neuron1"), *small().layers[2:]), steps=4)
    save_network(two, tmp_path / "two")
    (tmp_path / "two.safetensors").replace(tmp_path / "one.safetensors")
    with pytest.raises(InputError, match="checksum differs"):
        load_network(tmp_path / "one")


def test_every_truncation_is_found(folder, written):
    head, content = written
    text = json.dumps(head).encode()
    for length in range(0, len(text), 5):
        with pytest.raises(InputError):
            load_network(put(folder, text[:length], content))
    for length in range(0, len(content), 7):
        with pytest.raises(InputError, match="truncated"):
            load_network(put(folder, head, content[:length], mend_checksum=False))
        with pytest.raises(InputError):  # and by the reader itself, were the checksum right
            load_network(put(folder, head, content[:length]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "ONNX"}, "no description of a network"),
        ({"version": 0}, "version is 0"),
        ({"version": True}, "version is True"),
        ({"steps": 0}, "steps is 0"),
        ({"coding": "morse"}, "coding is 'morse'"),
        ({"readout": "spikes"}, "readout 'spikes'"),
        ({"about": {"title": 3}}, "about"),
        ({"input_shape": [4]}, "layer fc1: its input has shape"),
        ({"layers": {}}, "layers is no list"),
        ({"layers": []}, "tensor 'fc.bias' belongs to no layer"),
        ({"layers": [3]}, "there is a layer of kind None"),
        ({"layers": [{"kind": "weights", "name": "fc"}]}, "kind 'weights'; allowed: average_pool"),
        ({"extra": 1}, "'extra' is not known"),
    ],
)
def test_wrong_descriptions(change, message, folder, written):
    head, content = written
    with pytest.raises(InputError, match=message):
        load_network(put(folder, head | change, content))


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (0, {"weight": [3, 2]}, r"weight has shape \(2, 3\); the description says \[3, 2\]"),
        (0, {"weight": None}, "layer fc1: weight holds object; allowed are numbers"),
        (0, {"name": "other"}, "tensor 'other.weight' is missing"),
        (0, {"bias": [2]}, "tensor 'fc1.bias' is missing"),
        (2, {"bias": None}, "tensor 'fc.bias' belongs to no layer"),
        (1, {"reset": "soon"}, "reset is 'soon'"),
        (1, {"leek": 1}, "'leek' is not known"),
        (1, {"kind": "relu"}, "layer 'neuron1'"),
        (2, {"name": "fc1"}, "tensor 'fc1.weight' is missing"),
    ],
)
def test_wrong_layers(place, change, message, folder, written):
    head, content = written
    layers = [dict(layer) | (change if k == place else {}) for k, layer in enumerate(head["layers"])]
    with pytest.raises(InputError, match=message):
        load_network(put(folder, head | {"layers": layers}, content))


def test_a_missing_field_is_named(folder, written):
    head, content = written
    layers = [{key: value for key, value in layer.items() if key != "leak"} for layer in head["layers"]]
    with pytest.raises(InputError, match="layer 'neuron1': 'leak' is missing"):
        load_network(put(folder, head | {"layers": layers}, content))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none(value, folder, written):
    head, content = written
    broken = content.replace(np.float64(1.0).tobytes(), np.float64(value).tobytes(), 1)
    assert broken != content
    with pytest.raises(InputError, match="values that are not finite"):
        load_network(put(folder, head, broken))
    with pytest.raises(InputError, match="no number of JSON"):
        load_network(put(folder, head | {"steps": float(value)}, content))


@pytest.mark.parametrize("kind", ["I64", "F16", "BF16", "F8_E4M3", "C64", "nonsense"])
def test_other_numbers_than_floats(kind, folder, written):
    size = {"I64": 8, "C64": 8, "F16": 2, "BF16": 2}.get(kind, 1)
    content = tensors_file({"fc.weight": {"dtype": kind, "shape": [1], "data_offsets": [0, size]}}, bytes(size))
    with pytest.raises(InputError, match=r"net\.safetensors: "):
        load_network(put(folder, written[0], content))


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_no_code_is_run(folder, written, tmp_path):
    mark = tmp_path / "ran"
    bomb = pickle.dumps(Bomb(mark))
    for head, content in ((bomb, written[1]), (written[0], bomb), (bomb, bomb)):
        with pytest.raises(InputError):
            load_network(put(folder, head, content))
    assert not mark.exists()
    pickle.loads(bomb)
    assert mark.exists()  # it would have


def test_files_that_cannot_be_read_or_written(tmp_path):
    (tmp_path / "net.json").mkdir()
    with pytest.raises(InputError, match="cannot read"):
        load_network(tmp_path / "net")
    with pytest.raises(InputError, match="cannot read"):
        load_network("a\0b")
    with pytest.raises(InputError, match="cannot write"):
        save_network(small(), tmp_path / "nowhere" / "net")


def test_deep_nesting(folder, written):
    with pytest.raises(InputError):
        load_network(put(folder, b"[" * 200_000, written[1]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["fc", "fc1", "soft", "input", 10**400, -1, 0, 1e308]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value, path=()):
    """Paths to everything in a description."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def load_or_refuse(path):
    """Loading gives a network or one InputError of one line; anything else fails the test."""
    try:
        network, message = load_network(path), ""
    except InputError as error:
        network, message = None, str(error)
    assert isinstance(network, Network) or message
    assert "\n" not in message
    return network is not None


@pytest.fixture(scope="module")
def written_every_kind(tmp_path_factory):
    description, arrays = save_network(every_kind(), tmp_path_factory.mktemp("net") / "every_kind")
    return json.loads(description.read_text("utf-8")), arrays.read_bytes()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_fuzz_any_value_in_the_description(data, folder, written_every_kind):
    head, content = written_every_kind
    path = data.draw(st.sampled_from([path for path in places(head) if path]))
    load_or_refuse(put(folder, changed(head, path, data.draw(json_values)), content, mend_checksum=False))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_fuzz_bytes(data, folder, written):
    head, content = written
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=9))
        content = content[:place] + piece + content[place + data.draw(st.integers(0, 9)) :]
    load_or_refuse(put(folder, head, content))
    text = json.dumps(head).encode()
    place = data.draw(st.integers(0, len(text) - 1))
    text = text[:place] + data.draw(st.binary(max_size=6)) + text[place + data.draw(st.integers(0, 6)) :]
    load_or_refuse(put(folder, text, written[1]))


@settings(max_examples=100, deadline=None)
@given(head=st.binary(max_size=60), content=st.binary(max_size=60))
def test_fuzz_any_bytes(head, content, folder):
    assert not load_or_refuse(put(folder, head, content))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["fc1.weight", "fc.weight", "fc.bias", "neuron1.leak", "__metadata__", "x"]), json_values
    )
)
@example(header={"fc1.weight": ["\n"]})
def test_fuzz_headers_of_tensors(folder, written, header):
    load_or_refuse(put(folder, written[0], tensors_file(header, bytes(64))))
