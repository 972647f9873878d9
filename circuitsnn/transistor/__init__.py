"""Transistors: the compact model with temperature, corners and mismatch."""
