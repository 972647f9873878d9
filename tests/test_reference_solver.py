"""The judge judged: the reference solver against closed forms, itself, and energy conservation."""

from types import SimpleNamespace

import numpy as np
import pytest
from reference_solver import parameters_of, solve_reference

from circuitsnn.oscillator import closed_form as cf

CARD = SimpleNamespace(
    V_DD=2.5, R_S=20e3, C_P=500e-12, R_ins=100.2e3, R_met=990.0, V_L=1.0, V_H=1.999, alpha=200.0, tau_0=10e-9
)
PERIOD = cf.period(CARD)


def drawn(size, seed):
    rng = np.random.default_rng(seed)
    return {
        name: values * (1 + 0.01 * rng.standard_normal(size)) for name, values in parameters_of([CARD] * size).items()
    }


def coupled(size, resistance):
    return np.full((size, size), float(resistance))


def test_abrupt_uncoupled_meets_the_closed_form():
    run = solve_reference(parameters_of([CARD]), coupled(1, np.inf), np.zeros(1), 0, 20.5 * PERIOD, "abrupt")
    cycle = np.arange(20)
    first = cf.first_charge_duration(CARD)
    np.testing.assert_allclose(run.return_times[0][:20], first + cycle * PERIOD, rtol=0, atol=1e-9 * PERIOD)
    again = first + cf.discharge_duration(CARD) + cycle[:-1] * PERIOD
    np.testing.assert_allclose(run.switching_times[0][1:20], again, rtol=0, atol=1e-9 * PERIOD)


@pytest.mark.parametrize(
    ("fidelity", "periods", "size"),
    [("abrupt", 20, 10), ("relaxed", 20, 10), ("relaxed", 20, 2), ("smooth", 3, 2)],
)
def test_tolerance_hardly_matters_and_energy_is_conserved(fidelity, periods, size):
    parameters = drawn(size, seed=size)
    delays = np.linspace(0, 0.45, size) * PERIOD
    loose, tight = (
        solve_reference(
            parameters,
            coupled(size, 30e3 * (size - 1)),
            delays,
            0.5 * PERIOD,
            periods * PERIOD,
            fidelity,
            rtol,
        )
        for rtol in (1e-10, 1e-12)
    )
    for one, other in zip(loose.switching_times, tight.switching_times, strict=True):
        assert len(one) == len(other) > 0
        assert np.abs(one - other).max() < 1e-8 * PERIOD
    np.testing.assert_allclose(loose.energy, tight.energy, rtol=1e-9)
    stored = 0.5 * (parameters["C_P"] * tight.voltage**2).sum()
    assert tight.energy.sum() == pytest.approx(tight.dissipated + stored, rel=1e-11)


@pytest.mark.parametrize("fidelity", ["relaxed", "abrupt"])
def test_equal_oscillators_switch_together(fidelity):
    run = solve_reference(parameters_of([CARD] * 3), coupled(3, 50e3), np.zeros(3), 0, 8 * PERIOD, fidelity)
    for times in run.switching_times[1:]:
        np.testing.assert_array_equal(times, run.switching_times[0])


def test_smooth_single_period():
    run = solve_reference(parameters_of([CARD]), coupled(1, np.inf), np.zeros(1), 0, 2.2 * PERIOD, "smooth")
    assert np.diff(run.switching_times[0])[1:] == pytest.approx(20.79120e-6, rel=1e-6)


def test_short_dip_through_the_threshold_is_not_stepped_over():
    """The second of a strongly coupled abrupt pair dips below V- for some ns only; both must then switch."""
    delay = 0.25 * PERIOD
    close_at = delay + cf.first_charge_duration(CARD)
    run = solve_reference(
        parameters_of([CARD] * 2), coupled(2, 5e3), np.array([0, delay]), close_at, 5 * PERIOD, "abrupt"
    )
    first, second = run.switching_times
    assert abs(first[-1] - second[-1]) < 1e-3 * PERIOD
