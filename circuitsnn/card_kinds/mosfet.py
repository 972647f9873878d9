"""Kinds of transistor cards."""

from collections.abc import Mapping
from math import inf

from circuitsnn.card_kinds.kind import Field, Kind

_FIELDS = (
    Field("V_T0", "V_{T0}", "V", "Threshold voltage, magnitude, source at the bulk's voltage", minimum=-inf),
    Field("n", "n", "1", "Slope factor", minimum=1.0, minimum_allowed=True),
    Field("K_P", "K_P", "A/V^2", "Transconductance factor: mobility times oxide capacitance per area"),
    Field("theta", r"\theta", "1/V", "Mobility reduction with the overdrive", minimum_allowed=True),
    Field("lambda_CLM", r"\lambda", "1/V", "Channel-length modulation", minimum_allowed=True),
    Field("sigma_DIBL", r"\sigma_{DIBL}", "1", "Fall of the threshold with drain and source voltage", 0.0, True, 0.5),
    Field("T_ref", r"T_{ref}", "K", "Temperature at which the values hold"),
    Field("dV_T_dT", r"dV_T/dT", "V/K", "Change of the threshold's magnitude with temperature", minimum=-inf),
    Field("mobility_exponent", r"\eta_\mu", "1", "K_P goes with this power of the temperature", minimum=-inf),
    Field("A_VT", "A_{VT}", "V*m", "Pelgrom coefficient of the threshold, of one transistor", minimum_allowed=True),
    Field(
        "A_beta",
        r"A_\beta",
        "m",
        "Pelgrom coefficient of the current factor, relative, of one transistor",
        minimum_allowed=True,
    ),
    Field("V_T_corner", r"\Delta V_{T,corner}", "V", "Shift of the threshold to a corner", minimum_allowed=True),
    Field("K_P_corner", r"\Delta K_{P,corner}", "1", "Relative shift of K_P to a corner", 0.0, True, 0.9),
    Field("C_ox", "C_{ox}", "F/m^2", "Gate capacitance per area"),
)

KINDS: Mapping[str, Kind] = {
    "nmos": Kind("n-channel transistor, EKV-style in all regions", _FIELDS),
    "pmos": Kind("p-channel transistor, EKV-style in all regions; its values are magnitudes", _FIELDS),
}
