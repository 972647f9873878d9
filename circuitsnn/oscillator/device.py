"""One relaxation oscillator: a device card in its circuit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from circuitsnn.cards import Card
from circuitsnn.core import network as core
from circuitsnn.core.device import ENERGIES
from circuitsnn.errors import InputError, NoOscillationError
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.table import DEFAULT_TOLERANCE, PARAMETERS, Fidelity, checked_fidelity, device_table


@dataclass(frozen=True)
class Oscillator:
    """A VO2 device in series with a load, with the output between them (Fig. 2 of the paper).

    Parameters
    ----------
    card : Card
        Device card of kind "vo2_oscillator".

    Raises
    ------
    InputError
        If the card is of another kind.

    References
    ----------
    Delacour and Todri-Sanial (2021), section 2.1.3, doi:10.3389/fnins.2021.694549.
    """

    card: Card

    def __post_init__(self) -> None:
        kind = getattr(self.card, "kind", None)
        if kind != "vo2_oscillator":
            raise InputError(
                f"an oscillator needs a card of kind 'vo2_oscillator' (see load_card); found "
                f"{f'card {self.card.name} of kind {kind!r}' if kind else repr(self.card)}"
            )

    def oscillates(self) -> bool:
        """Whether the load line meets the device, its thresholds taken as sharp, only in its unstable region.

        Returns
        -------
        bool
            True if the oscillator, uncoupled, switches for ever.
        """
        return bool(closed_form.oscillates(self.card))

    def period(self, fidelity: Fidelity = "abrupt") -> float:
        """Period T_osc of the free oscillator.

        Parameters
        ----------
        fidelity : {"abrupt", "relaxed", "smooth"}
            `abrupt` is a closed form; the others come from the transient.

        Returns
        -------
        float
            Period. [s]

        Raises
        ------
        NoOscillationError
            If the oscillator does not oscillate.
        InputError
            If there is no such fidelity.
        """
        if checked_fidelity(fidelity) == "abrupt":
            return float(closed_form.period(self.card))
        switching, _ = self._free_run(fidelity, 5.0)
        if len(switching) < 3:
            # The feedback raises the conductance before the branch ends; the load line may meet it there.
            raise NoOscillationError(
                f"card {self.card.name} does not oscillate with fidelity '{fidelity}', although it does with abrupt "
                "transitions; lower V_H, R_S or tau_0, or raise V_DD or R_ins"
            )
        return float(switching[-1] - switching[-2])

    def charge_duration(self) -> float:
        """Time for the output to rise from V- to V+, device metallic, abrupt. [s]."""
        return float(closed_form.charge_duration(self.card))

    def discharge_duration(self) -> float:
        """Time for the output to fall from V+ to V-, device insulating, abrupt. [s]."""
        return float(closed_form.discharge_duration(self.card))

    def duty(self) -> float:
        """Share of the period in which the device is metallic, abrupt. [1]."""
        return float(closed_form.duty(self.card))

    def first_charge_duration(self, fidelity: Fidelity = "abrupt") -> float:
        """Time t_c from supply on to the output's first arrival at V+.

        Parameters
        ----------
        fidelity : {"abrupt", "relaxed", "smooth"}
            `abrupt` is a closed form; the others come from the transient.

        Returns
        -------
        float
            Duration. [s]
        """
        if checked_fidelity(fidelity) == "abrupt":
            return float(closed_form.first_charge_duration(self.card))
        _, returning = self._free_run(fidelity, 1.0)
        if not len(returning):
            raise NoOscillationError(
                f"card {self.card.name}: with fidelity '{fidelity}' the output does not get to V+ within a period; "
                "lower tau_0 or R_met, or raise V_L"
            )
        return float(returning[0])

    def _free_run(self, fidelity: Fidelity, periods: float) -> tuple[np.ndarray, np.ndarray]:
        """Give the times to the metallic and to the insulating state of the oscillator alone, from v = 0. [s]."""
        # The relaxing conductance lengthens the charge by some tau_0; a long tau_0 may even dominate it.
        stop = start_up(self.card.values) + periods * (closed_form.period(self.card) + 20.0 * self.card.tau_0)
        switching, returning, _, complete = run_alone(self.card.values, fidelity, stop)
        if not complete:
            raise InputError(
                f"card {self.card.name}, {fidelity}: no progress, the steps became too short; a tau_0 or another "
                "time constant lies too far below the rest: raise it, or use fidelity 'abrupt', which has no tau_0"
            )
        return switching, returning


def start_up(values: Mapping[str, float]) -> float:
    """Time in which an oscillator surely gets from v = 0 to V+: many periods, where the thresholds lie close.

    Parameters
    ----------
    values : mapping of str to float
        The nine parameters. [SI]

    Returns
    -------
    float
        Duration. [s]
    """
    return float(closed_form.first_charge_duration(SimpleNamespace(**values))) + 20.0 * values["tau_0"]


def run_alone(
    values: Mapping[str, float],
    fidelity: Fidelity,
    stop: float,
    save_at: np.ndarray | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Simulate one uncoupled oscillator from v = 0, insulating, its supply on from time 0.

    Parameters
    ----------
    values : mapping of str to float
        The nine parameters. [SI]
    fidelity : {"relaxed", "smooth", "abrupt"}
        Device model.
    stop : float
        End of the run. [s]
    save_at : ndarray, optional
        Increasing times at which to keep the output voltage. [s]
    tolerance : float
        Error that a step may make in the output voltage. [V]

    Returns
    -------
    switching_times, return_times : ndarray
        When the device turned metallic, and when it turned insulating. [s]
    voltages : ndarray
        Output at `save_at`. [V]
    complete : bool
        Whether the run came to its end.
    """
    nothing, no_index = np.empty(0), np.empty(0, dtype=np.int64)
    parameters = {name: np.array([float(values[name])]) for name in PARAMETERS}
    events, voltages, code, *_ = core.transient(
        device_table(parameters, np.zeros(1), np.zeros(1), fidelity),
        np.zeros((1, 1)), no_index, no_index, nothing,  # no coupling
        np.zeros(1), np.zeros(1, dtype=np.bool_), np.zeros(1), np.zeros((1, ENERGIES)),  # at rest
        math.inf, 0.0, stop, tolerance, nothing if save_at is None else save_at,
    )  # fmt: skip
    switching, returning = events[events[:, 2] == 1.0, 0], events[events[:, 2] == 0.0, 0]
    return switching, returning, voltages[0], code == core.COMPLETE
