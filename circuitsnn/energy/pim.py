"""Energy and delay of a layer on digital hardware and in memory, by equations 22 to 27 of Datta et al. 2022.

The paper leaves room in how its equations are to be read. `Reading` has a switch for each point, `READINGS` three
settings of all of them. "as_printed" is the paper's text to the letter. "corrected" differs where the text cannot be
meant, or its own numbers contradict it:

- 22 to 27: k^3 weights for each pair of channels become k_x k_y k_z; the kernels of the paper's Table 1 are no cubes.
- 25: the accumulations happen in every time step, so their duration is multiplied by the number of steps.
- 26: the analog energy is spent at each of the P_1 = H_o W_o D_o output positions, as equation 27 has it.
- 27: an analog accumulation takes T_BLP, which Table 4 gives and no equation uses, not T_read.

"closest" is the setting under which most of the paper's printed numbers follow from its equations; it is no better
physics, and no setting gives all of them (docs/theory/energy.md).

Source: S. Datta et al., Front. Neurosci. 16:815258 (2022), section 7.3, doi:10.3389/fnins.2022.815258.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil, log, log2, sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from circuitsnn.cards import Card
from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "READINGS",
    "Cost",
    "LayerShape",
    "Reading",
    "ac_energy",
    "counted_weights",
    "digital_cnn",
    "digital_snn",
    "in_memory",
    "mac_energy",
    "read_as",
]

AnalogTime = Literal["T_BLP", "T_read"]


@dataclass(frozen=True)
class Reading:
    """How equations 22 to 27 are read: a switch for each point that the paper leaves open or contradicts."""

    reads: bool = True
    """Whether fetching the weights counts, in energy and delay (22 to 25)."""
    leakage: bool = True
    """Whether P_leak T counts (22, 24, 26)."""
    every_step: bool = True
    """Whether the accumulations of each time step take their time (25)."""
    every_position: bool = True
    """Whether the analog energy is spent at each output position (26)."""
    analog_time: AnalogTime = "T_BLP"
    """Duration of an analog accumulation (27)."""
    R: float | None = None
    """Analog accumulations for each conversion (26, 27); None for the dot product's length, at most the card's R."""
    cube: int | None = None
    """k where every kernel with a depth counts as k x k x k, as k^3 is printed; None for k_x k_y k_z."""
    q_exp: float | None = None
    """E_mac goes with the number of bits to this power; None for the card's."""
    E_mac_mixed: float | None = None
    """Energy of a multiplication of two numbers of different lengths [J]; None for their geometric mean's."""

    def __post_init__(self) -> None:
        for name in ("reads", "leakage", "every_step", "every_position"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"reading: {name} is {getattr(self, name)!r}; allowed: True, False")
        if self.analog_time not in get_args(AnalogTime):
            raise InputError(
                f"reading: analog_time is {self.analog_time!r}; allowed: {', '.join(get_args(AnalogTime))}"
            )
        if self.cube is not None and (isinstance(self.cube, bool) or not isinstance(self.cube, int) or self.cube < 1):
            raise InputError(f"reading: cube is {self.cube!r}; allowed is a whole number >= 1, or None")
        for name, least in (("R", 1), ("q_exp", 0), ("E_mac_mixed", 0)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, (int, float)) or not least <= value < float("inf")):
                raise InputError(f"reading: {name} is {value!r}; allowed is a finite number >= {least}, or None")


# Section 3: "all SOTA CNN architectures have filter size 3 in each dimension"; its 352.8 of section 7.3.2 is
# 84 x 84 x 27 / 540, a cube of 3 for a layer that Table 1 gives a kernel of 1 x 1 x 2.
_PRINTED = Reading(every_step=False, every_position=False, analog_time="T_read", cube=3)
# The exponent with which 6-bit networks need 12.5 times less energy than 32-bit ones (section 7.3.1).
_STEEP = log(12.5) / log(32 / 6)

READINGS: Mapping[str, Reading] = MappingProxyType(
    {
        "as_printed": _PRINTED,
        "corrected": Reading(),
        "closest": Reading(reads=False, every_step=False, cube=3, q_exp=_STEEP),
    }
)
"""Named settings of the switches."""


