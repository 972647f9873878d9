"""Kinds of cards of energy constants."""

from collections.abc import Mapping

from circuitsnn.card_kinds.kind import Field, Kind


def _count(name: str, symbol: str, meaning: str) -> Field:
    return Field(name, symbol, "1", meaning, minimum=1, minimum_allowed=True, whole=True)


_PIM = (
    _count("B_IO", "B_{IO}", "Bits that one access brings from a bank to the processor"),
    _count("B_W", "B_W", "Bits of a stored weight"),
    _count("N_col", "N_{col}", "Columns of a bank"),
    _count("N_bank", "N_{bank}", "Banks that work at the same time"),
    _count("N_mac", "N_{mac}", "Multipliers with accumulator in the digital engine"),
    _count("N_ac", "N_{ac}", "Accumulators in the digital engine"),
    _count("R", "R", "Most analog accumulations for each conversion; a shorter dot product has fewer"),
    Field("T_read", "T_{read}", "s", "Duration of an access to a bank"),
    Field("T_BLP", "T_{BLP}", "s", "Duration of an analog accumulation"),
    Field("T_mac", "T_{mac}", "s", "Duration of a multiplication with accumulation of B_W bits"),
    Field("T_ac", "T_{ac}", "s", "Duration of an accumulation of B_W bits"),
    Field("T_adc", "T_{adc}", "s", "Duration of a conversion"),
    Field("E_read", "E_{read}", "J", "Energy of bringing a weight from memory to the processor", minimum_allowed=True),
    Field("E_BLP", "E_{BLP}", "J", "Energy of an analog accumulation", minimum_allowed=True),
    Field("E_adc", "E_{adc}", "J", "Energy of a conversion", minimum_allowed=True),
    Field("E_mac", "E_{mac}", "J", "Energy of a multiplication with accumulation of Q_ref bits", minimum_allowed=True),
    Field("E_ac", "E_{ac}", "J", "Energy of an accumulation of Q_ref bits", minimum_allowed=True),
    Field("Q_ref", "Q_{ref}", "1", "Bits that E_mac and E_ac hold for", minimum=1, minimum_allowed=True),
    Field("q_exp", "q", "1", "E_mac goes with the number of bits to this power", minimum_allowed=True),
    Field("P_leak", "P_{leak}", "W", "Leakage", minimum_allowed=True),
)

_FORMATS = {
    "int8": "8-bit integer",
    "int16": "16-bit integer",
    "int32": "32-bit integer",
    "fp16": "16-bit floating-point",
    "fp32": "32-bit floating-point",
}


def _operation(operation: str, name: str) -> Field:
    word = {"add": "addition", "mul": "multiplication"}[operation]
    return Field(
        f"E_{operation}_{name}", f"E_{{{operation},{name}}}", "J", f"Energy of a {_FORMATS[name]} {word}",
        minimum_allowed=True,
    )  # fmt: skip


_OPERATIONS = (
    *(_operation("add", name) for name in ("int8", "int16", "int32", "fp16", "fp32")),
    *(_operation("mul", name) for name in ("int8", "int32", "fp16", "fp32")),
    Field("E_read_8kB", "E_{read,8kB}", "J", "Energy of reading 64 bits from an SRAM of 8 kB", minimum_allowed=True),
)

KINDS: Mapping[str, Kind] = {
    "pim_constants": Kind("energy and delay of digital and in-memory layers, for equations 22 to 27", _PIM),
    "operation_energies": Kind("energies of single additions, multiplications and memory reads", _OPERATIONS),
}
