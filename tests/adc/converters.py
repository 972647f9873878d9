"""Converters for the tests, and a card with everything off but what a test looks at."""

from circuitsnn.adc.flash import FlashAdc
from circuitsnn.adc.ramp import RampAdc
from circuitsnn.adc.sar import SarAdc
from circuitsnn.cards import load_card

CARDS = {SarAdc: "sar_adc_65nm", FlashAdc: "flash_adc_65nm", RampAdc: "ramp_adc_65nm"}

DESIGNS = [
    (SarAdc, {}),
    (SarAdc, {"array": "split"}),
    (FlashAdc, {}),
    (FlashAdc, {"encoder": "first"}),
    (FlashAdc, {"encoder": "last"}),
    (RampAdc, {}),
]

_OFF = {
    SarAdc: {"A_C": 0, "parasitic": 0, "R_switch": 0},
    FlashAdc: {"sigma_R": 0},
    RampAdc: {"sigma_slope": 0, "curvature": 0, "sigma_curvature": 0, "T_delay": 0},
}


def card_of(kind, **overrides):
    return load_card(CARDS[kind], **overrides)


def clean_card(kind, **overrides):
    """Card of a converter without errors but for those given; kT/C noise stays."""
    return load_card(CARDS[kind], **{"sigma_offset": 0, "noise_comparator": 0, **_OFF[kind], **overrides})
