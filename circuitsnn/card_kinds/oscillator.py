"""Kinds of oscillator cards."""

from collections.abc import Mapping

from circuitsnn.card_kinds.kind import Check, Field, Kind

VO2_OSCILLATOR = Kind(
    meaning="two-state hysteretic device above an output node with a load resistor and a capacitor to ground",
    fields=(
        Field("V_DD", "V_{DD}", "V", "Supply voltage"),
        Field("R_S", "R_S", "Ω", "Load resistance from the output node to ground"),
        Field("C_P", "C_P", "F", "Capacitance from the output node to ground"),
        Field("R_ins", "R_{ins}", "Ω", "Device resistance in the insulating state"),
        Field("R_met", "R_{met}", "Ω", "Device resistance in the metallic state"),
        Field("V_L", "V_L", "V", "Device voltage below which it turns insulating"),
        Field("V_H", "V_H", "V", "Device voltage above which it turns metallic"),
        Field("alpha", r"\alpha", "1", "Gain of the positive feedback in the smooth model"),
        Field("tau_0", r"\tau_0", "s", "Time constant of the device's transition", minimum_allowed=True),
    ),
    checks=(
        Check("R_met must be smaller than R_ins", ("R_met", "R_ins"), lambda p: p["R_met"] < p["R_ins"]),
        Check("V_L must be smaller than V_H", ("V_L", "V_H"), lambda p: p["V_L"] < p["V_H"]),
    ),
)

KINDS: Mapping[str, Kind] = {"vo2_oscillator": VO2_OSCILLATOR}
