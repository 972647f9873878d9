"""The study of the paper's energies: what must follow from the equations, whatever the paper prints."""

import json

import pytest

from circuitsnn.energy.pim import READINGS
from circuitsnn.errors import InputError
from circuitsnn.study import load_study, run_study


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("energy")
    rates = folder / "rates.json"
    rates.write_text(json.dumps({"CNN-3D": [0.5, 0.4, 0.3, 0.2, 0.1, 0.0]}))
    return run_study(
        load_study("datta2022_energy"), quick=True, settings={"rates_file": str(rates)}, jobs=1, out=folder / "out"
    )


@pytest.fixture(scope="module")
def numbers(result):
    return result.tables["results"].set_index("number")


def test_what_closes_under_which_reading(numbers):
    """Ours reckoned by a program of its own."""
    row = numbers.loc["CNN-3D, IP: energy, ANN-32 over SNN-6"]
    assert (row["as_printed"], row["corrected"], row["closest"]) == pytest.approx((35.62, 29.86, 193.4), rel=1e-3)
    assert (row["as_printed_holds"], row["corrected_holds"], row["closest_holds"]) == (False, False, True)
    row = numbers.loc["CNN-3D, IP: energy, ANN-6 over SNN-6"]
    assert (row["corrected"], row["closest"]) == pytest.approx((4.276, 15.54), rel=1e-3)
    row = numbers.loc["both networks: delay, ANN-6 over SNN-6, PIM"]
    assert row["closest_holds"]
    assert not row["corrected_holds"]
    assert numbers.loc["CNN-3D: share of layer 1 in the spiking network's energy", "corrected_holds"]
    assert numbers.loc["CNN-3D, IP: energy, SNN-6 over SNN-6, PIM", "corrected_holds"]


def test_what_no_combination_gives(numbers):
    impossible = set(numbers.index[numbers["combinations"] == 0])
    assert {name for name in impossible if "delay, SNN-6 over SNN-6, PIM" in name} == {
        f"{place}: delay, SNN-6 over SNN-6, PIM" for place in ("CNN-3D, IP", "CNN-3D", "CNN-32H", "both networks")
    }
    assert "CNN-32H: energy, SNN-6 over SNN-6, PIM" in impossible
    # Where something gives a number, the extremes lie around it.
    others = numbers[(numbers["combinations"] > 0) & (numbers["unit"] == "1")]
    assert (others["lowest"] <= 1.05 * others["paper"]).all()
    assert (others["highest"] >= 0.95 * others["paper"]).all()


def test_the_closest_reading_is_the_closest(result, numbers):
    combinations = result.tables["combinations"]
    best = combinations.loc[combinations["rate"] == 0.568, "numbers_that_hold"].max()
    assert numbers["closest_holds"].sum() == best
    assert numbers["corrected_holds"].sum() < best


def test_claims_of_the_paper_with_itself(result):
    holds = {claim.name.removeprefix("Paper with itself: "): claim.holds for claim in result.claims}
    assert holds["Quotient of the gains over ANN-32 and ANN-6, both networks"]
    assert not holds["Quotient of the gains over ANN-32 and ANN-6, CNN-3D on IP"]
    assert not holds["CNN-3D, IP: highest gain over ANN-6 that layer 1 allows"]
    assert not holds["CNN-3D, IP: highest gain over ANN-32 that layer 1 allows"]
    assert not holds["CNN-32H: highest gain of the array that a share of 22 % allows"]
    assert holds["Depth of 100: ratio of operations"]
    assert holds["CNN-3D: largest measured spike rate"]


def test_order_of_the_networks(result):
    """Under every reading the array costs less than digital hardware, that less than 6 bits, that less than 32 bits."""
    frame = result.tables["networks"]
    frame = frame[(frame["figure"] == "circuit") & (frame["rates"] == "printed")]
    assert set(frame["reading"]) == set(READINGS)
    energies = frame.set_index(["reading", "network", "scene", "variant"])["energy"].unstack()
    assert (energies["SNN-6, PIM"] < energies["SNN-6"]).all()
    assert (energies["SNN-6"] < energies["ANN-6"]).all()
    assert (energies["ANN-6"] < energies["ANN-32"]).all()


def test_measured_rates_come_in(result):
    frame = result.tables["networks"].query("figure == 'operations' and variant == 'SNN-6' and reading == 'corrected'")
    energies = frame.set_index(["network", "scene", "rates"])["energy"]
    assert energies["CNN-3D", "IP", "measured"] < energies["CNN-3D", "IP", "printed"]
    assert ("CNN-32H", "IP", "measured") not in energies.index


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "allowed is an object with the names CNN-3D, CNN-32H"),
        ('{"CNN": [1]}', "allowed is an object with the names CNN-3D, CNN-32H"),
        ('{"CNN-3D": [1]}', "CNN-3D needs a list of 6 numbers"),
        ('{"CNN-32H": [1, 1, 1, -1]}', "allowed are numbers >= 0"),
    ],
)
def test_wrong_rates_are_refused(tmp_path, text, message):
    path = tmp_path / "rates.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_study("datta2022_energy").run.__globals__["read_rates"](str(path))
