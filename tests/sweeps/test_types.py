"""Options and documents are known wherever they have to be; what has no type says so."""

from __future__ import annotations

import ast
from dataclasses import fields

import pytest

from mapper.problem.given import READING, AskingOptions, ReadingOptions
from mapper.problem.options import PARSERS
from mapper.problem.rows import SemanticsRow, SettingsRow, settings_of, settings_row
from mapper.problem.settings import Settings
from mapper.verbs.batch.columns import COLUMNS, flat
from nir_io.settings import SETTINGS
from tests.batch.rows import fitting
from tests.examples_path import ROOT

OURS = ("nirmap", "mapper", "nir_io", "device_profiles", "rewrite_rules")
# Who may write typing.Any: the checker (values that nobody has looked at), the hand-off (vendors'
# Pythons), element types of arrays, and values that a user's condition compares.
UNTYPED = (
    "mapper/verify/",
    "mapper/bundle/handoff/parts/",
    "nir_io/arrays.py",
    "mapper/verbs/batch/where.py",
)


def test_every_setting_is_an_option_of_the_verbs() -> None:
    own = {field.name for field in fields(Settings)}
    assert set(AskingOptions.__annotations__) == {*SETTINGS, *own, *READING}, (
        "write it in mapper/problem/given.py"
    )
    assert set(ReadingOptions.__annotations__) == {*SETTINGS, *READING} - {"changes"}
    assert set(PARSERS) == own, "write it in mapper/problem/options.py"


def test_every_setting_is_stored_and_read_back() -> None:
    own = {field.name for field in fields(Settings)}
    assert set(SettingsRow.__annotations__) == own, "write it in mapper/problem/rows.py"
    extra = {"reset_timing", "origins"}
    assert set(SemanticsRow.__annotations__) == {*SETTINGS, *extra}, (
        "write it in mapper/problem/rows.py"
    )
    settings = Settings(max_error=0.2, allow=("lif-to-if",), chips=3, weight_bits=6, seed=7)
    assert settings_of(settings_row(settings)) == settings


def test_a_line_has_every_column() -> None:
    assert list(flat(fitting("m", "d"))) == list(COLUMNS)


@pytest.mark.parametrize("package", OURS)
def test_nothing_is_of_any_type(package: str) -> None:
    found = [
        f"{name}:{node.lineno}"
        for file in sorted((ROOT / package).rglob("*.py"))
        if not (name := file.relative_to(ROOT).as_posix()).startswith(UNTYPED)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert found == [], "give it a type: a TypedDict, a Protocol, or object and isinstance"
