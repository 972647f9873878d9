import numpy as np
import pytest
from scipy.optimize import brentq
from sram_reference import Side, Transistor

from circuitsnn import InputError, load_card
from circuitsnn.sram.cell import (
    EightTransistorCell,
    SixTransistorCell,
    cell_rows,
    draw_cell_mismatch,
    transistor_names,
)
from circuitsnn.transistor.mosfet import Conditions

CARD = load_card("sram_array_6t_65nm")
CARD_8T = load_card("sram_array_8t_65nm")
CELL = SixTransistorCell(CARD)
V_DD = CARD.V_DD
SHIFTS = (np.array([0.03, -0.05, 0.02, -0.02, 0.06, -0.04]), np.array([0.1, -0.1, 0.05, 0.0, 0.1, -0.2]))


def reference_side(gate, shifts=((0.0,) * 3, (0.0,) * 3), card=CARD):
    cell = card.parts["cell"]
    parts = [("access", "nmos"), ("pull_down", "nmos"), ("pull_up", "pmos")]
    return Side(
        *(
            Transistor.of_card(
                cell.parts[kind], getattr(cell, f"W_{name}"), getattr(cell, f"L_{name}"), shifts[0][i], shifts[1][i]
            )
            for i, (name, kind) in enumerate(parts)
        ),
        gate,
    )


def reference_curve(gates, v_word, shifts=((0.0,) * 3, (0.0,) * 3), card=CARD):
    return np.array([reference_side(g, shifts, card).node(card.V_precharge, v_word, card.V_DD) for g in gates])


def largest_square(curve_x, curve_y, voltages):
    """Side of the largest square between x = curve_x(y) on its left and y = curve_y(x) above it, by brute force.

    A square's lower left corner lies on the left curve, its upper right one on the upper; both fall, so the square
    fits where these corners do.
    """
    best = 0.0
    for y in np.linspace(voltages[0], voltages[-1], 1500):
        x = np.interp(y, voltages, curve_x)

        def room(size, x=x, y=y):
            return np.interp(x + size, voltages, curve_y) - (y + size)

        if room(0.0) > 0.0:
            best = max(best, brentq(room, 0.0, 2.0))
    return best


@pytest.mark.parametrize("v_word", [0.0, 0.6, 1.2])
def test_transfer_curve_against_brentq(v_word):
    butterfly = CELL.butterfly("read", v_word, points=13)
    np.testing.assert_allclose(butterfly.q, reference_curve(butterfly.voltage, v_word), atol=1e-9)
    np.testing.assert_allclose(butterfly.q_bar, butterfly.q, atol=1e-12)


@pytest.mark.parametrize("mode", ["hold", "read"])
def test_noise_margin_against_a_brute_force_square(mode):
    cell = SixTransistorCell(CARD, mismatch=SHIFTS)
    voltages = np.linspace(0.0, V_DD, 241)
    v_word = V_DD if mode == "read" else 0.0
    q, q_bar = (
        reference_curve(voltages, v_word, (SHIFTS[0][part], SHIFTS[1][part])) for part in (slice(0, 3), slice(3, 6))
    )
    # A stored 0: Q is low, so its curve is on the left. A stored 1 is the same with the nodes exchanged.
    expected = largest_square(q, q_bar, voltages), largest_square(q_bar, q, voltages)
    assert cell.butterfly(mode).margins == pytest.approx(expected, abs=1e-3)
    assert cell.noise_margin(mode) == min(cell.butterfly(mode).margins)
    assert abs(expected[0] - expected[1]) > 0.02


def test_margins_usual_of_the_node():
    assert 0.35 < CELL.noise_margin("hold") < 0.47
    assert 0.15 < CELL.noise_margin("read") < 0.25
    assert CELL.noise_margin("read") < CELL.noise_margin("read", CARD.V_WL) < CELL.noise_margin("hold")


