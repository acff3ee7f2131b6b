"""Loihi 2: neurocores with one pool of 64-bit words, as Lava's compiler counts it.

units = axon_in + groups + neurons + synapse words + axon_map + axon_mem  <=  units_per_core
synapse words of a dense or sparse input axon with f targets on the core:
    ceil((f (weight_bits + synapse_index_bits [+ synapse_delay_bits]) + synapse_header_bits) / word_bits)
synapse words of a convolution with c output channels on the core:
    c_in k_x k_y (ceil(c weight_bits / word_bits) + conv_word_slack)
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
    name="loihi2",
    core_count="cores_per_chip",
    groups={
        "chip": {
            "cores_per_chip": limit("cores", "neurocores that the compiler uses"),
            "cores_on_die": fact("cores", "neurocores of the mesh"),
            "chips_per_system": limit("chips", "chips that one network may use"),
            "neurons_per_chip": fact("neurons", "neurons of a chip"),
            "synapses_per_chip": fact("synapses", "synapses of a chip"),
            "embedded_processors": limit("processors", "embedded processors that Lava uses"),
            "counters_per_processor": limit("counters", "spike counters of one processor"),
        },
        "resource model": {
            "word_bits": fact("bits", "bits of a unit, the word that every table counts in"),
            "units_per_group": cost("units", "pool units of a neuron group"),
            "units_per_neuron": cost("units", "pool units of a neuron"),
            "axon_in_per_source": cost("units", "input axon units of a dense source neuron"),
            "axon_in_per_conv": cost("units", "input axon units of a whole convolution source"),
            "synapse_index_bits": cost("bits", "target index stored beside each weight"),
            "synapse_header_bits": cost("bits", "header of an axon's synapse list"),
            "synapse_delay_bits": cost("bits", "delay stored beside each weight, with delays"),
            "conv_word_slack": cost(
                "units", "words added to each kernel position and input channel"
            ),
            "axon_map_per_neuron": cost("units", "axon map entries of a neuron with dense targets"),
            "axon_map_per_pixel": cost("units", "axon map entries of a pixel with conv targets"),
            "axon_mem_per_map": cost(
                "units", "axon memory of an axon map entry, conv targets", whole=False
            ),
            "axon_mem_per_map_dense": cost(
                "units", "axon memory of an axon map entry, dense targets"
            ),
            "chip_crossing_units": cost(
                "units", "axon units more of a neuron with targets off the chip"
            ),
            "conv_x_max": limit("pixels", "pixels of a convolution's slice along x"),
        },
        "number formats": {
            "weight_bits": limit("bits", "bits of a stored weight"),
            "weight_mantissa_min": floor("LSB", "least weight of mixed sign"),
            "weight_mantissa_max": limit("LSB", "largest weight of mixed sign"),
            "weight_mantissa_max_one_signed": fact(
                "LSB", "largest magnitude where all signs agree; the mapper takes the mixed grid"
            ),
            "weight_mixed_step": fact("LSB", "grid of 8-bit weights of mixed sign"),
            "weight_exponent_min": floor(
                "bits", "least common left shift of a connection's weights"
            ),
            "weight_exponent_max": limit("bits", "largest common left shift"),
            "input_shift": fact("bits", "left shift of the summed input before it enters u"),
            "decay_bits": limit("bits", "bits of a decay constant"),
            "decay_one": fact("1/4096", "denominator of the decays"),
            "decay_u_offset": fact("1/4096", "added to du, not to dv"),
            "decay_u_min": floor("1/4096", "least decay of the synaptic current, du + 1"),
            "decay_u_max": limit("1/4096", "largest decay of the synaptic current"),
            "decay_v_min": floor("1/4096", "least decay of the membrane, dv"),
            "decay_v_max": limit("1/4096", "largest decay of the membrane"),
            "threshold_mantissa_bits": fact("bits", "bits of a threshold mantissa"),
            "threshold_mantissa_min": floor("LSB", "least threshold mantissa"),
            "threshold_mantissa_max": limit("LSB", "largest threshold mantissa"),
            "threshold_shift": fact("bits", "left shift of the threshold mantissa"),
            "bias_mantissa_bits": limit("bits", "bits of a bias mantissa, signed"),
            "bias_mantissa_min": floor("LSB", "least bias mantissa"),
            "bias_mantissa_max": limit("LSB", "largest bias mantissa"),
            "bias_exponent_bits": limit("bits", "bits of a bias exponent"),
            "bias_exponent_max": limit("bits", "largest left shift of a bias"),
            "state_bits": limit("bits", "bits of u and v, signed"),
            "graded_payload_bits": limit("bits", "payload of a graded spike"),
            "delay_max": limit(
                "steps", "largest delay of a synapse beyond the connection's own step"
            ),
        },
        "semantics": {
            **SEMANTIC_NUMBERS,
            "input_events": limit("events", "events an input channel may have in a step"),
            "spikes_per_step": limit("spikes", "spikes of a neuron in a step"),
        },
        "mesh": {
            "routers_x": fact("routers", "routers along x"),
            "routers_y": fact("routers", "routers along y"),
            "cores_per_router": fact("cores", "neurocores of a router"),
            "fabrics": fact("fabrics", "physical networks side by side"),
        },
        "timing and energy": {
            "time_step_floor": fact("ns", "shortest time step of a chip"),
            "barrier_time": cost("ns", "end of a step, all cores"),
            "hop_time_x": cost("ns", "a hop east or west", whole=False),
            "hop_time_y": cost("ns", "a hop north or south", whole=False),
            "message_out_time": cost("ns", "a message out of a core", whole=False),
            "message_in_time": cost("ns", "a message into a core", whole=False),
            "synop_time_dense": cost("ns", "a synaptic operation, dense", whole=False),
            "synop_time_sparse": cost("ns", "a synaptic operation, sparse", whole=False),
            "synop_time_conv": cost("ns", "a synaptic operation, convolution", whole=False),
            "neuron_time": cost("ns", "access and update of a neuron", whole=False),
            "spike_time": cost("ns", "emission of a spike", whole=False),
            "hop_energy_x": cost("pJ", "a hop east or west", whole=False),
            "hop_energy_y": cost("pJ", "a hop north or south", whole=False),
            "message_energy": cost("pJ", "a message out of a core", whole=False),
            "synop_energy_dense": cost("pJ", "a synaptic operation, dense", whole=False),
            "synop_energy_sparse": cost("pJ", "a synaptic operation, sparse", whole=False),
            "synop_energy_conv": cost("pJ", "a synaptic operation, convolution", whole=False),
            "neuron_energy": cost("pJ", "access and update of a neuron", whole=False),
            "spike_energy": cost("pJ", "emission of a spike", whole=False),
        },
    },
    cores={
        "neurons_per_core": limit("neurons", "neurons of a core"),
        "groups_per_core": limit("groups", "neuron groups: distinct sets of decays and threshold"),
        "units_per_core": limit("units", "the pool that all tables of a core share"),
        "axon_in_units": limit("units", "input axons of a core"),
        "synapse_units": limit("units", "synapse words of a core"),
        "axon_map_units": limit("units", "axon map entries of a core"),
        "axon_mem_units": limit("units", "axon memory of a core"),
        "memory_per_core": fact("bytes", "memory of a core, all uses"),
        "synaptic_memory_words": fact("units", "synaptic memory of the hardware"),
        "state_bytes_per_neuron": fact("bytes", "state of a neuron"),
    },
    lists={
        **SEMANTIC_LISTS,
        "weight_bits_legal": ListKey("widths that a weight can be stored in", unit="bits"),
        "processes": ListKey("Lava processes with a fixed-point model"),
        "boards": ListKey("boards"),
        "chips_on_board": ListKey("chips of each board, in the order of boards", unit="chips"),
        "steppings": ListKey("chip revisions that Lava names"),
    },
    switches={
        **SEMANTIC_SWITCHES,
        "bias_into_synapse": "a bias can enter the synaptic current",
        "conv_delays": "synapses of a convolution may have delays",
        "conv_weight_exponent": "a convolution's weights have an exponent",
        "refractory": "neurons have a refractory time in fixed point",
        "synapse_wraps": "the synaptic current wraps at its range",
        "membrane_saturates": "the membrane saturates at its range",
        "conv_width_power_of_two": "slices of a convolution are a power of two wide along x",
        "reset_interval_power_of_two": "periodic state resets need a power of two of steps",
        "projection_chains": "weights may follow weights without a neuron between",
        "io_on_one_chip": "a convolution fed by the embedded input must lie on one chip",
    },
)
