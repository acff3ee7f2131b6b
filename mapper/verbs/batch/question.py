"""What a batch asks of each pair, as plain values, and the key that a row is known by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from mapper.verbs.batch.messages import DataValue, QuestionValue
from mapper.verbs.batch.models import UNREADABLE, ModelFile, sha256_of
from mapper.verbs.batch.program import PACKAGES, ROOT

if TYPE_CHECKING:
    from device_profiles.profile import Profile
    from nir_io.limits import Limits
    from nir_io.sidecar import Sidecar

SOLVERS = ("nirmap", "numpy", "ortools")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device of a batch. `path`: its file, where it does not come with the package."""

    profile: Profile
    path: str | None = None

    @property
    def name(self) -> str:
        """The name that rows tell."""
        return self.profile.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of every pair.

    preset, options: as for `mapper.api.check` (settings of Semantics and of Settings);
    sidecar: settings per model; repair, limits: how files are read; changes: whether each
    refusal is solved again with changes that may lift it; data: what fitting networks are
    judged on, a file, or a folder with NAME.npz for NAME.nir; decode: by which read-out.
    """

    preset: str | None = None
    options: dict[str, object]
    sidecar: Sidecar | None = None
    repair: bool = False
    limits: Limits | None = None
    changes: bool = True
    data: Path | None = None
    decode: str = "count"

    def of(self, model: ModelFile) -> QuestionValue:
        """The question about one model, as values for JSON."""
        from nir_io.sidecar import entry_for

        entry = None if self.sidecar is None else entry_for(self.sidecar, model.name)
        given = {name: value for name, value in self.options.items() if value is not None}
        return {
            "preset": self.preset,
            "options": given,
            "sidecar": None if entry is None else dict(entry),
            "repair": self.repair,
            "limits": None if self.limits is None else asdict(self.limits),
            "changes": self.changes,
            "data": self._data(model),
        }

    def _data(self, model: ModelFile) -> DataValue | None:
        """The data of a model, by their hash; None where there are none."""
        if self.data is None:
            return None
        path = self.data / f"{Path(model.name).stem}.npz" if self.data.is_dir() else self.data
        digest = sha256_of(path)
        if digest == UNREADABLE:
            return None
        return {"path": str(path.resolve()), "sha256": digest, "decode": self.decode}


def key_of(network: str, profile: str, question: QuestionValue) -> str:
    """The key of a pair: what its row depends on, 32 hexadecimal digits.

    network: the model's fingerprint, or 'file:' and the file's SHA-256 where it has none;
    profile: the hash of the device's file.
    """
    parts = [made_by(), network, profile, question]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def made_by() -> str:
    """The program: its version, those of its solvers, and a hash of its own source."""
    versions = [f"{name} {_version(name)}" for name in SOLVERS]
    return "; ".join([*versions, _source()])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _source() -> str:
    digest = hashlib.sha256()
    for name, data in _modules():
        digest.update(f"{name}\n{len(data)}\n".encode() + data)
    return digest.hexdigest()[:16]


def _modules() -> Iterable[tuple[str, bytes]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_bytes()
