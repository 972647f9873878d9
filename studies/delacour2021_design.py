"""Where Delacour & Todri-Sanial 2021 stop: oscillators designed for the mismatch that the memory stands.

Their discussion says that "the oscillator design could be optimized to expand the coupling resistance range and relax
synaptic design constraints", with biasing current and supply voltage as the knobs. Here R_S, V_DD, C_P and beta are
searched, the device staying theirs, for the 60-oscillator memory that stands the largest mismatch of its coupling
resistors and the largest spread of its VO2 devices (V_H, V_L, R_ins and R_met alike), and for the energy of a recall. A
second search has the strength of the coupling too: one factor on all coupling resistors.

A spread is tolerated if 90 % of the images are recalled: six digits, ten fuzzy pixels, each on a chip of its own. The
searches bisect with few recalls, the same chips for all designs. What they choose is then measured anew beside the
paper's own design, on other chips, with 95 % intervals (bootstrap over chips). Everything comes from transients; the
closed forms of docs/theory/design.md, and some trials by hand, suggest a design for each search to start from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from circuitsnn.cards import Card
from circuitsnn.errors import InputError, StudyError
from circuitsnn.figures import PALETTE
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.learning import hebbian
from circuitsnn.oscillator.mapping import map_weights
from circuitsnn.oscillator.memory import recall
from circuitsnn.oscillator.network import OscillatorNetwork
from circuitsnn.oscillator.patterns import digits, with_fuzzy_pixels
from circuitsnn.oscillator.transition import sharpened
from circuitsnn.oscillator.transition_closed_form import locking_depth, transition_resistance_closed_form
from circuitsnn.quantities import show_quantity
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure
from circuitsnn.study.design import DesignSearch, optimise
from circuitsnn.study.plans import Range
from circuitsnn.study.sweep import sweep
from circuitsnn.variation import draw, draw_resistances

VO2 = ("V_H", "V_L", "R_ins", "R_met")
SPREADS = {"R_C": (1e-3, 0.4), "VO2": (2e-6, 2e-2)}  # spread: ends of the bisection, relative sigma
STEPS = {"R_C": 6, "VO2": 7}  # to 10 % and 7 %
GOOD = 0.9  # share of images to be recalled; the paper calls an accuracy above 90 % good
KNOBS = {  # of each search
    "circuit": ("R_S", "V_DD", "C_P", "beta"),
    "with coupling": ("R_S", "V_DD", "C_P", "beta", "coupling"),
}
SPACE = {
    "R_S": Range(3e3, 40e3, log=True),
    "V_DD": Range(2.2, 4.0),
    "C_P": Range(50e-12, 1e-9, log=True),
    "beta": Range(1.0, 12.0, log=True),
    "coupling": Range(0.4, 1.2, log=True),
}
# More current past the threshold, more range of resistors and, with stronger coupling, less capacitance.
SUGGESTED = {
    "circuit": {"R_S": 12e3, "V_DD": 2.5, "C_P": 500e-12, "beta": 3.0},
    "with coupling": {"R_S": 8e3, "V_DD": 2.5, "C_P": 150e-12, "beta": 6.0, "coupling": 0.7},
}
UNITS = {
    "R_S": "Ω",
    "V_DD": "V",
    "C_P": "F",
    "beta": "-",
    "coupling": "-",
    "energy": "J",
    "depth": "V",
    "offset": "V",
    "current": "A",
}
LADDER = np.geomspace(0.35, 2.8, 7)  # sigmas that confirm a tolerance, over what the search found
RESAMPLINGS = 1000
BLOCK = 5  # recalls between looks at whether a spread is too large already


@dataclass(frozen=True, eq=False)
class Memory:
    """A memory as designed."""

    card: Card
    resistance: np.ndarray
    patterns: np.ndarray
    fuzzy: int
    tolerance: float


def build(card: Card, patterns: np.ndarray, fuzzy: int, tolerance: float, design: Mapping[str, float]) -> Memory:
    """Store the patterns in the memory of a design."""
    card = card.replace(**{name: design[name] for name in ("R_S", "V_DD", "C_P")})
    resistance = design.get("coupling", 1.0) * map_weights(hebbian(patterns), card, design["beta"])
    return Memory(card, resistance, patterns, fuzzy, tolerance)


def recall_once(memory: Memory, spread: str, sigma: float, chip_rng: np.random.Generator) -> dict:
    """Fabricate a chip whose resistors, or devices, are spread, and let it recall one image."""
    devices, resistors, noise = chip_rng.spawn(3)
    drawn = draw(memory.card, len(memory.resistance), devices, sigma=sigma if spread == "VO2" else 0.0, only=VO2)
    resistance = draw_resistances(memory.resistance, sigma if spread == "R_C" else 0.0, resistors)
    pattern = memory.patterns[noise.integers(len(memory.patterns))]
    answer = recall(
        OscillatorNetwork.of_devices(memory.card, drawn, resistance),
        with_fuzzy_pixels(pattern, memory.fuzzy, noise),
        nominal=Oscillator(memory.card),
        tolerance=memory.tolerance,
    )
    return {"value": answer.matches(pattern), "energy": answer.energy}


@dataclass(frozen=True)
class TooMany:
    """Stop rule: so many images were missed that the spread is too large, however the rest turns out."""

    allowed: int
    every: int = BLOCK

    def done(self, frame: pd.DataFrame) -> bool:
        """Whether more are missed than allowed."""
        return int((~frame["value"].astype(bool)).sum()) > self.allowed


@dataclass(frozen=True, eq=False)
class Bench:
    """Measures designs: each with the same chips and images."""

    card: Card
    patterns: np.ndarray
    fuzzy: int
    tolerance: float
    recalls: int
    seed: int

    def memory(self, design: Mapping[str, float]) -> Memory:
        """Build the memory of a design."""
        return build(self.card, self.patterns, self.fuzzy, self.tolerance, design)

    def try_spread(self, memory: Memory, spread: str, sigma: float) -> tuple[float, float]:
        """Give the share of images recalled, at most, and the mean energy of a recall [J]."""
        frame = sweep(
            partial(recall_once, memory, spread),
            {"sigma": [sigma]},
            trials=self.recalls,
            seed=self.seed,
            common=True,
            stop=TooMany(int((1.0 - GOOD) * self.recalls + 1e-9)),
        )
        missed = int((~frame["value"].astype(bool)).sum())
        return 1.0 - missed / self.recalls, float(frame["energy"].mean())

    def tolerated(self, memory: Memory, spread: str) -> float:
        """Bisect the logarithm of sigma for the largest spread at which enough images are recalled."""
        low, high = SPREADS[spread]
        for _ in range(STEPS[spread]):
            middle = float(np.sqrt(low * high))
            enough = self.try_spread(memory, spread, middle)[0] >= GOOD
            low, high = (middle, high) if enough else (low, middle)
        return float(np.sqrt(low * high))

    def measure(self, **design: float) -> dict:
        """Measure a design: the objective of the searches."""
        found = describe(self.card, design)
        none = {"sigma_R_C": 0.0, "sigma_VO2": 0.0, "offset": 0.0, "energy": None, "accuracy": 0.0, **found}
        if not found["oscillates"]:
            return none
        try:
            memory = self.memory(design)
        except InputError:  # a weight asks for a delay at which a pair has no transition
            return none
        accuracy, energy = self.try_spread(memory, "R_C", 0.0)
        if accuracy < GOOD:
            return none | {"accuracy": accuracy, "energy": energy}
        spread = self.tolerated(memory, "VO2")
        return none | {
            "sigma_R_C": self.tolerated(memory, "R_C"),
            "sigma_VO2": spread,
            "offset": spread * memory.card.V_H,  # V_H counts most of the four
            "energy": energy,
            "accuracy": accuracy,
        }


def describe(card: Card, design: Mapping[str, float]) -> dict:
    """Give what the closed forms say of a design; NaN is left out where there is no oscillation."""
    card = sharpened(card.replace(**{name: design[name] for name in ("R_S", "V_DD", "C_P")}), "relaxed")
    if not closed_form.oscillates(card):
        return {"oscillates": False}
    found = {
        "oscillates": True,
        "asymmetry": float(closed_form.discharge_duration(card) / closed_form.charge_duration(card)),
        # Current left to discharge the node when its device is about to turn metallic.
        "current": float(closed_form.v_minus(card) / card.R_S - card.V_H / card.R_ins),
    }
    try:
        delays = 0.25 * closed_form.period(card) * (1.0 + np.tanh(design["beta"] * 0.1 * np.array([-1.0, 0.0, 1.0])))
        highest, neutral, lowest = transition_resistance_closed_form(delays, card)
    except InputError:
        return found
    # Weights of six patterns of 60 pixels lie between -0.1 and 0.1.
    found |= {"depth": float(locking_depth(neutral, card)), "log_range": float(np.log(highest / lowest))}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def expected_mismatch(log_range: float, size: int = 60, patterns: int = 6, fuzzy: int = 10) -> float:
    """Mismatch of resistors at which an ideal Hopfield network would still recall 90 % of the images.

    A resistor's relative error is an error of its weight, the logarithm of the range standing for all weights from
    -patterns/size to patterns/size; docs/theory/design.md derives it.

    Parameters
    ----------
    log_range : float
        Logarithm L of the largest over the smallest resistance. [-]
    size, patterns, fuzzy : int
        Pixels of an image, patterns stored, fuzzy pixels. [-]

    Returns
    -------
    float
        Relative standard deviation. [-]
    """
    quantile = ndtri(GOOD ** (1.0 / size))  # each of the pixels must be right
    return log_range * (size - fuzzy) / (2.0 * patterns * quantile * np.sqrt(size - 1.0))


def search(bench: Bench, designs: int, task: tuple[str, Path | None]) -> DesignSearch:
    """Search the designs over some of the knobs, the paper's own first."""
    name, store = task
    own = {knob: getattr(bench.card, knob) for knob in ("R_S", "V_DD", "C_P")}
    own |= {"beta": bench.patterns.shape[1] / 32.0, "coupling": 1.0}
    knobs = KNOBS[name]
    return optimise(
        bench.measure,
        {knob: SPACE[knob] for knob in knobs},
        goals={"sigma_R_C": "maximise", "sigma_VO2": "maximise", "energy": "minimise"},
        limits={"accuracy": (GOOD, None)},
        trials=designs,
        start=[{knob: own[knob] for knob in knobs}, SUGGESTED[name]],
        startup=8,
        seed=bench.seed,
        # On a worker of another machine there may be no such folder; then the search is kept as a whole when it ends.
        store=store if store is not None and store.parent.is_dir() else None,
        units=UNITS,
    )


