"""The nodes with a state, in floating point.

    CubaLI(F)  s += k_syn (w_in x - s), then as LI(F) with s for x
    LI(F)      v += k (v_leak - v + r x),   or  v = (1 - k) (v + k r x) + k v_leak
    I(F)       v += r x

with k = dt/tau or 1 - exp(-dt/tau), and one or the other by the order of leak and input;
then a spike where v > v_threshold (or >=), and the reset in the same step. I, LI and CubaLI
give v itself. All states start at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.emulate.layers import Floats
from nir_io.arrays import AnyArray, FloatType
from nir_io.errors import BadInput
from nir_io.graph import IF, LI, LIF, Array, CubaLI, CubaLIF, Delay, I, Neuron, Threshold
from nir_io.semantics import Semantics
from rewrite_rules.dynamics import step_share


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Membrane:
    """One neuron node with its coefficients as arrays (*shape), None where it has none.

    `gain` and `w_in` are None where they are 1 everywhere; `k` is None for I and IF;
    `floor` is the lower bound of v.
    """

    node: Neuron
    semantics: Semantics
    k: Floats | None = None
    k_syn: Floats | None = None
    v_leak: Floats | None = None
    gain: Floats | None = None
    w_in: Floats | None = None
    threshold: Floats | None = None
    v_reset: Floats | None = None
    floor: Floats | None = None

    def start(self, samples: int, dtype: FloatType) -> Membrane.State:
        """The state before the first step."""
        shape = (samples, *self.node.shape_out)
        return Membrane.State(self, np.zeros(shape, dtype), np.zeros(shape, dtype))

    @dataclass(slots=True, eq=False)
    class State:
        """v and s (sample, *shape), which `advance` moves on; `over` is kept where it is a list."""

        of: Membrane
        v: Floats
        s: Floats
        over: list[float] | None = None  # sum of what is above threshold at spikes, their number

        def advance(self, x: Floats, volts: Floats | None = None) -> Floats:
            """What the node sends for input x (step, sample, *shape); `volts` gets v after it."""
            of = self.of
            if isinstance(of.node, Threshold):
                assert of.threshold is not None
                return _above(x, of.threshold, of.semantics).astype(x.dtype)
            out = np.empty_like(x)
            driven = x if of.w_in is None else of.w_in * x
            if of.gain is not None and of.k_syn is None:
                driven = of.gain * driven
            for t, i in enumerate(driven):
                if of.k_syn is not None:
                    self.s += of.k_syn * (i - self.s)
                    i = self.s if of.gain is None else of.gain * self.s
                self._integrate(i)
                out[t] = self.v if of.threshold is None else self._fire(of.threshold)
                if volts is not None:
                    volts[t] = self.v
            return out

        def _integrate(self, i: Floats) -> None:
            of = self.of
            if of.k is None or of.v_leak is None:
                self.v += i
            elif of.semantics.order == "leak-then-input":
                rise = of.v_leak - self.v
                rise += i
                rise *= of.k
                self.v += rise
            else:
                self.v = (1 - of.k) * (self.v + of.k * i) + of.k * of.v_leak
            if of.floor is not None:
                np.maximum(self.v, of.floor, out=self.v)

        def _fire(self, threshold: Floats) -> AnyArray:
            """The number of spikes of the step; resets v."""
            semantics, v_reset = self.of.semantics, self.of.v_reset
            fired = _above(self.v, threshold, semantics)
            if self.over is not None:
                self._measure(fired, threshold)
            if semantics.reset == "zero" and v_reset is not None:
                np.copyto(self.v, v_reset, where=fired)
                return fired
            spikes = fired.astype(self.v.dtype)
            if semantics.spikes == "many":
                fit = self.v / threshold
                most = np.floor(fit) if semantics.comparison == ">=" else np.ceil(fit) - 1
                spikes *= np.maximum(most, 1.0)
            self.v -= spikes * threshold
            return spikes

        def _measure(self, fired: NDArray[np.bool_], threshold: Floats) -> None:
            assert self.over is not None
            height = threshold
            if self.of.semantics.reset == "zero" and self.of.v_reset is not None:
                height = threshold - self.of.v_reset
            above = ((self.v - threshold) / height)[fired]
            self.over[0] += float(above.sum(dtype=np.float64))
            self.over[1] += above.size


def membrane(node: Neuron, semantics: Semantics, dtype: FloatType) -> Membrane:
    """`node` under `semantics`. Raises BadInput where the settings do not suit it."""
    said: list[str] = []

    def full(array: Array) -> Floats:
        return np.broadcast_to(array, node.shape_out).astype(dtype)

    def share(tau: Array) -> Floats | None:
        try:
            return full(step_share(tau, semantics, node.name))
        except BadInput as error:
            said.extend(error.findings)
            return None

    found: dict[str, Floats | None] = {}
    if isinstance(node, LIF | LI):
        found |= {"k": share(node.tau), "v_leak": full(node.v_leak)}
    if isinstance(node, CubaLIF | CubaLI):
        found |= {"k_syn": share(node.tau_syn), "k": share(node.tau_mem)}
        found |= {"v_leak": full(node.v_leak), "w_in": _unless_one(full(node.w_in))}
    if isinstance(node, I | IF | LI | LIF | CubaLI | CubaLIF):
        found["gain"] = _unless_one(full(node.r))
    if isinstance(node, Threshold):
        found["threshold"] = full(node.threshold)
    if isinstance(node, IF | LIF | CubaLIF):
        threshold = full(node.v_threshold)
        found |= {"threshold": threshold, "v_reset": full(node.v_reset)}
        if semantics.v_min is not None:
            found["floor"] = threshold * np.asarray(semantics.v_min, dtype)
        if semantics.spikes == "many" and np.any(threshold <= 0.0):
            said.append(
                f"'{node.name}': several spikes a step need a v_threshold above 0; "
                f"the least here is {float(threshold.min()):g}"
            )
    if said:
        raise BadInput(said)
    return Membrane(node=node, semantics=semantics, **found)


def _unless_one(array: Floats) -> Floats | None:
    return None if np.all(array == 1.0) else array


def _above(v: Floats, threshold: Floats, semantics: Semantics) -> NDArray[np.bool_]:
    return v > threshold if semantics.comparison == ">" else v >= threshold


class DelayLine:
    """y(t) = x(t - n): n whole steps per element, 0 before the first step."""

    def __init__(self, node: Delay, semantics: Semantics, samples: int, dtype: FloatType) -> None:
        steps = delay_steps(node, semantics).ravel()
        self.groups = tuple((int(n), np.flatnonzero(steps == n)) for n in np.unique(steps))
        self.past = np.zeros((int(steps.max(initial=0)), samples, steps.size), dtype)

    def advance(self, x: Floats) -> Floats:
        """x and the result are (step, sample, *shape)."""
        flat = np.concatenate([self.past, x.reshape(*x.shape[:2], -1)])
        longest, out = len(self.past), np.empty(x.shape, x.dtype)
        view = out.reshape(*x.shape[:2], -1)
        for steps, where in self.groups:
            view[:, :, where] = flat[longest - steps : longest - steps + len(x), :, where]
        self.past = flat[len(flat) - longest :]
        return out


def delay_steps(node: Delay, semantics: Semantics) -> NDArray[np.int64]:
    """Delays in whole steps (*shape); in the file's own unit where no time step is known."""
    dt = 1.0 if semantics.file_dt is None else semantics.file_dt
    return np.rint(np.broadcast_to(node.delay, node.shape_out) / dt).astype(np.int64)
