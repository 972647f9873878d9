import copy
import pickle
import re
from dataclasses import replace
from math import inf, log, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitsnn.card_kinds import KINDS
from circuitsnn.cards import Card, Correlation, Parameter, Spread, list_cards, load_card
from circuitsnn.errors import InputError
from circuitsnn.files import replacing
from circuitsnn.quantities import read_quantity, show_quantity
from circuitsnn.resources import resource_folder

TABLE_1 = {
    "V_DD": 2.5,
    "R_S": 20e3,
    "C_P": 500e-12,
    "R_ins": 100.2e3,
    "R_met": 990.0,
    "V_L": 1.0,
    "V_H": 1.999,
    "alpha": 200.0,
    "tau_0": 10e-9,
}


@pytest.fixture
def card():
    return load_card("vo2_delacour2021")


@pytest.fixture
def card_file(tmp_path, card):
    """Write the card with a piece of its text replaced, and return the path."""

    def write(old="", new=""):
        path = tmp_path / "mine.toml"
        card.write(path)
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return write


def abrupt_period(card):
    """Closed form with tau_0 = 0, written out here so that the card is checked on its own. [s]"""
    v_ins = card.V_DD * card.R_S / (card.R_S + card.R_ins)
    v_met = card.V_DD * card.R_S / (card.R_S + card.R_met)
    tau_d = card.C_P * card.R_S * card.R_ins / (card.R_S + card.R_ins)
    tau_c = card.C_P * card.R_S * card.R_met / (card.R_S + card.R_met)
    upper, lower = card.V_DD - card.V_L, card.V_DD - card.V_H
    return tau_d * log((upper - v_ins) / (lower - v_ins)) + tau_c * log((v_met - lower) / (v_met - upper))


def test_table_1_of_delacour2021_with_the_corrected_threshold(card):
    assert card.values == TABLE_1
    assert pytest.approx(0.501) == card.V_DD - card.V_H
    assert abrupt_period(card) == pytest.approx(21.5765e-6, rel=1e-5)
    assert abrupt_period(card.replace(V_H="1.99 V")) == pytest.approx(20.7355e-6, rel=1e-5)


def test_card_says_why_its_threshold_is_not_the_printed_one(card):
    assert "1.99 V" in card.parameters["V_H"].source
    assert "0.501" in card.notes


def test_board_of_figure_5b_has_the_printed_period():
    board = load_card("schmitt_mcp6001_delacour2021")
    assert (board.R_S, board.R_met, board.C_P) == (100e3, 5.6e3, 1.8e-9)
    assert abrupt_period(board) == pytest.approx(200e-6, rel=1e-3)
    assert pytest.approx(board.V_DD) == board.V_L + board.V_H


@pytest.mark.parametrize("name", list_cards())
def test_every_card_of_the_package_states_sources_and_units(name):
    card = load_card(name)
    assert "doi:" in card.source or "generic" in card.source
    for parameter in card.parameters.values():
        assert parameter.source
        assert parameter.unit
        assert parameter.meaning
        assert parameter.spread is None or "assumption" in parameter.spread.source


def test_list_names_the_cards_of_the_package():
    assert list_cards() == sorted(list_cards())
    assert {"schmitt_mcp6001_delacour2021", "vo2_delacour2021", "sram_array_6t_65nm"} <= set(list_cards())


@pytest.mark.parametrize("value", ["15k", "15kΩ", "15 kΩ", "15 k\N{OHM SIGN}", "15 kohm", "15e3", 15e3, 15000])
def test_spellings_of_a_resistance(value):
    assert load_card("vo2_delacour2021", R_S=value).R_S == 15e3


@pytest.mark.parametrize("value", ["15kV", "100R", "4k7", "5 %", "fifteen", "", True, None, [15e3]])
def test_what_is_not_a_resistance_is_refused(card, value):
    with pytest.raises(InputError, match=r"parameter R_S is .*Ω"):
        card.replace(R_S=value)


@pytest.mark.parametrize("value", [nan, inf, -inf, "nan", "inf", "1e400", 0, 0.0, "0 Ω", -1.0, "-15k"])
@pytest.mark.parametrize("name", ["R_S", "R_met"])
def test_a_resistance_must_be_finite_and_positive(card, name, value):
    with pytest.raises(InputError, match=rf"parameter {name} is .*(finite|must be > 0)"):
        card.replace(**{name: value})


