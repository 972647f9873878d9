"""Fitting a device card to what was measured or simulated: an I-V loop, or the waveform of an oscillator.

docs/fit.md says what such data tell of a device and what they do not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from circuitsnn.card_kinds import KINDS
from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.oscillator import fit_loop, fit_waveform
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.fit_data import IVLoop, OutputWaveform
from circuitsnn.oscillator.network import Status
from circuitsnn.oscillator.table import Fidelity, checked_fidelity
from circuitsnn.quantities import show_quantity

__all__ = ["Fit", "FittedParameter", "IVLoop", "OutputWaveform", "fit_card", "show_interval", "show_value"]

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
    data: IVLoop | OutputWaveform
    """What it was fitted to."""
    fidelity: Fidelity
    """Device model."""
    parameters: Mapping[str, FittedParameter]
    """The parameters that such data depend on, fitted or held."""
    correlation: pd.DataFrame
    """Correlation of the fitted parameters' errors."""
    predicted: np.ndarray
    """The model at each sample; NaN for a sample that was left out. [A for a loop, V for a waveform]"""
    residuals: np.ndarray
    """Sample minus model. [A or V]"""
    rms: float
    """Root mean square of the residuals. [A or V]"""
    cycle_spread: Mapping[str, float]
    """Standard deviation of a threshold from one switching to the next, where a loop shows it. [V]"""
    status: Status
    """Whether least squares settled and found every parameter that was asked for, and what to do if not."""
    remarks: tuple[str, ...]
    """What else a user must know of the data and the intervals."""

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the parameters.

        Returns
        -------
        pandas.DataFrame
            One row a parameter. [SI]
        """
        rows = [vars(parameter) for parameter in self.parameters.values()]
        return pd.DataFrame(rows).set_index("name")


def fit_card(
    card: Card,
    data: IVLoop | OutputWaveform,
    *,
    free: Collection[str] | None = None,
    hold: Collection[str] = (),
    fidelity: Fidelity = "relaxed",
) -> Fit:
    """Fit a card's parameters to an I-V loop or to an oscillator's waveform, by least squares.

    Parameters
    ----------
    card : Card
        Where to start, and what is known: the parameters that are not free keep its values.
    data : IVLoop or OutputWaveform
        The samples.
    free : collection of str, optional
        Parameters to fit. Without it, those that such data can tell with the bench known: of a loop R_ins, R_met, V_L
        and V_H (and alpha, where the fidelity is smooth), of a waveform C_P and tau_0 as well. What the data then do
        not tell after all is held and marked.
    hold : collection of str
        Parameters to take out of those.
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model. A loop, which is slow, is the same for relaxed and abrupt.

    Returns
    -------
    Fit
        The fitted card with standard errors, 95 % intervals, residuals, and a status with advice.

    Raises
    ------
    InputError
        If the data do not suit, identify nothing, or an argument is wrong.
    """
    Oscillator(card)
    checked_fidelity(fidelity)
    if isinstance(data, IVLoop):
        relevant = fit_loop.PARAMETERS
    elif isinstance(data, OutputWaveform):
        relevant = fit_waveform.PARAMETERS + (() if fidelity == "abrupt" else ("tau_0",))
    else:
        raise InputError(f"data is {data!r}; allowed is an IVLoop or an OutputWaveform")
    relevant += ("alpha",) if fidelity == "smooth" else ()
    _check_names(free, hold, relevant, data, fidelity)
    # Of a waveform alpha only moves the thresholds a little, which their own values do as well.
    bench = ("V_DD", "R_S") if isinstance(data, IVLoop) else ("V_DD", "R_S", "alpha")
    wanted = [name for name in relevant if (name not in bench if free is None else name in free) and name not in hold]
    if not wanted:
        raise InputError(f"no parameter is left to fit; free some of {', '.join(relevant)}")
    if isinstance(data, IVLoop):
        estimate = fit_loop.fit_loop(card, data, wanted, fidelity == "smooth")
        measured = data.current
    else:
        estimate = fit_waveform.fit_waveform(card, data, wanted, fidelity)
        measured = data.output

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
    missed = {name: why for name, why in estimate.not_identified.items() if free is not None}
    residuals = measured - estimate.predicted
    return Fit(
        card=_fitted_card(card, data, fidelity, parameters),
        data=data,
        fidelity=fidelity,
        parameters=parameters,
        correlation=estimate.correlation,
        predicted=estimate.predicted,
        residuals=residuals,
        rms=float(np.sqrt(np.nanmean(residuals**2))),
        cycle_spread=estimate.spread,
        status=_status(estimate.advice, missed),
        remarks=estimate.remarks,
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
    if not (error > 0.0 and parameter.value > 0.0):
        return _DIGITS - 1
    return int(min(max(np.ceil(np.log10(parameter.value / error)) + 1, 2), _DIGITS - 1))


def _check_names(
    free: Collection[str] | None,
    hold: Collection[str],
    relevant: tuple[str, ...],
    data: IVLoop | OutputWaveform,
    fidelity: Fidelity,
) -> None:
    what = "an I-V loop" if isinstance(data, IVLoop) else "a waveform"
    if isinstance(free, str) or isinstance(hold, str):
        raise InputError("free and hold must be collections of names, such as ['R_ins', 'V_H']")
    for name in hold:
        if name not in KINDS["vo2_oscillator"].names:
            raise InputError(f"hold names an unknown parameter {name!r}; allowed: {', '.join(relevant)}")
    for name in free or ():
        if name not in relevant:
            raise InputError(
                f"parameter {name!r} cannot be fitted to {what} with fidelity '{fidelity}'; "
                f"allowed: {', '.join(relevant)}"
            )


def _status(advice: str, missed: Mapping[str, str]) -> Status:
    parts = [advice] if advice else []
    parts += [
        f"{name} is not identified ({why}) and keeps the card's value; hold it, or give data that tell it"
        for name, why in missed.items()
    ]
    return Status("not settled", "; ".join(parts)) if parts else Status("settled")


def _fitted_card(
    card: Card, data: IVLoop | OutputWaveform, fidelity: Fidelity, parameters: Mapping[str, FittedParameter]
) -> Card:
    """Put the fitted values on the card, each with where it comes from."""
    fitted = {name: parameter for name, parameter in parameters.items() if parameter.fitted}
    method = f"least squares, {fidelity} transitions"
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
