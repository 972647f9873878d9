"""Transistors of a netlist: the package's own model as a library part, or a foundry's subcircuit in its place.

The package's transistor is that of `circuitsnn.core.mosfet`. For SPICE it is a subcircuit with one expression source
for each equation, for Spectre and VACASK the Verilog-A module devices/mosfet.va. Each instance has its size and
mismatch; what all transistors of a kind share stands as parameters at the top of the deck, ready to be swept, and holds
at the deck's corner and temperature:

=================  ==========================================================================================
V_T_nmos           threshold voltage, magnitude [V]
n_nmos             slope factor
K_P_nmos           transconductance factor [A/V^2]
theta_nmos         mobility reduction [1/V]
lambda_nmos        channel-length modulation [1/V]
sigma_nmos         fall of the threshold with drain and source voltage
phi_t              k T / q, for both kinds [V]
=================  ==========================================================================================

and the same with _pmos. A simulator's own temperature does not change them: a deck at another temperature or corner is
another deck.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from PySpice.Spice.Netlist import Circuit

from circuitsnn.cards import Card
from circuitsnn.core import mosfet as core
from circuitsnn.errors import InputError
from circuitsnn.spice.numbers import spice_number
from circuitsnn.spice.parts import Part, VerilogAModule
from circuitsnn.transistor.mosfet import Conditions, transistor_rows

KINDS = ("nmos", "pmos")
"""Kinds of transistors, which are the names of their subcircuits too."""

_TYPICAL = Conditions()
_PORTS = ("d", "g", "s", "b")
_DEFAULTS = {"W": 120e-9, "L": 65e-9, "threshold_shift": 0.0, "current_factor_shift": 0.0}
_MODEL = ("V_T", "n", "K_P", "theta", "lambda", "sigma")
_WORD = re.compile(r"[a-z_]\w*", re.I | re.A)


@dataclass(frozen=True)
class FoundryTransistor:
    """A foundry's own subcircuit, to stand where a deck has a transistor; its pins are drain, gate, source, bulk.

    Parameters
    ----------
    subcircuit
        Name of the subcircuit.
    file
        File that defines it, as the simulator is to find it; a whole path if it does not lie beside the deck.
    section
        Section of that file, ``"tt"``; None for a file without sections.
    width, length
        Names of the parameters of the channel's width and length [m].
    parameters
        Further parameters of every instance.

    Raises
    ------
    InputError
        If a name is not one word.
    """

    subcircuit: str
    file: str
    section: str | None = None
    width: str = "w"
    length: str = "l"
    parameters: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        names = {"subcircuit": self.subcircuit, "width": self.width, "length": self.length}
        names |= {"section": self.section} if self.section is not None else {}
        names |= {f"parameter {name!r}": name for name in self.parameters}
        for what, name in names.items():
            if not isinstance(name, str) or not _WORD.fullmatch(name):
                raise InputError(f"{what} is {name!r}; allowed is one word of letters, digits and underscores")


def transistor(kind: str) -> Part:
    """Give the package's transistor between the ports d, g, s and b.

    Parameters
    ----------
    kind
        ``"nmos"`` or ``"pmos"``.

    Returns
    -------
    Part
        Subcircuit of that name with the parameters W and L [m], threshold_shift (added to the threshold's magnitude)
        [V] and current_factor_shift (relative). The other values are parameters of the circuit: see
        `transistor_parameters`.

    Raises
    ------
    InputError
        If there is no such kind.

    References
    ----------
    Enz, Krummenacher and Vittoz (1995), doi:10.1007/BF01239381; docs/theory/transistor.md.
    """
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}; allowed: {', '.join(KINDS)}")
    shared = {("k_p" if name == "K_P" else name.lower()): f"{{{name}_{kind}}}" for name in _MODEL}
    module = {"polarity": 1 if kind == "nmos" else -1, **shared, "phi_t": "{phi_t}"}
    part = Part(kind, _PORTS, _DEFAULTS, VerilogAModule("mosfet.va", "mosfet", MappingProxyType(module)))

    def to_bulk(port: str) -> str:
        return f"V({port},b)" if kind == "nmos" else f"V(b,{port})"

    slope, threshold = f"n_{kind}", f"V_T_{kind}+threshold_shift"
    pinch_off = f"({to_bulk('g')}-({threshold})+sigma_{kind}*({to_bulk('d')}+{to_bulk('s')}))/{slope}"
    # One node for each quantity: a simulator that differentiates a single long expression is five times slower.
    for side, port in (("f", "s"), ("r", "d")):
        part.B(f"u_{side}", f"u_{side}", 0, v=f"({pinch_off}-{to_bulk(port)})/(2*phi_t)")
        u = f"V(u_{side})"
        # ln(1 + exp(u)) in a form that no argument makes overflow
        part.B(f"q_{side}", f"q_{side}", 0, v=f"max({u},0)+ln(1+exp(-abs({u})))")
    i_s = f"2*{slope}*phi_t*phi_t*K_P_{kind}*W/L*(1+current_factor_shift)"
    modulation = f"(1+lambda_{kind}*(sqrt(V(d,s)*V(d,s)+4*phi_t*phi_t)-2*phi_t))"
    reduction = f"(1+theta_{kind}*{slope}*phi_t*(V(q_f)+V(q_r)))"
    ends = ("d", "s") if kind == "nmos" else ("s", "d")
    current = f"{i_s}*(V(q_f)-V(q_r))*(V(q_f)+V(q_r))*{modulation}/{reduction}"
    part.B("channel", *ends, i=current)
    return part


def transistor_parameters(cards: Mapping[str, Card], conditions: Conditions = _TYPICAL) -> dict[str, float]:
    """Values that all transistors of a deck share, by the names that they have at its top.

    Parameters
    ----------
    cards
        Cards of kind "nmos" and "pmos" by their kind.
    conditions
        Corner and temperature.

    Returns
    -------
    dict of str to float
        ``V_T_nmos``, ... as in this module's table. [SI]
    """
    found = {}
    for kind, card in cards.items():
        row = transistor_rows(card, 1.0, 1.0, conditions)
        slope, phi_t = row[core.SLOPE], row[core.PHI_T]
        values = (
            row[core.V_T], slope, row[core.I_S] / (2 * slope * phi_t**2), row[core.MOBILITY] / (slope * phi_t),
            row[core.CLM], row[core.DIBL],
        )  # fmt: skip
        # Undoing the row's products costs the last digit or two, which would hide a card's round value.
        found |= {f"{name}_{kind}": float(f"{value:.14g}") for name, value in zip(_MODEL, values, strict=True)}
        found["phi_t"] = float(phi_t)
    return found


class Transistors:
    """Puts transistors into a circuit, of the package's own model or a foundry's.

    Parameters
    ----------
    circuit
        Circuit that gets their definitions, or where to find them.
    cards
        Cards of kind "nmos" and "pmos" by their kind.
    conditions
        Corner and temperature; of no effect on a foundry's.
    foundry
        Subcircuits to take in place of the package's, by kind; all kinds or none.

    Raises
    ------
    InputError
        If `foundry` does not name a subcircuit for each kind.
    """

    def __init__(
        self,
        circuit: Circuit,
        cards: Mapping[str, Card],
        conditions: Conditions = _TYPICAL,
        foundry: Mapping[str, FoundryTransistor] | None = None,
    ) -> None:
        self._circuit = circuit
        self.foundry = dict(foundry or {})
        if self.foundry:
            if set(self.foundry) != set(cards):
                named = ", ".join(self.foundry)
                raise InputError(f"foundry names a subcircuit for {named}; this circuit has {', '.join(cards)}")
            for one in dict.fromkeys((each.file, each.section) for each in self.foundry.values()):
                circuit.lib(*one) if one[1] is not None else circuit.include(one[0])
            return
        for name, value in transistor_parameters(cards, conditions).items():
            circuit.parameter(name, spice_number(value))
        for kind in cards:
            circuit.subcircuit(transistor(kind))

    def add(self, name: str, kind: str, nodes: tuple[str, str, str, str], **values: object) -> None:
        """Add one.

        Parameters
        ----------
        name
            Its name, without the X.
        kind
            ``"nmos"`` or ``"pmos"``.
        nodes
            Drain, gate, source, bulk.
        **values
            W and L as numbers [m] or expressions of parameters; threshold_shift [V] and current_factor_shift, which a
            foundry's transistor does not have.

        Raises
        ------
        InputError
            If a foundry's transistor is given a shift.
        """
        if kind not in self.foundry:
            self._circuit.X(name, kind, *nodes, **values)
            return
        own = self.foundry[kind]
        shifts = sorted(set(values) - {"W", "L"})
        if shifts:
            raise InputError(
                f"transistor {name} is the foundry's {own.subcircuit}, which takes no {shifts[0]}; draw its mismatch "
                "with the foundry's own statistics"
            )
        sizes = {own.width: values["W"], own.length: values["L"]}
        self._circuit.X(name, own.subcircuit, *nodes, **sizes, **own.parameters)
