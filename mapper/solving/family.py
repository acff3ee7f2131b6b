"""What solving needs to know of a family of chips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from device_profiles.profile import Profile
from mapper.problem.network import Network, Population
from mapper.problem.settings import Settings
from mapper.problem.traits import Traits
from mapper.solving.claims.ledger import Claim, Ledger, Terms
from mapper.solving.offer.plans import Form, FormKind, NeuronForm, Options, Plan, ProjectionForm
from nir_io.graph import Neuron
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.rule import Proposal, Refusal
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target

if TYPE_CHECKING:
    from mapper.problem.question import Question
    from mapper.solving.outcome import Placed
    from mapper.solving.solve.cpsat import Assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The vendor's model that runs a neuron, and how a constant input is realised.

    `reset`: the kind that the model is given where the neuron itself needs none.
    """

    device_model: str
    bias: str
    proposals: tuple[Proposal, ...] = ()
    reset: Reset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A chain of node kinds that one projection form covers, the neuron's kinds last.

    `links`: 'A|B' for the kinds at a place, with a final '?' where it may be missing;
    `needs`: what rules are applied for before it is matched, in the order of the rules;
    `form`: the name of the form that it gives; `fallback`: tried where no other template
    matched, or where it is small or projections meet; `meeting`: tried where projections meet.
    """

    name: str
    links: tuple[str, ...]
    form: FormKind
    needs: tuple[Alternative, ...] = ()
    fallback: bool = False
    meeting: bool = False


class Backend(Protocol):
    """What a chip family adds to the data of its profiles."""

    family: str
    templates: tuple[Template, ...]

    def traits(self, profile: Profile) -> Traits:
        """How the chip's neurons and axons behave, for code that serves every family."""
        ...

    def target(self, profile: Profile, semantics: Semantics) -> Target:
        """The capabilities that rules may know."""
        ...

    def accept(
        self,
        network: Network,
        population: Population,
        node: Neuron,
        reset: Reset,
        dynamics: Dynamics,
        target: Target,
    ) -> tuple[Accepted, ...] | Refusal:
        """How the chip runs this neuron as it is; a refusal says why it does not."""
        ...

    def finish(
        self,
        population: Population,
        neuron: NeuronForm,
        form: ProjectionForm,
        profile: Profile,
    ) -> ProjectionForm | Refusal:
        """A matched projection in the chip's terms, or why this geometry is impossible."""
        ...

    def combine(
        self, population: Population, projections: tuple[ProjectionForm, ...]
    ) -> Refusal | None:
        """Why these forms cannot end in one population together; None where they can."""
        ...

    def quick(self, network: Network, profile: Profile, semantics: Semantics) -> tuple[Claim, ...]:
        """Limits that fail whatever is chosen: told before anything is worked out."""
        ...

    def plans(
        self,
        network: Network,
        forms: Mapping[str, tuple[Form, ...]],
        profile: Profile,
        settings: Settings,
    ) -> Mapping[str, tuple[Plan, ...]]:
        """Slicings of every form."""
        ...

    def claims(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[Claim, ...]:
        """The limits of the chip."""
        ...

    def objectives(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[tuple[str, Terms], ...]:
        """What is minimised, the most important first."""
        ...

    def place(
        self, question: Question, options: Options, ledger: Ledger, answer: Assignment
    ) -> Placed:
        """The placement that an assignment stands for."""
        ...
