"""``circuitsnn oscillator``: one oscillator, or a pair."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from circuitsnn.cli.app import SETTINGS, app
from circuitsnn.cli.options import CardOption, Fidelity, FidelityOption, JobsOption, JsonOption, SetOption, cores, load
from circuitsnn.cli.output import require_picture, save_picture
from circuitsnn.cli.terminal import say, say_json
from circuitsnn.errors import InputError
from circuitsnn.progress import reporting

if TYPE_CHECKING:
    from circuitsnn.cards import Card


oscillator_app = typer.Typer(
    help="Look at one oscillator or a pair.\n\nExample: circuitsnn oscillator period --set R_S=15k",
    **SETTINGS,
)
app.add_typer(oscillator_app, name="oscillator")


@oscillator_app.command("period")
def period(
    card: CardOption = "vo2_delacour2021",
    settings: SetOption = None,
    fidelity: FidelityOption = Fidelity.relaxed,
    as_json: JsonOption = False,
) -> None:
    """Give the period of one uncoupled oscillator.

    Example: circuitsnn oscillator period --set R_S=15k --fidelity abrupt
    """
    loaded = load(card, settings)

    from circuitsnn.oscillator.device import Oscillator
    from circuitsnn.quantities import show_quantity

    seconds = float(Oscillator(loaded).period(fidelity=fidelity.value))
    if as_json:
        numbers = {"period_s": seconds, "frequency_Hz": 1 / seconds}
        say_json({"card": loaded.name, "fidelity": fidelity.value, **numbers})
    else:
        shown = f"{show_quantity(seconds, 's', 5)} ({show_quantity(1 / seconds, 'Hz', 5)})"
        say(f"{shown}, card {loaded.name}, {fidelity.value} transitions")


@oscillator_app.command("phase-map")
def phase_map(
    card: CardOption = "vo2_delacour2021",
    settings: SetOption = None,
    fidelity: FidelityOption = Fidelity.relaxed,
    out: Annotated[Path, typer.Option("--out", help="Picture to write (PNG).")] = Path("phase_map.png"),
    lowest: Annotated[str, typer.Option("--from", help="Lowest coupling resistance.")] = "5k",
    highest: Annotated[str, typer.Option("--to", help="Highest coupling resistance.")] = "50k",
    resistances: Annotated[int, typer.Option("--resistances", min=2, help="Number of resistances.")] = 24,
    delays: Annotated[int, typer.Option("--delays", min=2, help="Number of delays.")] = 16,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the phase of a coupled pair against coupling resistance and starting delay.

    Example: circuitsnn oscillator phase-map --from 8k --to 30k --resistances 12 --delays 8 --out map.png
    """
    from circuitsnn.quantities import read_quantity

    loaded = load(card, settings)
    ends = read_quantity(lowest, "Ω", "--from"), read_quantity(highest, "Ω", "--to")
    if not 0 < ends[0] < ends[1]:
        raise InputError(f"--from is {lowest} and --to is {highest}; allowed is 0 < from < to")
    require_picture(out)

    import numpy as np

    from circuitsnn.oscillator.device import Oscillator
    from circuitsnn.oscillator.phase_map import phase_map as simulate

    seconds = float(Oscillator(loaded).period(fidelity=fidelity.value))
    grid = np.geomspace(*ends, resistances)
    fractions = np.linspace(0, 0.5, delays + 1)[1:]
    with reporting(not as_json, "phase map") as report:
        phases = simulate(
            loaded,
            grid,
            fractions * seconds,
            fidelity=fidelity.value,
            jobs=jobs or cores(),
            progress=lambda share: report(share, "phase map"),
        )
    _draw_phase_map(out, loaded, grid, fractions, np.asarray(phases))
    if as_json:
        say_json(
            {
                "card": loaded.name,
                "fidelity": fidelity.value,
                "resistances_ohm": grid.tolist(),
                "delays_s": (fractions * seconds).tolist(),
                # JSON knows no NaN, the phase of a pair that stopped switching.
                "phases_degree": [[None if np.isnan(phase) else phase for phase in row] for row in phases.tolist()],
                "picture": str(out),
            }
        )
    else:
        say(f"picture: {out}")


def _draw_phase_map(path: Path, card: "Card", resistances: Any, fractions: Any, phases: Any) -> None:
    import numpy as np
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    colours = {"vmin": 0, "vmax": 180, "cmap": "Greens_r", "shading": "nearest"}
    # Lead and lag alike: 270 degrees is as far from in phase as 90.
    mesh = axes.pcolormesh(resistances / 1e3, fractions, 180 - np.abs(np.abs(phases) - 180), **colours)
    axes.set(xscale="log", xlabel="Coupling resistance [kΩ]", ylabel="Delay [$T_{osc}$]", title=card.name)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    figure.colorbar(mesh, label="Phase, lag or lead [°]")
    save_picture(figure, path, dpi=150)
