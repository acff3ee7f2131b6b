"""Hand-made bundles of Loihi 2 and SpiNNaker2. Demands are worked out on paper."""

from __future__ import annotations

import numpy as np

from tests.verify.draft import (
    ROUNDED,
    Draft,
    add_helper,
    add_output,
    add_population,
    add_projection,
    add_slice,
    numbers,
    start,
)


def _lif(draft: Draft, n: int, **more: object) -> dict[str, object]:
    """Params of a LIF with threshold 1024, half a synaptic and a quarter membrane decay."""
    return {
        "du": draft.ref([2047] * n, "int32"),
        "dv": draft.ref([1024] * n, "int32"),
        "vth_mant": 1024,
        "bias_mant": draft.ref([0] * n, "int32"),
        "bias_exp": 0,
        "v_init": draft.ref([0] * n, "int32"),
        **more,
    }


def _dense(draft: Draft, shape: tuple[int, int], exponent: int = 0) -> dict[str, object]:
    weight = numbers(shape, -100, 120, 2)
    return {
        "weight": draft.ref(weight, "int32", "weights", ROUNDED),
        "exponent": exponent,
        "bits": 8,
        "sign_mode": "MIXED",
    }


def _node(draft: Draft, name: str, scale: float) -> None:
    """mapped.nir's node of a projection: w 2^(e + 6) / scale."""
    row = draft.projection(name)
    params = row["params"]
    row["node"] = name.replace(">", "")
    integers = draft.arrays[params.get("weight", params.get("kernel"))]
    factor = 2.0 ** (params["exponent"] + 6) if "exponent" in params else 1.0
    draft.nodes[row["node"]] = integers * factor / scale


def loihi2_recurrent() -> Draft:
    """3 -> 4 (recurrent, biased by a source, on two cores) -> 2, and a read-out on the host."""
    draft = start("loihi2", "loihi2", {"in": (3,)})
    add_population(
        draft, "hid", (4,), kind="CubaLIF", bias="source", scale=65536, params=_lif(draft, 4)
    )
    add_population(draft, "out", (2,), latency=2, scale=65536, params=_lif(draft, 2))
    add_projection(draft, "in", "hid", params=_dense(draft, (4, 3), 2))
    add_projection(draft, "hid", "hid", params=_dense(draft, (4, 4)))
    add_projection(draft, "bias:hid", "hid", params=_dense(draft, (4, 1)))
    add_projection(draft, "hid", "out", params=_dense(draft, (2, 4)))
    for name in ("in->hid", "hid->hid", "hid->out"):
        _node(draft, name, 65536)
    # Two targets an axon: (2 * 20 + 10) / 64 is one word; 3 + 4 + 1 axons.
    for core, start_ in ((0, 0), (1, 2)):
        add_slice(
            draft,
            "hid",
            [(start_, start_ + 2)],
            core,
            axon_in=8,
            groups=1,
            neurons=2,
            synapse_words=8,
            axon_map=2,
            axon_mem=0,
            units=21,
        )
    add_helper(draft, "bias source", "hid", 2)
    add_slice(
        draft,
        "out",
        [(0, 2)],
        3,
        axon_in=4,
        groups=1,
        neurons=2,
        synapse_words=4,
        axon_map=2,
        axon_mem=0,
        units=13,
    )
    add_output(draft, "y", (2,), "out", 2)
    add_output(draft, "z", (5,), None, 2, "host")
    matrix = draft.ref(np.ones((5, 2)), "float64", "read-out")
    stage = {"kind": "Linear", "shape_in": [2], "shape_out": [5], "weight": matrix}
    decay = draft.ref(np.ones(5), "float64", "read-out")
    draft.manifest["host"].append(
        {
            "output": "z",
            "paths": [{"source": "out", "stages": [stage]}, {"source": "hid", "stages": []}],
            "neuron": {"kind": "I", "has_synapse": False, "mem_decay": decay},
        }
    )
    return draft


