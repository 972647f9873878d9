"""The main study: an associative memory of 60 VO2 oscillators whose devices spread.

Does it still work, what does one recall cost in joules and seconds, and which parameter kills it?

Six patterns are stored by the Hebbian rule and mapped to coupling resistors (beta = N/32). A chip is one set of
draws: each device has its own V_H, V_L, R_ins, R_met, C_P and R_S, each coupling resistor R_C its own resistance. One
parameter is spread at a time, then all together ("all", each by the same relative sigma), then the devices by the
spreads that their card states ("card"). Each chip recalls images with some fuzzy pixels; supplies are timed by the
designed oscillator. A good chip recalls at least 90 % of its images. Energy and duration come from the transient.

Each chip keeps its draws and its images from one sigma to the next, where only their size changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from circuitsnn.cards import Card
from circuitsnn.figures import PALETTE
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.learning import hebbian
from circuitsnn.oscillator.mapping import map_weights
from circuitsnn.oscillator.memory import Recall, recall
from circuitsnn.oscillator.network import OscillatorNetwork
from circuitsnn.oscillator.patterns import digits, random_patterns, with_fuzzy_pixels
from circuitsnn.oscillator.transition import sharpened
from circuitsnn.oscillator.transition_closed_form import locking_depth, transition_resistance_closed_form
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure
from circuitsnn.study.pictures import RankingPicture, YieldPicture
from circuitsnn.variation import draw, draw_resistances

DEVICE = ("V_H", "V_L", "R_ins", "R_met", "C_P", "R_S")
SWEPT = (*DEVICE, "R_C", "all")
GOOD = 0.9  # share of images that a good chip recalls; the paper calls an accuracy above 90 % good
MATCHING = 0.017  # the mismatch of coupling resistors below which the paper asks them to be (section 4)
BLOCK = 12  # images of one work item of the nominal memory
HEAT = ("device", "load", "coupling")
RESAMPLINGS = 1000
SIGMA = "Relative standard deviation"


@dataclass(frozen=True, eq=False)
class Memory:
    """The memory as designed."""

    card: Card
    patterns: np.ndarray
    resistance: np.ndarray
    fuzzy: int
    fidelity: str
    tolerance: float


@dataclass(frozen=True, eq=False)
class Chip:
    """One chip: what is spread in it, by how much, and its own randomness."""

    memory: Memory
    parameter: str
    sigma: float
    number: int
    generator: np.random.Generator
    images: int


def fabricate(chip: Chip, devices: np.random.Generator, resistors: np.random.Generator) -> OscillatorNetwork:
    """Draw the chip's devices and coupling resistors."""
    card, resistance = chip.memory.card, chip.memory.resistance
    if chip.parameter == "card":
        sigma, varied = None, None
    else:
        sigma, varied = chip.sigma, [name for name in DEVICE if chip.parameter in (name, "all")]
    drawn = draw(card, len(resistance), devices, sigma=sigma, only=varied)
    if chip.parameter in ("R_C", "all"):
        resistance = draw_resistances(resistance, chip.sigma, resistors)
    return OscillatorNetwork.of_devices(card, drawn, resistance)


def recall_images(chip: Chip) -> list[dict]:
    """Let one chip recall its images; one row an image."""
    memory = chip.memory
    devices, resistors, noise = chip.generator.spawn(3)
    network = fabricate(chip, devices, resistors)
    nominal = Oscillator(memory.card)
    rows = []
    for number in range(chip.images):
        pattern = memory.patterns[number % len(memory.patterns)]
        image = with_fuzzy_pixels(pattern, memory.fuzzy, noise)
        answer = recall(network, image, nominal=nominal, fidelity=memory.fidelity, tolerance=memory.tolerance)
        rows.append(
            {"parameter": chip.parameter, "sigma": chip.sigma, "chip": chip.number, "image": number}
            | describe(answer, pattern)
        )
    return rows


