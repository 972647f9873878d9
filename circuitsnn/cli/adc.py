"""``circuitsnn adc``: one converter's linearity, effective bits and energy."""

from typing import Annotated

import typer

from circuitsnn.cli.app import SETTINGS, app
from circuitsnn.cli.options import JsonOption, PictureOption, SetOption, load
from circuitsnn.cli.output import require_picture, save_picture
from circuitsnn.cli.terminal import say, say_json, say_table
from circuitsnn.errors import InputError
from circuitsnn.quantities import show_quantity

adc_app = typer.Typer(
    help="Look at an analog-to-digital converter.\n\nExample: circuitsnn adc linearity --bits 8",
    **SETTINGS,
)
app.add_typer(adc_app, name="adc")


@adc_app.command("linearity")
def linearity(
    card: Annotated[str, typer.Option("--card", help="Card of a converter, or path of a TOML file.")] = "sar_adc_65nm",
    settings: SetOption = None,
    bits: Annotated[int | None, typer.Option("--bits", min=1, help="Resolution; the card's without it.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which converter.")] = 0,
    out: PictureOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a drawn converter's linearity, missing codes, effective number of bits, energy and duration.

    Example: circuitsnn adc linearity --card flash_adc_65nm --seed 3 --out linearity.png
    """
    loaded = load(card, settings)
    require_picture(out)

    from circuitsnn.adc.flash import FlashAdc
    from circuitsnn.adc.ramp import RampAdc
    from circuitsnn.adc.sar import SarAdc

    kinds = {"sar_adc": SarAdc, "flash_adc": FlashAdc, "ramp_adc": RampAdc}
    if loaded.kind not in kinds:
        raise InputError(f"card {loaded.name} is of kind {loaded.kind!r}; allowed: {', '.join(kinds)}")
    converter = kinds[loaded.kind](loaded, bits, seed)
    found = converter.linearity()
    if out is not None:
        save_picture(found.figure(), out, dpi=200)
    dnl, inl = float(abs(found.dnl).max()), float(abs(found.inl).max())
    enob = float(converter.enob()[0])
    missing = len(found.missing[0])
    energy, duration = float(converter.energy_per_conversion), float(converter.conversion_time)
    if as_json:
        say_json(
            {
                "card": loaded.name, "bits": converter.bits, "seed": seed, "dnl_lsb": dnl, "inl_lsb": inl,
                "missing_codes": missing, "enob": enob, "energy_J": energy, "energy_source": converter.energy_source,
                "duration_s": duration, "picture": out and str(out),
            }
        )  # fmt: skip
        return
    rows = [
        ("bits", f"{converter.bits}"),
        ("largest DNL", f"{dnl:.3f} LSB"),
        ("largest INL", f"{inl:.3f} LSB"),
        ("missing codes", f"{missing}"),
        ("effective number of bits", f"{enob:.2f}"),
        ("energy of a conversion", f"{show_quantity(energy, 'J', 3)} ({converter.energy_source})"),
        ("duration of a conversion", show_quantity(duration, "s", 3)),
    ]
    say_table(("quantity", "value"), rows)
    if out is not None:
        say(f"picture: {out}")
