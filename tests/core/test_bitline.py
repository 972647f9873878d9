"""The bit line's kernel against SciPy, closed forms and conservation of charge."""

import numpy as np
import pytest
from scipy.linalg import expm
from sram_reference import Side, Transistor, solve_read

from circuitsnn import load_card
from circuitsnn.core import bitline as core

NMOS, PMOS = load_card("nmos_65nm"), load_card("pmos_65nm")
V_DD, V_PRE = 1.2, 1.1
TAU = 60e-12
PULSE = 0.3e-9
T_SAMPLE = PULSE + 5.0 * TAU
STOP = T_SAMPLE + 1e-9
BREAKPOINTS = np.array([0.0, 0.5 * PULSE, PULSE, T_SAMPLE, STOP])
WAVES = np.array([[0.0, 0.0, 0.0], [0.0, PULSE, 0.7], [0.0, 0.5 * PULSE, 0.6]])
G_PRE = 1e-3
NONE = np.empty(0)


def side(gate, shift=0.0):
    return Side(
        Transistor.of_card(NMOS, 120e-9, 65e-9, shift, 0.1),
        Transistor.of_card(NMOS, 200e-9, 65e-9, -0.5 * shift),
        Transistor.of_card(PMOS, 80e-9, 65e-9, 0.02),
        gate,
    )


def kernel_cells(sides):
    return core.Cells(
        np.array([[s.access.row(), s.pull_down.row(), s.pull_up.row()] for s, _, _ in sides]),
        np.array([s.gate for s, _, _ in sides]),
        np.array([node for _, node, _ in sides], dtype=np.int64),
        np.array([wave for _, _, wave in sides], dtype=np.int64),
        np.ones(len(sides)),
    )


def no_cells():
    return core.Cells(np.empty((0, 3, 8)), NONE, np.empty(0, np.int64), np.empty(0, np.int64), NONE)


def lumped(capacitance=2e-15):
    return core.Line(np.array([capacitance]), 0.0, V_DD, V_PRE, G_PRE)


def run(line, cells, save_at=NONE, tolerance=1e-8, breakpoints=BREAKPOINTS, waves=WAVES, tau=TAU, t_sample=T_SAMPLE):
    start = np.full(len(line.capacitance), V_PRE)
    return core.transient(line, cells, waves, tau, start, breakpoints, t_sample, save_at, tolerance)


SIDES = [(side(V_DD), 0, 1), (side(V_DD, 0.04), 0, 2), (side(0.0), 0, 1), (side(V_DD), 0, 0), (side(0.0, -0.05), 0, 0)]


def test_lumped_line_against_scipy():
    line = lumped()
    times, voltages, charges = solve_read(
        SIDES, WAVES, TAU, line.capacitance, 0.0, V_DD, V_PRE, G_PRE, BREAKPOINTS, T_SAMPLE, method="LSODA"
    )
    solution = run(line, kernel_cells(SIDES), times)
    assert solution.code == core.COMPLETE
    assert V_PRE - voltages.min() > 0.5
    np.testing.assert_allclose(solution.saved, voltages, atol=2e-7)
    np.testing.assert_allclose(solution.saved_charges, charges, atol=1e-6 * line.capacitance.sum())


def test_wire_against_scipy():
    line = core.Line(np.array([1.5e-15, 0.5e-15, 0.5e-15]), 1.0 / 20e3, V_DD, V_PRE, G_PRE)
    sides = [(side(V_DD), 2, 1), (side(V_DD, 0.04), 1, 2), (side(0.0), 0, 0), (side(V_DD), 0, 0)]
    times, voltages, charges = solve_read(
        sides, WAVES, TAU, line.capacitance, line.conductance, V_DD, V_PRE, G_PRE, BREAKPOINTS, T_SAMPLE, rtol=3e-7
    )
    solution = run(line, kernel_cells(sides), times)
    assert (voltages[:, 0] - voltages[:, 2]).max() > 0.05
    np.testing.assert_allclose(solution.saved, voltages, atol=5e-7)
    np.testing.assert_allclose(solution.saved_charges, charges, atol=1e-6 * line.capacitance.sum())


