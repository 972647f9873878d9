"""Converters from their cards: what they deliver as built, and what a conversion costs.

Banks of successive-approximation (binary and split array), flash and single-slope converters, each with mismatch of its
own, are measured by IEEE Std 1241 (doi:10.1109/IEEESTD.2011.5692956): linearity, missing codes, gain, offset, and a
coherent sine for the effective number of bits (ENOB). Then capacitor mismatch, comparator offset and noise, and
settling time are varied one at a time. A good converter has an ENOB of at least N - 0.5. Energy and time of a
conversion come from Table 4 of Datta et al. 2022 ("measured"), from the law by resolution ("formula") and from the
circuit ("circuit" by its closed form, "charges" by conservation of charge through every step of the array), side by
side. Each converter keeps its draws from one value of a parameter to the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from scipy.constants import Boltzmann
from scipy.stats import binomtest, multivariate_normal, norm

from circuitsnn.adc import metrics
from circuitsnn.adc.converter import Converter
from circuitsnn.adc.flash import FlashAdc
from circuitsnn.adc.ramp import RampAdc
from circuitsnn.adc.sar import SarAdc
from circuitsnn.cards import Card
from circuitsnn.errors import InputError
from circuitsnn.figures import PALETTE
from circuitsnn.study import Claim, Outcome, Study, StudyContext, StudyParameter, new_figure
from circuitsnn.study.pictures import YieldPicture

SAR, FLASH, RAMP = "sar_adc_65nm", "flash_adc_65nm", "ramp_adc_65nm"
DESIGNS = {
    "SAR": (SarAdc, SAR, {}),
    "split SAR": (SarAdc, SAR, {"array": "split"}),
    "flash": (FlashAdc, FLASH, {}),
    "ramp": (RampAdc, RAMP, {}),
}
GOOD = 0.5  # how many effective bits below its resolution a good converter may lie [bit]
ERRORS = 4.0  # standard errors that a sample may lie off its theory: by chance once in 16000
BITS = 6  # resolution of Table 4 [bit]
ENERGY, TIME = 0.268e-12, 6e-9  # of one conversion, Table 4 of Datta et al. 2022 [J], [s]
PERFECT = {"A_C": 0.0, "sigma_offset": 0.0, "noise_comparator": 0.0, "R_switch": 0.0, "parasitic": 0.0}


@dataclass(frozen=True, eq=False)
class Bank:
    """Work for a worker: converters of one design to be measured."""

    design: str
    card: Card
    bits: int
    seed: int
    converters: int
    headroom: float
    parameter: str = "as built"
    value: float = np.nan

    def make(self) -> Converter:
        """Draw the converters."""
        kind, _, options = DESIGNS[self.design]
        return kind(self.card, self.bits, self.seed, self.converters, **options)

    @property
    def amplitude(self) -> float:
        """Amplitude of the sine over full scale: whole LSBs less, so that its crests keep their place in a code."""
        count = 1 << self.bits
        return 1.0 - 2.0 * np.ceil(self.headroom * count) / (count - 1.0)


def measure(bank: Bank) -> dict:
    """Measure a bank; one row of a table."""
    converters = bank.make()
    static = converters.linearity()
    dynamic = converters.spectrum(amplitude=float(bank.amplitude))
    found = {
        "enob": dynamic.enob,
        "sndr": dynamic.sndr,
        "sfdr": dynamic.sfdr,
        "largest_dnl": np.abs(static.dnl).max(axis=1),
        "largest_inl": np.abs(static.inl).max(axis=1),
    }
    row = {"parameter": bank.parameter, "value": bank.value, "design": bank.design, "bits": bank.bits}
    row["converters"] = bank.converters
    for name, values in found.items():
        row[name], row[f"{name}_5"], row[f"{name}_95"] = np.quantile(values, [0.5, 0.05, 0.95])
    complete = [len(codes) == 0 for codes in static.missing]
    row |= share("complete", complete) | share("good", dynamic.enob >= bank.bits - GOOD)
    row |= {"offset_mean": static.offset.mean(), "offset_sigma": static.offset.std(ddof=1)}
    row |= {"gain_mean": static.gain.mean(), "gain_sigma": static.gain.std(ddof=1)}
    return row


def share(name: str, good: np.ndarray) -> dict[str, float]:
    """Give the share of what is good, with its 95 % Wilson interval."""
    count, size = int(np.sum(good)), len(good)
    interval = binomtest(count, size).proportion_ci(0.95, method="wilson")
    return {name: count / size, f"{name}_low": interval.low, f"{name}_high": interval.high}


def run(context: StudyContext) -> Outcome:
    """Measure the converters, hold them beside theory, and count what a conversion costs."""
    values = context.parameters
    if BITS not in values["bits"]:
        raise InputError(f"parameter bits is {values['bits']}; allowed are numbers with {BITS}, Table 4's, among them")
    seeds = [int(generator.integers(2**32)) for generator in context.generators(2)]
    rows = pd.DataFrame(context.map(measure, banks(context, seeds[0]), "banks"))
    rows.attrs["units"] = {"enob": "bit", "sndr": "dB", "sfdr": "dB", "offset_mean": "V", "offset_sigma": "V"}
    rows.attrs["units"] |= {"largest_dnl": "LSB", "largest_inl": "LSB"}
    results = rows[rows["parameter"] == "as built"].drop(columns=["parameter", "value"]).reset_index(drop=True)
    sweeps = rows[rows["parameter"] != "as built"].reset_index(drop=True)
    yields = {"complete": "no missing codes", "good": f"ENOB ≥ N - {GOOD:g}"}
    YieldPicture(yields, "value", by=("design", "bits"), panels="parameter", label="Converters").mark(sweeps)
    costs = energies(context, results)
    theory = [
        *ideal_claims(context),
        *noise_claims(context),
        *mismatch_claims(context, seeds[1]),
        independence_claim(context, seeds[1]),
    ]
    return Outcome(
        claims=(*theory, *delivery_claims(results), *cost_claims(context, costs)),
        tables={"results": results, "sweeps": sweeps, "energy": costs},
        figures={
            "converter": draw_converter(context, seeds[0]),
            "mismatch": draw_mismatch(sweeps, context.card(SAR)),
            "limits": draw_limits(sweeps, context),
            "energy": draw_energy(costs),
        },
    )


def banks(context: StudyContext, seed: int) -> Iterator[Bank]:
    """List the work: the converters as built, then each parameter by itself."""
    values = context.parameters
    size, headroom = values["converters"], values["headroom"]
    for design, (_, name, _) in DESIGNS.items():
        for bits in values["bits"]:
            yield Bank(design, context.card(name), bits, seed, size, headroom)
    sar = context.card(SAR)
    for sigma in values["mismatch"]:
        card = sar.replace(A_C=sigma * np.sqrt(sar.C_unit / sar.C_area))
        for design in ("SAR", "split SAR"):
            for bits in values["mismatch_bits"]:
                yield Bank(design, card, bits, seed, size, headroom, "mismatch", sigma)
    for name, field in (("offset", "sigma_offset"), ("noise", "noise_comparator")):
        for volts in values[name]:
            for design, (_, card, _) in DESIGNS.items():
                if design != "split SAR":
                    changed = context.card(card).replace(**{field: volts})
                    yield Bank(design, changed, BITS, seed, size, headroom, name, volts)
    for constants in values["settling"]:
        card = sar.replace(T_settle=constants * sar.R_switch * sar.C_unit)
        for bits in values["mismatch_bits"]:
            yield Bank("SAR", card, bits, seed, size, headroom, "settling", constants)


# Theory: what converters must do, whatever the card.


def ideal_claims(context: StudyContext) -> Iterator[Claim]:
    """Ideal converters: code by code, and their effective number of bits."""
    (generator,) = context.generators(1)
    count = context.parameters["samples"]
    wrong = tested = 0
    for kind, name, options in DESIGNS.values():
        for bits in (2, 3, 4, 6, 8, 10, 12):
            for convention, shift in (("mid-rise", 0.0), ("mid-tread", 0.5)):
                # In a range of 0 to 1 V the levels are exact in binary, and so are their neighbours.
                levels = (np.arange(1, 1 << bits) - shift) / (1 << bits)
                inputs = np.concatenate(
                    [levels, np.nextafter(levels, -1.0), np.nextafter(levels, 2.0), [-5.0, 0.0, 1.0, 7.0]]
                )
                inputs = np.concatenate([inputs, generator.uniform(-0.1, 1.1, count // 50)])
                adc = kind(context.card(name), bits, low=0.0, high=1.0, ideal=True, convention=convention, **options)
                wrong += int(np.sum(adc.convert(inputs) != np.searchsorted(levels, inputs, side="right")))
                tested += len(inputs)
    yield Claim.at_most(
        "Ideal converters: codes that differ from clipped rounding",
        0,
        wrong,
        remark=f"of {tested}, all designs, 2 to 12 bit, both conventions, each level and its two neighbouring numbers; "
        "against a sorted search in levels that are exact in binary",
        from_paper=False,
    )
    resolutions = range(3, 13)
    found = {bits: fitted_enob(SarAdc(context.card(SAR), bits, ideal=True)) for bits in resolutions}
    worst = max(resolutions, key=lambda bits: abs(found[bits][0] - bits))
    yield Claim.at_most(
        "Ideal converters, 3 to 12 bit: ENOB off N, largest",
        0.02,
        abs(found[worst][0] - worst),
        unit="bit",
        remark=f"at {worst} bit; by least-squares fit of a sine with its amplitude 0.5 LSB short and its centre "
        "0.3 LSB up; N is 6.02 N + 1.76 dB",
        from_paper=False,
    )
    split = SarAdc(context.card(SAR), 8, seed=1, converters=4, array="split")
    differences = [abs(fit - spectrum) for fit, spectrum in (*found.values(), *fitted_enobs(split))]
    yield Claim.at_most(
        "ENOB by spectrum and by least-squares fit of the sine, largest difference",
        1e-9,
        max(differences),
        unit="bit",
        remark="ideal converters and four split arrays with mismatch",
        from_paper=False,
    )


def fitted_enob(adc: Converter) -> tuple[float, float]:
    """Give the first converter's effective number of bits by a least-squares fit and by its spectrum."""
    return fitted_enobs(adc)[0]


