"""Write, then read, gives an equal graph; storage and order change nothing."""

from __future__ import annotations

import tempfile
from dataclasses import fields, replace
from pathlib import Path

import nir
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nir_io.errors import BadInput
from nir_io.fingerprint import fingerprint
from nir_io.graph import Conv2d, Graph, Input, Linear, Output, frozen, make_graph
from nir_io.reader import from_nir, read
from nir_io.writer import to_nir, write
from tests.nir_io.files import chain, store
from tests.nir_io.strategies import graphs, store_randomly

SEEDS = st.integers(0, 2**32 - 1)
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(tempfile.mkdtemp())


def assert_equal(found: Graph, wanted: Graph) -> None:
    assert found.edges == wanted.edges
    assert list(found.nodes) == list(wanted.nodes)
    for name, node in wanted.nodes.items():
        other = found.nodes[name]
        assert other.kind == node.kind
        for field in fields(node):
            mine, yours = getattr(node, field.name), getattr(other, field.name)
            if isinstance(mine, np.ndarray):
                np.testing.assert_array_equal(yours, mine, err_msg=f"{name}.{field.name}")
                assert not yours.flags.writeable
            else:
                assert yours == mine, f"{name}.{field.name}"
    assert found.fingerprint == fingerprint(wanted)


@FAST
@given(graph=graphs())
def test_write_then_read_gives_an_equal_graph(graph: Graph, folder: Path) -> None:
    write(graph, folder / "a.nir")
    assert_equal(read(folder / "a.nir"), graph)


@FAST
@given(graph=graphs())
def test_objects_of_the_nir_package_give_an_equal_graph(graph: Graph) -> None:
    assert_equal(from_nir(to_nir(graph)), graph)


@FAST
@given(graph=graphs(), seed=SEEDS)
def test_storage_and_order_do_not_matter(graph: Graph, seed: int, folder: Path) -> None:
    assert_equal(read(store_randomly(folder / "b.nir", graph, seed)), graph)


@FAST
@given(graph=graphs(), seed=SEEDS)
def test_what_a_file_leaves_out_is_inferred(graph: Graph, seed: int, folder: Path) -> None:
    assert_equal(read(store_randomly(folder / "c.nir", graph, seed, bare=True)), graph)


@FAST
@given(graph=graphs(), seed=SEEDS)
def test_the_fingerprint_tells_any_change(graph: Graph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = fingerprint(graph)
    name = sorted(graph.nodes)[int(rng.integers(len(graph.nodes)))]
    node = graph.nodes[name]
    arrays = [f.name for f in fields(node) if isinstance(getattr(node, f.name), np.ndarray)]
    if arrays:
        field = arrays[int(rng.integers(len(arrays)))]
        changed = np.array(getattr(node, field))
        changed.flat[int(rng.integers(changed.size))] += 2.0**-20
        other = replace(node, **{field: frozen(changed)})
        assert fingerprint(make_graph(dict(graph.nodes) | {name: other}, graph.edges)) != before
    dropped = tuple(edge for edge in graph.edges if edge != graph.edges[0])
    assert fingerprint(make_graph(graph.nodes, dropped)) != before
    renamed = replace(node, name=f"{name}x")
    rest = [other for other in graph.nodes.values() if other is not node]
    edges = tuple(
        (renamed.name if a == name else a, renamed.name if b == name else b) for a, b in graph.edges
    )
    assert fingerprint(make_graph((*rest, renamed), edges)) != before


def test_the_sign_of_a_zero_does_not_count() -> None:
    def net(zero: float) -> Graph:
        weight = frozen(np.array([[zero, 1.0]]))
        return make_graph(
            (
                Input(name="i", shape_in=(2,), shape_out=(2,)),
                Linear(name="w", shape_in=(2,), shape_out=(1,), weight=weight),
                Output(name="o", shape_in=(1,), shape_out=(1,)),
            ),
            (("i", "w"), ("w", "o")),
        )

    assert fingerprint(net(-0.0)) == fingerprint(net(0.0))


def test_metadata_survives(tmp_path: Path) -> None:
    nodes = chain()
    nodes["fc"]["metadata"] = {"layer": 3}
    given = {"dt": 1e-3, "author": "someone", "training": {"epochs": 7, "notes": {"x": "y"}}}
    first = read(store(tmp_path / "a.nir", nodes, metadata=given))
    assert dict(first.metadata) == {
        "author": "someone",
        "dt": 1e-3,
        "fc/layer": 3,
        "nir_version": "1.0.8",
        "training/epochs": 7,
        "training/notes/x": "y",
    }
    write(first, tmp_path / "b.nir")
    assert dict(read(tmp_path / "b.nir").metadata) == dict(first.metadata)
    assert nir.read(tmp_path / "b.nir").metadata["author"] == "someone"


def test_two_writes_give_the_same_bytes(tmp_path: Path) -> None:
    graph = read(store(tmp_path / "a.nir", chain()))
    write(graph, tmp_path / "b.nir")
    write(graph, tmp_path / "c.nir")
    assert (tmp_path / "b.nir").read_bytes() == (tmp_path / "c.nir").read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.nir", "b.nir", "c.nir"]


def test_float64_is_kept_and_the_strict_reader_of_nir_takes_the_file(tmp_path: Path) -> None:
    nodes = chain(fc={"type": "Linear", "weight": np.full((4, 6), 1 / 3)})
    write(read(store(tmp_path / "a.nir", nodes)), tmp_path / "b.nir")
    found = nir.read(tmp_path / "b.nir")
    assert found.nodes["fc"].weight.dtype == np.float64
    assert (found.nodes["fc"].weight == 1 / 3).all()


def test_a_padding_that_nir_cannot_say_is_refused(tmp_path: Path) -> None:
    node = Conv2d(
        name="c",
        shape_in=(1, 5, 5),
        shape_out=(1, 6, 5),
        weight=frozen(np.ones((1, 1, 1, 1))),
        bias=frozen(np.zeros(1)),
        stride=(1, 1),
        padding=(1, 0, 0, 0),
        dilation=(1, 1),
        groups=1,
    )
    with pytest.raises(BadInput, match=r"'c' pads \(1, 0, 0, 0\); NIR has one padding"):
        write(make_graph((node,), ()), tmp_path / "a.nir")
    assert not list(tmp_path.iterdir())