def test_a_transition_may_take_no_time_but_not_less(card):
    assert card.replace(tau_0=0).tau_0 == 0
    with pytest.raises(InputError, match="tau_0 is -1 ns; it must be >= 0"):
        card.replace(tau_0="-1 ns")


@pytest.mark.parametrize(
    ("overrides", "rule"),
    [({"V_L": 2.2}, "V_L must be smaller than V_H"), ({"R_met": "200k"}, "R_met must be smaller than R_ins")],
)
def test_rules_between_parameters(card, overrides, rule):
    with pytest.raises(InputError, match=rule):
        card.replace(**overrides)


def test_override_keeps_the_rest_and_says_so(card):
    variant = card.replace(R_S="15k", V_H=2.0)
    assert (variant.R_S, variant.V_H, variant.C_P) == (15e3, 2.0, card.C_P)
    assert "override" in variant.parameters["R_S"].source
    assert variant.parameters["C_P"] == card.parameters["C_P"]
    assert card.R_S == 20e3


def test_unknown_parameter_suggests_the_near_one(card):
    with pytest.raises(InputError, match=r"unknown parameter 'R_s'; did you mean 'R_S'.*allowed: V_DD, R_S"):
        card.replace(R_s=1e3)
    with pytest.raises(AttributeError, match="no parameter 'R_X'"):
        _ = card.R_X


def test_unknown_card_names_the_cards():
    with pytest.raises(InputError, match=r"no card 'vo2'; did you mean 'vo2_delacour2021'.*schmitt_mcp6001"):
        load_card("vo2")


def test_card_is_read_only_and_travels_to_workers(card):
    with pytest.raises(TypeError):
        card.parameters["R_S"] = None
    with pytest.raises(AttributeError):
        card.name = "other"
    assert pickle.loads(pickle.dumps(card)) == card
    assert copy.deepcopy(card) == card
    assert hash(card) == hash(load_card("vo2_delacour2021"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "colour = 1\ntitle =", r"mine\.toml: unknown field 'colour'; allowed: kind, title"),
        ("title =", "titel =", r"(unknown field 'titel'; did you mean 'title'|field 'title' is missing)"),
        ('kind = "vo2', 'kind = "vo', "kind is 'vo_oscillator'; did you mean 'vo2_oscillator'"),
        ("[parameters.R_S]", "[parameters.R_SS]", "unknown parameter 'R_SS'; did you mean 'R_S'"),
        ("meaning = ", "meening = ", r"unknown field 'meening' in parameters\.V_DD; did you mean 'meaning'"),
        ('unit = "V"\n', "", r"field 'unit' is missing in parameters\.V_DD; needed: value, unit, source"),
        ('unit = "Ω"', 'unit = "kΩ"', "parameter R_S: unit is 'kΩ'; allowed is 'Ω'"),
        (
            'value = "20 kΩ"',
            'value = "20 kV"',
            "parameter R_S is '20 kV', whose unit is 'V'; allowed is a number in Ω",
        ),
        ('value = "20 kΩ"', "value = nan", "parameter R_S is nan, which is not finite"),
        ('value = "20 kΩ"', "value = true", r"parameters\.R_S\.value is True"),
        ('value = "20 kΩ"', "value = 0", "parameter R_S is 0 Ω; it must be > 0 Ω"),
        (
            'distribution = "normal"',
            'distribution = "gauss"',
            r"spread\.distribution is 'gauss'; it should be 'normal'",
        ),
        (
            "relative_sigma = 0.01",
            "relative_sigma = -0.01",
            "R_S: spread: relative_sigma is -0.01; it must be >= 0",
        ),
        (
            "relative_sigma = 0.01",
            "relative_sigma = inf",
            "relative_sigma is inf; it must be >= 0 and finite",
        ),
        ("relative_sigma = 0.01, ", "", "exactly one of relative_sigma and sigma"),
        ("relative_sigma = 0.01", 'sigma = "1 V"', "R_S: spread: sigma is '1 V', whose unit is 'V'"),
        ("relative_sigma = 0.01", 'sgma = "1 V"', r"unknown field 'sgma' in parameters\.R_S\.spread"),
        (
            "relative_sigma = 0.01",
            'relative_sigma = 0.01, correlated_with = { name = "V_DD", coefficient = 0.5 }',
            "spread of R_S is correlated with 'V_DD'; allowed: C_P, R_ins",
        ),
        (
            "relative_sigma = 0.01",
            'relative_sigma = 0.01, correlated_with = { name = "R_S", coefficient = 0.5 }',
            "the spreads of R_S are correlated in a circle",
        ),
        (
            "relative_sigma = 0.01",
            'relative_sigma = 0.01, correlated_with = { name = "C_P", coefficient = 1.5 }',
            r"correlated_with\.coefficient is 1\.5; it should be less than 1",
        ),
        ("[parameters.V_DD]", "[parameters.V_DD", "not a TOML file"),
    ],
)
def test_a_wrong_file_gets_one_sentence_with_file_and_field(card_file, old, new, message):
    path = card_file(old, new)
    with pytest.raises(InputError, match=message) as caught:
        load_card(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_parameter_is_named(tmp_path, card):
    path = tmp_path / "mine.toml"
    card.write(path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("[parameters.tau_0]")], encoding="utf-8")
    with pytest.raises(InputError, match="parameter tau_0 is missing; kind 'vo2_oscillator' needs V_DD"):
        load_card(path)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_card(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_card(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'kind = "\xe9"')
    with pytest.raises(InputError, match="must be UTF-8"):
        load_card(tmp_path / "latin.toml")
    with pytest.raises(InputError, match="card is 3; allowed"):
        load_card(3)


def test_a_card_made_in_python_is_checked_as_well(card):
    parameters = dict(card.parameters)
    for wrong in (replace(parameters["R_S"], value="15k"), replace(parameters["R_S"], unit="kΩ")):
        with pytest.raises(InputError, match="R_S"):
            replace(card, parameters=parameters | {"R_S": wrong})
    with pytest.raises(InputError, match="kind is 'other'"):
        replace(card, kind="other")


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30)
spreads = st.none() | st.builds(
    Spread,
    relative_sigma=st.floats(0, 1),
    distribution=st.sampled_from(["normal", "lognormal", "uniform"]),
    source=text,
)


