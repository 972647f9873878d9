"""One relaxation oscillator: a device card in its circuit."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.oscillator import closed_form

Fidelity = Literal["smooth", "relaxed", "abrupt"]


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
        """Whether the load line meets the device only in its unstable region.

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
        run = self._free_run(fidelity, 5.0)
        if math.isnan(period := run.period()):
            raise InputError(f"card {self.card.name}, {fidelity}: {run.status}")
        return period

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
        run = self._free_run(fidelity, 1.0)
        if not len(run.return_times[0]):
            raise InputError(f"card {self.card.name}, {fidelity}: {run.status}")
        return float(run.return_times[0][0])

    def _free_run(self, fidelity: Fidelity, periods: float):
        from circuitsnn.oscillator.network import OscillatorNetwork  # a network consists of oscillators

        # The relaxing conductance lengthens the charge by some tau_0; a long tau_0 may even dominate it.
        longest = closed_form.period(self.card) + 20.0 * self.card.tau_0
        return OscillatorNetwork([self], np.zeros((1, 1))).transient(0.0, stop=periods * longest, fidelity=fidelity)
