"""Layers on macros: exact where nothing is imperfect, within what the imperfections allow where they are in force."""

import numpy as np
import pytest
from macros import small_card

from circuitsnn.errors import InputError
from circuitsnn.snn.engines.macro import InputRange, OnMacro, wrap
from circuitsnn.snn.inference import run
from circuitsnn.snn.layers import Convolution, Dense, Flatten, Neuron
from circuitsnn.snn.network import Network
from circuitsnn.sram.macro import Imperfections, Macro

RNG = np.random.default_rng
IDEAL_CIRCUIT = Imperfections(mismatch=False, nonlinearity=False, noise=False, converter="none")


def seeds(count, start=0):
    return [np.random.SeedSequence(7, spawn_key=(start + each,)) for each in range(count)]


def weights(outputs=6, inputs=30, seed=1):
    return RNG(seed).normal(scale=0.2, size=(outputs, inputs))


KINDS = {
    "spikes": lambda rng, shape: (rng.random(shape) < 0.3).astype(np.float32),
    "levels": lambda rng, shape: rng.integers(0, 5, shape).astype(np.float32) / np.float32(4),
    "non-negative": lambda rng, shape: rng.random(shape).astype(np.float32),
    "signed": lambda rng, shape: rng.normal(size=shape).astype(np.float32),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [4, 8])
def test_ideal_fidelity_is_exact_to_the_quantisation(kind, bits):
    """Rounding worked out here: weights by max|w| / 31, inputs by their range."""
    rows, matrix = KINDS[kind](RNG(2), (50, 30)), weights()
    engine = OnMacro(small_card(), "ideal", input_bits=bits, input_quantile=1.0)
    result = engine.design(matrix, rows, 5).chip(seeds(1)[0]).multiply(rows, None)
    step = np.abs(matrix).max() / 31
    unit = 1.0 if kind in ("spikes", "levels") else np.abs(rows).max() / (2**bits - 1)
    rounded = rows if kind in ("spikes", "levels") else np.rint(rows / unit) * unit
    np.testing.assert_allclose(result, rounded @ (np.rint(matrix / step) * step).T, atol=1e-5)
    # And so it is close to the exact product: half a step of weights, half a unit of inputs, in each summand.
    away = result - rows @ matrix.T
    levels = kind in ("spikes", "levels")
    variance = (step**2 * (rows**2).mean() + (0 if levels else unit**2) * (matrix**2).mean()) / 12 * matrix.shape[1]
    assert away.std() < 1.3 * np.sqrt(variance)


@pytest.mark.parametrize(
    ("rows", "coding", "bits", "sign", "unit"),
    [
        (np.array([[0.0, 1.0]]), "spikes", 1, "unsigned", 1.0),
        (np.array([[0.0, 0.25, 1.0]]), "bit_serial", 3, "unsigned", 0.25),
        (np.array([[0.0, 1 / 9, 1.0]], np.float32), "bit_serial", 4, "unsigned", 1 / 9),
        (np.array([[0.0, 0.013, 0.77]]), "bit_serial", 4, "unsigned", 0.77 / 15),
        (np.array([[0.0, -2.0, 1.0]]), "bit_serial", 4, "two_phases", 2 / 15),
    ],
)
def test_the_range_follows_typical_inputs(rows, coding, bits, sign, unit):
    found = InputRange.of(rows, "bit_serial", 4, 1.0)
    assert (found.mapping.coding, found.mapping.bits, found.mapping.sign) == (coding, bits, sign)
    assert found.unit == pytest.approx(unit)
    whole = found.to_integers(rows)
    assert np.abs(whole * unit - rows).max() <= 0.5 * unit + 1e-12
    assert found.to_integers(10 * rows).max() <= found.mapping.maximum


def test_a_circuit_without_imperfections_is_its_whole_numbers():
    rows, matrix = KINDS["signed"](RNG(3), (40, 30)), weights()
    made = [
        OnMacro(small_card(), fidelity, imperfections=IDEAL_CIRCUIT, trim=False).design(matrix, rows, 5)
        for fidelity in ("ideal", "behavioural")
    ]
    exact, circuit = (each.chip(seeds(1)[0]).multiply(rows, RNG(0)) for each in made)
    np.testing.assert_allclose(circuit, exact, atol=2e-4)
    assert not any(each.varies for each in made)


@pytest.fixture(scope="module")
def spiking():
    """A layer of spikes on drawn cells: matrix, inputs, its design."""
    rows, matrix = KINDS["spikes"](RNG(4), (400, 40)), weights(8, 40)
    # All rows in one read, a swing of some 0.1 V.
    card = small_card(rows=40, rows_on=40, columns=120)
    engine = OnMacro(card, significance="digital", rows_on=None, swing=None)
    return matrix, rows, engine.design(matrix, rows[:64], 5)


