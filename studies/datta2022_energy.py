"""Energy and delay of ACE-SNN: every number that Datta et al. (2022) print, against their own equations.

The paper gives energies and delays of CNN-3D and CNN-32H as a 32-bit network, a 6-bit network and a 6-bit spiking
network, the latter also with its first layer inside a memory, by equations 22 to 27. Shapes and spike rates decide all
of it, so no scene is needed: the shapes are those of Indian Pines (IP), Pavia University (PU) and Salinas (SS), the
rates the one that the paper prints, for all layers, and measured ones: ours on Samson, or those of ``--set
rates_file=FILE``.

The equations leave room. Each number is reckoned under three readings (`circuitsnn.energy.pim.READINGS`): as printed,
as corrected, and the closest, under which most of the numbers come out; and then under all combinations of the switches
and four spike rates, which shows what each number would take. A claim compares the paper with the corrected reading,
and its remark says what the others give. Nothing is tuned: a number that no combination gives, or that the paper's
other numbers exclude, is said to be so.

The numbers are also held against each other, without any model: quotients, products and the bounds that follow from the
first layer's share.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.cards import Card
from circuitsnn.energy import intensity
from circuitsnn.energy.ace_snn import NETWORKS, SCENES, ann_layers, snn_layers
from circuitsnn.energy.network import FIGURES, LayerUse, NetworkCost, network_cost
from circuitsnn.energy.pim import (
    READINGS,
    Reading,
    ac_energy,
    counted_weights,
    digital_cnn,
    in_memory,
    mac_energy,
)
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure

# Spikes of a neuron in five steps by layer: the 6-bit networks on 200 test pixels of Samson, study datta2022_accuracy.
SAMSON_RATES = {"CNN-3D": (1.733, 0.633, 0.866, 0.746, 0.613, 0.256), "CNN-32H": (1.802, 1.114, 0.091, 1.145)}
VARIANTS = ("ANN-32", "ANN-6", "SNN-6", "SNN-6, PIM")
PLACES = {
    "CNN-3D, IP": (("CNN-3D", "IP"),),
    "CNN-3D": tuple(("CNN-3D", scene) for scene in SCENES),
    "CNN-32H": tuple(("CNN-32H", scene) for scene in SCENES),
    "both networks": tuple(itertools.product(NETWORKS, SCENES)),
}  # what the paper averages over
PRINTED_RATE = 0.568  # of layer 3 of CNN-3D on IP, section 7.2
RATES = (0.1, 0.2, PRINTED_RATE, 1.4)  # tried; the paper has all below 1.4
Rates = float | tuple[float, ...]


@dataclass(eq=False)
class Ledger:
    """Costs of all networks; what a switch cannot change is reckoned once."""

    card: Card
    steps: int

    def __post_init__(self) -> None:
        self._summaries: dict[tuple, dict[str, float]] = {}

    def cost(self, network: str, scene: str, variant: str, reading: Reading, rates: Rates) -> NetworkCost:
        """Give a network's cost under a reading."""
        return network_cost(self.layers(network, scene, variant, rates), self.card, reading)

    def summary(self, network: str, scene: str, variant: str, reading: Reading, rates: Rates) -> dict[str, float]:
        """Give energy, delay and energy-delay product of a network, and shares of its energy.

        They are those at circuit level, which is digital but for a first layer in memory.
        """
        key = (network, scene, variant, reading, rates)
        if key not in self._summaries:
            cost = self.cost(*key)
            total, digital = cost.total("circuit"), cost.total()
            connected = cost.total(layers=[name for name in cost.layers if name.startswith("fully")])
            self._summaries[key] = {
                "energy": total.energy, "delay": total.delay, "edp": total.edp,
                "first": cost.share(cost.layers[0]), "compute": digital.energies["compute"] / digital.energy,
                "fetching": connected.energies["memory"] / connected.energy,
            }  # fmt: skip
        return self._summaries[key]

    def layers(self, network: str, scene: str, variant: str, rates: Rates) -> list[LayerUse]:
        """Say how the variant uses the network's layers."""
        shapes = NETWORKS[network](*SCENES[scene])
        if variant.startswith("ANN"):
            return ann_layers(shapes, int(variant[4:]))
        return snn_layers(shapes, rates, self.steps, in_memory=variant.endswith("PIM"))


