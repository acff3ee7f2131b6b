"""Write a bundle, or a refusal, to a folder: whole, or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from mapper.bundle.bundle import Bundle
from nir_io.errors import BadInput


def write(bundle: Bundle, target: Path) -> None:
    """The bundle in the folder `target`: whole, or not at all. Raises BadInput."""
    publish(write_files(bundle.all_files(), target), target)


def write_files(files: Mapping[str, bytes], target: Path, kind: str = "bundle") -> Path:
    """The files in a new folder beside `target`, which is to become it. Raises BadInput.

    An existing folder of that kind at `target` will be replaced; anything else there is left
    alone. kind: 'bundle', or 'refusal' (mapper.verbs.deliver).
    """
    place = target.resolve()
    if place.exists() and not is_ours(place, kind):
        raise BadInput(
            [f"{target}: exists and is not a {kind}; give --output another name or remove it"]
        )
    draft: Path | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        draft.chmod(0o755)
        for name, data in sorted(files.items()):
            (draft / name).write_bytes(data)
    except (OSError, ValueError) as error:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
        raise _unwritable(target, error) from error
    return draft


def publish(draft: Path, target: Path) -> None:
    """Rename `draft`, made by `write_files`, to `target`. Raises BadInput."""
    place = target.resolve()
    try:
        if not place.exists():
            draft.replace(place)
            return
        old = Path(tempfile.mkdtemp(prefix=f".{place.name}.old.", dir=place.parent))
        place.replace(old / "bundle")
        draft.replace(place)
        shutil.rmtree(old)
    except OSError as error:
        raise _unwritable(target, error) from error


HEADS = {
    "bundle": ("manifest.json", "nirmap-bundle-"),
    "refusal": ("certificate.json", "nirmap-certificate-"),
}


def is_ours(place: Path, kind: str) -> bool:
    """Whether `place` is an empty folder, or one of ours of that kind ('bundle', 'refusal')."""
    if not place.is_dir():
        return False
    name, schema = HEADS[kind]
    try:
        if not any(place.iterdir()):
            return True
        found: object = json.loads((place / name).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    held = cast(dict[str, object], found) if isinstance(found, dict) else {}
    return str(held.get("schema", "")).startswith(schema)


def _unwritable(target: Path, error: Exception) -> BadInput:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return BadInput([f"{target}: cannot be written: {reason}"])
