"""Sweeps: trials, seeds, statuses, stop rules and the table."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import pytest

import circuitsnn
from circuitsnn.errors import InputError
from circuitsnn.status import Status
from circuitsnn.study.plans import grid, listed, random
from circuitsnn.study.sweep import StopRule, seed_of, sweep, to_xarray


def total(a, b=0.0):
    return a + b


def noisy(a, rng):
    return a + rng.standard_normal()


def test_each_row_is_done_once_and_in_order():
    frame = sweep(total, {"a": ["1k", "2k"], "b": [0, 1, 2]})
    assert frame["value"].tolist() == [a + b for a, b in product([1e3, 2e3], [0, 1, 2])]
    assert frame["a"].tolist() == [1e3] * 3 + [2e3] * 3
    assert list(frame) == ["a", "b", "value", "seed", "status", "error", "duration"]
    assert set(frame["status"]) == {"ok"}
    assert (frame["duration"] >= 0).all()
    assert frame.index.tolist() == list(range(6))


def test_seeds_follow_from_row_chip_and_read_alone():
    frame = sweep(noisy, {"a": [0.0, 1.0]}, trials=3, reads=2, seed=11)
    cells = list(product(range(2), range(3), range(2)))
    assert list(zip(frame["chip"], frame["read"], strict=True)) == [(chip, read) for _, chip, read in cells]
    # NumPy afresh: 63 bits of the seed sequence with the trial's place as its key.
    seeds = [int(np.random.SeedSequence(11, spawn_key=cell).generate_state(1, np.uint64)[0]) >> 1 for cell in cells]
    assert frame["seed"].tolist() == seeds
    expected = [
        row + np.random.default_rng(seed).standard_normal() for (row, _, _), seed in zip(cells, seeds, strict=True)
    ]
    np.testing.assert_array_equal(frame["value"], expected)
    assert seed_of(11, 1, 2, 0) == seeds[10]
    assert len(set(seeds)) == len(seeds)


def test_reads_share_a_chip():
    def read(rng, chip_rng, seed):
        return {"chip_draw": chip_rng.random(), "read_draw": rng.random(), "given": seed}

    frame = sweep(read, {}, trials=4, reads=3, seed=1)
    by_chip = frame.groupby("chip")["chip_draw"]
    assert (by_chip.nunique() == 1).all()
    assert frame["chip_draw"].nunique() == 4
    assert frame["read_draw"].nunique() == 12
    assert not set(frame["chip_draw"]) & set(frame["read_draw"])
    assert frame["given"].tolist() == frame["seed"].tolist()


def test_common_chips_are_the_same_in_all_rows():
    frame = sweep(noisy, {"a": [0.0, 1.0]}, trials=5, seed=1, common=True)
    first, second = (frame[frame["a"] == a]["value"].to_numpy() for a in (0.0, 1.0))
    np.testing.assert_allclose(second - first, 1.0, rtol=1e-12)
    apart = sweep(noisy, {"a": [0.0, 1.0]}, trials=5, seed=1)
    assert apart["value"].nunique() == 10
    assert np.ptp(np.diff(apart["value"].to_numpy().reshape(2, 5), axis=0)) > 0.1


def test_trials_that_fail_are_recorded_and_the_rest_goes_on():
    def fragile(a):
        if a == 1:
            raise ValueError("no such device")
        return {"x": float("nan") if a == 2 else a, "good": a > 2, "label": "fine"}

    frame = sweep(fragile, {"a": [1, 2, 3]})
    assert frame["status"].tolist() == ["raised", "not a number", "ok"]
    assert frame["error"].tolist() == ["ValueError: no such device", "NaN: x", ""]
    assert frame["good"].dtype == "boolean"
    assert frame["good"].mean() == 0.5
    np.testing.assert_array_equal(frame["x"], [np.nan, np.nan, 3.0])
    assert frame["label"].tolist()[1:] == ["fine", "fine"]


def test_an_empty_plan_row_runs_as_often_as_asked():
    frame = sweep(lambda rng: rng.random(), {}, trials=3)
    assert list(frame)[:2] == ["chip", "value"]
    assert frame["value"].nunique() == 3


@dataclass(frozen=True)
class Result:
    energy: float
    duration: float
    status: Status
    trace: np.ndarray

    @property
    def power(self):
        return self.energy / self.duration

    @property
    def broken(self):
        raise RuntimeError("not here")


class Tabled:
    def to_frame(self):
        frame = pd.DataFrame({"energy": [2.0], "name": ["x"]})
        frame.attrs["units"] = {"energy": "J"}
        return frame


def test_result_objects_give_their_numbers():
    frame = sweep(lambda a: Result(a, 2.0, Status("settled"), np.zeros(3)), {"a": [1.0, 3.0]})
    assert list(frame)[1:5] == ["energy", "result_duration", "result_status", "power"]
    assert frame["power"].tolist() == [0.5, 1.5]
    assert frame["result_status"].tolist() == ["settled"] * 2


def test_tables_of_one_row_give_it_with_its_units():
    frame = sweep(lambda a: Tabled(), {"a": [1.0]})
    assert frame["energy"].tolist() == [2.0]
    assert frame.attrs["units"] == {"energy": "J", "duration": "s"}


@pytest.mark.parametrize(
    "answer", [[1, 2], "text", None, {"a": [1]}, {3: 1}, np.zeros(2), object(), pd.DataFrame(), 1j]
)
def test_other_answers_fail_their_trial(answer):
    frame = sweep(lambda a: answer, {"a": [1]})
    assert frame["status"].tolist() == ["raised"]
    assert "the function answered" in frame["error"].iloc[0]


@pytest.mark.parametrize(
    ("answer", "value"), [(np.float64(2.5), 2.5), (np.array(3), 3), (np.int64(4), 4), (True, True)]
)
def test_numpy_numbers_are_numbers(answer, value):
    frame = sweep(lambda a: answer, {"a": [1]})
    assert frame["value"].tolist() == [value]


def test_names_of_other_columns_get_another_name():
    frame = sweep(lambda a: {"a": 2 * a, "seed": 5}, {"a": [1]})
    assert frame[["a", "result_a", "result_seed"]].to_numpy().tolist() == [[1, 2, 5]]


def test_units_that_plan_and_answers_do_not_state_can_be_given(tmp_path):
    plan = grid({"a": ["1 kΩ"], "b": [1.0]})
    units = {"a": "V", "b": "V", "value": "J"}
    for store in (None, tmp_path / "s.db"):
        frame = sweep(total, plan, units=units, store=store)
        # The plan's own unit stays.
        assert frame.attrs["units"] == {"a": "Ω", "b": "V", "value": "J", "duration": "s"}
    again = sweep(total, plan, units={**units, "value": "W"}, store=tmp_path / "s.db")
    assert again.attrs["units"]["value"] == "W"
    for wrong in (["V"], {"a": 1}, "V"):
        with pytest.raises(InputError, match="allowed is a mapping of names to SI units"):
            sweep(total, plan, units=wrong)


def test_units_and_parameters_last_through_parquet(tmp_path):
    frame = sweep(total, grid({"a": ["1 kΩ"], "b": [1.0]}, {"b": "V"}))
    assert frame.attrs["units"] == {"a": "Ω", "b": "V", "duration": "s"}
    assert frame.attrs["parameters"] == ["a", "b"]
    about = {"function": "test_sweep.total", "seed": 0, "rows": 1, "trials": 1, "reads": 1, "common": False}
    assert frame.attrs["sweep"] == {"version": circuitsnn.__version__, **about}
    frame.to_parquet(tmp_path / "frame.parquet")
    back = pd.read_parquet(tmp_path / "frame.parquet")
    pd.testing.assert_frame_equal(back, frame)
    assert back.attrs == frame.attrs


class MeanIsKnown:
    """Stops when the standard error of the mean is small enough."""

    every = 10

    def __init__(self, error):
        self.error = error
        self.asked = []

    def done(self, frame):
        self.asked.append(len(frame))
        return frame["value"].std() / np.sqrt(len(frame)) < self.error


def test_a_stop_rule_is_asked_at_fixed_numbers_of_trials():
    rule = MeanIsKnown(0.1)
    frame = sweep(noisy, {"a": [0.0]}, trials=1000, stop=rule)
    assert rule.asked == list(range(10, len(frame) + 1, 10))
    assert 80 < len(frame) < 160  # 1/0.1^2 = 100 trials of a standard deviation of one
    pd.testing.assert_series_equal(frame["value"], sweep(noisy, {"a": [0.0]}, trials=len(frame))["value"])


def test_rows_with_several_trials_stop_on_their_own():
    def spread(a, rng):
        return a * rng.standard_normal()

    frame = sweep(spread, {"a": [1.0, 2.0, 0.01]}, trials=2000, stop=MeanIsKnown(0.1), common=True)
    counts = frame.groupby("a").size()
    assert counts[0.01] == 10
    # The number grows with the variance.
    assert counts[2.0] / counts[1.0] == pytest.approx(4.0, rel=0.2)


def test_a_plan_of_single_trials_stops_as_a_whole():
    frame = sweep(total, random({"a": (0, 1)}, 5000, seed=1), stop=MeanIsKnown(0.02))
    assert 100 < len(frame) < 300  # (sqrt(1/12)/0.02)^2 = 208


def test_a_rule_that_never_stops_changes_nothing():
    rule = MeanIsKnown(-1.0)
    frame = sweep(total, {"a": range(150)}, stop=rule)
    assert frame["value"].tolist() == list(range(150))
    # Ten more each time, or a tenth more where that is more.
    assert rule.asked == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 121, 133, 146]
    assert isinstance(MeanIsKnown(1.0), StopRule)


def test_xarray_of_a_grid():
    frame = sweep(total, grid({"a": ["2 V", "1 V"], "b": [0.0, 1.0, 2.0]}), trials=2)
    data = to_xarray(frame)
    assert dict(data.sizes) == {"a": 2, "b": 3, "chip": 2}
    assert data["a"].to_numpy().tolist() == [2.0, 1.0]
    assert float(data["value"].sel(a=2.0, b=1.0, chip=1)) == 3.0
    assert data["a"].attrs["units"] == "V"
    assert data["duration"].attrs["units"] == "s"


def test_xarray_of_other_plans():
    data = to_xarray(sweep(total, listed([{"a": 1, "b": 2}, {"a": 3, "b": 4}])))
    assert dict(data.sizes) == {"trial": 2}
    assert data["a"].to_numpy().tolist() == [1, 3]
    assert set(data.coords) == {"trial", "a", "b"}
    with pytest.raises(InputError, match="no sweep's"):
        to_xarray(pd.DataFrame({"a": [1]}))


def test_progress_tells_rate_and_failures():
    told = []

    def fails(a):
        raise ValueError

    sweep(fails, {"a": range(20)}, progress=lambda share, text: told.append((share, text)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert told[-1][1].startswith("20 of 20 trials, ")
    assert told[-1][1].endswith("a second, 20 failed")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"trials": 0}, "trials is 0"),
        ({"reads": 1.5}, "reads is 1.5"),
        ({"seed": -1}, "seed is -1"),
        ({"jobs": 0}, "jobs is 0"),
        ({"time_limit": 0}, "time_limit is 0"),
        ({"time_limit": "1"}, "time_limit is '1'"),
        ({"stop": 3}, "stop is 3"),
        ({"executor": "moon"}, "moon"),
    ],
)
def test_wrong_arguments_are_refused(arguments, words, tmp_path):
    with pytest.raises(InputError, match=words):
        sweep(total, {"a": [1]}, store=tmp_path / "folder" / "s.db", **arguments)
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize(
    ("function", "plan", "words"),
    [
        (total, {"c": [1]}, "total.*cannot be called with the plan's parameters"),
        (total, {"b": [1]}, "missing a required argument: 'a'"),
        (3, {"a": [1]}, "function is 3"),
        (total, 3, "a plan is 3"),
        (total, "ab", "a plan is 'ab'"),
        (total, [], "no rows"),
        (total, {"a": [1], "seed": [2]}, "'seed'"),
    ],
)
def test_wrong_functions_and_plans_are_refused(function, plan, words):
    with pytest.raises(InputError, match=words):
        sweep(function, plan)


def test_an_interruption_passes_through(tmp_path):
    def interrupted(a):
        if a == 2:
            raise KeyboardInterrupt
        return a

    with pytest.raises(KeyboardInterrupt):
        sweep(interrupted, {"a": [1, 2, 3]}, store=tmp_path / "s.db")