def chosen(found: DesignSearch) -> pd.Series:
    """Choose the design that multiplies the paper's tolerances by most, by the lesser of the two factors."""
    own, front = found.table.iloc[0], found.front
    if front.empty:
        raise StudyError(f"no design was found: {found.status}")
    factors = [front[f"sigma_{spread}"] / max(own[f"sigma_{spread}"], SPREADS[spread][0]) for spread in SPREADS]
    return front.loc[np.minimum(*factors).idxmax()]


def confirm(bench: Bench, chips: int, case: tuple[pd.Series, str]) -> dict:
    """Measure one tolerance of a design on other chips, each at every sigma; or, without a spread, its recalls."""
    design, spread = case
    memory = bench.memory(design)
    sigmas = np.zeros(1) if spread == "none" else LADDER * (design[f"sigma_{spread}"] or SPREADS[spread][0])
    frame = sweep(
        partial(recall_once, memory, "R_C" if spread == "none" else spread),
        {"sigma": sigmas},
        trials=chips,
        seed=bench.seed + 1,
        common=True,
    )
    if spread == "none":
        return {"accuracy": float(frame["value"].mean()), "energy": float(frame["energy"].mean())}
    recalled = frame["value"].to_numpy(dtype=float).reshape(len(sigmas), chips)
    rng = np.random.default_rng(bench.seed)
    again = [crossing(sigmas, recalled[:, rng.integers(chips, size=chips)].mean(axis=1)) for _ in range(RESAMPLINGS)]
    low, high = np.quantile(again, [0.025, 0.975], method="nearest")
    key = f"sigma_{spread}"
    return {key: crossing(sigmas, recalled.mean(axis=1)), f"{key}_low": float(low), f"{key}_high": float(high)}


