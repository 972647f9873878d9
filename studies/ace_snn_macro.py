"""The first layer of ACE-SNN in an SRAM array: energy and delay from Table 4, and from the circuit itself.

Datta et al. (2022) put the first layer of a spiking network, the only one with multi-bit inputs, into an SRAM array
that computes. Their equations 22 to 27 with the constants of Table 4 give what that saves; the paper does not say what
the array does to the layer's numbers. Here the equations are taken as printed and as corrected (docs/theory/macro.md),
for both networks and three data sets, and the same layer is then put on a macro of drawn cells and converters.

The circuit is tried in several codings, since the paper leaves open which of its two sources it follows: the inputs go
to the word lines bit by bit or as pulses of 4 bits, the bits of a weight are weighted digitally or merged by charge
sharing, weights are two's complement or differential. Unit pulses are chosen so that the longest possible discharge is
that of the card's rows_on rows.

Where the paper gives no value: a multiplication of 8 by 6 bits costs what the paper's own rule gives for their
geometric mean; every layer has the one spike activity that the paper prints; R is the length of the dot product.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.cards import Card
from circuitsnn.energy.ace_snn import INPUT_BITS, NETWORKS, SCENES, cnn_3d
from circuitsnn.energy.pim import Cost, LayerShape, digital_cnn, digital_snn, in_memory, mac_energy
from circuitsnn.figures import PALETTE
from circuitsnn.sram.macro import Imperfections, Macro
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure

PAPER = {  # section 7.3.2: gains of the array in energy, delay and energy-delay product
    ("CNN-3D", "IP"): (1.28, 1.08, 1.38),
    ("CNN-3D", "mean"): (1.30, 1.07, 1.38),
    ("CNN-32H", "mean"): (2.12, 1.04, 2.20),
}
SHARE = {"CNN-3D": 0.27, "CNN-32H": 0.22}  # of the first layer in the energy of the digital network


@dataclass
class Part:
    """What one part of the study adds to the whole."""

    claims: list[Claim] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """A network's first layer on digital hardware and in memory, and the other layers."""

    first: LayerShape
    digital: Cost
    printed: Cost
    corrected: Cost
    rest_energy: float
    rest_compute: float
    rest_delay: float

    @property
    def share(self) -> float:
        """Share of the first layer in the energy of the digital network."""
        return self.digital.energy / (self.digital.energy + self.rest_energy)

    @property
    def share_of_operations(self) -> float:
        """The same without the reading of weights."""
        first = self.digital.energies["compute"]
        return first / (first + self.rest_compute)

    @property
    def bound(self) -> float:
        """Gain that no first layer, however cheap, can exceed."""
        return 1.0 / (1.0 - self.share)

    def gains(self, memory: Cost) -> tuple[float, float, float]:
        """How much less energy, delay and energy-delay product the network has with its first layer in memory."""
        energy = (self.digital.energy + self.rest_energy) / (memory.energy + self.rest_energy)
        delay = (self.digital.delay + self.rest_delay) / (memory.delay + self.rest_delay)
        return energy, delay, energy * delay


def account(network: str, data: str, card: Card, activity: float) -> Account:
    """Add up a network by Table 4."""
    first, *rest = NETWORKS[network](*SCENES[data])
    costs = [digital_snn(layer, card, activity) for layer in rest]
    return Account(
        first,
        digital_cnn(first, card, energy_per_mac=mac_energy(card, card.B_W, INPUT_BITS)),
        in_memory(first, card, "as_printed"),
        in_memory(first, card),
        sum(cost.energy for cost in costs),
        sum(cost.energies["compute"] for cost in costs),
        sum(cost.delay for cost in costs),
    )


