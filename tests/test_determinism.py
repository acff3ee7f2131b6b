"""Same input, options and versions: the same bytes, wherever and however often it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.examples_path import EXAMPLES, ROOT

# Four families, splits, recurrence, approximations, and two refusals; in one process each.
WORK = """
import sys
from pathlib import Path
from make_models import write_models
from mapper import api
models = write_models(Path("models"))
sidecar = Path("models") / "models.toml"
for name, device in (
    ("cnn_if_wide", "speck2f"), ("residual_if", "speck2f"), ("cnn_if", "loihi2"),
    ("cnn_if", "spinnaker2"), ("srnn_cuba", "loihi2"), ("srnn_cuba", "xylo-audio3"),
    ("mlp_lif", "xylo-audio2"), ("cnn_if_heavy", "speck2f"), ("srnn_cuba", "speck2f"),
):
    result = api.map(models[name], device, models=sidecar, output=Path(f"{name}-{device}"))
    Path(f"{name}-{device}.txt").write_text(result.text)
"""


def _run(folder: Path, seed: str) -> dict[str, bytes]:
    """Every file that a run in `folder` leaves, by its path there."""
    folder.mkdir(parents=True)
    path = os.pathsep.join((str(ROOT), str(EXAMPLES)))
    environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", WORK], cwd=folder, env=environ, check=True)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_two_runs_in_different_folders_give_the_same_bytes(tmp_path: Path) -> None:
    first = _run(tmp_path / "here", "1")
    second = _run(tmp_path / "somewhere" / "else", "271828")
    assert len([name for name in first if name.endswith("manifest.json")]) == 7
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
