"""Xylo: pools, windows, fan-out, pairs, input channels and events, the grid of decays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mapper.problem.settings import Settings
from tests.boundary.build import Net, chain, sparse
from tests.boundary.case import HARD, SOFT, Case

POOLS = {"xylo-audio2": (1000, 8), "xylo-audio3": (992, 32), "xylo-imu": (496, 16)}


def cuba(*sizes: int) -> Net:
    """Dense layers of CubaLIF in a row."""
    return chain("CubaLIF", sizes)


def hidden(n: int) -> Net:
    """n hidden neurons; the first two receive input, the last one drives an output."""
    net = Net("CubaLIF")
    at = net.dense(net.input(1), n, weight=_first(n, 2))
    return net.output(net.dense(at, 1, weight=_last(n, 1)))


def _first(rows: int, count: int) -> np.ndarray:
    """(rows, 1): ones in the first `count`."""
    return (np.arange(rows) < count)[:, None].astype(float)


def _last(columns: int, count: int) -> np.ndarray:
    """(1, columns): ones in the last `count`."""
    return (np.arange(columns) >= columns - count)[None, :].astype(float)


def pairs(n: int, count: int, most: int) -> Net:
    """n hidden neurons with `count` connections among them."""
    net = Net("CubaLIF")
    at = net.dense(net.input(1), n, weight=_first(n, 1))
    net.join(net.linear(at, n, weight=sparse(n, n, count, most)), at)
    return net.output(net.dense(at, 1, weight=_last(n, 1)))


def fan_out(targets: int) -> Net:
    """One hidden neuron that projects to so many others."""
    net = Net("CubaLIF")
    at = net.dense(net.dense(net.input(1), 1), targets)
    return net.output(net.dense(at, 1, weight=_last(targets, 1)))


def receivers(n: int) -> Net:
    """n neurons behind the input, one before the output."""
    net = Net("CubaLIF")
    at = net.dense(net.dense(net.input(1), n), 1, weight=1.0)
    return net.output(net.dense(at, 1))


def drivers(n: int, more: int = 0) -> Net:
    """One neuron behind the input, n before the output, so many more in between."""
    net = Net("CubaLIF")
    at = net.dense(net.input(1), 1)
    weight = _last(n + more, n)
    return net.output(net.dense(net.dense(at, n + more), 1, weight=weight))


def overlap(both: int, neither: int) -> Net:
    """So many neurons that take input and drive outputs, and so many that do neither."""
    net = Net("CubaLIF")
    outer = net.dense(net.input(1), both)
    inner = net.dense(outer, neither, weight=sparse(neither, both, both, 1))
    net.join(net.linear(inner, both, weight=sparse(both, neither, neither, 1)), outer)
    return net.output(net.dense(outer, 1))


def separate(receiving: int, driving: int, neither: int) -> Net:
    """Neurons that only receive, then some in between, then some that only drive."""
    net = Net("CubaLIF")
    at = net.dense(net.input(1), receiving)
    at = net.dense(at, neither, weight=sparse(neither, receiving, receiving, 1))
    at = net.dense(at, driving, weight=sparse(driving, neither, neither, 1))
    return net.output(net.dense(at, 1))


def biased(inputs: int) -> Net:
    """A constant input on a hidden layer."""
    net = Net("CubaLIF")
    return net.output(net.dense(net.dense(net.input(inputs), 4, bias=0.25), 2))


def read_and_relayed() -> Net:
    """15 neurons that leave the chip by relays and drive an output besides, 113 that drive it."""
    net = Net("CubaLIF")
    source = net.input(1)
    first, second = net.dense(source, 15), net.dense(source, 113)
    last = net.dense(first, 1)
    net.join(net.linear(second, 1), last)
    return net.output(first, last)


def partly_heard() -> Net:
    """128 neurons with a bias, 100 of which hear the input; all drive the output."""
    net = Net("CubaLIF")
    at = net.dense(net.input(1), 128, weight=_first(128, 100), bias=0.25)
    return net.output(net.dense(at, 1))


def driven() -> Net:
    """A population that only its leak drives, read by a third layer."""
    net = Net("CubaLIF")
    source = net.input(2)
    third = net.dense(net.dense(net.dense(source, 2), 2), 2)
    alone = net.alone(2, v_leak=2.0)
    net.join(net.linear(alone, 2), third)
    return net.output(third)


def skip() -> Net:
    """A path of two hops and one of one hop that meet."""
    net = Net("CubaLIF")
    first = net.dense(net.input(2), 2)
    second = net.dense(first, 2)
    third = net.dense(second, 2)
    net.join(net.linear(first, 2), third)
    return net.output(third)


def recurrent_output(n: int) -> Net:
    """An output layer that feeds itself: hidden neurons and a relay for each."""
    net = Net("CubaLIF")
    at = net.dense(net.input(2), n)
    net.join(net.linear(at, n), at)
    return net.output(at)


def decays(**taus: float) -> Net:
    """Two layers with other time constants, in steps."""
    return chain("CubaLIF", (2, 2, 2), **taus)


def cases() -> Iterator[Case]:
    """All of them."""
    for device, (most, outputs) in POOLS.items():
        yield from _pools(device, most, outputs)
        yield from _semantics(device)
    yield from _windows("xylo-audio3")
    yield from _windows("xylo-imu")
    yield from _audio2()
    yield from _errors()
    for device in ("xylo-audio3", "xylo-imu"):
        yield _case(device, "31744 pairs", pairs(300, 31744, 300))
        yield _case(device, "31745 pairs", pairs(300, 31745, 300), "recurrent-pairs")
        yield _case(device, "fan-out of 128 is not limited", fan_out(128))


def off_grid() -> Net:
    """Neurons whose time constant, 3 steps, lies between the chip's 2 and 4."""
    net = Net("LIF")
    return net.output(net.dense(net.input(2), 2, tau=3.0))