def table_4(card: Card, activity: float) -> Part:
    """Compare the paper's gains with what its equations give."""
    accounts = {(network, data): account(network, data, card, activity) for network in NETWORKS for data in SCENES}
    part = Part()
    rows = []
    for (network, data), one in accounts.items():
        for form, cost in (("digital", one.digital), ("as printed", one.printed), ("corrected", one.corrected)):
            energy, delay, edp = one.gains(cost)
            rows.append(
                {"network": network, "data": data, "first_layer": form, "energy": cost.energy, "delay": cost.delay}
                | {"edp": cost.edp, "energy_gain": energy, "delay_gain": delay, "edp_gain": edp}
                | {"share_of_first_layer": one.share, "largest_energy_gain": one.bound}
            )
    part.tables["table_4"] = pd.DataFrame(rows)

    ratio = mac_energy(card) / digital_snn(LayerShape(1, 1), card, 1.0).energies["compute"]
    part.claims.append(
        Claim.within("E_mac over E_ac at 6 bits", 13.0, ratio, relative=0.1,
            remark=f"E_mac goes with Q^{card.q_exp:g} as the paper says; its number asks for Q^1.5")
    )  # fmt: skip
    for network, paper in SHARE.items():
        share = float(np.mean([accounts[network, data].share for data in SCENES]))
        operations = float(np.mean([accounts[network, data].share_of_operations for data in SCENES]))
        remark = f"mean of three data sets; without the reading of weights {100 * operations:.1f} %"
        part.claims.append(
            Claim.within(
                f"{network}: share of layer 1", 100 * paper, 100 * share, relative=0.1, unit="%", remark=remark
            )
        )
    for (network, data), paper in PAPER.items():
        chosen = SCENES if data == "mean" else (data,)
        gains = np.mean([accounts[network, one].gains(accounts[network, one].corrected) for one in chosen], axis=0)
        printed = np.mean([accounts[network, one].gains(accounts[network, one].printed) for one in chosen], axis=0)
        bound = float(np.mean([accounts[network, one].bound for one in chosen]))
        where = f"{network}, {'mean of three data sets' if data == 'mean' else data}"
        remarks = (
            f"equation 26 as printed gives {printed[0]:.2f}; a first layer that cost nothing {bound:.2f}",
            "with T_BLP = T_read = 4 ns the array is no faster than 175 multipliers",
            "",
        )
        for what, number, gain, remark in zip(
            ("energy", "delay", "energy-delay product"), paper, gains, remarks, strict=True
        ):
            part.claims.append(
                Claim.within(f"{where}: gain of the array in {what}", number, float(gain), relative=0.03, remark=remark)
            )
    part.figures["gains"] = draw_gains(accounts)
    return part


def draw_gains(accounts: dict[tuple[str, str], Account]) -> Figure:
    """Draw the energy gain of each network with equation 26 in both forms, under the bound."""
    figure, axes = new_figure(width=16.0, height=8.0)
    places = np.arange(len(accounts))
    for k, (label, form) in enumerate((("equation 26 as printed", "printed"), ("equation 26 corrected", "corrected"))):
        gains = [one.gains(getattr(one, form))[0] for one in accounts.values()]
        axes.bar(places + 0.36 * (k - 0.5), gains, 0.34, label=label, color=PALETTE[k])
    bounds = [one.bound for one in accounts.values()]
    axes.hlines(bounds, places - 0.42, places + 0.42, colors="black", label="first layer at no cost")
    claimed = [PAPER.get((network, data), PAPER[network, "mean"])[0] for network, data in accounts]
    axes.plot(places, claimed, "D", markersize=5, color=PALETTE[2], label="paper (CNN-3D IP, else the mean)")
    axes.set(xticks=places, xticklabels=[f"{network}\n{data}" for network, data in accounts])
    axes.set(ylabel="energy gain of the whole network [1]", ylim=(0.0, 2.4))
    axes.grid(axis="x", visible=False)
    axes.legend(fontsize=8, ncols=2, loc="upper left")
    return figure


@dataclass(frozen=True)
class Coding:
    """One way to compute the layer in the array."""

    name: str
    weights: str
    significance: str
    inputs: str
    input_bits: int

    @property
    def longest(self) -> int:
        """Longest pulse of a word line, in unit pulses."""
        pulse = 1 if self.inputs == "bit_serial" else 2**self.input_bits - 1
        return pulse * (2**5 if self.significance == "pulse_width" else 1)


