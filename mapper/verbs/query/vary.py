"""`--vary`: how large may one thing be, and which limit binds beyond.

Sizes are searched upwards in doubling steps and then by bisection: a placement of a larger
layer holds a smaller one, so what fits is an interval from below. The largest value was
shown to fit and the next one was shown not to. Time steps have no such order; a grid of
them is looked at, and the answer says so. Varied layers count as dense.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from mapper.families import family_named
from mapper.problem.asked import Asked
from mapper.problem.change.axes import axes, block
from mapper.problem.change.change import Change, address, called
from mapper.problem.change.resize import CannotResizeError, TooLargeToTryError
from mapper.problem.fix import changed
from mapper.solving.explain import conflicts
from mapper.solving.outcome import Conflict
from mapper.solving.pipeline import offer, state
from mapper.solving.pose import pose
from mapper.verbs.fixes.trial import Effort, OutOfWorkError, trial
from mapper.verbs.query.document import VariedFacts
from nir_io.errors import BadInput
from nir_io.graph import LIF, Conv1d, Conv2d, CubaLI, CubaLIF
from nir_io.raw import printable
from nir_io.semantics import per_step
from nir_io.suspicions import time_constants

MOST = 2**20  # beyond that no size is searched
PER_OCTAVE = 8  # time steps of the grid
OCTAVES = 6  # of the grid, on each side of the step that is asked about
BUDGET = 10_000.0  # units of work (mapper.verbs.fixes.trial), some minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """The answer. Values are in the unit of `what`: channels, neurons, pixels, seconds, bits.

    now: as asked; fits_now: whether that fits, None where it is open; largest: None where no value fits; beyond: the
    next value, which does not fit (None: no value beyond was tried, as `because` says);
    proven: whether both were decided and nothing in between is left open. binding: why
    `beyond` does not fit. tried: (value, whether it fits, None where that is open) in order.
    """

    what: str
    unit: str
    now: float
    fits_now: bool | None
    largest: float | None
    beyond: float | None
    proven: bool
    because: str
    binding: tuple[Conflict, ...]
    tried: tuple[tuple[float, bool | None], ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scale:
    """What is turned: `value` and `at` give the value with an index, and the question for it.

    start: the index of what is asked about; most: the last one; `end` says why, and `closed`
    that no value beyond exists. ordered: what holds a larger value holds a smaller one, so
    that what fits is an interval; strides and pooling round the sides of a map, which spoils it.
    """

    what: str
    unit: str
    now: float
    start: int
    value: Callable[[int], float]
    at: Callable[[int], Asked]
    most: int
    end: str
    closed: bool = False
    ordered: bool = True


def vary(asked: Asked, text: str) -> Varied:
    """The largest feasible value of what `text` names. Raises BadInput."""
    try:
        kind, name = address(text, asked.source.graph)
        scale = _scale(asked, kind, name)
    except ValueError as error:
        raise BadInput([f"option --vary '{printable(text)}': {error}"]) from error
    if scale is None:
        return _time_steps(asked)
    return _searched(scale)


def _searched(scale: Scale) -> Varied:
    """Doubling and bisection over the index of a value; index 0 is the smallest.

    Below the sizes that fit there may be some that make no network (a map smaller than its
    kernel): they count as too small, not as too large.
    """
    probe = _Probe(scale)
    low, high = -1, scale.most + 1  # low fits, high does not
    step, at = 1, scale.start
    if probe.fits(at):
        while at < scale.most:
            low, at = at, min(at + step, scale.most)
            step *= 2
            if not probe.fits(at):
                high = at
                break
        else:
            low = at
    else:
        high = at
        for at in sorted({0, *(scale.start // d for d in (16, 8, 4, 2))}, reverse=True):
            if at < high and (probe.fits(at) or at in probe.unmade):
                low = at
                break
            high = min(high, at)
    while high - low > 1:
        middle = (low + high) // 2
        rises = probe.fits(middle) or (low in probe.unmade and middle in probe.unmade)
        low, high = (middle, high) if rises else (low, middle)
    if low in probe.unmade:
        low = -1
    ended = high > scale.most
    decided = low < 0 or probe.answers[low] is True
    return Varied(
        what=scale.what,
        unit=scale.unit,
        now=scale.now,
        fits_now=probe.answers[scale.start],
        largest=scale.value(low) if low >= 0 else None,
        beyond=None if ended else scale.value(high),
        proven=decided
        and scale.ordered
        and (scale.closed if ended else probe.answers[high] is False),
        because=scale.end if ended else probe.why(high),
        binding=() if ended else probe.conflicts(high),
        tried=tuple((scale.value(i), fits) for i, fits in sorted(probe.answers.items())),
    )


class _Probe:
    """Answers by index; True fits, False does not, None is open."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self.answers: dict[int, bool | None] = {}
        self.reasons: dict[int, str] = {}
        self.unmade: set[int] = set()  # no network has that value
        self.effort = Effort(BUDGET)

    def fits(self, i: int) -> bool:
        """Whether the value with index `i` fits."""
        if i not in self.answers:
            self.answers[i] = self._asked(i)
        return self.answers[i] is True

    def _asked(self, i: int) -> bool | None:
        try:
            tried = trial(self.scale.at(i), self.effort, hurried=False)
        except TooLargeToTryError as error:
            self.reasons[i] = str(error)
            return None
        except (CannotResizeError, ValueError) as error:
            self.reasons[i] = str(error)
            self.unmade.add(i)
            return False
        except BadInput as error:
            self.reasons[i] = "; ".join(error.findings)
            return False
        except OutOfWorkError:
            self.reasons[i] = "the search's budget ended; it is open whether this fits"
            return None
        if tried is None:
            return False
        if tried.fits is None:
            budget = self.scale.at(i).settings.budget
            self.reasons[i] = (
                f"the solver's budget of {budget:g} deterministic seconds ended; pass a larger --budget"
            )
        return tried.fits

    def why(self, i: int) -> str:
        """The reason against a value that does not come from limits."""
        return self.reasons.get(i, "")

    def conflicts(self, i: int) -> tuple[Conflict, ...]:
        """Why a value does not fit."""
        if i in self.reasons or self.answers[i] is not False:
            return ()
        asked = self.scale.at(i)
        graph = per_step(asked.source.graph, asked.semantics)
        backend = family_named(asked.profile.family).backend
        question = pose(graph, asked.profile, asked.semantics, asked.settings, backend)
        plain = backend.quick(question.network, asked.profile, asked.semantics)
        if not plain:
            return conflicts(state(question, offer(question, backend), backend), asked.settings)
        return tuple(Conflict(headline=claim.says, claims=(claim,)) for claim in plain)