def loihi2_conv() -> Draft:
    """1x4x4 -> conv 2x4x4 (two tiles) -> conv 2x2x2 -> 3, and a skip that waits a step."""
    draft = start("loihi2", "loihi2", {"in": (1, 4, 4)})
    for name, shape, late in (("c1", (2, 4, 4), 1), ("c2", (2, 2, 2), 2), ("out", (3,), 3)):
        n = int(np.prod(shape))
        add_population(draft, name, shape, latency=late, scale=65536, params=_lif(draft, n))
    for source, target, shape, stride in (
        ("in", "c1", (1, 4, 4), 1),
        ("c1", "c2", (2, 4, 4), 2),
    ):
        kernel = numbers((2, shape[0], 3, 3), -20, 30, 2)
        add_projection(
            draft,
            source,
            target,
            form="conv",
            params={
                "kernel": draft.ref(kernel, "int32", "kernel", ROUNDED),
                "exponent": 1,
                "bits": 8,
                "sign_mode": "MIXED",
                "stride": [stride, stride],
                "padding": [1, 1, 1, 1],
                "dilation": [1, 1],
                "input_shape": list(shape),
            },
        )
        _node(draft, f"{source}->{target}", 65536)
    add_projection(draft, "c2", "out", params=_dense(draft, (3, 8)))
    add_projection(draft, "c1", "out", delay=1, params=_dense(draft, (3, 32)))
    # 9 taps of ceil(2 * 8 / 64) + 1 + 1 words; read by a convolution and a dense.
    for core, left in ((0, 0), (1, 2)):
        add_slice(
            draft,
            "c1",
            [(0, 2), (0, 4), (left, left + 2)],
            core,
            axon_in=2,
            groups=1,
            neurons=16,
            synapse_words=27,
            axon_map=16 + 8,
            axon_mem=64,
            units=134,
        )
    add_slice(
        draft,
        "c2",
        [(0, 2), (0, 2), (0, 2)],
        2,
        axon_in=2,
        groups=1,
        neurons=8,
        synapse_words=54,
        axon_map=8,
        axon_mem=0,
        units=73,
    )
    # Three targets an axon: ceil(70 / 64) = 2 words of 8, and ceil(88 / 64) = 2 of 32 delayed.
    add_slice(
        draft,
        "out",
        [(0, 3)],
        119,
        axon_in=40,
        groups=1,
        neurons=3,
        synapse_words=80,
        axon_map=3,
        axon_mem=0,
        units=127,
    )
    add_output(draft, "y", (3,), "out", 3)
    return draft


def loihi2_soft() -> Draft:
    """2 -> 3 ATRLIF in two groups, with delays of the model's own -> a membrane that is read."""
    draft = start("loihi2", "loihi2", {"in": (2,)})
    add_population(
        draft,
        "hid",
        (3,),
        device_model="ATRLIF",
        reset="subtract",
        scale=2 * 512 * 64,
        params={
            "delta_i": draft.ref([4095] * 3, "int32"),
            "delta_v": draft.ref([200, 200, 400], "int32"),
            "theta_0": 512,
            "bias_mant": draft.ref([-1600, -1600, -3200], "int32"),
            "bias_exp": 0,
            "v_init": draft.ref([-32768] * 3, "int32"),
        },
    )
    add_population(
        draft, "ro", (2,), kind="LI", latency=2, scale=4096, params=_lif(draft, 2, vth_mant=131071)
    )
    add_projection(
        draft, "in", "hid", delay=draft.ref([0, 3], "int16"), params=_dense(draft, (3, 2))
    )
    add_projection(draft, "hid", "ro", params=_dense(draft, (2, 3)))
    _node(draft, "in->hid", 65536)
    add_slice(
        draft,
        "hid",
        [(0, 3)],
        0,
        axon_in=2,
        groups=2,
        neurons=3,
        synapse_words=4,
        axon_map=3,
        axon_mem=0,
        units=14,
    )
    add_slice(
        draft,
        "ro",
        [(0, 2)],
        1,
        axon_in=3,
        groups=1,
        neurons=2,
        synapse_words=3,
        axon_map=2,
        axon_mem=0,
        units=11,
    )
    add_output(draft, "y", (2,), "ro", 2, "v")
    return draft


def _s2(draft: Draft, n: int, synapse: bool = False) -> dict[str, object]:
    values = {"threshold": 90.5, "alpha_decay": 0.9, "i_offset": 0.1, "v_reset": 0, "v_init": 0}
    values |= {"exc_decay": 0.8, "inh_decay": 0.8} if synapse else {}
    return {key: draft.ref([value] * n, "float32") for key, value in values.items()}


def _s2_weights(draft: Draft, shape: tuple[int, ...], most: int = 127) -> dict[str, object]:
    weight = numbers(shape, -most, most, 3 if most > 15 else 1)
    return {"weight": draft.ref(weight, "int8", "weights", ROUNDED)}


