import numpy as np
import pytest
from scipy.integrate import quad
from sram_reference import Side, Transistor, solve_read

from circuitsnn import InputError, load_card
from circuitsnn.sram.bitline import BitlineRead, word_line_level, word_line_time_constant
from circuitsnn.sram.cell import SixTransistorCell, draw_cell_mismatch
from circuitsnn.transistor.mosfet import Conditions

CARD = load_card("sram_array_6t_65nm")
CARD_8T = load_card("sram_array_8t_65nm")
ON_64 = (np.arange(256) < 64).astype(float)


def test_swing_of_the_cards():
    for card in (CARD, CARD_8T):
        run = BitlineRead(card).transient(pulses=ON_64)
        assert run.status.ok
        assert 0.5 < run.bit_line.min() < 0.9


def test_word_lines_by_hand():
    # 256 cells of 0.4 fF: 102.4 fF; 300 ohm, and 2 ohm a cell: 30.72 ps + 26.21 ps.
    assert word_line_time_constant(CARD) == pytest.approx(300 * 102.4e-15 + 2 * 0.4e-15 * 256**2 / 2)
    # 64 word lines share 500 pF with 6.5536 pF.
    assert word_line_level(CARD, 64) == pytest.approx(0.6 * 500 / 506.5536)
    run = BitlineRead(CARD).transient(pulses=2 * ON_64, levels=0.5)
    tau = word_line_time_constant(CARD)
    assert run.t_sample == pytest.approx(2 * CARD.T_pulse + 5 * tau)
    # The driver's supply gives the charging current of one word line's share until its pulse ends.
    level = 0.5 * word_line_level(CARD, 64)
    charge, _ = quad(lambda t: 0.4e-15 * level / tau * np.exp(-t / tau), 0.0, 2 * CARD.T_pulse, epsrel=1e-10)
    assert run.energies["word_line"] == pytest.approx(64 * 0.6 * charge, rel=1e-9)


def test_energy_of_the_precharge_is_c_v_dv():
    reader = BitlineRead(CARD)
    run = reader.transient(pulses=ON_64)
    restored = (run.discharge + run.bit_line[-1] - CARD.V_precharge) * reader.capacitance
    # What the idle cells draw during the precharge comes on top.
    assert run.energies["precharge"] == pytest.approx(restored * CARD.V_precharge, rel=1e-4, abs=0.0)
    assert run.charges["precharge"] + run.charges["supply"] == pytest.approx(run.charges["ground"], rel=1e-3, abs=0.0)
    assert run.energy == sum(run.energies.values())


@pytest.mark.parametrize("wire", [False, True])
@pytest.mark.parametrize("card", [CARD, CARD_8T])
def test_charge_is_conserved(card, wire):
    stored = np.arange(12) % 3 == 0
    reader = BitlineRead(card, stored, mismatch=4, wire=wire)
    run = reader.transient(pulses=np.arange(12) % 4, points=2)
    if wire:
        capacitance = np.full(12, card.C_BL_row)
        capacitance[0] += card.C_BL_fixed
    else:
        capacitance = np.array([reader.capacitance])
    left = sum(((line[-1] - card.V_precharge) * capacitance).sum() for line in run.wire)
    given = run.charges["precharge"] + run.charges["supply"]
    assert given == pytest.approx(run.charges["ground"] + left, rel=1e-8, abs=0.0)


