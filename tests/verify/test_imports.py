"""The checker shares no code with what it checks."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import mapper.verify

FOLDER = Path(mapper.verify.__file__).parent
THEIRS = ("numpy", "h5py")
OURS = ("mapper.verify",)


def imported(file: Path) -> set[str]:
    """Modules that a file names in its imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(str(node.module))
    return found


def test_it_imports_numpy_and_itself_only() -> None:
    files = sorted(FOLDER.glob("*.py"))
    assert len(files) > 10
    for file in files:
        for name in imported(file):
            top = name.partition(".")[0]
            assert name.startswith(OURS) or top in THEIRS or top in sys.stdlib_module_names, (
                f"{file.name} imports {name}"
            )
            assert top != "h5py" or file.name == "mapped.py"
            assert top not in ("pickle", "shelve", "subprocess", "ctypes")


def test_it_evaluates_nothing() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                assert name not in ("eval", "exec", "load", "literal_eval", "__import__"), file


def test_no_solver_and_no_model_is_loaded_with_it() -> None:
    code = (
        "import sys, mapper.verify\n"
        "bad = {'ortools', 'networkx', 'constraint', 'h5py', 'nir', 'nir_io', 'rewrite_rules'}\n"
        "ours = {m for m in sys.modules if m.startswith('mapper.') and 'verify' not in m}\n"
        "assert not bad & {m.partition('.')[0] for m in sys.modules}, sys.modules\n"
        "assert not ours, ours\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
