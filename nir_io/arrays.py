"""Arrays whose element type is said by the code around them, or is read from a file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]
AnyDtype = np.dtype[Any]
FloatType = type[np.float32] | type[np.float64]
Floats = NDArray[np.floating[Any]]  # float32 or float64, as the code around them says
