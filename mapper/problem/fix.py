"""A way out as a value: what it says, what it costs, how it is applied.

The cost orders what is offered; it has no unit. An option that changes nothing of the
network costs little, an approximation its error, another device or time step more, and a
network that has to be trained again the most, by what it loses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from mapper.problem.asked import Asked
from mapper.problem.change.change import Change, applied, noted
from mapper.problem.settings import Settings
from nir_io.semantics import Semantics

COSTS: Mapping[str, float] = MappingProxyType(
    {
        "option": 1.0,  # drop --no-host, --exact, --entry
        "allow": 2.0,  # one approximation with a bound, and 10 x the bound; unbounded: 4 more
        "weight-bits": 4.0,  # and 1 for each bit less
        "chips": 8.0,  # and 1 for each chip more
        "optimistic": 12.0,  # if an uncertain limit is better than its safe value
        "device-alike": 20.0,  # another device of the family
        "device": 25.0,  # a device of another family
        "input-kind": 28.0,  # fewer events a step: the data are clipped
        "dt": 30.0,  # and 5 for each factor of two
        "delay": 35.0,
        "size": 40.0,  # and 60 x the share of neurons that goes; inputs 10, outputs 30 more
        "geometry": 45.0,  # another kernel, stride or pooling
        "retrain": 60.0,  # neurons of another kind
        "refused": 65.0,  # what a rule asks for before it applies
        "limits": 70.0,  # retrain within the device's limits
    }
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fix:
    """One way out.

    says: a sentence; words: for the command line; cost: see COSTS. resolved: the network
    was solved again with it and fits; with `verified` its bundle was made and checked too.
    change, settings, semantics, device: how it is applied; None where it asks for something that
    cannot be applied by itself (retraining). work: units that solving it again took.
    """

    kind: str
    says: str
    cost: float
    words: tuple[str, ...] = ()
    resolved: bool = False
    verified: bool = False
    change: Change | None = None
    settings: Settings | None = None
    semantics: Semantics | None = None
    device: str | None = None
    work: float = 0.0

    @property
    def applies(self) -> bool:
        """Whether `apply` gives another question."""
        parts = (self.change, self.settings, self.semantics, self.device)
        return any(part is not None for part in parts)

    def apply(self, asked: Asked) -> Asked:
        """The question with this fix. Raises CannotResizeError and BadInput as Change does."""
        from device_profiles.load import load

        if self.device is not None:
            asked = replace(asked, profile=load(self.device), profile_path=None)
        if self.settings is not None:
            asked = replace(asked, settings=self.settings)
        if self.semantics is not None:
            asked = replace(asked, semantics=self.semantics)
        return asked if self.change is None else changed(asked, self.change)


def changed(asked: Asked, change: Change, *, sign: bool = True) -> Asked:
    """The question about the changed network; without `sign` it has no fingerprint yet."""
    graph, semantics = applied(asked.source.graph, asked.semantics, change)
    graph = noted(graph, change) if sign else graph
    source = replace(asked.source, graph=graph, sha256=None)
    return replace(asked, source=source, semantics=semantics)
