"""Random questions a family: a network, a shrunken device, semantics and settings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from device_profiles.profile import Profile
from mapper.problem.settings import Settings
from nir_io.graph import Graph
from nir_io.semantics import Semantics
from tests.exhaustive import small
from tests.exhaustive.networks import DT, Style, network

FAMILIES = ("speck", "xylo", "spinnaker2", "loihi2")


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One question. `text` is the profile's file."""

    graph: Graph
    text: str
    profile: Profile
    semantics: Semantics
    settings: Settings


def instance(family: str, seed: int) -> Instance:
    """The question of that number; the same each time."""
    rng = np.random.default_rng([FAMILIES.index(family), seed])
    graph = network(rng, STYLES[family](rng))
    text = DEVICES[family](rng)
    return Instance(
        graph=graph,
        text=text,
        profile=small.profile(text),
        semantics=_semantics(rng, family),
        settings=_settings(rng),
    )


def _choice(rng: Generator, *values: int) -> int:
    return int(rng.choice(values))


def _style_speck(rng: Generator) -> Style:
    leaky = rng.random() < 0.1
    return Style(
        neurons=("IF", "LIF") if leaky else ("IF",),
        maps=0.8,
        populations=4,
        most=6,
        channels=_choice(rng, 4, 8),
        side=_choice(rng, 5, 8, 12),
        recurrent=0.02,
        bias=0.1,
        leak=0.0,
        delay=0.01,
        read_out=0.02,
        wild=_choice(rng, 0, 0, 1, 3) / 3,
    )


def _style_xylo(rng: Generator) -> Style:
    return Style(
        neurons=("CubaLIF",) if rng.random() < 0.6 else ("CubaLIF", "LIF", "IF"),
        most=_choice(rng, 2, 3),
        inputs=3,
        again=_choice(rng, 0, 3) / 10,
        density=_choice(rng, 4, 7, 10) / 10,
        read_out=0.03,
        delay=0.01,
        off_grid=0.08,
        leak=0.05,
    )


def _style_many(rng: Generator) -> Style:
    return Style(
        neurons=("IF", "LIF", "CubaLIF"),
        maps=_choice(rng, 0, 5, 9) / 10,
        most=8,
        inputs=8,
        channels=4,
        side=_choice(rng, 4, 6),
        delay=0.1,
        onto_maps=0.2,
        density=_choice(rng, 3, 7, 10) / 10,
        recurrent=0.1,
        leak=0.05,
        read_out=0.04,
        wild=_choice(rng, 0, 0, 1, 3) / 3,
    )


STYLES = {
    "speck": _style_speck,
    "xylo": _style_xylo,
    "spinnaker2": _style_many,
    "loihi2": _style_many,
}


def _device_speck(rng: Generator) -> str:
    cores = [
        (
            2 ** int(rng.integers(4, 11)),
            2 ** int(rng.integers(3, 10)),
            2 ** int(rng.integers(1, 5)),
        )
        for _ in range(_choice(rng, 3, 4, 4, 5))
    ]
    return small.speck(
        cores,
        features=_choice(rng, 8, 16, 1024),
        kernel_max=_choice(rng, 5, 6, 16),
        padding_max=_choice(rng, 1, 2, 7),
        map_out_max=_choice(rng, 4, 6, 64),
        input_map_max=_choice(rng, 8, 12, 128),
    )


def _device_xylo(rng: Generator) -> str:
    name = str(rng.choice(["xylo-audio2", "xylo-audio3", "xylo-imu"]))
    hidden = _choice(rng, 4, 6, 8)
    window = _choice(rng, 2, 3, 4, hidden)
    return small.xylo(
        name,
        input_channels=_choice(rng, 4, 6, 16),
        hidden_neurons=hidden,
        output_neurons=_choice(rng, 3, 4, 6, 8),
        input_window=window,
        output_window=window if rng.random() < 0.7 else _choice(rng, 2, 3, hidden),
        recurrent_fan_out=_choice(rng, 2, 3, hidden),
        recurrent_pairs=_choice(rng, 6, 10, 20),
    )


def _device_spinnaker2(rng: Generator) -> str:
    return small.spinnaker2(
        _choice(rng, 3, 5, 8, 12),
        quads_per_chip=1,
        sram_window=_choice(rng, 200, 300, 400, 600, 1000),
        atoms_per_pe=_choice(rng, 3, 8, 20),
        atoms_per_pe_conv=_choice(rng, 9, 16, 40),
        spike_list_atoms=_choice(rng, 4, 40),
        delay_max=_choice(rng, 1, 2, 7),
    )


def _device_loihi2(rng: Generator) -> str:
    return small.loihi2(
        _choice(rng, 3, 5, 8, 12),
        neurons_per_core=_choice(rng, 4, 8, 64),
        groups_per_core=_choice(rng, 1, 2, 8),
        units_per_core=_choice(rng, 60, 100, 200, 400),
        axon_in_units=_choice(rng, 12, 24, 400),
        synapse_units=_choice(rng, 20, 60, 400),
        axon_map_units=_choice(rng, 4, 10, 400),
        axon_mem_units=_choice(rng, 16, 40, 400),
        conv_x_max=_choice(rng, 4, 256),
        delay_max=_choice(rng, 1, 2, 63),
    )


DEVICES = {
    "speck": _device_speck,
    "xylo": _device_xylo,
    "spinnaker2": _device_spinnaker2,
    "loihi2": _device_loihi2,
}


def _semantics(rng: Generator, family: str) -> Semantics:
    soft = rng.random() < (0.9 if family == "xylo" else 0.5)
    kinds = ["spikes"] * 27 + ["counts:3", "counts:20", "real"]
    return Semantics(
        file_dt=DT,
        chip_dt=1e-3 if rng.random() < 0.95 else 1.0,
        discretization="exponential" if rng.random() < 0.1 else "forward-euler",
        reset="subtract" if soft else "zero",
        comparison=">" if rng.random() < 0.5 else ">=",
        input_kind=str(rng.choice(kinds)),
        steps=_choice(rng, 2, 5, 50) if rng.random() < 0.3 else None,
    )


def _settings(rng: Generator) -> Settings:
    allow = tuple(
        rule
        for rule in ("reset-kind", "lif-to-cubalif", "decays-on-grid", "if-to-lif", "lif-to-if")
        if rng.random() < 0.4
    )
    return Settings(
        allow=allow,
        exact=bool(rng.random() < 0.05),
        max_error=float(rng.choice([0.0, 0.1, 0.1, 0.5])),
        host=bool(rng.random() < 0.95),
        entry="dvs" if rng.random() < 0.1 else "host",
    )
