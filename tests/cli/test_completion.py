"""`nirmap --completion SHELL` prints what the shell takes, and bash completes with it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from device_profiles.load import names
from mapper.cli.arguments import parser
from mapper.cli.completion import SHELLS, script
from tests.cli.conftest import Run

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
_shtab_nirmap
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_every_command(run: Run, shell: str) -> None:
    said = run("--completion", shell)
    assert said.code == 0
    for word in (
        "check",
        "fit",
        "devices",
        "xylo-imu",
        "--semantics" if shell != "fish" else "semantics",
    ):
        assert word in said.out


def test_bash_completes(tmp_path: Path) -> None:
    file = tmp_path / "nirmap.bash"
    file.write_text(script(parser(), "bash"))

    def completed(*words: str) -> set[str]:
        asked = ["bash", "-c", ASK, "ask", str(file), *words]
        said = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=tmp_path)
        return set(said.stdout.split())

    assert {"map", "check", "fit", "verify"} <= completed("nirmap", "")
    assert completed("nirmap", "ver") == {"verify"}
    assert completed("nirmap", "check", "--device", "") == set(names())
    assert completed("nirmap", "check", "--sem") == {"--semantics"}


def test_another_shell_is_refused(run: Run) -> None:
    said = run("--completion", "cmd")
    assert said.code == 2
    assert "invalid choice: 'cmd'" in said.err
