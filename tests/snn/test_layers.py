"""Layers as data: shapes as their definitions have them, numbers checked when they are made, one clear error each."""

import numpy as np
import pytest
from scipy.signal import lfilter

from circuitsnn.errors import InputError
from circuitsnn.snn.layers import (
    AveragePool,
    BatchNorm,
    Convolution,
    Dense,
    Encoder,
    Filter,
    Flatten,
    Layer,
    MaxPool,
    Neuron,
    Relu,
    Reshape,
    Sum,
)

ONES = np.ones((2, 3))


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Dense("a", ONES), (3,), (2,)),
        (Convolution("a", np.ones((5, 2, 3, 3))), (2, 8, 7), (5, 6, 5)),
        (Convolution("a", np.ones((5, 2, 3, 3)), None, 2, 1), (2, 8, 7), (5, 4, 4)),
        (Convolution("a", np.ones((5, 1, 3, 1, 2)), None, (2, 1, 1), (1, 0, 0)), (1, 10, 4, 4), (5, 5, 4, 3)),
        (AveragePool("a"), (3, 7, 8), (3, 3, 4)),
        (MaxPool("a", (3, 2), (2, 1)), (3, 7, 8), (3, 3, 7)),
        (AveragePool("a", (2, 2, 2)), (3, 4, 4, 5), (3, 2, 2, 2)),
        (Flatten("a"), (3, 4, 5), (60,)),
        (Reshape("a", (6, 2), (1, 0)), (3, 4), (6, 2)),
        (BatchNorm("a", np.ones(3), np.ones(3)), (3, 4, 4), (3, 4, 4)),
        (Neuron("a", np.ones(3), np.ones(3)), (3, 4, 4), (3, 4, 4)),
        (Relu("a", 6), (3,), (3,)),
        (Encoder("a"), (3,), (3,)),
        (Filter("a"), (3,), (3,)),
        (Sum("a", "b"), (3,), (3,)),
    ],
)
def test_shapes(layer, shape, expected):
    assert layer.output_shape(shape) == expected


def test_convolution_covers_its_input_as_counted():
    """Positions counted by placing the kernel, rather than by the formula."""
    rng = np.random.default_rng(4)
    for _ in range(200):
        size, kernel, stride, padding = (
            int(rng.integers(low, high)) for low, high in ((1, 12), (1, 6), (1, 5), (0, 4))
        )
        starts = [at for at in range(-padding, size + padding, stride) if at + kernel <= size + padding]
        layer = Convolution("a", np.ones((1, 1, kernel, 1)), None, (stride, 1), (padding, 0))
        if starts:
            assert layer.output_shape((1, size, 1)) == (1, len(starts), 1)
        else:
            with pytest.raises(InputError, match="larger than its padded input"):
                layer.output_shape((1, size, 1))


def test_matrix_of_a_convolution():
    weight = np.arange(24.0).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(Convolution("a", weight).matrix[1], weight[1].ravel())


def test_arrays_are_copies_that_cannot_be_changed():
    weight = np.asfortranarray(np.ones((2, 3), np.float32))
    layer = Dense("a", weight, [1, 2])
    weight[:] = 7
    assert layer.weight.max() == 1
    assert layer.weight.dtype == np.float32
    assert layer.weight.flags.c_contiguous
    assert layer.bias.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 2


