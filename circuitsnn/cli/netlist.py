"""``circuitsnn netlist``: decks for circuit simulators."""

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
    read_settings,
)
from circuitsnn.cli.output import folder_of, require_writable
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from circuitsnn.spice import WrittenDeck


class NetlistKind(str, Enum):
    """What a netlist can be of."""

    oscillator = "oscillator"
    pair = "pair"
    onn = "onn"
    iv = "iv"
    bitline = "bitline"
    adc = "adc"


class Dialect(str, Enum):
    """Simulator that a netlist is written for."""

    ngspice = "ngspice"
    ltspice = "ltspice"
    xyce = "xyce"
    hspice = "hspice"
    spectre = "spectre"
    vacask = "vacask"


class Spread(str, Enum):
    """Where the values of each device come from."""

    none = "none"
    drawn = "drawn"
    random = "random"


@app.command("netlist")
def netlist(
    kind: Annotated[NetlistKind, typer.Argument(metavar="KIND", help="oscillator, pair, onn, iv, bitline or adc.")],
    dialect: Annotated[Dialect, typer.Option(help="Simulator that is to read it.")] = Dialect.ngspice,
    card: KindCardOption = None,
    settings: SetOption = None,
    fidelity: FidelityOption = Fidelity.relaxed,
    coupling: Annotated[str, typer.Option("--coupling", help="Coupling resistance of a pair.")] = "10k",
    delay: Annotated[float, typer.Option("--delay", help="Delay of a pair's second supply, in periods.")] = 0.25,
    image: Annotated[int, typer.Option("--image", help="Digit that the memory is shown, 0 to 5.")] = 0,
    fuzzy: Annotated[int, typer.Option("--fuzzy", min=0, help="How many of its 60 pixels are spoilt.")] = 10,
    beta: Annotated[float, typer.Option("--beta", help="Gain of the mapping from weights to resistances.")] = 1.875,
    periods: Annotated[float, typer.Option("--periods", help="Length of the run, in periods.")] = 10.0,
    max_step: Annotated[str | None, typer.Option("--max-step", help="Longest step of the simulator.")] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="Cells on a bit line; else the card's number.")
    ] = None,
    rows_on: RowsOnOption = None,
    stored: StoredOption = None,
    pulse: PulseOption = 1.0,
    wire: WireOption = False,
    corner: CornerOption = Corner.TT,
    temperature: TemperatureOption = "300.15",
    bits: BitsOption = None,
    array: ArrayOption = CapacitorArray.binary,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="Input of a converter, such as 0.4; repeatable.")
    ] = None,
    spread: Annotated[Spread, typer.Option(help="Where each device's values come from.")] = Spread.none,
    sigma: SigmaOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of drawn devices and spoilt pixels.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; without it, the terminal.")] = None,
    engine: Annotated[str | None, typer.Option("--run", metavar="ENGINE", help="Simulator to run it on.")] = None,
    waveforms: Annotated[
        Path | None, typer.Option("--waveforms", help="CSV file for what the simulator saved.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1e-3, help="Time limit of the run, in seconds.")] = 600.0,
    as_json: JsonOption = False,
) -> None:
    """Write a netlist for a circuit simulator, and run it if asked.

    KIND is one oscillator, a coupled pair, the associative memory of 60 oscillators (onn), a device's current-voltage
    loop (iv), the read of an SRAM column (bitline), or a converter by successive approximation (adc). Devices are the
    card's (--spread none), drawn from its spreads (drawn), or drawn by the simulator's own random functions (random).
    --run prints what the deck measures; it may name another simulator than the dialect's.

    Example: circuitsnn netlist bitline --rows 64 --rows-on 16 --spread drawn --seed 3 -o read.cir
    """
    from circuitsnn.quantities import read_quantity

    if card is not None:
        load(card, settings)
    if waveforms is not None and engine is None:
        raise InputError("--waveforms needs a simulator; allowed with --run ENGINE")
    for path in (out, waveforms):
        if path is not None:
            require_writable(path.parent)

    from circuitsnn.spice import netlists

    words = {
        "card": card,
        "settings": read_settings(settings),
        "fidelity": fidelity.value,
        "coupling_resistance": read_quantity(coupling, "Ω", "--coupling"),
        "delay": delay,
        "image": image,
        "fuzzy": fuzzy,
        "beta": beta,
        "periods": periods,
        "max_step": None if max_step is None else read_quantity(max_step, "s", "--max-step"),
        "rows": rows,
        "rows_on": rows_on,
        "stored": stored,
        "pulse": pulse,
        "wire": wire,
        "corner": corner.value,
        "temperature": read_quantity(temperature, "K", "--temperature"),
        "bits": bits,
        "array": array.value,
        "inputs": [read_quantity(value, "V", "--input") for value in inputs] if inputs else None,
        "spread": spread.value,
        "sigma": sigma,
        "seed": seed,
    }
    written = netlists.netlist(kind.value, dialect.value, **words)
    if out is not None:
        from circuitsnn.files import write_text

        with folder_of(out):
            _write_companions(out, written)
            write_text(out, written.text)
    if engine is None:
        if out is None:
            say(written.text.rstrip("\n"))
        return
    answer = netlists.run_netlist(kind.value, engine, timeout=timeout, **words)
    if waveforms is not None:
        from circuitsnn.files import replacing

        with folder_of(waveforms), replacing(waveforms) as temporary:
            answer.to_frame().to_csv(temporary, index=False)
    if as_json:
        say_json({"engine": answer.engine, "wall_time_s": answer.wall_time, "measures": dict(answer.measures)})
    else:
        rows = [(name, _show_measure(name, value)) for name, value in answer.measures.items()]
        say_table((f"measured by {answer.engine}", "value"), rows)


def _write_companions(deck: Path, written: "WrittenDeck") -> None:
    """Write the files that a deck needs beside it, never over a file that says something else."""
    from circuitsnn.files import write_text

    for name, text in written.companions.items():
        path = deck.parent / name
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
            raise InputError(f"{path} exists and is not the file that the deck needs; move it, or name another folder")
        if not path.exists():
            write_text(path, text)


def _show_measure(name: str, value: float) -> str:
    from circuitsnn.quantities import show_quantity

    if value != value:
        return "failed"
    units = {
        "phase": "°",
        "energy": "J",
        "period": "s",
        "lag": "s",
        "v": "V",
        "r": "Ω",
        "bl": "V",
        "blb": "V",
        "difference": "V",
    }
    return show_quantity(value, units.get(name.split("_")[0], ""), 7)
