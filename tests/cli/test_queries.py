"""Queries on the command line: exit codes, bad input, the same from Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapper import api
from tests.cli.conftest import Run

ASKED = {
    "vary": (("cnn_if_heavy", "speck2f", "--vary", "channels@'3'"), 0),
    "headroom": (("cnn_if", "speck2f", "--headroom"), 0),
    "headroom of a refusal": (("cnn_if_heavy", "speck2f", "--headroom"), 1),
    "headroom undecided": (("cnn_if_wide", "speck2f", "--headroom", "--budget", "1e-6"), 3),
    "explain": (("cnn_if", "speck2f", "--explain", "4"), 0),
    "why not a rule": (("mlp_lif", "speck2f", "--why-not", "lif-to-if"), 1),
    "why not a core": (("cnn_if", "speck2f", "--why-not", "3"), 0),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_query_ends_as_check_does_and_says_the_same_in_json(name: str, ask: Run) -> None:
    words, code = ASKED[name]
    said = ask(*words)
    assert (said.code, said.err) == (code, "")
    facts = json.loads(ask(*words, "--json").out)
    assert (facts["schema"], facts["exit"]) == ("nirmap-query-1", code)
    assert facts["model"]["name"] in said.out and facts["device"]["name"] in said.out


def test_a_size_is_open_where_the_budget_ended(ask: Run) -> None:
    said = ask("cnn_if_wide", "speck2f", "--vary", "channels@1", "--budget", "1e-6")
    assert said.code == 3
    assert said.out.startswith("channels@1: no value is known to fit speck2f\n")
    assert "has 20 channels: open." in said.out and "pass a larger --budget" in " ".join(
        said.out.split()
    )


BAD = {
    "no such node": (("--explain", "nix"), "there is no node 'nix'; there are: "),
    "no such core": (("--why-not", "12"), "speck2f has no core 12; it has 0 to 8"),
    "no such rule": (("--why-not", "magic"), "neither a rule"),
    "no such axis": (("--vary", "depth@'1'"), "there is no 'depth'; there are: channels"),
    "no such node to vary": (("--vary", "channels@'nix'"), "there is no node 'nix'"),
    "no kernel there": (("--vary", "kernel@'1'"), "kernel is of Conv1d, Conv2d"),
    "no bits to vary": (("--vary", "weight_bits"), "in the same number of bits"),
    "no time constant": (("--vary", "dt"), "the network has no time constant"),
    "a change of nothing": (("--with", "channels"), "expected KIND@NODE=VALUE"),
    "a change of a missing node": (("--with", "channels@nix=3"), "there is no node 'nix'"),
    "two queries": (("--headroom", "--all"), "not allowed with argument"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_query_of_what_is_not_there_is_bad_input(name: str, ask: Run) -> None:
    words, says = BAD[name]
    said = ask("cnn_if", "speck2f", *words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("nirmap: ") and says in said.err


def test_a_changed_network_is_mapped_and_the_change_is_told(ask: Run, tmp_path: Path) -> None:
    assert ask("cnn_if_heavy", "speck2f").code == 1
    change = ("--with", "channels@3=64")
    said = ask("cnn_if_heavy", "speck2f", *change, "-o", tmp_path / "out", verb="map")
    assert said.code == 0
    assert "changed before mapping: --with channels@3=64" in said.out


def test_bundles_differ_or_not(ask: Run, run: Run, tmp_path: Path) -> None:
    for device in ("speck2e", "speck2f"):
        assert ask("cnn_if", device, "-o", tmp_path / device, verb="map").code == 0
    same = run("diff", tmp_path / "speck2f", tmp_path / "speck2f")
    assert (same.code, same.err) == (0, "") and "hold the same" in same.out
    other = run("diff", tmp_path / "speck2e", tmp_path / "speck2f")
    assert other.code == 1 and "speck2e" in other.out and "speck2f" in other.out
    none = run("diff", tmp_path / "speck2f", tmp_path / "none")
    assert none.code == 2 and "is no bundle that can be read" in none.err


def test_limits_to_train_within_and_primitives_are_told(run: Run) -> None:
    said = run("devices", "xylo-audio2", "--training")
    assert said.code == 0 and "tau_mem / dt" in said.out
    assert run("devices", "--training").code == 2
    said = run("support", "speck2f")
    assert said.code == 0 and "Conv2d" in said.out
    assert run("support", "tpu").code == 2


def test_python_asks_the_same(models: Path) -> None:
    asked = {"models": models / "models.toml"}
    found = api.vary(models / "cnn_if_heavy.nir", "speck2f", "channels@'3'", **asked)
    assert (found.value.largest, found.value.beyond, found.exit_code) == (64, 65, 0)
    assert "at most 64 channels" in found.text
