"""Transistors: a card at a corner and a temperature, of a size, with its own mismatch."""

from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.constants import Boltzmann, elementary_charge

from circuitsnn.cards import Card
from circuitsnn.checks import check_generator, whole_number
from circuitsnn.core import mosfet as core
from circuitsnn.errors import InputError

__all__ = ["Conditions", "Corner", "Mosfet", "check_transistor_card", "draw_mismatch", "transistor_rows"]

Corner = Literal["TT", "FF", "SS", "FS", "SF"]

_POLARITY = {"nmos": 1.0, "pmos": -1.0}
_SLOWNESS = {"T": 0.0, "F": -1.0, "S": 1.0}


def _check_positive(name: str, value: float, unit: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0.0 < value < inf:
        raise InputError(f"{name} is {value!r}; allowed is a finite number > 0 {unit}")


@dataclass(frozen=True)
class Conditions:
    """Process corner and temperature that all transistors of a chip share.

    Parameters
    ----------
    corner : {"TT", "FF", "SS", "FS", "SF"}
        Typical, fast or slow; the first letter is for the n-channel transistors, the second for the p-channel ones.
    temperature : float
        Temperature T. [K]

    Raises
    ------
    InputError
        If there is no such corner or temperature.
    """

    corner: Corner = "TT"
    temperature: float = 300.15

    def __post_init__(self) -> None:
        if self.corner not in get_args(Corner):
            raise InputError(f"corner is {self.corner!r}; allowed: {', '.join(get_args(Corner))}")
        _check_positive("temperature", self.temperature, "K")


@dataclass(frozen=True)
class Mosfet:
    """One transistor, n- or p-channel, in all regions of operation.

    Parameters
    ----------
    card : Card
        Card of kind "nmos" or "pmos".
    width, length : float
        Width W and length L of the channel. [m]
    conditions : Conditions
        Corner and temperature.
    threshold_shift : float
        Mismatch: what is added to the threshold's magnitude. [V]
    current_factor_shift : float
        Mismatch: relative change of the current factor K_P W / L. [1]

    Raises
    ------
    InputError
        If the card is of another kind, or a value is not possible.

    References
    ----------
    Enz, Krummenacher and Vittoz (1995), doi:10.1007/BF01239381; docs/theory/transistor.md.
    """

    card: Card
    width: float
    length: float
    conditions: Conditions = Conditions()
    threshold_shift: float = 0.0
    current_factor_shift: float = 0.0

    def __post_init__(self) -> None:
        if np.ndim(self.threshold_shift) or np.ndim(self.current_factor_shift):
            raise InputError("a Mosfet is one transistor: each shift must be one number (see transistor_rows)")
        _ = self.row

    @property
    def row(self) -> np.ndarray:
        """The transistor as a row of the kernels' table, shape (COLUMNS,). [SI]."""
        return transistor_rows(
            self.card, self.width, self.length, self.conditions, self.threshold_shift, self.current_factor_shift
        )

    @property
    def gate_capacitance(self) -> float:
        """Capacitance of the gate's area, C_ox W L. [F]."""
        return self.card.C_ox * self.width * self.length

    def drain_current(
        self, v_gate: ArrayLike, v_drain: ArrayLike, v_source: ArrayLike, v_bulk: ArrayLike = 0.0
    ) -> np.ndarray:
        """Evaluate the current into the drain, which is negative in a p-channel transistor that conducts.

        Parameters
        ----------
        v_gate, v_drain, v_source, v_bulk : array_like
            Voltages of the terminals, which broadcast; the bulk of a p-channel transistor is its n-well. [V]

        Returns
        -------
        ndarray
            Drain current I_D. [A]
        """
        return self._evaluate(v_gate, v_drain, v_source, v_bulk)[..., 0]

    def conductances(
        self, v_gate: ArrayLike, v_drain: ArrayLike, v_source: ArrayLike, v_bulk: ArrayLike = 0.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Evaluate the derivatives of the drain current; that by the bulk's voltage is minus their sum.

        Parameters
        ----------
        v_gate, v_drain, v_source, v_bulk : array_like
            Voltages of the terminals, which broadcast. [V]

        Returns
        -------
        by_gate, by_drain, by_source : ndarray
            Derivatives of I_D by the voltages of gate (g_m), drain (g_ds) and source. [S]
        """
        result = self._evaluate(v_gate, v_drain, v_source, v_bulk)
        return result[..., 1], result[..., 2], result[..., 3]

    def _evaluate(self, v_gate: ArrayLike, v_drain: ArrayLike, v_source: ArrayLike, v_bulk: ArrayLike) -> np.ndarray:
        try:
            voltages = [np.asarray(each, dtype=float) for each in (v_gate, v_drain, v_source, v_bulk)]
            gate, drain, source, bulk = np.broadcast_arrays(*voltages)
        except (TypeError, ValueError):
            raise InputError("the voltages must be numbers, or arrays of them whose shapes fit together") from None
        rows = np.broadcast_to(self.row, (gate.size, core.COLUMNS))
        result = core.drain_currents(rows, np.ravel(gate - bulk), np.ravel(drain - bulk), np.ravel(source - bulk))
        return result.reshape(*gate.shape, 4)


def check_transistor_card(card: Card) -> None:
    """Refuse a card that is not a transistor's.

    Parameters
    ----------
    card : Card
        The card.

    Raises
    ------
    InputError
        If its kind is neither "nmos" nor "pmos".
    """
    kind = getattr(card, "kind", None)
    if kind not in _POLARITY:
        raise InputError(
            f"a transistor needs a card of kind 'nmos' or 'pmos' (see load_card); found "
            f"{f'card {card.name} of kind {kind!r}' if kind else repr(card)}"
        )


def transistor_rows(
    card: Card,
    width: float,
    length: float,
    conditions: Conditions = Conditions(),
    threshold_shift: ArrayLike = 0.0,
    current_factor_shift: ArrayLike = 0.0,
) -> np.ndarray:
    """Put transistors of one size into rows of the kernels' table (see `circuitsnn.core.mosfet`).

    Parameters
    ----------
    card : Card
        Card of kind "nmos" or "pmos".
    width, length : float
        Width W and length L of the channels. [m]
    conditions : Conditions
        Corner and temperature.
    threshold_shift : array_like
        Mismatch: what is added to the threshold's magnitude, for each transistor. [V]
    current_factor_shift : array_like
        Mismatch: relative change of the current factor, for each transistor; broadcasts with the other. [1]

    Returns
    -------
    ndarray, shape (..., COLUMNS)
        One row a transistor. [SI]

    Raises
    ------
    InputError
        If the card is of another kind, or a value is not possible.

    References
    ----------
    Temperature: V_T0 + dV_T/dT (T - T_ref) and K_P (T / T_ref)^mobility_exponent, Tsividis and McAndrew, Operation
    and Modeling of the MOS Transistor, 3rd edition (2011), chapter 4.
    """
    check_transistor_card(card)
    _check_positive("width", width, "m")
    _check_positive("length", length, "m")
    if not isinstance(conditions, Conditions):
        raise InputError(f"conditions is {conditions!r}; allowed is Conditions(corner, temperature)")
    threshold_shift = _finite("threshold_shift", threshold_shift, "V")
    current_factor_shift = _finite("current_factor_shift", current_factor_shift, "")
    if np.any(current_factor_shift <= -1.0):
        raise InputError(
            f"current_factor_shift is {np.min(current_factor_shift):g}; allowed are numbers > -1, or the current "
            "would change its sign"
        )
    temperature = conditions.temperature
    slowness = _SLOWNESS[conditions.corner[0 if card.kind == "nmos" else 1]]
    phi_t = Boltzmann * temperature / elementary_charge
    threshold = card.V_T0 + card.dV_T_dT * (temperature - card.T_ref) + slowness * card.V_T_corner
    transconductance = card.K_P * (temperature / card.T_ref) ** card.mobility_exponent
    current_factor = transconductance * (1.0 - slowness * card.K_P_corner) * width / length

    rows = np.empty((*np.broadcast_shapes(threshold_shift.shape, current_factor_shift.shape), core.COLUMNS))
    rows[..., core.V_T] = threshold + threshold_shift
    rows[..., core.SLOPE] = card.n
    rows[..., core.I_S] = 2.0 * card.n * phi_t**2 * current_factor * (1.0 + current_factor_shift)
    rows[..., core.MOBILITY] = card.theta * card.n * phi_t
    rows[..., core.CLM] = card.lambda_CLM
    rows[..., core.DIBL] = card.sigma_DIBL
    rows[..., core.PHI_T] = phi_t
    rows[..., core.POLARITY] = _POLARITY[card.kind]
    return rows


def draw_mismatch(
    card: Card, width: float, length: float, size: int | tuple[int, ...], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the mismatch of transistors, each its own: sigma_VT = A_VT / sqrt(W L), sigma_beta = A_beta / sqrt(W L).

    A and sigma are those of one transistor against the design; the difference of two neighbours, which most
    publications give, has sqrt(2) times that. A current factor that would not stay positive is drawn again.

    Parameters
    ----------
    card : Card
        Card of kind "nmos" or "pmos".
    width, length : float
        Width W and length L of the channels. [m]
    size : int or tuple of int
        Shape of the result.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    threshold_shift : ndarray, shape `size`
        What is added to the threshold's magnitude. [V]
    current_factor_shift : ndarray, shape `size`
        Relative change of the current factor. [1]

    Raises
    ------
    InputError
        If the card is of another kind, or the size or the generator is not one.

    References
    ----------
    Pelgrom, Duinmaijer and Welbers (1989), doi:10.1109/JSSC.1989.572629.
    """
    check_transistor_card(card)
    _check_positive("width", width, "m")
    _check_positive("length", length, "m")
    check_generator(rng)
    for length_of_axis in (size,) if np.ndim(size) == 0 else size:
        whole_number("size", length_of_axis, 0)
    root_area = np.sqrt(width * length)
    threshold_shift = card.A_VT / root_area * rng.standard_normal(size)
    current_factor_shift = card.A_beta / root_area * rng.standard_normal(size)
    while np.any(impossible := current_factor_shift <= -1.0):
        current_factor_shift[impossible] = card.A_beta / root_area * rng.standard_normal(int(impossible.sum()))
    return threshold_shift, current_factor_shift


def _finite(name: str, values: ArrayLike, unit: str) -> np.ndarray:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers") from None
    if not np.all(np.isfinite(numbers)):
        raise InputError(f"{name} has a value that is not finite; allowed are finite numbers in {unit}")
    return numbers
