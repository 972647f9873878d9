# ruff: noqa: E402
"""Training: rates, seeds, checkpoints, and runs that are killed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from small_training import TRAINING, case

from circuitsnn.errors import InputError
from circuitsnn.snn.layers import Dense, Neuron, Relu
from circuitsnn.snn.network import Network
from circuitsnn.train.fit import Progress, Training, fit, outputs
from circuitsnn.train.module import build


def run(checkpoint=None, optimiser="adam", **changes):
    module, data = case()
    history = fit(module, data, Training(**{**TRAINING, "optimiser": optimiser, **changes}), checkpoint=checkpoint)
    return module, history


def test_it_learns_and_reports():
    module, data = case()
    told = []
    history = fit(module, data, Training(epochs=30, learning_rate=1e-2), validation=data, progress=told.append)
    assert history.loss[-1] < 0.6 * history.loss[0]
    assert history.validation[-1] > 0.8
    assert history.validation[-1] == np.mean(outputs(module, data[0]).argmax(axis=1) == data[1])
    assert told[-1] == Progress(29, 30, 4, 4, pytest.approx(history.loss[-1]))
    frame = history.to_frame()
    assert list(frame.index) == list(range(1, 31))
    assert list(frame) == ["loss", "accuracy", "validation"]


def test_a_step_of_sgd_by_hand():
    # One sample, one dense layer: dE/dw = (p - y) x, equation 18 with T = 1.
    weight, x = np.array([[0.1, -0.2], [0.3, 0.4]]), np.array([[1.0, 2.0]])
    module = build(Network((2,), (Dense("fc", weight),)), dtype=torch.float64)
    fit(module, (x, [1]), Training(1, "sgd", 0.5))
    p = np.exp(weight @ x[0])
    p /= p.sum()
    wanted = weight - 0.5 * np.outer(p - [0, 1], x[0])
    np.testing.assert_allclose(module.parameter_of("fc", "weight").detach().numpy(), wanted, rtol=1e-12)


def test_last_layer_by_equation_18():
    module, (x, labels) = case()
    module.eval()
    torch.nn.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(labels), reduction="sum").backward()
    signals = module.signals(torch.from_numpy(x))
    p = torch.softmax(signals[""], dim=1).detach().numpy()
    p[np.arange(len(x)), labels] -= 1
    wanted = p.T @ signals["neuron1"].sum(dim=0).detach().numpy()
    np.testing.assert_allclose(module.parameter_of("fc", "weight").grad, wanted, rtol=1e-4, atol=1e-4)


def test_rates():
    training = Training(100, learning_rate=0.01, decay=0.1, milestones=(0.6, 0.8, 0.9))
    assert [training.rate(epoch) for epoch in (0, 59, 60, 79, 80, 90, 99)] == pytest.approx(
        [0.01, 0.01, 1e-3, 1e-3, 1e-4, 1e-5, 1e-5]
    )


def test_same_seed_same_numbers():
    (one, first), (two, second) = run(), run()
    assert first.loss.tolist() == second.loss.tolist()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    module, data = case()
    assert fit(module, data, Training(**TRAINING), seed=1).loss.tolist() != first.loss.tolist()


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_stopped_runs_go_on_to_the_same_numbers(tmp_path, optimiser):
    whole, history = run(optimiser=optimiser)

    class StopError(Exception):
        pass

    def stop(told):
        if (told.epoch, told.batch) == (3, 2):
            raise StopError

    module, data = case()
    path = tmp_path / "run.safetensors"
    training = Training(**TRAINING, optimiser=optimiser)
    with pytest.raises(StopError):
        fit(module, data, training, checkpoint=path, progress=stop)
    again, rest = run(path, optimiser)
    assert rest.loss.tolist() == history.loss.tolist()
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))
    # A finished run trains no more.
    assert run(path, optimiser)[1].loss.tolist() == history.loss.tolist()


def test_killed_processes_go_on_to_the_same_numbers(tmp_path):
    path = tmp_path / "run.safetensors"
    script = Path(__file__).with_name("small_training.py")
    process = subprocess.Popen([sys.executable, script, path], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.split() == ["2", "3"]:
            process.kill()  # SIGKILL
            break
    process.wait(30)
    process.stdout.close()
    assert process.returncode != 0
    whole, history = run()
    again, rest = run(path)
    assert rest.loss.tolist() == history.loss.tolist()
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_checkpoints_of_other_runs_are_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    run(path, epochs=1)
    for changes in ({"learning_rate": 1e-3}, {"batch": 16}):
        with pytest.raises(InputError, match="of a run with another"):
            run(path, **changes)
    module, (x, labels) = case()
    with pytest.raises(InputError, match="of a run with another"):
        fit(module, (x[::-1], labels), Training(**TRAINING), checkpoint=path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read"):
        run(path)
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        run(tmp_path / "run.pt")


def test_data_that_do_not_fit():
    module, (x, labels) = case()
    training = Training(1)
    for data, message in (
        ((x[:, :5], labels), "samples have shape"),
        ((x * np.nan, labels), "not finite"),
        ((x, labels[:5]), "labels have shape"),
        ((x, labels + 1), "labels reach from 1 to 3; the network has outputs 0 to 2"),
        ((x, labels / 1), "labels have shape"),
    ):
        with pytest.raises(InputError, match=message):
            fit(module, data, training)
    with pytest.raises(InputError, match="device is 'abacus'"):
        fit(module, (x, labels), training, device="abacus")
    with pytest.raises(InputError, match="epochs is 0"):
        Training(0)
    with pytest.raises(InputError, match="optimiser is 'lion'"):
        Training(1, "lion")


def test_divergence_is_said():
    network = Network((2,), (Dense("fc1", np.full((3, 2), 1e19)), Relu("relu"), Dense("fc", np.full((2, 3), 1e19))))
    with pytest.raises(InputError, match="the loss is nan in epoch 1, batch 1"):
        fit(build(network), (np.ones((4, 2)), [0, 1, 0, 1]), Training(1))


def test_codings_need_an_encoder():
    network = Network((2,), (Dense("fc", np.eye(2)), Neuron("neuron")), 4, coding="bernoulli", readout="spikes")
    x, labels = np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 1]
    with pytest.raises(InputError, match="allowed with it is a function `encode`"):
        fit(build(network), (x, labels), Training(1))

    def encode(batch, rng):
        return (rng.random((4, *batch.shape)) < batch).astype(np.float32)

    history = fit(build(network), (x, labels), Training(3, learning_rate=0.1), encode=encode, validation=(x, labels))
    assert history.loss[-1] < history.loss[0]
