"""Hidden transistors found again from their curves, which a formula apart from the package makes."""

import numpy as np
import pytest
from scipy.stats import binom
from transistor_formula import curves

from circuitsnn.cards import load_card
from circuitsnn.errors import InputError
from circuitsnn.fit import IVLoop, TransistorCurves, draw_fit, fit_card

N_CARD, P_CARD = load_card("nmos_65nm"), load_card("pmos_65nm")
ALL = ("V_T0", "n", "K_P", "theta", "lambda_CLM", "sigma_DIBL")
W, L = 1e-6, 65e-9
V_GS, V_DS = (grid.ravel() for grid in np.meshgrid(np.linspace(0.0, 1.2, 25), [0.05, 0.3, 0.6, 0.9, 1.2]))


def drawn(rng, card=N_CARD):
    """Hidden transistor, far from the card."""
    return card.values | {
        "V_T0": rng.uniform(0.25, 0.65),
        "n": rng.uniform(1.2, 1.7),
        "K_P": card.K_P * np.exp(rng.uniform(-1.0, 1.0)),
        "theta": rng.uniform(0.5, 2.5),
        "lambda_CLM": rng.uniform(0.05, 0.3),
        "sigma_DIBL": rng.uniform(0.01, 0.12),
    }


def noisy(rng, current, relative, absolute):
    return current * (1 + relative * rng.standard_normal(len(current))) + absolute * rng.standard_normal(len(current))


def least(count):
    """Coverages below this happen once in 1000 runs of honest 95 % intervals."""
    return binom.ppf(1e-3, count, 0.95)


@pytest.mark.parametrize(("relative", "absolute"), [(0.01, 1e-13), (0.01, 1e-9), (0.05, 1e-12)])
def test_intervals_cover_the_hidden_transistor(relative, absolute):
    count = 40
    covered = dict.fromkeys(ALL, 0)
    for number in range(count):
        rng = np.random.default_rng([1, number])
        hidden = drawn(rng)
        current = noisy(rng, curves(hidden, W, L, V_GS, V_DS), relative, absolute)
        fit = fit_card(N_CARD, TransistorCurves(V_GS, V_DS, current, W, L, noise_floor=absolute / relative))
        assert fit.status.ok
        assert fit.rms == pytest.approx(relative, rel=0.3)
        for name in ALL:
            covered[name] += fit.parameters[name].lower <= hidden[name] <= fit.parameters[name].upper
    assert all(covered[name] >= least(count) for name in ALL), covered


def test_curves_without_noise_give_the_parameters_back():
    hidden = drawn(np.random.default_rng(2))
    data = TransistorCurves(V_GS, V_DS, curves(hidden, W, L, V_GS, V_DS), W, L)
    fit = fit_card(N_CARD, data)
    for name in ALL:
        assert fit.parameters[name].value == pytest.approx(hidden[name], rel=1e-6), name
    assert fit.card.n == pytest.approx(hidden["n"], rel=1e-6)
    np.testing.assert_allclose(fit.predicted, data.i_d, rtol=1e-6)
    assert not fit.remarks


def test_standard_errors_are_the_scatter_of_repeated_measurements():
    hidden = drawn(np.random.default_rng(3))
    current = curves(hidden, W, L, V_GS, V_DS)
    fits = [
        fit_card(N_CARD, TransistorCurves(V_GS, V_DS, noisy(np.random.default_rng([3, k]), current, 0.02, 0), W, L))
        for k in range(40)
    ]
    for name in ALL:
        found = [fit.parameters[name].value for fit in fits]
        stated = np.median([fit.parameters[name].standard_error for fit in fits])
        assert np.std(found, ddof=1) == pytest.approx(stated, rel=0.4), name  # 40 samples: 11 % at one sigma


def test_a_p_channel_transistor_with_either_sign():
    hidden = drawn(np.random.default_rng(4), P_CARD)
    current = curves(hidden, W, L, -V_GS, -V_DS, sign=-1.0)
    straight = fit_card(P_CARD, TransistorCurves(-V_GS, -V_DS, current, W, L))
    magnitudes = fit_card(P_CARD, TransistorCurves(V_GS, V_DS, -current, W, L))
    for name in ALL:
        assert straight.parameters[name].value == pytest.approx(hidden[name], rel=1e-6)
        assert magnitudes.parameters[name].value == pytest.approx(hidden[name], rel=1e-6)
    assert not straight.remarks
    assert "magnitudes" in magnitudes.remarks[0]
    np.testing.assert_allclose(magnitudes.predicted, -current, rtol=1e-5)
    out_of_it = fit_card(P_CARD, TransistorCurves(-V_GS, -V_DS, -current, W, L))
    assert "sign was turned" in out_of_it.remarks[0]


