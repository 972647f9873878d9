"""The page of the benchmarks, from the figures that `make bench` stores in tests/benchmarks/results."""

import json
from pathlib import Path

from markdown_table import table
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

RESULTS = "tests/benchmarks/results"

INTRODUCTION = """\
# Benchmarks

`make bench` measures these on your machine. What to read are the ratios, each between times taken side by side in
one run; times by themselves are those of one machine. What each benchmark does, and where contestants are not alike,
stands at the top of its file in `tests/benchmarks/`."""


def on_files(site_files: Files, config: MkDocsConfig) -> Files:
    """Add the page."""
    folder = Path(config.config_file_path).parent / RESULTS
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    sections = [
        INTRODUCTION,
        *_oscillators(results["oscillators"]),
        *_arrays(results["macro"]),
        *_inference(results["inference"]),
        *_machines(results),
    ]
    site_files.append(File.generated(config, "benchmarks.md", content="\n\n".join(sections) + "\n"))
    return site_files


def _oscillators(result: dict) -> list[str]:
    spice, campaign = result["ngspice"]["ngspice"], result["campaign"]
    ours = [
        [f"circuitsnn, tolerance {_volts(row['tolerance_V'])}", _time(row["processor_time_s"]),
         f"{row['largest_error_periods']:.1e}", _ratio(row["ratio"])]
        for row in result["ngspice"]["ours"]
    ]  # fmt: skip
    sizes = [
        [f"{row['oscillators']:,}", coupled, _time(row["processor_time_per_period_s"]), f"{row['peak_memory_MiB']:.0f}"]
        for key, coupled in (("dense", "all to all"), ("sparse", "eight neighbours"))
        for row in result[key]["rows"]
    ]
    return [
        "## Oscillators",
        "### Against ngspice",
        "60 fully coupled oscillators over 20 periods on one thread. Error: of the switching times, against DOP853.",
        table(
            ["", "processor time", "largest error [periods]", "faster by"],
            [
                [f"ngspice, {spice['setting']}", _time(spice["processor_time_s"]),
                 f"{spice['largest_error_periods']:.1e}", ""],
                *ours,
            ],
        ),
        "### Over network sizes",
        "Processor time of one period, and memory of the whole process, of which "
        f"{result['dense']['rows'][0]['memory_before_MiB']:.0f} MiB are there before the network. "
        f"Exponent from 100 oscillators on: {result['dense']['exponent_from_100']:.2f} all to all, "
        f"{result['sparse']['exponent_from_100']:.2f} with eight neighbours.",
        table(["oscillators", "coupled", "time of a period", "peak memory [MiB]"], sizes),
        "### A campaign",
        f"{campaign['recalls']:,} recalls of the memory of 60 oscillators on two processes take "
        f"{campaign['wall_time_s']:.0f} s, {_time(campaign['per_recall_s'])} each.",
    ]  # fmt: skip


def _arrays(result: dict) -> list[str]:
    products = [
        [name, row["setting"], _time(row["fastest_s"]), _ratio(row["times_numpy"]), f"{row['peak_memory_MiB']:.0f}"]
        for name, row in result["product"]["contestants"].items()
        if "fastest_s" in row
    ]
    reads = [
        [name, _time(row["ours_fastest_s"]), _time(row["ngspice_fastest_s"]), _ratio(row["ratio"])]
        for name, row in result["read"]["columns"].items()
    ]
    return [
        "## SRAM arrays",
        "### A product",
        "1,024 spike vectors times 256 x 256 weights of 6 bits, one thread, fastest of interleaved rounds.",
        table(["", "what it computes", "time", "times NumPy", "peak memory [MiB]"], products),
        "### One read of a column",
        "256 cells, 64 word lines on, against ngspice on the exported deck.",
        table(["", "circuitsnn", "ngspice", "faster by"], reads),
    ]


def _inference(result: dict) -> list[str]:
    networks = {"mlp": "784-500-10", "lenet5": "LeNet-5"}
    codings = {"direct": "images as they are", "poisson": "spikes as input"}
    rows, differ = [], 0.0
    for title, measured in result.items():
        if "contestants" not in measured:
            continue
        network, coding = title.split(", ")
        for name, row in measured["contestants"].items():
            if "fastest_s" in row:
                rows.append(
                    [f"{networks[network]}, {codings[coding]}", _setting(name, row), _time(row["fastest_s"]),
                     _ratio(row["times_ours"]), f"{row['peak_memory_MiB'] or 0:.0f}"]
                )  # fmt: skip
                differ = max(differ, row["counts_differ"])
    settings = [
        [name, _time(row["fastest_s"]), _ratio(row["ratio"]), f"{row['conversions'] / 1e6:.1f}"]
        for name, row in result["macros"]["settings"].items()
    ]
    chips = result["chips"]
    return [
        "## Inference",
        "A batch of 256 images, 10 time steps, one thread, fastest of interleaved rounds. "
        f"Spike counts differ by {differ:.0f} at most.",
        table(["network", "", "time", "times ours", "peak memory [MiB]"], rows),
        "With a behavioural macro in both layers of 784-500-10 (`OnMacro()`; merged columns and pulses, which take "
        "the fewest conversions; `linear=True`) the batch takes, beside exact layers:",
        table(["layers", "time", "times exact", "conversions [million]"], settings),
        f"100 chips of 64-100-10 over 1,000 images take two workers {chips['chips_wall_s']:.0f} s, "
        f"after {chips['design_s']:.0f} s for the design.",
    ]


def _machines(results: dict[str, dict]) -> list[str]:
    columns = {}
    for name, result in results.items():
        columns[name] = dict(result["machine"])
        for row in result.get("product", {}).get("contestants", {}).values():
            columns[name] |= row.get("versions", {})
    facts = list(dict.fromkeys(fact for column in columns.values() for fact in column))
    rows = [[fact, *(str(column.get(fact, "")) for column in columns.values())] for fact in facts]
    return ["## Machine and versions", table(["", *columns], rows)]


def _setting(name: str, row: dict) -> str:
    return name if name == "circuitsnn" else row["setting"]


def _time(seconds: float) -> str:
    scale, unit = (1, "s") if seconds >= 1 else (1e3, "ms") if seconds >= 1e-3 else (1e6, "µs")
    return f"{seconds * scale:.3g} {unit}"


def _volts(volts: float) -> str:
    return f"{volts * 1e6:g} µV" if volts >= 1e-6 else f"{volts * 1e9:g} nV"


def _ratio(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2g}"
