"""A small run of the study of one oscillator and a pair."""

import pytest

from circuitsnn import InputError
from circuitsnn.study import load_study, run_study

SMALL = {"resistances": 6, "delays": 3, "periods": 20, "boundaries": 2, "changes": 3}
# What differs from the paper, and the study's remarks say why.
MISSES = {
    "Period, smooth (equations 1-3 as written)",
    "Fig. 3A: 10 k, T/2, without switches",
    "Fig. 3B: 10 k, T/2, with switches, relaxed",
    "Fig. 7: period, V_H +4 % over -4 %, V_H = 1.99 V",
    "Fig. 7: change of R_0 with V_H +4 %, V_H = 1.999 V",
    "Fig. 7: period, V_H +4 % over -4 %, V_H = 1.999 V",
    "Fig. 7: period, R_ins -20 % over +20 %, V_H = 1.999 V",
    "Fig. 8A: R_S = 3 k has pairs near 270 degrees",
}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    study = load_study("delacour2021_transition")
    return run_study(study, quick=True, settings=SMALL, out=tmp_path_factory.mktemp("run") / "transition")


def test_only_the_explained_claims_fail(result):
    assert {claim.name for claim in result.claims if not claim.holds} == MISSES
    assert all(claim.remark for claim in result.claims if not claim.holds)


def test_numbers_of_the_variation(result):
    """Two independent evaluations of the closed form gave these."""
    variation = result.tables["variation"].set_index(["V_H_base", "parameter", "change"])["R_0_change_percent"]
    for key, percent in {
        ("printed", "V_H", 0.04): 43,
        ("printed", "V_H", -0.04): -17,
        ("card", "V_H", 0.04): 59,
        ("card", "V_H", -0.04): -17,
        ("card", "R_ins", -0.2): 69,
    }.items():
        assert variation[key] == pytest.approx(percent, abs=0.6)


def test_tables_and_pictures_are_there(result):
    assert set(result.tables) >= {"results", "oscillators", "starts", "phase_maps", "board", "variation", "mapping"}
    assert len(result.tables["phase_maps"]) == 3 * 6 * 3
    assert result.tables["results"]["difference_percent"].abs().max() < 1.0
    assert len(result.figures) == 7
    assert all(path.stat().st_size > 10_000 for path in result.figures)


def test_an_even_number_of_changes_misses_the_nominal_device(tmp_path):
    with pytest.raises(InputError, match="changes is 4; allowed is an odd whole number"):
        run_study(load_study("delacour2021_transition"), settings={"changes": 4}, out=tmp_path / "run")
