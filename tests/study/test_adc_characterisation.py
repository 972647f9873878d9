"""A small run of the study of the converters."""

import sys

import numpy as np
import pytest

from circuitsnn import InputError
from circuitsnn.study import load_study, run_study
from circuitsnn.study.pictures import picture_of

SMALL = {
    "converters": 40,
    "bits": "6",
    "mismatch": "0.005,0.05",
    "mismatch_bits": "6",
    "offset": "0,10m",
    "noise": "1m,10m",
    "settling": "2,10",
    "samples": 50_000,
    "drawn": 300,
    "banks": 40,
}
# What differs from the paper, and the study's remarks say why.
MISSES = {
    "Table 4: energy of a conversion at 6 bit, formula",
    "Section 7.3.2: energy of an 8-bit conversion over that of a 4-bit one, SAR circuit, binary array",
}


@pytest.fixture(scope="module")
def study():
    return load_study("adc_characterisation")


@pytest.fixture(scope="module")
def module(study):
    return sys.modules[study.run.__module__]


@pytest.fixture(scope="module")
def result(study, tmp_path_factory):
    return run_study(study, quick=True, settings=SMALL, jobs=1, out=tmp_path_factory.mktemp("run") / "adc")


def test_only_the_explained_claims_fail(result):
    assert len(result.claims) == 22
    assert {claim.name for claim in result.claims if not claim.holds} == MISSES
    assert all(claim.remark for claim in result.claims)


def test_only_the_papers_numbers_count_as_its(result):
    named = [claim for claim in result.claims if claim.name.startswith(("Table 4", "Section 7.3.2", "Shortest"))]
    assert [claim for claim in result.claims if claim.paper is not None] == named


def test_shares_lie_in_their_intervals_and_fall_with_mismatch_noise_and_haste(result):
    sweeps = result.tables["sweeps"]
    for name in ("complete", "good"):
        assert np.all(sweeps[f"{name}_low"] <= sweeps[name])
        assert np.all(sweeps[name] <= sweeps[f"{name}_high"])
    found = sweeps.set_index(["parameter", "design", "value"])["enob"]
    for better, worse in (
        (("mismatch", "SAR", 0.005), ("mismatch", "SAR", 0.05)),
        (("mismatch", "SAR", 0.05), ("mismatch", "split SAR", 0.05)),
        (("offset", "flash", 0.0), ("offset", "flash", 10e-3)),
        (("noise", "ramp", 1e-3), ("noise", "ramp", 10e-3)),
        (("settling", "SAR", 10.0), ("settling", "SAR", 2.0)),
    ):
        assert found[better] > found[worse] + 0.05


def test_energy_names_its_model(result):
    energy = result.tables["energy"].set_index(["design", "model"])
    assert energy.loc[("SAR", "measured"), "energy"] == pytest.approx(0.268e-12)
    assert energy.loc[("SAR", "measured"), "time"] == pytest.approx(6e-9)
    assert set(energy.loc["split SAR"].index) == {"measured", "formula", "charges"}
    assert set(energy.loc["flash"].index) == {"formula", "circuit"}
    np.testing.assert_allclose(energy["walden"] * 2.0 ** energy["enob"], energy["energy"])


def test_energy_of_small_arrays_is_that_of_paper_and_pencil(module):
    """One bit: half a unit goes up by half the reference. Two bits: Liu et al. 2010 give 1 + 3/4 for a half circuit."""
    assert module.switching_energy(1, 0, 0.0) == pytest.approx(0.5)
    assert module.switching_energy(2, 0, 0.0) == pytest.approx(1.75)


def test_theory_of_the_yield_is_that_of_drawn_arrays(module):
    bits, sigma, size = 5, 0.12, 40_000
    nominal = np.r_[1.0, 2.0 ** np.arange(bits)]  # the dummy first
    units = nominal + sigma * np.sqrt(nominal) * np.random.default_rng(2).standard_normal((size, bits + 1))
    digits = np.arange(1 << bits)[:, None] >> np.arange(bits) & 1
    levels = units[:, 1:] @ digits.T[:, 1:]
    width = np.diff(levels, axis=1)
    mean = (levels[:, -1:] - levels[:, :1]) / (levels.shape[1] - 1)
    complete = np.mean(np.all(width > 0.1 * mean, axis=1))
    assert module.complete_share(bits, sigma) == pytest.approx(complete, abs=4.0 * 0.5 / np.sqrt(size))


def test_pictures_are_there(result):
    assert len(result.figures) == 4
    assert all(path.stat().st_size > 10_000 for path in result.figures)


def test_table_4_must_be_among_the_resolutions(study, tmp_path):
    with pytest.raises(InputError, match="allowed are numbers with 6, Table 4's, among them"):
        run_study(study, settings={"bits": "4,8"}, out=tmp_path / "run")


def test_yields_are_drawn_against_each_parameter(result):
    table = result.tables["sweeps"]
    picture = picture_of(table)
    assert picture.keys == ("parameter", "design", "bits", "value")
    for axes in picture.draw(table).axes:
        assert axes.get_xlabel() in set(table[picture.panels])
        assert axes.containers
