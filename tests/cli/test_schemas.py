"""What `--json` prints, and what `fit` writes, is as the schemas in docs/ say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema.exceptions import best_match

from mapper.verbs.batch.models import models as model_files
from mapper.verbs.batch.row import limit_hit, row_of
from scripts.schemas import DOCUMENTS, schema, text
from tests.cli.conftest import Run
from tests.examples_path import ROOT

DOCS = ROOT / "docs"
VALIDATORS = {name: jsonschema.Draft7Validator(schema(name)) for name in DOCUMENTS}


def hold(name: str, document: Any) -> None:
    """Fails where the document is not as the schema says."""
    fault = best_match(VALIDATORS[name].iter_errors(document))
    if fault is not None:  # said shortly: what jsonschema prints is the whole schema
        raise jsonschema.ValidationError(f"{name}: {fault.json_path}: {fault.message[:300]}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_file_in_docs_is_the_generated_schema(name: str) -> None:
    said = "write it anew: python -m scripts.schemas docs"
    assert (DOCS / f"{name}.schema.json").read_text() == text(name), said
    jsonschema.Draft7Validator.check_schema(schema(name))


def test_every_schema_in_docs_is_generated() -> None:
    found = {file.name.removesuffix(".schema.json") for file in DOCS.glob("*.schema.json")}
    assert found == {*DOCUMENTS, "profile"}


def test_answers(run: Run, models: Path) -> None:
    seen: Counter[str] = Counter()
    semantics = ("--models", models / "models.toml")
    for model in ("cnn_if.nir", "mlp_lif.nir", "srnn_cuba.nir"):
        for device in ("loihi2", "speck2f", "xylo-audio2", "spinnaker2"):
            said = run("check", models / model, "--device", device, *semantics, "--json")
            found = json.loads(said.out)
            hold("report", found)
            assert found["exit"] == said.code
            seen[found["outcome"]] += 1
    said = run(
        "check", models / "cnn_if.nir", "--device", "speck2f", *semantics, "--published-only",
        "--json",
    )  # fmt: skip
    hold("report", json.loads(said.out))
    seen[json.loads(said.out)["outcome"]] += 1
    assert set(seen) == {"fits", "does-not-fit", "undecided"}


def test_a_bundle_and_its_check(run: Run, models: Path, tmp_path: Path) -> None:
    model, semantics = models / "mlp_lif.nir", ("--models", models / "models.toml")
    out = tmp_path / "out"
    said = run("map", model, "--device", "loihi2", *semantics, "-o", out, "--json")
    hold("report", json.loads(said.out))
    hold("manifest", json.loads((out / "manifest.json").read_text()))
    good = json.loads(run("verify", out, "--json").out)
    hold("verify", good)
    (out / "arrays.npz").write_bytes(b"")
    bad = json.loads(run("verify", out, "--json").out)
    hold("verify", bad)
    assert (good["ok"], bad["ok"]) == (True, False)


def test_a_refusal_and_its_check(run: Run, models: Path, tmp_path: Path) -> None:
    model, semantics = models / "cnn_if_deep.nir", ("--models", models / "models.toml")
    words = ("map", model, "--device", "speck2f", *semantics, "-o", tmp_path / "out", "--json")
    hold("report", json.loads(run(*words).out))
    refused = tmp_path / "out.refused"
    hold("certificate", json.loads((refused / "certificate.json").read_text()))
    for more in ((), ("--resolve",)):
        hold("refusal", json.loads(run("verify", refused, *more, "--json").out))
    (refused / "certificate.json").write_bytes(b"{}")
    bad = json.loads(run("verify", refused, "--json").out)
    hold("refusal", bad)
    assert not bad["ok"]


def test_tables(run: Run, models: Path) -> None:
    hold("devices", json.loads(run("devices", "--json").out))
    hold("devices", json.loads(run("devices", "speck2f", "--json").out))
    hold("rules", json.loads(run("rules", "--json").out))
    hold("rules", json.loads(run("rules", "lif-to-if", "--json").out))
    known = ("--models", models / "models.toml")
    for model in sorted(models.glob("*.nir")):
        hold("inspect", json.loads(run("inspect", model, *known, "--json").out))
        hold("inspect", json.loads(run("inspect", model, "--json").out))


def test_queries(run: Run, models: Path, tmp_path: Path) -> None:
    asked = (models / "cnn_if.nir", "--device", "speck2f", "--models", models / "models.toml")
    words: dict[str, tuple[object, ...]] = {
        "vary": ("check", *asked, "--vary", "channels@1"),
        "headroom": ("check", *asked, "--headroom"),
        "all": ("check", *asked, "--all"),
        "explain": ("check", *asked, "--explain", "1"),
        "why-not": ("check", *asked, "--why-not", "lif-to-if"),
        "training": ("devices", "speck2f", "--training"),
        "support": ("support", "speck2f"),
    }
    for query, command in words.items():
        found = json.loads(run(*command, "--json").out)
        hold("query", found)
        assert found["query"] == query
    for name, more in (("a", ()), ("b", ("--steps", "100"))):
        run("map", *asked, *more, "-o", tmp_path / name)
    found = json.loads(run("diff", tmp_path / "a", tmp_path / "b", "--json").out)
    hold("query", found)
    assert found["query"] == "diff" and found["answer"]


def test_failures(run: Run, models: Path) -> None:
    for words in (
        ("check", models / "none.nir", "--device", "speck2f"),
        ("check", models / "cnn_if.nir", "--device", "speck3"),
        ("verify", models),
        ("fit", models, "--where", "size > 3"),
    ):
        said = run(*words, "--json")
        if said.code == 2:
            hold("failure", json.loads(said.out))
        else:
            hold("verify", json.loads(said.out))


def test_a_batch(run: Run, models: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.nir").write_text("no HDF5")
    words = ("fit", models / "cnn_if.nir", models / "mlp_lif.nir", tmp_path / "bad.nir")
    options = ("--device", "speck2f,xylo-imu", "--models", models / "models.toml", "--workers", 1)
    said = run(*words, *options, "-o", tmp_path / "out", "--json")
    summary = json.loads(said.out)
    hold("fit-summary", summary)
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == summary
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    (file,) = model_files([models / "cnn_if.nir"])
    stopped = limit_hit("time", 60.0, "s", "the verdict took more than 60 s, the limit of time")
    rows.append(json.loads(json.dumps(row_of(file, "speck2f", "0" * 64, None, "1" * 32, stopped))))
    known = set(schema("fit-row")["properties"])
    for row in rows:
        hold("fit-row", row)
        assert set(row) == known, "a key that the schema does not tell of"
    assert {row["status"] for row in rows} >= {"fits", "not", "bad-input", "limit-hit"}


def test_what_is_wrong_is_found() -> None:
    row = {"schema": "nirmap-fit-2", "status": "perhaps"}
    with pytest.raises(jsonschema.ValidationError, match=r"required property|is not one of"):
        hold("fit-row", row)
    with pytest.raises(jsonschema.ValidationError):
        hold("report", {"schema": "nirmap-report-1", "outcome": "fits"})
