"""Xylo's thresholds, rests and shifts: what each is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.bundle.result import Result
from mapper.emulate import ideal
from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import PopulationRow
from mapper.families.xylo import emulate as xylo
from mapper.families.xylo.load import network_of
from mapper.families.xylo.quantize import dials, quantize
from mapper.solving.outcome import Placed
from nir_io.arrays import AnyArray
from tests.asking import emulate
from tests.quantize.networks import events, loaded, mapped, srnn


def rest_of(bundle: Loaded, row: PopulationRow) -> AnyArray:
    return bundle.param(row, "rest") if "rest" in row["params"] else np.zeros(())


def placed(result: Result) -> Placed:
    assert isinstance(result.outcome, Placed)
    return result.outcome


@given(st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_a_threshold_is_its_scale_and_its_rest_and_one_more_for_greater(seed: int) -> None:
    result = mapped(srnn(seed), "xylo-audio2", reset="zero", allow=("reset-kind",))
    bundle = loaded(result)
    for row in bundle.populations.values():
        rest = rest_of(bundle, row)
        assert np.array_equal(bundle.param(row, "threshold"), bundle.value(row["scale"]) + rest + 1)


@given(st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_a_resting_membrane_settles_at_its_rest_and_does_not_fire(seed: int) -> None:
    result = mapped(srnn(seed), "xylo-audio2", reset="zero", allow=("reset-kind",))
    net, bundle = network_of(loaded(result)), loaded(result)
    ran = xylo.run(net, np.zeros((1, 200, len(net.weights_in)), np.uint8), states=("hidden",))
    assert not ran.spikes["hidden"].any()
    row = bundle.populations["h"]
    v = ran.states["hidden"]["v"][0, -1, np.ravel(bundle.param(row, "hidden_ids"))]
    rest, dash = rest_of(bundle, row), bundle.param(row, "dash_mem").astype(int)
    assert np.all((v >= rest) & (v < rest + (1 << dash)))


def test_a_network_that_fires_several_times_a_step_rests_at_0() -> None:
    bundle = loaded(mapped(srnn(3), "xylo-audio2", spikes="many"))
    assert not any("rest" in row["params"] for row in bundle.populations.values())


@pytest.mark.parametrize("size", [0.1, 0.8])
def test_what_is_usual_keeps_bursts_away(size: float) -> None:
    """Over six networks, hidden spikes beside those of the ideal; without a rest they burst."""
    off = {"usual": 0.0, "none": 0.0}
    for seed in range(6):
        graph = srnn(seed, size=size)
        result = mapped(graph, "xylo-audio2", reset="zero", allow=("reset-kind",))
        found = placed(result)
        x = events(seed, 20, 60)
        wanted = ideal.run(found.question.network.graph, found.question.semantics, x, totals=["h"])
        total = wanted.totals["h"].sum()
        for name, chosen in (("usual", {}), ("none", {"rest@h": 0.0, "units@h": 1024.0})):
            got = quantize(found, chosen)
            assert result.bundle is not None
            rows = [
                {
                    **row,
                    "params": got.populations[row["name"]].params,
                    "scale": got.populations[row["name"]].scale,
                }
                for row in result.bundle.manifest["populations"]
            ]
            manifest = {**result.bundle.manifest, "populations": rows, "pools": got.pools}
            bundle = replace(loaded(result), manifest=manifest, arrays=got.arrays.values)
            ran = emulate(bundle, x).populations["h"].sum(dtype=np.int64)
            off[name] += abs(np.log((ran + 1) / (total + 1)))
    assert off["usual"] < 0.7 * off["none"], off


def test_a_bias_too_large_for_8_bits_makes_the_threshold_smaller() -> None:
    graph = srnn(1)
    nodes = {
        name: replace(node, bias=node.bias + 0.02) if name == "fc1" else node  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
        for name, node in graph.nodes.items()
    }
    plain, biased = (
        loaded(mapped(g, "xylo-audio2", spikes="many"))
        for g in (graph, replace(graph, nodes=nodes))
    )
    row = biased.populations["h"]
    stored = biased.param(row, "bias").astype(int)
    assert stored.min() >= -128 and stored.max() <= 127
    if row["bias"] == "neuron":
        assert np.all(biased.value(row["scale"]) <= plain.value(plain.populations["h"]["scale"]))


@pytest.mark.parametrize("kind", ["rest", "units", "gain"])
def test_every_dial_turns_something(kind: str) -> None:
    found = placed(mapped(srnn(5), "xylo-audio2"))
    usual = quantize(found).arrays.values
    dial = next(d for d in dials(found) if d.name == f"{kind}@h")
    assert dial.usual in dial.values
    other = next(value for value in dial.values if value != dial.usual)
    turned = quantize(found, {dial.name: other}).arrays.values
    assert any(not np.array_equal(usual[key], turned[key]) for key in usual)
