"""ODIN for the tests: found along the packages' paths, as a folder in each of them would be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import device_profiles.families
import mapper.families
import mapper.oracle.decide
import mapper.verify.families
import mapper.verify.grounds
from mapper.families import family_named
from mapper.solving.explain import kinds

HERE = Path(__file__).parent
PROFILE = HERE / "odin.toml"


@pytest.fixture(autouse=True)
def odin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The fifth family: its folder, its profile's keys, and its entries in three tables."""
    monkeypatch.syspath_prepend(str(HERE))
    for package, folder in ((mapper.families, "families"), (device_profiles.families, "profiles")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(HERE / folder)])
    device_profiles.families.family.cache_clear()
    family_named.cache_clear()
    from tests.odin import checker, oracle

    table = mapper.verify.families
    monkeypatch.setitem(table.FAMILIES, "odin", checker.ODIN)  # type: ignore[arg-type]
    monkeypatch.setitem(mapper.oracle.decide.FAMILIES, "odin", oracle)  # type: ignore[arg-type]
    own = {"addresses": checker.addresses, "sign": checker.sign}
    monkeypatch.setattr(mapper.verify.grounds, "KINDS", {**mapper.verify.grounds.KINDS, **own})
    monkeypatch.setattr(kinds, "SORTS", {**kinds.SORTS, "addresses": "item", "sign": "support"})
    yield
    device_profiles.families.family.cache_clear()
    family_named.cache_clear()