def _errors() -> Iterator[Case]:
    for most, expect in ((1.0, "fits"), (0.1, "max-error")):
        yield Case(
            name=f"a decay off the grid, --max-error {most}",
            device="xylo-audio2",
            net=off_grid,
            expect=expect,
            settings=Settings(max_error=most),
        )


def _case(device: str, name: str, net: Net, expect: str = "fits") -> Case:
    return Case(name=name, device=device, net=lambda: net, expect=expect)


def _pools(device: str, most: int, outputs: int) -> Iterator[Case]:
    def case(name: str, net: Net, expect: str = "fits", error: int | None = None) -> Case:
        return Case(name=name, device=device, net=lambda: net, expect=expect, error=error)

    yield case("16 input channels", cuba(16, 4, 2))
    yield case("17 input channels", cuba(17, 4, 2), "input-channels")
    yield case("14 input channels and a bias on 2 more", biased(14), error=0)
    yield case("15 input channels, the bias on the membrane", biased(15), error=1)
    yield case(f"{most} hidden neurons", hidden(most))
    yield case(f"{most + 1} hidden neurons", hidden(most + 1), "hidden-neurons")
    yield case(f"{outputs} outputs", cuba(2, 4, outputs))
    yield case(f"{outputs + 1} outputs", cuba(2, 4, outputs + 1), "output-neurons")
    yield case(f"{outputs} recurrent outputs, relayed", recurrent_output(outputs))
    yield case(f"{outputs + 1} recurrent outputs", recurrent_output(outputs + 1), "output-neurons")
    yield case("no hidden layer: identity outputs", cuba(4, 4))
    yield case("paths of different length", skip(), "latency")
    yield case("a population without input, as late as its reader needs", driven())


