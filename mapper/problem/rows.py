"""Semantics and settings as rows of a manifest or certificate, and back."""

from __future__ import annotations

from typing import Literal, TypedDict

from mapper.problem.settings import Settings
from nir_io.semantics import Semantics
from nir_io.settings import Comparison, Discretization, Integrator, Order, Origin, Reset, Spikes

ResetTiming = Literal["same-step"]


class SemanticsRow(TypedDict):
    """The update rule (nir_io.semantics.Semantics), and where each setting comes from.

    reset_timing: a neuron resets in the step of its spike; there is no other rule yet.
    """

    file_dt: float | None
    chip_dt: float | None
    discretization: Discretization
    reset: Reset
    comparison: Comparison
    order: Order
    spikes: Spikes
    v_min: float | None
    input_kind: str
    steps: int | None
    integrator: Integrator
    reset_timing: ResetTiming
    origins: dict[str, Origin]


class SettingsRow(TypedDict):
    """What was asked beside (mapper.problem.settings.Settings)."""

    max_error: float
    allow: list[str]
    exact: bool
    host: bool
    published_only: bool
    chips: int
    entry: str
    weight_bits: int | None
    objective: list[str]
    budget: float
    seed: int
    solver: str


def semantics_row(semantics: Semantics) -> SemanticsRow:
    """Every field by name."""
    return {
        "file_dt": semantics.file_dt,
        "chip_dt": semantics.chip_dt,
        "discretization": semantics.discretization,
        "reset": semantics.reset,
        "comparison": semantics.comparison,
        "order": semantics.order,
        "spikes": semantics.spikes,
        "v_min": semantics.v_min,
        "input_kind": semantics.input_kind,
        "steps": semantics.steps,
        "integrator": semantics.integrator,
        "reset_timing": "same-step",
        "origins": dict(semantics.origins),
    }


def semantics_of(row: SemanticsRow) -> Semantics:
    """The semantics of a row."""
    return Semantics(
        file_dt=row["file_dt"],
        chip_dt=row["chip_dt"],
        discretization=row["discretization"],
        reset=row["reset"],
        comparison=row["comparison"],
        order=row["order"],
        spikes=row["spikes"],
        v_min=row["v_min"],
        input_kind=row["input_kind"],
        steps=row["steps"],
        integrator=row["integrator"],
        origins=tuple(row["origins"].items()),
    )


def settings_row(settings: Settings) -> SettingsRow:
    """Every field by name."""
    return {
        "max_error": settings.max_error,
        "allow": list(settings.allow),
        "exact": settings.exact,
        "host": settings.host,
        "published_only": settings.published_only,
        "chips": settings.chips,
        "entry": settings.entry,
        "weight_bits": settings.weight_bits,
        "objective": list(settings.objective),
        "budget": settings.budget,
        "seed": settings.seed,
        "solver": settings.solver,
    }


def settings_of(row: SettingsRow) -> Settings:
    """The settings of a row."""
    return Settings(
        max_error=row["max_error"],
        allow=tuple(row["allow"]),
        exact=row["exact"],
        host=row["host"],
        published_only=row["published_only"],
        chips=row["chips"],
        entry=row["entry"],
        weight_bits=row["weight_bits"],
        objective=tuple(row["objective"]),
        budget=row["budget"],
        seed=row["seed"],
        solver=row["solver"],
    )
