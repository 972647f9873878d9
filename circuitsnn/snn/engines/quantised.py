"""Layers with weights, and inputs if wanted, of a few bits; all else exact."""

from dataclasses import dataclass

import numpy as np

from circuitsnn.checks import check_word, whole_number
from circuitsnn.snn.engines.base import MacChip, MacDesign, MacEngine
from circuitsnn.snn.quantisation import Quantisation, QuantisationScheme, quantisation

__all__ = ["Quantised"]


@dataclass(frozen=True)
class Quantised(MacEngine):
    """Exact products of quantised numbers; chips do not differ and there is no noise.

    The bias stays as it is. Inputs keep the range of the calibration; values beyond it are clipped.
    """

    bits: int
    """Bits of a weight."""
    scheme: QuantisationScheme = "affine"
    """"affine" or "scale": see `circuitsnn.snn.quantisation`."""
    input_bits: int | None = None
    """Bits of an input; without it inputs are taken as they are."""

    def __post_init__(self) -> None:
        whole_number("Quantised: bits", self.bits, 2, 24)
        check_word("Quantised: scheme", self.scheme, QuantisationScheme)
        if self.input_bits is not None:
            whole_number("Quantised: input_bits", self.input_bits, 2, 24)

    def design(self, matrix: np.ndarray, rows: np.ndarray, steps: int) -> "_Design":
        """Apply the rule to a layer: see `MacEngine.design`."""
        weights = quantisation(matrix, self.bits, self.scheme)
        inputs = None if self.input_bits is None else quantisation(rows, self.input_bits, self.scheme)
        return _Design(weights.rounded(matrix), inputs)


class _Design(MacDesign):
    def __init__(self, matrix: np.ndarray, inputs: Quantisation | None) -> None:
        self.matrix, self.inputs = matrix, inputs

    def chip(self, seed: np.random.SeedSequence) -> "_Chip":
        return _Chip(self.matrix, self.inputs)


class _Chip(MacChip):
    def __init__(self, matrix: np.ndarray, inputs: Quantisation | None) -> None:
        self.inputs = inputs
        self.matrices = {np.dtype(kind): np.ascontiguousarray(matrix, kind) for kind in (np.float32, np.float64)}

    def multiply(self, rows: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        kind = np.dtype(np.float32 if rows.dtype == np.float32 else np.float64)
        if self.inputs is not None:
            rows = self.inputs.rounded(rows)
        return rows.astype(kind, copy=False) @ self.matrices[kind].T
