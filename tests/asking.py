"""The mapper's own line on a profile: each step with the family that the profile names."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from device_profiles.profile import Profile
from mapper.bundle.bundle import population_row
from mapper.bundle.integers.draft import Quantized
from mapper.bundle.mapped import Mapped
from mapper.bundle.mapped import mapped as mapped_by
from mapper.emulate.bundle import Emulated
from mapper.emulate.bundle import emulate as emulated_by
from mapper.emulate.loaded import Loaded
from mapper.families import family_named
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from mapper.solving import pipeline
from mapper.solving.claims.ledger import Ledger
from mapper.solving.offer.plans import Options
from mapper.solving.outcome import Outcome, Placed
from mapper.solving.pose import pose as posed_by
from nir_io.graph import Graph
from nir_io.semantics import Semantics


def pose(graph: Graph, profile: Profile, semantics: Semantics, settings: Settings) -> Question:
    """The question about a graph."""
    backend = family_named(profile.family).backend
    return posed_by(graph, profile, semantics, settings, backend)


def offer(question: Question) -> Options:
    """All coverings and slicings."""
    return pipeline.offer(question, family_named(question.profile.family).backend)


def state(question: Question, options: Options) -> Ledger:
    """All claims."""
    return pipeline.state(question, options, family_named(question.profile.family).backend)


def decide(question: Question) -> Outcome:
    """The outcome."""
    return pipeline.decide(question, family_named(question.profile.family).backend)


def quantize(placed: Placed) -> Quantized:
    """The chip's integers."""
    return family_named(placed.question.profile.family).quantize(placed)


def mapped(placed: Placed, quantized: Quantized) -> Mapped:
    """The network that the integers stand for."""
    profile = placed.question.profile
    rows = [population_row(placed, quantized, name) for name in placed.chosen]
    bundle = Loaded.of(rows, quantized.arrays.values)
    return mapped_by(placed, quantized, family_named(profile.family).decoder(bundle, profile))


def emulate(
    bundle: Loaded, raster: Any, *, seed: int | None = 0, states: Collection[str] = ()
) -> Emulated:
    """The bundle on its family's emulator."""
    run = family_named(bundle.manifest["device"]["family"]).run
    return emulated_by(bundle, raster, run, seed=seed, states=states)