@pytest.mark.parametrize("offset", [0.0, 60e-12])
def test_column_of_two_lines_against_scipy(offset):
    card = CARD.replace(C_BL_fixed=2e-15, T_precharge=0.3e-9, T_offset=offset)
    cell = card.parts["cell"]
    stored = np.array([0, 1, 0])
    pulses, levels = np.array([1.0, 0.5, 0.0]), np.array([1.0, 1.1, 1.0])
    shifts = draw_cell_mismatch(cell, 3, np.random.default_rng(5))
    run = BitlineRead(card, stored, mismatch=shifts).transient(levels, pulses, tolerance=1e-8)
    tau = word_line_time_constant(card)
    level = word_line_level(card, 2)
    short, long = offset + 0.5 * card.T_pulse, offset + card.T_pulse
    waves = [(0.0, long, level), (0.0, short, 1.1 * level), (0.0, 0.0, 0.0)]
    breakpoints = [0.0, short, long, run.t_sample, run.t_sample + card.T_precharge]
    supplied = np.zeros(2)
    for line, waveform in enumerate((run.bit_line, run.bit_line_bar)):
        sides = []
        for row in range(3):
            own = [each[row, 3 * line : 3 * line + 3] for each in shifts]
            parts = (("access", "nmos"), ("pull_down", "nmos"), ("pull_up", "pmos"))
            side = Side(
                *(
                    Transistor.of_card(
                        cell.parts[kind], getattr(cell, f"W_{name}"), 65e-9, own[0][i], own[1][i]
                    )
                    for i, (name, kind) in enumerate(parts)
                ),
                card.V_DD if stored[row] == line else 0.0,
            )  # fmt: skip
            sides.append((side, 0, row))
        _, voltages, charges = solve_read(
            sides, waves, tau, np.array([card.C_BL_fixed + 3 * card.C_BL_row]), 0.0, card.V_DD, card.V_precharge,
            1.0 / card.R_precharge, breakpoints, run.t_sample, rtol=1e-8, method="LSODA",
        )  # fmt: skip
        supplied += charges[-1, :2]
        sampled = card.V_precharge - voltages[21, 0]
        assert (run.discharge, run.discharge_bar)[line] == pytest.approx(sampled, abs=1e-6)
        assert waveform[-1] == pytest.approx(voltages[-1, 0], abs=1e-6)
    assert run.discharge > run.discharge_bar > 0.1
    assert run.energies["precharge"] == pytest.approx(card.V_precharge * supplied[0], rel=1e-5, abs=0.0)
    assert run.energies["cell"] == pytest.approx(card.V_DD * supplied[1], rel=1e-4, abs=0.0)


def test_shared_solutions_are_those_of_each_cell():
    rng = np.random.default_rng(2)
    stored, pulses = rng.integers(0, 2, 40), rng.integers(0, 4, 40)
    nothing = (np.zeros((40, 6)), np.zeros((40, 6)))
    shared = BitlineRead(CARD, stored).transient(pulses=pulses)
    own = BitlineRead(CARD, stored, mismatch=nothing).transient(pulses=pulses)
    np.testing.assert_allclose(shared.bit_line, own.bit_line, atol=1e-9)
    np.testing.assert_allclose(shared.bit_line_bar, own.bit_line_bar, atol=1e-9)
    assert shared.bump == pytest.approx(own.bump, abs=1e-7)
    assert shared.energy == pytest.approx(own.energy, rel=1e-7, abs=0.0)


def test_order_of_rows_does_not_matter_to_a_lumped_line_and_does_to_a_wire():
    rng = np.random.default_rng(8)
    stored, pulses = np.zeros(64, dtype=int), (np.arange(64) < 16).astype(float)
    shifts = draw_cell_mismatch(CARD.parts["cell"], 64, rng)
    order = rng.permutation(64)
    turned = tuple(each[order] for each in shifts)
    first = BitlineRead(CARD, stored, mismatch=shifts).transient(pulses=pulses)
    second = BitlineRead(CARD, stored[order], mismatch=turned).transient(pulses=pulses[order])
    assert first.discharge == pytest.approx(second.discharge, abs=1e-9)
    far = CARD.replace(R_BL_row=50.0)
    near_end = BitlineRead(far, rows=64, wire=True).transient(pulses=pulses)
    far_end = BitlineRead(far, rows=64, wire=True).transient(pulses=pulses[::-1])
    t = np.searchsorted(near_end.times, 0.5 * CARD.T_pulse)
    assert near_end.bit_line[t] < far_end.bit_line[t] - 1e-3


