"""Inference: a network on data, any of its layers on a circuit, any number of fabricated chips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from circuitsnn.checks import check_word, whole_number
from circuitsnn.energy.pim import Cost
from circuitsnn.errors import InputError
from circuitsnn.snn.coding import encode
from circuitsnn.snn.engines.base import (
    MacChip,
    MacDesign,
    MacEngine,
    NeuronChip,
    NeuronDesign,
    NeuronEngine,
)
from circuitsnn.snn.evaluation import LINEAR, Evaluator, Signal
from circuitsnn.snn.layers import BatchNorm, Convolution, Encoder, Layer, Neuron, Sum, Weights
from circuitsnn.snn.network import Network
from circuitsnn.snn.operations import layer_shape, multiplications
from circuitsnn.sram.macro import Macro
from circuitsnn.status import Status

if TYPE_CHECKING:
    from pandas import DataFrame

    from circuitsnn.energy.network import LayerUse

__all__ = ["Inference", "Precision", "run"]

Precision = Literal["float32", "float64"]
Engine = MacEngine | MacDesign | Macro | NeuronEngine | NeuronDesign
Designs = Mapping[str, tuple[MacDesign | NeuronDesign, bool]]

_TYPICAL = 64
"""Samples that engines are designed with, if none are given."""
_TYPICAL_ROWS = 4096
"""Most vectors that an engine is designed with."""
_CODING, _TYPICAL_CODING, _CHIP, _NOISE = range(4)
"""Purposes of random numbers, the first part of their streams' keys."""


def _block(network: Network) -> int:
    """Give the samples that go through the network together: what is drawn or rounded in one block is its own affair.

    Few with convolutions, whose maps should stay in the nearest caches; many without them.
    """
    return 32 if any(isinstance(layer, Convolution) for layer in network.layers) else 256


