"""Each known defect: refused with the word of `--repair`, mended to the healthy network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nir_io.errors import BadInput
from nir_io.graph import Flatten, Graph
from nir_io.reader import from_nir, read
from nir_io.writer import to_nir
from tests.nir_io.files import EDGES, Fields, chain, conv, lif, linear, port, store

INNER = [("input", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")]


def mended(file: Path, *words: str) -> Graph:
    """The repaired network; without `repair` the same defects must be findings."""
    with pytest.raises(BadInput) as refused:
        read(file)
    assert len(refused.value.findings) == len(words)
    for word, finding in zip(words, refused.value.findings, strict=True):
        assert word in finding and "`--repair` mends it: it " in finding
    graph = read(file, repair=True)
    repairs = [note for note in graph.notes if note.startswith("repaired ")]
    assert len(repairs) == len(words)
    for word, note in zip(words, repairs, strict=True):
        assert word in note
    return graph


def healthy(path: Path) -> str:
    return read(store(path / "healthy.nir", chain())).fingerprint


def nested(**changes: Fields) -> Fields:
    nodes = {
        "input": port("Input", 4),
        "lif": lif(4),
        "rec": linear(4, 4),
        "output": port("Output", 4),
    }
    return {"type": "NIRGraph", "nodes": {**nodes, **changes}, "edges": INNER}


@pytest.mark.parametrize("lead", [(1,), (256,), (1, 25)])
def test_batch_and_time_dimensions_of_ports(lead: tuple[int, ...], tmp_path: Path) -> None:
    nodes = chain(input=port("Input", *lead, 6), output=port("Output", *lead, 4))
    more = "1 more dimension than" if len(lead) == 1 else "2 more dimensions than"
    graph = mended(store(tmp_path / "a.nir", nodes), more, more)
    assert graph.fingerprint == healthy(tmp_path)


def test_batch_dimension_everywhere(tmp_path: Path) -> None:
    """As sinabs wrote its CNN in September 2023."""

    def net(*lead: int) -> dict[str, Fields]:
        flat: Fields = {"type": "Flatten", "start_dim": len(lead), "end_dim": -1}
        if lead:
            flat["input_type"] = np.zeros(4, np.int64)
        return {
            "input": port("Input", *lead, 1, 6, 6),
            "0": conv(2, 1, 3, 3),
            "1": lif((*lead, 2, 4, 4)),
            "2": {"type": "SumPool2d", "kernel_size": 2, "stride": 2, "padding": 0},
            "3": flat,
            "4": linear(3, 8),
            "5": lif((*lead, 3)),
            "output": port("Output", *lead, 3),
        }

    edges = [("input", "0"), *((str(i), str(i + 1)) for i in range(5)), ("5", "output")]
    graph = mended(
        store(tmp_path / "a.nir", net(1), edges),
        "is (0, 0, 0, 0), which is no shape",
        "its parameters of shape (1, 2, 4, 4) hold a batch dimension: '0' gives (2, ?, ?)",
        "its parameters of shape (1, 3) hold a batch dimension",
        "(1, 1, 6, 6) has 1 more dimension than (1, ?, ?)",
        "flattens (2, 2, 2) from dimension 1 to (2, 4), but '4' takes (8,)",
        "(1, 3) has 1 more dimension than (3,)",
    )
    assert graph.fingerprint == read(store(tmp_path / "b.nir", net(), edges)).fingerprint


def test_parameters_that_differ_over_the_batch_are_not_dropped(tmp_path: Path) -> None:
    nodes = chain(lif=lif((2, 4)))
    with pytest.raises(BadInput) as refused:
        read(store(tmp_path / "a.nir", nodes), repair=True)
    assert "'fc' gives (4,), 'lif' takes (2, 4)" in refused.value.findings[0]


def test_parameters_that_are_one_value_for_a_layer(tmp_path: Path) -> None:
    """As Norse and SpikingJelly keep them; their exporters infer the Output from that."""
    nodes = chain(lif=lif(1), output=port("Output", 1))
    graph = mended(
        store(tmp_path / "a.nir", nodes),
        "its parameters of shape (1,) are fewer than the (4,) that 'fc' gives",
        "output/shape: (1,) is one value, but 'lif' gives (4,)",
    )
    assert graph.fingerprint == healthy(tmp_path)


def test_parameters_that_are_one_a_channel(tmp_path: Path) -> None:
    """As snnTorch keeps a learned beta, (channels, 1, 1); poolings behind it are read with it."""

    def net(*sides: int) -> dict[str, Fields]:
        return {
            "input": port("Input", 1, 6, 6),
            "0": conv(2, 1, 3, 3),
            "1": lif((2, *sides)),
            "2": {"type": "SumPool2d", "kernel_size": 2, "stride": 2, "padding": 0},
            "output": port("Output", 2, 2, 2),
        }

    edges = [("input", "0"), ("0", "1"), ("1", "2"), ("2", "output")]
    graph = mended(
        store(tmp_path / "a.nir", net(1, 1), edges),
        "its parameters of shape (2, 1, 1) are fewer than the (2, 4, 4) that '0' gives",
    )
    assert graph.fingerprint == read(store(tmp_path / "b.nir", net(4, 4), edges)).fingerprint


@pytest.mark.parametrize("shape", [(4,), ()])
def test_a_leak_of_nothing_is_an_integrator(shape: tuple[int, ...], tmp_path: Path) -> None:
    """As snnTorch writes beta = 1: tau = dt / (1 - beta) and r = tau / dt are infinite."""
    never = np.full(shape, np.inf)
    stored = {"v_threshold": np.full(4, 0.5), "v_reset": np.zeros(4)}
    nodes = chain(lif={"type": "LIF", "tau": never, "r": never, "v_leak": np.zeros(4), **stored})
    graph = mended(
        store(tmp_path / "a.nir", nodes),
        "tau and r are infinite: a neuron without a leak, as snnTorch writes beta = 1",
    )
    whole = chain(lif={"type": "IF", "r": np.ones(4), **stored})
    assert graph.fingerprint == read(store(tmp_path / "b.nir", whole)).fingerprint
    some = np.array([np.inf, 1.0, 1.0, 1.0])
    nodes["lif"] = {**nodes["lif"], "tau": some, "r": np.ones(4)}
    with pytest.raises(BadInput, match="1 of 4 values is not finite"):
        read(store(tmp_path / "c.nir", nodes), repair=True)


def test_parameters_that_may_be_a_side_of_their_own_are_left_alone(tmp_path: Path) -> None:
    nodes = chain(lif=lif((1, 3)))
    with pytest.raises(BadInput) as refused:
        read(store(tmp_path / "a.nir", nodes), repair=True)
    assert "'fc' gives (4,), 'lif' takes (1, 3)" in refused.value.findings[0]


def test_flatten_that_declares_and_counts_the_batch(tmp_path: Path) -> None:
    flat: Fields = {
        "type": "Flatten",
        "start_dim": 1,
        "end_dim": -1,
        "input_type": np.array([1, 2, 3]),
    }
    nodes = chain(input=port("Input", 2, 3), flat=flat)
    edges = [("input", "flat"), ("flat", "fc"), ("fc", "lif"), ("lif", "output")]
    graph = mended(
        store(tmp_path / "a.nir", nodes, edges),
        "input_type (1, 2, 3) holds a batch dimension: 'input' gives (2, 3)",
    )
    node = graph.nodes["flat"]
    assert isinstance(node, Flatten) and (node.start_dim, node.end_dim) == (0, 1)


def test_an_edge_that_names_a_node_by_an_old_name(tmp_path: Path) -> None:
    """The paper's subgraph files: edges name 'lif', the node is 'lif1'."""
    inner = nested()
    inner["nodes"]["lif1"] = inner["nodes"].pop("lif")
    graph = mended(
        store(tmp_path / "a.nir", chain(lif=inner)), "edges name 'lif', which is not there"
    )
    assert ("fc", "lif/lif1") in graph.edges and ("lif/rec", "lif/lif1") in graph.edges


