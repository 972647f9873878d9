from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from circuitsnn.cards import Correlation, load_card
from circuitsnn.errors import InputError, StudyError
from circuitsnn.study.card_space import CardSpace
from circuitsnn.study.plans import Range
from circuitsnn.study.sensitivity import Seeds, draw_ranking, morris, sobol_indices

A, B = 7.0, 0.1
ANGLES = {"x1": (-np.pi, np.pi), "x2": (-np.pi, np.pi), "x3": (-np.pi, np.pi)}


def ishigami(x1, x2, x3):
    return np.sin(x1) + A * np.sin(x2) ** 2 + B * x3**4 * np.sin(x1)


def ishigami_indices():
    """Give first, total and (1, 3) indices in closed form (Ishigami and Homma 1990)."""
    alone = np.array([0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, 0.0])
    together = B**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = alone.sum() + together
    return alone / variance, (alone + np.array([together, 0.0, together])) / variance, together / variance, variance


def g_function(**x):
    """Sobol's g-function with a = 0, 1, 4.5, 9."""
    a = np.array([0.0, 1.0, 4.5, 9.0])
    return float(np.prod((np.abs(4 * np.array(list(x.values())) - 2) + a) / (1 + a)))


def g_indices():
    a = np.array([0.0, 1.0, 4.5, 9.0])
    part = 1 / (3 * (1 + a) ** 2)
    variance = np.prod(1 + part) - 1
    return part / variance, part * np.prod(1 + part) / (1 + part) / variance


def test_sobol_indices_of_ishigamis_function():
    found = sobol_indices(ishigami, ANGLES, 512, second_order=True, seed=1)
    first, total, pair, variance = ishigami_indices()
    assert found.names == ("x1", "x2", "x3")
    assert found.first == pytest.approx(first, abs=0.06)
    assert found.total == pytest.approx(total, abs=0.06)
    assert found.second[0, 2] == found.second[2, 0] == pytest.approx(pair, abs=0.08)
    assert (np.abs(found.first - first) <= found.first_reach + 1e-9).all()
    assert (np.abs(found.total - total) <= found.total_reach + 1e-9).all()
    assert found.variance == pytest.approx(variance, rel=0.05)
    assert found.mean == pytest.approx(A / 2, rel=0.05)
    assert len(found.trials) == 512 * 8
    assert found.to_frame()["parameter"].tolist() == ["x1", "x2", "x3"]


def test_sobol_indices_of_the_g_function():
    found = sobol_indices(g_function, dict.fromkeys("abcd", (0.0, 1.0)), 512, seed=2)
    first, total = g_indices()
    assert found.first == pytest.approx(first, abs=0.05)
    assert found.total == pytest.approx(total, abs=0.05)
    assert found.second is None


def test_a_seed_of_zero_is_a_seed():
    # SALib takes 0 for none and then draws from NumPy's global state.
    one, other = (sobol_indices(ishigami, ANGLES, 16, seed=0) for _ in range(2))
    assert np.array_equal(one.total_reach, other.total_reach)
    assert np.array_equal(one.first, other.first)
    again = sobol_indices(ishigami, ANGLES, 16, seed=1)
    assert not np.array_equal(one.first, again.first)


def test_elementary_effects_of_a_linear_function_are_its_coefficients():
    found = morris(lambda a, b, c: 3.0 * a - 2.0 * b + 0.0 * c, {"a": (0, 2), "b": (-1, 1), "c": (0, 1)}, 5)
    assert found.mu == pytest.approx([6.0, -4.0, 0.0], abs=1e-9)
    assert found.mu_star == pytest.approx([6.0, 4.0, 0.0], abs=1e-9)
    assert found.sigma == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    assert len(found.trials) == 5 * 4
    assert found.to_frame()["parameter"].tolist() == ["a", "b", "c"]


def test_elementary_effects_show_what_depends_on_others():
    # f = a b + c^2 over 0 to 1 on four levels: steps of 2/3 give b, a, and 2 c + 2/3 with c at 0 or 1/3.
    found = morris(lambda a, b, c: a * b + c**2, {name: (0.0, 1.0) for name in "abc"}, 400, seed=3)
    assert found.mu[2] == pytest.approx(1.0, abs=0.03)
    assert found.sigma[2] == pytest.approx(1 / 3, abs=0.03)
    assert found.mu[:2] == pytest.approx([0.5, 0.5], abs=0.06)
    assert found.sigma[:2] == pytest.approx(np.full(2, np.std([0, 1 / 3, 2 / 3, 1])), abs=0.04)


def test_kinds_of_factors_reach_the_function():
    found = sobol_indices(
        lambda R, n, x, where: float(np.log10(R) + n + x) + (where % 1000) / 1000,
        {"R": Range("1k", "1M", log=True), "n": Range(1, 4, whole=True), "x": norm(5.0, 0.5), "where": Seeds()},
        64,
    )
    rows = found.trials
    assert rows["R"].between(1e3, 1e6).all()
    assert np.median(rows["R"]) == pytest.approx(10**4.5, rel=0.1)
    assert sorted(rows["n"].unique()) == [1, 2, 3, 4]
    assert rows["x"].mean() == pytest.approx(5.0, abs=0.02)
    assert rows["x"].std() == pytest.approx(0.5, abs=0.05)
    assert rows["where"].nunique() > 100
    # Variances: uniform over three decades, a die with four faces, the normal, and the seeds' uniform share.
    parts = np.array([9 / 12, 15 / 12, 0.25, 1 / 12])
    assert found.total == pytest.approx(parts / parts.sum(), abs=0.1)