def test_wire_of_no_resistance_is_the_lumped_line():
    pulses = (np.arange(32) % 2).astype(float)
    lumped = BitlineRead(CARD, rows=32).transient(pulses=pulses)
    differences = []
    for resistance in (1.0, 1e-2, 1e-6):
        run = BitlineRead(CARD.replace(R_BL_row=resistance), rows=32, wire=True).transient(pulses=pulses)
        assert run.wire[0].shape == (201, 32)
        differences.append(np.abs(run.bit_line - lumped.bit_line).max())
    assert differences[0] > differences[1]
    assert differences[2] < 2e-5
    assert np.ptp(run.wire[0], axis=1).max() < 1e-6


def test_wire_cut_behind_the_first_row_leaves_its_capacitance_and_the_fixed_one():
    cut = BitlineRead(CARD.replace(R_BL_row=1e15), rows=3, wire=True).transient(pulses=[1, 0, 0])
    alone = BitlineRead(CARD, rows=1).transient(pulses=1)
    np.testing.assert_allclose(cut.bit_line, alone.bit_line, atol=2e-5)
    assert cut.wire[0][-1, 2] == pytest.approx(CARD.V_precharge, abs=1e-3)


def test_leakage_grows_with_the_rows():
    hot = Conditions("FF", 400.0)
    card = CARD.replace(C_BL_row=1e-20)
    runs = [BitlineRead(card, rows=rows, conditions=hot).transient(pulses=0.0) for rows in (50, 100, 200)]
    drops = [run.discharge for run in runs]
    assert drops[1] / drops[0] == pytest.approx(2.0, rel=0.02)
    assert drops[2] / drops[0] == pytest.approx(4.0, rel=0.04)
    assert drops[0] > 1e-4
    # A tenth more current in every transistor is a tenth more leakage.
    more = (np.zeros((50, 6)), np.full((50, 6), 0.1))
    stronger = BitlineRead(card, rows=50, conditions=hot, mismatch=more).transient(pulses=0.0)
    assert stronger.discharge == pytest.approx(1.1 * drops[0], rel=0.01)
    assert BitlineRead(card, rows=50).transient(pulses=0.0).discharge < 0.1 * drops[0]


def test_each_line_answers_to_its_bits():
    zero, one = (BitlineRead(CARD, np.full(16, bit)).transient() for bit in (0, 1))
    assert zero.discharge == pytest.approx(one.discharge_bar, abs=1e-12)
    assert zero.discharge_bar == pytest.approx(one.discharge, abs=1e-12)
    assert zero.discharge > 0.1 > 1e-6 > zero.discharge_bar
    reads = [BitlineRead(CARD_8T, np.full(16, bit)).transient() for bit in (0, 1)]
    assert reads[1].discharge > 0.1 > 1e-3 > reads[0].discharge > 0.0
    assert len(reads[0].bit_line_bar) == 0
    assert np.isnan(reads[0].discharge_bar)


def test_binary_weighted_pulses_add_up():
    # One cell: the drop stays small, and two more units of time give two more units of charge.
    drops = [BitlineRead(CARD).transient(pulses=np.eye(1, 256)[0] * k).discharge for k in (1, 2, 4, 8)]
    steps = np.diff(drops)
    assert steps[1] / steps[0] == pytest.approx(2.0, rel=0.03)
    assert steps[2] / steps[1] == pytest.approx(2.0, rel=0.03)


def test_mismatch_is_the_seeds_and_every_cells_own():
    first, again, other = (BitlineRead(CARD, rows=32, mismatch=seed) for seed in (7, 7, 8))
    assert first.transient().discharge == again.transient().discharge
    assert abs(first.transient().discharge - other.transient().discharge) > 1e-4
    shifts, factors = first.mismatch
    assert len(np.unique(np.hstack([shifts, factors]))) == 32 * 12
    alone = [first.transient(pulses=np.eye(32)[row]).discharge for row in range(32)]
    assert len(np.unique(np.round(alone, 9))) == 32


def test_bump_is_that_of_the_static_cell_or_less():
    reader = BitlineRead(CARD, rows=256)
    run = reader.transient(pulses=np.eye(1, 256)[0] * 4)
    static = SixTransistorCell(CARD).read_disturb(word_line_level(CARD, 1)).bump
    # The line has fallen a little before the word line is up.
    assert 0.98 * static < run.bump < static


