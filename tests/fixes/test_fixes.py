"""Possible fixes: each was solved again, can be applied, and maps; the cheapest come first."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest

from mapper import api
from mapper.problem.asked import Asked
from mapper.problem.fix import COSTS
from mapper.solving.outcome import Impossible
from mapper.verbs.answer import answer
from mapper.verbs.fixes import Fix, fixes
from nir_io.semantics import per_step
from tests.asking import decide, pose
from tests.examples_path import EXAMPLES

CASES: dict[str, tuple[str, str, dict[str, Any], set[str]]] = {
    "a policy": ("mlp_lif", "speck2f", {}, {"allow", "device", "limits"}),
    "what --exact forbids": ("mlp_lif", "xylo-imu", {"exact": True}, {"allow", "device"}),
    "memory": ("cnn_if_heavy", "speck2f", {}, {"device", "size", "geometry"}),
    "paths of different length": ("skip_cuba", "xylo-imu", {}, {"device", "limits"}),
    "events": ("srnn_cuba", "loihi2", {"input_kind": "counts:9"}, {"input-kind"}),
    "neurons": (
        "srnn_cuba",
        "xylo-audio3",
        {"changes": ["neurons@hidden=300"]},
        {"device", "size"},
    ),
}


def ask(network: str, device: str, options: dict[str, Any]) -> tuple[Asked, Impossible]:
    assert EXAMPLES.is_dir()
    from networks import NETWORKS, SEMANTICS

    asked = api.ask(NETWORKS[network](), device, **SEMANTICS[network], **options)
    graph = per_step(asked.source.graph, asked.semantics)
    outcome = decide(pose(graph, asked.profile, asked.semantics, asked.settings))
    assert isinstance(outcome, Impossible)
    return asked, outcome


def resolved(found: Iterable[Fix]) -> list[Fix]:
    return [fix for fix in found if fix.resolved and fix.applies]


@pytest.mark.parametrize("case", CASES)
def test_what_was_solved_again_maps_and_passes_the_checker(case: str) -> None:
    network, device, options, kinds = CASES[case]
    asked, outcome = ask(network, device, options)
    found = fixes(asked, outcome)
    assert kinds <= {fix.kind for fix in found}
    for fix in resolved(found):
        assert fix.words or fix.says == "drop --exact"
        result = answer(fix.apply(asked), whole=False, brief=True)
        assert result.fits and result.checked is not None and result.checked.ok
    untried = [fix for fix in found if not fix.resolved]
    assert [*sorted(resolved(found), key=lambda fix: fix.cost), *untried] == list(found)
    assert {fix.kind for fix in found} <= set(COSTS)


def test_the_next_larger_size_does_not_fit() -> None:
    asked, outcome = ask(*CASES["neurons"][:3])
    (fix,) = (fix for fix in fixes(asked, outcome) if fix.kind == "size")
    assert fix.words == ("--with", "channels@hidden=128")
    assert "129 do not fit" in fix.says
    larger = [word.replace("=128", "=129") for word in fix.words if "=" in word]
    network, device, _, _ = CASES["neurons"]
    asked, _ = ask(network, device, {"changes": larger})
    assert not answer(asked, whole=False, brief=True).fits


def test_the_search_ends_where_its_work_does() -> None:
    asked, outcome = ask(*CASES["memory"][:3])
    few = fixes(asked, outcome, work=1.0)
    assert len(resolved(few)) < len(resolved(fixes(asked, outcome)))
    assert [fix.says for fix in few] == [fix.says for fix in fixes(asked, outcome, work=1.0)]


def test_paths_that_differ_in_hops_alone_have_fixes_too() -> None:
    """No Delay is in the network, so no time step could shorten one."""
    ones, deep = np.ones(4), 12

    def lif() -> nir.LIF:
        return nir.LIF(tau=ones * 8e-3, r=ones * 8, v_leak=ones * 0, v_threshold=ones)

    nodes: dict[str, Any] = {"input": nir.Input(np.array([4]))}
    for i in range(deep):
        nodes |= {f"w{i}": nir.Linear(np.eye(4)), f"n{i}": lif()}
    nodes |= {"skip": nir.Linear(np.eye(4)), "output": nir.Output(np.array([4]))}
    names = ["input", *(f"{kind}{i}" for i in range(deep) for kind in "wn"), "output"]
    edges = [*pairwise(names), ("n0", "skip"), ("skip", f"n{deep - 1}")]
    asked = api.ask(nir.NIRGraph(nodes, edges), "spinnaker2", semantics="snntorch", file_dt=1e-3)
    graph = per_step(asked.source.graph, asked.semantics)
    outcome = decide(pose(graph, asked.profile, asked.semantics, asked.settings))
    assert isinstance(outcome, Impossible)
    assert {claim.kind for c in outcome.conflicts for claim in c.claims} == {"latency"}
    assert {fix.kind for fix in fixes(asked, outcome)} >= {"device"}
