"""``circuitsnn infer``: a trained network on a data set, any of its layers on a circuit."""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from circuitsnn.cli.app import app
from circuitsnn.cli.options import JobsOption, JsonOption, cores
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.errors import InputError
from circuitsnn.quantities import show_quantity

if TYPE_CHECKING:
    import numpy as np

    from circuitsnn.snn.inference import Inference
    from circuitsnn.snn.network import Network

_ENGINES = "macro, crossbar, quantised, comparator, oscillator"


class Part(str, Enum):
    """Part of a data set."""

    test = "test"
    train = "train"


@app.command("infer")
def infer(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="Path of a network's file, or name of one that the package has, such as digits-mlp-snn6.",
        ),
    ],
    data: Annotated[str, typer.Option("--data", help="Name of a data set: see circuitsnn data list.")],
    folder: Annotated[Path | None, typer.Option("--folder", help="Folder of the data set's files.")] = None,
    part: Annotated[Part, typer.Option(help="Which part of the data set.")] = Part.test,
    samples: Annotated[int | None, typer.Option("--samples", min=1, help="How many samples; all without it.")] = None,
    bits: Annotated[
        int | None,
        typer.Option(
            "--bits",
            min=0,
            max=24,
            help="Bits of a weight, quantised by scale; without it, those that the "
            "network was trained for; 0 for full precision.",
        ),
    ] = None,
    engines: Annotated[
        list[str] | None,
        typer.Option(
            "--engine",
            metavar="LAYER=ENGINE[:CARD]",
            help=f"What holds a layer, or all weights or neurons: {_ENGINES}. The card (for quantised: bits; "
            "for a comparator: offset,noise over the threshold) is the default one without it. Repeatable.",
        ),
    ] = None,
    chips: Annotated[int, typer.Option("--chips", min=1, help="Chips that are drawn.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of chips, noise and coding.")] = 0,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a trained network: accuracy, spikes, operations, energy, on exact layers or on circuits.

    Example: circuitsnn infer digits-mlp-snn6 --data digits --engine weights=macro --chips 20
    """  # fmt: skip
    from circuitsnn.snn.conversion import quantised
    from circuitsnn.snn.files import load_network
    from circuitsnn.snn.inference import run

    found = load_network(network)
    chosen = _engines(found, engines or [])
    bits = int(found.about.get("bits", 0)) if bits is None else bits
    inputs, labels, calibration = _samples(data, folder, part.value, found)
    result = run(
        quantised(found, bits or None), inputs[:samples], engines=chosen, chips=chips, seed=seed,
        calibration=calibration, jobs=cores() if jobs is None else jobs,
    )  # fmt: skip
    _report(result, labels[:samples], bits, as_json)


def _samples(
    data: str, folder: Path | None, part: str, network: "Network"
) -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
    """Give samples of the network's shape, their classes, and training samples to calibrate circuits with."""
    from circuitsnn.data import Scene, load, pixel_patches
    from circuitsnn.study.trained import preparation

    found = load(data, folder=folder)
    if isinstance(found, Scene):
        patches = pixel_patches(found, **preparation(network))
        pixels, labels = getattr(patches, f"{part}_pixels"), getattr(patches, f"{part}_labels")
        inputs, calibration = patches.patches(pixels), patches.patches(patches.train_pixels[:64])
    else:
        inputs, labels = getattr(found, f"{part}_images"), getattr(found, f"{part}_labels")
        calibration = found.train_images[:64]
    shape = inputs.shape[1:]
    if shape != network.input_shape and network.input_shape != (inputs[0].size,):
        raise InputError(f"samples of {data} have shape {shape}; the network takes {network.input_shape}")
    return (
        *(each.reshape(len(each), *network.input_shape) for each in (inputs,)),
        labels,
        calibration.reshape(len(calibration), *network.input_shape),
    )


def _engines(network: "Network", given: Sequence[str]) -> dict[str, Any]:
    groups = {"weights": network.weight_layers, "neurons": network.neuron_layers}
    chosen: dict[str, Any] = {}
    for text in given:
        name, sign, rule = text.partition("=")
        if not (name and sign and rule):
            raise InputError(f"--engine is given {text!r}; allowed is LAYER=ENGINE[:CARD], such as conv1=macro")
        engine = _engine(*rule.partition(":")[::2])
        for layer in [layer.name for layer in groups[name]] if name in groups else [name]:
            chosen[layer] = engine
    return chosen


def _engine(word: str, detail: str) -> Any:
    if word == "macro":
        from circuitsnn.snn.engines.macro import OnMacro

        return OnMacro(detail) if detail else OnMacro()
    if word == "crossbar":
        from circuitsnn.snn.engines.crossbar import Crossbar

        return Crossbar(detail) if detail else Crossbar()
    if word == "oscillator":
        from circuitsnn.snn.engines.oscillator import OscillatorNeuron

        return OscillatorNeuron(detail) if detail else OscillatorNeuron()
    if word == "quantised":
        from circuitsnn.snn.engines.quantised import Quantised

        (bits,) = _numbers(word, detail or "6", 1)
        return Quantised(int(bits), "scale")
    if word == "comparator":
        from circuitsnn.snn.engines.comparator import Comparator

        return Comparator(*_numbers(word, detail or "0.05,0.05", 2))
    raise InputError(f"--engine names {word!r}; allowed: {_ENGINES}")


def _numbers(word: str, text: str, count: int) -> list[float]:
    try:
        numbers = [float(each) for each in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise InputError(f"--engine gives {word} {text!r}; allowed: {count} number{'s' * (count > 1)}, by commas")
    return numbers


def _report(result: "Inference", labels: "np.ndarray", bits: int, as_json: bool) -> None:
    from circuitsnn.cards import load_card
    from circuitsnn.energy.network import FIGURES, network_cost

    uses = [replace(use, weight_bits=bits or None) for use in result.layer_uses()]
    cost = network_cost(uses, load_card("pim_datta2022"))
    accuracy = result.accuracy(labels)
    frame = result.to_frame().groupby("layer", sort=False).mean(numeric_only=True).drop(columns="chip")
    totals = {figure: cost.total(figure) for figure in FIGURES}
    if as_json:
        say_json(
            {
                "accuracy": accuracy.tolist(), "samples": len(labels), "status": str(result.status),
                "layers": frame.reset_index().to_dict(orient="records"),
                "energy_J": {name: each.energy for name, each in totals.items()},
                "delay_s": {name: each.delay for name, each in totals.items()},
            }
        )  # fmt: skip
        return
    rows = [[str(name), *("" if value != value else f"{value:.4g}" for value in row)] for name, row in frame.iterrows()]
    say_table(["layer", *frame.columns], rows)
    spread = f" (chips from {100 * accuracy.min():.2f} to {100 * accuracy.max():.2f} %)" if result.chips > 1 else ""
    say(f"accuracy: {100 * accuracy.mean():.2f} %{spread}, {len(labels)} samples, {result.chips} chip(s)")
    for name, each in totals.items():
        say(f"energy by {name}: {show_quantity(each.energy, 'J', 3)}, delay {show_quantity(each.delay, 's', 3)}")
    if not result.status.ok:
        say(f"status: {result.status}")
