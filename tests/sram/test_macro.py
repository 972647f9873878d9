"""A macro against integers, against closed forms of its errors, and against its own circuit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from macros import NONE, matrix, small_card, spikes
from scipy.optimize import brentq

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.sram.bitline import BitlineRead
from circuitsnn.sram.macro import Imperfections, Macro
from circuitsnn.transistor.mosfet import Conditions, Mosfet

CODINGS = [
    {},
    {"input_sign": "two_phases"},
    {"input_coding": "bit_serial", "input_bits": 3, "input_sign": "offset"},
    {"input_coding": "pulse_width", "input_bits": 2},
    {"input_coding": "level", "input_bits": 2, "input_sign": "two_phases"},
]


def inputs_for(macro, rng, reads=20):
    mapping = macro.input_mapping
    return rng.integers(mapping.minimum, mapping.maximum + 1, (reads, macro.shape[1]))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    scheme=st.sampled_from(["twos_complement", "offset_binary", "differential"]),
    bits=st.integers(1, 6),
    significance=st.sampled_from(["digital", "charge_sharing", "pulse_width"]),
    coding=st.sampled_from(CODINGS),
)
def test_ideal_is_the_integer_product(seed, scheme, bits, significance, coding):
    rng = np.random.default_rng(seed)
    if significance == "pulse_width" and coding.get("input_coding") in ("level", "pulse_width"):
        coding = {}
    words = {"weight_scheme": scheme, "weight_bits": bits, "significance": significance, **coding}
    largest = 2 ** (bits - 1) - 1
    macro = Macro(small_card(), matrix(rng, low=-largest - (scheme != "differential"), high=largest), "ideal", **words)
    x = inputs_for(macro, rng)
    np.testing.assert_array_equal(macro.forward(x), x @ macro.weights.T)
    np.testing.assert_array_equal(macro @ x.T, macro.weights @ x.T)
    np.testing.assert_array_equal(macro @ x[0], macro.weights @ x[0])
    stack = x.reshape(4, 5, -1)
    np.testing.assert_array_equal(macro @ stack.swapaxes(1, 2), macro.weights @ stack.swapaxes(1, 2))


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"weight_scheme": "offset_binary", "input_coding": "bit_serial", "input_bits": 2, "input_sign": "two_phases"},
        {"weight_scheme": "differential", "significance": "charge_sharing"},
        {"weight_scheme": "twos_complement", "significance": "pulse_width", "weight_bits": 4},
        {"input_coding": "pulse_width", "input_bits": 2, "input_sign": "offset"},
    ],
)
def test_without_imperfections_it_is_exact(words):
    rng = np.random.default_rng(1)
    macro = Macro(small_card(), matrix(rng, low=-7, high=7), imperfections=NONE, **words)
    x = inputs_for(macro, rng)
    np.testing.assert_allclose(macro.forward(x), x @ macro.weights.T, atol=1e-3)


@pytest.mark.parametrize(("step", "bits"), [(1.0, 6), (1.37, 3)])
def test_an_ideal_converter_rounds_and_clips_partial_sums(step, bits):
    """Each column of each row group is rounded to the step and clipped, then shifted and added."""
    rng = np.random.default_rng(2)
    weights, x, card = matrix(rng), spikes(rng), small_card(rows_on=10)
    flat = Macro(card, weights, imperfections=NONE)
    span = flat.behaviour.unit * step * (2**bits - 1)
    ideal = Imperfections(mismatch=False, nonlinearity=False, noise=False, converter="ideal")
    macro = Macro(card, weights, imperfections=ideal, converter_range=(0.0, span), converter_bits=bits)
    cells = macro.weight_mapping.to_cells(weights)
    expected = np.zeros((len(x), len(weights)))
    for start, stop in [(0, 10), (10, 20), (20, 24), (24, 34), (34, 40)]:  # arrays of 24 rows, 10 at a time
        sums = np.einsum("ri,oik->rok", x[:, start:stop], cells[:, start:stop].astype(int))
        codes = np.clip(np.floor(sums / step + 0.5), 0, 2**bits - 1)
        expected += (codes * step) @ macro.weight_mapping.significances
    np.testing.assert_allclose(macro.forward(x), expected, atol=1e-3)
    if step == 1.0:
        np.testing.assert_allclose(expected, x @ weights.T)


def relative_current_spread(card, count=250):
    """Spread of cell currents from Pelgrom's law: access and pull-down in series, solved one by one."""
    array = card.parts["array"]
    cell = array.parts["cell"]
    nmos, rng = cell.parts["nmos"], np.random.default_rng(5)

    def current(shifts):
        access = Mosfet(nmos, cell.W_access, cell.L_access, threshold_shift=shifts[0], current_factor_shift=shifts[2])
        down = Mosfet(
            nmos, cell.W_pull_down, cell.L_pull_down, threshold_shift=shifts[1], current_factor_shift=shifts[3]
        )

        def excess(q):
            return float(access.drain_current(array.V_WL, array.V_precharge, q) - down.drain_current(array.V_DD, q, 0))

        return float(down.drain_current(array.V_DD, brentq(excess, 0.0, array.V_DD), 0.0))

    areas = np.sqrt([cell.W_access * cell.L_access, cell.W_pull_down * cell.L_pull_down])
    sigma = np.concatenate([nmos.A_VT / areas, nmos.A_beta / areas])
    currents = np.array([current(shifts) for shifts in sigma * rng.standard_normal((count, 4))])
    return currents.std() / current(np.zeros(4))


