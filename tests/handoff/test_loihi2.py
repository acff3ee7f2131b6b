"""Lava's hand-off: what is built for the chip, with stand-ins for Lava's processes.

What the simulation computes is compared in scripts/sdk_handoff.py with Lava itself.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.handoff.bundles import Shell, convolved, loaded, mapped, recurrent, shell
from tests.handoff.test_bundle import lava_modules

__all__ = ["shell"]


class Port:
    """One end of a connection; `ends`: the processes that it feeds."""

    def __init__(self, owner: Any, shape: tuple[int, ...]) -> None:
        self.owner, self.shape, self.ends = owner, shape, list[Any]()

    def connect(self, other: Port) -> None:
        assert self.shape == other.shape
        self.ends.append(other.owner)

    def reshape(self, shape: tuple[int, ...]) -> Port:
        assert np.prod(shape) == np.prod(self.shape)
        turned = Port(self.owner, shape)
        turned.ends = self.ends
        return turned


class Process:
    """Any Lava process: keeps its arguments, and has the ports that deploy.py uses."""

    def __init__(self, kind: str, **given: Any) -> None:
        self.kind, self.given = kind, given
        shape = tuple(given.get("shape") or np.shape(given.get("data"))[:-1])
        if "weights" in given:
            out, into = np.shape(given["weights"])
            self.s_in, self.a_out = Port(self, (into,)), Port(self, (out,))
        elif kind == "Conv":
            into, kernel = given["input_shape"], np.shape(given["weight"])
            size = [
                (n + 2 * p - k) // s + 1
                for n, p, k, s in zip(
                    into[:2], given["padding"], kernel[1:3], given["stride"], strict=True
                )
            ]
            self.s_in, self.a_out = Port(self, tuple(into)), Port(self, (*size, kernel[0]))
        for port in ("s_out", "a_in", "inp", "out"):
            setattr(self, port, Port(self, shape))
        for name in ("u", "v", "i", "r"):
            setattr(self, name, name)


def lava() -> tuple[dict[str, Any], list[Process]]:
    """Lava's names, and the processes that are made."""
    made: list[Process] = []

    def maker(kind: str) -> Any:
        def make(**given: Any) -> Process:
            made.append(Process(kind, **given))
            return made[-1]

        return make

    kinds = ("ATRLIF", "LIF", "Conv", "Dense", "DelayDense", "Sparse", "Sink", "Source")
    names: dict[str, Any] = {kind: maker(kind) for kind in kinds}
    names["SignMode"] = SimpleNamespace(MIXED="mixed")
    adapters = ("PyToNxAdapter", "NxToPyAdapter")
    names["adapters"] = SimpleNamespace(**{kind: maker(kind) for kind in adapters})
    return names, made


def built(folder: Path, recorded: tuple[int, ...]) -> list[Process]:
    deploy = loaded(folder)
    net = deploy.load(str(folder), "loihi2")
    pieces = {name: deploy.pieces_of(net, name, False) for name in net.populations}
    names, made = lava()
    heard = [list(net.populations)[i] for i in recorded]
    deploy.Built(net, names, pieces, 30, (), heard, True)
    return made


def test_events_pass_adapters_on_the_chip_and_only_outputs_are_recorded(tmp_path: Path) -> None:
    made = built(mapped(recurrent(), "loihi2", tmp_path / "out", reset="zero"), (1,))
    kinds = [process.kind for process in made]
    assert kinds.count("Source") == kinds.count("PyToNxAdapter") == 1
    assert kinds.count("Sink") == kinds.count("NxToPyAdapter") == 1
    for process in made:
        ends = {end.kind for port in ("s_out", "out") for end in getattr(process, port).ends}
        if process.kind == "Source":
            assert ends == {"PyToNxAdapter"}
        elif process.kind == "NxToPyAdapter":
            assert ends == {"Sink"}
        elif process.kind in ("LIF", "ATRLIF", "PyToNxAdapter"):
            assert ends <= {"Dense", "DelayDense", "Sparse", "NxToPyAdapter"} and ends


def test_convolutions_keep_their_exponent_on_the_chip(tmp_path: Path) -> None:
    folder = mapped(convolved(), "loihi2", tmp_path / "out", semantics="sinabs")
    convolutions = [process for process in built(folder, (2,)) if process.kind == "Conv"]
    assert convolutions
    for process in convolutions:
        assert process.given["weight_exp"] >= 0 and process.given["num_weight_bits"] == 8
        assert np.abs(process.given["weight"]).max() <= 256


def test_what_the_chip_needs_besides_is_named(tmp_path: Path, shell: Shell) -> None:
    folder = mapped(recurrent(), "loihi2", tmp_path / "out", reset="zero")
    shell.install("lava-nc", "0.10.0", lava_modules())
    code, _, err = shell.run(folder, "--hardware")
    assert code == 2 and "lava-loihi" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(("key", "value"), [("weight", 3), ("exponent", 9), ("bits", 9)])
def test_what_lava_would_round_or_wrap_is_refused(tmp_path: Path, key: str, value: int) -> None:
    folder = mapped(recurrent(), "loihi2", tmp_path / "out", reset="zero")
    deploy = loaded(folder)
    net = deploy.load(str(folder), "loihi2")
    deploy.check_limits(net)
    row = net.projections[0]
    if key == "weight":
        net.arrays[row["params"]["weight"]] = np.full_like(net.param(row, "weight"), value)
    else:
        row["params"][key] = value
    with pytest.raises(deploy.Stop, match="odd weights" if key == "weight" else "outside"):
        deploy.check_limits(net)
