"""Networks as objects: what is refused and in which words, and the shape of what a run gives."""

import numpy as np
import pytest
from networks import CARD, PERIOD, drawn_network, table_1_network
from scipy import sparse

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.oscillator.device import Oscillator
from circuitsnn.oscillator.network import OscillatorNetwork
from circuitsnn.variation import draw, generators

OSCILLATOR = Oscillator(CARD)
PAIR = np.array([[np.inf, 10e3], [10e3, np.inf]])


def coo(values, rows, columns, shape=(2, 2)):
    return sparse.coo_array((values, (rows, columns)), shape=shape)


@pytest.mark.parametrize(
    ("resistance", "message"),
    [
        ([[0, 1e4], [2e4, 0]], "not symmetric.*R_ij = R_ji"),
        (coo([1e4, 2e4], [0, 1], [1, 0]), "not symmetric"),
        (coo([1e4], [0], [1]), "not symmetric"),
        ([[0, 0], [0, 0]], r"must be > 0 ohm \(inf for open\), off the diagonal; found .*0\.0"),
        ([[0, -1e4], [-1e4, 0]], "must be > 0 ohm.*-10000"),
        ([[0, np.nan], [np.nan, 0]], "must be > 0 ohm.*nan"),
        ([[0, -np.inf], [-np.inf, 0]], "must be > 0 ohm.*-inf"),
        (coo([-1e4, -1e4], [0, 1], [1, 0]), "stored coupling resistances must be > 0 ohm.*-10000"),
        (coo([np.nan, np.nan], [0, 1], [1, 0]), "must be > 0 ohm.*nan"),
        (coo([0.0, 0.0], [0, 1], [1, 0]), "must be > 0 ohm.*0.0"),
        (np.ones((3, 3)), r"shape \(3, 3\); 2 oscillators need \(2, 2\)"),
        (np.ones(2), r"shape \(2,\); 2 oscillators need \(2, 2\)"),
        (coo([], [], [], (3, 3)), r"shape \(3, 3\); 2 oscillators need \(2, 2\)"),
        (10e3, r"shape \(\); 2 oscillators need \(2, 2\)"),
        ([["a", "b"], ["c", "d"]], "must be numbers in ohm, inf for open"),
        ([[0, 1e4], [1e4]], "must be numbers in ohm, inf for open"),
        (None, "coupling_resistance"),
    ],
)
def test_wrong_resistances(resistance, message):
    with pytest.raises(InputError, match=message) as caught:
        OscillatorNetwork([OSCILLATOR] * 2, resistance)
    assert "\n" not in str(caught.value)


def test_wrong_oscillators():
    with pytest.raises(InputError, match=r"oscillators\[1\] is .*; allowed is an Oscillator"):
        OscillatorNetwork([OSCILLATOR, CARD], PAIR)
    with pytest.raises(InputError, match="at least one oscillator"):
        OscillatorNetwork([], np.empty((0, 0)))
    with pytest.raises(InputError, match="needs a card of kind 'vo2_oscillator'"):
        Oscillator("vo2_delacour2021")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"delays": [0.0, 1e-6, 2e-6]}, r"delays has shape \(3,\); allowed is one time, or 2"),
        ({"delays": [0.0, -1e-6]}, "delays must be finite and >= 0 s"),
        ({"delays": [0.0, np.nan]}, "delays must be finite and >= 0 s"),
        ({"delays": np.inf}, "delays must be finite and >= 0 s"),
        ({"delays": ["now", "later"]}, "delays must be times in seconds"),
        ({"close_at": -1e-6}, "close_at is -1e-06; allowed is a finite time >= 0 s"),
        ({"close_at": np.nan}, "close_at is nan"),
        ({"close_at": "soon"}, "close_at is 'soon'; allowed is a time in seconds"),
        ({"stop": 0.0}, "stop is 0.0; allowed is a finite time > 0 s"),
        ({"stop": -1.0}, "stop is -1.0"),
        ({"stop": np.nan}, "stop is nan"),
        ({"stop": np.inf}, "stop is inf; allowed is a finite time"),
        ({"stop": None}, "stop is None"),
        ({"tolerance": 0.0}, "tolerance is 0.0; allowed is 1e-12 to 1e-3 V"),
        ({"tolerance": -1e-9}, "tolerance"),
        ({"tolerance": np.nan}, "tolerance is nan"),
        ({"tolerance": "tight"}, "tolerance is 'tight'"),
        ({"tolerance": 1.0}, "tolerance is 1.0; allowed is 1e-12 to 1e-3 V"),
        ({"fidelity": "exact"}, "fidelity is 'exact'; allowed: smooth, relaxed, abrupt"),
        ({"fidelity": None}, "fidelity is None"),
        ({"save_at": [0.0, 2e-5]}, r"save_at must be increasing times between 0 and stop = 10 µs"),
        ({"save_at": [2e-6, 1e-6]}, "save_at must be increasing"),
        ({"save_at": [1e-6, np.nan]}, "save_at must be increasing"),
        ({"save_at": [-1e-6]}, "save_at must be increasing"),
        ({"save_at": [[1e-6]]}, "save_at must be increasing"),
        ({"save_at": 1e-6}, "save_at must be increasing"),
        ({"save_at": "all"}, "save_at"),
    ],
)
def test_wrong_arguments_of_a_transient(arguments, message):
    network = OscillatorNetwork([OSCILLATOR] * 2, PAIR)
    with pytest.raises(InputError, match=message) as caught:
        network.transient(**({"stop": 10e-6} | arguments))
    assert "\n" not in str(caught.value)


