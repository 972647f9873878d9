import numpy as np
import pytest
from measurements import abrupt_waveform, swept_loop, triangle

from circuitsnn.cards import load_card
from circuitsnn.fit import IVLoop, OutputWaveform, draw_fit, fit_card

CARD = load_card("vo2_delacour2021")


@pytest.mark.parametrize("series", [0.0, 300.0])
def test_a_loop_shows_branches_thresholds_and_residuals(series):
    sweep = triangle(2.6, 300)
    noise = 2e-6 * np.random.default_rng(1).standard_normal(len(sweep))
    fit = fit_card(CARD, IVLoop(sweep, swept_loop(sweep, series=series) + noise, series, source="chip 7"))
    above, below = draw_fit(fit).axes
    assert above.get_title() == f"chip 7, relaxed transitions, rms residual {1e6 * fit.rms:.3g} µA"
    labels = [text.get_text() for text in above.get_legend().get_texts()]
    assert labels[:2] == ["data", "fit"]
    assert labels[2].startswith("$V_L$ = 1.0")
    swept = [line.get_xdata()[0] for line in above.lines if line.get_linestyle() in (":", "--")]
    assert swept == pytest.approx([1.08 * (1 + series / 1.3e3), 1.93 * (1 + series / 120e3)], abs=0.02)
    assert (above.get_xlabel(), above.get_ylabel()) == ("Voltage [V]", "Current [µA]")
    assert below.get_ylabel() == "Data minus fit [µA]"
    low, high = above.get_ylim()
    assert low < 1e6 * 1.0 / 120e3 < 1e6 * 2.6 / (1.3e3 + series) < high


def test_a_waveform_shows_three_cycles_and_all_residuals():
    time = 1e-3 + np.linspace(0.0, 120e-6, 2400)
    output = abrupt_waveform(time - 1e-3) + 4e-3 * np.random.default_rng(1).standard_normal(len(time))
    fit = fit_card(CARD, OutputWaveform(time, output), fidelity="abrupt")
    above, below = draw_fit(fit).axes
    assert (above.get_xlabel(), below.get_ylabel()) == ("Time [µs]", "Data minus fit [mV]")
    assert above.lines[0].get_xdata()[-1] == pytest.approx(36.5, abs=1.5)
    assert below.lines[0].get_xdata()[-1] == pytest.approx(120.0, abs=0.1)
    assert np.std(below.lines[0].get_ydata()) == pytest.approx(4.0, rel=0.1)
