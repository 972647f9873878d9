"""Fitting a transistor's card to its drain current at many bias points; docs/theory/transistor.md."""

from collections.abc import Collection, Sequence

import numpy as np

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.fitting.least_squares import (
    Coordinates,
    Estimate,
    Form,
    Solution,
    correlation_remark,
    solve,
    summarise,
    weakest_direction,
)
from circuitsnn.fitting.result import Fit, check_names, finish_fit
from circuitsnn.transistor.fit_data import TransistorCurves
from circuitsnn.transistor.mosfet import Conditions, Mosfet, check_transistor_card

__all__ = ["TransistorCurves", "fit_transistor"]

PARAMETERS = ("V_T0", "n", "K_P", "theta", "lambda_CLM", "sigma_DIBL")

# How the solver sees a parameter: form, unit (None for the start's value), bounds of its share of the unit.
_FORMS: dict[str, tuple[Form, float | None, float, float]] = {
    "V_T0": ("linear", 0.1, -50.0, 50.0),
    "n": ("logarithm", 1.0, 1.0, 5.0),
    "K_P": ("logarithm", None, 1e-4, 1e4),
    "theta": ("linear", 1.0, 0.0, 100.0),
    "lambda_CLM": ("linear", 0.1, 0.0, 100.0),
    "sigma_DIBL": ("linear", 0.1, 0.0, 5.0),
}
# Who is taken as known first where the data do not tell: the corrections come before what they correct.
_KNOWN_FIRST = ("theta", "lambda_CLM", "sigma_DIBL", "K_P", "n", "V_T0")
_CHANGE = 1e-5  # of the relative residuals: what the derivatives rest on
_NEGLIGIBLE = 1e-6  # residual below which it does not matter what is left


def fit_transistor(
    card: Card, data: TransistorCurves, *, free: Collection[str] | None = None, hold: Collection[str] = ()
) -> Fit:
    """Fit a card's parameters to a transistor's curves, by least squares of asinh(I_D / noise_floor).

    Parameters
    ----------
    card : Card
        Where to start, of kind "nmos" or "pmos", and what is known: what is not fitted keeps its values. A card's
        values hold at its T_ref; curves at another temperature are taken there by its dV_T_dT and mobility_exponent.
    data : TransistorCurves
        The samples.
    free : collection of str, optional
        Parameters to fit; without it V_T0, n, K_P, theta, lambda_CLM and sigma_DIBL. What the data do not tell of those
        is held and marked.
    hold : collection of str
        Parameters to take out of those.

    Returns
    -------
    Fit
        The fitted card with standard errors, 95 % intervals, residuals (relative, see `TransistorCurves`), and a status
        with advice.

    Raises
    ------
    InputError
        If the data do not suit, identify nothing, or an argument is wrong.
    """
    check_transistor_card(card)
    if not isinstance(data, TransistorCurves):
        raise InputError(f"data is {data!r}; allowed for a transistor are TransistorCurves")
    check_names(card.kind, free, hold, PARAMETERS, "the curves of a transistor")
    wanted = [name for name in PARAMETERS if (free is None or name in free) and name not in hold]
    if not wanted:
        raise InputError(f"no parameter is left to fit; free some of {', '.join(PARAMETERS)}")
    if np.abs(data.i_d).max() <= data.noise_floor:
        raise InputError(
            f"no current of the curves is above their noise floor of {data.noise_floor:g} A; allowed are curves that "
            "are, or a lower noise_floor"
        )
    voltage_sign, current_sign, remarks = _signs(card, data)
    estimate, residuals = _estimate(card, data, wanted, voltage_sign, current_sign, remarks)
    return finish_fit(
        card,
        data,
        PARAMETERS,
        estimate,
        residuals,
        f"least squares of asinh(I_D / {data.noise_floor:g} A)",
        asked=free is not None,
    )


