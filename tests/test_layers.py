"""Who may import what (the layout): read from the sources, not from a running program."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.examples_path import ROOT

OURS = ("mapper", "nir_io", "device_profiles", "rewrite_rules")
MAY = {
    "nir_io": {"nir_io"},
    "device_profiles": {"device_profiles"},
    "rewrite_rules": {"rewrite_rules", "nir_io"},
    "mapper": set(OURS),
}
# (package, where alone it may be imported at run time)
ONLY = {
    "ortools": ("mapper/solving/", "mapper/oracle/"),
    "constraint": ("mapper/oracle/",),
    "nir": ("nir_io/writer.py",),
    "h5py": ("nir_io/", "mapper/verify/mapped.py"),
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules that a file imports, but not those that only its types need."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        yield from imports(node)


def found() -> list[tuple[str, str]]:
    """(file, module that it imports) of everything that is shipped."""
    return [
        (str(file.relative_to(ROOT)), module)
        for package in OURS
        for file in sorted((ROOT / package).rglob("*.py"))
        for module in imports(ast.parse(file.read_text()))
    ]


def test_something_is_read() -> None:
    assert len({file for file, _ in found()}) > 100


@pytest.mark.parametrize("package", OURS)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = [
        (file, module)
        for file, module in found()
        if file.startswith(f"{package}/")
        and module.split(".")[0] in OURS
        and module.split(".")[0] not in MAY[package]
    ]
    assert wrong == []


@pytest.mark.parametrize("library", ONLY)
def test_a_library_is_imported_in_its_place_only(library: str) -> None:
    users = [file for file, module in found() if module.split(".")[0] == library]
    assert users, f"nothing imports {library}"
    assert [file for file in users if not file.startswith(ONLY[library])] == []


def test_nothing_shipped_imports_tests_or_examples() -> None:
    foreign = {"tests", "examples", "scripts", "benchmarks", "networks", "make_models"}
    assert [pair for pair in found() if pair[1].split(".")[0] in foreign] == []
