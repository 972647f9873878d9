"""Training with gradients, by PyTorch: the extra `train`. What it makes are files that `circuitsnn.snn` reads."""
