import json
import subprocess
import sys

import pytest

import circuitsnn

LIST_MODULES = "import sys, json; {}; print(json.dumps(sorted(sys.modules)))"
HEAVY = {"numba", "numpy", "pandas", "matplotlib", "scipy", "sklearn", "PySpice", "pyarrow", "spicelib", "psutil"}


def modules_after(statement):
    command = [sys.executable, "-c", LIST_MODULES.format(statement)]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


@pytest.mark.parametrize("module", ["", ".cards", ".cli", ".study"])
def test_importing_is_light(module):
    assert not HEAVY & modules_after(f"import circuitsnn{module}")


@pytest.mark.parametrize("name", circuitsnn.__all__)
def test_public_name_is_there(name):
    assert getattr(circuitsnn, name) is not None
    assert name in dir(circuitsnn)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = circuitsnn.nonsense
