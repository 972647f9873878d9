"""Circuit-level co-simulation of oscillatory and spiking neural networks."""

__version__ = "0.1.0"
