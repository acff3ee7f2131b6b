"""What the verbs take by keyword, once for all: how a file is read, its update rule, the mapping."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from nir_io.limits import Limits

AnyPath = str | os.PathLike[str]
Text = str | None
Amount = float | str | None


class ReadingOptions(TypedDict, total=False):
    """How a file is read and meant; None is as if not given.

    semantics: the name of a preset ('snntorch', ...); models: a sidecar file; repair: mend known
    defects of exporters; limits: on what a file may hold. The others are settings of
    nir_io.semantics.Semantics, over those of preset and sidecar.
    """

    semantics: str | None
    models: AnyPath | None
    repair: bool
    limits: Limits | None
    file_dt: Amount
    chip_dt: Amount
    discretization: Text
    reset: Text
    comparison: Text
    order: Text
    spikes: Text
    v_min: Amount
    input_kind: Text
    steps: Amount
    integrator: Text


class MappingOptions(ReadingOptions, total=False):
    """And how it is mapped: settings of mapper.problem.settings.Settings."""

    max_error: Amount
    allow: str | Sequence[str] | None
    exact: bool | None
    host: bool | None
    published_only: bool | None
    chips: Amount
    entry: Text
    weight_bits: Amount
    objective: str | Sequence[str] | None
    budget: Amount
    seed: Amount
    solver: Text


class AskingOptions(MappingOptions, total=False):
    """And what is changed in the network first, as `--with` has it."""

    changes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Options apart: how to read, changes, and the settings of the update rule and the mapping."""

    preset: str | None
    models: AnyPath | None
    repair: bool
    limits: Limits | None
    changes: tuple[str, ...]
    settings: dict[str, object]

    @property
    def meant(self) -> bool:
        """Whether anything is said of what the file means."""
        return self.preset is not None or self.models is not None or bool(self.settings)


READING = ("semantics", "models", "repair", "limits", "changes")


def given(options: ReadingOptions, changes: Sequence[str] = ()) -> Given:
    """The options of a caller, apart; of AskingOptions `changes` too."""
    return Given(
        preset=options.get("semantics"),
        models=options.get("models"),
        repair=options.get("repair", False),
        limits=options.get("limits"),
        changes=tuple(changes),
        settings={name: value for name, value in options.items() if name not in READING},
    )
