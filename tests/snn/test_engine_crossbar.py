"""Crossbars against ideal products, statistics in closed form, and a nodal solution written afresh."""

import numpy as np
import pytest

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.snn.engines.crossbar import Crossbar, effective_conductance
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import Dense, Neuron
from circuitsnn.snn.network import Network

RNG = np.random.default_rng
SEEDS = np.random.SeedSequence(5).spawn(400)
QUIET = {"sigma_G": 0.0, "noise_G": 0.0}


def card(**overrides):
    return load_card("crossbar_generic", **{"rows": 16, "columns": 12, **overrides})


def matrix_and_rows(outputs=7, inputs=40):
    rng = RNG(1)
    return rng.normal(scale=0.3, size=(outputs, inputs)), rng.normal(size=(60, inputs))


def test_without_variation_it_is_the_product_of_the_levels():
    matrix, rows = matrix_and_rows()
    result = Crossbar(card(levels=2**20, **QUIET)).design(matrix, rows, 5).chip(SEEDS[0]).multiply(rows, None)
    np.testing.assert_allclose(result, rows @ matrix.T, atol=1e-4)
    design = Crossbar(card(levels=5, **QUIET), trim=False).design(matrix, rows, 5)
    step = np.abs(matrix).max() / 4
    np.testing.assert_allclose(design.chip(SEEDS[0]).multiply(rows, None), rows @ (np.rint(matrix / step) * step).T)
    assert not design.varies


def test_inputs_and_outputs_of_few_bits():
    matrix, rows = matrix_and_rows(inputs=16)
    design = Crossbar(card(levels=2**20, **QUIET), input_bits=5, converter_bits=4, trim=False).design(matrix, rows, 5)
    unit = np.abs(rows).max() / 15
    exact = (np.rint(rows / unit) * unit) @ matrix.T
    # The range is that of the levels at hand, 8 steps on either side; the top code is missing.
    step = np.abs(exact).max() / 8
    expected = np.clip(np.rint(exact / step), -8, 7) * step
    result = design.chip(SEEDS[0]).multiply(rows, None)
    assert np.mean(np.abs(result - expected) > 1e-3 * step) < 0.01  # but for ties, which rounding may move
    np.testing.assert_allclose(design.chip(SEEDS[0]).multiply(50 * rows[:1], None).max(), 7 * step, rtol=1e-3)


@pytest.mark.parametrize(("sigma", "noise"), [(0.1, 0.0), (0.0, 0.05), (0.2, 0.03)])
def test_spread_is_that_of_independent_devices(sigma, noise):
    """var y = unit^2 sum_i V_i^2 (sigma^2 + noise^2 (1 + sigma^2)) (G+^2 + G-^2), mean that of the design."""
    chosen = card(sigma_G=sigma, noise_G=noise)
    matrix, rows = matrix_and_rows(outputs=3, inputs=20)
    design = Crossbar(chosen, trim=False).design(matrix, rows, 5)
    one = rows[:1]
    drawn = np.array([design.chip(seed).multiply(one, RNG(n))[0] for n, seed in enumerate(SEEDS)])
    largest, levels = np.abs(matrix).max(), chosen.levels - 1
    share = np.rint(np.abs(matrix) / largest * levels) / levels
    span = chosen.G_max - chosen.G_min
    on, off = chosen.G_min + span * share, chosen.G_min
    volts = one[0] / np.abs(rows).max() * chosen.V_read
    unit = largest * np.abs(rows).max() / (span * chosen.V_read)
    variance = (sigma**2 + noise**2 * (1 + sigma**2)) * unit**2 * (volts**2 @ (on**2 + off**2).T)
    expected = one[0] @ (np.sign(matrix) * share * largest).T
    np.testing.assert_allclose(drawn.mean(axis=0), expected, atol=4 * np.sqrt(variance.max() / len(SEEDS)))
    np.testing.assert_allclose(drawn.std(axis=0), np.sqrt(variance), rtol=0.15)


def test_mismatch_stays_and_noise_is_drawn_anew():
    matrix, rows = matrix_and_rows()
    design = Crossbar(card()).design(matrix, rows, 5)
    one, again, other = design.chip(SEEDS[0]), design.chip(SEEDS[0]), design.chip(SEEDS[1])
    np.testing.assert_array_equal(one.multiply(rows, RNG(1)), again.multiply(rows, RNG(1)))
    quiet = Crossbar(card(noise_G=0.0)).design(matrix, rows, 5).chip(SEEDS[0])
    np.testing.assert_array_equal(quiet.multiply(rows, RNG(1)), quiet.multiply(rows, RNG(2)))
    assert np.std(one.multiply(rows, RNG(1)) - one.multiply(rows, RNG(2))) > 0
    assert np.std(one.multiply(rows, RNG(1)) - other.multiply(rows, RNG(1))) > 0
    # Trimmed: the mean error of each output over the typical inputs is what noise leaves of it.
    errors = one.multiply(rows, RNG(3)) - rows @ matrix.T
    trimmed = np.abs(errors.mean(axis=0)).max()
    assert trimmed < 4 * errors.std() * np.sqrt(2 / len(rows))
    untrimmed = Crossbar(card(), trim=False).design(matrix, rows, 5).chip(SEEDS[0])
    assert np.abs((untrimmed.multiply(rows, RNG(3)) - rows @ matrix.T).mean(axis=0)).max() > 2 * trimmed


