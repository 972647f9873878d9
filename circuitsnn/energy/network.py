"""Energy and delay of a whole network, layer by layer, in three figures that differ by orders of magnitude.

- "operations": multiplications and accumulations times the energy of each, and nothing else: what most papers print.
- "memory": with the fetching of the weights and with leakage, equations 22 to 25 of Datta et al. (2022).
- "circuit": layers inside a memory by equations 26 and 27, or by what a macro's circuit took; the others as "memory".

None of the three has the traffic of activations and membrane potentials, nor the neurons' comparisons.

Source: S. Datta et al., Front. Neurosci. 16:815258 (2022), section 7.3, doi:10.3389/fnins.2022.815258.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Literal, get_args

from circuitsnn.cards import Card
from circuitsnn.energy.operations import operation_energy
from circuitsnn.energy.pim import (
    READINGS,
    Cost,
    LayerShape,
    Reading,
    ac_energy,
    counted_weights,
    digital_cnn,
    digital_snn,
    in_memory,
    mac_energy,
    read_as,
)
from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["FIGURES", "LayerUse", "NetworkCost", "Row", "network_cost"]

Figure = Literal["operations", "memory", "circuit"]
FIGURES: tuple[Figure, ...] = get_args(Figure)
"""The three figures, from the least to the most complete."""


@dataclass(frozen=True)
class LayerUse:
    """A layer and what one sample (an image, a patch) makes it do. Construction raises where that cannot be."""

    name: str
    """Name, each once in a network."""
    shape: LayerShape
    """Sizes."""
    inputs: Literal["analog", "spikes"]
    """Whether the inputs have several bits, so that it takes multiplications, or are spikes."""
    activity: float = 1.0
    """Spikes of each input neuron, summed over all time steps; of no meaning for "analog". [-]"""
    operations: float | None = None
    """Multiplications or accumulations, as measured, over all time steps; None for weights times positions, times
    `activity` for spikes. [-]"""
    steps: int = 1
    """Time steps. [-]"""
    reused: bool = True
    """Whether "analog" inputs, the same in all time steps, are multiplied once and not in each step."""
    circuit: Cost | Literal["in_memory"] | None = None
    """What the layer takes in its own circuit for the whole sample, such as a macro's report; "in_memory" for equations
    26 and 27; None for digital hardware."""
    circuit_source: str = "given with the layer"
    """Where `circuit` comes from."""
    weight_bits: float | None = None
    """Bits of the weights; None for the card's B_W."""
    input_bits: float | None = None
    """Bits of "analog" inputs; None for those of the weights."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"layer: name is {self.name!r}; allowed is a text that is not empty")
        allowed = {
            "shape": (isinstance(self.shape, LayerShape), "LayerShape(...)"),
            "inputs": (self.inputs in ("analog", "spikes"), "analog, spikes"),
            "activity": (_is_number(self.activity), "a finite number >= 0"),
            "operations": (self.operations is None or _is_number(self.operations), "a finite number >= 0, or None"),
            "steps": (
                isinstance(self.steps, int) and self.steps is not True and self.steps >= 1,
                "a whole number >= 1",
            ),
            "reused": (isinstance(self.reused, bool), "True, False"),
            "circuit": (
                self.circuit is None or isinstance(self.circuit, Cost) or self.circuit == "in_memory",
                "Cost(...), 'in_memory', None",
            ),
        }
        for field, (holds, words) in allowed.items():
            if not holds:
                raise InputError(f"layer {self.name}: {field} is {getattr(self, field)!r}; allowed is {words}")
        # NumPy's numbers become Python's, as what a run measures may be of either.
        object.__setattr__(self, "activity", float(self.activity))
        if self.operations is not None:
            object.__setattr__(self, "operations", float(self.operations))


@dataclass(frozen=True)
class Row:
    """One layer by one of the three figures."""

    layer: str
    """Name of the layer."""
    figure: Figure
    """Which figure it is."""
    cost: Cost
    """Energy and delay by part."""
    source: str
    """Equations and constants, with where they come from."""


@dataclass(frozen=True)
class NetworkCost:
    """Energy and delay of one sample in a network."""

    rows: tuple[Row, ...]
    """Each layer by each figure, in the order of the layers."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in order."""
        return tuple(dict.fromkeys(row.layer for row in self.rows))

    def total(self, figure: Figure = "memory", layers: Sequence[str] | None = None) -> Cost:
        """Add layers up, part by part; they work one after another.

        Parameters
        ----------
        figure : {"operations", "memory", "circuit"}
            Which figure.
        layers : sequence of str, optional
            Names of layers; all of them without it.

        Returns
        -------
        Cost
            Their sum.

        Raises
        ------
        InputError
            If there is no such figure or layer.
        """
        if figure not in FIGURES:
            raise InputError(f"figure is {figure!r}; allowed: {', '.join(FIGURES)}")
        chosen = self.layers if layers is None else tuple(layers)
        for name in chosen:
            if name not in self.layers:
                raise InputError(f"there is no layer {name!r}; allowed: {', '.join(self.layers)}")
        costs = [row.cost for row in self.rows if row.figure == figure and row.layer in chosen]
        return Cost(_added(cost.energies for cost in costs), _added(cost.delays for cost in costs))

    def share(self, layer: str, figure: Figure = "memory") -> float:
        """Give a layer's share of the energy.

        Parameters
        ----------
        layer : str
            Name of the layer.
        figure : {"operations", "memory", "circuit"}
            Which figure.

        Returns
        -------
        float
            Its energy divided by the network's. [-]
        """
        whole = self.total(figure).energy
        return self.total(figure, [layer]).energy / whole if whole else 0.0

    def ratio_to(self, other: "NetworkCost") -> "DataFrame":
        """Say how many times the cost of another network this one's is.

        Parameters
        ----------
        other : NetworkCost
            The other network.

        Returns
        -------
        pandas.DataFrame
            A row for each figure, columns energy, delay and edp: this one's total divided by the other's; NaN or
            infinite where the other's is 0. [-]
        """
        import pandas as pd

        if not isinstance(other, NetworkCost):
            raise InputError(f"other is {other!r}; allowed is NetworkCost(...)")
        mine, others = (
            pd.DataFrame([_numbers(one.total(figure)) for figure in FIGURES], index=pd.Index(FIGURES, name="figure"))
            for one in (self, other)
        )
        return mine / others

    def to_frame(self) -> "DataFrame":
        """Give all rows and the totals as a table.

        Returns
        -------
        pandas.DataFrame
            A row for each layer and figure, then the totals; columns layer, figure, energy [J], delay [s], edp [J s],
            source.
        """
        import pandas as pd

        rows = [
            {"layer": row.layer, "figure": row.figure} | _numbers(row.cost) | {"source": row.source}
            for row in self.rows
        ]
        totals = [
            {"layer": "total", "figure": figure} | _numbers(self.total(figure)) | {"source": "sum of the layers"}
            for figure in FIGURES
        ]
        return pd.DataFrame(rows + totals)


