"""The transistor's drain current as docs/theory/transistor.md writes it, apart from the package."""

import numpy as np

K_OVER_Q = 8.617333262e-5  # Boltzmann constant over elementary charge, CODATA 2018 [V/K]


def formula(transistor, gate, drain, source, log1p, exp, sqrt):
    """The page's formula (docs/theory/transistor.md), written down once more, for any kind of number."""
    v_t, n, i_s, mobility, clm, dibl, phi_t, sign = transistor
    gate, drain, source = sign * gate, sign * drain, sign * source
    v_p = (gate - v_t + dibl * (drain + source)) / n
    q_f = log1p(exp((v_p - source) / (2 * phi_t)))
    q_r = log1p(exp((v_p - drain) / (2 * phi_t)))
    h = sqrt((drain - source) ** 2 + (2 * phi_t) ** 2) - 2 * phi_t
    return sign * i_s * (q_f**2 - q_r**2) * (1 + clm * h) / (1 + mobility * (q_f + q_r))


def curves(values, width, length, v_gs, v_ds, v_bs=0.0, temperature=300.15, sign=1.0):
    """Drain current of a transistor with the parameters of a card, for arrays of voltages. [A]."""
    phi_t = K_OVER_Q * temperature
    v_t = values["V_T0"] + values["dV_T_dT"] * (temperature - values["T_ref"])
    beta = values["K_P"] * (temperature / values["T_ref"]) ** values["mobility_exponent"] * width / length
    n = values["n"]
    row = (v_t, n, 2 * n * beta * phi_t**2, values["theta"] * n * phi_t, values["lambda_CLM"], values["sigma_DIBL"],
           phi_t, sign)  # fmt: skip
    return formula(row, v_gs - v_bs, v_ds - v_bs, -v_bs, np.log1p, np.exp, np.sqrt)
