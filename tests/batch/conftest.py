"""Example networks as files, and the questions that tests ask of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples_path import EXAMPLES


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four networks of examples/, and models.toml with their semantics."""
    assert EXAMPLES.is_dir()
    from make_models import write_models

    folder = tmp_path_factory.mktemp("batch") / "models"
    folder.mkdir()
    write_models(folder, ("cnn_if", "cnn_if_deep", "mlp_lif", "srnn_cuba"))
    return folder
