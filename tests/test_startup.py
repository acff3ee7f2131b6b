"""What a command imports: help needs nothing heavy, a question only what its answer needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.examples_path import ROOT

HEAVY = ("numpy", "h5py", "nir", "networkx", "ortools", "rich", "constraint", "pandas")


def imported(*words: str) -> set[str]:
    """The heavy packages that a command has imported when it is done."""
    script = (
        "import sys, json\n"
        "from mapper.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))\n"
    )
    command = [sys.executable, "-c", script, *words]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return set(json.loads(out.splitlines()[-1]))


@pytest.mark.parametrize("words", [(), ("--help",), ("map", "--help"), ("--version",)])
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    assert imported(*words) == set()


def test_the_chips_are_listed_without_a_solver_or_files() -> None:
    assert imported("devices") & {"ortools", "h5py", "nir", "constraint"} == set()


def test_inspecting_needs_no_solver_and_no_nir() -> None:
    missing = ("inspect", "missing.nir")
    assert imported(*missing) & {"ortools", "nir", "constraint"} == set()
