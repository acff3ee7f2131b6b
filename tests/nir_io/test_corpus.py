"""Every file of the corpus loads, loads with `--repair`, or is refused for the true reason.

Each was looked at by hand; the tables below are the result, and a new file has to be put
into one of them. Values are compared with what the nir package reads.
"""

from __future__ import annotations

import re
import time
from functools import cache
from typing import Any

import nir
import numpy as np
import pytest

from nir_io.errors import BadInput
from nir_io.fields import PARAMETERS
from nir_io.fingerprint import fingerprint
from nir_io.graph import Graph
from nir_io.reader import from_nir, read
from nir_io.resolve import resolve
from tests.corpus import CORPUS, records

FOLDERS = ("exported", "trained", "paper")
FILES = [f"{folder}/{record['file']}" for folder in FOLDERS for record in records(folder)]

BATCH = r"more dimensions? than .* drops the batch or time dimension"
INNER_NAME = r"edges name 'lif', which is not there; .* takes 'lif1' for it"
GROUP_NAME = r"edges name 'lif1', which is not there; .* takes 'lif1.input' and 'lif1.output'"
INNER_SHAPE = r"the Input of a nested graph declares \(12,\), but .* takes the shape from around"
BATCHED_CNN = r"hold a batch dimension: .* drops it"

REPAIRED = {
    "exported/norse_batched_input_shape.nir": BATCH,
    "exported/pinned_rockpool_16-40-6.nir": BATCH,
    "exported/rockpool_SynNet_16-24x3-8.nir": BATCH,
    "exported/rockpool_lifneuron_expsyn.nir": BATCH,
    "exported/rockpool_rec_weights_lost.nir": BATCH,
    "exported/rockpool_synnet_16-24x3-10_hetero.nir": BATCH,
    "exported/rockpool_synnet_16-63-63-8.nir": BATCH,
    "exported/rockpool_time_dimension.nir": BATCH,
    "paper/current/lif_rockpool.nir": BATCH,
    "paper/others/nir4s__li_network__2a4f621.nir": BATCH,
    "paper/others/nir4s__lif_network__431e46b.nir": BATCH,
    "paper/current/braille_noDelay_bias_zero_subgraph.nir": INNER_NAME,
    "paper/current/braille_noDelay_noBias_subtract_subgraph.nir": INNER_NAME,
    "paper/history/braille_subtract_subgraph__2023-10-23_0f67274.nir": INNER_NAME,
    "paper/history/braille_zero_subgraph__2023-10-23_0f67274.nir": INNER_NAME,
    "paper/history/braille__2023-10-11_3f7c85a.nir": GROUP_NAME,
    "paper/history/braille__2023-10-12_e5390d8.nir": GROUP_NAME,
    "paper/history/braille_v2__2023-10-17_eaac1c5.nir": GROUP_NAME,
    "paper/history/braille_v2__2023-10-18_b3cb250.nir": GROUP_NAME,
    "paper/history/braille_subgraph__2023-10-12_a440c28.nir": INNER_SHAPE,
    "paper/others/norse__braille__e9124b1.nir": INNER_SHAPE,
    "paper/others/rockpool__braille__cf85f1a.nir": INNER_SHAPE,
    "paper/history/scnn_mnist__2023-10-02_c41556c.nir": BATCHED_CNN,
    "paper/history/scnn_mnist__2023-10-05_ccf9f40.nir": BATCHED_CNN,
    "paper/history/scnn_mnist__2023-10-05_225c9ee.nir": BATCHED_CNN,
    "paper/history/scnn_mnist__2023-10-18_8271249.nir": r"flattens \(8, 4, 4\) from dimension 1",
}

REFUSED = {
    # a torch archive under this name
    "paper/history/Braille_snntorch__2023-08-29_db0b097.nir": "is not a whole HDF5 file",
    # a sketch: layer sizes do not go together, no Input, no Output
    "paper/history/braille__2023-10-04_cf1c59a.nir": r"'lif1r' gives \(63,\), 'lif1' takes \(16,\)",
    # pools with stride 1 in place of 2: 15 x 15 values for 8 x 8 neurons
    "paper/history/scnn_mnist__2023-09-26_8a7172f.nir": r"'5' gives \(8, 15, 15\), '6' takes \(8, 8, 8\)",
    # 38 output neurons for 7 outputs
    "paper/others/NIRTorch__braille__0a1d97d.nir": r"'fc2' gives \(7,\), 'lif2' takes \(38,\)",
    # random parameters: time constants below zero
    "paper/others/nirviz__srnn__013b76e.nir": r"cu1/tau_mem: 1 of 2 values is not positive",
    "paper/others/nirviz__srnn__3732e61.nir": r"cu1/tau_mem: 1 of 2 values is not positive",
    "paper/others/nirviz__srnn__6d80e64.nir": r"cu1/tau_mem: 1 of 2 values is not positive",
    # weights as (in, out), and betas above 1
    "paper/others/spyx__spyx_shd__00e6ba4.nir": r"the weight \(128, 64\) of 'linear' seems transposed",
    # neurons without the channel dimension
    "paper/others/brandy2025__cnn_sinabs__b09c2e5.nir": r"'1' gives \(8, 34, 34\), '2' takes \(34, 34\)",
}  # fmt: skip


@cache
def loaded(name: str) -> Graph | tuple[str, ...]:
    try:
        return read(CORPUS / name)
    except BadInput as refused:
        return refused.findings


