import numpy as np
import pytest

from circuitsnn.adc.passives import Capacitor, Comparator, Resistor, Switch, thermal_noise
from circuitsnn.errors import InputError


def test_noise_of_a_picofarad_at_room_temperature_is_64_microvolts():
    # k = 1.380649e-23 J/K by definition: sqrt(k * 300 K / 1 pF).
    assert thermal_noise(1e-12, 300.0) == pytest.approx(64.36e-6, rel=1e-4)
    assert Switch(1e3).noise(1e-12, 300.0) == Switch(1e6).noise(1e-12, 300.0) == thermal_noise(1e-12, 300.0)


def test_a_switch_settles_by_its_time_constant():
    assert Switch(1e3).settling_error(1e-12, 1e-9) == pytest.approx(np.exp(-1.0))
    assert Switch(0.0).settling_error(1e-12, 1e-9) == 0.0


def test_mismatch_of_a_capacitor_goes_with_the_root_of_its_area():
    # 1 % um at 1 fF/um^2: 1 % for 1 fF, 0.5 % for 4 fF.
    capacitors = Capacitor(np.array([1e-15, 4e-15]), A_C=1e-8, C_area=1e-3)
    np.testing.assert_allclose(capacitors.relative_sigma, [0.01, 0.005])
    drawn = np.array([capacitors.draw(rng) for rng in [np.random.default_rng(k) for k in range(4000)]])
    np.testing.assert_allclose(drawn.std(axis=0), [1e-17, 2e-17], rtol=4 / np.sqrt(8000))
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 4 / np.sqrt(4000)


def test_a_capacitor_has_the_mismatch_of_its_units_in_parallel():
    rng = np.random.default_rng(1)
    units = Capacitor(np.full((4000, 16), 1e-15), A_C=1e-8, C_area=1e-3).draw(rng).sum(axis=1)
    assert Capacitor(16e-15, 1e-8, 1e-3).relative_sigma * 16e-15 == pytest.approx(
        units.std(), rel=4 / np.sqrt(8000), abs=0.0
    )


def test_a_resistor_has_the_mismatch_of_its_units_in_series():
    rng = np.random.default_rng(2)
    drawn = Resistor(np.tile([0.5, 1.0, 1.5], (4000, 1)), 500.0, 0.02).draw(rng)
    np.testing.assert_allclose(drawn.std(axis=0), 10.0 * np.sqrt([0.5, 1.0, 1.5]), rtol=4 / np.sqrt(8000))
    np.testing.assert_allclose(drawn.mean(axis=0), [250.0, 500.0, 750.0], rtol=1e-3)


def test_a_comparator_decides_as_the_normal_distribution_says():
    comparator = Comparator(sigma_offset=5e-3, noise=1e-3)
    decisions = comparator.decide(np.full(40_000, 1e-3), 0.0, np.random.default_rng(3))
    assert decisions.mean() == pytest.approx(0.841345, abs=4 * np.sqrt(0.13 / 40_000))  # Phi(1)
    assert comparator.decide([0.0, -1e-9, 2e-3], [0.0, 0.0, 2e-3]).tolist() == [True, False, True]
    assert comparator.draw(4000, np.random.default_rng(4)).std() == pytest.approx(5e-3, rel=4 / np.sqrt(8000))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Capacitor(0.0, 1e-8, 1e-3), "capacitance is 0.0; allowed is a finite number > 0"),
        (lambda: Capacitor(1e-15, -1e-8, 1e-3), "A_C is -1e-08; allowed is a finite number >= 0"),
        (lambda: Capacitor(1e-18, 1e-8, 1e-3).draw(np.random.default_rng(2)), None),
        (lambda: Capacitor(np.full(99, 1e-18), 1e-7, 1e-3).draw(np.random.default_rng(0)), "came out below 0 F"),
        (lambda: Resistor(1.0, np.inf, 0.0), "R_unit is inf"),
        (lambda: Switch(-1.0), "switch: resistance is -1.0"),
        (lambda: Comparator(0.0, np.nan), "comparator: noise is nan"),
        (lambda: thermal_noise(1e-12, 0.0), "temperature is 0.0"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    if message is None:
        make()
        return
    with pytest.raises(InputError, match=message):
        make()
