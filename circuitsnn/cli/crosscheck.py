"""``circuitsnn crosscheck``: our engine beside others."""

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuitsnn.cli.app import app
from circuitsnn.cli.options import (
    ArrayOption,
    BitsOption,
    CapacitorArray,
    Corner,
    CornerOption,
    Fidelity,
    FidelityOption,
    JsonOption,
    KindCardOption,
    PulseOption,
    RowsOnOption,
    SetOption,
    SigmaOption,
    StoredOption,
    TemperatureOption,
    WireOption,
    load,
)
from circuitsnn.cli.output import require_picture, save_picture
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.progress import reporting

if TYPE_CHECKING:
    from circuitsnn.spice.crosscheck import AdcCheck, AdcComparison, BitlineCheck, BitlineComparison, CrossCheck
    from circuitsnn.spice.crosscheck.oscillators import Comparison


class CrossCheckKind(str, Enum):
    """What can be cross-checked."""

    period = "period"
    pair = "pair"
    onn = "onn"
    bitline = "bitline"
    adc = "adc"


class Drawn(str, Enum):
    """Whether each device is drawn."""

    none = "none"
    drawn = "drawn"


@app.command("crosscheck")
def crosscheck(
    kind: Annotated[CrossCheckKind, typer.Argument(metavar="KIND", help="period, pair, onn, bitline or adc.")],
    engines: Annotated[
        list[str] | None, typer.Option("--engine", help="Simulator; repeatable. Without it, all that are installed.")
    ] = None,
    card: KindCardOption = None,
    settings: SetOption = None,
    fidelity: FidelityOption = Fidelity.relaxed,
    coupling: Annotated[str, typer.Option("--coupling", help="Coupling resistance of a pair.")] = "10k",
    delay: Annotated[float, typer.Option("--delay", help="Delay of a pair's second supply, in periods.")] = 0.25,
    periods: Annotated[float, typer.Option("--periods", help="Length of the run, in periods; not of onn.")] = 10.0,
    steps: Annotated[
        list[str] | None, typer.Option("--step", help="Longest step of the simulators, such as 20n; repeatable.")
    ] = None,
    size: Annotated[int, typer.Option("--oscillators", min=2, help="Size of the memory (onn).")] = 60,
    images: Annotated[int, typer.Option("--images", min=1, help="Images that the memory is shown (onn).")] = 10,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Cells on the bit line.")] = 16,
    rows_on: RowsOnOption = None,
    stored: StoredOption = "random",
    pulse: PulseOption = 4.0,
    wire: WireOption = False,
    corner: CornerOption = Corner.TT,
    temperature: TemperatureOption = "300.15",
    bits: BitsOption = None,
    array: ArrayOption = CapacitorArray.binary,
    inputs: Annotated[int, typer.Option("--inputs", min=1, help="Inputs that a converter is given.")] = 16,
    spread: Annotated[Drawn, typer.Option(help="Where each device's values come from.")] = Drawn.none,
    sigma: SigmaOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of devices, patterns and images.")] = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="Simulations at the same time; times are fair with 1.")
    ] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Picture to write (PNG).")] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1e-3, help="Time limit of a run, in seconds.")] = 1800.0,
    as_json: JsonOption = False,
) -> int:
    """Simulate the same circuit here and on other simulators, and compare.

    KIND is one oscillator (period), a coupled pair, an associative memory (onn), the read of an SRAM column (bitline),
    or a converter by successive approximation (adc). Simulators run with smaller and smaller steps, so that their
    answers are seen to converge. Exit status: 0 when every simulator agrees at its smallest step, 1 when one does not.

    Example: circuitsnn crosscheck bitline --rows 64 --spread drawn --seed 3 --out bitline.png
    """
    from circuitsnn.quantities import read_quantity

    require_picture(out)

    from circuitsnn.spice.crosscheck import CHECKED_CARDS
    from circuitsnn.spice.crosscheck import crosscheck as compare

    loaded = load(CHECKED_CARDS[kind.value] if card is None else card, settings)

    with reporting(not as_json, f"crosscheck {kind.value}") as report:
        found = compare(
            kind.value,
            engines=engines,
            card=loaded,
            fidelity=fidelity.value,
            coupling_resistance=read_quantity(coupling, "Ω", "--coupling"),
            delay=delay,
            periods=periods,
            steps=[read_quantity(step, "s", "--step") for step in steps] if steps else None,
            size=size,
            images=images,
            rows=rows,
            rows_on=rows_on,
            stored=stored,
            pulse=pulse,
            wire=wire,
            corner=corner.value,
            temperature=read_quantity(temperature, "K", "--temperature"),
            bits=bits,
            array=array.value,
            inputs=inputs,
            spread=spread.value,
            sigma=sigma,
            seed=seed,
            jobs=jobs,
            timeout=timeout,
            progress=report,
        )
    if out is not None:
        from circuitsnn.figures import house_style

        with house_style():
            save_picture(found.figure(), out, dpi=200)
    complaints = found.complaints()
    if as_json:
        rows = json.loads(found.to_frame().to_json(orient="records", double_precision=15))
        say_json({"kind": kind.value, "comparisons": rows, "complaints": complaints, "holds": not complaints})
    else:
        printed = {"bitline": _print_bitline, "adc": _print_adc}.get(kind.value, _print_oscillators)
        printed(found)
        for complaint in complaints or ["all agree at their smallest step"]:
            say(complaint)
        if out is not None:
            say(f"picture: {out}")
    return 1 if complaints else 0


