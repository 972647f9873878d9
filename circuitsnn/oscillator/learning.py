"""Learning rules: from patterns to weights, and the discrete Hopfield network as a yardstick.

Each rule returns symmetric weights W with a zero diagonal. The mapping to coupling resistances takes weights
within [-1, 1]; what each rule can reach stands in its docstring.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsnn.errors import InputError
from circuitsnn.oscillator.patterns import checked_image, checked_patterns


def hebbian(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return the Hebbian weights W_ij = (1/N) sum_k xi_i^k xi_j^k.

    They lie within [-M/N, M/N], thus within [-1, 1] for no more patterns than pixels.

    Parameters
    ----------
    patterns : array_like
        Patterns xi of +-1, shape (M, N). [-]

    Returns
    -------
    ndarray
        Weights, shape (N, N). [-]

    References
    ----------
    Equation 23 of Delacour and Todri-Sanial (2021), doi:10.3389/fnins.2021.694549.
    """
    patterns = checked_patterns(patterns)
    return _without_diagonal(patterns.T @ patterns / patterns.shape[1])


def storkey(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return the weights of Storkey's rule, which corrects each pattern by what the earlier ones store.

    W_ij grows by (xi_i xi_j - xi_i h_ji - h_ij xi_j)/N for each pattern in turn, with the local field
    h_ij = sum_{k != i, j} W_ik xi_k of the weights so far. The order of the patterns matters. A
    single pattern gives the Hebbian weights. There is no bound in closed form: random patterns with M/N = 0.1
    stay below 0.2, those with M = N about reach 1, and more patterns than pixels soon leave [-1, 1].

    Parameters
    ----------
    patterns : array_like
        Patterns xi of +-1, shape (M, N). [-]

    Returns
    -------
    ndarray
        Weights, shape (N, N). [-]

    References
    ----------
    Storkey (1997), Increasing the capacity of a Hopfield network without sacrificing functionality, ICANN,
    doi:10.1007/BFb0020196.
    """
    patterns = checked_patterns(patterns)
    size = patterns.shape[1]
    weights = np.zeros((size, size))
    for pattern in patterns:
        field = (weights @ pattern)[:, np.newaxis] - weights * pattern
        correction = field * pattern
        weights += (np.outer(pattern, pattern) - correction - correction.T) / size
        np.fill_diagonal(weights, 0.0)
    return weights


def pseudo_inverse(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return the weights of the projection rule, which stores any linearly independent patterns.

    W is the orthogonal projector onto the patterns, its diagonal set to zero. A projector's entries off the
    diagonal lie within [-1/2, 1/2].

    Parameters
    ----------
    patterns : array_like
        Patterns xi of +-1, shape (M, N). [-]

    Returns
    -------
    ndarray
        Weights, shape (N, N). [-]

    References
    ----------
    Personnaz, Guyon and Dreyfus (1986), Collective computational properties of neural networks: new learning
    mechanisms, Physical Review A 34, 4217, doi:10.1103/PhysRevA.34.4217.
    """
    patterns = checked_patterns(patterns)
    return _without_diagonal(np.linalg.pinv(patterns) @ patterns)


def hopfield_recall(weights: ArrayLike, image: ArrayLike) -> NDArray[np.float64]:
    """Return what an ideal, discrete Hopfield network recalls from an image.

    One pixel after the other, in index order, takes the sign of its field sum_j W_ij S_j until none changes;
    symmetric weights with a zero diagonal make sure that this ends. A grey pixel acts with its grey value
    until its own first update. A pixel without a field stays as it is (a grey one turns to its nearer side).

    Parameters
    ----------
    weights : array_like
        Symmetric weights with a zero diagonal, shape (N, N). [-]
    image : array_like
        Image, black -1 to white +1, shape (N,). [-]

    Returns
    -------
    ndarray
        Answer of +-1 relative to pixel 0 (+1: equal to it), as oscillators give it, shape (N,). [-]

    Raises
    ------
    InputError
        If shapes do not fit, or the weights are asymmetric or have a diagonal.

    References
    ----------
    Hopfield (1982), doi:10.1073/pnas.79.8.2554.
    """
    state = checked_image(image).copy()
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (state.size, state.size):
        raise InputError(
            f"weights: the image has {state.size} pixels, so the shape must be "
            f"({state.size}, {state.size}), found {weights.shape}."
        )
    scale = np.abs(weights).max()
    if not np.isfinite(scale) or np.abs(weights - weights.T).max() > 1e-9 * scale or np.diag(weights).any():
        raise InputError("weights: they must be finite and symmetric, with a zero diagonal.")
    # Fields that cancel leave rounding errors, which must not decide a pixel.
    smallest_field = 1e-12 * np.abs(weights).sum(axis=1).max()
    before = None
    while not np.array_equal(state, before):
        before = state.copy()
        for i in range(state.size):
            field = weights[i] @ state
            drive = field if abs(field) > smallest_field else state[i]
            state[i] = 1.0 if drive >= 0 else -1.0
    return state * state[0]


def _without_diagonal(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights made exactly symmetric, with a zero diagonal."""
    symmetric = (weights + weights.T) / 2
    np.fill_diagonal(symmetric, 0.0)
    return symmetric
