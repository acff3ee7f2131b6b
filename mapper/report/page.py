"""A page for the terminal: a verdict, a sentence, tables. Plain text, or styled by rich.

Both are made from one `Page`, so colours change no word. Nothing that could steer a
terminal is printed: control, direction and other invisible characters are escaped here,
wherever they come from.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

WIDTH = 100  # columns of a page that is not printed to a terminal
INDENT = "  "
LEAST = 20  # columns that the last cell of a row keeps, however long the others are

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A table under a title: rows of cells, the last of which is wrapped.

    tone: 'plain', 'alarm' or 'aside', which chooses the colour of its rows. most: rows that
    text shows; the rest is counted (0: all).
    """

    title: str
    rows: tuple[Row, ...]
    tone: str = "plain"
    most: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`mood` is 'good', 'bad', 'open' or 'plain' and chooses the colour of the verdict."""

    verdict: str
    mood: str
    lines: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()


def plain(page: Page, width: int = WIDTH) -> str:
    """The page as text, each line ending in a newline."""
    out = [line for _, line in _lines(page, width)]
    return "\n".join(out) + "\n"


def safe(text: str) -> str:
    """`text` with everything invisible escaped; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or _visible(c) else ascii(c)[1:-1] for c in text)


def show(page: Page) -> None:
    """Print the page: coloured on a terminal (unless NO_COLOR is set), plain elsewhere."""
    if not sys.stdout.isatty():
        sys.stdout.write(plain(page))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    colour = {"good": "bold green", "bad": "bold red", "open": "bold yellow"}.get(page.mood, "bold")
    styles = {"verdict": colour, "title": "bold", "plain": "", "alarm": "yellow", "aside": "dim"}
    for style, line in _lines(page, max(40, min(console.width, 140))):
        console.print(Text(line, style=styles[style]))


def _lines(page: Page, width: int) -> Iterator[tuple[str, str]]:
    """(style, line) in order."""
    for line in _wrapped(page.verdict, width, ""):
        yield "verdict", line
    for sentence in page.lines:
        for line in _wrapped(sentence, width, ""):
            yield "plain", line
    for block in page.blocks:
        if not block.rows:
            continue
        yield "plain", ""
        yield "title", safe(block.title)
        shown = block.rows[: block.most or None]
        for line in _table(shown, width):
            yield block.tone, line
        if len(shown) < len(block.rows):
            yield block.tone, f"{INDENT}and {len(block.rows) - len(shown):,} more (--json has all)"


def _table(rows: tuple[Row, ...], width: int) -> Iterator[str]:
    """Columns, the last one wrapped in its own; where that is too narrow, cells in lines below."""
    cells = [tuple(safe(cell).replace("\n", " ") for cell in row) for row in rows]
    widths = [
        max((len(row[i]) for row in cells if len(row) > i + 1), default=0)
        for i in range(max((len(row) for row in cells), default=1) - 1)
    ]
    for row in cells:
        *first, last = row
        head = INDENT + "".join(f"{cell:<{widths[i]}}  " for i, cell in enumerate(first))
        room = width - len(head)
        if room >= LEAST or len(last) <= room or not first:
            lines = _wrapped(last, max(room, LEAST), "")
            yield (head + lines[0]).rstrip()
            yield from (" " * len(head) + line for line in lines[1:])
        elif len(head.rstrip()) <= width:
            yield head.rstrip()
            yield from _wrapped(last, width, INDENT * 3)
        else:
            yield from _wrapped(first[0], width, INDENT)
            rest = "; ".join(cell for cell in (*first[1:], last) if cell)
            yield from _wrapped(rest, width, INDENT * 3) if rest else ()


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    lines: list[str] = []
    for part in safe(text).split("\n"):
        lines += wrap(
            part,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines


def _visible(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"
