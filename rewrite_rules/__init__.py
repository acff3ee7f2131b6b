"""Rewrites of a network's equations. A rule is a module of this folder with a `RULE`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rewrite_rules.rule import Rule


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
