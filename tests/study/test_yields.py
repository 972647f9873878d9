from math import comb, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm, t

from circuitsnn.errors import InputError
from circuitsnn.study.sweep import sweep
from circuitsnn.study.yields import MeanWithin, YieldWithin, anytime, draw_tolerance, largest_tolerated, wilson


def frame_of(values, status="ok", **more):
    return pd.DataFrame({"value": values, "status": status, **more})


def inside(sigma, chip_rng):
    """A chip is good if a normal variable of its own stays within +-1."""
    return abs(sigma * chip_rng.standard_normal()) < 1.0


def tolerated_exactly(target):
    """Give the sigma with P(|sigma Z| < 1) = target."""
    return 1.0 / norm.isf(0.5 * (1.0 - target))


@pytest.mark.parametrize(("good", "trials"), [(0, 10), (7, 10), (10, 10), (495, 500)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_interval_is_where_the_score_test_ends(good, trials, confidence):
    # Wilson (1927): the ends solve (p_hat - p)^2 = z^2 p (1 - p) / n.
    z = norm.ppf(0.5 + confidence / 2)
    share = good / trials
    ends = np.sort(np.roots([1 + z**2 / trials, -(2 * share + z**2 / trials), share**2]))
    assert wilson(good, trials, confidence) == pytest.approx(ends, abs=1e-12)


def test_no_trials_say_nothing():
    assert wilson(0, 0) == (0.0, 1.0)
    assert anytime(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("good", "trials", "confidence"), [(5, 4, 0.95), (-1, 4, 0.95), (1, 4, 1.0), (1.5, 4, 0.9)])
def test_impossible_counts_are_refused(good, trials, confidence):
    for interval in (wilson, anytime):
        with pytest.raises(InputError, match="allowed"):
            interval(good, trials, confidence)


@pytest.mark.parametrize("share", [0.9, 0.99])
def test_anytime_interval_holds_at_every_look_together(share):
    # Exactly, by following the distribution of the count: each path that has left is taken out for good.
    trials, confidence = 150, 0.9
    alive, left = np.array([1.0]), 0.0
    for n in range(1, trials + 1):
        alive = np.append(alive * (1 - share), 0.0) + np.append(0.0, alive * share)
        for good in np.flatnonzero(alive > 1e-9):
            low, high = anytime(int(good), n, confidence)
            if not low <= share <= high:
                left += alive[good]
                alive[good] = 0.0
    assert left < 1.0 - confidence


def test_many_looks_cost_wilson_its_confidence():
    # The same, at every tenth trial: that is why there is an interval for any time.
    share, alive, left = 0.9, np.array([1.0]), 0.0
    for n in range(1, 201):
        alive = np.append(alive * (1 - share), 0.0) + np.append(0.0, alive * share)
        if n % 10 == 0:
            for good in np.flatnonzero(alive > 1e-9):
                low, high = wilson(int(good), n)
                if not low <= share <= high:
                    left += alive[good]
                    alive[good] = 0.0
    assert left > 0.12


def test_yield_rule_stops_at_the_first_narrow_look():
    found = sweep(inside, {"sigma": [0.6]}, trials=3000, stop=YieldWithin(half_width=0.03))
    assert len(found) < 3000
    widths = {n: np.diff(wilson(int(found["value"][:n].sum()), n))[0] for n in range(100, len(found) + 1, 100)}
    assert widths[len(found)] <= 0.06
    assert all(width > 0.06 for n, width in widths.items() if n < len(found))
    more = sweep(inside, {"sigma": [0.6]}, trials=3000, stop=YieldWithin(half_width=0.03, sequential=True))
    assert len(more) > len(found)
    low, high = anytime(int(more["value"].sum()), len(more))
    assert high - low <= 0.06


def test_a_trial_without_an_answer_is_a_bad_chip():
    frame = frame_of([True] * 99 + [None], status=["ok"] * 99 + ["raised"])
    width = np.diff(wilson(99, 100))[0]
    assert YieldWithin(half_width=0.501 * width).done(frame)
    assert not YieldWithin(half_width=0.499 * width).done(frame)


def test_reads_of_a_chip_count_once():
    # 40 chips of five reads each: two chips have one bad read.
    good = np.ones((40, 5), dtype=bool)
    good[[3, 7], [0, 4]] = False
    frame = frame_of(good.ravel(), chip=np.repeat(np.arange(40), 5), read=np.tile(np.arange(5), 40))
    width = np.diff(wilson(38, 40))[0]
    assert YieldWithin(half_width=0.501 * width).done(frame)
    assert not YieldWithin(half_width=0.499 * width).done(frame)


def test_a_yield_of_other_numbers_is_refused():
    with pytest.raises(InputError, match=r"0\.7; allowed for a yield"):
        YieldWithin().done(frame_of([1.0, 0.7]))
    with pytest.raises(InputError, match="column is 'good'; allowed: value, status"):
        YieldWithin("good").done(frame_of([True]))


def test_mean_rule_uses_students_interval():
    values = np.random.default_rng(1).normal(5.0, 2.0, 50)
    reach = t.ppf(0.975, 49) * values.std(ddof=1) / sqrt(50)
    assert MeanWithin(half_width=1.001 * reach).done(frame_of(values))
    assert not MeanWithin(half_width=0.999 * reach).done(frame_of(values))
    assert MeanWithin(relative=1.001 * reach / values.mean()).done(frame_of(-values))
    assert not MeanWithin(relative=0.999 * reach / values.mean()).done(frame_of(-values))
    with_lost = frame_of(np.append(values, np.nan), status=["ok"] * 50 + ["not a number"])
    assert MeanWithin(half_width=1.001 * reach).done(with_lost)


def test_mean_of_reads_is_a_chips_value():
    values = np.random.default_rng(2).normal(size=(20, 1)) + 1e-3 * np.random.default_rng(3).normal(size=(20, 10))
    means = values.mean(axis=1)
    reach = t.ppf(0.975, 19) * means.std(ddof=1) / sqrt(20)
    frame = frame_of(values.ravel(), chip=np.repeat(np.arange(20), 10), read=np.tile(np.arange(10), 20))
    assert MeanWithin(half_width=1.001 * reach).done(frame)
    assert not MeanWithin(half_width=0.999 * reach).done(frame)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        (YieldWithin, {"half_width": 0.0}),
        (YieldWithin, {"confidence": 1.0}),
        (YieldWithin, {"every": 0}),
        (MeanWithin, {}),
        (MeanWithin, {"half_width": 1.0, "relative": 0.1}),
        (MeanWithin, {"relative": -0.1}),
    ],
)
def test_rules_refuse_what_cannot_be(rule, wrong):
    with pytest.raises(InputError):
        rule(**wrong)


