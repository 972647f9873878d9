"""Networks of resistively coupled relaxation oscillators, and their transients."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from circuitsnn.cards import Card
from circuitsnn.core import device as columns
from circuitsnn.core import network as core
from circuitsnn.errors import InputError
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.table import DEFAULT_TOLERANCE, PARAMETERS, Fidelity, checked_fidelity, device_table
from circuitsnn.quantities import show_quantity
from circuitsnn.status import Status

_SETTLED = 0.1  # degrees that a phase may still move per period
_ONE_TO_ONE = 0.1  # by which last intervals may differ, relative, in a network that is settling to one frequency
_EMPTY = np.empty(0)
_EMPTY_INDEX = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class TransientRun:
    """What a transient of N oscillators gave."""

    switching_times: tuple[np.ndarray, ...]
    """Per oscillator, when its device turned metallic. [s]"""
    return_times: tuple[np.ndarray, ...]
    """Per oscillator, when its device turned insulating. [s]"""
    energy: np.ndarray
    """Drawn from each supply, shape (N,). [J]"""
    dissipation: Mapping[str, np.ndarray]
    """Heat per oscillator in its "device" and its "load", and what it sent into the "coupling", each (N,). [J]"""
    stored: np.ndarray
    """Energy left on each capacitor, shape (N,). [J]"""
    stop: float
    """Time reached. [s]"""
    status: Status
    """Whether the phases settled, and what to do if not."""
    times: np.ndarray = field(default_factory=lambda: _EMPTY)
    """Times of the saved waveforms, shape (n,); empty unless asked for. [s]"""
    voltages: np.ndarray = field(default_factory=lambda: _EMPTY)
    """Output voltages at `times`, shape (N, n). [V]"""
    windows: int = 0
    """Windows that the solver took."""
    sweeps: int = 0
    """Exchanges of coupling currents, over all windows."""
    rejected: int = 0
    """Windows that were tried and shortened."""

    def phases(self, reference: int = 0) -> np.ndarray:
        """Phases over the last period of a reference oscillator, from the switching times to the metallic state.

        Parameters
        ----------
        reference : int
            Index of the oscillator whose phase is zero.

        Returns
        -------
        ndarray, shape (N,)
            Phase lag behind the reference, in [-45, 315), so that none of the locked states 0, 90, 180 and 270 lies
            on the seam; NaN for an oscillator that no longer switches. [degree]

        Raises
        ------
        InputError
            If there is no such oscillator.
        """
        size = len(self.switching_times)
        if not 0 <= reference < size:
            raise InputError(f"reference is {reference!r}; allowed is an oscillator's index, 0 to {size - 1}")
        return _phases(_recent(self.switching_times), reference)

    def period(self, reference: int = 0) -> float:
        """Last period of an oscillator; NaN if it did not switch three times. [s]."""
        times = self.switching_times[reference]
        return float(times[-1] - times[-2]) if len(times) > 2 else math.nan

    def power(self) -> float:
        """Mean power from all supplies. [W]."""
        return float(self.energy.sum() / self.stop)

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the run, one row an oscillator.

        Returns
        -------
        pandas.DataFrame
            Phase [degree], last period [s], number of switchings, energies [J]; units in ``attrs["units"]``.
        """
        frame = pd.DataFrame(
            {
                "phase": self.phases(),
                "period": [self.period(i) for i in range(len(self.switching_times))],
                "switchings": [len(times) for times in self.switching_times],
                "energy": self.energy,
                **{f"{part}_energy": values for part, values in self.dissipation.items()},
                "stored_energy": self.stored,
            }
        )
        frame.index.name = "oscillator"
        frame.attrs["units"] = {"phase": "degree", "period": "s"} | {
            name: "J" for name in frame.columns if name.endswith("energy")
        }
        return frame


