"""SpiNNaker2: atoms, SRAM at the byte, the fan-in wall, PEs, convolutions, delays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mapper.problem.settings import Settings
from nir_io.semantics import Semantics
from tests.boundary.build import Net, chain
from tests.boundary.case import HARD, SOFT, Case

# sources: neurons that one PE holds of a dense layer (fact sheet, section 2.2, window A)
DENSE = {64: 250, 128: 162, 256: 74, 512: 30, 784: 16, 1024: 8, 1500: 2}


def dense(sources: int, n: int) -> Net:
    """One dense layer of LIF."""
    return chain("LIF", (sources, n))


def conv(channels_in: int, side: int, channels: int, k: int, kind: str = "LIF") -> Net:
    """One convolution."""
    net = Net(kind)
    return net.output(net.conv(net.input(channels_in, side, side), channels, k))


def delay(steps: float) -> Net:
    """A dense layer behind a delay."""
    net = Net("LIF")
    return net.output(net.dense(net.input(2), 2, delay=steps))


def biased(n: int) -> Net:
    """A constant input behind a synapse."""
    net = Net("CubaLIF")
    return net.output(net.dense(net.input(1), n, bias=0.25))


def long_and_short(hops: int) -> Net:
    """A long path and a direct one that meet; the direct one must wait."""
    net = Net("LIF")
    first = net.dense(net.input(1), 1)
    at = first
    for _ in range(hops):
        at = net.dense(at, 1)
    meeting = net.dense(at, 1)
    net.join(net.linear(first, 1), meeting)
    return net.output(meeting)


def shared_wait(hops: int) -> Net:
    """A long path and one of two hops that meet; either hop of the short one may wait."""
    net = Net("LIF")
    source = net.input(1)
    at = source
    for _ in range(hops):
        at = net.dense(at, 1)
    meeting = net.dense(at, 1)
    net.join(net.linear(net.dense(source, 1), 1), meeting)
    return net.output(meeting)


def heard_together(*sources: int) -> Net:
    """One neuron that hears several inputs: its table and rows are one region each."""
    net = Net("LIF")
    first, *others = (net.input(n) for n in sources)
    at = net.dense(first, 1)
    for other in others:
        net.join(net.linear(other, 1), at)
    return net.output(at)


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
            device="spinnaker2",
            net=lambda: net,
            expect=expect,
            cores=cores,
            error=error,
            **more,  # type: ignore[arg-type]
        )

    yield case("250 neurons on a PE", dense(1, 250), cores=2)
    yield case("251 neurons on two", dense(1, 251), cores=3)
    for sources, n in DENSE.items():
        inputs = -(-sources // 100)
        yield case(f"{n} neurons of {sources} sources", dense(sources, n), cores=inputs + 1)
        yield case(f"{n + 1} neurons of {sources} sources", dense(sources, n + 1), cores=inputs + 2)
    yield case("fan-in of 1597", dense(1597, 1), cores=17)
    yield case("fan-in of 1598", dense(1598, 1), "sram")
    yield case("fan-in of 1597 of four inputs", heard_together(399, 399, 399, 400), cores=17)
    yield case("fan-in of 1598 of four inputs", heard_together(399, 399, 400, 400), "sram")
    yield case("fan-in of 2312", dense(2312, 1), "sram")
    yield case("148 PEs", dense(1, 250 * 147), cores=148)
    yield case("149 PEs", dense(1, 250 * 147 + 1), "cores")
    yield case("149 PEs of two chips", dense(1, 250 * 147 + 1), settings=Settings(chips=2))
    yield case("148 PEs with a bias source", biased(250 * 146), cores=148, error=0)
    yield case("148 PEs, the bias on the membrane", biased(250 * 147), cores=148, error=1)
    yield case("a channel of 256 pixels", conv(1, 18, 1, 3), cores=5, form="conv")
    yield case("two channels of 256 pixels", conv(1, 18, 2, 3), cores=6)
    yield case("4 channels of 64 pixels on a PE", conv(1, 8, 4, 1), cores=2)
    yield case("5 channels of 64 pixels on two", conv(1, 8, 5, 1), cores=3)
    yield case("a channel of 289 pixels, unrolled", conv(1, 17, 1, 1), cores=5, form="sparse")
    yield case("44992 bytes with a kernel", conv(307, 3, 16, 3), cores=29)
    yield case("45136 bytes with a kernel", conv(308, 3, 16, 3), cores=30)
    yield case(
        "a convolution onto CubaLIF, unrolled", conv(1, 5, 2, 3, "CubaLIF"), cores=2, form="sparse"
    )
    yield case("a convolution and an edge, unrolled", mixed(), cores=2, form="sparse")
    yield case("a convolution that would wait, unrolled", conv_skip(), cores=4)
    yield case("delay of 7", delay(7.0))
    yield case("delay of 8", delay(8.0), "latency")
    yield case("paths that differ by 7 steps", long_and_short(7))
    yield case("paths that differ by 8 steps", long_and_short(8), "latency")
    yield case("14 steps to wait in two hops of 7", shared_wait(15))
    yield case("15 steps to wait in two hops of 7", shared_wait(16), "latency")
    recorded = replace(SOFT, steps=1000)
    yield case("40000 bytes of spikes, 24 neurons", dense(64, 24), cores=2, semantics=recorded)
    yield case("40000 bytes of spikes, 25 neurons", dense(64, 25), cores=3, semantics=recorded)
    yield case("1118 recorded steps", dense(1, 1), semantics=replace(SOFT, steps=1117))
    yield case(
        "one recorded step too many", dense(1, 1), "sram", semantics=replace(SOFT, steps=1118)
    )
    yield case("two events a step", dense(2, 2), "input-events", semantics=_counts(2))
    yield case("one event a step", dense(2, 2), semantics=_counts(1))
    for kind in ("IF", "LIF", "CubaLIF"):
        for semantics in (SOFT, HARD):
            name = f"{kind}, reset by {semantics.reset}"
            yield case(
                name, chain(kind, (2, 2)), settings=Settings(exact=True), semantics=semantics
            )
    yield case("v_reset -1, hard", chain("LIF", (2, 2), v_reset=-1.0), semantics=HARD)
    yield case("a time constant of half a step", chain("LIF", (2, 2), tau=0.5), "bad input")
    turning = chain("LIF", (2, 2), tau=0.75)
    yield case("a time constant of 3/4 of a step: the sign turns", turning, "unsupported")
    yield case("a time constant of one step", chain("LIF", (2, 2), tau=1.0))
    yield case("a read-out, on the host", _read_out(), cores=2)
    no_host = Settings(host=False)
    yield case("a read-out with --no-host", _read_out(), "host-stage", settings=no_host)


def _counts(n: int) -> Semantics:
    return replace(SOFT, input_kind=f"counts:{n}")


def _read_out() -> Net:
    net = Net("LIF")
    return net.output(net.linear(net.dense(net.input(2), 2), 3))