def test_errors_are_what_mismatch_and_converters_allow(spiking):
    """Differential bits: var y_o = sum_i z_i sum_c 4^c b_oic sigma_I^2; converters and noise add to it."""
    matrix, rows, design = spiking
    step = np.abs(matrix).max() / 31
    magnitudes = np.abs(np.rint(matrix / step).astype(int))
    squares = sum(4**c * (magnitudes >> c & 1) for c in range(5))
    sigma = 0.26  # of a cell's current at this word-line level: docs/theory/macro.md
    fluctuating = (rows.mean() * (1 - rows.mean()) * squares.sum(axis=1)).mean() * sigma**2 * step**2
    chips = [design.chip(seed) for seed in seeds(6)]
    errors = np.array([chip.multiply(rows, RNG(1)) for chip in chips]) - rows @ matrix.T
    spread = (errors - errors.mean(axis=1, keepdims=True)).std()
    assert np.sqrt(fluctuating) * 0.7 < spread < 3.0 * np.sqrt(fluctuating)
    # The trim leaves of each output's mean error what 64 inputs cannot tell.
    assert np.abs(errors.mean(axis=1)).max() < 4.0 * spread / np.sqrt(64) + 1e-3
    assert spread < 0.6 * (rows @ matrix.T).std(axis=0).mean()


def test_trim_leaves_no_gain_to_correct():
    """Products on their exact values have slope 1 at every output, where untrimmed chips have slopes of their own."""
    rows, matrix = KINDS["spikes"](RNG(4), (1200, 40)), weights(8, 40)
    card, exact = small_card(rows=40, rows_on=40, columns=120), rows @ matrix.T
    slopes = {}
    for trim in (True, False):
        chip = OnMacro(card, trim=trim).design(matrix, rows[:600], 5).chip(seeds(1)[0])
        products = chip.multiply(rows[600:], RNG(1))
        slopes[trim] = [np.polyfit(x, y, 1)[0] for x, y in zip(exact[600:].T, products.T, strict=True)]
    away = {trim: np.abs(np.array(each) - 1.0).max() for trim, each in slopes.items()}
    assert away[True] < 0.05
    assert away[True] < 0.6 * away[False]


def test_a_layer_of_few_spikes_gets_a_longer_pulse_and_errs_less():
    """The converters' noise and offsets are voltages; what they cost falls as the swing rises."""
    card = small_card(rows=80, rows_on=80, columns=120)
    rows, matrix = (RNG(4).random((800, 80)) < 0.05).astype(np.float32), weights(8, 80)
    discharges, pulses, errors = {}, {}, {}
    for swing in (None, 0.6):
        design = OnMacro(card, swing=swing).design(matrix, rows[:400], 5)
        macro = design._macro
        discharges[swing], pulses[swing] = macro.largest_discharge, macro.card.parts["array"].T_pulse
        chips = [design.chip(seed) for seed in seeds(4)]
        errors[swing] = np.std([chip.multiply(rows[400:], RNG(1)) - rows[400:] @ matrix.T for chip in chips])
    assert pulses[None] == card.parts["array"].T_pulse
    assert discharges[None] < 0.3
    assert 0.45 < discharges[0.6] < 0.75
    assert errors[0.6] < 0.8 * errors[None]


def test_a_pulse_that_empties_the_lines_is_shortened():
    """4-bit pulses are up to 15 units long; 24 rows of them would take a line far below its end."""
    matrix, rows = weights(8, 24), KINDS["non-negative"](RNG(5), (200, 24))
    card = small_card(rows_on=24)
    whole = OnMacro(card, input_coding="pulse_width", swing=None).design(matrix, rows, 5)._macro
    design = OnMacro(card, input_coding="pulse_width", swing=0.5).design(matrix, rows, 5)
    assert whole.largest_discharge > 1.0
    assert 0.35 < design._macro.largest_discharge < 0.65
    assert design.status.ok
    assert design._macro.card.parts["array"].T_pulse < 0.3 * card.parts["array"].T_pulse


def test_chips_differ_and_stay_noise_is_drawn_anew(spiking):
    _, rows, design = spiking
    one, again, other = (design.chip(seed) for seed in (*seeds(1), *seeds(1), *seeds(1, start=5)))
    np.testing.assert_array_equal(one.multiply(rows, RNG(1)), again.multiply(rows, RNG(1)))
    first = one.multiply(rows, RNG(1))
    noise = np.std(one.multiply(rows, RNG(2)) - first)
    chips = np.std(other.multiply(rows, RNG(1)) - first)
    assert 0.0 < noise < chips
    assert design.varies
    assert design.status.ok


@pytest.mark.parametrize("significance", ["digital", "charge_sharing"])
def test_a_linear_chip_has_the_errors_of_its_macro(significance):
    rows, matrix = KINDS["spikes"](RNG(4), (600, 40)), weights(8, 40)
    card = small_card(rows=40, rows_on=40, columns=120)
    designs = [OnMacro(card, significance=significance, linear=on).design(matrix, rows[:64], 5) for on in (True, False)]
    linear, whole = (each.chip(seeds(1)[0]) for each in designs)
    exact = rows @ matrix.T
    errors = [each.multiply(rows, RNG(n)) - exact for n, each in enumerate((linear, whole))]
    assert errors[0].std() == pytest.approx(errors[1].std(), rel=0.15)
    # Mismatch is that of the chip: what is common to both errors is more than what each has of its own.
    assert np.corrcoef(errors[0].ravel(), errors[1].ravel())[0, 1] > 0.4
    again = designs[0].chip(seeds(1)[0]).multiply(rows, RNG(0)) - exact
    np.testing.assert_array_equal(errors[0], again)


