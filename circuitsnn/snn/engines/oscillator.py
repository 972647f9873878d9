"""Neurons that are relaxation oscillators: the layer's current sets the frequency, whole turns of the phase are spikes.

A current I drawn from the output node of an oscillator is the same as a supply of V_DD + I R_S: with v' = v + I R_S the
node's equation C dv'/dt = (V_DD + I R_S - v') / R - v' / R_S is that of the free oscillator, and so is the device's
voltage V_DD - v. Periods and thresholds of circuitsnn.oscillator serve as they are.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from types import SimpleNamespace

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.cards import Card, load_card
from circuitsnn.checks import whole_number
from circuitsnn.core import neurons as core
from circuitsnn.energy.pim import Cost
from circuitsnn.errors import InputError, NoOscillationError
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.network import OscillatorNetwork
from circuitsnn.oscillator.table import Fidelity, checked_fidelity
from circuitsnn.snn.engines.base import NeuronChip, NeuronDesign, NeuronEngine
from circuitsnn.snn.engines.comparator import as_series, of_each_neuron
from circuitsnn.snn.layers import Neuron
from circuitsnn.status import Status
from circuitsnn.variation import draw

__all__ = ["FrequencyCurve", "OscillatorNeuron"]

_CURRENTS = 16  # calibrated ones; between each two another one is held out
_LOWEST = 1e-3  # lowest calibrated current over the range, from the onset
_RESIDUAL = 0.01  # largest relative residual of a frequency that is accepted
_PLACES = 64  # of a neuron's table, for each threshold of drive
_TYPICAL = 4096  # drives that are looked at
_FITTED = 128  # quantiles of them that the rule from drive to current is fitted to


@dataclass(frozen=True, eq=False)
class FrequencyCurve:
    """Frequency of an oscillator by the current drawn from its output node, calibrated from transients.

    The period is the closed form of sharp transitions plus what transients of the nominal device take longer, which is
    interpolated between currents (monotone cubic, PCHIP). The frequency is 0 where the load line leaves a stable point.
    """

    card: Card
    """Card of kind "vo2_oscillator"."""
    bottom: float
    """Current at which the equivalent supply is half of what oscillations need. [A]"""
    onset: float
    """Current from which on the nominal device oscillates. [A]"""
    top: float
    """Current of the highest frequency. [A]"""
    currents: np.ndarray
    """Calibrated currents. [A]"""
    excess: np.ndarray
    """By how much the transient's period is longer than the closed form's. [s]"""
    residual: float
    """Largest relative error of the frequency at currents held out. [1]"""

    @classmethod
    def of(cls, card: Card, fidelity: Fidelity = "relaxed") -> "FrequencyCurve":
        """Calibrate.

        Parameters
        ----------
        card : Card
            Card of kind "vo2_oscillator".
        fidelity : {"relaxed", "smooth", "abrupt"}
            Of the transients.

        Returns
        -------
        FrequencyCurve
            The curve, with its residual.

        Raises
        ------
        InputError
            If there are not at least three currents at which the transient oscillates.
        """
        # Insulating below, metallic above: conditions of circuitsnn.oscillator.closed_form, solved for the supply.
        lowest = card.V_H * (card.R_S + card.R_ins) / card.R_ins
        highest = card.V_L * (card.R_S + card.R_met) / card.R_met
        if not lowest < highest:
            raise InputError(f"card {card.name} does not oscillate at any current; lower V_H or R_met, or raise V_L")
        bottom, onset, end = ((each - card.V_DD) / card.R_S for each in (0.5 * lowest, lowest, highest))
        grid = onset + (end - onset) * np.linspace(0.0, 1.0, 2002)[1:-1]
        top = float(grid[np.argmax(1.0 / closed_form.period(_at(card.values, grid)))])
        tried = onset + (top - onset) * np.geomspace(_LOWEST, 1.0, 2 * _CURRENTS - 1)
        excess = np.full(tried.shape, np.nan)
        for k, current in enumerate(tried):
            supplied = card.replace(V_DD=card.V_DD + float(current) * card.R_S)
            try:
                excess[k] = Oscillator(supplied).period(fidelity) - Oscillator(supplied).period()
            except NoOscillationError:
                continue
        used, held = (np.flatnonzero(np.isfinite(excess) & (np.arange(len(tried)) % 2 == k)) for k in (0, 1))
        if len(used) < 3:
            raise InputError(f"card {card.name} oscillates at {len(used)} of {_CURRENTS} currents; three are needed")
        curve = cls(card, bottom, onset, top, tried[used], excess[used], np.nan)
        held = held[tried[held] > tried[used[0]]]
        true = 1.0 / (closed_form.period(_at(card.values, tried[held])) + excess[held])
        residual = float(np.abs(curve.frequency(tried[held]) / true - 1.0).max())
        return replace(curve, residual=residual)

    def frequency(self, current: ArrayLike, devices: dict[str, np.ndarray] | None = None) -> np.ndarray:
        """Give frequencies.

        Parameters
        ----------
        current : array_like, shape (...)
            Current drawn from the output node. [A]
        devices : dict of str to ndarray, broadcastable to (...), optional
            Parameters of devices; the card's without them. [SI]

        Returns
        -------
        ndarray, shape (...)
            Frequencies. [Hz]
        """
        from scipy.interpolate import PchipInterpolator

        current = np.asarray(current, dtype=float)
        values = _at(self.card.values if devices is None else devices, current)
        running = np.asarray(closed_form.oscillates(values))
        inside = np.clip(current, self.currents[0], self.currents[-1])
        excess = np.broadcast_to(PchipInterpolator(self.currents, self.excess)(inside), running.shape)[running]
        chosen = {name: np.broadcast_to(each, running.shape)[running] for name, each in vars(values).items()}
        result = np.zeros(running.shape)
        result[running] = 1.0 / (closed_form.period(SimpleNamespace(**chosen)) + excess)
        return result

    def power(self, current: float, fidelity: Fidelity = "relaxed") -> float:
        """Power from the supply of a nominal oscillator, by the transient over whole periods.

        Parameters
        ----------
        current : float
            Current drawn from the output node. [A]
        fidelity : {"relaxed", "smooth", "abrupt"}
            Of the transient.

        Returns
        -------
        float
            Power; that of the resistors where it does not oscillate. [W]
        """
        card = self.card.replace(V_DD=self.card.V_DD + current * self.card.R_S)
        if not closed_form.oscillates(card):
            metallic = current > self.onset
            resistance = card.R_met if metallic else card.R_ins
            return self.card.V_DD * card.V_DD / (card.R_S + resistance)
        alone = OscillatorNetwork.of_cards([card], np.array([[np.inf]]))
        period = Oscillator(card).period(fidelity)
        start = float(closed_form.first_charge_duration(card)) + 20.0 * card.tau_0 + 2.0 * period
        energies = [alone.transient(stop=start + k * period, fidelity=fidelity).energy[0] for k in (0, 4)]
        # The device's charge is the supply's; the real supply gives it at V_DD.
        return (energies[1] - energies[0]) / (4.0 * period) * self.card.V_DD / card.V_DD


@dataclass(frozen=True)
class OscillatorNeuron(NeuronEngine):
    """A relaxation oscillator for each neuron.

    The drive x becomes a current by a linear rule, I = I_0 + (I_1 - I_0) x / V_th. Of all I_1 up to that of the highest
    frequency, and all I_0 at or below the onset of oscillations, those are taken with which f(I) / f(I_1) comes closest
    to x / V_th, in the mean square over typical drives from 0 to V_th.

    A time step lasts `periods` periods at I_1, and so many turns of the phase are a spike: the neuron counts x / V_th
    as an integrate-and-fire neuron with soft reset does, but for the curve of f and for negative drives, which stop it
    and no more. Several spikes in a step are one. The phase starts at 0 for each sample and keeps its value while the
    oscillator stands still.
    """

    card: Card | str = "vo2_delacour2021"
    """Card of kind "vo2_oscillator", or its name or path; its spreads are drawn for each neuron."""
    fidelity: Fidelity = "relaxed"
    """Of the transients that the frequency comes from."""
    periods: int = 1
    """Periods of a time step at a drive of one threshold."""
    spread: float | None = None
    """Relative standard deviation of all parameters that the card spreads, in place of the card's; 0 for none. [1]"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", load_card(self.card) if isinstance(self.card, str) else self.card)
        if getattr(self.card, "kind", None) != "vo2_oscillator":
            raise InputError(
                f"OscillatorNeuron needs a card of kind 'vo2_oscillator' (see load_card); found {self.card!r}"
            )
        checked_fidelity(self.fidelity)
        whole_number("OscillatorNeuron: periods", self.periods, 1)
        if self.spread is not None:
            good = isinstance(self.spread, (int, float)) and not isinstance(self.spread, bool)
            if not good or not 0.0 <= self.spread < 1.0:
                raise InputError(f"OscillatorNeuron: spread is {self.spread!r}; allowed is a number >= 0 and < 1")

    def design(self, neuron: Neuron, shape: tuple[int, ...], drive: np.ndarray) -> "OscillatorDesign":
        """Apply the rule to a layer: see `NeuronEngine.design`."""
        return OscillatorDesign(self, neuron, shape, drive)


