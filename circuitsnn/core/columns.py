"""Many columns of an array at once: reads by the line's ODE, and each cell's charge at a given line voltage."""

import numpy as np
from numba import njit, prange

from circuitsnn.core.bitline import COMPLETE, LEVEL, T_OFF, T_ON, WAVE, Cells, cell_current, transient


@njit(cache=True, error_model="numpy", parallel=True)
def unit_charges(transistors, v_supply, v_line, nodes, weights, charges):
    """Integrate what cells draw from a line that is held at `v_line`, over their word line's wave.

    Parameters
    ----------
    transistors : (cells, TRANSISTORS, COLUMNS)
        Cells that discharge the line.
    v_supply, v_line : float
        Supply of the cells and voltage of the line. [V]
    nodes, weights : (codes, points)
        For each wave, word-line voltages in falling order [V] and the time spent at each (a quadrature) [s].
    charges : (codes, cells)
        Is filled. [C]
    """
    for cell in prange(len(transistors)):
        for code in range(len(nodes)):
            q, total = 0.0, 0.0
            for point in range(nodes.shape[1]):
                if weights[code, point] == 0.0:
                    continue
                solution = cell_current(transistors[cell], v_supply, v_supply, v_line, nodes[code, point], q)
                q = solution[0]
                total += weights[code, point] * solution[3]
            charges[code, cell] = total


@njit(cache=True, error_model="numpy", nogil=True)
def column_reads(
    transistors, stored, drive, levels, durations, line, tau, t_sample, t_end, tolerance, discharges, charges
):
    """Read columns by the ODE of `core.bitline`, each line lumped; threads may share the columns.

    Parameters
    ----------
    transistors : (columns, rows, TRANSISTORS, COLUMNS)
        The cells' sides on the line.
    stored : (columns, rows) uint8
        1 where the cell discharges the line.
    drive : (reads, rows) uint8
        What each word line carries: an index into the last axis of `levels` and of `durations`.
    levels : (reads, codes)
        Level of a word line for each index. [V]
    durations : (codes,)
        Duration of its pulse. [s]
    line : Line
        The bit line.
    tau : float
        Time constant of the word lines. [s]
    t_sample, t_end : float
        When the line is sampled and the precharge begins, and when it ends. [s]
    tolerance : float
        Error that a step may make. [V]
    discharges : (reads, columns)
        Is filled with the discharges at the sense end. [V]
    charges : (reads, columns, CHARGES)
        Is filled with the charges over the cycle. [C]

    Returns
    -------
    bool
        Whether every read came to its end.
    """
    reads, rows = drive.shape
    columns, codes = len(stored), len(durations)
    complete = True
    for column in range(columns):
        gate = stored[column] * line.v_supply
        node, count = np.zeros(rows, np.int64), np.ones(rows)
        start = np.full(1, line.v_precharge)
        waves = np.zeros((codes, WAVE))
        edges = np.unique(np.concatenate((np.array([0.0, t_sample, t_end]), durations)))
        for read in range(reads):
            waves[:, T_ON] = 0.0
            waves[:, T_OFF] = durations
            waves[:, LEVEL] = levels[read]
            cells = Cells(transistors[column], gate, node, drive[read].astype(np.int64), count)
            run = transient(line, cells, waves, tau, start, edges, t_sample, np.zeros(0), tolerance)
            discharges[read, column] = line.v_precharge - run.sample[0]
            charges[read, column] = run.charges
            complete = complete and run.code == COMPLETE
    return complete
