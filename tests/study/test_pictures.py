import numpy as np
import pandas as pd
import pytest

from circuitsnn.errors import InputError
from circuitsnn.figures import svg_of
from circuitsnn.study.pictures import RankingPicture, TolerancePicture, YieldPicture, picture_of
from circuitsnn.study.sensitivity import draw_ranking, sobol_indices
from circuitsnn.study.yields import draw_tolerance, largest_tolerated, wilson

EVIL = r"<b>$\frac</b>"


def yields(**more):
    """Yields of two designs over two parameters."""
    rows = [("sigma", "A", x, good) for x, good in ((1e-3, 20), (1e-2, 12), (1e-1, 1))]
    rows += [("sigma", "B", x, good) for x, good in ((1e-3, 19), (1e-2, 5), (1e-1, 0))]
    rows += [("supply", "A", x, good) for x, good in ((1.0, 4), (1.2, 18))]
    table = pd.DataFrame(rows, columns=["sweep", "design", "value", "good"])
    ends = np.array([wilson(good, 20) for good in table["good"]])
    return table.assign(share=table["good"] / 20, share_low=ends[:, 0], share_high=ends[:, 1], **more)


def drawn(axes):
    """Points and ends of the intervals of each line, by its label."""
    found = {}
    for container in axes.containers:
        line, _, (bars,) = container.lines
        found[container.get_label()] = (
            line.get_xydata().tolist(),
            [path[:, 1].tolist() for path in bars.get_segments()],
        )
    return found


def test_a_description_lasts_through_a_parquet_file(tmp_path):
    picture = YieldPicture({"share": "good"}, "value", by=("design",), panels="sweep", log=True)
    picture.mark(yields()).to_parquet(tmp_path / "t.parquet")
    back = pd.read_parquet(tmp_path / "t.parquet")
    assert back.attrs == picture.mark(yields()).attrs
    assert picture_of(back) == YieldPicture({"share": "good"}, "value", by=("design",), panels="sweep", log=True)
    assert picture_of(back).keys == ("sweep", "design", "value")


def test_yields_are_drawn_in_per_cent_with_their_own_intervals_a_panel_for_each_parameter():
    table = yields()
    figure = YieldPicture({"share": "good"}, "value", by=("design",), panels="sweep").draw(table)
    first, second = figure.axes
    assert (first.get_xlabel(), first.get_xscale()) == ("sigma", "log")
    assert (second.get_xlabel(), second.get_xscale()) == ("supply", "linear")
    assert list(drawn(first)) == ["A", "B"]
    points, bars = drawn(second)["A"]
    assert points == [[1.0, 20.0], [1.2, 90.0]]
    assert bars == pytest.approx(np.array([wilson(4, 20), wilson(18, 20)]) * 100)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["A", "B"]


def test_what_is_no_curve_gets_no_panel():
    table = yields()
    table.loc[6, "value"] = 1.2  # two yields at one supply
    figure = YieldPicture({"share": "good"}, "value", by=("design",), panels="sweep").draw(table)
    assert [axes.get_xlabel() for axes in figure.axes] == ["sigma"]


def test_on_a_logarithmic_axis_the_design_itself_is_left_out():
    table = yields()[lambda t: t["sweep"] == "sigma"]
    table.loc[0, "value"] = 0.0
    figure = YieldPicture({"share": "good"}, "value", by=("design",), log=True).draw(table)
    points, _ = drawn(figure.axes[0])["A"]
    assert [x for x, _ in points] == [1e-2, 1e-1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"against": "nowhere"}, "names the column 'nowhere'"),
        ({"yields": {"good": "x"}}, "names the column 'good_low'"),
        ({"yields": 3}, "is damaged"),
    ],
)
def test_a_damaged_description_is_refused(spoil, message):
    table = YieldPicture({"share": "good"}, "value").mark(yields())
    table.attrs["picture"] |= spoil
    with pytest.raises(InputError, match=message):
        picture_of(table)


@pytest.mark.parametrize("stated", [None, "yield", {}, {"kind": "of a later version"}])
def test_a_table_without_a_description_is_not_drawn(stated):
    table = yields()
    if stated is not None:
        table.attrs["picture"] = stated
    assert picture_of(table) is None


def test_the_librarys_own_tables_say_how_they_are_drawn():
    found = largest_tolerated(lambda sigma, chip_rng: abs(sigma * chip_rng.standard_normal()) < 1.0, 0.1, 3.0,
                              target=0.9, max_trials=200, precision=0.5)  # fmt: skip
    assert picture_of(found.to_frame()) == TolerancePicture(0.9)
    indices = sobol_indices(lambda a, b: a + 0.1 * b, {"a": (0, 1), "b": (0, 1)}, samples=16)
    picture = picture_of(indices.to_frame())
    assert isinstance(picture, RankingPicture)
    # The table alone gives what the result itself gives.
    for own, given in (
        (picture_of(found.to_frame()).draw(found.to_frame()), draw_tolerance(found)),
        (picture.draw(indices.to_frame()), draw_ranking(indices)),
    ):
        assert svg_of(own) == svg_of(given)


def test_a_ranking_has_the_tables_first_row_on_top():
    table = pd.DataFrame(
        {"parameter": ["V_H", EVIL], "s": [2e-5, np.inf], "s_low": [1e-5, 1.0], "s_high": [5e-5, np.inf]}
    )
    figure = RankingPicture({"s": "half"}, f"Sigma {EVIL}", unit="%", log=True).draw(table)
    [axes] = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == [EVIL.replace("$", r"\$"), "V_H"]
    assert axes.get_xscale() == "log"
    [(line, _, (bars,))] = [container.lines for container in axes.containers]
    assert line.get_xydata()[1].tolist() == [pytest.approx(2e-3), 1.0]
    assert np.isnan(line.get_xydata()[0, 0])  # no bar without an end
    assert bars.get_segments()[-1][:, 0] == pytest.approx([1e-3, 5e-3])
    assert b"<b>" not in svg_of(figure)
