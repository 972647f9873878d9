import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "yield_and_sensitivity.md"


def test_examples_run_as_they_follow_each_other(capsys):
    programs = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(programs) == 4
    names = {}
    for program in programs:
        exec(compile(program, str(PAGE), "exec"), names)
    assert "(0.936" in capsys.readouterr().out.replace("0.9361", "0.936")
    low, high = names["found"].low, names["found"].high
    assert 0.0 < low < high < 1e-3
    assert names["rough"].low < high
    assert names["rough"].high > low
    assert names["indices"].names == ("V_H", "V_L", "R_S")
