"""The dialects that descend from SPICE: ngspice, LTspice, Xyce and HSPICE."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from PySpice.Spice.ElementParameter import (
    ElementNamePositionalParameter,
    FlagParameter,
    ModelPositionalParameter,
    PositionalElementParameter,
)
from PySpice.Spice.Netlist import Circuit, DeviceModel, Element, SubCircuit

from circuitsnn.errors import InputError
from circuitsnn.spice.analyses import (
    Analysis,
    DCSweep,
    Edge,
    Interval,
    Maximum,
    Measure,
    OperatingPoint,
    Transient,
    Value,
)
from circuitsnn.spice.deck import Deck
from circuitsnn.spice.dialects.expressions import Probe
from circuitsnn.spice.dialects.writer import Random, Writer
from circuitsnn.spice.parts import Part

_CURRENT = re.compile(r"i\((\w+)\)", re.I | re.A)


class NgspiceWriter(Writer):
    """ngspice; the other dialects of SPICE say what they say otherwise."""

    name = "ngspice"
    how_to_run = "ngspice -b DECK"
    parameters_word: ClassVar[str] = ""
    formula: ClassVar[str] = "='{}'"
    switches: ClassVar[bool] = True
    passed_on: ClassVar[str] = "DJKMQTZ"

    def opening(self, deck: Deck) -> Iterator[str]:
        yield from ()

    def closing(self, deck: Deck) -> Iterator[str]:
        yield from self.options(deck)
        yield from self.save(deck)
        yield from (self.measure(measure) for measure in deck.measures)
        yield from self.analysis(deck.analysis)
        yield ".end"

    def parameters(self, circuit: Circuit) -> Iterator[str]:
        for name, value in circuit._parameters.items():
            yield f".param {self.checked_name(name)}={self.parameter(value)}"

    def parameter(self, value: str) -> str:
        """Write the value of a parameter at the top."""
        random = Random.read(value)
        return self.value(value) if random is None else self.random(random)

    def random(self, random: Random) -> str:
        """Write a random value."""
        name, last = ("agauss", ",1") if random.normal else ("aunif", "")
        return self.expression_text(f"{name}({random.mean},{random.width}{last})")

    def library(self, file: str, section: str | None) -> str:
        return f".include {file}" if section is None else f".lib {file} {section}"

    def part(self, part: Part) -> Iterator[str]:
        form = part if self.switches else part.without_switch
        self._parameters[part.name] = set(form.parameters)
        yield from self.subcircuit(form)

    def subcircuit(self, subcircuit: SubCircuit) -> Iterator[str]:
        ports = map(self.checked_name, map(str, subcircuit.external_nodes))
        yield " ".join([f".subckt {self.checked_name(subcircuit.name)}", *ports, *self.named(subcircuit.parameters)])
        yield from self.body(subcircuit)
        yield f".ends {subcircuit.name}"

    def named(self, parameters: Mapping[str, object]) -> list[str]:
        """Write parameters of a subcircuit or of its instance."""
        words = [f"{self.checked_name(name)}={self.value(value)}" for name, value in parameters.items()]
        return [self.parameters_word, *words] if words and self.parameters_word else words

    def model(self, model: DeviceModel) -> str:
        words = " ".join(f"{name}={self.value(value)}" for name, value in model._parameters.items())
        return f".model {self.checked_name(model._name)} {self.checked_name(model._model_type)}({words})"

    def element_writers(self) -> Mapping[str, Callable[[Element], str]]:
        simple = dict.fromkeys("RCLEGFH" + self.passed_on, self.simple)
        switches = {"S": self.simple, "W": self.simple} if self.switches else {}
        return {**simple, "V": self.independent, "I": self.independent, "B": self.behavioural, "X": self.instance} | (
            switches
        )

    def simple(self, element: Element) -> str:
        """Write an element whose values follow its nodes."""
        words = [element.name, *element.node_names]
        for parameter in element.parameter_iterator():
            value = parameter.__get__(element)
            if isinstance(parameter, (ElementNamePositionalParameter, ModelPositionalParameter)):
                words.append(self.checked_name(str(value)))
            elif isinstance(parameter, FlagParameter) or parameter.__class__.__name__.startswith("InitialState"):
                words.append(parameter.to_str(element))
            elif isinstance(parameter, PositionalElementParameter):
                words.append(self.value(value))
            else:
                words.append(f"{parameter.spice_name}={self.value(value)}")
        return " ".join(words)

    def independent(self, element: Element) -> str:
        """Write a voltage or current source."""
        source = self.source(element)
        words = [element.name, *element.node_names]
        if source.dc is not None:
            words += ["DC" if source.function else "", self.value(source.dc)]
        if source.function:
            words.append(f"{source.function}({' '.join(map(self.value, source.arguments))})")
        return " ".join(filter(None, words))

    def behavioural(self, element: Element) -> str:
        """Write a source that follows an expression."""
        quantity, expression = self.of_expression(element)
        return " ".join([element.name, *element.node_names, f"{quantity}={self.source_expression(expression)}"])

    def source_expression(self, expression: str) -> str:
        """Write the expression of a behavioural source."""
        return self.translated(expression)

    def instance(self, element: Element) -> str:
        """Write an instance of a subcircuit."""
        return " ".join(
            [
                element.name,
                *element.node_names,
                self.checked_name(element.subcircuit_name),
                *self.named(self.own_parameters(element)),
            ]
        )

    def raw_line(self, line: str) -> str:
        return line

    def expression(self, text: str) -> str:
        return self.expression_text(self.translated(text))

    def expression_text(self, text: str) -> str:
        """Mark translated text as an expression."""
        return f"{{{text}}}"

    def probe(self, probe: Probe) -> str:
        return f"{probe.quantity.upper()}({','.join(map(self.checked_name, probe.names))})"

    def options(self, deck: Deck) -> Iterator[str]:
        """Lines of options."""
        if deck.options:
            yield ".options " + " ".join(f"{name}={value}" for name, value in self.checked_options(deck).items())

    def saved(self, deck: Deck) -> list[str]:
        """Vectors to keep."""
        return [name if _CURRENT.fullmatch(name) else f"v({self.checked_name(name)})" for name in deck.save]

    def save(self, deck: Deck) -> Iterator[str]:
        """Lines that say what to keep."""
        vectors = self.saved(deck)
        for k in range(0, len(vectors), 8):
            yield ".save " + " ".join(vectors[k : k + 8])

    def analysis(self, analysis: Analysis) -> Iterator[str]:
        match analysis:
            case Transient():
                step = self.number(analysis.max_step)
                yield f".tran {step} {self.number(analysis.stop)} 0 {step}"
            case OperatingPoint():
                yield ".op"
            case DCSweep():
                values = map(self.number, (analysis.start, analysis.stop, analysis.step))
                yield f".dc {self.checked_name(analysis.source)} {' '.join(values)}"

    def measure(self, measure: Measure) -> str:
        words = f".meas tran {self.checked_name(measure.name)}"
        match measure:
            case Interval():
                return f"{words} TRIG {self.edge(measure.start)} TARG {self.edge(measure.end)}"
            case Maximum():
                return f"{words} MAX v({self.checked_name(measure.node)})"
            case Value():
                return f"{words} FIND v({self.checked_name(measure.node)}) AT={self.number(measure.time)}"
            case _:
                return f"{words} PARAM{self.formula.format(self.translated(measure.expression))}"

    def edge(self, edge: Edge) -> str:
        """Write a passage through a level."""
        way = "RISE" if edge.rising else "FALL"
        return f"v({self.checked_name(edge.node)}) VAL={self.decimal(edge.level)} {way}={edge.number}"


class LtspiceWriter(NgspiceWriter):
    """LTspice."""

    name = "ltspice"
    how_to_run = "LTspice -b DECK"
    parameters_word = "PARAMS:"
    formula = " {}"

    def random(self, random: Random) -> str:
        return self.expression_text(f"{random.mean}+{'gauss' if random.normal else 'flat'}({random.width})")

    def options(self, deck: Deck) -> Iterator[str]:
        # plotwinsize=0 keeps every time point: LTspice thins waveforms out otherwise.
        words = {"plotwinsize": 0, "numdgt": 15, **self.checked_options(deck)}
        yield ".options " + " ".join(f"{name}={value}" for name, value in words.items())


class XyceWriter(NgspiceWriter):
    """Xyce, whose switches have no hysteresis."""

    name = "xyce"
    how_to_run = "Xyce DECK"
    parameters_word = "PARAMS:"
    formula = "={{{}}}"
    switches = False

    def source_expression(self, expression: str) -> str:
        return self.expression_text(self.translated(expression))

    def options(self, deck: Deck) -> Iterator[str]:
        for name, value in self.checked_options(deck).items():
            package, dot, option = name.partition(".")
            if not dot:
                raise InputError(f"option {name!r} names no package of Xyce; allowed are names such as timeint.reltol")
            yield f".options {package} {option}={value}"

    def save(self, deck: Deck) -> Iterator[str]:
        kind = {Transient: "tran", DCSweep: "dc"}.get(type(deck.analysis))
        if kind:
            yield f".print {kind} format=raw {' '.join(self.saved(deck)) or 'v(*) i(*)'}"


class HspiceWriter(NgspiceWriter):
    """HSPICE, whose expressions stand in quotes and whose switches have no hysteresis."""

    name = "hspice"
    how_to_run = "hspice DECK"
    suffix = ".sp"
    functions: ClassVar[Mapping[str, str]] = {"ln": "log", "asinh": "arsinh"}
    switches = False
    passed_on = "DJKMQT"

    def opening(self, deck: Deck) -> Iterator[str]:
        # An instance's own value must win over a parameter of the same name at the top.
        yield ".option parhier=local"
        yield ".param arsinh(x)='sgn(x)*log(abs(x)+sqrt(x*x+1))'"

    def library(self, file: str, section: str | None) -> str:
        return f".include '{file}'" if section is None else f".lib '{file}' {section}"

    def random(self, random: Random) -> str:
        return super().random(random).strip("'")

    def behavioural(self, element: Element) -> str:
        quantity, expression = self.of_expression(element)
        letter, word = ("G", "cur") if quantity == "I" else ("E", "vol")
        value = f"{word}={self.expression_text(self.translated(expression))}"
        return " ".join([f"{letter}_{element.name}", *element.node_names, value])

    def expression_text(self, text: str) -> str:
        return f"'{text}'"

    def options(self, deck: Deck) -> Iterator[str]:
        words = {"post": 1, "probe": 1} if deck.save else {"post": 1}
        if isinstance(deck.analysis, Transient):
            words["delmax"] = self.number(deck.analysis.max_step)
        yield ".option " + " ".join(
            f"{name}={value}" for name, value in {**words, **self.checked_options(deck)}.items()
        )

    def save(self, deck: Deck) -> Iterator[str]:
        vectors = self.saved(deck)
        kind = "dc" if isinstance(deck.analysis, DCSweep) else "tran"
        for k in range(0, len(vectors), 8):
            yield f".probe {kind} " + " ".join(vectors[k : k + 8])

    def analysis(self, analysis: Analysis) -> Iterator[str]:
        if isinstance(analysis, Transient):
            yield f".tran {self.number(analysis.max_step)} {self.number(analysis.stop)}"
        else:
            yield from super().analysis(analysis)
