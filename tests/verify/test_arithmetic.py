"""The checker's own formulas against vendors' figures, and against counting by hand."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.verify import examine, verify
from mapper.verify.case import Case, magnitude
from mapper.verify.device import Device, device
from mapper.verify.links import covered
from mapper.verify.loihi2 import dense_words
from mapper.verify.placement import tiles
from mapper.verify.report import Book
from mapper.verify.speck import lg
from mapper.verify.timing import on_cycles
from mapper.verify.xylo import relay_spikes
from tests.verify.draft import profile_hash
from tests.verify.test_mutations import CHAIN, CONV, LOIHI, RELAY, S2, S2DELAY, WINDOWS, made


def shipped(name: str) -> Device:
    """A device of the package."""
    book = Book()
    found = device(name, profile_hash(name), book)
    assert found is not None and not book.findings
    return found


# Words of a dense axon in the per-core tables of Intel's lava-dl notebooks (targets, bits,
# words): mnist, oxford, pilotnet_sdnn, pilotnet_snn, yolo_kp; fact sheet, section 2.1.
LAVA = (
    (100, 4, 26), (50, 6, 15), (10, 5, 3), (9, 4, 3), (1, 4, 1),
    (256, 8, 81), (200, 8, 63), (10, 8, 4), (64, 8, 21), (50, 8, 16),
)  # fmt: skip


@pytest.mark.parametrize(("targets", "bits", "words"), LAVA)
def test_dense_words_are_those_of_lavas_tables(targets: int, bits: int, words: int) -> None:
    case = _case(shipped("loihi2"))
    assert dense_words(case, np.array([targets]), bits, False) == words
    assert dense_words(case, np.array([targets, 0, targets]), bits, False) == 2 * words


def _case(chip: Device) -> Case:
    from mapper.verify.arrays import Store

    book = Book()
    return Case(
        manifest=None,  # pyright: ignore[reportArgumentType]
        device=chip,
        store=Store({}, book),
        book=book,
        into={},
        parts={},
    )


# sinabs 3.1.3 on the NIR paper's CNN: inputs, kernel, outputs, (y, x) -> kernel and neuron
# words (fact sheet of Speck, section 6.2).
SINABS = (
    (2, 5, 16, (16, 16), 1024, 4096),
    (16, 3, 16, (16, 16), 4096, 4096),
    (16, 3, 8, (8, 8), 2048, 512),
    (8, 4, 256, (1, 1), 32768, 256),
    (256, 1, 10, (1, 1), 4096, 10),
)


@pytest.mark.parametrize(("inputs", "k", "outputs", "size", "kernel", "neuron"), SINABS)
def test_speck_words_are_those_of_sinabs(
    inputs: int, k: int, outputs: int, size: tuple[int, int], kernel: int, neuron: int
) -> None:
    assert inputs * 2 ** (lg(k * k) + lg(outputs)) == kernel
    assert outputs * 2 ** (lg(size[0]) + lg(size[1])) == neuron


boxes = st.integers(1, 4).flatmap(
    lambda n: st.lists(
        st.tuples(st.integers(0, n - 1), st.integers(1, n), st.integers(0, 2), st.integers(1, 3)),
        max_size=5,
    ).map(lambda rows: (n, rows))
)


@given(boxes)
def test_tiles_counts_every_point(made_of: tuple[int, list[tuple[int, int, int, int]]]) -> None:
    n, rows = made_of
    found = [((a, b), (c, d)) for a, b, c, d in rows if a < b and c < d]
    times = [
        sum(y in range(*box[0]) and x in range(*box[1]) for box in found)
        for y, x in product(range(n), range(3))
    ]
    assert tiles((n, 3), found) == all(count == 1 for count in times)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_tiles_accepts_what_is_cut_at_random(data: st.DataObject) -> None:
    """Guillotine cuts of a map are a partition; moving one edge makes it none."""
    shape = (3, 5, 4)
    parts = [tuple((0, n) for n in shape)]
    for _ in range(data.draw(st.integers(0, 8))):
        box = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        axis = data.draw(st.integers(0, 2))
        low, high = box[axis]
        at = data.draw(st.integers(low, high))
        for edge in ((low, at), (at, high)):
            if edge[0] < edge[1]:
                parts.append((*box[:axis], edge, *box[axis + 1 :]))
    assert tiles(shape, parts)
    assert not tiles(shape, parts[1:])
    assert not tiles(shape, [*parts, parts[0]])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10)), max_size=5))
def test_covered_counts_every_channel(intervals: list[tuple[int, int]]) -> None:
    found = [(a, b) for a, b in intervals if a < b]
    times = [sum(a <= c < b for a, b in found) for c in range(10)]
    assert covered(found, 10) == (times.count(1), sum(t > 1 for t in times))


def test_magnitude_does_not_overflow() -> None:
    weights = np.array([[-128, 127], [-128, -128]], np.int8)
    assert magnitude(weights).tolist() == [255, 256]


@pytest.mark.parametrize(
    ("charge", "syn", "mem", "threshold", "steps"),
    [
        (64, 1, 0, 32, [0]),  # half of it is left at once, a quarter a step later
        (128, 1, 0, 64, [0]),
        (128, 1, 0, 32, [0, 1]),  # a quarter is enough to fire again
        (64, 1, 0, 33, []),
        (2**17, 1, 0, 8192, [0, 1]),  # 32767 is all that arrives; more would fire four times
    ],
)
def test_a_relay_fires_when_it_should(
    charge: int, syn: int, mem: int, threshold: int, steps: list[int]
) -> None:
    assert relay_spikes(charge, syn, mem, threshold) == steps


def test_cycles_of_projections(tmp_path: Path) -> None:
    from mapper.verify.families import FAMILIES
    from mapper.verify.read import read_manifest

    draft = made(LOIHI)
    draft.manifest["files"] = {}
    found = read_manifest(draft.manifest, Book(), FAMILIES)
    assert found is not None
    assert on_cycles(found) == {"hid->hid"}
    draft.projection("hid->hid")["source"] = "out"
    found = read_manifest(draft.manifest, Book(), FAMILIES)
    assert found is not None
    assert on_cycles(found) == {"hid->hid", "hid->out"}


def test_usage_is_what_a_report_shows(tmp_path: Path) -> None:
    usage = verify(made(CONV).save(tmp_path / "loihi2")).usage
    assert [(use.chip, use.core, use.holds) for use in usage] == [
        (0, 0, ("'c1'",)),
        (0, 1, ("'c1'",)),
        (0, 2, ("'c2'",)),
        (0, 119, ("'out'",)),
    ]
    units = usage[0].resources["units"]
    assert (units.used, units.available) == (134, 20000)
    usage = verify(made(RELAY).save(tmp_path / "speck")).usage
    relay = next(use for use in usage if use.core == 7)
    assert relay.holds == ("relay of 'src'",)
    assert {name: use.used for name, use in relay.resources.items()} == {
        "kernel_words": 16,
        "neuron_words": 4 * 16,  # pooled by 2 before it gets there
        "destinations": 2,
    }
    usage = verify(made(WINDOWS).save(tmp_path / "xylo")).usage
    assert {name: (use.used, use.available) for name, use in usage[0].resources.items()} == {
        "hidden_neurons": (260, 992),
        "output_neurons": (3, 32),
        "input_channels": (2, 16),
        "recurrent_pairs": (12000, 31744),
        "recurrent_fan_out": (100, 1024),
        "input_window": (100, 128),
        "output_window": (100, 128),
    }
    usage = verify(made(S2).save(tmp_path / "spinnaker2")).usage
    assert {name: use.used for name, use in usage[0].resources.items()} == {
        "bytes": 368,
        "atoms": 3,
    }


@pytest.mark.parametrize(
    ("chip", "name", "value"),
    [
        ("loihi2", "units_per_core", 20000),
        ("spinnaker2", "sram_window", 44992),
        ("xylo-imu", "synapses_per_hidden", 1),
        ("speck2e", "destinations", 2),
    ],
)
def test_limits_come_from_the_profile(chip: str, name: str, value: int) -> None:
    assert shipped(chip).limit(name) == value


def test_limits_are_those_of_the_profile_that_is_passed(tmp_path: Path) -> None:
    """A user's own chip, half as large: what fitted does not, and the hash must be its."""
    from importlib.resources import files

    text = (files("device_profiles") / "chips" / "spinnaker2.toml").read_text()
    small = text.replace("value = 44992", "value = 4100")
    assert small != text
    place = tmp_path / "small.toml"
    place.write_text(small)
    folder = made(S2DELAY).save(tmp_path / "bundle")
    found = [finding.fault for finding in verify(folder, profile=place).findings]
    assert found == ["profile-hash", "sram"]
    assert [f.fault for f in verify(folder, profile=tmp_path / "none.toml").findings] == [
        "device-unknown"
    ]
    place.write_text(text.replace("sram_window", "sram_wall"))
    assert "profile" in {f.fault for f in verify(folder, profile=place).findings}
    place.write_text("[[[")
    assert "profile" in {f.fault for f in verify(folder, profile=place).findings}


def test_speck_needs_no_more_than_its_links(tmp_path: Path) -> None:
    """Every link of a sound bundle is needed: without any one of them it is refused."""
    for build in (CHAIN, RELAY):
        for i in range(len(made(build).manifest["links"])):
            draft = made(build)
            del draft.manifest["links"][i]
            found = {f.fault for f in verify(draft.save(tmp_path / "bundle")).findings}
            assert found == {"link-missing"}


def test_too_little_memory_is_no_fault_of_a_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    def scarce(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("mapper.verify.check_placement", scarce)
    draft = made(LOIHI)
    with pytest.raises(MemoryError):
        examine(draft.manifest, draft.files()["arrays.npz"])
