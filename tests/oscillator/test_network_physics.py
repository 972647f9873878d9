"""What every transient must obey: conservation of energy, symmetries, and a status where phases mean nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import CARD, PERIOD, drawn_cards, drawn_network, drawn_resistances, largest_difference, table_1_network
from scipy import sparse

from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.network import OscillatorNetwork

FIDELITIES = ["relaxed", "abrupt", "smooth"]
# Sums over neighbours round by their order; the slope of a smooth device's fold is infinite and makes more of it.
ROUNDING = {"relaxed": 1e-12, "abrupt": 1e-12, "smooth": 1e-8}


def balance(run):
    """Energy that the supplies gave and that is found nowhere, relative to what they gave."""
    found = sum(part.sum() for part in run.dissipation.values()) + run.stored.sum()
    return abs(found / run.energy.sum() - 1)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 4),
    fidelity=st.sampled_from(FIDELITIES),
    spread=st.sampled_from([0.01, 0.1, 0.3]),
    resistance=st.floats(3, 5.5).map(lambda x: 10**x),
)
def test_supplies_give_what_is_dissipated_and_stored(seed, size, fidelity, spread, resistance):
    rng = np.random.default_rng(seed)
    network = drawn_network(size, rng, resistance, spread)
    delays = rng.uniform(0, 0.5, size) * PERIOD
    run = network.transient(delays, close_at=rng.uniform(0, PERIOD), stop=4 * PERIOD, fidelity=fidelity)
    assert balance(run) < 1e-8
    for part in ("device", "load"):
        assert np.all(run.dissipation[part] >= 0)
    assert run.dissipation["coupling"].sum() >= -1e-10 * run.energy.sum()


def test_coupling_heat_is_that_of_the_resistors():
    network = drawn_network(3, np.random.default_rng(1), resistance=20e3)
    times = np.linspace(0, 4 * PERIOD, 40_001)
    run = network.transient([0.0, 2e-6, 9e-6], stop=4 * PERIOD, save_at=times)
    v, conductance = run.voltages, network.coupling_conductance
    power = sum(conductance[i, j] * (v[i] - v[j]) ** 2 for i in range(3) for j in range(i))
    assert run.dissipation["coupling"].sum() == pytest.approx(np.trapezoid(power, times), rel=1e-4, abs=0.0)
    load = np.trapezoid(v**2, times, axis=1) / network.parameters["R_S"]
    np.testing.assert_allclose(run.dissipation["load"], load, rtol=1e-4)
    np.testing.assert_allclose(run.stored, 0.5 * network.parameters["C_P"] * v[:, -1] ** 2, rtol=1e-9)


@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_permuted_oscillators_give_the_permuted_answer(fidelity):
    rng = np.random.default_rng(2)
    network = drawn_network(5, rng, resistance=40e3)
    delays = rng.uniform(0, 0.5, 5) * PERIOD
    order = np.array([3, 0, 4, 2, 1])
    permuted = OscillatorNetwork(
        [network.oscillators[i] for i in order], network.coupling_resistance[np.ix_(order, order)]
    )
    arguments = {"close_at": 0.6 * PERIOD, "stop": 4 * PERIOD, "fidelity": fidelity}
    run, other = network.transient(delays, **arguments), permuted.transient(delays[order], **arguments)
    assert largest_difference([run.switching_times[i] for i in order], other.switching_times) < ROUNDING[fidelity]
    np.testing.assert_allclose(run.energy[order], other.energy, rtol=ROUNDING[fidelity])


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("size", [2, 7])
def test_equal_oscillators_started_together_stay_together(size, fidelity):
    run = table_1_network(size, 10e3 * (size - 1)).transient(close_at=0.3 * PERIOD, stop=5 * PERIOD, fidelity=fidelity)
    for times in run.switching_times[1:]:
        np.testing.assert_allclose(times, run.switching_times[0], rtol=0, atol=ROUNDING[fidelity] * PERIOD)
    alone = table_1_network(1).transient(stop=5 * PERIOD, fidelity=fidelity)
    assert largest_difference(run.switching_times[:1], alone.switching_times) < 1e-8  # equal nodes exchange no current


def test_a_shift_of_all_times_shifts_the_answer():
    network = drawn_network(3, np.random.default_rng(3), resistance=30e3)
    delays, shift = np.array([0.0, 3e-6, 8e-6]), 0.7 * PERIOD
    run = network.transient(delays, close_at=0.5 * PERIOD, stop=5 * PERIOD)
    late = network.transient(delays + shift, close_at=0.5 * PERIOD + shift, stop=5 * PERIOD + shift)
    assert largest_difference([times + shift for times in run.switching_times], late.switching_times) < 1e-8
    np.testing.assert_allclose(run.energy, late.energy, rtol=1e-7)


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("open_by", ["inf", "switch", "sparse"])
def test_uncoupled_oscillators_behave_as_single_ones(fidelity, open_by):
    cards = drawn_cards(3, np.random.default_rng(4), 0.2)
    resistance = {"inf": np.full((3, 3), np.inf), "switch": np.full((3, 3), 1e4), "sparse": sparse.csr_array((3, 3))}
    network = OscillatorNetwork.of_cards(cards, resistance[open_by])
    delays = np.array([0.0, 4e-6, 9e-6])
    run = network.transient(delays, close_at=np.inf, stop=3 * PERIOD, fidelity=fidelity)
    for index, card in enumerate(cards):
        alone = OscillatorNetwork.of_cards([card], [[0.0]]).transient(delays[index], stop=3 * PERIOD, fidelity=fidelity)
        assert largest_difference(run.switching_times[index : index + 1], alone.switching_times) < 1e-12
        assert run.energy[index] == pytest.approx(alone.energy[0], rel=1e-12)
    np.testing.assert_allclose(run.dissipation["coupling"], 0, atol=1e-30)


@pytest.mark.parametrize("factor", [1e-3, 2.0, 1e4])
def test_capacitance_scales_time_and_energy(factor):
    """With the conductance transition scaled as well, all of the circuit is."""
    resistance = np.full((2, 2), 25e3)
    cards = drawn_cards(2, np.random.default_rng(5), 0.01)
    scaled = [card.replace(C_P=card.C_P * factor, tau_0=card.tau_0 * factor) for card in cards]
    delays = np.array([0.0, 5e-6])
    run = OscillatorNetwork.of_cards(cards, resistance).transient(delays, close_at=1e-5, stop=5 * PERIOD)
    other = OscillatorNetwork.of_cards(scaled, resistance).transient(
        delays * factor, close_at=1e-5 * factor, stop=5 * PERIOD * factor
    )
    assert largest_difference(run.switching_times, [times / factor for times in other.switching_times]) < 1e-9
    np.testing.assert_allclose(other.energy, run.energy * factor, rtol=1e-9)


@pytest.mark.parametrize("layout", [sparse.csr_array, sparse.csc_array, sparse.coo_array])
def test_sparse_and_dense_coupling_agree(layout):
    rng = np.random.default_rng(6)
    cards = drawn_cards(6, rng)
    ring = np.full((6, 6), np.inf)
    for i in range(6):
        ring[i, (i + 1) % 6] = ring[(i + 1) % 6, i] = 50e3 + 1e3 * i
    rows, columns = np.nonzero(np.isfinite(ring))
    stored = layout(sparse.coo_array((ring[rows, columns], (rows, columns)), shape=(6, 6)))
    delays = rng.uniform(0, 0.5, 6) * PERIOD
    dense, thin = (
        OscillatorNetwork.of_cards(cards, given).transient(delays, close_at=0.6 * PERIOD, stop=5 * PERIOD)
        for given in (ring, stored)
    )
    assert largest_difference(dense.switching_times, thin.switching_times) < 1e-9
    np.testing.assert_allclose(dense.energy, thin.energy, rtol=1e-9)


def test_an_oscillator_is_silent_before_its_supply_comes_on():
    network = table_1_network(2)
    run = network.transient([0.0, 1.3 * PERIOD], stop=3 * PERIOD, save_at=np.linspace(0, 1.3, 14) * PERIOD)
    assert [times[0] for times in run.switching_times] == [0.0, 1.3 * PERIOD]
    np.testing.assert_array_equal(run.voltages[1], 0.0)
    first = network.oscillators[1].first_charge_duration("relaxed")
    assert run.return_times[1][0] == pytest.approx(1.3 * PERIOD + first, rel=1e-9)
    assert run.energy[1] < run.energy[0]


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("close_at", [0.0, 0.4e-6, 3e-6, 8e-6, 12e-6])
def test_switches_closing_before_between_and_after_the_supplies(close_at, fidelity):
    """With the switches closed first, the second device starts from a node that its neighbour has charged."""
    delays = np.array([0.0, 7e-6])
    network = table_1_network(2, 60e3)
    run = network.transient(delays, close_at=close_at, stop=2 * PERIOD, fidelity=fidelity, save_at=[6.9e-6])
    assert balance(run) < 1e-8
    assert run.switching_times[0][0] == 0.0
    assert len(run.switching_times[1]) >= 1
    assert run.switching_times[1][0] >= 7e-6
    assert (run.voltages[1, 0] > 0.05) == (close_at < 6e-6)
    if run.voltages[1, 0] < 0.4:  # the step of the supply takes the device past its threshold at once
        assert run.switching_times[1][0] == pytest.approx(7e-6, rel=1e-12)


def test_switches_that_close_after_the_end_never_do():
    network = table_1_network(2, 10e3)
    late, never = (network.transient([0.0, 5e-6], close_at=t, stop=3 * PERIOD) for t in (10 * PERIOD, np.inf))
    assert largest_difference(late.switching_times, never.switching_times) == 0


def test_until_settled_stops_early_with_the_same_phases():
    network = drawn_network(4, np.random.default_rng(7), resistance=50e3, spread=0.002)
    arguments = {"close_at": 0.6 * PERIOD, "stop": 80 * PERIOD}
    delays = np.array([0.0, 0.0, 0.5, 0.5]) * PERIOD
    full = network.transient(delays, **arguments)
    early = network.transient(delays, **arguments, until_settled=True)
    assert full.status.ok
    assert early.status.ok
    assert early.stop < 0.75 * full.stop
    assert full.stop == 80 * PERIOD
    np.testing.assert_allclose((early.phases() - full.phases() + 180) % 360, 180, atol=15)
    assert np.all(early.energy < full.energy)
    for one, other in zip(early.switching_times, full.switching_times, strict=True):
        np.testing.assert_allclose(one, other[: len(one)], rtol=0, atol=1e-7 * PERIOD)


def test_coupling_to_quiet_neighbours_stops_an_oscillator():
    quiet = CARD.replace(R_S="60k")  # its load line meets the insulating state
    assert not Oscillator(quiet).oscillates()
    network = OscillatorNetwork.of_cards([CARD, quiet, quiet], np.full((3, 3), 3e3))
    run = network.transient(close_at=1e-6, stop=10 * PERIOD)
    assert run.status.name == "stopped switching"
    assert "coupling" in run.status.advice
    assert not run.status.ok
    assert np.isnan(run.phases()).all()


def test_a_device_that_does_not_oscillate_has_no_phase_and_spoils_none():
    network = OscillatorNetwork.of_cards([CARD, CARD, CARD.replace(R_S="60k")], np.full((3, 3), 1e6))
    run = network.transient([0.0, 5e-6, 0.0], close_at=1e-5, stop=12 * PERIOD)
    assert run.status.name == "stopped switching"
    assert "oscillators 2" in run.status.advice
    assert np.isfinite(run.phases()[:2]).all()
    assert np.isnan(run.phases()[2])
    assert np.isnan(run.phases(2)).all()
    assert np.isnan(run.period(2))


@pytest.mark.parametrize("periods", [0.01, 1.0, 1.8])
def test_a_run_too_short_for_phases_says_so(periods):
    run = table_1_network(2, 30e3).transient([0.0, 0.3 * PERIOD], stop=periods * PERIOD)
    assert run.status.name == "stopped switching"
    assert "run longer" in run.status.advice
    assert np.isnan(run.phases()).all()


def test_a_pair_that_still_moves_is_not_settled():
    network = OscillatorNetwork.of_cards([CARD, CARD.replace(C_P="560 pF")], np.full((2, 2), 1e6))
    run = network.transient([0.0, 5e-6], stop=15 * PERIOD)
    assert run.status.name == "not settled"
    assert "run longer" in run.status.advice
    assert str(run.status).startswith("not settled: ")


def test_an_oscillator_that_switches_twice_a_period_is_not_passed_off_as_settled():
    rng = np.random.default_rng(1)
    network = drawn_network(2, rng, 15e3, 0.002)
    run = network.transient(rng.uniform(0, 0.5, 2) * PERIOD, close_at=0.55 * PERIOD, stop=20 * PERIOD)
    assert len(run.switching_times[1]) > 1.8 * len(run.switching_times[0])
    assert run.status.name == "not settled"
    assert "not every oscillator switches once in a period" in run.status.advice


@settings(max_examples=60, deadline=20_000, derandomize=True)
@given(data=st.data())
def test_any_network_ends_with_a_status_and_without_silent_nan(data):
    """Wild parameters: a minute's worth of bad luck must not hang the engine, nor pass off NaN as an answer."""
    size = data.draw(st.integers(1, 5), label="size")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))
    decades = st.floats(-1.0, 1.0).map(lambda x: 10.0**x)
    cards = []
    for card in drawn_cards(size, rng, 0.3):
        changes = {name: getattr(card, name) * data.draw(decades) for name in ("C_P", "R_S")}
        changes["tau_0"] = data.draw(st.sampled_from([0.0, 1e-13, 1e-9, 1e-8, 1e-6]))
        cards.append(card.replace(**changes))
    fidelity = data.draw(st.sampled_from(["relaxed", "abrupt"]))
    if all(card.tau_0 >= 1e-9 for card in cards) and data.draw(st.booleans()):
        fidelity = "smooth"
    resistance = drawn_resistances(size, rng, 10.0 ** data.draw(st.floats(1, 6)))
    delays = rng.uniform(0, 1, size) * PERIOD * rng.integers(0, 2, size)
    run = OscillatorNetwork.of_cards(cards, resistance).transient(
        delays, close_at=rng.uniform(0, 2) * PERIOD, stop=6 * PERIOD, fidelity=fidelity, tolerance=1e-7
    )
    assert run.status.name in ("settled", "not settled", "stopped switching")
    assert run.stop == 6 * PERIOD
    assert np.isfinite(run.energy).all()
    assert np.isfinite(run.stored).all()
    assert balance(run) < 1e-4  # a loose tolerance, and a tau_0 as long as the charge
    assert bool(run.status.advice) != run.status.ok
    if run.status.ok:
        assert np.isfinite(run.phases()).all()
    for switching, returning in zip(run.switching_times, run.return_times, strict=True):
        both = np.sort(np.concatenate([switching, returning]))
        assert np.all(np.diff(switching) > 0)
        assert np.array_equal(both[::2], switching)  # by turns, the first to the metallic state