def _print_bitline(found: "BitlineCheck") -> None:
    from circuitsnn.quantities import show_quantity

    rows = [
        (
            one.engine, show_quantity(one.max_step, "s", 3), str(one.rows), show_quantity(one.voltage, "V", 2),
            show_quantity(one.sample, "V", 2), f"{one.energy:+.1e}", *_times(one),
        )
        for one in found.comparisons
    ]  # fmt: skip
    say_table(("simulator", "step", "rows", "voltage", "sample", "energy", "its time", "our time", "ratio"), rows)


def _print_adc(found: "AdcCheck") -> None:
    from circuitsnn.quantities import show_quantity

    rows = [
        (
            one.engine, show_quantity(one.max_step, "s", 3), f"{one.same_codes} of {one.inputs}",
            f"{one.level:.1e}", *_times(one)[:2],
        )
        for one in found.comparisons
    ]  # fmt: skip
    # No ratio: ours looks the code up, the simulator goes through the transient.
    say_table(("simulator", "step", "same codes", "level [LSB]", "its time", "our time"), rows)


def _times(one: "BitlineComparison | AdcComparison | Comparison") -> tuple[str, str, str]:
    from circuitsnn.quantities import show_quantity

    return show_quantity(one.engine_time, "s", 3), show_quantity(one.our_time, "s", 3), f"{one.ratio:.0f}"


def _print_oscillators(found: "CrossCheck") -> None:
    from circuitsnn.quantities import show_quantity

    memory = found.kind == "onn"
    columns = ["simulator", "step", *(["image", "same pattern"] if memory else []), "timing [period]", "voltage"]
    columns += [*([] if found.kind == "period" else ["phase [°]"]), "energy", "its time", "our time", "ratio"]
    rows = []
    for one in found.comparisons:
        row = [one.engine, show_quantity(one.max_step, "s", 3)]
        if memory:
            pattern = {True: "yes", False: f"NO (margin {one.margin:.2g}°)", None: "not settled"}[one.same_pattern]
            row += [str(one.image), pattern]
        row += [f"{one.timing:.1e}", show_quantity(one.voltage, "V", 2)]
        if found.kind != "period":
            row.append(f"{one.phase:.1e}" if one.locked else "not locked")
        rows.append([*row, f"{one.energy:+.1e}", *_times(one)])
    say_table(columns, rows)
    if memory:
        for engine in dict.fromkeys(one.engine for one in found.comparisons):
            runs = [one for one in found.finest() if one.engine == engine]
            settled = [one.same_pattern for one in runs if one.same_pattern is not None]
            say(f"{engine}: the same pattern on {sum(settled)} of {len(settled)} images that settled")
            open_ = [one.agrees for one in runs if one.same_pattern is None]
            if open_:
                say(f"{engine}: the same switchings on {sum(open_)} of {len(open_)} images that did not settle")
