"""Cells of an array, each with mismatch of its own: drawn, and what it draws from its line, in one pass.

Mismatch is a function of a key, the column and the place in it (`core.normals`), so that any part of an array can be
drawn alone. What a cell draws is a function of a few of its transistors' shifts, smooth enough for polynomials in them:
`Fit` holds these, made by `circuitsnn.sram.behaviour` from cells whose equations were solved.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from circuitsnn.core.normals import normal, progression

_BLOCK = 128  # columns worked on at a time


class Fit(NamedTuple):
    """Polynomials in some of a cell's normal numbers z: products of z, each one of those before it times one z more."""

    draws: np.ndarray
    """Which of the cell's normal numbers are z, shape (variables,), int64."""
    parent: np.ndarray
    """Product that each is made of, shape (terms,), int64; the first is 1."""
    variable: np.ndarray
    """Number of the z it is multiplied with, shape (terms,), int64."""
    coefficients: np.ndarray
    """Shape (rank + 1, terms), float32: logarithm of the first number of a cell, the others over the first, logarithm
    of its leakage."""


@njit(cache=True, error_model="numpy", parallel=True)
def normals(key, columns, first_row, out):
    """Fill `out`, shape (columns, rows, draws), with the normal numbers of cells from `first_row` on.

    Parameters
    ----------
    key : (2,) uint32
        Which chip.
    columns : (columns,) int64
        Numbers of the columns.
    first_row : int
        First row.
    out : (columns, rows, draws) float64
        Is filled.
    """
    draws = out.shape[2]
    for c in prange(out.shape[0]):
        start, step = progression(key, columns[c])
        for r in range(out.shape[1]):
            for d in range(draws):
                place = np.uint32((first_row + r) * draws + d)
                out[c, r, d] = normal(np.uint32(start + np.uint32(place * step)))


@njit(cache=True, error_model="numpy", parallel=True)
def numbers(key, columns, stored, draws, fit, tile, psi, leakage):
    """Draw the cells that hold a 1 and give what they draw.

    Parameters
    ----------
    key : (2,) uint32
        Which chip.
    columns : (columns,) int64
        Numbers of the columns.
    stored : (rows, columns) bool
        Which cells hold a 1; the others are left out.
    draws : int
        Normal numbers of a cell.
    fit : Fit
        The polynomials.
    tile : (rows,) int64
        Row of `leakage` for each row.
    psi : (rank, rows, columns) float32
        Is filled where a cell holds a 1.
    leakage : (tiles, columns) float64
        The leakage of these cells is added.
    """
    rows, count = stored.shape
    rank, variables, terms = psi.shape[0], fit.draws.size, fit.parent.size
    for block in prange((count + _BLOCK - 1) // _BLOCK):
        first = block * _BLOCK
        width = min(_BLOCK, count - first)
        starts, steps = np.empty(width, np.uint32), np.empty(width, np.uint32)
        for c in range(width):
            starts[c], steps[c] = progression(key, columns[first + c])
        which, word, stride = np.empty(width, np.int64), np.empty(width, np.uint32), np.empty(width, np.uint32)
        z = np.empty((variables, width), np.float32)
        products = np.ones((terms, width), np.float32)
        values = np.empty((rank + 1, width), np.float32)
        for row in range(rows):
            ones = 0
            for c in range(width):
                which[ones] = c
                ones += stored[row, first + c]
            if ones == 0:
                continue
            for i in range(ones):
                stride[i] = steps[which[i]]
                word[i] = starts[which[i]] + np.uint32(np.uint32(row * draws) * stride[i])
            for v in range(variables):
                place = np.uint32(fit.draws[v])
                line = z[v]
                for i in range(ones):
                    line[i] = normal(np.uint32(word[i] + np.uint32(place * stride[i])))
            for f in range(rank + 1):
                value, constant = values[f], fit.coefficients[f, 0]
                for i in range(ones):
                    value[i] = constant
            for t in range(1, terms):
                product, before, by = products[t], products[fit.parent[t]], z[fit.variable[t]]
                for i in range(ones):
                    product[i] = before[i] * by[i]
                for f in range(rank + 1):
                    value, factor = values[f], fit.coefficients[f, t]
                    for i in range(ones):
                        value[i] += factor * product[i]
            here = tile[row]
            for i in range(ones):
                first_number = np.exp(values[0, i])
                psi[0, row, first + which[i]] = first_number
                for f in range(1, rank):
                    psi[f, row, first + which[i]] = values[f, i] * first_number
                leakage[here, first + which[i]] += np.exp(values[rank, i])
