"""The study of ACE-SNN's first layer on chips: its statistics by hand, its chips at settings with known answers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scenes import put_networks, put_scene

from circuitsnn.cards import load_card
from circuitsnn.snn.files import load_network
from circuitsnn.study import load_study, run_study, trained


@pytest.fixture(scope="module")
def module():
    return load_study("datta2022_array").run.__globals__


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("networks")
    put_networks(place, ("ann", "snn6", "noise6"), channels=(4,))
    return place


@pytest.fixture(scope="module")
def scene():
    with pytest.MonkeyPatch.context() as patch:
        put_scene(patch)
        yield
        trained.scene_patches.cache_clear()


def rows(sweep, values, losses, **more):
    """Chips in two groups that lose a given accuracy, one point more and one less."""
    found = []
    for value, loss in zip(values, losses, strict=True):
        for group, away in ((0, -1.0), (1, 1.0)):
            found += [
                {"sweep": sweep, "value": value, "group": group, "accuracy": 90.0 - loss + away, "exact": 90.0}
                for _ in range(3)
            ]
    same = {
        "bits": 6,
        "pulse": 1.0,
        "offset": 0.0,
        "training": "plain",
        "recalibrated": False,
        "energy": 2e-9,
        "delay": 1e-6,
    }
    return pd.DataFrame(found).assign(**same, status="settled").assign(**more)


def test_summary(module):
    table = module["summary"](rows("drift", [-4.0, 2.0], [3.0, 0.5]), 0)
    assert list(table["loss"]) == pytest.approx([3.0, 0.5])
    assert list(table["spread"]) == pytest.approx([1.0, 1.0])
    assert list(table["chips"]) == [6, 6]
    assert (table["loss_low"] >= table["loss"] - 1.0).all()
    assert (table["loss_high"] <= table["loss"] + 1.0).all()
    assert list(table["worst"]) == pytest.approx([86.0, 88.5])


def test_limits_are_interpolated_from_the_nominal_value(module):
    """A loss of half the drift reaches 1 at 2 on either side."""
    drifts = np.array([-5.0, -3.0, 0.0, 1.0, 5.0])
    table = module["limits"](module["summary"](rows("drift", drifts, np.abs(drifts) / 2), 0)).set_index("side")
    assert table["value"]["above"] == pytest.approx(2.0)
    assert table["value"]["below"] == pytest.approx(-2.0)
    assert table["largest_loss"]["above"] == pytest.approx(2.5)


def test_no_limit_where_nothing_is_lost(module):
    table = module["limits"](module["summary"](rows("cells", [0.0, 1.0, 4.0], [0.0, 0.1, 0.2]), 0))
    assert table["value"].isna().all()


def test_a_setting_changes_the_card(module):
    card = load_card("sram_macro_65nm")
    setting = module["Setting"](card, cells=3.0, converters=2.0, bits=5, drift=4.0, pulse=0.5, offset=80.0)
    engine = setting.engine(27)
    assert engine.card.parts["adc"].sigma_offset == pytest.approx(2 * card.parts["adc"].sigma_offset)
    for name, part in card.parts["array"].parts["cell"].parts.items():
        assert pytest.approx(3 * part.A_VT) == engine.card.parts["array"].parts["cell"].parts[name].A_VT
    assert (engine.converter_bits, engine.supply_drift) == (5, pytest.approx(0.04))
    assert engine.card.parts["array"].T_offset == pytest.approx(80e-12)
    # 27 word lines with pulses of 15 units discharge no more than rows_on lines with one, at half a pulse half.
    longest = 27 * 15 * engine.card.parts["array"].T_pulse
    assert longest == pytest.approx(0.5 * card.rows_on * card.parts["array"].T_pulse)


def test_states_that_sweeps_share_are_one(module):
    study = load_study("datta2022_array")
    values = {each.name: each.default for each in study.parameters}

    class Context:
        parameters = values

        @staticmethod
        def card(name):
            return load_card(name)

    found = module["settings"](Context)
    nominal = found[module["Setting"](load_card("sram_macro_65nm"), "pulse_width", offset=values["offset"])]
    assert {sweep for sweep, _ in nominal} == {"cells", "bits", "converters", "offset", "energy"}
    # the usual one, cells, bits, converters, drift, offset; 3 pulses x 3 numbers of bits x 2 offsets, less four there
    assert len(found) == 1 + 3 + 4 + 2 + 5 + 3 + 3 * 3 * 2 - 4


def test_fine_converters_and_equal_cells_change_little(module, folder, scene):
    """Without mismatch and at 10 bits only the array's curve and the inputs' 4 bits are left."""
    network = load_network(folder / "samson-cnn3d-snn6")
    card = load_card("sram_macro_65nm")
    setting = module["Setting"](card, cells=0.0, converters=0.0, bits=10)
    task = module["Chips"]([("cells", 0.0)], setting, "plain", network, "samson", 0, 2, 30)
    fine = task.solve()
    assert len(fine) == 2
    assert fine["chip"].tolist() == [0, 1]
    assert np.abs(fine["accuracy"] - fine["exact"]).max() <= 10.0
    assert (fine["energy"] > 0.0).all()
    assert set(fine["status"]) == {"settled"}
    own = replace(task, chips=1, recalibrated=True).solve()
    assert len(own) == 1
    assert own["recalibrated"].all()
    assert own["exact"].iloc[0] == fine["exact"].iloc[0]


def test_the_whole_study(folder, scene, tmp_path):
    """With made-up chips, whose loss grows with mismatch and drift, and is halved by either remedy."""
    study = load_study("datta2022_array")
    real = study.run.__globals__["solve"]

    def solve(task):
        if not hasattr(task, "setting"):
            return real(task)
        one = task.setting
        loss = one.cells / 2 + abs(one.drift) + {3: 4.0, 4: 2.0, 5: 1.0}.get(one.bits, 0.0)
        loss += 1.5 - one.offset / 80.0
        loss /= 2.0 if task.recalibrated or task.training == "noise-aware" else 1.0
        more = {"training": task.training, "recalibrated": task.recalibrated, "bits": one.bits, "pulse": one.pulse}
        more["offset"] = one.offset
        more["energy"] = 1e-9 * one.pulse * one.bits
        return pd.concat([rows(sweep, [value], [loss], **more) for sweep, value in task.places])

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(study.run.__globals__, "solve", solve)
        settings = {"networks": str(folder), "reference_pixels": 20}
        found = run_study(study, settings=settings, jobs=1, out=tmp_path / "run")
    results = found.tables["results"]
    assert set(results["training"]) == {"plain", "noise-aware"}
    assert set(results["sweep"]) == {"cells", "bits", "converters", "drift", "offset", "energy"}
    assert {path.stem for path in found.figures} == {"sweeps", "energy"}
    assert all(claim.paper is None for claim in found.claims)
    ours = {claim.name: claim.ours for claim in found.claims}
    assert ours["Accuracy lost with converters of 6 bits"] == pytest.approx(0.5)
    assert ours["Accuracy lost with converters of 3 bits"] == pytest.approx(4.5)
    assert ours["Accuracy lost with converters of 6 bits and no offset of the pulses"] == pytest.approx(2.0)
    assert ours["Noise-aware training: loss at 4 times the card's A_VT"] == pytest.approx(1.0)
    assert ours["Thresholds set on the array: loss with supplies -5 %"] == pytest.approx(2.75)
    least = "Least energy of the layer with 1 % lost at most, "
    assert ours[least + "as trained"] == pytest.approx(6e-9, rel=1e-9, abs=0.0)  # 5 bits lose 1.5 points
    assert ours[least + "noise-aware training"] == pytest.approx(5e-9, rel=1e-9, abs=0.0)
    limits = found.tables["limits"].set_index(["sweep", "training", "side"])["value"]
    assert limits["cells", "plain", "above"] == pytest.approx(2.0)


def test_without_the_scene(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        put_scene(patch, there=False)
        found = run_study(load_study("datta2022_array"), out=tmp_path / "run")
    assert not found.holds
    assert found.claims[0].remark == "put samson.mat there"
