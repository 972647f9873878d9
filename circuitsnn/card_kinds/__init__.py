"""What each kind of device card holds. A new kind is one more entry in a module here; the loader stays as it is."""

from collections.abc import Mapping

from circuitsnn.card_kinds import adc, crossbar, energy, mosfet, oscillator, sram
from circuitsnn.card_kinds.kind import Check, Field, Kind

__all__ = ["KINDS", "Check", "Field", "Kind"]

KINDS: Mapping[str, Kind] = {
    **oscillator.KINDS,
    **mosfet.KINDS,
    **sram.KINDS,
    **adc.KINDS,
    **crossbar.KINDS,
    **energy.KINDS,
}
