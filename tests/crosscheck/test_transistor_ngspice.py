"""Transistors of ngspice: its level 1 is the square law, and its BSIM4 gives curves that a card is fitted to.

Measured with ngspice 39 (W = 1 µm, L = 65 nm, 0 to 1.2 V): the fit leaves 7.5 % of the n-channel BSIM4's current as rms
relative error, over seven decades, and 4.2 % of the p-channel one's. The largest part is velocity saturation, which the
card's theta can only follow in the mean.
"""

import shutil
import subprocess

import numpy as np
import pytest

from circuitsnn.cards import load_card
from circuitsnn.fit import TransistorCurves, fit_card
from circuitsnn.transistor.mosfet import Mosfet

# Parameters of our own choice, of the size that a 65 nm low-power process has.
BSIM4 = """
+ level=14 version=4.5 toxe=2.6n toxp=2.2n toxm=2.6n vth0={sign}0.45 k1=0.45 k2=0.01 u0={u0} ua=1e-9 ub=1e-18
+ vsat={vsat} nfactor=1.3 voff=-0.12 eta0=0.02 dsub=0.3 lpe0=0 pscbe1=8e8 pscbe2=1e-8 dvt0=1 dvt1=2 lint=3n xj=25n
+ ndep=2e18 rdsw=150 pclm=0.1 pdiblc1=0.01 pdiblc2=0.001 tnom=27 cdsc=0 agidl=0 jss=0 jsd=0
"""


def simulated(tmp_path, kind, parameters, width=1e-6, length=65e-9, largest=1.2):
    """Sweep gate and drain in ngspice; give V_GS, V_DS and the current into the drain."""
    sign = 1 if kind == "nmos" else -1
    table = tmp_path / "table.txt"
    deck = tmp_path / "deck.cir"
    deck.write_text(f"""curves of a transistor
.model device {kind} {parameters}
.temp 27
.options gmin=1e-18 reltol=1e-6 abstol=1e-18
m1 d g 0 0 device w={width:g} l={length:g}
vd d 0 0
vg g 0 0
.control
set wr_singlescale
set numdgt=12
dc vg 0 {sign * largest:g} {sign * largest / 24:g} vd {sign * largest / 24:g} {sign * largest:g} {sign * largest / 6:g}
wrdata {table} v(g) v(d) i(vd)
.endc
.end
""")
    done = subprocess.run(
        [shutil.which("ngspice"), "-b", str(deck)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert table.exists(), done.stdout + done.stderr
    _, v_gs, v_ds, current = np.loadtxt(table).T
    return v_gs, v_ds, -current


def test_level_1_is_the_limit_of_strong_inversion(tmp_path):
    parameters = "level=1 vto=0.45 kp=250u gamma=0 lambda=0 phi=0.7"
    v_gs, v_ds, current = simulated(tmp_path, "nmos", parameters, length=1e-6, largest=6.0)
    changes = {"V_T0": 0.45, "K_P": 250e-6, "n": 1.0, "theta": 0.0, "lambda_CLM": 0.0, "sigma_DIBL": 0.0}
    found = Mosfet(load_card("nmos_65nm", **changes), 1e-6, 1e-6).drain_current(v_gs, v_ds, 0.0)
    clear = np.abs(v_gs - 0.45 - v_ds) > 1.0  # V, from the edge of saturation
    strong = clear & (v_gs > 1.5)
    assert np.count_nonzero(strong) > 60
    np.testing.assert_allclose(found[strong], current[strong], rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "choice", "bound"),
    [("nmos", {"sign": "", "u0": 0.035, "vsat": 1e5}, 0.08), ("pmos", {"sign": "-", "u0": 0.009, "vsat": 8e4}, 0.045)],
)
def test_a_card_follows_bsim4_over_seven_decades(tmp_path, kind, choice, bound):
    v_gs, v_ds, current = simulated(tmp_path, kind, BSIM4.format(**choice))
    assert np.log10(np.abs(current).max() / np.abs(current).min()) > 6.5
    start = load_card(f"{kind}_65nm")
    fit = fit_card(start, TransistorCurves(v_gs, v_ds, current, 1e-6, 65e-9, source="BSIM4"))
    assert fit.status.ok
    assert fit.rms < bound
    assert all(one.fitted for one in fit.parameters.values())
    # The threshold is the process's to some ten millivolts, and the swing of weak inversion is right.
    assert abs(fit.card.V_T0 - 0.45) < 0.05
    weak = (np.abs(v_gs) > 0.02) & (np.abs(v_gs) < 0.22) & (np.abs(v_ds) > 1.0)
    slopes = [np.polyfit(v_gs[weak], np.log(np.abs(each[weak])), 1)[0] for each in (current, fit.predicted)]
    assert slopes[1] == pytest.approx(slopes[0], rel=0.03)
    # The model says itself that it is not the whole truth.
    assert any("not white noise" in remark for remark in fit.remarks)
