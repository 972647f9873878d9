import numpy as np
import pytest

from circuitsnn import InputError
from circuitsnn.study import load_study, run_study

REDUCED = {"betas": "1.875", "fuzzy": "4", "images": "2", "random_sets": "1", "shifts": "0", "loads": "20k"}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    study = load_study("delacour2021_recall")
    return run_study(study, quick=True, settings=REDUCED, jobs=1, out=tmp_path_factory.mktemp("out") / "recall")


def test_every_claim_is_computed(result):
    assert len(result.claims) > 12
    numbers = [claim.ours for claim in result.claims if not isinstance(claim.ours, str)]
    assert np.isfinite(numbers).all()


def test_claims_that_hang_on_no_chance_hold(result):
    starts = ("Discharge to charge", "Neutral resistance", "Delta R max over R_min at beta = 1.875", "Delta R min")
    holding = {claim.name: claim.holds for claim in result.claims if claim.name.startswith(starts)}
    assert len(holding) == 6
    assert all(holding.values())


def test_accuracies_lie_in_their_intervals(result):
    table = result.tables["results"]
    assert set(table["set"]) == {"digits", "random"}
    assert set(table["memory"]) == {"1.875", "linear fit", "shift", "Hopfield"}
    assert (table["images"] == 2).all()
    assert (table["low"] <= table["accuracy"] + 1e-9).all()
    assert (table["accuracy"] <= table["high"] + 1e-9).all()


def test_four_oscillators_at_table_1_recall_their_pattern(result):
    table = result.tables["four_oscillators"]
    assert table["recalled"].all()


def test_sets_without_an_image_are_refused(tmp_path):
    study = load_study("delacour2021_recall")
    with pytest.raises(InputError, match="every set needs at least one image"):
        run_study(study, quick=True, settings=REDUCED | {"random_sets": "5"}, jobs=1, out=tmp_path / "recall")