@dataclass(frozen=True, eq=False)
class Inference:
    """What came out of a network, and what it took."""

    network: Network
    """The network."""
    outputs: np.ndarray
    """Accumulated potentials or spike counts, shape (chips, n, outputs). [-]"""
    spikes: Mapping[str, np.ndarray]
    """Spikes of each spiking layer for each sample, all neurons and steps, shape (chips, n)."""
    accumulations: Mapping[str, np.ndarray]
    """Additions that spikes cause in each layer with weights, shape (chips, n): equation 13 of Wu et al. (2019)."""
    multiplications: Mapping[str, np.ndarray]
    """Multiplications that other values cause in each layer with weights, shape (chips, n): its equation 14."""
    records: Mapping[str, np.ndarray]
    """Outputs of the layers that were to be recorded, shape (chips, T, n, *shape); one step where all are alike."""
    designs: Mapping[str, MacDesign | NeuronDesign] = field(default_factory=dict)
    """What engines made of their layers; can be used as engines again."""
    reused: Mapping[str, bool] = field(default_factory=dict)
    """Whether an input that is the same in all steps is multiplied once, by layer with weights."""

    @property
    def chips(self) -> int:
        """Number of chips."""
        return len(self.outputs)

    @property
    def predictions(self) -> np.ndarray:
        """Class of each sample, that with the largest output, shape (chips, n)."""
        return self.outputs.argmax(axis=2)

    def accuracy(self, labels: ArrayLike) -> np.ndarray:
        """Share of the samples that are classed correctly.

        Parameters
        ----------
        labels : array_like of int, shape (n,)
            True classes.

        Returns
        -------
        ndarray, shape (chips,)
            Accuracy of each chip. [1]

        Raises
        ------
        InputError
            If there is not one label for each sample.
        """
        labels = np.asarray(labels)
        if labels.shape != self.outputs.shape[1:2]:
            raise InputError(f"labels have shape {labels.shape}; allowed is ({self.outputs.shape[1]},)")
        return (self.predictions == labels).mean(axis=1)

    @property
    def activity(self) -> dict[str, np.ndarray]:
        """Spikes of a neuron in all steps, mean over neurons and samples, by spiking layer, shape (chips,)."""
        return {name: each.mean(axis=1) / prod(self.network.shapes[name]) for name, each in self.spikes.items()}

    @cached_property
    def artificial_operations(self) -> dict[str, int]:
        """Multiplications of an artificial network with the same layers, by layer: equation 14 of Wu et al. (2019)."""
        network = self.network
        return {each.name: multiplications(each, network.input_of(each.name)) for each in network.weight_layers}

    @property
    def costs(self) -> dict[str, Cost | None]:
        """Energy and delay of one use of each layer's circuit, where it has one."""
        return {name: design.cost() for name, design in self.designs.items()}

    def layer_uses(self) -> "list[LayerUse]":
        """Say what a sample makes each layer with weights do, mean over samples and chips, for `network_cost`.

        Returns
        -------
        list of LayerUse
            One for each layer; with the circuit's own energy and delay where its engine has them, one product of the
            matrix after another.
        """
        from circuitsnn.energy.network import LayerUse

        uses, costs = [], self.costs
        for layer in self.network.weight_layers:
            name, cost = layer.name, costs.get(layer.name)
            shape = layer_shape(layer, self.network.input_of(name))
            spikes = self.accumulations[name].any()
            counted = self.accumulations[name] if spikes else self.multiplications[name]
            every = bool(spikes) or counted.mean() > self.artificial_operations[name]
            products = shape.positions * (self.network.steps if every else 1)
            circuit = None
            if cost is not None:
                circuit = Cost({"circuit": products * cost.energy}, {"circuit": products * cost.delay})
            uses.append(
                LayerUse(
                    name,
                    shape,
                    "spikes" if spikes else "analog",
                    activity=float(counted.mean() / self.artificial_operations[name]) if spikes else 1.0,
                    operations=float(counted.mean()),
                    steps=self.network.steps,
                    reused=not every,
                    circuit=circuit,
                    circuit_source="given with the layer" if cost is None else cost.source,
                )
            )
        return uses

    @property
    def status(self) -> Status:
        """Whether the result can be used, with advice if not."""
        if not np.isfinite(self.outputs).all():
            return Status("not finite", "outputs are not finite: look at the weights, or use precision 'float64'")
        for name, design in self.designs.items():
            if not design.status.ok:
                return Status(design.status.name, f"layer {name}: {design.status.advice}")
        silent = [name for name, each in self.spikes.items() if not each.any()]
        if silent:
            return Status("silent", f"no neuron of {', '.join(silent)} ever spikes: lower the thresholds")
        return Status("settled")

    def to_frame(self, labels: ArrayLike | None = None) -> "DataFrame":
        """Give a row for each chip and layer.

        Parameters
        ----------
        labels : array_like of int, shape (n,), optional
            True classes, for a column with the chip's accuracy.

        Returns
        -------
        pandas.DataFrame
            Columns chip, layer, activity (spikes of a neuron in all steps), accumulations, multiplications (of a
            sample, mean), artificial_operations, accuracy. NaN where a layer has no such number.
        """
        import pandas as pd

        rows = []
        accuracy = None if labels is None else self.accuracy(labels)
        activity = self.activity
        for chip in range(self.chips):
            for layer in self.network.layers:
                name = layer.name
                if name not in self.spikes and name not in self.accumulations:
                    continue
                row: dict[str, Any] = {"chip": chip, "layer": name}
                if name in self.spikes:
                    row["activity"] = activity[name][chip]
                else:
                    row["accumulations"] = self.accumulations[name][chip].mean()
                    row["multiplications"] = self.multiplications[name][chip].mean()
                    row["artificial_operations"] = self.artificial_operations[name]
                if accuracy is not None:
                    row["accuracy"] = accuracy[chip]
                rows.append(row)
        return pd.DataFrame(rows)


