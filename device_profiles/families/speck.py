"""Speck: unlike cores, each convolution -> IF -> sum-pooling per destination.

kernel memory = c 2^(lg(k k) + lg(f)), neuron memory = f 2^(lg(h) + lg(w)),
lg = ceil(log2), of the map before pooling (sinabs 3.1.3, dynapcnn_layer.py:213-244).
"""

from __future__ import annotations

from device_profiles.families import (
    SEMANTIC_LISTS,
    SEMANTIC_NUMBERS,
    SEMANTIC_SWITCHES,
    Family,
    Key,
    ListKey,
    fact,
    floor,
    limit,
)

FAMILY = Family(
    name="speck",
    core_count="cores_per_chip",
    groups={
        "chip": {
            "cores_per_chip": limit("cores", "cores of the chip"),
            "chips_per_system": limit("chips", "chips that one network may use"),
            "destinations": limit("destinations", "destinations of a core"),
            "dvs_destinations": limit("destinations", "destinations of the sensor block"),
            "dvs_features": limit("features", "polarities of the sensor"),
        },
        "layer": {
            "features": limit("features", "features of a map, in or out"),
            "feature_shift_max": limit("features", "largest channel shift of a destination"),
            "kernel_min": floor("pixels", "least kernel side"),
            "kernel_max": limit("pixels", "largest kernel side"),
            "padding_max": limit("pixels", "largest zero padding of a side"),
            "map_out_max": limit("pixels", "largest side of an output map, before pooling"),
            "input_map_max": limit("pixels", "largest side of an input map"),
        },
        "number formats": {
            "weight_bits": limit("bits", "bits of a weight, signed"),
            "weight_min": floor("LSB", "least weight"),
            "weight_max": limit("LSB", "largest weight"),
            "bias_bits": limit("bits", "bits of a bias, signed"),
            "bias_min": floor("LSB", "least bias"),
            "bias_max": limit("LSB", "largest bias"),
            "state_bits": limit("bits", "bits of a membrane, signed"),
            "threshold_bits": fact("bits", "bits of a threshold, signed"),
            "threshold_high_min": floor("LSB", "least firing threshold"),
            "threshold_high_max": limit("LSB", "largest firing threshold"),
            "threshold_low_min": floor("LSB", "least lower bound of the membrane"),
            "threshold_low_max": Key("LSB", "largest lower bound of the membrane", least=None),
        },
        "semantics": {
            **SEMANTIC_NUMBERS,
            "spikes_per_event": limit("spikes", "spikes of a neuron for one input event"),
        },
        "timing": {
            "slow_clock_min": floor("Hz", "slowest slow clock; a tick adds the biases"),
            "slow_clock_max": limit("Hz", "fastest slow clock"),
            "slow_clock_divider_min": fact("bits", "least power of two that divides sensor events"),
            "slow_clock_divider_max": fact(
                "bits", "largest power of two that divides sensor events"
            ),
            "synops_per_second": limit("synops/s", "synaptic operations of a core in a second"),
            "events_per_second": limit("events/s", "events into a core in a second"),
        },
        "readout": {
            "readout_classes": fact("classes", "classes of the readout block, beside idle"),
            "readout_feature_stride": fact(
                "features", "class j is read from feature stride * (j - 1)"
            ),
            "readout_threshold_bits": fact("bits", "bits of the readout threshold"),
            "readout_destination": fact("id", "id of the readout block as a destination"),
            "dvs_block": fact("id", "id of the sensor block in monitored events"),
        },
    },
    cores={
        "kernel_memory": limit("weights", "kernel memory of a core, 8-bit words"),
        "neuron_memory": limit("neurons", "neuron memory of a core, 16-bit words"),
        "bias_memory": limit("biases", "bias memory of a core, 16-bit words"),
    },
    lists={
        **SEMANTIC_LISTS,
        "strides": ListKey("strides, x and y on their own", unit="pixels"),
        "pools": ListKey("sum-pooling sides of a destination, stride = size", unit="pixels"),
        "dvs_pools": ListKey(
            "pooling sides of the sensor block, x and y on their own", unit="pixels"
        ),
        "parallel_cores": ListKey("cores with a higher throughput, for input layers", unit="id"),
        "readout_windows": ListKey("ticks that the readout averages over", unit="ticks"),
        "readout_modes": ListKey("y x x x f of the readout's addressing modes, in order"),
        "decimator": ListKey("one of so many output events is kept", unit="events"),
        "sdk_devices": ListKey("names in the vendor's SDK"),
    },
    switches={
        **SEMANTIC_SWITCHES,
        "dilation": "kernels may be dilated",
        "groups": "convolutions may have groups",
        "square_kernels_only": "kernels are square",
        "square_pools_only": "pooling is square",
        "per_destination_pooling": "each destination has its own pooling",
        "power_of_two_memory": "kernel positions, features and map sides are rounded up to powers of two",
        "merge": "several cores may target one core",
        "equal_source_maps": "all sources of a core have the same output shape",
        "feature_shift": "a destination may shift the channels, so output channels can be split over cores",
        "host_input_replicated": "the host may send an input event to any number of cores",
        "bias_needs_slow_clock": "biases act at slow-clock ticks, not at time steps",
        "bias_clock_shared": "leak, sensor filter and readout share one slow clock",
        "stall_is_chip_wide": "a core over its rate stalls the whole chip",
    },
)
