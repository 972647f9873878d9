"""Make the files beside this one; they are of snntorch 1.0.0, nirtorch 2.0.5, nir 1.0.8 and torch 2.13.0."""

import gzip
from pathlib import Path

import nir
import numpy as np
import torch
from snntorch import Leaky, Synaptic
from snntorch.export_nir import export_to_nir

torch.manual_seed(1)
for reset in ("subtract", "zero"):
    options = {"init_hidden": True, "reset_mechanism": reset}
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3, padding=1),
        Leaky(beta=torch.full((3, 6, 6), 0.9), threshold=torch.full((3, 6, 6), 0.6), **options),
        torch.nn.AvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(27, 12),
        Leaky(beta=torch.full((12,), 0.75), threshold=torch.full((12,), 0.25), **options),
        torch.nn.Linear(12, 5, bias=False),
        # With a reset to zero, snnTorch's Synaptic empties the synapse too, which NIR's CubaLIF does not.
        Synaptic(
            alpha=torch.full((5,), 0.6), beta=torch.full((5,), 0.8), threshold=torch.full((5,), 0.2), init_hidden=True
        )
        if reset == "subtract"
        else Leaky(beta=torch.full((5,), 0.8), threshold=torch.full((5,), 0.1), **options),
    )
    graph = export_to_nir(network, torch.rand(1, 1, 6, 6), ignore_dims=[0])
    nir.write(f"snntorch_{reset}.nir", graph)
    file = Path(f"snntorch_{reset}.nir")
    Path(f"{file}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    file.unlink()
    for module in network:
        if hasattr(module, "reset_mem"):
            module.reset_mem()
    x = (torch.rand(15, 8, 1, 6, 6, generator=torch.Generator().manual_seed(3)) < 0.5).float()
    with torch.no_grad():
        spikes = torch.stack([network(step) for step in x])
    np.savez_compressed(
        f"snntorch_{reset}.npz", x=np.packbits(x.numpy().astype(bool)), spikes=spikes.numpy().astype(np.uint8)
    )
