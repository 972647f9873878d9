from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2, multivariate_normal, norm

from circuitsnn.cards import Correlation, Spread, load_card
from circuitsnn.errors import InputError, StudyError
from circuitsnn.study.card_space import CardSpace
from circuitsnn.study.rare_failures import draw_scaled_sigma, importance_sampling, scaled_sigma

DIRECTION = np.array([1.0, 2.0, 0.0, -1.0, 0.5, 0.3])
DIRECTION /= np.linalg.norm(DIRECTION)


def linear(z):
    """Fail beyond 5 standard deviations in one direction; in volts, say."""
    return 1e-3 * (5.0 - DIRECTION @ z)


def curved(z):
    return 5.0 - z[0] - 0.15 * z[1] ** 2


def two_sided(z):
    return 4.5 - abs(z[0])


CURVED = quad(lambda z: norm.pdf(z) * norm.sf(5.0 - 0.15 * z**2), -12.0, 12.0)[0]

KNOWN = {
    "linear, 5 sigma": (linear, 6, norm.sf(5.0)),
    "linear, 6 sigma, 40 variables": (lambda z: 6.0 - z.sum() / np.sqrt(40), 40, norm.sf(6.0)),
    "curved, by quadrature": (curved, 2, CURVED),
    "two regions": (two_sided, 3, 2.0 * norm.sf(4.5)),
    "two regions at 45 degrees": (
        lambda z: 5.0 - max(z[0], (z[0] + z[1]) / np.sqrt(2)),
        2,
        1.0 - multivariate_normal(cov=[[1.0, 0.5**0.5], [0.5**0.5, 1.0]]).cdf([5.0, 5.0]),
    ),
    "two unlike regions": (
        lambda z: min(4.5 - z[0], 1e-3 * (5.0 + z[1])),
        3,
        norm.sf(4.5) + norm.sf(5.0) - norm.sf(4.5) * norm.sf(5.0),
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_importance_sampling_finds_known_probabilities(name):
    margin, dimension, exact = KNOWN[name]
    found = importance_sampling(margin, dimension, seed=5, trials=3000, confidence=0.999)
    assert found.status.ok
    assert found.low <= exact <= found.high
    assert found.high / found.low < 2.0
    assert found.sigma == pytest.approx(norm.isf(exact), abs=0.1)
    assert found.evaluations < 8000


def test_interval_holds_as_often_as_it_says():
    estimates = [
        importance_sampling(linear, 6, shifts=5.0 * DIRECTION, trials=400, confidence=0.9, seed=seed)
        for seed in range(60)
    ]
    held = sum(found.low <= norm.sf(5.0) <= found.high for found in estimates)
    assert 46 <= held <= 60  # 54 expected; 46 or fewer happen to a true 90 % once in 400
    mean = np.mean([found.probability for found in estimates])
    error = np.std([found.probability for found in estimates]) / np.sqrt(60)
    assert mean == pytest.approx(norm.sf(5.0), abs=4 * error)


def test_agrees_with_brute_force_where_that_is_possible():
    def margin(z):
        return 3.0 - z[0] - 0.3 * z[1] * z[2]

    z = np.random.default_rng(0).standard_normal((3, 2_000_000))
    failures = int((margin(z) <= 0.0).sum())
    found = importance_sampling(margin, 3, seed=1, confidence=0.999)
    share, error = failures / 2e6, np.sqrt(failures) / 2e6
    assert found.low - 3 * error <= share <= found.high + 3 * error


def test_shift_is_the_nearest_failure():
    found = importance_sampling(linear, 6, seed=2, trials=200)
    assert len(found.shifts) == 1
    assert found.shifts[0] == pytest.approx(5.0 * DIRECTION, abs=0.15)
    both = importance_sampling(two_sided, 3, seed=2, trials=200)
    assert sorted(both.shifts[:, 0]) == pytest.approx([-4.5, 4.5], abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_a_single_wrong_shift_is_not_believed(seed):
    # Without the wide samples half of the failures would be missed in silence.
    found = importance_sampling(two_sided, 3, shifts=[4.5, 0.0, 0.0], trials=3000, seed=seed)
    assert not found.status.ok
    assert "where samples are thin" in found.status.advice


def test_failures_all_around_are_estimated_or_not_believed():
    # Failure beyond a radius of 6 in a plane: P = exp(-18), and no shift is right.
    found = importance_sampling(lambda z: 6.0 - np.hypot(*z), 2, seed=3, confidence=0.999)
    assert len(found.shifts) > 2
    assert not found.status.ok or found.low <= np.exp(-18.0) <= found.high
    # In ten dimensions, six shifts cover little of the sphere.
    found = importance_sampling(lambda z: 7.5 - np.linalg.norm(z), 10, seed=3)
    assert not found.status.ok or found.low <= chi2.sf(7.5**2, 10) <= found.high


def test_no_failure_is_no_proof():
    found = importance_sampling(lambda z: 1.0 + z[0] ** 2, 2, exploration=20)
    assert (found.probability, found.low, found.high) == (0.0, 0.0, 1.0)
    assert "no failure among" in found.status.advice
    scaled = scaled_sigma(lambda z: True, 2)
    assert (scaled.probability, scaled.high) == (0.0, 1.0)
    assert not scaled.status.ok


def test_pass_or_fail_is_for_scaled_sigma_only():
    with pytest.raises(InputError, match=r"two values only.*scaled_sigma"):
        importance_sampling(lambda z: z[0] < 3.0, 2)


def test_the_margin_must_be_a_number():
    with pytest.raises(StudyError, match=r"margin at \(.*\) is not a number; return a negative one"):
        importance_sampling(lambda z: np.nan, 2)
    with pytest.raises(StudyError, match="failed: ZeroDivisionError"):
        scaled_sigma(lambda z: 1 / 0, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"space": 0},
        {"trials": 10},
        {"confidence": 1.0},
        {"shifts": [1.0, 2.0, 3.0]},
        {"shifts": [np.nan, 0.0]},
        {"regions": 0},
    ],
)
def test_importance_sampling_refuses_what_cannot_be(wrong):
    with pytest.raises(InputError, match="allowed"):
        importance_sampling(curved, **{"space": 2} | wrong)


@pytest.mark.parametrize("wrong", [{"scales": [2, 3, 4]}, {"scales": [1, 2, 3, 4]}, {"trials": 0}])
def test_scaled_sigma_refuses_what_cannot_be(wrong):
    with pytest.raises(InputError, match="allowed"):
        scaled_sigma(curved, 2, **wrong)


@pytest.mark.parametrize(
    ("margin", "dimension", "exact"),
    [
        (lambda z: z[0] < 4.0, 4, norm.sf(4.0)),
        (lambda z: 4.0 - abs(z[0]), 2, 2 * norm.sf(4.0)),
        (lambda z: 5.5 - np.hypot(*z), 2, np.exp(-0.5 * 5.5**2)),
    ],
    ids=["pass or fail", "two regions", "ring"],
)
def test_scaled_sigma_finds_the_order_of_magnitude(margin, dimension, exact):
    found = scaled_sigma(margin, dimension, seed=1, trials=12_000, confidence=0.99)
    assert found.low <= exact <= found.high
    assert found.sigma == pytest.approx(norm.isf(exact), abs=0.4)
    assert found.low < found.probability < found.high


def test_scaled_sigma_law_is_exact_for_a_ring():
    # P(s) = exp(-r^2 / (2 s^2)): alpha = beta = 0, gamma = -r^2 / 2; many trials leave nothing else.
    from circuitsnn.study.rare_failures.scaled_sigma_sampling import _extrapolate

    scales, trials = np.geomspace(1.5, 4.0, 6), np.full(6, 10**9)
    failures = np.round(1e9 * np.exp(-18.0 / scales**2)).astype(int)
    found = _extrapolate(scales, trials, failures, 0.95, 0)
    assert found.coefficients == pytest.approx([0.0, 0.0, -18.0], abs=2e-2)
    assert found.probability == pytest.approx(np.exp(-18.0), rel=2e-2)


def test_a_law_that_does_not_fit_is_not_believed():
    # A second way to fail that appears at larger spreads only.
    found = scaled_sigma(
        lambda z: min(2.5 - z[0], 12.0 - np.linalg.norm(z)), 8, scales=[1.5, 2.0, 3.0, 4.0, 5.0, 6.0], trials=6000
    )
    assert not found.status.ok
    assert "does not fit" in found.status.advice


def test_store_keeps_the_samples(tmp_path):
    calls = tmp_path / "calls"

    def counted(z):
        with calls.open("a") as file:
            file.write(".")
        return 4.0 - z[0]

    first = importance_sampling(counted, 2, shifts=[4.0, 0.0], trials=300, store=tmp_path / "samples.db")
    made = calls.stat().st_size
    again = importance_sampling(counted, 2, shifts=[4.0, 0.0], trials=300, store=tmp_path / "samples.db")
    assert calls.stat().st_size == 2 * made - 300
    assert first.probability == again.probability
    plain = importance_sampling(counted, 2, shifts=[4.0, 0.0], trials=300)
    assert plain.probability == first.probability


@pytest.fixture
def card():
    return load_card("vo2_delacour2021")


def tied(card, coefficient):
    """Correlate V_L with V_H."""
    spread = replace(card.parameters["V_L"].spread, correlated_with=Correlation("V_H", coefficient))
    return replace(card, parameters={**card.parameters, "V_L": replace(card.parameters["V_L"], spread=spread)})


def test_a_cards_own_spreads(card):
    # V_H is normal with a standard deviation of 1 % of 1.999 V.
    space = CardSpace(card, only="V_H")
    limit = 1.999 * (1 + 0.01 * 4.5)
    found = importance_sampling(lambda device: limit - device["V_H"][0], space, trials=2000, confidence=0.999)
    assert found.status.ok
    assert found.low <= norm.sf(4.5) <= found.high
    assert found.existing == 1.0


def test_correlated_spreads_of_a_card(card):
    # The hysteresis V_H - V_L of correlated normal variables is normal.
    space = CardSpace(tied(card, 0.8), only=("V_H", "V_L"))
    deviation = np.sqrt(0.01999**2 + 0.01**2 - 2 * 0.8 * 0.01999 * 0.01)
    limit = 0.999 - 5.0 * deviation
    found = importance_sampling(
        lambda device: device["V_H"][0] - device["V_L"][0] - limit, space, trials=2000, confidence=0.999
    )
    assert found.low <= norm.sf(5.0) <= found.high
    assert found.high / found.low < 2.0


def test_the_worst_of_many_devices(card):
    # Ten devices fail with 1 - (1 - p)^10; each is a region of its own.
    space = CardSpace(card, count=10, sigma=0.01, only="V_H")
    limit = 1.999 * (1 + 0.01 * 4.5)
    found = importance_sampling(
        lambda device: limit - device["V_H"].max(), space, regions=10, trials=6000, confidence=0.999
    )
    exact = -np.expm1(10 * np.log1p(-norm.sf(4.5)))
    assert len(found.shifts) == 10
    assert found.low <= exact <= found.high


def test_devices_that_cannot_exist_are_left_out(card):
    # R_met below R_ins is all that exists: P(R_met > limit, exists) / P(exists), both lognormal.
    space = CardSpace(card, sigma=3.0, only="R_met")
    width = np.sqrt(np.log1p(9.0))
    limit, bound = 50e3, 100.2e3
    exist = norm.cdf(np.log(bound / 990.0) / width)
    exact = (exist - norm.cdf(np.log(limit / 990.0) / width)) / exist
    found = importance_sampling(lambda device: np.log(limit / device["R_met"][0]), space, trials=4000, confidence=0.999)
    assert found.existing == pytest.approx(exist, abs=4e-3)
    assert found.low <= exact <= found.high


def test_table_and_picture_say_what_was_found():
    found = scaled_sigma(lambda z: 4.0 - z[0], 2, trials=4000)
    row = found.to_frame().iloc[0]
    assert row["probability"] == found.probability
    assert row["trials"] == found.trials.sum() <= 4000
    axes = draw_scaled_sigma(found).axes[0]
    assert axes.get_yscale() == "log"
    law = axes.lines[0]
    assert law.get_ydata()[0] == pytest.approx(found.probability)
    row = importance_sampling(linear, 6, trials=200).to_frame().iloc[0]
    assert row["distance"] == pytest.approx(5.0, abs=0.1)
    assert row["regions"] == 1


def test_a_law_that_was_not_fitted_is_not_drawn():
    with pytest.raises(InputError, match="no law to draw"):
        draw_scaled_sigma(scaled_sigma(lambda z: True, 2, trials=100))


def test_uniform_spread_has_ends(card):
    spread = Spread(relative_sigma=0.01, distribution="uniform")
    parameters = {**card.parameters, "V_H": replace(card.parameters["V_H"], spread=spread)}
    space = CardSpace(replace(card, parameters=parameters), only="V_H")
    assert space.devices([-40.0])["V_H"][0] == pytest.approx(1.999 * (1 - 0.01 * np.sqrt(3)))
    assert space.devices([40.0])["V_H"][0] == pytest.approx(1.999 * (1 + 0.01 * np.sqrt(3)))