def test_bulk_and_temperature_are_those_of_the_curves():
    hidden = drawn(np.random.default_rng(5))
    v_bs = np.tile([0.0, -0.4, -0.8, 0.0, -0.2], 25)
    current = curves(hidden, W, L, V_GS, V_DS, v_bs, 358.15)
    fit = fit_card(N_CARD, TransistorCurves(V_GS, V_DS, current, W, L, v_bs, 358.15))
    for name in ALL:
        assert fit.parameters[name].value == pytest.approx(hidden[name], rel=1e-5), name


def test_what_the_curves_do_not_tell_is_held():
    rng = np.random.default_rng(6)
    hidden = N_CARD.values | {"V_T0": 0.5, "n": 1.5}
    weak = np.linspace(-0.2, 0.1, 31)  # below the threshold, at one drain voltage
    current = noisy(rng, curves(hidden, W, L, weak, np.full(31, 1.2)), 0.01, 0.0)
    fit = fit_card(N_CARD, TransistorCurves(weak, np.full(31, 1.2), current, W, L))
    assert not fit.parameters["theta"].fitted
    assert not fit.parameters["lambda_CLM"].fitted
    assert not fit.parameters["K_P"].fitted
    assert fit.card.K_P == N_CARD.K_P
    assert "not identified" in fit.parameters["K_P"].reason
    n = fit.parameters["n"]
    assert n.lower <= 1.5 <= n.upper
    assert fit.status.ok
    asked = fit_card(N_CARD, TransistorCurves(weak, np.full(31, 1.2), current, W, L), free=["V_T0", "n", "theta"])
    assert not asked.status.ok
    assert "theta is not identified" in asked.status.advice


def test_held_parameters_keep_the_cards_values():
    hidden = N_CARD.values | {"V_T0": 0.4, "K_P": 3e-4}
    data = TransistorCurves(V_GS, V_DS, curves(hidden, W, L, V_GS, V_DS), W, L, source="wafer 3")
    fit = fit_card(N_CARD, data, free=["V_T0", "K_P"])
    assert fit.to_frame().index[fit.to_frame().fitted].tolist() == ["V_T0", "K_P"]
    found = [fit.card.values[name] for name in ("V_T0", "K_P")]
    assert found == pytest.approx([0.4, 3e-4], rel=1e-6)
    assert fit.card.theta == N_CARD.theta
    assert "fitted to wafer 3" in fit.card.parameters["V_T0"].source
    assert "95 % interval" in fit.card.parameters["V_T0"].source
    without = fit_card(N_CARD, data, hold=["theta"])
    assert not without.parameters["theta"].fitted


def test_a_current_that_the_model_misses_is_remarked_upon():
    current = curves(N_CARD.values, W, L, V_GS, V_DS) * (1.0 + 0.1 * np.sin(6.0 * V_GS))
    fit = fit_card(N_CARD, TransistorCurves(V_GS, V_DS, current, W, L))
    assert "the residuals are not white noise" in fit.remarks[-1]


def test_the_fitted_card_reads_back(tmp_path):
    data = TransistorCurves(V_GS, V_DS, curves(N_CARD.values, W, L, V_GS, V_DS), W, L)
    fit_card(N_CARD, data).card.write(tmp_path / "mine.toml")
    read = load_card(tmp_path / "mine.toml")
    assert read.values == pytest.approx(N_CARD.values, rel=1e-6)
    assert "fitted to" in read.source