def test_smooth_needs_a_transition_time_and_a_fold():
    network = table_1_network(2, 1e4, tau_0=0.0)
    with pytest.raises(InputError, match="'smooth' needs tau_0 > 0"):
        network.transient(stop=1e-5, fidelity="smooth")
    assert len(network.transient(stop=3 * PERIOD).switching_times[0]) == 3  # relaxed means abrupt then
    flat = table_1_network(1, alpha=0.5)
    with pytest.raises(InputError, match="alpha"):
        flat.transient(stop=1e-5, fidelity="smooth")


def test_numbers_of_any_kind_do():
    network = OscillatorNetwork([OSCILLATOR] * 2, [[0, 10_000], [10_000, 0]])
    expected = network.transient([0.0, 5e-6], close_at=0.0, stop=3e-5, tolerance=1e-6)
    other = network.transient((0, np.float32(0) + 5e-6), close_at=0, stop=np.float64(3e-5), tolerance=np.float64(1e-6))
    np.testing.assert_allclose(other.switching_times[1], expected.switching_times[1], rtol=1e-6)


def test_the_diagonal_is_ignored_and_the_input_left_alone():
    runs = []
    for diagonal in (0.0, 1.0, np.inf, np.nan, -3.0):
        resistance = PAIR.copy()
        np.fill_diagonal(resistance, diagonal)
        given = resistance.copy()
        network = OscillatorNetwork([OSCILLATOR] * 2, given)
        np.testing.assert_array_equal(network.coupling_conductance, [[0, 1e-4], [1e-4, 0]])
        np.testing.assert_array_equal(given, resistance)
        runs.append(network.transient([0.0, 3e-6], stop=2e-5).switching_times[1])
    for times in runs[1:]:
        np.testing.assert_array_equal(times, runs[0])
    stored = coo([1e4, 1e4, -5.0], [0, 1, 0], [1, 0, 0])
    np.testing.assert_array_equal(
        OscillatorNetwork([OSCILLATOR] * 2, stored).coupling_conductance.toarray(), [[0, 1e-4], [1e-4, 0]]
    )


def test_phases_lie_in_their_range_and_follow_the_delays():
    delays = np.array([0.0, 0.05, 0.3, 0.5, 0.8, 0.95]) * PERIOD
    run = table_1_network(6).transient(delays, stop=8 * PERIOD, fidelity="abrupt")
    phases = run.phases()
    assert np.all((phases >= -45) & (phases < 315))
    expected = 360 * delays / PERIOD
    np.testing.assert_allclose((phases - expected + 180) % 360, 180, atol=1e-5)
    for reference in range(6):
        turned = run.phases(reference)
        assert turned[reference] == 0
        assert np.all((turned >= -45) & (turned < 315))
        np.testing.assert_allclose((turned - phases + phases[reference] + 180) % 360, 180, atol=1e-4)


@pytest.mark.parametrize("reference", [-1, 2])
def test_a_reference_that_is_not_there(reference):
    run = table_1_network(2).transient(stop=1e-5)
    with pytest.raises(InputError, match=r"reference is .*; allowed is an oscillator's index, 0 to 1"):
        run.phases(reference)


def test_the_table_has_a_row_an_oscillator_and_units():
    network = drawn_network(3, np.random.default_rng(1), resistance=60e3)
    run = network.transient([0.0, 5e-6, 9e-6], close_at=1e-5, stop=12 * PERIOD)
    frame = run.to_frame()
    assert list(frame.columns) == [
        "phase", "period", "switchings", "energy", "device_energy", "load_energy", "coupling_energy", "stored_energy",
    ]  # fmt: skip
    assert frame.index.name == "oscillator"
    assert len(frame) == 3
    assert frame.attrs["units"] == {"phase": "degree", "period": "s"} | {
        name: "J" for name in frame.columns if name.endswith("energy")
    }
    np.testing.assert_array_equal(frame["phase"], run.phases())
    np.testing.assert_array_equal(frame["energy"], run.energy)
    assert frame["period"][1] == run.period(1)
    assert run.power() == pytest.approx(frame["energy"].sum() / (12 * PERIOD))


def test_a_network_of_drawn_devices_has_their_parameters():
    [rng] = generators(5, 1)
    drawn = draw(load_card("vo2_delacour2021"), 4, rng, sigma=0.01)
    network = OscillatorNetwork.of_devices(CARD, drawn, np.full((4, 4), 100e3))
    assert network.size == 4
    for name, values in drawn.items():
        np.testing.assert_array_equal(network.parameters[name], values)
        assert getattr(network.oscillators[2].card, name) == values[2]
    assert len(set(network.parameters["C_P"])) == 4


def test_a_single_oscillator_is_a_network():
    run = OscillatorNetwork([OSCILLATOR], [[0.0]]).transient(stop=6 * PERIOD)
    assert run.status.ok
    np.testing.assert_array_equal(run.phases(), [0.0])
    assert run.period() == pytest.approx(OSCILLATOR.period("relaxed"), rel=1e-8)
