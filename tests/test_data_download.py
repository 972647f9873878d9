"""Fetching data sets from a server on this machine that breaks off, refuses ranges and sends the wrong things."""

import dataclasses
import gzip
import hashlib
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from circuitsnn.data import catalogue, load
from circuitsnn.data.catalogue import DataFile
from circuitsnn.data.download import fetch
from circuitsnn.errors import InputError

CONTENT = np.random.default_rng(7).bytes(1_000_000)


class Server(ThreadingHTTPServer):
    """Serves the contents of `files`; `breaks` says how many bytes of each answer go out, None for all."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/a.bin": CONTENT}
        self.breaks = []
        self.ranges = True
        self.says_length = True
        self.lies = False
        self.asked = []

    def address(self, name="a.bin"):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append((self.path, wanted))
        if self.path not in server.files:
            self.send_error(403 if "secret" in self.path else 404)
            return
        content, start = server.files[self.path], 0
        if wanted and server.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            said = 0 if server.lies else start
            self.send_header("Content-Range", f"bytes {said}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if server.says_length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        ends = server.breaks.pop(0) if server.breaks else None
        self.wfile.write(content[start:][:ends])


@pytest.fixture
def server():
    with Server() as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.01,))
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _straight_to_the_server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def described(*addresses, content=CONTENT, size=None):
    return DataFile("a.bin", hashlib.sha256(content).hexdigest(), addresses, size)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "below" / "a.bin"


def only_whole_file(target):
    return [path.name for path in target.parent.iterdir()] == ["a.bin"] and target.read_bytes() == CONTENT


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_file_comes_whole_with_its_progress(server, target, size, says_length):
    server.says_length = says_length
    reports = []
    fetch(described(server.address(), size=size), target, lambda *report: reports.append(report))
    assert only_whole_file(target)
    shares = [share for share, _ in reports]
    assert shares == sorted(shares)
    assert shares[-1] == (1.0 if says_length or size else 0.0)
    assert reports[-1][1].startswith("a.bin: 1.0")


def test_file_that_is_there_is_not_fetched_again(server, target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    fetch(described(server.address()), target)
    assert server.asked == []
    target.write_bytes(CONTENT[:-1])
    fetch(described(server.address()), target)
    assert only_whole_file(target)


def test_partial_file_is_resumed(server, target):
    target.parent.mkdir()
    target.with_name("a.bin.part").write_bytes(CONTENT[:400_000])
    fetch(described(server.address()), target)
    assert server.asked == [("/a.bin", "bytes=400000-")]
    assert only_whole_file(target)


def test_breaks_are_mended_by_ranges(server, target):
    server.breaks = [300_000, 1, 0, 200_000]
    fetch(described(server.address()), target)
    assert [wanted for _, wanted in server.asked] == [None, *(f"bytes={n}-" for n in (300000, 300001, 300001, 500001))]
    assert only_whole_file(target)


def test_server_without_ranges_sends_all_again(server, target):
    server.ranges = False
    server.breaks = [300_000]
    fetch(described(server.address()), target)
    assert len(server.asked) == 2
    assert only_whole_file(target)


def test_break_without_a_length_is_noticed_by_the_checksum(server, target):
    server.says_length = False
    server.breaks = [300_000]
    with pytest.raises(InputError, match="what came has another checksum"):
        fetch(described(server.address()), target)
    server.breaks = [300_000]
    fetch(described(server.address(), server.address()), target)  # the second address is tried
    assert only_whole_file(target)


def test_server_that_breaks_off_for_good_leaves_what_came(server, target):
    server.breaks = [250_000] + [0] * 10
    with pytest.raises(InputError, match=r"broke off after 250000 of 1000000 bytes.*the next try goes on") as error:
        fetch(described(server.address()), target)
    assert len(server.asked) == 4
    assert str(target.parent) in str(error.value)
    assert not target.exists()
    server.breaks.clear()
    fetch(described(server.address()), target)
    assert server.asked[-1] == ("/a.bin", "bytes=250000-")
    assert only_whole_file(target)


def test_flaky_server_without_ranges_is_given_up(server, target):
    server.ranges = False
    server.breaks = [100_000, 50_000] * 20
    with pytest.raises(InputError, match="broke off"):
        fetch(described(server.address()), target)
    assert len(server.asked) == 4


@pytest.mark.parametrize("held", [b"x" * 400_000, b"x" * 1_000_000, b"x" * 1_000_001])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_bad_partial_file_is_thrown_away(server, target, held, size):
    target.parent.mkdir()
    target.with_name("a.bin.part").write_bytes(held)
    fetch(described(server.address(), size=size), target)
    assert only_whole_file(target)


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_finished_partial_file_only_gets_its_name(server, target, size):
    target.parent.mkdir()
    target.with_name("a.bin.part").write_bytes(CONTENT)
    fetch(described(server.address(), size=size), target)
    assert only_whole_file(target)


@pytest.mark.parametrize("wrong", [b"<html>a page instead</html>", CONTENT[:-1] + b"!", CONTENT + b"!"])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_wrong_content_never_gets_the_name(server, target, wrong, size):
    server.files["/a.bin"] = wrong
    with pytest.raises(InputError, match=r"cannot fetch a.bin \(http.*(another checksum|more than 1000000 bytes)"):
        fetch(described(server.address(), size=size), target)
    assert not target.exists()
    server.files["/b.bin"] = CONTENT
    fetch(described(server.address(), server.address("b.bin"), size=size), target)
    assert only_whole_file(target)


def test_server_that_lies_about_the_range(server, target):
    server.lies = True
    target.parent.mkdir()
    target.with_name("a.bin.part").write_bytes(CONTENT[:10])
    with pytest.raises(InputError, match=r"another checksum|broke off"):
        fetch(described(server.address()), target)
    assert not target.exists()


def test_next_address_is_tried(server, target):
    fetch(described(server.address("gone"), server.address("secret"), server.address()), target)
    assert only_whole_file(target)
    assert [path for path, _ in server.asked] == ["/gone", "/secret", "/a.bin"]


def test_all_addresses_fail(server, target):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/a.bin"
        with pytest.raises(InputError) as error:
            fetch(described(server.address("secret"), nobody, "http://host.invalid/a.bin"), target)
    message = str(error.value)
    assert f"{server.address('secret')}: the server says 403 Forbidden" in message
    assert nobody in message
    assert "http://host.invalid/a.bin" in message
    assert f"put it into {target.parent}" in message
    assert "\n" not in message
    assert list(target.parent.iterdir()) == []


def test_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*name a folder that you may write to"):
        fetch(described(server.address()), tmp_path / "file" / "below" / "a.bin")


@pytest.fixture
def served_mnist(server, monkeypatch):
    """The catalogue with MNIST's files on the server."""
    rng = np.random.default_rng(0)
    [mnist] = [one for one in catalogue.CATALOGUE if one.name == "mnist"]
    files = []
    for file in mnist.files:
        array = rng.integers(0, 10, (6, 28, 28) if "images" in file.name else 6).astype(np.uint8)
        head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        content = gzip.compress(head + array.tobytes())
        server.files[f"/{file.name}"] = content
        sha256 = hashlib.sha256(content).hexdigest()
        files.append(DataFile(file.name, sha256, (server.address(file.name),), len(content)))
    monkeypatch.setattr(catalogue, "CATALOGUE", (dataclasses.replace(mnist, files=tuple(files)),))
    return server


def test_load_fetches_into_the_cache_once(served_mnist, tmp_path, monkeypatch):
    monkeypatch.delenv("CIRCUITSNN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    with pytest.raises(InputError, match="not found"):
        load("mnist")
    assert served_mnist.asked == []  # nothing is fetched that was not asked for
    first = load("mnist", download=True)
    assert len(served_mnist.asked) == 4
    assert first.source == str(tmp_path / "circuitsnn" / "mnist")
    np.testing.assert_array_equal(load("mnist").train_images, first.train_images)
    load("mnist", download=True)
    assert len(served_mnist.asked) == 4


def test_load_fetches_into_the_folder_that_is_named(served_mnist, tmp_path, monkeypatch):
    load("mnist", folder=tmp_path / "mine", download=True)
    assert len(list((tmp_path / "mine" / "mnist").iterdir())) == 4
    monkeypatch.setenv("CIRCUITSNN_DATA", str(tmp_path / "variable"))
    load("mnist", download=True)
    assert len(list((tmp_path / "variable" / "mnist").iterdir())) == 4
