"""The families of chips, one folder each: everything that a family adds.

A family is found by the name of its folder, which is the `family` of a device's profile.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mapper.families.family import Family


@cache
def family_named(name: str) -> Family:
    """The family whose folder is `name`. Raises ModuleNotFoundError where there is none.

    The only place of the mapper that imports by a name that is data: profiles are checked to
    name a known family when they are loaded.
    """
    return import_module(f"{__name__}.{name}").FAMILY
