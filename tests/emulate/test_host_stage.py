"""A host stage behind a relayed population reads the relays, one step later than the neurons."""

from __future__ import annotations

import nir
import numpy as np

from mapper import api
from mapper.emulate.loaded import Loaded
from tests.asking import emulate


def relayed_to_the_host() -> nir.NIRGraph:
    """LIF neurons that read the input, drive others and leave through a Linear of the host."""
    rng = np.random.default_rng(3)

    def lif(n: int) -> nir.LIF:
        ones = np.ones(n)
        return nir.LIF(tau=ones * 8e-3, r=ones * 8, v_leak=ones * 0, v_threshold=ones)

    return nir.NIRGraph(
        nodes={
            "input": nir.Input(np.array([4])),
            "w": nir.Linear(rng.normal(0.3, 0.1, (5, 4))),
            "a": lif(5),
            "u": nir.Linear(rng.normal(0.3, 0.3, (2, 5))),
            "b": lif(2),
            "read": nir.Linear(rng.normal(0.0, 1.0, (3, 5))),
            "spikes": nir.Output(np.array([2])),
            "values": nir.Output(np.array([3])),
        },
        edges=[
            *(("input", "w"), ("w", "a"), ("a", "u"), ("u", "b")),
            *(("b", "spikes"), ("a", "read"), ("read", "values")),
        ],
    )


def test_the_host_gets_relayed_spikes_in_their_own_step() -> None:
    network = relayed_to_the_host()
    result = api.map(
        network,
        "xylo-audio2",
        semantics="snntorch",
        file_dt=1e-3,
        reset="subtract",
        allow=("decays-on-grid", "lif-to-cubalif"),
    )
    assert result.bundle is not None, result.text
    bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
    rows = {row["name"]: row for row in result.bundle.manifest["outputs"]}
    late = bundle.populations["a"]["latency"]
    assert bundle.populations["a"]["role"] == "hidden+relay"
    assert rows["values"]["latency"] == late + 1
    raster = (np.random.default_rng(1).random((6, 40, 4)) < 0.3).astype(np.uint8)
    found = emulate(bundle, raster)
    spikes = found.populations["a"]
    assert spikes.max() == 1  # a relay repeats one spike a step
    np.testing.assert_allclose(found.outputs["values"], spikes @ network.nodes["read"].weight.T)