def _scale(asked: Asked, kind: str, name: str) -> Scale | None:
    """What `kind` turns; None for the time step. Raises ValueError."""
    graph = asked.source.graph
    called_ = f"{kind}@{called(name)}" if name else kind
    if kind in ("channels", "neurons") or (
        kind == "input" and len(graph.nodes[name].shape_out) < 2
    ):
        port = (name, "out")
        axis = axes(graph)[port]
        each = block(graph, port, axis) if kind == "neurons" else 1
        return Scale(
            what=called_,
            unit="neurons" if kind == "neurons" else "channels",
            now=axis.count * each,
            start=axis.count - 1,
            value=lambda i: (i + 1) * each,
            at=_changing(asked, lambda i: Change(channels={name: i + 1})),
            most=MOST // each,
            end=f"{MOST:,} fit; more were not tried",
        )
    if kind == "input":
        shape = graph.nodes[name].shape_out
        side = max(shape[1:])

        def scaled(i: int) -> Change:
            sides = (max(1, round(n * (i + 1) / side)) for n in shape[1:])
            return Change(inputs={name: (shape[0], *sides)})

        return Scale(
            what=called_,
            unit="pixels a side" if len(shape) > 2 else "positions",
            now=side,
            start=side - 1,
            value=lambda i: i + 1,
            at=_changing(asked, scaled),
            most=4096,
            end="4,096 fit; more were not tried",
            ordered=len(shape) < 3,
        )
    if kind == "kernel":
        node = graph.nodes[name]
        assert isinstance(node, Conv1d | Conv2d)
        now = max(node.weight.shape[2:])
        first = 2 - now % 2
        return Scale(
            what=called_,
            unit="pixels a side",
            now=now,
            start=(now - first) // 2,
            value=lambda i: first + 2 * i,
            at=_changing(asked, lambda i: Change(kernels={name: first + 2 * i})),
            most=256,
            end="more were not tried",
        )
    if kind == "weight_bits":
        return _bits(asked)
    if kind == "dt":
        return None
    raise ValueError(f"a {kind} has no sizes to search; vary channels, neurons, kernel, input, dt")


