"""One product of a 256 x 256 matrix of 6-bit weights with 1024 spike vectors, by us and by others, each in a process.

    python products.py NAME

loads the contestant of that name, says on standard output what it is set to, and does one product for each line on
standard input. bench_macro.py starts it: with the interpreter of our own environment for "numpy" and "circuitsnn",
with the one named by CIRCUITSNN_BENCH_PYTHON for CrossSim and aihwkit, which nothing here needs or installs.

All get the same weights and inputs and run on one thread. Mismatch and noise are the card's for us and those below, in
multiples of one cell's part of the sum, for the others: how large they are does not change the times.
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

INPUTS, OUTPUTS, BATCH, BITS = 256, 256, 1024, 6
ACTIVITY = 0.25
"""Part of the inputs that spike."""
ROWS_ON = 64
"""Rows that one read opens, those whose input does not spike included: 256 inputs are four reads and conversions."""
CONVERTER_BITS = 6
RANGE = 20.0
"""Range of the converter, in cells: of 64 rows 16 spike on average, and half of those cells store a one."""
MISMATCH = 0.05
"""Standard deviation of a cell's part from chip to chip, relative."""
NOISE = 0.25
"""Standard deviation of the noise of a read of a column, in cells."""

Product = Callable[[np.ndarray], np.ndarray]


def workload() -> tuple[np.ndarray, np.ndarray]:
    """Weights, shape (inputs, outputs), from -31 to 31, and spikes, shape (batch, inputs)."""
    rng = np.random.default_rng(2022)
    return rng.integers(-31, 32, (INPUTS, OUTPUTS)), (rng.random((BATCH, INPUTS)) < ACTIVITY).astype(np.int64)


def planes(weights: np.ndarray) -> np.ndarray:
    """Bits of the weights in offset binary, shape (bits, inputs, outputs): weights + 32 = sum of 2^bit * plane."""
    return ((weights + 2 ** (BITS - 1)) >> np.arange(BITS)[:, None, None]) & 1