def fitted_enobs(adc: Converter) -> list[tuple[float, float]]:
    """Give each converter's effective number of bits by a least-squares fit of a sine and by the spectrum."""
    samples, cycles = 16 << max(adc.bits, 8), 401
    phase = 2.0 * np.pi * (np.arange(samples) * cycles / samples + 0.25 / samples)
    low, span = float(adc.low), float(adc.high - adc.low)
    lsb = span / (1 << adc.bits)
    v = low + 0.5 * span + 0.3 * lsb + 0.5 * (span - lsb) * np.sin(phase)
    codes = adc.convert(np.tile(v[:, None], adc.converters))
    basis = np.stack([np.sin(phase), np.cos(phase), np.ones(samples)], axis=1)
    residual = codes - basis @ np.linalg.lstsq(basis, codes.astype(float), rcond=None)[0]
    fitted = adc.bits - np.log2(np.sqrt(12.0 * np.mean(residual**2, axis=0)))
    return list(zip(fitted, metrics.spectrum(codes, cycles, adc.bits).enob, strict=True))


def noise_claims(context: StudyContext) -> Iterator[Claim]:
    """Noise of quantisation, of sampling and of the comparator, against theory."""
    inputs, noise = context.generators(2)
    count = context.parameters["samples"]
    card = context.card(SAR).replace(**PERFECT, V_low=0.0, V_high=1.0)
    error = residual(SarAdc(card, BITS), count, inputs, None)
    yield Claim.within(
        "Quantisation noise of a SAR converter, Q^2/12",
        1.0 / 12.0,
        np.mean(error**2),
        absolute=ERRORS * np.sqrt(1.0 / 180.0 / count),
        remark=f"in LSB^2; tolerance {ERRORS:g} standard errors of {count} random inputs",
        from_paper=False,
    )
    bits, temperature = 10, 300.15
    lsb = 1.0 / (1 << bits)
    capacitance = Boltzmann * temperature / lsb**2  # whose noise is one LSB
    noisy = SarAdc(card.replace(C_unit=capacitance / (1 << bits)), bits, temperature=temperature)
    yield rms_claim(
        "Noise of sampling of a SAR converter, sqrt(k T / C)",
        np.sqrt(Boltzmann * temperature / capacitance),
        residual(noisy, count, inputs, noise) * lsb,
        lsb,
        f"array of {1e15 * capacitance:.2g} fF at {bits} bit",
    )
    ramp = context.card(RAMP).replace(sigma_offset=0.0, sigma_slope=0.0, curvature=0.0, sigma_curvature=0.0)
    ramp = ramp.replace(T_delay=0.0, noise_comparator=lsb, V_low=0.0, V_high=1.0)
    yield rms_claim(
        "Noise of a ramp converter, its comparator's and k T / C",
        np.sqrt(lsb**2 + Boltzmann * temperature / ramp.C_sample),
        residual(RampAdc(ramp, bits, temperature=temperature), count, inputs, noise) * lsb,
        lsb,
        f"comparator noise of one LSB at {bits} bit",
    )


