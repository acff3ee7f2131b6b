"""A device of each family, with what rules and templates need to know of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from device_profiles.load import load, names
from device_profiles.profile import Profile
from mapper.families import family_named
from mapper.solving.family import Backend
from rewrite_rules.target import Target
from tests.rewrite_rules.networks import EULER


@dataclass(frozen=True)
class Chip:
    """The first device of a family."""

    profile: Profile
    backend: Backend

    def targets(self) -> tuple[Target, ...]:
        """With either reset asked for, and a length of the run that bounds what never forgets."""
        return tuple(
            self.backend.target(self.profile, replace(EULER, reset=reset, steps=50))
            for reset in ("zero", "subtract")
        )


def chips() -> dict[str, Chip]:
    """By family."""
    profiles = [load(name) for name in reversed(names())]
    return {p.family: Chip(p, family_named(p.family).backend) for p in profiles}


CHIPS = chips()