def describe(answer: Recall, pattern: np.ndarray) -> dict:
    """Compare an answer with the pattern, and account for its energy."""
    # An oscillator that has stopped has no phase; the error is over those that still switch.
    distance = np.abs((answer.phases[np.isfinite(answer.phases)] + 90.0) % 180.0 - 90.0)
    heat = {part: answer.dissipation[part] for part in HEAT}
    return {
        "recalled": answer.matches(pattern),
        "pixels_right": float(np.mean(answer.answer == pattern * pattern[0])),
        "mean_phase_error": float(distance.mean()) if len(distance) else np.nan,
        "max_phase_error": float(distance.max()) if len(distance) else np.nan,
        "not_settled": answer.status.name == "not settled",
        "stopped": answer.status.name not in ("settled", "not settled"),
        "energy": answer.energy,
        "power": answer.power,
        "duration": answer.duration,
        **heat,
        "stored": answer.stored,
        "imbalance": abs(answer.energy - sum(heat.values()) - answer.stored) / answer.energy,
    }


def wilson(share: float, count: int) -> tuple[float, float]:
    """Give the 95 % Wilson interval of a share of `count` chips (or images).

    It also serves the mean accuracy of `count` chips: numbers in [0, 1] scatter at most as ones and zeros do.
    """
    z = 1.959964
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def summarise(recalls: pd.DataFrame) -> pd.DataFrame:
    """Put the recalls of all chips together; one row for each parameter and sigma."""
    rows = []
    for (parameter, sigma), group in recalls.groupby(["parameter", "sigma"], sort=False, dropna=False):
        accuracies = group.groupby("chip")["recalled"].mean()
        accuracy, good = accuracies.mean(), (accuracies >= GOOD).mean()
        # The chips of the nominal memory are all alike: there the images are what is counted.
        count = len(group) if parameter == "none" else len(accuracies)
        means = group[["pixels_right", "mean_phase_error", "max_phase_error", "not_settled", "stopped"]].mean()
        costs = group[["energy", "power", "duration", *HEAT, "stored"]].mean()
        row = {"parameter": parameter, "sigma": sigma, "chips": len(accuracies), "images": len(group)}
        row |= dict(
            zip(("accuracy", "accuracy_low", "accuracy_high"), (accuracy, *wilson(accuracy, count)), strict=True)
        )
        row |= dict(zip(("yield", "yield_low", "yield_high"), (good, *wilson(good, len(accuracies))), strict=True))
        rows.append(row | means.to_dict() | costs.to_dict())
    table = pd.DataFrame(rows)
    table.attrs["units"] = {name: "J" for name in ("energy", *HEAT, "stored")} | {
        "power": "W", "duration": "s", "mean_phase_error": "degree", "max_phase_error": "degree"
    }  # fmt: skip
    picture = YieldPicture(
        {"yield": "yield"}, "sigma", by=("parameter",), label="Good chips", against_label=SIGMA, log=True
    )
    return picture.mark(table)


def critical_sigma(sigmas: np.ndarray, accuracies: np.ndarray, level: float) -> float:
    """Interpolate, on a logarithmic axis, the sigma at which the accuracy falls to a level.

    Without a crossing it is infinite; with one below the smallest sigma it is that sigma, an upper bound. NaN for a
    level of zero: what recalls nothing as designed cannot get worse.
    """
    if not level > 0.0:
        return np.nan
    falling = np.minimum.accumulate(accuracies)
    below = np.flatnonzero(falling <= level)
    if not len(below):
        return np.inf
    k = below[0]
    if k == 0:
        return float(sigmas[0])
    share = (falling[k - 1] - level) / (falling[k - 1] - falling[k])
    return float(sigmas[k - 1] * (sigmas[k] / sigmas[k - 1]) ** share)


def switching_offset(card: Card, coupling: float) -> dict[str, float]:
    """Give the shift of an oscillator's switching point against its in-phase neighbours', per relative deviation.

    Just before the devices turn metallic, coupling (conductance G from a node to all others) holds the output nodes of
    an in-phase group together while all fall at the same rate. A deviation dI of a node's own current then lifts the
    node by dI / (1/R_ins + 1/R_S + G) above the others, and a deviation of V_H moves its threshold. [V]
    """
    lift = 1.0 / (1.0 / card.R_ins + 1.0 / card.R_S + coupling)
    device, load = card.V_H / card.R_ins, (card.V_DD - card.V_H) / card.R_S
    return {"V_H": card.V_H, "R_ins": lift * device, "R_S": lift * load, "C_P": lift * (load - device)}