def test_two_candidates_are_not_guessed_between(tmp_path: Path) -> None:
    nodes = chain(spare=lif(4))
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "old"), ("old", "output")]
    nodes["spare2"] = lif(4)
    with pytest.raises(BadInput) as refused:
        read(store(tmp_path / "a.nir", nodes, edges), repair=True)
    assert all("'old', which is not there" in finding for finding in refused.value.findings)


def test_edges_that_name_a_flattened_group(tmp_path: Path) -> None:
    """As nirtorch flattened recurrent layers in October 2023."""
    nodes = {
        "input": port("Input", 6),
        "fc": linear(4, 6),
        "l.input": port("Input", 4),
        "l.lif": lif(4),
        "l.w_rec": linear(4, 4),
        "l.output": port("Output", 4),
        "output": port("Output", 4),
    }
    edges = [("input", "fc"), ("fc", "l"), ("l.input", "l.lif"), ("l.lif", "l.w_rec"), ("l", "l"),
             ("l.w_rec", "l.lif"), ("l.lif", "l.output"), ("l", "output")]  # fmt: skip
    graph = mended(store(tmp_path / "a.nir", nodes, edges), "edges name 'l', which is not there")
    assert "drops its edge to itself" in graph.notes[0]
    assert list(graph.nodes) == ["fc", "input", "l.lif", "l.w_rec", "output"]
    assert graph.edges == (
        ("fc", "l.lif"),
        ("input", "fc"),
        ("l.lif", "l.w_rec"),
        ("l.lif", "output"),
        ("l.w_rec", "l.lif"),
    )


