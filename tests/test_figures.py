from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from circuitsnn.figures import PALETTE, describe, name_axis, new_panels, save_figure, verbatim
from circuitsnn.study import new_figure


def draw():
    figure, axes = new_figure()
    for slope in range(3):
        axes.plot([0, 1], [0, slope], label=f"{slope}")
    axes.set_xlabel("Delay [s]")
    axes.legend()
    return figure, axes


def test_a_figure_is_as_wide_as_asked():
    figure, axes = new_figure(columns=2, rows=3)
    assert figure.get_size_inches() * 2.54 == pytest.approx([16, 18])
    assert axes.shape == (3, 2)
    figure, _ = new_figure(width=12, height=5)
    assert figure.get_size_inches() * 2.54 == pytest.approx([12, 5])


def test_letters_are_readable_and_colours_safe():
    _, axes = draw()
    assert axes.xaxis.label.get_fontsize() >= 7
    assert axes.get_xticklabels()[0].get_fontsize() >= 7
    assert [line.get_color() for line in axes.lines] == list(PALETTE[:3])


def test_the_same_figure_is_the_same_file(tmp_path):
    for name in ("first", "second"):
        save_figure(draw()[0], tmp_path, name)
    for suffix in (".svg", ".png"):
        first, second = (Path(tmp_path, name + suffix).read_bytes() for name in ("first", "second"))
        assert first == second


def test_a_figure_says_what_it_shows(tmp_path):
    figure, panels = new_figure(columns=2)
    panels[0].plot([0, 1], [0, 1], label="measured")
    panels[0].plot([0, 1], [0, 2], label="closed form")
    panels[0].set(title="(a)", xlabel="Delay [s]", ylabel="A < B [V]")
    panels[1].set_ylabel("Yield")
    assert describe(figure) == "(a): A < B [V] against Delay [s]; measured, closed form. Yield."
    assert describe(new_figure()[0]) == ""
    save_figure(figure, tmp_path, "one")
    text = ElementTree.parse(tmp_path / "one.svg").findtext(".//{http://purl.org/dc/elements/1.1/}description")
    assert text == describe(figure)


def test_words_have_letters_for_formulas_and_the_name_of_a_legend():
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], label="$R_{ins}$")
    axes.plot([0, 1], [0, 2], label=verbatim("5 $ or\n$\\frac"))
    axes.set(xlabel=r"$\epsilon_0$ [V]")
    axes.legend(title="part")
    assert describe(figure) == "epsilon_0 [V]; part: R_ins, 5 $ or $\\frac."


@pytest.mark.parametrize(
    ("values", "unit", "scale", "ticks"),
    [
        ([1e-6, 2e-5, 1e-4], "s", "log", ["1 µ", "2 µ", "5 µ", "10 µ"]),
        ([1e-6, 2e-5, 1e-2], "s", "log", ["1 µ", "10 µ", "100 µ"]),
        ([0.01, 0.1, 1.0], "1", "log", ["0.01", "0.1", "1"]),
        ([1e3, 2e3, 4e3], "Ω", "linear", ["2 k", "3 k"]),
        ([0.001, 0.3, 0.6, 0.9], "V", "linear", ["0", "200 m"]),  # evenly distributed
        ([0.0, 1.0, 100.0, 10000.0], "1", "linear", []),
    ],
)
def test_an_axis_has_units_prefixes_and_decades_where_numbers_span_them(values, unit, scale, ticks):
    figure, (axes,) = new_panels(1)
    axes.plot(values, [0.0] * len(values))
    name_axis(axes, "x", "$x", unit, pd.Series(values))
    assert axes.get_xscale() == scale
    assert axes.get_xlabel() == (r"\$x" if unit == "1" else rf"\$x [{unit}]")
    figure.draw_without_rendering()
    shown = [text.get_text() for text in axes.get_xticklabels()]
    assert set(ticks) <= set(shown)


@pytest.mark.parametrize(("count", "abreast"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (9, 3)])
def test_panels_leave_no_holes_but_at_the_end(count, abreast):
    figure, panels = new_panels(count)
    assert len(panels) == len(figure.axes) == count
    assert panels[0].get_gridspec().ncols == abreast