def run(
    network: Network,
    data: ArrayLike,
    *,
    engines: Mapping[str, Engine] | None = None,
    chips: int = 1,
    seed: int = 0,
    precision: Precision = "float32",
    calibration: ArrayLike | None = None,
    record: Sequence[str] = (),
    batch: int = 256,
    jobs: int = 1,
) -> Inference:
    """Run a network on data.

    Parameters
    ----------
    network : Network
        The network.
    data : array_like, shape (n, *input_shape)
        Samples. [-]
    engines : mapping of str to engine, optional
        What holds a layer, by its name: for layers with weights a `MacEngine`, a design that one made, or a `Macro`;
        for neurons a `NeuronEngine` or its design. Layers without one are exact.
    chips : int
        How many chips are drawn. Chip k is the same whatever their number.
    seed : int
        Seed of chips, noise and coding.
    precision : {"float32", "float64"}
        Precision of exact layers.
    calibration : array_like, shape (n, *input_shape), optional
        Samples whose signals set the engines' scales and ranges; the first 64 of the data without it.
    record : sequence of str
        Layers whose outputs are kept.
    batch : int
        Samples that a worker takes at a time, in whole blocks. No influence on the result.
    jobs : int
        Worker processes: they share the chips, or the samples where chips are fewer. No influence on the result.

    Returns
    -------
    Inference
        Outputs, spikes, operations.

    Raises
    ------
    InputError
        If an argument is not possible.

    Notes
    -----
    Samples go through the network in blocks of 256, or of 32 where there are convolutions, layer by layer, each with
    all its time steps. Memory is that of a block's largest signals (some MiB for LeNet-5 and 10 steps, whatever the
    number of samples) and of one chip for each worker; with several chips, all blocks are kept as they are before the
    first layer that varies.
    """
    if not isinstance(network, Network):
        raise InputError(f"network is {type(network).__name__}; allowed is a Network")
    samples = _checked_samples("data", data, network)
    chips, seed = whole_number("chips", chips, 1), whole_number("seed", seed, 0)
    batch, jobs = whole_number("batch", batch, 1), whole_number("jobs", jobs, 1)
    check_word("precision", precision, Precision)
    record = _checked_names(record, network)
    engines = _checked_engines(network, engines)
    typical = samples[:_TYPICAL] if calibration is None else _checked_samples("calibration", calibration, network)
    dtype = np.dtype(precision)
    line = _Line(network, dtype, _designed(network, engines, typical, dtype, seed), seed, record)
    drawn = chips if line.first < len(network.layers) else 1
    found = _on_workers(line, samples, drawn, batch, jobs)
    kept = {name: {key: _repeated(each, chips) for key, each in found[name].items()} for name in found}
    kept["records"] = {name: np.swapaxes(each, 1, 2) for name, each in kept["records"].items()}
    reused = {name: not line.every_step(name) for name in (each.name for each in network.weight_layers)}
    designs = {name: design for name, (design, _) in line.designs.items()}
    return Inference(network, kept.pop("outputs")["outputs"], **kept, designs=designs, reused=reused)


@dataclass
class _Block:
    """A block of samples on its way through the network, and what it has left behind, samples first."""

    number: int
    signal: Signal
    earlier: dict[str, Signal] = field(default_factory=dict)
    spikes: dict[str, np.ndarray] = field(default_factory=dict)
    accumulations: dict[str, np.ndarray] = field(default_factory=dict)
    multiplications: dict[str, np.ndarray] = field(default_factory=dict)
    records: dict[str, np.ndarray] = field(default_factory=dict)
    outputs: dict[str, np.ndarray] = field(default_factory=dict)

    def branch(self) -> "_Block":
        """Give a copy that goes its own way from here."""
        return _Block(*(dict(each) if isinstance(each, dict) else each for each in vars(self).values()))


_RESULTS = ("spikes", "accumulations", "multiplications", "records", "outputs")