def test_mismatch_is_that_of_the_bits():
    """Variance sum_k 4^k sum_i x_i b_ik sigma^2 of the product: each bit's cell has a draw of its own."""
    card = small_card(rows=40, rows_on=40, columns=60)
    sigma = relative_current_spread(card)
    x = np.ones((1, 40), dtype=int)
    only = Imperfections(mismatch=True, nonlinearity=False, noise=False, converter="none")
    measured, behaviour = {}, None
    for value in (21, 16, -32):
        weights = np.full((300, 40), value)
        macro = Macro(card, weights, imperfections=only, seed=value + 40, behaviour=behaviour)
        behaviour = macro.behaviour
        bits = macro.weight_mapping.to_cells([value])[0]
        expected = sigma * np.sqrt(40 * np.sum(bits * 4.0 ** np.arange(6)))
        measured[value] = macro.forward(x).std() / macro.gain
        # 4 standard errors of 300 outputs and of the 250 cells above; pulses' edges add a little.
        assert measured[value] == pytest.approx(expected, rel=0.2), value
    # By bits, not by weight: 21 = 16 + 4 + 1 errs by sqrt(273), not by 21.
    assert measured[21] / measured[16] == pytest.approx(np.sqrt(273) / 16, rel=0.2)
    # The most significant bit has three quarters of the variance of random weights.
    assert 4.0**5 / np.sum(4.0 ** np.arange(6)) == pytest.approx(0.75, abs=1e-3)


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(3)
    card, weights = small_card(), matrix(rng)
    macro = Macro(card, weights, seed=11)
    return card, weights, spikes(rng), macro


def test_mismatch_stays_and_noise_does_not(problem):
    card, weights, x, macro = problem
    assert np.any(macro.forward(x) != macro.forward(x))
    again = Macro(card, weights, seed=11, behaviour=macro.behaviour)
    twin = Macro(card, weights, seed=11, behaviour=macro.behaviour)
    np.testing.assert_array_equal(again.forward(x), twin.forward(x))
    by_hand = [macro.forward(x, np.random.default_rng(1)) for _ in range(2)]
    np.testing.assert_array_equal(*by_hand)
    still = Imperfections(noise=False)
    quiet = Macro(card, weights, seed=11, imperfections=still, behaviour=macro.behaviour)
    np.testing.assert_array_equal(quiet.forward(x), quiet.forward(x))
    np.testing.assert_array_equal(quiet.forward(x)[:7], quiet.forward(x[:7]))
    other = Macro(card, weights, seed=12, imperfections=still, behaviour=macro.behaviour)
    errors = [(each.forward(x) - x @ weights.T).mean(axis=0) for each in (quiet, other)]
    assert np.abs(errors[0] - errors[1]).max() > 1.0


