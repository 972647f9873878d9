# ruff: noqa: E402
"""Statistics that are measured from chips, and what is made of them in training."""

from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from circuitsnn.errors import InputError
from circuitsnn.snn.engines.base import MacChip, MacDesign, MacEngine
from circuitsnn.snn.engines.macro import OnMacro
from circuitsnn.snn.layers import Convolution, Dense, Flatten, Neuron
from circuitsnn.snn.network import Network
from circuitsnn.sram.macro import Imperfections
from circuitsnn.sram.mapping import WeightMapping
from circuitsnn.train.module import build
from circuitsnn.train.noise_aware import MacroPerturbation, layer_inputs, measure, perturbations


@dataclass(frozen=True)
class Chip(MacChip):
    matrix: np.ndarray
    offsets: np.ndarray
    noise: float

    def multiply(self, rows, rng):
        products = rows @ self.matrix.T + self.offsets
        return products + self.noise * rng.standard_normal(products.shape)


@dataclass(frozen=True)
class Design(MacDesign):
    matrix: np.ndarray
    rows: np.ndarray
    engine: "Cells"

    def chip(self, seed):
        rng = np.random.default_rng(seed)
        step = np.abs(self.matrix).max() / 31
        weights = np.rint(self.matrix / step).astype(int)
        found = np.zeros(self.matrix.shape)
        for k in range(6):  # two's complement, each bit a cell of its own
            bits = (weights >> k) & 1
            found += (-32 if k == 5 else 2**k) * bits * (1 + self.engine.spread * rng.standard_normal(bits.shape))
        offsets = self.engine.offset * rng.standard_normal(len(weights)) + self.engine.common
        if self.engine.trim:
            offsets = -(self.rows @ (step * found - self.matrix).T).mean(axis=0)
        return Chip(step * found, offsets, self.engine.noise)


@dataclass(frozen=True, kw_only=True)
class Cells(MacEngine):
    spread: float = 0.0
    offset: float = 0.0
    noise: float = 0.0
    common: float = 0.0
    trim: bool = False

    def design(self, matrix, rows, steps):
        return Design(matrix, rows, self)


def case():
    rng = np.random.default_rng(5)
    return rng.normal(0, 1, (20, 40)), (rng.random((60, 40)) < 0.4) * rng.random((60, 40))


def test_spread_of_cells_is_found():
    matrix, rows = case()
    found = measure(Cells(spread=0.05, noise=0.3), matrix, rows, chips=40, reads=3)
    assert found.cell_spread == pytest.approx(0.05, rel=0.05)
    rms = np.sqrt(np.mean((rows @ matrix.T) ** 2))
    assert found.product_error == pytest.approx(0.3 / rms, rel=0.1)


def test_spread_is_found_where_mean_errors_are_trimmed():
    matrix, rows = case()
    found = measure(Cells(spread=0.05, noise=0.3, trim=True), matrix, rows, chips=40, reads=3)
    assert found.trimmed
    assert found.cell_spread == pytest.approx(0.05, rel=0.05)
    assert found.product_error == pytest.approx(0.3 / np.sqrt(np.mean((rows @ matrix.T) ** 2)), rel=0.1)


def test_trimmed_products_have_no_mean_error():
    matrix, rows = case()
    convolution = np.random.default_rng(1).normal(size=(4, 2, 3, 3))
    for layer, x in (
        (Dense("layer", matrix), rows),
        (Convolution("layer", convolution, padding=1), np.random.default_rng(2).random((6, 2, 5, 5))),
    ):
        network = Network(x.shape[1:], (layer,))
        x = torch.from_numpy(x)
        exact = build(network, dtype=torch.float64).signals(x)["layer"].detach()
        for trimmed in (False, True):
            perturbed = {"layer": MacroPerturbation(0.1, 0.0, trimmed=trimmed)}
            error = build(network, perturbations=perturbed, dtype=torch.float64).signals(x)["layer"].detach() - exact
            mean = error.transpose(0, 1).flatten(1).mean(dim=1).abs().max()
            assert float(error.std()) > 0.01
            assert (float(mean) < 1e-12) == trimmed


def test_other_errors_add_up():
    matrix, rows = case()
    found = measure(Cells(offset=0.3, noise=0.4, common=1.2), matrix, rows, chips=60, reads=4)
    rms = np.sqrt(np.mean((rows @ matrix.T) ** 2))
    assert found.product_error == pytest.approx(1.3 / rms, rel=0.06)  # 0.3^2 + 0.4^2 + 1.2^2 = 1.3^2
    assert found.cell_spread < 0.02


