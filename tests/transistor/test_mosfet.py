"""A transistor's card at corners and temperatures, and its mismatch."""

import numpy as np
import pytest
from scipy.constants import Boltzmann, elementary_charge
from scipy.optimize import brentq
from scipy.stats import chi2, kstest, norm

from circuitsnn.cards import load_card
from circuitsnn.core import mosfet as core
from circuitsnn.errors import InputError
from circuitsnn.transistor.mosfet import Conditions, Mosfet, draw_mismatch, transistor_rows

N_CARD, P_CARD = load_card("nmos_65nm"), load_card("pmos_65nm")
CARDS = pytest.mark.parametrize("card", [N_CARD, P_CARD], ids=["nmos", "pmos"])
W, L, V_DD = 1e-6, 65e-9, 1.2
ROOM = Conditions()


def magnitude(card, v_gs, v_ds, conditions=ROOM, **shifts):
    """|I_D| at magnitudes of the voltages; a p-channel transistor's source and well are at V_DD. [A]."""
    transistor = Mosfet(card, W, L, conditions, **shifts)
    if card.kind == "nmos":
        return transistor.drain_current(v_gs, v_ds, 0.0)
    return -transistor.drain_current(V_DD - np.asarray(v_gs), V_DD - np.asarray(v_ds), V_DD, V_DD)


# The generic cards


@pytest.mark.parametrize(
    ("card", "on", "off", "swing"), [(N_CARD, 620e-6, 76e-12, 82e-3), (P_CARD, 301e-6, 51e-12, 85e-3)], ids=["n", "p"]
)
def test_the_generic_cards_have_the_figures_that_they_state(card, on, off, swing):
    assert magnitude(card, V_DD, V_DD) == pytest.approx(on, rel=0.01)
    assert magnitude(card, 0.0, V_DD) == pytest.approx(off, rel=0.01, abs=0.0)
    low, high = magnitude(card, np.array([0.1, 0.2]), V_DD)
    assert 0.1 / np.log10(high / low) == pytest.approx(swing, rel=0.01)
    assert f"I_on = {1e6 * on:.0f}" in card.notes
    assert f"I_off = {1e12 * off:.0f}" in card.notes
    assert "Generic" in card.title


@CARDS
def test_the_threshold_falls_by_sigma_with_the_drain(card):
    # Where the current is the same, the gate voltages differ by as much; at a level deep in weak inversion.
    level = 1e-10
    gates = [brentq(lambda v, d=d: np.log(magnitude(card, v, d) / level), -0.3, 0.6) for d in (0.6, 1.2)]
    modulation = np.log((1 + card.lambda_CLM * 1.15) / (1 + card.lambda_CLM * 0.55)) * card.n * phi_t(300.15)
    assert gates[0] - gates[1] - modulation == pytest.approx(0.6 * card.sigma_DIBL, rel=0.02)


def phi_t(temperature):
    return Boltzmann * temperature / elementary_charge


# Conditions


@CARDS
@pytest.mark.parametrize("temperature", [233.15, 300.15, 398.15])
def test_the_row_follows_the_temperature(card, temperature):
    row = Mosfet(card, W, L, Conditions(temperature=temperature)).row
    assert row[core.V_T] == pytest.approx(card.V_T0 - 0.8e-3 * (temperature - 300.15), rel=1e-12)
    assert row[core.PHI_T] == pytest.approx(8.617333262e-5 * temperature, rel=1e-9)
    beta = card.K_P * (temperature / 300.15) ** card.mobility_exponent * W / L
    assert row[core.I_S] == pytest.approx(2 * card.n * beta * phi_t(temperature) ** 2, rel=1e-12)
    assert row[core.MOBILITY] == pytest.approx(card.theta * card.n * phi_t(temperature), rel=1e-12)


@CARDS
def test_heat_raises_the_leakage_and_lowers_the_on_current_with_a_point_between(card):
    cold, hot = Conditions(temperature=273.15), Conditions(temperature=373.15)

    def change(v_gs):
        return np.log(magnitude(card, v_gs, V_DD, hot) / magnitude(card, v_gs, V_DD, cold))

    assert change(0.0) > np.log(20.0)
    assert change(V_DD) < 0.0
    zero = brentq(change, 0.0, V_DD)
    # Square law: the overdrive at which 2 |dV_T/dT| / overdrive = |mobility_exponent| / T, mobility reduction aside.
    overdrive = 2.0 * -card.dV_T_dT * 320.0 / -card.mobility_exponent
    assert zero - card.V_T0 == pytest.approx(overdrive, abs=0.12)


