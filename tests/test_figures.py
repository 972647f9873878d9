from pathlib import Path
from xml.etree import ElementTree

import pytest

from circuitsnn.figures import PALETTE, describe, save_figure
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