@pytest.mark.parametrize(("tau_m", "tau_s"), [(4.0, 1.0), (20.0, 5.0), (3.0, 2.999)])
def test_dual_exponential_filter_is_the_kernel_of_the_spike_response_model(tau_m, tau_s):
    """Response to one spike against v0 (e^{-t/tau_m} - e^{-t/tau_s}), v0 from the kernel's peak found numerically."""
    made = Filter.dual_exponential("a", tau_m, tau_s)
    t = np.arange(60.0)
    response = lfilter(made.feedforward, np.concatenate([[1.0], -made.feedback]), t == 0)
    fine = np.linspace(0, 40 * tau_m, 2_000_001)
    peak = (np.exp(-fine / tau_m) - np.exp(-fine / tau_s)).max()
    np.testing.assert_allclose(response, (np.exp(-(t + 1) / tau_m) - np.exp(-(t + 1) / tau_s)) / peak, rtol=2e-6)
    # The recursion's own coefficients: poles at e^{-1/tau}.
    np.testing.assert_allclose(
        np.sort(np.roots([1.0, *-made.feedback])), np.sort(np.exp([-1 / tau_m, -1 / tau_s])), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Flatten(""), "layer name ''"),
        (lambda: Flatten("a.b"), r"layer name 'a\.b': allowed is a printable text without dots"),
        (lambda: Flatten("a\nb"), "layer name"),
        (lambda: Flatten("input"), "other than 'input'"),
        (lambda: Flatten(3), "layer name 3"),
        (lambda: Dense("a", "b"), "layer a: weight holds <U1; allowed are numbers"),
        (lambda: Dense("a", None), "layer a: weight holds object; allowed are numbers"),
        (lambda: Dense("a", [[1.0], [1.0, 2.0]]), "layer a: weight is no array; allowed is an array of numbers"),
        (lambda: Dense("a", ONES * np.nan), "layer a: weight holds values that are not finite"),
        (lambda: Dense("a", ONES + 0j), "layer a: weight holds complex128"),
        (lambda: Dense("a", np.ones(3)), "layer a: weight has 1 dimensions; allowed: 2"),
        (lambda: Dense("a", np.ones((0, 3))), r"layer a: weight has shape \(0, 3\); allowed are sizes >= 1"),
        (lambda: Dense("a", ONES, np.ones(3)), "layer a: bias has 3 values; allowed are as many as outputs: 2"),
        (lambda: Dense("a", ONES, np.inf * np.ones(2)), "layer a: bias holds values that are not finite"),
        (lambda: Convolution("a", ONES), "layer a: weight has 2 dimensions; allowed: 4 or 5"),
        (lambda: Convolution("a", np.ones((1, 1, 2, 2)), None, (1, 1, 1)), "stride is .*; allowed is one whole number"),
        (lambda: Convolution("a", np.ones((1, 1, 2, 2)), None, 0), "layer a: stride is 0"),
        (lambda: Convolution("a", np.ones((1, 1, 2, 2)), None, 1, -1), "layer a: padding is -1"),
        (lambda: Convolution("a", np.ones((1, 1, 2, 2)), None, 1, 0.5), "layer a: padding is 0.5"),
        (lambda: AveragePool("a", 2), "layer a: kernel is 2; allowed are two or three whole numbers"),
        (lambda: MaxPool("a", (2, 0)), "layer a: kernel is 0"),
        (lambda: MaxPool("a", (2, 2), (1, 2, 3)), "layer a: stride"),
        (lambda: Reshape("a", 3), "layer a: shape is 3; allowed are whole numbers >= 1"),
        (lambda: Reshape("a", (3, 0)), "layer a: shape is 0"),
        (lambda: Reshape("a", (3,), (-1,)), "layer a: order is -1"),
        (lambda: Reshape("a", (3,), 0), "layer a: order is 0; allowed are"),
        (lambda: BatchNorm("a", np.ones(3), np.ones(2)), r"scale has shape \(3,\), shift \(2,\)"),
        (lambda: BatchNorm("a", 1.0, 1.0), "layer a: scale has 0 dimensions; allowed: 1 or 2"),
        (lambda: Sum("a", ["b"]), r"layer a: source is \['b'\]"),
        (lambda: Filter("a", (), ()), "layer a: feedforward is empty"),
        (lambda: Filter("a", 0.5), "layer a: feedback has 0 dimensions"),
        (lambda: Filter.dual_exponential("a", 1.0, 2.0), "layer a: tau_m is 1.0, tau_s 2.0"),
        (lambda: Neuron("a", 0.0), "layer a: threshold is 0; allowed are thresholds > 0"),
        (lambda: Neuron("a", ONES), "layer a: threshold has 2 dimensions; allowed: 0 or 1"),
        (lambda: Neuron("a", 1.0, [0.5, 1.5]), "layer a: leak reaches from 0.5 to 1.5; allowed is 0 to 1"),
        (lambda: Neuron("a", reset="warm"), "layer a: reset is 'warm'; allowed: soft, hard, none"),
        (lambda: Neuron("a", reset_step="now"), "layer a: reset_step is 'now'; allowed: next, same"),
        (lambda: Neuron("a", at_threshold=1), "layer a: at_threshold is 1"),
        (lambda: Neuron("a", refractory=-1), "layer a: refractory is -1"),
        (lambda: Neuron("a", reset_decay=2.0), "layer a: reset_decay is 2.0; allowed is 0 to 1"),
        (lambda: Neuron("a", reset="hard", reset_decay=0.5), "layer a: reset_decay needs a soft reset"),
        (lambda: Relu("a", 0), "layer a: maximum is 0"),
        (lambda: Relu("a", np.inf), "layer a: maximum is inf"),
        (lambda: Encoder("a", True), "layer a: threshold is True"),
        (lambda: Encoder("a", -1.0), "layer a: threshold is -1.0"),
    ],
)
def test_layers_that_cannot_be(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Dense("a", ONES), (4,), r"layer a: its input has shape \(4,\); allowed is \(3,\)"),
        (Dense("a", ONES), (3, 1), r"allowed is \(3,\)"),
        (Convolution("a", np.ones((1, 2, 2, 2))), (1, 4, 4), r"allowed is \(2, size, size\)"),
        (Convolution("a", np.ones((1, 2, 2, 2, 2))), (2, 4, 4), r"allowed is \(2, size, size, size\)"),
        (AveragePool("a"), (4,), "allowed is channels and 2 sizes"),
        (AveragePool("a"), (1, 1, 4), r"its kernel \(2, 2\) is larger than its padded input, which is \(1, 4\)"),
        (Reshape("a", (5,)), (2, 3), r"allowed is one of 5 values, for \(5,\)"),
        (Reshape("a", (6,), (0, 2)), (2, 3), r"allowed is one with the axes \(0, 2\)"),
        (BatchNorm("a", np.ones(3), np.ones(3)), (2, 4), "allowed is one with 3 channels"),
        (Neuron("a", np.ones(3)), (2,), "allowed is one with 3 channels, as many as threshold has values"),
        (Neuron("a", 1.0, np.ones(3)), (2,), "as many as leak has values"),
    ],
)
def test_inputs_that_do_not_fit(layer, shape, message):
    with pytest.raises(InputError, match=message):
        layer.output_shape(shape)


def test_every_kind_of_layer_has_its_own_name_in_files():
    def below(kind):
        return [each for sub in kind.__subclasses__() for each in (sub, *below(sub))]

    kinds = [kind.kind for kind in below(Layer) if kind.kind]
    assert len(kinds) == len(set(kinds)) == 12