def test_droop_of_many_word_lines_weakens_each():
    pulses = np.zeros((2, 256))
    pulses[0, :1], pulses[1, :64] = 1.0, 1.0
    stored = np.ones(256)
    stored[0] = 0  # one cell discharges in both
    drops = [BitlineRead(CARD, stored).transient(pulses=each).discharge for each in pulses]
    stiff = CARD.replace(C_WL_supply=1.0)
    held = [BitlineRead(stiff, stored).transient(pulses=each).discharge for each in pulses]
    assert drops[1] < 0.95 * drops[0]
    assert held[1] == pytest.approx(held[0], rel=1e-3)


def test_line_that_is_not_restored():
    run = BitlineRead(CARD.replace(T_precharge=0.2e-9)).transient(pulses=ON_64)
    assert not run.status.ok
    assert "lengthen T_precharge" in run.status.advice


def test_no_row_on():
    run = BitlineRead(CARD, rows=4).transient(pulses=0.0)
    assert run.status.ok
    assert run.energies["word_line"] == 0.0
    assert run.discharge < 1e-5


@pytest.mark.parametrize("driver", [0.0, 300.0])
def test_word_line_without_delay(driver):
    card = CARD.replace(R_WL_driver=driver, R_WL_cell=0.0)
    run = BitlineRead(card, rows=8).transient()
    assert run.status.ok
    assert run.t_sample == pytest.approx(CARD.T_pulse + 5 * driver * 256 * CARD.C_WL_cell)


def test_waveforms_frame_and_figure():
    run = BitlineRead(CARD, np.arange(8) % 2).transient(points=50)
    assert len(run.times) == len(run.bit_line) == len(run.bit_line_bar) == 50
    frame = run.to_frame()
    assert list(frame.columns) == list(frame.attrs["units"]) == ["time", "bit_line", "bit_line_bar"]
    assert list(BitlineRead(CARD_8T, rows=4).transient().to_frame().columns) == ["time", "bit_line"]
    at = [0.1e-9, 0.2e-9]
    run = BitlineRead(CARD, rows=8).transient(points=at)
    np.testing.assert_array_equal(run.times, at)
    axes = run.figure().axes[0]
    assert axes.get_xlabel() == "time [ns]"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: BitlineRead(CARD.parts["cell"]), "needs a card of kind 'sram_array'"),
        (lambda: BitlineRead(CARD, rows=0), "rows is 0; allowed"),
        (lambda: BitlineRead(CARD, [0, 1], rows=3), r"stored has shape \(2,\); allowed is \(3,\)"),
        (lambda: BitlineRead(CARD, [0, 2]), "neither 0 nor 1"),
        (lambda: BitlineRead(CARD, conditions="TT"), "conditions is 'TT'; allowed is Conditions"),
        (lambda: BitlineRead(CARD, rows=2, mismatch=(np.zeros((2, 3)), np.zeros((2, 3)))), r"2 rows need \(2, 6\)"),
        (lambda: BitlineRead(CARD, rows=2, mismatch=-1), "seed is -1"),
        (lambda: BitlineRead(CARD, rows=2, mismatch=0.5), "mismatch must be a seed, or two arrays"),
        (lambda: BitlineRead(CARD, rows=2).transient(pulses=[1, 1, 1]), r"pulses has shape \(3,\); allowed"),
        (lambda: BitlineRead(CARD, rows=2).transient(pulses=-1), "pulses has an entry that is negative"),
        (lambda: BitlineRead(CARD, rows=2).transient(levels="high"), "levels must be numbers"),
        (lambda: BitlineRead(CARD, rows=2).transient(levels=np.nan), "levels has an entry that is negative or not"),
        (lambda: BitlineRead(CARD, rows=2).transient(points=-1), "points is -1; allowed"),
        (lambda: BitlineRead(CARD, rows=2).transient(points=[0.0, 1.0]), "increasing times between 0 and"),
        (lambda: BitlineRead(CARD, rows=2).transient(tolerance=0.0), "tolerance is 0.0; allowed"),
    ],
)
def test_bad_input(ask, message):
    with pytest.raises(InputError, match=message):
        ask()