def test_spare_columns_leave_the_cells_as_they_are(problem):
    card, weights, x, macro = problem
    still = Imperfections(noise=False, converter="none")
    plain, spare = (
        Macro(card, weights, seed=11, imperfections=still, behaviour=macro.behaviour, spare_columns=count)
        for count in (0, 3)
    )
    np.testing.assert_array_equal(plain.forward(x), spare.forward(x))


def test_noise_of_a_read_has_its_size():
    """kT/C and the card's noise on each column, through gain and significance; two chips share none of it."""
    rng = np.random.default_rng(4)
    card, weights = small_card(), np.full((200, 12), -1)
    only = Imperfections(mismatch=False, nonlinearity=False, noise=True, converter="none")
    x = spikes(rng, 300, 12)
    chips = [Macro(card, weights, imperfections=only, seed=seed) for seed in (1, 2)]
    noise = [chip.forward(x) - x @ weights.T for chip in chips]
    array = card.parts["array"]
    line = 1.380649e-23 * 300.15 / (array.C_BL_fixed + array.rows * array.C_BL_row) + card.noise_read**2
    expected = np.sqrt(line * np.sum(4.0 ** np.arange(6))) / chips[0].behaviour.unit
    count = noise[0].size
    assert noise[0].std() == pytest.approx(expected, rel=5 / np.sqrt(2 * count))
    assert abs(np.mean(noise[0] * noise[1])) < 5 * expected**2 / np.sqrt(count)


def test_noise_of_merged_columns():
    """Columns of 1 and 2 units: (1 + 4) / 9 of one line's variance counts 3^2; the sign's column stands for itself."""
    card = small_card()
    only = Imperfections(mismatch=False, nonlinearity=False, noise=True, converter="none")
    macro = Macro(card, np.full((200, 12), -1), weight_bits=3, significance="charge_sharing", imperfections=only)
    x = spikes(np.random.default_rng(4), 300, 12)
    noise = macro.forward(x) + x.sum(axis=1, keepdims=True)
    array = card.parts["array"]
    line = 1.380649e-23 * 300.15 / (array.C_BL_fixed + array.rows * array.C_BL_row) + card.noise_read**2
    expected = np.sqrt(line * (5 + 16)) / macro.behaviour.unit
    assert noise.std() == pytest.approx(expected, rel=5 / np.sqrt(2 * noise.size))


def test_noise_of_the_converters_counts():
    """A comparator much noisier than the lines, and steps much finer than its noise."""
    card = small_card(**{"adc.noise_comparator": "5m", "noise_read": 0.0})
    real = Imperfections(mismatch=False, nonlinearity=False, noise=True, converter="real")
    macro = Macro(
        card,
        np.full((200, 12), -1),
        weight_bits=3,
        imperfections=real,
        converter_bits=10,
        converter_range=(-0.1, 0.3),
    )
    noise = macro.forward(np.ones((200, 12), int))
    noise = noise - noise.mean(axis=0)  # of the converters' own offsets
    node = 1.0 + card.parts["adc"].parasitic  # the comparator sees the input divided by this
    expected = 5e-3 * node * np.sqrt(1 + 4 + 16) / macro.behaviour.unit
    assert noise.std() == pytest.approx(expected, rel=0.02)