def _signs(card: Card, data: TransistorCurves) -> tuple[float, float, list[str]]:
    """Signs that turn the samples' voltages and current into the model's, with remarks where they are -1."""
    polarity = 1.0 if card.kind == "nmos" else -1.0
    remarks = []
    along = float(np.sum(data.v_ds))
    voltage_sign = -1.0 if along * polarity < 0.0 else 1.0
    if voltage_sign < 0.0 and card.kind == "nmos":
        raise InputError(
            "the drain voltages of the curves are negative, those of a p-channel transistor; the card is of kind 'nmos'"
        )
    if voltage_sign < 0.0:
        remarks.append("the voltages were taken for magnitudes of a p-channel transistor's")
    current_sign = -1.0 if float(np.sum(data.i_d)) * polarity < 0.0 else 1.0
    if current_sign < 0.0 and voltage_sign > 0.0:
        remarks.append("the current's sign was turned, so that it flows into the drain")
    return voltage_sign, current_sign, remarks


def _estimate(
    card: Card,
    data: TransistorCurves,
    wanted: Sequence[str],
    voltage_sign: float,
    current_sign: float,
    remarks: list[str],
) -> tuple[Estimate, np.ndarray]:
    """Estimate the parameters, and hold one after the other of those that the data do not tell."""
    bias = [voltage_sign * each for each in (data.v_gs, data.v_ds, np.zeros(len(data.v_gs)), data.v_bs)]
    measured = np.arcsinh(current_sign * data.i_d / data.noise_floor)
    conditions = Conditions(temperature=data.temperature)
    start = card.values

    def current(values: dict[str, float]) -> np.ndarray:
        trial = card.replace(**{name: values[name] for name in PARAMETERS})
        return Mosfet(trial, data.width, data.length, conditions).drain_current(*bias)

    def fit(names: Sequence[str]) -> tuple[Coordinates, Solution]:
        coordinates = _lay_coordinates(names, start)

        def residuals(x: np.ndarray) -> np.ndarray:
            return measured - np.arcsinh(current({**start, **coordinates.values(x)}) / data.noise_floor)

        return coordinates, solve(
            residuals, coordinates.of_values(start), coordinates.lower, coordinates.upper, _CHANGE
        )

    names, not_identified = list(wanted), {}
    rough = [name for name in ("V_T0", "K_P") if name in names]
    if rough:  # the threshold and the strength first: from far away the others would bend to make up for them
        coordinates, solution = fit(rough)
        start |= coordinates.values(solution.x)
    while names:
        coordinates, solution = fit(names)
        freedom = max(len(solution.residuals) - len(names), 1)
        noise = float(np.sqrt(np.sum(solution.residuals**2) / freedom))
        weak = weakest_direction(solution.jacobian * coordinates.large(solution.x), noise)
        if weak is None:
            break
        held = coordinates.to_hold(weak[0])
        not_identified[held] = coordinates.weakness(*weak)
        remarks += coordinates.tie_remark(weak[0], held, card)
        names.remove(held)
        start[held] = getattr(card, held)
    else:
        raise InputError(f"the data identify none of {', '.join(wanted)}: {'; '.join(not_identified.values())}")
    remarks += correlation_remark(
        solution.residuals, _NEGLIGIBLE, "the model misses something of the curves, or the noise is not white"
    )
    estimate = summarise(
        coordinates,
        solution,
        noise,
        {},
        not_identified=not_identified,
        predicted=current_sign * current({**start, **coordinates.values(solution.x)}),
        remarks=tuple(remarks),
        spread={},
    )
    return estimate, solution.residuals


def _lay_coordinates(names: Sequence[str], start: dict[str, float]) -> Coordinates:
    """Lay coordinates through starting values, bounded by what a card may hold."""
    forms, lower, upper, units = [], [], [], []
    for name in names:
        form, unit, least, most = _FORMS[name]
        bounds = np.log([least, most]) if form == "logarithm" else (least, most)
        forms.append(form)
        units.append(start[name] if unit is None else unit)
        lower.append(bounds[0])
        upper.append(bounds[1])
    return Coordinates(
        tuple(names), tuple(forms), tuple(units), np.array(lower), np.array(upper), np.ones(len(names)), _KNOWN_FIRST
    )
