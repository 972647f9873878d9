"""What the writers of all dialects share: walking a PySpice circuit, names, values and sources."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, NamedTuple

from PySpice.Spice.Netlist import Circuit, DeviceModel, Element, Netlist, SubCircuit

from circuitsnn.errors import InputError
from circuitsnn.spice.analyses import Analysis, Measure
from circuitsnn.spice.deck import Deck, WrittenDeck
from circuitsnn.spice.dialects.expressions import Probe, translate
from circuitsnn.spice.numbers import SPICE_PREFIXES, read_spice_number, spice_number
from circuitsnn.spice.parts import Part
from circuitsnn.spice.text import one_line

_NAME = re.compile(r"\w+", re.A)
_FILE = re.compile(r"[\w./:+-]*[\w+-]", re.A)  # nothing that ends a word, a quotation or a line
_OPTION = re.compile(r"[\w.+-]+", re.A)
_SOURCE = re.compile(r"(?P<name>[a-z]+)\s*\((?P<arguments>.*)\)|(?P<word>dc|ac)\b|(?P<value>\{[^}]*\}|\S+)", re.I)
_RANDOM = re.compile(
    r"\{?\s*(?P<kind>agauss|aunif)\(\s*(?P<mean>[-+.\w]+)\s*,\s*(?P<width>[-+.\w]+)\s*(,\s*1\s*)?\)\s*\}?", re.I | re.A
)
_ARGUMENT = re.compile(r"\{[^}]*\}|[^\s,]+")


class Source(NamedTuple):
    """What an independent source gives."""

    dc: str | None
    """Value at rest; None where it has only a waveform."""
    function: str | None
    """PULSE, PWL, SIN or EXP; None for a constant."""
    arguments: tuple[str, ...]
    """Arguments of the function."""


class Random(NamedTuple):
    """A random value of a parameter."""

    mean: str
    """Its mean, as text."""
    width: str
    """Standard deviation (normal) or half the range (uniform), as text."""
    normal: bool
    """Whether it is normal, or else uniform."""

    @classmethod
    def read(cls, text: str) -> "Random | None":
        """Read ``{agauss(mean,sigma,1)}`` or ``{aunif(mean,half)}``; None for anything else."""
        match = _RANDOM.fullmatch(text.strip())
        return match and cls(match["mean"], match["width"], match["kind"].lower() == "agauss")


class Writer(ABC):
    """Writes decks in one dialect."""

    name: ClassVar[str]
    """Name of the dialect."""
    how_to_run: ClassVar[str]
    """Command that runs a deck, named DECK."""
    suffix: ClassVar[str] = ".cir"
    """Usual end of a deck's file name."""
    prefixes: ClassVar[Mapping[int, str]] = SPICE_PREFIXES
    """Letters for powers of ten."""
    comment_sign: ClassVar[str] = "*"
    """What begins a line of comment."""
    functions: ClassVar[Mapping[str, str]] = {}
    """Operators and functions that the dialect writes in its own way."""

    def __init__(self) -> None:
        self._companions: dict[str, str] = {}
        self._parameters: dict[str, set[str]] = {}  # that the form of a part has, by the part's name

    def write(self, deck: Deck) -> WrittenDeck:
        """Write a deck.

        Parameters
        ----------
        deck
            The deck.

        Returns
        -------
        WrittenDeck
            Its text, and the files that must lie beside it.
        """
        circuit = deck.circuit
        lines = [f"{self.comment_sign} {one_line(circuit.title)}".rstrip()]
        lines += [f"{self.comment_sign} {one_line(line)}".rstrip() for line in deck.comment.splitlines()]
        lines += ["", *self.opening(deck)]
        lines += [*self.parameters(circuit), *self.libraries(circuit), *self.definitions(circuit)]
        lines += [*self.body(circuit), ""]
        lines += [*self.closing(deck)]
        return WrittenDeck(self.name, "\n".join(lines) + "\n", dict(self._companions))

    # What each dialect says in its own way.

    @abstractmethod
    def opening(self, deck: Deck) -> Iterator[str]:
        """Lines before the circuit."""

    @abstractmethod
    def parameters(self, circuit: Circuit) -> Iterator[str]:
        """Lines of the parameters at the top."""

    @abstractmethod
    def part(self, part: Part) -> Iterator[str]:
        """Lines that define a library part."""

    @abstractmethod
    def subcircuit(self, subcircuit: SubCircuit) -> Iterator[str]:
        """Lines that define a subcircuit."""

    @abstractmethod
    def model(self, model: DeviceModel) -> str:
        """Line of a model."""

    @abstractmethod
    def element_writers(self) -> Mapping[str, Callable[[Element], str]]:
        """How to write each element that the dialect knows, by its letter."""

    @abstractmethod
    def closing(self, deck: Deck) -> Iterator[str]:
        """Lines after the circuit: options, what to keep, measurements, the analysis."""

    @abstractmethod
    def analysis(self, analysis: Analysis) -> Iterator[str]:
        """Lines of an analysis."""

    @abstractmethod
    def measure(self, measure: Measure) -> str:
        """Line of a measurement."""

    @abstractmethod
    def expression(self, text: str) -> str:
        """Write an expression where a value is expected."""

    @abstractmethod
    def probe(self, probe: Probe) -> str:
        """Write a voltage or current inside an expression."""

    @abstractmethod
    def library(self, file: str, section: str | None) -> str:
        """Line that brings in a file of the user's, or one section of it."""

    # What they share.

    def libraries(self, circuit: Circuit) -> Iterator[str]:
        """Lines of the files that a circuit includes."""
        for file, section in [*((file, None) for file in circuit._includes), *circuit._libs]:
            if not _FILE.fullmatch(str(file)):
                raise InputError(
                    f"the circuit includes the file {str(file)!r}; allowed are letters, digits and . _ - + / : in its "
                    "name and path"
                )
            yield self.library(str(file), None if section is None else self.checked_name(section))

    def definitions(self, circuit: Circuit) -> Iterator[str]:
        """Lines of all subcircuits."""
        for subcircuit in circuit.subcircuits:
            yield ""
            if isinstance(subcircuit, Part):
                yield from self.part(subcircuit)
            else:
                yield from self.subcircuit(subcircuit)

    def body(self, netlist: Netlist) -> Iterator[str]:
        """Lines of a netlist's own comments, elements and models."""
        if isinstance(netlist, Circuit):
            yield ""
        yield from self.raw(netlist)
        writers = self.element_writers()
        for element in netlist.elements:
            if not element.enabled:
                continue
            if element.PREFIX not in writers:
                raise InputError(
                    f"element {element.name} cannot be written for {self.name}: it has no element "
                    f"{element.PREFIX!r} here; allowed: {', '.join(writers)}"
                )
            for name in (element.name, *element.node_names):
                self.checked_name(name)
            try:
                yield writers[element.PREFIX](element)
            except InputError as error:
                raise InputError(f"element {element.name} cannot be written for {self.name}: {error}") from None
        for model in netlist.models:
            yield self.model(model)

    def raw(self, netlist: Netlist) -> Iterator[str]:
        """Comments that a netlist carries; its raw lines of SPICE too, where the dialect is one."""
        for line in netlist.raw_spice.splitlines():
            if line.startswith("*"):
                yield f"{self.comment_sign} {one_line(line[1:].strip())}"
            elif line.strip():
                yield self.raw_line(line)

    def raw_line(self, line: str) -> str:
        """Pass on a line that the user wrote himself."""
        raise InputError(f"the circuit holds the raw line {line.strip()!r}, which cannot be written for {self.name}")

    def checked_name(self, name: str) -> str:
        """Pass a name on if it can be one in every dialect."""
        if not _NAME.fullmatch(name):
            raise InputError(f"the circuit holds the name {name!r}; allowed are letters, digits and underscores")
        return name

    def checked_options(self, deck: Deck) -> Mapping[str, object]:
        """Pass a deck's options on if each is one word and one value."""
        for name, value in deck.options.items():
            if not (_OPTION.fullmatch(name) and _OPTION.fullmatch(str(value))):
                raise InputError(f"option {name!r} is {value!r}; allowed are letters, digits and . + - _ in both")
        return deck.options

    def own_parameters(self, element: Element) -> dict[str, object]:
        """Parameters of an instance, without those that its part does not have in this dialect's form."""
        known = self._parameters.get(element.subcircuit_name)
        return {name: value for name, value in element.parameters.items() if known is None or name in known}

    def number(self, value: float) -> str:
        """Write a number."""
        return spice_number(value, self.prefixes)

    def decimal(self, value: float) -> str:
        """Write a number inside an expression, where 0.5 reads better than 500m."""
        return repr(value).removesuffix(".0") if 1e-3 <= abs(value) < 1e4 else self.number(value)

    def translated(self, text: str) -> str:
        """Write the inside of an expression."""
        return translate(text, self.probe, self.decimal, self.functions)

    def value(self, value: object) -> str:
        """Write a value: a number, text such as 20k, the name of a parameter or an expression."""
        if not isinstance(value, str):
            return self.number(float(value))
        number = read_spice_number(value)
        return self.expression(value) if number is None else self.number(number)

    @staticmethod
    def of_expression(element: Element) -> tuple[str, str]:
        """Whether a behavioural source is a current ("I") or a voltage ("V"), and its expression."""
        current = element.current_expression
        return ("V", element.voltage_expression) if current is None else ("I", current)

    def source(self, element: Element) -> Source:
        """Take the value of a voltage or current source apart."""
        dc, function, arguments = None, None, ()
        words = _SOURCE.finditer(element.format_spice_parameters())
        for match in words:
            word = (match["word"] or "").lower()
            if word == "dc":
                dc = next(words)["value"]
            elif word == "ac":
                raise InputError("it has an AC part; transients, operating points and DC sweeps have no use for it")
            elif match["name"]:
                function = match["name"].upper()
                if function not in ("PULSE", "PWL", "SIN", "EXP"):
                    raise InputError(f"it gives {function}; allowed: PULSE, PWL, SIN, EXP")
                arguments = tuple(_ARGUMENT.findall(match["arguments"]))
            else:
                dc = match["value"]
        return Source(dc, function, arguments)
