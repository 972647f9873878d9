"""What comes of a fit: parameters with their intervals, and the fitted card."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from circuitsnn.card_kinds import KINDS
from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.fitting.least_squares import Estimate
from circuitsnn.quantities import show_quantity
from circuitsnn.status import Status

_DIGITS = 10  # of a fitted value, far beyond its error but short enough to read


@dataclass(frozen=True)
class FittedParameter:
    """One parameter that the data depend on."""

    name: str
    """Its name on the card."""
    unit: str
    """SI unit."""
    start: float
    """Value on the card that the fit started from. [`unit`]"""
    value: float
    """Value on the fitted card. [`unit`]"""
    standard_error: float = np.nan
    """Standard error; NaN for a parameter that was held. [`unit`]"""
    lower: float = np.nan
    """Lower end of the 95 % interval; NaN for a parameter that was held. [`unit`]"""
    upper: float = np.nan
    """Upper end of it. [`unit`]"""
    fitted: bool = True
    """Whether the value comes from the data."""
    reason: str = ""
    """Why it was held, where it was."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A device card fitted to data.

    The intervals hold for a model that is right and noise that is white and normal; `remarks` says where the residuals
    show otherwise. They are conditional on the parameters that were held.
    """

    card: Card
    """The fitted card; the source of each fitted parameter names the data and gives the interval."""
    data: Any
    """What it was fitted to: an IVLoop, an OutputWaveform or TransistorCurves."""
    parameters: Mapping[str, FittedParameter]
    """The parameters that such data depend on, fitted or held."""
    correlation: pd.DataFrame
    """Correlation of the fitted parameters' errors."""
    predicted: np.ndarray
    """The model at each sample; NaN for a sample that was left out. [A, of a waveform V]"""
    residuals: np.ndarray
    """Sample minus model; of a transistor's curves relative, see TransistorCurves. [A, V or 1]"""
    rms: float
    """Root mean square of the residuals. [their unit]"""
    status: Status
    """Whether least squares settled and found every parameter that was asked for, and what to do if not."""
    remarks: tuple[str, ...]
    """What else a user must know of the data and the intervals."""
    fidelity: str | None = None
    """Device model, where the kind of device has several."""
    cycle_spread: Mapping[str, float] = field(default_factory=dict)
    """Standard deviation of a threshold from one switching to the next, where a loop shows it. [V]"""

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the parameters.

        Returns
        -------
        pandas.DataFrame
            One row a parameter. [SI]
        """
        rows = [vars(parameter) for parameter in self.parameters.values()]
        return pd.DataFrame(rows).set_index("name")


def check_names(
    kind: str, free: Collection[str] | None, hold: Collection[str], relevant: Collection[str], what: str
) -> None:
    """Check the names of parameters to fit and to hold.

    Parameters
    ----------
    kind : str
        Kind of the card.
    free : collection of str or None
        Parameters to fit, as given.
    hold : collection of str
        Parameters to hold, as given.
    relevant : collection of str
        Parameters that such data depend on.
    what : str
        The data in words, for the error message.

    Raises
    ------
    InputError
        If a name is wrong.
    """
    if any(isinstance(each, str) or not isinstance(each, Collection) for each in (() if free is None else free, hold)):
        raise InputError("free and hold must be collections of names, such as ['R_ins', 'V_H']")
    for name in hold:
        if name not in KINDS[kind].names:
            raise InputError(f"hold names an unknown parameter {name!r}; allowed: {', '.join(relevant)}")
    for name in free or ():
        if name not in relevant:
            raise InputError(f"parameter {name!r} cannot be fitted to {what}; allowed: {', '.join(relevant)}")


def finish_fit(
    card: Card,
    data: Any,
    relevant: Collection[str],
    estimate: Estimate,
    residuals: np.ndarray,
    method: str,
    *,
    asked: bool,
    fidelity: str | None = None,
) -> Fit:
    """Turn an estimate into a fit with its card.

    Parameters
    ----------
    card : Card
        The card that the fit started from.
    data : IVLoop, OutputWaveform or TransistorCurves
        What it was fitted to.
    relevant : collection of str
        The parameters that such data depend on.
    estimate : Estimate
        What came of it.
    residuals : ndarray
        Sample minus model. [A, V or 1]
    method : str
        How it was fitted, for the card's sources.
    asked : bool
        Whether the user named the parameters to fit, so that one which the data do not tell is a failure.
    fidelity : str, optional
        Device model.

    Returns
    -------
    Fit
        The fit.
    """
    parameters = {}
    for name in relevant:
        known = card.parameters[name]
        if name in estimate.values:
            value = float(f"{estimate.values[name]:.{_DIGITS}g}")
            ends = estimate.intervals[name]
            found = FittedParameter(name, known.unit, known.value, value, estimate.errors[name], *ends)
        else:
            why = estimate.not_identified.get(name)
            reason = f"not identified: {why}" if why else "known"
            found = FittedParameter(name, known.unit, known.value, known.value, fitted=False, reason=reason)
        parameters[name] = found
    return Fit(
        card=_fitted_card(card, data, method, parameters),
        data=data,
        parameters=parameters,
        correlation=estimate.correlation,
        predicted=estimate.predicted,
        residuals=residuals,
        rms=float(np.sqrt(np.nanmean(residuals**2))),
        status=_status(estimate.advice, estimate.not_identified if asked else {}),
        remarks=estimate.remarks,
        fidelity=fidelity,
        cycle_spread=estimate.spread,
    )


def show_interval(parameter: FittedParameter) -> str:
    """Print the 95 % interval of a fitted parameter, to a hundredth of its width or so.

    Parameters
    ----------
    parameter : FittedParameter
        The parameter.

    Returns
    -------
    str
        Such as "99.8 kΩ to 100.6 kΩ", or "above 5 MΩ" where the data give no upper end.
    """
    digits = _digits(parameter)
    low = show_quantity(parameter.lower, parameter.unit, digits)
    if parameter.upper == np.inf:
        return f"above {low}"
    return f"{low} to {show_quantity(parameter.upper, parameter.unit, digits)}"


def show_value(parameter: FittedParameter) -> str:
    """Print the value of a parameter, a fitted one to a hundredth of its interval or so.

    Parameters
    ----------
    parameter : FittedParameter
        The parameter.

    Returns
    -------
    str
        Such as "100.2 kΩ".
    """
    return show_quantity(parameter.value, parameter.unit, _digits(parameter) if parameter.fitted else None)


def _digits(parameter: FittedParameter) -> int:
    """Digits after the first one that the interval leaves a meaning."""
    error = parameter.standard_error
    if not (error > 0.0 and abs(parameter.value) > 0.0):
        return _DIGITS - 1
    return int(min(max(np.ceil(np.log10(abs(parameter.value) / error)) + 1, 2), _DIGITS - 1))


def _status(advice: str, missed: Mapping[str, str]) -> Status:
    parts = [advice] if advice else []
    parts += [
        f"{name} is not identified ({why}) and keeps the card's value; hold it, or give data that tell it"
        for name, why in missed.items()
    ]
    return Status("not settled", "; ".join(parts)) if parts else Status("settled")


def _fitted_card(card: Card, data: Any, method: str, parameters: Mapping[str, FittedParameter]) -> Card:
    """Put the fitted values on the card, each with where it comes from."""
    fitted = {name: parameter for name, parameter in parameters.items() if parameter.fitted}
    changed = dict(card.parameters)
    for name, parameter in fitted.items():
        source = f"fitted to {data.source} ({method}); 95 % interval {show_interval(parameter)}"
        changed[name] = replace(card.parameters[name], value=parameter.value, source=source)
    names = ", ".join(fitted)
    held = [f"{name} = {show_quantity(p.value, p.unit)}" for name, p in parameters.items() if not p.fitted]
    notes = f"{names} were fitted to {data.source} ({method})"
    notes += f", holding {', '.join(held)}." if held else "."
    notes += " The spreads are those of the card that the fit started from: the intervals are no device spreads.\n"
    if card.notes.strip():
        notes += f"\nNotes of the card that the fit started from, {card.name}:\n\n{card.notes}"
    try:
        return replace(
            card,
            name=f"{card.name}_fitted",
            title=f"{card.title}, fitted to {data.source}",
            source=f"{card.source}; {names} fitted to {data.source}",
            parameters=changed,
            notes=notes,
            path=None,
        )
    except InputError as error:
        raise InputError(f"{error}; the parameters that are held do not go with those that were fitted") from None
