"""The `circuitsnn` command.

Exit status: 0 when all is well (for a study: every claim holds), 1 when a claim does not hold, simulators do not agree
or a fit does not settle, 2 for wrong input and 3 for a study or circuit simulator that failed, the last two with one
line on standard error. Modules that take long to import are imported inside the commands, so that --help stays quick.
"""

import codecs
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from tempfile import TemporaryFile
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from circuitsnn import __version__
from circuitsnn.errors import EngineError, InputError, StudyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from circuitsnn.cards import Card
    from circuitsnn.data_files import Column
    from circuitsnn.fit import Fit, IVLoop, OutputWaveform, TransistorCurves
    from circuitsnn.spice import WrittenDeck
    from circuitsnn.spice.crosscheck import CrossCheck
    from circuitsnn.study import StudyResult

__all__ = ["app", "main"]

# For a terminal that has no Greek letters: "us" and "ohm" rather than a traceback, or a question mark for the prefix.
_SPELL_OUT = "circuitsnn-spell-out"
_SPELLED_OUT = {"µ": "u", "μ": "u", "Ω": "ohm", "°": "degree", "β": "beta", "Δ": "Delta"}


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_SPELLED_OUT.get(letter, "?") for letter in missing), error.end


codecs.register_error(_SPELL_OUT, _spell_out)

# Some versions of typer carry a click of their own, so its error class is reached through typer's.
_UsageError = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")

_SETTINGS = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": None}

app = typer.Typer(
    help="From device to accuracy, energy and yield.\n\nExample: circuitsnn run associative_memory --quick",
    **_SETTINGS,
)
devices_app = typer.Typer(
    help="List and show device cards.\n\nExample: circuitsnn devices show vo2_delacour2021",
    **_SETTINGS,
)
oscillator_app = typer.Typer(
    help="Look at one oscillator or a pair.\n\nExample: circuitsnn oscillator period --set R_S=15k",
    **_SETTINGS,
)
app.add_typer(devices_app, name="devices")
app.add_typer(oscillator_app, name="oscillator")


class Fidelity(str, Enum):
    """Fidelity of the oscillator model, from dear to cheap."""

    smooth = "smooth"
    relaxed = "relaxed"
    abrupt = "abrupt"


class NetlistKind(str, Enum):
    """What a netlist can be of."""

    oscillator = "oscillator"
    pair = "pair"
    onn = "onn"
    iv = "iv"


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


class CrossCheckKind(str, Enum):
    """What can be cross-checked."""

    period = "period"
    pair = "pair"
    onn = "onn"


class Drawn(str, Enum):
    """Whether each device is drawn."""

    none = "none"
    drawn = "drawn"