class OscillatorNetwork:
    """Oscillators whose output nodes are coupled by resistors through switches.

    Parameters
    ----------
    oscillators : sequence of Oscillator
        The N oscillators, each with parameters of its own.
    coupling_resistance : array_like or scipy.sparse array, shape (N, N)
        Symmetric coupling resistances; ``inf`` (or, in a sparse one, an entry that is not stored) means open. The
        diagonal is ignored. [ohm]

    Raises
    ------
    InputError
        If the resistances do not fit, are not symmetric, or are not positive.

    References
    ----------
    Delacour and Todri-Sanial (2021), section 2.1, doi:10.3389/fnins.2021.694549.
    """

    def __init__(self, oscillators: Sequence[Oscillator], coupling_resistance: ArrayLike | sparse.sparray) -> None:
        self.oscillators = tuple(oscillators)
        for index, oscillator in enumerate(self.oscillators):
            if not isinstance(oscillator, Oscillator):
                raise InputError(f"oscillators[{index}] is {oscillator!r}; allowed is an Oscillator")
        if not self.oscillators:
            raise InputError("a network needs at least one oscillator")
        self.parameters: dict[str, np.ndarray] = {
            name: np.array([getattr(oscillator.card, name) for oscillator in self.oscillators]) for name in PARAMETERS
        }
        self.coupling_resistance = coupling_resistance
        self.coupling_conductance = _conductance(coupling_resistance, self.size)

    @classmethod
    def of_cards(cls, cards: Iterable[Card], coupling_resistance: ArrayLike | sparse.sparray) -> "OscillatorNetwork":
        """Build a network from device cards, one an oscillator; see the class for the rest."""
        return cls([Oscillator(card) for card in cards], coupling_resistance)

    @classmethod
    def of_devices(
        cls, card: Card, drawn: Mapping[str, np.ndarray], coupling_resistance: ArrayLike | sparse.sparray
    ) -> "OscillatorNetwork":
        """Build a network from drawn parameters.

        Parameters
        ----------
        card : Card
            The nominal device.
        drawn : mapping of str to ndarray, shape (N,)
            Parameters of each device, as `circuitsnn.variation.draw` gives them. [SI]
        coupling_resistance : array_like, shape (N, N)
            As for the class. [ohm]

        Returns
        -------
        OscillatorNetwork
            The network.
        """
        size = len(next(iter(drawn.values())))
        devices = [card.replace(**{name: float(values[i]) for name, values in drawn.items()}) for i in range(size)]
        return cls.of_cards(devices, coupling_resistance)

    @property
    def size(self) -> int:
        """Number of oscillators N."""
        return len(self.oscillators)

    def transient(
        self,
        delays: ArrayLike = 0.0,
        *,
        close_at: float = 0.0,
        stop: float,
        fidelity: Fidelity = "relaxed",
        tolerance: float = DEFAULT_TOLERANCE,
        save_at: ArrayLike | None = None,
        until_settled: bool = False,
    ) -> TransientRun:
        """Simulate the network from v = 0, all devices insulating.

        Parameters
        ----------
        delays : float or array_like, shape (N,)
            When each supply steps from 0 to V_DD (section 2.1.4 of the paper). [s]
        close_at : float
            When all coupling switches close, t_on. [s]
        stop : float
            End of the run. [s]
        fidelity : {"relaxed", "smooth", "abrupt"}
            `smooth`: equations 1-3 as written; `relaxed`: sharp thresholds, conductance relaxing with tau_0;
            `abrupt`: tau_0 = 0.
        tolerance : float
            Error that a step may make in an output voltage. The error of a switching time, in periods, comes out of
            the same order. [V]
        save_at : array_like, shape (n,), optional
            Times at which to keep the output voltages. Nothing is kept without it. [s]
        until_settled : bool
            Stop as soon as the phases have settled; `stop` is then the longest that is waited.

        Returns
        -------
        TransientRun
            Switching times, phases, energies, and a status with advice.

        Raises
        ------
        InputError
            If an argument is out of range.
        """
        checked_fidelity(fidelity)
        delays = _checked_delays(delays, self.size)
        stop = _checked_time("stop", stop)
        close_at = _checked_time("close_at", close_at, zero=True, infinite=True)
        if not (isinstance(tolerance, (int, float)) and 1e-12 <= tolerance <= 1e-3):
            raise InputError(f"tolerance is {tolerance!r}; allowed is 1e-12 to 1e-3 V")
        times = _EMPTY if save_at is None else _checked_samples(save_at, stop)

        size = self.size
        coupled = np.asarray(self.coupling_conductance.sum(axis=1)).ravel()
        table = device_table(self.parameters, delays, coupled, fidelity)
        if sparse.issparse(self.coupling_conductance):
            coupling = self.coupling_conductance
            dense = np.empty((0, 0))
            indptr = coupling.indptr.astype(np.int64)
            indices = coupling.indices.astype(np.int64)
            data = coupling.data
        else:
            dense, indptr, indices, data = self.coupling_conductance, _EMPTY_INDEX, _EMPTY_INDEX, _EMPTY
        v = np.zeros(size)
        metallic = np.zeros(size, dtype=np.bool_)
        excess = np.zeros(size)
        energy = np.zeros((size, columns.ENERGIES))
        switchings: list[np.ndarray] = []
        waveforms = []
        counts = np.zeros(3, dtype=np.int64)
        length = self._check_interval if until_settled else stop
        start = 0.0
        code = core.COMPLETE
        while start < stop and code == core.COMPLETE:
            end = min(stop, max(start, delays.max(), close_at if close_at < math.inf else 0.0) + length)
            end = end if stop - end > 0.5 * length else stop
            inside = times[(times >= start if start == 0.0 else times > start) & (times <= end)]
            events, saved, code, start, statistics = core.transient(
                table, dense, indptr, indices, data, v, metallic, excess, energy,
                close_at, start, end, tolerance, inside,
            )  # fmt: skip
            switchings.append(events)
            waveforms.append(saved)
            counts += statistics
            if until_settled and code == core.COMPLETE and start < stop:
                so_far = _by_oscillator(switchings, size, True)
                if _status(so_far, start, code).ok:
                    break
        switching_times = _by_oscillator(switchings, size, True)
        return TransientRun(
            switching_times=switching_times,
            return_times=_by_oscillator(switchings, size, False),
            energy=energy[:, columns.E_SUPPLY].copy(),
            dissipation={
                "device": energy[:, columns.E_DEVICE].copy(),
                "load": energy[:, columns.E_LOAD].copy(),
                "coupling": energy[:, columns.E_COUPLING].copy(),
            },
            stored=0.5 * self.parameters["C_P"] * v**2,
            stop=start,
            status=_status(switching_times, start, code),
            times=times[times <= start],
            voltages=np.hstack(waveforms)[:, : np.count_nonzero(times <= start)],
            windows=int(counts[0]),
            sweeps=int(counts[1]),
            rejected=int(counts[2]),
        )

    @cached_property
    def _check_interval(self) -> float:
        """Time after which it is worth looking whether the network has settled: four slow periods. [s]."""
        devices = SimpleNamespace(**self.parameters)
        alive = closed_form.oscillates(devices)
        if not alive.any():
            return 40.0 * closed_form.tau_d(devices).max()
        devices = SimpleNamespace(**{name: values[alive] for name, values in self.parameters.items()})
        return 4.0 * (closed_form.period(devices) + 10.0 * devices.tau_0).max()


