"""Every kind of limit as it is told: one sentence each, stored as text; the same in JSON."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from device_profiles.load import load
from mapper.families.speck.claims import geometry
from mapper.problem.settings import Settings
from mapper.report.facts import conflict_facts
from mapper.report.page import Page, plain
from mapper.report.words import cited, conflict_blocks
from mapper.solving.claims.ledger import Claim
from mapper.solving.explain.kinds import SORTS
from mapper.solving.outcome import Conflict
from nir_io.graph import IF, Affine, Conv2d, Graph, Input, Node, Output, frozen, make_graph
from nir_io.semantics import Semantics
from tests.asking import offer, pose, state
from tests.examples_path import ROOT
from tests.exhaustive.instances import FAMILIES
from tests.query.questions import posed

MAPPER = ROOT / "mapper"
EACH = 100  # random questions a family


def _chain(*nodes: Node, loop: tuple[str, str] | None = None) -> Graph:
    first, last = nodes[0].shape_in, nodes[-1].shape_out
    ends = (
        Input(name="in", shape_in=first, shape_out=first),
        Output(name="out", shape_in=last, shape_out=last),
    )
    names = ["in", *(node.name for node in nodes), "out"]
    edges = list(pairwise(names)) + ([loop] if loop else [])
    return make_graph((*ends, *nodes), edges)


def _dense(name: str, size: int, bias: float = 0.0) -> Affine:
    weight = frozen(np.ones((size, size)))
    return Affine(
        name=name,
        shape_in=(size,),
        shape_out=(size,),
        weight=weight,
        bias=frozen(np.full(size, bias)),
    )


def _if(name: str, size: int) -> IF:
    one, zero = frozen(np.ones(size)), frozen(np.zeros(size))
    return IF(name=name, shape_in=(size,), shape_out=(size,), r=one, v_threshold=one, v_reset=zero)


def _ledger(graph: Graph, settings: Settings, chip_dt: float = 1e-3) -> tuple[Claim, ...]:
    semantics = Semantics(file_dt=1.0, chip_dt=chip_dt, reset="subtract")
    question = pose(graph, load("speck2f"), semantics, settings)
    return state(question, offer(question)).claims


def _made() -> Iterator[Claim]:
    """Claims that random questions hardly make."""
    looped = _chain(_dense("w", 3), _if("n", 3), loop=("n", "w"))
    yield from _ledger(looped, Settings())
    read = _chain(_dense("w", 3), _if("n", 3), _dense("read", 3))
    yield from _ledger(read, Settings(host=False))
    biased = _chain(_dense("w", 3, bias=0.5), _if("n", 3))
    yield from _ledger(biased, Settings(), chip_dt=10.0)
    yield from _bent()


def _bent() -> Iterator[Claim]:
    """Shapes that rewrites keep out of every plan, so that only a wrong rewrite would meet them."""
    profile = load("speck2f")
    graph = _chain(_dense("w", 3), _if("n", 3))
    question = pose(
        graph, profile, Semantics(file_dt=1.0, chip_dt=1e-3, reset="subtract"), Settings()
    )
    options = offer(question)
    plan = options.plans["n"][0]
    own = plan.form.projections[0]
    assert isinstance(own.weight, Conv2d)
    oblong = replace(own.weight, weight=frozen(np.ones((3, 3, 3, 2))))
    lopsided = replace(own.weight, padding=(1, 0, 1, 0))
    for bent in (
        replace(own, weight=oblong),
        replace(own, weight=lopsided),
        replace(own, pool=(3, 3)),
    ):
        form = replace(plan.form, projections=(bent,))
        plans = {"n": (replace(plan, form=form),)}
        yield from geometry(question.network, replace(options, plans=plans), profile)


@cache
def claims() -> dict[str, Claim]:
    """The first claim of each kind."""
    found: dict[str, Claim] = {}
    for claim in _made():
        found.setdefault(claim.kind, claim)
    for family in FAMILIES:
        for seed in range(EACH):
            question = posed(family, seed)
            if question is not None:
                for claim in state(question, offer(question)).claims:
                    found.setdefault(claim.kind, claim)
    return found


def written() -> set[str]:
    """Kinds that the claims modules and backends name, read from their text."""
    files = [*MAPPER.glob("solving/claims/*.py"), *MAPPER.glob("families/**/*.py")]
    assert len(files) > 6
    words = {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return words & set(SORTS)


def named() -> set[str]:
    """Kinds that claims are built with by name."""
    files = [*MAPPER.glob("solving/claims/*.py"), *MAPPER.glob("families/*/claims.py")]
    calls = [
        n
        for file in files
        for n in ast.walk(ast.parse(file.read_text()))
        if isinstance(n, ast.Call)
    ]
    return {
        str(word.value.value)
        for call in calls
        for word in call.keywords
        if word.arg == "kind" and isinstance(word.value, ast.Constant)
    }


def test_every_kind_that_can_be_built_has_a_sort_and_is_rendered_here() -> None:
    assert len(named()) > 10 and named() <= set(SORTS), "a kind without a sort"
    assert written() == set(SORTS), "a sort of a kind that no module names"
    assert set(claims()) == set(SORTS), "a kind that no question here makes"


def test_every_kind_is_told_as_stored(golden: Callable[[str, str], None]) -> None:
    rows = [
        f"{kind}\n  {claim.says}\n  {claim.available:g} {claim.unit}, {claim.confidence}\n"
        for kind, claim in sorted(claims().items())
    ]
    golden("query/claims.txt", "\n".join(rows))


@pytest.mark.parametrize("kind", sorted(SORTS))
def test_text_and_json_say_the_same_of_a_claim(kind: str) -> None:
    claim = claims()[kind]
    sources: dict[str, int] = {}
    facts = conflict_facts(Conflict(headline="told elsewhere", claims=(claim,)))
    blocks = (*conflict_blocks([facts], sources), *cited(sources))
    text = " ".join(plain(Page(verdict="", mood="bad", blocks=blocks)).split())
    row = facts["claims"][0]
    said = " ".join(row["says"].split())
    assert said[:1].upper() + said[1:] in text
    assert "{" not in said and "}" not in said
    if claim.question:
        return
    assert " ".join(row["source"].split()) in text
    if SORTS[kind] not in ("support", "policy"):
        assert row["unit"].removesuffix("s") in text and row["confidence"] in text
