"""Where this program lies, wherever in it a file stands."""

from __future__ import annotations

from pathlib import Path

import mapper

ROOT = Path(mapper.__file__).resolve().parents[1]  # the folder that holds all packages
PACKAGES = ("device_profiles", "mapper", "nir_io", "rewrite_rules")