@pytest.mark.parametrize("target", [0.9, 0.99])
def test_tolerated_sigma_of_a_normal_variable(target):
    trials = {0.9: 1500, 0.99: 2500}[target]
    found = largest_tolerated(inside, 0.1, 3.0, target=target, max_trials=trials, precision=0.7, seed=4)
    assert found.status.ok
    assert found.high / found.low <= 1.7
    assert found.low <= tolerated_exactly(target) <= found.high
    assert found.low < found.sigma < found.high
    table = found.to_frame()
    assert (np.diff(found.sigmas) > 0).all()
    # Chips are the same at every sigma, so the yield can only fall.
    assert (np.diff(table["good"] / table["trials"])[table["trials"].diff()[1:] == 0] <= 0).all()
    # Far from the answer few chips decide.
    assert table["trials"].iloc[-1] <= 100


def test_confidence_of_the_tolerated_sigma_is_kept():
    # Each decision by itself errs with at most its share of 20 %; wrong brackets must be rare.
    exact = tolerated_exactly(0.8)
    wrong = 0
    for seed in range(8):
        found = largest_tolerated(
            inside, 0.5, 1.5, target=0.8, max_trials=150, precision=0.5, confidence=0.8, seed=seed
        )
        wrong += not found.low <= exact <= found.high
    assert binom.sf(wrong - 1, 8, 0.2) > 1e-3


