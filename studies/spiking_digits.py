"""A spiking network for digits on circuits: what each kind of circuit costs in accuracy and in energy.

One hidden layer, direct coding, T = 5 steps, weights of 6 bits, trained as Datta et al. (2022) train theirs. The digits
that come with scikit-learn (8x8 pixels, 64-100-10) need no download; ``--set data=mnist`` and ``--set
data=fashion-mnist`` take 784-500-10 and a folder with the files.

The same network runs exact, with both matrices on SRAM macros of the default card, on crossbars of resistors, with
neurons whose threshold is a comparator with offset and noise, with VO2 relaxation oscillators as neurons, and with
macros and comparators together. Each chip is a draw of its own; all see the same test images. Macros come twice: as
built, with the mean error of each output taken off, and with thresholds set on the array, by what the first few chips
give on training images, the same thresholds for all chips.

Energy comes in three figures (`circuitsnn.energy.network`): operations alone, with the fetching of weights, and what
circuits take by their own reports. Comparators and oscillators are counted by their engines, beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.cards import Card
from circuitsnn.data import ImageSet, load
from circuitsnn.energy.network import FIGURES, network_cost
from circuitsnn.figures import PALETTE
from circuitsnn.snn.conversion import quantised, recalibrate
from circuitsnn.snn.engines.comparator import Comparator
from circuitsnn.snn.engines.crossbar import Crossbar
from circuitsnn.snn.engines.macro import OnMacro
from circuitsnn.snn.engines.oscillator import OscillatorNeuron
from circuitsnn.snn.inference import run as infer
from circuitsnn.snn.network import Network
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure
from circuitsnn.study.trained import TRAINING, advice, at_hand, drawn, stated_accuracy, trained_networks

BITS = 6
RECIPES = {"digits": "digits-mlp", "mnist": "mnist-mlp", "fashion-mnist": "fashion-mlp"}
WANTED = {"digits": 95.0, "mnist": 98.0, "fashion-mnist": 88.0}  # % of the test images, exact
LOST = 1.0  # points that macros may cost
TYPICAL = 512  # training images that engines are designed with
PROBED = 4  # chips that thresholds are set by
GROUPS = 2  # of chips: work for two workers
EXACT, MACROS, SET = "exact", "macros", "macros, thresholds set"
SUBSTRATES = (EXACT, MACROS, SET, "crossbars", "comparators", "oscillators", "macros and comparators")


@dataclass(frozen=True)
class Cards:
    """Cards of the circuits."""

    macro: Card
    crossbar: Card
    adc: Card
    oscillator: Card


@dataclass(frozen=True, eq=False)
class Chips:
    """Work for a worker: some chips of one kind of circuit."""

    substrate: str
    network: Network
    cards: Cards
    constants: Card
    samples: np.ndarray
    labels: np.ndarray
    typical: np.ndarray
    chips: int
    first: int
    seed: int
    threshold: float
    """Voltage of a neuron's threshold. [V]"""

    def engines(self) -> dict:
        """Say what holds which layer."""
        weights = [layer.name for layer in self.network.weight_layers]
        neurons = [layer.name for layer in self.network.neuron_layers]
        found = {}
        if self.substrate.startswith("macros"):
            found |= dict.fromkeys(weights, OnMacro(card=self.cards.macro, weight_bits=BITS))
        if self.substrate == "crossbars":
            found |= dict.fromkeys(weights, Crossbar(card=self.cards.crossbar))
        if self.substrate.endswith("comparators"):
            found |= dict.fromkeys(neurons, Comparator.of_card(self.cards.adc, self.threshold))
        if self.substrate == "oscillators":
            found |= dict.fromkeys(neurons, OscillatorNeuron(card=self.cards.oscillator))
        return found

    def solve(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give accuracies of the chips, and the energy by layer."""
        network, engines = self.network, self.engines()
        if self.substrate == SET:
            network = recalibrate(network, self.typical, engines, chips=PROBED, seed=self.seed)
        seed = 1000 * self.seed + self.first + (7 if self.substrate == SET else 0)
        result = infer(network, self.samples, engines=engines, chips=self.chips, seed=seed, calibration=self.typical)
        accuracies = pd.DataFrame(
            {"substrate": self.substrate, "chip": self.first + np.arange(self.chips)}
            | {"accuracy": 100.0 * result.accuracy(self.labels), "status": result.status.name}
        )
        uses = [replace(use, weight_bits=BITS, input_bits=8) for use in result.layer_uses()]
        costs = network_cost(uses, self.constants).to_frame().assign(substrate=self.substrate)
        if not any(layer.name in engines for layer in network.weight_layers):
            # Exact layers are no circuit: what stands there is the figure with memory once more.
            costs = costs[costs["figure"] != "circuit"]
        rows = []
        for layer in network.neuron_layers:
            cost = result.costs.get(layer.name)
            if cost is not None:
                decisions = prod(network.shapes[layer.name]) * network.steps
                rows.append({"layer": layer.name, "figure": "neurons", "energy": decisions * cost.energy,
                             "delay": network.steps * cost.delay, "source": cost.source})  # fmt: skip
        costs = pd.concat([costs, pd.DataFrame(rows).assign(substrate=self.substrate)], ignore_index=True)
        return accuracies, costs


def solve(task: Chips) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Do one piece of work in a worker."""
    return task.solve()


def tasks_of(context: StudyContext, network: Network, images: ImageSet, cards: Cards) -> list[Chips]:
    """Share the chips of all circuits out."""
    values = context.parameters
    chosen = drawn(len(images.test_labels), values["images"], context.seed)
    shape = (-1, *network.input_shape)
    typical = images.train_images[drawn(len(images.train_labels), TYPICAL, context.seed)].reshape(shape)
    samples, labels = images.test_images[chosen].reshape(shape), images.test_labels[chosen]
    constants, tasks = context.card("pim_datta2022"), []
    for substrate in SUBSTRATES:
        chips = 1 if substrate == EXACT else values["chips"]
        for part in np.array_split(np.arange(chips), min(GROUPS, chips)):
            tasks.append(
                Chips(substrate, network, cards, constants, samples, labels, typical, len(part), int(part[0]),
                      context.seed, values["threshold"])
            )  # fmt: skip
    return tasks


def summary(chips: pd.DataFrame, costs: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Give a row for each kind of circuit."""
    exact = chips[chips["substrate"] == EXACT]["accuracy"].item()
    rows = []
    for substrate, group in chips.groupby("substrate", sort=False):
        values = group["accuracy"].to_numpy()
        again = np.random.default_rng(seed).choice(values, (1000, len(values))).mean(axis=1)
        low, high = np.quantile(again, (0.025, 0.975)) if len(values) > 1 else (np.nan, np.nan)
        mine = costs[costs["substrate"] == substrate]
        totals = mine[mine["layer"] == "total"].set_index("figure")["energy"]
        rows.append(
            {"substrate": substrate, "chips": len(values), "images": count, "accuracy": values.mean()}
            | {"low": low, "high": high, "loss": exact - values.mean(), "worst": values.min(), "best": values.max()}
            | {f"energy_{name}": totals.get(name, np.nan) for name in FIGURES}
            | {"energy_neurons": mine[mine["figure"] == "neurons"]["energy"].sum()}
            | {"status": group["status"].iloc[0]}
        )
    return pd.DataFrame(rows)


def draw(chips: pd.DataFrame, results: pd.DataFrame) -> Mapping[str, Figure]:
    """Draw accuracies of all chips, and energies."""
    figure, axes = new_figure(width=16.0, height=8.0)
    names = list(results["substrate"])
    rng = np.random.default_rng(0)
    for k, name in enumerate(names):
        values = chips[chips["substrate"] == name]["accuracy"].to_numpy()
        spread = 0.25 * (rng.random(len(values)) - 0.5) if len(values) > 1 else 0.0
        axes.plot(k + spread * np.ones(len(values)), values, ".", color=PALETTE[0], alpha=0.4, markersize=4)
    axes.plot(range(len(names)), results["accuracy"], "_", color="black", markersize=22, markeredgewidth=1.5)
    axes.axhline(results["accuracy"].iloc[0], color="black", linestyle=":", linewidth=1)
    labels = [name.replace(", ", ",\n").replace(" and ", "\nand ") for name in names]
    axes.set(xticks=range(len(names)), xticklabels=labels, ylabel="accuracy of a chip [%]")
    axes.grid(axis="x", visible=False)

    energy, axes = new_figure(width=16.0, height=8.0)
    columns = [*(f"energy_{name}" for name in FIGURES), "energy_neurons"]
    words = ["operations alone", "with fetching of weights", "circuits of the matrices", "circuits of the neurons"]
    for k, (column, word) in enumerate(zip(columns, words, strict=True)):
        heights = 1e9 * results[column].where(results[column] > 0.0)
        axes.bar(np.arange(len(names)) + 0.2 * (k - 1.5), heights, 0.19, color=PALETTE[k], label=word)
    axes.set(xticks=range(len(names)), xticklabels=labels, yscale="log", ylabel="energy of an image [nJ]")
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", visible=False)
    axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return {"accuracy": figure, "energy": energy}


def run(context: StudyContext) -> Outcome:
    """Run the study; without images or network it says what is missing."""
    data = str(context.parameters["data"])
    lacking = at_hand(data)
    networks = {} if lacking else trained_networks(context, RECIPES[data], ("snn6",))
    if not networks:
        remark = lacking or advice(STUDY.name, f"data={data}")
        needs = "needs the images" if lacking else "needs a trained network"
        claim = Claim(f"{data}: accuracy", None, "not measured", needs, False, remark=remark)
        return Outcome((claim,), {"results": pd.DataFrame([{"data": data, "missing": needs, "advice": remark}])})
    return measured(context, data, networks["snn6"])


def measured(context: StudyContext, data: str, trained: Network) -> Outcome:
    """Do all that needs images and network."""
    images, network = load(data), quantised(trained, BITS)
    cards = Cards(*(context.card(name) for name in CIRCUITS))
    every = drawn(len(images.test_labels), context.parameters["exact_images"], context.seed)
    whole = infer(network, images.test_images[every].reshape(-1, *network.input_shape))
    accuracy = 100.0 * float(whole.accuracy(images.test_labels[every])[0])
    tasks = tasks_of(context, network, images, cards)
    found = context.map(solve, tasks, "circuits")
    chips = pd.concat([one for one, _ in found], ignore_index=True)
    costs = pd.concat([one for _, one in found], ignore_index=True)
    costs = costs.drop_duplicates(["substrate", "layer", "figure"])
    results = summary(chips, costs, len(tasks[0].labels), context.seed)
    by = results.set_index("substrate")

    claims = [
        Claim.at_least(f"{data}: exact accuracy, 6 bits, T = {network.steps}", WANTED[data], accuracy, unit="%",
            from_paper=False, remark=f"{len(every)} test images")
    ]  # fmt: skip
    stated = stated_accuracy(trained.about, "overall accuracy, scale quantisation")
    if stated is not None:
        spread = 0.0 if len(every) == len(images.test_labels) else 300.0 * np.sqrt(0.25 / len(every))
        claims.append(
            Claim.within("The same as the network's file states", 100.0 * stated, accuracy, absolute=0.1 + spread,
                unit="%", from_paper=False, remark="another program of single precision: a few spikes flip")
        )  # fmt: skip
    for substrate in (each for each in (SET, MACROS) if each in by.index):
        one = by.loc[substrate]
        remark = (
            f"{one['chips']:.0f} chips of {one['images']:.0f} images, mean {one['accuracy']:.2f} % "
            f"(95 %: {one['low']:.2f} to {one['high']:.2f}), worst chip {one['worst']:.1f} %"
        )
        name = "with thresholds set on the array" if substrate == SET else "as built, outputs trimmed"
        claims.append(
            Claim.at_most(f"Every layer on macros, {name}: loss", LOST, float(one["loss"]), unit="points",
                from_paper=False, remark=remark)
        )  # fmt: skip
    return Outcome(
        claims=tuple(claims),
        tables={"results": results, "chips": chips, "energy": costs},
        figures=draw(chips, results),
    )


CIRCUITS = ("sram_macro_65nm", "crossbar_generic", "sar_adc_65nm", "vo2_delacour2021")

STUDY = Study(
    name="spiking_digits",
    title="A spiking network for digits on macros, crossbars, comparators and oscillators",
    source="10.3389/fnins.2022.815258",
    run=run,
    parameters=(
        StudyParameter("data", "digits", "Images", choices=tuple(RECIPES)),
        StudyParameter("chips", 100, "Chips of each kind of circuit", quick=4, minimum=1),
        StudyParameter("images", 500, "Test images that chips see; 0 for all", quick=60, minimum=0),
        StudyParameter("exact_images", 0, "Test images for the exact network; 0 for all", minimum=0),
        StudyParameter("threshold", 0.1, "Voltage that stands for a neuron's threshold", unit="V", minimum=1e-3),
        *TRAINING,
    ),
    cards=(*CIRCUITS, "pim_datta2022"),
    data=("digits",),
    quick_duration=25.0,
    full_duration=40.0,
)
