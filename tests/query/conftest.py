"""The example networks as files, with their semantics beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mapper.problem.asked import Asked
from tests.examples_path import EXAMPLES

Ask = Callable[..., Asked]


@pytest.fixture(scope="session")
def ask_of(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """The question about an example network on a device."""
    assert EXAMPLES.is_dir()
    from make_models import write_models

    from mapper import api

    folder: Path = tmp_path_factory.mktemp("models")
    write_models(folder)

    def ask(name: str, device: str, **options: Any) -> Asked:
        return api.ask(folder / f"{name}.nir", device, models=folder / "models.toml", **options)

    return ask