def spinnaker2_recurrent() -> Draft:
    """3 -> 4 (recurrent, biased by a source, slices of 3 and 1) -> 2."""
    draft = start("spinnaker2", "spinnaker2", {"in": (3,)})
    curr = {"kind": "CubaLIF", "device_model": "lif_curr_exp_no_delay", "scale": 90.5}
    add_population(draft, "hid", (4,), bias="source", **curr, params=_s2(draft, 4, True))
    add_population(draft, "out", (2,), latency=2, **curr, params=_s2(draft, 2, True))
    for source, target, shape in (
        ("in", "hid", (4, 3)),
        ("hid", "hid", (4, 4)),
        ("bias:hid", "hid", (4, 1)),
        ("hid", "out", (2, 4)),
    ):
        add_projection(draft, source, target, form="sparse", params=_s2_weights(draft, shape))
    for name in ("in->hid", "hid->hid", "hid->out"):
        _node(draft, name, 90.5)
    # up16(12 + 4 * 3) + 16 + 48 + 16 = 112; 8 sources, 12 bytes in the table each; rows of 3: 20 bytes, of 1 or 2: 16.
    add_slice(draft, "hid", [(0, 3)], 1, atoms=3, bytes=112 + 12 * 8 + 20 * 8)
    add_slice(draft, "hid", [(3, 4)], 2, atoms=1, bytes=112 + 12 * 8 + 16 * 8)
    add_helper(draft, "bias source", "", 3)
    add_slice(draft, "out", [(0, 2)], 4, atoms=2, bytes=96 + 112)
    add_output(draft, "y", (2,), "out", 2)
    return draft


def spinnaker2_conv() -> Draft:
    """2x8x8 -> conv 4x8x8 -> pool 2, conv 2x4x4 (a channel a PE) -> 3."""
    draft = start("spinnaker2", "spinnaker2", {"in": (2, 8, 8)})
    for name, shape, late, model in (
        ("c1", (4, 8, 8), 1, "lif_conv2d"),
        ("c2", (2, 4, 4), 2, "lif_conv2d"),
        ("out", (3,), 3, "lif_no_delay"),
    ):
        n = int(np.prod(shape))
        add_population(
            draft, name, shape, kind="IF", device_model=model, latency=late, scale=90.5,
            params=_s2(draft, n),
        )  # fmt: skip
    for source, target, inputs, outputs, size, pool in (
        ("in", "c1", 2, 4, 8, None),
        ("c1", "c2", 4, 2, 4, [2, 2]),
    ):
        kernel = numbers((outputs, inputs, 3, 3), -128, 127, 5)
        add_projection(
            draft,
            source,
            target,
            form="conv",
            pool=pool,
            params={
                "kernel": draft.ref(kernel, "int8", "kernel", ROUNDED),
                "stride": [1, 1],
                "padding": [1, 1, 1, 1],
                "input_shape": [inputs, size, size],
            },
        )
        _node(draft, f"{source}->{target}", 90.5)
    add_projection(draft, "c2", "out", form="sparse", params=_s2_weights(draft, (3, 32)))
    # up16(12 + 8) + 80 = 112; 12 * 256 neurons, 72 kernel bytes, 2 spike sources of 12.
    add_slice(draft, "c1", [(0, 4), (0, 8), (0, 8)], 1, atoms_conv=256, bytes=112 + 3072 + 72 + 24)
    for channel in (0, 1):
        add_slice(
            draft,
            "c2",
            [(channel, channel + 1), (0, 4), (0, 4)],
            2 + channel,
            atoms_conv=16,
            bytes=96 + 192 + 36 + 12,
        )
    add_slice(draft, "out", [(0, 3)], 148, atoms=3, bytes=96 + 384 + 640)
    for core in (10, 11):
        add_helper(draft, "input source", "in", core)
    add_output(draft, "y", (3,), "out", 3)
    return draft


def spinnaker2_delays() -> Draft:
    """2 -> 3 -> 2 with a skip that waits a step: 4-bit weights there; 100 steps recorded."""
    draft = start("spinnaker2", "spinnaker2", {"in": (2,)})
    draft.manifest["semantics"]["steps"] = 100
    add_population(draft, "a", (3,), device_model="lif_no_delay", scale=90.5, params=_s2(draft, 3))
    add_population(
        draft, "b", (2,), device_model="lif", latency=2, scale=90.5, params=_s2(draft, 2)
    )
    add_projection(draft, "in", "a", form="sparse", params=_s2_weights(draft, (3, 2)))
    add_projection(draft, "a", "b", form="sparse", params=_s2_weights(draft, (2, 3), 15))
    add_projection(
        draft, "in", "b", form="sparse", delay=draft.ref([1, 4], "int16"), extra_delay=1,
        params=_s2_weights(draft, (2, 2), 15),
    )  # fmt: skip
    _node(draft, "in->b", 90.5)
    add_slice(draft, "a", [(0, 3)], 1, atoms=3, bytes=96 + 80)
    add_slice(draft, "b", [(0, 2)], 2, atoms=2, bytes=96 + 96 + 64 + 4000)
    add_output(draft, "y", (2,), "b", 2)
    return draft
