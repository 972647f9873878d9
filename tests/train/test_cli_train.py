"""The command that trains."""

import json

import pytest

pytest.importorskip("torch")

from circuitsnn.cli import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["train", *map(str, arguments)])
    captured = capsys.readouterr()
    return left.value.code, captured.out, captured.err


def test_recipes_are_listed(capsys):
    code, out, _ = run(capsys)
    assert code == 0
    assert "digits-mlp\t64-100-10 on digits\tann, converted, snn6" in out
    code, out, _ = run(capsys, "--json")
    assert json.loads(out)["samson-cnn3d"]["data"] == "samson"


def test_digits(capsys, tmp_path):
    code, out, _ = run(capsys, "digits-mlp", "--out", tmp_path, "--epochs", 1, "--stage", "ann")
    assert code == 0
    assert out.startswith(f"{tmp_path / 'digits-mlp-ann.json'}: overall accuracy ")
    code, out, _ = run(capsys, "digits-mlp", "--out", tmp_path, "--epochs", 1, "--stage", "ann", "--json")
    (made,) = json.loads(out)
    assert (code, made["new"], made["file"]) == (0, False, str(tmp_path / "digits-mlp-ann.json"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("letters-mlp",), "there is no recipe 'letters-mlp'; allowed: digits-mlp"),
        (("digits-mlp", "--stage", "snn9"), "has no stage 'snn9'"),
        (("digits-mlp", "--device", "abacus"), "device is 'abacus'"),
        (("mnist-mlp", "--data", "nowhere"), "the files of 'mnist' are not found"),
        (("digits-mlp", "--split", "odd"), "random"),
    ],
)
def test_wrong_arguments(capsys, tmp_path, arguments, message):
    code, _, error = run(capsys, *arguments, "--out", tmp_path)
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


def test_interrupted(capsys, tmp_path, monkeypatch):
    from circuitsnn.train import recipes

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipes, "make", interrupt)
    code, _, error = run(capsys, "digits-mlp", "--out", tmp_path)
    assert code == 130
    assert "the same command goes on after the last epoch" in error
