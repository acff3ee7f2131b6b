"""A batch knows its own program: which one made a row, where a worker finds it, where it failed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import mapper.verbs.batch.question as question
from device_profiles.errors import ProfileError
from device_profiles.load import load
from mapper.verbs.batch.judge import surprise
from mapper.verbs.batch.process import _search_path  # pyright: ignore[reportPrivateUsage]
from mapper.verbs.batch.program import PACKAGES, ROOT


def test_all_packages_lie_in_its_folder() -> None:
    for package in PACKAGES:
        assert (ROOT / package / "__init__.py").is_file(), package


def test_a_row_is_of_the_program_whose_every_file_it_names() -> None:
    files = [name for name, _ in question._modules()]  # pyright: ignore[reportPrivateUsage]
    assert "mapper/api.py" in files and "rewrite_rules/rule.py" in files
    assert len(files) > 200


def test_another_source_is_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: set[str] = set()
    for text in ("x = 1", "x = 2"):
        for package in PACKAGES:
            (tmp_path / package).mkdir(exist_ok=True)
            (tmp_path / package / "one.py").write_text(text)
        monkeypatch.setattr(question, "ROOT", tmp_path)
        question.made_by.cache_clear()
        made.add(question.made_by())
    question.made_by.cache_clear()
    assert len(made) == 2


def test_a_worker_finds_the_same_program_first() -> None:
    assert _search_path().split(os.pathsep)[0] == str(ROOT)


def test_a_surprise_names_the_file_by_its_place_in_the_program() -> None:
    with pytest.raises(ProfileError) as caught:
        load("no-such-device")
    assert surprise(caught.value)[1].startswith("in device_profiles/load.py, line ")