@CARDS
def test_swing_is_proportional_to_temperature(card):
    def swing(temperature):
        low, high = magnitude(card, np.array([-0.2, -0.1]), V_DD, Conditions(temperature=temperature))
        return 0.1 / np.log10(high / low)

    assert swing(300.15) == pytest.approx(card.n * phi_t(300.15) * np.log(10), rel=1e-3)
    assert swing(250.0) / swing(300.15) == pytest.approx(250.0 / 300.15, rel=1e-3)


def test_corners_are_in_order_and_each_letter_is_for_its_own_polarity():
    on = {(card.kind, corner): float(magnitude(card, V_DD, V_DD, Conditions(corner)))
          for card in (N_CARD, P_CARD) for corner in ("TT", "FF", "SS", "FS", "SF")}  # fmt: skip
    for kind in ("nmos", "pmos"):
        assert on[kind, "SS"] < on[kind, "TT"] < on[kind, "FF"]
    assert on["nmos", "FS"] == on["nmos", "FF"]
    assert on["pmos", "FS"] == on["pmos", "SS"]
    assert on["nmos", "SF"] == on["nmos", "SS"]
    assert on["pmos", "SF"] == on["pmos", "FF"]
    slow, typical = Mosfet(N_CARD, W, L, Conditions("SS")).row, Mosfet(N_CARD, W, L).row
    assert slow[core.V_T] - typical[core.V_T] == pytest.approx(30e-3)
    assert slow[core.I_S] / typical[core.I_S] == pytest.approx(0.94)


# One transistor and many


@CARDS
def test_only_voltages_against_the_bulk_matter(card):
    transistor = Mosfet(card, W, L)
    here = transistor.drain_current(0.7, 0.3, 0.1, 0.0)
    assert transistor.drain_current(1.9, 1.5, 1.3, 1.2) == pytest.approx(here, rel=1e-12, abs=0.0)
    gate, drain, source = transistor.conductances(0.7, 0.3, 0.1)
    step = 1e-6
    for slope, moved in ((gate, (step, 0, 0)), (drain, (0, step, 0)), (source, (0, 0, step))):
        ends = [transistor.drain_current(*(v + s * d for v, d in zip((0.7, 0.3, 0.1), moved, strict=True)))
                for s in (1, -1)]  # fmt: skip
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6, abs=1e-16)


def test_a_raised_source_raises_the_threshold_by_n_less_one():
    # V_T against the source rises by (n - 1 - 2 sigma) V_SB; at equal current, drain as far above the source.
    transistor = Mosfet(N_CARD, W, L)

    def gate(v_source):
        return brentq(lambda v: np.log(transistor.drain_current(v, v_source + 1.0, v_source) / 1e-10), -0.5, 1.5)

    slope = N_CARD.n - 1.0 - 2.0 * N_CARD.sigma_DIBL
    assert gate(0.2) - 0.2 - gate(0.0) == pytest.approx(0.2 * slope, rel=1e-6)


def test_voltages_and_shifts_broadcast():
    transistor = Mosfet(N_CARD, W, L)
    grid = transistor.drain_current(np.linspace(0, 1, 3)[:, None], np.linspace(0, 1, 4), 0.0)
    assert grid.shape == (3, 4)
    assert grid[2, 3] == transistor.drain_current(1.0, 1.0, 0.0)
    rows = transistor_rows(N_CARD, W, L, Conditions(), np.array([0.0, 0.01]), np.array([[0.0], [0.1], [-0.1]]))
    assert rows.shape == (3, 2, core.COLUMNS)
    np.testing.assert_array_equal(rows[1, 1], Mosfet(N_CARD, W, L, Conditions(), 0.01, 0.1).row)
    assert rows[0, 1, core.V_T] - rows[0, 0, core.V_T] == pytest.approx(0.01)
    assert rows[2, 0, core.I_S] / rows[0, 0, core.I_S] == pytest.approx(0.9)


@CARDS
def test_a_raised_threshold_weakens_both_polarities(card):
    assert magnitude(card, V_DD, V_DD, threshold_shift=0.03) < magnitude(card, V_DD, V_DD)
    assert magnitude(card, V_DD, V_DD, current_factor_shift=0.1) == pytest.approx(1.1 * magnitude(card, V_DD, V_DD))


def test_gate_capacitance_is_that_of_the_area():
    assert Mosfet(N_CARD, 2e-6, 0.1e-6).gate_capacitance == pytest.approx(13e-3 * 2e-13, rel=1e-6, abs=0.0)


# Mismatch


