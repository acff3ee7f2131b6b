"""What a user asked for beside the model, the device and the semantics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Policy and search options, all part of the manifest.

    max_error: largest membrane-response error of a population that is used unasked.
    allow: rules without a bound that may be used; exact: forbid every approximation.
    host: whether read-outs may run on the host; published_only: lean on published numbers.
    chips: chips of the system; entry: where events enter a Speck, `host` or `dvs`.
    weight_bits: fewer bits than the chip's, for chips with a choice; None: the chip's own.
    objective: order of the objectives; budget: deterministic seconds of the solver.
    """

    max_error: float = 0.10
    allow: tuple[str, ...] = ()
    exact: bool = False
    host: bool = True
    published_only: bool = False
    chips: int = 1
    entry: str = "host"
    weight_bits: int | None = None
    objective: tuple[str, ...] = ("error", "cores", "traffic")
    budget: float = 60.0
    seed: int = 0
    solver: str = "cp-sat"