@dataclass(frozen=True)
class LayerShape:
    """Sizes of a convolution; a fully connected layer has kernel and output 1 x 1 x 1."""

    C_i: int
    """Input channels."""
    C_o: int
    """Output channels."""
    k_x: int = 1
    """Kernel, first direction."""
    k_y: int = 1
    """Kernel, second direction."""
    k_z: int = 1
    """Kernel along the depth (the spectrum)."""
    H_o: int = 1
    """Output positions, first direction."""
    W_o: int = 1
    """Output positions, second direction."""
    D_o: int = 1
    """Output positions along the depth."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"layer: {field.name} is {value!r}; allowed is a whole number >= 1")

    @property
    def dot_length(self) -> int:
        """Products that one output sums."""
        return self.C_i * self.k_x * self.k_y * self.k_z

    @property
    def weights(self) -> int:
        """Weights W."""
        return self.C_o * self.dot_length

    @property
    def positions(self) -> int:
        """Output positions P."""
        return self.H_o * self.W_o * self.D_o

    @property
    def macs(self) -> int:
        """Multiplications with accumulation, W P."""
        return self.weights * self.positions


@dataclass(frozen=True)
class Cost:
    """Energy and delay of a layer, or of one use of a circuit."""

    energies: Mapping[str, float]
    """Energy by part. [J]"""
    delays: Mapping[str, float]
    """Delay by part; the parts follow one another. [s]"""
    source: str = ""
    """Where the figures come from, if not from the equations."""

    @property
    def energy(self) -> float:
        """Sum of the energies, in joules."""
        return sum(self.energies.values())

    @property
    def delay(self) -> float:
        """Sum of the delays, in seconds."""
        return sum(self.delays.values())

    @property
    def edp(self) -> float:
        """Energy-delay product, in joule seconds."""
        return self.energy * self.delay

    def to_frame(self) -> "DataFrame":
        """Give the parts as a table.

        Returns
        -------
        pandas.DataFrame
            A row for each part and the total; columns energy [J] and delay [s].
        """
        import pandas as pd

        frame = pd.DataFrame({"energy": pd.Series(self.energies), "delay": pd.Series(self.delays)}).fillna(0.0)
        frame.loc["total"] = [self.energy, self.delay]
        return frame.rename_axis("part")


def read_as(form: str | Reading) -> Reading:
    """Find a reading by its name.

    Parameters
    ----------
    form : str or Reading
        A key of `READINGS`, or the switches themselves.

    Returns
    -------
    Reading
        The switches.

    Raises
    ------
    InputError
        If there is no such reading.
    """
    if isinstance(form, Reading):
        return form
    if not isinstance(form, str) or form not in READINGS:
        raise InputError(f"form is {form!r}; allowed: {', '.join(READINGS)}, or Reading(...)")
    return READINGS[form]


def counted_weights(layer: LayerShape, form: str | Reading = "corrected") -> int:
    """Count the weights of a layer.

    Parameters
    ----------
    layer : LayerShape
        The layer.
    form : str or Reading
        How the equations are read: cube.

    Returns
    -------
    int
        W, or C_i C_o k^3 where kernels with a depth count as cubes. [-]

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    if not isinstance(layer, LayerShape):
        raise InputError(f"layer is {layer!r}; allowed is LayerShape(...)")
    cube = read_as(form).cube
    return layer.weights if cube is None or layer.k_z == 1 else layer.C_i * layer.C_o * cube**3


def mac_energy(
    card: Card, weight_bits: float | None = None, input_bits: float | None = None, form: str | Reading = "corrected"
) -> float:
    """Scale the energy of a multiplication with accumulation to its number of bits.

    Parameters
    ----------
    card : Card
        Constants, of kind "pim_constants".
    weight_bits : float, optional
        Bits of the weight; without it, the card's B_W.
    input_bits : float, optional
        Bits of the input; without it, those of the weight.
    form : str or Reading
        How the equations are read: q_exp and E_mac_mixed.

    Returns
    -------
    float
        E_mac (Q / Q_ref)^q_exp with Q the geometric mean of both numbers of bits. [J]

    References
    ----------
    Section 7.3.1 of Datta et al. (2022), doi:10.3389/fnins.2022.815258; the geometric mean is ours.
    """
    reading = read_as(form)
    weight_bits = _bits(card, weight_bits)
    input_bits = _bits(card, weight_bits if input_bits is None else input_bits)
    if input_bits != weight_bits and reading.E_mac_mixed is not None:
        return reading.E_mac_mixed
    exponent = card.q_exp if reading.q_exp is None else reading.q_exp
    return card.E_mac * (sqrt(weight_bits * input_bits) / card.Q_ref) ** exponent