def _semantics(device: str) -> Iterator[Case]:
    exact = Settings(exact=True)
    allow = Settings(allow=("reset-kind",))
    net, short = decays, replace(SOFT, steps=100)
    rows = (
        ("15 events a step", net, "fits", replace(SOFT, input_kind="counts:15"), Settings()),
        (
            "16 events a step",
            net,
            "input-events",
            replace(SOFT, input_kind="counts:16"),
            Settings(),
        ),
        ("tau_syn of 2 steps: dash 1", lambda: net(tau_syn=2.0), "fits", SOFT, exact),
        ("tau_syn of 1.9 steps", lambda: net(tau_syn=1.9), "exact-only", SOFT, exact),
        ("tau_syn of 1.9 steps, rounded", lambda: net(tau_syn=1.9), "fits", SOFT, Settings()),
        (
            "tau_syn of 1 step, the least dash is 1",
            lambda: net(tau_syn=1.0),
            "max-error",
            SOFT,
            Settings(),
        ),
        ("tau_syn of half a step", lambda: net(tau_syn=0.5), "bad input", SOFT, Settings()),
        ("tau_mem of 2^15 steps: dash 15", lambda: net(tau_mem=2.0**15), "fits", SOFT, exact),
        ("tau_mem of 2^16 steps", lambda: net(tau_mem=2.0**16), "exact-only", short, exact),
        ("hard reset", net, "needs-allow", HARD, Settings()),
        ("hard reset with --allow reset-kind", net, "fits", HARD, allow),
        ("hard reset with --exact", net, "exact-only", HARD, exact),
        ("a threshold that must be exceeded", net, "fits", replace(SOFT, comparison=">"), exact),
        ("a threshold that must be met", net, "fits", replace(SOFT, comparison=">="), exact),
    )
    for name, made, expect, semantics, settings in rows:
        yield Case(
            name=name,
            device=device,
            net=made,
            expect=expect,
            semantics=semantics,
            settings=settings,
        )


def _windows(device: str) -> Iterator[Case]:
    def case(
        name: str,
        net: Net,
        expect: str = "fits",
        neurons: int | None = None,
        error: int | None = None,
    ) -> Case:
        return Case(
            name=name,
            device=device,
            net=lambda: net,
            expect=expect,
            neurons=neurons,
            error=error,
        )

    yield case("128 neurons behind the input", receivers(128))
    yield case("129 neurons behind the input", receivers(129), "input-window")
    yield case("128 neurons before the output", drivers(128), neurons=130)
    yield case("129 neurons before the output: a relay", drivers(129), neurons=132)
    full = POOLS[device][0] - 1
    yield case("129 before the output, room for a relay", drivers(129, full - 130))
    yield case("129 before the output, none left", drivers(129, full - 129), "output-window")
    yield case("128 before the output, none left", drivers(128, full - 128))
    yield case("128 neurons in both windows", cuba(2, 128, 2), neurons=130)
    yield case("129 neurons in both windows", cuba(2, 129, 2), "input-window")
    yield case("56 of 200 in both windows", overlap(56, 144), neurons=201)
    yield case("57 of 200 in both windows: a relay", overlap(57, 143), neurons=202)
    yield case("1 of 255 in both windows", overlap(1, 254), neurons=256)
    yield case("1 of 256 in both windows: a relay", overlap(1, 255), neurons=258)
    yield case("1 in both windows, room for a relay", overlap(1, full - 1))
    yield case("1 in both windows, none left", overlap(1, full), "window-overlap")
    yield case("128 drivers, 15 of them relayed", read_and_relayed(), neurons=144)
    yield case("a bias on neurons that hear no input", partly_heard(), error=0, neurons=129)
    yield case("128 behind the input, 128 before the output", separate(128, 128, 30))


def _audio2() -> Iterator[Case]:
    def case(name: str, net: Net, expect: str = "fits") -> Case:
        return Case(name=name, device="xylo-audio2", net=lambda: net, expect=expect)

    yield case("fan-out of 64", fan_out(64))
    yield case("fan-out of 65", fan_out(65), "fan-out")
    yield case("32000 pairs", pairs(501, 32000, 64))
    yield case("32001 pairs", pairs(501, 32001, 64), "recurrent-pairs")
    yield case("no windows: 300 behind the input", cuba(2, 300, 2))
