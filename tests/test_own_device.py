"""docs/own-device.md, carried out: its edits are made, and its commands say what it says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import device_profiles
from mapper.cli.main import main
from tests.corpus import ROOT

TEXT = (ROOT / "docs" / "own-device.md").read_text()
BLOCK = re.compile(r"```(toml|text)\n(.*?)```\n", re.DOTALL)


def test_the_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "digits" / "digits.nir", tmp_path)
    chips = Path(device_profiles.__path__[0]) / "chips"
    shutil.copy(chips / "xylo-audio2.toml", "my-xylo.toml")
    (tmp_path / "chips").mkdir()
    blocks = BLOCK.findall(TEXT)
    commands = 0
    for kind, block in blocks:
        if kind == "toml":
            edit(Path("my-xylo.toml"), block)
            continue
        command, expected = block.split("\n", 1)
        words = command.removeprefix("$ nirmap ").split()
        if words[0] == "fit":
            shutil.move("my-xylo.toml", "chips")
            monkeypatch.setenv("NIRMAP_DEVICES", "chips")
        main(words)
        said = capsys.readouterr()
        assert (said.err + said.out).startswith(expected), command
        commands += 1
    assert (commands, len(blocks)) == (5, 7)


def edit(file: Path, lines: str) -> None:
    """Put each line `key = ...` for the first of that key; below its table where there is none."""
    text, table = file.read_text(), ""
    for line in lines.splitlines():
        if line.startswith("["):
            table = line
            continue
        key = line.split(" = ")[0]
        new, found = re.subn(rf"(?m)^{key} = .*$", lambda _, line=line: line, text, count=1)
        text = new if found else text.replace(f"{table}\n", f"{table}\n{line}\n", 1)
    file.write_text(text)