@settings(max_examples=50, deadline=None)
@given(data=st.data(), title=text, notes=text, scale=st.floats(1e-6, 1e6))
def test_writing_and_reading_back_gives_an_equal_card(tmp_path_factory, data, title, notes, scale):
    parameters = {
        field.name: Parameter(
            TABLE_1[field.name] * scale,
            field.unit,
            data.draw(text.filter(bool)),
            data.draw(text),
            data.draw(spreads),
        )
        for field in KINDS["vo2_oscillator"].fields
    }
    path = tmp_path_factory.mktemp("cards") / "card.toml"
    card = Card("card", "vo2_oscillator", title, "source", parameters, notes)
    card.write(path)
    assert load_card(path) == card


def test_correlations_and_absolute_spreads_survive_writing(tmp_path, card):
    spread = Spread(sigma=0.02, correlated_with=Correlation("V_H", -0.5), source="measured")
    parameters = dict(card.parameters) | {"V_L": replace(card.parameters["V_L"], spread=spread)}
    replace(card, parameters=parameters).write(tmp_path / "mine.toml")
    assert load_card(tmp_path / "mine.toml").parameters["V_L"].spread == spread


def test_packaged_cards_survive_writing(tmp_path):
    for name in list_cards():
        load_card(name).write(tmp_path / f"{name}.toml")
        assert load_card(tmp_path / f"{name}.toml") == load_card(name)


def test_a_card_that_cannot_be_written_leaves_nothing_behind(tmp_path, card):
    with pytest.raises(InputError, match="cannot write"):
        card.write(tmp_path / "missing" / "mine.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        card.write(tmp_path / "folder.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.toml"]


def test_an_interrupted_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")

    def interrupted():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("result.txt", "old")]


def test_numpy_numbers_are_numbers(card):
    assert card.replace(R_S=np.float64(15e3)).R_S == 15e3
    assert type(card.replace(R_S=np.float32(16384)).R_S) is float


ARRAY = "sram_array_6t_65nm"


def test_a_card_of_parts_reaches_down_to_the_transistor(tmp_path):
    array = load_card(ARRAY, **{"cell.nmos.A_VT": "5n", "V_WL": 0.7})
    cell = array.parts["cell"]
    assert (cell.name, cell.kind) == ("sram_6t_65nm", "sram_6t")
    assert (array.V_WL, cell.parts["nmos"].A_VT) == (0.7, 5e-9)
    assert pickle.loads(pickle.dumps(array)) == array
    array.write(tmp_path / "mine.toml")  # parts are written out, with what was overridden
    assert replace(load_card(tmp_path / "mine.toml"), name=array.name) == array


