"""Speck: the batched emulator does what one event after another does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.families.speck import steps as speck_steps
from mapper.families.speck.emulate import Core, Destination, Events, Network, events_of, run_events
from nir_io.errors import BadInput
from tests.emulate import speck_reference
from tests.emulate.mutants import SPECK, load
from tests.emulate.speck_networks import random_network, random_raster


def listed(events: Events) -> list[tuple[int, ...]]:
    columns = (events.sample, events.step, events.root, events.place)
    return [tuple(int(n) for n in row) for row in zip(*columns, strict=True)]


def pixel(weights: list[list[int]], threshold: int, **more: Any) -> Core:
    """A core over a map of one pixel: weights (out, in)."""
    kernel = np.array(weights)[:, :, None, None]
    given = {"name": "c", "shape": (kernel.shape[1], 1, 1), "lower": -1000} | more
    return Core(kernel=kernel, threshold=threshold, **given)


def single(core: Core) -> Network:
    return Network((core,), (Destination(core.name),), core.shape)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.sampled_from(["pixel", "channel"]), st.sampled_from([None, 1, 2]))
def test_every_spike_of_every_core_is_that_of_one_event_after_another(
    seed: int, sweep: Any, tick_every: int | None
) -> None:
    network = random_network(seed)
    inputs = events_of(random_raster(network, seed), seed)
    expected, lost = speck_reference.run(network, inputs, tick_every, sweep)
    found = run_events(network, inputs, tick_every=tick_every, sweep=sweep)
    assert {name: listed(events) for name, events in found.events.items()} == expected
    assert found.lost == lost


def test_random_networks_are_lively() -> None:
    """The comparison above is of something."""
    spikes, lost, merges = 0, 0, 0
    for seed in range(40):
        network = random_network(seed)
        ends = [destination.core for _, _, destination in network.links()]
        merges += len(ends) > len(set(ends))
        found = run_events(network, events_of(random_raster(network, seed), seed))
        spikes += sum(len(events.sample) for events in found.events.values())
        lost += sum(found.lost.values())
    assert spikes > 5000 and lost > 20 and merges > 10


def test_a_weight_equal_to_the_threshold_fires_exactly_once() -> None:
    network = single(pixel([[127]], 127))
    raster = np.ones((1, 5, 1, 1, 1), np.uint8)
    assert run_events(network, events_of(raster)).events["c"].counts().sum() == 5


def test_a_neuron_fires_at_most_once_an_event_and_keeps_the_rest() -> None:
    """Weight 100, threshold 30: events leave 70, 140, ... and only one spike each."""
    network = single(pixel([[100]], 30))
    raster = np.zeros((1, 4, 1, 1, 1), np.uint8)
    raster[0, 0] = 2
    assert run_events(network, events_of(raster)).events["c"].counts().sum() == 2
    # The step view sees 200 at once: 6 spikes.
    assert speck_steps.run_steps(network, raster).counts("c").sum() == 6


def test_inhibition_stops_at_the_lower_bound() -> None:
    network = single(pixel([[-100, 60]], 50, lower=-1))
    raster = np.zeros((1, 2, 2, 1, 1), np.uint8)
    raster[0, 0, 0] = 10
    raster[0, 1, 1] = 1
    assert run_events(network, events_of(raster)).events["c"].counts().sum() == 1


def test_reset_to_zero_loses_what_is_above_the_threshold() -> None:
    raster = np.full((1, 1, 1, 1, 1), 6, np.uint8)
    for reset, spikes in (("subtract", 4), ("zero", 3)):
        network = single(pixel([[30]], 40, reset=reset))
        assert run_events(network, events_of(raster)).events["c"].counts().sum() == spikes


def test_the_order_within_a_step_can_matter_and_is_seeded() -> None:
    network = single(pixel([[60, -60]], 60, lower=-1))
    raster = np.ones((1, 60, 2, 1, 1), np.uint8)
    totals = [
        int(run_events(network, events_of(raster, seed)).events["c"].counts().sum())
        for seed in (1, 1, 2, 3)
    ]
    assert totals[0] == totals[1]
    assert len(set(totals)) > 1


def test_events_of_keeps_every_event_of_a_raster() -> None:
    raster = np.random.default_rng(0).integers(0, 3, (3, 4, 2, 3, 2)).astype(np.uint8)
    for seed in (None, 5):
        events = events_of(raster, seed)
        assert np.array_equal(events.raster(), raster)
        assert np.array_equal(events.counts(), raster.sum(axis=1))
        assert (np.diff(events.sample * 100 + events.step) >= 0).all()


def test_samples_do_not_meet() -> None:
    network = random_network(11)
    raster = random_raster(network, 11, samples=5)
    together = run_events(network, events_of(raster))
    for sample in range(5):
        alone = run_events(network, events_of(raster[sample : sample + 1]))
        for name, events in alone.events.items():
            ours = together.events[name]
            mine = ours.sample == sample
            assert np.array_equal(ours.place[mine], events.place)
            assert np.array_equal(ours.root[mine], events.root)


def test_a_run_cut_into_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(3)
    inputs = events_of(random_raster(network, 3, samples=7), 0)
    whole = run_events(network, inputs)
    monkeypatch.setattr("mapper.families.speck.events.CELLS", 1)
    for name, events in run_events(network, inputs).events.items():
        assert listed(events) == listed(whole.events[name])


def split(network: Network, name: str, at: int) -> Network:
    """`name` cut into output channels below `at`, and the others on a core of their own."""
    cores: list[Core] = []
    for core in network.cores:
        if core.name != name:
            sent = [(d, d) for d in core.destinations]
            both = [x for d, _ in sent for x in _copies(d, name)]
            cores.append(replace(core, destinations=tuple(both)))
            continue
        for part, shift, suffix in ((slice(0, at), 0, ""), (slice(at, None), at, "'")):
            cores.append(
                replace(
                    core,
                    name=name + suffix,
                    kernel=core.kernel[part],
                    bias=None if core.bias is None else core.bias[part],
                    initial=None if core.initial is None else core.initial[part],
                    destinations=tuple(
                        replace(d, shift=d.shift + shift) for d in core.destinations
                    ),
                )
            )
    entries = tuple(x for entry in network.entries for x in _copies(entry, name))
    return Network(tuple(cores), entries, network.shape)


def _copies(destination: Destination, name: str) -> list[Destination]:
    if destination.core != name:
        return [destination]
    return [destination, replace(destination, core=name + "'")]


def test_splitting_output_channels_changes_nothing() -> None:
    """Two parts with feature shifts give the spikes of the whole, in channel order."""
    kernel = np.random.default_rng(4).integers(-30, 80, (4, 2, 3, 3))
    second = np.random.default_rng(5).integers(-30, 80, (3, 4, 2, 2))
    # The second core hears each channel group in turn, so the first sweeps by channel.
    a = Core(name="a", kernel=kernel, shape=(2, 6, 6), threshold=70, lower=-70, padding=(1, 1))
    b = Core(name="b", kernel=second, shape=(4, 3, 3), threshold=90, lower=-1)
    network = Network(
        (replace(a, destinations=(Destination("b", 2),)), b), (Destination("a"),), (2, 6, 6)
    )
    raster = (np.random.default_rng(6).random((4, 10, 2, 6, 6)) < 0.2).astype(np.uint8)
    inputs = events_of(raster, 1)
    whole = run_events(network, inputs, sweep="channel")
    parts = run_events(split(network, "a", 2), inputs, sweep="channel")
    assert listed(parts.events["b"]) == listed(whole.events["b"])
    assert len(whole.events["b"].sample) > 50
    both = np.concatenate([parts.events["a"].raster(), parts.events["a'"].raster()], axis=2)
    assert np.array_equal(both, whole.events["a"].raster())
    stepped = speck_steps.run_steps(network, raster).spikes["b"]
    assert np.array_equal(
        stepped, speck_steps.run_steps(split(network, "a", 2), raster).spikes["b"]
    )


def plain_steps(network: Network, raster: Any, tick_every: int | None) -> dict[str, Any]:
    """The step view, event by event in Python: sums first, then the comparison."""
    samples, steps = raster.shape[:2]
    given = {core.name: np.zeros((samples, steps, *core.out_shape), int) for core in network.cores}
    for sample in range(samples):
        chip = speck_reference.Reference(network)
        for step in range(steps):
            if tick_every is not None and step % tick_every == 0:
                for core in network.cores:
                    if core.bias is not None:
                        chip.states[core.name] += core.bias[:, None, None]
            sent = {None: raster[sample, step]}
            for core in network.order():
                queues: Any = {c.name: [] for c in network.cores}
                for source, _, destination in network.links():
                    if destination.core == core.name:
                        counts = sent[source]
                        at = np.repeat(np.argwhere(counts), counts[counts > 0], axis=0)
                        chip.deliver(queues, destination, [tuple(row) for row in at.tolist()])
                state = chip.states[core.name]
                held = replace(core, threshold=2**40, lower=-(2**40))
                for event in queues[core.name]:
                    chip.touch(held, *event)
                over = state >= core.threshold
                fired = np.where(over, 1 if core.reset == "zero" else state // core.threshold, 0)
                state[:] = np.where(
                    over, 0 if core.reset == "zero" else state - fired * core.threshold, state
                )
                np.maximum(state, core.lower, out=state)
                sent[core.name] = fired
                given[core.name][sample, step] = fired
    return given


@pytest.mark.parametrize("seed", range(12))
def test_the_step_view_sums_before_it_compares(seed: int) -> None:
    network = random_network(seed)
    raster = random_raster(network, seed, steps=3)
    for tick_every in (None, 2):
        expected = plain_steps(network, raster, tick_every)
        found = speck_steps.run_steps(network, raster, tick_every=tick_every)
        for name, spikes in expected.items():
            assert np.array_equal(found.spikes[name], spikes.reshape(*spikes.shape[:2], -1))


def test_what_does_not_fit_is_said_at_once() -> None:
    core = pixel([[1, 2]], 5, destinations=(Destination("gone"),))
    with pytest.raises(BadInput, match="'gone', which is no core"):
        single(core)
    with pytest.raises(BadInput, match=r"sends channels 1\.\.2 to 'c', which has 2"):
        Network((pixel([[1, 2]], 5),), (Destination("c", 1, 1),), (2, 1, 1))
    with pytest.raises(BadInput, match="form a loop"):
        Network(
            (pixel([[1]], 5, destinations=(Destination("c"),)),), (Destination("c"),), (1, 1, 1)
        )
    with pytest.raises(BadInput, match=r"weight is 1\.\.200; -128\.\.127"):
        pixel_core = pixel([[1], [200]], 5)
        single(pixel_core)
    with pytest.raises(BadInput, match="a map"):
        run_events(single(pixel([[1]], 5)), events_of(np.zeros((1, 1, 2, 1, 1), np.uint8)))


def test_a_record_holds_rasters() -> None:
    network = random_network(0)
    inputs = events_of(random_raster(network, 0))
    found = run_events(network, inputs)
    name = network.cores[0].name
    record = found.record([name])
    counts = found.events[name].counts()
    assert np.array_equal(record.counts(name), counts.reshape(len(counts), -1))


@pytest.mark.parametrize("mutation", SPECK, ids=lambda mutation: mutation.label)
def test_one_event_after_another_catches_a_wrong(mutation: Any) -> None:
    module = load("speck", mutation)
    assert any(wrong(module, seed) for seed in range(60))


def wrong(module: Any, seed: int) -> bool:
    """Whether a copy of the emulator differs from the reference on one network."""
    tick_every = (None, 1, 2)[seed % 3]
    sweep: Any = ("pixel", "channel")[seed % 2]
    network = random_network(seed, module)
    inputs = module.events_of(random_raster(network, seed), seed)
    if seed not in REFERENCES:
        REFERENCES[seed] = speck_reference.run(network, inputs, tick_every, sweep)
    try:
        found = module.run_events(network, inputs, tick_every=tick_every, sweep=sweep)
    except (IndexError, ValueError):
        return True
    spikes = {name: listed(events) for name, events in found.events.items()}
    return (spikes, found.lost) != REFERENCES[seed]


REFERENCES: dict[int, Any] = {}


def test_an_unchanged_copy_is_not_caught() -> None:
    module = load("speck", None)
    assert not any(wrong(module, seed) for seed in range(60))
