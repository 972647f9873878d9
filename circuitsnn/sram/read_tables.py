"""How good an analog read is: its curvature, the distance of neighbouring results, their spread from mismatch.

A read with `rows_on` word lines on gives the number m of those rows whose cells discharge the bit line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from circuitsnn.cards import Card, Parameter
from circuitsnn.checks import whole_number
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE, house_style, new_figure
from circuitsnn.sram.bitline import BitlineRead
from circuitsnn.sram.cell import TYPICAL, draw_cell_mismatch
from circuitsnn.transistor.mosfet import Conditions
from circuitsnn.variation import generators

__all__ = ["ReadTable", "nonlinearity", "read_sweep", "signal_margin"]

_LABELS = {
    "value": "discharging cells m",
    "rows_on": "rows on",
    "temperature": "temperature [K]",
    "corner": "corner",
}


@dataclass(frozen=True, eq=False)
class ReadTable:
    """A table of the read, with its picture."""

    frame: pd.DataFrame
    """The table; its first column is what varies, units are in ``attrs["units"]``."""
    subject: Literal["nonlinearity", "signal margin", "sweep"]
    """What it is about."""

    def to_frame(self) -> pd.DataFrame:
        """Give the table.

        Returns
        -------
        pandas.DataFrame
            One row a value of the first column.
        """
        return self.frame

    def figure(self) -> Figure:
        """Draw the table in two panels: the discharge, and what limits it.

        Returns
        -------
        Figure
            Two panels above each other.
        """
        figure, (upper, lower) = new_figure(rows=2, height=10.0)
        name = self.frame.columns[0]
        along = self.frame[name]
        millivolts = 1e3 * self.frame.select_dtypes("number")
        with house_style():
            if self.subject == "nonlinearity":
                upper.plot(along, millivolts["discharge"], label="discharge")
                upper.plot(along, millivolts["straight"], color=PALETTE[6], linestyle=":", label="end-point line")
                lower.plot(along, self.frame["deviation"])
                lower.set_ylabel("deviation [mean steps]")
                upper.legend()
            elif self.subject == "signal margin":
                upper.errorbar(along, millivolts["mean"], millivolts["spread"], marker="o", linestyle="none", capsize=2)
                lower.plot(along, millivolts["separation"], marker="o", label="to the next value")
                lower.plot(along, 2.0 * millivolts["spread"], marker="s", label="two standard deviations")
                lower.set_ylabel("distance [mV]")
                lower.set_ylim(bottom=0.0)
                lower.legend()
            else:
                # Corners stand in no order that a line could follow.
                style = {"marker": "o", "linestyle": "none" if name == "corner" else "-"}
                upper.errorbar(along, millivolts["mean"], millivolts["spread"], capsize=2, **style)
                lower.plot(along, self.frame["margin"], **style)
                lower.set_ylabel("signal margin [1]")
                lower.set_ylim(0.0, 1.1 * self.frame["margin"].max())
            upper.set_ylabel("discharge [mV]")
            unit = self.frame.attrs["units"].get(name, "1")
            lower.set_xlabel(_LABELS.get(name, name if unit == "1" else f"{name} [{unit}]"))
        return figure


def nonlinearity(card: Card, rows_on: int = 64, conditions: Conditions = TYPICAL) -> ReadTable:
    """Tabulate the discharge against the number of cells that discharge, without mismatch.

    The bit line falls, the cells' currents fall with it (channel-length modulation, then the linear region), and so
    the curve bends. Its deviation is measured from the line through both ends, in mean steps.

    Parameters
    ----------
    card : Card
        Card of kind "sram_array".
    rows_on : int
        Word lines that are on.
    conditions : Conditions
        Corner and temperature.

    Returns
    -------
    ReadTable
        Columns "value" [1], "discharge" and "straight" [V], "deviation" [1].

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    _check_rows_on(card, rows_on)
    discharge = np.array([_discharge(card, m, rows_on, conditions) for m in range(rows_on + 1)])
    straight = np.linspace(discharge[0], discharge[-1], rows_on + 1)
    step = (discharge[-1] - discharge[0]) / rows_on
    frame = pd.DataFrame(
        {
            "value": np.arange(rows_on + 1),
            "discharge": discharge,
            "straight": straight,
            "deviation": (discharge - straight) / step,
        }
    )
    frame.attrs["units"] = {"value": "1", "discharge": "V", "straight": "V", "deviation": "1"}
    return ReadTable(frame, "nonlinearity")