def _conductance(resistance: ArrayLike | sparse.sparray, size: int) -> np.ndarray | sparse.csr_array:
    """Check coupling resistances and invert them; zero diagonal. [S]."""
    if sparse.issparse(resistance):
        matrix = sparse.csr_array(resistance, dtype=float, copy=True)
        matrix.sum_duplicates()
        values, name = matrix.data, "stored coupling resistances"
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        off = rows != matrix.indices
    else:
        try:
            matrix = np.array(resistance, dtype=float)
        except (TypeError, ValueError):
            raise InputError("coupling_resistance must be numbers in ohm, inf for open") from None
        values, name = matrix, "coupling resistances"
        off = ~np.eye(size, dtype=bool)
    if matrix.shape != (size, size):
        raise InputError(f"coupling_resistance has shape {matrix.shape}; {size} oscillators need ({size}, {size})")
    wrong = off & ~(values > 0.0)
    if wrong.any():
        raise InputError(
            f"{name} must be > 0 ohm (inf for open), off the diagonal; found {float(values[wrong].ravel()[0])!r}"
        )
    if sparse.issparse(resistance):
        matrix.data = np.where(off, 1.0 / np.where(off, values, 1.0), 0.0)
        matrix.eliminate_zeros()
        difference = abs(matrix - matrix.T)
        asymmetric = difference.max() > 1e-12 * abs(matrix).max() if matrix.nnz else False
    else:
        matrix = np.where(off, 1.0 / np.where(off, values, 1.0), 0.0)
        asymmetric = np.any(np.abs(matrix - matrix.T) > 1e-12 * np.abs(matrix))
    if asymmetric:
        raise InputError("coupling_resistance is not symmetric; a resistor between i and j is one value, R_ij = R_ji")
    return matrix


def _checked_time(name: str, value: float, zero: bool = False, infinite: bool = False) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; allowed is a time in seconds") from None
    if not (number > 0.0 or (zero and number == 0.0)) or (number == math.inf and not infinite):
        raise InputError(f"{name} is {value!r}; allowed is a finite time {'>=' if zero else '>'} 0 s")
    return number


