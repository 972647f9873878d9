"""The dialects of the Spectre family, where devices are Verilog-A: Spectre and VACASK."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from PySpice.Spice.Netlist import Circuit, DeviceModel, Element, SubCircuit

from circuitsnn.errors import InputError
from circuitsnn.resources import resource_folder
from circuitsnn.spice.analyses import Analysis, DCSweep, Measure, OperatingPoint, Transient
from circuitsnn.spice.deck import Deck
from circuitsnn.spice.dialects.expressions import Probe
from circuitsnn.spice.dialects.spice import NgspiceWriter
from circuitsnn.spice.dialects.writer import Random, Writer
from circuitsnn.spice.numbers import SPECTRE_PREFIXES
from circuitsnn.spice.parts import Part

_CURRENT = re.compile(r"i\((\w+)\)", re.I | re.A)
_IDENTIFIER = re.compile(r"[a-z_]\w*", re.I | re.A)
_WAVEFORMS = {
    "PULSE": ("pulse", ("val0", "val1", "delay", "rise", "fall", "width", "period")),
    "SIN": ("sine", ("sinedc", "ampl", "freq", "delay", "damp")),
    "EXP": ("exp", ("val0", "val1", "td1", "tau1", "td2", "tau2")),
}


class SpectreWriter(Writer):
    """Spectre."""

    name = "spectre"
    how_to_run = "spectre DECK"
    suffix = ".scs"
    prefixes = SPECTRE_PREFIXES
    comment_sign = "//"
    gains: ClassVar[Mapping[str, str]] = {"E": "gain", "G": "gm", "F": "gain", "H": "rm"}
    control: ClassVar[str] = "probe={}"
    text: ClassVar[str] = "{}"
    separator: ClassVar[str] = " "

    def opening(self, deck: Deck) -> Iterator[str]:
        yield "simulator lang=spectre"
        yield "global 0"

    def closing(self, deck: Deck) -> Iterator[str]:
        if deck.options:
            yield "simulatorOptions options " + " ".join(
                f"{name}={value}" for name, value in self.checked_options(deck).items()
            )
        if deck.save:
            yield "save " + " ".join(self.saved(deck, "{}:p"))
        yield from self.analysis(deck.analysis)
        if deck.measures:
            yield "simulator lang=spice"
            yield from map(self.measure, deck.measures)
            yield "simulator lang=spectre"

    def parameters(self, circuit: Circuit) -> Iterator[str]:
        varied = []
        for name, value in circuit._parameters.items():
            random = Random.read(value)
            if random is not None:
                varied.append(self.varied(name, random))
                value = random.mean
            yield f"parameters {self.checked_name(name)}={self.value(value)}"
        if varied:
            yield from ("statistics {", "  process {", *(f"    {line}" for line in varied), "  }", "}")

    def varied(self, name: str, random: Random) -> str:
        """Line of a random parameter."""
        return f"vary {name} " + (f"dist=gauss std={random.width}" if random.normal else f"dist=unif N={random.width}")

    def library(self, file: str, section: str | None) -> str:
        return f'include "{file}"' + ("" if section is None else f" section={section}")

    def part(self, part: Part) -> Iterator[str]:
        module = part.verilog_a
        if module.file not in self._companions:
            self._companions[module.file] = (resource_folder("devices") / module.file).read_text(encoding="utf-8")
            yield self.included(module.file)
        forms = (part, part.without_switch)
        self._parameters[part.name] = {name for form in forms for name in form.parameters}
        words = [f"model {part.name} {module.module}"]
        yield " ".join(words + [f"{name}={self.value(value)}" for name, value in module.parameters.items()])

    def included(self, file: str) -> str:
        """Line that brings in a file of Verilog-A."""
        return f'ahdl_include "{file}"'

    def subcircuit(self, subcircuit: SubCircuit) -> Iterator[str]:
        ports = map(self.checked_name, map(str, subcircuit.external_nodes))
        yield f"subckt {self.checked_name(subcircuit.name)} ({' '.join(ports)})"
        for name, value in subcircuit.parameters.items():
            yield f"parameters {self.checked_name(name)}={self.value(value)}"
        yield from self.body(subcircuit)
        yield f"ends {subcircuit.name}"

    def model(self, model: DeviceModel) -> str:
        raise InputError(
            f"model {model._name} of type {model._model_type} cannot be written for {self.name}; name the "
            "foundry's own model in a deck of yours, or give the device as Verilog-A"
        )

    def element_writers(self) -> Mapping[str, Callable[[Element], str]]:
        return {
            "R": lambda element: self.passive(element, "resistor", "r", element.resistance),
            "C": lambda element: self.passive(element, "capacitor", "c", element.capacitance),
            "L": lambda element: self.passive(element, "inductor", "l", element.inductance),
            "V": lambda element: self.independent(element, "vsource"),
            "I": lambda element: self.independent(element, "isource"),
            "E": lambda element: self.controlled(element, "vcvs", element.voltage_gain),
            "G": lambda element: self.controlled(element, "vccs", element.transconductance),
            "F": lambda element: self.controlled(element, "cccs", element.current_gain),
            "H": lambda element: self.controlled(element, "ccvs", element.transresistance),
            "X": self.instance,
            **self.behavioural_writers(),
        }

    def behavioural_writers(self) -> Mapping[str, Callable[[Element], str]]:
        """How to write sources that follow an expression."""
        return {"B": self.behavioural}

    def line(self, element: Element, master: str, words: list[str]) -> str:
        """Write an instance."""
        return " ".join([element.name, f"({' '.join(element.node_names)})", master, *words])

    def passive(self, element: Element, master: str, name: str, value: object) -> str:
        """Write a resistor, capacitor or inductor."""
        if len(list(element.parameter_iterator())) > 1:
            raise InputError(f"it has more than its value; allowed is {master} with {name} alone")
        return self.line(element, master, [f"{name}={self.value(value)}"])

    def independent(self, element: Element, master: str) -> str:
        """Write a voltage or current source."""
        source = self.source(element)
        words = [] if source.dc is None else [f"dc={self.value(source.dc)}"]
        values = list(map(self.value, source.arguments))
        if source.function == "PWL":
            words += [f"type={self.text.format('pwl')}", f"wave=[{self.separator.join(values)}]"]
        elif source.function:
            kind, names = _WAVEFORMS[source.function]
            words.append(f"type={self.text.format(kind)}")
            words += [f"{name}={value}" for name, value in zip(names, values, strict=False)]
        return self.line(element, master, words)

    def controlled(self, element: Element, master: str, gain: object) -> str:
        """Write a linear controlled source."""
        words = [f"{self.gains[element.PREFIX]}={self.value(gain)}"]
        if element.PREFIX in "FH":
            words.insert(0, self.control.format(self.checked_name(element.source)))
        return self.line(element, master, words)

    def behavioural(self, element: Element) -> str:
        """Write a source that follows an expression."""
        quantity, expression = self.of_expression(element)
        return self.line(element, "bsource", [f"{quantity.lower()}={self.translated(expression)}"])

    def instance(self, element: Element) -> str:
        """Write an instance of a subcircuit or module."""
        written = self.module_parameter if element.subcircuit_name in self._parameters else self.checked_name
        words = [f"{written(name)}={self.value(value)}" for name, value in self.own_parameters(element).items()]
        return self.line(element, self.checked_name(element.subcircuit_name), words)

    def module_parameter(self, name: str) -> str:
        """Write the name of a parameter of a Verilog-A module; those of devices/ have theirs in lower case."""
        return self.checked_name(name).lower()

    def expression(self, text: str) -> str:
        translated = self.translated(text)
        return translated if _IDENTIFIER.fullmatch(translated) else f"({translated})"

    def probe(self, probe: Probe) -> str:
        if probe.quantity == "i":
            raise InputError(f"its expression reads the current of {probe.names[0]}; allowed are voltages")
        return f"v({','.join(map(self.checked_name, probe.names))})"

    def saved(self, deck: Deck, current: str) -> list[str]:
        """Vectors to keep."""
        matches = [(name, _CURRENT.fullmatch(name)) for name in deck.save]
        return [current.format(match[1]) if match else self.checked_name(name) for name, match in matches]

    def analysis(self, analysis: Analysis) -> Iterator[str]:
        match analysis:
            case Transient():
                yield f"tran1 tran stop={self.number(analysis.stop)} maxstep={self.number(analysis.max_step)}"
            case OperatingPoint():
                yield "op1 dc"
            case DCSweep():
                ends = f"start={self.number(analysis.start)} stop={self.number(analysis.stop)}"
                source = self.checked_name(analysis.source)
                yield f"dc1 dc dev={source} param=dc {ends} step={self.number(analysis.step)}"

    def measure(self, measure: Measure) -> str:
        return NgspiceWriter().measure(measure)


class VacaskWriter(SpectreWriter):
    """VACASK."""

    name = "vacask"
    how_to_run = "vacask DECK"
    suffix = ".sim"
    gains: ClassVar[Mapping[str, str]] = {"E": "gain", "G": "gain", "F": "gain", "H": "gain"}
    control = 'ctlinst="{}"'
    text = '"{}"'
    separator = ", "

    def opening(self, deck: Deck) -> Iterator[str]:
        yield "ground 0"
        for kind in ("resistor", "capacitor", "inductor"):
            yield f'load "spice/{kind}.osdi"'
            yield f"model {kind} sp_{kind}"
        yield 'include "builtins.inc"'

    def varied(self, name: str, random: Random) -> str:
        raise InputError(
            f"parameter {name} is random, and {self.name} has no random functions; write a deck in which each device "
            "has a drawn value of its own"
        )

    def included(self, file: str) -> str:
        return f'load "{file}"'

    def behavioural_writers(self) -> Mapping[str, Callable[[Element], str]]:
        return {}

    def closing(self, deck: Deck) -> Iterator[str]:
        yield "control"
        yield "  abort always"
        words = {"rawfile": "binary", "strictsave": 1, **self.checked_options(deck)}
        yield "  options " + " ".join(f"{name}={_literal(value)}" for name, value in words.items())
        if deck.save:
            saved = [name if name.startswith("i(") else f"v({name})" for name in self.saved(deck, "i({})")]
            yield "  save " + " ".join(saved)
        yield from (f"  {line}" for line in self.analysis(deck.analysis))
        yield "endc"
        for name, content in self._companions.items():
            yield from ("", f'embed "{name}" <<<END_OF_{name.upper().replace(".", "_")}')
            yield content.rstrip("\n")
            yield f">>>END_OF_{name.upper().replace('.', '_')}"
        self._companions = {}  # they travel in the deck

    def analysis(self, analysis: Analysis) -> Iterator[str]:
        match analysis:
            case Transient():
                step = self.number(analysis.max_step)
                yield f'analysis tran1 tran stop={self.number(analysis.stop)} step={step} maxstep={step} icmode="op"'
            case OperatingPoint():
                yield "analysis op1 op"
            case DCSweep():
                ends = f"from={self.number(analysis.start)} to={self.number(analysis.stop)}"
                yield (
                    f'sweep swept instance="{self.checked_name(analysis.source)}" parameter="dc" {ends} '
                    f"step={self.number(analysis.step)}"
                )
                yield "  analysis dc1 op"


def _literal(value: object) -> str:
    """Write the value of an option."""
    return f'"{value}"' if isinstance(value, str) else str(value)
