"""Fitting an oscillator's card to what was measured or simulated: an I-V loop, or the waveform of an oscillator.

docs/fit.md says what such data tell of a device and what they do not.
"""

from collections.abc import Collection

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.fitting.result import Fit, check_names, finish_fit
from circuitsnn.oscillator import fit_loop, fit_waveform
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.fit_data import IVLoop, OutputWaveform
from circuitsnn.oscillator.table import Fidelity, checked_fidelity

__all__ = ["IVLoop", "OutputWaveform", "fit_oscillator"]


def fit_oscillator(
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
        raise InputError(f"data is {data!r}; of an oscillator allowed is an IVLoop or an OutputWaveform")
    relevant += ("alpha",) if fidelity == "smooth" else ()
    what = "an I-V loop" if isinstance(data, IVLoop) else "a waveform"
    check_names(card.kind, free, hold, relevant, f"{what} with fidelity '{fidelity}'")
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

    return finish_fit(
        card,
        data,
        relevant,
        estimate,
        measured - estimate.predicted,
        f"least squares, {fidelity} transitions",
        asked=free is not None,
        fidelity=fidelity,
    )
