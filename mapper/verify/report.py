"""What the checker says: findings, what every core uses, and so the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MOST_FINDINGS = 200
MOST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: a stable id in kebab-case, and a sentence with the place and both numbers."""

    fault: str
    says: str


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a resource is used, and how much there is, in the limit's unit."""

    used: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreUse:
    """What sits on a core (populations, or the role of a helper), and what it uses."""

    chip: int
    core: int
    holds: tuple[str, ...]
    resources: Mapping[str, Use]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The verdict on a bundle. `usage` is by chip and core; what a report shows."""

    findings: tuple[Finding, ...]
    usage: tuple[CoreUse, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(slots=True)
class Book:
    """Collects findings and uses while a bundle is checked."""

    findings: list[Finding] = field(default_factory=list[Finding])
    left_out: int = 0
    cores: dict[tuple[int, int], tuple[list[str], dict[str, Use]]] = field(
        default_factory=dict[tuple[int, int], tuple[list[str], dict[str, Use]]]
    )

    def find(self, fault: str, says: str) -> None:
        """Note a fault; equal ones once, and no more than a person reads."""
        finding = Finding(fault, says)
        if finding in self.findings:
            return
        if len(self.findings) >= MOST_FINDINGS:
            self.left_out += 1
            return
        self.findings.append(finding)

    def holds(self, chip: int, core: int, what: str) -> None:
        """Note what sits on a core."""
        names, _ = self.cores.setdefault((chip, core), ([], {}))
        if what not in names:
            names.append(what)

    def use(self, chip: int, core: int, resource: str, used: int, available: float) -> None:
        """Note what a core uses of a resource."""
        _, resources = self.cores.setdefault((chip, core), ([], {}))
        resources[resource] = Use(used, int(available))

    def checked(self) -> Checked:
        """The verdict."""
        more = Finding("more-findings", f"{self.left_out} more findings are not shown")
        found = (*self.findings, more) if self.left_out else tuple(self.findings)
        usage = tuple(
            CoreUse(
                chip=chip,
                core=core,
                holds=tuple(names),
                resources=MappingProxyType(dict(resources)),
            )
            for (chip, core), (names, resources) in sorted(self.cores.items())
        )
        return Checked(findings=found, usage=usage)


def shown(name: object) -> str:
    """A name from a bundle in quotes: printable, and short."""
    text = str(name)
    if len(text) > MOST_SHOWN:
        text = text[: MOST_SHOWN - 3] + "..."
    return "'" + "".join(c if c.isprintable() else "?" for c in text) + "'"


def listed(items: Iterable[object], most: int = 6) -> str:
    """The first few of some items, and how many more there are."""
    found = [str(item) for item in items]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
