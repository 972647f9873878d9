"""``circuitsnn fit``: a device card from measurements."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from circuitsnn.cli.app import app
from circuitsnn.cli.options import Fidelity, FidelityOption, JsonOption, load, read_settings
from circuitsnn.cli.output import folder_of, require_writable, save_picture
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.errors import InputError

if TYPE_CHECKING:
    from circuitsnn.cards import Card
    from circuitsnn.data_files import Column
    from circuitsnn.fit import Fit, IVLoop, OutputWaveform, TransistorCurves


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

    known = read_settings(settings)
    loaded = load(card, settings)
    for path, suffix, option in ((out, ".toml", "--out"), (figure, ".png", "--figure")):
        if path is not None:
            if path.suffix.lower() != suffix:
                raise InputError(f"{option} is {path}; allowed is a file that ends in {suffix}")
            require_writable(path.parent)
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
        if resistance:
            raise InputError("--series-resistance belongs to an I-V loop, and the card is a transistor's; leave it out")
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

        save_picture(draw_fit(found), figure, dpi=200)
        written.append(f"picture: {figure}")
    if out is not None and found.status.ok:
        with folder_of(out):
            found.card.write(out)
        written.append(f"card: {out}")
    if as_json:
        say_json(_fit_as_json(loaded, data, found, out, figure))
    else:
        _print_fit(found)
        for line in written:
            say(line)
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
    say_table(("parameter", "start", "value", "95 % interval", "fitted"), rows)
    for remark in found.remarks:
        say(f"remark: {remark}")
    say(f"{found.status}")


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
