"""VO2 relaxation oscillators: device, coupled network, phase transition, weight mapping, associative memory."""
