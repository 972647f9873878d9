"""Kinds of cards of energy constants."""

from collections.abc import Mapping

from circuitsnn.card_kinds.kind import Kind

KINDS: Mapping[str, Kind] = {}
