"""The first layer of ACE-SNN in an SRAM array: energy and delay from Table 4, and from the circuit itself.

Datta et al. (2022) put the first layer of a spiking network, the only one with multi-bit inputs, into an SRAM array that
computes. Their equations 22 to 27 with the constants of Table 4 give what that saves; the paper does not say what the
array does to the layer's numbers. Here the equations are taken as printed and as corrected (docs/theory/macro.md), for
both networks and three data sets, and the same layer is then put on a macro of drawn cells and converters.

Where the paper gives no value: a multiplication of 8 by 6 bits costs what the paper's own rule gives for their geometric
mean; every layer has the one spike activity that the paper prints; R is the length of the dot product.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.cards import Card
from circuitsnn.energy.pim import Cost, LayerShape, digital_cnn, digital_snn, in_memory, mac_energy
from circuitsnn.figures import PALETTE
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure

BANDS = {
    "IP": (200, 16),
    "PU": (103, 9),
    "SS": (204, 16),
}  # bands and classes: Indian Pines, Pavia, Salinas (section 6.2)
INPUT_BITS = 8
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


def convolved(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Positions of a kernel along one direction."""
    return (size + 2 * padding - kernel) // stride + 1


def cnn_3d(bands: int, classes: int) -> list[LayerShape]:
    """CNN-3D of Table 1 with its classifier, for patches of 5 by 5."""
    depth, layers, inputs = bands, [], 1
    #        C_o, k, positions in the plane, k_z, stride and padding along the depth
    for outputs, k, plane, k_z, stride, padding in (
        (20, 3, 3, 3, 1, 0),
        (40, 1, 3, 3, 2, 1),
        (84, 3, 1, 3, 1, 1),
        (84, 1, 1, 3, 2, 1),
        (84, 1, 1, 3, 1, 1),
        (84, 1, 1, 2, 2, 1),
    ):
        depth = convolved(depth, k_z, stride, padding)
        layers.append(LayerShape(inputs, outputs, k, k, k_z, plane, plane, depth))
        inputs = outputs
    return [*layers, LayerShape(84 * depth, classes)]


def cnn_32h(bands: int, classes: int) -> list[LayerShape]:
    """CNN-32H of Table 1 with its classifier, for patches of 3 by 3."""
    depth = convolved(bands, 18, 7)
    height, width = (depth - 4) // 4, (90 - 4) // 4  # after two 3 by 3 kernels and average pooling by 4
    return [
        LayerShape(1, 90, 3, 3, 18, 1, 1, depth),
        LayerShape(1, 64, 3, 3, 1, depth - 2, 88),
        LayerShape(64, 128, 3, 3, 1, depth - 4, 86),
        LayerShape(128 * height * width, 512),
        LayerShape(512, classes),
    ]


NETWORKS = {"CNN-3D": cnn_3d, "CNN-32H": cnn_32h}


@dataclass(frozen=True)
class Account:
    """A network's first layer on digital hardware and in memory, and the other layers."""

    first: LayerShape
    digital: Cost
    printed: Cost
    corrected: Cost
    rest_energy: float
    rest_delay: float

    @property
    def share(self) -> float:
        """Share of the first layer in the energy of the digital network."""
        return self.digital.energy / (self.digital.energy + self.rest_energy)

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
    first, *rest = NETWORKS[network](*BANDS[data])
    costs = [digital_snn(layer, card, activity) for layer in rest]
    return Account(
        first,
        digital_cnn(first, card, energy_per_mac=mac_energy(card, card.B_W, INPUT_BITS)),
        in_memory(first, card, "as_printed"),
        in_memory(first, card),
        sum(cost.energy for cost in costs),
        sum(cost.delay for cost in costs),
    )


def table_4(card: Card, activity: float) -> Part:
    """Compare the paper's gains with what its equations give."""
    accounts = {(network, data): account(network, data, card, activity) for network in NETWORKS for data in BANDS}
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
        share = float(np.mean([accounts[network, data].share for data in BANDS]))
        part.claims.append(
            Claim.within(f"{network}: share of the first layer in the energy", paper, share, relative=0.1,
                remark="mean of three data sets, digital hardware, weight reads included")
        )  # fmt: skip
    for (network, data), paper in PAPER.items():
        chosen = BANDS if data == "mean" else (data,)
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
    names = [f"{network}\n{data}" for network, data in accounts]
    places = np.arange(len(names))
    bars = {
        "equation 26 as printed": [one.gains(one.printed)[0] for one in accounts.values()],
        "corrected": [one.gains(one.corrected)[0] for one in accounts.values()],
    }
    for k, (label, gains) in enumerate(bars.items()):
        axes.bar(places + 0.36 * (k - 0.5), gains, 0.34, label=label, color=PALETTE[k])
    bounds = [one.bound for one in accounts.values()]
    axes.plot(places, bounds, "_", markersize=36, color=PALETTE[6], label="first layer at no cost")
    claimed = [PAPER.get((network, data), PAPER[network, "mean"])[0] for network, data in accounts]
    axes.plot(places, claimed, "D", markersize=5, color=PALETTE[2], label="paper (mean, but for CNN-3D IP)")
    axes.axhline(1.0, color="0.5", linewidth=0.8)
    axes.set(xticks=places, xticklabels=names, ylabel="energy gain of the whole network", ylim=(0.9, 2.3))
    axes.legend(fontsize=8)
    return figure


def run(context: StudyContext) -> Outcome:
    """Run both parts."""
    constants = context.card("pim_datta2022")
    parts = [table_4(constants, context.parameters["activity"])]
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
            "activity", 0.568, "Spikes of each neuron over all time steps, the same in every layer", minimum=0.0
        ),
    ),
    cards=("pim_datta2022",),
)
