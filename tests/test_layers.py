"""Who may import what (the layout): read from the sources, not from a running program."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import networkx as nx
import pytest

from tests.examples_path import ROOT

OURS = ("nirmap", "mapper", "nir_io", "device_profiles", "rewrite_rules")
MAY = {
    "nir_io": {"nir_io"},
    "device_profiles": {"device_profiles"},
    "rewrite_rules": {"rewrite_rules", "nir_io"},
    "mapper": set(OURS) - {"nirmap"},
    "nirmap": set(OURS),
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


# The rooms of mapper/, from the ground up; a file imports from its own room and those below.
ROOMS = [
    "errors",
    "problem",
    "verify",
    "solving",
    "emulate",
    "bundle",
    "families",
    "oracle",
    "report",
    "verbs",
    "api",
    "cli",
]
# Where a module's name may be data: families by a profile's, rules and keys by listing a folder,
# and the hand-off's parts, which run in the vendors' Pythons.
DYNAMIC = (
    "mapper/families/__init__.py",
    "mapper/bundle/handoff/parts/",
    "rewrite_rules/__init__.py",
    "device_profiles/families/__init__.py",
)


def files() -> dict[str, str]:
    """Module -> file of everything that is shipped, parts of the hand-off left out."""
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): str(
            file.relative_to(ROOT)
        )
        for package in OURS
        for file in sorted((ROOT / package).rglob("*.py"))
        if "parts" not in file.parts
    }


def arrows() -> nx.DiGraph[str]:
    """Which module imports which, imports inside functions counted."""
    known = files()
    graph: nx.DiGraph[str] = nx.DiGraph()
    for module, file in known.items():
        graph.add_node(module)
        for node in ast.walk(_at_run_time(ast.parse((ROOT / file).read_text()))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                while name and name not in known:
                    name = name.rpartition(".")[0]
                if name and name != module:
                    graph.add_edge(module, name)
    return graph


def _at_run_time(tree: ast.Module) -> ast.Module:
    """Without what only types need."""

    class Typeless(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.dump(node.test) else self.generic_visit(node)

    return Typeless().visit(tree)


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = arrows()
    assert graph.number_of_edges() > 500
    circles = [sorted(c) for c in nx.strongly_connected_components(graph) if len(c) > 1]
    assert circles == []


def test_imports_of_the_mapper_run_downwards() -> None:
    def room(module: str) -> int | None:
        parts = module.split(".")
        return ROOMS.index(parts[1]) if parts[0] == "mapper" and len(parts) > 1 else None

    wrong = [
        f"{a} imports {b}, which lies above it"
        for a, b in arrows().edges
        if (at := room(a)) is not None and (to := room(b)) is not None and to > at
    ]
    assert wrong == []


def test_the_mapper_has_these_rooms_and_no_more() -> None:
    entries = {
        entry.stem for entry in (ROOT / "mapper").iterdir() if not entry.name.startswith("__")
    } - {"py"}
    assert entries == set(ROOMS)


def test_a_module_is_imported_by_a_name_that_is_data_in_few_places() -> None:
    users = {file for file, module in found() if module.startswith("importlib")}
    texts = {file for file in users if "import_module(" in (ROOT / file).read_text()}
    assert texts, "nothing does"
    assert [file for file in sorted(texts) if not file.startswith(DYNAMIC)] == []


def test_nothing_shipped_imports_tests_or_examples() -> None:
    foreign = {"tests", "examples", "scripts", "benchmarks", "networks", "make_models"}
    assert [pair for pair in found() if pair[1].split(".")[0] in foreign] == []
