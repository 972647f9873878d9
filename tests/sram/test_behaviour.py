"""The behavioural model's parts against SciPy, and its residual against transients."""

import numpy as np
import pytest
from macros import small_card
from scipy.integrate import quad
from scipy.optimize import brentq

from circuitsnn.cards import load_card
from circuitsnn.sram.behaviour import ArrayRead, _gauss, calibrate
from circuitsnn.sram.mapping import InputMapping
from circuitsnn.transistor.mosfet import Conditions, Mosfet


def array_card(**overrides):
    return small_card().parts["array"].replace(**overrides)


@pytest.mark.parametrize(("level", "offset"), [(0.35, 0.0), (0.6, 0.0), (0.6, 70e-12)])
def test_a_cells_charge_against_quadrature(level, offset):
    """Access and pull-down in series by Brent's method, integrated over the word line's wave by adaptive quadrature."""
    card = array_card(V_WL=level, R_WL_driver="5k", T_offset=offset)  # slow edges, so that they count
    read = ArrayRead.of(card, Conditions(), InputMapping("pulse_width", 2))
    shifts = np.zeros((2, 1, 6))
    shifts[0, 0, 3:5], shifts[1, 0, 3:5] = [0.05, -0.03], [0.1, 0.02]
    n_on, v_line = 5, 1.1
    got = read.charges(read.sides(tuple(shifts)), n_on, v_line)[:, 0]

    cell = card.parts["cell"]
    nmos = cell.parts["nmos"]
    access = Mosfet(nmos, cell.W_access, cell.L_access, threshold_shift=0.05, current_factor_shift=0.1)
    down = Mosfet(nmos, cell.W_pull_down, cell.L_pull_down, threshold_shift=-0.03, current_factor_shift=0.02)
    full_load = card.columns * card.C_WL_cell
    full = level * card.C_WL_supply / (card.C_WL_supply + n_on * full_load)
    tau = card.R_WL_driver * full_load + card.R_WL_cell * card.C_WL_cell * card.columns**2 / 2

    def current(v_word):
        def excess(q):
            return float(access.drain_current(v_word, v_line, q) - down.drain_current(card.V_DD, q, 0.0))

        return float(down.drain_current(card.V_DD, brentq(excess, 0.0, v_line, xtol=1e-14), 0.0))

    for code in (1, 3):
        stop = offset + code * card.T_pulse
        peak = full * -np.expm1(-stop / tau)
        rise, _ = quad(lambda t: current(-full * np.expm1(-t / tau)), 0.0, stop, epsrel=1e-7, epsabs=0.0)
        fall, _ = quad(
            lambda t, peak=peak: current(peak * np.exp(-t / tau)), 0.0, read.t_sample - stop, epsrel=1e-7, epsabs=0.0
        )
        # The pull-up, which SciPy's cell has not, leaks some 10 pA.
        assert got[code] == pytest.approx(rise + fall, rel=2e-4, abs=0.0)
    assert got[0] == 0.0


def test_gauss_quadrature_of_a_discrete_measure():
    rng = np.random.default_rng(1)
    x, weights = rng.random(300), rng.random(300)
    nodes, w = _gauss(x, weights)
    for power in range(16):
        assert w @ nodes**power == pytest.approx(weights @ x**power, rel=1e-9)


def test_levels_of_word_lines_give_even_charges():
    card = array_card(C_WL_supply=1.0)
    read = ArrayRead.of(card, Conditions(), InputMapping("level", 3))
    charges = read.charges(read.nominal[None], 1, card.V_precharge)[:, 0]
    np.testing.assert_allclose(charges / charges[-1], np.arange(8) / 7, atol=2e-3)
    assert np.all(np.diff(read.levels[1:]) > 0)
    assert read.levels[1] > 1 / 7  # evenly spaced levels would give next to nothing near the threshold


@pytest.mark.parametrize(
    ("overrides", "coding", "on"),
    [
        ({}, InputMapping(), 12),
        ({"V_WL": 0.45, "T_pulse": "500p"}, InputMapping(), 24),  # below the threshold
        ({"C_WL_supply": "5p"}, InputMapping(), 24),  # a word-line supply that droops
        ({"T_pulse": "80p"}, InputMapping("pulse_width", 2), 12),
        ({}, InputMapping("level", 2), 12),
    ],
    ids=["usual", "weak inversion", "droop", "pulses", "levels"],
)
def test_residual_of_held_out_transients(overrides, coding, on):
    rng = np.random.default_rng(7)
    card = array_card(**overrides)
    read = ArrayRead.of(card, Conditions(), coding)
    drives = rng.integers(0, coding.plane_maximum + 1, (40, 24))
    drives[:, on:] = 0
    model = calibrate(read, drives.astype(np.uint8), 0.5, mismatch=True, rng=rng)
    assert model.residual_lsb(6)[1] < 0.25
    # It is no small thing that it leaves so little: cells differ by tens of per cent.
    phi, psi = model.cells(read.sides(read.draw((200,), rng)))
    assert np.std(phi[0, -1] * psi[0]) / np.mean(phi[0, -1] * psi[0]) > 0.2


