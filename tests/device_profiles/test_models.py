"""The resource models of the profiles reproduce what vendors' tools printed or ran."""

from __future__ import annotations

from itertools import product
from math import ceil, log2

import pytest

from device_profiles.load import load
from device_profiles.profile import Profile


def value(profile: Profile, key: str) -> int:
    return int(profile.limit(key).value)


# (targets on the core, weight bits, words per axon): lava-dl netx notebooks
DENSE_ROWS = [
    (100, 4, 26), (50, 6, 15), (10, 5, 3), (9, 4, 3), (1, 4, 1),
    (256, 8, 81), (200, 8, 63), (10, 8, 4), (64, 8, 21), (50, 8, 16),
]  # fmt: skip


def words(chip: Profile, targets: int, bits: int, index_bits: int, header: int) -> int:
    return ceil((targets * (bits + index_bits) + header) / value(chip, "word_bits"))


@pytest.mark.parametrize(("targets", "bits", "printed"), DENSE_ROWS)
def test_dense_words_of_loihi2_are_those_that_the_compiler_printed(
    targets: int, bits: int, printed: int
) -> None:
    chip = load("loihi2")
    index = value(chip, "synapse_index_bits")
    header = chip.limit("synapse_header_bits")
    for bits_of_header in (int(header.value), int(header.optimistic or 0)):
        assert words(chip, targets, bits, index, bits_of_header) == printed


def test_no_other_index_width_fits_the_printed_words() -> None:
    chip = load("loihi2")
    header = value(chip, "synapse_header_bits")
    fits = [
        index
        for index in range(17)
        if all(words(chip, n, bits, index, header) == printed for n, bits, printed in DENSE_ROWS)
    ]
    assert fits == [value(chip, "synapse_index_bits")]


def test_shares_of_loihi2_are_the_percentages_that_the_compiler_printed() -> None:
    chip = load("loihi2")
    neurons, axons = value(chip, "neurons_per_core"), value(chip, "axon_in_units")
    assert round(100 * 3584 / neurons, 2) == 87.52
    assert round(100 * 2688 / neurons, 2) == 65.64
    assert round(100 * 784 / axons, 2) == 4.90
    assert 100 / value(chip, "groups_per_core") == 12.5
    # the weights of a fit on the totals: 0.8 for the 16000-unit tables, 0.2047 for neurons
    units = value(chip, "units_per_core")
    tables = ("axon_in_units", "synapse_units", "axon_map_units", "axon_mem_units")
    assert {value(chip, table) / units for table in tables} == {0.8}
    assert abs(neurons / units - 0.2047) < 1e-4


def test_the_mesh_of_loihi2_has_a_place_for_each_core_on_the_die() -> None:
    chip = load("loihi2")
    places = [value(chip, key) for key in ("routers_x", "routers_y", "cores_per_router")]
    assert places[0] * places[1] * places[2] == value(chip, "cores_on_die")
    assert len(chip.cores[0].ids) == value(chip, "cores_per_chip") <= value(chip, "cores_on_die")


def test_regions_of_a_spinnaker2_pe_fill_its_memory() -> None:
    chip = load("spinnaker2")
    regions = (
        "code_bytes", "static_data_bytes", "parameter_region_bytes", "data_specification_bytes",
        "sram_window", "log_bytes", "heap_bytes",
    )  # fmt: skip
    assert sum(value(chip, region) for region in regions) == value(chip, "sram_per_pe")


