"""A user's text inside a netlist stays text: no simulator takes a line of it for its own, whatever it says."""

import unicodedata

import pytest
from decks import divider
from hypothesis import given
from hypothesis import strategies as st

from circuitsnn.spice import EngineError, run_deck
from circuitsnn.spice.text import one_line

LINE_ENDS = ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0", "\x1a", "\\\n"]
ATTACKS = {
    "ngspice": [
        *(f"x{end}.control{end}shell touch {{mark}}{end}.endc" for end in LINE_ENDS),
        *(f"x{end}.include {{mark}}" for end in LINE_ENDS),
        "*ng_script\nshell touch {mark}",
        "*ng_script",
        "*#shell touch {mark}",
        "#shell touch {mark}",
        "*# shell touch {mark}",
        "!touch {mark}",
        "`touch {mark}`",
        "$(touch {mark}) $HOME $&nothing ${{nothing}}",
        "x; shell touch {mark}",
        ".include {mark}",
        ".title {mark}\n.control\nshell touch {mark}\n.endc",
        ".end",
        ".control",
        "+ 5",
        "{{1/0}} {{nothing}} unbalanced {{ ( [ \" ' <",
        "ends with \\",
        "\\",
        "x\n.model sw sw\n.options reltol=1",
    ],
    "vacask": [
        *(f'x{end}embed "{{mark}}" <<<HERE{end}text{end}>>>HERE{end}' for end in LINE_ENDS),
        'x\ncontrol\npostprocess("touch", "{mark}")\nendc',
        'x\ninclude "{mark}"',
        'include "{mark}"',
        'embed "{mark}" <<<HERE',
        "control",
        "/* never closed",
        "*/ x /*",
        "ends with \\",
        "x\nsimulator lang=spectre\nshell touch {mark}",
        "unbalanced \" ' <<<HERE >>>HERE ( [ {{",
    ],
}
NUMBERED = [(engine, k) for engine, attacks in ATTACKS.items() for k in range(len(attacks))]


def deck_with(engine, title, comments):
    """The divider under a title, with comment lines between its own lines."""
    mark = {"ngspice": "* ", "vacask": "// "}[engine]
    lines = divider(engine).splitlines()[1:]
    between = [line for k, comment in enumerate(comments) for line in (mark + comment, *lines[k : k + 1])]
    return "\n".join([title, *between, *lines[len(comments) :]]) + "\n"


@pytest.mark.parametrize(("engine", "k"), NUMBERED)
def test_nothing_of_it_is_executed(engine, k, tmp_path):
    mark = tmp_path / "mark"
    text = one_line(ATTACKS[engine][k].format(mark=mark))
    result = run_deck(deck_with(engine, text, [text, text, text]), engine, stop=1e-6)
    assert result["out"][-1] == pytest.approx(0.75)
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_all_of_it_is_executed_by_the_shared_library(tmp_path):
    mark = tmp_path / "mark"
    texts = [one_line(attack.format(mark=mark)) for attack in ATTACKS["ngspice"]]
    for title in (texts[0], "text: .title"):
        result = run_deck(deck_with("ngspice", title, texts), "ngspice-shared", stop=1e-6)
        assert result["out"][-1] == pytest.approx(0.75)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ["ngspice", "ngspice-shared", "vacask"])
def test_the_attacks_are_real(engine, tmp_path):
    """Without `one_line` the first attack of each list leaves its mark."""
    mark = tmp_path / "mark"
    dialect = "vacask" if engine == "vacask" else "ngspice"
    run_deck(deck_with(dialect, ATTACKS[dialect][0].format(mark=mark), []), engine)
    assert mark.exists()


def test_a_script_in_the_title_is_real(tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(EngineError):
        run_deck(f"*ng_script\nshell touch {mark}\n")
    assert mark.exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("Zwei Oszillatoren, 20 kΩ (Größe µ)", "Zwei Oszillatoren, 20 kΩ (Größe µ)"),
        ("a\nb\r\x0bc\u2028d\x00e\x85f", "a b c d e f"),
        (".include x", "text: .include x"),
        ("-3 dB", "text: -3 dB"),
        ("C:\\Temp\\", "C:\\Temp"),
        ("x \\ \\\n", "x"),
        ("a\u202eb\u200bc\ud800d", "a b c d"),
    ],
)
def test_what_becomes_of_it(text, line):
    assert one_line(text) == line


@given(st.text())
def test_always_one_harmless_line(text):
    line = one_line(text)
    assert line.splitlines() in ([line], [])
    assert not any(unicodedata.category(character)[0] == "C" for character in line)
    assert line.encode("utf-8").decode("utf-8") == line
    assert not line.endswith(("\\", " "))
    assert not line or line[0].isalnum()
    assert one_line(line) == line
    assert letters(line).endswith(letters(text))


def letters(text):
    return "".join(filter(str.isalnum, text))
