"""Kinds of cards of SRAM cells, arrays and macros."""

from collections.abc import Mapping

from circuitsnn.card_kinds.kind import Field, Kind

_TRANSISTORS = {"nmos": ("nmos",), "pmos": ("pmos",)}

_SIX = (
    Field("W_access", "W_{ax}", "m", "Width of the access transistors"),
    Field("L_access", "L_{ax}", "m", "Length of the access transistors"),
    Field("W_pull_down", "W_{pd}", "m", "Width of the pull-down transistors"),
    Field("L_pull_down", "L_{pd}", "m", "Length of the pull-down transistors"),
    Field("W_pull_up", "W_{pu}", "m", "Width of the pull-up transistors"),
    Field("L_pull_up", "L_{pu}", "m", "Length of the pull-up transistors"),
)

_READ_PORT = (
    Field("W_read_access", "W_{rax}", "m", "Width of the read port's access transistor"),
    Field("L_read_access", "L_{rax}", "m", "Length of the read port's access transistor"),
    Field("W_read_driver", "W_{rd}", "m", "Width of the read port's driver, whose gate is the stored node"),
    Field("L_read_driver", "L_{rd}", "m", "Length of the read port's driver"),
)

_ARRAY = (
    Field("rows", "N_{row}", "1", "Cells on a bit line", minimum=1, minimum_allowed=True, whole=True),
    Field("columns", "N_{col}", "1", "Cells on a word line", minimum=1, minimum_allowed=True, whole=True),
    Field("V_DD", "V_{DD}", "V", "Supply of the cells"),
    Field("V_WL", "V_{WL}", "V", "Level of a word line that is on"),
    Field("V_precharge", "V_{pre}", "V", "Voltage that the bit lines are precharged to"),
    Field("T_pulse", "T_0", "s", "Unit of the word-line pulses: the shortest of binary-weighted ones"),
    Field(
        "T_offset", "T_{off}", "s", "Added to every pulse, to make up for the word line's rise", minimum_allowed=True
    ),
    Field("C_BL_row", "C_{BL,row}", "F", "Capacitance of a bit line for each row"),
    Field("C_BL_fixed", "C_{BL,0}", "F", "Capacitance of a bit line beside its rows", minimum_allowed=True),
    Field("R_BL_row", "R_{BL,row}", "Ω", "Wire resistance of a bit line for each row", minimum_allowed=True),
    Field("C_WL_cell", "C_{WL,cell}", "F", "Capacitance of a word line for each cell"),
    Field("R_WL_cell", "R_{WL,cell}", "Ω", "Wire resistance of a word line for each cell", minimum_allowed=True),
    Field("R_WL_driver", "R_{WLD}", "Ω", "Output resistance of a word-line driver", minimum_allowed=True),
    Field("C_WL_supply", "C_{WLS}", "F", "Decoupling capacitance that the word lines are charged from"),
    Field("R_precharge", "R_{pre}", "Ω", "Resistance of a precharge switch"),
    Field("T_precharge", "T_{pre}", "s", "Duration of the precharge"),
)

_MACRO = (
    Field("banks", "N_{bank}", "1", "Arrays that work at the same time", 1, True, whole=True),
    Field("rows_on", "N_{on}", "1", "Most rows that one read opens", 1, True, whole=True),
    Field("columns_per_adc", "N_{share}", "1", "Columns that share a converter", 1, True, whole=True),
    Field("weight_bits", "B_W", "1", "Bits of a weight, sign included, unless told another", 1, True, 8, True),
    Field("input_bits", "B_X", "1", "Bits of an input that is no spike, unless told another", 1, True, 8, True),
    Field("noise_read", r"\sigma_n", "V", "Noise of a read beside kT/C, rms", minimum_allowed=True),
    Field(
        "sigma_merge",
        r"\sigma_C",
        "1",
        "Relative standard deviation of a unit capacitor that merges columns",
        0.0,
        True,
        0.2,
    ),
    Field("E_add", "E_{add}", "J", "Energy of a shift and addition after a conversion", minimum_allowed=True),
    Field("T_add", "T_{add}", "s", "Time that it adds to a cycle", minimum_allowed=True),
)

KINDS: Mapping[str, Kind] = {
    "sram_6t": Kind("six-transistor SRAM cell", _SIX, parts=_TRANSISTORS),
    "sram_8t": Kind("eight-transistor SRAM cell with a read port of its own", _SIX + _READ_PORT, parts=_TRANSISTORS),
    "sram_array": Kind("array of SRAM cells with its lines", _ARRAY, parts={"cell": ("sram_6t", "sram_8t")}),
    "sram_macro": Kind(
        "arrays with converters, a matrix engine",
        _MACRO,
        parts={"array": ("sram_array",), "adc": ("sar_adc", "flash_adc", "ramp_adc")},
    ),
}
