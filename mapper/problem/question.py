"""The question in the mapper's own terms: populations on a device."""

from __future__ import annotations

from dataclasses import dataclass

from device_profiles.profile import Profile
from mapper.problem.network import Network
from mapper.problem.settings import Settings
from mapper.problem.traits import Traits
from nir_io.semantics import Semantics
from rewrite_rules.rule import Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked: a network on a device under semantics and settings."""

    network: Network
    profile: Profile
    semantics: Semantics
    settings: Settings
    normalised: tuple[Proposal, ...]
    traits: Traits
