"""What all converters share: a bank with mismatch of its own in each, input ranges, conversion, figures of merit."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar, get_args

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from circuitsnn.adc import metrics
from circuitsnn.cards import Card
from circuitsnn.checks import check_generator, whole_number
from circuitsnn.core import adc as core
from circuitsnn.errors import InputError

Convention = Literal["mid-rise", "mid-tread"]
Method = Literal["levels", "sweep", "ramp", "sine"]

_OFF_CENTRE = 0.3  # of the sine for a spectrum [LSB]

Self = TypeVar("Self", bound="Converter")


class Tables(NamedTuple):
    """What the kernels need, one row for each converter (or for each column, where each has a range of its own)."""

    levels: np.ndarray
    """Level that each decision compares with, shape (rows, 2^N); column 0 is not used. [LSB]"""
    thresholds: np.ndarray
    """Transition levels without noise, rising, shape (rows, 2^N - 1). [LSB]"""
    sampling: np.ndarray
    """Noise of the sampled input, rms, shape (rows,). [LSB]"""
    decision: np.ndarray
    """Noise of each decision, rms, shape (rows, decisions). [LSB]"""


@dataclass(frozen=True, eq=False)
class Converter(ABC):
    """A bank of converters of one design. Not made itself: see `SarAdc`, `FlashAdc`, `RampAdc`."""

    card: Card
    bits: int | None = None
    seed: int | np.random.SeedSequence = 0
    converters: int = 1
    _: KW_ONLY
    columns_per_converter: int | None = None
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    convention: Convention = "mid-rise"
    ideal: bool = False
    temperature: float = 300.15

    _kind: ClassVar[str]
    _minimum_bits: ClassVar[int] = 1

    def __post_init__(self) -> None:
        name = type(self).__name__
        kind = getattr(self.card, "kind", None)
        if kind != self._kind:
            found = f"card {self.card.name} of kind {kind!r}" if kind else repr(self.card)
            raise InputError(f"{name} needs a card of kind '{self._kind}' (see load_card); found {found}")
        bits = int(self.card.bits) if self.bits is None else self.bits
        object.__setattr__(self, "bits", whole_number("bits", bits, self._minimum_bits, 16))
        object.__setattr__(self, "converters", whole_number("converters", self.converters, 1))
        if self.columns_per_converter is not None:
            whole_number("columns_per_converter", self.columns_per_converter, 1)
        if not isinstance(self.seed, np.random.SeedSequence):
            whole_number("seed", self.seed, 0)
        if self.convention not in get_args(Convention):
            raise InputError(f"convention is {self.convention!r}; allowed: {', '.join(get_args(Convention))}")
        if not isinstance(self.temperature, (int, float)) or not 0.0 < self.temperature < np.inf:
            raise InputError(f"temperature is {self.temperature!r}; allowed is a number > 0 K")
        for end, field in (("low", "V_low"), ("high", "V_high")):
            given = getattr(self.card, field) if getattr(self, end) is None else getattr(self, end)
            object.__setattr__(self, end, _end_of_range(end, given))
        low, high = self.low, self.high
        if low.ndim and high.ndim and low.shape != high.shape:
            raise InputError(f"low has {low.size} columns and high {high.size}; allowed is one number each or the same")
        if not np.all(low < high):
            raise InputError("low must lie below high in every column of the input range")
        low, high = np.broadcast_arrays(low, high)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        if low.ndim:
            self._check_columns(low.size)

    # What each architecture says of itself.

    @abstractmethod
    def _draw(self, rng: np.random.Generator) -> Any:
        """Draw the parts of one converter."""

    @abstractmethod
    def _tables(self, parts: list[Any], lsb: np.ndarray) -> Tables:
        """Make the tables; `parts` and `lsb` [V] have one entry for each row."""

    @abstractmethod
    def _circuit_energy(self) -> tuple[float, str]:
        """Energy of a conversion from the circuit's parts [J], and what it is made of."""

    @property
    @abstractmethod
    def conversion_time(self) -> float:
        """Time of one conversion, from the circuit's own times. [s]."""

    # Input range.

    @property
    def lsb(self) -> np.ndarray:
        """Ideal width of a code, Q = (high - low) / 2^N, shape () or (columns,). [V]."""
        return (self.high - self.low) / (1 << self.bits)

    def voltage(self, codes: ArrayLike) -> np.ndarray:
        """Input voltage in the middle of each code of the ideal converter.

        Parameters
        ----------
        codes : array_like of int, shape (..., columns)
            Codes.

        Returns
        -------
        ndarray
            Voltages, in the shape of `codes`. [V]

        Raises
        ------
        InputError
            If the codes are no numbers, or as many columns as the input range has do not fit.
        """
        try:
            codes = np.asarray(codes)
        except ValueError:
            codes = np.asarray(None)
        if codes.dtype.kind not in "iuf":
            raise InputError("codes must be an array of whole numbers")
        if self.low.ndim and codes.ndim and codes.shape[-1] not in (1, self.low.size):
            raise InputError(f"codes have {codes.shape[-1]} columns; the input range has {self.low.size}")
        middle = 0.5 if self.convention == "mid-rise" else 0.0
        return self.low + (codes + middle) * self.lsb

    def calibrated(self: Self, samples: ArrayLike, coverage: float = 1.0, per_column: bool = False) -> Self:
        """Make the same converters with the input range that data need.

        Parameters
        ----------
        samples : array_like, shape (..., columns)
            Input voltages that are typical of the use. [V]
        coverage : float
            Share of the samples within the range; what is left out is shared by both ends. [1]
        per_column : bool
            Whether each column gets a range of its own, instead of all the same.

        Returns
        -------
        Converter
            Converters with the same mismatch, and with that range.

        Raises
        ------
        InputError
            If the samples are too few or all the same, or the coverage is not possible.
        """
        try:
            samples = np.asarray(samples, dtype=float)
        except (TypeError, ValueError):
            samples = np.empty(0)
        if samples.ndim == 0 or samples.size < 2 or not np.all(np.isfinite(samples)):
            raise InputError("samples to calibrate on must be finite voltages, at least two of them")
        if isinstance(coverage, bool) or not isinstance(coverage, (int, float)) or not 0.0 < coverage <= 1.0:
            raise InputError(f"coverage is {coverage!r}; allowed is a number > 0 and <= 1")
        if per_column and samples.ndim < 2:
            raise InputError("samples must have the shape (samples, columns) for a range of each column")
        data = samples.reshape(-1, samples.shape[-1]) if per_column else samples.ravel()
        low, high = np.quantile(data, [0.5 * (1.0 - coverage), 0.5 * (1.0 + coverage)], axis=0)
        if not np.all(low < high):
            raise InputError("samples to calibrate on are all the same (in a column); they leave no input range")
        return replace(self, low=low, high=high)

    # Mismatch.

    @cached_property
    def parts(self) -> list[Any]:
        """What was drawn for each converter of the bank."""
        # Each converter has a generator of its own, so that more converters do not change the first ones.
        children = _spawn(self.seed)[0].spawn(self.converters)
        return [self._draw(np.random.default_rng(child)) for child in children]

    @property
    def _parts_of_rows(self) -> list[Any]:
        if not self.low.ndim:
            return self.parts
        return [self.parts[k] for k in self.converter_of(self.low.size)]

    def _sharing(self, columns: int) -> int:
        return columns // self.converters

    def _check_columns(self, columns: int) -> None:
        if self.low.ndim and columns != self.low.size:
            raise InputError(
                f"v has {columns} columns on its last axis; the input range has {self.low.size}, one for each column"
            )
        each = self.columns_per_converter
        if each is not None and columns != each * self.converters:
            raise InputError(
                f"{columns} columns do not fit {self.converters} converters with {each} columns each; allowed is "
                f"{each * self.converters}"
            )
        if columns % self.converters:
            raise InputError(f"{columns} columns do not fit {self.converters} converters; allowed is a multiple")

    def converter_of(self, columns: int) -> np.ndarray:
        """Which converter serves which column: neighbouring columns share one.

        Parameters
        ----------
        columns : int
            Number of columns.

        Returns
        -------
        ndarray of int, shape (columns,)
            Number of the converter.

        Raises
        ------
        InputError
            If the columns do not fit the converters.
        """
        columns = whole_number("columns", columns, 1)
        self._check_columns(columns)
        return np.arange(columns) // self._sharing(columns)

    @cached_property
    def _rows(self) -> Tables:
        parts = self._parts_of_rows
        lsb = np.broadcast_to(self.lsb, len(parts))
        if not self.ideal:
            return self._tables(parts, lsb)
        levels = np.arange(1 << self.bits) - self.half_code
        levels = np.tile(levels, (len(parts), 1))
        none = np.zeros(len(parts))
        return Tables(levels, levels[:, 1:], none, np.zeros((len(parts), self.bits)))

    @property
    def half_code(self) -> float:
        """How far T[k] lies below k. [LSB]."""
        return 0.5 if self.convention == "mid-tread" else 0.0

    def _in_volts(self, lsbs: np.ndarray) -> np.ndarray:
        return self.low[..., None] + lsbs * self.lsb[..., None]

    def static_thresholds(self) -> np.ndarray:
        """Transition levels without noise: the code is k or more from level k on.

        They rise, or stay the same where a code is missing.

        Returns
        -------
        ndarray, shape (converters, 2^N - 1)
            Levels T[1] to T[2^N - 1]; one row for each column where each has a range of its own. [V]
        """
        return self._in_volts(self._rows.thresholds)

    def noise(self) -> tuple[np.ndarray, np.ndarray]:
        """Noise of each conversion, brought to the input.

        Returns
        -------
        sampling : ndarray, shape (converters,)
            Standard deviation of the sampled input's noise, one draw for a conversion. [V]
        decision : ndarray, shape (converters, decisions)
            That of each decision of a comparator; one value where all are alike. [V]
        """
        lsb = np.broadcast_to(self.lsb, self._row_count)
        return self._rows.sampling * lsb, self._rows.decision * lsb[:, None]

    # Conversion.

    def convert(self, v: ArrayLike, rng: np.random.Generator | None = None) -> np.ndarray:
        """Convert voltages to codes.

        Mismatch is always the bank's own; noise is drawn anew in each call, and only where a generator is given.

        Parameters
        ----------
        v : array_like, shape (..., columns)
            Input voltages; neighbouring columns share a converter. One converter alone takes any shape. Voltages
            beyond the range (infinite ones too) give the first or the last code. [V]
        rng : numpy.random.Generator, optional
            Source of the noise; without it there is none.

        Returns
        -------
        ndarray of int32
            Codes from 0 to 2^N - 1, in the shape of `v`.

        Raises
        ------
        InputError
            If the columns do not fit the converters, or a voltage is not a number.
        """
        try:
            v = np.asarray(v, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError("v must be an array of voltages in V") from None
        if np.isnan(v).any():
            raise InputError("v holds a value that is not a number; allowed are voltages in V")
        alone = self.converters == 1 and self.columns_per_converter is None and not self.low.ndim
        if v.ndim == 0 and not alone:
            raise InputError("v is a single number; allowed is an array whose last axis are the columns")
        columns = 1 if alone else v.shape[-1]
        of = self.converter_of(columns)
        inputs = np.ascontiguousarray(v).ravel()
        codes = np.empty(inputs.shape, dtype=np.int32)
        low = np.ascontiguousarray(np.broadcast_to(self.low, columns))
        lsb = np.ascontiguousarray(np.broadcast_to(self.lsb, columns))
        rows = np.arange(columns) if self.low.ndim else of
        if rng is not None:
            check_generator(rng)
        if rng is None or self.ideal:
            core.convert(inputs, low, lsb, self._static, rows, codes)
        else:
            self._convert_with_noise(inputs, low, lsb, rows, rng, codes)
        return codes.reshape(v.shape)

    @cached_property
    def _static(self) -> np.ndarray:
        """Transition levels in the kernels' layout. [LSB]."""
        thresholds = self._rows.thresholds
        return np.concatenate([np.full((len(thresholds), 1), -np.inf), thresholds], axis=1)

    def _convert_with_noise(self, v, low, lsb, rows, rng, codes) -> None:
        tables = self._rows
        core.convert_with_noise(v, low, lsb, tables.levels, rows, tables.sampling, tables.decision, rng, codes)

    # Static errors.

    @property
    def _row_count(self) -> int:
        return self.low.size if self.low.ndim else self.converters

    def ideal_thresholds(self) -> np.ndarray:
        """Transition levels of ideal converters, in the shape of `static_thresholds`. [V]."""
        ideal = metrics.ideal_levels(self.bits, self.low, self.high, self.convention)
        return np.broadcast_to(ideal, (self._row_count, ideal.shape[-1]))

    def linearity(
        self,
        fit: metrics.Fit = "end-point",
        method: Method = "levels",
        samples_per_code: int = 64,
        rng: np.random.Generator | None = None,
    ) -> metrics.Linearity:
        """DNL, INL, gain, offset and missing codes of each converter.

        Parameters
        ----------
        fit : {"end-point", "best-fit"}
            How gain and offset are found; see `circuitsnn.adc.metrics.gain_and_offset`.
        method : {"levels", "sweep", "ramp", "sine"}
            How the transition levels are found: read from the model, which is exact and without noise, or measured
            as on a bench, by the code density of a ramp or a sine or by a sweep and its 50 % points.
        samples_per_code : int
            Samples of a measurement for each code.
        rng : numpy.random.Generator, optional
            Noise of the measurement; without it there is none.

        Returns
        -------
        Linearity
            The static errors, one row for each converter (or column, where each has a range of its own).

        Raises
        ------
        InputError
            If there is no such fit or method.
        """
        levels = self.static_thresholds() if method == "levels" else self._measured(method, samples_per_code, rng)
        return metrics.linearity(levels, self.ideal_thresholds(), fit, method)

    def _measured(self, method: str, samples_per_code: int, rng: np.random.Generator | None) -> np.ndarray:
        if method not in get_args(Method):
            raise InputError(f"method is {method!r}; allowed: {', '.join(get_args(Method))}")
        samples = whole_number("samples_per_code", samples_per_code, 2) << self.bits
        static, lsb = self.static_thresholds(), np.broadcast_to(self.lsb, self._row_count)
        # Beyond the last levels by more than the noise.
        low, high = static[:, 0] - 4.0 * lsb, static[:, -1] + 4.0 * lsb
        if method == "sine":
            cycles = metrics.coherent_cycles(samples, 0.01 * samples)
            centre, amplitude = 0.5 * (low + high), 0.5 * (high - low)
            codes = self._of_rows(_sine(samples, cycles, centre, amplitude), rng)
            found = [
                metrics.levels_from_sine(codes[:, k], self.bits, centre[k], amplitude[k])
                for k in range(self._row_count)
            ]
            return np.array(found)
        position = ((np.arange(samples) + 0.5) / samples)[:, None]
        inputs = low + (high - low) * position
        codes = self._of_rows(inputs, rng)
        if method == "ramp":
            found = [metrics.levels_from_ramp(codes[:, k], self.bits, low[k], high[k]) for k in range(self._row_count)]
        else:
            found = [metrics.levels_from_sweep(inputs[:, k], codes[:, k], self.bits) for k in range(self._row_count)]
        return np.array(found)

    def _of_rows(self, v: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """Convert with each row of the tables once: (samples, rows) to codes."""
        single = replace(self, columns_per_converter=None)
        # The same parts; drawing them again would give the same ones.
        single.__dict__.update({name: self.__dict__[name] for name in ("parts", "_rows") if name in self.__dict__})
        return single.convert(v, rng)

    def dnl(self, fit: metrics.Fit = "end-point") -> np.ndarray:
        """Differential non-linearity without noise.

        Parameters
        ----------
        fit : {"end-point", "best-fit"}
            How gain and offset are found.

        Returns
        -------
        ndarray, shape (converters, 2^N - 2)
            DNL of codes 1 to 2^N - 2. [LSB]
        """
        return self.linearity(fit).dnl

    def inl(self, fit: metrics.Fit = "end-point") -> np.ndarray:
        """Integral non-linearity without noise.

        Parameters
        ----------
        fit : {"end-point", "best-fit"}
            How gain and offset are found.

        Returns
        -------
        ndarray, shape (converters, 2^N - 1)
            INL of T[1] to T[2^N - 1], positive where a level lies too high. [LSB]
        """
        return self.linearity(fit).inl

    # Dynamic errors.

    def spectrum(
        self,
        samples: int | None = None,
        cycles: int | None = None,
        amplitude: float = 1.0,
        noise: bool = True,
        rng: np.random.Generator | None = None,
    ) -> metrics.Spectrum:
        """Spectrum of a coherently sampled sine about the middle of the range.

        The sine is centred 0.3 LSB above the middle of the range and its largest amplitude stays half an LSB short
        of full scale. So an ideal converter of 3 bits and more has its own resolution within 0.005 bit as its
        effective one; a sine right to the ends and right in the middle makes that 0.03 bit, because its crests dwell
        at the same place of a code (see docs/theory/converters.md).

        Parameters
        ----------
        samples : int, optional
            Number of samples; unless told 16 for each code, 4096 at least.
        cycles : int, optional
            Whole cycles among them, coprime with their number; unless told near a thirtieth of it.
        amplitude : float
            Amplitude over the largest one, which is half the range less half an LSB. [1]
        noise : bool
            Whether the converters have noise.
        rng : numpy.random.Generator, optional
            Source of the noise; unless told one that goes with the seed, the same in each call.

        Returns
        -------
        Spectrum
            The spectrum with SNDR, SNR, SFDR, THD and ENOB of each converter.

        Raises
        ------
        InputError
            If samples and cycles are not coprime, or the amplitude is not > 0.
        """
        samples = max(4096, 16 << self.bits) if samples is None else whole_number("samples", samples, 8)
        cycles = metrics.coherent_cycles(samples, samples / 30.0) if cycles is None else cycles
        if isinstance(amplitude, bool) or not isinstance(amplitude, (int, float)) or not 0.0 < amplitude < np.inf:
            raise InputError(f"amplitude is {amplitude!r}; allowed is a number > 0, such as 1 for full scale")
        if rng is None:
            rng = np.random.default_rng(_spawn(self.seed)[1])
        centre = np.broadcast_to(
            0.5 * (self.low + self.high) + (_OFF_CENTRE - self.half_code) * self.lsb, self._row_count
        )
        half = np.broadcast_to(0.5 * amplitude * (self.high - self.low - self.lsb), self._row_count)
        codes = self._of_rows(_sine(samples, cycles, centre, half), rng if noise else None)
        return metrics.spectrum(codes, cycles, self.bits)

    def enob(self, noise: bool = True) -> np.ndarray:
        """Effective number of bits for a full-scale sine.

        Parameters
        ----------
        noise : bool
            Whether the converters have noise, which then goes with the seed.

        Returns
        -------
        ndarray, shape (converters,)
            ENOB. [bit]
        """
        return self.spectrum(noise=noise).enob

    # Energy and time.

    @property
    def energy_per_conversion(self) -> float:
        """Energy of one conversion of one converter; `energy_source` says where it comes from. [J]."""
        return float(self._energies()[self._energy_choice][0])

    @property
    def energy_source(self) -> str:
        """Where `energy_per_conversion` comes from."""
        return f"{self._energy_choice}: {self._energies()[self._energy_choice][1]}"

    @property
    def _energy_choice(self) -> str:
        return "circuit"

    def _energies(self) -> dict[str, tuple[float, str]]:
        span = float(np.mean(self.high - self.low))
        law = energy_by_resolution(self.bits, self.card.k_1, self.card.k_2, self.card.V_DD, span)
        source = "k_1 (N + log2(V_DD / V_c)) + k_2 (V_DD / V_c)^2 4^N, V_c the input range; "
        return {
            "formula": (law, source + self.card.parameters["k_1"].source),
            "circuit": self._circuit_energy(),
        }

    def energy_table(self) -> pd.DataFrame:
        """Energy and time of a conversion by each model, side by side.

        Returns
        -------
        pandas.DataFrame
            Energy [J], time [s] and source, one row for each model; NaN where it does not apply.
        """
        rows = [(name, energy, self.conversion_time, source) for name, (energy, source) in self._energies().items()]
        return pd.DataFrame(rows, columns=["model", "energy [J]", "time [s]", "source"]).set_index("model")

    def figure(self, converter: int = 0) -> Figure:
        """Picture of the transfer without noise.

        Parameters
        ----------
        converter : int
            Which converter.

        Returns
        -------
        Figure
            The picture, in the house style.
        """
        from circuitsnn.adc.figure import draw_transfer

        converter = whole_number("converter", converter, 0, self._row_count - 1)
        low, high = (np.broadcast_to(end, self._row_count)[converter] for end in (self.low, self.high))
        title = f"{self.card.name}, {self.bits} bit, converter {converter}"
        return draw_transfer(self.static_thresholds()[converter], self.ideal_thresholds()[converter], low, high, title)


def energy_by_resolution(bits: int, k_1: float, k_2: float, v_dd: float, span: float) -> float:
    """Energy of a conversion by the law of Gonugondla et al.

    Parameters
    ----------
    bits : int
        Resolution N. [bit]
    k_1, k_2 : float
        Constants: of logic, and of noise. [J]
    v_dd : float
        Supply voltage. [V]
    span : float
        Input range V_c. [V]

    Returns
    -------
    float
        k_1 (N + log2(V_DD / V_c)) + k_2 (V_DD / V_c)^2 4^N. [J]

    References
    ----------
    Gonugondla et al. (2020), doi:10.1145/3400302.3416344.
    """
    return k_1 * (bits + np.log2(v_dd / span)) + k_2 * (v_dd / span) ** 2 * 4.0**bits


def _end_of_range(name: str, given: ArrayLike) -> np.ndarray:
    try:
        end = np.array(given, dtype=float)
    except (TypeError, ValueError):
        end = np.array(np.nan)
    if end.ndim > 1 or end.size == 0 or not np.all(np.isfinite(end)):
        raise InputError(f"{name} is {given!r}; allowed is a finite voltage, or one for each column")
    end.flags.writeable = False
    return end


def _spawn(seed: int | np.random.SeedSequence) -> Sequence[np.random.SeedSequence]:
    """Give the roots of mismatch and of noise, the same in each call: a SeedSequence counts what it has spawned."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key).spawn(2)
    return np.random.SeedSequence(seed).spawn(2)


def _sine(samples: int, cycles: int, centre: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """Give coherent samples (samples, rows) of sines [V], none of them right at a crest or at the centre."""
    turns = (np.arange(samples) * cycles % samples + 0.25) / samples
    return centre + amplitude * np.sin(2.0 * np.pi * turns)[:, None]
