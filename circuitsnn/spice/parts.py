"""Library parts that a netlist is built of: the VO2 device, energy meters and a coupling switch.

Each part is a PySpice subcircuit that ngspice and LTspice read as it is, and knows two more forms of itself: a
Verilog-A module for the dialects that have one (Spectre, VACASK), and a subcircuit of expression sources only for
those without a hysteretic switch (Xyce, HSPICE). Ports and parameters are the same in every form. How the circuits
follow from the device's equations, and how exact each is: docs/theory/netlists.md.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from PySpice.Spice.Netlist import SubCircuit

from circuitsnn.errors import InputError
from circuitsnn.spice.numbers import spice_number

COMPARATOR_GAIN = 1e5
FIDELITIES = ("smooth", "relaxed", "abrupt")
TAU_FEEDBACK = 1e-13  # s; the default of devices/vo2.va, which suits an oscillator of some 20 us
_SHARPNESS = 1e7  # gain times width where the thresholds are meant to be sharp; as in devices/vo2.va
_TABLE_1 = {"R_ins": 100.2e3, "R_met": 990.0, "V_L": 1.0, "V_H": 1.999, "alpha": 200.0, "tau_0": 10e-9}
_PARAMETERS = {
    "smooth": ("R_ins", "R_met", "V_L", "V_H", "alpha", "tau_0"),
    "relaxed": ("R_ins", "R_met", "V_L", "V_H", "tau_0"),
    "abrupt": ("R_ins", "R_met", "V_L", "V_H"),
}
_VO2_PORTS = ("drive", "out", "metallic", "conductance")
_CURRENT = "V(drive,out)*((1-V(conductance))/R_ins+V(conductance)/R_met)"  # equation 1


@dataclass(frozen=True)
class VerilogAModule:
    """A part as Verilog-A: its ports and parameters have the names of the part's.

    Parameters
    ----------
    file
        Source file in devices/.
    module
        Name of the module.
    parameters
        Parameters by which the module becomes this part, beside those of each instance; numbers, or expressions of the
        circuit's parameters.
    """

    file: str
    module: str
    parameters: Mapping[str, float | str] = field(default_factory=lambda: MappingProxyType({}))


class Part(SubCircuit):
    """A subcircuit with its other forms.

    Parameters
    ----------
    name
        Name of the subcircuit.
    ports
        Names of its ports.
    defaults
        Its parameters and their default values. [SI]
    verilog_a
        The same part as a Verilog-A module.
    without_switch
        The same part without hysteretic switches; None if it has none anyway.
    """

    def __init__(
        self,
        name: str,
        ports: tuple[str, ...],
        defaults: Mapping[str, float],
        verilog_a: VerilogAModule,
        without_switch: SubCircuit | None = None,
    ):
        super().__init__(name, *ports, **_texts(defaults))
        self.verilog_a = verilog_a
        self.without_switch = self if without_switch is None else without_switch


def vo2(fidelity: str, comparator_gain: float = COMPARATOR_GAIN) -> Part:
    """VO2 device between ``drive`` and ``out``.

    Parameters
    ----------
    fidelity
        ``"smooth"``, ``"relaxed"`` or ``"abrupt"``.
    comparator_gain
        Factor on the voltage that the hysteretic switch compares with the thresholds; 1 for a plain switch.

    Returns
    -------
    Part
        Subcircuit ``vo2_smooth``, ``vo2_relaxed`` or ``vo2_abrupt`` with the ports drive, out, metallic (1 V while
        metallic, 0 V while insulating) and conductance (where the conductance is between 1/R_ins, 0 V, and 1/R_met,
        1 V), and the device's parameters. The forms without a switch, smooth among them, have ``tau_feedback`` as
        well, the time constant that lets Newton's method follow a switching. [s]

    Raises
    ------
    InputError
        If the fidelity is not known.
    """
    if fidelity not in FIDELITIES:
        raise InputError(f"fidelity is {fidelity!r}; allowed: {', '.join(map(repr, FIDELITIES))}")
    name = f"vo2_{fidelity}"
    defaults = {key: _TABLE_1[key] for key in _PARAMETERS[fidelity]}
    verilog_a = VerilogAModule("vo2.va", "vo2", MappingProxyType({"fidelity": FIDELITIES.index(fidelity)}))
    regularised = {**defaults, "tau_feedback": TAU_FEEDBACK}
    if fidelity == "smooth":
        device = Part(name, _VO2_PORTS, regularised, verilog_a)
        _add_feedback(device, fidelity)
        return device
    without_switch = SubCircuit(name, *_VO2_PORTS, **_texts(regularised))
    _add_feedback(without_switch, fidelity)
    device = Part(name, _VO2_PORTS, defaults, verilog_a, without_switch)
    _add_hysteretic_switch(device, fidelity, comparator_gain)
    return device


def tau_feedback(R_met: float, C_P: float) -> float:
    """Time constant of the feedback that suits an oscillator, to one digit.

    It is 2e-7 of the time constant with which the output charges: the delay that it adds to a switching changes a
    period by 6e-6 (smooth) or less than 1e-7 (relaxed and abrupt), whatever the oscillator's speed, and the time
    steps that resolve it stay far above the rounding of the time.

    Parameters
    ----------
    R_met
        Resistance of the metallic state. [ohm]
    C_P
        Capacitance of the output. [F]

    Returns
    -------
    float
        Time constant; 0.1 ps at Table 1. [s]
    """
    return float(f"{2e-7 * R_met * C_P:.0e}")


def energy_meter() -> Part:
    """Meter of the energy that flows from ``supply`` to ``drive``; ``energy`` shows 1 V for each joule.

    The current into its capacitor must stay below what ngspice's step control looks at (abstol), or the meter would
    choose the steps: 1 mW gives 1 pA. The operating point needs the resistor; it leaks 1e-9 of the energy in 1 ms.
    """
    meter = Part("energy_meter", ("supply", "drive", "energy"), {}, VerilogAModule("energy_meter.va", "energy_meter"))
    meter.V("sense", "supply", "drive", "0")
    meter.B("power", 0, "energy", i="1n*V(supply)*I(Vsense)")
    meter.C("energy", "energy", 0, "1n")
    meter.R("leak", "energy", 0, "1e15")
    return meter


def cycle_meter() -> Part:
    """Meter of the energy that flows from ``supply`` to ``drive`` while ``on`` is at 1 V; ``energy`` is 1 V a joule.

    For circuits whose supplies deliver power before the run begins, which must not be counted: ``on`` is 0 V there.
    """
    ports = ("supply", "drive", "energy", "on")
    meter = Part("cycle_meter", ports, {}, VerilogAModule("cycle_meter.va", "cycle_meter"))
    meter.V("sense", "supply", "drive", "0")
    meter.B("power", 0, "energy", i="1n*V(on)*V(supply)*I(Vsense)")
    meter.C("energy", "energy", 0, "1n")
    meter.R("leak", "energy", 0, "1e15")
    return meter


def coupling_switch() -> Part:
    """Switch between ``a`` and ``b``: 1e12 ohm while ``control`` is at 0 V, 1 mohm while it is at 1 V.

    The switch itself changes over at 0.5 V, its other forms along a slope: a step control would look for the moment
    of a jump in ever shorter steps.
    """
    name, ports = "coupling_switch", ("a", "b", "control")
    without_switch = SubCircuit(name, *ports)
    without_switch.B("contact", "a", "b", i="V(a,b)*(1e-12+1e3*0.5*(1+tanh(40*(V(control)-0.5))))")
    switch = Part(name, ports, {}, VerilogAModule("coupling_switch.va", "coupling_switch"), without_switch)
    switch.VCS("contact", "a", "b", "control", 0, model="contact")
    switch.model("contact", "sw", vt="0.5", vh="0", ron="1m", roff="1e12")
    return switch


def _texts(parameters: Mapping[str, float]) -> dict[str, str]:
    """Write parameter values as a netlist has them."""
    return {key: spice_number(value) for key, value in parameters.items()}


def _add_hysteretic_switch(device: SubCircuit, fidelity: str, gain: float) -> None:
    """Add a device whose state is that of a hysteretic switch behind an amplifier."""
    g = spice_number(gain)
    hysteresis = {"vt": f"{{{g}*(V_H+V_L)/2}}", "vh": f"{{{g}*(V_H-V_L)/2}}"}
    device.VCCS("compare", 0, "compare", "drive", "out", transconductance=g)
    device.R("compare", "compare", 0, "1")
    device.V("one", "one", 0, "1")
    device.VCS("state", "one", "metallic", "compare", 0, model="state")
    device.R("state", "metallic", 0, "1k")
    device.model("state", "sw", ron="1u", roff="1e15", **hysteresis)
    _add_conductance(device, fidelity)
    if fidelity == "abrupt":
        device.VCS("device", "drive", "out", "compare", 0, model="device")
        device.model("device", "sw", ron="{R_met}", roff="{R_ins}", **hysteresis)
    else:
        device.B("device", "drive", "out", i=_CURRENT)


def _add_feedback(device: SubCircuit, fidelity: str) -> None:
    """Add a device whose state is a solution of equation 3, found by a feedback node with a lag."""
    # the limits of 5 keep cosh in range while Newton's method searches; tanh(sinh(5)) is 1 to the last digit
    state = "0.5*(1+tanh(sinh(max(-5,min(5,V(feedback))))))"
    if fidelity == "smooth":
        excess = f"2*alpha*(V(drive,out)-V_H+(V_H-V_L)*{state})"
    else:
        # wider than V_H - V_L by so much that the turning points of equation 3 lie on V_L and V_H
        u = math.sqrt(1 - 1 / _SHARPNESS)
        width = f"((V_H-V_L)*{1 / (u - math.atanh(u) / _SHARPNESS):.12g})"
        excess = f"{2 * _SHARPNESS:.0f}*((V(drive,out)-(V_H+V_L)/2)/{width}+{state}-0.5)"
    device.B("feedback", 0, "feedback", i=f"asinh({excess})")
    device.R("feedback", "feedback", 0, "1")
    device.C("feedback", "feedback", 0, "{tau_feedback}")
    device.B("state", "metallic", 0, v=state)
    _add_conductance(device, fidelity)
    device.B("device", "drive", "out", i=_CURRENT)


def _add_conductance(device: SubCircuit, fidelity: str) -> None:
    """Add the node that follows the state, at once or with tau_0 (equation 2)."""
    if fidelity == "abrupt":
        device.VCVS("conductance", "conductance", 0, "metallic", 0, voltage_gain="1")
    else:
        device.VCCS("relax", 0, "conductance", "metallic", 0, transconductance="1m")
        device.R("relax", "conductance", 0, "1k")
        device.C("relax", "conductance", 0, "{tau_0/1k}")
