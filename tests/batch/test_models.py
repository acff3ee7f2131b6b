"""Files, folders and patterns name models; what names nothing is said at once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from mapper.verbs.batch.models import UNREADABLE, models
from nir_io.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "m" / "deep").mkdir(parents=True)
    for name in ("b.nir", "a.nir", "deep/c.nir", "notes.txt"):
        (tmp_path / "m" / name).write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*given: str) -> list[str]:
    return [model.name for model in models(given)]


@pytest.mark.usefixtures("folder")
def test_a_folder_is_searched_at_any_depth_for_nir_files() -> None:
    assert names("m") == ["m/a.nir", "m/b.nir", "m/deep/c.nir"]


@pytest.mark.usefixtures("folder")
def test_patterns_match_files_and_folders() -> None:
    assert names("m/*.nir") == ["m/a.nir", "m/b.nir"]
    assert names("m/**/*.nir") == ["m/a.nir", "m/b.nir", "m/deep/c.nir"]
    assert names("*") == ["m/a.nir", "m/b.nir", "m/deep/c.nir"]


@pytest.mark.usefixtures("folder")
def test_a_file_is_taken_whatever_it_is_called_and_only_once() -> None:
    assert names("m/notes.txt", "m/a.nir", "./m/a.nir", "m/deep/../a.nir") == [
        "m/a.nir",
        "m/notes.txt",
    ]


def test_a_model_carries_the_hash_and_the_size_of_its_bytes(folder: Path) -> None:
    (found,) = models([folder / "m" / "a.nir"])
    assert (found.sha256, found.size) == (hashlib.sha256(b"a.nir").hexdigest(), 5)


def test_a_name_with_brackets_is_a_file_before_it_is_a_pattern(folder: Path) -> None:
    (folder / "m" / "x[1].nir").write_bytes(b"")
    assert names("m/x[1].nir") == ["m/x[1].nir"]


def test_what_cannot_be_read_is_still_a_model(folder: Path) -> None:
    os.mkfifo(folder / "pipe.nir")  # opening it would wait for ever
    (folder / "gone.nir").symlink_to("nowhere")
    assert {model.sha256 for model in models(["pipe.nir", "gone.nir"])} == {UNREADABLE}


@pytest.mark.usefixtures("folder")
def test_everything_that_names_nothing_is_said_at_once() -> None:
    Path("empty").mkdir()
    with pytest.raises(BadInput) as error:
        models(["nothing.nir", "empty", "x*.nir", "m/a.nir"])
    assert error.value.findings == (
        "'nothing.nir': there is no such file or folder",
        "'empty': a folder without .nir files",
        "'x*.nir': no file matches this pattern",
    )
    with pytest.raises(BadInput, match="no models are given"):
        models([])


def test_names_are_printable(folder: Path) -> None:
    (folder / "m" / "\x1b[31m.nir").write_bytes(b"")
    assert "m/\\x1b[31m.nir" in names("m")