def _checked_delays(delays: ArrayLike, size: int) -> np.ndarray:
    try:
        given = np.asarray(delays, dtype=float)
    except (TypeError, ValueError):
        raise InputError("delays must be times in seconds") from None
    if given.shape not in ((), (size,)):
        raise InputError(f"delays has shape {given.shape}; allowed is one time, or {size}, one an oscillator")
    if not np.all(np.isfinite(given) & (given >= 0.0)):
        raise InputError("delays must be finite and >= 0 s")
    return np.broadcast_to(given, (size,)).copy()


def _checked_samples(save_at: ArrayLike, stop: float) -> np.ndarray:
    try:
        times = np.asarray(save_at, dtype=float)
    except (TypeError, ValueError):
        raise InputError("save_at must be times in seconds") from None
    if times.ndim != 1 or not np.all(np.diff(times) > 0.0) or (len(times) and not 0.0 <= times[0] <= times[-1] <= stop):
        raise InputError(f"save_at must be increasing times between 0 and stop = {show_quantity(stop, 's')}")
    return times


def _by_oscillator(switchings: list[np.ndarray], size: int, to_metallic: bool) -> tuple[np.ndarray, ...]:
    events = np.vstack(switchings)
    times, owners = events[events[:, 2] == to_metallic, :2].T
    order = np.lexsort((times, owners))
    return tuple(np.split(times[order], np.searchsorted(owners[order], np.arange(1, size))))


def _recent(switching_times: tuple[np.ndarray, ...], count: int = 6) -> np.ndarray:
    """Last switching times of every oscillator, shape (N, count), -inf where there are fewer. [s]."""
    recent = np.full((len(switching_times), count), -np.inf)
    for row, times in zip(recent, switching_times, strict=True):
        last = times[-count:]
        row[count - len(last) :] = last
    return recent


def _phases(recent: np.ndarray, reference: int, back: int = 0) -> np.ndarray:
    """Phases at the last switching of the reference, or `back` switchings earlier. [degree]."""
    first, before, anchor = recent[reference, -3 - back : recent.shape[1] - back]
    if not np.isfinite(first):  # the first switching is the supply's, so the first interval is no period
        return np.full(len(recent), np.nan)
    period = anchor - before
    # The switching next to the reference's: the last that is not yet half a period behind it.
    nearest = np.where(recent <= anchor + 0.5 * period, recent, -np.inf).max(axis=1)
    lag = np.where(anchor - nearest <= 1.5 * period, nearest - anchor, np.nan)
    return (360.0 * lag / period + 45.0) % 360.0 - 45.0


def _status(switching_times: tuple[np.ndarray, ...], stop: float, code: int) -> Status:
    """Judge a run by its switching times."""
    if code == core.NOT_FINITE:
        return Status("not finite", "a voltage left the range of numbers; check the card for extreme values")
    if code == core.NO_PROGRESS:
        return Status(
            "no progress",
            "the steps became too short; loosen tolerance, raise a time constant that lies far below the rest, or use "
            "fidelity 'abrupt' for a very short tau_0",
        )
    last = [times[-1] - times[-2] for times in switching_times if len(times) > 2]
    if not last:
        return Status(
            "stopped switching",
            "no oscillator has completed two periods; run longer, or check that they oscillate (Oscillator.oscillates) "
            "and that coupling does not hold them at rest (larger coupling resistance)",
        )
    period = max(last)
    silent = [i for i, times in enumerate(switching_times) if len(times) < 3 or stop - times[-1] > 2.0 * period]
    if silent:
        shown = ", ".join(map(str, silent[:8])) + (", ..." if len(silent) > 8 else "")
        return Status(
            "stopped switching",
            f"oscillators {shown} no longer switch: quiet neighbours load their nodes, or they do not oscillate; raise "
            "the coupling resistance, or move the load line (R_S, V_DD)",
        )
    recent = _recent(switching_times)
    phases = [_phases(recent, 0, back) for back in range(3)]
    moved = max(_turn(phases[0], phases[1]), _turn(phases[1], phases[2]))
    if np.any(np.abs((recent[:, -1] - recent[:, -2]) / (recent[0, -1] - recent[0, -2]) - 1.0) > _ONE_TO_ONE):
        moved = math.nan  # locked two to one, or not at all
    if not moved <= _SETTLED:
        return Status(
            "not settled",
            f"phases still move by {moved:.2g} degrees a period; run longer"
            if math.isfinite(moved)
            else "not every oscillator switches once in a period of oscillator 0; run longer, or bring their periods "
            "together",
        )
    return Status("settled")


def _turn(phases: np.ndarray, others: np.ndarray) -> float:
    """Largest difference of two sets of phases; NaN where one is missing. [degree]."""
    return float(np.abs((phases - others + 180.0) % 360.0 - 180.0).max())