def test_capacitors_that_merge_columns_have_their_mismatch():
    """Bit 2 of 3: share C_2 / (C_0 + C_1 + C_2) of 1, 2 and 4 units, sigma sqrt(units) each, to first order."""
    same = {f"array.cell.{kind}.{name}": 0.0 for kind in ("nmos", "pmos") for name in ("A_VT", "A_beta")}
    card = small_card(**same, sigma_merge=0.02)
    only = Imperfections(nonlinearity=False, noise=False, converter="none")
    words = {"weight_scheme": "offset_binary", "weight_bits": 3, "significance": "charge_sharing"}
    macro = Macro(card, np.zeros((2000, 12), int), imperfections=only, **words)
    error = macro.forward(np.ones((1, 12), int))[0]
    share = 4 / 7
    variance = 0.02**2 * ((1 - share) ** 2 * 4 + share**2 * (1 + 2)) / 7**2
    assert error.std() == pytest.approx(7 * 12 * np.sqrt(variance), rel=5 / np.sqrt(2 * 2000))


def test_neighbouring_columns_share_a_converter():
    """Arrays of 60 columns hold 10 outputs of 6; columns 0 to 7 of an array have its first of 8 converters."""
    rng = np.random.default_rng(8)
    macro = Macro(small_card(), matrix(rng, 12, 40))
    for row_tile in range(2):
        serving = macro._kernel_columns[row_tile].converter.reshape(12, 6)  # outputs, bits
        for output in range(12):
            for bit in range(6):
                array = 2 * row_tile + output // 10
                assert serving[output, bit] == 8 * array + (output % 10 * 6 + bit) // 8
    assert macro.converters.converters == 32


@pytest.mark.parametrize("words", [{}, {"significance": "charge_sharing", "weight_scheme": "offset_binary"}])
def test_the_behavioural_model_is_the_circuit(problem, words):
    """Every column by its ODE against the model, before the converters; residual below a quarter of 6 bits' LSB."""
    card, weights, x, _ = problem
    analog = Imperfections(noise=False, converter="none")
    model = Macro(card, weights, seed=11, imperfections=analog, **words)
    circuit = Macro(card, weights, "transient", seed=11, imperfections=analog, behaviour=model.behaviour, **words)
    difference = model.forward(x[:6]) - circuit.forward(x[:6])
    assert model.behaviour.residual_lsb(6)[1] < 0.25
    lsb = float(model.converters.lsb) / model.behaviour.unit
    # Four row groups and six bits add up; the most significant ones count for 32 and 16.
    scale = 63 if words else np.sqrt(np.sum(4.0 ** np.arange(6)))
    assert np.abs(difference).max() < 0.25 * lsb * scale * 2
    assert np.sqrt(np.mean(difference**2)) < 0.25 * lsb * scale
    # The model is of use: what it follows is far larger.
    assert np.std(circuit.forward(x[:6]) - x[:6] @ weights.T) > 3 * np.std(difference)


def test_transient_reads_are_those_of_one_column(problem):
    card, weights, x, behavioural = problem
    macro = Macro(card, weights, "transient", seed=11, behaviour=behavioural.behaviour)
    group, tile, _ = macro.layout.groups[1]
    codes = np.zeros((1, 24), np.uint8)
    codes[0, group] = x[0, group]
    column = 5
    discharge = macro._solve(codes, tile)[0, column]
    shifts = tuple(each[column, tile] for each in macro._mismatch())
    read = BitlineRead(card.parts["array"], stored=macro.layout.stored[tile, column].astype(int), mismatch=shifts)
    run = read.transient(pulses=codes[0])
    assert discharge == pytest.approx(run.discharge_bar, abs=2e-5)