@dataclass(eq=False)
class Numbers:
    """The paper's quantities under one reading and one spike rate."""

    ledger: Ledger
    reading: Reading
    rate: float

    def __post_init__(self) -> None:
        digital = replace(self.reading, every_position=True, R=None)
        still = (replace(digital, every_step=True), 0.0)
        # The switches that a variant depends on.
        self.settings = {
            "ANN-32": still, "ANN-6": still, "SNN-6": (digital, self.rate), "SNN-6, PIM": (self.reading, self.rate),
        }  # fmt: skip

    def gain(self, quantity: str, first: str, second: str, place: str) -> float:
        """How many times more `first` takes than `second`, mean over the networks and scenes of the place."""
        return mean(self._summary(where, first)[quantity] / self._summary(where, second)[quantity]
                    for where in PLACES[place])  # fmt: skip

    def share(self, part: str, variant: str, place: str) -> float:
        """Share of a part in the energy, in percent, mean over the networks and scenes of the place."""
        return 100.0 * mean(self._summary(where, variant)[part] for where in PLACES[place])

    def multiplication(self) -> float:
        """E_mac over E_ac at 6 bits."""
        return mac_energy(self.ledger.card, form=self.reading) / ac_energy(self.ledger.card)

    def weights(self, layer: int) -> float:
        """Weights of a layer of CNN-3D over those of the first."""
        shapes = NETWORKS["CNN-3D"](*SCENES["IP"])
        return counted_weights(shapes[layer - 1], self.reading) / counted_weights(shapes[0], self.reading)

    def _summary(self, where: tuple[str, str], variant: str) -> dict[str, float]:
        return self.ledger.summary(*where, variant, *self.settings[variant])


def mean(values: Iterator[float]) -> float:
    """Mean of the numbers."""
    numbers = list(values)
    return sum(numbers) / len(numbers)


@dataclass(frozen=True)
class Printed:
    """A number of the paper and how its equations would give it."""

    name: str
    paper: float
    value: Callable[[Numbers], float]
    why: str
    relative: float = 0.05
    unit: str = "1"
    at_least: bool = False

    def claim(self, ours: float, remark: str = "") -> Claim:
        """Compare."""
        if self.at_least:
            return Claim.at_least(self.name, self.paper, ours, unit=self.unit, remark=remark)
        return Claim.within(self.name, self.paper, ours, relative=self.relative, unit=self.unit, remark=remark)


def gains(place: str, first: str, second: str, relative: float, **numbers: tuple[float, str]) -> list[Printed]:
    """Numbers of one comparison by quantity, each with its reason."""
    words = {"energy": "energy", "delay": "delay", "edp": "energy-delay product"}
    return [
        Printed(
            f"{place}: {words[quantity]}, {first} over {second}", paper,
            lambda n, quantity=quantity: n.gain(quantity, first, second, place), why, relative,
        )
        for quantity, (paper, why) in numbers.items()
    ]  # fmt: skip


CAPPED = "layer 1 multiplies in the spiking network, too: see its caps below"
SLOW = "170.7 products in 4.2 ns are fewer than 175 in 4 ns"
FEW = "22 % of the energy in layer 1 allow 1.28 at most"

