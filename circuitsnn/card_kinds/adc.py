"""Kinds of cards of converters."""

from collections.abc import Mapping
from math import inf

from circuitsnn.card_kinds.kind import Check, Field, Kind

_COMMON = (
    Field("bits", "N", "1", "Resolution, unless the converter is told another", 1, True, 16, whole=True),
    Field("V_low", "V_{low}", "V", "Lower end of the input range, unless told another", minimum=-inf),
    Field("V_high", "V_{high}", "V", "Upper end of the input range, unless told another", minimum=-inf),
    Field("V_DD", "V_{DD}", "V", "Supply voltage"),
    Field("sigma_offset", r"\sigma_{os}", "V", "Standard deviation of a comparator's offset", minimum_allowed=True),
    Field("noise_comparator", "v_{n,c}", "V", "Noise of one decision of a comparator, rms", minimum_allowed=True),
    Field("E_comparator", "E_{cmp}", "J", "Energy of one decision: comparator and its logic", minimum_allowed=True),
    Field("T_sample", "T_{smp}", "s", "Time to sample the input", minimum_allowed=True),
    Field("k_1", "k_1", "J", "First constant of the energy's law by resolution", minimum_allowed=True),
    Field("k_2", "k_2", "J", "Second constant of the energy's law by resolution", minimum_allowed=True),
)

_SAR = (
    *_COMMON,
    Field("C_unit", "C_u", "F", "Unit capacitor of the array"),
    Field("C_area", "C_A", "F/m^2", "Capacitance per area of the capacitors"),
    Field("A_C", "A_C", "m", "Pelgrom coefficient of a capacitor, relative", minimum_allowed=True),
    Field("parasitic", "p", "1", "Parasitic capacitance of a top plate over the capacitance on it", 0.0, True, 10.0),
    Field("bridge", "r_B", "1", "Bridge capacitor of a split array over its ideal value"),
    Field(
        "R_switch",
        "R_{sw}",
        "Ω",
        "Resistance that charges a unit; more units have more switches",
        minimum_allowed=True,
    ),
    Field("T_settle", "T_{set}", "s", "Time for the array to settle, for each bit"),
    Field("T_decision", "T_{dec}", "s", "Time for comparator and logic, for each bit", minimum_allowed=True),
    Field("bits_measured", "N_0", "1", "Resolution of the measured figures", 1, True, 16, whole=True),
    Field("E_measured", "E_0", "J", "Measured energy of a conversion at that resolution"),
    Field("T_measured", "T_0", "s", "Measured time of a conversion at that resolution"),
)

_HELD = Field("C_sample", "C_s", "F", "Capacitor that holds the sampled input")

_FLASH = (
    *_COMMON,
    _HELD,
    Field("R_unit", "R_u", "Ω", "Unit resistor of the ladder"),
    Field("sigma_R", r"\sigma_R", "1", "Relative standard deviation of a unit resistor", 0.0, True, 0.5),
    Field("T_decision", "T_{dec}", "s", "Time for comparators and encoder", minimum_allowed=True),
)

_RAMP = (
    *_COMMON,
    _HELD,
    Field("T_clock", "T_{clk}", "s", "Period of the counter's clock"),
    Field("sigma_slope", r"\sigma_g", "1", "Relative standard deviation of the ramp's slope", 0.0, True, 0.2),
    Field("curvature", "c", "1", "Bow of the ramp in its middle over its span, up if > 0", -0.2, True, 0.2),
    Field("sigma_curvature", r"\sigma_c", "1", "Standard deviation of the curvature", 0.0, True, 0.02),
    Field("T_delay", "T_d", "s", "Delay of the comparator", minimum_allowed=True),
    Field("E_clock", "E_{clk}", "J", "Energy of counter and ramp for each clock period", minimum_allowed=True),
)

_CHECKS = (Check("V_low must be smaller than V_high", ("V_low", "V_high"), lambda p: p["V_low"] < p["V_high"]),)

KINDS: Mapping[str, Kind] = {
    "sar_adc": Kind("successive-approximation converter with a capacitor array", _SAR, _CHECKS),
    "flash_adc": Kind("flash converter: a resistor ladder and a comparator for each level", _FLASH, _CHECKS),
    "ramp_adc": Kind("single-slope converter: a ramp, a comparator and a counter", _RAMP, _CHECKS),
}
