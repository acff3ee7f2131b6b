"""Arrays whose element type is said by the code around them, or is read from a file."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

AnyArray = NDArray[Any]