def test_randomness_of_the_functions_own_is_no_effect():
    found = sobol_indices(lambda a, b, rng: a + 0.1 * b + rng.standard_normal(), {"a": (0, 1), "b": (0, 1)}, 256)
    assert found.total == pytest.approx(np.array([1.0, 0.01]) / 1.01, abs=0.05)


def test_devices_of_a_chip_are_one_factor():
    # The mean of 20 devices' thresholds plus twice the mean of their loads: variances 1 to 4.
    def chip(V_H, R_S):
        draws = [np.random.default_rng(seed).standard_normal(20).mean() for seed in (V_H, R_S)]
        return draws[0] + 2.0 * draws[1]

    found = sobol_indices(chip, {"V_H": Seeds(), "R_S": Seeds()}, 1024)
    assert found.total == pytest.approx([0.2, 0.8], abs=0.08)
    assert found.first == pytest.approx([0.2, 0.8], abs=0.12)


@pytest.fixture
def card():
    return load_card("vo2_delacour2021")


def test_indices_over_a_cards_spreads(card):
    # A linear combination of independent normal parameters: shares of the variance are exact.
    found = sobol_indices(
        lambda V_H, V_L, R_S: V_H - V_L + 1e-6 * R_S, CardSpace(card, only=("V_H", "V_L", "R_S")), 256
    )
    parts = np.array([0.01999**2, 0.01**2, 2e-4**2])
    assert found.names == ("V_H", "V_L", "R_S")
    assert found.total == pytest.approx(parts / parts.sum(), abs=0.03)
    assert found.trials.attrs["units"]["R_S"] == "Ω"


def test_correlated_parameters_are_one_group(card):
    spread = replace(card.parameters["V_L"].spread, correlated_with=Correlation("V_H", 0.8))
    card = replace(card, parameters={**card.parameters, "V_L": replace(card.parameters["V_L"], spread=spread)})
    space = CardSpace(card, only=("V_H", "R_S", "V_L"))
    found = sobol_indices(lambda V_H, V_L, R_S: V_H - V_L + 1e-4 * R_S, space, 256)
    together = 0.01999**2 + 0.01**2 - 2 * 0.8 * 0.01999 * 0.01
    parts = np.array([together, 0.02**2])
    assert found.names == ("V_H + V_L", "R_S")
    assert found.total == pytest.approx(parts / parts.sum(), abs=0.05)
    assert np.corrcoef(found.trials["V_H"], found.trials["V_L"])[0, 1] == pytest.approx(0.8, abs=0.05)
    effects = morris(lambda V_H, V_L, R_S: V_H - V_L + 1e-4 * R_S, space, 10)
    assert effects.names == ("V_H + V_L", "R_S")
    assert effects.mu_star[1] == pytest.approx(4 * 0.02)
    assert "V_H + V_L" in effects.to_frame()["parameter"].tolist()
    with pytest.raises(InputError, match="all correlated with each other"):
        sobol_indices(ishigami, CardSpace(card, only=("V_H", "V_L")), 16)


def test_a_trial_without_an_answer_ends_it_clearly():
    def fragile(a, b):
        return 1.0 / 0.0 if a > 0.9 else b

    with pytest.raises(StudyError, match=r"of 64 trials gave no answer, first with a=.*raised ZeroDivisionError"):
        sobol_indices(fragile, {"a": (0.0, 1.0), "b": (0.0, 1.0)}, 16)
    with pytest.raises(StudyError, match="all 64 trials answer 1"):
        sobol_indices(lambda a, b: 1.0, {"a": (0.0, 1.0), "b": (0.0, 1.0)}, 16)


@pytest.mark.parametrize(
    ("factors", "more"),
    [
        ({"a": (0, 1)}, {}),
        ({"a": (0, 1), "b": 3.0}, {}),
        ({"a": (0, 1), "b": (1, 0)}, {}),
        ({"a": (0, 1), "b": (0, 1)}, {"samples": 100}),
        ({"a": (0, 1), "b": (0, 1)}, {"confidence": 0}),
        ({"a": (0, 1), "b": (0, 1)}, {"column": "energy"}),
    ],
)
def test_sobol_indices_refuse_what_cannot_be(factors, more):
    with pytest.raises(InputError, match="allowed"):
        sobol_indices(lambda a, b=0: a + b, factors, **{"samples": 16} | more)


def test_morris_refuses_what_cannot_be(card):
    with pytest.raises(InputError, match="no small steps"):
        morris(lambda a, b: a, {"a": (0, 1), "b": Seeds()})
    with pytest.raises(InputError, match="even number"):
        morris(lambda a, b: a, {"a": (0, 1), "b": (0, 1)}, levels=5)
    with pytest.raises(InputError, match="allowed is one, or Seeds"):
        morris(lambda a, b: a, CardSpace(card, count=2))


def test_picture_ranks():
    found = sobol_indices(ishigami, ANGLES, 64)
    axes = draw_ranking(found).axes[0]
    ranked = found.to_frame()
    assert [label.get_text() for label in axes.get_yticklabels()] == ranked["parameter"].tolist()[::-1]
    widths = [bar.get_width() for bar in axes.containers[0]]
    assert widths == pytest.approx(ranked["total"].tolist()[::-1])
    effects = draw_ranking(morris(ishigami, ANGLES, 4), "voltage", "V", most=2).axes[0]
    assert effects.get_xlabel() == "Change of the voltage over the whole range [V]"
    assert len(effects.get_yticklabels()) == 2
