"""The update rules of the frameworks that write NIR files, read in their sources.

Each preset says what one step of the framework computes, in the terms of
nir_io.semantics. A time step of 1 means that the framework's time constants count steps.
What a framework leaves to its user (a reset, a time step) stands at its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Setting = str | float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings of one framework; `in_steps`: its file_dt counts steps, not seconds."""

    settings: Mapping[str, Setting]
    in_steps: bool = False


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # snntorch 1.0.0: export_nir.py fixes dt = 1e-4, tau = dt / (1 - beta), r = tau / dt
        # and w_in = tau_syn / dt; Leaky: mem = beta mem + x, spike where mem > threshold
        # (surrogate.py), reset_mechanism="subtract" by default, "zero" about as common.
        # Its default reset_delay=True subtracts one step later.
        "snntorch": Preset(
            settings={
                "file_dt": 1e-4,
                "discretization": "forward-euler",
                "reset": "subtract",
                "comparison": ">",
                "order": "leak-then-input",
                "spikes": "one",
                "v_min": None,
                "integrator": "per-step",
            }
        ),
        # sinabs 3.1.3: layers/functional/lif.py: v = alpha v + (1 - alpha) x with
        # alpha = exp(-1 / tau), tau in steps; IAF: v += x; MultiSpike gives
        # trunc(v / threshold) where v > 0, MembraneSubtract; nir.py imports an IF with
        # min_v_mem = -threshold, the bound that Speck uses.
        "sinabs": Preset(
            settings={
                "file_dt": 1.0,
                "discretization": "exponential",
                "reset": "subtract",
                "comparison": ">=",
                "order": "leak-then-input",
                "spikes": "many",
                "v_min": -1.0,
                "integrator": "per-step",
            },
            in_steps=True,
        ),
        # norse 1.1.0: functional/lif_box.py and lif.py: v += dt tau_mem_inv (v_leak - v + i)
        # with dt = 0.001, spike where v > v_th (heaviside.py), reset_value: v = v_reset;
        # iaf.py: v += x.
        "norse": Preset(
            settings={
                "file_dt": 1e-3,
                "discretization": "forward-euler",
                "reset": "zero",
                "comparison": ">",
                "order": "leak-then-input",
                "spikes": "one",
                "v_min": None,
                "integrator": "per-step",
            }
        ),
        # rockpool 3.1.0: lif_torch.py: decays exp(-dt / tau), dt = 1e-3 by default, StepPWL
        # gives floor(v / threshold) spikes where v >= threshold and takes that many
        # thresholds off; nir.py writes r = tau exp(-dt / tau) / dt, so the leak of the
        # input is in r already.
        "rockpool": Preset(
            settings={
                "file_dt": 1e-3,
                "discretization": "exponential",
                "reset": "subtract",
                "comparison": ">=",
                "order": "leak-then-input",
                "spikes": "many",
                "v_min": None,
                "integrator": "per-step",
            }
        ),
        # spyx 1.0.0: nn.py: V = beta V + x - spike threshold, spike where V > threshold
        # (axn.heaviside); nir.py: tau = dt / (1 - beta) with dt = 1 by default.
        "spyx": Preset(
            settings={
                "file_dt": 1.0,
                "discretization": "forward-euler",
                "reset": "subtract",
                "comparison": ">",
                "order": "leak-then-input",
                "spikes": "one",
                "v_min": None,
                "integrator": "per-step",
            },
            in_steps=True,
        ),
        # spikingjelly 2.0.0: neuron/lif.py: v += (x - (v - v_reset)) / tau, spike where
        # v >= v_threshold (surrogate.heaviside), v_reset = 0.0 by default: hard reset (None
        # would be a soft one, which nir_exchange writes as 0 too); to_nir.py: dt = 1e-4,
        # tau dt, and r = 1 / dt for an IF, which then integrates over time.
        "spikingjelly": Preset(
            settings={
                "file_dt": 1e-4,
                "discretization": "forward-euler",
                "reset": "zero",
                "comparison": ">=",
                "order": "leak-then-input",
                "spikes": "one",
                "v_min": None,
                "integrator": "per-time",
            }
        ),
        # lava 0.10: LIF process: u = u (1 - du) + a, v = v (1 - dv) + u + bias, spike where
        # v > vth, v = 0; lava has no exporter, so the time step is the file's.
        "lava": Preset(
            settings={
                "discretization": "forward-euler",
                "reset": "zero",
                "comparison": ">",
                "order": "leak-then-input",
                "spikes": "one",
                "v_min": None,
                "integrator": "per-step",
            }
        ),
        # nir 1.0.8: ir/neuron.py: z = 1 where v > v_threshold, then v = v_reset. A time step
        # and a way to solve the equations it does not name; the NIR paper's reference is
        # forward Euler.
        "nir": Preset(
            settings={
                "discretization": "forward-euler",
                "reset": "zero",
                "comparison": ">",
                "order": "leak-then-input",
                "spikes": "one",
                "v_min": None,
                "integrator": "per-step",
            }
        ),
    }
)
