"""Speck: memories of each class of cores, geometry, destinations, relays, splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mapper.problem.settings import Settings
from tests.boundary.build import Net, chain
from tests.boundary.case import HARD, Case

DVS = Settings(entry="dvs")


def branches(channels: int, count: int) -> Net:
    """`count` layers of one neuron, each of channels x 256 kernel words, that cannot be split."""
    net = Net()
    source = net.input(channels, 16, 16)
    return net.output(*(net.conv(source, 1, 16) for _ in range(count)))


def conv(side: int, k: int | tuple[int, int], channels: int = 1, **more: object) -> Net:
    """One convolution on a map of one channel."""
    net = Net()
    return net.output(net.conv(net.input(1, side, side), channels, k, **more))


def merged(first: int, second: int) -> Net:
    """Two sources of so many channels that meet in one layer."""
    net = Net()
    a, b = net.input(first, 2, 2), net.input(second, 2, 2)
    meeting = net.conv(a, 1, 1)
    net.join(net.kernel(b, 1, 1), meeting)
    return net.output(meeting)


def meeting(side: int, k: int) -> Net:
    """A kernel of 3 on a map of 4 x 4, and one of k on another map, that meet."""
    net = Net()
    a, b = net.input(1, 4, 4), net.input(1, side, side)
    at = net.conv(a, 1, 3)
    net.join(net.kernel(b, 1, k), at)
    return net.output(at)


def fan(consumers: int, depth: int = 1) -> Net:
    """`depth` layers in a row, the last of which feeds so many."""
    net = Net()
    at = net.input(2, 4, 4)
    for _ in range(depth):
        at = net.conv(at, 2, 1)
    return net.output(*(net.conv(at, 2, 1) for _ in range(consumers)))


def pooled(side: int, pool: int, k: int, after: str = "conv") -> Net:
    """A layer, pooling, and a convolution or a dense layer."""
    net = Net()
    at = net.pool(net.conv(net.input(1, side, side), 1, 1), pool)
    return net.output(net.conv(at, 1, k) if after == "conv" else net.dense(at, 2))


def loop() -> Net:
    """A layer that feeds itself."""
    net = Net()
    at = net.dense(net.input(2), 2)
    net.join(net.linear(at, 2), at)
    return net.output(at)


def host_fed(layers: int) -> Net:
    """So many layers on one input."""
    net = Net()
    source = net.input(2, 8, 8)
    return net.output(*(net.conv(source, 2, 3) for _ in range(layers)))


def residual(downsample: str) -> Net:
    """A strided convolution and a shortcut that meet in one layer."""
    net = Net()
    source = net.conv(net.input(1, 16, 16), 2, 1)
    meeting = net.conv(source, 2, 2, stride=2)
    if downsample == "pool":
        net.join(net.kernel(net.pool(source, 2), 2, 1), meeting)
    else:
        net.join(net.kernel(source, 2, 1, stride=2), meeting)
    return net.output(meeting)


def relayed_maps() -> Net:
    """Three layers that need the three largest cores, one of which feeds three that pool by 4."""
    net = Net()
    source = net.input(1, 64, 64)
    first, *others = (net.conv(source, 16, 1) for _ in range(3))
    return net.output(*others, *(net.conv(net.pool(first, 4), 1, 1) for _ in range(3)))


def delayed() -> Net:
    """A dense layer behind a delay."""
    net = Net()
    return net.output(net.dense(net.input(2), 2, delay=1.0))


def cases() -> Iterator[Case]:
    """All of them; the shorter list for speck2e, whose limits are the same."""
    for device in ("speck2e", "speck2f"):
        yield from _memories(device)
        yield from _wires(device)
    yield from _geometry()
    yield from _neurons()


def _memories(device: str) -> Iterator[Case]:
    def case(name: str, net: Net, expect: str = "fits", cores: int | None = None) -> Case:
        return Case(name=name, device=device, net=lambda: net, expect=expect, cores=cores)

    for channels, count in ((64, 9), (128, 4), (256, 2)):
        words = channels * 256
        yield case(
            f"{count} layers of {words} kernel words", branches(channels, count), cores=count
        )
        more = "cores" if count == 9 else "one-slice-a-core"
        yield case(
            f"{count + 1} layers of {words} kernel words", branches(channels, count + 1), more
        )
    yield case("9 layers of 16640 kernel words", branches(65, 9), "one-slice-a-core")
    yield case("4 layers of 16640 kernel words", branches(65, 4), cores=4)
    yield case("5 layers of 16640 kernel words", branches(65, 5), "one-slice-a-core")
    yield case("3 layers of 33024 kernel words", branches(129, 3), "one-slice-a-core")
    yield case("65792 kernel words that cannot be split", branches(257, 1), "kernel-memory")
    yield case("65536 neuron words", conv(64, 1, 16), cores=1)
    yield case("69632 neuron words, split", conv(64, 1, 17), cores=2)
    yield case("196608 neuron words on the 3 largest cores", conv(64, 1, 48), cores=3)
    yield case("200704 neuron words", conv(64, 1, 49), "one-slice-a-core")
    yield case("784-128-10: 2 x 64 on cores 5 and 6", chain("IF", (784, 128, 10)), cores=3)
    yield case("784-256-10", chain("IF", (784, 256, 10)), "one-slice-a-core")


def _wires(device: str) -> Iterator[Case]:
    def case(name: str, net: Net, expect: str = "fits", cores: int | None = None) -> Case:
        return Case(name=name, device=device, net=lambda: net, expect=expect, cores=cores)

    yield case("9 layers", chain("IF", (2,) * 10), cores=9)
    yield case("10 layers", chain("IF", (2,) * 11), "cores")
    yield case("2 consumers", fan(2), cores=3)
    yield case("3 consumers, one core more", fan(3), cores=5)
    yield case("6 consumers of a layer that the host copies", fan(6), cores=9)
    yield case("7 consumers", fan(7), "cores")
    yield case("5 consumers of a second layer", fan(5, 2), cores=9)
    yield case("6 consumers of a second layer", fan(6, 2), "cores")


def _geometry() -> Iterator[Case]:
    def case(
        name: str,
        net: Net,
        expect: str = "fits",
        cores: int | None = None,
        settings: Settings | None = None,
    ) -> Case:
        return Case(
            name=name,
            device="speck2f",
            net=lambda: net,
            expect=expect,
            cores=cores,
            settings=settings or Settings(),
        )

    yield case("kernel of 16", conv(32, 16))
    yield case("kernel of 17", conv(33, 17), "kernel-size")
    yield case("stride 8", conv(32, 8, stride=8))
    yield case("stride 4", conv(32, 4, stride=4))
    yield case("stride 3", conv(33, 3, stride=3), "stride")
    yield case("stride 16", conv(64, 16, stride=16), "stride")
    yield case("stride 3 of a single window", conv(5, 5, stride=3))
    yield case("padding 7", conv(20, 16, pad=7))
    yield case("padding 8", conv(20, 16, pad=8), "padding")
    yield case("output map of 64", conv(64, 1))
    yield case("output map of 65", conv(65, 1), "output-map")
    yield case("input map of 128", conv(128, 2, stride=2))
    yield case("input map of 129", conv(129, 2, stride=2), "input-map")
    yield case("1024 output channels", chain("IF", (1, 1024)), cores=1)
    yield case("1025 output channels, split", chain("IF", (1, 1025)), cores=2)
    yield case("1024 input channels", merged(512, 512), cores=1)
    yield case("1025 input channels", merged(512, 513), "input-features")
    yield case("dilation 2 of 8 taps", conv(32, 8, dilation=2))
    yield case("dilation 2 of 9 taps", conv(33, 9, dilation=2), "kernel-size")
    yield case("dilation 2 of 9 taps onto one pixel", conv(17, 9, dilation=2), "kernel-size")
    yield case("3 x 5 kernel", conv(9, (3, 5), pad=(1, 1, 2, 2)))
    yield case("3 x 4 kernel, nothing to spare", conv(9, (3, 4)), "unsupported")
    yield case("3 x 4 kernel, a row to spare", conv(9, (3, 4), stride=4))
    yield case("groups", _groups())
    yield case("two maps of 4 x 4 meet", meeting(4, 3), cores=1)
    yield case("maps of 4 x 4 and 2 x 2 meet", meeting(2, 1), "merge-shape")
    yield case("padding of one side, by a zero row", conv(8, 3, pad=(0, 1, 0, 1)))
    yield case("padding 4 more on one side, by zero rows", conv(8, 3, pad=(0, 4, 0, 4)))
    yield case("padding 8 more on one side", conv(8, 3, pad=(0, 8, 0, 8)), "padding")
    for pool in (1, 2, 4):
        yield case(f"pool {pool}", pooled(16, pool, 2), cores=2)
    yield case("pool 8, half of it in the kernel", pooled(32, 8, 2), cores=2)
    yield case("pool 3 in front of several windows", pooled(12, 3, 2), "stride")
    yield case("pool 3 in front of one window", pooled(12, 3, 4), cores=2)
    yield case("pool 3 in front of a dense layer", pooled(12, 3, 0, "dense"), cores=2)
    yield case("pool 5 in front of a kernel of 4: 20 pixels", pooled(20, 5, 4), "kernel-size")
    yield case("a dense layer on 16 x 16", _dense_on(16, 16), cores=1)
    yield case("a dense layer on 17 x 17", _dense_on(17, 17), "kernel-size")
    yield case("a dense layer on 4 x 6", _dense_on(4, 6), cores=1)
    yield case("a dense layer on 4 x 5, stride 2 for the odd row", _dense_on(4, 5), cores=1)
    yield case("two strided paths meet", residual("stride"), cores=2)
    yield case("a pooled shortcut meets a strided path", residual("pool"), cores=2)
    yield case("recurrence", loop(), "recurrence")
    yield case("a delay", delayed(), "unsupported")
    yield case("a relay of 16 x 16 pooled from 64 x 64", relayed_maps(), cores=7)
    yield case("2 layers on the sensor", host_fed(2), cores=2, settings=DVS)
    yield case("3 layers on the sensor", host_fed(3), "dvs-destinations", settings=DVS)
    yield case("3 layers on the host", host_fed(3), cores=3)


def _groups() -> Net:
    net = Net()
    return net.output(net.conv(net.input(2, 4, 4), 2, 3, groups=2))


def _dense_on(high: int, wide: int) -> Net:
    net = Net()
    return net.output(net.dense(net.input(1, high, wide), 3))


def _neurons() -> Iterator[Case]:
    thresholds = {"v_threshold": [[[1.0]], [[2.0]]]}

    def per_channel() -> Net:
        net = Net()
        return net.output(net.conv(net.input(1, 3, 3), 2, 1, **thresholds))

    def per_neuron() -> Net:
        net = Net()
        return net.output(net.conv(net.input(1, 3, 3), 2, 1, v_threshold=[1.0, 2.0, 4.0]))

    def biased() -> Net:
        net = Net()
        return net.output(net.conv(net.input(1, 3, 3), 2, 1, bias=[0.5, 0.25]))

    def of(kind: str, **params: float) -> Net:
        return chain(kind, (2, 2), **params)

    def read_out() -> Net:
        net = Net()
        return net.output(net.dense(net.dense(net.input(2), 2), 2, kind="LI"))

    allow, no_host = Settings(allow=("lif-to-if",)), Settings(host=False)
    rows = (
        ("thresholds differ by channel", per_channel, "fits", HARD, Settings()),
        ("thresholds differ within a channel", per_neuron, "unsupported", HARD, Settings()),
        ("a bias a channel", biased, "fits", HARD, Settings()),
        ("hard reset to 0", lambda: of("IF"), "fits", HARD, Settings()),
        ("hard reset to -1", lambda: of("IF", v_reset=-1.0), "fits", HARD, Settings()),
        ("LIF", lambda: of("LIF"), "needs-allow", HARD, Settings()),
        ("LIF with --allow lif-to-if", lambda: of("LIF"), "fits", HARD, allow),
        ("CubaLIF", lambda: of("CubaLIF"), "unsupported", HARD, allow),
        ("a read-out, on the host", read_out, "fits", HARD, Settings()),
        ("a read-out with --no-host", read_out, "unsupported", HARD, no_host),
    )
    for says, dt, expect in (
        ("10 Hz", 0.1, "fits"),
        ("9 Hz", 1 / 9, "slow-clock"),
        ("10 kHz", 1e-4, "fits"),
        ("11 kHz", 1 / 11e3, "slow-clock"),
    ):
        slow = replace(HARD, chip_dt=dt)
        rows += ((f"a bias at {says}", biased, expect, slow, Settings()),)
    slow = replace(HARD, chip_dt=10.0)
    rows += (("no bias at 0.1 Hz", lambda: of("IF"), "fits", slow, Settings()),)
    for name, net, expect, semantics, settings in rows:
        yield Case(
            name=name,
            device="speck2f",
            net=net,
            expect=expect,
            semantics=semantics,
            settings=settings,
        )
