"""Gauss-Legendre collocation on the unit interval: nodes, weights and the matrices that the kernels use.

Everything is a constant array; numba freezes it into the compiled kernels. ``ORDER`` nodes integrate
polynomials of degree ``2 ORDER - 1`` exactly, so step ends are accurate to order ``2 ORDER`` and points inside a
step to order ``ORDER + 1``.

References
----------
Hairer, E., Wanner, G.: Solving Ordinary Differential Equations II, section IV.5. doi:10.1007/978-3-642-05221-7
"""

import numpy as np
from numpy.polynomial import Polynomial, legendre

ORDER = 4


def _lagrange_basis(nodes: np.ndarray) -> list[Polynomial]:
    """Lagrange polynomials of the nodes."""
    basis = []
    for index, node in enumerate(nodes):
        others = np.delete(nodes, index)
        basis.append(Polynomial.fromroots(others) / np.prod(node - others))
    return basis


_roots, _weights = legendre.leggauss(ORDER)
NODES = 0.5 * (_roots + 1.0)
WEIGHTS = 0.5 * _weights

_basis = _lagrange_basis(NODES)
# LAGRANGE[l, k]: coefficient of x**k in the l-th Lagrange polynomial.
LAGRANGE = np.array([polynomial.coef for polynomial in _basis])
# END_VALUES[l]: the l-th Lagrange polynomial at 1.
END_VALUES = LAGRANGE.sum(axis=1)
# PRIMITIVE[l, k]: coefficient of x**(k + 1) in its integral from 0 to x.
PRIMITIVE = LAGRANGE / np.arange(1, ORDER + 1)
# INTEGRATION[n, l]: integral of the l-th Lagrange polynomial from 0 to node n.
INTEGRATION = np.array([[polynomial.integ()(node) for polynomial in _basis] for node in NODES])
# LEGENDRE[k, n]: shifted Legendre polynomial of degree k at node n.
LEGENDRE = np.array([legendre.legval(_roots, np.eye(ORDER)[k]) for k in range(ORDER)])
# PROJECTION[n, k]: value at node n of the k-th term of a Legendre series from its moments.
PROJECTION = LEGENDRE.T * (2.0 * np.arange(ORDER) + 1.0)
