"""Energy and delay of a layer on digital hardware and in memory, by equations 22 to 27 of Datta et al. 2022.

Each equation comes in two forms. "as_printed" is the paper's text to the letter. "corrected" differs where the text
cannot be meant, or its own numbers contradict it:

- 22 to 27: k^3 weights for each pair of channels become k_x k_y k_z; the kernels of the paper's Table 1 are no cubes.
- 25: the accumulations happen in every time step, so their duration is multiplied by the number of steps.
- 26: the analog energy is spent at each of the P_1 = H_o W_o D_o output positions, as equation 27 has it.
- 27: an analog accumulation takes T_BLP, which Table 4 gives and no equation uses, not T_read.

Source: S. Datta et al., Front. Neurosci. 16:815258 (2022), section 7.3, doi:10.3389/fnins.2022.815258.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil, log2, sqrt
from typing import TYPE_CHECKING, Literal, get_args

from circuitsnn.cards import Card
from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Cost", "LayerShape", "digital_cnn", "digital_snn", "in_memory", "mac_energy"]

Form = Literal["corrected", "as_printed"]


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
    """Energy and delay of a layer."""

    energies: Mapping[str, float]
    """Energy by part. [J]"""
    delays: Mapping[str, float]
    """Delay by part; the parts follow one another. [s]"""

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


def mac_energy(card: Card, weight_bits: float | None = None, input_bits: float | None = None) -> float:
    """Scale the energy of a multiplication with accumulation to its number of bits.

    Parameters
    ----------
    card : Card
        Constants, of kind "pim_constants".
    weight_bits : float, optional
        Bits of the weight; without it, the card's B_W.
    input_bits : float, optional
        Bits of the input; without it, those of the weight.

    Returns
    -------
    float
        E_mac (Q / Q_ref)^q_exp with Q the geometric mean of both numbers of bits. [J]

    References
    ----------
    Section 7.3.1 of Datta et al. (2022), doi:10.3389/fnins.2022.815258; the geometric mean is ours.
    """
    weight_bits = _bits(card, weight_bits)
    bits = sqrt(weight_bits * _bits(card, weight_bits if input_bits is None else input_bits))
    return card.E_mac * (bits / card.Q_ref) ** card.q_exp


def digital_cnn(
    layer: LayerShape,
    card: Card,
    form: Form = "corrected",
    weight_bits: float | None = None,
    input_bits: float | None = None,
    energy_per_mac: float | None = None,
    whole_words: bool = False,
) -> Cost:
    """Cost of a layer with multi-bit inputs on digital hardware: equations 22 and 23.

    Parameters
    ----------
    layer : LayerShape
        The layer.
    card : Card
        Constants, of kind "pim_constants".
    form : {"corrected", "as_printed"}
        See the module.
    weight_bits, input_bits : float, optional
        Bits of weights and inputs, as for `mac_energy`. T_mac goes with the logarithm of the weight's bits.
    energy_per_mac : float, optional
        Energy in place of `mac_energy`, such as a measured one. [J]
    whole_words : bool
        Whether words stay whole and cycles are counted in whole numbers; the equations divide.

    Returns
    -------
    Cost
        Parts "memory", "compute" and "leakage".

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    weights = _weights(layer, card, form)
    per_mac = mac_energy(card, weight_bits, input_bits) if energy_per_mac is None else energy_per_mac
    if not isinstance(per_mac, (int, float)) or not 0.0 <= per_mac < float("inf"):
        raise InputError(f"energy_per_mac is {per_mac!r}; allowed is a finite energy >= 0 J")
    bits = _bits(card, weight_bits)
    delays = {
        "memory": _accesses(weights, card, bits, whole_words) * card.T_read,
        "compute": _shares(weights, card.N_mac, whole_words) * layer.positions * card.T_mac * _latency(card, bits),
    }
    return _cost({"memory": weights * card.E_read, "compute": weights * layer.positions * per_mac}, delays, card)


def digital_snn(
    layer: LayerShape,
    card: Card,
    activity: float,
    steps: int = 1,
    form: Form = "corrected",
    weight_bits: float | None = None,
    whole_words: bool = False,
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
        Time steps. The form "as_printed" leaves them out of the delay.
    form : {"corrected", "as_printed"}
        See the module.
    weight_bits : float, optional
        Bits of the weights; without it, the card's B_W. E_ac is proportional to it, T_ac goes with its logarithm.
    whole_words : bool
        Whether words stay whole and cycles are counted in whole numbers; the equations divide.

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
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps is {steps!r}; allowed is a whole number >= 1")
    weights = _weights(layer, card, form)
    bits = _bits(card, weight_bits)
    per_ac = card.E_ac * bits / card.Q_ref
    rounds = _shares(weights, card.N_ac, whole_words) * layer.positions * (steps if form == "corrected" else 1)
    delays = {
        "memory": _accesses(weights, card, bits, whole_words) * card.T_read,
        "compute": rounds * card.T_ac * _latency(card, bits),
    }
    energies = {"memory": weights * card.E_read, "compute": weights * layer.positions * activity * per_ac}
    return _cost(energies, delays, card)


def in_memory(
    layer: LayerShape,
    card: Card,
    form: Form = "corrected",
    accumulations: float | None = None,
    whole_words: bool = False,
) -> Cost:
    """Cost of a layer inside the memory: equations 26 and 27.

    Parameters
    ----------
    layer : LayerShape
        The layer.
    card : Card
        Constants, of kind "pim_constants".
    form : {"corrected", "as_printed"}
        See the module.
    accumulations : float, optional
        R, analog accumulations for each conversion. The paper does not give it: without it, the length of the dot
        product, at most the card's R.
    whole_words : bool
        Whether words stay whole and cycles are counted in whole numbers; the equations divide.

    Returns
    -------
    Cost
        Parts "bit lines", "converters" and "leakage".

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    weights = _weights(layer, card, form)
    per_conversion = min(layer.dot_length, card.R) if accumulations is None else accumulations
    if not isinstance(per_conversion, (int, float)) or not per_conversion >= 1:
        raise InputError(f"accumulations is {accumulations!r}; allowed is a number >= 1")
    words = card.N_col / card.B_W
    rounds = _shares(weights, (int(words) if whole_words else words) * card.N_bank, whole_words) * layer.positions
    times = layer.positions if form == "corrected" else 1
    duration = card.T_BLP if form == "corrected" else card.T_read
    return _cost(
        {"bit lines": weights * times * card.E_BLP, "converters": weights * times * card.E_adc / per_conversion},
        {"bit lines": rounds * duration, "converters": rounds * card.T_adc / per_conversion},
        card,
    )


def _cost(energies: dict[str, float], delays: dict[str, float], card: Card) -> Cost:
    return Cost({**energies, "leakage": card.P_leak * sum(delays.values())}, delays)


def _weights(layer: LayerShape, card: Card, form: Form) -> int:
    """Weights W of the layer in that form; checks card and form on the way."""
    if not isinstance(layer, LayerShape):
        raise InputError(f"layer is {layer!r}; allowed is LayerShape(...)")
    _check_card(card)
    if form not in get_args(Form):
        raise InputError(f"form is {form!r}; allowed: {', '.join(get_args(Form))}")
    if form == "as_printed":
        return layer.C_i * layer.C_o * max(layer.k_x, layer.k_y, layer.k_z) ** 3
    return layer.weights


def _check_card(card: Card) -> None:
    kind = getattr(card, "kind", None)
    if kind != "pim_constants":
        found = f"card {card.name} is of kind {kind!r}" if kind else f"card is {card!r}"
        raise InputError(f"{found}; allowed is a card of kind 'pim_constants'")


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
