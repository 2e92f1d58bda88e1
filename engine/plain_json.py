"""Values as JSON can hold them."""

from __future__ import annotations

import math
from typing import Any, Mapping

import numpy as np


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: what is not finite becomes null, arrays become lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
