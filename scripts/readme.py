"""Keeps the examples of the README and of docs/ as the program prints them.

    python scripts/readme.py            rewrite README.md, docs/tutorial.md, docs/refusals.md
    python scripts/readme.py --check    exit with 1 where one differs

A block that follows `<!-- nirmap ... -->` holds a command and its output. One that follows
`<!-- fix N -->` holds the command with the Nth possible fix of the refusal above it, as `map`,
and the first line of its answer.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILES = (ROOT / "README.md", ROOT / "docs" / "tutorial.md", ROOT / "docs" / "refusals.md")
BLOCK = re.compile(r"<!-- (?P<what>nirmap [^\n]*|fix \d+) -->\n```text\n.*?```\n", re.DOTALL)
ONCE = ("--device", "--input-kind", "--max-error", "--chips")  # options that hold one value


def rewritten(text: str) -> str:
    """A text with every example run anew, in a folder with the networks of examples/."""
    sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
    from make_models import copy_digits, write_models

    here = Path.cwd()
    fixes = "<!-- fix " in text
    refused: list[tuple[list[str], dict[str, Any]]] = []

    def block(match: re.Match[str]) -> str:
        what = match["what"]
        if what.startswith("fix "):
            command = fixed(*refused[0], int(what.removeprefix("fix ")))
            answer = printed(command).split("\n", 1)[0] + "\n"
        else:
            command = shlex.split(what)[1:]
            if fixes:
                answer, facts = said(command)
                refused[:] = [(command, facts)]
            else:
                answer = printed(command)
        return f"<!-- {what} -->\n```text\n$ nirmap {' '.join(command)}\n{answer}```\n"

    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder))
        copy_digits(Path(folder))
        os.chdir(folder)
        try:
            return BLOCK.sub(block, text)
        finally:
            os.chdir(here)


def printed(command: list[str]) -> str:
    """What the command prints."""
    from mapper.cli.main import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(command)
    return out.getvalue()


def said(command: list[str]) -> tuple[str, dict[str, Any]]:
    """What `check` prints, and the facts that it prints: both from one run."""
    from mapper.report.page import plain
    from mapper.report.words import result_page

    facts = json.loads(printed([*command, "--json"]))
    return plain(result_page(facts)), facts


def fixed(refused: list[str], facts: dict[str, Any], number: int) -> list[str]:
    """`map` with the words of a fix that the refusal offers; they replace the option they name."""
    words: list[str] = facts["fixes"][number - 1]["words"]
    command = ["map", *refused[1:]]
    for at in range(0, len(words), 2):
        option, value = words[at : at + 2]
        if option in command and option in ONCE:
            command[command.index(option) + 1] = value
        else:
            command += [option, value]
    return [*command, "-o", "out"]


if __name__ == "__main__":
    for file in FILES:
        before = file.read_text()
        after = rewritten(before)
        if "--check" in sys.argv[1:] and before != after:
            sys.exit(f"{file.name} differs: run python scripts/readme.py")
        file.write_text(after)
