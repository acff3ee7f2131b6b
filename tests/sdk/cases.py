"""Files of cases that pass between this project's Python and a vendor's.

A case is a JSON-like value with numpy arrays in it. Nothing but numpy and the standard
library is imported, and nothing newer than Python 3.10 is used: the vendors' packages run
this file too.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np


def write(path: Path, cases: list[dict[str, Any]]) -> None:
    """Store cases; arrays go in by number, the rest as JSON."""
    arrays: dict[str, Any] = {}

    def take(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            name = f"a{len(arrays)}"
            arrays[name] = value
            return {"array": name}
        if isinstance(value, dict):
            return {key: take(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [take(inner) for inner in value]
        return value.item() if isinstance(value, np.generic) else value

    text = json.dumps([take(case) for case in cases])
    np.savez_compressed(path, cases=np.array(text), **arrays)


def read(path: Path) -> list[dict[str, Any]]:
    """The cases of a file that `write` made."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}

    def give(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"array"}:
                return arrays[value["array"]]
            return {key: give(inner) for key, inner in value.items()}
        return [give(inner) for inner in value] if isinstance(value, list) else value

    return [give(case) for case in json.loads(str(arrays["cases"]))]


def readable(path: Path) -> bool:
    """Whether the file is there and whole."""
    return path.is_file() and zipfile.is_zipfile(path)