def locking_depth_of(memory: Memory) -> float:
    """Give epsilon of a pair coupled with R_0: how far one output still falls once the other's device switched. [V]."""
    card = sharpened(memory.card, memory.fidelity)
    return locking_depth(float(transition_resistance_closed_form(0.25 * closed_form.period(card), card)), card)


def period_spread(card: Card, parameter: str, sigma: float, generator: np.random.Generator) -> float:
    """Relative standard deviation of the period of free oscillators."""
    varied = [name for name in DEVICE if parameter in (name, "all")]
    if not np.isfinite(sigma):
        return np.nan
    devices = SimpleNamespace(**draw(card, 4000, generator, sigma=sigma, only=varied))
    alive = closed_form.oscillates(devices)
    periods = closed_form.period(SimpleNamespace(**{name: values[alive] for name, values in vars(devices).items()}))
    return float(periods.std() / periods.mean())


def rank(recalls: pd.DataFrame, nominal: float, memory: Memory, generator: np.random.Generator) -> pd.DataFrame:
    """Find the sigma of each parameter at which the memory dies; the most sensitive parameter first."""
    conductance = 1.0 / memory.resistance
    offsets = switching_offset(memory.card, float(conductance.sum(axis=1).mean()))
    depth = locking_depth_of(memory)
    rows = []
    for parameter in SWEPT:
        own = recalls[recalls["parameter"] == parameter]
        by_chip = own.pivot_table(index="chip", columns="sigma", values="recalled", aggfunc="mean")
        sigmas, accuracies = by_chip.columns.to_numpy(), by_chip.to_numpy(dtype=float)
        resampled = [
            accuracies[generator.integers(len(accuracies), size=len(accuracies))].mean(axis=0)
            for _ in range(RESAMPLINGS)
        ]
        row = {"parameter": parameter}
        for name, level in (("half", 0.5 * nominal), ("good", GOOD if nominal > GOOD else 0.0)):
            row[f"sigma_{name}"] = critical_sigma(sigmas, accuracies.mean(axis=0), level)
            found = np.array([critical_sigma(sigmas, means, level) for means in resampled])
            low, high = np.quantile(found, [0.025, 0.975], method="nearest")
            row |= {f"sigma_{name}_low": low, f"sigma_{name}_high": high}
        row["period_spread"] = period_spread(memory.card, parameter, row["sigma_half"], generator)
        row["switching_offset"] = offsets.get(parameter, np.nan) * row["sigma_half"]
        row["offset_over_depth"] = row["switching_offset"] / depth
        rows.append(row)
    table = pd.DataFrame(rows).sort_values("sigma_half", kind="stable", ignore_index=True)
    table.attrs["units"] = {"switching_offset": "V"}
    bars = {"sigma_half": "half of the images recalled", "sigma_good": f"{100 * GOOD:.0f} % recalled"}
    return RankingPicture(bars, SIGMA, unit="%", log=True).mark(table)


def run(context: StudyContext) -> Outcome:
    """Spread the devices, recall, and find what kills the memory."""
    memory = design(context)
    recalls = pd.DataFrame(
        [row for rows in context.map(recall_images, chips(context, memory), "chips") for row in rows]
    )
    results = summarise(recalls)
    designed = results.iloc[0]
    ranking = rank(recalls, designed["accuracy"], memory, context.generators(1)[0])
    return Outcome(
        claims=claims(recalls, results, ranking, memory),
        tables={"results": results, "ranking": ranking, "recalls": recalls},
        figures={
            "variation": draw_variation(results),
            "reason": draw_reason(results, ranking, memory),
            "energy": draw_energy(results),
        },
    )


def design(context: StudyContext) -> Memory:
    """Store the patterns in coupling resistors."""
    card, values = context.card(), context.parameters
    (generator,) = context.generators(1)
    patterns = digits() if values["patterns"] == "digits" else random_patterns(6, 60, generator)
    beta = values["beta"] or patterns.shape[1] / 32.0
    fidelity = values["fidelity"]
    resistance = map_weights(hebbian(patterns), card, beta, fidelity)
    return Memory(card, patterns, resistance, values["fuzzy_pixels"], fidelity, values["tolerance"])