def test_a_nested_input_with_the_shape_of_the_outer_one(tmp_path: Path) -> None:
    inner = nested(input=port("Input", 6))
    graph = mended(
        store(tmp_path / "a.nir", chain(lif=inner)),
        "the Input of a nested graph declares (6,), but 'fc' gives (4,)",
    )
    good = read(store(tmp_path / "b.nir", chain(lif=nested())))
    assert graph.fingerprint == good.fingerprint


def test_a_network_without_output_or_input(tmp_path: Path) -> None:
    nodes = chain()
    del nodes["output"]
    file = store(tmp_path / "a.nir", nodes, EDGES[:2])
    assert mended(file, "there is no Output").fingerprint == healthy(tmp_path)
    nodes = chain()
    del nodes["input"]
    file = store(tmp_path / "a.nir", nodes, EDGES[1:])
    assert mended(file, "there is no Input").fingerprint == healthy(tmp_path)


def test_a_network_that_ends_nowhere_is_refused(tmp_path: Path) -> None:
    nodes = chain(rec=linear(4, 4))
    del nodes["output"]
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "rec"), ("rec", "lif")]
    with pytest.raises(BadInput, match="has no Output, and no node where one could be put"):
        read(store(tmp_path / "a.nir", nodes, edges), repair=True)


def test_a_defect_beside_a_fault_says_so_and_is_not_hidden(tmp_path: Path) -> None:
    nodes = chain(input=port("Input", 1, 6), lif=lif(4, tau=0.0))
    file = store(tmp_path / "a.nir", nodes)
    with pytest.raises(BadInput) as refused:
        read(file)
    assert len(refused.value.findings) == 2
    with pytest.raises(BadInput) as refused:
        read(file, repair=True)
    assert len(refused.value.findings) == 1 and "tau" in refused.value.findings[0]


def test_a_repaired_network_needs_no_repair_when_written(tmp_path: Path) -> None:
    graph = read(store(tmp_path / "a.nir", chain(input=port("Input", 1, 6))), repair=True)
    again = from_nir(to_nir(graph))
    assert again.fingerprint == graph.fingerprint and again.notes == ()
