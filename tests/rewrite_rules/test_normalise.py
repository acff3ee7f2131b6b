"""The normal form: it is reached, it computes the same, and it is reached quickly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.emulate.ideal import run
from nir_io.errors import BadInput
from nir_io.graph import (
    Affine,
    AvgPool2d,
    Conv2d,
    Delay,
    Flatten,
    Graph,
    Input,
    Linear,
    Neuron,
    Node,
    Output,
    Scale,
    SumPool2d,
    make_graph,
)
from nir_io.reader import read
from nir_io.semantics import Semantics
from rewrite_rules.linear_nodes import LINEAR
from rewrite_rules.normalise import normalise, refusals
from tests.corpus import CORPUS, records
from tests.rewrite_rules.networks import (
    EULER,
    TARGET,
    affine,
    agree,
    average,
    chain,
    conv,
    conv1d,
    delay,
    flatten,
    integrator,
    li,
    linear,
    net,
    pool,
    scale,
    sink,
    source,
)
from tests.rewrite_rules.random_networks import random_network


def paths(graph: Graph) -> dict[tuple[str, str, int], list[Node]]:
    """The linear nodes between two others, written without the module's own walk."""
    found: dict[tuple[str, str, int], list[Node]] = {}
    for name, node in graph.nodes.items():
        if isinstance(node, LINEAR):
            assert len(graph.before(name)) == 1, f"'{name}' sums {graph.before(name)}"
            assert len(graph.after(name)) == 1, f"'{name}' feeds {graph.after(name)}"
            continue
        for i, first in enumerate(graph.after(name)):
            path, at = [], first
            while isinstance(graph.nodes[at], LINEAR):
                path.append(graph.nodes[at])
                (at,) = graph.after(at)
            found[name, at, i] = path
    return found


def is_normal(graph: Graph) -> bool:
    """[Delay] [plain SumPool2d] [Flatten] [weights], with weights in front of a neuron."""
    order = (Delay, SumPool2d, Flatten, (Scale, Linear, Affine, Conv2d))
    for (_, reader, _), path in paths(graph).items():
        ranks = [
            next((r for r, kinds in enumerate(order) if isinstance(n, kinds)), -1) for n in path
        ]
        if -1 in ranks or ranks != sorted(set(ranks)):
            return False
        if isinstance(graph.nodes[reader], Neuron) and 3 not in ranks:
            return False
        for node in path:
            if isinstance(node, AvgPool2d) or (isinstance(node, Conv2d) and node.groups != 1):
                return False
            if isinstance(node, SumPool2d) and (
                node.kernel_size != node.stride or any(node.padding)
            ):
                return False
    return True