CODINGS = (
    Coding("digital, two's complement", "twos_complement", "digital", "bit_serial", INPUT_BITS),
    Coding("digital, differential", "differential", "digital", "bit_serial", INPUT_BITS),
    Coding("charge sharing, differential", "differential", "charge_sharing", "bit_serial", INPUT_BITS),
    Coding("charge sharing, 4-bit pulses", "differential", "charge_sharing", "pulse_width", 4),
)
EXACT = Imperfections(mismatch=False, nonlinearity=True, noise=False, converter="none")
STAGES = {  # what is in force, from nothing to everything
    "curvature": EXACT,
    "and converters": Imperfections(mismatch=False, noise=False, converter="ideal"),
    "and their mismatch": Imperfections(mismatch=False, noise=False),
    "and noise": Imperfections(mismatch=False),
    "and cell mismatch": Imperfections(),
}


@dataclass(frozen=True, eq=False)
class Chips:
    """Work for a worker: one coding, all chips."""

    card: Card
    coding: Coding
    weights: np.ndarray
    inputs: np.ndarray
    seeds: tuple[int, ...]

    def solve(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Signal-to-noise ratio by stage and chip, and the report of the circuit."""
        coding, array = self.coding, self.card.parts["array"]
        unit = array.T_pulse * self.card.rows_on / (self.weights.shape[1] * coding.longest)
        card = self.card.replace(**{"array.T_pulse": unit})
        scale = (2 ** (coding.input_bits - 1) - 1) / (2 ** (INPUT_BITS - 1) - 1)
        inputs = np.rint(self.inputs * scale).astype(int)
        words = {
            "weight_scheme": coding.weights, "significance": coding.significance, "input_coding": coding.inputs,
            "input_bits": coding.input_bits, "input_sign": "two_phases",
        }  # fmt: skip
        exact = Macro(card, self.weights, "ideal", **words).forward(inputs)
        rows, behaviour = [], None
        for stage, imperfections in STAGES.items():
            for seed in self.seeds if imperfections.mismatch or imperfections.converter == "real" else self.seeds[:1]:
                macro = Macro(
                    card, self.weights, seed=seed, imperfections=imperfections, calibration=inputs[:64],
                    behaviour=behaviour, **words,
                )  # fmt: skip
                behaviour = macro.behaviour
                error = macro.forward(inputs[64:]) - exact[64:]
                ratio = 10.0 * np.log10(np.var(exact[64:]) / np.mean(error**2))
                rows.append({"coding": coding.name, "stage": stage, "chip": seed, "snr_dB": ratio})
        report = macro.report()
        residual = macro.behaviour.residual_lsb(int(card.parts["adc"].bits))[1]
        costs = pd.DataFrame(
            {
                "coding": coding.name, "part": report.index, "energy": report["energy"].to_numpy(),
                "delay": report["delay"].to_numpy(), "residual_lsb": residual, "T_pulse": unit,
            }
        )  # fmt: skip
        return pd.DataFrame(rows), costs


def solve(task: Chips) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Do one piece of work in a worker."""
    return task.solve()


def circuit(context: StudyContext, constants: Card) -> Part:
    """Put CNN-3D's first layer on drawn chips."""
    macro = context.card("sram_macro_65nm")
    layer = cnn_3d(*SCENES["IP"])[0]
    weights_rng, inputs_rng = context.generators(2)
    weights = weights_rng.standard_normal((layer.C_o, layer.dot_length))
    limit = 2 ** (INPUT_BITS - 1) - 1
    # Standardised pixels: zero mean, unit variance, clipped at 3.
    pixels = np.clip(inputs_rng.standard_normal((64 + context.parameters["patches"], layer.dot_length)), -3, 3)
    seeds = tuple(range(context.seed, context.seed + context.parameters["chips"]))
    tasks = [Chips(macro, coding, weights, np.rint(pixels / 3 * limit).astype(int), seeds) for coding in CODINGS]
    solved = context.map(solve, tasks, "codings")
    ratios = pd.concat([one for one, _ in solved], ignore_index=True)
    costs = pd.concat([one for _, one in solved], ignore_index=True)
    costs["layer_energy"] = costs["energy"] * layer.positions
    costs["layer_delay"] = costs["delay"] * layer.positions
    part = Part(tables={"accuracy": ratios, "circuit": costs})
    part.figures["circuit"] = draw_circuit(ratios, costs, in_memory(layer, constants))

    totals = costs[costs["part"] == "total"].set_index("coding")
    last = ratios[ratios["stage"] == "and cell mismatch"].groupby("coding")["snr_dB"].mean()
    per_weight = totals["energy"].min() / layer.weights
    cheapest = totals["energy"].idxmin()
    paper = constants.E_BLP + constants.E_adc / layer.dot_length
    part.claims += [
        Claim.within("Energy of an accumulation with its share of a conversion", paper, float(per_weight),
            relative=0.5, unit="J", remark=f"{cheapest}, the cheapest coding; two phases for signed inputs"),
        Claim.at_least("Output against the exact product, best coding", 10.0, float(last.max()), unit="dB",
            from_paper=False, remark=f"{last.idxmax()}; worst {last.min():.1f} dB ({last.idxmin()})"),
        Claim.at_most("Behavioural model against transients, largest difference in LSB", 0.25,
            float(totals["residual_lsb"].max()), from_paper=False),
    ]  # fmt: skip
    return part


def draw_circuit(ratios: pd.DataFrame, costs: pd.DataFrame, table: Cost) -> Figure:
    """Draw where the layer's energy goes, and how its numbers suffer."""
    figure, (left, right) = new_figure(2, 1, width=22.0, height=9.0)
    names = list(dict.fromkeys(costs["coding"]))
    parts = [name for name in dict.fromkeys(costs["part"]) if name != "total"]
    below = np.zeros(len(names))
    for k, part in enumerate(parts):
        energies = costs[costs["part"] == part].set_index("coding")["layer_energy"].reindex(names).fillna(0.0) * 1e6
        if energies.max() > 0:
            left.barh(range(len(names)), energies, left=below, label=part, color=PALETTE[k % len(PALETTE)])
            below += energies.to_numpy()
    left.axvline(table.energy * 1e6, color="black", linestyle=":", label="equation 26, corrected")
    left.set(yticks=range(len(names)), yticklabels=[name.replace(", ", ",\n") for name in names])
    left.set(xlabel="energy of the layer [µJ]")
    left.invert_yaxis()
    left.grid(axis="y", visible=False)
    left.legend(fontsize=7, loc="lower right")
    for k, name in enumerate(names):
        chosen = ratios[ratios["coding"] == name]
        means = chosen.groupby("stage", sort=False)["snr_dB"].mean().reindex(list(STAGES))
        right.plot(range(len(STAGES)), means, "o-", markersize=4, label=name, color=PALETTE[k])
        right.plot(
            [list(STAGES).index(stage) for stage in chosen["stage"]], chosen["snr_dB"], ".", color=PALETTE[k], alpha=0.4
        )
    right.set(xticks=range(len(STAGES)), xticklabels=[stage.replace("and ", "and\n") for stage in STAGES])
    right.tick_params(axis="x", labelsize=7)
    right.margins(x=0.08)
    right.set(ylabel="signal to error of the outputs [dB]")
    right.legend(fontsize=7)
    return figure


def run(context: StudyContext) -> Outcome:
    """Run both parts."""
    constants = context.card("pim_datta2022")
    parts = [table_4(constants, context.parameters["activity"]), circuit(context, constants)]
    tables = {name: table for part in parts for name, table in part.tables.items()}
    return Outcome(
        claims=tuple(claim for part in parts for claim in part.claims),
        tables={"results": tables["table_4"], **{k: v for k, v in tables.items() if k != "table_4"}},
        figures={name: figure for part in parts for name, figure in part.figures.items()},
    )


STUDY = Study(
    name="ace_snn_macro",
    title="ACE-SNN's first layer in SRAM: what Table 4 gives, and what the circuit gives",
    source="10.3389/fnins.2022.815258",
    run=run,
    parameters=(
        StudyParameter(
            "activity", 0.568, "Spikes of each neuron over all time steps, the same in every layer", minimum=0
        ),
        StudyParameter("chips", 20, "Chips, each with cells and converters of its own", quick=4, minimum=1),
        StudyParameter("patches", 1000, "Patches that each chip works on", quick=200, minimum=10),
    ),
    cards=("pim_datta2022", "sram_macro_65nm"),
    quick_duration=30.0,
    full_duration=120.0,
)
