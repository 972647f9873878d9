"""Small decks with known answers, for the simulators that the tests run."""


def ngspice_deck(body, analyses=".tran 10n 2u 0 10n", title="title"):
    return f"{title}\n{body}\n{analyses}\n.end\n"


def vacask_deck(body, analyses="analysis tran1 tran stop=2u step=10n maxstep=10n", title="title"):
    """Deck with resistor, capacitor and all built-in devices; VACASK itself must stop at the first error."""
    return (
        f'{title}\nground 0\nload "spice/resistor.osdi"\nload "spice/capacitor.osdi"\ninclude "builtins.inc"\n'
        "model resistor sp_resistor\nmodel capacitor sp_capacitor\n"
        f"{body}\ncontrol\n abort always\n {analyses}\nendc\n"
    )


def divider(engine, resistance=3e3):
    """Voltage divider, 1 kohm above `resistance`; its input rises within 1 us."""
    if engine == "vacask":
        return vacask_deck(
            'v1 (in 0) vsource type="pulse" val0=0 val1=1 rise=1u width=1\n'
            f"r1 (in out) resistor r=1k\nr2 (out 0) resistor r={resistance}",
            "analysis tran1 tran stop=1u step=10n maxstep=10n",
        )
    return ngspice_deck(f"V1 in 0 PWL(0 0 1u 1)\nR1 in out 1k\nR2 out 0 {resistance}", ".tran 10n 1u 0 10n")


def low_pass(engine):
    """1 kohm inside a subcircuit and 1 nF, in every analysis: a step of 1 V in 1 ns, a sweep, 1 V of any frequency."""
    if engine == "vacask":
        return vacask_deck(
            "subckt cell(a b)\nv1 (a mid) vsource dc=0\nr1 (mid b) resistor r=1k\nends\n"
            'v1 (in 0) vsource type="pulse" dc=0 mag=1 val0=0 val1=1 rise=1n width=1\n'
            "v2 (dc 0) vsource dc=3\nr2 (dc 0) resistor r=2k\nx1 (in out) cell\nc1 (out 0) capacitor c=1n",
            "analysis op1 op\n"
            ' sweep drive instance="v2" parameter="dc" from=0 to=2 step=0.5\n  analysis dc1 op\n'
            ' analysis ac1 ac from=1k to=10M mode="dec" points=10\n'
            " analysis tran1 tran stop=5u step=5n maxstep=5n",
        )
    return ngspice_deck(
        "V1 in 0 dc 0 ac 1 PULSE(0 1 0 1n 1n 1 2)\nV2 dc 0 dc 3\nR2 dc 0 2k\nX1 in out cell\nC1 out 0 1n\n"
        ".subckt cell a b\nV1 a mid 0\nR1 mid b 1k\n.ends",
        ".op\n.dc V2 0 2 0.5\n.ac dec 10 1k 10meg\n.tran 5n 5u 0 5n",
    )