class OscillatorDesign(NeuronDesign):
    """A layer of oscillators.

    Parameters
    ----------
    engine : OscillatorNeuron
        The rule.
    neuron : Neuron
        The layer.
    shape : tuple of int
        Its shape for one sample.
    drive : ndarray, shape (T, n, *shape)
        Typical drive. [-]
    """

    def __init__(self, engine: OscillatorNeuron, neuron: Neuron, shape: tuple[int, ...], drive: np.ndarray) -> None:
        self.engine, self.shape = engine, shape
        self.varies = engine.spread != 0.0 and (engine.spread is not None or _spreads(engine.card))
        #: Frequency by current.
        self.curve = FrequencyCurve.of(engine.card, engine.fidelity)
        self.threshold = of_each_neuron(neuron.threshold, shape)
        share = np.asarray(drive, dtype=float).reshape(-1, prod(shape)) / self.threshold
        self._typical = share.ravel()[np.linspace(0, share.size - 1, min(share.size, _TYPICAL)).astype(int)]
        #: Currents at a drive of nothing and of one threshold. [A]
        self.current_zero, self.current_one, self.misfit = self._rule()
        self.most = 1.5 * max(float(share.max(initial=0.0)), 1.0)
        self.frequency_one = float(self.curve.frequency(self.current_one))
        self.status = self._status(neuron)

    @property
    def step(self) -> float:
        """Duration of a time step. [s]."""
        return self.engine.periods / self.frequency_one

    def _rule(self) -> tuple[float, float, float]:
        curve = self.curve
        x = self._typical[(self._typical > 0.0) & (self._typical <= 1.0)]
        x = np.quantile(x, (np.arange(_FITTED) + 0.5) / _FITTED) if len(x) else np.linspace(0.0, 1.0, _FITTED + 1)[1:]
        best = (np.inf, 0.0, 0.0)
        for one in curve.onset + (curve.top - curve.onset) * np.geomspace(0.01, 1.0, 25):
            for below in np.linspace(0.0, 1.0, 21):
                zero = max(curve.onset - below * (one - curve.onset), curve.bottom)
                f = curve.frequency(np.append(zero + (one - zero) * x, one))
                best = min(best, (float(np.mean((f[:-1] / f[-1] - x) ** 2)), zero, one))
        return best[1], best[2], float(np.sqrt(best[0]))

    def _status(self, neuron: Neuron) -> Status:
        if not self.curve.residual <= _RESIDUAL:
            return Status(
                "not accurate",
                f"frequencies miss transients by up to {self.curve.residual:.2g}; allowed is {_RESIDUAL}: use fidelity "
                "'relaxed', or a card further from the end of its oscillating range",
            )
        missing = [
            words
            for words, there in (
                ("its leak", (neuron.leak < 1.0).any()),
                ("its hard reset", neuron.reset == "hard"),
                ("its lack of a reset", neuron.reset == "none"),
                ("its refractory steps", neuron.refractory > 0),
                ("its reset's decay", neuron.reset_decay > 0.0),
            )
            if there
        ]
        if missing:
            return Status(
                "not accurate",
                f"an oscillator's phase has not {', '.join(missing)}: train with leak 1 and a soft reset, no more",
            )
        return Status("settled")

    def chip(self, seed: np.random.SeedSequence) -> "_Chip":
        return _Chip(self, np.random.default_rng(seed))

    def cost(self) -> Cost:
        """Energy and delay of one step of one neuron: supply's power at typical drives, by transients."""
        return self._cost

    @property
    def energy_per_spike(self) -> float:
        """Energy of a spike at a drive of one threshold: the supply's in a time step. [J]."""
        return self.curve.power(self.current_one, self.engine.fidelity) * self.step

    @cached_property
    def _cost(self) -> Cost:
        places = np.linspace(-1.0, self.most, 33)
        powers = [self.curve.power(self.current(each), self.engine.fidelity) for each in places]
        mean = float(np.interp(self._typical, places, powers).mean())
        return Cost(
            {"neurons": mean * self.step},
            {"neurons": self.step},
            f"supply's power in transients of card {self.engine.card.name}",
        )

    def current(self, share: ArrayLike) -> np.ndarray:
        """Give currents for drives.

        Parameters
        ----------
        share : array_like, shape (...)
            Drive over the threshold. [1]

        Returns
        -------
        ndarray, shape (...)
            Current, between the curve's `bottom` and `top`. [A]
        """
        linear = self.current_zero + (self.current_one - self.current_zero) * np.asarray(share, dtype=float)
        return np.clip(linear, self.curve.bottom, self.curve.top)


