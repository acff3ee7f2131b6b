"""Every option reaches the result, from the command line and from Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapper import api
from mapper.cli.arguments import MAPPING, UPDATE_RULE, parser
from mapper.problem.settings import Settings
from nir_io.errors import BadInput
from nir_io.settings import SETTINGS
from tests.cli.conftest import Run

RULE = {
    "--file-dt": ("file_dt", "5e-4", 5e-4),
    "--chip-dt": ("chip_dt", "0.002", 0.002),
    "--reset": ("reset", "zero", "zero"),
    "--discretization": ("discretization", "exponential", "exponential"),
    "--comparison": ("comparison", ">=", ">="),
    "--order": ("order", "input-then-leak", "input-then-leak"),
    "--spikes": ("spikes", "many", "many"),
    "--v-min": ("v_min", "-1", -1.0),
    "--integrator": ("integrator", "per-time", "per-time"),
    "--input-kind": ("input_kind", "counts:3", "counts:3"),
    "--steps": ("steps", "300", 300),
}
OWN = {
    "--max-error": ("max_error", "0.2", 0.2),
    "--chips": ("chips", "2", 2),
    "--entry": ("entry", "host", "host"),
    "--weight-bits": ("weight_bits", "6", 6),
    "--objective": ("objective", "cores", ["cores", "error", "traffic"]),
    "--budget": ("budget", "5", 5.0),
    "--seed": ("seed", "7", 7),
    "--solver": ("solver", "cp-sat", "cp-sat"),
}


def test_every_setting_has_an_option_and_every_option_a_test() -> None:
    assert {name for name, _, _ in UPDATE_RULE} == set(RULE)
    assert {key for key, _, _ in RULE.values()} == set(SETTINGS)
    assert {name for name, _, _ in MAPPING} == set(OWN)
    flags = {"allow", "exact", "host", "published_only"}
    assert {key for key, _, _ in OWN.values()} | flags == set(Settings.__dataclass_fields__)


@pytest.mark.parametrize("option", RULE)
def test_an_option_of_the_update_rule_is_used_and_named_as_its_origin(
    option: str, run: Run, models: Path
) -> None:
    key, text, value = RULE[option]
    words = ("inspect", models / "mlp_lif.nir", "--models", models / "models.toml", "--json")
    said = run(*words, f"{option}={text}")
    assert json.loads(said.out)["semantics"][key] == {"value": value, "origin": "option"}


@pytest.mark.parametrize("option", OWN)
def test_an_option_of_the_mapping_stands_in_the_manifest(
    option: str, ask: Run, tmp_path: Path
) -> None:
    key, text, value = OWN[option]
    said = ask("mlp_lif", "loihi2", option, text, "-o", tmp_path / "out", verb="map")
    assert said.code == 0, said.err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["settings"][key] == value


def test_flags_and_permissions_reach_the_mapper(ask: Run) -> None:
    assert ask("mlp_lif", "xylo-audio2").code == 0
    exact = ask("mlp_lif", "xylo-audio2", "--exact")
    assert exact.code == 1
    assert "drop --exact" in exact.out
    assert ask("mlp_lif", "xylo-audio2", "--max-error", "0.01").code == 1
    assert ask("mlp_lif", "speck2f").code == 1
    assert ask("mlp_lif", "speck2f", "--allow", "lif-to-if", "--allow", "reset-kind").code == 0


def test_what_is_offered_was_solved_and_is_least(models: Path) -> None:
    refused = api.check(models / "mlp_lif.nir", "speck2f", models=models / "models.toml")
    first = refused.fixes[0]
    assert first.resolved and first.verified and first.words == ("--allow", "lif-to-if")
    assert first.settings is not None and first.settings.allow == ("lif-to-if",)
    allowed = {"models": models / "models.toml", "allow": first.settings.allow}
    assert api.check(models / "mlp_lif.nir", "speck2f", **allowed).fits


def test_semantics_come_from_option_before_sidecar(ask: Run) -> None:
    facts = json.loads(ask("mlp_lif", "loihi2", "--reset", "zero", "--json").out)
    assert facts["semantics"]["reset"] == {"value": "zero", "origin": "option"}
    assert facts["semantics"]["file_dt"]["origin"] == "sidecar"


def test_a_limit_can_be_raised_and_lowered(run: Run, models: Path) -> None:
    words = ("inspect", models / "mlp_lif.nir", "--limit")
    assert run(*words, "nodes=6").code == 0
    assert run(*words, "nodes=5").code == 2


def test_python_names_options_that_do_not_exist(models: Path) -> None:
    with pytest.raises(BadInput, match="there is no option 'speed'"):
        api.check(models / "mlp_lif.nir", "loihi2", speed=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", 1.5),
        ("budget", float("nan")),
        ("max_error", float("inf")),
        ("exact", "yes"),
        ("objective", "speed"),
        ("objective", "cores,cores"),
        ("solver", "magic"),
        ("chips", 0),
        ("entry", "usb"),
        ("allow", ["reset-kind", "magic"]),
    ],
)
def test_python_gets_the_same_checks(name: str, value: object, models: Path) -> None:
    with pytest.raises(BadInput, match=f"option {name}: "):
        api.check(models / "mlp_lif.nir", "loihi2", **{name: value})


def test_help_names_every_command_and_exit_code(run: Run) -> None:
    said = run("--help")
    assert said.code == 0
    for word in ("map", "check", "inspect", "devices", "rules", "verify", "4 our bug"):
        assert word in " ".join(said.out.split())
    assert parser().prog == "nirmap"
