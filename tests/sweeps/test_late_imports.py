"""Imports inside functions are for start-up: here stands which there are, and why."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.examples_path import ROOT

# Rooms whose commands must not load each other's modules: `nirmap --help` imports nothing heavy,
# a question only what its answer needs (tests/test_startup.py).
COMMANDS = ("mapper/api.py", "mapper/cli/", "mapper/verbs/")
# Packages that take long to import, or are there with an extra or on some systems only.
HEAVY = {
    "difflib": "only for 'did you mean'",
    "h5py": "0.1 s; files only",
    "importlib": "resources are read by few commands",
    "networkx": "0.2 s; few graphs need it",
    "nir": "0.3 s; writing only",
    "ortools": "0.6 s with pandas; where CP-SAT is asked",
    "resource": "not on Windows",
    "rich": "0.1 s; terminals only",
}
# Modules of ours that lead to one of these, from files that are loaded without them.
LATE = {
    ("mapper/solving/", "mapper.solving.solve.cpsat"): "ortools: counting settles most refusals",
    ("mapper/solving/pipeline.py", "mapper.solving.explain"): "refusals only",
    ("mapper/solving/pipeline.py", "mapper.solving.explain.kinds"): "refusals only",
    ("mapper/bundle/mapped.py", "nir_io.writer"): "nir",
    ("mapper/bundle/result.py", "mapper.bundle.certificate"): "refusals only",
    ("mapper/bundle/integers/overshoot.py", "mapper.emulate"): "Xylo with a hard reset only",
    ("mapper/problem/fix.py", "device_profiles.load"): "a fix that names another device",
    ("mapper/problem/options.py", "rewrite_rules"): "every rule's file, for --allow only",
    ("mapper/report/html.py", "mapper.report.sheet"): "pages only",
    ("mapper/verify/__init__.py", "mapper.verify.mapped"): "h5py: `verify --model` only",
}


def late() -> Iterator[tuple[str, str, str]]:
    """(file, function, module) of every import inside a function that is shipped."""
    for package in ("nirmap", "mapper", "nir_io", "device_profiles", "rewrite_rules"):
        for file in sorted((ROOT / package).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if "handoff/parts" not in name:
                yield from _of(file, name)


def _of(file: Path, name: str) -> Iterator[tuple[str, str, str]]:
    for function in ast.walk(ast.parse(file.read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from ((name, function.name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield name, function.name, node.module


def test_every_late_import_has_its_reason() -> None:
    found = set(late())
    assert len(found) > 100
    used: set[tuple[str, str]] = set()
    wrong: list[str] = []
    for file, function, module in sorted(found):
        if file.startswith(COMMANDS) or module.split(".")[0] in HEAVY:
            continue
        reasons = [key for key in LATE if file.startswith(key[0]) and module == key[1]]
        used |= set(reasons)
        if not reasons:
            wrong.append(
                f"{file}, {function}: imports {module} inside the function; put it at the top, or "
                "its reason into LATE of tests/sweeps/test_late_imports.py"
            )
    assert wrong == []
    assert set(LATE) == used, "reasons of imports that are gone"
