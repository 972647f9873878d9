"""The study of ACE-SNN's first layer: sizes of the networks, what must follow from the equations, a small run."""

import numpy as np
import pytest

from circuitsnn.cards import load_card
from circuitsnn.study import load_study, run_study


@pytest.fixture(scope="module")
def module():
    study = load_study("ace_snn_macro")
    return study.run.__globals__


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    settings = {"chips": 2, "patches": 20}
    folder = tmp_path_factory.mktemp("ace")
    return run_study(load_study("ace_snn_macro"), quick=True, settings=settings, jobs=1, out=folder)


@pytest.mark.parametrize(
    ("network", "data", "weights", "macs"),
    [
        ("CNN-3D", "IP", 185_052, 14_600_616),
        ("CNN-3D", "PU", 160_692, 7_528_068),
        ("CNN-3D", "SS", 185_052, 14_887_032),
        ("CNN-32H", "IP", 6_978_356, 154_384_316),
        ("CNN-32H", "PU", 2_846_004, None),
    ],
)
def test_sizes_of_the_networks(module, network, data, weights, macs):
    """Counted by hand from Table 1 of the paper."""
    layers = module["NETWORKS"][network](*module["SCENES"][data])
    assert sum(layer.weights for layer in layers) == weights
    if macs is not None:
        assert sum(layer.macs for layer in layers) == macs


def test_no_array_gains_more_than_its_layer_costs(module):
    card = load_card("pim_datta2022")
    for network in module["NETWORKS"]:
        one = module["account"](network, "IP", card, 0.568)
        assert one.gains(one.corrected)[0] < one.bound
        assert one.gains(one.digital) == pytest.approx((1.0, 1.0, 1.0))


def test_claims_that_close_and_those_that_cannot(result):
    holds = {claim.name: claim.holds for claim in result.claims}
    assert holds["CNN-3D: share of layer 1"]
    assert holds["CNN-3D, IP: gain of the array in energy"]
    # A share of 22 % cannot bring a gain of 2.12, and equation 27 no gain in delay.
    assert not holds["CNN-32H, mean of three data sets: gain of the array in energy"]
    assert not holds["CNN-3D, IP: gain of the array in delay"]
    assert holds["Behavioural model against transients, largest difference in LSB"]


def test_each_imperfection_costs(result):
    frame = result.tables["accuracy"].groupby(["coding", "stage"], sort=False)["snr_dB"].mean().unstack()
    assert (frame["curvature"] > frame["and cell mismatch"]).all()
    # Most significant cells of small negative weights carry most of a two's complement's error.
    last = frame["and cell mismatch"]
    assert last["digital, differential"] > last["digital, two's complement"] + 3.0


def test_energies_add_up(result):
    for _, costs in result.tables["circuit"].groupby("coding"):
        parts = costs[costs["part"] != "total"]["energy"].sum()
        assert np.isclose(parts, costs[costs["part"] == "total"]["energy"].item())
