"""Xylo: one core with pools of hidden neurons, outputs and recurrent pairs."""

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
    name="xylo",
    core_count="cores_per_chip",
    groups={
        "chip": {
            "cores_per_chip": limit("cores", "cores of the chip"),
            "chips_per_system": limit("chips", "chips that one network may use"),
            "input_channels": limit("channels", "input channels"),
        },
        "number formats": {
            "weight_bits": limit("bits", "bits of a weight, signed"),
            "weight_min": floor("LSB", "least weight"),
            "weight_max": limit("LSB", "largest weight"),
            "weight_shift_min": floor("bits", "least left shift of a weight matrix"),
            "weight_shift_max": limit("bits", "largest left shift of a weight matrix"),
            "weight_shifts": fact("shifts", "shifts of the chip: input, recurrent, output"),
            "state_bits": limit("bits", "bits of a synaptic or membrane state, signed"),
            "threshold_bits": fact("bits", "bits of a threshold, signed"),
            "threshold_min": floor("LSB", "least threshold"),
            "threshold_max": limit("LSB", "largest threshold"),
            "one_spike_threshold": fact("LSB", "from here on a neuron spikes once a step at most"),
            "bias_bits": limit("bits", "bits of a bias, signed"),
            "bias_min": floor("LSB", "least bias"),
            "bias_max": limit("LSB", "largest bias"),
            "dash_bits": fact("bits", "bits of a decay shift"),
            "dash_syn_min": floor("bits", "least decay shift of a synaptic current"),
            "dash_mem_min": floor("bits", "least decay shift of a membrane"),
            "dash_max": limit("bits", "largest decay shift; tau/dt = 2^shift"),
            "decay_min": fact("LSB", "least decay of a positive state in a step"),
        },
        "semantics": {
            **SEMANTIC_NUMBERS,
            "input_events": limit("events", "events an input channel may have in a step"),
            "hidden_spikes_per_step": limit("spikes", "spikes of a hidden neuron in a step"),
            "output_spikes_per_step": limit("spikes", "spikes of an output neuron in a step"),
        },
        "timing": {
            "cycles_per_input_target": cost(
                "cycles", "clock cycles of an input channel and receiving neuron", whole=False
            ),
            "cycles_per_recurrent_pair": cost("cycles", "clock cycles of a recurrent pair"),
            "cycles_per_hidden_neuron": cost("cycles", "clock cycles of a hidden neuron"),
            "cycles_per_second_synapse": cost(
                "cycles", "clock cycles more of a pair with a second synapse", needed=False
            ),
        },
    },
    cores={
        "hidden_neurons": limit("neurons", "hidden neurons, all hidden populations together"),
        "output_neurons": limit("neurons", "output neurons"),
        "input_window": limit("neurons", "hidden neurons that may receive input"),
        "output_window": limit("neurons", "hidden neurons that may drive outputs"),
        "recurrent_fan_out": limit("targets", "hidden targets of a hidden neuron"),
        "recurrent_pairs": limit(
            "pairs", "hidden pairs (source, target) with a weight other than 0"
        ),
        "synapses_per_hidden": limit("synapses", "synaptic states of a hidden neuron"),
        "synapses_per_output": limit("synapses", "synaptic states of an output neuron"),
        "aliases_per_hidden": fact("aliases", "neurons that one passes its spikes on to"),
    },
    lists={
        **SEMANTIC_LISTS,
        "sdk_devices": ListKey("names in the vendor's SDK"),
    },
    switches={
        **SEMANTIC_SWITCHES,
        "windows_by_id": "inputs reach the lowest ids only and the highest ids drive the outputs",
        "pair_shared_by_synapses": "both synapses of a pair take one recurrent entry",
        "zero_weights_stored": "a weight of 0 takes a recurrent entry",
        "output_recurrence": "output neurons may feed neurons",
        "input_to_output": "inputs may feed output neurons without a hidden neuron between",
        "refractory": "neurons have a refractory time",
        "states_saturate": "states saturate at their range",
        "negative_decays_faster": "a negative state decays by the rounded-up step, a positive one by the rounded-down",
        "one_time_step": "all neurons share one dt",
        "state_reset": "states can be reset between samples; else silent steps are needed",
        "projection_chains": "weights may follow weights without a neuron between",
    },
)