def _bits(asked: Asked) -> Scale:
    limits = asked.profile.limits
    if "word_bits" not in limits or "weight_bits" not in limits:
        raise ValueError(f"{asked.profile.name} stores all weights in the same number of bits")
    most = int(limits["weight_bits"].value)

    def at(i: int) -> Asked:
        return replace(asked, settings=replace(asked.settings, weight_bits=i + 1))

    return Scale(
        what="weight_bits",
        unit="bits",
        now=asked.settings.weight_bits or most,
        start=(asked.settings.weight_bits or most) - 1,
        value=lambda i: i + 1,
        at=at,
        most=most - 1,
        end=f"{asked.profile.name} stores at most {most} bits a weight",
        closed=True,
    )


def _changing(asked: Asked, change: Callable[[int], Change]) -> Callable[[int], Asked]:
    @lru_cache(maxsize=4)
    def at(i: int) -> Asked:
        return changed(asked, change(i), sign=False)

    return at


def _time_steps(asked: Asked) -> Varied:
    """The steps of a grid, and bisection between the largest that fits and the next."""
    now = asked.semantics.file_dt
    if now is None or not time_constants(asked.source.graph):
        raise BadInput(["option --vary 'dt': the network has no time constant, so no time step"])
    taus = [
        tau
        for node in asked.source.graph.of_kind(LIF, CubaLIF, CubaLI)
        for tau in ((node.tau,) if isinstance(node, LIF) else (node.tau_syn, node.tau_mem))
    ]
    grid = {
        now * 2.0 ** (i / PER_OCTAVE)
        for i in range(-OCTAVES * PER_OCTAVE, OCTAVES * PER_OCTAVE + 1)
    }
    grid |= {float(np.median(tau)) * 2.0**-n for tau in taus for n in range(1, 9)}
    least, most = now * 2.0**-OCTAVES, now * 2.0**OCTAVES
    steps = sorted(dt for dt in grid if least <= dt <= most)
    probe = _Probe(
        Scale(
            what="dt",
            unit="s",
            now=now,
            start=steps.index(now),
            value=steps.__getitem__,
            at=_changing(asked, lambda i: Change(dt=steps[i])),
            most=len(steps) - 1,
            end="",
        )
    )
    good = [i for i in range(len(steps)) if probe.fits(i)]
    top = max(good, default=None)
    bad = None if top is None or top + 1 == len(steps) else top + 1
    if top is None:
        bad = 0
    return Varied(
        what="dt",
        unit="s",
        now=now,
        fits_now=probe.answers[steps.index(now)],
        largest=None if top is None else steps[top],
        beyond=None if bad is None else steps[bad],
        proven=False,
        because=_of_steps(probe, bad, steps),
        binding=() if bad is None else probe.conflicts(bad),
        tried=tuple((steps[i], fits) for i, fits in sorted(probe.answers.items())),
    )


def _of_steps(probe: _Probe, bad: int | None, steps: Sequence[float]) -> str:
    looked = (
        f"{len(steps)} steps from {steps[0]:.3g} to {steps[-1]:.3g} s were looked at; "
        "between them nothing is known"
    )
    why = "" if bad is None else probe.why(bad)
    return f"{why}; {looked}" if why else looked


def facts(found: Varied) -> VariedFacts:
    """For JSON."""
    from mapper.report.facts import conflict_facts

    return {
        "what": found.what,
        "unit": found.unit,
        "now": found.now,
        "fits_now": found.fits_now,
        "largest": found.largest,
        "beyond": found.beyond,
        "proven": found.proven,
        "because": found.because,
        "binding": [conflict_facts(conflict) for conflict in found.binding],
        "tried": [{"value": value, "fits": fits} for value, fits in found.tried],
    }
