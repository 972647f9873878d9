import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from circuitsnn.cards import load_card
from circuitsnn.oscillator import closed_form
from circuitsnn.study import load_study, run_study
from circuitsnn.study.pictures import picture_of

SMALL = {
    "chips": 2,
    "images": 2,
    "nominal_images": 6,
    "sigma_V_H": (1e-5, 2e-4),
    "sigma_V_L": 0.05,
    "sigma_R_ins": 2e-3,
    "sigma_R_met": 0.1,
    "sigma_C_P": 5e-4,
    "sigma_R_S": 2e-3,
    "sigma_R_C": 0.06,
    "sigma_all": 2e-4,
}


@pytest.fixture(scope="module")
def study():
    return load_study("associative_memory")


@pytest.fixture(scope="module")
def module(study):
    return sys.modules[study.run.__module__]


@pytest.fixture(scope="module")
def small_run(study, tmp_path_factory):
    return run_study(study, settings=SMALL, jobs=1, out=tmp_path_factory.mktemp("runs") / "one")


def row(result, parameter, sigma):
    table = result.tables["results"]
    return table[(table["parameter"] == parameter) & (table["sigma"] == sigma)].iloc[0]


def test_answers_do_not_depend_on_the_number_of_workers(study, small_run, tmp_path):
    shared_out = run_study(study, settings=SMALL, jobs=2, out=tmp_path / "two")
    assert shared_out.claims == small_run.claims
    for name, table in small_run.tables.items():
        pd.testing.assert_frame_equal(table, shared_out.tables[name])


def test_tables_say_how_yields_and_ranking_are_drawn(small_run):
    results, ranking = (small_run.tables[name] for name in ("results", "ranking"))
    picture = picture_of(results)
    assert picture.keys == ("parameter", "sigma")
    assert not results.duplicated(list(picture.keys)).any()
    labels = [text.get_text() for text in picture.draw(results).legends[0].get_texts()]
    assert labels == [name for name in results["parameter"].unique() if name not in ("none", "card")]
    assert list(picture_of(ranking).bars) == ["sigma_half", "sigma_good"]


def test_designed_memory_recalls_and_widely_spread_one_does_not(small_run):
    assert row(small_run, "none", 0.0)["accuracy"] == 1.0
    for parameter, sigma in (("V_H", 2e-4), ("R_ins", 2e-3), ("R_S", 2e-3), ("R_C", 0.06), ("all", 2e-4)):
        assert row(small_run, parameter, sigma)["accuracy"] == 0.0
        assert row(small_run, parameter, sigma)["yield"] == 0.0
    assert small_run.tables["ranking"]["parameter"][0] in ("V_H", "all")


def test_shares_lie_in_their_intervals(small_run):
    results = small_run.tables["results"]
    for name in ("accuracy", "yield"):
        assert np.all(results[f"{name}_low"] <= results[name])
        assert np.all(results[name] <= results[f"{name}_high"])
    assert len(results) == 1 + 9 + 2  # the designed memory, the settings, the card's spreads, the paper's mismatch
    assert np.all(results.loc[results["parameter"] != "none", "images"] == 4)


def test_energy_of_every_recall_is_accounted_for(small_run):
    recalls = small_run.tables["recalls"]
    parts = recalls[["device", "load", "coupling", "stored"]]
    assert np.all(parts > 0.0)
    np.testing.assert_allclose(parts.sum(axis=1), recalls["energy"], rtol=1e-6)
    np.testing.assert_allclose(recalls["power"] * recalls["duration"], recalls["energy"])


@pytest.mark.parametrize(("good", "count"), [(0, 6), (3, 8), (39, 40), (40, 40)])
def test_wilson_interval_is_scipys(module, good, count):
    expected = binomtest(good, count).proportion_ci(method="wilson")
    np.testing.assert_allclose(module.wilson(good / count, count), expected, atol=1e-7)


def test_critical_sigma_is_interpolated_on_a_logarithmic_axis(module):
    sigmas, accuracies = np.array([1e-3, 1e-2, 1e-1]), np.array([1.0, 0.75, 0.25])
    assert module.critical_sigma(sigmas, accuracies, 0.5) == pytest.approx(10**-1.5)
    assert module.critical_sigma(sigmas, accuracies, 0.2) == np.inf
    assert module.critical_sigma(sigmas, accuracies, 1.0) == 1e-3
    assert np.isnan(module.critical_sigma(sigmas, 0 * accuracies, 0.0))


def test_switching_offset_of_a_current_is_its_effect_on_the_equilibrium(module):
    # An oscillator held at its threshold by coupling to neighbours that sit there, too: a deviation of R_ins or R_S
    # moves the voltage at which all currents balance.
    card, coupling = load_card("vo2_delacour2021"), 75e-6
    at = closed_form.v_minus(card)
    needed = at / card.R_S - card.V_H / card.R_ins  # the capacitor's current, the same for all

    def balance(R_ins, R_S):
        return (card.V_DD / R_ins + needed + coupling * at) / (1 / R_ins + 1 / R_S + coupling)

    offsets = module.switching_offset(card, coupling)
    assert balance(card.R_ins, card.R_S) == pytest.approx(at)
    small = 1e-6
    assert at - balance(card.R_ins * (1 + small), card.R_S) == pytest.approx(offsets["R_ins"] * small, rel=1e-3)
    assert balance(card.R_ins, card.R_S * (1 + small)) - at == pytest.approx(offsets["R_S"] * small, rel=1e-3)
