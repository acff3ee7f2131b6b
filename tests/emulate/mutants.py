"""Deliberately wrong copies of the emulators, to show that the tests would notice.

A mutant is the source of a family's modules with one snippet replaced, loaded under names
of its own. The snippet must occur exactly once, so that this list cannot go stale unseen.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import ModuleType

import mapper

MAPPER = Path(mapper.__file__).parent
STEPS = "emulate.steps"
LOIHI2_MAIN = "families.loihi2.emulate"
FAMILIES = {
    # What each family loads, in order; the last one is what a test uses.
    "loihi2": (STEPS, "families.loihi2.neurons", "families.loihi2.synapses", LOIHI2_MAIN),
    "xylo": ("families.xylo.emulate",),
    "spinnaker2": (STEPS, "families.spinnaker2.emulate"),
    "speck": ("families.speck.events", "families.speck.emulate"),
}
_numbers = count()


@dataclass(frozen=True, slots=True)
class Mutation:
    """`old` in module `where` becomes `new`."""

    where: str
    old: str
    new: str

    @property
    def label(self) -> str:
        """For test reports."""
        return f"{self.where}: {' '.join(self.old.split())} -> {' '.join(self.new.split())}"


def _flat(name: str) -> str:
    return name.replace(".", "_")


def load(family: str, mutation: Mutation | None) -> ModuleType:
    """The family's main module, with one thing wrong in it."""
    tag = f"mutant{next(_numbers)}"
    module = ModuleType(tag)
    for name in FAMILIES[family]:
        source = MAPPER.joinpath(*name.split(".")).with_suffix(".py").read_text()
        if mutation is not None and name == mutation.where:
            if source.count(mutation.old) != 1:
                raise ValueError(f"found {source.count(mutation.old)} times: {mutation.old!r}")
            source = source.replace(mutation.old, mutation.new)
        for other in FAMILIES[family]:
            source = source.replace(
                f"from mapper.{other} import", f"from {tag}_{_flat(other)} import"
            )
        module = ModuleType(f"{tag}_{_flat(name)}")
        sys.modules[module.__name__] = module
        exec(compile(source, f"{tag}/{name}.py", "exec"), module.__dict__)
    return module


