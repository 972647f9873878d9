"""The kernels of the SRAM read are plain Python too: run without numba's compiler they give the compiled answer."""

import numpy as np
from interpreted import interpreted

from circuitsnn import load_card
from circuitsnn.sram.bitline import BitlineRead
from circuitsnn.sram.cell import SixTransistorCell

PROGRAM = """
import json
from test_read_without_compilation import answers
print(json.dumps([float(value) for value in answers()]))
"""


def answers():
    card = load_card("sram_array_6t_65nm").replace(R_BL_row=100.0)
    column = BitlineRead(card, [0, 1, 0, 1], mismatch=3, wire=True)
    run = column.transient([1.0, 1.0, 0.9, 1.0], [1, 2, 1, 0], points=7, tolerance=1e-4)
    cell = SixTransistorCell(card)
    return [*run.bit_line, *run.bit_line_bar, run.energy, run.bump, *cell.state(0, 1.2), cell.noise_margin("read")]


def test_interpreted_kernels_give_the_compiled_answer():
    found = interpreted(__file__, PROGRAM)
    # Compiled code may contract a product and a sum into one operation.
    np.testing.assert_allclose(answers(), found, rtol=1e-9)
