"""What the kernels need to know of oscillators, as one table of numbers."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Literal, get_args

import numpy as np

from circuitsnn.core import device as columns
from circuitsnn.errors import InputError
from circuitsnn.oscillator import closed_form

Fidelity = Literal["smooth", "relaxed", "abrupt"]

PARAMETERS = ("V_DD", "R_S", "C_P", "R_ins", "R_met", "V_L", "V_H", "alpha", "tau_0")
DEFAULT_TOLERANCE = 1e-9  # of a transient [V]


def checked_fidelity(fidelity: str) -> str:
    """Pass a fidelity on if there is one of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    if fidelity not in get_args(Fidelity):
        raise InputError(f"fidelity is {fidelity!r}; allowed: {', '.join(get_args(Fidelity))}")
    return fidelity


def device_table(
    parameters: Mapping[str, np.ndarray], delays: np.ndarray, coupled: np.ndarray, fidelity: Fidelity
) -> np.ndarray:
    """Write one row an oscillator.

    Parameters
    ----------
    parameters : mapping of str to ndarray, shape (N,)
        The nine parameters of each oscillator. [SI]
    delays : ndarray, shape (N,)
        When each supply steps up. [s]
    coupled : ndarray, shape (N,)
        Sum of the coupling conductances at each output. [S]
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model.

    Returns
    -------
    ndarray, shape (N, core.device.COLUMNS)
        The table.

    Raises
    ------
    InputError
        If a smooth device has no tau_0, or a gain too small for hysteresis.
    """
    table = np.zeros((len(delays), columns.COLUMNS))
    table[:, columns.V_DD] = parameters["V_DD"]
    table[:, columns.G_S] = 1.0 / parameters["R_S"]
    table[:, columns.C_P] = parameters["C_P"]
    table[:, columns.G_INS] = 1.0 / parameters["R_ins"]
    table[:, columns.G_MET] = 1.0 / parameters["R_met"]
    table[:, columns.V_L] = parameters["V_L"]
    table[:, columns.V_H] = parameters["V_H"]
    table[:, columns.DELAY] = delays
    table[:, columns.G_C] = coupled
    if fidelity != "abrupt":
        table[:, columns.TAU_0] = parameters["tau_0"]
    if fidelity == "smooth":
        if np.any(parameters["tau_0"] <= 0.0):
            raise InputError("fidelity 'smooth' needs tau_0 > 0 for every oscillator; use 'abrupt' for tau_0 = 0")
        table[:, columns.ALPHA] = parameters["alpha"]
        table[:, columns.FEEDBACK_LOW] = parameters["V_L"]
        table[:, columns.FEEDBACK_WIDTH] = parameters["V_H"] - parameters["V_L"]
        folds = closed_form.fold_voltages(SimpleNamespace(**parameters))
        table[:, columns.V_L], table[:, columns.V_H] = folds
    return table
