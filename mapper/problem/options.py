"""What a caller may set, by name: settings of the update rule, and of the mapping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import SupportsFloat, cast

from device_profiles.profile import Profile
from mapper.problem.settings import Settings
from nir_io.errors import BadInput
from nir_io.presets import Setting
from nir_io.raw import printable
from nir_io.settings import SETTINGS as SEMANTICS

OBJECTIVES = ("error", "cores", "traffic")
SOLVERS = ("cp-sat", "exhaustive")
ENTRIES = ("host", "dvs")
EVALUATIONS = 60  # of a calibration, where nothing is said
MOST_SEED = 2**31 - 1  # ortools, SatParameters.random_seed is an int32


def split(options: Mapping[str, object]) -> tuple[dict[str, Setting], dict[str, object]]:
    """(settings of Semantics, settings of Settings); those that are None are left out.

    Raises BadInput for a name that neither has.
    """
    own = tuple(field.name for field in fields(Settings))
    wrong = [name for name in options if name not in SEMANTICS and name not in own]
    if wrong:
        raise BadInput(
            [
                f"there is no option '{printable(name)}'; there are: {', '.join((*SEMANTICS, *own))}"
                for name in wrong
            ]
        )
    given = {name: value for name, value in options.items() if value is not None}
    return (
        {name: _setting(value) for name, value in given.items() if name in SEMANTICS},
        {name: value for name, value in given.items() if name in own},
    )


def _setting(value: object) -> Setting:
    return value if isinstance(value, str | int | float) else str(value)


def settings_of(options: Mapping[str, object], profile: Profile) -> Settings:
    """Settings with every value checked. Raises BadInput with all findings."""
    findings: list[str] = []
    made: dict[str, object] = {}
    for name, value in options.items():
        try:
            made[name] = PARSERS[name](value)
        except (ValueError, TypeError) as error:
            findings.append(f"option {name}: {error}")
    settings = replace(Settings(), **made)
    findings += _device_findings(settings, profile)
    if findings:
        raise BadInput(findings)
    return settings


def _device_findings(made: Settings, profile: Profile) -> list[str]:
    """What the device cannot do, whatever the network."""
    findings: list[str] = []
    chips, bits = made.chips, made.weight_bits
    boards = profile.lists.get("chips_on_board")
    largest = max((int(n) for n in boards.values), default=1) if boards else 1
    if chips > largest:
        findings.append(
            f"option chips: is {chips}; systems of {profile.name} have at most {largest}"
        )
    legal = profile.lists.get("weight_bits_legal")
    if bits is not None and legal is None:
        findings.append(f"option weight_bits: {profile.name} leaves no choice of bits a weight")
    elif bits is not None and legal is not None and bits > max(map(int, legal.values)):
        most = max(map(int, legal.values))
        findings.append(f"option weight_bits: is {bits}; {profile.name} stores at most {most}")
    if made.entry == "dvs" and "dvs_destinations" not in profile.limits:
        findings.append(f"option entry: is 'dvs'; {profile.name} has no sensor on its chip")
    return findings


def candidates(value: object, calibrating: bool) -> int:
    """The most candidates that a calibration may run. Raises BadInput."""
    if value is None:
        return EVALUATIONS
    if not calibrating:
        raise BadInput(["option evaluations: is for a calibration; add --calibrate FILE"])
    try:
        return _whole(1, 1_000_000)(value)
    except ValueError as error:
        raise BadInput([f"option evaluations: {error}"]) from error


def _allow(value: object) -> tuple[str, ...]:
    from rewrite_rules import rules

    names = (value,) if isinstance(value, str) else _texts(value)
    known = {rule.name for rule in rules()}
    wrong = [name for name in names if name not in known]
    if wrong:
        raise ValueError(
            f"there is no rule {', '.join(repr(printable(name)) for name in wrong)}; "
            "`nirmap rules` lists them"
        )
    return tuple(dict.fromkeys(names))


def _objective(value: object) -> tuple[str, ...]:
    texts = value.split(",") if isinstance(value, str) else _texts(value)
    names = tuple(part.strip() for part in texts)
    wrong = [name for name in names if name not in OBJECTIVES]
    if wrong or len(set(names)) != len(names) or not names:
        raise ValueError(
            f"is '{printable(','.join(names))}'; expected some of {', '.join(OBJECTIVES)}, "
            "each once, the most important first"
        )
    rest = tuple(name for name in OBJECTIVES if name not in names)
    return (*names, *rest)


def _texts(value: object) -> tuple[str, ...]:
    """The names of a list. Raises ValueError for what is none."""
    if not isinstance(value, Iterable):
        raise ValueError(f"is {printable(repr(value))}; expected a list of names")
    return tuple(str(name) for name in cast(Iterable[object], value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"is {value!r}; expected True or False")
    return value


def _one_of(choices: tuple[str, ...]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(f"is '{printable(str(value))}'; expected {' or '.join(choices)}")
        return str(value)

    return parse


def _whole(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        number = _number(value)
        if number != int(number) or not least <= number <= most:
            raise ValueError(f"is {value}; expected a whole number from {least} to {most}")
        return int(number)

    return parse


def _real(least: float, most: float) -> Callable[[object], float]:
    def parse(value: object) -> float:
        number = _number(value)
        if not least <= number <= most:
            raise ValueError(f"is {value}; expected a number from {least:g} to {most:g}")
        return number

    return parse


def _number(value: object) -> float:
    if not isinstance(value, SupportsFloat | str):
        raise ValueError(f"is '{printable(str(value))}'; expected a number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"is '{printable(str(value))}'; expected a number") from None
    if not math.isfinite(number):
        raise ValueError(f"is {value}; expected a finite number")
    return number


PARSERS: Mapping[str, Callable[[object], object]] = {
    "max_error": _real(0.0, 1e6),
    "allow": _allow,
    "exact": _flag,
    "host": _flag,
    "published_only": _flag,
    "chips": _whole(1, 100_000),
    "entry": _one_of(ENTRIES),
    "weight_bits": _whole(1, 16),
    "objective": _objective,
    "budget": _real(1e-6, 1e9),
    "seed": _whole(0, MOST_SEED),
    "solver": _one_of(SOLVERS),
}
