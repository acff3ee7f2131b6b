"""Devices as shipped, but a few cores and little memory, so that limits bite on small networks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from device_profiles.load import parse
from device_profiles.profile import Profile

Memory = tuple[int, int, int]  # kernel words, neuron words, biases of one core


@cache
def _shipped(name: str) -> str:
    text = (files("device_profiles") / "chips" / f"{name}.toml").read_text()
    return re.sub(r", optimistic = [^,}]+", "", text)


def changed(name: str, values: Mapping[str, int]) -> str:
    """The profile's text with other numbers; every key must be there."""
    text = _shipped(name)
    for key, value in values.items():
        text, count = re.subn(rf"(?m)^({key} = {{ value = )[^,]+", rf"\g<1>{value}", text)
        if not count:
            raise KeyError(f"{name} has no number '{key}'")
    return text


def xylo(name: str, **values: int) -> str:
    """A Xylo with other pools."""
    return changed(name, values)


def loihi2(cores: int, **values: int) -> str:
    """A Loihi 2 of `cores` cores."""
    text = changed("loihi2", {"cores_per_chip": cores, **values})
    return text.replace("last = 119", f"last = {cores - 1}")


def spinnaker2(pes: int, **values: int) -> str:
    """A SpiNNaker2 of `pes` PEs."""
    text = changed("spinnaker2", {"pes_per_chip": pes, **values})
    return text.replace("last = 148", f"last = {pes}")


def speck(cores: Sequence[Memory], **values: int) -> str:
    """A Speck with these cores, each a class of its own."""
    text = changed("speck2f", {"cores_per_chip": len(cores), **values})
    head, tail = text[: text.index("[[core]]")], text[text.index("[lists]") :]
    rows = [
        f'[[core]]\nname = "{chr(65 + i)}"\nids = [{i}]\n'
        + "".join(
            f'{key} = {{ value = {value}, unit = "{unit}", source = "memory", confidence = "published" }}\n'
            for key, unit, value in zip(
                ("kernel_memory", "neuron_memory", "bias_memory"),
                ("weights", "neurons", "biases"),
                core,
                strict=True,
            )
        )
        for i, core in enumerate(cores)
    ]
    return head + "\n".join(rows) + "\n" + tail


def profile(text: str) -> Profile:
    """The profile of a text. Raises ProfileError."""
    return parse(text.encode(), "small")