def from_planes(sums: list[np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """Products from the sums of the planes, shape (batch, outputs)."""
    total = sum(2.0**bit * sums[bit] for bit in range(BITS))
    return total - 2.0 ** (BITS - 1) * inputs.sum(1, keepdims=True)


def numpy_planes() -> tuple[Product, str]:
    """The products alone: nothing is converted, weighed or added."""
    weights, _ = workload()
    matrices = planes(weights).astype(np.float32)
    sums = np.empty((BITS, BATCH, OUTPUTS), np.float32)

    def product(inputs):
        for matrix, sum_ in zip(matrices, sums, strict=True):
            np.matmul(inputs, matrix, out=sum_)
        return sums

    return product, f"{BITS} products of float32 matrices, one for each bit of the weights, and nothing else"


def crosssim(read_noise: bool, sar: bool) -> tuple[Product, str]:
    """CrossSim's AnalogCore with a binary cell for each bit of a weight."""
    from simulator import AnalogCore, CrossSimParameters
    from simulator.parameters.core_parameters import BitSlicedCoreStyle, CoreStyle
    from simulator.parameters.xbar_parameters import ADCRangeLimits

    weights, _ = workload()
    parameters = CrossSimParameters()
    core, device = parameters.core, parameters.xbar.device
    core.style = CoreStyle.BITSLICED
    core.rows_max, core.cols_max = ROWS_ON, OUTPUTS
    core.weight_bits = core.bit_sliced.num_slices = BITS
    core.bit_sliced.style = BitSlicedCoreStyle.OFFSET
    core.mapping.weights.percentile = None
    core.mapping.weights.min, core.mapping.weights.max = -31.0, 31.0
    core.mapping.inputs.mvm.min, core.mapping.inputs.mvm.max = 0.0, 1.0
    device.infinite_on_off_ratio = True
    device.programming_error.enable = True
    device.programming_error.model = "NormalProportionalDevice"
    device.programming_error.magnitude = MISMATCH
    parameters.xbar.dac.mvm.signed = False
    parameters.xbar.adc.mvm.model = "SarADC" if sar else "QuantizerADC"
    converter = parameters.xbar.adc.mvm  # only now: naming a model puts another object in its place
    converter.bits, converter.signed = CONVERTER_BITS, False
    converter.adc_range_option = ADCRangeLimits.CALIBRATED
    converter.calibrated_range = np.array([[0.0, RANGE]] * BITS)
    if sar:
        converter.split_cdac, converter.group_size, converter.sigma_capacitor = False, 1, 0.01
        parameters.simulation.convolution.Nwindows = BATCH  # columns of the batch, for its table of levels
    if read_noise:
        device.read_noise.enable = True
        device.read_noise.model = "NormalProportionalDevice"
        # On average half of the spiking cells store a one; their noises add up to that of the column.
        device.read_noise.magnitude = NOISE / (ROWS_ON * ACTIVITY / 2) ** 0.5
    np.random.seed(2022)  # noqa: NPY002  CrossSim draws from it
    analog = AnalogCore(weights.T.astype(np.float32), parameters)
    built = [one.mvm for row in analog.cores for inner in row for one in inner.adcs]
    if len(built) != BITS * INPUTS // ROWS_ON or any(
        type(one).__name__ != converter.model or one.bits != CONVERTER_BITS or one.max != RANGE for one in built
    ):
        raise RuntimeError("CrossSim's converters are not what they were set to")
    setting = "programming error, " + (
        "6-bit SAR converters with capacitor mismatch" if sar else "ideal 6-bit quantiser"
    )
    if not read_noise:
        return lambda inputs: (analog @ inputs.T).T, setting + ", NO read noise"

    def product(inputs):
        return np.stack([analog @ vector for vector in inputs])  # its fastest: see bench_macro.py

    return product, setting + ", read noise of each cell; vector by vector"


def aihwkit(tiles: int, compiled: bool) -> tuple[Product, str]:
    """aihwkit's inference tiles, one for each bit of the weights or one for all."""
    import torch
    from aihwkit.nn import AnalogLinearMapped
    from aihwkit.simulator.configs import InferenceRPUConfig, TorchInferenceRPUConfig
    from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType

    torch.set_num_threads(1)
    torch.manual_seed(2022)
    rng = np.random.default_rng(2022)
    weights, _ = workload()

    def tile(matrix, bound):
        config = InferenceRPUConfig() if compiled else TorchInferenceRPUConfig()
        forward = config.forward
        forward.inp_bound = forward.inp_res = -1  # spikes need no converters
        forward.out_bound, forward.out_res = bound, 1 / (2**CONVERTER_BITS - 2)
        forward.out_noise = NOISE
        if compiled:  # the tile in torch has no such effect
            forward.out_nonlinearity = 0.1
        forward.ir_drop = 0.0
        forward.noise_management, forward.bound_management = NoiseManagementType.NONE, BoundManagementType.NONE
        config.mapping.max_input_size, config.mapping.max_output_size = ROWS_ON, OUTPUTS
        config.mapping.weight_scaling_omega = 0.0
        layer = AnalogLinearMapped(INPUTS, OUTPUTS, bias=False, rpu_config=config).eval()
        noisy = matrix * (1 + MISMATCH * rng.standard_normal(matrix.shape))
        layer.set_weights(torch.tensor(noisy.T, dtype=torch.float32))
        with torch.no_grad():
            one = next(iter(layer.analog_tiles()))
            levels = one(torch.rand(BATCH, ROWS_ON)).unique().numel()
        if len(list(layer.analog_tiles())) != INPUTS // ROWS_ON or not 2 < levels <= 2**CONVERTER_BITS:
            raise RuntimeError(f"aihwkit's tiles are not what they were set to: {levels} levels")
        return layer

    effects = "spread of the weights, output noise, 6-bit output converters"
    effects += ", output non-linearity" if compiled else ""
    kind = "InferenceRPUConfig (compiled)" if compiled else "TorchInferenceRPUConfig"
    if tiles == 1:
        # The weights fill a tile as numbers, 31 of them a whole cell.
        layer = tile(weights / 31, RANGE / 2)

        def product(inputs):
            with torch.no_grad():
                return 31 * layer(torch.from_numpy(inputs)).numpy()

        return product, f"{kind}, one tile for all bits, as it is meant to be used: {effects}"
    layers = [tile(plane, RANGE) for plane in planes(weights)]

    def product(inputs):
        with torch.no_grad():
            sums = [layer(torch.from_numpy(inputs)).numpy() for layer in layers]
        return from_planes(sums, inputs)

    return product, f"{kind}, a tile for each bit of the weights: {effects}"


def circuitsnn_macro(rows_on: int = ROWS_ON) -> tuple[Product, str]:
    """Our macro, calibrated as it is by itself."""
    from circuitsnn import load_card
    from circuitsnn.sram.macro import Macro

    weights, inputs = workload()
    card = load_card("sram_macro_65nm")
    if (int(card.rows_on), int(card.parts["adc"].bits)) != (ROWS_ON, CONVERTER_BITS):
        raise RuntimeError("the card has other rows on or converter bits than the benchmark")
    card = card.replace(rows_on=rows_on)
    macro = Macro(card, weights.T, fidelity="behavioural", weight_bits=BITS, seed=2022, calibration=inputs[:64])
    if macro.imperfections != type(macro.imperfections)() or macro.step != 1.0:
        raise RuntimeError("the macro is not what it was set to")
    setting = "behavioural: mismatch of each cell, non-linearity, noise, 6-bit SAR converters with mismatch"
    setting += "" if rows_on == ROWS_ON else f"; {rows_on} rows at once"
    return lambda inputs: (macro @ inputs.T).T, setting


CONTESTANTS = {
    "numpy": numpy_planes,
    "circuitsnn": circuitsnn_macro,
    "circuitsnn_all_rows": lambda: circuitsnn_macro(INPUTS),
    "crosssim": lambda: crosssim(read_noise=True, sar=True),
    "crosssim_noiseless": lambda: crosssim(read_noise=False, sar=True),
    "crosssim_least": lambda: crosssim(read_noise=False, sar=False),
    "aihwkit": lambda: aihwkit(tiles=BITS, compiled=True),
    "aihwkit_torch": lambda: aihwkit(tiles=BITS, compiled=False),
    "aihwkit_one_tile": lambda: aihwkit(tiles=1, compiled=True),
    "aihwkit_torch_one_tile": lambda: aihwkit(tiles=1, compiled=False),
}


def versions() -> dict[str, str]:
    """What runs here."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("numpy", "torch", "aihwkit", "CrossSim"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def peak_memory() -> float:
    """Peak resident memory of this process. [MiB]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def say(**what: object) -> None:
    """Answer in one line of JSON."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Do one product for each line read."""
    name = sys.argv[1]
    weights, inputs = workload()
    try:
        product, setting = CONTESTANTS[name]()
    except (ImportError, RuntimeError) as error:
        say(missing=f"{type(error).__name__}: {str(error).splitlines()[0]}")
        return
    before = peak_memory()
    given = inputs if name.startswith("circuitsnn") else inputs.astype(np.float32)
    result = product(given)  # compiles, warms up
    if name == "numpy":
        result = from_planes(list(result), inputs)
    exact = inputs @ weights
    error = float(np.std(result - exact) / np.std(exact))
    some = given[:8] if name == "crosssim" else given  # seconds for a batch; its table of levels fits one batch only
    redrawn = name != "numpy" and not np.array_equal(product(some), product(some))
    say(
        setting=setting,
        versions=versions(),
        relative_error=error,
        noise_redrawn=redrawn,
        memory_before_MiB=before,
    )
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        product(given)
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        say(processor_time_s=processor, wall_time_s=wall, peak_memory_MiB=peak_memory())


if __name__ == "__main__":
    main()
