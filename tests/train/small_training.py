"""A training that takes a moment; run as a script, it waits after each batch, to be killed."""

import sys
import time

import numpy as np

from circuitsnn.snn.layers import Dense, Neuron
from circuitsnn.snn.network import Network
from circuitsnn.train.fit import Training, fit
from circuitsnn.train.module import build
from circuitsnn.train.quantise import FakeQuantise

TRAINING = {"epochs": 6, "learning_rate": 5e-3, "decay": 0.5, "milestones": (0.5,), "batch": 32}


def case():
    rng = np.random.default_rng(1)
    x = rng.random((200, 12)).astype(np.float32)
    labels = (x @ rng.normal(size=(12, 3))).argmax(axis=1)
    layers = (
        Dense("fc1", rng.normal(0, 0.4, (16, 12))),
        Neuron("neuron1", 0.5, 0.9),
        Dense("fc", rng.normal(0, 0.4, (3, 16))),
    )
    module = build(Network((12,), layers, 4), quantiser=FakeQuantise(6), dropout={"fc": 0.2})
    return module, (x, labels)


def _tell(told):
    sys.stdout.write(f"{told.epoch} {told.batch}\n")
    sys.stdout.flush()
    time.sleep(0.02)


if __name__ == "__main__":
    fit(*case(), Training(**TRAINING), checkpoint=sys.argv[1], progress=_tell)