def test_calibration_draws_from_all_planes_groups_and_inputs():
    """More planes times row groups than the calibration has reads: none is left out for good."""
    rng = np.random.default_rng(6)
    words = {"input_coding": "bit_serial", "input_bits": 8, "input_sign": "two_phases"}
    macro = Macro(small_card(), matrix(rng), imperfections=NONE, **words)
    planes = np.array(macro.input_mapping.to_planes(macro._inputs))
    assert len(planes) * len(macro.layout.groups) > 40
    drives = macro.layout.typical_drives(planes, int(macro._read.card.rows), rng)
    found = set()
    for drive in drives:
        for number, (group, tile, _) in enumerate(macro.layout.groups):
            here = slice(group.start - tile.start, group.stop - tile.start)
            if 0 < drive[here].sum() == drive.sum() and group.stop - group.start == 12:
                same = np.argwhere(np.all(planes[..., group] == drive[here], axis=-1))
                found.update((number, plane, each) for plane, each in same)
    groups, seen, inputs = (set(each) for each in zip(*found, strict=True))
    assert len(groups) == 3  # of 12 rows each
    assert len(seen) > len(planes) / 2
    assert len(inputs) > 12
    # The read that drives most word lines is among them.
    most = max(planes[..., group].sum(axis=-1).max() for group, _, _ in macro.layout.groups)
    assert drives.sum(axis=1).max() == most


def test_macro_of_eight_transistor_cells():
    """From the card to the product: its columns by their ODE, energies by the read of each column."""
    rng = np.random.default_rng(12)
    sizes = {"array.rows": 24, "array.columns": 60, "rows_on": 12, "array.T_pulse": "300p"}
    card = load_card("sram_macro_8t_65nm", **sizes)
    assert card.parts == load_card("sram_macro_65nm", array="sram_array_8t_65nm", **sizes).parts
    weights, x = rng.integers(-4, 4, (3, 20)), spikes(rng, 6, 20)
    np.testing.assert_allclose(
        Macro(card, weights, weight_bits=3, imperfections=NONE).forward(x), x @ weights.T, atol=1e-3
    )
    analog = Imperfections(noise=False, converter="none")
    model = Macro(card, weights, weight_bits=3, imperfections=analog)
    assert model.status.ok
    circuit = Macro(card, weights, "transient", weight_bits=3, imperfections=analog, behaviour=model.behaviour)
    difference = model.forward(x) - circuit.forward(x)
    lsb = float(model.converters.lsb) / model.behaviour.unit
    assert np.abs(difference).max() < 0.25 * lsb * np.sqrt(21) * 2
    assert np.std(circuit.forward(x) - x @ weights.T) > 3 * np.std(difference)

    array, bit, cell = card.parts["array"], 0.0, 0.0
    for inputs in x:
        for start in (0, 12):
            drive = np.zeros(24, int)
            drive[start : start + 12] = np.pad(inputs, (0, 4))[start : start + 12]
            for column in range(9):
                stored = np.pad(model.layout.stored[:, column], (0, 4)).astype(int)
                shifts = tuple(np.pad(each[column], ((0, 4), (0, 0))) for each in model._mismatch())
                run = BitlineRead(array, stored, mismatch=shifts).transient(pulses=drive, points=0)
                bit += run.energies["precharge"] / len(x)
                cell += run.energies["cell"] / len(x)
    energy = model.report(x)["energy"]
    assert energy["bit lines"] == pytest.approx(bit, rel=0.02, abs=0.0)
    assert energy["cells"] == pytest.approx(cell, rel=0.1, abs=1e-21)


def test_supply_drift_moves_the_gain(problem):
    card, weights, x, macro = problem
    exact = x @ weights.T
    slopes = [
        np.polyfit(
            exact.ravel(),
            Macro(card, weights, seed=11, supply_drift=drift, behaviour=macro.behaviour).forward(x).ravel(),
            1,
        )[0]
        for drift in (-0.05, 0.0, 0.05)
    ]
    # At 0.6 V the word lines are near the threshold: 5 % of them is a third of the overdrive.
    assert slopes[0] < 0.95 * slopes[1]
    assert slopes[2] > slopes[1]


def test_real_weights_are_quantised():
    rng = np.random.default_rng(6)
    weights = rng.standard_normal((5, 30))
    macro = Macro(small_card(), weights, "ideal")
    x = spikes(rng, 10, 30)
    assert np.abs(macro.forward(x) - x @ weights.T).max() < 0.5 * macro.step * 30
    assert macro.step == pytest.approx(np.abs(weights).max() / 31)


