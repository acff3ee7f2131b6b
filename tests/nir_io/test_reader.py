"""What is read, and what is refused with which words."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import h5py
import nir
import numpy as np
import pytest

from nir_io.errors import BadInput
from nir_io.graph import LIF, Affine, Conv2d, CubaLIF, Linear
from nir_io.limits import Limits
from nir_io.reader import from_nir, read
from tests.nir_io.files import EDGES, Fields, chain, conv, lif, linear, port, store

ONE = np.ones(4, np.float32)
CUBA: Fields = {
    "type": "CubaLIF",
    "tau_syn": 0.01 * ONE,
    "tau_mem": 0.02 * ONE,
    "r": ONE,
    "v_leak": 0 * ONE,
    "v_threshold": ONE,
}


def refusal(file: Path, **options: Any) -> str:
    with pytest.raises(BadInput) as refused:
        read(file, **options)
    return "\n".join(refused.value.findings)


def test_older_files_leave_out_v_reset_and_w_in(tmp_path: Path) -> None:
    old = read(store(tmp_path / "a.nir", chain(lif=CUBA))).nodes["lif"]
    assert isinstance(old, CubaLIF)
    assert not old.v_reset.any() and (old.w_in == 1).all() and old.v_reset.shape == (4,)
    plain = read(store(tmp_path / "b.nir", chain(lif=lif(4, v_reset=None)))).nodes["lif"]
    assert isinstance(plain, LIF) and not plain.v_reset.any()


@pytest.mark.parametrize(
    "dtype", ["<f2", "<f4", ">f4", "<f8", ">f8", "i1", "<u2", ">i8", "bool", "longdouble"]
)
@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "shuffle": True}])
def test_every_number_format_is_read(dtype: str, options: Fields, tmp_path: Path) -> None:
    weight = (np.arange(24).reshape(4, 6) % 2).astype(dtype)
    file = store(tmp_path / "a.nir", chain(fc={"type": "Linear", "weight": weight}), **options)
    node = read(file).nodes["fc"]
    assert isinstance(node, Linear) and node.weight.dtype == np.float64
    np.testing.assert_array_equal(node.weight, weight.astype(float))


def test_chunks_that_do_not_divide_the_array_are_put_in_place(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).normal(size=(13, 7))
    nodes = chain(fc={"type": "Linear", "weight": weight}, input=port("Input", 7), lif=lif(13))
    nodes["output"] = port("Output", 13)
    file = store(tmp_path / "a.nir", nodes, compression="gzip")
    with_chunks = tmp_path / "b.nir"
    with h5py.File(file) as old, h5py.File(with_chunks, "w") as new:
        old.copy("version", new)
        old.copy("node", new)
        del new["node/nodes/fc/weight"]
        group = new["node/nodes/fc"]
        group.create_dataset("weight", data=weight, chunks=(5, 4), compression=9)
    node = read(with_chunks).nodes["fc"]
    assert isinstance(node, Linear)
    np.testing.assert_array_equal(node.weight, weight)


def test_an_affine_with_a_single_bias_for_all(tmp_path: Path) -> None:
    """nir.Affine(weight, bias=False) is in the wild; it means no bias."""
    nodes = chain(fc={**linear(4, 6), "type": "Affine", "bias": False})
    node = read(store(tmp_path / "a.nir", nodes)).nodes["fc"]
    assert isinstance(node, Affine) and node.bias.shape == (4,) and not node.bias.any()


def test_nested_graphs_are_inlined(tmp_path: Path) -> None:
    inner: Fields = {
        "type": "NIRGraph",
        "nodes": {
            "input": port("Input", 4),
            "lif": lif(4),
            "rec": linear(4, 4),
            "output": port("Output", 4),
        },
        "edges": [("input", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")],
    }
    outer: Fields = {
        "type": "NIRGraph",
        "nodes": {"in": port("Input", 4), "core": inner, "out": port("Output", 4)},
        "edges": [("in", "core"), ("core", "out")],
    }
    graph = read(store(tmp_path / "a.nir", chain(lif=outer)))
    assert list(graph.nodes) == ["fc", "input", "lif/core/lif", "lif/core/rec", "output"]
    assert graph.edges == (
        ("fc", "lif/core/lif"),
        ("input", "fc"),
        ("lif/core/lif", "lif/core/rec"),
        ("lif/core/lif", "output"),
        ("lif/core/rec", "lif/core/lif"),
    )
    assert graph.nodes["lif/core/rec"].origin == ("lif/core/rec",)


def test_what_is_legal_but_unusual_is_noted(tmp_path: Path) -> None:
    nodes = chain(lif=lif(4, v_threshold=np.array([1, 0, -1, 2])), lonely=linear(3, 3))
    graph = read(store(tmp_path / "a.nir", nodes, version=None))
    assert graph.notes == (
        "the file does not say which version of nir wrote it",
        "2 of 4 thresholds of 'lif' are not above v_reset: after a spike such a neuron is not "
        "below its threshold",
        "no output depends on 'lonely'",
    )


CASES: list[tuple[str, dict[str, Fields], list[tuple[str, str]], str]] = [
    ("nan", chain(fc={"type": "Linear", "weight": np.full((4, 6), np.nan)}), EDGES,
     "fc/weight: 24 of 24 values are not finite (nan at (0, 0))"),
    ("cancelling infinities", chain(fc={"type": "Linear", "weight": np.array([[np.inf, -np.inf, 0, 0, 0, 0]] * 4)}), EDGES,
     "fc/weight: 8 of 24 values are not finite (inf at (0, 0))"),
    ("tau", chain(lif=lif(4, tau=np.array([1, 0, -2, 1.0]))), EDGES,
     "lif/tau: 2 of 4 values are not positive; a time constant must be > 0 (least: -2.0 at (2,))"),
    ("0-d tau", chain(lif=lif(4, tau=0.0)), EDGES, "lif/tau: 1 of 1 values is not positive"),
    ("parameters differ", chain(lif=lif(4, r=np.ones(3))), EDGES,
     "lif: its parameters differ in shape: tau (4,), r (3,)"),
    ("one for all", chain(lif=lif(1)), EDGES, "lif: its parameters of shape (1,) are fewer than the "
     "(4,) that 'fc' gives; `--repair` mends it"),
    ("transposed", chain(fc=linear(6, 4)), EDGES,
     "the weight (6, 4) of 'fc' seems transposed: NIR has (out, in)"),
    ("weight axes", chain(fc={"type": "Linear", "weight": np.ones((2, 4, 6))}), EDGES,
     "fc/weight: has shape (2, 4, 6); expected 2 axes: (out, in)"),
    ("bias", chain(fc={**linear(4, 6), "type": "Affine", "bias": np.ones(5)}), EDGES,
     "fc/bias: has shape (5,); the weights have 4 outputs"),
    ("no bias", chain(fc={**linear(4, 6), "type": "Affine"}), EDGES,
     "fc/bias: is missing; Affine has weight, bias"),
    ("zero size", chain(lif=lif(0)), EDGES, "lif/tau: has no values (shape (0,))"),
    ("negative shape", chain(input=port("Input", -6)), EDGES,
     "input/shape: is (-6,); expected at least 1"),
    ("broken shape", chain(input={"type": "Input", "shape": np.array([6.5])}), EDGES,
     "input/shape: is [6.5]; expected whole numbers"),
    ("shape of shapes", chain(input={"type": "Input", "shape": np.ones((2, 2))}), EDGES,
     "input/shape: has shape (2, 2); expected up to 8 numbers"),
    ("text", chain(fc={"type": "Linear", "weight": "heavy"}), EDGES,
     "fc/weight: is the text 'heavy'; expected numbers"),
    ("unknown type", chain(lif={**lif(4), "type": "AdEx"}), EDGES,
     "lif/type: 'AdEx' is not a NIR primitive; there are: Input, Output,"),
    ("unknown field", chain(lif=lif(4, beta=ONE)), EDGES,
     "lif/beta: LIF has no such field; there are: tau, r, v_leak, v_threshold, v_reset"),
    ("missing", chain(lif=lif(4, tau=None)), EDGES,
     "lif/tau: is missing; LIF has tau, r, v_leak, v_threshold, v_reset"),
    ("ghost", chain(), [*EDGES, ("lif", "ghost")],
     "the edge 'lif' -> 'ghost' names 'ghost', which is not there; there are: 'fc', 'input'"),
    ("twice", chain(), [*EDGES, ("fc", "lif")], "the edge 'fc' -> 'lif' stands there twice"),
    ("into an input", chain(), [*EDGES, ("lif", "input")],
     "the edge 'lif' -> 'input' ends at an Input"),
    ("out of an output", chain(), [*EDGES, ("output", "lif")],
     "the edge 'output' -> 'lif' starts at an Output"),
    ("loop", chain(fc=linear(6, 6), lif=lif(6), output=port("Output", 6)), [*EDGES, ("fc", "fc")],
     "the cycle 'fc' -> 'fc' has no neuron and no delay in it"),
    ("threshold loop", chain(t={"type": "Threshold", "threshold": ONE}, w=linear(4, 4)),
     [*EDGES, ("lif", "t"), ("t", "w"), ("w", "t")],
     "the cycle 't' -> 'w' -> 't' has no neuron and no delay in it"),
    ("empty delay loop", chain(d={"type": "Delay", "delay": 0 * ONE}, w=linear(4, 4)),
     [*EDGES, ("lif", "d"), ("d", "w"), ("w", "d")],
     "the cycle 'd' -> 'w' -> 'd' has no neuron and no delay in it"),
    ("delay", chain(d={"type": "Delay", "delay": -ONE}), [*EDGES, ("lif", "d")],
     "d/delay: 4 of 4 values are negative; a delay must be >= 0"),
    ("stride", chain(c=conv(1, 1, 3, 3, stride=0)), EDGES, "c/stride: is (0, 0); expected at least 1"),
    ("three strides", chain(c=conv(1, 1, 3, 3, stride=np.ones(3))), EDGES,
     "c/stride: is (1, 1, 1); Conv2d needs 2 numbers"),
    ("dilation", chain(c=conv(1, 1, 3, 3, dilation=0)), EDGES,
     "c/dilation: is (0, 0); expected at least 1"),
    ("padding", chain(c=conv(1, 1, 3, 3, padding=-1)), EDGES,
     "c/padding: is (-1, -1); expected at least 0"),
    ("padding text", chain(c=conv(1, 1, 3, 3, padding="reflect")), EDGES,
     "c/padding: is 'reflect'; expected 'same', 'valid' or numbers"),
    ("same with stride", chain(c=conv(1, 1, 3, 3, padding="same", stride=2)), EDGES,
     "c/padding: is 'same' with stride (2, 2); that needs stride 1, or numbers"),
    ("groups", chain(c=conv(3, 1, 3, 3, groups=2)), EDGES,
     "c/groups: is 2, which does not divide the 3 outputs"),
    ("pool padding", chain(p={"type": "SumPool2d", "kernel_size": 2, "stride": 2, "padding": 2}), EDGES,
     "p/padding: is (2, 2), not less than the window (2, 2)"),
    ("no nodes", {}, [], "node/nodes: has no nodes"),
    ("control characters", chain(**{"a\x1b[31m": linear(4, 4)}), EDGES,
     "the name 'a\\x1b[31m' holds control characters; rename the node"),
    ("direction marks", chain(**{"a\u202eb": linear(4, 4)}), EDGES,
     "the name 'a\\u202eb' holds control characters; rename the node"),
    ("long name", chain(**{"n" * 300: linear(4, 4)}), EDGES,
     "(300 characters)' is longer than the limit of 200"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "edges", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_fault_is_refused_with_its_place_and_reason(
    nodes: dict[str, Fields], edges: list[tuple[str, str]], words: str, tmp_path: Path
) -> None:
    file = store(tmp_path / "a.nir", nodes, edges)
    text = refusal(file)
    assert words in text
    assert text.startswith(f"{file}: node/")
    assert "\x1b" not in text and "\u202e" not in text


def test_all_findings_come_at_once(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    nodes = {
        "input": port("Input", 7),
        "c": conv(4, 3, 3, 3, stride=0, padding="odd"),
        "fc": linear(4, 6),
        "lif": lif(4, tau=-ONE, beta=ONE, r=None),
        "bad": {"type": "Izhikevich", "a": ONE},
        "nan": {"type": "Scale", "scale": np.array([1, np.nan, 3, 4])},
        "d": {"type": "Delay", "delay": np.array([1, np.nan, -3, 4])},
        "w1": linear(4, 4),
        "w2": linear(4, 4),
        "output": port("Output", 4),
    }
    edges = [
        ("input", "fc"), ("fc", "lif"), ("lif", "nan"), ("nan", "output"), ("w1", "w2"),
        ("w2", "w1"), ("w1", "ghost"), ("w1", "w2"), ("output", "w1"), ("bad", "w1"),
    ]  # fmt: skip
    text = refusal(store(tmp_path / "a.nir", nodes, edges))
    golden("nir_io/findings.txt", text.replace(str(tmp_path), ".") + "\n")


def test_nested_graphs_need_one_door_each_way(tmp_path: Path) -> None:
    inner: Fields = {
        "type": "NIRGraph",
        "nodes": {"a": port("Input", 4), "b": port("Input", 4), "lif": lif(4)},
        "edges": [("a", "lif"), ("b", "lif")],
    }
    text = refusal(store(tmp_path / "a.nir", chain(lif=inner)))
    assert (
        "nodes/lif: edges of the graph around it need exactly 1 Input inside; there are 2" in text
    )
    assert "exactly 1 Output inside; there are 0" in text


def test_an_inner_input_takes_nothing_from_inside(tmp_path: Path) -> None:
    inner: Fields = {
        "type": "NIRGraph",
        "nodes": {"a": port("Input", 4), "lif": lif(4), "b": port("Output", 4)},
        "edges": [("a", "lif"), ("lif", "b"), ("lif", "a"), ("b", "lif")],
    }
    text = refusal(store(tmp_path / "a.nir", chain(lif=inner)))
    assert "nodes/lif/edges: the edge 'lif' -> 'a' ends at an Input" in text
    assert "nodes/lif/edges: the edge 'b' -> 'lif' starts at an Output" in text


def test_many_faults_and_many_nested_graphs_do_not_take_long(tmp_path: Path) -> None:
    """Neither nodes nor findings are searched once per edge."""
    start = time.perf_counter()
    edges = [("lif", f"ghost{index}") for index in range(20_000)]
    text = refusal(store(tmp_path / "a.nir", chain(), [*EDGES, *edges]))
    assert text.endswith(": 19900 more findings") and len(text.splitlines()) == 101
    wire = {"i": nir.Input(np.array([4])), "o": nir.Output(np.array([4]))}
    nodes: dict[str, Any] = {
        f"g{index}": nir.NIRGraph(wire, [("i", "o")], type_check=False) for index in range(1500)
    }
    pairs = [
        (f"g{index}", f"g{other}") for index in range(1500) for other in (index + 1, index + 7)
    ]
    nodes |= {f"g{index}": nir.LI(tau=ONE, r=ONE, v_leak=ONE) for index in range(1500, 1507)}
    with pytest.raises(BadInput):
        from_nir(nir.NIRGraph(nodes, pairs, type_check=False))
    assert time.perf_counter() - start < 10


def test_two_paths_without_a_node_between_are_refused(tmp_path: Path) -> None:
    inner: Fields = {
        "type": "NIRGraph",
        "nodes": {"a": port("Input", 4), "b": port("Output", 4)},
        "edges": [("a", "b")],
    }
    edges = [*EDGES, ("fc", "wire"), ("wire", "lif")]
    text = refusal(store(tmp_path / "a.nir", chain(wire=inner), edges))
    assert "'fc' reaches 'lif' over 2 paths without a node between" in text


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "a.nir"
    assert "cannot be opened" in refusal(file)
    assert "is not a regular file" in refusal(tmp_path)
    file.write_bytes(b"")
    assert "is empty (0 bytes)" in refusal(file)
    file.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "is a Git LFS pointer, not the model; run `git lfs pull`" in refusal(file)
    file.write_text("hello")
    assert "is not a whole HDF5 file: file signature not found" in refusal(file)
    store(file, chain())
    file.write_bytes(file.read_bytes()[:3000])
    assert "is not a whole HDF5 file: truncated file" in refusal(file)
    nir.write(file, nir.LIF(tau=ONE, r=ONE, v_leak=ONE, v_threshold=ONE))
    assert "node: is a single 'LIF'; wrap it: nir.NIRGraph.from_list(node)" in refusal(file)


def test_limits_hold_at_their_value_and_not_one_past_it(tmp_path: Path) -> None:
    file = store(tmp_path / "a.nir", chain())
    exact: dict[str, int] = {"elements": 46, "nodes": 4, "edges": 3, "depth": 1, "name": 6}
    assert read(file, limits=Limits(**exact)).fingerprint == read(file).fingerprint
    words = {
        "elements": "that passes the limit of 45 for a file",
        "nodes": "4 nodes are declared, the limit is 3",
        "edges": "3 edges are declared, the limit is 2",
        "depth": "graphs are nested deeper than 0 levels",
        "name": "the name 'output' is longer than the limit of 5",
    }
    for key, value in exact.items():
        assert words[key] in refusal(file, limits=Limits(**{**exact, key: value - 1}))
        in_memory = nir.read(file)
        if key != "elements":
            with pytest.raises(BadInput):
                from_nir(in_memory, limits=Limits(**{**exact, key: value - 1}))


def test_shapes_count_as_elements_too(tmp_path: Path) -> None:
    nodes = {"input": port("Input", 10**6, 10**6), "lif": lif(()), "output": port("Output", 1)}
    text = refusal(store(tmp_path / "a.nir", nodes, [("input", "lif"), ("lif", "output")]))
    assert "a shape of (1000000, 1000000) has more than 100000000 entries, the limit" in text


def test_objects_are_checked_like_files(tmp_path: Path) -> None:
    nodes = chain(lif=lif(4, tau=np.array([1, 1, np.nan, -1])))
    found = nir.read(store(tmp_path / "a.nir", nodes))
    with pytest.raises(BadInput) as refused:
        from_nir(found)
    assert refused.value.findings == (
        "graph: lif/tau: 1 of 4 values is not finite (nan at (2,)); expected numbers",
        "graph: lif/tau: 1 of 4 values is not positive; a time constant must be > 0 "
        "(least: -1.0 at (3,))",
    )
    with pytest.raises(BadInput, match=r"is a LIF; expected an nir\.NIRGraph"):
        from_nir(cast(nir.NIRGraph, found.nodes["lif"]))


def test_a_convolution_object_without_bias_or_size(tmp_path: Path) -> None:
    """spyx makes them: bias None, input_shape None."""
    without: Any = None
    node = nir.Conv2d(without, np.ones((2, 1, 3, 3)), 1, "same", 1, 1, without)
    graph = nir.NIRGraph(
        {"i": nir.Input(np.array([1, 5, 5])), "c": node, "o": nir.Output(np.array([2, 5, 5]))},
        [("i", "c"), ("c", "o")],
        type_check=False,
    )
    found = from_nir(graph)
    assert found.notes == ("'c' has no bias in the file; 0 is taken",)
    made = found.nodes["c"]
    assert isinstance(made, Conv2d) and not made.bias.any()


def test_reading_needs_neither_nir_nor_networkx(tmp_path: Path) -> None:
    file = store(tmp_path / "a.nir", chain())
    code = (
        "import sys; from nir_io.reader import read; read(sys.argv[1]); "
        "print([name for name in ('nir', 'networkx', 'scipy', 'ortools') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
