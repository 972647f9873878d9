import json

import pytest

from circuitsnn.cli import main


@pytest.fixture(autouse=True)
def _no_data_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.delenv("CIRCUITSNN_DATA", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code, *capsys.readouterr()


def test_list_says_where_each_set_is(capsys, tmp_path):
    status, out, _ = run(capsys, "data", "list")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "data set\ttitle\twhere"
    assert lines[1].startswith("digits\t")
    assert lines[1].endswith("the package scikit-learn")
    assert "salinas\tAVIRIS scene of the Salinas valley, 512 x 217 x 204\tnot here: put Salinas_corrected.mat, " in out


def test_list_for_programs(capsys, tmp_path):
    (tmp_path / "samson_dataset.mat").write_bytes(b"")
    _, out, _ = run(capsys, "data", "list", "--folder", str(tmp_path), "--json")
    places = {one["name"]: one["place"] for one in json.loads(out)}
    assert places["samson"] == str(tmp_path)
    assert places["pavia"] is None


def test_fetch_of_a_set_that_is_here(capsys):
    status, out, _ = run(capsys, "data", "fetch", "digits")
    assert status == 0
    assert out.startswith("digits: scikit-learn ")
    assert "\n0\t143\t35\n" in out
    _, out, _ = run(capsys, "data", "fetch", "digits", "--json")
    assert json.loads(out)["classes"][9] == {"class": "9", "train": 144, "test": 36}


def test_fetch_of_an_unknown_set(capsys):
    status, out, err = run(capsys, "data", "fetch", "imagenet")
    assert (status, out) == (2, "")
    assert err.startswith("circuitsnn: there is no data set 'imagenet'; allowed: digits")
