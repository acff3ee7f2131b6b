"""Files made to crash, hang, or fill the memory: a clear answer, in 2 s and 500 MB."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.corpus import CORPUS, records
from tests.nir_io.files import chain, linear, store
from tests.nir_io.sandbox import MEMORY, SECONDS, outcomes

Make = Callable[[h5py.File], None]
WEIGHT = "node/nodes/fc/weight"


def soft_link(file: h5py.File) -> None:
    del file[WEIGHT]
    file[WEIGHT] = h5py.SoftLink("/node/nodes/lif/tau")


def external_link(file: h5py.File) -> None:
    del file[WEIGHT]
    file[WEIGHT] = h5py.ExternalLink("/etc/passwd", "/x")


def external_link_to_node(file: h5py.File) -> None:
    del file["node"]
    file["node"] = h5py.ExternalLink("other.nir", "/node")


def external_storage(file: h5py.File) -> None:
    del file[WEIGHT]
    file.create_dataset(WEIGHT, (4, 6), "f4", external=[("/etc/passwd", 0, 96)])


def virtual_storage(file: h5py.File) -> None:
    del file[WEIGHT]
    layout = h5py.VirtualLayout((4, 6), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 6))
    file.create_virtual_dataset(WEIGHT, layout)


def graph_in_itself(file: h5py.File) -> None:
    file["node/nodes/again"] = file["node"]


def many_paths(file: h5py.File) -> None:
    """Graphs that hold the next one twice: 2^15 copies of the innermost."""
    inner = file.create_group("deep")
    inner["type"], inner["edges"] = "NIRGraph", np.zeros((0, 2))
    file.copy("node/nodes/fc", inner.create_group("nodes"), "fc")
    for _ in range(14):
        outer = file.create_group(None)
        outer["type"], outer["edges"] = "NIRGraph", np.zeros((0, 2))
        outer["nodes/a"] = inner
        outer["nodes/b"] = inner
        inner = outer
    file["node/nodes/bomb"] = inner
    del file["deep"]


def references(file: h5py.File) -> None:
    del file[WEIGHT]
    file.create_dataset(WEIGHT, data=np.full((4, 6), file["node"].ref, h5py.ref_dtype))


def compound(file: h5py.File) -> None:
    del file[WEIGHT]
    file.create_dataset(WEIGHT, data=np.zeros((4, 6), [("a", "f4"), ("b", "f4")]))


def opaque(file: h5py.File) -> None:
    del file[WEIGHT]
    file.create_dataset(WEIGHT, data=np.zeros((4, 6), "V5"))


def named_type(file: h5py.File) -> None:
    file["node/nodes/kind"] = np.dtype("f4")


def null_space(file: h5py.File) -> None:
    del file[WEIGHT]
    file[WEIGHT] = h5py.Empty("f4")


def never_written(file: h5py.File) -> None:
    del file[WEIGHT]
    file.create_dataset(WEIGHT, (4, 6), "f4", chunks=(2, 2), fillvalue=0.5)


def half_written(file: h5py.File) -> None:
    del file[WEIGHT]
    data = file.create_dataset(WEIGHT, (4, 6), "f4", chunks=(2, 3), compression="gzip")
    data[:2] = 1.0


def declared_large(file: h5py.File) -> None:
    del file[WEIGHT]
    file.create_dataset(WEIGHT, (10**6, 10**6), "f4", chunks=(4096, 4096), fillvalue=0.5)


def large_chunks(file: h5py.File) -> None:
    del file[WEIGHT]
    plan: Any = {"chunks": (2000, 2000), "maxshape": (None, None), "compression": "gzip"}
    file.create_dataset(WEIGHT, data=np.ones((4, 6), "f4"), **plan)


def zeros_twice_deflated(file: h5py.File) -> None:
    """8 GiB of zeros in one chunk of a few kB, behind two deflate filters."""
    del file[WEIGHT]
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((4, 6))
    plan.set_deflate(9)
    plan.set_deflate(9)
    space = h5py.h5s.create_simple((4, 6))
    data = h5py.h5d.create(file["node/nodes/fc"].id, b"weight", h5py.h5t.IEEE_F32LE, space, plan)
    data.write_direct_chunk((0, 0), _deflated_zeros(8 << 30, twice=True))


def stream_longer_than_its_chunk(file: h5py.File) -> None:
    """A chunk of 96 bytes whose stream goes on for 4 GiB: HDF5's own filter follows it."""
    del file[WEIGHT]
    data = file.create_dataset(WEIGHT, (4, 6), "f4", chunks=(4, 6), compression="gzip")
    data.id.write_direct_chunk((0, 0), _deflated_zeros(4 << 30))


def stream_shorter_than_its_chunk(file: h5py.File) -> None:
    del file[WEIGHT]
    data = file.create_dataset(WEIGHT, (4, 6), "f4", chunks=(4, 6), compression="gzip")
    data.id.write_direct_chunk((0, 0), zlib.compress(b"\0" * 50))


