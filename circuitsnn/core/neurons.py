"""Neurons made of circuits: a comparator with offset and noise, and a relaxation oscillator whose phase counts.

Arrays have the axes (steps, samples, neurons); those of neurons alone have one axis.
"""

from typing import NamedTuple

import numpy as np
from numba import njit


class Comparators(NamedTuple):
    """A layer of integrate-and-fire neurons with a comparator each."""

    decision: np.ndarray
    """Potential at which a neuron's comparator decides for a spike, without noise, shape (neurons,). [-]"""
    noise: np.ndarray
    """Standard deviation of the noise of a decision, shape (neurons,). [-]"""
    reset: np.ndarray
    """What a soft reset takes off, shape (neurons,). [-]"""
    leak: np.ndarray
    """What remains of the potential after a step, shape (neurons,). [1]"""
    reset_decay: float
    """What remains of a late reset after a step. [1]"""
    early: bool
    """Whether a soft reset takes place in the step of the spike."""
    late: bool
    """Whether a soft reset takes place in the step after the spike."""
    hard: bool
    """Whether a spike sets the potential to zero."""
    at_threshold: bool
    """Whether a potential equal to the threshold makes a spike."""
    refractory: int
    """Steps after a spike without input and spikes."""


@njit(cache=True, error_model="numpy")
def compare(drive, comparators, scores, spikes):
    """Let neurons with comparators spike, from a potential of zero.

    Parameters
    ----------
    drive : (T or 1, n, neurons) float64
        Input in each step, or in all of them.
    comparators : Comparators
        The neurons.
    scores : (T, n, neurons) or (0, 0, 0) float32
        A standard normal number for each decision; none without noise.
    spikes : (T, n, neurons) uint8
        Is filled.
    """
    steps, samples, size = spikes.shape
    noisy = scores.size > 0
    for sample in range(samples):
        u, taken = np.zeros(size), np.zeros(size)
        fired, wait = np.zeros(size, np.uint8), np.zeros(size, np.int64)
        for t in range(steps):
            given = drive[t if drive.shape[0] > 1 else 0, sample]
            for i in range(size):
                kept = u[i]
                if fired[i]:
                    if comparators.hard:
                        kept = 0.0
                    elif comparators.early:
                        kept -= comparators.reset[i]
                taken[i] = comparators.reset_decay * taken[i] + fired[i]
                potential = comparators.leak[i] * kept
                if wait[i] == 0:
                    potential += given[i]
                if comparators.late:
                    potential -= comparators.reset[i] * taken[i]
                u[i] = potential
                seen = potential
                if noisy:
                    seen += comparators.noise[i] * scores[t, sample, i]
                spike = seen > comparators.decision[i] or (comparators.at_threshold and seen == comparators.decision[i])
                if wait[i] > 0:
                    spike = False
                    wait[i] -= 1
                elif spike:
                    wait[i] = comparators.refractory
                fired[i] = spike
                spikes[t, sample, i] = spike


@njit(cache=True, error_model="numpy")
def accumulate_phase(drive, slope, offset, turns, spikes):
    """Let oscillators run at what their drive says, and make a spike where the phase passes whole numbers.

    Parameters
    ----------
    drive : (T or 1, n, neurons) float64
        Input in each step, or in all of them. [-]
    slope, offset : (neurons,) float64
        From the input to a place in the table. [1]
    turns : (neurons, places) float64
        Turns of each neuron's phase in a step, at evenly spaced places; linear in between, the last one beyond. [1]
    spikes : (T, n, neurons) uint8
        Is filled; several turns in one step make one spike.
    """
    steps, samples, size = spikes.shape
    last = turns.shape[1] - 1
    for sample in range(samples):
        phase = np.zeros(size)
        for t in range(steps):
            given = drive[t if drive.shape[0] > 1 else 0, sample]
            for i in range(size):
                place = min(max(offset[i] + slope[i] * given[i], 0.0), float(last))
                below = min(int(place), last - 1)
                share = place - below
                phase[i] += (1.0 - share) * turns[i, below] + share * turns[i, below + 1]
                whole = np.floor(phase[i])
                phase[i] -= whole
                spikes[t, sample, i] = whole > 0.0
