import sys
from dataclasses import replace

import numpy as np
import pytest

from circuitsnn.cards import load_card
from circuitsnn.study import load_study, run_study
from circuitsnn.study.pictures import picture_of
from circuitsnn.transistor.mosfet import Conditions, Mosfet

SMALL = {
    "columns": 96,
    "reads": 16,
    "calibration_reads": 4,
    "A_VT_factors": (1.0, 2.0),
    "V_WL": (0.6, 0.7),
    "rows_on": 16,
    "tradeoff_V_WL": 0.6,
    "tradeoff_T_pulse": (1e-10, 2e-10, 4e-10),
    "temperatures": 358.15,
    "drift_V_WL": 0.6,
    "supply_drift": 0.05,
    "converter_bits": (2, 4, 8),
    "signed_outputs": 16,
    "weight_step": 31,
    "weight_copies": 2,
    "transient_columns": 2,
    "transient_reads": 2,
}


@pytest.fixture(scope="module")
def study():
    return load_study("sram_variation")


@pytest.fixture(scope="module")
def module(study):
    return sys.modules[study.run.__module__]


@pytest.fixture(scope="module")
def small_run(study, tmp_path_factory):
    return run_study(study, settings=SMALL, jobs=1, out=tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture
def setting(module):
    return module.Setting(load_card("sram_macro_65nm"), Conditions(), 64, 32, 8, 0, 4)


def test_spread_of_a_charge_is_that_of_g_m_over_i(module, setting):
    # Sharp edges and a pull-down that takes no voltage: only the access transistor is left.
    sharp = setting.with_array(R_WL_driver=1e-9, R_WL_cell=1e-9, C_WL_supply=1.0)
    cell = {"array.cell.W_pull_down": 1.0, "array.cell.nmos.A_beta": 0.0}
    sharp = replace(sharp, card=sharp.card.replace(**cell))
    array = sharp.card.parts["array"]
    part = array.parts["cell"]
    access = Mosfet(part.parts["nmos"], part.W_access, part.L_access)
    g_m = access.conductances(array.V_WL, array.V_precharge, 0.0)[0]
    sigma = part.parts["nmos"].A_VT / np.sqrt(part.W_access * part.L_access)
    expected = g_m / access.drain_current(array.V_WL, array.V_precharge, 0.0) * sigma
    assert module.charge_spread(sharp) == pytest.approx(float(expected), rel=2e-3)
    # Edges spend time at lower levels, where the same shift counts for more.
    assert module.charge_spread(setting) > module.charge_spread(sharp.with_array(R_WL_driver=1e-9))


def test_bits_by_the_minimum_precision_criterion(module):
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(400_000)
    for snr_a in (7.0, 15.0, 25.0):
        noisy = signal + 10.0 ** (-snr_a / 20.0) * rng.standard_normal(signal.size)
        lost = {}
        bits = module.deserved_bits(snr_a)
        for each in (bits - 1, bits):
            step = 2.0 * module.CLIP / 2**each
            codes = np.clip(np.floor(noisy / step), -(2 ** (each - 1)), 2 ** (each - 1) - 1)
            error = (codes + 0.5) * step - signal
            lost[each] = snr_a + 20.0 * np.log10(error.std())
        assert lost[bits] < module.GAMMA + 0.05 < lost[bits - 1]


def test_a_low_bit_line_writes_the_cell(module, setting):
    margins = [module.hold_margin(setting.with_array(V_WL=1.2), swing) for swing in (0.0, 0.6, 1.2)]
    assert np.all(np.diff(margins) < 0.0)
    assert margins[-1] < 0.0  # a write at full levels
    assert module.hold_margin(setting, 0.3) > 0.5


def test_regression_keeps_the_gain(module):
    rng = np.random.default_rng(1)
    exact = rng.integers(0, 30, (500, 40)).astype(float)
    noise = 3.0 * rng.standard_normal(exact.shape)
    error = module.errors(exact, 2.0 * (exact + noise) + 7.0)
    assert error.std() == pytest.approx(3.0, rel=0.02)


def test_errors_are_those_of_theory(small_run):
    results = small_run.tables["results"].set_index(["sweep", "label"])
    spread = results.loc["A_VT"]
    # A quarter of the products is 1; 96 columns, half of the variance in their offsets.
    np.testing.assert_allclose(spread["mismatch_error"], spread["predicted_error"], rtol=0.2)
    assert np.all(np.diff(spread["mismatch_error"]) > 0.0)
    assert np.all(np.diff(results.loc["tradeoff", "snr_a"]) > 0.0)
    assert results.loc[("V_WL", "0.7 V"), "error"] < results.loc[("V_WL", "0.6 V"), "error"]
    assert np.all(results["trimmed_error"] < results["error"])
    assert np.all(results["mismatch_error"] < 1.02 * results["error"])


def test_shares_lie_in_their_intervals(small_run):
    results = small_run.tables["results"]
    assert np.all(results["chips"] == 3)
    for name in ("yield", "yield_trimmed"):
        assert np.all(results[f"{name}_low"] <= results[name])
        assert np.all(results[name] <= results[f"{name}_high"])


def test_word_lines_level_counts_most_among_supplies(small_run):
    ranking = small_run.tables["ranking"].set_index("cause")["error"]
    supplies = ranking[ranking.index.str.startswith("drift of supply")]
    assert supplies.idxmax() == "drift of supply V_WL"
    assert ranking["threshold mismatch"] > ranking["current-factor mismatch"] > ranking["noise of a read"]


def test_negative_weights_of_twos_complement_err_most(small_run):
    signed = small_run.tables["signed"]
    random = signed[signed["weight"].isna() & (signed["factor"] == 1.0)].set_index("scheme")["snr_a"]
    assert random["differential"] > random["twos_complement"] + 8.0
    single = signed[signed["weight"].notna()].set_index(["scheme", "weight"])["predicted_error"]
    # -31 is 100001 in two's complement, 31 is 011111.
    assert single["twos_complement", -31] / single["twos_complement", 31] == pytest.approx(np.sqrt(1025 / 341))
    assert single["differential", -31] == single["differential", 31] == single["twos_complement", 31]


def test_model_and_transient_agree(small_run):
    assert small_run.tables["transients"]["largest_lsb"].max() < 0.25
    assert len(small_run.tables["transients"]) == 5


def test_yields_are_drawn_against_each_parameter(small_run):
    table = small_run.tables["results"]
    picture = picture_of(table)
    assert picture.keys == ("sweep", "value")
    for axes in picture.draw(table).axes:
        assert axes.get_xlabel() in set(table[picture.panels])
        assert axes.containers
