"""From weights to coupling resistances: the mapping function mu_N."""

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.table import Fidelity
from circuitsnn.oscillator.transition import sharpened
from circuitsnn.oscillator.transition_closed_form import transition_resistance_closed_form


def map_pair_weight(weight: ArrayLike, card: Card, beta: float, fidelity: Fidelity = "relaxed") -> np.ndarray:
    """Evaluate mu_2: the coupling resistance of a pair that a weight asks for.

    Parameters
    ----------
    weight : array_like
        Weights W in [-1, 1]. [-]
    card : Card
        The oscillators.
    beta : float
        Slope of the activation g(x) = (tanh(beta x) + 1) / 2. [-]
    fidelity : {"relaxed", "abrupt", "smooth"}
        Device model whose closed-form transition is inverted.

    Returns
    -------
    ndarray
        Resistances, shaped as `weight`. [ohm]

    Raises
    ------
    InputError
        If a weight lies outside [-1, 1], or beta is not positive, or so steep that a weight asks for a delay at which
        the pair has no transition.

    References
    ----------
    Equation 21 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    try:
        weight = np.asarray(weight, dtype=float)
    except (TypeError, ValueError):
        raise InputError("weights must be numbers between -1 and 1") from None
    wrong = ~(np.abs(weight) <= 1.0)
    if wrong.any():
        raise InputError(f"weights must lie between -1 and 1; found {weight[wrong].ravel()[0]:.6g}")
    if not (isinstance(beta, (int, float, np.floating, np.integer)) and 0.0 < beta < np.inf):
        raise InputError(f"beta is {beta!r}; allowed is a finite number > 0")
    card = sharpened(card, fidelity)
    # Weights that differ by rounding only share one solution.
    values, which = np.unique(np.round(weight, 12), return_inverse=True)
    delays = 0.5 * closed_form.period(card) * 0.5 * (np.tanh(beta * values) + 1.0)
    try:
        resistances = transition_resistance_closed_form(delays, card)
    except InputError as error:
        raise InputError(f"weights {values.min():.4g} to {values.max():.4g} with beta = {beta:.4g}: {error}") from None
    return resistances[which].reshape(weight.shape)


def map_weights(weights: ArrayLike, card: Card, beta: float, fidelity: Fidelity = "relaxed") -> np.ndarray:
    """Evaluate mu_N: coupling resistances of a network from its weights.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Symmetric weights in [-1, 1]; the diagonal is ignored. [-]
    card : Card
        The oscillators.
    beta : float
        Slope of the activation; N/32 serves a Hebbian memory best. [-]
    fidelity : {"relaxed", "abrupt", "smooth"}
        Device model whose closed-form transition is inverted.

    Returns
    -------
    ndarray, shape (N, N)
        Coupling resistances (N - 1) mu_2(W), ``inf`` on the diagonal. [ohm]

    Raises
    ------
    InputError
        If the weights are not square, symmetric, and between -1 and 1, or beta does not do (see `map_pair_weight`).

    References
    ----------
    Equation 22 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    try:
        weights = np.array(weights, dtype=float)
    except (TypeError, ValueError):
        raise InputError("weights must be numbers between -1 and 1") from None
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or len(weights) < 2:
        raise InputError(f"weights have shape {weights.shape}; allowed is a square matrix of two oscillators or more")
    if not np.allclose(weights, weights.T, rtol=0.0, atol=1e-12, equal_nan=True):
        raise InputError("weights are not symmetric; a resistor between i and j has one value, W_ij = W_ji")
    np.fill_diagonal(weights, 0.0)
    size = len(weights)
    resistance = (size - 1) * map_pair_weight(weights, card, beta, fidelity)
    np.fill_diagonal(resistance, np.inf)
    return resistance


def linear_resistances(weights: ArrayLike, resistance: ArrayLike) -> np.ndarray:
    """Replace mapped resistances by their straight-line fit over the weights that occur.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Weights. [-]
    resistance : array_like, shape (N, N)
        Their coupling resistances, from `map_weights`. [ohm]

    Returns
    -------
    ndarray, shape (N, N)
        R_min + n Delta R_min for equally spaced weights (section 3.1.4), ``inf`` on the diagonal. [ohm]

    References
    ----------
    Section 3.1.4 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    weights = np.asarray(weights, dtype=float)
    resistance = np.asarray(resistance, dtype=float)
    if weights.shape != resistance.shape or weights.ndim != 2:
        raise InputError(f"weights have shape {weights.shape} and resistances {resistance.shape}; they must agree")
    pairs = np.triu_indices(len(weights), 1)
    slope, offset = np.polyfit(weights[pairs], resistance[pairs], 1)
    fitted = offset + slope * weights
    np.fill_diagonal(fitted, np.inf)
    return fitted