def test_a_part_is_a_path_beside_the_card_or_a_table(tmp_path):
    load_card("nmos_65nm", V_T0=0.3).write(tmp_path / "my_nmos.toml")
    text = (resource_folder("devices") / "sram_6t_65nm.toml").read_text(encoding="utf-8")
    (tmp_path / "cell.toml").write_text(text.replace('"nmos_65nm"', '"my_nmos.toml"'), encoding="utf-8")
    assert load_card(tmp_path / "cell.toml").parts["nmos"].V_T0 == 0.3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('cell = "sram_6t_65nm"', 'cell = "nmos_65nm"', "part cell is of kind 'nmos'; allowed: sram_6t, sram_8t"),
        ('cell = "sram_6t_65nm"', 'cel = "sram_6t_65nm"', "unknown part 'cel'; did you mean 'cell'? allowed: cell"),
        ('cell = "sram_6t_65nm"', "", "part 'cell' is missing; allowed is a card of kind sram_6t or sram_8t"),
        ('cell = "sram_6t_65nm"', "cell = 6", "part cell is 6; allowed is a card's name, the path of one, or a table"),
        ('cell = "sram_6t_65nm"', 'cell = "mine.toml"', "the card is a part of itself"),
        ('cell = "sram_6t_65nm"', 'cell = { kind = "nmos" }', "part cell: field 'title' is missing"),
        ('value = "256"', 'value = "2.5"', "it must be a whole number >= 1"),
    ],
)
def test_a_wrong_part_gets_one_sentence(tmp_path, old, new, message):
    text = (
        (resource_folder("devices") / f"{ARRAY}.toml")
        .read_text(encoding="utf-8")
        .replace("value = 256.0", 'value = "256"')
    )
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(message)):
        load_card(tmp_path / "mine.toml")


def test_an_override_of_an_unknown_part_names_the_parts():
    with pytest.raises(InputError, match=r"unknown part 'cel' in 'cel\.x'"):
        load_card(ARRAY, **{"cel.x": 1})


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [("K", 300.0, "300.0 K"), ("m", 65e-9, "65 nm"), ("1/V", 12.0, "12.0 1/V"), ("V*m", 3.5e-9, "3.5 nV*m")],
)
def test_units_that_look_like_scale_factors_are_units(unit, value, text):
    assert show_quantity(value, unit) == text
    assert read_quantity(text, unit, "x") == value
    assert read_quantity("300K", "K", "x") == 300.0


def test_another_card_takes_a_parts_place(tmp_path):
    macro, array = load_card("sram_macro_65nm"), load_card("sram_array_8t_65nm")
    by_card = macro.replace(array=array)
    assert by_card.parts["array"] == array
    assert by_card == macro.replace(array="sram_array_8t_65nm") == load_card("sram_macro_65nm", array=array)
    assert by_card.parts["adc"] == macro.parts["adc"]
    # A part is exchanged before its parameters are set, and may itself be a part of a part.
    assert macro.replace(**{"array.rows": 64, "array": array}).parts["array"] == array.replace(rows=64)
    assert macro.replace(**{"array.cell": "sram_8t_65nm"}).parts["array"].parts["cell"] == array.parts["cell"]
    by_card.write(tmp_path / "mine.toml")
    assert macro.replace(array=load_card("sram_macro_8t_65nm").parts["array"]).values == macro.values
    assert load_card(tmp_path / "mine.toml").parts["array"].values == array.values


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"array": 3}, "part array is 3; allowed is a card, a card's name or the path of a TOML file"),
        ({"array": "sram_array_9t"}, "part array: there is no card 'sram_array_9t'; did you mean 'sram_array_"),
        ({"array": "sar_adc_65nm"}, "part array is of kind 'sar_adc'; allowed: sram_array"),
        ({"arrray": "sram_array_8t_65nm"}, "unknown parameter 'arrray'; did you mean 'array'"),
        ({"array": "nowhere.toml"}, "part array: nowhere.toml: cannot be read"),
    ],
)
def test_wrong_part_is_one_sentence(given, message):
    with pytest.raises(InputError, match=message):
        load_card("sram_macro_65nm").replace(**given)
