"""The transistor's current against an independent evaluation, its limits, and its symmetry."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreted import interpreted
from transistor_formula import formula

from circuitsnn.core import mosfet as core

PHI_T = 0.025865
N_CHANNEL = np.array([0.45, 1.35, 1e-5, 1.5 * 1.35 * PHI_T, 0.08, 0.04, PHI_T, 1.0])
P_CHANNEL = np.array([0.40, 1.40, 3e-6, 0.9 * 1.40 * PHI_T, 0.10, 0.03, PHI_T, -1.0])
# Below the threshold, linear, saturated, at V_D = V_S, exchanged, with a raised source, far out.
BIASES = [(0.2, 1.2, 0.0), (1.2, 0.05, 0.0), (1.2, 1.2, 0.0), (0.8, 0.3, 0.3), (0.9, 0.1, 0.7), (1.2, 1.0, 0.4),
          (0.45, 0.2, 0.0), (-0.5, 1.2, 0.0), (3.3, 3.3, 0.0)]  # fmt: skip


def row(**changes):
    changed = N_CHANNEL.copy()
    for name, value in changes.items():
        changed[getattr(core, name)] = value
    return changed


def exact_current(transistor, *bias):
    """Current in 50 digits."""
    with localcontext() as context:
        context.prec = 50
        numbers = [Decimal(float(one)) for one in transistor]
        bias = [Decimal(float(one)) for one in bias]
        return float(formula(numbers, *bias, lambda x: (1 + x).ln(), Decimal.exp, Decimal.sqrt))


def exact_slope(transistor, bias, terminal):
    """Derivative by the complex step, which subtracts nothing."""
    moved = [complex(one, 1e-30 if number == terminal else 0.0) for number, one in enumerate(bias)]
    return formula(transistor, *moved, lambda x: np.log(1 + x), np.exp, np.sqrt).imag / 1e-30


@pytest.mark.parametrize("transistor", [N_CHANNEL, P_CHANNEL], ids=["n", "p"])
@pytest.mark.parametrize("bias", BIASES)
def test_current_in_fifty_digits_and_derivatives_by_the_complex_step(transistor, bias):
    bias = [transistor[core.POLARITY] * voltage for voltage in bias]
    found = core.drain_current(transistor, *bias)
    assert found[0] == pytest.approx(exact_current(transistor, *bias), rel=1e-12, abs=1e-30)
    for terminal in range(3):
        # Where parts cancel, and log(1 + x) rounds far below the threshold, absolutely.
        slope = exact_slope(transistor, bias, terminal)
        assert found[1 + terminal] == pytest.approx(slope, rel=1e-10, abs=1e-19)


voltages = st.floats(-0.5, 1.5)


@settings(deadline=None, max_examples=200)
@given(voltages, voltages, voltages)
def test_exchange_of_drain_and_source_turns_the_current(gate, drain, source):
    forward = core.drain_current(N_CHANNEL, gate, drain, source)
    reverse = core.drain_current(N_CHANNEL, gate, source, drain)
    assert forward[0] == pytest.approx(-reverse[0], rel=1e-14, abs=0.0)
    assert forward[2] == pytest.approx(-reverse[3], rel=1e-14, abs=1e-25)
    assert (drain - source) * forward[0] >= 0.0


def test_current_about_equal_drain_and_source_is_smooth():
    # Gummel's test: drain at +x/2 and source at -x/2 about 0.3 V. Third differences of the kernel are those of the
    # exact function, so that no derivative jumps.
    x = np.linspace(-0.06, 0.06, 121)
    current = np.array([core.drain_current(N_CHANNEL, 0.9, 0.3 + one / 2, 0.3 - one / 2)[0] for one in x])
    exact = np.array([exact_current(N_CHANNEL, 0.9, 0.3 + one / 2, 0.3 - one / 2) for one in x])
    third = np.diff(current, 3)
    np.testing.assert_allclose(third, np.diff(exact, 3), atol=1e-18)
    np.testing.assert_allclose(third, third[::-1], atol=1e-18)  # of an odd function, even
    slopes = np.array([core.drain_current(N_CHANNEL, 0.9, 0.3 + one / 2, 0.3 - one / 2)[2] for one in x])
    assert np.abs(np.diff(slopes, 2)).max() < 1e-4 * slopes.max()


@pytest.mark.parametrize("swept", ["gate", "drain", "source"])
def test_the_current_has_no_seam_between_regions(swept):
    # From weak through moderate to strong inversion, and from linear to saturated: third differences as of the formula.
    x = np.linspace(-0.2, 1.4, 401)
    bias = {"gate": lambda v: (v, 0.6, 0.1), "drain": lambda v: (0.9, v, 0.1), "source": lambda v: (0.9, 0.6, v)}[swept]
    third = np.diff([core.drain_current(N_CHANNEL, *bias(v))[0] for v in x], 3)
    np.testing.assert_allclose(third, np.diff([exact_current(N_CHANNEL, *bias(v)) for v in x], 3), atol=1e-17)
    assert np.abs(np.diff(third)).max() < 0.1 * np.abs(third).max()


def test_a_p_channel_transistor_is_the_mirror_image():
    mirrored = row(POLARITY=-1.0)
    for bias in BIASES:
        straight = core.drain_current(N_CHANNEL, *bias)
        turned = core.drain_current(mirrored, *(-voltage for voltage in bias))
        assert turned[0] == -straight[0]
        assert turned[1:] == straight[1:]


# Limits


def test_weak_inversion_is_exponential_with_the_slope_n_phi_t():
    ideal = row(CLM=0.0, DIBL=0.0, MOBILITY=0.0)
    slope = 1.35 * PHI_T
    for below in (0.45, 0.6):  # [V]: each 0.1 V further down is exp(-0.1 / (2 n phi_t)) = 0.24 nearer to the limit
        v_gate = 0.45 - below
        first, second = (core.drain_current(ideal, v_gate + step, 1.2, 0.0)[0] for step in (0.0, 1e-3))
        assert np.log(second / first) / 1e-3 == pytest.approx(1.0 / slope, rel=np.exp(-below / (2 * slope)))
        # I_S exp((V_G - V_T) / (n phi_t)) (1 - exp(-V_DS / phi_t))
        for v_drain in (0.01, 0.1, 1.2):
            law = 1e-5 * np.exp(-below / slope) * -np.expm1(-v_drain / PHI_T)
            found = core.drain_current(ideal, v_gate, v_drain, 0.0)[0]
            assert found == pytest.approx(law, rel=2.0 * np.exp(-below / (2 * slope)), abs=0.0)


@pytest.mark.parametrize("overdrive", [1.0, 3.0, 10.0])
def test_strong_inversion_is_the_square_law(overdrive):
    ideal = row(CLM=0.0, DIBL=0.0, MOBILITY=0.0)
    beta = 1e-5 / (2 * 1.35 * PHI_T**2)  # I_S = 2 n beta phi_t^2
    # Saturation: beta / (2 n) (V_G - V_T)^2. What is missing falls off exponentially with the overdrive.
    error = 3.0 * np.exp(-overdrive / (2 * 1.35 * PHI_T))
    saturated = core.drain_current(ideal, 0.45 + overdrive, 5.0 + overdrive, 0.0)[0]
    assert saturated == pytest.approx(beta / (2 * 1.35) * overdrive**2, rel=error + 1e-12)
    # Linear: beta (V_G - V_T - n V_D / 2) V_D
    v_drain = 0.3 * overdrive / 1.35
    linear = core.drain_current(ideal, 0.45 + overdrive, v_drain, 0.0)[0]
    error = 10.0 * np.exp(-0.7 * overdrive / (2 * 1.35 * PHI_T))
    assert linear == pytest.approx(beta * (overdrive - 1.35 * v_drain / 2) * v_drain, rel=error + 1e-12)


def test_mobility_falls_with_the_mean_overdrive_of_source_and_drain():
    theta = 1.5
    ideal, reduced = row(CLM=0.0, DIBL=0.0, MOBILITY=0.0), row(CLM=0.0, DIBL=0.0)
    # At V_DS near 0 both ends have the same overdrive; saturated the drain has none.
    for v_drain, share in ((1e-6, 1.0), (8.0, 0.5)):
        ratio = core.drain_current(ideal, 3.45, v_drain, 0.0)[0] / core.drain_current(reduced, 3.45, v_drain, 0.0)[0]
        assert ratio == pytest.approx(1.0 + theta * share * 3.0, rel=1e-5)


def test_far_out_nothing_overflows():
    for gate, drain in ((100.0, 100.0), (-100.0, 100.0), (100.0, 0.0)):
        assert np.all(np.isfinite(core.drain_current(N_CHANNEL, gate, drain, 0.0)))
    assert core.drain_current(N_CHANNEL, -100.0, 1.0, 0.0)[0] == 0.0


def test_many_transistors_are_each_their_own():
    rows = np.array([N_CHANNEL, P_CHANNEL])
    found = core.drain_currents(rows, np.array([1.0, -1.0]), np.array([0.5, -0.5]), np.zeros(2))
    np.testing.assert_array_equal(found[0], core.drain_current(N_CHANNEL, 1.0, 0.5, 0.0))
    np.testing.assert_array_equal(found[1], core.drain_current(P_CHANNEL, -1.0, -0.5, 0.0))


PROGRAM = """
import json
import numpy as np
from circuitsnn.core import mosfet as core
import test_mosfet_kernel as tests
currents = [core.drain_current(one, *bias) for one in (tests.N_CHANNEL, tests.P_CHANNEL) for bias in tests.BIASES]
print(json.dumps([[float(each) for each in one] for one in currents]))
"""


def test_the_interpreted_kernel_gives_the_compiled_answer():
    found = interpreted(__file__, PROGRAM)
    compiled = [core.drain_current(one, *bias) for one in (N_CHANNEL, P_CHANNEL) for bias in BIASES]
    np.testing.assert_allclose(found, compiled, rtol=1e-12, atol=1e-22)
