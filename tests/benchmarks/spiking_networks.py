"""One batch through a spiking network, by us and by others, each in a process.

    python spiking_networks.py NAME FILE

loads the network and its inputs from FILE (bench_inference.py wrote it), runs it once and compares the spikes of every
layer with those in FILE, says on standard output what came out, and does one batch for each line on standard input.
Needs our package for "circuitsnn" only. The other contestants are written as their documentation shows: a loop over
the time steps for snnTorch, multi-step layers for SpikingJelly.
"""

import importlib.metadata
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

Batch = Callable[[], dict[str, np.ndarray]]
"""Does a batch; gives the spike counts of each layer of neurons, (n, neurons), and "output", (n, classes)."""


def circuitsnn(given: dict) -> tuple[Callable[[], object], Batch, str]:
    """Our inference; given spikes take the place of the coding."""
    from circuitsnn.snn import inference
    from circuitsnn.snn.files import load_network

    network = load_network(str(given["network"]))
    names = [layer.name for layer in network.neuron_layers]
    samples = given["samples"]
    if network.coding != "direct":
        starts = iter(())

        def coded(coding, x, steps, rng):
            start = next(starts)
            return given["series"][:, start : start + len(x)]

        inference.encode = coded

    def run(record=()):
        nonlocal starts
        starts = iter(range(0, len(samples), inference._block(network)))
        return inference.run(network, samples, record=record)

    starts = iter(())

    def check():
        found = run(names)
        counts = {name: found.records[name][0].sum(axis=0).reshape(len(samples), -1) for name in names}
        return counts | {"output": found.outputs[0]}

    return run, check, "run(network, data): float32"


def _torch(given: dict):
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    weights = {name[2:]: torch.tensor(value) for name, value in given.items() if name.startswith("w ")}
    thresholds = {name[2:]: float(value) for name, value in given.items() if name.startswith("t ")}
    direct = "series" not in given
    inputs = torch.tensor(given["samples"] if direct else given["series"].astype(np.float32))
    return torch, weights, thresholds, direct, inputs


def snntorch(given: dict) -> tuple[Callable[[], object], Batch, str]:
    """A loop over the time steps."""
    torch, weights, thresholds, direct, inputs = _torch(given)
    import snntorch

    nn, steps = torch.nn, int(given["steps"])
    layers, neurons = [], {}
    for name in given["layers"]:
        if name in weights:
            layers.append((name, _weighted(nn, weights[name], name)))
        elif name in thresholds:
            neuron = snntorch.Leaky(beta=1.0, threshold=thresholds[name], reset_mechanism="subtract")
            layers.append((name, neuron))
            neurons[name] = neuron
        else:
            layers.append((name, nn.AvgPool2d(2) if name.startswith("pool") else nn.Flatten()))

    def run(counts=None):
        state = {name: neuron.init_leaky() for name, neuron in neurons.items()}
        total = 0
        for t in range(steps):
            x = inputs if direct else inputs[t]
            for name, layer in layers:
                if name in neurons:
                    x, state[name] = layer(x, state[name])
                    if counts is not None:
                        counts[name] = counts.get(name, 0) + x.flatten(1).numpy()
                else:
                    x = layer(x)
            total = total + x
        return total

    def check():
        counts = {}
        output = run(counts).numpy()
        return counts | {"output": output}

    return run, check, f"snnTorch {importlib.metadata.version('snntorch')}, Leaky with beta 1 in a loop over steps"


def spikingjelly(given: dict, once: bool = False) -> tuple[Callable[[], object], Batch, str]:
    """Layers for all time steps at once; an image that is the same in all goes through the first layer in each."""
    torch, weights, thresholds, direct, inputs = _torch(given)
    from spikingjelly.activation_based import functional, layer, neuron

    steps = int(given["steps"])
    layers = []
    for name in given["layers"]:
        if name in weights:
            layers.append((name, _weighted(layer, weights[name], name, step_mode="m")))
        elif name in thresholds:
            layers.append((name, neuron.IFNode(v_threshold=thresholds[name], v_reset=None, step_mode="m")))
        else:
            pool = name.startswith("pool")
            layers.append((name, layer.AvgPool2d(2, step_mode="m") if pool else layer.Flatten(step_mode="m")))
    network = torch.nn.Sequential(*(each for _, each in layers))

    def run(counts=None):
        functional.reset_net(network)
        x = inputs
        if direct:
            x = x.unsqueeze(0) if once else x.unsqueeze(0).repeat(steps, *(1 for _ in x.shape))
        for number, (name, each) in enumerate(layers):
            x = each(x)
            if direct and once and number == 0:
                x = x.repeat(steps, *(1 for _ in x.shape[1:]))
            if counts is not None and name in thresholds:
                counts[name] = x.sum(0).flatten(1).numpy()
        return x.sum(0)

    def check():
        counts = {}
        output = run(counts).numpy()
        return counts | {"output": output}

    words = "first layer once" if once else "first layer in each step"
    return run, check, f"SpikingJelly {importlib.metadata.version('spikingjelly')}, IFNode, multi-step, {words}"


def _weighted(module, weight, name, **options):
    if weight.ndim == 2:
        made = module.Linear(weight.shape[1], weight.shape[0], bias=False, **options)
    else:
        padding = 2 if name == "conv1" else 0
        made = module.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding=padding, bias=False, **options)
    made.weight.data = weight
    return made


CONTESTANTS = {
    "circuitsnn": circuitsnn,
    "snntorch": snntorch,
    "spikingjelly": spikingjelly,
    "spikingjelly_once": lambda given: spikingjelly(given, once=True),
}


def peak_memory() -> float | None:
    """Peak memory of this process, without what its parent had; None where the system does not say. [MiB]."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else None


def main() -> None:
    """Set a contestant up, compare its spikes, then do a batch for each line."""
    name, path = sys.argv[1:]
    given = dict(np.load(path, allow_pickle=False))
    try:
        run, check, setting = CONTESTANTS[name](given)
    except ImportError as error:
        sys.stdout.write(json.dumps({"missing": str(error)}) + "\n")
        return
    run()
    found = check()
    flipped = sum(np.abs(found[key[2:]] - given[key]).sum() for key in given if key.startswith("c "))
    spikes = sum(given[key].sum() for key in given if key.startswith("c "))
    error = float(np.abs(found["output"] - given["output"]).max() / np.abs(given["output"]).max())
    said = {"setting": setting, "spikes": float(spikes), "counts_differ": float(flipped), "output_error": error}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        start, clock = time.process_time(), time.perf_counter()
        run()
        done = {
            "processor_time_s": time.process_time() - start,
            "wall_time_s": time.perf_counter() - clock,
            "peak_memory_MiB": peak_memory(),
        }
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
