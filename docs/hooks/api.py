"""Pages of the programming interface: one for each package, and the names that `circuitsnn` itself offers.

The package is read (by griffe), not imported: nothing is compiled, and what needs PyTorch is documented without it.
"""

from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

# What users meet; the other modules at the top, the kernels (core) and the command line (cli) are not for import.
PACKAGES = (
    "oscillator",
    "transistor",
    "sram",
    "adc",
    "snn",
    "train",
    "data",
    "energy",
    "spice",
    "study",
    "card_kinds",
)
MODULES = ("cards", "variation", "fit", "figures", "status", "errors")


def on_files(site_files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    root = Path(config.config_file_path).parent
    package = griffe.load("circuitsnn", search_paths=[root], docstring_parser="numpy")
    pages = {"index": _names(package), "modules": _page("Modules at the top", [package[name] for name in MODULES])}
    for name in PACKAGES:
        pages[name] = _page(f"circuitsnn.{name}", _modules(package[name]), package[name].docstring.value)
    for name, content in pages.items():
        site_files.append(File.generated(config, f"api/{name}.md", content=content))
    return site_files


def _names(package: griffe.Module) -> str:
    lines = [
        "# Python interface",
        "",
        "What `from circuitsnn import ...` offers. `import circuitsnn` alone loads none of it.",
        "",
        "| name | |",
        "|---|---|",
    ]
    for name in package.exports:
        target = package[str(name)].final_target
        lines.append(f"| [`{name}`][{target.path}] | {_summary(target)} |")
    return "\n".join(lines) + "\n"


def _modules(package: griffe.Module) -> list[griffe.Module]:
    """Give a package's public modules, each followed by its own."""
    found = []
    for name, module in sorted(package.modules.items()):
        if not module.is_alias and not name.startswith("_"):
            found += [module, *_modules(module)]
    return found


def _page(title: str, modules: list[griffe.Module], text: str = "") -> str:
    return "\n\n".join([f"# {title}", text, *(f"::: {module.path}" for module in modules)]) + "\n"


def _summary(item: griffe.Object) -> str:
    return item.docstring.value.partition("\n")[0] if item.docstring else ""