@pytest.mark.parametrize("card", [N_CARD, P_CARD], ids=["nmos", "pmos"])
def test_the_picture_shows_curves_on_both_scales_and_residuals(card):
    sign = 1.0 if card.kind == "nmos" else -1.0
    rng = np.random.default_rng(7)
    current = noisy(rng, curves(card.values, W, L, sign * V_GS, sign * V_DS, sign=sign), 0.02, 0.0)
    fit = fit_card(card, TransistorCurves(sign * V_GS, sign * V_DS, current, W, L, source="wafer 3"))
    figure = draw_fit(fit)
    logarithmic, linear, output, left = figure.axes
    assert (logarithmic.get_yscale(), linear.get_yscale()) == ("log", "linear")
    assert len(logarithmic.lines) == 10  # five curves, each with its data
    for line in logarithmic.lines[1::2]:
        assert line.get_ydata().min() > 0.0
    # The lines run through the data.
    dots, line = linear.lines[-2:]
    through = np.interp(dots.get_xdata(), line.get_xdata(), line.get_ydata())
    np.testing.assert_allclose(dots.get_ydata(), through, rtol=0.1, atol=0.05)
    assert output.get_xlabel() == "$V_{DS}$ [V]"
    assert left.lines[0].get_ydata() == pytest.approx(100 * fit.residuals)
    assert "wafer 3" in figure.get_suptitle()


def test_a_picture_of_one_sweep_has_no_empty_legend():
    v_gs = np.linspace(0.0, 1.2, 25)
    data = TransistorCurves(v_gs, np.full(25, 0.6), curves(N_CARD.values, W, L, v_gs, 0.6), W, L)
    logarithmic, _, output, _ = draw_fit(fit_card(N_CARD, data, hold=["sigma_DIBL"])).axes
    assert len(logarithmic.lines) == 2
    assert not output.lines
    assert output.get_legend() is None


def test_curves_of_the_card_itself_leave_it_as_it_is():
    """No residual, no spread: nothing is divided by 0."""
    fit = fit_card(N_CARD, TransistorCurves(V_GS, V_DS, curves(N_CARD.values, W, L, V_GS, V_DS), W, L))
    assert fit.card.values == pytest.approx(N_CARD.values, rel=1e-6)
    assert np.all(np.isfinite(fit.correlation))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: TransistorCurves(V_GS, V_DS, V_GS[:-1], W, L), "they must be as many"),
        (lambda: TransistorCurves(V_GS[:5], V_DS[:5], V_GS[:5], W, L), "too few"),
        (lambda: TransistorCurves(V_GS, V_DS, V_GS, 0.0, L), "width is 0.0"),
        (lambda: TransistorCurves(V_GS, V_DS, V_GS, W, L, noise_floor=0.0), "noise_floor is 0.0"),
        (lambda: TransistorCurves(V_GS, V_DS, V_GS + np.nan, W, L), "allowed are finite numbers"),
        (lambda: fit_card(N_CARD, TransistorCurves(-V_GS, -V_DS, -V_GS, W, L)), "p-channel"),
        (
            lambda: fit_card(N_CARD, TransistorCurves(V_GS, V_DS, 0.0 * V_GS, W, L)),
            "above their noise floor of 1e-12 A",
        ),
        (lambda: fit_card(N_CARD, IVLoop(V_GS, V_GS)), "TransistorCurves"),
        (lambda: fit_card(load_card("vo2_delacour2021"), TransistorCurves(V_GS, V_DS, V_GS, W, L)), "an IVLoop or an"),
        (lambda: fit_card(load_card("sram_6t_65nm"), IVLoop(V_GS, V_GS)), "of kind 'sram_6t'"),
        (lambda: fit_card("nmos_65nm", IVLoop(V_GS, V_GS)), "found 'nmos_65nm'"),
        (lambda: fit_card(N_CARD, TransistorCurves(V_GS, V_DS, V_GS, W, L), free=["C_ox"]), "'C_ox' cannot be fitted"),
        (lambda: fit_card(N_CARD, TransistorCurves(V_GS, V_DS, V_GS, W, L), hold=["R_S"]), "unknown parameter 'R_S'"),
        (lambda: fit_card(N_CARD, TransistorCurves(V_GS, V_DS, V_GS, W, L), free=3), "must be collections of names"),
        (lambda: fit_card(N_CARD, TransistorCurves(V_GS, V_DS, V_GS, W, L), hold=ALL), "no parameter is left"),
    ],
)
def test_wrong_input_is_one_sentence(make, says):
    with pytest.raises(InputError) as error:
        make()
    assert says in str(error.value)
    assert "\n" not in str(error.value).split("array(")[0]
