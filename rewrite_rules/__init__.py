"""Rewrites of a network's equations. A rule is a module of this folder with a `RULE`."""

from __future__ import annotations

from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rewrite_rules.rule import Rule
    from rewrite_rules.stage import Stage


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, sorted by module name: there is no registry to edit."""
    names = sorted(module.name for module in iter_modules(__path__))
    modules = [import_module(f"{__name__}.{name}") for name in names]
    return tuple(module.RULE for module in modules if hasattr(module, "RULE"))


def rule_named(name: str) -> Rule:
    """The rule of that name. Raises KeyError with the names that there are."""
    for one in rules():
        if one.name == name:
            return one
    raise KeyError(f"no rule '{name}'; there are: {', '.join(one.name for one in rules())}")


@cache
def rules_of(*stages: Stage) -> tuple[Rule, ...]:
    """The rules of any of `stages`, each behind those that its `after` names."""
    return tuple(one for one in in_order(rules()) if set(one.stages) & set(stages))


def in_order(found: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """`found` such that each rule is behind those that its `after` names; else by name.

    Raises CycleError (ValueError) for rules that wait for each other, KeyError for a name in
    `after` that no rule has.
    """
    by_name = {one.name: one for one in found}
    waiting = TopologicalSorter({one.name: one.after for one in found})
    waiting.prepare()
    order: list[str] = []
    while waiting.is_active():
        ready = sorted(waiting.get_ready())
        waiting.done(*ready)
        order += ready
    return tuple(by_name[name] for name in order)
