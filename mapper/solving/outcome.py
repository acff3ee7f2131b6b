"""The three outcomes: Placed, Impossible, Undecided. Values, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mapper.problem.question import Question
from mapper.solving.claims.ledger import Claim, Ledger
from mapper.solving.offer.plans import Box, Options, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The part of a population on one core. `copy` numbers equal slices (Speck)."""

    population: str
    box: Box
    chip: int
    core: int
    copy: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A core that holds no slice: `role` is 'relay' or 'bias source' or 'input source'."""

    role: str
    population: str
    chip: int
    core: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A destination of a core (Speck): spikes of `source` go to core `target`.

    Their channel is shifted by `shift` and their coordinates divided by `pool`.
    """

    source: int
    port: int
    target: int
    pool: int
    shift: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A number or fact that is not published and that the answer leans on."""

    id: str
    says: str
    source: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Placed:
    """A placement: every population has a plan, every slice a core.

    `lag`: steps by which each population is late; `objectives`: (name, value, proven lower
    bound); `proven`: whether the values are optimal; `hidden_ids`, `output_ids` (Xylo): ids of
    each population's neurons in the hidden and in the output pool, in C order.
    """

    question: Question
    chosen: Mapping[str, Plan]
    slices: tuple[Slice, ...]
    helpers: tuple[Helper, ...]
    links: tuple[Link, ...]
    lag: Mapping[str, int]
    objectives: tuple[tuple[str, int, int], ...]
    proven: bool
    binding: bool
    assumptions: tuple[Assumption, ...]
    ledger: Ledger
    options: Options
    hidden_ids: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    output_ids: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def cores(self) -> int:
        """Cores in use, helpers included."""
        return len({(s.chip, s.core) for s in (*self.slices, *self.helpers)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Claims that cannot hold together, each of them needed; and one sentence for all.

    `others`: conflicts of other populations for the same reason, which the headline tells
    too. `minimal`: whether each claim was shown to be needed before the budget ended.
    """

    headline: str
    claims: tuple[Claim, ...]
    others: tuple[Conflict, ...] = ()
    minimal: bool = True


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Impossible:
    """No placement exists. `optimistic`: it would with the optimistic values of limits."""

    question: Question
    conflicts: tuple[Conflict, ...]
    options: Options
    ledger: Ledger
    optimistic: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Undecided:
    """Neither was shown. `because` says why, `decides` what would decide, a sentence each.

    `assumptions`: what a placement leans on that the settings forbid to lean on.
    """

    question: Question
    because: str
    options: Options
    ledger: Ledger
    decides: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


Outcome = Placed | Impossible | Undecided
