"""Where in a TOML file a key stands, for findings that tomllib gives no place for."""

from __future__ import annotations

import re

HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"'-]+?)\s*\]\]?")
ASSIGNMENT = re.compile(r"\s*[\"']?([^\s\"'=.#\[]+)[\"']?\s*[=.]")


def line_of(text: str, table: str, key: str, core: int = -1) -> int | None:
    """The line, from 1, of `key` in [table] (in the core-th [[core]]), or of the table.

    Reads lines, not TOML: keys at the start of a line and table headers. None where the
    layout hides the place, as in a table written inline.
    """
    here, cores, header = "", -1, None
    for number, line in enumerate(text.splitlines(), start=1):
        head = HEADER.match(line)
        if head:
            here = head[2].replace('"', "").replace("'", "")
            cores += head[1] == "[[" and here == "core"
            inside = core < 0 or cores == core
            if inside and here == table and header is None:
                header = number
            if inside and key and here == (f"{table}.{key}" if table else key):
                return number
            continue
        found = ASSIGNMENT.match(line)
        if key and found and found[1] == key and here == table and (core < 0 or cores == core):
            return number
    return header