PRINTED = (
    Printed("E_mac over E_ac at 6 bits", 13.0, Numbers.multiplication, "3.1 pJ / 12.5 is behind it, not Q^1.25"),
    *gains("both networks", "ANN-32", "ANN-6", 0.05,
           energy=(12.5, "Q^1.25 makes it 8.1, and fetching does not shrink with the bits")),
    Printed("CNN-3D, ANN-32: share of operations in the energy", 98.0,
            lambda n: n.share("compute", "ANN-32", "CNN-3D"), "", 0.01, "%"),
    Printed("CNN-3D, ANN-6: share of operations in the energy", 98.0,
            lambda n: n.share("compute", "ANN-6", "CNN-3D"), "the 98 % are those of 32 bits", 0.01, "%"),
    Printed("Fully connected layers, ANN-32: share of fetching", 85.0,
            lambda n: n.share("fetching", "ANN-32", "both networks"),
            "E_read / (E_read + E_mac) is 5.2 / 8.3; the 85 % are those of 6 bits", unit="%", at_least=True),
    Printed("Fully connected layers, ANN-6: share of fetching", 85.0,
            lambda n: n.share("fetching", "ANN-6", "both networks"), "", unit="%", at_least=True),
    *gains("CNN-3D, IP", "ANN-32", "SNN-6", 0.05, energy=(199.3, CAPPED)),
    *gains("CNN-3D, IP", "ANN-6", "SNN-6", 0.05, energy=(33.8, CAPPED)),
    *gains("both networks", "ANN-32", "SNN-6", 0.05, energy=(560.6, ""), edp=(9976.0, "")),
    *gains("both networks", "ANN-6", "SNN-6", 0.05, energy=(44.8, ""), edp=(412.2, "")),
    Printed("CNN-3D: share of layer 1 in the spiking network's energy", 27.0,
            lambda n: n.share("first", "SNN-6", "CNN-3D"), "", 0.1, "%"),
    Printed("CNN-32H: share of layer 1 in the spiking network's energy", 22.0,
            lambda n: n.share("first", "SNN-6", "CNN-32H"),
            "fetching 6.9 million weights of the first fully connected layer dwarfs it", 0.1, "%"),
    *gains("CNN-3D, IP", "SNN-6", "SNN-6, PIM", 0.02, energy=(1.28, ""), delay=(1.08, SLOW), edp=(1.38, SLOW)),
    *gains("CNN-3D", "SNN-6", "SNN-6, PIM", 0.02, energy=(1.30, ""), delay=(1.07, SLOW), edp=(1.38, SLOW)),
    *gains("CNN-32H", "SNN-6", "SNN-6, PIM", 0.02, energy=(2.12, FEW), delay=(1.04, SLOW), edp=(2.20, FEW)),
    *gains("both networks", "SNN-6", "SNN-6, PIM", 0.02,
           energy=(1.71, "the mean of 1.30 and 2.12"), delay=(1.06, SLOW), edp=(1.79, "the mean of 1.38 and 2.20")),
    *gains("both networks", "ANN-32", "SNN-6, PIM", 0.05, energy=(953.0, ""), delay=(17.76, ""), edp=(16921.0, "")),
    *gains("both networks", "ANN-6", "SNN-6, PIM", 0.05, energy=(76.16, ""), delay=(9.2, ""), edp=(700.7, "")),
    Printed("CNN-3D: weights of layer 2 over layer 1", 4.5, lambda n: n.weights(2), "Table 1: 2400 / 540", 0.02),
    Printed("CNN-3D: weights of layer 6 over layer 1", 352.8, lambda n: n.weights(6),
            "84 x 84 x 27 / 540, a kernel of 3 x 3 x 3 where Table 1 has 1 x 1 x 2", 0.02),
)  # fmt: skip


def grid(card: Card, rates: Sequence[float]) -> Iterator[tuple[Reading, float]]:
    """All combinations of the switches that change a number, at each rate."""
    steep = READINGS["closest"].q_exp
    for reads, step, position, cube, q, mixed, R, rate in itertools.product(
        (True, False), (True, False), (True, False), (None, 3), (None, steep), (False, True), (None, 1), rates
    ):
        reading = Reading(reads=reads, every_step=step, every_position=position, cube=cube, q_exp=q, R=R)
        yield (replace(reading, E_mac_mixed=mac_energy(card, form=reading)) if mixed else reading), rate


def differences(reading: Reading, rate: float, printed: float) -> list[str]:
    """Say in words how a combination differs from the corrected reading at the printed rate."""
    words = {
        "no fetching": not reading.reads,
        "one step's time": not reading.every_step,
        "equation 26 at one position": not reading.every_position,
        "kernels 3 x 3 x 3": reading.cube is not None,
        f"Q^{reading.q_exp or 0:.3g}": reading.q_exp is not None,
        "8 x 6 bits at the cost of 6 x 6": reading.E_mac_mixed is not None,
        "R = 1": reading.R is not None,
        f"{rate:g} spikes": rate != printed,
    }
    return [word for word, applies in words.items() if applies]