def network_cost(
    layers: Sequence[LayerUse],
    card: Card,
    form: str | Reading = "corrected",
    operations: Card | None = None,
) -> NetworkCost:
    """Account for a whole network.

    Parameters
    ----------
    layers : sequence of LayerUse
        Its layers, and what a sample makes each of them do.
    card : Card
        Constants, of kind "pim_constants".
    form : str or Reading
        How equations 22 to 27 are read: "as_printed", "corrected", "closest" or switches of one's own.
    operations : Card, optional
        Energies of single operations, of kind "operation_energies", for the figure "operations"; without it, E_mac and
        E_ac of `card`, scaled as the paper does.

    Returns
    -------
    NetworkCost
        The three figures for each layer and the network.

    Raises
    ------
    InputError
        If a layer or a card is not possible.
    """
    layers = list(layers)
    if not layers or not all(isinstance(layer, LayerUse) for layer in layers):
        raise InputError("layers must be LayerUse(...), one or more")
    names = [layer.name for layer in layers]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"layer {name} is there twice; allowed is each name once")
    reading = read_as(form)
    label = next((name.replace("_", " ") for name, one in READINGS.items() if one == reading), "read as told")
    return NetworkCost(tuple(row for layer in layers for row in _rows(layer, card, reading, label, operations)))