def test_margin_of_an_inverter_loop_with_ideal_gain_is_half_the_supply():
    # Sub-threshold swing and gain at their best, access off: the curve is a step at V_DD / 2.
    card = CARD
    for kind in ("nmos", "pmos"):
        card = card.replace(
            **{f"cell.{kind}.{name}": value for name, value in
               {"n": 1.0, "lambda_CLM": 0.0, "sigma_DIBL": 0.0, "K_P": 1e-4, "V_T0": 0.59, "theta": 0.0}.items()}
        )  # fmt: skip
    card = card.replace(**{"cell.W_pull_up": card.parts["cell"].W_pull_down})
    margin = SixTransistorCell(card).noise_margin("hold")
    assert 0.85 * V_DD / 2 < margin < V_DD / 2


def test_weak_cell_has_no_read_margin_and_flips():
    card = CARD.replace(**{"cell.W_access": 600e-9, "cell.nmos.V_T0": 0.2, "cell.W_pull_down": 80e-9})
    cell = SixTransistorCell(card)
    assert cell.noise_margin("hold") > 0.1
    assert cell.noise_margin("read") < 0.0
    # An unsymmetric one loses one of its bits only.
    shifts = np.array([0.0, 0.15, 0.0, 0.0, -0.15, 0.0]), np.zeros(6)
    cell = SixTransistorCell(card, mismatch=shifts)
    disturbed = cell.read_disturb(V_DD)
    assert disturbed.flips
    assert disturbed.margin > 0.0  # the bump alone, with the other node at its rail, would not tell
    q, q_bar = cell.state(1, V_DD)
    assert q > q_bar


def test_read_leaves_the_bit():
    disturbed = CELL.read_disturb()
    expected = reference_side(V_DD).node(CARD.V_precharge, CARD.V_WL, V_DD)
    assert disturbed.bump == pytest.approx(expected, abs=1e-9)
    assert not disturbed.flips
    assert disturbed.margin > 0.4
    assert disturbed.bump < CELL.read_disturb(V_DD).bump


def test_trip_point():
    trip = CELL.trip_point(0.6)
    expected = brentq(lambda v: reference_side(v).node(CARD.V_precharge, 0.6, V_DD) - v, 0.0, V_DD)
    assert trip == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("stored", [0, 1])
def test_whole_cell_at_rest_meets_both_curves(stored):
    cell = SixTransistorCell(CARD, mismatch=SHIFTS)
    q, q_bar = cell.state(stored, V_DD, 0.7)
    left, right = ((SHIFTS[0][part], SHIFTS[1][part]) for part in (slice(0, 3), slice(3, 6)))
    assert q == pytest.approx(reference_side(q_bar, left).node(0.7, V_DD, V_DD), abs=1e-8)
    assert q_bar == pytest.approx(reference_side(q, right).node(CARD.V_precharge, V_DD, V_DD), abs=1e-8)
    assert (q < q_bar) == (stored == 0)


@pytest.mark.parametrize("corner", ["TT", "FF", "SS", "FS", "SF"])
@pytest.mark.parametrize("v_line", [0.3, 0.7, 1.2])
def test_two_transistor_path_is_the_whole_cell_to_a_millionth(corner, v_line):
    cell = SixTransistorCell(CARD, Conditions(corner))
    path, whole = (cell.read_current(v_line, whole_cell=each) for each in (False, True))
    assert path == pytest.approx(whole, rel=1e-6)
    assert path >= whole  # the other node sags, if at all
    # With the word line at V_DD the bump is ten times as high.
    path, whole = (cell.read_current(v_line, V_DD, whole_cell=each) for each in (False, True))
    assert 1e-7 < path / whole - 1.0 < 1e-3


def test_read_current_against_brentq():
    expected = reference_side(V_DD).currents(0.9, CARD.V_WL, V_DD)[0]
    assert CELL.read_current(0.9) == pytest.approx(expected, rel=1e-8)


def test_eight_transistor_cell():
    cell = EightTransistorCell(CARD_8T)
    assert cell.noise_margin("read") == cell.noise_margin("hold")
    assert cell.read_disturb(V_DD).bump < 1e-3
    card = CARD_8T.parts["cell"]
    access, driver = (
        Transistor.of_card(card.parts["nmos"], getattr(card, f"W_read_{n}"), 65e-9) for n in ("access", "driver")
    )
    middle = brentq(lambda q: driver.current(V_DD, q, 0.0) - access.current(0.6, 0.9, q), 0.0, 0.9, xtol=1e-15)
    assert cell.read_current(0.9, 0.6) == pytest.approx(driver.current(V_DD, middle, 0.0), rel=1e-8)
    assert cell.read_current(0.9, 0.6, whole_cell=True) == pytest.approx(cell.read_current(0.9, 0.6), rel=1e-6)


