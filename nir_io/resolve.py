"""Settings of the update rule, each from the first that tells it: option, sidecar, file, default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

from nir_io.errors import BadInput
from nir_io.exporters import evidence_for, recognise
from nir_io.graph import IF, LIF, CubaLIF, Delay, Graph, I
from nir_io.presets import PRESETS, Setting
from nir_io.raw import printable
from nir_io.semantics import DEFAULTS, Semantics
from nir_io.settings import SETTINGS, Origin, parsed, spelled
from nir_io.sidecar import Sidecar, entry_for
from nir_io.suspicions import largest_kick, time_constants

STEPS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)  # time steps in use, for messages


METADATA: Mapping[str, str] = MappingProxyType({"dt": "file_dt"})


Given = Mapping[str, Setting]


def resolve(
    graph: Graph,
    *,
    preset: str | None = None,
    overrides: Mapping[str, Setting] = MappingProxyType({}),
    sidecar: Sidecar | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Semantics:
    """The semantics of `graph`, each setting with where it comes from.

    Order: `overrides`, then `preset` (both 'option'); the entry of `sidecar` for `path`;
    metadata of the file; what its exporter is known to do; a default for what changes
    little. A time step and a reset that matter have no default. Raises BadInput with
    every finding: wrong values, missing settings, a time step that forward Euler cannot
    take.
    """
    says = f"{printable(os.fspath(path), 200)}: " if path is not None else ""
    findings: list[str] = []
    layers = _layers(graph, preset, overrides, sidecar, path, findings)
    chosen: dict[str, Setting] = {}
    origins: dict[str, Origin] = {}
    in_steps = False
    for origin, source, given, steps in layers:
        for key, value in given.items():
            if key in origins:
                continue
            try:
                chosen[key] = parsed(key, value)
                origins[key] = origin
                in_steps = (in_steps or steps) if key == "file_dt" else in_steps
            except ValueError as error:
                origins[key] = origin
                findings.append(f"{says}{source}: {error}")
    if chosen.get("reset") == "zero" and chosen.get("spikes") == "many":
        if "spikes" in {spelled(key) for key in overrides}:
            findings.append(f"{says}several spikes a step need the reset 'subtract', not 'zero'")
        chosen["spikes"], origins["spikes"] = "one", "default"
    if not findings:
        findings += [f"{says}{text}" for text in _missing(graph, chosen)]
    if not findings:
        findings += [f"{says}{text}" for text in _too_coarse(graph, chosen)]
    if findings:
        raise BadInput(findings)
    for key, value in DEFAULTS.items():
        if key not in chosen:
            chosen[key], origins[key] = value, "default"
    if "chip_dt" not in chosen:
        chosen["chip_dt"] = None if in_steps else chosen["file_dt"]
        origins["chip_dt"] = "default" if in_steps else origins["file_dt"]
    told = tuple((key, origins[key]) for key in SETTINGS)
    return Semantics(**chosen, origins=told)  # pyright: ignore[reportArgumentType]


def _layers(
    graph: Graph,
    preset: str | None,
    overrides: Mapping[str, Setting],
    sidecar: Sidecar | None,
    path: str | os.PathLike[str] | None,
    findings: list[str],
) -> list[tuple[Origin, str, Given, bool]]:
    """(origin, how to call it, settings, whether a file_dt in it counts steps), best first."""
    layers: list[tuple[Origin, str, Given, bool]] = []
    layers.append(("option", "option", {spelled(key): overrides[key] for key in overrides}, False))
    if preset is not None:
        layers += _of_preset(graph, "option", "option semantics", preset, findings)
    entry = None if sidecar is None or path is None else entry_for(sidecar, path)
    if entry is not None:
        own = {spelled(key): value for key, value in entry.items() if key != "semantics"}
        layers.append(("sidecar", "sidecar", own, False))
        if "semantics" in entry:
            name = str(entry["semantics"])
            layers += _of_preset(graph, "sidecar", "sidecar", name, findings)
    stored = {METADATA.get(key, key): value for key, value in graph.metadata.items()}
    kept = {key: value for key, value in stored.items() if key in SETTINGS}
    layers.append(("metadata", "metadata of the file", kept, False))
    hard = [node for node in graph.of_kind(IF, LIF, CubaLIF) if node.v_reset.any()]
    if hard:  # no framework writes a v_reset other than 0 and then subtracts
        layers.append(("exporter", "v_reset", {"reset": "zero"}, False))
    found = recognise(graph)
    if found is not None:
        steps = PRESETS[found.framework].in_steps and found.settings.get("file_dt") == 1.0
        layers.append(("exporter", found.framework, found.settings, steps))
    return layers


def _of_preset(
    graph: Graph, origin: Origin, source: str, name: str, findings: list[str]
) -> list[tuple[Origin, str, Given, bool]]:
    """The layers of a preset; a step that can be read off the parameters goes first."""
    if name not in PRESETS:
        findings.append(
            f"{source}: there are no semantics '{printable(name)}'; there are: {', '.join(PRESETS)}"
        )
        return []
    found = evidence_for(graph, name)
    dt = None if found is None else found.settings.get("file_dt")
    read: Given = {} if dt is None else {"file_dt": dt}
    steps = PRESETS[name].in_steps
    return [
        (origin, source, read, steps and dt == 1.0),
        (origin, source, PRESETS[name].settings, steps),
    ]


def _missing(graph: Graph, chosen: Given) -> list[str]:
    """Sentences on what must be known and is not, with what each choice leads to."""
    found: list[str] = []
    constants = time_constants(graph)
    delays = [node for node in graph.of_kind(Delay) if node.delay.any()]
    rates = chosen.get("integrator") == "per-time" and any(graph.of_kind(I, IF))
    if chosen.get("file_dt") is None and (constants or delays or rates):
        what = "the step that its time constants and delays were written for"
        leads = ""
        if constants:
            name, field, least, _ = constants[0]
            decay = [(dt, 1.0 - dt / least) for dt in STEPS if dt < least][-3:]
            leads = f" The fastest is {field} of '{name}', {least:g};" + "".join(
                f" file_dt {dt:g} would leave {kept:.4g} of it a step," for dt, kept in decay
            )
            leads = leads.rstrip(",;") + "."
        found.append(
            f"file_dt is not known: {what}.{leads} Give --file-dt or --semantics, or a line in "
            "the sidecar file"
        )
    if "reset" not in chosen and any(graph.of_kind(IF, LIF, CubaLIF)):
        dt = chosen.get("file_dt")
        kick = largest_kick(graph, dt if isinstance(dt, float) else None)
        lost = f" (up to {kick[1]:.3g} of it in '{kick[0]}', after one input spike)" if kick else ""
        found.append(
            "reset is not known: with 'zero' (NIR's text: v = v_reset) what exceeds the threshold "
            f"is lost at a spike{lost}, with 'subtract' (v -= v_threshold, the default of "
            "snnTorch, sinabs, rockpool, spyx) it is kept; the file does not say which it was "
            "trained with. Give --reset or --semantics, or a line in the sidecar file"
        )
    return found


def _too_coarse(graph: Graph, chosen: Given) -> list[str]:
    """Time constants at which forward Euler is no decay: |1 - dt / tau| is not below 1."""
    dt = chosen.get("file_dt")
    rule = chosen.get("discretization", DEFAULTS["discretization"])
    if not isinstance(dt, float) or rule != "forward-euler":
        return []
    return [
        f"{field} of '{name}' is {least:g}, not above half the step file_dt {dt:g}: forward Euler "
        f"would multiply by {1 - dt / least:.3g} a step, which is no decay. Was the file written for "
        "another step (--file-dt), or another --discretization?"
        for name, field, least, _ in time_constants(graph)
        if dt >= 2 * least
    ]
