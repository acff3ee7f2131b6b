"""What a profile of a known family must say: keys, units, kinds and meanings.

A family is a module of this folder with a `FAMILY`; the values stand in the chips' files.
A chip of a family that is not here is checked by the general rules alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pkgutil import iter_modules

from device_profiles.profile import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """A number of a family. `least`: no value below it makes sense (None: any)."""

    unit: str
    says: str
    kind: Kind = "limit"
    whole: bool = True
    least: int | None = 0
    needed: bool = True


@dataclass(frozen=True, slots=True)
class ListKey:
    """A list of a family: of integers where `unit` is given, else of words.

    `choices` are the words that the mapper knows; empty: any.
    """

    says: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    needed: bool = True


@dataclass(frozen=True)
class Family:
    """The keys of a family. `groups` are chip-wide numbers by topic, in reading order.

    cores: numbers of each core class. core_count: the chip-wide number that counts the
    core ids. switches: name -> what holds when it is true.
    """

    name: str
    core_count: str
    groups: Mapping[str, Mapping[str, Key]]
    cores: Mapping[str, Key]
    lists: Mapping[str, ListKey]
    switches: Mapping[str, str]

    @cached_property
    def limits(self) -> dict[str, Key]:
        """All chip-wide numbers, in reading order."""
        return {name: key for group in self.groups.values() for name, key in group.items()}


def limit(unit: str, says: str, **more: bool) -> Key:
    """At most this many."""
    return Key(unit, says, "limit", **more)


def floor(unit: str, says: str, **more: bool) -> Key:
    """At least this value; may be negative."""
    return Key(unit, says, "floor", least=None, **more)


def cost(unit: str, says: str, **more: bool) -> Key:
    """What one thing takes."""
    return Key(unit, says, "cost", **more)


def fact(unit: str, says: str, **more: bool) -> Key:
    """A number without a better side."""
    return Key(unit, says, "fact", **more)


NEURONS = ("IF", "LIF", "CubaLIF", "Threshold", "I", "LI", "CubaLI")
PROJECTIONS = ("Linear", "Conv1d", "Conv2d", "Scale")
ORDERS = ("leak-then-input", "input-then-leak")

# Facts of the update rule that every family states, so that rules and tables can rely on them.
SEMANTIC_NUMBERS: dict[str, Key] = {
    "delay_per_connection": fact("steps", "steps from a neuron's spike to its target's input"),
    "delay_from_input": fact("steps", "steps from an input event to its target's input"),
}
SEMANTIC_LISTS: dict[str, ListKey] = {
    "neuron_models": ListKey("NIR neurons that run natively", choices=NEURONS),
    "projections": ListKey("NIR weight nodes that run natively", choices=PROJECTIONS),
    "resets": ListKey("resets that the neuron has", choices=("zero", "subtract")),
    "resets_emulated": ListKey(
        "resets reached by a construction", choices=("zero", "subtract"), needed=False
    ),
    "comparison": ListKey("a spike where v is > or >= the threshold", choices=(">", ">=")),
    "decays": ListKey(
        "grid of the decays",
        choices=("float32", "12-bit", "bit-shift", "none"),
    ),
    "order": ListKey("leak and input of the membrane, which first", choices=ORDERS, needed=False),
    "synapse_order": ListKey(
        "leak and input of the synaptic current, which first", choices=ORDERS, needed=False
    ),
}
SEMANTIC_SWITCHES: dict[str, str] = {
    "share_cores": "slices of several populations may lie on one core",
    "recurrence": "connections may form cycles",
    "neuron_bias": "a neuron has a constant input of its own",
    "per_neuron_threshold": "neurons of a population may differ in threshold",
    "per_neuron_decays": "neurons of a population may differ in their decays",
    "per_neuron_bias": "neurons of a population may differ in their constant input",
}


def family_names() -> tuple[str, ...]:
    """The families that have a module here, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def family(name: str) -> Family | None:
    """The family of that name, None for one that is not here."""
    if name not in family_names():
        return None
    return import_module(f"device_profiles.families.{name}").FAMILY
