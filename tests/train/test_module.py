# ruff: noqa: E402
"""Networks as modules: spikes and gradients against loops and autograd written afresh."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import circuitsnn.train.module as module_of_training
from circuitsnn.errors import InputError
from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dense,
    Encoder,
    Filter,
    Flatten,
    MaxPool,
    Neuron,
    Relu,
    Reshape,
    Sum,
)
from circuitsnn.snn.network import Network
from circuitsnn.train.module import _product, build
from circuitsnn.train.quantise import FakeQuantise
from circuitsnn.train.surrogate import Gaussian, Triangle

RNG = np.random.default_rng(11)
NEURONS = {
    "integrate and fire": {},
    "leaky": {"leak": 0.8},
    "same step": {"leak": 0.8, "reset_step": "same"},
    "hard": {"leak": 0.7, "reset": "hard"},
    "hard, same step": {"leak": 0.7, "reset": "hard", "reset_step": "same"},
    "no reset": {"leak": 0.6, "reset": "none"},
    "filtered reset": {"leak": 0.5, "reset_decay": 0.6},
    "refractory": {"leak": 0.9, "refractory": 2},
    "refractory, hard": {"leak": 0.9, "refractory": 1, "reset": "hard"},
    "by channel": {"leak": np.array([0.2, 0.5, 0.9, 1.0]), "threshold": np.array([0.4, 0.7, 1.0, 1.3])},
}


class Step(torch.autograd.Function):
    """A spike with equation 21 in place of its derivative."""

    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return (z > 0).to(z.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (z,) = ctx.saved_tensors
        return gradient * 0.3 * torch.clamp(1 - z.abs(), min=0)


def by_autograd(drive, neuron, threshold, leak, detach_potential=False, detach_reset=False):
    """Neurons one step after another, as the description says; gradients by autograd."""
    u = o = r = torch.zeros_like(drive[0])
    rest = torch.zeros_like(drive[0])
    found = []
    for current in drive:
        past, spiked = (u.detach() if detach_potential else u), (o.detach() if detach_reset else o)
        active = (rest == 0).to(drive.dtype)
        r = neuron.reset_decay * (r.detach() if detach_reset else r) + spiked
        if neuron.reset == "soft" and neuron.reset_step == "next":
            u = leak * past + active * current - threshold * r
        elif neuron.reset == "soft":
            u = leak * (past - threshold * spiked) + active * current
        elif neuron.reset == "hard":
            u = leak * past * (1 - spiked) + active * current
        else:
            u = leak * past + active * current
        o = Step.apply(u / threshold - 1) * active
        rest = torch.where(o > 0, neuron.refractory, torch.clamp(rest - 1, min=0))
        found.append(o)
    return torch.stack(found)


def one_layer(static, **options):
    neuron = Neuron("neuron", **{"threshold": 0.9, **options})
    return Network((4, 3, 2), (neuron,), 7, readout="spikes"), neuron


@pytest.mark.parametrize("static", [True, False], ids=["static", "series"])
@pytest.mark.parametrize("options", NEURONS.values(), ids=NEURONS)
def test_neurons(options, static):
    network, neuron = one_layer(static, **options)
    rng = np.random.default_rng(3)
    shape = (5, 4, 3, 2) if static else (7, 5, 4, 3, 2)
    x = torch.tensor(rng.normal(0.4, 0.6, shape), requires_grad=True)
    weighting = torch.tensor(rng.normal(size=(7, 5, 4, 3, 2)))
    for detach in ({}, {"detach_potential": True}, {"detach_reset": True}):
        module = build(network, dtype=torch.float64, **detach)
        found = module.signals(x)["neuron"]
        (found * weighting).sum().backward()
        ours = [x.grad.clone(), *(module.parameter_of("neuron", name).grad for name in ("threshold", "leak"))]
        x.grad = None
        threshold, leak = (torch.tensor(getattr(neuron, name), requires_grad=True) for name in ("threshold", "leak"))
        wide = [each if each.dim() == 0 else each[:, None, None] for each in (threshold, leak)]
        drive = x.expand(7, *x.shape) if static else x
        wanted = by_autograd(drive, neuron, *wide, **detach)
        (wanted * weighting).sum().backward()
        assert 0.05 < float(wanted.detach().mean()) < 0.95
        torch.testing.assert_close(found, wanted, rtol=0, atol=0)
        for mine, theirs in zip(ours, (x.grad, threshold.grad, leak.grad), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)
        x.grad = None


def test_at_threshold():
    network = Network((1,), (Neuron("neuron", 0.5, at_threshold=True),), 1, readout="spikes")
    assert build(network)(torch.tensor([[0.5]])).item() == 1
    network = network.replace(Neuron("neuron", 0.5))
    assert build(network)(torch.tensor([[0.5]])).item() == 0


def rich_network(steps=4):
    """A network with a layer of nearly every kind."""
    return Network(
        (2, 6, 6),
        (
            Convolution("conv1", RNG.normal(0.1, 0.3, (4, 2, 3, 3)), RNG.normal(size=4), padding=1),
            Neuron("neuron1", 0.7, 0.9),
            Convolution("conv2", RNG.normal(0.1, 0.3, (4, 4, 3, 3)), stride=1, padding=1),
            BatchNorm("norm", RNG.normal(1.0, 0.2, (steps, 4)), RNG.normal(0.0, 0.2, (steps, 4))),
            Sum("sum", source="neuron1"),
            Neuron("neuron2", 0.5, 0.8),
            AveragePool("pool", (2, 2)),
            Flatten("flatten"),
            Filter.dual_exponential("filter", 4.0, 1.0),
            Dense("fc1", RNG.normal(0.0, 0.3, (6, 36))),
            Neuron("neuron3", 1.0, 0.7, reset_decay=0.3),
            Dense("fc", RNG.normal(0.0, 0.5, (3, 6)), RNG.normal(size=3)),
        ),
        steps,
    )


def test_gradients_of_a_smooth_network_are_finite_differences():
    module = build(rich_network(), surrogate=Gaussian(0.4), smooth=True, dtype=torch.float64)
    x = torch.tensor(RNG.normal(size=(3, 2, 6, 6)))

    def loss():
        return torch.nn.functional.cross_entropy(module(x), torch.tensor([0, 1, 2]))

    loss().backward()
    rng = np.random.default_rng(0)
    for name, parameter in module.named_parameters():
        direction = torch.tensor(rng.normal(size=tuple(parameter.shape)))
        gradient, step = float((parameter.grad * direction).sum()), 1e-5
        with torch.no_grad():
            parameter += step * direction
            above = float(loss())
            parameter -= 2 * step * direction
            below = float(loss())
            parameter += step * direction
        assert gradient == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-9), name


def test_gradient_is_the_corrected_equation_3_of_muramatsu():
    # Two layers with synapse filters of no memory, V_th 1, sigma 0.4: equations 3 and 4, delta spatial only.
    rng = np.random.default_rng(8)
    w1, w2, leak, steps = rng.normal(0, 0.9, (5, 4)), rng.normal(0, 0.9, (3, 5)), 0.78, 9
    network = Network(
        (4,),
        (Dense("fc1", w1), Neuron("neuron1", 1.0, leak, at_threshold=True), Dense("fc2", w2),
         Neuron("neuron2", 1.0, leak, at_threshold=True)),
        steps,
        readout="spikes",
    )  # fmt: skip
    x, y = rng.random(4) * 2, np.array([0.0, 1.0, 0.0])
    module = build(network, surrogate=Gaussian(0.4), dtype=torch.float64)
    torch.nn.functional.cross_entropy(module(torch.tensor(x[None])), torch.tensor([1])).backward()

    def forward(w, inputs):
        v, o, potentials, outputs = np.zeros(len(w)), np.zeros(len(w)), [], []
        for f in inputs:
            v = leak * v + w @ f - o
            o = (v >= 1.0).astype(float)
            potentials.append(v)
            outputs.append(o)
        return np.array(potentials), np.array(outputs)

    def epsilon(v):
        return np.exp(-((1.0 - v) ** 2) / (2 * 0.4**2)) / (np.sqrt(2 * np.pi) * 0.4)

    def gradient(delta, v, f):
        kappa = leak - epsilon(v)
        total = np.zeros((v.shape[1], f.shape[1]))
        for t in range(steps):
            for i in range(t + 1):
                total += np.outer(delta[t] * epsilon(v[t]) * np.prod(kappa[i:t], axis=0), f[i])
        return total

    inputs = np.tile(x, (steps, 1))
    v1, o1 = forward(w1, inputs)
    v2, o2 = forward(w2, o1)
    counts = o2.sum(axis=0)
    p = np.exp(counts) / np.exp(counts).sum()
    delta2 = np.tile(p - y, (steps, 1))
    adjoint = np.zeros((steps + 1, 3))
    for t in range(steps - 1, -1, -1):
        adjoint[t] = delta2[t] * epsilon(v2[t]) + (leak - epsilon(v2[t])) * adjoint[t + 1]
    delta1 = adjoint[:-1] @ w2
    assert 0 < o1.mean() < 1
    for name, wanted in (("fc1", gradient(delta1, v1, inputs)), ("fc2", gradient(delta2, v2, o1))):
        found = module.parameter_of(name, "weight").grad.numpy()
        assert np.linalg.norm(found - wanted) <= 1e-6 * np.linalg.norm(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_three_directions_static_and_in_series():
    rng = np.random.default_rng(6)
    w1, w2 = rng.normal(0, 0.4, (3, 1, 3, 2, 2)), rng.normal(0, 0.4, (4, 3, 2, 2, 2))
    network = Network(
        (1, 9, 4, 4),
        (Convolution("conv1", w1, stride=(2, 1, 1), padding=(1, 0, 0)), Neuron("neuron1", 0.8, 0.9),
         Convolution("conv2", w2), Neuron("neuron2", 0.3), MaxPool("pool", (2, 1, 1)),
         Reshape("reshape", (4, 2, 4), order=(2, 0, 1, 3)), Reshape("back", (4, 1, 2, 4)),
         AveragePool("mean", (1, 2, 1)), Flatten("flatten"), Dense("fc", rng.normal(size=(5, 16))),
         Sum("sum", source="fc"), Relu("relu", 3.0)),
        4,
    )  # fmt: skip
    x = torch.tensor(rng.normal(size=(2, 1, 9, 4, 4)))
    module = build(network, dtype=torch.float64)
    conv = torch.nn.functional.conv3d
    drive = conv(x, torch.tensor(w1), stride=(2, 1, 1), padding=(1, 0, 0))
    one, two = network["neuron1"], network["neuron2"]
    o1 = by_autograd(drive.expand(4, *drive.shape), one, 0.8, 0.9)
    o2 = by_autograd(torch.stack([conv(each, torch.tensor(w2)) for each in o1]), two, 0.3, 1.0)
    h = torch.stack([torch.nn.functional.max_pool3d(each, (2, 1, 1)) for each in o2])
    h = h.permute(0, 1, 4, 2, 3, 5).reshape(4, 2, 4, 1, 2, 4).mean(dim=4).flatten(2)
    wanted = torch.clamp(2 * h @ torch.tensor(network["fc"].weight).T, 0, 3.0).sum(dim=0)
    assert 0.0 < float(o2.mean()) < 1.0
    torch.testing.assert_close(module(x), wanted, rtol=1e-12, atol=1e-12)


def test_what_is_static_counts_in_every_step():
    network = Network((3,), (Dense("fc", np.eye(2, 3), np.array([0.5, 0.0])), Relu("relu")), 4)
    x = torch.tensor([[1.0, -2.0, 3.0]])
    assert build(network)(x).tolist() == [[6.0, 0.0]]
    assert build(network)(x.expand(4, 1, 3)).tolist() == [[6.0, 0.0]]


def test_encoder_gives_a_burst():
    network = Network((4,), (Encoder("encoder", 0.5),), 3)
    x = torch.tensor([[-1.0, 0.6, 1.2, 9.0]], requires_grad=True)
    trains = build(network).signals(x)["encoder"]
    assert trains[:, 0].T.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]
    trains.sum().backward()
    assert x.grad.tolist() == [[0, 2, 2, 0]]


def test_network_comes_back_with_what_was_trained():
    network = rich_network()
    module = build(network, quantiser=FakeQuantise(4))
    with torch.no_grad():
        module.parameter_of("conv1", "weight").mul_(2.0)
        module.parameter_of("neuron2", "leak").fill_(0.25)
    back = module.to_network(title="a test")
    np.testing.assert_allclose(back["conv1"].weight, 2 * network["conv1"].weight, rtol=1e-6)
    np.testing.assert_allclose(back["conv2"].weight, network["conv2"].weight, rtol=1e-6)
    assert back["neuron2"].leak == 0.25
    assert back["neuron3"].reset_decay == 0.3
    assert back.about["title"] == "a test"


def test_dropout_is_the_same_in_all_steps_and_ends_with_training():
    network = Network((1000,), (Neuron("neuron", 0.5), Flatten("flatten")), 3)
    module = build(network, dropout={"flatten": 0.4}, surrogate=Triangle())
    x = torch.ones(2, 1000)
    trains = module.signals(x)["flatten"]
    assert torch.equal(trains[0], trains[1])
    assert not torch.equal(trains[0, 0], trains[0, 1])
    assert trains.unique().tolist() == pytest.approx([0.0, 1 / 0.6])
    assert float((trains[0] == 0).float().mean()) == pytest.approx(0.4, abs=0.05)
    assert module.eval().signals(x)["flatten"].unique().tolist() == [1.0]


def test_constraints():
    module = build(Network((1,), (Neuron("neuron", 0.01, 1.0),), 2))
    with torch.no_grad():
        module.parameter_of("neuron", "leak").fill_(1.2)
    module.constrain()
    assert module.parameter_of("neuron", "threshold").item() == pytest.approx(0.05)
    assert module.parameter_of("neuron", "leak").item() == 1.0


def test_wrong_arguments():
    network = rich_network()
    for arguments, message in (
        ({"dropout": {"conv9": 0.1}}, "dropout: there is no layer 'conv9'"),
        ({"dropout": {"conv1": 1.0}}, "share from 0 to less than 1"),
        ({"quantiser": {"neuron1": FakeQuantise(4)}}, "quantiser: there is no layer 'neuron1'; allowed: conv1"),
        ({"surrogate": "triangle"}, "surrogate is 'triangle'"),
    ):
        with pytest.raises(InputError, match=message):
            build(network, **arguments)
    with pytest.raises(InputError, match=r"allowed is \(n, 2, 6, 6\)"):
        build(network)(torch.zeros(3, 2, 5, 6))
    with pytest.raises(InputError, match="allowed: conv1:weight"):
        build(network).parameter_of("pool", "weight")


@pytest.mark.parametrize(
    ("channels", "outputs", "plane", "kernel", "stride", "padding"),
    [(3, 4, 3, (3, 1, 1), 2, 1), (3, 4, 3, (3, 3, 3), 1, 1), (5, 2, 1, (2, 1, 1), 2, 1)],
)
def test_convolution_along_the_depth_is_pytorchs(channels, outputs, plane, kernel, stride, padding):
    generator = torch.Generator().manual_seed(0)
    draw = {"generator": generator, "dtype": torch.float64}
    x = torch.randn(2, channels, 9, plane, plane, **draw).requires_grad_()
    weight = torch.randn(outputs, channels, *kernel, **draw).requires_grad_()
    wanted = torch.nn.functional.conv3d(x, weight, None, (stride, 1, 1), (padding, 0, 0))
    layer = Convolution("conv", weight.detach().numpy(), stride=(stride, 1, 1), padding=(padding, 0, 0))
    found = _product(layer, x, weight)
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=1e-12)
    seed = torch.randn(wanted.shape, **draw)
    for ours, theirs in zip(
        torch.autograd.grad(found, (x, weight), seed), torch.autograd.grad(wanted, (x, weight), seed), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=0.0, atol=1e-12)


def test_bfloat16_rounds_layers_between_the_first_and_the_last_in_training(monkeypatch):
    rng = np.random.default_rng(4)
    layers = (
        Dense("fc1", rng.normal(size=(20, 6))),
        Neuron("neuron1", 0.5),
        Dense("fc2", rng.normal(size=(8, 20))),
        Neuron("neuron2", 0.5),
        Dense("fc", rng.normal(size=(3, 8))),
    )
    network, x = Network((6,), layers, 5), torch.from_numpy(rng.random((9, 6)).astype(np.float32))
    plain, rounded = build(network), build(network, bfloat16=True)
    assert rounded.rounded == {"fc2"}
    monkeypatch.setattr(module_of_training, "_multiplies_bfloat16", lambda device: True)
    ours, exact = rounded.signals(x), plain.signals(x)
    assert torch.equal(ours["fc1"], exact["fc1"])
    weight = layers[2].weight.astype(np.float32)
    error = (ours["fc2"] - exact["fc2"]).abs().detach().numpy()
    # Half a unit of the last of eight bits: of each weight that is added up, and of the sum.
    spikes = exact["neuron1"].detach().numpy()
    assert error.max() > 0.0
    assert (error <= 2.0**-8 * (spikes @ np.abs(weight).T + np.abs(exact["fc2"].detach().numpy())) * 1.01).all()
    assert ours["fc2"].dtype == torch.float32
    ours[""].sum().backward()
    assert rounded.parameter_of("fc2", "weight").grad.dtype == torch.float32
    assert float(rounded.parameter_of("fc2", "weight").grad.abs().sum()) > 0.0
    assert torch.equal(rounded.eval().signals(x)["fc2"], exact["fc2"])
    # Where the processor does not multiply them, nothing is rounded.
    monkeypatch.setattr(module_of_training, "_multiplies_bfloat16", lambda device: False)
    assert torch.equal(rounded.train().signals(x)["fc2"], exact["fc2"])
