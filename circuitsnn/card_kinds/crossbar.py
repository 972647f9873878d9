"""Kinds of cards of crossbars: arrays of resistors that can be set."""

from collections.abc import Mapping

from circuitsnn.card_kinds.kind import Check, Field, Kind

_CROSSBAR = (
    Field("rows", "N_{row}", "1", "Devices on a column: inputs of an array", 1, True, whole=True),
    Field("columns", "N_{col}", "1", "Devices on a row; two for each output", 2, True, whole=True),
    Field("G_min", "G_{min}", "S", "Smallest conductance of a device", minimum_allowed=True),
    Field("G_max", "G_{max}", "S", "Largest conductance of a device"),
    Field("levels", "N_G", "1", "Evenly spaced conductances that a device can be set to", 2, True, whole=True),
    Field("sigma_G", r"\sigma_G", "1", "Relative standard deviation of a set conductance", 0.0, True, 1.0),
    Field("noise_G", "g_n", "1", "Relative noise of a conductance, rms, anew in each read", 0.0, True, 1.0),
    Field("R_wire", "R_w", "Ω", "Resistance of a wire from one device to the next", minimum_allowed=True),
    Field("V_read", "V_{rd}", "V", "Voltage of a row at the largest input"),
    Field("T_read", "T_{rd}", "s", "Duration of a read"),
    Field("E_convert", "E_c", "J", "Energy of subtracting and converting a pair of columns", minimum_allowed=True),
    Field("T_convert", "T_c", "s", "Time of it; pairs of columns are converted at the same time", minimum_allowed=True),
)

_CHECKS = (Check("G_min must be smaller than G_max", ("G_min", "G_max"), lambda p: p["G_min"] < p["G_max"]),)

KINDS: Mapping[str, Kind] = {
    "crossbar": Kind("crossbar of resistors that can be set, read as currents", _CROSSBAR, _CHECKS)
}