def ac_energy(card: Card, weight_bits: float | None = None) -> float:
    """Scale the energy of an accumulation to its number of bits.

    Parameters
    ----------
    card : Card
        Constants, of kind "pim_constants".
    weight_bits : float, optional
        Bits of the weight; without it, the card's B_W.

    Returns
    -------
    float
        E_ac Q / Q_ref. [J]

    References
    ----------
    Section 7.3.1 of Datta et al. (2022), doi:10.3389/fnins.2022.815258.
    """
    return card.E_ac * _bits(card, weight_bits) / card.Q_ref


def digital_cnn(
    layer: LayerShape,
    card: Card,
    form: str | Reading = "corrected",
    weight_bits: float | None = None,
    input_bits: float | None = None,
    energy_per_mac: float | None = None,
    whole_words: bool = False,
    operations: float | None = None,
    evaluations: int = 1,
) -> Cost:
    """Cost of a layer with multi-bit inputs on digital hardware: equations 22 and 23.

    Parameters
    ----------
    layer : LayerShape
        The layer.
    card : Card
        Constants, of kind "pim_constants".
    form : str or Reading
        How the equations are read: "as_printed", "corrected", "closest" or switches of one's own.
    weight_bits, input_bits : float, optional
        Bits of weights and inputs, as for `mac_energy`. T_mac goes with the logarithm of the weight's bits.
    energy_per_mac : float, optional
        Energy in place of `mac_energy`, such as a measured one. [J]
    whole_words : bool
        Whether words stay whole and cycles are counted in whole numbers; the equations divide.
    operations : float, optional
        Multiplications that cost energy, such as those that do not meet padding; without it, W P `evaluations`.
    evaluations : int
        Times that the layer is computed; its weights are fetched once.

    Returns
    -------
    Cost
        Parts "memory", "compute" and "leakage".

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    reading, weights = _weights(layer, card, form)
    per_mac = mac_energy(card, weight_bits, input_bits, reading) if energy_per_mac is None else energy_per_mac
    if not isinstance(per_mac, (int, float)) or not 0.0 <= per_mac < float("inf"):
        raise InputError(f"energy_per_mac is {per_mac!r}; allowed is a finite energy >= 0 J")
    bits = _bits(card, weight_bits)
    rounds = _shares(weights, card.N_mac, whole_words) * layer.positions * _whole("evaluations", evaluations)
    count = weights * layer.positions * evaluations if operations is None else operations
    return _digital(reading, weights, card, bits, whole_words, count * per_mac, rounds * card.T_mac)


def digital_snn(
    layer: LayerShape,
    card: Card,
    activity: float,
    steps: int = 1,
    form: str | Reading = "corrected",
    weight_bits: float | None = None,
    whole_words: bool = False,
    operations: float | None = None,
) -> Cost:
    """Cost of a layer with spikes as inputs on digital hardware: equations 24 and 25.

    Parameters
    ----------
    layer : LayerShape
        The layer.
    card : Card
        Constants, of kind "pim_constants".
    activity : float
        Spikes of each input neuron, summed over all time steps: that of the layer before, zeta_{l-1}. [-]
    steps : int
        Time steps. As printed they are left out of the delay.
    form : str or Reading
        How the equations are read: "as_printed", "corrected", "closest" or switches of one's own.
    weight_bits : float, optional
        Bits of the weights; without it, the card's B_W. E_ac is proportional to it, T_ac goes with its logarithm.
    whole_words : bool
        Whether words stay whole and cycles are counted in whole numbers; the equations divide.
    operations : float, optional
        Accumulations in all time steps, such as measured synaptic operations; without it, W P `activity`.

    Returns
    -------
    Cost
        Parts "memory", "compute" and "leakage".

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    if not isinstance(activity, (int, float)) or not 0.0 <= activity < float("inf"):
        raise InputError(f"activity is {activity!r}; allowed is a number of spikes >= 0")
    _whole("steps", steps)
    reading, weights = _weights(layer, card, form)
    bits = _bits(card, weight_bits)
    rounds = _shares(weights, card.N_ac, whole_words) * layer.positions * (steps if reading.every_step else 1)
    count = weights * layer.positions * activity if operations is None else operations
    return _digital(reading, weights, card, bits, whole_words, count * ac_energy(card, bits), rounds * card.T_ac)


