"""The `circuitsnn` command.

Exit status: 0 when all is well (for a study: every claim holds), 1 when a claim does not hold, 2 for wrong input and
3 for a study that failed, each with one line on standard error. Modules that take long to import are imported inside
the commands, so that --help stays quick.
"""

import codecs
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from tempfile import TemporaryFile
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from circuitsnn import __version__
from circuitsnn.errors import InputError, StudyError

if TYPE_CHECKING:
    from circuitsnn.cards import Card
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


CardOption = Annotated[str, typer.Option("--card", help="Name of a card, or path of a TOML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another value, such as R_S=15k; repeatable."),
]
FidelityOption = Annotated[Fidelity, typer.Option(help="How the device's transitions are modelled.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
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
    except StudyError as error:
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

    from circuitsnn.files import replacing

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
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=150)
    except BaseException:
        for folder in missing:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


if __name__ == "__main__":
    main()