def residual(adc: Converter, count: int, inputs: np.random.Generator, noise: np.random.Generator | None) -> np.ndarray:
    """Give output less input for random inputs, the outer sixteenths of the range left out. [LSB]."""
    v = inputs.uniform(1.0 / 16.0, 15.0 / 16.0, count)
    return (adc.voltage(adc.convert(v, noise)) - v) / float(adc.lsb)


def rms_claim(name: str, theory: float, error: np.ndarray, lsb: float, remark: str) -> Claim:
    """Hold the rms of an error, its quantisation taken out, beside theory. [V]."""
    variance = np.mean(error**2) - lsb**2 / 12.0
    standard_error = np.std(error**2) / np.sqrt(len(error)) / (2.0 * theory)
    remark += f"; Q^2/12 taken out; tolerance {ERRORS:g} standard errors of {len(error)} conversions"
    return Claim.within(
        name, theory, np.sqrt(variance), absolute=ERRORS * standard_error, unit="V", remark=remark, from_paper=False
    )


def mismatch_claims(context: StudyContext, seed: int) -> Iterator[Claim]:
    """Spread of the levels against closed forms, and yield against a multivariate normal distribution."""
    size = context.parameters["drawn"]
    margin = ERRORS / np.sqrt(2.0 * (size - 1))  # of a standard deviation
    sar, flash, ramp = (context.card(name) for name in (SAR, FLASH, RAMP))
    sigma_unit = sar.A_C / np.sqrt(sar.C_unit / sar.C_area)
    text = f"{size} converters; tolerance {ERRORS:g} standard errors"
    for bits in (BITS, 8):
        middle = SarAdc(sar, bits, seed, size).dnl()[:, (1 << (bits - 1)) - 2]
        yield Claim.within(
            f"SAR, {bits} bit: spread of the DNL at mid-scale, sqrt(2^N - 1) sigma_u",
            np.sqrt(2.0**bits - 1.0) * sigma_unit,
            middle.std(ddof=1),
            relative=margin,
            remark=f"in LSB; {text}",
            from_paper=False,
        )
    count = 1 << BITS
    adc = FlashAdc(flash, BITS, seed, size)
    lsb = float(adc.lsb)
    middle = adc.comparator_levels()[:, count // 2 - 1] / lsb
    yield Claim.within(
        f"Flash, {BITS} bit: spread of the middle level, ladder and offset",
        np.hypot(flash.sigma_R * np.sqrt(count / 4.0), flash.sigma_offset / lsb),
        middle.std(ddof=1),
        relative=margin,
        remark=f"in LSB; {text}",
        from_paper=False,
    )
    middle = RampAdc(ramp, BITS, seed, size).inl().max(axis=1)
    yield Claim.within(
        f"Ramp, {BITS} bit: INL at its highest, mean of the bank, c 2^N (1 - 2/2^N)^2",
        ramp.curvature * count * (1.0 - 2.0 / count) ** 2,
        middle.mean(),
        absolute=ERRORS * middle.std(ddof=1) / np.sqrt(size) + 1e-3,
        remark=f"in LSB; {text} and 0.001 LSB, for the levels do not lie right at the top of the bow",
        from_paper=False,
    )
    worst, remarks = 1.0, []
    for bits, sigma in ((8, 0.025), (8, 0.05), (10, sigma_unit), (10, 0.025)):
        card = sar.replace(A_C=sigma * np.sqrt(sar.C_unit / sar.C_area), R_switch=0.0)
        complete = sum(len(codes) == 0 for codes in SarAdc(card, bits, seed, size).linearity().missing)
        expected = complete_share(bits, sigma)
        worst = min(worst, binomtest(complete, size, expected).pvalue)
        remarks.append(f"{bits} bit, {100 * sigma:.2g} %: {100 * complete / size:.1f} %, theory {100 * expected:.1f} %")
    yield Claim.at_least(
        "SAR without missing codes: chance of a yield as far from theory, smallest of four",
        2.0 * norm.sf(ERRORS),
        worst,
        remark="; ".join(remarks) + f"; {size} converters each; theory: all code widths above 0.1 LSB, normal "
        "distribution in as many dimensions as bits",
        from_paper=False,
    )


def complete_share(bits: int, sigma: float) -> float:
    """Share of binary arrays without missing codes, by a multivariate normal distribution.

    The width of a code is C_j less all smaller capacitors of the bits, j the number of zeros at the end of the next
    code; over the mean width (sum of all less C_0) / (2^N - 2) it must exceed 0.1. That is linear in the capacitors.
    """
    nominal = 2.0 ** np.arange(bits)
    widths = np.eye(bits) - np.tri(bits, k=-1)
    mean_width = np.r_[0.0, np.ones(bits - 1)] / (2.0**bits - 2.0)
    margins = widths - (1.0 + metrics.MISSING) * mean_width
    covariance = margins @ np.diag(sigma**2 * nominal) @ margins.T
    distribution = multivariate_normal(mean=-margins @ nominal, cov=covariance, seed=1)
    distribution.abseps = distribution.releps = 1e-5
    return float(distribution.cdf(np.zeros(bits)))


def independence_claim(context: StudyContext, seed: int) -> Claim:
    """No two converters of a bank have anything in common, from bank to bank."""
    count, size = context.parameters["banks"], 6
    seeds = np.random.SeedSequence(seed).generate_state(count)
    sar, flash, ramp = (context.card(name) for name in (SAR, FLASH, RAMP))
    drawn = {name: np.empty((count, size)) for name in ("DNL", "offset", "flash level", "ramp slope")}
    for number, chip in enumerate(seeds):
        static = SarAdc(sar, 4, int(chip), size).linearity()
        drawn["DNL"][number], drawn["offset"][number] = static.dnl[:, 6], static.offset
        drawn["flash level"][number] = FlashAdc(flash, 4, int(chip), size).comparator_levels()[:, 7]
        drawn["ramp slope"][number] = RampAdc(ramp, 4, int(chip), size).linearity().gain
    pairs = list(combinations(range(size), 2))
    largest = max(
        abs(np.corrcoef(values[:, first], values[:, second])[0, 1])
        for values in drawn.values()
        for first, second in pairs
    )
    tests = len(pairs) * len(drawn)
    return Claim.at_most(
        "Correlation of two converters of a bank, largest",
        np.tanh(norm.isf(0.0005 / tests) / np.sqrt(count - 3.0)),
        largest,
        remark=f"{', '.join(drawn)} of {size} converters in {count} banks, {tests} correlations; independent ones stay "
        "below the bound in 99.9 % of all runs (Fisher's transformation)",
        from_paper=False,
    )


# What the cards deliver.


def delivery_claims(results: pd.DataFrame) -> Iterator[Claim]:
    """Judge the 6-bit SAR converter that the paper's macro needs."""
    row = results[(results["design"] == "SAR") & (results["bits"] == BITS)].iloc[0]
    for name, meaning in (("good", f"an ENOB of at least {BITS - GOOD:g} bit"), ("complete", "no missing code")):
        low, high = 100 * row[f"{name}_low"], 100 * row[f"{name}_high"]
        yield Claim.at_least(
            f"SAR as built, {BITS} bit: share of converters with {meaning}, lower end of its interval",
            90.0,
            low,
            unit="%",
            remark=f"{100 * row[name]:.1f} % (95 %: {low:.1f} to {high:.1f} %) of {row['converters']:.0f}; median ENOB "
            f"{row['enob']:.2f} bit",
            from_paper=False,
        )


# What a conversion costs.


def switching_energy(bits: int, lower_bits: int, parasitic: float) -> float:
    """Mean energy of the array over all codes, by charge conservation through every trial [C_u V^2].

    The input lies on all bottom plates first, the top plates at rest; then the plates of the bits decided and of the
    bit on trial are at the reference, all others at 0. What counts is the charge that the reference delivers; that of
    the input's source is not in it.
    """
    behind = 2.0**lower_bits
    bridge = behind * (1.0 + parasitic) / (behind - 1.0) if lower_bits else 0.0
    # Capacitors from the most significant bit on, the dummy last; their top plates' node: 0 the comparator's.
    sizes = np.r_[2.0 ** np.arange(bits - lower_bits)[::-1], 2.0 ** np.arange(lower_bits)[::-1], 1.0]
    node = np.r_[np.zeros(bits - lower_bits, int), np.ones(lower_bits, int), int(lower_bits > 0)]
    on_top = sizes * (node == np.arange(2)[:, None])
    own = on_top.sum(axis=1)
    loads = own + bridge + parasitic * np.array([own[0] + bridge, own[1]])
    nodes = np.array([[loads[0], -bridge], [-bridge, loads[1] if lower_bits else 1.0]])
    codes = np.arange(1 << bits)
    digits = codes[:, None] >> np.arange(bits)[::-1] & 1
    plates = np.tile(((codes + 0.5) / (1 << bits))[:, None], bits + 1)
    energy = np.zeros(len(codes))
    for trial in range(bits):
        after = np.zeros_like(plates)
        after[:, :trial] = digits[:, :trial]
        after[:, trial] = 1.0
        moved = after - plates
        top = np.linalg.solve(nodes, on_top @ moved.T).T
        energy += (sizes * (moved - top[:, node]) * after).sum(axis=1)
        plates = after
    return float(energy.mean())


def energies(context: StudyContext, results: pd.DataFrame) -> pd.DataFrame:
    """Energy and time of a conversion by each model, and Walden's figure of merit."""
    rows = []
    for _, row in results.iterrows():
        kind, name, options = DESIGNS[row["design"]]
        adc = kind(context.card(name), int(row["bits"]), **options)
        costs = adc.energy_table()
        if kind is SarAdc:
            costs.loc["charges"] = (charged(adc), adc.conversion_time, "decisions, and charges of the array's steps")
        for model, (energy, time, source) in costs.dropna(subset="energy [J]").iterrows():
            cost = {"design": row["design"], "bits": row["bits"], "model": model, "energy": energy, "time": time}
            cost |= {"enob": row["enob"], "walden": energy / 2.0 ** row["enob"], "source": source}
            rows.append(cost)
    table = pd.DataFrame(rows)
    table.attrs["units"] = {"energy": "J", "time": "s", "enob": "bit", "walden": "J"}
    return table


def charged(adc: SarAdc) -> float:
    """Energy of a SAR conversion, its array's by charges with parasitics. [J]."""
    lower = adc.bits // 2 if adc.array == "split" else 0
    span = float(np.mean((adc.high - adc.low) ** 2))
    switching = switching_energy(adc.bits, lower, adc.card.parasitic) * adc.card.C_unit * span
    return adc.bits * adc.card.E_comparator + switching


def cost_claims(context: StudyContext, costs: pd.DataFrame) -> Iterator[Claim]:
    """Table 4, and the paper's sentence on 8 and 4 bits."""
    sar = context.card(SAR)
    span = sar.V_high - sar.V_low
    scale = sar.C_unit * span**2
    yield Claim.within(
        "Energy of the array's switching, 8 bit, closed form against charges",
        switching_energy(8, 0, 0.0) * scale,
        SarAdc(sar.replace(E_comparator=0.0), 8).energy_table().loc["circuit", "energy [J]"],
        relative=1e-9,
        unit="J",
        remark=f"without parasitics; with the card's {100 * sar.parasitic:.0f} % it is "
        f"{switching_energy(8, 0, sar.parasitic) / switching_energy(8, 0, 0.0):.3f} times that",
        from_paper=False,
    )
    adc = SarAdc(sar, BITS)
    table = adc.energy_table()
    formula, circuit = (float(table.loc[model, "energy [J]"]) for model in ("formula", "circuit"))
    k_2 = formula - sar.k_1 * (BITS + np.log2(sar.V_DD / span))
    needed = (ENERGY - k_2) / (BITS + np.log2(sar.V_DD / span))
    yield Claim.within(
        f"Table 4: energy of a conversion at {BITS} bit, circuit",
        ENERGY,
        circuit,
        relative=0.2,
        unit="J",
        remark=f"{BITS} decisions of {1e15 * sar.E_comparator:.0f} fJ, a generic value, and "
        f"{1e15 * (circuit - BITS * sar.E_comparator):.0f} fJ of the array; charge by charge with parasitics "
        f"{1e15 * charged(adc):.0f} fJ",
    )
    yield Claim.within(
        f"Table 4: energy of a conversion at {BITS} bit, formula",
        ENERGY,
        formula,
        relative=0.2,
        unit="J",
        remark=f"k_1 and k_2 are orders of magnitude, not checked against their paper; Table 4 takes k_1 = "
        f"{1e15 * needed:.0f} fJ",
    )
    yield Claim.within(
        f"Table 4: time of a conversion at {BITS} bit, circuit",
        TIME,
        adc.conversion_time,
        relative=0.01,
        unit="s",
        remark="no evidence: the card's sampling time was chosen to make it so; the next claim asks if it is enough",
    )
    shortest = shortest_time(sar)
    yield Claim.at_most(
        f"Shortest conversion at {BITS} bit that settling costs at most 0.05 bit of ENOB",
        TIME,
        shortest,
        unit="s",
        remark=f"sampling and decisions as on the card, {1e9 * (sar.T_sample + BITS * sar.T_decision):.1f} ns; time "
        f"constant {1e12 * sar.R_switch * sar.C_unit:.0f} ps, a generic value",
    )
    yield from ratio_claims(context, needed)


def shortest_time(card: Card) -> float:
    """Time of a conversion at which incomplete settling alone costs 0.05 bit, by bisection. [s]."""
    card = card.replace(A_C=0.0, sigma_offset=0.0, noise_comparator=0.0)
    tau = card.R_switch * card.C_unit

    def converter(constants: float) -> SarAdc:
        return SarAdc(card.replace(T_settle=constants * tau), BITS)

    low, high = 1.0, 30.0
    wanted = converter(high).enob(noise=False)[0] - 0.05
    for _ in range(20):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if converter(middle).enob(noise=False)[0] >= wanted else (middle, high)
    return converter(high).conversion_time


def ratio_claims(context: StudyContext, k_1: float) -> Iterator[Claim]:
    """Section 7.3.2: an 8-bit converter takes twice the energy of a 4-bit one."""
    sar = context.card(SAR)

    def ratio(design: str, model: str, card: Card | None = None) -> float:
        kind, name, options = DESIGNS[design]
        card = context.card(name) if card is None else card
        adcs = [kind(card, bits, **options) for bits in (8, 4)]
        if model == "charges":
            return charged(adcs[0]) / charged(adcs[1])
        eight, four = (adc.energy_table().loc[model, "energy [J]"] for adc in adcs)
        return float(eight / four)

    fitted = ratio("SAR", "formula", sar.replace(k_1=k_1))
    array = 1.0 - 8 * sar.E_comparator / SarAdc(sar, 8).energy_table().loc["circuit", "energy [J]"]
    flash, ramp = ratio("flash", "circuit"), ratio("ramp", "circuit")
    name = "Section 7.3.2: energy of an 8-bit conversion over that of a 4-bit one, "
    for label, found, remark in (
        ("formula", ratio("SAR", "formula"), f"{fitted:.2f} with the k_1 that meets Table 4"),
        (
            "SAR circuit, binary array",
            ratio("SAR", "circuit"),
            f"the array's capacitance is 2^N units of the same size and takes {100 * array:.0f} % of the energy at 8 "
            f"bit; logic and decisions alone would make 2; flash {flash:.1f}, ramp {ramp:.1f}",
        ),
        ("SAR circuit, split array", ratio("split SAR", "charges"), "charge by charge; twice 16 units, not 256"),
    ):
        yield Claim.within(name + label, 2.0, found, relative=0.25, remark=f"{remark}; Ali et al. 2021 is its source")


# Pictures.

_COLOURS = dict(zip(DESIGNS, PALETTE, strict=False))
_MARKERS = dict(zip(DESIGNS, "os^D", strict=True))
_BIT_COLOURS = (PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3])


