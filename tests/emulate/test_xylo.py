"""Xylo: bit by bit what xylosim gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.families.xylo.emulate import Network, run
from nir_io.errors import BadInput
from tests.emulate import golden
from tests.emulate.mutants import XYLO, load
from tests.sdk.compare import xylo_pairs
from tests.sdk.xylo_networks import network, random_case

TRACES = golden.traces("xylosim")


def test_every_spike_and_state_of_xylosim_is_reproduced() -> None:
    spikes, saturated, cores = 0, 0, set[int]()
    for both in TRACES:
        cores.add(both["case"]["core"])
        for name, (mine, theirs) in xylo_pairs(both["case"], both["result"]).items():
            assert np.array_equal(mine, theirs), name
            spikes += int(theirs.sum()) if name.endswith(".s") else 0
            saturated += int(((theirs == 32767) | (theirs == -32768)).sum())
    assert cores == {1, 2} and spikes > 5000 and saturated > 500


@pytest.mark.parametrize("mutation", XYLO, ids=lambda mutation: mutation.label)
def test_xylosim_s_traces_catch_a_wrong(mutation: Any) -> None:
    module = load("xylo", mutation)
    assert any(differs(both, module) for both in TRACES)


def differs(both: dict[str, Any], module: Any) -> bool:
    try:
        pairs = xylo_pairs(both["case"], both["result"], module)
    except (ValueError, BadInput):
        return True
    return any(not np.array_equal(mine, theirs) for mine, theirs in pairs.values())


def sat(x: int) -> int:
    return max(-(2**15), min(2**15 - 1, x))


def decay(x: int, dash: int) -> int:
    part = x >> dash
    return 1 if part == 0 and x > 0 else part


def plain(net: Network, events: Any) -> tuple[Any, Any]:
    """One sample on core 2 without aliases, neuron by neuron in plain integers."""
    hidden, synapses = net.dash_syn.shape
    i = [[0] * synapses for _ in range(hidden)]
    v, i_out, v_out = [0] * hidden, [0] * net.outputs, [0] * net.outputs
    before = [0] * hidden
    given: tuple[list[Any], list[Any]] = ([], [])
    for row in events:
        for target in range(hidden):
            for k in range(synapses):
                for source, n in enumerate(row):
                    if target < net.weights_in.shape[1]:
                        w = int(net.weights_in[source, target, k]) << net.weight_shift_in
                        i[target][k] = sat(i[target][k] + min(int(n), 15) * w)
                if net.weights_rec is not None:
                    for source in range(hidden):
                        w = int(net.weights_rec[source, target, k]) << net.weight_shift_rec
                        i[target][k] = sat(i[target][k] + before[source] * w)
        first = hidden - len(net.weights_out)
        for target in range(net.outputs):
            for source in range(len(net.weights_out)):
                w = int(net.weights_out[source, target]) << net.weight_shift_out
                i_out[target] = sat(i_out[target] + before[first + source] * w)
        now: list[int] = []
        for n in range(hidden):
            for k in range(synapses):
                i[n][k] -= decay(i[n][k], int(net.dash_syn[n, k]))
            change = sat(sum(i[n]) - decay(v[n], int(net.dash_mem[n])))
            change = sat(change + (0 if net.bias is None else int(net.bias[n])))
            v[n] = sat(v[n] + change)
            count = 0
            while v[n] >= net.threshold[n] and count < 31:
                v[n] -= int(net.threshold[n])
                count += 1
            now.append(count)
        out: list[int] = []
        for n in range(net.outputs):
            i_out[n] -= decay(i_out[n], int(net.dash_syn_out[n]))
            change = sat(i_out[n] - decay(v_out[n], int(net.dash_mem_out[n])))
            change = sat(change + (0 if net.bias_out is None else int(net.bias_out[n])))
            v_out[n] = sat(v_out[n] + change)
            out.append(int(v_out[n] >= net.threshold_out[n]))
            v_out[n] -= out[-1] * int(net.threshold_out[n])
        before = now
        given[0].append(now)
        given[1].append(out)
    return np.array(given[0]), np.array(given[1])


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10**6))
def test_batches_give_what_plain_integers_give(seed: int) -> None:
    case = random_case(seed)
    draw = np.random.default_rng(seed)
    legal = {
        "core": 2,
        "aliases": None,
        "threshold": np.maximum(case["threshold"], 1),
        "threshold_out": np.maximum(case["threshold_out"], 1),
        "dash_mem": np.maximum(case["dash_mem"], 1),
        "dash_mem_out": np.maximum(case["dash_mem_out"], 1),
    }
    net = network(case | legal)
    if net.hidden > 12:
        return
    inputs = draw.integers(0, 6, (3, 10, len(net.weights_in)))
    found = run(net, inputs)
    for sample, events in enumerate(inputs):
        hidden, output = plain(net, events)
        assert np.array_equal(found.spikes["hidden"][sample], hidden)
        assert np.array_equal(found.spikes["output"][sample], output)


def test_chunks_of_samples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(random_case(7))
    inputs = np.random.default_rng(0).integers(0, 4, (5, 20, len(net.weights_in)))
    whole = run(net, inputs, states=["hidden"])
    monkeypatch.setattr("mapper.families.xylo.emulate.CHUNK", 1)
    parts = run(net, inputs, states=["hidden"])
    assert np.array_equal(whole.spikes["output"], parts.spikes["output"])
    assert np.array_equal(whole.states["hidden"]["v"], parts.states["hidden"]["v"])


def hand_made(**more: Any) -> Network:
    """Two hidden neurons and one output; the input reaches the first hidden neuron."""
    values: dict[str, Any] = {
        "weights_in": np.array([[[100], [0]]]),
        "weights_rec": None,
        "weights_out": np.array([[0], [100]]),
        "dash_mem": np.array([3, 3]),
        "dash_syn": np.array([[1], [1]]),
        "dash_mem_out": np.array([3]),
        "dash_syn_out": np.array([1]),
        "threshold": np.array([60, 60]),
        "threshold_out": np.array([60]),
    }
    return Network(**(values | more))


def test_a_threshold_at_the_ceiling_resets_to_zero_and_spikes_once() -> None:
    """V saturates at 32767; a spike then leaves 0, whatever came in."""
    net = hand_made(weight_shift_in=7, threshold=np.array([32767, 60]))
    inputs = np.full((1, 20, 1), 15)
    found = run(net, inputs, states=["hidden"])
    spikes = found.spikes["hidden"][0, :, 0]
    assert spikes.max() == 1 and spikes.sum() > 3
    assert (found.states["hidden"]["v"][0, :, 0][spikes > 0] == 0).all()


def test_an_alias_is_heard_at_once_by_a_higher_neuron_and_never_moves_its_membrane() -> None:
    inputs = np.zeros((1, 5, 1), int)
    inputs[0, 1] = 3
    for aliases, second in ((None, 0), (np.array([1, -1]), 2)):
        found = run(hand_made(aliases=aliases), inputs, states=["hidden"])
        assert found.spikes["hidden"][0, :, 0].tolist()[1] == 2
        assert found.spikes["hidden"][0, 1, 1] == second
        assert not found.states["hidden"]["v"][0, :, 1].any()
        assert (found.spikes["output"][0].sum() > 0) == (aliases is not None)


def test_what_does_not_fit_is_said_all_at_once() -> None:
    with pytest.raises(BadInput, match="threshold_out has shape") as caught:
        hand_made(threshold_out=np.ones((1, 1)), dash_mem=np.ones(3, int))
    assert any("dash_mem has shape (3,)" in finding for finding in caught.value.findings)
    with pytest.raises(BadInput, match=r"weights_in is 0\.\.200; -128\.\.127 can be stored"):
        hand_made(weights_in=np.array([[[200], [0]]]))
    with pytest.raises(BadInput, match="core 1 has no bias"):
        replace(hand_made(bias=np.array([1, 2])), core=1)
    with pytest.raises(BadInput, match="1 channels"):
        run(hand_made(), np.zeros((1, 4, 2), int))
    with pytest.raises(BadInput, match="counts of events"):
        run(hand_made(), np.full((1, 4, 1), -1))
