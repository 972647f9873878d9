"""One oscillator through one window, driven by a known current."""

import math

import numpy as np
import pytest

from circuitsnn.core import device as columns
from circuitsnn.core.collocation import NODES, ORDER
from circuitsnn.core.device import advance

LENGTH = 2e-7
START = 1e-5


def table(v_high):
    """Table 1 of the paper, coupled to neighbours by 70 uS."""
    row = np.zeros((1, columns.COLUMNS))
    row[0, [columns.V_DD, columns.G_S, columns.C_P]] = 2.5, 1 / 20e3, 500e-12
    row[0, [columns.G_INS, columns.G_MET, columns.G_C]] = 1 / 100.2e3, 1 / 990.0, 70e-6
    row[0, [columns.V_L, columns.V_H]] = 1.0, v_high
    return row


def run(v, v_high, samples=()):
    """Carry an insulating device through the window while its neighbours pull it up ever more."""
    current = (30e-6 + 20e-6 * NODES)[:, np.newaxis]
    switches, out = np.zeros((1, 16)), np.zeros((1, len(samples)))
    work = np.zeros((columns.WORK_ROWS, ORDER + 1))
    count, end, metallic, _ = advance(
        0, table(v_high), v, False, 0.0, np.zeros((1, columns.ENERGIES)), START, LENGTH, current, 1e-9,
        np.zeros((ORDER, 1)), switches, work, np.asarray(samples), 0, len(samples), out,
    )  # fmt: skip
    return count, end, metallic, switches[0], out[0]


def lowest(v):
    """Lowest output of a device that cannot switch, and how much of its start is left there."""
    times = START + np.linspace(0, LENGTH, 20001)
    output = run(v, 9.0, times)[4]
    rate = table(9.0)[0, [columns.G_S, columns.G_INS, columns.G_C]].sum() / 500e-12
    at = int(output.argmin())
    return output[at], times[at], math.exp(-rate * (times[at] - START))


@pytest.mark.parametrize("depth", [1e-6, 1e-9, 1e-11, 1e-13, 1e-15, 0.0])
def test_switching_that_barely_grazes_the_threshold_stays_inside_its_window(depth):
    """Newton's method has no slope to go by there: the time must all the same lie where the voltage turns round."""
    threshold = 2.5 - 1.999
    bottom, at, left = lowest(0.5)
    assert 0.2 < (at - START) / LENGTH < 0.8  # it turns round well inside
    count, end, metallic, switches, _ = run(0.5 + (threshold - depth - bottom) / left, 1.999)
    assert count in (0, 1)  # at depths of rounding either is right
    assert metallic == (count == 1)
    assert math.isfinite(end)
    if count:
        assert START <= switches[0] <= START + LENGTH
        assert abs(switches[0] - at) < 3e-8
    if depth >= 1e-9:
        assert count == 1
