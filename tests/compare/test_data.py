"""Data files: what is read, and one clear message for each that cannot be."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from mapper.verbs.compare.data import Wanted, npz, of_array, read
from nir_io.errors import BadInput
from nir_io.limits import Limits

LINE = Wanted(inputs=(("input", (4,)),), dt=1e-3, steps=None, classes=3)
MAP = Wanted(inputs=(("input", (2, 3, 5)),), dt=1e-3, steps=6, classes=3)
EVENT = np.dtype([("sample", "u4"), ("t", "f8"), ("p", "u1"), ("y", "u2"), ("x", "u2")])


def stored(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez_compressed(path, **arrays)
    return path


def said(path: Path, wanted: Wanted = LINE, **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read(path, wanted, **options)
    return "\n".join(caught.value.findings)


def test_a_raster_with_labels_and_names(tmp_path: Path) -> None:
    raster = np.arange(2 * 3 * 4).reshape(2, 3, 4) % 3
    found = read(
        stored(tmp_path, raster=raster, labels=[2, 0], dataset="digits", split="test"), LINE
    )
    assert np.array_equal(found.raster, raster)
    assert found.labels is not None and list(found.labels) == [2, 0]
    assert (found.dataset, found.split, found.name) == ("digits", "test", "data.npz")
    assert found.first(1).samples == 1


def test_events_become_steps_of_the_chip(tmp_path: Path) -> None:
    events = np.array(
        [(0, 0.0, 1, 2, 4), (0, 0.0005, 1, 2, 4), (1, 0.0031, 0, 0, 1), (1, 0.5, 0, 0, 1)], EVENT
    )
    path = stored(tmp_path, events=events, polarity="off-first")
    found = read(path, MAP)
    maps = found.raster.reshape(2, 6, 2, 3, 5)
    assert maps[0, 0, 1, 2, 4] == 2 and maps[1, 3, 0, 0, 1] == 1 and maps.sum() == 3
    assert found.notes == ("1 of 4 events come after the 6 steps of a run",)
    turned = read(path, MAP, polarity="on-first").raster.reshape(2, 6, 2, 3, 5)
    assert np.array_equal(turned, maps[:, :, ::-1])


def test_events_of_channels(tmp_path: Path) -> None:
    events = np.array([(0, 0.0, 3), (0, 0.002, 1)], [("sample", "i4"), ("t", "f8"), ("x", "i4")])
    found = read(stored(tmp_path, events=events), LINE)
    assert found.raster.tolist() == [[[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]]


def test_nir_data_files(tmp_path: Path) -> None:
    grid = np.random.default_rng(0).random((2, 5, 4)) < 0.4
    path = tmp_path / "data.nir"
    spikes = {"spikes": nir.TimeGriddedData(grid, 1e-3)}
    nir.write_data(path, nir.NIRGraphData(nodes={"input": nir.NIRNodeData(spikes)}))
    assert np.array_equal(read(path, LINE).raster, grid)
    events = nir.TimeGriddedData(grid, 1e-3).to_event(20)
    nir.write_data(path, nir.NIRGraphData(nodes={"input": nir.NIRNodeData({"spikes": events})}))
    assert np.array_equal(read(path, LINE).raster, grid)


def test_nir_data_of_another_network_is_told(tmp_path: Path) -> None:
    path = tmp_path / "data.nir"
    grid = nir.TimeGriddedData(np.zeros((1, 2, 3), bool), 1e-3)
    nir.write_data(path, nir.NIRGraphData(nodes={"other": nir.NIRNodeData({"spikes": grid})}))
    assert "has no spikes of the input 'input'; it has those of: 'other'" in said(path)
    nir.write_data(path, nir.NIRGraphData(nodes={"input": nir.NIRNodeData({"spikes": grid})}))
    assert "'input' has 3 channels; the network reads 4" in said(path)
    with h5py.File(path, "w") as file:
        file["node"] = 1
    assert "is HDF5 but no NIR data file" in said(path)


def test_nir_data_with_links_out_of_the_file_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "data.nir"
    with h5py.File(path, "w") as file:
        file.attrs["__type__"] = "NIRGraphData"
        nodes = file.create_group("nodes")
        nodes["input"] = h5py.ExternalLink("/etc/passwd", "/")
    assert "is a damaged NIR data file: 'input' is missing, or a link out of its place" in said(
        path
    )


WRONG = [
    ({"raster": np.zeros((2, 3, 5), int)}, "5 channels a step; the network reads 'input' 4"),
    ({"raster": np.zeros((2, 3))}, "has the shape (2, 3) and type float64; expected integers"),
    ({"raster": np.zeros((0, 3, 4), int)}, "there is nothing to run"),
    ({"raster": np.full((2, 3, 4), 0.5)}, "holds fractions or NaN; chips take whole events"),
    ({"raster": np.full((2, 3, 4), np.nan)}, "holds fractions or NaN"),
    ({"raster": np.full((2, 3, 4), -1)}, "holds -1..-1; expected 0..65535 events"),
    ({"raster": np.zeros((2, 3, 4), int), "labels": [0]}, "'labels' has the shape (1,)"),
    (
        {"raster": np.zeros((2, 3, 4), int), "labels": [0, 3]},
        "'labels' are 0..3; the network has 3",
    ),
    ({"raster": np.zeros((2, 3, 4), int), "split": "mine"}, "'split' is 'mine'; expected train"),
    ({"raster": np.zeros((2, 3, 4), int), "dataset": [1, 2]}, "'dataset' has the type int64"),
    ({"other": np.zeros(3)}, "holds no 'raster' or 'events'; expected one of them"),
    (
        {"raster": np.zeros((1, 1, 4)), "events": np.zeros(3)},
        "holds both 'raster' and 'events'; expected one of them",
    ),
    ({"events": np.zeros(3)}, "expected one row an event with sample, t, x"),
]


@pytest.mark.parametrize(("arrays", "message"), WRONG, ids=[m[:30] for _, m in WRONG])
def test_wrong_arrays_are_told(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    assert message in said(stored(tmp_path, **arrays))


def test_a_map_of_another_order_is_not_taken_for_the_network_s(tmp_path: Path) -> None:
    path = stored(tmp_path, raster=np.zeros((1, 1, 3, 5, 2), int))
    assert "3 x 5 x 2 channels a step; the network reads 'input' 2 x 3 x 5" in said(path, MAP)


def test_two_polarities_need_their_order(tmp_path: Path) -> None:
    path = stored(tmp_path, events=np.zeros(1, EVENT))
    assert "say which channel of the network is ON" in said(path, MAP)
    assert "option --polarity: 'up'; expected on-first or off-first" in said(
        path, MAP, polarity="up"
    )
    outside = np.array([(0, 0.0, 1, 3, 4)], EVENT)
    path = stored(tmp_path, events=outside, polarity="on-first")
    assert "'events' have y 3..3; the network reads 0..2" in said(path, MAP)
    late = np.array([(0, np.inf, 1, 0, 0)], EVENT)
    path = stored(tmp_path, events=late, polarity="on-first")
    assert "times below 0 or that are no numbers" in said(path, MAP)


def test_events_need_a_wall_clock_step(tmp_path: Path) -> None:
    unknown = Wanted(inputs=MAP.inputs, dt=None, steps=None, classes=3)
    path = stored(tmp_path, events=np.zeros(1, EVENT), polarity="on-first")
    assert "pass --chip-dt SECONDS" in said(path, unknown)


def test_hostile_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    assert "cannot be opened" in said(tmp_path / "none.npz")
    assert "cannot be opened" in said(tmp_path)
    path.write_bytes(b"not an archive at all")
    assert "is neither an .npz nor a NIR data file" in said(path)
    path.write_bytes(b"PK\x03\x04 and then nothing")
    assert "is a damaged .npz" in said(path)
    np.savez(path, raster=np.array([{}, None], dtype=object))
    assert "holds Python objects, which are never read" in said(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("raster.npy", b"\x93NUMPY\x09\x00garbage")
    assert "is a damaged .npz" in said(path)


def test_a_recorded_run_that_is_not_there_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        npz(tmp_path / "none.npz", Limits())


def test_a_bomb_is_seen_in_its_header(tmp_path: Path) -> None:
    head = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6, 4)}
    np.lib.format.write_array_header_1_0(head, header)
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("raster.npy", head.getvalue())
    assert "all arrays together may have" in said(path)
    with pytest.raises(BadInput, match="all arrays together may have"):
        npz(path, Limits())


def test_arrays_in_memory() -> None:
    found = of_array(np.ones((2, 3, 4), bool), np.array([1, 2]), LINE)
    assert found.raster.sum() == 24 and found.name == "array"
    with pytest.raises(BadInput, match=r"'labels' are 1\.\.7"):
        of_array(np.ones((2, 3, 4), bool), np.array([1, 7]), LINE)
