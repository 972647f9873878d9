"""One VO2 oscillator and a pair of them: what Delacour & Todri-Sanial (2021) say in sections 2.1 and 2.2, checked.

One oscillator: Table 1 and Fig. 2. A pair: its start (Figs 3 and 4), the phases that it locks in and the transition
function between them (Fig. 5), what device parameters do to it (Fig. 7), what the waveform does to it (Fig. 8), and the
mapping function of two oscillators (Fig. 11). The paper solves its equations 1-3 (`smooth` here) with fixed steps; the
transition is computed here with `relaxed` devices, to which its closed form belongs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE
from circuitsnn.oscillator import closed_form
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.mapping import map_pair_weight
from circuitsnn.oscillator.network import OscillatorNetwork, TransientRun
from circuitsnn.oscillator.table import Fidelity
from circuitsnn.oscillator.transition import Method, run_pair, transition_resistance
from circuitsnn.oscillator.transition_closed_form import transition_delay_closed_form, transition_resistance_closed_form
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure

BOARD = "schmitt_mcp6001_delacour2021"
PRINTED_V_H = 1.99  # Table 1; V- = 0.501 V beside it belongs to 1.999
# Boundaries of the relaxed pair, made with an independent solver (SciPy's DOP853 with events, and bisection). [ohm]
REFERENCE = {0.05: 21.49e3, 0.125: 16.08e3, 0.25: 13.22e3, 0.375: 11.74e3, 0.45: 11.12e3}
FIDELITIES = ("relaxed", "smooth", "abrupt")
VARIED = {"R_ins": 0.2, "R_met": 0.2, "V_L": 0.2, "V_H": 0.04}
SYMBOLS = {"R_ins": "$R_{ins}$", "R_met": "$R_{met}$", "V_L": "$V_L$", "V_H": "$V_H$"}
WAVEFORM_RATIOS = {20e3: (59.0, 0.5, 17.7), 3e3: (3.7, 0.05, 3.9), 2e3: (1.8, 0.05, 3.0)}
PHASE_COLOURS = ListedColormap(["#1B6E53", "#F2F2F2", "#A9D8C0"])  # in phase, neither, out of phase


@dataclass
class Part:
    """What one part of the study adds to the whole."""

    claims: list[Claim] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Boundary:
    """Work for a worker: where a pair changes from in phase to out of phase."""

    card: Card
    delay: float
    fidelity: Fidelity = "relaxed"
    method: Method = "simulation"

    def solve(self) -> float:
        """Resistance; NaN where there is no boundary. [ohm]."""
        try:
            return transition_resistance(self.delay, self.card, self.method, self.fidelity)
        except InputError:
            return np.nan


@dataclass(frozen=True)
class MapRow:
    """Work for a worker: phases of a pair for one delay and many coupling resistances."""

    card: Card
    delay: float
    resistances: tuple[float, ...]
    periods: int

    def solve(self) -> list[float]:
        """Phases after `periods` periods; a slow drift is not taken for the end. [degree]."""
        oscillator = Oscillator(self.card)
        close_at = self.delay + oscillator.first_charge_duration("relaxed")
        stop = close_at + self.periods * oscillator.period()
        runs = (
            pair(self.card, resistance).transient([0.0, self.delay], close_at=close_at, stop=stop, tolerance=1e-8)
            for resistance in self.resistances
        )
        return [run.phases()[1] for run in runs]


def solve(task: Boundary | MapRow) -> float | list[float]:
    """Do one piece of work in a worker."""
    return task.solve()


def pair(card: Card, resistance: float) -> OscillatorNetwork:
    """Couple two equal oscillators."""
    return OscillatorNetwork.of_cards([card, card], np.array([[np.inf, resistance], [resistance, np.inf]]))


def verdict(phase: float) -> str:
    """Put a phase into words. [degree]."""
    if abs(phase) < 45.0:
        return "in phase"
    return "out of phase" if abs(phase - 180.0) < 45.0 else "neither"


def run(context: StudyContext) -> Outcome:
    """Run all parts."""
    if context.parameters["changes"] % 2 == 0:
        raise InputError(f"parameter changes is {context.parameters['changes']}; allowed is an odd whole number")
    card, board = context.card(), context.card(BOARD)
    load_3k = card.replace(R_S=3e3)
    period = Oscillator(card).period()
    grids = {
        "table 1": (card, np.geomspace(4e3, 100e3, context.parameters["resistances"])),
        "load 3k": (load_3k, np.geomspace(0.3e3, 100e3, context.parameters["resistances"])),
        "board": (board, np.geomspace(10e3, 500e3, context.parameters["resistances"])),
    }
    # From 0.02 T_osc on: nearer to 0 a pair locks in phase whatever couples it.
    fractions = np.linspace(0.02, 0.5, context.parameters["delays"])
    tasks: dict[tuple, Boundary | MapRow] = {}
    for name, (device, resistances) in grids.items():
        for fraction in fractions:
            delay = float(fraction * Oscillator(device).period())
            tasks["map", name, fraction] = MapRow(device, delay, tuple(resistances), context.parameters["periods"])
    for fraction in sorted({*REFERENCE, *np.linspace(0.05, 0.45, context.parameters["boundaries"]).round(4)}):
        tasks["boundary", "table 1", fraction] = Boundary(card, float(fraction * period))
    for name, device in (("load 3k", load_3k), ("board", board)):
        for fraction in np.linspace(0.25, 0.45, 3):
            tasks["boundary", name, fraction] = Boundary(device, float(fraction * Oscillator(device).period()))
    for base, name, change, device in variations(card, context.parameters["changes"]):
        quarter = 0.25 * Oscillator(device).period()
        tasks["R_0", base, name, change] = Boundary(device, quarter, method="closed-form")
        if base == "card" and abs(change) == VARIED[name]:
            tasks["boundary", name, change] = Boundary(device, quarter)
    for fidelity in ("abrupt", "smooth"):
        tasks["boundary", fidelity, 0.25] = Boundary(card, 0.25 * period, fidelity)
        tasks["boundary", fidelity, 0.5] = Boundary(card, 0.5 * Oscillator(card).period(fidelity), fidelity)
    solved = dict(zip(tasks, context.map(solve, tasks.values(), "solving pairs"), strict=True))

    maps = {
        name: PhaseMap(device, resistances, fractions, np.array([solved["map", name, f] for f in fractions]))
        for name, (device, resistances) in grids.items()
    }
    parts = [
        one_oscillator(card),
        starts(card, solved),
        transition(card, maps["table 1"], solved),
        board_transition(board, maps["board"], solved),
        parameter_variation(card, context.parameters["changes"], solved),
        waveform_shape(maps, solved),
        pair_mapping(card, context.parameters["betas"]),
        abrupt_switching(card, solved),
    ]
    tables = {name: table for part in parts for name, table in part.tables.items()}
    tables["phase_maps"] = pd.concat([found.table(name) for name, found in maps.items()], ignore_index=True)
    return Outcome(
        claims=tuple(claim for part in parts for claim in part.claims),
        tables=tables,
        figures={name: figure for part in parts for name, figure in part.figures.items()},
    )


@dataclass(frozen=True)
class PhaseMap:
    """Phases of a pair over coupling resistance and delay."""

    card: Card
    resistances: np.ndarray
    fractions: np.ndarray
    phases: np.ndarray

    def table(self, name: str) -> pd.DataFrame:
        """One row a pair."""
        fractions, resistances = np.meshgrid(self.fractions, self.resistances, indexing="ij")
        columns = {"resistance_ohm": resistances, "delay_per_period": fractions, "phase_degree": self.phases}
        return pd.DataFrame({"map": name, **{key: values.ravel() for key, values in columns.items()}})

    def share(self, answer: str, low: float = 0.0, high: float = np.inf) -> float:
        """Share of the pairs between two resistances that lock so. [%]."""
        inside = (self.resistances >= low) & (self.resistances <= high)
        answers = np.vectorize(verdict)(self.phases[:, inside])
        return 100.0 * float(np.mean(answers == answer))

    def draw(self, axes: Axes) -> None:
        """Draw the map, and the closed form over it."""
        answers = np.vectorize({"in phase": 0, "neither": 1, "out of phase": 2}.get)(np.vectorize(verdict)(self.phases))
        axes.pcolormesh(
            self.resistances / 1e3, self.fractions, answers, cmap=PHASE_COLOURS, vmin=0, vmax=2, shading="nearest"
        )
        fractions = np.geomspace(0.005, 0.5, 150)
        axes.plot(closed_boundary(self.card, fractions) / 1e3, fractions, color=PALETTE[1], label="closed form")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(self.resistances[0] / 1e3, self.resistances[-1] / 1e3)
        axes.set_ylim(0.0, 0.5)
        axes.grid(False)
        axes.set_xlabel("Coupling resistance $R_C$ [kΩ]")
        axes.set_ylabel("Delay [$T_{osc}$]")


def closed_boundary(card: Card, fractions: np.ndarray) -> np.ndarray:
    """Transition function by closed form; NaN where there is none. [ohm]."""
    period = Oscillator(card).period()
    return transition_resistance_closed_form(fractions * period, card, absent_is_nan=True)


def one_oscillator(card: Card) -> Part:
    """Table 1 and Fig. 2."""
    oscillator = Oscillator(card)
    part = Part()
    periods = {fidelity: oscillator.period(fidelity) for fidelity in FIDELITIES}
    printed = Oscillator(card.replace(V_H=PRINTED_V_H))
    part.claims += [
        Claim.within("Table 1: period, abrupt", 21.6e-6, periods["abrupt"], absolute=0.05e-6, unit="s"),
        Claim.within("Table 1: V-", 0.501, float(closed_form.v_minus(card)), absolute=5e-4, unit="V"),
        Claim.within(
            "Table 1: period with V_H as printed, 1.99 V",
            20.7355e-6,
            printed.period(),
            relative=1e-4,
            unit="s",
            from_paper=False,
            remark="not the paper's 21.6 µs, and V- would be 0.510 V: the table's V_H is a slip for 1.999 V",
        ),
        Claim.within(
            "Period, relaxed, against its closed form",
            float(closed_form.relaxed_period(card)),
            periods["relaxed"],
            relative=1e-8,
            unit="s",
            from_paper=False,
        ),
        Claim.within(
            "Period, smooth (equations 1-3 as written)",
            21.6e-6,
            periods["smooth"],
            absolute=0.05e-6,
            unit="s",
            remark="the feedback of equation 3 switches some 10 mV inside V_L..V_H; the printed period is that of "
            "sharp thresholds",
        ),
    ]
    rows = []
    for load, (ratio, margin, constants) in WAVEFORM_RATIOS.items():
        device = card.replace(R_S=load)
        loaded = Oscillator(device)
        found = loaded.discharge_duration() / loaded.charge_duration()
        slopes = float(closed_form.tau_d(device) / closed_form.tau_c(device))
        part.claims += [
            Claim.within(f"Discharge to charge duration, R_S = {load / 1e3:g} k", ratio, found, absolute=margin),
            Claim.within(
                f"Ratio of time constants, R_S = {load / 1e3:g} k",
                constants,
                slopes,
                absolute=0.05,
                from_paper=False,
                remark=f"the paper calls its {ratio:g} a ratio of time constants; it is one of durations",
            ),
        ]
        row = {"R_S_ohm": load, "duration_ratio": found, "time_constant_ratio": slopes, "duty": loaded.duty()}
        row |= {f"period_{fidelity}_s": loaded.period(fidelity) for fidelity in FIDELITIES}
        rows.append(row)
    part.tables["oscillators"] = pd.DataFrame(rows)
    load_current = (card.V_DD - card.V_H) / card.R_S
    crosses = load_current > card.V_H / card.R_ins and card.V_L / card.R_met > (card.V_DD - card.V_L) / card.R_S
    part.claims.append(
        Claim.equals(
            "Fig. 2C: the load line meets the I-V curve only in its unstable region",
            "yes",
            "yes" if crosses else "no",
            remark=f"at V_H it passes {1e6 * (load_current - card.V_H / card.R_ins):.1f} µA over the insulating branch",
        )
    )
    part.figures["fig2_oscillator"] = draw_oscillator(card)
    return part


def draw_oscillator(card: Card) -> Figure:
    """Draw Fig. 2C and 2D."""
    figure, (left, right) = new_figure(2)
    insulating, metallic = np.linspace(0.0, card.V_H, 200), np.linspace(card.V_L, card.V_DD, 50)
    left.plot(insulating, 1e3 * insulating / card.R_ins, label="insulating")
    left.plot(metallic, 1e3 * metallic / card.R_met, label="metallic")
    turning = np.array([card.V_H, card.V_L])
    left.plot(
        turning, 1e3 * np.array([card.V_H / card.R_ins, card.V_L / card.R_met]), ":", color="0.5", label="unstable"
    )
    across = np.linspace(0.0, card.V_DD, 200)
    left.plot(across, 1e3 * (card.V_DD - across) / card.R_S, "--", color=PALETTE[6], label="load line")
    left.set_yscale("log")
    left.set_ylim(1e-3, 20.0)
    left.set_xlabel("Voltage across the device [V]")
    left.set_ylabel("Current [mA]")
    left.legend(loc="upper left", ncols=2)
    oscillator = Oscillator(card)
    for fidelity in FIDELITIES:
        times = np.linspace(0.0, 2.6 * oscillator.period(), 3000)
        alone = OscillatorNetwork([oscillator], np.zeros((1, 1)))
        saved = alone.transient(stop=times[-1], fidelity=fidelity, save_at=times)
        right.plot(1e6 * saved.times, saved.voltages[0], label=fidelity)
    right.axhline(card.V_DD - card.V_L, color="0.5", linewidth=0.6, linestyle=":")
    right.axhline(card.V_DD - card.V_H, color="0.5", linewidth=0.6, linestyle=":")
    right.set_ylim(0.0, 2.0)
    right.set_xlabel("Time [µs]")
    right.set_ylabel("Output voltage [V]")
    right.legend(ncols=3, loc="upper right")
    return figure


def starts(card: Card, solved: Mapping) -> Part:
    """Figs 3 and 4: what the coupling switches, and a small and a large resistance, do."""
    part = Part()
    found: dict[tuple[str, str], TransientRun] = {}
    rows = []
    for fidelity in FIDELITIES:
        for name, resistance, fraction, switched in (
            ("3A", 10e3, 0.5, False),
            ("3B", 10e3, 0.5, True),
            ("4A", 10e3, 0.1, True),
            ("4B", 100e3, 0.1, True),
        ):
            done = start(card, resistance, fraction, switched, fidelity)
            found[name, fidelity] = done
            row = {"figure": name, "fidelity": fidelity, "resistance_ohm": resistance, "delay_per_period": fraction}
            rows.append(row | {"switches": switched, "phase_degree": done.phases()[1]})
    part.tables["starts"] = pd.DataFrame(rows)
    period = Oscillator(card).period("relaxed")
    first = np.diff(found["3A", "relaxed"].switching_times[0])[0] / period
    # With the off oscillator's output at ground the load of the first is R_S parallel to R_C.
    shunted = Oscillator(card.replace(R_S=1.0 / (1.0 / card.R_S + 1.0 / 10e3))).period() / Oscillator(card).period()
    smooth_end = solved["boundary", "smooth", 0.5]
    part.claims += [
        Claim.at_most(
            "Fig. 3A: first period without switches, per T_osc",
            1.0,
            first,
            remark="the coupling shunts the first output while the second supply is off: no control over the start",
        ),
        Claim.equals(
            "Fig. 3A: 10 k, T/2, without switches",
            "in phase",
            verdict(found["3A", "relaxed"].phases()[1]),
            remark=f"the off output floats on its own R_S and C_P, T' = {first:.3f} T_osc; the paper reckons with a "
            f"load R_S || R_C, as if it were held at ground (T' = {shunted:.3f} T_osc), which is not simulated here",
        ),
        Claim.equals(
            "Fig. 3B: 10 k, T/2, with switches, relaxed",
            "out of phase",
            verdict(found["3B", "relaxed"].phases()[1]),
            remark=f"10 k lies just below the boundary at T/2, "
            f"{transition_resistance(0.5 * Oscillator(card).period(), card) / 1e3:.2f} k; Fig. 5A's own rule (in phase "
            "below 10 k for any delay) puts it on the edge too",
        ),
        Claim.equals(
            "Fig. 3B: the same with smooth devices, as the paper solves it",
            "out of phase",
            verdict(found["3B", "smooth"].phases()[1]),
            remark=f"their boundary at T/2 is {smooth_end / 1e3:.2f} k",
        ),
        Claim.equals("Fig. 4: 10 k, 0.1 T_osc", "in phase", verdict(found["4A", "relaxed"].phases()[1])),
        Claim.equals("Fig. 4: 100 k, 0.1 T_osc", "out of phase", verdict(found["4B", "relaxed"].phases()[1])),
    ]
    figure, panels = new_figure(2, 2, height=11.0)
    titles = {
        "3A": "Fig. 3A: 10 kΩ, $T_{osc}/2$, no switches",
        "3B": "Fig. 3B: 10 kΩ, $T_{osc}/2$, switches",
        "4A": "Fig. 4: 10 kΩ, 0.1 $T_{osc}$",
        "4B": "Fig. 4: 100 kΩ, 0.1 $T_{osc}$",
    }
    for axes, (name, title) in zip(panels.flat, titles.items(), strict=True):
        done = found[name, "relaxed"]
        for index, voltages in enumerate(done.voltages):
            axes.plot(done.times / period, voltages, label=f"oscillator {index + 1}", alpha=0.9)
        axes.set_title(f"{title}: {verdict(done.phases()[1])}")
        axes.set_xlim(0.0, 7.0)
        axes.set_ylim(0.0, 2.1)
        axes.set_xlabel("Time [$T_{osc}$]")
        axes.set_ylabel("Output voltage [V]")
    panels[0, 0].legend(ncols=2, loc="upper right")
    part.figures["fig3_fig4_starts"] = figure
    return part


def start(card: Card, resistance: float, fraction: float, switched: bool, fidelity: Fidelity) -> TransientRun:
    """Start a pair with or without coupling switches, and keep its first waveforms."""
    oscillator = Oscillator(card)
    period = oscillator.period(fidelity)
    delay = fraction * period
    return pair(card, resistance).transient(
        [0.0, delay],
        close_at=delay + oscillator.first_charge_duration(fidelity) if switched else 0.0,
        stop=40.0 * period,
        fidelity=fidelity,
        save_at=np.linspace(0.0, 7.0 * period, 2500),
    )


def transition(card: Card, found: PhaseMap, solved: Mapping) -> Part:
    """Fig. 5A: the phase map and the transition function."""
    part = Part()
    period = Oscillator(card).period()
    table = boundary_table(card, "table 1", solved)
    table["reference_ohm"] = [REFERENCE.get(fraction, np.nan) for fraction in table["delay_per_period"]]
    part.tables["results"] = table
    shortest = transition_delay_closed_form(40e3, card) / period
    shown = f"pairs of the map, delays {found.fractions[0]:g} to {found.fractions[-1]:g} T_osc"
    part.claims += [
        Claim.at_least(
            "Fig. 5A: in phase at R_C <= 10 k for any delay",
            100.0,
            found.share("in phase", high=10e3),
            unit="%",
            remark=shown,
        ),
        Claim.at_least(
            "Fig. 5A: out of phase at R_C >= 40 k for any delay",
            100.0,
            found.share("out of phase", low=40e3),
            unit="%",
            remark=f"{shown}; below {shortest:.3f} T_osc even 40 k locks in phase",
        ),
        Claim.between(
            "Fig. 5A: boundary at T/2, where both states begin to coexist",
            9.5e3,
            11.5e3,
            transition_resistance(0.5 * period, card),
            unit="Ω",
            remark="the paper says about 10 k, without a digit more",
        ),
        Claim.at_most(
            "Fig. 5A: closed form against simulation, largest difference over 0.05..0.45 T_osc",
            5.0,
            float(np.max(np.abs(table["difference_percent"]))),
            unit="%",
            remark="the paper calls its fit excellent; the bound is ours",
            from_paper=False,
        ),
    ]
    for fraction, reference in REFERENCE.items():
        part.claims.append(
            Claim.within(
                f"Boundary at {fraction:g} T_osc by simulation, against an independent solver",
                reference,
                solved["boundary", "table 1", fraction],
                relative=0.01,
                unit="Ω",
                from_paper=False,
            )
        )
    figure, axes = new_figure(height=7.0)
    found.draw(axes)
    draw_simulated(axes, table)
    axes.text(5.0, 0.25, "in phase", color="white")
    axes.text(35.0, 0.25, "out of phase")
    figure.legend(loc="outside upper center", ncols=2)
    part.figures["fig5a_phase_map"] = figure
    return part


def boundary_table(card: Card, name: str, solved: Mapping) -> pd.DataFrame:
    """Transition function both ways."""
    fractions = np.array([key[2] for key in solved if key[:2] == ("boundary", name)])
    table = pd.DataFrame(
        {
            "delay_per_period": fractions,
            "delay_s": fractions * Oscillator(card).period(),
            "closed_form_ohm": closed_boundary(card, fractions),
            "simulation_ohm": [solved["boundary", name, fraction] for fraction in fractions],
        }
    )
    table["difference_percent"] = 100.0 * (table["closed_form_ohm"] / table["simulation_ohm"] - 1.0)
    return table


def draw_simulated(axes: Axes, table: pd.DataFrame) -> None:
    """Mark simulated boundaries."""
    points = {"color": PALETTE[6], "markerfacecolor": "white", "label": "simulation"}
    axes.plot(table["simulation_ohm"] / 1e3, table["delay_per_period"], "o", **points)


def board_transition(board: Card, found: PhaseMap, solved: Mapping) -> Part:
    """Fig. 5D: the board of operational amplifiers."""
    part = Part()
    table = boundary_table(board, "board", solved)
    part.tables["board"] = table
    fractions = np.linspace(0.02, 0.5, 49)
    reachable = fractions[np.isfinite(closed_boundary(board, fractions))]
    part.claims += [
        Claim.within(
            "Fig. 5D: period of the board",
            200e-6,
            Oscillator(board).period(),
            relative=0.005,
            unit="s",
            remark="no proof: the thresholds, which the paper does not print, were chosen for it",
        ),
        Claim.at_most(
            "Fig. 5D: closed form against simulation, largest difference over 0.25..0.45 T_osc",
            5.0,
            float(np.max(np.abs(table["difference_percent"]))),
            unit="%",
            from_paper=False,
            remark=f"the paper prints no numbers for its curve; with a duration ratio of "
            f"{(1.0 / Oscillator(board).duty() - 1.0):.0f} there is no transition below {reachable[0]:.2f} T_osc",
        ),
    ]
    figure, axes = new_figure(height=7.0)
    found.draw(axes)
    draw_simulated(axes, table)
    axes.text(13.0, 0.2, "in phase", color="white")
    axes.text(130.0, 0.35, "out of phase")
    figure.legend(loc="outside upper center", ncols=2)
    part.figures["fig5d_board"] = figure
    return part


def variations(card: Card, count: int) -> Iterator[tuple[str, str, float, Card]]:
    """Devices with one parameter changed that still oscillate, with base, parameter and relative change."""
    bases = (("card", card, VARIED), ("printed", card.replace(V_H=PRINTED_V_H), ("R_ins", "V_H")))
    for base, nominal, names in bases:
        for name in names:
            most = VARIED[name]
            for change in np.linspace(-most, most, count).round(6).tolist():
                device = nominal.replace(**{name: getattr(nominal, name) * (1.0 + change)})
                if Oscillator(device).oscillates():
                    yield base, name, change, device


def parameter_variation(card: Card, count: int, solved: Mapping) -> Part:
    """Fig. 7: what changes of the device do to the transition function, R_0 and the period."""
    part = Part()
    rows = [
        (base, name, change, Oscillator(device).period(), solved["R_0", base, name, change])
        for base, name, change, device in variations(card, count)
    ]
    table = pd.DataFrame(rows, columns=["V_H_base", "parameter", "change", "period_s", "R_0_ohm"])
    for column in ("period_s", "R_0_ohm"):
        nominal = table[table["change"] == 0.0].set_index(["V_H_base", "parameter"])[column]
        keys = pd.MultiIndex.from_frame(table[["V_H_base", "parameter"]])
        table[f"{column.rsplit('_', 1)[0]}_change_percent"] = 100.0 * (table[column] / nominal[keys].to_numpy() - 1.0)
    part.tables["variation"] = table

    indexed = table.set_index(["V_H_base", "parameter", "change"])

    def shift(base: str, name: str, change: float) -> float:
        return float(indexed["R_0_change_percent"].get((base, name, change), np.nan))

    def stretch(base: str, name: str, low: float, high: float) -> float:
        periods = indexed["period_s"]
        return float(periods.get((base, name, high), np.nan) / periods.get((base, name, low), np.nan))

    for base, label in (("printed", "V_H = 1.99 V"), ("card", f"V_H = {card.V_H:g} V")):
        near_limit = "" if base == "printed" else "nearer to the last V_H that oscillates everything is steeper; "
        part.claims += [
            Claim.within(
                f"Fig. 7: change of R_0 with V_H {100.0 * change:+.0f} %, {label}",
                paper,
                shift(base, "V_H", change),
                absolute=5.0,
                unit="%",
                remark=near_limit + "the tolerance is in percentage points",
            )
            for change, paper in ((0.04, 40.0), (-0.04, -20.0))
        ]
        part.claims += [
            Claim.within(
                f"Fig. 7: period, V_H +4 % over -4 %, {label}",
                2.0,
                stretch(base, "V_H", -0.04, 0.04),
                relative=0.15,
                remark=f"the paper says 'almost doubles'; from nominal to +4 % it grows "
                f"{stretch(base, 'V_H', 0.0, 0.04):.2f}-fold",
            ),
            Claim.within(
                f"Fig. 7: period, R_ins -20 % over +20 %, {label}",
                2.0,
                stretch(base, "R_ins", 0.2, -0.2),
                relative=0.15,
                remark=f"R_0 changes by {shift(base, 'R_ins', -0.2):+.0f} % at R_ins -20 % and "
                f"{shift(base, 'R_ins', 0.2):+.0f} % at +20 %",
            ),
        ]
    steepness = {
        name: max(abs(shift("card", name, most)), abs(shift("card", name, -most))) / (100.0 * most)
        for name, most in VARIED.items()
    }
    ranked = sorted(steepness, key=steepness.get, reverse=True)
    limit = card.V_DD * card.R_ins / (card.R_S + card.R_ins)
    part.claims += [
        Claim.equals(
            "Fig. 7: parameter to which R_0 is most sensitive, per percent",
            "V_H",
            ranked[0],
            remark=", ".join(f"{name} {steepness[name]:.2f}" for name in ranked) + " % per %",
        ),
        Claim.equals(
            "Fig. 7: the two parameters with the largest effect on R_0 over their ranges",
            "R_ins and V_H",
            " and ".join(sorted(sorted(steepness, key=lambda n: steepness[n] * VARIED[n])[-2:])),
            remark=f"by absolute effect R_ins -20 % ({shift('card', 'R_ins', -0.2):+.0f} %) exceeds V_H +4 % "
            f"({shift('card', 'V_H', 0.04):+.0f} %): {0.8 * card.R_ins / 1e3:.1f} k is within a few mV of rest",
        ),
        Claim.between(
            "Fig. 7: largest increase of V_H that still oscillates",
            4.0,
            5.0,
            100.0 * (limit / card.V_H - 1.0),
            unit="%",
            remark=f"V_H < V_DD R_ins / (R_S + R_ins) = {limit:.3f} V",
        ),
        Claim.at_most(
            "Fig. 7: closed form against simulated R_0, largest difference over the varied devices",
            5.0,
            max(
                100.0 * abs(solved["R_0", "card", name, change] / solved["boundary", name, change] - 1.0)
                for name, most in VARIED.items()
                for change in (-most, most)
                if ("boundary", name, change) in solved
            ),
            unit="%",
            from_paper=False,
        ),
    ]
    part.figures["fig7_variation"] = draw_variation(card, table[table["V_H_base"] == "card"])
    return part


def draw_variation(card: Card, table: pd.DataFrame) -> Figure:
    """Draw Fig. 7A and 7B."""
    figure, panels = new_figure(3, 2, width=18.0, height=11.0)
    fractions = np.geomspace(0.006, 0.5, 60)
    for axes, (name, most) in zip(panels.flat, VARIED.items(), strict=False):
        for change, colour in zip((-most, 0.0, most), (PALETTE[0], PALETTE[6], PALETTE[1]), strict=True):
            device = card.replace(**{name: getattr(card, name) * (1.0 + change)})
            if not Oscillator(device).oscillates():
                continue
            delays = 1e6 * fractions * Oscillator(device).period()
            label = "Table 1" if change == 0.0 else f"{SYMBOLS[name]} {100.0 * change:+.0f} %"
            axes.plot(closed_boundary(device, fractions) / 1e3, delays, color=colour, label=label)
        axes.set_xlim(5.0, 50.0)
        axes.set_ylim(0.0, 27.0)
        axes.set_xlabel("$R_C$ [kΩ]")
        axes.set_ylabel("Transition delay [µs]")
        axes.legend(loc="upper right")
    for axes, column, label in (
        (panels[1, 1], "R_0_change_percent", "Change of $R_0$ [%]"),
        (panels[1, 2], "period_change_percent", "Change of $T_{osc}$ [%]"),
    ):
        for name, group in table.groupby("parameter", sort=False):
            axes.plot(100.0 * group["change"], group[column], "o-", label=SYMBOLS[name])
        axes.set_xlabel("Change of the parameter [%]")
        axes.set_ylabel(label)
    panels[1, 2].legend(loc="upper right")
    return figure


def waveform_shape(maps: Mapping[str, PhaseMap], solved: Mapping) -> Part:
    """Fig. 8A: a nearly symmetric waveform has no out-of-phase answer to a short delay."""
    part = Part()
    slow, fast = maps["table 1"], maps["load 3k"]
    locked = {
        name: np.any(np.vectorize(verdict)(found.phases) == "out of phase", axis=1)
        for name, found in (("table 1", slow), ("load 3k", fast))
    }
    shortest = fast.fractions[locked["load 3k"]][0] if locked["load 3k"].any() else np.nan
    table = boundary_table(fast.card, "load 3k", solved)
    part.tables["load_3k"] = table
    sideways = float(np.mean(np.abs(np.abs(fast.phases) - 270.0) < 45.0))
    part.claims += [
        Claim.equals(
            "Fig. 8A: R_S = 20 k reaches 180 degrees at every delay of the map",
            "yes",
            "yes" if locked["table 1"].all() else "no",
        ),
        Claim.equals(
            "Fig. 8A: R_S = 3 k does not reach 180 degrees at short delays",
            "yes",
            "no" if locked["load 3k"][0] else "yes",
            remark=f"first reached at {shortest:.2f} T_osc; the paper gives no number",
        ),
        Claim.equals(
            "Fig. 8A: R_S = 3 k has pairs near 270 degrees",
            "yes",
            "yes" if sideways > 0.0 else "no",
            remark="grey in the map: weakly coupled pairs that still drift between 45 and 135 degrees at the end; "
            "the map ends at T/2",
        ),
        Claim.at_most(
            "Fig. 8A: closed form against simulation at R_S = 3 k, largest difference over 0.25..0.45 T_osc",
            5.0,
            float(np.max(np.abs(table["difference_percent"]))),
            unit="%",
            from_paper=False,
            remark="lower end of the out-of-phase region; the closed form has no upper one",
        ),
    ]
    figure, panels = new_figure(2, height=7.0)
    for axes, found, title in ((panels[0], fast, "$R_S$ = 3 kΩ"), (panels[1], slow, "$R_S$ = 20 kΩ")):
        found.draw(axes)
        axes.set_title(title)
        axes.text(0.1, 0.1, "in phase", color="white", transform=axes.transAxes)
    panels[0].text(3.0, 0.42, "out of\nphase")
    panels[1].text(35.0, 0.25, "out of phase")
    draw_simulated(panels[0], table)
    panels[0].legend(loc="lower right", labelcolor="white")
    part.figures["fig8a_phase_maps"] = figure
    return part


def pair_mapping(card: Card, betas: tuple[float, ...]) -> Part:
    """Fig. 11: from a weight to the coupling resistance of a pair."""
    part = Part()
    weights = np.linspace(-1.0, 1.0, 81)
    curves = {beta: map_pair_weight(weights, card, beta) for beta in betas}
    part.tables["mapping"] = pd.DataFrame(
        [
            {"beta": beta, "weight": weight, "resistance_ohm": resistance}
            for beta, curve in curves.items()
            for weight, resistance in zip(weights, curve, strict=True)
        ]
    )
    R_0 = transition_resistance(0.25 * Oscillator(card).period(), card)
    steep = curves[max(betas)]
    per_weight = np.abs(np.gradient(steep, weights))
    spans = [curves[beta].max() / curves[beta].min() for beta in sorted(betas)]
    part.claims += [
        Claim.at_most(
            "Fig. 11: mu_2(0) against R_0, largest difference over the betas",
            0.01,
            max(100.0 * abs(curve[40] / R_0 - 1.0) for curve in curves.values()),
            unit="%",
            from_paper=False,
        ),
        Claim.equals(
            "Fig. 11: a larger beta gives a larger range of resistances",
            "yes",
            "yes" if np.all(np.diff(spans) > 0.0) else "no",
            remark=", ".join(f"x {span:.2f} at {beta:g}" for span, beta in zip(spans, sorted(betas), strict=True)),
        ),
        Claim.equals(
            "Fig. 11: |dW/dR| is larger for a positive weight than for a negative one",
            "yes",
            "yes" if np.all(per_weight[41:] < per_weight[39::-1]) else "no",
            remark=f"at W = -0.5 and 0.5: {per_weight[20] / per_weight[60]:.1f} times, beta = {max(betas):g}",
        ),
    ]
    figure, (sigmoid, inverse, mapping) = new_figure(3, width=18.0)
    shares = np.geomspace(0.02, 1.0, 80)
    inverse.plot(shares, closed_boundary(card, 0.5 * shares) / 1e3, color=PALETTE[6])
    inverse.set_xlabel("Probability of in phase")
    inverse.set_ylabel("$\\zeta^{-1}$ [kΩ]")
    for beta, curve in curves.items():
        sigmoid.plot(weights, 0.5 * (np.tanh(beta * weights) + 1.0), label=f"β = {beta:g}")
        mapping.plot(weights, curve / 1e3, label=f"β = {beta:g}")
    sigmoid.set_ylabel("Probability of in phase")
    mapping.set_ylabel("$\\mu_2$ [kΩ]")
    for axes in (sigmoid, mapping):
        axes.set_xlabel("Weight $W_{21}$")
    mapping.legend()
    part.figures["fig11_mapping"] = figure
    return part


def abrupt_switching(card: Card, solved: Mapping) -> Part:
    """Not in the paper: what is left of the in-phase region without the transition time tau_0."""
    quarter = 0.25 * Oscillator(card).period()
    relaxed = solved["boundary", "table 1", 0.25]
    abrupt = solved["boundary", "abrupt", 0.25]
    return Part(
        claims=[
            Claim.equals(
                "Abrupt switching (own finding): 5 k, T/4",
                "in phase",
                verdict(run_pair(5e3, quarter, card, "abrupt").phases()[1]),
                from_paper=False,
                remark="the second output dips below V- for some ns only; a solver that looks at the ends of its steps "
                "misses it and answers out of phase",
            ),
            Claim.within(
                "Abrupt switching (own finding): R_0 by simulation, against an independent solver",
                11.58e3,
                abrupt,
                relative=0.01,
                unit="Ω",
                from_paper=False,
                remark=f"{100.0 * (abrupt / relaxed - 1.0):+.0f} % against tau_0 = 10 ns: the region shrinks, it does "
                "not vanish",
            ),
            Claim.within(
                "Abrupt switching (own finding): R_0, closed form against simulation",
                abrupt,
                transition_resistance(quarter, card, fidelity="abrupt"),
                relative=0.01,
                unit="Ω",
                from_paper=False,
            ),
        ]
    )


STUDY = Study(
    name="delacour2021_transition",
    title="One VO2 oscillator and a pair: periods, phase maps, transition and mapping functions",
    source="10.3389/fnins.2021.694549",
    run=run,
    parameters=(
        StudyParameter("resistances", 41, "Coupling resistances in a phase map", quick=21, minimum=3, maximum=500),
        StudyParameter("delays", 25, "Delays in a phase map", quick=13, minimum=3, maximum=500),
        StudyParameter(
            "periods", 100, "Periods that a pair of a map gets to settle", quick=60, minimum=10, maximum=5000
        ),
        StudyParameter("boundaries", 9, "Delays at which the boundary is simulated", quick=5, minimum=2, maximum=200),
        StudyParameter("changes", 9, "Values of a varied parameter; odd", quick=5, minimum=3, maximum=201),
        StudyParameter(
            "betas", (0.5, 1.0, 1.875), "Slopes of the activation function in Fig. 11", minimum=0.01, maximum=1.95
        ),
    ),
    cards=("vo2_delacour2021", BOARD),
    quick_duration=15.0,
    full_duration=32.0,
)
