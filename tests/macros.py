"""A small macro that is quick to calibrate."""

import numpy as np

from circuitsnn.cards import load_card
from circuitsnn.sram.macro import Imperfections

NONE = Imperfections(mismatch=False, nonlinearity=False, noise=False, converter="none")


def small_card(rows=24, columns=60, rows_on=12, **overrides):
    sizes = {"array.rows": rows, "array.columns": columns, "rows_on": rows_on}
    # As few cells on a shorter line, with the swing of many on a long one.
    lines = {"array.C_BL_fixed": "50f", "array.T_pulse": "300p"}
    return load_card("sram_macro_65nm", **{**sizes, **lines, **overrides})


def matrix(rng, outputs=7, inputs=40, low=-31, high=31):
    return rng.integers(low, high + 1, (outputs, inputs))


def spikes(rng, reads=60, inputs=40, probability=0.5):
    return (rng.random((reads, inputs)) < probability).astype(np.int64)
