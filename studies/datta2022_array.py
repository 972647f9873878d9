"""ACE-SNN with its first layer in a real SRAM array: what the array's errors cost in accuracy.

Datta et al. (2022) put the first layer of their spiking networks into an SRAM array, and keep that array ideal: the
paper gives no accuracy with it. Here the first layer of the trained 6-bit CNN-3D, the one with analog inputs, is on
chips of the macro `sram_macro_65nm` (behavioural model; every cell and converter is a draw of its own), and everything
behind it is exact. What the layer gives is computed once and used in all T = 5 steps, as the paper has it.

- Sweeps: mismatch of the cells, bits and mismatch of the converters, drift of the supplies after the calibration, the
  offset of all pulses, which makes up for the word line's rise.
- Remedies: networks trained with the array's statistics in the loop; a threshold of the first neurons that each chip
  sets by what its own array gives (the 99.7 % percentile over 10 training patches).
- Energy: pulses with the offset and without, bits of the converters, and the least energy at which no more than 1 % of
  accuracy is lost.

Each chip classifies a few pixels of its own, the same in every state of the array; a loss is counted against the same
network with exact products on the same pixels, so that the draw of the pixels cancels for the most part. A band is the
95 % interval of the mean loss, by bootstrap over chips. Energies are those of the circuit, conversions by its closed
form.

Inputs go to the word lines as pulses of 4 bits in two phases, one for each sign (``--set coding=bit_serial`` for bits
one after another). Unit pulses are so short that the longest discharge is that of the card's rows_on rows, but for the
offset; this is some two time constants of the word line, with which an input of 1 discharges a line by a fifteenth of
what 15 does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.cards import Card
from circuitsnn.data import PixelPatches
from circuitsnn.figures import PALETTE
from circuitsnn.snn.conversion import quantised, recalibrate
from circuitsnn.snn.engines.macro import OnMacro
from circuitsnn.snn.inference import run as infer
from circuitsnn.snn.network import Network
from circuitsnn.sram.macro import Macro
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure
from circuitsnn.study.trained import (
    TRAINING,
    advice,
    at_hand,
    drawn,
    nearest_neighbour,
    preparation,
    scene_patches,
    trained_networks,
    training_seed,
)

RECIPE = "samson-cnn3d"
SCENES = ("samson", "indian-pines", "pavia", "salinas")
BITS = 6
CHUNK = 512
CALIBRATION = 50  # training patches for the array's ranges
ADAPTATION = 10  # of these, for a threshold
LOST = 1.0  # % of accuracy
PLAIN, AWARE = "plain", "noise-aware"
STAGES = {PLAIN: "snn6", AWARE: "noise6"}
SWEEPS = {
    "cells": "mismatch of the cells, A_VT over the card's [1]",
    "bits": "bits of the converters [-]",
    "converters": "mismatch of the converters over the card's [1]",
    "drift": "change of all supplies after the calibration [%]",
    "offset": "offset of all pulses [ps]",
}
NOMINAL = {"cells": 1.0, "bits": 6.0, "converters": 1.0, "drift": 0.0}


@dataclass(frozen=True)
class Setting:
    """One state of the array."""

    card: Card = field(compare=False)
    coding: str = "pulse_width"
    cells: float = 1.0
    """A_VT of the cells over the card's. [1]"""
    bits: int = 6
    """Bits of the converters."""
    converters: float = 1.0
    """Mismatch of the converters over the card's. [1]"""
    drift: float = 0.0
    """Change of all supplies. [%]"""
    trim: bool = True
    """Whether each output's mean error is taken off."""
    pulse: float = 1.0
    """Unit pulse over the usual one. [1]"""
    offset: float = 0.0
    """Added to every pulse. [ps]"""

    def engine(self, inputs: int) -> OnMacro:
        """Make the engine for products of as many inputs."""
        array = self.card.parts["array"]
        longest = 1 if self.coding == "bit_serial" else 15
        unit = array.T_pulse * min(self.card.rows_on / (inputs * longest), 1.0) * self.pulse
        values = {"array.T_pulse": unit, "array.T_offset": self.offset * 1e-12}
        cell = array.parts["cell"]
        values |= {f"array.cell.{name}.A_VT": self.cells * part.A_VT for name, part in cell.parts.items()}
        adc = self.card.parts["adc"]
        values |= {"adc.sigma_offset": self.converters * adc.sigma_offset, "adc.A_C": self.converters * adc.A_C}
        return OnMacro(
            swing=None,
            card=self.card.replace(**values), input_coding=self.coding, input_bits=4, weight_bits=BITS,
            significance="digital", rows_on=None, converter_bits=self.bits, supply_drift=self.drift / 100.0,
            trim=self.trim,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Chips:
    """Work for a worker: chips with a setting, each with pixels of its own."""

    places: list[tuple[str, float]]
    """Sweep and value, for each sweep that this state is in."""
    setting: Setting
    training: str
    network: Network
    scene: str
    seed: int
    chips: int
    pixels: int
    recalibrated: bool = False

    def seen(self, patches: PixelPatches, chip: int) -> np.ndarray:
        """Draw the test pixels that a chip classifies: the same in every state of the array."""
        return drawn(len(patches.test_pixels), self.pixels, 10**6 * self.seed + chip)

    def solve(self) -> pd.DataFrame:
        """Give accuracies of all chips, with the array and exact, and the layer's energy."""
        patches = scene_patches(self.scene, **preparation(self.network))
        first, neuron = self.network.weight_layers[0], self.network.neuron_layers[0]
        rng = np.random.default_rng([training_seed(self.network), 1])
        some = rng.choice(len(patches.train_pixels), min(CALIBRATION, len(patches.train_pixels)), replace=False)
        typical = patches.patches(patches.train_pixels[some])
        head = replace(self.network, layers=self.network.layers[: self.network.layers.index(neuron) + 1])
        engine = {first.name: self.setting.engine(first.matrix.shape[1])}
        design = infer(self.network, typical[:1], engines=engine, calibration=typical).designs[first.name]
        engine, rows, chips = {first.name: design}, [], range(self.chips)
        exact = infer(
            self.network, patches.patches(np.concatenate([patches.test_pixels[self.seen(patches, k)] for k in chips]))
        ).predictions.reshape(self.chips, -1)
        for chip, predicted in zip(chips, exact, strict=True):
            pixels = self.seen(patches, chip)
            samples, labels = patches.patches(patches.test_pixels[pixels]), patches.test_labels[pixels]
            network, seed = self.network, 10**6 * self.seed + chip
            if self.recalibrated:
                network = network.replace(recalibrate(head, typical[:ADAPTATION], engine, seed=seed)[neuron.name])
            accuracy = infer(network, samples, engines=engine, seed=seed).accuracy(labels)[0]
            rows.append({"chip": chip, "accuracy": 100.0 * accuracy, "exact": 100.0 * np.mean(predicted == labels)})
        energy, delay = layer_cost(design.chip(np.random.SeedSequence(0)).macro)
        positions = prod(self.network.shapes[first.name][1:])
        found = pd.DataFrame(rows).assign(
            training=self.training, recalibrated=self.recalibrated, bits=self.setting.bits, pulse=self.setting.pulse,
            offset=self.setting.offset, energy=energy * positions, delay=delay * positions, status=design.status.name,
        )  # fmt: skip
        return pd.concat([found.assign(sweep=sweep, value=value) for sweep, value in self.places], ignore_index=True)


def layer_cost(macro: Macro) -> tuple[float, float]:
    """Give energy [J] and delay [s] of one product, conversions by the closed form of the circuit.

    The card has a measured energy for 6 bits, and a law for other resolutions that is not measured on the same
    converter: side by side 3 bits would cost more than 6.
    """
    report, converters = macro.report(), macro.converters
    others = report["energy"].drop(["total", "converters"]).sum()
    count = report["energy"]["converters"] / float(converters.energy_per_conversion)
    return others + count * converters.energy_table()["energy [J]"]["circuit"], report["delay"]["total"]


@dataclass(frozen=True, eq=False)
class Exact:
    """Work for a worker: a network with exact products on some test pixels."""

    network: Network
    scene: str
    chosen: np.ndarray

    def solve(self) -> float:
        """Give the accuracy. [%]."""
        patches = scene_patches(self.scene, **preparation(self.network))
        right = 0
        for start in range(0, len(self.chosen), CHUNK):
            some = self.chosen[start : start + CHUNK]
            result = infer(self.network, patches.patches(patches.test_pixels[some]))
            right += int((result.predictions[0] == patches.test_labels[some]).sum())
        return 100.0 * right / len(self.chosen)


def solve(task: Chips | Exact) -> pd.DataFrame | float:
    """Do one piece of work in a worker."""
    return task.solve()


def settings(context: StudyContext) -> dict[Setting, list[tuple[str, float]]]:
    """List all states of the array with the places in sweeps that each has."""
    values = context.parameters
    usual = Setting(context.card("sram_macro_65nm"), str(values["coding"]), offset=float(values["offset"]))
    found: dict[Setting, list[tuple[str, float]]] = {}

    def add(setting: Setting, sweep: str, value: float) -> None:
        found.setdefault(setting, []).append((sweep, float(value)))

    for name in ("cells", "bits", "converters"):
        add(usual, name, NOMINAL[name])
        for each in values[name]:
            if each != NOMINAL[name]:
                add(replace(usual, **{name: each}), name, each)
    for each in values["drift"]:
        add(replace(usual, drift=each, trim=False), "drift", each)
    for offset in sorted({usual.offset, *values["offsets"]}):
        add(replace(usual, offset=offset), "offset", offset)
    converters = sorted(each for each in {*values["bits"], BITS} if 4 <= each <= BITS)
    for pulse, bits, offset in product(values["pulses"], converters, sorted({0.0, usual.offset})):
        add(replace(usual, pulse=pulse, bits=bits, offset=offset), "energy", pulse)
    return found


def summary(chips: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give a row for each state: accuracy, loss and band over chips."""
    keys, rows = ["sweep", "value", "bits", "pulse", "offset", "training", "recalibrated"], []
    for key, group in chips.groupby(keys, sort=False):
        loss = (group["exact"] - group["accuracy"]).to_numpy()
        means = np.random.default_rng(seed).choice(loss, (1000, len(loss))).mean(axis=1)
        low, high = np.quantile(means, (0.025, 0.975)) if len(loss) > 1 else (np.nan, np.nan)
        rows.append(
            dict(zip(keys, key, strict=True))
            | {"chips": len(group), "accuracy": group["accuracy"].mean(), "exact": group["exact"].mean()}
            | {"loss": loss.mean(), "loss_low": low, "loss_high": high, "spread": group["accuracy"].std(ddof=0)}
            | {"worst": group["accuracy"].min(), "energy": group["energy"].iloc[0], "delay": group["delay"].iloc[0]}
            | {"status": group["status"].iloc[0]}
        )
    return pd.DataFrame(rows)


def limits(results: pd.DataFrame) -> pd.DataFrame:
    """Find for each sweep where 1 % is lost, away from the nominal value on either side."""
    rows = []
    chosen = results[results["sweep"].isin(NOMINAL) & ~results["recalibrated"]]
    for (sweep, training), group in chosen.groupby(["sweep", "training"], sort=False):
        for side, sign in (("above", 1.0), ("below", -1.0)):
            part = group[sign * (group["value"] - NOMINAL[sweep]) >= 0.0].sort_values("value", ascending=sign > 0)
            beyond = part[part["loss"] > LOST]
            if len(part) < 2:
                continue
            at = np.nan
            if len(beyond):
                place = part.index.get_loc(beyond.index[0])
                last = part.iloc[place]
                at = last["value"]
                if place:
                    one = part.iloc[place - 1]
                    at = np.interp(LOST, [one["loss"], last["loss"]], [one["value"], last["value"]])
            rows.append(
                {"sweep": sweep, "training": training, "side": side, "value": at, "largest_loss": part["loss"].max()}
            )
    return pd.DataFrame(rows)


def claims(
    context: StudyContext, reference: Mapping[str, float], results: pd.DataFrame, where: pd.DataFrame
) -> list[Claim]:
    """State what is asked; the paper gives no accuracy with the array."""
    found = []
    gap = 5.0 if context.parameters["reference_pixels"] else 0.5  # on a few pixels one is more than 0.5 points
    if "ann" in reference:
        found.append(Claim.at_most("Spiking, 6 bits, T = 5, ideal array: below the artificial network", gap,
            reference["ann"] - reference[PLAIN], unit="points", from_paper=False,
            remark=f"{reference[PLAIN]:.2f} and {reference['ann']:.2f} %"))  # fmt: skip
    found.append(Claim.at_least("The same, above the nearest neighbour of the patch", 0.0,
        reference[PLAIN] - reference["patch"], unit="points", from_paper=False,
        remark=f"{reference['patch']:.2f} %; of the centre alone {reference['pixel']:.2f} %"))  # fmt: skip
    plain = results[(results["training"] == PLAIN) & ~results["recalibrated"]]

    def loss(sweep: str, value: float, table: pd.DataFrame = plain) -> pd.Series | None:
        one = table[(table["sweep"] == sweep) & np.isclose(table["value"], value)]
        return one.iloc[0] if len(one) else None

    for bits, make, bound in ((6, Claim.at_most, 1.0), (3, Claim.at_least, 3.0)):
        one = loss("bits", bits)
        if one is not None:
            band = f"95 %: {one['loss_low']:.2f} to {one['loss_high']:.2f}; worst chip {one['worst']:.1f} %"
            found.append(make(f"Accuracy lost with converters of {bits} bits", bound, float(one["loss"]),
                unit="points", from_paper=False, remark=band))  # fmt: skip
    usual = loss("offset", context.parameters["offset"])
    one = loss("offset", 0.0)
    if usual is not None and one is not None and context.parameters["offset"]:
        band = f"95 %: {one['loss_low']:.2f} to {one['loss_high']:.2f}; at least that with the offset"
        found.append(Claim.at_least("Accuracy lost with converters of 6 bits and no offset of the pulses",
            float(usual["loss"]), float(one["loss"]), unit="points", from_paper=False, remark=band))  # fmt: skip
    largest = max(context.parameters["cells"])
    one = loss("cells", largest)
    aware = loss("cells", largest, results[results["training"] == AWARE])
    if one is not None and aware is not None:
        found.append(Claim.at_most(f"Noise-aware training: loss at {largest:g} times the card's A_VT",
            float(one["loss"]), float(aware["loss"]), unit="points", from_paper=False,
            remark="at most that without it, against the exact products of either network"))  # fmt: skip
    adapted = results[(results["training"] == PLAIN) & results["recalibrated"] & (results["sweep"] == "drift")]
    for value in sorted({min(context.parameters["drift"]), max(context.parameters["drift"])}):
        one, other = loss("drift", value), loss("drift", value, adapted)
        if one is not None and other is not None:
            found.append(Claim.at_most(f"Thresholds set on the array: loss with supplies {value:+g} %",
                float(one["loss"]), float(other["loss"]), unit="points", from_paper=False,
                remark="at most that with the thresholds as trained"))  # fmt: skip
    found += energy_claims(results, context.parameters["offset"])
    return found


def energy_claims(results: pd.DataFrame, offset: float) -> list[Claim]:
    """State what energy it takes to lose no more than 1 %."""
    energies = results[(results["sweep"] == "energy") & ~results["recalibrated"] & (results["status"] == "settled")]
    enough = energies[energies["loss"] <= LOST]
    usual = (energies["pulse"] == 1.0) & (energies["offset"] == offset) & (energies["bits"] == BITS)
    nominal = energies[usual & (energies["training"] == PLAIN)]
    found = []
    for training, words in ((PLAIN, "as trained"), (AWARE, "noise-aware training")):
        group = enough[enough["training"] == training]
        best = group.loc[group["energy"].idxmin()] if len(group) else None
        least = np.nan if best is None else float(best["energy"])
        if len(nominal):
            remark = "at most that of 6 bits and pulses times 1; " + (
                "no state of the sweep" if best is None else f"{best['bits']:.0f} bits, unit pulse times "
                f"{best['pulse']:g}, {best['offset']:g} ps longer, loss {best['loss']:.2f} points (95 %: "
                f"{best['loss_low']:.2f} to {best['loss_high']:.2f})"
            )  # fmt: skip
            found.append(Claim.at_most(f"Least energy of the layer with 1 % lost at most, {words}",
                float(nominal["energy"].item()), least, unit="J", from_paper=False,
                remark=remark))  # fmt: skip
    return found


def draw_sweeps(results: pd.DataFrame) -> Figure:
    """Draw the loss over each sweep."""
    figure, panels = new_figure(3, 2, width=27.0, height=15.0)
    styles = {
        (PLAIN, False): ("o-", PALETTE[0], "as trained"),
        (PLAIN, True): ("s--", PALETTE[2], "threshold set on each chip"),
        (AWARE, False): ("^-", PALETTE[1], "noise-aware training"),
    }
    *places, last = panels.ravel()
    for axes, name in zip(places, SWEEPS, strict=True):
        for (training, recalibrated), (style, colour, label) in styles.items():
            one = results[
                (results["sweep"] == name)
                & (results["training"] == training)
                & (results["recalibrated"] == recalibrated)
            ].sort_values("value")
            if len(one):
                axes.plot(one["value"], one["loss"], style, color=colour, markersize=4, label=label)
                axes.fill_between(one["value"], one["loss_low"], one["loss_high"], color=colour, alpha=0.2, linewidth=0)
        axes.axhline(LOST, color="black", linestyle=":", linewidth=1)
        axes.set(xlabel=SWEEPS[name], ylabel="loss of accuracy [points]")
    last.axis("off")
    lines = [last.plot([], [], style, color=colour, label=label)[0] for style, colour, label in styles.values()]
    last.legend(handles=lines, loc="center", title="band: 95 % interval of the mean over chips")
    return figure


def draw_energy(results: pd.DataFrame) -> Figure:
    """Draw the loss against the layer's energy, without and with noise-aware training."""
    figure, (*places, last) = new_figure(3, 1, width=25.0, height=8.0)
    energies = results[(results["sweep"] == "energy") & ~results["recalibrated"]]
    pulses = sorted(energies["pulse"].unique())
    lines = {}
    for axes, training, title in zip(places, (PLAIN, AWARE), ("as trained", "noise-aware training"), strict=True):
        chosen = energies[energies["training"] == training]
        for (pulse, offset), group in chosen.groupby(["pulse", "offset"]):
            ordered = group.sort_values("energy")
            colour = PALETTE[pulses.index(pulse) % len(PALETTE)]
            style = "s-" if offset else "o--"
            band = np.abs(ordered[["loss_low", "loss_high"]].to_numpy().T - ordered["loss"].to_numpy())
            lines[f"unit pulse times {pulse:g}, offset {offset:g} ps"] = axes.errorbar(
                ordered["energy"] * 1e9, ordered["loss"], yerr=band, fmt=style, markersize=4, capsize=2, color=colour
            )
            for _, one in ordered.iterrows():
                axes.annotate(f"{one['bits']:.0f}", (one["energy"] * 1e9, one["loss"]), textcoords="offset points",
                    xytext=(4, 4), fontsize=7, color=colour)  # fmt: skip
        axes.axhline(LOST, color="black", linestyle=":", linewidth=1)
        axes.set(xlabel="energy of the layer for a patch [nJ]", ylabel="loss of accuracy [points]", title=title)
    last.axis("off")
    last.legend(lines.values(), lines.keys(), loc="center", fontsize=8, title="figures: bits of the converters")
    return figure


def run(context: StudyContext) -> Outcome:
    """Run the study; without scene or networks it says what is missing."""
    scene = str(context.parameters["scene"])
    lacking = at_hand(scene)
    networks = {}
    if not lacking:
        other = None if scene == "samson" else scene
        networks = trained_networks(context, RECIPE, ("ann", *STAGES.values()), data=other)
    if "snn6" not in networks:
        remark = lacking or advice(STUDY.name, f"scene={scene}")
        name = f"{scene}: accuracy with the first layer in the array"
        needs = "needs the scene" if lacking else "needs trained networks"
        claim = Claim(name, None, "not measured", needs, False, remark=remark)
        return Outcome((claim,), {"results": pd.DataFrame([{"scene": scene, "missing": needs, "advice": remark}])})
    return measured(context, scene, networks)


def measured(context: StudyContext, scene: str, networks: Mapping[str, Network]) -> Outcome:
    """Do all that needs scene and networks."""
    values = context.parameters
    spiking = {name: quantised(networks[stage], BITS) for name, stage in STAGES.items() if stage in networks}
    patches = scene_patches(scene, **preparation(spiking[PLAIN]))
    chosen = drawn(len(patches.test_pixels), values["reference_pixels"], context.seed)
    exact = {"ann": networks["ann"], **spiking} if "ann" in networks else spiking
    names, tasks = list(exact), [Exact(network, scene, chosen) for network in exact.values()]
    extremes = {"cells": {max(values["cells"])}, "drift": {min(values["drift"]), max(values["drift"])}}
    for name, network in spiking.items():
        for setting, places in settings(context).items():
            one = Chips(places, setting, name, network, scene, context.seed, values["chips"], values["pixels"])
            extreme = any(value in extremes.get(sweep, ()) for sweep, value in places)
            wanted = any(sweep in ("energy", "offset") for sweep, _ in places)
            if name == PLAIN or extreme or wanted:
                tasks.append(one)
            if name == PLAIN and extreme:
                tasks.append(replace(one, recalibrated=True))
    found = context.map(solve, tasks, "exact networks and chips")
    reference = dict(zip(names, found[: len(names)], strict=True)) | {"pixels": len(chosen)}
    for whole, words in ((True, "patch"), (False, "pixel")):
        reference[words] = nearest_neighbour(patches, chosen, whole)
    chips = pd.concat(found[len(names) :], ignore_index=True)
    results = summary(chips, context.seed)
    where = limits(results)
    return Outcome(
        claims=tuple(claims(context, reference, results, where)),
        tables={
            "results": results,
            "limits": where,
            "chips": chips,
            "reference": pd.DataFrame([{"what": name, "value": value} for name, value in reference.items()]),
        },
        figures={"sweeps": draw_sweeps(results), "energy": draw_energy(results)},
    )


STUDY = Study(
    name="datta2022_array",
    title="ACE-SNN on an SRAM array that is not ideal: accuracy against mismatch, converters, drift and energy",
    source="10.3389/fnins.2022.815258",
    run=run,
    parameters=(
        StudyParameter("scene", "samson", "Hyperspectral scene", choices=SCENES),
        StudyParameter("chips", 100, "Chips of each state of the array", quick=4, minimum=1),
        StudyParameter("pixels", 10, "Test pixels that a chip classifies", quick=5, minimum=1),
        StudyParameter("reference_pixels", 0, "Test pixels for the exact networks; 0 for all", quick=60, minimum=0),
        StudyParameter(
            "coding", "pulse_width", "How inputs come to the word lines", choices=("pulse_width", "bit_serial")
        ),
        StudyParameter("cells", (0.0, 2.0, 4.0), "A_VT of the cells over the card's", quick=(4.0,), minimum=0),
        StudyParameter("bits", (3, 4, 5, 8), "Bits of the converters", quick=(3,), minimum=2, maximum=10),
        StudyParameter("converters", (0.0, 4.0), "Mismatch of the converters over the card's", quick=(4.0,), minimum=0),
        StudyParameter(
            "drift",
            (-5.0, -2.0, 0.0, 2.0, 5.0),
            "Change of all supplies in percent",
            quick=(5.0,),
            minimum=-30,
            maximum=30,
        ),
        StudyParameter("pulses", (1.0, 2.0, 4.0), "Unit pulses over the usual one", quick=(1.0,), minimum=0.05),
        StudyParameter("offset", 120.0, "Offset of all pulses in ps, where it is not swept", minimum=0),
        StudyParameter("offsets", (0.0, 60.0, 180.0), "Offsets of all pulses in ps", quick=(0.0,), minimum=0),
        *TRAINING,
    ),
    cards=("sram_macro_65nm",),
    data=("samson",),
    quick_duration=40.0,
    full_duration=300.0,
)