def test_droop_needs_the_second_basis_and_gets_it():
    rng = np.random.default_rng(8)
    drives = (rng.random((40, 24)) < rng.uniform(0.1, 0.9, (40, 1))).astype(np.uint8)
    read = ArrayRead.of(array_card(C_WL_supply="5p"), Conditions(), InputMapping())
    weak = calibrate(read, drives, 0.5, True, rng)
    assert weak.bases == 2
    assert weak.residual_lsb(6)[1] < 0.25
    assert weak.gain[0] > 1.0 > weak.gain[24]


def test_an_offset_of_the_pulses_makes_up_for_the_rise_of_the_word_line():
    """Unit pulses little longer than the word line's time constant: the smallest codes count next to nothing."""
    parts = []
    for offset in ("0 s", "110p"):
        card = load_card("sram_array_6t_65nm").replace(T_pulse="71p", T_offset=offset)
        read = ArrayRead.of(card, Conditions(), InputMapping("pulse_width", 4))
        charges = read.charges(read.nominal[None], n_on=10, v_line=1.1)[:, 0]
        assert charges[0] == pytest.approx(0.0, abs=1e-3 * charges[15])
        parts.append(15.0 * charges / charges[15])
    assert parts[0][1] < 0.1
    assert parts[0][2] < 0.6
    np.testing.assert_allclose(parts[1], np.arange(16), atol=0.2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_deep_swings_need_the_third_basis_and_get_it(seed):
    """Lines that fall by 0.7 V and more: two bases leave more than 0.25 LSB, three do not."""
    rng = np.random.default_rng(seed)
    coding = InputMapping("pulse_width", 3)
    drives = rng.integers(0, 8, (40, 24)) * (rng.random((40, 24)) < rng.uniform(0.1, 1.0, (40, 1)))
    read = ArrayRead.of(array_card(T_pulse="150p"), Conditions(), coding)
    deep = calibrate(read, drives.astype(np.uint8), 0.5, True, rng)
    assert deep.span > 0.6
    assert deep.bases == 3
    assert deep.residual_lsb(6)[1] < 0.15


def test_without_mismatch_the_model_is_the_curve_alone():
    rng = np.random.default_rng(10)
    read = ArrayRead.of(array_card(), Conditions(), InputMapping())
    drives = (rng.random((40, 24)) < 0.5).astype(np.uint8)
    model = calibrate(read, drives, 0.5, mismatch=False, rng=rng)
    assert model.residual_lsb(6)[1] < 0.05
    assert model.unit == pytest.approx(model.transfer[1], rel=0.05)


@pytest.mark.parametrize("coding", [InputMapping("spikes"), InputMapping("level", 3)])
def test_polynomials_in_the_mismatch_follow_the_solved_cells(coding):
    """All transistors drawn, charges solved one by one: 0.2 % of the charge, where cells spread by 20 %."""
    read = ArrayRead.of(array_card(), Conditions(), coding)
    rng = np.random.default_rng(3)
    drives = rng.integers(0, coding.plane_maximum + 1, (20, int(read.card.rows))).astype(np.uint8)
    model = calibrate(read, drives, 0.5, True, rng)
    normals = rng.standard_normal((500, read.draws))
    sides = read.sides(read.shifts(normals))
    exact = read.charges(sides, model.n_on, model.v_line)
    exact = exact / read.charges(read.nominal[None], model.n_on, model.v_line)[-1] * coding.plane_maximum

    table = model.fit.table
    z, products = normals[:, table.draws], [np.ones(500)]
    for parent, variable in zip(table.parent[1:], table.variable[1:], strict=True):
        products.append(products[parent] * z[:, variable])
    values = table.coefficients @ np.array(products)
    first = np.exp(values[0])
    rank = len(model.fit.phi) // model.bases
    found = model.fit.phi[:rank].T @ np.vstack([first, first * values[1:rank]])
    assert np.std(exact[-1]) > 0.15 * exact[-1].mean()
    assert np.sqrt(np.mean((found - exact) ** 2)) < 0.002 * exact[-1].mean()
    np.testing.assert_allclose(np.exp(values[-1]), model.leakage(sides), rtol=0.02)
    assert model.fit.error < 1e-3
