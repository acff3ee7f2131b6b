"""Pages of every kind: all four families, refusals, an undecided one, hostile names, a batch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np

from mapper import api
from tests.examples_path import EXAMPLES

ASKED = {
    "speck": ("cnn_if_wide", "speck2f", {}),
    "xylo": ("mlp_lif", "xylo-audio2", {}),
    "loihi2": ("srnn_cuba", "loihi2", {}),
    "spinnaker2": ("srnn_cuba", "spinnaker2", {}),
    "refused_cores": ("cnn_if_deep", "speck2f", {}),
    "refused_memory": ("cnn_if_heavy", "speck2f", {}),
    "refused_inputs": ("cnn_if", "xylo-audio2", {}),
    "refused_policy": ("mlp_lif", "speck2f", {}),
    "undecided": ("srnn_cuba", "xylo-audio2", {"published_only": True}),
}
SCRIPT = "<script>alert(1)<script>"
IMAGE = '"><img src=x onerror=alert(1)>'
TEMPLATE = "{{ 7 * 7 }}' & {% raw %}"
HOSTILE = (SCRIPT, IMAGE, TEMPLATE)
BATCH = ("cnn_if", "cnn_if_deep", "mlp_lif", "srnn_cuba")
BATCH_DEVICES = ("speck2f", "xylo-audio2", "loihi2")


def write_pages(folder: Path) -> dict[str, Path]:
    """The pages by name: a bundle's own report, and those that `--report` writes."""
    assert EXAMPLES.is_dir()
    from make_models import write_models

    examples = folder / "models"
    write_models(examples)
    sidecar = examples / "models.toml"
    found: dict[str, Path] = {}
    for name, (model, device, options) in ASKED.items():
        found[name] = folder / f"{name}.html"
        result = api.check(examples / f"{model}.nir", device, models=sidecar, **options)
        found[name].write_text(result.html, encoding="utf-8")
    api.map(examples / "cnn_if.nir", "speck2f", models=sidecar, output=folder / "bundle")
    found["bundle"] = folder / "bundle" / "report.html"

    model = write_hostile(folder / "hostile")
    rules: dict[str, Any] = {"semantics": "snntorch", "file_dt": 1e-3}
    found["hostile"] = folder / f"{IMAGE} & page.html"  # its own name is no better
    result = api.check(model, "loihi2", **rules)
    assert result.fits
    found["hostile"].write_text(result.html, encoding="utf-8")
    found["hostile_refused"] = folder / "hostile_refused.html"
    result = api.check(model, "speck2f", **rules)
    assert not result.fits
    found["hostile_refused"].write_text(result.html, encoding="utf-8")
    api.fit(model.parent, ["loihi2", "speck2f"], output=folder / "fit_hostile", workers=1, **rules)
    found["hostile_batch"] = folder / "fit_hostile" / "report.html"

    found["hostile_compared"] = folder / "hostile_compared.html"
    raster = (np.random.default_rng(0).random((4, 20, 3)) < 0.3).astype(np.uint8)
    compared = api.compare(model, "loihi2", data=(raster, None), traces=[IMAGE], **rules)
    found["hostile_compared"].write_text(compared.html, encoding="utf-8")

    models = [examples / f"{name}.nir" for name in BATCH]
    api.fit(models, BATCH_DEVICES, models=sidecar, output=folder / "fit", workers=1)
    found["batch"] = folder / "fit" / "report.html"
    return found


def write_hostile(folder: Path) -> Path:
    """A network whose names, and whose file's name, are markup."""
    folder.mkdir()
    path = folder / f"{IMAGE}.nir"
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        SCRIPT: nir.Linear(np.full((4, 3), 0.3)),
        IMAGE: nir.LIF(
            tau=np.full(4, 0.02), r=np.ones(4), v_leak=np.zeros(4), v_threshold=np.ones(4)
        ),
        TEMPLATE: nir.Affine(np.full((2, 4), 0.4), np.zeros(2)),
        "<!--": nir.LIF(
            tau=np.full(2, 0.02), r=np.ones(2), v_leak=np.zeros(2), v_threshold=np.ones(2)
        ),
        "output": nir.Output({"output": np.array([2])}),
    }
    names = list(nodes)
    nir.write(path, nir.NIRGraph(nodes, list(pairwise(names))))
    return path