def nodal(conductance, wire):
    """Kirchhoff's current law at every node, loops and a dense matrix."""
    rows, columns = conductance.shape
    currents = np.empty((rows, columns))
    node = {("w", i, j): i * columns + j for i in range(rows) for j in range(columns)}
    node |= {("b", i, j): rows * columns + i * columns + j for i in range(rows) for j in range(columns)}
    for driven in range(rows):
        matrix, source = np.zeros((len(node), len(node))), np.zeros(len(node))

        def connect(a, b, g, matrix=matrix):
            matrix[a, a] += g
            matrix[b, b] += g
            matrix[a, b] -= g
            matrix[b, a] -= g

        for i in range(rows):
            for j in range(columns):
                connect(node["w", i, j], node["b", i, j], conductance[i, j])
                if j:
                    connect(node["w", i, j - 1], node["w", i, j], 1 / wire)
                if i:
                    connect(node["b", i - 1, j], node["b", i, j], 1 / wire)
            matrix[node["w", i, 0], node["w", i, 0]] += 1 / wire
            if i == driven:
                source[node["w", i, 0]] = 1 / wire
        for j in range(columns):
            matrix[node["b", rows - 1, j], node["b", rows - 1, j]] += 1 / wire
        volts = np.linalg.solve(matrix, source)
        currents[driven] = [volts[node["b", rows - 1, j]] / wire for j in range(columns)]
    return currents


@pytest.mark.parametrize("shape", [(5, 3), (3, 6), (1, 4), (4, 4)])
def test_wires_against_a_nodal_solution(shape):
    conductance = RNG(2).uniform(1e-5, 1e-4, shape)
    np.testing.assert_allclose(effective_conductance(conductance, 300.0), nodal(conductance, 300.0), rtol=1e-9)


def test_wires_in_limits():
    one = effective_conductance([[1e-4]], 50.0)
    np.testing.assert_allclose(one, 1 / (1e4 + 2 * 50.0))  # three resistors in series
    conductance = RNG(3).uniform(1e-5, 1e-4, (6, 5))
    np.testing.assert_array_equal(effective_conductance(conductance, 0.0), conductance)
    # To first order each device loses what the wires on its way take, together with those that share them.
    small, smaller = (conductance - effective_conductance(conductance, r) for r in (1e-2, 5e-3))
    np.testing.assert_allclose(small, 2 * smaller, rtol=1e-3)
    assert (small > 0).all()


def test_a_layer_with_wires_is_solved_array_by_array():
    matrix, rows = matrix_and_rows(outputs=7, inputs=20)  # arrays of 16 and 4 rows, of 6 pairs and of 1
    chosen = card(R_wire=200.0, levels=2**20, **QUIET)
    chip = Crossbar(chosen, wires=True, trim=False).design(matrix, rows, 5).chip(SEEDS[0])
    largest, span = np.abs(matrix).max(), chosen.G_max - chosen.G_min
    plus, minus = (chosen.G_min + span * np.maximum(sign * matrix.T, 0) / largest for sign in (1, -1))
    expected = 0.0
    for inputs in (slice(0, 16), slice(16, 20)):
        for outputs in (slice(0, 6), slice(6, 7)):
            pairs = np.stack([plus[inputs, outputs], minus[inputs, outputs]], axis=-1)
            seen = nodal(pairs.reshape(len(pairs), -1), 200.0).reshape(pairs.shape)
            part = np.zeros((len(rows), 7))
            part[:, outputs] = rows[:, inputs] @ (seen[..., 0] - seen[..., 1]) * largest / span
            expected = expected + part
    np.testing.assert_allclose(chip.multiply(rows, None), expected, atol=1e-4)
    assert np.abs(expected - rows @ matrix.T).max() > 0.05


def test_energy_is_that_of_the_resistors():
    matrix, rows = np.array([[1.0, -0.5]]), np.array([[1.0, 0.0], [0.5, -1.0]])
    chosen = card(levels=19)  # steps of 5 uS
    cost = Crossbar(chosen).design(matrix, rows, 5).cost()
    # Pairs of 100 and 10, of 10 and 55 uS; squares of voltages 0.04 and 0, 0.01 and 0.04.
    devices = 10e-9 * np.mean([0.04 * 110e-6, 0.01 * 110e-6 + 0.04 * 65e-6])
    assert cost.energy == pytest.approx(devices + 268e-15, rel=1e-9)
    assert cost.delay == pytest.approx(16e-9)


def test_a_network_on_crossbars():
    rng = RNG(6)
    net = Network((30,), (Dense("a", rng.normal(size=(20, 30))), Neuron("n"), Dense("b", rng.normal(size=(4, 20)))), 5)
    data = rng.random((40, 30))
    exact = run(net, data).outputs
    result = run(net, data, engines={"a": Crossbar(card()), "b": Crossbar(card())}, chips=2)
    assert all(np.corrcoef(each.ravel(), exact.ravel())[0, 1] > 0.9 for each in result.outputs)
    assert not np.array_equal(*result.outputs)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Crossbar("sar_adc_65nm"),
        lambda: Crossbar(wires=1),
        lambda: Crossbar(input_bits=0),
        lambda: Crossbar(converter_bits=17),
        lambda: Crossbar().design(np.ones((2, 3)), np.ones((4, 2)), 5),
        lambda: effective_conductance([1.0, 2.0], 1.0),
        lambda: effective_conductance([[-1.0]], 1.0),
        lambda: effective_conductance([[1.0]], -1.0),
        lambda: load_card("crossbar_generic", G_min="200u"),
        lambda: load_card("crossbar_generic", levels=1),
    ],
)
def test_wrong_arguments_get_one_sentence(wrong):
    with pytest.raises(InputError, match=r"allowed|needs|must be"):
        wrong()