def signal_margin(
    card: Card,
    rows_on: int = 64,
    values: Sequence[int] | None = None,
    instances: int = 32,
    seed: int = 0,
    conditions: Conditions = TYPICAL,
) -> ReadTable:
    """Compare the distance of neighbouring results with their spread from mismatch.

    Parameters
    ----------
    card : Card
        Card of kind "sram_array".
    rows_on : int
        Word lines that are on.
    values : sequence of int, optional
        Numbers m of discharging cells; nine evenly spread ones, from 1 to all, without it.
    instances : int
        Columns that are drawn; each keeps its mismatch over all values.
    seed : int
        Seed of the mismatch.
    conditions : Conditions
        Corner and temperature.

    Returns
    -------
    ReadTable
        Columns "value" [1], "mean", "spread" (standard deviation), "separation" (of m and m + 1, at full
        scale of m - 1 and m; nominal) [V], and "margin" = separation / (2 spread) [1]: how many standard deviations
        lie between a result and the threshold halfway to the next.

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    _check_rows_on(card, rows_on)
    if values is None:
        values = np.unique(np.linspace(1, rows_on, 9).astype(int))
    if np.ndim(values) != 1 or not len(values):
        raise InputError(f"values is {values!r}; allowed are whole numbers from 0 to rows_on = {rows_on}")
    values = [whole_number("an entry of values", m, 0, rows_on) for m in values]
    shifts = _instances(card, instances, seed)
    rows = []
    for m in values:
        drawn = [_discharge(card, m, rows_on, conditions, mismatch) for mismatch in shifts]
        rows.append((m, np.mean(drawn), np.std(drawn, ddof=1), _separation(card, m, rows_on, conditions)))
    frame = pd.DataFrame(rows, columns=["value", "mean", "spread", "separation"])
    frame["margin"] = frame["separation"] / (2.0 * frame["spread"])
    frame.attrs["units"] = {"value": "1", "mean": "V", "spread": "V", "separation": "V", "margin": "1"}
    return ReadTable(frame, "signal margin")


def read_sweep(
    card: Card,
    name: str,
    values: Sequence[float | str],
    rows_on: int = 64,
    instances: int = 32,
    seed: int = 0,
    conditions: Conditions = TYPICAL,
) -> ReadTable:
    """Tabulate the full-scale result, every row that is on discharging, against one thing that varies.

    Parameters
    ----------
    card : Card
        Card of kind "sram_array".
    name : str
        "rows_on", "temperature", "corner", or a parameter of the card such as "V_WL", "T_pulse" or "cell.nmos.A_VT".
    values : sequence of float or str
        What it takes. [SI]
    rows_on : int
        Word lines that are on, where it is not what varies.
    instances : int
        Columns that are drawn; each keeps its mismatch throughout.
    seed : int
        Seed of the mismatch.
    conditions : Conditions
        Corner and temperature, where they are not what varies.

    Returns
    -------
    ReadTable
        Column `name`, then "mean", "spread" and "separation" [V], "relative_spread" and "margin" [1] as in
        `signal_margin`, and "energy", the nominal cycle's [J].

    Raises
    ------
    InputError
        If an argument is not possible.
    """
    if not isinstance(name, str) or _is_part(card, name):
        raise InputError(f"name is {name!r}; allowed is rows_on, temperature, corner or a parameter's name")
    if np.ndim(values) != 1:
        raise InputError(f"values is {values!r}; allowed is a sequence of values")
    if not len(values):
        raise InputError("values is empty; allowed is at least one value")
    rows = []
    for value in values:
        varied, on, at = card, rows_on, conditions
        if name == "rows_on":
            on = value
        elif name in ("temperature", "corner"):
            at = replace(conditions, **{name: value})
        else:
            varied = card.replace(**{name: value})
            value = _parameter(varied, name).value
        _check_rows_on(varied, on)
        shifts = _instances(varied, instances, seed)
        drawn = [_discharge(varied, on, on, at, mismatch) for mismatch in shifts]
        nominal = _column(varied, on, at).transient(pulses=_pulses(varied, on), points=0)
        rows.append((value, np.mean(drawn), np.std(drawn, ddof=1), _separation(varied, on, on, at), nominal.energy))
    frame = pd.DataFrame(rows, columns=[name, "mean", "spread", "separation", "energy"])
    frame["relative_spread"] = frame["spread"] / frame["mean"]
    frame["margin"] = frame["separation"] / (2.0 * frame["spread"])
    units = {"mean": "V", "spread": "V", "separation": "V", "energy": "J", "relative_spread": "1", "margin": "1"}
    frame.attrs["units"] = {name: _unit(card, name), **units}
    return ReadTable(frame, "sweep")


def _unit(card: Card, name: str) -> str:
    if name in ("rows_on", "corner"):
        return "1"
    if name == "temperature":
        return "K"
    return _parameter(card, name).unit


def _is_part(card: Card, name: str) -> bool:
    for part in name.split("."):
        card = getattr(card, "parts", {}).get(part)
    return card is not None


def _parameter(card: Card, name: str) -> Parameter:
    *parts, last = name.split(".")
    for part in parts:
        card = card.parts[part]
    return card.parameters[last]


def _check_rows_on(card: Card, rows_on: int) -> None:
    if getattr(card, "kind", None) != "sram_array":
        raise InputError(f"a read needs a card of kind 'sram_array' (see load_card); found {card!r}")
    whole = isinstance(rows_on, (int, np.integer)) and not isinstance(rows_on, bool)
    if not whole or not 1 <= rows_on <= card.rows:
        raise InputError(f"rows_on is {rows_on!r}; allowed is a whole number from 1 to the card's rows, {card.rows:g}")


def _instances(card: Card, instances: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    whole_number("instances", instances, 2)
    return [draw_cell_mismatch(card.parts["cell"], int(card.rows), rng) for rng in generators(seed, instances)]


def _pulses(card: Card, rows_on: int) -> np.ndarray:
    return (np.arange(int(card.rows)) < rows_on).astype(float)


def _column(
    card: Card, m: int, conditions: Conditions, mismatch: tuple[np.ndarray, np.ndarray] | None = None
) -> BitlineRead:
    """Column whose first m cells discharge the bit line, and no others."""
    discharges = np.arange(int(card.rows)) < m
    stored = discharges if card.parts["cell"].kind == "sram_8t" else ~discharges
    return BitlineRead(card, stored, conditions=conditions, mismatch=mismatch)


def _discharge(
    card: Card,
    m: int,
    rows_on: int,
    conditions: Conditions,
    mismatch: tuple[np.ndarray, np.ndarray] | None = None,
) -> float:
    return _column(card, m, conditions, mismatch).transient(pulses=_pulses(card, rows_on), points=0).discharge


def _separation(card: Card, m: int, rows_on: int, conditions: Conditions) -> float:
    lower = min(m, rows_on - 1)
    return _discharge(card, lower + 1, rows_on, conditions) - _discharge(card, lower, rows_on, conditions)