def test_exact_chips_leave_nothing_but_rounding():
    matrix, rows = case()
    found = measure(Cells(), matrix, rows)
    assert found.cell_spread < 1e-6
    assert found.product_error < 1e-6


def test_cells_of_macros():
    # One cell read at a time, without converters, tells its own current.
    rng = np.random.default_rng(0)
    matrix = rng.choice([-16.0, -8.0, 4.0, 2.0, 1.0], (6, 30))
    matrix[0, 0] = 31.0
    rows = (rng.random((60, 30)) < 0.4).astype(float)
    bare = Imperfections(noise=False, converter="none", nonlinearity=False)
    design = OnMacro(imperfections=bare, trim=False, significance="digital", rows_on=None).design(matrix, rows, 1)
    seeds = np.random.SeedSequence(5).spawn(20)
    weights = np.array([design.chip(seed).multiply(np.eye(30), np.random.default_rng(1)).T for seed in seeds])
    currents = (weights / matrix)[:, matrix < 31.0]
    found = measure(OnMacro(significance="digital", rows_on=None), matrix, rows, chips=20, reads=2)
    assert found.mapping == WeightMapping("differential", 6)
    assert found.trimmed
    assert found.cell_spread == pytest.approx(currents.std(), rel=0.15)
    assert 0.0 < found.product_error < 0.1


def test_weights_are_off_as_their_bits_are():
    # Of 6 bits, 31 is 011111, -1 is 111111 and 4 is 000100.
    weights = torch.tensor([[31.0, -1.0, 4.0, 0.0]]).expand(20000, 4) / 31
    perturbed = MacroPerturbation(0.1, 0.0).weight(weights, torch.Generator().manual_seed(3))
    spread = (perturbed - weights).std(dim=0) * 31
    wanted = 0.1 * np.sqrt([341.0, 1365.0, 16.0, 0.0])  # 1 + 4 + 16 + 64 + 256, and 1024 more for the sign
    assert spread.numpy() == pytest.approx(wanted, rel=0.03, abs=1e-6)
    assert float((perturbed - weights).mean()) == pytest.approx(0.0, abs=0.002)


def test_products_get_noise_of_their_size():
    products = torch.full((50, 400), 3.0)
    noisy = MacroPerturbation(0.0, 0.2).product(products, torch.Generator().manual_seed(1))
    assert float((noisy - products).std()) == pytest.approx(0.6, rel=0.03)


def test_perturbed_in_training_only():
    matrix, rows = case()
    network = Network((40,), (Dense("fc1", matrix), Neuron("neuron1"), Dense("fc", matrix[:3, :20])), 3)
    module = build(network, perturbations={"fc1": MacroPerturbation(0.2, 0.1)})
    x = torch.from_numpy(rows.astype(np.float32))
    one, two = module(x), module(x)
    assert not torch.equal(one, two)
    module.generator.manual_seed(0)
    assert torch.equal(module(x), one)
    module.eval()
    torch.testing.assert_close(module(x), build(network)(x))
    one.sum().backward()
    assert torch.isfinite(module.parameter_of("fc1", "weight").grad).all()


def test_inputs_of_layers():
    rng = np.random.default_rng(2)
    weight = rng.normal(size=(4, 2, 3, 2, 2))
    network = Network(
        (2, 6, 4, 4),
        (Convolution("conv1", weight, stride=(2, 1, 1), padding=(1, 0, 1)), Neuron("neuron1", 0.7),
         Flatten("flatten"), Dense("fc", rng.normal(size=(3, 180)))),
        5,
    )  # fmt: skip
    x = rng.normal(size=(3, 2, 6, 4, 4)).astype(np.float32)
    inputs = layer_inputs(network, "conv1", x)
    products = (inputs @ network["conv1"].matrix.T).reshape(3, 3, 3, 5, 4).transpose(0, 4, 1, 2, 3)
    wanted = build(network).signals(torch.from_numpy(x))["conv1"].detach().numpy()
    np.testing.assert_allclose(products, wanted, rtol=1e-4, atol=1e-5)
    spikes = layer_inputs(network, "fc", x)
    assert spikes.shape == (15, 180)
    assert set(np.unique(spikes)) == {0.0, 1.0}
    found = perturbations(network, {"fc": Cells(spread=0.1)}, x, chips=300, reads=2)
    assert found["fc"].cell_spread == pytest.approx(0.1, rel=0.1)
    with pytest.raises(InputError, match="layer neuron1 has no weights; allowed: conv1, fc"):
        perturbations(network, {"neuron1": Cells()}, x)