def draw_converter(context: StudyContext, seed: int) -> Figure:
    """Draw the first SAR converter of each array: transfer, DNL, INL, and a spectrum."""
    figure, panels = new_figure(2, 2, width=17.5, height=11.5)
    (transfer, spectrum), (dnl, inl) = panels
    for design in ("SAR", "split SAR"):
        bank = Bank(design, context.card(SAR), BITS, seed, 1, 0.0)
        adc, colour = bank.make(), _COLOURS[design]
        static = adc.linearity()
        codes = np.arange((1 << BITS) - 1)
        dnl.step(codes[1:], static.dnl[0], where="mid", color=colour, label=design)
        inl.plot(codes + 1, static.inl[0], color=colour, marker=_MARKERS[design], markersize=2, label=design)
        if design == "SAR":
            ends = (float(adc.low), float(adc.high))
            for levels, shade, width, label in (
                (adc.ideal_thresholds()[0], PALETTE[1], 0.8, "ideal"),
                (static.levels[0], colour, 1.2, "SAR"),
            ):
                steps = np.r_[ends[0], levels, ends[1]]
                transfer.step(steps, np.r_[0, codes + 1, (1 << BITS) - 1], where="post", color=shade, linewidth=width)
                transfer.plot([], [], color=shade, linewidth=width, label=label)
            found = adc.spectrum()
            floor = -20.0 * np.log10(2.0) * BITS - 55.0
            power = 10.0 * np.log10(np.maximum(found.power[1:, 0], 10.0 ** (0.1 * floor)))
            spectrum.plot(found.frequency[1:], power, color=colour, linewidth=0.4)
            bins = found.harmonic_bins
            spectrum.plot(found.frequency[bins], power[bins - 1], "v", color=PALETTE[2], label="harmonics")
            spectrum.set_title(
                f"SNDR {found.sndr[0]:.1f} dB, SFDR {found.sfdr[0]:.1f} dB, ENOB {found.enob[0]:.2f} bit"
            )
            spectrum.set(xlim=(0.0, 0.5), ylim=(floor, 8.0))
            inset = transfer.inset_axes((0.57, 0.12, 0.41, 0.4))
            for line in transfer.get_lines():
                inset.plot(*line.get_data(), color=line.get_color(), linewidth=1.0, drawstyle=line.get_drawstyle())
            middle, lsb = 0.5 * (ends[0] + ends[1]), float(adc.lsb)
            inset.set(xlim=(middle - 3.5 * lsb, middle + 3.5 * lsb), ylim=((1 << BITS - 1) - 5, (1 << BITS - 1) + 4))
            inset.set_yticks([28, 30, 32, 34])
            inset.tick_params(labelsize=5)
    transfer.set(xlabel="Input voltage [V]", ylabel="Code [LSB]", title=f"SAR converter, {BITS} bit")
    spectrum.set(xlabel="Frequency over sampling rate [1]", ylabel="Power over a full-scale sine [dB]")
    for axes, name in ((dnl, "DNL"), (inl, "INL")):
        axes.axhline(0.0, color="0.5", linewidth=0.6)
        axes.set(xlabel="Code [LSB]", ylabel=f"{name} [LSB]")
    for axes, place in ((transfer, "upper left"), (spectrum, "upper right"), (dnl, "best"), (inl, "best")):
        axes.legend(loc=place)
    return figure


