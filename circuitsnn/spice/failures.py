"""What goes wrong in a circuit simulator, in its own words and with what may help.

Each entry of `TROUBLE` is a pattern that an engine's line may match, how many further lines belong to it, and what to
try; the first pattern that matches any line wins, so what is specific stands before what is general. The tests provoke
what ngspice and VACASK say by real decks; what Xyce says is taken from its source, and what LTspice says has not been
tried against LTspice.
"""

import re

_STEP = "a smaller max_step or a larger reltol may help"
_START = "give initial conditions, let the sources rise later or slower, or try a larger reltol"
_SINGULAR = "look for a node without a path to ground, or voltage sources in a loop"
_NAMES = "check the names in the netlist"
_INCLUDE = "put the file beside the deck (companions) or name it by its whole path"
_MODEL = "define it in the netlist or include the file that does"
_LINE = "check that line of the netlist"
_SAVED = "save only what is in the circuit"
_FINITE = "look for a division by zero, a root of a negative number or a huge value"

_NGSPICE = (
    (r"timestep too small; time", 0, _STEP),
    (r"can't find model|could not find a model", 1, _MODEL + "; " + _NAMES),
    (r"unknown subckt", 0, _MODEL + "; " + _NAMES),
    (r"could not find (include|library) file", 0, _INCLUDE),
    (r"undefined parameter", 0, _NAMES),
    (r"syntax error", 0, _LINE),
    (r"error on line", 2, _LINE),
    (r"singular matrix", 0, _SINGULAR),
    (r"timestep too small; initial|iteration limit reached|no convergence", 0, _START),
    (r"no such vector|no data saved", 0, _SAVED),
    (r"no such|unknown|can't find|unable to find", 0, _NAMES),
    (r"error|fatal|cannot|aborted", 0, "check the netlist"),
)
_VACASK = (
    (r"failed to compile file", 1, "check the Verilog-A source"),
    (r"compiler not found", 0, "install openvaf-r, or set SIM_OPENVAF to its path"),
    (r"timestep too small", 0, _STEP),
    (r"^master '.*' not found", 1, _MODEL + "; " + _NAMES),
    (r"^file\b.* not found", 1, _INCLUDE),
    (r"syntax error", 1, _LINE),
    (r"^(variable or constant|parameter|analysis type|instance|model) .* not (defined|found)", 1, _NAMES),
    (r"factorization failed.*zero pivot|singular", 0, _SINGULAR),
    (r"^(nan|inf) found|not finite", 0, _FINITE),
    (r"operating point analysis failed|homotopy failed|failed to converge", 0, _START),
    (r"^node '.*' not found", 1, _SAVED),
    (r"not found|not defined", 1, _NAMES),
    (r"failed|aborted|error", 0, "check the netlist"),
)
_XYCE = (
    (r"time step too small near step number", 0, _STEP),
    (r"unable to find model|did not find required model", 0, _MODEL + "; " + _NAMES),
    (r"(could not|can't) find include file", 0, _INCLUDE),
    (r"^netlist error in file", 1, _LINE),
    (r"^netlist error", 0, _LINE),
    (r"singular matrix found", 0, _SINGULAR),
    (r"dc operating point failed", 0, _START),
    (r"error|fatal|abort", 0, "check the netlist"),
)
_LTSPICE = (
    (r"time ?step too small", 0, _STEP),
    (r"unknown subcircuit|can't find definition of model|missing.*model", 0, _MODEL + "; " + _NAMES),
    (r"could not open (include|library) file", 0, _INCLUDE),
    (r"singular matrix", 0, _SINGULAR),
    (r"error|fatal|can't|unknown|abort", 0, "check the netlist"),
)
TROUBLE = {
    engine: tuple((re.compile(pattern, re.I), more, advice) for pattern, more, advice in table)
    for engine, table in (
        ("ngspice", _NGSPICE),
        ("ngspice-shared", _NGSPICE),
        ("vacask", _VACASK),
        ("xyce", _XYCE),
        ("ltspice", _LTSPICE),
    )
}


def quote(engine: str, log: str) -> tuple[str, str]:
    """Find the engine's own line about what went wrong, and what to try.

    Parameters
    ----------
    engine
        Name of the engine.
    log
        All that it printed.

    Returns
    -------
    tuple of str
        The line, with those that belong to it, and the advice; both empty where no line is known to mean trouble.
    """
    lines = significant_lines(log)
    for pattern, more, advice in TROUBLE[engine]:
        for k, line in enumerate(lines):
            if pattern.search(line):
                return " / ".join(lines[k : k + more + 1]), advice
    return "", ""


def significant_lines(log: str) -> list[str]:
    """Lines of a log that say something: not the deck's own title, nor the marks below a faulty place."""
    lines = [line.strip() for line in log.splitlines()]
    return [line for line in lines if re.search(r"\w", line) and not re.match(r"(Circuit|Simulating): ", line)]