def _rows(layer: LayerUse, card: Card, reading: Reading, label: str, energies: Card | None) -> tuple[Row, Row, Row]:
    evaluations = 1 if layer.reused else layer.steps
    count = layer.operations
    if layer.inputs == "analog":
        if count is None:
            count = counted_weights(layer.shape, reading) * layer.shape.positions * evaluations
        digital = digital_cnn(
            layer.shape, card, reading, layer.weight_bits, layer.input_bits, operations=count, evaluations=evaluations
        )
        equations = "equations 22 and 23"
    else:
        if count is None:
            count = counted_weights(layer.shape, reading) * layer.shape.positions * layer.activity
        digital = digital_snn(
            layer.shape, card, layer.activity, layer.steps, reading, layer.weight_bits, operations=count
        )
        equations = "equations 24 and 25"
    energy, source = _operation(layer, card, reading, energies)
    compute = Cost({"compute": count * energy}, {"compute": digital.delays["compute"]})
    constants = f"{label}, constants of card {card.name}: {card.source}"
    return (
        Row(layer.name, "operations", compute, f"{count:.6g} times {energy * 1e12:.4g} pJ: {source}"),
        Row(layer.name, "memory", digital, f"{equations}, {constants}"),
        _circuit(layer, card, reading, digital, constants, evaluations),
    )


def _operation(layer: LayerUse, card: Card, reading: Reading, energies: Card | None) -> tuple[float, str]:
    """Energy of an operation of the layer and where it comes from: measured, or scaled as the paper does."""
    weight_bits = card.B_W if layer.weight_bits is None else layer.weight_bits
    if layer.inputs == "spikes":
        if energies is not None:
            measured = operation_energy(energies, "ac", weight_bits)
            return measured.energy, measured.source
        source = f"E_ac at {weight_bits:g} bits, scaled by Q; {card.parameters['E_ac'].source}"
        return ac_energy(card, weight_bits), source
    input_bits = weight_bits if layer.input_bits is None else layer.input_bits
    if energies is not None:
        measured = operation_energy(energies, "mac", max(weight_bits, input_bits))
        return measured.energy, measured.source
    exponent = card.q_exp if reading.q_exp is None else reading.q_exp
    rule = f"scaled by Q^{exponent:.4g}"
    if input_bits != weight_bits:
        rule = "given by the reading" if reading.E_mac_mixed is not None else f"{rule}, Q the geometric mean"
    source = f"E_mac at {weight_bits:g} by {input_bits:g} bits, {rule}; {card.parameters['E_mac'].source}"
    return mac_energy(card, weight_bits, input_bits, reading), source


def _circuit(layer: LayerUse, card: Card, reading: Reading, digital: Cost, constants: str, evaluations: int) -> Row:
    if layer.circuit is None:
        return Row(layer.name, "circuit", digital, "digital hardware, as for memory")
    if isinstance(layer.circuit, Cost):
        return Row(layer.name, "circuit", layer.circuit, layer.circuit_source)
    times = layer.steps if layer.inputs == "spikes" else evaluations
    cost = in_memory(layer.shape, card, reading, evaluations=times)
    return Row(layer.name, "circuit", cost, f"equations 26 and 27, {constants}")


def _added(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in parts:
        for name, value in one.items():
            total[name] = total.get(name, 0.0) + value
    return total


def _numbers(cost: Cost) -> dict[str, float]:
    return {"energy": cost.energy, "delay": cost.delay, "edp": cost.edp}


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0.0 <= value < inf
