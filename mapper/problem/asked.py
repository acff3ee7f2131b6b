"""What a user asks, as a value: a network, a device, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mapper.problem.settings import Settings
from nir_io.arrays import AnyArray
from nir_io.graph import Graph

if TYPE_CHECKING:
    from device_profiles.profile import Profile
    from nir_io.semantics import Semantics


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Source:
    """A network as it was read, and where it came from.

    `sha256`: of the file's bytes, None for a network that came from no file.
    """

    graph: Graph
    name: str
    path: Path | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calibrate:
    """Data that a quantizer's free choices are made on: a file, or (raster, labels or None).

    evaluations: of candidates, at most.
    """

    data: Path | tuple[AnyArray, AnyArray | None]
    evaluations: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Asked:
    """All that an answer depends on.

    profile_path: the file of a device of the user's own; calibrate: data, or None.
    """

    source: Source
    profile: Profile
    profile_path: Path | None
    semantics: Semantics
    settings: Settings
    calibrate: Calibrate | None = None