def test_report_counts_by_hand(problem):
    card, _, x, macro = problem
    frame = macro.report(x)
    # 7 outputs of 6 columns, 40 inputs: two arrays of 24 rows; groups of 12, 12, 12 and 4 rows.
    assert frame.loc["converters", "energy"] == pytest.approx(4 * 42 * 268e-15, rel=1e-6, abs=0.0)
    assert frame.loc["digital", "energy"] == pytest.approx(4 * 42 * card.E_add, rel=1e-6, abs=0.0)
    assert frame.attrs["cycles"] == 2  # both arrays at the same time
    assert frame.attrs["energy source"]["converters"].startswith("measured: 6 bit")
    assert frame.attrs["residual [LSB]"]["largest"] < 0.25
    assert frame.loc["converters", "delay"] == pytest.approx(2 * 8 * float(macro.converters.conversion_time))
    assert frame.loc["cells", "utilisation"] == pytest.approx(40 * 42 / (2 * 24 * 60))
    # Equations 26 and 27 with 280 weights and 12 accumulations for each conversion.
    assert frame.loc["total", "energy (26)"] == pytest.approx(280 * (0.08e-12 + 0.268e-12 / 12), rel=1e-6, abs=0.0)
    assert frame.loc["total", "delay (27)"] == pytest.approx(280 / (60 / 6 * 4) * (4e-9 + 6e-9 / 12), rel=1e-6, abs=0.0)
    for column in ("energy", "delay", "energy (22)"):
        assert frame.loc["total", column] == pytest.approx(frame[column].drop("total").sum(), rel=1e-6, abs=0.0)


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"input_coding": "level", "input_bits": 3},
        {"input_coding": "pulse_width", "input_bits": 2},
        {"input_coding": "pulse_width", "input_bits": 3},  # lines fall so far that cells feed them
    ],
    ids=["spikes", "level", "pulse_width", "deep"],
)
@pytest.mark.parametrize("mismatch", [False, True], ids=["nominal", "mismatch"])
def test_energy_is_that_of_the_columns(words, mismatch):
    """Word lines and both bit lines of every column of every read, each by its own transient."""
    rng = np.random.default_rng(7)
    card = small_card()
    array = card.parts["array"]
    macro = Macro(card, rng.integers(-4, 4, (3, 20)), weight_bits=3, imperfections=Imperfections(mismatch), **words)
    x = rng.integers(0, macro.input_mapping.maximum + 1, (3, 20))
    columns = macro.layout.stored.shape[1]
    word, bit, cell = 0.0, 0.0, 0.0
    for inputs in x:
        for start in range(0, 20, 12):  # rows that open together
            drive = np.zeros(24, int)
            drive[start : start + 12] = np.pad(inputs, (0, 4))[start : start + 12]
            for column in range(columns):
                stored = np.pad(macro.layout.stored[:, column], (0, 4)).astype(int)
                shifts = None
                if mismatch:
                    shifts = tuple(np.pad(each[column], ((0, 4), (0, 0))) for each in macro._mismatch())
                run = BitlineRead(array, stored, mismatch=shifts).transient(
                    levels=macro.behaviour.read.levels[drive],
                    pulses=macro.behaviour.read.durations[drive] / array.T_pulse,
                    points=0,
                )
                bit += run.energies["precharge"] / len(x)
                cell += run.energies["cell"] / len(x)
                word += run.energies["word_line"] / len(x) * array.columns / columns
    energy = macro.report(x)["energy"]
    assert energy["word lines"] == pytest.approx(word, rel=1e-3, abs=0.0)
    # Of cells that hold a 0 the macro takes the mean, not their own mismatch.
    assert energy["bit lines"] == pytest.approx(bit, rel=0.05 if mismatch else 0.02, abs=0.0)
    # From 64 of some hundred reads of a line.
    assert energy["cells"] == pytest.approx(cell, rel=0.1, abs=0.0)