def test_cost_is_the_macro_s_report(spiking):
    matrix, rows, design = spiking
    cost = design.cost()
    step = np.abs(matrix).max() / 31
    macro = Macro(
        small_card(rows=40, rows_on=40, columns=120), np.rint(matrix / step).astype(int), calibration=rows[:64],
        weight_scheme="differential",
    )  # fmt: skip
    report = macro.report()
    assert cost.energy == pytest.approx(report.loc["total", "energy"], rel=0.05)
    assert cost.delay == pytest.approx(report.loc["total", "delay"])


def network():
    rng = RNG(8)
    kernel = rng.normal(scale=0.4, size=(3, 1, 3, 3))
    fc = rng.normal(scale=0.3, size=(4, 48))
    layers = Convolution("conv1", kernel, padding=1, stride=2), Neuron("neuron1", 0.5), Flatten("flat"), Dense("fc", fc)
    return Network((1, 8, 8), layers, steps=4)


def test_a_network_on_macros_is_the_network_to_the_quantisation():
    net, data = network(), RNG(9).normal(size=(20, 1, 8, 8))
    engine = OnMacro(small_card(), "ideal", input_bits=8, weight_bits=8, input_quantile=1.0)
    exact, on = run(net, data), run(net, data, engines={"conv1": engine, "fc": engine}, record=["neuron1"])
    flipped = np.mean(run(net, data, record=["neuron1"]).records["neuron1"] != on.records["neuron1"])
    assert flipped < 0.02
    assert np.corrcoef(exact.outputs.ravel(), on.outputs.ravel())[0, 1] > 0.99


def test_chips_of_a_network_are_reproducible():
    net, data = network(), RNG(9).normal(size=(6, 1, 8, 8))
    engines = {"conv1": OnMacro(small_card()), "fc": OnMacro(small_card())}
    result = run(net, data, engines=engines, chips=2, seed=3)
    again = run(net, data, engines=result.designs, chips=2, seed=3, batch=64)
    np.testing.assert_array_equal(result.outputs, again.outputs)
    assert not np.array_equal(result.outputs[0], result.outputs[1])
    assert np.corrcoef(result.outputs[0].ravel(), run(net, data).outputs.ravel())[0, 1] > 0.7


def test_a_bare_macro_stands_for_its_layer():
    net, data = network(), RNG(9).normal(size=(20, 1, 8, 8))
    fc = net["fc"].weight
    spikes = run(net, data, record=["neuron1"]).records["neuron1"][0].reshape(-1, 48)
    macro = Macro(small_card(columns=120), fc, calibration=spikes.astype(int)[:64], weight_scheme="differential")
    result = run(net, data, engines={"fc": macro}, chips=2)
    assert not np.array_equal(result.outputs[0], result.outputs[1])
    exact = run(net, data).outputs
    assert np.corrcoef(result.outputs[0].ravel(), exact.ravel())[0, 1] > 0.7
    ideal = run(net, data, engines={"fc": Macro(small_card(), fc, "ideal", weight_bits=8)})
    np.testing.assert_allclose(ideal.outputs, exact, atol=48 * 4 * np.abs(fc).max() / 127)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m, x: wrap(Macro(small_card(), m[:3], "ideal")), "outputs and inputs"),
        (lambda m, x: wrap(Macro(small_card(), 1.1 * m, "ideal")), "the layer's own"),
        (lambda m, x: wrap(Macro(small_card(), m, "ideal", input_coding="bit_serial")), "two_phases"),
    ],
)
def test_a_macro_that_does_not_fit_is_an_error(make, message):
    matrix, rows = weights(), KINDS["signed"](RNG(5), (10, 30))
    with pytest.raises(InputError, match=message):
        make(matrix, rows).design(matrix, rows, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"card": "sar_adc_65nm"},
        {"card": 3},
        {"fidelity": "exact"},
        {"input_bits": 9},
        {"weight_bits": 1},
        {"input_coding": "spikes"},
        {"input_quantile": 0.0},
        {"significance": "pulse_width", "input_coding": "pulse_width"},
        {"trim": 1},
        {"linear": 1},
        {"linear": True, "input_coding": "pulse_width"},
        {"supply_drift": 2.0},
        {"converter_bits": 0},
        {"swing": 0.0},
        {"swing": "1 V"},
    ],
)
def test_wrong_arguments_get_one_sentence(wrong):
    with pytest.raises(InputError, match=r"allowed|needs|takes"):
        OnMacro(**wrong)


def test_a_layer_that_is_silent_in_the_calibration_is_laid_out_all_the_same():
    matrix = weights()
    design = OnMacro(small_card()).design(matrix, np.zeros((5, 30)), 5)
    rows = KINDS["spikes"](RNG(6), (50, 30))
    assert np.isfinite(design.chip(seeds(1)[0]).multiply(rows, RNG(0))).all()