@dataclass(frozen=True)
class Found:
    """A printed number, and what the equations give for it."""

    printed: Printed
    ours: dict[str, float]
    """By name of the reading, at the printed rate."""
    lowest: float
    highest: float
    combinations: int
    """Number of combinations that give the paper's number."""
    needs: str
    """The least that has to be read otherwise than corrected for the paper's number."""

    @property
    def claim(self) -> Claim:
        """The paper against the corrected reading."""
        if self.combinations == 0:
            needs = f"no combination gives it ({self.lowest:.3g} to {self.highest:.3g})"
        else:
            needs = f"takes {self.needs}" if self.needs else ""
        others = f"as printed {self.ours['as_printed']:.4g}, closest {self.ours['closest']:.4g}"
        remark = "; ".join(text for text in (self.printed.why, needs, others) if text)
        return self.printed.claim(self.ours["corrected"], remark)


def search(ledger: Ledger, rate: float) -> tuple[list[Found], pd.DataFrame]:
    """Reckon each printed number under the named readings and under all combinations."""
    rates = tuple(dict.fromkeys((*RATES, rate)))
    combinations = list(grid(ledger.card, rates))
    each_numbers = [Numbers(ledger, *each) for each in combinations]
    values = np.array([[one.value(numbers) for one in PRINTED] for numbers in each_numbers])
    holds = np.array([[one.claim(value).holds for one, value in zip(PRINTED, row, strict=True)] for row in values])
    words = [differences(*each, rate) for each in combinations]
    found = []
    for k, one in enumerate(PRINTED):
        ours = {name: one.value(Numbers(ledger, reading, rate)) for name, reading in READINGS.items()}
        giving = sorted((words[i] for i in np.flatnonzero(holds[:, k])), key=len)
        needs = ", ".join(giving[0]) if giving else ""
        column = values[:, k]
        found.append(Found(one, ours, float(column.min()), float(column.max()), len(giving), needs))
    frame = pd.DataFrame(
        {
            "combination": [", ".join(each) or "corrected" for each in words],
            "rate": [each for _, each in combinations],
            "numbers_that_hold": holds.sum(axis=1),
        }
    )
    return found, frame.sort_values("numbers_that_hold", ascending=False, kind="stable", ignore_index=True)


def consistency(card: Card) -> list[Claim]:
    """Hold the paper's numbers against each other; of ours there are only the operations that Table 1 has."""
    shapes = NETWORKS["CNN-3D"](*SCENES["IP"])
    cap = sum(shape.macs for shape in shapes) / shapes[0].macs
    cubes = [counted_weights(shape, READINGS["as_printed"]) * shape.positions for shape in shapes]
    large = sum(cubes) / cubes[0]
    layer_1 = f"all other layers at no cost: {shapes[0].macs} of {sum(shape.macs for shape in shapes)} multiplications"
    within = [
        ("Quotient of the gains over ANN-32 and ANN-6, both networks", 12.5, 560.6 / 44.8, "560.6 / 44.8"),
        ("Quotient of the gains over ANN-32 and ANN-6, CNN-3D on IP", 12.5, 199.3 / 33.8,
         "199.3 / 33.8: one of the two is wrong"),
        ("E_mac over E_ac at 6 bits from the gain of 12.5", 13.0,
         card.E_mac / 12.5 / ac_energy(card), "so the 13 comes from the 12.5, not from Q^1.25"),
        ("Quotient of both delay gains, by the logarithm of the bits", 17.76 / 9.2, np.log2(32) / np.log2(6),
         "T_mac at 32 bits is 7.74 ns"),
        ("Delay gain over ANN-32 with the array, from that without and 1.06", 17.76, 9976 / 560.6 * 1.06,
         "the totals leave the array's delay gain out"),
        ("Delay gain over ANN-6 with the array, from that without and 1.06", 9.2, 412.2 / 44.8 * 1.06,
         "the totals leave the array's delay gain out"),
        ("Energy gain over ANN-32 with the array", 953.0, 560.6 * 1.71, "560.6 x 1.71"),
        ("Energy gain over ANN-6 with the array", 76.16, 44.8 * 1.71, "44.8 x 1.71"),
        ("EDP gain over ANN-32 with the array", 16921.0, 953 * 17.76, "953 x 17.76"),
        ("EDP gain over ANN-6 with the array", 700.7, 76.16 * 9.2, "76.16 x 9.2"),
        ("CNN-3D, IP: EDP gain of the array", 1.38, 1.28 * 1.08, "1.28 x 1.08"),
        ("CNN-3D: EDP gain of the array", 1.38, 1.30 * 1.07, "1.30 x 1.07"),
        ("CNN-32H: EDP gain of the array", 2.20, 2.12 * 1.04, "2.12 x 1.04"),
        ("CNN-3D, IP: gain over ANN-6, if layer 1 has the printed 27 % of the energy", 33.8, 0.27 * cap,
         f"27 % of {cap:.2f}, where operations cost the energy: layer 1 costs both networks the same"),
    ]  # fmt: skip
    above = [
        ("CNN-3D, IP: highest gain over ANN-6 that layer 1 allows", 33.8, cap, layer_1),
        ("CNN-3D, IP: highest gain over ANN-32 that layer 1 allows", 199.3, 12.5 * cap,
         f"12.5 x {cap:.2f}; by Q^1.25 {(32 / 6) ** 1.25 * cap:.0f}"),
        ("CNN-3D, IP: highest gain over ANN-6 with kernels 3 x 3 x 3", 33.8, large,
         f"layer 1 would have {100 * 33.8 / large:.0f} % of the energy, not 27 %"),
        ("CNN-32H: highest gain of the array that a share of 22 % allows", 2.12, 1 / (1 - 0.22), "1 / (1 - 0.22)"),
        ("CNN-3D: highest gain of the array that a share of 27 % allows", 1.30, 1 / (1 - 0.27), "1 / (1 - 0.27)"),
    ]  # fmt: skip
    for network, paper in (("CNN-3D", 1.08), ("CNN-32H", 1.04)):
        first = NETWORKS[network](*SCENES["IP"])[0]
        unfetched = Reading(reads=False)
        slower = in_memory(first, card, unfetched).delay / digital_cnn(first, card, unfetched).delay
        why = "slower by the number that the paper prints as a gain; without fetching"
        within.append((f"{network}: delay of layer 1 alone, in the array over digital", paper, slower, why))
    return [
        *(
            Claim.within(f"Paper with itself: {name}", *numbers, relative=0.02, remark=why)
            for name, *numbers, why in within
        ),
        *(Claim.at_least(f"Paper with itself: {name}", *numbers, remark=why) for name, *numbers, why in above),
    ]