def within_chi2(samples, sigma, p=1e-4):
    statistic = np.sum((samples / sigma) ** 2)
    return chi2.ppf(p, samples.size) < statistic < chi2.ppf(1 - p, samples.size)


@pytest.mark.parametrize(("width", "length"), [(100e-9, 65e-9), (1e-6, 1e-6), (4e-6, 0.25e-6)])
def test_mismatch_has_pelgroms_sigma(width, length):
    threshold, factor = draw_mismatch(N_CARD, width, length, 20_000, np.random.default_rng([5, int(width * 1e9)]))
    root = np.sqrt(width * length)
    assert within_chi2(threshold, 2.5e-9 / root)
    assert within_chi2(factor, 7e-9 / root)
    assert kstest(threshold / (2.5e-9 / root), norm.cdf).pvalue > 1e-4
    assert kstest(factor / (7e-9 / root), norm.cdf).pvalue > 1e-4


def test_each_transistor_has_its_own_mismatch():
    threshold, factor = draw_mismatch(N_CARD, 1e-6, 65e-9, (256, 64), np.random.default_rng(6))
    assert threshold.shape == factor.shape == (256, 64)
    assert len(np.unique(threshold)) == threshold.size
    bound = norm.ppf(1 - 1e-5) / np.sqrt(threshold.size)
    pairs = [(threshold, factor), (threshold[1:], threshold[:-1]), (threshold[:, 1:], threshold[:, :-1])]
    for one, other in pairs:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < bound * 1.1
    # The mean of a row of 64 has an eighth of the sigma: nothing is shared along it.
    assert within_chi2(threshold.mean(axis=1), N_CARD.A_VT / np.sqrt(65e-15) / 8)


def test_same_seed_same_chip():
    first, again, other = (draw_mismatch(N_CARD, W, L, 5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.any(np.equal(first, other))


def test_no_mismatch_on_the_card_is_none_and_none_turns_a_current():
    quiet = N_CARD.replace(A_VT=0.0, A_beta=0.0)
    assert not np.any(draw_mismatch(quiet, W, L, 10, np.random.default_rng(1)))
    wild = N_CARD.replace(A_beta=300e-9)  # sigma is 1.2
    _, factor = draw_mismatch(wild, W, L, 1000, np.random.default_rng(1))
    assert factor.min() > -1.0


# Wrong input


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Conditions("XX"), "corner is 'XX'; allowed: TT, FF"),
        (lambda: Conditions(temperature=-1.0), "temperature is -1.0; allowed is a finite number > 0 K"),
        (lambda: Mosfet(load_card("vo2_delacour2021"), W, L), "kind 'nmos' or 'pmos'"),
        (lambda: Mosfet("nmos_65nm", W, L), "found 'nmos_65nm'"),
        (lambda: Mosfet(N_CARD, 0.0, L), "width is 0.0"),
        (lambda: Mosfet(N_CARD, W, np.nan), "length is nan"),
        (lambda: Mosfet(N_CARD, W, L, threshold_shift=np.zeros(3)), "one transistor"),
        (lambda: transistor_rows(N_CARD, W, L, Conditions(), [0.0, np.inf]), "threshold_shift has a value"),
        (lambda: transistor_rows(N_CARD, W, L, Conditions(), "much"), "threshold_shift must be numbers"),
        (lambda: transistor_rows(N_CARD, W, L, Conditions(), 0.0, -1.0), "allowed are numbers > -1"),
        (lambda: Mosfet(N_CARD, W, L, "FF"), "conditions is 'FF'; allowed is Conditions(corner, temperature)"),
        (lambda: Mosfet(N_CARD, W, L).drain_current("high", 1.0, 0.0), "the voltages must be numbers"),
        (lambda: Mosfet(N_CARD, W, L).drain_current([1, 2], [1, 2, 3], 0.0), "whose shapes fit together"),
        (lambda: draw_mismatch(N_CARD, W, L, (3, -1), np.random.default_rng(1)), "size is -1"),
        (lambda: draw_mismatch(N_CARD, W, L, 2.5, np.random.default_rng(1)), "size is 2.5"),
        (lambda: draw_mismatch(N_CARD, W, L, 3, 7), "rng is 7; allowed is a numpy.random.Generator"),
        (lambda: draw_mismatch(load_card("vo2_delacour2021"), W, L, 3, np.random.default_rng(1)), "'nmos' or 'pmos'"),
    ],
)
def test_wrong_input_is_one_sentence(make, says):
    with pytest.raises(InputError) as error:
        make()
    assert says in str(error.value)
    assert "\n" not in str(error.value)
