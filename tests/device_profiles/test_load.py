"""Profiles load by name or path, quickly; what cannot be read says why."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import device_profiles
from device_profiles.errors import ProfileError
from device_profiles.lines import line_of
from device_profiles.load import MOST_BYTES, load, names, parse

CHIPS = Path(device_profiles.__file__).parent / "chips"


def said(name_or_path: str | Path) -> str:
    with pytest.raises(ProfileError) as caught:
        load(name_or_path)
    (only,) = caught.value.findings
    return only


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    assert said("speck2g").startswith("no device 'speck2g'; did you mean 'speck2")
    assert said("tpu").endswith(f"there are: {', '.join(names())}, or a path to a .toml file")


def test_a_name_is_never_a_path() -> None:
    for name in ("../chips/loihi2", "/etc/passwd", "", ".", "loihi2\x1b[31m", "loihi2\n"):
        assert said(name).startswith("no device ")
        assert said(name).isprintable()


def test_a_path_loads_what_the_name_loads(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_bytes((CHIPS / "speck2f.toml").read_bytes())
    assert load(mine) == load(str(mine)) == load("speck2f")


def test_the_hash_is_that_of_the_files_bytes() -> None:
    assert load("loihi2").hash == hashlib.sha256((CHIPS / "loihi2.toml").read_bytes()).hexdigest()


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert said(tmp_path / "none.toml").endswith("none.toml' is no file")
    assert said(tmp_path).endswith("is no file")
    assert "is no file" in said("a\0b.toml") or "cannot be read" in said("a\0b.toml")


HOSTILE = [
    (b"\xff\xfe", "x.toml: not UTF-8 text (byte 0)"),
    (b"name = ", "x.toml: not TOML: Invalid value (at end of document)"),
    (b"a = 1\na = 2\n", "x.toml: not TOML: Cannot overwrite a value (at line 2, column 6)"),
    (b" " * (MOST_BYTES + 1), f"x.toml: more than {MOST_BYTES} bytes; a profile has a few thousand"),
    (b"a = " + b"[" * 5000, "x.toml: not a profile: nested too deeply"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "says"), HOSTILE)
def test_a_file_that_is_no_profile_is_refused_in_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse(data, "x.toml")
    assert caught.value.findings == (says,)


def test_an_integer_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"x\.toml: not TOML: "):
        parse(b"a = " + b"9" * 5000, "x.toml")


def test_profiles_and_errors_survive_the_way_between_processes() -> None:
    assert pickle.loads(pickle.dumps(load("speck2f"))) == load("speck2f")
    assert pickle.loads(pickle.dumps(ProfileError(["a", "b"]))).findings == ("a", "b")


def test_a_profile_is_parsed_checked_and_built_in_milliseconds() -> None:
    for name in names():
        data = (CHIPS / f"{name}.toml").read_bytes()
        times: list[float] = []
        for _ in range(5):
            start = time.process_time()
            parse(data, name)
            times.append(time.process_time() - start)
        assert min(times) < 0.015  # 2 to 4 ms where this was written


PLACES = """\
name = "x"
[limits]
# value = 3
a = { value = 1 }
"b" = { value = 2 }
[[core]]
name = "p"
a = 3
[limits.c]
value = 4
[[core]]
name = "q"
a = 5
[core.d]
value = 6
"""


@pytest.mark.parametrize(
    ("table", "key", "core", "line"),
    [
        ("", "name", -1, 1),
        ("", "title", -1, None),
        ("limits", "a", -1, 4),
        ("limits", "b", -1, 5),
        ("limits", "c", -1, 9),
        ("limits", "missing", -1, 2),
        ("core", "a", 0, 8),
        ("core", "a", 1, 13),
        ("core", "d", 1, 14),
        ("core", "missing", 1, 11),
        ("lists", "a", -1, None),
    ],
)
def test_the_line_of_a_key(table: str, key: str, core: int, line: int | None) -> None:
    assert line_of(PLACES, table, key, core) == line


def test_loading_imports_nothing_of_ours_and_nothing_slow() -> None:
    program = (
        "import sys; from device_profiles.load import load, names; [load(n) for n in names()]; "
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert "device_profiles" in imported
    assert not imported & {"nir_io", "mapper", "rewrite_rules", "numpy", "ortools", "nir", "h5py"}


@settings(max_examples=200, deadline=None)
@given(start=st.integers(0, 9000), length=st.integers(0, 60), put=st.text(max_size=4))
def test_a_damaged_file_gives_a_profile_or_findings(start: int, length: int, put: str) -> None:
    text = (CHIPS / "speck2f.toml").read_text()
    damaged = text[:start] + put + text[start + length :]
    try:
        profile = parse(damaged.encode("utf-8", "surrogatepass"), "x.toml")
    except ProfileError as error:
        assert error.findings
        assert all(one.startswith("x.toml") and one.isprintable() for one in error.findings)
    else:
        assert profile.family