def test_temperature_and_corner_move_the_margin():
    cold, hot = (SixTransistorCell(CARD, Conditions(temperature=t)).noise_margin("hold") for t in (250.0, 400.0))
    assert hot < cold
    fast, slow = (SixTransistorCell(CARD, Conditions(corner)).noise_margin("read") for corner in ("FS", "SF"))
    assert fast < slow


def test_every_transistor_draws_its_own_mismatch():
    cell = CARD.parts["cell"]
    names = transistor_names(cell)
    shifts, factors = draw_cell_mismatch(cell, (4000,), np.random.default_rng(1))
    assert shifts.shape == factors.shape == (4000, len(names))
    for i, name in enumerate(names):
        device = name.removesuffix("_bar")
        part = cell.parts["pmos" if device == "pull_up" else "nmos"]
        area = getattr(cell, f"W_{device}") * getattr(cell, f"L_{device}")
        assert shifts[:, i].std() == pytest.approx(part.A_VT / np.sqrt(area), rel=0.05)
        assert factors[:, i].std() == pytest.approx(part.A_beta / np.sqrt(area), rel=0.05)
    correlation = np.corrcoef(np.hstack([shifts, factors]).T)
    assert np.abs(correlation - np.eye(2 * len(names))).max() < 0.06
    assert len(transistor_names(CARD_8T.parts["cell"])) == 8


def test_pictures_and_frames():
    butterfly = SixTransistorCell(CARD, mismatch=SHIFTS).butterfly("read")
    axes = butterfly.figure().axes[0]
    squares = [line.get_xydata() for line in axes.lines if len(line.get_xdata()) == 5]
    assert len(squares) == 2
    for square in squares:
        # Its lower left and upper right corners lie on the two curves.
        (x, y), (right, top) = square[0], square[2]
        on_q = abs(np.interp(y, butterfly.voltage, butterfly.q) - x)
        on_bar = abs(np.interp(right, butterfly.voltage, butterfly.q_bar) - top)
        swapped = abs(np.interp(top, butterfly.voltage, butterfly.q) - right), abs(
            np.interp(x, butterfly.voltage, butterfly.q_bar) - y
        )  # fmt: skip
        assert min(max(on_q, on_bar), max(swapped)) < 5e-3
    frame = butterfly.to_frame()
    assert list(frame.columns) == list(frame.attrs["units"]) == ["voltage", "q", "q_bar"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: SixTransistorCell(CARD_8T), "needs a card of kind 'sram_array' with a cell of kind 'sram_6t'"),
        (lambda: EightTransistorCell(CARD), "with a cell of kind 'sram_8t'"),
        (lambda: SixTransistorCell(CARD.parts["cell"]), "needs a card of kind 'sram_array'"),
        (lambda: SixTransistorCell(CARD, mismatch=(np.zeros(8), np.zeros(8))), "last length is 6"),
        (lambda: SixTransistorCell(CARD, mismatch=(np.zeros((2, 6)), np.zeros((2, 6)))), "allowed is one cell's"),
        (lambda: SixTransistorCell(CARD, mismatch="seven"), "mismatch must be two arrays"),
        (lambda: CELL.noise_margin("write"), "mode is 'write'; allowed: hold, read"),
        (lambda: CELL.noise_margin("read", -0.1), "word_line is -0.1; allowed"),
        (lambda: CELL.state(2), "stored is 2; allowed is 0 or 1"),
        (lambda: CELL.butterfly("hold", points=1), "points is 1; allowed"),
        (lambda: CELL.read_current("high"), "bit_line is 'high'; allowed"),
        (lambda: cell_rows(CARD), "a cell needs a card of kind 'sram_6t' or 'sram_8t'"),
    ],
)
def test_bad_input(ask, message):
    with pytest.raises(InputError, match=message):
        ask()