def kinds(graph: Graph) -> list[str]:
    """Kinds along a chain in -> ... -> out."""
    found, name = [], "in"
    while graph.after(name):
        (name,) = graph.after(name)
        found.append(graph.nodes[name].kind)
    return found[:-1]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_networks_spike_alike_in_normal_form(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_network(rng)
    normal, _ = normalise(graph, TARGET)
    events = rng.integers(0, 2, (2, 7, *graph.nodes["in"].shape_out))
    before, after = (run(g, EULER, events).counts for g in (graph, normal))
    assert before.keys() == after.keys()
    for name, counts in before.items():
        assert np.allclose(counts, after[name], rtol=1e-9, atol=1e-9)
    left = refusals(normal, TARGET)
    # a delay behind a bias, or different delays behind a mixture, have no exact form
    assert {refusal.rule for refusal in left} <= {"move-delay"}
    assert is_normal(normal) is not bool(left)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_normal_form_is_final_and_the_same_every_time(seed: int) -> None:
    graph = random_network(np.random.default_rng(seed))
    normal, done = normalise(graph, TARGET)
    again, same = normalise(make_graph(graph.nodes, graph.edges[::-1]), TARGET)
    assert again.edges == normal.edges
    assert [answer.says for answer in same] == [answer.says for answer in done]
    final, more = normalise(normal, TARGET)
    assert final.edges == normal.edges and more == ()


MAP = (2, 8, 8)
CHAINS: dict[str, tuple[Graph, list[str]]] = {
    "average pooling, scale and bias": (
        chain(
            average("p", MAP, (2, 2)),
            conv("c", (2, 4, 4), 3, (3, 3)),
            scale("s", (3, 2, 2), by="channel"),
        ),
        ["SumPool2d", "Conv2d"],
    ),
    "average pooling before dense weights": (
        chain(average("p", MAP, (4, 4)), flatten("f", (2, 2, 2)), affine("fc", 8, 3)),
        ["SumPool2d", "Flatten", "Affine"],
    ),
    "pools in a row": (
        chain(pool("p", MAP), pool("q", (2, 4, 4)), conv("c", (2, 2, 2), 3, (2, 2))),
        ["SumPool2d", "Conv2d"],
    ),
    "overlapping pool": (
        chain(pool("p", MAP, (3, 3), (2, 2)), conv("c", (2, 3, 3), 3, (2, 2))),
        ["Conv2d"],
    ),
    "overlapping pool, padded convolution": (
        chain(
            pool("p", MAP, (3, 3), (2, 2)),
            conv("c", (2, 3, 3), 3, (2, 2), padding=(1, 1, 1, 1)),
        ),
        ["Flatten", "Affine"],
    ),
    "padded pool alone": (chain(pool("p", MAP, (3, 3), (2, 2), (1, 1))), ["Conv2d"]),
    "convolution, then pool": (chain(conv("c", MAP, 3, (3, 3)), pool("p", (3, 6, 6))), ["Conv2d"]),
    "depthwise, then pointwise": (
        chain(conv("c", MAP, 2, (3, 3), groups=2), conv("d", (2, 6, 6), 3, (1, 1))),
        ["Conv2d"],
    ),
    "padded convolutions in a row": (
        chain(conv("c", MAP, 3, (3, 3)), conv("d", (3, 6, 6), 1, (3, 3), padding=(1, 1, 1, 1))),
        ["Flatten", "Affine"],
    ),
    "convolution, then dense": (
        chain(conv("c", MAP, 3, (3, 3)), flatten("f", (3, 6, 6)), affine("fc", 108, 2)),
        ["Flatten", "Affine"],
    ),
    "uneven scale before a convolution": (
        chain(scale("s", MAP), conv("c", MAP, 3, (3, 3))),
        ["Flatten", "Affine"],
    ),
    "one-dimensional": (
        chain(conv1d("c", (2, 9), 3, 3), scale("s", (3, 5), by="channel")),
        ["Conv2d"],
    ),
    "late delay": (
        chain(linear("a", 4, 3), scale("s", (3,)), linear("b", 3, 2), delay("d", (2,), 2)),
        ["Delay", "Linear"],
    ),
    "delays of two sides": (
        chain(delay("d", (2, 2, 2), 1), flatten("f", (2, 2, 2)), delay("e", (8,), range(8))),
        ["Delay", "Flatten"],
    ),
    "everything at once": (
        chain(
            delay("d", MAP, 1),
            scale("s", MAP, by="channel"),
            average("p", MAP, (2, 2)),
            delay("e", (2, 4, 4), 1),
            flatten("f", (2, 4, 4)),
            scale("t", (32,)),
            linear("fc", 32, 3),
        ),
        ["Delay", "SumPool2d", "Flatten", "Linear"],
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_of_linear_nodes_become_one_projection(name: str) -> None:
    graph, wanted = CHAINS[name]
    normal, done = normalise(graph, TARGET)
    assert kinds(normal) == wanted
    assert is_normal(normal) and agree(graph, normal)
    assert refusals(normal, TARGET) == ()
    last = normal.nodes[normal.before("out")[0]]
    assert set(last.origin) <= set(graph.nodes) or not done


def test_forks_and_sums_become_a_path_for_each_pair() -> None:
    graph = net(
        source((4,), "x"),
        source((4,), "y"),
        affine("a", 4, 4),
        linear("b", 4, 3),
        li("m", (3,)),
        li("n", (4,)),
        sink((3,)),
        sink((4,), "z"),
        edges="x>a y>a a>b b>m a>n x>n m>out n>z",
    )
    normal, _ = normalise(graph, TARGET)
    ends = sorted((a, b) for a, b, _ in paths(normal))
    assert ends == [
        ("m", "out"), ("n", "z"), ("x", "m"), ("x", "n"), ("x", "n"), ("y", "m"), ("y", "n"),
    ]  # fmt: skip
    assert is_normal(normal) and agree(graph, normal)


def test_a_cnn_keeps_what_chips_run_natively() -> None:
    graph = chain(
        conv("c", (2, 8, 8), 4, (3, 3), padding=(1, 1, 1, 1)),
        integrator("n", (4, 8, 8)),
        pool("p", (4, 8, 8)),
        flatten("f", (4, 4, 4)),
        affine("fc", 64, 3),
        integrator("m", (3,)),
    )
    normal, done = normalise(graph, TARGET)
    assert done == () and normal.edges == graph.edges


def test_what_is_too_large_is_refused_with_its_numbers_and_left() -> None:
    tight = replace(TARGET, max_dense_entries=400)
    graph = chain(conv("c", MAP, 3, (3, 3)), flatten("f", (3, 6, 6)), affine("fc", 108, 2))
    normal, _ = normalise(graph, tight)
    (refusal,) = refusals(normal, tight)
    assert refusal.at == "c" and "108 x 128 = 13824 weights; at most 400" in refusal.because
    assert not is_normal(normal) and agree(graph, normal)


def test_a_delay_behind_a_bias_is_refused_and_left() -> None:
    graph = chain(affine("fc", 3, 3), delay("d", (3,), 1))
    normal, done = normalise(graph, TARGET)
    (refusal,) = refusals(normal, TARGET)
    assert done == () and "'fc' has a bias" in refusal.because
    assert agree(graph, normal)


def test_a_net_of_forks_and_sums_does_not_explode() -> None:
    """13 diamonds in a row have 2^13 paths; each would be a copy."""
    nodes: list[Node] = [source((2,)), sink((2,))]
    edges: list[str] = []
    last = "in"
    for i in range(13):
        nodes += [linear(f"a{i}", 2, 2, i), linear(f"b{i}", 2, 2, i + 50), scale(f"s{i}", (2,))]
        edges += [f"{last}>a{i}", f"{last}>b{i}", f"a{i}>s{i}", f"b{i}>s{i}"]
        last = f"s{i}"
    graph = net(*nodes, edges=" ".join([*edges, f"{last}>out"]))
    start = time.perf_counter()
    normal, _ = normalise(graph, TARGET)
    assert time.perf_counter() - start < 2.0
    left = refusals(normal, TARGET)
    assert left and "8192 paths through one of them; at most 4096" in left[0].because
    assert agree(graph, normal, steps=2)


def test_a_cycle_without_a_neuron_is_refused() -> None:
    graph = net(
        source((2,)),
        scale("s", (2,)),
        scale("t", (2,)),
        sink((2,)),
        edges="in>s s>t t>s t>out",
    )
    with pytest.raises(BadInput, match="cycle without a neuron: 's' -> 't'"):
        normalise(graph, TARGET)


def long_chain(layers: int) -> Graph:
    """Layers that each take two rewrites."""
    nodes: list[Node] = []
    for i in range(layers):
        nodes += [scale(f"s{i:04}", (8,)), linear(f"w{i:04}", 8, 8), integrator(f"n{i:04}", (8,))]
    return chain(*nodes)


def fan_out(heads: int) -> Graph:
    """One shared matrix behind a scale, read by `heads` populations."""
    names = [f"h{i:04}" for i in range(heads)]
    nodes = [integrator(name, (8,)) for name in names]
    outs = [sink((8,), f"out{i:04}") for i in range(heads)]
    edges = [f"fc>{n} {n}>{o.name}" for n, o in zip(names, outs, strict=True)]
    shared = [source((8,)), scale("s", (8,)), linear("fc", 8, 8)]
    return net(*shared, *nodes, *outs, edges=" ".join(["in>s s>fc", *edges]))


@pytest.mark.parametrize(("make", "size"), [(long_chain, 200), (fan_out, 64)])
def test_time_grows_with_the_nodes_not_with_their_square(make: object, size: int) -> None:
    assert callable(make)
    seconds: list[float] = []
    for n in (size, 4 * size):
        graph: Graph = make(n)
        trials: list[float] = []
        for _ in range(3):
            start = time.process_time()
            normal, done = normalise(graph, TARGET)
            trials.append(time.process_time() - start)
        assert len(done) >= n and is_normal(normal)
        seconds.append(min(trials))
    assert seconds[0] < 0.2 * 3  # 0.2 s on an idle machine
    assert seconds[1] < 4 * seconds[0] * 2.5


class Passed(dict[str, Node]):
    """Nodes by name that count how many lie in the views and passes that are asked for."""

    looked = 0

    def _pass(self) -> dict[str, Node]:
        Passed.looked += len(self)
        return self

    def __iter__(self) -> Iterator[str]:
        return dict.__iter__(self._pass())

    def keys(self) -> Any:
        return dict.keys(self._pass())

    def values(self) -> Any:
        return dict.values(self._pass())

    def items(self) -> Any:
        return dict.items(self._pass())


@pytest.mark.parametrize(("make", "size"), [(long_chain, 50), (fan_out, 32)])
def test_no_proposal_goes_through_all_nodes(
    make: Callable[[int], Graph], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wave does, and there are as many waves for four times as many nodes."""

    def counting(*given: Any, **more: Any) -> Graph:
        graph = make_graph(*given, **more)
        return replace(graph, nodes=Passed(graph.nodes))

    monkeypatch.setattr("rewrite_rules.rule.make_graph", counting)
    looked: list[int] = []
    for n in (size, 4 * size):
        graph = make(n)
        Passed.looked = 0
        _, done = normalise(replace(graph, nodes=Passed(graph.nodes)), TARGET)
        assert len(done) >= n
        looked.append(Passed.looked)
    assert 0 < looked[1] <= 4 * looked[0] * 1.25, looked


TRAINED = [record["file"] for record in records("trained")]


@pytest.mark.parametrize("file", TRAINED)
def test_trained_networks_keep_their_counts(file: str) -> None:
    graph = read(CORPUS / "trained" / file)
    normal, _ = normalise(graph, TARGET)
    assert refusals(normal, TARGET) == () and is_normal(normal)
    rule = Semantics(file_dt=1e-4, chip_dt=None, reset="subtract", comparison=">=")
    (shape,) = [node.shape_out for node in graph.of_kind(Input)]
    events = np.random.default_rng(0).random((2, 25, *shape)) < 0.2
    neurons = [node.name for node in graph.of_kind(Neuron)]
    first, second = (run(g, rule, events, totals=neurons).totals for g in (graph, normal))
    assert first[neurons[0]].sum() > 0
    for name in neurons:
        assert np.array_equal(first[name], second[name])
    assert [n.name for n in graph.of_kind(Output)] == [n.name for n in normal.of_kind(Output)]
