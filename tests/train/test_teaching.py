# ruff: noqa: E402
"""Learning from another network's outputs, on samples and on mixtures of two."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.special import log_softmax, softmax
from small_training import TRAINING, case

from circuitsnn.errors import InputError
from circuitsnn.snn.layers import Dense, Neuron
from circuitsnn.snn.network import Network
from circuitsnn.train.fit import Teaching, Training, fit, outputs
from circuitsnn.train.module import build


def rule(x):
    """A network whose classes are those of the case's labels."""
    weight = np.random.default_rng(1)
    weight.random((200, 12))
    return build(Network((12,), (Dense("fc", 4.0 * weight.normal(size=(12, 3)).T),)))


def test_loss_is_the_formulas():
    rng = np.random.default_rng(3)
    found, taught, labels = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), np.array([0, 3, 1, 1, 2])
    mixed = np.array([True, False, False, True, False])
    tau = 3.0
    divergence = np.sum(softmax(taught / tau, 1) * (log_softmax(taught / tau, 1) - log_softmax(found / tau, 1)), axis=1)
    entropy = -log_softmax(found, 1)[np.arange(5), labels]
    wanted = np.mean(tau**2 * divergence + 0.7 * np.where(mixed, 0.0, entropy))
    loss = Teaching(tau, 0.7).loss(*map(torch.from_numpy, (found, taught, labels, mixed)))
    assert loss.item() == pytest.approx(wanted, rel=1e-12)


def test_mixtures_of_two_samples_go_to_network_and_teacher_alike():
    module, (x, labels) = case()
    teacher, seen = rule(x), []
    for each in (module, teacher):
        each.register_forward_pre_hook(lambda _, given: seen.append(given[0].numpy().copy()))
    # Samples on a line in the first two numbers: mixtures lie between its ends, and between two of them.
    x = np.zeros_like(x)
    x[:, 0] = np.linspace(0, 1, len(x))
    x[:, 1] = 1.0 - x[:, 0]
    fit(module, (x, labels), Training(1, batch=len(x)), teacher=teacher, teaching=Teaching(mixed=0.5))
    given, given_to_teacher = seen
    np.testing.assert_array_equal(given, given_to_teacher)
    np.testing.assert_allclose(given[:, :2].sum(axis=1), 1.0, rtol=1e-6)
    new = ~np.isin(given[:, 0], x[:, 0])
    assert 70 < new.sum() < 130
    assert 0.0 < given[new, 0].min() < given[new, 0].max() < 1.0


def test_a_teacher_is_enough():
    module, (x, labels) = case()
    teacher = rule(x)
    assert np.mean(outputs(teacher, x).argmax(axis=1) == labels) == 1.0
    wrong = np.random.default_rng(0).integers(0, 3, len(x))  # of mixtures, labels do not count
    training = Training(40, learning_rate=1e-2, batch=32)
    history = fit(module, (x, wrong), training, teacher=teacher, teaching=Teaching(mixed=1.0))
    assert np.isnan(history.accuracy).all()
    assert history.loss[-1] < 0.3 * history.loss[0]
    assert np.mean(outputs(module, x).argmax(axis=1) == labels) > 0.8
    assert teacher.parameter_of("fc", "weight").grad is None


def test_stopped_runs_go_on_with_the_same_teacher_only(tmp_path):
    def run(checkpoint=None, progress=None, factor=1.0, teaching=None):
        module, (x, labels) = case()
        teacher = rule(x)
        with torch.no_grad():
            teacher.parameter_of("fc", "weight").mul_(factor)
        training = Training(**TRAINING)
        history = fit(module, (x, labels), training, teacher=teacher, teaching=teaching, checkpoint=checkpoint,
                      progress=progress)  # fmt: skip
        return module, history

    def stop(told):
        if told.epoch == 3:
            raise KeyboardInterrupt

    path = tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(path, stop)
    (whole, history), (again, rest) = run(), run(path)
    assert rest.loss.tolist() == history.loss.tolist()
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))
    for others in ({"factor": 2.0}, {"teaching": Teaching(mixed=0.4)}):
        with pytest.raises(InputError, match="is of a run with another"):
            run(path, **others)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"temperature": 0.0}, r"temperature is 0\.0; allowed is a number from 0\.001"),
        ({"labels": -1.0}, r"labels is -1\.0"),
        ({"mixed": 1.5}, r"mixed is 1\.5; allowed is a number from 0 to 1"),
        ({"mixed": float("nan")}, "mixed is nan"),
    ],
)
def test_numbers_that_are_not_possible(change, wanted):
    with pytest.raises(InputError, match=wanted):
        Teaching(**change)


def test_teachers_that_are_not_possible():
    module, data = case()
    with pytest.raises(InputError, match="teaching is given without a teacher"):
        fit(module, data, Training(1), teaching=Teaching())
    with pytest.raises(InputError, match="allowed are a Module and a Teaching"):
        fit(module, data, Training(1), teacher=module.network)
    smaller = build(Network((4,), (Dense("fc", np.eye(4)),)))
    with pytest.raises(InputError, match=r"the teacher takes \(4,\) and gives 4 outputs; allowed are \(12,\) and 3"):
        fit(module, data, Training(1), teacher=smaller)
    coded = build(Network((12,), (Neuron("neuron1"), Dense("fc", np.ones((3, 12)))), 4, coding="poisson"))
    with pytest.raises(InputError, match="the teacher's coding is 'poisson'; allowed is 'direct'"):
        fit(module, data, Training(1), teacher=coded)