def test_undecided_sigmas_are_closed_in_from_both_sides():
    found = largest_tolerated(inside, 0.2, 1.2, target=0.9, max_trials=200, precision=0.02, seed=1)
    assert found.status.name == "not settled"
    assert "raise max_trials" in found.status.advice
    assert "undecided" in found.decisions
    assert found.low <= tolerated_exactly(0.9) <= found.high
    assert found.high / found.low < 2.0


def test_ends_that_hold_no_answer_say_which_to_move():
    too_high = largest_tolerated(inside, 2.0, 5.0, max_trials=100)
    assert "smaller low" in too_high.status.advice
    assert too_high.low == 0.0
    assert np.isnan(too_high.sigma)
    too_low = largest_tolerated(inside, 0.05, 0.1, target=0.5, max_trials=100)
    assert "larger high" in too_low.status.advice
    assert too_low.high == np.inf
    unclear = largest_tolerated(inside, 0.05, 0.1, max_trials=20)
    assert "too near 99 % to tell with 20 chips" in unclear.status.advice


def test_chips_without_an_answer_are_counted():
    def fragile(sigma, chip_rng):
        value = abs(sigma * chip_rng.standard_normal())
        if value > 2.0:
            raise ArithmeticError("no operating point")
        return value < 1.0

    found = largest_tolerated(fragile, 0.1, 3.0, target=0.9, max_trials=300, precision=0.5)
    table = found.to_frame()
    assert table["unanswered"].iloc[-1] > 0
    assert (table["good"] + table["unanswered"] <= table["trials"]).all()
    assert found.low <= tolerated_exactly(0.9) <= found.high


def test_a_search_goes_on_from_its_store(tmp_path):
    calls = tmp_path / "calls"

    def counted(sigma, chip_rng):
        with calls.open("a") as file:
            file.write(".")
        return inside(sigma, chip_rng)

    first = largest_tolerated(counted, 0.2, 1.2, target=0.9, max_trials=100, store=tmp_path / "search")
    made = calls.stat().st_size
    again = largest_tolerated(counted, 0.2, 1.2, target=0.9, max_trials=100, store=tmp_path / "search")
    assert calls.stat().st_size == made == first.trials.sum()
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame())


@pytest.mark.parametrize(
    "wrong", [{"low": 0.0}, {"low": 3.0}, {"high": np.inf}, {"target": 1.0}, {"precision": 0.0}, {"max_trials": 1}]
)
def test_searches_refuse_what_cannot_be(wrong):
    with pytest.raises(InputError, match="allowed"):
        largest_tolerated(inside, **{"low": 0.1, "high": 2.0} | wrong)


def test_picture_shows_every_sigma_and_the_bracket():
    found = largest_tolerated(inside, 0.2, 1.2, target=0.9, max_trials=200, precision=0.1)
    axes = draw_tolerance(found).axes[0]
    shown = np.concatenate([container.lines[0].get_xdata() for container in axes.containers])
    assert sorted(shown) == pytest.approx(found.sigmas)
    assert axes.get_ylabel().endswith("[%]")
    assert axes.get_xlabel().endswith("[-]")


def test_wilson_covers_the_truth_as_often_as_it_should_on_average():
    # A fixed number of trials, exactly: averaged over yields, it is close to nominal (Agresti and Coull 1998).
    trials, shares = 50, np.linspace(0.05, 0.95, 91)
    ends = np.array([wilson(k, trials) for k in range(trials + 1)])
    weights = np.array([[comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(trials + 1)] for p in shares])
    covered = (ends[:, 0] <= shares[:, None]) & (shares[:, None] <= ends[:, 1])
    assert (weights * covered).sum(axis=1).mean() == pytest.approx(0.95, abs=0.01)