def intensities() -> tuple[list[Claim], pd.DataFrame]:
    """Check section 3's example and condition, equations 4 to 12."""
    example = intensity.PRINTED_EXAMPLE
    depths = [replace(example, D_o=depth) for depth in (1, 2, 3, 5, 10, 30, 100, 300)]
    frame = pd.DataFrame(
        {
            "depth": [one.D_o for one in depths],
            "operation_ratio": [intensity.operation_ratio(one) for one in depths],
            "access_ratio": [intensity.access_ratio(one) for one in depths],
            "bound_equation_11": [intensity.access_bound(one) for one in depths],
            "sharper_bound": [intensity.largest_access_ratio(one) for one in depths],
            "intensity": [intensity.intensity(one) for one in depths],
        }
    )
    worst = float((frame["operation_ratio"] / frame["sharper_bound"]).min())
    claims = [
        Claim.within("Depth of 100: ratio of operations", 300.0, intensity.operation_ratio(example), relative=1e-3),
        Claim.within("Depth of 100: ratio of accesses", 96.5, intensity.access_ratio(example), relative=2e-3,
            remark="equation 9 gives 96.41, which rounds to 96.4"),
        Claim.at_most("Depth of 100: ratio of accesses, by equation 11", intensity.access_bound(example),
            intensity.access_ratio(example), remark="max(D, k_z) = 100 is a bound, too"),
        Claim.at_least("Ratio of operations over its bound, any depth", 1.0, worst, from_paper=False,
            remark="equation 12 asks for D >= 3; k_z D >= max(D, k_z) holds from D = 1 on"),
    ]  # fmt: skip
    return claims, frame


