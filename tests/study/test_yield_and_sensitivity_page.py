import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "yield_and_sensitivity.md"


def test_examples_run_as_they_follow_each_other(capsys):
    programs = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(programs) == 4
    names = {}
    for program in programs:
        exec(compile(program, str(PAGE), "exec"), names)
    assert "(0.936" in capsys.readouterr().out.replace("0.9361", "0.936")
    # Linearised: 85 mV of headroom, V_H scatters by 0.8 %, and both resistors move a divider of 5/6.
    ratio = 100.2 / 120.2
    scatter = 0.008 * np.hypot(1.999, np.sqrt(2) * 2.5 * ratio * (1 - ratio))
    assert names["found"].status.ok
    assert names["found"].sigma == pytest.approx((2.5 * ratio - 1.999) / scatter, abs=0.1)
    assert names["rough"].sigma == pytest.approx(names["found"].sigma, abs=1.0)
    assert names["indices"].names == ("V_H", "V_L", "R_S")
