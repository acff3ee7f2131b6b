"""Where the corpus of real NIR files lies, if it is there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("NIRMAP_CORPUS", ROOT.parent / "shared" / "corpus"))


def records(folder: str) -> list[dict[str, Any]]:
    """The records of a corpus folder's index; empty where the corpus is absent."""
    index = CORPUS / folder / "index.json"
    return json.loads(index.read_text()) if index.is_file() else []