def graph_of(name: str) -> Graph:
    found = loaded(name)
    return found if isinstance(found, Graph) else read(CORPUS / name, repair=True)


READ_BY_NIR = [
    f"{folder}/{record['file']}"
    for folder in FOLDERS
    for record in records(folder)
    if record["nir_1_0_8_lax"] == "ok" and f"{folder}/{record['file']}" not in REFUSED
]
LOADING = [name for name in FILES if name not in REFUSED]


@pytest.mark.parametrize("name", FILES)
def test_each_file_loads_or_is_refused_for_its_reason(name: str) -> None:
    found = loaded(name)
    if name not in REPAIRED and name not in REFUSED:
        assert isinstance(found, Graph), found
        assert not any(note.startswith("repaired") for note in found.notes)
        return
    assert not isinstance(found, Graph)
    if name in REFUSED:
        with pytest.raises(BadInput) as refused:
            read(CORPUS / name, repair=True)
        assert any(re.search(REFUSED[name], finding) for finding in refused.value.findings)
        return
    assert all("`--repair` mends it" in finding for finding in found)
    assert any(re.search(REPAIRED[name], finding) for finding in found)
    notes = read(CORPUS / name, repair=True).notes
    assert len([note for note in notes if note.startswith("repaired")]) == len(found)


def test_the_tables_name_files_that_are_there() -> None:
    if FILES:
        assert not (REPAIRED.keys() | REFUSED.keys()) - set(FILES)
        assert len(LOADING) + len(REFUSED) == len(FILES) == 143
        assert len(READ_BY_NIR) == 123


@pytest.mark.parametrize("name", READ_BY_NIR)
def test_values_are_those_that_the_nir_package_reads(name: str) -> None:
    graph = graph_of(name)
    theirs = nir.read(CORPUS / name, type_check=False)
    assert _leaves(theirs) == len(graph.nodes)
    for node, field, values in _arrays(theirs, ""):
        ours = getattr(graph.nodes[node], field)
        wanted = np.asarray(values, dtype=float)
        if graph.nodes[node].kind in PARAMETERS and wanted.shape != ours.shape:
            wanted = wanted.reshape(ours.shape if wanted.size == ours.size else ())
        np.testing.assert_array_equal(ours, np.broadcast_to(wanted, ours.shape))


def _arrays(graph: Any, prefix: str) -> list[tuple[str, str, Any]]:
    found: list[tuple[str, str, Any]] = []
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            found += _arrays(node, f"{prefix}{name}/")
            continue
        fields = (*PARAMETERS.get(type(node).__name__, ()), "weight", "bias")
        found += [
            (f"{prefix}{name}", field, getattr(node, field))
            for field in fields
            if hasattr(node, field)
        ]
    return found


def _leaves(graph: Any, inner: bool = False) -> int:
    """Nodes without nested graphs, and without their Inputs and Outputs."""
    doors = (nir.Input, nir.Output)
    flattened = {"lif1.input", "lif1.output"} & graph.nodes.keys()
    return sum(
        _leaves(node, True)
        if isinstance(node, nir.NIRGraph)
        else not (inner and isinstance(node, doors))
        for node in graph.nodes.values()
    ) - len(flattened)


@pytest.mark.parametrize("name", [name for name in READ_BY_NIR if "4096" not in name])
def test_the_same_network_comes_from_the_object_of_nir(name: str) -> None:
    again = from_nir(nir.read(CORPUS / name, type_check=False), repair=True)
    assert again.fingerprint == graph_of(name).fingerprint == fingerprint(again)


TOLD = [
    f"{folder}/{record['file']}"
    for folder in FOLDERS
    for record in records(folder)
    if record.get("framework", "").split()[:1] not in ([], ["nir"])
]


@pytest.mark.parametrize("name", TOLD)
def test_the_exporter_is_recognised_and_its_step_is_the_one_that_was_used(name: str) -> None:
    record = next(r for r in records(name.split("/")[0]) if name.endswith(f"/{r['file']}"))
    framework, dt = record["framework"].split()[0], record["dt"]
    if name == "exported/spikingjelly_residual_fx.nir":
        with pytest.raises(BadInput, match="file_dt is not known"):
            resolve(graph_of(name))  # its nodes have names of their own
        return
    reset = {} if framework != "snntorch" else {"reset": record.get("trained_reset", "zero")}
    found = resolve(graph_of(name), overrides=reset)
    assert dict(found.origins)["comparison"] == "exporter"
    if framework == "norse":  # norse 1.1 writes tau times its step
        assert (found.file_dt, found.chip_dt) == (1e-6, dt)
    elif framework == "sinabs":
        assert found.file_dt == 1.0 and found.reset == "subtract"
    elif found.file_dt is None:
        assert name == "exported/spyx_cnn_if_sumpool.nir"  # no time constant in it
    else:
        assert found.file_dt == dt
    if "trained_reset" in record:
        assert found.reset == record["trained_reset"]


def test_reading_the_papers_cnn_is_fast() -> None:
    """About 10 ms on an idle core; the bound leaves room for a busy machine."""
    file = CORPUS / "paper/current/cnn_sinabs.nir"
    if not file.is_file():
        return
    read(file)
    times = []
    for _ in range(5):
        start = time.process_time()
        read(file)
        times.append(time.process_time() - start)
    assert min(times) < 0.1
