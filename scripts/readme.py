"""Keeps the README's examples as the program prints them.

    python scripts/readme.py            rewrite README.md
    python scripts/readme.py --check    exit with 1 where it differs

A block of the README that follows `<!-- nirmap ... -->` holds a command and its output.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"<!-- nirmap (?P<command>[^\n]*) -->\n```text\n.*?```\n", re.DOTALL)


def rewritten(readme: str) -> str:
    """The text of the README with every example run anew, on the networks of examples/."""
    sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
    from make_models import write_models

    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder))
        os.chdir(folder)
        try:
            return BLOCK.sub(lambda match: _block(match["command"]), readme)
        finally:
            os.chdir(here)


def _block(command: str) -> str:
    from mapper.cli import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(command.split())
    return f"<!-- nirmap {command} -->\n```text\n$ nirmap {command}\n{out.getvalue()}```\n"


if __name__ == "__main__":
    file = ROOT / "README.md"
    before = file.read_text()
    after = rewritten(before)
    if "--check" in sys.argv[1:]:
        sys.exit(0 if before == after else "README.md differs: run python scripts/readme.py")
    file.write_text(after)