def in_memory(
    layer: LayerShape,
    card: Card,
    form: str | Reading = "corrected",
    accumulations: float | None = None,
    whole_words: bool = False,
    evaluations: int = 1,
) -> Cost:
    """Cost of a layer inside the memory: equations 26 and 27.

    Parameters
    ----------
    layer : LayerShape
        The layer.
    card : Card
        Constants, of kind "pim_constants".
    form : str or Reading
        How the equations are read: "as_printed", "corrected", "closest" or switches of one's own.
    accumulations : float, optional
        R, analog accumulations for each conversion. The paper does not give it: without it, the reading's, else the
        length of the dot product, at most the card's R.
    whole_words : bool
        Whether words stay whole and cycles are counted in whole numbers; the equations divide.
    evaluations : int
        Times that the layer is computed.

    Returns
    -------
    Cost
        Parts "bit lines", "converters" and "leakage".

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    reading, weights = _weights(layer, card, form)
    per_conversion = reading.R if accumulations is None else accumulations
    if per_conversion is None:
        per_conversion = min(layer.dot_length, card.R)
    if not isinstance(per_conversion, (int, float)) or not per_conversion >= 1:
        raise InputError(f"accumulations is {accumulations!r}; allowed is a number >= 1")
    words = card.N_col / card.B_W
    rounds = _shares(weights, (int(words) if whole_words else words) * card.N_bank, whole_words) * layer.positions
    rounds *= _whole("evaluations", evaluations)
    times = evaluations * (layer.positions if reading.every_position else 1)
    return _cost(
        {"bit lines": weights * times * card.E_BLP, "converters": weights * times * card.E_adc / per_conversion},
        {
            "bit lines": rounds * getattr(card, reading.analog_time),
            "converters": rounds * card.T_adc / per_conversion,
        },
        card,
        reading,
    )


def _digital(
    reading: Reading, weights: int, card: Card, bits: float, whole_words: bool, energy: float, duration: float
) -> Cost:
    """Cost of the digital engine from that of its operations at B_W bits."""
    accesses = _accesses(weights, card, bits, whole_words) if reading.reads else 0.0
    return _cost(
        {"memory": weights * card.E_read if reading.reads else 0.0, "compute": energy},
        {"memory": accesses * card.T_read, "compute": duration * _latency(card, bits)},
        card,
        reading,
    )


def _cost(energies: dict[str, float], delays: dict[str, float], card: Card, reading: Reading) -> Cost:
    leakage = card.P_leak * sum(delays.values()) if reading.leakage else 0.0
    return Cost({**energies, "leakage": leakage}, delays)


def _weights(layer: LayerShape, card: Card, form: str | Reading) -> tuple[Reading, int]:
    """Switches, and weights W of the layer under them; checks layer, card and form on the way."""
    _check_card(card)
    return read_as(form), counted_weights(layer, form)


def _check_card(card: Card) -> None:
    kind = getattr(card, "kind", None)
    if kind != "pim_constants":
        found = f"card {card.name} is of kind {kind!r}" if kind else f"card is {card!r}"
        raise InputError(f"{found}; allowed is a card of kind 'pim_constants'")


def _whole(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} is {value!r}; allowed is a whole number >= 1")
    return value


def _bits(card: Card, bits: float | None) -> float:
    bits = card.B_W if bits is None else bits
    if not isinstance(bits, (int, float)) or not 1 <= bits < float("inf"):
        raise InputError(f"bits is {bits!r}; allowed is a number >= 1")
    return bits


def _latency(card: Card, bits: float) -> float:
    """Ratio of an operation's latency to that at B_W bits: logarithmic, for a carry-save adder (section 7.3.1)."""
    return 1.0 if bits == card.B_W else log2(max(bits, 2)) / log2(max(card.B_W, 2))


def _accesses(weights: int, card: Card, bits: float, whole_words: bool) -> float:
    words = card.B_IO / bits
    if whole_words and words < 1:
        raise InputError(f"a weight of {bits:g} bits is longer than the B_IO = {card.B_IO:g} bits of an access")
    return _shares(weights, (int(words) if whole_words else words) * card.N_bank, whole_words)


def _shares(count: float, at_once: float, whole: bool) -> float:
    return ceil(count / at_once) if whole else count / at_once