class _Chip(NeuronChip):
    def __init__(self, design: OscillatorDesign, rng: np.random.Generator) -> None:
        engine, count = design.engine, len(design.threshold)
        devices = {name: np.full(1, value) for name, value in engine.card.values.items()}
        if design.varies:
            varied = [name for name, each in engine.card.parameters.items() if each.spread is not None]
            devices = draw(engine.card, count, rng, engine.spread, varied)
        # From a drive of minus one threshold, at which no device oscillates, to beyond the largest typical one.
        shares = np.linspace(-1.0, design.most, int((design.most + 1.0) * _PLACES) + 2)
        columns = {name: each[:, None] for name, each in devices.items()}
        turns = design.curve.frequency(design.current(shares)[None], columns) / design.frequency_one
        self._turns = np.ascontiguousarray(np.broadcast_to(turns, (count, len(shares))))
        per_threshold = (len(shares) - 1) / (design.most + 1.0)
        self._slope, self._offset = per_threshold / design.threshold, np.full(count, per_threshold)

    def spikes(self, drive: np.ndarray, rng: np.random.Generator | None, steps: int | None = None) -> np.ndarray:
        series = as_series(drive, steps)
        spikes = np.empty((len(series) if steps is None else steps, *series.shape[1:]), np.uint8)
        core.accumulate_phase(series, self._slope, self._offset, self._turns, spikes)
        return spikes.reshape(len(spikes), *drive.shape[steps is None :])


def _at(values: dict[str, float] | dict[str, np.ndarray], current: np.ndarray) -> SimpleNamespace:
    """Give oscillators whose supply stands for a current."""
    return SimpleNamespace(**{**values, "V_DD": values["V_DD"] + current * values["R_S"]})


def _spreads(card: Card) -> bool:
    return any(each.spread is not None for each in card.parameters.values())
