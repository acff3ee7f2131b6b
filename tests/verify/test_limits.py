"""Each limit at what a sound bundle uses, and one below: accepted, and refused by its fault."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from mapper.verify import examine, verify
from tests.verify.draft import Draft, packed
from tests.verify.test_mutations import (
    CHAIN,
    CONV,
    LOIHI,
    RELAY,
    RELAYED,
    S2,
    S2CONV,
    SOFT,
    SPLIT,
    WINDOWS,
    XYLO,
    Build,
    made,
)

EVERY = -1  # all classes of cores
ROWS: tuple[tuple[Build, str, int, str, int], ...] = (
    # bundle, limit, what is used, fault below it, which of several entries of the profile
    (CONV, "neurons_per_core", 16, "neurons-per-core", EVERY),
    (SOFT, "groups_per_core", 2, "groups-per-core", EVERY),
    (CONV, "units_per_core", 134, "core-units", EVERY),
    (CONV, "axon_in_units", 40, "axon-in", EVERY),
    (CONV, "synapse_units", 80, "synapse-words", EVERY),
    (CONV, "axon_map_units", 24, "axon-map", EVERY),
    (CONV, "axon_mem_units", 64, "axon-mem", EVERY),
    (CONV, "conv_x_max", 4, "conv-width", EVERY),
    (CONV, "weight_mantissa_max", 92, "weight-range", EVERY),
    (LOIHI, "weight_exponent_max", 2, "exponent-range", EVERY),
    (LOIHI, "threshold_mantissa_max", 1024, "threshold-range", EVERY),
    (SOFT, "delay_max", 3, "delay-range", EVERY),
    (LOIHI, "input_events", 1, "input-events", EVERY),
    (S2, "sram_window", 368, "sram", EVERY),
    (S2, "atoms_per_pe", 3, "atoms", EVERY),
    (S2CONV, "atoms_per_pe_conv", 256, "atoms-conv", EVERY),
    (S2CONV, "pes_per_chip", 6, "cores", EVERY),
    (WINDOWS, "hidden_neurons", 260, "hidden-neurons", EVERY),
    (WINDOWS, "output_neurons", 3, "output-neurons", EVERY),
    (WINDOWS, "recurrent_pairs", 12000, "recurrent-pairs", EVERY),
    (WINDOWS, "recurrent_fan_out", 100, "fan-out", EVERY),
    (WINDOWS, "input_window", 100, "input-window", EVERY),
    (WINDOWS, "output_window", 100, "output-window", EVERY),
    (WINDOWS, "input_channels", 2, "input-channels", EVERY),
    (RELAYED, "input_channels", 4, "input-channels", EVERY),
    (RELAYED, "input_events", 15, "constant-input", EVERY),
    (XYLO, "synapses_per_hidden", 2, "second-synapse", EVERY),
    (XYLO, "dash_max", 3, "dash-range", EVERY),
    (XYLO, "bias_max", 127, "bias-range", EVERY),
    (XYLO, "threshold_max", 8192, "threshold-range", EVERY),
    (XYLO, "weight_shift_max", 6, "shift-range", EVERY),
    (CHAIN, "kernel_memory", 256, "kernel-memory", EVERY),
    (CHAIN, "neuron_memory", 256, "neuron-memory", EVERY),
    (CHAIN, "bias_memory", 3, "bias-memory", EVERY),
    (CHAIN, "features", 5, "features", EVERY),
    (SPLIT, "features", 7, "input-features", EVERY),
    (SPLIT, "feature_shift_max", 2, "link-shift", EVERY),
    (CHAIN, "kernel_max", 3, "kernel-size", EVERY),
    (CHAIN, "padding_max", 1, "padding", EVERY),
    (CHAIN, "map_out_max", 8, "output-map", EVERY),
    (CHAIN, "input_map_max", 8, "input-map", EVERY),
    (CHAIN, "threshold_high_max", 100, "threshold-range", EVERY),
    (CHAIN, "slow_clock_max", 1000, "slow-clock", EVERY),
    (RELAY, "destinations", 2, "destinations", EVERY),
    (RELAY, "kernel_memory", 16, "relay-memory", 3),
    (RELAY, "neuron_memory", 64, "relay-memory", 3),
)


def changed(draft: Draft, limit: str, value: int, which: int, place: Path) -> Path:
    """The profile of the bundle's device with another value of a limit; its hash in the bundle."""
    name = draft.manifest["device"]["name"]
    text = (files("device_profiles") / "chips" / f"{name}.toml").read_text()
    found = list(re.finditer(rf"(?m)^{limit} = {{ value = (-?[0-9.]+)", text))
    assert found
    for match in reversed(found if which == EVERY else [found[which]]):
        text = text[: match.start(1)] + str(value) + text[match.end(1) :]
    place.write_text(text)
    draft.manifest["device"]["profile"] = hashlib.sha256(place.read_bytes()).hexdigest()
    return place