def crossing(sigmas: np.ndarray, accuracies: np.ndarray) -> float:
    """Give the sigma at which the accuracy, taken to fall with sigma, comes down to 90 %.

    Between sigmas it interpolates on their logarithm; where all are below it answers 0, where none is, infinity.
    """
    from sklearn.isotonic import isotonic_regression

    falling = isotonic_regression(accuracies, increasing=False)
    below = np.flatnonzero(falling < GOOD)
    if not len(below) or below[0] == 0:
        return 0.0 if len(below) else np.inf
    k = below[0]
    share = (falling[k - 1] - GOOD) / (falling[k - 1] - falling[k])
    return float(sigmas[k - 1] * (sigmas[k] / sigmas[k - 1]) ** share)


def run(context: StudyContext) -> Outcome:
    """Search, confirm, and draw the map around the design chosen."""
    values = context.parameters
    bench = Bench(
        context.card(), digits(), values["fuzzy_pixels"], values["tolerance"], values["recalls"], context.seed
    )
    tasks = [(name, context.store(f"search {name}", [bench, values["designs"]])) for name in KNOBS]
    found = context.map(partial(search, bench, values["designs"]), tasks, "searches")
    searches = dict(zip(KNOBS, found, strict=True))
    designs = {"paper": found[0].table.iloc[0]} | {name: chosen(one) for name, one in searches.items()}
    measures = [*SPREADS, "none"]
    cases = [(design, measure) for design in designs.values() for measure in measures]
    answers = context.map(partial(confirm, bench, values["chips"]), cases, "confirming")
    rows = []
    for number, (name, design) in enumerate(designs.items()):
        row = {"design": name, "coupling": 1.0} | {knob: design[knob] for knob in SPACE if knob in design}
        for answer in answers[number * len(measures) : (number + 1) * len(measures)]:
            row |= answer
        rows.append(row | describe(bench.card, row))
    confirmed = pd.DataFrame(rows).set_index("design")
    best = confirmed.loc["with coupling", list(SPACE)].to_dict()
    points = [best | {"R_S": R_S, "V_DD": V_DD} for V_DD in values["map_V_DD"] for R_S in values["map_R_S"]]
    atlas = pd.DataFrame(context.map(partial(chart, bench), points, "map"))
    tried = pd.concat({name: one.table for name, one in searches.items()}, names=["search"]).reset_index()
    for table in (confirmed, tried, atlas):
        table.attrs["units"] = {name: unit for name, unit in UNITS.items() if name in table}
    return Outcome(
        claims=claims(confirmed, tried),
        tables={"results": confirmed.reset_index(), "designs": tried, "map": atlas},
        figures={
            "front": draw_front(tried, confirmed),
            "map": draw_map(atlas, confirmed),
            "reason": draw_reason(tried),
        },
    )


