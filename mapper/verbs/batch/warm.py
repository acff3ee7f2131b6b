"""Everything that jobs need, imported at once, so that no job pays for it."""

from __future__ import annotations

import device_profiles.load as profiles
import mapper.emulate.layers as layers
import mapper.report.facts as facts
import mapper.solving.explain as explain
import mapper.solving.solve.cpsat as cpsat
import mapper.verbs.deliver as deliver
import nir_io.reader as reader
from device_profiles.families import family_names
from mapper.families import family_named

MODULES = (profiles, layers, facts, explain, cpsat, deliver, reader)
FAMILIES = tuple(family_named(name) for name in family_names())
