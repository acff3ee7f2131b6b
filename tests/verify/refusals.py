"""Refusals over all families, and rows that cannot hold together, for the tests of certificates."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from mapper import api
from mapper.bundle.certificate import certificate
from mapper.solving.claims.ledger import Bound, Choose, Count, Decision
from mapper.solving.outcome import Impossible
from tests.examples_path import EXAMPLES

# (network of examples/, device, options, kinds of limits that its conflicts are about)
REFUSED: tuple[tuple[str, str, dict[str, Any], set[str]], ...] = (
    ("cnn_if_deep", "speck2f", {}, {"cores"}),
    ("cnn_if_heavy", "speck2f", {}, {"kernel-memory", "one-slice-a-core"}),
    ("mlp_lif", "speck2f", {}, {"needs-allow"}),
    ("mlp_lif", "speck2f", {"exact": True}, {"exact-only"}),
    ("mlp_lif", "xylo-audio2", {"max_error": 0.0}, {"max-error"}),
    ("mlp_lif", "xylo-audio2", {"input_kind": "counts:20"}, {"input-events"}),
    ("mlp_lif", "loihi2", {"input_kind": "counts:2"}, {"input-events"}),
    ("srnn_cuba", "speck2f", {}, {"unsupported"}),
    ("residual_if", "xylo-imu", {}, {"input-channels", "output-neurons", "hidden-neurons"}),
)


@cache
def refused(name: str, device: str, options: tuple[tuple[str, Any], ...]) -> Impossible:
    """The refusal of an example network."""
    assert EXAMPLES.is_dir()
    import networks  # pyright: ignore[reportMissingImports]

    asked = {**networks.SEMANTICS[name], **dict(options)}
    result = api.check(getattr(networks, name)(), device, **asked)
    assert isinstance(result.outcome, Impossible), result.text
    return result.outcome


@cache
def certified(index: int) -> dict[str, Any]:
    """The certificate of one of REFUSED; not to be changed."""
    name, device, options, _ = REFUSED[index]
    outcome = refused(name, device, tuple(sorted(options.items())))
    return certificate(outcome, sha256=None)


@st.composite
def rows(draw: st.DrawFn) -> tuple[Bound, ...]:
    """A few rows over a few decisions: small enough to try every assignment."""
    decisions: list[Decision] = [Choose("a", str(i)) for i in range(draw(st.integers(1, 4)))]
    decisions += [
        Count("b", str(i), draw(st.integers(1, 3))) for i in range(draw(st.integers(0, 2)))
    ]
    out: list[Bound] = []
    for _ in range(draw(st.integers(1, 5))):
        some = draw(st.lists(st.sampled_from(decisions), unique=True, max_size=4))
        terms = tuple((draw(st.integers(-3, 3)), d) for d in some)
        low = draw(st.none() | st.integers(-4, 4))
        high = draw(st.none() | st.integers(-4 if low is None else low, 4))
        out.append(Bound(terms, low=low, high=high))
    return tuple(out)


def can_hold(some: tuple[Bound, ...]) -> bool:
    """By trying every assignment, with numpy."""
    decisions = list(dict.fromkeys(d for row in some for _, d in row.terms))
    sizes = [d.most + 1 if isinstance(d, Count) else 2 for d in decisions]
    grid = np.indices(sizes).reshape(len(sizes), -1) if sizes else np.zeros((0, 1), int)
    good = np.ones(grid.shape[1], dtype=bool)
    for row in some:
        total = sum(
            (c * grid[decisions.index(d)] for c, d in row.terms), np.zeros(grid.shape[1], int)
        )
        good &= (row.low is None or total >= row.low) & (row.high is None or total <= row.high)
    return bool(good.any())