def edges_with_one_long_name(file: h5py.File) -> None:
    """A name of 20 MB, and 90,000 edges between copies of it: 3.6 TB as text."""
    del file["node/edges"]
    pairs = np.full((1, 2), "n" * (20 << 20), dtype=object)
    edges = file.create_dataset("node/edges", (90_000, 2), h5py.string_dtype())
    edges[0] = pairs[0]
    raw = Path(file.filename)
    offset = edges.id.get_offset()
    file.flush()
    entry = raw.read_bytes()[offset : offset + 32]
    file.close()
    with raw.open("r+b") as out:
        out.seek(offset)
        out.write(entry * 90_000)


def many_fields(file: h5py.File) -> None:
    for index in range(5000):
        file[f"node/nodes/fc/extra{index}"] = 1.0


def long_metadata(file: h5py.File) -> None:
    file["node/metadata/author"] = "a\x1b[2J" * 100_000


def deep_metadata(file: h5py.File) -> None:
    file["node/metadata/" + "m/" * 300 + "end"] = 1


MADE: dict[Make, str] = {
    soft_link: "fc/weight: is a soft or external link; links are not followed",
    external_link: "fc/weight: is a soft or external link; links are not followed",
    external_link_to_node: "node: is a soft or external link; links are not followed",
    external_storage: "fc/weight: lies in another file",
    virtual_storage: "fc/weight: lies in another file",
    graph_in_itself: "node/nodes/again: the graph holds itself",
    many_paths: "the graph stands in two places: a hard link leads to it a second time",
    references: "fc/weight: holds values of type object; expected numbers",
    compound: "fc/weight: holds values of type",
    opaque: "fc/weight: holds values of type |V5; expected numbers",
    named_type: "node/nodes/kind: is neither a group nor a data set",
    null_space: "fc/weight: has no values",
    never_written: "fc/weight: of shape (4, 6) was declared but not written in full",
    half_written: "fc/weight: of shape (4, 6) was declared but not written in full",
    declared_large: "declares 1000000000000 values of shape (1000000, 1000000)",
    large_chunks: "has chunks of shape (2000, 2000) for data of shape (4, 6)",
    zeros_twice_deflated: "is stored with HDF5 filters [1, 1]; use gzip or none",
    stream_longer_than_its_chunk: "has a compressed chunk that cannot be inflated",
    stream_shorter_than_its_chunk: "has a compressed chunk that cannot be inflated",
    edges_with_one_long_name: "node/edges: cannot be read: a text of 20971520 bytes is longer than 800",
    many_fields: "node/nodes/fc: holds 5002 entries, the limit is 200",
    long_metadata: "",
    deep_metadata: "",
}


def _deflated_zeros(count: int, *, twice: bool = False) -> bytes:
    first = zlib.compressobj(9)
    block, packed = b"\0" * (1 << 20), []
    inner = first.compress(block) + first.flush(zlib.Z_FULL_FLUSH)
    body = first.compress(block) + first.flush(zlib.Z_FULL_FLUSH)  # the same for every block
    packed = [inner, body * (count // len(block))]
    data = b"".join(packed)
    return zlib.compress(data, 9) if twice else data


def within_limits(found: dict[str, Any]) -> bool:
    return found["seconds"] < SECONDS and found["megabytes"] < MEMORY >> 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("hostile")
    files = []
    for make in MADE:
        path = store(folder / f"{make.__name__}.nir", chain())
        with h5py.File(path, "r+") as file:
            make(file)
        files.append(path)
    return {Path(file).stem: found for file, found in outcomes(files).items()}


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_a_hostile_file_gets_a_clear_answer(make: Make, made: dict[str, dict[str, Any]]) -> None:
    found = made[make.__name__]
    assert found["outcome"] == ("reject" if MADE[make] else "accept"), found
    assert any(MADE[make] in finding for finding in found["findings"]) or not MADE[make]
    assert within_limits(found)


def test_the_corpus_of_hostile_files_ends_as_expected() -> None:
    expected = {str(CORPUS / "hostile" / r["file"]): r["expect"] for r in records("hostile")}
    found = outcomes([Path(file) for file in expected]) if expected else {}
    wrong = {
        file: result
        for file, result in found.items()
        if result["outcome"] not in ("accept", "reject")
        or expected[file] not in ("either", result["outcome"])
        or not within_limits(result)
    }
    assert not wrong
    assert len(found) == len(expected)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    """Bytes changed, cut and repeated at random: no other exception, no crash, no hang."""
    rng = np.random.default_rng(20)
    nodes = chain(fc={**linear(4, 6), "metadata": {"a": 1.0, "b": "text"}})
    plain = store(tmp_path / "plain.nir", nodes, metadata={"dt": 1e-3}).read_bytes()
    packed = store(tmp_path / "packed.nir", nodes, compression="gzip", shuffle=True).read_bytes()
    files = []
    for index in range(160):
        raw = bytearray(packed if index % 2 else plain)
        places = rng.integers(len(raw), size=int(rng.choice([1, 3, 10, 60])))
        for place in places:
            raw[place] = int(rng.choice([0, 0xFF, rng.integers(256)]))
        if index % 10 == 9:
            raw = raw[: int(rng.integers(len(raw)))]
        files.append(tmp_path / f"{index}.nir")
        files[-1].write_bytes(bytes(raw))
    found = outcomes(files)
    assert len(found) == len(files)
    assert not [r for r in found.values() if r["outcome"] not in ("accept", "reject")]
    assert not [r for r in found.values() if not within_limits(r)]
    assert {r["outcome"] for r in found.values()} == {"accept", "reject"}
