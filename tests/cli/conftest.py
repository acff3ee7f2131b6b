"""The example networks as files, and the command line as a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mapper.cli.main import main
from tests.examples_path import EXAMPLES


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


def names(folder: Path) -> list[str]:
    """What lies in a folder, sorted."""
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every network of examples/, and models.toml with their semantics."""
    assert EXAMPLES.is_dir()
    from make_models import write_models

    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; what argparse ends becomes an exit code."""

    def command(*words: object) -> Said:
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return command


@pytest.fixture
def ask(run: Run, models: Path) -> Run:
    """`check` (or `map`) of an example network with its own semantics."""

    def command(name: str, device: str, *words: object, verb: str = "check") -> Said:
        sidecar = ("--models", models / "models.toml")
        return run(verb, models / f"{name}.nir", "--device", device, *sidecar, *words)

    return command
