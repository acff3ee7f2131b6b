"""Loihi 2: neurons, groups, units, synapse words, cores, delays, convolutions, read-outs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mapper.problem.settings import Settings
from nir_io.semantics import Semantics
from tests.boundary.build import Net, chain
from tests.boundary.case import HARD, SOFT, Case


def dense(sources: int, n: int) -> Net:
    """One dense layer of LIF."""
    return chain("LIF", (sources, n))


def groups(count: int) -> Net:
    """A neuron for each of so many decays."""
    net = Net("LIF")
    return net.output(net.dense(net.input(1), count, tau=np.arange(2.0, 2.0 + count)))


def interleaved(count: int, times: int) -> Net:
    """So many decays, over and over."""
    net = Net("LIF")
    taus = np.tile(np.arange(2.0, 2.0 + count), times)
    return net.output(net.dense(net.input(1), count * times, tau=taus))


def thresholds(n: int) -> Net:
    """Every neuron a threshold of its own: folded into the weights, so one group."""
    net = Net("LIF")
    return net.output(net.dense(net.input(1), n, v_threshold=np.arange(1.0, n + 1.0)))


def delay(steps: float) -> Net:
    """A dense layer behind a delay."""
    net = Net("LIF")
    return net.output(net.dense(net.input(2), 2, delay=steps))


def conv(channels_in: int, high: int, wide: int, channels: int, k: int) -> Net:
    """One convolution."""
    net = Net("LIF")
    return net.output(net.conv(net.input(channels_in, high, wide), channels, k))


def strided_pool() -> Net:
    """A padded, strided convolution behind a pooling: its kernel takes in both, padded alike."""
    net = Net("LIF")
    at = net.pool(net.input(2, 6, 6), 2)
    return net.output(net.conv(at, 3, 2, stride=2, pad=1))


def conv_skip() -> Net:
    """A convolution whose input comes by a longer path as well."""
    net = Net("LIF")
    first = net.conv(net.input(1, 4, 4), 1, 1)
    second = net.conv(first, 1, 1)
    meeting = net.conv(second, 1, 1)
    net.join(net.kernel(first, 1, 1), meeting)
    return net.output(meeting)


def mixed() -> Net:
    """A convolution and a plain edge that meet in one layer."""
    net = Net("LIF")
    source = net.input(1, 4, 4)
    meeting = net.conv(source, 1, 3, pad=1)
    net.join(source, meeting)
    return net.output(meeting)


def uneven() -> Net:
    """5 neurons that fill a core, 15 that hear one source, 5 that fill a core."""
    weight = np.zeros((25, 6663))
    weight[:5] = weight[20:] = 1.0
    weight[:, 0] = 1.0
    net = Net("LIF")
    return net.output(net.dense(net.input(6663), 25, weight=weight))


def read_out(kind: str) -> Net:
    """A layer and a read-out that never fires."""
    net = Net("LIF")
    return net.output(net.dense(net.dense(net.input(2), 2), 2, kind=kind))


def read_by_neurons() -> Net:
    """A neuron that never fires, read by one that does."""
    net = Net("LIF")
    return net.output(net.dense(net.dense(net.input(2), 2, kind="LI"), 2))


def cases() -> Iterator[Case]:
    """All of them."""

    def case(
        name: str,
        net: Net,
        expect: str = "fits",
        cores: int | None = None,
        error: int | None = None,
        **more: object,
    ) -> Case:
        return Case(
            name=name,
            device="loihi2",
            net=lambda: net,
            expect=expect,
            cores=cores,
            error=error,
            **more,  # type: ignore[arg-type]
        )

    yield case("4095 neurons on a core", dense(1, 4095), cores=1)
    yield case("4096 neurons on two", dense(1, 4096), cores=2)
    yield case("20000 units", dense(6663, 5), cores=1)
    yield case("20003 units on two cores", dense(6664, 5), cores=2)
    yield case("a neuron of 19999 units", dense(9998, 1), cores=1)
    yield case("a neuron of 20001 units", dense(9999, 1), "core-units")
    yield case("16000 synapse words", dense(500, 100), cores=1)
    yield case("16032 synapse words on two cores", dense(501, 100), cores=2)
    yield case("8 groups on a core", groups(8), cores=1)
    yield case("9 groups on two", groups(9), cores=2)
    yield case("8 groups, interleaved", interleaved(8, 3), cores=1)
    yield case("20 thresholds in one group", thresholds(20), cores=1)
    yield case("120 cores", dense(6663, 600), cores=120)
    yield case("121 cores", dense(6663, 601), "cores")
    yield case("121 cores of two chips", dense(6663, 601), cores=121, settings=Settings(chips=2))
    yield case("delay of 63", delay(63.0))
    yield case("delay of 64", delay(64.0), "latency")
    yield case("a map 256 wide", conv(1, 1, 256, 1, 1), cores=1, form="conv")
    yield case("a map 257 wide, unrolled", conv(1, 1, 257, 1, 1), cores=1, form="dense")
    yield case("5333 taps", conv(5333, 1, 1, 1, 1), cores=1, form="conv")
    yield case("5337 taps, unrolled", conv(593, 3, 3, 5, 3), cores=1, form="dense")
    yield case("a convolution that would wait, unrolled", conv_skip(), cores=3, form="dense")
    yield case("a convolution and an edge", mixed(), cores=1)
    yield case("a pooling in a strided kernel", strided_pool(), cores=1, form="conv")
    yield case("unequal neurons", uneven(), cores=3)
    six, seven = Settings(weight_bits=6), Settings(weight_bits=7)
    yield case("6-bit weights: 2 words an axon", dense(4997, 6), cores=1, settings=six)
    yield case("7-bit weights, stored as 8: 3 words", dense(4997, 6), cores=2, settings=seven)
    yield case("8-bit weights: 3 words", dense(4997, 6), cores=2)
    yield case("two events a step", dense(2, 2), "input-events", semantics=_counts(2))
    yield case("one event a step", dense(2, 2), semantics=_counts(1))
    for kind in ("IF", "LIF", "CubaLIF"):
        for semantics in (SOFT, HARD):
            name = f"{kind}, reset by {semantics.reset}"
            yield case(
                name, chain(kind, (2, 2)), settings=Settings(exact=True), semantics=semantics
            )
    yield case("v_reset -1, hard", chain("LIF", (2, 2), v_reset=-1.0), semantics=HARD)
    yield case("LI as a read-out", read_out("LI"), cores=2, settings=Settings(host=False))
    yield case("LI read by a neuron", read_by_neurons(), "unsupported")
    yield case("a time constant of half a step", chain("LIF", (2, 2), tau=0.5), "bad input")
    turning = chain("LIF", (2, 2), tau=0.75)
    yield case("a time constant of 3/4 of a step: the sign turns", turning, "unsupported")
    yield case("a time constant of one step", chain("LIF", (2, 2), tau=1.0), error=0)
    exponential = replace(SOFT, discretization="exponential")
    net = chain("LIF", (2, 2), tau=1.0)
    yield case("a time constant of one step, exponential", net, semantics=exponential)
    yield case("a time constant of 1.001 steps", chain("LIF", (2, 2), tau=1.001))


def _counts(n: int) -> Semantics:
    return replace(SOFT, input_kind=f"counts:{n}")