def chart(bench: Bench, design: Mapping[str, float]) -> dict:
    """Measure a point of the map."""
    return {**design, **bench.measure(**design)}


def claims(confirmed: pd.DataFrame, tried: pd.DataFrame) -> tuple[Claim, ...]:
    """Hold what was asked for beside what was found."""
    paper, best, strong = (confirmed.loc[name] for name in ("paper", "circuit", "with coupling"))

    def tolerated(name: str, row: pd.Series, other: str) -> Claim:
        key = f"sigma_{'R_C' if 'resistors' in name else 'VO2'}"
        # The lower end of one interval over the upper end of the other: what is sure, not what looks likely.
        return Claim.at_least(
            f"Tolerated {name}, {other}, over that of the paper's own design, at least",
            2.0,
            row[f"{key}_low"] / paper[f"{key}_high"],
            remark=f"{interval(row, key)} against {interval(paper, key)}, as sigma; best estimate "
            f"{row[key] / paper[key]:.2g} times; {shown(row)}",
            from_paper=False,
        )

    depth = fitted(tried, "depth", "offset")
    reach = fitted(tried, "log_range", "sigma_R_C")
    return (
        tolerated("mismatch of coupling resistors", best, "R_S, V_DD, C_P and beta free"),
        tolerated("spread of the VO2 devices", best, "R_S, V_DD, C_P and beta free"),
        tolerated("mismatch of coupling resistors", strong, "the coupling's strength free too"),
        tolerated("spread of the VO2 devices", strong, "the coupling's strength free too"),
        Claim.at_most(
            "Energy of a recall, R_S, V_DD, C_P and beta free, over that of the paper's own design",
            1.0,
            best["energy"] / paper["energy"],
            remark=f"{show_quantity(best['energy'], 'J', 2)} against {show_quantity(paper['energy'], 'J', 2)}; "
            f"with the coupling free too {show_quantity(strong['energy'], 'J', 2)}",
            from_paper=False,
        ),
        Claim.within(
            "Tolerated spread of the VO2 devices grows as the locking depth to the power of",
            1.0,
            depth[0],
            absolute=0.35,
            remark=f"{depth[1]} designs; sigma times V_H is {depth[2]:.2g} of the depth (median)",
            from_paper=False,
        ),
        Claim.within(
            "Tolerated mismatch of resistors grows as the logarithm of their range to the power of",
            1.0,
            reach[0],
            absolute=0.35,
            remark=f"{reach[1]} designs; sigma is {reach[2]:.2g} of the logarithm (median); "
            f"{expected_mismatch(1.0):.2g} in an ideal Hopfield network whose weights err alike",
            from_paper=False,
        ),
    )


