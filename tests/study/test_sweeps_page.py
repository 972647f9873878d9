"""The examples of docs/sweeps.md do what it says."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "sweeps.md"


def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "page"}
    tables = []
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), space)
        tables.append(space["df"])
    assert all((table["status"] == "ok").all() for table in tables[:2] + tables[3:])
    drawn = tables[2].groupby("V_DD")["status"]
    assert drawn.value_counts()[2.4, "raised"] > 200
    assert (drawn.get_group(2.6) == "ok").all()
    assert [len(tables[place]) for place in (0, 1, 2, 3)] == [6, 400, 1000, 400]
    assert tables[3]["largest"].tolist() == tables[1]["largest"].tolist()  # with a store as without
    assert tables[4].groupby("sigma").size().between(50, 1000).all()
    assert (space["plan"].to_frame()["tau"] < 1e-5).all()
    assert (tmp_path / "runs" / "error.db").exists()
