"""The examples of docs/report.md do what it says."""

import re
from pathlib import Path

from circuitsnn.study.pictures import picture_of

PAGE = Path(__file__).parents[2] / "docs" / "report.md"


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, "<page>", "exec"), space)
    for name in ("yields", "ranking"):
        assert len(picture_of(space[name]).draw(space[name]).axes) == 1
    assert {"first.html", "works.html"} <= {path.name for path in tmp_path.iterdir()}
    told = capsys.readouterr().out
    assert "parameter" in told
    assert "yield of value" in told
