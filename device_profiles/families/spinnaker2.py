"""SpiNNaker2: processing elements (PEs) with 128 KiB each, one slice of one population a PE.

window bytes = up(routing_fixed_bytes + routing_entry_bytes R) + up(timer_bytes)
    + up(global_parameter_bytes) + up(table_info_bytes) + up(table_entry_bytes P)
    + up(sum_i row_header_bytes + synapse_bytes k_i rounded up to row_alignment)
    + recording, per tick: spike_record_bytes, voltage_record_bytes (1 + n), time_record_bytes
up = rounded up to region_alignment; R routing entries, P source neurons, k_i synapses of
source i, n neurons (NESTML pull request 1255, classic layout).
"""

from __future__ import annotations

from device_profiles.families import (
    SEMANTIC_LISTS,
    SEMANTIC_NUMBERS,
    SEMANTIC_SWITCHES,
    Family,
    ListKey,
    cost,
    fact,
    floor,
    limit,
)

FAMILY = Family(
    name="spinnaker2",
    core_count="pes_per_chip",
    groups={
        "chip": {
            "pes_per_chip": limit("PEs", "PEs that py-spinnaker2 uses"),
            "pes_on_chip": fact("PEs", "PEs of the grid"),
            "chips_per_system": limit("chips", "chips that one network may use"),
            "quads_per_chip": fact("quads", "quads of the grid"),
            "pes_per_quad": fact("PEs", "PEs of a quad"),
            "quads_x": fact("quads", "columns of the grid"),
            "quads_y": fact("quads", "rows of the grid"),
            "router_entries": limit("entries", "entries of the chip's multicast router"),
            "key_bits": fact("bits", "bits of a routing key"),
            "links_per_chip": fact("links", "links to other chips"),
        },
        "memory of a PE": {
            "code_bytes": cost("bytes", "region of the program"),
            "static_data_bytes": cost("bytes", "region of ring buffers, input buffer and states"),
            "parameter_region_bytes": cost("bytes", "region of the neuron parameters"),
            "data_specification_bytes": cost("bytes", "region of the data specification"),
            "log_bytes": cost("bytes", "region of the log"),
            "heap_bytes": cost("bytes", "region of heap and stack"),
            "region_alignment": fact("bytes", "each part of the window starts at a multiple"),
            "routing_fixed_bytes": cost("bytes", "head of the routing list"),
            "routing_entry_bytes": cost("bytes", "an entry of the routing list, one chip"),
            "routing_entry_bytes_multichip": cost("bytes", "an entry with chip coordinates"),
            "timer_bytes": cost("bytes", "timer period and number of ticks"),
            "global_parameter_bytes": cost("bytes", "parameters of the population"),
            "table_info_bytes": cost("bytes", "head of the population table"),
            "table_entry_bytes": cost("bytes", "population table entry of a source neuron"),
            "row_header_bytes": cost("bytes", "header of a source neuron's row"),
            "synapse_bytes": cost("bytes", "a synapse"),
            "row_alignment": cost("bytes", "rows are padded to a multiple"),
            "pool_parameter_bytes": cost(
                "bytes", "parameters of a neuron where they lie in the pool"
            ),
            "conv_bytes_per_neuron": cost("bytes", "a neuron of lif_conv2d, parameters included"),
            "conv_table_entry_bytes": cost("bytes", "table entry of a source slice of lif_conv2d"),
            "kernel_weight_bytes": cost("bytes", "a kernel weight of lif_conv2d"),
            "spike_record_bytes": cost("bytes", "recorded spikes of a tick, whatever the slice"),
            "voltage_record_bytes": cost(
                "bytes", "a recorded voltage; each tick has one more word"
            ),
            "time_record_bytes": cost("bytes", "recorded time of a tick"),
        },
        "number formats": {
            "weight_magnitude_bits": fact("bits", "bits of a weight, models without delay"),
            "weight_magnitude": limit("LSB", "largest weight, either sign, models without delay"),
            "weight_magnitude_bits_delay": limit("bits", "bits of a weight, models with delay"),
            "weight_magnitude_delay": limit(
                "LSB", "largest weight, either sign, models with delay"
            ),
            "kernel_min": floor("LSB", "least kernel weight"),
            "kernel_max": limit("LSB", "largest kernel weight"),
            "synapse_word_bits": fact("bits", "bits of a synaptic word"),
            "target_bits": fact("bits", "bits of a target index in a synaptic word"),
            "delay_bits": fact("bits", "bits of a delay in a synaptic word"),
            "delay_max": limit("steps", "largest delay field; the real delay is one more"),
            "delay_max_no_delay": limit("steps", "largest delay field of the no-delay models"),
            "ring_slots": fact("steps", "slots of the ring buffer"),
            "state_bits": fact("bits", "bits of a state or parameter, floating point"),
        },
        "semantics": {
            **SEMANTIC_NUMBERS,
            "input_events": limit("events", "events an input channel may have in a step"),
            "spikes_per_step": limit("spikes", "spikes of a neuron in a step"),
        },
        "timing": {
            "tick": fact("s", "default length of a tick", whole=False),
            "pe_clock": fact("MHz", "clock of a PE, fast level"),
            "pe_clock_slow": fact("MHz", "clock of a PE, slow level"),
            "noc_clock": fact("MHz", "clock of the network on chip"),
            "router_clock": fact("MHz", "clock of the multicast router"),
            "hop_cycles": cost("cycles", "a hop between quads"),
            "flit_bits": fact("bits", "bits of a flit; a packet is one flit"),
            "fast_level_packets": fact(
                "packets", "packets a tick from which on users pick the fast level"
            ),
            "fast_level_packets_conv": fact("packets", "the same for lif_conv2d"),
        },
    },
    cores={
        "atoms_per_pe": limit("neurons", "neurons of a slice, LIF and CubaLIF"),
        "atoms_per_pe_conv": limit("neurons", "neurons of a slice of lif_conv2d"),
        "spike_list_atoms": limit("neurons", "input channels of a slice of spike_list"),
        "sram_per_pe": fact("bytes", "memory of a PE, all uses"),
        "sram_window": limit("bytes", "memory of a PE for tables, rows and recording"),
        "receive_buffer": limit("packets", "packets that a PE can receive in a tick"),
        "synaptic_events_per_ms": limit("events", "synaptic events that a PE handles in 1 ms"),
    },
    lists={
        **SEMANTIC_LISTS,
        "conv_neuron_models": ListKey("NIR neurons that lif_conv2d runs", choices=("IF", "LIF")),
        "quads": ListKey("quads of the grid as 'x,y'"),
        "vendor_models": ListKey("neuron models of py-spinnaker2 that the mapper uses"),
        "boards": ListKey("boards"),
        "chips_on_board": ListKey("chips of each board, in the order of boards", unit="chips"),
    },
    switches={
        **SEMANTIC_SWITCHES,
        "zero_weights_stored": "a synapse of weight 0 takes a synaptic word",
        "table_entries_four_times": "a population table entry takes four times its bytes",
        "conv_whole_channels": "a slice of a convolution holds whole channels",
        "conv_dilation": "convolutions may be dilated",
        "conv_groups": "convolutions may have groups",
        "conv_anisotropic": "stride, padding and pooling may differ between x and y",
        "conv_delays": "projections of a convolution may have delays",
        "projection_chains": "weights may follow weights without a neuron between",
        "input_needs_weights": "an input reaches neurons through weights only",
        "reset_per_population": "all neurons of a population share the kind of reset",
        "uniform_slices": "the vendor's mapper cuts a population into equal slices",
        "multicast_routing": "spikes go through the multicast router, else one packet per target quad",
        "neurons_split_by_source": "a neuron's synapses may be spread over several PEs",
    },
)