CardOption = Annotated[str, typer.Option("--card", help="Name of a card, or path of a TOML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another value, such as R_S=15k; repeatable."),
]
FidelityOption = Annotated[Fidelity, typer.Option(help="How the device's transitions are modelled.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
SigmaOption = Annotated[
    float | None, typer.Option("--sigma", min=0, help="Relative spread of drawn devices, in place of the card's own.")
]
JobsOption = Annotated[int | None, typer.Option(min=1, help="Worker processes; without it, one a core.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command-line arguments; without it, those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_SPELL_OUT)
    try:
        arguments = sys.argv[1:] if arguments is None else list(arguments)
        status = app(args=arguments, prog_name="circuitsnn", standalone_mode=False) or 0
    except InputError as error:
        status = _refuse(str(error))
    except _UsageError as error:
        status = _refuse(f"{error.format_message().rstrip('.')}; {_usage(error)}")
    except OSError as error:
        what = error.filename or "a file"
        status = _refuse(f"cannot use {what}: {error.strerror}; name another file or folder")
    except (EngineError, StudyError) as error:
        status = _refuse(str(error), 3)
    except (KeyboardInterrupt, typer.Abort):
        _print("interrupted", sys.stderr)
        status = 130
    sys.exit(status)


def _refuse(message: str, status: int = 2) -> int:
    _print(f"circuitsnn: {' '.join(message.split())}", sys.stderr)
    return status


def _usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    if context is None:
        return "see circuitsnn --help"
    commands = getattr(context.command, "commands", None)
    if commands:
        return f"allowed: {', '.join(commands)}"
    usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
    names = [max(parameter.opts, key=len) for parameter in context.command.params]
    return f"allowed: {usage} with {', '.join(name for name in names if name.startswith('-'))}"


def _print_version(wanted: bool) -> None:
    if wanted:
        _print(__version__)
        raise typer.Exit


@app.callback()
def _circuitsnn(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@devices_app.command("list")
def list_devices(as_json: JsonOption = False) -> None:
    """List the device cards of the package.

    Example: circuitsnn devices list
    """
    from circuitsnn.cards import list_cards, load_card

    cards = [load_card(name) for name in list_cards()]
    if as_json:
        _print_json([{"name": card.name, "kind": card.kind, "title": card.title} for card in cards])
    else:
        _print_table(("card", "kind", "title"), [(card.name, card.kind, card.title) for card in cards])


@devices_app.command("show")
def show_device(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a card, or path of a TOML file.")],
    as_json: JsonOption = False,
) -> None:
    """Show a device card: each parameter with its value, spread and source.

    Example: circuitsnn devices show vo2_delacour2021
    """
    from dataclasses import asdict

    from circuitsnn.cards import load_card
    from circuitsnn.quantities import show_quantity

    card = load_card(name)
    if as_json:
        parameters = {key: asdict(parameter) for key, parameter in card.parameters.items()}
        fields = {key: getattr(card, key) for key in ("name", "kind", "title", "source", "notes")}
        _print_json(fields | {"parameters": parameters})
        return
    _print(f"{card.name}: {card.title}\nkind: {card.kind}\nsource: {card.source}\n")
    rows = [
        (key, show_quantity(item.value, item.unit), _show_spread(item), item.meaning, item.source)
        for key, item in card.parameters.items()
    ]
    _print_table(("parameter", "value", "spread", "meaning", "source"), rows)
    _print(f"\n{card.notes.strip()}")


@app.command("run")
def run(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of the study.")],
    quick: Annotated[bool, typer.Option("--quick", help="A smaller run that shows the same things.")] = False,
    settings: SetOption = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of all randomness.")] = None,
    jobs: JobsOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the results.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Run a study, and compare what it finds with what the paper claims.

    Exit status: 0 when every claim holds, 1 when one does not, 2 for wrong input, 3 when the study fails.

    Example: circuitsnn run associative_memory --quick --out results
    """
    from circuitsnn.study import load_study, run_study

    chosen = _read_settings(settings)
    loaded = load_study(study)
    if out is not None:
        _require_writable(out)
    with _progress(f"study {study}", shown=not as_json) as report:
        result = run_study(
            loaded, quick=quick, settings=chosen, seed=seed, jobs=jobs or _cores(), out=out, progress=report
        )
    if as_json:
        _print_json(result.to_dict())
    else:
        _print_result(result)
    return 0 if result.holds else 1


@app.command("netlist")
def netlist(
    kind: Annotated[NetlistKind, typer.Argument(metavar="KIND", help="oscillator, pair, onn or iv.")],
    dialect: Annotated[Dialect, typer.Option(help="Simulator that is to read it.")] = Dialect.ngspice,
    card: CardOption = "vo2_delacour2021",
    settings: SetOption = None,
    fidelity: FidelityOption = Fidelity.relaxed,
    coupling: Annotated[str, typer.Option("--coupling", help="Coupling resistance of a pair.")] = "10k",
    delay: Annotated[float, typer.Option("--delay", help="Delay of a pair's second supply, in periods.")] = 0.25,
    image: Annotated[int, typer.Option("--image", help="Digit that the memory is shown, 0 to 5.")] = 0,
    fuzzy: Annotated[int, typer.Option("--fuzzy", min=0, help="How many of its 60 pixels are spoilt.")] = 10,
    beta: Annotated[float, typer.Option("--beta", help="Gain of the mapping from weights to resistances.")] = 1.875,
    periods: Annotated[float, typer.Option("--periods", help="Length of the run, in periods.")] = 10.0,
    max_step: Annotated[str | None, typer.Option("--max-step", help="Longest step of the simulator.")] = None,
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

    KIND is one oscillator, a coupled pair, the associative memory of 60 oscillators (onn), or a device's
    current-voltage loop (iv). Devices are the card's (--spread none), drawn from its spreads (drawn), or drawn by the
    simulator's own random functions (random). --run prints what the deck measures; it may name another simulator
    than the dialect's.

    Example: circuitsnn netlist pair --dialect spectre --set R_S=15k --coupling 12k -o pair.scs
    """
    from circuitsnn.quantities import read_quantity

    _load(card, settings)
    if waveforms is not None and engine is None:
        raise InputError("--waveforms needs a simulator; allowed with --run ENGINE")
    for path in (out, waveforms):
        if path is not None:
            _require_writable(path.parent)

    from circuitsnn.spice import netlists

    words = {
        "card": card,
        "settings": _read_settings(settings),
        "fidelity": fidelity.value,
        "coupling_resistance": read_quantity(coupling, "Ω", "--coupling"),
        "delay": delay,
        "image": image,
        "fuzzy": fuzzy,
        "beta": beta,
        "periods": periods,
        "max_step": None if max_step is None else read_quantity(max_step, "s", "--max-step"),
        "spread": spread.value,
        "sigma": sigma,
        "seed": seed,
    }
    written = netlists.netlist(kind.value, dialect.value, **words)
    if out is not None:
        from circuitsnn.files import write_text

        with _folder_of(out):
            _write_companions(out, written)
            write_text(out, written.text)
    if engine is None:
        if out is None:
            _print(written.text.rstrip("\n"))
        return
    answer = netlists.run_netlist(kind.value, engine, timeout=timeout, **words)
    if waveforms is not None:
        from circuitsnn.files import replacing

        with _folder_of(waveforms), replacing(waveforms) as temporary:
            answer.to_frame().to_csv(temporary, index=False)
    if as_json:
        _print_json({"engine": answer.engine, "wall_time_s": answer.wall_time, "measures": dict(answer.measures)})
    else:
        rows = [(name, _show_measure(name, value)) for name, value in answer.measures.items()]
        _print_table((f"measured by {answer.engine}", "value"), rows)


@app.command("crosscheck")
def crosscheck(
    kind: Annotated[CrossCheckKind, typer.Argument(metavar="KIND", help="period, pair or onn.")],
    engines: Annotated[
        list[str] | None, typer.Option("--engine", help="Simulator; repeatable. Without it, all that are installed.")
    ] = None,
    card: CardOption = "vo2_delacour2021",
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

    KIND is one oscillator (period), a coupled pair, or an associative memory (onn). Simulators run with smaller and
    smaller steps, so that their answers are seen to converge. Exit status: 0 when every simulator agrees at its
    smallest step, 1 when one does not.

    Example: circuitsnn crosscheck pair --coupling 12k --out pair.png
    """
    from circuitsnn.quantities import read_quantity

    loaded = _load(card, settings)
    if out is not None:
        if out.suffix.lower() != ".png":
            raise InputError(f"--out is {out}; allowed is a file that ends in .png")
        _require_writable(out.parent)

    from circuitsnn.spice.crosscheck import crosscheck as compare

    with _progress(f"crosscheck {kind.value}", shown=not as_json) as report:
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
            _save_picture(found.figure(), out, dpi=200)
    complaints = found.complaints()
    if as_json:
        rows = json.loads(found.to_frame().to_json(orient="records", double_precision=15))
        _print_json({"kind": kind.value, "comparisons": rows, "complaints": complaints, "holds": not complaints})
    else:
        _print_crosscheck(found)
        if out is not None:
            _print(f"picture: {out}")
    return 1 if complaints else 0


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
    loaded = _load(card, settings)

    from circuitsnn.oscillator.device import Oscillator
    from circuitsnn.quantities import show_quantity

    seconds = float(Oscillator(loaded).period(fidelity=fidelity.value))
    if as_json:
        numbers = {"period_s": seconds, "frequency_Hz": 1 / seconds}
        _print_json({"card": loaded.name, "fidelity": fidelity.value, **numbers})
    else:
        shown = f"{show_quantity(seconds, 's', 5)} ({show_quantity(1 / seconds, 'Hz', 5)})"
        _print(f"{shown}, card {loaded.name}, {fidelity.value} transitions")


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

    loaded = _load(card, settings)
    ends = read_quantity(lowest, "Ω", "--from"), read_quantity(highest, "Ω", "--to")
    if not 0 < ends[0] < ends[1]:
        raise InputError(f"--from is {lowest} and --to is {highest}; allowed is 0 < from < to")
    if out.suffix.lower() != ".png":
        raise InputError(f"--out is {out}; allowed is a file that ends in .png")
    _require_writable(out.parent)

    import numpy as np

    from circuitsnn.oscillator.device import Oscillator
    from circuitsnn.oscillator.phase_map import phase_map as simulate

    seconds = float(Oscillator(loaded).period(fidelity=fidelity.value))
    grid = np.geomspace(*ends, resistances)
    fractions = np.linspace(0, 0.5, delays + 1)[1:]
    with _progress("phase map", shown=not as_json) as report:
        phases = simulate(
            loaded,
            grid,
            fractions * seconds,
            fidelity=fidelity.value,
            jobs=jobs or _cores(),
            progress=report and (lambda share: report(share, "phase map")),
        )
    _draw_phase_map(out, loaded, grid, fractions, np.asarray(phases))
    if as_json:
        _print_json(
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
        _print(f"picture: {out}")


@app.command("fit")
def fit(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Card to start from: its name, or path of a TOML file.")],
    data: Annotated[Path, typer.Option("--data", help="Samples: CSV, or a simulator's .raw file.")],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="ROLE=NAME",
            help="Column that holds the voltage or current (I-V loop), time or output (waveform), or v_gs, v_ds, v_bs "
            "or i_d (transistor); repeatable.",
        ),
    ] = None,
    free: Annotated[
        list[str] | None, typer.Option("--free", metavar="NAME", help="Fit this and no other; repeatable.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A known value, such as R_S=15k, that is kept; repeatable."),
    ] = None,
    fidelity: FidelityOption = Fidelity.relaxed,
    series: Annotated[
        str, typer.Option("--series-resistance", help="Resistance within the loop's voltage besides the device.")
    ] = "0",
    width: Annotated[str | None, typer.Option("--width", help="Width of the transistor's channel.")] = None,
    length: Annotated[str | None, typer.Option("--length", help="Length of the transistor's channel.")] = None,
    temperature: Annotated[
        str | None, typer.Option("--temperature", help="Temperature of the transistor; else 300.15 K.")
    ] = None,
    noise_floor: Annotated[
        str | None,
        typer.Option("--noise-floor", help="Transistor's current below which its error is absolute; else 1 pA."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Card to write (TOML).")] = None,
    figure: Annotated[Path | None, typer.Option("--figure", help="Picture to write (PNG).")] = None,
    as_json: JsonOption = False,
) -> int:
    """Fit a device card to a measured or simulated I-V loop, an oscillator's waveform, or a transistor's curves.

    Exit status: 0 when the fit settled, 1 when it did not (then no card is written), 2 for wrong input.

    Example: circuitsnn fit vo2_delacour2021 --data iv.csv --out my_film.toml --figure iv.png

    Example: circuitsnn fit nmos_65nm --data curves.csv --width 1u --length 65n --out my_nmos.toml --figure curves.png
    """
    from circuitsnn.quantities import read_quantity

    known = _read_settings(settings)
    loaded = _load(card, settings)
    for path, suffix, option in ((out, ".toml", "--out"), (figure, ".png", "--figure")):
        if path is not None:
            if path.suffix.lower() != suffix:
                raise InputError(f"{option} is {path}; allowed is a file that ends in {suffix}")
            _require_writable(path.parent)
    resistance = read_quantity(series, "Ω", "--series-resistance")
    bench = {
        name: read_quantity(given, unit, f"--{name.replace('_', '-')}")
        for name, given, unit in (
            ("width", width, "m"),
            ("length", length, "m"),
            ("temperature", temperature, "K"),
            ("noise_floor", noise_floor, "A"),
        )
        if given is not None
    }
    if loaded.kind in ("nmos", "pmos"):
        samples = _read_curves(data, columns, bench)
    elif bench:
        raise InputError(f"--{next(iter(bench)).replace('_', '-')} belongs to a transistor's card; leave it out")
    else:
        samples = _read_samples(data, columns, resistance)

    from circuitsnn.fit import fit_card

    hold = [name for name in known if name not in (free or ())]
    found = fit_card(loaded, samples, free=free, hold=hold, fidelity=fidelity.value)
    written = []
    if figure is not None:
        from circuitsnn.fit import draw_fit

        _save_picture(draw_fit(found), figure, dpi=200)
        written.append(f"picture: {figure}")
    if out is not None and found.status.ok:
        with _folder_of(out):
            found.card.write(out)
        written.append(f"card: {out}")
    if as_json:
        _print_json(_fit_as_json(loaded, data, found, out, figure))
    else:
        _print_fit(found)
        for line in written:
            _print(line)
    return 0 if found.status.ok else 1


def _read_samples(path: Path, columns: list[str] | None, resistance: float) -> "IVLoop | OutputWaveform":
    """Read an I-V loop or a waveform, whichever the columns are those of."""
    from circuitsnn.data_files import choose_column
    from circuitsnn.fit import IVLoop, OutputWaveform

    units = {"time": "s", "output": "V", "voltage": "V", "current": "A"}
    given = _read_roles(columns, units)
    found = _read_file(path)
    loop_named, waveform_named = ({"voltage", "current"} & given.keys()), ({"time", "output"} & given.keys())
    has_time = any(column.unit == "s" for column in found)
    has_current = any(column.unit == "A" for column in found)
    if (loop_named and waveform_named) or (has_time and has_current and not given and path.suffix.lower() != ".raw"):
        raise InputError(
            f"{path}: an I-V loop or a waveform? name the columns of one of them, --column voltage=NAME --column "
            "current=NAME, or --column time=NAME --column output=NAME"
        )
    if loop_named or not (waveform_named or has_time):
        roles = ("voltage", "current")
    else:
        roles = ("time", "output")
        if resistance:
            raise InputError("--series-resistance belongs to an I-V loop, and the data are a waveform; leave it out")
    values = [choose_column(found, path, role, units[role], given.get(role)) for role in roles]
    try:
        if roles[0] == "voltage":
            return IVLoop(*values, series_resistance=resistance, source=path.name)
        return OutputWaveform(*values, source=path.name)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read_roles(columns: list[str] | None, roles: Iterable[str]) -> dict[str, str]:
    """Read what --column gives: the names of columns by their roles."""
    given: dict[str, str] = {}
    for setting in columns or []:
        role, sign, name = (part.strip() for part in setting.partition("="))
        if not (sign and name) or role not in roles or role in given:
            raise InputError(
                f"--column is given {setting!r}; allowed is ROLE=NAME, once for each role of {', '.join(roles)}"
            )
        given[role] = name
    return given


def _read_file(path: Path) -> "tuple[Column, ...]":
    """Read the columns of a text file or the vectors of a raw file."""
    from circuitsnn.data_files import read_columns, vector_columns

    if path.suffix.lower() != ".raw":
        return read_columns(path)
    from circuitsnn.spice import EngineError, read_raw

    try:
        return vector_columns(read_raw(path))
    except EngineError as error:
        raise InputError(f"{path}: {error}") from error


def _read_curves(path: Path, columns: list[str] | None, bench: dict[str, float]) -> "TransistorCurves":
    """Read a transistor's curves; a column is known by its name, such as "v_gs" or "VGS [V]"."""
    from circuitsnn.data_files import choose_column
    from circuitsnn.fit import TransistorCurves

    for name in ("width", "length"):
        if name not in bench:
            raise InputError(f"--{name} is missing; a transistor's curves need it, for example --width 1u --length 65n")
    roles = {"v_gs": "V", "v_ds": "V", "i_d": "A", "v_bs": "V"}
    given = _read_roles(columns, roles)
    found = _read_file(path)
    names = {"".join(filter(str.isalnum, column.name)).lower(): column.name for column in found}
    for role in roles:
        known = role.replace("_", "")
        if role not in given and known in names:
            given[role] = names[known]
    for role in ("v_gs", "v_ds", "i_d"):
        if role not in given:
            raise InputError(
                f"{path}: there is no column {role!r} among {', '.join(repr(column.name) for column in found)}; name "
                f"the one with --column {role}=NAME"
            )
    values = {role: choose_column(found, path, role, roles[role], name) for role, name in given.items()}
    try:
        return TransistorCurves(**values, **bench, source=path.name)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _print_fit(found: "Fit") -> None:
    from circuitsnn.fit import show_interval, show_value
    from circuitsnn.quantities import show_quantity

    rows = [
        (
            one.name,
            show_quantity(one.start, one.unit),
            show_value(one),
            show_interval(one) if one.fitted else "",
            "yes" if one.fitted else one.reason,
        )
        for one in found.parameters.values()
    ]
    _print_table(("parameter", "start", "value", "95 % interval", "fitted"), rows)
    for remark in found.remarks:
        _print(f"remark: {remark}")
    _print(f"{found.status}")


def _fit_as_json(start: "Card", data: Path, found: "Fit", out: Path | None, figure: Path | None) -> dict[str, Any]:
    from math import isfinite

    def plain(value: Any) -> Any:
        # JSON knows neither NaN nor infinity.
        return None if isinstance(value, float) and not isfinite(value) else value

    return {
        "card": start.name,
        "data": str(data),
        "fidelity": found.fidelity,
        "status": found.status.name,
        "advice": found.status.advice,
        "remarks": list(found.remarks),
        "parameters": [{key: plain(value) for key, value in vars(one).items()} for one in found.parameters.values()],
        "correlation": {name: row.to_dict() for name, row in found.correlation.iterrows()},
        "rms": found.rms,
        "cycle_spread": dict(found.cycle_spread),
        "written": str(out) if out is not None and found.status.ok else None,
        "picture": None if figure is None else str(figure),
    }


def _load(name: str, settings: list[str] | None) -> "Card":
    from circuitsnn.cards import load_card

    return load_card(name).replace(**_read_settings(settings))


def _read_settings(settings: list[str] | None) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for setting in settings or []:
        name, sign, value = setting.partition("=")
        if not (name.strip() and sign and value.strip()):
            raise InputError(f"--set is given {setting!r}; allowed is NAME=VALUE, such as R_S=15k")
        if name.strip() in chosen:
            raise InputError(f"--set gives {name.strip()} twice; allowed is one value for each name")
        chosen[name.strip()] = value.strip()
    return chosen


def _require_writable(folder: Path) -> None:
    # Tried before the work starts, and without making the folder: a failed run shall leave nothing behind.
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    try:
        with TemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = "allowed is a folder that you may write to"
        raise InputError(f"cannot write to {folder}: {existing}: {error.strerror}; {advice}") from error


def _print_crosscheck(found: "CrossCheck") -> None:
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
        row += [
            f"{one.energy:+.1e}",
            show_quantity(one.engine_time, "s", 3),
            show_quantity(one.our_time, "s", 3),
            f"{one.ratio:.0f}",
        ]
        rows.append(row)
    _print_table(columns, rows)
    if memory:
        for engine in dict.fromkeys(one.engine for one in found.comparisons):
            runs = [one for one in found.finest() if one.engine == engine]
            settled = [one.same_pattern for one in runs if one.same_pattern is not None]
            _print(f"{engine}: the same pattern on {sum(settled)} of {len(settled)} images that settled")
            open_ = [one.agrees for one in runs if one.same_pattern is None]
            if open_:
                _print(f"{engine}: the same switchings on {sum(open_)} of {len(open_)} images that did not settle")
    complaints = found.complaints()
    for complaint in complaints or ["all agree at their smallest step"]:
        _print(complaint)


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
    units = {"phase": "°", "energy": "J", "period": "s", "lag": "s", "v": "V", "r": "Ω"}
    return show_quantity(value, units.get(name.split("_")[0], ""), 7)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _show_spread(parameter: Any) -> str:
    from circuitsnn.quantities import show_quantity

    spread = parameter.spread
    if spread is None:
        return "none"
    if spread.sigma is not None:
        size = show_quantity(spread.sigma, parameter.unit)
    else:
        size = f"{100 * spread.relative_sigma:g} %"
    tie = spread.correlated_with
    return f"{size} {spread.distribution}" + (f", {tie.coefficient:g} with {tie.name}" if tie else "")


def _print(text: str, stream: TextIO | None = None) -> None:
    # typer.echo would send UTF-8 to a terminal that says it has only ASCII.
    (stream or sys.stdout).write(f"{text}\n")


def _print_json(value: Any) -> None:
    _print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table for a person at a terminal, and tab-separated lines for anything else."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            _print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    Console(markup=False).print(table)


def _print_result(result: "StudyResult") -> None:
    columns = ("claim", "paper", "ours", "tolerance", "holds")
    rows = [
        (claim.name, claim.paper_text, claim.ours_text, claim.tolerance, "yes" if claim.holds else "NO")
        for claim in result.claims
    ]
    remarks = [claim.remark for claim in result.claims]
    if sys.stdout.isatty():
        # Remarks are sentences: beside the figures they would squeeze the table.
        _print_table(("", *columns), [(str(number), *row) for number, row in enumerate(rows, start=1)])
        for number, remark in enumerate(remarks, start=1):
            if remark:
                _print(
                    fill(
                        remark,
                        shutil.get_terminal_size().columns,
                        initial_indent=f"{number:2}  ",
                        subsequent_indent="    ",
                    )
                )
    else:
        _print_table((*columns, "remark"), [(*row, remark) for row, remark in zip(rows, remarks, strict=True)])
    _print(f"results: {result.folder}")
    for figure in result.figures:
        _print(f"picture: {figure}")


@contextmanager
def _progress(title: str, shown: bool) -> Iterator[Callable[[float, str], None] | None]:
    """Show a progress bar on standard error where that is a terminal; lend a function that moves it."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        # Without a total the bar pulses; the first report gives it one.
        task = bar.add_task(title, total=None)
        yield lambda fraction, text: bar.update(task, total=1, completed=fraction, description=text or title)


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
    _save_picture(figure, path, dpi=150)


def _save_picture(figure: "Figure", path: Path, dpi: int) -> None:
    from circuitsnn.files import replacing

    with _folder_of(path), replacing(path) as temporary:
        figure.savefig(temporary, dpi=dpi)


@contextmanager
def _folder_of(path: Path) -> Iterator[None]:
    """Make the folder of a file that is being written, and take it away again where that fails."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            if made.is_dir() and not any(made.iterdir()):
                made.rmdir()
        raise


if __name__ == "__main__":
    main()