LOIHI2 = tuple(
    Mutation(*each)
    for each in (
        (STEPS, "if now >= wire.delay:", "if now > wire.delay:"),
        (STEPS, "drive[wire.delay :] += ", "drive[wire.delay :] = "),
        (STEPS, "yield layer.name, now, state", "yield layer.name, max(now - 1, 0), state"),
        ("families.loihi2.neurons", "    np.trunc(x, out=x)", "    np.floor(x, out=x)"),
        ("families.loihi2.neurons", "UNITY - 1 - layer.du", "UNITY - layer.du"),
        ("families.loihi2.neurons", "UNITY - layer.dv", "UNITY - 1 - layer.dv"),
        ("families.loihi2.neurons", "spikes = charge.v > (", "spikes = charge.v >= ("),
        ("families.loihi2.neurons", "np.copyto(charge.v, 0, where=spikes)", "pass"),
        ("families.loihi2.neurons", "np.left_shift(drive, STATE_SHIFT)", "np.left_shift(drive, 5)"),
        ("families.loihi2.neurons", "out=x, where=x <= -CEILING", "out=x, where=x < -CEILING"),
        ("families.loihi2.neurons", "np.subtract(x, TURN, out=x", "np.copyto(x, CEILING"),
        ("families.loihi2.neurons", "np.clip(self.v, 1 - CEILING,", "np.clip(self.v, -CEILING,"),
        ("families.loihi2.neurons", "CEILING - 1, out=self.v)", "CEILING, out=self.v)"),
        (
            "families.loihi2.neurons",
            "        _word(self.u)\n        _wrap_once(self.u)",
            "        _wrap_once(self.u)",
        ),
        (
            "families.loihi2.neurons",
            "((mantissa << up) >> down)",
            "np.trunc((mantissa << up) / 2.0 ** down)",
        ),
        ("families.loihi2.neurons", "    if kept == UNITY:", "    if kept >= UNITY - 1:"),
        (
            "families.loihi2.neurons",
            "        _leak(self.v, self._kept_v)\n        self.v += self.u",
            "        self.v += self.u\n        _leak(self.v, self._kept_v)",
        ),
        (
            "families.loihi2.neurons",
            "if tick % layer.reset_interval == due",
            "if (tick - 1) % layer.reset_interval == due",
        ),
        ("families.loihi2.neurons", "                charge.u[:] = 0\n", ""),
        (
            "families.loihi2.neurons",
            "layer.reset_offset % layer.reset_interval",
            "layer.reset_offset",
        ),
        ("families.loihi2.neurons", "spikes = gap >= self._theta", "spikes = gap > self._theta"),
        ("families.loihi2.neurons", "2 * self._theta", "self._theta"),
        ("families.loihi2.neurons", "np.add(self._theta, self._rise,", "np.add(self._theta, 0,"),
        ("families.loihi2.neurons", "        self._theta += self._rest\n", ""),
        (
            "families.loihi2.neurons",
            "gap = self._charge.v - self._r",
            "gap = self._charge.v.copy()",
        ),
        ("families.loihi2.neurons", "UNITY - 1 - layer.delta_i", "UNITY - layer.delta_i"),
        ("families.loihi2.neurons", "UNITY - layer.delta_v", "UNITY - layer.delta_r"),
        ("families.loihi2.neurons", "UNITY - layer.delta_theta", "UNITY - layer.delta_v"),
        ("families.loihi2.synapses", "-256 if mixed else 0, 255", "-250 if mixed else 0, 255"),
        ("families.loihi2.synapses", "-256 if mixed else 0, 255", "-256, 255"),
        ("families.loihi2.synapses", "dropped = 8 - bits + mixed", "dropped = 8 - bits"),
        (
            "families.loihi2.synapses",
            "    return -value if mode",
            "    return value if mode",
        ),
        ("families.loihi2.synapses", ".max() <= 0 else", ".max() < -999 else"),
        ("families.loihi2.synapses", "else total >> -exponent", "else -(-total >> -exponent)"),
        ("families.loihi2.synapses", "if exponent > 0 else total", "if exponent > 1 else total"),
        ("families.loihi2.synapses", "total.astype(np.int32).astype(np.int64)", "total"),
        (
            "families.loihi2.synapses",
            "multiply(spikes if graded else spikes != 0)",
            "multiply(spikes)",
        ),
        ("families.loihi2.synapses", "1 + int(delay)", "2 + int(delay)"),
        ("families.loihi2.synapses", "self.delays == delay", "self.delays >= delay"),
        (
            "families.loihi2.synapses",
            "(total.astype(np.float64) + CEILING) % TURN - CEILING",
            "np.clip(total, -CEILING, CEILING - 1)",
        ),
        ("families.loihi2.synapses", "self.kernel[features, ::-1, ::-1]", "self.kernel[features]"),
        ("families.loihi2.synapses", "full[::dx, ::dy, channels", "full[: kx, : ky, channels"),
        (
            "families.loihi2.synapses",
            "((across, across), (along, along))",
            "((along, along), (across, across))",
        ),
        (
            "families.loihi2.synapses",
            "            self.stride,\n            ((",
            "            self.stride[::-1],\n            ((",
        ),
        (
            "families.loihi2.synapses",
            "channels = slice(group * per_group, (group + 1) * per_group)",
            "channels = slice(0, per_group)",
        ),
    )
)

