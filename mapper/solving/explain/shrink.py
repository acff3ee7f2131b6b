"""A subset-minimal part of some limits that still fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def shrink(limits: Sequence[int], fails: Callable[[Sequence[int]], bool]) -> tuple[int, ...]:
    """Drop groups that halve, from the end, as long as the rest fails.

    `limits` fail together, and whatever contains what fails, fails. So the last pass, one
    by one, leaves a set of which each member is needed.
    """
    kept = list(limits)
    size = max(1, len(kept) // 2)
    while kept:
        at = len(kept)
        while at > 0:
            rest = kept[: max(0, at - size)] + kept[at:]
            if fails(rest):
                kept = rest
            at -= size
        if size == 1:
            break
        size = max(1, size // 2)
    return tuple(kept)
