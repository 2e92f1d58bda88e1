"""Products of places with a few directions, the same to the last bit however many places are taken at once."""

from __future__ import annotations

import numpy as np


def products(points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return `(n, m)` scalar products of `(n, 2 or 3)` points and `(m, 2 or 3)` directions.

    A matrix product would add up in another order for another number of rows, and in threads for two or three columns.
    """
    found = points[:, :1] * directions[:, 0]
    for axis in range(1, points.shape[1]):
        found += points[:, axis:axis + 1] * directions[:, axis]
    return found