def test_a_matrix_of_zeros_gives_zeros():
    quiet = Imperfections(noise=False, converter="ideal")
    macro = Macro(small_card(), np.zeros((3, 20), int), imperfections=quiet)
    np.testing.assert_allclose(macro.forward(np.ones((2, 20), int)), 0.0, atol=0.1)


def test_status_says_where_the_model_is_not_accurate():
    card, weights = small_card(), np.ones((3, 20), int)
    fine = Macro(card, weights)
    assert fine.status.ok
    assert fine.report().attrs["status"] == "settled"
    # The same residual in much smaller steps.
    span = 2.0 * fine.behaviour.residual_max * 63
    coarse = Macro(card, weights, behaviour=fine.behaviour, converter_range=(0.0, span))
    narrow = Macro(card, weights, behaviour=fine.behaviour, converter_range=(0.0, span / 2.2))
    assert not narrow.status.ok
    assert narrow.status.name == coarse.status.name == "not accurate"
    assert "up to 0.5 LSB" in str(coarse.status)
    assert "shorten T_pulse or lower rows_on" in narrow.report().attrs["status"]
    assert Macro(card, weights, "transient", behaviour=fine.behaviour, converter_range=(0.0, span)).status.ok


def test_saturation_clips():
    card = small_card(rows=24, rows_on=24)
    macro = Macro(card, np.ones((3, 24), int), imperfections=Imperfections(noise=False), converter_range=(0.0, 0.01))
    largest = macro.forward(np.ones((1, 24), int))
    assert np.all(largest < 12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda card: Macro(card.parts["array"], [[1]]), "kind 'sram_macro'"),
        (lambda card: Macro(card, [1, 2]), r"weights have shape \(2,\)"),
        (lambda card: Macro(card, [[40]]), "weights must be whole numbers from -32 to 31"),
        (lambda card: Macro(card, [[1]], "exact"), "fidelity is 'exact'; allowed: ideal, behavioural, transient"),
        (lambda card: Macro(card, [[1]], seed=-1), "seed is -1"),
        (lambda card: Macro(card, [[1]], supply_drift=2.0), "supply_drift is 2.0"),
        (lambda card: Macro(card, [[1]], spare_columns=-1), "spare_columns is -1"),
        (
            lambda card: Macro(card, [[1]], significance="pulse_width", input_coding="level"),
            "input coding is 'level'; allowed: spikes, bit_serial",
        ),
        (
            lambda card: Macro(card, [[1]], "transient", imperfections=Imperfections(nonlinearity=False)),
            "allowed is nonlinearity=True",
        ),
        (lambda card: Imperfections(converter="perfect"), "converter is 'perfect'"),
        (lambda card: Macro(card, [[1, 1]], "ideal").forward([1]), r"x has shape \(1,\); the macro has 2 inputs"),
        (lambda card: Macro(card, [[1, 1]], "ideal").forward([1, 3]), "inputs must be whole numbers from 0 to 1"),
        (lambda card: Macro(card, [[1]], "ideal").converters, "fidelity 'ideal' has no converters"),
        (lambda card: Macro(card, [[1]], "ideal").behaviour, "fidelity 'ideal' has no behaviour"),
        (lambda card: Macro(card, [[1]], "ideal").report(), "a report needs a circuit"),
        (lambda card: Macro(card, [[1]], calibration=[[1]]), "allowed are two inputs or more"),
        (lambda card: Macro(card, [[1]], calibration=[[0]] * 3), "calibration drives no word line"),
        (lambda card: Macro(card, [[1]], calibration=[[1, 1]]), r"calibration has shape \(1, 2\)"),
        (lambda card: Macro(card, [[1]], calibration=[[1], [1, 1]]), "calibration must be an array of numbers"),
        (lambda card: Macro(card, [[1]], converter_range=3), "converter_range is 3; allowed are two voltages"),
        (lambda card: Macro(card, [[1]], converter_bits=0), "converter_bits is 0"),
        (lambda card: Macro(card, [[1]], supply_drift="much"), "supply_drift is 'much'"),
        (lambda card: Macro(card, [[1]], conditions="FF"), "conditions is 'FF'; allowed is Conditions"),
        (lambda card: Macro(card, [[1]], imperfections=None), "imperfections is None; allowed is Imperfections"),
        (lambda card: Macro(card, [[1]], faults=3), "faults is 3; allowed is Faults"),
        (lambda card: Macro(card, [[1]], behaviour=3), "behaviour is 3; allowed is a macro's"),
        (
            lambda card: Macro(card, [[1]], conditions=Conditions("FF"), behaviour=Macro(card, [[1]]).behaviour),
            "behaviour is that of another array card, other conditions or other codings",
        ),
        (lambda card: Imperfections(mismatch="no"), "imperfections: mismatch is 'no'"),
        (lambda card: Macro(card, [[1, 1]], "ideal").forward([1, np.inf]), "found inf"),
        (lambda card: Macro(card, [[1, 1]], "ideal") @ [[1], [1, 1]], "x must be an array of numbers"),
        (lambda card: Macro(card, [[1]], "ideal").forward([1], rng=3), "rng is 3"),
        (lambda card: Macro(card, [[1]]).report(constants="Table 4"), "constants is 'Table 4'"),
        (lambda card: Macro(card, [[1]]).report([[1, 1]]), r"inputs has shape \(1, 2\)"),
    ],
)
def test_wrong_input(make, message):
    with pytest.raises(InputError, match=message):
        make(small_card())


