import pytest

from circuitsnn.errors import InputError
from circuitsnn.study import list_studies, load_study, registry


@pytest.fixture
def packaged_dice(dice_file, monkeypatch):
    dice_file.with_name("_helper.py").write_text("")
    monkeypatch.setattr(registry, "resource_folder", lambda name: dice_file.parent)


@pytest.mark.usefixtures("packaged_dice")
def test_studies_are_found_by_name():
    assert list_studies() == ["dice"]
    assert load_study("dice").title == "A dice"
    assert load_study("dice") is load_study("dice")


@pytest.mark.usefixtures("packaged_dice")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dise", "no study 'dise'; did you mean 'dice'"),
        ("nowhere/dice.py", "no study file nowhere/dice.py; allowed: dice"),
    ],
)
def test_an_unknown_study_is_refused_with_what_there_is(name, message):
    with pytest.raises(InputError, match=message):
        load_study(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "cannot be loaded: SyntaxError"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("STUDY = 1", "must define STUDY"),
    ],
)
def test_a_file_that_is_no_study_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_study(path)


def test_two_files_of_one_name_are_two_studies(dice_file, tmp_path):
    other = tmp_path / "dice.py"
    other.write_text(dice_file.read_text().replace("A dice", "Another dice"))
    assert [load_study(path).title for path in (dice_file, other, dice_file)] == [
        "A dice",
        "Another dice",
        "A dice",
    ]
