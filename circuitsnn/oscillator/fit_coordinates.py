"""The parameters of an oscillator as least squares sees them."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import t

from circuitsnn.cards import Card
from circuitsnn.fitting.least_squares import CONFIDENCE, Coordinates, Solution, covariance
from circuitsnn.quantities import show_quantity

_REACH = 1e4  # factor about the start within which a parameter is looked for
_FAR_BEYOND = 10.0  # times the least R_ins that the data allow
# The bench comes before the film.
_KNOWN_FIRST = ("V_DD", "R_S", "C_P", "alpha", "tau_0", "R_met", "R_ins", "V_L", "V_H")
# A device may insulate better than the data can see, and its transition may be too short to see.
_FORMS = {"R_ins": "inverse", "tau_0": "linear"}


def lay_coordinates(names: Sequence[str], start: Mapping[str, float], large: Mapping[str, float]) -> Coordinates:
    """Lay coordinates through starting values: logarithms, but unit / R_ins and tau_0 / unit.

    Parameters
    ----------
    names : sequence of str
        The free parameters.
    start : mapping of str to float
        Their starting values. [SI]
    large : mapping of str to float
        The units of R_ins and tau_0: a resistance whose conductance, and a time that, would be a large change of
        what the data show. [SI]

    Returns
    -------
    Coordinates
        The coordinates, bounded by what a card may hold and to a factor `_REACH` about the start.
    """
    least = {"tau_0": 0.0, "R_ins": _REACH**-2.0}  # a card holds no infinite resistance
    most = {"tau_0": _REACH, "R_ins": _REACH * max(large.get("R_ins", 0.0) / start["R_ins"], 1.0)}
    return Coordinates(
        names=tuple(names),
        forms=tuple(_FORMS.get(name, "logarithm") for name in names),
        units=tuple(large.get(name, start[name]) for name in names),
        lower=np.array([least.get(name, -np.log(_REACH)) for name in names]),
        upper=np.array([most.get(name, np.log(_REACH)) for name in names]),
        least_large=np.array([0.3 if name == "alpha" else 1.0 for name in names]),
        known_first=_KNOWN_FIRST,
    )


def out_of_sight(coordinates: Coordinates, solution: Solution, noise: float, card: Card) -> str:
    """Say so where the device insulates better than the data see and the card's R_ins is as good as any."""
    if "R_ins" not in coordinates.names:
        return ""
    student = t.ppf(0.5 + CONFIDENCE / 2, max(len(solution.residuals) - len(solution.x), 1))
    widths = student * np.sqrt(np.diag(covariance(solution.jacobian, noise)))
    low, high = coordinates.ends(solution.x, widths[: len(coordinates.names)])["R_ins"]
    # Only where it makes no difference to the other parameters.
    if high < np.inf or card.R_ins < _FAR_BEYOND * low:
        return ""
    return f"the data say only that it is above {show_quantity(low, 'Ω', 2)}"
