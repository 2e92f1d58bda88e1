"""The rows that a training learns from, as far as every objective needs to know them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Gathered:
    """Rows that have a place: `points` `(n, 2)` in the CRS of `wkt`, `places` `(n, 2)` longitudes and latitudes."""

    name: str
    points: np.ndarray
    wkt: str
    places: np.ndarray

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.places)
