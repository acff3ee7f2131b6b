"""Every family has all that it owes, and nobody else knows its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from device_profiles.families import family_names
from mapper.bundle.handoff import RAN, deploy
from mapper.emulate.decoder import Decoder
from mapper.families import family_named
from mapper.oracle.decide import FAMILIES as ORACLES
from mapper.verify.families import FAMILIES as CHECKERS
from tests.examples_path import ROOT

# Where a family may be named: its own folder, second opinions, what runs without us, its keys.
NAMED_IN = (
    "mapper/families/",
    "mapper/verify/",
    "mapper/oracle/",
    "mapper/bundle/handoff/",
    "device_profiles/families/",
)
# Words for a person, about an option or a preset that only some chips have.
WORDS = {
    "mapper/cli/arguments.py": "where events enter a Speck",
    "mapper/cli/main.py": "the examples of a first command name devices",
}


@pytest.mark.parametrize("name", family_names())
def test_a_family_has_all_that_it_owes(name: str) -> None:
    missing = [
        f"{name}: {what}"
        for there, what in (
            (name in CHECKERS, "no checker; write it and its line in mapper/verify/families.py"),
            (name in ORACLES, "no exhaustive search; its line is in mapper/oracle/decide.py"),
            (name in RAN and deploy(name) is not None, "no hand-off in mapper/bundle/handoff"),
        )
        if not there
    ]
    assert missing == []
    family = family_named(name)
    assert family.name == family.backend.family == name
    assert isinstance(family.decoder, type) and issubclass(family.decoder, Decoder)
    assert not getattr(family.decoder, "__abstractmethods__", ())


def test_no_table_has_a_family_that_is_not_there() -> None:
    names = set(family_names())
    assert set(CHECKERS) == set(ORACLES) == set(RAN) == names


def strings() -> Iterator[tuple[str, int, str]]:
    """(file, line, text) of every string outside the places where a family may be named.

    Docstrings are left out: they explain, and nothing depends on them.
    """
    for package in ("nirmap", "mapper", "nir_io", "device_profiles", "rewrite_rules"):
        for file in sorted((ROOT / package).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if name.startswith(NAMED_IN):
                continue
            tree = ast.parse(file.read_text())
            told = {
                id(node.body[0].value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
                and node.body
                and isinstance(node.body[0], ast.Expr)
            }
            for node in ast.walk(tree):
                plain = isinstance(node, ast.Constant) and id(node) not in told
                if plain and isinstance(node.value, str):
                    yield name, node.lineno, node.value


def test_no_family_is_named_elsewhere() -> None:
    names = set(family_names())
    found = {
        (file, line, text[:60])
        for file, line, text in strings()
        if names & set(re.findall(r"[a-z0-9]+", text.lower()))
    }
    wrong = [
        f"{file}:{line}: {text!r} names a family; ask Question.traits, or the Family, instead"
        for file, line, text in sorted(found)
        if file not in WORDS
    ]
    assert wrong == []
    assert set(WORDS) == {file for file, _, _ in found}, "words that are gone"


def test_no_family_is_imported_elsewhere() -> None:
    wrong: list[str] = []
    pattern = re.compile(r"mapper\.families\.(\w+)")
    for package in ("nirmap", "mapper", "nir_io", "device_profiles", "rewrite_rules"):
        for file in sorted((ROOT / package).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if name.startswith("mapper/families/"):
                continue
            for found in pattern.findall(file.read_text()):
                if found in family_names():
                    wrong.append(f"{name}: imports from mapper/families/{found}")
    assert wrong == []
