"""Fitting a device card of any kind to what was measured or simulated; docs/fit.md."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.fitting.result import Fit, FittedParameter, show_interval, show_value
from circuitsnn.oscillator.fit import IVLoop, OutputWaveform, fit_oscillator
from circuitsnn.oscillator.table import Fidelity
from circuitsnn.transistor.fit import TransistorCurves, fit_transistor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Fit",
    "FittedParameter",
    "IVLoop",
    "OutputWaveform",
    "TransistorCurves",
    "draw_fit",
    "fit_card",
    "show_interval",
    "show_value",
]


def fit_card(
    card: Card,
    data: IVLoop | OutputWaveform | TransistorCurves,
    *,
    free: Collection[str] | None = None,
    hold: Collection[str] = (),
    fidelity: Fidelity = "relaxed",
) -> Fit:
    """Fit a card's parameters to data of its kind of device, by least squares.

    Parameters
    ----------
    card : Card
        Where to start, and what is known: the parameters that are not free keep its values.
    data : IVLoop, OutputWaveform or TransistorCurves
        The samples: of a card of kind "vo2_oscillator" a loop or a waveform, of "nmos" or "pmos" a transistor's curves.
    free : collection of str, optional
        Parameters to fit. Without it, those that such data can tell (see `fit_oscillator` and `fit_transistor`). What
        the data then do not tell after all is held and marked.
    hold : collection of str
        Parameters to take out of those.
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model of an oscillator; a transistor has one only.

    Returns
    -------
    Fit
        The fitted card with standard errors, 95 % intervals, residuals, and a status with advice.

    Raises
    ------
    InputError
        If the data do not suit, identify nothing, or an argument is wrong.
    """
    kind = getattr(card, "kind", None)
    if kind in ("nmos", "pmos"):
        return fit_transistor(card, data, free=free, hold=hold)
    if kind == "vo2_oscillator":
        return fit_oscillator(card, data, free=free, hold=hold, fidelity=fidelity)
    raise InputError(
        f"a fit needs a card of kind vo2_oscillator, nmos or pmos; found "
        f"{f'card {card.name} of kind {kind!r}' if kind else repr(card)}"
    )


def draw_fit(fit: Fit) -> "Figure":
    """Draw the data with the fitted model, and what is left between them.

    Parameters
    ----------
    fit : Fit
        The fit.

    Returns
    -------
    Figure
        The picture, in the house style.
    """
    if isinstance(fit.data, TransistorCurves):
        from circuitsnn.transistor.fit_figure import draw_transistor_fit

        return draw_transistor_fit(fit)
    from circuitsnn.oscillator.fit_figure import draw_oscillator_fit

    return draw_oscillator_fit(fit)