@pytest.mark.parametrize("v_line", [0.0, 0.02, 0.4, 1.2])
@pytest.mark.parametrize("v_word", [0.0, 0.3, 0.6, 1.2])
@pytest.mark.parametrize("gate", [0.0, V_DD])
def test_internal_node_and_currents_against_brentq(v_line, v_word, gate):
    reference = side(gate, 0.03)
    rows = kernel_cells([(reference, 0, 0)]).transistors[0]
    answer = core.cell_current(rows, gate, V_DD, v_line, v_word, 0.6)
    assert answer[0] == pytest.approx(reference.node(v_line, v_word, V_DD), abs=1e-9)
    np.testing.assert_allclose(answer[3::3], reference.currents(v_line, v_word, V_DD), rtol=1e-6, atol=1e-20)
    # Derivatives against central differences.
    h = 1e-5
    slopes = []
    for dl, dw in ((h, 0.0), (0.0, h)):
        ahead, behind = (
            np.array(core.cell_current(rows, gate, V_DD, v_line + s * dl, v_word + s * dw, answer[0])) for s in (1, -1)
        )
        slopes.append((ahead[::3] - behind[::3]) / (2.0 * h))
    allowed = 1e-4 * np.abs(slopes).max(axis=0) + np.array([1e-9, 1e-17, 1e-17, 1e-17])  # rounding of the differences
    for place, slope in enumerate(slopes, start=1):
        assert np.all(np.abs(answer[place::3] - slope) < allowed)


def test_newton_from_anywhere():
    rows = kernel_cells([(side(V_DD), 0, 0)]).transistors[0]
    nodes = [core.cell_current(rows, V_DD, V_DD, 1.1, 0.65, q)[0] for q in (-1.0, 0.0, 0.05, 0.9, 5.0)]
    np.testing.assert_allclose(nodes, nodes[0], atol=1e-10)


def test_precharge_of_a_lumped_line_without_cells():
    line = core.Line(np.array([300e-15]), 0.0, V_DD, V_PRE, G_PRE)
    start = 0.4
    times = np.linspace(0.0, 1e-9, 30)
    solution = core.transient(
        line, no_cells(), WAVES, TAU, np.array([start]), np.array([0.0, 1e-9]), 0.0, times, 1e-8
    )  # fmt: skip
    exact = V_PRE + (start - V_PRE) * np.exp(-times * G_PRE / 300e-15)
    np.testing.assert_allclose(solution.saved[:, 0], exact, atol=1e-6)
    # The source gives C dV, and so the energy C V_pre dV.
    assert solution.charges[core.Q_PRECHARGE] == pytest.approx(300e-15 * (exact[-1] - start), rel=1e-7, abs=0.0)


@pytest.mark.parametrize("conductance", [1e-3, 1.0])
def test_precharge_of_a_ladder_without_cells_is_its_matrix_exponential(conductance):
    nodes = 40
    capacitance = np.full(nodes, 1e-15)
    capacitance[0] += 20e-15
    line = core.Line(capacitance, conductance, V_DD, V_PRE, G_PRE)
    system = np.zeros((nodes, nodes))
    for k in range(nodes - 1):
        system[k : k + 2, k : k + 2] -= conductance * np.array([[1.0, -1.0], [-1.0, 1.0]])
    system[0, 0] -= G_PRE
    start = np.linspace(0.3, 0.8, nodes)
    times = np.array([1e-12, 1e-11, 1e-10, 4e-10])
    exact = [V_PRE + expm(system / capacitance[:, None] * t) @ (start - V_PRE) for t in times]
    solution = core.transient(
        line, no_cells(), WAVES, TAU, start, np.array([0.0, 5e-10]), 0.0, times, 1e-8
    )  # fmt: skip
    np.testing.assert_allclose(solution.saved, exact, atol=2e-7)


def test_cell_of_constant_current():
    # No barrier lowering or length modulation, and a node that hardly moves: the current is that in saturation.
    access = Transistor(0.4, 1.3, 5e-4, 1.0, 0.0, 0.0)
    holder = Transistor(0.4, 1.3, 5e3, 0.0, 0.0, 0.0)
    off = Transistor(0.4, 1.3, 1e-30, 0.0, 0.0, 0.0, -1)
    cells = kernel_cells([(Side(access, holder, off, V_DD), 0, 0)])
    waves = np.array([[0.0, 1.0, 0.6]])
    line = lumped(100e-15)
    times = np.linspace(0.0, 1e-9, 5)
    solution = run(line, cells, times, waves=waves, tau=0.0, breakpoints=np.array([0.0, 1e-9]), t_sample=1e-9)
    current = access.current(0.6, V_PRE, 0.0)
    assert current * 1e-9 / 100e-15 > 0.05
    np.testing.assert_allclose(V_PRE - solution.saved[:, 0], current * times / 100e-15, atol=1e-8)