def most_atoms(chip: Profile, sources: int) -> int:
    """Neurons of a dense slice in the classic window, nothing recorded, one target quad."""
    align = value(chip, "region_alignment")

    def up(size: int) -> int:
        return -(-size // align) * align

    def used(atoms: int) -> int:
        synapses = value(chip, "synapse_bytes") * atoms
        row = value(chip, "row_header_bytes")
        row += -(-synapses // value(chip, "row_alignment")) * value(chip, "row_alignment")
        fixed = up(value(chip, "routing_fixed_bytes") + value(chip, "routing_entry_bytes"))
        fixed += up(value(chip, "timer_bytes")) + up(value(chip, "global_parameter_bytes"))
        fixed += up(value(chip, "table_info_bytes"))
        return fixed + up(value(chip, "table_entry_bytes") * sources) + up(row * sources)

    window, most = value(chip, "sram_window"), value(chip, "atoms_per_pe")
    return max((n for n in range(1, most + 1) if used(n) <= window), default=0)


@pytest.mark.parametrize(
    ("sources", "atoms"),
    [(64, 250), (128, 162), (256, 74), (512, 30), (784, 16), (1024, 8), (1500, 2), (2312, 0)],
)
def test_dense_slices_of_spinnaker2_are_as_large_as_the_window_allows(
    sources: int, atoms: int
) -> None:
    assert most_atoms(load("spinnaker2"), sources) == atoms


def test_the_fan_in_wall_of_spinnaker2_stands_at_about_1600_sources() -> None:
    chip = load("spinnaker2")
    walls = [sources for sources in range(1590, 1620) if most_atoms(chip, sources)]
    assert walls[-1] in range(1600, 1604)
    assert most_atoms(chip, walls[-1]) == 2  # the padded row of one synapse holds two


def test_quads_of_spinnaker2_are_the_grid_without_router_and_periphery() -> None:
    chip = load("spinnaker2")
    grid = product(range(1, value(chip, "quads_x") + 1), range(1, value(chip, "quads_y") + 1))
    absent = {(4, 3), (4, 4), (7, 3), (7, 4)}
    quads = [tuple(map(int, str(quad).split(","))) for quad in chip.lists["quads"].values]
    assert quads == [place for place in grid if place not in absent]
    assert len(quads) == value(chip, "quads_per_chip")
    assert len(quads) * value(chip, "pes_per_quad") == value(chip, "pes_on_chip") == 152


def test_synaptic_words_of_spinnaker2_hold_weight_delay_sign_and_target() -> None:
    chip = load("spinnaker2")
    sign, target = 1, value(chip, "target_bits")
    with_delay = value(chip, "weight_magnitude_bits_delay") + value(chip, "delay_bits")
    assert with_delay + sign + target == value(chip, "synapse_word_bits")
    assert value(chip, "weight_magnitude_bits") + sign + target == value(chip, "synapse_word_bits")
    for bits, top in (
        ("weight_magnitude_bits", "weight_magnitude"),
        ("weight_magnitude_bits_delay", "weight_magnitude_delay"),
        ("delay_bits", "delay_max"),
    ):
        assert 2 ** value(chip, bits) - 1 == value(chip, top)


@pytest.mark.parametrize(
    ("chip", "pairs"), [("xylo-audio2", 32), ("xylo-audio3", 32), ("xylo-imu", 64)]
)
def test_recurrent_pairs_of_xylo_are_so_many_a_hidden_neuron(chip: str, pairs: int) -> None:
    profile = load(chip)
    assert value(profile, "recurrent_pairs") == pairs * value(profile, "hidden_neurons")


@pytest.mark.parametrize("chip", ["loihi2", "xylo-audio2", "xylo-audio3", "xylo-imu", "speck2f"])
def test_ranges_fit_their_bits(chip: str) -> None:
    limits = load(chip).limits
    signed = [name.removesuffix("_bits") for name in limits if name.endswith("_bits")]
    seen = 0
    for name in signed:
        low, high = limits.get(f"{name}_min"), limits.get(f"{name}_max")
        if low is None or high is None or low.value >= 0:
            continue
        half = 2 ** (int(limits[f"{name}_bits"].value) - 1)
        assert (low.value, high.value) == (-half, half - 1)
        seen += 1
    assert seen >= 1


@pytest.mark.parametrize(
    ("core", "kernel_bits", "neuron_bits"),
    [("A", 14, 16), ("B", 15, 15), ("C", 16, 14), ("D", 14, 14)],
)
def test_speck_memories_are_the_bit_budgets_of_the_core_classes(
    core: str, kernel_bits: int, neuron_bits: int
) -> None:
    found = next(c for c in load("speck2f").cores if c.name == core)
    assert log2(found.limits["kernel_memory"].value) == kernel_bits
    assert log2(found.limits["neuron_memory"].value) == neuron_bits


def test_the_papers_network_takes_the_memory_that_sinabs_computes() -> None:
    """sinabs 3.1.3 on cnn_sinabs.nir, its fourth layer: 32768 kernel words, core 3."""
    c, k, f = 8, 4, 256
    kernel = c * 2 ** (ceil(log2(k * k)) + ceil(log2(f)))
    assert kernel == 32768
    roomy = [
        i
        for core in load("speck2f").cores
        if core.limits["kernel_memory"].value >= kernel
        for i in core.ids
    ]
    assert roomy == [3, 4, 5, 6]