def fitted(tried: pd.DataFrame, cause: str, effect: str) -> tuple[float, int, float]:
    """Fit a power law to all designs that recall; give its exponent, their number and the median ratio."""
    good = tried[tried["feasible"] & (tried[cause] > 0.0) & (tried[effect] > 0.0)].drop_duplicates(cause)
    ratio = float((good[effect] / good[cause]).median())
    if len(good) < 3:
        return np.nan, len(good), ratio
    return float(np.polyfit(np.log(good[cause]), np.log(good[effect]), 1)[0]), len(good), ratio


def shown(row: pd.Series) -> str:
    """Print a design."""
    text = ", ".join(f"{name} = {show_quantity(row[name], unit, 2)}" for name, unit in list(UNITS.items())[:3])
    coupling = "" if row["coupling"] == 1.0 else f", coupling = {row['coupling']:.2g}"
    return f"{text}, beta = {row['beta']:.2g}{coupling}"


def percent(share: float) -> str:
    """Print a share as per cent, two digits."""
    return f"{100 * share:.2g} %"


def interval(row: pd.Series, key: str) -> str:
    """Print a tolerated spread with its confidence interval."""
    low, high = row[f"{key}_low"], row[f"{key}_high"]
    upper = percent(high) if np.isfinite(high) else "more"
    return f"{percent(row[key])} (95 %: {percent(low)} to {upper})"


_LABELS = {"sigma_R_C": "Mismatch of resistors tolerated [%]", "sigma_VO2": "Spread of VO2 devices tolerated [%]"}
_COLOURS = {"circuit": PALETTE[0], "with coupling": PALETTE[1]}


def draw_front(tried: pd.DataFrame, confirmed: pd.DataFrame) -> Figure:
    """Draw what is tolerated against the energy of a recall."""
    figure, panels = new_figure(2, width=17.5, height=7)
    good = tried[tried["feasible"]]
    for axes, key in zip(panels, _LABELS, strict=True):
        for name, colour in _COLOURS.items():
            own = good[good["search"] == name].sort_values("energy")
            front = own[own[key] > own[key].cummax().shift(fill_value=0.0)]
            axes.plot(1e6 * own["energy"], 100 * own[key], "o", color=colour, alpha=0.35, markeredgewidth=0)
            axes.step(1e6 * front["energy"], 100 * front[key], where="post", color=colour, label=f"front, {name}")
        for name, marker in (("paper", "X"), ("circuit", "s"), ("with coupling", "D")):
            row = confirmed.loc[name]
            ends = np.array([row[f"{key}_low"], row[f"{key}_high"]])
            reach = np.abs(np.where(np.isfinite(ends), ends, row[key]) - row[key])[:, np.newaxis]
            axes.errorbar(
                1e6 * row["energy"], 100 * row[key], 100 * reach, marker=marker, markersize=6, linestyle="none",
                color=_COLOURS.get(name, "black"), markeredgecolor="black",
                label="paper's design" if name == "paper" else f"chosen, {name}",
            )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="Energy of a recall [µJ]", ylabel=_LABELS[key])
        plain_numbers(axes)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return figure