class _Line:
    """The layers one after another, those of a chip on its circuits."""

    def __init__(self, network: Network, dtype: np.dtype, designs: Designs, seed: int, record: Sequence[str]) -> None:
        self.network, self.designs, self._seed, self._record = network, designs, seed, record
        self.evaluate = Evaluator(network, dtype)
        layers = network.layers
        varying = [n for n, each in enumerate(layers) if each.name in designs and designs[each.name][0].varies]
        #: Place of the first layer that differs between chips.
        self.first = varying[0] if varying else len(layers)
        self._sources = {each.source for each in layers if isinstance(each, Sum)}
        # From here on, layers give the sum over all steps from the sum over all steps.
        self._sum_at = len(layers)
        while network.readout == "potential" and self._sum_at and self._sums(layers[self._sum_at - 1]):
            self._sum_at -= 1

    def _sums(self, layer: Layer) -> bool:
        through_time = isinstance(layer, BatchNorm) and layer.scale.ndim == 2
        plain = layer.name not in self.designs and layer.name not in self._record
        return isinstance(layer, LINEAR) and plain and not through_time

    def every_step(self, name: str) -> bool:
        """Whether a layer multiplies an input that is the same in all steps anew in each."""
        return name in self.designs and self.designs[name][1]

    def chip(self, number: int) -> dict[str, MacChip | NeuronChip]:
        """Fabricate a chip's layers: the same for the same number, whatever else is fabricated."""
        made = {}
        for place, layer in enumerate(self.network.layers):
            if layer.name in self.designs:
                design = self.designs[layer.name][0]
                made[layer.name] = design.chip(self._stream(_CHIP, number if design.varies else 0, place))
        return made

    def _stream(self, *key: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self._seed, spawn_key=key)

    def start(self, number: int, samples: np.ndarray, purpose: int) -> _Block:
        """Code a block of samples."""
        network, dtype = self.network, self.evaluate.dtype
        if network.coding == "direct":
            return _Block(number, Signal.of(samples[None].astype(dtype, copy=False)))
        rng = np.random.default_rng(self._stream(purpose, number))
        series = np.asarray(encode(network.coding, samples, network.steps, rng))
        series = series.astype(dtype if network.coding == "bipolar" else np.uint8, copy=False)
        return _Block(number, Signal.of(series, spikes=True))

    def pass_on(
        self, block: _Block, start: int, stop: int, chip: int = 0, parts: Mapping[str, MacChip | NeuronChip] = {}
    ) -> _Block:
        """Take a block from before layer `start` to before layer `stop`, in place."""
        network = self.network
        if start == 0 and "input" in self._sources:
            block.earlier["input"] = block.signal
        for place in range(start, stop):
            layer = network.layers[place]
            if place == self._sum_at:
                block.signal = block.signal.sum()
            anew = self.every_step(layer.name)
            if isinstance(layer, Weights):
                accumulations, multiplications = self.evaluate.operations(layer, block.signal, anew)
                block.accumulations[layer.name] = accumulations
                block.multiplications[layer.name] = multiplications
            rng = None
            if layer.name in parts:
                rng = np.random.default_rng(self._stream(_NOISE, chip, place, block.number))
            block.signal = self.evaluate(layer, block.signal, block.earlier, parts.get(layer.name), rng, anew)
            if isinstance(layer, Neuron | Encoder):
                block.spikes[layer.name] = block.signal.spikes
            if layer.name in self._sources:
                block.earlier[layer.name] = block.signal
            if layer.name in self._record:
                block.records[layer.name] = np.moveaxis(block.signal.series(), 0, 1)
        if stop == len(network.layers):
            block.outputs["outputs"] = self._read_out(block.signal)
        return block

    def _read_out(self, signal: Signal) -> np.ndarray:
        if self.network.readout == "spikes":
            return signal.event_counts().reshape(signal.samples, *signal.shape)
        alike = signal.steps == 1 and not signal.summed
        return signal.series().sum(axis=0) * signal.values.dtype.type(self.network.steps if alike else 1)

    def through(self, samples: np.ndarray, first_block: int, chips: Sequence[int]) -> list[list[dict]]:
        """Take samples through the network on each of some chips; give the results of each chip's blocks."""
        places = len(self.network.layers)
        shared = self.first if len(chips) > 1 else 0
        parts = self.chip(chips[0])
        size = _block(self.network)
        numbers = range(-(-len(samples) // size))
        blocks = (self.start(first_block + n, samples[n * size : (n + 1) * size], _CODING) for n in numbers)
        blocks = (self.pass_on(block, 0, shared, chips[0], parts) for block in blocks)
        blocks = list(blocks) if len(chips) > 1 else blocks
        found = []
        for chip in chips:
            parts = parts if chip == chips[0] else self.chip(chip)
            done = (self.pass_on(block.branch(), shared, places, chip, parts) for block in blocks)
            found.append([{name: getattr(each, name) for name in _RESULTS} for each in done])
        return found


def _on_workers(line: _Line, samples: np.ndarray, chips: int, batch: int, jobs: int) -> dict[str, dict]:
    """Share out chips, or samples where there are fewer chips than workers; put the results together again."""
    block = _block(line.network)
    size = -(-batch // block) * block
    portions = range(0, len(samples), size) if chips < jobs else range(0, len(samples), len(samples))
    size = size if chips < jobs else len(samples)
    groups = [list(each) for each in np.array_split(range(chips), min(chips, jobs))]
    tasks = [(samples[at : at + size], at // block, [int(c) for c in group]) for group in groups for at in portions]
    if jobs == 1 or len(tasks) == 1:
        results = [line.through(*task) for task in tasks]
    else:
        from joblib import Parallel, delayed

        results = Parallel(n_jobs=jobs)(delayed(line.through)(*task) for task in tasks)
    # Results of a group's portions follow one another.
    by_chip: list[list[dict]] = []
    for first in range(0, len(results), len(portions)):
        portion = results[first : first + len(portions)]
        by_chip += [[block for part in portion for block in part[n]] for n in range(len(portion[0]))]
    return {
        name: {
            key: np.stack([np.concatenate([block[name][key] for block in blocks]) for blocks in by_chip])
            for key in by_chip[0][0][name]
        }
        for name in _RESULTS
    }


def _repeated(values: np.ndarray, chips: int) -> np.ndarray:
    return values if len(values) == chips else np.repeat(values, chips, axis=0)


# Designs.


def _designed(
    network: Network, engines: Mapping[str, Engine], typical: np.ndarray, dtype: np.dtype, seed: int
) -> dict[str, tuple[MacDesign | NeuronDesign, bool]]:
    """Apply engines to their layers, with the signals of the exact network as typical inputs."""
    designs = {name: (each, False) for name, each in engines.items() if isinstance(each, MacDesign | NeuronDesign)}
    rules = {name: each for name, each in engines.items() if name not in designs}
    if not rules:
        return designs
    # Named as recorded, so that a layer with an engine gets the signal of each step and not their sum.
    line = _Line(network, dtype, {}, seed, tuple(rules))
    size = _block(network)
    numbers = range(-(-len(typical) // size))
    blocks = [line.start(n, typical[n * size : (n + 1) * size], _TYPICAL_CODING) for n in numbers]
    for place, layer in enumerate(network.layers):
        if layer.name in rules:
            engine = rules[layer.name]
            if isinstance(engine, MacEngine):
                rows = np.concatenate([_some(line.evaluate.rows(layer, each.signal), len(blocks)) for each in blocks])
                designs[layer.name] = engine.design(layer.matrix, rows, network.steps), engine.read_every_step
            else:
                drive = np.concatenate([each.signal.series() for each in blocks], axis=1)
                drive = np.broadcast_to(drive, (network.steps, *drive.shape[1:]))
                designs[layer.name] = engine.design(layer, network.shapes[layer.name], drive), False
        for block in blocks:
            line.pass_on(block, place, place + 1)
    return designs


def _some(rows: np.ndarray, blocks: int) -> np.ndarray:
    """Give evenly spaced rows, so many that all blocks together have no more than a design needs."""
    most = max(_TYPICAL_ROWS // blocks, 1)
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


# Checks.


def _checked_samples(what: str, given: ArrayLike, network: Network) -> np.ndarray:
    try:
        samples = np.asarray(given)
    except ValueError:
        raise InputError(f"{what} must be an array of numbers; its samples are not all as large") from None
    if samples.ndim < 1 or samples.shape[1:] != network.input_shape or not len(samples):
        allowed = ", ".join(map(str, network.input_shape))
        raise InputError(f"{what} has shape {samples.shape}; allowed is (n, {allowed}), as the network's input")
    if samples.dtype.kind not in "fiub":
        raise InputError(f"{what} holds {samples.dtype}; allowed are numbers")
    if not np.isfinite(samples).all():
        raise InputError(f"{what} holds values that are not finite; allowed are finite numbers")
    return samples


def _checked_names(record: Sequence[str], network: Network) -> tuple[str, ...]:
    names = (record,) if isinstance(record, str) else tuple(record)
    for name in names:
        network.input_of(name)
    return names


def _checked_engines(network: Network, engines: Mapping[str, Engine] | None) -> dict[str, Engine]:
    if engines is None:
        return {}
    if not isinstance(engines, Mapping):
        raise InputError(f"engines is {engines!r}; allowed is a mapping of layers' names to engines")
    checked: dict[str, Engine] = {}
    for name, engine in engines.items():
        layer = network[name]
        if engine is None:
            continue
        if isinstance(engine, Macro) and isinstance(layer, Weights):
            from circuitsnn.snn.engines.macro import wrap

            engine = wrap(engine)
        allowed = {
            Weights: ((MacEngine, MacDesign), "a MacEngine, its design, or a Macro"),
            Neuron: ((NeuronEngine, NeuronDesign), "a NeuronEngine or its design"),
        }
        kinds, words = next((each for kind, each in allowed.items() if isinstance(layer, kind)), ((), "None"))
        if not isinstance(engine, kinds):
            raise InputError(
                f"engines: layer {name!r} is of kind {layer.kind!r} and its engine is {type(engine).__name__}; "
                f"allowed is {words}"
            )
        checked[name] = engine
    return checked
