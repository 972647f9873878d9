"""Spiking networks: their description, and inference with a circuit in place of any layer."""
