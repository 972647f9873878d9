import re
import shlex
from pathlib import Path

import pytest

from circuitsnn.cards import load_card
from circuitsnn.cli import main

ROOT = Path(__file__).parent.parent


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)


def test_own_device_takes_at_most_20_lines_and_works(tmp_path, monkeypatch, capsys):
    [card] = blocks("docs/add_your_own_device.md", "toml")
    [program] = blocks("docs/add_your_own_device.md", "python")
    assert len([line for line in card.splitlines() if line]) <= 20
    (tmp_path / "my_film.toml").write_text(card, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "docs/add_your_own_device.md", "exec"), {})
    assert "relative_sigma=0.012" in capsys.readouterr().out
    assert load_card("my_film.toml").V_H == 1.96


def test_readme_examples_run(tmp_path, monkeypatch, capsys):
    programs = blocks("README.md", "python")
    assert len(programs) == 4
    monkeypatch.chdir(tmp_path)
    for program in programs:
        exec(compile(program, "README.md", "exec"), {})
        assert capsys.readouterr().out


def test_netlist_example_runs(tmp_path, monkeypatch, capsys):
    network, foundry = blocks("docs/netlists.md", "python")
    monkeypatch.chdir(tmp_path)
    exec(compile(network, "docs/netlists.md", "exec"), {})
    assert "Cprobe osc0_out 0 2p" in capsys.readouterr().out
    exec(compile(foundry, "docs/netlists.md", "exec"), {})
    assert "Xcell1_access bl wl_1 cell1_q 0 nch_mac w='W_access' l='L_access'" in capsys.readouterr().out


def test_netlist_commands_run(tmp_path, monkeypatch, capsys):
    text = (ROOT / "docs/netlists.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    circuitsnn (.*)$", text, re.M)
    assert len(commands) == 7
    monkeypatch.chdir(tmp_path)
    for command in commands:
        with pytest.raises(SystemExit) as left:
            main(shlex.split(command))
        assert left.value.code == 0
    written = ["adc.png", "bitline.png", "chip7.cir", "out.csv", "pair.png", "pair.scs", "read.scs"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".va") == written


@pytest.mark.parametrize("folder", ["circuitsnn", "devices", "netlists", "studies", "tests", "docs"])
def test_readme_says_what_is_in_each_folder(folder):
    assert f"`{folder}/`" in (ROOT / "README.md").read_text(encoding="utf-8")
