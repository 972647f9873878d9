"""Tutorials run as they stand: every block in order, in an empty folder, with the output and pictures that they show.

A block of Python or shell may be followed by a block of text: what it prints ("..." stands for anything). The pictures
are those that the tutorial's own code draws; this writes them anew:

    python tests/test_docs_tutorials.py
"""

import contextlib
import doctest
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "tutorials"
PAGES = sorted(FOLDER.glob("*.md"))
OUTPUT = doctest.OutputChecker()


def run_python(example: Example) -> None:
    printed = io.StringIO()
    # Line numbers are those of the page, in tracebacks and for whoever reads a function's source.
    code = compile("\n" * (example.line + example.parsed.line_offset) + example.parsed, example.path, "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, example.namespace)
    example.namespace["_printed"] = printed.getvalue()


def run_shell(example: Example) -> None:
    done = subprocess.run(["bash", "-euc", example.parsed], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    example.namespace["_printed"] = done.stdout


def environment() -> dict[str, str]:
    """Environment of a user who has installed this copy of the package."""
    commands = Path("commands").absolute()
    if not commands.exists():
        commands.mkdir()
        command = commands / "circuitsnn"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m circuitsnn.cli "$@"\n')
        command.chmod(0o755)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PATH": os.pathsep.join([str(commands), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def compare(example: Example) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    want, got = str(example.parsed), example.namespace["_printed"]
    difference = f"{example.path}, line {example.line}\nthe page says:\n{want}\nprinted:\n{got}"
    assert OUTPUT.check_output(want, got, flags), difference


PARSERS = [CodeBlockParser("python", run_python), CodeBlockParser("shell", run_shell), CodeBlockParser("text", compare)]


def run(page: Path) -> None:
    """Run a tutorial in the current folder."""
    document = Document.parse(str(page), *PARSERS)
    document.namespace["__name__"] = "__main__"
    for example in document.examples():
        example.evaluate()


def pictures(page: Path) -> list[str]:
    return re.findall(r"!\[.*?\]\((\S+\.svg)\)", page.read_text(encoding="utf-8"))


def numbers(svg: Path) -> np.ndarray:
    drawn = svg.read_text(encoding="utf-8").partition("</metadata>")[2]
    return np.array([float(number) for number in re.findall(r"(?<![\w#-])-?\d+\.?\d*", drawn)])


def drawn_by(svg: Path) -> str:
    return re.search(r"<dc:title>(.*?)</dc:title>", svg.read_text(encoding="utf-8"))[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tutorial(page, tmp_path, monkeypatch):
    if "ngspice " in page.read_text(encoding="utf-8") and shutil.which("ngspice") is None:
        pytest.skip("ngspice is not installed")
    monkeypatch.chdir(tmp_path)
    run(page)
    assert pictures(page)
    for name in pictures(page):
        stored, new = FOLDER / name, tmp_path / name
        if drawn_by(stored) == drawn_by(new):
            np.testing.assert_allclose(numbers(new), numbers(stored), atol=1.0)  # points of paper


def test_an_output_that_differs_fails(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    monkeypatch.chdir(tmp_path)
    page.write_text("```python\nprint(6 * 7)\n```\n\n```text\n42\n```\n\n```shell\necho 8\n```\n\n```text\n8\n```\n")
    run(page)
    page.write_text(page.read_text().replace("42", "43"))
    with pytest.raises(AssertionError, match="line 5"):
        run(page)


if __name__ == "__main__":
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            run(page)
            for name in pictures(page):
                shutil.copy(name, FOLDER / name)
