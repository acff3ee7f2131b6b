"""The figures of vendors and papers, written down a second time: a typo in a profile shows.

Each row was read from the document, not from the profile. (value) or (value, optimistic).
"""

from __future__ import annotations

import pytest

from device_profiles.load import load

KI = 1024

LOIHI2 = {
    # per core: printed tables of Lava's compiler, Intel's brief
    "neurons_per_core": (4095, 8192),
    "groups_per_core": (8,),
    "units_per_core": (20000,),
    "axon_in_units": (16000,),
    "synapse_units": (16000,),
    "axon_map_units": (16000,),
    "axon_mem_units": (16000,),
    "memory_per_core": (192 * KI,),
    "synaptic_memory_words": (128 * KI * 8 // 64,),
    "state_bytes_per_neuron": (4096,),
    "synapse_index_bits": (12,),
    "synapse_header_bits": (10, 1),
    "synapse_delay_bits": (6, 0),
    "conv_word_slack": (1, 0),
    "axon_in_per_conv": (2, 1),
    "axon_mem_per_map": (8, 0.5),
    "axon_mem_per_map_dense": (0,),
    "conv_x_max": (256,),
    "word_bits": (64,),
    # number formats: Lava's fixed-point models
    "weight_bits": (8,),
    "weight_mantissa_min": (-256,),
    "weight_mantissa_max": (254,),
    "weight_mantissa_max_one_signed": (255,),
    "weight_mixed_step": (2,),
    "weight_exponent_min": (0, -8),
    "weight_exponent_max": (7,),
    "input_shift": (6,),
    "decay_bits": (12,),
    "decay_one": (4096,),
    "decay_u_offset": (1,),
    "decay_u_min": (1,),
    "decay_u_max": (4096,),
    "decay_v_min": (0,),
    "decay_v_max": (4095,),
    "threshold_mantissa_bits": (17,),
    "threshold_mantissa_max": (2**17 - 1,),
    "threshold_shift": (6,),
    "bias_mantissa_bits": (13,),
    "bias_mantissa_min": (-(2**12),),
    "bias_mantissa_max": (2**12 - 1,),
    "bias_exponent_bits": (3,),
    "bias_exponent_max": (2**3 - 1,),
    "state_bits": (24,),
    "graded_payload_bits": (24, 32),
    "delay_max": (63,),
    # chip and mesh
    "cores_per_chip": (120, 152),
    "cores_on_die": (128,),
    "neurons_per_chip": (1_048_576,),
    "synapses_per_chip": (120_000_000,),
    "embedded_processors": (3, 6),
    "counters_per_processor": (900,),
    "routers_x": (8,),
    "routers_y": (4,),
    "cores_per_router": (4,),
    "fabrics": (2,),
    # Loihi 1 coefficients
    "hop_time_x": (4.1,),
    "hop_time_y": (6.5,),
    "hop_energy_x": (3.0,),
    "hop_energy_y": (4.2,),
    "message_energy": (111,),
    "message_out_time": (5.1,),
    "message_in_time": (16,),
    "synop_time_dense": (3.8, 0.76),
    "synop_time_sparse": (4.7, 0.94),
    "synop_time_conv": (3.1, 0.62),
    "synop_energy_dense": (35.5,),
    "synop_energy_sparse": (33.6,),
    "synop_energy_conv": (24.0,),
    "neuron_time": (9.7, 4.85),
    "neuron_energy": (72.8,),
    "spike_time": (30, 3),
    "spike_energy": (69.3,),
    "barrier_time": (1800, 200),
    "time_step_floor": (200,),
    "delay_per_connection": (1,),
    "delay_from_input": (1,),
    "input_events": (1,),
    "spikes_per_step": (1,),
}
SPINNAKER2 = {
    "pes_per_chip": (148, 152),
    "pes_on_chip": (152,),
    "quads_per_chip": (38,),
    "pes_per_quad": (4,),
    "quads_x": (7,),
    "quads_y": (6,),
    "router_entries": (16384,),
    "key_bits": (32,),
    "links_per_chip": (6,),
    "atoms_per_pe": (250, 256),
    "atoms_per_pe_conv": (256,),
    "spike_list_atoms": (100,),
    "sram_per_pe": (128 * KI,),
    "sram_window": (0x1B000 - 0x10040, 66_900),
    "receive_buffer": (512,),
    "synaptic_events_per_ms": (12_000,),
    "code_bytes": (32 * KI,),
    "static_data_bytes": (0xDC00 - 0x8000,),
    "parameter_region_bytes": (0x10000 - 0xDC00,),
    "data_specification_bytes": (0x40,),
    "log_bytes": (0x1F000 - 0x1B000,),
    "heap_bytes": (4 * KI,),
    "region_alignment": (16,),
    "routing_fixed_bytes": (12,),
    "routing_entry_bytes": (4,),
    "routing_entry_bytes_multichip": (8,),
    "timer_bytes": (8,),
    "global_parameter_bytes": (40, 24),
    "table_info_bytes": (8,),
    "table_entry_bytes": (12,),
    "row_header_bytes": (12,),
    "synapse_bytes": (2,),
    "row_alignment": (4, 2),
    "pool_parameter_bytes": (8 * 4,),
    "conv_bytes_per_neuron": (12,),
    "kernel_weight_bytes": (1,),
    "spike_record_bytes": (40,),
    "voltage_record_bytes": (4,),
    "time_record_bytes": (4,),
    "weight_magnitude": (127,),
    "weight_magnitude_bits": (7,),
    "weight_magnitude_delay": (15,),
    "weight_magnitude_bits_delay": (4,),
    "kernel_min": (-128,),
    "kernel_max": (127,),
    "synapse_word_bits": (16,),
    "target_bits": (8,),
    "delay_bits": (3,),
    "delay_max": (7,),
    "delay_max_no_delay": (0,),
    "ring_slots": (8,),
    "state_bits": (32,),
    "tick": (1e-3,),
    "pe_clock": (300,),
    "pe_clock_slow": (150,),
    "noc_clock": (300,),
    "router_clock": (400,),
    "hop_cycles": (5,),
    "flit_bits": (192,),
    "fast_level_packets": (200,),
    "fast_level_packets_conv": (30,),
    "delay_per_connection": (1,),
    "delay_from_input": (1,),
    "input_events": (1,),
    "spikes_per_step": (1,),
}
XYLO = {
    "cores_per_chip": (1,),
    "input_channels": (16,),
    "input_events": (15,),
    "weight_bits": (8,),
    "weight_min": (-128,),
    "weight_max": (127,),
    "weight_shift_max": (7,),
    "weight_shifts": (3,),
    "state_bits": (16,),
    "threshold_bits": (16,),
    "threshold_min": (1,),
    "threshold_max": (32767,),
    "one_spike_threshold": (16384,),
    "bias_bits": (8, 16),
    "bias_min": (-128, -32768),
    "bias_max": (127, 32767),
    "dash_bits": (4,),
    "dash_max": (15,),
    "dash_syn_min": (1,),
    "dash_mem_min": (0,),
    "decay_min": (1,),
    "hidden_spikes_per_step": (31,),
    "output_spikes_per_step": (1,),
    "delay_per_connection": (1,),
    "delay_from_input": (0,),
    "synapses_per_output": (1,),
    "aliases_per_hidden": (1,),
    "cycles_per_input_target": (3.5,),
    "cycles_per_recurrent_pair": (7,),
    "cycles_per_hidden_neuron": (22,),
}
XYLO_AUDIO2 = XYLO | {
    "hidden_neurons": (1000,),
    "output_neurons": (8,),
    "input_window": (1000,),
    "output_window": (1000,),
    "recurrent_fan_out": (64,),
    "recurrent_pairs": (0x7D00,),
    "synapses_per_hidden": (2,),
    "weight_shift_min": (0,),
    "cycles_per_second_synapse": (5,),
}
XYLO_AUDIO3 = XYLO | {
    "hidden_neurons": (992,),
    "output_neurons": (32,),
    "input_window": (128,),
    "output_window": (128,),
    "recurrent_fan_out": (1024,),
    "recurrent_pairs": (0x7C00,),
    "synapses_per_hidden": (2,),
    "weight_shift_min": (0,),
}
XYLO_IMU = XYLO | {
    "hidden_neurons": (496,),
    "output_neurons": (16,),
    "input_window": (128,),
    "output_window": (128,),
    "recurrent_fan_out": (512,),
    "recurrent_pairs": (496 * 64,),
    "synapses_per_hidden": (1,),
    "weight_shift_min": (1, 0),
}
SPECK = {
    "cores_per_chip": (9,),
    "destinations": (2,),
    "dvs_destinations": (2,),
    "dvs_features": (2,),
    "features": (1024,),
    "feature_shift_max": (1023,),
    "kernel_min": (1,),
    "kernel_max": (16,),
    "padding_max": (7,),
    "map_out_max": (64,),
    "input_map_max": (128,),
    "weight_bits": (8,),
    "weight_min": (-128,),
    "weight_max": (127,),
    "bias_bits": (16,),
    "bias_min": (-32768,),
    "bias_max": (32767,),
    "state_bits": (16,),
    "threshold_bits": (16,),
    "threshold_high_min": (1,),
    "threshold_high_max": (32767 - 127, 32767),
    "threshold_low_min": (-32768 + 128, -32768),
    "threshold_low_max": (-1,),
    "delay_per_connection": (0,),
    "delay_from_input": (0,),
    "spikes_per_event": (1,),
    "slow_clock_min": (10,),
    "slow_clock_max": (10_000,),
    "slow_clock_divider_min": (14,),
    "slow_clock_divider_max": (17,),
    "synops_per_second": (10_000_000,),
    "events_per_second": (1_000_000,),
    "readout_classes": (15,),
    "readout_feature_stride": (4,),
    "readout_threshold_bits": (16,),
    "readout_destination": (12,),
    "dvs_block": (13,),
}
SPECK_CORES = {  # id -> kernel, neuron, bias words in Ki
    **dict.fromkeys((0, 1, 2), (16, 64, 1)),
    **dict.fromkeys((3, 4), (32, 32, 1)),
    **dict.fromkeys((5, 6), (64, 16, 1)),
    **dict.fromkeys((7, 8), (16, 16, 1)),
}
FIGURES = {
    "loihi2": LOIHI2,
    "spinnaker2": SPINNAKER2,
    "xylo-audio2": XYLO_AUDIO2,
    "xylo-audio3": XYLO_AUDIO3,
    "xylo-imu": XYLO_IMU,
    "speck2e": SPECK,
    "speck2f": SPECK,
}
ROWS = [(chip, key, figure) for chip, table in FIGURES.items() for key, figure in table.items()]

# Numbers that no document states: our choices, or costs that the models below test.
OURS = {
    "chips_per_system",
    "units_per_group",
    "units_per_neuron",
    "axon_in_per_source",
    "axon_map_per_neuron",
    "axon_map_per_pixel",
    "chip_crossing_units",
    "conv_table_entry_bytes",
    "threshold_mantissa_min",
}


@pytest.mark.parametrize(("chip", "key", "figure"), ROWS)
def test_the_profile_holds_the_vendors_figure(
    chip: str, key: str, figure: tuple[float, ...]
) -> None:
    number = load(chip).limit(key)
    assert (number.value, number.optimistic) == (*figure, None)[:2]


@pytest.mark.parametrize("chip", sorted(FIGURES))
def test_every_number_is_in_the_table_or_named_as_ours(chip: str) -> None:
    profile = load(chip)
    per_core = profile.cores[0].limits if len(profile.cores) == 1 else {}
    assert {*profile.limits, *per_core} - OURS == set(FIGURES[chip])


@pytest.mark.parametrize("chip", ["speck2e", "speck2f"])
def test_speck_cores_have_the_memories_of_the_datasheet(chip: str) -> None:
    keys = ("kernel_memory", "neuron_memory", "bias_memory")
    seen = {
        number: tuple(core.limits[key].value for key in keys)
        for core in load(chip).cores
        for number in core.ids
    }
    assert seen == {i: tuple(k * KI for k in row) for i, row in SPECK_CORES.items()}


LISTS = [
    ("loihi2", "weight_bits_legal", (1, 2, 3, 4, 5, 6, 8)),
    ("loihi2", "chips_on_board", (1, 8, 1152)),
    ("loihi2", "comparison", (">",)),
    ("loihi2", "resets", ("zero",)),
    ("loihi2", "resets_emulated", ("subtract",)),
    ("spinnaker2", "chips_on_board", (1, 48)),
    ("spinnaker2", "comparison", (">=",)),
    ("spinnaker2", "resets", ("zero", "subtract")),
    ("spinnaker2", "conv_neuron_models", ("IF", "LIF")),
    *((chip, "comparison", (">=",)) for chip in ("xylo-audio2", "xylo-audio3", "xylo-imu")),
    *((chip, "resets", ("subtract",)) for chip in ("xylo-audio2", "xylo-audio3", "xylo-imu")),
    *((chip, "synapse_order", ("input-then-leak",)) for chip in ("xylo-audio2", "xylo-imu")),
    ("speck2f", "strides", (1, 2, 4, 8)),
    ("speck2f", "pools", (1, 2, 4)),
    ("speck2f", "dvs_pools", (1, 2, 4)),
    ("speck2f", "decimator", (2, 4, 8, 16, 32, 128, 256, 512)),
    ("speck2f", "readout_windows", (1, 16, 32)),
    ("speck2f", "comparison", (">=",)),
    ("speck2f", "resets", ("zero", "subtract")),
]


@pytest.mark.parametrize(("chip", "key", "values"), LISTS)
def test_the_profile_holds_the_vendors_list(chip: str, key: str, values: tuple[object]) -> None:
    assert load(chip).lists[key].values == values


def test_the_two_specks_differ_in_name_only() -> None:
    e, f = load("speck2e"), load("speck2f")
    assert (e.limits, e.cores, e.switches) == (f.limits, f.cores, f.switches)
    assert {k: v for k, v in e.lists.items() if k != "sdk_devices"} == {
        k: v for k, v in f.lists.items() if k != "sdk_devices"
    }