def measured_operations(card: Card, energies: Card, rate: float, steps: int) -> tuple[list[Claim], pd.DataFrame]:
    """Reckon the operation proxy with energies as measured in place of scaled ones."""
    rows = []
    for (network, shapes), scene in itertools.product(NETWORKS.items(), SCENES):
        shapes = shapes(*SCENES[scene])
        uses = {
            "ANN-32": ann_layers(shapes, 32), "ANN-6": ann_layers(shapes, 6), "SNN-6": snn_layers(shapes, rate, steps),
        }  # fmt: skip
        for variant, layers in uses.items():
            scaled, measured = (
                network_cost(layers, card, operations=one).total("operations") for one in (None, energies)
            )
            rows.append(
                {"network": network, "scene": scene, "variant": variant}
                | {"scaled": scaled.energy, "measured": measured.energy}
            )
    exponent = float(np.log(energies.E_mul_int32 / energies.E_mul_int8) / np.log(32 / 8))
    claims = [
        Claim.within("Exponent of E_mac in the number of bits", card.q_exp, exponent, relative=0.05,
            remark="from the 8- and 32-bit multiplications of the table that the paper scales, Horowitz 2014"),
        Claim.within("E_mac over E_ac, at 8 bits as measured", 13.0,
            (energies.E_mul_int8 + energies.E_add_int8) / energies.E_add_int8, relative=0.05,
            remark="Horowitz 2014, with the addition that a MAC has"),
    ]  # fmt: skip
    return claims, pd.DataFrame(rows)


def read_rates(path: str) -> dict[str, tuple[float, ...]]:
    """Read measured spike rates: a JSON object, network to spikes of each layer but the last."""
    if not path:
        return dict(SAMSON_RATES)
    try:
        rates = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(rates, dict) or not rates or not set(rates) <= set(NETWORKS):
        raise InputError(f"{path}: allowed is an object with the names {', '.join(NETWORKS)}")
    for network, numbers in rates.items():
        count = len(NETWORKS[network](*SCENES["IP"])) - 1
        if not isinstance(numbers, list) or len(numbers) != count:
            raise InputError(f"{path}: {network} needs a list of {count} numbers, spikes of each layer but the last")
        if not all(isinstance(number, (int, float)) and 0 <= number < float("inf") for number in numbers):
            raise InputError(f"{path}: {network}: {numbers!r}; allowed are numbers >= 0")
    return {network: tuple(numbers) for network, numbers in rates.items()}


def costs(ledger: Ledger, rate: float, measured: dict[str, tuple[float, ...]]) -> pd.DataFrame:
    """Energy, delay and energy-delay product of all networks, by reading and by each of the three figures."""
    rows = []
    for form, (network, scene), variant in itertools.product(READINGS, PLACES["both networks"], VARIANTS):
        rates = {"printed": rate} | ({"measured": measured[network]} if network in measured else {})
        for name, each in rates.items():
            if variant.startswith("ANN") and name != "printed":
                continue
            cost = ledger.cost(network, scene, variant, READINGS[form], each)
            for figure in FIGURES:
                total = cost.total(figure)
                rows.append(
                    {"reading": form, "network": network, "scene": scene, "variant": variant, "rates": name}
                    | {"figure": figure, "energy": total.energy, "delay": total.delay, "edp": total.edp}
                )
    return pd.DataFrame(rows)


def label(where: tuple[str, str]) -> str:
    """Name of a network and scene on an axis."""
    return f"{where[0][4:]}\n{where[1]}"