def plain_numbers(axes: Axes) -> None:
    """Label logarithmic axes 0.1, 1, 10, with 2 and 5 between them where there is room."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(10.0, (1.0, 2.0, 5.0) if high < 300.0 * low else (1.0,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def draw_map(atlas: pd.DataFrame, confirmed: pd.DataFrame) -> Figure:
    """Draw what is tolerated over R_S and V_DD; "wrong" where recall fails as designed, "rests" without oscillation."""
    figure, panels = new_figure(2, width=17.5, height=7)
    strong = confirmed.loc["with coupling"]
    for axes, key in zip(panels, _LABELS, strict=True):
        grid = atlas.pivot_table(index="V_DD", columns="R_S", values=key)
        shares = np.ma.masked_less_equal(100 * grid.to_numpy(), 0.0)
        columns, rows = np.arange(grid.shape[1]), np.arange(grid.shape[0])
        axes.imshow(shares, norm="log", origin="lower", aspect="auto")
        for j, R_S in enumerate(grid.columns):
            for i, V_DD in enumerate(grid.index):
                here = atlas[(atlas["R_S"] == R_S) & (atlas["V_DD"] == V_DD)].iloc[0]
                value = 100 * here[key]
                text = f"{value:.2g}" if value > 0.0 else "wrong" if here["oscillates"] else "rests"
                dark = value > 0.0 and shares[i, j] <= np.sqrt(shares.min() * shares.max())
                axes.text(j, i, text, ha="center", va="center", fontsize=6, color="white" if dark else "black")
        axes.set_xticks(columns, [f"{1e-3 * R_S:g}" for R_S in grid.columns])
        axes.set_yticks(rows, [f"{V_DD:g}" for V_DD in grid.index])
        axes.set(xlabel="$R_S$ [kΩ]", ylabel="$V_{DD}$ [V]", title=_LABELS[key])
        axes.grid(visible=False)
    figure.suptitle(
        f"$C_P$ = {show_quantity(strong['C_P'], 'F', 2)}, β = {strong['beta']:.2g}, coupling {strong['coupling']:.2g}",
        fontsize=8,
    )
    return figure


def draw_reason(tried: pd.DataFrame) -> Figure:
    """Draw the tolerances against what sets them."""
    figure, (left, right) = new_figure(2, width=17.5, height=7)
    good = tried[tried["feasible"]]
    for name, colour in _COLOURS.items():
        own = good[good["search"] == name]
        left.plot(1e3 * own["depth"], 1e3 * own["offset"], "o", color=colour, label=name)
        right.plot(own["log_range"], 100 * own["sigma_R_C"], "o", color=colour)
    for axes, cause, effect, factor in (
        (left, 1e3 * good["depth"], 1e3 * good["offset"], "ε"),
        (right, good["log_range"], 100 * good["sigma_R_C"], "L"),
    ):
        ends = np.array([cause.min(), cause.max()])
        share = (effect / cause).median()
        middle = np.sqrt(ends.prod())
        axes.plot(ends, share * ends, "--", color="black", linewidth=0.8)
        axes.annotate(
            f"{share if factor == 'ε' else share / 100:.2g} {factor}", (middle, share * middle), (-4, 4),
            textcoords="offset points", ha="right",
        )  # fmt: skip
        axes.set(xscale="log", yscale="log")
        plain_numbers(axes)
    left.set(xlabel="Locking depth ε of a neutral pair [mV]", ylabel="Spread tolerated, times $V_H$ [mV]")
    right.set(xlabel="Logarithm L of the resistors' range [-]", ylabel=_LABELS["sigma_R_C"])
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


STUDY = Study(
    name="delacour2021_design",
    title="Oscillators designed for the mismatch that a memory stands, where Delacour & Todri-Sanial 2021 stop",
    source="10.3389/fnins.2021.694549",
    run=run,
    parameters=(
        StudyParameter("designs", 40, "Designs that each of the two searches tries", quick=4, minimum=2),
        StudyParameter("recalls", 20, "Recalls by which a search judges a spread", quick=10, minimum=1),
        StudyParameter("chips", 60, "Chips that confirm a tolerance, each at seven sigmas", quick=10, minimum=2),
        StudyParameter(
            "map_R_S", (4e3, 6e3, 8e3, 10e3, 13e3, 17e3, 20e3), "Load resistances of the map",
            unit="Ω", quick=(6e3, 10e3), minimum=1.0,
        ),
        StudyParameter(
            "map_V_DD", (2.1, 2.15, 2.2, 2.25, 2.3, 2.4, 2.5), "Supply voltages of the map",
            unit="V", quick=(2.5,), minimum=0.1,
        ),
        StudyParameter("fuzzy_pixels", 10, "Fuzzy pixels of an image", minimum=0, maximum=60),
        StudyParameter("tolerance", 1e-7, "Tolerance of the transient", unit="V", minimum=1e-12, maximum=1e-3),
    ),
    cards=("vo2_delacour2021",),
    quick_duration=45.0,
    full_duration=300.0,
)  # fmt: skip