def test_a_chip_of_a_design_is_the_macro_of_its_seed():
    rng = np.random.default_rng(31)
    weights, x = matrix(rng), spikes(rng)
    first = Macro(small_card(), weights, seed=1, calibration=x, significance="charge_sharing")
    third = Macro(
        small_card(), weights, seed=3, calibration=x, significance="charge_sharing", behaviour=first.behaviour
    )
    before = first.forward(x, np.random.default_rng(0))
    chip = first.chip(3)
    np.testing.assert_array_equal(chip.forward(x), third.forward(x))
    np.testing.assert_array_equal(first.forward(x, np.random.default_rng(0)), before)
    assert not np.array_equal(first.chip(4).forward(x, np.random.default_rng(0)), before)
    assert chip.behaviour is first.behaviour
    np.testing.assert_array_equal(Macro(small_card(), weights, "ideal").chip(2).forward(x), x @ weights.T)
    with pytest.raises(InputError, match="seed"):
        first.chip(-1)


@pytest.mark.parametrize("scheme", ["twos_complement", "offset_binary", "differential"])
@pytest.mark.parametrize("significance", ["digital", "charge_sharing"])
def test_effective_weights_are_the_macro_where_it_is_linear(scheme, significance):
    """With mismatch alone, a product is that of the effective weights; without it, these are the weights."""
    rng = np.random.default_rng(41)
    weights, x = matrix(rng, low=-31), rng.integers(0, 8, (30, 40))
    only = Imperfections(mismatch=True, nonlinearity=False, noise=False, converter="none")
    words = {"weight_scheme": scheme, "significance": significance, "input_coding": "bit_serial", "input_bits": 3}
    macro = Macro(small_card(), weights, imperfections=only, **words)
    left = macro.forward(x) - x @ macro.effective_weights().T
    # What is left is the decoding's offset, the same for each conversion.
    assert np.abs(left - left.mean(axis=0)).max() < 1e-3 * np.abs(macro.forward(x)).max()
    exact = Macro(small_card(), weights, imperfections=NONE, **words)
    np.testing.assert_allclose(exact.effective_weights(), weights, atol=1e-4)
    assert np.abs(macro.effective_weights() - weights).max() > 1.0
    with pytest.raises(InputError, match="effective weights"):
        Macro(small_card(), weights, "ideal").effective_weights()
