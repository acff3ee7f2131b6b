"""Keeps the examples of the README and the tutorial as the program prints them.

    python scripts/readme.py            rewrite README.md and docs/tutorial.md
    python scripts/readme.py --check    exit with 1 where one differs

A block that follows `<!-- nirmap ... -->` holds a command and its output.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = (ROOT / "README.md", ROOT / "docs" / "tutorial.md")
BLOCK = re.compile(r"<!-- nirmap (?P<command>[^\n]*) -->\n```text\n.*?```\n", re.DOTALL)


def rewritten(text: str) -> str:
    """A text with every example run anew, in a folder with the networks of examples/."""
    sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
    from make_models import write_models

    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder))
        for name in ("digits.nir", "digits_test.npz"):
            shutil.copy(ROOT / "examples" / "digits" / name, folder)
        os.chdir(folder)
        try:
            return BLOCK.sub(lambda match: _block(match["command"]), text)
        finally:
            os.chdir(here)


def _block(command: str) -> str:
    from mapper.cli import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(command.split())
    return f"<!-- nirmap {command} -->\n```text\n$ nirmap {command}\n{out.getvalue()}```\n"


if __name__ == "__main__":
    for file in FILES:
        before = file.read_text()
        after = rewritten(before)
        if "--check" in sys.argv[1:] and before != after:
            sys.exit(f"{file.name} differs: run python scripts/readme.py")
        file.write_text(after)
