import numpy as np
import pytest

from circuitsnn import InputError, load_card
from circuitsnn.sram.bitline import BitlineRead
from circuitsnn.sram.read_tables import nonlinearity, read_sweep, signal_margin

CARD = load_card("sram_array_6t_65nm").replace(rows=64)


def test_curve_bends_down_and_ends_on_its_line():
    frame = nonlinearity(CARD, 16).to_frame()
    assert list(frame["value"]) == list(range(17))
    assert np.all(np.diff(frame["discharge"]) > 0.0)
    assert np.all(np.diff(frame["discharge"], 2) < 0.0)
    assert frame["deviation"].iloc[[0, -1]].tolist() == pytest.approx([0.0, 0.0], abs=1e-9)
    # As one column gives it.
    run = BitlineRead(CARD, np.arange(64) >= 5).transient(pulses=np.arange(64) < 16)
    assert frame["discharge"][5] == pytest.approx(run.discharge, abs=1e-9)


def test_cells_of_constant_current_give_a_straight_line():
    straight = CARD.replace(**{"cell.nmos.lambda_CLM": 0.0, "cell.nmos.sigma_DIBL": 0.0, "C_BL_fixed": 1e-12})
    bent, flat = (nonlinearity(card, 16).frame["deviation"].abs().max() for card in (CARD, straight))
    assert flat < 0.02
    assert bent > 10.0 * flat


def test_spread_of_small_mismatch_is_that_of_a_linear_model():
    # With a hundredth of the mismatch the discharge is linear in each shift: sum the squares of its slopes.
    card = CARD.replace(
        **{"cell.nmos.A_VT": 3.5e-11, "cell.nmos.A_beta": 0.0, "cell.pmos.A_VT": 0.0, "cell.pmos.A_beta": 0.0}
    )
    spread = signal_margin(card, 8, [8], instances=400, seed=3).frame["spread"][0]
    cell = card.parts["cell"]
    pulses = (np.arange(64) < 8).astype(float)
    variance = 0.0
    for place, name in ((0, "access"), (1, "pull_down")):
        sigma = 3.5e-11 / np.sqrt(getattr(cell, f"W_{name}") * getattr(cell, f"L_{name}"))
        both = []
        for sign in (1.0, -1.0):
            shifts = np.zeros((64, 6))
            shifts[0, place] = sign * sigma
            column = BitlineRead(card, np.arange(64) >= 8, mismatch=(shifts, np.zeros((64, 6))))
            both.append(column.transient(pulses=pulses, tolerance=1e-9).discharge)
        variance += 8.0 * (0.5 * (both[0] - both[1])) ** 2
    assert spread == pytest.approx(np.sqrt(variance), rel=3.0 / np.sqrt(2.0 * 399))


def test_margin_is_separation_over_two_spreads():
    frame = signal_margin(CARD, 8, instances=4).frame
    assert frame["value"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    np.testing.assert_allclose(frame["margin"], frame["separation"] / (2.0 * frame["spread"]))
    curve = nonlinearity(CARD, 8).frame["discharge"]
    np.testing.assert_allclose(frame["separation"][:7], np.diff(curve)[1:], atol=1e-9)


def test_sweeps_go_the_way_that_physics_says():
    level = read_sweep(CARD, "V_WL", [0.5, 0.6], 8, instances=6).frame
    assert level["mean"][1] > level["mean"][0]
    assert level["relative_spread"][1] < level["relative_spread"][0]  # farther above the threshold
    length = read_sweep(CARD, "T_pulse", [2e-10, 4e-10], 8, instances=2).frame
    assert length["mean"][1] > 1.9 * length["mean"][0]
    rows = read_sweep(CARD, "rows_on", [4, 16], instances=6).frame
    assert rows["relative_spread"][1] < rows["relative_spread"][0]
    corner = read_sweep(CARD, "corner", ["SS", "TT", "FF"], 8, instances=2).frame
    assert corner["mean"].is_monotonic_increasing
    assert corner["energy"].is_monotonic_increasing
    warm = read_sweep(CARD, "temperature", [260.0, 360.0], 8, instances=2).frame
    assert warm["mean"][1] > warm["mean"][0]  # near the threshold, its fall outweighs the mobility's
    assert warm.attrs["units"]["temperature"] == "K"
    assert level.attrs["units"]["V_WL"] == "V"


def test_same_seed_same_table():
    first, again, other = (signal_margin(CARD, 4, [4], instances=3, seed=seed).frame for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_eight_transistor_array():
    card = load_card("sram_array_8t_65nm").replace(rows=16)
    frame = nonlinearity(card, 8).frame
    assert np.all(np.diff(frame["discharge"]) > 0.0)


def test_pictures():
    for table in (nonlinearity(CARD, 4), signal_margin(CARD, 4, instances=2), read_sweep(CARD, "V_WL", [0.6], 4, 2)):
        upper, lower = table.figure().axes
        assert upper.get_ylabel() == "discharge [mV]"
        assert lower.get_xlabel()
        assert table.to_frame() is table.frame


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: nonlinearity(CARD, 65), "rows_on is 65; allowed is a whole number from 1 to the card's rows, 64"),
        (lambda: nonlinearity(CARD.parts["cell"]), "a read needs a card of kind 'sram_array'"),
        (lambda: signal_margin(CARD, 4, [5]), "an entry of values is 5; allowed is a whole number >= 0 and <= 4"),
        (lambda: signal_margin(CARD, 4, instances=1), "instances is 1; allowed"),
        (lambda: read_sweep(CARD, 3, [1.0]), "name is 3; allowed is"),
        (lambda: read_sweep(CARD, "cell", ["sram_8t_65nm"]), "name is 'cell'; allowed is"),
        (lambda: read_sweep(CARD, "cell.nmos", ["pmos_65nm"]), "name is 'cell.nmos'; allowed is"),
        (lambda: read_sweep(CARD, "V_WL", 0.6), "values is 0.6; allowed is a sequence"),
        (lambda: read_sweep(CARD, "V_WL", []), "values is empty"),
        (lambda: read_sweep(CARD, "V_GATE", [1.0]), "V_GATE"),
        (lambda: read_sweep(CARD, "corner", ["XX"], 4), "corner is 'XX'"),
    ],
)
def test_bad_input(ask, message):
    with pytest.raises(InputError, match=message):
        ask()
