"""Kernels about the cells of a macro: drawn by place, as polynomials say, and summed one by one or as a product."""

import numpy as np
import pytest
from interpreted import interpreted
from scipy import stats

from circuitsnn.core import cells, macro

KEY = np.array([11, 12], np.uint32)


def normals(columns, rows, first_row=0, draws=4):
    out = np.empty((len(columns), rows, draws))
    cells.normals(KEY, np.asarray(columns), first_row, out)
    return out


def test_any_part_of_an_array_is_drawn_alike():
    whole = normals(np.arange(30), 50)
    np.testing.assert_array_equal(normals([7, 3, 29], 20, 10), whole[[7, 3, 29], 10:30])


def test_cells_are_normal_and_independent():
    z = normals(np.arange(500), 200)
    n = z.size
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / n)
    assert stats.kstest(z[:50].ravel(), "norm").pvalue > 1e-4
    beside = [(z[:-1], z[1:]), (z[:, :-1], z[:, 1:]), (z[..., :-1], z[..., 1:]), (z[:, :-1, 3], z[:, 1:, 0])]
    for one, other in beside:
        assert abs(np.mean(one * other)) < 5 / np.sqrt(one.size)
    # Sums along columns and rows spread as those of independent numbers.
    assert z.sum(axis=(1, 2)).var() == pytest.approx(800, rel=5 * np.sqrt(2 / 500))
    assert z.sum(axis=(0, 2)).var() == pytest.approx(2000, rel=5 * np.sqrt(2 / 200))


FIT = cells.Fit(
    draws=np.array([1, 3]),
    parent=np.array([0, 0, 0, 1, 2]),
    variable=np.array([0, 0, 1, 1, 1]),
    coefficients=np.array(
        [[0.1, 0.2, -0.3, 0.01, 0.02], [0.5, 0.1, 0.0, 0.2, 0.0], [-3.0, 1.0, 0.5, 0.0, 0.1]], np.float32
    ),
)


def drawn_cells(rows=9, count=200):
    stored = np.random.default_rng(1).random((rows, count)) < 0.4
    columns, tile = np.arange(count) + 5, np.arange(rows) // 5
    psi, leakage = np.zeros((2, rows, count), np.float32), np.zeros((2, count))
    cells.numbers(KEY, columns, stored, 4, FIT, tile, psi, leakage)
    return stored, columns, tile, psi, leakage


def test_numbers_are_the_polynomials_of_the_drawn_mismatch():
    stored, columns, tile, psi, leakage = drawn_cells()
    z = normals(columns, len(stored)).swapaxes(0, 1)
    a, b = z[..., 1], z[..., 3]
    c = FIT.coefficients.astype(float)
    terms = np.stack([np.ones_like(a), a, b, a * b, b * b])
    value = np.tensordot(c, terms, 1)
    first = np.exp(value[0]) * stored
    np.testing.assert_allclose(psi[0], first, rtol=1e-5)
    np.testing.assert_allclose(psi[1], first * value[1], rtol=1e-4, atol=1e-6)
    leaks = np.exp(value[2]) * stored
    np.testing.assert_allclose(leakage, [leaks[tile == 0].sum(axis=0), leaks[tile == 1].sum(axis=0)], rtol=1e-5)


def product(bases=1, reads=40, rows=24, slots=2, outputs=3, by_rows=False):
    """Multiply with a fine converter; give what came out, what it should have summed and the rows in use."""
    rng = np.random.default_rng(2)
    rank, count = 2, slots * outputs
    stored = rng.random((rows, count)) < 0.3
    psi = rng.random((bases, rank, rows, count)).astype(np.float32) * stored
    phi = rng.random((rank, 4)).astype(np.float32)
    phi[:, 0] = 0.0
    drive = rng.integers(0, 4, (reads, rows + 6)).astype(np.uint8)
    drive[:, 3 : 3 + rows // 3] = 0
    gain, lift = rng.random((2, rows + 1)).astype(np.float32)
    first, last = 3, 3 + rows
    features = macro.present(drive, first, last, phi)
    codes = drive[:, first:last]
    on = (codes > 0).sum(axis=1)
    # Each basis's sum for itself: (bases, columns, reads).
    expected = np.einsum("frn,bfnc->bcr", phi[:, codes], psi)
    source = np.array([4, 0, 5, -1, 2, 3])
    listed = macro.cells(psi, np.ascontiguousarray(stored.T), source, 0, rows)
    bend = np.array([0.02, 0.05], np.float32)
    s = gain[on] * expected[0]
    if bases > 1:
        s = s + lift[on] * expected[1]
    if bases > 2:
        s = s + (bend[0] * s - bend[1]) * gain[on] * expected[2]
    s = np.where(source[:, None] >= 0, s[source], 0.0)
    ones = np.ones(count, np.float32)
    columns = macro.Columns(
        ones[None] * 0.25,
        ones[None],
        np.zeros(count, np.int64),
        ones * 0,
        np.tile([1.0, -2.0], outputs).astype(np.float32),
    )
    levels = np.arange(1, 2**14) * 0.01
    tables = macro.converters(levels[None], np.arange(2**14) * 0.01)
    out = np.zeros((outputs, reads), np.float32)
    transfer = np.array([0.0, 1.0, 0.1], np.float32)
    level = macro.Level(gain, lift, bend)
    conversion = level, columns, transfer, False, KEY, 0, tables, np.float32(3), out
    if by_rows:
        laid = np.where(source >= 0, psi[..., source], np.float32(0.0))
        # Rows of other groups must not count.
        laid = np.pad(laid, [(0, 0), (0, 0), (first, 3), (0, 0)], constant_values=9)
        macro.multiply_rows(macro.drive(drive, first, last, phi), laid, first, *conversion)
    else:
        macro.multiply(features, listed, *conversion)
    fall = (s + 0.25) + 0.1 * (s + 0.25) ** 2
    return out, 3 * (fall[::slots] - 2 * fall[1::slots]), features.active.reshape(rank, rows)


@pytest.mark.parametrize("by_rows", [False, True])
@pytest.mark.parametrize("bases", [1, 2, 3])
def test_sums_of_lists_are_the_dense_product(bases, by_rows):
    # More rows and reads than one piece of the kernels.
    out, expected, active = product(bases, reads=150, rows=75, by_rows=by_rows)
    # Codes are rounded down: by one step of 0.01 in each of the two slots at most.
    assert np.all(expected - out < 3 * 0.01 + 0.002)
    assert np.all(expected - out > -3 * 2 * 0.01 - 0.002)
    assert np.ptp(expected) > 1.0
    assert not active[:, :25].any()
    assert active[:, 25:].all()


PROGRAM = """
import json
import numpy as np
from test_cell_kernels import drawn_cells, product
with np.errstate(over="ignore"):
    found = [product(3, 5, 9, by_rows=by_rows)[0].tolist() for by_rows in (False, True)]
    print(json.dumps([drawn_cells(4, 30)[3].tolist(), *found]))
"""


def test_interpreted_kernels_give_the_compiled_answer():
    psi, by_cells, by_rows = interpreted(__file__, PROGRAM)
    np.testing.assert_allclose(drawn_cells(4, 30)[3], psi, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(product(3, 5, 9)[0], by_cells, rtol=1e-4, atol=0.07)
    np.testing.assert_allclose(product(3, 5, 9, by_rows=True)[0], by_rows, rtol=1e-4, atol=0.07)
