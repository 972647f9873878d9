"""Analog-to-digital converters with their mismatch and noise."""
