"""The design study: its closed forms against independent ones, its choices on made-up tables, and a tiny run."""

import sys

import numpy as np
import pandas as pd
import pytest

from circuitsnn.cards import load_card
from circuitsnn.oscillator.patterns import digits
from circuitsnn.study import load_study, run_study

pytest.importorskip("optuna")

STUDY = load_study("delacour2021_design")
study = sys.modules[STUDY.run.__module__]
PAPER = {"R_S": 20e3, "V_DD": 2.5, "C_P": 500e-12, "beta": 1.875}


def test_what_the_closed_forms_say_of_the_papers_design():
    """Asymmetry 59 (section 2.1.9); depth 0.16 mV of docs/theory/phase_transition.md; range of Fig. 14B."""
    found = study.describe(load_card("vo2_delacour2021"), PAPER)
    assert found["asymmetry"] == pytest.approx(59.0, rel=0.02)
    assert found["depth"] == pytest.approx(0.164e-3, rel=0.01)
    assert found["current"] == pytest.approx(0.501 / 20e3 - 1.999 / 100.2e3, rel=1e-9)
    assert found["log_range"] == pytest.approx(0.10, abs=0.02)  # Fig. 14B: about 10 % for beta = 1.875


def test_a_design_that_rests_is_no_error():
    bench = study.Bench(load_card("vo2_delacour2021"), digits(), 10, 1e-7, 2, 0)
    found = bench.measure(**PAPER | {"V_DD": 2.2})  # the load line meets the insulating branch below V_H
    assert not found["oscillates"]
    assert found["accuracy"] == 0.0
    assert "depth" not in study.describe(bench.card, PAPER | {"V_DD": 2.2})


@pytest.mark.parametrize(("R_S", "V_DD"), [(12e3, 2.5), (20e3, 2.5), (20e3, 3.0)])
def test_locking_depth_to_leading_order(R_S, V_DD):
    """docs/theory/design.md: I_n^2 R_0 R_met / (2 V_H) without tau_0, up to its next orders."""
    from circuitsnn.oscillator import closed_form
    from circuitsnn.oscillator.transition_closed_form import locking_depth, transition_resistance_closed_form

    card = load_card("vo2_delacour2021", R_S=R_S, V_DD=V_DD, tau_0=1e-15)
    R_0 = transition_resistance_closed_form(0.25 * closed_form.period(card), card)
    current = (V_DD - 1.999) / R_S - 1.999 / 100.2e3
    assert locking_depth(R_0, card) == pytest.approx(current**2 * R_0 * 990.0 / (2 * 1.999), rel=0.3)


def test_expected_mismatch_is_that_of_a_hopfield_network():
    """Afresh: at the expected sigma a Hopfield network with errors of its weights takes a right first step."""
    rng = np.random.default_rng(1)
    size, count, fuzzy, log_range = 60, 6, 10, 0.5
    sigma = study.expected_mismatch(log_range, size, count, fuzzy)
    right = []
    for _ in range(400):
        # Orthogonal patterns have no crosstalk, as the closed form takes it: a single one with weights 1/N does.
        errors = np.triu(sigma * (2 * count / size) / log_range * rng.standard_normal((size, size)), 1)
        field = (np.ones((size, size)) / size + errors + errors.T) @ (np.arange(size) >= fuzzy).astype(float)
        right.append(np.all(field > 0.0))
    # The fuzzy pixels bring no signal and no noise here; with white ones in their place it would be 0.9 exactly.
    assert 0.85 < np.mean(right) < 0.99


def test_the_design_chosen_gains_most_in_the_lesser_factor():
    class Found:
        table = pd.DataFrame({"sigma_R_C": [0.01, 0.05, 0.03], "sigma_VO2": [1e-4, 1.1e-4, 3e-4]})
        front = table

    assert study.chosen(Found).name == 2


def test_power_law_is_fitted_to_feasible_designs_only():
    depth = np.array([1e-4, 2e-4, 4e-4, 8e-4, 1.0])
    tried = pd.DataFrame({"depth": depth, "offset": 0.5 * depth, "feasible": [True] * 4 + [False]})
    tried.loc[4, "offset"] = 1e-9
    exponent, count, ratio = study.fitted(tried, "depth", "offset")
    assert (exponent, count, ratio) == (pytest.approx(1.0), 4, pytest.approx(0.5))


def test_bisection_finds_the_sigma_at_which_recall_ends():
    class Step(study.Bench):
        def try_spread(self, memory, spread, sigma):
            return (1.0 if sigma < 0.02 else 0.5), 1e-6

    assert Step(None, None, 0, 0.0, 20, 0).tolerated(None, "R_C") == pytest.approx(0.02, rel=0.05)


def test_crossing_is_interpolated_on_the_logarithm():
    sigmas = np.array([1.0, 10.0, 100.0])
    assert study.crossing(sigmas, np.array([1.0, 0.95, 0.85])) == pytest.approx(10.0 * np.sqrt(10.0))
    assert study.crossing(sigmas, np.array([0.8, 0.5, 0.1])) == 0.0
    assert study.crossing(sigmas, np.array([1.0, 1.0, 0.95])) == np.inf
    # An accident below the level before a full recovery is averaged with it: (0.8 + 1.0) / 2 holds to the second sigma.
    assert study.crossing(sigmas, np.array([0.8, 1.0, 0.1])) == pytest.approx(10.0)


def test_a_tiny_run_keeps_every_part(tmp_path):
    result = run_study(
        STUDY,
        settings={"designs": 2, "recalls": 1, "chips": 4, "map_R_S": "8k", "map_V_DD": "2.5"},
        out=tmp_path / "run",
    )
    assert len(result.claims) == 7
    assert {path.stem for path in result.figures} == {"front", "map", "reason"}
    results = result.tables["results"].set_index("design")
    assert list(results.index) == ["paper", "circuit", "with coupling"]
    assert results.loc["paper", "beta"] == 1.875
    assert results.loc["paper", "accuracy"] >= 0.9
    assert results.loc["paper", "energy"] == pytest.approx(1.28e-6, rel=0.2)  # docs/studies.md
    assert len(result.tables["designs"]) == 4
    # Four chips already tell the suggested design from the paper's: 4 and 1.3 % in docs/studies.md.
    assert results.loc["with coupling", "sigma_VO2"] > 2.0 * results.loc["paper", "sigma_VO2"]
