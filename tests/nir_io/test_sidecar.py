"""Settings per model in a TOML file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nir_io.errors import BadInput
from nir_io.resolve import resolve
from nir_io.sidecar import load_sidecar
from tests.nir_io.nets import make_lif, net

SIDECAR = """
# by name and by pattern
["a*.nir"]
reset = "zero"

["a1.nir"]
semantics = "sinabs"
file-dt = 2e-3

["*/deep/*"]
steps = 5
"""


def test_a_name_goes_before_patterns_and_the_first_pattern_counts(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(SIDECAR)
    sidecar = load_sidecar(tmp_path / "models.toml")
    graph = net(make_lif(tau=20.0))
    found = resolve(graph, sidecar=sidecar, path="x/deep/a1.nir")
    assert (found.reset, found.file_dt, found.steps) == ("subtract", 2e-3, None)
    given = {"file_dt": 1e-3}
    assert resolve(graph, sidecar=sidecar, path="a2.nir", overrides=given).reset == "zero"
    deep = resolve(graph, sidecar=sidecar, path="x/deep/b.nir", preset="nir", overrides=given)
    assert deep.steps == 5
    with pytest.raises(BadInput, match="reset is not known"):
        resolve(graph, sidecar=sidecar, path="b.nir", overrides=given)


def test_faults_of_a_sidecar_come_with_line_and_key(
    tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    file = tmp_path / "models.toml"
    file.write_text(
        'loose = 1\n\n["a.nir"]\nreset = "soft"\nfile_dt = -1\ncolour = "red"\n\n'
        '["b.nir"]\nreset = "zero"\nsemantics = "pytorch"\nsteps = [1]\nspikes = true\n'
    )
    with pytest.raises(BadInput) as error:
        load_sidecar(file)
    text = "\n".join(error.value.findings).replace(str(tmp_path), ".")
    golden("nir_io/sidecar.txt", text + "\n")


def test_a_sidecar_that_is_no_toml(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    with pytest.raises(BadInput, match=r"models\.toml: cannot be read"):
        load_sidecar(file)
    file.write_text("[a\nb=1")
    with pytest.raises(BadInput, match=r"models\.toml: is no TOML: .*line 1"):
        load_sidecar(file)