XYLO = tuple(
    Mutation("families.xylo.emulate", *each)
    for each in (
        ("MOST_EVENTS = 15 ", "MOST_EVENTS = 16 "),
        ("MOST_SPIKES = 31 ", "MOST_SPIKES = 32 "),
        (
            "net.bias_out if biased else None,\n            1,",
            "net.bias_out if biased else None,\n            2,",
        ),
        ("np.copyto(decay, 1, where=(decay == 0) & (x > 0))", "pass"),
        ("decay = x >> dash", "decay = np.sign(x) * (np.abs(x) >> dash)"),
        (
            "        self.i -= _decay(self.i, self._dash_syn)\n        current = self.i.sum(axis=1, dtype=np.int32)",
            "        current = self.i.sum(axis=1, dtype=np.int32)\n        self.i -= _decay(self.i, self._dash_syn)",
        ),
        (
            "            change += current\n            np.clip(change, LOW, HIGH, out=change)\n",
            "            change += current\n",
        ),
        (
            "                change += self._bias\n                np.clip(change, LOW, HIGH, out=change)\n",
            "                change += self._bias\n",
        ),
        ("            np.copyto(change, LOW, where=change > HIGH)\n", ""),
        ("if self._core == 1:", "if self._core == 3:"),
        (
            "            self.v += change\n        np.clip(self.v, LOW, HIGH, out=self.v)",
            "            self.v += change",
        ),
        ("                    np.minimum(value, HIGH, out=value)\n", ""),
        ("                    np.maximum(value, LOW, out=value)\n", ""),
        ("for sums, counts, _ in terms:", "for sums, counts, _ in terms[::-1]:"),
        (
            "for source in np.flatnonzero(counts[row].any(axis=0)):",
            "for source in np.flatnonzero(counts[row].any(axis=0))[::-1]:",
        ),
        (
            "shifted = np.left_shift(weights.astype(np.int64), shift)",
            "shifted = weights.astype(np.int64)",
        ),
        ("slice(hidden - len(net.weights_out), hidden)", "slice(0, len(net.weights_out))"),
        ("fired = np.where((v >= threshold)", "fired = np.where((v > threshold)"),
        ("left = v - fired * threshold", "left = np.where(fired > 0, 0, v)"),
        (
            "np.minimum(v // np.maximum(threshold, 1), room)",
            "np.minimum(v // np.maximum(threshold, 1), self._most)",
        ),
        ("np.minimum(v // np.maximum(threshold, 1), room)", "np.minimum(1, room)"),
        (".astype(np.int16).astype(np.int32)\n        self.spikes", "\n        self.spikes"),
        ("if low != high:", "if False:"),
        ("self.spikes[:, targets] = np.minimum(self.spikes[:, targets], self._most)", "pass"),
        (
            "any(b is not None and b.any() for b in (net.bias, net.bias_out))\n        self._order",
            "net.bias is not None\n        self._order",
        ),
        (
            "[(self._from_input, self._events[:, now], ahead)]",
            "[(self._from_input, self._events[:, now - 1], ahead)]",
        ),
        (
            "        self.hidden.integrate()\n        self.hidden.fire(self._order)\n        self.output.integrate()",
            "        self.hidden.integrate()\n        self.hidden.fire([])\n        self.output.integrate()",
        ),
        (
            "        before = self.hidden.spikes\n",
            "        before = np.minimum(self.hidden.spikes, 1)\n",
        ),
    )
)