def draw_networks(frame: pd.DataFrame, ledger: Ledger, rate: float) -> Figure:
    """Draw the analogue of Figure 9: energy and operations of the networks, as shares of the 32-bit one's."""
    figure, (left, right) = new_figure(2, 1, width=18.0, height=8.0)
    places = PLACES["both networks"]
    chosen = frame[(frame["figure"] == "memory") & (frame["rates"] == "printed")]
    energies = chosen.set_index(["reading", "variant", "network", "scene"])["energy"]
    at = np.arange(len(places))
    for k, variant in enumerate(("ANN-6", "SNN-6")):
        x = at + 0.38 * (k - 0.5)
        ratios = {
            form: [energies[(form, variant, *where)] / energies[(form, "ANN-32", *where)] for where in places]
            for form in READINGS
        }
        left.bar(x, ratios["corrected"], 0.36, color=PALETTE[k], label=f"{variant}, corrected")
        for form, marker in (("as_printed", "_"), ("closest", "x")):
            name = form.replace("_", " ") if k == 0 else None
            left.plot(x, ratios[form], marker, color="black", markersize=6, label=name)
    for paper, name, style in ((12.5, "paper, ANN-6", ":"), (560.6, "paper, SNN-6, mean", "--")):
        left.axhline(1 / paper, color="black", linewidth=0.9, linestyle=style, label=name)
    left.plot(0.19, 1 / 199.3, "D", color="black", markersize=4, label="paper, SNN-6, CNN-3D on IP")
    left.set(yscale="log", ylim=(1e-3, 9.0), ylabel="energy / energy of ANN-32 [1]")
    left.legend(fontsize=6, ncols=2, loc="upper center")
    multiplications, accumulations = [], []
    for where in places:
        macs = np.array([use.shape.macs for use in ledger.layers(*where, "SNN-6", rate)], dtype=float)
        multiplications.append(macs[0] / macs.sum())
        accumulations.append(rate * macs[1:].sum() / macs.sum())
    right.bar(at, multiplications, 0.5, color=PALETTE[2], label="SNN-6, multiplications (layer 1)")
    right.bar(at, accumulations, 0.5, bottom=multiplications, color=PALETTE[5], label="SNN-6, accumulations")
    right.axhline(1.0, color="black", linewidth=0.9, linestyle=":", label="ANN-32 and ANN-6, multiplications")
    right.set(ylim=(0.0, 1.4), ylabel="operations / operations of the ANN [1]")
    right.legend(fontsize=6, loc="upper center")
    for axes in (left, right):
        axes.set(xticks=at, xticklabels=[label(where) for where in places])
        axes.grid(axis="x", visible=False)
    return figure


def draw_layers(ledger: Ledger, rate: float) -> Figure:
    """Draw the analogue of Figure 10: layers of the 6-bit networks on Indian Pines, corrected reading."""
    figure, panels = new_figure(3, 2, width=20.0, height=12.0)
    for row, network in zip(panels, NETWORKS, strict=True):
        for k, variant in enumerate(("ANN-6", "SNN-6")):
            frame = ledger.cost(network, "IP", variant, READINGS["corrected"], rate).to_frame()
            frame = frame[(frame["figure"] == "memory")]
            names = ["all" if name == "total" else name.split()[-1] for name in frame["layer"]]
            at = np.arange(len(names)) + 0.38 * (k - 0.5)
            for axes, quantity in zip(row, ("energy", "delay", "edp"), strict=True):
                axes.bar(at, frame[quantity], 0.36, color=PALETTE[k], label=variant)
                axes.set(xticks=range(len(names)), xticklabels=names, yscale="log", xlabel=f"layer of {network}")
                axes.grid(axis="x", visible=False)
        for axes, words in zip(row, ("energy [J]", "delay [s]", "energy-delay product [J s]"), strict=True):
            axes.set_ylabel(words)
    panels[0][0].set_ylim(top=5e-5)
    panels[0][0].legend(loc="upper center", ncols=2)
    return figure


def draw_array(frame: pd.DataFrame) -> Figure:
    """Draw the analogue of Figure 11: the spiking networks with and without their first layer in memory."""
    figure, panels = new_figure(3, 1, width=20.0, height=8.0)
    places = PLACES["both networks"]
    chosen = frame[(frame["figure"] == "circuit") & (frame["rates"] == "printed")]
    chosen = chosen.set_index(["reading", "variant", "network", "scene"])
    at = np.arange(len(places))
    printed = {
        "energy": {"CNN-3D, IP": 1.28, "CNN-32H": 2.12},
        "delay": {"CNN-3D, IP": 1.08, "CNN-32H": 1.04},
        "edp": {"CNN-3D, IP": 1.38, "CNN-32H": 2.20},
    }
    for axes, (quantity, papers) in zip(panels, printed.items(), strict=True):
        for k, form in enumerate(READINGS):
            gains = [
                chosen.loc[(form, "SNN-6", *where), quantity] / chosen.loc[(form, "SNN-6, PIM", *where), quantity]
                for where in places
            ]
            axes.bar(at + 0.27 * (k - 1), gains, 0.25, color=PALETTE[k], label=form.replace("_", " "))
        axes.plot(0, papers["CNN-3D, IP"], "D", color="black", markersize=4, label="paper")
        axes.plot([3, 4, 5], [papers["CNN-32H"]] * 3, "D-", color="black", markersize=4, linewidth=0.8)
        axes.axhline(1.0, color="black", linewidth=0.8)
        words = {"energy": "energy", "delay": "delay", "edp": "energy-delay product"}[quantity]
        axes.set(xticks=at, xticklabels=[label(where) for where in places], ylabel=f"gain of the array in {words} [1]")
        axes.set_ylim(0.8, 2.4)
        axes.grid(axis="x", visible=False)
    panels[0].legend(loc="upper left")
    return figure