def chips(context: StudyContext, memory: Memory) -> list[Chip]:
    """List the work: the memory as designed, then each parameter and sigma, each with the same chips."""
    values = context.parameters
    blocks = context.generators(-(-values["nominal_images"] // BLOCK))
    generators = context.generators(values["chips"])
    levels = [(parameter, sigma) for parameter in SWEPT for sigma in sorted(values[f"sigma_{parameter}"])]
    levels.append(("card", np.nan))
    if MATCHING not in values["sigma_R_C"]:
        levels.append(("R_C", MATCHING))
    return [
        Chip(memory, "none", 0.0, number, block, min(BLOCK, values["nominal_images"] - number * BLOCK))
        for number, block in enumerate(blocks)
    ] + [
        Chip(memory, parameter, sigma, number, generator, values["images"])
        for parameter, sigma in levels
        for number, generator in enumerate(generators)
    ]


def claims(recalls: pd.DataFrame, results: pd.DataFrame, ranking: pd.DataFrame, memory: Memory) -> tuple[Claim, ...]:
    """Hold the paper's statements, and our own requirements, beside what was found."""
    card = memory.card
    designed = results.iloc[0]
    size = len(memory.resistance)
    ranked = ranking[ranking["parameter"] != "all"].set_index("parameter")
    worst = ranked.index[0] if np.isfinite(ranked["sigma_half"].iloc[0]) else "none found"
    matching = results[(results["parameter"] == "R_C") & (results["sigma"] == MATCHING)].iloc[0]
    resistors = ranked.loc["R_C"]
    known = ranked["offset_over_depth"].dropna()
    acting_early = ranked["period_spread"][["V_L", "R_met"]]
    heat = ", ".join(f"{part} {100 * designed[part] / designed['energy']:.0f} %" for part in HEAT)
    by_card = results[results["parameter"] == "card"].iloc[0]
    return (
        Claim.at_least(
            f"Accuracy as designed, {memory.fuzzy} fuzzy pixels of {size}",
            100 * GOOD,
            100 * designed["accuracy"],
            unit="%",
            remark=f"{interval(designed, 'accuracy')} with {designed['images']:.0f} images; "
            f"with the spreads that the card states: {100 * by_card['accuracy']:.0f} %, "
            f"yield {interval(by_card, 'yield')}",
        ),
        Claim.equals(
            "Parameter to which the memory is most sensitive, per cent for per cent",
            "V_H",
            worst,
            remark="accuracy is halved at a spread of "
            + ", ".join(f"{name} {percent(row['sigma_half'])}" for name, row in ranked.iterrows()),
        ),
        Claim.at_most(
            "Independent mismatch of coupling resistors at which accuracy falls to 90 %",
            100 * MATCHING,
            100 * resistors["sigma_good"],
            unit="%",
            remark=f"95 %: {percent(resistors['sigma_good_low'])} to {percent(resistors['sigma_good_high'])}; at 1.7 % "
            f"the accuracy is {interval(matching, 'accuracy')}; halved at {percent(resistors['sigma_half'])}",
        ),
        Claim.at_most(
            f"Spread of the switching point that halves accuracy, largest over smallest of {', '.join(known.index)}",
            3.0,
            known.max() / known.min() if len(known) > 1 else np.nan,
            remark=f"it is {known.min():.2g} to {known.max():.2g} of the locking depth of a pair "
            f"({1e6 * locking_depth_of(memory):.0f} µV), while the spread of the period is "
            f"{percent(ranked['period_spread'][known.index].min())} to "
            f"{percent(ranked['period_spread'][known.index].max())} and, for V_L and R_met, "
            f"{percent(acting_early.min())} to {percent(acting_early.max())}",
            from_paper=False,
        ),
        Claim.within(
            f"Energy of a recall, against {size} free oscillators (closed form) for as long",
            size * float(closed_form.power(card)) * designed["duration"],
            designed["energy"],
            relative=0.2,
            unit="J",
            remark=f"{1e3 * designed['power']:.2f} mW for {1e6 * designed['duration']:.0f} µs; {heat}",
            from_paper=False,
        ),
        Claim.at_most(
            "Energy drawn less heat less stored, over energy drawn, worst recall",
            1e-6,
            recalls["imbalance"].max(),
            from_paper=False,
        ),
    )


def percent(share: float) -> str:
    """Print a share as per cent, two digits."""
    return f"{100 * share:.2g} %" if np.isfinite(share) else "(none found)"


def interval(row: Mapping, name: str) -> str:
    """Print a share with its interval."""
    return f"{100 * row[name]:.0f} % (95 %: {100 * row[f'{name}_low']:.0f} to {100 * row[f'{name}_high']:.0f} %)"


_MARKERS = dict(zip(SWEPT, "osv^DPX*", strict=True))
_COLOURS = dict(zip(SWEPT, (*PALETTE[:6], "#777777", "#000000"), strict=True))
_SYMBOLS = {"R_ins": "$R_{ins}$", "R_met": "$R_{met}$", "all": "all alike"} | {
    name: f"${name}$" for name in ("V_H", "V_L", "C_P", "R_S", "R_C")
}


def draw_variation(results: pd.DataFrame) -> Figure:
    """Draw accuracy and yield against the spread of each parameter."""
    figure, (left, right) = new_figure(2, width=17.5, height=7)
    for parameter in SWEPT:
        own = results[results["parameter"] == parameter].sort_values("sigma")
        for axes, name in ((left, "accuracy"), (right, "yield")):
            reach = 100 * np.abs(own[[f"{name}_low", f"{name}_high"]].to_numpy().T - own[name].to_numpy())
            axes.errorbar(
                100 * own["sigma"],
                100 * own[name],
                reach,
                marker=_MARKERS[parameter],
                color=_COLOURS[parameter],
                linestyle="--" if parameter == "all" else "-",
                elinewidth=0.5,
                label=_SYMBOLS[parameter],
            )
    for axes, title in ((left, "Images recalled [%]"), (right, f"Chips that recall {100 * GOOD:.0f} % or more [%]")):
        axes.set(xscale="log", ylim=(-4, 104), xlabel="Relative standard deviation [%]", ylabel=title)
        show_plain_numbers(axes)
    designed = left.axhline(100 * results.iloc[0]["accuracy"], color="black", linewidth=0.6, linestyle=":")
    handles, labels = right.get_legend_handles_labels()
    figure.legend([*handles, designed], [*labels, "as designed"], loc="outside right center")
    return figure


def draw_reason(results: pd.DataFrame, ranking: pd.DataFrame, memory: Memory) -> Figure:
    """Draw accuracy against the period's spread and against the offset of the switching point."""
    figure, (left, right) = new_figure(2, width=17.5, height=7)
    ranked = ranking.set_index("parameter")
    for parameter in DEVICE:
        own = results[results["parameter"] == parameter].sort_values("sigma")
        # Both are proportional to sigma while it is small; the table gives them where accuracy is halved.
        relative = own["sigma"] / ranked.loc[parameter, "sigma_half"]
        style = {"marker": _MARKERS[parameter], "color": _COLOURS[parameter], "label": _SYMBOLS[parameter]}
        left.plot(100 * relative * ranked.loc[parameter, "period_spread"], 100 * own["accuracy"], **style)
        if np.isfinite(ranked.loc[parameter, "switching_offset"]):
            right.plot(1e6 * relative * ranked.loc[parameter, "switching_offset"], 100 * own["accuracy"], **style)
    depth = 1e6 * locking_depth_of(memory)
    right.axvline(depth, color="black", linewidth=0.8, linestyle=":")
    right.annotate(r"locking depth $\epsilon$", (depth, 104), (3, 0), textcoords="offset points", va="top")
    left.set(xscale="log", ylim=(-4, 104), xlabel="Spread of the free period [%]", ylabel="Images recalled [%]")
    right.set(
        xscale="log",
        xlim=(5.0, 1000.0),
        ylim=(-4, 104),
        xlabel="Spread of the switching point [µV]",
        ylabel="Images recalled [%]",
    )
    show_plain_numbers(left)
    show_plain_numbers(right)
    figure.legend(*left.get_legend_handles_labels(), loc="outside right center")
    return figure


def show_plain_numbers(axes: Axes) -> None:
    """Label the decades of a logarithmic axis 0.01, 1, 100."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def draw_energy(results: pd.DataFrame) -> Figure:
    """Draw where the energy of a recall goes, as designed and with all parameters spread."""
    chosen = results[results["parameter"].isin(["none", "all", "card"])]
    names = {"none": "none", "card": "card's"}
    labels = [names.get(row["parameter"], f"{100 * row['sigma']:.2g}") for _, row in chosen.iterrows()]
    figure, axes = new_figure(width=12, height=6.5)
    bottom = np.zeros(len(chosen))
    for part, colour in zip((*HEAT, "stored"), PALETTE, strict=False):
        axes.bar(labels, 1e6 * chosen[part], bottom=bottom, color=colour, width=0.7, label=part)
        bottom += 1e6 * chosen[part].to_numpy()
    for position, (_, row) in enumerate(chosen.iterrows()):
        text = f"{1e6 * row['duration']:.0f} µs\n{1e3 * row['power']:.1f} mW"
        axes.annotate(text, (position, bottom[position]), (0, 2), textcoords="offset points", ha="center", fontsize=6)
    axes.set(xlabel="Relative standard deviation of all parameters alike [%]", ylabel="Energy of a recall [µJ]")
    axes.set_ylim(0, 1.15 * bottom.max())
    axes.grid(axis="x", visible=False)
    figure.legend(loc="outside upper center", ncols=4)
    return figure


def _sigmas(parameter: str, default: tuple[float, ...], quick: tuple[float, ...]) -> StudyParameter:
    what = {"R_C": "each coupling resistor", "all": "all parameters together"}.get(parameter, parameter)
    return StudyParameter(f"sigma_{parameter}", default, f"Relative sigmas of {what}", quick=quick, minimum=1e-9)


STUDY = Study(
    name="associative_memory",
    title="Accuracy, yield and energy of a VO2 associative memory whose devices spread",
    source="10.3389/fnins.2021.694549",
    run=run,
    parameters=(
        StudyParameter("patterns", "digits", "Stored patterns", choices=("digits", "random")),
        StudyParameter("fuzzy_pixels", 10, "Fuzzy pixels of an image", minimum=0, maximum=60),
        StudyParameter("beta", 0.0, "Slope of the mapping; 0 for N/32", minimum=0),
        StudyParameter("fidelity", "relaxed", "Device model", choices=("relaxed", "smooth", "abrupt")),
        StudyParameter("nominal_images", 600, "Images for the memory as designed", quick=60, minimum=1),
        StudyParameter("chips", 40, "Chips for each sigma", quick=6, minimum=2),
        StudyParameter("images", 12, "Images for each chip", quick=6, minimum=1),
        _sigmas("V_H", (5e-6, 1e-5, 2e-5, 3e-5, 5e-5, 1e-4, 2e-4), (1e-5, 3e-5, 1e-4)),
        _sigmas("V_L", (0.03, 0.06, 0.08, 0.1, 0.13, 0.17, 0.25), (0.06, 0.1, 0.17)),
        _sigmas("R_ins", (5e-5, 1e-4, 2e-4, 4e-4, 7e-4, 1.2e-3, 2e-3), (1e-4, 4e-4, 1.2e-3)),
        _sigmas("R_met", (0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7), (0.4, 0.8, 1.7)),
        _sigmas("C_P", (2e-4, 4e-4, 8e-4, 1.5e-3, 3e-3, 5e-3, 1e-2), (5e-4, 1.5e-3, 6e-3)),
        _sigmas("R_S", (5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3), (1e-4, 3e-4, 1e-3)),
        _sigmas("R_C", (3e-3, 6e-3, 1e-2, MATCHING, 0.025, 0.035, 0.06), (6e-3, MATCHING, 0.035)),
        _sigmas("all", (5e-6, 1e-5, 2e-5, 3e-5, 5e-5, 1e-4, 2e-4), (1e-5, 3e-5, 1e-4)),
        StudyParameter("tolerance", 1e-7, "Tolerance of the transient", unit="V", minimum=1e-12, maximum=1e-3),
    ),
    cards=("vo2_delacour2021",),
    quick_duration=15.0,
    full_duration=280.0,
)