SPINNAKER2 = tuple(
    Mutation("families.spinnaker2.emulate", *each)
    for each in (
        ("spikes = new >= self._threshold", "spikes = new > self._threshold"),
        ("new -= self._current[:, 1]", "new += self._current[:, 1]"),
        ("new += self._offset", "pass"),
        (
            "np.subtract(new, self._threshold, out=new, where=spikes)",
            "np.copyto(new, self._v_reset, where=spikes)",
        ),
        ("np.copyto(new, self._v_reset, where=spikes)", "np.copyto(new, 0, where=spikes)"),
        (
            "            self._current *= self._decays\n            self._current += drive.astype(Single)",
            "            self._current += drive.astype(Single)\n            self._current *= self._decays",
        ),
        (
            "population.exc_decay, population.inh_decay\n",
            "population.inh_decay, population.exc_decay\n",
        ),
        ("waiting = self._timer > 0", "waiting = self._timer > 1"),
        ("np.copyto(new, self._v, where=waiting)", "pass"),
        ("1 + int(delay)", "2 + int(delay)"),
        ("Single = np.float32", "Single = np.float64"),
        ("self._v[:] = population.v_init", "pass"),
        ("np.maximum(-signed, 0)", "np.maximum(signed, 0)"),
        ("weights.target + targets * inhibitory", "weights.target"),
        ("pools.sum(axis=(3, 5), dtype=np.int32)", "pools.max(axis=(3, 5))"),
        ("self.kernel.transpose(2, 3, 0, 1)", "self.kernel[:, :, ::-1].transpose(2, 3, 0, 1)"),
        ("((top, bottom), (left, right))", "((bottom, top), (left, right))"),
        (
            "        new = self._v * self._alpha\n        new += self._current[:, 0]",
            "        new = (self._v + self._current[:, 0]) * self._alpha",
        ),
    )
)

SPECK = tuple(
    Mutation(*each)
    for each in (
        (
            "families.speck.events",
            "np.greater_equal(v, field.threshold",
            "np.greater(v, field.threshold",
        ),
        (
            "families.speck.events",
            "flat[where] -= field.threshold",
            "flat[where] %= field.threshold",
        ),
        (
            "families.speck.events",
            "                flat[where] = 0\n",
            "                flat[where] -= field.threshold\n",
        ),
        (
            "families.speck.events",
            "        np.maximum(v, field.lower, out=v)\n        if not whole",
            "        if not whole",
        ),
        (
            "families.speck.events",
            "                np.maximum(state, field.lower, out=state)\n",
            "",
        ),
        (
            "families.speck.events",
            "        if touched is not None:\n            hit &=",
            "        if False:\n            hit &=",
        ),
        (
            "families.speck.events",
            "calm = not self.subtract or int(self.kernel.max(initial=0)) <= self.threshold",
            "calm = True",
        ),
        ("families.speck.events", "and low and self.bias is None)", "and low)"),
        ("families.speck.events", "if (calm and low and", "if (calm and"),
        ("families.speck.events", "event, place = event[place >= 0], place[place >= 0]\n", ""),
        ("families.speck.events", "window = window[np.argsort(rank)]", "window = window[rank]"),
        (
            "families.speck.events",
            "while stretch < queue.stretch[number]:",
            "if stretch < queue.stretch[number]:",
        ),
        (
            "families.speck.events",
            "stretch = step // tick_every",
            "stretch = (step + 1) // tick_every",
        ),
        (
            "families.speck.events",
            "before = max(0, window - 1 - int(last.min()))\n"
            "        total = max(int(last.max()) + 1, out) + before",
            "before, total = 0, out",
        ),
        (
            "families.speck.events",
            'lane_of[np.argsort(-many, kind="stable")]',
            'lane_of[np.argsort(many, kind="stable")]',
        ),
        ("families.speck.events", "(at + padding) % stride, tap", "at % stride, tap"),
        ("families.speck.events", "np.arange(window)[::-1] * stride", "np.arange(window) * stride"),
        (
            "families.speck.events",
            "self.order = np.lexsort((lane, turn, stretch))",
            "self.order = np.lexsort((lane, stretch, turn))",
        ),
        ("families.speck.emulate", "channel - first + destination.shift", "channel - first"),
        (
            "families.speck.emulate",
            "y // destination.pool, x // destination.pool",
            "y // destination.pool, x",
        ),
        (
            "families.speck.emulate",
            "order = np.lexsort((root, sample))",
            "order = np.arange(len(root))",
        ),
        ("families.speck.emulate", "(y < height) & (x < width)", "(x < width)"),
        (
            "families.speck.emulate",
            "ticks = tick_every if core.bias is not None else None",
            "ticks = None",
        ),
        ("families.speck.emulate", 'subtract=core.reset == "subtract"', "subtract=True"),
    )
)