def draw_numbers(found: list[Found]) -> Figure:
    """Draw each number, as a multiple of the paper's, under the readings and over all combinations."""
    figure, axes = new_figure(width=18.0, height=19.0)
    for k, one in enumerate(found):
        low, high = max(one.lowest / one.printed.paper, 1e-3), one.highest / one.printed.paper
        axes.plot([low, high], [k, k], color="#BBBBBB", linewidth=4, solid_capstyle="butt", zorder=1,
            label="all combinations" if k == 0 else None)  # fmt: skip
        for (form, ours), marker, colour in zip(one.ours.items(), ("s", "o", "x"), PALETTE, strict=False):
            axes.plot(max(ours / one.printed.paper, 1e-3), k, marker, color=colour, markersize=4,
                label=form.replace("_", " ") if k == 0 else None)  # fmt: skip
    axes.axvline(1.0, color="black", linewidth=0.9, label="paper")
    axes.set(xscale="log", xlim=(1e-3, 30.0), xlabel="our number / paper's number [1]")
    axes.set_yticks(range(len(found)), [f"{one.printed.name}: {one.printed.paper:g}" for one in found], fontsize=6)
    axes.set_ylim(len(found) - 0.4, -0.6)
    figure.legend(loc="outside upper center", ncols=5)
    return figure


def run(context: StudyContext) -> Outcome:
    """Answer for all numbers."""
    card, energies = context.card("pim_datta2022"), context.card("operations_horowitz2014_45nm")
    rate, steps = context.parameters["activity"], context.parameters["steps"]
    measured = read_rates(context.parameters["rates_file"])
    ledger = Ledger(card, steps)
    found, combinations = search(ledger, rate)
    depth_claims, depths = intensities()
    operation_claims, operations = measured_operations(card, energies, rate, steps)
    frame = costs(ledger, rate, measured)
    layers = [
        ledger.cost(network, "IP", variant, READINGS["corrected"], rate)
        .to_frame()
        .assign(network=network, variant=variant)
        for network, variant in itertools.product(NETWORKS, VARIANTS)
    ]
    results = pd.DataFrame(
        [
            {"number": one.printed.name, "unit": one.printed.unit, "paper": one.printed.paper, **one.ours}
            | {f"{name}_holds": one.printed.claim(ours).holds for name, ours in one.ours.items()}
            | {"lowest": one.lowest, "highest": one.highest, "combinations": one.combinations}
            | {"needs": one.needs, "why": one.printed.why}
            for one in found
        ]
    )
    rates = [
        Claim.at_most(f"{network}: largest measured spike rate", 1.4, max(each)) for network, each in measured.items()
    ]
    return Outcome(
        claims=(*depth_claims, *(one.claim for one in found), *operation_claims, *consistency(card), *rates),
        tables={
            "results": results, "combinations": combinations, "networks": frame,
            "layers": pd.concat(layers, ignore_index=True),
            "measured_operations": operations,
            "intensity": depths,
        },
        figures={
            "networks": draw_networks(frame, ledger, rate), "layers": draw_layers(ledger, rate),
            "array": draw_array(frame), "numbers": draw_numbers(found),
        },
    )  # fmt: skip


STUDY = Study(
    name="datta2022_energy",
    title="Energy and delay of ACE-SNN: which of the paper's numbers follow from its equations",
    source="10.3389/fnins.2022.815258",
    run=run,
    parameters=(
        StudyParameter(
            "activity", PRINTED_RATE, "Spikes of each neuron over all time steps, the same in every layer", minimum=0
        ),
        StudyParameter("steps", 5, "Time steps", minimum=1),
        StudyParameter(
            "rates_file",
            "",
            "JSON file of rates, network to spikes of each layer but the last; ours on Samson if empty",
        ),
    ),
    cards=("pim_datta2022", "operations_horowitz2014_45nm"),
    quick_duration=6.0,
    full_duration=6.0,
)
