"""`nirmap devices NAME --training`: what a network has to keep to so that it maps without loss.

All is read from the profile. The legal time constants follow from its decay fields: a state
keeps the share 1 - k of itself a step, k = dt / tau under forward Euler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from device_profiles.describe import meanings, table
from device_profiles.profile import Profile
from mapper.verbs.query.document import TrainingFacts

TOPICS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Neurons",
        (
            "neuron_models",
            "conv_neuron_models",
            "resets",
            "resets_emulated",
            "comparison",
            "order",
            "synapse_order",
            "recurrence",
            "refractory",
        ),
    ),
    ("Time constants", ("per_neuron_decays", "one_time_step")),
    (
        "Weights",
        (
            "projections",
            "weight_bits_legal",
            "weight_bits",
            "weight_min",
            "weight_max",
            "weight_mantissa_min",
            "weight_mantissa_max",
            "weight_mixed_step",
            "weight_magnitude",
            "weight_magnitude_delay",
            "kernel_min",
            "kernel_max",
            "synapses_per_hidden",
            "synapses_per_output",
            "delay_max",
        ),
    ),
    (
        "Thresholds, biases, states",
        (
            "per_neuron_threshold",
            "threshold_bits",
            "threshold_min",
            "threshold_max",
            "threshold_high_min",
            "threshold_high_max",
            "threshold_low_max",
            "threshold_mantissa_bits",
            "neuron_bias",
            "per_neuron_bias",
            "bias_bits",
            "bias_min",
            "bias_max",
            "bias_mantissa_bits",
            "bias_needs_slow_clock",
            "state_bits",
            "states_saturate",
            "membrane_saturates",
        ),
    ),
    (
        "Input and spikes",
        (
            "input_channels",
            "input_events",
            "spikes_per_step",
            "spikes_per_event",
            "hidden_spikes_per_step",
            "output_spikes_per_step",
        ),
    ),
    (
        "Layers",
        (
            "hidden_neurons",
            "output_neurons",
            "recurrent_fan_out",
            "features",
            "kernel_min",
            "kernel_max",
            "square_kernels_only",
            "strides",
            "padding_max",
            "dilation",
            "groups",
            "conv_dilation",
            "conv_groups",
            "conv_anisotropic",
            "pools",
            "input_map_max",
            "map_out_max",
            "destinations",
            "projection_chains",
            "input_to_output",
            "output_recurrence",
        ),
    ),
)
ELSEWHERE = {"Weights": "pixels", "Layers": "LSB"}  # a kernel's side, and its weights, by unit


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLimit:
    """`value` with its unit, as text; `optimistic`: what it may really be, or ''."""

    topic: str
    name: str
    value: str
    optimistic: str
    says: str
    confidence: str
    source: str


def training(profile: Profile) -> tuple[TrainingLimit, ...]:
    """What to train within, by topic."""
    rows = {name: row for _, name, *row in table(profile)}
    says = meanings(profile)
    found: list[TrainingLimit] = []
    for topic, names in TOPICS:
        if topic == "Time constants":
            found += _time_constants(profile)
        for name in (name for name in names if name in rows):
            value, optimistic, confidence, source = rows[name]
            if value.split()[-1] == ELSEWHERE.get(topic):
                continue
            found.append(
                TrainingLimit(
                    topic=topic,
                    name=name,
                    value=value,
                    optimistic=optimistic,
                    says=says.get(name, ""),
                    confidence=confidence,
                    source=source,
                )
            )
    return tuple(found)


def _time_constants(profile: Profile) -> Iterator[TrainingLimit]:
    """tau / dt of the synapse and of the membrane, as the decay fields allow."""
    decays = profile.lists["decays"]
    for name, value, says in _ratios(profile, tuple(map(str, decays.values))):
        yield TrainingLimit(
            topic="Time constants",
            name=name,
            value=value,
            optimistic="",
            says=says,
            confidence=decays.confidence,
            source=decays.source + (f" ({decays.note})" if decays.note else ""),
        )


def _ratios(profile: Profile, decays: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for kind in decays:
        match kind:
            case "bit-shift":
                most = int(profile.limit("dash_max").value)
                for name, key in (
                    ("tau_syn / dt", "dash_syn_min"),
                    ("tau_mem / dt", "dash_mem_min"),
                ):
                    # rule decays-on-grid keeps shift 0, no memory at all, out of the mapping
                    least = max(1, int(profile.limit(key).value))
                    value = f"{2**least}, {2 ** (least + 1)}, {2 ** (least + 2)}, ... {2**most:,}"
                    yield name, value, f"a power of two, 2^{least} to 2^{most}: decays 1 - dt/tau"
            case "12-bit":
                one = int(profile.limit("decay_one").value)
                least = int(profile.limit("decay_u_min").value)
                yield (
                    "tau_syn / dt",
                    f"1 to {one / least:,g}",
                    f"dt/tau is rounded to n / {one:,}, n at least {least}: the synapse always leaks",
                )
                most = int(profile.limit("decay_v_max").value)
                yield (
                    "tau_mem / dt",
                    f"{one / most:,.4g} to {one:,}, or no leak",
                    f"dt/tau is rounded to n / {one:,}, n at most {most:,}; 0 is an IF",
                )
            case "float32":
                yield "tau / dt", "any", "decays are stored in 32-bit floating point"
            case "none":
                yield "tau / dt", "no leak", "membranes keep their charge: IF neurons only"
            case _:
                yield "tau / dt", kind, "format of the decays"


def facts(found: Iterable[TrainingLimit]) -> list[TrainingFacts]:
    """For JSON."""
    return [
        {
            "topic": row.topic,
            "name": row.name,
            "value": row.value,
            "optimistic": row.optimistic,
            "says": row.says,
            "confidence": row.confidence,
            "source": row.source,
        }
        for row in found
    ]