@pytest.mark.parametrize(
    ("build", "limit", "used", "fault", "which"), ROWS, ids=[f"{r[1]}-{r[3]}-{r[2]}" for r in ROWS]
)
def test_a_limit_is_met_and_not_passed(
    build: Build, limit: str, used: int, fault: str, which: int, tmp_path: Path
) -> None:
    draft = made(build)
    profile = changed(draft, limit, used, which, tmp_path / "at.toml")
    assert verify(draft.save(tmp_path / "at"), profile=profile).findings == ()
    profile = changed(draft, limit, used - 1, which, tmp_path / "below.toml")
    found = verify(draft.save(tmp_path / "below"), profile=profile).findings
    assert fault in {finding.fault for finding in found}
    says = " ".join(f.says for f in found if f.fault == fault).replace(",", "")
    assert str(used) in says or limit == "slow_clock_max"


@pytest.mark.parametrize(
    ("last", "faults"), [(2, []), (4, ["overflow"]), (-4, ["overflow"]), (-2, [])]
)
def test_a_current_stays_below_24_bits(last: int, faults: list[str], tmp_path: Path) -> None:
    """u loses half a step (du + 1 = 2048 of 4096), so it builds up to twice what a step brings.

    Weights of 2^(7 + 6): 2 x (254 + 254 + 4) x 8192 = 8,388,608 = 2^23, where u wraps; with 2 in
    place of 4, 8,355,840 is the most.
    """
    draft = made(LOIHI)
    for name in ("in->hid", "hid->hid", "bias:hid->hid"):
        ref = draft.projection(name)["params"]["weight"]
        draft.put(ref, np.zeros_like(draft.arrays[ref]))
    draft.put(
        draft.projection("in->hid")["params"]["weight"],
        np.array([[254, -254, last], [0, 0, 0], [2, 0, 0], [0, 2, 0]], np.int32),
    )
    draft.projection("in->hid")["params"]["exponent"] = 7
    found = verify(draft.save(tmp_path / "bundle")).findings
    assert [f.fault for f in found] == faults
    if faults:
        assert "|u| can reach 8,388,608; it wraps at 8,388,608" in found[0].says


def test_a_bundle_in_memory_is_checked_alike(tmp_path: Path) -> None:
    draft = made(CONV)
    assert examine(draft.manifest, packed(draft.arrays)).ok
    draft.slices("c1")[0]["core"] = 120
    written = verify(draft.save(tmp_path / "bundle"))
    assert examine(draft.manifest, packed(draft.arrays)) == written
    assert [f.fault for f in written.findings] == ["core-unknown"]


def test_sizes_are_looked_at_before_anything_is_read(tmp_path: Path) -> None:
    folder = made(CONV).save(tmp_path / "bundle")
    with (folder / "report.txt").open("r+b") as file:
        file.truncate(5 << 30)  # sparse: nothing is written
    assert [f.fault for f in verify(folder).findings] == ["file-size"]
    with (folder / "manifest.json").open("r+b") as file:
        file.truncate(65 << 20)
    assert [f.fault for f in verify(folder).findings] == ["file-size"]
