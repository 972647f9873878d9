"""The kernels are plain Python too: run without numba's compiler they give the compiled answer."""

import numpy as np
import pytest
from interpreted import interpreted
from networks import PERIOD, drawn_network, largest_difference

PROGRAM = """
import json, sys
import numpy as np
from test_without_compilation import run
times, energy = run(sys.argv[1])
print(json.dumps({"times": [list(each) for each in times], "energy": list(energy)}))
"""


def run(fidelity):
    network = drawn_network(2, np.random.default_rng(9), resistance=30e3)
    result = network.transient([0.0, 6e-6], close_at=8e-6, stop=3 * PERIOD, fidelity=fidelity, tolerance=1e-7)
    return result.switching_times + result.return_times, result.energy


@pytest.mark.parametrize("fidelity", ["relaxed", "abrupt", "smooth"])
def test_interpreted_kernels_give_the_compiled_answer(fidelity):
    found = interpreted(__file__, PROGRAM, fidelity)
    times, energy = run(fidelity)
    # Compiled code may contract a product and a sum into one operation; folds magnify what that rounds.
    allowed = 1e-9 if fidelity == "smooth" else 1e-12
    assert largest_difference(times, [np.array(each) for each in found["times"]]) < allowed
    np.testing.assert_allclose(energy, found["energy"], rtol=allowed)