def draw_share(axes: Axes, own: pd.DataFrame, name: str, colour: str, marker: str, linestyle: str, label: str) -> None:
    """Draw a share with its interval."""
    reach = 100 * np.abs(own[[f"{name}_low", f"{name}_high"]].to_numpy().T - own[name].to_numpy())
    axes.errorbar(
        own["value"],
        100 * own[name],
        np.maximum(reach, 0.0),
        color=colour,
        marker=marker,
        linestyle=linestyle,
        elinewidth=0.6,
        label=label,
    )


def draw_mismatch(sweeps: pd.DataFrame, card: Card) -> Figure:
    """Draw ENOB and yields of SAR converters against the mismatch of the unit capacitor."""
    figure, (left, middle, right) = new_figure(3, width=20, height=7)
    own = sweeps[sweeps["parameter"] == "mismatch"]
    resolutions = sorted(own["bits"].unique())
    for bits, colour in zip(resolutions, _BIT_COLOURS * len(resolutions), strict=False):
        for design in ("SAR", "split SAR"):
            rows = own[(own["bits"] == bits) & (own["design"] == design)].sort_values("value")
            rows = rows.assign(value=100 * rows["value"])
            array, marker, line = ("binary", "o", "-") if design == "SAR" else ("split", "s", "--")
            if array == "binary":
                left.fill_between(rows["value"], rows["enob_5"], rows["enob_95"], color=colour, alpha=0.2, linewidth=0)
            left.plot(rows["value"], rows["enob"], color=colour, linestyle=line, marker=marker)
            for axes, name in ((middle, "complete"), (right, "good")):
                draw_share(axes, rows, name, colour, marker, line, f"{bits} bit, {array}")
    unit = 100 * card.A_C / np.sqrt(card.C_unit / card.C_area)
    titles = ("Median; band: 5 to 95 %", "Converters without missing codes", f"Converters with ENOB ≥ N - {GOOD:g}")
    for axes, text, title in zip((left, middle, right), ("ENOB [bit]", "Share [%]", "Share [%]"), titles, strict=True):
        card_line = axes.axvline(unit, color="0.4", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", xlabel="Mismatch of a unit capacitor [%]", ylabel=text, title=title)
        show_plain_numbers(axes.xaxis)
    handles, labels = middle.get_legend_handles_labels()
    figure.legend([*handles, card_line], [*labels, "card"], loc="outside right center")
    return figure


def show_plain_numbers(axis: Axis) -> None:
    """Label a logarithmic axis 1, 2, 5, 10."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def draw_limits(sweeps: pd.DataFrame, context: StudyContext) -> Figure:
    """Draw what offset, noise and settling take."""
    figure, (offset, noise, settling) = new_figure(3, width=20, height=7.5)
    sar = context.card(SAR)
    lsb = 1e3 * (sar.V_high - sar.V_low) / (1 << BITS)
    for design in ("SAR", "flash", "ramp"):
        colour, marker = _COLOURS[design], _MARKERS[design]
        for axes, parameter in ((offset, "offset"), (noise, "noise")):
            own = sweeps[(sweeps["parameter"] == parameter) & (sweeps["design"] == design)].sort_values("value")
            if parameter == "offset":
                own = own.assign(value=1e3 / lsb * own["value"])
                draw_share(axes, own, "good", colour, marker, "-", design)
                if design == "flash":
                    draw_share(axes, own, "complete", colour, "s", "--", f"{design}, all codes")
            else:
                axes.plot(1e3 / lsb * own["value"], own["enob"], color=colour, marker=marker, label=design)
    volts = np.geomspace(*(1e3 / lsb * np.array([min(context.parameters["noise"]), max(context.parameters["noise"])])))
    noise.plot(volts, BITS - 0.5 * np.log2(1.0 + 12.0 * volts**2), "k--", linewidth=0.9, label="theory, one decision")
    own = sweeps[sweeps["parameter"] == "settling"]
    for bits, colour in zip(sorted(own["bits"].unique()), _BIT_COLOURS, strict=False):
        rows = own[own["bits"] == bits].sort_values("value")
        settling.plot(rows["value"], rows["enob"], color=colour, marker="o", label=f"{bits} bit")
        settling.axvline(bits * np.log(2.0), color=colour, linewidth=0.8, linestyle=":")
    card_line = settling.axvline(sar.T_settle / (sar.R_switch * sar.C_unit), color="0.4", linewidth=0.8)
    offset.set(
        xlabel="Offset of a comparator, sigma [LSB]",
        ylabel="Share of converters [%]",
        title=f"Offset, {BITS} bit: ENOB ≥ {BITS - GOOD:g} bit",
    )
    noise.set(xscale="log", xlabel="Noise of a comparator, rms [LSB]", ylabel="ENOB, median [bit]")
    noise.set_title(f"Noise, {BITS} bit")
    settling.set(xlabel="Settling time of a bit [time constants]", ylabel="ENOB, median [bit]")
    settling.set_title("Settling, SAR; dotted: N ln 2")
    show_plain_numbers(noise.xaxis)
    offset.legend(loc="center right", bbox_to_anchor=(1.0, 0.74))
    noise.legend(loc="lower left")
    handles, labels = settling.get_legend_handles_labels()
    settling.legend(
        [*handles, card_line], [*labels, "card"], loc="center", bbox_to_anchor=(0.7, 0.47), frameon=True,
        facecolor="white", edgecolor="none", framealpha=1.0,
    )  # fmt: skip
    return figure


def draw_energy(costs: pd.DataFrame) -> Figure:
    """Draw energy and Walden's figure of merit against the resolution, by each model."""
    figure, (left, right) = new_figure(2, width=19, height=8)
    styles = {"formula": ":", "circuit": "-", "charges": "--"}
    for (design, model), own in costs.groupby(["design", "model"], sort=False):
        # The law by resolution is the same for all designs with the same constants: once is enough.
        if model == "measured" or (model == "formula" and design != "SAR"):
            continue
        if (design, model) == ("SAR", "charges"):
            continue  # within some per cent of the closed form
        colour = PALETTE[6] if model == "formula" else _COLOURS[design]
        label = "formula" if model == "formula" else f"{design}: {model}"
        style = {"color": colour, "linestyle": styles[model], "marker": _MARKERS[design], "label": label}
        left.plot(own["bits"], 1e12 * own["energy"], **style)
        right.plot(own["bits"], 1e15 * own["walden"], **style)
    table_4 = costs[(costs["model"] == "measured") & (costs["design"] == "SAR")]
    for axes, name, factor in ((left, "energy", 1e12), (right, "walden", 1e15)):
        axes.plot(
            table_4["bits"],
            factor * table_4[name],
            "*",
            color=PALETTE[1],
            markersize=10,
            zorder=5,
            label="measured (Table 4)",
        )
        axes.set(yscale="log", xlabel="Resolution [bit]")
        show_plain_numbers(axes.yaxis)
    left.set(ylabel="Energy of a conversion [pJ]")
    right.set(ylabel="Energy over $2^{\\mathrm{ENOB}}$ [fJ]", title="Walden's figure of merit, with the ENOB as built")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


STUDY = Study(
    name="adc_characterisation",
    title="Converters from their cards: linearity, effective bits, yield, and energy by three models",
    source="10.3389/fnins.2022.815258",
    run=run,
    parameters=(
        StudyParameter("converters", 400, "Converters in each bank", quick=60, minimum=10, maximum=10000),
        StudyParameter("bits", (4, 5, 6, 7, 8, 9, 10), "Resolutions as built", "bit", (4, 6, 8), 3, 12),
        StudyParameter(
            "headroom",
            0.025,
            "Share of the range that the sine leaves free at either end, so that an offset does not clip it",
            minimum=0.0,
            maximum=0.2,
        ),
        StudyParameter(
            "mismatch",
            (0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1),
            "Relative standard deviations of the unit capacitor",
            quick=(0.005, 0.02, 0.05, 0.1),
            minimum=1e-5,
            maximum=0.12,
        ),
        StudyParameter("mismatch_bits", (6, 8, 10), "Resolutions for mismatch and settling", "bit", (6, 8), 3, 12),
        StudyParameter(
            "offset",
            (0.0, 1e-3, 2e-3, 3.5e-3, 5e-3, 7e-3, 10e-3, 15e-3),
            "Standard deviations of a comparator's offset",
            "V",
            (0.0, 3e-3, 6e-3, 12e-3),
            0.0,
            0.1,
        ),
        StudyParameter(
            "noise",
            (2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2),
            "Noises of a comparator, rms",
            "V",
            (5e-4, 2e-3, 5e-3, 2e-2),
            1e-6,
            0.1,
        ),
        StudyParameter(
            "settling",
            (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0),
            "Settling times of a bit over the time constant",
            quick=(2.0, 4.0, 6.0, 12.0),
            minimum=0.5,
            maximum=50.0,
        ),
        StudyParameter("samples", 1_000_000, "Conversions for each noise", quick=200_000, minimum=1000),
        StudyParameter("drawn", 4000, "Converters for each closed form", quick=800, minimum=50),
        StudyParameter("banks", 400, "Banks for the correlation", quick=100, minimum=10),
    ),
    cards=(SAR, FLASH, RAMP),
    quick_duration=9.0,
    full_duration=90.0,
)
