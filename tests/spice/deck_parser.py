"""A reader of decks that knows nothing of the writers: elements, nodes, numbers; expressions worked out.

It reads the top level of a deck of any dialect, as a simulator would: parameters by name, without regard to case in
the SPICE dialects, numbers with their letters.
"""

import math
import re
from dataclasses import dataclass, field

POWERS = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
CASED = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}


@dataclass
class Line:
    """One element as it stands in a deck."""

    name: str
    nodes: list[str]
    master: str = ""
    values: list[float] = field(default_factory=list)
    named: dict[str, float] = field(default_factory=dict)  # by names in lower case


@dataclass
class Read:
    """What a deck holds at its top level."""

    elements: dict[str, Line]
    parameters: dict[str, float]
    subcircuits: dict[str, list[str]]
    statements: list[str]


def number(text, cased=False):
    match = re.fullmatch(r"([-+]?[\d.]+(?:e[-+]?\d+)?)([a-z]*)", text, re.I)
    if not match:
        return None
    letters = match[2] if cased else match[2].lower()
    if not letters:
        return float(match[1])
    return float(match[1]) * (CASED if cased else POWERS)[letters]


class Values:
    """Works out numbers and expressions of parameters."""

    def __init__(self, cased):
        self.cased = cased
        self.known = {}

    def __call__(self, text):
        text = text.strip("{}'")
        plain = number(text, self.cased)
        if plain is not None:
            return plain
        key = str if self.cased else str.lower
        names = {key(name): value for name, value in self.known.items()}
        replaced = re.sub(
            r"(?<![\w.])(\d[\w.]*(?:e[-+]\d+)?)|([a-z_]\w*)",
            lambda m: (
                repr(number(m[1], self.cased)) if m[1] else repr(names[key(m[2])]) if key(m[2]) in names else m[2]
            ),
            text,
            flags=re.I,
        )
        return eval(replaced, {"__builtins__": {}}, {"exp": math.exp})


def read_deck(text, dialect):
    """Read a deck."""
    return read_spectre(text) if dialect in ("spectre", "vacask") else read_spice(text)


def read_spice(text):
    values, read, inside = Values(cased=False), Read({}, {}, {}, []), None
    for line in text.splitlines()[1:]:
        if not line.strip() or line.startswith("*"):
            continue
        words = line.split()
        head = words[0].lower()
        if head == ".subckt":
            inside = words[1]
            ports = [word for word in words[2:] if "=" not in word and word.upper() != "PARAMS:"]
            read.subcircuits[inside] = ports
        elif head == ".ends":
            inside = None
        elif inside:
            continue
        elif head == ".param":
            name, value = line.split(None, 1)[1].split("=", 1)
            if "(" not in name:  # a function
                values.known[name] = values(value)
        elif head.startswith("."):
            read.statements.append(line)
        else:
            element = spice_element(line, values)
            assert element.name not in read.elements, f"{element.name} twice"
            read.elements[element.name] = element
    read.parameters = values.known
    return read


def spice_element(line, values):
    words = re.findall(r"\w+\([^)]*\)|\w+=(?:\{[^}]*\}|'[^']*'|\S+)|\{[^}]*\}|'[^']*'|\S+", line)
    name, kind = words[0], words[0][0].upper()
    if kind == "X":
        plain = [word for word in words[1:] if "=" not in word and word != "PARAMS:"]
        named = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        return Line(name, plain[:-1], plain[-1], [], {key.lower(): values(value) for key, value in named.items()})
    if kind in "RCL":
        return Line(name, words[1:3], kind, [values(words[3])])
    if kind == "V":
        pulse = re.fullmatch(r"(\w+)\((.*)\)", words[-1])
        if pulse:
            return Line(name, words[1:3], pulse[1].upper(), list(map(values, pulse[2].split())))
        return Line(name, words[1:3], "DC", [values(words[-1])])
    if kind == "E":
        return Line(name, words[1:5], kind, [values(words[5])])
    raise AssertionError(f"not expected at the top level: {line}")


def read_spectre(text):
    values, read, inside = Values(cased=True), Read({}, {}, {}, []), None
    lines = iter(text.splitlines()[1:])
    for raw in lines:
        line = raw.split("//")[0].strip()
        if not line:
            continue
        head = line.split()[0]
        if head == "embed":
            end = line.split("<<<")[1]
            for embedded in lines:
                if embedded.strip() == f">>>{end}":
                    break
        elif head == "control":
            for inner in lines:
                if inner.strip() == "endc":
                    break
                read.statements.append(inner.strip())
        elif head == "subckt":
            inside = line.split()[1]
            read.subcircuits[inside] = re.search(r"\((.*)\)", line)[1].split()
        elif head == "ends":
            inside = None
        elif inside:
            continue
        elif head == "parameters":
            name, value = line.split(None, 1)[1].split("=", 1)
            values.known[name] = values(value)
        elif re.match(r"\w+ \(", line):
            element = spectre_element(line, values)
            assert element.name not in read.elements, f"{element.name} twice"
            read.elements[element.name] = element
        else:
            read.statements.append(line)
    read.parameters = values.known
    return read


def spectre_element(line, values):
    name, nodes, master, rest = re.fullmatch(r"(\w+) \(([^)]*)\) (\w+)\s*(.*)", line).groups()
    named = dict(re.findall(r'(\w+)=(\([^)]*\)|"[^"]*"|\S+)', rest))
    kind = named.pop("type", "").strip('"')
    numbers = {key.lower(): values(value) for key, value in named.items()}
    masters = {"resistor": "R", "capacitor": "C", "vcvs": "E"}
    if master in masters:
        return Line(name, nodes.split(), masters[master], list(numbers.values()))
    if master == "vsource":
        order = ("val0", "val1", "delay", "rise", "fall", "width", "period")
        if kind == "pulse":
            return Line(name, nodes.split(), "PULSE", [numbers[key] for key in order])
        return Line(name, nodes.split(), "DC", [numbers["dc"]])
    return Line(name, nodes.split(), master, [], numbers)
