"""Each kind of defect has its own message, with file, line, table and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import device_profiles
from device_profiles.errors import ProfileError
from device_profiles.load import parse

CHIPS = Path(device_profiles.__file__).parent / "chips"

# A profile of a family that has no rules of its own.
SMALL = """\
name = "example9"
title = "An example"
vendor = "Somebody"
family = "example"

[sources]
limits = "vendor limits table, revision 2, row per core"

[limits]
channels = { value = 16, unit = "channels", source = "limits", confidence = "published" }
width_min = { value = 1, unit = "pixels", source = "limits", confidence = "published", kind = "floor" }
width_max = { value = 8, unit = "pixels", source = "limits", confidence = "published" }

[[core]]
name = "core0"
ids = [0, 1]
kernel_memory = { value = 16384, unit = "weights", source = "limits", confidence = "published" }

[[core]]
name = "core1"
ids = { first = 2, last = 4 }
kernel_memory = { value = 65536, unit = "weights", source = "limits", confidence = "inferred", optimistic = 131072 }

[lists]
strides = { values = [1, 2], unit = "pixels", source = "limits", confidence = "published" }

[switches]
merge = { value = true, source = "limits", confidence = "published" }
"""

CHANNELS = (
    'channels = { value = 16, unit = "channels", source = "limits", confidence = "published" }'
)
BIG = 'value = 65536, unit = "weights", source = "limits", confidence = "inferred", optimistic = 131072'
STRIDES = (
    'strides = { values = [1, 2], unit = "pixels", source = "limits", confidence = "published" }'
)
MERGE = 'merge = { value = true, source = "limits", confidence = "published" }'

# (what is wrong, text in SMALL, what stands there instead)
GENERAL = [
    ("no name", 'name = "example9"\n', ""),
    ("a name that is a path", '"example9"', '"../example9"'),
    ("a title with a line break", '"An example"', '"An\\nexample"'),
    ("a vendor that is a number", '"Somebody"', "7"),
    ("an unknown part", 'family = "example"', 'family = "example"\n\n[limit]\nx = 1'),
    ("a list of tables where a table belongs", "[switches]", "[[switches]]"),
    ("a source without text", '"vendor limits table, revision 2, row per core"', '" "'),
    ("a source twice", "[limits]\n", 'again = "vendor limits table, revision 2, row per core"\n\n[limits]\n'),
    ("a source that nothing cites", "[limits]\n", 'paper = "a paper"\n\n[limits]\n'),
    ("a source that is not listed", 'revision 2, row per core"\n\n[limits]\nchannels = { value = 16, unit = "channels", source = "limits"', 'revision 2, row per core"\n\n[limits]\nchannels = { value = 16, unit = "channels", source = "limit"'),
    ("a number without its table", CHANNELS, "channels = 16"),
    ("a number without a value", "value = 16, ", ""),
    ("a number without a unit", 'unit = "channels", ', ""),
    ("a number without a source", 'unit = "channels", source = "limits", ', 'unit = "channels", '),
    ("a number without a confidence", CHANNELS, CHANNELS.replace(', confidence = "published"', "")),
    ("text for a value", "value = 16,", 'value = "16",'),
    ("true for a value", "value = 16,", "value = true,"),
    ("nan for a value", "value = 16,", "value = nan,"),
    ("a value out of all bounds", "value = 16,", "value = 99999999999999999999,"),
    ("a confidence that is none", CHANNELS, CHANNELS.replace('"published"', '"sure"')),
    ("a guess without a note", CHANNELS, CHANNELS.replace('"published"', '"assumed"')),
    ("an empty note", CHANNELS, CHANNELS.replace('"published"', '"published", note = ""')),
    ("a part of a number that is none", CHANNELS, CHANNELS.replace('"published"', '"published", safe = 8')),
    ("a kind that is none", CHANNELS, CHANNELS.replace('"published"', '"published", kind = "most"')),
    ("a limit with a smaller optimistic value", BIG, BIG.replace("131072", "1024")),
    ("a cost with a larger optimistic value", BIG, BIG + ', kind = "cost"'),
    ("a floor with a larger optimistic value", BIG, BIG + ', kind = "floor"'),
    ("a fact with an optimistic value", BIG, BIG + ', kind = "fact"'),
    ("an optimistic value that is the value", BIG, BIG.replace("131072", "65536")),
    ("an optimistic value that is infinite", BIG, BIG.replace("131072", "inf")),
    ("a range the wrong way round", "value = 1, unit", "value = 9, unit"),
    ("a key in capitals", "channels = {", "Channels = {"),
    ("a key with an escape sequence", "channels = {", '"\\u001b[31m" = {'),
    ("no cores", SMALL[SMALL.index("[[core]]") : SMALL.index("[lists]")], ""),
    ("cores without a name", '[[core]]\nname = "core0"\n', "[[core]]\n"),
    ("two classes of one name", 'name = "core1"', 'name = "core0"'),
    ("cores without ids", "ids = [0, 1]\n", ""),
    ("an empty list of ids", "ids = [0, 1]", "ids = []"),
    ("ids that are text", "ids = [0, 1]", 'ids = ["0"]'),
    ("ids that end before they begin", "first = 2, last = 4", "first = 4, last = 2"),
    ("more ids than any chip has", "first = 2, last = 4", "first = 2, last = 99999999999"),
    ("an id below zero", "ids = [0, 1]", "ids = [-1]"),
    ("an id in two classes", "first = 2", "first = 1"),
    ("an id twice in a class", "ids = [0, 1]", "ids = [0, 0]"),
    ("a list without its table", STRIDES, "strides = [1, 2]"),
    ("a list without entries", "values = [1, 2]", "values = []"),
    ("a list of all kinds", "values = [1, 2]", 'values = [1, "2"]'),
    ("a list with an entry twice", "values = [1, 2]", "values = [1, 1, 2]"),
    ("integers without a unit", 'values = [1, 2], unit = "pixels"', "values = [1, 2]"),
    ("a list without a source", STRIDES, STRIDES.replace('source = "limits", ', "")),
    ("a switch without its table", MERGE, "merge = true"),
    ("a switch that is a number", "value = true", "value = 1"),
    ("a switch without a confidence", MERGE, MERGE.replace(', confidence = "published"', "")),
]  # fmt: skip

# The same on a chip of a known family.
HIDDEN = 'hidden_neurons = { value = 496, unit = "neurons",'
OF_A_FAMILY = [
    ("a needed number missing", 'input_channels = { value = 16, unit = "channels", source = "overview", confidence = "published", note = "rockpool\'s mapper only warns beyond it" }\n', ""),
    ("a needed list missing", 'comparison = { values = [">="], source = "xylosim", confidence = "inferred" }\n', ""),
    ("a needed switch missing", 'one_time_step = { value = true, source = "graph", confidence = "inferred" }\n', ""),
    ("a misspelt key", "hidden_neurons =", "hiden_neurons ="),
    ("a key that nothing reads", "[[core]]\n", '[[core]]\nzzz = { value = 1, unit = "x", source = "overview", confidence = "published" }\n'),
    ("another unit", HIDDEN, HIDDEN.replace('"neurons"', '"cells"')),
    ("another kind", HIDDEN, HIDDEN + ' kind = "cost",'),
    ("a fraction", HIDDEN, HIDDEN.replace("496", "496.5")),
    ("a whole number with a decimal point", HIDDEN, HIDDEN.replace("496", "496.0")),
    ("less than nothing", HIDDEN, HIDDEN.replace("496", "-1")),
    ("a word that the mapper does not know", 'resets = { values = ["subtract"]', 'resets = { values = ["soft"]'),
    ("integers for words", 'resets = { values = ["subtract"]', 'resets = { values = [1], unit = "x"'),
    ("more ids than cores", "ids = [0]", "ids = [0, 1]"),
]  # fmt: skip


def findings(text: str, old: str, new: str, file: str) -> tuple[str, ...]:
    assert text.count(old) == 1, f"'{old}' stands {text.count(old)} times in the profile"
    with pytest.raises(ProfileError) as caught:
        parse(text.replace(old, new).encode(), file)
    assert str(caught.value) == "\n".join(caught.value.findings)
    return caught.value.findings


def test_the_small_profile_is_sound() -> None:
    assert parse(SMALL.encode(), "example9.toml").limit("channels").value == 16


def test_defects_of_any_profile(golden: Callable[[str, str], None]) -> None:
    said = [(title, findings(SMALL, old, new, "example9.toml")) for title, old, new in GENERAL]
    golden("device_profiles/defects.txt", report(said))


def test_defects_of_a_chip_of_a_known_family(golden: Callable[[str, str], None]) -> None:
    text = (CHIPS / "xylo-imu.toml").read_text()
    said = [(title, findings(text, old, new, "mine.toml")) for title, old, new in OF_A_FAMILY]
    golden("device_profiles/defects_of_a_family.txt", report(said))


def test_all_defects_are_reported_at_once() -> None:
    text = SMALL.replace("value = 16,", "value = nan,").replace('unit = "pixels", source', "source")
    with pytest.raises(ProfileError) as caught:
        parse(text.encode(), "example9.toml")
    assert len(caught.value.findings) == 4


@pytest.mark.parametrize("table", ["[limits]", "[lists]", "[switches]"])
def test_an_empty_family_table_misses_every_key(table: str) -> None:
    text = (CHIPS / "xylo-imu.toml").read_text()
    cut = text[: text.index(table)] + text[_end(text, table) :]
    with pytest.raises(ProfileError) as caught:
        parse(cut.encode(), "mine.toml")
    missing = [one for one in caught.value.findings if "every chip of this family has it" in one]
    assert len(missing) >= 6


def _end(text: str, table: str) -> int:
    after = text.find("\n[", text.index(table) + 1)
    return len(text) if after < 0 else after


def report(said: list[tuple[str, tuple[str, ...]]]) -> str:
    assert len({found for _, found in said}) == len(said)  # no two defects read alike
    return "".join(
        f"# {title}\n" + "".join(f"{one}\n" for one in found) + "\n" for title, found in said
    )
