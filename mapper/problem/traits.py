"""What code that serves every chip has to know of one, as a value that the question carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from device_profiles.profile import Profile

FloorPlan = Literal["cores", "pools", "mesh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hops:
    """Steps that a connection takes on the chip, from an input and between populations."""

    from_input: int
    between: int

    @classmethod
    def of(cls, profile: Profile) -> Hops:
        """As the profile has them."""
        return cls(
            from_input=int(profile.limit("delay_from_input").value),
            between=int(profile.limit("delay_per_connection").value),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a chip's neurons and axons behave, where that differs between families.

    hidden_spikes, output_spikes: most spikes of a neuron in a step, None for any number;
    several: when a neuron fires more than once in a step ('asked': where the network does).
    floor: the membrane can be given a lower bound.
    input_events: events of an input channel in a step that count; None: all that are sent.
    event_by_event: the events of a step are taken one by one, and their order matters.
    start: the first membrane, 'compensated' for what a step adds before the network's data
    come, 'zero' always, or 'as-given'.
    stored_above: a spike is fired at v >= the stored threshold, so that a network that
    compares by > is stored with a threshold one unit higher.
    membrane: ends of the integer membrane's range, at which it stays; None: none is known.
    drawing: what a floor plan shows: every core with its memories ('cores'), the shares of
    one core ('pools'), or where cores lie ('mesh').
    matrix_entries: entries written out for one unit of work in the search for fixes.
    """

    hops: Hops
    hidden_spikes: int | None
    output_spikes: int | None
    several: Literal["never", "asked", "always"]
    floor: bool
    input_events: int | None
    event_by_event: bool
    start: Literal["compensated", "zero", "as-given"]
    stored_above: bool
    membrane: tuple[int, int] | None
    drawing: FloorPlan
    matrix_entries: int