@pytest.mark.parametrize("wire", [False, True])
def test_charge_is_conserved(wire):
    sides = [(s, k if wire else 0, w) for k, (s, _, w) in enumerate(SIDES)]
    capacitance = np.full(5, 1e-15) if wire else np.array([5e-15])
    line = core.Line(capacitance, 1e-3, V_DD, V_PRE, G_PRE)
    solution = run(line, kernel_cells(sides), tolerance=1e-5)
    left = ((solution.last - V_PRE) * capacitance).sum()
    given = solution.charges[core.Q_PRECHARGE] + solution.charges[core.Q_SUPPLY]
    assert given == pytest.approx(left + solution.charges[core.Q_GROUND], rel=1e-9, abs=0.0)


def fixed_steps(count, line, cells):
    # A segment below half of tau is one step where the tolerance refuses nothing.
    edges = np.linspace(0.0, PULSE, count + 1)
    waves = np.array([[0.0, 1.0, 0.7]])
    tau = 0.5e-9
    return run(
        line, cells, 0.5 * (edges[1:] + edges[:-1]), 1e3, edges, waves, tau, t_sample=1.0
    )  # fmt: skip


def test_order_of_convergence():
    cells = kernel_cells([(side(V_DD), 0, 0)])
    line = lumped()
    exact = fixed_steps(512, line, cells)
    counts = np.array([4, 8, 16, 32])
    runs = [fixed_steps(count, line, cells) for count in counts]
    assert [each.steps for each in runs] == list(counts)
    for values in ([abs(each.last[0] - exact.last[0]) for each in runs], [
        abs(each.charges[core.Q_GROUND] - exact.charges[core.Q_GROUND]) for each in runs
    ]):  # fmt: skip
        orders = -np.diff(np.log2(values))
        assert orders.min() > 3.5
        assert orders.max() < 5.5


def test_error_falls_with_the_tolerance():
    line, cells = lumped(), kernel_cells(SIDES)
    times = np.linspace(0.0, STOP, 50)
    exact = run(line, cells, times, 1e-11).saved
    errors = [np.abs(run(line, cells, times, tolerance).saved - exact).max() for tolerance in (1e-4, 1e-6, 1e-8)]
    assert errors[0] < 1e-3
    assert errors[1] < 0.05 * errors[0]
    assert errors[2] < 0.05 * errors[1]


def test_series_of_idle_cells_gives_what_solving_them_gives():
    # A word line of almost no level makes the same cells count as active ones.
    sides = [(side(V_DD, -0.25), 0, 1), (side(0.0, -0.25), 0, 1)]
    line = lumped()
    idle, solved = (np.array([[0.0, 0.0, 0.0], [0.0, PULSE, level]]) for level in (0.0, 1e-30))
    assert run(line, kernel_cells(sides), waves=solved).sample[0] < V_PRE - 1e-3
    for tolerance in (1e-5, 1e-8):
        first, second = (run(line, kernel_cells(sides), tolerance=tolerance, waves=each) for each in (idle, solved))
        np.testing.assert_allclose(first.sample, second.sample, atol=tolerance)
        np.testing.assert_allclose(first.charges, second.charges, atol=tolerance * line.capacitance.sum())


def test_equal_cells_may_be_counted():
    line = lumped(20e-15)
    one = kernel_cells([(side(V_DD), 0, 1)])
    several = run(line, kernel_cells([(side(V_DD), 0, 1)] * 5))
    counted = run(line, one._replace(count=np.array([5.0])))
    np.testing.assert_allclose(counted.sample, several.sample, atol=1e-12)


def test_what_is_not_finite_ends_the_run():
    cells = kernel_cells([(side(V_DD), 0, 1)])
    broken = cells._replace(transistors=np.full_like(cells.transistors, np.nan))
    with np.errstate(invalid="ignore"):
        assert run(lumped(), broken).code == core.NOT_FINITE
