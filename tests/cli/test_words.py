"""What is printed: stored as text, the same in JSON, harmless to a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper import api
from mapper.bundle.json import dumps
from mapper.report.page import Block, Page, plain, safe, show
from tests.cli.conftest import Run

GOLDEN = {
    "fits_in_parts": ("cnn_if_wide", "speck2f"),
    "fits_approximately": ("mlp_lif", "xylo-audio2"),
    "fits_recurrent": ("srnn_cuba", "spinnaker2"),
    "refused_cores": ("cnn_if_deep", "speck2f"),
    "refused_memory": ("cnn_if_heavy", "speck2f"),
    "refused_policy": ("mlp_lif", "speck2f"),
    "refused_neurons": ("srnn_cuba", "speck2f"),
    "refused_inputs": ("cnn_if", "xylo-audio2"),
    "undecided": ("srnn_cuba", "xylo-audio2", "--published-only"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_reports_are_as_stored(name: str, ask: Run, golden: Callable[[str, str], None]) -> None:
    model, device, *options = GOLDEN[name]
    golden(f"cli/{name}.txt", ask(model, device, *options).out)


@pytest.mark.parametrize("device", ["speck2f", "xylo-imu"])
def test_a_device_is_shown_as_stored(
    device: str, run: Run, golden: Callable[[str, str], None]
) -> None:
    golden(f"cli/device_{device}.txt", run("devices", device).out)


def test_what_is_in_a_file_is_shown_as_stored(
    run: Run,
    models: Path,
    golden: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(models)
    known = run("inspect", "srnn_cuba.nir", "--models", "models.toml")
    unknown = run("inspect", "srnn_cuba.nir")
    assert (known.code, unknown.code) == (0, 0)
    golden("cli/inspect.txt", known.out)
    golden("cli/inspect_unknown.txt", unknown.out)


def flat(text: str) -> str:
    """The words of a text, however its lines are broken."""
    return " ".join(text.split())


@pytest.mark.parametrize("name", GOLDEN)
def test_json_and_text_say_the_same(name: str, ask: Run) -> None:
    model, device, *options = GOLDEN[name]
    text = flat(ask(model, device, *options).out).lower()
    said = ask(model, device, *options, "--json")
    facts = json.loads(said.out)
    assert facts["exit"] == said.code
    for assumption in facts.get("assumptions", ()):
        assert f"{assumption['id']} {flat(assumption['says'])}".lower() in text
    for conflict in facts.get("conflicts", ()):
        for claim in conflict["claims"]:
            own = f"'{claim['about'][0]}': " if claim["about"] else ""
            assert flat(claim["says"].removeprefix(own)).lower() in text
            assert flat(claim["source"]).lower() in text
    for alarm in facts.get("alarms", ()):
        assert flat(alarm).lower() in text
    for change in facts.get("changes", ()):
        assert change["rule"] in text
        if change["keeps"] == "within":
            assert f"error {change['bound']:.3g}" in text
    for way in facts.get("ways", ()):
        assert way.lower() in text
    for key, entry in facts["semantics"].items():
        if entry["value"] is not None:
            shown = entry["value"]
            shown = f"{shown:g}" if isinstance(shown, float) else shown
            assert f"{key} {shown}".lower() in text


def test_python_and_the_command_line_say_the_same(ask: Run, models: Path) -> None:
    result = api.check(models / "cnn_if.nir", "speck2f", models=models / "models.toml")
    assert ask("cnn_if", "speck2f").out == result.text
    assert ask("cnn_if", "speck2f", "--json").out == dumps(result.facts)


def test_the_report_in_a_bundle_is_what_was_printed(ask: Run, tmp_path: Path) -> None:
    said = ask("cnn_if", "speck2f", "-o", tmp_path / "out", verb="map")
    stored = (tmp_path / "out" / "report.txt").read_text()
    assert said.out.replace(f"Written to {tmp_path}/out\n", "") == stored
    assert str(tmp_path) not in stored


def test_lists_of_everything_are_complete(run: Run) -> None:
    devices = json.loads(run("devices", "--json").out)
    assert [one["name"] for one in devices] == [one.name for one in api.devices()]
    assert len(devices) >= 7
    text = run("devices").out
    assert all(one["name"] in text for one in devices)
    rules = json.loads(run("rules", "--json").out)
    assert len(rules) >= 30
    text = flat(run("rules").out)
    assert all(rule["name"] in text and rule["says"] for rule in rules)
    one = run("rules", "reset-kind").out
    assert one.startswith("reset-kind\n\n")
    assert "Approximate" in one


def test_every_number_of_a_device_is_shown_with_its_source(run: Run) -> None:
    facts = json.loads(run("devices", "speck2f", "--json").out)
    text = flat(run("devices", "speck2f").out)
    for name, number in facts["limits"].items():
        assert name in text
        assert flat(number["source"]) in text


# --- nothing that could steer a terminal ---

STEERING = "\x1b[31mred\x1b[0m\x07\x9b2J\u202egnp.exe\u200b\ud800"


@given(st.text(max_size=200), st.integers(20, 200))
def test_a_page_holds_only_what_can_be_seen(text: str, width: int) -> None:
    page = Page(verdict=text, mood="bad", lines=(text,), blocks=(Block(text, ((text, text),)),))
    printed = plain(page, width)
    assert all(char == "\n" or char.isprintable() or char.isspace() for char in printed)
    assert not any(ord(char) < 32 and char != "\n" for char in printed)


def test_harmful_characters_are_told_not_sent() -> None:
    shown = safe(STEERING)
    assert shown.isprintable()
    assert r"\x1b[31mred" in shown
    assert r"\u202e" in shown


def test_names_on_the_command_line_are_escaped(run: Run, tmp_path: Path) -> None:
    said = run("check", f"{tmp_path}/\x1b]0;owned\x07.nir", "--device", "speck2f\x1b[2J")
    assert said.code == 2
    assert said.err.replace("\n", "").isprintable()


def test_names_in_a_file_are_refused_or_escaped(run: Run, tmp_path: Path) -> None:
    name = "evil\x1b[2J"
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        name: nir.Linear(np.eye(2)),
        "output": nir.Output({"output": np.array([2])}),
    }
    edges = [("input", name), (name, "output")]
    nir.write(tmp_path / "evil.nir", nir.NIRGraph(nodes, edges))
    said = run("inspect", tmp_path / "evil.nir")
    assert said.code == 2
    assert (said.out + said.err).replace("\n", "").isprintable()


def test_a_file_with_a_harmful_name_is_reported_harmlessly(
    run: Run, models: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "net\x1b[31m.nir"
    copy.write_bytes((models / "cnn_if.nir").read_bytes())
    for words in (("--semantics", "sinabs"), ("--semantics", "sinabs", "--json")):
        said = run("check", copy, "--device", "speck2f", *words)
        assert said.code == 0
        assert said.out.replace("\n", "").isprintable()


# --- long lists and narrow terminals ---


def test_a_long_list_is_cut_with_a_count() -> None:
    rows = tuple((f"row {i}", "text") for i in range(30))
    whole = plain(Page(verdict="v", mood="plain", blocks=(Block("All", rows),)))
    assert "row 29" in whole
    cut = plain(Page(verdict="v", mood="plain", blocks=(Block("All", rows, most=12),)))
    assert cut.count("  text\n") == 12
    assert cut.endswith("and 18 more (--json has all)\n")


@pytest.mark.parametrize("width", [20, 40, 60, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    rows = (("name", "many, words, of, it", "more words here", "and a last cell of words"),) * 2
    page = Page(verdict="a verdict of words", mood="good", blocks=(Block("Title", rows),))
    lines = plain(page, width).splitlines()
    assert max(map(len, lines)) <= width
    words = " ".join(lines).replace(";", " ")
    assert all(word in words.split() for word in ["name", "many,", "words", "here", "last", "cell"])


def test_without_arguments_the_next_commands_are_taught(run: Run) -> None:
    said = run()
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 20
    for verb in ("inspect", "check", "map", "compare", "fit", "devices"):
        assert any(line.startswith(f"  nirmap {verb} ") for line in lines)
    assert "--semantics" in said.out


# --- colours ---


class Terminal:
    """A standard output that says that it is a terminal, and remembers."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def printed(page: Page, monkeypatch: pytest.MonkeyPatch, **environ: str) -> str:
    """The page as a terminal of 100 columns gets it."""
    terminal = Terminal()
    for name, value in {"TERM": "xterm", "COLUMNS": "100", **environ}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", terminal)
    show(page)
    return terminal.text


PAGE = Page(
    verdict="net [bold]fits[/] chip",
    mood="good",
    lines=("a [link] b",),
    blocks=(Block("Where", (("'[red]x'", "core 1"),)),),
)
CODES = re.compile(r"\x1b\[[0-9;]*m")


def test_colours_change_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = printed(PAGE, monkeypatch)
    assert "\x1b[" in coloured
    assert CODES.sub("", coloured) == plain(PAGE, 100)


def test_alarms_stand_out_and_asides_step_back(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = (
        Block("Alarms", (("!", "loud"),), "alarm"),
        Block("Sources", (("-", "far"),), "aside"),
    )
    text = printed(Page(verdict="v", mood="open", blocks=blocks), monkeypatch)
    assert re.search(r"\x1b\[33m *! *loud", text)
    assert re.search(r"\x1b\[2m *- *far", text)


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    found = printed(PAGE, monkeypatch, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", found)
    assert CODES.sub("", found) == plain(PAGE, 100)
